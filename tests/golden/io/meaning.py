"""Arrays are read by their meaning: rewritings of one asymmetric field that say what they mean give the same field; those
that do not, or contradict themselves, are refused in one line."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _common import BUILD, MPIRUN, folder, skip

try:
    import h5py
    import netCDF4
    import numpy as np
except ImportError as error:
    skip(str(error))



def check(condition, *message):
    if not condition:
        print("FAILED:", *message)
        sys.exit(1)


ARRAYS = os.path.join(BUILD, "tests", "test_golden_io_arrays")
T, Z, Y, X = 600.0 * np.arange(1, 3), 10 + 20.0 * np.arange(3), 5400010 + 20.0 * np.arange(4), 500010 + 20.0 * np.arange(5)
U = (-8 + 0.25 * np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)).astype("f4")  # all different, exact in many units
EPOCH = "seconds since 2026-01-15 06:00:00"
KEEP = {"time": {"units": EPOCH, "standard_name": "time", "axis": "T"},
        "z": {"units": "m", "standard_name": "height", "positive": "up", "axis": "Z"},
        "y": {"units": "m", "standard_name": "projection_y_coordinate", "axis": "Y"},
        "x": {"units": "m", "standard_name": "projection_x_coordinate", "axis": "X"},
        "u": {"units": "m s-1", "standard_name": "x_wind"}}
accepted, refused = {}, {}


class File:
    """The field, written as told: axes are (name, values, attributes) in the order of the file's dimensions."""

    def __init__(self):
        self.axes = {"time": ["time", T], "z": ["z", Z], "y": ["y", Y], "x": ["x", X]}
        self.order = ["time", "z", "y", "x"]
        self.atts = {k: dict(v) for k, v in KEEP.items()}
        self.name, self.values, self.type, self.fill = "u", U, "f4", None
        self.extra, self.more, self.options = [], [], {}
        self.coordinates = {}  # types of coordinate variables

    def axis(self, which, name=None, values=None, **atts):
        self.axes[which] = [name or which, self.axes[which][1] if values is None else np.asarray(values)]
        self.atts[which].update(atts)
        self.atts[which] = {k: v for k, v in self.atts[which].items() if v is not None}
        return self

    def say(self, **atts):
        self.atts["u"].update(atts)
        self.atts["u"] = {k: v for k, v in self.atts["u"].items() if v is not None}
        return self

    def write(self, path):
        with netCDF4.Dataset(path, "w") as d:
            d.set_auto_maskandscale(False)
            for key, (name, values) in self.axes.items():
                d.createDimension(name, len(values))
                if self.coordinates.get(key) == "none":
                    continue
                v = d.createVariable(name, self.coordinates.get(key, "f8"), (name,))
                v.set_auto_maskandscale(False)
                v[:] = values
                v.setncatts(self.atts[key])
            for name, size in self.extra:
                d.createDimension(name, size)
            dims = [name for name, _ in self.extra] + [self.axes[k][0] for k in self.order]
            v = d.createVariable(self.name, self.type, dims, fill_value=self.fill, **self.options)
            v.set_auto_maskandscale(False)
            turned = np.transpose(self.values, [["time", "z", "y", "x"].index(k) for k in self.order])
            v[:] = turned.reshape([1] * len(self.extra) + list(turned.shape)) * np.ones([s for _, s in self.extra] + [1] * 4,
                                                                                         dtype=turned.dtype)
            v.setncatts(self.atts["u"])
            for name, kind, dims, values, atts in self.more:
                w = d.createVariable(name, kind, dims)
                w.set_auto_maskandscale(False)
                w[...] = values
                w.setncatts(atts)


def good(title, make, **expect):
    f = File()
    make(f)
    accepted[title] = (f, expect)


def bad(title, words, make):
    f = File()
    make(f)
    refused[title] = (f, words)


def pack(f, kind, scale, offset, **atts):
    f.type = kind
    f.values = ((U.astype("f8") - offset) / scale).astype(kind)
    f.say(**atts)
    if scale != 1:
        f.say(scale_factor=scale)
    if offset != 0:
        f.say(add_offset=offset)


def flip(f, which):
    f.axes[which][1] = f.axes[which][1][::-1]
    f.values = np.flip(f.values, ["time", "z", "y", "x"].index(which))


# ---- order and direction of dimensions, names, further dimensions ----
good("as it is", lambda f: None)
good("x, y, z, time", lambda f: f.order.reverse())
good("diagonal", lambda f: setattr(f, "order", ["time", "z", "x", "y"]))
good("time last", lambda f: setattr(f, "order", ["y", "z", "x", "time"]))
for which in ("z", "y", "x"):
    good(f"{which} backwards", lambda f, which=which: flip(f, which))


def all_at_once(f):
    flip(f, "y"), flip(f, "x"), flip(f, "z")
    f.order = ["x", "time", "y", "z"]
    f.say(units="km h-1")
    f.values = (f.values * 3.6).astype("f4")


good("turned, flipped and in km/h", all_at_once)
good("other names", lambda f: [f.axis("x", "east"), f.axis("y", "j"), f.axis("z", "layer"), f.axis("time", "steps")])
good("names alone", lambda f: [f.axis(k, units="m", standard_name=None, axis=None, positive=None) for k in "zyx"])
good("axis alone", lambda f: [f.axis(k, "d" + k, standard_name=None, positive=None) for k in "zyx"])
good("member of one", lambda f: f.extra.append(("member", 1)))
good("height of one", lambda f: [f.extra.append(("height", 1)),
                                 f.more.append(("height", "f8", ("height",), [2.0],
                                                {"standard_name": "height", "units": "m", "positive": "up"}))])
good("by standard_name", lambda f: [setattr(f, "name", "U_grid")], name="U_grid")
good("eastward_wind", lambda f: [setattr(f, "name", "ua"), f.say(standard_name="eastward_wind")], name="ua")


def auxiliary(f):
    for key, name in (("z", "k"), ("y", "j"), ("x", "i")):
        f.axes[key][0], f.coordinates[key] = name, "none"
        f.more.append((key, "f8", (name,), f.axes[key][1], KEEP[key]))


good("positions in auxiliary variables", auxiliary)
bad("member of three", "choose one entry (ncks -d member,0)", lambda f: f.extra.append(("member", 3)))
bad("no coordinate x", "dimension x of u has no coordinate variable", lambda f: f.coordinates.update(x="none"))
bad("no coordinate time", "dimension time of u has no coordinate variable", lambda f: f.coordinates.update(time="none"))
bad("axis against name", "coordinate x contradicts itself", lambda f: f.axis("x", axis="Y", standard_name=None))
bad("axis against standard_name", "contradicts itself", lambda f: f.axis("x", "k", axis="Y"))
bad("two heights", "both dimensions", lambda f: [f.extra.append(("height", 2)),
                                                 f.more.append(("height", "f8", ("height",), [2.0, 4.0],
                                                                {"standard_name": "height", "units": "m"}))])
bad("air temperature called u", "has the standard_name air_temperature", lambda f: f.say(standard_name="air_temperature"))
bad("wind to the north called u", "has the standard_name northward_wind",
    lambda f: f.say(standard_name="northward_wind"))
bad("two by standard_name", "call the one to take u",
    lambda f: [setattr(f, "name", "ua"), f.more.append(("ub", "f4", ("time", "z", "y", "x"), U, KEEP["u"]))])
bad("text", "not an array of numbers", lambda f: [setattr(f, "name", "other"),
                                                  f.more.append(("u", "S1", ("time", "z", "y", "x"), b"1", {}))])

# ---- units ----
for units, factor, offset in (("km h-1", 3.6, 0), ("km/h", 3.6, 0), ("cm s-1", 100, 0), ("knot", 3600 / 1852, 0),
                              ("m s**-1", 1, 0), ("metre second-1", 1, 0), ("m/s", 1, 0), (" m s-1 ", 1, 0)):
    good(f"in {units!r}", lambda f, u=units, k=factor: [f.say(units=u), setattr(f, "values", (U * k).astype("f4"))])
good("without units", lambda f: f.say(units=None))
good("metres in km", lambda f: [f.axis("x", values=X / 1e3, units="km"), f.axis("y", values=Y / 1e3, units="km")])
good("height in feet", lambda f: f.axis("z", values=Z / 0.3048, units="ft"))
bad("in K", "measures something else", lambda f: f.say(units="K"))
bad("in mph of no unit", "is no unit that UDUNITS-2 knows", lambda f: f.say(units="miles an hour"))
bad("reciprocal", "measures something else", lambda f: f.say(units="s m-1"))
bad("x in degrees", "coordinate x is in 'degrees_east'",
    lambda f: f.axis("x", values=np.arange(5.0), units="degrees_east", standard_name=None))
bad("longitude", "is degrees (standard_name longitude)",
    lambda f: f.axis("x", "lon", values=np.arange(5.0), units="degrees_east", standard_name="longitude"))
bad("pressure levels", "is a pressure", lambda f: f.axis("z", values=[1000, 900, 800.0], units="hPa",
                                                         standard_name="air_pressure", positive="down"))
bad("pressure by units", "is in 'hPa'", lambda f: f.axis("z", units="hPa", standard_name=None, positive=None))
bad("above sea level", "is a height above sea level", lambda f: f.axis("z", standard_name="altitude"))
bad("sea level in words", "height above sea level", lambda f: f.axis("z", standard_name=None,
                                                                      long_name="height above sea level"))
bad("downwards", "positive down", lambda f: f.axis("z", positive="down"))

# ---- where entries lie ----
bad("x twice", "coordinate x has 500030 after 500030",
    lambda f: f.axis("x", values=[500010, 500030, 500030, 500070, 500090.0]))
bad("x with a hole", "entry 3 of coordinate x is missing", lambda f: f.axis("x", values=[1, 2, np.nan, 4, 5.0]))
bad("edges with bounds", "not in the middle of its bounds",
    lambda f: [f.extra.append(("one", 1)), f.axis("x", values=X - 10, bounds="x_bnds"),
               f.more.append(("x_bnds", "f8", ("x", "bnds"), np.stack([X - 10, X + 10], 1), {}))])

# ---- packing, missing values, types ----
good("int16", lambda f: pack(f, "i2", 0.25, 3.0))
good("scale alone", lambda f: pack(f, "i4", 0.25, 0))
good("offset alone", lambda f: pack(f, "f4", 1, 100.0))
good("signed bytes meant unsigned", lambda f: [pack(f, "u1", 0.25, -8.0), setattr(f, "type", "i1"),
                                               setattr(f, "values", f.values.view("i1")), f.say(_Unsigned="true")])
good("uint16", lambda f: pack(f, "u2", 0.25, -8.0))
good("int64", lambda f: pack(f, "i8", 0.25, 0))
good("uint64", lambda f: pack(f, "u8", 0.25, -8.0))
good("scale as text", lambda f: [pack(f, "i2", 0.25, 0), f.say(scale_factor="0.25")])
good("big-endian", lambda f: [setattr(f, "type", ">f4"), f.options.update(endian="big")])
good("big-endian int16", lambda f: [pack(f, "i2", 0.25, 0), setattr(f, "type", ">i2"), f.options.update(endian="big")])
good("double", lambda f: setattr(f, "type", "f8"))
good("compressed", lambda f: f.options.update(zlib=True, shuffle=True, chunksizes=(1, 2, 3, 2)))
good("range of packed values", lambda f: pack(f, "i2", 0.25, 0, valid_min=np.int16(-40), valid_max=np.int16(1000)))
good("range of unpacked values", lambda f: pack(f, "i2", 0.25, 0, valid_range=np.array([-9.0, 90.0])))
missing = "u is missing or not finite in 2 cells"


def hole(f, mark, **atts):
    f.values = f.values.copy()
    f.values[1, 2, 3, 4] = f.values[0, 0, 0, 0] = mark
    f.say(**atts)


for title, words in (("_FillValue", dict()), ("missing_value", dict(missing_value=np.float32(-9999.9)))):
    bad(title, missing, lambda f, title=title, words=words:
        [hole(f, -9999.9, **words), setattr(f, "fill", np.float32(-9999.9) if title == "_FillValue" else None)])
bad("missing_value beside a fill of NaN", missing,
    lambda f: [hole(f, -9999, missing_value=np.float32(-9999)), setattr(f, "fill", np.float32("nan"))])
bad("missing_value in double", missing, lambda f: hole(f, np.float32(-9999.9), missing_value=-9999.9))
bad("missing_value as text", missing, lambda f: hole(f, -9999, missing_value="-9999"))
bad("list of missing values", missing, lambda f: hole(f, -50, missing_value=np.array([-99, -50], "f4")))
bad("packed fill", missing, lambda f: [pack(f, "i2", 0.25, 0), hole(f, 300), setattr(f, "fill", np.int16(300))])
bad("packed missing_value in int32", missing, lambda f: [pack(f, "i2", 0.25, 0), hole(f, 300, missing_value=np.int32(300))])
bad("unsigned fill", missing,
    lambda f: [pack(f, "u1", 0.25, -8.0), hole(f, 255), setattr(f, "values", f.values.view("i1")),
               setattr(f, "type", "i1"), f.say(_Unsigned="true"), setattr(f, "fill", np.int8(-1))])
bad("outside valid_range", missing, lambda f: hole(f, 77, valid_range=np.array([-20, 60], "f4")))
bad("above valid_max", missing, lambda f: hole(f, 77, valid_max=np.float32(76)))
bad("below valid_min", missing, lambda f: hole(f, -77, valid_min=np.float32(-76)))
bad("int64 fill", missing, lambda f: [pack(f, "i8", 0.25, 0), hole(f, -2**62 + 1), setattr(f, "fill", -2**62 + 1)])
bad("NaN", missing, lambda f: hole(f, np.nan))
bad("infinity", missing, lambda f: hole(f, np.inf))
bad("-9999 that means nothing", "u is -9999 m s-1 at minute 1 (600 s), z = 10 m, y = 5400010 m, x = 500010 m",
    lambda f: hole(f, -9999))
bad("scale of 0", "attribute scale_factor of variable u is not a number other than 0", lambda f: f.say(scale_factor=0.0))
bad("scale in words", "attribute scale_factor of variable u is not one number", lambda f: f.say(scale_factor="ten"))
bad("range of one number", "attribute valid_range of variable u is not two numbers", lambda f: f.say(valid_range=1.0))

# ---- time ----
bounds = np.stack([T - 600, T], 1)
good("hours", lambda f: f.axis("time", values=T / 3600, units="hours since 2026-01-15 06:00:00"))
good("minutes as integers", lambda f: [f.axis("time", values=T / 60, units="minutes since 2026-01-15T06:00"),
                                       f.coordinates.update(time="i8")])
good("another zone", lambda f: f.axis("time", values=T + 3600, units="seconds since 2026-01-15 06:00:00 +01:00"))
good("days since 1970", lambda f: f.axis("time", values=(1768456800 + T) / 86400, units="days since 1970-01-01"),
     epoch="1970-01-01 00:00:00", time=list(1768456800 + T))
good("without a date", lambda f: f.axis("time", units="min", values=T / 60), epoch="", calendar="")
good("no leap years", lambda f: f.axis("time", calendar="noleap"), calendar="noleap")
good("bounds", lambda f: [f.axis("time", bounds="time_bnds"), f.say(cell_methods="time: mean (interval: 1 s)"),
                          f.more.append(("time_bnds", "f8", ("time", "bnds"), bounds, {}))],
     **{"from": list(T - 600), "method": "mean"})
good("instants", lambda f: f.say(cell_methods="time: point"), method="point")
bad("time falls", "time has 600 s after 1200 s", lambda f: f.axis("time", values=T[::-1]))
bad("time twice", "time has 600 s after 600 s", lambda f: f.axis("time", values=[600, 600.0]))
bad("a missing time", "entry 2 of time is missing", lambda f: f.axis("time", values=[600, np.nan]))
bad("months", "is no fixed time", lambda f: f.axis("time", units="months since 2026-01-15"))
bad("metres of time", "measures something else",
    lambda f: f.axis("time", units="m since 2026-01-15"))
bad("no such date", "counts since '2026-02-30'", lambda f: f.axis("time", units="seconds since 2026-02-30"))
bad("calendar of another planet", "calendar 'mars'", lambda f: f.axis("time", calendar="mars"))
bad("outside its bounds", "lies outside its bounds",
    lambda f: [f.axis("time", bounds="time_bnds"),
               f.more.append(("time_bnds", "f8", ("time", "bnds"), bounds + 7200, {}))])
bad("maxima", "u is the maximum over time", lambda f: f.say(cell_methods="time: maximum"))
bad("climatology", "is a climatology", lambda f: f.axis("time", climatology="climatology_bnds"))


def run(arguments, ranks=0):
    command = (MPIRUN + ["-n", str(ranks)] if ranks else []) + [ARRAYS] + arguments
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    check(done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:])
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def same(title, got, expect):
    check("error" not in got, title, got.get("message"))
    want = {"name": "u", "time": list(T), "z": list(Z), "y": list(Y), "x": list(X), "from": [], "epoch": "2026-01-15 06:00:00",
            "calendar": "standard", "method": "", **expect}
    for key, value in want.items():
        here = got[key]
        close = here == value if isinstance(value, str) else np.allclose(here, value, rtol=1e-12, atol=0)
        check(close and np.size(here) == np.size(value), title, key, here, "wanted", value)
    worst = np.max(np.abs(np.array(got["values"], dtype="f8") - U.ravel()))
    check(worst <= 1e-5, title, "values differ by", worst)


def masks(out):
    """fluid_mask in many types; values other than 0 and 1 are refused."""
    values = np.arange(3 * 4 * 5).reshape(3, 4, 5) % 3 > 0
    files = []
    for kind in ("i1", "u1", "i2", "i4", "i8", "f4", "f8", "bool", "two", "half", "nan"):
        path = os.path.join(out, f"mask_{kind}.nc")
        a = {"two": 2 * values, "half": 0.5 * values, "nan": np.where(values, 1, np.nan)}.get(kind, values)
        with netCDF4.Dataset(path, "w") as d:
            for name, axis in (("z", Z), ("y", Y), ("x", X)):
                d.createDimension(name, len(axis))
                d.createVariable(name, "f8", (name,))[:] = axis
            if kind != "bool":
                v = d.createVariable("fluid_mask", kind if len(kind) == 2 else "f4", ("z", "x", "y"))
                v[:] = a.transpose(0, 2, 1).astype(v.dtype)
        if kind == "bool":  # an enumeration, as h5py has it
            with h5py.File(path, "a") as h:
                h["fluid_mask"] = values.transpose(0, 2, 1)
                for d, name in enumerate("zxy"):
                    h["fluid_mask"].dims[d].attach_scale(h[name])
        files.append(path)
    for path, got in zip(files, run([f + ":/:fluid_mask:zyx" for f in files])):
        if "two" in path or "half" in path or "nan" in path:
            check("allowed: 0 (building) and 1 (air)" in got.get("message", ""), path, got)
        else:
            check("error" not in got and got["values"] == [float(v) for v in values.ravel()], path, got)


def others(out):
    """A scalar time, a file without dimension names, one in the classic format."""
    scalar, bare, classic = (os.path.join(out, n + ".nc") for n in ("scalar", "bare", "classic"))
    with netCDF4.Dataset(scalar, "w") as d:
        for name, axis in (("z", Z), ("y", Y), ("x", X)):
            d.createDimension(name, len(axis))
            d.createVariable(name, "f8", (name,))[:] = axis
        d.createVariable("u", "f4", ("z", "y", "x"))[:] = U[1]
        t = d.createVariable("time", "f8", ())
        t[...], t.units = 1200, EPOCH
    with h5py.File(bare, "w") as h:
        h["u"] = U
    with netCDF4.Dataset(classic, "w", format="NETCDF3_CLASSIC") as d:
        d.createDimension("x", 2)
        d.createVariable("u", "f4", ("x",))[:] = 1
    got = run([f + ":/:u:tzyx" for f in (scalar, bare, classic)])
    check(got[0].get("time") == [1200] and got[0]["values"] == [float(v) for v in U[1].ravel()], got[0])
    check("has no name (no dimension scale)" in got[1].get("message", ""), got[1])
    check("nccopy -k" in got[2].get("message", "") and got[2]["error"] == 3, got[2])


def main():
    if not os.path.exists(ARRAYS):
        skip(ARRAYS + " is not built")
    with folder() as out:
        files = {}
        for number, (title, (f, _)) in enumerate([*accepted.items(), *refused.items()]):
            files[title] = os.path.join(out, f"{number}.nc")
            if any(w[0].endswith("_bnds") for w in f.more):
                f.extra = []
                with_bounds(f, files[title])
            else:
                f.write(files[title])
        arguments = [path + ":/:u:tzyx" for path in files.values()]
        for ranks in (0, 2):
            got = dict(zip(files, run(arguments, ranks)))
            check(len(got) == len(files), "lines", len(got), len(files))
            for title, (_, expect) in accepted.items():
                same(title, got[title], expect)
            for title, (_, words) in refused.items():
                check(got[title].get("error") == 3 and words in got[title]["message"] and files[title] in
                      got[title]["message"], title, got[title], "wanted", words)
        masks(out)
        others(out)
    print(len(accepted), "understood,", len(refused), "refused")


def with_bounds(f, path):
    """Bounds need a dimension of two."""
    more, f.more = f.more, []
    f.write(path)
    with netCDF4.Dataset(path, "a") as d:
        d.createDimension("bnds", 2)
        for name, kind, dims, values, atts in more:
            w = d.createVariable(name, kind, dims)
            w[...] = values
            w.setncatts(atts)


main()
