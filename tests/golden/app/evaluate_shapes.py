"""evaluate_forecast refuses a coarse file that the forecast does not refine, also one without any cells, by name."""
import os
import shutil

import h5py
import numpy as np

from _run import check, folder, ours, run


def write(path, *shape):
    with h5py.File(path, "w") as h:
        h["u"] = np.ones(shape, "f4")


tmp = folder()
try:
    forecast, truth, lr = (os.path.join(tmp, name) for name in ("hr.nc", "truth.nc", "lr.nc"))
    write(truth, 1, 4, 8, 8)
    for fine, coarse in (((1, 1, 4, 8, 8), (1, 2, 2, 0)), ((1, 1, 4, 8, 8), (1, 2, 0, 2)), ((1, 1, 4, 8, 8), (1, 0, 2, 2)),
                         ((1, 1, 4, 8, 8), (1, 2, 16, 16)), ((1, 1, 4, 8, 8), (1, 2, 3, 3))):
        write(forecast, *fine)
        write(lr, *coarse)
        done = run("evaluate", "-evaluate_forecast", forecast, "-evaluate_truth", truth, "-les_input_file", lr, "-run_output_dir",
                   os.path.join(tmp, "out"), "-run_overwrite", ranks=0)
        said = ours(done.stderr)
        check(done.returncode == 3 and len(said) == 1 and "do not refine" in said[0] and forecast in said[0], coarse,
              done.returncode, done.stdout, done.stderr)
finally:
    shutil.rmtree(tmp)
print("ok")
