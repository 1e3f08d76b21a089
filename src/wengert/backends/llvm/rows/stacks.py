"""Stacks and records: what loops of unknown length and recursive functions keep for the way back."""

from collections.abc import Callable, Sequence
from typing import Any

from wengert.backends.llvm.arrays import Stored, filled, row_major
from wengert.backends.llvm.frame import Frame, Record, Value, assign, bytes_of, limits_of
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.runtime import LARGEST
from wengert.backends.llvm.slots import Slot, settle
from wengert.backends.llvm.text import INT, Function, Number, Word, constant
from wengert.ir.program import (
    RECORD,
    AnyType,
    Equation,
    Stack,
    Type,
    Var,
    extents_of,
    numeric,
    type_in,
    variables,
    walk,
)

FEW = 16  # values for which a stack has room at first
OWNERS = {"stack": 24, "record": 0}  # where in a block the number of its owners stands


def kind_of(type: AnyType) -> str:
    """Of what is no number and no array: "stack" or "record"."""
    return "record" if type == RECORD else "stack"


def is_pointer(type: AnyType) -> bool:
    return isinstance(type, Stack)


def size_of(type: AnyType) -> int:
    """Bytes of a value in a stack or a record: an array, and then its lengths that only the run knows."""
    if isinstance(type, Stack):
        return 8
    if type.form == "record":
        return 8
    if type.shape == ():
        return type.dtype.itemsize
    return lengths_at(type) + 8 * len(extents_of(type))


# ---------------------------------------------------------------- values in memory


def put(frame: Frame, x: Value, type: AnyType, place: str) -> None:
    k = frame.kernel
    if isinstance(x, Record):
        k.put(f"store ptr {x.text}, ptr {place}")
        return
    assert isinstance(type, Type)
    if isinstance(x, Number):
        k.store(x, place) if type.shape == () else assign(k, memory(k, place, type, type.shape), filled(x, ()))
        return
    assign(k, memory(k, place, type, x.lengths), x)
    put_lengths(k, x.lengths, type, place)


def put_lengths(k: Function, lengths: Sequence[Word], type: Type, place: str) -> None:
    at = lengths_at(type)
    for n, m in zip(lengths, type.shape):
        if not isinstance(m, int):
            k.store(Number(str(n), INT), k.address(place, at, "i8"))
            at += 8


def lengths_at(type: Type) -> int:
    """Bytes before the lengths that only the run knows."""
    return -(-bytes_of(type) // 8) * 8


def memory(k: Function, place: str, type: Type, lengths: Sequence[Any]) -> Stored:
    return Stored(type.dtype, list(lengths), place, row_major(limits_of(type)), None)


def get(frame: Frame, type: AnyType, place: str, var: Any) -> Value:
    x = seen(frame.kernel, type, place)
    return x if isinstance(x, Record | Number) else frame.copied(x, numeric(type), var)


def seen(k: Function, type: AnyType, place: str) -> Value:
    """What stands there; an array stays there."""
    if isinstance(type, Stack):
        return Record(k.value(f"load ptr, ptr {place}"), type)
    if type.shape == ():
        return k.load(place, type.dtype)
    at = lengths_at(type)
    lengths: list[Word] = []
    for n in type.shape:
        if isinstance(n, int):
            lengths.append(n)
            continue
        lengths.append(k.load(k.address(place, at, "i8"), INT).text)
        at += 8
    return memory(k, place, type, lengths)


# ---------------------------------------------------------------- owners


def own(frame: Frame, x: Any) -> Record:
    """The stack that an equation takes: itself at its last use, a clone where it is read later."""
    k, found = frame.kernel, frame.value(x)
    assert isinstance(found, Record) and isinstance(found.type, Stack)
    return alone(k, found) if frame.takes(x) else changeable(k, found, "clone")


def alone(k: Function, x: Record) -> Record:
    """The stack, or a clone where others own it, too: who asks gives up that it owns the stack, and owns the result."""
    return x if x.alone else changeable(k, x, "alone")


def changeable(k: Function, x: Record, how: str) -> Record:
    element = element_of(x)
    sizes = f"i64 {size_of(element)}, i64 {OWNERS[kind_of(element)] if is_pointer(element) else -1}"
    text = k.value(f"call ptr @{how}(ptr %context, ptr {x.text}, {sizes})")
    k.require(k.value(f"icmp ne ptr {text}, null"))
    return Record(text, x.type, alone=True)


def given(frame: Frame, x: Any, value: Value) -> Value:
    """A value that something else owns from now on: one more owner, where it is read later."""
    if isinstance(value, Record) and not frame.takes(x):
        share(frame, value)
    return value


def share(frame: Frame, x: Record) -> None:
    k, x.alone = frame.kernel, False
    k.put(f"call void @share(ptr {k.address(x.text, OWNERS[kind_of(x.type)], 'i8')})")


# ---------------------------------------------------------------- rows


@lowers("empty_stack")
def empty_stack(frame: Frame, e: Equation) -> Value:
    return empty(frame.kernel, e.outs[0].type)


def empty(k: Function, type: AnyType) -> Record:
    if type == RECORD:
        return new_record(k, 16, is_filled=False)
    text = k.value("call ptr @new_stack(ptr %context)")
    k.require(k.value(f"icmp ne ptr {text}, null"))
    return Record(text, type, alone=True)


@lowers("stack_push")
def stack_push(frame: Frame, e: Equation) -> Value:
    stack = own(frame, e.ins[0])
    push(frame, stack, *(given(frame, x, frame.value(x)) for x in e.ins[1:]))
    return stack


def push(frame: Frame, stack: Record, *xs: Value) -> None:
    place = next_place(frame.kernel, stack)
    for x, (type, offset) in zip(xs, values_in(element_of(stack))):
        put(frame, x, type, frame.kernel.address(place, offset, "i8"))


def reserve(k: Function, stack: Record, more: Word) -> None:
    """Room for so many more values, so that they need not move while the stack grows; of very many, for some."""
    size = size_of(element_of(stack))
    k.put(
        f"call void @reserve(ptr %context, ptr {stack.text}, i64 {size}, i64 {k.least(more, LARGEST // max(size, 1))})"
    )


def values_in(element: AnyType) -> list[tuple[AnyType, int]]:
    """The values in an element of a stack, and where they begin: one, or those of a row (`bundles.py`)."""
    if isinstance(element, Type) and element.form == "row":
        fields = (element.dtype.fields or {}).values()
        return [(Type(dtype.base, dtype.shape), offset) for dtype, offset, *_ in fields]
    return [(element, 0)]


def next_place(k: Function, stack: Record) -> str:
    """Where one more value of the stack goes."""
    size, count_place = size_of(element_of(stack)), k.address(stack.text, 8, "i8")
    count = k.value(f"load i64, ptr {count_place}")
    room = k.value(f"load i64, ptr {k.address(stack.text, 16, 'i8')}")
    full, enough = k.fresh_label("full"), k.fresh_label("room")
    k.branch(k.compare("eq", count, room), full, enough)
    k.label(full)
    k.require(k.value(f"call i1 @grow(ptr %context, ptr {stack.text}, i64 {size}, i64 {FEW})"))
    k.jump(enough)
    k.label(enough)
    data = k.value(f"load ptr, ptr {stack.text}")
    k.put(f"store i64 {k.plus(count, 1)}, ptr {count_place}")
    return k.memory(k.value(f"getelementptr inbounds i8, ptr {data}, i64 {k.times(count, size)}"), size)


def element_of(stack: Record) -> AnyType:
    assert isinstance(stack.type, Stack)
    element: AnyType = stack.type.element
    return element


def contents(k: Function, stack: Record) -> tuple[str, str]:
    """Where the values of the stack begin, and how many there are."""
    count = k.value(f"load i64, ptr {k.address(stack.text, 8, 'i8')}")
    data = k.memory(k.value(f"load ptr, ptr {stack.text}"), k.times(count, size_of(element_of(stack))))
    return data, count


def item_place(k: Function, data: str, i: Word, type: AnyType) -> str:
    return k.address(data, k.times(i, size_of(type)), "i8")


@lowers("stack_pop")
def stack_pop(frame: Frame, e: Equation) -> list[Value]:
    k, type = frame.kernel, e.params["type"].element
    stack = own(frame, e.ins[0])
    data, count = contents(k, stack)

    def pop() -> str:
        left = k.minus(count, 1)
        k.put(f"store i64 {left}, ptr {k.address(stack.text, 8, 'i8')}")
        return item_place(k, data, left, type)

    if e.params.get("zeros") is not None:
        is_there = k.compare("ne", count, 0)
        return [stack, value_or_zero(frame, e, type, is_there, lambda: seen(k, type, pop()))]
    k.require(k.compare("sgt", count, 0))
    place, found = pop(), list[Value]([stack])
    for x, (t, offset) in zip(e.outs[1:], values_in(type)):
        at = k.address(place, offset, "i8")
        found.append(seen(k, t, at) if stays_there(frame, e.outs[0], x) else get(frame, t, at, x))
    return found


def stays_there(frame: Frame, stack: Var, x: Var) -> bool:
    """Whether the popped array is read in this program only, where the stack stays as it is: no need to copy.

    Not in loops that change other stacks, which LLVM cannot tell from what it reads here.
    """
    readers = [q for q in frame.program.equations if x in variables(q)]
    changing = any("stack" in inner.row.name for q in readers for region in q.regions for inner in walk(region))
    read = any(stack in variables(q) for q in frame.program.equations)
    return stack in frame.program.results and x not in frame.program.results and not read and not changing


def value_or_zero(frame: Frame, e: Equation, type: AnyType, is_there: str, value: Callable[[], Value]) -> Value:
    """What is not there, of tangents or cotangents, is a zero of the shape that the equation names."""
    k = frame.kernel
    slot = Slot(type, frame.buffer(bytes_of(type)) if isinstance(type, Type) and type.shape else None)
    lengths = list(frame.params(e)["zeros"]) or list(getattr(type, "shape", ()))

    def nothing() -> list[str]:
        x = filled(constant(0, type.dtype), lengths) if slot.buffer else zero(frame, type)  # type: ignore[union-attr]
        return settle(frame, [slot], [x])[0]

    def something() -> list[str]:
        return settle(frame, [slot], [value()])[0]

    return slot.value(k.either(is_there, something, nothing)(slot.registers()))


@lowers("pack")
def pack(frame: Frame, e: Equation) -> list[Value]:
    types = [type_in(x) for x in e.ins]
    at = places_in(types)
    record = new_record(frame.kernel, at[-1], is_filled=True)
    for x, type, offset in zip(e.ins, types, at):
        put(frame, given(frame, x, frame.value(x)), type, frame.kernel.address(record.text, offset, "i8"))
    return [record]


def new_record(k: Function, bytes: int, is_filled: bool) -> Record:
    text = k.memory(k.value(f"call ptr @new_block(ptr %context, i64 {bytes})"), bytes)
    k.require(k.value(f"icmp ne ptr {text}, null"))
    k.put(f"store i64 1, ptr {text}")
    k.put(f"store i64 {int(is_filled)}, ptr {k.address(text, 8, 'i8')}")
    return Record(text, RECORD)


def places_in(types: Sequence[AnyType]) -> list[int]:
    """Where the values of a record begin, and where it ends."""
    at, found = 16, []
    for type in types:
        found.append(at)
        at += -(-size_of(type) // 8) * 8
    return [*found, at]


@lowers("unpack")
def unpack(frame: Frame, e: Equation) -> list[Value]:
    """An empty record of tangents or cotangents is one of zeros."""
    k, types = frame.kernel, e.params["types"]
    record = frame.value(e.ins[0])
    assert isinstance(record, Record)
    slots = [Slot(t, frame.buffer(bytes_of(t)) if isinstance(t, Type) and t.shape else None) for t in types]
    k.memory(record.text, places_in(types)[-1])
    is_filled = k.compare("ne", k.value(f"load i64, ptr {k.address(record.text, 8, 'i8')}"), 0)
    is_last = frame.takes(e.ins[0])

    def values() -> list[str]:
        texts = []
        for slot, offset in zip(slots, places_in(types)):
            texts += settle(frame, [slot], [seen(k, slot.type, k.address(record.text, offset, "i8"))])[0]
        let_go(k, record, list(texts_of(slots, texts)), is_last)
        return texts

    def zeros() -> list[str]:
        texts = []
        for slot in slots:
            texts += settle(frame, [slot], [zero(frame, slot.type)])[0]
        return texts

    texts = iter(k.either(is_filled, values, zeros)([r for s in slots for r in s.registers()]))
    return [s.value([next(texts) for _ in s.registers()]) for s in slots]


def texts_of(slots: Sequence[Slot], texts: Sequence[str]) -> list[Record]:
    """Those of stacks and records."""
    left = iter(texts)
    found = [(s, [next(left) for _ in s.registers()]) for s in slots]
    return [Record(t[0], s.type) for s, t in found if is_pointer(s.type)]


def let_go(k: Function, record: Record, inside: Sequence[Record], is_last: bool) -> None:
    """The values are read: they move out of a record that nobody else owns, else they get one more owner."""

    def shared() -> list[str]:
        for x in inside:
            k.put(f"call void @share(ptr {k.address(x.text, OWNERS[kind_of(x.type)], 'i8')})")
        return []

    def free() -> list[str]:
        k.put(f"call void @free_block(ptr {record.text})")
        return []

    def fewer() -> list[str]:
        k.put(f"call void @drop_record(ptr {record.text})")
        return shared()

    if not is_last:
        shared()
        return
    k.either(k.compare("eq", k.value(f"load i64, ptr {record.text}"), 1), free, fewer)


def zero(frame: Frame, type: AnyType) -> Value:
    if isinstance(type, Stack):
        return empty(frame.kernel, type)
    x = constant(0, type.dtype)
    return filled(x, [n if isinstance(n, int) else 0 for n in type.shape]) if type.shape else x
