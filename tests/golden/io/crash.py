"""kill -9 while a result is being written: the file still opens, the finished minutes are whole, the rest is NaN."""
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _common import MPIRUN, SAMPLE, check, folder, skip

try:
    import numpy as np
    import xarray as xr
except ImportError as error:
    skip(str(error))


def ranks_of(out):
    """Process ids of the sample's ranks that write into `out` (ours alone: the folder's name is unique)."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if words and os.path.basename(words[0]) == os.path.basename(SAMPLE).encode() and out.encode() in words:
            found.append(int(pid))
    return found


def main():
    if not os.path.exists(SAMPLE) or not shutil.which("mpirun"):
        skip("needs the sample program and mpirun")
    with folder() as out:
        run = subprocess.Popen(MPIRUN + ["-n", "2", SAMPLE, out, "20000"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
        try:
            line = run.stdout.readline()
            check(line.startswith("minute 0"), "sample said: " + line)
            pids = ranks_of(out)
            check(len(pids) == 2, f"ranks found: {pids}")
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            run.wait(timeout=60)
        finally:
            if run.poll() is None:
                run.kill()
        time.sleep(0.2)
        with xr.open_dataset(os.path.join(out, "hr.nc")) as d:
            check(d.sizes["time"] == 3, "the time axis is allocated beforehand")
            air = d["fluid_mask"].values == 1
            check(np.isfinite(d["T"].values[0][:, air]).all(), "minute 0 is whole")
            check(np.isnan(d["T"].values[1:]).all(), "later minutes are NaN")
            check(d["time"].values[0] == np.datetime64("2026-08-01T12:01"), "time of minute 0")
            check(np.isnat(d["time"].values[1:]).all(), "later times are not set")
    print("ok")


main()
