"""Arrays while a program is lowered: parts of memory, and arrays that are evaluated where they are read.

    Stored   an address and a stride for each axis: a buffer, or a view of one
    Lazy     a formula for an element: elementwise results that one reader reads, and constants
    Pieces   several formulas: sums of parts, whose rows have other terms here and there

Both know which buffers they read, and whether they read each element in its own place only.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wengert.backends.llvm.text import Function, Number, Word, constant, llvm_type, stored_type


@dataclass(eq=False)
class Buffer:
    """Memory of its own: no other buffer overlaps it.

    address  an LLVM name;  bytes  its size
    """

    address: str
    bytes: int


Reads = Mapping[Buffer, bool]  # a buffer that is read -> whether at the same index only, all of it


@dataclass(eq=False)
class Stored:
    """
    start    the address of element 0, 0, ...;  strides  in elements
    limits   of an array that fills its buffer row after row: its lengths in memory, bounds in place of lengths that
             only the run knows
    """

    dtype: np.dtype[Any]
    lengths: list[Word]
    start: str
    strides: list[Word]
    buffer: Buffer | None
    limits: tuple[int, ...] | None = None

    @property
    def reads(self) -> Reads:
        return {} if self.buffer is None else {self.buffer: self.limits is not None}

    @property
    def is_contiguous(self) -> bool:
        return all(isinstance(n, int) for n in self.lengths) and self.strides == row_major(self.lengths)

    def reshaped(self, lengths: Sequence[Word], limits: tuple[int, ...] | None = None) -> "Stored":
        """The same elements, which lie row after row, under other lengths."""
        return replace(self, lengths=list(lengths), strides=row_major(limits or lengths), limits=limits)

    def place(self, k: Function, index: Sequence[Word]) -> str:
        offset: Word = 0
        for i, stride in zip(index, self.strides):
            offset = k.plus(offset, k.times(i, stride))
        return k.address(self.start, offset, stored_type(self.dtype))

    def element(self, k: Function, index: Sequence[Word]) -> Number:
        return k.load(self.place(k, index), self.dtype, self)

    def accessed(self, k: Function, how: str) -> None:
        """Something outside loads or stores all of it: for builds that check memory."""
        if not k.module.checked:
            return
        low: Word = 0
        high: Word = 1
        some: Word = 1  # nothing of an empty array
        for n, stride in zip(self.lengths, self.strides):
            last = k.times(k.minus(n, 1), stride)
            low, high, some = k.plus(low, k.least(last, 0)), k.plus(high, k.most(last, 0)), k.least(some, n)
        start = k.address(self.start, k.times(low, some), stored_type(self.dtype))
        k.access(how, start, k.times(k.times(k.minus(high, low), some), self.dtype.itemsize))


@dataclass(eq=False)
class Lazy:
    """
    formula  (function, index) -> element
    is_free  reading an element twice costs nothing
    """

    dtype: np.dtype[Any]
    lengths: list[Word]
    formula: Callable[[Function, Sequence[Word]], Number]
    reads: Reads = field(default_factory=dict)
    is_free: bool = False

    def element(self, k: Function, index: Sequence[Word]) -> Number:
        return self.formula(k, index)


@dataclass(eq=False)
class Pieces(Lazy):
    """Other formulas for other rows: whoever stores it goes through each piece on its own.

    pieces  all rows in order: (first row, row after the last, an array that is the same there)
    """

    pieces: list[tuple[int, int, "Array"]] = field(default_factory=list)


Array = Stored | Lazy


def is_light(x: Array) -> bool:
    """Whether an element takes a line or two, so that it may be read as often as one likes."""
    return isinstance(x, Stored) or x.is_free


def accessed(k: Function, xs: Sequence[Stored], outs: Sequence[Stored]) -> None:
    """A function from outside reads all of these, and writes all of those."""
    for x in xs:
        x.accessed(k, "load")
    for x in outs:
        x.accessed(k, "store")


def row_major(lengths: Sequence[Any]) -> list[Any]:
    """Strides of an array that is stored row after row."""
    strides, step = [], 1
    for n in reversed(lengths):
        strides.append(step)
        step *= n
    return strides[::-1]


def filled(x: Number, lengths: Sequence[Word]) -> Lazy:
    return Lazy(x.dtype, list(lengths), lambda k, index: x, is_free=True)


# ---------------------------------------------------------------- views


def mapped(x: Array, lengths: Sequence[Word], strided: Callable[[Stored], Stored], index: Any) -> Array:
    """A view: of memory with other strides, of a formula with another index."""
    if isinstance(x, Stored):
        return strided(x)
    formula = x.formula
    reads = dict.fromkeys(x.reads, False)
    return Lazy(x.dtype, list(lengths), lambda k, i: formula(k, index(k, i)), reads, x.is_free)


def transposed(x: Array, axes: Sequence[int]) -> Array:
    lengths = [x.lengths[a] for a in axes]
    back = sorted(range(len(axes)), key=axes.__getitem__)
    return mapped(
        x,
        lengths,
        lambda x: Stored(x.dtype, lengths, x.start, [x.strides[a] for a in axes], x.buffer),
        lambda k, i: [i[a] for a in back],
    )


@dataclass
class Part:
    """What an index says about one axis: begin, step, and how many are left (None: one, whose axis goes)."""

    begin: Word
    step: Word = 1
    count: Word | None = None


def part_of(k: Function, x: Array, parts: Sequence[Part | None]) -> Array:
    """x at one Part for each of the first axes; None stands for a new axis of length 1."""
    parts = [*parts, *(Part(0, 1, n) for n in x.lengths[sum(p is not None for p in parts) :])]
    lengths = [1 if p is None else p.count for p in parts if p is None or p.count is not None]

    def inner(k: Function, index: Sequence[Word]) -> list[Word]:
        left = iter(index)
        places: list[Word] = []
        for p in parts:
            i = next(left) if p is None or p.count is not None else 0
            if p is not None:
                places.append(k.plus(p.begin, k.times(i, p.step)))
        return places

    def strided(x: Stored) -> Stored:
        axis = 0
        strides: list[Word] = []
        for p in parts:
            if p is None:
                strides.append(0)
                continue
            if p.count is not None:
                strides.append(k.times(x.strides[axis], p.step))
            axis += 1
        start = x.place(k, [p.begin for p in parts if p is not None])
        return Stored(x.dtype, list(lengths), start, strides, x.buffer)  # type: ignore[arg-type]

    return mapped(x, lengths, strided, inner)  # type: ignore[arg-type]


def seams(xs: Iterable[Array]) -> set[int]:
    """Where a piece of one of these begins."""
    return {first for x in xs if isinstance(x, Pieces) for first, _, _ in x.pieces}


def piece_of(x: Array, row: int) -> Array:
    """x, as it is from this row to the next seam."""
    return next(y for first, last, y in x.pieces if first <= row < last) if isinstance(x, Pieces) else x


def in_pieces(lengths: list[Word], cuts: set[int], make: Callable[[int], Array], reads: Reads) -> Pieces:
    """make(row) -> the array, as it is from this row to the next cut."""
    n = lengths[0]
    assert isinstance(n, int)
    pieces = [(first, last, make(first)) for first, last in itertools.pairwise(sorted({0, n, *cuts}))]

    def element(k: Function, index: Sequence[Word]) -> Number:
        return element_in(k, pieces, index)

    return Pieces(pieces[0][2].dtype, lengths, element, reads, pieces=pieces)


def element_in(k: Function, pieces: list[tuple[int, int, Array]], index: Sequence[Word]) -> Number:
    """For a reader who does not go piece by piece."""
    (_, last, x), *others = pieces
    is_here = k.compare("slt", index[0], last) if others else "true"
    if is_here in ("true", "false"):
        return x.element(k, index) if is_here == "true" else element_in(k, others, index)
    like = [constant(0, x.dtype)]
    parts = k.split(like)
    merged = k.either(
        is_here,
        lambda: texts_of(k, x.element(k, index)),
        lambda: texts_of(k, element_in(k, others, index)),
    )
    texts = merged([llvm_type(y.dtype) for y in parts])
    return k.joined([Number(text, y.dtype) for text, y in zip(texts, parts)], like)[0]


def texts_of(k: Function, x: Number) -> list[str]:
    return [part.text for part in k.split([x])]


def flipped(k: Function, x: Array, axes: Sequence[int]) -> Array:
    parts = [Part(k.minus(n, 1), -1, n) if a in axes else Part(0, 1, n) for a, n in enumerate(x.lengths)]
    return part_of(k, x, parts)


def stretched(x: Array, lengths: Sequence[Word], axes: Sequence[int]) -> Array:
    """x repeated to these lengths; its own axes stand at `axes` of the result."""
    same = {a: j for j, a in enumerate(axes) if x.lengths[j] == lengths[a]}

    def inner(k: Function, index: Sequence[Word]) -> list[Word]:
        return [index[a] if a in same else 0 for a in axes]

    def strides(x: Stored) -> list[Word]:
        return [x.strides[same[a]] if a in same else 0 for a in range(len(lengths))]

    return mapped(x, lengths, lambda x: Stored(x.dtype, list(lengths), x.start, strides(x), x.buffer), inner)


def without_ones(x: Array, lengths: Sequence[Word]) -> Array | None:
    """x with axes of length 1 left out or put in; None where these are not all that differs."""
    mine = [a for a, n in enumerate(x.lengths) if n != 1]
    theirs = [a for a, n in enumerate(lengths) if n != 1]
    if [x.lengths[a] for a in mine] != [lengths[a] for a in theirs]:
        return None
    where = dict(zip(theirs, mine))

    def inner(k: Function, index: Sequence[Word]) -> list[Word]:
        found: list[Word] = [0] * len(x.lengths)
        for a, b in where.items():
            found[b] = index[a]
        return found

    def strides(x: Stored) -> list[Word]:
        return [x.strides[where[a]] if a in where else 0 for a in range(len(lengths))]

    return mapped(x, lengths, lambda x: Stored(x.dtype, list(lengths), x.start, strides(x), x.buffer), inner)
