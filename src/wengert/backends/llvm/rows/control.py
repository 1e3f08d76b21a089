"""Loops, branches and calls in machine code; what loops of unknown length keep.

A carry that is an array has one buffer for all iterations.  The body writes its result there, in place where it can;
what it makes elsewhere is copied at the end of the iteration.
"""

from collections.abc import Sequence
from typing import Any

from wengert.backends.llvm.arrays import Buffer, Lazy, Stored
from wengert.backends.llvm.frame import Frame, Record, Value, home, whole
from wengert.backends.llvm.lower import lowers, run
from wengert.backends.llvm.rows.stacks import alone, given, is_pointer, reserve
from wengert.backends.llvm.scalars import cast
from wengert.backends.llvm.slots import Slot, settle, typed
from wengert.backends.llvm.text import BOOL, INT, Function, Number, Phi, Word
from wengert.backends.schedule import is_array
from wengert.ir.program import RECORD, AnyType, Equation, Program, Type, Var, numeric
from wengert.passes.privatise import covers
from wengert.passes.ranges import Ranges, region_ranges

# ---------------------------------------------------------------- operands and results of regions


def wishes_of(program: Program, places: Sequence[Buffer | None]) -> dict[Var, Buffer]:
    """Which variables should be made in which buffers, so that the results end there."""
    wishes: dict[Var, Buffer] = {}

    def wish(x: Any, buffer: Buffer | None) -> None:
        if isinstance(x, Var) and buffer is not None and is_array(x.type):
            wishes.setdefault(x, buffer)

    for x, buffer in zip(program.results, places):
        wish(x, buffer)
    for e in reversed(program.equations):
        if "inplace" in e.params or e.row.name == "relabel":
            wish(e.ins[0], wishes.get(e.outs[0]))
        elif e.row.name in ("for_", "while_"):
            for x, out in zip(carries_of(e), e.outs):
                wish(x, wishes.get(out))
    return wishes


def carries_of(e: Equation) -> list[Any]:
    return e.ins[(3 if e.row.name == "for_" else 0) + e.params["consts"] :]


def settled(frame: Frame, x: Value, type: AnyType) -> Value:
    """An operand as a region may read it as often as it likes."""
    if isinstance(x, Lazy) and not x.is_free:
        return frame.temporary(x, numeric(type))
    return cast(frame.kernel, x, type.dtype) if isinstance(x, Number) and isinstance(type, Type) else x


# ---------------------------------------------------------------- loops


def carry_slots(frame: Frame, e: Equation, types: Sequence[AnyType]) -> list[Slot]:
    """The buffer of a carry is that of what it begins with, where nobody reads that afterwards."""
    slots: list[Slot] = []
    taken: set[Buffer] = set()
    for x, type, out in zip(carries_of(e), types, e.outs):
        if not is_array(type):
            slots.append(Slot(type, None))
            continue
        type = numeric(type)
        buffer = home(frame.value(x), type)
        if buffer in taken or not may_overwrite(frame, e, buffer, x):
            buffer = None
        buffer = buffer or frame.room_for(out, type, dict.fromkeys(taken, False))
        taken.add(buffer)
        slots.append(Slot(type, buffer))
    return slots


def may_overwrite(frame: Frame, e: Equation, buffer: Buffer | None, x: Any) -> bool:
    """Whether this operand alone holds the buffer, and nobody reads it afterwards: no view, nor another operand."""
    if buffer is None or not isinstance(x, Var):
        return False
    once = sum(y is x for y in e.ins) == 1
    return once and frame.may_take(buffer) and frame.holders.get(buffer, set()) <= {x}


@lowers("for_")
def for_(frame: Frame, e: Equation) -> list[Value]:
    k, body, consts = frame.kernel, e.params["body"], e.params["consts"]
    lo, hi, step = (frame.word(x) for x in e.ins[:3])
    if not isinstance(step, int):
        k.require(k.compare("ne", step, 0))
    constants = operands(frame, e.ins[3 : 3 + consts], body.params[1 : 1 + consts])
    slots = carry_slots(frame, e, [p.type for p in body.params[1 + consts :]])
    start = settle(frame, slots, begun(e, slots, carried(frame, carries_of(e), slots)))
    if (lo, step) == (0, 1):
        for x in pushed(body, [s.value(t, alone=True) for s, t in zip(slots, start)]):
            reserve(k, x, k.most(0, hi))
    head, inside, after = (k.fresh_label(n) for n in ("for", "body", "done"))
    before = k.block
    k.jump(head)
    k.label(head)
    index, phis = loop_phis(k, slots, start, before, str(lo))
    k.branch(goes_on(k, index.name, hi, step), inside, after)
    k.label(inside)
    if any(e.regions for e in body.equations):  # an innermost loop is over soon
        k.poll()
    texts = [[p.name for p in row] for row in phis]
    values = [Number(index.name, INT), *constants, *(s.value(t, alone=True) for s, t in zip(slots, texts))]
    found = iterate(frame, e, body, values, slots, region_ranges(e, frame.known)["body"])
    index.add(str(k.plus(index.name, step)), k.block)
    close(k, phis, found, head)
    k.label(after)
    return [s.value(t, alone=True) for s, t in zip(slots, texts)]


def pushed(body: Program, values: Sequence[Value]) -> list[Record]:
    """The stacks among its carries that grow by one value in each iteration."""
    grown = {e.ins[0] for e in body.equations if e.row.name == "stack_push"}
    params = body.params[len(body.params) - len(values) :]
    return [x for p, x in zip(params, values) if p in grown and isinstance(x, Record)]


def begun(e: Equation, slots: Sequence[Slot], xs: Sequence[Value]) -> list[Value]:
    """What carries begin with: a constant that the loop overwrites before it is read need not be there."""
    return [
        whole(slot.buffer, numeric(slot.type), x.lengths)
        if slot.buffer is not None and isinstance(x, Lazy) and x.is_free and covers(e, i, ())
        else x
        for i, (slot, x) in enumerate(zip(slots, xs))
    ]


def goes_on(k: Function, i: str, hi: Word, step: Word) -> str:
    if isinstance(step, int):
        return k.compare("slt" if step > 0 else "sgt", i, hi)
    up, down = k.compare("slt", i, hi), k.compare("sgt", i, hi)
    return k.value(f"select i1 {k.compare('sgt', step, 0)}, i1 {up}, i1 {down}")


def loop_phis(
    k: Function, slots: Sequence[Slot], start: Sequence[Sequence[str]], before: str, first: str
) -> tuple[Phi, list[list[Phi]]]:
    index = Phi(k, "i64")
    index.add(first, before)
    return index, carry_phis(k, slots, start, before)


def carry_phis(k: Function, slots: Sequence[Slot], start: Sequence[Sequence[str]], before: str) -> list[list[Phi]]:
    k.note("loop")
    rows = [[Phi(k, type) for type in s.registers()] for s in slots]
    for row, texts in zip(rows, start):
        for phi, text in zip(row, texts):
            phi.add(text, before)
    return rows


def close(k: Function, phis: Sequence[Sequence[Phi]], found: Sequence[Sequence[str]], head: str) -> None:
    for row, texts in zip(phis, found):
        for phi, text in zip(row, texts):
            phi.add(text, k.block)
    k.jump(head)
    k.note("again")


def iterate(
    frame: Frame, e: Equation, body: Program, values: Sequence[Value], slots: Sequence[Slot], known: Ranges
) -> list[list[str]]:
    """One run of the body; its results are in the slots."""
    places = [s.buffer for s in slots]
    owned = {b for b in places if b is not None}
    given = body.params[len(body.params) - len(slots) :]
    inner = Frame(frame.kernel, body, values, owned, wishes_of(body, places), dict(known), given=pointers(given))
    run(inner)
    found = settle(inner, slots, carried(inner, body.results, slots))
    inner.leave()
    return found


def pointers(xs: Sequence[Any]) -> list[Var]:
    return [x for x in xs if isinstance(x, Var) and is_pointer(x.type)]


def operands(frame: Frame, xs: Sequence[Any], params: Sequence[Var]) -> list[Value]:
    found = [settled(frame, frame.value(x), p.type) for x, p in zip(xs, params)]
    for x, value in zip(xs, found):
        frame.kernel.note("operand", x, value)
    return found


def moved(frame: Frame, xs: Sequence[Any], slots: Sequence[Slot]) -> list[Value]:
    """Values that leave the frame, or enter a region that owns them."""
    values = [given(frame, x, frame.value(x)) for x in xs]
    return typed(frame, values, [s.type for s in slots])


def carried(frame: Frame, xs: Sequence[Any], slots: Sequence[Slot]) -> list[Value]:
    """The same for an iteration: no stack has another owner, so that the body need not ask."""
    values = moved(frame, xs, slots)
    return [alone(frame.kernel, x) if isinstance(x, Record) and x.type != RECORD else x for x in values]


@lowers("while_")
def while_(frame: Frame, e: Equation) -> list[Value]:
    k, test, body, consts = frame.kernel, e.params["test"], e.params["body"], e.params["consts"]
    constants = operands(frame, e.ins[:consts], body.params[:consts])
    slots = carry_slots(frame, e, [p.type for p in body.params[consts:]])
    start = settle(frame, slots, carried(frame, carries_of(e), slots))
    head, inside, after = (k.fresh_label(n) for n in ("while", "body", "done"))
    before = k.block
    k.jump(head)
    k.label(head)
    phis = carry_phis(k, slots, start, before)
    texts = [[p.name for p in row] for row in phis]
    values = [*constants, *(s.value(t, alone=True) for s, t in zip(slots, texts))]
    known = region_ranges(e, frame.known)
    asking = Frame(k, test, values, set(), {}, dict(known["test"]))
    run(asking)
    answer = cast(k, asking.number(test.results[0]), BOOL)
    asking.leave()
    k.branch(answer.text, inside, after)
    k.label(inside)
    k.poll()
    found = iterate(frame, e, body, values, slots, known["body"])
    close(k, phis, found, head)
    k.label(after)
    return [s.value(t, alone=True) for s, t in zip(slots, texts)]


# ---------------------------------------------------------------- branches


@lowers("if_")
def if_(frame: Frame, e: Equation) -> list[Value]:
    k, params = frame.kernel, e.params["then"].params
    condition = cast(k, frame.number(e.ins[0]), BOOL)
    values = operands(frame, e.ins[1:], params)
    taken = {i for i, x in enumerate(e.ins[1:]) if is_pointer(params[i].type) and frame.takes(x)}
    owned = set(owned_operands(frame, e, values))
    slots = branch_slots(frame, e, values, owned)
    places = [s.buffer for s in slots]
    known = region_ranges(e, frame.known)
    shared: set[int] = set()  # which results may be stacks that others own, too

    def side(key: str) -> list[str]:
        program: Program = e.params[key]
        mine = owned.union(b for b in places if b is not None)
        given = [program.params[i] for i in taken]
        inner = Frame(k, program, values, mine, wishes_of(program, places), dict(known[key]), given=given)
        run(inner)
        results = moved(inner, program.results, slots)
        shared.update(i for i, x in enumerate(results) if isinstance(x, Record) and not x.alone)
        found = settle(inner, slots, results)
        inner.leave()
        return [text for row in found for text in row]

    if condition.text in ("true", "false"):
        texts = side("then" if condition.text == "true" else "orelse")
    else:
        merged = k.either(condition.text, lambda: side("then"), lambda: side("orelse"))
        texts = merged([r for s in slots for r in s.registers()])
    left = iter(texts)
    return [s.value([next(left) for _ in s.registers()], i not in shared) for i, s in enumerate(slots)]


def owned_operands(frame: Frame, e: Equation, values: Sequence[Value]) -> list[Buffer]:
    """Buffers that only one operand of the branch holds, and that nobody reads afterwards."""
    found = []
    for x, v in zip(e.ins[1:], values):
        if isinstance(v, Stored) and v.buffer is not None and may_overwrite(frame, e, v.buffer, x):
            found.append(v.buffer)
    return found


def branch_slots(frame: Frame, e: Equation, values: Sequence[Value], owned: set[Buffer]) -> list[Slot]:
    """A result that is an update of an operand stays in the operand's buffer."""
    slots: list[Slot] = []
    taken: set[Buffer] = set()
    for i, out in enumerate(e.outs):
        if not is_array(out.type):
            slots.append(Slot(out.type, None))
            continue
        type, buffer = numeric(out.type), None
        for program in (e.params["then"], e.params["orelse"]):
            j = branch_origin(program, program.results[i])
            found = None if j is None else home(values[j], type)
            if found in owned and found not in taken:
                buffer = found
                break
        buffer = buffer or frame.room_for(out, type, dict.fromkeys(taken, False))
        taken.add(buffer)
        slots.append(Slot(type, buffer))
    return slots


def branch_origin(program: Program, x: Any) -> int | None:
    """The parameter that a result is an update of."""
    made = {o: e for e in program.equations for o in e.outs}
    while isinstance(x, Var) and x in made:
        e = made[x]
        if "inplace" in e.params or e.row.name == "relabel":
            x = e.ins[0]
        elif e.row.name in ("for_", "while_"):
            x = carries_of(e)[e.outs.index(x)]
        elif e.row.name == "if_":
            i = e.outs.index(x)
            sides = [branch_origin(p, p.results[i]) for p in (e.params["then"], e.params["orelse"])]
            j = next((j for j in sides if j is not None), None)
            if j is None:
                return None
            x = e.ins[1 + j]
        else:
            return None
    return program.params.index(x) if isinstance(x, Var) else None
