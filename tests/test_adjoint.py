"""Derivatives that are written to a file, edited, and put back."""

import functools
import linecache
import re
import subprocess
import sys
import traceback
import types
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import wengert as wg
from programs import PROGRAMS
from staging import copied, same
from wengert.frontend.route import own_derivatives
from wengert.inspect.edited import Edited, File

X = np.array([0.5, -1.25, 2.0])
DATA, POWER = np.array([1.0, 2.0, 3.0]), 2


@pytest.fixture(autouse=True)
def derived_again():
    """Every test leaves all functions with their derived rules."""
    yield
    for f in list(own_derivatives):
        wg.use_adjoint(f, None)


@pytest.fixture
def calls(monkeypatch):
    """One entry for each time that an edited function is run, or staged."""
    found, run = [], Edited.run

    def counted(self, *args):
        found.append(self.f.__name__)
        return run(self, *args)

    monkeypatch.setattr(Edited, "run", counted)
    return found


def misfit(x, k, n=2):
    s = 0.0
    for i in range(len(x)):
        s = s + k * (x[i] - DATA[i]) ** n
    return s


def outer(x):
    return np.sin(misfit(2.0 * x, 1.5)) + np.sum(x)


def put_back(f, folder, *args, **kwargs):
    path = wg.write_adjoint(f, *args, path=folder / f"{f.__name__}.py", **kwargs)
    wg.use_adjoint(f, path)
    return path


WAYS = {
    "grad": wg.grad,
    "value_and_grad": wg.value_and_grad,
    "jit(grad)": lambda f: wg.jit(wg.grad(f)),
    "grad(jit)": lambda f: wg.grad(wg.jit(f)),
    "jit(grad(jit))": lambda f: wg.jit(wg.grad(wg.jit(f))),
    "hessian": wg.hessian,
    "jit(hessian)": lambda f: wg.jit(wg.hessian(f)),
    "hessian(jit)": lambda f: wg.hessian(wg.jit(f)),
    "reverse over reverse": lambda f: wg.jacrev(wg.grad(f)),
    "reverse over reverse, staged": lambda f: wg.jacrev(wg.grad(wg.jit(f))),
    "vmap(grad)": lambda f: lambda x: wg.vmap(wg.grad(f))(np.stack([x, 2.0 * x])),
    "vmap(jit(grad))": lambda f: lambda x: wg.vmap(wg.jit(wg.grad(f)))(np.stack([x, 2.0 * x])),
    "jit(vmap(grad))": lambda f: lambda x: wg.jit(wg.vmap(wg.grad(f)))(np.stack([x, 2.0 * x])),
    "grad(vmap)": lambda f: lambda x: wg.grad(lambda m: np.sum(wg.vmap(f)(m) ** 2))(np.stack([x, 2.0 * x])),
    "in a loop": lambda f: wg.grad(lambda x: sum(f(x * i) for i in range(3))),
    "in a loop, staged": lambda f: wg.jit(wg.grad(lambda x: looped(f, x))),
    "in a branch, staged": lambda f: wg.grad(wg.jit(lambda x: f(x) if x[0] > 0 else 2.0 * f(x + 1.0))),
}


def looped(f, x):
    s = 0.0
    for i in range(3):
        s = s + f(x * i)
    return s


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("f", [outer, lambda x: misfit(x, 1.5, n=2)], ids=["called by name", "alone"])
def test_every_reverse_derivative_uses_it(f, way, tmp_path, calls):
    """In functions that call it, by name, too; the numbers stay those of the derived rule."""
    expected = WAYS[way](f)(X)
    put_back(misfit, tmp_path, X + 1.0, 2.0)
    assert not calls  # it is run at the first call
    same(WAYS[way](f)(X), expected, rtol=1e-11, kinds=False)
    assert len(calls) >= 2  # the first is compared with differences
    wg.use_adjoint(misfit, None)
    calls.clear()
    same(WAYS[way](f)(X), expected, rtol=1e-11, kinds=False)
    assert not calls


def test_programs_that_were_built_before_use_it(tmp_path, calls):
    staged, closure = wg.jit(wg.grad(outer)), (lambda f: lambda x: f(x, 2.0))(misfit)
    expected = staged(X), wg.grad(closure)(X)
    put_back(misfit, tmp_path, X, 2.0)
    same((staged(X), wg.grad(closure)(X)), expected)
    assert len(calls) >= 3


def test_what_is_edited_is_what_counts(tmp_path, calls):
    """Also for second derivatives.  (An edit beyond what differences see; the comparison is another test.)"""
    path = wg.write_adjoint(squared, X, path=tmp_path / "squared.py")
    text = path.read_text().replace("return x_bar", "return (1.0 + 1e-8) * x_bar")
    path.write_text(text)
    plain = wg.grad(squared)(X), wg.hessian(squared)(X)
    wg.use_adjoint(squared, path)
    for way in (lambda f: f, wg.jit):
        np.testing.assert_allclose(way(wg.grad(squared))(X), (1.0 + 1e-8) * plain[0], rtol=1e-14)
        np.testing.assert_allclose(way(wg.hessian(squared))(X), (1.0 + 1e-8) * plain[1], rtol=1e-14)
        np.testing.assert_allclose(way(wg.jacrev(squared))(X), (1.0 + 1e-8) * plain[0], rtol=1e-14)
        np.testing.assert_array_equal(way(lambda x: wg.jvp(squared, (x,), (x,))[1])(X), plain[0] @ X)


def squared(x):
    return np.sum(x**2)


def test_other_arguments_and_forward_mode_keep_the_derived_rule(tmp_path, calls):
    put_back(misfit, tmp_path, X, 2.0)
    wg.grad(misfit)(X, 3.0)
    calls.clear()
    wg.jvp(lambda x: misfit(x, 2.0), (X,), (X,))
    wg.jacfwd(misfit)(X, 2.0)
    for x, k in ((X[:2], 2.0), (X.astype(np.float32), 2.0), (X.tolist(), 2.0), (X, np.ones(1)), (X, X)):
        for way in (lambda f: f, wg.jit):
            try:
                wg.grad(lambda x, k: np.sum(misfit(x, k)) if not isinstance(x, list) else misfit(x, k))
                way(wg.grad(lambda x, k: np.sum(misfit(x, k))))(x, k)  # noqa: B023
            except wg.Diagnostic as refused:
                assert refused.code == "W602"
    assert not calls
    assert misfit(X, 2.0) == misfit(X, 2.0, 2) and not calls  # a plain call is a plain call
    wg.grad(misfit)(X, 3.0)
    assert calls


def test_numbers_that_decide_shapes_are_fixed(tmp_path, calls):
    def mean_of(x, n):
        return np.sum(np.zeros(n) + x[:n])

    put_back(mean_of, tmp_path, X, 2)
    assert "FIXED = ['n']" in (tmp_path / "mean_of.py").read_text()
    for n, used in ((2, True), (3, False)):
        for way in (lambda f: f, wg.jit):
            calls.clear()
            np.testing.assert_array_equal(way(wg.grad(mean_of))(X, n), np.arange(3) < n)
            assert bool(calls) is used


# ---------------------------------------------------------------- kinds of arguments and results


class Pair(NamedTuple):
    first: object
    second: object


@dataclass
class Line:
    slope: object
    offset: object
    name: str = "line"


def affine(line, x):
    return {"y": line.slope * x + line.offset, "n": len(x)}


def nested(params, x):
    return Pair(np.sum(params["w"][0] * x) * params["w"][1], [x * params["scale"], params["count"]])


def statistics(x):
    return np.mean(x), np.std(x), x * 2.0


def halving(x, y):
    x[1:] = 0.5 * x[:-1] * y[1:]
    y *= 2.0
    return x[0] * y[1]


def options(x, *more, scale=1.0, **powers):
    s = scale * np.sum(x)
    for m in more:
        s = s + m * np.sum(x * x)
    for p in powers.values():
        s = s * p
    return s


def single(x, k):
    return np.sum(np.exp(k * x), dtype=np.float32)


def mixed(flag, x, name, z):
    return z * np.sum(x) if flag and name == "twice" else np.sum(x)


CASES = [
    (affine, (Line(2.0, X + 1.0), X), {}),
    (nested, ({"w": [X, 2.0], "scale": 0.5, "count": 3}, X + 1.0), {}),
    (statistics, (X,), {}),
    (halving, (X, X + 1.0), {}),
    (options, (X, 2.0, 3.0), {"scale": 1.5, "a": 2.0, "b": 0.5}),
    (single, (X.astype(np.float32), np.float32(0.5)), {}),
    (mixed, (True, X, "twice", 1.0 + 2.0j), {}),
    (misfit, (X,), {"k": 2.0}),
]


def by_floats(f, args, kwargs):
    """f of the floats among its arguments, with the floats in its result and what it wrote."""
    leaves, structure = wg.core.tree.flatten((args, kwargs))
    places = [i for i, x in enumerate(leaves) if np.asarray(x).dtype.kind in "fc"]

    def g(*xs):
        every = list(leaves)
        for i, x in zip(places, xs):
            every[i] = x * 1  # an array of its own
        given, named = wg.core.tree.unflatten(structure, every)
        out = f(*given, **named)
        numbers = [x for x in wg.core.tree.flatten(out)[0] if hasattr(x, "dtype") and x.dtype.kind in "fc"]
        return [*numbers, *(every[i] for i in places)]

    return g, [leaves[i] for i in places]


@pytest.mark.parametrize("f, args, kwargs", CASES, ids=[c[0].__name__ for c in CASES])
def test_containers_writes_precisions_results_and_names(f, args, kwargs, tmp_path, calls):
    """The arguments are never written by the derivative."""
    g, xs = by_floats(f, args, kwargs)
    out, pull = wg.vjp(g, *xs)
    seeds = [0.5 * x for x in out]
    expected = pull(seeds)
    before = copied((args, kwargs))
    put_back(f, tmp_path, *args, **kwargs)
    for way in (lambda f: f, wg.jit):
        calls.clear()
        got_out, pull = wg.vjp(way(g), *xs)
        got = pull(seeds)
        same(got_out, out, rtol=1e-6 if f is single else 1e-12, kinds=False)
        same(got, expected, rtol=1e-6 if f is single else 1e-12, kinds=False)
        assert calls, f
    same((args, kwargs), before)


@pytest.mark.parametrize("f, args, kwargs", CASES, ids=[c[0].__name__ for c in CASES])
def test_the_file_runs_on_its_own_and_holds_the_arguments_exactly(f, args, kwargs, tmp_path, calls):
    path = wg.write_adjoint(f, *args, path=tmp_path / "file.py", **kwargs)
    assert str(path) == str(tmp_path / "file.py")
    space = {}
    exec(path.read_text().replace("wg.use_adjoint", ""), space)
    assert space["__doc__"].startswith(f"The derivative of `{f.__name__}`")
    stored = list(space["ARGUMENTS"].values())
    leaves = wg.core.tree.flatten((args, kwargs))[0] + ([2] if f is misfit else [])
    same(stored, leaves)


def test_large_arrays_are_packed_exactly(tmp_path, calls):
    for x in (np.random.default_rng(0).normal(size=(30, 20)), np.arange(300.0, dtype=np.float32), np.full(99, np.nan)):
        path = wg.write_adjoint(squared, x, path=tmp_path / f"{x.size}.py")
        found = File.read(squared, path).arguments["x"]
        assert found.dtype == x.dtype and found.tobytes() == x.tobytes() and found.flags.writeable
        assert max(map(len, path.read_text().splitlines())) <= 120


SMALL = [p for p in PROGRAMS if p.scalar and not p.argnums == ()][::4]


@pytest.mark.parametrize("program", SMALL, ids=[p.name for p in SMALL])
def test_programs(program, tmp_path, calls):
    f = program.function
    expected = wg.grad(f, program.argnums)(*program.args())
    try:
        put_back(f, tmp_path, *program.args())
        got = wg.grad(f, program.argnums)(*program.args())
        assert calls
        same(got, expected, rtol=1e-9, kinds=False)
        same(wg.jit(wg.grad(f, program.argnums))(*program.args()), expected, rtol=1e-9, kinds=False)
    finally:
        wg.use_adjoint(f, None)


# ---------------------------------------------------------------- what is refused


def refusal(code, call):
    with pytest.raises(wg.Diagnostic) as caught:
        call()
    assert caught.value.code == code
    return str(caught.value)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_wrong_edit(tmp_path):
    path = wg.write_adjoint(squared, X, path=tmp_path / "wrong.py")
    edit(path, "return x_bar", "return 1.5 * x_bar")
    wg.use_adjoint(squared, path)
    line = path.read_text()[: path.read_text().index("def squared_vjp")].count("\n") + 1
    for way in (wg.grad, lambda f: wg.jit(wg.grad(f)), wg.hessian):
        text = refusal("W506", lambda: way(squared)(X))  # noqa: B023
        assert re.fullmatch(
            rf"wrong.py:{line}: W506 the derivative by `x` that `squared_vjp` gives is (\S+) along a random direction, "
            rf"and differences of `squared` give (\S+)\n"
            rf" +{line} \| def squared_vjp\(x, out_bar\):\n"
            r"because  what was edited is not the derivative, or the function is not smooth at the arguments in the "
            r"file\n"
            r"instead  correct the cotangent of `x`, or take the derived one: wg.use_adjoint\(squared, None\)",
            text,
        ), text
        got, want = map(float, re.findall(r"(?:is|give) (-?[\d.]+)", text)[:2])
        assert got == pytest.approx(1.5 * want, rel=1e-5)
    assert squared(X) == np.sum(X**2)
    wg.use_adjoint(squared, None)
    np.testing.assert_array_equal(wg.grad(squared)(X), 2.0 * X)


@pytest.mark.parametrize(
    "new, have",
    [
        ("x_bar[:2]", r"shape \(2,\) for the cotangent of `x`, which needs shape \(3,\)"),
        ("[x_bar]", "a list of 1 for `x_bar`, which needs the structure of `x`"),
        ("x_bar, x_bar", "a tuple of 2 for `x_bar`, which needs the structure of `x`"),
    ],
)
def test_an_edit_of_the_wrong_shape(new, have, tmp_path):
    path = wg.write_adjoint(squared, X, path=tmp_path / "wrong.py")
    edit(path, "return x_bar", f"return {new}")
    wg.use_adjoint(squared, path)
    text = refusal("W502", lambda: wg.grad(squared)(X))
    assert re.search(have, text) and "def squared_vjp(x, out_bar):" in text


def test_one_cotangent_for_each_argument(tmp_path):
    path = wg.write_adjoint(misfit, X, 2.0, path=tmp_path / "wrong.py")
    edit(path, "return x_bar, k_bar", "return x_bar")
    wg.use_adjoint(misfit, path)
    assert "returned a ndarray for the result, which needs 2 cotangents, as a tuple" in refusal(
        "W502", lambda: wg.grad(misfit)(X, 2.0)
    )
    edit(path, "return x_bar", "return x_bar, None")
    wg.use_adjoint(misfit, path)
    assert "by `k`" in refusal("W506", lambda: wg.grad(misfit)(X, 2.0))


def test_differences_that_cannot_be_taken(tmp_path):
    def pointed(x):
        if x != 2.0:
            raise ValueError("elsewhere")
        return x * x

    put_back(pointed, tmp_path, 2.0)
    assert "is not compared: `pointed` raises ValueError (elsewhere) close by" in refusal(
        "W506", lambda: wg.grad(pointed)(2.0)
    )


MODEL = """
import numpy as np

N = 2
DATA = np.array([1.0, 2.0])

def helper(x):  # a remark
    return x ** N

def f(x):

    return np.sum(helper(x) * DATA)

def g(x):
    return np.sin(f(x))
"""


def model(folder, text):
    """The module of this text, as if newly started."""
    path = folder / "model.py"
    path.write_text(text)
    linecache.checkcache(str(path))
    module = types.ModuleType("model")
    module.__file__ = str(path)
    exec(compile(text, str(path), "exec"), vars(module))
    return module


def test_functions_that_changed(tmp_path, calls):
    path = wg.write_adjoint(model(tmp_path, MODEL).f, X[:2], path=tmp_path / "f.py")
    for old, new in (("# a remark", "# another"), ("\n    return np.sum", "    return np.sum"), ("np.sin", "np.cos")):
        same_source = model(tmp_path, MODEL.replace(old, new))
        wg.use_adjoint(same_source.f, path) if old != "# a remark" else None
    for old, new in (("x ** N", "x ** N + 1.0"), ("np.sum(h", "np.prod(h")):
        other = model(tmp_path, MODEL.replace(old, new))
        text = refusal("W507", lambda: wg.use_adjoint(other.f, path))  # noqa: B023
        assert "W507 `f` has changed since f.py was written\n" in text
        assert "because  its source, or that of a function that it calls, is another now\n" in text
        assert "instead  write its derivative again with wg.write_adjoint, and carry your edits over" in text
    assert not calls


def test_what_it_reads_from_outside(tmp_path, calls):
    """Numbers and arrays are passed at each call; whole numbers stand in the text."""
    m = model(tmp_path, MODEL)
    path = wg.write_adjoint(m.f, X[:2], path=tmp_path / "f.py")
    assert "FACTS = ['global N = 2']" in path.read_text() and "def f_vjp(x, out_bar, DATA):" in path.read_text()
    wg.use_adjoint(m.f, path)
    staged = wg.jit(wg.grad(m.g))
    for data in (m.DATA, np.array([3.0, -1.0])):
        m.DATA = data
        expected = np.cos(np.sum(X[:2] ** 2 * data)) * 2.0 * X[:2] * data
        np.testing.assert_allclose(wg.grad(m.g)(X[:2]), expected)
        np.testing.assert_allclose(staged(X[:2]), expected)
    m.DATA *= 2.0
    np.testing.assert_allclose(staged(X[:2]), wg.grad(m.g)(X[:2]))
    assert calls
    m.N = 3
    for way in (wg.grad, lambda f: wg.jit(wg.grad(f))):
        text = refusal("W507", lambda: way(m.g)(X[:2]))  # noqa: B023
        assert "because  what it reads from outside is another now: global N = 3" in text


def test_values_from_outside_are_not_differentiated(tmp_path):
    m = model(tmp_path, MODEL)
    wg.use_adjoint(m.f, wg.write_adjoint(m.f, X[:2], path=tmp_path / "f.py"))

    def through(data):
        m.DATA = data
        try:
            return m.f(X[:2])
        finally:
            m.DATA = X[:2]

    assert "W504 `f` uses a traced value that is not among its arguments" in refusal(
        "W504", lambda: wg.grad(through)(X[:2])
    )


def test_no_file_of_a_derivative(tmp_path):
    path = tmp_path / "other.py"
    path.write_text("def squared_vjp(x, out_bar):\n    return 2.0 * x * out_bar\n")
    text = refusal("W507", lambda: wg.use_adjoint(squared, path))
    assert "W507 other.py is no derivative of `squared`" in text and "because  it does not define 'FUNCTION'" in text
    path = wg.write_adjoint(misfit, X, 2.0, path=tmp_path / "misfit.py")
    text = refusal("W507", lambda: wg.use_adjoint(squared, path))
    assert "W507 misfit.py is no derivative of `squared`" in text and "because  it defines `misfit_vjp`" in text


def test_functions_and_arguments_that_have_none(tmp_path):
    path = tmp_path / "f.py"
    for f in (np.sin, Line(1.0, 2.0).__eq__, functools.partial(squared), wg.custom_vjp(squared, lambda ct, out, x: ct)):
        assert "can have no edited derivative" in refusal("W507", lambda: wg.write_adjoint(f, X, path=path))  # noqa: B023
        assert "can have no edited derivative" in refusal("W507", lambda: wg.use_adjoint(f, path))  # noqa: B023
    assert "two of its arguments share memory" in refusal("W507", lambda: wg.write_adjoint(misfit, X, X, path=path))
    refusal("W603", lambda: wg.write_adjoint(lambda x: x + np.random.normal(), 1.0, path=path))
    refusal("W602", lambda: wg.write_adjoint(lambda x: eval("x"), 1.0, path=path))
    refusal("W603", lambda: wg.write_adjoint(lambda x, f: 2.0 * x, 1.0, np.polyval, path=path))
    assert not path.exists()
    wg.write_adjoint(wg.jit(squared), X, path=path)
    with pytest.raises(FileExistsError, match="may hold edits"):
        wg.write_adjoint(squared, X, path=path)


# ---------------------------------------------------------------- edits as people make them


def loop(x, n):
    y = x
    for _ in range(n):
        y = np.sin(y) * x
    return np.sum(y)


EDIT = '''\
def loop_vjp(x, n, out_bar):
    """With what no program may have."""
    history = []
    y = x
    for _ in range(n):
        history.append(y)
        try:
            y = np.sin(y) * x
        except FloatingPointError:
            raise
    y_bar, x_bar = np.full(x.shape, out_bar), np.zeros(x.shape)
    while history:
        y = history.pop()
        x_bar += np.sin(y) * y_bar
        y_bar = np.cos(y) * x * y_bar
        CALLS.append(len(history))
    return x_bar + y_bar


CALLS = []
'''


@pytest.mark.parametrize("way", WAYS)
def test_any_python(way, tmp_path):
    """Lists, `try` and effects, in programs too: the function runs as Python."""
    f = lambda x: loop(x, 4)  # noqa: E731
    expected = WAYS[way](f)(X)
    path = wg.write_adjoint(loop, X, 3, path=tmp_path / "loop.py")
    text = path.read_text()
    path.write_text(f"import numpy as np\n{EDIT}{text[text.index('# -----') :]}")
    module = types.ModuleType("edited")
    exec(path.read_text(), vars(module))
    wg.use_adjoint(loop, module)
    same(WAYS[way](f)(X), expected, rtol=1e-10, kinds=False)
    assert len(module.CALLS) >= 3 + 4


def recursive(x, n):
    return x if n == 0 else np.sin(recursive(x, n - 1)) * x


def test_recursion(tmp_path, calls):
    expected = wg.grad(recursive)(0.5, 3), wg.derivative(wg.grad(recursive))(0.5, 3)
    put_back(recursive, tmp_path, 0.7, 3)
    for way in (lambda f: f, wg.jit):
        calls.clear()
        same((way(wg.grad(recursive))(0.5, 3), way(wg.derivative(wg.grad(recursive)))(0.5, 3)), expected, kinds=False)
        assert calls


def noted(x):
    print("value", float(x))
    return x * x


def test_printing_stays_once(tmp_path, capsys):
    put_back(noted, tmp_path, 2.0)
    assert wg.grad(noted)(3.0) == 6.0
    assert capsys.readouterr().out == "value 3.0\n"
    assert wg.jit(wg.grad(noted))(4.0) == 8.0
    assert capsys.readouterr().out.count("value 4.0\n") == 1


def test_the_callers_arrays_are_never_written(tmp_path):
    path = wg.write_adjoint(squared, X, path=tmp_path / "squared.py")
    edit(path, "    # return np.sum(x**2)\n", "    x *= 2.0\n    out_bar *= 1.0\n")
    edit(path, "x_bar = 2.0 * x", "x_bar = x")
    wg.use_adjoint(squared, path)
    x = X.copy()
    for way in (lambda f: f, wg.jit):
        np.testing.assert_array_equal(way(wg.grad(squared))(x), 2.0 * X)
        np.testing.assert_array_equal(wg.vjp(way(squared), x)[1](1.0)[0], 2.0 * X)
        np.testing.assert_array_equal(way(wg.grad(lambda x: squared(x) + squared(x)))(x), 4.0 * X)
        np.testing.assert_array_equal(x, X)


def test_reading_a_program_with_it(tmp_path):
    put_back(squared, tmp_path, X)
    assert "squared_vjp of squared.py" in str(wg.program(wg.grad(lambda x: np.sin(squared(x))), X))
    text = refusal("W603", lambda: wg.source(wg.grad(squared), X))
    assert "because  it has an edited derivative, whose text is in a file of its own" in text


# ---------------------------------------------------------------- writes, views, and other sessions


def fill(x, y, k):
    k[0] += 1
    x[:] = x * y[k[0]]
    return np.sum(x * x)


def through_views(z):
    z = z * 1.0
    first = fill(z[1:], z[:1].repeat(3), np.array([0, 0]))
    return first + np.sum(np.sin(z))


def through_one_array(z):
    z = z * 1.0
    k = np.array([0, 0])
    return fill(z, z, k) + np.sum(z) * k[0]


def test_writes_through_views_and_into_whole_numbers(tmp_path, calls):
    """What is written is seen outside; where two arguments share memory, the derived rule counts."""
    fs, x = (through_views, through_one_array), np.array([0.5, 1.5, -2.0])
    ways = (wg.grad, lambda f: wg.jit(wg.grad(f)), lambda f: wg.grad(wg.jit(f)), wg.hessian)
    expected = [[way(f)(x) for way in ways] for f in fs]
    path = put_back(fill, tmp_path, np.ones(2), np.arange(3.0), np.array([0, 5]))
    assert "def fill_vjp(x, y, k, out_bar, x_after_bar):" in path.read_text()
    for f, wanted in zip(fs, expected):
        calls.clear()
        for way, want in zip(ways, wanted):
            np.testing.assert_allclose(way(f)(x), want, rtol=1e-12)
        assert bool(calls) is (f is through_views)
    for way in (lambda f: f, wg.jit):
        a, k = np.array([1.0, 2.0]), np.array([1, 5])
        assert way(fill)(a, np.arange(3.0), k) == 20.0
        np.testing.assert_array_equal(a, [2.0, 4.0])
        np.testing.assert_array_equal(k, [2, 5])


def test_a_lambda_and_a_closure(tmp_path, calls):
    for f in (lambda x: np.sum(x**3), (lambda n, data: lambda x: np.sum(x[: len(data)] ** n))(3, [1, 2, 3])):
        path = wg.write_adjoint(f, X, path=tmp_path / f"{len(calls)}.py")
        wg.use_adjoint(f, path)
        np.testing.assert_allclose(wg.grad(f)(X), 3.0 * X**2)
        np.testing.assert_allclose(wg.jit(wg.grad(f))(X), 3.0 * X**2)
        assert "lambda__vjp" in path.read_text() and calls


SESSION = """
import sys
import numpy as np
import wengert as wg
from model import f, make
x = np.array([0.5, 1.5])
for i, g in enumerate((f, make([1, 2], 3))):
    path = f"{i}.py"
    if sys.argv[1] == "write":
        wg.write_adjoint(g, x, path=path)
    else:
        wg.use_adjoint(g, path)
        print(wg.grad(g)(x))
"""
OUTSIDE = (
    MODEL
    + """
def make(items, n):
    def inner(x):
        return sum(x[i] ** n for i in range(len(items))) * OPTIONS["scale"]
    return inner

OPTIONS = {"scale": 2, "name": "n"}
"""
)


def test_another_session(tmp_path):
    """Nothing in the file depends on the session that wrote it."""
    (tmp_path / "model.py").write_text(OUTSIDE)
    (tmp_path / "run.py").write_text(SESSION)
    for word in ("write", "use"):
        run = subprocess.run([sys.executable, "run.py", word], cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
    assert run.stdout == "[1. 6.]\n[ 1.5 13.5]\n"


def test_tracebacks_show_the_edited_line(tmp_path):
    path = wg.write_adjoint(squared, X, path=tmp_path / "squared.py")
    edit(path, "    return x_bar\n", "    return x_bar / [][0]\n")
    wg.use_adjoint(squared, path)
    for way in (wg.grad, lambda f: wg.jit(wg.grad(f))):
        with pytest.raises(IndexError) as caught:
            way(squared)(X)
        shown = "".join(traceback.format_exception(caught.value))
        assert f'File "{path}"' in shown and "return x_bar / [][0]" in shown


def test_what_has_no_leaves_counts(tmp_path, calls):
    """None, an empty list, and a tuple for a list are other arguments."""

    def weighted(x, weights=None):
        if weights is None:
            return np.sum(x * x)
        return np.sum(x) + sum(weights)

    put_back(weighted, tmp_path, X)
    for weights, used in ((None, True), ([], False), ((), False), ([1.0], False)):
        for way in (lambda f: f, wg.jit):
            calls.clear()
            expected = 2.0 * X if weights is None else np.ones(3)
            np.testing.assert_array_equal(way(wg.grad(weighted))(X, weights), expected)
            assert bool(calls) is used
    np.testing.assert_array_equal(wg.grad(weighted)(X), 2.0 * X)


def heron(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def bent(a):
    return a * a if a > 2.0 else np.sin(a)


@pytest.mark.parametrize("f", [heron, bent])
def test_lanes_that_go_their_own_ways(f, tmp_path, calls):
    """Each lane takes its own branch and its own number of iterations, in f and in the edited function."""
    xs = np.array([1.5, 2.0, 3.0, 5.0])
    g = lambda x: np.sin(f(x) * 2.0)  # noqa: E731
    ways = [
        lambda: wg.vmap(wg.grad(g))(xs),
        lambda: wg.jit(wg.vmap(wg.grad(g)))(xs),
        lambda: wg.vmap(wg.derivative(wg.grad(g)))(xs),
        lambda: wg.jit(wg.grad(lambda x: np.sum(wg.vmap(g)(x))))(xs),
    ]
    expected = [way() for way in ways]
    put_back(f, tmp_path, 2.5)
    for way, want in zip(ways, expected):
        calls.clear()
        np.testing.assert_allclose(way(), want, rtol=1e-9)
        assert calls
