"""Calls: of the user's functions, which are staged in place, and of those that Python or a library brings along."""

import ast
import functools
import inspect
import random
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.mode import Buffer, Value, is_array
from wengert.core.tree import flatten, map_leaves
from wengert.core.types import dtype_of
from wengert.frontend.expressions import attribute, is_pythons, iterated, length_of, short_circuit, visible_cells
from wengert.frontend.read import Source, read
from wengert.frontend.refuse import EAGER, OUTSIDE, NeedsSpecialising, Refused
from wengert.frontend.route import is_foreign, route
from wengert.frontend.scope import (
    ACTIVE,
    BROKEN,
    CONTINUED,
    RESULT,
    RETURNED,
    Choice,
    Closure,
    Frame,
    Maybe,
    Range,
    Rows,
    Transparent,
    declared,
    is_box,
    root_of,
)
from wengert.modes.stage import Staged
from wengert.rules import elementwise
from wengert.rules.control import check, trip_count, value_type, weak
from wengert.rules.linear import convert
from wengert.rules.names.table import composition_of

if TYPE_CHECKING:
    from wengert.frontend.build import Staging

DEPTH = 200  # calls inside each other while staging
RECURSION = 8  # of one function in itself, before its whole-number arguments are taken for constants


def call(s: "Staging", f: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if isinstance(f, Closure):
        return enter(s, f, f.source, f.node, f.defaults, f.keyword_defaults, visible_cells(f.frame), args, kwargs)
    if isinstance(f, Choice):
        return s.conditional(f.test, lambda: call(s, f.then, args, kwargs), lambda: call(s, f.orelse, args, kwargs))
    if is_random(f):
        return drawn(s, f, args, kwargs)
    if isinstance(f, Transparent):
        return call(s, f.f, args, kwargs)
    if isinstance(f, types.MethodType):
        if isinstance(f.__self__, Value):
            return library(s, f, args, kwargs)
        return call(s, f.__func__, [f.__self__, *args], kwargs)
    if isinstance(f, functools.partial):
        return call(s, f.func, [*f.args, *args], {**f.keywords, **kwargs})
    if isinstance(f, types.FunctionType):
        return function(s, f, args, kwargs)
    handler = BUILTIN.get(f) if isinstance(f, types.BuiltinFunctionType | type) else None
    if handler is not None:
        return handler(s, *args, **kwargs)
    if isinstance(f, type):
        return instance(s, f, args, kwargs)
    if isinstance(f, types.BuiltinFunctionType | types.MethodWrapperType):
        return builtin(s, f, args, kwargs)
    if is_users(type(f)) and "__call__" in dir(type(f)):
        return call(s, type(f).__call__, [f, *args], kwargs)
    return library(s, f, args, kwargs)


def function(s: "Staging", f: types.FunctionType, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if composition_of(f) is not None:
        return library(s, f, args, kwargs)
    if is_foreign(f.__code__.co_filename):
        return library(s, f, args, kwargs)
    source = read(f)
    defaults = [
        s.fact(("default", id(f), i), lambda i=i: f.__defaults__[i], "default")
        for i in range(len(f.__defaults__ or ()))
    ]
    keywords = {k: s.fact(("default", id(f), k), lambda k=k: f.__kwdefaults__[k], k) for k in f.__kwdefaults__ or {}}
    return enter(s, f, source, source.node, defaults, keywords, {}, args, kwargs)


# ---------------------------------------------------------------- the user's functions


def enter(
    s: "Staging",
    f: Any,
    source: Source,
    node: Any,
    defaults: list[Any],
    keywords: dict[str, Any],
    cells: dict[str, Frame],
    args: list[Any],
    kwargs: dict[str, Any],
) -> Any:
    """Run the body in a frame of its own."""
    s.stage.where = s.stage.where or source.position(node)
    if isinstance(node, ast.AsyncFunctionDef) or is_generator(node):
        raise Refused(f"`{f.__name__}` is a generator or a coroutine", "return a list")
    if not s.specialised and sum(frame.source is source for frame in s.frames) > RECURSION:
        raise NeedsSpecialising
    if len(s.frames) > DEPTH:
        raise Refused(f"`{f.__name__}` calls itself more than {DEPTH} times", "write the recursion as a loop")
    frame = Frame(f, source, bind(s, f.__name__, node.args, defaults, keywords, args, kwargs), cells)
    where = s.stage.where
    with s.inside(frame):
        if isinstance(node, ast.Lambda):
            return s.eval(node.body)
        frame.nonlocals = declared(node.body, ast.Nonlocal)
        frame.outer_names = declared(node.body, ast.Global)
        frame.names.update({RETURNED: False, BROKEN: False, CONTINUED: False})
        s.block(node.body)
        s.stage.where = where
        return result_of(s, frame)


def result_of(s: "Staging", frame: Frame) -> Any:
    returned, value = frame.names[RETURNED], frame.names.get(RESULT)
    if returned is False:
        return None
    if returned is not True:
        # a program has no None beside numbers: where the function ends without `return` there is an error
        value = value.value if isinstance(value, Maybe) else value
        if value is not None:
            name = getattr(frame.function, "__name__", "the function")
            check(returned, error=TypeError, arguments=(f"{name}() returns None here, and a number on other ways",))
    return s.bound("the result", value)


def is_generator(node: Any) -> bool:
    body = node.body if isinstance(node.body, list) else [node.body]
    inner = (ast.FunctionDef, ast.Lambda, ast.ClassDef)
    todo = list(body)
    while todo:
        n = todo.pop()
        if isinstance(n, ast.Yield | ast.YieldFrom | ast.Await):
            return True
        if not isinstance(n, inner):
            todo += ast.iter_child_nodes(n)
    return False


def bind(
    s: "Staging",
    name: str,
    spec: ast.arguments,
    defaults: list[Any],
    keywords: dict[str, Any],
    args: list[Any],
    kwargs: dict[str, Any],
) -> dict[str, Any]:
    """Parameters -> values, with the errors that Python gives."""
    P = inspect.Parameter
    positional = [(a.arg, P.POSITIONAL_ONLY) for a in spec.posonlyargs]
    positional += [(a.arg, P.POSITIONAL_OR_KEYWORD) for a in spec.args]
    first = len(positional) - len(defaults)
    params = [
        P(arg, kind, default=defaults[i - first] if i >= first else P.empty) for i, (arg, kind) in enumerate(positional)
    ]
    params += [P(spec.vararg.arg, P.VAR_POSITIONAL)] if spec.vararg else []
    params += [P(a.arg, P.KEYWORD_ONLY, default=keywords.get(a.arg, P.empty)) for a in spec.kwonlyargs]
    params += [P(spec.kwarg.arg, P.VAR_KEYWORD)] if spec.kwarg else []
    try:
        bound = inspect.Signature(params).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}() {error}") from None
    bound.apply_defaults()
    names = dict(bound.arguments)
    for star in (spec.vararg, spec.kwarg):
        if star:
            s.own(names[star.arg])
    return names


# ---------------------------------------------------------------- classes


def is_users(kind: type) -> bool:
    module = getattr(kind, "__module__", "") or ""
    return module.partition(".")[0] not in LIBRARIES


LIBRARIES = frozenset(
    {"builtins", "numpy", "scipy", "wengert", "functools", "types", "collections", "itertools", "math"}
)


def instance(s: "Staging", kind: type, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A new object; its __init__ is staged where it is written in Python."""
    if not is_users(kind):
        out = library(s, kind, args, kwargs)
        return out if isinstance(out, Value | type) else s.own(out)
    init = kind.__init__
    is_plain = kind.__new__ is object.__new__ and not issubclass(kind, BaseException)
    if not is_plain or not isinstance(init, types.FunctionType) or init.__code__.co_filename.startswith("<"):
        return s.own(kind(*args, **kwargs))  # by code that a decorator such as dataclass wrote: it has no source
    new = s.own(object.__new__(kind))
    call(s, init, [new, *args], kwargs)
    return new


# ---------------------------------------------------------------- libraries


def library(s: "Staging", f: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A function that is not staged: by its rule on values of the program, as it is on facts."""
    if module_of(f).partition(".")[0] in IMPURE:
        raise Refused(f"`{f.__name__}` gives something else at each call", "call it outside, and pass what it gives")
    args = [plain_argument(s, a) for a in args]
    kwargs = {k: plain_argument(s, a) for k, a in kwargs.items()}
    if isinstance(f, types.MethodType) or module_of(f).partition(".")[0] == "wengert":
        return adopted(s, f(*args, **kwargs))
    if f is print:
        what = "`print` of a value of the program" if any(isinstance(a, Value) for a in args) else "`print`"
        raise Refused(what, "print what the function returns")
    arrays = [(a, root_of(a).aux) for a in [*args, *kwargs.values()] if is_box(a)]
    out = adopted(s, route(f)(*args, **kwargs))
    for a, before in arrays:
        if root_of(a).aux is not before:
            s.after_write(a)
    is_pythons_own = module_of(f) == "math" or (f in (round, divmod) and all(is_pythons(a) for a in args))
    return pythons(s, out) if is_pythons_own else out


def pythons(s: "Staging", x: Any) -> Any:
    """A number of NumPy as one of Python's."""
    if isinstance(x, tuple):
        return s.own(tuple(pythons(s, y) for y in x))
    return weak(x) if isinstance(x, Staged) and value_type(x).form == "scalar" else x


RANDOM = (np.random.Generator, np.random.RandomState, random.Random)
IMPURE = frozenset({"time", "datetime", "os", "posix", "uuid", "secrets", "logging"})


def is_random(f: Any) -> bool:
    if any(f is maker for maker in (np.random.default_rng, np.random.RandomState, random.Random)):
        return True  # not `in`: users define equality of their objects
    return isinstance(getattr(f, "__self__", None), RANDOM)


def drawn(s: "Staging", f: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Random numbers are drawn at each call of the program, and are inputs of it."""
    if isinstance(f, type) or f is np.random.default_rng:
        if not args or args[0] is None or any(isinstance(a, Value) for a in args):
            raise Refused("a random generator is made in the function", "make it outside: `rng = default_rng()`")
        return s.own(f(*args, **kwargs))  # the same at each call, and so is what it draws
    if s.regions:
        raise Refused(
            "random numbers are drawn in a loop or branch of the program",
            "draw them before it, in one array: `noise = rng.standard_normal(n)`",
        )
    args, kwargs = map_leaves(lambda x: s.stage.decide(x) if s.is_constant(x) else x, (args, kwargs))
    if any(isinstance(x, Value) for x in flatten((args, kwargs))[0]):
        raise Refused("random numbers with parameters of the program", "draw standard ones, then scale and shift them")
    if s.is_made(getattr(f, "__self__", None)):
        return adopted(s, f(*args, **kwargs))
    if getattr(f, "__name__", "") in ("seed", "shuffle", "set_state"):
        raise Refused(f"`{f.__name__}` changes an object that was made outside", OUTSIDE)
    first = [f(*args, **kwargs)]  # what is drawn while staging belongs to the first call

    def draw() -> Any:
        if ACTIVE.get() is not None and first:
            return first[0]
        return first.pop() if first else f(*args, **kwargs)

    return s.fact(("draw", id(first)), draw, "noise", varies=True)


def module_of(f: Any) -> str:
    owner = getattr(f, "__self__", None)
    found = getattr(f, "__module__", None) or (type(owner).__module__ if owner is not None else "")
    return str(found or "")


def plain_argument(s: "Staging", x: Any) -> Any:
    """Containers from outside as the program sees them; functions that are staged when they are called."""
    if isinstance(x, Rows | Range):
        return s.own(iterated(s, x))
    if isinstance(x, list | tuple | dict) and not s.is_made(x):
        leaves, _ = flatten(x)
        if any(isinstance(leaf, float | np.ndarray) for leaf in leaves):
            return outside_tree(s, x)
    return x


def outside_tree(s: "Staging", x: Any) -> Any:
    if isinstance(x, dict):
        return s.own({k: outside_tree(s, s.fact(("item", id(x), repr(k)), lambda k=k: x[k], str(k))) for k in x})
    if isinstance(x, list | tuple) and not hasattr(x, "_fields"):
        parts = [s.fact(("item", id(x), repr(i)), lambda i=i: x[i], "item") for i in range(length_of(s, x))]
        return s.own(type(x)(outside_tree(s, p) for p in parts))
    return x


def adopted(s: "Staging", out: Any) -> Any:
    """A result: its arrays become variables of the program, its containers belong to the function."""
    if isinstance(out, Value):
        if isinstance(out, Buffer):
            return s.stage.constant(out.fresh().primal) if isinstance(out.fresh(), Buffer) else out
        return out
    if isinstance(out, np.ndarray) and out.dtype.kind in "fciub":
        return s.stage.constant(out)
    if type(out) in (list, tuple):
        return s.own(type(out)(adopted(s, x) for x in out))
    if type(out) is dict:
        return s.own({k: adopted(s, x) for k, x in out.items()})
    if isinstance(out, tuple) and hasattr(out, "_fields"):
        return s.own(type(out)(*(adopted(s, x) for x in out)))
    return out


# ---------------------------------------------------------------- what Python brings along


def builtin(s: "Staging", f: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Methods of containers and text, and functions written in C."""
    owner = getattr(f, "__self__", None)
    if f.__name__ in CHANGING and not isinstance(owner, types.ModuleType | type | None):
        s.may_change(owner, f"`.{f.__name__}`")
        return f(*args, **kwargs)
    if isinstance(owner, str | list | tuple | dict | set | bytes):
        if isinstance(owner, dict) and not s.is_made(owner) and f.__name__ in ("items", "values", "get", "keys"):
            return of_outer_dict(s, owner, f.__name__, args)
        out = f(*args, **kwargs)
        return s.own(out) if isinstance(out, list | tuple | dict | set) else out
    return library(s, f, args, kwargs)


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
    item = lambda k: s.fact(("item", id(x), repr(k)), lambda: x[k], str(k))
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
    return call_len(s, x)


def call_len(s: "Staging", x: Any) -> Any:
    method = getattr(type(x), "__len__", None)
    return call(s, method, [x], {}) if isinstance(method, types.FunctionType) and is_users(type(x)) else len(x)


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
        return Rows(x.shape[0], lambda k: x[k])
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


def absolute(s: "Staging", x: Any) -> Any:
    return pythons(s, abs(x)) if is_pythons(x) else abs(x)


def power(s: "Staging", x: Any, y: Any) -> Any:
    return x**y


def refused(name: str, instead: str) -> Callable[..., Any]:
    def refuse(s: "Staging", *args: Any, **kwargs: Any) -> Any:
        raise Refused(f"`{name}` cannot be staged", instead)

    return refuse


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
    iter: refused("iter", "go through it with a for loop"),
    next: refused("next", "go through it with a for loop"),
    eval: refused("eval", EAGER),
    exec: refused("exec", EAGER),
    globals: refused("globals", EAGER),
    locals: refused("locals", EAGER),
    input: refused("input", EAGER),
    open: refused("open", "read the data before, and pass it"),
    id: refused("id", EAGER),
}
