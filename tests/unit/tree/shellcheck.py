"""Shell scripts pass shellcheck."""
import os

import _tree

_tree.need("shellcheck")
paths = _tree.files(".sh", ".slurm", ".pbs", under=("jobscripts", "tests", "input", "postproc", "doc"))
if os.path.exists(os.path.join(_tree.ROOT, ".ci/run")):
    paths.append(".ci/run")
status, output = _tree.run("shellcheck", "-s", "bash", "-S", "style", *paths)
_tree.finish(output.splitlines() if status else [], len(paths))
