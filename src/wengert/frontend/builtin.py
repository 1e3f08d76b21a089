"""What Python brings along: built-in functions, and methods of containers and text."""

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.mode import Value, is_array
from wengert.core.tree import flatten
from wengert.core.types import dtype_of
from wengert.frontend.expressions import (
    Message,
    attribute,
    is_pythons,
    iterated,
    length_of,
    number_of,
    short_circuit,
    templates,
)
from wengert.frontend.library import is_users, library, pythons
from wengert.frontend.refuse import EAGER, Refused
from wengert.frontend.scope import (
    Closure,
    Range,
    Rows,
)
from wengert.rules import elementwise
from wengert.rules.control import show, trip_count, weak
from wengert.rules.linear import convert

if TYPE_CHECKING:
    from wengert.frontend.build import Staging


def builtin(s: "Staging", f: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Methods of containers and text, and functions written in C."""
    owner = getattr(f, "__self__", None)
    if is_changing(f):
        s.may_change(owner, f"`.{f.__name__}`")
        return f(*args, **kwargs)
    if isinstance(owner, str | list | tuple | dict | set | bytes):
        if isinstance(owner, dict) and not s.is_made(owner) and f.__name__ in ("items", "values", "get", "keys"):
            return of_outer_dict(s, owner, f.__name__, args)
        out = f(*args, **kwargs)
        return s.own(out) if isinstance(out, list | tuple | dict | set) else out
    return library(s, f, args, kwargs)


def is_changing(f: Any) -> bool:
    """Whether f is a method that changes its object."""
    return f.__name__ in CHANGING and not isinstance(getattr(f, "__self__", None), types.ModuleType | type | None)


CHANGING = frozenset(
    [
        "append",
        "extend",
        "insert",
        "pop",
        "remove",
        "clear",
        "sort",
        "reverse",
        "update",
        "setdefault",
        "popitem",
        "add",
        "discard",
        "appendleft",
        "popleft",
        "extendleft",
        "rotate",
        "write",
        "writelines",
    ]
)


def of_outer_dict(s: "Staging", x: dict[Any, Any], method: str, args: list[Any]) -> Any:
    keys = s.fact(("keys", id(x)), lambda: tuple(x), "keys")

    def item(k: Any) -> Any:
        return s.fact(("item", id(x), repr(k)), lambda: x[k], str(k))

    match method:
        case "keys":
            return s.own(list(keys))
        case "values":
            return s.own([item(k) for k in keys])
        case "items":
            return s.own([s.own((k, item(k))) for k in keys])
        case _:
            return item(args[0]) if args[0] in keys else (args[1] if len(args) > 1 else None)


def staged(x: Any) -> bool:
    return isinstance(x, Value)


def make_range(s: "Staging", *bounds: Any) -> Any:
    start, stop, step = (0, bounds[0], 1) if len(bounds) == 1 else (*bounds, 1)[:3]
    if not any(map(staged, (start, stop, step))):
        return range(start, stop, step)
    return Range(start, stop, step)


def make_len(s: "Staging", x: Any) -> Any:
    if isinstance(x, Rows):
        return x.length
    if isinstance(x, list | dict | set) and not s.is_made(x):
        return length_of(s, x)
    if isinstance(x, Value) and x.shape:
        return number_of(x.shape[0])
    return call_len(s, x)


def call_len(s: "Staging", x: Any) -> Any:
    method = getattr(type(x), "__len__", None)
    return s.call(method, [x], {}) if isinstance(method, types.FunctionType) and is_users(type(x)) else len(x)


def to_float(s: "Staging", x: Any = 0.0) -> Any:
    if not staged(x):
        return float(x)
    if x.size != 1:
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    if dtype_of(x).kind == "c":
        raise TypeError("can't convert complex to float")
    x = x.reshape(()) if x.shape else x
    return weak(convert(x, dtype=np.dtype(float)))


def to_int(s: "Staging", x: Any = 0, *base: Any) -> Any:
    if not staged(x):
        return int(x, *base)
    x = x.reshape(()) if x.shape else x
    return weak(elementwise.truncate(x, dtype=np.dtype(np.int64)))


def to_bool(s: "Staging", x: Any = False) -> Any:
    return s.as_bool(s.truth(x))


def to_list(s: "Staging", x: Any = ()) -> Any:
    return s.own(iterated(s, x))


def to_tuple(s: "Staging", x: Any = ()) -> Any:
    return s.own(tuple(iterated(s, x)))


def to_dict(s: "Staging", *args: Any, **kwargs: Any) -> Any:
    pairs = (
        args[0].items()
        if args and isinstance(args[0], dict)
        else [iterated(s, p) for p in iterated(s, args[0])]
        if args
        else []
    )
    return s.own({**dict(pairs), **kwargs})


def largest(s: "Staging", *args: Any, key: Any = None, **options: Any) -> Any:
    return extreme(s, args, key, options, lambda best, x: x > best, max)


def smallest(s: "Staging", *args: Any, key: Any = None, **options: Any) -> Any:
    return extreme(s, args, key, options, lambda best, x: x < best, min)


def extreme(
    s: "Staging", args: tuple[Any, ...], key: Any, options: Any, better: Callable[..., Any], python: Any
) -> Any:
    """max and min keep the first of equal ones, as Python does."""
    found = list(args) if len(args) > 1 else iterated(s, args[0])
    if key is not None or not any(map(staged, found)):
        return python(found, key=key, **options) if key is not None else python(found, **options)
    best = found[0]
    for x in found[1:]:
        best = elementwise.where(better(best, x), x, best)
    return pythons(s, best) if all(map(is_pythons, found)) else best


def total(s: "Staging", x: Any, start: Any = 0) -> Any:
    for item in iterated(s, x):
        start = start + item
    return start


def every(s: "Staging", x: Any) -> Any:
    out: Any = True
    for item in iterated(s, x):
        out = short_circuit(s, out, lambda: s.truth(item), stops_at=False)  # noqa: B023
    return s.as_bool(out)


def some(s: "Staging", x: Any) -> Any:
    out: Any = False
    for item in iterated(s, x):
        out = short_circuit(s, out, lambda: s.truth(item), stops_at=True)  # noqa: B023
    return s.as_bool(out)


def rows_of(s: "Staging", x: Any) -> Rows | None:
    """What can be gone through by a loop of the program; None where only Python can."""
    if isinstance(x, Rows):
        return x
    if isinstance(x, range):
        return Rows(len(x), lambda k: x.start + k * x.step if (x.start, x.step) != (0, 1) else k)
    if isinstance(x, Range):
        return Rows(trip_count(x.start, x.stop, x.step), lambda k: x.start + k * x.step)
    if isinstance(x, Value) and x.shape:
        return Rows(number_of(x.shape[0]), lambda k: x[k])
    return None


def make_enumerate(s: "Staging", x: Any, start: Any = 0) -> Any:
    rows = rows_of(s, x)
    if rows is None:
        return s.own([s.own((i, item)) for i, item in enumerate(iterated(s, x), start)])
    return Rows(rows.length, lambda k: s.own((k + start, rows.item(k))))


def make_zip(s: "Staging", *xs: Any, strict: bool = False) -> Any:
    rows = [rows_of(s, x) for x in xs]
    if any(r is None or staged(r.length) for r in rows) or not rows:
        return s.own([s.own(t) for t in zip(*(iterated(s, x) for x in xs), strict=strict)])
    lengths = [r.length for r in rows if r is not None]
    if strict and len(set(lengths)) > 1:
        raise ValueError("zip() arguments have different lengths")
    return Rows(min(lengths), lambda k: s.own(tuple([r.item(k) for r in rows if r is not None])))


def make_reversed(s: "Staging", x: Any) -> Any:
    rows = rows_of(s, x)
    if rows is None:
        return s.own(list(reversed(iterated(s, x))))
    return Rows(rows.length, lambda k: rows.item(rows.length - 1 - k))


def make_map(s: "Staging", f: Any, *xs: Any) -> Any:
    return s.own([s.call(f, list(items), {}) for items in zip(*(iterated(s, x) for x in xs))])


def is_instance(s: "Staging", x: Any, kinds: Any) -> bool:
    if not staged(x):
        return isinstance(x, kinds)
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    return any(issubclass(python_type(x), kind) for kind in kinds)


def python_type(x: Any) -> type:
    return np.ndarray if is_array(x) else type(x.primal)


def type_of_object(s: "Staging", x: Any, *more: Any) -> Any:
    return type(x, *more) if more else python_type(x) if staged(x) else type(x)


def get_attribute(s: "Staging", x: Any, name: str, *default: Any) -> Any:
    return attribute(s, x, name) if hasattr(x, name) or not default else default[0]


def make_super(s: "Staging", *args: Any) -> Any:
    """Without arguments: the class whose body holds the function, and the first argument of the call."""
    if args:
        return super(*args)
    frame, f = s.frame, s.frame.function
    while isinstance(f, Closure) or frame.around is not None:
        frame = frame.around or f.frame
        f = frame.function
    cell = f.__closure__[f.__code__.co_freevars.index("__class__")]
    return super(cell.cell_contents, s.bound("self", frame.names[f.__code__.co_varnames[0]]))


def make_print(
    s: "Staging", *args: Any, sep: Any = " ", end: Any = "\n", file: Any = None, flush: bool = False
) -> None:
    """Prints when the program runs."""
    if file is not None:
        raise Refused("`print` into a file", "print without `file`, or what the function returns")
    if any(isinstance(x, Value) for a in args if not isinstance(a, Value | Message) for x in flatten(a)[0]):
        raise Refused("`print` of a container with values of the program in it", "print its items: `print(*x)`")
    texts, values = templates([a if isinstance(a, Value | Message) else str(a) for a in args])
    s.stage.apply(show, tuple(values), {"texts": texts, "sep": sep, "end": end})
    s.prints = True


def absolute(s: "Staging", x: Any) -> Any:
    return pythons(s, abs(x)) if is_pythons(x) else abs(x)


def power(s: "Staging", x: Any, y: Any) -> Any:
    return x**y


class Never:
    """In place of a handler: whatever it is given, this cannot be staged."""

    def __init__(self, name: str, instead: str) -> None:
        self.name, self.instead = name, instead

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise Refused(f"`{self.name}` cannot be staged", self.instead)


BUILTIN: dict[Any, Callable[..., Any]] = {
    range: make_range,
    len: make_len,
    float: to_float,
    int: to_int,
    bool: to_bool,
    list: to_list,
    tuple: to_tuple,
    dict: to_dict,
    max: largest,
    min: smallest,
    sum: total,
    all: every,
    any: some,
    enumerate: make_enumerate,
    zip: make_zip,
    reversed: make_reversed,
    map: make_map,
    isinstance: is_instance,
    type: type_of_object,
    getattr: get_attribute,
    setattr: lambda s, x, name, value: s.set_attribute(x, name, value),
    abs: absolute,
    pow: power,
    super: make_super,
    print: make_print,
    iter: Never("iter", "go through it with a for loop"),
    next: Never("next", "go through it with a for loop"),
    eval: Never("eval", EAGER),
    exec: Never("exec", EAGER),
    globals: Never("globals", EAGER),
    locals: Never("locals", EAGER),
    input: Never("input", EAGER),
    open: Never("open", "read the data before, and pass it"),
    id: Never("id", EAGER),
}
