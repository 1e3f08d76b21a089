"""NumPy, SciPy and math functions by the names users write: function -> row, or composition of rows.

Read by the two NumPy protocols and by routing alike.  SciPy's functions stand by name, so that it need not be there.
"""

import builtins
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.mode import Buffer, Value, buffer, decide, is_array, plain, read_only, unbuffer, view_of
from wengert.core.primitive import Primitive
from wengert.core.types import Shape, dtype_of, shape_of
from wengert.rules import contract, elementwise, indexing, join, linalg, linear, reduce, special
from wengert.rules.elementwise import stop_gradient
from wengert.rules.elementwise import where as select
from wengert.rules.linear import reshape as reshape_row
from wengert.rules.linear import transpose as transpose_row

NAMES: dict[Any, Callable[..., Any]] = {}

# ---------------------------------------------------------------- ufuncs

UFUNCS: dict[np.ufunc, Any] = {
    np.add: elementwise.add,
    np.subtract: elementwise.sub,
    np.multiply: elementwise.mul,
    np.divide: elementwise.div,
    np.floor_divide: elementwise.floordiv,
    np.remainder: elementwise.mod,
    np.fmod: elementwise.fmod,
    np.power: elementwise.pow_,
    np.float_power: lambda x, y: elementwise.pow_(in_double(x), in_double(y)),
    np.negative: elementwise.neg,
    np.positive: lambda x: x + 0.0,
    np.absolute: elementwise.abs_,
    np.fabs: elementwise.abs_,
    np.conjugate: elementwise.conj,
    np.degrees: lambda x: x * (180.0 / np.pi),
    np.rad2deg: lambda x: x * (180.0 / np.pi),
    np.radians: lambda x: x * (np.pi / 180.0),
    np.deg2rad: lambda x: x * (np.pi / 180.0),
    np.matmul: contract.matmul,
    np.divmod: lambda x, y: (x // y, x % y),
    np.sign: elementwise.sign,
    np.bitwise_and: elementwise.bitwise_and,
    np.bitwise_or: elementwise.bitwise_or,
    np.bitwise_xor: elementwise.bitwise_xor,
    np.invert: elementwise.invert,
}
for ufunc in (
    *(np.exp, np.exp2, np.expm1, np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.square, np.reciprocal),
    *(np.sin, np.cos, np.tan, np.arcsin, np.arccos, np.arctan, np.arctan2, np.sinh, np.cosh, np.tanh),
    *(np.arcsinh, np.arccosh, np.arctanh, np.hypot, np.logaddexp, np.maximum, np.minimum, np.fmax, np.fmin),
    *(np.floor, np.ceil, np.trunc, np.rint, np.equal, np.not_equal, np.less, np.less_equal, np.greater),
    *(np.greater_equal, np.logical_and, np.logical_or, np.logical_xor, np.logical_not),
    *(np.isnan, np.isinf, np.isfinite, np.signbit),
):
    UFUNCS[ufunc] = getattr(elementwise, ufunc.__name__)  # rows that carry NumPy's own name


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`__array_ufunc__` for every traced value."""
    inputs = tuple([operand_of(x) for x in inputs])
    if method == "at":
        return add_in_place(ufunc, *inputs)
    if method != "__call__":
        function = ufunc_method(ufunc, method)
        if function is None:
            return without_rule(getattr(ufunc, method), inputs, kwargs, f"{full_name(ufunc)}.{method}")
        return function(*inputs, **kwargs)
    function = composition_of(ufunc)
    out = kwargs.pop("out", None)
    if len(inputs) > ufunc.nin:
        inputs, out = inputs[: ufunc.nin], inputs[ufunc.nin :]
    mask = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    kwargs.pop("casting", None)
    if function is None or kwargs:
        return without_rule(ufunc, inputs, {**kwargs, "out": out} if out else kwargs)
    if dtype is not None:  # NumPy computes in it
        inputs = tuple([convert_to(x, dtype) for x in inputs])
    result = function(*inputs)
    if out is None:
        return result if mask is True else select(mask, result, 0.0)
    return write_out(out[0] if isinstance(out, tuple) else out, result, mask)


def write_out(out: Any, result: Any, mask: Any) -> Any:
    """The `out=` and `where=` of ufuncs: the array keeps its names."""
    if not isinstance(out, Value):
        if isinstance(result, Value) and not isinstance(result, Buffer):
            raise indexing.refused_write()
        out[...] = result if mask is True else np.where(unbuffer(mask), unbuffer(result), out)
        return out
    out[...] = result if mask is True else select(mask, result, out)
    return out


def ufunc_method(ufunc: np.ufunc, method: str) -> Any:
    reductions = {np.add: sum_, np.multiply: prod, np.maximum: max_, np.minimum: min_}
    if method == "reduce" and ufunc in reductions:
        return lambda x, axis=0, **kwargs: reductions[ufunc](x, axis=axis, **kwargs)
    if method == "accumulate":
        running = {np.add: cumsum, np.multiply: cumprod}.get(ufunc)
        return running and (lambda x, axis=0: running(x, axis=axis))
    if method == "outer":
        return lambda x, y: UFUNCS[ufunc](reshape(x, shape_of(x) + (1,) * len(shape_of(y))), strong(y))
    return None


def add_in_place(ufunc: np.ufunc, target: Any, index: Any, value: Any = None) -> None:
    """np.add.at and np.subtract.at: repeated indices accumulate."""
    if ufunc not in (np.add, np.subtract):
        raise missing(f"numpy.{ufunc.__name__}.at")
    if not isinstance(target, Value):
        raise indexing.refused_write()
    value = value if ufunc is np.add else -value
    axes, index = indexing.normal_index(index, target.shape)
    seen = target if axes is None else transpose_row(target, axes=axes)
    added = indexing.add_at(seen, value, index=index, inplace=False)
    target[...] = added if axes is None else transpose_row(added, axes=linear.inverse_permutation(axes))


# ---------------------------------------------------------------- functions


def name(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the composition below under these NumPy functions."""

    def register(composition: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            NAMES[function] = composition
        return composition

    return register


def call_function(func: Any, args: Any, kwargs: Any) -> Any:
    """`__array_function__` for every traced value."""
    composition = composition_of(func)
    if composition is None:
        return without_rule(func, args, kwargs)
    return composition(*args, **kwargs)


def without_rule(func: Any, args: Any, kwargs: Any, called: str = "") -> Any:
    """A function that nobody wrote a rule for: fine on constants, an error on traced values."""
    if holds_traced((args, kwargs)):
        raise missing(called or full_name(func), args, kwargs, func)
    return on_constants(func, args, kwargs)


def on_constants(function: Any, args: Any, kwargs: Any) -> Any:
    """A function that knows arrays only, on the arrays of buffers: what it writes is written, and views stay views."""
    buffers = [x for x in leaves_of((args, kwargs)) if isinstance(x, Value)]
    if not buffers:
        return buffered(function(*args, **kwargs))
    try:
        out = function(*constants(args, protected), **constants(kwargs, protected))
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        return writing(function, buffers, args, kwargs)
    for position, leaf in enumerate(leaves_of(out)):
        for root in buffers:
            if isinstance(leaf, np.ndarray) and np.may_share_memory(leaf, root.primal) and leaf.size:
                step = {"function": function, "args": args, "kwargs": kwargs, "root": root, "position": position}
                out = exchange_leaf(out, leaf, linked(root, step))
    return buffered(out)


def writing(function: Any, buffers: list[Buffer], args: Any, kwargs: Any) -> Any:
    """Run a function that writes into its arguments on copies, and take over what changed."""
    copies = {id(b): np.array(b.fresh().primal) for b in buffers}
    out = function(*constants(args, lambda b: copies[id(b)]), **constants(kwargs, lambda b: copies[id(b)]))
    for b in buffers:
        content = copies[id(b)]
        if not np.array_equal(content, b.primal, equal_nan=content.dtype.kind in "fc"):
            b[...] = content
    return buffered(out)


def protected(x: Buffer) -> np.ndarray:
    content = x.fresh().primal.view()
    content.flags.writeable = False
    return content


def leaves_of(x: Any) -> list[Any]:
    if isinstance(x, list | tuple):
        return [leaf for item in x for leaf in leaves_of(item)]
    return leaves_of(list(x.values())) if isinstance(x, dict) else [x]


def exchange_leaf(x: Any, old: Any, new: Any) -> Any:
    if x is old:
        return new
    return type(x)(exchange_leaf(item, old, new) for item in x) if type(x) in (list, tuple) else x


def linked(root: Buffer, step: dict[str, Any]) -> Any:
    """The view that a function without a rule made: the function is called again where the array changes."""
    out = foreign_view.evaluate(protected(root), **step)
    seen = buffer(out)
    if isinstance(seen, Buffer):
        seen.link = view_of(root, foreign_view, step)
    return seen


def foreign_view_evaluate(x: Any, *, function: Any, args: Any, kwargs: Any, root: Any, position: int) -> Any:
    place = lambda b: x if b is root else b.fresh().primal
    return leaves_of(function(*constants(args, place), **constants(kwargs, place)))[position]


def refuse_foreign_view(*operands: Any) -> Any:
    raise missing("a NumPy function without a rule that makes a view", operands)


def full_name(func: Any) -> str:
    """The public name: `scipy.linalg.expm`, not where it is defined."""
    name = getattr(func, "__name__", type(func).__name__)
    module = getattr(func, "__module__", None)
    if isinstance(func, np.ufunc):
        module = "numpy" if getattr(np, name, None) is func else "scipy.special"
    return ".".join([*(part for part in (module or "").split(".") if not part.startswith("_")), name]).lstrip(".")


def missing(called: str, args: Any = (), kwargs: Any = None, function: Any = None) -> Diagnostic:
    position = next((argument_name(function, i) for i, a in enumerate(args) if holds_traced(a)), None)
    position = position or next(
        (f"argument `{k}`" for k, v in (kwargs or {}).items() if holds_traced(v)), "an argument"
    )
    return Diagnostic(
        "W301",
        f"`{called}` has no rule, and {position} carries a derivative",
        f"no row or composition for it is in the table ({len(NAMES) + len(UFUNCS)} functions are)",
        "write it with functions that have one, or give its derivative with wg.primitive or wg.custom_vjp",
    )


def argument_name(function: Any, position: int) -> str:
    """By its name, where the function tells it."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return f"argument `{names[position]}`" if position < len(names) else f"argument {position}"


def holds_traced(x: Any) -> bool:
    """Whether a value with a derivative is in x or in a container of arguments."""
    if isinstance(x, Value):
        return not isinstance(x.fresh(), Buffer)
    if isinstance(x, list | tuple):
        return any(holds_traced(item) for item in x)
    if isinstance(x, dict):
        return any(holds_traced(item) for item in x.values())
    return holds_objects(x)


def holds_objects(x: Any) -> bool:
    """Whether x is an object array of values."""
    return isinstance(x, np.ndarray) and x.dtype == object and any(isinstance(item, Value) for item in x.flat)


def constants(x: Any, content: Callable[[Buffer], Any] = unbuffer) -> Any:
    """Arguments with the plain arrays of their buffers."""
    if isinstance(x, Buffer):
        return content(x)
    if type(x) in (list, tuple):
        return type(x)(constants(item, content) for item in x)
    if type(x) is dict:
        return {key: constants(item, content) for key, item in x.items()}
    return x


def buffered(x: Any) -> Any:
    """Results with buffers for their plain arrays."""
    if type(x) in (list, tuple):
        return type(x)(buffered(item) for item in x)
    return buffer(x)


foreign_view = Primitive(
    "foreign_view",
    foreign_view_evaluate,
    push=lambda x, x_dot: refuse_foreign_view(x),
    pull=lambda ct, x: refuse_foreign_view(x),
    register=False,
)

# ---------------------------------------------------------------- helpers of the compositions


def in_double(x: Any) -> Any:
    return convert_to(x, np.result_type(dtype_of(x), np.float64))


def strong(x: Any) -> Any:
    """As an array that NumPy makes of it: a Python number is no longer weak."""
    return (
        arrayed(x) if isinstance(x, Value | list | tuple | np.ndarray) and type(plain(x)) is not float else in_double(x)
    )


def convert_to(x: Any, dtype: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind not in "fc":
        return buffer(elementwise.truncate(x, dtype=dtype))
    return x if dtype_of(x) == dtype and type(plain(x)) is not float else linear.convert(x, dtype=dtype)


def plain_numbers(x: Any) -> Any:
    """The numbers behind a value whose derivative is cut on purpose (a cast to int is a step function)."""
    return decide(x)


def from_objects(x: Any) -> Any:
    """One value for an object array of values, which NumPy makes of np.array([x[0], x[1]]) where it is not routed."""
    if holds_objects(x):
        return reshape_row(join.stack(*x.flat, axis=0), shape=x.shape)
    return x


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """All axes for None; non-negative, in order."""
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int:
        return (one_axis(axis, ndim),)
    chosen = axis if isinstance(axis, tuple | list) else (axis,)
    return tuple(sorted(one_axis(a, ndim) for a in chosen))


def one_axis(axis: Any, ndim: int) -> int:
    axis = int(axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def kept(out: Any, shape: Shape, axes: tuple[int, ...], keepdims: bool) -> Any:
    return reduce.keep_axes(out, shape, axes) if keepdims else out


def operand_of(x: Any) -> Any:
    """An argument of a ufunc: lists and object arrays become values or arrays."""
    return arrayed(x) if isinstance(x, list | tuple | np.ndarray) else x


def arrayed(x: Any) -> Any:
    """A value for anything that NumPy would read as an array: lists of values are stacked."""
    if isinstance(x, Value):
        return x
    x = from_objects(x)
    if isinstance(x, list | tuple):
        return join.stack(*[arrayed(item) for item in x], axis=0) if holds_value(x) else np.asarray(x)
    return x


def holds_value(x: Any) -> bool:
    if isinstance(x, list | tuple):
        return any(holds_value(item) for item in x)
    return isinstance(x, Value) or (isinstance(x, np.ndarray) and x.dtype == object)


def no_keywords(called: str, **kwargs: Any) -> None:
    for key, value in kwargs.items():
        if value is not None and value is not np._NoValue:
            raise missing(f"{called}({key}=...)", (value,))


# ---------------------------------------------------------------- constructors


@name(np.array)
def array(
    x: Any,
    dtype: Any = None,
    *,
    copy: Any = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    like: Any = None,
) -> Any:
    out = arrayed(x)
    if isinstance(out, Value):
        out = out.snapshot() if copy else out
        if not is_array(out):
            out = linear.broadcast_to(out, shape=())
    else:
        out = np.array(out, dtype=dtype, copy=copy, order=order, ndmin=ndmin)
    out = out if dtype is None else convert_to(out, dtype)
    missing_axes = ndmin - len(shape_of(out))
    return buffer(out) if missing_axes <= 0 else reshape(out, (1,) * missing_axes + shape_of(out))


@name(np.asarray, np.asanyarray, np.ascontiguousarray)
def asarray(x: Any, dtype: Any = None, order: Any = None, **options: Any) -> Any:
    if isinstance(x, Value) and is_array(x) and (dtype is None or np.dtype(dtype) == x.dtype):
        return x
    return array(x, dtype, copy=None)


@name(np.copy)
def copy(a: Any, order: Any = "K", subok: bool = False) -> Any:
    return array(a)


@name(np.zeros_like)
def zeros_like(a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None) -> Any:
    return full_like(a, 0, dtype, order, subok, shape)


@name(np.ones_like)
def ones_like(a: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None) -> Any:
    return full_like(a, 1, dtype, order, subok, shape)


@name(np.empty_like)
def empty_like(prototype: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None) -> Any:
    return full_like(prototype, 0, dtype, order, subok, shape)


@name(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: bool = True, shape: Any = None
) -> Any:
    return full(shape_of(a) if shape is None else shape, fill_value, dtype_of(a) if dtype is None else dtype)


@name(np.full)
def full(
    shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C", *, device: Any = None, like: Any = None
) -> Any:
    if not isinstance(fill_value, Value):
        return buffer(np.full(shape, fill_value, dtype))
    value = fill_value if dtype is None else convert_to(fill_value, dtype)
    return linear.broadcast_to(value, shape=shape if isinstance(shape, tuple) else (int(shape),)).copy()


@name(np.linspace)
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    if not (isinstance(start, Value) or isinstance(stop, Value)):
        return buffered(np.linspace(start, stop, num, endpoint, retstep, dtype, axis))
    intervals = num - 1 if endpoint else num
    t = np.arange(num) / builtins.max(intervals, 1)
    t = t.astype(np.result_type(representative(start), representative(stop), 0.0)).reshape(
        (num,) + (1,) * builtins.max(len(shape_of(start)), len(shape_of(stop)))
    )
    # a convex combination, so that the last point is `stop` to the digit
    points = start * (1.0 - t) + stop * t
    points = moveaxis(points, 0, axis) if axis else points
    points = points if dtype is None else convert_to(points, dtype)
    return (points, (stop - start) / intervals) if retstep else points


@name(np.arange)
def arange(*args: Any, dtype: Any = None, **options: Any) -> Any:
    numbers = [plain_numbers(a) if isinstance(a, Value) else a for a in args]
    start, step = (0, 1) if len(args) == 1 else (args[0], args[2] if len(args) > 2 else 1)
    if not holds_traced((start, step)):  # the number of points is a step function of `stop`
        return buffer(np.arange(*numbers, dtype=dtype))
    return start + step * np.arange(len(np.arange(*numbers)))


# ---------------------------------------------------------------- shape


@name(np.shape)
def shape(a: Any) -> Shape:
    return shape_of(arrayed(a))


@name(np.ndim)
def ndim(a: Any) -> int:
    return len(shape(a))


@name(np.size)
def size(a: Any, axis: Any = None) -> int:
    return math.prod(shape(a)) if axis is None else shape(a)[axis]


@name(np.reshape)
def reshape(a: Any, /, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: Any = None) -> Any:
    wanted = shape if shape is not None else newshape
    a = arrayed(a)
    if order not in ("C", None):
        turned = transpose(reshape(transpose(a), tuple(resolved(wanted, shape_of(a)))[::-1]))
        return turned if order == "F" else no_keywords("numpy.reshape", order=order)
    return reshape_row(a, shape=resolved(wanted, shape_of(a)))


def resolved(wanted: Any, have: Shape) -> Shape:
    """The target shape with -1 filled in."""
    wanted = tuple(int(n) for n in wanted) if isinstance(wanted, tuple | list | np.ndarray) else (int(wanted),)
    return np.empty(have, np.void).reshape(wanted).shape if -1 in wanted else wanted


@name(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """Contiguous: a copy where reshaping would give a view with gaps."""
    flat = reshape(a, (-1,), order)
    content = plain(flat)
    return linear.duplicate(flat) if isinstance(content, np.ndarray) and not content.flags.c_contiguous else flat


@name(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    n = len(shape(a))
    axes = tuple(range(n))[::-1] if axes is None else tuple(one_axis(i, n) for i in axes)
    return transpose_row(arrayed(a), axes=axes)


@name(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    order = list(range(len(shape(a))))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(a, order)


@name(np.linalg.matrix_transpose, np.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    return swapaxes(x, -1, -2)


@name(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return transpose(a, moved(len(shape(a)), source, destination))


def moved(n: int, source: Any, destination: Any) -> list[int]:
    """The permutation of np.moveaxis, found by moving an array whose sizes are its axis numbers."""
    sizes = np.broadcast_to(False, tuple(range(1, n + 1)))
    return [s - 1 for s in np.moveaxis(sizes, source, destination).shape]


@name(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    chosen = axis if isinstance(axis, tuple | list) else (axis,)
    n = len(shape(a)) + len(chosen)
    places = {one_axis(i, n) for i in chosen}
    rest = iter(shape(a))
    return reshape(a, tuple(1 if i in places else next(rest) for i in range(n)))


@name(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    have = shape(a)
    axes = [i for i, n in enumerate(have) if n == 1] if axis is None else axes_of(axis, len(have))
    if any(have[i] != 1 for i in axes):
        raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
    return reshape(a, tuple(n for i, n in enumerate(have) if i not in axes))


@name(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    wanted = tuple(shape) if isinstance(shape, tuple | list) else (int(shape),)
    return read_only(linear.broadcast_to(arrayed(array), shape=wanted))


@name(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    common = np.broadcast_shapes(*[shape(a) for a in args])
    return tuple(broadcast_to(a, common) for a in args)


@name(np.atleast_1d)
def atleast_1d(*arrays: Any) -> Any:
    return each(arrays, lambda a: reshape(a, shape(a) or (1,)))


@name(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    return each(arrays, lambda a: reshape(a, (1,) * (2 - len(shape(a))) + shape(a)) if len(shape(a)) < 2 else a)


def each(arrays: tuple[Any, ...], f: Callable[[Any], Any]) -> Any:
    return f(arrays[0]) if len(arrays) == 1 else tuple(f(a) for a in arrays)


@name(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    return linear.flip(arrayed(m), axes=axes_of(axis, len(shape(m))))


# ---------------------------------------------------------------- joins


@name(np.concatenate)
def concatenate(arrays: Any, axis: Any = 0, out: Any = None, dtype: Any = None, casting: Any = None) -> Any:
    no_keywords("numpy.concatenate", out=out)
    parts = [arrayed(a) for a in arrays]
    if axis is None:
        parts, axis = [ravel(p) for p in parts], 0
    joined = join.concatenate(*parts, axis=one_axis(axis, len(shape_of(parts[0]))))
    return joined if dtype is None else convert_to(joined, dtype)


@name(np.stack)
def stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: Any = None) -> Any:
    no_keywords("numpy.stack", out=out)
    parts = [arrayed(a) for a in arrays]
    stacked = join.stack(*parts, axis=one_axis(axis, len(shape_of(parts[0])) + 1))
    return stacked if dtype is None else convert_to(stacked, dtype)


@name(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    parts = [atleast_1d(a) for a in tup]
    return concatenate(parts, 0 if len(shape_of(parts[0])) == 1 else 1, dtype=dtype)


@name(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = None) -> Any:
    return concatenate([atleast_2d(a) for a in tup], 0, dtype=dtype)


@name(np.column_stack)
def column_stack(tup: Any) -> Any:
    return concatenate([a if len(shape(a)) > 1 else reshape(a, (-1, 1)) for a in tup], 1)


# ---------------------------------------------------------------- reductions


@name(np.sum)
def sum_(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    if out is not None:
        return write_out(out, sum_(a, axis, dtype, None, keepdims, initial, where), True)
    a = masked(arrayed(a), where, 0.0)
    a = a if dtype is None else convert_to(a, dtype)
    axes = axes_of(axis, len(shape_of(a)))
    total = kept(linear.reduce_sum(a, axes=axes), shape_of(a), axes, given(keepdims))
    return total if initial is None or initial is np._NoValue else total + initial


def given(flag: Any) -> bool:
    return flag is not np._NoValue and bool(flag)


def masked(a: Any, where: Any, neutral: float) -> Any:
    return a if where is True or where is np._NoValue else select(where, a, neutral)


@name(np.mean)
def mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True
) -> Any:
    a = arrayed(a)
    total = sum_(a, axis, dtype, None, keepdims, None, where)
    average = total / count(a, axis, keepdims, where)
    return average if out is None else write_out(out, average, True)


def count(a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    if where is True or where is np._NoValue:
        return math.prod(shape_of(a)[i] for i in axes_of(axis, len(shape_of(a)))) or np.float64(0.0)
    counted = np.sum(np.broadcast_to(plain_numbers(where), shape_of(a)), axis=axis, keepdims=given(keepdims))
    return counted.astype(dtype_of(a)) if dtype_of(a).kind == "f" else counted


@name(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: Any = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    no_keywords("numpy.var", out=out)
    a = arrayed(a)
    centre = NAMES[np.mean](a, axis, dtype, None, True, where=where) if mean is None or mean is np._NoValue else mean
    deviation = elementwise.abs_(a - centre) if dtype_of(a).kind == "c" else a - centre
    freedom = ddof if correction in (None, np._NoValue) else correction
    squares = sum_(elementwise.square(deviation), axis, None, None, keepdims, None, where)
    return squares / (count(a, axis, keepdims, where) - freedom)


@name(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False, **options: Any
) -> Any:
    """The root of the variance; where that is 0, the derivative is 0 (least norm), as for the norm."""
    return safe_root(var(a, axis, dtype, out, ddof, keepdims, **options))


def safe_root(x: Any) -> Any:
    """sqrt with derivative 0 at 0."""
    positive = elementwise.not_equal(x, 0)
    return select(positive, elementwise.sqrt(select(positive, x, 1.0)), 0.0)


@name(np.max, np.amax)
def max_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    return extremum(reduce.reduce_max, elementwise.maximum, -np.inf, a, axis, out, keepdims, initial, where)


@name(np.min, np.amin)
def min_(
    a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None, where: Any = True
) -> Any:
    return extremum(reduce.reduce_min, elementwise.minimum, np.inf, a, axis, out, keepdims, initial, where)


def extremum(
    row: Primitive,
    pair: Primitive,
    neutral: float,
    a: Any,
    axis: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    where: Any,
) -> Any:
    no_keywords(f"numpy.{row.name.removeprefix('reduce_')}", out=out)
    a = masked(arrayed(a), where, neutral)
    axes = axes_of(axis, len(shape_of(a)))
    found = kept(row(a, axes=axes), shape_of(a), axes, given(keepdims))
    return found if initial is None or initial is np._NoValue else pair(found, initial)


@name(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = True,
) -> Any:
    no_keywords("numpy.prod", out=out)
    a = masked(arrayed(a), where, 1.0)
    a = a if dtype is None else convert_to(a, dtype)
    have = shape_of(a)
    axes = axes_of(axis, len(have))
    product = a if axes else linear.duplicate(a)
    for i in reversed(axes):
        product = reduce.reduce_prod(product, axis=i)
    product = kept(product, have, axes, given(keepdims))
    return product if initial is None or initial is np._NoValue else product * initial


@name(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return running(linear.cumsum, "numpy.cumsum", a, axis, dtype, out)


@name(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return running(reduce.cumprod, "numpy.cumprod", a, axis, dtype, out)


def running(row: Primitive, called: str, a: Any, axis: Any, dtype: Any, out: Any) -> Any:
    no_keywords(called, out=out)
    a = arrayed(a)
    a, axis = (ravel(a), 0) if axis is None else (a, one_axis(axis, len(shape_of(a))))
    return row(a if dtype is None else convert_to(a, dtype), axis=axis)


@name(np.argmax)
def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    no_keywords("numpy.argmax", out=out)
    return position(reduce.argmax, a, axis, keepdims)


@name(np.argmin)
def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = False) -> Any:
    no_keywords("numpy.argmin", out=out)
    return position(reduce.argmin, a, axis, keepdims)


def position(row: Primitive, a: Any, axis: Any, keepdims: Any) -> Any:
    a = arrayed(a)
    where_kept = axes_of(axis, len(shape_of(a)))
    found = row(ravel(a) if axis is None else a, axis=0 if axis is None else one_axis(axis, len(shape_of(a))))
    return kept(found, shape_of(a), where_kept, given(keepdims))


@name(np.any)
def any_(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
    no_keywords("numpy.any", out=out)
    a, axes = masked(arrayed(a), where, False), axes_of(axis, len(shape(a)))
    return kept(reduce.reduce_any(a, axes=axes), shape_of(a), axes, given(keepdims))


@name(np.all)
def all_(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = True) -> Any:
    no_keywords("numpy.all", out=out)
    a, axes = masked(arrayed(a), where, True), axes_of(axis, len(shape(a)))
    return kept(reduce.reduce_all(a, axes=axes), shape_of(a), axes, given(keepdims))


@name(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> Any:
    return sum_(diagonal(a, offset, axis1, axis2), -1, dtype, out)


@name(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    a = moveaxis(a, (axis1, axis2), (-2, -1))
    rows, columns = shape_of(a)[-2:]
    places = np.diagonal(np.arange(rows * columns).reshape(rows, columns), offset)
    return read_only(
        indexing.getitem(reshape(a, (*shape_of(a)[:-2], -1)), index=(*(slice(None),) * (len(shape_of(a)) - 2), places))
    )


# ---------------------------------------------------------------- elementwise functions that are not ufuncs


@name(np.where)
def where(condition: Any, *choices: Any) -> Any:
    if not choices:
        return buffered(np.nonzero(plain_numbers(condition)))
    return select(arrayed(condition), *[arrayed(c) for c in choices])


@name(np.nonzero)
def nonzero(a: Any) -> Any:
    return buffered(np.nonzero(plain_numbers(a)))


@name(np.clip)
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, *, min: Any = None, max: Any = None, **options: Any
) -> Any:
    """minimum(maximum(a, low), high), and its rule at ties."""
    low = min if a_min is None or a_min is np._NoValue else a_min
    high = max if a_max is None or a_max is np._NoValue else a_max
    clipped = arrayed(a)
    clipped = clipped if low is None or low is np._NoValue else elementwise.maximum(clipped, low)
    clipped = clipped if high is None or high is np._NoValue else elementwise.minimum(clipped, high)
    return clipped if out is None else write_out(out, clipped, True)


@name(np.round, np.around)
def round_(a: Any, decimals: int = 0, out: Any = None) -> Any:
    no_keywords("numpy.round", out=out)
    factor = 10.0**decimals
    return elementwise.rint(a * factor) / factor if decimals else elementwise.rint(a)


@name(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    no_keywords("numpy.fix", out=out)
    return elementwise.trunc(x)


@name(np.real)
def real(val: Any) -> Any:
    return elementwise.real(val) if dtype_of(val).kind == "c" else val


@name(np.imag)
def imag(val: Any) -> Any:
    # NumPy's is a view that can be written; here it is refused, write `z.imag = ...` instead
    return read_only(elementwise.imag(val)) if dtype_of(val).kind == "c" else zeros_like(val)


@name(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    turn = elementwise.angle(z) if dtype_of(z).kind == "c" else elementwise.arctan2(0.0, z)
    return turn * (180.0 / np.pi) if deg else turn


@name(np.isclose)
def isclose(a: Any, b: Any, *args: Any, **kwargs: Any) -> Any:
    return buffer(np.isclose(plain_numbers(a), plain_numbers(b), *args, **kwargs))


@name(np.allclose)
def allclose(a: Any, b: Any, *args: Any, **kwargs: Any) -> bool:
    return bool(np.allclose(plain_numbers(a), plain_numbers(b), *args, **kwargs))


@name(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> bool:
    return bool(np.array_equal(plain_numbers(arrayed(a1)), plain_numbers(arrayed(a2)), equal_nan))


@name(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    return dtype_of(x).kind == "c"


@name(np.isscalar)
def isscalar(element: Any) -> bool:
    return not is_array(element)


@name(np.result_type)
def result_type(*arguments: Any) -> np.dtype:
    return np.result_type(*[representative(a) for a in arguments])


def representative(x: Any) -> Any:
    return plain(x) if not isinstance(x, Value) or type(plain(x)) is float else x.dtype


# ---------------------------------------------------------------- products


@name(np.matmul)
def matmul(x1: Any, x2: Any) -> Any:
    return contract.matmul(x1, x2)


@name(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    no_keywords("numpy.dot", out=out)
    a, b = strong(a), strong(b)
    ranks = len(shape_of(a)), len(shape_of(b))
    if 0 in ranks:
        return a * b
    return (
        contract.matmul(a, b)
        if ranks[0] <= 2 and ranks[1] <= 2
        else tensordot(a, b, ([-1], [-2 if ranks[1] > 1 else -1]))
    )


@name(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    a, b = ravel(a), ravel(b)
    return contract.matmul(elementwise.conj(a) if dtype_of(a).kind == "c" else a, b)


@name(np.inner)
def inner(a: Any, b: Any) -> Any:
    a, b = strong(a), strong(b)
    return a * b if not (shape_of(a) and shape_of(b)) else tensordot(a, b, ([-1], [-1]))


@name(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    no_keywords("numpy.outer", out=out)
    return reshape(a, (-1, 1)) * reshape(b, (1, -1))


@name(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = arrayed(a), arrayed(b)
    n, m = len(shape_of(a)), len(shape_of(b))
    if isinstance(axes, int | np.integer):
        axes = (tuple(range(n - axes, n)), tuple(range(axes)))
    left, right = [
        [one_axis(i, rank) for i in (x if isinstance(x, tuple | list) else (x,))] for x, rank in zip(axes, (n, m))
    ]
    free_a, free_b = [i for i in range(n) if i not in left], [i for i in range(m) if i not in right]
    inner_size = math.prod(shape_of(a)[i] for i in left)
    flat_a = reshape(transpose(a, (*free_a, *left)), (math.prod(shape_of(a)[i] for i in free_a), inner_size))
    flat_b = reshape(transpose(b, (*right, *free_b)), (inner_size, math.prod(shape_of(b)[i] for i in free_b)))
    return reshape(contract.matmul(flat_a, flat_b), [shape_of(a)[i] for i in free_a] + [shape_of(b)[i] for i in free_b])


@name(np.einsum)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **options: Any) -> Any:
    no_keywords("numpy.einsum", out=out, **options)
    if not isinstance(operands[0], str):
        raise missing("numpy.einsum (operands with sublists; write the subscripts as a string)", operands)
    arrays = [arrayed(x) for x in operands[1:]]
    inputs, output = explicit_spec(operands[0].replace(" ", ""), [len(shape_of(x)) for x in arrays])
    for i, term in enumerate(inputs):
        for label in sorted(set(term)):
            while inputs[i].count(label) > 1:
                arrays[i], inputs[i] = take_diagonal(arrays[i], inputs[i], label)
    out = contract.einsum(*arrays, spec=f"{','.join(inputs)}->{output}", optimize=optimize)
    return read_only(out) if len(arrays) == 1 and set(output) == set(inputs[0]) else out


def explicit_spec(spec: str, ranks: list[int]) -> tuple[list[str], str]:
    """Labels for an ellipsis, and the output that NumPy would choose."""
    left, arrow, output = spec.partition("->")
    inputs = left.split(",")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in spec]
    depth = builtins.max([rank - len(term) + 3 for term, rank in zip(inputs, ranks) if "..." in term], default=0)
    dots = "".join(free[:depth])
    inputs = [
        t.replace("...", dots[depth - (rank - len(t) + 3) :]) if "..." in t else t for t, rank in zip(inputs, ranks)
    ]
    if not arrow:
        every = "".join(inputs)
        output = dots + "".join(c for c in sorted(set(every)) if every.count(c) == 1 and c not in dots)
    return inputs, output.replace("...", dots)


def take_diagonal(x: Any, term: str, label: str) -> tuple[Any, str]:
    first = term.index(label)
    second = term.index(label, first + 1)
    rest = [i for i in range(len(term)) if i not in (first, second)]
    return diagonal(x, 0, first, second), "".join(term[i] for i in rest) + label


# ---------------------------------------------------------------- numpy.linalg


@name(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    a, b = arrayed(a), arrayed(b)
    vector = len(shape_of(b)) == 1
    out = linalg.solve(a, contract.column(b) if vector else b)
    return indexing.getitem(out, index=(*(slice(None),) * (len(shape_of(out)) - 1), 0)) if vector else out


@name(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    if upper:
        return elementwise.conj(linear.swap_last(cholesky(elementwise.conj(linear.swap_last(arrayed(a))))))
    return linalg.cholesky(arrayed(a))


@name(np.linalg.inv)
def inv(a: Any) -> Any:
    return linalg.inv(arrayed(a))


@name(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Vector norms of every order, and the Frobenius norm; 0 has derivative 0, the subgradient of least norm."""
    x = arrayed(x)
    if axis is None and (ord is None or len(shape_of(x)) != 1):
        if ord not in (None, "fro") and not (len(shape_of(x)) == 2 and ord in (1, -1, np.inf, -np.inf)):
            raise missing(f"numpy.linalg.norm(ord={ord!r})", (x,))
        if ord not in (None, "fro"):
            return matrix_norm(x, ord, keepdims)
        return root_of_squares(x, None, keepdims)
    axes = axes_of(axis, len(shape_of(x)))
    if len(axes) == 2 and ord not in (None, "fro"):
        raise missing(f"numpy.linalg.norm(ord={ord!r}, axis={axis!r})", (x,))
    if ord in (None, 2, "fro"):
        return root_of_squares(x, axes, keepdims)
    return vector_norm(x, ord, axes, keepdims)


def matrix_norm(x: Any, ord: Any, keepdims: bool) -> Any:
    sums = sum_(elementwise.abs_(x), 0 if abs(ord) == 1 else 1, keepdims=keepdims)
    return (max_ if ord > 0 else min_)(sums, keepdims=keepdims)


def vector_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    size = elementwise.abs_(x)
    if ord == np.inf:
        return max_(size, axes, keepdims=keepdims)
    if ord == -np.inf:
        return min_(size, axes, keepdims=keepdims)
    if ord == 0:
        return sum_(convert_to(elementwise.not_equal(x, 0), size.dtype), axes, keepdims=keepdims)
    if ord == 1:
        return sum_(size, axes, keepdims=keepdims)
    total = sum_(size**ord, axes, keepdims=keepdims)
    positive = elementwise.not_equal(total, 0)
    return select(positive, select(positive, total, 1.0) ** (1.0 / ord), 0.0)


def root_of_squares(x: Any, axes: Any, keepdims: bool) -> Any:
    squares = elementwise.square(x) if dtype_of(x).kind != "c" else elementwise.real(x) ** 2 + elementwise.imag(x) ** 2
    return safe_root(sum_(squares, axes, keepdims=keepdims))


# ---------------------------------------------------------------- math


def copysign(x: Any, y: Any) -> Any:
    return elementwise.abs_(x) * select(elementwise.signbit(y), -1.0, 1.0)


NAMES.update(
    {
        math.fabs: elementwise.abs_,
        math.pow: elementwise.pow_,
        math.atan2: elementwise.arctan2,
        math.acos: elementwise.arccos,
        math.asin: elementwise.arcsin,
        math.atan: elementwise.arctan,
        math.acosh: elementwise.arccosh,
        math.asinh: elementwise.arcsinh,
        math.atanh: elementwise.arctanh,
        math.hypot: lambda *xs: norm(stack(xs)),
        math.degrees: UFUNCS[np.degrees],
        math.radians: UFUNCS[np.radians],
        math.fsum: lambda xs: sum_(stack(list(xs))),
        math.prod: lambda xs, start=1: prod(stack(list(xs))) * start,
        math.log: lambda x, base=None: (
            elementwise.log(x) if base is None else elementwise.log(x) / elementwise.log(base)
        ),
        math.fmod: elementwise.fmod,
        math.copysign: copysign,
        math.floor: math.floor,  # Python asks the value for its integers
        math.ceil: math.ceil,
        math.trunc: math.trunc,
        math.isnan: lambda x: bool(elementwise.isnan(x)),
        math.isinf: lambda x: bool(elementwise.isinf(x)),
        math.isfinite: lambda x: bool(elementwise.isfinite(x)),
        math.dist: lambda p, q: norm(arrayed(p) - arrayed(q)),
    }
)
for same in (
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "exp",
    "expm1",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "cbrt",
    "exp2",
):
    NAMES[getattr(math, same)] = getattr(elementwise, same)

# ---------------------------------------------------------------- scipy, when it is there


def log_sum_exp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    no_keywords("scipy.special.logsumexp", return_sign=return_sign or None)
    a = arrayed(a)
    largest = max_(plain_largest(a), axis, keepdims=True)
    total = sum_(elementwise.exp(a - largest) * (1.0 if b is None else b), axis, keepdims=True)
    out = elementwise.log(total) + largest
    axes = axes_of(axis, len(shape_of(a)))
    return out if keepdims else reshape_row(out, shape=tuple(n for i, n in enumerate(shape_of(a)) if i not in axes))


def plain_largest(a: Any) -> Any:
    """The values that only shift the exponent: the result does not depend on them, so they carry no derivative."""
    shift = stop_gradient(a)
    return select(elementwise.isfinite(shift), shift, 0.0)


def soft_max(x: Any, axis: Any = None) -> Any:
    return elementwise.exp(x - log_sum_exp(x, axis, keepdims=True))


def log_soft_max(x: Any, axis: Any = None) -> Any:
    return x - log_sum_exp(x, axis, keepdims=True)


def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    a = arrayed(a)
    n = shape_of(a)[-1]
    mask = (
        np.tril(np.ones((n, n)), -1 if unit_diagonal else 0)
        if lower
        else np.triu(np.ones((n, n)), 1 if unit_diagonal else 0)
    )
    a = select(mask != 0, a, np.eye(n, dtype=dtype_of(a)) if unit_diagonal else 0.0)
    a = a if trans in (0, "N") else linear.swap_last(elementwise.conj(a) if trans in (2, "C") else a)
    return solve(a, b)


def scipy_cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """SciPy reads the upper triangle unless `lower`."""
    a = arrayed(a)
    return cholesky(a) if lower else linear.swap_last(elementwise.conj(cholesky(linear.swap_last(elementwise.conj(a)))))


def scipy_solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Any:
    """`assume_a` other than general makes SciPy read one triangle: the matrix is completed from it, as SciPy does."""
    a = arrayed(a)
    if assume_a not in (None, "gen", "general"):
        if assume_a not in ("sym", "symmetric", "her", "hermitian", "pos", "positive definite"):
            raise missing(f"scipy.linalg.solve(assume_a={assume_a!r})", (a,))
        a = one_triangle(a, lower, "her" in assume_a or "pos" in assume_a)
    return solve(linear.swap_last(a) if transposed else a, b)


def one_triangle(a: Any, lower: bool, hermitian: bool) -> Any:
    n = shape_of(a)[-1]
    read = np.tril(np.ones((n, n), bool)) if lower else np.triu(np.ones((n, n), bool))
    mirrored = linear.swap_last(elementwise.conj(a) if hermitian and dtype_of(a).kind == "c" else a)
    return select(read, a, mirrored)


def scipy_inv(a: Any, options: dict[str, Any]) -> Any:
    no_keywords("scipy.linalg.inv", **options)
    return inv(a)


SCIPY: dict[str, Callable[..., Any]] = {
    "scipy.special.erf": special.erf,
    "scipy.special.erfc": special.erfc,
    "scipy.special.expit": special.expit,
    "scipy.special.logit": special.logit,
    "scipy.special.log_expit": special.log_expit,
    "scipy.special.gammaln": special.gammaln,
    "scipy.special.psi": lambda x: special.polygamma(x, n=0),
    "scipy.special.digamma": lambda x: special.polygamma(x, n=0),
    "scipy.special.polygamma": lambda n, x: special.polygamma(operand_of(x), n=int(n)),
    "scipy.special.xlogy": special.xlogy,
    "scipy.special.logsumexp": log_sum_exp,
    "scipy.special.softmax": soft_max,
    "scipy.special.log_softmax": log_soft_max,
    "scipy.linalg.solve": scipy_solve,
    "scipy.linalg.inv": lambda a, overwrite_a=False, check_finite=True, **options: scipy_inv(a, options),
    "scipy.linalg.solve_triangular": solve_triangular,
    "scipy.linalg.cholesky": scipy_cholesky,
    "scipy.linalg.norm": lambda a, ord=None, axis=None, keepdims=False, **options: norm(a, ord, axis, keepdims),
}


def composition_of(function: Any) -> Callable[..., Any] | None:
    """What to call instead of a library function when traced values are among its arguments."""
    found = (NAMES.get(function) or UFUNCS.get(function)) if type(function).__hash__ else None
    return found or (SCIPY.get(full_name(function)) if hasattr(function, "__name__") else None)
