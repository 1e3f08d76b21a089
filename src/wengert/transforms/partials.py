"""Partial derivatives that the forward sweep evaluates, where it keeps less then.

    way back      a_bar = winner(b, a) * m_bar;  b_bar = (1.0 - winner(b, a)) * m_bar        of m = minimum(a, b)
    it reads      a and b; or the one number winner(b, a), which the forward sweep can evaluate just as well

Such equations read no cotangent, and are evaluated once in either place.  (Preaccumulation of local partials: Griewank
and Walther 2008, section 10.2.)
"""

import math
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from wengert.ir.order import has_effect, reads
from wengert.ir.program import Equation, Program, Var, variables
from wengert.transforms.keep import Plan, choose, elements, is_whole


def worth_moving(back: Sequence[Equation], given: Iterable[Var], totals: Iterable[Any], plan: Plan) -> list[Equation]:
    """Equations of the way back, in order, which the forward sweep evaluates for less to keep.

    given   variables of the way back alone: cotangents, and what arrays are in the end
    totals  its results
    plan    what is kept without this
    """
    early = ahead(back, given) if plan.kept else {}
    wanted = {*reads(e for e in back if e not in early), *(x for x in totals if isinstance(x, Var))}
    kept = set(plan.kept).difference(wanted, reads(plan.again))
    groups = parts(early, kept) if kept else []
    found = {e for part in groups if size(kept.intersection(reads(part))) > left(part, wanted) for e in part}
    return [e for e in early if e in found]


def ahead(back: Sequence[Equation], given: Iterable[Var]) -> dict[Equation, None]:
    """Those that depend on values of the forward sweep only."""
    late, found = set(given), dict[Equation, None]()
    for e in back:
        if e.regions or has_effect(e) or not late.isdisjoint(variables(e)):
            late.update(e.outs)
        else:
            found[e] = None
    return found


def parts(equations: Collection[Equation], kept: set[Var]) -> list[list[Equation]]:
    """What belongs together: equations of which one reads what the other makes, or both what is kept for them alone."""
    links = kept.union(o for e in equations for o in e.outs)
    found: list[tuple[set[Var], list[Equation]]] = []
    for e in equations:
        own = {*e.outs, *links.intersection(variables(e))}
        near = [(xs, part) for xs, part in found if not own.isdisjoint(xs)]
        found = [(xs, part) for xs, part in found if own.isdisjoint(xs)]
        found.append((own.union(*(xs for xs, _ in near)), [*(q for _, part in near for q in part), e]))
    return [part for _, part in found]


def left(part: list[Equation], wanted: set[Var]) -> float:
    """How much is to be kept where the forward sweep evaluates these; whole numbers are evaluated on the way back."""
    made = {o for e in part for o in e.outs}
    if any(map(is_whole, made & wanted)):
        return math.inf
    params = [x for x in reads(part) if x not in made]
    nowhere = [False] * len(params)
    return size(choose(Program(params, part), made & wanted, nowhere, nowhere, None, False).kept)


def size(xs: Iterable[Var]) -> float:
    return sum(map(elements, xs))
