"""`windbridge city` as a user runs it: files that xarray opens, numbers kept, the same on 1 and 2 ranks, the figure,
and refusals with one line and the right exit code."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import xarray as xr

PROGRAM = os.environ["WB_PROGRAM"]
SOURCE = os.environ["WB_SOURCE_DIR"]
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
SEED3 = {"lambda_p": 0.4441, "height_mean_m": 33.54, "buildings": 1342}  # 640 m; kept values


def run(folder, *arguments, ranks=1):
    command = (MPIRUN + ["-n", str(ranks)] if ranks > 1 else []) + [PROGRAM, "city", "-run_output_dir", folder, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def check(condition, what):
    if not condition:
        sys.exit(f"FAILED: {what}")


def synthetic(work):
    """Seed 3 on 1 and 2 ranks."""
    fields = []
    for ranks in (1, 2):
        folder = os.path.join(work, f"np{ranks}")
        done = run(folder, "-city_generate", "tokyo_like", "-city_seed", "3", ranks=ranks)
        check(done.returncode == 0, f"city on {ranks} ranks: {done.stdout}{done.stderr}")
        with xr.open_dataset(os.path.join(folder, "city.nc")) as data:
            check(data.fluid_mask.shape == (32, 128, 128), f"mask of shape {data.fluid_mask.shape}")
            check(data.building_height.dims == ("y", "x"), "building_height(y, x)")
            fields.append([np.array(data[v]) for v in ("fluid_mask", "lr_valid_mask", "building_height", "x", "y", "z")])
        with open(os.path.join(folder, "summary.json"), encoding="utf-8") as file:
            city = json.load(file)["city"]
        for key, value in SEED3.items():
            check(abs(city[key] - value) <= 0.01 * value, f"{key} = {city[key]}, kept value {value}")
    for one, two in zip(*fields):
        check(np.array_equal(one, two), "1 and 2 ranks differ")
    fluid, valid, height = fields[0][:3]
    check(((fluid > 0.5) & (valid < 0.5)).sum() > 0, "no cell to inpaint")
    check((height[fluid[0] < 0.5] > 0).all(), "a solid cell without roof")


def figure(work):
    target = os.path.join(work, "city.png")
    subprocess.run(["/usr/bin/python3", os.path.join(SOURCE, "postproc", "city_figure.py"),
                    os.path.join(work, "np1", "city.nc"), target], check=True, timeout=120, capture_output=True)
    check(os.path.getsize(target) > 20000, "figure too small")


def refusals(work):
    broken = os.path.join(work, "broken.geojson")
    with open(broken, "w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[{"type":"Fea')
    cases = [(["-city_file", os.path.join(work, "missing.gpkg")], (2, 3), "missing.gpkg"),
             (["-city_file", broken], (3,), "broken.geojson"),
             (["-city_size_x_m", "650"], (2,), "multiple"),
             (["-city_generate", "kyoto_like"], (2,), "tokyo_like")]
    for arguments, codes, word in cases:
        for ranks in (1, 2):
            done = run(os.path.join(work, "refused"), *arguments, ranks=ranks)
            check(done.returncode in codes, f"{arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
            text = done.stdout + done.stderr
            check(text.count(word) >= 1, f"{arguments}: no '{word}' in: {text}")
            check("PETSC ERROR" not in text and "#1 " not in text, f"stack trace: {text}")
            errors = [line for line in text.splitlines() if word in line and "mpirun" not in line]
            check(len(errors) == 1, f"{arguments}: said {len(errors)} times: {text}")


def main():
    if not os.path.exists(PROGRAM):
        print(f"skipped: {PROGRAM} is not built")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="wb_city_") as work:
        synthetic(work)
        figure(work)
        refusals(work)


if __name__ == "__main__":
    main()
