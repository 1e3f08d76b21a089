"""NumPy's two protocols, which every traced value answers."""

from typing import Any

import numpy as np

from wengert.core.mode import Value, is_array, lies_in
from wengert.core.primitive import positional
from wengert.core.types import shape_of
from wengert.rules.elementwise import where as select
from wengert.rules.names.foreign import missing, without_rule
from wengert.rules.names.operands import convert_to, in_order, operand_of, write_out
from wengert.rules.names.table import composition_of, full_name
from wengert.rules.names.ufunc_methods import METHODS, at


def call_function(func: Any, args: Any, kwargs: Any) -> Any:
    """`__array_function__` for every traced value."""
    composition = composition_of(func)
    if composition is None:
        return without_rule(func, args, kwargs)
    return composition(*args, **kwargs)


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`__array_ufunc__` for every traced value."""
    # the second argument of `at` is an index
    inputs = tuple([x if method == "at" and i == 1 else operand_of(x) for i, x in enumerate(inputs)])
    function = composition_of(ufunc)
    if method != "__call__":
        return call_method(ufunc, function, method, inputs, kwargs)
    out = kwargs.pop("out", None)
    if len(inputs) > ufunc.nin:
        inputs, out = inputs[: ufunc.nin], inputs[ufunc.nin :]
    mask = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    order = kwargs.get("order", "K")
    kwargs = {k: v for k, v in kwargs.items() if k not in ("casting", "order", "subok")}
    if function is None or (kwargs and not kwargs.keys() <= set(positional(function))):
        return without_rule(ufunc, inputs, {**kwargs, "out": out} if out else kwargs)
    if dtype is not None:  # NumPy computes in it
        inputs = tuple([convert_to(x, dtype) for x in inputs])
    result = function(*inputs, **kwargs)
    if order == "A":
        order = "F" if all(lies_in(x, "F") and not lies_in(x, "C") for x in inputs if shape_of(x)) else "C"
    if order in ("C", "F") and isinstance(result, Value) and is_array(result) and not lies_in(result, order):
        result = in_order(result, order)
    return finish(result, out, mask)


def finish(result: Any, out: Any, mask: Any) -> Any:
    """`out=` and `where=`, for each of several results."""
    if isinstance(result, tuple):
        outs = out if isinstance(out, tuple) else (None,) * len(result)
        return tuple(finish(r, o, mask) for r, o in zip(result, outs))
    out = out[0] if isinstance(out, tuple) else out
    if out is None:
        return result if mask is True else select(mask, result, 0.0)
    return write_out(out, result, mask)


def call_method(ufunc: np.ufunc, function: Any, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    called = f"{full_name(ufunc)}.{method}"
    if function is None or ufunc.signature is not None or ufunc.nout > 1:
        return without_rule(getattr(ufunc, method), inputs, kwargs, called)
    if method == "at":
        return at(ufunc, *inputs)
    out, options = kwargs.get("out"), {k: v for k, v in kwargs.items() if k != "out"}
    unknown = options.keys() - set(positional(METHODS[method]))
    if unknown:
        raise missing(f"{called}({min(unknown)}=...)", inputs, options)
    return finish(METHODS[method](ufunc, *inputs, **options), out, True)
