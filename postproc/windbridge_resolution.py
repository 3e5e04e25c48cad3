#!/usr/bin/python3
"""How a simulated city's mean wind depends on the grid: result files of one window and inflow at several spacings (lr.nc,
truth.nc) -> resolution.png and numbers.

    windbridge_resolution.py FILE [FILE ...] -o resolution.png [--from-s 300] [--to-s 480] [--height 10]

Means over (from, to]. The finest file is the reference: at each level of each other grid, the reference's volume mean over
the air of the coarse cell is compared with the coarse cell's own wind, where both have at least half air."""
import argparse
import json

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

COLOURS = ("#1b4f8a", "#e0a458", "#5b8c5a")


def mean_wind(path, start, end, top):
    """u, v, w (z, y, x), NaN in buildings, over the levels below top."""
    with xr.open_dataset(path, decode_times=False) as f:
        when = (f.time > start) & (f.time <= end)
        if int(when.sum()) == 0:
            raise SystemExit(f"{path}: no times in ({start}, {end}] s")
        f = f[["u", "v", "w"]].isel(time=np.flatnonzero(when), z=np.flatnonzero(f.z < top))
        if not np.isfinite(f.u).any("z").any(("y", "x")).all():
            raise SystemExit(f"{path}: a minute up to {end} s was not simulated")
        return f.mean("time").load()


def spacing(f):
    return float(f.x[1] - f.x[0])


def blocks(a, n):
    """Volume mean over air of blocks of n^3 cells, NaN below half air."""
    k, j, i = (s // n for s in a.shape)
    b = a[:k * n, :j * n, :i * n].reshape(k, n, j, n, i, n)
    air = np.isfinite(b).sum((1, 3, 5))
    return np.where(2 * air >= n**3, np.nansum(b, (1, 3, 5)) / np.maximum(air, 1), np.nan)


def compare(coarse, fine):
    """RMSE [m/s] of each component, and of the speed relative to the reference's mean, below 40 m and above."""
    n = round(spacing(coarse) / spacing(fine))
    out = {}
    reference = {v: blocks(fine[v].values, n) for v in "uvw"}
    levels = min(coarse.sizes["z"], reference["u"].shape[0])
    low = coarse.z.values[:levels] < 40
    speed = [np.sqrt(sum(c**2 for c in (a["u"], a["v"])))[:levels]
             for a in ({v: coarse[v].values for v in "uv"}, reference)]
    for name, here in (("below_40_m", low), ("above_40_m", ~low)):
        both = np.isfinite(speed[0][here]) & np.isfinite(speed[1][here])
        row = {f"rmse_{v}": float(np.sqrt(np.mean((coarse[v].values[:levels][here] - reference[v][:levels][here])[both]**2)))
               for v in "uvw"}
        row["mean_speed"] = float(speed[0][here][both].mean())
        row["mean_speed_of_reference"] = float(speed[1][here][both].mean())
        row["correlation_of_speed"] = float(np.corrcoef(speed[0][here][both], speed[1][here][both])[0, 1])
        out[name] = row
    return out


def draw(path, runs, height):
    fig, axes = plt.subplots(1, len(runs) + 1, figsize=(3.4 * (len(runs) + 1), 3.4), dpi=130, layout="constrained")
    speeds = [np.hypot(f.u, f.v) for f in runs]
    top = max(float(s.sel(z=height, method="nearest").quantile(0.99)) for s in speeds)
    for ax, f, speed in zip(axes[1:], runs, speeds):
        level = speed.sel(z=height, method="nearest")
        x0, y0 = float(f.x[0]), float(f.y[0])
        image = ax.pcolormesh(f.x - x0, f.y - y0, level, cmap="viridis", vmin=0, vmax=top, rasterized=True)
        ax.set(title=f"{spacing(f):g} m, z = {float(level.z):g} m", aspect="equal", xlabel="x [m]", facecolor="#8d8f94")
    fig.colorbar(image, ax=list(axes[1:]), label="mean wind speed [m/s]", shrink=0.8)
    for f, speed, colour in zip(runs, speeds, COLOURS):
        axes[0].plot(speed.mean(("y", "x")), f.z, "o-", ms=3, color=colour, label=f"{spacing(f):g} m")
    axes[0].set(xlabel="mean wind speed over the air [m/s]", ylabel="z [m]", xlim=(0, None), ylim=(0, None))
    axes[0].legend(frameon=False)
    fig.savefig(path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("files", nargs="+")
    p.add_argument("-o", "--out", default="resolution.png")
    p.add_argument("--from-s", type=float, default=300)
    p.add_argument("--to-s", type=float, default=1e9)
    p.add_argument("--height", type=float, default=10)
    o = p.parse_args()
    runs = sorted((mean_wind(path, o.from_s, o.to_s, 160) for path in o.files), key=spacing, reverse=True)
    print(json.dumps({f"{spacing(f):g} m": compare(f, runs[-1]) for f in runs[:-1]}, indent=1))
    draw(o.out, runs, o.height)


if __name__ == "__main__":
    main()
