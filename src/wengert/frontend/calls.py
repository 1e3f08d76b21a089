"""Calls of the user's functions and classes, which are staged in place."""

import ast
import functools
import types
from typing import TYPE_CHECKING, Any

from wengert.core.mode import Value
from wengert.frontend import helpers
from wengert.frontend.builtin import BUILTIN, builtin
from wengert.frontend.expressions import visible_cells
from wengert.frontend.library import drawn, is_random, is_users, library
from wengert.frontend.read import Source, read
from wengert.frontend.refuse import Endless, NeedsGeneral, NeedsSpecialising, Refused
from wengert.frontend.route import is_foreign, own_derivatives
from wengert.frontend.scope import (
    BROKEN,
    CONTINUED,
    RESULT,
    RETURNED,
    Choice,
    Closure,
    Frame,
    Maybe,
    Transparent,
    declared,
    signature_of,
)
from wengert.ir.program import numeric
from wengert.rules.control import check, value_type, weak
from wengert.rules.linear import convert
from wengert.rules.names.table import composition_of

if TYPE_CHECKING:
    from wengert.frontend.build import Staging

DEPTH = 200  # calls inside each other while staging
RECURSION = 8  # of one function in itself, before numbers that are constants at each depth become values of the program


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


def default(s: "Staging", f: types.FunctionType, key: Any, name: str) -> Any:
    """What stands for a parameter that may be left out; key: its place, or its name where it has no place."""

    def read() -> Any:
        defaults: Any = f.__defaults__ if isinstance(key, int) else f.__kwdefaults__
        return defaults[key]

    return s.fact(("default", id(f), key), read, name)


def function(s: "Staging", f: types.FunctionType, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if composition_of(f) is not None:
        return library(s, f, args, kwargs)
    if is_foreign(f.__code__.co_filename):
        return library(s, f, args, kwargs)
    if f in own_derivatives and own_derivatives[f].is_for(args, kwargs):
        return library(s, own_derivatives[f], args, kwargs)
    source = read(f)
    defaults = [default(s, f, i, "default") for i in range(len(f.__defaults__ or ()))]
    keywords = {name: default(s, f, name, name) for name in f.__kwdefaults__ or {}}
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
    """The body runs in a frame of its own."""
    s.stage.where = s.stage.where or source.position(node)
    refuse_suspended(f.__name__, node)
    if len(s.frames) > DEPTH:
        raise Endless(f"`{f.__name__}` calls itself more than {DEPTH} times", "write the recursion as a loop")
    frame = Frame(f, source, bind(s, f.__name__, node.args, defaults, keywords, args, kwargs), cells)
    if s.is_general(source):
        frame.names.update({name: variable(s, name, x) for name, x in frame.names.items() if s.is_known(x)})
    if not s.specialised and sum(frame.source is source for frame in s.frames) > RECURSION:
        raise NeedsGeneral(source) if s.may_be_general(frame) else NeedsSpecialising
    if not s.frames and not s.is_general(source):
        return body(s, frame, node)
    return helpers.called(s, f, frame, lambda: body(s, frame, node))


def variable(s: "Staging", name: str, x: Any) -> Any:
    """A number as a value of the program, in which another may take its place."""
    type = numeric(value_type(x))
    row, params = (weak, {}) if type.form == "weak" else (convert, {"dtype": type.dtype})
    return s.stage.emit(row, [x], params, [type], [name])[0]


def body(s: "Staging", frame: Frame, node: Any) -> Any:
    where = s.stage.where
    with s.inside(frame):
        if isinstance(node, ast.Lambda):
            return s.eval(node.body)
        frame.nonlocals = declared(node.body, ast.Nonlocal)
        s.note_rebinding(frame)
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


def refuse_suspended(name: str, node: Any) -> None:
    if isinstance(node, ast.AsyncFunctionDef) or is_generator(node):
        raise Refused(f"`{name}` is a generator or a coroutine", "return a list")


@functools.lru_cache(4096)
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
    try:
        bound = signature_of(spec, defaults, keywords).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}() {error}") from None
    bound.apply_defaults()
    names = dict(bound.arguments)
    for star in (spec.vararg, spec.kwarg):
        if star:
            s.own(names[star.arg])
    return names


# ---------------------------------------------------------------- classes


def instance(s: "Staging", kind: type, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A new object; its __init__ is staged where it is written in Python."""
    if not is_users(kind):
        out = library(s, kind, args, kwargs)
        return out if isinstance(out, Value | type) else s.own(out)
    if not has_staged_init(kind):
        return s.own(kind(*args, **kwargs))
    made = s.own(object.__new__(kind))
    call(s, kind.__init__, [made, *args], kwargs)  # type: ignore[misc]  # of this very class
    return made


def has_staged_init(kind: type) -> bool:
    """Whether it is written in Python; code that a decorator such as dataclass wrote has no source."""
    init = kind.__init__  # type: ignore[misc]  # of this very class
    new: Any = kind.__new__
    is_plain = new is object.__new__ and not issubclass(kind, BaseException)
    return is_plain and isinstance(init, types.FunctionType) and not init.__code__.co_filename.startswith("<")
