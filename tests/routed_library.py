"""Code as users write it, in a module of its own: each function takes x of shape (4,) and makes or fills plain arrays.

None of it knows of wengert.  `@case` lists what a derivative must reach, `@escapes` what it may refuse, with an error
at a line of this file.
"""

import abc
import contextlib
import copy
import enum
import functools
import itertools
import math
import operator
import typing
from collections import deque, namedtuple
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial, reduce, wraps
from math import exp as e_to
from math import sqrt

import numpy
import numpy as np
import numpy.linalg as la
import scipy.special
from numpy import ones_like, zeros
from numpy import sin as sine
from numpy.linalg import norm
from scipy import special as sp
from scipy.special import erf, expit

CASES, ESCAPES = [], []
WEIGHTS = np.array([0.5, -1.0, 2.0, 0.25])
TABLE = {"w": WEIGHTS, "list": [WEIGHTS, np.eye(4)]}
SCALE = 3.0
CALLS = 0


def case(f):
    CASES.append(f)
    return f


def escapes(f):
    ESCAPES.append(f)
    return f


# ---------------------------------------------------------------- functions and names


def fill(x):
    """Used by many below: a plain buffer, written element by element, with math."""
    out = zeros(4)
    for i in range(4):
        out[i] = e_to(x[i]) * math.sin(x[i])
    return out


@case
def from_imports(x):
    return fill(x) + sine(x) * erf(x) + expit(x[0]) + norm(x) * sqrt(x[1]) + ones_like(x) * sp.erfc(x)


@case
def whole_modules(x):
    a = numpy.zeros((2, 2))
    a[0] = x[:2]
    a[1, 1] = scipy.special.gammaln(1.0 + x[2])
    return la.solve(np.eye(2) * 3.0 + a, np.array([x[3], 1.0])) + numpy.linalg.norm(a)


@case
def imports_inside(x):
    import math as m

    import numpy
    import scipy.linalg as sl
    from numpy import empty as blank

    out = blank(2)
    out[0] = m.cos(x[0])
    out[1] = sl.norm(x)
    return out * numpy.ones(2)


@case
def a_helper_of_the_same_module(x):
    return fill(fill(x))


@case
def recursion(x):
    def power(v, n):
        one = np.ones(4)
        one *= v
        return one if n == 1 else one * power(v, n - 1)

    return power(x, 3) + factorial(x[0], 3)


def factorial(x, n):
    cell = np.zeros(1)
    cell[0] = x + n
    return cell[0] if n == 0 else cell[0] * factorial(x, n - 1)


@case
def mutual_recursion(x):
    return even(x[0], 4) + x


def even(x, n):
    return np.array([x, 1.0])[0] if n == 0 else odd(x, n - 1) * x


def odd(x, n):
    return even(x, n - 1) + math.cos(x)


@case
def closures_and_nonlocal(x):
    total, weights = 0.0, np.arange(4.0)

    def add(k):
        nonlocal total
        cell = np.zeros(1)
        cell[0] = x[k] * weights[k]
        total += cell[0] ** 2

    for k in range(4):
        add(k)
    weights[:] = x
    return total * weights


@case
def lambdas_in_containers(x):
    functions = [lambda v: math.exp(v), lambda v: np.array([v, v])[0] ** 2]
    table = {"f": functions[0], "g": fill}
    return np.array([f(v) for f, v in zip(functions, x)] + [table["f"](x[2]), table["g"](x)[3]])


@case
def a_local_defined_in_a_loop(x):
    out = np.empty(4)
    for k in range(4):

        def square(v, k=k):
            return float(v) ** 2 * (k + 1)

        out[k] = square(x[k])
    return out


@case
def arguments_of_all_kinds(x):
    def f(a, /, b, *rest, c=WEIGHTS, act=math.tanh, **more):
        out = np.zeros(4)
        out += a * b
        for r in rest:
            out += r
        out[0] = act(out[0])
        return out * c + more["d"]

    def forward(*args, **kwargs):
        return f(*args, **kwargs)

    return forward(x, 2.0, x**2, np.ones(4), d=x[1]) + f(x, x, d=0.0)


def defaulted(x, weights=WEIGHTS, act=math.exp, helper=fill):
    return act(x[0]) * weights * helper(x)


@case
def functions_as_default_arguments(x):
    return defaulted(x)


def apply(f, *args):
    return f(*args)


@case
def functions_as_arguments(x):
    return apply(fill, x) + apply(math.sin, x[0]) + apply(np.sum, x) + apply(lambda v: np.full(4, v), x[1])


@case
def partials(x):
    scaled = partial(np.multiply, 2.0)
    return scaled(partial(fill, x)()) + partial(math.pow, x[0])(2) + partial(defaulted, weights=x)(x)


def doubled(f):
    @wraps(f)
    def inner(*args, **kwargs):
        out = np.zeros(4)
        out[:] = f(*args, **kwargs)
        return out * 2

    return inner


def with_options(scale):
    def decorate(f):
        @functools.wraps(f)
        def inner(x):
            return scale * f(x)

        return inner

    return decorate


@doubled
@with_options(SCALE)
def decorated_function(x):
    """Documented."""
    cell = np.zeros(4)
    cell[1:] = x[:-1]
    return cell


@case
def decorators(x):
    return decorated_function(x)


@cache
def cached(k):
    return np.arange(float(k))


@lru_cache(maxsize=8)
def cached_scalar(v):
    cell = zeros(1)
    cell[0] = v * v
    return cell[0]


@case
def caches(x):
    return cached(4) * x + cached_scalar(x[0]) + cached_scalar(x[1]) + cached(4)


def produce(x):
    buffer = np.zeros(2)
    for v in x:
        buffer[0] = v
        buffer[1] += v * v
        yield buffer[0] * buffer[1]


@case
def generators(x):
    def chain(x):
        yield from produce(x)
        yield math.sin(x[0])

    return np.array(list(produce(x))) + sum(chain(x)) + next(v for v in x if v > 0.0)


@case
def comprehensions(x):
    rows = [np.zeros(4) for _ in range(3)]
    for i, row in enumerate(rows):
        row[i] = x[i]
    squares = {i: math.pow(v, 2) for i, v in enumerate(x)}
    unique = sum(v for v in (math.exp(w) for w in x))
    return np.sum(rows, axis=0) + np.array([squares[k] for k in range(4)]) + unique + [math.sin(v) for v in x]


@case
def builtins_on_values(x):
    total = sum(x) + max(x) + min(x, key=lambda v: abs(v)) + sum([v * 2 for v in x], start=0.5)
    total += abs(x[0]) + pow(x[1], 2) + divmod(x[2], 2.0)[1] + round(x[3]) * x[0] + sorted(x)[1]
    pairs = [a * b for a, b in zip(x, x[1:])] + list(map(math.cos, x)) + [v for _, v in enumerate(reversed(x))]
    return np.array(pairs) * total if any(v > -9 for v in x) and all(v < 9 for v in x) else x


@case
def functional_tools(x):
    product = reduce(operator.mul, x)
    running = list(itertools.accumulate(x, lambda a, b: a + math.sin(b)))
    pairs = [a * b for a, b in itertools.product(x[:2], x[2:])]
    window = deque(maxlen=2)
    for v in x:
        window.append(v * v)
    return product + np.array(running) + np.array(pairs) + sum(window) + operator.itemgetter(1)(x)


@case
def assignments_of_all_kinds(x):
    a, *rest = x
    (b, c), d = rest[:2], rest[2]
    e = f = np.zeros(2)
    e[0] = a * b
    f[1] = c
    if (g := d**2) > 0:
        e += g
    p, q = [np.ones(2), np.ones(2)]
    p[:], q[1] = e, f[0]
    del e
    return np.concatenate([f, p * q])


@case
def exceptions_and_contexts(x):
    out = np.zeros(4)
    try:
        out[7] = x[0]
    except IndexError:
        out[0] = x[0] ** 2
    finally:
        out[1] = x[1]
    with np.errstate(all="ignore"), contextlib.suppress(KeyError):
        out[2] = np.log(x[2])
        raise KeyError
    try:
        {}["nothing"]
    except KeyError as error:
        out[3] = x[3] * len(error.args)
    return out


@case
def pattern_matching(x):
    def area(shape):
        match shape:
            case ("circle", r):
                return math.pi * r**2
            case {"side": s}:
                return np.array([s, 1.0])[0] ** 2
            case [a, b, *_]:
                return a * b
        return 0.0

    return np.array([area(("circle", x[0])), area({"side": x[1]}), area([x[2], x[3], 0]), area(None)])


@case
def strings_and_printing(x):
    label = f"{x[0]:.1f} {x[1]!s} {len(str(x))}" + f"{np.ones(1)[0]:.2f}" + format(2.0, ".0f")
    return x * 2 if label.endswith("1.002") and f"{x[0]:.1f}" == format(x[0], ".1f") else 0 * x


# ---------------------------------------------------------------- globals


@case
def global_arrays_and_containers(x):
    return x * WEIGHTS + TABLE["w"] + TABLE["list"][1] @ x + TABLE["list"][0].sum() * SCALE


@case
def a_global_counter(x):
    global CALLS
    CALLS += 1
    before = CALLS
    CALLS = before + 0
    return x * 2.0


# ---------------------------------------------------------------- classes


class Layer:
    kind = "layer"
    shared = np.array([1.0, 2.0, 3.0, 4.0])

    def __init__(self, n, act=math.tanh):
        self.w = np.arange(1.0, n + 1.0)
        self.scratch = np.zeros(n)
        self.act = act
        self.helper = fill
        self.child = None

    def __call__(self, x):
        out = self.scratch.copy()
        out[:] = self.w * x
        return out

    def activate(self, x):
        out = np.zeros(len(x))
        for i in range(len(x)):
            out[i] = self.act(x[i])
        return out + self.helper(x)

    @property
    def total(self):
        return np.sum(self.w) + self.bias

    @property
    def bias(self):
        cell = np.zeros(1)
        cell[0] = self.w[0]
        return cell[0]

    @bias.setter
    def bias(self, value):
        self.w = self.w * 1.0
        self.w[0] = value

    @staticmethod
    def square(x):
        out = np.empty(4)
        out[...] = x * x
        return out

    @classmethod
    def make(cls, x):
        made = cls(4)
        made.w = np.zeros(4)
        made.w[:2] = x[:2]
        return made

    def __add__(self, other):
        out = np.zeros(4)
        out += self.w
        out[0] += other
        return out

    def __getitem__(self, i):
        return np.array([self.w[i], 0.0])[0]

    def __len__(self):
        return len(self.w)

    def __iter__(self):
        for v in self.w:
            yield math.sqrt(v)

    def __enter__(self):
        self.log = []
        return self

    def __exit__(self, *error):
        self.log = None


class Wide(Layer):
    def __init__(self, n):
        super().__init__(n)
        self.extra = np.ones(n)

    def __call__(self, x):
        out = super().__call__(x)
        out[0] = x[1]
        return out * 2 + self.extra

    def activate(self, x):
        return super().activate(x) * x  # the method of the base makes a buffer of its own

    @property
    def total(self):
        return super().total * 2

    @classmethod
    def make(cls, x):
        return super().make(x)


LAYER, WIDE = Layer(4), Wide(4)
STEP = LAYER.activate


@case
def callable_objects_and_methods(x):
    return LAYER(x) + LAYER.activate(x) + STEP(x) + Layer.activate(LAYER, x) + LAYER.square(x) + Layer.square(x)


@case
def properties_and_class_attributes(x):
    return x * LAYER.total + LAYER.bias * Layer.shared + LAYER.shared * x[0] + len(LAYER.kind)


@case
def instances_made_inside(x):
    layer = Layer(4)
    layer.w = layer.w * x
    layer.bias = x[1]
    layer.child = Layer.make(x)
    layer.child.w[2:] = layer.w[:2]
    return layer(x) + layer.child(x) + layer.child.w + isinstance(layer, Layer) * layer.total


@case
def inheritance(x):
    return WIDE(x) + WIDE.total * x + WIDE.square(x) + isinstance(WIDE, Layer) + Wide(4)(x)


@case
def operators_of_a_class(x):
    layer = Layer(4)
    layer.w = x + 0.0
    with layer as same:
        same.log.append(x[0])
        logged = same.log[0]
    return layer + x[1] + layer[2] + len(layer) + sum(layer) + logged


@case
def a_class_defined_inside(x):
    class Local:
        def __init__(self):
            self.values = np.zeros(4)

        def put(self, v):
            self.values[1] = v
            return self

    class Derived(Local):
        def put(self, v):
            return super().put(v * 2)

    return Local().put(x[0]).values + Derived().put(x[1]).values


@dataclass
class Body:
    mass: float
    position: np.ndarray
    history: list = field(default_factory=list)

    def __post_init__(self):
        self.momentum = np.zeros(4)

    def move(self, dt):
        self.position = self.position + dt * self.mass
        self.history.append(self.position)
        self.momentum[0] = self.mass * self.position[0]
        return self

    def energy(self):
        out = np.zeros(1)
        out[0] = 0.5 * self.mass * np.sum(self.position**2) + self.momentum[0]
        return out[0]


@case
def dataclasses(x):
    body = Body(x[0], x).move(0.1).move(x[1])
    frozen = copy.copy(body)
    return body.energy() + body.history[0] * frozen.position


Pair = namedtuple("Pair", "first second")


class Kind(enum.Enum):
    SQUARE = 1
    CUBE = 2


@case
def namedtuples_enums_and_annotations(x: np.ndarray) -> np.ndarray:
    pair: Pair = Pair(x[0], fill(x))
    pair = pair._replace(first=x[1] if Kind(2) is Kind.CUBE else 0.0)
    first, second = pair
    return first * second


# ---------------------------------------------------------------- math, types and constructors


@case
def math_functions(x):
    a, b, c, d = (float(v) for v in x)
    out = [math.sin(a), math.cos(b), math.tan(a), math.exp(b), math.log(c), math.log(d, 2), math.log10(c), math.log2(d)]
    out += [
        math.sqrt(a),
        math.atan2(a, b),
        math.hypot(a, b, c),
        math.pow(b, 2),
        math.fabs(c),
        math.asin(a),
        math.acosh(2 + a),
    ]
    out += [math.fsum(x), math.prod(x), math.dist(x[:2], x[2:]), math.degrees(a), math.fmod(a, 2.0), math.expm1(b)]
    return np.array(out) if math.isfinite(a) and not math.isnan(b) and not math.isinf(c) else None


@case
def math_functions_that_round(x):
    a, b, c, d = x
    return math.floor(a) * b + math.ceil(c) * d + math.trunc(3.0 * c) * a + math.copysign(1.0, 2.0) * x


@case
def casts(x):
    a = float(x[0]) + np.float64(x[1]) * complex(x[2], x[3]).imag + complex(x[0]).real + np.complex128(x[1]).real
    b = np.array([x[0], 1], dtype=float) + np.asarray(x[:2], dtype=np.float64) + x[:2].astype(float) * float("2.5")
    return a * b + int(x[0]) + int(3.7 * x[1]) + bool(x[0]) + np.float64(2.0)


@case
def constructors(x):
    a, b, c = np.zeros((2, 2)), np.empty(4), np.ones(4, dtype=float)
    a[0, 0], a[1] = x[0], x[2:]
    b[:] = x
    c[1:] *= x[1:]
    d, e, f = np.full(4, x[0]), np.full((4,), 2.0), np.array([x[0], 1.0, x[1] * 2, 3])
    d[1], e[2], f[3] = x[1], x[2], x[3]
    g, h = np.zeros_like(x), np.ones_like(WEIGHTS)
    g[::2], h[1::2] = x[::2], x[:2]
    i, j, k = np.full_like(x, x[3]), np.empty_like(WEIGHTS), np.copy(WEIGHTS)
    j[...], k[0] = 1.0, x[0]
    m, n, o = np.eye(4), np.identity(4), np.diag([1.0, 2.0, 3.0, 4.0])
    m[0, 1], n[1, 0], o[2, 2] = x[0], x[1], x[2]
    p, q = np.linspace(0.0, 1.0, 4), np.arange(4.0)
    p[1], q[2] = x[0], x[3]
    r, s = np.linspace(x[0], x[1], 4), np.asarray([1.0, 2.0, 3.0, x[0]])
    t, u = np.tile([1.0, 2.0], 2), np.repeat([1.0, 2.0], 2)
    t[0], u[1] = x[0], x[1]
    v, w = np.array(WEIGHTS), WEIGHTS.copy()
    v[0], w[3] = x[0], x[1]
    y = np.meshgrid(np.arange(2.0), np.arange(2.0))[0]
    y[0, 0] = x[1]
    vectors = b + c + d + e + f + g + h + i + j + k + p + q + r + s + t + u + v + w
    return vectors + (m + n + o) @ x + np.sum(a * y)


@case
def nested_lists_and_object_arrays(x):
    a = np.array([[x[0], 1.0], [x[1:3].sum(), x[3]]])
    b = np.array([x, x**2])
    c = np.array((x[0], x[1]))
    objects = np.empty(2, dtype=object)
    objects[0], objects[1] = x[0], x[1] * x[2]
    return np.concatenate([a.ravel() @ b.T, c]) * objects[1] + objects[0]


@case
def out_and_where(x):
    out, mask = np.zeros(4), np.array([True, False, True, True])
    np.multiply(x, 2.0, out=out)
    np.add(out, x, out=out, where=mask)
    np.exp(out, out=out)
    total = np.zeros(1)
    np.sum(x, keepdims=True, out=total)
    np.sqrt(x, out=x)
    return out + total + x + np.sum(x, where=mask) + np.max(x, where=mask, initial=0.0)


@case
def out_by_position(x):
    out, mask = np.zeros(4), np.array([True, False, True, True])
    np.add(x, 1.0, out)
    np.multiply(out, x, out, where=mask)
    np.sin(out, out)
    return out


@case
def ufunc_methods(x):
    counts, index = np.zeros(3), np.array([0, 2, 0, 1])
    np.add.at(counts, index, x)
    np.subtract.at(counts, [0], 0.5)
    np.add.at(counts, 1, x[3])
    return np.add.outer(x, counts).sum(axis=1) + np.add.reduce(x) + np.multiply.accumulate(x) + np.maximum.reduce(x)


@case
def in_place_functions_on_plain_arrays(x):
    a = np.ones((4, 4))
    y = a @ x
    np.fill_diagonal(a, 5.0)
    b = np.ones(4)
    z = b * x
    np.copyto(b, 3.0)
    c = np.arange(4.0)
    u = c * x**2
    np.put(c, [0, 1], 7.0)
    np.putmask(c, c > 6.0, 0.5)
    np.place(c, c < 1.0, [2.0])
    return y * (a @ x) + z * b + u * c


@case
def random_permutations_of_plain_arrays(x):
    random = np.random.default_rng(0)
    a, b = np.array([3.0, 1.0, 2.0, 0.0]), np.arange(8.0).reshape(4, 2)
    y = a * x
    a, b = random.permutation(a), random.permutation(b)
    return y * a + b[:, 1] * x + random.permutation(a) * x[0] + random.choice(a) * x[1]


@case
def views_made_by_any_function(x):
    """NumPy functions that nobody wrote a rule for, on arrays made inside: their results are views all the same."""
    a = np.zeros((4, 4))
    left, right = np.split(a, 2, axis=1)
    left[0, 0], right[1] = 2.0, 3.0
    np.fliplr(a)[2] = 0.5
    np.flipud(a)[0, 1] = 4.0
    np.rot90(a)[3, 3] = 1.5
    np.array_split(a, 3)[1][0] = 0.25
    np.atleast_3d(a)[1, 2, 0] = 6.0
    np.rollaxis(a, 1)[0, 2] = 7.0
    return a @ x


@case
def methods_of_plain_arrays(x):
    a = np.array([3.0, 1.0, 2.0, 0.0])
    order = a.argsort()
    a.sort()
    a.put([0], [5.0])
    b = a.compress([True] * 4) + a.searchsorted(1.5)
    c = a.repeat(2)[::2] + a.take([3, 1, 2, 0]) + a.view(float) + a.argpartition(1)
    assert a.flags.writeable and a.strides == (8,) and a.itemsize == 8 and len(a.tobytes()) == 32
    assert a.data[1] == 1.0 and 3.0 in a
    return x[order] * b * c + a.cumsum() * x[a.argmax()]


@case
def plain_computation_stays_plain(x):
    grid, (rows, columns) = np.arange(12).reshape(3, 4), np.nonzero(np.eye(4))
    order = np.argsort([3.0, 1.0, 2.0, 0.0])
    table = {int(k): float(v) for k, v in zip(*np.unique([1, 1, 2], return_counts=True))}
    sorted_values, spectrum = np.sort(WEIGHTS), np.abs(np.fft.fft(WEIGHTS))
    noise = np.random.default_rng(0).standard_normal(4)
    spline = np.interp([0.5, 1.5, 2.5, 3.0], np.arange(4), sorted_values)
    assert grid.sum() == 66 and list(rows) == list(columns) == [0, 1, 2, 3] and table == {1: 2.0, 2: 1.0}
    assert (
        math.factorial(5) == 120
        and math.comb(5, 2) == 10
        and float("inf") == np.inf
        and np.linalg.matrix_rank(np.eye(3)) == 3
    )
    return x[order] * sorted_values + spectrum + noise * x + spline + np.random.RandomState(0).rand(4)


@case
def integers_and_masks_made_inside(x):
    index, mask, count = np.zeros(4, int), np.zeros(4, bool), 0
    for i in range(4):
        index[i] = (i * 2 + 1) % 4
        mask[i] = x[i] > 0.5
        count += mask[i]
    index[0] += 2
    mask |= np.array([True, False, False, False])
    return x[index] * 2 + np.where(mask, x, 0.5 * x) + count + x[~mask].sum() + x[mask].prod()


# ---------------------------------------------------------------- what may be refused


TABLE_OF_FUNCTIONS = {"exp": math.exp, "fill": fill, "tanh": np.tanh}


@escapes
def a_global_table_of_functions(x):
    return TABLE_OF_FUNCTIONS["exp"](x[0]) * TABLE_OF_FUNCTIONS["fill"](x) + TABLE_OF_FUNCTIONS["tanh"](x)


@escapes
def a_default_argument_that_is_an_array(x, buffer=np.zeros(4)):  # noqa: B008
    buffer[0] = x[0]
    return buffer * x


@escapes
def an_array_of_another_owner(x):
    WEIGHTS[0] = x[0]
    return WEIGHTS * x


@escapes
def an_attribute_that_is_an_array(x):
    LAYER.scratch[1] = x[0]
    return LAYER.scratch * x


@escapes
def an_array_in_a_container(x):
    TABLE["list"][1][0, 0] = x[0]
    return TABLE["list"][1] @ x


@escapes
def a_random_array(x):
    noise = np.random.default_rng(0).standard_normal(4)
    noise[0] = x[0]
    return noise * x


class Slotted:
    __slots__ = ("w",)

    def __init__(self, w):
        self.w = w

    def __call__(self, x):
        out = np.zeros(4)
        out[:] = self.w * x
        return out


SLOTTED = Slotted(2.0)


@escapes
def a_class_with_slots(x):
    return SLOTTED(x) + Slotted(3.0)(x)


class Abstract(abc.ABC):
    @abc.abstractmethod
    def weight(self): ...

    def __call__(self, x):
        out = np.zeros(4)
        out[0] = math.exp(x[0]) * self.weight()
        return out * x


class Concrete(Abstract):
    def weight(self):
        return 2.0


ABSTRACT = Concrete()


@escapes
def an_abstract_base_class(x):
    return ABSTRACT(x)


class Typed(typing.NamedTuple):
    first: object

    def filled(self):
        out = np.zeros(4)
        out[0] = self.first
        return out


@escapes
def a_method_of_a_namedtuple(x):
    return Typed(x[0]).filled() * x


@functools.singledispatch
def dispatched(x):
    out = np.zeros(4)
    out[0] = x[0]
    return out


@escapes
def singledispatch(x):
    return dispatched(x) * x


class Lazy:
    @functools.cached_property
    def weights(self):
        return np.arange(4.0)


@escapes
def a_cached_property(x):
    lazy = Lazy()
    lazy.weights[0] = x[0]
    return lazy.weights * x


@contextlib.contextmanager
def scope(x):
    buffer = np.zeros(4)
    buffer[0] = x[0]
    yield buffer


@escapes
def a_context_manager(x):
    with scope(x) as buffer:
        return buffer * x


@escapes
def numpy_from_the_outside(x):
    return np.vectorize(lambda v: v * v)(x)


@escapes
def apply_along_axis(x):
    return np.apply_along_axis(lambda row: row * 2, 0, x)


@escapes
def evaluated_text(x):
    return eval("math.exp(x[0]) * x", {"math": math, "x": x})


@escapes
def a_fast_buffer(x):
    import array as standard

    cells = standard.array("d", [0.0, 0.0])
    cells[0] = x[0]
    return cells[0] * x


@escapes
def fromiter(x):
    return np.fromiter((v * v for v in x), float)


@escapes
def structured_arrays(x):
    cells = np.zeros(2, dtype=[("a", float)])
    cells["a"][0] = x[0]
    return cells["a"].sum() * x


@escapes
def index_tricks(x):
    return np.r_[x[0], 1.0, x[1:3]] * x


@escapes
def numpy_matrix_or_masked(x):
    masked = np.ma.masked_array(np.zeros(4), mask=[True, False, False, False])
    masked[1] = x[0]
    return masked.sum() * x
