"""PyTorch twin of windbridge's network: the same parameters, names and values, and its model files (HDF5).

    net, meta = read_model("input/models/bridge.h5")
    out = net(t, x, net.condition(stat, mask), mask)     # x (nz, ny, nx, 4), stat (nz, ny, nx, 9), mask (nz, ny, nx)
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
KIND = "windbridge-unet-1"
RMS_EPS = 1e-5
FREQUENCY_MAX = 100.0
DEFAULT = {"in_dynamic": 4, "in_static": 9, "out": 4, "width1": 32, "width2": 64, "blocks1": 1, "blocks2": 3,
           "embed": 64}


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


class ChannelRMSNorm(nn.Module):
    """Divides each voxel's channels by their root mean square; `weight` is applied by the caller together with FiLM."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x, scale=None, shift=None):
        gain = self.weight if scale is None else self.weight * (1 + scale)
        x = x * torch.rsqrt((x * x).mean(1, keepdim=True) + RMS_EPS) * gain.view(1, -1, 1, 1, 1)
        return x if shift is None else x + shift.view(1, -1, 1, 1, 1)


class Block(nn.Module):
    def __init__(self, channels, embed):
        super().__init__()
        self.norm1 = ChannelRMSNorm(channels)
        self.film = nn.Linear(embed, 2 * channels)
        self.conv1 = nn.Conv3d(channels, channels, 3, padding=1)
        self.norm2 = ChannelRMSNorm(channels)
        self.conv2 = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, x, embedding):
        scale, shift = self.film(embedding).chunk(2)
        y = self.conv1(F.silu(self.norm1(x, scale, shift)))
        return x + self.conv2(F.silu(self.norm2(y)))


class WindbridgeNet(nn.Module):
    """Modules are registered in the order of the model file's checksum (and of the C program's parameters)."""

    def __init__(self, **config):
        super().__init__()
        self.config = c = {**DEFAULT, **config}
        w1, w2, e = c["width1"], c["width2"], c["embed"]
        self.embed1 = nn.Linear(e, e)
        self.embed2 = nn.Linear(e, e)
        self.stem = nn.Conv3d(8 * c["in_dynamic"], w1, 3, padding=1)
        self.stat1 = nn.Conv3d(8 * c["in_static"], w1, 1)
        self.stat2 = nn.Conv3d(w1, w1, 3, padding=1)
        self.stat_down = nn.Conv3d(8 * w1, w2, 1)
        self.down = nn.Conv3d(8 * w1, w2, 1)
        widths = [w1] * c["blocks1"] + [w2] * c["blocks2"] + [w1] * c["blocks1"]
        self.blocks = nn.ModuleList(Block(w, e) for w in widths)
        self.up = nn.Conv3d(w2, 8 * w1, 1)
        self.out_norm = ChannelRMSNorm(w1)
        self.out_film = nn.Linear(e, 3 * w1)
        self.head = nn.Conv3d(w1, 8 * c["out"], 3, padding=1)
        self.head_skip = nn.Conv3d(w1, 8 * c["out"], 1, bias=False)

    def embedding(self, t):
        half = self.config["embed"] // 2
        power = torch.arange(half, dtype=torch.float64) / max(half - 1, 1)
        phase = FREQUENCY_MAX ** power * t
        feature = torch.cat([torch.sin(phase), torch.cos(phase)]).to(self.embed1.weight.dtype)
        return F.silu(self.embed2(F.silu(self.embed1(feature))))

    @staticmethod
    def _channels_first(field, mask):
        return (field * mask[..., None]).permute(3, 0, 1, 2)[None]

    def condition(self, stat, mask):
        s1 = self.stat2(F.silu(self.stat1(space_to_depth(self._channels_first(stat, mask)))))
        return s1, self.stat_down(space_to_depth(s1))

    def forward(self, t, x, conditioned, mask):
        s1, s2 = conditioned
        b1, b2 = self.config["blocks1"], self.config["blocks2"]
        embedding = self.embedding(t)
        h = self.stem(space_to_depth(self._channels_first(x, mask))) + s1
        for block in self.blocks[:b1]:
            h = block(h, embedding)
        g = self.down(space_to_depth(h)) + s2
        for block in self.blocks[b1:b1 + b2]:
            g = block(g, embedding)
        h = h + depth_to_space(self.up(g))
        for block in self.blocks[b1 + b2:]:
            h = block(h, embedding)
        scale, shift, gate = self.out_film(embedding).chunk(3)
        out = self.head(F.silu(self.out_norm(h, scale, shift))) + self.head_skip(h * (1 + gate).view(1, -1, 1, 1, 1))
        return depth_to_space(out)[0].permute(1, 2, 3, 0) * mask[..., None]



def checksum(state):
    """FNV-1a 64 of the float32 bytes of the parameters in order."""
    value = 14695981039346656037
    for tensor in state.values():
        for byte in tensor.detach().cpu().to(torch.float32).contiguous().numpy().astype("<f4").tobytes():
            value = ((value ^ byte) * 1099511628211) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def write_model(path, net, meta):
    """meta: dict with process, schedule, target, epsilon and scale ({theta, u, v, w}), scale_by_wind, training (text)."""
    state = net.state_dict()
    temporary = f"{path}.tmp"
    with h5py.File(temporary, "w") as file:
        file.attrs["format_version"] = np.int32(FORMAT_VERSION)
        file.attrs["architecture"] = json.dumps({"kind": KIND, **net.config})
        file.attrs["meta"] = json.dumps(meta)
        file.attrs["checksum"] = checksum(state)
        for name, tensor in state.items():
            file.create_dataset(name, data=tensor.detach().cpu().numpy().astype("<f4"))
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


def count_flops(config, nx, ny, nz):
    """Operations of the convolutions of one evaluation, the static branch left out."""
    c = {**DEFAULT, **config}
    n1, n2 = nx * ny * nz / 8, nx * ny * nz / 64
    w1, w2 = c["width1"], c["width2"]
    per1 = 27 * (8 * c["in_dynamic"] * w1 + 8 * c["out"] * w1 + 4 * c["blocks1"] * w1 * w1) + 8 * c["out"] * w1
    per2 = 27 * 2 * c["blocks2"] * w2 * w2 + 16 * w1 * w2
    return 2 * (n1 * per1 + n2 * per2)


if __name__ == "__main__":
    import sys

    model, information = read_model(sys.argv[1])
    parameters = sum(p.numel() for p in model.parameters())
    print(json.dumps({"architecture": model.config, "parameters": parameters, "meta": information}, indent=2))
