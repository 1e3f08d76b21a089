"""Running a program, one NumPy call at a time: the oracle for every other way to run it.

A value is let go at its last use.  So an update runs in place where nobody else holds the array: no caller, no view,
no name, no kept value.
"""

import functools
import math
import sys
from collections.abc import Callable
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from wengert.core.diagnostic import Position
from wengert.core.mode import ALONE
from wengert.ir.program import (
    Equation,
    Hole,
    Items,
    Program,
    Stack,
    Var,
    as_index,
    elements,
    fill,
    filled_params,
    type_in,
    variables,
)


class Step(NamedTuple):
    """One equation, prepared.

    direct   (*operands) -> result, where there is neither an update nor control flow
    ins      slots of operands;  dying: those of them that are read for the last time
    outs     slots of results;  several: may there be any number of them?
    updates  (operands) -> result, where the row may update its first operand in place, or copies what it would view
    region   how control flow runs
    """

    equation: Equation
    direct: Callable[..., Any] | None
    ins: list[int]
    dying: list[int]
    outs: list[int]
    several: bool
    updates: Callable[[list[Any]], Any] | None
    region: Callable[..., list[Any]] | None


class Code:
    """A program with a slot for each variable and constant, and what is read for the last time where.

    rest  what the slots hold at the start, after those of the parameters
    """

    def __init__(self, program: Program) -> None:
        made = [*program.params, *(out for e in program.equations for out in e.outs)]
        self.slots = {x: i for i, x in enumerate(made)}
        self.rest: list[Any] = [None] * (len(made) - len(program.params))
        self.count = len(program.params)
        dying, self.copied = last_uses(program), views_in_the_way(program)
        self.steps = [self.step(e, dying[i]) for i, e in enumerate(program.equations)]
        self.results = [self.slot(x) for x in program.results]
        read = {x for e in program.equations for x in e.ins if isinstance(x, Var)}.union(variables_of(program.results))
        self.unused = [self.slots[p] for p in program.params if p not in read]

    def slot(self, x: Any) -> int:
        if isinstance(x, Var):
            return self.slots[x]
        self.rest.append(x)
        return self.count + len(self.rest) - 1

    def step(self, e: Equation, last: set[int]) -> Step:
        ins = [self.slot(x) for x in e.ins]
        updates, region = update_call(e) if "inplace" in e.params else None, REGIONS.get(e.row.name)
        if e in self.copied:
            updates = copying(direct_call(e))
        direct = None if updates or region else direct_call(e)
        dying, outs = [ins[i] for i in last], [self.slots[o] for o in e.outs]
        return Step(e, direct, ins, dying, outs, e.row.several, updates, region)


def variables_of(xs: list[Any]) -> set[Var]:
    return {x for x in xs if isinstance(x, Var)}


def last_uses(program: Program) -> list[set[int]]:
    """For each equation the positions in `ins` where a variable is read for the last time."""
    later = variables_of(program.results)
    found: list[set[int]] = []
    for e in reversed(program.equations):
        last: set[int] = set()
        for i in reversed(range(len(e.ins))):
            x = e.ins[i]
            if isinstance(x, Var) and x not in later:
                last.add(i)
                later.add(x)
        found.append(last)
    return found[::-1]


def views_in_the_way(program: Program) -> set[Equation]:
    """Views of parts that are alive where the whole may be updated, or that leave the program: of these a copy is
    cheaper than one of the whole."""
    last: dict[Var, float] = {x: i for i, e in enumerate(program.equations) for x in variables(e)}
    last.update(dict.fromkeys(variables_of(program.results), math.inf))
    changes: dict[Var, int] = {}
    for i, e in enumerate(program.equations):
        for x in e.ins[:1] if "inplace" in e.params else variables(e) if e.row.name in REGIONS else ():
            changes[x] = i
    found = set()
    for i, e in reversed(list(enumerate(program.equations))):
        if not e.row.view or not isinstance(e.ins[0], Var) or e.outs[0].type.form != "array":
            continue
        whole, part = e.ins[0], e.outs[0]
        alive = last.get(part, -1)
        part_only = elements(part.type) < elements(whole.type)
        if part_only and (alive == math.inf or i < changes.get(whole, -1) <= alive):
            found.add(e)
        else:
            last[whole] = max(last.get(whole, -1), alive)  # a view of a view
    return found


def copying(view: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    return lambda values: np.array(view(*values))


def direct_call(e: Equation) -> Callable[..., Any]:
    """The row with its parameters, as a function of the operands alone."""
    evaluate, count, params = e.row.evaluate, e.count, e.params
    if e.has_holes:
        filled = {key: filling(p) for key, p in params.items()}
        if count == 1 and list(params) == ["index"]:
            index = filled["index"]
            return lambda *xs: evaluate(xs[0], index=index(xs))
        return lambda *xs: evaluate(*xs[:count], **{key: fill(xs) for key, fill in filled.items()})
    if all(type_in(x).shape == () for x in e.ins if not isinstance(type_in(x), Stack)):
        evaluate = getattr(evaluate, "on_numbers", evaluate)
    return functools.partial(evaluate, **params) if params else evaluate


def update_call(e: Equation) -> Callable[[list[Any]], Any]:
    """The row as a function of the list of operands, in place where nobody but the list holds the first of them."""
    evaluate, count = e.row.evaluate, e.count
    fixed = {key: p for key, p in e.params.items() if key != "inplace" and not (e.has_holes and has_hole(p))}
    filled = [(key, filling(p)) for key, p in e.params.items() if key != "inplace" and key not in fixed]

    def update(values: list[Any]) -> Any:
        inplace = is_free(values)  # before the call: its arguments are references, too
        params = {key: fill(values) for key, fill in filled}
        return evaluate(*values[:count], inplace=inplace, **fixed, **params)

    return update


def has_hole(param: Any) -> bool:
    match param:
        case Hole():
            return True
        case tuple() | list():
            return any(map(has_hole, param))
        case slice():
            return any(map(has_hole, (param.start, param.stop, param.step)))
        case dict():
            return any(map(has_hole, param.values()))
    return False


def filling(param: Any) -> Callable[[Any], Any]:
    """`fill` for one parameter: its form is looked at once."""
    match param:
        case Hole(operand):
            return lambda xs: as_index(xs[operand])
        case (Hole(operand),):
            return lambda xs: (as_index(xs[operand]),)
        case (Hole(first), Hole(second)):
            return lambda xs: (as_index(xs[first]), as_index(xs[second]))
    return lambda xs: fill(param, xs)


_codes: "WeakKeyDictionary[Program, Code]" = WeakKeyDictionary()


def code_of(program: Program) -> Code:
    code = _codes.get(program)
    if code is None:
        code = _codes[program] = Code(program)
    return code


class Interpreter:
    """Runs programs; what is done for each equation may be overridden (to count, to check, to show)."""

    is_plain = True

    def __init_subclass__(cls) -> None:
        cls.is_plain = cls.apply is Interpreter.apply

    def run(self, program: Program, operands: list[Any]) -> list[Any]:
        """The results.  `operands` is emptied: what the caller does not hold may be overwritten."""
        code, is_plain = code_of(program), self.is_plain
        slots: list[Any] = operands + code.rest
        operands.clear()
        for i in code.unused:
            slots[i] = None
        e: Any = None
        try:
            for e, direct, ins, dying, outs, several, updates, region in code.steps:
                if direct is not None and is_plain:
                    if len(ins) == 2:
                        out = direct(slots[ins[0]], slots[ins[1]])
                    elif len(ins) == 1:
                        out = direct(slots[ins[0]])
                    else:
                        out = direct(*[slots[i] for i in ins])
                    for i in dying:
                        slots[i] = None
                else:
                    values = [slots[i] for i in ins]
                    for i in dying:
                        slots[i] = None
                    out = self.apply(e, values, updates, region)
                if several:
                    for k, i in enumerate(outs):
                        slots[i] = out[k]  # by position: another name would hold the last of them
                else:
                    slots[outs[0]] = out
                out = None
        except Exception as error:
            blame(error, None if e is None else line_of(e))
            raise
        return [slots[i] for i in code.results]

    def apply(self, e: Equation, values: list[Any], updates: Any, region: Any) -> Any:
        if updates is not None:
            return updates(values)
        if region is not None:
            return region(self, values, **e.params)
        return e.row.evaluate(*values[: e.count], **filled_params(e, values))

    # ------------------------------------------------------------ control flow; operands are lists, which they empty

    def for_(self, operands: list[Any], body: Program, consts: int) -> list[Any]:
        lo, hi, step = (int(x) for x in operands[:3])
        constant, carries = operands[3 : 3 + consts], operands[3 + consts :]
        operands.clear()
        for i in range(lo, hi, step):
            values = [i, *constant, *carries]
            carries.clear()
            carries = self.run(body, values)
        return carries

    def while_(self, operands: list[Any], test: Program, body: Program, consts: int) -> list[Any]:
        constant, carries = operands[:consts], operands[consts:]
        operands.clear()
        while self.run(test, [*constant, *carries])[0]:
            values = [*constant, *carries]
            carries.clear()
            carries = self.run(body, values)
        return carries

    def if_(self, operands: list[Any], then: Program, orelse: Program) -> list[Any]:
        return self.run(then if operands.pop(0) else orelse, operands)

    def call(self, operands: list[Any], program: Program) -> list[Any]:
        return self.run(program, operands)


REGIONS: dict[str, Callable[..., list[Any]]] = {
    "for_": Interpreter.for_,
    "while_": Interpreter.while_,
    "if_": Interpreter.if_,
    "call": Interpreter.call,
}


def is_free(values: list[Any]) -> bool:
    """Whether nobody but this list holds the storage of its first value."""
    x = values[0]
    if isinstance(x, Items):
        return sys.getrefcount(x) == ALONE + 1
    return isinstance(x, np.ndarray) and sys.getrefcount(x) == ALONE + 1 and x.base is None and x.flags.writeable


def line_of(e: Equation) -> Position | None:
    """That of the equation that it derives from, where it has none of its own."""
    while e.where is None and e.origin is not None:
        e = e.origin
    return e.where


def blame(error: Exception, where: Position | None) -> None:
    """Say which line of the user's an exception comes from; the innermost equation knows best."""
    if where is None or getattr(error, "__wengert_line__", None):
        return
    error.__wengert_line__ = where  # type: ignore[attr-defined]
    error.add_note(f"in {where.filename}, line {where.line}\n{where.excerpt()}")


def evaluate(program: Program, operands: list[Any]) -> list[Any]:
    """The results of the program, with what holds no array changed."""
    return Interpreter().run(program, list(operands))
