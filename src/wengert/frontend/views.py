"""Views apart from the numbers of their index: which part of an array a name shows may differ between two ways.

if x > 0:
    row = a[0]        a view of `a`: a[k] with k = 0
else:
    row = a[i + 1]    the same with k = i + 1
row += 1.0            writes a[k]
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.core.mode import Value, View
from wengert.frontend.scope import is_box
from wengert.ir.program import Hole, fill, has_extents
from wengert.modes.stage import Length
from wengert.rules.control import value_type
from wengert.rules.indexing import getitem
from wengert.rules.linear import relabel

Steps = tuple[tuple[Any, dict[str, Any]], ...]


class Sight(NamedTuple):
    """A view: `steps` lead from `root` to it, with holes for the numbers of an index."""

    root: Any
    steps: Steps
    numbers: list[Any]
    writable: bool

    def is_like(self, other: "Sight") -> bool:
        """Whether the two differ by their numbers only."""
        return self.root is other.root and self.steps == other.steps and self.writable is other.writable


def sight(x: Any) -> Sight | None:
    """A view, or an array as one of all its elements; None where the view does not follow from numbers."""
    if not is_box(x):
        return None
    root, steps, writable = (x, (), True) if x.link is None else (x.link.root, x.link.steps, x.link.writable)
    if not is_box(root):
        return None
    if steps and steps[-1][0] is relabel:  # by `seen`
        steps = steps[:-1]
    if not steps or steps[0][0] is not getitem:
        steps = ((getitem, {"index": ()}), *steps)
    numbers: list[Any] = []
    whole = list(root.shape)
    found = tuple([(row, lifted(row, params, [] if k else whole, numbers)) for k, (row, params) in enumerate(steps)])
    if any(has_values(params) for _, params in found) or any(map(is_positions, numbers)):
        return None
    return Sight(root, found, numbers, writable)


def lifted(row: Any, params: dict[str, Any], lengths: list[Any], numbers: list[Any]) -> dict[str, Any]:
    """The parameters of a step with holes for the numbers of an index; `lengths` of the axes, where they are known."""
    if row is not getitem:
        return params

    def hole(number: Any) -> Hole:
        numbers.append(number.snapshot() if isinstance(number, Length) else number)
        return Hole(len(numbers) - 1)

    def part(p: Any) -> Any:
        n = None if p is None or not left else left.pop(0)
        if p is None or not isinstance(p, slice):
            return p if p is None else hole(p)
        start, stop = p.start, p.stop
        if n is not None and p.step in (None, 1):
            start, stop = from_front(start, 0, n), from_front(stop, n, n)
        start, stop = (b if b is None else hole(b) for b in (start, stop))
        return slice(start, stop, None if p.step == 1 else p.step)

    left = list(lengths)
    parts = [part(p) for p in params["index"]]
    return {"index": (*parts, *(part(slice(None)) for _ in range(len(left))))}


def from_front(bound: Any, default: Any, n: Any) -> Any:
    """A bound of a slice of n elements, counted from the front where that is known."""
    if bound is None:
        return default
    return max(bound + n, 0) if type(bound) is int and bound < 0 and type(n) is int else bound


def has_values(param: Any) -> bool:
    if isinstance(param, dict):
        return any(map(has_values, param.values()))
    if isinstance(param, slice):
        return has_values((param.start, param.stop, param.step))
    if isinstance(param, tuple | list) and not isinstance(param, Hole):
        return any(map(has_values, param))
    return isinstance(param, Value)


def is_positions(number: Any) -> bool:
    """Whether an index is an array, of which two need not be as long."""
    return is_box(number) or isinstance(number, np.ndarray)


def seen(view: Sight, numbers: Sequence[Any], shape: tuple[int, ...] | None) -> Any:
    """The view with these numbers; shape: its lengths, where they are known whatever the numbers are."""
    root, filled = view.root, tuple([(row, fill(params, numbers)) for row, params in view.steps])
    out = root
    for row, params in filled:
        out = row(out, **params)
    if shape is not None and value_type(out).shape != shape:  # type: ignore[union-attr]
        out, filled = relabel(out, shape=shape), (*filled, (relabel, {"shape": shape}))
    out.link = View(root, filled, root.version, view.writable)
    return out


def fixed_shape(x: Any) -> tuple[int, ...] | None:
    """The lengths of an array where they are known."""
    type = value_type(x.fresh())
    return None if has_extents(type) else type.shape  # type: ignore[union-attr]
