"""What a staged function reads from outside: numbers and arrays are inputs, read at each call; the rest is guarded."""

import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.core.layout import Layout
from wengert.core.mode import Value, unbuffer
from wengert.ir.program import Var
from wengert.modes.stage import Stage, Staged
from wengert.rules.control import value_type

Read = Callable[[], Any]
INPUTS = (float, complex, np.ndarray, np.floating, np.complexfloating)


@dataclass
class Captured:
    """
    inputs  parameters of the program beside the arguments: how to read their values;  layouts  how these lay in memory
    guards  facts that the program was built for: (how to read it, what it was)
    """

    inputs: list[tuple[Var, Read]] = field(default_factory=list)
    layouts: list[Layout] = field(default_factory=list)
    values: dict[Any, Any] = field(default_factory=dict)  # by place: what the staged function sees
    guards: dict[Any, tuple[Read, Any]] = field(default_factory=dict)

    def hold(self) -> bool:
        """Whether every fact is as it was."""
        return all(same_fact(peek(read), seen) for read, seen in self.guards.values())

    def draws(self) -> bool:
        """Whether there are random numbers among the inputs: another run would draw others."""
        return any(key[0] == "draw" for key in self.values)


def peek(read: Read) -> Any:
    try:
        return read()
    except (KeyError, IndexError, AttributeError, NameError, ValueError):
        return Gone


class Gone:
    """A name, attribute or item that is no longer there."""


def is_input(x: Any) -> bool:
    """Whether x varies from call to call: a number or an array with a dtype of numbers."""
    if isinstance(x, np.ndarray):
        return x.dtype.kind in "fciub"
    return isinstance(x, (*INPUTS, Value))


PLAIN = (int, str, bytes, bool, type(None), np.integer, np.bool_)


def same_fact(now: Any, seen: Any) -> bool:
    if now is seen:
        return True
    if type(now) is not type(seen):
        return False
    if isinstance(now, PLAIN):
        return bool(now == seen)
    if isinstance(now, tuple):
        return len(now) == len(seen) and all(map(same_fact, now, seen))
    if isinstance(now, types.MethodType):
        return now.__func__ is seen.__func__ and now.__self__ is seen.__self__
    return isinstance(now, np.dtype | slice | range) and now == seen


def known_number(x: Any) -> Any:
    """A whole number that the program may be built for; None where there is no such number now."""
    x = unbuffer(x)
    if isinstance(x, Staged) and x.aux in x.mode.known:
        x = x.primal
    return x if isinstance(x, int | np.integer) else None


def parameter(stage: Stage, name: str, x: Any, may_be_known: bool = True) -> Staged:
    """A parameter for x; a whole number may be known while the program is built."""
    whole = known_number(x) if may_be_known else None
    if whole is not None:
        return stage.argument(name, whole)
    made = stage.parameter(name, value_type(x))
    made.lie_as(x)
    return made
