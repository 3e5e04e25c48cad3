"""Every C file and header is formatted as .clang-format says."""
import re

import _tree

_tree.need("clang-format")
paths = _tree.files(".c", ".h")
status, output = _tree.run("clang-format", "--dry-run", "-Werror", *paths)
faults = sorted(set(re.findall(r"^([^:\s]+):\d+:\d+: error", output, re.M)))
if status and not faults:
    faults = output.splitlines()
_tree.finish([f"{f}: run clang-format -i" for f in faults], len(paths))
