"""Random straight-line NumPy programs with loops, branches, overwrites, views and aliases, as Python source.

A program is a list of statements over a pool of named arrays of known shape; `x`, shape (3, 4), and `y`, shape (4,),
are the arguments, a scalar is returned.  Values are kept near one by sines, so that differences can follow.
"""

import random

SHAPES = [(3, 4), (4,), (3, 1), (4, 3), (2, 2), ()]


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.pool = {"x": (3, 4), "y": (4,)}
        self.lines = []
        self.count = 0

    def name(self):
        self.count += 1
        return f"v{self.count}"

    def pick(self, test=lambda shape: True):
        names = [n for n, s in self.pool.items() if test(s)]
        return self.random.choice(names) if names else None

    def emit(self, line, depth):
        self.lines.append("    " * (depth + 1) + line)

    # ---------------------------------------------------------------- expressions

    def expression(self, shape):
        """Text of a value that broadcasts to `shape`."""
        r = self.random
        same = self.pick(lambda s: s == shape)
        wide = self.pick(lambda s: broadcasts(s, shape))
        options = [lambda: repr(round(r.uniform(-1, 1), 2))]
        if wide:
            options += [lambda: f"np.sin({wide})", lambda: f"({wide} * {r.choice(['0.5', '-0.7', 'y[1]', 'x[0, 2]'])})"]
            options += [lambda: f"np.where({wide} > 0.1, {wide}, 0.3 * {wide})", lambda: f"np.tanh({wide} + y[0])"]
        if same:
            other = self.pick(lambda s: broadcasts(s, shape))
            options += [lambda: f"np.cos({same} - {other})", lambda: f"{same} * {other}"]
            options += [lambda: f"helper({same})", lambda: f"{same} / (2.0 + np.square({other}))"]
            options += [lambda: f"np.maximum({same}, {other})", lambda: f"0.5 * {same} ** 2"]
        if shape == (4,):
            options += [
                lambda: "x.sum(axis=0)",
                lambda: "x[1]",
                lambda: "np.cumsum(y) / 4",
                lambda: "np.dot(y, np.ones((4, 4))) / 4",
            ]
            options += [lambda: "x[2, [0, 1, 1, 3]]", lambda: "np.max(x, axis=0)"]
        if shape == (3, 4):
            options += [lambda: "np.outer(x[:, 0], y)", lambda: "np.stack([y, y[::-1], x[0]])", lambda: "x[::-1]"]
            options += [lambda: "np.concatenate([x[1:], y[None, :]])"]
        if shape == ():
            name = self.pick()
            options += [
                lambda: f"np.sum({name}) / 8",
                lambda: f"np.mean({name})",
                lambda: "y[2]",
                lambda: "x[1, 3] * y[0]",
            ]
            options += [lambda: "math.sin(y[1])", lambda: "np.linalg.norm(y) / 2", lambda: "np.prod(y)"]
        return r.choice(options)()

    def index(self, shape):
        """(text, shape) of a part of an array of this shape."""
        r = self.random
        if shape == (3, 4):
            return r.choice(
                [
                    ("1", (4,)),
                    (":, 2", (3,)),
                    ("1:, :2", (2, 2)),
                    ("0, 3", ()),
                    ("::2", (2, 4)),
                    ("..., 1", (3,)),
                    ("[0, 2]", (2, 4)),
                    ("[2, 0, 2]", (3, 4)),
                    (":, [0, 0, 1, 3]", (3, 4)),
                    (":, None, 1", (3, 1)),
                ]
            )
        if shape == (4,):
            return r.choice(
                [
                    ("1", ()),
                    ("1:3", (2,)),
                    ("::-1", (4,)),
                    ("[0, 2, 0]", (3,)),
                    ("[1, 1]", (2,)),
                    ("-1", ()),
                    (":", (4,)),
                ]
            )
        if shape == (4, 3):
            return r.choice([("1", (3,)), (":, 0", (4,)), ("2:", (2, 3)), ("3, 1", ())])
        if shape == (2, 2):
            return r.choice([("0", (2,)), ("1, 0", ()), (":, 1", (2,))])
        if shape == (3, 1):
            return r.choice([("0", (1,)), (":, 0", (3,)), ("2, 0", ())])
        return None

    # ---------------------------------------------------------------- statements

    def statement(self, depth):
        r = self.random
        kind = r.choice(
            [
                "assign",
                "assign",
                "write",
                "write",
                "write",
                "augment",
                "inplace",
                "view",
                "alias",
                "make",
                "mask",
                "if",
                "for",
                "copy",
                "call",
            ]
        )
        getattr(self, kind)(depth)

    def assign(self, depth):
        shape = self.random.choice([(3, 4), (4,), (), (3, 1)])
        name = self.name()
        self.emit(
            f"{name} = np.zeros({shape}) + {self.expression(shape)}" if shape else f"{name} = {self.expression(shape)}",
            depth,
        )
        if depth == 0:
            self.pool[name] = shape

    def target(self):
        name = self.pick(lambda s: self.can_index(s))
        text, shape = self.index(self.pool[name])
        return name, text, shape

    def can_index(self, shape):
        return shape in [(3, 4), (4,), (4, 3), (2, 2), (3, 1)]

    def write(self, depth):
        name, text, shape = self.target()
        self.emit(f"{name}[{text}] = {self.small(shape)}", depth)

    def augment(self, depth):
        name, text, shape = self.target()
        self.emit(f"{name}[{text}] {self.random.choice(['+=', '*=', '-='])} {self.small(shape)}", depth)

    def small(self, shape):
        return f"np.sin({self.expression(shape if shape in SHAPES else ())})"

    def inplace(self, depth):
        name = self.pick(lambda s: s != ())
        self.emit(f"{name} {self.random.choice(['+=', '*=', '-='])} {self.small(self.pool[name])}", depth)

    def view(self, depth):
        source = self.pick(lambda s: s in [(3, 4), (4,), (4, 3)])
        if depth:
            return self.write(depth)
        name = self.name()
        shape = self.pool[source]
        if shape in [(3, 4), (4, 3)]:
            text, out = self.random.choice(
                [(".T", shape[::-1]), ("[1]", shape[1:]), ("[:2, :2]", (2, 2)), (".reshape(4, 3)", (4, 3))]
            )
        else:
            text, out = self.random.choice([("[::-1]", (4,)), (".reshape(2, 2)", (2, 2)), ("[:]", (4,))])
        self.emit(f"{name} = {source}{text}", 0)
        self.pool[name] = out

    def alias(self, depth):
        if depth:
            return self.augment(depth)
        name, source = self.name(), self.pick()
        self.emit(f"{name} = {source}", 0)
        self.pool[name] = self.pool[source]

    def copy(self, depth):
        if depth:
            return self.write(depth)
        name, source = self.name(), self.pick(lambda s: s != ())
        self.emit(
            f"{name} = {self.random.choice(['{}.copy()', 'np.array({})', 'np.copy({})', '1.0 * {}']).format(source)}", 0
        )
        self.pool[name] = self.pool[source]

    def make(self, depth):
        if depth:
            return self.write(depth)
        name, shape = self.name(), self.random.choice([(3, 4), (4,), (2, 2)])
        self.emit(f"{name} = {self.random.choice(['np.zeros', 'np.ones'])}({shape})", 0)
        self.pool[name] = shape

    def mask(self, depth):
        name = self.pick(lambda s: s != ())
        self.emit(f"{name}[{name} > 0.2] = {self.small(())}", depth)

    def call(self, depth):
        name = self.pick(lambda s: s == (4,))
        self.emit(f"change({name})", depth)

    def block(self, depth):
        for _ in range(self.random.randint(1, 3)):
            self.statement(depth)

    def nested(self, head, depth):
        if depth >= 2:
            return self.write(depth)
        self.emit(head, depth)
        self.block(depth + 1)

    # `if` and `for` are Python's words: reached through getattr
    def branch(self, depth):
        self.nested(f"if {self.expression(())} > {round(self.random.uniform(-0.5, 0.5), 2)}:", depth)

    def loop(self, depth):
        self.nested(f"for k{depth} in range({self.random.randint(0, 3)}):", depth)


setattr(Writer, "if", Writer.branch)
setattr(Writer, "for", Writer.loop)


def broadcasts(shape, to):
    if len(shape) > len(to):
        return False
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(to)))


HEAD = """import math
import numpy as np

def helper(a):
    out = np.empty(np.shape(a))
    out[...] = 0.5 * a
    return np.sin(out)

def change(a):
    a[1:] += 0.1 * a[:-1]
    a[0] *= 0.9

def program(x, y):
"""


def source(seed, length=8):
    writer = Writer(seed)
    for _ in range(length):
        writer.statement(0)
    total = " + ".join(f"np.sum(np.sin({name}))" for name in writer.pool)
    return HEAD + "\n".join([*writer.lines, f"    return {total}"]) + "\n"
