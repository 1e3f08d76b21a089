"""The program as data: typed, functional, structured.  An update of an array makes a new value.

An equation applies a row of the table.  Control flow is rows, too, whose parameters are programs (rules/control.py);
these are closed: whatever they read from around them is an operand.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, NamedTuple, TypeGuard

import numpy as np

from wengert.core.diagnostic import Position
from wengert.core.primitive import TABLE, Primitive
from wengert.core.types import Shape

_numbers = itertools.count()

ROWS: dict[str, Primitive] = {}  # beside the table: what only programs have (rules/control.py)


def is_unnamed(name: str) -> bool:
    """Whether a variable is called after its row, for want of a better name."""
    return name in TABLE or name in ROWS or name in ("c", "then", "result", "either")


def row_called(name: str) -> Primitive:
    """The row of this name, of the table or of programs."""
    return ROWS.get(name) or TABLE[name]


# ---------------------------------------------------------------- types


SHORT = {"float": "f", "int": "i", "uint": "u", "complex": "c"}


@cache
def dtype_name(dtype: np.dtype[Any]) -> str:
    """f64 for float64; a dtype of the other byte order says so."""
    kind = dtype.name.rstrip("0123456789")
    name = SHORT[kind] + dtype.name[len(kind) :] if kind in SHORT else dtype.name
    return name if dtype.isnative else f"swapped_{name}"


class Extent(NamedTuple):
    """A length that only the run knows, of a slice or of what a mask chooses.

    number   its length in samples; extents of one number are the same in a run
    bound    it is at most this
    """

    number: int
    bound: int

    def __str__(self) -> str:
        return f"{self.number}<={self.bound}"


class Type(NamedTuple):
    """What a variable holds.

    shape  lengths, and extents where the run decides
    form   "array"; "scalar", a number of NumPy; "weak", a Python number, which takes the dtype of what it meets
           (NEP 50); "record", in a stack: a value of any type; "row", in a stack of machine code: several values
    """

    dtype: np.dtype[Any]
    shape: tuple[Any, ...] = ()
    form: str = "array"

    def __str__(self) -> str:
        name = "record" if self.form == "record" else dtype_name(self.dtype)
        if self.form == "weak":
            return f"~{name}"
        return name if self.form in ("scalar", "record") else f"{name}[{', '.join(map(str, self.shape))}]"


class Stack(NamedTuple):
    """A stack of values of one type: what a loop of unknown length keeps for the way back."""

    element: Any

    def __str__(self) -> str:
        return f"stack<{self.element}>"


AnyType = Type | Stack


def numeric(type: AnyType) -> Type:
    """The type where no stack can stand."""
    assert isinstance(type, Type)
    return type


def has_extents(type: AnyType) -> TypeGuard[Type]:
    return isinstance(type, Type) and any(isinstance(n, Extent) for n in type.shape)


def extents_of(type: AnyType) -> list[Extent]:
    return [n for n in type.shape if isinstance(n, Extent)] if isinstance(type, Type) else []


def with_lengths(type: Any, choose: Callable[[Extent], int]) -> Any:
    """The type with a length in place of each extent."""
    if not has_extents(type):
        return type
    return type._replace(shape=tuple([choose(n) if isinstance(n, Extent) else n for n in type.shape]))


def elements(type: Type) -> int:
    """How many there are at most."""
    return math.prod(n.bound if isinstance(n, Extent) else n for n in type.shape)


def agrees(found: AnyType, declared: AnyType) -> bool:
    """Whether a value of type `found`, which has no extents, is one of the declared type."""
    if not has_extents(declared) or isinstance(found, Stack) or len(found.shape) != len(declared.shape):
        return found == declared
    pairs = zip(found.shape, declared.shape)
    fits = all(n <= m.bound if isinstance(m, Extent) else n == m for n, m in pairs)
    return fits and found == declared._replace(shape=found.shape)


def type_of(x: Any) -> "AnyType":
    """The type of a plain number or array, or of a stack."""
    if isinstance(x, Items | Unread):
        return x.type
    if isinstance(x, np.ndarray):
        return Type(x.dtype, x.shape, "array")
    if isinstance(x, np.generic):
        return Type(x.dtype, (), "scalar")
    if isinstance(x, bool | int | float | complex):
        return Type(PYTHON[type(x)], (), "weak")
    raise TypeError(f"a program has no values of type {type(x).__name__}")


PYTHON = {bool: np.dtype(bool), int: np.dtype(np.int64), float: np.dtype(float), complex: np.dtype(complex)}
KINDS = {dtype.kind: kind for kind, dtype in PYTHON.items()}  # the Python number for a kind of dtype


# ---------------------------------------------------------------- variables, equations, programs


class Var:
    """A value of a program: made once, by a parameter or an equation."""

    __slots__ = ("__weakref__", "name", "number", "type")

    def __init__(self, name: str, type: AnyType) -> None:
        self.name, self.type, self.number = name, type, next(_numbers)

    def __repr__(self) -> str:
        return f"{self.name}.{self.number}: {self.type}"


class Hole(NamedTuple):
    """In a parameter: the value of this operand stands here (an index or a length that is known at run time only).

    extent   of a length: what it is in types
    """

    operand: int
    extent: Extent | None = None


REGIONS = frozenset({"for_", "while_", "if_", "call", "recur"})  # rows that run programs among their parameters


@dataclass(eq=False, slots=True)
class Equation:
    """outs = row(*ins, **params).

    ins     variables and plain numbers or arrays; operands of the row first, then what fills the holes of `params`
    count   how many of `ins` are operands
    label   the user's name for the result, if he gave one
    where   the user's line
    origin  for a derived equation: the one that it differentiates
    """

    outs: list[Var]
    row: Primitive
    ins: list[Any]
    params: dict[str, Any]
    count: int
    where: Position | None = None
    origin: "Equation | None" = None

    @property
    def regions(self) -> "list[Program]":
        if self.row.name not in REGIONS:
            return []
        return [p for p in self.params.values() if isinstance(p, Program)]

    @property
    def has_holes(self) -> bool:
        return len(self.ins) > self.count


Makers = dict[Var, Equation]


@dataclass(eq=False)
class Program:
    """results = f(params): equations in the order in which they run."""

    params: list[Var]
    equations: list[Equation] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)  # variables and plain numbers
    name: str = "program"

    def __str__(self) -> str:
        return f"<program {self.name}: {len(self.params)} parameters, {len(self.equations)} equations>"

    __repr__ = __str__


@dataclass(eq=False)
class Function:
    """A program that calls itself: equations `recur` in it name the function, and not the program.

    results   types of the results, which such equations ask for before the program is there
    effect    whether it may do something beside its results
    program   (the operands of a call) -> results
    """

    name: str
    results: list[AnyType]
    effect: bool = True
    program: Program = field(default_factory=lambda: Program([]))


def type_in(x: Any) -> AnyType:
    """The type of an operand of an equation."""
    return x.type if isinstance(x, Var) else type_of(x)


def parameter_types(program: Program) -> list[AnyType]:
    return [p.type for p in program.params]


def result_types(program: Program) -> list[AnyType]:
    return [type_in(x) for x in program.results]


# ---------------------------------------------------------------- holes


def fill(param: Any, operands: Any) -> Any:
    """The parameter with its holes filled; lengths keep the name of their extent, where they can."""
    return map_holes(param, lambda hole: as_length(as_index(operands[hole.operand]), hole.extent))


def as_length(x: Any, extent: Extent | None) -> Any:
    return x if extent is None or isinstance(x, int | np.integer) else x.as_length(extent)


def map_holes(param: Any, change: Callable[[Hole], Any]) -> Any:
    """The parameter with each hole replaced."""
    kind = type(param)
    if kind is Hole:
        return change(param)
    if kind is tuple or kind is list:
        return kind(map_holes(p, change) for p in param)
    if kind is slice:
        return slice(*(map_holes(p, change) for p in (param.start, param.stop, param.step)))
    if kind is dict:
        return {key: map_holes(p, change) for key, p in param.items()}
    return param


def holes(param: Any) -> Iterator[Hole]:
    """Those of a parameter, in the order in which they stand; regions have none."""
    match param:
        case Hole():
            yield param
        case slice():
            yield from holes((param.start, param.stop, param.step))
        case dict():
            yield from holes(list(param.values()))
        case tuple() | list() if not isinstance(param, Type | Stack):
            for part in param:
                yield from holes(part)


def as_index(x: Any) -> Any:
    """A number where an array of no axes stands, as NumPy reads it."""
    return int(x) if isinstance(x, np.ndarray) and x.ndim == 0 else x


def filled_params(e: Equation, operands: Any) -> dict[str, Any]:
    return {key: fill(p, operands) for key, p in e.params.items()} if e.has_holes else e.params


# ---------------------------------------------------------------- walks


def variables(e: Equation) -> list[Var]:
    """What an equation reads (its regions are closed)."""
    return [x for x in e.ins if isinstance(x, Var)]


def walk(program: Program) -> Iterator[Equation]:
    """All equations, those of regions after the one that holds them."""
    for e in program.equations:
        yield e
        for region in e.regions:
            yield from walk(region)


def makers(program: Program) -> Makers:
    """Which equation makes each variable."""
    return {out: e for e in program.equations for out in e.outs}


def reads_of(program: Program) -> Counter[Var]:
    """How often each variable is read, by equations and as a result."""
    found = Counter(x for e in program.equations for x in variables(e))
    found.update(x for x in program.results if isinstance(x, Var))
    return found


def substituted(xs: list[Any], names: Mapping[Var, Any]) -> list[Any]:
    return [names.get(x, x) if isinstance(x, Var) else x for x in xs]


def copied(e: Equation, names: dict[Var, Any], origin: Equation | None = None) -> Equation:
    """The equation with other variables; `names` learns those of its results."""
    outs = [Var(o.name, o.type) for o in e.outs]
    ins = substituted(e.ins, names)
    names.update(zip(e.outs, outs))
    return Equation(outs, e.row, ins, e.params, e.count, e.where, origin or e.origin)


def clone(program: Program) -> Program:
    """A copy with variables of its own; regions are shared, since passes replace and never change them."""
    names: dict[Var, Any] = {p: Var(p.name, p.type) for p in program.params}
    params = [names[p] for p in program.params]
    equations = [copied(e, names) for e in program.equations]
    return Program(params, equations, substituted(program.results, names), program.name)


def map_regions(e: Equation, change: Callable[[Program], Program]) -> Equation:
    """The equation with each of its programs replaced."""
    if not e.regions:
        return e
    params = {key: change(p) if isinstance(p, Program) else p for key, p in e.params.items()}
    return Equation(e.outs, e.row, e.ins, params, e.count, e.where, e.origin)


# ---------------------------------------------------------------- stacks


# a record is a stack of values of any types: what a call of a recursive function keeps for its way back
RECORD = Stack(Type(np.dtype(float), (), "record"))


class Items:
    """A stack at run time, with the shape and dtype by which derivatives see that it may carry one."""

    __slots__ = ("items", "type")
    shape: Shape = ()

    def __init__(self, type: Stack, items: list[Any] | None = None) -> None:
        self.type, self.items = type, [] if items is None else items

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_in(self.type)

    def __repr__(self) -> str:
        return f"<{self.type} of {len(self.items)}>"


@dataclass
class Unread:
    """In place of an array that nobody reads, whose lengths are not known."""

    type: Type
    shape: ClassVar[Shape] = ()

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.type.dtype


def dtype_in(type: AnyType) -> np.dtype[Any]:
    """Of the numbers, however deep they are stacked."""
    while isinstance(type, Stack):
        type = type.element
    return type.dtype


def tangent_type(type: AnyType) -> AnyType:
    """Of tangents and cotangents: a number of NumPy where the primal is a weak one."""
    if isinstance(type, Stack):
        return Stack(tangent_type(type.element))
    return type._replace(form="scalar") if type.form == "weak" else type


def zero(type: AnyType) -> Any:
    """The zero of this type; where a derivative asks for the zero of a stack, the stack is empty.

    An array whose lengths only the run knows has no zero of its own.
    """
    if isinstance(type, Stack):
        return Items(type)
    if type.form == "weak":
        return type.dtype.type(0).item()
    if has_extents(type):
        return Unread(type)
    return np.zeros(type.shape, type.dtype) if type.form == "array" else type.dtype.type(0)
