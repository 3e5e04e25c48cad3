"""bench -bench_what net|train|shot reports every layer and its bare convolution; the PyTorch peer covers the same
layers of the same model file; without PyTorch no peer is reported."""
import importlib.util
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ["WB_SOURCE_DIR"]
SCRIPT = os.path.join(SOURCE, "postproc", "torch_peer.py")
MODEL = os.path.join(SOURCE, "input", "models", "first_light.h5")


def check(condition, *message):
    if not condition:
        print("FAILED:", *message)
        sys.exit(1)


def script(what, folder, hide_torch=False):
    """The filled-in report and what was printed."""
    environment = dict(os.environ)
    if hide_torch:
        with open(os.path.join(folder, "torch.py"), "w") as file:
            file.write("raise ImportError('No module named torch')\n")
        environment["PYTHONPATH"] = folder
    path = os.path.join(folder, "peer.json")
    done = subprocess.run(["/usr/bin/python3", SCRIPT, "--program", os.environ["WB_PROGRAM"], "--model", MODEL, "--what", what,
                           "--nx", "16", "--steps", "2", "--seconds", "0.1", "--json", path],
                          capture_output=True, text=True, env=environment)
    check(done.returncode == 0, what, done.stdout, done.stderr)
    with open(path) as file:
        return json.load(file), done.stdout


def result(report, name):
    found = [r for r in report["results"] if r["name"] == name]
    check(len(found) == 1, name, "is reported", len(found), "times")
    return found[0]


def check_layers(report, of, backward):
    layers = [layer for layer in report["layers"] if layer["of"] == of]
    check(len(layers) > 10, of, "has", len(layers), "layers")
    share = sum(layer["share"] + layer.get("backward_share", 0) for layer in layers)
    check(0 < share <= 1.001, of, "shares add up to", share)
    conv, halo, other = (result(report, f"{of}_{part}_share")["value"] for part in ("conv", "halo", "other"))
    check(abs(conv - share) < 1e-6, of, "conv_share", conv, "but layers", share)
    check(abs(conv + halo + other - 1) < 1e-6, "shares of", of)
    for layer in layers:
        flops = 2e-9 * layer["kernel"] ** 3 * layer["channels_in"] * layer["channels_out"]
        flops *= layer["nx"] * layer["ny"] * layer["nz"]
        check(abs(layer["gflop"] - flops) <= 1e-9 * flops, layer["name"], "gflop", layer["gflop"], flops)
        check(layer["ms"] > 0 and layer["bare_ms"] > 0, layer)
        check(("backward_ms" in layer) == backward, layer)
        if backward:
            check(layer["backward_ms"] > 0 and layer["bare_backward_ms"] > 0, layer)
    bare = sum(layer["calls"] * layer["bare_ms"] for layer in layers)
    bare += sum(layer.get("backward_calls", 0) * layer.get("bare_backward_ms", 0) for layer in layers)
    check(abs(1e-3 * bare - result(report, f"{of}_bare_sum")["value"]) <= 1e-6 * bare, "bare sum of", of)
    return layers


def found(*modules):
    return all(importlib.util.find_spec(module) for module in modules)


TORCH = found("torch", "h5py")
with tempfile.TemporaryDirectory() as hidden:
    report, text = script("net", hidden, hide_torch=True)
    check("no peer is reported" in text, text)
    check(all(r["peer"] is None and r["ratio"] is None for r in report["results"]), "a peer without PyTorch")
    for of in ("net_condition", "net_forward"):
        check_layers(report, of, False)
for what, of in (("train", "train_step"), ("shot", "shot_fp32")):
    with tempfile.TemporaryDirectory() as folder:
        report, text = script(what, folder)
    layers = check_layers(report, of, what == "train")
    if not TORCH:
        continue
    whole = result(report, of)
    check(whole["peer_value"] > 0 and "PyTorch" in whole["peer"], whole)
    check(abs(whole["ratio"] - whole["value"] / whole["peer_value"]) <= 1e-9, whole)
    missing = [layer["name"] for layer in layers if not layer["peer_ms"]]
    check(not missing, what, "layers without a peer:", missing)
print("layers, bare convolutions and peers are reported" + ("" if TORCH else " (no PyTorch: without peers)"))
