"""Which equations may raise, and so may neither vanish from the user's own code nor run where they did not before.

A row is taken to raise unless it is listed here, or elementwise.
"""

import math
from typing import Any

import numpy as np

from wengert.ir.program import Equation, Extent, Hole, Stack, dtype_in, has_extents, map_holes, numeric, type_in
from wengert.passes.ranges import Range, Ranges, learn, range_of, region_ranges
from wengert.rules.indexing import has_open_slice, part_fits

# of operands whose types fit, as those of a program do
TOTAL = frozenset(
    [
        *("full", "array", "empty_stack", "stack_push", "unread", "weak", "length", "positions"),
        *("transpose", "flip", "broadcast_to", "spread", "concatenate", "stack"),
        *("reduce_sum", "collapse", "reduce_max", "reduce_min", "reduce_prod", "reduce_any", "reduce_all"),
        *("cumsum", "cumprod", "sum_of_ranges", "share", "argsort", "matmul", "einsum", "convolve"),
    ]
)
# elementwise, but integers have no quotient by zero, and no power with a negative exponent
QUOTIENTS = frozenset(["floordiv", "mod", "fmod"])
POWERS = frozenset(["pow", "ipow", "left_shift", "right_shift", "ldexp"])
INDEXED = frozenset(["getitem", "write", "add_at"])


def is_users(e: Equation) -> bool:
    """Whether the user wrote it; where a derived equation reads out of range, so does the one that it derives from."""
    return e.origin is None and e.where is not None


def can_trap(e: Equation, known: Ranges) -> bool:
    name = e.row.name
    if e.row.effect:
        return True
    if e.regions:
        return region_can_trap(e, known)
    if name in INDEXED:
        return (e.has_holes and not holes_in_range(e, known)) or not fits(e)
    if name == "reshape":
        return e.has_holes or has_extents(type_in(e.ins[0]))  # it may not have as many elements
    if name == "wrap_index":
        n = e.params["n"]
        return not isinstance(n, int) or not inside(range_of(e.ins[0], known), n)
    if name in ("take", "put_add"):
        n = numeric(type_in(e.ins[0])).shape[0] if name == "take" else e.params["shape"][0]
        return not isinstance(n, int) or not inside(range_of(e.ins[1], known), n)
    if name == "slice_length":
        return isinstance(e.params["index"][0].step, Hole)
    if name == "trip_count":
        return not never_zero(range_of(e.ins[2], known))
    if name in QUOTIENTS and is_whole(e):
        return not never_zero(range_of(e.ins[1], known))
    if name in POWERS and is_whole(e):
        return True
    return not (name in TOTAL or e.row.elementwise)


def region_can_trap(e: Equation, known: Ranges) -> bool:
    """A loop whose end is not known may go on for ever; a step of zero raises."""
    if e.row.name == "while_" or may_not_step(e, known):
        return True
    ranges = region_ranges(e, known)
    for key, inner in ranges.items():
        for q in e.params[key].equations:
            if can_trap(q, inner):
                return True
            learn(q, inner)
    return False


def may_not_step(e: Equation, known: Ranges) -> bool:
    return e.row.name == "for_" and not never_zero(range_of(e.ins[2], known))


def is_whole(e: Equation) -> bool:
    return all(not isinstance(type_in(x), Stack) and dtype_in(type_in(x)).kind in "iub" for x in e.ins)


def never_zero(r: Range | None) -> bool:
    return r is not None and (r[0] > 0 or r[1] < 0)


def inside(r: Range | None, n: int) -> bool:
    return r is not None and -n <= r[0] and r[1] < n


def fits(e: Equation) -> bool:
    """Whether what is written has the shape of its place, which is in range; derived writes fit if the user's do."""
    if e.row.name == "getitem" or e.origin is not None:
        return True
    root, value, params = type_in(e.ins[0]), numeric(type_in(e.ins[1])), e.params
    if has_extents(root) or has_extents(value) or (value.shape and has_open_slice(params["index"])):
        is_all = not params.get("steps") and all(p == slice(None) for p in params["index"])
        return value.shape == () or (is_all and value.shape == numeric(root).shape)
    index = map_holes(params["index"], lambda hole: first_place(e, hole))
    return part_fits(value.shape, numeric(root).shape, params.get("steps", ()), index)


def first_place(e: Equation, hole: Hole) -> Any:
    """In place of what fills the hole: zero, or as many of them."""
    type = numeric(type_in(e.ins[hole.operand]))
    return np.zeros(type.shape, int) if type.shape else 0


def holes_in_range(e: Equation, known: Ranges) -> bool:
    if e.params.get("steps"):
        return False
    axes = axes_of(e.params["index"], numeric(type_in(e.ins[0])).shape)
    return axes is not None and all(inside(range_of(e.ins[hole.operand], known), n) for hole, n in axes)


def axes_of(index: tuple[Any, ...], shape: tuple[Any, ...]) -> list[tuple[Hole, int]] | None:
    """Each hole that indexes an axis, with its length, 0 where only the run knows it; None where another may raise.

    A slice is cut off at the ends of an axis, but its step must not be zero.
    """
    lengths, found = iter(shape), []
    for part in index:
        if part is None:
            continue
        n = next(lengths, math.nan)
        if isinstance(part, Hole):
            found.append((part, 0 if isinstance(n, Extent) else int(n)))
        elif isinstance(part, slice) and isinstance(part.step, Hole):
            return None
    return found
