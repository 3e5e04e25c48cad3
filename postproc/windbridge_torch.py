"""PyTorch twin of windbridge's network: the same parameters, names and values, and its model files (HDF5).

    net, meta = read_model("input/models/bridge.h5")
    mean, features = net.condition(stat, mask)   # stat (nz, ny, nx, 9), mask (nz, ny, nx); mean: of all mean networks
    out = net(t, x, features, mask)              # x (nz, ny, nx, 4)
    write_model("new.h5", net, meta)
"""
import json
import os

import h5py
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

FORMAT_VERSION = 1
KIND = "windbridge-unet-3"
RMS_EPS = 1e-5
FREQUENCY_MAX = 100.0
DEFAULT = {"in_dynamic": 4, "in_static": 9, "out": 4, "width1": 32, "width2": 64, "blocks1": 1, "blocks2": 2,
           "cond_width1": 32, "cond_width2": 64, "cond_blocks1": 1, "cond_blocks2": 4, "cond_nets": 4, "embed": 64}


def space_to_depth(x):
    """(n, c, 2d, 2h, 2w) -> (n, 8c, d, h, w); channel ((dz 2 + dy) 2 + dx) c_in + c."""
    n, c, d, h, w = x.shape
    x = x.reshape(n, c, d // 2, 2, h // 2, 2, w // 2, 2).permute(0, 3, 5, 7, 1, 2, 4, 6)
    return x.reshape(n, 8 * c, d // 2, h // 2, w // 2)


def depth_to_space(x):
    """The inverse of space_to_depth."""
    n, c8, d, h, w = x.shape
    x = x.reshape(n, 2, 2, 2, c8 // 8, d, h, w).permute(0, 4, 5, 1, 6, 2, 7, 3)
    return x.reshape(n, c8 // 8, 2 * d, 2 * h, 2 * w)


def per_channel(value, x):
    """(c) or (n, c) for use with x (n, c, d, h, w)."""
    return value.reshape(-1, x.shape[1], 1, 1, 1)


class ChannelRMSNorm(nn.Module):
    """Divides each voxel's channels by their root mean square; `weight` is applied by the caller together with FiLM."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x, scale=None, shift=None):
        gain = self.weight if scale is None else self.weight * (1 + scale)
        x = x * torch.rsqrt((x * x).mean(1, keepdim=True) + RMS_EPS) * per_channel(gain, x)
        return x if shift is None else x + per_channel(shift, x)


class Block(nn.Module):
    """embed 0: without t. In training mode whole channels are dropped with probability `dropout`."""

    dropout = 0.0

    def __init__(self, channels, embed):
        super().__init__()
        self.norm1 = ChannelRMSNorm(channels)
        self.film = nn.Linear(embed, 2 * channels) if embed else None
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm2 = ChannelRMSNorm(channels)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, x, embedding):
        scale, shift = self.film(embedding).chunk(2, -1) if self.film else (None, None)
        y = self.conv1(F.silu(self.norm1(x, scale, shift)))
        return x + self.conv2(F.dropout3d(F.silu(self.norm2(y)), self.dropout, self.training))


class UNet(nn.Module):
    """From the 10 m stream to the output at 5 m."""

    def __init__(self, w1, w2, blocks1, blocks2, out, embed):
        super().__init__()
        self.blocks1, self.blocks2 = blocks1, blocks2
        self.down = nn.Conv3d(8 * w1, w2, 1)
        self.blocks = nn.ModuleList(Block(w, embed) for w in [w1] * blocks1 + [w2] * blocks2 + [w1] * blocks1)
        self.up = nn.Conv3d(w2, 8 * w1, 1)
        self.out_norm = ChannelRMSNorm(w1)
        self.out_film = nn.Linear(embed, 3 * w1) if embed else None
        self.head = nn.Conv3d(w1, 8 * out, 3, padding=1)
        self.head_skip = nn.Conv3d(w1, 8 * out, 1, bias=False)

    def forward(self, h, embedding=None):
        for block in self.blocks[:self.blocks1]:
            h = block(h, embedding)
        g = self.down(space_to_depth(h))
        for block in self.blocks[self.blocks1:self.blocks1 + self.blocks2]:
            g = block(g, embedding)
        h = h + depth_to_space(self.up(g))
        for block in self.blocks[self.blocks1 + self.blocks2:]:
            h = block(h, embedding)
        scale, shift, gate = self.out_film(embedding).chunk(3, -1) if self.out_film else (None, None, None)
        linear = h if gate is None else h * per_channel(1 + gate, h)
        out = self.head(F.silu(self.out_norm(h, scale, shift))) + self.head_skip(linear)
        return depth_to_space(out)


class MeanNet(UNet):
    """Static inputs (n, in_static, nz, ny, nx) -> mean of x1 - x0 (n, out, nz, ny, nx)."""

    def __init__(self, c):
        v1 = c["cond_width1"]
        super().__init__(v1, c["cond_width2"], c["cond_blocks1"], c["cond_blocks2"], c["out"], 0)
        self.stem1 = nn.Conv3d(8 * c["in_static"], v1, 1)
        self.stem2 = nn.Conv3d(v1, v1, 3, padding=1)

    def forward(self, stat, mask):
        return super().forward(self.stem2(F.silu(self.stem1(space_to_depth(stat * mask))))) * mask


class WindbridgeNet(nn.Module):
    """Modules are registered in the order of the model file's checksum (and of the C program's parameters)."""

    def __init__(self, **config):
        super().__init__()
        self.config = c = {**DEFAULT, **config}
        w1, w2, e = c["width1"], c["width2"], c["embed"]
        self.cond = nn.ModuleList(MeanNet(c) for _ in range(c["cond_nets"]))
        self.guide_stem1 = nn.Conv3d(8 * c["in_static"], w1, 1)
        self.guide_stem2 = nn.Conv3d(w1, w1, 3, padding=1)
        self.embed1 = nn.Linear(e, e)
        self.embed2 = nn.Linear(e, e)
        self.step_stem = nn.Conv3d(8 * c["in_dynamic"], w1, 3, padding=1)
        self.step = UNet(w1, w2, c["blocks1"], c["blocks2"], c["out"], e)

    def embedding(self, t):
        """t: number, or tensor (n); -> (embed) or (n, embed)."""
        half = self.config["embed"] // 2
        weight = self.embed1.weight
        power = torch.arange(half, dtype=torch.float64, device=weight.device) / max(half - 1, 1)
        phase = FREQUENCY_MAX ** power * torch.as_tensor(t, dtype=torch.float64, device=weight.device)[..., None]
        feature = torch.cat([torch.sin(phase), torch.cos(phase)], -1).to(weight.dtype)
        return F.silu(self.embed2(F.silu(self.embed1(feature))))

    def mean_batch(self, stat, mask):
        """stat (n, 9, nz, ny, nx), mask (n, 1, nz, ny, nx) -> average of the mean networks (n, out, nz, ny, nx)."""
        return sum(net(stat, mask) for net in self.cond) / len(self.cond)

    def guide_batch(self, stat, mean, mask):
        """Features of the step network about a mean (which counts as given: no gradient)."""
        out = mean.shape[1]
        inputs = torch.cat([stat[:, :out] + mean.detach(), stat[:, out:]], 1)
        return self.guide_stem2(F.silu(self.guide_stem1(space_to_depth(inputs * mask))))

    def step_batch(self, t, x, features, mask):
        """t: number or (n); x (n, 4, nz, ny, nx) -> (n, out, nz, ny, nx)."""
        return self.step(self.step_stem(space_to_depth(x * mask)) + features, self.embedding(t)) * mask

    def condition(self, stat, mask):
        """-> mean (nz, ny, nx, out), features of the step network."""
        stat, mask = _channels_first(stat), mask[None, None]
        mean = self.mean_batch(stat, mask)
        return mean[0].permute(1, 2, 3, 0), self.guide_batch(stat, mean, mask)

    def forward(self, t, x, features, mask):
        return self.step_batch(t, _channels_first(x), features, mask[None, None])[0].permute(1, 2, 3, 0)


def _channels_first(field):
    return field.permute(3, 0, 1, 2)[None]


def checksum(state):
    """FNV-1a 64 of the float32 bytes of the parameters in order."""
    value = 14695981039346656037
    for tensor in state.values():
        for byte in tensor.detach().cpu().to(torch.float32).contiguous().numpy().astype("<f4").tobytes():
            value = ((value ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def rounded(tensor, bits):
    """Float32 values with `bits` of the 23 of their mantissa left (round half away from zero)."""
    drop = 23 - bits
    raw = tensor.detach().cpu().numpy().astype("<f4").view("<u4").astype(np.uint64)
    return torch.from_numpy((((raw + (1 << drop >> 1)) >> drop) << drop).astype("<u4").view("<f4").copy())


def write_model(path, net, meta, mantissa_bits=23):
    """meta: dict with process, schedule, target, epsilon, scale, residual, spread ({theta, u, v, w}), flags, training (text).
    Fewer mantissa_bits make a smaller file (the data sets are deflated): 12 change an output by less than bf16 does."""
    state = {name: rounded(tensor, mantissa_bits) for name, tensor in net.state_dict().items()}
    temporary = f"{path}.tmp"
    with h5py.File(temporary, "w") as file:
        file.attrs["format_version"] = np.int32(FORMAT_VERSION)
        file.attrs["architecture"] = json.dumps({"kind": KIND, **net.config})
        file.attrs["meta"] = json.dumps(meta)
        file.attrs["checksum"] = checksum(state)
        for name, tensor in state.items():
            file.create_dataset(name, data=tensor.numpy(), compression="gzip", shuffle=True)
    os.replace(temporary, path)


def read_model(path, verify=True):
    """-> (net, meta); ValueError when the file does not fit."""
    with h5py.File(path, "r") as file:
        if int(file.attrs["format_version"]) != FORMAT_VERSION:
            raise ValueError(f"{path}: format version {file.attrs['format_version']}, expected {FORMAT_VERSION}")
        text = {name: file.attrs[name] for name in ("architecture", "meta", "checksum")}
        text = {k: v.decode() if isinstance(v, bytes) else str(v) for k, v in text.items()}
        architecture = json.loads(text["architecture"])
        if architecture.pop("kind") != KIND:
            raise ValueError(f"{path}: another architecture")
        net = WindbridgeNet(**architecture)
        state = {name: torch.from_numpy(file[name][()]) for name in net.state_dict()}
    net.load_state_dict(state)
    if verify and checksum(net.state_dict()) != text["checksum"]:
        raise ValueError(f"{path}: wrong checksum")
    return net, json.loads(text["meta"])


if __name__ == "__main__":
    import sys

    model, information = read_model(sys.argv[1])
    parameters = sum(p.numel() for p in model.parameters())
    print(json.dumps({"architecture": model.config, "parameters": parameters, "meta": information}, indent=2))
