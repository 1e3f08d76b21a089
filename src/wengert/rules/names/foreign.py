"""Library functions on constants, and those that nobody wrote a rule for: refused where a derivative would be lost."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.mode import Buffer, Value, buffer, decide, is_array, unbuffer, view_of
from wengert.core.primitive import Primitive
from wengert.rules.names.absent import ABSENT, WAYS_OUT, listed
from wengert.rules.names.table import NAMES, full_name


def without_rule(func: Any, args: Any, kwargs: Any, called: str = "") -> Any:
    """A function that nobody wrote a rule for: fine on constants, an error on traced values."""
    if holds_traced((args, kwargs)):
        if any(map(carries_derivative, leaves_of((args, kwargs)))):
            raise missing(called or full_name(func), args, kwargs, func)
        return writing(func, values_of((args, kwargs)), args, kwargs)  # a batch: `vmap` starts again lane by lane
    return on_constants(func, args, kwargs)


def name_on_traced(*functions: Any) -> Callable[..., Any]:
    """As `name`, for a composition whose results are never views: constants go to the library's own function."""

    def register(composition: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            NAMES[function] = for_traced(function, composition)
        return composition

    return register


def for_traced(function: Any, composition: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(composition)
    def call(*args: Any, **kwargs: Any) -> Any:
        if isinstance(kwargs.get("out"), Value) or holds_traced((args, kwargs)):
            return composition(*args, **kwargs)
        return on_constants(function, args, kwargs)

    return call


def on_constants(function: Any, args: Any, kwargs: Any) -> Any:
    """A function that knows arrays only, on the arrays of buffers: what it writes is written, and views stay views."""
    buffers = values_of((args, kwargs))
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


def writing(function: Any, values: list[Value], args: Any, kwargs: Any) -> Any:
    """Run a function that may write into its arguments on copies, and take over what changed."""
    copies = {id(v): np.array(decide(v)) if is_array(v) else decide(v) for v in values}
    out = function(*constants(args, lambda v: copies[id(v)]), **constants(kwargs, lambda v: copies[id(v)]))
    for v in values:
        content = copies[id(v)]
        if is_array(v) and not np.array_equal(content, decide(v), equal_nan=content.dtype.kind in "fc"):
            v[...] = content
    return buffered(out)


def protected(x: Buffer) -> np.ndarray:
    content = x.fresh().primal.view()
    content.flags.writeable = False
    return content


def values_of(x: Any) -> list[Value]:
    return [leaf for leaf in leaves_of(x) if isinstance(leaf, Value)]


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
        seen.link = view_of(root, (foreign_view, step))
    return seen


def foreign_view_evaluate(x: Any, *, function: Any, args: Any, kwargs: Any, root: Any, position: int) -> Any:
    place = lambda b: x if b is root else b.fresh().primal
    return leaves_of(function(*constants(args, place), **constants(kwargs, place)))[position]


def refuse_foreign_view(*operands: Any) -> Any:
    raise missing("a NumPy function without a rule that makes a view", operands)


def missing(called: str, args: Any = (), kwargs: Any = None, function: Any = None) -> Diagnostic:
    position = next((argument_name(function, i) for i, a in enumerate(args) if holds_traced(a)), None)
    position = position or next(
        (f"argument `{k}`" for k, v in (kwargs or {}).items() if holds_traced(v)), "an argument"
    )
    entry = listed(called) or called
    return Diagnostic(
        "W301",
        f"`{called}` has no rule, and {position} carries a derivative",
        ABSENT.get(entry, f"no row or composition for it is in the table ({len(NAMES)} functions are)"),
        WAYS_OUT.get(
            entry, "write it with functions that have one, or give its derivative with wg.primitive or wg.custom_vjp"
        ),
    )


def argument_name(function: Any, position: int) -> str:
    """By its name, where the function tells it."""
    try:
        parameters = inspect.signature(function).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
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


def carries_derivative(x: Any) -> bool:
    """Whether x is traced by a mode that differentiates, and not by a batch only."""
    if holds_objects(x):
        return any(map(carries_derivative, x.flat))
    if not isinstance(x, Value) or isinstance(x.fresh(), Buffer):
        return False
    return x.mode.differentiates or carries_derivative(x.primal)


def holds_objects(x: Any) -> bool:
    """Whether x is an object array of values."""
    return isinstance(x, np.ndarray) and x.dtype == object and any(isinstance(item, Value) for item in x.flat)


def constants(x: Any, content: Callable[[Any], Any] = unbuffer) -> Any:
    """Arguments with the plain arrays of their buffers."""
    if isinstance(x, Value):
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
