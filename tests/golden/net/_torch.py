"""For tests of what postproc/ does with PyTorch: skips the test where there is none, finds the modules, checks."""
import os
import sys

try:
    import torch  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.environ["WB_SOURCE_DIR"], "postproc"))


def check(condition, *why):
    if not condition:
        sys.exit("failed: " + " ".join(map(str, why)))
