"""A staged function as machine code: what the code takes and gives, and under which facts it is the function."""

import functools
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy._core.umath import _extobj_contextvar  # set while `np.errstate` is another than usual

from wengert.backends.llvm.call import VALUE, WAITING, Call, Unsupported, flat_call
from wengert.backends.llvm.entry import entry
from wengert.backends.llvm.portable import Portable, fits
from wengert.backends.llvm.recipe import made
from wengert.core.diagnostic import Diagnostic
from wengert.core.tree import Structure
from wengert.frontend.capture import PLAIN, Read, peek, same_fact
from wengert.frontend.route import own_derivatives
from wengert.frontend.scope import ACTIVE
from wengert.ir.evaluate import line_of
from wengert.ir.program import Program, Type, elements, has_extents, parameter_types, result_types, walk
from wengert.rules.control import show

if TYPE_CHECKING:
    from wengert.frontend.jit import Built

_machines: "WeakKeyDictionary[Program, Machine]" = WeakKeyDictionary()


def machine_of(program: Program) -> "Machine":
    """Its machine code, made once.

    Raises Diagnostic W604 where it has none.
    """
    if program not in _machines:
        _machines[program] = Machine(program)
    return _machines[program]


LONG = 10_000  # elements: from there on a call takes long enough to let other threads run


class Machine:
    """The code of one program."""

    def __init__(self, program: Program) -> None:
        try:
            found = made(program)
        except Unsupported as problem:
            raise Diagnostic(
                "W604",
                f"`{program.name}` has no machine code",
                problem.reason,
                'convert them with x.astype(float), or let NumPy run the program: wg.jit(f, backend="numpy")',
                line_of(problem.equation) if problem.equation else None,
            ) from None
        # not the program itself, with which its machine shall go
        self.types = parameter_types(program), result_types(program)
        self.code, self.arena, self.kept, self.in_python = found.code, found.arena, found.kept, found.in_python
        self.long = takes_long(program)

    @property
    def prints(self) -> bool:
        return any(e.row is show for e in self.in_python)

    @functools.cached_property
    def flat(self) -> Callable[..., Any]:
        """Takes the values of the program, and gives its results."""
        params, results = self.types
        portable = Portable(flat_call(params, results, refused, arena=self.arena), self.code)  # type: ignore[arg-type]
        again = functools.partial(run_carefully, portable)
        if any(map(has_extents, params)):  # arrays with room for their bounds, which nobody passes
            return again
        guarded = {"arena": self.arena, "long": self.long, "unset": [_extobj_contextvar]}
        return entry(flat_call(params, results, again, **guarded), self.code)  # type: ignore[arg-type]

    def run(self, values: Sequence[Any]) -> Sequence[Any] | None:
        """The results for values of the program; None where a check fails, a number does not fit, or NumPy raises."""
        waiting: list[Callable[[], Any]] = []
        token = WAITING.set(waiting)
        try:
            found = self.flat(*values)
        finally:
            WAITING.reset(token)
        for act in waiting if found is not None else ():
            act()
        return found if found is None or len(self.types[1]) != 1 else (found,)

    def entry(self, built: "Built", arguments: Structure, leaves: list[Any], fallback: Callable[..., Any]) -> Any:
        """What Python calls: the code for arguments of this kind, the fallback for all others."""
        guards, checks = facts_of(built)
        places, count = built.places, len(built.program.results) - len(built.written)
        first = {id(leaves[i]): k for k, i in reversed(list(enumerate(places))) if isinstance(leaves[i], np.ndarray)}
        call = Call(
            *self.types,  # type: ignore[arg-type]
            fallback,
            arguments,
            [VALUE if i in set(places) else x for i, x in enumerate(leaves)],
            built.structure,
            [VALUE if is_result else x for x, is_result in built.returned()],
            hidden=[item_read(read) or read for _, read in built.staging.captured.inputs],
            known=dict(built.guards),
            same={k: first[id(leaves[i])] for k, i in enumerate(places) if first.get(id(leaves[i]), k) != k},
            written={k: count + i for i, k in enumerate(built.written)},
            guards=guards,
            checks=checks,
            # where a program is built around this one, its inputs are inputs of both; or NumPy should raise exceptions
            unset=[ACTIVE, _extobj_contextvar],
            arena=self.arena,
            long=self.long,
        )
        return entry(call, self.code)


def numpy_raises() -> bool:
    """Whether the user wants exceptions where numbers overflow or are not defined: the interpreter raises them."""
    return not {"raise", "call"}.isdisjoint(np.geterr().values())


def run_carefully(portable: Portable, *values: Any) -> Any:
    """Values that did not fit as they are, or code that failed: what `flat` gives, or None."""
    values = tuple([in_one_piece(x) if isinstance(x, np.ndarray) else x for x in values])
    if not all(map(fits, values, portable.call.params)) or numpy_raises():
        return None
    found = portable.computed(list(values))
    return found if found is None or len(found) != 1 else found[0]


def refused(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("nothing falls back from here")


def in_one_piece(x: Any) -> Any:
    return np.ascontiguousarray(x).reshape(x.shape) if x.dtype.isnative else x


def takes_long(program: Program) -> bool:
    """Whether it has a loop, or arrays of many elements."""
    types = [o.type for e in program.equations for o in e.outs]
    return any(e.regions for e in walk(program)) or any(isinstance(t, Type) and elements(t) >= LONG for t in types)


def facts_of(built: "Built") -> tuple[list[Any], list[Callable[[], bool]]]:
    """What must be as it was: items of dicts, which code can look at, and functions that tell of the rest."""
    guards: list[Any] = [(own_derivatives.state, "generation", own_derivatives.generation)]
    checks: list[Callable[[], bool]] = []
    for read, seen in built.staging.captured.guards.values():
        place = item_read(read)
        if place is not None and (isinstance(seen, PLAIN) or not isinstance(seen, tuple | np.dtype | slice | range)):
            guards.append((*place, seen))
        else:
            checks.append(functools.partial(is_same, read, seen))
    return guards, checks


def is_same(read: Read, seen: Any) -> bool:
    return same_fact(peek(read), seen)


def item_read(read: Read) -> tuple[dict[Any, Any], Any] | None:
    """The dict and the key, where an item of one is read."""
    if not isinstance(read, functools.partial) or read.func is not operator.getitem:
        return None
    container, key = read.args
    return (container, key) if type(container) is dict else None
