"""Loops that end by a tolerance."""

import math

import numpy as np

from programs.program import Program, uniform


def newton(a, b):
    """Root of x exp(b x) = a."""
    x, step = 1.0, 1.0
    while abs(step) > 1e-12:
        e = math.exp(b * x)
        step = (x * e - a) / (e * (1.0 + b * x))
        x = x - step
    return x


def bisection(a, b):
    """Root of x^3 + a x = b between 0 and 2, halved until short enough, then polished by one Newton step."""
    low, high = 0.0, 2.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        if high - low < 1e-9:
            break
        if middle**3 + a * middle > b:
            high = middle
        else:
            low = middle
    return middle - (middle**3 + a * middle - b) / (3.0 * middle**2 + a)


def secant(f, x0, x1):
    """Root of f by the secant method."""
    y0, y1 = f(x0), f(x1)
    for _ in range(50):
        if abs(y1) < 1e-13:
            return x1
        x0, x1 = x1, x1 - y1 * (x1 - x0) / (y1 - y0)
        y0, y1 = y1, f(x1)
    raise RuntimeError("no convergence")


def vapour_pressure(a, b, c):
    """Temperature at which Antoine's equation gives one atmosphere; passes a closure to a solver."""
    return secant(lambda T: a - b / (c + T) - math.log10(760.0), 50.0, 60.0)


def kepler(mean_anomaly, eccentricity):
    """Eccentric anomalies of many times: a `while` inside a `for`."""
    E = np.zeros(len(mean_anomaly))
    for i in range(len(mean_anomaly)):
        x = mean_anomaly[i]
        step = 1.0
        while abs(step) > 1e-10:
            step = (x - eccentricity * math.sin(x) - mean_anomaly[i]) / (1.0 - eccentricity * math.cos(x))
            x -= step
        E[i] = x
    return E


def fixed_point(a, b):
    """x = a cos(b x), with the `else` of a loop that never broke."""
    x = 1.0
    for _ in range(500):
        new = a * math.cos(b * x)
        if abs(new - x) < 1e-13:
            break
        x = new
    else:
        raise ValueError("no fixed point")
    return new


def golden_section(a, b):
    """Least value of (x - a)^2 + b / x between 0.1 and 4."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    low, high = 0.1, 4.0
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    while right - left > 1e-8:
        if (left - a) ** 2 + b / left < (right - a) ** 2 + b / right:
            high, right = right, left
            left = high - ratio * (high - low)
        else:
            low, left = left, right
            right = low + ratio * (high - low)
    x = 0.5 * (left + right)
    return (x - a) ** 2 + b / x


def newton_system(p):
    """Where a circle meets a parabola: Newton's method in two dimensions with a linear solve in each step."""
    x = np.array([1.0, 1.0])
    for _ in range(20):
        residual = np.array([x[0] ** 2 + x[1] ** 2 - p[0], x[1] - p[1] * x[0] ** 2])
        if np.max(np.abs(residual)) < 1e-13:
            break
        slopes = np.array([[2.0 * x[0], 2.0 * x[1]], [-2.0 * p[1] * x[0], 1.0]])
        x = x - np.linalg.solve(slopes, residual)
    return x


def geometric_mean(a, b):
    """Arithmetic-geometric mean of Gauss: two names that change together."""
    while a - b > 1e-14 * a:
        a, b = (a + b) / 2.0, math.sqrt(a * b)
    return a


def line_search(x, scale):
    """Gradient descent with backtracking: a `while` with two conditions inside a `for`."""

    def cost(p):
        return scale[0] * (p[0] - 1.0) ** 2 + scale[1] * (p[1] - p[0] ** 2) ** 2

    for _ in range(4):
        bend = 2.0 * scale[1] * (x[1] - x[0] ** 2)
        slope = np.array([2.0 * scale[0] * (x[0] - 1.0) - 2.0 * x[0] * bend, bend])
        step, tries = 1.0, 0
        while tries < 30 and cost(x - step * slope) > cost(x) - 0.3 * step * (slope @ slope):
            step *= 0.5
            tries += 1
        x = x - step * slope
    return cost(x)


PROGRAMS = [
    Program(newton, (1.0, 2.0), (0, 1), more=((30.0, 0.5), (math.exp(2.0), 2.0))),
    Program(bisection, (1.3, 2.1), (0, 1), more=((0.2, 7.0),)),
    Program(vapour_pressure, (8.07, 1730.6, 233.4), (0, 1, 2)),
    Program(kepler, lambda n: (uniform(n), 0.4), (0, 1), scalar=False),
    Program(fixed_point, (0.9, 0.8), (0, 1), more=((0.3, 1.1),)),
    Program(golden_section, (1.7, 0.6), (0, 1)),
    Program(newton_system, (np.array([2.0, 0.7]),), scalar=False),
    Program(geometric_mean, (3.0, 0.5), (0, 1), more=((0.5, 3.0), (50.0, 1.0))),
    Program(
        line_search,
        (np.array([-0.7, 0.8]), np.array([1.0, 2.0])),
        (0, 1),
        more=((np.array([1.5, 0.1]), np.array([1.0, 9.0])),),
    ),
]
