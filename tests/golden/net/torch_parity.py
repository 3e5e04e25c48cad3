"""The C network against PyTorch in double precision: output, input gradient, every parameter's gradient, AdamW, files."""
import os
import subprocess
import sys
import tempfile

try:
    import h5py  # noqa: F401
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

sys.path.insert(0, os.path.join(os.environ["WB_SOURCE_DIR"], "postproc"))
import windbridge_torch as wt  # noqa: E402

PROGRAM = os.path.join(os.environ["WB_BUILD_DIR"], "tests", "test_golden_model_dump")
NX, NY, NZ, T = 16, 12, 8, 0.37
META = {"process": "bridge", "schedule": "linear", "target": "preconditioned", "scale_by_wind": False, "canonical_wind": False, "training": "{}",
        "epsilon": dict(theta=1.0, u=2.0, v=3.0, w=4.0), "scale": dict(theta=1.0, u=1.0, v=1.0, w=0.5),
        "residual": dict(theta=0.8, u=0.8, v=0.8, w=0.8), "spread": dict(theta=1.0, u=1.0, v=1.0, w=1.0)}


def relative(a, b):
    return float(np.linalg.norm(a.ravel().astype(np.float64) - b.ravel()) / max(np.linalg.norm(b.ravel()), 1e-30))


def check(name, error, bound):
    if not error <= bound:
        sys.exit(f"FAILED {name}: relative difference {error:.3g}, allowed {bound:.3g}")


def make_case(folder, config):
    torch.manual_seed(3)
    rng = np.random.default_rng(4)
    net = wt.WindbridgeNet(**config)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    wt.write_model(os.path.join(folder, "model.h5"), net, META)
    shape = (NZ, NY, NX)
    arrays = {"x": rng.standard_normal(shape + (4,)), "stat": rng.standard_normal(shape + (9,)),
              "dout": rng.standard_normal(shape + (4,)), "dmean": rng.standard_normal(shape + (4,))}
    arrays = {k: v.astype(np.float32) for k, v in arrays.items()}
    arrays["mask"] = (rng.random(shape) > 0.3).astype(np.uint8)
    arrays["shape"] = np.array([NX, NY, NZ, T], dtype=np.float64)
    size = sum(p.numel() for p in net.parameters())
    arrays["steps"] = rng.standard_normal((10, size)).astype(np.float32) * np.linspace(0.001, 0.02, 10, dtype=np.float32)[:, None]
    for name, value in arrays.items():
        value.tofile(os.path.join(folder, f"{name}.bin"))
    return net, arrays


def reference(net, arrays):
    net = net.double()
    x = torch.tensor(arrays["x"], dtype=torch.float64, requires_grad=True)
    mask = torch.tensor(arrays["mask"], dtype=torch.float64)
    mean, features = net.condition(torch.tensor(arrays["stat"], dtype=torch.float64), mask)
    out = net(T, x, features, mask)
    objective = (out * torch.tensor(arrays["dout"])).sum() + (mean * torch.tensor(arrays["dmean"])).sum()
    objective.backward()
    gradients = {name: p.grad.numpy() for name, p in net.named_parameters()}
    return out.detach().numpy(), mean.detach().numpy(), x.grad.numpy(), gradients


def adamw(net, arrays):
    """torch.optim.AdamW with clip_grad_norm_; gains and biases do not decay; EMA with the warm-up of adamw.c."""
    net = net.float()
    decays = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    opt = torch.optim.AdamW([{"params": decays, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
                            lr=1e-3, betas=(0.9, 0.99), eps=1e-8)
    flat = torch.cat([p.detach().ravel() for p in net.parameters()])
    ema = flat.clone().double()
    for step in range(10):
        at = 0
        for p in net.parameters():
            p.grad = torch.tensor(arrays["steps"][step, at:at + p.numel()]).reshape(p.shape)
            at += p.numel()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        for group in opt.param_groups:
            group["lr"] = 1e-3 * (1 + step)
        opt.step()
        flat = torch.cat([p.detach().ravel() for p in net.parameters()])
        keep = min(0.9, (2.0 + step) / (11.0 + step))
        ema = keep * ema + (1 - keep) * flat.double()
    return flat.numpy(), ema.numpy()


def main(config):
    with tempfile.TemporaryDirectory() as folder:
        net, arrays = make_case(folder, config)
        done = subprocess.run([PROGRAM], env={**os.environ, "WB_NET_PARITY_DIR": folder}, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"FAILED: the C program says: {done.stderr}")

        def got(name):
            return np.fromfile(os.path.join(folder, f"{name}.bin"), dtype=np.float32)

        initial = np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])
        out, mean, dx, gradients = reference(net, arrays)
        for backend in ("ref", "blas", "onednn", "native"):
            check(f"{backend} output", relative(got(f"out_{backend}"), out), 1e-5)
            check(f"{backend} mean", relative(got(f"mean_{backend}"), mean), 1e-5)
            check(f"{backend} input gradient", relative(got(f"dx_{backend}"), dx), 1e-5)
            flat, at = got(f"grads_{backend}"), 0
            for name, gradient in gradients.items():
                check(f"{backend} gradient of {name}", relative(flat[at:at + gradient.size], gradient), 1e-5)
                at += gradient.size
            assert at == flat.size
        params, ema = adamw(net, arrays)
        moved = params - initial
        check("AdamW", relative(got("params_adamw") - initial, moved), 1e-4)
        check("EMA", relative(got("ema_adamw") - initial, ema - initial), 1e-4)
        check("AdamW, largest", float(np.abs(got("params_adamw") - params).max()), 1e-5)
        back, meta = wt.read_model(os.path.join(folder, "model_out.h5"))
        again = np.concatenate([p.detach().numpy().ravel() for p in back.parameters()])
        check("file written by C", float(np.abs(again - got("params_adamw")).max()), 0.0)
        assert meta["epsilon"]["w"] == 4.0 and meta["scale"]["w"] == 0.5, meta


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(dict(width1=16, width2=16, blocks1=1, blocks2=2, cond_width1=16, cond_width2=32, cond_blocks1=1,
              cond_blocks2=2, cond_nets=3, embed=8))
    main(dict(width1=6, width2=10, blocks1=0, blocks2=1, cond_width1=8, cond_width2=6, cond_blocks1=1, cond_blocks2=0,
              cond_nets=1, embed=4))
    print("output, gradients, AdamW and files agree with PyTorch", torch.__version__)
