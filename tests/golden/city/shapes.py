"""Footprints as people have them: surfaces of many faces, broken and missing features, heights in other units, several
layers, building parts. Each comes out right or is refused in one line, by --check too."""
import json
import math
import os
import resource
import struct

from _toy import (CITY, COURT, HOOK, NX, NY, POSTS, TOWER, VOLUME, WINDOW, X, Y, Folder, collection, count, faults,
                  feature, features, finish, polygon, ring)
from osgeo import ogr, osr

ogr.UseExceptions()
POST = features(POSTS)
REST = VOLUME - 15 * 2400  # without the hook


def layer_of(source, name, geometry_type=ogr.wkbUnknown, fields=(("height", ogr.OFTReal),)):
    system = osr.SpatialReference()
    system.ImportFromEPSG(32633)
    layer = source.CreateLayer(name, system, geometry_type)
    for field, kind in fields:
        layer.CreateField(ogr.FieldDefn(field, kind))
    return layer


def put(layer, geometry, **values):
    one = ogr.Feature(layer.GetLayerDefn())
    for name, value in values.items():
        one[name] = value
    one.SetGeometry(geometry if isinstance(geometry, ogr.Geometry) else ogr.CreateGeometryFromJson(json.dumps(geometry)))
    layer.CreateFeature(one)


def face(*points):
    return [ring([list(p) for p in points])]


def house(over):
    """Floor, two roof planes that reach `over` metres beyond the walls, four walls: 60 m x 40 m in plan without them."""
    a, b, c, d, m = 20, 20, 80, 60, 40
    o = over
    return [face((a, b, 5), (a, d, 5), (c, d, 5), (c, b, 5)),
            face((a - o, b - o, 15), (c + o, b - o, 15), (c + o, m, 25), (a - o, m, 25)),
            face((a - o, d + o, 15), (a - o, m, 25), (c + o, m, 25), (c + o, d + o, 15)),
            face((a, b, 5), (c, b, 5), (c, b, 15), (a, b, 15)), face((c, d, 5), (a, d, 5), (a, d, 15), (c, d, 15)),
            face((c, b, 5), (c, d, 5), (c, d, 15), (c, m, 25), (c, b, 15)),
            face((a, d, 5), (a, b, 5), (a, b, 15), (a, m, 25), (a, d, 15))]


def surfaces(f):
    def one(what, geometry, volume, **more):
        f.right(what, f.file("one.geojson", collection([feature(geometry, height=20)] + POST)), volume=volume, tower=None,
                **more)

    for over, volume in ((0, 20 * 2400 + 2), (1, 20 * 62 * 42 + 2)):
        one(f"house of faces, eaves of {over} m", {"type": "MultiPolygon", "coordinates": house(over)}, volume)
    dormer = house(0) + [face((40, 30, 20), (50, 30, 20), (50, 36, 23), (40, 36, 23))]
    one("dormer", {"type": "MultiPolygon", "coordinates": dormer}, 20 * 2400 + 2)
    parts = [polygon([[20, 20], [80, 20], [80, 60], [20, 60]]), polygon([[60, 40], [120, 40], [120, 100], [60, 100]])]
    union = 20 * (2400 + 3600 - 400) + 2
    one("overlapping parts", {"type": "MultiPolygon", "coordinates": [p["coordinates"] for p in parts]}, union)
    one("parts in a collection", {"type": "GeometryCollection", "geometries": parts + [
        {"type": "LineString", "coordinates": ring([[0, 0], [160, 120]])}]}, union)
    ring_round = [polygon([[20, 20], [80, 20], [80, 30], [20, 30]]), polygon([[20, 20], [30, 20], [30, 60], [20, 60]]),
                  polygon([[20, 50], [80, 50], [80, 60], [20, 60]]), polygon([[70, 20], [80, 20], [80, 60], [70, 60]])]
    one("faces around a court", {"type": "MultiPolygon", "coordinates": [p["coordinates"] for p in ring_round]},
        20 * (2400 - 40 * 20) + 2)
    one("bow tie", polygon([[20, 20], [60, 60], [60, 20], [20, 60]]), 20 * 800 + 2, near=20 * 40,
        says=("1 outlines cross",))
    one("outline that runs over itself",
        polygon([[20, 20], [80, 20], [80, 60], [40, 60], [40, 30], [60, 30], [60, 70], [20, 70]]),
        20 * (2400 + 40 * 10) + 2, says=("1 outlines cross",))
    keyhole = [[20, 20], [80, 20], [80, 60], [20, 60], [20, 20], [30, 30], [30, 50], [70, 50], [70, 30], [30, 30]]
    one("hole joined by a slit", polygon(keyhole), 20 * (2400 - 800) + 2)
    roofs = [polygon([[20, 20], [60, 20], [20, 60]]), polygon([[60, 20], [60, 60], [20, 60]])]
    one("faces that share a slanting edge", {"type": "MultiPolygon", "coordinates": [p["coordinates"] for p in roofs]},
        20 * 1600 + 2)
    n, step = 10007, 4999  # a star of nearly diameters: 5e7 crossings
    star = [[80 + 50 * math.cos(2 * math.pi * step * i / n), 60 + 50 * math.sin(2 * math.pi * step * i / n)]
            for i in range(n)]
    area = n * 2500 * math.sin(math.pi / n) * math.cos(math.pi * step / n) / math.cos(math.pi * (step - 1) / n)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    one("10^4 vertices that cross each other", polygon(star), 20 * area + 2, near=20 * 60, says=("1 outlines cross",))
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    print(f"10^4 vertices that cross each other: {used:.2f} s of a core")
    if not used < 10:  # 0.2 s; minutes when all crossings are sought
        faults.append(f"10^4 vertices that cross each other took {used:.1f} s of a core")
    f.refused("hole as large as its outline", f.file("one.geojson", collection(
        [feature(polygon([[20, 20], [80, 20], [80, 60]], [[[20, 20], [80, 20], [80, 60]]]), height=20)] + POST)),
        "feature 0", "holes", "city_broken")
    walls = [feature({"type": "Polygon", "coordinates": w}, height=20) for w in house(0)[3:]]
    f.right("walls alone have no area", f.file("one.geojson", collection(walls + features())), says=("4 upright walls",))


def other_containers(f):
    for name, driver, kinds in (("solid.gpkg", "GPKG", (ogr.wkbPolyhedralSurfaceZ, ogr.wkbTINZ)),
                                ("solid.shp", "ESRI Shapefile", (ogr.wkbPolyhedralSurfaceZ, ))):
        for kind in kinds:
            path = f.file(name)
            source = ogr.GetDriverByName(driver).CreateDataSource(path)
            layer = layer_of(source, "solid", kind)
            solid = ogr.Geometry(kind)
            for one in house(1):
                if kind != ogr.wkbTINZ:
                    solid.AddGeometry(ogr.CreateGeometryFromJson(json.dumps({"type": "Polygon", "coordinates": one})))
                    continue
                corners = one[0][:-1]
                for i in range(1, len(corners) - 1):
                    text = ",".join("%f %f %f" % tuple(p) for p in (corners[0], corners[i], corners[i + 1], corners[0]))
                    solid.AddGeometry(ogr.CreateGeometryFromWkt(f"TRIANGLE Z (({text}))"))
            put(layer, solid, height=20)
            for a, b in ((0, 0), (NX - 1, NY - 1)):
                z = [[a, b, 0], [a + 1, b, 0], [a + 1, b + 1, 0], [a, b + 1, 0]]
                post = ogr.Geometry(ogr.wkbPolyhedralSurfaceZ)
                post.AddGeometry(ogr.CreateGeometryFromJson(json.dumps({"type": "Polygon", "coordinates": [ring(z)]})))
                if kind == ogr.wkbTINZ:
                    post = ogr.Geometry(ogr.wkbTINZ)
                    for k in ((0, 1, 2), (0, 2, 3)):
                        text = ",".join("%f %f %f" % (X + z[i][0], Y + z[i][1], 0) for i in k + k[:1])
                        post.AddGeometry(ogr.CreateGeometryFromWkt(f"TRIANGLE Z (({text}))"))
                put(layer, post, height=1)
            source = layer = None
            f.right(f"{name}, {ogr.GeometryTypeToName(kind)}", path, volume=20 * 62 * 42 + 2, tower=None)
            ogr.GetDriverByName(driver).DeleteDataSource(path)
    text = """<?xml version="1.0"?><ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/"
      xmlns:gml="http://www.opengis.net/gml"><gml:featureMember><ogr:b><ogr:height>9</ogr:height></ogr:b>
      </gml:featureMember></ogr:FeatureCollection>"""
    f.refused("GML", f.file("city.gml", text), "GML", "convert")
    if os.path.exists(f.file("city.gfs")):
        faults.append("a .gfs file was left beside the input")


def broken(f):
    def both(what, path, *words, rest=REST, n=1):
        f.refused(what, path, *words, "city_broken")
        f.right(what + ", dropped", path, "-city_broken", "drop", volume=rest, says=(f"{n} broken features",))

    lines = [json.dumps(one) for one in features([TOWER, HOOK, COURT] + POSTS)]
    both("cut line", f.file("cut.geojsonl", "\n".join([lines[0], lines[1][:120]] + lines[2:]) + "\n"), "after feature 0")
    for what, geometry in (("null geometry", None), ("empty polygon", {"type": "Polygon", "coordinates": []}),
                           ("one bracket too few", {"type": "Polygon", "coordinates": ring(HOOK[0])}),
                           ("no area", polygon([[20, 20], [60, 20], [40, 20]]))):
        both(what, f.file("b.geojson", collection([feature(geometry, height=15)] + features(CITY[1:]))), "feature 0")
    text = json.dumps(collection(features())).replace(f"[{X + 70}, {Y + 10}]", f"[1e400, {Y + 10}]", 1)
    both("infinite coordinate", f.file("b.geojson", text), "feature 0")
    path = f.file("nan.shp")
    source = ogr.GetDriverByName("ESRI Shapefile").CreateDataSource(path)
    layer = layer_of(source, "nan", ogr.wkbPolygon)
    for outline, holes, height in CITY[1:] + [HOOK]:
        put(layer, polygon(outline, holes), height=height)
    source = layer = None
    with open(path, "rb") as file:
        whole = file.read()
    at = len(whole) - 3 * 16
    for what, data in (("NaN in a Shapefile", whole[:at] + struct.pack("<d", float("nan")) + whole[at + 8:]),
                       ("Shapefile cut short", whole[:-40])):
        with open(path, "wb") as file:
            file.write(data)
        both(what, path, "feature 4")
    with open(path, "wb") as file:  # a header that says the city is elsewhere and larger
        file.write(whole[:36] + struct.pack("<4d", 0, 0, X + 1e5, Y + 1e5) + whole[68:])
    f.right("wrong extent in the header", path, window=False)
    tree = {"type": "Point", "coordinates": [X + 5, Y + 5]}
    f.right("points without a height", f.file("p.geojson", collection(features() + [feature(tree, kind="tree")])),
            says=("1 points or lines",))
    fence = {"type": "LineString", "coordinates": ring(HOOK[0])}
    both("closed line with a height", f.file("l.geojson", collection([feature(fence, height=15)] + features(CITY[1:]))),
         "feature 0", "line")


def height_values(f):
    for value in (None, 0, -1, -9999, -99, "", "tall", "0", "-1"):
        path = f.file("h.geojson", collection([feature(polygon(HOOK[0]), height=value)] + features(CITY[1:])))
        f.refused(f"height {value!r}", path, "1 of 5 features have no height", "feature 0", "city_null_height")
        f.right(f"height {value!r} dropped", path, "-city_null_height", "drop", volume=REST, says=("dropped",))
    f.right("height by rule", path, "-city_null_height", "15", says=("took city_null_height",))
    path = f.file("h.geojson", json.dumps(collection(features())).replace('"height": 15.0', '"height": NaN'))
    f.right("NaN height", path, "-city_null_height", "15")
    f.refused("depth", f.file("h.geojson", collection([feature(polygon(HOOK[0]), height=-3)] + POST)), "feature 0", "is -3")
    bare = f.file("bare.geojson", collection([feature(polygon(o, h), name="a") for o, h, _ in CITY]))
    f.refused("no height field", bare, "no height field", "city_null_height")
    f.refused("no height field, drop", bare, "no height field", arguments=("-city_null_height", "drop"))
    f.right("one height for all", bare, "-city_null_height", "10", volume=10 * (2400 + 600 + 1900 + 2), tower=None,
            says=("has no heights",))
    for text, metres in (("15 m", 15), ("15m", 15), ("50 ft", 15.24), ("50'", 15.24), ("49'6\"", 15.0876),
                         ("1500 cm", 15), (" 15.0 ", 15)):
        path = f.file("h.geojson", collection([feature(polygon(HOOK[0]), height=text)] +
                                              [feature(polygon(o, h), height=str(t)) for o, h, t in CITY[1:]]))
        f.right(f"height '{text}'", path, volume=REST + metres * 2400)
    for name in ("height_ft", "HGT [feet]"):
        path = f.file("h.geojson", collection([feature(polygon(o, h), **{name: t / 0.3048}) for o, h, t in CITY]))
        f.right(f"field {name}", path, "-city_height_field", name, says=("converted",))
    measured = [feature(polygon(o, h), measuredHeight=t / 0.3048, measuredHeight_uom="ft") for o, h, t in CITY]
    f.right("unit in a field beside it", f.file("h.geojson", collection(measured)))
    measured[0]["properties"]["measuredHeight_uom"] = "storeys"
    f.refused("unknown unit", f.file("h.geojson", collection(measured)), "storeys", "feature 0")


def layers(f):
    def package(ground_has_height):
        path = f.file("layers.gpkg")
        if os.path.exists(path):
            os.remove(path)
        source = ogr.GetDriverByName("GPKG").CreateDataSource(path)
        ground = layer_of(source, "ground", ogr.wkbPolygon,
                          (("height", ogr.OFTReal), ) if ground_has_height else (("use", ogr.OFTString), ))
        put(ground, polygon([[0, 0], [NX, 0], [NX, NY], [0, NY]]), **({"height": 3} if ground_has_height else {}))
        houses = layer_of(source, "houses")
        for outline, holes, height in CITY:
            put(houses, polygon(outline, holes), height=height)
        return path

    f.right("the only layer with heights", package(False), says=("layer houses",))
    path = package(True)
    f.refused("two layers with heights", path, "ground houses", "city_layer")
    f.right("layer by name", path, "-city_layer", "houses")
    f.refused("no such layer", path, "it has: ground houses", arguments=("-city_layer", "roofs"))


def windows(f):
    path = f.file("w.geojson", collection(features([HOOK, TOWER])))
    f.right("default window holds the file", path, window=False, volume=15 * 2400 + 40 * 600, origin=(X + 10, Y + 10),
            tower=(110, 60), says=("x 400210.0 to 400340.0",))
    far = ["-city_x_min_m", str(X), "-city_y_min_m", str(Y - 60), "-city_size_x_m", "160", "-city_size_y_m", "180"]
    f.refused("window partly outside", path, "y 5600340.0 to 5600520.0", "y 5600410.0 to 5600500.0", "city_open_outside",
              arguments=far, window=False)
    f.right("open ground outside", path, *far, "-city_open_outside", "true", window=False, volume=15 * 2400 + 40 * 600,
            origin=(X, Y - 60), tower=(120, 130), says=("70.0 m beyond",))
    f.refused("window elsewhere", path, "lies outside", "x 400210.0 to 400340.0", window=False,
              arguments=["-city_x_min_m", "0", "-city_y_min_m", "0", "-city_size_x_m", "160", "-city_size_y_m", "120"])


def parts(f):
    def box(x0, y0, x1, y1, **properties):
        return feature(polygon([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), **properties)

    outline = [box(20, 20, 100, 60, building="yes", height=60)]
    two = [box(20, 20, 80, 60, **{"building:part": "yes", "height": 12}),
           box(80, 20, 100, 60, **{"building:part": "yes", "height": 60})]
    kept = [box(120, 20, 140, 40, building="yes", height=10)]
    volume = 12 * 2400 + 60 * 800 + 10 * 400 + 2
    f.right("parts replace their outline", f.file("p.geojson", collection(outline + two + kept + POST)), volume=volume,
            tower=None, says=("1 outlines replaced",))
    stacked = [box(20, 20, 100, 60, **{"building:part": "yes", "height": 12}),
               box(80, 20, 100, 60, **{"building:part": "yes", "height": 60, "min_height": 12})]
    f.right("a tower on its podium", f.file("p.geojson", collection(stacked[::-1] + outline + kept + POST)), volume=volume,
            tower=None)
    path = f.file("p.geojson", collection(outline + two + kept + POST + [
        box(40, 80, 80, 90, **{"building:part": "yes", "height": 24, "min_height": "18 m"})]))
    f.refused("a bridge above open air", path, "feature 6", "18 m to 24 m", "city_overhang")
    f.right("bridge left out", path, "-city_overhang", "drop", volume=volume, tower=None, says=("left out there",))
    f.right("bridge filled down", path, "-city_overhang", "ground", volume=volume + 24 * 400, tower=None,
            says=("filled down",))
    f.right("parts of a quarter of the outline", f.file("p.geojson", collection(outline + two[1:] + POST)), tower=None,
            volume=60 * 3200 + 2, says=("only partly covered",))


def main():
    with Folder() as f:
        f.right("the city itself", f.file("city.geojson", collection(features())))
        for one in (surfaces, other_containers, broken, height_values, layers, windows, parts):
            one(f)
    finish(100)


if __name__ == "__main__":
    main()
