"""`pairs` with synthetic inflow: LR and HR runs see the same turbulent wind, no planes are written, a stopped run goes on to
the same file."""
import os

import numpy as np
import xarray as xr

from _run import check, folder, run

DECK = ["-city_seed", 20, "-city_size_x_m", 80, "-city_size_y_m", 80, "-les_margin_m", 60, "-les_rim_m", 40, "-les_top_m", 300,
        "-les_spinup_s", 60, "-les_duration_s", 120, "-pairs_drop_s", 60, "-les_inflow", "synthetic", "-les_inflow_length_m", 80,
        "-les_wind_direction_deg", 270, "-les_heat_flux_K_m_per_s", 0]


def pair(out, group):
    with xr.open_dataset(os.path.join(out, "pair.nc"), group=group) as f:
        return f.load()


def make(name, *more):
    out = os.path.join(tmp, name)
    return run("pairs", *DECK, "-pairs_name", "pair", "-run_output_dir", out, *more, ranks=0), out


tmp = folder()
done, whole = make("whole")
check(done.returncode == 0, done.stdout, done.stderr)
check(not [f for f in os.listdir(whole) if "inflow" in f], "planes of a precursor", os.listdir(whole))
lr, hr = pair(whole, "lr"), pair(whole, "hr")
check(lr.sizes["time"] == hr.sizes["time"] == 1 and hr.sizes["x"] == 4 * lr.sizes["x"], lr.sizes, hr.sizes)
for field, group in ((lr, "lr"), (hr, "hr")):
    air = field.fluid_mask.values.astype(bool)
    for v in ("u", "v", "w", "theta"):
        check(np.isfinite(field[v].values[:, air]).all(), group, v)

# above the roofs, in the windward 40 m: the minutes' lateral pattern comes in with the planes, in both runs
k = 6  # 120 to 140 m
coarse = lr.u.values[:, k, :, :2].mean(-1)
fine = hr.u.values[:, 4 * k:4 * k + 4, :, :8].mean((1, 3)).reshape(1, lr.sizes["y"], 4).mean(-1)
check(coarse.std() > 0.05, "no turbulence in the inflow", coarse)
difference = float(np.sqrt(((fine - coarse)**2).mean()))
check(difference < 0.5 * float(coarse.std()) + 0.1, "LR and HR inflow differ", coarse, fine)

done, cut = make("cut", "-run_walltime_s", 0.01)
check(done.returncode == 75, "stopped at once", done.returncode, done.stderr)
done, cut = make("cut", "-run_restart")
check(done.returncode == 0, done.stdout, done.stderr)
for group, field in (("lr", lr), ("hr", hr)):
    again = pair(cut, group)
    for v in ("u", "v", "w", "theta"):
        check(np.array_equal(field[v].values, again[v].values, equal_nan=True), group, v, "after a restart")

done, _ = make("other", "-les_inflow_length_m", 0.1)
check(done.returncode == 2 and "les_inflow_length_m" in done.stderr, done.returncode, done.stderr)
print("ok")
