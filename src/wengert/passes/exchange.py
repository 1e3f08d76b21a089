"""Loops in which arrays exchange their names take two iterations at once: then each array stays where it is.

for i: ... new = f(old, new); old, new = new, old          for i, by two: ... new = f(old, new); old = f(new, old)

Machine code keeps what a loop carries in one place for each name, and would copy.  What is left of an odd number of
iterations is a loop of its own, of one iteration or none.
"""

from dataclasses import replace
from functools import cache
from typing import Any

from wengert.ir.program import Equation, Program, Type, Var, elements, has_extents, type_of
from wengert.passes.affine import beginning
from wengert.passes.rewrite import everywhere, is_plain, rebuilt, spliced
from wengert.rules.control import trip_count
from wengert.rules.elementwise import add, floordiv, mul

FEW = 16  # elements that are copied as fast
LONG = 100  # equations of a body that is not written three times


def exchange_block(program: Program) -> Program:
    equations = [new for e in program.equations for new in (by_two(e) if exchanges(e) else [e])]
    return rebuilt(program, equations, program.results)


exchange = everywhere(exchange_block)


def exchanges(e: Equation) -> bool:
    """Whether it is a loop in which an array, or what it is changed to, gets another's name, and its own again after
    the next iteration."""
    if e.row.name != "for_" or not is_plain(e.ins[2]):
        return False
    body, first = e.params["body"], 1 + e.params["consts"]
    arrays = {first + k: beginning(body, x) for k, x in enumerate(body.results) if is_long(body.params[first + k])}
    moved = {k: before for k, before in arrays.items() if before in arrays and before != k}
    if not moved or any(arrays[before] not in (k, None) for k, before in moved.items()):
        return False
    return size(body) <= LONG


def is_long(x: Var) -> bool:
    return isinstance(x.type, Type) and x.type.shape != () and (has_extents(x.type) or elements(x.type) >= FEW)


def size(program: Program) -> int:
    """Equations, those of regions included; programs that are called in several places are looked at once."""

    @cache
    def found(p: Program) -> int:
        return sum(1 + sum(map(found, e.regions)) for e in p.equations)

    return found(program)


def by_two(e: Equation) -> list[Equation]:
    lo, hi, step, *operands = e.ins
    before: list[Equation] = []

    def number(row: Any, *ins: Any) -> Any:
        """Of plain numbers now, of others when the program runs."""
        if all(map(is_plain, ins)):
            return int(row.evaluate(*ins))
        out = Var(row.name, type_of(0))
        before.append(Equation([out], row, list(ins), {}, len(ins), e.where, e.origin))
        return out

    count = number(trip_count, lo, hi, step)
    middle = number(add, lo, number(mul, number(floordiv, count, 2), 2 * step))
    pairs = replace(e, ins=[lo, middle, 2 * step, *operands], params={**e.params, "body": twice(e, step)})
    if is_plain(count) and count % 2 == 0:
        return [pairs]
    outs = [Var(x.name, x.type) for x in e.outs]
    rest = replace(e, ins=[middle, hi, step, *operands[: e.params["consts"]], *outs])
    return [*before, replace(pairs, outs=outs), rest]


def twice(e: Equation, step: int) -> Program:
    """The body for one iteration and the next."""
    body, n = e.params["body"], 1 + e.params["consts"]
    params = [Var(p.name, p.type) for p in body.params]
    index = Var(params[0].name, params[0].type)
    first, middle = spliced(body, list(params), e)
    advance = Equation([index], add, [params[0], step], {}, 2, e.where, e.origin)
    second, results = spliced(body, [index, *params[1:n], *middle], e)
    return Program(params, [*first, advance, *second], results, body.name)
