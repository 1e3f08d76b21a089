"""Batches of control flow: a loop over batched values is a loop whose body works on all lanes.

What decides where control goes (bounds, conditions, positions in an array) must be the same for all lanes.  Where it
is batched, the lanes run one by one, as in eager mode: `LanesDiffer`.  To evaluate both sides of a branch, or a loop
until its last lane is done, would need no more, but what a lane skips may trap, may never end, and has infinite or NaN
derivatives, which no mask can take back in all modes.
"""

from collections.abc import Sequence
from typing import Any

from wengert.core.types import dtype_of
from wengert.ir.order import either, loop_carries, reached, region_outs
from wengert.ir.program import AnyType, Equation, Program, Stack, parameter_types, result_types
from wengert.modes.batch import Batch, Batched, LanesDiffer, Shared
from wengert.modes.stage import Stage
from wengert.rules.control import call, for_, if_, length, lifted_type, stack_lift, while_
from wengert.rules.linear import broadcast_to, convert
from wengert.transforms.build import build, derived_of, optimised, replay

Flags = Sequence[bool]

# ---------------------------------------------------------------- which values differ between lanes


def batched_results(program: Program, batched: Flags) -> list[bool]:
    """Which results depend on the parameters that are marked."""
    return reached(program, batched, batched_outs)


def batched_outs(e: Equation, flags: Flags) -> list[bool]:
    if e.row is length:  # the arrays of all lanes have one shape
        return [False]
    outs = region_outs(e, flags, batched_results)
    return [True] * len(e.outs) if outs is None else outs


# ---------------------------------------------------------------- programs for all lanes


def batched_program(program: Program, size: int, batched: Flags, wanted: Flags) -> Program:
    """The program with the batch as first axis of the parameters that are marked, and of the results `wanted`."""
    types = [lifted_type(p.type, size) if b else p.type for p, b in zip(program.params, batched)]

    def body(stage: Stage, values: list[Any]) -> list[Any]:
        mode = Batch(size)
        try:
            outs = replay(program, [Batched(mode, v) if b else v for v, b in zip(values, batched)], stage)
        except LanesDiffer as found:
            raise LanesDiffer(None) if found.mode is mode else found from None
        mode.finished = True
        types = result_types(program)
        return [content(x, mode, t) if w else x for x, t, w in zip(outs, types, wanted)]

    return build(program.name, types, [p.name for p in program.params], body)


def content(x: Any, mode: Batch, type: AnyType) -> Any:
    """All lanes of a result, of the type that is declared for one."""
    if not isinstance(x, Batched) or x.mode is not mode:
        return repeated(x, mode.size, type)
    if isinstance(type, Stack) or dtype_of(x.primal) == type.dtype:
        return x.primal
    return convert(x.primal, dtype=type.dtype)


def repeated(x: Any, size: int, type: AnyType) -> Any:
    """The same for all lanes."""
    if isinstance(type, Stack):
        return stack_lift(x, size=size)
    x = broadcast_to(x, shape=(size, *type.shape))
    return x if dtype_of(x) == type.dtype else convert(x, dtype=type.dtype)


def operands_of(size: int, xs: Sequence[Any], batched: Flags, wanted: Flags, types: Sequence[AnyType]) -> list[Any]:
    return [repeated(x, size, t) if w and not b else x for x, b, w, t in zip(xs, batched, wanted, types)]


def results_of(outs: Sequence[Any], batched: Flags) -> tuple[Any, ...]:
    return tuple(x if b else Shared(x) for x, b in zip(outs, batched))


# ---------------------------------------------------------------- rules of the rows


def call_batch(size: int, batched: Flags, operands: Sequence[Any], *, program: Program) -> Any:
    lanes, wanted = derived_of(program, batched_call, [size], batched)
    return results_of(call(*operands, program=lanes), wanted)


def batched_call(program: Program, sizes: Sequence[int], batched: Flags) -> tuple[Program, list[bool]]:
    (size,) = sizes
    wanted = batched_results(program, batched)
    return optimised(batched_program(program, size, batched, wanted)), wanted


def if_batch(size: int, batched: Flags, operands: Sequence[Any], *, then: Program, orelse: Program) -> Any:
    if batched[0]:
        raise LanesDiffer(None)
    wanted = either([batched_results(side, batched[1:]) for side in (then, orelse)])
    sides = [batched_program(side, size, batched[1:], wanted) for side in (then, orelse)]
    return results_of(if_(*operands, then=sides[0], orelse=sides[1]), wanted)


def for_batch(size: int, batched: Flags, operands: Sequence[Any], *, body: Program, consts: int) -> Any:
    if any(batched[:3]):
        raise LanesDiffer(None)
    flags, xs, bodies = loop_lanes(size, batched[3:], operands[3:], body, consts)
    return results_of(for_(*operands[:3], *xs, body=bodies, consts=consts), flags[consts:])


def while_batch(
    size: int, batched: Flags, operands: Sequence[Any], *, test: Program, body: Program, consts: int
) -> Any:
    flags, xs, bodies = loop_lanes(size, batched, operands, body, consts)
    if any(batched_results(test, flags)):
        raise LanesDiffer(None)
    tests = batched_program(test, size, flags, [False])
    return results_of(while_(*xs, test=tests, body=bodies, consts=consts), flags[consts:])


def loop_lanes(
    size: int, batched: Flags, xs: Sequence[Any], body: Program, consts: int
) -> tuple[list[bool], list[Any], Program]:
    """(which constants and carries differ between lanes, their values, the body for all lanes)."""
    carries = loop_carries(body, batched, consts, batched_results)
    flags = [*batched[:consts], *carries]
    skip = len(body.params) - len(xs)  # the index
    values = operands_of(size, xs, batched, flags, parameter_types(body)[skip:])
    return flags, values, batched_program(body, size, [*[False] * skip, *flags], carries)


def length_batch(size: int, batched: Flags, operands: Sequence[Any], *, axis: int) -> Any:
    return Shared(length(*operands, axis=axis + 1))


for row, rule in (
    (length, length_batch),
    (call, call_batch),
    (if_, if_batch),
    (for_, for_batch),
    (while_, while_batch),
):
    row.batch = rule
