"""Reading and writing parts of arrays.  All in-place writes of user code are one row, `write`.

Indices are normalised (`normal_index`) to a tuple of ints, slices, None and integer arrays whose arrays stand
together, so that one more axis in front shifts nothing.
"""

from math import prod
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.layout import copied
from wengert.core.mode import Value, content_of, decide, is_open
from wengert.core.primitive import Primitive, positional
from wengert.core.primitive import Primitive as row
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.ir.program import Hole, holes, type_of
from wengert.ir.samples import sample, types_of_results
from wengert.rules.linear import broadcast_to, duplicate, reshape, transpose, unbroadcast, zeros_like

Index = tuple[Any, ...]
BASIC = frozenset({int, slice, type(None)})
Steps = tuple[tuple[Primitive, dict[str, Any]], ...]

# ---------------------------------------------------------------- normal form of an index


def normal_index(index: Any, shape: Shape) -> tuple[tuple[int, ...] | None, Index]:
    """(axes, index): transpose by `axes` first, unless it is None, then read or write at `index`.

    Where slices separate integer arrays, NumPy moves the arrays' axes to the front; transposing does the same.
    """
    parts = index if isinstance(index, tuple) else (index,)
    if BASIC.issuperset(map(type, parts)):
        return None, within(tuple([plain_slice(p) if type(p) is slice else p for p in parts]), len(shape))
    refuse_other_masks(parts, shape)
    truths = sum(isinstance(p, bool | np.bool_) for p in parts)
    parts = tuple(item for p in parts for item in normal_part(p))
    advanced = [i for i, p in enumerate(parts) if isinstance(p, np.ndarray | int | Value)]
    if truths > 1 or (truths and advanced):
        raise IndexError("True beside positions is not supported as an index; leave it out")
    if not any(map(is_position_array, parts)):
        return None, without_ellipsis(parts, len(shape))
    stand_together = advanced[-1] - advanced[0] + 1 == len(advanced)  # also an ellipsis of no axes separates them
    parts = without_ellipsis(parts, len(shape))
    return (None, parts) if stand_together else arrays_first(parts, shape)


def refuse_other_masks(parts: Index, shape: Shape) -> None:
    """A mask must have the lengths of the axes that it indexes."""
    masks = [np.asarray(p) if isinstance(p, list) else p for p in parts]
    counts = [axes_of_part(p) for p in masks]
    rest, axis = len(shape) - sum(counts), 0
    for part, count in zip(masks, counts):
        if part is Ellipsis:
            axis += rest
        for n, m in zip(shape[axis:], part.shape if is_mask(part) else ()):
            if n != m and not (isinstance(n, Value) or isinstance(m, Value)):
                raise IndexError(
                    f"boolean index did not match indexed array along axis {axis}; size of axis is {n} but size of "
                    f"corresponding boolean axis is {m}"
                )
            axis += 1
        axis += 0 if is_mask(part) else count


def axes_of_part(part: Any) -> int:
    if part is None or part is Ellipsis or isinstance(part, bool | np.bool_):
        return 0
    return int(part.ndim) if is_mask(part) else 1


def is_mask(part: Any) -> bool:
    return isinstance(part, np.ndarray | Value) and part.dtype.kind == "b"


def normal_part(part: Any) -> tuple[Any, ...]:
    """Ints, slices, None, Ellipsis and integer arrays; a mask becomes the positions where it is true."""
    if part is None or part is Ellipsis:
        return (part,)
    if isinstance(part, slice):
        return (plain_slice(part),)
    if isinstance(part, Value) and part.dtype.kind in "iub":
        if part.fresh().mode.staged and part.dtype.kind != "b":
            return (part.snapshot(),)  # its number is known when the program runs
        if part.ndim and is_open(part):
            return positions(part)  # type: ignore[no-any-return]
        part = decide(part)
    part = part if isinstance(part, Value) else np.asarray(part)
    kind = part.dtype.kind
    if kind == "b":
        return part.nonzero() if part.ndim else truth_index(bool(part))
    if kind in "iu" or (part.size == 0 and isinstance(part, np.ndarray)):
        return (int(part),) if part.ndim == 0 else (part.astype(np.intp),)  # a copy: the caller may change his
    raise IndexError(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays are valid "
        "indices"
    )


def truth_index(part: bool) -> Index:
    """x[True] has one more axis; x[False] would have one of length 0."""
    if not part:
        raise IndexError("False as an index is not supported; write x[None][:0]")
    return (None,)


# where a mask is true, for each of its axes; in a program, how often that is has the name `extent`
positions = row(
    "positions",
    lambda mask, *, extent=None: mask.nonzero(),
    types=lambda ins, extent: [type_of(np.zeros(0, np.intp))._replace(shape=(extent,))] * len(ins[0].shape),
    several=True,
)


def plain_slice(part: slice) -> slice:
    """With Python's integers for bounds: a bound that is a value could change later.

    Only one that is known when a program runs stays a value.
    """
    bounds = (part.start, part.stop, part.step)
    if BASIC.issuperset(map(type, bounds)):
        return part
    return slice(*[b.snapshot() if is_open(b) else None if b is None else int(b.__index__()) for b in bounds])


def without_ellipsis(parts: Index, ndim: int) -> Index:
    if sum(p is Ellipsis for p in parts) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    for i, p in enumerate(parts):
        if p is Ellipsis:
            used = sum(q is not None for q in parts) - 1
            return within((*parts[:i], *(slice(None),) * (ndim - used), *parts[i + 1 :]), ndim)
    return within(parts, ndim)


def within(parts: Index, ndim: int) -> Index:
    """The parts, which name no more axes than there are."""
    if len(parts) > ndim and (named := sum(p is not None for p in parts)) > ndim:
        raise IndexError(f"too many indices for array: array is {ndim}-dimensional, but {named} were indexed")
    return parts


def arrays_first(parts: Index, shape: Shape) -> tuple[tuple[int, ...], Index]:
    axis, front, back, front_parts, back_parts = 0, [], [], [], []
    for p in parts:
        if p is None:
            back_parts.append(p)
            continue
        if isinstance(p, slice):
            back.append(axis)
            back_parts.append(p)
        else:
            front.append(axis)
            front_parts.append(np.asarray(p))
        axis += 1
    return (*front, *back, *range(axis, len(shape))), (*front_parts, *back_parts)


def is_basic(index: Index) -> bool:
    return not any(map(is_position_array, index))


def is_position_array(part: Any) -> bool:
    """Whether NumPy copies what is read there: an array of positions."""
    return isinstance(part, np.ndarray) or (isinstance(part, Value) and part.ndim > 0)


# ---------------------------------------------------------------- reading


def lifted_index(index: Index) -> dict[str, Any]:
    return {"index": (slice(None), *index)}


def getitem_types(ins: list[Any], index: Index, extents: tuple[Any, ...] = ()) -> list[Any] | None:
    """Where no index fits, the type of what is read by one that would; None where a sample tells.

    ins   types of the array, and of what fills holes of the index
    """
    shape, parts, left, axis, types = list(ins[0].shape), [], iter(extents), 0, [ins[0]]
    if 0 not in shape and not extents:
        return None
    for part in index:
        if isinstance(part, slice):
            extent = next(left, None)
            shape[axis], part = (shape[axis], part) if extent is None else (extent, slice(None))
        elif isinstance(part, Hole) and ins[part.operand].shape:
            types.append(ins[part.operand])
            shape[axis], part = 1, Hole(len(types) - 1)
        elif not isinstance(part, np.ndarray | None):
            shape[axis], part = 1, 0
        parts.append(part)
        axis += part is not None
    types[0] = ins[0]._replace(shape=tuple(shape))
    return types_of_results(getitem, [True], types, [*map(sample, types)], {"index": tuple(parts)})


def written_types(ins: list[Any], *, index: Index, steps: Steps = (), **params: Any) -> list[Any]:
    """That of the array; what can never fit raises as in NumPy.  Where only the run knows a number, it sees to that."""
    root, value, *_ = ins
    is_known = all(type(n) is int for n in (*root.shape, *value.shape)) and not any(True for _ in holes((steps, index)))
    if is_known and not part_fits(value.shape, root.shape, steps, index):
        write_evaluate(np.zeros(root.shape), np.zeros(value.shape), steps=steps, index=index, inplace=True)
    return [root]


def part_fits(value: Shape, root: Shape, steps: Steps, index: Index) -> bool:
    """Whether the part of an array that these name is there, and can be written with a value of this shape."""
    try:
        part = target_shape(shape_after(root, steps), index)
        return np.broadcast_shapes(value, part) == part
    except (IndexError, ValueError):
        return False


def has_open_slice(param: Any) -> bool:
    """Whether a bound of a slice is known when a program runs."""
    match param:
        case slice():
            return not BASIC.issuperset(map(type, (param.start, param.stop, param.step)))
        case tuple():
            return any(map(has_open_slice, param))
        case dict():
            return any(map(has_open_slice, param.values()))
    return False


def getitem_evaluate(x: Any, *, index: Index, extents: Any = ()) -> Any:
    """extents: in a program, for each slice; None where its length is known."""
    return x[index]


def getitem_into(into: Any, ct: Any, index: Index) -> Any:
    return add_at(into, ct, index=index, inplace=True)


getitem = row(
    "getitem",
    getitem_evaluate,
    transpose_into=getitem_into,
    lift=lifted_index,
    view=True,
    types=getitem_types,
    examples=[
        (((3,),), {"index": (1,)}),
        (((2, 3),), {"index": (slice(None), -1)}),
        (((4, 3),), {"index": (slice(None, None, -2), None, slice(1, None))}),
        (((3, 2),), {"index": (np.array([0, 2, 0]),)}),
        (((3, 4),), {"index": (np.array([[0], [2]]), np.array([1, 1]))}),
        (((3,),), {"index": (np.array([], dtype=int),)}),
        (((0, 2),), {"index": (slice(None), 1)}),
    ],
)


def add_at_evaluate(base: Any, part: Any, *, index: Index, inplace: bool) -> Any:
    if not (inplace and isinstance(base, np.ndarray)):
        base = np.array(base)
    if is_basic(index):
        base[index] += part
    else:
        np.add.at(base, index, part)  # a repeated index adds each time
    return base


def add_at_batch(size: int, batched: Any, operands: Any, *, index: Index, inplace: bool) -> Any:
    (base, part), (base_batched, part_batched) = operands, batched
    if not base_batched:
        base, inplace = broadcast_to(base, shape=(size, *shape_of(base))), False
    part = fitted(part, part_batched, axes_left(len(shape_of(base)) - 1, index))
    return add_at(base, part, index=(slice(None), *index), inplace=inplace)


def fitted(value: Any, batched: bool, ndim: int) -> Any:
    """What is written to a part with so many axes of each lane: axes of length 1 that the part has not are left out."""
    lane = shape_of(value)[1:] if batched else shape_of(value)
    surplus = max(len(lane) - ndim, 0)
    if any(n != 1 for n in lane[:surplus]) or (surplus and not ndim):
        raise ValueError(f"could not broadcast input array from shape {lane} into a part with {ndim} axes")
    if surplus:
        value = reshape(value, shape=(*shape_of(value)[:batched], *lane[surplus:]))
    return align(value, ndim) if batched else value


def align(x: Any, ndim: int) -> Any:
    """Put axes of length one behind the batch axis, so that broadcasting matches trailing axes."""
    n, *rest = shape_of(x)
    return x if len(rest) >= ndim else reshape(x, shape=(n, *(1,) * (ndim - len(rest)), *rest))


def axes_left(ndim: int, index: Index) -> int:
    """Of an array with `ndim` axes, how many has the part at `index`?"""
    new = sum(part is None for part in index)
    read = sum(not isinstance(part, slice | None) for part in index)
    return ndim + new - read + max((np.ndim(content_of(p)) for p in index if is_position_array(p)), default=0)


def target_shape(shape: Shape, index: Index) -> Shape:
    return np.broadcast_to(0, shape)[index].shape


add_at = row(
    "add_at",
    add_at_evaluate,
    transposes=(lambda ct: ct, lambda ct, part_shape, index: unbroadcast(getitem(ct, index=index), part_shape)),
    batch=add_at_batch,
    types=written_types,
    examples=[
        (((3,), ()), {"index": (1,), "inplace": False}),
        (((3,), (3,)), {"index": (np.array([0, 2, 0]),), "inplace": False}),
        (((3, 2), (2,)), {"index": (slice(1, None),), "inplace": False}),
    ],
)

# ---------------------------------------------------------------- reading where every lane of a batch has its own index


def wrap_index_evaluate(i: Any, *, n: int) -> Any:
    """Positions counted from the front; IndexError beyond either end."""
    if np.any((i < -n) | (i >= n)):
        raise IndexError(f"index {i} is out of bounds for axis with size {n}")
    return np.where(i < 0, i + n, i)[()]


wrap_index = row("wrap_index", wrap_index_evaluate, elementwise=True)


def take_at(x: Any, indices: tuple[Any, ...]) -> Any:
    """x[i, j, ...] for integer values, one for each of the first axes."""
    shape = shape_of(x)
    flat: Any = 0
    for i, n in zip(indices, shape):
        flat = flat * n + wrap_index(i, n=n)
    k = len(indices)
    return take(x if k == 1 else reshape(x, shape=(prod(shape[:k]), *shape[k:])), flat)


def beside(size: int, batched: Any, x: Any, i: Any, n: int) -> tuple[Any, Any]:
    """The rows of all lanes beneath each other, and indices that count through."""
    x, i = (v if b else broadcast_to(v, shape=(size, *shape_of(v))) for v, b in zip((x, i), batched))
    offsets = (np.arange(size) * n).reshape(size, *(1,) * (len(shape_of(i)) - 1))
    return x, i + offsets


def take_batch(size: int, batched: Any, operands: Any) -> Any:
    x, i = operands
    if not batched[0]:
        return take(x, i)
    n = shape_of(x)[1]
    x, i = beside(size, batched, x, i, n)
    return take(reshape(x, shape=(size * n, *shape_of(x)[2:])), i)


def put_add_batch(size: int, batched: Any, operands: Any, *, shape: Shape) -> Any:
    part, i = beside(size, batched, *operands, shape[0])
    return reshape(put_add(part, i, shape=(size * shape[0], *shape[1:])), shape=(size, *shape))


def put_add_evaluate(part: Any, i: Any, *, shape: Shape) -> Any:
    out = np.zeros(shape, dtype_of(part))
    np.add.at(out, i, part)
    return out


PICKED = np.array([2, 0, 2])

take = row(
    "take",
    lambda x, i: x[i],
    transposes=(lambda ct, x_shape, i: put_add(ct, i, shape=x_shape), None),
    batch=take_batch,
    examples=[(((3,), PICKED), {}), (((3, 2), PICKED), {}), (((4, 2), np.array([[1, 1], [3, 0]])), {})],
)
put_add = row(
    "put_add",
    put_add_evaluate,
    transposes=(lambda ct, i: take(ct, i), None),
    batch=put_add_batch,
    examples=[(((3,), PICKED), {"shape": (4,)}), (((3, 2), PICKED), {"shape": (3, 2)})],
)

# ---------------------------------------------------------------- writing


def stepped(x: Any, steps: Steps) -> Any:
    for step, params in steps:
        x = step.evaluate(x, **params)
    return x


def write_evaluate(root: Any, value: Any, *, steps: Steps, index: Index, inplace: bool) -> Any:
    """`root` with the part that `steps` and `index` lead to replaced; the layout of memory stays, so that
    NumPy makes the same views of it."""
    if not inplace:
        root = np.array(root) if 0 in root.strides else copied(root)
    target = stepped(root, steps)
    if np.may_share_memory(target, root) or not np.size(target):
        target[index] = value
    else:  # a program's arrays need not lie as those that it was staged with
        places = stepped(np.arange(root.size).reshape(root.shape), steps)[index]
        values = np.empty(np.shape(places), root.dtype)
        values[...] = value
        np.put(root, places, values)
    return root


def write_push(root: Any, value: Any, root_dot: Any, value_dot: Any, steps: Steps, index: Index, inplace: bool) -> Any:
    owned = inplace or root_dot is None
    into = zeros_like(root) if root_dot is None else root_dot
    return write(into, 0.0 if value_dot is None else value_dot, steps=steps, index=index, inplace=owned)


def write_pull(
    ct: Any, ct_owned: bool, root_shape: Shape, value_shape: Shape, traced: Any, steps: Steps, index: Index
) -> tuple[Any, Any]:
    """The value takes the cotangent of the part that it replaced, the root keeps the rest."""
    value_bar = None
    if traced[1]:
        part = read(ct, steps, index)
        part = duplicate(part) if ct_owned and is_basic(index) else part  # below, its storage is written
        value_bar = unbroadcast(last_writes(part, root_shape, steps, index), value_shape)
    root_bar = write(ct, 0.0, steps=steps, index=index, inplace=ct_owned) if traced[0] else None
    return root_bar, value_bar


def read(x: Any, steps: Steps, index: Index) -> Any:
    for step, params in steps:
        x = step(x, **params)
    return getitem(x, index=index)


def last_writes(part: Any, root_shape: Shape, steps: Steps, index: Index) -> Any:
    """Zero where a repeated index wrote again: only the last value of each place stayed."""
    return part if is_basic(index) else stayed(part, shape=shape_after(root_shape, steps), index=index)


def stayed_evaluate(part: Any, *, shape: Shape, index: Index) -> Any:
    places = np.empty(shape, np.intp)
    order = np.arange(prod(target_shape(shape, index))).reshape(target_shape(shape, index))
    places[index] = order
    return np.where(places[index] == order, part, part.dtype.type(0))


stayed = row(
    "stayed",
    stayed_evaluate,
    transposes=(lambda ct, shape, index: stayed(ct, shape=shape, index=index),),
    lift=lambda shape, index: {"shape": shape, "index": index},
    examples=[(((3,),), {"shape": (4,), "index": (np.array([0, 2, 0]),)})],
)


def shape_after(shape: Shape, steps: Steps) -> Shape:
    return shape_of(read(np.broadcast_to(0, shape), sampled(steps), ())) if steps else shape


def sampled(param: Any) -> Any:
    """With a sample in place of each value: enough to know the axes, and lengths that are long enough."""
    if isinstance(param, Value):
        return content_of(param)
    if has_open_slice(param) and type(param) is slice:
        return slice(None)
    if type(param) is tuple:
        return tuple([sampled(p) for p in param])
    return {key: sampled(p) for key, p in param.items()} if type(param) is dict else param


def write_batch(size: int, batched: Any, operands: Any, *, steps: Steps, index: Index, inplace: bool) -> Any:
    (root, value), (root_batched, value_batched) = operands, batched
    shape = shape_of(root)[1:] if root_batched else shape_of(root)
    if not root_batched:
        root, inplace = broadcast_to(root, shape=(size, *shape)), False
    value = fitted(value, value_batched, axes_left(len(shape_after(shape, steps)), index))
    lifted = tuple([(step, lift_params(step, params, size)) for step, params in steps])
    return write(root, value, steps=lifted, index=(slice(None), *index), inplace=inplace)


def lift_params(step: Primitive, params: dict[str, Any], size: int) -> dict[str, Any]:
    assert step.lift is not None
    supplied = (size,) if positional(step.lift)[:1] == ("lanes",) else ()
    lifted = step.lift(*supplied, *step.resolver(step.lift)((), None, params))
    # in a program, lengths keep their names: what they agree with may come from elsewhere
    return {**lifted, "extents": (None, *params["extents"])} if "extents" in params else lifted


write = row(
    "write",
    write_evaluate,
    push=write_push,
    pull=write_pull,
    batch=write_batch,
    types=written_types,
    examples=[
        (((3,), ()), {"steps": (), "index": (1,), "inplace": False}),
        (((2, 3), (3,)), {"steps": (), "index": (1,), "inplace": False}),
        (((4,), (3,)), {"steps": (), "index": (np.array([0, 2, 0]),), "inplace": False}),
        (((2, 3), (2,)), {"steps": ((transpose, {"axes": (1, 0)}),), "index": (0,), "inplace": False}),
        (((2, 3), (6,)), {"steps": ((reshape, {"shape": (6,)}),), "index": (slice(None),), "inplace": False}),
    ],
)


def refused_write() -> Diagnostic:
    return Diagnostic(
        "W202",
        "a traced value is written into an array that was made outside the differentiated function",
        "the array would keep the number and lose its derivative",
        "write into an array made inside the function, e.g. `a = np.copy(a)` first",
    )
