"""Reverse mode of a program, in two programs: the forward sweep, which also keeps, and the way back.

The equations of the program run through the eager engine's reverse mode on top of staging, so that every row is
differentiated by the same rules, and the derivative of a derivative needs nothing new.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from wengert.ir.order import needed, reads
from wengert.ir.program import (
    RECORD,
    REGIONS,
    AnyType,
    Equation,
    Items,
    Program,
    Stack,
    Type,
    Unread,
    Var,
    clone,
    is_unnamed,
    substituted,
    tangent_type,
    type_in,
    zero,
)
from wengert.modes.reverse import Leaf, Node, Reverse, Sweep
from wengert.modes.stage import Stage
from wengert.passes.common import common_block
from wengert.passes.rewrite import place, times
from wengert.passes.traps import can_trap, is_users
from wengert.rules.control import call, filled, literal, pack, unpack
from wengert.transforms.build import apply, bar, build, called, derived_of, replay, var_of
from wengert.transforms.keep import Plan, choose, is_heavy, plans_inside, report
from wengert.transforms.partials import worth_moving
from wengert.transforms.settled import Facts, Settled, known_inside


@dataclass
class Halves:
    """
    forward    (parameters) -> (results, *kept)
    backward   (*parameters at hand, *finals, *kept, *cotangents, *totals) -> totals
    hand       which parameters the backward program gets, by position
    finals     of which parameters it gets what they are in the end, by position
    kept       types of what the forward program keeps
    names      the user's names of that
    moving     results that have a cotangent, by position
    """

    forward: Program
    backward: Program
    hand: list[int]
    finals: list[int]
    kept: list[AnyType]
    names: list[str]
    moving: list[int]


def recorded(halves: Halves) -> Halves:
    """The same with one record in place of what is kept."""
    kept, n = halves.kept, len(halves.forward.results) - len(halves.kept)
    fore, back, hand = halves.forward, halves.backward, len(halves.hand)
    left, found = Var("record", RECORD), Var("record", RECORD)
    packed = Equation([left], pack, fore.results[n:], {}, len(kept))
    unpacked = Equation(back.params[hand : hand + len(kept)], unpack, [found], {"types": tuple(kept)}, 1)
    forward = Program(fore.params, [*fore.equations, packed], [*fore.results[:n], left], fore.name)
    params = [*back.params[:hand], found, *back.params[hand + len(kept) :]]
    backward = Program(params, [unpacked, *back.equations], back.results, back.name)
    return replace(halves, forward=forward, backward=backward, kept=[RECORD], names=["record"])


def repeated(halves: Halves, program: Program) -> Halves:
    """The same with nothing kept: the way back begins with the forward sweep, and needs all parameters for that."""
    fore, back, n = halves.forward, halves.backward, len(program.params)
    params = [*program.params, *back.params[len(halves.hand) + len(halves.kept) :]]

    def body(stage: Stage, values: list[Any]) -> Any:
        kept = call(*values[:n], program=fore)[len(program.results) :]
        return call(*(values[i] for i in halves.hand), *kept, *values[n:], program=back)

    both = build(back.name, [p.type for p in params], [p.name for p in params], body)
    return replace(halves, forward=program, backward=both, hand=list(range(n)), kept=[], names=[])


def split(
    program: Program,
    traced: Sequence[bool],
    moving: Sequence[bool],
    free: Sequence[bool],
    costly: Sequence[bool] = (),
    fresh: Sequence[bool] = (),
    trips: int | None = None,
    repeats: bool = False,
    facts: Facts | None = None,
) -> Halves:
    """
    traced   parameters with a cotangent; their totals so far are parameters of the backward program
    fresh    those of them whose total starts here, and is no parameter
    moving   results with a cotangent
    free     parameters that are at hand on the way back; see `keep.choose` for the rest
    facts    what is known of the parameters
    """
    n = len(program.params)
    ends = [i for i, m in enumerate(moving) if m]
    costly, fresh = costly or [False] * n, fresh or [False] * n
    fresh = [f or isinstance(p.type, Stack) for f, p in zip(fresh, program.params)]  # a stack is used once
    settled = Settled(program, facts or Facts())
    near = [f and not (c and is_heavy(p, trips)) for p, f, c in zip(program.params, free, costly)]
    with plans_inside() as inner:
        both, mark = joint(program, traced, ends, near, fresh, settled)
    fore = Program(both.params[:n], both.equations[:mark], both.results[: len(program.results)], program.name)
    rest, totals = both.params[n:], both.results[len(program.results) :]
    way = common_block(Program(both.params, needed(both.equations[mark:], totals), totals))
    back, totals = way.equations, way.results
    sources = settled.sources()
    plan = choose(fore, demand(back, rest, totals), free, costly, trips, repeats, sources)
    moved = worth_moving(back, rest, totals, plan)
    if moved:
        fore = Program(fore.params, [*fore.equations, *moved], fore.results, fore.name)
        back = [e for e in back if e not in moved]
        plan = choose(fore, demand(back, rest, totals), free, costly, trips, repeats, sources)
    plan.inner = inner
    report(plan)
    return assemble(fore, back, rest, totals, plan, free, ends, settled)


def demand(back: Sequence[Equation], given: Sequence[Var], totals: Sequence[Any]) -> list[Var]:
    """What the way back reads of the forward sweep, where `given` are variables of its own."""
    own = {o for e in back for o in e.outs}.union(given)
    read = dict.fromkeys([*reads(back), *(x for x in totals if isinstance(x, Var))])
    return [x for x in read if x not in own]


def joint(
    program: Program,
    traced: Sequence[bool],
    ends: list[int],
    near: Sequence[bool],
    fresh: Sequence[bool],
    settled: Settled,
) -> tuple[Program, int]:
    """The program followed by its way back, and how many equations are the program's.

    Parameters: the program's, a cotangent for each of `ends`, a total for each traced parameter that is not fresh, and
    what arrays are in the end.

    near   parameters that are at hand for loops inside, too
    """
    mark = 0
    outs = [program.results[i] for i in ends]
    types = [p.type for p in program.params]
    waiting = [p for p, t, f in zip(program.params, traced, fresh) if t and not f]
    types += [tangent_type(type_in(x)) for x in outs] + [tangent_type(p.type) for p in waiting]
    names = [p.name for p in program.params]
    names += [bar(x.name if isinstance(x, Var) else "c") for x in outs] + [bar(p.name) for p in waiting]
    finals = settled.finals
    types += [p.type for p in finals]
    names += [f"{p.name}_final" for p in finals]

    def body(stage: Stage, values: list[Any]) -> list[Any]:
        nonlocal mark
        n, k = len(program.params), len(ends)
        cts, totals = values[n : n + k], values[n + k : n + k + len(waiting)]
        settled.values = dict(zip(finals, values[n + k + len(waiting) :]))
        settled.name(program.params, values)
        own = {p for p, is_near in zip(program.params, near) if is_near}
        stage.free = {v.aux for v, p in zip(values, program.params) if p in own}

        def note(e: Equation, outs: Sequence[Any]) -> None:
            note_source(e, outs, mode)
            settled.name(e.outs, outs)
            if is_made_here(e, own):
                own.update(e.outs)
                stage.free.update(v for v in map(var_of, outs) if v is not None)

        def knowing(e: Equation, operands: list[Any], stage: Stage) -> Sequence[Any]:
            with known_inside(settled.inside(e) if e.regions else None):
                return apply(e, operands, stage)

        mode = Reverse()
        leaves = [Leaf() if t else None for t in traced]
        inputs = [v if leaf is None else Node(mode, v, leaf) for v, leaf in zip(values, leaves)]
        results = replay(program, inputs, stage, note, knowing)
        mark = len(stage.block.program.equations)
        seeds = list(zip([leaf for leaf, f in zip(leaves, fresh) if leaf and not f], totals))
        for i, ct in zip(ends, cts):
            out = results[i]
            if isinstance(out, Node) and out.mode is mode:
                seeds.append((out.aux, ct))
        found = StagedSweep(stage).run(seeds)
        mode.finished = True
        stage.where = stage.origin = None
        ended = [total(found, leaf, p, x) for leaf, p, x in zip(leaves, program.params, values) if leaf]
        return [peeled(x, mode) for x in results] + ended

    return build(program.name, types, names, body), mark


def is_made_here(e: Equation, own: set[Var]) -> bool:
    """Whether the results are new: to keep an array costs no more than it cost to make it.

    One that is only updated here, in its own storage, may cost a loop around this one copy for each element written.
    """
    if e.row.view or "inplace" in e.params:
        sources = e.ins[:1]
    elif e.row.name in REGIONS:
        sources = [x for x in e.ins if shape_in(x) != () and any(x.type == o.type for o in e.outs)]
    else:
        return True
    return all(x in own for x in sources)


def shape_in(x: Any) -> Any:
    return x.type.shape if isinstance(x, Var) and isinstance(x.type, Type) else ()


def total(found: dict[Any, Any], leaf: Leaf, p: Var, x: Any) -> Any:
    return called(filled(found.get(leaf), tangent_type(p.type), x), bar(p.name))


class Source(NamedTuple):
    """The equation that made the value of a record, and what that is called."""

    equation: Equation
    name: str


def note_source(e: Equation, outs: Sequence[Any], mode: Reverse) -> None:
    """Records of the outs remember their equation, among what is looked at when the way back comes to them."""
    for var, out in zip(e.outs, outs):
        if isinstance(out, Node) and out.mode is mode and out.aux.edges is not None:
            out.aux.guards = (*(out.aux.guards or ()), Source(e, var.name))


class StagedSweep(Sweep):
    """What it makes has the line and the origin of what it differentiates; cotangents are called after their values."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(keep=False)
        self.stage = stage

    def arrive(self, guards: Any, ct: Any) -> None:
        for source in guards:
            if isinstance(source, Source):
                self.stage.where, self.stage.origin = source.equation.where, source.equation
                called(ct, bar(source.name))
        super().arrive([g for g in guards if not isinstance(g, Source)], ct)


def begun(back: Program, fresh: Sequence[int]) -> Program:
    """The way back where nothing waits for these totals, by position from the last: no parameters, they begin inside.

    The first term of a total takes its place, on each side of a branch, where a sum with zeros would cost an array.
    """
    for p in [back.params[k] for k in fresh]:
        back = beginning(back, p)
    return back


def beginning(back: Program, p: Var) -> Program:
    params = [q for q in back.params if q is not p]
    e = only_reader(back, p)
    if e is not None and e.row.name in ("if_", "call"):
        equations = [beginning_inside(q, place(p, q.ins)) if q is e else q for q in back.equations]
        return Program(params, equations, back.results, back.name)
    if e is not None and e.row.name == "add" and len({type_in(x) for x in (*e.ins, *e.outs)}) == 1:
        first = e.ins[1 - place(p, e.ins)]
        if isinstance(first, Var) and is_unnamed(first.name):
            first.name = e.outs[0].name
        start, names = [], {e.outs[0]: first}
    else:
        start = list[Equation]()
        names = {p: zero_variable(p.name, p.type, start)}
    rest = [replace(q, ins=substituted(q.ins, names)) for q in back.equations if not any(o in names for o in q.outs)]
    return Program(params, [*start, *rest], substituted(back.results, names), back.name)


def only_reader(program: Program, p: Var) -> Equation | None:
    """The equation that reads p, if that does so once and is the only one."""
    found = [e for e in program.equations if times(p, e.ins)]
    return found[0] if len(found) == 1 and times(p, [*found[0].ins, *program.results]) == 1 else None


def beginning_inside(e: Equation, k: int) -> Equation:
    """The branch or call without its operand k, a total, which begins in its programs."""
    params = {key: derived_of(region, begun, [k - len(e.ins)]) for key, region in e.params.items()}
    ins = [*e.ins[:k], *e.ins[k + 1 :]]
    return replace(e, ins=ins, params=params, count=len(ins))


def zero_variable(name: str, type: AnyType, equations: list[Equation]) -> Any:
    """A zero as it stands in an equation, which may be one more of `equations`."""
    x = zero(type)
    if not isinstance(x, np.ndarray | Items | Unread):
        return x
    row, ins, params = literal(x)
    out = Var(name, type)
    equations.append(Equation([out], row, ins, params, len(ins)))
    return out


def may_raise(e: Equation) -> bool:
    """Whether the user's function may raise here, whatever comes of it: his index may be out of range."""
    return is_users(e) and can_trap(e, {})


def peeled(x: Any, mode: Reverse) -> Any:
    return x.primal if isinstance(x, Node) and x.mode is mode else x


def assemble(
    fore: Program,
    back: list[Equation],
    rest: list[Var],
    totals: list[Any],
    plan: Plan,
    free: Sequence[bool],
    ends: list[int],
    settled: Settled,
) -> Halves:
    """The two programs; variables of their own for the second."""
    kept = list(dict.fromkeys(plan.kept))
    results = [*fore.results, *kept]
    forward = Program(fore.params, needed(fore.equations, results, may_raise), results, fore.name)
    body = [*plan.again, *back]
    used = set(reads(body)) | {x for x in totals if isinstance(x, Var)}
    hand = [i for i, p in enumerate(fore.params) if free[i] and p in used and p not in kept]
    at_the_end = settled.finals_of(range(len(fore.params)))
    finals = [i for i, x in enumerate(at_the_end) if x in used]
    params = [*[fore.params[i] for i in hand], *[x for x in at_the_end if x in used], *kept]
    params += [x for x in rest if x not in at_the_end]
    backward = clone(Program(params, body, totals, f"{fore.name}_back"))
    return Halves(forward, backward, hand, finals, [x.type for x in kept], [x.name for x in kept], ends)
