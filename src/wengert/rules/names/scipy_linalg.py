"""scipy.linalg.

SciPy's functions read what `check_finite` lets through.  `overwrite_a` and its like allow SciPy to destroy an operand,
which wengert never does.
"""

from typing import Any

import numpy as np

from wengert.core.lazy import lazy
from wengert.core.mode import Value
from wengert.core.types import agree, dtype_of, shape_of
from wengert.rules import contract, elementwise, indexing, join, linear, matrix_functions, solvers
from wengert.rules.degenerate import adjoint
from wengert.rules.elementwise import where as select
from wengert.rules.names import linalg
from wengert.rules.names.foreign import missing
from wengert.rules.names.operands import arranged_in_zeros, arrayed, in_double, plain_numbers, refuse_where
from wengert.rules.names.reductions import sum_
from wengert.rules.names.shape import atleast_1d, atleast_2d, reshape
from wengert.rules.names.table import name
from wengert.rules.solvers import arranged, triangle, triangular_solve
from wengert.rules.stacks import in_stack, same_stack, zeros_beside

scipy_linalg = lazy("scipy.linalg")

# ---------------------------------------------------------------- what the compositions share


def checked(x: Any, check_finite: bool = True) -> Any:
    x = arrayed(x)
    if check_finite:
        solvers.finite(x)
    return x


def by_columns(solver: Any, core: int, a: Any, b: Any, **params: Any) -> Any:
    """The solution for a vector b or the columns of b; `core` says how many axes a has without its stack."""
    vector = len(shape_of(b)) == 1
    out = solver(*same_stack((core, 2), a, contract.column(b) if vector else b), **params)
    return indexing.getitem(out, index=(*(slice(None),) * (len(shape_of(out)) - 1), 0)) if vector else out


def turned(a: Any, trans: Any) -> tuple[Any, bool]:
    """What SciPy solves for `trans`, and whether that is transposed."""
    transposed = trans not in (0, "N")
    if not transposed:
        return a, False
    return (adjoint(a) if trans in (2, "C") else linear.swap_last(a)), True


# ---------------------------------------------------------------- solve

HERMITIAN = ("her", "hermitian", "pos", "positive definite")
SYMMETRIC = ("sym", "symmetric")


@name("scipy.linalg.solve")
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Any:
    a, b = checked(a, check_finite), checked(b, check_finite)
    a = completed(a, assume_a, lower)
    if transposed:
        if dtype_of(a).kind == "c":
            raise NotImplementedError("scipy.linalg.solve can currently not solve a^T x = b for complex matrices.")
        a, assume_a = linear.swap_last(a), solvers.TURNED.get(assume_a, assume_a)
    return by_columns(solvers.solve_as, 2, a, b, assume_a=assume_a, lower=lower)


def completed(a: Any, assume_a: Any, lower: bool) -> Any:
    """The matrix that SciPy solves with, made of the part of `a` that it reads."""
    n = shape_of(a)[-1]
    if assume_a in HERMITIAN or assume_a in SYMMETRIC:
        return one_triangle(a, lower, assume_a in HERMITIAN)
    if assume_a in solvers.TURNED:
        return select(triangle(n, assume_a == "lower triangular", False), a, 0.0)
    if assume_a in ("diagonal", "tridiagonal"):
        return select(np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= (assume_a == "tridiagonal"), a, 0.0)
    return a  # SciPy refuses what it does not know


def one_triangle(a: Any, lower: bool, hermitian: bool) -> Any:
    """The matrix that has this triangle on either side; of a Hermitian diagonal the real part counts."""
    read = triangle(shape_of(a)[-1], lower, True)
    other = adjoint(a) if hermitian else linear.swap_last(a)
    return select(read, a, select(read.T, other, 0.5 * (a + other)))


@name("scipy.linalg.solve_triangular")
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    a, b = checked(a, check_finite), checked(b, check_finite)
    a, transposed = turned(a, trans)
    return by_columns(triangular_solve, 2, a, b, lower=bool(lower) != transposed, unit_diagonal=bool(unit_diagonal))


@name("scipy.linalg.solve_banded")
def solve_banded(
    l_and_u: Any, ab: Any, b: Any, overwrite_ab: bool = False, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    lower, upper = (int(n) for n in l_and_u)
    ab, b = checked(ab, check_finite), checked(b, check_finite)
    return by_columns(solvers.banded_solve, 2, ab, b, lower=lower, upper=upper)


@name("scipy.linalg.solveh_banded")
def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    ab, b = checked(ab, check_finite), checked(b, check_finite)
    return by_columns(solvers.hermitian_banded_solve, 2, ab, b, lower=bool(lower))


@name("scipy.linalg.solve_toeplitz")
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    c, r = column_and_row(c_or_cr)
    c, r, b = (in_double(checked(x, check_finite)) for x in (c, r, b))
    backwards = linear.flip(part(r, slice(1, None)), axes=(len(shape_of(r)) - 1,))
    values = join_last(*same_stack((1, 1), backwards, c))
    return by_columns(solvers.toeplitz_solve, 1, values, b)


def column_and_row(c_or_cr: Any) -> tuple[Any, Any]:
    if isinstance(c_or_cr, tuple):
        return c_or_cr
    c = arrayed(c_or_cr)
    return c, elementwise.conj(c)


@name("scipy.linalg.solve_circulant")
def solve_circulant(
    c: Any, b: Any, singular: str = "raise", tol: Any = None, caxis: int = -1, baxis: int = 0, outaxis: int = 0
) -> Any:
    c, b = atleast_1d(arrayed(c)), atleast_1d(arrayed(b))
    if singular != "raise" or tol is not None or len(shape_of(c)) > 1 or len(shape_of(b)) > 2 or baxis or outaxis:
        raise missing("scipy.linalg.solve_circulant (with options, or for stacks)", (c, b))
    return by_columns(solvers.circulant_solve, 1, c, b)


@name("scipy.linalg.inv")
def inv(
    a: Any, overwrite_a: bool = False, check_finite: bool = True, *, assume_a: Any = None, lower: bool = False
) -> Any:
    if assume_a not in (None, "gen", "general"):
        raise missing(f"scipy.linalg.inv(assume_a={assume_a!r})", (a,))
    return linalg.inv(checked(a, check_finite))


@name("scipy.linalg.norm")
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:
    a = checked(a, check_finite)
    if len(shape_of(a)) == 1 and ord in (None, 2) and axis is None and not keepdims:
        return linalg.length(a)  # SciPy asks BLAS, whose squares do not overflow
    return linalg.norm(a, ord, axis, keepdims)


# ---------------------------------------------------------------- factors


@name("scipy.linalg.cholesky")
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """SciPy reads the upper triangle unless `lower`."""
    return linalg.cholesky(checked(a, check_finite), upper=not lower)


@name("scipy.linalg.cho_factor")
def cho_factor(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The other triangle stays as it was."""
    a = arrayed(a)
    factor = cholesky(a, lower, overwrite_a, check_finite)
    return select(triangle(shape_of(a)[-1], bool(lower), False), factor, a), lower


@name("scipy.linalg.cho_solve")
def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    c, lower = c_and_lower
    return by_columns(cho_columns, 2, checked(c, check_finite), checked(b, check_finite), lower=lower)


def cho_columns(c: Any, b: Any, lower: bool) -> Any:
    first, second = (c, adjoint(c)) if lower else (adjoint(c), c)
    out = triangular_solve(first, b, lower=True, unit_diagonal=False)
    return triangular_solve(second, out, lower=False, unit_diagonal=False)


@name("scipy.linalg.lu_factor")
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    a = arrayed(a)
    pivots = matrix_functions.pivots(a, check_finite=check_finite)
    return matrix_functions.packed_lu(a, exchanges(a, pivots)), pivots


def exchanges(a: Any, pivots: Any, inverse: bool = False) -> Any:
    """P of P A = L U."""
    order = matrix_functions.order(pivots, rows=shape_of(a)[-2], inverse=inverse)
    return matrix_functions.exchange(order, dtype=real_dtype(a))


def real_dtype(a: Any) -> Any:
    return np.zeros((), np.result_type(dtype_of(a), np.float32)).real.dtype


@name("scipy.linalg.lu_solve")
def lu_solve(lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    factor, pivots = (arrayed(x) for x in lu_and_piv)
    return by_columns(lu_columns, 2, factor, checked(b, check_finite), pivots=pivots, trans=trans)


def lu_columns(factor: Any, b: Any, pivots: Any, trans: int) -> Any:
    """From P A = L U, or its transpose."""
    p = exchanges(factor, pivots)
    out = b if trans else contract.matmul(p, b)
    factor, transposed = turned(factor, trans)
    for unit in (False, True) if transposed else (True, False):
        out = triangular_solve(factor, out, lower=unit != transposed, unit_diagonal=unit)
    return contract.matmul(linear.swap_last(p), out) if transposed else out


@name("scipy.linalg.lu")
def lu(
    a: Any, permute_l: bool = False, overwrite_a: bool = False, check_finite: bool = True, p_indices: bool = False
) -> Any:
    a = arrayed(a)
    pivots = matrix_functions.pivots(a, check_finite=check_finite)
    packed = matrix_functions.packed_lu(a, exchanges(a, pivots))
    m, n = shape_of(a)[-2:]
    k = min(m, n)
    below = np.tri(m, n, -1, dtype=np.bool_)
    lower = select(below[:, :k], part(packed, slice(None), slice(None, k)), np.eye(m, k, dtype=dtype_of(packed)))
    upper = select(below[:k], 0.0, part(packed, slice(None, k), slice(None)))
    if p_indices and not permute_l:
        return matrix_functions.order(pivots, rows=m, inverse=True), lower, upper
    p = exchanges(a, pivots, inverse=True)
    return (contract.matmul(p, lower), upper) if permute_l else (p, lower, upper)


@name("scipy.linalg.polar")
def polar(a: Any, side: str = "right") -> Any:
    if side not in ("right", "left"):
        raise ValueError("`side` must be either 'right' or 'left'")
    a = arrayed(a)
    u = orthonormal(a)
    return u, (contract.matmul(adjoint(u), a) if side == "right" else contract.matmul(a, adjoint(u)))


def orthonormal(a: Any) -> Any:
    """The unitary polar factor."""
    m, n = shape_of(a)[-2:]
    return matrix_functions.polar_unitary(a) if m >= n else adjoint(matrix_functions.polar_unitary(adjoint(a)))


@name("scipy.linalg.orthogonal_procrustes")
def orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> Any:
    A, B = checked(A, check_finite), checked(B, check_finite)
    if len(shape_of(A)) != 2 or not agree(shape_of(A), shape_of(B)):
        raise ValueError(f"expected matrices of the same shape, and got {shape_of(A)} and {shape_of(B)}")
    product = contract.matmul(adjoint(A), B)
    rotation = orthonormal(product)
    return rotation, elementwise.real(sum_(elementwise.conj(rotation) * product))


# ---------------------------------------------------------------- matrix functions


def function(a: Any, *f: Any) -> Any:
    return matrix_functions.matrix_function(a, f=f)


@name("scipy.linalg.expm")
def expm(A: Any) -> Any:
    A = arrayed(A)
    is_number = shape_of(A) == () or (len(shape_of(A)) == 1 and agree(shape_of(A), (1,)))
    return elementwise.exp(reshape(A, (1, 1))) if is_number else function(A, "expm")


@name("scipy.linalg.expm_frechet")
def expm_frechet(A: Any, E: Any, method: Any = None, compute_expm: bool = True, check_finite: bool = True) -> Any:
    """SciPy computes it in double precision, by its usual method."""
    A, E = same_stack((2, 2), checked(A, check_finite), checked(E, check_finite))
    if method != "blockEnlarge":
        A, E = in_double(A), in_double(E)
    derivative = matrix_functions.frechet(A, E, np.zeros((*shape_of(A)[:-2], 1, 1)), f=("expm",))
    return (expm(A), derivative) if compute_expm else derivative


@name("scipy.linalg.logm")
def logm(A: Any, disp: Any = True) -> Any:
    """SciPy computes it in double precision."""
    only_displayed("scipy.linalg.logm", disp, A)
    return function(in_double(arrayed(A)), "logm")


@name("scipy.linalg.sqrtm")
def sqrtm(A: Any, disp: Any = True, blocksize: Any = None) -> Any:
    only_displayed("scipy.linalg.sqrtm", disp, A)
    return matrix_functions.sqrtm(arrayed(A))


@name("scipy.linalg.signm")
def signm(A: Any, disp: Any = True) -> Any:
    only_displayed("scipy.linalg.signm", disp, A)
    return matrix_functions.signm(arrayed(A))


def only_displayed(called: str, disp: Any, a: Any) -> None:
    """An estimate of the error has no derivative."""
    if disp is False:
        raise missing(f"{called}(disp=False)", (a,))


@name("scipy.linalg.fractional_matrix_power")
def fractional_matrix_power(A: Any, t: Any) -> Any:
    """A power that is differentiated is exp(t log A); SciPy computes one that is no integer in double precision."""
    A = arrayed(A)
    if isinstance(t, Value):
        return function(t * logm(A), "expm")
    return function(A if t == int(t) else in_double(A), "power", t)


@name("scipy.linalg.cosm")
def cosm(A: Any) -> Any:
    A = arrayed(A)
    forward = function(1j * A, "expm")
    return 0.5 * (forward + function(-1j * A, "expm")) if dtype_of(A).kind == "c" else elementwise.real(forward)


@name("scipy.linalg.sinm")
def sinm(A: Any) -> Any:
    A = arrayed(A)
    forward = function(1j * A, "expm")
    return -0.5j * (forward - function(-1j * A, "expm")) if dtype_of(A).kind == "c" else elementwise.imag(forward)


@name("scipy.linalg.tanm")
def tanm(A: Any) -> Any:
    return solve(cosm(A), sinm(A))


@name("scipy.linalg.coshm")
def coshm(A: Any) -> Any:
    A = arrayed(A)
    return 0.5 * (expm(A) + expm(-A))


@name("scipy.linalg.sinhm")
def sinhm(A: Any) -> Any:
    A = arrayed(A)
    return 0.5 * (expm(A) - expm(-A))


@name("scipy.linalg.tanhm")
def tanhm(A: Any) -> Any:
    return solve(coshm(A), sinhm(A))


# ---------------------------------------------------------------- matrix equations


@name("scipy.linalg.solve_sylvester")
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    return solvers.sylvester(*same_stack((2, 2, 2), arrayed(a), arrayed(b), arrayed(q)))


@name("scipy.linalg.solve_continuous_lyapunov")
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    return solvers.lyapunov(*same_stack((2, 2), atleast_2d(checked(a)), atleast_2d(checked(q))))


@name("scipy.linalg.solve_discrete_lyapunov")
def solve_discrete_lyapunov(a: Any, q: Any, method: Any = None) -> Any:
    """SciPy computes it in double precision, as the Riccati equations."""
    return solvers.discrete_lyapunov(*same_stack((2, 2), in_double(arrayed(a)), in_double(arrayed(q))), method=method)


@name("scipy.linalg.solve_continuous_are")
def solve_continuous_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    return riccati("scipy.linalg.solve_continuous_are", a, b, q, r, e, s, discrete=False, balanced=balanced)


@name("scipy.linalg.solve_discrete_are")
def solve_discrete_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    return riccati("scipy.linalg.solve_discrete_are", a, b, q, r, e, s, discrete=True, balanced=balanced)


def riccati(called: str, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any, **options: bool) -> Any:
    if e is not None or s is not None:
        raise missing(f"{called} (with e or s)", (a, b, q, r, e, s))
    a, b, q, r = (in_double(atleast_2d(checked(x))) for x in (a, b, q, r))
    for matrix, label in ((q, "q"), (r, "r")):
        solvers.hermitian(matrix, called=label)
    return solvers.riccati(*same_stack((2, 2, 2, 2), b, r, a, q), **options)


# ---------------------------------------------------------------- matrices from few values


def part(x: Any, *index: Any) -> Any:
    """x[..., *index]"""
    return indexing.getitem(x, index=(*(slice(None),) * (len(shape_of(x)) - len(index)), *index))


def join_last(*parts: Any) -> Any:
    return join.concatenate(*parts, axis=len(shape_of(parts[0])) - 1)


def vector(called: str, x: Any) -> Any:
    """Versions of SciPy differ in what they do with more axes."""
    x = atleast_1d(arrayed(x))
    if len(shape_of(x)) > 1:
        raise missing(f"{called} (for an array of more than one axis)", (x,))
    return x


@name("scipy.linalg.toeplitz")
def toeplitz(c: Any, r: Any = None) -> Any:
    c = vector("scipy.linalg.toeplitz", c)
    r = elementwise.conj(c) if r is None else vector("scipy.linalg.toeplitz", r)
    rows, columns = shape_of(c)[0], shape_of(r)[0]
    values = join_last(linear.flip(c, axes=(0,)), part(r, slice(1, None)))
    return arranged(values, np.add.outer(np.arange(rows)[::-1], np.arange(columns)))


@name("scipy.linalg.diagsvd")
def diagsvd(s: Any, M: int, N: int) -> Any:
    return arranged_in_zeros(lambda numbers: scipy_linalg.diagsvd(numbers, M, N), arrayed(s))


@name("scipy.linalg.matmul_toeplitz")
def matmul_toeplitz(c_or_cr: Any, x: Any, check_finite: bool = False, workers: Any = None) -> Any:
    """SciPy computes it in double precision."""
    c, r, x = (in_double(checked(values, check_finite)) for values in (*column_and_row(c_or_cr), x))
    return contract.matmul(toeplitz(c, r), x)


@name("scipy.linalg.hankel")
def hankel(c: Any, r: Any = None) -> Any:
    c = vector("scipy.linalg.hankel", c)
    r = zeros_beside(c) if r is None else vector("scipy.linalg.hankel", r)
    values = join_last(c, part(r, slice(1, None)))
    return arranged(values, np.add.outer(np.arange(shape_of(c)[0]), np.arange(shape_of(r)[0])))


@name("scipy.linalg.circulant")
def circulant(c: Any) -> Any:
    c = vector("scipy.linalg.circulant", c)
    return arranged(c, solvers.circulant_places(shape_of(c)[0]))


@name("scipy.linalg.leslie")
def leslie(f: Any, s: Any) -> Any:
    f, s = vector("scipy.linalg.leslie", f), vector("scipy.linalg.leslie", s)
    n = shape_of(f)[0]
    if not agree(shape_of(s), (n - 1,)) or n < 2:
        raise ValueError("Incorrect lengths for f and s. s must have one element less than f, and at least one.")
    places = np.full((n, n), 2 * n - 1)
    places[0] = np.arange(n)
    places[np.arange(1, n), np.arange(n - 1)] = np.arange(n, 2 * n - 1)
    return arranged(join_last(f, s, np.zeros(1, dtype_of(f))), places)


@name("scipy.linalg.companion")
def companion(a: Any) -> Any:
    a = vector("scipy.linalg.companion", a)
    if shape_of(a)[0] < 2:
        raise ValueError("The length of `a` along the last axis must be at least 2.")
    first = leading("companion", a)
    n = shape_of(a)[0] - 1
    values = -part(a, slice(1, None)) / (1.0 * first)
    below = np.eye(n, k=-1, dtype=dtype_of(values))[1:]
    return join.concatenate(reshape(values, (1, n)), below, axis=0)


def leading(called: str, a: Any) -> Any:
    first = part(a, slice(None, 1))
    wrong = elementwise.equal(first, 0)
    refuse_where(wrong, ValueError, f"The first coefficient of `a` must not be zero ({called}).")
    return first


@name("scipy.linalg.fiedler")
def fiedler(a: Any) -> Any:
    a = vector("scipy.linalg.fiedler", a)
    if shape_of(a)[0] < 2:
        return np.zeros((shape_of(a)[0],) * (1 + shape_of(a)[0]))
    return elementwise.abs_(contract.column(a) - contract.line(a))


@name("scipy.linalg.fiedler_companion")
def fiedler_companion(a: Any) -> Any:
    a = vector("scipy.linalg.fiedler_companion", a)
    n = shape_of(a)[0] - 1
    if n < 1:
        return np.array([], dtype=dtype_of(a))
    values = -part(a / leading("fiedler_companion", a), slice(1, None))
    ones_and_zeros = np.array([1, 0], dtype_of(values))
    return arranged(join_last(values, ones_and_zeros), fiedler_companion_places(n))


def fiedler_companion_places(n: int) -> Any:
    """Where -a[1:] / a[0] stand, the one at n and the zero at n + 1.  Fiedler 2003, A note on companion matrices."""
    places = np.full((n, n), n + 1)
    places[0, 0] = 0
    places[1:2, 0] = n
    places[np.arange(3, n, 2), np.arange(1, n - 2, 2)] = n
    places[np.arange(0, n - 2, 2), np.arange(2, n, 2)] = n
    places[np.arange(2, n, 2), np.arange(1, n - 1, 2)] = np.arange(2, n, 2)
    places[np.arange(0, n - 1, 2), np.arange(1, n, 2)] = np.arange(1, n, 2)
    return places


@name("scipy.linalg.convolution_matrix")
def convolution_matrix(a: Any, n: Any, mode: str = "full") -> Any:
    a, n = vector("scipy.linalg.convolution_matrix", a), int(n)
    m = shape_of(a)[0]
    if n <= 0 or m == 0 or mode not in ("full", "valid", "same"):
        raise ValueError("n must be positive, `a` not empty, and mode one of 'full', 'valid' and 'same'")
    cut = 0 if mode == "full" else min(n, m) - 1
    start = cut // 2 if mode == "same" else cut
    places = np.subtract.outer(np.arange(start, m + n - 1 - (cut - start if mode == "same" else cut)), np.arange(n))
    return arranged(join_last(a, np.zeros(1, dtype_of(a))), np.where((places >= 0) & (places < m), places, m))


@name("scipy.linalg.block_diag")
def block_diag(*arrs: Any) -> Any:
    parts = [atleast_2d(arrayed(a)) for a in arrs]
    stack = np.broadcast_shapes(*[shape_of(a)[:-2] for a in parts])
    parts = [in_stack(stack, a, 2) for a in parts]
    widths = [shape_of(a)[-1] for a in parts]
    rows = []
    for i, a in enumerate(parts):
        beside = [np.zeros((*shape_of(a)[:-1], sum(w)), dtype_of(a)) for w in (widths[:i], widths[i + 1 :])]
        rows.append(join_last(beside[0], a, beside[1]))
    return join.concatenate(*rows, axis=len(stack))


@name("scipy.linalg.khatri_rao")
def khatri_rao(a: Any, b: Any) -> Any:
    """Columns of the result are Kronecker products of columns."""
    a, b = same_stack((2, 2), arrayed(a), arrayed(b))
    *stack, rows, columns = shape_of(a)
    if not agree(shape_of(b)[-1:], (columns,)):
        raise ValueError("The number of columns for both arrays should be equal.")
    products = reshape(a, (*stack, rows, 1, columns)) * reshape(b, (*stack, 1, *shape_of(b)[-2:]))
    return reshape(products, (*stack, rows * shape_of(b)[-2], columns))


# ---------------------------------------------------------------- questions about a matrix


@name("scipy.linalg.bandwidth")
def bandwidth(a: Any) -> Any:
    return scipy_linalg.bandwidth(plain_numbers(a))


@name("scipy.linalg.issymmetric")
def issymmetric(a: Any, atol: Any = None, rtol: Any = None) -> Any:
    return scipy_linalg.issymmetric(plain_numbers(a), atol, rtol)


@name("scipy.linalg.ishermitian")
def ishermitian(a: Any, atol: Any = None, rtol: Any = None) -> Any:
    return scipy_linalg.ishermitian(plain_numbers(a), atol, rtol)
