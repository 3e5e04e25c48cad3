"""Samples the trained slice networks and scores them (doc/efficiency.rst).

    python3 efficiency_scores.py slices.nc OUT/bridge_1.pt OUT/scores --split validation --samplers euler_maruyama:base:1:2
    python3 efficiency_scores.py slices.nc OUT/bridge_1.pt OUT/scores --split test --chosen OUT/chosen.json

Writes OUT/scores/NET.SPLIT.SAMPLER.EVALUATIONS.json, one file a sampler and number of evaluations; what is there is not
done again. A sampler is STEPPER:NOISE[@SCALE]:START_POWER:END_POWER[:END_FLOOR] in the names of -sr_sampler, -sr_noise,
-sr_noise_scale and the time grid; STEPPER alone takes the process's own grid.
"""
import argparse
import json
import os
import time

import numpy as np
import torch

import windbridge_bridge as wb
from efficiency_net import SliceNet, Slices, log_level

MEMBERS = 6
EVALUATIONS = (1, 2, 3, 5, 10, 20, 50)


class Trained:
    """A network with its process, ready to denoise members of one slice at a time."""

    def __init__(self, path):
        stored = torch.load(path)
        o = stored["options"]
        self.name, self.process_name = os.path.basename(path)[:-3], o["process"]
        self.unit, self.residual = stored["unit"], o["residual"]
        self.process = wb.Process(o["process"], epsilon=np.broadcast_to(o["epsilon"], 4))
        self.net = SliceNet().to(memory_format=torch.channels_last)
        self.net.load_state_dict(stored["net"])
        self.net.eval()

    @torch.no_grad()
    def condition(self, stat, members):
        features = self.net.condition(torch.from_numpy(stat[None]).to(memory_format=torch.channels_last))
        self.features = [f.expand(members, -1, -1, -1).contiguous(memory_format=torch.channels_last) for f in features]

    @torch.no_grad()
    def denoise(self, t, x, x0, mask):
        """x, x0 (members * y * x, 4), mask -> D of the same shape."""
        at, members = self.process.precond(self.residual, t), self.features[0].shape[0]
        side = int(round((len(x) / members) ** 0.5))
        r = torch.from_numpy(wb.precond_input(at, x0, x, mask)).view(members, side, side, 4).permute(0, 3, 1, 2)
        f = self.net(r, torch.full((members,), log_level(self.process, t)), self.features)
        f = f.permute(0, 2, 3, 1).reshape(-1, 4).numpy()
        return wb.precond_denoiser(at, x0, None, x, f, mask)


def make_plan(process, sampler, evaluations):
    """The plan with the most steps that needs at most so many evaluations, None where there is none."""
    words = sampler.split(":")
    noise, _, scale = (words[1] if len(words) > 1 else "base").partition("@")
    grid = tuple(float(w) for w in words[2:]) if len(words) > 2 else None
    if grid and len(grid) == 2:
        grid = (*grid, 0.0)
    for steps in range(evaluations, 0, -1):
        plan = wb.Plan(process, words[0], steps, noise, float(scale or 1), grid)
        if plan.evaluations <= evaluations:
            return plan
    return None


def spectrum(field, bins):
    """Radial spectrum (bins) of (..., y, x), windowed: the domain is not periodic."""
    window = np.hanning(field.shape[-1])
    power = np.abs(np.fft.rfft2(field * window[:, None] * window)) ** 2
    weight = np.where(np.arange(power.shape[-1]) > 0, 2.0, 1.0)  # the other half plane
    n = field.shape[-1]
    shell = np.rint(np.hypot(np.fft.fftfreq(n)[:, None], np.fft.rfftfreq(n)) * n).astype(int)
    flat = (power * weight).reshape(-1, shell.size)
    return np.stack([np.bincount(shell.ravel(), row, minlength=bins + 1)[:bins + 1] for row in flat]).reshape(
        *field.shape[:-2], bins + 1)[..., 1:]


def score(members, truth, x0, mask, physical):
    """members (M, y, x, 4), the others without M: sums over air cells per channel, and spectra of departures from x0."""
    m = len(members)
    x, y = members[:, mask].astype(np.float64), truth[mask].astype(np.float64)
    mean = x.mean(0)
    ordered = np.sort(x, 0)  # sum over pairs |x_i - x_j| from the order statistics
    pairs = (ordered * (2 * np.arange(1, m + 1) - m - 1)[:, None, None]).sum(0) * 2
    crps = np.abs(x - y).mean(0) - pairs / (2 * m * (m - 1))

    def spectra(field):
        return spectrum(np.moveaxis(np.where(mask[..., None], field - x0, 0), -1, -3).astype(np.float64), 64)
    return {"cells": int(mask.sum()), "square": ((mean - y) ** 2).sum(0) * physical ** 2, "crps": crps.sum(0) * physical,
            "variance": x.var(0, ddof=1).sum(0) * physical ** 2,
            "member_spectrum": spectra(members).mean(0) * physical[:, None] ** 2,
            "mean_spectrum": spectra(members.mean(0)) * physical[:, None] ** 2,
            "true_spectrum": spectra(truth) * physical[:, None] ** 2}


def run_slice(trained, plan, data, m):
    x0, mask = data.x0[m], data.mask[m]
    many, masks = np.repeat(x0[None], MEMBERS, 0).reshape(-1, 4), np.tile(mask.ravel(), MEMBERS)
    trained.condition(data.stat[m], MEMBERS)
    voxel = wb.voxels(len(many), member=m)
    out = plan.sample(lambda t, x: trained.denoise(t, x, many, masks), many, masks, voxel, seed=11)
    return out.reshape(MEMBERS, *x0.shape)


def evaluate(trained, sampler, evaluations, data, picks, path):
    plan = make_plan(trained.process, sampler, evaluations)
    if plan is None or (plan.evaluations < 0.8 * evaluations and evaluations > 1):
        return  # this stepper has no plan near this number
    begin, runs = time.process_time(), {}
    for m in picks:
        s = score(run_slice(trained, plan, data, m), data.x1[m], data.x0[m], data.mask[m], data.physical[m])
        total = runs.setdefault(data.run[m], {"city": data.city[m]})
        for k, v in s.items():
            total[k] = total.get(k, 0) + v
    result = {"net": trained.name, "process": trained.process_name, "sampler": sampler, "evaluations": plan.evaluations,
              "asked": evaluations, "members": MEMBERS, "cpu_s": time.process_time() - begin,
              "runs": [{k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in r.items()} for r in runs.values()]}
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(result, file)
    os.replace(path + ".tmp", path)
    rmse = [np.sqrt(sum(r["square"][c] for r in result["runs"]) / sum(r["cells"] for r in result["runs"])) for c in range(4)]
    crps = [sum(r["crps"][c] for r in result["runs"]) / sum(r["cells"] for r in result["runs"]) for c in range(4)]
    print(f"{trained.name} {sampler} {plan.evaluations}: RMSE {np.round(rmse, 4)}, CRPS {np.round(crps, 4)}", flush=True)


def picks_of(data, a_run):
    """The first `a_run` minutes of each run."""
    return [m for m in range(len(data)) if data.run[:m].count(data.run[m]) < a_run]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("slices")
    parser.add_argument("net")
    parser.add_argument("folder")
    parser.add_argument("--split", choices=["validation", "test"], required=True)
    parser.add_argument("--samplers", nargs="+", default=[])
    parser.add_argument("--chosen", help="JSON {process: {label: {evaluations: sampler}}} from efficiency_table.py --choose")
    parser.add_argument("--evaluations", nargs="+", type=int, default=EVALUATIONS)
    parser.add_argument("--minutes", type=int, default=1, help="of each run")
    o = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(o.folder, exist_ok=True)
    trained = Trained(o.net)
    data = Slices(o.slices, o.split, trained.unit)
    wanted = [(s, n) for s in o.samplers for n in o.evaluations]
    if o.chosen:
        with open(o.chosen, encoding="utf-8") as file:
            chosen = json.load(file)[trained.process_name]
        wanted = sorted({(chosen[label][str(n)], n) for label in chosen for n in o.evaluations}, key=lambda w: w[1])
    for sampler, n in wanted:
        path = os.path.join(o.folder, f"{trained.name}.{o.split}.{sampler.replace(':', '_')}.{n}.json")
        if not os.path.exists(path):
            evaluate(trained, sampler, n, data, picks_of(data, o.minutes), path)


if __name__ == "__main__":
    main()
