"""Rows that only programs have: constants, stacks, checks and control flow.  Users never call them.

    for_    (lo, hi, step, *constants, *carries)   body (i, *constants, *carries) -> carries
    while_  (*constants, *carries)                 test (*constants, *carries) -> truth,  body (the same) -> carries
    if_     (truth, *operands)                     then and orelse (*operands) -> results
    call    (*operands)                            program (*operands) -> results
    recur   (*operands)                            function (*operands) -> results, which may call itself

`consts` is the number of constants.  Their derivatives are programs again: see `transforms/control.py`.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from wengert.core.mode import Value, content_of, is_array
from wengert.core.primitive import Primitive
from wengert.core.types import Shape, shape_of
from wengert.ir.evaluate import Interpreter
from wengert.ir.program import (
    KINDS,
    RECORD,
    ROWS,
    AnyType,
    Extent,
    Items,
    Stack,
    Type,
    Unread,
    has_extents,
    result_types,
    tangent_type,
    type_of,
    zero,
)
from wengert.rules.indexing import getitem
from wengert.rules.linear import broadcast_to, convert, relabel, reshape, zeros
from wengert.rules.reduce import reduce_all


def row(name: str, evaluate: Any, **columns: Any) -> Primitive:
    """A row beside the table of the mathematics."""
    made = ROWS[name] = Primitive(name, evaluate, register=False, **columns)
    return made


# ---------------------------------------------------------------- constants

full = row("full", lambda *, shape, value, dtype: np.full(shape, value, dtype))
array = row("array", lambda x: x)
unread = row("unread", lambda *, type: np.empty((0,) * len(type.shape), type.dtype), types=lambda ins, type: [type])
empty_stack = row("empty_stack", lambda *, type: Items(type), types=lambda ins, type: [type])


def literal(x: Any) -> tuple[Primitive, list[Any], dict[str, Any]]:
    """(row, operands, parameters) of the equation that makes a constant; short where all its elements are equal."""
    if isinstance(x, Unread):
        return unread, [], {"type": x.type}
    if isinstance(x, Items):
        assert not x.items
        return empty_stack, [], {"type": x.type}
    if isinstance(x, np.ndarray) and x.size and x.dtype.kind in "fciub":
        first = x.flat[0]
        if (x == first).all() and not (first == 0 and np.signbit(x.real).any()):
            return full, [], {"shape": x.shape, "value": first.item(), "dtype": x.dtype.str}
    return array, [x], {}


# ---------------------------------------------------------------- to a type


def conform(x: Any, type: AnyType) -> Any:
    """x as a value of this type: a carry, or the result of a branch, has one type for all runs.

    Raises TypeError where that would lose something.
    """
    have = value_type(x)
    if have == type or (isinstance(type, Stack) and is_batched(x)):
        return x
    if not fits(have, type):
        raise TypeError(f"{have} does not fit {type}")
    if not isinstance(x, Value) and type.form == "weak":
        return KINDS[type.dtype.kind](x)
    if have.dtype != type.dtype or (have.form == "weak" and type.form != "weak"):
        x = convert(x, dtype=type.dtype)
    if has_extents(type) and have.shape != type.shape:
        return relabel(x, shape=type.shape)
    if have.shape != type.shape:
        return broadcast_to(x, shape=type.shape)
    if have.form == "array" and type.form == "scalar":
        return getitem(x, index=())
    return reshape(x, shape=()) if type.form == "array" and have.form != "array" else x


def filled(x: Any, type: AnyType, like: Any) -> Any:
    """A tangent or cotangent of `like` as a value of this type, where None is a zero."""
    if x is not None:
        return conform(x, type)
    return zeros(shape_of(like), type.dtype) if has_extents(type) else zero(type)  # type: ignore[union-attr]


def value_type(x: Any) -> AnyType:
    """The type of a plain value, or of one in any mode; that of one lane in a batch."""
    if isinstance(x, Value) and x.mode.staged and x.aux is not None:
        return x.aux.type  # type: ignore[no-any-return]
    content = content_of(x)
    if not isinstance(x, Value) or isinstance(content, Items):
        return type_of(content)
    form = "array" if is_array(x) else "weak" if type(content) in WEAK else "scalar"
    return Type(x.dtype, tuple([getattr(n, "extent", n) for n in x.shape]), form)


def is_batched(x: Any) -> bool:
    while isinstance(x, Value):
        if x.hidden_axes:
            return True
        x = x.primal
    return False


def within(n: Any, m: Any) -> bool:
    """Whether an array of length n is one of length m."""
    return n == m or (isinstance(m, Extent) and (n.bound if isinstance(n, Extent) else n) <= m.bound)


WEAK = (bool, int, float, complex)


def fits(have: AnyType, type: AnyType) -> bool:
    if isinstance(have, Stack) or isinstance(type, Stack) or (type.form == "weak" and have.form != "weak"):
        return False
    if has_extents(type) and not all(map(within, have.shape, type.shape)):
        return False
    stretches = has_extents(type) or all(n in (1, m) for n, m in zip(reversed(have.shape), reversed(type.shape)))
    return len(have.shape) <= len(type.shape) and stretches and np.can_cast(have.dtype, type.dtype, "same_kind")


# a number of NumPy as the Python number that it was before an array kept it
weak = row(
    "weak",
    lambda x: x.item() if isinstance(x, np.generic | np.ndarray) else x,
    push=lambda x_dot: x_dot,
    pull=lambda ct: (ct,),
    batch=lambda size, batched, operands: operands[0],
    types=lambda ins: [ins[0]._replace(form="weak")],
)

# ---------------------------------------------------------------- stacks: what loops of unknown length keep


def stack_push_evaluate(stack: Items, x: Any, *, type: Stack, inplace: bool) -> Items:
    items = stack.items if inplace else list(stack.items)
    items.append(x)
    return Items(stack.type, items)


def stack_pop_evaluate(stack: Items, *, type: Stack, inplace: bool, zeros: Shape | None = None) -> tuple[Items, Any]:
    """zeros: of tangents or cotangents, where an empty stack stands for one of zeros, of this shape"""
    if zeros is not None and not stack.items:
        return stack, zero(type.element) if zeros == () else np.zeros(zeros, type.element.dtype)
    items = stack.items if inplace else list(stack.items)
    x = items.pop()
    return Items(stack.type, items), x


def pushed(stack: Any, x: Any, type: Stack, like: Any) -> Any:
    """A stack of tangents or cotangents, where None is a zero."""
    stack = zero(type) if stack is None else stack
    return stack_push(stack, filled(x, type.element, like), type=type, inplace=False)


def popped(stack: Any, type: Stack, shape: Shape) -> Any:
    """From a stack of tangents or cotangents of elements of this shape."""
    return stack_pop(stack, type=tangent_type(type), inplace=False, zeros=shape if has_extents(type.element) else ())


def lifted_type(type: AnyType, size: int) -> AnyType:
    """Of all lanes of a batch: an array; a stack whose elements hold all lanes."""
    if type == RECORD:
        return type
    if isinstance(type, Stack):
        return Stack(lifted_type(type.element, size))
    return Type(type.dtype, (size, *type.shape))


def stack_lift_evaluate(stack: Items, *, size: int) -> Items:
    type = lifted_type(stack.type, size)
    return Items(type, [lifted_item(x, size) for x in stack.items])


def lifted_item(x: Any, size: int) -> Any:
    return stack_lift_evaluate(x, size=size) if isinstance(x, Items) else np.repeat(np.asarray(x)[None], size, axis=0)


def stack_sum_evaluate(stack: Items, *, type: Stack) -> Items:
    return Items(type, [summed_item(x, type.element) for x in stack.items])


def summed_item(x: Any, type: AnyType) -> Any:
    return stack_sum_evaluate(x, type=type) if isinstance(type, Stack) else np.add.reduce(x, axis=0)


# A stack that is the same for all lanes, with all lanes in its elements; and its transpose.
stack_lift = row(
    "stack_lift",
    stack_lift_evaluate,
    push=lambda stack_dot, size: stack_lift(stack_dot, size=size),
    pull=lambda ct, stack, size: (stack_sum(ct, type=tangent_type(type_in(stack))),),
    types=lambda ins, size: [lifted_type(ins[0], size)],
)
stack_sum = row(
    "stack_sum",
    stack_sum_evaluate,
    push=lambda stack_dot, type: stack_sum(stack_dot, type=type),
    pull=lambda ct, stack, type: (stack_lift(ct, size=first_axis(type_in(stack))),),
    types=lambda ins, type: [type],
)


def first_axis(type: AnyType) -> int:
    while isinstance(type, Stack):
        type = type.element
    return type.shape[0]


def type_in(stack: Any) -> AnyType:
    return type_of(content_of(stack))


def all_lanes(x: Any, batched: bool, size: int, type: AnyType) -> Any:
    if batched:
        return x
    return stack_lift(x, size=size) if isinstance(type, Stack) else broadcast_to(x, shape=(size, *type.shape))


def stack_push_batch(size: int, batched: Any, operands: Any, *, type: Stack, inplace: bool) -> Any:
    pairs = zip(operands, batched, (type, type.element))
    return stack_push(*[all_lanes(x, b, size, t) for x, b, t in pairs], type=lifted_type(type, size), inplace=inplace)


# Each is the transpose of the other: what was pushed comes back first.
stack_push = row(
    "stack_push",
    stack_push_evaluate,
    push=lambda x, stack_dot, x_dot, type: pushed(stack_dot, x_dot, tangent_type(type), x),
    pull=lambda ct, x_shape, type: popped(ct, type, x_shape),
    batch=stack_push_batch,
    types=lambda ins, type, inplace: [type],
)
stack_pop = row(
    "stack_pop",
    stack_pop_evaluate,
    push=lambda stack_dot, out, type: popped(stack_dot, type, shape_of(out[1])),
    pull=lambda ct, out, type: (pushed(*ct, tangent_type(type), out[1]),),
    batch=lambda size, batched, operands, *, type, inplace, zeros=None: stack_pop(
        *operands, type=lifted_type(type, size), inplace=inplace, zeros=zeros and (size, *zeros)
    ),
    types=lambda ins, type, inplace, zeros=None: [type, type.element],
    several=True,
)

# ---------------------------------------------------------------- records: what calls of recursive functions keep


def unpack_evaluate(record: Items, *, types: Sequence[AnyType]) -> tuple[Any, ...]:
    """An empty record of tangents or cotangents is one of zeros."""
    return tuple(record.items or map(zero, types))


pack = row("pack", lambda *xs: (Items(RECORD, list(xs)),), types=lambda ins: [RECORD], several=True)
unpack = row("unpack", unpack_evaluate, types=lambda ins, types: list(types), several=True)

# ---------------------------------------------------------------- checks

length = row("length", lambda x, *, axis: x.shape[axis], types=lambda ins, axis: [type_of(0)])
# of n elements, how many a slice chooses
slice_length = row(
    "slice_length",
    lambda n, *, index: len(range(*index[0].indices(n))),
    types=lambda ins, index: [type_of(0)],
)
trip_count = row("trip_count", lambda lo, hi, step: len(range(int(lo), int(hi), int(step))))


def check_evaluate(ok: Any, *values: Any, error: type[BaseException], arguments: tuple[Any, ...]) -> Any:
    """Raise error(*arguments), with values in the places that `arguments` leaves for them, unless ok."""
    if not ok:
        rest = iter(values)
        raise error(*(worded(a, rest) if isinstance(a, tuple) else a for a in arguments))
    return np.True_


def worded(template: tuple[Any, ...], values: Iterator[Any]) -> Any:
    """Texts, and values in the places of format specifications; a value alone stays what it is."""
    if template == (("",),):
        return next(values)
    return "".join(part if isinstance(part, str) else format(next(values), part[0]) for part in template)


def show_evaluate(*values: Any, texts: tuple[Any, ...], sep: str, end: str) -> Any:
    """Print texts, with values in the places that these leave for them."""
    rest = iter(values)
    print(*(worded(text, rest) if isinstance(text, tuple) else text for text in texts), sep=sep, end=end)
    return np.True_


TRUTH = Type(np.dtype(bool), (), "scalar")
show = row(
    "show",
    show_evaluate,
    types=lambda ins, texts, sep, end: [TRUTH],
    effect=True,
    absent={"batch": "each lane prints its own"},
)
check = row(
    "check",
    check_evaluate,
    types=lambda ins, error, arguments: [TRUTH],
    batch=lambda size, batched, operands, **params: check(reduce_all(operands[0], axes=(0,)), *operands[1:], **params),
    effect=True,
)

# ---------------------------------------------------------------- control flow

RUN = Interpreter()
for_ = row(
    "for_",
    lambda *xs, body, consts: tuple(RUN.for_(list(xs), body, consts)),
    types=lambda ins, body, consts: result_types(body),
    several=True,
)
while_ = row(
    "while_",
    lambda *xs, test, body, consts: tuple(RUN.while_(list(xs), test, body, consts)),
    types=lambda ins, test, body, consts: result_types(body),
    several=True,
)
if_ = row(
    "if_",
    lambda *xs, then, orelse: tuple(RUN.if_(list(xs), then, orelse)),
    types=lambda ins, then, orelse: result_types(then),
    several=True,
)
call = row(
    "call",
    lambda *xs, program: tuple(RUN.call(list(xs), program)),
    types=lambda ins, program: result_types(program),
    several=True,
)
recur = row(
    "recur",
    lambda *xs, function: tuple(RUN.recur(list(xs), function)),
    types=lambda ins, function: function.results,
    several=True,
)
