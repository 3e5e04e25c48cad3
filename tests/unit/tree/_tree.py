"""Shared by the source tree tests: where things are, and how a missing tool is treated."""
import os
import shutil
import subprocess
import sys

ROOT = os.environ.get("WB_SOURCE_DIR") or os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
BUILD = os.environ.get("WB_BUILD_DIR") or os.path.join(ROOT, "build")


def files(*endings, under=("src", "include", "tests")):
    """Paths, relative to the root, of the project's files with these endings; build folders are elsewhere."""
    found = []
    for top in under:
        for folder, subfolders, names in os.walk(os.path.join(ROOT, top)):
            subfolders[:] = [s for s in subfolders if s != "__pycache__"]
            found += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names if n.endswith(endings)]
    return sorted(found)


def text(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def need(tool):
    """Skip without the tool on a developer's machine; where CI promises it, its absence is a failure."""
    if shutil.which(tool):
        return
    if os.environ.get("CI") or os.environ.get("WB_REQUIRE_TOOLS"):
        sys.exit(f"{tool} is missing (bash jobscripts/install_packages.sh --tests)")
    print(f"skipped: {tool} is not installed")
    sys.exit(77)


def run(*command):
    """Exit status and output of a command run in the root."""
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.returncode, done.stdout


def finish(faults, checked):
    """A test that looked at nothing has not passed."""
    if checked == 0:
        sys.exit("nothing was checked: the test does not find the sources")
    for fault in faults:
        print(fault)
    print(f"{checked} checked, {len(faults)} faults")
    sys.exit(1 if faults else 0)
