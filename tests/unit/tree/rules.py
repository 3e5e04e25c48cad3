"""Rules of the sources that no compiler checks: no world communicator and no exit in the libraries, kernels of few
arguments, short files."""
import re

import _tree

MAX_LINES = 450
forbidden = re.compile(r"\b(MPI_COMM_WORLD|PETSC_COMM_WORLD|MPI_Abort|(?:_?exit|_Exit|quick_exit)\s*\()")
comment_or_string = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)

faults, checked = [], 0
for path in _tree.files(".c", ".h", under=("src", "include")):
    checked += 1
    if path == "src/app/main.c":
        continue
    code = comment_or_string.sub(lambda m: "\n" * m.group(0).count("\n"), _tree.text(path))
    for number, line in enumerate(code.splitlines(), 1):
        for word in forbidden.findall(line):
            faults.append(f"{path}:{number}: {word.strip(' (')} has no place in a library")

# Kernels: what lies in a folder named real without returning an error, or carries WB_KERNEL.
MAX_ARGUMENTS = 8
definition = re.compile(r"^((?:\w[\w *]*)?)\b(\w+|WB_R\(\w+\))\(([^;{}()]*)\)\s*\{", re.M)
kernels = 0
for path in _tree.files(".c", ".h", under=("src",)):
    for kind, name, arguments in definition.findall(comment_or_string.sub("", _tree.text(path))):
        if name in ("if", "for", "while", "switch") or "PetscErrorCode" in kind:
            continue
        if "WB_KERNEL" not in kind and "/real/" not in path:
            continue
        kernels += 1
        if arguments.count(",") >= MAX_ARGUMENTS:
            faults.append(f"{path}: {name} takes {arguments.count(',') + 1} arguments, at most {MAX_ARGUMENTS}")
if kernels < 100:
    faults.append(f"only {kernels} kernels found: the pattern no longer fits the sources")
for path in _tree.files(".c", ".h", ".py", ".sh", under=("src", "include", "tests", "jobscripts", "postproc")):
    lines = _tree.text(path).count("\n")
    if lines > MAX_LINES:
        faults.append(f"{path}: {lines} lines, at most {MAX_LINES}")
_tree.finish(faults, checked)
