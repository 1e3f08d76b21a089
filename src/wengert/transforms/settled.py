"""What a loop reads of an array where nobody writes any more: the way back reads it again, of the array at the end.

    for j in range(n):
        ... L[i, k] ...       with k < j
        L[i, j] = ...         later iterations write to later columns

So the way back of a factorisation keeps nothing beside the factors.  Where something is written later is known of all
loops around (passes/affine.py): each tells the equations inside it what comes after them.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wengert.ir.program import Equation, Program, Type, Var, has_extents, map_holes, numeric, type_in
from wengert.passes.affine import (
    Form,
    Forms,
    Place,
    Symbol,
    are_apart,
    form_of,
    forms_in,
    index_between,
    is_whole,
    number,
    of_symbol,
    place_of,
    steps_to,
    written,
    written_inside,
)
from wengert.passes.rewrite import is_plain
from wengert.rules.indexing import getitem
from wengert.transforms.build import var_of


class Final(NamedTuple):
    """What an array becomes in the end.

    value  that array, in the program that is being built; None: what the loop itself gives
    later  where it is written from here on
    """

    value: Any
    later: tuple[Place, ...]


class Operands(NamedTuple):
    """What is known of an equation that runs programs: of its operands, and of the arrays that it updates, after it."""

    forms: Sequence[Form | None]
    finals: Sequence[Final | None]
    after: Sequence[Final | None]


_known: "ContextVar[Operands | None]" = ContextVar("operands", default=None)


@contextmanager
def known_inside(operands: Operands | None) -> Iterator[None]:
    """What is known of the operands of the equation that is differentiated in here."""
    token = _known.set(operands)
    try:
        yield
    finally:
        _known.reset(token)


@dataclass
class Facts:
    """What is known of the parameters of a program: whole numbers, and arrays.

    ends  what the arrays are at its end: a result, or the parameter itself
    """

    forms: Forms = field(default_factory=dict)
    finals: dict[Var, Final] = field(default_factory=dict)
    ends: dict[Var, Any] = field(default_factory=dict)

    def add(self, p: Var, final: Final | None, end: Any) -> None:
        if final is not None and not has_extents(p.type) and type_in(end) == p.type:
            self.finals[p], self.ends[p] = final, end


def of_operands(xs: Sequence[Any], outs: int) -> Operands:
    """What is known of these operands; where nothing else is, which are plain numbers."""
    known = _known.get()
    if known is not None:
        return known
    forms = [number(int(x)) if is_plain(x) and is_whole(x) else None for x in xs]
    return Operands(forms, [None] * len(xs), [None] * outs)


def in_loop(known: Operands, body: Program, consts: int, own: Sequence[bool]) -> Facts:
    """own: carries whose array at the end the way back may have from this loop"""
    first = 1 + consts
    lo, hi, step = (form or of_symbol(Symbol()) for form in known.forms[:3])
    facts = Facts({p: f for p, f in zip(body.params[1:first], known.forms[3:]) if f is not None})
    for p, final in zip(body.params[1:first], known.finals[3:]):
        facts.add(p, final, p)
    if step.terms or step.constant == 0:
        return facts
    index = index_between(lo, hi, step.constant)
    (symbol,) = index.terms
    following = index.plus(step)
    up = step.constant > 0
    next_index = of_symbol(Symbol(following, symbol.high) if up else Symbol(symbol.low, following))
    for k, (p, result, after) in enumerate(zip(body.params[first:], body.results, known.after)):
        if (after is None and not own[k]) or steps_to(body, p, result) is None:
            continue
        later = tuple(written_inside(body, consts, k, next_index, facts.forms))
        facts.add(p, Final(after.value, later + after.later) if after else Final(None, later), result)
    facts.forms[body.params[0]] = index
    return facts


def in_branch(known: Operands, side: Program) -> Facts:
    facts = Facts({p: f for p, f in zip(side.params, known.forms[1:]) if f is not None})
    for p, final in zip(side.params, known.finals[1:]):
        facts.add(p, final, p)
    for result, after in zip(side.results, known.after):
        for p in side.params if after is not None else ():
            if p.type == type_in(result) and steps_to(side, p, result) is not None:
                facts.add(p, after, result)
    return facts


class Settled:
    """What the equations of a program read and write of arrays, and what happens there later.

    finals    parameters whose final arrays the way back may have
    values    these arrays, in the program that is being built
    versions  of these arrays: variable -> the parameter that it is an update of, where it is written from here on
    names     what the variables are in the program that is being built: variables, or plain numbers
    """

    def __init__(self, program: Program, facts: Facts) -> None:
        self.program, self.finals = program, list(facts.finals)
        self.forms = forms_in(program, facts.forms)
        self.values: dict[Var, Any] = {}
        self.names: dict[Var, Any] = {}
        self.versions: dict[Var, tuple[Var, tuple[Place, ...]]] = {}
        for p, final in facts.finals.items():
            later = final.later
            for e, before, after in reversed(steps_to(program, p, facts.ends[p]) or ()):
                self.versions[after] = p, later
                later = (*written(e, after, self.forms), *later)
                self.versions[before] = p, later
            self.versions.setdefault(p, (p, later))

    def name(self, xs: Sequence[Var], values: Sequence[Any]) -> None:
        if self.versions:
            self.names.update((x, var_of(v) or v) for x, v in zip(xs, values))

    def final(self, x: Any) -> Final | None:
        if not isinstance(x, Var) or x not in self.versions:
            return None
        p, later = self.versions[x]
        return Final(self.values[p], later)

    def finals_of(self, positions: Iterable[int]) -> list[Var | None]:
        """The final arrays of these parameters, as variables."""
        return [var_of(self.values.get(self.program.params[i])) for i in positions]

    def inside(self, e: Equation) -> Operands:
        """What the programs of an equation may know."""
        forms = [form_of(x, self.forms) if is_whole(x) else None for x in e.ins]
        return Operands(forms, [self.final(x) for x in e.ins], [self.final(o) for o in e.outs])

    def sources(self) -> dict[Var, Equation]:
        """What is read, or written, where nobody writes later: an equation for each that reads it of the final array,
        in the program that is being built."""
        found: dict[Var, Equation] = {}
        for e in self.program.equations if self.versions else ():
            if e.row.name == "getitem" and self.stays(e, e.ins[0]) and not has_extents(e.outs[0].type):
                self.add_source(found, e, e.outs[0], e.ins[0], e.ins[1:], e.params["index"])
            elif e.row.name == "write" and is_element(e) and self.stays(e, e.outs[0]):
                index = map_holes(e.params["index"], lambda hole: hole._replace(operand=hole.operand - 1))
                self.add_source(found, e, e.ins[1], e.outs[0], e.ins[2:], index)
        return found

    def stays(self, e: Equation, x: Any) -> bool:
        """Whether nobody writes later where the equation touches this array."""
        if not isinstance(x, Var) or x not in self.versions:
            return False
        here = place_of(e, self.forms)
        return all(are_apart(here, p) for p in self.versions[x][1])

    def add_source(
        self, found: dict[Var, Equation], e: Equation, x: Var, whole: Var, holes: list[Any], index: Any
    ) -> None:
        out, final = self.names[x], var_of(self.values[self.versions[whole][0]])
        if isinstance(out, Var) and final is not None:
            ins = [final, *(self.names[i] if isinstance(i, Var) else i for i in holes)]
            found.setdefault(out, Equation([out], getitem, ins, {"index": index}, 1, e.where, e.origin))


def is_element(e: Equation) -> bool:
    """Whether a `write` writes one variable to one element, as it is."""
    x, type, parts = e.ins[1], numeric(type_in(e.ins[0])), e.params["index"]
    if not isinstance(x, Var) or x.type != Type(type.dtype, (), "scalar") or e.params["steps"]:
        return False
    is_whole_index = len(parts) == len(type.shape) and not any(p is None or isinstance(p, slice) for p in parts)
    return is_whole_index and all(map(is_whole, e.ins[2:]))
