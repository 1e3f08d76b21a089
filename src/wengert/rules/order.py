"""Positions that depend on the order of numbers: constant rows, by which sorted values are gathered."""

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.rules.join import stack, stretch
from wengert.rules.reduce import shifted_axis

# ---------------------------------------------------------------- along an axis

argsort = row(
    "argsort",
    lambda x, *, axis, kind: np.argsort(x, axis=axis, kind=kind),
    lift=lambda axis, kind: {"axis": axis + 1, "kind": kind},
)


def partition_order_evaluate(x: Any, *, kth: Any, axis: int) -> Any:
    """Where np.partition takes its elements from; equal ones in their order, as for a stable sort."""
    order = np.empty(x.shape, np.intp)
    parted = np.partition(x, kth, axis=axis)
    places = np.argsort(parted, axis=axis, kind="stable")
    np.put_along_axis(order, places, np.argsort(x, axis=axis, kind="stable"), axis)
    return order


partition_order = row(
    "partition_order", partition_order_evaluate, lift=lambda kth, axis: {"kth": kth, "axis": axis + 1}
)
argpartition = row(
    "argpartition",
    lambda x, *, kth, axis: np.argpartition(x, kth, axis=axis),
    lift=lambda kth, axis: {"kth": kth, "axis": axis + 1},
)


def running_place_evaluate(x: Any, *, axis: int, beyond: np.ufunc) -> Any:
    """Where the running extremum was first attained; a nan stays."""
    x = np.moveaxis(x, axis, -1)
    so_far = (np.maximum if beyond is np.greater else np.minimum).accumulate(x, axis=-1)
    found = np.zeros(x.shape, np.intp)
    changes = ~beyond(so_far[..., :-1], x[..., 1:]) & (so_far[..., :-1] != x[..., 1:]) & ~np.isnan(so_far[..., :-1])
    found[..., 1:] = np.where(changes, np.arange(1, x.shape[-1]), 0)
    return np.moveaxis(np.maximum.accumulate(found, axis=-1), -1, axis)


running_place = row(
    "running_place",
    running_place_evaluate,
    lift=lambda axis, beyond: {**shifted_axis(axis), "beyond": beyond},
)

# of keys one above the other, the last counts first
lexsort = row("lexsort", lambda keys, *, axis: np.lexsort(keys, axis=axis))

# ---------------------------------------------------------------- in a table


def looked_up(find: row, size: int, batched: Any, operands: Any, **params: Any) -> Any:
    """The table is one-dimensional: where every lane has its own, they are asked one by one."""
    if not batched[0]:
        return find(*operands, **params)
    table, x = stretch(size, batched, operands)
    return stack(*[find(table[i], x[i], **params) for i in range(size)], axis=0)


searchsorted = row(
    "searchsorted",
    lambda table, x, *, side: np.searchsorted(table, x, side=side),
    batch=lambda size, batched, operands, *, side: looked_up(searchsorted, size, batched, operands, side=side),
)
digitize = row(
    "digitize",
    lambda table, x, *, right: np.digitize(x, table, right=right),
    batch=lambda size, batched, operands, *, right: looked_up(digitize, size, batched, operands, right=right),
)
isin = row("isin", lambda x, known, *, invert: np.isin(x, known, invert=invert))
