"""The main job on a small city: files, determinism, restart, kill -9, and super-resolution on any rank count."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import xarray as xr

from _run import PROGRAM, check, folder, ours, run

SMALL = ["-city_seed", 5, "-city_size_x_m", 160, "-city_size_y_m", 160, "-les_margin_m", 80, "-les_rim_m", 40,
         "-les_top_m", 300, "-les_spinup_s", 120, "-les_duration_s", 120, "-les_wind_height_m", 100, "-sr_members", 2,
         "-sr_steps", 3]


def forecast(out, *more, ranks=1, **kw):
    return run("forecast", *SMALL, "-run_output_dir", out, *more, ranks=ranks, **kw)


def same_data(a, b, tolerance=0.0):
    with xr.open_dataset(a) as x, xr.open_dataset(b) as y:
        for v in ("T", "u", "v", "w"):
            p, q = x[v].values, y[v].values
            check(p.shape == q.shape and np.array_equal(np.isnan(p), np.isnan(q)), a, b, v, "shape or buildings differ")
            worst = np.nanmax(np.abs(p - q))
            check(worst <= tolerance, a, b, v, "differ by", worst, "allowed", tolerance)


def files(tmp):
    out = os.path.join(tmp, "a")
    done = forecast(out)
    check(done.returncode == 0, done.stdout, done.stderr)
    for name in ("lr.nc", "hr.nc", "hr.xmf", "summary.json", "run.log", "inflow.nc"):
        check(os.path.getsize(os.path.join(out, name)) > 0, name)
    with xr.open_dataset(os.path.join(out, "hr.nc")) as d:
        check(dict(d.sizes)["member"] == 2 and dict(d.sizes)["z"] == 32 and dict(d.sizes)["x"] == 32, d.sizes)
        check(np.issubdtype(d.time.dtype, np.datetime64), "time is not decoded")
        check(str(d.time.values[0])[:19] == "2026-08-01T12:01:00", "first minute's stamp", d.time.values[0])
        fluid = d.fluid_mask.values.astype(bool)
        u = d.u.values
        check(np.isfinite(u[:, :, fluid]).all() and np.isnan(u[:, :, ~fluid]).all(), "NaN exactly in buildings")
        check(np.abs(u[0, 0] - u[0, 1])[fluid].max() > 0, "members are equal")
        check(240 < d["T"].mean() < 330 and d["T"].attrs["units"] == "K", "T")
    with open(os.path.join(out, "summary.json")) as f:
        s = json.load(f)
    check(s["sr"]["network_evaluations"] == 2 * 2 * 3, "N steps cost N evaluations", s["sr"])
    check(s["les"]["max_divergence_scaled"] <= 1e-5, "divergence", s["les"])
    check(min(s["les"]["resolved_tke_m2_per_s2"]) > 0, "resolved turbulence", s["les"])
    again = os.path.join(tmp, "b")
    check(forecast(again).returncode == 0, "second run")
    same_data(os.path.join(out, "hr.nc"), os.path.join(again, "hr.nc"))
    refused = forecast(out)
    check(refused.returncode == 5 and "run_overwrite" in refused.stderr, "existing results", refused.stderr)
    return out


def ranks(tmp, out):
    for n in (2, 4):
        to = os.path.join(tmp, f"sr{n}")
        done = run("sr", "-les_input_file", os.path.join(out, "lr.nc"), "-city_seed", 5, "-run_output_dir", to, "-sr_members",
                   2, "-sr_steps", 3, ranks=n)
        check(done.returncode == 0, done.stderr)
        same_data(os.path.join(out, "hr.nc"), os.path.join(to, "hr.nc"), 2e-3)


def truncated(tmp, out):
    """A 20 m file cut anywhere is refused in one line, and nothing is left behind in place of a result."""
    whole = open(os.path.join(out, "lr.nc"), "rb").read()
    for share in (0.02, 0.3, 0.9):
        cut = os.path.join(tmp, "cut.nc")
        with open(cut, "wb") as f:
            f.write(whole[:int(share * len(whole))])
        to = os.path.join(tmp, "cut")
        bad = run("sr", "-les_input_file", cut, "-city_seed", 5, "-run_output_dir", to, ranks=2, timeout=120)
        check(bad.returncode == 3 and len(ours(bad.stderr)) == 1 and "cut.nc" in bad.stderr, share, bad.returncode, bad.stderr)
        check(not os.path.exists(os.path.join(to, "hr.nc")), "a result was left")
    other = run("sr", "-les_input_file", os.path.join(out, "lr.nc"), "-city_seed", 6, "-run_output_dir", os.path.join(tmp, "x"))
    check(other.returncode == 3 and "another city" in other.stderr, "another city", other.stderr)


def scored(tmp, out):
    """A 5 m simulation on the forecast's own inflow, and the forecast scored against it."""
    truth, scores = os.path.join(tmp, "truth"), os.path.join(tmp, "scores")
    done = run("les", *SMALL[:-4], "-les_dx_m", 5, "-les_inflow_file", os.path.join(out, "inflow.nc"), "-run_output_dir", truth,
               "-les_tolerance", 1e-4, ranks=2)
    check(done.returncode == 0, done.stdout, done.stderr)
    for start_s, minutes in ((0, 2), (60, 1)):
        done = run("evaluate", "-evaluate_forecast", os.path.join(out, "hr.nc"), "-evaluate_truth", os.path.join(truth, "truth.nc"),
                   "-evaluate_from_s", start_s, "-run_output_dir", scores, "-run_overwrite", "true", ranks=2)
        check(done.returncode == 0, done.stdout, done.stderr)
        with open(os.path.join(scores, "scores.json")) as f:
            s = json.load(f)
        check(s["minutes"] == minutes and s["members"] == 2, s["minutes"], s["members"])
        for v in ("T", "u", "v", "w"):
            for method in ("bridge", "interpolation"):
                check(0 < s["pooled"]["all"][v][method]["rmse"] < 10, v, method, s["pooled"]["all"][v])
    late = run("evaluate", "-evaluate_forecast", os.path.join(out, "hr.nc"), "-evaluate_truth", os.path.join(truth, "truth.nc"),
               "-evaluate_from_s", 120, "-run_output_dir", scores, "-run_overwrite", "true")
    check(late.returncode == 3 and "no minute in common" in late.stderr, late.returncode, late.stderr)


def start(to, *more):
    return subprocess.Popen([PROGRAM, "forecast", *map(str, SMALL), "-run_output_dir", to, *map(str, more)],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(text, path, process, after=0):
    """Until the log says so beyond its first `after` bytes, or the run is over; the clock decides nothing."""
    while process.poll() is None:
        if os.path.exists(path) and text in open(path).read()[after:]:
            return
        time.sleep(0.02)


def stop_and_restart(tmp, out):
    to = os.path.join(tmp, "c")
    stopped = forecast(to, "-run_walltime_s", 0.001)
    check(stopped.returncode == 75, "wall time limit gives 75", stopped.returncode, stopped.stderr)
    for _ in range(3):  # stopped by a signal somewhere in the minutes
        log = os.path.join(to, "run.log")
        before = len(open(log).read())
        process = start(to, "-run_restart")
        wait_for("lr ", log, process, before)
        process.send_signal(signal.SIGTERM)
        check(process.wait() in (0, 75), "SIGTERM gives 75", process.returncode)
    done = forecast(to, "-run_restart")
    check(done.returncode == 0, "restart", done.returncode, done.stderr)
    same_data(os.path.join(out, "lr.nc"), os.path.join(to, "lr.nc"))
    same_data(os.path.join(out, "hr.nc"), os.path.join(to, "hr.nc"))


def kill(tmp):
    to = os.path.join(tmp, "d")
    process = start(to, "-les_duration_s", 6000)
    wait_for("minute 2 of", os.path.join(to, "run.log"), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for name in ("lr.nc", "hr.nc"):
        with xr.open_dataset(os.path.join(to, name), decode_times=False) as d:
            u = d.u.isel(time=0).values
            check(np.isfinite(u).any(), name, "first minute lost after kill -9")


tmp = folder()
try:
    a = files(tmp)
    ranks(tmp, a)
    scored(tmp, a)
    truncated(tmp, a)
    stop_and_restart(tmp, a)
    kill(tmp)
finally:
    shutil.rmtree(tmp, ignore_errors=True)
print("passed")
