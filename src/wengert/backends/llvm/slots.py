"""Values that move between blocks: into an iteration, out of a branch, into a call."""

from collections.abc import Sequence
from dataclasses import dataclass

from wengert.backends.llvm.arrays import Buffer, filled
from wengert.backends.llvm.frame import Frame, Record, Value, assign, home, whole
from wengert.backends.llvm.scalars import cast
from wengert.backends.llvm.text import Number, llvm_type
from wengert.ir.program import AnyType, Stack, Type, extents_of, numeric


@dataclass
class Slot:
    """Where a value of this type is kept while control moves: registers, and a buffer for an array."""

    type: AnyType
    buffer: Buffer | None

    def registers(self) -> list[str]:
        """Types of what is kept in registers: a number, a stack, or lengths that only the run knows."""
        if isinstance(self.type, Stack):
            return ["ptr"]
        return ["i64"] * len(extents_of(self.type)) if self.buffer else [llvm_type(self.type.dtype)]

    def texts(self, x: Value) -> list[str]:
        """What the registers hold of a value."""
        if isinstance(x, Number | Record):
            return [x.text]
        return [str(n) for n, m in zip(x.lengths, numeric(self.type).shape) if not isinstance(m, int)]

    def value(self, texts: Sequence[str], alone: bool = False) -> Value:
        """alone: of a stack."""
        if isinstance(self.type, Stack):
            return Record(texts[0], self.type, alone)
        if self.buffer is None:
            return Number(texts[0], self.type.dtype)
        left = iter(texts)
        return whole(self.buffer, self.type, [n if isinstance(n, int) else next(left) for n in self.type.shape])


def settle(frame: Frame, slots: Sequence[Slot], xs: Sequence[Value]) -> list[list[str]]:
    """Move each value into its slot, as if all moved at once; what the registers hold."""
    k = frame.kernel
    k.note("settle", [s.buffer for s in slots], xs)
    targets = {s.buffer for s in slots if s.buffer is not None}
    moved = [
        frame.temporary(x, numeric(slot.type)) if is_overwritten(slot, x, targets) else x  # type: ignore[arg-type]
        for slot, x in zip(slots, xs)
    ]
    for slot, x in zip(slots, moved):
        if slot.buffer is not None and not stays(slot, x):
            assign(k, whole(slot.buffer, numeric(slot.type), x.lengths), x)  # type: ignore[union-attr, arg-type]
    k.note("settled")
    return [s.texts(x) for s, x in zip(slots, xs)]


def is_overwritten(slot: Slot, x: Value, targets: set[Buffer]) -> bool:
    """Whether what moves into one of these buffers may be written before x is read."""
    return slot.buffer is not None and not stays(slot, x) and bool(targets & set(x.reads))  # type: ignore[union-attr]


def stays(slot: Slot, x: Value) -> bool:
    return home(x, numeric(slot.type)) is slot.buffer


def typed(frame: Frame, xs: Sequence[Value], types: Sequence[AnyType]) -> list[Value]:
    """Numbers as values of these types."""
    found: list[Value] = []
    for x, t in zip(xs, types):
        if isinstance(x, Number) and isinstance(t, Type):
            x = filled(cast(frame.kernel, x, t.dtype), ()) if t.shape else cast(frame.kernel, x, t.dtype)
        found.append(x)
    return found
