"""The figure scripts draw a complete, a partial and a single-member result, an evaluation and a loss file; the choice of
the longest street is right on a city with a known answer."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _common import check, folder, skip

SOURCE = os.environ.get("WB_SOURCE_DIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
POSTPROC = os.path.join(SOURCE, "postproc")
sys.path.insert(0, POSTPROC)
try:
    import matplotlib.image
    import netCDF4
    import numpy as np
    import _synthetic
    import xarray as xr
    from windbridge_reader import longest_street
except ImportError as error:
    skip(str(error))


def run(script, *args):
    done = subprocess.run([sys.executable, os.path.join(POSTPROC, script), *args], capture_output=True, text=True,
                          timeout=300)
    check(done.returncode == 0, f"{script} {args}: {done.stdout}{done.stderr}")
    return done.stdout


def picture(path):
    """A picture of some size in which not everything has one colour."""
    check(os.path.exists(path), path + " is missing")
    a = matplotlib.image.imread(path)
    check(a.shape[0] > 300 and a.shape[1] > 300 and a[..., :3].std() > 0.05, f"{path}: {a.shape}, empty?")


def streets():
    air = np.zeros((40, 60), bool)
    air[:, 20] = True
    air[13, 5:55] = True
    air[30:, :] = True  # a park wider than any street
    check(longest_street(air) == ("x", 13, 5, 54), str(longest_street(air)))
    check(longest_street(air.T) == ("y", 13, 5, 54), str(longest_street(air.T)))


def scores(path):
    rng = np.random.default_rng(1)
    subsets, variables = ("all", "below_roof", "blocked"), ("T", "u", "v", "w")
    one = {"n": 10, "rmse": 0.5, "mae": 0.4, "bias": 0.0, "crps": 0.3, "spread_skill": 0.9}
    pooled = {s: {v: {m: dict(one, rmse=float(r)) for m, r in (("bridge", 0.4), ("interpolation", 0.8),
                                                               ("regression", 0.6))}
                  for v in variables} for s in subsets}
    pooled["blocked"]["T"]["bridge"]["rmse"] = None  # NaN becomes null in JSON
    reduction = {b: {s: {v: {"rmse_reduction": 0.4, "low95": 0.3, "high95": 0.5} for v in variables}
                     for s in subsets} for b in ("interpolation", "regression")}
    n = 32
    wave = [640.0 / (k + 1) for k in range(n)]
    spectrum = {k: list(rng.uniform(0.5, 1.5, n) / np.arange(1, n + 1) ** 1.7)
                for k in ("truth", "member", "interpolation")}
    levels = [dict({"z_m": z}, **{v: spectrum for v in variables}) for z in (2.5, 22.5, 82.5)]
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"members": 8, "minutes": 30, "pooled": pooled, "rmse_reduction": reduction,
                   "cases": [{"label": "a", "scores": pooled}], "spectra": {"wavelength_m": wave, "levels": levels}},
                  f)


def main():
    streets()
    with folder() as out:
        _synthetic.write(out, n=48, nz=16)
        names = ("plan_2.5m", "plan_7.5m", "section", "spread", "inpainted", "turbulence")
        text = run("figures.py", out)
        check("street from" in text, text)
        for name in names:
            picture(os.path.join(out, "figures", name + ".png"))
    with folder() as out:
        _synthetic.write(out, n=48, nz=16)
        with xr.open_dataset(os.path.join(out, "hr.nc")) as d:
            d.isel(member=0, drop=True).to_netcdf(os.path.join(out, "truth.nc"))
        run("figures.py", out, "--truth", os.path.join(out, "truth.nc"))
        with_truth = matplotlib.image.imread(os.path.join(out, "figures", "plan_2.5m.png"))
        run("figures.py", out)
        check(with_truth.shape[1] > 1.2 * matplotlib.image.imread(os.path.join(out, "figures", "plan_2.5m.png")).shape[1], "no panel")
    with folder() as out:  # one member, the last minute not written, no coarse file, no summary
        _synthetic.write(out, n=48, nz=16, members=1)
        with netCDF4.Dataset(os.path.join(out, "hr.nc"), "a") as d:
            d["time"][1] = np.nan
        os.remove(os.path.join(out, "lr.nc"))
        os.remove(os.path.join(out, "summary.json"))
        run("figures.py", out)
        picture(os.path.join(out, "figures", "plan_2.5m.png"))
    with folder() as out:
        scores(os.path.join(out, "scores.json"))
        with open(os.path.join(out, "loss.csv"), "w", encoding="utf-8") as f:
            f.write("step,loss,validation,learning_rate,grad_norm,samples_per_s\n")
            for i in range(300):
                f.write(f"{10 * i},{2.0 / (1 + i) + 0.1},{0.15 if i % 50 == 0 else ''},{1e-3 * (1 - i / 300)},1.0,5\n")
        run("scores_figure.py", os.path.join(out, "scores.json"), "--loss", os.path.join(out, "loss.csv"))
        for name in ("scores", "spectra", "loss"):
            picture(os.path.join(out, name + ".png"))
        os.remove(os.path.join(out, "loss.png"))
        run("loss_figure.py", os.path.join(out, "loss.csv"))
        picture(os.path.join(out, "loss.png"))
        empty = os.path.join(out, "empty.csv")
        with open(empty, "w", encoding="utf-8") as f:
            f.write("step,loss\n")
        done = subprocess.run([sys.executable, os.path.join(POSTPROC, "loss_figure.py"), empty], capture_output=True, text=True)
        check(done.returncode != 0 and "no rows" in done.stderr, f"a loss.csv without rows: {done.stderr}")
        if len(sys.argv) > 1:  # a folder to look at the pictures in
            os.system(f"cp {out}/*.png {sys.argv[1]}")
    print("ok")


main()
