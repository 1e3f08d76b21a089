"""Writing parts of arrays: in place at the last use of the array."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from wengert.backends.llvm.arrays import (
    Array,
    Lazy,
    Part,
    Pieces,
    Stored,
    filled,
    flipped,
    in_pieces,
    is_light,
    part_of,
    piece_of,
    seams,
    transposed,
    without_ones,
)
from wengert.backends.llvm.frame import Frame, Value, assign, bytes_of, limits_of, type_as, whole
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.elementwise import at, steady
from wengert.backends.llvm.rows.parts import Places, is_places, parts_of, place_in, ranges_of
from wengert.backends.llvm.rows.views import lengths_after
from wengert.backends.llvm.scalars import added, cast, chosen, compared
from wengert.backends.llvm.text import INT, Function, Number, Word, constant, part_dtype, word
from wengert.backends.schedule import is_box
from wengert.ir.program import Equation, Type, numeric
from wengert.rules.indexing import Index


def own(frame: Frame, e: Equation, overwritten: tuple[int, int] = (0, 0)) -> Stored:
    """The first operand where it may be written: itself at its last use, else a copy, but for these rows."""
    x, type = frame.array(e.ins[0]), type_as(e.ins[0])
    if isinstance(x, Stored) and x.limits == limits_of(type) and x.buffer is not None and frame.may_take(x.buffer):
        wish = frame.wishes.get(e.outs[0])
        if wish is None or wish is x.buffer or frame.holders.get(wish) or wish.bytes < x.buffer.bytes:
            return x
    first, last = overwritten
    if first == last:
        return frame.copied(x, type, e.outs[0], is_operand=True)
    to = frame.place_for(e.outs[0], type, x.lengths, dict.fromkeys(x.reads, False))
    for begin, end in ((0, first), (last, type.shape[0])):
        if begin < end:
            rows = [Part(begin, 1, end - begin)]
            some = part_of(frame.kernel, to, rows)
            assert isinstance(some, Stored)
            assign(frame.kernel, some, part_of(frame.kernel, x, rows))
    return to


def apart(frame: Frame, x: Value, type: Type, target: Stored, count: Sequence[Word] | None = None) -> Value:
    """x, copied where it reads what is written, or where its formula would run more than once for an element."""
    if isinstance(x, Number):
        return x
    assert isinstance(x, Stored | Lazy)
    twice = not is_light(x) and count is not None and list(count) != list(x.lengths)
    return frame.temporary(x, type) if twice or target.buffer in x.reads else x


@lowers("write")
def write(frame: Frame, e: Equation) -> Value:
    params = frame.params(e)
    root = own(frame, e, box_rows(e) if is_box(e) and not params["steps"] else (0, 0))
    target: Array = root
    copies: list[tuple[Stored, Stored]] = []
    for step, how in params["steps"]:
        found = STEPS[step.name](frame, target, how)
        if found is None:  # a reshape of what lies in pieces: of a copy, which is put back
            assert isinstance(target, Stored)
            copies.append((target, in_one_piece(frame, target, bytes_of(numeric(e.outs[0].type)))))
            found = step_reshape(frame, copies[-1][1], how)
            assert found is not None
        target = found
    known = {} if params["steps"] else ranges_of(frame, e)
    out = update(frame, e, root, target, params["index"], known, lambda old, new: new)
    for to, copy in reversed(copies):
        assign(frame.kernel, to, copy)
    return out


def in_one_piece(frame: Frame, x: Stored, bytes: int) -> Stored:
    """A copy that lies row after row, in lengths that only the run may know."""
    buffer = frame.buffer(bytes)
    out = Stored(x.dtype, x.lengths, buffer.address, row_by_row(frame.kernel, x.lengths), buffer)
    assign(frame.kernel, out, x)
    return out


def row_by_row(k: Function, lengths: Sequence[Word]) -> list[Word]:
    """Strides of an array that lies in one piece."""
    strides: list[Word] = [1]
    for n in reversed(lengths[1:]):
        strides.append(k.times(strides[-1], n))
    return strides[::-1] if lengths else []


@lowers("add_at")
def add_at(frame: Frame, e: Equation) -> Value:
    base, k = frame.array(e.ins[0]), frame.kernel
    if isinstance(base, Lazy) and is_box(e):
        found, type = with_more(frame, e, base), numeric(e.outs[0].type)
        return found if e.outs[0] in frame.plan.lazy else frame.copied(found, type, e.outs[0])
    root = own(frame, e)
    index = frame.params(e)["index"]
    return update(frame, e, root, root, index, ranges_of(frame, e), lambda old, new: added(k, old(), new))


def update(
    frame: Frame,
    e: Equation,
    root: Stored,
    target: Array,
    index: Index,
    known: dict[int, tuple[int, int]],
    change: Callable[[Callable[[], Number], Number], Number],
) -> Stored:
    """Put change(old, new) at every place of the index, one after the other."""
    k = frame.kernel
    places = Places(frame, target, index) if any(map(is_places, index)) else None
    part = places.whole if places else part_of(k, target, parts_of(frame, target.lengths, index, known))
    assert isinstance(part, Stored)
    lengths = places.all_lengths if places else part.lengths
    new = apart(frame, frame.value(e.ins[1]), type_as(e.ins[1]), root, lengths)
    given: Array = filled(new, ()) if isinstance(new, Number) else new  # type: ignore[assignment]
    value = fitted(frame, given, lengths)
    if not lengths:
        if given.lengths:
            k.require("false")  # NumPy tells whether an element may be an array of one
        to = part.place(k, places.index(k, ()) if places else ())
        k.store(change(lambda: k.load(to, part.dtype), cast(k, value.element(k, ()), part.dtype)), to)
        return root

    def one(at_index: Sequence[Word]) -> None:
        to = part.place(k, places.index(k, at_index) if places else at_index)
        x = cast(k, at(k, value, at_index), part.dtype)
        k.store(change(lambda: k.load(to, part.dtype), x), to)

    # at places that only the run knows, vectors of two are faster than two lines
    is_known = not e.has_holes and (places is None or places.are_known)
    k.nest(lengths, one, light=is_known and is_light(value))
    return root


def with_more(frame: Frame, e: Equation, base: Lazy) -> Pieces:
    """The array with a value added at some rows, which is not stored yet."""
    begin, end = box_rows(e)
    is_slice = isinstance(e.params["index"][0], slice)
    lengths = [end - begin, *base.lengths[1:]] if is_slice else base.lengths[1:]
    value = steady(frame, fitted(frame, frame.array(e.ins[1]), lengths), type_as(e.ins[1]), lengths)
    has_rows = is_slice and value.lengths == lengths

    def some(row: int) -> Array:
        old = piece_of(base, row)
        if not begin <= row < end:
            return old
        new = piece_of(value, row - begin) if has_rows else value

        def formula(k: Function, index: Sequence[Word]) -> Number:
            there = [k.minus(index[0], begin), *index[1:]]
            return added(k, old.element(k, index), cast(k, at(k, new, there), base.dtype))

        return Lazy(base.dtype, base.lengths, formula)

    cuts = {begin, end, *seams([base]), *(begin + row for row in seams([value] if has_rows else []))}
    return in_pieces(base.lengths, cuts, some, {**base.reads, **elsewhere(value)})


def elsewhere(x: Array) -> dict[Any, bool]:
    """The buffers that x reads, at other places than the one that is written."""
    return dict.fromkeys(x.reads, False)


def box_rows(e: Equation) -> tuple[int, int]:
    """The first row of a box, and the one after its last."""
    part, n = e.params["index"][0], numeric(e.outs[0].type).shape[0]
    if isinstance(part, slice):
        first, last, _ = part.indices(n)
        return first, max(last, first)
    return part % n, part % n + 1


def fitted(frame: Frame, value: Array, lengths: Sequence[Word]) -> Array:
    """What is written to a part of these lengths, without axes that the part has not."""
    lead = max(len(value.lengths) - len(lengths), 0)
    for n in value.lengths[:lead]:
        frame.kernel.agree(n, 1)
    value = part_of(frame.kernel, value, [Part(0)] * lead) if lead else value
    for n, m in zip(reversed(value.lengths), reversed(lengths)):
        if n != 1:
            frame.kernel.agree(n, m)
    return value


def step_reshape(frame: Frame, x: Array, params: dict[str, Any]) -> Array | None:
    k, shape = frame.kernel, lengths_after(frame.kernel, x.lengths, params["shape"])
    found = without_ones(x, shape)
    if found is not None:
        return found
    if isinstance(x, Stored) and x.strides == row_by_row(k, x.lengths):
        return replace(x, lengths=shape, strides=row_by_row(k, shape), limits=None)
    return None


def step_real(frame: Frame, x: Array, params: dict[str, Any]) -> Array:
    if x.dtype.kind != "c":
        return x
    assert isinstance(x, Stored)
    strides = [frame.kernel.times(s, 2) for s in x.strides]
    return Stored(part_dtype(x.dtype), x.lengths, x.start, strides, x.buffer)


STEPS: dict[str, Callable[[Frame, Array, dict[str, Any]], Array | None]] = {
    "getitem": lambda frame, x, p: part_of(frame.kernel, x, parts_of(frame, x.lengths, p["index"], {})),
    "transpose": lambda frame, x, p: transposed(x, p["axes"]),
    "flip": lambda frame, x, p: flipped(frame.kernel, x, p["axes"]),
    "reshape": step_reshape,
    "relabel": lambda frame, x, p: x,
    "real": step_real,
}


@lowers("put_add")
def put_add(frame: Frame, e: Equation) -> Value:
    out, k = numeric(e.outs[0].type), frame.kernel
    part, places = frame.array(e.ins[0]), frame.array(e.ins[1])
    part = apart_if_lazy(frame, part, type_as(e.ins[0]))
    root = frame.place_for(e.outs[0], out, [*frame.params(e)["shape"]], dict.fromkeys(part.reads, False))
    assign(k, root, filled(constant(0, out.dtype), ()))
    rest = len(out.shape) - 1

    def one(index: Sequence[Word]) -> None:
        inside = index[: len(index) - rest]
        i = place_in(k, word(cast(k, places.element(k, inside), INT)), root.lengths[0])
        to = root.place(k, [i, *index[len(index) - rest :]])
        k.store(added(k, k.load(to, out.dtype), part.element(k, index)), to)

    k.nest(part.lengths, one)
    return root


def apart_if_lazy(frame: Frame, x: Array, type: Type) -> Array:
    return x if is_light(x) else frame.temporary(x, type)


@lowers("stayed")
def stayed(frame: Frame, e: Equation) -> Value:
    """Each element of the part leaves its number at its place; where another number is found, that one came later."""
    k, out, params = frame.kernel, numeric(e.outs[0].type), frame.params(e)
    limits = [n if isinstance(n, int) else n.extent.bound for n in e.params["shape"]]
    numbers = Type(INT, tuple(limits))
    last = whole(frame.buffer(bytes_of(numbers)), numbers, params["shape"])
    places = Places(frame, last, params["index"])
    x = apart_if_lazy(frame, frame.array(e.ins[0]), type_as(e.ins[0]))
    target = places.all_lengths
    lead = max(len(x.lengths) - len(target), 0)  # axes of a batch stand in front
    to = frame.place_for(e.outs[0], out, [*x.lengths[:lead], *target], {})

    def number(index: Sequence[Word]) -> Number:
        flat: Word = 0
        for i, n in zip(index, target):
            flat = k.plus(k.times(flat, n), i)
        return Number(str(flat), INT)

    def put(index: Sequence[Word]) -> None:
        k.store(number(index), places.whole.place(k, places.index(k, index)))  # type: ignore[union-attr]

    def keep(index: Sequence[Word]) -> None:
        inside = index[lead:]
        mine = compared(k, "eq", places.whole.element(k, places.index(k, inside)), number(inside))
        k.store(chosen(k, mine, at(k, x, index), constant(0, out.dtype)), to.place(k, index))

    k.nest(target, put)
    k.nest(to.lengths, keep)
    return to
