"""Random programs, written as equations: nested loops and branches, calls, arrays that are written, scalars of every
kind, casts.  The same seed gives the same program.

Loops and branches close over what they read, as those of the front end do.
"""

import random
import warnings
from contextlib import contextmanager

import numpy as np

from wengert.core.diagnostic import Position
from wengert.ir.program import Stack, Type, type_of
from wengert.modes.stage import Staged, type_in
from wengert.rules.control import call, check, conform, for_, full, if_, while_
from wengert.rules.elementwise import (
    abs_,
    add,
    cos,
    div,
    exp,
    greater,
    less,
    maximum,
    mod,
    mul,
    neg,
    sin,
    square,
    sub,
    tanh,
    where,
)
from wengert.rules.indexing import add_at, getitem, write
from wengert.rules.linear import broadcast_to, convert, reduce_sum, reshape
from wengert.rules.reduce import reduce_max
from wengert.transforms.build import build

F64 = np.dtype(float)
SCALAR, WEAK, INT = Type(F64, (), "scalar"), Type(F64, (), "weak"), type_of(0)
N = 4
ARRAY, MATRIX, SINGLE = Type(F64, (N,)), Type(F64, (3, N)), Type(np.dtype(np.float32), (N,))
TYPES = [SCALAR, ARRAY, MATRIX, WEAK]
NAMES = {SCALAR: "s", ARRAY: "a", MATRIX: "m", WEAK: "w", SINGLE: "z", INT: "n"}
SMOOTH = [sin, cos, tanh]
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 0, 1, -1]


class Writer:
    """Writes the statements of one program.

    values   what may be read, by type
    bounded  integers that are an index of an array of N, or of fewer
    """

    def __init__(self, rng, stage, depth, values, indices=(), traps=False, smooth=False):
        self.rng, self.stage, self.depth, self.traps, self.smooth = rng, stage, depth, traps, smooth
        self.values, self.indices = {}, list(indices)
        for x in values:
            self.keep(x)

    def keep(self, x):
        if isinstance(x, Staged):
            self.values.setdefault(x.aux.type, []).append(x)
        return x

    def pick(self, type):
        """A value of this type; the latest more often."""
        found = self.values.get(type)
        if not found:
            return self.keep(self.make(type))
        return found[-1 - min(int(self.rng.expovariate(1.2)), len(found) - 1)]

    def make(self, type):
        value = self.rng.choice([0.0, 1.0, 0.5, -0.0])
        if type.form == "array":
            return self.stage.apply(full, (), {"shape": type.shape, "value": value, "dtype": "<f8"})
        return self.stage.constant(value if type.form == "weak" else np.float64(value))

    def operand(self, type):
        return self.rng.choice(NUMBERS) if self.rng.random() < 0.25 else self.pick(type)

    def index(self):
        if self.indices and self.rng.random() < 0.7:
            return self.rng.choice(self.indices)
        return self.rng.randrange(3)

    # ------------------------------------------------------------ statements

    def statements(self, n):
        for _ in range(n):
            kinds = [self.arithmetic] * 7 + [self.element] * 5 + [self.shapes, self.integer, self.positions]
            kinds += [self.rounded] * (SINGLE in self.values)
            kinds += [self.loop, self.loop, self.branch, self.called, self.search] * (self.depth > 0)
            kinds += [self.checked] * self.traps
            kind = self.rng.choice(kinds)
            self.stage.where = (
                Position("user.py", self.rng.randrange(1, 99)) if self.traps or self.rng.random() < 0.5 else None
            )
            kind()

    def arithmetic(self):
        type = self.rng.choice(TYPES)
        x, r = self.pick(type), self.rng.random()
        if r < 0.55:
            row = self.rng.choice([add, sub, mul, add, sub, mul, maximum, div])
            y = self.operand(self.rng.choice([type, type, SCALAR, WEAK]))
            if self.smooth and row in (maximum, mul):
                row, x = mul, tanh(x)
            x, y = self.rng.choice([(x, y), (y, x)])
            self.keep(row(x, add(square(y), 1.0) if self.smooth and row is div else y))
        elif r < 0.75:
            self.keep(neg(x))
        elif r < 0.9:
            self.keep(self.rng.choice(SMOOTH)(x))
        elif r < 0.95:
            self.keep(where(greater(x, 0.25), x, self.pick(type)))
        else:
            self.keep(self.rng.choice([square, abs_, exp])(tanh(x)))

    def element(self):
        type = self.rng.choice([ARRAY, ARRAY, MATRIX])
        a, i = self.pick(type), self.index()
        if type == MATRIX:
            index = self.rng.choice([(self.small(i), self.index()), (slice(None), i), (self.small(i), slice(None))])
        else:
            index = self.rng.choice([(i,), (i,), (i,), (i,), (slice(1, 3),), (slice(None),)])
        part = getitem(a, index=index)
        r = self.rng.random()
        if r < 0.3:
            self.keep(mul(part, self.pick(SCALAR)))
            return
        value = self.rng.choice([part, self.pick(SCALAR), self.operand(WEAK)])
        if r < 0.6:
            self.keep(write(a, value, steps=(), index=index, inplace=False))
        elif r < 0.8:
            v = add(part, self.operand(SCALAR)) if r < 0.75 else sub(part, self.pick(SCALAR))
            self.keep(write(a, v, steps=(), index=index, inplace=False))
        else:
            self.keep(add_at(a, value, index=index, inplace=False))

    def small(self, i):
        return i if isinstance(i, int) else mod(i, 3)

    def shapes(self):
        m, r = self.pick(MATRIX), self.rng.random()
        if r < 0.3:
            self.keep(reshape(reshape(m, shape=(N, 3)), shape=(3, N)))
        elif r < 0.6:
            self.keep(reduce_sum(m, axes=(self.rng.choice([0, 0, 1]),)))
        elif r < 0.8:
            self.keep(broadcast_to(self.pick(ARRAY), shape=self.rng.choice([(3, N), (N,)])))
        else:
            self.keep(convert(self.pick(SCALAR), dtype=F64))

    def positions(self):
        """Elements in another order, some of them twice; the largest."""
        a = self.pick(ARRAY)
        index = self.rng.choice([slice(None, None, -1), np.array([0, 2, 0, 3])])
        b = self.keep(getitem(a, index=(index,)))
        if self.rng.random() < 0.3:
            self.keep(reduce_max(b, axes=(0,)))

    def rounded(self):
        """Single precision, and back."""
        z = self.keep(convert(self.pick(ARRAY), dtype=SINGLE.dtype))
        self.keep(convert(self.rng.choice([sin(z), mul(z, self.pick(SINGLE))]), dtype=F64))

    def integer(self):
        if self.indices:
            i = self.rng.choice(self.indices)
            i = sub(add(i, 2), 1) if self.rng.random() < 0.5 else add(mul(i, 1), self.rng.randrange(3))
            self.indices.append(mod(i, N) if not self.traps else i)

    def checked(self):
        x = self.pick(SCALAR)
        check(less(x, 1e6), x, error=ValueError, arguments=(f"too large {self.rng.randrange(99)}",))

    # ------------------------------------------------------------ regions

    def closed(self, count):
        """Values that a region reads from around it, some of them twice."""
        pool = [x for found in self.values.values() for x in found] + self.indices
        return [self.rng.choice(pool) for _ in range(min(count, len(pool)))]

    def carried(self, count):
        kinds = [SCALAR, ARRAY, MATRIX, SCALAR, WEAK, *([SINGLE] if SINGLE in self.values else [])]
        types = [self.rng.choice(kinds) for _ in range(count)]
        return types, [self.pick(t) for t in types]

    def inner(self, types, head, body):
        """A program with these parameters; `head` of them are indices."""

        def write_body(stage, values):
            flags = [t == INT for t in types]
            own = [v for v, f in zip(values, flags) if not f]
            indices = [v for v, f in zip(values, flags) if f]
            writer = Writer(self.rng, stage, self.depth - 1, own, indices, self.traps, self.smooth)
            return body(writer, values)

        with_where = self.stage.where
        program = build("body", types, [NAMES.get(t, "x") for t in types], write_body)
        self.stage.where = with_where
        return program

    def results(self, types, values=None):
        """A value of each type; some as they came."""
        return [
            values[i] if values is not None and self.rng.random() < 0.1 else conform(self.pick(t), t)
            for i, t in enumerate(types)
        ]

    def bounds(self):
        if self.indices and self.rng.random() < 0.4:
            i = self.rng.choice(self.indices)
            return self.rng.choice([(0, i, 1), (i, N, 1), (i, -1, -1)]) if not self.traps else (0, mod(i, N), 1)
        return self.rng.choice([(0, N, 1), (0, N, 1), (0, N - 1, 1), (N - 1, -1, -1), (1, N, 2), (2, 2, 1), (1, 2, 1)])

    def loop(self):
        constants, (types, carries) = self.closed(self.rng.randrange(4)), self.carried(self.rng.randrange(1, 4))
        bounds = self.bounds()
        if not carries and not constants:
            return

        def body(writer, values):
            writer.statements(self.rng.randrange(3, 8))
            return writer.results(types, values[1 + len(constants) :])

        program = self.inner([INT, *map(type_in, constants), *types], 1, body)
        for x in for_(*bounds, *constants, *carries, body=program, consts=len(constants)):
            self.keep(x)

    def search(self):
        constants, (types, carries) = self.closed(self.rng.randrange(3)), self.carried(self.rng.randrange(1, 3))
        params, trips = [*map(type_in, constants), INT, *types], self.rng.randrange(4)
        k = len(constants)

        def test(writer, values):
            return [less(values[k], trips)]

        def body(writer, values):
            writer.indices = [v for v in writer.indices if v is not values[k]]
            writer.statements(self.rng.randrange(2, 6))
            return [add(values[k], 1), *writer.results(types, values[k + 1 :])]

        test, body = self.inner(params, 0, test), self.inner(params, 0, body)
        start = self.stage.constant(0)
        for x in while_(*constants, start, *carries, test=test, body=body, consts=k)[1:]:
            self.keep(x)

    def branch(self):
        operands = self.closed(self.rng.randrange(1, 5))
        types = [self.rng.choice([SCALAR, ARRAY, MATRIX]) for _ in range(self.rng.randrange(1, 4))]

        def body(writer, values):
            writer.statements(self.rng.randrange(5))
            return writer.results(types)

        sides = [self.inner([*map(type_in, operands)], 0, body) for _ in range(2)]
        condition = self.rng.choice([greater(self.pick(SCALAR), 0.3), greater(self.pick(SCALAR), 0.3), True])
        if not isinstance(condition, Staged):
            condition = self.stage.constant(self.rng.random() < 0.5)
        for x in if_(condition, *operands, then=sides[0], orelse=sides[1]):
            self.keep(x)

    def called(self):
        """Once, or again with the results of the first call."""
        constants, (types, values) = self.closed(self.rng.randrange(1, 4)), self.carried(self.rng.randrange(1, 3))

        def body(writer, values):
            writer.statements(self.rng.randrange(1, 5))
            return writer.results(types)

        program = self.inner([*map(type_in, constants), *types], 0, body)
        for _ in range(self.rng.choice([1, 2])):
            values = [self.keep(x) for x in call(*constants, *values, program=program)]


def random_program(seed, traps=False, smooth=False, statements=9, single=False, scalar=False):
    """(program, operands): a scalar, an array, a matrix and a Python float.

    single   an array of single precision, too
    scalar   one result instead of all
    """
    rng = random.Random(seed)

    def body(stage, values):
        writer = Writer(rng, stage, 2, values, (), traps, smooth)
        writer.statements(statements)
        stage.where = None
        results = [x for found in writer.values.values() for x in found if not smooth or x.dtype.kind == "f"]
        return [sum(np.sum(np.sin(x)) for x in results) * 1.0] if scalar else results

    types = [*TYPES, *([SINGLE] if single else [])]
    program = build("random", types, [NAMES[t] for t in types], body)
    return program, [*operands_for(seed, smooth), np.linspace(-0.5, 0.9, N, dtype=np.float32)][: len(types)]


SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf, 0.3, -0.7, 1e-310, 1e308])


def operands_for(seed, smooth=False):
    """Ordinary numbers, or special ones for every second seed."""
    rng = np.random.default_rng(seed)
    if smooth or seed % 2:
        return [np.float64(rng.normal()), rng.normal(size=N), rng.normal(size=(3, N)), float(rng.normal())]
    pick = lambda shape: rng.choice(SPECIAL, size=shape)
    return [np.float64(pick(())), pick(N), pick((3, N)), float(pick(()))]


@contextmanager
def quiet():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def flat(x):
    """Its bits, with one NaN for all."""
    if hasattr(x, "items") and isinstance(getattr(x, "type", None), Stack):
        return tuple(map(flat, x.items))
    a = np.asarray(x)
    if a.dtype.kind in "fc":
        a = np.where(np.isnan(a), a.dtype.type(np.nan), a)
    return str(type_of(x)), a.tobytes()
