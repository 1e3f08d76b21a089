"""What a loop does not change moves in front of it, from inner loops first.

Nothing moves that may raise, or may not end, unless the loop runs at least once and nothing before it in the body may
raise.  A `full` that is updated in place stays where it is: it is work space.
"""

from dataclasses import replace
from functools import cache
from typing import Any

from wengert.ir.order import has_effect
from wengert.ir.program import Equation, Program, Var, copied
from wengert.passes.common import STORAGE, never_updated
from wengert.passes.dead import HEADS, used
from wengert.passes.ranges import Ranges, context, learn, least_trips, region_ranges
from wengert.passes.rewrite import Final, Names, apart, rebuilt, with_regions
from wengert.passes.traps import can_trap


def hoist(program: Program) -> Program:
    new = Hoist().shared(program)
    return program if new is program else apart(new)


final = Final()


class Hoist:
    def __init__(self) -> None:
        # of a program that is called, maybe from several places
        self.shared = cache(lambda program: self.block(program, {}))

    def block(self, program: Program, ranges: Ranges) -> Program:
        around = context(program, ranges)
        if final.has(program, around):
            return program
        known, equations = dict(ranges), list[Equation]()
        for e in program.equations:
            e = self.inside(e, known)
            before, e = freed(e, known) if e.row.name in HEADS else ([], e)
            equations += [*before, e]
            for q in (*before, e):
                learn(q, known)
        return final.note(program, rebuilt(program, equations, program.results), around)

    def inside(self, e: Equation, known: Ranges) -> Equation:
        if e.row.name == "call":
            return with_regions(e, self.shared)
        ranges = region_ranges(e, known)
        programs = {key: self.block(e.params[key], inner) for key, inner in ranges.items()}
        if all(p is e.params[key] for key, p in programs.items()):
            return e
        return replace(e, params={**e.params, **programs})


def freed(e: Equation, known: Ranges) -> tuple[list[Equation], Equation]:
    """(what moves in front of the loop, the loop without it)"""
    head, skip = HEADS[e.row.name]
    before: list[Equation] = []
    for key, ranges in region_ranges(e, known).items():
        runs = key == "test" or (e.row.name == "for_" and least_trips(e, known) > 0)
        moved = invariant(e, key, ranges, runs)
        if moved:
            names: Names = dict(zip(e.params[key].params[skip:], e.ins[head : head + e.params["consts"]]))
            before += [copied(q, names) for q in moved]
            rest = remaining(e.params[key], moved)
            read = used(rest)
            e = replace(e, params={**e.params, key: rest})
            e = with_constants(e, key, {o: names[o] for q in moved for o in q.outs if o in read}, head, skip)
    return before, e


def with_constants(e: Equation, key: str, outside: dict[Var, Var], head: int, skip: int) -> Equation:
    """The loop with more constants, which the region `key` reads under the names that they had."""
    consts = e.params["consts"]
    params: dict[str, Any] = {**e.params, "consts": consts + len(outside)}
    for k, p in e.params.items():
        if isinstance(p, Program):
            own = list(outside) if k == key else [Var(o.name, o.type) for o in outside]
            more = [*p.params[: skip + consts], *own, *p.params[skip + consts :]]
            params[k] = Program(more, p.equations, p.results, p.name)
    ins = [*e.ins[: head + consts], *outside.values(), *e.ins[head + consts :]]
    return replace(e, ins=ins, params=params, count=len(ins))


def invariant(e: Equation, key: str, known: Ranges, runs: bool) -> list[Equation]:
    program = e.params[key]
    skip = HEADS[e.row.name][1]
    free = set(program.params[skip : skip + e.params["consts"]])
    fixed, known, found, quiet = never_updated(program), dict(known), [], True
    for q in program.equations:
        learn(q, known)
        traps = can_trap(q, known)
        outside = all(not isinstance(x, Var) or x in free for x in q.ins)
        storage = q.row.name in STORAGE and q.outs[0] not in fixed
        if outside and not storage and not has_effect(q) and (not traps or (runs and quiet)):
            found.append(q)
            free.update(q.outs)
        elif traps:
            quiet = False
    return found


def remaining(program: Program, moved: list[Equation]) -> Program:
    gone = set(map(id, moved))
    return Program(program.params, [q for q in program.equations if id(q) not in gone], program.results, program.name)
