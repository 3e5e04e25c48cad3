#!/usr/bin/env python3
"""What coarse runs get wrong on the cells of 20 m, against the 5 m run averaged over each cell's air (runs of
jobscripts/geometry_runs.sh): mean square error of the time mean over that of the first named run [%] for u, v, w, T, at all
levels and below 40 m; wind speed in the lowest cells over the truth's; last row: half of the truth's minutes against the
other half, scaled to what its mean of all would leave.
  coarse_error.py OUT solid20 porous20 ...        [-d district ...] [-k kept minutes dropped first, default 5]"""
import argparse
import os

import netCDF4
import numpy as np

CELL, TOP = 20.0, 160.0
NAMES = ("u", "v", "w", "T")


def blocks(a, r, weight):
    """Mean over r x r x r blocks of the last three axes with the given weights, and the sums of these."""
    shape = a.shape[:-3] + (a.shape[-3] // r, r, a.shape[-2] // r, r, a.shape[-1] // r, r)
    w = weight.reshape(shape[-6:])
    total = w.sum(axis=(1, 3, 5))
    mean = (np.nan_to_num(a).reshape(shape) * w).sum(axis=(-5, -3, -1))
    return mean / np.maximum(total, 1e-9), total / r**3


def load(path, air5, drop):
    """Minutes of u, v, w, T on cells of 20 m."""
    with netCDF4.Dataset(path) as nc:
        x = nc["x"][:]
        dx = float(x[1] - x[0])
        r = int(round(CELL / dx))
        levels = int(round(TOP / dx))
        fine = int(round(dx / 5.0))
        share = blocks(air5, fine, np.ones_like(air5))[0] if fine > 1 else air5
        share = share * np.asarray(nc["fluid_mask"][:levels]).astype(bool)
        out = []
        for name in NAMES:
            a = np.ma.filled(nc[name][drop:, :levels], np.nan)
            out.append(blocks(a, r, share)[0] if r > 1 else a)
        return np.stack(out, axis=1)


def read_truth(path):
    with netCDF4.Dataset(path) as nc:
        levels = int(round(TOP / 5.0))
        return np.asarray(nc["fluid_mask"][:levels]).astype(float)


def run_file(out, district, run):
    for name in ("lr.nc", "truth.nc"):
        path = os.path.join(out, district, run, name)
        if os.path.exists(path) and os.path.exists(os.path.join(out, district, run, "done")):
            return path
    return None


def square(a, b, cells, keep):
    d = (np.nanmean(a, axis=0) - np.nanmean(b, axis=0))[:, :keep]
    return np.array([np.mean(d[v][cells[:keep]] ** 2) for v in range(4)])


def speed(a, cells):
    s = np.sqrt((a[:, :3, 0] ** 2).sum(axis=1))
    return float(s[:, cells[0]].mean())


def district_scores(out, district, runs, drop):
    air = read_truth(run_file(out, district, "truth"))
    truth = load(run_file(out, district, "truth"), air, drop)
    with netCDF4.Dataset(run_file(out, district, runs[0])) as nc:
        cells = np.asarray(nc["fluid_mask"][: truth.shape[2]]).astype(bool)
    scores = {}
    for run in runs:
        path = run_file(out, district, run)
        if path is None:
            continue
        a = load(path, air, drop)
        scores[run] = (square(a, truth, cells, 8), square(a, truth, cells, 2), speed(a, cells) / speed(truth, cells))
    half = truth.shape[0] // 2
    parts = [square(truth[:half], truth[half:], cells, k) / 4 for k in (8, 2)]
    scores["(truth's own)"] = (parts[0], parts[1], 1.0)
    return scores


def table(scores, runs):
    rows = []
    base = scores[runs[0]]
    for run in list(runs) + ["(truth's own)"]:
        if run in scores:
            rows.append((run, 100 * scores[run][0] / base[0], 100 * scores[run][1] / base[1], 100 * scores[run][2]))
    return rows


def show(title, rows):
    print(f"{title:28s} |  all levels: u v w T     (uvw) | below 40 m: u v w T     (uvw) | speed")
    for run, all_levels, low, v in rows:
        text = " ".join(f"{x:4.0f}" for x in all_levels), " ".join(f"{x:4.0f}" for x in low)
        print(f"  {run:26s} | {text[0]}  ({np.mean(all_levels[:3]):4.0f}) | {text[1]}  ({np.mean(low[:3]):4.0f}) | {v:4.0f} %")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("runs", nargs="+")
    p.add_argument("-d", "--districts", nargs="*")
    p.add_argument("-k", "--drop", type=int, default=5)
    p.add_argument("-m", "--mean-only", action="store_true", help="only the mean over districts")
    o = p.parse_args()
    found = o.districts or sorted(
        d for d in os.listdir(o.out) if run_file(o.out, d, "truth") and run_file(o.out, d, o.runs[0])
    )
    every = {}
    for d in found:
        rows = table(district_scores(o.out, d, o.runs, o.drop), o.runs)
        if not o.mean_only:
            show(d, rows)
        for run, a, b, v in rows:
            every.setdefault(run, []).append(np.concatenate([a, b, [v]]))
    mean = [(r, *np.split(np.mean(q, axis=0), [4, 8])) for r, q in every.items()]
    show(f"mean of {len(found)}", [(r, a, b, float(c[0])) for r, a, b, c in mean])


if __name__ == "__main__":
    main()
