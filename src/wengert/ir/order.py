"""What depends on what: walks that several passes and transforms need."""

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from wengert.ir.program import REGIONS, Equation, Function, Program, Var, dtype_in, variables


def needed(
    equations: Sequence[Equation], results: Iterable[object], stays: Callable[[Equation], bool] = lambda e: False
) -> list[Equation]:
    """The equations that the results depend on, those with an effect, and others that stay, in order."""
    live = {x for x in results if isinstance(x, Var)}
    kept = []
    for e in reversed(equations):
        if has_effect(e) or any(o in live for o in e.outs) or stays(e):
            kept.append(e)
            live.update(variables(e))
    return kept[::-1]


def has_effect(e: Equation) -> bool:
    if e.row.name == "recur":
        return bool(e.params["function"].effect)
    return e.row.effect or (e.row.name in REGIONS and any(map(has_effects, e.regions)))


def has_effects(program: Program) -> bool:
    if program not in _effects:
        _effects[program] = any(map(has_effect, program.equations))
    return _effects[program]


_effects: WeakKeyDictionary[Program, bool] = WeakKeyDictionary()  # found once: programs never change


def reads(equations: Iterable[Equation]) -> dict[Var, None]:
    """Variables that are read, in order of first use."""
    return dict.fromkeys(x for e in equations for x in variables(e))


# ---------------------------------------------------------------- what flows through a program

Flags = Sequence[bool]
Results = Callable[[Program, Flags], list[bool]]
_reached: WeakKeyDictionary[Program, dict[Any, list[bool]]] = WeakKeyDictionary()  # found once, as effects are


def reached(program: Program, flags: Flags, reached_outs: Callable[[Equation, list[bool]], Flags]) -> list[bool]:
    """Which results the marked parameters reach; `reached_outs` tells it for each equation that they reach."""
    known, key = _reached.setdefault(program, {}), (tuple(flags), reached_outs)
    if key in known:
        return known[key]
    found = {p for p, f in zip(program.params, flags) if f}
    for e in program.equations:
        marks = [isinstance(x, Var) and x in found for x in e.ins]
        if any(marks):
            found.update(o for o, f in zip(e.outs, reached_outs(e, marks)) if f)
    out = [isinstance(x, Var) and x in found for x in program.results]
    if not _assumed.get({}):  # else it may follow from what is assumed
        known[key] = out
    return out


def region_outs(e: Equation, flags: Flags, results: Results) -> list[bool] | None:
    """Which results of control flow are reached, as `results` tells it for programs; None for other rows."""
    match e.row.name:
        case "for_":
            return loop_carries(e.params["body"], flags[3:], e.params["consts"], results)
        case "while_":
            return loop_carries(e.params["body"], flags, e.params["consts"], results)
        case "if_":
            return either([results(region, flags[1:]) for region in e.regions])
        case "call":
            return results(e.regions[0], flags)
        case "recur":
            return recursive_outs(e.params["function"], flags, results)
    return None


_assumed: ContextVar[dict[Any, list[bool]]] = ContextVar("assumed")


def recursive_outs(function: Function, flags: Flags, results: Results) -> list[bool]:
    """The least answer that is its own consequence: first none is reached, then what follows from that."""
    assumed, key = _assumed.get({}), (function, tuple(flags), results)
    if key in assumed:
        return assumed[key]
    found = [False] * len(function.results)
    while True:
        token = _assumed.set({**assumed, key: found})
        try:
            before, found = found, either([found, results(function.program, flags)])
        finally:
            _assumed.reset(token)
        if found == before:
            return found


def loop_carries(body: Program, flags: Flags, consts: int, results: Results) -> list[bool]:
    """Which carries of a loop are reached: at the start, or from then on.  `flags`: constants, carries."""
    constant, carries = list(flags[:consts]), list(flags[consts:])
    heads = [False] * (len(body.params) - len(flags))  # the index
    while True:
        more = either([carries, results(body, [*heads, *constant, *carries])])
        if more == carries:
            return carries
        carries = more


def either(flags: Sequence[Flags]) -> list[bool]:
    return [any(each) for each in zip(*flags)]


# ---------------------------------------------------------------- which results vary with which parameters


def varied_results(program: Program, varied: Flags) -> list[bool]:
    """Which results may have a derivative with respect to the parameters that are marked."""
    return reached(program, [v and is_inexact(p) for p, v in zip(program.params, varied)], varied_outs)


def is_inexact(x: Var) -> bool:
    return dtype_in(x.type).kind in "fc"


def varied_outs(e: Equation, flags: list[bool]) -> list[bool]:
    outs = region_outs(e, flags, varied_results)
    if outs is None:
        rules = e.row.partials or e.row.transposes
        moves = not e.row.constant and any(
            f and (rules is None or rules[i] is not None) for i, f in enumerate(flags[: e.count])
        )
        outs = [moves] * len(e.outs)
    return [f and is_inexact(o) for o, f in zip(e.outs, outs)]


def loop_varied(body: Program, flags: Flags, consts: int) -> list[bool]:
    """Which carries of a loop vary."""
    return loop_carries(body, flags, consts, varied_results)
