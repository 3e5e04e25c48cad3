"""postproc/architectures.py: every candidate is blind inside buildings, every parameter learns, work is counted right."""
from _torch import check

import torch

import architectures  # found by _torch

torch.manual_seed(1)
stat, mask = torch.randn(1, 9, 8, 16, 16), (torch.rand(1, 1, 8, 16, 16) > 0.3).float()
stat[:, architectures.LR_VALID] = (torch.rand(1, 8, 16, 16) > 0.3).float() * mask[:, 0]
other = torch.where(mask > 0, stat, torch.randn(stat.shape))
for name in architectures.CANDIDATES:
    net = architectures.build(name, 1)
    for parameter in net.parameters():  # heads begin at 0
        torch.nn.init.normal_(parameter, std=0.1)
    first, second = net(stat, mask), net(other, mask)
    check(torch.equal(first, second) and not (first * (1 - mask)).any(), name, "looks into buildings")
    first.square().mean().backward()
    idle = [key for key, p in net.named_parameters() if p.grad is None or not p.grad.any()]
    check(not idle, name, "has parameters without a gradient:", idle)
c1, c2 = 27 * 32 * 32 / 8, 27 * 64 * 64 / 64  # 3^3 convolutions at 10 and at 20 m
thin = 9 * 32 + 2 * 8 * 32 * 64 / 64 + 32 * 32 / 8
got = architectures.multiply_adds(architectures.build("default", 1))
check(abs(got - (6 * c1 + 8 * c2 + thin)) < 1e-6 * got, "multiply-adds", got, 6 * c1 + 8 * c2 + thin)
print("candidates of the mean network are sound")
