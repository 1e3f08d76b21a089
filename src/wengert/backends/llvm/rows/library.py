"""Linear algebra by the loops of `numpy.linalg`, which call LAPACK: they take stacks of matrices, and any strides."""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.linalg import _umath_linalg as lapack

from wengert.backends.llvm.arrays import Array, Lazy, Part, Stored, accessed, filled, part_of
from wengert.backends.llvm.call import Unsupported
from wengert.backends.llvm.frame import Frame, Value, assign, bytes_of, limits_of, type_as, whole
from wengert.backends.llvm.loops import call_loop, failed, forget_failures, loop_at
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.compositions import composed
from wengert.backends.llvm.rows.elementwise import converted
from wengert.backends.llvm.rows.updates import apart_if_lazy
from wengert.backends.llvm.scalars import absolute, called, cast, chosen, compared, is_finite, negated, operation
from wengert.backends.llvm.text import BOOL, FLOAT, Number, Word, constant, stored_type
from wengert.ir.program import Equation, Extent, Type, Var, numeric
from wengert.rules.determinant import trusted_condition

# ---------------------------------------------------------------- one call


def apply(frame: Frame, ufunc: Any, xs: Sequence[Stored], outs: Sequence[Stored]) -> None:
    """The generalised ufunc on stacks of matrices, into these arrays; it reads and writes memory apart."""
    k = frame.kernel
    accessed(k, xs, outs)
    cores = [
        part.split(",") if part else [] for part in re.findall(r"\(([^)]*)\)", re.sub("[ ?]", "", ufunc.signature))
    ]
    loop = loop_at(ufunc, tuple(x.dtype for x in (*xs, *outs)))
    sizes: dict[str, Word] = {}
    steps: list[Word] = []
    leads: list[Stored] = []
    for x, core in zip([*xs, *outs], cores):
        rank = len(x.lengths) - len(core)
        sizes.update(zip(core, x.lengths[rank:]))
        steps += [k.times(s, x.dtype.itemsize) for s in x.strides[rank:]]
        leads.append(Stored(x.dtype, x.lengths[:rank], x.start, x.strides[:rank], x.buffer))
    lengths = max((x.lengths for x in leads), key=len, default=[])
    lengths = [max_length([x.lengths for x in leads], axis) for axis in range(-len(lengths), 0)]

    def one(index: Sequence[Word]) -> None:
        starts, moves = [], []
        for x in leads:
            inside = [*index, 0][len(lengths) - len(x.lengths) :] if lengths else []
            starts.append(x.place(k, [0 if n == 1 else i for i, n in zip(inside, x.lengths)]))
            moves.append(k.times(x.strides[-1], x.dtype.itemsize) if x.lengths and x.lengths[-1] != 1 else 0)
        call_loop(k, loop, starts, [lengths[-1] if lengths else 1, *sizes.values()], [*moves, *steps])

    k.nest(lengths[:-1], one)


def max_length(all: Sequence[Sequence[Word]], axis: int) -> Word:
    """Along an axis, of an operand that is not repeated there."""
    return next((x[axis] for x in all if len(x) >= -axis and x[axis] != 1), 1)


def double(*dtypes: np.dtype[Any]) -> np.dtype[Any]:
    """In double precision, as NumPy computes all of linear algebra: real, or complex where one of these is."""
    return np.result_type(FLOAT, *dtypes)


def operand(frame: Frame, x: Any, dtype: np.dtype[Any] | None = None) -> Stored:
    """In memory, in double precision."""
    type = type_as(x)._replace(dtype=dtype or double(type_as(x).dtype))
    return frame.stored(converted(frame.array(x), type.dtype), type)


def place(frame: Frame, var: Var | None, type: Type, lengths: Sequence[Word]) -> Stored:
    """Memory for a result in double precision."""
    wide = type._replace(dtype=double(type.dtype), form="array")
    if var is not None and type.dtype == wide.dtype and type.shape:
        return frame.place_for(var, wide, lengths, {})
    return whole(frame.buffer(bytes_of(wide)), wide, lengths)


def result(frame: Frame, x: Stored, var: Var) -> Value:
    """As the program has it."""
    k, out = frame.kernel, numeric(var.type)
    if out.shape == ():
        return cast(k, x.element(k, ()), out.dtype)
    return x if x.dtype == out.dtype else frame.copied(converted(x, out.dtype), out, var)


def lengths_of(frame: Frame, e: Equation, var: Var) -> list[Word]:
    """Of a result: those that its type says, and those of operands that have the same extents."""
    known = {m: n for x in e.ins[: e.count] for m, n in zip(type_as(x).shape, frame.array(x).lengths)}
    shape = numeric(var.type).shape
    if any(n not in known for n in shape if isinstance(n, Extent)):
        raise Unsupported(f"`{e.row.name}` of matrices whose number only the run knows")
    return [n if isinstance(n, int) else known[n] for n in shape]


def linear_algebra(frame: Frame, e: Equation, ufunc: Any, may_fail: bool) -> list[Value]:
    """A row that is one generalised ufunc."""
    common, lengths = double(*(type_as(x).dtype for x in e.ins[: e.count])), [lengths_of(frame, e, o) for o in e.outs]
    xs = [operand(frame, x, common) for x in e.ins[: e.count]]
    outs = [place(frame, o, numeric(o.type), shape) for o, shape in zip(e.outs, lengths)]
    in_turn(frame, ufunc, xs, outs, may_fail)
    return [result(frame, x, o) for x, o in zip(outs, e.outs)]


def in_turn(frame: Frame, ufunc: Any, xs: Sequence[Stored], outs: Sequence[Stored], may_fail: bool) -> None:
    k = frame.kernel
    if may_fail:
        forget_failures(k)
    apply(frame, ufunc, xs, outs)
    if may_fail:
        k.require(negated(k, [failed(k)], Type(FLOAT)).text)


# NumPy before 2.2 has two of each of these, for flat matrices and for tall ones
IN_TWO = {"svd": "svd_{}", "svd_f": "svd_{}_f", "svd_s": "svd_{}_s", "lstsq": "lstsq_{}", "qr_r_raw": "qr_r_raw_{}"}


def by_shape(name: str, type: Type) -> Any:
    """The function of numpy.linalg for matrices of this type."""
    m, n = limits_of(type)[-2:]
    return getattr(lapack, name, None) or getattr(lapack, IN_TWO[name].format("m" if m <= n else "n"))


# ---------------------------------------------------------------- rows that are one call

SINGLE: dict[str, Any] = {"det": lapack.det, "slogdet": lapack.slogdet}
FAILING: dict[str, Any] = {"inv": lapack.inv, "cholesky": lapack.cholesky_lo, "solve": lapack.solve}


@lowers(*SINGLE, *FAILING)
def single(frame: Frame, e: Equation) -> Any:
    found = linear_algebra(frame, e, {**SINGLE, **FAILING}[e.row.name], e.row.name in FAILING)
    return found if e.row.several else found[0]


@lowers("eig", "eigvals")
def eig(frame: Frame, e: Equation) -> Any:
    """In a program complex at all runs; NumPy refuses a matrix that is not finite."""
    k, x = frame.kernel, operand(frame, e.ins[0])
    k.nest(x.lengths, lambda index: k.require(is_finite(k, [x.element(k, index)], Type(BOOL)).text))
    outs = [place(frame, o, numeric(o.type), lengths_of(frame, e, o)) for o in e.outs]
    in_turn(frame, getattr(lapack, e.row.name), [x], outs, True)
    found = [result(frame, y, o) for y, o in zip(outs, e.outs)]
    return found if e.row.several else found[0]


@lowers("eigh")
def eigh(frame: Frame, e: Equation) -> list[Value]:
    return linear_algebra(frame, e, lapack.eigh_lo if e.params["lower"] else lapack.eigh_up, True)


@lowers("eigvalsh")
def eigvalsh(frame: Frame, e: Equation) -> Value:
    return linear_algebra(frame, e, lapack.eigvalsh_lo if e.params["lower"] else lapack.eigvalsh_up, True)[0]


@lowers("svd")
def svd(frame: Frame, e: Equation) -> list[Value]:
    if e.params["hermitian"]:
        return composed(frame, e)  # type: ignore[no-any-return]
    return linear_algebra(frame, e, by_shape("svd_f" if e.params["full"] else "svd_s", type_as(e.ins[0])), True)


@lowers("svdvals")
def svdvals(frame: Frame, e: Equation) -> Value:
    if e.params["hermitian"]:
        return composed(frame, e)  # type: ignore[no-any-return]
    return linear_algebra(frame, e, by_shape("svd", type_as(e.ins[0])), True)[0]


@lowers("qr")
def qr(frame: Frame, e: Equation) -> list[Value]:
    """R stands in the upper triangle of what LAPACK leaves of the matrix, and Q is made from what is below."""
    k, (q, r) = frame.kernel, e.outs
    (m, n), lengths = type_as(e.ins[0]).shape[-2:], lengths_of(frame, e, q)
    if isinstance(m, Extent) or isinstance(n, Extent):
        raise Unsupported("`qr` of matrices of which only the run knows whether they are flat or tall")
    x = operand(frame, e.ins[0])
    type, few = type_as(e.ins[0])._replace(dtype=x.dtype), min(m, n)
    stack = x.lengths[:-2]
    work = frame.temporary(x, type)
    tau = place(frame, None, type._replace(shape=(*type.shape[:-2], few)), [*stack, few])
    in_turn(frame, by_shape("qr_r_raw", type), [work], [tau], True)
    basis = place(frame, q, numeric(q.type), lengths)
    complete = e.params["complete"] and m > n
    in_turn(frame, lapack.qr_complete if complete else lapack.qr_reduced, [work, tau], [basis], True)
    rows = part_of(k, work, [*(Part(0, 1, s) for s in stack), Part(0, 1, m if complete else few)])
    upper = Lazy(x.dtype, list(rows.lengths), lambda k, i: in_triangle(k, rows, i), dict.fromkeys(work.reads, False))
    return [result(frame, basis, q), frame.copied(converted(upper, numeric(r.type).dtype), numeric(r.type), r)]


def in_triangle(k: Any, x: Array, index: Sequence[Word]) -> Number:
    """An element on or above the diagonal, else 0."""
    inside = Number(k.compare("sle", index[-2], index[-1]), np.dtype(bool))
    return chosen(k, inside, x.element(k, index), constant(0.0, x.dtype))


@lowers("solve_as")
def solve_as(frame: Frame, e: Equation) -> Value:
    """By elimination, whatever the matrix is said to be.  One that has not that property, or is so badly conditioned
    that SciPy warns, fails the call: by a third of the cost of the solution, its inverse tells."""
    k, x = frame.kernel, operand(frame, e.ins[0])
    type = type_as(e.ins[0])._replace(dtype=x.dtype)
    if e.params["assume_a"] == "pos":
        in_turn(frame, lapack.cholesky_lo, [x], [place(frame, None, type, x.lengths)], True)
    inverse = place(frame, None, type, x.lengths)
    in_turn(frame, lapack.inv, [x], [inverse], True)
    limit = constant(float(1.0 / np.finfo(type_as(e.ins[0]).dtype).eps), FLOAT)

    def one(index: Sequence[Word]) -> None:
        sizes = [one_norm(frame, inner(k, v, index)) for v in (x, inverse)]
        k.require(compared(k, "ole", operation(k, "fmul", *sizes), limit).text)

    k.nest(x.lengths[:-2], one)
    return linear_algebra(frame, e, lapack.solve, True)[0]


@lowers("refuse_phase")
def refuse_phase(frame: Frame, e: Equation) -> Value:
    """A cotangent of complex vectors that depends on their phase ends the call: see `rules/degenerate.py`."""
    k, bar, turn = frame.kernel, frame.stored(frame.array(e.ins[0]), type_as(e.ins[0])), frame.array(e.ins[1])
    turn = apart_if_lazy(frame, turn, type_as(e.ins[1]))
    tolerance = constant(math.sqrt(np.finfo(bar.dtype).eps), FLOAT)

    def one(index: Sequence[Word]) -> None:
        columns = inner(k, bar, index)

        def square(place: Sequence[Word]) -> Number:
            size = modulus(k, columns.element(k, place))
            return operation(k, "fmul", size, size)

        def row(i: Word, total: Sequence[Number]) -> Sequence[Number]:
            add = lambda j, c: [operation(k, "fadd", c[0], square([i, j]))]
            return k.repeat(columns.lengths[1], add, total)

        total = k.repeat(columns.lengths[0], row, [constant(0.0, FLOAT)])[0]
        limit = operation(k, "fmul", tolerance, called(k, "llvm.sqrt", total))

        def small(place: Sequence[Word]) -> None:
            size = modulus(k, turn.element(k, [*index, *place]))
            k.require(negated(k, [compared(k, "ogt", size, limit)], Type(BOOL)).text)

        k.nest(columns.lengths[1:], small)

    k.nest(bar.lengths[:-2], one)
    return frame.copied(bar, numeric(e.outs[0].type), e.outs[0])


# ---------------------------------------------------------------- inverses where there may be none


@lowers("inverse_or_nan")
def inverse_or_nan(frame: Frame, e: Equation) -> Value:
    """Matrix by matrix, as `rules/determinant.py` has it: nan where the condition is beyond the limit."""
    k, out = frame.kernel, numeric(e.outs[0].type)
    type = type_as(e.ins[0])
    x, lengths = operand(frame, e.ins[0]), lengths_of(frame, e, e.outs[0])
    to = place(frame, e.outs[0], out, lengths)
    limit = trusted_condition(type.dtype, 3) if e.params["trusted"] else float(np.finfo(type.dtype).max)

    def one(index: Sequence[Word]) -> None:
        matrix, target = (inner(k, v, index) for v in (x, to))
        _, condition = inverted(frame, matrix, target, type.dtype)
        trusted = compared(k, "ole", condition, constant(limit, FLOAT))

        def clear(at: Sequence[Word]) -> None:
            place = target.place(k, at)
            k.store(chosen(k, trusted, k.load(place, to.dtype), constant(math.nan, to.dtype)), place)

        k.nest(matrix.lengths, clear)

    k.nest(lengths[:-2], one)
    return result(frame, to, e.outs[0])


@lowers("cofactor")
def cofactor(frame: Frame, e: Equation) -> Value:
    """det(A) A⁻ᵀ; a matrix that is badly conditioned fails the call, and the interpreter takes singular values."""
    k, out = frame.kernel, numeric(e.outs[0].type)
    type = type_as(e.ins[0])
    x, lengths = operand(frame, e.ins[0]), lengths_of(frame, e, e.outs[0])
    to = place(frame, e.outs[0], out, lengths)

    def one(index: Sequence[Word]) -> None:
        matrix, target = (inner(k, v, index) for v in (x, to))
        transposed = Stored(to.dtype, target.lengths, target.start, target.strides[::-1], target.buffer)
        determinant, condition = inverted(frame, matrix, transposed, type.dtype)
        finite = is_finite(k, [determinant], Type(to.dtype))
        exact = operation(k, "and", finite, compared(k, "une", determinant, constant(0.0, to.dtype)))
        k.require(
            operation(
                k, "and", exact, compared(k, "ole", condition, constant(trusted_condition(type.dtype, 1), FLOAT))
            ).text
        )

        def scaled(at: Sequence[Word]) -> None:
            there = target.place(k, at)
            k.store(operation(k, "fmul", determinant, k.load(there, to.dtype)), there)

        k.nest(matrix.lengths, scaled)

    k.nest(lengths[:-2], one)
    return result(frame, to, e.outs[0])


def inner(k: Any, x: Stored, index: Sequence[Word]) -> Stored:
    """One matrix of a stack."""
    found = part_of(k, x, [Part(i) for i in index])
    assert isinstance(found, Stored)
    return found


def inverted(frame: Frame, matrix: Stored, target: Stored, dtype: np.dtype[Any]) -> tuple[Number, Number]:
    """The inverse of one matrix into `target`; its determinant, and its condition in the 1-norm: inf where it is
    singular, and nan where it holds a nan."""
    k = frame.kernel
    kinds = matrix.dtype, matrix.dtype, FLOAT
    determinant, sign, logarithm = (Stored(t, [], k.alloca(stored_type(t)), [], None) for t in kinds)
    apply(frame, lapack.det, [matrix], [determinant])
    apply(frame, lapack.slogdet, [matrix], [sign, logarithm])
    forget_failures(k)
    apply(frame, lapack.inv, [matrix], [target])
    singular = failed(k)
    size = operation(k, "fmul", one_norm(frame, matrix), one_norm(frame, target))
    finite = is_finite(k, [k.load(logarithm.start, FLOAT)], Type(FLOAT))
    regular = operation(k, "and", finite, negated(k, [singular], Type(FLOAT)))
    condition = chosen(k, regular, size, constant(math.inf, FLOAT))
    return k.load(determinant.start, determinant.dtype), condition


def modulus(k: Any, x: Number) -> Number:
    return cast(k, absolute(k, [x], Type(x.dtype)), FLOAT)


def one_norm(frame: Frame, x: Stored) -> Number:
    """The largest sum of a column; a nan wins."""
    k = frame.kernel

    def column(j: Word, best: Sequence[Number]) -> Sequence[Number]:
        add = lambda i, c: [operation(k, "fadd", c[0], modulus(k, x.element(k, [i, j])))]
        total = k.repeat(x.lengths[0], add, [constant(0.0, FLOAT)])[0]
        wins = operation(k, "or", compared(k, "ogt", total, best[0]), compared(k, "uno", total, total))
        wins = operation(k, "and", wins, compared(k, "ord", best[0], best[0]))
        return [chosen(k, wins, total, best[0])]

    return k.repeat(x.lengths[1], column, [constant(0.0, FLOAT)])[0]


# ---------------------------------------------------------------- least squares


@lowers("lstsq")
def lstsq(frame: Frame, e: Equation) -> list[Value]:
    k = frame.kernel
    x, remaining, _, values = e.outs
    (m, n), (_, count) = (type_as(v).shape for v in e.ins[:2])
    if any(isinstance(v, Extent) or v == 0 for v in (m, n, count)):
        raise Unsupported("`lstsq` of arrays that are, or may be, empty")
    rcond = e.params["rcond"]
    rcond = float(np.finfo(np.float64).eps) * max(m, n) if rcond is None else float(rcond)
    common = double(*(type_as(v).dtype for v in e.ins[:2]))
    a, b = (operand(frame, v, common) for v in e.ins[:2])
    limit = Stored(FLOAT, [], k.alloca("double"), [], None)
    k.store(constant(rcond, FLOAT), limit.start)
    outs = [place(frame, None, Type(t, s), s) for t, s in ((common, (n, count)), (FLOAT, (count,)))]
    order = Stored(np.dtype(np.int32), [], k.alloca("i64"), [], None)
    sizes = place(frame, None, Type(FLOAT, (min(m, n),)), (min(m, n),))
    in_turn(frame, by_shape("lstsq", type_as(e.ins[0])), [a, b, limit], [*outs, order, sizes], True)
    found = k.load(order.start, order.dtype)
    if numeric(remaining.type).shape != (0,):  # NumPy leaves it out where columns are dependent
        k.require(compared(k, "eq", found, constant(n, found.dtype)).text)
    return [result(frame, outs[0], x), rest(frame, outs[1], remaining), found, result(frame, sizes, values)]


def rest(frame: Frame, x: Stored, var: Var) -> Value:
    type = numeric(var.type)
    return filled(constant(0, type.dtype), (0,)) if type.shape == (0,) else result(frame, x, var)


# ---------------------------------------------------------------- triangles


@lowers("triangular_solve")
def triangular_solve(frame: Frame, e: Equation) -> Value:
    """By substitution: rows of the result one after the other, each without multiples of those before it."""
    k, out = frame.kernel, numeric(e.outs[0].type)
    lower, unit = e.params["lower"], e.params["unit_diagonal"]
    a = frame.stored(converted(frame.array(e.ins[0]), out.dtype), type_as(e.ins[0])._replace(dtype=out.dtype))
    b = converted(frame.array(e.ins[1]), out.dtype)
    to = frame.place_for(e.outs[0], out, b.lengths, {x: False for v in (a, b) for x in v.reads})
    assign(k, to, b)
    *stack, n, columns = to.lengths
    row_type = out._replace(shape=out.shape[-1:])
    left = whole(frame.buffer(bytes_of(row_type)), row_type, [columns])  # apart from the rows it is made of: in vectors

    def one(outer: Sequence[Word]) -> None:
        def row(i: Word, nothing: Sequence[Number]) -> Sequence[Number]:
            i = i if lower else k.minus(k.minus(n, 1), i)
            k.nest([columns], lambda c: k.store(to.element(k, [*outer, i, *c]), left.place(k, c)))

            def less(j: Word, nothing: Sequence[Number]) -> Sequence[Number]:
                j = j if lower else k.minus(k.minus(n, 1), j)
                factor = a.element(k, [*outer, i, j])

                def column(c: list[Word]) -> None:
                    gone = operation(k, "fmul", factor, to.element(k, [*outer, j, *c]))
                    k.store(operation(k, "fsub", left.element(k, c), gone), left.place(k, c))

                k.nest([columns], column)
                return ()

            k.repeat(i if lower else k.minus(k.minus(n, 1), i), less)
            divisor = None if unit else a.element(k, [*outer, i, i])
            if divisor is not None:
                k.require(compared(k, "une", divisor, constant(0, out.dtype)).text)

            def put(c: list[Word]) -> None:
                x = left.element(k, c)
                k.store(x if divisor is None else operation(k, "fdiv", x, divisor), to.place(k, [*outer, i, *c]))

            k.nest([columns], put)
            return ()

        k.repeat(n, row)

    k.nest(stack, one)
    return to
