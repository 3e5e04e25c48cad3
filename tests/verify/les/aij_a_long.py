"""AIJ case A: flow around a 1:1:2 prism in a boundary layer (Meng & Hibi 1998; _aij.py has the dataset), speeds as measured,
lengths such that the prism's side b has a number of 20 m cells. Inflow: the measured profiles of wind and turbulence energy
as boundary values of another model. Scores of U/U_H at the measured points.

    aij_a_long.py [--cells-per-b 8] [--spinup 30] [--average 150] [--out FOLDER]

Times in units of H/U_H. Writes FOLDER/aij_a.json and aij_a.png. WB_LONG_SMOKE=1: a minute on 4 cells, no score is checked."""
import argparse
import json
import os
import sys
import tempfile

import numpy as np
import xarray as xr

import _aij

U_H = 4.491  # speed at roof height, z = 2 b [m/s]
WINDOW = (-5, -5, 15, 10)  # west, south edge, sizes [b]


def simulate(folder, options, b):
    duration = _aij.minutes(options.average * 2 * b / U_H)
    approach = [(float(r["z_over_b"]) * b, float(r["U"]), float(r["k"])) for r in _aij.table("case_a_inflow.csv")]
    window = dict(zip(("x_min_m", "y_min_m", "size_x_m", "size_y_m"), (v * b for v in WINDOW)))
    out = _aij.run(folder, [(-0.5 * b, -0.5 * b, b, 2 * b)], window, (approach,), {
        "top_m": 10 * b, "margin_m": 3 * b, "rim_m": b, "duration_s": duration,
        "spinup_s": _aij.minutes(options.spinup * 2 * b / U_H), "inflow_length_m": 3 * b, "wind_speed_m_per_s": U_H,
        "wind_direction_deg": 270, "wind_height_m": 2 * b, "z0_ground_m": 0.0055 * b, "z0_inflow_m": 0.0055 * b,
        "z0_wall_m": 0.0005 * b, "advection": options.advection})
    with xr.open_dataset(os.path.join(out, "lr.nc")) as f:
        return f.mean("time").load()


def at_points(mean, points):
    """Trilinear among air cells only; nearest level below the lowest centre."""
    out = []
    axes = [mean[d].values for d in ("z", "y", "x")]
    u = mean.u.values
    for x, y, z in points:
        index, up = [], []
        for axis, value in zip(axes, (z, y, x)):
            i = int(np.clip(np.searchsorted(axis, value) - 1, 0, len(axis) - 2))
            index.append(i)
            up.append(float(np.clip((value - axis[i]) / (axis[i + 1] - axis[i]), 0, 1)))
        total = weight = 0.0
        for corner in np.ndindex(2, 2, 2):
            w = np.prod([s if c else 1 - s for c, s in zip(corner, up)])
            value = u[tuple(i + c for i, c in zip(index, corner))]
            if w > 0 and np.isfinite(value):
                total, weight = total + w * value, weight + w
        out.append(total / weight if weight > 0.25 else np.nan)
    return np.array(out)


def evaluate(mean, out, b):
    rows = _aij.table("case_a.csv")
    points = [[float(r[c]) * b for c in ("x_over_b", "y_over_b", "z_over_b")] for r in rows]
    measured = np.array([float(r["U"]) / U_H for r in rows])
    simulated = at_points(mean, points) / U_H
    planes = np.array([r["plane"] for r in rows])
    result = {"all": _aij.scores(measured, simulated)}
    groups = {}
    for plane in dict.fromkeys(planes):
        here = planes == plane
        result[plane] = _aij.scores(measured[here], simulated[here])
        groups[plane] = (measured[here], simulated[here])
    profile = at_points(mean, [[-4.5 * b, 0, z * b] for z in (0.25, 1, 2, 3.75)]) / U_H
    result["approach_u_over_uh"] = dict(zip(("0.25b", "1b", "2b", "3.75b"), map(float, profile)))
    with open(os.path.join(out, "aij_a.json"), "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
    _aij.figure(os.path.join(out, "aij_a.png"), {"case A": groups}, (-0.6, 1.5), "$U/U_H$")
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--cells-per-b", type=int, default=8)
    p.add_argument("--spinup", type=float, default=30, help="[H/U_H]")
    p.add_argument("--average", type=float, default=150, help="[H/U_H]")
    p.add_argument("--advection", default="central", choices=("central", "upwind5"))
    p.add_argument("--out")
    options = p.parse_args()
    if not os.path.isdir(_aij.DATA):
        print(f"skipped: no {_aij.DATA}")
        return 77
    smoke = bool(os.environ.get("WB_LONG_SMOKE"))
    if smoke:
        options.cells_per_b, options.spinup, options.average = 4, 1, 1
    out = options.out or tempfile.mkdtemp(prefix="wb_aij_a_")
    os.makedirs(out, exist_ok=True)
    b = _aij.CELL_M * options.cells_per_b
    result = evaluate(simulate(out, options, b), out, b)
    return _aij.verdict(result, "a", out, smoke)


if __name__ == "__main__":
    sys.exit(main())
