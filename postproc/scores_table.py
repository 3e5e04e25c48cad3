#!/usr/bin/env python3
"""Scores of `windbridge evaluate` as a reStructuredText table for the documents.

    python3 postproc/scores_table.py scores.json > doc/scores_table.txt
"""
import json
import sys

CELLS = {"all": "all air cells", "below_roof": "below roofs", "blocked": "streets closed at 20 m"}
UNITS = {"T": "K", "u": "m/s", "v": "m/s", "w": "m/s"}


def main(path):
    with open(path) as f:
        s = json.load(f)
    print(f".. csv-table:: RMSE of the mean of {s['members']} members over {s['minutes']} test minutes of "
          f"{len(s['cases'])} runs; in brackets the 95 % bootstrap interval over runs")
    print('   :header: "cells", "", "bridge", "interpolation", "regression", "less than interpolation", '
          '"less than regression", "CRPS", "spread/skill"\n')
    for subset, name in CELLS.items():
        for v, unit in UNITS.items():
            row = s["pooled"][subset][v]
            cells = [name, f"{v} [{unit}]"]
            for method in ("bridge", "interpolation", "regression"):
                cells.append(f"{row[method]['rmse']:.3f}" if method in row else "-")
            for baseline in ("interpolation", "regression"):
                r = s["rmse_reduction"].get(baseline, {}).get(subset, {}).get(v)
                cells.append(f"{100 * r['rmse_reduction']:.0f} % [{100 * r['low95']:.0f}, {100 * r['high95']:.0f}]" if r else "-")
            cells.append(f"{row['bridge']['crps']:.3f}")
            cells.append(f"{row['bridge'].get('spread_skill', float('nan')):.2f}")
            print("   " + ", ".join(f'"{c}"' for c in cells))
    print("\nRuns: " + "; ".join(c["label"] for c in s["cases"]) + ".")
    d = s["mean_abs_divergence_per_s"]
    print("\nMean absolute divergence of the cell-centred winds [1/s]: " + ", ".join(f"{k} {v:.4f}" for k, v in d.items()) + ".")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
