"""Trains the slice network for one process and one seed (doc/efficiency.rst).

    python3 efficiency_train.py slices.nc OUT/bridge_1.pt --process bridge --seed 1

Everything but the process is the same: network, steps, batch, draws, slices in the same order, times u^power of the same
u (diffusion_edm: its own distribution of noise levels). Goes on from OUT.part where it was stopped.
"""
import argparse
import json
import math
import os
import time

import numpy as np
import torch
from torch import nn

import windbridge_bridge as wb
from efficiency_net import SliceNet, Slices, log_level


def draw(process, data, picks, o, step):
    """Network inputs and targets of one batch: arrays (slices * draws, 4, y, x), levels."""
    random = np.random.default_rng([o.seed, step])
    inputs, targets, levels = [], [], []
    total = len(picks) * o.draws
    u = (random.permutation(total) + random.random(total)) / total  # stratified
    for number, value in enumerate(u):
        m = picks[number // o.draws]
        t = process.train_time(value, o.t_power)
        x0, x1, mask = (a[m].reshape(-1, *a.shape[3:]) for a in (data.x0, data.x1, data.mask))
        x = process.state(t, x0, x1, mask, seed=o.seed, draw=number, step=step)
        at = process.precond(o.residual, t)
        shape = data.x0.shape[1:]
        inputs.append(wb.precond_input(at, x0, x, mask).reshape(shape))
        targets.append(wb.precond_target(at, x0, x1, None, x, mask).reshape(shape))
        levels.append(log_level(process, t))

    def tensor(a):
        return torch.from_numpy(np.stack(a)).permute(0, 3, 1, 2)  # channels last in memory
    return tensor(inputs), tensor(targets), torch.tensor(levels)


def loss_of(net, process, data, picks, o, step):
    x, target, level = draw(process, data, picks, o, step)
    stat = torch.from_numpy(data.stat[picks]).to(memory_format=torch.channels_last)
    mask = torch.from_numpy(data.mask[picks])[:, None].repeat_interleave(o.draws, 0).float()
    features = [f.repeat_interleave(o.draws, 0) for f in net.condition(stat)]
    error = (net(x, level, features) - target) * mask
    return (error * error).sum() / (4 * mask.sum())


@torch.no_grad()
def validate(net, process, data, o):
    """Loss on fixed slices, times and noises."""
    net.eval()
    losses = [loss_of(net, process, data, [m], o, 10 ** 6 + m).item() for m in range(len(data))]
    net.train()
    return float(np.mean(losses))


def order(n, seed, step, batch):
    """Slices of this step: shuffled epochs, from the seed alone."""
    serial = np.arange(step * batch, (step + 1) * batch)
    return [int(np.random.default_rng([seed, 77, s // n]).permutation(n)[s % n]) for s in serial]


class Trainer:
    def __init__(self, o):
        torch.manual_seed(o.seed)
        self.o, self.data = o, Slices(o.slices, "train")
        self.valid = Slices(o.slices, "validation", self.data.unit)
        self.process = wb.Process(o.process, epsilon=np.broadcast_to(o.epsilon, 4))
        self.net = SliceNet().to(memory_format=torch.channels_last)
        weights = [{"params": [p for p in self.net.parameters() if p.dim() > 1], "weight_decay": 0.05},
                   {"params": [p for p in self.net.parameters() if p.dim() <= 1], "weight_decay": 0.0}]
        self.opt = torch.optim.AdamW(weights, lr=o.learning_rate, betas=(0.9, 0.99))
        self.ema = [p.detach().clone() for p in self.net.parameters()]
        self.step, self.log, self.cpu = 0, [], 0.0
        if os.path.exists(o.output + ".part"):
            self.restore()

    def restore(self):
        part = torch.load(self.o.output + ".part")
        self.net.load_state_dict(part["net"])
        self.opt.load_state_dict(part["opt"])
        self.ema, self.step, self.log, self.cpu = part["ema"], part["step"], part["log"], part["cpu"]
        torch.set_rng_state(part["rng"])

    def save(self):
        part = {"net": self.net.state_dict(), "opt": self.opt.state_dict(), "ema": self.ema, "step": self.step,
                "log": self.log, "cpu": self.cpu, "rng": torch.get_rng_state()}
        torch.save(part, self.o.output + ".tmp")
        os.replace(self.o.output + ".tmp", self.o.output + ".part")

    def one_step(self):
        o, begin = self.o, time.process_time()
        rate = o.learning_rate * min(1.0, (self.step + 1) / 50) * (
            0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * self.step / o.steps)))
        for group in self.opt.param_groups:
            group["lr"] = rate
        picks = order(len(self.data), o.seed, self.step, o.batch)
        loss = loss_of(self.net, self.process, self.data, picks, o, self.step)
        self.opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.opt.step()
        self.step += 1
        keep = min(0.99, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for e, p in zip(self.ema, self.net.parameters()):
                e.mul_(keep).add_(p, alpha=1 - keep)
        self.cpu += time.process_time() - begin
        return loss.item()

    def run(self):
        o, recent = self.o, []
        while self.step < o.steps:
            recent.append(self.one_step())
            if self.step % 50 == 0:
                self.log.append([self.step, float(np.mean(recent))])
                print(f"{o.process} seed {o.seed}: step {self.step}, loss {np.mean(recent):.4f}, {self.cpu:.0f} core-s",
                      flush=True)
                recent = []
                self.save()
        with torch.no_grad():
            for p, e in zip(self.net.parameters(), self.ema):
                p.copy_(e)
        loss = validate(self.net, self.process, self.valid, o)
        print(f"{o.process} seed {o.seed}: validation loss {loss:.4f}", flush=True)
        torch.save({"net": self.net.state_dict(), "options": vars(o), "unit": self.data.unit, "log": self.log,
                    "validation": loss, "cpu_s": self.cpu}, o.output)
        os.remove(o.output + ".part")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("slices")
    parser.add_argument("output")
    parser.add_argument("--process", choices=wb.PROCESSES, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epsilon", type=json.loads, default=1.0, help="noise amplitude in std(x1 - x0), or a list of four")
    parser.add_argument("--residual", type=json.loads, default=[1.0] * 4, help="s of the preconditioning")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--t-power", type=float, default=2.0)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    o = parser.parse_args()
    torch.set_num_threads(1)
    if os.path.exists(o.output):
        print(f"{o.output} is there already")
        return
    Trainer(o).run()


if __name__ == "__main__":
    main()
