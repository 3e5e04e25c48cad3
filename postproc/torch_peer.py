#!/usr/bin/env python3
"""The program's network beside the same model in PyTorch: same model file, sizes and cores, one after the other here.

    python3 postproc/torch_peer.py --program build/bin/windbridge --model input/models/first_light.h5 \
        --what net --nx 320 --threads 2 --json bench.json

--what net: condition and one evaluation (inference_mode); shot: a condition and --steps evaluations, in PyTorch without
noise and masks; train: forward, backward and AdamW. PyTorch runs in both memory formats and the faster one is the peer,
for the whole and for each layer. Prints ratios of speed (above 1: the program is faster); --json FILE gets the
program's own report with the peers filled in. Without PyTorch no peer is reported.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

LEVELS = 32
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def run_program(a):
    """The program's bench report."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(a.threads), "OPENBLAS_NUM_THREADS": str(a.threads)}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bench.json")
        command = [a.program, "bench", "-bench_what", a.what, "-sr_model", a.model, "-bench_nx", str(a.nx),
                   "-bench_seconds", str(a.seconds), "-bench_json", path, "-sr_backend", a.backend]
        if a.what == "shot":
            command += ["-sr_steps", str(a.steps)]
        done = subprocess.run(command, env=environment, text=True, capture_output=True)
        if done.returncode:
            sys.exit(f"torch_peer: {' '.join(command)} failed: {done.stderr}")
        with open(path, encoding="utf-8") as file:
            return json.load(file), done.stdout


def median_time(call, seconds, clock):
    """Median seconds of a call, repeated for `seconds`, at least three times after one that does not count."""
    call()
    clock.reset()
    times, begin = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


class LayerClock:
    """Seconds of each Conv3d module inside the whole pass, by hooks. All mean networks count as cond.0, as in the program."""

    def __init__(self, torch, net):
        self.seconds, self.calls, self.start = {}, {}, {}
        for name, module in net.named_modules():
            if isinstance(module, torch.nn.Conv3d):
                name = re.sub(r"^cond\.\d+", "cond.0", name)
                module.register_forward_pre_hook(lambda m, i, n=name: self.begin(n))
                module.register_forward_hook(lambda m, i, o, n=name: self.end(n))

    def begin(self, name):
        self.start[name] = time.perf_counter()

    def end(self, name):
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - self.start[name]
        self.calls[name] = self.calls.get(name, 0) + 1

    def reset(self):
        self.seconds.clear()
        self.calls.clear()

    def ms(self):
        return {name: 1e3 * self.seconds[name] / self.calls[name] for name in self.seconds}


def passes(torch, a, net):
    """What to time: name in the program's report -> function."""
    shape = (LEVELS, a.nx, a.nx)
    mask = torch.ones(shape)
    x, stat = torch.randn(*shape, net.config["in_dynamic"]), torch.randn(*shape, net.config["in_static"])
    if a.what == "train":
        fields = stat.permute(3, 0, 1, 2)[None]
        optimiser = torch.optim.AdamW(net.parameters(), lr=1e-6, betas=(0.9, 0.99), weight_decay=1e-2)

        def step():
            optimiser.zero_grad(set_to_none=True)
            loss = 0
            for k, mean_net in enumerate(net.cond):  # as in the program: of several, the last only guides
                learns = k < max(1, len(net.cond) - 1)
                with torch.set_grad_enabled(learns):
                    mean = mean_net(fields, mask)
                if learns:
                    loss = loss + 0.5 * (mean * mean).sum()
            out = net(0.5, x, net.guide_batch(fields, mean, mask), mask)
            (loss + 0.5 * (out * out).sum()).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()

        return {"train_step": step}
    with torch.inference_mode():
        features = net.condition(stat, mask)[1]
    return {"net_condition": lambda: net.condition(stat, mask), "net_forward": lambda: net(0.5, x, features, mask)}


def run_torch(torch, a):
    """-> {name: (seconds, format)}, {(name, layer): (ms, format)}: the faster format of each."""
    import windbridge_torch

    torch.set_num_threads(a.threads)
    whole, layers = {}, {}
    for label, memory in (("contiguous", torch.contiguous_format), ("channels_last_3d", torch.channels_last_3d)):
        net = windbridge_torch.read_model(a.model, verify=False)[0].to(memory_format=memory)  # the program has verified it
        clock = LayerClock(torch, net)
        for name, call in passes(torch, a, net).items():
            with torch.inference_mode(a.what != "train"):
                seconds = median_time(call, a.seconds, clock)
            print(f"PyTorch {torch.__version__}, {label}: {name} {seconds:.4f} s", flush=True)
            if name not in whole or seconds < whole[name][0]:
                whole[name] = (seconds, label)
            for layer, ms in clock.ms().items():
                if (name, layer) not in layers or ms < layers[name, layer][0]:
                    layers[name, layer] = (ms, label)
    return whole, layers


def shot_from_passes(whole, layers, steps, name):
    """A shot in PyTorch is a condition and its evaluations: more than it takes is not counted against the program."""
    seconds = whole["net_condition"][0] + steps * whole["net_forward"][0]
    return ({name: (seconds, whole["net_forward"][1])},
            {(name, layer): value for (_, layer), value in layers.items()})


def fill_in(report, version, whole, layers):
    """Peers into the program's report; prints both tables."""
    print(f"{report['machine']['cpu']}; PyTorch {version}")
    print(f"{'whole':24} {'windbridge':>12} {'PyTorch':>12}  speed ratio")
    for result in report["results"]:
        if result["name"] not in whole:
            continue
        seconds, label = whole[result["name"]]
        result.update(peer=f"PyTorch {version}, {label}", peer_value=seconds, ratio=result["value"] / seconds)
        print(f"{result['name']:24} {result['value']:10.4f} s {seconds:10.4f} s  {seconds / result['value']:8.2f}  {label}")
    slowest = None
    print(f"{'layer':24} {'windbridge':>12} {'PyTorch':>12}  speed ratio (forward)")
    for layer in report["layers"]:
        at = layers.get((layer["of"], layer["name"]))
        layer["peer_ms"] = at[0] if at else None
        if not at:
            continue
        ratio = at[0] / layer["ms"]
        slowest = min(slowest or (ratio, layer["name"]), (ratio, layer["name"]))
        print(f"{layer['name']:24} {layer['ms']:9.3f} ms {at[0]:9.3f} ms  {ratio:8.2f}  {at[1]}")
    if slowest:
        print(f"least ratio of a layer: {slowest[0]:.2f} ({slowest[1]})")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="build/bin/windbridge")
    parser.add_argument("--model", default="input/models/first_light.h5")
    parser.add_argument("--what", choices=("net", "shot", "train"), default="net")
    parser.add_argument("--nx", type=int, default=320, help="5 m cells in x and y, a multiple of 16")
    parser.add_argument("--steps", type=int, default=10, help="evaluations of a shot")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--backend", default="auto", help="the program's sr_backend; PyTorch always runs in fp32")
    parser.add_argument("--seconds", type=float, default=5, help="spent on each figure")
    parser.add_argument("--json", help="file for the report with peers")
    return parser.parse_args()


def main():
    a = arguments()
    report, text = run_program(a)
    print(text, end="", flush=True)  # PyTorch's part may take minutes
    try:
        import h5py  # noqa: F401 (the model file)
        import torch
    except ImportError as missing:
        print(f"torch_peer: {missing}: no peer is reported")
    else:
        whole, layers = run_torch(torch, a)
        if a.what == "shot":
            name = next(r["name"] for r in report["results"] if r["name"] in ("shot_fp32", "shot_bf16"))
            whole, layers = shot_from_passes(whole, layers, a.steps, name)
        fill_in(report, torch.__version__, whole, layers)
    if a.json:
        with open(a.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
