"""Trains windbridge's network in PyTorch (on a GPU, say) as `windbridge train` does, and writes its model file.

    windbridge train deck.yaml -data_files ... -train_export_file set.nc
    for k in 0 1 2 3; do python3 windbridge_train.py mean set.nc mean_$k.pt --net $k --nets 4 --steps 2000; done
    python3 windbridge_train.py step set.nc model.h5 --means mean_*.pt --steps 2000

`mean` trains mean network k on all cities but every nets-th one and keeps its means of those; `step` trains guide and
step about these held-out means, mirrored at random about them (include/windbridge/train.h), and joins all in one file.
--seconds ends a training by the clock: the learning rate falls over whichever of --steps and --seconds is used up first.
"""
import argparse
import contextlib
import functools
import json
import math
import time

import torch
from torch import nn
from torch.nn import functional as F

import windbridge_torch as wt
from windbridge_set import CHANNELS, Picker, TrainingSet

NOISE = (0.03, 0.15, 0.25, 0.33, 0.24)  # shares of the noise's variance by scale, as `windbridge train` has it


def refine(field):
    """(b, c, nz, ny, nx) on cells twice as fine by Chaikin's quadratic spline; n cells of a direction -> 2 (n - 2)."""
    for axis in (2, 3, 4):
        n = field.shape[axis] - 2
        low, mid, high = (field.narrow(axis, a, n) for a in range(3))
        field = torch.stack([0.25 * low + 0.75 * mid, 0.75 * mid + 0.25 * high], axis + 1).flatten(axis, axis + 1)
    return field


@functools.lru_cache(maxsize=None)
def spline_factor(level, period):
    """Variance that `level` refinements of white noise have in one direction, by the cell's index mod period."""
    basis, first = torch.eye(9, dtype=torch.float64), 0
    for _ in range(level):
        n = basis.shape[1] - 2
        low, mid, high = (basis.narrow(1, a, n) for a in range(3))
        basis = torch.stack([0.25 * low + 0.75 * mid, 0.75 * mid + 0.25 * high], 2).flatten(1)
        first = 2 * (first + 1)
    cell = 2 ** level  # the middle one of the nine
    return (basis ** 2).sum(0)[4 * cell - first:5 * cell - first].repeat(period // cell)


def coloured_noise(shape, shares, device="cpu"):
    """Noise of unit variance (b, c, nz, ny, nx) with the covariance of src/bridge/noise_field.c (other numbers)."""
    top = max(level for level, share in enumerate(shares) if share > 0)
    period, size = 2 ** top, shape[2:]
    field, variance = None, 0.0
    for level in range(top, -1, -1):
        cells = [(-(-n // period)) * 2 ** (top - level) + 4 for n in size]  # two of margin
        factor = spline_factor(level, period)
        amount = shares[level] / float(factor.mean()) ** 3
        variance = variance + amount * factor[:, None, None] * factor[:, None] * factor
        white = amount ** 0.5 * torch.randn(*shape[:2], *cells, device=device)
        field = white if field is None else white + refine(field)
    field = field[:, :, 2:-2, 2:-2, 2:-2] / variance.sqrt().float().to(device).repeat([-(-n // period) for n in size])
    return field[:, :, :size[0], :size[1], :size[2]]


class Optimiser:
    """AdamW, clipping at norm 1, warm-up and cosine by the share of steps or seconds used; moving average of weights."""

    def __init__(self, parameters, o):
        self.parameters, self.o, self.n, self.begin = list(parameters), o, 0, time.time()
        groups = [{"params": [p for p in self.parameters if p.dim() > 1], "weight_decay": o.weight_decay},
                  {"params": [p for p in self.parameters if p.dim() <= 1], "weight_decay": 0.0}]
        self.adamw = torch.optim.AdamW(groups, lr=o.learning_rate, betas=(0.9, 0.99))
        self.ema = [p.detach().clone() for p in self.parameters]

    def used(self):
        return max(self.n / self.o.steps, (time.time() - self.begin) / self.o.seconds)

    def step(self, loss):
        loss.backward()
        rate = self.o.learning_rate * min(1.0, (self.n + 1) / self.o.warmup_steps)
        for group in self.adamw.param_groups:
            group["lr"] = rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(self.used(), 1.0))))
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adamw.step()
        self.adamw.zero_grad(set_to_none=True)
        self.n += 1
        if self.n == 1:
            self.begin = time.time()  # compiling does not count
        keep = min(self.o.ema_decay, (1 + self.n) / (10 + self.n))
        with torch.no_grad():
            torch._foreach_mul_(self.ema, keep)
            torch._foreach_add_(self.ema, [p.detach() for p in self.parameters], alpha=1 - keep)

    def finish(self):
        with torch.no_grad():
            for p, e in zip(self.parameters, self.ema):
                p.copy_(e)


def initialise(module, seed):
    """As wb_model_init (src/net/model.c), with other random numbers."""
    generator = torch.Generator().manual_seed(seed)
    for name, p in module.named_parameters():
        if "norm" in name:
            nn.init.ones_(p)
        elif p.dim() == 1 or "film" in name or "head" in name:
            nn.init.zeros_(p)
        else:
            gain = 0.3 if "conv2" in name else 1.5 if "conv1" in name or "stem2" in name else 1.0
            p.data.copy_(torch.randn(p.shape, generator=generator) * gain / math.sqrt(p[0].numel()))


def to_device(module, device):
    return module.to(device, memory_format=torch.channels_last_3d)


def precision(device):
    return torch.autocast("cuda", torch.bfloat16) if device.startswith("cuda") else contextlib.nullcontext()


def set_dropout(module, rate):
    for part in module.modules():
        if isinstance(part, wt.Block):
            part.dropout = rate


class Progress:
    def __init__(self, opt, o):
        self.opt, self.o, self.mean, self.next, self.begin = opt, o, None, 0.0, time.time()

    def __call__(self, loss):
        if self.opt.n % 10 and self.opt.used() < 1:
            return
        self.mean = loss.item() if self.mean is None else 0.9 * self.mean + 0.1 * loss.item()
        used = self.opt.used()
        if used >= self.next:
            elapsed = time.time() - self.opt.begin
            print(f"step {self.opt.n}: loss {self.mean:.4f}, {self.opt.n * self.o.batch / max(elapsed, 1e-9):.1f} "
                  f"samples/s, {max(elapsed * (1 / max(used, 1e-9) - 1), 0):.0f} s left", flush=True)
            self.next += 0.1


@torch.no_grad()
def means_of(data, nets, minutes):
    """minute -> average of the nets' means of the whole window (4, nz, ny, nx), half precision."""
    means = {}
    for net in nets:
        net.eval()
    for minute in minutes:
        _, _, stat, mask = data.whole(minute)
        with precision(data.device):
            means[minute] = (sum(net(stat, mask).float() for net in nets) / len(nets))[0].half()
    return means


@torch.no_grad()
def gain_text(data, means):
    """Per cent less RMSE than interpolation: all air cells | cells that are solid at 20 m."""
    sums = torch.zeros(2, 2, 4, dtype=torch.float64)
    for minute, mean in means.items():
        run = data.run_of[minute]
        fluid = data.geo[run, 0] > 0
        wind = torch.tensor([1.0] + 3 * [data.runs[run]["wind_speed_m_per_s"]], device=data.device).view(4, 1, 1, 1)
        d = (data.x1[minute].float() - data.x0[minute].float()) * wind
        for a, cells in enumerate((fluid, fluid & (data.geo[run, 1] == 0))):
            for b, e in enumerate((d - mean.float() * wind, d)):
                sums[a, b] += (e * e * cells).sum((1, 2, 3)).double().cpu()
    gain = 100 * (1 - (sums[:, 0] / sums[:, 1]).sqrt())
    return "T u v w: " + " | ".join(" ".join(f"{v:.1f}" for v in row) for row in gain)


def square_error(error, mask, weights):
    """Mean over fluid cells and the four variables, whose weights count relative to each other."""
    w = torch.tensor(weights, device=error.device).view(1, 4, 1, 1, 1) * (4 / sum(weights))
    return (w * error * error * mask).sum() / (4 * mask.sum())


def train_mean(data, o):
    out = data.left_out(o.net, o.nets) if o.nets > 1 else []
    runs = [r for r in data.of_split("train") if r not in out]
    net = wt.MeanNet({**wt.DEFAULT, **o.config})
    initialise(net, o.seed + o.net)
    to_device(net, o.device)
    set_dropout(net, o.dropout)
    forward = torch.compile(net) if o.compile else net
    opt, pick = Optimiser(net.parameters(), o), Picker(data, data.minutes(runs), o.crop, o.seed + o.net)
    report = Progress(opt, o)
    while opt.used() < 1:
        net.train()
        x0, x1, stat, mask = data.samples(pick(o.batch), pick.n)
        with precision(o.device):
            mean = forward(stat, mask)
        loss = square_error(mean.float() - (x1 - x0), mask, o.loss_weights)
        opt.step(loss)
        report(loss)
    opt.finish()
    held_out = means_of(data, [net], data.minutes(out) if out else data.minutes(runs))
    print(f"mean network {o.net} of {o.nets}: {opt.n} steps; less RMSE than interpolation [%], all | blocked: "
          f"left out {gain_text(data, held_out)}; validation "
          f"{gain_text(data, means_of(data, [net], data.minutes(data.of_split('validation'))))}", flush=True)
    torch.save({"state": {k: v.cpu() for k, v in net.state_dict().items()}, "config": o.config,
                "means": {k: v.cpu() for k, v in held_out.items()}, "steps": opt.n}, o.output)


def gains(beta, w, s):
    """k and c_out of src/bridge/precondition.c, and the deviation of r about beta m; beta, w (n, 1), s (1, 4), epsilon 1."""
    total = beta * beta * s * s + w
    point = total <= 0
    safe = total.masked_fill(point, 1.0)
    k, c_out = (beta * s * s / safe).masked_fill(point, 0.0), (s * s * w / safe).sqrt()
    return k, torch.where(point, s.expand_as(total), c_out), total.sqrt()


def residual_deviation(data, means):
    sums, count = torch.zeros(4, dtype=torch.float64), 0.0
    for minute, mean in means.items():
        mask = data.geo[data.run_of[minute], 0].float()
        e = (data.x1[minute].float() - data.x0[minute].float() - mean.float()) * mask
        sums += (e * e).sum((1, 2, 3)).double().cpu()
        count += float(mask.sum())
    return [float(v) for v in (sums / count).sqrt()]


def step_loss(data, path, forward, means, picks, n, s, o):
    x0, x1, stat, mask = data.samples(picks, n)
    mean = torch.stack([means[m][..., j:j + n, i:i + n] for m, j, i in picks]).float()
    total = len(picks) * o.draws

    def each(a):
        return a.repeat(o.draws, 1, 1, 1, 1)

    def wide(a):
        return a.view(total, -1, 1, 1, 1)

    order = torch.randperm(total, device=data.device)
    t, beta, w = path.draw((order + torch.rand(total, device=data.device)) / total, o.t_power)
    k, c_out, deviation = gains(beta, w, s)
    sign = wide(2.0 * torch.randint(0, 2, (total,), device=data.device) - 1)
    m = each(mean)
    d = m + sign * (each(x1 - x0) - m)
    r = wide(beta) * d + wide(w.sqrt()) * coloured_noise(d.shape, o.noise, data.device)
    target = (d - m - wide(k) * (r - wide(beta) * m)) / wide(c_out)
    if path.from_noise:
        r = r / wide(deviation)
    with precision(data.device):
        out = forward(t, r, stat, mean, mask)
    return square_error(out.float() - target, each(mask), o.loss_weights)


def train_step(data, o):
    parts = [torch.load(path, map_location="cpu") for path in o.means]
    net = wt.WindbridgeNet(**{**parts[0]["config"], **o.config, "cond_nets": len(parts)})
    initialise(net, o.seed)
    if o.start:
        first = wt.read_model(o.start)[0].state_dict()
        net.load_state_dict({**net.state_dict(), **{k: v for k, v in first.items() if not k.startswith("cond.")}})
    for k, part in enumerate(parts):
        net.cond[k].load_state_dict(part["state"])
    to_device(net, o.device)
    means = {m: v.to(o.device) for part in parts for m, v in part["means"].items()}
    residual = residual_deviation(data, means)
    valid = means_of(data, net.cond, data.minutes(data.of_split("validation")))
    print(f"{len(means)} minutes with held-out means; deviation of x1 - x0 about them {residual}; validation: less RMSE than interpolation by the average "
          f"of {len(parts)} means {gain_text(data, valid)}", flush=True)
    set_dropout(net.step, o.dropout)
    learning = [p for name, p in net.named_parameters() if not name.startswith("cond.")]

    def forward(t, r, stat, mean, mask):
        features = net.guide_batch(stat, mean, mask)
        return net.step_batch(t, r, features.repeat(o.draws, 1, 1, 1, 1), mask.repeat(o.draws, 1, 1, 1, 1))

    compiled = torch.compile(forward) if o.compile else forward
    opt, pick = Optimiser(learning, o), Picker(data, sorted(means), o.crop, o.seed)
    report, s = Progress(opt, o), torch.tensor([residual], device=o.device)
    path, table = data.process(o.process, o.schedule)
    while opt.used() < 1:
        net.train()
        loss = step_loss(data, path, compiled, means, pick(o.batch), pick.n, s, o)
        opt.step(loss)
        report(loss)
    opt.finish()
    training = {"program": "postproc/windbridge_train.py", "steps": [p["steps"] for p in parts] + [opt.n],
                "options": {k: v for k, v in vars(o).items() if isinstance(v, (int, float))},
                "loss_weights": list(o.loss_weights), "train_minutes": len(data.minutes(data.of_split("train"))),
                "pairs_columns": ["split", "city_seed", "wind_m_per_s", "direction_deg", "heat_flux"],
                "pairs": [[r["split"][0], int(r["city_seed"]), r["wind_speed_m_per_s"], r["wind_direction_deg"],
                           r["heat_flux_K_m_per_s"]] for r in data.runs]}
    meta = {"process": o.process, "schedule": o.schedule, "target": "preconditioned", **data.flags, "scale": data.scale,
            "epsilon": {c: 1.0 for c in CHANNELS}, "residual": dict(zip(CHANNELS, residual)), "spread": {c: 1.0 for c in CHANNELS},
            "noise": list(o.noise), **({"table": table} if table else {}), "training": json.dumps(training)}
    wt.write_model(o.output, net, meta, o.mantissa_bits)
    print(f"written: {o.output}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("stage", choices=["mean", "step"])
    parser.add_argument("set", help="written by windbridge train -train_export_file")
    parser.add_argument("output", help="mean: a .pt file; step: the model file")
    parser.add_argument("--net", type=int, default=0, help="mean: number of this network")
    parser.add_argument("--nets", type=int, default=4, help="mean: how many there are")
    parser.add_argument("--means", nargs="+", default=[], help="step: the files of the mean networks, in order")
    parser.add_argument("--start", help="step: model file with the first weights of guide and step")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--crop", type=int, default=0, help="5 m cells; 0: whole windows")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--weight-decay", type=float, default=0.1)
    parser.add_argument("--warmup-steps", type=int, default=100)
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--ema-decay", type=float, default=0.999)
    parser.add_argument("--process", default="bridge", help="step: generative process, as train_process")
    parser.add_argument("--schedule", default="linear", help="step: of a bridge, as sr_schedule")
    parser.add_argument("--t-power", type=float, default=1.0, help="step: training times are u^t_power, as train_t_power")
    parser.add_argument("--noise", type=float, nargs="+", default=NOISE,
                        help="step: shares of the noise's variance on cells of 5, 10, 20, 40, 80 m")
    parser.add_argument("--loss-weights", type=float, nargs=4, default=(1.0, 1.0, 1.0, 1.0),
                        help="of T, u, v, w in the loss, relative to each other")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--mantissa-bits", type=int, default=23, help="step: of the written weights; 12 halve the file")
    parser.add_argument("--compile", action="store_true", help="torch.compile (PyTorch 2)")
    parser.add_argument("--config", type=json.loads, default={}, help="JSON: widths and blocks other than the default")
    o = parser.parse_args()
    if len(o.noise) > 5 or abs(sum(o.noise) - 1) > 1e-4 or min(o.noise) < 0:
        parser.error(f"--noise is {o.noise}; allowed: 1 to 5 shares with sum 1")
    if min(o.loss_weights) < 0 or not 0 < sum(o.loss_weights) < math.inf:
        parser.error(f"--loss-weights is {o.loss_weights}; allowed: not below 0, not all 0")
    o.noise = tuple(o.noise) + (0.0,) * (5 - len(o.noise))
    torch.manual_seed(o.seed)
    data = TrainingSet(o.set, o.device)
    print(f"{len(data.run_of)} minutes of {len(data.runs)} runs", flush=True)
    (train_mean if o.stage == "mean" else train_step)(data, o)


if __name__ == "__main__":
    main()
