"""A function between program and text: statements with expressions, and the regions of loops and branches in place."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from wengert.ir.program import (
    Equation,
    Var,
    type_in,
)


@dataclass(frozen=True)
class Global:
    """A constant above the functions."""

    name: str
    type: Any


@dataclass
class Apply:
    """An expression: a row applied to variables, constants and other expressions."""

    e: Equation
    ins: list[Any]


@dataclass(eq=False)
class Statement:
    """
    kind    let (one row), update, push, pop, move, if, for, while, call, check, show, unpack, return
    outs    variables that it sets;  ins  what it reads: variables, constants, expressions
    e       the equation that it comes from
    blocks  of a region: those that run under it
    text    of a call: the function; of an unpacking: the expression
    live    variables that are read later;  depth  of loops around it
    """

    kind: str
    outs: list[Var]
    ins: list[Any]
    e: Equation | None = None
    blocks: list["Block"] = field(default_factory=list)
    text: Any = ""
    live: set[Var] = field(default_factory=set)
    depth: int = 0
    number: int = field(default_factory=itertools.count().__next__)


Block = list[Statement]


def variables_in(xs: Iterable[Any]) -> Iterator[Var]:
    for x in xs:
        if isinstance(x, Var):
            yield x
        elif isinstance(x, Apply):
            yield from variables_in(x.ins)


def applications(xs: Iterable[Any]) -> Iterator[Apply]:
    for x in xs:
        if isinstance(x, Apply):
            yield x
            yield from applications(x.ins)


def all_statements(block: Block) -> Iterator[Statement]:
    for s in block:
        yield s
        for inner in s.blocks:
            yield from all_statements(inner)


def type_of_in(x: Any) -> Any:
    if isinstance(x, Apply):
        return x.e.outs[0].type
    return x.type if isinstance(x, Global) else type_in(x)


def blocks_in(block: Block) -> Iterator[Block]:
    yield block
    for s in block:
        for inner in s.blocks:
            yield from blocks_in(inner)


def sets(s: Statement) -> Iterator[Var]:
    yield from s.outs
    for inner in s.blocks:
        for other in inner:
            yield from sets(other)
