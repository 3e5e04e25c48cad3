"""Runs the program as a user does, from a test."""
import os
import subprocess
import sys
import tempfile

PROGRAM = os.environ["WB_PROGRAM"]
SOURCE = os.environ["WB_SOURCE_DIR"]
DATA = os.path.join(SOURCE, "..", "shared", "data")


def run(*args, ranks=1, timeout=600, cwd=None, env=None):
    """CompletedProcess with text output; ranks 0: without mpirun."""
    command = [PROGRAM, *map(str, args)]
    if ranks:
        command = ["mpirun", "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1", "-n",
                   str(ranks), *command]
    full = dict(os.environ)
    full.update(env or {})
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, cwd=cwd, env=full)


def ours(stderr):
    """The program's own error lines (mpirun adds its chatter)."""
    return [line for line in stderr.splitlines() if line.startswith("windbridge:")]


def check(condition, *message):
    if not condition:
        print("FAILED:", *message)
        sys.exit(1)


def folder():
    return tempfile.mkdtemp(prefix="wb_test_")
