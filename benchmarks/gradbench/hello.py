"""The square of a number, and its derivative."""

import wengert as wg
from benchmarks.gradbench.function import Function


def square(x):
    return x * x


def arguments(given):
    return (float(given),)


FUNCTIONS = {"square": Function(square, arguments), "double": Function(wg.grad(square), arguments)}
