"""Running a program, one NumPy call at a time: the oracle for every other way to run it.

A value is let go at its last use.  So an update runs in place where nobody else holds the array: no caller, no view,
no name, no kept value.
"""

import functools
import math
import operator
import sys
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from wengert.core.diagnostic import Position
from wengert.core.mode import ALONE
from wengert.ir.program import (
    REGIONS,
    Equation,
    Function,
    Hole,
    Items,
    Program,
    Stack,
    Type,
    Var,
    as_index,
    elements,
    has_extents,
    holes,
    numeric,
    type_in,
    variables,
)


class Writer:
    """Writes a program as a Python function of an interpreter and a list of operands, which it empties.

    A line for each equation; a local name for each variable, let go at its last use.

    lines      of the function, the first of which are its head;  equations: that of each line
    constants  what the function reads beside its operands
    """

    def __init__(self, program: Program, is_plain: bool) -> None:
        self.is_plain = is_plain
        self.lines: list[str] = []
        self.equations: list[Equation | None] = [None, None, None]  # lines are counted from 1
        self.constants: dict[str, Any] = {
            **{"is_free": is_free, "as_index": as_index, "copy": np.array},
            **{"blame": blame_line, "equations": self.equations},
        }
        made = [*program.params, *(out for e in program.equations for out in e.outs)]
        self.names = {x: f"v{i}" for i, x in enumerate(made)}
        self.copied = views_in_the_way(program)
        read = {x for e in program.equations for x in variables(e)}.union(variables_of(program.results))
        unread = self.letting_go(program.params, read)
        self.line(f"[{self.listed(program.params)}] = operands; operands.clear(); {unread}")
        for e, last in zip(program.equations, last_uses(program)):
            self.line(self.statement(e, [e.ins[i] for i in last]) + self.letting_go(e.outs, read), e)
        self.line(f"return [{self.listed(program.results)}]")

    def function(self) -> Callable[["Interpreter", list[Any]], list[Any]]:
        lines = ["def run(self, operands):", " try:", *self.lines, " except Exception as error:"]
        lines += ["  blame(error, equations)", "  raise"]
        exec(compile("\n".join(lines), "<program>", "exec"), self.constants)
        return self.constants["run"]  # type: ignore[no-any-return]

    def line(self, text: str, e: Equation | None = None) -> None:
        self.lines.append(f"  {text}")
        self.equations.append(e)

    def name(self, x: Any) -> str:
        """Of a variable, or of a constant."""
        if isinstance(x, Var):
            return self.names[x]
        name = f"c{len(self.constants)}"
        self.constants[name] = x
        return name

    def listed(self, xs: Iterable[Any]) -> str:
        return ", ".join(map(self.name, xs))

    def letting_go(self, xs: Iterable[Var], read: Container[Var] = ()) -> str:
        """For what nobody reads any more; numbers may stay."""
        return "".join(f"{self.names[x]} = None; " for x in xs if x not in read and not is_number(x))

    # ------------------------------------------------------------ one equation

    def statement(self, e: Equation, last: list[Var]) -> str:
        outs = f"[{self.listed(e.outs)}]" if e.row.several else self.name(e.outs[0])  # by position
        if not self.is_plain or e.row.name in REGIONS:
            # only the list holds the operands then
            values = f"values = [{self.listed(e.ins)}]; {self.letting_go(last)}"
            return f"{values}{outs} = {self.region(e) if self.is_plain else self.applied(e)}; "
        gone = self.letting_go(x for x in last if x not in e.outs)
        return f"{outs} = {self.call(e, [*map(self.name, e.ins)], last)}; {gone}"

    def region(self, e: Equation) -> str:
        return f"self.{e.row.name}(values, **{self.name(e.params)})"

    def applied(self, e: Equation) -> str:
        """By an interpreter that does something for each equation."""
        if e.row.name in REGIONS:
            return f"self.apply({self.name(e)}, values, lambda values: {self.region(e)})"
        ins = [f"values[{i}]" for i in range(len(e.ins))]
        return f"self.apply({self.name(e)}, values, lambda values: {self.call(e, ins, e.ins)})"

    def call(self, e: Equation, ins: list[str], last: Sequence[Any]) -> str:
        """The row applied to operands of these names."""
        args, evaluate = ins[: e.count], e.row.evaluate
        if all(isinstance(x, Stack) or x.shape == () for x in map(type_in, e.ins)):
            evaluate = getattr(evaluate, "on_numbers", evaluate)
        if evaluate in SYMBOLS and e not in self.copied:
            return f" {SYMBOLS[evaluate]} ".join(args)
        params = [f"{key}={self.param(p, e, ins)}" for key, p in e.params.items() if key != "inplace"]
        call = f"{self.name(evaluate)}({', '.join([*args, *params])}"
        if "inplace" not in e.params:
            return f"copy({call}))" if e in self.copied else f"{call})"
        if not any(x is e.ins[0] for x in last) or sum(x is e.ins[0] for x in e.ins) > 1:
            return f"{call}, inplace=False)"
        # asked first: arguments of a call are references, too
        return f"{call}, inplace=True) if is_free({args[0]}) else {call}, inplace=False)"

    def param(self, param: Any, e: Equation, ins: list[str]) -> str:
        """The parameter with its holes filled."""
        if isinstance(param, Hole):
            is_array = numeric(type_in(e.ins[param.operand])).form == "array"
            return f"as_index({ins[param.operand]})" if is_array else ins[param.operand]
        if not any(holes(param)):
            return self.name(param)
        match param:
            case tuple():
                return f"({''.join(self.param(p, e, ins) + ', ' for p in param)})"
            case list():
                return f"[{', '.join(self.param(p, e, ins) for p in param)}]"
            case dict():
                return f"{{{', '.join(f'{key!r}: {self.param(p, e, ins)}' for key, p in param.items())}}}"
        return f"slice({', '.join(self.param(p, e, ins) for p in (param.start, param.stop, param.step))})"


# the operators themselves, which Python runs sooner than calls of their functions
SYMBOLS = {operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/"}


def is_number(x: Var) -> bool:
    return isinstance(x.type, Type) and x.type.form != "array"


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
    pushed = [x for e in program.equations if e.row.name == "stack_push" for x in e.ins[1:]]
    last.update(dict.fromkeys(variables_of([*program.results, *pushed]), math.inf))
    changes: dict[Var, int] = {}
    for i, e in enumerate(program.equations):
        for x in e.ins[:1] if "inplace" in e.params else variables(e) if e.row.name in REGIONS else ():
            changes[x] = i
    found = set()
    for i, e in reversed(list(enumerate(program.equations))):
        if not e.row.view or not isinstance(e.ins[0], Var) or numeric(e.outs[0].type).form != "array":
            continue
        whole, part = e.ins[0], e.outs[0]
        alive = last.get(part, -1)
        part_only = elements(numeric(part.type)) < elements(numeric(whole.type)) or has_extents(part.type)
        if part_only and (alive == math.inf or i < changes.get(whole, -1) <= alive):
            found.add(e)
        else:
            last[whole] = max(last.get(whole, -1), alive)  # a view of a view
    return found


Run = Callable[["Interpreter", list[Any]], list[Any]]
_functions: "WeakKeyDictionary[Program, dict[bool, Run]]" = WeakKeyDictionary()


def function_of(program: Program, is_plain: bool) -> Run:
    known = _functions.setdefault(program, {})
    if is_plain not in known:
        known[is_plain] = Writer(program, is_plain).function()
    return known[is_plain]


class Interpreter:
    """Runs programs; what is done for each equation may be overridden (to count, to check, to show)."""

    is_plain = True
    is_deep = False  # inside a function that calls itself

    def __init_subclass__(cls) -> None:
        cls.is_plain = cls.apply is Interpreter.apply and cls.run is Interpreter.run

    def run(self, program: Program, operands: list[Any]) -> list[Any]:
        """The results.  `operands` is emptied: what the caller does not hold may be overwritten."""
        return function_of(program, self.is_plain)(self, operands)

    def runner(self, program: Program) -> Callable[[list[Any]], list[Any]]:
        """`run` for one program, which is found once."""
        if self.is_plain:
            return functools.partial(function_of(program, True), self)
        return functools.partial(self.run, program)

    def apply(self, e: Equation, values: list[Any], evaluate: Callable[[list[Any]], Any]) -> Any:
        return evaluate(values)

    # ------------------------------------------------------------ control flow; operands are lists, which they empty

    def for_(self, operands: list[Any], body: Program, consts: int) -> list[Any]:
        lo, hi, step = (int(x) for x in operands[:3])
        constant, carries = operands[3 : 3 + consts], operands[3 + consts :]
        operands.clear()
        run = self.runner(body)
        for i in range(lo, hi, step):
            values = [i, *constant, *carries]
            carries.clear()
            carries = run(values)
        return carries

    def while_(self, operands: list[Any], test: Program, body: Program, consts: int) -> list[Any]:
        constant, carries = operands[:consts], operands[consts:]
        operands.clear()
        goes_on, run = self.runner(test), self.runner(body)
        while goes_on([*constant, *carries])[0]:
            values = [*constant, *carries]
            carries.clear()
            carries = run(values)
        return carries

    def if_(self, operands: list[Any], then: Program, orelse: Program) -> list[Any]:
        return self.run(then if operands.pop(0) else orelse, operands)

    def call(self, operands: list[Any], program: Program) -> list[Any]:
        return self.run(program, operands)

    def recur(self, operands: list[Any], function: Function) -> list[Any]:
        if self.is_deep:
            return self.run(function.program, operands)
        self.is_deep, limit = True, sys.getrecursionlimit()
        sys.setrecursionlimit(limit * FRAMES)
        try:
            return self.run(function.program, operands)
        finally:
            self.is_deep = False
            sys.setrecursionlimit(limit)


FRAMES = 6  # of Python's for one call, and each branch around the next: as deep as the user's function may go
REFERENCES = ALONE + 1  # to what a name holds and is passed on


def is_free(x: Any) -> bool:
    """Whether nobody but the name or the list whose item is passed here holds the storage of x."""
    if isinstance(x, Items):
        return sys.getrefcount(x) == REFERENCES
    return isinstance(x, np.ndarray) and sys.getrefcount(x) == REFERENCES and x.base is None and x.flags.writeable


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


def blame_line(error: Exception, equations: Sequence[Equation | None]) -> None:
    assert error.__traceback__ is not None
    e = equations[error.__traceback__.tb_lineno]
    blame(error, None if e is None else line_of(e))


def evaluate(program: Program, operands: list[Any]) -> list[Any]:
    """The results of the program, with what holds no array changed."""
    return Interpreter().run(program, list(operands))
