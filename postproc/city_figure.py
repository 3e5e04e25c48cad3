#!/usr/bin/python3
"""Figures of a city: plan view of roof heights, what is solid at 5 m and at 20 m, heights and streets lost.

Usage: city_figure.py OUT/city.nc [FIGURE.png]

Reads the file that `windbridge city` writes (building_height(y, x), fluid_mask and lr_valid_mask(z, y, x) at 5 m) and
draws three panels: roof heights from above; the voxels of one level, with the fine fluid cells that the 20 m grid takes
for solid in red (the streets that super-resolution must fill in); built area and blocked share by height.
"""
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.colors import ListedColormap


def squeeze(array):
    """A (z, y, x) or (y, x) array whatever singleton dimensions (time) came along."""
    return array.isel({d: 0 for d in array.dims if d not in ("z", "y", "x")})


def plan_view(ax, figure, height):
    """Roof heights from above; open ground is white."""
    image = height.where(height > 0.5).plot.imshow(ax=ax, cmap="turbo", vmin=0, vmax=max(60.0, float(height.max())),
                                                   add_colorbar=False, interpolation="nearest")
    figure.colorbar(image, ax=ax, shrink=0.75, label="mean roof height of the cell [m]")
    ax.set_title("roof height")


def masks(ax, fluid, valid, level):
    """0 open, 1 solid at 5 m, 2 open at 5 m but solid at 20 m."""
    solid = fluid.isel(z=level).values < 0.5
    blocked = ~solid & (valid.isel(z=level).values < 0.5)
    kind = np.where(solid, 1, np.where(blocked, 2, 0))
    x, y = fluid.x.values, fluid.y.values
    half = 0.5 * (x[1] - x[0])
    ax.imshow(kind, origin="lower", extent=[x[0] - half, x[-1] + half, y[0] - half, y[-1] + half], vmin=0, vmax=2,
              cmap=ListedColormap(["white", "0.45", "crimson"]), interpolation="nearest")
    share = blocked.sum() / max(1, (~solid).sum())
    ax.set_title(f"z = {float(fluid.z[level]):g} m: solid (grey), blocked at 20 m (red, {100 * share:.1f} % of air)")


def profiles(ax, fluid, valid):
    """Built share of each level and share of its air that is blocked on the coarse grid."""
    air = fluid.values > 0.5
    lost = air & (valid.values < 0.5)
    z = fluid.z.values
    ax.plot(1 - air.mean(axis=(1, 2)), z, color="0.3", label="built share of the level")
    ax.plot(lost.sum(axis=(1, 2)) / np.maximum(1, air.sum(axis=(1, 2))), z, color="crimson",
            label="air blocked at 20 m")
    ax.set_xlabel("fraction")
    ax.set_ylabel("z [m]")
    ax.set_ylim(0, None)
    ax.set_xlim(0, None)
    ax.legend(frameon=False)


def main(arguments):
    if len(arguments) not in (1, 2):
        sys.exit(__doc__)
    source = arguments[0]
    target = arguments[1] if len(arguments) == 2 else os.path.splitext(source)[0] + ".png"
    with xr.open_dataset(source) as data:
        height = squeeze(data["building_height"])
        fluid, valid = squeeze(data["fluid_mask"]), squeeze(data["lr_valid_mask"])
        figure, axes = plt.subplots(1, 3, figsize=(22, 8), gridspec_kw={"width_ratios": [1.15, 1, 0.45]},
                                    constrained_layout=True)
        plan_view(axes[0], figure, height)
        masks(axes[1], fluid, valid, 1 if fluid.sizes["z"] > 1 else 0)
        profiles(axes[2], fluid, valid)
        for ax in axes[:2]:
            ax.set_aspect("equal")
            ax.set_xlabel("x east [m]")
            ax.set_ylabel("y north [m]")
        name = os.path.basename(os.path.dirname(os.path.abspath(source)))
        figure.suptitle(f"{name}: {data.attrs.get('source', '')}", fontsize=11)
        figure.savefig(target, dpi=110)
    print(f"wrote {target}")


if __name__ == "__main__":
    main(sys.argv[1:])
