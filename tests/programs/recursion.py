"""Functions that call themselves: how deep, values decide when the program runs."""

import math

import numpy as np

from programs.program import Program, normal, uniform


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


def minors(A, used, row):
    """Expansion by minors of the rows from `row` on, without the columns that are used."""
    if row == len(A):
        return 1.0
    total, sign = 0.0, 1.0
    for j in range(len(A)):
        if not used[j]:
            used[j] = True
            total += sign * A[row, j] * minors(A, used, row + 1)
            used[j] = False
            sign = -sign
    return total


def determinant_by_minors(A, first):
    """The depth is the number of rows; `first` skips rows and columns at the upper left."""
    used = np.zeros(len(A), bool)
    used[:first] = True
    return minors(A, used, first)


def branches_of_tree(length, angle, depth):
    """How high a tree is, weighted, whose branches are shorter the steeper they bend."""
    if depth == 0 or length < 0.05:
        return length * math.sin(angle)
    left = branches_of_tree(length * 0.7, angle + 0.4, depth - 1)
    right = branches_of_tree(length * math.cos(angle), angle - 0.3, depth - 1)
    return length * math.sin(angle) + 0.5 * (left + right)


def fibonacci_like(x, n):
    """Two calls of itself, as deep as n."""
    if n < 2:
        return x * n + 0.3
    return math.sin(fibonacci_like(x, n - 1)) + x * fibonacci_like(x, n - 2)


def power(x, n):
    """By squaring."""
    if n == 0:
        return 1.0
    half = power(x, n // 2)
    return half * half * x if n % 2 else half * half


def even_steps(x, n):
    """Two functions that call each other."""
    return x if n <= 0 else odd_steps(1.1 * x, n - 1)


def odd_steps(x, n):
    """Two functions that call each other."""
    return math.sin(x) if n <= 0 else even_steps(math.cos(x), n - 2)


def partition(a, low, high):
    pivot, i = a[high], low
    for j in range(low, high):
        if a[j] < pivot:
            a[i], a[j] = a[j], a[i]
            i += 1
    a[i], a[high] = a[high], a[i]
    return i


def quicksort(a, low, high):
    if low < high:
        i = partition(a, low, high)
        quicksort(a, low, i - 1)
        quicksort(a, i + 1, high)


def sorted_in_place(x, w):
    """A function that writes into the array that it is given, and returns nothing."""
    a = x.copy()
    quicksort(a, 0, len(a) - 1)
    return np.sum(a * w)


def halved(x, n):
    """Two results, one of them a count."""
    if n <= 0 or np.sum(x**2) < 1e-3:
        return x, 0
    y, count = halved(0.5 * np.sin(x), n - 1)
    return x + y, count + 1


def sum_of_halves(x, n):
    """A call that gives an array and a count."""
    y, count = halved(x, n)
    return np.sum(y) * count


def until_small(f, x, tolerance):
    """Newton's method, a step for each call; f is a closure."""
    step = f(x)
    if abs(step) < tolerance:
        return x
    return until_small(f, x - step, tolerance)


def root_by_calls(a):
    """A root by a step for each call, of a function that is defined here."""
    return until_small(lambda x: (x * x * x - a) / (3.0 * x * x), 1.0 + a, 1e-12)


def ackermann_like(x, m, n):
    """A call of itself among the arguments of another."""
    if m == 0:
        return x + 0.1 * n
    if n == 0:
        return ackermann_like(math.cos(x), m - 1, 1)
    return ackermann_like(ackermann_like(x, m, n - 1), m - 1, n)


PROGRAMS = [
    Program(adaptive_simpson, (0.2, 1.9, 1e-5), (0, 1), more=((0.2, 0.3, 1e-5), (0.01, 2.5, 1e-4))),
    Program(determinant_by_minors, (normal(4, 4), 0), more=((normal(4, 4), 3), (normal(4, 4), 4))),
    Program(branches_of_tree, (1.0, 0.9, 5), (0, 1), more=((1.0, 0.9, 0), (0.2, 0.4, 50))),
    Program(fibonacci_like, (0.6, 6), more=((0.6, 0), (0.6, 1))),
    Program(power, (1.1, 13), more=((1.1, 0), (1.1, 8))),
    Program(even_steps, (0.3, 7), more=((0.3, 0), (0.3, 1))),
    Program(
        sorted_in_place, lambda n: (normal(n), uniform(n)), (0, 1), n=7, linear=False, more=((normal(1), uniform(1)),)
    ),
    Program(sum_of_halves, (uniform(3), 4), more=((uniform(3), 0), (0.01 * uniform(3), 4))),
    Program(root_by_calls, (2.7,)),
    Program(ackermann_like, (0.4, 2, 2), more=((0.4, 0, 3), (0.4, 1, 0))),
]
