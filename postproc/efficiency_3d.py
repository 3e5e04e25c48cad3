"""Samplers, table and figure of the masked 3-D comparison from the score files of windbridge evaluate (doc/efficiency.rst).

    python3 efficiency_3d.py OUT/scores --choose OUT/chosen.txt
    python3 efficiency_3d.py OUT/scores --chosen OUT/chosen.txt --table OUT/efficiency_3d.csv --figure OUT/efficiency_3d.png

Folders in OUT/scores are SPLIT.PROCESS.SEED.SAMPLER.EVALUATIONS (jobscripts/efficiency_3d.sh). RMSE and CRPS are ratios to
interpolation's, averaged over T, u, v, w: 1 is interpolation, less is better. Deviations: over the seeds of training (each
averaged over runs) and over the test runs (each averaged over seeds). Spectra: of all runs of a file together.
"""
import argparse
import glob
import json
import os

import numpy as np

from efficiency_table import NAMES, compare, label_of, plot, write_table

VARIABLES = ("T", "u", "v", "w")


def spectral_error(spectra):
    """Mean of |ln(E member / E truth)| over heights, variables and wavelengths from 160 to 10 m."""
    waves = np.array(spectra["wavelength_m"], dtype=float)
    keep = (waves <= 160) & (waves >= 10)
    ratios = [np.array(level[v]["member"])[keep] / np.array(level[v]["truth"])[keep]
              for level in spectra["levels"] for v in VARIABLES]
    return float(np.abs(np.log(np.maximum(ratios, 1e-12))).mean())


def numbers(path):
    """A row a run: [RMSE ratios of T u v w, CRPS ratios, spread/skill, spectral error], all air cells."""
    with open(path, encoding="utf-8") as file:
        s = json.load(file)
    rows = []
    for run in s["cases"]:
        scores = run["scores"]["all"]
        ours, base = ([scores[v][m] for v in VARIABLES] for m in ("bridge", "interpolation"))
        rows.append([a[k] / b[k] for k in ("rmse", "crps") for a, b in zip(ours, base)] + [a["spread_skill"] for a in ours] +
                    [spectral_error(s["spectra"])])
    return np.array(rows)


def read(folder, split):
    """{(process, sampler, evaluations): (seeds, runs, 13 numbers)}"""
    scores = {}
    for path in sorted(glob.glob(os.path.join(folder, f"{split}.*", "scores.json"))):
        _, process, _, sampler, n = os.path.basename(os.path.dirname(path)).split(".")
        scores.setdefault((process, sampler, int(n)), []).append(numbers(path))
    return {k: np.stack(v) for k, v in scores.items()}


def choose(scores):
    """Lines "process sampler" of least CRPS, one a label of the table."""
    best = {}
    for (process, sampler, _), every in sorted(scores.items()):
        v = every.mean((0, 1))
        print(f"{process:14s} {sampler:28s} CRPS {v[4:8].mean():.4f} RMSE {v[:4].mean():.4f} spread/skill {v[8:12].round(2)} "
              f"spectra {v[12]:.3f}")
        key = (process, label_of(process, sampler))
        if key not in best or v[4:8].mean() < best[key][0]:
            best[key] = (v[4:8].mean(), sampler)
    return "".join(f"{process} {sampler}\n" for (process, _), (_, sampler) in best.items())


def collect(scores, chosen):
    """{(process, label, evaluations): (seeds, runs, numbers)}; one evaluation is the mean, the same for all labels."""
    table = {}
    for process, sampler in chosen:
        for (p, s, n), v in scores.items():
            if p == process and (s == sampler or n == 1):
                table[(process, label_of(process, sampler), n)] = v
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scores")
    parser.add_argument("--choose", help="write the samplers of least validation CRPS here")
    parser.add_argument("--chosen", help="samplers of the table")
    parser.add_argument("--table")
    parser.add_argument("--figure")
    o = parser.parse_args()
    if o.choose:
        with open(o.choose, "w", encoding="utf-8") as file:
            file.write(choose(read(o.scores, "validation")))
        return
    with open(o.chosen, encoding="utf-8") as file:
        chosen = [line.split() for line in file]
    table = collect(read(o.scores, "test"), chosen)
    write_table(table, o.table)
    for label in ("exponential", "base", "foellmer"):
        for n in (3, 5):
            compare(table, ("bridge", label, n), ("diffusion_edm", "best", 20))
    plot(table, o.figure)


if __name__ == "__main__":
    main()
