"""Reading parts of arrays: views by integers and slices, lookups by arrays of positions."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from wengert.backends.llvm.arrays import Array, Lazy, Part, Stored, filled, is_light, part_of
from wengert.backends.llvm.frame import Frame, Value
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.elementwise import at
from wengert.backends.llvm.rows.views import view
from wengert.backends.llvm.scalars import cast
from wengert.backends.llvm.text import INT, Function, Number, Word, constant, word
from wengert.ir.program import Equation, Hole, numeric
from wengert.rules.indexing import Index


@lowers("getitem")
def getitem(frame: Frame, e: Equation) -> Value:
    index = frame.params(e)["index"]
    x = frame.array(e.ins[0])
    if any(map(is_places, index)):
        return gathered(frame, e, x, index)
    parts = parts_of(frame, x.lengths, index, ranges_of(frame, e))
    return view(frame, e, lambda k, x: part_of(k, x, parts))


def is_places(part: Any) -> bool:
    return isinstance(part, np.ndarray | Stored | Lazy)


def ranges_of(frame: Frame, e: Equation) -> dict[int, tuple[int, int]]:
    """What is known of the indices that the run decides: position in the index -> range."""
    found = {}
    for i, part in enumerate(e.params["index"]):
        known = frame.range(e.ins[part.operand]) if isinstance(part, Hole) else None
        if known is not None:
            found[i] = known
    return found


def parts_of(
    frame: Frame, lengths: Sequence[Word], index: Index, known: dict[int, tuple[int, int]]
) -> list[Part | None]:
    parts: list[Part | None] = []
    left = iter(lengths)
    for i, part in enumerate(index):
        if part is None:
            parts.append(None)
        elif isinstance(part, slice):
            parts.append(slice_part(frame.kernel, part, next(left)))
        else:
            parts.append(Part(place_in(frame.kernel, part, next(left), known.get(i))))
    return parts


def place_in(k: Function, i: Word, n: Word, known: tuple[int, int] | None = None) -> Word:
    """An index counted from the front, checked unless it is known to be one."""
    if isinstance(i, int) and isinstance(n, int):
        if not -n <= i < n:
            k.require("false")
            return 0
        return i % n
    if isinstance(i, int):
        k.require(k.compare("sgt" if i >= 0 else "sge", n, i if i >= 0 else -i))
        return i if i >= 0 else k.plus(n, i)
    if known is not None and isinstance(n, int) and known[0] >= 0 and known[1] < n:
        return i
    if known is None or known[0] < 0:
        i = k.choose(k.compare("slt", i, 0), k.plus(i, n), i)
    k.require(k.compare("ult", i, n))
    return i


def slice_part(k: Function, part: slice, n: Word) -> Part:
    """As `slice.indices` has it."""
    step = 1 if part.step is None else part.step
    if not isinstance(step, int):
        return open_slice_part(k, part, step, n)
    bounds = (part.start, part.stop)
    if isinstance(n, int) and all(isinstance(b, int | None) for b in bounds):
        begin, end, step = part.indices(n)
        return Part(begin, step, len(range(begin, end, step)))
    low: Word = 0 if step > 0 else -1
    high = n if step > 0 else k.minus(n, 1)

    def bound(b: Word | None, default: Word) -> Word:
        if b is None:
            return default
        from_end = k.plus(b, n)
        if isinstance(b, int):
            b = from_end if b < 0 else b
        else:
            b = k.choose(k.compare("slt", b, 0), from_end, b)
        return k.most(low, k.least(b, high))

    first = bound(part.start, low if step > 0 else high)
    last = bound(part.stop, high if step > 0 else low)
    return Part(first, step, k.steps(first, last, step))


def open_slice_part(k: Function, part: slice, step: str, n: Word) -> Part:
    """Where only the run knows the step, and so from which end the slice goes."""
    k.require(k.compare("ne", step, 0))
    up = k.compare("sgt", step, 0)
    low, high = k.choose(up, 0, -1), k.choose(up, n, k.minus(n, 1))

    def bound(b: Word | None, default: Word) -> Word:
        if b is None:
            return default
        return k.most(low, k.least(k.choose(k.compare("slt", b, 0), k.plus(b, n), b), high))

    begin, end = bound(part.start, k.choose(up, low, high)), bound(part.stop, k.choose(up, high, low))
    span = k.choose(up, k.minus(end, begin), k.minus(begin, end))
    size = k.choose(up, step, k.minus(0, step))
    return Part(begin, step, k.most(0, k.value(f"sdiv i64 {k.minus(k.plus(span, size), 1)}, {size}")))


class Places:
    """An index with arrays of positions: views before them, then a lookup in the axes that they index.

    The arrays and the integers beside them stand together; their axes come at the place of the first.
    """

    def __init__(self, frame: Frame, x: Array, index: Index) -> None:
        k = frame.kernel
        first = next(i for i, p in enumerate(index) if is_places(p) or isinstance(p, int | str))
        self.group = [p for p in index if is_places(p) or isinstance(p, int | str)]
        before, after = index[:first], index[first + len(self.group) :]
        taken = sum(p is not None for p in before)
        lengths = x.lengths[:taken], x.lengths[taken + len(self.group) :]
        front = parts_of(frame, lengths[0], before, {})
        back = parts_of(frame, lengths[1], after, {})
        middle: list[Part | None] = [Part(0, 1, n) for n in x.lengths[taken : taken + len(self.group)]]
        self.whole = part_of(k, x, [*front, *middle, *back])
        self.first = len([p for p in front if p is None or p.count is not None])
        arrays = [self.as_array(frame, p) for p in self.group]
        rank = max(len(a.lengths) for a in arrays)
        self.arrays = arrays
        self.known = [extremes(p) for p in self.group]
        self.lengths = [
            next((a.lengths[axis] for a in arrays if len(a.lengths) >= -axis and a.lengths[axis] != 1), 1)
            for axis in range(-rank, 0)
        ]
        for a in arrays:
            for n, m in zip(reversed(a.lengths), reversed(self.lengths)):
                if n != 1:
                    k.agree(n, m)

    @staticmethod
    def as_array(frame: Frame, part: Any) -> Array:
        if isinstance(part, np.ndarray):
            return read_ahead(frame, part)
        return filled(Number(str(part), INT), ()) if isinstance(part, int | str) else part

    @property
    def are_known(self) -> bool:
        return all(found is not None for found in self.known)

    @property
    def all_lengths(self) -> list[Word]:
        rest = self.whole.lengths
        return [*rest[: self.first], *self.lengths, *rest[self.first + len(self.group) :]]

    def index(self, k: Function, index: Sequence[Word]) -> list[Word]:
        """Where in the array the element at `index` of the result stands."""
        end = self.first + len(self.lengths)
        inside = index[self.first : end]
        limits = self.whole.lengths[self.first :]
        words = [word(cast(k, at(k, a, inside), INT)) for a in self.arrays]
        places = [place_in(k, i, n, known) for i, n, known in zip(words, limits, self.known)]
        return [*index[: self.first], *places, *index[end:]]


def read_ahead(frame: Frame, positions: np.ndarray) -> Array:
    """Those that are known while a program is lowered, at a known index, are numbers in the text."""
    stored = cache(lambda: frame.array(positions))

    def element(k: Function, index: Sequence[Word]) -> Number:
        known = tuple([i for i, n in zip(index, positions.shape) if isinstance(i, int) and i < n])
        return constant(positions[known], positions.dtype) if len(known) == len(index) else stored().element(k, index)

    return Lazy(positions.dtype, list(positions.shape), element, is_free=True)


def extremes(part: Any) -> tuple[int, int] | None:
    """Of positions, where they are known."""
    if isinstance(part, int):
        return part, part
    return (int(part.min()), int(part.max())) if isinstance(part, np.ndarray) and part.size else None


def gathered(frame: Frame, e: Equation, x: Array, index: Index) -> Value:
    places, out = Places(frame, x, index), numeric(e.outs[0].type)
    lazy = Lazy(
        x.dtype,
        places.all_lengths,
        lambda k, index: places.whole.element(k, places.index(k, index)),
        dict.fromkeys([*x.reads, *(b for a in places.arrays for b in a.reads)], False),
        is_free=is_light(x) and places.are_known,
    )
    return frame.copied(lazy, out, e.outs[0])


@lowers("take")
def take(frame: Frame, e: Equation) -> Value:
    places = frame.value(e.ins[1])
    index = (word(places) if isinstance(places, Number) else places,)
    if isinstance(places, Number):
        parts = parts_of(frame, frame.array(e.ins[0]).lengths, index, {})
        return view(frame, e, lambda k, x: part_of(k, x, parts))
    return gathered(frame, e, frame.array(e.ins[0]), index)
