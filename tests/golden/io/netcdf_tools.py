"""Results open in ncdump and, with no options, in xarray: CF time, coordinates, NaN inside buildings; and the bytes do
not depend on the number of ranks that wrote them."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from _common import check, folder, skip, write_sample

try:
    import numpy as np
    import xarray as xr
except ImportError as error:
    skip(str(error))


def value(t, m, k, j, i):  # as test_value() in tests/mpi/io/io_test.h
    return np.float32((((t * 7 + m) * 3 + k) * 13 + j) * 11 + i) + np.float32(0.25)


def check_header(path):
    if not shutil.which("ncdump"):
        skip("no ncdump")
    text = subprocess.run(["ncdump", "-h", path], capture_output=True, text=True, timeout=60, check=True).stdout
    for part in ("time = 3 ;", "member = 2 ;", "z = 3 ;", "y = 13 ;", "x = 11 ;",
                 "float T(time, member, z, y, x) ;", "double time(time) ;", "byte fluid_mask(z, y, x) ;",
                 "float building_height(y, x) ;", ':Conventions = "CF-1.10" ;', "T:_FillValue = NaNf ;",
                 'T:units = "K" ;', 'time:bounds = "time_bnds" ;', 'crs:grid_mapping_name = "transverse_mercator" ;',
                 ':deck = "sr: {members: 2}\\n" ;'):
        check(part in text, f"ncdump -h {path} lacks {part}\n{text}")


def check_dataset(path):
    with xr.open_dataset(path) as d:
        check(d["T"].dims == ("time", "member", "z", "y", "x"), str(d["T"].dims))
        check(np.issubdtype(d["time"].dtype, np.datetime64), "time is not decoded: " + str(d["time"].dtype))
        stamps = np.array(["2026-08-01T12:01", "2026-08-01T12:02", "2026-08-01T12:03"], "datetime64[ns]")
        check((d["time"].values == stamps).all(), str(d["time"].values))
        check((d["time_bnds"].values[:, 1] == stamps).all(), "time_bnds")
        check(list(d["member"].values) == [0, 1], "member")
        check(np.allclose(d["z"], [2.5, 7.5, 15.0]) and float(d["x"][0]) == 1002.5 and float(d["y"][0]) == -1997.5,
              "coordinates")
        solid = np.zeros((3, 13, 11), bool)
        solid[:2, 4:7, 3:6] = True
        check((np.isnan(d["T"].values) == solid).all(), "NaN exactly in solid cells")
        check((d["fluid_mask"].values == ~solid).all(), "fluid_mask")
        k, j, i = np.meshgrid(range(3), range(13), range(11), indexing="ij")
        for t in range(3):
            for m in range(2):
                want = np.where(solid, np.nan, np.float32(1e-3) * value(t, m, k, j, i))
                got = d["u"].values[t, m]
                check(np.array_equal(got, want.astype(np.float32), equal_nan=True), f"u of minute {t}, member {m}")
        return {name: d[name].values.tobytes() for name in ("T", "u", "v", "w", "fluid_mask", "building_height")}


def main():
    contents = []
    for ranks in (1, 4):
        with folder() as out:
            write_sample(out, ranks)
            check_header(os.path.join(out, "hr.nc"))
            contents.append(check_dataset(os.path.join(out, "hr.nc")))
            with xr.open_dataset(os.path.join(out, "lr.nc")) as d:
                check(d["T"].dims == ("time", "z", "y", "x"), "lr.nc dimensions")
    check(contents[0] == contents[1], "another number of ranks wrote other bytes")
    print("ok")


main()
