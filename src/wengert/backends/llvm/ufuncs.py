"""Where NumPy and SciPy keep the C functions inside their ufuncs.

A ufunc holds one for each signature of dtypes.  Its layout is part of NumPy's binary interface (`PyUFuncObject` in
numpy/ufuncobject.h).  `home:name:signature` is the symbol of a loop, and means the same in every process.
"""

import ctypes

import numpy as np

from wengert.core.lazy import lazy

# where ufuncs live, under their own names
HOMES = (
    "numpy",
    "numpy.linalg._umath_linalg",
    "numpy.fft._pocketfft_umath",
    "scipy.special",
    "scipy.special._ufuncs",
)


class Head(ctypes.Structure):
    """The first fields of PyUFuncObject."""

    _fields_ = (
        ("object", ctypes.c_byte * object.__basicsize__),
        *((name, ctypes.c_int) for name in ("nin", "nout", "nargs", "identity")),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
    )


def home_of(ufunc: np.ufunc) -> str:
    for name in HOMES:
        if getattr(lazy(name), ufunc.__name__, None) is ufunc:
            return name
    raise TypeError(f"nobody knows where {ufunc.__name__} lives")


def addresses(symbol: str) -> tuple[int, int]:
    """Of a loop and of its data, which is 0 where it has none, in this process."""
    home, name, signature = symbol.split(":")
    ufunc = getattr(lazy(home), name)
    head = Head.from_address(id(ufunc))
    assert (head.nin, head.nout, head.ntypes) == (ufunc.nin, ufunc.nout, ufunc.ntypes), "NumPy has changed its ufuncs"
    i = ufunc.types.index(signature)
    return head.functions[i] or 0, (head.data[i] or 0) if head.data else 0


def address_of(symbol: str) -> int:
    """Of a symbol of LLVM text; code that was kept on disk asks again in each process."""
    loop, _, data = symbol.partition("#")
    return addresses(loop)[1 if data else 0]
