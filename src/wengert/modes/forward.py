"""Forward mode: one tangent beside each primal.  Griewank and Walther 2008, chapter 3.1."""

from typing import Any

from wengert.core.mode import Mode, Value, buffer
from wengert.core.primitive import Primitive, no_rule
from wengert.core.types import dtype_of, shape_of
from wengert.rules.linear import broadcast_to, cast, zeros_like


class Dual(Value):
    """primal + tangent ε; a value without tangent is not a Dual but plain."""

    __slots__ = ()
    tangent = Value.aux  # type: ignore[misc]  # another name of the slot


class Forward(Mode):
    name = "forward"

    def apply(self, row: Primitive, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        primals, tangents = [], []
        for x in args:
            if isinstance(x, Value):
                mine = x.mode is self
                primals.append(x.primal if mine or x.mode.level < 0 else x.snapshot())
                tangents.append(x.aux if mine else None)
            else:
                primals.append(x)
                tangents.append(None)
        if row.forward is not None:
            outs, pushed = row.forward(primals, tangents, params)
            return tuple(self.dual(o, t) for o, t in zip(outs, pushed))
        out = row(*primals, **params)
        if row.constant:
            return buffer(out)
        if row.several:
            pushed = push(row, primals, tangents, out, params)
            return tuple(self.dual(o, t) for o, t in zip(out, pushed))
        return self.dual(out, push(row, primals, tangents, out, params))

    def dual(self, out: Any, tangent: Any) -> Any:
        return buffer(out) if tangent is None else Dual(self, out, fit(tangent, out))


def fit(tangent: Any, out: Any) -> Any:
    """The tangent in the shape and dtype of its primal."""
    if type(tangent) is type(out) is float:
        return tangent
    if type(out) is not float or dtype_of(tangent).kind == "c":
        tangent = cast(tangent, dtype_of(out))
    shape = shape_of(out)
    return tangent if shape_of(tangent) == shape else broadcast_to(tangent, shape=shape)


def push(row: Primitive, primals: list[Any], tangents: list[Any], out: Any, params: dict[str, Any]) -> Any:
    """Tangent of the result of `row`, None for an exact zero."""
    if row.push is not None:
        return row.push(*row.resolver(row.push)(primals, out, params, tangents, [t is not None for t in tangents]))
    if row.partials is not None:
        return push_partials(row, primals, tangents, out, params)
    if row.multilinear:
        return push_each(row, primals, tangents, params)
    linear = row.transposes or (row.transpose_into and (row.transpose_into,))
    if linear is None:
        raise no_rule(row, "forward")
    mixed = [x if rule is None else zeros_like(x) if t is None else t for x, t, rule in zip(primals, tangents, linear)]
    return row(*mixed, **params)


def push_partials(row: Primitive, primals: list[Any], tangents: list[Any], out: Any, params: dict[str, Any]) -> Any:
    total = None
    for partial, t in zip(row.partials, tangents):  # type: ignore[arg-type]
        if t is None or partial is None:
            continue
        d = partial(*row.resolver(partial)(primals, out, params)) if callable(partial) else partial
        term = t if type(d) is float and d == 1.0 else d * t
        total = term if total is None else total + term
    return total


def push_each(row: Primitive, primals: list[Any], tangents: list[Any], params: dict[str, Any]) -> Any:
    total = None
    for i, t in enumerate(tangents):
        if t is not None:
            term = row(*primals[:i], t, *primals[i + 1 :], **params)
            total = term if total is None else total + term
    return total
