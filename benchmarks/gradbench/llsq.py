"""Linear least squares: a polynomial with coefficients x is fitted to the sign of t at n points."""

import numpy as np

import wengert as wg
from benchmarks.gradbench.function import Function


def objective(x, n):
    total = 0.0
    for i in range(n):
        t = -1.0 + 2.0 * i / (n - 1)
        residual, power = np.sign(t), 1.0
        for coefficient in x:
            residual -= coefficient * power
            power *= t
        total += residual**2
    return total / 2


def arguments(given):
    return np.array(given["x"]), given["n"]


FUNCTIONS = {"primal": Function(objective, arguments), "gradient": Function(wg.grad(objective), arguments)}
