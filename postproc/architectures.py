"""Candidates for the mean network, trained alike on the same pairs and compared by validation loss, work and time.

    windbridge train -data_files ... -train_export_file set.nc
    for name in default one_level ...; do python3 architectures.py train set.nc OUT --candidate NAME; done
    python3 architectures.py table OUT [--figure FILE.png]

`train` writes OUT/NAME_SEED.json: multiply-adds a cell of 5 m, seconds of a forward pass, and every --every steps the loss (mean square error over
fluid cells and variables, that of interpolation 1, of the weights' moving average) on one minute of each validation run.
The learning rate is constant after the warm-up, so a curve can be read at any step or time.
"""
import argparse
import glob
import json
import os
import time

import torch
from torch import nn
from torch.nn import functional as F

import windbridge_torch as wt
import windbridge_train as training

LR_VALID, WALL, HEIGHT = 5, 6, 7  # channels of the static inputs (windbridge_train.TrainingSet.samples)


class WithoutGeometry(wt.MeanNet):
    """Without distance to the wall and height above ground."""

    def forward(self, stat, mask):
        keep = torch.ones(stat.shape[1]).index_fill_(0, torch.tensor([WALL, HEIGHT]), 0.0)
        return super().forward(stat * wt.per_channel(keep, stat), mask)


class Gated(wt.MeanNet):
    """Gated convolution (Yu et al. 2019, eq. 3) behind the stem and in every block: a sigmoid of a 1^3 convolution of
    the same input scales the features."""

    class Block(wt.Block):
        def __init__(self, channels, embed):
            super().__init__(channels, embed)
            self.gate = nn.Conv3d(channels, channels, 1)

        def forward(self, x, embedding):
            y = self.conv1(F.silu(self.norm1(x))) * 2 * torch.sigmoid(self.gate(x))
            return x + self.conv2(F.silu(self.norm2(y)))

    def __init__(self, c):
        super().__init__(c)
        widths = [c["cond_width1"]] * c["cond_blocks1"] + [c["cond_width2"]] * c["cond_blocks2"]
        self.blocks = nn.ModuleList(self.Block(w, 0) for w in widths + [c["cond_width1"]] * c["cond_blocks1"])
        self.stem_gate = nn.Conv3d(c["cond_width1"], c["cond_width1"], 1)

    def forward(self, stat, mask):
        h = F.silu(self.stem1(wt.space_to_depth(stat * mask)))
        h = self.stem2(h) * 2 * torch.sigmoid(self.stem_gate(h))
        return wt.UNet.forward(self, h) * mask


class Partial(wt.MeanNet):
    """Partial convolution (Liu et al. 2018, eq. 1) in the stem: x0 of streets that 20 m cells block is not looked at,
    and the stem's sum is scaled up by the share of the neighbourhood that has values."""

    def forward(self, stat, mask):
        valid = stat[:, LR_VALID:LR_VALID + 1] * mask
        inputs = torch.cat([stat[:, :4] * valid, stat[:, 4:]], 1)
        known = F.avg_pool3d(valid, 2)
        h = F.silu(self.stem1(wt.space_to_depth(inputs * mask))) * known
        share = F.avg_pool3d(known, 3, stride=1, padding=1)
        bias = wt.per_channel(self.stem2.bias, h)
        h = (self.stem2(h) - bias) / share.clamp(min=0.1) + bias
        return wt.UNet.forward(self, h) * mask


class FullResolution(nn.Module):
    """No space-to-depth stem: convolutions of few channels at 5 m, then the same blocks at 20 m."""

    def __init__(self, c):
        super().__init__()
        v, w = c["cond_width1"], c["cond_width2"]
        self.stem1 = nn.Conv3d(c["in_static"], v, 1)
        self.stem2 = nn.Conv3d(v, v, 3, padding=1)
        self.down = nn.Conv3d(64 * v, w, 1)
        blocks1, blocks2 = c["cond_blocks1"], c["cond_blocks2"]
        self.before = nn.ModuleList(wt.Block(v, 0) for _ in range(blocks1))
        self.coarse = nn.ModuleList(wt.Block(w, 0) for _ in range(blocks2))
        self.after = nn.ModuleList(wt.Block(v, 0) for _ in range(blocks1))
        self.up = nn.Conv3d(w, 64 * v, 1)
        self.out_norm = wt.ChannelRMSNorm(v)
        self.head = nn.Conv3d(v, c["out"], 3, padding=1)
        self.head_skip = nn.Conv3d(v, c["out"], 1, bias=False)

    def forward(self, stat, mask):
        h = self.stem2(F.silu(self.stem1(stat * mask)))
        for block in self.before:
            h = block(h, None)
        g = self.down(wt.space_to_depth(wt.space_to_depth(h)))
        for block in self.coarse:
            g = block(g, None)
        h = h + wt.depth_to_space(wt.depth_to_space(self.up(g)))
        for block in self.after:
            h = block(h, None)
        return (self.head(F.silu(self.out_norm(h))) + self.head_skip(h)) * mask


class OneLevel(wt.MeanNet):
    """Blocks at 10 m only."""

    def __init__(self, c):
        super().__init__({**c, "cond_blocks2": 0})
        del self.down, self.up

    def forward(self, stat, mask):
        h = self.stem2(F.silu(self.stem1(wt.space_to_depth(stat * mask))))
        for block in self.blocks:
            h = block(h, None)
        return wt.depth_to_space(self.head(F.silu(self.out_norm(h))) + self.head_skip(h)) * mask


CANDIDATES = {
    "default": (wt.MeanNet, {}),
    "no_blocks_at_20_m": (OneLevel, {"cond_blocks1": 2}),
    "full_resolution_stem": (FullResolution, {"cond_width1": 12}),
    "no_wall_no_height": (WithoutGeometry, {}),
    "gated": (Gated, {}),
    "partial": (Partial, {}),
    "wide": (wt.MeanNet, {"cond_width1": 48, "cond_width2": 96}),
    "narrow": (wt.MeanNet, {"cond_width1": 16, "cond_width2": 64}),
    "deep": (wt.MeanNet, {"cond_blocks2": 8}),
    "shallow": (wt.MeanNet, {"cond_blocks2": 2}),
}


def build(name, seed):
    kind, changes = CANDIDATES[name]
    net = kind({**wt.DEFAULT, **changes})
    training.initialise(net, seed)
    return net


def multiply_adds(net):
    """Of the convolutions, a cell of 5 m."""
    total, cells = 0, 32 * 32 * 32

    def count(layer, _, out):
        nonlocal total
        total += layer.weight[0].numel() * out.numel()

    hooks = [m.register_forward_hook(count) for m in net.modules() if isinstance(m, nn.Conv3d)]
    with torch.no_grad():
        net(torch.zeros(1, 9, 32, 32, 32), torch.ones(1, 1, 32, 32, 32))
    for hook in hooks:
        hook.remove()
    return total / cells


@torch.no_grad()
def validation(net, data, minutes):
    """Per variable (4) and the mean: square error over that of interpolation; then the same in cells closed at 20 m."""
    sums = torch.zeros(2, 2, 4, dtype=torch.float64)
    for x0, x1, stat, mask in map(data.whole, minutes):
        d, mean = x1 - x0, net(stat, mask)
        for a, cells in enumerate((mask, mask * (1 - stat[:, LR_VALID:LR_VALID + 1]))):
            for b, e in enumerate((d - mean, d)):
                sums[a, b] += (e * e * cells).sum((0, 2, 3, 4)).double()
    return (sums[:, 0] / sums[:, 1]).tolist()


def seconds_forward(net, repeats=3):
    """Least time of a forward pass of 96 x 96 x 32 cells on one thread."""
    stat, mask, best = torch.randn(1, 9, 32, 96, 96), torch.ones(1, 1, 32, 96, 96), float("inf")
    with torch.inference_mode():
        for _ in range(repeats):
            begin = time.perf_counter()
            net(stat, mask)
            best = min(best, time.perf_counter() - begin)
    return best


def train(o):
    path = os.path.join(o.out, f"{o.candidate}_{o.seed}.json")
    if os.path.exists(path):
        return
    torch.manual_seed(o.seed)
    torch.set_num_threads(1)
    net, data = build(o.candidate, o.seed), training.TrainingSet(o.set, "cpu")
    minutes = [data.minutes([r])[0] for r in data.of_split("validation")]
    pick = training.Picker(data, data.minutes(data.of_split("train")), o.crop, o.seed)
    rule = argparse.Namespace(steps=10 ** 12, seconds=1e12, learning_rate=o.learning_rate, weight_decay=0.1,
                              warmup_steps=30, ema_decay=o.ema_decay)
    opt, busy, curve = training.Optimiser(net.parameters(), rule), 0.0, []
    averaged = build(o.candidate, o.seed)
    for step in range(1, o.steps + 1):
        begin = time.process_time()
        x0, x1, stat, mask = data.samples(pick(o.batch), pick.n)
        loss = training.square_error(net(stat, mask) - (x1 - x0), mask, (1.0, 1.0, 1.0, 1.0))
        opt.step(loss)
        busy += time.process_time() - begin
        if step % o.every == 0:
            for p, e in zip(averaged.parameters(), opt.ema):
                p.data.copy_(e)
            score = validation(averaged, data, minutes)
            curve.append({"step": step, "cpu_s": busy, "all": score[0], "closed": score[1]})
            print(f"{o.candidate}: step {step}, {busy / step:.2f} CPU s a step, validation "
                  + " ".join(f"{v:.3f}" for row in score for v in row), flush=True)
    result = {"candidate": o.candidate, "seed": o.seed, "parameters": sum(p.numel() for p in net.parameters()),
              "multiply_adds": multiply_adds(net), "forward_s": seconds_forward(averaged), "curve": curve}
    os.makedirs(o.out, exist_ok=True)
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(path + ".tmp", path)


def average(values):
    return sum(values) / len(values)


def at_seconds(curve, seconds):
    """Loss of the last point of a curve not after so much CPU time."""
    points = [c for c in curve if c["cpu_s"] <= seconds]
    return average(points[-1]["all"]) if points else float("nan")


def table(o):
    rows = []
    for path in glob.glob(os.path.join(o.out, "*.json")):
        with open(path, encoding="utf-8") as file:
            rows.append(json.load(file))
    rows.sort(key=lambda r: average(r["curve"][-1]["all"]))
    limit = min(r["curve"][-1]["cpu_s"] for r in rows)
    print("candidate, seed, thousand parameters, k multiply-adds a cell, ms a forward pass (96 x 96 x 32), CPU s a step, loss, T, u, v, w, "
          f"closed, loss after {limit:.0f} CPU s")
    for r in rows:
        last = r["curve"][-1]
        print(f'"{r["candidate"].replace("_", " ")}", {r["seed"]}, {r["parameters"] / 1e3:.0f}, {r["multiply_adds"] / 1e3:.1f}, '
              f'{r["forward_s"] * 1e3:.0f}, {last["cpu_s"] / last["step"]:.2f}, {average(last["all"]):.3f}, '
              + ", ".join(f"{v:.3f}" for v in last["all"])
              + f', {average(last["closed"]):.3f}, {at_seconds(r["curve"], limit):.3f}')
    if o.figure:
        figure(rows, o.figure)


def figure(rows, path):
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    fig, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, constrained_layout=True)
    for number, r in enumerate(rows):
        style = {"label": r["candidate"].replace("_", " "), "color": f"C{number}", "ls": "-" if number < 5 else "--"}
        loss = [average(c["all"]) for c in r["curve"]]
        axes[0].plot([c["step"] for c in r["curve"]], loss, **style)
        axes[1].plot([c["cpu_s"] for c in r["curve"]], loss, **style)
    axes[0].set(xlabel="optimiser step", ylabel="validation loss (interpolation 1)")
    axes[1].set(xlabel="CPU time of the training [s]")
    axes[0].legend(fontsize="small")
    fig.savefig(path, dpi=130)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("train")
    one.add_argument("set")
    one.add_argument("out")
    one.add_argument("--candidate", choices=CANDIDATES, required=True)
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--steps", type=int, default=160)
    one.add_argument("--every", type=int, default=40)
    one.add_argument("--batch", type=int, default=2)
    one.add_argument("--crop", type=int, default=64, help="5 m cells")
    one.add_argument("--learning-rate", type=float, default=1e-3)
    one.add_argument("--ema-decay", type=float, default=0.98)
    two = commands.add_parser("table")
    two.add_argument("out")
    two.add_argument("--figure")
    o = parser.parse_args()
    (train if o.command == "train" else table)(o)


if __name__ == "__main__":
    main()
