"""Exchanges, messages and bytes of a rank with eight neighbours are those of the cost model (postproc/halo_cost.py)."""
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ["WB_SOURCE_DIR"]
MODEL = os.path.join(SOURCE, "input", "models", "first_light.h5")
sys.path.insert(0, os.path.join(SOURCE, "postproc"))
try:
    import halo_cost

    config = halo_cost.architecture(MODEL)
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "bench.json")
    done = subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1", "-n", "9",
                           os.environ["WB_PROGRAM"], "bench", "-bench_what", "net", "-bench_nx", "48", "-bench_seconds", "0.1",
                           "-sr_model", MODEL, "-bench_json", path], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"FAILED: {done.stderr}")
    with open(path) as file:
        value = {r["name"]: r["value"] for r in json.load(file)["results"]}
for name, passes, flops in (("net_forward", halo_cost.exchanges, halo_cost.flops),
                            ("net_condition", halo_cost.condition_exchanges, halo_cost.condition_flops)):
    wanted = halo_cost.sent(config, 16, 16, passes=passes)
    got = tuple(value[f"{name}_halo_{what}"] for what in ("exchanges", "messages", "bytes"))
    if any(abs(g - w) > 1e-9 * w for g, w in zip(got, wanted)):
        sys.exit(f"FAILED: {name} sends {got}, the model says {wanted} (exchanges, messages, bytes)")
    work = flops(config, 48, 48)
    layers = value[f"{name}_flops"] * value[f"{name}_bare_sum"] / value[f"{name}_of_bare"] * 9
    if abs(layers - work) > 1e-6 * work:
        sys.exit(f"FAILED: the convolutions of {name} make {layers} operations, the model says {work}")
    print(f"{name}: {got[0]:.0f} exchanges, {got[1]:.0f} messages, {got[2]:.0f} B a rank")
