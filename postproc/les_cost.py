#!/usr/bin/env python3
"""Cost model of the distributed flow solver: what a rank sends in one time step, and how long a step takes at many ranks.

    python3 postproc/les_cost.py --nx 5120 --nz 64 --ranks 64 1024 16384

doc/performance.rst explains the formulas; tests/golden/les/cost.py compares the halo's counts with those of the program."""
import argparse
import json
import math

STAGES, TRANSPOSES, REAL, GHOST, FIELDS = 3, 6, 4, 2, 4


def halo(fields, nx, ny, nz, ghost=GHOST, real=REAL):
    """Bytes that a rank with neighbours on all sides sends in one exchange, corners included."""
    return fields * (nz + 2) * real * (2 * ghost * (nx + ny) + 4 * ghost**2)


def halos(nx, ny, nz, cyclic=True):
    """[(fields, exchanges a step)]: after a projection the state; with inflow also before and after the planes are set."""
    return [(FIELDS, STAGES)] if cyclic else [(FIELDS, 3 * STAGES)]


def squarest(ranks):
    px = next(p for p in range(math.isqrt(ranks), 0, -1) if ranks % p == 0)
    return ranks // px, px


def step(o, ranks):
    px, py = squarest(ranks)
    nx, ny, nz = o.nx / px, o.nx / py, o.nz
    cells = nx * ny * nz
    after, beta = o.latency_us * 1e-6 / 4, o.bandwidth * 1e9  # each further message; B/s
    alpha = o.latency_us * 1e-6

    def one_halo(bytes_sent):
        return alpha + 7 * after + bytes_sent / beta

    def solve(part):  # two transposes each among px, py, px ranks; a part of the levels
        seconds = bytes_sent = 0.0
        for p in (px, py, px, px, py, px):
            b = part * cells * REAL * (1 - 1 / p)
            seconds += (alpha + (p - 2) * after + b / beta) if p > 1 else 0
            bytes_sent += b
        return seconds, bytes_sent

    exchanges = [(f, n, halo(f, nx, ny, nz)) for f, n in halos(nx, ny, nz)]
    halo_bytes = sum(n * b for _, n, b in exchanges)
    halo_s = sum(n * one_halo(b) for _, n, b in exchanges)
    planes = 2 * (nx + ny) * nz * REAL
    solves = STAGES + (1 if o.iterations else 0)
    low = o.levels / o.nz
    full_s, full_bytes = solve(1)
    cg_s, cg_bytes = solve(low)
    sums = alpha * max(1, math.log2(ranks))
    result = {"ranks": ranks, "columns": (round(nx), round(ny)), "arithmetic_ms": 1e3 * cells * o.ns * 1e-9,
              "halo_mb": halo_bytes / 1e6, "halo_ms": 1e3 * halo_s,
              "solve_mb": solves * (full_bytes + planes) / 1e6, "solve_ms": 1e3 * solves * (full_s + 4 * alpha + planes / beta),
              "cg_mb": o.iterations * (cg_bytes + low * planes) / 1e6,
              "cg_ms": 1e3 * o.iterations * (cg_s + 4 * alpha + low * planes / beta + 2 * sums),
              "sums_ms": 1e3 * (4 * STAGES + 2) * sums}
    communication = sum(result[k] for k in ("halo_ms", "solve_ms", "cg_ms", "sums_ms"))
    result["share"] = communication / (communication + result["arithmetic_ms"])
    return result


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--nx", type=int, default=5120, help="cells in x and y")
    p.add_argument("--nz", type=int, default=64)
    p.add_argument("--levels", type=int, default=36, help="up to the highest roof")
    p.add_argument("--iterations", type=float, default=16, help="of the conjugate gradients in a step; 0: flat ground")
    p.add_argument("--ns", type=float, default=163, help="of one core per cell and step, without communication")
    p.add_argument("--latency-us", type=float, default=2)
    p.add_argument("--bandwidth", type=float, default=1, help="of a rank [GB/s]")
    p.add_argument("--ranks", type=int, nargs="+", default=[64, 1024, 16384])
    o = p.parse_args()
    print(json.dumps([step(o, r) for r in o.ranks], indent=1))


if __name__ == "__main__":
    main()
