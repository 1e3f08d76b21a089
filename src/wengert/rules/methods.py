"""Operators, methods, indexing and in-place writes of traced values: what NumPy's arrays offer."""

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.guard import refuse_overwrite
from wengert.core.layout import laid_as, memory_order
from wengert.core.mode import OUTSIDE, Buffer, Elements, Value, content_of, exclusive, is_array, lane_of, view_of
from wengert.core.primitive import Primitive
from wengert.core.types import agree, dtype_of, shape_of
from wengert.rules import elementwise as e
from wengert.rules import indexing
from wengert.rules.contract import matmul
from wengert.rules.indexing import refused_write
from wengert.rules.linear import convert
from wengert.rules.linear import reshape as reshape_row
from wengert.rules.linear import transpose as transpose_row
from wengert.rules.names import constructors, foreign, operands, products, protocols, reductions
from wengert.rules.names import elementwise as named
from wengert.rules.names import shape as shapes
from wengert.rules.names.table import NAMES

# ---------------------------------------------------------------- operators

PLAIN_OPERANDS = (float, int, np.ndarray, np.generic, complex, bool)


def operand(y: Any) -> Any:
    """What may stand beside a value in an operator, or NotImplemented."""
    if isinstance(y, np.ndarray) and y.dtype == object:
        return operands.from_objects(y)
    if isinstance(y, list | tuple):
        return operands.arrayed(y)
    return y if isinstance(y, PLAIN_OPERANDS) else NotImplemented


def binary(row: Primitive) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def forward(x: Any, y: Any) -> Any:
        if not isinstance(y, Value) and type(y) is not float:
            y = operand(y)
            if y is NotImplemented:
                return NotImplemented
        return row(x, y)

    def reflected(x: Any, y: Any) -> Any:
        if type(y) is not float:
            y = operand(y)
            if y is NotImplemented:
                return NotImplemented
        return row(y, x)

    return forward, reflected


ARITHMETIC = {
    "add": e.add,
    "sub": e.sub,
    "mul": e.mul,
    "truediv": e.div,
    "floordiv": e.floordiv,
    "mod": e.mod,
    "pow": e.pow_,
    "matmul": matmul,
    "and": e.bitwise_and,
    "or": e.bitwise_or,
    "xor": e.bitwise_xor,
    "lshift": e.left_shift,
    "rshift": e.right_shift,
}
COMPARISONS = {
    "lt": e.less,
    "le": e.less_equal,
    "gt": e.greater,
    "ge": e.greater_equal,
    "eq": e.equal,
    "ne": e.not_equal,
}


def comparison(row: Any) -> Callable[[Any, Any], Any]:
    """Two numbers of Python's give a bool: as summands they are 0 and 1, where NumPy's True + True is True."""
    compare = binary(row)[0]

    def compared(x: Any, y: Any) -> Any:
        out = compare(x, y)
        is_pythons = type(out) is np.bool_ and type(content_of(x)) in PYTHONS and type(content_of(y)) in PYTHONS
        return bool(out) if is_pythons else out

    return compared


PYTHONS = frozenset({bool, int, float, complex})


def in_place(operation: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`x += y`: an array changes under all its names, a number is bound anew."""

    def change(x: Any, y: Any) -> Any:
        if not is_array(x):
            return NotImplemented
        x.mode.before_write(x)
        out = operation(x, y)
        if out is NotImplemented:
            return out
        if not np.can_cast(dtype_of(out), x.dtype, "same_kind"):
            raise TypeError(f"cannot cast the result of an in-place operation from {dtype_of(out)} to {x.dtype}")
        if not agree(shape_of(out), x.shape):
            raise ValueError(f"non-broadcastable output operand with shape {x.shape} doesn't match {shape_of(out)}")
        replace(x, out)
        return x

    return change


def replace(x: Value, new: Any) -> None:
    """Give x the content of `new`, which has its shape; in memory it lies as it did."""
    outside = isinstance(x.fresh(), Buffer) and OUTSIDE in (x.aux, x.link and x.link.root.aux)
    is_number = not is_array(new)  # what NumPy makes of arrays without axes
    if x.link is not None or outside or is_number or dtype_of(new) != x.dtype:
        setitem(x, Ellipsis, new)
        return
    lane = lane_of(x)
    if not lane.flags.forc:
        setitem(x, Ellipsis, new)
    elif not isinstance(new, Value):
        x.become(laid_as(new, lane))
    elif lane.ndim < 2 or (lane.flags.c_contiguous and lane_of(new).flags.c_contiguous):
        x.become(new.snapshot())
    else:
        x.become(operands.laid(new, memory_order(lane, "K")))


def multiply(x: Any, y: Any) -> Any:
    return e.square(x) if y is x and is_array(x) else plain_multiply(x, y)


def power(x: Any, y: Any) -> Any:
    return e.ipow(x, n=y) if type(y) is int and y >= 0 else plain_power(x, y)


plain_power = binary(e.pow_)[0]
plain_multiply = binary(e.mul)[0]


# ---------------------------------------------------------------- reading


def is_lane_index(parts: tuple[Any, ...]) -> bool:
    """Integers that differ from lane to lane of a batch (an integer carries no derivative)."""
    values = [p for p in parts if isinstance(p, Value)]
    return all(is_integer(p) for p in parts) and not all(isinstance(p, Buffer) or p.mode.staged for p in values)


def is_integer(part: Any) -> bool:
    return type(part) is int or (isinstance(part, Value | np.ndarray | np.integer) and dtype_of(part).kind in "iu")


def getitem(x: Value, index: Any) -> Any:
    kind = type(index)
    if kind is int:
        return indexing.getitem(x, index=(index,))
    parts = index if kind is tuple else (index,)
    if any(isinstance(p, Value) for p in parts) and is_lane_index(parts):
        return indexing.take_at(x, parts)
    axes, index = indexing.normal_index(index, x.shape)
    if not index and len(parts) == 1 and not x.shape:  # z[...]
        return reshape_row(x, shape=())
    if len(parts) > len(index) and is_element(index, x.shape):  # only an ellipsis of no axes leaves nothing behind
        *front, last = index
        return reshape_row(indexing.getitem(x, index=(*front, slice(last, last + 1 or None))), shape=())
    out = indexing.getitem(x if axes is None else transpose_row(x, axes=axes), index=index)
    copies = any(map(is_truth, parts)) or (x.link is not None and x.link.elements)
    return out.snapshot() if copies and isinstance(out, Value) else out


def is_truth(part: Any) -> bool:
    """Whether this is a mask, if of no axes: NumPy copies what it leaves."""
    return isinstance(part, bool | np.bool_) or (isinstance(part, np.ndarray | Value) and part.dtype == bool)


def is_element(index: Any, shape: Any) -> bool:
    """Whether this names one, which NumPy reads as a number, but beside an ellipsis as a view of no axes."""
    known = len(index) == len(shape) > 0 and all(type(i) is int for i in [*index, shape[-1]])
    return known and -shape[-1] <= index[-1] < shape[-1]


# ---------------------------------------------------------------- writing


def setitem(x: Value, index: Any, value: Any) -> None:
    """`x[index] = value`: the content is replaced, in the array that x is a view of, too."""
    view = x.fresh().link
    if not x.shape and not is_array(x):
        raise TypeError(f"'numpy.{x.dtype}' object does not support item assignment")
    if view is not None and not view.writable:
        raise ValueError("assignment destination is read-only")
    x.mode.before_write(x)
    parts, (axes, index) = index, indexing.normal_index(index, x.shape)
    root, steps = (x, ()) if view is None else (view.root, view.steps)
    if axes is not None:
        steps = (*steps, (transpose_row, {"axes": axes}))
    value = writable(value, root.dtype)
    if view is not None and view.elements and shape_of(value) != ():
        part = indexing.getitem(x, index=index)
        value = shapes.resize(value, shape_of(part)) if shape_of(part) else shapes.ravel(value)[0]
    if shape_of(value) != () and has_ellipsis(parts) and all(type(n) is int and n == 1 for n in shape_of(value)):
        value = reshape_row(value, shape=())  # for a view of no axes, too
    if isinstance(value, Value) and value.link is not None and is_same_place(value.link, root, steps, index):
        return  # `a[i] += v` on a view: Python writes back what was written already
    if isinstance(root, Buffer) and root.aux is OUTSIDE:
        write_outside(root, steps, index, value)
        return
    if view is not None:
        x.primal = view.seen = None  # let go of the storage, so that the root may reuse it
    new = indexing.write(root, value, steps=steps, index=index, inplace=reusable(root, value))
    root.become(new)


def has_ellipsis(index: Any) -> bool:
    return any(part is Ellipsis for part in (index if type(index) is tuple else (index,)))


def writable(value: Any, dtype: np.dtype) -> Any:
    """The value as it will stand in an array of this dtype."""
    value = operands.arrayed(value)
    if isinstance(value, Value) and dtype.kind not in "fc":
        return e.truncate(value, dtype=dtype)
    if isinstance(value, Value) and value.dtype.kind == "c" and dtype.kind != "c":
        return e.real(value)
    return value


def is_same_place(view: Any, root: Value, steps: Any, index: Any) -> bool:
    if view.root is not root or len(view.steps) != len(steps) + 1:
        return False
    last, params = view.steps[-1]
    return (
        last is indexing.getitem
        and same_index(params["index"], index)
        and all(a[0] is b[0] and same_part(a[1], b[1]) for a, b in zip(view.steps, steps))
    )


def same_index(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(map(same_part, a, b))


def same_part(p: Any, q: Any) -> bool:
    if isinstance(p, Value) or isinstance(q, Value):
        return isinstance(p, Value) and isinstance(q, Value) and p.mode is q.mode and p.aux is q.aux is not None
    if type(p) is slice and type(q) is slice:
        return same_index((p.start, p.stop, p.step), (q.start, q.stop, q.step))
    if type(p) is tuple and type(q) is tuple:
        return same_index(p, q)
    if type(p) is dict and type(q) is dict:
        return p.keys() == q.keys() and all(same_part(p[key], q[key]) for key in p)
    return type(p) is type(q) and not isinstance(p, np.ndarray) and p == q


def reusable(root: Value, value: Any) -> bool:
    """In place is right where nobody else sees the storage and the result needs no other kind of content."""
    if not exclusive(root):
        return False
    return not isinstance(value, Value) or value.mode.level <= root.mode.level or isinstance(value, Buffer)


def write_outside(root: Value, steps: Any, index: Any, value: Any) -> None:
    """Into an array that lives outside the function: plain values go there, traced ones would lose their derivative."""
    if isinstance(value, Value) and not isinstance(value, Buffer):
        raise refused_write()
    refuse_overwrite(root.primal)
    indexing.write.evaluate(
        root.primal, value.fresh().primal if isinstance(value, Value) else value, steps=steps, index=index, inplace=True
    )


# ---------------------------------------------------------------- methods


def astype(
    x: Value, dtype: Any, order: Any = "K", casting: Any = "unsafe", subok: Any = True, copy: bool = True
) -> Any:
    if np.dtype(dtype).kind not in "fc":
        return operands.convert_to(x, dtype)
    if not is_array(x):
        return convert(x, dtype=np.dtype(dtype))
    return constructors.converted(x, dtype, order, copy)


def reshape_method(x: Value, *shape: Any, order: str = "C", copy: Any = None) -> Any:
    return shapes.reshape(x, shape[0] if len(shape) == 1 else shape, order)


def transpose_method(x: Value, *axes: Any) -> Any:
    order = axes[0] if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], tuple | list)) else axes
    return shapes.transpose(x, order or None)


def item(x: Value, *index: Any) -> Any:
    """The one element; of a traced value it stays traced (use wg.stop_gradient to cut)."""
    if index:
        place = index[0] if len(index) == 1 else index
        return shapes.ravel(x)[place] if type(place) is int else x[place]
    if int(x.size) != 1:
        raise ValueError("can only convert an array of size 1 to a Python scalar")
    return x[(0,) * x.ndim] if x.ndim else x


def fill(x: Value, value: Any) -> None:
    if shape_of(value) != ():
        raise ValueError("setting an array element with a sequence.")
    x[...] = value


def copy_method(x: Value, order: Any = "C") -> Any:
    return operands.in_order(x, order) if is_array(x) else x.snapshot()


def view_method(x: Value, *kind: Any, **kinds: Any) -> Any:
    return other_method("view")(x, *kind, **kinds) if kind or kinds else reshape_row(x, shape=x.shape)


def tolist(x: Value) -> Any:
    if isinstance(x.fresh(), Buffer):
        return x.primal.tolist()
    return [part.tolist() if part.ndim else part for part in x] if x.ndim else x


def sort(x: Value, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> None:
    x[...] = NAMES[np.sort](x, axis, kind, order, stable=stable)


def partition(x: Value, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None) -> None:
    x[...] = NAMES[np.partition](x, kth, axis, kind, order)


def compress(x: Value, condition: Any, axis: Any = None, out: Any = None) -> Any:
    return NAMES[np.compress](condition, x, axis, out)


METHODS: dict[str, Callable[..., Any]] = {
    "sum": reductions.sum_,
    "mean": reductions.mean,
    "prod": reductions.prod,
    "max": reductions.max_,
    "min": reductions.min_,
    "var": reductions.var,
    "std": reductions.std,
    "cumsum": reductions.cumsum,
    "cumprod": reductions.cumprod,
    "argmax": reductions.argmax,
    "argmin": reductions.argmin,
    "any": reductions.any_,
    "all": reductions.all_,
    "dot": products.dot,
    "ravel": shapes.ravel,
    "flatten": lambda x, order="C": copy_method(shapes.ravel(x, order)),
    "reshape": reshape_method,
    "transpose": transpose_method,
    "swapaxes": shapes.swapaxes,
    "squeeze": shapes.squeeze,
    "trace": reductions.trace,
    "diagonal": shapes.diagonal,
    "clip": named.clip,
    "round": named.round_,
    "conj": lambda x: e.conj(x) if x.dtype.kind == "c" else x,
    "conjugate": lambda x: e.conj(x) if x.dtype.kind == "c" else x,
    "nonzero": named.nonzero,
    "astype": astype,
    "copy": copy_method,
    "view": view_method,
    "item": item,
    "fill": fill,
    **{
        name: NAMES[getattr(np, name)]
        for name in ("take", "repeat", "choose", "searchsorted", "argsort", "argpartition")
    },
    "put": NAMES[np.put],
    "sort": sort,
    "partition": partition,
    "compress": compress,
    "tolist": tolist,
    "__getitem__": getitem,
    "__setitem__": setitem,
    "__neg__": lambda x: e.neg(x),
    "__pos__": lambda x: operands.in_order(x, "K") if is_array(x) else x,
    "__abs__": lambda x: e.abs_(x),
    "__invert__": lambda x: e.invert(x),
    "__round__": lambda x, digits=None: int(named.round_(x)) if digits is None else named.round_(x, digits),
    "__divmod__": lambda x, y: (x // y, x % y),
    "__rdivmod__": lambda x, y: (y // x, y % x),
}


def flat(x: Value) -> Any:
    """All elements in C's order, seen and written wherever they lie."""
    out = reshape_row(x, shape=(shapes.size(x),))
    seen = view_of(x, (reshape_row, {"shape": (shapes.size(x),)}))
    out.link = Elements(seen.root, seen.steps, seen.seen, seen.writable)
    return out


def set_flat(x: Value, value: Any) -> None:
    """Repeated, where there are too few."""
    if int(shapes.size(value)) != 0:
        x[...] = value if int(shapes.size(value)) == 1 else shapes.resize(value, x.shape)


def set_part(x: Value, value: Any, imaginary: int) -> None:
    replace(x, named.real(x) + 1j * value if imaginary else value + 1j * named.imag(x))


# ---------------------------------------------------------------- all of it, on the class


def array_ufunc(x: Value, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    return protocols.call_ufunc(ufunc, method, inputs, kwargs)


def array_function(x: Value, function: Callable[..., Any], kinds: Any, args: Any, kwargs: Any) -> Any:
    return protocols.call_function(function, args, kwargs)


def other_method(name: str) -> Callable[..., Any]:
    """What arrays can do and the tables above do not list: works on constants, refused for traced values."""

    def method(array: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(np.asarray(array), name)(*args, **kwargs)

    def call(x: Value, *args: Any, **kwargs: Any) -> Any:
        return foreign.without_rule(method, (x, *args), kwargs, f"numpy.ndarray.{name}")

    return call


def other_attribute(name: str) -> property:
    """Facts about memory, which only plain arrays have."""

    def get(x: Value) -> Any:
        if not isinstance(x.fresh(), Buffer):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        return getattr(x.primal, name)

    return property(get)


def install() -> None:
    """Give traced values their operators, methods and NumPy's two protocols."""
    for name, row in ARITHMETIC.items():
        forward, reflected = binary(row)
        setattr(Value, f"__{name}__", forward)
        setattr(Value, f"__r{name}__", reflected)
        setattr(Value, f"__i{name}__", in_place(forward))
    Value.__mul__ = multiply  # type: ignore[attr-defined]
    Value.__pow__ = power  # type: ignore[attr-defined]
    Value.__ipow__ = in_place(power)  # type: ignore[attr-defined]
    for name, row in COMPARISONS.items():
        setattr(Value, f"__{name}__", comparison(row))
    for name, method in {**METHODS, "__array_ufunc__": array_ufunc, "__array_function__": array_function}.items():
        setattr(Value, name, method)
    # one by one: a __getattr__ would slow down every access to an attribute
    for name in dir(np.ndarray):
        if not name.startswith("_") and not hasattr(Value, name):
            method = callable(getattr(np.ndarray, name))
            setattr(Value, name, other_method(name) if method else other_attribute(name))
    for name, getter in {"T": shapes.transpose, "mT": shapes.matrix_transpose}.items():
        setattr(Value, name, property(getter))
    Value.flat = property(flat, set_flat)  # type: ignore[attr-defined]
    Value.real = property(named.real, lambda x, value: set_part(x, value, 0))  # type: ignore[attr-defined]
    Value.imag = property(named.imag, lambda x, value: set_part(x, value, 1))  # type: ignore[attr-defined]
