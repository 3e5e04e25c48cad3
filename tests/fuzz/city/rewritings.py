"""One small city in a few hundred ways of writing it: formats, coordinate systems, kinds of geometry, names, units and types of heights,
rasters of all sorts, and some files that cannot be right. Each gives the same buildings in the same places on the earth, or a refusal in
one line. WB_FUZZ_N: how many."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

import netCDF4
import numpy as np
from osgeo import gdal, ogr, osr

gdal.UseExceptions()
gdal.PushErrorHandler("CPLQuietErrorHandler")
PROGRAM = os.environ["WB_PROGRAM"]
COUNT = int(os.environ.get("WB_FUZZ_N", "0")) or 150
SEED = int(os.environ.get("WB_FUZZ_SEED", "20261201"))
EPSG, X0, Y0, WIDTH, DEPTH = 25833, 389120.0, 5819620.0, 160, 120  # UTM 33, metres
L = [(20, 20), (20, 100), (50, 100), (50, 50), (110, 50), (110, 20)]
COURT = [(60, 60), (100, 60), (100, 110), (60, 110)]
HOLE = [(70, 75), (90, 75), (90, 100), (70, 100)]
TOWER = [(120, 80), (140, 80), (140, 105), (120, 105)]
BUILDINGS = [(L, None, 20.0), (COURT, HOLE, 12.0), (TOWER, None, 45.0)]  # outline, court, height [m]


# ---- the oracle: heights at points far from walls, whatever the file's coordinates ----
def inside(ring, x, y):
    odd = False
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]):
        if (ay > y) != (by > y) and x < (bx - ax) * (y - ay) / (by - ay) + ax:
            odd = not odd
    return odd


def height_at(x, y):
    for ring, hole, height in BUILDINGS:
        if inside(ring, x, y) and not (hole and inside(hole, x, y)):
            return height
    return 0.0


def probes():
    """Points whose neighbourhood of 6 m has one height, every 4 m."""
    points = []
    for x in range(8, WIDTH - 7, 4):
        for y in range(8, DEPTH - 7, 4):
            around = {height_at(x + 0.1 + dx, y + 0.1 + dy) for dx in (-6, 0, 6) for dy in (-6, 0, 6)}
            if len(around) == 1:
                points.append((x, y, around.pop()))
    return np.array(points)


PROBES = probes()
VOLUME = float(sum(height_at(x + 0.5, y + 0.5) for x in range(WIDTH) for y in range(DEPTH)))


def system(epsg):
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return crs


def judge(path, known):
    """What is wrong with a city.nc; empty: the base's buildings. known: does the file say where on the earth it is?"""
    with netCDF4.Dataset(path) as f:
        x, y, height = f["x"][:], f["y"][:], np.ma.filled(f["building_height"][...], 0)
        wkt = f["crs"].crs_wkt if "crs" in f.variables else ""
    at = PROBES[:, :2] + (X0, Y0)
    if wkt and known:
        crs = osr.SpatialReference()
        crs.ImportFromWkt(wkt)
        crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        at = np.array(osr.CoordinateTransformation(system(EPSG), crs).TransformPoints(at.tolist()))[:, :2]
    dx = float(x[1] - x[0])
    i, j = np.floor((at[:, 0] - x[0]) / dx + 0.5).astype(int), np.floor((at[:, 1] - y[0]) / dx + 0.5).astype(int)
    there = (i >= 0) & (i < len(x)) & (j >= 0) & (j < len(y))
    want = PROBES[:, 2]
    if not there[want > 0].all():
        return f"{(~there[want > 0]).sum()} of {(want > 0).sum()} points in buildings lie outside the window"
    got = height[j[there], i[there]]
    off = np.abs(got - want[there]) > 0.6
    if off.any():
        k = np.flatnonzero(off)[0]
        return f"{off.sum()} of {len(got)} heights differ, the first {got[k]:g} m, right {want[there][k]:g} m"
    volume = float(height.sum()) * dx * dx
    if not abs(volume - VOLUME) < 0.03 * VOLUME:
        return f"volume {volume:g} m3, right {VOLUME:g} m3"
    return ""


# ---- vector files ----
def polygon(ring, hole, z=None, close=True):
    out = ogr.Geometry(ogr.wkbPolygon if z is None else ogr.wkbPolygon25D)
    for points in [ring] + ([hole] if hole else []):
        line = ogr.Geometry(ogr.wkbLinearRing)
        for px, py in points + (points[:1] if close else []):
            line.AddPoint(X0 + px, Y0 + py, z) if z is not None else line.AddPoint_2D(X0 + px, Y0 + py)
        out.AddGeometry(line)
    return out


def split(ring):
    """The L in two wings that overlap; others whole."""
    return [[(20, 20), (20, 100), (50, 100), (50, 20)], [(20, 20), (20, 50), (110, 50), (110, 20)]] if ring is L else [ring]


def walls(ring, height):
    """Upright faces, as solids come out of converters."""
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]):
        face = ogr.Geometry(ogr.wkbPolygon25D)
        line = ogr.Geometry(ogr.wkbLinearRing)
        for px, py, pz in ((ax, ay, 0), (bx, by, 0), (bx, by, height), (ax, ay, height), (ax, ay, 0)):
            line.AddPoint(X0 + px, Y0 + py, pz)
        face.AddGeometry(line)
        yield face


def geometry(rng, ring, hole, height, style, nested):
    if style == "reversed":
        return polygon(ring[::-1], hole[::-1] if hole else None)
    if style == "z":
        return polygon(ring, hole, rng.choice([0.0, height, 41.5]))
    if style in ("multi", "collection", "overlap"):
        out = ogr.Geometry(ogr.wkbMultiPolygon if style != "collection" else ogr.wkbGeometryCollection)
        for part in split(ring) if not hole else [ring]:
            out.AddGeometry(polygon(part, hole))
        if style == "multi" and nested and not hole and ring is not L:
            out.AddGeometry(polygon([(p[0] * 0.5 + ring[0][0] * 0.5, p[1] * 0.5 + ring[0][1] * 0.5) for p in ring], None))
        return out
    if style == "solid":
        out = ogr.Geometry(ogr.wkbMultiPolygon25D)
        out.AddGeometry(polygon(ring, hole, height))
        out.AddGeometry(polygon(ring, hole, 0.0))
        for face in [*walls(ring, height), *(walls(hole, height) if hole else [])]:
            out.AddGeometry(face)
        return out
    if style == "doubled":  # every vertex twice, points on the edges
        dense = []
        for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1]):
            dense += [(ax, ay), (ax, ay), ((ax + bx) / 2, (ay + by) / 2)]
        return polygon(dense, hole)
    return polygon(ring, hole)


HEIGHTS = {"height": (1, ogr.OFTReal), "height_m": (1, ogr.OFTReal), "measuredHeight": (1, ogr.OFTReal), "building_height": (1, ogr.OFTReal),
           "Height": (1, ogr.OFTReal), "height_int": (1, ogr.OFTInteger), "height_text": (1, ogr.OFTString)}
SYSTEMS_GOOD = [25833, 25832, 32633, 3035, 3067, 2180]  # projected, east and north, metres: near their own lines or far
SYSTEMS_ODD = [3857, 4087, 4326, 4258, 5513, 5514, 2053, 4978, 2263, 3395, 31468, 27700, 6677, 54009, 3031]
DRIVERS = {"GeoJSON": "geojson", "GPKG": "gpkg", "ESRI Shapefile": "shp", "FlatGeobuf": "fgb", "GML": "gml", "GeoJSONSeq": "geojsonl"}


class Vector:
    def __init__(self, rng, breaks):
        self.rng = rng
        self.driver = rng.choice(list(DRIVERS))
        self.epsg = rng.choice(SYSTEMS_GOOD) if rng.random() < 0.75 else rng.choice(SYSTEMS_ODD)
        self.style = rng.choice(["plain", "plain", "reversed", "z", "multi", "collection", "overlap", "solid", "doubled"])
        self.field = rng.choice(list(HEIGHTS))
        self.fault = rng.choice(["no_height", "minus", "zero", "null", "feet", "nan_vertex", "cut", "no_crs", "text",
                                 "kilometre_heights", "lines", "swapped"]) if breaks else ""
        self.name = f"{self.driver} EPSG:{self.epsg} {self.style} {self.field} {self.fault}"
        self.known = self.fault != "no_crs"
        self.arguments = []
        if self.field in ("height_int", "height_text", "building_height") and self.fault != "no_height":
            self.arguments = ["-city_height_field", self.field[:10] if self.driver == "ESRI Shapefile" else self.field]

    def height(self, k, value):
        return {"minus": -1.0 if k == 0 else value, "zero": 0.0 if k == 0 else value, "null": None if k == 0 else value,
                "kilometre_heights": value / 1000, "text": "tall" if k == 0 else value}.get(self.fault, value)

    def write(self, folder):
        path = os.path.join(folder, "buildings." + DRIVERS[self.driver])
        crs = system(self.epsg)
        change = osr.CoordinateTransformation(system(EPSG), crs)
        options = {"GeoJSON": ["RFC7946=NO"], "GML": ["FORMAT=GML3"]}.get(self.driver, [])
        file = ogr.GetDriverByName(self.driver).CreateDataSource(path)
        layer = file.CreateLayer("buildings", None if self.fault == "no_crs" else crs, ogr.wkbUnknown
                                 if self.driver != "ESRI Shapefile" else ogr.wkbPolygon, options)
        factor, kind = HEIGHTS[self.field]
        if self.fault in ("text", "feet"):
            kind = ogr.OFTString
        if self.fault != "no_height":
            layer.CreateField(ogr.FieldDefn(self.field, kind))
        for k, (ring, hole, value) in enumerate(BUILDINGS):
            shape = geometry(self.rng, ring, hole, value, self.style, self.driver != "ESRI Shapefile")
            if self.fault == "lines":
                shape = shape.Boundary() if self.style != "collection" else shape
            shape.Transform(change)
            if self.fault == "swapped":
                shape.SwapXY()
            feature = ogr.Feature(layer.GetLayerDefn())
            height = self.height(k, value)
            if height is not None and self.fault != "no_height":
                feature.SetField(layer.GetLayerDefn().GetFieldCount() - 1, f"{height / 0.3048:.2f} ft" if self.fault == "feet" else
                                 str(height) if kind == ogr.OFTString else int(height) if kind == ogr.OFTInteger else height)
            feature.SetGeometry(shape)
            layer.CreateFeature(feature)
        layer, file = None, None
        if self.fault == "cut":
            with open(path, "r+b") as f:
                f.truncate(int(os.path.getsize(path) * self.rng.uniform(0.3, 0.97)))
        if self.fault == "nan_vertex" and self.driver in ("GeoJSON", "GeoJSONSeq"):
            with open(path) as f:
                text = f.read()
            at = text.rfind("[[")
            with open(path, "w") as f:
                f.write(text[:at] + "[[NaN, " + text[text.index(",", at) + 1:])
        return path


# ---- rasters ----
class Raster:
    def __init__(self, rng, breaks):
        self.rng = rng
        self.kind = rng.choice(["tif", "tif", "nc"])
        self.cell = rng.choice([1.0, 1.0, 0.5, 2.0])
        self.how = rng.choice(["float", "double", "int16_dm", "uint8", "offset", "nodata", "nan", "mask", "int32_cm"])
        self.south_up = rng.random() < 0.3
        self.order = rng.choice(["yx", "yx", "xy"])  # of a netCDF
        self.attributes = rng.choice(["full", "full", "plain", "units", "axis"])
        self.axis_unit = rng.choice([("m", 1.0), ("m", 1.0), ("km", 1e-3), ("metre", 1.0)])
        self.fault = rng.choice(["terrain", "stale", "no_place", "two_bands", "feet", "rotated", "minus", "uneven", "complex", "cut"]) if breaks else ""
        self.name = f"raster {self.kind} {self.cell} {self.how} south_up={self.south_up} {self.order} {self.attributes} {self.axis_unit[0]} {self.fault}"
        self.known, self.arguments = True, []

    def values(self):
        n, m = int(DEPTH / self.cell), int(WIDTH / self.cell)
        return np.array([[height_at((i + 0.5) * self.cell, (j + 0.5) * self.cell) for i in range(m)] for j in range(n)])

    def coded(self, h):
        """Numbers, scale, offset, missing value (ground that holds it), mask."""
        ground = h == 0
        if self.how == "int16_dm":
            return np.round(h * 10).astype("i2"), 0.1, 0.0, None, None
        if self.how == "int32_cm":
            return np.round(h * 100).astype("i4"), 0.01, 0.0, None, None
        if self.how == "offset":
            return np.round((h - 500) * 10).astype("i2"), 0.1, 500.0, None, None
        if self.how == "uint8":
            return h.astype("u1"), None, None, None, None
        if self.how == "nodata":
            return np.where(ground, -9999.0, h).astype("f4"), None, None, -9999.0, None
        if self.how == "nan":
            return np.where(ground, np.nan, h).astype("f4"), None, None, np.nan, None
        if self.how == "mask" and self.kind == "tif":
            return np.where(ground, 60.0, h).astype("f4"), None, None, None, ~ground
        return h.astype("f8" if self.how == "double" else "f4"), None, None, None, None

    def write(self, folder):
        h = self.values()
        if self.fault == "terrain":
            h = h + 41.3
        if self.fault == "minus":
            h[5, 5] = -30.0
        if self.fault == "feet":
            h = h / 0.3048
        return self.write_tif(folder, h) if self.kind == "tif" else self.write_nc(folder, h)

    def write_tif(self, folder, h):
        data, scale, offset, nodata, mask = self.coded(h)
        path = os.path.join(folder, "height.tif")
        kinds = {"u1": gdal.GDT_Byte, "i2": gdal.GDT_Int16, "i4": gdal.GDT_Int32, "f4": gdal.GDT_Float32, "f8": gdal.GDT_Float64}
        kind = gdal.GDT_CFloat32 if self.fault == "complex" else kinds[data.dtype.str[1:]]
        gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", self.rng.choice(["YES", "NO"]))
        f = gdal.GetDriverByName("GTiff").Create(path, data.shape[1], data.shape[0], 2 if self.fault == "two_bands" else 1, kind)
        f.SetProjection(system(EPSG).ExportToWkt())
        turn = 0.3 if self.fault == "rotated" else 0.0
        if self.fault == "no_place":
            f.SetProjection("")
        elif self.south_up:
            f.SetGeoTransform((X0, self.cell, turn, Y0, turn, self.cell))
        else:
            f.SetGeoTransform((X0, self.cell, turn, Y0 + DEPTH, turn, -self.cell))
            data, mask = data[::-1], None if mask is None else mask[::-1]
        if self.fault == "two_bands":
            f.GetRasterBand(2).WriteArray(data * 0 + 7)
        band = f.GetRasterBand(1)
        band.WriteArray(data)
        if scale is not None:
            band.SetScale(scale)
            band.SetOffset(offset)
        if nodata is not None:
            band.SetNoDataValue(nodata)
        if self.fault == "feet":
            band.SetUnitType("ft")
        if mask is not None:
            f.CreateMaskBand(gdal.GMF_PER_DATASET)
            f.GetRasterBand(1).GetMaskBand().WriteArray(mask.astype("u1") * 255)
        band = f = None
        self.cut(path)
        return path

    def cut(self, path):
        if self.fault == "cut":
            with open(path, "r+b") as f:
                f.truncate(int(os.path.getsize(path) * self.rng.uniform(0.4, 0.95)))

    def write_nc(self, folder, h):
        data, scale, offset, nodata, _ = self.coded(h)
        path = os.path.join(folder, "height.nc")
        x, y = X0 + self.cell * (np.arange(data.shape[1]) + 0.5), Y0 + self.cell * (np.arange(data.shape[0]) + 0.5)
        if not self.south_up:
            y, data = y[::-1], data[::-1]
        if self.fault == "uneven":
            x[len(x) // 2:] += 3
        unit, factor = self.axis_unit
        with netCDF4.Dataset(path, "w", format=self.rng.choice(["NETCDF4", "NETCDF4", "NETCDF3_CLASSIC"])) as f:
            f.set_auto_maskandscale(False)
            for name, values, standard in (("x", x, "projection_x_coordinate"), ("y", y, "projection_y_coordinate")):
                f.createDimension(name, len(values))
                v = f.createVariable(name, "f8", (name,))
                if self.fault != "no_place":
                    v[:] = values * factor
                if self.attributes == "full":
                    v.standard_name = standard
                if self.attributes in ("full", "axis"):
                    v.axis = name.upper()
                if self.attributes != "plain" or unit == "km":
                    v.units = unit
            dims = ("y", "x") if self.order == "yx" else ("x", "y")
            v = f.createVariable("height", data.dtype, dims, fill_value=nodata)
            v.set_auto_maskandscale(False)
            v[:] = data if self.order == "yx" else data.T
            v.units = "ft" if self.fault == "feet" else "m"
            if scale is not None:
                v.scale_factor, v.add_offset = scale, offset
            v.grid_mapping = "crs"
            c = f.createVariable("crs", "i4", ())
            c.spatial_ref = c.crs_wkt = system(EPSG).ExportToWkt()
            if self.fault == "stale":
                c.GeoTransform = f"{X0 + 20} {self.cell} 0 {Y0 + DEPTH - 20} 0 {-self.cell}"
        self.cut(path)
        return path


def attempt(make, tmp):
    """(same, refused, wrong or not writable), and what is wrong."""
    folder, out = os.path.join(tmp, "in"), os.path.join(tmp, "out")
    for path in (folder, out):
        shutil.rmtree(path, ignore_errors=True)
    os.mkdir(folder)
    try:
        path = make.write(folder)
    except Exception as error:  # a format that cannot hold it
        return "not writable", str(error)
    done = subprocess.run([PROGRAM, "city", "-city_file", path, *make.arguments, "-run_output_dir", out, "-run_quiet"], capture_output=True,
                          text=True, timeout=120)
    if done.returncode == 0:
        wrong = judge(os.path.join(out, "city.nc"), make.known)
        return ("wrong", wrong) if wrong else ("same", "")
    ours = [line for line in done.stderr.splitlines() if line.startswith("windbridge:")]
    if done.returncode in (2, 3) and len(ours) == 1:
        return "refused", ours[0]
    return "wrong", f"exit code {done.returncode}, {len(ours)} lines: {done.stderr[-400:]}"


def main():
    tmp = tempfile.mkdtemp(prefix="wb_fuzz_")
    outcome, faults, understood = Counter(), [], Counter()
    for i in range(COUNT):
        rng = random.Random(SEED * 1000003 + i)
        make = (Vector if i % 5 < 3 else Raster)(rng, i % 4 == 3)
        kind, words = attempt(make, tmp)
        outcome[kind] += 1
        if kind == "same":
            understood[getattr(make, "driver", make.__class__.__name__)] += 1
        if kind == "wrong":
            faults.append(f"{i} ({make.name}): {words}")
        if os.environ.get("WB_FUZZ_SHOW"):
            print(i, kind, make.name, words[:250])
    print(f"{COUNT} files: {dict(outcome)}; understood: {dict(understood)}")
    for name in ("GeoJSON", "GPKG", "ESRI Shapefile", "FlatGeobuf", "Raster"):  # refusing everything is safe, but no reader
        if COUNT >= 100 and not understood[name]:
            faults.append(f"{name}: understood in no file")
    shutil.rmtree(tmp)
    if faults:
        sys.exit("FAILED:\n" + "\n".join(faults[:60]))


main()
