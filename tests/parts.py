"""Calls on parts of arrays: each becomes a function whose arrays are cut to lengths that only the run knows."""

import itertools

import numpy as np

from calls.call import Fixed
from wengert.core.tree import flatten
from written import defined

MORE = 2  # elements beyond the part, along each axis that is cut
NUMBERS = itertools.count()


class Parts:
    """A function of counts and of arrays, which are cut before they are operands of another function.

    cut      lengths: axes that are as long as this are cut
    line     where the other function is called
    """

    def __init__(self, function, args, kwargs):
        self.cut, self.arrays, self.names = lengths(args, kwargs), [], {"np": np, "function": function}
        call = ", ".join([*map(self.term, args), *(f"{k}={self.term(v)}" for k, v in kwargs.items())])
        lines = [f"    k{n} = np.count_nonzero(counts[{i}])" for i, n in enumerate(self.cut)]
        lines += [f"    x{i} = x{i}[{self.index(x)}]" for i, x in enumerate(self.arrays)]
        params = ", ".join(["counts", *(f"x{i}" for i in range(len(self.arrays)))])
        self.text = "\n".join([f"def f({params}):", *lines, f"    return function({call})", ""])
        self.line = len(lines) + 2

    def term(self, x):
        """The operand as it is written."""
        x = x.value if isinstance(x, Fixed) else x
        if isinstance(x, np.ndarray) and x.ndim:
            self.arrays.append(x)
            return f"x{len(self.arrays) - 1}"
        if type(x) is list:
            return f"[{', '.join(map(self.term, x))}]"
        if type(x) is tuple:
            return f"({''.join(self.term(y) + ', ' for y in x)})"
        name = f"c{len(self.names)}"
        self.names[name] = x
        return name

    def index(self, x):
        return ", ".join(f":k{n}" if n in self.cut else ":" for n in x.shape)

    def load(self):
        return defined(self.text, f"<parts {next(NUMBERS)}>", **self.names)["f"]

    def counts(self, less=0):
        """For each length as many ones, or a few less."""
        return np.array([[float(i < n - less) for i in range(self.cut[-1])] for n in self.cut])

    def whole(self):
        """Fresh arrays, longer than what is cut of them."""
        return [longer(x, self.cut) for x in self.arrays]


def lengths(args, kwargs):
    """How long the axes of arrays among the operands are."""
    leaves = [x.value if isinstance(x, Fixed) else x for x in flatten((args, kwargs))[0]]
    return sorted({n for x in leaves if isinstance(x, np.ndarray) for n in x.shape if n > 1})


def longer(x, cut):
    """With more elements like those that are there; a square matrix that has an inverse keeps one."""
    out = np.pad(x, [(0, MORE * (n in cut)) for n in x.shape], mode="edge" if x.size else "constant")
    if x.dtype.kind in "fc" and x.ndim > 1 and x.shape[-1] == x.shape[-2] > 1:
        n = x.shape[-1]
        out[..., n:, :], out[..., :, n:] = 0.0, 0.0
        out[..., n:, n:] = np.diag([1.3, 0.7])
    return out
