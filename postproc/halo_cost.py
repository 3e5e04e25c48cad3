#!/usr/bin/env python3
"""Cost model of the distributed network: what a rank sends in one evaluation, and how long that takes at many ranks.

    python3 postproc/halo_cost.py --model input/models/first_light.h5 --nx 5120 --ranks 64 1024 16384

doc/performance.rst explains the formulas; tests/golden/net/halo.py compares the counts with those of the program.
"""
import argparse
import json
import math

LEVELS = 32


def exchanges(config):
    """One evaluation's halo exchanges: [(cells of 5 m per cell of the level, channels, how many)]."""
    b1, b2 = config["blocks1"], config["blocks2"]
    return [(2, 8 * config["in_dynamic"], 1), (2, config["width1"], 4 * b1 + 1), (4, config["width2"], 2 * b2)]


def flops(config, nx, ny, nz=LEVELS):
    """Operations of one evaluation's convolutions."""
    w1, w2, out = config["width1"], config["width2"], 8 * config["out"]
    per1 = 27 * (8 * config["in_dynamic"] * w1 + out * w1 + 4 * config["blocks1"] * w1 * w1) + out * w1
    per2 = 27 * 2 * config["blocks2"] * w2 * w2 + 16 * w1 * w2
    return 2 * nx * ny * nz * (per1 / 8 + per2 / 64)


def sent(config, nx, ny, nz=LEVELS, element=4):
    """(exchanges, messages, bytes) that a rank with eight neighbours sends for its nx x ny columns of 5 m."""
    total = [0, 0, 0]
    for ratio, channels, count in exchanges(config):
        ring = 2 * (nx // ratio) + 2 * (ny // ratio) + 4
        total[0] += count
        total[1] += 8 * count
        total[2] += count * (nz // ratio + 2) * ring * channels * element
    return tuple(total)


def seconds(config, nx, ny, rate, latency, bandwidth):
    """(arithmetic, communication) of one evaluation. Eight messages fly together: each after the
    first costs a quarter of a latency, for the time to post it."""
    n, messages, volume = sent(config, nx, ny)
    return flops(config, nx, ny) / rate, n * latency + (messages - n) * latency / 4 + volume / bandwidth


def architecture(path):
    import h5py

    with h5py.File(path, "r") as file:
        text = file.attrs["architecture"]
        return json.loads(text.decode() if isinstance(text, bytes) else text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="input/models/first_light.h5")
    parser.add_argument("--nx", type=int, default=5120, help="5 m cells in x and y of the whole domain")
    parser.add_argument("--ranks", type=int, nargs="+", default=[64, 1024, 16384], help="squares of whole numbers")
    parser.add_argument("--rate", type=float, default=200e9, help="convolutions of a rank [FLOP/s]")
    parser.add_argument("--latency", type=float, default=2e-6, help="of a message [s]")
    parser.add_argument("--bandwidth", type=float, default=1e9, help="of a rank's share of the network [B/s]")
    a = parser.parse_args()
    config = architecture(a.model)
    print("ranks  columns a rank  exchanges  messages      MB sent  surface/volume  arithmetic  communication  share")
    for ranks in a.ranks:
        side = a.nx // math.isqrt(ranks)
        n, messages, volume = sent(config, side, side)
        work, talk = seconds(config, side, side, a.rate, a.latency, a.bandwidth)
        print(f"{ranks:6d} {side:6d} x {side:<6d} {n:9d} {messages:10d} {volume / 1e6:12.3f} {4 / side:15.4f} "
              f"{1e3 * work:8.2f} ms {1e3 * talk:11.3f} ms {talk / (work + talk):7.1%}")


if __name__ == "__main__":
    main()
