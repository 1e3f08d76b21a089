"""Closed forms: each row's formula has the value and, by SymPy's own differentiation, the derivative of the row."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import sympy

import wengert as wg
from test_random_programs import arguments, build, fresh
from test_rows import COMPLEX_ONLY, cases_of, setting
from wengert.core.primitive import TABLE
from wengert.symbolic import ARRAYS, ELEMENTWISE, ON_OBJECTS, means_of

x, y = sympy.symbols("x y", real=True)


def at(expression, values):
    """The number that an expression, or each one of an array, has where its symbols have these values, by name."""
    places = {name: sympy.Float(float(value), 30) for name, value in values.items()}
    numbers = [e.xreplace({s: places[s.name] for s in e.free_symbols}).evalf(30) for e in np.ravel(expression)]
    return np.reshape(
        [float(sympy.re(n)) if abs(sympy.im(n)) < 1e-20 else np.nan for n in numbers], np.shape(expression)
    )


# ---------------------------------------------------------------- the table

SMOOTH = [row for row in TABLE.values() if row.partials and means_of(row) and row not in COMPLEX_ONLY]


def test_the_table_is_covered_and_the_rest_is_refused():
    assert {"add", "mul", "sin", "arctan2", "gammaln", "maximum", "cbrt", "where"} <= {
        row.name for row in TABLE.values() if means_of(row)
    }
    for row in TABLE.values():
        if row.partials and means_of(row) is None:
            xs = [np.ravel(x)[0] for x in setting(row, 0)[0]]
            with pytest.raises(wg.Diagnostic, match=f"W304 `{row.name}`"):
                wg.to_sympy(lambda *xs, row=row: row(*xs, **cases_of(row)[0][1]), *xs)


def test_every_meaning_belongs_to_a_row():
    assert {*ELEMENTWISE, *ARRAYS, *ON_OBJECTS} <= TABLE.keys()


@pytest.mark.parametrize("row", SMOOTH, ids=lambda row: row.name)
@pytest.mark.parametrize("seed", range(3))
def test_the_derivative_of_a_row_is_that_of_its_formula(row, seed):
    names = [f"xs{i}" for i in range(len(row.operands))]
    for _, params in cases_of(row)[:3]:
        f = lambda *xs: row(*xs, **params)
        point = np.random.default_rng(seed).uniform(*row.domain, len(names)).tolist()
        values = dict(zip(names, point))
        formula = wg.to_sympy(f, *point)
        assert at(formula, values) == pytest.approx(float(row.evaluate(*point, **params)), rel=1e-12, abs=1e-14)
        formula = without_steps(formula, values)
        for k, name in enumerate(names):
            slope = sympy.diff(formula, sympy.Symbol(name, real=True)).replace(
                sympy.DiracDelta, lambda *_: sympy.Integer(0)
            )
            expected = at(slope, values)
            for derivative in (wg.grad(f, k), wg.derivative(f, k)):
                assert at(wg.to_sympy(derivative, *point), values) == pytest.approx(expected, rel=1e-12, abs=1e-13)


def without_steps(formula, values):
    """SymPy leaves the derivatives of `floor` and `sign` open; beside the steps they are constants."""
    formula = formula.replace(sympy.Mod, lambda a, b: a - b * sympy.floor(a / b))
    formula = formula.replace(sympy.sign, lambda a: sympy.Integer(np.sign(at(a, values))))
    return formula.replace(sympy.floor, lambda a: sympy.Integer(np.floor(at(a, values))))


COMPARISONS = "equal not_equal less less_equal greater greater_equal".split()
CONNECTIVES = "logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor".split()


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "trunc", "stop_gradient", "floordiv"])
def test_steps_that_sympy_knows_stay_symbolic(name):
    row = TABLE[name]
    for point in np.random.default_rng(3).uniform(-3.0, 3.0, (5, len(row.operands))).tolist():
        formula = wg.to_sympy(lambda *xs: row(*xs), *point)
        assert formula.free_symbols
        assert at(formula, {f"xs{i}": p for i, p in enumerate(point)}) == row.evaluate(*point)


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("point", [(0.3, 0.8), (0.8, 0.3)])
def test_comparisons_are_conditions(name, point):
    row = TABLE[name]
    formula = wg.to_sympy(lambda x, y: row(x, y), *point)
    assert bool(formula.subs({x: point[0], y: point[1]})) == bool(row.evaluate(*point))
    assert at(wg.to_sympy(lambda x, y: row(x, y) * x, *point), {"x": point[0], "y": point[1]}) == (
        row.evaluate(*point) * point[0]
    )


@pytest.mark.parametrize("name", CONNECTIVES)
@pytest.mark.parametrize("point", [(0.3, 0.8), (-0.3, 0.8), (0.3, -0.8), (-0.3, -0.8)])
def test_connectives_join_conditions(name, point):
    row = TABLE[name]
    formula = wg.to_sympy(lambda x, y: row(x > 0, y > 0), *point)
    assert formula.free_symbols == {x, y}
    assert bool(formula.subs({x: point[0], y: point[1]})) == bool(row.evaluate(point[0] > 0, point[1] > 0))


def test_positions_and_whole_numbers_follow_the_numbers():
    assert wg.to_sympy(lambda x: x * np.argmax([x, 1.0]) + x.astype(int), np.array(1.7)) == x * 0 + 1
    assert wg.to_sympy(lambda x: x * np.signbit(x), -0.3) == x
    assert wg.to_sympy(lambda x: np.where(np.isfinite(x) & ~np.isnan(x), x, 0.0), 0.3) == x


# ---------------------------------------------------------------- programs


@pytest.mark.parametrize("seed", [s for s in range(17) if s != 1])  # 1 nests deeply, and takes seconds
def test_random_programs_with_loops_branches_and_writes(seed):
    program, text = build(seed)
    args = arguments(seed)
    symbols = {
        **{f"x{i}_{j}": v for (i, j), v in np.ndenumerate(args[0])},
        **{f"y{i}": v for (i,), v in np.ndenumerate(args[1])},
    }
    formula = wg.to_sympy(program, *fresh(args))
    names = [sympy.Symbol(name, real=True) for name in symbols]
    slopes = [sympy.diff(formula, name) for name in names[-4:]]
    value, *slopes = sympy.lambdify(
        names, [formula, *slopes], ["math", {"Heaviside": lambda x, *_: float(x > 0)}], cse=True
    )(*symbols.values())
    np.testing.assert_allclose(value, program(*fresh(args)), rtol=1e-11, atol=1e-12, err_msg=text)
    np.testing.assert_allclose(slopes, wg.grad(program, 1)(*fresh(args)), rtol=1e-9, atol=1e-10, err_msg=text)


POINT = np.array([0.3, 0.8, 1.2])
A = np.array([[1.5, 0.2, 0.1], [0.3, 2.0, 0.4], [0.2, 0.1, 1.8]])


def softmax_of_middle(x):
    e = np.exp(x - np.max(x))
    return (e / e.sum())[1]


def written(x):
    out = np.zeros((2, 3))
    out[0] = x
    out[1, ::-1] = np.cumsum(x) * out[0]
    out[:, 1] += 2.0
    np.add.at(out, ([0, 0], [1, 1]), x[0])
    return np.sum(out[1] * out[0])


ARRAY_PROGRAMS = [
    softmax_of_middle,
    written,
    lambda x: np.prod(x) + np.cumprod(x)[1],
    lambda x: x @ np.array([[2.0, 1.0, 0.0], [0.5, 3.0, 1.0], [0.0, 1.0, 4.0]]) @ x,
    lambda x: np.einsum("i,j,ij->", x, x**2, np.arange(9.0).reshape(3, 3)),
    lambda x: np.linalg.solve(A + np.diag([1.0, 2.0, 3.0]) * x, x)[2],
    lambda x: np.linalg.inv(A * x)[0, 1],
    lambda x: np.linalg.norm(x) + np.std(x),
    lambda x: np.max(x) * np.min(x),
    lambda x: np.sum(np.where(x > 0.5, x**2, np.sin(x)) * (x < 1.0)),
    lambda x: np.sum(np.concatenate([x[1:], np.stack([x[0], x[2]])]) ** 3),
    lambda x: np.sum(np.tensordot(np.outer(x, x), np.ones((3, 2)), axes=1)),
    lambda x: x.reshape(3, 1).T[0, 1] * x[::-1][0] * x[[0, 0]].sum(),
    lambda x: np.abs((x + 2.0j) ** 2).sum(),
]


@pytest.mark.parametrize("f", ARRAY_PROGRAMS)
def test_array_programs(f):
    symbols = sympy.symbols("x0:3", real=True)
    values = {s.name: v for s, v in zip(symbols, POINT)}
    formula = wg.to_sympy(f, POINT)
    np.testing.assert_allclose(at(formula, values), f(POINT), rtol=1e-13)
    gradient = wg.to_sympy(wg.grad(f), POINT)
    assert gradient.shape == (3,)
    np.testing.assert_allclose(at(gradient, values), wg.grad(f)(POINT), rtol=1e-12, atol=1e-14)
    by_sympy = [sympy.diff(formula, s) for s in symbols]
    np.testing.assert_allclose(at(by_sympy, values), wg.grad(f)(POINT), rtol=1e-12, atol=1e-14)
    hessian = wg.to_sympy(wg.hessian(f), POINT)
    np.testing.assert_allclose(at(hessian, values), wg.hessian(f)(POINT), rtol=1e-10, atol=1e-12)
    tangent = wg.to_sympy(lambda x: wg.jvp(f, (x,), (np.ones(3),))[1], POINT)
    np.testing.assert_allclose(at(tangent, values), np.sum(wg.grad(f)(POINT)), rtol=1e-12)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sin(x) * np.exp(-x) / (1.0 + x**2),
        lambda x: np.log(x + np.sqrt(x * x + 1.0)),
        lambda x: x**3 * np.cosh(2.0 * x) - np.arctan(x) ** 2,
        lambda x: np.tan(np.pi * x) ** 0.5,
    ],
)
def test_the_difference_to_sympys_derivative_simplifies_to_zero(f):
    formula = wg.to_sympy(f, 0.3)
    for derivative in (wg.grad(f), wg.derivative(f)):
        assert sympy.simplify(wg.to_sympy(derivative, 0.3) - sympy.diff(formula, x)) == 0
    second = wg.to_sympy(wg.derivative(wg.grad(f)), 0.3)
    assert sympy.simplify(second - sympy.diff(formula, x, 2)) == 0


# ---------------------------------------------------------------- names, numbers, containers


@dataclasses.dataclass
class Model:
    weight: object
    layers: list
    steps: int = 2


def test_symbols_are_called_after_the_parameters():
    def f(model, scale, *rest, shift=1.0):
        return {"a": model.weight @ model.weight * scale, "b": (model.layers[0]["w"] * rest[1] + model.steps, shift)}

    found = wg.to_sympy(f, Model(POINT[:2], [{"w": 0.5}]), 2.0, 3.0, 0.25, shift=0.5)
    assert str(found) == "{'a': scale*(model_weight0**2 + model_weight1**2), 'b': (model_layers_0_w*rest1 + 2, 1/2)}"
    assert str(wg.to_sympy(np.sin, 0.3)) == "sin(x)"
    assert str(wg.to_sympy(lambda a_0, a: a_0 + a["0"], 0.3, {"0": 0.4})) == "a_0 + a_0_"
    assert str(wg.to_sympy(lambda m: m[1, 0] - m.T[0, 0], np.ones((2, 2)))) == "-m0_0 + m1_0"
    assert str(wg.to_sympy(wg.grad(lambda a, b: a * a * b, argnums="a"), 0.3, 0.4)) == "2*a*b"


def test_numbers_become_exact_where_they_are_short():
    found = wg.to_sympy(lambda x: 0.25 * x + 3 * np.pi - np.e * x**2 / 3 + 0.1 + np.float32(0.5), 0.3)
    assert found == x / 4 + 3 * np.pi * 0 + sympy.Float(3 * np.pi) - sympy.E * x**2 / 3 + sympy.Float(0.1) + 0.5
    assert wg.to_sympy(lambda x: np.sin(np.pi * x), 0.3) == sympy.sin(sympy.pi * x)
    assert wg.to_sympy(lambda x: [np.inf * np.ones(2), 2, x], 0.3)[0][1] == sympy.oo


def test_decisions_follow_the_numbers_and_choices_keep_both_sides():
    def decided(x):
        return np.sin(x) if x > 0 else x**2

    assert wg.to_sympy(decided, 0.3) == sympy.sin(x)
    assert wg.to_sympy(decided, -0.3) == x**2
    chosen = wg.to_sympy(lambda x: np.where(x > 0, np.sin(x), x**2), 0.3)
    assert chosen == sympy.Piecewise((sympy.sin(x), x > 0), (x**2, True))
    assert wg.to_sympy(lambda x, y: np.maximum(x, y), 0.3, 0.4) == sympy.Max(x, y)
    assert wg.to_sympy(lambda x: np.where(x == 0, 1.0, np.sin(x) / x), 0.0 + 1e-9) == sympy.sin(x) / x
    assert wg.to_sympy(lambda x: x[np.argmax(x)], POINT) == sympy.Symbol("x2", real=True)
    assert wg.to_sympy(lambda x: (x > 0) & ~(x > 1), 0.3) == sympy.And(x > 0, x <= 1)


def test_conditions_count_as_numbers_in_arrays_of_numbers():
    def f(x):
        out = np.zeros(4)
        out[0] = x[0] > 0.5
        out[1:] = np.stack([x > 0.2, x < 1.0])[1]
        return 2.0 * out + np.concatenate([x > 1.0, [0.5]])

    formula = wg.to_sympy(f, POINT)
    np.testing.assert_array_equal(at(formula, {f"x{i}": v for i, v in enumerate(POINT)}), f(POINT))
    assert formula[0].free_symbols == {sympy.Symbol("x0", real=True)}


def test_complex_symbols():
    z = sympy.Symbol("z")
    assert wg.to_sympy(lambda z: z.real * np.conj(z), 1.0 + 2.0j) == sympy.re(z) * sympy.conjugate(z)
    assert wg.to_sympy(lambda x: np.abs(np.exp(1j * x)), 0.3) == 1


def test_batches_and_loops_give_the_same_formulas():
    f = lambda x: np.exp(x[0]) * x[1:]
    lanes = np.stack([POINT, 2.0 * POINT])
    batched = wg.to_sympy(wg.vmap(f), lanes)
    looped = wg.to_sympy(lambda x: np.stack([f(lane) for lane in x]), lanes)
    assert (batched == looped).all()
    assert str(batched[1, 0]) == "x1_1*exp(x1_0)"


def test_arguments_stay_as_they_were():
    given = POINT.copy()

    def f(x):
        x[0] = x[1]
        return x

    assert str(wg.to_sympy(f, given)) == "[x1 x1 x2]"
    np.testing.assert_array_equal(given, POINT)


# ---------------------------------------------------------------- what has no closed form


def test_a_row_without_meaning_names_itself_and_the_line():
    with pytest.raises(wg.Diagnostic, match=r"W304 `rfft` means nothing to SymPy") as caught:
        wg.to_sympy(lambda x: np.abs(np.fft.rfft(x)), POINT)
    assert caught.value.where.filename == __file__
    with pytest.raises(wg.Diagnostic, match="W304 `rint`"):
        wg.to_sympy(lambda x: np.rint(x) * x, 0.3)
    with pytest.raises(wg.Diagnostic, match="W301"):
        wg.to_sympy(lambda x: np.nextafter(x, 1.0), 0.3)


def test_a_primitive_of_the_users_is_not_taken_for_a_function_of_that_name():
    @wg.primitive
    def gamma(x):
        return 2.0 * x

    with pytest.raises(wg.Diagnostic, match="W30[24]"):
        wg.to_sympy(lambda x: gamma(x), 0.3)


def test_a_formula_inside_a_derivative_would_lose_it():
    def f(y):
        return float(wg.to_sympy(lambda x: x * y, 0.3).subs(x, 2))

    assert f(0.5) == 1.0
    with pytest.raises(wg.Diagnostic, match="W201 to_sympy"):
        wg.grad(f)(0.5)


def test_without_sympy_the_error_says_what_to_install():
    code = (
        "import sys; sys.modules['sympy'] = None\n"
        "import wengert as wg\n"
        "try: wg.to_sympy(lambda x: x, 0.3)\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out == 'sympy is not installed; it comes with pip install "wengert[symbolic]"\n'


def test_importing_wengert_does_not_import_sympy():
    code = "import sys, wengert; print('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
