"""Runs the program on rewritings of one file: each gives the base's fields or a refusal, never other fields."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

import netCDF4
import numpy as np

from _rewrite import KEEP

PROGRAM = os.environ["WB_PROGRAM"]
COUNT = int(os.environ.get("WB_FUZZ_N", "0"))
SEED = int(os.environ.get("WB_FUZZ_SEED", "20261201"))


def run(arguments, folder):
    return subprocess.run([PROGRAM, *map(str, arguments), "-run_output_dir", folder, "-run_overwrite", "-run_quiet"],
                          capture_output=True, text=True, timeout=120)


def fields(path, names):
    with netCDF4.Dataset(path) as f:
        out = {}
        for name in names:
            if name == "time":  # as instants, so that an epoch of another file is compared too
                t = f["time"]
                out[name] = netCDF4.date2num(netCDF4.num2date(t[:], t.units, t.calendar), "seconds since 2026-01-05", t.calendar)
            else:
                out[name] = np.ma.filled(f[name][...].astype("f8"), np.nan)
        return out


def differs(base, other, tolerance):
    """The first variable that is not the base's, in words; empty when all are."""
    for name, want in base.items():
        got = other[name]
        if got.shape != want.shape:
            return f"{name} has shape {got.shape}, not {want.shape}"
        if not np.array_equal(np.isnan(got), np.isnan(want)):
            return f"{name} has other solid cells"
        far = np.nanmax(np.abs(got - want)) if want.size else 0
        if not far <= tolerance.get(name, tolerance["*"]):
            return f"{name} is off by {far:g}"
    return ""


class Attack:
    """command(path): arguments; result: file of the output folder; names: variables to compare; truth: values of some of them that
    are known beforehand."""

    read = staticmethod(fields)

    def __init__(self, base, command, result, names, tolerance, count, truth=None):
        self.truth, self.base, self.command, self.result, self.names, self.tolerance = truth or {}, base, command, result, names, tolerance
        self.count, self.tmp = COUNT or count, tempfile.mkdtemp(prefix="wb_fuzz_")
        self.faults, self.outcome, self.accepted, self.tried = [], Counter(), Counter(), Counter()

    def one(self, data, names, label):
        path, out = os.path.join(self.tmp, "file.nc"), os.path.join(self.tmp, "out")
        try:
            data.write(path)
        except Exception:  # what netCDF itself cannot hold (64-bit numbers in a classic file) is no rewriting
            self.outcome["not writable"] += 1
            return None
        shutil.rmtree(out, ignore_errors=True)
        done = run(self.command(path), out)
        if done.returncode == 0:
            wrong = differs(names, self.read(os.path.join(out, self.result), self.names), self.tolerance)
        elif done.returncode in (2, 3):
            ours = [line for line in done.stderr.splitlines() if line.startswith("windbridge:")]
            wrong = "" if len(ours) == 1 else f"refused in {len(ours)} lines: {done.stderr[-500:]}"
        else:
            wrong = f"exit code {done.returncode}: {done.stderr[-500:]}"
        kind = "wrong" if wrong else "same" if done.returncode == 0 else "refused"
        self.outcome[kind] += 1
        if wrong:
            kept = os.path.join(self.tmp, f"fault{len(self.faults)}.nc")
            shutil.copy(path, kept)
            self.faults.append(f"{label}: {wrong} (kept: {kept})")
        elif kind == "refused" and os.environ.get("WB_FUZZ_SHOW"):
            print(label, "->", done.stderr.strip()[:300])
        return kind

    def go(self, must_accept):
        out = os.path.join(self.tmp, "base")
        path = os.path.join(self.tmp, "base.nc")
        self.base.write(path)
        done = run(self.command(path), out)
        if done.returncode != 0:
            sys.exit(f"FAILED: the base itself: {done.stderr}")
        base = self.read(os.path.join(out, self.result), self.names)
        wrong = differs(self.truth, base, self.tolerance)
        if wrong:
            sys.exit(f"FAILED: the base itself: {wrong}")
        for i in range(self.count):
            rng = random.Random(SEED * 1000003 + i)
            data, names = self.base.rewritten(rng, i)
            kind = self.one(data, base, f"{i} ({', '.join(names)})")
            if i % 3 == 0 and kind:
                self.tried[names[0]] += 1
                self.accepted[names[0]] += kind == "same"
        print(f"{self.count} rewritings: {dict(self.outcome)}")
        print("accepted alone:", ", ".join(f"{c.__name__} {self.accepted[c.__name__]}/{self.tried[c.__name__]}" for c in KEEP))
        for name in must_accept:  # a reader that refuses everything is safe, but no reader
            if self.tried[name] and not self.accepted[name]:
                self.faults.append(f"{name}: understood in none of {self.tried[name]} files")
        if self.faults:
            sys.exit("FAILED:\n" + "\n".join(self.faults[:40]))
        shutil.rmtree(self.tmp)
