"""Programs that the first half of staging leaves out, each with the reason."""

import math

import numpy as np

from programs.program import Program, dominant, normal, positive_definite, uniform


def cholesky_slices(A):
    """Logarithm of the determinant by a Cholesky factor whose sums are products of slices."""
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            L[i, j] = (A[i, j] - L[i, :j] @ L[j, :j]) / L[j, j]
        L[i, i] = math.sqrt(A[i, i] - L[i, :i] @ L[i, :i])
    return 2.0 * np.sum(np.log(np.diag(L)))


def lu_slices(A):
    """Both triangular factors; each step updates the block that remains."""
    LU = A.copy()
    for k in range(len(A) - 1):
        LU[k + 1 :, k] /= LU[k, k]
        LU[k + 1 :, k + 1 :] -= np.outer(LU[k + 1 :, k], LU[k, k + 1 :])
    return LU


def back_substitution(U, b):
    """Sum of squares of the solution of U x = b, by products with slices."""
    n = len(b)
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - U[i, i + 1 :] @ x[i + 1 :]) / U[i, i]
    return x @ x


def householder(A):
    """The triangular factor by reflections, each of a shorter vector."""
    R = A.copy()
    m, n = R.shape
    for k in range(n):
        v = R[k:, k].copy()
        v[0] += math.copysign(1.0, v[0]) * np.linalg.norm(v)
        v /= np.linalg.norm(v)
        R[k:, k:] -= 2.0 * np.outer(v, v @ R[k:, k:])
    return np.abs(np.diag(R))


def rows_by_name(A, n):
    """Rows and columns that have names, written through them."""
    B = A.copy()
    for i in range(n):
        row = B[i % len(B)]
        row *= 0.9
        row[0] += row[1]
        column = B[:, 0]
        column[:] = np.tanh(column)
    return np.sum(B**2)


def rows_of_loop(A):
    """Each row that a loop hands out is a view, which the loop normalises."""
    B = A.copy()
    for row in B:
        row /= np.sqrt(row @ row)
    return B


def masked(x, n):
    """Boolean masks select what is read and written."""
    y = x.copy()
    for _ in range(n):
        y[y > 1.0] -= 0.5
        y = 1.3 * y
    return np.sum(y[y < 0.9] ** 2)


def recursive_fft(re, im):
    """Fourier transform by strided views and recursion on their length."""
    n = len(re)
    if n == 1:
        return re, im
    even, odd = recursive_fft(re[::2], im[::2]), recursive_fft(re[1::2], im[1::2])
    angle = -2.0 * np.pi * np.arange(n // 2) / n
    x = np.cos(angle) * odd[0] - np.sin(angle) * odd[1]
    y = np.cos(angle) * odd[1] + np.sin(angle) * odd[0]
    return (
        np.concatenate([even[0] + x, even[0] - x]),
        np.concatenate([even[1] + y, even[1] - y]),
    )


def adaptive_simpson(a, b, tolerance):
    """Integral of sqrt(x) sin(x) by halves, as deep as the error asks for."""

    def f(x):
        return math.sqrt(x) * math.sin(x)

    def simpson(a, b):
        return (b - a) / 6.0 * (f(a) + 4.0 * f((a + b) / 2.0) + f(b))

    middle = (a + b) / 2.0
    whole, parts = simpson(a, b), simpson(a, middle) + simpson(middle, b)
    if abs(parts - whole) < 15.0 * tolerance:
        return parts + (parts - whole) / 15.0
    return adaptive_simpson(a, middle, tolerance / 2.0) + adaptive_simpson(middle, b, tolerance / 2.0)


def least_so_far(x):
    """A name that holds None until the first value arrives."""
    least, total = None, 0.0
    for value in x:
        if least is None or value < least:
            least = value
        total += value * least
    return total


class Oscillator:
    """An object whose attributes change."""

    def __init__(self, position, stiffness):
        self.position, self.speed = position, 0.0
        self.stiffness = stiffness

    def advance(self, h):
        self.speed -= h * self.stiffness * self.position
        self.position += h * self.speed


def object_with_state(position, stiffness, n):
    """A loop in which an object remembers."""
    body = Oscillator(position, stiffness)
    for _ in range(n):
        body.advance(0.1)
    return body.position


def one_of_two_arrays(x, y):
    """Which array is written depends on a value."""
    x, y = x.copy(), y.copy()
    for i in range(len(x)):
        target = x if x[i] < y[i] else y
        target[i] *= 2.0
    return x @ y


BOUNDS = "slices whose bounds depend on a loop variable"
VIEWS = "writes through views that have names"

LATER = [
    Program(cholesky_slices, lambda n: (positive_definite(n),), n=4, linear=False, reason=BOUNDS),
    Program(lu_slices, lambda n: (dominant(n),), n=4, linear=False, scalar=False, reason=BOUNDS),
    Program(back_substitution, lambda n: (np.triu(dominant(n)), normal(n)), (0, 1), linear=False, reason=BOUNDS),
    Program(householder, lambda n: (normal(n + 1, n),), n=3, linear=False, scalar=False, reason=BOUNDS),
    Program(rows_by_name, lambda n: (normal(3, 3), n), reason=VIEWS),
    Program(rows_of_loop, lambda n: (normal(n, 3),), n=3, scalar=False, reason=VIEWS),
    Program(masked, lambda n: (uniform(5, seed=3), n), reason="boolean masks"),
    Program(
        recursive_fft,
        lambda n: (normal(n, seed=1), normal(n, seed=2)),
        (0, 1),
        n=4,
        linear=False,
        scalar=False,
        reason="run-time recursion where lengths are not constant",
    ),
    Program(adaptive_simpson, (0.2, 1.9, 1e-5), (0, 1), reason="run-time recursion"),
    Program(least_so_far, lambda n: (normal(n),), reason="a name that is None before a loop and a number after it"),
    Program(object_with_state, lambda n: (0.7, 1.3, n), (0, 1), reason="attributes that a rolled loop carries"),
    Program(
        one_of_two_arrays,
        lambda n: (uniform(n, seed=1), uniform(n, seed=2)),
        (0, 1),
        reason="which array a name holds depends on a value",
    ),
]
