"""`reduce`, `accumulate`, `reduceat`, `outer` and `at` of every ufunc that has a rule."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.mode import Value, lane_of
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.rules import indexing, linear, order, reduce
from wengert.rules.elementwise import where as select
from wengert.rules.linear import transpose as transpose_row
from wengert.rules.names.operands import (
    arrayed,
    axes_of,
    convert_to,
    flat,
    gather_along,
    given,
    kept,
    lying,
    one_axis,
    plain_numbers,
    strong,
)
from wengert.rules.names.reductions import all_, any_, cumprod, cumsum, max_, min_, prod, sum_
from wengert.rules.names.shape import broadcast_to, moveaxis, reshape, stack
from wengert.rules.names.table import composition_of

REDUCTIONS = {
    **{np.add: sum_, np.multiply: prod, np.maximum: max_, np.minimum: min_},
    **{np.logical_or: any_, np.logical_and: all_},
}


def reduce_(
    ufunc: np.ufunc,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    keepdims: bool = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    array = arrayed(array) if dtype is None else convert_to(arrayed(array), dtype)
    if ufunc in REDUCTIONS:
        options = {"initial": initial} if initial is not np._NoValue else {}
        return REDUCTIONS[ufunc](array, axis=axis, keepdims=keepdims, where=where, **options)
    have, axes = shape_of(array), axes_of(axis, len(shape_of(array)))
    start, terms = first_of(ufunc, array, axis, initial, where)
    masks = [True] * len(terms) if where is True else front(np.broadcast_to(plain_numbers(where), have), axes)
    return kept(fold(composition_of(ufunc), start, terms, masks), have, axes, given(keepdims))


def first_of(ufunc: np.ufunc, x: Any, axis: Any, initial: Any, where: Any) -> tuple[Any, list[Any]]:
    """What a reduction starts with, and what comes after it."""
    sample = initial if initial is None or initial is np._NoValue else 0
    ufunc.reduce(np.ones(shape_of(x), dtype_of(x)), axis=axis, initial=sample, where=where is True)  # NumPy's errors
    terms = front(x, axes_of(axis, len(shape_of(x))))
    axes = axes_of(axis, len(shape_of(x)))
    rest = tuple(n for i, n in enumerate(shape_of(x)) if i not in axes)
    if initial is not np._NoValue and initial is not None:
        return (linear.broadcast_to(initial, shape=rest) if rest and not terms else initial), terms
    if terms and where is True:
        return terms[0], terms[1:]
    return np.full(rest, ufunc.identity, dtype_of(x))[()], terms


def front(x: Any, axes: tuple[int, ...]) -> list[Any]:
    """The parts along these axes, one after the other."""
    moved = moveaxis(x, axes, tuple(range(len(axes))))
    have = shape_of(moved)
    moved = reshape(moved, (math.prod(have[: len(axes)]), *have[len(axes) :]))
    return [indexing.getitem(moved, index=(i,)) for i in range(shape_of(moved)[0])]


def fold(f: Any, start: Any, terms: list[Any], masks: Any) -> Any:
    for term, mask in zip(terms, masks):
        start = f(start, term) if mask is True else select(mask, f(start, term), start)
    return start


def accumulate(ufunc: np.ufunc, array: Any, axis: int = 0, dtype: Any = None) -> Any:
    array = arrayed(array) if dtype is None else convert_to(arrayed(array), dtype)
    axis = one_axis(axis, len(shape_of(array)))
    if ufunc in (np.add, np.multiply):
        return (cumsum if ufunc is np.add else cumprod)(array, axis)
    if ufunc in (np.maximum, np.minimum):  # of equal ones the first
        beyond = np.greater if ufunc is np.maximum else np.less
        found = gather_along(array, order.running_place(array, axis=axis, beyond=beyond), axis)
        return lying(found, lane_of(array))
    f, terms = composition_of(ufunc), front(array, (axis,))
    out = terms[:1]
    for term in terms[1:]:
        out.append(f(out[-1], term))
    return stack(out, axis) if out else linear.duplicate(array)


def reduceat(ufunc: np.ufunc, array: Any, indices: Any, axis: int = 0, dtype: Any = None) -> Any:
    array = arrayed(array) if dtype is None else convert_to(arrayed(array), dtype)
    axis = one_axis(axis, len(shape_of(array)))
    indices, n = np.asarray(plain_numbers(arrayed(indices))), shape_of(array)[axis]
    for i in indices:
        if not 0 <= i < n:
            raise IndexError(f"index {i} out-of-bounds in {ufunc.__name__}.reduceat [0, {n})")
    if ufunc is np.add:
        return reduce.sum_of_ranges(array, starts=indices.astype(np.intp), axis=axis)
    ends = [*indices[1:], n]
    before = (slice(None),) * axis
    parts = [
        indexing.getitem(array, index=(*before, slice(int(i), int(end_of(i, end))))) for i, end in zip(indices, ends)
    ]
    return stack([reduce_(ufunc, part, axis) for part in parts], axis)


def end_of(start: int, end: int) -> int:
    """NumPy takes one element where the next range does not start later."""
    return end if end > start else start + 1


def outer(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    return composition_of(ufunc)(reshape(a, shape_of(a) + (1,) * len(shape_of(b))), strong(b))


METHODS: dict[str, Callable[..., Any]] = {
    "reduce": reduce_,
    "accumulate": accumulate,
    "reduceat": reduceat,
    "outer": outer,
}

# ---------------------------------------------------------------- at


def at(ufunc: np.ufunc, target: Any, index: Any, *value: Any) -> None:
    """In place, a repeated index each time anew."""
    if not isinstance(target, Value):
        raise indexing.refused_write()
    axes, index = indexing.normal_index(index, target.shape)
    if ufunc in (np.add, np.subtract):
        add_at(target, axes, index, value[0] if ufunc is np.add else -value[0])
    else:
        in_rounds(composition_of(ufunc), target, places_of(target.shape, axes, index), *value)


def add_at(target: Value, axes: Any, index: Any, value: Any) -> None:
    seen = target if axes is None else transpose_row(target, axes=axes)
    added = indexing.add_at(seen, value, index=index, inplace=False)
    target[...] = added if axes is None else transpose_row(added, axes=linear.inverse_permutation(axes))


def places_of(shape: Shape, axes: Any, index: Any) -> Any:
    """The element numbers that an index selects."""
    numbers = np.arange(int(np.prod(shape))).reshape(shape)
    return np.asarray((numbers if axes is None else numbers.transpose(axes))[index])


def in_rounds(f: Any, target: Value, places: Any, *value: Any) -> None:
    """All first occurrences of an index at once, then all second ones, ..."""
    content = flat(target.snapshot())
    values = [flat(broadcast_to(v, places.shape)) for v in value]
    for chosen in occurrences(places.ravel()):
        here = places.ravel()[chosen]
        new = f(indexing.take(content, here), *[indexing.take(v, chosen) for v in values])
        if not np.can_cast(dtype_of(new), target.dtype, "same_kind"):
            raise TypeError(f"cannot cast the result of `at` from {dtype_of(new)} to {target.dtype}")
        content = indexing.write(content, new, steps=(), index=(here,), inplace=False)
    target[...] = reshape(content, target.shape)


def occurrences(places: Any) -> list[Any]:
    """Positions of the first occurrences of all numbers, of the second ones, ..."""
    ordered = np.argsort(places, kind="stable")
    again = np.arange(places.size) - np.searchsorted(places[ordered], places[ordered], side="left")
    return [ordered[again == k] for k in range(int(again.max(initial=-1)) + 1)]
