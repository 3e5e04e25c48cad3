"""Kinetic energy of the Taylor-Green vortex at Re = 100 by a pseudo-spectral method (not a test: it made the reference
numbers in taylor_green_3d.c). u = sin x cos y cos z, v = -cos x sin y cos z, w = 0; 2/3 dealiasing, fourth-order
Runge-Kutta. Usage: _taylor_green_spectral.py [points 64] [steps a unit of time 25]"""
import sys

import numpy as np

n = int(sys.argv[1]) if len(sys.argv) > 1 else 64
steps = int(sys.argv[2]) if len(sys.argv) > 2 else 25
nu, dt = 0.01, 1.0 / steps
x = 2 * np.pi * np.arange(n) / n
X, Y, Z = np.meshgrid(x, x, x, indexing="ij")
k = np.fft.fftfreq(n, 1.0 / n)
kr = np.fft.rfftfreq(n, 1.0 / n)
K = np.array(np.meshgrid(k, k, kr, indexing="ij"))
K2 = np.maximum((K**2).sum(0), 1e-30)
keep = (np.abs(K) < n / 3.0).all(0)


def to(f):
    return np.fft.rfftn(f)


def back(f):
    return np.fft.irfftn(f, s=(n, n, n))


def rate(U):
    u = [back(a) for a in U]
    curl = [back(1j * (K[(i + 1) % 3] * U[(i + 2) % 3] - K[(i + 2) % 3] * U[(i + 1) % 3])) for i in range(3)]
    N = np.array([to(u[(i + 1) % 3] * curl[(i + 2) % 3] - u[(i + 2) % 3] * curl[(i + 1) % 3]) for i in range(3)]) * keep
    N -= K * (K * N).sum(0) / K2
    return N - nu * K2 * U


U = np.array([to(np.sin(X) * np.cos(Y) * np.cos(Z)), to(-np.cos(X) * np.sin(Y) * np.cos(Z)), np.zeros(K2.shape, complex)])
for step in range(5 * steps + 1):
    if step % steps == 0:
        e = sum(0.5 * np.mean(back(a) ** 2) for a in U)
        print(f"t = {step / steps:.1f}: kinetic energy {e:.8f}, over the first {e / 0.125:.6f}", flush=True)
    a = rate(U)
    b = rate(U + 0.5 * dt * a)
    c = rate(U + 0.5 * dt * b)
    d = rate(U + dt * c)
    U = U + dt / 6.0 * (a + 2 * b + 2 * c + d)
