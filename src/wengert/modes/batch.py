"""Batching: one more axis, always in front, under every primitive (`vmap`)."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.mode import NO_AXES, Mode, Value, buffer, decide, is_array
from wengert.core.primitive import Primitive
from wengert.core.types import shape_of
from wengert.ir.program import ROWS, Stack
from wengert.rules.indexing import align, lift_params
from wengert.rules.join import stack
from wengert.rules.lanes import unpiled


class Batched(Value):
    """All lanes at once; the batch is axis 0 of the content, and user code does not see it.

    aux   NO_AXES where the lanes are arrays of no axes: their content looks like that of numbers
    """

    __slots__ = ()
    hidden_axes = 1


class Apart(Batched):
    """All lanes of what no array holds: the content is a pile (rules/lanes.py), and `aux` the type of one lane."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[Any, ...]:
        return getattr(self.aux, "shape", ())


class Kind(IntEnum):
    """How the lanes of a batch have a value; one of any kind can be made one of a later kind.

    SHARED    it is the same for all
    TOGETHER  an array has a first axis for the lanes, a stack has such arrays
    APART     a pile has an item for each lane: arrays of different lengths, stacks of different heights
    """

    SHARED = 0
    TOGETHER = 1
    APART = 2


class LanesDiffer(BaseException):
    """Control flow depends on batched values, and the lanes disagree: they must run one by one.

    Not an Exception: user code that catches those must not swallow it.
    """

    def __init__(self, mode: "Batch") -> None:
        super().__init__()
        self.mode = mode


class Shared(NamedTuple):
    """A result that is the same for all lanes: what a batching rule returns in place of one that is batched."""

    value: Any


class Piled(NamedTuple):
    """A result of which each lane has one of its own, of this type."""

    value: Any
    type: Any


class Batch(Mode):
    name = "batch"
    differentiates = False

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def apply(self, row: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        operands, kinds = [], []
        for x in args:
            mine = isinstance(x, Value) and x.mode is self
            apart = mine and type(x) is Apart and row.name in ROWS
            kinds.append(Kind.APART if apart else Kind.TOGETHER if mine else Kind.SHARED)
            operands.append(x.primal if apart or (isinstance(x, Value) and x.mode.level < 0) else self.content(x))
        out = batch(row, self.size, kinds, operands, params)
        if row.several:
            return tuple(map(self.handle, out))
        found = self.handle(out)
        if gives_array(row, args[0]) and type(found) is Batched and found.shape == ():
            found.aux = NO_AXES
        return found

    def content(self, x: Any) -> Any:
        """All lanes of a value as one, where it is one of this batch."""
        if not isinstance(x, Value) or x.mode is not self:
            return x
        return unpiled(x.primal, type=Stack(x.aux), size=self.size) if type(x) is Apart else x.primal

    def handle(self, out: Any) -> Any:
        if type(out) is Shared:
            return buffer(out.value)
        return Apart(self, out.value, out.type) if type(out) is Piled else Batched(self, out)

    def decide(self, x: Value) -> Any:
        """One answer for all lanes, if they agree."""
        if self.size == 0:
            raise without_lanes()
        lanes = [x.primal[i] for i in range(self.size)]
        lanes = [decide(lane) for lane in lanes]
        if not all(np.array_equal(lane, lanes[0]) for lane in lanes[1:]):
            raise LanesDiffer(self)
        return lanes[0]


# rows of which NumPy gives an array also where it has no axes; and of an array, where a number gives a number
ARRAYS = frozenset(["reshape", "transpose", "broadcast_to", "spread", "write", "add_at"])
KEEPING = frozenset(["real", "imag", "convert", "stop_gradient"])


def gives_array(row: Primitive, operand: Any) -> bool:
    return row.name in ARRAYS or (row.name in KEEPING and is_array(operand))


def without_lanes() -> Diagnostic:
    return Diagnostic(
        "W402",
        "a batch without lanes comes to a branch on its values",
        "no lane says which way to go, and so what is returned",
        "give the batch a lane, or make a program of it, which has all ways: wg.jit(wg.vmap(f))",
    )


def batch(row: Primitive, size: int, batched: Sequence[Kind], operands: list[Any], params: dict[str, Any]) -> Any:
    if row.elementwise:
        rank = max(len(shape_of(x)) - b for x, b in zip(operands, batched))
        return row(*[align(x, rank) if b else x for x, b in zip(operands, batched)], **params)
    if row.lift is not None:
        return row(*operands, **lift_params(row, params, size))
    if row.batch is not None:
        return row.batch(size, batched, operands, **params)
    return lane_by_lane(row, size, batched, operands, params)


def lane_by_lane(
    row: Primitive, size: int, batched: Sequence[Kind], operands: list[Any], params: dict[str, Any]
) -> Any:
    """For a foreign function that knows no batches."""
    lanes = [row(*[x[i] if b else x for x, b in zip(operands, batched)], **params) for i in range(size)]
    if not row.several:
        return stack(*lanes, axis=0)
    return tuple(stack(*parts, axis=0) for parts in zip(*lanes))
