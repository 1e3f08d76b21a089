"""A saddle point: x minimises the maximum over y.  A descent, whose function is the end of another descent."""

import numpy as np

from benchmarks.gradbench.descent import argmax, argmin
from benchmarks.gradbench.function import Function, numbers


def f(x, y):
    return x @ x - y @ y


def saddle(start, outer, inner):
    """x, y, and how often each moved; the modes of the derivatives by x and by y."""

    def highest(x):
        y, _ = argmax(lambda y: f(x, y), inner, start)
        return f(x, y)

    x, x_moves = argmin(highest, outer, start)
    y, y_moves = argmax(lambda y: f(x, y), outer, start)
    return x, y, x_moves, y_moves


def arguments(given):
    return (np.array(given["start"]),)


def both_points(result):
    x, y, *_ = numbers(result)
    return x + y


def function(outer, inner):
    return Function(lambda start: saddle(start, outer, inner), arguments, both_points)


FUNCTIONS = {outer + inner: function(outer, inner) for outer in "fr" for inner in "fr"}
