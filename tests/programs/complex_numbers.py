"""Complex numbers, alone and in arrays: iterations in the plane, circuits, spectra, quantum mechanics."""

import math

import numpy as np

from programs.program import Program, normal, uniform


def escape_time(centre, width, points, most):
    """How soon points of a row leave under z² + c, smooth between the steps (Linas Vepstas 1997)."""
    total = 0.0
    for k in range(points):
        c = complex(centre - width + 2.0 * width * k / points, 0.7)
        z, steps = 0j, 0
        while steps < most and abs(z) < 100.0:
            z = z * z + c
            steps += 1
        total += steps - math.log(math.log(abs(z))) if abs(z) > 2.0 else abs(z)
    return total


def ladder_response(resistance, inductance, capacitance, frequencies):
    """The power at the end of a ladder of coils and capacitors, by nodal analysis at each frequency."""
    n = len(inductance)
    power = np.zeros_like(frequencies)
    for k, frequency in enumerate(frequencies):
        s = 2j * math.pi * frequency
        admittance = np.zeros((n, n), dtype=complex)
        for i in range(n):
            series = 1.0 / (resistance + s * inductance[i])
            admittance[i, i] += series + s * capacitance[i]
            if i > 0:
                admittance[i - 1, i - 1] += series
                admittance[i - 1, i] -= series
                admittance[i, i - 1] -= series
        current = np.zeros(n, dtype=complex)
        current[0] = 1.0 / (resistance + s * inductance[0])
        voltage = np.linalg.solve(admittance, current)
        power[k] = voltage[-1].real ** 2 + voltage[-1].imag ** 2
    return power


def spectral_energy(signal, weights):
    """The energy in bands, by the matrix of the discrete Fourier transform."""
    n = len(signal)
    k = np.arange(n)
    transform = np.exp(-2j * np.pi * np.outer(k, k) / n) / np.sqrt(n)
    spectrum = transform @ (signal * np.exp(0.3j * k))
    return np.sum(weights * np.abs(spectrum) ** 2) + np.sum(np.angle(spectrum[1:] + 3.0))


def rabi_oscillation(detuning, strength, phase, steps):
    """How likely a driven two-level system is excited: the Schrödinger equation by the exponential of each step."""
    state = np.array([0.8, 0.6j])
    dt = 0.1
    for step in range(steps):
        drive = 0.5 * strength * np.exp(1j * (phase + 0.3 * step * dt))
        energy = math.sqrt(0.25 * detuning * detuning + abs(drive) ** 2)
        c, s = math.cos(energy * dt), math.sin(energy * dt) / energy
        diagonal = -1j * s * 0.5 * detuning
        turn = np.array([[c + diagonal, -1j * s * drive.conjugate()], [-1j * s * drive, c - diagonal]])
        state = turn @ state
    return abs(state[1]) ** 2


def complex_roots(coefficients, starts):
    """The moduli of roots of a real polynomial, each by Newton's method from a start in the plane."""
    found = np.zeros(len(starts))
    for i in range(len(starts)):
        z = starts[i]
        for _ in range(30):
            value, slope = 0j, 0j
            for a in coefficients:
                value, slope = value * z + a, slope * z + value
            step = value / slope
            z = z - step
            if abs(step) < 1e-13:
                break
        found[i] = abs(z) + 0.1 * z.imag**2
    return found


PROGRAMS = [
    Program(escape_time, (-0.3, 0.9, 6, 40), (0, 1), linear=False),
    Program(
        ladder_response,
        lambda n: (0.6, uniform(n, seed=1), uniform(n, seed=2), uniform(4, seed=3)),
        (0, 1, 2),
        n=3,
        linear=False,
        scalar=False,
    ),
    Program(spectral_energy, lambda n: (normal(n, seed=1), uniform(n, seed=2)), (0, 1), linear=False),
    Program(rabi_oscillation, lambda n: (0.8, 1.3, 0.4, n), (0, 1, 2)),
    Program(
        complex_roots,
        (np.array([1.0, -0.5, 2.0, 0.3, 1.7]), np.array([1.0 + 1.5j, -0.8 + 0.9j])),
        linear=False,
        scalar=False,
    ),
]
