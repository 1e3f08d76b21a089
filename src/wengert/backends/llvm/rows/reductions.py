"""Reductions, running sums, places of extrema."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.backends.llvm.arrays import Array, Lazy, Stored, filled
from wengert.backends.llvm.call import Unsupported
from wengert.backends.llvm.frame import Frame, Value, assign, type_as
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.updates import apart_if_lazy
from wengert.backends.llvm.scalars import ALIKE, added, cast, chosen, compared, multiplied, operation, unsigned
from wengert.backends.llvm.text import BOOL, FLOAT, INT, Function, Number, Word, constant, llvm_type, stored_type
from wengert.ir.program import Equation, numeric


class Fold:
    """A reduction: what it begins with, and how one more element is taken in."""

    def __init__(self, start: Any, step: Callable[[Function, Number, Number], Number]) -> None:
        self.start, self.step = start, step


def sum_step(k: Function, total: Number, x: Number) -> Number:
    if total.dtype.kind in "fc":  # in any order: only so can it run in vectors
        return operation(k, "fadd reassoc", total, x)
    return added(k, total, x)


def reduced(frame: Frame, e: Equation, axes: Sequence[int], start: Number, step: Any, first: bool = False) -> Value:
    """Fold the operand along these axes.  first: begin with the first element, and have at least one."""
    k, out = frame.kernel, numeric(e.outs[0].type)
    x = frame.array(e.ins[0])
    kept = [a for a in range(len(x.lengths)) if a not in axes]
    inner = [x.lengths[a] for a in axes]
    if first:
        for n in inner:
            k.require(k.compare("sgt", n, 0)) if not isinstance(n, int) else None

    if out.dtype == np.float16:
        raise Unsupported("sums in half precision have no machine code")
    blocked = step is sum_step and out.dtype.kind in "fc" and is_long(inner)

    def total(index: Sequence[Word]) -> Number:
        def place(inside: Sequence[Word]) -> list[Word]:
            where = dict(zip([*kept, *axes], [*index, *inside]))
            return [where[a] for a in range(len(x.lengths))]

        if blocked:
            return sum_in_blocks(k, inner, start.dtype, lambda inside: x.element(k, place(inside)))

        def level(inside: list[Word], carried: Sequence[Number]) -> Sequence[Number]:
            if len(inside) == len(inner):
                return [step(k, carried[0], cast(k, x.element(k, place(inside)), start.dtype))]
            return k.repeat(inner[len(inside)], lambda i, c: level([*inside, i], c), carried)

        begin = cast(k, x.element(k, place([0] * len(inner))), start.dtype) if first else start
        return level([], [begin])[0]

    if out.shape == ():
        return cast(k, total(()), out.dtype)
    lengths = [x.lengths[a] for a in kept]
    if not first and kept and kept[-1] > min(axes, default=-1) and axes:
        return reduced_in_memory(frame, e, x, kept, lengths, start, step)
    x = apart_if_lazy(frame, x, type_as(e.ins[0])) if first else x
    lazy = Lazy(start.dtype, lengths, lambda k, index: total(index), dict.fromkeys(x.reads, False))
    found = frame.copied(lazy, out._replace(dtype=start.dtype), e.outs[0])
    return found


BLOCK = 512  # terms that are added in any order


def is_long(lengths: Sequence[Word]) -> bool:
    known = [n for n in lengths if isinstance(n, int)]
    return len(known) < len(lengths) or math.prod(known) > 2 * BLOCK


def sum_in_blocks(
    k: Function, lengths: Sequence[Word], dtype: np.dtype[Any], term: Callable[[Sequence[Word]], Number]
) -> Number:
    """The sum over all indices: blocks of neighbours one after the other, and the blocks in pairs, so that the error
    grows with the logarithm of their number (Higham 1993, The accuracy of floating point summation).

    A block takes the last axes that fit into it, and a piece of the axis before these.
    """
    split, room = len(lengths) - 1, BLOCK
    while split > 0 and isinstance(n := lengths[split], int) and 0 < n <= room:
        split, room = split - 1, room // n
    n, piece = lengths[split], max(room, 1)
    zero = constant(0, dtype)
    sums, count = k.alloca(stored_type(dtype), 64), k.alloca("i64")
    k.put(f"store i64 0, ptr {count}")
    pieces = -(-n // piece) if isinstance(n, int) else k.value(f"sdiv i64 {k.plus(n, piece - 1)}, {piece}")

    def block(outer: Sequence[Word]) -> None:
        begin = k.times(outer[-1], piece)

        def level(inside: list[Word], carried: Sequence[Number]) -> Sequence[Number]:
            if len(inside) == len(lengths) - split:
                at = [*outer[:-1], k.plus(begin, inside[0]), *inside[1:]]
                return [sum_step(k, carried[0], cast(k, term(at), dtype))]
            size = lengths[split + len(inside)] if inside else k.least(piece, k.minus(n, begin))
            return k.repeat(size, lambda i, c: level([*inside, i], c), carried)

        found = level([], [zero])[0]
        k.put(f"call void {pairwise(k, dtype)}(ptr {sums}, ptr {count}, {llvm_type(dtype)} {found.text})")

    k.nest([*lengths[:split], pieces], block)
    done = k.value(f"load i64, ptr {count}")

    def rest(i: Word, carried: Sequence[Number]) -> Sequence[Number]:
        """What is left at level i, if the number of blocks has that digit."""
        bit = k.value(f"and i64 {k.value(f'lshr i64 {done}, {i}')}, 1")
        there = Number(k.compare("ne", bit, 0), BOOL)
        part = chosen(k, there, k.load(k.address(sums, i, stored_type(dtype)), dtype), zero)
        return [operation(k, "fadd", carried[0], part)]

    return k.repeat(digits(k, done), rest, [zero])[0]


def digits(k: Function, n: Word) -> Word:
    """How many binary digits a length has."""
    if isinstance(n, int):
        return n.bit_length()
    zeros = k.value(f"call i64 {k.module.declare('llvm.ctlz.i64', 'i64', 'i64, i1')}(i64 {n}, i1 false)")
    return k.minus(64, zeros)


def pairwise(k: Function, dtype: np.dtype[Any]) -> str:
    """A function that adds one more block: two of a size become one, and so on, as digits carry."""
    type, name = stored_type(dtype), f"@one_more.{dtype}"
    if name not in k.module.known:
        k.module.known[name] = True
        work = Function(k.module, name)
        both = added(work, *(Number(x, dtype) for x in ("%other", "%sum"))).text
        k.module.functions.append(PAIRWISE.format(name=name, type=type, add="\n  ".join(work.lines), both=both))
    return name


PAIRWISE = """define internal void {name}(ptr %sums, ptr %count, {type} %x) #0 {{
entry:
  %n = load i64, ptr %count
  %more = add i64 %n, 1
  store i64 %more, ptr %count
  br label %head
head:
  %level = phi i64 [ 0, %entry ], [ %up, %join ]
  %digits = phi i64 [ %n, %entry ], [ %left, %join ]
  %sum = phi {type} [ %x, %entry ], [ {both}, %join ]
  %place = getelementptr inbounds {type}, ptr %sums, i64 %level
  %digit = and i64 %digits, 1
  %carries = icmp ne i64 %digit, 0
  br i1 %carries, label %join, label %put
join:
  %other = load {type}, ptr %place
  {add}
  %up = add i64 %level, 1
  %left = lshr i64 %digits, 1
  br label %head
put:
  store {type} %sum, ptr %place
  ret void
}}"""


def reduced_in_memory(
    frame: Frame, e: Equation, x: Array, kept: list[int], lengths: list[Word], start: Number, step: Any
) -> Stored:
    """Row after row into the result: an axis after the rows stays, and neighbours in memory are added to neighbours."""
    k = frame.kernel
    out = numeric(e.outs[0].type)._replace(dtype=start.dtype)
    to = frame.place_for(e.outs[0], out, lengths, dict.fromkeys(x.reads, False))
    assign(k, to, filled(start, ()))
    rows = max(a for a in range(kept[-1]) if a not in kept)
    into, axes = to, kept
    if isinstance(x, Stored) and x.is_contiguous and kept[-1] == len(x.lengths) - 1:
        x, into, axes = joined(x, rows + 1), joined(to, kept.index(rows + 1)), [a for a in kept if a <= rows + 1]

    def one(outer: Sequence[Word]) -> None:
        def group(places: Sequence[Word]) -> None:
            def column(inner: Sequence[Word]) -> None:
                index = [*outer, places[0], *inner]
                place = into.place(k, [index[a] for a in axes])
                terms = [cast(k, x.element(k, [*outer, i, *inner]), to.dtype) for i in places]
                k.store(step(k, k.load(place, to.dtype), in_pairs(k, step, terms)), place)

            k.nest(x.lengths[rows + 1 :], column)

        in_groups(k, x.lengths[rows], group, GROUP if isinstance(x, Stored) else 1)

    k.nest(x.lengths[:rows], one)
    return to


def joined(x: Stored, axis: int) -> Stored:
    """x, which lies row after row in memory, with one axis in place of all from this one on."""
    return x.reshaped([*x.lengths[:axis], math.prod(n for n in x.lengths[axis:] if isinstance(n, int))])


GROUP = 4  # rows that are taken into another at once, which is read and written a fourth as often


def in_groups(k: Function, count: Word, body: Callable[[Sequence[Word]], None], size: int = GROUP) -> None:
    """body(places) for `size` places after the other, and for those that are left; one by one where only the run knows
    how many there are."""
    size = size if isinstance(count, int) else 1

    def group(i: Word, carried: Sequence[Number]) -> Sequence[Number]:
        begin = k.times(i, size)
        body([k.plus(begin, j) for j in range(size)])
        return carried

    k.repeat(count // size if isinstance(count, int) else count, group)
    if isinstance(count, int) and count % size:
        body(range(count - count % size, count))


def in_pairs(k: Function, step: Callable[[Function, Number, Number], Number], xs: Sequence[Number]) -> Number:
    """All of these by an operation of two, whose order does not matter."""
    while len(xs) > 1:
        xs = [step(k, *xs[i : i + 2]) if i + 1 < len(xs) else xs[i] for i in range(0, len(xs), 2)]
    return xs[0]


@lowers("reduce_sum", "collapse")
def reduce_sum(frame: Frame, e: Equation) -> Value:
    dtype = numeric(e.outs[0].type).dtype
    return reduced(frame, e, e.params["axes"], constant(0, dtype), sum_step)


@lowers("reduce_prod")
def reduce_prod(frame: Frame, e: Equation) -> Value:
    out = numeric(e.outs[0].type)
    return reduced(frame, e, [e.params["axis"]], constant(1, out.dtype), multiplied)


@lowers("reduce_max", "reduce_min")
def reduce_extremum(frame: Frame, e: Equation) -> Value:
    out = numeric(e.outs[0].type)
    rule = ALIKE["maximum" if e.row.name == "reduce_max" else "minimum"]
    step = lambda k, best, x: rule(k, [best, x], out)
    return reduced(frame, e, e.params["axes"], constant(0, out.dtype), step, first=True)


@lowers("reduce_any", "reduce_all")
def reduce_truth(frame: Frame, e: Equation) -> Value:
    is_all = e.row.name == "reduce_all"
    step = lambda k, so_far, x: operation(k, "and" if is_all else "or", so_far, x)
    return reduced(frame, e, e.params["axes"], constant(is_all, BOOL), step)


@lowers("argmax", "argmin")
def arg_extremum(frame: Frame, e: Equation) -> Value:
    """The first place of the extremum, or of a nan; of all axes, counted through."""
    k, axis, out = frame.kernel, e.params["axis"], numeric(e.outs[0].type)
    x = apart_if_lazy(frame, frame.array(e.ins[0]), type_as(e.ins[0]))
    axes = list(range(len(x.lengths))) if axis is None else [axis % len(x.lengths)]
    kept = [a for a in range(len(x.lengths)) if a not in axes]
    inner = [x.lengths[a] for a in axes]
    real, integral = ("ogt", "sgt") if e.row.name == "argmax" else ("olt", "slt")
    for n in inner:
        k.require(k.compare("sgt", n, 0) if isinstance(n, str) else "true" if n else "false")

    def best(index: Sequence[Word]) -> Number:
        def value(inside: Sequence[Word]) -> Number:
            where = dict(zip([*kept, *axes], [*index, *inside]))
            return x.element(k, [where[a] for a in range(len(x.lengths))])

        def level(inside: list[Word], carried: Sequence[Number]) -> Sequence[Number]:
            if len(inside) < len(inner):
                return k.repeat(inner[len(inside)], lambda i, c: level([*inside, i], c), carried)
            (found, place), new = carried, value(inside)
            if new.dtype.kind in "fc":  # a nan wins, and the first stays
                better = operation(k, "or", compared(k, real, new, found), compared(k, "uno", new, new))
                better = operation(k, "and", better, compared(k, "ord", found, found))
            else:
                better = compared(k, unsigned(integral, new), new, found)
            flat: Word = 0
            for i, n in zip(inside, inner):
                flat = k.plus(k.times(flat, n), i)
            return [chosen(k, better, new, found), chosen(k, better, Number(str(flat), INT), place)]

        return level([], [value([0] * len(inner)), constant(0, INT)])[1]

    if out.shape == ():
        return cast(k, best(()), out.dtype)
    lengths = [x.lengths[a] for a in kept]
    lazy = Lazy(out.dtype, lengths, lambda k, index: best(index), dict.fromkeys(x.reads, False))
    return frame.copied(lazy, out, e.outs[0])


@lowers("sum_of_ranges")
def sum_of_ranges(frame: Frame, e: Equation) -> Value:
    """From each start to the next one, or to the end; where the next is not beyond, the element at the start."""
    k, axis, out = frame.kernel, e.params["axis"], numeric(e.outs[0].type)
    x = apart_if_lazy(frame, frame.array(e.ins[0]), type_as(e.ins[0]))
    starts = np.asarray(e.params["starts"], np.intp)
    table = frame.array(starts)
    n, count = x.lengths[axis], len(starts)
    for i in {int(i) for i in starts}:
        k.require(k.compare("slt", i, n) if isinstance(n, str) else "true" if i < n else "false")
    lengths = [count if a == axis else m for a, m in enumerate(x.lengths)]

    def total(k: Function, index: Sequence[Word]) -> Number:
        i = index[axis]

        def at(j: Word) -> Number:
            return cast(k, x.element(k, [*index[:axis], j, *index[axis + 1 :]]), out.dtype)

        begin = table.element(k, [i]).text
        following = table.element(k, [k.least(k.plus(i, 1), count - 1)]).text
        end = k.choose(k.compare("slt", k.plus(i, 1), count), following, n)
        size = k.most(1, k.minus(end, begin))
        if out.dtype.kind in "fc":
            return sum_in_blocks(k, [size], out.dtype, lambda inside: at(k.plus(begin, inside[0])))
        add = lambda j, carried: [sum_step(k, carried[0], at(k.plus(begin, j)))]
        return k.repeat(size, add, [constant(0, out.dtype)])[0]

    return frame.copied(Lazy(out.dtype, lengths, total, dict.fromkeys(x.reads, False)), out, e.outs[0])


@lowers("share")
def share(frame: Frame, e: Equation) -> Value:
    """The share of each place in an extremum: 1 over how many attain it, or 0."""
    k, out, axes = frame.kernel, numeric(e.outs[0].type), e.params["axes"]
    x = apart_if_lazy(frame, frame.array(e.ins[0]), type_as(e.ins[0]))
    best = apart_if_lazy(frame, frame.array(e.ins[1]), type_as(e.ins[1]))
    beyond = "olt" if e.params["beyond"] is np.less else "ogt"
    kept = [a for a in range(len(x.lengths)) if a not in axes]

    def attained(index: Sequence[Word]) -> Number:
        away = compared(k, beyond, x.element(k, index), best.element(k, [index[a] for a in kept]))
        return Number(k.value(f"select i1 {away.text}, double 0.0, double 1.0"), FLOAT)

    to = frame.place_for(e.outs[0], out, x.lengths, dict.fromkeys([*x.reads, *best.reads], False))

    def one(index: Sequence[Word]) -> None:
        def place(inside: Sequence[Word]) -> list[Word]:
            where = dict(zip([*kept, *axes], [*index, *inside]))
            return [where[a] for a in range(len(x.lengths))]

        inner = [x.lengths[a] for a in axes]

        def level(inside: list[Word], carried: Sequence[Number]) -> Sequence[Number]:
            if len(inside) == len(inner):
                return [operation(k, "fadd", carried[0], attained(place(inside)))]
            return k.repeat(inner[len(inside)], lambda i, c: level([*inside, i], c), carried)

        count = level([], [constant(0.0, FLOAT)])[0]

        def put(inside: Sequence[Word]) -> None:
            where = place(inside)
            k.store(cast(k, operation(k, "fdiv", attained(where), count), out.dtype), to.place(k, where))

        k.nest(inner, put)

    k.nest([x.lengths[a] for a in kept], one)
    return to


@lowers("cumsum", "cumprod")
def running(frame: Frame, e: Equation) -> Value:
    k, axis, out = frame.kernel, e.params["axis"], numeric(e.outs[0].type)
    x = frame.array(e.ins[0])
    to = frame.place_for(e.outs[0], out, x.lengths, dict.fromkeys(x.reads, False))
    is_sum = e.row.name == "cumsum"
    combine = added if is_sum else multiplied

    def one(index: Sequence[Word]) -> None:
        def step(i: Word, carried: Sequence[Number]) -> Sequence[Number]:
            where = [*index[:axis], i, *index[axis:]]
            total = combine(k, carried[0], cast(k, x.element(k, where), out.dtype))
            k.store(total, to.place(k, where))
            return [total]

        k.repeat(x.lengths[axis], step, [constant(0 if is_sum else 1, out.dtype)])

    k.nest([n for a, n in enumerate(x.lengths) if a != axis], one)
    return to
