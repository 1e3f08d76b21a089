"""What users call."""

import inspect
import itertools
import linecache
from collections.abc import Callable, Sequence
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from wengert.api import jvp, vjp
from wengert.core.tree import flatten, paths, unflatten
from wengert.frontend.jit import RESULT, Built, arguments, built_for, is_operand, jit
from wengert.inspect.source.lines import Writer, identifier
from wengert.inspect.source.statements import Global
from wengert.inspect.spelling import (
    Module,
    numbered,
    refusal,
)
from wengert.ir.program import (
    Program,
    Var,
    dtype_in,
    type_in,
    walk,
)


class Source(str):
    """The text of a module with one public function.

    name   of the function
    """

    name: str

    def __new__(cls, text: str, name: str) -> "Source":
        self = super().__new__(cls, text)
        self.name = name
        return self

    def function(self) -> Callable[..., Any]:
        """The function that the text defines, with lines that `pdb`, tracebacks and `inspect.getsource` show."""
        filename = f"<wengert source {next(_numbers)}: {self.name}>"
        linecache.cache[filename] = (len(self), None, self.splitlines(keepends=True), filename)
        space: dict[str, Any] = {"__name__": self.name}
        exec(compile(self, filename, "exec"), space)
        return space[self.name]  # type: ignore[no-any-return]


_numbers = itertools.count(1)


def source(f: Callable[..., Any], *args: Any, mode: str | None = None, **kwargs: Any) -> Source:
    """The program that `jit(f)` runs for these arguments as plain NumPy: text that runs on its own.

    f       a function; for a gradient, `source(wg.grad(f), x)`
    mode    "forward": of the result and its tangent; a tangent for each float argument comes after the arguments.
            "reverse": of the result and a tuple of cotangents, one for each float argument; the cotangent of the
            result, `out_bar`, comes after the arguments

    The text has your names, with `_bar` for cotangents and `_dot` for tangents; a derived line stands under a comment
    with your line that it differentiates.  It holds for arguments of these shapes, dtypes and structure; numbers and
    arrays that the function reads from outside are written into it.  Division of two numbers of Python by zero raises,
    as in Python.  `source(...).function()` is the function, whose lines tracebacks, `pdb` and `inspect.getsource` show.
    Raises Diagnostic W601 and W602 as `jit(f)` does, and W603 for what has no text.

    >>> import numpy as np
    >>> import wengert as wg
    >>> def damped(x):
    ...     s = 0.0
    ...     for i in range(len(x)):
    ...         s = 0.5 * s + np.sin(x[i])
    ...     return s
    >>> gradient = wg.source(wg.grad(damped), np.ones(3))
    >>> print(gradient)
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def grad_damped(x):
        x_bar = np.zeros(3)
        s_bar = 1.0
        # for i in range(len(x)):
        for i in reversed(range(3)):
            # s = 0.5 * s + np.sin(x[i])
            x_bar[i] += np.cos(x[i]) * s_bar
            s_bar *= 0.5
        return x_bar
    <BLANKLINE>
    >>> gradient.function()(np.zeros(3))
    array([0.25, 0.5 , 1.  ])
    """
    if mode is not None:
        if mode not in DERIVATIVES:
            raise ValueError(f"mode is {mode!r}; it may be 'forward', 'reverse', or left out")
        f, args, kwargs = DERIVATIVES[mode](Moving(f, args, kwargs))
    return written(f, built_for(f, args, kwargs), args, kwargs)


class Moving:
    """A function, and which of its arguments are floats.

    moved   their places;  names  of all
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.f, self.staged = f, jit(f)
        bound = inspect.signature(f).bind(*args, **kwargs)
        self.args, self.kwargs = bound.args, bound.kwargs
        self.moved = [i for i, x in enumerate(self.args) if is_moving(x)]
        self.names = [n for n in inspect.signature(f).parameters if n in bound.arguments][: len(self.args)]
        if len(self.names) < len(self.args):
            self.names = [f"x{i}" for i in range(len(self.args))]

    def of_moved(self, args: Sequence[Any]) -> Callable[..., Any]:
        """The function of its float arguments alone."""

        def f(*xs: Any) -> Any:
            every = list(args)
            for i, x in zip(self.moved, xs):
                every[i] = x
            return self.staged(*every, **self.kwargs)

        return with_parameters(f, [self.names[i] for i in self.moved])

    def named(self, derivative: Callable[..., Any], more: list[str], suffix: str) -> Callable[..., Any]:
        derivative.__name__ = f"{getattr(self.f, '__name__', 'f')}{suffix}"
        return with_parameters(derivative, [*self.names, *more])

    def result_like(self) -> Any:
        """Something of the structure, shapes and dtypes of the result."""
        built = built_for(self.staged, self.args, self.kwargs)
        numbers = iter([np.zeros(t.shape, t.dtype)[()] for t in map(type_in, built.program.results)])
        return unflatten(built.structure, [next(numbers) if x is RESULT else x for x in built.leaves])


def with_parameters(f: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    f.__signature__ = inspect.Signature([inspect.Parameter(n, kind) for n in names])  # type: ignore[attr-defined]
    return f


def with_tangents(moving: Moving) -> tuple[Any, ...]:
    """f as a function that takes a tangent for each float argument, too, and returns the result and its tangent."""
    count, moved = len(moving.args), moving.moved

    def pushed(*both: Any) -> Any:
        return jvp(moving.of_moved(both[:count]), tuple([both[i] for i in moved]), tuple(both[count:]))

    dotted = [f"{moving.names[i]}_dot" for i in moved]
    return moving.named(pushed, dotted, "_dot"), (*moving.args, *(moving.args[i] for i in moved)), {}


def with_cotangents(moving: Moving) -> tuple[Any, ...]:
    """f as a function that takes the cotangent of the result, too, and returns the result and those of floats."""

    def pulled(*both: Any) -> Any:
        *args, out_bar = both
        out, pull = vjp(moving.of_moved(args), *[args[i] for i in moving.moved])
        return out, pull(out_bar)

    name = next(n for n in numbered("out_bar") if n not in moving.names)
    return moving.named(pulled, [name], "_vjp"), (*moving.args, moving.result_like()), {}


DERIVATIVES = {"forward": with_tangents, "reverse": with_cotangents}


def is_moving(x: Any) -> bool:
    leaves = flatten(x)[0]
    return bool(leaves) and all(is_operand(leaf) and np.asarray(leaf).dtype.kind in "fc" for leaf in leaves)


class Leaf:
    """In place of a number among the arguments."""

    def __init__(self, place: int) -> None:
        self.place = place


def written(f: Callable[..., Any], built: Built, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Source:
    program = built.optimised
    captured = built.staging.captured
    if captured.draws():
        raise refusal(None, "it draws random numbers, which a text would draw once and for all")
    leaves, structure = arguments(args, kwargs)
    operands = [i for i, x in enumerate(leaves) if is_operand(x)]
    module = Module(is_double(program))
    head, places = signature_of(f, structure, leaves)
    names = {p: places[i] for p, i in zip(program.params, operands)}
    direct = {p: path for p, path in names.items() if path.isidentifier()}
    unpacked = {p: path for p, path in names.items() if not path.isidentifier()}
    hidden: dict[Var, Any] = {}
    reserved = {n.lstrip("*") for n in head.replace("=", " ").replace(",", " ").split()}
    for var, (_, read) in zip(program.params[len(operands) :], captured.inputs):
        name = next(n for n in numbered(identifier(var.name)) if n not in reserved and n not in module.constants)
        value = read()
        module.constants[name] = ""
        del module.constants[name]
        module.constants[name] = constant_text(module, value)
        hidden[var] = Global(name, var.type)
    own = identifier(program.name)
    module.names[own] = own
    writer = Writer(module, program, lambda texts: returned(built, texts), built.written)
    body = writer.write(own, head, direct, hidden, unpacked, {*reserved, own})
    parts = ["\n".join(sorted(module.imports, key=lambda line: (line.startswith("from"), line)))]
    if module.constants:
        parts.append("\n".join(f"{name} = {text}" for name, text in module.constants.items()))
    parts = ["\n\n".join(parts), *module.functions.values(), body]
    return Source("\n\n\n".join(parts) + "\n", own)


def constant_text(module: Module, value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return module.literal(value).text
    other = Module(module.is_double)
    text = other.array(value).text
    return next(iter(other.constants.values()), text)


def is_double(program: Program) -> bool:
    """Whether all numbers have 64 bits: then numbers of Python and of NumPy mean the same."""
    types = [type_in(x) for e in walk(program) for x in [*e.outs, *e.ins]] + [p.type for p in program.params]
    return all(dtype_in(t).name in ("float64", "int64", "bool", "complex128") for t in types)


def signature_of(f: Callable[..., Any], structure: Any, leaves: list[Any]) -> tuple[str, list[str]]:
    """The parameters of the function as text, and where each number among the arguments is found."""
    args, kwargs = unflatten(structure, [Leaf(i) for i in range(len(leaves))])
    try:
        signature = inspect.signature(f)
        bound = signature.bind(*args, **kwargs).arguments
        kinds = {name: signature.parameters[name].kind for name in bound}
    except (TypeError, ValueError):
        bound = {f"x{i}": x for i, x in enumerate(args)} | kwargs
        kinds = dict.fromkeys(bound, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parts = []
    for name, kind in kinds.items():
        if kind is inspect.Parameter.KEYWORD_ONLY and not any(p.startswith("*") for p in parts):
            parts.append("*")
        parts.append(stars.get(kind, "") + name)
    found = {
        leaf.place: path for name, value in bound.items() for path, leaf in paths(value, name) if isinstance(leaf, Leaf)
    }
    return ", ".join(parts), [found[i] for i in range(len(leaves))]


class Piece(str):
    """The text of a number among the results."""


def returned(built: Built, texts: list[str]) -> str:
    left = iter(texts)
    whole = unflatten(built.structure, [Piece(next(left)) if x is RESULT else x for x in built.leaves])
    return container(whole)


def container(x: Any) -> str:
    """A container of results as an expression; named tuples and dataclasses by the names of their fields."""
    if isinstance(x, Piece):
        return str(x)
    if isinstance(x, dict):
        return f"{{{', '.join(f'{key!r}: {container(v)}' for key, v in x.items())}}}"
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return container(x._asdict())
    if isinstance(x, tuple):
        return f"({', '.join(map(container, x))}{',' * (len(x) == 1)})"
    if isinstance(x, list):
        return f"[{', '.join(map(container, x))}]"
    if is_dataclass(x):
        return container({name: getattr(x, name) for name in x.__dataclass_fields__})
    if x is None or isinstance(x, bool | int | float | str | complex):
        return repr(x)
    raise refusal(None, f"it returns a {type(x).__name__}, which has no text")
