"""clang-tidy finds nothing in the library sources. A file is looked at again only when it, a header or the checks
changed since it was last found clean (stamps in the build folder)."""
import concurrent.futures
import hashlib
import json
import os
import time

import _tree

_tree.need("clang-tidy")
database = os.path.join(_tree.BUILD, "compile_commands.json")
if not os.path.exists(database):
    raise SystemExit(f"{database} is missing: configure the build first")
stamps = os.path.join(_tree.BUILD, "tidy")
os.makedirs(stamps, exist_ok=True)

headers = _tree.files(".h", under=("include", "src"))
shared = hashlib.sha256("".join(_tree.text(p) for p in [".clang-tidy", *headers]).encode()).hexdigest()
with open(database, encoding="utf-8") as f:
    commands = json.load(f)
paths = sorted({c["file"] for c in commands if c["file"].startswith(os.path.join(_tree.ROOT, "src") + os.sep)})


def check(path):
    """Output of clang-tidy, empty when clean."""
    with open(path, encoding="utf-8") as f:
        key = hashlib.sha256((shared + path + f.read()).encode()).hexdigest()
    stamp = os.path.join(stamps, key)
    if os.path.exists(stamp):
        return ""
    status, output = _tree.run("clang-tidy", "-p", _tree.BUILD, "--quiet", path)
    if status == 0:
        with open(stamp, "w", encoding="utf-8") as f:
            f.write(path + "\n")
        return ""
    return output.strip() or f"{path}: clang-tidy failed with {status}"


start = time.monotonic()
with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
    outputs = [o for o in pool.map(check, paths) if o]
print(f"clang-tidy: {time.monotonic() - start:.0f} s")
_tree.finish(outputs, len(paths))
