"""What the way back needs, and where it gets it from: kept by the forward sweep, or evaluated again.

The way back is written first.  What it reads of the forward sweep is its demand; `choose` answers each item with one of

    at hand      a constant of the loop, its index: the way back has it, too
    again        a second evaluation from such values, or from what is kept anyway; or it is still there in the end
    keep         one more result of the forward sweep

Integers are always evaluated again where they can be.  A loop whose demand depends on none of its carries keeps
nothing: its body is evaluated again.  (Griewank and Walther 2008, chapter 4.)
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

from wengert.ir.order import has_effect
from wengert.ir.program import Equation, Makers, Program, Stack, Var, makers, variables
from wengert.ir.program import elements as most_elements

CHEAP = frozenset(
    [
        *("add", "sub", "mul", "neg", "square", "abs", "sign", "maximum", "minimum", "where", "convert", "weak"),
        *("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"),
        *("logical_and", "logical_or", "logical_not", "floordiv", "mod", "trip_count"),
        *("getitem", "take", "wrap_index", "reshape", "transpose", "real", "imag", "conj", "full", "array"),
    ]
)
STILL_THERE = "still in the array at the end"
FEW = 8  # iterations of a loop whose number only the run knows: as many numbers as are kept in place of an array
CHAIN = 8  # equations that may be evaluated again for one value, where something else is kept anyway


class Reason(NamedTuple):
    """What happens to one value that the way back reads: "at hand", "again" or "kept"."""

    value: Var
    choice: str
    why: str


@dataclass
class Plan:
    """Which values the forward sweep keeps, and which equations the way back evaluates again.

    reasons  one for each value that the way back reads
    program  whose values these are;  loop and trips: does it run many times, and how often, if known
    inner    plans of its regions
    """

    kept: list[Var] = field(default_factory=list)
    again: list[Equation] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    program: Program = field(default_factory=lambda: Program([]))
    loop: bool = False
    trips: int | None = None
    inner: "list[Plan]" = field(default_factory=list)


_listening: "ContextVar[list[Plan] | None]" = ContextVar("plans", default=None)


@contextmanager
def plans_inside() -> Iterator[list[Plan]]:
    """The plans that are reported while this runs, those of their regions not among them."""
    plans: list[Plan] = []
    token = _listening.set(plans)
    try:
        yield plans
    finally:
        _listening.reset(token)


def report(plan: Plan) -> None:
    listening = _listening.get()
    if listening is not None:
        listening.append(plan)


def choose(
    program: Program,
    demanded: Iterable[Var],
    free: Sequence[bool],
    costly: Sequence[bool],
    trips: int | None,
    repeats: bool,
    settled: Mapping[Var, Equation] | None = None,
) -> Plan:
    """
    free     for each parameter: is it at hand on the way back?
    costly   for each parameter: at hand, but an array that an outer loop would have to keep for it
    trips    how often the program runs, if known: to keep so many numbers is dearer than an array of that size
    repeats  whether to evaluate the whole program again where that saves keeping anything
    settled  what is still there in the end: equations that read it of arrays that are at hand
    """
    maker = makers(program)
    demanded = in_order(program, demanded)
    heavy = {p for p, c in zip(program.params, costly) if c and is_heavy(p, trips)}
    heavy.difference_update(demanded)  # what is read whole costs least where it is kept once
    hand = {p for p, f in zip(program.params, free) if f} - heavy
    plan = Plan(program=program, loop=repeats, trips=trips)
    plan.reasons = [Reason(x, "at hand", "constant" if repeats else "operand") for x in demanded if x in hand]
    wanted = [x for x in demanded if x not in hand]
    if repeats:
        whole = [chain(x, maker, hand) for x in wanted]
        if all(c is not None for c in whole):
            plan.again = chosen_equations(program, whole)
            plan.reasons += [Reason(x, "again", "so that nothing is kept") for x in wanted]
            return plan
    settled = settled or {}
    for x, e in settled.items():
        found = chain(x, maker, hand)
        if found is None or not is_worth_repeating(x, found):
            maker[x] = e
            hand.add(e.ins[0])
    answers = answered(wanted, maker, hand, heavy, settled)
    if arrays := arrays_of_parts(answers.kept, maker, program) - heavy:
        # all of an array may lead to more than a part of it does
        others = answered(in_order(program, [*wanted, *arrays]), maker, hand, heavy, settled)
        answers = min(answers, others, key=lambda a: sum(map(elements, a.kept)))
    plan.kept, plan.again = answers.kept, chosen_equations(program, answers.chains)
    plan.reasons += answers.reasons
    return plan


class Answers(NamedTuple):
    kept: list[Var]
    chains: list[list[Equation]]
    reasons: list[Reason]


def answered(
    wanted: Sequence[Var], maker: Makers, hand: set[Var], heavy: set[Var], settled: Mapping[Var, Equation]
) -> Answers:
    """Each in turn: what is evaluated again for one value, or kept, is at hand for the next."""
    kept, chains, reasons = Answers([], [], [])
    hand, repeated = set(hand), set[Equation]()
    for x in wanted:
        found = chain(x, maker, hand)
        if found is not None and is_worth_repeating(x, [e for e in found if e not in repeated]):
            chains.append(found)
            repeated.update(found)
            reasons.append(Reason(x, "again", STILL_THERE if settled.get(x) in found else why_again(x, found)))
        else:
            reasons.append(Reason(x, "kept", why_kept(x, found, maker, hand, heavy)))
            kept.append(x)
            hand.add(x)
    return Answers(kept, chains, reasons)


def arrays_of_parts(kept: Sequence[Var], maker: Makers, program: Program) -> set[Var]:
    """The parameters of which something that is kept is a part."""
    parts = [maker[x] for x in kept if x in maker and maker[x].row.name == "getitem" and not maker[x].has_holes]
    return {e.ins[0] for e in parts if isinstance(e.ins[0], Var)}.intersection(program.params)


def why_again(x: Var, equations: Sequence[Equation]) -> str:
    names = dict.fromkeys(e.row.name for e in reversed(equations))
    return f"{'an integer' if is_whole(x) else 'cheap'}: {', '.join(names)}"


def why_kept(x: Var, found: list[Equation] | None, maker: Makers, hand: set[Var], heavy: set[Var]) -> str:
    if x in maker and heavy.intersection(variables(maker[x])):
        return "an outer loop would have to keep the whole array"
    if found is not None:
        return f"costly: {costly_part(found)}"
    if x not in maker:
        return "changes from one iteration to the next"
    return f"depends on {', '.join(missing(x, maker, hand))}"


REGIONS = {"for_": "a loop", "while_": "a loop", "if_": "a branch", "call": "a call"}


def costly_part(equations: Sequence[Equation]) -> str:
    """What makes it dear to evaluate these again."""
    names = dict.fromkeys(REGIONS.get(e.row.name, e.row.name) for e in equations if e.row.name not in CHEAP)
    names.pop("empty_stack", None)
    return ", ".join(names) or f"{len(equations)} operations"


def missing(x: Var, maker: Makers, hand: set[Var]) -> dict[str, None]:
    """Names of what x follows from and the way back has not: carries, and what has an effect."""
    found: dict[str, None] = {}
    todo, seen = [x], {x}
    while todo:
        y = todo.pop()
        e = maker.get(y)
        if y in hand:
            continue
        if e is None or has_effect(e):
            found[y.name] = None
            continue
        todo += [z for z in variables(e) if z not in seen]
        seen.update(variables(e))
    return found


def in_order(program: Program, xs: Iterable[Var]) -> list[Var]:
    """Parameters first, then results of equations from the first to the last."""
    wanted = set(xs)
    made = [*program.params, *(o for e in program.equations for o in e.outs)]
    return [x for x in made if x in wanted]


def chosen_equations(program: Program, chains: Sequence[list[Equation] | None]) -> list[Equation]:
    """In the order of the program, where nothing that an equation reads stands behind it."""
    maker = {o: e for c in chains for e in c or () for o in e.outs}
    found: dict[Equation, None] = {}

    def add(e: Equation) -> None:
        for x in variables(e):
            if x in maker and maker[x] not in found:
                add(maker[x])
        found[e] = None

    for x in [*program.params, *(o for e in program.equations for o in e.outs)]:
        if x in maker and maker[x] not in found:
            add(maker[x])
    return list(found)


def chain(x: Var, maker: Makers, hand: set[Var]) -> list[Equation] | None:
    """The equations that lead to x from what is at hand; None where one needs something else."""
    found: dict[Equation, None] = {}
    todo = [x]
    while todo:
        y = todo.pop()
        if y in hand:
            continue
        e = maker.get(y)
        if e is None or has_effect(e):
            return None
        if e not in found:
            found[e] = None
            todo += variables(e)
    return list(found)


def is_worth_repeating(x: Var, equations: list[Equation]) -> bool:
    if is_whole(x):
        return not any(e.regions for e in equations)
    return len(equations) <= CHAIN and all(is_cheap(e, x) for e in equations)


def is_cheap(e: Equation, x: Var) -> bool:
    """Compared with keeping x."""
    if e.row.name == "write":  # of a part into a copy
        return not e.has_holes and elements(e.outs[0]) <= 2 * elements(x)
    return e.row.name in CHEAP


def is_whole(x: Var) -> bool:
    return not isinstance(x.type, Stack) and x.type.dtype.kind in "iub" and x.type.shape == ()


def is_heavy(x: Var, trips: int | None) -> bool:
    """Whether a program that runs so often reads fewer numbers of the array than it has."""
    return elements(x) > (FEW if trips is None else trips)


def elements(x: Var) -> float:
    return math.inf if isinstance(x.type, Stack) else most_elements(x.type)
