#!/usr/bin/python3
"""How much of a minute can be known: two fine runs of one city, inflow and start that differ by rounding only.

    predictability.py ONE.nc OTHER.nc SCORES.json

ONE and OTHER are pair files of the same run (the second continued on another number of ranks, say); SCORES.json is what
`windbridge evaluate -data_files ONE.nc` wrote. The turbulence of the two is independent after some minutes, so that half
of their mean square difference is the variance of a run about the mean that inflow and buildings decide, and its root the
RMSE of a perfect forecast of the mean. Prints it beside the RMSE of interpolation and bridge.
"""
import json
import sys

import numpy as np
import xarray as xr

NAMES = {"T": "theta", "u": "u", "v": "v", "w": "w"}


def subsets(hr):
    fluid = hr.fluid_mask.values.astype(bool)
    closed = fluid & ~hr.lr_valid_mask.values.astype(bool)
    return {"all": fluid, "blocked": closed}


def main(one, other, scores):
    with xr.open_dataset(one, group="hr") as a, xr.open_dataset(other, group="hr") as b, open(scores) as f:
        pooled = json.load(f)["pooled"]
        print("cells    variable  perfect   bridge  interpolation  least possible  bridge   (RMSE; less than interpolation)")
        for name, cells in subsets(a).items():
            for v, variable in NAMES.items():
                d = (a[variable].values - b[variable].values)[:, cells]
                perfect = np.sqrt(0.5 * np.mean(d.astype(float) ** 2))
                bridge, plain = (pooled[name][v][m]["rmse"] for m in ("bridge", "interpolation"))
                print(f"{name:8} {v:8} {perfect:8.3f} {bridge:8.3f} {plain:14.3f} {100 * (1 - perfect / plain):14.0f} %"
                      f" {100 * (1 - bridge / plain):6.0f} %")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
