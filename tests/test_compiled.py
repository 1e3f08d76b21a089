"""`wg.jit` as users meet it: compiled unless told otherwise, and derivatives from outside that are compiled, too."""

import gc

import numpy as np
import pytest

import wengert as wg
from programs import PROGRAMS
from wengert.core.tree import flatten
from wengert.frontend import compiled, jit, machine

X = np.random.default_rng(0).standard_normal(5)


def energy(x):
    total = 0.0
    for i in range(len(x)):
        total = total + np.sin(x[i]) * x[i - 1]
    return total


def halved(x):
    """A loop of unknown length, which keeps a stack."""
    while np.sum(x**2) > 1e-2:
        x = x * np.cos(x) / 2.0
    return np.sum(x**3)


@pytest.fixture
def interpreted(monkeypatch):
    """The programs that the interpreter runs."""
    found = []
    for module in (jit, compiled):
        evaluate = module.evaluate
        monkeypatch.setattr(module, "evaluate", lambda p, xs, run=evaluate: (found.append(p), run(p, xs))[1])
    return found


# ---------------------------------------------------------------- which of the two


def test_machine_code_unless_told_otherwise(monkeypatch, interpreted):
    monkeypatch.delenv(jit.VARIABLE, raising=False)
    wg.jit(energy)(X)
    assert wg.jit(energy).backend == "llvm" and not interpreted
    monkeypatch.setenv(jit.VARIABLE, "numpy")
    wg.jit(energy)(X)
    assert wg.jit(energy).backend == "numpy" and len(interpreted) == 1
    assert wg.jit(energy, backend="llvm").backend == "llvm"


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_another_backend_is_an_error(how, monkeypatch):
    monkeypatch.setenv(jit.VARIABLE, "fortran" if how == "environment" else "llvm")
    with pytest.raises(ValueError, match="backend is 'fortran', and can be 'llvm' or 'numpy'"):
        wg.jit(energy, backend="fortran" if how == "argument" else None)


# ---------------------------------------------------------------- derivatives from outside

WAYS = {
    "gradient": wg.grad,
    "value and gradient": wg.value_and_grad,
    "hessian": wg.hessian,
    "forward over reverse": lambda f: wg.jacfwd(wg.grad(f)),
    "reverse over reverse": lambda f: wg.jacrev(wg.grad(f)),
    "third": lambda f: lambda x: wg.jvp(lambda y: wg.hvp(f, y, x), (x,), (x,))[1],
    "lanes": lambda f: lambda x: wg.vmap(wg.grad(f))(np.stack([x, 2.0 * x, -x])),
    "gradient of lanes": lambda f: wg.grad(lambda x: np.sum(wg.vmap(f)(np.stack([x, 2.0 * x])) ** 2)),
    "pullback, twice": lambda f: lambda x: [wg.vjp(f, x)[1](seed) for seed in (1.0, 2.0)],
    "inside another": lambda f: wg.grad(lambda x: np.exp(f(np.sin(x))) + np.sum(x)),
    "compiled again": lambda f: wg.jit(wg.grad(f)),
}


@pytest.mark.parametrize("f", [energy, halved])
@pytest.mark.parametrize("way", WAYS)
def test_derivatives_from_outside_run_no_interpreter(f, way, interpreted):
    derive = WAYS[way]
    got, expected = flatten(derive(wg.jit(f, backend="llvm"))(X))[0], flatten(derive(f)(X))[0]
    assert not interpreted
    for x, y in zip(got, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("program", [p for p in PROGRAMS if p.scalar][::4], ids=lambda p: p.name)
def test_gradients_of_programs(program, interpreted):
    got = wg.grad(wg.jit(program.function, backend="llvm"), program.argnums)(*program.args())
    expected = wg.grad(program.function, program.argnums)(*program.args())
    for x, y in zip(flatten(got)[0], flatten(expected)[0], strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-10)
    assert not interpreted


def test_exceptions_of_a_derivative_are_at_the_line():
    picked = wg.jit(lambda x, i: x[i] ** 2, backend="llvm")
    np.testing.assert_array_equal(wg.grad(picked)(X, 2), 2.0 * X[2] * np.eye(5)[2])
    with pytest.raises(IndexError, match="index 7 is out of bounds") as caught:
        wg.grad(picked)(X, 7)
    assert "x[i] ** 2" in "".join(caught.value.__notes__)


def test_machine_code_goes_with_its_program():
    gc.collect()
    before = len(machine._machines)
    f = wg.jit(lambda x: np.sum(np.sin(x)), backend="llvm")
    wg.hessian(f)(X)
    assert len(machine._machines) > before
    del f
    gc.collect()
    assert len(machine._machines) == before


# ---------------------------------------------------------------- what NumPy should raise


@pytest.mark.parametrize("setting", ["raise", "call"])
def test_floating_point_exceptions_that_the_user_wants(setting):
    f, seen = wg.jit(lambda x, y: np.sum(x / y), backend="llvm"), []
    assert f(X, 0.0 * X + 1.0) == pytest.approx(np.sum(X))
    with np.errstate(all=setting, call=lambda *what: seen.append(what)):
        assert f(X, 0.0 * X + 1.0) == pytest.approx(np.sum(X))
        if setting == "raise":
            with pytest.raises(FloatingPointError):
                f(X, 0.0 * X)
            with pytest.raises(FloatingPointError):
                wg.grad(f)(X, 0.0 * X)
        else:
            f(X, 0.0 * X)
            assert seen
    with np.errstate(all="ignore"):
        assert not np.isfinite(f(X, 0.0 * X))
    assert not np.isfinite(f(X, 0.0 * X))


# ---------------------------------------------------------------- writes into what is there


def test_an_update_in_place_sets_no_item():
    def step(state, gradient, rate):
        for name in state:
            state[name] -= rate * gradient[name]
        return sum(np.sum(x) for x in state.values())

    for backend in ("numpy", "llvm"):
        state = {"w": X.copy(), "b": np.ones(2)}
        arrays = dict(state)
        found = wg.jit(step, backend=backend)(state, {"w": X, "b": np.ones(2)}, 0.5)
        assert found == pytest.approx(0.5 * np.sum(X) + 1.0)
        assert all(state[name] is x for name, x in arrays.items())
        np.testing.assert_allclose(state["w"], 0.5 * X)


def test_an_update_of_a_number_sets_an_item():
    def count(state):
        state["n"] += 1.0
        return state["n"]

    with pytest.raises(wg.Diagnostic, match="W602(.|\n)*an assignment to an item changes an object"):
        wg.jit(count)({"n": 1.0})
