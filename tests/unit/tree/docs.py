"""The documents build without warnings, and every deck and command named in README and guides exists."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["WB_SOURCE_DIR"]
if not shutil.which("sphinx-build"):
    if os.environ.get("CI"):
        sys.exit("FAILED: sphinx-build is not installed")
    print("skipped: sphinx-build is not installed")
    sys.exit(77)
with tempfile.TemporaryDirectory() as out:
    built = subprocess.run(["/usr/bin/python3", "-m", "sphinx", "-W", "-q", "-b", "html", os.path.join(SOURCE, "doc"), out],
                           capture_output=True, text=True)
    if built.returncode != 0:
        sys.exit("FAILED: " + built.stderr)
    table = subprocess.run([os.environ["WB_PROGRAM"], "--help-rst"], capture_output=True, text=True, check=True).stdout
    keys = re.findall(r"^``(\w+)``$", table, re.M)
    with open(os.path.join(out, "keys.html")) as f:
        page = f.read()
    left = [key for key in keys if f">{key}<" not in page]
    if len(keys) < 150 or left:
        sys.exit(f"FAILED: the reference of the keys lacks {left} of {len(keys)}")
missing = []
with open(os.path.join(SOURCE, "doc/reference.rst")) as f:
    shown = set(re.findall(r"literalinclude:: \.\./include/windbridge/(\w+\.h)", f.read()))
headers = set(os.listdir(os.path.join(SOURCE, "include/windbridge"))) - {"real.h"}  # real.h: for the library's own kernels
if shown != headers:
    sys.exit(f"FAILED: doc/reference.rst and include/windbridge differ in {sorted(shown ^ headers)}")
for name in ["README.md", "doc/user_guide.rst", "doc/developer_guide.rst", "doc/theory.rst", "doc/results.rst",
             "doc/efficiency.rst", "examples/README.md", "CONTRIBUTING.md"]:
    with open(os.path.join(SOURCE, name)) as f:
        text = f.read()
    for path in re.findall(r"\b((?:input|jobscripts|postproc|src|tests|doc|include|examples)/[\w./]*\w\.\w+)", text):
        if not os.path.exists(os.path.join(SOURCE, path)):
            missing.append(f"{name}: {path}")
if missing:
    sys.exit("FAILED: named but not there: " + ", ".join(missing))
print("documents build; every named file exists")
