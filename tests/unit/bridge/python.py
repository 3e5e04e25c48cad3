"""The bridge module called from Python (postproc/windbridge_bridge.py): structures arrive whole, samples have the exact
mean and variance of the scheme at N = 5 (doc/theory.rst), buildings are 0, errors keep their message, exceptions pass.

Means and variances of 64000 values about the linear recursion of Euler-Maruyama: 20 z-scores below 5, by chance once in
80000 seeds.
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.environ["WB_SOURCE_DIR"], "postproc"))
import windbridge_bridge as wb  # noqa: E402

N, X0, MEAN, VARIANCE, EPSILON, STEPS = 20000, 0.4, 1.3, 0.49, 0.8, 5


def check(condition, *what):
    if not condition:
        print("FAILED:", *what)
        sys.exit(1)


def gain(at):
    """D = MEAN + gain (x - alpha x0 - beta MEAN) for x1 ~ N(MEAN, VARIANCE)."""
    total = at.beta ** 2 * VARIANCE + EPSILON ** 2 * at.w
    return at.beta * VARIANCE / total if total > 0 else 0.0


def recursion(process, noise, t):
    """Mean and variance of Euler-Maruyama from the drift's form; the first step from a point with w'(0)."""
    start = process.at(0)
    mean, variance = (start.alpha + start.beta) * X0, EPSILON ** 2 * start.w
    for now, then in zip(t[:-1], t[1:]):
        h, at = then - now, process.at(now)
        form, g2 = process.drift(noise, now)
        if at.w == 0:
            g2 = at.d_w
        k = gain(at)
        a = 1 + h * (form.x + form.d * k)
        b = h * (form.d * (MEAN - k * (at.alpha * X0 + at.beta * MEAN)) + form.x0 * X0)
        mean, variance = a * mean + b, a * a * variance + h * g2 * EPSILON ** 2
    return mean, variance


def moments(process, noise):
    mask = np.arange(N) % 5 > 0
    plan = wb.Plan(process, "euler_maruyama", STEPS, noise)
    check(plan.evaluations == STEPS, plan.evaluations)

    def denoise(t, x):
        at = process.at(t)
        return MEAN + gain(at) * (x - at.alpha * X0 - at.beta * MEAN)
    x = plan.sample(denoise, np.full((N, 4), X0, np.float32), mask, seed=3)
    check(np.all(x[~mask] == 0), "buildings")
    mean, variance = recursion(process, noise, plan.t)
    count = x[mask].size
    z = [(x[mask].mean() - mean) / np.sqrt(variance / count), (x[mask].var() / variance - 1) / np.sqrt(2 / count)]
    print(process.kind, noise, "mean, variance", mean, variance, "z", z)
    check(np.all(np.abs(z) < 5), process.kind, noise, z)


def main():
    own = [wb.Process(kind, epsilon=[EPSILON] * 4) for kind in wb.PROCESSES if kind != "diffusion_edm"]
    for process in [*own, wb.Process("diffusion_edm", epsilon=[EPSILON] * 4, sigma_max=3.0),
                    wb.Process("bridge", schedule="quadratic", epsilon=[EPSILON] * 4)]:
        moments(process, "base")
    for process in (own[0], own[2]):
        moments(process, "foellmer")
    t = np.linspace(0, 1, 5)
    table = wb.Process("bridge", schedule="table", table={"t": t, "alpha": 1 - t, "beta": t, "noise": 1 - t},
                       epsilon=[EPSILON] * 4)
    check(abs(table.at(0.3).w - 0.3 * 0.7 ** 2) < 1e-12, "table", table.at(0.3).w)
    check(abs(wb.Process("diffusion_edm", sigma_max=3.0).at(0.5).w - 2.25) < 1e-12, "sigma_max")
    check(wb.Process("bridge").train_time(0.5, 3) == 0.125, "train_time")
    rng = np.random.default_rng(1)
    x0, x1, m = (rng.normal(size=(1000, 4)).astype(np.float32) for _ in range(3))
    state = own[0].state(0.4, x0, x1, seed=1)
    check(abs((state - 0.6 * x0 - 0.4 * x1).std() / (EPSILON * np.sqrt(0.4) * 0.6) - 1) < 0.07, "state")
    at = own[0].precond([0.7] * 4, 0.4)
    back = wb.precond_denoiser(at, x0, m, state, wb.precond_target(at, x0, x1, m, state))
    check(np.abs(back - x1).max() < 1e-5, "target", np.abs(back - x1).max())
    check(np.abs(wb.precond_input(at, x0, state) - (state - x0)).max() < 1e-6, "input of a process from x0")
    for call, error, words in ((lambda: wb.Plan(own[0], "nonsense", 3), ValueError, "euler_maruyama"),
                               (lambda: wb.Process("bridge", epsilon=[0] * 4), ValueError, "epsilon"),
                               (lambda: wb.Plan(own[0], "exponential", 3).sample(lambda t, x: 1 / 0, x0),
                                ZeroDivisionError, "zero")):
        try:
            call()
        except error as e:
            check(words in str(e), e)
        else:
            check(False, "no error", words)


if __name__ == "__main__":
    main()
