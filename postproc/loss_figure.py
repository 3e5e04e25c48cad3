#!/usr/bin/python3
"""Figure of a training run: loss of training and validation, and the learning rate, by step.

    loss_figure.py loss.csv [loss.png]

loss.csv is what `windbridge train` writes: step, loss, loss_mean, validation, validation_mean (empty where not computed),
learning_rate, grad_norm, samples_per_s. Without a second name the figure lies beside it.
"""
import argparse
import csv
import os
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

plt.rcParams.update({"font.size": 9, "figure.dpi": 130, "savefig.bbox": "tight", "axes.spines.top": False,
                     "axes.spines.right": False})


def read(source):
    """Columns by name; NaN where a row has no number. Exits with a message where there is nothing to draw."""
    with open(source, encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    if not rows or "step" not in rows[0] or "loss" not in rows[0]:
        sys.exit(f"{source}: no rows with step and loss")
    return {name: np.array([float(r[name]) if r.get(name) else np.nan for r in rows]) for name in rows[0] if name}


def draw_loss(ax, columns):
    step, loss = columns["step"], columns["loss"]
    ax.semilogy(step, loss, color="#9db4cf", lw=0.8, label="training")
    window = max(1, len(loss) // 60)
    if window > 1:
        smooth = np.convolve(loss, np.ones(window) / window, mode="valid")
        ax.semilogy(step[window // 2:window // 2 + smooth.size], smooth, color="#1b4f8a", lw=1.6,
                    label=f"training, mean of {window} steps")
    for name, label, style in (("validation", "validation (EMA weights)", "-"),
                               ("validation_mean", "validation, mean networks", "--")):
        known = np.isfinite(columns.get(name, np.full(step.shape, np.nan)))
        if known.any():
            ax.semilogy(step[known], columns[name][known], style, color="#c9822b", marker="o", ms=3, lw=1.2,
                        label=label)
    ax.set_ylabel("loss")
    ax.legend(frameon=False)


def figure(source, path):
    columns = read(source)
    fig, (top, below) = plt.subplots(2, 1, figsize=(7.2, 5.4), layout="constrained", sharex=True,
                                     height_ratios=[3, 1])
    draw_loss(top, columns)
    if "learning_rate" in columns:
        below.plot(columns["step"], 1e3 * columns["learning_rate"], color="#2f8f4e", lw=1.2)
    below.set_ylim(bottom=0)
    below.set_ylabel("learning rate [10$^{-3}$]")
    below.set_xlabel("step")
    fig.savefig(path)
    plt.close(fig)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("loss", help="loss.csv of a training run")
    parser.add_argument("figure", nargs="?", help="PNG to write")
    a = parser.parse_args()
    path = a.figure or os.path.splitext(a.loss)[0] + ".png"
    figure(a.loss, path)
    print(f"written: {path}")


if __name__ == "__main__":
    main()
