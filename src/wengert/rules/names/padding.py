"""np.pad."""

from typing import Any

import numpy as np

from wengert.core.types import dtype_of, shape_of
from wengert.rules import indexing, join, linear
from wengert.rules.names.foreign import holds_traced, missing, name_on_traced
from wengert.rules.names.operands import arranged, arrayed, convert_to, lies, one_axis, plain_numbers
from wengert.rules.names.shape import flip, ndim, shape
from wengert.rules.names.table import NAMES

STATISTICS = {"mean": np.mean, "median": np.median, "maximum": np.max, "minimum": np.min}
MOVED = ("edge", "wrap", "reflect", "symmetric", "empty")


@name_on_traced(np.pad)
@lies("A")
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    """Axis after axis, as NumPy does: what is padded first counts as content of the next axis."""
    array = arrayed(array)
    if callable(mode):
        raise missing("numpy.pad (with a function for mode)", (array,))
    widths = widths_of(array, pad_width)
    odd = options.get("reflect_type") == "odd"
    if mode in MOVED and not odd:
        return arranged(lambda numbers: np.pad(numbers, widths, "edge" if mode == "empty" else mode, **options), array)
    np.pad(np.empty(shape_of(array)), widths, mode, **{k: v for k, v in options.items() if not holds_traced(v)})
    for axis, width in enumerate(widths):
        array = padded_axis(array, axis, width, mode, {k: one_of(v, axis) for k, v in options.items()})
    return array


def widths_of(array: Any, pad_width: Any) -> list[tuple[int, int]]:
    n = ndim(array)
    if isinstance(pad_width, dict):
        every = {one_axis(axis, n): width for axis, width in pad_width.items()}
        return [pair_of(np.broadcast_to(every.get(axis, 0), 2)) for axis in range(n)]
    return [pair_of(pair) for pair in np.broadcast_to(plain_numbers(arrayed(pad_width)), (n, 2))]


def pair_of(pair: Any) -> tuple[int, int]:
    return int(pair[0]), int(pair[1])


def one_of(value: Any, axis: int) -> Any:
    """The (before, after) of one axis of an option that may be given once, for both sides or for all axes."""
    if value is None or isinstance(value, str):
        return value
    value = arrayed(value)
    if len(shape(value)) == 0:
        return value, value
    if len(shape(value)) == 2:
        value = value[axis if shape(value)[0] > 1 else 0]
    return value[0], value[-1]


def padded_axis(x: Any, axis: int, width: tuple[int, int], mode: str, options: dict[str, Any]) -> Any:
    if mode in ("reflect", "symmetric"):
        return reflected(x, axis, width, edge_again=mode == "symmetric")
    sides = [padding(x, axis, width[i], i, mode, options) for i in (0, 1)]
    return join.concatenate(sides[0], x, sides[1], axis=axis)


def padding(x: Any, axis: int, width: int, side: int, mode: str, options: dict[str, Any]) -> Any:
    """What stands before (side 0) or after (side 1) the content of one axis."""
    have = shape_of(x)
    wanted = (*have[:axis], width, *have[axis + 1 :])
    if mode == "constant":
        value = options.get("constant_values", (0, 0))[side]
        return linear.broadcast_to(convert_to(value, dtype_of(x)), shape=wanted)
    if mode == "linear_ramp":
        end = convert_to(options.get("end_values", (0, 0))[side], dtype_of(x))
        edge = border(x, axis, 1, side)
        steps = np.arange(width).astype(dtype_of(x)).reshape((-1,) + (1,) * (len(have) - axis - 1))
        ramp = steps * ((edge - end) / max(width, 1)) + end
        return flip(ramp, axis) if side else ramp
    length = (options.get("stat_length") or (None, None))[side]
    part = border(x, axis, have[axis] if length is None else int(length), side)
    found = NAMES[STATISTICS[mode]](part, axis=axis, keepdims=True)
    return linear.broadcast_to(found, shape=wanted)


def border(x: Any, axis: int, length: int, side: int) -> Any:
    n = shape_of(x)[axis]
    part = slice(max(n - length, 0), n) if side else slice(0, length)
    return indexing.getitem(x, index=(*(slice(None),) * axis, part))


def reflected(x: Any, axis: int, width: tuple[int, int], edge_again: bool) -> Any:
    """Odd reflection: twice the edge minus what lies behind it, in pieces where the array is shorter than the width."""
    before, after = width
    while before or after:
        n = shape_of(x)[axis]
        step = n if edge_again else n - 1
        if step == 0:
            return edge_repeated(x, axis, (before, after))
        pieces = [x]
        taken = min(before, step), min(after, step)
        if taken[0]:
            pieces.insert(0, mirror(x, axis, taken[0], 0, edge_again))
        if taken[1]:
            pieces.append(mirror(x, axis, taken[1], 1, edge_again))
        x = join.concatenate(*pieces, axis=axis)
        before, after = before - taken[0], after - taken[1]
    return x


def mirror(x: Any, axis: int, length: int, side: int, edge_again: bool) -> Any:
    n, skip = shape_of(x)[axis], 0 if edge_again else 1
    part = slice(n - skip - length, n - skip) if side else slice(skip, skip + length)
    behind = indexing.getitem(x, index=(*(slice(None),) * axis, part))
    return 2 * border(x, axis, 1, side) - flip(behind, axis)


def edge_repeated(x: Any, axis: int, width: tuple[int, int]) -> Any:
    sides = [(*shape_of(x)[:axis], w, *shape_of(x)[axis + 1 :]) for w in width]
    first, last = [linear.broadcast_to(border(x, axis, 1, i), shape=sides[i]) for i in (0, 1)]
    return join.concatenate(first, x, last, axis=axis)
