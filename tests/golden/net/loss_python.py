"""postproc/windbridge_train.py's loss: weights count relative to each other, one of them alone gives the mean square error of
that variable over air cells."""
from _torch import check

import torch

import windbridge_train as wt  # found by _torch

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
