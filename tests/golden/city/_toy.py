"""A small lopsided city for the tests of its readers: what it is, how to write it, and what the program made of it."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import netCDF4
import numpy as np

PROGRAM = os.environ["WB_PROGRAM"]
X, Y, NX, NY = 400200.0, 5600400.0, 160, 120  # south-west corner and size of the window, EPSG:32633
HOOK = ([[10, 10], [70, 10], [70, 30], [30, 30], [30, 90], [10, 90]], [], 15.0)
TOWER = ([[120, 70], [140, 70], [140, 100], [120, 100]], [], 40.0)
COURT = ([[50, 50], [100, 50], [100, 100], [50, 100]], [[[60, 60], [80, 60], [80, 90], [60, 90]]], 9.0)
POSTS = [([[a, b], [a + 1, b], [a + 1, b + 1], [a, b + 1]], [], 1.0) for a, b in ((0, 0), (NX - 1, NY - 1))]
CITY = [HOOK, TOWER, COURT] + POSTS  # the posts span the window
VOLUME = 15 * 2400 + 40 * 600 + 9 * 1900 + 2.0
WINDOW = ["-city_x_min_m", str(X), "-city_y_min_m", str(Y), "-city_size_x_m", str(NX), "-city_size_y_m", str(NY)]
faults = []
count = [0]


def heights():
    """(NY, NX), first row in the south: the same city in cells of 1 m."""
    a = np.zeros((NY, NX), "f4")
    a[10:30, 10:70] = 15
    a[30:90, 10:30] = 15
    a[70:100, 120:140] = 40
    a[50:100, 50:100] = 9
    a[60:90, 60:80] = 0
    a[0, 0] = a[-1, -1] = 1
    return a


def ring(points, x=X, y=Y):
    return [[x + p[0], y + p[1], *p[2:]] for p in points + points[:1]]


def polygon(outline, holes=(), x=X, y=Y):
    return {"type": "Polygon", "coordinates": [ring(outline, x, y)] + [ring(h, x, y) for h in holes]}


def feature(geometry, **properties):
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def features(buildings=None, field="height"):
    return [feature(polygon(o, h), **{field: t}) for o, h, t in (CITY if buildings is None else buildings)]


def collection(list_of_features, epsg=32633):
    text = {"type": "FeatureCollection"}
    if epsg:
        text["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{epsg}"}}
    text["features"] = list_of_features
    return text


class Folder:
    """A temporary folder with files and runs of the program in it."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="wb_toy_")
        return self

    def __exit__(self, *error):
        shutil.rmtree(self.path)

    def file(self, name, text=None):
        path = os.path.join(self.path, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text if isinstance(text, str) else json.dumps(text))
        return path

    def run(self, path, *arguments, check=False):
        count[0] += 1
        command = [PROGRAM, "city", "-city_file", path, "-run_overwrite", "true", "-run_output_dir", self.file("out"),
                   *arguments] + (["--check"] if check else [])
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr

    def right(self, what, path, *arguments, volume=VOLUME, says=(), window=True, near=0.5, origin=None, tower=(120, 70)):
        """The program makes the city of this volume [m3], its highest roof in the tower's place, and says these words."""
        code, text = self.run(path, *(WINDOW if window else []), *arguments)
        if code != 0:
            faults.append(f"{what}: exit code {code}: {text.strip()[-400:]}")
            return None
        with netCDF4.Dataset(self.file("out/city.nc")) as data:
            h = np.ma.filled(data["building_height"][:].astype("f8"), 0)
            x, y = data["x"][:] - 2.5, data["y"][:] - 2.5
        if abs(h.sum() * 25 - volume) > near:
            faults.append(f"{what}: {h.sum() * 25:.0f} m3 instead of {volume:.0f}")
        x0, y0 = origin or (X, Y)
        if tower:
            j, i = np.unravel_index(h.argmax(), h.shape)
            if abs(x[i] - x0 - tower[0]) > 0.01 or abs(y[j] - y0 - tower[1]) > 0.01:
                faults.append(f"{what}: highest roof at {x[i] - x0:.1f}, {y[j] - y0:.1f} instead of {tower}")
        for word in says:
            if word not in text:
                faults.append(f"{what}: does not say '{word}': {text}")
        return h, x, y

    def refused(self, what, path, *words, arguments=(), code=3, window=True):
        """--check and the run refuse it alike, in one line with these words."""
        lines = []
        for check in (True, False):
            got, text = self.run(path, *(WINDOW if window else []), *arguments, check=check)
            errors = [line for line in text.splitlines() if line.startswith("windbridge: error:")]
            if got != code or len(errors) != 1:
                faults.append(f"{what}{' --check' if check else ''}: exit code {got}, {len(errors)} errors: {text.strip()[-400:]}")
                return
            lines.append(errors[0])
        for word in words:
            if word not in lines[0]:
                faults.append(f"{what}: does not say '{word}': {lines[0]}")


def finish(at_least):
    for fault in faults:
        print("FAILED:", fault)
    print(f"{count[0]} runs, {len(faults)} faults")
    sys.exit(1 if faults or count[0] < at_least else 0)
