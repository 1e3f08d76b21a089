"""Rows that run Python: the code calls a function of Python's for each, which finds the operands in memory.

    i32 @python.1(ptr words)

words   the address of each operand, then of each result; then the lengths that only the run knows, of operands first:
        those of results are written by the function
returns 0; or 1 where Python raises an exception: the interpreter, which then runs the program, raises it again

What is printed waits for the end of the call: where that fails, the interpreter prints it.
"""

import ctypes
import functools
from _thread import interrupt_main
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from wengert.backends.llvm.arrays import Stored, accessed
from wengert.backends.llvm.call import WAITING, Unsupported
from wengert.backends.llvm.frame import Frame, Value, limits_of, type_as, whole
from wengert.backends.llvm.in_python import IN_PYTHON
from wengert.backends.llvm.loops import stored_words
from wengert.backends.llvm.lower import CUSTOM, lowers
from wengert.backends.llvm.text import INT, Number
from wengert.ir.program import KINDS, Equation, Extent, Stack, Type, Var, extents_of, filled_params, numeric, type_in
from wengert.rules.control import show

FUNCTION = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
DONE, RAISED = 0, 1

# ---------------------------------------------------------------- in machine code


@lowers(CUSTOM, *IN_PYTHON)
def in_python(frame: Frame, e: Equation) -> Any:
    if any(isinstance(type_in(x), Stack) for x in [*e.ins, *e.outs]):
        raise Unsupported(f"`{e.row.name}` of what loops keep runs Python")
    k = frame.kernel
    xs = [in_memory(frame, x) for x in e.ins]
    reads = {x.buffer: False for x in xs if x.buffer is not None}
    outs = [room(frame, o, reads) for o in e.outs]
    accessed(k, xs, outs)
    given = [n for x, t in zip(xs, e.ins) for n, m in zip(x.lengths, type_as(t).shape) if isinstance(m, Extent)]
    left = [0 for o in e.outs for _ in extents_of(numeric(o.type))]
    places = [k.value(f"ptrtoint ptr {x.start} to i64") for x in [*xs, *outs]]
    words = stored_words(k, "i64", [*places, *given, *left])
    k.status(k.value(f"call i32 {declared(frame, e)}(ptr {words})"))
    lengths = (k.load(k.address(words, len(places) + len(given) + i, "i64"), INT).text for i in range(len(left)))
    found = [result(frame, x, numeric(o.type), lengths) for x, o in zip(outs, e.outs)]
    return found if e.row.several else found[0]


def in_memory(frame: Frame, x: Any) -> Stored:
    """An operand, row after row."""
    k, type, found = frame.kernel, type_as(x), frame.value(x)
    if isinstance(found, Number):
        place = number_place(frame, type)
        k.store(found, place.start)
        return place
    is_whole = isinstance(found, Stored) and (found.limits == limits_of(type) or found.is_contiguous)
    return found if is_whole else frame.temporary(found, type)  # type: ignore[return-value, arg-type]


def number_place(frame: Frame, type: Type) -> Stored:
    return Stored(type.dtype, [], frame.kernel.alloca("i64", 2), [], None)


def room(frame: Frame, var: Var, reads: Any) -> Stored:
    """Where a result goes."""
    type = numeric(var.type)
    if not type.shape:
        return number_place(frame, type)
    return frame.place_for(var, type, limits_of(type), reads)


def result(frame: Frame, x: Stored, type: Type, lengths: Iterator[str]) -> Value:
    if x.buffer is None:
        return x.element(frame.kernel, ())
    return whole(x.buffer, type, [next(lengths) if isinstance(n, Extent) else n for n in type.shape])


def declared(frame: Frame, e: Equation) -> str:
    """The name of the function of Python's."""
    module, function = frame.kernel.module, FUNCTION(functools.partial(run, e))
    module.in_python.append(e)
    name = module.declare(module.new("python")[1:], "i32", "ptr")
    module.symbols[name[1:]] = ctypes.cast(function, ctypes.c_void_p).value or 0
    module.kept.append(function)
    return name


# ---------------------------------------------------------------- in Python


def run(e: Equation, address: int) -> int:
    status = RAISED
    try:
        with suppress(Exception, SystemExit):
            compute(e, address)
            status = DONE
    except KeyboardInterrupt:
        interrupt_main()
    return status


def compute(e: Equation, address: int) -> None:
    ins, outs = [type_as(x) for x in e.ins], [numeric(o.type) for o in e.outs]
    types, n = [*ins, *outs], len(ins)
    words = (ctypes.c_int64 * (len(types) + sum(len(extents_of(t)) for t in types))).from_address(address)
    known = iter(words[len(types) :])
    xs = [value_at(place, t, known) for place, t in zip(words, ins)]
    evaluate = functools.partial(e.row.evaluate, *xs[: e.count], **filled_params(e, xs))
    if e.row is show:
        WAITING.get().append(evaluate)
    found: Any = np.True_ if e.row is show else evaluate()
    first = len(words) - sum(len(extents_of(t)) for t in outs)
    for place, t, x in zip(words[n : len(types)], outs, found if e.row.several else [found], strict=True):
        for length in write(place, t, np.asarray(x)):
            words[first] = length
            first += 1


def value_at(address: int, type: Type, lengths: Iterator[int]) -> Any:
    """A copy of an operand: what the user's own rules do with it stays theirs."""
    shape = [next(lengths) if isinstance(n, Extent) else n for n in type.shape]
    x = memory(address, type)[tuple(map(slice, shape))]
    if type.form == "array":
        return x.copy()
    return KINDS[type.dtype.kind](x) if type.form == "weak" else x[()]


def write(address: int, type: Type, x: np.ndarray) -> Sequence[int]:
    """The lengths of x that only the run knows.

    Raises ValueError where x is not of this type.
    """
    bounds = [n if isinstance(n, int) else m for n, m in zip(type.shape, x.shape, strict=True)]
    if x.dtype != type.dtype or x.shape != tuple(bounds):
        raise ValueError(f"{x.dtype}{list(x.shape)} is not {type}")
    memory(address, type)[tuple(map(slice, x.shape))] = x
    return [m for n, m in zip(type.shape, x.shape) if isinstance(n, Extent)]


def memory(address: int, type: Type) -> np.ndarray:
    """An array of this type that begins there, of the bounds of its lengths."""
    shape = limits_of(type)
    room = (ctypes.c_char * (int(np.prod(shape)) * type.dtype.itemsize)).from_address(address)
    return np.frombuffer(memoryview(room), type.dtype).reshape(shape)
