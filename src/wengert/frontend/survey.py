"""What staging certainly refuses, from the source alone: nothing is run, and no argument is known.

The text of the function is gone through, and that of the functions which it calls by names that lead to them.  What is
refused is said where staging says it: in the tables of statements, expressions and builtins, and in what their
functions refuse.  A name that is bound anywhere in the function means something that only a run tells.
"""

import ast
import builtins
import functools
import inspect
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic, Position, definition
from wengert.frontend import expressions, statements
from wengert.frontend.builtin import BUILTIN, Never, is_changing
from wengert.frontend.calls import has_staged_init, refuse_suspended
from wengert.frontend.library import RANDOM, is_random, is_users, made_generator, makes_generator, refuse_impure
from wengert.frontend.read import Source, read
from wengert.frontend.refuse import (
    Refusals,
    Refused,
    changed_outside,
    global_assigned,
    outer_assigned,
    places_of,
    written_outside,
)
from wengert.frontend.route import cell_content, closure_of, is_foreign
from wengert.frontend.scope import Transparent, declared
from wengert.rules.names.table import composition_of


class Unknown:
    """In place of what a name or an expression means, where only a run tells."""


def survey(f: Callable[..., Any]) -> Refusals:
    """The places that staging refuses whatever f is given."""
    return surveyed(f).refusals


def texts(f: Callable[..., Any]) -> "list[Text]":
    """f, and the functions that it calls by names which lead to them, and so on."""
    return surveyed(f).read


def surveyed(f: Callable[..., Any]) -> "Survey":
    found = Survey(Refusals(getattr(f, "__name__", type(f).__name__)))
    found.at(definition(inspect.unwrap(f)) or Position("<unknown>", 1), lambda: found.called(f))
    while found.waiting:
        text = found.waiting.pop(0)
        found.read.append(text)
        found.at(text.source.position(text.source.node), lambda: found.function(text))  # noqa: B023
    return found


@dataclass
class Text:
    """A function to be read.

    known   names that mean something although they are parameters: `self` of a bound method
    """

    function: types.FunctionType
    source: Source
    known: dict[str, Any]

    @functools.cached_property
    def bound(self) -> set[str]:
        """Names that are bound anywhere in it."""
        nodes = list(ast.walk(self.source.node))
        stored = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        named = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef) and n is not self.source.node}
        aliases = {(n.asname or n.name).partition(".")[0] for n in nodes if isinstance(n, ast.alias)}
        return {
            *stored,
            *named,
            *aliases,
            *(n.arg for n in nodes if isinstance(n, ast.arg) and n.arg not in self.known),
        }

    def meaning(self, node: ast.expr) -> Any:
        """What an expression leads to, if no run is needed to tell."""
        if isinstance(node, ast.Attribute):
            return member(self.meaning(node.value), self.source.mangled(node.attr))
        return self.value(self.source.mangled(node.id)) if isinstance(node, ast.Name) else Unknown

    def value(self, name: str) -> Any:
        if name in self.bound:
            return Unknown
        if name in self.known:
            return self.known[name]
        cells = dict(closure_of(self.function))
        if name in cells:
            return cell_content(cells[name])
        return self.function.__globals__.get(name, getattr(builtins, name, Unknown))


def member(base: Any, name: str) -> Any:
    """An attribute, without running a property or `__getattr__`."""
    if base is Unknown:
        return Unknown
    if isinstance(base, (types.ModuleType, list, dict, set, np.ndarray, *RANDOM)):
        return getattr(base, name, Unknown)
    found = inspect.getattr_static(base, name, Unknown)
    if isinstance(found, staticmethod | classmethod):
        return found.__func__
    if isinstance(found, types.FunctionType):
        is_method = inspect.getattr_static(type(base), name, None) is found
        return types.MethodType(found, base) if is_method else found
    return Unknown if inspect.isdatadescriptor(found) else found


@dataclass
class Survey:
    refusals: Refusals
    waiting: list[Text] = field(default_factory=list)
    read: list[Text] = field(default_factory=list)
    seen: set[types.CodeType] = field(default_factory=set)

    def at(self, where: Position, look: Callable[[], None]) -> bool:
        """Note what is refused there; whether nothing is."""
        try:
            look()
        except Refused as refused:
            self.refusals.note(where, refused)
        except Diagnostic as found:
            for place in places_of(found, where):
                self.refusals.add(place)
        else:
            return True
        return False

    # ------------------------------------------------------------ calls

    def called(self, f: Any, owner: Any = Unknown, node: ast.Call | None = None) -> None:
        """A call of f: as `calls.call` tells one kind from another."""
        if is_random(f):
            if makes_generator(f) and node is not None and not node.args:
                raise made_generator()
        elif isinstance(f, Transparent):
            self.called(f.f)
        elif isinstance(f, types.MethodType):
            self.called(f.__func__, f.__self__)
        elif isinstance(f, functools.partial):
            self.called(f.func)
        elif isinstance(f, types.FunctionType):
            self.python(f, owner)
        elif isinstance(f, type):
            self.made(f)
        elif isinstance(f, types.BuiltinFunctionType):
            self.builtin(f)
        elif is_users(type(f)) and "__call__" in dir(type(f)):
            self.called(type(f).__call__, f)
        elif callable(f):
            refuse_impure(f)

    def python(self, f: types.FunctionType, owner: Any) -> None:
        if composition_of(f) is not None or (is_foreign(f.__code__.co_filename) and not hasattr(f, "__wrapped__")):
            refuse_impure(f)
        elif is_foreign(f.__code__.co_filename):  # a derivative of the user's function, or what a decorator made of it
            self.called(inspect.unwrap(f))
        elif f.__code__ not in self.seen:
            self.seen.add(f.__code__)
            names = f.__code__.co_varnames[: f.__code__.co_argcount]
            self.waiting.append(Text(f, read(f), {} if owner is Unknown else dict(zip(names, [owner]))))

    def made(self, kind: type) -> None:
        if is_users(kind) and has_staged_init(kind):
            self.python(kind.__init__, Unknown)  # type: ignore[misc]  # of this very class

    def builtin(self, f: types.BuiltinFunctionType) -> None:
        handler = BUILTIN.get(f)
        if isinstance(handler, Never):
            handler()
        if is_changing(f):
            raise changed_outside(f"`.{f.__name__}`")
        refuse_impure(f)

    # ------------------------------------------------------------ the text

    def function(self, text: Text) -> None:
        node = text.source.node
        refuse_suspended(getattr(node, "name", "<lambda>"), node)
        if isinstance(node, ast.Lambda):
            self.expression(text, node.body)
        else:
            self.block(text, node.body, declared(node.body, ast.Global))

    def block(self, text: Text, body: list[ast.stmt], global_names: set[str]) -> None:
        """Where a statement itself is refused, what stands in it is not looked at, as in staging."""
        for node in body:
            if not self.at(text.source.position(node), lambda: self.statement(text, node, global_names)):  # noqa: B023
                continue
            names = declared(node.body, ast.Global) if isinstance(node, ast.FunctionDef) else global_names
            for part in ("body", "orelse"):
                self.block(text, getattr(node, part, []), names)

    def statement(self, text: Text, node: ast.stmt, global_names: set[str]) -> None:
        statements.handler_of(node)
        for inner in children(node):
            self.expression(text, inner)
        if isinstance(node, ast.FunctionDef):
            refuse_suspended(node.name, node)
        elif isinstance(node, ast.Raise) and node.exc is None:
            raise statements.nothing_to_raise()
        elif isinstance(node, ast.With):
            for item in node.items:
                self.context(text, item.context_expr)
        for name in [n.id for e in children(node) for n in ast.walk(e) if is_stored(n)]:  # type: ignore[attr-defined]
            if name in global_names:
                raise global_assigned(name)
        if isinstance(node, ast.Nonlocal):
            for name in set(node.names) & set(text.function.__code__.co_freevars):
                raise outer_assigned(name)

    def context(self, text: Text, e: ast.expr) -> None:
        kind = text.meaning(e.func) if isinstance(e, ast.Call) else Unknown
        if kind is not Unknown and isinstance(kind, type) and not statements.is_setting(kind):
            raise statements.context_manager()

    def expression(self, text: Text, e: ast.expr) -> None:
        if not isinstance(e, ast.FormattedValue):  # a part of an f-string
            expressions.handler_of(e)
        for inner in children(e):
            self.expression(text, inner)
        if isinstance(e, ast.Call):
            f = text.meaning(e.func)
            if f is not Unknown:
                self.called(f, node=e)
        elif isinstance(e, ast.Subscript | ast.Attribute) and not isinstance(e.ctx, ast.Load):
            self.changed(text, e)

    def changed(self, text: Text, e: ast.Subscript | ast.Attribute) -> None:
        """A part of an object is set or deleted: certain to be refused where a name from outside leads to it."""
        base = text.meaning(e.value)
        if base is Unknown:
            return
        if isinstance(e, ast.Attribute):
            if isinstance(e.ctx, ast.Del):
                raise statements.not_deletable()
            if not isinstance(inspect.getattr_static(type(base), e.attr, None), property):
                raise changed_outside(f"the assignment to `.{text.source.mangled(e.attr)}`")
        elif isinstance(e.ctx, ast.Del):
            raise changed_outside("`del`")
        elif isinstance(base, np.ndarray):
            raise written_outside()
        elif isinstance(base, list | dict):
            raise changed_outside("an assignment to an item")


def is_stored(n: ast.AST) -> bool:
    return isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)


NOT_STAGED = ("annotation", "returns", "type_params")


def children(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions right below a node, but in annotations; those of inner statements are theirs."""
    for name, value in ast.iter_fields(node):
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.expr) and name not in NOT_STAGED:
                yield part
            elif isinstance(part, ast.AST) and not isinstance(part, ast.stmt):
                yield from children(part)
