"""Joins: rows that take any number of operands and put them beside each other."""

from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.core.types import Shape, shape_of
from wengert.rules.indexing import getitem
from wengert.rules.linear import broadcast_to, unbroadcast, zeros_like


def join_tangents(join: Any, xs: tuple[Any, ...], xs_dot: tuple[Any, ...], **params: Any) -> Any:
    return join(*[zeros_like(x) if t is None else t for x, t in zip(xs, xs_dot)], **params)


def stretch(size: int, batched: Any, operands: Any) -> list[Any]:
    """All operands with the batch axis in front."""
    return [x if b else broadcast_to(x, shape=(size, *shape_of(x))) for x, b in zip(operands, batched)]


def concatenate_pull(ct: Any, xs_shape: tuple[Shape, ...], traced: tuple[bool, ...], axis: int) -> tuple[Any, ...]:
    ends = [0, *accumulate(s[axis] for s in xs_shape)]
    before = (slice(None),) * axis
    parts = zip(pairwise(ends), xs_shape, traced)
    return tuple(unbroadcast(getitem(ct, index=(*before, slice(*ends))), s) if t else None for ends, s, t in parts)


concatenate = row(
    "concatenate",
    lambda *xs, axis: np.concatenate(xs, axis=axis),
    push=lambda xs, xs_dot, axis: join_tangents(concatenate, xs, xs_dot, axis=axis),
    pull=concatenate_pull,
    batch=lambda size, batched, operands, *, axis: concatenate(*stretch(size, batched, operands), axis=axis + 1),
    examples=[(((2, 3), (1, 3)), {"axis": 0}), (((2, 3), (2, 0), (2, 2)), {"axis": 1})],
)


def stack_pull(ct: Any, traced: tuple[bool, ...], axis: int) -> tuple[Any, ...]:
    before = (slice(None),) * axis
    return tuple(getitem(ct, index=(*before, i)) if t else None for i, t in enumerate(traced))


stack = row(
    "stack",
    lambda *xs, axis: np.stack(xs, axis=axis) if axis or shape_of(xs[0]) else np.array(xs),
    push=lambda xs, xs_dot, axis: join_tangents(stack, xs, xs_dot, axis=axis),
    pull=stack_pull,
    batch=lambda size, batched, operands, *, axis: stack(*stretch(size, batched, operands), axis=axis + 1),
    examples=[(((2, 3), (2, 3)), {"axis": 1}), (((), (), ()), {"axis": 0})],
)
