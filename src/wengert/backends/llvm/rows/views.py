"""Constants, and other shapes of an array, which take no memory."""

from collections.abc import Callable, Sequence

import numpy as np

from wengert.backends.llvm.arrays import (
    Array,
    Stored,
    filled,
    flipped,
    stretched,
    transposed,
    without_ones,
)
from wengert.backends.llvm.frame import Frame, Value, bytes_of, limits_of, type_as, whole
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.elementwise import steady
from wengert.backends.llvm.text import Function, Word, constant
from wengert.ir.program import Equation, Type, numeric


@lowers("full")
def full(frame: Frame, e: Equation) -> Value:
    params = frame.params(e)
    x = constant(params["value"], np.dtype(params["dtype"]))
    if not params["shape"]:
        return x
    return filled(x, params["shape"])


@lowers("array", "unread")
def array(frame: Frame, e: Equation) -> Value:
    if e.row.name == "unread":
        type = numeric(e.outs[0].type)
        return filled(constant(0, type.dtype), [0] * len(type.shape))
    return frame.value(e.ins[0])


# ---------------------------------------------------------------- views


def view(frame: Frame, e: Equation, make: Callable[[Function, Array], Array]) -> Value:
    """A view of the operand, or a copy of that where the operand is updated before the view is read."""
    out, var = numeric(e.outs[0].type), e.outs[0]
    found = make(frame.kernel, frame.array(e.ins[0]))
    if out.shape == ():
        return found.element(frame.kernel, ())
    return found if var in frame.plan.views else frame.copied(found, out, var)


@lowers("transpose")
def transpose(frame: Frame, e: Equation) -> Value:
    return view(frame, e, lambda k, x: transposed(x, e.params["axes"]))


@lowers("flip")
def flip(frame: Frame, e: Equation) -> Value:
    return view(frame, e, lambda k, x: flipped(k, x, e.params["axes"]))


@lowers("broadcast_to")
def broadcast_to(frame: Frame, e: Equation) -> Value:
    shape = frame.params(e)["shape"]
    return repeated(frame, e, shape, range(len(shape) - len(type_as(e.ins[0]).shape), len(shape)))


@lowers("spread")
def spread(frame: Frame, e: Equation) -> Value:
    params, shape = frame.params(e), frame.params(e)["shape"]
    return repeated(frame, e, shape, [a for a in range(len(shape)) if a not in params["axes"]])


def repeated(frame: Frame, e: Equation, shape: Sequence[Word], axes: Sequence[int]) -> Value:
    x = frame.array(e.ins[0])
    axes = list(axes)[-len(x.lengths) :] if x.lengths else []
    return view(frame, e, lambda k, x: stretched(steady(frame, x, type_as(e.ins[0]), shape), shape, axes))


@lowers("relabel", "whole")
def relabel(frame: Frame, e: Equation) -> Value:
    """The same under another name; a length that is known from here on must be that."""
    for n, m in zip(frame.array(e.ins[0]).lengths, numeric(e.outs[0].type).shape):
        if isinstance(m, int):
            frame.kernel.agree(n, m)
    return view(frame, e, lambda k, x: x)


@lowers("reshape")
def reshape(frame: Frame, e: Equation) -> Value:
    type, out = type_as(e.ins[0]), numeric(e.outs[0].type)
    shape = lengths_after(frame.kernel, frame.array(e.ins[0]).lengths, frame.params(e)["shape"])

    def make(k: Function, x: Array) -> Array:
        found = without_ones(x, shape)
        if found is not None:
            limits = limits_of(out)
            if isinstance(x, Stored) and x.limits is not None:
                return x.reshaped(shape, limits)
            return found
        if not all(isinstance(n, int) for n in [*shape, *x.lengths]):
            found = in_order(frame, x, out, shape)
            frame.holders.setdefault(found.buffer, set()).add(e.outs[0])  # type: ignore[arg-type]
            return found
        if not (isinstance(x, Stored) and x.is_contiguous):
            x = frame.temporary(x, type)
            frame.holders.setdefault(x.buffer, set()).add(e.outs[0])  # type: ignore[arg-type]
        return x.reshaped(shape, None if x.limits is None else limits_of(out))

    return view(frame, e, make)


def lengths_after(k: Function, have: Sequence[Word], shape: Sequence[Word]) -> list[Word]:
    """Of a reshape: -1 follows from the others, and all together must hold as many elements."""
    total, others = k.product(have), k.product(n for n in shape if n != -1)
    if -1 in shape:
        if isinstance(total, int) and isinstance(others, int):
            rest: Word = total // max(others, 1)
        else:
            k.require(k.compare("ne", others, 0))
            rest = k.value(f"sdiv i64 {total}, {others}")
        shape = [rest if n == -1 else n for n in shape]
        others = k.times(others, rest)
    if sorted(map(str, have)) != sorted(map(str, shape)):
        k.require(k.compare("eq", total, others))
    return list(shape)


def in_order(frame: Frame, x: Array, type: Type, lengths: Sequence[Word]) -> Stored:
    """A copy of x, element after element, in lengths that only the run knows."""
    k, out = frame.kernel, whole(frame.buffer(bytes_of(type)), type, lengths)

    def one(index: Sequence[Word]) -> None:
        rest: Word = 0
        for i, n in zip(index, x.lengths):
            rest = k.plus(k.times(rest, n), i)
        place: list[Word] = []
        for n in reversed(lengths[1:]):
            place.append(remainder(k, rest, n))
            rest = quotient(k, rest, n)
        k.store(x.element(k, index), out.place(k, [rest, *reversed(place)][: len(lengths)]))

    k.nest(x.lengths, one)
    return out


def quotient(k: Function, x: Word, n: Word) -> Word:
    return x // n if isinstance(x, int) and isinstance(n, int) else k.value(f"sdiv i64 {x}, {n}")


def remainder(k: Function, x: Word, n: Word) -> Word:
    return x % n if isinstance(x, int) and isinstance(n, int) else k.value(f"srem i64 {x}, {n}")
