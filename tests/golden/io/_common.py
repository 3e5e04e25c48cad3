"""Helpers of the io tests: the sample program and how it is run."""
import os
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ.get("WB_BUILD_DIR", "build")
SAMPLE = os.path.join(BUILD, "tests", "test_golden_io_sample")
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]


def skip(reason):
    print("skipped:", reason)
    sys.exit(77)


def check(condition, message):
    if not condition:
        print("FAILED:", message)
        sys.exit(1)


def folder():
    """A temporary folder; removed by the caller's `with`."""
    return tempfile.TemporaryDirectory(prefix="wb_io_")


def write_sample(path, ranks=2):
    if not os.path.exists(SAMPLE):
        skip(SAMPLE + " is not built")
    if not shutil.which("mpirun"):
        skip("no mpirun")
    command = MPIRUN + ["-n", str(ranks), SAMPLE, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, "sample: " + done.stdout + done.stderr)
