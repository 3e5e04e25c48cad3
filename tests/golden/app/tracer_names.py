"""No tracer takes the name of a variable, axis or dimension of any file that les writes: a run with all of them tells which
there are, and --check refuses each as a tracer's name, those made of another tracer's name too."""
import glob
import os
import re
import shutil

import h5py

from _run import check, folder, ours, run

SMALL = ["-city_size_x_m", 80, "-city_size_y_m", 80, "-city_seed", 5, "-les_margin_m", 80, "-les_rim_m", 60, "-les_top_m", 200,
         "-les_spinup_s", 0, "-les_duration_s", 2, "-les_output_interval_s", 2, "-les_inflow", "synthetic"]
SOURCE = ["-tracer_name", "smoke", "-tracer_x_m", 2.5, "-tracer_y_m", 2.5, "-tracer_z_m", 150, "-tracer_rate_kg_per_s", 1]
EVERYTHING = ["-les_profile_interval_s", 2, "-les_write_variance", "-les_closure", "deardorff", "-les_slice_x_m", -50, "-les_slice_y_m",
              -50, "-les_slice_z_m", 150, "-les_slice_interval_s", 2]


def names(tmp):
    """Of all objects in all files; those of the tracer apart."""
    out = os.path.join(tmp, "all")
    for more in ([], ["-les_dx_m", 10, "-les_hr_uniform_top_m", 160]):
        done = run("les", *SMALL, *SOURCE, *EVERYTHING, *more, "-run_output_dir", out, "-run_overwrite", ranks=0)
        check(done.returncode == 0, done.stderr)
    found = set()
    for path in glob.glob(os.path.join(out, "*.nc")):
        with h5py.File(path) as f:
            found |= set(f.keys())
    check({"smoke", "smoke_w_resolved", "smoke_xy", "u_yz", "time_bnds", "lr_valid_mask", "subgrid_tke"} <= found, sorted(found))
    return found


def refused(bad):
    """The names of the list that --check refuses, all in one line."""
    arguments = list(SOURCE)
    for i in range(3, len(arguments), 2):
        arguments[i] = ",".join([str(arguments[i])] * (len(bad) + 1))
    arguments[1] = ",".join(["smoke", *bad])
    out = run("les", *SMALL, *arguments, "--check", ranks=0)
    check(out.returncode == 2 and len(ours(out.stderr)) == 1, out.returncode, out.stderr)
    return set(re.findall(r"'([^']*)'", out.stderr))


tmp = folder()
found = sorted(names(tmp) - {"smoke"})
seen = set()
for i in range(0, len(found), 60):
    seen |= refused(found[i:i + 60])
check(seen == set(found), "accepted as a tracer's name:", sorted(set(found) - seen), "refused without need:", sorted(seen - set(found)))
check(refused(["2nd", "a b", "é", "x" * 32]) == {"2nd", "a b", "é", "x" * 32}, "what is no name")
shutil.rmtree(tmp)
print(f"passed: {len(found)} names")
