"""postproc/windbridge_train.py's coloured noise has the covariance that src/bridge/noise_field.c states: unit variance in
every cell, correlations of the splines' own matrices (made here by zero-stuffing and convolution). Bound: 5 standard
deviations of a sample moment, on 40 checks: a false alarm in 4e4 seeds; the seed is fixed."""
from _torch import check  # first: it finds the modules below
import numpy as np
import torch
import windbridge_train as wt

SAMPLES, SIZE = 4000, (9, 18, 20)


def matrix(level, n):
    """(n, m): what the cells of the grid of `level` (from -4 on) give to n fine ones, in one direction."""
    columns = []
    for q in range(-4, n + 4):
        f, first = np.array([1.0]), q
        for _ in range(level):
            stuffed = np.zeros(2 * len(f) - 1)
            stuffed[::2] = f
            f, first = np.convolve(stuffed, [0.25, 0.75, 0.75, 0.25]), 2 * first - 1
        column = np.zeros(n)
        for i, value in enumerate(f):
            if 0 <= first + i < n:
                column[first + i] = value
        columns.append(column)
    return np.array(columns).T


def covariance(a, b):
    total = 0.0
    for level, share in enumerate(wt.NOISE):
        w = matrix(level, 32)
        along = w @ w.T
        total += share / np.diag(along)[:16].mean() ** 3 * np.prod([along[i, j] for i, j in zip(a, b)])
    return total


def main():
    torch.manual_seed(5)
    z = wt.coloured_noise((SAMPLES, 2, *SIZE), wt.NOISE).numpy()
    pairs = [((0, 0, 0),) * 2, ((8, 17, 19),) * 2, ((3, 3, 3), (3, 3, 4)), ((3, 3, 3), (3, 5, 3)), ((1, 9, 9), (5, 9, 9)),
             ((4, 15, 15), (4, 15, 16)), ((2, 2, 2), (4, 6, 7)), ((0, 0, 0), (8, 16, 16))]
    for a, b in pairs:
        want = covariance(a, b) / np.sqrt(covariance(a, a) * covariance(b, b))
        for c in (0, 1):
            got = float((z[:, c, a[0], a[1], a[2]] * z[:, c, b[0], b[1], b[2]]).mean())
            bound = 5 * np.sqrt((1 + want * want) / SAMPLES)
            check(abs(got - want) <= bound, f"cells {a}, {b}: correlation {got:.4f}, expected {want:.4f} within {bound:.4f}")
    cross = float((z[:, 0, 4, 9, 9] * z[:, 1, 4, 9, 9]).mean())
    check(abs(cross) <= 5 / np.sqrt(SAMPLES), f"channels correlated by {cross:.4f}")
    print("ok")


if __name__ == "__main__":
    main()
