"""Programs that are called: each becomes a function of its own, once for each way to pass its operands.

    i32 @f(ptr context, operands ..., results ..., ptr work)

A number that results goes to an address, an array into a buffer of the caller's.  An array that the caller does not
need any more may be updated in place: the result is there, then.  `work` has room for the buffers of the function; a
function that calls itself takes that from the context, as its caller cannot know how much it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wengert.backends.llvm.arrays import Buffer, Stored, row_major
from wengert.backends.llvm.frame import Frame, Kernel, Record, Value, bytes_of, limits_of, reads_of, whole
from wengert.backends.llvm.lower import lowers, run
from wengert.backends.llvm.rows.control import branch_origin, may_overwrite, moved, operands, pointers, wishes_of
from wengert.backends.llvm.rows.stacks import given, size_of
from wengert.backends.llvm.slots import Slot, settle
from wengert.backends.llvm.text import INT, Module, Number, llvm_type, stored_type
from wengert.backends.schedule import is_array
from wengert.ir.program import AnyType, Equation, Program, Stack, extents_of, numeric, parameter_types, type_in

ALIGN = 64


@dataclass
class Called:
    """A function of the module.

    donated  for each operand: is it an array that may be overwritten?
    places   for each result: the operand whose buffer it is left in, or None
    arena    bytes of its buffers; None while they are not known
    """

    name: str
    donated: Sequence[bool]
    places: list[int | None]
    arena: int | None = None


def offsets(sizes: Sequence[int]) -> tuple[list[int], int]:
    """Where buffers begin in the arena, each on a line of the cache, and how large it is."""
    starts, at = [], 0
    for n in sizes:
        starts.append(at)
        at += -(-n // ALIGN) * ALIGN
    return starts, at


# ---------------------------------------------------------------- the function


def function_of(module: Module, program: Program, donated: tuple[bool, ...], recursive: bool) -> Called:
    key = (id(program), donated)
    found = module.known.get(key)
    if found is None:
        module.kept.append(program)
        places = result_places(program, donated)
        found = module.known[key] = Called(module.new("call"), donated, places)
        write(module, program, found, recursive)
    return found


def result_places(program: Program, donated: Sequence[bool]) -> list[int | None]:
    places: list[int | None] = []
    for i, x in enumerate(program.results):
        j = branch_origin(program, x) if is_array(type_in(program.results[i])) else None
        same = j is not None and donated[j] and program.params[j].type == type_in(program.results[i])
        places.append(j if same and j not in places else None)
    return places


def write(module: Module, program: Program, called: Called, recursive: bool) -> None:
    """The text of the function, and of an entry that cuts its buffers out of `work`."""
    head, _, starts, called.arena = write_body(Kernel(module, f"{called.name}.body"), program, called)
    module.functions.append(entry(called, head, starts, recursive))


def write_body(kernel: Kernel, program: Program, called: Called) -> tuple[list[str], list[Slot], list[int], int]:
    """The function itself.  Its parameters before the buffers, its results, where the buffers begin, how many bytes."""
    values, heads = parameters(kernel, program, called)
    slots, outs = result_slots(kernel, program, called, values)
    places = [s.buffer for s in slots]
    mine = {v.buffer for v, d in zip(values, called.donated) if d and isinstance(v, Stored)}
    owned = {b for b in [*places, *mine] if b is not None}
    frame = Frame(kernel, program, values, owned, wishes_of(program, places), given=pointers(program.params))
    run(frame)
    found = settle(frame, slots, moved(frame, program.results, slots))
    frame.leave()
    store_results(kernel, slots, found)
    buffers = [f"ptr noalias {b.address}" for b in kernel.buffers]
    head = ["ptr %context", *heads, *outs]
    kernel.module.functions.append(kernel.text([*head, *buffers]))
    return head, slots, *offsets([b.bytes for b in kernel.buffers])


def parameters(kernel: Kernel, program: Program, called: Called) -> tuple[list[Value], list[str]]:
    values: list[Value] = []
    heads: list[str] = []
    for i, p in enumerate(program.params):
        type, name = p.type, f"%x{i}"
        if isinstance(type, Stack):
            values.append(Record(name, type))
            heads.append(f"ptr {name}")
        elif type.shape == ():
            values.append(Number(name, type.dtype))
            heads.append(f"{llvm_type(type.dtype)} {name}")
        else:
            buffer = Buffer(kernel.memory(name, bytes_of(type)), max(bytes_of(type), 8))
            lengths = [f"{name}.n{j}" for j in range(len(extents_of(type)))]
            left = iter(lengths)
            values.append(whole(buffer, type, [n if isinstance(n, int) else next(left) for n in type.shape]))
            written = "" if called.donated[i] else "readonly "
            heads += [f"ptr noalias {written}{name}", *(f"i64 {n}" for n in lengths)]
    return values, heads


def result_slots(
    kernel: Kernel, program: Program, called: Called, values: Sequence[Value]
) -> tuple[list[Slot], list[str]]:
    """Where results go, and the parameters that say so."""
    slots, heads = [], []
    for i, place in enumerate(called.places):
        type = type_in(program.results[i])
        if not is_array(type):
            slots.append(Slot(type, None))
            heads.append(f"ptr noalias {kernel.memory(f'%r{i}', size_of(type))}")
            continue
        type = numeric(type)
        if place is None:
            buffer = Buffer(kernel.memory(f"%r{i}", bytes_of(type)), max(bytes_of(type), 8))
            slots.append(Slot(type, buffer))
            heads.append(f"ptr noalias %r{i}")
        else:
            slots.append(Slot(type, values[place].buffer))  # type: ignore[union-attr]
        heads += [f"ptr noalias {kernel.memory(f'%n{i}.{j}', 8)}" for j in range(len(extents_of(type)))]
    return slots, heads


def store_results(kernel: Kernel, slots: Sequence[Slot], found: Sequence[Sequence[str]]) -> None:
    """Numbers, addresses of stacks, and lengths that only the run knows."""
    for i, (slot, texts) in enumerate(zip(slots, found)):
        if slot.buffer is not None:
            for j, text in enumerate(texts):
                kernel.store(Number(text, INT), f"%n{i}.{j}")
        elif isinstance(slot.type, Stack):
            kernel.put(f"store ptr {texts[0]}, ptr %r{i}")
        else:
            kernel.store(Number(texts[0], slot.type.dtype), f"%r{i}")


def entry(called: Called, head: Sequence[str], starts: Sequence[int], recursive: bool) -> str:
    lines = []
    work = "%work"
    if recursive:
        lines += [
            "%here = alloca i8",
            "%deeper = call i1 @deeper(ptr %context, ptr %here)",
            "br i1 %deeper, label %go, label %fail",
            "go:",
        ]
        if called.arena:
            lines += [
                f"%block = call ptr @new_block(ptr %context, i64 {called.arena + ALIGN})",
                "%none = icmp eq ptr %block, null",
                "br i1 %none, label %fail, label %cut",
                "cut:",
            ]
            work = "%block"
    for i, start in enumerate(starts):
        lines.append(f"%b{i} = getelementptr inbounds i8, ptr {work}, i64 {start}")
    arguments = [" ".join([p.split()[0], p.split()[-1]]) for p in head] + [f"ptr %b{i}" for i in range(len(starts))]
    lines.append(f"%status = call i32 {called.name}.body({', '.join(arguments)})")
    if recursive and called.arena:
        lines.append("call void @free_block(ptr %block)")
    lines.append("ret i32 %status")
    if recursive:
        lines += ["fail:", "ret i32 1"]
    return "\n".join([f"define internal i32 {called.name}({', '.join([*head, 'ptr %work'])}) #0 {{", *lines, "}"])


# ---------------------------------------------------------------- the call


@lowers("call")
def call(frame: Frame, e: Equation) -> list[Value]:
    return calling(frame, e, e.params["program"], recursive=False)


@lowers("with_adjoint", "with_adjoint_and_effects")
def with_adjoint(frame: Frame, e: Equation) -> list[Value]:
    """A derivative that was written by hand is no part of the value."""
    return calling(frame, e, e.params["rule"].program, recursive=False)


@lowers("recur")
def recur(frame: Frame, e: Equation) -> list[Value]:
    return calling(frame, e, e.params["function"].program, recursive=True)


def calling(frame: Frame, e: Equation, program: Program, recursive: bool) -> list[Value]:
    k = frame.kernel
    xs = [passed(frame, x, v, p.type) for x, v, p in zip(e.ins, operands(frame, e.ins, program.params), program.params)]
    donated = tuple([is_donated(frame, e, x, v) for x, v in zip(e.ins, xs)])
    called = function_of(k.module, program, donated, recursive)
    arguments = ["ptr %context"]
    for v, t in zip(xs, parameter_types(program)):
        arguments += argument(v, t)
    results: list[Any] = []
    for out, place in zip(e.outs, called.places):
        type = out.type
        if not is_array(type):
            address = k.alloca("ptr" if isinstance(type, Stack) else stored_type(type.dtype))
            arguments.append(f"ptr {address}")
            results.append((type, address))
            continue
        type = numeric(type)
        if place is None:
            to = frame.room_for(out, type, {b: False for v in xs for b in reads_of(v)})
            arguments.append(f"ptr {to.address}")
        else:
            to = xs[place].buffer  # type: ignore[union-attr, assignment]
        lengths = [k.alloca("i64") for _ in extents_of(type)]
        arguments += [f"ptr {n}" for n in lengths]
        frame.holders.setdefault(to, set()).add(out)  # no other result may have it
        results.append((type, to, lengths))
    k.note("call", [v for v, d in zip(xs, donated) if not d], [v for v, d in zip(xs, donated) if d], results)
    work = "null"
    if not recursive and called.arena:
        work = frame.buffer(called.arena).address
    k.status(k.value(f"call i32 {called.name}({', '.join([*arguments, f'ptr {work}'])})"))
    return [result(frame, *r) for r in results]


def passed(frame: Frame, x: Any, value: Value, type: AnyType) -> Value:
    """An operand as a function takes it: an array in one piece, in a buffer of its type."""
    if isinstance(value, Record):
        return given(frame, x, value)
    if isinstance(value, Number):
        return value
    in_place = isinstance(value, Stored) and value.strides == row_major(limits_of(numeric(type)))
    return value if in_place else frame.temporary(value, numeric(type))


def is_donated(frame: Frame, e: Equation, x: Any, value: Value) -> bool:
    if not isinstance(value, Stored) or value.buffer is None or value.limits is None:
        return False
    if not frame.holders.get(value.buffer):
        return True  # a copy for this call
    return may_overwrite(frame, e, value.buffer, x)


def argument(x: Value, type: AnyType) -> list[str]:
    if isinstance(x, Record):
        return [f"ptr {x.text}"]
    if isinstance(x, Number):
        return [f"{llvm_type(x.dtype)} {x.text}"]
    assert isinstance(x, Stored)
    return [f"ptr {x.start}", *(f"i64 {n}" for n, m in zip(x.lengths, numeric(type).shape) if not isinstance(m, int))]


def result(frame: Frame, type: AnyType, where: Any, lengths: Sequence[str] = ()) -> Value:
    k = frame.kernel
    if isinstance(type, Stack):
        return Record(k.value(f"load ptr, ptr {where}"), type)
    if not is_array(type):
        return k.load(where, type.dtype)
    left = iter([k.load(n, INT).text for n in lengths])
    return whole(where, type, [n if isinstance(n, int) else next(left) for n in type.shape])
