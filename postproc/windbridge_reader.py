"""Reading windbridge results: OUT/lr.nc, OUT/hr.nc, OUT/summary.json, and what the figures need of them.

    from windbridge_reader import Result
    r = Result("out/tokyo_like")
    r.hr["T"]            # xarray, (time, member, z, y, x) [K]
    r.minute()           # index of the last minute that was written
    r.wind("hr", t, 2.5) # {"u","v","w","speed","T","air","z"} on the level nearest to 2.5 m, (member, y, x)
"""
import json
import os

import numpy as np
import xarray as xr


class Result:
    def __init__(self, folder, truth=None):
        self.folder = folder
        self.hr = self._open("hr.nc")
        self.lr = self._open("lr.nc")
        if self.hr is None and self.lr is None:
            raise SystemExit(f"{folder}: neither hr.nc nor lr.nc is there")
        self.truth = xr.open_dataset(truth) if truth else None  # a 5 m simulation of the same window
        path = os.path.join(folder, "summary.json")
        self.summary = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                self.summary = json.load(f)

    def _open(self, name):
        path = os.path.join(self.folder, name)
        return xr.open_dataset(path) if os.path.exists(path) else None

    def file(self, which):
        return {"hr": self.hr, "lr": self.lr, "truth": self.truth}[which]

    def truth_minute(self, t):
        """Index in the truth of the time of minute t; None where the truth does not have it."""
        if self.truth is None:
            return None
        same = np.flatnonzero(self.truth["time"].values == self.hr["time"].values[t])
        return int(same[0]) if same.size else None

    def minute(self):
        """The last minute written in all files (a run that was stopped leaves the later ones empty)."""
        last = []
        for d in (self.hr, self.lr):
            if d is not None:
                written = np.flatnonzero(~np.isnat(d["time"].values))
                if written.size == 0:
                    raise SystemExit(f"{self.folder}: no minute has been written yet")
                last.append(int(written[-1]))
        return min(last)

    def level(self, which, z_m):
        return int(np.argmin(np.abs(self.file(which)["z"].values - z_m)))

    def air(self, which, k):
        return self.file(which)["fluid_mask"].values[k] == 1

    def wind(self, which, t, z_m):
        """Fields of one minute on the level nearest to z_m; arrays (member, y, x), one member where there are none."""
        d = self.file(which)
        k = self.level(which, z_m)
        out = {"z": float(d["z"][k]), "air": self.air(which, k)}
        for name in ("T", "u", "v", "w"):
            a = d[name].isel(time=t, z=k).values
            out[name] = a if a.ndim == 3 else a[None]
        out["speed"] = np.hypot(out["u"], out["v"])
        return out

    def blocked(self, k):
        """5 m air cells of level k that the 20 m grid takes for buildings: filled in by the bridge. (y, x) bool."""
        if self.hr is None or "lr_valid_mask" not in self.hr:
            return None
        return self.air("hr", k) & (self.hr["lr_valid_mask"].values[k] == 0)

    def edges(self, which):
        """x and y of the cell edges [m], counted from the window's corner."""
        origin = self.origin()
        out = []
        for name, start in zip(("x", "y"), origin):
            c = self.file(which)[name].values
            h = c[1] - c[0]
            out.append(np.append(c - h / 2, c[-1] + h / 2) - start)
        return out

    def centres(self, which):
        return [0.5 * (e[1:] + e[:-1]) for e in self.edges(which)]

    def z_edges(self, which):
        """Levels' faces [m], from the ground up: faces lie so that each centre is the middle of its cell."""
        faces = [0.0]
        for c in self.file(which)["z"].values:
            faces.append(2 * c - faces[-1])
        return np.array(faces)

    def origin(self):
        d = self.hr if self.hr is not None else self.lr
        return [float(d[n][0] - (d[n][1] - d[n][0]) / 2) for n in ("x", "y")]

    def stamp(self, t):
        d = self.hr if self.hr is not None else self.lr
        return np.datetime_as_string(d["time"].values[t], unit="m").replace("T", " ")


def longest_street(air, reach=8):
    """The straight grid line along x or y with the longest open stretch between buildings.

    air (ny, nx) bool at street level. A cell counts when it is open and buildings stand within `reach` cells on both
    sides of the line, so that a park or the domain's rim does not win. Returns (axis, index, first, last): axis "x"
    means the line runs along x at row `index`.
    """
    best = (-1, "x", 0, 0, 0)
    for axis, a in (("x", air), ("y", air.T)):
        solid = ~a
        n, length = a.shape
        for i in range(n):
            low, high = solid[max(0, i - reach):i], solid[i + 1:i + 1 + reach]
            lined = low.any(axis=0) & high.any(axis=0)
            start = None
            for j in range(length + 1):
                is_open = j < length and a[i, j]
                if is_open and start is None:
                    start = j
                if not is_open and start is not None:
                    score = int(lined[start:j].sum())
                    if score > best[0]:
                        best = (score, axis, i, start, j - 1)
                    start = None
    return best[1:]
