"""Piles: what the lanes of a batch have where no array holds it, a stack with a place for each lane (rules/lanes.py).

A pile that nothing was put into is an empty stack.  Where nothing is, of a pile that has places, the address of a stack
is null, and the first length of an array is -1: only what has lengths of its own is piled.
"""

from collections.abc import Callable, Sequence

from wengert.backends.llvm.arrays import Array, Lazy, Part, Stored, filled, part_of, stretched
from wengert.backends.llvm.frame import Frame, Record, Value, assign
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.parts import place_in
from wengert.backends.llvm.rows.reductions import sum_step
from wengert.backends.llvm.rows.stacks import (
    contents,
    element_of,
    empty,
    get,
    given,
    is_pointer,
    item_place,
    lengths_at,
    memory,
    next_place,
    own,
    push,
    put,
    put_lengths,
    seen,
    size_of,
    value_or_zero,
    zero,
)
from wengert.backends.llvm.text import INT, Function, Number, Word, constant
from wengert.ir.program import RECORD, AnyType, Equation, Extent, Stack, Type, has_extents, numeric
from wengert.rules.control import lifted_type

# ---------------------------------------------------------------- one lane


@lowers("lane_take")
def lane_take(frame: Frame, e: Equation) -> list[Value]:
    k, type, size = frame.kernel, e.params["type"].element, e.params["size"]
    pile = own(frame, e.ins[0])
    i = place_in(k, frame.word(e.ins[1]), size, frame.range(e.ins[1]))
    data, count = contents(k, pile)
    place = item_place(k, data, i, type)

    def taken() -> Value:
        x = seen(k, type, place)
        leave(k, type, place)
        return x

    if e.params.get("zeros") is not None:
        has_places = k.compare("ne", count, 0)
        (is_there,) = k.either(has_places, lambda: [holds(k, type, place)], lambda: ["false"])(["i1"])
        return [pile, value_or_zero(frame, e, type, is_there, taken)]
    k.require(k.compare("ne", count, 0))
    x = get(frame, type, place, e.outs[1])
    leave(k, type, place)
    return [pile, x]


@lowers("lane_put")
def lane_put(frame: Frame, e: Equation) -> Value:
    k, type, size = frame.kernel, e.params["type"].element, e.params["size"]
    pile, x = own(frame, e.ins[0]), given(frame, e.ins[1], frame.value(e.ins[1]))
    i = place_in(k, frame.word(e.ins[2]), size, frame.range(e.ins[2]))
    nothing = 0 if is_pointer(type) else -1

    def opened() -> list[str]:
        how = f"ptr %context, ptr {pile.text}, i64 {size}, i64 {size_of(type)}, i8 {nothing}"
        k.require(k.value(f"call i1 @open({how})"))
        return []

    k.either(k.compare("eq", contents(k, pile)[1], 0), opened, list)
    put(frame, x, type, item_place(k, contents(k, pile)[0], i, type))
    return pile


def holds(k: Function, type: AnyType, place: str) -> str:
    """Whether there is something in this place of a pile."""
    if is_pointer(type):
        return k.value(f"icmp ne ptr {k.value(f'load ptr, ptr {place}')}, null")
    if not has_extents(type):
        return "true"
    return k.compare("sge", k.load(k.address(place, lengths_at(type), "i8"), INT).text, 0)


def leave(k: Function, type: AnyType, place: str) -> None:
    """Nothing is there any more."""
    if is_pointer(type):
        k.put(f"store ptr null, ptr {place}")
    elif has_extents(type):
        k.store(constant(-1, INT), k.address(place, lengths_at(type), "i8"))


# ---------------------------------------------------------------- all lanes as a pile


@lowers("piled")
def piled(frame: Frame, e: Equation) -> Value:
    k, type = frame.kernel, e.params["type"]
    x, pile = frame.value(e.ins[0]), empty(k, type)
    k.nest([e.params["size"]], lambda index: push(frame, pile, lane_of(frame, x, index[0], type.element)))
    return pile


def lane_of(frame: Frame, x: Value, lane: Word, type: AnyType) -> Value:
    """What one lane has, which is of this type, of what all have."""
    if not isinstance(x, Record):
        return part_of(frame.kernel, as_array(x), [Part(lane)])
    assert isinstance(type, Stack)
    return changed(frame, x, type, lambda item, inner: lane_of(frame, item, lane, inner))


def changed(frame: Frame, stack: Record, type: Stack, change: Callable[[Value, AnyType], Value]) -> Record:
    """A stack of this type, of what is made of each value: change(value, type)."""
    k, made = frame.kernel, empty(frame.kernel, type)
    if RECORD in (type, stack.type):
        return unknown(k, made)
    data, count = contents(k, stack)

    def one(index: Sequence[Word]) -> None:
        place = item_place(k, data, index[0], element_of(stack))
        push(frame, made, change(seen(k, element_of(stack), place), element_of(made)))

    k.nest([count], one)
    return made


def unknown(k: Function, made: Record) -> Record:
    """What records hold, only the functions know that made them; the interpreter sees what it is.

    The pile that a loop begins with holds none, and this place is not reached.
    """
    k.require("false")
    return made


def as_array(x: Value) -> Array:
    assert not isinstance(x, Record)
    return filled(x, ()) if isinstance(x, Number) else x


# ---------------------------------------------------------------- all lanes together

Lanes = Callable[[Word], str]  # lane -> where what it has is; null where it has nothing


@lowers("unpiled")
def unpiled(frame: Frame, e: Equation) -> Value:
    k, type, size = frame.kernel, e.params["type"].element, e.params["size"]
    pile = frame.value(e.ins[0])
    assert isinstance(pile, Record)
    lanes: Lanes = lambda i: place_or_null(k, pile, i)
    if isinstance(type, Stack):
        return stack_of_all(frame, lanes, type, size)
    out = numeric(e.outs[0].type)
    zeros = frame.params(e).get("zeros", ())
    return array_of_all(k, lanes, type, size, zeros, lambda lengths: frame.place_for(e.outs[0], out, lengths, {}))


def place_or_null(k: Function, stack: Record, i: Word) -> str:
    data, count = contents(k, stack)
    place = item_place(k, data, i, element_of(stack))
    return k.value(f"select i1 {k.compare('slt', i, count)}, ptr {place}, ptr null")


def array_of_all(
    k: Function, lanes: Lanes, type: Type, size: int, zeros: Sequence[Word], room: Callable[[list[Word]], Stored]
) -> Stored:
    """In the room for an array of these lengths.  zeros: the shape of a lane, if none has anything"""
    to = room([size, *shape_of_all(k, lanes, type, size, zeros)])

    def one(index: Sequence[Word]) -> None:
        part, place = part_of(k, to, [Part(index[0])]), lanes(index[0])
        assert isinstance(part, Stored)

        def there() -> list[str]:
            assign(k, part, as_array(seen(k, type, k.memory(place, size_of(type)))))
            return []

        def nowhere() -> list[str]:
            assign(k, part, filled(constant(0, type.dtype), ()))
            return []

        k.either(is_there(k, type, place), there, nowhere)

    k.nest([size], one)
    return to


def is_there(k: Function, type: AnyType, place: str) -> str:
    is_place = k.value(f"icmp ne ptr {place}, null")
    (found,) = k.either(is_place, lambda: [holds(k, type, k.memory(place, size_of(type)))], lambda: ["false"])(["i1"])
    return found  # type: ignore[no-any-return]


def shape_of_all(k: Function, lanes: Lanes, type: Type, size: int, zeros: Sequence[Word]) -> list[Word]:
    """The shape that all lanes have which have something."""
    axes = [a for a, n in enumerate(type.shape) if isinstance(n, Extent)]
    if not axes:
        return list(type.shape)

    def one(i: Word, found: Sequence[Number]) -> Sequence[Number]:
        place = lanes(i)

        def mine() -> list[str]:
            x = as_array(seen(k, type, k.memory(place, size_of(type))))
            return [str(x.lengths[a]) for a in axes]

        lengths = k.either(is_there(k, type, place), mine, lambda: ["-1"] * len(axes))(["i64"] * len(axes))
        return [Number(agreed(k, x.text, n), INT) for x, n in zip(found, lengths)]

    found = k.repeat(size, one, [constant(-1, INT)] * len(axes))
    shape = list(type.shape)
    for a, n in zip(axes, found):
        shape[a] = k.choose(k.compare("slt", n.text, 0), zeros[a] if zeros else 0, n.text)
    return shape


def agreed(k: Function, known: str, n: str) -> str:
    """The length of both, of which -1 tells nothing."""
    is_known, has_none = k.compare("sge", known, 0), k.compare("slt", n, 0)
    differ = k.value(f"and i1 {is_known}, {k.compare('ne', known, n)}")
    k.require(k.value(f"or i1 {has_none}, {k.value(f'xor i1 {differ}, true')}"))
    return str(k.choose(has_none, known, n))


def stack_of_all(frame: Frame, lanes: Lanes, type: Stack, size: int) -> Record:
    """As high as that of any lane; where others are lower, there are zeros."""
    k, element = frame.kernel, type.element
    lifted = lifted_type(element, size)
    made = empty(k, Stack(lifted))
    if type == RECORD:
        return unknown(k, made)
    higher = lambda i, most: [Number(str(k.most(most[0].text, contents(k, stack_at(k, lanes(i), type))[1])), INT)]
    (height,) = k.repeat(size, higher, [constant(0, INT)])

    def level(index: Sequence[Word]) -> None:
        inside: Lanes = lambda i: place_or_null(k, Record(stack_at(k, lanes(i), type).text, type), index[0])
        if isinstance(element, Stack):
            push(frame, made, stack_of_all(frame, inside, element, size))
            return
        place, to = next_place(k, made), numeric(lifted)
        out = array_of_all(k, inside, element, size, (), lambda lengths: memory(k, place, to, lengths))
        put_lengths(k, out.lengths, to, place)

    k.nest([height.text], level)
    return made


def stack_at(k: Function, place: str, type: Stack) -> Record:
    """The stack whose address stands there; an empty one where there is none."""
    is_place = k.value(f"icmp ne ptr {place}, null")
    (found,) = k.either(is_place, lambda: [k.value(f"load ptr, ptr {place}")], lambda: ["null"])(["ptr"])
    is_none = k.value(f"icmp eq ptr {found}, null")
    return Record(k.value(f"select i1 {is_none}, ptr @no_items, ptr {found}"), type)


# ---------------------------------------------------------------- stacks that all lanes share


@lowers("stack_lift")
def stack_lift(frame: Frame, e: Equation) -> Value:
    found = frame.value(e.ins[0])
    assert isinstance(found, Record)
    return lifted(frame, found, e.params["size"])


def lifted(frame: Frame, x: Value, size: int) -> Value:
    """The same for all lanes."""
    if isinstance(x, Record):
        type = lifted_type(x.type, size)
        assert isinstance(type, Stack)
        return changed(frame, x, type, lambda item, _: lifted(frame, item, size))
    lengths = as_array(x).lengths
    return stretched(as_array(x), [size, *lengths], range(1, 1 + len(lengths)))


@lowers("stack_sum")
def stack_sum(frame: Frame, e: Equation) -> Value:
    found = frame.value(e.ins[0])
    assert isinstance(found, Record)
    return summed(frame, found, e.params["type"])


def summed(frame: Frame, x: Value, type: AnyType) -> Value:
    """Over the lanes; the sum is of this type."""
    if isinstance(x, Record):
        assert isinstance(type, Stack)
        return changed(frame, x, type, lambda item, inner: summed(frame, item, inner))
    lanes = as_array(x)

    def total(k: Function, index: Sequence[Word]) -> Number:
        one = lambda i, sum: [sum_step(k, sum[0], lanes.element(k, [i, *index]))]
        return k.repeat(lanes.lengths[0], one, [constant(0, lanes.dtype)])[0]

    return Lazy(lanes.dtype, lanes.lengths[1:], total, lanes.reads)


@lowers("cleared")
def cleared(frame: Frame, e: Equation) -> Value:
    """Zeros of the same shapes."""
    found = frame.value(e.ins[0])
    assert isinstance(found, Record) and isinstance(found.type, Stack)
    return changed(frame, found, found.type, lambda item, inner: zero_like(frame, item, inner))


def zero_like(frame: Frame, x: Value, type: AnyType) -> Value:
    if isinstance(x, Record):
        return zero(frame, type)
    return filled(constant(0, numeric(type).dtype), as_array(x).lengths)
