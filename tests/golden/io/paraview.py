"""pvpython reads hr.xmf: time steps, cell arrays per member, their ranges, the voxel mesh."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _common import check, folder, skip, write_sample

SCRIPT = r"""
import sys
from paraview.simple import XDMFReader, UpdatePipeline
reader = XDMFReader(FileNames=[sys.argv[1]])
reader.UpdatePipelineInformation()
times = [float(t) for t in reader.TimestepValues]
assert times == [60.0, 120.0, 180.0], times
UpdatePipeline(time=120.0, proxy=reader)
data = reader.GetClientSideObject().GetOutputDataObject(0)
assert data.IsA("vtkRectilinearGrid"), data.GetClassName()
assert data.GetNumberOfCells() == 3 * 13 * 11, data.GetNumberOfCells()
bounds = data.GetBounds()
assert all(abs(a - b) < 1e-9 for a, b in zip(bounds, (1000, 1055, -2000, -1935, 0, 20))), bounds
cells = data.GetCellData()
names = sorted(cells.GetArrayName(i) for i in range(cells.GetNumberOfArrays()))
wanted = sorted(["fluid_mask", "lr_valid_mask"]
                + [v + m for v in ("T", "u", "v", "w", "velocity") for m in ("_m0", "_m1")])
assert names == wanted, names
mask = cells.GetArray("fluid_mask")
assert mask.GetRange() == (0.0, 1.0) and mask.GetNumberOfTuples() == 429
def value(t, m, k, j, i):
    return 1e-3 * ((((t * 7 + m) * 3 + k) * 13 + j) * 11 + i + 0.25)
for m in range(2):
    u = cells.GetArray("u_m%d" % m)
    # t = 1: first and last cell, x fastest, z slowest
    assert abs(u.GetTuple1(0) - value(1, m, 0, 0, 0)) < 1e-4, u.GetTuple1(0)
    assert abs(u.GetTuple1(428) - value(1, m, 2, 12, 10)) < 1e-4, u.GetTuple1(428)
    low, high = u.GetFiniteRange(0)
    assert abs(low - value(1, m, 0, 0, 0)) < 1e-4 and abs(high - value(1, m, 2, 12, 10)) < 1e-4, (low, high)
    vector = cells.GetArray("velocity_m%d" % m)
    assert vector.GetNumberOfComponents() == 3
    assert abs(vector.GetTuple3(0)[0] - u.GetTuple1(0)) < 1e-6
assert u.GetTuple1(4 * 11 + 3) != u.GetTuple1(4 * 11 + 3), "solid cells are NaN"
print("PVOK")
"""


def interpreter():
    if shutil.which("pvpython"):
        return ["pvpython", "--force-offscreen-rendering"]
    probe = subprocess.run(["/usr/bin/python3", "-c", "import paraview.simple"], capture_output=True, timeout=120)
    return ["/usr/bin/python3"] if probe.returncode == 0 else None


def main():
    run = interpreter()
    if run is None:
        skip("no pvpython and no python3-paraview")
    with folder() as out:
        write_sample(out)
        script = os.path.join(out, "read.py")
        with open(script, "w", encoding="utf-8") as f:
            f.write(SCRIPT)
        env = dict(os.environ, QT_QPA_PLATFORM="offscreen")
        env.pop("DISPLAY", None)
        done = subprocess.run(run + [script, os.path.join(out, "hr.xmf")], capture_output=True, text=True, timeout=300,
                              env=env)
        check(done.returncode == 0 and "PVOK" in done.stdout, done.stdout + done.stderr)
    print("ok")


main()
