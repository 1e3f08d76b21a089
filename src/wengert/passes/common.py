"""Equal equations of a program become one; regions take each operand once; what was just written is read back.

y = f(x); z = f(x)                           y = f(x), and y for z
for_(..., x, x)                              for_(..., x), where both are constants
write(a, v, index=i); getitem(.., index=i)   v, where it has the type of the element
p = winner(x, y); q = winner(y, x)           q = 1.0 - p: exact, at ties and at nan as well
"""

from dataclasses import replace
from typing import Any

import numpy as np

from wengert.ir.keys import key_of
from wengert.ir.order import has_effect, reads
from wengert.ir.program import Equation, Program, Var, dtype_in, map_holes, numeric, substituted, type_in
from wengert.passes.rewrite import Names, everywhere, place, rebuilt, renamed, stands_for, with_operands
from wengert.rules.elementwise import sub, winner

COMMUTE = frozenset(["add", "mul", "equal", "not_equal", "logical_and", "logical_or"])
STORAGE = frozenset(["full", "empty_stack"])  # made anew each time


def common_block(program: Program) -> Program:
    names: Names = {}
    seen: dict[Any, Equation] = {}
    written: dict[Any, Any] = {}
    fixed = never_updated(program)
    equations = []
    for e in program.equations:
        e = complemented(deduplicated(renamed(e, names)), seen)
        found = found_before(e, seen, written, fixed)
        if found is not None:
            names.update(zip(e.outs, found))
            continue
        equations.append(e)
        if e.row.name == "write" and is_one_place(e):
            written[e.outs[0], key_of(e.params["index"]), *map(key_of, e.ins[2:])] = e.ins[1]
    return rebuilt(program, equations, [stands_for(x, names) for x in program.results])


def found_before(e: Equation, seen: dict[Any, Equation], written: dict[Any, Any], fixed: set[Var]) -> list[Any] | None:
    """What stands for the results, where something earlier does."""
    if has_effect(e) or (e.row.name in STORAGE and e.outs[0] not in fixed):
        return None
    if e.row.name == "getitem":
        x = written.get((e.ins[0], shifted(e), *map(key_of, e.ins[1:])))
        if x is not None and type_in(x) == e.outs[0].type:
            return [x]
    try:
        earlier = seen.setdefault(equation_key(e), e)
    except TypeError:  # a parameter without a hash
        return None
    return None if earlier is e else list(earlier.outs)


def equation_key(e: Equation) -> Any:
    ins = [key_of(x) for x in e.ins]
    if e.row.name in COMMUTE:
        ins.sort(key=order_of)
    return e.row, tuple(ins), key_of(e.params)


def complemented(e: Equation, seen: dict[Any, Equation]) -> Equation:
    """What one of two operands does not win, the other does: one comparison for both."""
    earlier = seen.get(equation_key(replace(e, ins=e.ins[::-1]))) if e.row is winner else None
    if earlier is None or earlier.outs[0].type != e.outs[0].type or dtype_in(e.outs[0].type).kind != "f":
        return e
    return replace(e, row=sub, ins=[1.0, *earlier.outs])


def order_of(key: Any) -> Any:
    return (0, key.number) if isinstance(key, Var) else (1, hash(key))


# ---------------------------------------------------------------- storage


def never_updated(program: Program) -> set[Var]:
    """Variables that nobody may update in place: to share their storage costs no copy."""
    kept = {x for x in program.results if isinstance(x, Var)}
    for e in program.equations:
        if e.regions or "inplace" in e.params or e.row.view:
            kept.update(reads([e]))
    return {o for e in program.equations for o in e.outs} - kept


# ---------------------------------------------------------------- read-back


def is_one_place(e: Equation) -> bool:
    """Whether the index names each element once (an array of positions may repeat)."""
    parts = e.params["index"]
    whole = all(not isinstance(p, np.ndarray) for p in parts) and not e.params["steps"]
    return whole and all(numeric(type_in(x)).shape == () for x in e.ins[2:])


def shifted(e: Equation) -> Any:
    """The index of a read as it stands in a write, which has one more operand."""
    return key_of(map_holes(e.params["index"], lambda hole: hole._replace(operand=hole.operand + 1)))


# ---------------------------------------------------------------- operands of regions


def deduplicated(e: Equation) -> Equation:
    """Each variable once among the operands that a region does not change."""
    match e.row.name:
        case "for_":
            return once(e, 3, 1, e.params["consts"])
        case "while_":
            return once(e, 0, 0, e.params["consts"])
        case "if_":
            return once(e, 1, 0, len(e.ins) - 1)
    return e


def once(e: Equation, head: int, skip: int, consts: int) -> Equation:
    operands = e.ins[head : head + consts]
    first = [place(x, operands) for x in operands]
    if first == list(range(consts)):
        return e
    params = {key: merged(p, skip, first) if isinstance(p, Program) else p for key, p in e.params.items()}
    left = [x for i, x in enumerate(operands) if first[i] == i]
    if "consts" in params:
        params["consts"] = len(left)
    return with_operands(e, e.outs, [*e.ins[:head], *left, *e.ins[head + consts :]], params)


def merged(p: Program, skip: int, first: list[int]) -> Program:
    own = p.params[skip : skip + len(first)]
    names = {q: own[i] for q, i in zip(own, first) if own[i] is not q}
    params = [q for q in p.params if q not in names]
    return Program(params, [renamed(e, names) for e in p.equations], substituted(p.results, names), p.name)


common = everywhere(common_block)
