"""Files of other netCDF-4 writers are read: compressed chunks, unlimited time, big-endian, packed, fill values,
variable-length attribute strings, groups, doubles."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _common import MPIRUN, SAMPLE, check, folder, skip

try:
    import netCDF4
    import numpy as np
except ImportError as error:
    skip(str(error))


def read(path, group, var, ranks=1):
    command = (MPIRUN + ["-n", str(ranks)] if ranks > 1 else []) + [SAMPLE, "--read", path, group, var]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def main():
    if not os.path.exists(SAMPLE):
        skip(SAMPLE + " is not built")
    with folder() as out:
        path = os.path.join(out, "palm.nc")
        values = np.arange(24, dtype="f8").reshape(2, 3, 4) + 280.5
        with netCDF4.Dataset(path, "w") as d:
            d.createDimension("time", None)
            d.createDimension("y", 3)
            d.createDimension("x", 4)
            v = d.createVariable("theta", "f4", ("time", "y", "x"), zlib=True, shuffle=True, fill_value=-999999.0,
                                 chunksizes=(1, 2, 2))
            v[:] = np.ma.masked_where(values == 281.5, values)
            v.setncattr_string("units", "K")
            d.createVariable("big", ">f8", ("y", "x"))[:] = values[0]
            p = d.createVariable("packed", "i2", ("y", "x"), fill_value=-32768)
            p.scale_factor, p.add_offset = 0.01, 280.0
            p[:] = np.ma.masked_where(values[0] == 280.5, values[0])
            d.createVariable("count", "u4", ("x",))[:] = [1, 2, 3, 4000000000]
            g = d.createGroup("hr")
            g.createVariable("u", "f8", ("y", "x"))[:] = values[1]
        expected = {
            ("/", "theta"): "rank 3 units K nan 1 values 280.5 nan 282.5",
            ("/", "big"): "rank 2 units - nan 0 values 280.5 281.5",
            ("/", "packed"): "rank 2 units - nan 1 values nan 281.5 282.5",
            ("/", "count"): "rank 1 units - nan 0 values 1 2 3 4e+09",
            ("/hr", "u"): "rank 2 units - nan 0 values 292.5",
        }
        for (group, var), want in expected.items():
            for ranks in (1, 2):
                done = read(path, group, var, ranks)
                check(done.stdout.startswith(want), f"{var} on {ranks} ranks: {done.stdout}{done.stderr}, want {want}")
        done = read(path, "/", "speed")
        check(done.returncode != 0 and "has no variable speed" in done.stderr and "theta" in done.stderr, done.stderr)
        classic = os.path.join(out, "classic.nc")
        with netCDF4.Dataset(classic, "w", format="NETCDF3_CLASSIC") as d:
            d.createDimension("x", 2)
            d.createVariable("u", "f4", ("x",))[:] = 1.0
        done = read(classic, "/", "u", 2)
        check(done.returncode != 0 and "nccopy" in done.stderr, done.stderr)
    print("ok")


main()
