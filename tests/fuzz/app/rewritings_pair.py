"""A pair file in other ways of saying the same (one of its halves), and some that cannot be right: the scores of `windbridge evaluate`
stay or the file is refused. WB_FUZZ_N: how many."""
import json
import os
import subprocess
import sys
import tempfile

import netCDF4
import numpy as np

from _attack import PROGRAM, Attack
from _rewrite import Data, Var, rewrite


class Pair:
    """Two Data, groups lr and hr; a rewriting takes one of them."""

    def __init__(self, halves, attributes):
        self.halves, self.attributes = halves, attributes

    def rewritten(self, rng, i):
        name = rng.choice(list(self.halves))
        half, names = rewrite(rng, self.halves[name], i)
        return Pair({**self.halves, name: half}, self.attributes), [f"{name}: {names[0]}" if i % 3 else names[0], *names[1:]]

    def write(self, path):
        with netCDF4.Dataset(path, "w", format=next((h.storage["format"] for h in self.halves.values() if "format" in h.storage),
                                                    "NETCDF4")) as f:
            for key, value in self.attributes.items():
                f.setncattr(key, value)
            for name, half in self.halves.items():
                half.fill(f.createGroup(name))


def read(path):
    def half(group):
        variables = {}
        for name, v in group.variables.items():
            v.set_auto_maskandscale(False)
            kept = {k: v.getncattr(k) for k in v.ncattrs() if k != "_FillValue"}
            variables[name] = Var(v.dimensions, v[...], **kept)
        return Data(variables, {k: group.getncattr(k) for k in group.ncattrs()})

    with netCDF4.Dataset(path) as f:
        return Pair({name: half(f[name]) for name in ("lr", "hr")}, {k: f.getncattr(k) for k in f.ncattrs()})


def scores(path, names):
    with open(path) as f:
        pooled = json.load(f)["pooled"]
    return {name: np.array([pooled["all"][name][method][what] for method in ("bridge", "interpolation") for what in ("n", "rmse", "bias")])
            for name in names}


class Scored(Attack):
    read = staticmethod(scores)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        made = subprocess.run([PROGRAM, "pairs", "-city_seed", "3", "-city_size_x_m", "80", "-city_size_y_m", "80", "-les_margin_m", "60",
                               "-les_rim_m", "40", "-les_top_m", "300", "-les_spinup_s", "60", "-les_duration_s", "180", "-pairs_drop_s", "60",
                               "-run_output_dir", tmp, "-run_quiet"], capture_output=True, text=True)
        if made.returncode != 0:
            sys.exit(f"FAILED: pairs: {made.stderr}")
        base = read(os.path.join(tmp, "pair.nc"))

        def command(path):
            return ["evaluate", "-data_files", path, "-sr_members", 1, "-sr_sampler", "mean", "-evaluate_bootstrap", 100]

        attack = Scored(base, command, "scores.json", ["T", "u", "v", "w"], {"*": 0.003}, 45)
        attack.go(["transpose", "flip", "units", "pack", "dtype"])


main()
