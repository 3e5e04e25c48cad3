"""Files that lie: model files, checkpoints and netCDF inputs of which one thing is of another class, rank, count, length
or kind of text, huge, empty, a group, a link, elsewhere, cut off or flipped. Each is read, or refused in one line that
names it (exit code 3); nothing crashes, hangs or takes the machine's memory."""
import os
import resource
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

BUILD, PROGRAM = os.environ["WB_BUILD_DIR"], os.environ["WB_PROGRAM"]
TARGETS = {  # an attribute of text, of a number; an array, all of the file
    "model": ("architecture", "format_version", "step.head.weight"),
    "checkpoint": ("simulation", "time_s", "u"),
    "netcdf": ("split", "wind_speed_m_per_s", "hr/theta"),
}


def reader(target):
    return os.path.join(BUILD, "tests", "fuzz_" + target)


def limited():
    """A file of some kB that wants gigabytes fails here instead of taking them."""
    resource.setrlimit(resource.RLIMIT_DATA, (4 << 30, 4 << 30))


def attribute(name, value, **how):
    def change(h, *_):
        del h.attrs[name]
        h.attrs.create(name, value, **how)
    return change


def array(name, make):
    def change(h, *_):
        old = h[name][()]
        del h[name]
        make(h, name, old)
    return change


def low_level(name, dims, chunk):
    """A dataset of that shape whose values were never written."""
    def change(h, *_):
        del h[name]
        dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        dcpl.set_chunk(chunk)
        space = h5py.h5s.create_simple(dims)
        h5py.h5d.create(h.id, name.encode(), h5py.h5t.IEEE_F32LE, space, dcpl)
    return change


def fifo_link(h, folder):
    """Whoever follows this waits for ever."""
    pipe = os.path.join(folder, "pipe")
    if not os.path.exists(pipe):
        os.mkfifo(pipe)
    return h5py.ExternalLink(pipe, "/x")


def edits(text, number, data):
    words = np.array(["x" * 200] * 500, dtype="S200")
    pair = np.dtype([("a", "f8"), ("b", "i8")])
    yield "text_500", attribute(text, words)
    yield "text_500_variable", attribute(text, ["x"] * 500, dtype=h5py.string_dtype())
    yield "text_variable", attribute(text, "abc", dtype=h5py.string_dtype())
    yield "text_number", attribute(text, 7)
    yield "text_long", attribute(text, np.bytes_(b"y" * 60000))
    yield "text_empty", attribute(text, h5py.Empty("S1"))
    yield "text_compound", attribute(text, np.zeros(1, pair))
    yield "number_text", attribute(number, "1")
    yield "number_many", attribute(number, np.ones(5000))
    yield "number_none", attribute(number, np.ones(0))
    yield "number_empty", attribute(number, h5py.Empty("f8"))
    yield "number_rank_4", attribute(number, np.ones((2, 2, 2, 2)))
    yield "number_nan", attribute(number, np.nan)
    yield "number_huge", attribute(number, 1e300)
    yield "number_compound", attribute(number, np.zeros(1, pair))
    lists = np.empty(1, object)
    lists[0] = np.arange(3, dtype="i4")
    yield "number_vlen", attribute(number, lists, dtype=h5py.vlen_dtype("i4"))
    yield "array_rank_0", array(data, lambda h, n, old: h.create_dataset(n, data=np.float32(1)))
    yield "array_rank_9", array(data, lambda h, n, old: h.create_dataset(n, data=np.ones((1,) * 9, "f4")))
    yield "array_more_axes", array(data, lambda h, n, old: h.create_dataset(n, data=old[None]))
    yield "array_longer", array(data, lambda h, n, old: h.create_dataset(n, data=np.concatenate([old, old])))
    yield "array_no_cells", array(data, lambda h, n, old: h.create_dataset(n, data=old[:0]))
    yield "array_text", array(data, lambda h, n, old: h.create_dataset(n, data=np.full(old.shape, b"abc", "S3")))
    yield "array_strings", array(data, lambda h, n, old: h.create_dataset(n, old.shape, h5py.string_dtype()))
    yield "array_compound", array(data, lambda h, n, old: h.create_dataset(n, old.shape, pair))
    yield "array_double", array(data, lambda h, n, old: h.create_dataset(n, data=old.astype(">f8")))
    yield "array_half", array(data, lambda h, n, old: h.create_dataset(n, data=old.astype("f2")))
    yield "array_integers", array(data, lambda h, n, old: h.create_dataset(n, data=np.ones(old.shape, "i2")))
    yield "array_nan", array(data, lambda h, n, old: h.create_dataset(n, data=np.full_like(old, np.nan)))
    yield "array_gone", array(data, lambda h, n, old: None)
    yield "array_group", array(data, lambda h, n, old: h.create_group(n))
    yield "array_soft_cycle", array(data, lambda h, n, old: h.__setitem__(n, h5py.SoftLink("/" + n)))
    yield "array_hard_cycle", array(data, lambda h, n, old: h.__setitem__(n, h["/"]))
    yield "array_dangling", array(data, lambda h, n, old: h.__setitem__(n, h5py.SoftLink("/nowhere")))
    yield "array_elsewhere", array(data, lambda h, n, old: h.create_dataset(
        n, old.shape, "f4", external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)]))
    yield "array_unwritten", array(data, lambda h, n, old: h.create_dataset(n, old.shape, "f4"))
    yield "array_2_40", low_level(data, (1 << 20, 1 << 20), (1024, 1024))
    yield "array_2_40_long", low_level(data, (1 << 40,), (1 << 20,))
    yield "array_2_62", low_level(data, (1 << 62,), (1 << 20,))
    yield "array_huge_4", low_level(data, (1, 1 << 12, 1 << 14, 1 << 14), (1, 1, 64, 64))
    yield "array_2_31", low_level(data, (1, 1, 1, 1 << 31), (1, 1, 1, 1 << 20))

    def to_pipe(h, folder):
        del h[data]
        h[data] = fifo_link(h, folder)
    yield "array_pipe", to_pipe

    def virtual(h, folder):
        shape = h[data].shape
        del h[data]
        layout = h5py.VirtualLayout(shape, "f4")
        layout[...] = h5py.VirtualSource(fifo_link(h, folder).filename, "x", shape)
        h.create_virtual_dataset(data, layout)
    yield "array_virtual", virtual


def hostile_files(target, folder):
    good = os.path.join(folder, "good.h5")
    subprocess.run([reader(target), "--good", good], check=True)
    with open(good, "rb") as f:
        whole = f.read()
    for name, change in edits(*TARGETS[target]):
        path = os.path.join(folder, name + ".h5")
        shutil.copy(good, path)
        with h5py.File(path, "r+") as h:
            change(h, folder)
        yield path
    rng = np.random.default_rng(1)
    for cut in range(0, len(whole), 4096):
        path = os.path.join(folder, f"cut_{cut}.h5")
        with open(path, "wb") as f:
            f.write(whole[:cut])
        yield path
    for n in range(60):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << int(rng.integers(8))
        path = os.path.join(folder, f"flipped_{n}.h5")
        with open(path, "wb") as f:
            f.write(damaged)
        yield path


MAY_BE_READ = ("flipped_", "text_empty", "text_variable", "array_double", "array_integers", "number_nan", "number_huge")
faults = []
for target in TARGETS:
    with tempfile.TemporaryDirectory(prefix="wb_hostile_") as folder:
        paths = list(hostile_files(target, folder))
        done = subprocess.run([reader(target), *paths], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              preexec_fn=limited, check=False)
        lines = done.stdout.splitlines()
        if done.returncode or len(lines) != len(paths):
            at = paths[len(lines)] if len(lines) < len(paths) else "its end"
            faults.append(f"{target}: reader ended with {done.returncode} at {at}: {done.stderr[:500]}")
        for line in lines:
            path, code, message = line.split("\t", 2)
            name = os.path.basename(path)
            if code == "0" and not name.startswith(MAY_BE_READ):
                faults.append(f"{target}: {name} was read")
            if code != "0" and (code != "2003" or path not in message):
                faults.append(f"{target}: {name}: code {code}, \"{message}\"")
        if target == "model":
            path = os.path.join(folder, "text_500.h5")
            run = subprocess.run([PROGRAM, "info", path], capture_output=True, text=True, preexec_fn=limited, check=False)
            said = [s for s in run.stderr.splitlines() if s]
            if run.returncode != 3 or len(said) != 1 or path not in said[0]:
                faults.append(f"info {path}: {run.returncode}, {run.stderr[:500]}")
    print(f"{target}: {len(paths)} files")
print("\n".join(faults))
sys.exit(1 if faults else 0)
