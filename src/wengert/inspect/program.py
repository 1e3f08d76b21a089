"""The program that `jit` runs."""

from collections.abc import Callable
from typing import Any

from wengert.frontend.jit import built_for
from wengert.ir.program import Program


def program(f: Callable[..., Any], *args: Any, **kwargs: Any) -> Program:
    """The program that `jit(f)` runs for these arguments, as it is after all passes.  `print` shows it.

    For derivatives, `program(wg.grad(f), x)`.  `docs/staging.md` says how to read it.
    Raises Diagnostic W601 and W602 as `jit(f)` does.

    >>> import numpy as np
    >>> import wengert as wg
    >>> def hypotenuse(a, b):
    ...     return np.sqrt(a * a + b * b)
    >>> print(wg.program(hypotenuse, 3.0, 4.0))
    program hypotenuse(a: ~f64, b: ~f64):
        # line 2: return np.sqrt(a * a + b * b)
        mul: ~f64 = mul(a, a)
        mul.1: ~f64 = mul(b, b)
        add: ~f64 = add(mul, mul.1)
        result: f64 = sqrt(add)
        -> result
    """
    return built_for(f, args, kwargs).optimised
