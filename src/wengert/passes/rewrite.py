"""What every pass needs to take a program apart and put it together again."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import cache, wraps
from operator import is_
from typing import Any
from weakref import WeakKeyDictionary

from wengert.ir.program import REGIONS, Equation, Hole, Program, Var, clone, copied, map_holes, substituted, type_in

Names = dict[Var, Any]  # what stands for a variable from here on: another variable or a plain number
Pass = Callable[[Program], Program]


def is_plain(x: Any) -> bool:
    """A number that stands in an operand as it is."""
    return not isinstance(x, Var)


# ---------------------------------------------------------------- the same object where nothing has changed


def same(xs: Collection[Any], ys: Collection[Any]) -> bool:
    return len(xs) == len(ys) and all(map(is_, xs, ys))


def rebuilt(
    program: Program, equations: list[Equation], results: list[Any], params: list[Var] | None = None
) -> Program:
    params = program.params if params is None else params
    unchanged = same(program.equations, equations) and same(program.results, results) and same(program.params, params)
    return program if unchanged else Program(params, equations, results, program.name)


class Final:
    """Programs that a pass leaves as they are, by what it knows of their parameters: it will leave them so again."""

    def __init__(self) -> None:
        self.contexts: WeakKeyDictionary[Program, set[Any]] = WeakKeyDictionary()

    def has(self, program: Program, context: Any = None) -> bool:
        return context in self.contexts.get(program, ())

    def note(self, program: Program, new: Program, context: Any = None) -> Program:
        if new is program:
            self.contexts.setdefault(program, set()).add(context)
        return new


def stands_for(x: Any, names: Names) -> Any:
    """What stands for x in the end."""
    while isinstance(x, Var) and x in names:
        x = names[x]
    return x


def renamed(e: Equation, names: Names) -> Equation:
    """The equation reading what now stands for its variables."""
    if not names or not any(isinstance(x, Var) and x in names for x in e.ins):
        return e
    return replace(e, ins=[stands_for(x, names) for x in e.ins])


def with_regions(e: Equation, change: Pass) -> Equation:
    """The equation with each of its programs replaced."""
    if e.row.name not in REGIONS:
        return e
    params = {key: change(p) if isinstance(p, Program) else p for key, p in e.params.items()}
    return e if same(e.params.values(), params.values()) else replace(e, params=params)


def with_operands(e: Equation, outs: list[Var], ins: list[Any], params: dict[str, Any]) -> Equation:
    """The equation of a region with other operands, all of which are the region's."""
    params = {**e.params, **params}
    if same(outs, e.outs) and same(ins, e.ins) and same(params.values(), e.params.values()):
        return e
    return replace(e, outs=outs, ins=ins, params=params, count=len(ins))


def apart(program: Program) -> Program:
    """Variables of its own for each program: of one that stood in two places, two have become."""
    owners: dict[Var, Program] = {}

    @cache
    def visit(p: Program) -> Program:
        inner = rebuilt(p, [with_regions(e, visit) for e in p.equations], p.results)
        defined = [*p.params, *(o for e in p.equations for o in e.outs)]
        taken = [owners.setdefault(x, p) is not p for x in defined]
        return clone(inner) if any(taken) else inner

    return visit(program)


def everywhere(block: Pass) -> Pass:
    """The pass that changes the equations of one program, regions first; a shared program is changed once."""
    final = Final()

    @wraps(block)
    def run(program: Program) -> Program:
        @cache
        def visit(p: Program) -> Program:
            if final.has(p):
                return p
            return final.note(p, block(rebuilt(p, [with_regions(e, visit) for e in p.equations], p.results)))

        new = visit(program)
        return program if new is program else apart(new)

    return run


# ---------------------------------------------------------------- by identity: an array compares element by element


def times(x: Any, xs: Iterable[Any]) -> int:
    """How often x stands there."""
    return sum(y is x for y in xs)


def place(x: Any, xs: Iterable[Any]) -> int:
    """Where x stands first."""
    return next(i for i, y in enumerate(xs) if y is x)


# ---------------------------------------------------------------- a program in place of the equation that runs it


def spliced(program: Program, operands: list[Any], e: Equation) -> tuple[list[Equation], list[Any]]:
    """(the equations of the program for these operands, its results), in place of e."""
    names: Names = dict(zip(program.params, operands))
    equations = [placed(copied(q, names), e) for q in program.equations]
    results = substituted(program.results, names)
    own = {out for q in equations for out in q.outs}
    for x, out in zip(results, e.outs):
        if isinstance(x, Var) and x in own and out.name != e.row.name:
            x.name = out.name  # the user's
    return equations, results


def placed(q: Equation, e: Equation) -> Equation:
    """An equation without a line of its own is one that e derived."""
    if q.where is None and e.where is not None:
        q.where, q.origin = e.where, q.origin or e.origin or e
    return q


def fits(operands: list[Any], params: list[Var]) -> bool:
    return [type_in(x) for x in operands] == [p.type for p in params]


# ---------------------------------------------------------------- holes


def refilled(e: Equation, change: Callable[[Any], Any]) -> Equation:
    """The equation with `change(x)`, a plain index or None for "leave it", in place of what fills its holes."""
    found = [change(x) for x in e.ins[e.count :]]
    if all(x is None for x in found):
        return e
    left = [i for i, x in enumerate(found) if x is None]

    def settle(hole: Hole) -> Any:
        i = hole.operand - e.count
        return hole._replace(operand=e.count + left.index(i)) if found[i] is None else found[i]

    params = {key: map_holes(p, settle) for key, p in e.params.items()}
    return replace(e, params=params, ins=[*e.ins[: e.count], *(e.ins[e.count + i] for i in left)])
