"""What `les` writes beside its means: profiles, probes, slices, variances, tracers; only what is asked for, readable with
xarray; a run that is stopped and resumed leaves the same; places that make no sense are refused before any work."""
import csv
import os

import numpy as np
import xarray as xr

from _run import check, folder, ours, run

DECK = """
city: {generate: tokyo_like, seed: 3, size_x_m: 160, size_y_m: 160}
les:
  {duration_s: 120, spinup_s: 60, top_m: 300, margin_m: 80, rim_m: 40, precision: fp32, closure: deardorff,
   profile_interval_s: 40, slice_interval_s: 30, slice_z_m: [10, 50], slice_x_m: [80], probe_interval_s: 5,
   probe_x_m: [-60, 220], probe_y_m: [-60, 220], probe_z_m: [2, 90], write_variance: true}
tracer:
  {name: [smoke, dust, smoke], x_m: [-30, -50, 200], y_m: [-30, 100, 200], z_m: [30, 5, 200], size_x_m: [40, 0, 20],
   size_y_m: [40, 0, 20], size_z_m: [40, 0, 20], rate_kg_per_s: [1, 0.1, 0.2]}
"""


def deck(tmp, text=DECK):
    path = os.path.join(tmp, "deck.yaml")
    with open(path, "w") as f:
        f.write(text)
    return path


def rows(path):
    with open(path) as f:
        return list(csv.DictReader(f))


def contents(out):
    p = xr.open_dataset(os.path.join(out, "profiles.nc"))
    check(p.sizes["time"] == 3 and p.sizes["z"] + 1 == p.sizes["zface"] == 16, "profiles", p.sizes)
    for name in ("u", "theta", "w_var", "uw_resolved", "thetaw_subgrid", "smoke", "dust_w_resolved", "subgrid_tke"):
        check(np.isfinite(p[name].values).all() and p[name].attrs["units"], name)
    check(abs(float(p.thetaw_subgrid[0, 0]) - 0.05) < 1e-6, "the ground's heat flux", float(p.thetaw_subgrid[0, 0]))
    check(str(p.time.values[0]).startswith("2026-08-01T12:00:4"), "times", p.time.values)
    s = xr.open_dataset(os.path.join(out, "slices.nc"))
    check(s.u_xy.dims == ("time", "z_slice", "y", "x") and s.sizes["time"] == 4, "slices", s.u_xy.dims, s.sizes)
    check(list(s.z_slice.values) == [10, 50] and s.theta_yz.dims == ("time", "x_slice", "z", "y"), "slice axes")
    check("u_xz" not in s, "a slice that was not asked for")
    check(float(s.smoke_xy.max()) > 0 and float(s.smoke_xy.min()) > -1e-6, "smoke in the slices")
    probes = rows(os.path.join(out, "probes.csv"))
    check(len(probes) == 2 * 24, "probe rows", len(probes))
    check(set(probes[0]) >= {"time_s", "probe", "u_m_per_s", "theta_K", "smoke_kg_per_m3"}, probes[0])
    check(all(290 < float(r["theta_K"]) < 320 for r in probes), "probe temperatures")
    lr = xr.open_dataset(os.path.join(out, "lr.nc"))
    for name in ("u_var", "theta_var", "smoke", "dust", "subgrid_tke"):
        air = lr[name].values[:, lr.fluid_mask.values == 1]
        check(np.isfinite(air).all() and air.max() > 0, name, "in lr.nc")
    check(np.isnan(lr.smoke.values[:, lr.fluid_mask.values == 0]).all(), "smoke in buildings")
    return p, s, probes, lr


tmp = folder()
path = deck(tmp)
whole, cut, plain = (os.path.join(tmp, n) for n in ("whole", "cut", "plain"))
out = run("les", path, "-run_output_dir", whole)
check(out.returncode == 0, out.stderr)
a = contents(whole)

# stopped as often as the wall time says, then resumed
for attempt in range(200):
    more = ["-run_restart"] if attempt else []
    out = run("les", path, "-run_output_dir", cut, "-run_walltime_s", 2, "-run_checkpoint_interval_s", 1,
              *more, "-les_inflow_file", os.path.join(whole, "inflow.nc"))
    if out.returncode != 75:
        break
check(out.returncode == 0, "resumed", attempt, out.stderr)
print(f"resumed {attempt} times")
b = contents(cut)
check(a[2] == b[2], "probes of the resumed run differ")
for one, other, names in ((a[0], b[0], ("u", "smoke", "uw_resolved")), (a[1], b[1], ("u_xy", "theta_yz")),
                          (a[3], b[3], ("u", "T", "u_var", "smoke"))):
    for n in names:
        check(np.array_equal(one[n].values, other[n].values, equal_nan=True), n, "of the resumed run differs")

# nothing is written that was not asked for
out = run("les", deck(tmp, DECK.split("tracer:")[0]), "-run_output_dir", plain, "-les_profile_interval_s", 0,
          "-les_probe_x_m", "", "-les_probe_y_m", "", "-les_probe_z_m", "", "-les_slice_z_m", "", "-les_slice_x_m", "",
          "-les_write_variance", "false", "-les_duration_s", 60, "-les_closure", "vreman")
check(out.returncode == 0, out.stderr)
results = [f for f in os.listdir(plain) if "checkpoint" not in f]
check(sorted(results) == ["inflow.nc", "lr.nc", "run.log", "summary.json"], os.listdir(plain))
lr = xr.open_dataset(os.path.join(plain, "lr.nc"))
check(not {"u_var", "smoke", "subgrid_tke"} & set(lr.variables), list(lr.variables))

# finer than 20 m: a source in a street that 20 m cells do not see
fine = ["-les_dx_m", 10, "-les_duration_s", 60]
bare = deck(tmp, DECK.split("profile_interval_s")[0] + "}\n")
first, second = (os.path.join(tmp, n) for n in ("first", "second"))
out = run("les", bare, "-run_output_dir", first, *fine)
check(out.returncode == 0, out.stderr)
t = xr.open_dataset(os.path.join(first, "truth.nc"))
streets = np.argwhere((t.fluid_mask.values == 1) & (t.lr_valid_mask.values == 0))
check(len(streets) > 0, "no narrow street in this city")
k, j, i = streets[len(streets) // 2]
out = run("les", bare, "-run_output_dir", second, *fine, "-les_inflow_file", os.path.join(first, "inflow.nc"),
          "-tracer_name", "soot", "-tracer_x_m", float(t.x[i]), "-tracer_y_m", float(t.y[j]), "-tracer_z_m", float(t.z[k]),
          "-tracer_rate_kg_per_s", 1)
check(out.returncode == 0, out.stderr)
soot = xr.open_dataset(os.path.join(second, "truth.nc")).soot.values[0]
check(soot[k, j, i] > 0 and np.nanmax(soot) == soot[k, j, i], "soot at its source", soot[k, j, i], np.nanmax(soot))

# refused before the precursor runs; an inflow file that ends early
for words, args in (
        (["probe 1", "outside the domain"], ["-les_probe_x_m", "9000,0"]),
        (["slice at z = 4000 m", "outside the domain"], ["-les_slice_z_m", "4000"]),
        (["source of tracer 'dust'", "outside the domain"], ["-tracer_x_m", "0,9000,0"]),
        (["tracer_x_m", "2 entries", "as many as tracer_name, 3"], ["-tracer_x_m", "0,1"]),
        (["tracer_name", "'u'", "another variable"], ["-tracer_name", "u,b,c"]),
        (["les_slice_interval_s", "'300'", "at most les_duration_s, 120 s"], ["-les_slice_interval_s", "300"]),
        (["les_probe_y_m", "as many as les_probe_x_m, 1"], ["-les_probe_x_m", "0"])):
    out = run("les", deck(tmp), "-run_output_dir", os.path.join(tmp, "no"), *args)
    lines = ours(out.stderr)
    check(out.returncode == 2 and len(lines) == 1, args, out.returncode, out.stderr)
    for w in words:
        check(w in lines[0], args, "lacks", repr(w), ":", lines[0])
out = run("les", deck(tmp), "-run_output_dir", os.path.join(tmp, "no"), "-les_duration_s", 600, "-les_inflow_file",
          os.path.join(whole, "inflow.nc"))
check(out.returncode == 3 and "inflow planes reach from t = -60 s to 120 s; this run needs -60 s to 600 s" in out.stderr,
      "inflow file that ends early", out.returncode, out.stderr)
print("passed")
