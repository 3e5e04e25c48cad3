"""`les` killed with SIGKILL at random moments, with turbulent inflow and statistics in progress, then resumed: the files are
those of a run that nobody disturbed, byte for byte in their values."""
import os
import random
import signal
import subprocess
import time

import numpy as np
import xarray as xr

from _run import PROGRAM, check, folder, run

DECK = ["-city_generate", "tokyo_like", "-city_seed", 3, "-city_size_x_m", 320, "-les_spinup_s", 240, "-les_duration_s", 480,
        "-les_top_m", 400, "-les_margin_m", 160, "-les_inflow", "synthetic", "-les_write_variance", "-les_profile_interval_s",
        120, "-les_slice_z_m", 30, "-les_slice_interval_s", 30, "-run_checkpoint_interval_s", 1]
KILLS = 4


def arguments(out):
    return ["les", *map(str, DECK), "-run_output_dir", out, "-run_restart"]


def killed(out, after_s):
    """True if the run was killed, False if it was over before."""
    process = subprocess.Popen([PROGRAM, *arguments(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_s)
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


tmp = folder()
whole, cut = (os.path.join(tmp, n) for n in ("whole", "cut"))
begin = time.time()
done = run(*arguments(whole), ranks=0)
check(done.returncode == 0, done.stderr)
wall = time.time() - begin
seed = random.randrange(10**6)
chance = random.Random(seed)
moments = [chance.uniform(0.1, 0.8) * wall for _ in range(KILLS)]
count = sum(killed(cut, m) for m in moments)
print(f"seed {seed}: killed {count} of {KILLS} times, after {', '.join(f'{m:.1f}' for m in moments)} s of {wall:.1f} s")
check(count > 0, "the run was always over before it could be killed")
done = run(*arguments(cut), ranks=0)
check(done.returncode == 0, seed, done.stderr)
for name, variables in (("lr.nc", ("u", "v", "w", "T", "u_var", "theta_var")), ("profiles.nc", ("u", "uw_resolved", "w_var")),
                        ("slices.nc", ("u_xy", "theta_xy"))):
    with xr.open_dataset(os.path.join(whole, name)) as a, xr.open_dataset(os.path.join(cut, name)) as b:
        for v in variables:
            check(np.isfinite(a[v].values).any(), v)
            check(np.array_equal(a[v].values, b[v].values, equal_nan=True), seed, name, v, "after", count, "kills")
print("ok")
