"""Functions of every kind, and Python that is executed before values are known."""

import functools
import math
from functools import partial

import numpy
import numpy as np
from numpy import dot
from numpy import sum as total_of

from programs.program import Program, normal, uniform

GRAVITY = 9.81
MODELS = {"linear": (1.0, 0.0), "quadratic": (0.5, 2.0)}


def closures(x, rates, n):
    """Functions that a function makes; each reads what it was made with."""

    def decay(rate):
        def step(y):
            return y - 0.1 * rate * y**2

        return step

    fast, slow = decay(rates[0]), decay(rates[1])
    for i in range(n):
        x = fast(x) if i % 2 == 0 else slow(x)
    return x


class Pendulum:
    """A class as users write it: attributes, a method that calls another, a property."""

    def __init__(self, length, damping=0.1):
        self.length = length
        self.damping = damping

    @property
    def frequency(self):
        return math.sqrt(GRAVITY / self.length)

    def acceleration(self, angle, speed):
        return -(self.frequency**2) * math.sin(angle) - self.damping * speed

    def step(self, angle, speed, h=0.05):
        speed = speed + h * self.acceleration(angle, speed)
        return angle + h * speed, speed


def pendulum(angle, length, n):
    """Angle of a pendulum that is an object; the method returns a tuple."""
    model, speed = Pendulum(length), 0.0
    for _ in range(n):
        angle, speed = model.step(angle, speed)
    return angle


class Polynomial:
    """An object that is called."""

    def __init__(self, *coefficients):
        self.coefficients = coefficients

    def __call__(self, x):
        value = 0.0
        for c in self.coefficients:
            value = value * x + c
        return value


def callable_object(a, b, x):
    """A polynomial of two parameters, iterated."""
    p = Polynomial(a, b, 0.3)
    for _ in range(3):
        x = p(x)
    return x


def power_law(x, factor, exponent):
    return factor * x**exponent


def partials_and_lambdas(x, k):
    """`functools.partial`, lambdas on one line, and a function held in a variable."""
    law = partial(power_law, factor=k, exponent=1.5)
    twice, half = (lambda v: 2.0 * v), (lambda v: 0.5 * v + k)
    shape = math.tanh if k > 0.0 else math.sin
    total = 0.0
    for value in x:
        total += shape(law(value)) * twice(half(value))
    return total


def weighted(x, *others, power=2, scale=1.0, **options):
    result = scale * abs(x) ** power
    for other in others:
        result += other * x
    if options.get("shifted", False):
        result += options["shift"]
    return result


def argument_kinds(x, y):
    """Default, keyword and star arguments."""
    pair, options = (y, x), {"shifted": True, "shift": x * y}
    return (
        weighted(x)
        + weighted(x, y, scale=y)
        + weighted(x, *pair, power=3)
        + weighted(y, **options)
        + weighted(scale=x, x=y)
    )


def decorated(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        return 2.0 * f(*args, **kwargs) + 1.0

    return wrapper


@decorated
def stretched(x, by=1.5):
    return math.exp(-by * x)


def decorators(x, by):
    """A helper behind a decorator."""
    return stretched(x) * stretched(by, by=x)


def dict_parameters(parameters, x):
    """Parameters in a dict of arrays and numbers, of layers that a list holds."""
    h = x
    for layer in parameters["layers"]:
        h = np.tanh(layer["W"] @ h + layer["b"])
    return parameters["scale"] * np.sum(h**2)


def lists_of_constants(x):
    """Lists by comprehension at compile time; sums over pairs of them."""
    exponents = [k for k in range(1, 6) if k % 2]
    factors = {k: 1.0 / math.factorial(k) for k in exponents}
    terms = [factors[k] * x**k for k in exponents]
    return sum(terms) + max(terms) * min(terms) + len(terms)


def appended(x):
    """`append` in a short loop, then an array of the list."""
    found = []
    for i in range(4):
        found.append(x[i] * x[3 - i] + i)
    values = np.array(found)
    return np.sum(values**2) + found[-1]


def choose_by_name(x, model):
    """Strings and dicts at compile time choose the formula."""
    slope, bend = MODELS[model]
    if model.startswith("quad") and bend:
        total = bend * np.sum(x**2)
    else:
        total = 0.0
    names = f"{model}:{len(x)}".split(":")
    return total + slope * np.sum(x) * int(names[1])


def binomial(n, k):
    return 1 if k in (0, n) else binomial(n - 1, k - 1) + binomial(n - 1, k)


def bernstein(x, t):
    """Helpers that call themselves with constants."""
    n = 3
    value = 0.0
    for k in [0, 1, 2, 3]:
        value += binomial(n, k) * t**k * (1.0 - t) ** (n - k) * x[k]
    return value


def tuple_results(x):
    """Sum, product and largest, each of another helper that returns several things."""

    def moments(v):
        return np.mean(v), np.mean((v - np.mean(v)) ** 2)

    def extremes(v):
        low = high = v[0]
        for value in v[1:]:
            low, high = min(low, value), max(high, value)
        return {"low": low, "high": high}

    mean, variance = moments(x)
    ends = extremes(x)
    first, *rest = x[0] * mean, variance, ends["high"] - ends["low"]
    return first, [np.sum(x), tuple(rest)]


def spellings(x, A):
    """One library by several names, functions and methods."""
    y = A.dot(x) + numpy.matmul(A, x) + dot(A, x) + A @ x
    z = y.reshape(-1, 1) * x[None, :]
    return total_of(abs(y)) + z.T.sum(axis=0).max() + numpy.linalg.norm(x) * x.mean()


def global_constants(x):
    """Floats and containers of the module."""
    total = 0.0
    for name in sorted(MODELS):
        total += GRAVITY * x**2 * MODELS[name][0]
    return total


def generator_sums(x, y):
    """Sums and comparisons over generator expressions of fixed length."""
    inner = sum(a * b for a, b in zip(x, y))
    if all(v > 0.0 for v in (x[0], y[0])) or any(v > 5.0 for v in (x[1], y[1])):
        inner *= 2.0
    return inner


def repeated_helper(x, n):
    """A helper that is called at several places with other shapes and types."""

    def soft(v, sharpness=4):
        return np.log(1.0 + np.exp(sharpness * v)) / sharpness

    total = 0.0
    for _ in range(n):
        x = soft(x)
        total = soft(np.sum(x), 2) + soft(0.5 * total)
    return total


def network(n):
    layers = [{"W": normal(3, 2, seed=1), "b": normal(3, seed=2)}, {"W": normal(2, 3, seed=3), "b": normal(2, seed=4)}]
    return {"layers": layers, "scale": 0.7}, normal(n)


PROGRAMS = [
    Program(closures, lambda n: (0.8, np.array([2.0, 0.5]), n), (0, 1)),
    Program(pendulum, lambda n: (0.8, 1.3, n), (0, 1)),
    Program(callable_object, (0.4, 0.3, 0.7), (0, 1, 2)),
    Program(partials_and_lambdas, lambda n: (uniform(n), 0.6), (0, 1)),
    Program(argument_kinds, (0.7, 1.3), (0, 1)),
    Program(decorators, (0.4, 0.9), (0, 1)),
    Program(dict_parameters, network(2), (0, 1)),
    Program(lists_of_constants, (0.7,)),
    Program(appended, (uniform(4),)),
    Program(choose_by_name, (uniform(3), "quadratic"), more=((uniform(3), "linear"),)),
    Program(bernstein, (normal(4), 0.3), (0, 1)),
    Program(tuple_results, (normal(4),), scalar=False),
    Program(spellings, (uniform(3, seed=1), uniform(3, 3, seed=2)), (0, 1)),
    Program(global_constants, (0.7,)),
    Program(generator_sums, (uniform(3, seed=1), uniform(3, seed=2)), (0, 1)),
    Program(repeated_helper, lambda n: (normal(3), n)),
]
