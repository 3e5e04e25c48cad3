"""postproc/windbridge_train.py's loss: weights count relative to each other, one of them alone gives the mean square error of
that variable over air cells."""
import os
import sys

try:
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.environ["WB_SOURCE_DIR"], "postproc"))
import windbridge_train as wt  # noqa: E402


def check(condition, *why):
    if not condition:
        sys.exit("failed: " + " ".join(map(str, why)))


torch.manual_seed(1)
error = torch.randn(3, 4, 2, 5, 6)
mask = (torch.rand(3, 1, 2, 5, 6) > 0.4).float()
alone = []
for c in range(4):
    weights = [float(c == i) for i in range(4)]
    want = float((error[:, c][mask[:, 0] > 0] ** 2).mean())
    alone.append(float(wt.square_error(error, mask, weights)))
    check(abs(alone[-1] - want) <= 1e-5 * want, "variable", c, alone[-1], want)
even, tripled = (float(wt.square_error(error, mask, [w] * 4)) for w in (1.0, 3.0))
check(abs(even - sum(alone) / 4) <= 1e-5 * even, "the mean of all", even, alone)
check(abs(even - tripled) <= 1e-5 * even, "only relative weights count", even, tripled)
print("weights of the loss are right")
