"""What depends on what: walks that several passes and transforms need."""

from collections.abc import Iterable, Sequence

from wengert.ir.program import Equation, Program, Var, dtype_in, variables


def needed(equations: Sequence[Equation], results: Iterable[object]) -> list[Equation]:
    """The equations that the results depend on, and those with an effect, in order."""
    live = {x for x in results if isinstance(x, Var)}
    kept = []
    for e in reversed(equations):
        if has_effect(e) or any(o in live for o in e.outs):
            kept.append(e)
            live.update(variables(e))
    return kept[::-1]


def has_effect(e: Equation) -> bool:
    return e.row.effect or any(has_effect(inner) for region in e.regions for inner in region.equations)


def reads(equations: Iterable[Equation]) -> dict[Var, None]:
    """Variables that are read, in order of first use."""
    return dict.fromkeys(x for e in equations for x in variables(e))


# ---------------------------------------------------------------- which results vary with which parameters


def varied_results(program: Program, varied: Sequence[bool]) -> list[bool]:
    """Which results may have a derivative with respect to the parameters that are marked."""
    moving = {p for p, v in zip(program.params, varied) if v and is_inexact(p)}
    for e in program.equations:
        flags = [isinstance(x, Var) and x in moving for x in e.ins[: e.count]]
        if any(flags):
            moving.update(o for o, v in zip(e.outs, varied_outs(e, flags)) if v and is_inexact(o))
    return [isinstance(x, Var) and x in moving for x in program.results]


def is_inexact(x: Var) -> bool:
    return dtype_in(x.type).kind in "fc"


def varied_outs(e: Equation, flags: list[bool]) -> list[bool]:
    match e.row.name:
        case "for_" | "while_":
            return varied_carries(e, flags)
        case "if_":
            sides = [varied_results(region, flags[1:]) for region in e.regions]
            return [a or b for a, b in zip(*sides)]
        case "call":
            return varied_results(e.regions[0], flags)
    if e.row.constant:
        return [False] * len(e.outs)
    rules = e.row.partials or e.row.transposes
    moves = any(f and (rules is None or rules[i] is not None) for i, f in enumerate(flags))
    return [moves] * len(e.outs)


def varied_carries(e: Equation, flags: list[bool]) -> list[bool]:
    return loop_varied(e.params["body"], flags[3:] if e.row.name == "for_" else flags, e.params["consts"])


def loop_varied(body: Program, flags: Sequence[bool], consts: int) -> list[bool]:
    """Which carries of a loop vary: those that start so, and those that become so.  `flags`: constants, carries."""
    constant, carries = list(flags[:consts]), list(flags[consts:])
    heads = [False] * (len(body.params) - consts - len(carries))  # the index
    while True:
        after = varied_results(body, [*heads, *constant, *carries])
        more = [a or b for a, b in zip(carries, after)]
        if more == carries:
            return carries
        carries = more
