#!/usr/bin/python3
"""Figures of an evaluation and of a training run.

    scores_figure.py SCORES.json [--loss loss.csv] [--out FOLDER]

Writes FOLDER/scores.png (RMSE and CRPS by variable, cells and method, reductions with 95 % intervals), spectra.png and,
with --loss, loss.png. FOLDER: where SCORES.json lies.

SCORES.json is what `windbridge evaluate` writes:
    {"members", "minutes",
     "pooled":         {subset: {variable: {method: {"n", "rmse", "mae", "bias", "crps", "spread_skill"}}}},
     "rmse_reduction": {baseline: {subset: {variable: {"rmse_reduction", "low95", "high95"}}}},
     "mean_abs_divergence_per_s": {field: value},
     "cases":          [{"label", "scores": as pooled}],
     "spectra":        {"wavelength_m": [...], "levels": [{"z_m", variable: {"truth", "member", "interpolation": [...]}}]}}
subset: all, below_roof, blocked; variable: T, u, v, w; method: bridge, interpolation, regression.
loss.csv: as loss_figure.py takes it.
"""
import argparse
import json
import os

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import loss_figure

VARIABLES = ("T", "u", "v", "w")
UNITS = {"T": "K", "u": "m s$^{-1}$", "v": "m s$^{-1}$", "w": "m s$^{-1}$"}
SUBSETS = {"all": "all air cells", "below_roof": "below roofs", "blocked": "streets closed at 20 m"}
METHODS = {"bridge": ("#1b4f8a", "bridge, ensemble mean"), "interpolation": ("#b9bcc2", "interpolation"),
           "regression": ("#e0a458", "regression")}
plt.rcParams.update({"font.size": 9, "axes.titlesize": 10, "figure.dpi": 130, "savefig.bbox": "tight",
                     "axes.spines.top": False, "axes.spines.right": False})


def number(value):
    return np.nan if value is None else float(value)


def bars(ax, pooled, variable, key):
    methods = [m for m in METHODS if any(m in pooled.get(s, {}).get(variable, {}) for s in SUBSETS)]
    width = 0.8 / max(1, len(methods))
    for i, m in enumerate(methods):
        values = [number(pooled.get(s, {}).get(variable, {}).get(m, {}).get(key)) for s in SUBSETS]
        ax.bar(np.arange(len(SUBSETS)) + (i - (len(methods) - 1) / 2) * width, values, width * 0.94,
               color=METHODS[m][0], label=METHODS[m][1])
    ax.set_xticks(range(len(SUBSETS)), ["all", "below\nroofs", "closed\nat 20 m"])
    ax.set_title(f"{variable}", loc="left", fontweight="bold")
    ax.set_ylabel(f"{key.upper()} [{UNITS[variable]}]")


def spread_skill(pooled):
    parts = []
    for variable in VARIABLES:
        v = pooled.get("all", {}).get(variable, {}).get("bridge", {}).get("spread_skill")
        if v is not None:
            parts.append(f"{variable} {v:.2f}")
    return "spread / skill over all air cells: " + ", ".join(parts) if parts else ""


def reductions(ax, table):
    """Reduction of RMSE against each baseline with its 95 % interval."""
    labels, row = [], 0
    colours = {"interpolation": "#55585e", "regression": "#c9822b"}
    for subset, title in SUBSETS.items():
        for variable in VARIABLES:
            for baseline, shift in (("interpolation", -0.13), ("regression", 0.13)):
                r = table.get(baseline, {}).get(subset, {}).get(variable)
                if r is None or r.get("rmse_reduction") is None:
                    continue
                low, high = number(r["low95"]), number(r["high95"])
                ax.plot([100 * low, 100 * high], [row + shift] * 2, color=colours[baseline], lw=1.4)
                ax.plot(100 * r["rmse_reduction"], row + shift, "o", color=colours[baseline], ms=4,
                        label=f"against {baseline}" if row == 0 else None)
            labels.append(f"{title}: {variable}" if variable == "T" else variable)
            row += 1
    ax.set_yticks(range(row), labels)
    ax.invert_yaxis()
    ax.axvline(0, color="black", lw=0.7)
    ax.axvline(20, color="#2f8f4e", lw=0.8, ls="--")
    ax.set_xlabel("reduction of RMSE [%], 95 % interval (dashed: 20 %)")
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=2)


def scores_figure(scores, path):
    pooled = scores["pooled"]
    fig = plt.figure(figsize=(14, 7.6), layout="constrained")
    grid = fig.add_gridspec(2, 6, width_ratios=[1, 1, 1, 1, 0.1, 1.9])
    for c, variable in enumerate(VARIABLES):
        for r, key in enumerate(("rmse", "crps")):
            bars(fig.add_subplot(grid[r, c]), pooled, variable, key)
    reductions(fig.add_subplot(grid[:, 5]), scores.get("rmse_reduction", {}))
    handles, names = fig.axes[0].get_legend_handles_labels()
    fig.legend(handles, names, loc="lower left", ncol=3, frameon=False, bbox_to_anchor=(0.02, -0.05))
    fig.suptitle(f"{len(scores.get('cases', []))} cases, {scores.get('minutes', '?')} minutes, "
                 f"{scores.get('members', '?')} members; {spread_skill(pooled)}", x=0.02, ha="left", fontsize=11)
    fig.savefig(path)
    plt.close(fig)


def spectra_figure(spectra, path):
    styles = {"truth": ("black", 1.8, "5 m LES"), "member": ("#1b4f8a", 1.2, "member"),
              "interpolation": ("#b0703a", 1.2, "interpolation")}
    levels = spectra["levels"]
    wave = np.array(spectra["wavelength_m"], dtype=float)
    fig, axes = plt.subplots(len(levels), len(VARIABLES), figsize=(13, 2.7 * len(levels) + 0.6), squeeze=False,
                             layout="constrained", sharex=True)
    for row, level in zip(axes, levels):
        for ax, variable in zip(row, VARIABLES):
            for kind, (colour, width, label) in styles.items():
                values = np.array([number(v) for v in level.get(variable, {}).get(kind, [])])
                if values.size:
                    n = min(values.size, wave.size)
                    ax.loglog(wave[:n], np.where(values[:n] > 0, values[:n], np.nan), color=colour, lw=width,
                              label=label)
            ax.axvline(40, color="0.75", lw=0.8, zorder=0)  # two 20 m cells: what the LES can hold
            ax.set_title(f"{variable}, {number(level.get('z_m')):g} m", loc="left")
        row[0].set_ylabel("energy")
    axes[0, 0].set_xlim(wave.max() * 1.1, wave.min() * 0.9)  # long waves left; the x axes are shared
    ticks = [t for t in (10, 20, 50, 100, 200, 500, 1000, 2000) if wave.min() * 0.9 <= t <= wave.max() * 1.1]
    for ax in axes[-1]:
        ax.set_xlabel("wavelength [m]")
        ax.set_xticks(ticks, [str(t) for t in ticks])
        ax.minorticks_off()
    axes[0, 0].legend(frameon=False)
    fig.savefig(path)
    plt.close(fig)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scores", nargs="?", help="scores.json")
    parser.add_argument("--loss", help="loss.csv of a training run")
    parser.add_argument("--out", help="folder for the figures")
    a = parser.parse_args()
    if not a.scores and not a.loss:
        parser.error("nothing to draw: give SCORES.json, --loss loss.csv or both")
    out = a.out or os.path.dirname(a.scores or a.loss) or "."
    os.makedirs(out, exist_ok=True)
    written = []
    if a.scores:
        with open(a.scores, encoding="utf-8") as f:
            scores = json.load(f)
        scores_figure(scores, os.path.join(out, "scores.png"))
        written.append("scores.png")
        if scores.get("spectra", {}).get("levels"):
            spectra_figure(scores["spectra"], os.path.join(out, "spectra.png"))
            written.append("spectra.png")
    if a.loss:
        loss_figure.figure(a.loss, os.path.join(out, "loss.png"))
        written.append("loss.png")
    print(f"figures in {out}: " + ", ".join(written))


if __name__ == "__main__":
    main()
