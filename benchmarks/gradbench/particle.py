"""A particle between two charges: w, which places one of them, is chosen so that the particle hits the origin."""

import numpy as np

from benchmarks.gradbench.descent import GRADIENTS, argmin
from benchmarks.gradbench.function import Function, numbers


def potential(x, w):
    return 1 / np.hypot(x[0] - 10, x[1] - 10 + w) + 1 / np.hypot(x[0] - 10, x[1])


def miss(w, inner):
    """The square of the distance from the origin where the particle meets the axis, by Euler's method."""
    step = 0.1
    x, v = np.array([0.0, 8.0]), np.array([0.75, 0.0])
    ahead = x + step * v
    while ahead[1] > 0:
        v = v - step * GRADIENTS[inner](potential)(x, w)
        x, ahead = ahead, ahead + step * v
    x = x - x[1] / v[1] * v
    return x[0] ** 2


def best(w, outer, inner):
    """w, and how often it moved; the modes of the derivatives by w and by the position."""
    w, moves = argmin(lambda w: miss(w[0], inner), outer, w)
    return w[0], moves


def arguments(given):
    return (np.array([given["w"]]),)


def only_w(result):
    return numbers(result[0])


def function(outer, inner):
    return Function(lambda w: best(w, outer, inner), arguments, only_w)


FUNCTIONS = {outer + inner: function(outer, inner) for outer in "fr" for inner in "fr"}
