"""A Python function as one equation of a program: it runs as Python, with plain numbers, when the program runs.

What an edited derivative does, such as `print`, `try`, a list that grows or a debugger, need not be part of a program.
Its derivatives are such functions again: of what runs is asked for its vjp, jvp or vmap.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from wengert.api import jvp, vjp, vmap
from wengert.core.mode import unbuffer
from wengert.core.types import dtype_of
from wengert.frontend.scope import apart
from wengert.inspect.spelling import SPELLING, Written
from wengert.ir.program import AnyType, tangent_type, zero
from wengert.rules.control import conform, filled, lifted_type, row, value_type

Function = Callable[..., Sequence[Any]]  # of numbers and arrays, in any mode; None stands for zeros


def evaluate(*xs: Any, function: Function, types: Sequence[AnyType]) -> tuple[Any, ...]:
    """The function gets copies: it may write into them, and its results are nobody else's."""
    with apart():
        outs = function(*[x.copy() if isinstance(x, np.ndarray) else x for x in xs])
    found = [zero(t) if x is None else conform(unbuffer(x), t) for x, t in zip(outs, types, strict=True)]
    return tuple([np.array(x) if isinstance(x, np.ndarray) else x for x in found])


def tangent_types(xs: Sequence[Any], places: Sequence[int]) -> tuple[AnyType, ...]:
    return tuple([tangent_type(value_type(xs[i])) for i in places])


@dataclass(frozen=True, eq=False)
class Named:
    """A function as the text of a program shows it."""

    name: str
    function: Function

    def __call__(self, *xs: Any) -> Sequence[Any]:
        return self.function(*xs)

    def __repr__(self) -> str:
        return self.name


class Some:
    """The function of the operands at these places alone; of its results those that are not None: `present`."""

    def __init__(self, function: Function, xs: Sequence[Any], places: Sequence[int]) -> None:
        self.function, self.xs, self.places = function, xs, places
        self.present: list[int] = []

    def __call__(self, *moved: Any) -> list[Any]:
        every = list(self.xs)
        for i, x in zip(self.places, moved):
            every[i] = x
        outs = self.function(*every)
        self.present = [i for i, x in enumerate(outs) if x is not None]
        return [outs[i] for i in self.present]

    def whole(self, found: Sequence[Any], count: int) -> list[Any]:
        """What belongs to the results, with None where there is no result."""
        out: list[Any] = [None] * count
        for i, x in zip(self.present, found):
            out[i] = x
        return out


def linearize(primals: Sequence[Any], traced: Sequence[bool], params: dict[str, Any]) -> Any:
    function, n = params["function"], len(primals)
    places = [i for i, t in enumerate(traced) if t]
    outs = host(*primals, **params)

    def back(*both: Any) -> Sequence[Any]:
        some = Some(function, both[:n], places)
        _, pullback = vjp(some, *[both[i] for i in places])
        return pullback([both[n + i] for i in some.present])  # type: ignore[no-any-return]

    def pull(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        seeds = [filled(ct, tangent_type(t), out) for ct, t, out in zip(cts, params["types"], outs)]
        bars = iter(
            host(*primals, *seeds, function=Named(f"{function} back", back), types=tangent_types(primals, places))
        )
        return [total(next(bars), w) if t else None for w, t in zip(waiting, traced)]

    return list(outs), pull


def total(bar: Any, waiting: Any) -> Any:
    if bar is None or waiting is None:
        return waiting if bar is None else bar
    return waiting + bar


def forward(primals: Sequence[Any], tangents: Sequence[Any], params: dict[str, Any]) -> Any:
    function, types, n = params["function"], params["types"], len(primals)
    places = [i for i, t in enumerate(tangents) if t is not None]

    def along(*both: Any) -> Sequence[Any]:
        some = Some(function, both[:n], places)
        dots = jvp(some, tuple([both[i] for i in places]), tuple(both[n:]))[1]
        return some.whole(dots, len(types))

    given = [tangents[i] for i in places]
    dots = host(*primals, *given, function=Named(f"{function} forward", along), types=tuple(map(tangent_type, types)))
    return list(host(*primals, **params)), list(dots)


def batch(size: int, batched: Sequence[bool], operands: Sequence[Any], *, function: Any, types: Any) -> Any:
    axes = tuple([0 if b else None for b in batched])

    def lanes(*xs: Any) -> list[Any]:
        some = Some(function, xs, range(len(xs)))
        return some.whole(vmap(some, in_axes=axes)(*xs), len(types))

    return host(
        *operands, function=Named(f"{function} batched", lanes), types=tuple([lifted_type(t, size) for t in types])
    )


host = row(
    "host",
    evaluate,
    types=lambda ins, function, types: list(types),
    batch=batch,
    several=True,
)
host.linearize, host.forward, host.constant = linearize, forward, False


def no_text(w: Written) -> NoReturn:
    raise w.refuse("it has an edited derivative, whose text is in a file of its own")


SPELLING["host"] = SPELLING["with_adjoint"] = SPELLING["with_adjoint_and_effects"] = no_text


def as_equation(name: str, function: Function, values: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
    """What a rule gives for these operands and cotangents of results (None for zero), in a program."""
    n, present = len(values), [i for i, ct in enumerate(cts) if ct is not None]
    places = [i for i, x in enumerate(values) if dtype_of(x).kind in "fc"]

    def back(*both: Any) -> list[Any]:
        every: list[Any] = [None] * len(cts)
        for i, ct in zip(present, both[n:]):
            every[i] = ct
        bars = function(both[:n], every)
        return [bars[i] for i in places]

    bars = iter(
        host(*values, *(cts[i] for i in present), function=Named(name, back), types=tangent_types(values, places))
    )
    found: list[Any] = [None] * n
    for i in places:
        found[i] = next(bars)
    return found
