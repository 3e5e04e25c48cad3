"""Roof heights in rasters as people have them: masks, packing, units, bands, order and direction of axes, stale places,
terrains. Each comes out right or is refused in one line, by --check too."""
import os

import netCDF4
import numpy as np
from _toy import NX, NY, VOLUME, X, Y, Folder, collection, features, finish, heights
from osgeo import gdal, osr

gdal.UseExceptions()
NORTH_UP = (X, 1, 0, Y + NY, 0, -1)
UTM = osr.SpatialReference()
UTM.ImportFromEPSG(32633)


def tif(f, bands, kind=gdal.GDT_Float32, place=NORTH_UP, system="EPSG:32633", nodata=None, mask=None, inside=True, alpha=None,
        scale=None, offset=None, unit=None, names=(), colours=None):
    """A GeoTIFF of arrays whose first row is in the north."""
    path = f.file("roofs.tif")
    for old in (path, path + ".msk", path + ".aux.xml"):
        if os.path.exists(old):
            os.remove(old)
    bands = [bands] if isinstance(bands, np.ndarray) else bands
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "YES" if inside else "NO")
    n = len(bands) + (alpha is not None)
    data = gdal.GetDriverByName("GTiff").Create(path, bands[0].shape[1], bands[0].shape[0], n, kind,
                                                ["ALPHA=YES"] if alpha is not None else [])
    if place:
        data.SetGeoTransform(place)
    if system:
        s = osr.SpatialReference()
        s.SetFromUserInput(system)
        data.SetProjection(s.ExportToWkt())
    for i, a in enumerate(bands + ([alpha] if alpha is not None else [])):
        band = data.GetRasterBand(i + 1)
        band.WriteArray(a)
        if i < len(names):
            band.SetDescription(names[i])
        if colours:
            band.SetColorInterpretation(colours[i])
    first = data.GetRasterBand(1)
    if nodata is not None:
        first.SetNoDataValue(nodata)
    if scale is not None:
        first.SetScale(scale)
    if offset is not None:
        first.SetOffset(offset)
    if unit is not None:
        first.SetUnitType(unit)
    if mask is not None:
        data.CreateMaskBand(gdal.GMF_PER_DATASET)
        first.GetMaskBand().WriteArray(np.where(mask, 255, 0).astype("u1"))
    data = first = band = None
    return path


def geotiffs(f):
    down = heights()[::-1]
    built = down > 0
    f.right("plain", tif(f, down))
    f.right("south up", tif(f, down[::-1], place=(X, 1, 0, Y, 0, 1)))
    f.right("columns to the west", tif(f, down[:, ::-1], place=(X + NX, -1, 0, Y + NY, 0, -1)))
    f.right("pixels of half a metre by two", tif(f, np.repeat(down[::2], 2, 1), place=(X, 0.5, 0, Y + NY, 0, -2)),
            near=400, says=("0.5 m x 2 m",))
    f.right("masked inside", tif(f, np.where(built, down, 60), mask=built))
    f.right("masked beside", tif(f, np.where(built, down, 60), mask=built, inside=False))
    f.right("masked by alpha", tif(f, np.where(built, down, 60).astype("u1"), kind=gdal.GDT_Byte,
                                   alpha=np.where(built, 255, 0).astype("u1")))
    f.right("nodata", tif(f, np.where(built, down, -9999), nodata=-9999))
    f.right("nodata of float", tif(f, np.where(built, down, -3.4028234663852886e38), nodata=-3.4028234663852886e38))
    f.right("NaN", tif(f, np.where(built, down, np.nan)))
    f.right("decimetres packed", tif(f, np.where(built, down * 10, 999), kind=gdal.GDT_Int16, scale=0.1, nodata=999),
            says=("packed",))
    f.right("scale and offset", tif(f, (down + 100) * 5, kind=gdal.GDT_UInt16, scale=0.2, offset=-100), says=("packed",))
    f.right("feet", tif(f, down / 0.3048, unit="ft"), says=("converted",))
    f.right("centimetres", tif(f, down * 100, kind=gdal.GDT_Int32, unit="cm"))
    f.refused("kelvin", tif(f, down, unit="K"), "'K'", "metres")
    f.refused("two bands", tif(f, [down * 0, down], names=("terrain", "roofs")), "1 terrain 2 roofs", "city_layer")
    f.right("band by number", tif(f, [down * 0, down]), "-city_layer", "2")
    f.right("band by name", tif(f, [down * 0, down], names=("terrain", "roofs")), "-city_layer", "roofs")
    f.refused("no such band", tif(f, down), "no band 7", arguments=("-city_layer", "7"))
    f.refused("a picture", tif(f, [down.astype("u1")] * 3, kind=gdal.GDT_Byte,
                               colours=(gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand)), "city_layer")
    f.refused("a picture's band", f.file("roofs.tif"), "picture", arguments=("-city_layer", "1"))
    f.refused("rotated", tif(f, down, place=(X, 0.8, 0.6, Y + NY, 0.6, -0.8)), "rotated by 36.87", "gdalwarp")
    f.refused("degrees", tif(f, down, place=(13.4, 1e-5, 0, 52.5, 0, -1e-5), system="EPSG:4326"), "degrees", "EPSG:32633",
              window=False)
    f.refused("degrees without a system", tif(f, down, place=(13.4, 1e-5, 0, 52.5, 0, -1e-5), system=None), "degrees",
              window=False)
    f.refused("Web Mercator", tif(f, down, place=(1490000, 1, 0, 6890000, 0, -1), system="EPSG:3857"), "1.6", "gdalwarp",
              window=False)
    f.refused("no place", tif(f, down, place=None, system=None), "no place", "-a_ullr")
    f.right("default window", tif(f, down[:-7, :-3]), window=False, volume=VOLUME - 1, origin=(X, Y + 7), tower=(120, 65),
            near=16, says=("beyond the data",))
    f.refused("negative", tif(f, np.where(built, down, -9999)), "height -9999", f"x {X + 0.5:.1f}, y {Y + NY - 0.5:.1f}", "a_nodata")


def grounds(f):
    """Heights above the sea, and terrains."""
    down = heights()[::-1]
    slope = np.add.outer(np.linspace(20, 0, NY), np.linspace(0, 10, NX)).astype("f4")
    f.refused("surface above the sea", tif(f, down + 41.3), "100.0 %", "the lowest of them 41.3 m", "terrain")
    f.refused("with a masked border", tif(f, np.pad((down + 41.3)[20:-20, 20:-20], 20, constant_values=-1), nodata=-1),
              "terrain")
    f.refused("terrain", tif(f, slope + 1), "terrain", "gdal_calc")
    f.refused("terrain that begins at the sea", tif(f, np.maximum(slope - 15, 0)), "rise gently", "terrain")
    f.refused("terrain with the sea masked", tif(f, np.where(slope > 15, slope - 10, -1), nodata=-1), "rise gently")
    f.right("surface minus terrain, with noise", tif(f, down + np.random.default_rng(1).uniform(0, 0.3, down.shape)),
            near=VOLUME * 0.06, tower=None)


def netcdf(f, order=("y", "x"), x=None, y=None, cf=True, name="height", kind="f4", values=None, attributes=None, system=False,
           transform=None, fill=None, extra=(), unit="m", axis_unit="m", names=None):
    path = f.file("roofs.nc")
    x = X + 0.5 + np.arange(NX) if x is None else x
    y = Y + 0.5 + np.arange(NY) if y is None else y
    names = names or {"x": "x", "y": "y"}
    with netCDF4.Dataset(path, "w") as data:
        data.set_auto_maskandscale(False)
        for axis, at in (("y", y), ("x", x)):
            data.createDimension(names[axis], len(at))
            v = data.createVariable(names[axis], "f8", (names[axis],))
            v[:] = at
            if cf:
                v.standard_name, v.units, v.axis = f"projection_{axis}_coordinate", axis_unit, axis.upper()
        for dim, size in extra:
            data.createDimension(dim, size)
            data.createVariable(dim, "f8", (dim,))[:] = np.arange(size)
        v = data.createVariable(name, kind, [names.get(d, d) for d in order], fill_value=fill)
        v.set_auto_maskandscale(False)
        if unit:
            v.units = unit
        for key, value in (attributes or {}).items():
            v.setncattr(key, value)
        a = heights() if values is None else values
        if order.index("x") < order.index("y"):
            a = a.T
        v[:] = a[(None,) * (len(order) - 2)] if len(order) > 2 else a
        if system or transform:
            v.grid_mapping = "spatial_ref"
            m = data.createVariable("spatial_ref", "i4", ())
            m.crs_wkt = m.spatial_ref = UTM.ExportToWkt()
            if transform:
                m.GeoTransform = transform
    return path


def arrays(f):
    up, y = heights(), Y + 0.5 + np.arange(NY)
    packed = {"scale_factor": 0.1, "missing_value": np.int16(-1)}
    f.right("CF", netcdf(f))
    f.right("system", netcdf(f, system=True), says=("UTM zone 33N",))
    f.right("(x, y)", netcdf(f, order=("x", "y")))
    f.right("from north to south", netcdf(f, y=y[::-1], values=up[::-1]))
    f.right("from east to west", netcdf(f, x=(X + 0.5 + np.arange(NX))[::-1], values=up[:, ::-1]))
    f.right("x and y without attributes", netcdf(f, cf=False))
    f.right("easting and northing", netcdf(f, cf=False, names={"x": "easting", "y": "northing"}))
    f.right("names that lie", netcdf(f, names={"x": "y", "y": "x"}))
    f.right("kilometres", netcdf(f, x=(X + 0.5 + np.arange(NX)) / 1e3, y=y / 1e3, axis_unit="km"))
    f.right("packed, with fill and missing value",
            netcdf(f, kind="i2", fill=-9999, values=np.where(up > 0, np.rint(up * 10), -1).astype("i2"), attributes=packed))
    f.right("valid range", netcdf(f, values=np.where(up > 0, up, 70), attributes={"valid_range": np.float32([0, 60])}))
    f.right("valid maximum", netcdf(f, values=np.where(up > 0, up, 70), attributes={"valid_max": np.float32(40)}))
    f.right("unsigned bytes", netcdf(f, kind="i1", values=(up * 5).astype("u1").view("i1"),
                                     attributes={"_Unsigned": "true", "scale_factor": 0.2}))
    f.right("default fill values", netcdf(f, values=np.where(up > 0, up, netCDF4.default_fillvals["f4"])))
    f.right("feet", netcdf(f, values=up / 0.3048, unit="feet"))
    f.refused("kelvin", netcdf(f, unit="K"), "'K'")
    f.right("one time, and a profile", netcdf(f, order=("time", "y", "x"), extra=(("time", 1), ("z", 5))))
    f.refused("two times", netcdf(f, order=("time", "y", "x"), extra=(("time", 2),)), "2 along time", "ncks")
    f.right("GeoTransform that agrees",
            netcdf(f, y=y[::-1], values=up[::-1], transform=f"{X} 1 0 {Y + NY} 0 -1"))
    for what, t in (("sorted", f"{X} 1 0 {Y + NY} 0 -1"), ("cropped", f"{X - 20} 1 0 {Y} 0 1"),
                    ("corners for centres", f"{X + 0.5} 1 0 {Y + 0.5} 0 1")):
        f.refused(f"stale GeoTransform, {what}", netcdf(f, transform=t), "GeoTransform", "differ", "ncatted")
    f.refused("unequal spacing", netcdf(f, x=X + np.arange(NX) ** 1.1), "equal spacing", "coordinate x")
    f.refused("unnamed dimensions", netcdf(f, cf=False, names={"x": "dim_1", "y": "dim_0"}), "dim_0")
    f.refused("heights above the sea by name", netcdf(f, attributes={"standard_name": "surface_altitude"}),
              "surface_altitude")
    f.refused("degrees", netcdf(f, x=13 + 1e-5 * np.arange(NX), y=52 + 1e-5 * np.arange(NY), cf=False,
                                names={"x": "lon", "y": "lat"}), "degrees", window=False)
    path = netcdf(f)
    with netCDF4.Dataset(path, "a") as data:
        data.createVariable("building_height", "f4", ("y", "x"))[:] = up
    f.refused("two variables with a telling name", path, "building_height", "city_layer")
    f.right("variable by name", path, "-city_layer", "building_height")
    f.refused("no such variable", path, "no variable roof", "it has: height building_height",
              arguments=("-city_layer", "roof"))
    f.right("its own result", made_before(f), near=1)


def made_before(f):
    """city.nc of a run, whose cells are 5 m: buildings here end on whole cells."""
    f.run(f.file("own.geojson", collection(features())), "-city_x_min_m", str(X), "-city_y_min_m", str(Y),
          "-city_size_x_m", str(NX), "-city_size_y_m", str(NY))
    os.replace(f.file("out/city.nc"), f.file("own.nc"))
    return f.file("own.nc")


def main():
    with Folder() as f:
        geotiffs(f)
        grounds(f)
        arrays(f)
    finish(90)


if __name__ == "__main__":
    main()
