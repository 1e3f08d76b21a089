"""Expressions: Python evaluates them, values of the program turn operations into equations."""

import ast
import functools
import operator
from collections.abc import Callable, Sequence
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.mode import Value
from wengert.core.tree import flatten
from wengert.frontend.refuse import EAGER, Refused
from wengert.frontend.route import is_foreign
from wengert.frontend.scope import Closure, Frame, Range, Rows, bound_names, declared
from wengert.modes.stage import NeedsValue, Staged
from wengert.rules.control import value_type, weak

if TYPE_CHECKING:
    from wengert.frontend.build import Staging

PLACED = (ast.Call, ast.BinOp, ast.Subscript, ast.Compare, ast.UnaryOp, ast.Attribute)  # they may become equations

BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}
IN_PLACE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.iadd,
    ast.Sub: operator.isub,
    ast.Mult: operator.imul,
    ast.Div: operator.itruediv,
    ast.FloorDiv: operator.ifloordiv,
    ast.Mod: operator.imod,
    ast.Pow: operator.ipow,
    ast.MatMult: operator.imatmul,
    ast.BitAnd: operator.iand,
    ast.BitOr: operator.ior,
    ast.BitXor: operator.ixor,
    ast.LShift: operator.ilshift,
    ast.RShift: operator.irshift,
}
CONVERSIONS: dict[int, Callable[[Any], Any]] = {ord("s"): str, ord("r"): repr, ord("a"): ascii}
UNARY: dict[type, Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


PYTHONS = (bool, int, float, complex)


def of_constant(s: "Staging", e: ast.Constant) -> Any:
    return e.value


def of_name(s: "Staging", e: ast.Name) -> Any:
    return s.load(e.id)


def of_tuple(s: "Staging", e: ast.Tuple) -> Any:
    return s.own(tuple(items(s, e.elts)))


def of_list(s: "Staging", e: ast.List) -> Any:
    return s.own(items(s, e.elts))


def of_set(s: "Staging", e: ast.Set) -> Any:
    return s.own(set(items(s, e.elts)))


def items(s: "Staging", nodes: list[ast.expr]) -> list[Any]:
    found: list[Any] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            found += listed(s, s.eval(node.value))
        else:
            found.append(s.eval(node))
    return found


def listed(s: "Staging", x: Any) -> list[Any]:
    """The items of anything that can be gone through while staging."""
    if isinstance(x, Rows):
        return [x.item(k) for k in range(x.length.__index__())]
    if isinstance(x, Range):
        return list(range(x.start.__index__(), x.stop.__index__(), x.step.__index__()))
    if isinstance(x, dict) and not s.is_made(x):
        return list(x)
    if isinstance(x, list | tuple) and not s.is_made(x):
        return [item_of(s, x, i) for i in range(length_of(s, x))]
    return list(x)


def length_of(s: "Staging", x: Any) -> int:
    """The length of a container; that of one from outside is a fact that may change."""
    if s.is_made(x) or isinstance(x, tuple):
        return len(x)
    return int(s.fact(("len", id(x)), lambda: len(x), "len"))


def item_of(s: "Staging", x: Any, key: Any) -> Any:
    """An item of a container from outside."""
    return s.fact(("item", id(x), repr(key)), functools.partial(operator.getitem, x, key), "item")


def of_dict(s: "Staging", e: ast.Dict) -> Any:
    out: dict[Any, Any] = {}
    for key, value in zip(e.keys, e.values):
        if key is None:
            inner = s.eval(value)
            out.update({k: item_of(s, inner, k) for k in inner} if not s.is_made(inner) else inner)
        else:
            k = s.eval(key)
            out[k] = s.eval(value)
    return s.own(out)


# ---------------------------------------------------------------- operators


def of_binary(s: "Staging", e: ast.BinOp) -> Any:
    x, y = s.eval(e.left), s.eval(e.right)
    s.stage.where = s.frame.source.position(e)
    return binary(s, BINARY[type(e.op)], x, y)


def binary(s: "Staging", operation: Callable[[Any, Any], Any], x: Any, y: Any) -> Any:
    if isinstance(x, SEQUENCES) and isinstance(y, Staged) and operation in REPEATS:
        y = y.__index__()
    elif isinstance(y, SEQUENCES) and isinstance(x, Staged) and operation in REPEATS:
        x = x.__index__()
    found = of_objects(s, operation.__name__.strip("_"), x, y)
    out = operation(x, y) if found is NotImplemented else found
    if operation in BITWISE and isinstance(out, Staged) and is_pythons(x) and is_pythons(y):
        return weak(out)
    return s.own(out) if isinstance(out, list | dict | set) and not s.is_made(out) else out


def of_objects(s: "Staging", name: str, x: Any, y: Any) -> Any:
    """An operator that a class of the user's defines; NotImplemented where none does."""
    out = of_object(s, f"__{name}__", x, y)
    return of_object(s, f"__{MIRRORED.get(name, 'r' + name)}__", y, x) if out is NotImplemented else out


def of_object(s: "Staging", name: str, x: Any, *args: Any) -> Any:
    method = None if isinstance(x, Value | list | dict | str) else getattr(type(x), name, None)
    has_source = isinstance(method, FunctionType) and is_written(method)
    return s.call(method, [x, *args], {}) if has_source else NotImplemented


def is_written(f: FunctionType) -> bool:
    """Whether the user wrote it, and not a library or a decorator such as dataclass."""
    return not is_foreign(f.__code__.co_filename) and f.__code__.co_filename != "<string>"


MIRRORED = {"lt": "gt", "gt": "lt", "le": "ge", "ge": "le", "eq": "eq", "ne": "ne"}
BITWISE = (operator.lshift, operator.rshift, operator.and_, operator.or_, operator.xor)  # NumPy's own for numbers, too


SEQUENCES = (list, tuple, str, bytes)
REPEATS = (operator.mul, operator.imul)


def of_unary(s: "Staging", e: ast.UnaryOp) -> Any:
    if isinstance(e.op, ast.Not):
        return s.as_bool(test(s, e))
    x = s.eval(e.operand)
    match e.op:
        case _ if isinstance(x, Staged) and is_weak(x) and x.dtype.kind == "b":
            number = UNARY[type(e.op)](x + 0)  # truth values of Python are the numbers 0 and 1
            return number if is_weak(number) else weak(number)
        case _ if (out := of_object(s, f"__{UNARY[type(e.op)].__name__}__", x)) is not NotImplemented:
            return out
        case ast.USub():
            return -x
        case ast.UAdd():
            return +x
        case _:
            return weak(~x) if isinstance(x, Staged) and is_weak(x) else ~x


def of_compare(s: "Staging", e: ast.Compare) -> Any:
    """a < b < c: the middle is evaluated once, the right not at all where the left decides."""
    return compared(s, s.eval(e.left), e.ops, e.comparators, e)


def compared(s: "Staging", x: Any, ops: list[ast.cmpop], nodes: list[ast.expr], e: ast.expr) -> Any:
    y = s.eval(nodes[0])
    s.stage.where = s.frame.source.position(e)
    out = compare(s, ops[0], x, y)
    if len(nodes) == 1:
        return out
    return short_circuit(s, out, lambda: compared(s, y, ops[1:], nodes[1:], e), stops_at=False)


def compare(s: "Staging", op: ast.cmpop, x: Any, y: Any) -> Any:
    if isinstance(op, ast.In | ast.NotIn):
        found = contains(s, y, x)
        return s.as_bool(s.negated(found) if isinstance(op, ast.NotIn) else found)
    if not isinstance(op, ast.Is | ast.IsNot):
        found = of_objects(s, COMPARE[type(op)].__name__, x, y)
        if found is not NotImplemented:
            return found
    out = COMPARE[type(op)](x, y)
    return s.as_bool(out) if is_pythons(x) and is_pythons(y) else out


def is_pythons(x: Any) -> bool:
    """Whether x is a number of Python's, in a program or not."""
    return isinstance(x, PYTHONS) and not isinstance(x, np.generic) if not isinstance(x, Value) else is_weak(x)


def is_weak(x: Value) -> bool:
    return getattr(value_type(x), "form", None) == "weak"


def contains(s: "Staging", container: Any, x: Any) -> Any:
    own = of_object(s, "__contains__", container, x)
    if own is not NotImplemented:
        return s.truth(own)
    if isinstance(x, Staged) and isinstance(container, list | tuple):
        out: Any = False
        for item in listed(s, container):
            out = short_circuit(s, out, lambda: s.truth(x == item), stops_at=True)  # noqa: B023
        return out
    if isinstance(container, dict) and not s.is_made(container):
        return s.fact(("in", id(container), repr(x)), lambda: x in container, "in")
    return x in container


def test(s: "Staging", e: ast.expr) -> Any:
    """The truth of an expression: True, False, or a truth value of the program.

    That of `and`, `or` and `not` follows from the truth of their parts, whatever kinds these are of.
    """
    match e:
        case ast.BoolOp():
            return test_of_all(s, e.values, stops_at=isinstance(e.op, ast.Or))
        case ast.UnaryOp(op=ast.Not()):
            return s.negated(test(s, e.operand))
    return s.truth(s.eval(e))


def test_of_all(s: "Staging", parts: list[ast.expr], stops_at: bool) -> Any:
    first = test(s, parts[0])
    if len(parts) == 1 or first is stops_at:
        return first

    def rest() -> Any:
        return test_of_all(s, parts[1:], stops_at)

    if isinstance(first, bool):
        return rest()
    return s.conditional(first, lambda: first, rest) if stops_at else s.conditional(first, rest, lambda: first)


def of_boolean(s: "Staging", e: ast.BoolOp) -> Any:
    return boolean(s, e.values, stops_at=isinstance(e.op, ast.Or))


def boolean(s: "Staging", nodes: list[ast.expr], stops_at: bool) -> Any:
    x = s.eval(nodes[0])
    return x if len(nodes) == 1 else short_circuit(s, x, lambda: boolean(s, nodes[1:], stops_at), stops_at)


def short_circuit(s: "Staging", x: Any, rest: Callable[[], Any], stops_at: bool) -> Any:
    """`x or rest()` for stops_at=True, `x and rest()` for False."""
    truth = s.truth(x)
    if isinstance(truth, bool):
        return x if truth is stops_at else rest()
    if stops_at:
        return one_of_two(s, truth, lambda: x, rest)
    return one_of_two(s, truth, rest, lambda: x)


def of_ternary(s: "Staging", e: ast.IfExp) -> Any:
    chosen = test(s, e.test)
    if isinstance(chosen, bool):
        return s.eval(e.body if chosen else e.orelse)
    return one_of_two(s, chosen, lambda: s.eval(e.body), lambda: s.eval(e.orelse))


def one_of_two(s: "Staging", test: Any, then: Callable[[], Any], orelse: Callable[[], Any]) -> Any:
    return s.usable("the value of this expression", s.conditional(test, then, orelse))


# ---------------------------------------------------------------- parts


def of_subscript(s: "Staging", e: ast.Subscript) -> Any:
    base, index = s.eval(e.value), s.eval(e.slice)
    s.stage.where = s.frame.source.position(e)
    return subscript(s, base, index)


def as_index(s: "Staging", index: Any) -> Any:
    """An index into an array, its lists with values of the program in them as arrays."""
    if isinstance(index, tuple):
        return tuple([as_index(s, part) for part in index])
    if isinstance(index, list) and any(isinstance(x, Value) for x in flatten(index)[0]):
        return s.call(np.array, [index], {})
    return index


def subscript(s: "Staging", base: Any, index: Any) -> Any:
    if isinstance(base, Value):
        return base[as_index(s, index)]
    if isinstance(base, Rows):
        return base.item(index)
    found = of_object(s, "__getitem__", base, index)
    if found is not NotImplemented:
        return found
    if isinstance(index, Staged) and isinstance(base, list | tuple | dict | str):
        index = index.__index__()
    if isinstance(base, list | tuple | dict) and not s.is_made(base) and not isinstance(index, slice):
        return item_of(s, base, index)
    out = s.own_value(base[index])
    return s.own(out) if isinstance(out, list | tuple) and isinstance(index, slice) else out


def of_slice(s: "Staging", e: ast.Slice) -> Any:
    return slice(*[None if part is None else s.eval(part) for part in (e.lower, e.upper, e.step)])


def of_attribute(s: "Staging", e: ast.Attribute) -> Any:
    return attribute(s, s.eval(e.value), s.frame.source.mangled(e.attr))


def number_of(n: Any) -> Any:
    """A length; one that the run decides is a number of the program."""
    return n.snapshot() if isinstance(n, Value) else n


def attribute(s: "Staging", base: Any, name: str) -> Any:
    kind = type(base)
    if isinstance(base, Value):
        if not hasattr(base, name) and hasattr(base.primal if is_weak(base) else np.ndarray, name):
            raise Refused(f"the attribute `.{name}` of a value of the program", "compute it with functions of NumPy")
        if not hasattr(base, name):
            owner = f"numpy.{type(base.primal).__name__}" if not is_weak(base) else type(base.primal).__name__
            raise AttributeError(f"{owner!r} object has no attribute {name!r}")
        found = getattr(base, name)
        return tuple(map(number_of, found)) if name == "shape" else found
    if isinstance(base, Rows | Range):
        return getattr(base, name)
    member = getattr(kind, name, None)
    if isinstance(member, property) and member.fget is not None:
        return s.call(member.fget, [base], {})
    if s.is_made(base) or isinstance(base, str | bytes | int | float | complex | list | dict | tuple | set | np.dtype):
        return s.own_value(getattr(base, name))
    value = getattr(base, name)
    if name not in getattr(base, "__dict__", {}) and (callable(value) or isinstance(base, type)):
        return value if callable(value) else s.fact(("attribute", id(base), name), lambda: getattr(base, name), name)
    return s.fact(("attribute", id(base), name), lambda: getattr(base, name), name)


# ---------------------------------------------------------------- functions and comprehensions


def of_lambda(s: "Staging", e: ast.Lambda) -> Any:
    return closure(s, e)


def closure(s: "Staging", node: Any) -> Closure:
    defaults = [s.eval(d) for d in node.args.defaults]
    keywords = {a.arg: s.eval(d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults) if d is not None}
    return Closure(s, node, s.frame.source, s.frame, defaults, keywords)


def of_comprehension(s: "Staging", e: Any) -> Any:
    """In a frame of its own, gone through while staging."""
    inner = Frame(s.frame.function, s.frame.source, {}, visible_cells(s.frame), around=s.frame)
    out: list[Any] = []

    def run(generators: list[ast.comprehension]) -> None:
        if not generators:
            out.append((s.eval(e.key), s.eval(e.value)) if isinstance(e, ast.DictComp) else s.eval(e.elt))
            return
        first, *rest = generators
        for item in iterated(s, s.eval(first.iter)):
            s.assign(first.target, item)
            if all(bool(test(s, condition)) for condition in first.ifs):
                run(rest)

    with s.inside(inner):
        run(e.generators)
    if isinstance(e, ast.DictComp):
        return s.own(dict(out))
    return s.own(set(out) if isinstance(e, ast.SetComp) else out)


def visible_cells(frame: Frame) -> dict[str, Frame]:
    return {**frame.cells, **dict.fromkeys(frame.names, frame)}


def iterated(s: "Staging", x: Any) -> list[Any]:
    if isinstance(x, Value):
        return [x[i] for i in range(len(x))]
    return listed(s, x)


def locals_of(frame: Frame) -> frozenset[str]:
    return local_names(frame.function.node if isinstance(frame.function, Closure) else frame.source.node)


@functools.lru_cache(4096)
def local_names(node: Any) -> frozenset[str]:
    body = node.body if isinstance(node.body, list) else []
    return frozenset(bound_names(body)) - declared(body, ast.Nonlocal)


# ---------------------------------------------------------------- text


def of_text(s: "Staging", e: ast.JoinedStr) -> Any:
    """An f-string; where it shows values of the program, the text is made when it is needed, at run time."""
    parts: list[Any] = []
    for node in e.values:
        if isinstance(node, ast.Constant):
            parts.append(node.value)
            continue
        assert isinstance(node, ast.FormattedValue)
        value = s.eval(node.value)
        spec = "" if node.format_spec is None else s.eval(node.format_spec)
        convert = CONVERSIONS.get(node.conversion, lambda x: x)
        if isinstance(value, Message):
            parts += value.parts
        else:
            parts.append((value, spec) if isinstance(value, Staged) else format(convert(value), spec))
    return "".join(parts) if all(isinstance(p, str) for p in parts) else Message(parts)


class Message:
    """Text with values of the program in it: made when an exception is raised, and of no other use."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts

    def needed(self, *_: Any) -> Any:
        raise NeedsValue(self.values()[0].aux, None)

    __eq__ = __hash__ = __len__ = __iter__ = __getitem__ = __contains__ = __bool__ = __str__ = __format__ = needed
    __add__ = __radd__ = __mul__ = __rmul__ = __mod__ = __lt__ = __le__ = __gt__ = __ge__ = needed

    def __getattr__(self, name: str) -> Any:
        return self.needed()

    def values(self) -> list[Any]:
        return [p[0] for p in self.parts if not isinstance(p, str)]

    def template(self) -> tuple[Any, ...]:
        """Texts, and format specifications in place of the values."""
        return tuple([p if isinstance(p, str) else (p[1],) for p in self.parts])


def templates(arguments: Sequence[Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """What an exception or `print` is given, with places for values of the program; and these."""
    values: list[Any] = []
    texts: list[Any] = []
    for a in arguments:
        if isinstance(a, Message):
            texts.append(a.template())
            values += a.values()
        elif isinstance(a, Value):
            texts.append((("",),))
            values.append(a)
        else:
            texts.append(a)
    return tuple(texts), values


def of_named(s: "Staging", e: ast.NamedExpr) -> Any:
    """Binds in the function, also from within comprehensions."""
    value = s.eval(e.value)
    frame = s.frame
    while frame.around is not None:
        frame = frame.around
    with s.inside(frame):
        s.assign(e.target, value)
    return value


def of_starred(s: "Staging", e: ast.Starred) -> Any:
    raise Refused("a starred expression stands alone here", EAGER)


EXPRESSIONS: dict[type, Callable[..., Any]] = {
    ast.Constant: of_constant,
    ast.Name: of_name,
    ast.Tuple: of_tuple,
    ast.List: of_list,
    ast.Set: of_set,
    ast.Dict: of_dict,
    ast.BinOp: of_binary,
    ast.UnaryOp: of_unary,
    ast.Compare: of_compare,
    ast.BoolOp: of_boolean,
    ast.IfExp: of_ternary,
    ast.Subscript: of_subscript,
    ast.Slice: of_slice,
    ast.Attribute: of_attribute,
    ast.Call: lambda s, e: call_expression(s, e),
    ast.Lambda: of_lambda,
    ast.ListComp: of_comprehension,
    ast.SetComp: of_comprehension,
    ast.DictComp: of_comprehension,
    ast.GeneratorExp: of_comprehension,
    ast.JoinedStr: of_text,
    ast.NamedExpr: of_named,
    ast.Starred: of_starred,
}


def handler_of(node: ast.expr) -> Callable[..., Any]:
    handler = EXPRESSIONS.get(type(node))
    if handler is None:
        raise Refused(f"`{type(node).__name__}` expressions cannot be staged", EAGER)
    return handler


def call_expression(s: "Staging", e: ast.Call) -> Any:
    f = s.eval(e.func)
    args = items(s, e.args)
    kwargs: dict[str, Any] = {}
    for keyword in e.keywords:
        if keyword.arg is None:
            inner = s.eval(keyword.value)
            kwargs.update(inner if s.is_made(inner) else {k: item_of(s, inner, k) for k in inner})
        else:
            kwargs[keyword.arg] = s.eval(keyword.value)
    s.stage.where = s.frame.source.position(e)
    return s.call(f, args, kwargs)
