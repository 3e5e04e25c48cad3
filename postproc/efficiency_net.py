"""The 2-D experiment of doc/efficiency.rst: horizontal slices at 2.5 m and one network for every process.

Slices come from `windbridge train -train_export_file -train_export_levels 1`; states, targets, samplers from the
program's bridge module (windbridge_bridge.py). Arrays (..., y, x, channel), channels theta, u, v, w in normalised units.
"""
import h5py
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CHANNELS = ("theta", "u", "v", "w")


class Slices:
    """One split: x0, x1 (minutes, y, x, 4), stat (minutes, 8, y, x): x0, air, LR valid, wall distance, heat flux.

    Units: std(x1 - x0) over the air of the training slices (`unit`, of the file's units; in `Slices.physical` of K, m/s).
    """

    def __init__(self, path, split, unit=None):
        x0, x1, stat, mask, self.physical, self.city, self.run = [], [], [], [], [], [], []
        with h5py.File(path, "r") as file:
            scale = np.array([np.ravel(file.attrs["scale_" + c])[0] for c in CHANNELS])
            by_wind = bool(np.ravel(file.attrs["scale_by_wind"])[0])
            groups = [file[name] for name in sorted(file) if name.startswith("run_")]
            groups = [g for g in groups if text(g.attrs["split"]) == split]
            for number, g in enumerate(groups):
                air = g["fluid_mask"][0] > 0
                geometry = [air, (g["lr_valid_mask"][0] > 0) * air, g["wall_distance"][0] / 40 * air,
                            g["heat_flux"][()] / 0.1 * air]
                wind = float(np.ravel(g.attrs["wind_speed_m_per_s"])[0]) if by_wind else 1.0
                for minute in range(g["x0"].shape[0]):
                    x0.append(g["x0"][minute, 0])
                    x1.append(g["x1"][minute, 0])
                    stat.append(np.stack(geometry).astype(np.float32))
                    mask.append(air)
                    self.physical.append(scale * np.array([1, wind, wind, wind]))
                    self.city.append(int(np.ravel(g.attrs["city_seed"])[0]))
                    self.run.append(number)
        self.mask = np.stack(mask)
        x0, x1 = np.stack(x0), np.stack(x1)
        if unit is None:
            unit = np.sqrt(np.mean((x1 - x0)[self.mask] ** 2, axis=0))
        self.unit = unit
        self.x0, self.x1 = (x0 / unit).astype(np.float32), (x1 / unit).astype(np.float32)
        self.physical = np.array(self.physical) * unit
        self.stat = np.concatenate([np.moveaxis(self.x0, -1, 1), np.stack(stat)], 1)

    def __len__(self):
        return len(self.x0)


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


class ChannelNorm(nn.Module):
    """Layer normalisation of each cell's channels, with scale and shift of the time embedding."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x, film=None):
        y = F.layer_norm(x.permute(0, 2, 3, 1), (self.channels,)).permute(0, 3, 1, 2)
        if film is None:
            return y
        scale, shift = film.chunk(2, 1)
        return y * (1 + scale[..., None, None]) + shift[..., None, None]


class Block(nn.Module):
    dropout = 0.1

    def __init__(self, channels, embed=0):
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(channels), ChannelNorm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.film = nn.Linear(embed, 2 * channels) if embed else None
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x, embedding=None):
        film = self.film(embedding) if self.film else None
        y = self.conv1(F.silu(self.norm1(x, film)))
        return x + self.conv2(F.dropout2d(F.silu(self.norm2(y)), self.dropout, self.training))


class Condition(nn.Module):
    """What does not depend on t, once for all steps and members: features at 10 m and at 20 m."""

    def __init__(self, w1, w2, w3):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(8, w1, 2, 2), nn.SiLU(), nn.Conv2d(w1, w1, 3, padding=1))
        self.down2, self.down3 = nn.Conv2d(w1, w2, 2, 2), nn.Conv2d(w2, w3, 2, 2)
        self.up2, self.up1 = nn.ConvTranspose2d(w3, w2, 2, 2), nn.ConvTranspose2d(w2, w1, 2, 2)
        self.block2, self.block3, self.block4, self.block5 = Block(w2), Block(w3), Block(w3), Block(w2)
        self.block1 = Block(w1)

    def forward(self, stat):
        h1 = self.stem(stat)
        h2 = self.block2(self.down2(h1))
        h3 = self.block4(self.block3(self.down3(h2)))
        h2 = self.block5(h2 + self.up2(h3))
        return self.block1(h1 + self.up1(h2)), h2


class SliceNet(nn.Module):
    """F(x_t, t | condition): U-Net of 10, 20 (and in the condition 40 m) cells; the state passes to the head as it is."""

    def __init__(self, w1=24, w2=48, w3=64, embed=48):
        super().__init__()
        self.condition = Condition(w1, w2, w3)
        self.embed = nn.Sequential(nn.Linear(embed, embed), nn.SiLU(), nn.Linear(embed, embed), nn.SiLU())
        self.width = embed
        self.stem = nn.Conv2d(4, w1, 4, stride=2, padding=1)
        self.down, self.up = nn.Conv2d(w1, w2, 2, 2), nn.ConvTranspose2d(w2, w1, 2, 2)
        self.block1, self.block2, self.block3 = Block(w1, embed), Block(w2, embed), Block(w1, embed)
        self.norm, self.film = ChannelNorm(w1), nn.Linear(embed, 2 * w1)
        self.head, self.skip = nn.ConvTranspose2d(w1, 4, 4, stride=2, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.gate = nn.Linear(embed, 4)
        for zero in (self.head, self.skip):
            nn.init.zeros_(zero.weight)
            nn.init.zeros_(zero.bias)

    def embedding(self, level):
        """level (n): any monotone label of t of order 1 (log_level)."""
        half = self.width // 2
        power = torch.linspace(0, 1, half, dtype=torch.float32)
        phase = level.float()[:, None] * 30.0 ** power * 0.5
        return self.embed(torch.cat([torch.sin(phase), torch.cos(phase)], 1))

    def forward(self, x, level, features):
        """x (n, 4, y, x) preconditioned, level (n), features of n conditions."""
        e = self.embedding(level)
        h = self.block1(self.stem(x) + features[0], e)
        g = self.block2(self.down(h) + features[1], e)
        h = self.block3(h + self.up(g), e)
        return self.head(F.silu(self.norm(h, self.film(e)))) + self.skip(x) * (1 + self.gate(e)[..., None, None])


def log_level(process, t):
    """Half the log of signal over noise, finite at both ends: one label of t for all processes. At the start from a point
    there is neither: the label of t = 0.001, where the state tells nothing yet."""
    at = process.at(t)
    if at.beta == 0 and at.w == 0:
        at = process.at(1e-3)
    noise, signal = np.sqrt(at.w), at.beta
    return float(np.log((signal + 1e-3) / (noise + 1e-3)) / 2)
