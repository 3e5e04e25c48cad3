"""AIJ case C: 3 x 3 blocks of height H whose middle one is absent, as high, or twice as high (Nonomura et al. 2003; _aij.py
has the dataset), speeds as measured, lengths such that H has a number of 20 m cells, wind at 0, 22.5 and 45 degrees to the
streets. Score of the time-mean speed |u| at 0.1 H, over the approach flow's speed there, at 120 points of each case.

    aij_c_long.py [--cells-per-h 10] [--spinup 12] [--average 30] [--cases 1H/0,2H/45] [--jobs 1] [--out FOLDER]

Times in units of H/U_H. The tunnel's turbulence energy is taken as 0.95 of the square of the measured deviation of u (case
A's ratio). Writes FOLDER/aij_c.json and aij_c.png, keeps finished cases. WB_LONG_SMOKE=1: a minute of one case, no score is
checked."""
import argparse
import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr

import _aij

H_TUNNEL, U_POINTS, U_H = 0.2, 2.434, 3.654  # [m]; approach flow's speed at 0.1 H and at H [m/s]
ANGLES, VARIANTS = ("0", "22.5", "45"), ("0H", "1H", "2H")
WINDOW = (-3, -3, 6, 6)  # west, south edge, sizes [H]
SLICES = 200  # instants in the mean


def simulate(folder, options, angle, variant):
    """Mean speed at the points' height on the run's grid, (y, x), from instantaneous levels around it."""
    done, h = os.path.join(folder, "speed.nc"), _aij.CELL_M * options.cells_per_h
    if not os.path.exists(done):
        scale, duration = h / H_TUNNEL, _aij.minutes(options.average * h / U_H)
        blocks = [[scale * float(b[c]) for c in ("x_min", "y_min", "x_max", f"height_{variant}")]
                  for b in _aij.table("case_c_geometry.csv")]
        turn = np.deg2rad(float(angle))
        approach = [(scale * float(r["z_m"]), float(r["U"]), 0.95 * float(r["sigma_u"])**2)
                    for r in _aij.table("case_c_inflow.csv")]
        level = 0.1 * h / _aij.CELL_M - 0.5  # of the points; 0: the lowest cells' centres
        levels = sorted({int(np.floor(level)), int(np.ceil(level))})
        out = _aij.run(folder, [(x, y, east - x, height) for x, y, east, height in blocks if height > 0],
                       dict(zip(("x_min_m", "y_min_m", "size_x_m", "size_y_m"), (v * h for v in WINDOW))),
                       (approach, (np.cos(turn), -np.sin(turn))), {
            "top_m": 6 * h, "margin_m": 3 * h, "rim_m": _aij.CELL_M * (options.cells_per_h // 2), "duration_s": duration,
            "spinup_s": _aij.minutes(options.spinup * h / U_H), "inflow_length_m": 2 * h, "wind_speed_m_per_s": U_H,
            "wind_height_m": h, "wind_direction_deg": 270 + float(angle), "z0_ground_m": 0.0025 * h,
            "z0_inflow_m": 0.0025 * h, "z0_wall_m": 0.00025 * h, "slice_z_m": ",".join(str((k + 0.5) * _aij.CELL_M) for k in levels),
            "slice_interval_s": duration / SLICES})
        with xr.open_dataset(os.path.join(out, "slices.nc")) as f:
            f = f.interp(z_slice=0.1 * h) if len(levels) > 1 else f.isel(z_slice=0)
            speed = np.sqrt(f.u_xy**2 + f.v_xy**2 + f.w_xy**2).mean("time")
        speed.assign_coords(x=speed.x / scale, y=speed.y / scale).rename("speed").to_netcdf(done + ".part")
        os.rename(done + ".part", done)
        shutil.rmtree(out)
    with xr.open_dataset(done) as f:
        return f.speed.load()


def at_points(field, points):
    """Bilinear among air cells only."""
    out = []
    for x, y in points:
        near = field.sel(x=slice(x - 1.01 * (dx := float(field.x[1] - field.x[0])), x + 1.01 * dx),
                         y=slice(y - 1.01 * dx, y + 1.01 * dx))
        weight = (np.clip(1 - abs(near.x - x) / dx, 0, None) * np.clip(1 - abs(near.y - y) / dx, 0, None)).where(
            np.isfinite(near), 0)
        total = float(weight.sum())
        out.append(float((weight * near.fillna(0)).sum()) / total if total > 0.25 else np.nan)
    return np.array(out)


def evaluate(options, out):
    rows = _aij.table("case_c.csv")
    cases = [(a, v) for v in VARIANTS for a in ANGLES if not options.cases or f"{v}/{a}" in options.cases.split(",")]
    with ThreadPoolExecutor(options.jobs) as pool:
        fields = list(pool.map(lambda c: simulate(os.path.join(out, f"{c[1]}_{c[0]}"), options, *c), cases))
    result, panels, every = {}, {}, []
    for (angle, variant), field in zip(cases, fields):
        here = [r for r in rows if float(r["flow_angle_deg"]) == float(angle)]
        measured = np.array([float(r[f"ratio_{variant}"]) for r in here])
        simulated = at_points(field, [(float(r["x_m"]), float(r["y_m"])) for r in here]) / U_POINTS
        result[f"{variant} {angle}"] = _aij.scores(measured, simulated)
        panels.setdefault(f"middle block {variant}", {})[f"{angle} degrees"] = (measured, simulated)
        every.append((measured, simulated))
    result["all"] = _aij.scores(*map(np.concatenate, zip(*every)))
    with open(os.path.join(out, "aij_c.json"), "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
    _aij.figure(os.path.join(out, "aij_c.png"), panels, (0, 2), "speed / approach speed")
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--cells-per-h", type=int, default=10, help="an odd multiple of 5 has a level at the points")
    p.add_argument("--spinup", type=float, default=12, help="[H/U_H]")
    p.add_argument("--average", type=float, default=30, help="[H/U_H]")
    p.add_argument("--cases", help="variant/angle, separated by commas; default: all nine")
    p.add_argument("--out")
    p.add_argument("--jobs", type=int, default=1, help="cases at a time")
    options = p.parse_args()
    if not os.path.isdir(_aij.DATA):
        print(f"skipped: no {_aij.DATA}")
        return 77
    smoke = bool(os.environ.get("WB_LONG_SMOKE"))
    if smoke:
        options.spinup, options.average, options.cases = 1, 1, "1H/0"
    out = options.out or tempfile.mkdtemp(prefix="wb_aij_c_")
    result = evaluate(options, out)
    return _aij.verdict(result, "c", out, smoke)


if __name__ == "__main__":
    sys.exit(main())
