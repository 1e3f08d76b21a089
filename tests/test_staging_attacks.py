"""Functions that an expert writes to break a stager: several rules at once, in regions inside regions."""

import collections
import copy
import enum
import functools
import itertools
import math
import operator

import numpy as np

import wengert as wg
from staging import agree, cases

X = np.array([0.5, -1.25, 2.0, 0.75, -0.3])
A = np.array([[1.0, 0.5, -0.25], [0.3, -2.0, 0.7], [1.5, 0.2, 0.9]])
case, each_case = cases()


@case(X)
@case(-X)
def names_in_turns(x):
    a, b, c = x[0], x[1], x[2]
    for i in range(4):
        if a > b:
            a, b, c = b, c, a * 0.5
        elif b > c:
            a, c = c, a + b
        else:
            b = a * c
    return a + 2 * b + 3 * c


@case(X)
def nested_functions_change_outer_arrays(x):
    y = np.zeros(5)

    def put(i, v):
        y[i] = v
        return y[i - 1]

    total = 0.0
    for i in range(5):
        total += put(i, x[i] * i) if x[i] > 0 else put(i, total)
    return total, y


@case(X)
def returns_in_helper_in_loop(x):
    def first_above(v, limit):
        for i in range(len(v)):
            if v[i] > limit:
                return i, v[i]
        return -1, 0.0

    total = 0.0
    for k in range(4):
        i, found = first_above(x, k * 0.6)
        if i < 0:
            break
        total += found * i
    return total, k


@case(X)
def while_inside_for_inside_while(x):
    total, n = x[0], 0
    while n < 3:
        for i in range(n, len(x)):
            y = x[i]
            while abs(y) > 0.4:
                y = y / 2
                if y < -0.3:
                    break
            else:
                total += y
                continue
            total -= y * n
        n += 1
    return total


@case(X)
def break_leaves_values(x):
    for i in range(5):
        y = x[i] * 2
        if y > 1.2:
            z = y
            break
        w = y
    return z * w + i + y


@case(X)
def flags_of_python(x):
    up, down = 0, 0
    for i in range(1, 5):
        rises = x[i] > x[i - 1]
        up += rises
        down += not rises
        both = rises and x[i] > 0
        if both or (down > 1 and not up):
            up += 1
    return up, down, up * x[0]


@case(2.5, 1.5)
@case(-2.5, 0.0)
def truth_as_number(x, y):
    n = (x > 0) + (y > 1) + (not y)
    m = (x > 0) - (y > 1)
    k = ~(x > 0) if n else -(y > 1)
    return n, m, k, n * x, (x > 0) * y, max(x > 0, y > 1), sum([x > 0, y > 0, x < y])


@case(7, 3)
@case(-7, 3)
@case(7, -3)
def whole_numbers(n, m):
    a, b = divmod(n, m)
    c = n // m * m + n % m
    d = (n & m) | (n ^ 2) << 1
    return a, b, c, d, n**2, 2 ** abs(m), n / m, -n // m, abs(n) % abs(m), n > m, int(n / m), round(n / m), min(n, m)


@case(6)
@case(27)
def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


@case(48, 36)
def greatest_divisor(a, b):
    while b:
        a, b = b, a % b
    return a


@case(X, 3)
def slices_with_known_bounds(x, n):
    y = x.copy()
    for i in range(3):
        y[i : i + 2] = y[i : i + 2] * 2 + x[i]
    return y, x[:n].sum(), x[n:].sum(), x[-n:].sum()


@case(A)
def elimination(a):
    a = a.copy()
    n = len(a)
    sign = 1.0
    for k in range(n):
        p = k + np.argmax(np.abs(a[k:, k]))
        if p != k:
            a[[k, p]] = a[[p, k]]
            sign = -sign
        for i in range(k + 1, n):
            a[i, k:] = a[i, k:] - a[i, k] / a[k, k] * a[k, k:]
    return sign * np.prod(np.diag(a))


@case(A)
def rows_exchanged(a):
    a[0], a[1] = a[1].copy(), a[0].copy()
    a[[0, 2]] = a[[2, 0]]
    a[:, 0], a[:, 1] = a[:, 1], a[:, 0]
    return a


@case(X)
def history_of_arrays(x):
    states = [x]
    for i in range(3):
        new = states[-1].copy()
        new[i] = new[i + 1] * 2
        states.append(new)
    states[0][0] = 9.0
    return sum(s.sum() * k for k, s in enumerate(states))


@case(X)
def dictionary_of_arrays(x):
    cache = {}
    for i in range(4):
        for j in (i, i + 1):
            if j not in cache:
                cache[j] = x[j] * (cache[j - 1] if j - 1 in cache else 1.0)
    return sum(cache.values()), sorted(cache)


@case(X)
def memo_by_recursion(x):
    memo = {}

    def value(n):
        if n < 2:
            return x[n]
        if n not in memo:
            memo[n] = value(n - 1) * 0.5 + value(n - 2)
        return memo[n]

    return value(12), len(memo)


class Node:
    def __init__(self, value, left=None, right=None):
        self.value, self.left, self.right = value, left, right


@case(X)
def tree_of_objects(x):
    tree = Node(x[0], Node(x[1]), Node(x[2], Node(x[3])))

    def total(node, depth=1):
        if node is None:
            return 0.0
        return node.value * depth + total(node.left, depth + 1) + total(node.right, depth + 1)

    tree.left.value = tree.value * 2
    return total(tree)


class Stepper:
    def __init__(self, x):
        self.x, self.count = x, 0

    def step(self, h):
        self.x = self.x + h * np.sin(self.x)
        self.count += 1
        return self

    def __iadd__(self, other):
        self.x = self.x + other
        return self


@case(X)
def chained_methods(x):
    s = Stepper(x).step(0.1).step(0.2)
    s += 1.0
    return s.x, s.count


@case(X)
def object_in_loop(x):
    s = Stepper(x)
    for i in range(4):
        s.step(0.1 * i)
    return s.x.sum() * s.count


@case(X, 0.1)
def adaptive(x, h):
    t, y, rejected = 0.0, x[0], 0
    while t < 1.0:
        if t + h > 1.0:
            h = 1.0 - t
        full = y + h * np.sin(y)
        half = y + h / 2 * np.sin(y)
        half = half + h / 2 * np.sin(half)
        if abs(full - half) > 1e-3 * (1 + abs(y)):
            h, rejected = h / 2, rejected + 1
            continue
        t, y = t + h, half
        h = min(2 * h, 0.25)
    return y, rejected


@case(X)
def aliases_through_containers_in_loop(x):
    pair = [x, x * 2]
    for i in range(5):
        pair[0][i] = pair[1][i] + pair[0][i - 1]
    a, b = pair
    b[0] = a[1]
    return pair[1] @ x


@case(X)
@case(-X)
def one_of_two_arrays(x):
    a, b = x.copy(), x * 2
    c = a if x[0] > 0 else b
    c[0] = 7.0 * x[1]
    return a.sum() + 10 * b.sum() + c[0]


@case(X)
def argument_of_helper_rebound(x):
    def change(v, n):
        v = v * 2
        v[n] = 0.0
        return v

    y = change(x, 1)
    for i in range(3):
        y = change(y, i) + x
    return y


@case(X)
def star_of_comprehensions(x):
    rows = [[x[i] * x[j] for j in range(3) if j != i] for i in range(3)]
    flat = [v for row in rows for v in row]
    first, *middle, last = flat
    return np.array(rows).sum() + max(flat) * first - last * len(middle) + sum(map(lambda p: p[0] * p[1], zip(flat, x)))


@case(1.3)
def series(x):
    term, total, n = 1.0, 0.0, 0
    while abs(term) > 1e-14:
        total += term
        n += 1
        term = -term * x * x / ((2 * n) * (2 * n - 1))
    return total, n


@case(0.5)
def infinities(x):
    best, worst = math.inf, -float("inf")
    for k in range(1, 6):
        v = (x - 1.0 / k) ** 2
        if v < best:
            best, at = v, k
        worst = max(worst, v)
    return best + worst, at


@case(X)
def not_a_number(x):
    total = np.nan
    for v in x:
        if np.isnan(total):
            total = v
        else:
            total = total + v * v
    return total, np.nan == np.nan, math.isnan(total)


@case(X)
def condition_on_any_and_all(x):
    n = 0
    while (x > 0.1).any() and not np.all(x < 0.3):
        x = np.where(x > 0.1, x * 0.5, x)
        n += 1
    return x, n


@case(X, 3)
def writes_argument_after_copy_of_name(x, n):
    start = x
    for i in range(n):
        x = x + start * 0.1
        start[i] = 0.0
    return x, start is x


@case(A)
def accumulates_into_rows(a):
    out = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            for k in range(3):
                out[i, j] += a[i, k] * a[k, j]
            if out[i, j] < 0:
                out[i] *= 0.5
    return out


@case(X)
def else_after_return(x):
    for i in range(5):
        if x[i] > 1:
            return x[i] * 2
    else:
        y = 1.0
    return y


@case(X)
@case(-X)
def deep_return(x):
    def inner(v):
        if v > 0:
            if v > 1:
                return v
            for _ in range(2):
                v = v + 1
                if v > 1.6:
                    return -v
        elif v < -1:
            return v * 3
        return 0.5

    return inner(x[0]) + inner(x[1]) * inner(x[2]) + inner(x[4])


@case(X)
def zero_trip_with_new_names(x):
    for i in range(int(x[1]), 0):
        for j in range(i, 0):
            y = x[i] * j
    for k in range(0):
        y = undefined  # noqa: F821
    return y


@case(X)
def delete_in_loop(x):
    total = 0.0
    for i in range(3):
        tmp = x[i] * 2
        total += tmp
        del tmp
    return total


@case(X)
def indices_of_indices(x):
    order = np.argsort(x)
    rank = np.zeros(5, dtype=int)
    for i in range(5):
        rank[order[i]] = i
    total = 0.0
    for i in range(5):
        total += x[order[rank[i]]] * rank[i]
        if rank[i] == 4:
            x[order[0]] += total
    return total, rank


@case(X)
def products_and_combinations(x):
    s = 0.0
    for i, j in itertools.product(range(2), range(3)):
        s += x[i] * x[j]
    for a, b in itertools.combinations([0, 1, 2], 2):
        s += x[a] * x[b]
    return s


class Kind(enum.Enum):
    A = 1
    B = 2


@case(X)
def enum_default(x, k=Kind.A):
    return x.sum() if k is Kind.A else -x.sum()


@case(X)
def queue(x):
    q = collections.deque([x[0], x[1]])
    q.append(x[2])
    return q.popleft() * q[1]


@case(X)
def default_dict(x):
    d = collections.defaultdict(float)
    for i in range(4):
        d[i % 2] += x[i]
    return d[0] * d[1]


@case(X)
def copies_of_all_kinds(x):
    y = copy.copy(x)
    z = copy.deepcopy(x)
    y[0] = 3.0
    z[1] = y[0] * x[2]
    return x.sum() + y @ z


@case(X)
def counter(x):
    c = collections.Counter("abca")
    return x[0] * c["a"]


@case(X)
def sorted_values(x):
    total = 0.0
    for v in sorted([x[0], x[1], x[2]], key=lambda v: 1):
        total = total * 2 + v
    return total


@case(X)
def reduced(x):
    return functools.reduce(operator.mul, [v for v in x]) + sum(itertools.accumulate([1, 2, 3])) * x[0]


@case(X)
def ufuncs_in_place(x):
    out = np.empty(5)
    out.fill(0.5)
    np.copyto(out[1:3], x[1:3])
    np.add(out, x, out=out)
    np.add.at(out, [0, 0], 1.0)
    out.sort()
    return out * np.arange(5)


@case(X)
def enumerate_in_comprehension(x):
    it = [(i, v) for i, v in enumerate(x) if i % 2 == 0]
    return sum(i * v for i, v in it)


@case(X)
def strings_sets_pairs(x):
    s = x[0]
    for c in "abc":
        s = s * (2.0 if c == "b" else 1.5)
    for k in {1, 2}:
        s = s + k
    for p in ((1, x[1]), (2, x[2])):
        s += p[0] * p[1]
    return s


@case(X)
def empty_loops(x):
    for i in range(3):
        pass
    while False:
        pass
    y = lambda *a, **k: (len(a), k.get("b", 0.0))
    n, b = y(1, 2, b=x[0])
    return n * b


@case(X)
def table_of_functions(x):
    global_like = {"f": np.sin}
    return global_like["f"](x[0]) if callable(global_like["f"]) else 0.0


@case(X)
def shared_rows(x):
    m = [[x[0]] * 2] * 2
    m[0][0] = x[1]
    return m[1][0] + m[0][1]


@case(X)
def list_alias(x):
    a = [1.0]
    b = a
    b.append(x[0])
    a[0] = x[1]
    return sum(b) * len(a)


@case(X)
def slices_in_variables(x):
    s = slice(1, 3)
    idx = (slice(None),)
    return x[s].sum() * x[idx][0] * x[::2].sum() * x[...][1]


@case(X)
def continues_inside(x):
    total = 0.0
    for i in range(len(x)):
        for j in range(len(x)):
            if i == j:
                continue
            total += x[i] / (1 + abs(x[j])) if x[j] > 0 else 0
    return total


@case(X)
def percent_text(x):
    print_me = "%d of %s" % (3, "a")  # noqa: UP031
    return x[0] * len(print_me), print_me


@case(X)
def meshgrid_sums(x):
    a, b = np.meshgrid(x[:2], x[2:4])
    return (a * b).sum(), np.where(x > 0)[0].shape if False else 1


@case(X)
def self_application(x):
    return (lambda f: f(f, 5))(lambda f, n: x[0] if n == 0 else f(f, n - 1) * 1.1)


@case(X)
def kinds_of_values(x):
    v = x[0]
    v = v if isinstance(v, float) else -v
    return v * (2 if isinstance(x, np.ndarray) else 3) * (1 if type(x) is np.ndarray else 5) * hasattr(x, "shape")


@case(X)
def grid_of_numbers(x):
    n = x.shape[0]
    h = 1 / (n - 1)
    grid = [i * h for i in range(n)]
    return sum(a * b for a, b in zip(grid, x))


@case(X)
def diagonal_and_triangle(x):
    y = x[:, None] * x[None, :]
    np.fill_diagonal(y, 0.0)
    y[np.tril_indices(5)] = 1.0
    return y.sum()


@case(X)
def insertion_sort(x):
    i = 0
    while i < 5:
        j = i
        while j > 0 and x[j - 1] > x[j]:
            x[j - 1], x[j] = x[j], x[j - 1]
            j -= 1
        i += 1
    return x * np.arange(5)


@case(X)
def chained_names(x):
    a = b = np.zeros(2)
    a[0] = x[0]
    b[1] = x[1]
    return a @ b, a is b


@case(np.abs(X) + 0.2)
def newton_with_limit(x, *, tol=1e-3, maxiter=50):
    for it in range(maxiter):
        new = 0.5 * (x + 2.0 / x)
        if np.max(np.abs(new - x)) < tol:
            return new, it
        x = new
    raise RuntimeError("no convergence")


FLOATS_AND_FLOAT64 = {
    *(names_in_turns, nested_functions_change_outer_arrays, returns_in_helper_in_loop, infinities, deep_return),
    *(else_after_return, memo_by_recursion, strings_sets_pairs, default_dict),
}


@each_case
def test_attack(f, args, kwargs):
    agree(f, *args, **kwargs, kinds=f not in FLOATS_AND_FLOAT64)


def test_truth_values_of_python_are_summed_as_numbers():
    """By both engines: NumPy's True + True is True."""

    def f(x):
        return ((x > 0) + (x > -1)) * x

    for way in (f, wg.jit(f)):
        assert way(2.0) == 4.0 and wg.grad(way)(2.0) == 2.0 and wg.jvp(way, (2.0,), (1.0,)) == (4.0, 2.0)


def test_views_that_take_turns_are_read():
    def f(y):
        a, b, total = y[0], y[1], 0.0
        for i in range(3):
            total += a[i]
            a, b = b, a
        return total, a

    agree(f, A)
