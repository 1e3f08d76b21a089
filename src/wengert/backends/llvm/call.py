"""What a compiled program takes, gives and needs: the border between a program's code and the call from Python."""

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np

from wengert.core.tree import LEAF, Structure
from wengert.ir.program import Equation, Extent, Type, elements, extents_of

WORD = 8  # bytes
Read = tuple[dict[Any, Any], Any] | Callable[[], Any]  # an item of a dict, or what a function returns


class VALUE:
    """In place of a number or array: the next parameter, or the next result."""


class ABSENT:
    """In place of an item that a dict does not have."""


class Status(IntEnum):
    """What the code returns."""

    DONE = 0
    FAILED = 1  # a check; so is any other number
    OUT_OF_MEMORY = 2
    INTERRUPTED = 3


PLAIN = (int, str, bytes, bool, type(None))  # facts that are compared by what they are
# what was printed in the call that runs, to be done when it has succeeded
WAITING: ContextVar[list[Callable[[], Any]]] = ContextVar("waiting")


class Unsupported(Exception):
    """What machine code does not do, and in which equation."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.equation: Equation | None = None


@dataclass(frozen=True, eq=False)
class Call:
    """
    params     types of the parameters: those of the arguments, from left to right, then the hidden inputs
    results    types of the results: those that are returned, then those that overwrite arguments
    fallback   called with the same arguments where anything is not as told here, or the code says that it failed
    arguments  structure of (args, kwargs), see core/tree.py
    leaves     of that: VALUE for a parameter, or the object that must be there
    returned   structure of what is returned
    given      leaves of that: VALUE for a result, or the object to be put there
    hidden     how each hidden input is read; after all arguments have been found to fit
    known      parameter: the whole number that the program was built for
    same       parameter: an earlier one, which is the same array
    written    parameter: the result that is its new content
    guards     (dict, key, object): which object, or ABSENT, must stand there
    checks     functions of no arguments that must return True
    unset      context variables that must hold None
    arena      bytes of scratch memory
    long       whether others run meanwhile (the GIL is let go), and Ctrl-C ends the call
    poison     whether memory is filled with NaN before the code gets it, for tests
    """

    params: Sequence[Type]
    results: Sequence[Type]
    fallback: Callable[..., Any]
    arguments: Structure
    leaves: Sequence[Any]
    returned: Structure | None
    given: Sequence[Any]
    hidden: Sequence[Read] = ()
    known: Mapping[int, int] = field(default_factory=dict)
    same: Mapping[int, int] = field(default_factory=dict)
    written: Mapping[int, int] = field(default_factory=dict)
    guards: Sequence[tuple[dict[Any, Any], Any, Any]] = ()
    checks: Sequence[Callable[[], bool]] = ()
    unset: Sequence["ContextVar[Any]"] = ()
    arena: int = 0
    long: bool = False
    poison: bool = False

    @property
    def hidden_params(self) -> range:
        return range(len(self.params) - len(self.hidden), len(self.params))

    @property
    def lengths(self) -> list[int]:
        """How many lengths follow each result: the code stores them after all results."""
        return [len(extents_of(t)) for t in self.results]

    @property
    def must_be_apart(self) -> list[tuple[int, int]]:
        """Arrays that may not overlap: one that is written, and any other."""
        arrays = [i for i, t in enumerate(self.params) if t.form == "array"]
        first = {i: self.same.get(i, i) for i in arrays}
        return [(i, j) for i in self.written for j in arrays if first[i] != first[j]]


def flat_call(params: Sequence[Type], results: Sequence[Type], fallback: Callable[..., Any], **more: Any) -> Call:
    """Of a function whose arguments are its parameters; several results are a tuple."""
    count, out = len(params), len(results) - len(more.get("written", ()))
    inputs = count - len(more.get("hidden", ()))
    arguments = Structure(tuple, (0, 1), (sequence(tuple, inputs), Structure(dict, (), ())))
    returned = LEAF if out == 1 else sequence(tuple, out)
    return Call(params, results, fallback, arguments, [VALUE] * inputs, returned, [VALUE] * out, **more)


def sequence(kind: type, count: int) -> Structure:
    """Of leaves."""
    return Structure(kind, tuple(range(count)), (LEAF,) * count)


def is_fact(x: Any, expected: Any) -> bool:
    return x is expected or (type(x) is type(expected) and type(x) in PLAIN and x == expected)


def bounds(type: Type) -> tuple[int, ...]:
    """The shape, with the bound of each extent in its place."""
    return tuple([n.bound if isinstance(n, Extent) else n for n in type.shape])


def size_in_bytes(type: Type) -> int:
    """Of the buffer."""
    return elements(type) * type.dtype.itemsize


def by_address(type: Type) -> bool:
    """Whether the word of a parameter or result is the address of its memory: of an array, or of a number that is
    larger than a word."""
    return type.form == "array" or type.dtype.itemsize > WORD


def holds_positions(type: Type) -> bool:
    """Whether a change of the array, while the code runs, might lead it to other places of memory."""
    return type.form == "array" and type.dtype.kind in "iub"


def item_bytes(x: Any, dtype: "np.dtype[Any]") -> bytes:
    """A number as it stands in a word."""
    return np.asarray(x, dtype).tobytes()
