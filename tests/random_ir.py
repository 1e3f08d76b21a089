"""Random programs with nested regions, built from rows: loops, branches, calls, overwrites and casts.

Values are kept near one by sines, so that differences can follow.
"""

import random

import numpy as np

from wengert.ir.program import Stack, type_of
from wengert.rules.control import call, conform, for_, if_, value_type, while_
from wengert.rules.indexing import write
from wengert.transforms.build import build

N = 3
F64, F32 = np.dtype(np.float64), np.dtype(np.float32)
ARGUMENTS = {
    "x": np.array([0.3, -0.7, 1.1]),
    "y": np.array([[0.5, -0.2, 0.4], [0.1, 0.8, -0.6], [-0.3, 0.2, 0.9]]),
    "s": np.float64(0.6),
    "w": 0.4,
    "z": np.array([0.25, 0.5, -0.75], np.float32),
    "m": 2,
}
FLOATS = ("x", "y", "s", "w")  # arguments that are differentiated


def kind(x):
    type = value_type(x)
    return "stack" if isinstance(type, Stack) else type.dtype.kind


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.single = seed % 4 == 0  # with single precision, in which forward and reverse mode round differently
        self.seen = set()

    def pick(self, pool, test):
        found = [v for v in pool if test(v)]
        return self.random.choice(found) if found else None

    def floating(self, pool, shape=None):
        return self.pick(pool, lambda v: kind(v) == "f" and (shape is None or value_type(v).shape == shape))

    def whole(self, pool):
        found = self.pick(pool, lambda v: kind(v) == "i" and value_type(v).form == "weak")
        return self.random.randrange(N) if found is None or self.random.random() < 0.2 else found

    def block(self, pool, depth, count):
        """The pool after some statements."""
        pool = list(pool)
        for _ in range(count):
            options = [self.arithmetic, self.arithmetic, self.read, self.overwrite, self.reduced, self.cast]
            if depth:
                options += [self.loop, self.loop, self.while_loop, self.branch, self.called]
            pool += self.random.choice(options)(pool, depth)
        return pool

    # ---------------------------------------------------------------- statements: new values

    def arithmetic(self, pool, depth):
        x = self.floating(pool)
        if x is None:
            return []
        y = self.pick(pool, lambda v: kind(v) in "fi" and value_type(v).shape in ((), value_type(x).shape))
        operations = [
            lambda: np.sin(x * y),
            lambda: np.tanh(x - y),
            lambda: 0.5 * x + np.cos(y),
            lambda: np.where(x > 0.2, np.sin(x), y * 0.3),
            lambda: np.maximum(x, 0.1) * 0.7,
            lambda: np.exp(-np.square(x)),
            lambda: x / (2.0 + np.square(np.sin(y))),
        ]
        return [self.random.choice(operations)()]

    def read(self, pool, depth):
        a = self.pick(pool, lambda v: kind(v) == "f" and value_type(v).shape and value_type(v).shape[0])
        if a is None:
            return []
        index = self.random.choice([lambda: self.whole(pool) % N, lambda: slice(None, None, -1), lambda: [0, 2, 0]])()
        return [a[index]]

    def overwrite(self, pool, depth):
        a, value = self.floating(pool, (N,)), self.floating(pool, ())
        if a is None or value is None:
            return []
        self.seen.add("overwrite")
        return [write(a, np.sin(value), steps=(), index=(self.whole(pool) % N,), inplace=False)]

    def reduced(self, pool, depth):
        a = self.pick(pool, lambda v: kind(v) == "f" and value_type(v).shape)
        return [] if a is None else [self.random.choice([lambda: np.sum(a) / 4, lambda: np.max(a)])()]

    def cast(self, pool, depth):
        x = self.floating(pool)
        if x is None or value_type(x).form == "weak":
            return [self.whole(pool) + 1]
        return [x.astype(np.float32 if self.single else np.float64)]

    # ---------------------------------------------------------------- regions

    def state(self, pool):
        """(constants, carries) of a region; carries may be Python numbers."""
        some = self.random.sample(pool, min(len(pool), self.random.randint(2, 5)))
        cut = self.random.randrange(len(some))
        return some[:cut], some[cut:]

    def region(self, name, heads, values, targets, depth):
        """A program of the values that ends with values of the types of `targets`, where some fit."""
        types = [*heads, *map(value_type, values)]

        def body(stage, inside):
            pool = self.block(inside, depth - 1, self.random.randint(1, 3))
            return [self.ending(pool, target, x) for target, x in zip(targets, inside[len(inside) - len(targets) :])]

        return build(name, types, [f"v{i}" for i in range(len(types))], body)

    def ending(self, pool, target, default):
        type = value_type(target)
        fits = [v for v in pool if fitting(value_type(v), type)]
        return conform(self.random.choice(fits), type) if fits else default

    def loop(self, pool, depth):
        self.seen.add("for")
        constants, carries = self.state(pool)
        bounds = self.random.choice([(0, N, 1), (N - 1, -1, -1), (0, 0, 1), (0, self.whole(pool), 1), (1, 6, 2)])
        body = self.region("body", [type_of(0)], [*constants, *carries], carries, depth)
        return list(for_(*bounds, *constants, *carries, body=body, consts=len(constants)))

    def while_loop(self, pool, depth):
        self.seen.add("while")
        constants, carries = self.state(pool)
        types = [*map(value_type, [*constants, 0, *carries])]
        names = [f"v{i}" for i in range(len(types))]
        n, limit = len(constants), self.random.randrange(4)
        test = build("test", types, names, lambda stage, v: [v[n] < limit])
        inner = self.region("inner", [], [*constants, *carries], carries, depth)

        def body(stage, v):
            return [v[n] + 1, *call(*v[:n], *v[n + 1 :], program=inner)]

        body = build("body", types, names, body)
        return list(while_(*constants, 0, *carries, test=test, body=body, consts=n))

    def branch(self, pool, depth):
        self.seen.add("if")
        constants, carries = self.state(pool)
        x = self.floating(pool, ())
        if x is None:
            return []
        given = [*constants, *carries]
        sides = {side: self.region(side, [], given, carries, depth) for side in ("then", "orelse")}
        return list(if_(x > self.random.choice([-0.2, 0.3]), *given, **sides))

    def called(self, pool, depth):
        self.seen.add("call")
        constants, carries = self.state(pool)
        helper = self.region("helper", [], [*constants, *carries], carries, depth)
        outs = list(call(*constants, *carries, program=helper))
        return outs + list(call(*constants, *outs, program=helper)) if self.random.random() < 0.3 else outs


def fitting(have, type):
    if isinstance(have, Stack) or isinstance(type, Stack):
        return False
    if type.form == "weak" or have.dtype.kind != type.dtype.kind:
        return have == type
    return have.shape in ((), type.shape) and (type.shape or have.form != "array")


def random_program(seed, depth=3):
    """(program, what is in it); parameters as in ARGUMENTS, one result."""
    maker = Maker(seed)

    def body(stage, values):
        if not maker.single:
            values = [v for v in values if v.dtype != np.float32]
        pool = maker.block(values, depth, 5)
        floats = [v for v in pool[len(values) :] if kind(v) == "f"] or [values[0]]
        return [sum(np.sum(np.sin(v)) for v in floats[-6:]) * 1.0]

    program = build("f", [type_of(v) for v in ARGUMENTS.values()], list(ARGUMENTS), body)
    return program, maker.seen
