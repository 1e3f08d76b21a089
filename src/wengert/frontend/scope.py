"""Names: frames of the functions being staged, and what stands for functions and ranges in them."""

import ast
import functools
import inspect
import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wengert.core.mode import Value
from wengert.frontend.read import Source
from wengert.ir.program import Var

if TYPE_CHECKING:
    from wengert.frontend.build import Staging

RETURNED, RESULT, BROKEN, CONTINUED = "%returned", "%result", "%broken", "%continued"  # state that Python keeps itself


# the program that is being built: what functions staged inside it read from outside, it reads, too
ACTIVE: "ContextVar[Staging | None]" = ContextVar("ACTIVE", default=None)


@contextmanager
def apart() -> Iterator[None]:
    """Out of the program that is being built: what runs inside has no part in it."""
    token = ACTIVE.set(None)
    try:
        yield
    finally:
        ACTIVE.reset(token)


class Unbound:
    """In place of a value: the name has none."""


class Poison:
    """In place of a value that differs in kind between two ways to get there, or could not be computed."""

    def __init__(self, reason: str | None = None) -> None:
        self.reason = reason  # None: an earlier place was refused


@dataclass
class Maybe:
    """A value that its name has only where `bound` is true."""

    value: Any
    bound: Any


@dataclass(eq=False)
class Frame:
    """One call of a function of the user's."""

    function: Any
    source: Source
    names: dict[str, Any]
    cells: "dict[str, Frame]" = field(default_factory=dict)  # free variables that belong to an outer frame
    outer_names: set[str] = field(default_factory=set)  # declared global
    nonlocals: set[str] = field(default_factory=set)
    around: "Frame | None" = None  # of a comprehension: where its `:=` binds
    number: int = field(default_factory=itertools.count().__next__)  # later calls have higher ones

    def owner(self, name: str) -> "Frame":
        """The frame that a nonlocal name belongs to."""
        return self.cells[name] if name in self.nonlocals else self

    def others(self, without: "Collection[Name]") -> list[Any]:
        """What the names hold but these."""
        if not without:
            return list(self.names.values())
        return [v for name, v in self.names.items() if (self, name) not in without]


Name = tuple[Frame, str]


class Transparent:
    """Something that is staged as the function `f` in it: jit of a function."""

    f: Callable[..., Any]


def signature_of(spec: ast.arguments, defaults: list[Any], keywords: dict[str, Any]) -> inspect.Signature:
    """The parameters in the text of a function, with the values of those that may be left out."""
    P = inspect.Parameter
    positional: list[tuple[str, Any]] = [(a.arg, P.POSITIONAL_ONLY) for a in spec.posonlyargs]
    positional += [(a.arg, P.POSITIONAL_OR_KEYWORD) for a in spec.args]
    values = [*[P.empty] * (len(positional) - len(defaults)), *defaults]
    params = [P(name, kind, default=value) for (name, kind), value in zip(positional, values)]
    params += [P(spec.vararg.arg, P.VAR_POSITIONAL)] if spec.vararg else []
    params += [P(a.arg, P.KEYWORD_ONLY, default=keywords.get(a.arg, P.empty)) for a in spec.kwonlyargs]
    params += [P(spec.kwarg.arg, P.VAR_KEYWORD)] if spec.kwarg else []
    return inspect.Signature(params)


class Closure:
    """A function that was defined while staging.  No dataclass, since these are containers of values; what functions
    such as functools.wraps note on it is apart from its own state."""

    __slots__ = ("__dict__", "defaults", "frame", "keyword_defaults", "node", "source", "staging")

    def __init__(
        self,
        staging: "Staging",
        node: Any,
        source: Source,
        frame: Frame,
        defaults: list[Any],
        keyword_defaults: dict[str, Any],
    ) -> None:
        self.staging, self.node, self.source, self.frame = staging, node, source, frame
        self.defaults, self.keyword_defaults = defaults, keyword_defaults
        self.__name__ = self.__qualname__ = getattr(node, "name", "<lambda>")

    @property
    def __signature__(self) -> inspect.Signature:
        """What its parameters are called, and which of them may be left out."""
        return signature_of(self.node.args, self.defaults, self.keyword_defaults)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.staging.call(self, args, kwargs)


@dataclass(eq=False)
class Entered:
    """What a name holds at the start of an iteration.

    is_read        before it is bound again
    is_overtaken   the array that it may be is written under another name
    is_stale       and is read after that
    """

    value: Any
    is_read: bool = False
    is_overtaken: bool = False
    is_stale: bool = False

    def read(self) -> Any:
        self.is_read = True
        self.is_stale = self.is_stale or self.is_overtaken
        return self.value


@dataclass(eq=False)
class Alias:
    """`box` is the array `source` where `when` is true; None where it is known at run time only."""

    box: Any
    source: Any
    when: Any


class Choice:
    """One of two functions."""

    def __init__(self, test: Any, then: Any, orelse: Any) -> None:
        self.test, self.then, self.orelse = test, then, orelse

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("it is known at run time only which function this is")


class Range:
    """range() with bounds of the program."""

    def __init__(self, start: Any, stop: Any, step: Any) -> None:
        self.start, self.stop, self.step = start, stop, step


class Rows:
    """What a loop over arrays yields: item k of each is a function of k."""

    def __init__(self, length: Any, item: Callable[[Any], Any]) -> None:
        self.length, self.item = length, item


def bound_names(statements: Sequence[ast.stmt | ast.expr]) -> list[str]:
    """Names that the statements bind, in the order of the text; those of inner functions are their own."""
    return list(dict.fromkeys(name for statement in statements for name in bound_in_statement(statement)))


@functools.lru_cache(16384)
def bound_in_statement(statement: ast.stmt | ast.expr) -> list[str]:
    found: dict[str, None] = {}
    for node in walk_here(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found[name] = None
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found[name] = None
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found.update((a.asname or a.name.partition(".")[0], None) for a in names)
            case ast.ExceptHandler(name=str(name)):
                found[name] = None
    return list(found)


def walk_here(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, without the bodies of functions, classes and comprehensions."""
    yield node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
        return
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                yield inner.target
        return
    for child in ast.iter_child_nodes(node):
        yield from walk_here(child)


def declared(statements: list[ast.stmt], kind: type) -> set[str]:
    return {name for s in statements for name in declared_in_statement(s, kind)}


@functools.lru_cache(16384)
def declared_in_statement(statement: ast.stmt, kind: type) -> list[str]:
    return [name for node in walk_here(statement) if isinstance(node, kind) for name in node.names]  # type: ignore[attr-defined]


# ---------------------------------------------------------------- arrays that names hold


def is_box(x: Any) -> bool:
    """Whether x is an array under its names: what one of them writes, all see."""
    if not is_staged_handle(x):
        return False
    return isinstance(x.aux, Var) and getattr(x.aux.type, "form", None) == "array"


def is_staged_handle(x: Any) -> bool:
    """Whether x is a value of a program; a view may be one of a region that has ended, and is not read for that."""
    return isinstance(x, Value) and (x.mode.staged or x.fresh().mode.staged)


def root_of(x: Value) -> Any:
    return x.link.root if x.link is not None else x
