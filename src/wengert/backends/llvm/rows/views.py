"""Constants, and other shapes of an array, which take no memory."""

from collections.abc import Callable, Sequence

import numpy as np

from wengert.backends.llvm.arrays import Array, Stored, filled, flipped, row_major, stretched, transposed, without_ones
from wengert.backends.llvm.frame import Frame, Unsupported, Value, limits_of, type_as
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.elementwise import steady
from wengert.backends.llvm.text import Function, Word, constant
from wengert.ir.program import Equation, numeric


@lowers("full")
def full(frame: Frame, e: Equation) -> Value:
    params = frame.params(e)
    x = constant(params["value"], np.dtype(params["dtype"]))
    return filled(x, params["shape"]) if params["shape"] else x


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


@lowers("relabel")
def relabel(frame: Frame, e: Equation) -> Value:
    return view(frame, e, lambda k, x: x)


@lowers("reshape")
def reshape(frame: Frame, e: Equation) -> Value:
    shape, type = list(frame.params(e)["shape"]), type_as(e.ins[0])
    if -1 in shape:
        raise Unsupported("a reshape to a length that follows from the others")

    def make(k: Function, x: Array) -> Array:
        found = without_ones(x, shape)
        if found is not None:
            is_whole = isinstance(x, Stored) and x.limits is not None
            if is_whole and isinstance(found, Stored):
                limits = limits_of(numeric(e.outs[0].type))
                return Stored(x.dtype, shape, x.start, row_major(limits), x.buffer, limits)  # type: ignore[union-attr]
            return found
        if not all(isinstance(n, int) for n in [*shape, *x.lengths]):
            raise Unsupported("a reshape of an array whose length only the run knows")
        if not (isinstance(x, Stored) and x.is_contiguous):
            x = frame.temporary(x, type)
            frame.holders.setdefault(x.buffer, set()).add(e.outs[0])  # type: ignore[arg-type]
        limits = tuple(shape) if x.limits is not None else None
        return Stored(x.dtype, shape, x.start, row_major(shape), x.buffer, limits)

    return view(frame, e, make)
