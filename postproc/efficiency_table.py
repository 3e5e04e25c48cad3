"""Chooses samplers on validation scores, and makes the table and the figure of doc/efficiency.rst.

    python3 efficiency_table.py slices.nc OUT/scores --choose OUT/chosen.json
    python3 efficiency_table.py slices.nc OUT/scores --chosen OUT/chosen.json --table OUT/efficiency.csv --figure OUT/efficiency.png

Scores per variable are divided by interpolation's on the same cells (RMSE; CRPS, which for one value is the mean absolute
error) and averaged over T, u, v, w: 1 is interpolation, less is better. Error bars: standard deviations over the three
training seeds (each averaged over runs) and over the test runs (each averaged over seeds).
"""
import argparse
import glob
import json
import os

import numpy as np

from efficiency_net import Slices
from efficiency_scores import EVALUATIONS, picks_of

NAMES = {("bridge", "exponential"): "bridge, base, exponential", ("bridge", "base"): "bridge, base, Euler",
         ("bridge", "foellmer"): "bridge, Föllmer", ("diffusion_edm", "best"): "diffusion",
         ("i2sb", "best"): "I²SB", ("flow", "best"): "flow matching"}
CHOSEN_AT = {1: (1,), 2: (5,), 3: (5,), 5: (5,), 10: (5,), 20: (20, 5), 50: (20, 5)}  # the first that was validated


def read_scores(folder, split):
    scores = []
    for path in sorted(glob.glob(os.path.join(folder, f"*.{split}.*.json"))):
        with open(path, encoding="utf-8") as file:
            scores.append(json.load(file))
    return scores


def interpolation(slices, split, minutes):
    """Per run: cells, sums of squares and of absolute errors per channel, physical units."""
    unit = Slices(slices, "train").unit
    data, runs = Slices(slices, split, unit), {}
    for m in picks_of(data, minutes):
        e = (data.x1[m] - data.x0[m])[data.mask[m]].astype(np.float64) * data.physical[m]
        r = runs.setdefault(data.run[m], {"cells": 0, "square": 0, "absolute": 0})
        r["cells"] += len(e)
        r["square"], r["absolute"] = r["square"] + (e ** 2).sum(0), r["absolute"] + np.abs(e).sum(0)
    return [runs[k] for k in sorted(runs)]


def melr(run, kind):
    """Mean over shells and channels of |ln(E / E_truth)|, wavelengths from 160 to 10 m (of 640 m: shells 4 to 63)."""
    ratio = np.array(run[kind + "_spectrum"])[:, 3:63] / np.array(run["true_spectrum"])[:, 3:63]
    return float(np.mean(np.abs(np.log(np.maximum(ratio, 1e-12)))))


def relative(score, base):
    """One row a run: [RMSE ratio of T u v w, CRPS ratio of T u v w, spread/skill of T u v w, MELR of members]."""
    rows = []
    m = score["members"]
    for r, b in zip(score["runs"], base):
        if r["cells"] != b["cells"]:
            raise SystemExit("scores and baseline are of other cells: the same --minutes?")
        square, variance = np.array(r["square"]), np.array(r["variance"])
        rows.append(np.concatenate([np.sqrt(square / b["square"]), np.array(r["crps"]) / b["absolute"],
                                    np.sqrt((m + 1) / m * variance / square), [melr(r, "member")]]))
    return np.array(rows)


def label_of(process, sampler):
    """Samplers of one label compete; the bridge has three: by noise, and base noise by stepper."""
    words = sampler.split(":")
    if process != "bridge":
        return "best"
    return "foellmer" if "foellmer" in words else "exponential" if words[0] == "exponential" else "base"


def choose(scores, base):
    """{process: {label: {evaluations: sampler}}} of least relative CRPS."""
    best = {}
    for s in scores:
        value = relative(s, base)[:, 4:8].mean()
        of_all = s["process"] == "bridge" and s["sampler"] == "mean"
        labels = ["exponential", "base", "foellmer"] if of_all else [label_of(s["process"], s["sampler"])]
        for label in labels:
            key = (s["process"], label, s["asked"])
            print(f"{s['process']:14s} {label:9s} {s['asked']:3d} {s['sampler']:32s} {value:.4f}")
            if key not in best or value < best[key][0]:
                best[key] = (value, s["sampler"])
    chosen = {}
    for (process, label, _) in best:
        row = chosen.setdefault(process, {}).setdefault(label, {})
        for n in EVALUATIONS:
            row[str(n)] = next(best[(process, label, k)][1] for k in CHOSEN_AT[n] if (process, label, k) in best)
    return chosen


def collect(scores, base, chosen):
    """{(process, label, evaluations): (seeds, runs, numbers)}"""
    table = {}
    for s in scores:
        for label, samplers in chosen[s["process"]].items():
            if samplers[str(s["asked"])] == s["sampler"]:
                table.setdefault((s["process"], label, s["asked"]), {})[s["net"]] = relative(s, base)
    return {k: np.stack([v[net] for net in sorted(v)]) for k, v in table.items()}


def spread(values):
    """values (seeds, runs) -> mean, deviation over seeds, deviation over runs (0 where there is one)."""
    return (values.mean(), *(v.std(ddof=1) if len(v) > 1 else 0.0 for v in (values.mean(1), values.mean(0))))


def write_table(table, path):
    head = ["method", "evaluations", "seeds", "RMSE", "sd seeds", "sd runs", "CRPS", "sd seeds", "sd runs", "MELR",
            *(f"{what} {c}" for what in ("RMSE", "CRPS", "spread/skill") for c in "Tuvw")]
    lines = [",".join(head)]
    for (process, label, n) in sorted(table, key=lambda k: (list(NAMES).index(k[:2]), k[2])):
        a = table[(process, label, n)]
        numbers = [*spread(a[..., :4].mean(-1)), *spread(a[..., 4:8].mean(-1)), a[..., 12].mean(), *a[..., :12].mean((0, 1))]
        lines.append(",".join([f'"{NAMES[(process, label)]}"', str(n), str(a.shape[0]), *(f"{v:.3f}" for v in numbers)]))
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    print("\n".join(lines))


def compare(table, first, second):
    """Paired differences of relative CRPS and RMSE, first less second."""
    if first not in table or second not in table or table[first].shape != table[second].shape:
        return
    d = table[first] - table[second]
    for what, part in (("RMSE", d[..., :4]), ("CRPS", d[..., 4:8])):
        per = part.mean(-1)
        mean, seeds, runs = spread(per)
        print(f"{first} less {second}, {what}: {mean:+.4f} (sd of seeds {seeds:.4f}, of runs {runs:.4f}; "
              f"lower in {(per < 0).sum()} of {per.size} pairs; per variable {np.round(part.mean((0, 1)), 4)})")


def plot(table, path):
    """table: {(process, label, evaluations): (seeds, runs, 13 numbers)}"""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plots = [("RMSE of the mean / interpolation's", slice(0, 4)), ("CRPS / interpolation's", slice(4, 8)),
             ("spread / skill", slice(8, 12)), ("|ln E / E truth| of members", slice(12, 13))]
    fig, axes = plt.subplots(1, 4, figsize=(15, 3.9))
    for axis, (title, part) in zip(axes, plots):
        for key, name in NAMES.items():
            n = [k[2] for k in sorted(table) if k[:2] == key]
            if not n:
                continue
            values = [spread(table[(*key, k)][..., part].mean(-1)) for k in n]
            axis.errorbar(n, [v[0] for v in values], [v[1] for v in values], marker="o", ms=4, capsize=2, label=name)
        axis.set_xscale("log")
        axis.set_xticks(EVALUATIONS, [str(n) for n in EVALUATIONS])
        axis.minorticks_off()
        axis.set_xlabel("evaluations of the network")
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
    axes[2].axhline(1, color="k", lw=0.7)
    axes[1].legend(fontsize=8)
    fig.tight_layout()
    fig.savefig(path, dpi=85)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("slices")
    parser.add_argument("scores")
    parser.add_argument("--choose", help="write the samplers of least validation CRPS here")
    parser.add_argument("--chosen", help="samplers of the table, as --choose wrote them")
    parser.add_argument("--table")
    parser.add_argument("--figure")
    parser.add_argument("--minutes", type=int, default=1, help="of each run, as for efficiency_scores.py")
    o = parser.parse_args()
    if not o.choose and not (o.chosen and o.table and o.figure):
        parser.error("give --choose FILE, or --chosen FILE (written by --choose) with --table FILE and --figure FILE")
    if o.choose:
        chosen = choose(read_scores(o.scores, "validation"), interpolation(o.slices, "validation", o.minutes))
        with open(o.choose, "w", encoding="utf-8") as file:
            json.dump(chosen, file, indent=1)
        return
    with open(o.chosen, encoding="utf-8") as file:
        chosen = json.load(file)
    table = collect(read_scores(o.scores, "test"), interpolation(o.slices, "test", o.minutes), chosen)
    write_table(table, o.table)
    for label in ("exponential", "base", "foellmer"):
        for n in (3, 5, 10):
            compare(table, ("bridge", label, n), ("diffusion_edm", "best", 50))
    plot(table, o.figure)


if __name__ == "__main__":
    main()
