"""What nobody reads vanishes: equations, results and carries of regions, and their operands.

    a carry that its body returns as it came     a constant
    a result that both sides of if_ agree on     that operand or number
    a carry that only feeds itself               nothing

Effects stay, in order.  So does what may raise in the user's own code: `a[i]` alone on a line is an IndexError.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from wengert.ir.keys import key_of
from wengert.ir.order import has_effect
from wengert.ir.program import Equation, Program, Var, type_in, variables
from wengert.passes.ranges import Ranges, context, learn, region_ranges
from wengert.passes.rewrite import (
    Final,
    Names,
    apart,
    everywhere,
    is_plain,
    place,
    rebuilt,
    renamed,
    stands_for,
    times,
    with_operands,
)
from wengert.passes.traps import can_trap, is_users, may_not_step


def dead(program: Program) -> Program:
    new = Sweeper().swept(settled(program), [True] * len(program.results), {})
    return program if new is program else apart(new)


# ---------------------------------------------------------------- carries and results that are known


def settled_block(program: Program) -> Program:
    names: Names = {}
    equations = []
    for e in program.equations:
        e = renamed(e, names)
        match e.row.name:
            case "for_":
                e = constants_first(e, 3, 1, names)
            case "while_":
                e = constants_first(e, 0, 0, names)
            case "if_":
                e = agreed(e, names)
        equations.append(e)
    return rebuilt(program, equations, [stands_for(x, names) for x in program.results])


settled = everywhere(settled_block)


def constants_first(e: Equation, head: int, skip: int, names: Names) -> Equation:
    """Carries that stay as they came move among the constants."""
    body, consts = e.params["body"], e.params["consts"]
    carries = e.ins[head + consts :]
    stays = [is_invariant(*t) for t in zip(carries, body.params[skip + consts :], body.results, e.outs)]
    if not any(stays):
        return e
    names.update((out, x) for out, x, s in zip(e.outs, carries, stays) if s)
    n = len(carries)
    order = [*[i for i in range(n) if stays[i]], *[i for i in range(n) if not stays[i]]]

    def moved(p: Program, results: list[Any]) -> Program:
        own = p.params[skip + consts :]
        return Program([*p.params[: skip + consts], *(own[i] for i in order)], p.equations, results, p.name)

    params = {**e.params, "consts": consts + sum(stays)}
    params["body"] = moved(body, [body.results[i] for i in order if not stays[i]])
    if "test" in params:
        params["test"] = moved(params["test"], params["test"].results)
    ins = [*e.ins[: head + consts], *(carries[i] for i in order)]
    return with_operands(e, [o for o, s in zip(e.outs, stays) if not s], ins, params)


def is_invariant(start: Any, param: Var, result: Any, out: Var) -> bool:
    if type_in(start) != param.type or param.type != out.type:
        return False
    return result is param or (is_plain(start) and is_plain(result) and key_of(start) == key_of(result))


def agreed(e: Equation, names: Names) -> Equation:
    """Results on which both sides agree are no results."""
    then, orelse = e.params["then"], e.params["orelse"]
    found = [common_result(a, b, then, orelse, e) for a, b in zip(then.results, orelse.results)]
    equal = [x is not None and type_in(x) == out.type for x, out in zip(found, e.outs)]
    if not any(equal):
        return e
    names.update((out, x) for out, x, s in zip(e.outs, found, equal) if s)
    left = [i for i, s in enumerate(equal) if not s]
    sides = {key: with_results(e.params[key], left) for key in ("then", "orelse")}
    return replace(e, outs=[e.outs[i] for i in left], params=sides)


def common_result(a: Any, b: Any, then: Program, orelse: Program, e: Equation) -> Any:
    if is_plain(a) and is_plain(b):
        return a if key_of(a) == key_of(b) else None
    if times(a, then.params) and times(b, orelse.params):
        x, y = (e.ins[1 + place(r, p.params)] for p, r in ((then, a), (orelse, b)))
        return x if key_of(x) == key_of(y) else None
    return None


def with_results(p: Program, left: Sequence[int]) -> Program:
    return Program(p.params, p.equations, [p.results[i] for i in left], p.name)


# ---------------------------------------------------------------- what depends on which parameter

Bits = int  # a set of parameters, by position


@dataclass
class Flow:
    """
    results   the parameters that each result depends on
    stays     for each equation: must it stay, whoever reads it?
    needs     the parameters that such equations depend on
    known     between which numbers its integers lie
    """

    results: list[Bits]
    stays: list[bool]
    needs: Bits
    known: Ranges

    @property
    def any_stays(self) -> bool:
        return any(self.stays)


_flows: WeakKeyDictionary[Program, dict[Any, Flow]] = WeakKeyDictionary()
final = Final()


class Sweeper:
    def __init__(self) -> None:
        self.done: dict[Any, Program] = {}

    # ------------------------------------------------------------ forwards: what depends on what

    def flow(self, program: Program, ranges: Ranges) -> Flow:
        found, key = _flows.setdefault(program, {}), context(program, ranges)
        if key not in found:
            found[key] = self.found_flow(program, ranges)
        return found[key]

    def found_flow(self, program: Program, ranges: Ranges) -> Flow:
        known = dict(ranges)
        bits: dict[Var, Bits] = {p: 1 << i for i, p in enumerate(program.params)}
        found = Flow([], [], 0, known)
        for e in program.equations:
            ins = [bits[x] if isinstance(x, Var) else 0 for x in e.ins]
            if e.regions:
                outs, stays, needs = self.region_flow(e, ins, known)
            else:
                outs = [union(ins)] * len(e.outs)
                stays = has_effect(e) or (is_users(e) and can_trap(e, known))
                needs = union(ins) if stays else 0
            bits.update(zip(e.outs, outs))
            found.stays.append(stays)
            found.needs |= needs
            learn(e, known)
        found.results = [bits[x] if isinstance(x, Var) else 0 for x in program.results]
        return found

    def region_flow(self, e: Equation, ins: list[Bits], known: Ranges) -> tuple[list[Bits], bool, Bits]:
        """(what the results depend on, must it stay, what that needs)"""
        flows = self.region_flows(e, known)
        stays = any(f.any_stays for f in flows.values()) or (is_users(e) and may_not_step(e, known))
        inner = union(f.needs for f in flows.values())
        match e.row.name:
            case "call":
                outs, needs = [gathered(r, ins) for r in flows["program"].results], gathered(inner, ins)
            case "if_":
                sides = zip(flows["then"].results, flows["orelse"].results)
                outs = [ins[0] | gathered(a | b, ins[1:]) for a, b in sides]
                needs = ins[0] | gathered(inner, ins[1:])
            case _:
                head, skip = HEADS[e.row.name]
                reach = loop_closure(flows["body"].results, skip + e.params["consts"])
                always = reach(flows["test"].results[0]) if "test" in flows else 0
                operands = [*[0] * skip, *ins[head:]]
                base = union(ins[:head]) | gathered(always, operands)
                starts = range(skip + e.params["consts"], len(operands))
                outs = [base | gathered(reach(1 << k), operands) for k in starts]
                needs = base | gathered(reach(inner), operands)
        return outs, stays, needs if stays else 0

    def region_flows(self, e: Equation, known: Ranges) -> dict[str, Flow]:
        return {key: self.flow(e.params[key], ranges) for key, ranges in region_ranges(e, known).items()}

    # ------------------------------------------------------------ backwards: what is read

    def swept(self, program: Program, live: Sequence[bool], ranges: Ranges) -> Program:
        """The program with these of its results, and all of its parameters."""
        around = context(program, ranges)
        if all(live) and final.has(program, around):
            return program
        key = (program, tuple(live), around)
        if key not in self.done:
            self.done[key] = final.note(program, self.sweep(program, live, ranges), around)
        return self.done[key]

    def sweep(self, program: Program, live: Sequence[bool], ranges: Ranges) -> Program:
        flow = self.flow(program, ranges)
        results = [x for x, keep in zip(program.results, live) if keep]
        wanted = {x for x in results if isinstance(x, Var)}
        kept = []
        for e, stays in reversed(list(zip(program.equations, flow.stays))):
            if not stays and not any(o in wanted for o in e.outs):
                continue
            if e.regions:
                e = self.swept_region(e, [o in wanted for o in e.outs], flow.known)
            kept.append(e)
            wanted.update(variables(e))
        return rebuilt(program, kept[::-1], results)

    def swept_region(self, e: Equation, live: list[bool], known: Ranges) -> Equation:
        match e.row.name:
            case "for_" | "while_":
                return self.swept_loop(e, live, known)
            case "if_":
                return self.swept_sides(e, ["then", "orelse"], 1, live, known)
        return self.swept_sides(e, ["program"], 0, live, known)

    def swept_sides(self, e: Equation, keys: list[str], head: int, live: list[bool], known: Ranges) -> Equation:
        ranges = region_ranges(e, known)
        sides = [self.swept(e.params[key], live, ranges[key]) for key in keys]
        read = [used(side) for side in sides]
        left = [i for i in range(len(e.ins) - head) if any(side.params[i] in u for side, u in zip(sides, read))]
        params = {key: self.with_params(side, left) for key, side in zip(keys, sides)}
        ins = [*e.ins[:head], *(e.ins[head + i] for i in left)]
        return with_operands(e, [o for o, keep in zip(e.outs, live) if keep], ins, params)

    def swept_loop(self, e: Equation, live: list[bool], known: Ranges) -> Equation:
        head, skip = HEADS[e.row.name]
        consts = e.params["consts"]
        first = skip + consts
        flows, ranges = self.region_flows(e, known), region_ranges(e, known)
        reach = loop_closure(flows["body"].results, first)
        wanted = sum(1 << (first + k) for k, keep in enumerate(live) if keep)
        wanted = reach(wanted | union(f.needs for f in flows.values()))
        if "test" in flows:
            wanted = reach(wanted | flows["test"].results[0])
        carries = [bool(wanted >> (first + k) & 1) for k in range(len(e.outs))]
        programs = {"body": self.swept(e.params["body"], carries, ranges["body"])}
        if "test" in flows:
            programs["test"] = self.swept(e.params["test"], [True], ranges["test"])
        read = [used(p) for p in programs.values()]
        constant = [i for i in range(skip, first) if any(p.params[i] in u for p, u in zip(programs.values(), read))]
        left = [*range(skip), *constant, *(first + k for k, c in enumerate(carries) if c)]
        params = {key: self.with_params(p, left) for key, p in programs.items()}
        ins = [*e.ins[:head], *(e.ins[head - skip + i] for i in left[skip:])]
        outs = [o for o, c in zip(e.outs, carries) if c]
        return with_operands(e, outs, ins, {**params, "consts": len(constant)})

    def with_params(self, program: Program, left: list[int]) -> Program:
        """One object for one program, as often as it is called."""
        key = (program, tuple(left))
        if key not in self.done:
            self.done[key] = rebuilt(program, program.equations, program.results, [program.params[i] for i in left])
        return self.done[key]


HEADS = {"for_": (3, 1), "while_": (0, 0)}  # operands before the constants, parameters before them


def used(program: Program) -> set[Var]:
    read = {x for e in program.equations for x in e.ins if isinstance(x, Var)}
    return read | {x for x in program.results if isinstance(x, Var)}


def union(sets: Any) -> Bits:
    found = 0
    for bits in sets:
        found |= bits
    return found


def gathered(params: Bits, operands: list[Bits]) -> Bits:
    """What these parameters depend on outside."""
    return union(bits for i, bits in enumerate(operands) if params >> i & 1)


def loop_closure(results: list[Bits], first: int) -> Any:
    """The function from parameters to all that they depend on, iteration after iteration."""

    def reach(bits: Bits) -> Bits:
        todo = bits >> first
        while todo:
            k = (todo & -todo).bit_length() - 1
            more = results[k] & ~bits
            bits |= more
            todo = (todo & (todo - 1)) | more >> first
        return bits

    return reach
