"""Samples: a value of a type tells the types of results, by evaluating rows on it."""

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from wengert.core.primitive import TABLE, Primitive
from wengert.ir.program import (
    KINDS,
    AnyType,
    Extent,
    Items,
    Stack,
    Type,
    extents_of,
    fill,
    has_extents,
    holes,
    type_of,
    with_lengths,
)


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def sample(type: AnyType, number: int = 0) -> Any:
    """A value of this type; its elements mean nothing."""
    if isinstance(type, Stack):
        return Items(type)
    if type.form == "weak":
        return KINDS[type.dtype.kind](number)
    if type.form == "scalar":
        return type.dtype.type(number)
    shape = with_lengths(type, lambda n: n.number).shape
    return np.full(shape, number, type.dtype) if number else np.zeros(shape, type.dtype)


def samples_of(row: Primitive, variable: Sequence[bool], contents: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    """Samples of the results: the row is evaluated on samples of its operands.

    variable  for each operand: is its content a sample, which another may replace?  After the operands, `contents`
              has what fills the holes of `params`
    """
    lengths = {hole.operand for hole in holes(params) if hole.extent is not None}
    contents = [  # an index of zero fits
        x if i < len(variable) or i in lengths else np.zeros_like(x)[()] for i, x in enumerate(contents)
    ]
    if row.name in ("floordiv", "mod"):  # a quotient of whole numbers by zero would be a float
        contents = [contents[0], as_ones(contents[1])]
    shape = broadcast_shape(row, contents)
    if shape is not None:
        contents = [x[tuple([slice(0, 1)] * x.ndim)] if isinstance(x, np.ndarray) else x for x in contents]
        (element,) = evaluated(row, variable, contents, params)
        return [np.zeros(shape, element.dtype)]
    found = from_shorter(row, variable, contents, params)
    return evaluated(row, variable, contents, params) if found is None else found


def evaluated(row: Primitive, variable: Sequence[bool], contents: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    """The first samples are zeros, since an index must fit; a matrix of zeros has no inverse, so others are tried."""
    error: Exception | None = None
    for candidates in itertools.islice(attempts(variable, contents, is_weak(contents)), 3):
        try:
            with quiet():
                out = row.evaluate(*candidates[: len(variable)], **fill(params, candidates))
        except Exception as problem:  # noqa: BLE001 - whatever the row does not like about these numbers
            error = error or problem
            continue
        return [compact(row, o) for o in out] if row.several else [compact(row, out)]
    assert error is not None
    raise error


FEW, MANY = 8, 1 << 11  # lengths up to which an axis stays as it is; elements up to which all are evaluated


def from_shorter(
    row: Primitive, variable: Sequence[bool], contents: Sequence[Any], params: dict[str, Any]
) -> list[Any] | None:
    """Samples of the results of large operands, by two sets of shorter ones, which takes no time: a length of a result
    is taken for that of an operand where it is in both.  None where that does not tell, and of the user's own rows,
    which may do anything with a length.

    Lengths keep their order, also relative to those that stay, so that the least of two is that of the same operand.
    """
    arrays = [x for x in contents if isinstance(x, np.ndarray)]
    fills = [x for x in contents[len(variable) :] if not isinstance(x, np.ndarray)]
    if (
        row.view
        or TABLE.get(row.name) is not row
        or sum(x.size for x in arrays) < MANY
        or not all(x.flags.forc for x in arrays)
    ):
        return None
    if names_more(params, FEW) or names_more(fills, FEW):
        return None
    lengths = sorted({n for x in arrays for n in x.shape if n > FEW})
    ways = [dict(zip(lengths, itertools.count(first, step))) for first, step in ((FEW + 1, 2), (FEW + 2, 3))]
    try:
        first, second = (evaluated(row, variable, [shortened(x, way) for x in contents], params) for way in ways)
    except Exception:  # noqa: BLE001  all of the operands tell why, or that it was for these lengths only
        return None
    given = {(way[n], other[n]): n for way, other in [ways] for n in lengths}
    found = [lengthened(x, y, given) for x, y in zip(first, second, strict=True)]
    return None if any(x is None for x in found) else found


def names_more(params: Any, limit: int) -> bool:
    """Whether a parameter holds a number above the limit, or anything that may: it may be a length."""
    match params:
        case dict():
            return any(names_more(x, limit) for x in params.values())
        case tuple() | list():
            return any(names_more(x, limit) for x in params)
        case int():
            return abs(params) > limit
    return not isinstance(params, str | float | type(None) | np.dtype | np.ufunc | type)


def shortened(x: Any, lengths: dict[int, int]) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    return x[tuple([slice(lengths.get(n, n)) for n in x.shape])].copy("K")


def lengthened(x: Any, y: Any, given: dict[tuple[int, int], int]) -> Any:
    """The sample that is to the large operands what x and y are to the shorter ones."""
    if not isinstance(x, np.ndarray):
        return x
    shape = [n if n == m else given.get((n, m)) for n, m in zip(x.shape, y.shape)]
    if None in shape or not x.flags.forc:
        return None
    return np.zeros(shape, x.dtype, "C" if x.flags.c_contiguous else "F")


def types_of_results(
    row: Primitive,
    variable: Sequence[bool],
    types: Sequence[AnyType],
    contents: Sequence[Any],
    params: dict[str, Any],
) -> list[AnyType]:
    """Types of the results; where lengths are known at run time only, those that follow from two sets of lengths.

    variable  as for `samples_of`;  types: of all operands;  contents: where they are no samples
    """
    lengths = {hole.operand: hole.extent for hole in holes(params) if hole.extent is not None}
    if not lengths and not any(map(has_extents, types)):
        return [type_of(x) for x in samples_of(row, variable, contents, params)]

    def found(choose: Callable[[Extent], int]) -> list[Any]:
        chosen = [
            choose(lengths[i]) if i in lengths else sample(with_lengths(t, choose)) if has_extents(t) else x
            for i, (t, x) in enumerate(zip(types, contents))
        ]
        return [type_of(x) for x in samples_of(row, variable, chosen, params)]

    ways = [found(choose) for choose in (lambda n: n.number, lambda n: 2 * n.number + 1, lambda n: n.bound)]
    given = sorted({*lengths.values(), *(n for t in types for n in extents_of(t))}, reverse=True)
    short = {n.number: i + 2 for i, n in enumerate(given)}  # in the other order, and below lengths that are known
    try:
        turned = found(lambda n: short[n.number])
    except Exception:  # noqa: BLE001  too few for this row
        turned = ways[0]
        short = {n.number: n.number for n in given}
    for first, second, other in zip(ways[0], ways[1], turned):
        if not in_any_order(first, second, other, short):
            raise ValueError("which of the lengths is larger decides about the shape of the result")
    return [in_extents(*same) for same in zip(*ways)]


def in_any_order(first: Any, second: Any, turned: Any, short: dict[int, int]) -> bool:
    """Whether the shape follows in the same way where other lengths are the larger ones."""
    if not isinstance(first, Type):
        return True
    parts = zip(first.shape, second.shape, turned.shape)
    return all(t == n if n == m else t == short.get(n, t) for n, m, t in parts)


def in_extents(first: Any, second: Any, most: Any) -> Any:
    """The type that has these lengths for the lengths of samples, for others, and for the bounds."""
    if not isinstance(first, Type) or first.shape == second.shape:
        return first
    parts = zip(first.shape, second.shape, most.shape, strict=True)
    return first._replace(shape=tuple([n if n == m else Extent(n, bound) for n, m, bound in parts]))


def broadcast_shape(row: Primitive, contents: Sequence[Any]) -> tuple[int, ...] | None:
    """The shape of an elementwise result that need not be computed to know its layout."""
    arrays = [x for x in contents if isinstance(x, np.ndarray)]
    if (
        row.view
        or not row.elementwise
        or row.several
        or not arrays
        or not all(x.size and (x.ndim < 2 or x.flags.c_contiguous) for x in arrays)
    ):
        return None
    try:
        shape = np.broadcast_shapes(*(x.shape for x in arrays))
    except ValueError:  # which the row says in other words
        return None
    return None if shape == () else shape


def attempts(variable: Sequence[bool], contents: Sequence[Any], weak: bool) -> Iterator[list[Any]]:
    if not weak:  # where a Python number divides by zero, the result has another type
        yield list(contents)
    fresh = [i for i, v in enumerate(variable) if v]
    yield [as_ones(x) if i in fresh else x for i, x in enumerate(contents)]
    yield [as_regular(x) if i in fresh else x for i, x in enumerate(contents)]


def is_weak(contents: Sequence[Any]) -> bool:
    return all(type(x) in (bool, int, float, complex) for x in contents)


def as_ones(x: Any) -> Any:
    return np.ones_like(x) if isinstance(x, np.ndarray) else type(x)(1)


def as_regular(x: Any) -> Any:
    """Matrices that have an inverse."""
    if not isinstance(x, np.ndarray) or x.ndim < 2:
        return as_ones(x)
    return np.broadcast_to(np.eye(*x.shape[-2:], dtype=x.dtype), x.shape).copy()


def compact(row: Primitive, out: Any) -> Any:
    """Zeros, which fit as an index and take no memory before they are touched; a view stays one."""
    if isinstance(out, bool | int | float | complex | np.generic):
        return sample(type_of(out))
    if isinstance(out, np.ndarray) and not row.view and (out.flags.c_contiguous or 0 in out.strides):
        return np.zeros(out.shape, out.dtype)
    return out
