"""Functions of NumPy and SciPy in machine code: the C loops inside their ufuncs, called by address.

A ufunc holds one C function for each signature of dtypes,

    void loop(char **operands, npy_intp *lengths, npy_intp *steps, void *data)

which NumPy runs without the GIL, and which is free of Python.  So special functions, factorisations and matrix products
give the digits that NumPy gives, for each precision, for any strides, with no other library to load.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.backends.llvm.text import Function, Number, Word, constant
from wengert.backends.llvm.ufuncs import addresses, home_of


@dataclass(frozen=True)
class Loop:
    """
    symbol  the name of the function in LLVM text;  dtypes  of its operands, inputs first
    """

    symbol: str
    dtypes: tuple[np.dtype[Any], ...]
    inputs: int
    has_data: bool


def loop_of(ufunc: np.ufunc, dtypes: Sequence[Any]) -> Loop:
    """The loop that NumPy takes for inputs of these dtypes, or Python types of weak numbers."""
    return loop_at(ufunc, tuple(ufunc.resolve_dtypes((*dtypes, *(None,) * ufunc.nout))))


def loop_at(ufunc: np.ufunc, dtypes: tuple[np.dtype[Any], ...]) -> Loop:
    for signature in ufunc.types:
        if tuple(map(np.dtype, signature.replace("->", ""))) == dtypes:
            symbol = f"{home_of(ufunc)}:{ufunc.__name__}:{signature}"
            return Loop(symbol, dtypes, ufunc.nin, addresses(symbol)[1] != 0)
    raise TypeError(f"numpy runs {ufunc.__name__} on {dtypes} by no loop of its own")


# ---------------------------------------------------------------- calls


def call_loop(k: Function, loop: Loop, operands: Sequence[str], lengths: Sequence[Word], steps: Sequence[Word]) -> None:
    """lengths: of the loop, then of axes of matrices;  steps: in bytes, of the loop for each operand, then of axes"""
    function, data = declared(k, loop)
    places = stored_words(k, "ptr", operands), stored_words(k, "i64", lengths), stored_words(k, "i64", steps)
    k.put(f"call void {function}({', '.join(f'ptr {p}' for p in (*places, data))})")


def declared(k: Function, loop: Loop) -> tuple[str, str]:
    """The names of the function and of its data."""
    module, data = k.module, f"{loop.symbol}#data"
    function = module.declare(f'"{loop.symbol}"', "void", "ptr, ptr, ptr, ptr")
    module.shared.append(loop.symbol)
    if not loop.has_data:
        return function, "null"
    module.declared[data] = f'@"{data}" = external global i8'
    module.shared.append(data)
    return function, f'@"{data}"'


def stored_words(k: Function, type: str, words: Sequence[Word]) -> str:
    """A row of words in memory: loops move their operands along, so they are written for each call."""
    place = k.alloca(type, max(len(words), 1))
    for i, x in enumerate(words):
        k.put(f"store {type} {x}, ptr {k.address(place, i, type)}")
    return place


def loop_on_numbers(k: Function, loop: Loop, xs: Sequence[Number]) -> list[Number]:
    """The results for one element; xs are of the loop's dtypes."""
    places = [k.alloca("i64", 2) for _ in loop.dtypes]
    for x, place in zip(xs, places):
        k.store(x, place)
    call_loop(k, loop, places, [1], [0] * len(places))
    return [k.load(p, t) for p, t in zip(places[loop.inputs :], loop.dtypes[loop.inputs :])]


# ---------------------------------------------------------------- failures of LAPACK

INVALID = 1  # FE_INVALID, on x86 and on ARM


def forget_failures(k: Function) -> None:
    k.put(f"call i32 {k.module.declare('feclearexcept', 'i32', 'i32')}(i32 {INVALID})")


def failed(k: Function) -> Number:
    """Whether a loop of numpy.linalg met a matrix that it cannot do: it says so by this flag."""
    raised = k.value(f"call i32 {k.module.declare('fetestexcept', 'i32', 'i32')}(i32 {INVALID})")
    return Number(k.value(f"icmp ne i32 {raised}, 0"), constant(True, np.dtype(bool)).dtype)
