"""windbridge's bridge module (include/windbridge/bridge.h) in Python: the program's own processes, preconditioning, noise
and samplers, for any denoiser that Python can call. Nothing is computed here.

    process = Process("bridge", schedule="linear")
    plan = Plan(process, "euler_maruyama", steps=5, noise="base")
    x = plan.sample(denoise, x0, mask)          # denoise(t, x) -> E[x1 | X_t = x], arrays (n, 4) float32
    x_t = process.state(t, x0, x1, mask, seed)  # state of a training pair

The library is build/src/libwindbridge_bridge.so; WB_BUILD_DIR names another build folder.
"""
import ctypes as ct
import os

import numpy as np

CHANNELS = 4
PROCESSES = ("bridge", "interpolant", "i2sb", "diffusion_vp", "diffusion_edm", "flow", "sf2m")
SCHEDULES = ("linear", "quadratic", "brownian", "table")
NOISES = ("base", "foellmer", "none")
STREAM_BRIDGE, STREAM_TRAIN_NOISE = 1, 2  # WB_RANDOM_STREAMS of include/windbridge/core.h
PathFn = ct.c_void_p
DenoiseFn = ct.CFUNCTYPE(ct.c_int, ct.c_void_p, ct.c_double, ct.c_void_p, ct.c_void_p, ct.c_void_p)


class PathAt(ct.Structure):
    _fields_ = [(name, ct.c_double) for name in ("alpha", "beta", "w", "d_alpha", "d_beta", "d_w", "g2")]


class PathTable(ct.Structure):
    _fields_ = [("n", ct.c_int)] + [(name, ct.c_void_p) for name in ("t", "alpha", "beta", "noise", "diffusivity")]


class ProcessOptions(ct.Structure):
    _fields_ = [("kind", ct.c_int), ("epsilon", ct.c_float * CHANNELS), ("schedule", ct.c_int), ("table", PathTable),
                ("path", PathFn), ("path_ctx", ct.c_void_p), ("rate_ratio", ct.c_double), ("rate_min", ct.c_double),
                ("rate_max", ct.c_double), ("sigma_max", ct.c_double)]


class Form(ct.Structure):
    _fields_ = [(name, ct.c_double) for name in ("x", "d", "x0")]


class TimeGrid(ct.Structure):
    _fields_ = [(name, ct.c_double) for name in ("start_power", "end_power", "end_floor")]


class Sampler(ct.Structure):
    _fields_ = [("stepper", ct.c_int), ("noise", ct.c_int), ("noise_scale", ct.c_double), ("last", ct.c_int),
                ("two_sided", ct.c_bool)]


class RandomKey(ct.Structure):
    _fields_ = [(name, ct.c_uint32) for name in ("seed", "stream", "step", "member", "minute")] + [("negated", ct.c_bool)]


class Precond(ct.Structure):
    _fields_ = [("t", ct.c_double), ("mean", ct.c_double), ("beta", ct.c_double), ("k", ct.c_double * CHANNELS),
                ("c_out", ct.c_double * CHANNELS), ("c_in", ct.c_double * CHANNELS)]


def _load():
    here = os.path.dirname(os.path.abspath(__file__))
    build = os.environ.get("WB_BUILD_DIR", os.path.join(here, "..", "build"))
    library = ct.CDLL(os.path.join(build, "src", "libwindbridge_bridge.so"))
    library.wb_process_train_time.restype = ct.c_double
    library.wb_error_message.restype = ct.c_char_p
    return library


_lib = _load()


def _check(code):
    if code:
        message = _lib.wb_error_message().decode()
        _lib.wb_error_clear()
        raise ValueError(message)


def _array(a, kind=np.float32):
    """The array as the library takes it, and its address; None stays None."""
    if a is None:
        return None, None
    a = np.ascontiguousarray(a, dtype=kind)
    return a, ct.c_void_p(a.ctypes.data)


def voxels(n, member=0):
    """Numbers of n voxels for the random stream: those of another member are other ones."""
    return np.arange(n, dtype=np.uint64) + np.uint64(member << 40)


class Process:
    def __init__(self, kind, schedule="linear", epsilon=(1, 1, 1, 1), **options):
        """options: rate_ratio, rate_min, rate_max, sigma_max; table: dict of t, alpha, beta, noise, diffusivity."""
        o = ProcessOptions()
        _lib.wb_process_options_default(PROCESSES.index(kind), ct.byref(o))
        o.schedule = SCHEDULES.index(schedule)
        o.epsilon = (ct.c_float * CHANNELS)(*epsilon)
        keep = {k: _array(v, np.float64) for k, v in options.pop("table", {}).items()}
        for name, (values, address) in keep.items():
            setattr(o.table, name, address)
            o.table.n = len(values)
        for name, value in options.items():
            if name not in ("rate_ratio", "rate_min", "rate_max", "sigma_max"):
                raise TypeError(f"Process has no option {name}")
            setattr(o, name, value)
        self.kind, self.handle = kind, ct.c_void_p()
        _check(_lib.wb_process_create(ct.byref(o), ct.byref(self.handle)))

    def __del__(self):
        if getattr(self, "handle", None):
            _lib.wb_process_destroy(ct.byref(self.handle))

    def at(self, t):
        at = PathAt()
        _lib.wb_process_at(self.handle, ct.c_double(t), ct.byref(at))
        return at

    def drift(self, noise, t, scale=1.0):
        """-> Form of the drift, g^2."""
        form, g2 = Form(), ct.c_double()
        _lib.wb_process_drift(self.handle, NOISES.index(noise), ct.c_double(scale), ct.c_double(t), ct.byref(form),
                              ct.byref(g2))
        return form, g2.value

    def train_time(self, u, power=1.0):
        return _lib.wb_process_train_time(self.handle, ct.c_double(u), ct.c_double(power))

    def precond(self, s, t):
        at = Precond()
        _lib.wb_precond_at(self.handle, (ct.c_float * CHANNELS)(*s), ct.c_double(t), ct.byref(at))
        return at

    def state(self, t, x0, x1, mask=None, seed=0, draw=0, step=0):
        """Training state at t; the noise belongs to (seed, step, draw)."""
        (x0, p0), (x1, p1), (mask, pm) = _array(x0), _array(x1), _array(mask, np.uint8)
        voxel, pv = _array(voxels(len(x0)), np.uint64)
        x = np.empty_like(x0)
        key = RandomKey(seed=seed, stream=STREAM_TRAIN_NOISE, member=draw, minute=step)
        _lib.wb_process_state(self.handle, ct.c_double(t), ct.c_size_t(len(x0)), p0, p1, pm, pv, ct.byref(key),
                              ct.c_void_p(x.ctypes.data))
        return x


def precond_input(at, x0, x, mask=None):
    (x0, p0), (x, px), (mask, pm) = _array(x0), _array(x), _array(mask, np.uint8)
    out = np.empty_like(x)
    _lib.wb_precond_input(ct.byref(at), ct.c_size_t(len(x)), pm, p0, px, ct.c_void_p(out.ctypes.data))
    return out


def precond_denoiser(at, x0, m, x, f, mask=None):
    (x0, p0), (m, p_mean), (x, px), (f, pf), (mask, pm) = _array(x0), _array(m), _array(x), _array(f), _array(mask, np.uint8)
    out = np.empty_like(x)
    _lib.wb_precond_denoiser(ct.byref(at), ct.c_size_t(len(x)), pm, p0, p_mean, px, pf, ct.c_void_p(out.ctypes.data))
    return out


def precond_target(at, x0, x1, m, x, mask=None):
    (x0, p0), (x1, p1), (m, p_mean), (x, px), (mask, pm) = (_array(x0), _array(x1), _array(m), _array(x),
                                                           _array(mask, np.uint8))
    out = np.empty_like(x)
    _lib.wb_precond_target(ct.byref(at), ct.c_size_t(len(x)), pm, p0, p1, p_mean, px, ct.c_void_p(out.ctypes.data))
    return out


class Plan:
    def __init__(self, process, sampler, steps, noise="base", noise_scale=1.0, grid=None):
        """grid: (start_power, end_power, end_floor), None: the process's own."""
        o, g = Sampler(), TimeGrid()
        _check(_lib.wb_sampler_parse(sampler.encode(), NOISES.index(noise), ct.byref(o)))
        o.noise_scale = noise_scale
        _lib.wb_time_grid_default(PROCESSES.index(process.kind), ct.byref(g))
        if grid:
            g = TimeGrid(*grid)
        self.t = np.empty(steps + 1)
        _check(_lib.wb_time_grid(ct.byref(g), ct.c_int(steps), ct.c_void_p(self.t.ctypes.data)))
        self.handle = ct.c_void_p()
        _check(_lib.wb_plan_create(process.handle, ct.byref(o), ct.c_int(steps), ct.c_void_p(self.t.ctypes.data),
                                   ct.byref(self.handle)))
        self.evaluations = _lib.wb_plan_evaluations(self.handle)

    def __del__(self):
        if getattr(self, "handle", None):
            _lib.wb_plan_destroy(ct.byref(self.handle))

    def sample(self, denoise, x0, mask=None, voxel=None, seed=0, member=0):
        """x0 (n, 4) -> sample (n, 4). denoise(t, x (n, 4)) -> (n, 4); x is valid during the call only."""
        (x0, p0), (mask, pm) = _array(x0), _array(mask, np.uint8)
        voxel, pv = _array(voxels(len(x0)) if voxel is None else voxel, np.uint64)
        n, failure = len(x0), []

        def view(address):
            return np.ctypeslib.as_array(ct.cast(address, ct.POINTER(ct.c_float)), (n, CHANNELS))

        def call(_, t, x, d, d0):
            try:
                view(d)[:] = denoise(t, view(x))
                return 0
            except BaseException as e:  # an exception cannot pass through C: raised again below
                failure.append(e)
                return 1

        x, work = np.empty_like(x0), np.empty((_lib.wb_plan_fields(self.handle), n, CHANNELS), np.float32)
        key = RandomKey(seed=seed, stream=STREAM_BRIDGE, member=member)
        code = _lib.wb_bridge_sample(self.handle, ct.byref(key), ct.c_size_t(n), p0, pm, pv, DenoiseFn(call), None,
                                     ct.c_void_p(x.ctypes.data), ct.c_void_p(work.ctypes.data))
        if failure:
            _lib.wb_error_clear()
            raise failure[0]
        _check(code)
        return x
