"""AIJ case C: 3 x 3 blocks of height H whose middle one is absent, as high, or twice as high (Nonomura et al. 2003; _aij.py
has the dataset), at 1:200 of the tunnel: H = 40 m, speeds as measured, wind at 0, 22.5 and 45 degrees to the streets.
Score of the time-mean speed |u| at 0.1 H, over the approach flow's speed there, at 120 points of each of the nine cases.

    aij_c_long.py [--cells-per-h 8] [--spinup 300] [--drop 60] [--average 480] [--out FOLDER] [--jobs 1]

The tunnel's turbulence energy is taken as 0.95 of the square of the measured deviation of u (case A's ratio). Writes
FOLDER/aij_c.json and aij_c.png, keeps finished cases. WB_LONG_SMOKE=1: a minute of one case, no score is checked."""
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

SCALE = 200.0
H, Z_POINTS, U_POINTS, U_H = 40.0, 4.0, 2.434, 3.654  # [m], [m], approach flow's speed there and at H [m/s]
ANGLES, VARIANTS = ("0", "22.5", "45"), ("0H", "1H", "2H")
WINDOW = {"x_min_m": -120, "y_min_m": -120, "size_x_m": 240, "size_y_m": 240}
SLICE_INTERVAL_S = 2.0


def simulate(folder, options, angle, variant):
    """Mean speed at the points' height on the run's grid, (y, x), from instantaneous levels around it."""
    done = os.path.join(folder, "speed.nc")
    if not os.path.exists(done):
        os.makedirs(folder, exist_ok=True)
        duration = options.drop + options.average
        rows = _aij.table("case_c_inflow.csv")
        blocks = [[SCALE * float(b[c]) for c in ("x_min", "y_min", "x_max", f"height_{variant}")]
                  for b in _aij.table("case_c_geometry.csv")]
        _aij.write_city(os.path.join(folder, "city.geojson"),
                        [(x, y, east - x, height) for x, y, east, height in blocks if height > 0], WINDOW)
        turn = np.deg2rad(float(angle))
        _aij.write_boundary(os.path.join(folder, "boundary.nc"), duration,
                            [(SCALE * float(r["z_m"]), float(r["U"]), 0.95 * float(r["sigma_u"])**2) for r in rows],
                            (np.cos(turn), -np.sin(turn)))
        dx = H / options.cells_per_h
        below = (np.ceil(Z_POINTS / dx - 0.5) - 0.5) * dx  # cell centres around the points
        _aij.run(folder, WINDOW, {
            "dx_m": dx, "top_m": 240, "margin_m": 100, "rim_m": 20, "hr_uniform_top_m": 160, "duration_s": duration,
            "spinup_s": options.spinup, "inflow_length_m": 2 * H, "wind_speed_m_per_s": U_H, "wind_height_m": H,
            "wind_direction_deg": 270 + float(angle), "z0_ground_m": 0.1, "z0_inflow_m": 0.1,
            "slice_z_m": f"{below},{below + dx}", "slice_interval_s": SLICE_INTERVAL_S})
        with xr.open_dataset(os.path.join(folder, "run", "slices.nc")) as f:
            f = f.isel(time=slice(int(options.drop / SLICE_INTERVAL_S), None)).interp(z_slice=Z_POINTS)
            speed = np.sqrt(f.u_xy**2 + f.v_xy**2 + f.w_xy**2).mean("time")
        speed.rename("speed").to_netcdf(done + ".part")
        os.rename(done + ".part", done)
        shutil.rmtree(os.path.join(folder, "run"))
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
    cases = [(a, v) for v in VARIANTS for a in ANGLES]
    if options.smoke:
        cases = cases[:1]
    with ThreadPoolExecutor(options.jobs) as pool:
        fields = list(pool.map(lambda c: simulate(os.path.join(out, f"{c[1]}_{c[0]}"), options, *c), cases))
    result, panels, every = {}, {}, []
    for (angle, variant), field in zip(cases, fields):
        here = [r for r in rows if float(r["flow_angle_deg"]) == float(angle)]
        measured = np.array([float(r[f"ratio_{variant}"]) for r in here])
        simulated = at_points(field, [(SCALE * float(r["x_m"]), SCALE * float(r["y_m"])) for r in here]) / U_POINTS
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
    p.add_argument("--cells-per-h", type=int, default=8)
    p.add_argument("--spinup", type=float, default=300)
    p.add_argument("--drop", type=float, default=60, help="of the fine run, before the average begins [s]")
    p.add_argument("--average", type=float, default=480, help="[s]")
    p.add_argument("--out")
    p.add_argument("--jobs", type=int, default=1, help="cases at a time")
    options = p.parse_args()
    if not os.path.isdir(_aij.DATA):
        print(f"skipped: no {_aij.DATA}")
        return 77
    options.smoke = bool(os.environ.get("WB_LONG_SMOKE"))
    if options.smoke:
        options.spinup, options.drop, options.average = 60, 0, 60
    out = options.out or tempfile.mkdtemp(prefix="wb_aij_c_")
    result = evaluate(options, out)
    print(json.dumps(result, indent=1))
    print(f"written: {out}/aij_c.json, aij_c.png")
    if options.smoke:
        print("smoke run: no score is checked")
        return 0
    return 0 if _aij.fit(result["all"]) else 1


if __name__ == "__main__":
    sys.exit(main())
