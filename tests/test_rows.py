"""Generated from the table: every row, in every mode.  A new row needs no new test."""

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import TABLE, Unknown
from wengert.core.tree import flatten, map_leaves
from wengert.core.types import dtype_of, random_like, shape_of

ROWS = list(TABLE.values())
DIFFERENTIABLE = [row for row in ROWS if not row.constant]
COMPLEX_ONLY = [row for row in DIFFERENTIABLE if any(np.iscomplexobj(x) for shapes, _ in row.examples for x in shapes)]


def sample(row, shapes, dtype=float, seed=0):
    """Operands for given shapes; arrays in the examples are taken as they are."""
    random = np.random.default_rng(seed)
    operands = []
    for s in shapes:
        if isinstance(s, np.ndarray):
            operands.append(s.astype(dtype) if s.dtype.kind == "f" else s)
        else:
            operands.append(random.uniform(*row.domain, size=s).astype(dtype)[()])
    return operands


def cases_of(row):
    """(operands' shapes, parameters): the row's own examples, or for elementwise rows broadcasting, 0-d and empty."""
    if row.examples:
        return row.examples
    n = len(row.operands)
    return [(shapes[:n], {}) for shapes in [((2, 3), (3,)), ((3, 1), (1, 2)), ((), (2,)), ((), ()), ((0, 2), (2,))]]


CASES = [(row, i) for row in DIFFERENTIABLE for i in range(len(cases_of(row)))]


def setting(row, i, dtype=float):
    shapes, params = cases_of(row)[i]
    operands = sample(row, shapes, dtype)
    varied = [k for k, x in enumerate(operands) if dtype_of(x).kind in "fc" and has_rule(row, k)]
    return operands, params, varied


def has_rule(row, k):
    columns = row.partials or row.transposes
    return columns is None or not (columns[k] is None or isinstance(columns[k], Unknown))


def along(row, operands, params, varied):
    """The row as a function of the operands that it can be differentiated by."""

    def f(*xs):
        full = list(operands)
        for k, x in zip(varied, xs):
            full[k] = x
        return row(*full, **params)

    return f


def results(out):
    """The results of a row as a list, one or several."""
    return flatten(out)[0]


def ones_like(out):
    return map_leaves(lambda x: np.ones_like(x)[()], out)


def assert_close(got, expected):
    for g, e in zip(results(got), results(expected), strict=True):
        np.testing.assert_allclose(g, e, rtol=1e-12, atol=1e-12)


def identify(value):
    return getattr(value, "name", None)


each_case = pytest.mark.parametrize("row, i", CASES, ids=identify)


def test_no_row_lacks_a_column_that_is_not_declared_absent():
    for row in DIFFERENTIABLE:
        forward = row.partials or row.transposes or row.transpose_into or row.push
        reverse = row.partials or row.transposes or row.transpose_into or row.pull
        batch = row.elementwise or row.lift or row.batch
        for column, there in {"push": forward, "pull": reverse, "batch": batch}.items():
            assert there or column in row.absent, f"{row.name} at {row.where} lacks {column}"
        assert row.elementwise or row.examples, f"{row.name} at {row.where} has no examples"
        rules = row.partials or row.transposes
        assert rules is None or len(rules) == len(row.operands), f"{row.name}: one rule per operand"


def test_every_row_knows_its_place():
    for row in ROWS:
        assert row.where.filename.endswith(".py") and "primitive.py" not in row.where.filename
        with open(row.where.filename) as source:
            nearby = "".join(source.readlines()[row.where.line - 2 : row.where.line + 12])
        assert f'"{row.name}"' in nearby


@each_case
def test_value_is_that_of_numpy(row, i):
    operands, params, varied = setting(row, i)
    expected = row.evaluate(*operands, **params)
    got = wg.jvp(along(row, operands, params, varied), [operands[k] for k in varied], [operands[k] for k in varied])[0]
    for g, e in zip(results(got), results(expected), strict=True):
        np.testing.assert_array_equal(g, e)


@each_case
def test_both_modes_agree_with_differences_up_to_order_two(row, i):
    operands, params, varied = setting(row, i)
    wg.check_grads(along(row, operands, params, varied), tuple(operands[k] for k in varied), order=2)


@each_case
def test_forward_and_reverse_are_transposes(row, i):
    operands, params, varied = setting(row, i)
    f = along(row, operands, params, varied)
    random = np.random.default_rng(1)
    xs = [operands[k] for k in varied]
    ts = [random_like(random, x) for x in xs]
    out, pushed = wg.jvp(f, xs, ts)
    ct = map_leaves(lambda x: random_like(random, x), out)
    _, pull = wg.vjp(f, *xs)
    bars = pull(ct)
    assert [shape_of(b) for b in bars] == [shape_of(x) for x in xs]
    left = sum(np.sum(np.real(c * p)) for c, p in zip(results(ct), results(pushed)))
    right = sum(np.sum(np.real(b * t)) for b, t in zip(bars, ts))
    assert abs(left - right) <= 1e-12 * (1 + abs(left))
    again = pull(ct)
    for first, second in zip(bars, again):
        np.testing.assert_array_equal(first, second)


@each_case
def test_linearize_is_the_tangent_map(row, i):
    operands, params, varied = setting(row, i)
    f = along(row, operands, params, varied)
    xs = [operands[k] for k in varied]
    ts = [random_like(np.random.default_rng(2), x) for x in xs]
    assert_close(wg.linearize(f, *xs)[1](*ts), wg.jvp(f, xs, ts)[1])


def pulled_ones(f, xs):
    out, pull = wg.vjp(f, *xs)
    return pull(ones_like(out))


@each_case
@pytest.mark.parametrize("batched", ["all", "each"])
def test_vmap_is_a_loop(row, i, batched):
    operands, params, varied = setting(row, i)
    f = along(row, operands, params, varied)
    xs = [operands[k] for k in varied]
    for pick in [range(len(xs))] if batched == "all" else [[k] for k in range(len(xs))]:
        # examples given as arrays may need their structure (definite, with zeros): scale lanes instead of drawing anew
        lanes = [np.stack([x, x * 1.1, x * 0.9]) if k in pick else x for k, x in enumerate(xs)]
        axes = tuple(0 if k in pick else None for k in range(len(xs)))
        for g in (f, lambda *v: pulled_ones(f, v)):
            looped = [g(*[x[n] if k in pick else x for k, x in enumerate(lanes)]) for n in range(3)]
            got = wg.vmap(g, in_axes=axes)(*lanes)
            if isinstance(got, tuple):
                for part, parts in zip(got, zip(*looped)):
                    np.testing.assert_allclose(part, np.stack(parts), rtol=1e-12, atol=1e-12)
            else:
                np.testing.assert_allclose(got, np.stack(looped), rtol=1e-12, atol=1e-12)


@each_case
def test_float32_stays_float32(row, i):
    operands, params, varied = setting(row, i, np.float32)
    if row.name == "convert" or any(np.iscomplexobj(x) for x in operands):
        pytest.skip("changes the dtype on purpose, or is complex")
    f = along(row, operands, params, varied)
    xs = [operands[k] for k in varied]
    out, pushed = wg.jvp(f, xs, xs)
    for o, p, e in zip(results(out), results(pushed), results(row.evaluate(*operands, **params)), strict=True):
        assert o.dtype == p.dtype == e.dtype
        assert o.dtype.type in (np.float32, np.complex64) or o.dtype.kind == "i"
    for bar in wg.vjp(f, *xs)[1](ones_like(out)):
        assert bar.dtype == np.float32
    wg.check_grads(f, tuple(xs), order=1)


def at_points(row, points):
    """The row as a function of the operands that have a derivative, and all combinations of the points for them."""
    operands, params, varied = setting(row, 0)
    operands = [np.ravel(x)[0] for x in operands]
    points = points if len(varied) < 4 else points[::2]
    points = points if row.name != "hyp1f1" else points[np.abs(points) <= 1.0]  # SciPy's runs for hours at 1e300
    return along(row, operands, params, varied), np.meshgrid(*[points] * len(varied), indexing="ij")


@pytest.mark.parametrize("row", [r for r in DIFFERENTIABLE if r.partials and r not in COMPLEX_ONLY], ids=identify)
def test_special_points_give_numbers_of_the_right_shape_and_the_modes_agree(row):
    """0, -0, ties, infinities and nan: no exception; where both modes are finite they agree."""
    if row.name == "multigammaln":
        pytest.skip("raises outside its domain, as SciPy's does")
    f, grid = at_points(row, np.array([0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 1e300, np.inf, -np.inf, np.nan]))
    with np.errstate(all="ignore"):
        out, pull = wg.vjp(f, *grid)
        bars = pull(np.ones_like(out))
        for k, bar in enumerate(bars):
            tangents = [np.ones_like(x) if j == k else np.zeros_like(x) for j, x in enumerate(grid)]
            pushed = wg.jvp(lambda x, k=k: f(*grid[:k], x, *grid[k + 1 :]), (grid[k],), (tangents[k],))[1]
            assert bar.shape == pushed.shape == grid[k].shape
            np.testing.assert_allclose(bar, pushed, rtol=1e-12)


@pytest.mark.parametrize(
    "row", [r for r in DIFFERENTIABLE if r.singular and r.name != "scale" and r not in COMPLEX_ONLY], ids=identify
)
def test_a_zero_cotangent_stays_zero_through_any_partial(row):
    if row.name == "multigammaln":
        pytest.skip("raises outside its domain, as SciPy's does")
    f, grid = at_points(row, np.array([0.0, 1.0, -1.0, np.inf, -np.inf, np.nan]))
    with np.errstate(all="ignore"):
        out, pull = wg.vjp(f, *grid)
        for bar in pull(np.zeros_like(out)):
            np.testing.assert_array_equal(bar, np.zeros_like(bar))


CONSTANT = [r for r in ROWS if r.constant]


@pytest.mark.parametrize("row, i", [(r, i) for r in CONSTANT for i in range(len(r.examples))], ids=identify)
def test_constant_rows_of_matrices_cut_the_derivative_and_batch(row, i):
    operands, params, _ = setting(row, i)
    f = along(row, operands, params, range(len(operands)))
    assert np.all(wg.grad(lambda x: np.sum(1.0 * f(x, *operands[1:])))(operands[0]) == 0)
    for count in range(1, len(operands) + 1):
        axes = tuple(0 if k < count else None for k in range(len(operands)))
        lanes = [np.stack([x, 1.5 * x]) if k < count else x for k, x in enumerate(operands)]
        looped = [f(*[x[n] if k < count else x for k, x in enumerate(lanes)]) for n in range(2)]
        np.testing.assert_array_equal(wg.vmap(f, in_axes=axes)(*lanes), np.stack(looped))


@pytest.mark.parametrize("row", [r for r in CONSTANT if not r.examples], ids=identify)
def test_constant_rows_cut_the_derivative(row):
    code = getattr(row.evaluate, "__code__", None)
    if code is not None and code.co_kwonlyargcount:
        pytest.skip("positions and truth values along an axis: tests/test_names.py")
    x = np.array([0.3, -1.2])
    if row.name in ("invert", "bitwise_and", "bitwise_or", "bitwise_xor"):
        x = np.array([True, False])
    if row.name in ("left_shift", "right_shift", "bitwise_count", "gcd", "lcm"):
        x = np.array([3, 6])
    operands = [x] * len(row.operands)
    if x.dtype.kind == "f":
        assert np.all(wg.grad(lambda v: np.sum(1.0 * row(*[v] * len(row.operands))))(x) == 0)
    np.testing.assert_array_equal(wg.vmap(row)(*operands), row.evaluate(*operands))


COMPLEX = [
    r
    for r in DIFFERENTIABLE
    if r.partials
    and r.name
    in "add sub mul div neg exp log sqrt sin cos tanh sinh cosh square reciprocal pow real imag abs angle".split()
] + [
    TABLE[n]
    for n in (
        "conj",
        "matmul",
        "reduce_sum",
        "solve",
        "inv",
        "concatenate",
        "einsum",
        "getitem",
        "reduce_prod",
        "cumsum",
        "fft",
        "ifft",
        "cosine_transform",
    )
]


@pytest.mark.parametrize("row", COMPLEX, ids=identify)
def test_complex_operands(row):
    """d f = Re sum(bar t) for real results; J t = f'(z) t; transposes pair by the plain product."""
    shapes, params = cases_of(row)[0]
    random = np.random.default_rng(0)
    operands = [x + 0.3j * random.standard_normal(shape_of(x)) for x in sample(row, shapes)]
    wg.check_grads(lambda *xs: row(*xs, **params), tuple(operands), order=2)
