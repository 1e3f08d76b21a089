"""How rows are written in Python: the table that `wg.source` reads.

A row that is not listed is called by its own NumPy or SciPy function, or else its definition stands in the source.
"""

import ast
import inspect
import operator
import re
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from wengert.core.diagnostic import Diagnostic, Position
from wengert.core.lazy import LazyModule, lazy
from wengert.core.primitive import Primitive
from wengert.frontend.read import read
from wengert.ir.program import Extent, Hole, Type

special = lazy("scipy.special")

# how tightly a form binds, as in Python's grammar
TERNARY, OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(10)


class Text(NamedTuple):
    """An expression, and how tightly it binds."""

    text: str
    binding: int = ATOM

    def within(self, binding: int) -> str:
        """In brackets where its place binds more tightly."""
        return self.text if self.binding >= binding else f"({self.text})"


@dataclass
class Written:
    """An application of a row, whose operands are written.

    ins      of the row and of the holes of its parameters;  types  theirs
    type     of the result
    """

    row: Primitive
    ins: list[Text]
    types: list[Any]
    params: dict[str, Any]
    count: int
    type: Any
    module: "Module"

    def arg(self, i: int, binding: int = TERNARY) -> str:
        return self.ins[i].within(binding)

    def args(self) -> str:
        return ", ".join(x.text for x in self.ins[: self.count])

    def param(self, key: str) -> str:
        return self.value(self.params[key])

    def value(self, param: Any) -> str:
        """A parameter as an expression, its holes filled."""
        match param:
            case Hole():
                return self.ins[param.operand].text
            case slice():
                return f"slice({self.value(param.start)}, {self.value(param.stop)}, {self.value(param.step)})"
            case tuple() if type(param) is tuple:
                return f"({', '.join(map(self.value, param))}{',' * (len(param) == 1)})"
            case list():
                return f"[{', '.join(map(self.value, param))}]"
            case dict():
                return f"{{{', '.join(f'{key!r}: {self.value(p)}' for key, p in param.items())}}}"
        return self.module.literal(param, self.row).text

    def shape(self, shape: Sequence[Any]) -> str:
        return self.value(shape[0]) if len(shape) == 1 else self.value(tuple(shape))

    def axes(self, key: str = "axes") -> str:
        """`axis=0`, `axis=(0, 2)`, or nothing where they are all axes of the operand."""
        axes = self.params[key]
        if len(axes) == len(self.types[0].shape):
            return ""
        return f"axis={axes[0] if len(axes) == 1 else axes}"

    def index(self, index: Any) -> str:
        """What stands in brackets."""
        return ", ".join(map(self.part, index)) if index else "()"

    def part(self, part: Any) -> str:
        if not isinstance(part, slice):
            return self.value(part)
        start, stop, step = ("" if p is None else self.value(p) for p in (part.start, part.stop, part.step))
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"

    def refuse(self, because: str) -> Diagnostic:
        return refusal(self.row, because)


def refusal(row: Primitive | None, because: str, where: Position | None = None) -> Diagnostic:
    what = "this function" if row is None else f"`{row.name}`"
    return Diagnostic(
        "W603",
        f"{what} cannot be written as plain NumPy",
        because,
        "look at wg.program(...), or run wg.jit of the function",
        where,
    )


# ---------------------------------------------------------------- the file that is written


@dataclass
class Module:
    """What stands around the functions of a source.

    imports    lines;  constants  name -> text;  functions  name -> text: helpers, in the order of first use
    is_double  all numbers have 64 bits, so that a Python number may stand for one of NumPy
    """

    is_double: bool
    imports: set[str] = field(default_factory=lambda: {"import numpy as np"})
    constants: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    names: dict[Any, str] = field(default_factory=dict)  # of what is already written

    def free_name(self, base: str) -> str:
        taken = {*self.constants, *self.functions, *self.names.values(), "np"}
        return next(n for n in numbered(base) if n not in taken)

    # ------------------------------------------------------------ constants

    def literal(self, x: Any, row: Primitive | None = None) -> Text:
        if isinstance(x, np.ndarray):
            return self.array(x)
        if isinstance(x, np.generic) and (self.is_double or x.dtype.kind == "b"):
            return self.literal(x.item(), row)
        if isinstance(x, np.generic):
            return Text(f"np.{x.dtype.name}({self.literal(x.item(), row).text})")
        if isinstance(x, float) and not np.isfinite(x):
            return Text("np.nan") if np.isnan(x) else Text("np.inf") if x > 0 else Text("-np.inf", SIGN)
        if isinstance(x, bool | int | float | str | None):
            return Text(repr(x), SIGN if isinstance(x, int | float) and np.signbit(x) else ATOM)
        if isinstance(x, complex):
            return (
                Text(repr(x)) if np.isfinite(x) else Text(f"complex({x.real!r}, {x.imag!r})".replace("inf", "np.inf"))
            )
        if isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic)):
            return Text(self.dtype(np.dtype(x)))
        if isinstance(x, np.ufunc):
            return Text(self.function(x, row))
        if isinstance(x, Type | Extent) or not isinstance(x, tuple):
            raise refusal(row, f"it needs a {type(x).__name__}, which has no text")
        return Text(f"({', '.join(self.literal(part, row).text for part in x)}{',' * (len(x) == 1)})")

    def dtype(self, dtype: np.dtype[Any]) -> str:
        names = {"bool": "np.bool_", "float64": "float", "int64": "int", "complex128": "complex"}
        return names.get(dtype.name) or (f"np.{dtype.name}" if dtype.isnative else repr(dtype.str))

    def array(self, x: np.ndarray) -> Text:
        """Short ones in place, others above the functions."""
        rows = np.array2string(x, separator=", ", threshold=x.size + 1, floatmode="unique", max_line_width=110)
        if x.dtype.kind in "fc" and not np.isfinite(x).all():
            rows = repr(x.tolist()).replace("inf", "np.inf").replace("nan", "np.nan")
        if x.dtype.kind == "b" or 0 in x.shape:
            rows = repr(x.tolist())
        default = (np.float64,) if 0 in x.shape else (np.float64, np.int64, np.bool_, np.complex128)
        dtype = "" if x.dtype.type in default and x.dtype.isnative else f", dtype={self.dtype(x.dtype)}"
        text = f"np.array({rows}{dtype})" if len(x.shape) < 2 or x.size else f"np.zeros({x.shape}{dtype})"
        if len(text) <= 40:
            return Text(text)
        key = (x.tobytes(), x.dtype.str, x.shape)
        if key not in self.names:
            self.names[key] = name = self.free_name("table")
            self.constants[name] = f"np.array({rows.replace(chr(10), chr(10) + ' ' * 9)}{dtype})"
        return Text(self.names[key])

    # ------------------------------------------------------------ functions of rows

    def function(self, f: Any, row: Primitive | None, name: str = "") -> str:
        """The name under which a function can be called in the source."""
        if isinstance(f, np.ufunc):
            if getattr(np, f.__name__, None) is f:
                return f"np.{f.__name__}"
            if getattr(special, f.__name__, None) is f:
                self.imports.add("from scipy import special")
                return f"special.{f.__name__}"
        if getattr(np, getattr(f, "__name__", ""), None) is f:
            return f"np.{f.__name__}"
        if hasattr(f, "on_numbers"):
            return f"np.{UFUNCS[f.on_numbers]}"
        if not isinstance(f, types.FunctionType) or not f.__module__.startswith("wengert."):
            raise refusal(row, f"it calls {getattr(f, '__name__', f)!r}, which has no text")
        if f not in self.names:
            self.names[f] = own = self.free_name((name or f.__name__).strip("_"))
            self.functions[own] = ""  # keeps its place, before what calls it
            text = self.definition(f, own, row)
            del self.functions[own]
            self.functions[own] = text
        return self.names[f]

    def definition(self, f: types.FunctionType, name: str, row: Primitive | None) -> str:
        """The text of a function of a row, with what it calls beside it."""
        node = read(f).node
        body = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
        made = ast.FunctionDef(name=name, args=node.args, body=body, decorator_list=[], type_params=[])
        made = ast.parse(ast.unparse(ast.fix_missing_locations(made)))  # a copy: the tree is shared
        around = f.__globals__ | inspect.getclosurevars(f).nonlocals
        spelled = {n: self.global_name(around[n], n, row) for n in free_names(made) if n in around}
        return ast.unparse(Plain(spelled).visit(made))

    def global_name(self, x: Any, name: str, row: Primitive | None) -> str:
        if x is np:
            return "np"
        if isinstance(x, LazyModule):
            self.imports.add(f"import {x._name} as {name}" if "." in x._name else f"import {x._name}")
            x._load()
            return name
        if isinstance(x, types.ModuleType) and not x.__name__.startswith("wengert"):
            self.imports.add(f"import {x.__name__}" if x.__name__ == name else f"import {x.__name__} as {name}")
            return name
        if isinstance(x, Primitive):
            return self.function(x.evaluate, row, x.name)
        if isinstance(x, types.FunctionType | types.BuiltinFunctionType) and not x.__module__.startswith("wengert."):
            self.imports.add(f"from {x.__module__} import {x.__name__}")
            return x.__name__
        if isinstance(x, types.FunctionType):
            return self.function(x, row, name if x.__name__ == "<lambda>" else "")
        if isinstance(x, np.ufunc):
            return self.function(x, row)
        if isinstance(x, dict):
            return self.table(x, name, row)
        if isinstance(x, type) or callable(x):
            raise refusal(row, f"its function needs `{name}` of wengert")
        if name not in self.constants:
            self.constants[name] = self.literal(x, row).text
        return name

    def table(self, x: dict[Any, Any], name: str, row: Primitive | None) -> str:
        """A dict of numbers or functions, which stand before it."""
        if name not in self.functions:
            keys = [k.__name__ if isinstance(k, type) else repr(k) for k in x]
            parts = [
                f"{key}: {self.global_name(v, f'{name}_{i}', row)}" for i, (key, v) in enumerate(zip(keys, x.values()))
            ]
            self.functions[name] = f"{name} = {{{', '.join(parts)}}}"
        return name


UFUNCS = {operator.add: "add", operator.sub: "subtract", operator.mul: "multiply", operator.truediv: "divide"}


def free_names(tree: ast.AST) -> set[str]:
    """Names that are read and not bound, those of annotations left out."""
    nodes = [*ast.walk(Plain({}).visit(tree))]
    names = [n for n in nodes if isinstance(n, ast.Name)]
    bound = {n.id for n in names if not isinstance(n.ctx, ast.Load)} | {n.arg for n in nodes if isinstance(n, ast.arg)}
    return {n.id for n in names} - bound


class Plain(ast.NodeTransformer):
    """Without annotations, and with names as the source calls them."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        return self.generic_visit(ast.Assign([node.target], node.value, lineno=0)) if node.value else None

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def numbered(base: str) -> Iterator[str]:
    yield base
    i = 1
    while True:
        i += 1
        yield f"{base}{i}" if not base[-1:].isdigit() else f"{base}_{i}"


# ---------------------------------------------------------------- forms

Spelling = Callable[[Written], Text]


def infix(symbol: str, binding: int, left: int, right: int) -> Spelling:
    return lambda w: Text(f"{w.arg(0, left)} {symbol} {w.arg(1, right)}", binding)


def comparison(symbol: str) -> Spelling:
    return infix(symbol, COMPARE, SUM, SUM)


def called(name: str) -> Spelling:
    """A function of the operands; parameters by their names."""

    def spelled(w: Written) -> Text:
        params = [f"{key}={w.value(p)}" for key, p in w.params.items()]
        return Text(f"{name}({', '.join([*(x.text for x in w.ins[: w.count]), *params])})")

    return spelled


def logical(word: str, binding: int, name: str) -> Spelling:
    """`and` and `or` of truth values; arrays have functions for it."""

    def spelled(w: Written) -> Text:
        if all(t.form != "array" and t.dtype.kind == "b" for t in w.types):
            return Text(f"{w.arg(0, binding)} {word} {w.arg(1, binding)}", binding)
        return Text(f"{name}({w.args()})")

    return spelled


def negation(w: Written) -> Text:
    if w.types[0].form == "array":
        return Text(f"np.logical_not({w.arg(0)})")
    for sign, opposite in OPPOSITES:
        left, found, right = w.ins[0].text.partition(f" {sign} ")
        if found and w.ins[0].binding == COMPARE and w.types[0].dtype.kind == "b":
            return Text(f"{left} {opposite} {right}", COMPARE)
    return Text(f"not {w.arg(0, NOT)}", NOT)


OPPOSITES = [("==", "!="), ("!=", "==")]  # not those of order: nan is neither


def reduction(method: str) -> Spelling:
    def spelled(w: Written) -> Text:
        if w.types[0].form != "array":
            return Text(f"np.{method}({w.arg(0)})")
        if w.params["axes"] == () and w.types[0].shape:
            return Text(f"np.{method}({w.arg(0)}, axis=())")
        return Text(f"{w.arg(0, ATOM)}.{method}({w.axes()})")

    return spelled


def along(method: str) -> Spelling:
    return lambda w: Text(f"{w.arg(0, ATOM)}.{method}(axis={w.param('axis')})")


def spelled_power(w: Written) -> Text:
    if all(t.form == "weak" for t in w.types) and w.types[1].dtype.kind == "f":
        return Text(f"np.power({w.args()})")  # never complex, as a number of Python might be
    return powered(w.arg(0, ATOM), w.arg(1, SIGN))


def powered(base: str, exponent: str) -> Text:
    """With spaces where an operand is more than a name or a number, as formatters write it."""
    simple = re.fullmatch(r"[\w.]+", base) and re.fullmatch(r"-?[\w.]+", exponent)
    return Text(f"{base}**{exponent}" if simple else f"{base} ** {exponent}", POWER)


def spelled_full(w: Written) -> Text:
    value, dtype = w.params["value"], np.dtype(w.params["dtype"])
    of = "" if dtype.name == "float64" else f", dtype={w.module.dtype(dtype)}"
    shape = w.shape(w.params["shape"]) if w.params["shape"] else "()"
    if value in (0, 1):
        return Text(f"np.{'ones' if value else 'zeros'}({shape}{of})")
    return Text(f"np.full({shape}, {w.value(value)}{of})")


def spelled_where(w: Written) -> Text:
    """Of numbers as Python chooses; max(y, x) is x where x > y, else y."""
    if any(t.form == "array" for t in w.types) or len({t.dtype for t in (*w.types[1:], w.type)}) > 1:
        return called("np.where")(w)
    test, x, y = w.arg(0, OR), w.arg(1, OR), w.arg(2, TERNARY)
    for sign, name in (" > ", "max"), (" < ", "min"):
        if w.ins[0].binding == COMPARE and test == f"{w.arg(1, SUM)}{sign}{w.arg(2, SUM)}":
            return Text(f"{name}({y}, {x})")
    return Text(f"{x} if {test} else {y}", TERNARY)


def spelled_getitem(w: Written) -> Text:
    index = w.params["index"]
    return Text(f"{w.arg(0, ATOM)}[{w.index(index)}]")


def spelled_convert(w: Written) -> Text:
    dtype, have = np.dtype(w.params["dtype"]), w.types[0]
    x = f"{w.arg(0, ATOM)}.real" if have.dtype.kind == "c" and dtype.kind != "c" else w.arg(0, ATOM)
    if have.form == "array":
        return Text(x if have.dtype.kind == "c" and dtype == have.dtype else f"{x}.astype({w.module.dtype(dtype)})")
    if have.dtype == dtype and w.module.is_double:
        return w.ins[0]
    return Text(f"np.{dtype.name}({x})")


def spelled_weak(w: Written) -> Text:
    kind = w.type.dtype.kind
    if w.types[0].form == "array":
        return Text(f"{w.arg(0, ATOM)}.item()")
    if w.module.is_double and kind in "fc" and w.types[0].dtype.kind in "fc":
        return w.ins[0]
    return Text(f"{({'f': 'float', 'c': 'complex', 'b': 'bool'}).get(kind, 'int')}({w.arg(0)})")


def stretched(w: Written, axes: Sequence[int], ndim: int) -> str:
    """The operand with axes of length one put in: x[:, None]."""
    if not axes or not w.types[0].shape:
        return w.arg(0)
    parts = ["None" if i in axes else ":" for i in range(ndim)]
    while parts and parts[-1] == ":":
        parts.pop()
    return f"{w.arg(0, ATOM)}[{', '.join(parts)}]"


def spelled_spread(w: Written) -> Text:
    shape = w.params["shape"]
    if not w.types[0].shape:
        return filled(w, shape)
    return Text(f"np.broadcast_to({stretched(w, w.params['axes'], len(shape))}, {w.value(tuple(shape))})")


def filled(w: Written, shape: Any) -> Text:
    """An array of a shape, of one number."""
    simple = {"0.0": "zeros", "1.0": "ones"}.get(w.arg(0))
    if simple and w.type.dtype.name == "float64":
        return Text(f"np.{simple}({w.shape(shape) if shape else '()'})")
    return Text(f"np.full({w.shape(shape) if shape else '()'}, {w.arg(0)})")


def spelled_broadcast_to(w: Written) -> Text:
    shape = w.params["shape"]
    if not w.types[0].shape:
        return filled(w, shape)
    return Text(f"np.broadcast_to({w.arg(0)}, {w.value(tuple(shape))})")


def spelled_reshape(w: Written) -> Text:
    if w.types[0].form != "array":
        return Text(f"np.reshape({w.arg(0)}, {w.value(tuple(w.params['shape']))})")
    column = column_or_row(w)
    if column is not None:
        return column
    return Text(f"{w.arg(0, ATOM)}.reshape({w.shape(w.params['shape']) if w.params['shape'] else '()'})")


def column_or_row(w: Written) -> Text | None:
    """x[:, None] and x[None, :] for a vector with one more axis."""
    shape, have = tuple(w.params["shape"]), w.types[0].shape
    if len(have) != 1 or len(shape) != 2 or 1 not in shape or shape not in ((*have, 1), (1, *have)):
        return None
    return Text(f"{w.arg(0, ATOM)}[{':, None' if shape[1] == 1 and have != (1,) else 'None, :'}]")


def spelled_transpose(w: Written) -> Text:
    axes = w.params["axes"]
    if axes == tuple(range(len(axes)))[::-1]:
        return Text(f"{w.arg(0, ATOM)}.T")
    return Text(f"{w.arg(0, ATOM)}.transpose{w.value(tuple(axes))}")


def spelled_flip(w: Written) -> Text:
    axes = w.params["axes"]
    parts = ["::-1" if i in axes else ":" for i in range(max(axes) + 1)] if axes else ["..."]
    return Text(f"{w.arg(0, ATOM)}[{', '.join(parts)}]")


def spelled_join(name: str) -> Spelling:
    def spelled(w: Written) -> Text:
        axis = w.params["axis"]
        return Text(f"np.{name}([{w.args()}]{f', axis={w.value(axis)}' if axis else ''})")

    return spelled


def spelled_stack(w: Written) -> Text:
    """np.array of numbers, np.stack of arrays."""
    if all(not t.shape for t in w.types[: w.count]) and w.module.is_double and w.params["axis"] == 0:
        return Text(f"np.array([{w.args()}])")
    return spelled_join("stack")(w)


def spelled_einsum(w: Written) -> Text:
    optimize = ", optimize=True" if w.params.get("optimize") else ""
    return Text(f"np.einsum({w.params['spec']!r}, {w.args()}{optimize})")


def spelled_trip_count(w: Written) -> Text:
    return Text(f"len({ranged(w.ins[0], w.ins[1], w.ins[2])})")


def ranged(lo: Text, hi: Text, step: Text) -> str:
    """range(...), as short as it goes; a count of passes is the range that it counts."""
    if lo.text == "0" and step.text == "1" and hi.text.startswith("len(range(") and hi.text.endswith("))"):
        inside = hi.text[len("len(") : -1]
        if "," not in inside:
            return inside
    if step.text != "1":
        return f"range({lo.text}, {hi.text}, {step.text})"
    return f"range({hi.text})" if lo.text == "0" else f"range({lo.text}, {hi.text})"


def spelled_slice_length(w: Written) -> Text:
    part = w.params["index"][0]
    ends = [None if p is None else w.value(p) for p in (part.start, part.stop, part.step)]
    return Text(f"len(range({w.arg(0)})[{w.part(part)}])" if ends else "0")


def spelled_stop(w: Written) -> Text:
    return w.ins[0]


def spelled_truncate(w: Written) -> Text:
    dtype = np.dtype(w.params["dtype"])
    if w.types[0].form == "array":
        return Text(f"{w.arg(0, ATOM)}.astype({w.module.dtype(dtype)})")
    return Text(f"{w.module.dtype(dtype) if w.module.is_double else f'np.{dtype.name}'}({w.arg(0)})")


HELPERS = {
    "scale": '''\
def scale(slope, x_bar):
    """slope * x_bar, where a zero of x_bar counts even if the slope is infinite."""
    return np.where(x_bar == 0, 0.0, slope * x_bar)[()]''',
    "log_slope": '''\
def log_slope(x):
    """1 / x: the slope of log, which has none where x < 0."""
    return np.where(x < 0, np.nan, np.divide(1.0, x))[()]''',
}


def spelled_helper(w: Written) -> Text:
    name = w.row.name
    if name == "log_slope" and w.types[0].dtype.kind == "c":
        return Text(f"1 / {w.arg(0, SIGN)}", PRODUCT)
    w.module.functions.setdefault(name, HELPERS[name])
    return called(name)(w)


def spelled_empty_stack(w: Written) -> Text:
    return Text("[]")


SPELLING: dict[str, Spelling] = {
    "add": infix("+", SUM, SUM, PRODUCT),
    "sub": infix("-", SUM, SUM, PRODUCT),
    "mul": infix("*", PRODUCT, PRODUCT, SIGN),
    "div": infix("/", PRODUCT, PRODUCT, SIGN),
    "matmul": infix("@", PRODUCT, PRODUCT, SIGN),
    "mod": infix("%", PRODUCT, PRODUCT, SIGN),
    "floordiv": infix("//", PRODUCT, PRODUCT, SIGN),
    "neg": lambda w: Text(f"-{w.arg(0, SIGN)}", SIGN),
    "pow": spelled_power,
    "ipow": lambda w: powered(w.arg(0, ATOM), w.param("n")),
    "square": lambda w: powered(w.arg(0, ATOM), "2"),
    "reciprocal": lambda w: Text(f"1 / {w.arg(0, SIGN)}", PRODUCT),
    "scale": spelled_helper,
    "log_slope": spelled_helper,
    "less": comparison("<"),
    "less_equal": comparison("<="),
    "greater": comparison(">"),
    "greater_equal": comparison(">="),
    "equal": comparison("=="),
    "not_equal": comparison("!="),
    "logical_and": logical("and", AND, "np.logical_and"),
    "logical_or": logical("or", OR, "np.logical_or"),
    "logical_not": negation,
    "abs": called("np.abs"),
    "conj": called("np.conj"),
    "where": spelled_where,
    "stop_gradient": spelled_stop,
    "relabel": spelled_stop,
    "truncate": spelled_truncate,
    "convert": spelled_convert,
    "weak": spelled_weak,
    "duplicate": lambda w: Text(
        f"{w.arg(0, ATOM)}.copy()" if w.types[0].form == "array" else w.ins[0].text,
        w.ins[0].binding if w.types[0].form != "array" else ATOM,
    ),
    "reduce_sum": reduction("sum"),
    "collapse": reduction("sum"),
    "reduce_max": reduction("max"),
    "reduce_min": reduction("min"),
    "reduce_any": reduction("any"),
    "reduce_all": reduction("all"),
    "reduce_prod": along("prod"),
    "cumsum": along("cumsum"),
    "cumprod": along("cumprod"),
    "argmax": along("argmax"),
    "argmin": along("argmin"),
    "spread": spelled_spread,
    "broadcast_to": spelled_broadcast_to,
    "reshape": spelled_reshape,
    "transpose": spelled_transpose,
    "flip": spelled_flip,
    "concatenate": spelled_join("concatenate"),
    "stack": spelled_stack,
    "einsum": spelled_einsum,
    "getitem": spelled_getitem,
    "take": lambda w: Text(f"{w.arg(0, ATOM)}[{w.arg(1)}]"),
    "full": spelled_full,
    "array": lambda w: w.ins[0],
    "empty_stack": spelled_empty_stack,
    "pack": lambda w: Text(f"({w.args()}{',' * (len(w.ins) == 1)})"),
    "unpack": lambda w: Text(w.arg(0)),
    "unread": lambda w: Text(f"np.empty({(0,) * len(w.type.shape)}, {w.module.dtype(w.type.dtype)})"),
    "length": lambda w: Text(
        f"len({w.arg(0)})" if w.params["axis"] == 0 else f"{w.arg(0, ATOM)}.shape[{w.params['axis']}]"
    ),
    "slice_length": spelled_slice_length,
    "positions": lambda w: Text(f"np.{'nonzero' if len(w.types[0].shape) > 1 else 'flatnonzero'}({w.arg(0)})"),
    "trip_count": spelled_trip_count,
}


def spell(w: Written) -> Text:
    """The application of a row as an expression."""
    spelling = SPELLING.get(w.row.name)
    if spelling is not None:
        return spelling(w)
    name = w.module.function(w.row.evaluate, w.row, w.row.name)
    return called(name)(w)
