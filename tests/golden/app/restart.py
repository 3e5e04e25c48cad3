"""Running again in the same folder: a finished run is left alone, a changed key is named before anything is touched, a run
grows to a longer one with more members, a wall time shorter than the precursor gets on, one folder serves one run."""
import json
import os
import shutil
import signal
import subprocess
import time

import numpy as np
import xarray as xr

from _run import PROGRAM, check, folder, ours, run

CITY = ["-city_generate", "flat", "-city_size_x_m", 80, "-city_size_y_m", 80, "-run_quiet"]
FLOW = ["-les_margin_m", 60, "-les_rim_m", 0, "-les_top_m", 200, "-les_spinup_s", 60]
MEAN = ["-sr_sampler", "mean"]
SMALL_NET = ["-run_quiet", "-train_width1", 16, "-train_width2", 16, "-train_blocks1", 1, "-train_blocks2", 1, "-train_cond_nets", 1,
             "-train_batch", 1, "-train_warmup_steps", 2, "-train_validate_every", 2, "-train_crop", 16]
DECK = {"forecast": CITY + FLOW + MEAN, "les": CITY + FLOW, "pairs": CITY + FLOW, "sr": CITY + MEAN, "train": SMALL_NET,
        "evaluate": ["-run_quiet", "-sr_members", 1, "-evaluate_bootstrap", 100] + MEAN}
tmp = folder()


def start(command, out, *more):
    return run(command, *DECK[command], "-run_output_dir", os.path.join(tmp, out), *more, ranks=0)


def path(*parts):
    return os.path.join(tmp, *parts)


def state(out):
    """Bytes and times of all files."""
    names = sorted(os.listdir(path(out)))
    return [(n, os.stat(path(out, n)).st_mtime_ns, open(path(out, n), "rb").read()) for n in names]


def same(a, b, name, variables=("T", "u", "v", "w")):
    with xr.open_dataset(path(a, name)) as x, xr.open_dataset(path(b, name)) as y:
        for v in variables:
            check(x[v].shape == y[v].shape, a, b, name, v, x[v].shape, y[v].shape)
            check(np.array_equal(x[v].values, y[v].values, equal_nan=True), a, b, name, v, "differ")
            check(np.isfinite(x[v].values).any(), name, v)


def says(done, code, *words):
    text = done.stdout + done.stderr
    check(done.returncode == code and all(w in text for w in words), code, words, done.returncode, text)
    if code:
        check(len(ours(done.stderr)) == 1, "one line", done.stderr)


def unchanged(before, out, *what):
    check(state(out) == before, "touched:", out, *what, [a[0] for a, b in zip(before, state(out)) if a != b])


def summary(out, name="summary.json"):
    with open(path(out, name)) as f:
        return json.load(f)


def finished_and_grown():
    """A forecast, finished; left alone; refused with other keys; then longer, then with more members."""
    two, four = ["-les_duration_s", 120, "-sr_members", 1], ["-les_duration_s", 240, "-sr_members", 3]
    says(start("forecast", "whole", *four), 0)
    says(start("forecast", "grown", *two), 0)
    check(summary("grown")["status"] == "done", summary("grown")["status"])
    before = state("grown")
    says(start("forecast", "grown", *two, "-run_restart"), 0, "finished, nothing to continue")
    says(start("forecast", "grown", *two, "-run_restart", "--check"), 0, "finished, nothing to continue")
    for key, value, old in (("les_wind_direction_deg", 90, 180), ("les_duration_s", 60, 120), ("sr_top_m", 100, 160),
                            ("sr_write_theta", "true", "false"), ("run_start_time", "2026-01-01T00:00:00", "2026-08-01T12:00:00"),
                            ("sr_sampler", "euler_maruyama", "mean"), ("les_top_m", 220, 200), ("run_seed", 2, 1)):
        for more in ([], ["--check"]):
            done = start("forecast", "grown", *two, "-run_restart", f"-{key}", value, *more)
            says(done, 3, f"{key} is '{value}'", f"'{old}'", "-run_overwrite")
    says(start("les", "grown", "-les_duration_s", 120, "-run_restart"), 3, "holds a run of 'forecast'")
    says(start("forecast", "grown", *two), 5, "run_restart", "run_overwrite")
    unchanged(before, "grown", "by refused runs")
    says(start("forecast", "grown", "-les_duration_s", 240, "-sr_members", 1, "-run_restart", "-run_checkpoint_interval_s", 7), 0)
    same("whole", "grown", "lr.nc", ("T", "u", "v", "w", "theta", "time"))
    same("whole", "grown", "inflow.nc", ("planes_x", "planes_y"))
    with xr.open_dataset(path("grown", "hr.nc"), decode_times=False) as f:
        check(f.sizes["time"] == 4 and f.sizes["member"] == 1 and np.isfinite(f.time.values).all(), f.sizes)
    says(start("forecast", "grown", *four, "-run_restart"), 0)
    same("whole", "grown", "hr.nc", ("T", "u", "v", "w", "time", "time_bnds"))
    with xr.open_dataset(path("grown", "hr.nc")) as f:
        lines = f.history.split("\n")
        check(len(lines) == 3 and "times 3 to 4; les_duration_s 120 -> 240" in lines[1] and "sr_members 1 -> 3" in lines[2], lines)
        check("duration_s: 240" in f.deck and "members: 3" in f.deck, "deck")
    sessions = summary("grown")["sessions"]
    check(len(sessions) == 3 and sessions[2]["changed"] == "sr_members 1 -> 3", sessions)


def other_commands():
    """les, sr, pairs, train, evaluate: finished runs are left alone, others go on."""
    lr = path("whole", "lr.nc")
    says(start("sr", "sr", "-les_input_file", lr, "-sr_members", 1), 0)
    before = state("sr")
    says(start("sr", "sr", "-les_input_file", lr, "-sr_members", 1, "-run_restart"), 0, "finished, nothing to continue")
    copy = path("copy.nc")
    shutil.copy(lr, copy)
    says(start("sr", "sr", "-les_input_file", copy, "-sr_members", 1, "-run_restart"), 0, "finished")  # the same contents
    shutil.copy(path("grown", "hr.nc"), copy)
    says(start("sr", "sr", "-les_input_file", copy, "-sr_members", 1, "-run_restart"), 3, "les_input_file")
    unchanged(before, "sr")
    says(start("sr", "sr", "-les_input_file", lr, "-sr_members", 3, "-run_restart"), 0)
    same("whole", "sr", "hr.nc")
    synthetic = ["-les_inflow", "synthetic", "-les_duration_s", 120]
    says(start("les", "les", *synthetic, "-run_walltime_s", 1e-3), 75)
    check(summary("les")["status"] == "stopped", summary("les"))
    before = state("les")
    for key, value in (("les_z0_ground_m", 1), ("les_z0_wall_m", 0.1), ("les_write_variance", "true"), ("les_inflow_length_m", 90),
                       ("les_prandtl_no_such", 1)):
        done = start("les", "les", *synthetic, f"-{key}", value, "-run_restart")
        check(done.returncode in (2, 3) and key in done.stderr, key, done.returncode, done.stderr)
    says(start("les", "les", *synthetic), 5, "run_overwrite", "run_restart")
    unchanged(before, "les")
    says(start("les", "les", *synthetic, "-run_restart"), 0)
    before = state("les")
    says(start("les", "les", *synthetic, "-run_restart"), 0, "finished")
    unchanged(before, "les")
    extra = ["-les_inflow", "synthetic", "-les_profile_interval_s", 60, "-les_slice_z_m", 30, "-les_slice_interval_s", 30]
    says(start("les", "extra", *extra, "-les_duration_s", 60), 0)
    says(start("les", "extra", *extra, "-les_duration_s", 180, "-run_restart"), 0)
    says(start("les", "extra_whole", *extra, "-les_duration_s", 180), 0)
    same("extra_whole", "extra", "profiles.nc", ("u", "uw_resolved", "time"))
    same("extra_whole", "extra", "slices.nc", ("u_xy", "time"))
    pairs = [*synthetic, "-pairs_drop_s", 60]
    says(start("pairs", "pairs", *pairs), 0)
    before = state("pairs")
    says(start("pairs", "pairs", *pairs, "-run_restart"), 0, "finished")
    says(start("pairs", "pairs", *pairs, "-run_restart", "-les_wind_speed_m_per_s", 6), 3, "les_wind_speed_m_per_s is '6'")
    says(start("pairs", "pairs", *pairs, "-run_restart", "-les_duration_s", 180), 3, "les_duration_s", "cannot grow")
    unchanged(before, "pairs")
    pair = ["-data_files", path("pairs", "pair.nc")]
    for command, more, changed, word in (("evaluate", [], ["-sr_members", 2], "cannot grow"),
                                         ("train", ["-train_steps", 2], ["-train_width1", 32], "train_width1 is '32'")):
        says(start(command, command, *pair, *more), 0)
        before = state(command)
        says(start(command, command, *pair, *more, "-run_restart"), 0, "finished, nothing to continue")
        says(start(command, command, *pair, *more), 5, "run_overwrite")
        unchanged(before, command)
        more = [m for m in more if m != changed[0]]
        says(start(command, command, *pair, *more, *changed, "-run_restart"), 3, word)
        unchanged(before, command)


def short_wall_times():
    """Each submission is stopped after a step of the precursor, then one is killed there; it gets on all the same."""
    deck = ["-les_duration_s", 2400, "-les_output_interval_s", 600, "-run_checkpoint_interval_s", 1]
    says(start("les", "long", *deck), 0)
    reached = []
    for _ in range(4):
        done = start("les", "short", *deck, "-run_restart", "-run_walltime_s", 1e-3)
        says(done, 75, "inflow.nc.checkpoint.h5 written", "resubmit")
        reached.append(float(done.stderr.split("t = ")[1].split(" s")[0]))
    check(all(b > a for a, b in zip(reached, reached[1:])), "nothing was gained", reached)
    process = subprocess.Popen([PROGRAM, "les", *map(str, DECK["les"] + deck), "-run_output_dir", path("short"), "-run_restart"])
    begin = os.stat(path("short", "inflow.nc.checkpoint.h5")).st_mtime_ns
    while process.poll() is None and not (os.path.exists(path("short", "inflow.nc.part")) and
                                          os.stat(path("short", "inflow.nc.checkpoint.h5")).st_mtime_ns > begin):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    print("killed in the precursor" if process.wait() < 0 else "too fast to be killed")
    says(start("les", "short", *deck, "-run_restart"), 0)
    same("long", "short", "lr.nc", ("T", "u", "v", "w", "theta"))
    same("long", "short", "inflow.nc", ("planes_x", "planes_y"))
    check("inflow.nc.part" not in os.listdir(path("short")), os.listdir(path("short")))


def one_run_a_folder():
    out = path("lock")
    long = ["-les_inflow", "synthetic", "-les_duration_s", 60000]
    process = subprocess.Popen([PROGRAM, "les", *map(str, DECK["les"] + long), "-run_output_dir", out, "-run_checkpoint_interval_s", "1"])
    while process.poll() is None and not (os.path.exists(path("lock", "run.log")) and "minute 2" in open(path("lock", "run.log")).read()):
        time.sleep(0.05)
    for more in (["-run_overwrite"], ["-run_restart"], ["--check", "-run_overwrite"]):
        says(start("les", "lock", *long, *more), 5, "in use by process", str(process.pid))
    process.send_signal(signal.SIGKILL)
    process.wait()
    check(os.path.exists(path("lock", "run.lock")), "what a killed run leaves")
    says(start("les", "lock", *long, "-run_restart", "-run_walltime_s", 1), 75)
    check(not os.path.exists(path("lock", "run.lock")), "the lock stays")
    text = "host elsewhere\nprocess 7 started 5\nboot 0-0\njob 77\nsince 2026-01-01T00:00:00Z\n"
    for env, code, words in (({}, 5, ["on elsewhere, job 77", "remove"]), ({"SLURM_JOB_ID": "77"}, 75, [])):
        with open(path("lock", "run.lock"), "w") as f:
            f.write(text)
        done = run("les", *DECK["les"], *long, "-run_output_dir", out, "-run_restart", "-run_walltime_s", 1, ranks=0, env=env)
        says(done, code, *words)
    os.path.exists(path("lock", "run.lock")) and os.remove(path("lock", "run.lock"))


def overwrite_comes_late():
    """Old results go when the new run really starts, not when it is refused; then all of them go."""
    before = [s for s in state("les") if s[0] != "run.log"]
    bad = ["-les_inflow", "file", "-les_boundary_file", path("none.nc")]
    done = start("les", "les", *bad, "-les_duration_s", 120, "-run_overwrite")
    check(done.returncode == 3, done.returncode, done.stderr)
    check([s for s in state("les") if s[0] != "run.log"] == before, "a refused run replaced results")
    says(start("les", "les", "-les_inflow", "synthetic", "-les_duration_s", 60, "-run_overwrite", "-run_walltime_s", 1e-3), 75)
    check("lr.nc" not in os.listdir(path("les")) or xr.open_dataset(path("les", "lr.nc")).sizes["time"] == 1, "old results are mixed in")


def refused_at_once():
    done = run("les", *DECK["les"], "-run_output_dir", path("ranks"), "-les_duration_s", 60, ranks=5)
    check(done.returncode == 2 and "numbers that fit: 1 to 4, 6, 8, 9, 12, 16" in done.stderr, done.stderr)
    done = start("les", "ranks", "--check")
    says(done, 0, "numbers of ranks that fit: 1 to 4, 6, 8, 9, 16")
    heights = np.zeros((80, 80))
    heights[24:56, 24:56] = 200  # beyond it, open ground
    full = xr.DataArray(heights, {"y": 2.5 + 5 * np.arange(80.0), "x": 2.5 + 5 * np.arange(80.0)}, ("y", "x"), "height")
    for axis in ("x", "y"):
        full[axis].attrs.update(units="m", standard_name=f"projection_{axis}_coordinate")
    full.attrs["units"] = "m"
    full.to_dataset().to_netcdf(path("full.nc"))
    for more in (["--check"], []):
        done = run("forecast", "-city_file", path("full.nc"), "-city_x_min_m", 160, "-city_y_min_m", 160, "-city_size_x_m", 80,
                   "-city_size_y_m", 80, "-les_margin_m", 40, "-les_spinup_s", 0, "-les_duration_s", 60, "-run_output_dir",
                   path("full"), *more, ranks=0)
        says(done, 3, "no air below sr_top_m (160 m)", "city_x_min_m")
        check(not os.path.exists(path("full", "inflow.nc")), "the precursor ran")


try:
    finished_and_grown()
    other_commands()
    short_wall_times()
    one_run_a_folder()
    overwrite_comes_late()
    refused_at_once()
finally:
    shutil.rmtree(tmp, ignore_errors=True)
print("passed")
