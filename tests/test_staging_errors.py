"""What cannot be staged: one error with every place, its code, the reason and what to write; and where errors point."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import wengert as wg

X = np.array([0.5, -1.25, 2.0, 0.75, -0.3])
FILE = os.path.basename(__file__)


def refusal(f, *args):
    with pytest.raises(wg.Diagnostic) as caught:
        wg.jit(f)(*args)
    assert caught.value.code == "W602"
    return str(caught.value)


def line_of(f, text):
    """The number of the line of the file that holds `text`, from the function on."""
    first = f.__code__.co_firstlineno
    with open(__file__) as file:
        lines = file.read().split("\n")
    return next(k for k, line in enumerate(lines, 1) if k >= first and text in line)


# ---------------------------------------------------------------- the whole text


def one_place(x):
    try:
        return x.sum()
    except ValueError:
        return 0.0


def test_one_place():
    n = line_of(one_place, "try:")
    assert refusal(one_place, X) == (
        f"{FILE}:{n}:5: W602 `one_place` cannot be staged here\n"
        f"{n:5d} |     try:\n"
        f"      |     ^\n"
        f"because  `try` is not part of what can be staged\n"
        f"instead  differentiate it without wg.jit, which runs any Python"
    )


LOG = []


def many_places(x):
    LOG.append(x[0])
    total = x.sum()
    with open("somewhere") as file:
        text = file.read()
    if total > 0:
        eval("total")
    rng = np.random.default_rng()
    for _ in range(len(x)):
        total += np.random.rand()
    return total, text, rng


def test_every_place_is_listed():
    text = refusal(many_places, X)
    for part in ("LOG.append(x[0])", 'with open("somewhere")', 'eval("total")', "default_rng()", "np.random.rand()"):
        n = line_of(many_places, part)
        assert re.search(rf"{FILE}:{n}:\d+", text), part
        assert re.search(rf"^ *{n} \| .*{re.escape(part)}", text, re.MULTILINE), part
    assert text.startswith(
        f"{FILE}:{line_of(many_places, 'LOG.append')}:5: W602 `many_places` cannot be staged, for 5 reasons"
    )
    assert text.count("instead  ") == 5 and text.count("^") >= 5
    assert LOG == []


def unrolls_too_often(x):
    found = []
    for i in range(2000):
        found.append(x[0] * i)
    return sum(found)


def test_too_many_iterations():
    text = refusal(unrolls_too_often, X)
    assert "2000 iterations are too many to stage one by one (the limit is 1000)" in text
    assert f"{FILE}:{line_of(unrolls_too_often, 'found.append')}" in text


def shape_changes(x):
    h = x
    while h.sum() < 10:
        h = np.concatenate([h, h])
    return h.sum()


def test_shapes_that_change():
    text = refusal(shape_changes, X * 3)
    assert "f64[5]" in text and "f64[10]" in text and "`h`" in text
    assert f"{FILE}:{line_of(shape_changes, 'while')}" in text or f"{FILE}:{line_of(shape_changes, 'h = np.c')}" in text


def kinds_differ(x):
    if x[0] > 0:
        y = x
    else:
        y = "text"
    return y


def test_kinds_that_differ():
    text = refusal(kinds_differ, X)
    assert "`y` is f64[5] on one way and str on the other" in text
    assert f"{FILE}:{line_of(kinds_differ, 'return y')}" in text


def shape_from_value(x):
    return np.zeros(int(x[0])).sum()


def list_index_from_value(x):
    return [1.0, 2.0, 3.0][int(x[0])]


def generator(x):
    yield x


def asks_for_input(x):
    return x * float(input())


def evaluates(x):
    return eval("x + 1")


def awaits(x):
    class Inner:
        value = 1

    return x * Inner.value


def lambda_default(x):
    return [v for v in iter(x)]


def returns_text(x):
    return f"{x[0]}"


def appends_in_while(x):
    found, y = [], x[0]
    while y < 3:
        found.append(y)
        y = y + 1
    return sum(found)


def appends_in_branch(x):
    found = [x[0]]
    if x[0] > 0:
        found.append(x[1])
    return sum(found)


def object_in_branch(x):
    table = {"a": x[0]}
    if x[0] > 0:
        table["a"] = x[1]
    return table["a"]


def matches(x):
    match x.shape:
        case (5,):
            return x.sum()


REFUSED = [
    *(shape_from_value, list_index_from_value, generator, asks_for_input, evaluates, lambda_default, returns_text),
    *(appends_in_while, appends_in_branch, awaits, matches),
]


@pytest.mark.parametrize("f", REFUSED)
def test_refused_with_place_and_rewrite(f):
    text = refusal(f, X)
    assert re.match(rf"{FILE}:\d+(:\d+)?: W602 ", text) and "because  " in text and "instead  " in text


def test_lists_and_dicts_of_numbers_in_branches():
    """Either as under Python, or refused."""
    for x in (X, -X):
        try:
            assert wg.jit(object_in_branch)(x) == object_in_branch(x)
        except wg.Diagnostic as refused:
            assert refused.code == "W602"


# ---------------------------------------------------------------- where exceptions point


def fails_in_loop(x):
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += x[i + j * 2]
    return total


def fails_in_helper(x):
    return fails_in_loop(x) * 2


def fails_in_branch(x):
    if x[0] > 0:
        x[9] = 1.0
    return x.sum()


def fails_at_step_zero(x, step=0):
    for i in range(0, 5, step):
        x[i] = 0.0
    return x.sum()


def fails_to_solve(x):
    for i in range(2):
        y = np.linalg.solve(np.zeros((5, 5)), x)
    return y.sum()


def fails_unbound(x):
    for i in range(int(x[0])):
        y = x[i]
    return y


def fails_shapes(x):
    return (x + x[:2]).sum()


def fails_type(x):
    return x.sum() + "text"


FAILING = [
    (fails_in_loop, IndexError, "total += x[i + j * 2]"),
    (fails_in_helper, IndexError, "total += x[i + j * 2]"),
    (fails_in_branch, IndexError, "x[9] = 1.0"),
    (fails_at_step_zero, ValueError, "for i in range(0, 5, step)"),
    (fails_to_solve, np.linalg.LinAlgError, "y = np.linalg.solve("),
    (fails_unbound, UnboundLocalError, "return y"),
    (fails_shapes, ValueError, "return (x + x[:2]).sum()"),
    (fails_type, TypeError, 'return x.sum() + "text"'),
]


@pytest.mark.parametrize("f, kind, line", FAILING, ids=[f.__name__ for f, *_ in FAILING])
def test_exceptions_name_the_users_line(f, kind, line):
    """From the value and from every derivative, and again from the cached program."""
    with pytest.raises(kind):
        f(X.copy())
    staged = wg.jit(f)
    for way in (staged, staged, wg.grad(staged), wg.grad(wg.jit(f)), wg.jit(wg.grad(f)), wg.hessian(staged)):
        with pytest.raises(kind) as caught:
            way(X.copy())
        notes = "".join(getattr(caught.value, "__notes__", []))
        assert f"{FILE}, line" in notes and line in notes, notes


def test_messages_are_those_of_python():
    for f, kind, _ in FAILING[:5]:
        with pytest.raises(kind) as expected:
            f(X.copy())
        with pytest.raises(kind) as got:
            wg.jit(f)(X.copy())
        assert got.value.args == expected.value.args


def test_a_failing_call_leaves_the_next_alone():
    def f(x, i):
        x[i] = 5.0
        return x.sum()

    staged = wg.jit(f)
    for _ in range(2):
        with pytest.raises(IndexError):
            staged(X.copy(), 7)
        assert staged(X.copy(), 1) == f(X.copy(), 1)


# ---------------------------------------------------------------- missing source


def test_missing_source():
    scope = {}
    exec("def f(x):\n    return x * 2\n", scope)
    with pytest.raises(wg.Diagnostic, match=r"W601 the source of `f` cannot be read") as caught:
        wg.jit(scope["f"])(1.5)
    assert "because  " in str(caught.value) and "instead  " in str(caught.value)
    with pytest.raises(wg.Diagnostic, match="W601"):
        wg.jit(lambda x: scope["f"](x))(1.5)


def test_functions_of_numpy_and_math_need_no_source():
    import math

    assert wg.jit(np.sin)(1.5) == np.sin(1.5)
    assert wg.jit(math.exp)(1.5) == math.exp(1.5)
    assert wg.grad(wg.jit(np.sin))(1.5) == np.cos(1.5)
    np.testing.assert_allclose(wg.jit(np.linalg.norm)(X), np.linalg.norm(X))


def test_scripts_and_doctests(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import doctest, wengert as wg\n"
        "def f(x):\n"
        '    """\n'
        "    >>> import wengert as wg\n"
        "    >>> def g(x):\n"
        "    ...     for i in range(3):\n"
        "    ...         x = x * 2\n"
        "    ...     return x\n"
        "    >>> wg.jit(g)(1.5)\n"
        "    12.0\n"
        "    >>> wg.derivative(wg.jit(lambda x: x * x if x > 0 else x))(1.5)\n"
        "    3.0\n"
        '    """\n'
        "    while x < 10:\n"
        "        x = x * 2\n"
        "    return x\n"
        "if __name__ == '__main__':\n"
        "    print(wg.jit(f)(1.5), wg.derivative(wg.jit(f))(1.5), doctest.testmod().failed)\n"
    )
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, env={**os.environ})
    assert run.stdout == "12.0 8.0 0\n", run.stdout + run.stderr


# ---------------------------------------------------------------- positions in programs


def positioned(x):
    total = 0.0
    for i in range(len(x)):
        if x[i] > 0:
            total += x[i]
    while total > 1:
        total = total * 0.5
    return total


def test_regions_carry_the_line_of_their_head():
    staged = wg.jit(positioned)
    staged(X)
    ((built,),) = staged.programs.values()

    def regions(program):
        for e in program.equations:
            inner = [p for p in e.params.values() if hasattr(p, "equations")]
            if inner:
                yield e.row.name, e.where.line
            for p in inner:
                yield from regions(p)

    assert dict(regions(built.program)) == {
        "for_": line_of(positioned, "for i"),
        "if_": line_of(positioned, "if x[i] > 0"),
        "while_": line_of(positioned, "while total"),
    }


# ---------------------------------------------------------------- aliases that depend on values, or take turns


def arrays_take_turns(x):
    a, b = x, x.copy()
    for i in range(4):
        if i % 2:
            a, b = b, a
        a[i] = b[i] * 2
    return a @ b


def best_so_far(x):
    best = x
    for k in range(3):
        new = best * 0.5 + k
        if new.sum() < best.sum():
            best = new
    best[0] = 100.0
    return best.sum() + x[0]


@pytest.mark.parametrize("f", [arrays_take_turns, best_so_far])
def test_writes_into_one_of_several_arrays_are_refused(f):
    text = refusal(f, X)
    assert "copy it" in text and re.search(r"written|write", text)
