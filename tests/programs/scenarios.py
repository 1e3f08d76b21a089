"""Small loops over two arrays `a`, `b` of four numbers that are easy to get wrong."""

import math

import numpy as np

from programs.program import Program, uniform


def swapped(a, b, n):
    """Two arrays exchange names every step."""
    x, y = np.zeros(4), np.zeros(4)
    for i in range(4):
        x[i] = a[i]
        y[i] = b[i] * a[i]
    for _ in range(n):
        for i in range(4):
            y[i] = y[i] * 0.5 + 0.3 * x[i] * x[i]
        x, y = y, x
    return x[0] + 2.0 * y[3]


def alias(a, b):
    """`c` is `x` under another name."""
    x = np.zeros(4)
    c = x
    for i in range(4):
        x[i] = a[i] * b[0]
        c[i] += b[i]
    s = 0.0
    for i in range(4):
        s += x[i] * c[i]
    return s


def branch_writes(a, b, n):
    """A branch on values writes the array; the other side writes something else."""
    x = np.zeros(4)
    for _ in range(n):
        for i in range(4):
            if a[i] * x[i] < b[i]:
                x[i] += math.sin(a[i] + x[i])
            else:
                x[i] = x[i] * b[i] - 0.1
    return x[0] * x[1] + x[2] * x[3]


def empty_loops(a, b, n):
    """Loops that never run, forwards and backwards, and one that steps over elements."""
    s = a[0]
    for i in range(n, 0):
        s = s * a[i]
    for i in range(0, n, -1):
        s = s * b[i]
    for i in range(3, -1, -2):
        s = s * b[i] + a[i]
    return s


def neighbours(a, b, n):
    """Reads neighbours of what it overwrites, by a second array."""
    u, w = np.zeros(6), np.zeros(6)
    for i in range(4):
        u[i + 1] = a[i]
    for t in range(n):
        for i in range(1, 5):
            w[i] = u[i] + 0.1 * b[t % 4] * (u[i - 1] * u[i + 1] - u[i] * u[i])
        for i in range(1, 5):
            u[i] = w[i]
    return u[1] + 2.0 * u[2] + 3.0 * u[3]


def while_in_for(a, b):
    """A loop of unknown length inside one that only accumulates."""
    s = 0.0
    for i in range(4):
        x = 1.0 + a[i] * a[i]
        while x > 1.1:
            x = math.sqrt(x) * (1.0 + 0.01 * math.sin(b[i]))
        s += x * b[i]
    return s


def old_value(a, b, n):
    """The value before an update is read after it, so the update must not destroy it."""
    x = np.zeros(4)
    for _ in range(n):
        for i in range(4):
            old = x[i]
            x[i] = math.sin(a[i] * old + b[i])
            x[3 - i] += 0.1 * old * x[i]
    return x[0] + x[1] * x[2] + x[3]


def maxima(a, b, n):
    """A maximum in an inner loop; only which entry it was is needed on the way back."""
    s = 0.0
    for t in range(n):
        top = a[0] * b[t % 4]
        for i in range(1, 4):
            top = np.maximum(top, a[i] * b[(t + i) % 4])
        s = 0.5 * s + top * top
    return s


def work_array(a, b, n):
    """A work array made anew in every step of a loop that only accumulates."""
    s = 0.0
    for i in range(n):
        w = np.zeros(4)
        for j in range(4):
            w[j] = a[j] * i + b[j]
        q = 0.0
        for j in range(4):
            q += math.tanh(w[j] * w[3 - j])
        s += q
    return s


def history(a, b):
    """Three nested loops with ragged bounds, and two scalars that change together."""
    s, t = 1.0, 0.5
    for i in range(4):
        for j in range(i):
            for k in range(j, 4, 3):
                s, t = t * a[k] + 0.1, s * b[j] - t
    return s * t


def triangle(a):
    """Bounds that depend on an outer index, and a scalar that makes every inner value depend on all before."""
    s = 1.0
    for i in range(len(a)):
        for j in range(i, len(a), 2):
            s = 0.5 * s + math.sin(s * a[i, j])
    return s


def two_arrays(n):
    return uniform(4, seed=1), uniform(4, seed=2), n


PROGRAMS = [
    Program(swapped, two_arrays, (0, 1), more=(two_arrays(0), two_arrays(1), two_arrays(4))),
    Program(alias, two_arrays(0)[:2], (0, 1)),
    Program(branch_writes, two_arrays, (0, 1)),
    Program(empty_loops, two_arrays, (0, 1), linear=False, more=(two_arrays(0), two_arrays(-3))),
    Program(neighbours, two_arrays, (0, 1)),
    Program(while_in_for, two_arrays(0)[:2], (0, 1)),
    Program(old_value, two_arrays, (0, 1), more=(two_arrays(0),)),
    Program(maxima, two_arrays, (0, 1)),
    Program(work_array, two_arrays, (0, 1)),
    Program(history, two_arrays(0)[:2], (0, 1)),
    Program(triangle, lambda n: (uniform(n, n),), linear=False),
]
