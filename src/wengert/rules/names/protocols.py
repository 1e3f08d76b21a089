"""NumPy's two protocols, which every traced value answers."""

from typing import Any

import numpy as np

from wengert.core.mode import Value
from wengert.core.types import shape_of
from wengert.rules import indexing, linear
from wengert.rules.elementwise import where as select
from wengert.rules.linear import transpose as transpose_row
from wengert.rules.names.foreign import missing, without_rule
from wengert.rules.names.operands import convert_to, operand_of, strong, write_out
from wengert.rules.names.reductions import cumprod, cumsum, max_, min_, prod, sum_
from wengert.rules.names.shape import reshape
from wengert.rules.names.table import composition_of, full_name


def call_function(func: Any, args: Any, kwargs: Any) -> Any:
    """`__array_function__` for every traced value."""
    composition = composition_of(func)
    if composition is None:
        return without_rule(func, args, kwargs)
    return composition(*args, **kwargs)


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`__array_ufunc__` for every traced value."""
    if method == "at":
        target, index, *value = inputs  # a tuple or list of indices stays what it is
        return add_in_place(ufunc, target, index, *map(operand_of, value))
    inputs = tuple([operand_of(x) for x in inputs])
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


def ufunc_method(ufunc: np.ufunc, method: str) -> Any:
    reductions = {np.add: sum_, np.multiply: prod, np.maximum: max_, np.minimum: min_}
    if method == "reduce" and ufunc in reductions:
        return lambda x, axis=0, **kwargs: reductions[ufunc](x, axis=axis, **kwargs)
    if method == "accumulate":
        running = {np.add: cumsum, np.multiply: cumprod}.get(ufunc)
        return running and (lambda x, axis=0: running(x, axis=axis))
    if method == "outer":
        return lambda x, y: composition_of(ufunc)(reshape(x, shape_of(x) + (1,) * len(shape_of(y))), strong(y))
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
