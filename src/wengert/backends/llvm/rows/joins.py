"""Arrays beside each other."""

import functools

from wengert.backends.llvm.arrays import Array, Lazy, Part, Stored, part_of
from wengert.backends.llvm.frame import Frame, Value, assign
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.scalars import cast
from wengert.backends.llvm.text import Function, Word
from wengert.ir.program import Equation, numeric


@lowers("concatenate")
def concatenate(frame: Frame, e: Equation) -> Value:
    k, axis, out = frame.kernel, e.params["axis"], numeric(e.outs[0].type)
    xs = [frame.array(x) for x in e.ins[: e.count]]
    along = functools.reduce(k.plus, [x.lengths[axis] for x in xs])
    lengths = [along if a == axis else n for a, n in enumerate(xs[0].lengths)]
    to = frame.place_for(e.outs[0], out, lengths, {b: False for x in xs for b in x.reads})
    begin: Word = 0
    for x in xs:
        part = part_of(
            k, to, [Part(begin, 1, x.lengths[a]) if a == axis else Part(0, 1, n) for a, n in enumerate(lengths)]
        )
        assign_cast(k, part, x)
        begin = k.plus(begin, x.lengths[axis])
    return to


@lowers("stack")
def stack(frame: Frame, e: Equation) -> Value:
    k, axis, out = frame.kernel, e.params["axis"], numeric(e.outs[0].type)
    xs = [frame.array(x) for x in e.ins[: e.count]]
    lengths = [*xs[0].lengths[:axis], len(xs), *xs[0].lengths[axis:]]
    to = frame.place_for(e.outs[0], out, lengths, {b: False for x in xs for b in x.reads})
    for i, x in enumerate(xs):
        parts = [Part(i) if a == axis else Part(0, 1, n) for a, n in enumerate(lengths)]
        assign_cast(k, part_of(k, to, parts), x)
    return to


def assign_cast(k: Function, to: Array, x: Array) -> None:
    assert isinstance(to, Stored)
    if x.dtype != to.dtype:
        inner = x
        x = Lazy(to.dtype, list(x.lengths), lambda k, i: cast(k, inner.element(k, i), to.dtype), x.reads)
    assign(k, to, x)
