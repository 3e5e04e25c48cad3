"""Mutated decks: the program refuses or accepts them, with exit code 0 or 2 and at most one line; it never crashes."""
import os
import random
import subprocess
import sys
import tempfile

PROGRAM, SOURCE = os.environ["WB_PROGRAM"], os.environ["WB_SOURCE_DIR"]
random.seed(20261121)
with open(os.path.join(SOURCE, "input", "quickstart.yaml"), "rb") as f:
    seed_deck = f.read()


def mutate(text):
    data = bytearray(text)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(data))
        kind = random.randrange(5)
        if kind == 0:
            data[at] = random.randrange(256)
        elif kind == 1:
            del data[at:at + random.randint(1, 12)]
        elif kind == 2:
            data[at:at] = random.choice([b"{", b"[", b"}", b"\n", b"  ", b": ", b"-", b"&a", b"*a", b"!!int", b"\0", b"1e999",
                                         b"nan", b"\xff\xfe", b"#", b"'", b'"', b"|", b"%"])
        elif kind == 3:
            other = random.randrange(len(data))
            data[at:at] = data[other:other + 20]
        else:
            data = data[:at] or bytearray(b"x")
    return bytes(data)


with tempfile.TemporaryDirectory() as tmp:
    path = os.path.join(tmp, "deck.yaml")
    accepted = 0
    for i in range(60):
        with open(path, "wb") as f:
            f.write(mutate(seed_deck))
        out = subprocess.run([PROGRAM, "forecast", path, "--print-config"], capture_output=True, timeout=60)
        lines = [l for l in out.stderr.decode(errors="replace").splitlines() if l]
        if out.returncode not in (0, 2) or (out.returncode == 2 and len(lines) != 1):
            print("FAILED: exit code", out.returncode, "on", open(path, "rb").read(), out.stderr.decode(errors="replace"))
            sys.exit(1)
        accepted += out.returncode == 0
    print(f"60 decks, {accepted} accepted")
