"""The documentation builds without a warning."""
import os
import sys
import tempfile

import _tree

_tree.need("sphinx-build")
if not os.path.exists(os.path.join(_tree.ROOT, "doc", "conf.py")):
    sys.exit("doc/conf.py is missing")
with tempfile.TemporaryDirectory() as folder:
    status, output = _tree.run("sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "-d", folder + "/trees", "doc",
                               folder + "/html")
    pages = [n for n in os.listdir(folder + "/html") if n.endswith(".html")] if status == 0 else ["?"]
_tree.finish(output.splitlines() if status else [], len(pages))
