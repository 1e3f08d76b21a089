"""Elementwise rows of whole arrays: a formula for an element, which is stored, or left to its only reader."""

import functools
from collections.abc import Sequence
from typing import Any

from wengert.backends.llvm.arrays import Array, Lazy, Stored
from wengert.backends.llvm.frame import Frame, Value, limits_of, type_as
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.scalars import ELEMENTWISE, element
from wengert.backends.llvm.text import INT, Function, Number, Word
from wengert.ir.program import Equation, Type, numeric
from wengert.passes.ranges import learn


@lowers(*ELEMENTWISE)
def elementwise(frame: Frame, e: Equation) -> Value:
    out, k = numeric(e.outs[0].type), frame.kernel
    types = [type_as(x) for x in e.ins[: e.count]]
    params = frame.params(e) if e.params else {}
    if out.shape == ():
        if e.row.name in ("add", "sub", "mul") and out.dtype == INT:
            params = {"exact": is_small(frame, e)}
        return element(k, e.row.name, [frame.number(x) for x in e.ins[: e.count]], types, out, params)
    lengths = broadcast_lengths([frame.array(x).lengths for x in e.ins[: e.count]], types, out)
    for x, t in zip(e.ins, types):
        fit(k, frame.array(x), t, lengths)
    xs = [steady(frame, frame.array(x), t, lengths) for x, t in zip(e.ins, types)]
    formula = functools.partial(element_formula, xs, e.row.name, types, out._replace(form="array"), params)
    lazy = Lazy(out.dtype, lengths, formula, reads_in_place(xs, out))
    return lazy if e.outs[0] in frame.plan.lazy else frame.copied(lazy, out, e.outs[0])


def element_formula(
    xs: Sequence[Array],
    row: str,
    types: Sequence[Type],
    out: Type,
    params: dict[str, Any],
    k: Function,
    index: Sequence[Word],
) -> Number:
    return element(k, row, [at(k, x, index) for x in xs], types, out, params)


def fit(k: Function, x: Array, type: Type, lengths: Sequence[Word]) -> None:
    """The call fails where x, which has an axis of that length, cannot be repeated to these lengths."""
    for n, m, to in zip(reversed(x.lengths), reversed(type.shape), reversed(lengths)):
        if m != 1:
            k.agree(n, to)


def at(k: Function, x: Array, index: Sequence[Word]) -> Number:
    """An element of x, which is repeated along axes of length 1 and those that it lacks."""
    lead = len(index) - len(x.lengths)
    return x.element(k, [0 if n == 1 else i for i, n in zip(index[lead:], x.lengths)])


def is_small(frame: Frame, e: Equation) -> bool:
    """Whether the result is known to lie far from where integers end."""
    known = dict(frame.known)
    learn(e, known)
    return e.outs[0] in known


def broadcast_lengths(all: Sequence[Sequence[Word]], types: Sequence[Type], out: Type) -> list[Word]:
    """Of the result: along each axis, of an operand that is not repeated there."""
    found: list[Word] = []
    for axis in range(-len(out.shape), 0):
        mine = [(x[axis], t.shape[axis]) for x, t in zip(all, types) if len(x) >= -axis]
        found.append(next((n for n, m in mine if m != 1), 1))
    return found


def steady(frame: Frame, x: Array, type: Type, lengths: Sequence[Word]) -> Array:
    """x, in memory where its formula would be evaluated more than once for an element."""
    repeated = isinstance(x, Lazy) and not x.is_free and list(x.lengths) != list(lengths)
    return frame.temporary(x, type) if repeated else x


def reads_in_place(xs: Sequence[Array], out: Type) -> dict[Any, bool]:
    """Which buffers an elementwise result reads, and whether always at the place that it writes itself."""
    found: dict[Any, bool] = {}
    for x in xs:
        for b, same in x.reads.items():
            alike = x.dtype.itemsize == out.dtype.itemsize and (
                x.limits == limits_of(out) if isinstance(x, Stored) else len(x.lengths) == len(out.shape)
            )
            found[b] = found.get(b, True) and same and alike
    return found
