"""AIJ case A: flow around a 1:1:2 prism in a boundary layer (Meng & Hibi 1998; _aij.py has the dataset), at 1:250 of the
tunnel: b = 20 m, H = 40 m, speeds as measured. Inflow: the measured profiles of wind and turbulence energy as boundary
values of another model. Scores of U/U_H at the measured points.

    aij_a_long.py [--cells-per-b 8] [--spinup 300] [--drop 300] [--average 1800] [--out FOLDER]

Writes FOLDER/aij_a.json and aij_a.png. WB_LONG_SMOKE=1: a minute on 4 cells, no score is checked."""
import argparse
import json
import os
import sys
import tempfile

import numpy as np
import xarray as xr

import _aij

B, U_H = 20.0, 4.491  # side of the prism [m]; speed at roof height [m/s]
WINDOW = {"x_min_m": -100, "y_min_m": -100, "size_x_m": 300, "size_y_m": 200}


def simulate(folder, options):
    duration = options.drop + options.average
    inflow = _aij.table("case_a_inflow.csv")
    _aij.write_city(os.path.join(folder, "city.geojson"), [(-0.5 * B, -0.5 * B, B, 2 * B)], WINDOW)
    _aij.write_boundary(os.path.join(folder, "boundary.nc"), duration,
                        [(float(r["z_over_b"]) * B, float(r["U"]), float(r["k"])) for r in inflow])
    dx = B / options.cells_per_b
    _aij.run(folder, WINDOW, {
        "dx_m": dx, "top_m": 200, "margin_m": 60, "rim_m": 20, "hr_uniform_top_m": 160, "duration_s": duration,
        "spinup_s": options.spinup, "inflow_length_m": 3 * B, "wind_speed_m_per_s": U_H, "wind_direction_deg": 270,
        "wind_height_m": 2 * B, "z0_ground_m": 0.0055 * B, "z0_inflow_m": 0.0055 * B, "advection": options.advection})
    with xr.open_dataset(os.path.join(folder, "run", "truth.nc" if dx < 20 else "lr.nc")) as f:
        return f.isel(time=slice(int(options.drop // 60), None)).mean("time").load()


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


def evaluate(mean, out):
    rows = _aij.table("case_a.csv")
    points = [[float(r[c]) * B for c in ("x_over_b", "y_over_b", "z_over_b")] for r in rows]
    measured = np.array([float(r["U"]) / U_H for r in rows])
    simulated = at_points(mean, points) / U_H
    planes = np.array([r["plane"] for r in rows])
    result = {"all": _aij.scores(measured, simulated)}
    groups = {}
    for plane in dict.fromkeys(planes):
        here = planes == plane
        result[plane] = _aij.scores(measured[here], simulated[here])
        groups[plane] = (measured[here], simulated[here])
    profile = at_points(mean, [[-4.5 * B, 0, z * B] for z in (0.25, 1, 2, 3.75)]) / U_H
    result["approach_u_over_uh"] = dict(zip(("0.25b", "1b", "2b", "3.75b"), map(float, profile)))
    with open(os.path.join(out, "aij_a.json"), "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
    _aij.figure(os.path.join(out, "aij_a.png"), {"case A": groups}, (-0.6, 1.5), "$U/U_H$")
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--cells-per-b", type=int, default=8)
    p.add_argument("--spinup", type=float, default=300)
    p.add_argument("--drop", type=float, default=300, help="of the fine run, before the average begins [s]")
    p.add_argument("--average", type=float, default=1800, help="[s]")
    p.add_argument("--advection", default="central", choices=("central", "upwind5"))
    p.add_argument("--out")
    options = p.parse_args()
    if not os.path.isdir(_aij.DATA):
        print(f"skipped: no {_aij.DATA}")
        return 77
    smoke = bool(os.environ.get("WB_LONG_SMOKE"))
    if smoke:
        options.cells_per_b, options.spinup, options.drop, options.average = 4, 60, 0, 60
    out = options.out or tempfile.mkdtemp(prefix="wb_aij_a_")
    os.makedirs(out, exist_ok=True)
    result = evaluate(simulate(out, options), out)
    print(json.dumps(result, indent=1))
    print(f"written: {out}/aij_a.json, aij_a.png")
    if smoke:
        print("smoke run: no score is checked")
        return 0
    return 0 if _aij.fit(result["all"]) else 1


if __name__ == "__main__":
    sys.exit(main())
