"""Differences, integrals, interpolation, polynomials and convolutions."""

import itertools
import operator
from typing import Any

import numpy as np

from wengert.core.mode import is_open, is_staged, plain
from wengert.core.types import agree, dtype_of, shape_of
from wengert.rules import contract, elementwise, indexing, join, linear, order
from wengert.rules.elementwise import where as select
from wengert.rules.names.foreign import holds_traced, missing, name_on_traced
from wengert.rules.names.operands import (
    arrayed,
    axes_of,
    convert_to,
    flat,
    in_double,
    lies,
    one_axis,
    plain_numbers,
    refuse_where,
    strong,
)
from wengert.rules.names.products import conjugate
from wengert.rules.names.reductions import cumsum, sum_
from wengert.rules.names.shape import concatenate, moveaxis, reshape, stack, trim_zeros
from wengert.rules.names.table import in_numpy

# ---------------------------------------------------------------- differences


def part(x: Any, axis: int, start: Any, stop: Any = None, step: Any = None) -> Any:
    """x[..., start:stop:step, ...] along one axis."""
    return indexing.getitem(x, index=(*(slice(None),) * axis, slice(start, stop, step)))


@name_on_traced(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n!r}")
    a = arrayed(a)
    if len(shape_of(a)) == 0:
        raise ValueError("diff requires input that is at least one dimensional")
    axis = one_axis(axis, len(shape_of(a)))
    if n and (prepend is not np._NoValue or append is not np._NoValue):
        a = concatenate([border(prepend, a, axis), a, border(append, a, axis)], axis)
    for _ in range(n):
        a = part(a, axis, 1) - part(a, axis, None, -1)
    return a


def border(x: Any, a: Any, axis: int) -> Any:
    """What stands before or after `a`; a number counts once for each line."""
    have = shape_of(a)
    if x is np._NoValue:
        return np.zeros((*have[:axis], 0, *have[axis + 1 :]), dtype_of(a))
    x = arrayed(x)
    return linear.broadcast_to(x, shape=(*have[:axis], 1, *have[axis + 1 :])) if shape_of(x) == () else x


@name_on_traced(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    ary = flat(arrayed(ary))
    ends = [[] if x is None else [flat(convert_to(arrayed(x), dtype_of(ary)))] for x in (to_begin, to_end)]
    return concatenate([*ends[0], diff(ary), *ends[1]])


@name_on_traced(np.gradient)
@lies("K")
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences of second order inside, one-sided ones of `edge_order` at the ends."""
    f = arrayed(f)
    axes = axes_of(None, f.ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, f.ndim)
    spacings = varargs or (1.0,)
    spacings = spacings * len(axes) if len(spacings) == 1 and shape_of(arrayed(spacings[0])) == () else spacings
    if len(spacings) != len(axes):
        raise TypeError("invalid number of arguments")
    if edge_order > 2:
        raise ValueError("'edge_order' greater than 2 not supported")
    for i in axes:
        refuse_where(
            elementwise.less(shape_of(f)[i], edge_order + 1),
            ValueError,
            "Shape of array too small to calculate a numerical gradient, "
            "at least (edge_order + 1) elements are required.",
        )
    found = tuple(derivative_along(f, i, arrayed(h), edge_order) for i, h in zip(axes, spacings))
    return found[0] if len(found) == 1 else found


def derivative_along(f: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    f = f if dtype_of(f).kind in "fc" else convert_to(f, np.float64)
    steps = steps_of(f, axis, spacing)
    if shape_of(steps) == ():
        inside = (part(f, axis, 2) - part(f, axis, None, -2)) / (2.0 * steps)
        ends = (steps, steps), (steps, steps)
    else:
        inside = between(f, axis, part(steps, 0, None, -1), part(steps, 0, 1))
        ends = (part(steps, 0, 0, 1), part(steps, 0, 1, 2)), (part(steps, 0, -1), part(steps, 0, -2, -1))
    first, last = [edge(f, axis, *ends[side], side, edge_order) for side in (0, 1)]
    joined = join.concatenate(*[convert_to(x, dtype_of(f)) for x in (first, inside, last)], axis=axis)
    return linear.labelled(joined, shape_of(f))


def steps_of(f: Any, axis: int, spacing: Any) -> Any:
    """The distances between coordinates, to be multiplied along the axis; one number where all are the same."""
    if shape_of(spacing) == ():
        return spacing
    if len(shape_of(spacing)) != 1:
        raise ValueError("distances must be either scalars or 1d")
    if not agree(shape_of(spacing), shape_of(f)[axis : axis + 1]):
        raise ValueError("when 1d, distances must match the length of the corresponding dimension")
    steps = diff(spacing)
    if not holds_traced(steps) and not is_staged(steps) and np.all(plain(steps) == plain(steps)[0]):
        return plain(steps)[0]
    return reshape(steps, (-1,) + (1,) * (len(shape_of(f)) - axis - 1))


def between(f: Any, axis: int, before: Any, after: Any) -> Any:
    """The slope of the parabola through three points, in the middle one."""
    left = -after / (before * (before + after))
    middle = (after - before) / (before * after)
    right = before / (after * (before + after))
    return left * part(f, axis, None, -2) + middle * part(f, axis, 1, -1) + right * part(f, axis, 2)


def element(f: Any, axis: int, i: Any) -> Any:
    """Number i along an axis, which stays."""
    found = indexing.getitem(f, index=(*(slice(None),) * axis, i))
    return reshape(found, (*shape_of(f)[:axis], 1, *shape_of(f)[axis + 1 :]))


def edge(f: Any, axis: int, near: Any, far: Any, side: int, order: int) -> Any:
    """The slope at an end: of the line through two points, or of the parabola through three.

    near, far: the distances between them, as seen from the end.
    """
    n, sign = shape_of(f)[axis], -1.0 if side else 1.0
    places = (n - 1, n - 2, n - 3) if side else (0, 1, 2)
    first, second, *others = [element(f, axis, i) for i in places[: order + 1]]
    if order == 1:
        return (first - second if side else second - first) / near
    (third,) = others
    a = -sign * (2.0 * near + far) / (near * (near + far))
    b = sign * (near + far) / (near * far)
    c = -sign * near / (far * (near + far))
    return a * first + b * second + c * third


# ---------------------------------------------------------------- integrals


@name_on_traced(np.trapezoid, *in_numpy("trapz"))  # the second is deprecated since NumPy 2.0
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = arrayed(y)
    along = one_axis(axis, len(shape_of(y)))
    if x is not None:
        x = arrayed(x)
        dx = diff(x, axis=axis if len(shape_of(x)) != 1 else -1)
        if len(shape_of(x)) == 1:
            dx = reshape(dx, (-1,) + (1,) * (len(shape_of(y)) - along - 1))
    return sum_(dx * (part(y, along, 1) + part(y, along, None, -1)) / 2.0, axis)  # as NumPy counts it: dx may have more


# ---------------------------------------------------------------- interpolation


@name_on_traced(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Piecewise linear; at a knot the slope of the piece on the right, at the last one that of the last piece.

    Beyond the ends the value is constant: its slope is zero in x, and one in what it is equal to.
    """
    x, xp, fp = (in_double(arrayed(a)) for a in (x, xp, fp))
    xp, fp = sequence(xp), sequence(fp)
    if not agree(shape_of(xp), shape_of(fp)):
        raise ValueError("fp and xp are not of the same length.")
    refuse_where(elementwise.equal(shape_of(xp)[0], 0), ValueError, "array of sample points is empty")
    if period is not None:
        x, xp, fp = around(x, xp, fp, period)
    n = shape_of(xp)[0]
    ends = [indexing.getitem(fp, index=(0 if side == "left" else n - 1,)) for side in ("left", "right")]
    ends = [end if value is None or period is not None else in_double(value) for end, value in zip(ends, (left, right))]
    inside = on_pieces(x, xp, fp, n) if is_open(n) or n > 1 else linear.broadcast_to(flat(fp)[0], shape=shape_of(x))
    above = elementwise.greater(x, indexing.getitem(xp, index=(n - 1,)))
    below = elementwise.less(x, indexing.getitem(xp, index=(0,)))
    return select(below, ends[0], select(above, ends[1], inside))


def on_pieces(x: Any, xp: Any, fp: Any, n: int) -> Any:
    knot = elementwise.maximum(order.searchsorted(xp, x, side="right") - 1, 0)
    piece = elementwise.minimum(knot, n - 2)
    slope = (indexing.take(fp, piece + 1) - indexing.take(fp, piece)) / elementwise.nonzero(
        indexing.take(xp, piece + 1) - indexing.take(xp, piece)
    )
    return slope * (x - indexing.take(xp, knot)) + indexing.take(fp, knot)


def around(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """One period of knots in order, and one more at each end."""
    if plain_numbers(period) == 0:
        raise ValueError("period must be a non-zero value")
    period = elementwise.abs_(period)
    x, xp = x % period, xp % period
    by_size = order.argsort(xp, axis=0, kind="stable")
    xp, fp = indexing.take(xp, by_size), indexing.take(fp, by_size)
    last, first = slice(-1, None), slice(0, 1)
    read = lambda v, place: indexing.getitem(v, index=(place,))
    knots = join.concatenate(read(xp, last) - period, xp, read(xp, first) + period, axis=0)
    return x, knots, join.concatenate(read(fp, last), fp, read(fp, first), axis=0)


@name_on_traced(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Multiples of the period are added, by steps in p."""
    p = arrayed(p)
    axis = one_axis(axis, len(shape_of(p)))
    jump = diff(p, axis=axis)
    discont = period / 2 if discont is None else discont
    high = period / 2
    wrapped = elementwise.mod(jump + high, period) - high
    up = elementwise.logical_and(elementwise.equal(wrapped, -high), elementwise.greater(jump, 0))
    correction = select(up, high, wrapped) - jump
    correction = select(elementwise.less(elementwise.abs_(jump), discont), 0.0, correction)
    return join.concatenate(part(p, axis, 0, 1), part(p, axis, 1) + cumsum(correction, axis), axis=axis)


# ---------------------------------------------------------------- polynomials: the highest power comes first


@name_on_traced(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    p, x = arrayed(p), strong(arrayed(x))
    y = 0 * x
    for i in range(shape_of(p)[0]):
        y = y * x + indexing.getitem(p, index=(i,))
    return y


@name_on_traced(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = padded(a1, a2)
    return a1 + a2


@name_on_traced(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    a1, a2 = padded(a1, a2)
    return a1 - a2


def padded(a1: Any, a2: Any) -> list[Any]:
    parts = [flat(strong(arrayed(a))) for a in (a1, a2)]
    length = max(shape_of(p)[0] for p in parts)
    return [concatenate([np.zeros(length - shape_of(p)[0], dtype_of(p)), p]) for p in parts]


@name_on_traced(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return convolve(*[without_leading_zeros(a) for a in (a1, a2)])


def without_leading_zeros(a: Any) -> Any:
    a = trim_zeros(flat(strong(arrayed(a))), "f")
    return a if shape_of(a)[0] else np.zeros(1, dtype_of(a))


@name_on_traced(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    p = arrayed(p)
    for _ in range(m):
        p = part(p, 0, None, -1) * np.arange(shape_of(p)[0] - 1, 0, -1)
    return p


@name_on_traced(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    if m < 0:
        raise ValueError("Order of integral must be positive (see polyder)")
    p = arrayed(p)
    k = np.zeros(m) if k is None else flat(arrayed(k))
    k = linear.broadcast_to(k, shape=(m,)) if shape_of(k)[0] == 1 and m > 1 else k
    if shape_of(k)[0] < m:
        raise ValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        p = concatenate([p / np.arange(shape_of(p)[0], 0, -1), reshape(indexing.getitem(k, index=(i,)), (1,))])
    return p


@name_on_traced(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with these roots."""
    roots = arrayed(seq_of_zeros)
    if len(shape_of(roots)) != 1:
        raise missing("numpy.poly (of a matrix)", (roots,))
    if not shape_of(roots)[0]:
        return 1.0
    one = np.ones((), dtype_of(roots))
    out = reshape(one, (1,))
    for i in range(shape_of(roots)[0]):
        out = convolve(out, join.stack(one, -indexing.getitem(roots, index=(i,)), axis=0))
    return out


@name_on_traced(np.vander)
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    x = arrayed(x)
    if len(shape_of(x)) != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    if N is not None and N < 0:
        raise ValueError("negative dimensions are not allowed")
    n, x = shape_of(x)[0] if N is None else N, convert_to(x, np.promote_types(dtype_of(x), int))
    powers = list(itertools.accumulate([np.ones(shape_of(x), dtype_of(x)), *[x] * (n - 1)], elementwise.mul))[:n]
    if not powers:
        return np.empty((shape_of(x)[0], 0), dtype_of(x))
    return stack(powers if increasing else powers[::-1], 1)


# ---------------------------------------------------------------- convolutions and products


@name_on_traced(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = sequence(a), sequence(v)
    is_symmetric = mode == "full" and any(is_open(shape_of(x)[0]) for x in (a, v))  # either may be the longer one
    if not is_symmetric and shape_of(v)[0] > shape_of(a)[0]:
        a, v = v, a
    for x, called in ((a, "a"), (v, "v")):
        refuse_where(elementwise.equal(shape_of(x)[0], 0), ValueError, f"{called} cannot be empty")
    return convolved(a, v, mode, shift=(shape_of(v)[0] - 1) // 2)


def convolved(a: Any, v: Any, mode: str, shift: int) -> Any:
    """`same`: as many as the longer one has, from `shift` on."""
    if mode not in ("full", "valid", "same"):
        raise ValueError(f"mode must be one of 'valid', 'same', or 'full' (got {mode!r})")
    if mode != "same":
        return contract.convolve(a, v, mode=mode)
    return indexing.getitem(contract.convolve(a, v, mode="full"), index=(slice(shift, shift + shape_of(a)[0]),))


def sequence(x: Any) -> Any:
    x = strong(arrayed(x))
    if len(shape_of(x)) > 1:
        raise ValueError("object too deep for desired array")
    return flat(x)


@name_on_traced(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """The convolution with the conjugate, reversed."""
    a, v = sequence(a), linear.flip(conjugate(sequence(v)), axes=(0,))
    n, m = shape_of(a)[0], shape_of(v)[0]
    if not n or not m:
        raise ValueError("first array argument cannot be empty")
    return convolved(a, v, mode, (m - 1) // 2) if n >= m else convolved(v, a, mode, n // 2)


@name_on_traced(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> Any:
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    a, b = moveaxis(arrayed(a), axisa, -1), moveaxis(arrayed(b), axisb, -1)
    return cross_last(a, b, axisc)


def cross_last(a: Any, b: Any, axisc: int) -> Any:
    """Vectors of two components lie in the plane."""
    sizes = operator.index(shape_of(a)[-1]), operator.index(shape_of(b)[-1])
    if not set(sizes) <= {2, 3}:
        raise ValueError("incompatible dimensions for cross product\n(dimension must be 2 or 3)")
    x, y = ([indexing.getitem(v, index=(Ellipsis, i)) for i in range(n)] for v, n in zip((a, b), sizes))
    third = x[0] * y[1] - x[1] * y[0]
    if sizes == (2, 2):
        return third
    if sizes == (3, 3):
        parts = x[1] * y[2] - x[2] * y[1], x[2] * y[0] - x[0] * y[2], third
    elif sizes == (3, 2):
        parts = -(x[2] * y[1]), x[2] * y[0], third
    else:
        parts = x[1] * y[2], -(x[0] * y[2]), third
    return moveaxis(stack(parts, -1), -1, axisc)


@name_on_traced(np.linalg.cross)
def cross_3d(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    if any(operator.index(shape_of(arrayed(x))[axis]) != 3 for x in (x1, x2)):
        raise ValueError("Both input arrays must be (arrays of) 3-dimensional vectors")
    return cross(x1, x2, axis=axis)


@name_on_traced(np.kron)
def kron(a: Any, b: Any) -> Any:
    a, b = arrayed(a), arrayed(b)
    rank = max(len(shape_of(a)), len(shape_of(b)))
    left, right = [(1,) * (rank - len(shape_of(x))) + shape_of(x) for x in (a, b)]
    spread = reshape(a, tuple(n for size in left for n in (size, 1)))
    product = spread * reshape(b, tuple(n for size in right for n in (1, size)))
    return reshape(product, tuple(n * m for n, m in zip(left, right)))
