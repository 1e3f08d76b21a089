"""Lengths that only the run knows, checks, and where a mask is true."""

from collections.abc import Sequence
from typing import Any

from wengert.backends.llvm.frame import Frame, Value, type_as, whole
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.parts import slice_part
from wengert.backends.llvm.rows.updates import apart_if_lazy
from wengert.backends.llvm.scalars import cast
from wengert.backends.llvm.text import BOOL, INT, Number, Word, constant
from wengert.ir.program import Equation, elements, numeric


@lowers("length")
def length(frame: Frame, e: Equation) -> Value:
    return Number(str(frame.array(e.ins[0]).lengths[e.params["axis"]]), INT)


@lowers("slice_length")
def slice_length(frame: Frame, e: Equation) -> Value:
    part = slice_part(frame.kernel, frame.params(e)["index"][0], frame.word(e.ins[0]))
    return Number(str(part.count), INT)


@lowers("trip_count")
def trip_count(frame: Frame, e: Equation) -> Value:
    lo, hi, step = (frame.word(x) for x in e.ins[:3])
    k = frame.kernel
    if (lo, step) != (0, 1):
        for bound in e.ins[:2]:
            require_far_from_overflow(frame, bound)
    if not isinstance(step, int):
        return open_trip_count(frame, lo, hi, step)
    if step == 0:
        k.require("false")
        return constant(0, INT)
    return Number(str(k.steps(lo, hi, step)), INT)


FAR = 2**61  # from the largest numbers, so that differences and sums of two bounds are exact


def require_far_from_overflow(frame: Frame, bound: Any) -> None:
    k, x, known = frame.kernel, frame.word(bound), frame.range(bound)
    if known is None or known[0] < -FAR or known[1] > FAR:
        k.require(k.compare("sge", x, -FAR))
        k.require(k.compare("sle", x, FAR))


def open_trip_count(frame: Frame, lo: Word, hi: Word, step: str) -> Number:
    k = frame.kernel
    k.require(k.compare("ne", step, 0))
    up = k.compare("sgt", step, 0)
    span = k.choose(up, k.minus(hi, lo), k.minus(lo, hi))
    size = k.choose(up, step, k.minus(0, step))
    rounded = k.value(f"sdiv i64 {k.minus(k.plus(span, size), 1)}, {size}")
    return Number(str(k.most(0, rounded)), INT)


@lowers("check")
def check(frame: Frame, e: Equation) -> Value:
    frame.kernel.require(cast(frame.kernel, frame.number(e.ins[0]), BOOL).text)
    return constant(True, BOOL)


@lowers("positions")
def positions(frame: Frame, e: Equation) -> list[Value]:
    """Where a mask is true, row after row: one array for each axis."""
    k, mask = frame.kernel, apart_if_lazy(frame, frame.array(e.ins[0]), type_as(e.ins[0]))
    types = [numeric(o.type) for o in e.outs]
    buffers = [frame.buffer(elements(t) * t.dtype.itemsize) for t in types]
    counter = k.alloca("i64")
    k.put(f"store i64 0, ptr {counter}")

    def one(index: Sequence[Word]) -> None:
        yes, on = k.fresh_label("true"), k.fresh_label("next")
        k.branch(cast(k, mask.element(k, index), BOOL).text, yes, on)
        k.label(yes)
        n = k.value(f"load i64, ptr {counter}")
        for b, i in zip(buffers, index):
            k.store(Number(str(i), INT), k.address(b.address, n, "i64"))
        k.put(f"store i64 {k.plus(n, 1)}, ptr {counter}")
        k.jump(on)
        k.label(on)

    k.nest(mask.lengths, one)
    count = k.value(f"load i64, ptr {counter}")
    return [whole(b, t, [count]) for b, t in zip(buffers, types)]
