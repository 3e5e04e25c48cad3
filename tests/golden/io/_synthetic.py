"""A made-up result folder (streets between blocks, a sheared wind with wakes) to try the figures on."""
import json
import os

import netCDF4
import numpy as np

RATIO = 4


def city(n, rng):
    """Building heights (n, n) on the 5 m grid: blocks of some 60 m, streets of 5 to 25 m."""
    h = np.zeros((n, n))
    y = 2
    while y < n - 4:
        dy = int(rng.integers(7, 15))
        x = 1
        while x < n - 4:
            dx = int(rng.integers(6, 14))
            h[y:min(y + dy, n - 2), x:min(x + dx, n - 2)] = rng.choice([12, 20, 25, 40, 60, 110],
                                                                       p=[0.25, 0.3, 0.2, 0.15, 0.07, 0.03])
            x += dx + int(rng.choice([1, 2, 3, 5]))
        y += dy + int(rng.choice([1, 2, 3, 6]))
    return h


def coarse(h):
    """Height on the 20 m grid and which of its cells count as solid at ground (half or more covered)."""
    n = h.shape[0] // RATIO
    return (h.reshape(n, RATIO, n, RATIO) > 0).mean(axis=(1, 3)), h.reshape(n, RATIO, n, RATIO).max(axis=(1, 3))


def header(d, t, m, z, y, x):
    d.Conventions = "CF-1.10"
    sizes = {"time": t, "z": len(z), "y": len(y), "x": len(x)}
    if m:
        sizes["member"] = m
    for name, n in sizes.items():
        d.createDimension(name, n)
    for name, values in (("z", z), ("y", y), ("x", x)):
        d.createVariable(name, "f8", (name,))[:] = values
    v = d.createVariable("time", "f8", ("time",))
    v.units = "seconds since 2026-08-01 12:00:00"
    v[:] = 60.0 * np.arange(1, t + 1)
    return ("time", "member", "z", "y", "x") if m else ("time", "z", "y", "x")


def write(folder, n=96, nz=32, times=2, members=4, seed=3):
    rng = np.random.default_rng(seed)
    h = city(n, rng)
    z = 5.0 * np.arange(nz) + 2.5
    fluid = z[:, None, None] > h[None]
    cover, top = coarse(h)
    zl = 20.0 * np.arange(12) + 10.0
    lr_fluid = ~((cover[None] >= 0.5) & (zl[:, None, None] < top[None]))
    x, y = 5000.0 + 5.0 * np.arange(n) + 2.5, -3000.0 + 5.0 * np.arange(n) + 2.5
    xl, yl = 5000.0 + 20.0 * np.arange(n // 4) + 10.0, -3000.0 + 20.0 * np.arange(n // 4) + 10.0
    os.makedirs(folder, exist_ok=True)

    def field(zz, mask, scale, noise):
        profile = 6.0 * (np.maximum(zz, 2.0) / 100.0) ** 0.3
        shape = mask.shape
        wave = np.sin(np.arange(shape[2]) / (9.0 * scale))[None, None] * np.cos(np.arange(shape[1]) / (7.0 * scale))[None, :, None]
        u = -profile[:, None, None] * (0.7 + 0.5 * wave) + noise * rng.standard_normal(shape)
        v = 0.4 * profile[:, None, None] * (wave + 0.3) + noise * rng.standard_normal(shape)
        w = 0.4 * wave * np.ones(shape) + noise * rng.standard_normal(shape)
        heat = 303.0 - 0.01 * zz[:, None, None] + 0.8 * wave + 0.5 * noise * rng.standard_normal(shape)
        return {k: np.where(mask, a, np.nan) for k, a in (("u", u), ("v", v), ("w", w), ("T", heat))}

    with netCDF4.Dataset(os.path.join(folder, "hr.nc"), "w") as d:
        dims = header(d, times, members, z, y, x)
        for name in ("T", "u", "v", "w"):
            d.createVariable(name, "f4", dims, fill_value=np.nan)
        for t in range(times):
            for m in range(members):
                for name, a in field(z, fluid, 1.0, 0.25).items():
                    d[name][t, m] = a
        d.createVariable("fluid_mask", "i1", ("z", "y", "x"))[:] = fluid
        seen = np.repeat(np.repeat(np.repeat(lr_fluid, 4, 0)[:nz], 4, 1), 4, 2)
        d.createVariable("lr_valid_mask", "i1", ("z", "y", "x"))[:] = seen
        d.createVariable("building_height", "f4", ("y", "x"))[:] = h
    with netCDF4.Dataset(os.path.join(folder, "lr.nc"), "w") as d:
        dims = header(d, times, 0, zl, yl, xl)
        for name in ("T", "u", "v", "w"):
            d.createVariable(name, "f4", dims, fill_value=np.nan)
        for t in range(times):
            for name, a in field(zl, lr_fluid, 0.25, 0.05).items():
                d[name][t] = a
        d.createVariable("fluid_mask", "i1", ("z", "y", "x"))[:] = lr_fluid
    with open(os.path.join(folder, "summary.json"), "w", encoding="utf-8") as f:
        json.dump({"les": {"resolved_tke_m2_per_s2": list(0.3 + 0.6 * np.exp(-((zl - 40) / 60) ** 2)),
                           "z_m": list(zl)}}, f)
