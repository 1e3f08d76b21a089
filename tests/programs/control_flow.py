"""Branches, loops that end early, and what names hold afterwards."""

import math

import numpy as np

from programs.program import Program, normal, uniform


def first_set_in_branch(x, n):
    """Names that a branch sets first: one on both sides, one that only one side needs."""
    total = 0.0
    for i in range(n):
        if x[i] > 0.0:
            kind, size = 1.0, x[i] ** 2
        else:
            kind = -0.5
            size = math.exp(x[i])
        total += kind * size
        last = total * size
    return total + last


def loop_variable_after(x, limit):
    """The loop variable and a name of the body, after a loop that breaks."""
    partial = 0.0
    for i in range(len(x)):
        partial += x[i] ** 2
        here = x[i]
        if partial > limit:
            break
    return partial * i + here * x[i] + limit * i


def zero_trips(x, n, m):
    """Loops that do not run leave names as they were, the loop variable too."""
    i, last = 2, x[0]
    for i in range(3, n):
        last = last * x[i]
    k = len(x)
    while k < m:
        k += 1
        last = last * x[0] + k
    return last * x[i] + k


def skip_and_stop(x):
    """`continue` and `break` in one loop, and both change what is carried."""
    total, skipped = 0.0, 0
    for value in x:
        if value < 0.0:
            skipped += 1
            continue
        total += math.sqrt(value)
        if total > 2.5:
            total *= 0.9
            break
        total += 0.1 * skipped * value
    return total


def search_else(x, target):
    """`for` with `else`: where the running sum passes the target, or the whole of it; one of each."""
    total = 0.0
    for goal in (target, 100.0 * target):
        running = 0.0
        for i in range(len(x)):
            if running + x[i] > goal:
                total += (goal - running) / x[i] + i
                break
            running += x[i]
        else:
            total += running**2
    return total


def halving_else(x, floor):
    """`while` with `else`, left by both ways."""
    total = 0.0
    for value in x:
        tries = 0
        while value > floor:
            value *= 0.6
            tries += 1
            if tries == 3:
                break
        else:
            value = value**2
        total += value * (tries + 1)
    return total


def collatz(x, n):
    """A `while` over integers that the values do not know of, inside a `for`."""
    total = 0.0
    for i in range(1, n + 1):
        k = i
        while k != 1:
            if k % 2 == 0:
                k //= 2
                total += x[k % 3]
            else:
                k = 3 * k + 1
                total *= 0.97
    return total


def leave_two_loops(A, limit):
    """A flag leaves two loops."""
    total, found = 0.0, False
    for i in range(A.shape[0]):
        for j in range(A.shape[1]):
            total += A[i, j] ** 2
            if total > limit:
                found = True
                break
        if found:
            break
    return total * (1.0 + i) + j * A[i, j]


def return_from_two_loops(A, limit):
    """An early return from an inner loop."""
    total = 0.0
    for i in range(A.shape[0]):
        for j in range(i + 1):
            total += A[i, j] ** 2
            if total > limit:
                return total * A[j, i] + limit
        total *= 0.99
    return total


def return_in_branches(x, y):
    """A chain of early returns."""
    if x < 0.0:
        return -x * y
    if y < 0.0 or x * y > 10.0:
        return x - y
    while x < 5.0:
        x *= 1.0 + y
        if x > 3.0:
            return x**2
    return x


def boolean_operators(x, y, n):
    """`and`, `or`, `not` on values, and a truth value that a loop carries."""
    inside, total = True, 0.0
    for i in range(n):
        if inside and x[i] > 0.0:
            total += x[i] * y[i]
        elif not inside or y[i] < 0.0:
            total -= math.sin(x[i])
        inside = not (x[i] < 0.0 and y[i] > 0.0)
    return total


def guarded(x):
    """`and` evaluates its second operand only where the first is true."""
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0.0 and math.log(x[i]) < 0.0:
            total += math.sqrt(x[i])
        if i > 0 and x[i] > x[i - 1]:
            total += x[i] * x[i - 1]
    return total


def chained(x, low, high):
    """Chained comparisons and ternaries: values outside an interval are bent back."""
    total = 0.0
    for value in x:
        total += value**2 if low < value <= high else low * value if value <= low else high * value
    return total


def alternating_sum(x):
    """Ternaries on integers, `enumerate`, and a negative step."""
    total = 0.0
    for i, value in enumerate(x):
        total += value * (i + 1) if i % 2 == 0 else -(value**2)
    for i in range(len(x) - 1, 0, -2):
        total += x[i] * x[i - 1]
    return total


def changed_loop_variable(x, n):
    """Assigning to the loop variable does not change the loop."""
    total = 0.0
    for i in range(n):
        total += x[i] * (i + 1)
        i = i // 2
        total += x[i] ** 2
    return total


def integer_becomes_float(x):
    """Names that start as an int: a sum, a product, and one that stays an int when nothing is positive."""
    total, product, largest = 0, 1, 0
    for value in x:
        total += value
        product *= 0.99 + 0.01 * value**2
        if value > largest:
            largest = value
    return total * product + largest


def sequences(x, y):
    """`zip`, `reversed`, `enumerate` over arrays, together."""
    total = 0.0
    for i, (a, b) in enumerate(zip(x, reversed(y))):
        total = 0.9 * total + a * b * i
    for k, row in enumerate(np.outer(x, y)):
        total += row[k] * row.sum()
    return total


def bubble_sort(x):
    """Sorts until nothing is swapped; returns a weighted sum."""
    v = x.copy()
    swapped = True
    while swapped:
        swapped = False
        for i in range(len(v) - 1):
            if v[i] > v[i + 1]:
                v[i], v[i + 1] = v[i + 1], v[i]
                swapped = True
    total = 0.0
    for i in range(len(v)):
        total += (i + 1) * v[i] ** 2
    return total


def checked_steps(x, n):
    """Assertions and a `raise` that do not fire."""
    for i in range(n):
        assert x > 0.0, "the state must stay positive"
        x = x + 0.1 * math.log(1.0 + x)
        if x > 1e6:
            raise OverflowError(f"step {i}: {x}")
    return x


PROGRAMS = [
    Program(first_set_in_branch, lambda n: (normal(n), n), more=((-uniform(3), 3), (uniform(3), 1))),
    Program(loop_variable_after, (uniform(6), 1.1), (0, 1), more=((uniform(6), 100.0), (uniform(6), 0.01))),
    Program(zero_trips, (uniform(4), 3, 2), more=((uniform(4), 4, 2), (uniform(4), 1, 6))),
    Program(
        skip_and_stop,
        (np.array([0.5, -0.3, 0.8, -0.1, 1.3, 0.4, 0.9]),),
        more=((np.array([-0.5, 0.3, -0.8]),), (np.zeros(0),)),
    ),
    Program(search_else, (uniform(5), 1.3), (0, 1), more=((uniform(5), 0.01), (uniform(5), 50.0))),
    Program(halving_else, (np.array([0.2, 3.0, 0.7, 0.5]), 0.4)),
    Program(collatz, lambda n: (uniform(3), n), n=7, linear=False, more=((uniform(3), 1), (uniform(3), 0))),
    Program(leave_two_loops, (normal(4, 4), 3.0), more=((normal(4, 4), 1e3), (normal(4, 4), 1e-3))),
    Program(return_from_two_loops, (normal(4, 4), 2.5), (0, 1), more=((normal(4, 4), 1e3), (normal(4, 4), 1e-3))),
    Program(
        return_in_branches, (0.5, 0.4), (0, 1), more=((-0.5, 0.4), (0.5, -0.4), (4.0, 2.6), (2.0, 2.6), (5.5, 0.4))
    ),
    Program(boolean_operators, lambda n: (normal(n, seed=1), normal(n, seed=2), n), (0, 1), n=8),
    Program(guarded, lambda n: (normal(n),), n=8),
    Program(chained, lambda n: (normal(n), -0.4, 0.7), (0, 1, 2), n=8),
    Program(alternating_sum, lambda n: (normal(n),)),
    Program(changed_loop_variable, lambda n: (normal(n), n)),
    Program(integer_becomes_float, lambda n: (normal(n),), more=((-uniform(3),), (np.zeros(0),))),
    Program(sequences, lambda n: (normal(n, seed=1), normal(n, seed=2)), (0, 1), linear=False),
    Program(
        bubble_sort,
        lambda n: (normal(n),),
        linear=False,
        more=((np.array([0.1, 0.2, 0.3]),), (np.array([0.3, 0.2, 0.1]),)),
    ),
    Program(checked_steps, lambda n: (0.7, n), more=((0.7, 0),)),
]
