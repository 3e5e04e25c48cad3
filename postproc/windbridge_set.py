"""The training set that `windbridge train -train_export_file` writes, as windbridge_train.py draws from it: fields, geometry
and the paths of all processes at their training times."""
import h5py
import numpy as np
import torch

CHANNELS = ("theta", "u", "v", "w")


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


class Path:
    """A process at its training times, tabulated by the program (src/train/export.c): row k belongs to u = (k + 1/2)/n."""

    def __init__(self, group, device):
        self.own_times, self.from_noise = (bool(np.ravel(group.attrs[k])[0]) for k in ("own_times", "from_noise"))
        self.rows = torch.from_numpy(np.stack([group[k][()] for k in ("net_t", "beta", "w")], 1)).to(device)

    def draw(self, u, power):
        """u (n) in [0, 1) -> network's times (n), beta, w (n, 1) at the times u^power (or the process's own)."""
        u = u.double() if self.own_times else u.double() ** power
        rows = self.rows[(u * len(self.rows)).long()].float()
        return rows[:, 0], rows[:, 1:2], rows[:, 2:3]


class TrainingSet:
    """What `windbridge train -train_export_file` wrote, on a device: x0, x1 (minutes, 4, nz, ny, nx), geometry (runs, 5,
    nz, ny, nx): fluid, LR valid, wall distance / 40 m, height / 160 m, heat flux / 0.1 K m s-1."""

    def __init__(self, path, device):
        self.path, self.device = path, device
        self.runs, self.run_of, x0, x1, geometry = [], [], [], [], []
        with h5py.File(path, "r") as file:
            self.scale = {c: float(np.ravel(file.attrs["scale_" + c])[0]) for c in CHANNELS}
            self.flags = {k: bool(np.ravel(file.attrs[k])[0]) for k in ("scale_by_wind", "canonical_wind")}
            for name in sorted(k for k in file if k.startswith("run_")):
                group = file[name]
                self.runs.append({k: text(group.attrs[k]) for k in ("split", "file")} |
                                 {k: float(np.ravel(group.attrs[k])[0]) for k in
                                  ("city_seed", "wind_speed_m_per_s", "wind_direction_deg", "heat_flux_K_m_per_s")})
                x0.append(self.fields(group["x0"]))
                x1.append(self.fields(group["x1"]))
                self.run_of += [len(self.runs) - 1] * x0[-1].shape[0]
                geometry.append(self.put(self.geometry(group)[None]))
        self.x0, self.x1, self.geo = torch.cat(x0), torch.cat(x1), torch.cat(geometry)

    def put(self, array):
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device).half()

    def fields(self, dataset):
        return self.put(np.moveaxis(dataset[()], -1, 1))

    @staticmethod
    def geometry(group):
        fluid = (group["fluid_mask"][()] > 0).astype(np.float32)
        z = np.broadcast_to(group["z"][()][:, None, None] / 160, fluid.shape)
        flux = np.broadcast_to(group["heat_flux"][()] / 0.1, fluid.shape)
        return np.stack([fluid, (group["lr_valid_mask"][()] > 0) * fluid, group["wall_distance"][()] / 40 * fluid,
                         z * fluid, flux * fluid]).astype(np.float32)

    def process(self, process, schedule):
        """The Path of a process; schedule: of a bridge."""
        name = f"path_{process}_{schedule}" if process == "bridge" else f"path_{process}"
        with h5py.File(self.path, "r") as file:
            if name not in file:
                raise SystemExit(f"{self.path} has no {name}; it has {[k for k in file if k.startswith('path_')]}. Sets of "
                                 "older versions have none: write it again with windbridge train -train_export_file")
            table = {k: list(map(float, v[()])) for k, v in file["table"].items()} if schedule == "table" else None
            return Path(file[name], self.device), table

    def of_split(self, split):
        return [r for r, run in enumerate(self.runs) if run["split"] == split]

    def minutes(self, runs):
        return [m for m, r in enumerate(self.run_of) if r in set(runs)]

    def left_out(self, net, nets):
        """Training runs that mean network `net` must not see; runs of one city stay together."""
        cities = []
        for r in self.of_split("train"):
            if self.runs[r]["city_seed"] not in cities:
                cities.append(self.runs[r]["city_seed"])
        return [r for r in self.of_split("train") if cities.index(self.runs[r]["city_seed"]) % nets == net]

    def samples(self, picks, n):
        """picks: (minute, j0, i0) -> x0, x1 (b, 4, nz, n, n), static inputs (b, 9, ...), mask (b, 1, ...), float32."""
        def cut(a, j, i):
            return a[..., j:j + n, i:i + n]
        x0 = torch.stack([cut(self.x0[m], j, i) for m, j, i in picks]).float()
        x1 = torch.stack([cut(self.x1[m], j, i) for m, j, i in picks]).float()
        geo = torch.stack([cut(self.geo[self.run_of[m]], j, i) for m, j, i in picks]).float()
        return x0, x1, torch.cat([x0, geo], 1), geo[:, :1]

    def whole(self, minute):
        return self.samples([(minute, 0, 0)], self.x0.shape[-1])


class Picker:
    """Minutes in shuffled epochs, at random places on the 20 m grid."""

    def __init__(self, data, minutes, n, seed):
        self.random, self.n, self.width = np.random.default_rng(seed), n or data.x0.shape[-1], data.x0.shape[-1]
        self.minutes, self.queue = minutes, []

    def __call__(self, count):
        picks = []
        for _ in range(count):
            if not self.queue:
                self.queue = list(self.random.permutation(self.minutes))
            j, i = 4 * self.random.integers(0, (self.width - self.n) // 4 + 1, 2)
            picks.append((int(self.queue.pop()), int(j), int(i)))
        return picks
