"""Quadrature, series and polynomials."""

import math

import numpy as np

from programs.program import Program, normal, uniform

NODES = (-0.906179845938664, -0.538469310105683, 0.0, 0.538469310105683, 0.906179845938664)
WEIGHTS = (0.236926885056189, 0.478628670499366, 0.568888888888889, 0.478628670499366, 0.236926885056189)


def simpson(a, b, k, n):
    """Integral of exp(-k x^2) from a to b by Simpson's rule with 2 n intervals."""
    h = (b - a) / (2 * n)
    total = math.exp(-k * a * a) + math.exp(-k * b * b)
    for i in range(1, 2 * n):
        x = a + i * h
        total += (4 if i % 2 else 2) * math.exp(-k * x * x)
    return total * h / 3.0


def gauss_legendre(a, b, k):
    """Integral of sin(k x) / (1 + x^2) by five nodes, a tuple of constants."""
    half, middle = (b - a) / 2.0, (a + b) / 2.0
    total = 0.0
    for node, weight in zip(NODES, WEIGHTS):
        x = middle + half * node
        total += weight * math.sin(k * x) / (1.0 + x * x)
    return half * total


def romberg(a, b, levels):
    """Integral of 1 / (1 + x^3) by a triangle of extrapolated trapezoidal rules."""
    R = np.zeros((levels, levels))
    h = b - a
    R[0, 0] = h / 2.0 * (1.0 / (1.0 + a**3) + 1.0 / (1.0 + b**3))
    for i in range(1, levels):
        h = h / 2.0
        s = 0.0
        for k in range(1, 2**i, 2):
            s += 1.0 / (1.0 + (a + k * h) ** 3)
        R[i, 0] = 0.5 * R[i - 1, 0] + h * s
        for j in range(1, i + 1):
            R[i, j] = R[i, j - 1] + (R[i, j - 1] - R[i - 1, j - 1]) / (4.0**j - 1.0)
    return R[levels - 1, levels - 1]


def halves(a, b, p, depth):
    """Integral of (1 + x)^p by the trapezoidal rule on halves; the recursion ends by a constant."""
    if depth == 0:
        return 0.5 * (b - a) * ((1.0 + a) ** p + (1.0 + b) ** p)
    middle = 0.5 * (a + b)
    return halves(a, middle, p, depth - 1) + halves(middle, b, p, depth - 1)


def horner(coefficients, x):
    """A polynomial, from its highest coefficient."""
    value = 0.0
    for c in coefficients:
        value = value * x + c
    return value


def clenshaw(coefficients, x):
    """A Chebyshev series, from its last coefficient backwards."""
    b1 = b2 = 0.0
    for c in reversed(coefficients[1:]):
        b1, b2 = 2.0 * x * b1 - b2 + c, b1
    return x * b1 - b2 + coefficients[0]


def continued_fraction(terms):
    """t0 + 1 / (t1 + 1 / (t2 + ...))."""
    value = terms[-1]
    for i in range(len(terms) - 2, -1, -1):
        value = terms[i] + 1.0 / value
    return value


def exponential_series(x):
    """exp(x) until the terms no longer count."""
    term, total, k = 1.0, 1.0, 0
    while abs(term) > 1e-17:
        k += 1
        term *= x / k
        total += term
    return total


def arc_length(x, y):
    """Length of a polyline, by pairs of neighbours."""
    length = 0.0
    for x0, x1, y0, y1 in zip(x[:-1], x[1:], y[:-1], y[1:]):
        length += math.hypot(x1 - x0, y1 - y0)
    return length


def divided_differences(x, y, at):
    """Newton's interpolation; the table is overwritten from below."""
    n = len(x)
    c = y.copy()
    for j in range(1, n):
        for i in range(n - 1, j - 1, -1):
            c[i] = (c[i] - c[i - 1]) / (x[i] - x[i - j])
    value = c[n - 1]
    for i in range(n - 2, -1, -1):
        value = value * (at - x[i]) + c[i]
    return value


def interpolation(x, y, at):
    """A smooth curve through points; a search finds the interval, whose number is a run-time index."""
    k = 0
    while k < len(x) - 2 and x[k + 1] < at:
        k += 1
    t = (at - x[k]) / (x[k + 1] - x[k])
    return (2 * t**3 - 3 * t**2 + 1) * y[k] + (3 * t**2 - 2 * t**3) * y[k + 1]


def bezier(points, t):
    """A point of a Bezier curve (de Casteljau), whole rows at a time."""
    n = len(points)
    p = points.copy()
    for level in range(1, n):
        for i in range(n - level):
            p[i] = (1.0 - t) * p[i] + t * p[i + 1]
    return p[0]


PROGRAMS = [
    Program(simpson, lambda n: (0.2, 1.5, 0.7, n), (0, 1, 2)),
    Program(gauss_legendre, (0.3, 1.4, 2.0), (0, 1, 2)),
    Program(romberg, (0.1, 1.3, 4), (0, 1)),
    Program(halves, (0.1, 1.3, 2.5, 3), (0, 1, 2)),
    Program(horner, lambda n: (normal(n), 0.8), (0, 1), more=((normal(1), 0.8), (normal(0), 0.8))),
    Program(clenshaw, lambda n: (normal(n), 0.8), (0, 1)),
    Program(continued_fraction, lambda n: (uniform(n),)),
    Program(exponential_series, (1.3,), more=((-0.4,),)),
    Program(arc_length, lambda n: (normal(n, seed=1), normal(n, seed=2)), (0, 1)),
    Program(divided_differences, lambda n: (np.arange(float(n)), normal(n), 1.7), (0, 1, 2), n=4, linear=False),
    Program(
        interpolation,
        lambda n: (np.arange(float(n)), normal(n), 0.5 * n + 0.2),
        (0, 1, 2),
        more=((np.arange(5.0), normal(5), 0.3), (np.arange(5.0), normal(5), 3.8)),
    ),
    Program(bezier, lambda n: (normal(n, 2), 0.3), (0, 1), n=4, linear=False, scalar=False),
]
