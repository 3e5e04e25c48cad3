"""Shared by the AIJ cases: the benchmark's tables, boxes as a city, the approach flow as boundary values of another model,
the run, scores and the scatter figure. AIJ UWE benchmark dataset (Kikumoto et al. 2026, doi:10.1002/2475-8876.70083,
CC BY 4.0; derived files made independently, whose accuracy AIJ does not guarantee); needs ../shared/data/aij."""
import csv
import json
import math
import os
import subprocess

import numpy as np
import xarray as xr

CELL_M = 20.0
HIT_RATE, CORRELATION = 0.66, 0.70  # what numerics.md asks for
SOURCE = os.environ.get("WB_SOURCE_DIR", os.path.join(os.path.dirname(__file__), "..", "..", ".."))
PROGRAM = os.environ.get("WB_PROGRAM", os.path.join(SOURCE, "build", "bin", "windbridge"))
DATA = os.path.join(SOURCE, "..", "shared", "data", "aij")


def table(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as f:
        return list(csv.DictReader(line for line in f if not line.startswith("#")))


def box(x, y, size, height):
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    return {"type": "Feature", "properties": {"height": height}, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def write_city(path, boxes, window):
    """Boxes (x, y, size, height) [m]; two markers, too small to fill a cell, say how far the data reach."""
    x, y = window["x_min_m"], window["y_min_m"]
    markers = [(x, y, 1, 0.5), (x + window["size_x_m"] - 1, y + window["size_y_m"] - 1, 1, 0.5)]
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"type": "FeatureCollection", "features": [box(*b) for b in [*boxes, *markers]],
                   "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::6677"}}}, f)


def write_boundary(path, t_last, profile, direction=(1.0, 0.0)):
    """Steady approach flow: rows (z [m], speed, turbulence energy); constant above its highest point."""
    z, speed, tke = map(list, zip(*profile, (5000.0, *profile[-1][1:])))
    steady = {"u": np.multiply(speed, direction[0]), "v": np.multiply(speed, direction[1]),
              "theta": np.full(len(z), 303.0), "tke": tke}
    xr.Dataset({name: (("time", "z"), np.array([value, value], "f4")) for name, value in steady.items()},
               {"time": [0.0, t_last], "z": z}).to_netcdf(path)


def run(folder, boxes, window, approach, les):
    """The flow around boxes (x, y, size, height) [m] on the solver's own 20 m cells (so that the planes, which have that
    spacing, carry the profile as finely as the run can), neutral air of 303 K. approach: rows of write_boundary, unit vector
    of the wind; les: keys as in a deck, spinup_s and duration_s among them. Returns the run's folder."""
    city, boundary, out = (os.path.join(folder, name) for name in ("city.geojson", "boundary.nc", "run"))
    os.makedirs(folder, exist_ok=True)
    write_city(city, boxes, window)
    write_boundary(boundary, les["duration_s"], *approach)
    les = {"dx_m": CELL_M, "mixed_height_m": 5000, "heat_flux_K_m_per_s": 0, "inflow": "file", "boundary_file": boundary, **les}
    args = ["-city_file", city, "-run_output_dir", out, "-run_restart"]
    for group, keys in (("city", window), ("les", les)):
        for key, value in keys.items():
            args += [f"-{group}_{key}", str(value)]
    subprocess.run([PROGRAM, "les", *args], check=True)
    return out


def minutes(seconds):
    """Whole output intervals."""
    return 60 * math.ceil(seconds / 60)


def scores(measured, simulated):
    """Hit rate (within 25 % or 0.06; VDI 3783-9), FAC2, correlation."""
    ok = np.isfinite(simulated)
    o, p = measured[ok], simulated[ok]
    hit = (abs(p - o) <= 0.25 * abs(o)) | (abs(p - o) <= 0.06)
    ratio = np.where(o != 0, p / np.where(o == 0, 1, o), np.inf)
    fac2 = ((ratio >= 0.5) & (ratio <= 2)) | ((abs(o) <= 0.06) & (abs(p) <= 0.06))
    return {"points": int(ok.sum()), "hit_rate": float(hit.mean()), "fac2": float(fac2.mean()),
            "correlation": float(np.corrcoef(o, p)[0, 1]), "bias": float((p - o).mean()),
            "rmse": float(np.sqrt(((p - o)**2).mean()))}


def fit(result):
    return result["hit_rate"] >= HIT_RATE and result["correlation"] >= CORRELATION


def figure(path, panels, ends, what):
    """panels: title -> label -> (measured, simulated)."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    fig, axes = plt.subplots(1, len(panels), figsize=(4.0 * len(panels) + 0.5, 4.5), dpi=130, squeeze=False, sharey=True)
    ends = np.array(ends)
    for ax, (title, groups) in zip(axes[0], panels.items()):
        ax.plot(ends, ends, color="0.3", lw=1)
        for factor in (0.75, 1.25):
            ax.plot(ends, factor * ends, color="0.7", lw=0.8)
        for colour, (name, (o, p)) in zip(("#1b4f8a", "#e0a458", "#5b8c5a"), groups.items()):
            ax.plot(o, p, "o", ms=3.5, color=colour, label=name)
        ax.set(xlabel=f"measured {what}", xlim=ends, ylim=ends, aspect="equal", title=title)
        ax.legend(frameon=False, fontsize=8)
    axes[0][0].set_ylabel(f"simulated {what}")
    fig.savefig(path, bbox_inches="tight")


def verdict(result, case, out, smoke):
    """Prints the scores; -> exit status of the test, 0 after a smoke run."""
    print(json.dumps(result, indent=1))
    print(f"written: {out}/aij_{case}.json, aij_{case}.png")
    if smoke:
        print("smoke run: no score is checked")
        return 0
    return 0 if fit(result["all"]) else 1
