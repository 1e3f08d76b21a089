"""Python as people write it, staged: control flow, names, functions, containers."""

import functools
import math
import operator
from collections import namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest

import wengert as wg
from staging import agree, cases

X = np.array([0.5, -1.25, 2.0, 0.75, -0.3])
A = np.array([[1.0, 0.5, -0.25], [0.3, -2.0, 0.7], [1.5, 0.2, 0.9]])
case, each_case = cases()


# ---------------------------------------------------------------- branches


@case(0.5)
@case(-0.5)
@case(0.0)
def if_elif_else(x):
    if x > 0.25:
        y = x * x
    elif x < -0.25:
        y = -3 * x
    else:
        y = np.sin(x)
    return y


@case(2.0)
@case(-2.0)
def name_bound_on_one_side(x):
    y = 1.0
    if x > 0:
        y = x
        z = y * 2
    if x > 0:
        y = y + z
    return y


@case(2.0)
@case(-2.0)
def unbound_on_one_way(x):
    if x > 0:
        z = x * 2
    return z


@case(2.0)
@case(-2.0)
def ternary_in_ternary(x):
    return (x**2 if x > 1 else x) if x > 0 else (np.exp(x) if x < -1 else -x)


@case(X, 4)
@case(X, 7)
@case(X, -9)
def and_guards_an_index(x, i):
    if i < len(x) and i >= -len(x) and x[i] < 0:
        return x[i] * 2
    return x[0]


@case(X, 4)
@case(X, 7)
def or_guards_an_index(x, i):
    if i >= len(x) or x[i] > 100:
        return x.sum()
    return x[i] ** 2


@case(0.5, 2.0)
@case(0.0, 2.0)
def operands_of_or(x, y):
    return (x or y) * (y and x + 1) + (not x) * y


@case(0.5)
@case(1.5)
@case(3.5)
def chained(x):
    if 0 < x < 1:
        return x
    if 1 <= x <= 2 < 3:
        return x * x
    return x if 3 < x != 4 else 0.0


@case(X, 9)
@case(X, 2)
def chained_stops(x, i):
    return 1.0 * x[0] if 0 <= i < 5 > x[i % 5] else 2.0 * x[1]


@case(0.5)
@case(1.5)
def walrus(x):
    if (y := x * x) > 1:
        return y * 3
    return y + (z := y + 1) * z


@case(1.5)
def walrus_in_comprehension(x):
    found = [last := x * i for i in range(3)]
    return found[1] + last


@case(X)
def ternary_picks_array(x):
    y = x if x[0] > 0 else -x
    return y * 2


@case(2.0)
@case(-2.0)
def returns_at_any_depth(x):
    for i in range(4):
        if x > 0:
            j = 0
            while j < 5:
                if j == 2:
                    if x > 1:
                        return x * i + j
                j += 1
        else:
            if i == 2:
                return -x * i
    return 0.0 * x


@case(2.0)
@case(-2.0)
def returns_none_or_number(x):
    if x > 0:
        pass
    return x


@case(0.5)
def returns_nothing(x):
    x + 1


@case(0.5)
def returns_tuple(x):
    return x, x * 2, None, "text", 3, True


@case(0.5)
@case(-0.5)
def returns_dict(x):
    if x > 0:
        out = {"a": x, "b": [x * 2]}
    else:
        out = {"a": -x, "b": [x * 3]}
    return out


@case(0.5)
def returns_string(x):
    return "done"


# ---------------------------------------------------------------- loops


@case(X)
def over_elements(x):
    total = 0.0
    for v in x:
        total += v * v
    return total


@case(A)
def over_rows(a):
    total = 0.0
    for row in a:
        total += row[0] * row.sum()
    return total


@case(A)
def rows_are_views(a):
    for row in a:
        row[0] = row[1] * 2
    return a.sum()


@case(A, X)
def enumerate_zip_reversed(a, x):
    total = 0.0
    for i, (row, v) in enumerate(zip(a, reversed(x)), 1):
        total += i * v * row[1]
    for i in reversed(range(1, 4)):
        total = total * 0.5 + i
    for i, v in enumerate(reversed(x)):
        total += v**i
    return total


@case(X, 4)
@case(X, 0)
@case(X, -3)
def range_of_value(x, n):
    total = 1.0
    for i in range(n):
        total += x[i] * i
    return total


@case(X, 4, 0, -1)
@case(X, 4, 0, -2)
@case(X, 0, 4, -2)
@case(X, 0, 5, 3)
@case(X, 0, 5, 0)
def range_with_step(x, lo, hi, step):
    total = 1.0
    for i in range(lo, hi, step):
        total = total * x[i] + i
    return total


@case(X, 3)
@case(X, 0)
def loop_variable_after(x, n):
    i = 7
    for i in range(n):
        x[i] = x[i] * 2
    return x.sum() + i


@case(X, 3)
@case(X, 0)
def loop_variable_after_unbound(x, n):
    for i in range(n):
        x[i] = x[i] * 2
    return x.sum() + i


@case(X, 3)
@case(X, 0)
def name_first_set_in_loop(x, n):
    for i in range(n):
        last = x[i] * 2
    return last


@case(X)
def for_else(x):
    for v in x:
        if v > 1.5:
            found = v
            break
    else:
        found = 0.0
    for w in x:
        if w > 100:
            other = w
            break
    else:
        other = x[0]
    return found * other


@case(3.0)
@case(30.0)
def while_else(x):
    n = 0
    while x > 1:
        x = x / 2
        n += 1
        if n > 3:
            break
    else:
        x = x * 10
    return x * n


@case(X)
def breaks_and_continues(x):
    total = 0.0
    for i in range(len(x)):
        if x[i] < -1:
            continue
        for j in range(i, len(x)):
            if j == 3:
                break
            if x[j] < 0:
                continue
            total += x[i] * x[j]
        else:
            total += 0.5
        if total > 6:
            break
    return total


@case(X)
def while_true(x):
    i = 0
    while True:
        if x[i] > 1:
            break
        i += 1
        if i == len(x):
            return 0.0 * x[0]
    return x[i] * i


@case(10.0)
def while_with_walrus(x):
    n = 0
    while (y := x / 2) > 1:
        x = y
        n += 1
    return x * n + y


@case(1.5)
def int_becomes_float(x):
    s = 0
    for i in range(3):
        s = s + x * i
    return s


@case(2)
def ints_stay_ints(n):
    s = 1
    for i in range(1, n + 4):
        s = s * i // 2 + 1
    return s


@case(X)
def counts(x):
    n = 0
    for v in x:
        if v > 0:
            n += 1
    return n, n * x[0]


@case(3.0, 2.0)
def swaps_in_loop(x, y):
    for _ in range(5):
        x, y = y, x + y
    return x * y


@case(X, X[::-1].copy())
def swaps_arrays(x, y):
    for _ in range(3):
        x, y = y, x * 0.5 + y
    return x @ y


@case(X)
def two_buffers(x):
    old, new = x.copy(), np.zeros_like(x)
    for _ in range(5):
        for i in range(1, len(x) - 1):
            new[i] = 0.5 * (old[i - 1] + old[i + 1])
        old, new = new, old
    return old.sum() + 2 * new.sum()


@case(X)
def zero_trips(x):
    y = x.copy()
    for i in range(0):
        y = y * undefined  # noqa: F821
    return y


@case(X)
def triangular(x):
    total = 0.0
    for i in range(len(x)):
        for j in range(i):
            for k in range(j, i):
                total += x[i] * x[j] * x[k]
    return total


@case(X, 3)
def target_is_item(x, n):
    y = np.zeros(2)
    for y[0] in range(n):
        y[1] += y[0] * x[0]
    return y


@case({"a": 1.5, "b": np.array([1.0, 2.0])})
def over_dict(d):
    total = 0.0
    for key, value in d.items():
        total = total + np.sum(value) * len(key)
    for key in d:
        total = total + np.sum(d[key])
    for value in d.values():
        total = total * np.sum(value)
    return total


@case([1.5, 2.5, np.array([1.0, 2.0])], (0.5,))
def over_list_and_tuple(xs, ys):
    total = 0.0
    for x in xs:
        for y in ys:
            total = total + np.sum(x * y)
    for i, x in enumerate(xs):
        total = total + i * np.sum(x)
    return total


@case(X)
def append_in_range_loop(x):
    found = []
    for i in range(len(x)):
        found.append(x[i] * i)
    return np.array(found), len(found), sum(found)


@case(X)
def append_depends_on_index(x):
    found = [x[0]]
    for i in range(1, 5):
        found.append(found[i - 1] * x[i] + found[-1])
    return np.stack(found)


@case(X)
def list_of_lists(x):
    table = [[0.0] * 3 for _ in range(3)]
    for i in range(3):
        for j in range(3):
            table[i][j] = x[i] * x[j]
    return table[2][1] + table[0][2]


@case(X)
def string_index(x):
    weights = {"w0": x[0], "w1": x[1]}
    total = 0.0
    for i in range(2):
        total += weights[f"w{i}"]
    return total


@case(X)
def loop_with_flag(x):
    found, i = False, 0
    while not found and i < len(x):
        found = x[i] < 0
        i += 1
    return i, found, x[i - 1]


@case(0.7)
def nested_loops_with_return(x):
    for i in range(10):
        for j in range(10):
            while x < 5:
                x = x * 1.5 + j
                if x > 3 and i >= 0:
                    return x
    return -x


@case(X)
def else_of_broken_inner_loop(x):
    n = 0.0
    for i in range(3):
        for j in range(3):
            if x[j] * i > 0.9:
                break
        else:
            n += x[i]
            continue
        n += 10 * x[0]
    return n


# ---------------------------------------------------------------- names


@case(X)
def star_unpacking(x):
    a, *b, c = [x[0], x[1], x[2], x[3]]
    (d, e), f = (a, b), c
    g, h = x[:2]
    *i, j = x
    return d + e[0] * e[1] + f + g * h + j * len(i)


@case(np.array([[1.0, 2.0], [3.0, 4.0]]))
def unpack_rows(a):
    p, q = a
    p[0] = q[1]
    return a.sum() * q[0]


@case(X)
def too_many_to_unpack(x):
    a, b = x
    return a + b


@case(X)
def too_few_to_unpack(x):
    a, b, *c = x[:1]
    return a + b


@case(1.5)
def deleted(x):
    y = x
    del x
    return y


@case(1.5)
def deleted_and_read(x):
    del x
    return x  # noqa: F821


@case([1.0, 2.0, 3.0])
def deleted_item(x):
    y = list(x)
    del y[1]
    return y


@case(1.5)
def read_before_assignment(x):
    y = y + x  # noqa: F821
    return y


@case(1.5)
@case(0.5)
def read_before_assignment_in_branch(x):
    if x > 1:
        return y  # noqa: F821
    y = x
    return y


@case(1.5)
def unknown_name(x):
    return x + nowhere  # noqa: F821


@case(X)
def augmented(x):
    y = x[0]
    y += 1
    y *= x[1]
    y -= x[2]
    y /= x[3]
    y **= 2
    n = 7
    n //= 2
    n %= 2
    n <<= 3
    n |= 1
    n ^= 2
    n &= 15
    n >>= 1
    return y * n


@case(X)
def augmented_with_array(x):
    y = x
    y += 1
    y *= x
    z = x[1:3]
    z -= 0.5
    x[0] += x[1]
    x[-1] **= 2
    return y.sum()


@case(A, X[:3])
def augmented_matmul(a, x):
    b = a.copy()
    b @= a
    x[:] += a @ x
    x[1:] *= 2
    return b @ x


@case(1.5)
def multiple_targets(x):
    a = b = c = x * 2
    b += 1
    return a * b * c


@case(X)
def annotated(x: np.ndarray) -> float:
    y: float = x[0]
    z: float
    z = y * 2
    return z


# ---------------------------------------------------------------- functions


def helper(x, y=2.0, *rest, scale=1.0, **options):
    return scale * (x * y + sum(rest)) + sum(options.values())


@case(1.5)
def arguments_of_all_kinds(x):
    pair, named = (x, 2 * x), {"scale": 3.0, "b": x}
    return helper(x) + helper(*pair) + helper(x, *pair, **named) + helper(y=x, x=1.0) + helper(x, scale=x)


@case(1.5)
def positional_only(x):
    def f(a, /, b, *, c=x):
        return a * b + c

    return f(x, b=x) + f(1, 2, c=3 * x)


@case(1.5)
def too_few_arguments(x):
    def f(a, b):
        return a + b

    return f(x)


@case(1.5)
def closure_and_nonlocal(x):
    count, total = 0, x

    def step(v):
        nonlocal count, total
        count += 1
        total = total * v

    for _ in range(4):
        step(1.5)
    step(x)
    return total, count


@case(X)
def nonlocal_in_loop_of_values(x):
    best = x[0]

    def offer(v):
        nonlocal best
        if v > best:
            best = v

    for v in x:
        offer(v)
    return best


@case(1.5)
def late_binding(x):
    fs = [lambda: x * i for i in range(3)]
    gs = [lambda i=i: x * i for i in range(3)]
    return fs[0]() + 10 * gs[0]() + 100 * gs[1]()


@case(1.5)
def lambdas_on_one_line(x):
    f, g, h = lambda v: v + 1, lambda v: v * 2, lambda v, w=3.0: v**w
    return f(g(h(x))) + (lambda v: v - 1)(x) + (lambda: x)()


@case(1.5)
def functions_in_variables(x):
    table = {"sin": np.sin, "own": lambda v: v * v, "math": math.exp}
    total = 0.0
    for name in ("sin", "own", "math"):
        total = total + table[name](x)
    f = np.cos if len(table) == 3 else np.sin
    return total + f(x)


@case(1.5)
@case(-1.5)
def function_chosen_at_run_time(x):
    f = np.cos if x > 0 else np.exp
    g = (lambda v: v * 2) if x > 0 else (lambda v: v * 3)
    return f(x) * g(x)


@case(1.5)
def recursion_that_ends(x):
    def power(v, n):
        if n == 0:
            return 1.0
        return v * power(v, n - 1)

    return power(x, 6)


def fold(f, items, start):
    return start if not items else fold(f, items[1:], f(start, items[0]))


@case(1.5)
def recursion_over_list(x):
    return fold(lambda a, b: a * b + x, [x, 2.0, x * x, 4.0], 1.0)


def mutual_even(x, n):
    return x if n == 0 else mutual_odd(x * 1.5, n - 1)


def mutual_odd(x, n):
    return -x if n == 0 else mutual_even(x + 1, n - 1)


@case(1.5)
def mutual_recursion(x):
    return mutual_even(x, 5)


@case(1.5, 5)
@case(1.5, 0)
def recursion_on_argument(x, n):
    return 1.0 if n <= 0 else x * recursion_on_argument(x, n - 1)


@case(X)
def functools_of_all_kinds(x):
    half = functools.partial(helper, y=0.5, scale=x[0])
    again = functools.partial(half, 3.0)
    return half(x[1]) + again() + functools.reduce(lambda a, b: a * b, [x[0], x[1], x[2]])


def logged(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return f(*args, **kwargs) * 2

    return wrapper


def scaled(by):
    def decorate(f):
        @functools.wraps(f)
        def wrapper(x):
            return by * f(x)

        return wrapper

    return decorate


@logged
@scaled(3.0)
def decorated(x):
    return x * x


@case(1.5)
def calls_decorated(x):
    @scaled(x)
    def inner(y):
        return y + 1

    return decorated(x) + inner(x)


case(1.5)(decorated)


@functools.lru_cache(None)
def cached_weight(n):
    return n * 0.5


@case(1.5)
def calls_cached(x):
    return x * cached_weight(3)


@case(1.5)
def map_and_filter(x):
    return sum(map(lambda v: v * x, [1, 2, 3])) + sum([v for v in range(5) if v % 2]) * x


@case(X)
def comprehensions(x):
    a = [v * 2 for v in x]
    b = [x[i] * x[j] for i in range(3) for j in range(i)]
    c = {k: v for k, v in zip("abc", x)}
    d = [[u * v for u in x[:2]] for v in x[:2]]
    e = sum(v * v for v in x)
    return sum(a) + sum(b) + c["b"] + d[0][1] + e


@case(X)
def any_all_max_min(x):
    vs = [x[0], x[1], x[2]]
    if any(v > 1.5 for v in vs) and not all(v > 0 for v in vs):
        return max(vs) * min(x[0], x[3]) + max(x[0], 0.1, x[1]) + abs(x[1]) + max(x)
    return x[0]


@case(1.5)
def texts(x):
    name = f"power_{2}" + "-" + "_".join(["a", "b"]).upper()
    n = int(name[6]) if name.startswith("power") else 0
    return x**n * len(name) + (1.0 if "A" in name else 2.0), name


@case(1.7)
@case(-1.7)
def numbers_of_python(x):
    n = int(x)
    return float(n) * x + round(x, 1) * 0 + x // 1 + x % 1 + divmod(x, 1.0)[1], bool(x), abs(n), (x > 1) + (x > -5)


# ---------------------------------------------------------------- classes


class Model:
    scale = 2.0

    def __init__(self, w, b):
        self.w, self.b = w, b
        self.__private = 3.0

    def __call__(self, x):
        return self.w * x + self.b

    def predict(self, x):
        return self(x) * self.scale * self.__private

    @property
    def norm(self):
        return self.w * self.w + self.b

    @norm.setter
    def norm(self, value):
        self.w = value

    @staticmethod
    def double(x):
        return 2 * x

    @classmethod
    def unit(cls, b):
        return cls(1.0, b)

    def __add__(self, other):
        return Model(self.w + other.w, self.b + other.b)

    def __radd__(self, other):
        return Model(self.w + other, self.b)

    def __getitem__(self, i):
        return (self.w, self.b)[i]

    def __len__(self):
        return 2

    def __eq__(self, other):
        return True

    __hash__ = None


class Child(Model):
    scale = 5.0

    def __init__(self, w):
        super().__init__(w, 0.5)

    def predict(self, x):
        return super().predict(x) + Model.predict(self, x)


MODEL = Model(1.5, np.array([1.0, 2.0]))
case(X[:2])(functools.wraps(Model.predict)(lambda x: MODEL.predict(x)))


@case(1.5)
def objects(x):
    m = Model(x, 2.0)
    m.b = m.b * x
    m.norm = m.norm + 1
    m.extra = x
    return m.predict(x) + m.double(m.extra) + Model.double(m.w) + getattr(m, "w")


@case(1.5)
def operators_of_objects(x):
    m = Model(x, 2.0) + Model.unit(x)
    return m[0] * m[1] * len(m)


@case(1.5)
def inheritance(x):
    c = Child(x)
    return c.predict(x) + c.norm if isinstance(c, Model) else x


@dataclass
class Params:
    w: np.ndarray
    b: float = 0.5
    names: list = field(default_factory=list)

    def apply(self, x):
        return self.w @ x + self.b


Point = namedtuple("Point", "x y")


@case(Params(A, 1.5), X[:3])
def dataclass_argument(p, x):
    return p.apply(x).sum(), Params(p.w * 2, p.b * x[0])


@case(Point(1.5, X))
def namedtuple_argument(p):
    q = p._replace(x=p.x * 2)
    return Point(q.x, q.y * p.x), q.x


@case({"layers": [{"w": A, "b": X[:3]}, {"w": A.T.copy(), "b": X[2:]}]}, X[:3])
def nested_containers(params, x):
    for layer in params["layers"]:
        x = np.tanh(layer["w"] @ x + layer["b"])
    return {"out": x, "norm": x @ x}


@case(1.5, True)
@case(1.5, False)
@case(1.5, None)
@case(1.5, "relu")
@case(1.5, "none")
def facts_as_arguments(x, mode):
    if mode is None:
        return x
    if mode == "relu":
        return x * 2
    return x * 3 if mode else x * 4


@case(1.5, scale=2.0, kind="b")
def keyword_arguments(x, *, scale, kind="a"):
    return x * scale if kind == "b" else x


@case(1.5, 2.0, 3.0, a=4.0)
def star_arguments(x, *rest, **options):
    return x * rest[0] + rest[1] * options["a"] * len(rest)


@case(1.5)
def imports_inside(x):
    import math as m
    from math import sin

    return m.cos(x) * sin(x)


@case(1.5)
def operator_functions(x):
    return operator.add(x, operator.mul(x, 2.0)) + pow(x, 2)


@case(X)
def identity_tests(x):
    y = x
    z = x.copy()
    return (1.0 if y is x else 2.0) * x[0] + (1.0 if z is x else 2.0) * x[1]


@case(1.5)
def class_inside(x):
    def make():
        m = Model(x, x)
        return m

    return make().w


# A value of a program has one kind: where Python has a float on one way and a float64 on the other, it is a float64.
FLOATS_AND_FLOAT64 = {if_elif_else, ternary_in_ternary, range_of_value, range_with_step}


@each_case
def test_as_python(f, args, kwargs):
    agree(f, *args, **kwargs, kinds=f not in FLOATS_AND_FLOAT64)


def test_methods_of_python_numbers_are_refused():
    def whole(x):
        return x if x.is_integer() else -x

    with pytest.raises(wg.Diagnostic, match=r"W602(.|\n)*the attribute `.is_integer` of a value of the program"):
        wg.jit(whole)(1.5)


# ---------------------------------------------------------------- functions of all kinds as what is staged

ONE_LINE = [lambda x: x + 1, lambda x: x * 2, lambda x, y=3.0: x**y]


def closed_over(a):
    def f(x):
        return a * x

    return f


def loop_closure():
    return [lambda x, k=k: x**k for k in range(4)], [lambda x: x * k for k in range(4)]  # noqa: B023


BY_KIND = {
    **{f"lambda {i}": f for i, f in enumerate(ONE_LINE)},
    **{f"closure {i}": f for i, f in enumerate(loop_closure()[0] + loop_closure()[1])},
    "closure": closed_over(2.5),
    "partial": functools.partial(helper, y=3.0),
    "partial of partial": functools.partial(functools.partial(helper, scale=2.0), y=3.0),
    "method": Model(1.5, 2.0).predict,
    "callable object": Model(1.5, 2.0),
    "static method": Model.double,
    "decorated": decorated,
    "child": Child(1.5).predict,
    "jit": wg.jit(decorated),
    "jit of method": wg.jit(Model(1.5, 2.0).predict),
    "grad": wg.grad(decorated),
}


@pytest.mark.parametrize("kind", BY_KIND)
def test_kinds_of_functions(kind):
    kinds = kind != "grad"  # of a program a float64, by the eager engine a float
    agree(BY_KIND[kind], 1.5, kinds=kinds)
    agree(BY_KIND[kind], 2.0 if kind == "grad" else 2, kinds=kinds)


def test_numpy_functions_themselves_have_no_source():
    with pytest.raises(wg.Diagnostic, match="W601"):
        wg.jit(eval("lambda x: x + 1"))(1.5)


def test_method_decorator():
    class Layer:
        def __init__(self, w):
            self.w = w

        @wg.jit
        def __call__(self, x):
            return self.w * x

        @wg.jit
        def twice(self, x):
            return self(self(x))

    layer = Layer(3.0)
    assert layer(2.0) == 6.0 and layer.twice(2.0) == 18.0 and Layer.twice(layer, 2.0) == 18.0
    layer.w = 4.0
    assert layer.twice(2.0) == 32.0
    assert wg.grad(lambda x: layer.twice(x))(2.0) == 16.0


# ---------------------------------------------------------------- truth of what is of several kinds

THREE = np.array([1.0, -2.0, 3.0])


def number_and_truth(x, n):
    if n and x[0] > 0:
        return x[0] * 2.0
    return x[1]


def truth_and_number(x, n):
    if x[0] and n:
        return x[0] * 2.0
    return x[1]


def counts_down(x, n):
    while n and x[0] > 0:
        n -= 1
    return x[0] * n


def number_or_truth(x, n):
    return x[0] if (n or x[1] > 0) else x[2]


def neither(x, n):
    if not (n and x[0] > 0) and not (x[2] and not n):
        return x[1]
    return x[0]


def number_or_three(x, n):
    k = n or 3
    return x[0] * k


def stated(x, n):
    assert n is not None and n or x[0] > 0
    return x[0]


def text_or_number(x, n):
    return x[0] if "name" and n and (None or x[2]) else x[1]


TRUTHS = [number_and_truth, truth_and_number, counts_down, number_or_truth, neither, number_or_three, stated]


@pytest.mark.parametrize("order", [(0, 2), (2, 0)])
@pytest.mark.parametrize("f", [*TRUTHS, text_or_number])
def test_what_is_true_may_be_of_any_kind(f, order):
    ways = [wg.jit(f), wg.jit(f, backend="numpy"), wg.jit(wg.value_and_grad(f))]
    for n in order:
        assert ways[0](THREE, n) == ways[1](THREE, n) == ways[2](THREE, n)[0] == f(THREE, n)


def is_none(x, t):
    return (x if t > 1 else None) is None


def in_a_list(x, t):
    return [1 if t > 1 else None]


def unpacked(x, t):
    a, _ = (1, 2, 3) if t > 1 else (4, 5)
    return x[0] * a


def axis_of(x, t):
    return np.sum(x, axis=None if t > 1 else 0)


def kind_of(x, t):
    return isinstance(1 if t > 1 else "a", str)


def value_of_and(x, t):
    return (t > 1 and None) is None


def text_of(x, t):
    return f"{1 if t > 1 else 'none'}"


@pytest.mark.parametrize("f", [is_none, in_a_list, unpacked, axis_of, kind_of, value_of_and, text_of])
def test_a_value_of_one_kind_or_another_is_refused(f):
    with pytest.raises(wg.Diagnostic, match="the value of this expression is") as refused:
        wg.jit(f)(THREE, 2.0)
    assert refused.value.code == "W602"
