"""Modes that write down what is computed: formulas, and the evaluation trace of a function."""

import dis
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any

import numpy as np

from wengert.core.diagnostic import Position, is_passed_over, position
from wengert.core.mode import Mode, Value, buffer, plain
from wengert.core.primitive import Primitive
from wengert.core.types import dtype_of

# ---------------------------------------------------------------- terms


@dataclass(eq=False)
class Symbol:
    """A value with a name.  `version` counts the values that one name of the user's had in turn."""

    value: Any
    name: str = ""
    version: int = 1
    kind: str = "primal"  # or "tangent", "cotangent"

    def as_kind(self, kind: str, value: Any) -> "Symbol":
        return Symbol(value, self.name, self.version, kind)


@dataclass(eq=False)
class Application:
    """A row, by its name, on terms; what is no term is a constant."""

    name: str
    operands: tuple[Any, ...]
    params: dict[str, Any]
    value: Any


Term = Symbol | Application | Any


def term_of(x: Any) -> Term:
    """What is no formula is a constant, as it is now: rows may write into arrays that they own."""
    if isinstance(x, Spelled):
        return x.aux
    content = plain(x)
    return content.copy() if isinstance(content, np.ndarray) else content


# ---------------------------------------------------------------- formulas


class Spelled(Value):
    """A number or array, and how it came about."""

    __slots__ = ()


class Formula(Mode):
    """Values carry the formula that led to them.

    results   stand for what the first row gives, as the name in front of an equation does.
    """

    name = "formula"

    def __init__(self, results: Sequence[Symbol] | None = None) -> None:
        super().__init__()
        self.results = results

    def value(self, symbol: Symbol) -> Spelled:
        return Spelled(self, symbol.value, symbol)

    def apply(self, row: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        operands = tuple(map(term_of, args))
        out = row.evaluate(*map(plain, args), **params)
        outs = out if row.several else (out,)
        terms = self.results or [Application(row.name, operands, params, o) for o in outs]
        self.results = None
        spelled = tuple(Spelled(self, o, term) for o, term in zip(outs, terms))
        return spelled if row.several else spelled[0]


# ---------------------------------------------------------------- the evaluation trace


@dataclass(eq=False)
class Step:
    """One elementary operation of the user's function: results = row(operands, params)."""

    row: Primitive
    operands: tuple[Any, ...]
    params: dict[str, Any]
    results: list[Symbol]
    where: Position | None = None
    line: tuple[int, int] | None = None  # which frame and line: steps of one line stand together
    instruction: tuple[int, int] | None = None
    label: str | None = None  # the name that the user gives the result
    handles: list[Value] = field(default_factory=list)

    @property
    def value(self) -> Any:
        return self.results[0].value if len(self.results) == 1 else tuple(r.value for r in self.results)


class Trace(Mode):
    """Every row that the user's function applies to a floating-point value becomes a step."""

    name = "trace"

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Step] = []
        self.entry = sys._getframe(2)  # frames from here on belong to the user's function

    def value(self, symbol: Symbol) -> Spelled:
        return Spelled(self, symbol.value, symbol)

    def apply(self, row: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        operands = tuple(map(term_of, args))
        out = row.evaluate(*map(plain, args), **params)
        outs = list(out) if row.several else [out]
        if row.constant and all(dtype_of(o).kind not in "fc" for o in outs):
            return buffer(out)  # positions and truth values decide, they are no part of the calculation
        step = Step(row, operands, params, [Symbol(o) for o in outs])
        step.handles = [Spelled(self, o, symbol) for o, symbol in zip(outs, step.results)]
        self.locate(step, args[0])
        self.steps.append(step)
        return tuple(step.handles) if row.several else step.handles[0]

    def locate(self, step: Step, first: Any) -> None:
        """The user's line, and the name that its instruction is about to store under or writes into."""
        frame = self.user_frame()
        if frame is None:
            return
        step.where = position(frame)
        step.line = (id(frame), step.where.line)
        step.instruction = (id(frame), frame.f_lasti)
        if step.row.name == "write":
            step.label = next((name for name, x in frame.f_locals.items() if x is first), None)
            return
        step.label = stored_name(frame.f_code, frame.f_lasti)
        earlier = self.steps[-1] if self.steps else None
        same_call = earlier is not None and earlier.label is not None and earlier.instruction == step.instruction
        if same_call and frame.f_locals.get(earlier.label) is not earlier.handles[0]:
            earlier.label = None  # a call of the user's that takes several rows: the name belongs to the last of them

    def user_frame(self) -> FrameType | None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and is_passed_over(frame.f_code.co_filename):
            if frame is self.entry:
                return None
            frame = frame.f_back
        return frame


def stored_name(code: CodeType, offset: int) -> str | None:
    """The name that the instruction after the one at `offset` stores into."""
    following = next((i for i in dis.get_instructions(code) if i.offset > offset), None)
    if following is None or not following.opname.startswith("STORE_") or following.opname in NOT_NAMES:
        return None
    # Python 3.13 stores and loads in one instruction: STORE_FAST_LOAD_FAST (y, x)
    name = following.argval[0] if isinstance(following.argval, tuple) else following.argval
    return name if isinstance(name, str) else None


NOT_NAMES = ("STORE_SUBSCR", "STORE_ATTR", "STORE_SLICE")

# ---------------------------------------------------------------- names


def in_textbook_order(steps: list[Step]) -> list[Step]:
    """Steps of one line by depth, as textbooks list them; the lines in the order in which they ran."""
    groups: list[list[Step]] = []
    for step in steps:
        if groups and step.line is not None and groups[-1][0].line == step.line:
            groups[-1].append(step)
        else:
            groups.append([step])
    return [step for group in groups for step in by_depth(group)]


def by_depth(steps: list[Step]) -> list[Step]:
    depth: dict[int, int] = {}  # of a result, by the identity of its symbol
    for step in steps:
        below = max((depth.get(id(x), 0) for x in step.operands if isinstance(x, Symbol)), default=0)
        depth.update((id(symbol), below + 1) for symbol in step.results)
    return sorted(steps, key=lambda step: depth[id(step.results[0])])


def name_steps(steps: list[Step], inputs: list[Symbol], result: Symbol | None) -> None:
    """The user's names where he gave one, else v1, v2, ...; the result is y if he gave none and y is free."""
    taken = {s.name for s in inputs} | {step.label for step in steps if step.label}
    versions = {s.name: 1 for s in inputs}
    prefix = next(p for p in ("v", "t", "tmp") if not any(re.fullmatch(rf"{p}\d+", t) for t in taken))
    count = 0
    for step in steps:
        for symbol in step.results:
            if step.label and len(step.results) == 1:
                symbol.name = step.label
            elif step.row.name == "write" and isinstance(step.operands[0], Symbol):
                symbol.name = step.operands[0].name
            elif symbol is result and "y" not in taken:
                symbol.name = "y"
            else:
                count += 1
                symbol.name = f"{prefix}{count}"
            symbol.version = versions[symbol.name] = versions.get(symbol.name, 0) + 1
