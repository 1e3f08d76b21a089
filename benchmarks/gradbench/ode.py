"""Runge and Kutta's method for y_0' = x_0, y_i' = x_i y_{i-1}, from y(0) = 0 to the time 2 in s steps."""

import numpy as np

import wengert as wg
from benchmarks.gradbench.function import Function


def slope(x, y):
    z = x.copy()
    z[1:] *= y[:-1]
    return z


def solution(x, s):
    h = 2.0 / s
    y = np.zeros_like(x)
    for _ in range(s):
        k1 = slope(x, y)
        k2 = slope(x, y + h / 2 * k1)
        k3 = slope(x, y + h / 2 * k2)
        k4 = slope(x, y + h * k3)
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y


def last(x, s):
    return solution(x, s)[-1]


def arguments(given):
    return np.array(given["x"]), given["s"]


FUNCTIONS = {"primal": Function(solution, arguments), "gradient": Function(wg.grad(last), arguments)}
