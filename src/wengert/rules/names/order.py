"""Sorting, order statistics and sets.

What is sorted keeps its derivative: the values are gathered by a constant order, which is stable whatever method made
the values, so that equal elements keep theirs.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.mode import Value, content_of, is_open
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.rules import elementwise, indexing, join, linear, order
from wengert.rules.elementwise import where as select
from wengert.rules.names.constructors import arange, linspace
from wengert.rules.names.foreign import buffered, name_on_traced
from wengert.rules.names.operands import (
    arrayed,
    axes_of,
    convert_to,
    fills_out,
    flat,
    gather,
    gather_along,
    given,
    in_double,
    lies,
    no_keywords,
    one_axis,
    plain_index,
    plain_numbers,
    refuse_where,
)
from wengert.rules.names.reductions import max_, mean, min_, sum_
from wengert.rules.names.shape import concatenate, moveaxis, reduced, reshape, size
from wengert.rules.names.table import in_numpy

# ---------------------------------------------------------------- sorting


def lines(a: Any, axis: Any) -> tuple[Any, int]:
    """The array and the axis to work along: all of it, flattened, for None."""
    a = arrayed(a)
    return (flat(a), 0) if axis is None else (a, one_axis(axis, len(shape_of(a))))


@name_on_traced(np.sort)
@lies("K")
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    no_keywords("numpy.sort", order=order)
    a, axis = lines(a, axis)
    return gather_along(a, positions_by(a, axis, "stable"), axis)


@name_on_traced(np.argsort)
def argsort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    no_keywords("numpy.argsort", order=order)
    a, axis = lines(a, axis)
    return positions_by(a, axis, "stable" if given(stable) or stable is True else kind)


def positions_by(a: Any, axis: int, kind: Any) -> Any:
    return order.argsort(a, axis=axis, kind=kind)


@name_on_traced(np.partition)
@lies("K")
def partition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    no_keywords("numpy.partition", order=order)
    a, axis = lines(a, axis)
    return gather_along(a, parted(a, kth, axis), axis)


def parted(a: Any, kth: Any, axis: int) -> Any:
    return order.partition_order(a, kth=plain_index(kth), axis=axis)


@name_on_traced(np.argpartition)
def argpartition(a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> Any:
    no_keywords("numpy.argpartition", order=order)
    a, axis = lines(a, axis)
    return argparted(a, kth, axis)


def argparted(a: Any, kth: Any, axis: int) -> Any:
    return order.argpartition(a, kth=plain_index(kth), axis=axis)


@name_on_traced(np.sort_complex)
@lies("K")
def sort_complex(a: Any) -> Any:
    found = sort(a)
    return found if dtype_of(found).kind == "c" else convert_to(found, np.complex128)


@name_on_traced(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    keys = arrayed(keys)
    return order.lexsort(keys, axis=one_axis(axis, len(shape_of(keys)) - 1))


@name_on_traced(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    a = arrayed(a)
    return order.searchsorted(a if sorter is None else indexing.take(a, arrayed(sorter)), arrayed(v), side=side)


@name_on_traced(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    return order.digitize(arrayed(bins), arrayed(x), right=bool(right))


# ---------------------------------------------------------------- quantiles


def linear_position(n: Any, q: Any) -> Any:
    return (n - 1) * q


def hyndman_fan(alpha: float, beta: float) -> Callable[[Any, Any], Any]:
    """The position, counted from 0, of a quantile among n sorted numbers.  Hyndman and Fan 1996, section 2."""
    return lambda n, q: n * q + (alpha + q * (1 - alpha - beta)) - 1


def closest_observation(n: Any, q: Any) -> Any:
    """The next one, and halfway between two the one with an even number, counted from 1."""
    p = n * q - 1 - 0.5
    below = elementwise.floor(p)
    halfway = elementwise.logical_and(elementwise.equal(below, p), elementwise.equal(below % 2, 1))
    return select(halfway, below, below + 1)


def is_between(p: Any) -> Any:
    return elementwise.not_equal(elementwise.floor(p), p)


# method -> position of the one number (n, q)
ONE: dict[str, Callable[[Any, Any], Any]] = {
    "lower": lambda n, q: elementwise.floor(linear_position(n, q)),
    "higher": lambda n, q: elementwise.ceil(linear_position(n, q)),
    "nearest": lambda n, q: elementwise.rint(linear_position(n, q)),
    "inverted_cdf": lambda n, q: elementwise.ceil(n * q - 1),
    "closest_observation": closest_observation,
}
# method -> position (n, q), and the share of the number above it, by the position; all but two are continuous in q
TWO: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any], Any]]] = {
    "midpoint": (linear_position, lambda p: select(is_between(p), 0.5, 0.0)),
    "averaged_inverted_cdf": (lambda n, q: n * q - 1, lambda p: select(is_between(p), 1.0, 0.5)),
}
CONTINUOUS = {
    "linear": linear_position,
    "interpolated_inverted_cdf": hyndman_fan(0, 1),
    "hazen": hyndman_fan(0.5, 0.5),
    "weibull": hyndman_fan(0, 0),
    "median_unbiased": hyndman_fan(1 / 3.0, 1 / 3.0),
    "normal_unbiased": hyndman_fan(3 / 8.0, 3 / 8.0),
}
TWO |= {method: (position, lambda p: p - elementwise.floor(p)) for method, position in CONTINUOUS.items()}


def quantile_named(function: Any, scale: int, skip_nan: bool) -> None:
    """np.quantile and its three relatives."""

    @fills_out
    @lies("C")
    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
        interpolation: Any = None,
    ) -> Any:
        no_keywords(f"numpy.{function.__name__}", weights=weights, interpolation=interpolation)
        a, q = arrayed(a), arrayed(q)
        if dtype_of(a).kind == "c":
            raise TypeError("a must be an array of real numbers")
        q = q if scale == 1 else q / scale
        kind = "Quantiles" if scale == 1 else "Percentiles"
        inside = elementwise.logical_and(elementwise.greater_equal(q, 0), elementwise.less_equal(q, 1))
        refuse_where(elementwise.logical_not(inside), ValueError, f"{kind} must be in the range [0, {scale}]")
        if method not in ONE and method not in TWO:
            raise ValueError(f"{method!r} is not a valid method. Use one of: {[*ONE, *TWO]}")
        if skip_nan and not size(a):
            return mean(a, axis, keepdims=keepdims)  # as NumPy, without the axes of q
        ordered, kept_shape = sorted_lines(a, axis, given(keepdims))
        found = quantile_of(ordered, q, method, skip_nan)
        return reduced(moveaxis(found, -1, 0), shape_of(q) + kept_shape)

    name_on_traced(function)(quantile)


for function, scale, skip_nan in (
    (np.quantile, 1, False),
    (np.percentile, 100, False),
    (np.nanquantile, 1, True),
    (np.nanpercentile, 100, True),
):
    quantile_named(function, scale, skip_nan)


def sorted_lines(a: Any, axis: Any, keepdims: bool) -> tuple[Any, Shape]:
    """The reduced axes sorted as one, at the end; and the shape of what is reduced."""
    have, axes = shape_of(a), axes_of(axis, len(shape_of(a)))
    rest = tuple(n for i, n in enumerate(have) if i not in axes)
    moved = moveaxis(a, axes, tuple(range(-len(axes), 0))) if axes else a
    kept_shape = tuple(1 if i in axes else n for i, n in enumerate(have)) if keepdims else rest
    return sort(reshape(moved, (*rest, math.prod(have[i] for i in axes)))), kept_shape


def quantile_of(ordered: Any, q: Any, method: str, skip_nan: bool) -> Any:
    """One along the last axis for each q; q is flattened."""
    q = q if shape_of(q) == () else reshape(q, (-1,))
    n = shape_of(ordered)[-1]
    if skip_nan:
        n = reshape(counted(ordered), (*shape_of(ordered)[:-1], 1))
    if method in ONE:
        found = element(ordered, ONE[method](n, q), n)
    else:
        position, share = TWO[method]
        p = position(n, q)
        t = convert_to(share(p), np.result_type(dtype_of(ordered), *strong_types(q)))
        found = mixed(element(ordered, elementwise.floor(p), n), element(ordered, elementwise.floor(p) + 1, n), t)
    return found if skip_nan else nan_if_any(ordered, found)


def strong_types(q: Any) -> list[Any]:
    """What else decides the dtype of the result; a Python number is weak."""
    return [0.0] if type(content_of(q)) in (int, float) else [dtype_of(q), 0.0]


def counted(ordered: Any) -> Any:
    """How many are not nan."""
    return linear.reduce_sum(elementwise.logical_not(elementwise.isnan(ordered)), axes=(len(shape_of(ordered)) - 1,))


def element(ordered: Any, position: Any, n: Any) -> Any:
    place = elementwise.truncate(position, dtype=np.dtype(np.intp))
    place = elementwise.maximum(elementwise.minimum(place, n - 1), 0)
    if len(shape_of(place)) < len(shape_of(ordered)):
        place = reshape(place, (1,) * (len(shape_of(ordered)) - 1) + (-1,))
    return gather_along(ordered, place, len(shape_of(ordered)) - 1)


def mixed(low: Any, high: Any, t: Any) -> Any:
    """From the nearer side, so that t = 1 gives `high` to the digit."""
    difference = high - low
    return select(elementwise.greater_equal(t, 0.5), high - difference * (1 - t), low + difference * t)


def nan_if_any(ordered: Any, found: Any) -> Any:
    """nan is sorted to the end, and makes every order statistic nan."""
    last = indexing.getitem(ordered, index=(*(slice(None),) * (len(shape_of(ordered)) - 1), slice(-1, None)))
    return select(elementwise.isnan(last), last, found) if dtype_of(ordered).kind in "fc" else found


def real_numbers(a: Any) -> Any:
    """The mean of two whole numbers need be none, and their sum may be too large for one."""
    a = arrayed(a)
    return a if dtype_of(a).kind in "fc" else convert_to(a, np.dtype(float))


@name_on_traced(np.median)
@fills_out
def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Any:
    ordered, kept_shape = sorted_lines(real_numbers(a), axis, given(keepdims))
    n = shape_of(ordered)[-1]
    if n == 0:
        return reduced(mean(ordered, -1), kept_shape)
    found = element(ordered, n // 2, n)
    if n % 2 == 0:
        found = (element(ordered, n // 2 - 1, n) + found) / 2
    return reduced(nan_if_any(ordered, found), kept_shape)


@name_on_traced(np.nanmedian)
@fills_out
def nanmedian(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False) -> Any:
    if not size(a):
        return mean(a, axis, keepdims=keepdims)
    ordered, kept_shape = sorted_lines(real_numbers(a), axis, given(keepdims))
    n = reshape(counted(ordered), (*shape_of(ordered)[:-1], 1))
    low, high = element(ordered, (n - 1) // 2, n), element(ordered, n // 2, n)
    return reduced(select(elementwise.equal(n % 2, 1), high, (low + high) / 2), kept_shape)


# ---------------------------------------------------------------- sets


def occurring(function: Any, *arrays: Any, **options: Any) -> Any:
    """A set made of arrays: each of its values is gathered where it occurs first in the operands."""
    parts = [flat(arrayed(a)) for a in arrays]
    found = function(*[plain_numbers(p) for p in parts], **options)
    joined = concatenate(parts)
    return gather(joined, first_places(plain_numbers(joined), found))


def first_places(numbers: Any, values: Any) -> Any:
    by_size = np.argsort(numbers, kind="stable")
    return by_size[np.searchsorted(numbers[by_size], values, side="left")]


@name_on_traced(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    **options: Any,
) -> Any:
    """The values where they occur first; positions and counts are constants."""
    ar = arrayed(ar)
    if axis is None and is_open(ar) and options.get("equal_nan", True):
        found = open_unique(ar, return_inverse, return_counts)
        parts = (found[0], *(found[1:] if return_index else found[2:]))
        return parts if len(parts) > 1 else parts[0]
    found = np.unique(plain_numbers(ar), True, return_inverse, return_counts, axis, **options)
    if axis is None:
        values = gather(ar, found[1])
    else:
        axis = one_axis(axis, len(shape_of(ar)))
        values = indexing.getitem(ar, index=(*(slice(None),) * axis, found[1]))
    rest = [buffered(part) for part in (found[1:] if return_index else found[2:])]
    return (values, *rest) if rest else values


def open_unique(ar: Any, return_inverse: bool, return_counts: bool) -> tuple[Any, ...]:
    """(values, where they occur first, of each element its value, how often) of an array that only the run knows: of
    equal ones beside each other in order, the first."""
    x = flat(ar)
    n = shape_of(x)[0]
    if not isinstance(n, Value) and n == 0:
        return x, *np.unique(np.empty(0), True, return_inverse, return_counts)[1:]
    by_size = positions_by(x, 0, "stable")
    ordered = gather(x, by_size)
    before = linear.labelled(join.concatenate(ordered[:1], ordered[:-1], axis=0), (n,))
    is_nan = (ordered != ordered) & (before != before)
    is_first = ((ordered != before) & ~is_nan) | (arange(n) == 0)
    starts = indexing.positions(is_first)[0]
    found: tuple[Any, ...] = (gather(ordered, starts), gather(by_size, starts))
    if return_inverse:
        numbers = linear.cumsum(elementwise.truncate(is_first, dtype=np.dtype(np.intp)), axis=0) - 1
        found += (reshape(gather(numbers, positions_by(by_size, 0, None)), shape_of(ar)),)
    if return_counts:
        ends = join.concatenate(starts[1:], arrayed([n]), axis=0)
        found += (linear.labelled(ends, shape_of(starts)) - starts,)
    return found


@name_on_traced(np.unique_values)
def unique_values(x: Any) -> Any:
    return occurring(np.unique_values, x)


@name_on_traced(np.unique_counts)
def unique_counts(x: Any) -> Any:
    found = np.unique_counts(plain_numbers(flat(arrayed(x))))
    return type(found)(gather(x, first_places(plain_numbers(flat(x)), found.values)), buffered(found.counts))


@name_on_traced(np.unique_inverse)
def unique_inverse(x: Any) -> Any:
    found = np.unique_inverse(plain_numbers(arrayed(x)))
    values = gather(x, first_places(plain_numbers(flat(x)), found.values))
    return type(found)(values, buffered(found.inverse_indices))


@name_on_traced(np.unique_all)
def unique_all(x: Any) -> Any:
    found = np.unique_all(plain_numbers(arrayed(x)))
    return type(found)(gather(x, found.indices), *[buffered(part) for part in found[1:]])


@name_on_traced(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    return occurring(np.union1d, ar1, ar2)


@name_on_traced(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    return occurring(np.setdiff1d, ar1, ar2, assume_unique=assume_unique)


@name_on_traced(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    return occurring(np.setxor1d, ar1, ar2, assume_unique=assume_unique)


@name_on_traced(np.intersect1d)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    common = occurring(np.intersect1d, ar1, ar2, assume_unique=assume_unique)
    if not return_indices:
        return common
    numbers = [plain_numbers(arrayed(a)) for a in (ar1, ar2)]
    return (common, *buffered(np.intersect1d(*numbers, assume_unique, True)[1:]))


@name_on_traced(np.isin)
def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Any:
    return order.isin(arrayed(element), arrayed(test_elements), invert=invert)


@name_on_traced(*in_numpy("in1d"))  # deprecated since NumPy 2.0
def in1d(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None) -> Any:
    return order.isin(flat(arrayed(ar1)), arrayed(ar2), invert=invert)


# ---------------------------------------------------------------- counts


@name_on_traced(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Linear in the weights."""
    places = np.asarray(plain_numbers(arrayed(x)))
    length = max(np.bincount(places).size, minlength)
    if weights is None:
        return buffered(np.bincount(places, minlength=length))
    return indexing.put_add(in_double(arrayed(weights)), places, shape=(length,))


@name_on_traced(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """Equal bins between the extremes, which carry the derivative; their number is a constant."""
    if not isinstance(bins, str | int | np.integer):
        return arrayed(bins)
    numbers = plain_numbers(flat(arrayed(a)))
    plain_range = None if range is None else tuple(plain_numbers(end) for end in range)
    edges = np.histogram_bin_edges(numbers, bins, plain_range)
    first, last = (min_(a), max_(a)) if range is None and numbers.size else range or (0.0, 1.0)
    if plain_numbers(first) == plain_numbers(last):
        first, last = first - 0.5, last + 0.5
    return linspace(first, last, len(edges), dtype=edges.dtype)


@name_on_traced(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """Counts are steps in `a`, linear in the weights; edges are as in `histogram_bin_edges`."""
    edges = histogram_bin_edges(a, bins, range, weights)
    numbers, bounds = plain_numbers(flat(arrayed(a))), np.asarray(plain_numbers(edges))
    inside = np.flatnonzero((numbers >= bounds[0]) & (numbers <= bounds[-1]))
    places = np.minimum(np.searchsorted(bounds, numbers[inside], side="right") - 1, len(bounds) - 2)
    counts = np.bincount(places, minlength=len(bounds) - 1)
    if weights is not None:
        weights = indexing.take(flat(arrayed(weights)), inside)
        counts = indexing.put_add(weights, places, shape=(len(bounds) - 1,))
    if density:
        widths = indexing.getitem(edges, index=(slice(1, None),)) - indexing.getitem(edges, index=(slice(None, -1),))
        return counts / in_double(widths) / sum_(counts), edges
    return buffered(counts), edges
