"""The module `math`."""

import math
from typing import Any

import numpy as np

from wengert.core.mode import is_staged
from wengert.rules import elementwise
from wengert.rules.names.linalg import length
from wengert.rules.names.operands import arrayed, truth, whole
from wengert.rules.names.reductions import prod, sum_
from wengert.rules.names.shape import stack
from wengert.rules.names.table import NAMES


def fsum(seq: Any) -> Any:
    terms = list(seq)
    return sum_(stack(terms)) if terms else 0.0


def product(iterable: Any, *, start: Any = 1) -> Any:
    factors = list(iterable)
    return prod(stack(factors)) * start if factors else start


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
        math.hypot: lambda *xs: length(stack(xs)),
        math.degrees: NAMES[np.degrees],
        math.radians: NAMES[np.radians],
        math.fsum: fsum,
        math.prod: product,
        math.log: lambda x, base=None: (
            elementwise.log(x) if base is None else elementwise.log(x) / elementwise.log(base)
        ),
        math.fmod: elementwise.fmod,
        math.copysign: elementwise.copysign,
        # Python asks the value for its integers
        math.floor: lambda x: whole(elementwise.floor(x)) if is_staged(x) else math.floor(x),
        math.ceil: lambda x: whole(elementwise.ceil(x)) if is_staged(x) else math.ceil(x),
        math.trunc: lambda x: whole(elementwise.trunc(x)) if is_staged(x) else math.trunc(x),
        math.isnan: lambda x: truth(elementwise.isnan(x)),
        math.isinf: lambda x: truth(elementwise.isinf(x)),
        math.isfinite: lambda x: truth(elementwise.isfinite(x)),
        math.dist: lambda p, q: length(arrayed(p) - arrayed(q)),
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
