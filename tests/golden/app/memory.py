"""The memory plan: printed by --check and before a run, near the measured peak, refused past run_memory_limit_gb; a limit
in between makes the network work in slabs with the same result."""
import json
import os
import re
import shutil

import numpy as np
import xarray as xr

from _run import check, folder, ours, run

CITY = ["-city_seed", 5, "-les_margin_m", 80, "-les_rim_m", 40, "-les_top_m", 300]
SQUARE, LONG = ["-city_size_x_m", 640], ["-city_size_x_m", 320, "-city_size_y_m", 1280]
LES = [*CITY, *LONG, "-les_spinup_s", 2, "-les_duration_s", 4, "-les_output_interval_s", 2]
SR = [*CITY[:4], *LONG, "-sr_members", 1, "-sr_steps", 1]
WITHIN = 1.25  # the plan of what is added to the program itself, over the measured peak, and the reverse


def rows(text):
    """Rows of the printed plan: name -> bytes of all ranks."""
    return {m[1].strip(): 1e9 * float(m[2]) for m in re.finditer(r"^  (\S.*?) +[\d.]+ GB +([\d.]+) GB$", text, re.M)}


def summary(out):
    with open(os.path.join(out, "summary.json")) as file:
        return json.load(file)


def near(name, out, text):
    """Beside what the program holds before it starts, which is measured, not planned."""
    s, base = summary(out), rows(text)["program, libraries, city"]
    planned, measured = s["memory_planned_per_rank_bytes"] - base, s["memory_peak_per_rank_bytes"] - base
    print(f"{name}: planned {planned / 1e6:.0f} MB, measured {measured / 1e6:.0f} MB beside {base / 1e6:.0f} MB")
    check(measured / WITHIN <= planned <= WITHIN * measured, name, "planned", planned, "measured", measured)


def flow(tmp):
    """A fine run: large enough beside the program."""
    out = os.path.join(tmp, "les")
    done = run("les", *CITY, *SQUARE, "-les_dx_m", 5, "-les_spinup_s", 2, "-les_duration_s", 4, "-les_output_interval_s", 2,
               "-run_output_dir", out)
    check(done.returncode == 0, done.stderr)
    near("les", out, done.stdout)


def network(tmp):
    lr = os.path.join(tmp, "lr")
    check(run("les", *LES, "-run_output_dir", lr).returncode == 0, "les")
    args = ["sr", "-les_input_file", os.path.join(lr, "lr.nc"), *SR]
    whole = os.path.join(tmp, "whole")
    checked = run(*args, "--check", "-run_output_dir", whole)
    check(checked.returncode == 0 and "ready to run" in checked.stdout, checked.stderr)
    plan = rows(checked.stdout)
    check(plan["network: fields"] > 1e7 and "disk: results" in checked.stdout and "the machine has" in checked.stdout, plan)
    check(not os.path.exists(whole), "--check made", whole)
    check(abs(sum(plan.values()) - 2 * plan["in all"]) < 1e7, "the rows add up", plan)
    done = run(*args, "-run_output_dir", whole)
    check(done.returncode == 0, done.stderr)
    near("sr", whole, done.stdout)
    two = run(*args, "--check", "-run_output_dir", whole, "-run_overwrite", "true", ranks=2)
    check(two.stdout.count("in all") == 1, "printed once, not per rank", two.stdout)
    need = plan["in all"] / 1e9
    slabs = os.path.join(tmp, "slabs")
    limit = need - 0.25 * plan["network: fields"] / 1e9
    done = run(*args, "-run_output_dir", slabs, "-run_memory_limit_gb", f"{limit:.3f}")
    check(done.returncode == 0 and "slabs of rows" in done.stdout, done.stdout, done.stderr)
    check(rows(done.stdout)["in all"] <= 1e9 * limit + 1e6, "slabs keep the limit", done.stdout)
    near("sr in slabs", slabs, done.stdout)
    check(summary(slabs)["memory_peak_per_rank_bytes"] < summary(whole)["memory_peak_per_rank_bytes"], "slabs need less")
    with xr.open_dataset(os.path.join(whole, "hr.nc")) as a, xr.open_dataset(os.path.join(slabs, "hr.nc")) as b:
        for v in ("T", "u", "v", "w"):
            worst = float(np.nanmax(np.abs(a[v].values - b[v].values)))
            check(worst <= 1e-5 * float(np.nanmax(np.abs(a[v].values))), v, "in slabs differs by", worst)
    refused = run(*args, "-run_output_dir", os.path.join(tmp, "no"), "-run_memory_limit_gb", 0.05)
    lines = ours(refused.stderr)
    check(refused.returncode == 2 and len(lines) == 1 and "run_memory_limit_gb is '0.05'" in lines[0], refused.stderr)


def main():
    tmp = folder()
    flow(tmp)
    network(tmp)
    shutil.rmtree(tmp)
    print("plans are near what runs take, and limits are kept")


main()
