"""Coordinate reference systems are judged by what they do at the window: the city in those of the world, written by GDAL,
comes out in its shape or is refused with a way out. Directions that count from true north."""
import json
import subprocess

import netCDF4
import numpy as np
from _toy import CITY, PROGRAM, VOLUME, WINDOW, Folder, collection, count, faults, feature, features, finish, polygon
from osgeo import ogr, osr

ogr.UseExceptions()
osr.UseExceptions()


def system(code):
    s = osr.SpatialReference()
    s.SetFromUserInput(code)
    s.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return s


def carried(lon, lat, to):
    """The city about a place, in a UTM zone or polar map there, carried to another system; and its south-west corner."""
    zone = int((lon + 180) // 6) + 1
    home = system(f"EPSG:{(32600 if lat >= 0 else 32700) + zone}")
    x0, y0, _ = osr.CoordinateTransformation(system("EPSG:4326"), home).TransformPoint(lon, lat)
    t = osr.CoordinateTransformation(home, system(to))
    x0, y0 = round(x0), round(y0)

    def points(ring):
        return [list(t.TransformPoint(x0 + a, y0 + b)[:2]) for a, b in ring]

    return [(points(o), [points(h) for h in holes], height) for o, holes, height in CITY]


def package(f, buildings, to, swap=False):
    path = f.file("map.gpkg")
    source = ogr.GetDriverByName("GPKG").CreateDataSource(path)
    layer = source.CreateLayer("houses", system(to) if to else None, ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("height", ogr.OFTReal))
    for outline, holes, height in buildings:
        one = ogr.Feature(layer.GetLayerDefn())
        one["height"] = height
        rings = [[p[::-1] if swap else p for p in r] for r in [outline] + holes]
        one.SetGeometry(ogr.CreateGeometryFromJson(json.dumps(polygon(rings[0], rings[1:], 0, 0))))
        layer.CreateFeature(one)
    return path


def summary(f):
    with open(f.file("out/summary.json"), encoding="utf-8") as file:
        return json.load(file)["city"]


GOOD = [("EPSG:32633", 13.4, 52.5), ("EPSG:25833", 13.4, 52.5), ("EPSG:32632", 13.4, 52.5), ("EPSG:32634", 13.4, 52.5),
        ("EPSG:3035", 13.4, 52.5), ("EPSG:3035", -9.1, 38.7), ("EPSG:3068", 13.4, 52.5), ("EPSG:31468", 13.4, 52.5),
        ("EPSG:5514", 14.4, 50.1), ("EPSG:2154", 2.3, 48.9), ("EPSG:27700", -1.9, 52.5), ("EPSG:6677", 139.7, 35.7),
        ("EPSG:28992", 4.9, 52.4), ("EPSG:32756", 151.2, -33.9), ("EPSG:3413", -45.5, 70.2), ("EPSG:25833+5783", 13.4, 52.5),
        ("EPSG:3857", 103.8, 1.3), ("EPSG:2193", 174.8, -41.3)]
BAD = [("EPSG:3857", 13.4, 52.5, "1.64", "EPSG:32633"), ("EPSG:3395", 13.4, 52.5, "1.6", "EPSG:32633"),
       ("EPSG:4087", 13.4, 52.5, "1 to 1.6", "EPSG:32633"), ("EPSG:3034", 13.4, 52.5, "0.96", "EPSG:32633"),
       ("EPSG:5513", 14.4, 50.1, "to the south and y to the west", "EPSG:32633"),
       ("EPSG:2053", 28.1, -26.2, "to the west and y to the south", "EPSG:32735"),
       ("EPSG:3413", 45, 75, "to the", "EPSG:32638"), ("EPSG:2263", -74, 40.7, "US survey foot", "EPSG:32618"),
       ("EPSG:32618+6360", -74, 40.7, "heights in US survey foot", "gdal_calc"),
       ("EPSG:4326", 13.4, 52.5, "degrees", "EPSG:32633"), ("EPSG:4326", -70.6, -33.4, "degrees", "EPSG:32719"),
       ("EPSG:4978", 13.4, 52.5, "geocentric", "reproject")]


def systems(f):
    for code, lon, lat in GOOD:
        what = f"{code} at {lon} E, {lat} N"
        stretch = 1.02 if code == "EPSG:3035" else 1.01  # areas by the map's scale; outlines cut cells
        f.right(what, package(f, carried(lon, lat, code), code), window=False, tower=None, near=VOLUME * (stretch - 0.99))
        scale = summary(f)["map_scale"]
        if not 0.98 < scale[0] <= scale[1] < 1.02:
            faults.append(f"{what}: map scale {scale}")
    for code, lon, lat, word, way_out in BAD:
        f.refused(f"{code} at {lon} E, {lat} N", package(f, carried(lon, lat, code), code), word, way_out, window=False)
    f.refused("x and y exchanged", package(f, carried(13.4, 52.5, "EPSG:32633"), "EPSG:32633", swap=True), "exchanged",
              window=False)
    f.refused("degrees without a system", package(f, carried(13.4, 52.5, "EPSG:4326"), None), "degrees", window=False)
    f.refused("metres called degrees", package(f, carried(13.4, 52.5, "EPSG:32633"), "EPSG:4326"), "degrees", "-a_srs",
              window=False)
    mountain = 'LOCAL_CS["plant",LOCAL_DATUM["plant",0],UNIT["%s",%s],AXIS["x",EAST],AXIS["y",NORTH]]'
    plain = [(o, h, t) for o, h, t in CITY]
    f.right("a local system in metres", package(f, plain, mountain % ("metre", "1")), window=False, origin=(0, 0),
            says=("local one",))
    f.refused("a local system in feet", package(f, plain, mountain % ("foot", "0.3048")), "foot", window=False)
    f.right("no system", package(f, plain, None), window=False, origin=(0, 0), says=("taking x as metres east",))
    small = [feature(polygon(o, h, 0, 0), height=t) for o, h, t in CITY]
    f.right("GeoJSON in local metres", f.file("local.geojson", collection(small, None)), window=False, origin=(0, 0),
            says=("taking x as metres east",))
    whole = [[[p[0] / 1e5, p[1] / 1e5] for p in o] for o, _, _ in CITY]
    f.refused("GeoJSON in degrees", f.file("small.geojson", collection(
        [feature(polygon(o, (), 13.4, 52.5), height=9) for o in whole], None)), "degrees", "EPSG:32633", window=False)


def north(f):
    """UTM zone 33 at 13.6 E is turned by 1.1 degrees; a direction from true north becomes the grid's in the results."""
    path = f.file("city.geojson", collection(features()))
    f.right("convergence", path, says=("west of true north", "les_wind_north"))
    turn = summary(f)["meridian_convergence_deg"]
    if not -1.3 < turn < -1.0:
        faults.append(f"convergence {turn}")
    small = [*WINDOW, "-les_margin_m", "60", "-les_rim_m", "20", "-les_top_m", "100", "-les_spinup_s", "2",
             "-les_duration_s", "2", "-les_output_interval_s", "2", "-les_wind_height_m", "50", "-les_sun", "true"]
    wind = []
    for rule, direction in (("grid", 250 - turn), ("true", 250), ("grid", 250)):
        count[0] += 1
        done = subprocess.run([PROGRAM, "les", "-city_file", path, *small, "-les_wind_north", rule, "-run_overwrite", "true",
                               "-les_wind_direction_deg", repr(direction), "-run_output_dir", f.file("les")],
                              capture_output=True, text=True, timeout=300)
        if done.returncode:
            faults.append(f"les with north {rule}: {done.stdout}{done.stderr}")
            return
        with netCDF4.Dataset(f.file("les/lr.nc")) as data:
            wind.append(np.ma.filled(data["u"][:], 0))
            if data.les_wind_north != rule or abs(data.wind_direction_deg - (250 if direction == 250 and rule == "grid"
                                                                             else 250 - turn)) > 1e-6:
                faults.append(f"north {rule}: {data.les_wind_north}, {data.wind_direction_deg}")
            if rule == "true" and abs(data.wind_direction_true_north_deg - 250) > 1e-6:
                faults.append(f"direction from true north {data.wind_direction_true_north_deg}")
    done = subprocess.run([PROGRAM, "les", "-city_generate", "flat", "-les_wind_north", "true", "--check"],
                          capture_output=True, text=True, timeout=120)
    if done.returncode != 2 or "les_wind_north" not in done.stderr:
        faults.append(f"true north of a city without a place: {done.returncode}: {done.stdout}{done.stderr}")
    if np.abs(wind[0] - wind[2]).max() < 1e-3:
        faults.append("the wind does not turn")
    if np.abs(wind[0] - wind[1]).max() > 0.02:  # they differ by the sun alone
        faults.append(f"true north and the grid direction that it means differ by {np.abs(wind[0] - wind[1]).max()} m/s")


def main():
    with Folder() as f:
        systems(f)
        north(f)
    finish(50)


if __name__ == "__main__":
    main()
