"""What a function and its derivative cost: counted on their programs, and measured where they run."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from wengert.api import grad, vjp
from wengert.core.tree import map_leaves
from wengert.frontend.jit import Jitted, arguments, is_operand
from wengert.inspect.cost import count
from wengert.inspect.kept import Kept, aligned, kept
from wengert.inspect.timing import duration, seconds, times
from wengert.ir.evaluate import line_of
from wengert.ir.program import Equation


@dataclass(frozen=True)
class Price:
    """Of one function.

    operations  of a run, each array operation counted by its elements
    bytes       of new arrays that a run makes when it goes one operation at a time
    staging     seconds that it takes to make the program
    compiling   seconds from the program to machine code, or to its load from the disk; None without machine code
    running     seconds of one call, the fastest of many
    in_python   what machine code asks Python for, with the lines: "sqrtm (model.py:12)"
    """

    operations: int
    bytes: int
    staging: float
    compiling: float | None
    running: float
    in_python: tuple[str, ...] = ()


@dataclass(frozen=True)
class Costs:
    """
    kept   what the way back keeps, and why
    what   the derivative is called
    """

    function: Price
    derivative: Price
    kept: Kept
    what: str

    @property
    def ratio(self) -> float:
        """Of the measured times: derivative over function."""
        return self.derivative.running / self.function.running

    def __str__(self) -> str:
        f, d = self.function, self.derivative
        rows = [
            ("", "function", self.what, "ratio"),
            ("operations", f"{f.operations:,}", f"{d.operations:,}", times(d.operations / max(f.operations, 1))),
            ("bytes of new arrays", f"{f.bytes:,}", f"{d.bytes:,}", times(d.bytes / f.bytes) if f.bytes else ""),
            ("staging", duration(f.staging), duration(d.staging), ""),
            ("running", duration(f.running), duration(d.running), times(self.ratio)),
        ]
        if f.compiling is not None and d.compiling is not None:
            rows.insert(4, ("compiling", duration(f.compiling), duration(d.compiling), ""))
        asked = dict.fromkeys([*f.in_python, *d.in_python])
        notes = ["", f"machine code asks Python for {', '.join(asked)}"] if asked else []
        return "\n".join([*aligned(rows), *notes, "", str(self.kept)])


def cost(f: Callable[..., Any], *args: Any, argnums: int | tuple[int, ...] = 0, backend: str | None = None) -> Costs:
    """What `wg.jit(f)` and its derivative cost at these arguments, what the way back keeps, and why.

    argnums  the arguments of the derivative: the gradient where f returns a number, else the product of the Jacobian
        with ones from the left (`wg.vjp`)
    backend  as in `wg.jit`

    Operations and bytes are counted in a run of the programs; theory allows 3 to 4 operations for each of f (Griewank
    and Walther 2008, section 4.6).  Times are measured, which takes half a second.  The result prints as a table;
    `.function`, `.derivative`, `.ratio` and `.kept` hold the same.  Raises what `wg.jit` raises.

    >>> import numpy as np
    >>> import wengert as wg
    >>> def logistic(x, rate, n):
    ...     for i in range(n):
    ...         x = rate * x * (1.0 - x)
    ...     return x
    >>> found = wg.cost(logistic, 0.5, 3.0, 100)
    >>> found.function.operations, found.derivative.operations
    (301, 1104)
    >>> found.kept.inner[0].bytes
    8
    >>> found.ratio < 50
    True
    """
    given = map_leaves(lambda x: np.array(x) if isinstance(x, np.ndarray) else x, args)
    value = Jitted(f, backend)(*given)
    is_number = not isinstance(value, list | tuple | dict) and np.shape(value) == ()
    derivative = grad(f, argnums) if is_number else partial(pulled, f, argnums)
    return Costs(
        price(f, args, backend), price(derivative, args, backend), kept(f, *args), "gradient" if is_number else "vjp"
    )


def pulled(f: Callable[..., Any], argnums: int | tuple[int, ...], *args: Any) -> Any:
    """The cotangents of these arguments, for ones as cotangents of the results."""
    places = (argnums,) if isinstance(argnums, int) else argnums

    def inner(*some: Any) -> Any:
        every = list(args)
        for i, x in zip(places, some):
            every[i] = x
        return f(*every)

    value, pull = vjp(inner, *(args[i] for i in places))
    return pull(map_leaves(np.ones_like, value))


def price(f: Callable[..., Any], args: tuple[Any, ...], backend: str | None) -> Price:
    jitted = Jitted(f, backend)
    leaves, structure = arguments(args, {})
    operands = [x for x in leaves if is_operand(x)]
    start = time.perf_counter()
    built, hidden = jitted.built(leaves, structure, operands)
    program = built.optimised
    staged = time.perf_counter()
    machine = built.machine if jitted.backend == "llvm" else None  # compiled when it is first asked for
    compiling = time.perf_counter() - staged if machine else None
    counted = count(program, [np.array(x) if isinstance(x, np.ndarray) else x for x in [*operands, *hidden]])
    asked = tuple(dict.fromkeys(map(place_of, machine.in_python))) if machine else ()
    return Price(counted.operations, counted.bytes, staged - start, compiling, seconds(jitted, *args), asked)


def place_of(e: Equation) -> str:
    where = line_of(e)
    return f"{e.row.name} ({os.path.basename(where.filename)}:{where.line})" if where else e.row.name
