"""Discrete Fourier, cosine and sine transforms: linear rows along one axis, of `n` points.

Where the axis is longer than `n`, the rest is not read; where it is shorter, zeros follow.  The transposes undo this
with `resized`.  With F_jk = exp(-2πi jk/n), cotangents are paired by Re(ct * t), so a transpose is plain, without
conjugate.
"""

import functools
from typing import Any

import numpy as np

from wengert.core.lazy import lazy
from wengert.core.mode import is_open
from wengert.core.primitive import Primitive as row
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.rules.elementwise import conj, equal, logical_or, where
from wengert.rules.indexing import getitem
from wengert.rules.join import concatenate
from wengert.rules.linear import convert, count, reshape, zeros

scipy_fft = lazy("scipy.fft")

# What the inverse is scaled by where the transform has this norm, and the other way round.
SWAPPED = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def resized(x: Any, axis: int, length: int) -> Any:
    """The first `length` entries along an axis, zeros where there are fewer."""
    shape = shape_of(x)
    if length == shape[axis]:
        return x
    is_known = not is_open(length) and not is_open(shape[axis])
    if not is_known or length > shape[axis]:
        more = length - shape[axis] if is_known else length  # of which some may be cut off again
        x = concatenate(x, zeros((*shape[:axis], more, *shape[axis + 1 :]), dtype_of(x)), axis=axis)
    return getitem(x, index=(*(slice(None),) * axis, slice(0, length)))


def weighted(x: Any, axis: int, weights: Any) -> Any:
    """Each entry along an axis times its weight, in the precision of x."""
    wide = reshape(weights, shape=(*shape_of(weights), *(1,) * (len(shape_of(x)) - axis - 1)))
    return x * convert(wide, dtype=dtype_of(x))


def shifted(axis: int, **params: Any) -> dict[str, Any]:
    return {"axis": axis + 1, **params}


# ---------------------------------------------------------------- complex spectra

COMPLEX = np.array([[1.0 + 2.0j, -0.5j, 0.4 - 1.0j], [0.3 - 0.7j, 2.0 + 0.3j, -1.1 + 0.2j]])
SIZES = [{"n": 3, "axis": 1, "norm": "backward"}, {"n": 2, "axis": 1, "norm": "ortho"}]
SIZES += [{"n": 5, "axis": 1, "norm": "forward"}, {"n": 1, "axis": 0, "norm": "backward"}]

fft = row(
    "fft",
    lambda x, *, n, axis, norm: np.fft.fft(x, n, axis, norm),
    # F is symmetric
    transposes=(lambda ct, x_shape, n, axis, norm: resized(fft(ct, n=n, axis=axis, norm=norm), axis, x_shape[axis]),),
    lift=lambda n, axis, norm: shifted(axis, n=n, norm=norm),
    examples=[(((2, 3),), params) for params in SIZES],
)
ifft = row(
    "ifft",
    lambda x, *, n, axis, norm: np.fft.ifft(x, n, axis, norm),
    transposes=(lambda ct, x_shape, n, axis, norm: resized(ifft(ct, n=n, axis=axis, norm=norm), axis, x_shape[axis]),),
    lift=lambda n, axis, norm: shifted(axis, n=n, norm=norm),
    examples=[(((2, 3),), params) for params in SIZES],
)

# ---------------------------------------------------------------- half spectra of real arrays


def copies(n: int, bins: int) -> Any:
    """How often the whole spectrum of n real numbers holds each bin of the half: twice, but bins 0 and n/2 once."""
    k = count(bins)
    return where(logical_or(equal(k, 0), equal(2 * k, n)), 1.0, 2.0)


def rfft_transpose(ct: Any, x_shape: Shape, n: int, axis: int, norm: str) -> Any:
    """x_bar_j = Re sum_k ct_k exp(-2πi jk/n) over the half spectrum.

    irfft without its factor gives sum_k c_k Re(d_k exp(2πi jk/n)) with c_k = `copies`; so d = conj(ct) / c.
    """
    halved = weighted(conj(ct), axis, 1.0 / copies(n, shape_of(ct)[axis]))
    return resized(irfft(halved, n=n, axis=axis, norm=SWAPPED[norm]), axis, x_shape[axis])


def irfft_transpose(ct: Any, x_shape: Shape, n: int, axis: int, norm: str) -> Any:
    """x_bar_k = c_k sum_j ct_j exp(2πi jk/n), with c_k = `copies`; real where irfft reads no imaginary part."""
    spectrum = conj(rfft(ct, n=n, axis=axis, norm=SWAPPED[norm]))
    doubled = weighted(spectrum, axis, copies(n, shape_of(spectrum)[axis]))
    return resized(doubled, axis, x_shape[axis])


rfft = row(
    "rfft",
    lambda x, *, n, axis, norm: np.fft.rfft(x, n, axis, norm),
    transposes=(rfft_transpose,),
    lift=lambda n, axis, norm: shifted(axis, n=n, norm=norm),
    examples=[(((2, 3),), params) for params in [*SIZES, {"n": 4, "axis": 1, "norm": "ortho"}]],
)
irfft = row(
    "irfft",
    lambda x, *, n, axis, norm: np.fft.irfft(x, n, axis, norm),
    transposes=(irfft_transpose,),
    lift=lambda n, axis, norm: shifted(axis, n=n, norm=norm),
    examples=[((COMPLEX,), params) for params in [*SIZES, {"n": 4, "axis": 1, "norm": "ortho"}]],
)

# ---------------------------------------------------------------- cosine and sine transforms of types I to IV

PARTNER = {1: 1, 2: 3, 3: 2, 4: 4}  # the type of the inverse, and of the transpose
ENDS: dict[tuple[str, int], tuple[int, ...]] = {  # which entries orthogonal and usual transforms scale differently
    **{("dct", 1): (0, -1), ("dct", 2): (0,), ("dct", 3): (0,)},
    **{("dst", 2): (-1,), ("dst", 3): (-1,)},
}


def end_weights(family: str, type: int, n: int, weight: float) -> Any:
    ends = [equal(count(n), 0 if end == 0 else n - 1) for end in ENDS.get((family, type), ())]
    return where(functools.reduce(logical_or, ends), weight, 1.0) if ends else 1.0


def cosine_transpose(
    ct: Any, x_shape: Shape, family: str, type: int, n: int, axis: int, norm: str, orthogonalize: bool
) -> Any:
    """The usual transform is D = A O B, O orthogonal up to the factor of the norm, so that Dᵀ = B Oᵀ A.

    Oᵀ is the partner type with the same factor; A has √2 at the ends of the result in types I and II, and B 1/√2 at
    those of the operand in types I and III.  SciPy's documentation of `dct` and `dst`, under `orthogonalize`.
    """
    partner = {"family": family, "type": PARTNER[type], "n": n, "axis": axis, "norm": norm, "orthogonalize": True}
    if not orthogonalize and type in (1, 2):
        ct = weighted(ct, axis, end_weights(family, type, n, np.sqrt(2.0)))
    bar = cosine_transform(ct, **partner)
    if not orthogonalize and type in (1, 3):
        bar = weighted(bar, axis, end_weights(family, type, n, np.sqrt(0.5)))
    return resized(bar, axis, x_shape[axis])


def cosine_transform_evaluate(
    x: Any, *, family: str, type: int, n: int, axis: int, norm: str, orthogonalize: bool
) -> Any:
    """SciPy 1.17 does not hand `orthogonalize` on for complex operands, so that both parts are transformed here."""
    transform = getattr(scipy_fft, family)
    real = transform(np.real(x), type, n, axis, norm, orthogonalize=orthogonalize)
    if not np.iscomplexobj(x):
        return real
    return real + 1j * transform(np.imag(x), type, n, axis, norm, orthogonalize=orthogonalize)


# dct or dst; the inverses are the partner types with the norm swapped
cosine_transform = row(
    "cosine_transform",
    cosine_transform_evaluate,
    transposes=(cosine_transpose,),
    lift=lambda family, type, n, axis, norm, orthogonalize: shifted(
        axis, family=family, type=type, n=n, norm=norm, orthogonalize=orthogonalize
    ),
    examples=[
        (((2, 3),), {"family": family, "type": type, "n": n, "axis": 1, "norm": norm, "orthogonalize": orthogonalize})
        for family in ("dct", "dst")
        for type in (1, 2, 3, 4)
        for n, norm, orthogonalize in ((3, "backward", False), (2, "ortho", True), (5, "forward", False))
    ],
)
