"""Stacks that two loops push and pop together become one, whose elements are rows: one value of each.

    a = push(a, x)                          ab = push(ab, x, y)
    b = push(b, y)                  ->
    ...                                     ...
    a, x = pop(a)                           ab, x, y = pop(ab)
    b, y = pop(b)

A row has one count and one check for room, which are most of the text of a push.  Only machine code sees rows: an
element of such a stack is a structure of C, for which NumPy has a dtype.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from wengert.ir.program import Equation, Program, Stack, Type, Var, has_extents, variables
from wengert.passes.rewrite import place, rebuilt, with_operands


class Step(NamedTuple):
    """A loop that changes a stack once in each iteration: the stack is its carry number `carry`, from the end."""

    loop: Equation
    carry: int
    change: Equation


class Kept(NamedTuple):
    """A stack: where it is made, the loop that pushes, and the loop that pops."""

    made: Equation
    filled: Step
    emptied: Step


Readers = Callable[[Program], dict[Var, list[Equation | None]]]


# ---------------------------------------------------------------- which stacks


def bundled(program: Program) -> Program:
    """Parameters and results stay, so that nobody needs to know who runs the program."""
    made = [e for e in program.equations if e.row.name == "empty_stack" and may_share(e.outs[0].type)]
    if len(made) < 2:
        return program
    readers = cache(readers_in)
    groups: dict[tuple[Equation, Equation], list[Kept]] = {}
    for stack in filter(None, [followed(program, e, readers) for e in made]):
        groups.setdefault((stack.filled.loop, stack.emptied.loop), []).append(stack)
    for stacks in groups.values():
        if len(stacks) > 1:
            return bundled(joined(program, stacks))
    return program


def may_share(type: Any) -> bool:
    """Whether all values have one size: numbers, and arrays of which the lengths are known."""
    return isinstance(type.element, Type) and not has_extents(type.element)


def readers_in(program: Program) -> dict[Var, list[Equation | None]]:
    """Which equations read a variable, each time that they do; None for a result."""
    found: dict[Var, list[Equation | None]] = {}
    for e in program.equations:
        for x in variables(e):
            found.setdefault(x, []).append(e)
    for x in program.results:
        if isinstance(x, Var):
            found.setdefault(x, []).append(None)
    return found


def followed(program: Program, made: Equation, readers: Readers) -> Kept | None:
    """The stack on its way through two loops of this program, if nothing else reads it."""
    filled = step(program, made.outs[0], "stack_push", readers)
    emptied = filled and step(program, filled.loop.outs[filled.carry], "stack_pop", readers)
    if filled is None or emptied is None or emptied.loop.outs[emptied.carry] in readers(program):
        return None
    return Kept(made, filled, emptied)


def step(program: Program, stack: Var, row: str, readers: Readers) -> Step | None:
    loop = only(readers(program).get(stack, ()))
    if loop is None or loop.row.name not in ("for_", "while_"):
        return None
    carry, body, test = place(stack, loop.ins) - len(loop.ins), loop.params["body"], loop.params.get("test")
    if -carry > len(loop.outs) or (test is not None and test.params[carry] in readers(test)):
        return None
    before, inside = body.params[carry], readers(body)
    change = only(inside.get(before, ()))
    if change is None or change.row.name != row or may_be_empty(change):
        return None
    after = change.outs[0]
    return Step(loop, carry, change) if body.results[carry] is after and len(inside[after]) == 1 else None


def may_be_empty(pop: Equation) -> bool:
    """Whether an empty stack stands for one of zeros, so that others with it need not be empty."""
    return pop.params.get("zeros") is not None


def only(readers: Sequence[Equation | None]) -> Equation | None:
    return readers[0] if len(readers) == 1 else None


# ---------------------------------------------------------------- one stack in their place


def row_of(types: Sequence[Type]) -> Stack:
    """A stack of rows of such values, one after the other as C has them."""
    return Stack(Type(np.dtype([("", t.dtype, t.shape) for t in types], align=True), (), "row"))


def joined(program: Program, stacks: Sequence[Kept]) -> Program:
    type = row_of([s.made.outs[0].type.element for s in stacks])  # type: ignore[union-attr]
    made = replace(stacks[0].made, outs=[Var("kept", type)], params={"type": type})
    filled = together([s.filled for s in stacks], made.outs[0], -1)
    emptied = together([s.emptied for s in stacks], filled.outs[-1], 0)
    new = {stacks[0].made: made, stacks[0].filled.loop: filled, stacks[0].emptied.loop: emptied}
    gone = {s.made for s in stacks[1:]}
    return rebuilt(program, [new.get(e, e) for e in program.equations if e not in gone], program.results)


def together(steps: Sequence[Step], stack: Var, position: int) -> Equation:
    """The loop whose last carry is a stack of rows; it changes where the last of them did (-1), or the first (0)."""
    loop, body, carries = steps[0].loop, steps[0].loop.params["body"], {s.carry for s in steps}
    before, after, left = (Var(stack.name, stack.type) for _ in range(3))
    changes = [s.change for s in steps]
    here = [e for e in body.equations if e in changes][position]
    change = replace(
        here,
        outs=[after, *(x for e in changes for x in e.outs[1:])],
        ins=[before, *(x for e in changes for x in e.ins[1:])],
        params={**here.params, "type": stack.type},
        count=1 + sum(e.count - 1 for e in changes),
    )
    equations = [change if e is here else e for e in body.equations if e is here or e not in changes]
    params = {"body": with_carry(body, carries, before, equations, [*others(body.results, carries), after])}
    if test := loop.params.get("test"):
        params["test"] = with_carry(test, carries, Var(stack.name, stack.type), test.equations, test.results)
    return with_operands(loop, [*others(loop.outs, carries), left], [*others(loop.ins, carries), stack], params)


def with_carry(
    program: Program, gone: Collection[int], p: Var, equations: list[Equation], results: list[Any]
) -> Program:
    """The body or the test of a loop that has this parameter last, in place of some."""
    return Program([*others(program.params, gone), p], equations, results, program.name)


def others(xs: Sequence[Any], gone: Collection[int]) -> list[Any]:
    return [x for i, x in enumerate(xs, -len(xs)) if i not in gone]
