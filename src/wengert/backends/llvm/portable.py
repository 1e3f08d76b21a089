"""A compiled program as a Python object that looks at its arguments itself, and calls the code through ctypes.

It does what native.py does, a hundred times slower, wherever machine code may not look into objects: threads run
freely, or fields are not where they were expected.  The GIL is let go in every call.
"""

import ctypes
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from wengert.backends.llvm.call import (
    ABSENT,
    VALUE,
    Call,
    Status,
    bounds,
    by_address,
    holds_positions,
    is_fact,
    item_bytes,
)
from wengert.backends.llvm.engine import Code
from wengert.core.tree import flatten, unflatten
from wengert.ir.program import KINDS, Extent, Type, agrees, extents_of, has_extents, type_of

ALIGNMENT = 64
NEVER = ctypes.c_int32(0)  # where the code looks whether it should stop


class Portable:
    """Calls `run` of the code."""

    __name__ = "compiled"

    def __init__(self, call: Call, code: Code) -> None:
        self.call, self.code = call, code
        address = code.address("run")
        self.run = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(address)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        values = None
        with suppress(Exception):  # what cannot be read is not as expected; the fallback raises what is to be raised
            values = self.values(args, kwargs)
        results = None if values is None else self.computed(values)
        if results is None:
            return self.call.fallback(*args, **kwargs)
        for param, result in self.call.written.items():
            assert values is not None
            values[param][...] = results[result]
        found = iter(results)
        return unflatten(self.call.returned, [next(found) if x is VALUE else x for x in self.call.given])

    # ------------------------------------------------------------ what comes in

    def values(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any] | None:
        """Of the parameters; None where something is not as expected."""
        call = self.call
        leaves, structure = flatten((args, kwargs))
        if structure != call.arguments or not self.facts_hold():
            return None
        if not all(expected is VALUE or is_fact(x, expected) for x, expected in zip(leaves, call.leaves)):
            return None
        values = [x for x, expected in zip(leaves, call.leaves) if expected is VALUE]
        if not all(map(fits, values, call.params)) or not self.arrays_fit(values):
            return None
        values += [read() if callable(read) else read[0][read[1]] for read in call.hidden]
        if not all(fits(values[i], call.params[i]) for i in call.hidden_params):
            return None
        if any(np.may_share_memory(values[i], values[j]) for i, j in call.must_be_apart):
            return None
        return values if all(values[i] == number for i, number in call.known.items()) else None

    def facts_hold(self) -> bool:
        same = all(dict.get(d, key, ABSENT) is x for d, key, x in self.call.guards)
        same = same and all(variable.get(None) is None for variable in self.call.unset)
        return same and all(check() is True for check in self.call.checks)

    def arrays_fit(self, values: list[Any]) -> bool:
        same = all(values[i] is values[j] for i, j in self.call.same.items())
        return same and all(values[i].flags.writeable for i in self.call.written)

    # ------------------------------------------------------------ the run

    def computed(self, values: list[Any]) -> list[Any] | None:
        """The results; None where the code says that it failed."""
        call = self.call
        held = [kept_apart(x, t) for x, t in zip(values, call.params)]
        known = [n for x, t in zip(values, call.params) for n in open_lengths(x, t)]
        words = [ctypes.addressof(NEVER), *[0] * len(held), *known]
        inputs = (ctypes.c_int64 * len(words))(*words)
        for k, (x, type) in enumerate(zip(held, call.params)):
            store(inputs, 1 + k, x, type)
        buffers = [np.empty(bounds(t), t.dtype) for t in call.results]
        outputs = (ctypes.c_int64 * (len(buffers) + sum(call.lengths) + 1))()
        for k, (x, type) in enumerate(zip(buffers, call.results)):
            if by_address(type):
                outputs[k] = x.ctypes.data
        arena = np.empty(call.arena + ALIGNMENT, np.uint8)
        if call.poison:
            for x in [arena, *buffers]:
                ctypes.memset(x.ctypes.data, 0xFF, x.nbytes)
        start = arena.ctypes.data + -arena.ctypes.data % ALIGNMENT
        status = self.run(ctypes.addressof(inputs) + 8, ctypes.addressof(outputs), start)
        if status == Status.OUT_OF_MEMORY:
            raise MemoryError
        if status != Status.DONE:
            return None
        found = outputs[len(buffers) :]
        extents = [n for t in call.results for n in extents_of(t)]
        if not all(0 <= length <= n.bound for length, n in zip(found, extents)):
            return None
        lengths = iter(found)
        return [taken(outputs, k, x, t, lengths) for k, (x, t) in enumerate(zip(buffers, call.results))]


def fits(x: Any, type: Type) -> bool:
    """Whether x is a value of this type that the code can take as it stands."""
    if type.form == "array":
        exact = x.__class__ is np.ndarray and agrees(type_of(x), type)
        return bool(exact and x.flags.c_contiguous and x.flags.aligned)
    if type.form == "scalar":
        return x.__class__ is type.dtype.type
    if x.__class__ is not KINDS[type.dtype.kind]:
        return False
    return x.__class__ is not int or -(2**63) <= x < 2**63


def is_copied(type: Type) -> bool:
    """Whether the code gets the address of a copy: others may change positions, and numbers have no address."""
    return holds_positions(type) or (type.form != "array" and by_address(type))


def kept_apart(x: Any, type: Type) -> Any:
    """What the code gets for a value: where lengths are open, it has room for their bounds."""
    if has_extents(type):
        room = np.zeros(bounds(type), type.dtype)
        room[tuple(map(slice, x.shape))] = x
        return room
    return np.array(x) if is_copied(type) else x


def open_lengths(x: Any, type: Type) -> list[int]:
    return [n for n, m in zip(x.shape, type.shape) if isinstance(m, Extent)] if has_extents(type) else []


def store(words: Any, k: int, x: Any, type: Type) -> None:
    """A parameter."""
    if by_address(type):
        words[k] = x.ctypes.data
    else:
        ctypes.memmove(ctypes.addressof(words) + 8 * k, item_bytes(x, type.dtype), type.dtype.itemsize)


def taken(words: Any, k: int, buffer: Any, type: Type, lengths: Iterator[int]) -> Any:
    """A result."""
    if type.form == "array":
        if not has_extents(type):
            return buffer
        ends = [next(lengths) if isinstance(n, Extent) else n for n in type.shape]
        return buffer[tuple(map(slice, ends))].copy()
    content = ctypes.string_at(words[k] if by_address(type) else ctypes.addressof(words) + 8 * k, type.dtype.itemsize)
    number = np.frombuffer(content, type.dtype)[0]
    return number.item() if type.form == "weak" else number
