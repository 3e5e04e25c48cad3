#!/usr/bin/python3
"""Figures of a forecast: windbridge's OUT folder -> OUT/figures/*.png.

    figures.py OUT_DIR [--minute N] [--member M] [--truth truth.nc]

plan_2.5m.png, plan_7.5m.png  wind and temperature: 20 m LES, ensemble mean, one member, 5 m LES if given
section.png                   vertical section along the longest street
spread.png                    what the members disagree on
inpainted.png                 streets that 20 m cells cannot hold, and the wind put there
turbulence.png                profiles of wind and resolved turbulence of the LES
"""
import argparse
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch, Rectangle

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from windbridge_reader import Result, longest_street

BUILDING = "#8d8f94"
BLOCKED = "#e3007f"
SPEED_MAP, HEAT_MAP, SPREAD_MAP, ALONG_MAP = "viridis", "inferno", "cividis", "RdBu_r"
KELVIN = 273.15

plt.rcParams.update({"font.size": 9, "axes.titlesize": 10, "figure.dpi": 130, "savefig.bbox": "tight",
                     "axes.spines.top": False, "axes.spines.right": False, "font.family": "DejaVu Sans"})


def limits(arrays, low=1, high=99, zero=False):
    """Colour limits that a few extreme cells cannot spoil."""
    values = np.concatenate([np.ravel(a)[np.isfinite(np.ravel(a))] for a in arrays])
    if values.size == 0:
        return 0.0, 1.0
    a, b = np.percentile(values, [low, high])
    a = 0.0 if zero else a
    return float(a), float(b if b > a else a + 1e-3)


def buildings(ax, x, y, air):
    grey = np.ma.masked_where(air, np.ones(air.shape))
    ax.pcolormesh(x, y, grey, cmap=ListedColormap([BUILDING]), vmin=0, vmax=1, rasterized=True, zorder=1)


def outline_blocked(ax, x, y, blocked, width=0.75):
    """The outline, along cell edges, of the cells that the 20 m grid does not see."""
    if blocked is None or not blocked.any():
        return
    padded = np.pad(blocked, 1)
    lines = []
    j, i = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])  # horizontal edges: y[j], from x[i] to x[i + 1]
    lines += [((x[b], y[a]), (x[b + 1], y[a])) for a, b in zip(j, i)]
    j, i = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    lines += [((x[b], y[a]), (x[b], y[a + 1])) for a, b in zip(j, i)]
    ax.add_collection(LineCollection(lines, colors=BLOCKED, linewidths=width, zorder=4, capstyle="projecting"))


def scale_bar(ax, x, y):
    """A bar of a round length near a fifth of the domain, lower left."""
    width, height = x[-1] - x[0], y[-1] - y[0]
    length = max((c for c in (20, 50, 100, 200, 500, 1000, 2000) if c <= 0.22 * width), default=20)
    x0, y0 = x[0] + 0.03 * width, y[0] + 0.03 * height
    ax.add_patch(Rectangle((x0 - 0.012 * width, y0 - 0.014 * height), length + 0.024 * width, 0.062 * height,
                           color="white", alpha=0.85, zorder=6, lw=0))
    ax.plot([x0, x0 + length], [y0, y0], color="black", lw=2.2, zorder=7, solid_capstyle="butt")
    ax.text(x0 + length / 2, y0 + 0.008 * height, f"{length} m", ha="center", va="bottom", fontsize=7, zorder=7)


def arrows(ax, xc, yc, u, v, air, spacing_m, reference):
    """Wind arrows about every spacing_m, only in air; all panels share the length of `reference` m/s."""
    step = max(1, int(round(spacing_m / (xc[1] - xc[0]))))
    at = slice(step // 2, None, step)
    uu, vv = np.where(air, u, np.nan)[at, at], np.where(air, v, np.nan)[at, at]
    return ax.quiver(xc[at], yc[at], uu, vv, color="white", edgecolor="black", linewidth=0.25, zorder=5,
                     scale=reference / (0.9 * spacing_m), scale_units="xy", angles="xy", width=0.0026, headwidth=4,
                     headlength=4, headaxislength=3.6)


def map_axes(ax, x, y, first):
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(y[0], y[-1])
    ax.set_aspect("equal")
    ax.set_xlabel("x [m]")
    if first:
        ax.set_ylabel("y [m]")
    else:
        ax.set_yticklabels([])
    ax.grid(False)


def legend(fig, blocked):
    parts = [Patch(color=BUILDING, label="buildings")]
    if blocked is not None and blocked.any():
        parts.append(Patch(facecolor="none", edgecolor=BLOCKED,
                           label="street closed on the 20 m grid: filled in by the bridge"))
    fig.legend(handles=parts, loc="lower center", ncol=2, frameon=False, fontsize=8, bbox_to_anchor=(0.5, -0.035))


def columns(r, t, z_m, member):
    """(title, which, fields) of the panels beside each other."""
    out = []
    if r.lr is not None:
        f = r.wind("lr", t, z_m)
        dx = float(r.lr["x"][1] - r.lr["x"][0])
        out.append((f"LES, {dx:g} m cells (level {f['z']:g} m)", "lr", {k: f[k][0] for k in ("T", "u", "v", "speed")},
                    f["air"]))
    if r.hr is not None:
        f = r.wind("hr", t, z_m)
        m = f["T"].shape[0]
        mean = {k: f[k].mean(axis=0) for k in ("T", "u", "v")}
        mean["speed"] = f["speed"].mean(axis=0)
        out.append((f"ensemble mean of {m}", "hr", mean, f["air"]))
        out.append((f"member {member}", "hr", {k: f[k][member] for k in ("T", "u", "v", "speed")}, f["air"]))
    if r.truth is not None:
        f = r.wind("truth", r.truth_minute(t), z_m)
        out.append(("LES, 5 m cells", "truth", {k: f[k][0] for k in ("T", "u", "v", "speed")}, f["air"]))
    return out


def plan(r, t, z_m, member, path):
    panels = columns(r, t, z_m, member)
    blocked = r.blocked(r.level("hr", z_m)) if r.hr is not None else None
    fig, axes = plt.subplots(2, len(panels), figsize=(4.7 * len(panels) + 0.8, 9.4), squeeze=False,
                             layout="constrained")
    speed = limits([p[2]["speed"] for p in panels], zero=True)
    heat = [v - KELVIN for v in limits([p[2]["T"] for p in panels])]
    reference = max(1.0, round(speed[1]))
    for c, (title, which, f, air) in enumerate(panels):
        x, y = r.edges(which)
        xc, yc = r.centres(which)
        rows = ((f["speed"], SPEED_MAP, speed), (f["T"] - KELVIN, HEAT_MAP, heat))
        for ax, (values, cmap, (low, high)) in zip(axes[:, c], rows):
            image = ax.pcolormesh(x, y, np.where(air, values, np.nan), cmap=cmap, vmin=low, vmax=high,
                                  rasterized=True)
            buildings(ax, x, y, air)
            if which != "lr":
                outline_blocked(ax, x, y, blocked)
            map_axes(ax, x, y, c == 0)
            scale_bar(ax, x, y)
            if c == len(panels) - 1:
                label = "wind speed [m s$^{-1}$]" if cmap == SPEED_MAP else "air temperature [°C]"
                fig.colorbar(image, ax=axes[0 if cmap == SPEED_MAP else 1, :].tolist(), label=label,
                             extend="max" if cmap == SPEED_MAP else "both", shrink=0.85, pad=0.01)
        spacing = max(20.0, 5 * round((x[-1] - x[0]) / 24 / 5))
        q = arrows(axes[0, c], xc, yc, f["u"], f["v"], air, spacing, reference)
        if c == 0:
            axes[0, c].quiverkey(q, 0.86, 1.03, reference, f"{reference:g} m s$^{{-1}}$", labelpos="W", color="black",
                                 fontproperties={"size": 8})
        axes[0, c].set_title(title, loc="left")
    hr_z = f"{r.hr['z'].values[r.level('hr', z_m)]:g}" if r.hr is not None else f"{z_m:g}"
    fig.suptitle(f"Wind and air temperature at {hr_z} m, mean of the minute to {r.stamp(t)}", fontsize=12, x=0.02,
                 ha="left")
    legend(fig, blocked)
    fig.savefig(path)
    plt.close(fig)


def nearest_line(r, which, axis, position_m):
    centres = r.centres(which)[1 if axis == "x" else 0]
    return int(np.argmin(np.abs(centres - position_m)))


def cut(r, which, t, axis, i, member):
    """Fields (z, s) along a grid line; member None: mean over members."""
    d = r.file(which)
    where = {"time": t, ("y" if axis == "x" else "x"): i}
    out = {"air": d["fluid_mask"].isel({k: v for k, v in where.items() if k != "time"}).values == 1}
    for name in ("T", "u", "v", "w"):
        a = d[name].isel(where)
        if "member" in a.dims:
            a = a.mean("member") if member is None else a.isel(member=member)
        out[name] = a.values
    out["along"] = out["u"] if axis == "x" else out["v"]
    return out


def section(r, t, member, path):
    air = r.air("hr", r.level("hr", 2.5))
    axis, i, first, last = longest_street(air)
    place = r.centres("hr")[1 if axis == "x" else 0][i]
    s_hr = r.centres("hr")[0 if axis == "x" else 1]
    rows = [("ensemble mean", "hr", cut(r, "hr", t, axis, i, None)), (f"member {member}", "hr",
                                                                     cut(r, "hr", t, axis, i, member))]
    if r.lr is not None:
        rows.insert(0, ("LES, 20 m cells", "lr", cut(r, "lr", t, axis, nearest_line(r, "lr", axis, place), None)))
    top = r.z_edges("hr")[-1]
    span = max(0.5, *(abs(v) for v in limits([f["along"] for _, _, f in rows], 0.5, 99.5)))
    heat = [v - KELVIN for v in limits([f["T"][:r.level(w, top) + 1] for _, w, f in rows])]
    fig, axes = plt.subplots(len(rows), 2, figsize=(13.5, 2.15 * len(rows) + 0.9), squeeze=False, sharex=True,
                             sharey=True, layout="constrained")
    for row, (title, which, f) in enumerate(rows):
        s = r.edges(which)[0 if axis == "x" else 1]
        z = r.z_edges(which)
        images = []
        for ax, values, cmap, low, high in ((axes[row, 0], f["along"], ALONG_MAP, -span, span),
                                            (axes[row, 1], f["T"] - KELVIN, HEAT_MAP, *heat)):
            images.append(ax.pcolormesh(s, z, np.where(f["air"], values, np.nan), cmap=cmap, vmin=low, vmax=high,
                                        rasterized=True))
            buildings(ax, s, z, f["air"])
            ax.set_ylim(0, top)
            ax.plot([s_hr[first], s_hr[last]], [0, 0], color=BLOCKED, lw=4, clip_on=False, zorder=8,
                    solid_capstyle="butt")
            ax.set_title(title, loc="left")
        key = section_arrows(axes[row, 0], s, z, f, top, span)
        if row == 0:
            axes[0, 0].quiverkey(key, 0.9, 1.09, max(1, round(span)), f"{max(1, round(span))} m s$^{{-1}}$", labelpos="W",
                                 fontproperties={"size": 8})
        axes[row, 0].set_ylabel("z [m]")
    for column, label in enumerate((f"wind along {axis} [m s$^{{-1}}$]", "air temperature [°C]")):
        axes[-1, column].set_xlabel(f"{axis} [m]")
        fig.colorbar(images[column], ax=axes[:, column].tolist(), label=label, extend="both", shrink=0.9, pad=0.01)
    other = "y" if axis == "x" else "x"
    fig.suptitle(f"Section along the longest street: {other} = {place:g} m, {axis} = {s_hr[first]:g} to {s_hr[last]:g} m "
                 f"(marked at the ground), minute to {r.stamp(t)}", fontsize=11, x=0.02, ha="left")
    fig.savefig(path)
    plt.close(fig)
    return f"section at {other} = {place:g} m, street from {axis} = {s_hr[first]:g} to {s_hr[last]:g} m"


def section_arrows(ax, s, z, f, top, span):
    sc, zc = 0.5 * (s[1:] + s[:-1]), 0.5 * (z[1:] + z[:-1])
    zc = zc[zc < top]
    ds, dz = max(1, len(sc) // 36), max(1, len(zc) // 9)
    at = (slice(dz // 2, len(zc), dz), slice(ds // 2, None, ds))
    along, up = np.where(f["air"], f["along"], np.nan)[at], np.where(f["air"], f["w"], np.nan)[at]
    return ax.quiver(sc[at[1]], zc[dz // 2::dz], along, up, color="black", alpha=0.75, width=0.0016, headwidth=4,
                     scale=18 * max(span, 0.5), zorder=5)


def ddof(r):
    """Of variances over members; antithetic pairs lie about a centre: their mean has no sampling error."""
    return 0 if r.hr.attrs.get("sr_antithetic", 0) else 1


def spread(r, t, path):
    f = r.wind("hr", t, 2.5)
    if f["T"].shape[0] < 2:
        return False
    blocked = r.blocked(r.level("hr", 2.5))
    x, y = r.edges("hr")
    wind = np.sqrt(sum(f[c].var(axis=0, ddof=ddof(r)) for c in ("u", "v", "w")))
    heat = f["T"].std(axis=0, ddof=ddof(r))
    fig, axes = plt.subplots(1, 3, figsize=(15.5, 5.2), layout="constrained", width_ratios=[1, 1, 0.62])
    for ax, values, label in ((axes[0], wind, "spread of the wind vector [m s$^{-1}$]"),
                              (axes[1], heat, "spread of air temperature [K]")):
        image = ax.pcolormesh(x, y, np.where(f["air"], values, np.nan), cmap=SPREAD_MAP, rasterized=True,
                              vmin=0, vmax=limits([values], zero=True)[1])
        buildings(ax, x, y, f["air"])
        outline_blocked(ax, x, y, blocked)
        map_axes(ax, x, y, ax is axes[0])
        scale_bar(ax, x, y)
        fig.colorbar(image, ax=ax, label=label, extend="max", shrink=0.85, pad=0.01)
    spread_profile(r, t, axes[2])
    fig.suptitle(f"Where the {f['T'].shape[0]} members differ, at {f['z']:g} m, minute to {r.stamp(t)}", fontsize=12,
                 x=0.02, ha="left")
    legend(fig, blocked)
    fig.savefig(path)
    plt.close(fig)
    return True


def spread_profile(r, t, ax):
    z = r.hr["z"].values
    seen, unseen = [], []
    for k in range(len(z)):
        f = {c: r.hr[c].isel(time=t, z=k).values for c in ("u", "v", "w")}
        variance = sum(a.var(axis=0, ddof=ddof(r)) for a in f.values())
        air, blocked = r.air("hr", k), r.blocked(k)
        known = air if blocked is None else air & ~blocked
        seen.append(np.sqrt(variance[known].mean()) if known.any() else np.nan)
        unseen.append(np.sqrt(variance[blocked].mean()) if blocked is not None and blocked.any() else np.nan)
    ax.plot(seen, z, color="#1b4f8a", label="seen by the 20 m grid")
    if np.isfinite(unseen).any():
        ax.plot(unseen, z, color=BLOCKED, label="filled in")
    ax.set_xlabel("spread of the wind vector [m s$^{-1}$]")
    ax.set_ylabel("z [m]")
    ax.set_xlim(left=0)
    ax.set_ylim(0, z[-1])
    ax.legend(frameon=False)


def inpainted(r, t, path):
    k = r.level("hr", 2.5)
    blocked = r.blocked(k)
    if blocked is None or not blocked.any():
        return False
    f = r.wind("hr", t, 2.5)
    x, y = r.edges("hr")
    xc, yc = r.centres("hr")
    fig, ax = plt.subplots(figsize=(8.6, 7.6), layout="constrained")
    mean = f["speed"].mean(axis=0)
    ax.pcolormesh(x, y, np.where(f["air"], 1.0, np.nan), cmap=ListedColormap(["#f1f1ef"]), rasterized=True)
    image = ax.pcolormesh(x, y, np.where(blocked, mean, np.nan), cmap=SPEED_MAP, vmin=0,
                          vmax=limits([mean[blocked]], zero=True)[1], rasterized=True)
    buildings(ax, x, y, f["air"])
    outline_blocked(ax, x, y, blocked, 0.9)
    spacing = max(10.0, 5 * round((x[-1] - x[0]) / 48 / 5))
    arrows(ax, xc, yc, f["u"].mean(axis=0), f["v"].mean(axis=0), blocked, spacing, np.percentile(mean[blocked], 90))
    map_axes(ax, x, y, True)
    scale_bar(ax, x, y)
    fig.colorbar(image, ax=ax, label="wind speed, ensemble mean [m s$^{-1}$]", extend="max", shrink=0.85, pad=0.01)
    share = 100 * blocked.sum() / f["air"].sum()
    ax.set_title(f"Streets closed on the 20 m grid and filled in by the bridge: {share:.0f} % of the air cells at "
                 f"{f['z']:g} m", loc="left")
    fig.savefig(path)
    plt.close(fig)
    return True


def turbulence(r, t, path):
    les = r.summary.get("les", {})
    tke, z = les.get("resolved_tke_m2_per_s2"), les.get("z_m")
    if r.lr is None:
        return False
    fig, axes = plt.subplots(1, 2 if tke else 1, figsize=(8.6 if tke else 4.6, 4.6), squeeze=False,
                             layout="constrained", sharey=True)
    d = r.lr.isel(time=t)
    air = d["fluid_mask"].values == 1
    zl = d["z"].values
    for name, colour in (("u", "#1b4f8a"), ("v", "#d9822b"), ("w", "#4a8a3b")):
        axes[0, 0].plot([np.nanmean(np.where(a, v, np.nan)) if a.any() else np.nan
                         for v, a in zip(d[name].values, air)], zl, color=colour, label=name, marker="o", ms=3)
    axes[0, 0].axvline(0, color="0.7", lw=0.6)
    axes[0, 0].set_xlabel("mean wind over air cells [m s$^{-1}$]")
    axes[0, 0].set_ylabel("z [m]")
    axes[0, 0].set_ylim(0, None)
    axes[0, 0].legend(frameon=False)
    if tke:
        z = z or list(zl[:len(tke)])
        axes[0, 1].plot(tke, z, color="#7a1f5c", marker="o", ms=3)
        axes[0, 1].set_xlim(left=0)
        axes[0, 1].set_xlabel("resolved turbulence ½(u'u' + v'v' + w'w') [m² s$^{-2}$]")
    fig.suptitle(f"20 m LES, minute to {r.stamp(t)}", fontsize=11, x=0.02, ha="left")
    fig.savefig(path)
    plt.close(fig)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out_dir")
    parser.add_argument("--minute", type=int, help="index of the output minute (default: the last one)")
    parser.add_argument("--member", type=int, default=0)
    parser.add_argument("--truth", help="a 5 m simulation of the same window, shown beside the forecast")
    a = parser.parse_args()
    r = Result(a.out_dir, a.truth)
    t = r.minute() if a.minute is None else a.minute
    if a.truth and (r.hr is None or r.truth_minute(t) is None):
        raise SystemExit(f"{a.truth}: does not have the minute to {r.stamp(t)}")
    folder = os.path.join(a.out_dir, "figures")
    os.makedirs(folder, exist_ok=True)

    def path(name):
        return os.path.join(folder, name)

    written = []
    for z in (2.5, 7.5):
        plan(r, t, z, a.member, path(f"plan_{z:g}m.png"))
        written.append(f"plan_{z:g}m.png")
    if r.hr is not None:
        print(section(r, t, a.member, path("section.png")))
        written.append("section.png")
        written += [n for n, f in (("spread.png", spread), ("inpainted.png", inpainted)) if f(r, t, path(n))]
    if turbulence(r, t, path("turbulence.png")):
        written.append("turbulence.png")
    print(f"figures in {folder}: " + ", ".join(written))


if __name__ == "__main__":
    main()
