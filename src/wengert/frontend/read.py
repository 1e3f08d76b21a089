"""Reading: from a function object to its syntax tree, with the places that the user's file has.

The file is compiled again, and the function's code must be among the result: where the function was edited after its
import there is an error, never the tree of other code.  The whole file is parsed, not the lines of the function, so
that lines, columns, `from __future__` and the names of private attributes are those of the file.

    def      found by its first line (of the first decorator): a line holds the start of at most one
    lambda   found by the columns of its instructions, which lie in its body and not in that of a lambda inside it

Where the text comes from is Python's business: `linecache` knows files, zip archives, notebook cells, doctests and,
from Python 3.13 on, the prompt.

Limit: pytest rewrites `assert` in the files of tests, so a function of such a file is only compared by its names and
numbers.
"""

import __future__

import ast
import functools
import linecache
import re
import threading
import warnings
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FunctionType, MethodDescriptorType
from typing import Any

from wengert.core.diagnostic import Diagnostic, Position

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
# the only one that is not in force anyway; at a prompt and in notebooks it holds for the inputs that follow
FUTURE = __future__.annotations.compiler_flag
Place = tuple[int, int]  # line from 1, column in bytes of UTF-8 from 0: what ast and code objects count in


@dataclass(frozen=True)
class Source:
    """The syntax tree of a function.

    node        shared by all who read the function: not to be written.  The code is what Python runs; defaults,
                decorators and annotations are evaluated once, so those of the function object count
    filename    as tracebacks show it
    lines       of the whole file
    class_name  the class whose body holds the function, at any depth; None outside of classes
    """

    node: Definition
    filename: str
    lines: tuple[str, ...]
    class_name: str | None = None

    def position(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword) -> Position:
        """Where a node of the tree stands, its columns counted in characters."""
        column = self.characters(node.lineno, node.col_offset)
        if node.end_lineno != node.lineno or node.end_col_offset is None:
            return Position(self.filename, node.lineno, column)
        return Position(self.filename, node.lineno, column, self.characters(node.lineno, node.end_col_offset))

    def characters(self, line: int, column: int) -> int:
        text = self.lines[line - 1].encode()
        return len(text[:column].decode(errors="replace"))

    def mangled(self, name: str) -> str:
        """The name that `__name` stands for: Python's reference, 6.2.1, "Private name mangling"."""
        owner = (self.class_name or "").lstrip("_")
        is_private = name.startswith("__") and not name.endswith("__") and "." not in name
        return f"_{owner}{name}" if owner and is_private else name


def read(f: Any) -> Source:
    """The source of a Python function; W601 where there is none, or where it is not what Python runs."""
    if not isinstance(f, FunctionType):
        raise not_python(f)
    known = _sources.get(id(f.__code__))
    return known[1] if known is not None else remember(f.__code__, find(f))


# By identity: equal code may stem from two files, and equality does not see the name of the file.
_sources: dict[int, tuple[weakref.ref[CodeType], Source]] = {}


def remember(code: CodeType, source: Source) -> Source:
    key = id(code)
    _sources[key] = weakref.ref(code, lambda _: _sources.pop(key, None)), source
    return source


def find(f: FunctionType) -> Source:
    """In the text that Python has at hand, which may be older than the file, or else in the file as it is now."""
    code = f.__code__
    for is_fresh in (False, True):
        file = file_of(f)
        source = file.find(code, "@pytest_ar" in f.__globals__)
        if source is None and is_fresh:
            source = file.find_moved(code)
        if source is not None:
            return source
        linecache.checkcache(code.co_filename)
    raise missing(f) if code.co_filename in WITHOUT_TEXT or not text_of(f) else changed(f)


def text_of(f: FunctionType) -> str:
    return "".join(linecache.getlines(f.__code__.co_filename, f.__globals__))


def file_of(f: FunctionType) -> "File":
    filename, flags = f.__code__.co_filename, f.__code__.co_flags & FUTURE
    try:
        return parse(text_of(f), filename, flags)
    except (SyntaxError, ValueError):  # edited, and no longer Python; ValueError: a null byte
        return parse("", filename, flags)


# ---------------------------------------------------------------- one file


@dataclass(frozen=True)
class File:
    """What a text imports and defines; `definitions` and codes by name and by the line that code objects call first."""

    text: str
    filename: str
    flags: int
    tree: ast.Module
    imports: list[ast.stmt]
    definitions: dict[tuple[str, int], Source]
    lambdas: list[Source]

    def codes_around(self, line: int) -> dict[tuple[str, int], list[CodeType]]:
        """Of all functions in the statements of the module that this line is part of.

        With all imports of the module: Python calls what belongs to an imported name by other instructions.
        """
        around = [s for s in self.tree.body if first_line(s) <= line <= (s.end_lineno or line)]
        imports = [s for s in self.imports if s not in around]
        return codes_by_line(ast.Module([*imports, *around], []), self.filename, self.flags)

    def find(self, code: CodeType, is_rewritten: bool) -> Source | None:
        line = code.co_firstlineno
        for other in self.codes_around(line).get((code.co_name, line), ()):
            if is_same(code, other) or (is_rewritten and resembles(code, other)):
                return self.source_of(code)
        return None

    def find_moved(self, code: CodeType) -> Source | None:
        """The same code at another place, if there is but one: the file was edited elsewhere.

        Autoreload of IPython leaves such code with its old lines, and gives new code lines of no file.
        """
        there = codes_by_line(self.tree, self.filename, self.flags)
        named = [c for (name, _), codes in there.items() if name == code.co_name for c in codes]
        twins = [c for c in named if equal_without_places(code, c)]
        twins = [c for c in twins if c.co_qualname == code.co_qualname] or twins
        sources = {id(source): source for source in map(self.source_of, twins) if source is not None}
        return sources.popitem()[1] if len(sources) == 1 else None

    def source_of(self, code: CodeType) -> Source | None:
        if code.co_name != "<lambda>":
            return self.definitions.get((code.co_name, code.co_firstlineno))
        here = [source for source in self.lambdas if source.node.lineno == code.co_firstlineno]
        if len(here) == 1:
            return here[0]
        place = first_place(code)
        return self.lambda_without_columns(code) if place is None else innermost(here, place)

    def lambda_without_columns(self, code: CodeType) -> Source | None:
        """One of those on the line with the same code; others with the same code do the same.

        Python 3.12 gives no columns to a lambda that returns a constant, `-X no_debug_ranges` gives them to none.
        So each is moved to a line of its own, which its code then tells.
        """
        tree = tree_of(self.text, self.filename, self.flags)
        twins = [node for node, _ in definitions_in(tree, self.text) if isinstance(node, ast.Lambda)]
        first = code.co_firstlineno
        here = [(s, twin) for s, twin in zip(self.lambdas, twins) if s.node.lineno == first]
        below = len(self.lambdas[0].lines)
        for step, (source, twin) in enumerate(here, 1):
            move(source.node, twin, step * below)
        codes = codes_by_line(tree, self.filename, self.flags)
        for step, (source, _) in enumerate(here, 1):
            candidates = codes.get(("<lambda>", first + step * below), ())
            if any(equal_without_places(code, other) for other in candidates):
                return source
        return None


def move(node: ast.AST, twin: ast.AST, lines: int) -> None:
    """Set a copy of a node that many lines below the original: all of it, since a change of line makes a NOP."""
    for old, new in zip(ast.walk(node), ast.walk(twin)):
        if isinstance(old, ast.expr | ast.arg | ast.keyword) and isinstance(new, type(old)):
            new.lineno, new.end_lineno = old.lineno + lines, (old.end_lineno or old.lineno) + lines


def innermost(lambdas: list[Source], place: Place) -> Source | None:
    """The lambda whose instructions stand there: those of an inner one stand in its body, outer ones surround both."""
    around = [(start, source) for source in lambdas for start, end in [body_of(source)] if start <= place < end]
    return max(around, key=lambda pair: pair[0])[1] if around else None


def body_of(source: Source) -> tuple[Place, Place]:
    assert isinstance(source.node, ast.Lambda)
    body = source.node.body
    return (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)


@functools.lru_cache(maxsize=64)
def parse(text: str, filename: str, flags: int) -> File:
    tree = tree_of(text, filename, flags)
    lines = tuple(re.split("\r\n?|\n", text))
    sources = [Source(node, filename, lines, owner) for node, owner in definitions_in(tree, text)]
    definitions = {key_of(s.node): s for s in sources if not isinstance(s.node, ast.Lambda)}
    lambdas = [s for s in sources if isinstance(s.node, ast.Lambda)]
    return File(text, filename, flags, tree, imports_in(tree), definitions, lambdas)


def tree_of(text: str, filename: str, flags: int) -> ast.Module:
    tree = compiled(text, filename, flags | ast.PyCF_ONLY_AST)
    assert isinstance(tree, ast.Module)
    return tree


_filters = threading.Lock()  # two threads in `catch_warnings` may restore each other's filters


def compiled(text: str | ast.Module, filename: str, flags: int) -> Any:
    """Notebooks allow `await` outside of functions.  Warnings were given when the file was imported."""
    with _filters, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(text, filename, "exec", flags | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def definitions_in(tree: ast.Module, text: str) -> Iterator[tuple[Definition, str | None]]:
    """All functions with the class that mangles their names.  A stack, because long sums are deep trees."""
    has_lambdas = "lambda" in text  # else no expression defines anything, and most of a tree are expressions
    stack: list[tuple[ast.AST, str | None]] = [(tree, None)]
    while stack:
        node, owner = stack.pop()
        if isinstance(node, ast.expr) and not has_lambdas:
            continue
        if isinstance(node, Definition):
            yield node, owner
        if isinstance(node, ast.ClassDef):
            stack += [(child, node.name) for child in node.body]
            stack += [(child, owner) for child in children(node) if child not in node.body]
        else:
            stack += [(child, owner) for child in children(node)]


def imports_in(tree: ast.Module) -> list[ast.stmt]:
    """Those of the module itself, also under `if` and `try`."""
    found: list[ast.stmt] = []
    stack: list[ast.AST] = tree.body[::-1]  # type: ignore[assignment]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.append(node)
        elif not isinstance(node, ast.expr | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            stack += children(node)[::-1]
    return found


def children(node: ast.AST) -> list[ast.AST]:
    """As `ast.iter_child_nodes` gives them, in a third of the time."""
    found = []
    for part in vars(node).values():
        if isinstance(part, list):
            found += [x for x in part if isinstance(x, ast.AST)]
        elif isinstance(part, ast.AST) and not isinstance(part, ast.expr_context):
            found.append(part)
    return found


def codes_by_line(tree: ast.Module, filename: str, flags: int) -> dict[tuple[str, int], list[CodeType]]:
    """Of all functions in it.  Two codes of one come from `finally`, and several lambdas may share a line."""
    found: dict[tuple[str, int], list[CodeType]] = {}
    try:
        stack = [compiled(tree, filename, flags)]
    except (SyntaxError, ValueError):  # edited, and no longer Python: a `return` outside of functions
        return found
    while stack:
        code = stack.pop()
        found.setdefault((code.co_name, code.co_firstlineno), []).append(code)
        stack += nested(code)
    return found


def nested(code: CodeType) -> list[CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


# ---------------------------------------------------------------- places


def key_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, int]:
    """`co_name` and `co_firstlineno` of its code.  Evaluators of type parameters share the line, not the name."""
    return node.name, first_line(node)


def first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def first_place(code: CodeType) -> Place | None:
    """Where the first instruction stands that comes from the body; those that Python adds have no width."""
    for line, end_line, column, end_column in code.co_positions():
        if line is None or end_line is None or column is None or end_column is None:
            continue
        if (line, column) < (end_line, end_column):
            return line, column
    return None


# ---------------------------------------------------------------- is it what Python runs?


def is_same(running: CodeType, found: CodeType) -> bool:
    return equal_without_places(running, found) and all(map(agree, running.co_positions(), found.co_positions()))


def equal_without_places(one: CodeType, other: CodeType) -> bool:
    return without_places(one) == without_places(other)


def without_places(code: CodeType) -> CodeType:
    """Whether equality of code objects sees lines and columns depends on the version of Python."""
    constants = tuple(without_places(c) if isinstance(c, CodeType) else c for c in code.co_consts)
    return code.replace(co_consts=constants, co_firstlineno=1, co_linetable=b"", co_filename="")


def agree(running: tuple[int | None, ...], found: tuple[int | None, ...]) -> bool:
    """Columns are lacking where one of both was compiled with `-X no_debug_ranges`."""
    return running == found or (running[0] == found[0] and None in (running[2], found[2]))


def resembles(running: CodeType, found: CodeType) -> bool:
    """Whether pytest may have made `running` from `found`: all names, numbers and functions of `found` are there."""
    return (
        arguments_of(running) == arguments_of(found)
        and set(found.co_names) <= set(running.co_names)
        and set(found.co_varnames) <= set(running.co_varnames)
        and numbers_of(found) <= numbers_of(running)
        and len(nested(running)) == len(nested(found))
        and all(map(resembles, nested(running), nested(found)))
    )


def arguments_of(code: CodeType) -> tuple[Any, ...]:
    count = code.co_argcount + code.co_kwonlyargcount
    return code.co_name, code.co_firstlineno, code.co_flags, code.co_argcount, code.co_varnames[:count]


def numbers_of(code: CodeType) -> set[str]:
    return {repr(constant) for constant in code.co_consts if isinstance(constant, int | float | complex)}


# ---------------------------------------------------------------- errors

WITHOUT_TEXT = {
    "<stdin>": "it was typed at a prompt of Python that keeps no text",
    "<string>": "it was made by `exec`, by `python -c` or by a library that writes code",
}
INSTEAD = "define it in a file or in a notebook; wg.grad and all else without `jit` reads no source"


def not_python(f: Any) -> Diagnostic:
    name = getattr(f, "__name__", type(f).__name__)
    is_c = isinstance(f, BuiltinFunctionType | MethodDescriptorType)
    kind = "written in C" if is_c else f"of type `{type(f).__name__}`"
    return Diagnostic(
        "W601",
        f"`{name}` has no Python source",
        f"it is {kind}, and only functions written in Python can be read",
        f"call it in a function: def f(x): return {name}(x)",
    )


def missing(f: FunctionType) -> Diagnostic:
    filename = f.__code__.co_filename
    because = WITHOUT_TEXT.get(filename, f"Python has no text for {filename}")
    return Diagnostic("W601", f"the source of `{f.__name__}` cannot be read", because, INSTEAD)


def changed(f: FunctionType) -> Diagnostic:
    where = Position(f.__code__.co_filename, f.__code__.co_firstlineno)
    return Diagnostic(
        "W601",
        f"the source of `{f.__name__}` at {where} is not what Python runs",
        "the file was changed after it was imported, or a tool rewrote the code",
        "restart Python, or reload the module and take the function from it anew",
    )
