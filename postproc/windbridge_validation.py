#!/usr/bin/python3
"""Figures of the long validation runs: folders of profiles (WB_LONG_OUT of tests/verify/les/*_long) -> validation.png.

    windbridge_validation.py FOLDER[=LABEL] [FOLDER[=LABEL] ...] -o validation.png

One panel for each case that the folders hold; the same case from several folders is drawn with its number of levels and
the folder's label."""
import argparse
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

KAPPA, RE_TAU = 0.4, 180.0
COLOURS = ("#1b4f8a", "#e0a458", "#5b8c5a")
TARGET = {"color": "#b3202a", "marker": "D", "ls": "none", "ms": 5, "zorder": 5}


def total(p, name):
    """Resolved and subgrid flux at the levels' faces."""
    return (p[f"{name}_resolved"] + p[f"{name}_subgrid"]).values


def channel_180(ax, p, colour, label):
    z, half = p.z.values, p.sizes["z"] // 2
    u = 0.5 * (p.u.values[:half] + p.u.values[::-1][:half])
    ax.semilogx(RE_TAU * z[:half], u, color=colour, label=label)
    wall = np.geomspace(1, 12)
    ax.semilogx(wall, wall, color="0.6", lw=0.8)
    ax.semilogx(wall * 14, np.log(wall * 14) / KAPPA + 5.5, color="0.6", lw=0.8)
    ax.plot(10.4, 8.77, **TARGET)
    ax.set(title="Channel, Re$_\\tau$ = 180", xlabel="z$^+$", ylabel="U$^+$", xlim=(1, 200), ylim=(0, 21))


def neutral_abl(ax, p, colour, label):
    z, zf = p.z.values, p.zface.values
    u_star = (total(p, "uw")[0]**2 + total(p, "vw")[0]**2)**0.25
    shear = np.hypot(np.diff(p.u.values), np.diff(p.v.values))
    ax.plot(KAPPA * shear / (u_star * np.log(z[1:] / z[:-1])), zf[1:-1], "o-", ms=3, color=colour, label=label)
    ax.axvspan(0.85, 1.15, color="#b3202a", alpha=0.12, lw=0)
    ax.set(title="Neutral Ekman layer", xlabel="$\\phi_m$", ylabel="z [m]", xlim=(0, 2), ylim=(0, 300))


def convective_abl(ax, p, colour, label):
    zf, flux = p.zface.values, total(p, "thetaw")
    top = zf[np.argmin(flux)]
    w_star = (9.81 / 300 * flux[0] * top)**(1 / 3)
    ax.plot(flux / flux[0], zf / top, color=colour, label=f"flux, {label}")
    ax.plot(p.w_var.values / w_star**2, zf / top, color=colour, ls="--", label="variance of w / w$_*^2$")
    ax.axvspan(-0.22, -0.20, color="#b3202a", alpha=0.3, lw=0)
    ax.axvline(0.42, color="#b3202a", lw=0.8, ls="--")
    ax.set(title="Dry convective layer", xlabel="of the surface's; of w$_*^2$", ylabel="z / z$_i$", xlim=(-0.3, 1.05), ylim=(0, 1.3))


def gabls1(ax, p, colour, label):
    ax.plot(np.hypot(p.u.values, p.v.values), p.z.values, color=colour, label=label)
    ax.axhline(155, color="#b3202a", lw=0.8, ls="--")
    ax.set(title="GABLS1, hour 9", xlabel="wind speed [m/s]", ylabel="z [m]", xlim=(0, 11), ylim=(0, 300))


CASES = (channel_180, neutral_abl, convective_abl, gabls1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("-o", "--out", default="validation.png")
    options = parser.parse_args()
    folders = [f.partition("=")[::2] for f in options.folders]
    found = {case: [(path, label) for f, label in folders if os.path.exists(path := os.path.join(f, case.__name__ + ".nc"))]
             for case in CASES}
    found = {case: paths for case, paths in found.items() if paths}
    if not found:
        raise SystemExit(f"no profiles in {', '.join(options.folders)}")
    fig, axes = plt.subplots(1, len(found), figsize=(3.4 * len(found), 3.6), dpi=130, squeeze=False)
    for ax, (case, paths) in zip(axes[0], found.items()):
        for (path, label), colour in zip(paths, COLOURS):
            with xr.open_dataset(path) as p:
                case(ax, p.isel(time=0), colour, f"{p.sizes['z']} levels" + (f", {label}" if label else ""))
        ax.legend(frameon=False, fontsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    fig.tight_layout()
    fig.savefig(options.out)


if __name__ == "__main__":
    main()
