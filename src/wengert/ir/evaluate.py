"""Running a program, one NumPy call at a time: the oracle for every other way to run it.

A value is let go at its last use.  So an update runs in place where nobody else holds the array: no caller, no view,
no name, no kept value.
"""

import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from wengert.core.diagnostic import Position
from wengert.core.mode import ALONE
from wengert.ir.program import Equation, Items, Program, Var, filled_params

# (row, evaluate, operands as (slot, is this the last use, plain value), where results go, does it update in place)
Step = tuple[Any, ...]


class Code:
    """A program with a slot for each variable, and what is read for the last time where."""

    def __init__(self, program: Program) -> None:
        slots = {p: i for i, p in enumerate(program.params)}
        for e in program.equations:
            for out in e.outs:
                slots[out] = len(slots)
        self.size = len(slots)
        dying = last_uses(program)
        self.steps = [step_of(e, slots, dying[i]) for i, e in enumerate(program.equations)]
        self.results = [(slots[r], None) if isinstance(r, Var) else (-1, r) for r in program.results]
        read = [*(x for e in program.equations for x in e.ins), *program.results]
        used = {x for x in read if isinstance(x, Var)}
        self.unused = [slots[p] for p in program.params if p not in used]


def last_uses(program: Program) -> list[set[int]]:
    """For each equation the positions in `ins` where a variable is read for the last time."""
    later: set[Var] = {r for r in program.results if isinstance(r, Var)}
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


def step_of(e: Equation, slots: dict[Var, int], last: set[int]) -> Step:
    ins = [(slots[x], i in last, None) if isinstance(x, Var) else (-1, False, x) for i, x in enumerate(e.ins)]
    outs = [slots[o] for o in e.outs]
    return e, ins, outs, "inplace" in e.params, REGIONS.get(e.row.name)


_codes: "WeakKeyDictionary[Program, Code]" = WeakKeyDictionary()


def code_of(program: Program) -> Code:
    code = _codes.get(program)
    if code is None:
        code = _codes[program] = Code(program)
    return code


class Interpreter:
    """Runs programs; what is done for each equation may be overridden (to count, to check, to show)."""

    def run(self, program: Program, operands: list[Any]) -> list[Any]:
        """The results.  `operands` is emptied: what the caller does not hold may be overwritten."""
        code = code_of(program)
        slots: list[Any] = operands[:]
        operands.clear()
        for i in code.unused:
            slots[i] = None
        slots += [None] * (code.size - len(slots))
        e: Any = None
        try:
            for e, ins, outs, updates, region in code.steps:
                values = []
                for slot, last, plain in ins:
                    if slot < 0:
                        values.append(plain)
                    else:
                        values.append(slots[slot])
                        if last:
                            slots[slot] = None
                out = self.apply(e, values, updates, region)
                if e.row.several:
                    for slot, item in zip(outs, out):
                        slots[slot] = item
                else:
                    slots[outs[0]] = out
                out = None
        except Exception as error:
            blame(error, None if e is None else line_of(e))
            raise
        return [slots[slot] if slot >= 0 else plain for slot, plain in code.results]

    def apply(self, e: Equation, values: list[Any], updates: bool, region: Any) -> Any:
        params = filled_params(e, values)
        if region is not None:
            return region(self, values, **params)
        if updates:
            inplace = is_free(values)  # before the call: its arguments are references, too
            return e.row.evaluate(*values[: e.count], **{**params, "inplace": inplace})
        return e.row.evaluate(*values[: e.count], **params)

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
