"""Random programs over arrays of several dtypes and shapes, which are cast, written and read in loops and branches.

Many arrays die early, and many are of one size: what machine code does with their memory is put to the test.
"""

import random

import numpy as np

from written import defined

DTYPES = {"a": "float64", "b": "float32", "c": "int64", "d": "int32", "t": "bool", "m": "float64", "n": "float32"}
VECTORS, MATRICES = "abcdt", "mn"


class Writer:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, *choices):
        return self.random.choice(choices)

    def vector(self):
        """An expression of shape (4,)."""
        x, y = self.one(*"aabbcd"), self.one(*"aabbcd")
        return self.one(
            f"{x} + {y}",
            f"{x} * {y}",
            f"{x} - {self.one('1', '0.5', 's')}",
            f"np.where({self.one('t', f'{x} > {y}')}, {x}, {y})",
            f"{x}[::-1]",
            f"np.tanh({x}) + {y}[::-1]",
            f"m[{self.one('i', '1')}]",
            f"m[:, {self.one('i', '2')}]",
            f"m.sum(axis={self.one('0', '1')}) * 0.1",
            f"n.T[{self.one('i', '0')}] + {x}",
            f"np.cumsum({x}) * 0.25",
            f"np.concatenate([{x}[2:], {y}[:2]])",
            f"np.sort({x})",
            f"{x}[[3, 1, 1, 0]]",
            f"m @ {self.one('a', 'b')} * 0.2",
            f"np.maximum({x}, {y})",
        )

    def matrix(self):
        x = self.one("m", "m", "n")
        return self.one(
            f"{x}.T * 0.9",
            f"{x} + {self.one('a', 'b', 'c')}",
            f"{self.one('a', 'b')}[:, None] * {self.one('c', 'a')}",
            f"np.sin({x}) + {self.one('m', 'n')}.T",
            f"{x}[::-1, ::-1]",
            f"({x} @ n) * 0.2",
            f"np.where({x} > 0.2, {x}, {x}.T)",
        )

    def cast(self, name, text):
        if name in "cd":
            text = f"np.clip({text}, -9, 9)"
        if name == "t":
            return f"({text}) > {self.one('0', '0.3', 's')}"
        return f"({text}).astype(np.{DTYPES[name]})"

    def simple(self):
        v, x = self.one(*VECTORS), self.one(*MATRICES)
        return self.one(
            f"{v} = {self.cast(v, self.vector())}",
            f"{v} = {self.cast(v, self.vector())}",
            f"{x} = {self.cast(x, self.matrix())}",
            f"{self.one('a', 'b')}[{self.one('i', '0', '-1', '1:3', '::2', ':')}] = {self.one('s', '0.5', 'i')}",
            f"{self.one('a', 'b')}[1:] = {self.one('a', 'b', 'c')}[:-1] * {self.one('0.5', '2')}",
            f"{x}[{self.one('i', '1', ':, i', ':, 0')}] = {self.one('a', 'b', 'c', 's')}",
            f"{x}[{self.one('i', ':, 1')}] += {self.one('a', 'b')}[::-1] * 0.25",
            f"c[{self.one('i', '1:', '::2')}] = {self.one('i', '3', 'c[0] // 2')}",
            f"t[{self.one('i', '1:3')}] = s > 0.1",
            "a, b = b.astype(np.float64), a.astype(np.float32)",
            "m, n = n.astype(np.float64), m.astype(np.float32)",
            f"s = 0.5 * s + 0.01 * float({self.one('np.sum(a)', 'np.sum(b)', 'np.max(m)', 'c[i]', 'a[i] * b[0]')})",
        )

    def statement(self, depth):
        if depth > 1 or self.random.random() > 0.3:
            return [self.simple()]
        body = ["    " + line for _ in range(self.random.randint(1, 3)) for line in self.statement(depth + 1)]
        test = self.one("s > 0.2", "t[i]", "a[i] > b[0]", "c[1] > 2")
        return self.one(
            [f"if {test}:", *body, "else:", *("    " + line for line in self.statement(depth + 1))],
            [f"for i in range({self.one('4', '3', 'i')}):", *body],
        )

    def program(self):
        lines = [
            "a, b, c = x * 1.5, x.astype(np.float32), np.arange(4) - 1",
            "d, t, i, s = c.astype(np.int32), x > 0, 1, 0.1",
        ]
        lines += ["m, n = A * 0.5, (A + 1.0).astype(np.float32)"]
        for _ in range(self.random.randint(4, 9)):
            lines += self.statement(0)
        lines.append("return s + np.sum(a) + np.sum(b) + np.sum(c) + np.sum(d) + np.sum(t) + np.sum(m * A) + np.sum(n)")
        return "\n".join(["def f(x, A):", *("    " + line for line in lines)]) + "\n"


def function(seed):
    text = Writer(seed).program()
    return defined(text, f"<kinds {seed}>", np=np)["f"], text


def arguments(seed):
    numbers = np.random.default_rng(seed)
    return numbers.uniform(-1.0, 1.0, 4), numbers.uniform(-1.0, 1.0, (4, 4))
