"""Rows of one element whose `evaluate` is a formula of ufuncs: it is run once, on numbers that note what is done.

So a row needs no second definition here.  What NumPy does to an element of an array follows from what it does to a
number of the array's dtype.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.backends.llvm.frame import Unsupported
from wengert.backends.llvm.loops import Loop, loop_at, loop_on_numbers
from wengert.backends.llvm.scalars import ELEMENTWISE, cast, element
from wengert.backends.llvm.text import Function, Number, constant
from wengert.core.lazy import lazy
from wengert.core.primitive import TABLE, Primitive
from wengert.ir.program import Type, type_of
from wengert.rules.names.table import NAMES

special = lazy("scipy.special")


@dataclass
class Scope:
    """One run of a formula: the numbers of its operands, and of its steps so far."""

    k: Function
    xs: Sequence[Number]
    known: dict[Any, Any] = field(default_factory=dict)


class Step:
    """tape: the steps of the formula, in the order in which they run;  make  scope -> the result in machine code"""

    __hash__ = object.__hash__

    def __init__(self, tape: "list[Step]", make: Callable[[Scope], Any]) -> None:
        self.tape, self.make = tape, make
        tape.append(self)


class Call(Step):
    """A loop of a ufunc on one element: it has several results."""

    def __init__(self, tape: list[Step], loop: Loop, xs: Sequence[Any]) -> None:
        super().__init__(tape, self.results)
        self.loop, self.xs = loop, xs

    def results(self, scope: Scope) -> list[Number]:
        xs = [cast(scope.k, number(scope, x), dtype) for x, dtype in zip(self.xs, self.loop.dtypes)]
        return loop_on_numbers(scope.k, self.loop, xs)


class Traced(Step, np.lib.mixins.NDArrayOperatorsMixin):
    """A number that notes what is done to it.

    type  as NumPy sees it;  source  which operand it is, or which result of a call
    """

    shape, ndim, size = (), 0, 1
    __hash__ = object.__hash__

    def __init__(self, tape: list[Step], type: Type, make: Callable[[Scope], Number], source: Any = None) -> None:
        super().__init__(tape, make)
        self.type, self.source = type, source
        self.dtype = type.dtype

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            raise Unsupported(f"numpy.{ufunc.__name__} is not called on numbers alone")
        return applied(ufunc, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function not in FUNCTIONS:
            raise Unsupported(f"numpy.{function.__name__} is no function of numbers")
        return FUNCTIONS[function](*args, **options)

    def __getitem__(self, index: Any) -> "Traced":
        if index not in ((), ...):
            raise Unsupported("its formula is not one for each element")
        return self

    def astype(self, dtype: Any) -> "Traced":
        dtype = real(np.dtype(dtype))
        return Traced(self.tape, Type(dtype, (), "scalar"), lambda scope: cast(scope.k, number(scope, self), dtype))

    def __bool__(self) -> bool:
        raise Unsupported("its formula depends on numbers")

    __float__ = __int__ = __index__ = __iter__ = __array__ = None  # type: ignore[assignment]


def real(dtype: np.dtype[Any]) -> np.dtype[Any]:
    if dtype.kind not in "fiub":
        raise Unsupported(
            "complex numbers have no machine code" if dtype.kind == "c" else f"no machine code for {dtype}"
        )
    return dtype


def number(scope: Scope, x: Any) -> Number:
    return scope.known[x] if isinstance(x, Traced) else constant(x, type_of(x).dtype)  # type: ignore[union-attr]


def tape_of(xs: Sequence[Any]) -> list[Step]:
    return next(x.tape for x in xs if isinstance(x, Traced))


def type_in(x: Any) -> Type:
    if isinstance(x, np.ndarray) and x.ndim:
        raise Unsupported("its formula is not one for each element")
    found = x.type if isinstance(x, Traced) else type_of(x)
    assert isinstance(found, Type)
    real(found.dtype)
    return found


def as_numpy_sees(type: Type) -> Any:
    """What stands for an operand in questions about dtypes."""
    return {"b": bool, "i": int, "f": float}[type.dtype.kind] if type.form == "weak" else type.dtype


def applied(ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
    types = [type_in(x) for x in inputs]
    dtypes = ufunc.resolve_dtypes((*map(as_numpy_sees, types), *(None,) * ufunc.nout))
    outs = [Type(real(t), (), "scalar") for t in dtypes[ufunc.nin :]]
    row = NAMES.get(ufunc)
    if isinstance(row, Primitive) and row.name in ELEMENTWISE:
        name = row.name
        return Traced(
            tape_of(inputs),
            outs[0],
            lambda scope: element(scope.k, name, [number(scope, x) for x in inputs], types, outs[0], {}),
        )
    tape = tape_of(inputs)
    call = Call(tape, loop_at(ufunc, dtypes), inputs)
    found = [Traced(tape, t, lambda scope, i=i: scope.known[call][i], (call, i)) for i, t in enumerate(outs)]
    return found[0] if ufunc.nout == 1 else tuple(found)


# ---------------------------------------------------------------- functions that are no ufuncs


def selected(condition: Any, x: Any, y: Any) -> Traced:
    types = [type_in(v) for v in (condition, x, y)]
    out = Type(np.result_type(*[sample(t) for t in types[1:]]), (), "scalar")
    xs = condition, x, y
    return Traced(
        tape_of(xs), out, lambda scope: element(scope.k, "where", [number(scope, v) for v in xs], types, out, {})
    )


def sample(type: Type) -> Any:
    return type.dtype.type(0).item() if type.form == "weak" else type.dtype


def result_type(*xs: Any) -> np.dtype[Any]:
    return np.result_type(*[sample(x.type) if isinstance(x, Traced) else x for x in xs])


def sine_over(x: Any) -> Any:
    """np.sinc, by its own formula."""
    y = np.pi * np.where(x == 0, 1.0e-20, x)
    return np.sin(y) / y


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: selected,
    np.result_type: result_type,
    np.broadcast_arrays: lambda *xs: xs,
    np.iscomplexobj: lambda x: False,
    np.real: lambda x: x,
    np.shape: lambda x: (),
    np.ndim: lambda x: 0,
    np.sinc: sine_over,
    np.clip: lambda x, low, high: np.minimum(np.maximum(x, low), high),
}

# SciPy's own formulas of these convert their operands to arrays
FORMULAS: dict[str, Callable[..., Any]] = {
    "multigammaln": lambda x, *, d: sum(
        (special.gammaln(x - 0.5 * j) for j in range(1, d)), special.gammaln(x) + 0.25 * d * (d - 1) * math.log(math.pi)
    ),
    "numpy_i0": lambda x: special.i0(x),
    "isclose": lambda x, y, *, rtol, atol, equal_nan: close(x, y, rtol, atol, equal_nan),
    **{
        f"spherical_{kind}n": lambda n, x, kind=kind: getattr(special._ufuncs, f"_spherical_{kind}n")(n, x)
        for kind in "jyik"
    },
}


def close(x: Any, y: Any, rtol: float, atol: float, equal_nan: bool) -> Any:
    near = (np.abs(x - y) <= atol + rtol * np.abs(y)) & np.isfinite(y) | (x == y)
    return near | (np.isnan(x) & np.isnan(y)) if equal_nan else near


# ---------------------------------------------------------------- rows


def formula_of(row: str, types: Sequence[Type], params: dict[str, Any], out: Type) -> Traced:
    """The row as a formula of one element of each operand."""

    tape: list[Step] = []

    def operand(i: int, type: Type) -> Traced:
        form = "weak" if type.form == "weak" else "scalar"
        return Traced(tape, type._replace(shape=(), form=form), lambda scope: scope.xs[i], i)

    evaluate: Any = FORMULAS.get(row, TABLE[row].evaluate)
    try:
        found = evaluate(*[operand(i, t) for i, t in enumerate(types)], **params)
    except TypeError as problem:  # what NumPy says to operands that are no numbers of its own
        raise Unsupported(f"`{row}` is no formula of ufuncs: {problem}") from problem
    if not isinstance(found, Traced):
        raise Unsupported(f"`{row}` is no formula of ufuncs")
    return found if found.dtype == out.dtype else found.astype(out.dtype)


def traced_element(k: Function, formula: Traced, xs: Sequence[Number]) -> Number:
    scope = Scope(k, xs)
    for step in formula.tape:
        scope.known[step] = step.make(scope)
    return scope.known[formula]  # type: ignore[no-any-return]


def single_call(formula: Traced) -> tuple[Call, int] | None:
    """The call and the place among its results, where the formula is that call on the operands themselves."""
    match formula.source:
        case (Call() as call, int(place)) if all(isinstance(x, Traced) and type(x.source) is int for x in call.xs):
            return call, place
    return None
