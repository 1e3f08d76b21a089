"""A program while it is lowered: what its variables are, and which buffers nobody needs any more.

A buffer is free for something else when all variables that it holds have been read for the last time.  So an update
runs in place, and no allocation is left for the run.
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.backends.llvm.arrays import (
    Array,
    Buffer,
    Lazy,
    Pieces,
    Reads,
    Stored,
    filled,
    is_light,
    row_major,
)
from wengert.backends.llvm.bundles import bundled
from wengert.backends.llvm.call import Unsupported
from wengert.backends.llvm.text import Function, Module, Number, Word, constant, word
from wengert.backends.schedule import schedule
from wengert.ir.program import (
    RECORD,
    AnyType,
    Equation,
    Extent,
    Hole,
    Program,
    Stack,
    Type,
    Var,
    dtype_name,
    elements,
    map_holes,
    type_in,
    type_of,
    variables,
)
from wengert.passes.ranges import Ranges, range_of


def refuse_dtype(dtype: np.dtype[Any]) -> None:
    """Of numbers that the machine, or LLVM, does not compute with as they are."""
    size = dtype.itemsize // (2 if dtype.kind == "c" else 1)
    if dtype.kind not in "fiubc" or size > 8 or not dtype.isnative:
        raise Unsupported(f"numbers of dtype {dtype_name(dtype)} have no machine code")


@dataclass
class Record:
    """A stack or a record at run time: the address of what holds it.

    alone   a stack that is known to have one owner
    """

    text: str
    type: AnyType
    alone: bool = False


Value = Number | Array | Record


def dropping(x: Record) -> str:
    """The line by which a stack or a record has one owner less."""
    if x.type == RECORD:
        return f"call void @drop_record(ptr {x.text})"
    assert isinstance(x.type, Stack)
    depth, inner = 0, x.type.element
    while isinstance(inner, Stack) and inner != RECORD:
        depth, inner = depth + 1, inner.element
    return f"call void @drop_stack(ptr {x.text}, i64 {depth}, i1 {str(inner == RECORD).lower()})"


class Kernel(Function):
    """One function of machine code, whose buffers are parameters of their own: no two overlap."""

    def __init__(self, module: Module, name: str) -> None:
        super().__init__(module, name)
        self.buffers: list[Buffer] = []
        self.free: list[Buffer] = []

    def buffer(self, bytes: int) -> Buffer:
        """The smallest free one that suits, or a new one."""
        fits = [b for b in self.free if bytes <= b.bytes <= 2 * bytes + 64]
        if fits:
            found = min(fits, key=lambda b: b.bytes)
            self.free.remove(found)
            return found
        found = Buffer(f"%b{len(self.buffers)}", bytes)
        self.buffers.append(found)
        self.memory(found.address, bytes)
        return found


def limits_of(type: Type) -> tuple[int, ...]:
    return tuple([n.bound if isinstance(n, Extent) else n for n in type.shape])


def bytes_of(type: Type) -> int:
    return elements(type) * type.dtype.itemsize


def whole(buffer: Buffer, type: Type, lengths: Sequence[Word]) -> Stored:
    """An array of this type that fills the buffer."""
    limits = limits_of(type)
    return Stored(type.dtype, list(lengths), buffer.address, row_major(limits), buffer, limits)


def home(x: Value, type: Type) -> Buffer | None:
    """The buffer that an array of this type fills, row after row."""
    return x.buffer if isinstance(x, Stored) and x.limits == limits_of(type) else None


@dataclass(eq=False)
class Frame:
    """
    values   of the parameters;  owned  buffers that may be overwritten when nobody reads them any more
    wishes   where results should be made, and what becomes them
    known    ranges of whole numbers;  given  parameters that are stacks, which this program owns
    """

    kernel: Kernel
    program: Program
    values: Sequence[Value]
    owned: set[Buffer] = field(default_factory=set)
    wishes: dict[Var, Buffer] = field(default_factory=dict)
    known: Ranges = field(default_factory=dict)
    given: Sequence[Var] = ()

    def __post_init__(self) -> None:
        self.program = bundled(self.program)
        self.plan = schedule(self.program)
        self.env: dict[Var, Value] = {}
        self.holders: dict[Buffer, set[Var]] = {}
        self.made: list[Buffer] = []  # here: they go back when they are not needed any more
        self.mine: set[Var] = set()
        self.position = -1
        for p, x in zip(self.program.params, self.values):
            self.kernel.note("parameter", p, x)
            self.bind(p, x)
        self.mine = set(self.given)  # stacks and records that nobody else lets go

    # ------------------------------------------------------------ variables

    def bind(self, var: Var, x: Value) -> None:
        self.env[var] = x
        if isinstance(x, Record):
            self.mine.add(var)
        for b in reads_of(x):
            self.holders.setdefault(b, set()).add(var)

    def value(self, x: Any) -> Value:
        if isinstance(x, Var):
            self.kernel.note("read", x, self.env[x])
            return self.env[x]
        if isinstance(x, np.ndarray) and x.ndim:
            return stored_constant(self.kernel, x)
        return constant(x.item() if isinstance(x, np.ndarray) else x, type_of(x).dtype)  # type: ignore[union-attr]

    def number(self, x: Any) -> Number:
        found = self.value(x)
        assert isinstance(found, Number)
        return found

    def array(self, x: Any) -> Array:
        """As an array: a number is one of no axes."""
        found = self.value(x)
        return filled(found, ()) if isinstance(found, Number) else found  # type: ignore[return-value]

    def word(self, x: Any) -> Word:
        return word(self.number(x))

    def range(self, x: Any) -> tuple[int, int] | None:
        return range_of(x, self.known)

    def params(self, e: Equation) -> dict[str, Any]:
        """Its parameters, whose holes are filled by words, or arrays of positions."""
        if not e.has_holes:
            return e.params

        def fill(hole: Hole) -> Any:
            x = self.value(e.ins[hole.operand])
            return word(x) if isinstance(x, Number) else x

        return {key: map_holes(p, fill) for key, p in e.params.items()}

    # ------------------------------------------------------------ buffers

    def is_read_later(self, x: Any) -> bool:
        return self.plan.last.get(x, -1) > self.position

    def may_take(self, buffer: Buffer) -> bool:
        """Whether nobody reads the buffer after this equation."""
        return buffer in self.owned and not any(map(self.is_read_later, self.holders.get(buffer, ())))

    def is_shared(self, buffer: Buffer) -> bool:
        """Whether several operands of this equation read the buffer."""
        operands = variables(self.program.equations[self.position])
        return sum(buffer in reads_of(self.env[x]) for x in operands) > 1

    def takes(self, x: Any) -> bool:
        """Whether an equation may keep this stack or record, since nobody reads it afterwards."""
        if x not in self.mine or self.is_read_later(x):
            return False
        self.mine.discard(x)
        return True

    def release(self, variables: Iterable[Any]) -> None:
        for x in dict.fromkeys(x for x in variables if isinstance(x, Var)):
            if self.is_read_later(x):
                continue
            for b in reads_of(self.env[x]):
                self.holders[b].discard(x)
            if x in self.mine:
                self.mine.discard(x)
                self.kernel.put(dropping(self.env[x]))  # type: ignore[arg-type]
        for b in [b for b in self.made if not self.holders.get(b)]:
            self.give_back(b)

    def give_back(self, buffer: Buffer) -> None:
        self.made.remove(buffer)
        self.owned.discard(buffer)
        self.kernel.free.append(buffer)
        self.kernel.note("give back", buffer)

    def buffer(self, bytes: int) -> Buffer:
        found = self.kernel.buffer(max(bytes, 8))
        self.made.append(found)
        self.owned.add(found)
        return found

    def leave(self) -> None:
        """The program has run: only what it was given stays."""
        for b in list(self.made):
            self.give_back(b)

    def place_for(self, var: Var | None, type: Type, lengths: Sequence[Word], reads: Reads) -> Stored:
        """Where to write an array, element after element, that reads these buffers meanwhile."""
        return whole(self.room_for(var, type, reads), type, lengths)

    def room_for(self, var: Var | None, type: Type, reads: Reads) -> Buffer:
        """A buffer that may be written while these are read; where the result is wished, if that is free."""
        bytes = bytes_of(type)
        wish = None if var is None else self.wishes.get(var)
        if wish is not None and wish.bytes >= bytes and not self.holders.get(wish) and wish not in reads:
            return wish
        for b, same_places in reads.items():
            if same_places and b.bytes >= bytes and self.may_take(b):
                return b
        return self.buffer(bytes)

    def stored(self, x: Value, type: Type, var: Var | None = None) -> Stored:
        """An operand in memory."""
        return x if isinstance(x, Stored) else self.copied(x, type, var, is_operand=True)

    def copied(self, x: Value, type: Type, var: Var | None = None, is_operand: bool = False) -> Stored:
        """x in memory of its own; of an operand, not in what other operands of the equation read."""
        x = filled(x, ()) if isinstance(x, Number) else x
        assert isinstance(x, Stored | Lazy)
        in_place = isinstance(x, Lazy)
        reads = {b: in_place and same and not (is_operand and self.is_shared(b)) for b, same in x.reads.items()}
        out = self.place_for(var, type, x.lengths, reads)
        assign(self.kernel, out, x)
        return out

    def temporary(self, x: Array, type: Type) -> Stored:
        """A copy of x, for as long as this equation runs."""
        out = whole(self.buffer(bytes_of(type)), type, x.lengths)
        assign(self.kernel, out, x)
        return out


def reads_of(x: Value) -> Reads:
    return x.reads if isinstance(x, Stored | Lazy) else {}


def assign(k: Function, to: Stored, x: Array) -> None:
    """Every element of x, repeated along axes of length 1; each piece of one that has pieces."""
    if (
        isinstance(x, Stored)
        and x.is_contiguous
        and to.is_contiguous
        and x.lengths == to.lengths
        and x.dtype == to.dtype
    ):
        bytes: Word = x.dtype.itemsize
        k.copy(to.start, x.start, functools.reduce(k.times, to.lengths, bytes))
        return
    if isinstance(x, Pieces) and x.lengths == to.lengths:
        for first, last, piece in x.pieces:
            k.note("piece", to)
            assign_rows(k, to, piece, first, last)
        k.note("piece", None)
        return
    assign_rows(k, to, x, 0, to.lengths[0] if to.lengths else 1)


def assign_rows(k: Function, to: Stored, x: Array, first: int, last: Word) -> None:
    lead = len(to.lengths) - len(x.lengths)

    def one(index: Sequence[Word]) -> None:
        index = [k.plus(index[0], first), *index[1:]] if index else []
        places = [0 if n == 1 else i for i, n in zip(index[lead:], x.lengths)]
        k.store(x.element(k, places), to.place(k, index))

    k.nest([k.minus(last, first), *to.lengths[1:]] if to.lengths else [], one, light=is_light(x))


def stored_constant(k: Function, x: np.ndarray) -> Stored:
    """Few numbers stand in the text; many are read where Python keeps them."""
    x = np.ascontiguousarray(x, x.dtype.newbyteorder("="))
    name = k.module.new("data")
    k.module.sizes[name] = x.nbytes
    if x.nbytes <= 1024:
        content = "".join(f"\\{byte:02X}" for byte in x.tobytes())
        k.module.data.append(f'{name} = private unnamed_addr constant [{x.nbytes} x i8] c"{content}", align 64')
    else:
        k.module.data.append(f"{name} = external constant [{x.nbytes} x i8], align {x.itemsize}")
        k.module.symbols[name[1:]] = x.ctypes.data
        k.module.kept.append(x)
    return Stored(x.dtype, list(x.shape), name, row_major(x.shape), None)


def type_as(x: Any) -> Type:
    """The type of an operand that is no stack."""
    found = type_in(x)
    assert not isinstance(found, Stack)
    return found
