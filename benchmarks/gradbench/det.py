"""The determinant, by expansion along the first row: a recursion over minors."""

import numpy as np

import wengert as wg
from benchmarks.gradbench.function import Function


def det(A):
    if len(A) == 1:
        return A[0, 0]
    total, sign = 0.0, 1.0
    for j in range(len(A)):
        minor = np.delete(A[1:], j, axis=1)
        total += sign * A[0, j] * det(minor)
        sign = -sign
    return total


def gradient(A):
    """As GradBench wants it: flat."""
    return wg.grad(det)(A).ravel()


def arguments(given):
    return (np.array(given["A"]).reshape(given["ell"], given["ell"]),)


FUNCTIONS = {"primal": Function(det, arguments), "gradient": Function(gradient, arguments)}
