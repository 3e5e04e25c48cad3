"""cmake --install into an empty prefix, which is then moved: the program finds its model there, the shipped deck runs, and the
installed examples build against headers, library and pkg-config file of the moved tree."""
import glob
import os
import shutil
import subprocess

from _run import check, folder

BUILD = os.environ["WB_BUILD_DIR"]
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1"]
SMALL = ["-city_size_x_m", "80", "-city_size_y_m", "80", "-les_margin_m", "60", "-les_rim_m", "40", "-les_top_m", "300",
         "-les_spinup_s", "60", "-les_duration_s", "60", "-sr_members", "1"]


def call(*command, cwd, env=None):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=cwd, env=env, timeout=600)
    check(done.returncode == 0, command, done.stdout, done.stderr)
    return done.stdout


def main():
    tmp = folder()
    first, prefix = os.path.join(tmp, "first"), os.path.join(tmp, "moved")
    call("cmake", "--install", BUILD, "--prefix", first, cwd=tmp)
    os.rename(first, prefix)
    program, share = os.path.join(prefix, "bin", "windbridge"), os.path.join(prefix, "share", "windbridge")
    model = os.path.join(share, "models", "first_light.h5")
    said = [line.split(None, 2)[2] for line in call(program, "info", cwd=tmp).splitlines() if "default model" in line]
    check(len(said) == 1 and os.path.samefile(said[0], model), said, model)

    call(*MPIRUN, "-n", 2, program, "forecast", os.path.join(share, "quickstart.yaml"), *SMALL, "-run_output_dir", "out", cwd=tmp)
    check(os.path.getsize(os.path.join(tmp, "out", "hr.nc")) > 1e5)

    env = dict(os.environ, PKG_CONFIG_PATH=glob.glob(os.path.join(prefix, "lib*", "**", "pkgconfig"), recursive=True)[0])
    flags = call("pkg-config", "--cflags", "--libs", "windbridge", cwd=tmp, env=env).split()
    check("-I" + os.path.join(prefix, "include") in [os.path.normpath(f) if f[:2] != "-I" else "-I" + os.path.normpath(f[2:])
                                                     for f in flags], flags)
    for name, ranks, arguments in (("01_bridge", 1, []), ("03_forecast", 2, [model])):
        source = os.path.join(share, "examples", name + ".c")
        call("mpicc", "-D_GNU_SOURCE", source, "-o", name, *flags, cwd=tmp, env=env)
        call(*MPIRUN, "-n", ranks, os.path.join(tmp, name), *arguments, cwd=tmp)
    shutil.rmtree(tmp)


main()
