"""numpy.fft and scipy.fft: transforms over several axes are transforms along one axis after the other."""

import operator
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from wengert.core.mode import Value, buffer, is_open
from wengert.core.primitive import Primitive
from wengert.core.types import agree, dtype_of, shape_of
from wengert.rules import elementwise, indexing, join, linear
from wengert.rules import fft as rows
from wengert.rules.fft import SWAPPED
from wengert.rules.names.operands import arrayed, lengths_of, lies, no_keywords, one_axis, write_out
from wengert.rules.names.table import NAMES, name

# ---------------------------------------------------------------- options


def norm_of(norm: Any) -> str:
    norm = "backward" if norm is None else norm
    if norm not in SWAPPED:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    return norm


def axis_and_length(a: Any, axis: Any) -> tuple[int, int]:
    shape = shape_of(a)
    axis = one_axis(operator.index(axis), len(shape))
    return axis, shape[axis]


def written(out: Any, result: Any) -> Any:
    """`out=` as a ufunc treats it: nothing is cast to a lesser kind, nothing is stretched."""
    if out is None:
        return result
    if not agree(shape_of(out), shape_of(result)):
        raise ValueError("output array has wrong shape.")
    if not np.can_cast(dtype_of(result), dtype_of(out), "same_kind"):
        raise TypeError(f"cannot cast the result of a Fourier transform from {dtype_of(result)} to {dtype_of(out)}")
    return write_out(out, result, True)


# ---------------------------------------------------------------- along one axis


def along(row: Primitive, a: Any, n: Any, axis: Any, norm: Any, half: bool = False) -> Any:
    """`half`: a holds the half spectrum, and `n` is that of the result."""
    a, norm = arrayed(a), norm_of(norm)
    axis, length = axis_and_length(a, axis)
    n = (2 * (length - 1) if half else length) if n is None else n
    n = lengths_of(n)[0] if is_open(n) else operator.index(n)
    return row(a, n=n, axis=axis, norm=norm)


@name(np.fft.fft)
def fft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    return written(out, along(rows.fft, a, n, axis, norm))


@name(np.fft.ifft)
def ifft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    return written(out, along(rows.ifft, a, n, axis, norm))


@name(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    return written(out, along(rows.rfft, a, n, axis, norm))


@name(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    return written(out, along(rows.irfft, a, n, axis, norm, half=True))


@name(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """The real spectrum of a Hermitian signal, of which `a` is the first half."""
    return irfft(conjugate(a), n, axis, SWAPPED[norm_of(norm)], out)


@name(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    return written(out, conjugate(rfft(a, n, axis, SWAPPED[norm_of(norm)])))


def conjugate(a: Any) -> Any:
    a = arrayed(a)
    return elementwise.conj(a) if dtype_of(a).kind == "c" else a


# ---------------------------------------------------------------- over several axes


def sizes(a: Any, s: Any, axes: Any, half: bool = False) -> list[tuple[int | None, int]]:
    """(number of points, axis) for each transform, in the order of `axes`; a repeated axis keeps its first length."""
    if s is None:
        axes = range(len(shape_of(a))) if axes is None else axes
        lengths = [axis_and_length(a, axis)[1] for axis in axes]
        s = [*lengths[:-1], 2 * (lengths[-1] - 1)] if half else lengths
    axes = range(-len(s), 0) if axes is None else axes
    if len(s) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return [(axis_and_length(a, axis)[1] if n is not None and n == -1 else n, axis) for n, axis in zip(s, axes)]


def one_after_the_other(
    transform: Callable[..., Any], a: Any, places: Iterable[tuple[int | None, int]], norm: Any
) -> Any:
    for n, axis in places:
        a = transform(a, n, axis, norm)
    return a


@name(np.fft.fftn)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    a = arrayed(a)
    return written(out, one_after_the_other(fft, a, sizes(a, s, axes)[::-1], norm))


@name(np.fft.ifftn)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    a = arrayed(a)
    return written(out, one_after_the_other(ifft, a, sizes(a, s, axes)[::-1], norm))


@name(np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    a = arrayed(a)
    *others, last = sizes(a, s, axes)
    return written(out, one_after_the_other(fft, rfft(a, *last, norm), others[::-1], norm))


@name(np.fft.irfftn)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
    a = arrayed(a)
    *others, last = sizes(a, s, axes, half=True)
    return irfft(one_after_the_other(ifft, a, others, norm), *last, norm, out)


@name(np.fft.fft2)
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return fftn(a, s, axes, norm, out)


@name(np.fft.ifft2)
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return ifftn(a, s, axes, norm, out)


@name(np.fft.rfft2)
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return rfftn(a, s, axes, norm, out)


@name(np.fft.irfft2)
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: Any = None) -> Any:
    return irfftn(a, s, axes, norm, out)


# ---------------------------------------------------------------- shifts and frequencies


@name(np.fft.fftshift, "scipy.fft.fftshift")
@lies("K")
def fftshift(x: Any, axes: Any = None) -> Any:
    return swapped_halves(arrayed(x), axes, lambda n: n - n // 2)


@name(np.fft.ifftshift, "scipy.fft.ifftshift")
@lies("K")
def ifftshift(x: Any, axes: Any = None) -> Any:
    return swapped_halves(arrayed(x), axes, lambda n: n // 2)


def swapped_halves(x: Any, axes: Any, first_part: Callable[[int], int]) -> Any:
    axes = range(len(shape_of(x))) if axes is None else axes if isinstance(axes, tuple | list | range) else (axes,)
    out = linear.duplicate(x)
    for axis in axes:
        axis, n = axis_and_length(x, axis)
        before, cut = (slice(None),) * axis, first_part(n)
        parts = [indexing.getitem(out, index=(*before, part)) for part in (slice(cut, None), slice(0, cut))]
        out = join.concatenate(*parts, axis=axis)
    return out


@name(np.fft.fftfreq, "scipy.fft.fftfreq")
def fftfreq(n: int, d: Any = 1.0, **options: Any) -> Any:
    return frequencies(n, d, lambda n: np.concatenate([np.arange((n + 1) // 2), np.arange(-(n // 2), 0)]), **options)


@name(np.fft.rfftfreq, "scipy.fft.rfftfreq")
def rfftfreq(n: int, d: Any = 1.0, **options: Any) -> Any:
    return frequencies(n, d, lambda n: np.arange(n // 2 + 1), **options)


def frequencies(n: Any, d: Any, cycles: Callable[[int], Any], xp: Any = None, device: Any = None) -> Any:
    no_keywords("fftfreq", xp=None if xp is np else xp, device=None if device == "cpu" else device)
    if isinstance(n, Value):
        n = operator.index(n)
    if not isinstance(n, int | np.integer):
        raise ValueError("n should be an integer")
    return buffer(cycles(int(n)) * (1.0 / (n * d)))


# ---------------------------------------------------------------- scipy.fft

# `overwrite_x` and `workers` change no result


def scipy_one_axis(called: str, transform: Callable[..., Any]) -> Callable[..., Any]:
    def composition(
        x: Any,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        no_keywords(called, plan=plan)
        return transform(x, n, axis, norm)

    return composition


def scipy_axes(called: str, transform: Callable[..., Any], default: Any) -> Callable[..., Any]:
    def composition(
        x: Any,
        s: Any = None,
        axes: Any = default,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        *,
        plan: Any = None,
    ) -> Any:
        no_keywords(called, plan=plan)
        x = arrayed(x)
        return transform(x, listed(s), distinct(listed(axes), len(shape_of(x))), norm)

    return composition


def listed(x: Any) -> Any:
    return x if x is None or isinstance(x, tuple | list | np.ndarray) else (x,)


def distinct(axes: Any, ndim: int) -> Any:
    if axes is not None and len({one_axis(axis, ndim) for axis in axes}) != len(axes):
        raise ValueError("all axes must be unique")
    return axes


def hfftn(x: Any, s: Any, axes: Any, norm: Any) -> Any:
    return irfftn(conjugate(x), s, axes, SWAPPED[norm_of(norm)])


def ihfftn(x: Any, s: Any, axes: Any, norm: Any) -> Any:
    return conjugate(rfftn(x, s, axes, SWAPPED[norm_of(norm)]))


for transform in (fft, ifft, rfft, irfft, hfft, ihfft):
    called = f"scipy.fft.{transform.__name__}"
    NAMES[called] = scipy_one_axis(called, transform)
for transform in (fftn, ifftn, rfftn, irfftn, hfftn, ihfftn):
    for ending, default in (("n", None), ("2", (-2, -1))):
        called = f"scipy.fft.{transform.__name__[:-1]}{ending}"
        NAMES[called] = scipy_axes(called, transform, default)

# ---------------------------------------------------------------- cosine and sine transforms


def cosine(
    family: str, x: Any, type: int, n: Any, axis: int, norm: Any, orthogonalize: Any, inverse: bool = False
) -> Any:
    """SciPy's `dct` or `dst`; the inverse is the partner type with the norm swapped."""
    x, norm = arrayed(x), norm_of(norm)
    if type not in rows.PARTNER:
        raise ValueError(f"invalid type {type}")
    axis, length = axis_and_length(x, axis)
    usual = norm == "ortho"
    if dtype_of(x).kind == "c" and orthogonalize not in (None, usual):  # SciPy 1.17 does not read it there
        no_keywords(f"scipy.fft.{family} of complex numbers", orthogonalize=orthogonalize)
    return rows.cosine_transform(
        x,
        family=family,
        type=rows.PARTNER[type] if inverse else type,
        n=length if n is None else operator.index(n),
        axis=axis,
        norm=SWAPPED[norm] if inverse else norm,
        orthogonalize=usual if orthogonalize is None else bool(orthogonalize),
    )


def cosine_one_axis(family: str, inverse: bool) -> Callable[..., Any]:
    def composition(
        x: Any,
        type: int = 2,
        n: Any = None,
        axis: int = -1,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: Any = None,
    ) -> Any:
        return cosine(family, x, type, n, axis, norm, orthogonalize, inverse)

    return composition


def cosine_axes(family: str, inverse: bool) -> Callable[..., Any]:
    def composition(
        x: Any,
        type: int = 2,
        s: Any = None,
        axes: Any = None,
        norm: Any = None,
        overwrite_x: bool = False,
        workers: Any = None,
        orthogonalize: Any = None,
    ) -> Any:
        x = arrayed(x)
        for n, axis in sizes(x, listed(s), distinct(listed(axes), len(shape_of(x))))[::-1]:
            x = cosine(family, x, type, n, axis, norm, orthogonalize, inverse)
        return x

    return composition


for family in ("dct", "dst"):
    for prefix in ("", "i"):
        NAMES[f"scipy.fft.{prefix}{family}"] = cosine_one_axis(family, prefix == "i")
        NAMES[f"scipy.fft.{prefix}{family}n"] = cosine_axes(family, prefix == "i")
