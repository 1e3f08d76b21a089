"""Branches that ask the same thing become one.

    returned, y = if c: (True, a)  else: (False, 0.0)            z = if c: a
    z = if not returned: b  else: y                      ->          else: b

An early `return` is staged as such a pair; the way back of one branch has half as many cases, and keeps no flag.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.ir.order import has_effect
from wengert.ir.program import AnyType, Equation, Makers, Program, Var, copied, numeric, substituted, variables
from wengert.passes.rewrite import Names, everywhere, is_plain, rebuilt, renamed, stands_for
from wengert.passes.traps import can_trap, is_users
from wengert.rules.control import TRUTH, weak
from wengert.rules.elementwise import logical_not
from wengert.rules.linear import convert


def branch_block(program: Program) -> Program:
    if not any(e.row.name == "if_" for e in program.equations):
        return program
    equations, names = told(program.equations)
    results = [stands_for(x, names) for x in program.results]
    return rebuilt(program, merged(equations), results)


# ---------------------------------------------------------------- results that only say which side was taken


def told(equations: Sequence[Equation]) -> tuple[list[Equation], Names]:
    """A result that is True on one side and False on the other is the condition, or its opposite."""
    names: Names = {}
    found: list[Equation] = []
    for e in equations:
        e = renamed(e, names)
        found.append(e)
        if e.row.name == "if_" and isinstance(e.ins[0], Var) and numeric(e.ins[0].type).form != "array":
            for out, x, y in zip(e.outs, e.params["then"].results, e.params["orelse"].results):
                if is_plain(x) and is_plain(y) and (repr(x), repr(y)) in FLAGS:
                    more = truth(e, out, bool(x))
                    found += more
                    names[out] = more[-1].outs[0] if more else e.ins[0]
    return found, names


FLAGS = [("True", "False"), ("False", "True"), ("np.True_", "np.False_"), ("np.False_", "np.True_")]


def truth(e: Equation, out: Var, is_condition: bool) -> list[Equation]:
    """Equations that make the condition of e, or its opposite, a value of out's type."""
    found, made = e.ins[0], list[Equation]()

    def step(row: Primitive, type: AnyType, **params: Any) -> None:
        nonlocal found
        made.append(Equation([Var(out.name, type)], row, [found], params, 1, e.where, e.origin))
        found = made[-1].outs[0]

    if not is_condition:
        step(logical_not, TRUTH)
    if found.type != out.type and numeric(out.type).form == "weak":
        step(weak, out.type)
    elif found.type != out.type:
        step(convert, out.type, dtype=np.dtype(bool))
    return made


# ---------------------------------------------------------------- two branches on one condition


def merged(equations: list[Equation]) -> list[Equation]:
    """Each branch joins an earlier one on the same condition, where nothing stands in its way."""
    maker = {out: e for e in equations for out in e.outs}
    found: list[Equation] = []
    for e in equations:
        joined = None
        if e.row.name == "if_" and isinstance(e.ins[0], Var):
            asked, opposite = question(e.ins[0], maker)
            for i, first in enumerate(found):
                if first.row.name == "if_" and isinstance(first.ins[0], Var):
                    before, is_not = question(first.ins[0], maker)
                    if before is asked and may_join(first, found[i + 1 :], e):
                        joined = i, opposite != is_not
        if joined is None:
            found.append(e)
        else:
            found[joined[0]] = both(found[joined[0]], e, joined[1])
    return found


def question(x: Var, maker: Makers) -> tuple[Var, bool]:
    """(what decides x, whether x is the opposite of that)"""
    opposite = False
    while (e := maker.get(x)) is not None and e.row in (logical_not, weak) and isinstance(e.ins[0], Var):
        opposite ^= e.row is logical_not
        x = e.ins[0]
    return x, opposite


def may_join(first: Equation, between: Sequence[Equation], e: Equation) -> bool:
    """Whether e may run together with `first`, before what stands between them."""
    made = {out for q in between for out in q.outs}
    if any(x in made for x in variables(e)[1:]):
        return False
    return not (acts(e) and any(map(acts, between)))


def acts(e: Equation) -> bool:
    """Whether it does something, or may raise: that happens in order."""
    return has_effect(e) or (is_users(e) and can_trap(e, {}))


def both(first: Equation, e: Equation, is_opposite: bool) -> Equation:
    """One branch that does on each side what the two do."""
    operands = list(dict.fromkeys(x for x in (*first.ins[1:], *e.ins[1:]) if isinstance(x, Var)))
    operands = [x for x in operands if x not in first.outs]
    keys = ("then", "orelse")
    params = {
        key: one_side(first, first.params[key], e, e.params[other], operands)
        for key, other in zip(keys, reversed(keys) if is_opposite else keys)
    }
    ins = [first.ins[0], *operands]
    return replace(first, outs=[*first.outs, *e.outs], ins=ins, count=len(ins), params=params)


def one_side(first: Equation, p: Program, e: Equation, q: Program, operands: list[Var]) -> Program:
    params = [Var(x.name, x.type) for x in operands]
    given: Names = dict(zip(operands, params))
    names = dict(zip(p.params, substituted(first.ins[1:], given)))
    equations = [copied(s, names) for s in p.equations]
    results = substituted(p.results, names)
    given.update(zip(first.outs, results))
    names = dict(zip(q.params, substituted(e.ins[1:], given)))
    equations += [copied(s, names) for s in q.equations]
    return Program(params, equations, [*results, *substituted(q.results, names)], p.name)


branch = everywhere(branch_block)
