"""Solutions of matrix equations by SciPy's solvers, each differentiated by the same solver.

All operands of a call have the same leading axes (`stacks.same_stack`).  The rules never ask SciPy to look for inf and
nan: those pass through derivatives, and the names check what the user gives.
"""

from typing import Any

import numpy as np

from wengert.core.lazy import lazy
from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of, shape_of
from wengert.ir.program import Type
from wengert.rules.contract import column, matmul
from wengert.rules.degenerate import adjoint, conjugate, total
from wengert.rules.elementwise import where
from wengert.rules.indexing import add_at, getitem
from wengert.rules.join import concatenate, stretch
from wengert.rules.linear import flip, reduce_sum, reshape, swap_last, transpose
from wengert.rules.stacks import in_precision_of, over_stack, zeros_beside
from wengert.rules.triangles import lower_triangle

scipy_linalg = lazy("scipy.linalg")


# ---------------------------------------------------------------- what the rows share


def less(left: Any, right: Any) -> Any:
    """left - right, where None is an exact zero."""
    return left if right is None else -right if left is None else left - right


def hermitian_part(x: Any) -> Any:
    return 0.5 * (x + adjoint(x))


def stacked(solver: Any, size: int, batched: Any, operands: Any, params: dict[str, Any]) -> Any:
    """The batching rule of all rows here."""
    return solver(*stretch(size, batched, operands), **params)


def columns_beside(solver: Any, core: int, size: int, batched: Any, operands: Any, params: dict[str, Any]) -> Any:
    """The batching rule of a(x) = b: right-hand sides of the same matrix are columns, and it is factored once."""
    a, b = operands
    if batched[0] or len(shape_of(a)) != core:
        return stacked(solver, size, batched, operands, params)
    _, n, k = shape_of(b)
    beside = reshape(transpose(b, axes=(1, 0, 2)), shape=(n, size * k))
    return transpose(reshape(solver(a, beside, **params), shape=(n, size, k)), axes=(1, 0, 2))


def solution_type(a: Type, b: Type) -> list[Type]:
    """Of x in a(x) = b; samples of a need not have a solution."""
    return [Type(np.result_type(a.dtype, b.dtype), b.shape)]


def well_conditioned(n: int) -> Any:
    return np.eye(n) * n + np.arange(n * n).reshape(n, n) / (n * n)


# ---------------------------------------------------------------- a x = b, by the structure of a

TURNED = {"upper triangular": "lower triangular", "lower triangular": "upper triangular"}


def assuming(assume_a: str | None, lower: bool) -> dict[str, Any]:
    """Without None, which SciPy before 1.15 does not know."""
    return {"check_finite": False} | ({} if assume_a is None else {"assume_a": assume_a, "lower": lower})


def solve_pull(ct: Any, a: Any, out: Any, traced: Any, assume_a: Any, lower: bool) -> tuple[Any, Any]:
    """b_bar solves aᵀ b_bar = ct, and a_bar = -b_bar xᵀ.  Giles 2008, section 2.3.1."""
    b_bar = solve_as(swap_last(a), ct, assume_a=TURNED.get(assume_a, assume_a), lower=lower)
    return -matmul(b_bar, swap_last(out)) if traced[0] else None, b_bar


# `a` holds all that it stands for: the names complete it where SciPy reads a part only
solve_as = row(
    "solve_as",
    lambda a, b, *, assume_a, lower: over_stack(
        lambda a, b: scipy_linalg.solve(a, b, **assuming(assume_a, lower)), (2, 2), a, b
    ),
    push=lambda a, a_dot, b_dot, out, assume_a, lower: solve_as(
        a, less(b_dot, None if a_dot is None else matmul(a_dot, out)), assume_a=assume_a, lower=lower
    ),
    pull=solve_pull,
    batch=lambda size, batched, operands, **params: columns_beside(solve_as, 2, size, batched, operands, params),
    examples=[
        ((well_conditioned(3), (3, 2)), {"assume_a": None, "lower": False}),
        ((np.stack([well_conditioned(2)] * 2), (2, 2, 1)), {"assume_a": "gen", "lower": False}),
    ],
)


def triangle(n: int, lower: bool, unit_diagonal: bool) -> Any:
    """Which elements of a triangular matrix count."""
    mask = lower_triangle(n, below=int(unit_diagonal))
    return mask if lower else swap_last(mask)


def substituted(a: Any, b: Any, *, lower: bool, unit_diagonal: bool) -> Any:
    """The solution by SciPy; those of a stack by NumPy, at once."""
    if a.ndim == 2:
        return scipy_linalg.solve_triangular(a, b, lower=lower, unit_diagonal=unit_diagonal, check_finite=False)
    a = np.where(
        triangle(a.shape[-1], lower, unit_diagonal), a, np.eye(a.shape[-1], dtype=a.dtype) if unit_diagonal else 0
    )
    if not np.all(np.diagonal(a, axis1=-2, axis2=-1)):
        raise np.linalg.LinAlgError("singular matrix: a triangular matrix of the stack has a zero on its diagonal")
    return np.linalg.solve(a, b)


def triangular_push(a: Any, a_dot: Any, b_dot: Any, out: Any, lower: bool, unit_diagonal: bool) -> Any:
    """From a x = b:  a x_dot = b_dot - a_dot x, with the triangle of a_dot that counts."""
    moved = None
    if a_dot is not None:
        moved = matmul(where(triangle(shape_of(a)[-1], lower, unit_diagonal), a_dot, 0.0), out)
    return triangular_solve(a, less(b_dot, moved), lower=lower, unit_diagonal=unit_diagonal)


def triangular_pull(ct: Any, a: Any, out: Any, traced: Any, lower: bool, unit_diagonal: bool) -> tuple[Any, Any]:
    b_bar = triangular_solve(swap_last(a), ct, lower=not lower, unit_diagonal=unit_diagonal)
    if not traced[0]:
        return None, b_bar
    return -where(triangle(shape_of(a)[-1], lower, unit_diagonal), matmul(b_bar, swap_last(out)), 0.0), b_bar


triangular_solve = row(
    "triangular_solve",
    substituted,
    push=triangular_push,
    pull=triangular_pull,
    batch=lambda size, batched, operands, **params: columns_beside(
        triangular_solve, 2, size, batched, operands, params
    ),
    examples=[
        ((well_conditioned(3), (3, 2)), {"lower": True, "unit_diagonal": False}),
        ((well_conditioned(3), (3, 2)), {"lower": False, "unit_diagonal": True}),
        ((np.stack([well_conditioned(2)] * 2), (2, 2, 1)), {"lower": False, "unit_diagonal": False}),
    ],
)

# ---------------------------------------------------------------- a x = b, where a is arranged from few values


def circulant_places(n: int) -> Any:
    """Which of the values stands at (i, j) of the matrix."""
    return np.subtract.outer(np.arange(n), np.arange(n)) % max(n, 1)


def toeplitz_places(n: int) -> Any:
    return np.subtract.outer(np.arange(n), np.arange(n)) + n - 1


def arranged(values: Any, places: Any) -> Any:
    """The matrix of the values at these places."""
    return getitem(values, index=(*(slice(None),) * (len(shape_of(values)) - 1), places))


def gathered(x: Any, places: Any, like: Any) -> Any:
    """The transpose of `arranged`: what stands at the same place is added."""
    index = (*(slice(None),) * (len(shape_of(like)) - 1), places)
    return add_at(np.zeros(shape_of(like), dtype_of(x)), x, index=index, inplace=False)


def arranged_push(solve: Any, places: Any, values: Any, values_dot: Any, b_dot: Any, out: Any) -> Any:
    return solve(values, less(b_dot, None if values_dot is None else matmul(arranged(values_dot, places), out)))


def arranged_pull(solve: Any, places: Any, turned: Any, ct: Any, values: Any, out: Any, traced: Any) -> tuple[Any, Any]:
    """As for any matrix; `turned` are the values of the transpose."""
    b_bar = solve(turned, ct)
    return gathered(-matmul(b_bar, swap_last(out)), places, values) if traced[0] else None, b_bar


def toeplitz_evaluate(values: Any, b: Any) -> Any:
    n = b.shape[0]
    column_and_row = (values[n - 1 :], values[n - 1 :: -1])
    return in_precision_of((values, b), scipy_linalg.solve_toeplitz(column_and_row, b, check_finite=False))


def mirrored(values: Any) -> Any:
    """The values of the transpose of a Toeplitz matrix."""
    return flip(values, axes=(len(shape_of(values)) - 1,))


# values: the diagonals from the upper right corner to the lower left one
toeplitz_solve = row(
    "toeplitz_solve",
    lambda values, b: over_stack(toeplitz_evaluate, (1, 2), values, b),
    push=lambda values, values_dot, b_dot, out: arranged_push(
        toeplitz_solve, toeplitz_places(shape_of(out)[-2]), values, values_dot, b_dot, out
    ),
    pull=lambda ct, values, out, traced: arranged_pull(
        toeplitz_solve, toeplitz_places(shape_of(out)[-2]), mirrored(values), ct, values, out, traced
    ),
    types=lambda ins: solution_type(*ins),
    batch=lambda size, batched, operands: columns_beside(toeplitz_solve, 1, size, batched, operands, {}),
    examples=[((np.array([0.3, -0.4, 2.0, 0.7, 0.2]), (3, 2)), {}), ((np.full((2, 1), 0.4), (2, 1, 1)), {})],
)


def backwards(values: Any) -> Any:
    """The first column of the transpose of a circulant matrix."""
    return arranged(values, -np.arange(shape_of(values)[-1]) % max(shape_of(values)[-1], 1))


# values: the first column
circulant_solve = row(
    "circulant_solve",
    lambda values, b: over_stack(scipy_linalg.solve_circulant, (1, 2), values, b),
    push=lambda values, values_dot, b_dot, out: arranged_push(
        circulant_solve, circulant_places(shape_of(values)[-1]), values, values_dot, b_dot, out
    ),
    pull=lambda ct, values, out, traced: arranged_pull(
        circulant_solve, circulant_places(shape_of(values)[-1]), backwards(values), ct, values, out, traced
    ),
    types=lambda ins: solution_type(*ins),
    batch=lambda size, batched, operands: columns_beside(circulant_solve, 1, size, batched, operands, {}),
    examples=[((np.array([2.0, 0.7, 0.2]), (3, 2)), {}), ((np.full((2, 1), 0.4), (2, 1, 1)), {})],
)

# ---------------------------------------------------------------- a x = b, where a is given by its diagonals
#
# ab[upper + i - j, j] is a[i, j], as SciPy stores it; places of ab outside the matrix are read by nobody.


def from_diagonals(x: Any, lower: int, upper: int) -> Any:
    """Along a row of the matrix instead of along a column: x[lower + upper - k, j + k - lower] at (k, j), zero outside.

    Takes the diagonals of a matrix to those of its transpose.  x: (..., diagonals, n, columns).
    """
    n = shape_of(x)[-2]
    k = np.arange(lower + upper + 1)[:, None]
    j = np.arange(n) + k - lower
    index = (*(slice(None),) * (len(shape_of(x)) - 3), lower + upper - k, np.clip(j, 0, n - 1))
    return where(((j >= 0) & (j < n))[:, :, None], getitem(x, index=index), 0.0)


def diagonals_of_transpose(ab: Any, lower: int, upper: int) -> Any:
    return reshape(from_diagonals(column(ab), lower, upper), shape=shape_of(ab))


def banded_product(ab: Any, x: Any, lower: int, upper: int) -> Any:
    """a x"""
    shape = shape_of(x)
    products = column(ab) * reshape(x, shape=(*shape[:-2], 1, *shape[-2:]))
    return reduce_sum(from_diagonals(products, lower, upper), axes=(len(shape_of(ab)) - 2,))


def diagonals_of_product(y: Any, x: Any, lower: int, upper: int) -> Any:
    """The diagonals of y xᵀ."""
    shape = shape_of(x)
    i = np.arange(shape[-2]) + np.arange(lower + upper + 1)[:, None] - upper
    inside = (i >= 0) & (i < shape[-2])
    index = (*(slice(None),) * (len(shape) - 2), np.clip(i, 0, shape[-2] - 1))
    products = where(inside[:, :, None], getitem(y, index=index), 0.0) * reshape(x, shape=(*shape[:-2], 1, *shape[-2:]))
    return reduce_sum(products, axes=(len(shape),))


def banded_pull(ct: Any, ab: Any, out: Any, traced: Any, lower: int, upper: int) -> tuple[Any, Any]:
    b_bar = banded_solve(diagonals_of_transpose(ab, lower, upper), ct, lower=upper, upper=lower)
    return -diagonals_of_product(b_bar, out, lower, upper) if traced[0] else None, b_bar


DIAGONALS = np.array([[0.1, 0.2, 0.3, 0.4], [3.0, 2.0, 4.0, 3.0], [0.7, 0.6, 0.8, 0.1], [0.5, 0.4, 0.3, 0.2]])

banded_solve = row(
    "banded_solve",
    lambda ab, b, *, lower, upper: over_stack(
        lambda ab, b: scipy_linalg.solve_banded((lower, upper), ab, b, check_finite=False), (2, 2), ab, b
    ),
    push=lambda ab, ab_dot, b_dot, out, lower, upper: banded_solve(
        ab, less(b_dot, None if ab_dot is None else banded_product(ab_dot, out, lower, upper)), lower=lower, upper=upper
    ),
    pull=banded_pull,
    types=lambda ins, lower, upper: solution_type(*ins),
    batch=lambda size, batched, operands, **params: columns_beside(banded_solve, 2, size, batched, operands, params),
    examples=[
        ((well_conditioned(4)[[1, 0, 3]] + 2.0, (4, 2)), {"lower": 1, "upper": 1}),
        (
            (np.array([[0.1, 0.2, 0.3, 0.4], [3.0, 2.0, 4.0, 3.0], [0.7] * 4, [0.5] * 4]), (4, 1)),
            {"lower": 2, "upper": 1},
        ),
    ],
)


def both_halves(ab: Any, lower: bool) -> Any:
    """All diagonals of the Hermitian matrix that has these on one side, as many on either."""
    rows, n = shape_of(ab)[-2:]
    other = zeros_beside(ab, (*shape_of(ab)[:-2], rows - 1, n))
    halves = [other, ab * half_diagonal(rows, lower, ab)]
    half = concatenate(*(halves if lower else halves[::-1]), axis=len(shape_of(ab)) - 2)
    return half + conjugate(diagonals_of_transpose(half, rows - 1, rows - 1))


def half_diagonal(rows: int, lower: bool, like: Any) -> Any:
    weights = np.ones((rows, 1), dtype_of(like))
    weights[0 if lower else -1] = 0.5
    return weights


def both_halves_transpose(ct: Any, rows: int, lower: bool) -> Any:
    full = ct + conjugate(diagonals_of_transpose(ct, rows - 1, rows - 1))
    mine = slice(rows - 1, None) if lower else slice(None, rows)
    index = (*(slice(None),) * (len(shape_of(ct)) - 2), mine)
    return getitem(full, index=index) * half_diagonal(rows, lower, ct)


def hermitian_banded_push(ab: Any, ab_dot: Any, b_dot: Any, out: Any, lower: bool) -> Any:
    width = shape_of(ab)[-2] - 1
    moved = None if ab_dot is None else banded_product(both_halves(ab_dot, lower), out, width, width)
    return hermitian_banded_solve(ab, less(b_dot, moved), lower=lower)


def hermitian_banded_pull(ct: Any, ab: Any, out: Any, traced: Any, lower: bool) -> tuple[Any, Any]:
    """The transpose of a Hermitian matrix is its conjugate."""
    rows = shape_of(ab)[-2]
    b_bar = hermitian_banded_solve(conjugate(ab), ct, lower=lower)
    if not traced[0]:
        return None, b_bar
    return both_halves_transpose(-diagonals_of_product(b_bar, out, rows - 1, rows - 1), rows, lower), b_bar


hermitian_banded_solve = row(
    "hermitian_banded_solve",
    lambda ab, b, *, lower: over_stack(
        lambda ab, b: scipy_linalg.solveh_banded(ab, b, lower=lower, check_finite=False), (2, 2), ab, b
    ),
    push=hermitian_banded_push,
    pull=hermitian_banded_pull,
    types=lambda ins, lower: solution_type(*ins),
    batch=lambda size, batched, operands, **params: columns_beside(
        hermitian_banded_solve, 2, size, batched, operands, params
    ),
    examples=[
        ((DIAGONALS[1:], (4, 2)), {"lower": True}),
        ((DIAGONALS[:2], (4, 1)), {"lower": False}),
    ],
)

# ---------------------------------------------------------------- equations with the unknown between matrices


def sylvester_evaluate(a: Any, b: Any, q: Any) -> Any:
    """Bartels and Stewart 1972, in one dtype (SciPy 1.17 mixes real and complex Schur forms, and is wrong then).

    nan where an eigenvalue of a is the negative of one of b: there is no solution or no single one, and LAPACK solves
    a perturbed equation.
    """
    dtype = np.result_type(a, b, q)
    r, u = scipy_linalg.schur(a.astype(dtype), output="real", check_finite=False)
    s, v = scipy_linalg.schur(b.astype(dtype).conj().T, output="real", check_finite=False)
    right = (u.conj().T @ q) @ v
    y, scale, info = scipy_linalg.get_lapack_funcs("trsyl", (r, s, right))(r, s, right, tranb="C")
    return (u @ ((np.nan if info else scale) * y)) @ v.conj().T


def sylvester_push(a: Any, b: Any, a_dot: Any, b_dot: Any, q_dot: Any, out: Any) -> Any:
    """From a x + x b = q."""
    left = None if a_dot is None else matmul(a_dot, out)
    right = None if b_dot is None else matmul(out, b_dot)
    return sylvester(a, b, q_dot if left is right is None else less(q_dot, total(left, right)))


def sylvester_pull(ct: Any, a: Any, b: Any, out: Any, traced: Any) -> tuple[Any, Any, Any]:
    """aᵀ q_bar + q_bar bᵀ = ct, a_bar = -q_bar xᵀ and b_bar = -xᵀ q_bar."""
    q_bar = sylvester(swap_last(a), swap_last(b), ct)
    x = swap_last(out)
    return -matmul(q_bar, x) if traced[0] else None, -matmul(x, q_bar) if traced[1] else None, q_bar


sylvester = row(
    "sylvester",
    lambda a, b, q: over_stack(sylvester_evaluate, (2, 2, 2), a, b, q),
    push=sylvester_push,
    pull=sylvester_pull,
    batch=lambda size, batched, operands: stacked(sylvester, size, batched, operands, {}),
    examples=[((well_conditioned(3), well_conditioned(2), (3, 2)), {}), ((np.ones((2, 1, 1)),) * 2 + ((2, 1, 1),), {})],
)


def in_one_dtype(f: Any, *operands: Any) -> Any:
    dtype = np.result_type(*operands, np.float32)
    return in_precision_of(operands, f(*[x.astype(dtype) for x in operands]))


def lyapunov_push(a: Any, a_dot: Any, q_dot: Any, out: Any) -> Any:
    """From a x + x aᴴ = q."""
    moved = None if a_dot is None else matmul(a_dot, out) + matmul(out, adjoint(a_dot))
    return lyapunov(a, less(q_dot, moved))


def lyapunov_pull(ct: Any, a: Any, out: Any, traced: Any) -> tuple[Any, Any]:
    """q_bar solves the equation of aᵀ, as (aᵀ)ᴴ is the transpose of aᴴ."""
    q_bar = lyapunov(swap_last(a), ct)
    if not traced[0]:
        return None, q_bar
    return -matmul(q_bar, swap_last(out)) - conjugate(matmul(swap_last(q_bar), out)), q_bar


# the solver of the derivative is SciPy's, which warns of eigenvalues that cancel
lyapunov = row(
    "lyapunov",
    lambda a, q: over_stack(lambda *x: in_one_dtype(scipy_linalg.solve_continuous_lyapunov, *x), (2, 2), a, q),
    push=lyapunov_push,
    pull=lyapunov_pull,
    batch=lambda size, batched, operands: stacked(lyapunov, size, batched, operands, {}),
    examples=[((well_conditioned(3), (3, 3)), {}), ((np.ones((2, 1, 1)), (2, 1, 1)), {})],
)


def discrete_lyapunov_evaluate(a: Any, q: Any, *, method: str | None) -> Any:
    solve = lambda a, q: scipy_linalg.solve_discrete_lyapunov(a, q, method)
    return over_stack(lambda *x: in_one_dtype(solve, *x), (2, 2), a, q)


def discrete_lyapunov_push(a: Any, a_dot: Any, q_dot: Any, out: Any, method: Any) -> Any:
    """From a x aᴴ - x + q = 0."""
    moved = None
    if a_dot is not None:
        moved = matmul(matmul(a_dot, out), adjoint(a)) + matmul(matmul(a, out), adjoint(a_dot))
    return discrete_lyapunov(a, total(q_dot, moved), method=method)


def discrete_lyapunov_pull(ct: Any, a: Any, out: Any, traced: Any, method: Any) -> tuple[Any, Any]:
    q_bar = discrete_lyapunov(swap_last(a), ct, method=method)
    if not traced[0]:
        return None, q_bar
    first = matmul(matmul(q_bar, conjugate(a)), swap_last(out))
    return first + conjugate(matmul(swap_last(q_bar), matmul(a, out))), q_bar


discrete_lyapunov = row(
    "discrete_lyapunov",
    discrete_lyapunov_evaluate,
    push=discrete_lyapunov_push,
    pull=discrete_lyapunov_pull,
    batch=lambda size, batched, operands, **params: stacked(discrete_lyapunov, size, batched, operands, params),
    examples=[
        ((well_conditioned(3) / 9.0, (3, 3)), {"method": None}),
        ((well_conditioned(2) / 9.0, (2, 2)), {"method": "bilinear"}),
    ],
)

# ---------------------------------------------------------------- Riccati equations
#
#     continuous:  aᴴ x + x a - x b r⁻¹ bᴴ x + q = 0
#     discrete:    aᴴ x a - x - aᴴ x b (r + bᴴ x b)⁻¹ bᴴ x a + q = 0
#
# With the gain k of the optimal control and f = a - b k, the equation of the tangent is that of Lyapunov with fᴴ.
# Lancaster and Rodman 1995, Algebraic Riccati Equations.  The row reads the Hermitian parts of q and r.


def riccati_evaluate(b: Any, r: Any, a: Any, q: Any, *, discrete: bool, balanced: bool) -> Any:
    solve = scipy_linalg.solve_discrete_are if discrete else scipy_linalg.solve_continuous_are
    each = lambda b, r, a, q: in_precision_of((b, r, a, q), solve(a, b, q, r, balanced=balanced))
    return over_stack(each, (2, 2, 2, 2), b, hermitian_part(r), a, hermitian_part(q))


def gain(b: Any, r: Any, a: Any, x: Any, discrete: bool) -> Any:
    product = matmul(adjoint(b), x)
    left, right = hermitian_part(r), product
    if discrete:
        left, right = left + matmul(product, b), matmul(product, a)
    return solve_as(left, right, assume_a=None, lower=False)


def lyapunov_of_loop(loop: Any, right: Any, discrete: bool) -> Any:
    """y with  loop y + y loopᴴ + right = 0,  or  loop y loopᴴ - y + right = 0."""
    return discrete_lyapunov(loop, right, method=None) if discrete else lyapunov(loop, -right)


def riccati_push(
    b: Any, r: Any, a: Any, b_dot: Any, r_dot: Any, a_dot: Any, q_dot: Any, out: Any, discrete: bool
) -> Any:
    k = gain(b, r, a, out, discrete)
    loop = adjoint(a - matmul(b, k))
    weight = matmul(loop, out) if discrete else out
    half = [matmul(weight, a_dot)] if a_dot is not None else []
    half += [-matmul(weight, matmul(b_dot, k))] if b_dot is not None else []
    half += [0.5 * matmul(adjoint(k), matmul(r_dot, k))] if r_dot is not None else []
    half += [0.5 * q_dot] if q_dot is not None else []
    return lyapunov_of_loop(loop, 2.0 * hermitian_part(total(*half)), discrete)


def riccati_pull(ct: Any, b: Any, r: Any, a: Any, out: Any, discrete: bool) -> tuple[Any, Any, Any, Any]:
    k = gain(b, r, a, out, discrete)
    loop = adjoint(a - matmul(b, k))
    weight = matmul(loop, out) if discrete else out
    q_bar = hermitian_part(lyapunov_of_loop(swap_last(loop), ct, discrete))
    a_bar = 2.0 * matmul(swap_last(weight), q_bar)
    k_turned = swap_last(k)
    return -matmul(a_bar, k_turned), matmul(conjugate(k), matmul(q_bar, k_turned)), a_bar, q_bar


riccati = row(
    "riccati",
    riccati_evaluate,
    push=riccati_push,
    pull=riccati_pull,
    types=lambda ins, **_: [Type(np.result_type(*(t.dtype for t in ins)), ins[2].shape)],
    batch=lambda size, batched, operands, **params: stacked(riccati, size, batched, operands, params),
    examples=[
        ((np.ones((2, 1)), np.array([[2.0]]), well_conditioned(2), np.eye(2)), {"discrete": d, "balanced": True})
        for d in (False, True)
    ],
)

# ---------------------------------------------------------------- what SciPy refuses


def finite_evaluate(x: Any) -> Any:
    return np.isfinite(np.asarray_chkfinite(x))


def hermitian_evaluate(x: Any, *, called: str) -> Any:
    """As near as SciPy wants it for Riccati equations."""
    gap = np.abs(x - adjoint(x)).sum(axis=-2).max(axis=-1, initial=0.0)
    if np.any(gap > np.spacing(np.abs(x).sum(axis=-2).max(axis=-1, initial=0.0)) * 100):
        raise ValueError(f"Matrix {called} should be symmetric/hermitian.")
    return True


# called for what they raise
finite = row("finite", finite_evaluate, elementwise=True, effect=True)
hermitian = row("hermitian", hermitian_evaluate, lift=lambda called: {"called": called}, effect=True)
