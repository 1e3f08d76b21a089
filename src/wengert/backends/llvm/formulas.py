"""Rows of one element whose `evaluate` is a formula of ufuncs: it is run once, on numbers that note what is done.

So a row needs no second definition here.  What NumPy does to an element of an array follows from what it does to a
number of the array's dtype.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.backends.llvm.call import Unsupported
from wengert.backends.llvm.frame import refuse_dtype
from wengert.backends.llvm.loops import Loop, loop_at, loop_on_numbers
from wengert.backends.llvm.scalars import by_instructions, cast, element
from wengert.backends.llvm.text import Function, Number, constant
from wengert.core.lazy import lazy
from wengert.core.primitive import TABLE, Primitive
from wengert.ir.program import KINDS, Type, type_of
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

    @property
    def real(self) -> "Traced":
        return FUNCTIONS[np.real](self)  # type: ignore[no-any-return]

    @property
    def imag(self) -> "Traced":
        return FUNCTIONS[np.imag](self)  # type: ignore[no-any-return]

    def __getitem__(self, index: Any) -> "Traced":
        if index not in ((), ...):
            raise Unsupported("its formula is not one for each element")
        return self

    def astype(self, dtype: Any) -> "Traced":
        dtype = number_dtype(np.dtype(dtype))
        return Traced(self.tape, Type(dtype, (), "scalar"), lambda scope: cast(scope.k, number(scope, self), dtype))

    def __bool__(self) -> bool:
        raise Unsupported("its formula depends on numbers")

    __float__ = __int__ = __index__ = __iter__ = __array__ = None


def number_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    refuse_dtype(dtype)
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
    refuse_dtype(found.dtype)
    return found


def as_numpy_sees(type: Type) -> Any:
    """What stands for an operand in questions about dtypes."""
    return KINDS[type.dtype.kind] if type.form == "weak" else type.dtype


def applied(ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
    types = [type_in(x) for x in inputs]
    dtypes = ufunc.resolve_dtypes((*map(as_numpy_sees, types), *(None,) * ufunc.nout))
    outs = [Type(number_dtype(t), (), "scalar") for t in dtypes[ufunc.nin :]]
    row = NAMES.get(ufunc)
    if isinstance(row, Primitive) and by_instructions(row.name, [t.dtype for t in types]):
        return by_row(row.name, inputs, outs[0])
    tape = tape_of(inputs)
    call = Call(tape, loop_at(ufunc, dtypes), inputs)

    def result(i: int) -> Traced:
        return Traced(tape, outs[i], lambda scope: scope.known[call][i], (call, i))

    found = [result(i) for i in range(ufunc.nout)]
    return found[0] if ufunc.nout == 1 else tuple(found)


# ---------------------------------------------------------------- functions that are no ufuncs


def by_row(name: str, inputs: Sequence[Any], out: Type) -> Traced:
    types = [type_in(x) for x in inputs]
    return Traced(
        tape_of(inputs), out, lambda scope: element(scope.k, name, [number(scope, x) for x in inputs], types, out, {})
    )


def selected(condition: Any, x: Any, y: Any) -> Traced:
    out = np.result_type(*[sample(type_in(v)) for v in (x, y)])
    return by_row("where", [condition, x, y], Type(out, (), "scalar"))


def part(name: str) -> Callable[[Any], Traced]:
    """np.real or np.imag."""
    return lambda x: by_row(name, [x], Type(np.zeros(0, x.dtype).real.dtype, (), "scalar"))


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
    np.iscomplexobj: lambda x: x.dtype.kind == "c",
    np.real: part("real"),
    np.imag: part("imag"),
    np.angle: lambda x: np.arctan2(np.imag(x), np.real(x)),
    np.shape: lambda x: (),
    np.ndim: lambda x: 0,
    np.sinc: sine_over,
    np.clip: lambda x, low, high: np.minimum(np.maximum(x, low), high),
}

# In place of `evaluate`, where a call for each element costs more than the formula: on operands of the result's dtype
SHORT: dict[str, Callable[..., Any]] = {
    "logaddexp": lambda x, y: np.where(x == y, x + math.log(2.0), np.maximum(x, y) + np.log1p(np.exp(-np.abs(x - y)))),
    "expit": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "xlogy": lambda x, y: np.where((x == 0.0) & ~np.isnan(y), 0.0, x * np.log(y)),
    "xlog1py": lambda x, y: np.where((x == 0.0) & ~np.isnan(y), 0.0, x * np.log1p(y)),
}
# and where SciPy's own formula converts its operands to arrays
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

    evaluate: Any = {**FORMULAS, **SHORT}.get(row, TABLE[row].evaluate)
    operands = [operand(i, t) for i, t in enumerate(types)]
    if row in SHORT:
        operands = [x if x.dtype == out.dtype else x.astype(out.dtype) for x in operands]
    try:
        found = evaluate(*operands, **params)
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
