"""20 m files and boundary files by their meaning, as a user brings them: the same field written in other ways gives the same
result, stamped as its input; what is another field is refused by --check already, in one line that names the file."""
import json
import os

import netCDF4
import numpy as np
import xarray as xr

from _run import check, folder, ours, run

tmp = folder()
X0, Y0, N, NZ = 500000.0, 5400000.0, 8, 9
Z, C = 10 + 20.0 * np.arange(NZ), 10 + 20.0 * np.arange(N)
SAID = dict(wind_speed_m_per_s=4.5, wind_direction_deg=250.0, theta_surface_K=303.0, lapse_K_per_m=0.003, mixed_height_m=300.0,
            heat_flux_K_m_per_s=0.06)
city = os.path.join(tmp, "city.geojson")
houses = []
for west, south, east, north, height in ((20, 20, 60, 60, 40), (100, 60, 140, 140, 80)):
    ring = [[X0 + a, Y0 + b] for a, b in ((west, south), (east, south), (east, north), (west, north), (west, south))]
    houses.append({"type": "Feature", "properties": {"height": height}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
with open(city, "w") as f:
    json.dump({"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32632"}},
               "features": houses}, f)


def base():
    """The file as windbridge would write it, an asymmetric field of one minute."""
    z, y, x = np.meshgrid(Z, C, C, indexing="ij")
    air = np.ones((NZ, N, N), bool)
    air[:2, 1:3, 1:3] = air[:4, 3:7, 5:7] = False
    fields = {"u": 2 + 0.02 * x + 0.01 * z, "v": 1 + 0.01 * y, "w": 0.05 * np.sin(x / 50), "theta": 303 + 0.003 * z}
    units = {"u": "m s-1", "v": "m s-1", "w": "m s-1", "theta": "K"}
    ds = xr.Dataset({k: (("time", "z", "y", "x"), np.where(air, v, np.nan)[None].astype("f4"), {"units": units[k]})
                     for k, v in fields.items()}, {"time": [600.0], "z": Z, "y": Y0 + C, "x": X0 + C}, SAID)
    ds["fluid_mask"] = ("z", "y", "x"), air.astype("i1")
    ds["time_bnds"] = ("time", "nv"), [[540.0, 600.0]]
    ds.time.attrs.update(units="seconds since 2026-01-15 06:00:00", bounds="time_bnds")
    for name in "zyx":
        ds[name].attrs["units"] = "m"
    return ds


def write(ds, name, **encoding):
    path = os.path.join(tmp, name + ".nc")
    for v in ds.variables:
        if v not in encoding and "_FillValue" not in ds[v].attrs:
            encoding[v] = {"_FillValue": None}
    ds.to_netcdf(path, encoding=encoding)
    return path


def sr(path, name, *more):
    out = os.path.join(tmp, name)
    return run("sr", "-city_file", city, "-sr_members", 1, "-sr_sampler", "mean", "-les_input_file", path, "-run_output_dir",
               out, *more, ranks=0), os.path.join(out, "hr.nc")


def result(path, name, ranks=0):
    done, hr = sr(path, name)
    check(done.returncode == 0, name, done.stdout, done.stderr)
    with xr.open_dataset(hr, decode_times=False) as f:
        return f.load(), done.stdout + done.stderr


# ---- the same field in other ways ----
want, said = result(write(base(), "plain"), "plain")
check("plain.nc: theta 303 ... 303.5 K, u 2.3 ... 6.7 m s-1" in said, "the line of what was understood", said)
check("1 time, 600 ... 600 s since 2026-01-15 06:00:00, means over 60 s" in said and "no units" not in said, said)


def same(got, name, t=600.0, since="2026-01-15 06:00:00", bounds=(540.0, 600.0), tolerance=2e-3):
    for v in ("T", "u", "v", "w"):
        worst = float(np.nanmax(np.abs(got[v].values - want[v].values)))
        check(worst <= tolerance and np.array_equal(np.isnan(got[v].values), np.isnan(want[v].values)), name, v, worst)
    check(got.time.values.tolist() == [t] and got.time.attrs["units"] == "seconds since " + since, name, got.time)
    if bounds:
        check(got.time_bnds.values.tolist() == [list(bounds)] and got.u.attrs["cell_methods"] == "time: mean", name,
              got.time_bnds)
    else:
        check("time_bnds" not in got and "bounds" not in got.time.attrs and "cell_methods" not in got.u.attrs, name, got)


same(want, "plain", tolerance=0)
odd = base().transpose("x", "z", "time", "y", "nv").isel(y=slice(None, None, -1), x=slice(None, None, -1),
                                                      z=slice(None, None, -1))
for v in ("u", "v", "w"):
    odd[v] = odd[v].dims, odd[v].values * np.float32(3.6), {"units": "km h-1"}
odd["theta"] = odd.theta.dims, odd.theta.values - np.float32(273.15), {"units": "degC"}
odd = odd.assign_coords(time=("time", [10.0], {"units": "minutes since 2026-01-15T06:00", "bounds": "time_bnds"}),
                        x=("x", odd.x.values / 1e3, {"units": "km"}))
odd["time_bnds"] = ("time", "nv"), [[9.0, 10.0]]
got, said = result(write(odd, "odd"), "odd")
same(got, "turned, in other units")
check("(from 'km h-1')" in said and "(from 'degC')" in said and "from north to south" in said, said)
air = base()
air["T"] = air.theta.dims, air.theta.values * (1 - 9.81 * Z / (1005 * 303.0))[:, None, None].astype("f4"), {"units": "K"}
low = np.array([-30.0, -10.0])
deep = air.drop_vars("theta").pad(z=(2, 0), mode="edge").assign_coords(z=("z", np.concatenate([low, Z]), {"units": "m"}))
same(result(write(deep, "deep"), "deep")[0], "T in place of theta, two levels below ground")
packed = base().expand_dims(height=[2.0]).drop_vars("time_bnds")
packed = packed.assign(fluid_mask=packed.fluid_mask.astype("f8"))
del packed.time.attrs["bounds"]
short = {"dtype": "i2", "scale_factor": 2e-4, "add_offset": 3.0, "_FillValue": np.int16(-32768), "zlib": True}
got, _ = result(write(packed, "packed", u=short, v=short), "packed")
same(got, "packed, without bounds", bounds=None)
bare = base().drop_vars("time_bnds")
bare.time.attrs.clear()
got, said = result(write(bare, "bare"), "bare")
same(got, "without a date", since="2026-08-01 12:00:00", bounds=None)
check("its times have no date; they are counted from run_start_time" in said, said)
check("no units given for time" in said, said)


# ---- other fields ----
def changed(variable, change):
    ds = base()
    a = ds[variable].values.copy()
    ds[variable] = ds[variable].dims, change(a), ds[variable].attrs
    return ds


def put(a, value, *at):
    a[at] = value
    return a


def attrs(ds, variable, **more):
    (ds[variable] if variable else ds).attrs.update(more)
    return ds


def moved(ds, **shift):
    return ds.assign_coords({k: (k, ds[k].values + v, ds[k].attrs) for k, v in shift.items()})


staggered = base().rename(x="xu")[["u"]].assign_coords(xu=("xu", X0 + C - 10, {"units": "m", "axis": "X"}))
solid = base().u.values
solid[0, 0, 1, 1] = 3.0
refusals = {
    "celsius": (changed("theta", lambda a: a - 273.15), "theta is 29.88 K at minute 1 (600 s), z = 10 m"),
    "hole": (changed("u", lambda a: put(a, np.nan, 0, 8, 5, 0)), "u is missing or not finite in 1 air cells, first at minute 1"),
    "rubbish": (changed("w", lambda a: put(a, -9999, 0, 8, 5, 0)), "w is -9999 m s-1"),
    "mask_two": (changed("fluid_mask", lambda a: 2 * a), "mask fluid_mask is 2"),
    "mask_mixed": (changed("u", lambda a: solid), "do mask and values belong together?"),
    "mask_moved": (changed("fluid_mask", lambda a: a.transpose(0, 2, 1)), "air cells"),
    "unit": (attrs(base(), "v", units="kg"), "v is in 'kg', which measures something else"),
    "high": (moved(base(), z=520), "reach from 530 to 690 m without one at 10 m"),
    "one_up": (moved(base(), z=20), "without one at 10 m"),
    "altitude": (attrs(base(), "z", standard_name="altitude"), "z is a height above sea level"),
    "spacing": (base().assign_coords(x=("x", X0 + 0.5 * C, {"units": "m"})), "coordinate x is"),
    "staggered": (base().drop_vars("u").merge(staggered), "u lies at xu = 500000, 500020, ..., theta at x = 500010"),
    "no_mask": (base().drop_vars("fluid_mask"), "no variable fluid_mask; a 20 m file needs theta"),
    "no_times": (base().isel(time=slice(0, 0)), "theta holds no time (0 entries)"),
    "no_axis": (base().drop_vars("y"), "dimension y of theta has no coordinate variable"),
    "member": (base().expand_dims(member=3), "a dimension member of 3 entries"),
    "strong": (attrs(base(), None, wind_speed_m_per_s=450.0), "attribute wind_speed_m_per_s is 450; allowed"),
    "words": (attrs(base(), None, theta_surface_K="warm"), "attribute theta_surface_K"),
    "cold": (attrs(base(), None, theta_surface_K=30.0), "attribute theta_surface_K is 30; allowed"),
}
for name, (ds, words) in refusals.items():
    path = write(ds, name)
    done, hr = sr(path, "no", "--check")
    lines = ours(done.stderr)
    check(done.returncode == 3 and len(lines) == 1 and words in lines[0] and name + ".nc" in lines[0], name, done.returncode,
          done.stderr, "wanted", words)
    check(not os.path.exists(hr), name, "left a result")
elsewhere = base()
elsewhere["crs"] = (), 0, {"grid_mapping_name": "transverse_mercator", "crs_wkt": 'PROJCS["x",AUTHORITY["EPSG","32633"]]'}
done, _ = sr(write(attrs(elsewhere, "u", grid_mapping="crs"), "zone"), "no", "--check")
check(done.returncode == 3 and "in EPSG:32633, the city's in EPSG:32632" in done.stderr, done.stderr)
for key, value in (("y_min_m", Y0 - 100), ("x_min_m", X0 + 40), ("size_y_m", 200), ("size_x_m", 240)):
    done, _ = sr(os.path.join(tmp, "plain.nc"), "no", f"-city_{key}", value, "--check")
    check(done.returncode == 3 and "the deck's city window is another" in done.stderr, key, done.stderr)
weak = write(attrs(changed("u", lambda a: a), None), "weak")
with netCDF4.Dataset(weak, "a") as f:
    f["u"].delncattr("units")
    f["u"][:] = f["u"][:] * 3.6
done, _ = sr(weak, "no", "--check")
check(done.returncode == 3 and "u and v have no units" in done.stderr, done.stderr)
done, _ = sr(os.path.join(tmp, "plain.nc"), "no", "-les_wind_direction_deg", 160, "--check")
check(done.returncode == 0 and "the deck's is used" in done.stderr + done.stdout and
      "wind_direction_deg 160" in done.stderr + done.stdout, done.stdout, done.stderr)


# ---- boundary files ----
def boundary(path, *more, check_only=True):
    out = os.path.join(tmp, "les_" + os.path.basename(path))
    done = run("les", "-city_generate", "flat", "-city_size_x_m", 80, "-city_size_y_m", 80, "-les_margin_m", 60, "-les_rim_m", 0,
               "-les_duration_s", 60, "-les_spinup_s", 20, "-les_top_m", 200, "-les_wind_speed_m_per_s", 6,
               "-les_wind_direction_deg", 260, "-les_inflow", "file", "-les_boundary_file", path, "-run_output_dir", out,
               *(["--check"] if check_only else []), *more, ranks=0)
    return done, os.path.join(out, "lr.nc")


def profiles():
    z, t, one = np.array([10.0, 50, 100, 250, 600]), np.array([0.0, 60, 120]), np.ones((3, 1))
    ds = xr.Dataset({"u": (("time", "z"), one * [3.0, 5, 6, 7, 8], {"units": "m s-1"}),
                     "v": (("time", "z"), one * [0.5, 1, 1, 1, 1], {"units": "m s-1"}),
                     "theta": (("time", "z"), one * [303.0, 303, 303, 303, 304], {"units": "K"})}, {"time": t, "z": z})
    ds.time.attrs["units"], ds.z.attrs["units"] = "s", "m"
    return ds


def level_means(path):
    done, lr = boundary(path, check_only=False)
    check(done.returncode == 0, path, done.stdout, done.stderr)
    with xr.open_dataset(lr) as f:
        return f.u.mean(("time", "y", "x")).values


plain = level_means(write(profiles(), "profiles"))
other = profiles().transpose("z", "time").isel(z=slice(None, None, -1))
other["u"] = other.u.dims, other.u.values * 3.6, {"units": "km h-1"}
other = other.assign_coords(z=("z", other.z.values / 0.3048, {"units": "ft", "positive": "up"}),
                            time=("time", np.array([0, 1, 2]), {"units": "minutes since 2026-08-01 12:00:00"}))
check(np.allclose(level_means(write(other, "other")), plain, atol=2e-3), "profiles turned, in km/h, feet and dates", plain)
f = profiles().expand_dims(y=[-200.0, 0, 100, 400], x=[-200.0, 0, 100, 400]).transpose("time", "z", "y", "x")
f["u"] = f.u.dims, (f.u + 0.01 * f.x).transpose("time", "z", "y", "x").values, {"units": "m s-1"}
turned = f.copy()
turned["u"] = f.u.transpose("time", "z", "x", "y")
first, second = level_means(write(f, "fields")), level_means(write(turned, "turned"))
check(np.allclose(first, second, atol=1e-4), "(time, z, x, y) is read as (time, z, y, x)", first, second)
for name, ds, words in (
        ("pressure", attrs(profiles(), "z", units="hPa", positive="down", standard_name="air_pressure"), "z is a pressure"),
        ("sea_level", attrs(profiles(), "z", standard_name="altitude"), "z is a height above sea level"),
        ("late", attrs(profiles(), "time", units="seconds since 2026-08-01 12:10:00"), "begin at t = 600 s"),
        ("leap", attrs(profiles(), "time", units="seconds since 2026-08-01 12:00:00", calendar="noleap"), "calendar 'noleap'"),
        ("gap", profiles().assign(u=profiles().u.where(profiles().z != 100)), "u is missing or not finite in 1 cells, first at minute 1 (0 s), z = 100 m"),
        ("hot", profiles().assign(theta=profiles().theta + 200), "theta is 503 K"),
        ("shifted", profiles().drop_vars("u").merge(
            profiles()[["u"]].rename(z="zu").assign_coords(zu=("zu", profiles().z.values + 10, {"units": "m"}))),
         "allowed: all at the cells' centres")):
    done, _ = boundary(write(ds, name))
    check(done.returncode == 3 and words in done.stderr and name + ".nc" in done.stderr, name, done.stderr, "wanted", words)
fast = profiles()
fast["u"] = fast.u.dims, fast.u.values * 3.6
done, _ = boundary(write(fast, "fast"))
check(done.returncode == 0 and "its wind at t = 0 and 100 m is 21.6 m/s" in done.stdout + done.stderr and
      "no units given for u" in done.stdout + done.stderr, done.stdout, done.stderr)
print("ok")
