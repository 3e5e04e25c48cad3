#!/usr/bin/env python3
"""Cost model of the distributed network: what a rank sends in one evaluation and in one condition, and how long that takes
at many ranks.

    python3 postproc/halo_cost.py --nx 5120 --ranks 64 1024 16384

doc/performance.rst explains the formulas; tests/golden/net/halo.py compares the counts with those of the program.
"""
import argparse
import json
import math

LEVELS = 32
DEFAULT = {"in_dynamic": 4, "in_static": 9, "out": 4, "width1": 32, "width2": 64, "blocks1": 1, "blocks2": 2, "cond_width1": 32,
           "cond_width2": 64, "cond_blocks1": 1, "cond_blocks2": 4, "cond_nets": 4}


def exchanges(config):
    """One evaluation's halo exchanges: [(cells of 5 m per cell of the level, channels, how many)]."""
    b1, b2 = config["blocks1"], config["blocks2"]
    return [(2, 8 * config["in_dynamic"], 1), (2, config["width1"], 4 * b1 + 1), (4, config["width2"], 2 * b2)]


def condition_exchanges(config):
    """The same of one condition: every mean network's stem, blocks and head; the guide's stem."""
    v1, b1, b2, nets = (config["cond_" + name] for name in ("width1", "blocks1", "blocks2", "nets"))
    return [(2, v1, nets * (4 * b1 + 2)), (4, config["cond_width2"], nets * 2 * b2), (2, config["width1"], 1)]


def unet_flops(w1, w2, blocks1, blocks2, out, cells):
    per1 = 27 * (out * w1 + 4 * blocks1 * w1 * w1) + out * w1
    return 2 * cells * (per1 / 8 + (27 * 2 * blocks2 * w2 * w2 + 16 * w1 * w2) / 64)


def flops(config, nx, ny, nz=LEVELS):
    """Operations of one evaluation's convolutions."""
    c, cells = config, nx * ny * nz
    stem = 2 * cells / 8 * 27 * 8 * c["in_dynamic"] * c["width1"]
    return stem + unet_flops(c["width1"], c["width2"], c["blocks1"], c["blocks2"], 8 * c["out"], cells)


def condition_flops(config, nx, ny, nz=LEVELS):
    """The same of one condition."""
    c, cells = config, nx * ny * nz
    mean, guide = (2 * cells / 8 * (8 * c["in_static"] * w + 27 * w * w) for w in (c["cond_width1"], c["width1"]))
    mean += unet_flops(c["cond_width1"], c["cond_width2"], c["cond_blocks1"], c["cond_blocks2"], 8 * c["out"], cells)
    return c["cond_nets"] * mean + guide


def sent(config, nx, ny, nz=LEVELS, element=4, passes=exchanges):
    """(exchanges, messages, bytes) that a rank with eight neighbours sends for its nx x ny columns of 5 m, in an evaluation or
    (passes=condition_exchanges) a condition."""
    total = [0, 0, 0]
    for ratio, channels, count in passes(config):
        ring = 2 * (nx // ratio) + 2 * (ny // ratio) + 4
        total[0] += count
        total[1] += 8 * count
        total[2] += count * (nz // ratio + 2) * ring * channels * element
    return tuple(total)


def seconds(work, n, messages, volume, rate, latency, bandwidth):
    """(arithmetic, communication). Eight messages fly together: each after the first costs a quarter of a latency, for the time
    to post it."""
    return work / rate, n * latency + (messages - n) * latency / 4 + volume / bandwidth


def architecture(path):
    import h5py

    with h5py.File(path, "r") as file:
        text = file.attrs["architecture"]
        return json.loads(text.decode() if isinstance(text, bytes) else text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a model file; without it the default network")
    parser.add_argument("--nx", type=int, default=5120, help="5 m cells in x and y of the whole domain")
    parser.add_argument("--ranks", type=int, nargs="+", default=[64, 1024, 16384], help="squares of whole numbers")
    parser.add_argument("--rate", type=float, default=200e9, help="convolutions of a rank [FLOP/s]")
    parser.add_argument("--latency", type=float, default=2e-6, help="of a message [s]")
    parser.add_argument("--bandwidth", type=float, default=1e9, help="of a rank's share of the network [B/s]")
    a = parser.parse_args()
    config = architecture(a.model) if a.model else DEFAULT
    print("           ranks  columns a rank  exchanges  messages      MB sent  surface/volume  arithmetic  communication  share")
    for ranks in a.ranks:
        side = a.nx // math.isqrt(ranks)
        for what, passes, operations in (("evaluation", exchanges, flops), ("condition", condition_exchanges, condition_flops)):
            n, messages, volume = sent(config, side, side, passes=passes)
            work, talk = seconds(operations(config, side, side), n, messages, volume, a.rate, a.latency, a.bandwidth)
            print(f"{what:10}{ranks:6d} {side:6d} x {side:<6d} {n:9d} {messages:10d} {volume / 1e6:12.3f} {4 / side:15.4f} "
                  f"{1e3 * work:8.2f} ms {1e3 * talk:11.3f} ms {talk / (work + talk):7.1%}")


if __name__ == "__main__":
    main()
