"""What messages and documents call a key is a key of the table: every -group_key and group_key in the strings of src and in the
documents, with groups as the table has them."""
import re
import subprocess
import os

import _tree

NOT_KEYS = {"les_flat", "les_city", "les_bare_sum", "les_flat_of_bare"}  # figures of bench, in doc/performance.rst
table = subprocess.run([os.environ["WB_PROGRAM"], "--help-rst"], capture_output=True, text=True, check=True).stdout
keys = set(re.findall(r"^``(\w+)``$", table, re.M))
groups = sorted({key.split("_")[0] for key in keys})
word = re.compile(r"(?<![\w./%%])-?((?:%s)_[a-zA-Z0-9_]*[a-zA-Z0-9])(?![\w(]|\.(?:c|h|py|nc|yaml|csv|h5|sh)\b)" % "|".join(groups))
string = re.compile(r'"((?:\\.|[^"\\\n])*)"')
comment = re.compile(r"/\*.*?\*/", re.S)

faults, checked = [], 0


def look(path, number, text):
    global checked
    for found in word.findall(text):
        checked += 1
        # "les_slice_*" and the beginning of several keys are meant as such
        family = any(key.startswith(found + "_") for key in keys) and re.search(re.escape(found) + r"_?(\*|\.\.\.)", text)
        if found not in keys and found not in NOT_KEYS and not family:
            faults.append(f"{path}:{number}: {found} is no key")


for path in _tree.files(".c", ".h", under=("src",)):
    code = comment.sub(lambda m: "\n" * m.group(0).count("\n"), _tree.text(path))
    for number, line in enumerate(code.splitlines(), 1):
        if line.startswith("#include"):
            continue
        for text in string.findall(line):
            if " " in text:  # a message; names alone are looked up, and an unknown one ends the program
                look(path, number, text)
for name in ("user_guide", "theory", "results", "performance", "efficiency", "validation"):
    for number, line in enumerate(_tree.text(f"doc/{name}.rst").splitlines(), 1):
        for text in re.findall(r"``([^`]*)``", line):
            look(f"doc/{name}.rst", number, text)
_tree.finish(faults, checked)
