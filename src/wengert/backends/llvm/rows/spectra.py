"""Discrete Fourier transforms by the loops of `numpy.fft`, along one axis, of any strides."""

import math

import numpy as np

from wengert.backends.llvm.arrays import Stored, transposed
from wengert.backends.llvm.call import Unsupported
from wengert.backends.llvm.frame import Frame, Value, type_as
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.elementwise import converted
from wengert.backends.llvm.rows.library import apply
from wengert.backends.llvm.text import constant, part_dtype, stored_type
from wengert.core.lazy import lazy
from wengert.ir.program import Equation, numeric

pocketfft = lazy("numpy.fft._pocketfft_umath")


@lowers("fft", "ifft", "rfft", "irfft")
def transform(frame: Frame, e: Equation) -> Value:
    """The loop reads as many numbers as it transforms, and zeros where there are fewer."""
    k, out, (axis, n) = frame.kernel, numeric(e.outs[0].type), (e.params["axis"], e.params["n"])
    if not isinstance(n, int):
        raise Unsupported(f"`{e.row.name}` of a length that only the run knows")
    name = e.row.name if e.row.name != "rfft" else "rfft_n_odd" if n % 2 else "rfft_n_even"
    real = part_dtype(out.dtype) if out.dtype.kind == "c" else out.dtype
    dtype = real if e.row.name == "rfft" else np.result_type(real, np.complex64)
    x = frame.stored(converted(frame.array(e.ins[0]), dtype), type_as(e.ins[0])._replace(dtype=dtype))
    last = out.shape[axis]
    lengths = [last if a == axis else m for a, m in enumerate(x.lengths)]
    to = frame.place_for(e.outs[0], out, lengths, dict.fromkeys(x.reads, False))
    factor = Stored(real, [], k.alloca(stored_type(real)), [], None)
    k.store(constant(scale(e.row.name, e.params["norm"], n), real), factor.start)
    along = [a for a in range(len(lengths)) if a != axis] + [axis]
    x_rows, rows = transposed(x, along), transposed(to, along)
    assert isinstance(x_rows, Stored) and isinstance(rows, Stored)
    apply(frame, getattr(pocketfft, name), [x_rows, factor], [rows])
    return to


def scale(name: str, norm: str, n: int) -> float:
    """What the sum is multiplied by."""
    if norm == "ortho":
        return 1.0 / math.sqrt(n)
    return 1.0 if (norm == "backward") == (name in ("fft", "rfft")) else 1.0 / n
