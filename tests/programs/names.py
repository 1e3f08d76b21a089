"""Names and the arrays they hold: aliases, copies, swaps, writes that a helper or the caller sees."""

import numpy as np

from programs.program import Program, normal, uniform


def alias_in_loop(x, n):
    """An array written through two names in every step."""
    y = x.copy()
    z = y
    for i in range(n):
        y[i % 3] *= 0.9
        z[(i + 1) % 3] += 0.1 * y[i % 3]
    return y @ z


def rebind_or_write(x, n):
    """`y = y + x` makes a new array; `z += x` writes the old one, which `w` still names."""
    y = z = x.copy()
    w = z
    for _ in range(n):
        y = y + x * w
        z += 0.1 * x
    return np.sum(y * z) + np.sum(w**2)


def scaled_alias(x, n):
    """`*=` on a whole array is seen through its other name; on a number it is not."""
    y, s = x.copy(), x[0]
    same, number = y, s
    for _ in range(n):
        y *= 0.9
        s *= 0.9
    return np.sum(same**2) + number + s


def old_and_new(x, n):
    """The copy made before a write keeps its value."""
    y = x.copy()
    total = 0.0
    for i in range(n):
        before = y.copy()
        y[i % len(y)] = np.sin(y[i % len(y)])
        total += before @ y
    return total


def rotate(a, b, c, n):
    """Three arrays change their names in a circle, and one of them is written."""
    a, b, c = a.copy(), b.copy(), c.copy()
    for i in range(n):
        a[i % 2] = 0.5 * a[i % 2] + b[0] * c[1] / 3.0
        a, b, c = b, c, a
    return a[0] + 2.0 * b[1] + 3.0 * c[0] * a[1]


def fibonacci(x, y, n):
    """Two numbers that change together."""
    a, b = x, y
    for _ in range(n):
        a, b = b, 0.5 * (a + b) - 0.1 * a * b
    return a


def add_scaled(target, source, factor):
    for i in range(len(target)):
        target[i] += factor * source[i]


def written_by_helper(x, y, n):
    """A helper writes into its argument, which may also be its other argument."""
    total = x.copy()
    for _ in range(n):
        add_scaled(total, y, 0.5)
        add_scaled(total, total, -0.1)
    return np.sum(total**2)


def caller_sees_writes(x, scale):
    """Writes into the caller's array, then reads it."""
    x[0] = x[1] * scale
    x[1:] *= 2.0
    x += 1.0
    return np.prod(x)


def same_argument_name(x, n):
    """The argument's name is reused for what is computed from it."""
    for _ in range(n):
        x = np.tanh(x) + 0.1 * x[0]
    x = x.sum()
    return x * x


def keep_the_best(x, n):
    """The array with the least cost so far, copied in a branch."""
    best, least = x.copy(), np.sum((x - 0.3) ** 4)
    for _ in range(n):
        x = 1.2 * x * (1.0 - x)
        cost = np.sum((x - 0.3) ** 4)
        if cost < least:
            best, least = x.copy(), cost
    return best @ best + least


def cumulative(x):
    """Running sum and product, each into an array of its own."""
    n = len(x)
    sums, products = np.zeros(n), np.ones(n)
    sums[0] = products[0] = x[0]
    for i in range(1, n):
        sums[i] = sums[i - 1] + x[i]
        products[i] = products[i - 1] * x[i]
    return sums @ products


def histogram(x, weight):
    """Accumulates into an element that the data choose."""
    bins = np.zeros(4)
    for i in range(len(x)):
        k = int(x[i] * 4.0)
        bins[min(k, 3)] += weight[i]
    return np.sum(bins**3)


def gather_scatter(x, order):
    """Reads and writes through an array of integers."""
    y = np.zeros(len(x))
    for i in range(len(order)):
        y[order[i]] += x[i] * x[order[i]]
    return y


def overwritten_result(x, n):
    """The value of an element is needed after it is overwritten, many times."""
    y = np.ones(2)
    for i in range(n):
        y[0] = y[0] * x[i]
        y[1] = 0.5 * y[1] + y[0] ** 2
        y[0] = np.exp(-y[0]) + 0.1 * y[1]
    return y[0]


def three_pairs(n):
    return uniform(2, seed=1), uniform(2, seed=2), uniform(2, seed=3), n


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


def one_of_two_arrays(x, y):
    """Which array is written depends on a value."""
    x, y = x.copy(), y.copy()
    for i in range(len(x)):
        target = x if x[i] < y[i] else y
        target[i] *= 2.0
    return x @ y


def masked(x, n):
    """Boolean masks select what is read and written."""
    y = x.copy()
    for _ in range(n):
        y[y > 1.0] -= 0.5
        y = 1.3 * y
    return np.sum(y[y < 0.9] ** 2)


PROGRAMS = [
    Program(alias_in_loop, lambda n: (uniform(3), n)),
    Program(rebind_or_write, lambda n: (uniform(3), n), more=((uniform(3), 0),)),
    Program(scaled_alias, lambda n: (uniform(3), n)),
    Program(old_and_new, lambda n: (uniform(3), n)),
    Program(rotate, three_pairs, (0, 1, 2), more=(three_pairs(0), three_pairs(1), three_pairs(2))),
    Program(fibonacci, lambda n: (0.3, 0.4, n), (0, 1)),
    Program(written_by_helper, lambda n: (uniform(3, seed=1), uniform(3, seed=2), n), (0, 1), n=3),
    Program(caller_sees_writes, (uniform(4), 1.7), (0, 1)),
    Program(same_argument_name, lambda n: (uniform(3), n)),
    Program(keep_the_best, lambda n: (uniform(3), n)),
    Program(cumulative, lambda n: (uniform(n),)),
    Program(histogram, lambda n: (uniform(n, low=0.0), normal(n)), (1,), n=8),
    Program(gather_scatter, lambda n: (normal(n), np.random.default_rng(1).integers(0, n, n)), scalar=False),
    Program(overwritten_result, lambda n: (uniform(n), n)),
    Program(rows_by_name, lambda n: (normal(3, 3), n)),
    Program(rows_of_loop, lambda n: (normal(n, 3),), n=3, scalar=False),
    Program(one_of_two_arrays, lambda n: (uniform(n, seed=1), uniform(n, seed=2)), (0, 1), linear=False),
    Program(masked, lambda n: (uniform(5, seed=3), n)),
]
