"""Module rule: a module uses only the modules that cmake/Modules.cmake allows it, in includes and in symbols."""
import glob
import os
import re

import _tree

table = _tree.text("cmake/Modules.cmake")
modules = re.search(r"set\(WB_MODULES ([^)]*)\)", table).group(1).split()
uses = {}
for name in modules:
    words = re.search(rf"set\(WB_USES_{name}\s+([^)]*)\)", table).group(1)
    uses[name] = [w for w in words.split() if w != '""']

faults, checked = [], 0

# The table itself: only lower modules, so there is no cycle.
for place, name in enumerate(modules):
    for used in uses[name]:
        if used not in modules[:place]:
            faults.append(f"cmake/Modules.cmake: {name} uses {used}, which does not come before it")


def check_includes(module, path, own, extra):
    """Public headers of allowed modules, own internal headers, nothing reached through a path."""
    for number, line in enumerate(_tree.text(path).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+(?:"([^"]+)"|<(windbridge/[^>]+)>)', line)
        if not found:
            continue
        header = found.group(1) or found.group(2)
        where = f"{path}:{number}: {module}"
        if header.startswith("windbridge/"):
            other = os.path.basename(header)[:-2]
            if other not in [module, *uses[module], *extra]:
                faults.append(f"{where} may not include {header} (allowed: {' '.join(uses[module])})")
        elif "/" in header:
            faults.append(f"{where} includes {header} through a path")
        elif header not in own:
            faults.append(f"{where} includes {header}, which is not in src/{module}")


for module in modules:
    # Rooms (src/<module>/<room>) see each other's headers by their names, so a name stands once.
    headers = _tree.files(".h", under=(f"src/{module}",))
    own = {os.path.basename(h): h for h in headers}
    faults += [f"{h} has the name of {own[os.path.basename(h)]}" for h in headers if own[os.path.basename(h)] != h]
    for path in _tree.files(".c", ".h", under=(f"src/{module}",)):
        check_includes(module, path, own, ["real"])
        checked += 1
    header = f"include/windbridge/{module}.h"
    if os.path.exists(os.path.join(_tree.ROOT, header)):
        check_includes(module, header, own, [])
        checked += 1

# Symbols, where libraries are built: who defines each wb_ symbol, and who asks for it.
libraries = {m: p for m in modules for p in glob.glob(os.path.join(_tree.BUILD, "**", f"libwb_{m}.a"), recursive=True)}
defined, wanted = {}, {}
for module, path in libraries.items():
    status, listing = _tree.run("nm", "-P", path)
    if status:
        faults.append(f"nm {path} failed")
    wanted[module] = set()
    for line in listing.splitlines():
        symbol = line.split()
        if len(symbol) < 2 or not symbol[0].startswith("wb_"):
            continue
        if symbol[1] == "U":
            wanted[module].add(symbol[0])
        elif symbol[1].isupper() or symbol[1] in "iVv":
            owner = defined.setdefault(symbol[0], module)
            if owner != module:
                faults.append(f"{symbol[0]} is defined in both {owner} and {module}")
for module, symbols in wanted.items():
    for symbol in sorted(symbols):
        owner = defined.get(symbol)
        if owner is None:
            if all(m in libraries for m in modules if _tree.files(".c", under=(f"src/{m}",))):
                faults.append(f"{module} wants {symbol}, which no module defines")
        elif owner not in [module, *uses[module]]:
            faults.append(f"{module} uses {symbol} of {owner}")
        checked += 1
print(f"symbols of {len(libraries)} libraries")
_tree.finish(faults, checked)
