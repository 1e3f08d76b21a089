"""The module `math`."""

import math

import numpy as np

from wengert.rules import elementwise
from wengert.rules.names.linalg import norm
from wengert.rules.names.operands import arrayed
from wengert.rules.names.reductions import prod, sum_
from wengert.rules.names.shape import stack
from wengert.rules.names.table import NAMES

NAMES.update(
    {
        math.fabs: elementwise.abs_,
        math.pow: elementwise.pow_,
        math.atan2: elementwise.arctan2,
        math.acos: elementwise.arccos,
        math.asin: elementwise.arcsin,
        math.atan: elementwise.arctan,
        math.acosh: elementwise.arccosh,
        math.asinh: elementwise.arcsinh,
        math.atanh: elementwise.arctanh,
        math.hypot: lambda *xs: norm(stack(xs)),
        math.degrees: NAMES[np.degrees],
        math.radians: NAMES[np.radians],
        math.fsum: lambda xs: sum_(stack(list(xs))),
        math.prod: lambda xs, start=1: prod(stack(list(xs))) * start,
        math.log: lambda x, base=None: (
            elementwise.log(x) if base is None else elementwise.log(x) / elementwise.log(base)
        ),
        math.fmod: elementwise.fmod,
        math.copysign: elementwise.copysign,
        math.floor: math.floor,  # Python asks the value for its integers
        math.ceil: math.ceil,
        math.trunc: math.trunc,
        math.isnan: lambda x: bool(elementwise.isnan(x)),
        math.isinf: lambda x: bool(elementwise.isinf(x)),
        math.isfinite: lambda x: bool(elementwise.isfinite(x)),
        math.dist: lambda p, q: norm(arrayed(p) - arrayed(q)),
    }
)
for same in (
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "exp",
    "expm1",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "cbrt",
    "exp2",
):
    NAMES[getattr(math, same)] = getattr(elementwise, same)
