"""The logarithm of a sum of exponentials: a soft maximum."""

import numpy as np

import wengert as wg
from benchmarks.gradbench.function import Function


def lse(x):
    largest = np.max(x)
    return largest + np.log(np.sum(np.exp(x - largest)))


def arguments(given):
    return (np.array(given["x"]),)


FUNCTIONS = {"primal": Function(lse, arguments), "gradient": Function(wg.grad(lse), arguments)}
