"""Rewritings of a netCDF file: what other programs write in place of ours. A file is a Data: named variables with dimensions,
attributes and values. KEEP changes how something is said, never what; BREAK says something that cannot be right. Whatever comes of
both, a program that reads by meaning gives the same field or refuses."""
import copy

import netCDF4
import numpy as np

SOLID = np.nan


class Var:
    def __init__(self, dims, values, **attributes):
        self.dims, self.values, self.attributes, self.fill = tuple(dims), np.asarray(values), attributes, None


class Data:
    def __init__(self, variables, attributes=None, **storage):
        self.variables, self.attributes, self.storage = variables, attributes or {}, storage

    def copy(self):
        return copy.deepcopy(self)

    def fields(self):
        """Names of the variables with values in space."""
        return [n for n, v in self.variables.items() if len(v.dims) >= 2 and n not in ("time_bnds",)]

    def rewritten(self, rng, i):
        return rewrite(rng, self, i)

    def write(self, path):
        with netCDF4.Dataset(path, "w", format=self.storage.get("format", "NETCDF4")) as f:
            self.fill(f)

    def fill(self, f):
        """Everything into an open file or group."""
        f.set_auto_maskandscale(False)
        for name, v in self.variables.items():
            for d, n in zip(v.dims, v.values.shape):
                if d not in f.dimensions:
                    f.createDimension(d, None if d == self.storage.get("unlimited") else n)
        for name, v in self.variables.items():
            options = {"zlib": True} if self.storage.get("zlib") and v.dims else {}
            if v.values.dtype.kind != "S":
                options["endian"] = self.storage.get("endian", "native")
            stored = v.values.dtype.newbyteorder(">" if options.get("endian") == "big" else "=")
            out = f.createVariable(name, stored, v.dims, fill_value=v.fill, **options)
            out.set_auto_maskandscale(False)
            for key, value in v.attributes.items():
                out.setncattr(key, value)
            out[...] = v.values
        for key, value in self.attributes.items():
            f.setncattr(key, value)


# ---- how something is said ----
def transpose(rng, d):
    """Dimensions of every field in one other order."""
    order = {}
    for name in d.fields():
        v = d.variables[name]
        key = len(v.dims)
        order.setdefault(key, rng.sample(range(key), key))
        v.dims = tuple(v.dims[i] for i in order[key])
        v.values = np.transpose(v.values, order[key]).copy()


def transpose_one(rng, d):
    name = rng.choice(d.fields())
    v = d.variables[name]
    order = rng.sample(range(len(v.dims)), len(v.dims))
    v.dims = tuple(v.dims[i] for i in order)
    v.values = np.transpose(v.values, order).copy()


def axis_of(d, axis):
    """The dimension of an axis, whatever it is called by now; None when the file has none."""
    for name, v in d.variables.items():
        if v.dims == (name,) and getattr(v, "axis", None) == axis:
            return name
    return None


def flip(rng, d):
    dim = axis_of(d, rng.choice("XYZ"))
    for v in d.variables.values():
        if dim in v.dims:
            v.values = np.flip(v.values, v.dims.index(dim)).copy()


UNITS = {"u": [("km h-1", 3.6, 0), ("km/h", 3.6, 0), ("cm s-1", 100, 0), ("knot", 1 / 0.514444444, 0), ("m/s", 1, 0),
               ("meter second-1", 1, 0), ("metres per second", 1, 0), ("m.s-1", 1, 0), ("m s**-1", 1, 0), ("mm s^-1", 1e3, 0)],
         "theta": [("degC", 1, -273.15), ("celsius", 1, -273.15), ("degF", 1.8, -459.67), ("mK", 1e3, 0), ("kelvin", 1, 0),
                   ("degrees_Celsius", 1, -273.15), ("deg_C", 1, -273.15)],
         "length": [("km", 1e-3, 0), ("cm", 100, 0), ("metre", 1, 0), ("meters", 1, 0), ("ft", 1 / 0.3048, 0), ("mm", 1e3, 0),
                    ("dm", 10, 0)]}
UNITS["v"] = UNITS["w"] = UNITS["u"]


def scaled(v, units, factor, offset):
    v.values = v.values.astype("f8") * factor + offset
    v.attributes["units"] = units


def units(rng, d):
    name = rng.choice([n for n in ("u", "v", "w", "theta") if n in d.variables])
    scaled(d.variables[name], *rng.choice(UNITS[name]))


def units_axis(rng, d):
    dim = axis_of(d, rng.choice("XYZ"))
    if dim:
        scaled(d.variables[dim], *rng.choice(UNITS["length"]))


def pack(rng, d):
    """Whole numbers with scale and offset; missing values as a number of the packed type."""
    names = [n for n in ("u", "v", "w", "theta") if n in d.variables and d.variables[n].values.dtype.kind == "f"]
    if not names:
        return
    v = d.variables[rng.choice(names)]
    kind = rng.choice(["i2", "u2", "i4", "i8", "u4"])
    low, high = np.nanmin(v.values), np.nanmax(v.values)
    if v.fill is not None or "missing_value" in v.attributes or not high - low < 1e4:
        return  # a number that stands for nothing would take all digits of a packed range
    limits = np.iinfo(kind)
    low_code, high_code = max(limits.min + 100, -30000), min(limits.max - 100, 60000)
    scale = max(high - low, 1e-3) / (high_code - low_code)
    offset = low - low_code * scale
    codes = np.round((v.values.astype("f8") - offset) / scale)
    missing = rng.choice([limits.max, low_code - 7, high_code + 5])
    codes = np.where(np.isfinite(codes), codes, missing).astype(kind)
    v.attributes.update(scale_factor=scale, add_offset=offset)
    how = rng.randrange(3)
    if how != 1:
        v.fill = np.array(missing, kind)[()]
    if how != 0:
        v.attributes["missing_value"] = np.array(missing, kind)[()]
    if kind == "u2" and rng.random() < 0.5:  # netCDF-3 habit: unsigned numbers in a signed type
        codes = codes.view("i2")
        v.attributes["_Unsigned"] = "true"
        if v.fill is not None:
            v.fill = np.array(v.fill, "u2").view("i2")[()]
        if "missing_value" in v.attributes:
            v.attributes["missing_value"] = np.array(v.attributes["missing_value"], "u2").view("i2")[()]
    v.values = codes


def missing(rng, d):
    """NaN as a number, said in one of the ways of CF and COARDS."""
    names = [n for n in ("u", "v", "w", "theta") if n in d.variables and d.variables[n].values.dtype.kind == "f"
             and d.variables[n].fill is None]
    if not names:
        return
    v = d.variables[rng.choice(names)]
    number = rng.choice([-9999.0, 1e20, -999.0, 9.96921e36, 1e36, -1e30])
    dtype = v.values.dtype
    v.values = np.where(np.isfinite(v.values), v.values, np.array(number, dtype)).astype(dtype)
    how = rng.randrange(6)
    number = np.array(number, dtype)[()]
    if how in (0, 2):
        v.fill = number
    if how in (1, 2):
        v.attributes["missing_value"] = number
    if how == 3:
        v.fill = np.array(np.nan, dtype)[()]
        v.attributes["missing_value"] = number
    if how == 4:
        v.attributes["missing_value"] = np.array([12345678, number], dtype)
    if how == 5:
        good = v.values[v.values != number]
        v.attributes["valid_range"] = np.array([good.min() - 1, good.max() + 1], dtype)
        v.fill = np.array(np.nan, dtype)[()]


def dtype(rng, d):
    name = rng.choice(list(d.variables))
    v = d.variables[name]
    if v.values.dtype.kind == "f" and v.fill is None:
        v.values = v.values.astype("f8")
    elif name == "fluid_mask":
        v.values = v.values.astype(rng.choice(["i2", "i4", "i8", "u1", "f4", "f8"]))


def storage(rng, d):
    d.storage.update(rng.choice([{"zlib": True}, {"endian": "big"}, {"unlimited": "time"}, {"format": "NETCDF4_CLASSIC"},
                                 {"format": "NETCDF3_CLASSIC"}, {"format": "NETCDF3_64BIT_DATA"}]))


NAMES = {"x": ["easting", "projection_x_coordinate", "lon_m", "X", "nx", "ix"], "y": ["northing", "Y", "ny", "rlat", "iy"],
         "z": ["height", "level", "lev", "zc", "Z", "k"], "time": ["t", "Time", "XTIME", "time_counter"]}


def rename_axis(rng, d):
    """A coordinate and its dimension under another name; standard_name and axis stay."""
    old = rng.choice([n for n in NAMES if n in d.variables])
    new = rng.choice(NAMES[old])
    d.variables = {new if n == old else n: v for n, v in d.variables.items()}
    for v in d.variables.values():
        v.dims = tuple(new if n == old else n for n in v.dims)


def rename_field(rng, d):
    names = {"u": ["U", "ua", "x_wind", "uvel"], "v": ["V", "va", "y_wind"], "w": ["W", "wa"], "theta": ["pt", "th", "potential_temperature"]}
    old = rng.choice([n for n in names if n in d.variables])
    d.variables = {rng.choice(names[old]) if n == old else n: v for n, v in d.variables.items()}


def extra_dimension(rng, d):
    """A dimension of one entry, as ensembles and some converters write it."""
    name, place = rng.choice(["member", "ensemble", "station", "one"]), rng.random()
    for field in d.fields():
        v = d.variables[field]
        if field == "fluid_mask":
            continue
        at = 0 if place < 0.5 else len(v.dims)
        v.dims = v.dims[:at] + (name,) + v.dims[at:]
        v.values = np.expand_dims(v.values, at)
    if rng.random() < 0.5:
        d.variables[name] = Var((name,), [0])


def extra_variable(rng, d):
    d.variables[rng.choice(["p", "zsoil", "u2", "quality", "xu"])] = Var(("other",), np.arange(3.0), units="hPa")


def fewer_attributes(rng, d):
    """One of the ways in which an axis is told is left out."""
    dim = axis_of(d, rng.choice("XYZT"))
    if dim:
        d.variables[dim].attributes.pop(rng.choice(["axis", "standard_name", "long_name", "positive"]), None)


def time_units(rng, d):
    """The same instants since another epoch, in another unit and type."""
    dim = axis_of(d, "T")
    if not dim or "since" not in d.variables[dim].attributes["units"]:
        return
    unit, seconds = rng.choice([("hours", 3600.0), ("minutes", 60.0), ("days", 86400.0), ("s", 1.0), ("milliseconds", 1e-3)])
    epoch, shift = rng.choice([("1970-01-01 00:00:00", 1767571200.0), ("2026-01-04T23:00:00Z", 3600.0), ("2026-01-05", 0.0),
                               ("2026-01-05 01:00:00 +01:00", 0.0)])
    for name in (dim, "time_bnds"):
        v = d.variables.get(name)
        if v is not None:
            v.values = (v.values.astype("f8") + shift) / seconds
            if "units" in v.attributes or name == dim:
                v.attributes["units"] = f"{unit} since {epoch}"
    d.variables[dim].attributes["calendar"] = rng.choice(["standard", "gregorian", "proleptic_gregorian"])


KEEP = [transpose, transpose_one, flip, units, units_axis, pack, missing, dtype, storage, rename_axis, rename_field, extra_dimension,
        extra_variable, fewer_attributes, time_units]


# ---- what cannot be right ----
def wrong_units(rng, d):
    name = rng.choice(["u", "v", "theta", axis_of(d, "X"), axis_of(d, "Z")])
    if name in d.variables:
        d.variables[name].attributes["units"] = rng.choice(["hPa", "degrees_east", "kg", "mol", "1", "W m-2", "??"])


def shift_axis(rng, d):
    """Values that lie elsewhere: staggered by half a cell, or a whole level up."""
    axis = rng.choice("XYZ")
    dim = axis_of(d, axis)
    if dim:
        v = d.variables[dim]
        v.values = v.values.astype("f8") + rng.choice([-10.0, 10.0] if axis != "Z" else [-10.0, 10.0, 20.0, 520.0]) * v.metres


def stagger_one(rng, d):
    """One wind on faces, under a coordinate of its own."""
    name, axis = rng.choice([("u", "X"), ("v", "Y"), ("w", "Z")])
    dim = axis_of(d, axis)
    if not dim or name not in d.variables or dim not in d.variables[name].dims:
        return
    own = copy.deepcopy(d.variables[dim])
    own.values = own.values.astype("f8") - 10.0 * own.metres
    new = dim + name
    own.dims = (new,)
    d.variables[new] = own
    d.variables[name].dims = tuple(new if n == dim else n for n in d.variables[name].dims)


def no_coordinate(rng, d):
    """A dimension without values: where its cells lie is not said."""
    dim = axis_of(d, rng.choice("XYZ"))
    d.variables = {n: v for n, v in d.variables.items() if n != dim}


def hole(rng, d):
    """A number that stands for nothing, and is not said to."""
    name = rng.choice([n for n in ("u", "v", "w", "theta") if n in d.variables])
    v = d.variables[name]
    if v.values.dtype.kind == "f":
        good = np.argwhere(np.isfinite(v.values))
        v.values = v.values.copy()
        v.values[tuple(good[rng.randrange(len(good))])] = rng.choice([-9999.0, 1e20, -999.0, np.nan, np.inf])


def bad_times(rng, d):
    dim = axis_of(d, "T")
    if not dim:
        return
    v = d.variables[dim]
    values = v.values.astype("f8")
    how = rng.randrange(4)
    if how == 0:
        values = values[::-1].copy()
    elif how == 1:
        values[:] = values[0]
    elif how == 2:
        values[-1] = np.nan
    else:
        v.attributes["units"] = rng.choice(["metres", "seconds since next monday", "fortnights of 2026", "seconds since 2026-02-30 12:00:00"])
    v.values = values


def bad_mask(rng, d):
    if "fluid_mask" in d.variables:
        v = d.variables["fluid_mask"]
        v.values = v.values.copy()
        if rng.random() < 0.5:
            v.values = (1 - v.values).astype(v.values.dtype)
        else:
            v.values.flat[rng.randrange(v.values.size)] = 2


def uneven(rng, d):
    dim = axis_of(d, rng.choice("XY"))
    if dim:
        v = d.variables[dim]
        v.values = v.values.astype("f8")
        v.values[len(v.values) // 2] += 3 * v.metres


def cut(rng, d):
    """A field that lost its last entry along an axis."""
    name = rng.choice([n for n in ("u", "v", "theta") if n in d.variables])
    v = d.variables[name]
    at = rng.randrange(len(v.dims))
    v.values = np.take(v.values, range(v.values.shape[at] - 1), axis=at)
    v.dims = v.dims[:at] + (v.dims[at] + "_cut",) + v.dims[at + 1:]


def absent(rng, d):
    d.variables.pop(rng.choice([n for n in ("u", "v", "theta", "time", "fluid_mask") if n in d.variables]))


def text(rng, d):
    name = rng.choice([n for n in ("u", "theta") if n in d.variables])
    d.variables[name].values = np.full(d.variables[name].values.shape, b"x", dtype="S1")
    d.variables[name].fill = None


BREAK = [wrong_units, shift_axis, stagger_one, no_coordinate, hole, bad_times, bad_mask, uneven, cut, absent, text]


def mark_axes(d):
    """Remembers which coordinate is which axis and how long a metre is in its values, through all rewritings."""
    for name, axis in (("x", "X"), ("y", "Y"), ("z", "Z"), ("time", "T")):
        if name in d.variables:
            d.variables[name].axis = axis
            d.variables[name].metres = 1.0


def rewrite(rng, base, i):
    """A copy of base after some rewritings, and their names: by turns one of KEEP alone, several of them, one of BREAK (and perhaps
    one of KEEP after it: a change of an axis' unit comes after its shift, so that a metre is a metre)."""
    d = base.copy()
    mark_axes(d)
    turn, kind = divmod(i, 3)
    if kind == 0:
        chosen = [KEEP[turn % len(KEEP)]]
    elif kind == 1:
        chosen = rng.sample(KEEP, rng.choice([2, 2, 3, 4]))
    else:
        chosen = [BREAK[turn % len(BREAK)], *rng.sample(KEEP, rng.choice([0, 0, 1]))]
    for change in chosen:
        change(rng, d)
    return d, [c.__name__ for c in chosen]
