"""Rows of batches whose lanes differ in more than numbers: in the lengths of arrays, in the heights of stacks.

No array holds all lanes of such a value.  A *pile* does: a stack with an item for each lane, which a loop over the
lanes takes out and puts back.  Users never call these rows; `transforms/batch.py` does.
"""

from itertools import zip_longest
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.types import Shape, shape_of
from wengert.ir.program import AnyType, Extent, Items, Stack, has_extents, tangent_type, zero
from wengert.rules.control import all_lanes, filled, lifted_type, row

# ---------------------------------------------------------------- one lane of a pile


def lane_take_evaluate(
    pile: Items, k: int, *, type: Stack, size: int, inplace: bool, zeros: Shape | None = None
) -> tuple[Items, Any]:
    """zeros: of tangents or cotangents, where an item that is not there stands for zeros, of this shape"""
    if zeros is not None and (not pile.items or pile.items[k] is None):
        return pile, zero(type.element) if zeros == () else np.zeros(zeros, type.element.dtype)
    items = pile.items if inplace else list(pile.items)
    x, items[k] = items[k], None
    return Items(type, items), x


def lane_put_evaluate(pile: Items, x: Any, k: int, *, type: Stack, size: int, inplace: bool) -> Items:
    items = (pile.items if inplace else list(pile.items)) or [None] * size
    items[k] = x
    return Items(type, items)


def taken(pile: Any, k: Any, type: Stack, size: int, shape: Shape) -> Any:
    """From a pile of tangents or cotangents of values of this shape."""
    zeros = shape if has_extents(type.element) else ()
    return lane_take(pile, k, type=tangent_type(type), size=size, inplace=False, zeros=zeros)


def given(pile: Any, x: Any, k: Any, type: AnyType, size: int, like: Any) -> Any:
    """A pile of tangents or cotangents, where None is a zero, with one more."""
    assert isinstance(type, Stack)
    pile = zero(type) if pile is None else pile
    return lane_put(pile, filled(x, type.element, like), k, type=type, size=size, inplace=False)


def lane_take_batch(
    lanes: int, batched: Any, operands: Any, *, type: Stack, zeros: Shape | None = None, **params: Any
) -> Any:
    return lane_take(*operands, type=lifted_type(type, lanes), zeros=zeros and (lanes, *zeros), **params)


def lane_put_batch(lanes: int, batched: Any, operands: Any, *, type: Stack, **params: Any) -> Any:
    values = [all_lanes(x, b, lanes, t) for x, b, t in zip(operands, batched, (type, type.element))]
    return lane_put(*values, operands[2], type=lifted_type(type, lanes), **params)


# Each is the transpose of the other.  size: how many items a pile has
lane_take = row(
    "lane_take",
    lane_take_evaluate,
    push=lambda k, pile_dot, out, type, size: taken(pile_dot, k, type, size, shape_of(out[1])),
    pull=lambda ct, k, out, type, size: (given(*ct, k, tangent_type(type), size, out[1]), None),
    batch=lane_take_batch,
    types=lambda ins, type, **params: [type, type.element],
    several=True,
)
lane_put = row(
    "lane_put",
    lane_put_evaluate,
    push=lambda x, k, pile_dot, x_dot, type, size: given(pile_dot, x_dot, k, tangent_type(type), size, x),
    pull=lambda ct, k, x_shape, type, size: (*taken(ct, k, type, size, x_shape), None),
    batch=lane_put_batch,
    types=lambda ins, type, **params: [type],
)

# ---------------------------------------------------------------- all lanes


def piled_evaluate(x: Any, *, type: Stack, size: int) -> Items:
    return Items(type, [lane_of(x, k, type.element) for k in range(size)])


def lane_of(x: Any, k: int, type: AnyType) -> Any:
    if isinstance(type, Stack):
        return Items(type, [lane_of(item, k, type.element) for item in x.items])
    return x[k, ...] if type.form == "array" else x[k].item() if type.form == "weak" else x[k]


def unpiled_evaluate(pile: Items, *, type: Stack, size: int, zeros: Shape = ()) -> Any:
    """zeros: the shape of a lane of tangents or cotangents that is not there"""
    return all_of(pile.items or [None] * size, type.element, zeros)


def all_of(lanes: list[Any], type: AnyType, zeros: Shape) -> Any:
    """The values of all lanes as one."""
    if isinstance(type, Stack):
        levels = zip_longest(*(lane.items if lane is not None else () for lane in lanes))
        items = [all_of(list(level), type.element, ()) for level in levels]
        return Items(Stack(lifted_type(type.element, len(lanes))), items)
    shapes = {shape_of(x) for x in lanes if x is not None}
    if len(shapes) > 1:
        raise lengths_differ(shapes)
    shape = shapes.pop() if shapes else zeros or tuple([0 if isinstance(n, Extent) else n for n in type.shape])
    out = np.zeros((len(lanes), *shape), type.dtype)
    for k, x in enumerate(lanes):
        if x is not None:
            out[k] = x
    return out


def lengths_differ(shapes: set[Shape]) -> Diagnostic:
    found = ", ".join(map(str, sorted(shapes)))
    return Diagnostic(
        "W602",
        f"the lanes of a batch give arrays of different shapes: {found}",
        "one array holds the results of all lanes, so each must have as many elements",
        "pad the parts to one length, or loop over the lanes",
    )


# All lanes of a batch as a pile; and its transpose.
piled = row(
    "piled",
    piled_evaluate,
    push=lambda x_dot, type, size: piled(x_dot, type=tangent_type(type), size=size),
    pull=lambda ct, x_shape, type, size: (unpiled(ct, type=tangent_type(type), size=size, zeros=x_shape[1:]),),
    types=lambda ins, type, size: [type],
)
unpiled = row(
    "unpiled",
    unpiled_evaluate,
    push=lambda pile_dot, out, type, size: unpiled(
        pile_dot, type=tangent_type(type), size=size, zeros=shape_of(out)[1:]
    ),
    pull=lambda ct, type, size: (piled(ct, type=tangent_type(type), size=size),),
    types=lambda ins, type, size, zeros=(): [lifted_type(type.element, size)],
)
# a result of a program, which is of this type for each lane, as one array
whole = row(
    "whole",
    lambda x, *, type: x,
    push=lambda x_dot, type: whole(x_dot, type=type),
    pull=lambda ct: (ct,),
    types=lambda ins, type: ins,
)
