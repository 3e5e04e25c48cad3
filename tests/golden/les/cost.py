"""The halo of the cost model in doc/performance.rst (postproc/les_cost.py) against the program's own count on 3 x 3 ranks; the
benchmark's figures hang together."""
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.environ["WB_SOURCE_DIR"]
sys.path.insert(0, os.path.join(SOURCE, "postproc"))
import les_cost  # noqa: E402

NX, NZ = 48, 16


def check(condition, *message):
    if not condition:
        print("FAILED:", *message)
        sys.exit(1)


with tempfile.TemporaryDirectory(prefix="wb_cost_") as folder:
    path = os.path.join(folder, "bench.json")
    done = subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1", "-n", "9",
                           os.environ["WB_PROGRAM"], "bench", "-bench_what", "les", "-bench_nx", str(NX), "-bench_nz", str(NZ),
                           "-bench_seconds", "0.1", "-bench_json", path], capture_output=True, text=True)
    check(done.returncode == 0, done.stdout, done.stderr)
    with open(path, encoding="utf-8") as f:
        value = {r["name"]: r["value"] for r in json.load(f)["results"]}

n = NX // 3
halos = les_cost.halos(n, n, NZ)
exchanges = sum(times for _, times in halos)
sent = sum(times * les_cost.halo(fields, n, n, NZ) for fields, times in halos)
for case in ("les_flat", "les_city"):
    check(value[f"{case}_halo_exchanges"] == exchanges, case, value[f"{case}_halo_exchanges"], "exchanges a step, model", exchanges)
    check(value[f"{case}_halo_bytes"] == sent, case, value[f"{case}_halo_bytes"], "bytes a step, model", sent)
    check(value[case] > 0 and value[f"{case}_advect"] > 0, case)
check(value["les_flat_cg_iterations"] == 0 < value["les_city_cg_iterations"], "iterations", value)
check(0 < value["les_city_lambda_p"] < 1, "plan area fraction")
parts = 3 / value["les_bare_momentum"] + 1 / value["les_bare_viscosity"] + 3 / value["les_bare_poisson"] + \
    3 / value["les_bare_projection"]
check(abs(value["les_bare_sum"] * parts - 1) < 1e-9, "sum of bare kernels", value["les_bare_sum"], 1 / parts)
check(value["les_flat_traffic"] == 536, "bytes a cell and step", value["les_flat_traffic"])
print("ok")
