"""Inflow without a precursor: synthetic turbulence (a resumed run leaves the same bytes) and boundary values of another
model (files as xarray writes them; keys and files that do not fit are refused)."""
import os

import numpy as np
import xarray as xr

from _run import check, folder, run

SMALL = ["-city_generate", "tokyo_like", "-city_seed", 3, "-city_size_x_m", 160, "-les_duration_s", 120, "-les_spinup_s", 60,
         "-les_top_m", 300, "-les_margin_m", 80, "-les_rim_m", 40, "-les_mixed_height_m", 300]
tmp = folder()


def les(name, *more):
    out = os.path.join(tmp, name)
    return run("les", *SMALL, "-run_output_dir", out, *more, ranks=0), out


def wind(out, name="lr.nc"):
    with xr.open_dataset(os.path.join(out, name)) as f:
        return f.load()


# ---- synthetic ----
synthetic = ["-les_inflow", "synthetic", "-les_wind_direction_deg", 225, "-les_inflow_length_m", 80]
done, whole = les("whole", *synthetic, "-les_write_variance")
check(done.returncode == 0, done.stderr)
check("inflow.nc" not in os.listdir(whole), "no planes are written")
a = wind(whole)
k = int(np.argmin(abs(a.z.values - 110)))
speed = float(np.hypot(a.u[-1, k], a.v[-1, k]).mean())
check(2.5 < speed < 7.5, "wind speed above the roofs", speed)
check(float(a.u_var[-1, k].mean()) > 0.01, "turbulence", float(a.u_var[-1, k].mean()))

for attempt in range(3):  # stopped at once, twice, then left to finish
    done, cut = les("cut", *synthetic, "-les_write_variance", "-run_walltime_s", 0 if attempt == 2 else 0.01,
                    *(["-run_restart"] if attempt else []))
    check(done.returncode == (0 if attempt == 2 else 75), attempt, done.returncode, done.stderr)
b = wind(cut)
for name in ("u", "v", "w", "theta", "u_var"):
    check(np.array_equal(a[name].values, b[name].values, equal_nan=True), name, "after two restarts")

done, other = les("cut", *synthetic[:-1], 40, "-run_restart", "-les_write_variance")
check(done.returncode != 0, "a finished run is not continued with another inflow")

# ---- boundary values of another model: the wind turns from south to west ----
time, z = np.array([0.0, 60.0, 120.0]), np.array([10.0, 50.0, 150.0, 300.0])
x, y = np.array([-500.0, 250.0, 1000.0]), np.array([-400.0, 600.0])
angle = np.radians([180.0, 225.0, 270.0])
shape = (3, 4, 2, 3)
profile = np.array([3.0, 4.0, 5.0, 6.0])[None, :]


def field(values):
    return ("time", "z", "y", "x"), np.broadcast_to(values[:, :, None, None], shape).astype("f4")


series = xr.Dataset({"u": field(-profile * np.sin(angle)[:, None]), "v": field(-profile * np.cos(angle)[:, None]),
                     "theta": field(np.full((3, 4), 303.0))}, {"time": time, "z": z, "y": y, "x": x})
series.time.attrs["units"] = "s"
path = os.path.join(tmp, "boundary.nc")
series.to_netcdf(path)
nested = ["-les_inflow", "file", "-les_boundary_file", path]
done, out = les("nested", *nested)
check(done.returncode == 0, done.stderr)
c = wind(out)
k = int(np.argmin(abs(c.z.values - 190)))
u, v = c.u[:, k].mean(("y", "x")).values, c.v[:, k].mean(("y", "x")).values
check(u[1] > u[0] + 0.5 and v[1] < v[0] - 0.5, "the wind turns to the east", u, v)
check(abs(float(c.theta.isel(time=-1, z=-1).mean()) - 303) < 0.5, "temperature of the file")

# ---- refused ----
early = os.path.join(tmp, "early.nc")
series.isel(time=[0, 1]).to_netcdf(early)
for args, code, words in ((["-les_inflow", "file"], 2, "needs les_boundary_file"),
                          (["-les_boundary_file", path], 2, "allowed: with les_inflow file only"),
                          (["-les_inflow", "synthetic", "-les_inflow_file", path], 2, "les_inflow precursor only"),
                          (["-les_inflow", "file", "-les_boundary_file", early], 3, "end at t = 60 s; the run needs them to 120 s"),
                          (["-les_inflow", "file", "-les_boundary_file", path, "-city_size_x_m", 1200], 3,
                           "y reaches from -400 m to 600 m")):
    done, out = les("no", *args)
    check(done.returncode == code and words in done.stderr, args, done.returncode, done.stderr)

# ---- --check finds what would stop the run, and writes nothing; planes of other weather are told ----
done, made = les("made")
check(done.returncode == 0, done.stderr)
planes = os.path.join(made, "inflow.nc")
far = wind(made).x.values[0] - 500
for args, code, words in (([], 0, ""),
                          (["-les_inflow", "file", "-les_boundary_file", early], 3, "end at t = 60 s"),
                          (["-les_inflow_file", os.path.join(tmp, "none.nc")], 3, "none.nc"),
                          (["-les_inflow_file", planes, "-les_duration_s", 240], 3, "this run needs -60 s to 240 s"),
                          (["-les_inflow_file", planes, "-les_top_m", 400], 3, "planes reach to 300 m"),
                          (["-les_inflow_file", planes, "-les_wind_direction_deg", 90], 0, "the planes' weather flows in"),
                          (["-les_advection", "upwind5", "-les_cfl_max", 1.7], 2, "les_cfl_max is '1.7'"),
                          (["-les_z0_inflow_m", 5], 2, "les_z0_inflow_m is '5'"),
                          (["-les_z0_ground_m", 5], 2, "les_z0_ground_m is '5'"),
                          (["-les_slice_x_m", far], 2, "outside the domain"),
                          (["-les_output_interval_s", 50], 2, "allowed: a multiple of 50 s")):
    done, out = les("untouched", "--check", *args)
    check(done.returncode == code and words in done.stderr + done.stdout, args, done.returncode, done.stdout, done.stderr)
    check(not os.path.exists(out), args, "left", out)
print("ok")
