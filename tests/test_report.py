"""`report`: what staging refuses, of the source alone or for arguments, with nothing of the user's run."""

import functools
import os
import pathlib

import numpy as np
import pytest

import test_staging_errors as errors
import wengert as wg
from programs import PROGRAMS

X = errors.X
SHARED, TABLE, WEIGHTS = [], {"a": 1.0}, np.ones(3)


def lines(found):
    return [place.text for place in found]


# ---------------------------------------------------------------- with arguments: all that staging meets

SINGLE = [errors.one_place, errors.unrolls_too_often, errors.shape_changes, errors.kinds_differ, errors.many_places]


@pytest.mark.parametrize("f", [*SINGLE, *errors.REFUSED])
def test_arguments_list_what_the_error_of_staging_lists(f):
    args = (X * 3,) if f is errors.shape_changes else (X,)
    found = wg.report(f, *args)
    with pytest.raises(wg.Diagnostic) as caught:
        wg.jit(f)(*args)
    text = str(caught.value)
    assert found and len(found) == text.count("instead  ")
    for place in found:
        assert place.code == "W602" and place.reason in text and place.instead in text and str(place.where) in text
        assert os.path.basename(place.file) == errors.FILE and place.text in text
        assert str(place) in str(found)


def test_nothing_to_report():
    def f(x, n):
        for i in range(n):
            x[i] = np.sin(x[i])
        return x.sum()

    for found, sentence in (
        (wg.report(f, X.copy(), 3), "`f` can be staged for these arguments."),
        (wg.report(f), "Nothing in the source of `f` is certain to be refused by staging."),
    ):
        assert not found and len(found) == 0 and list(found) == []
        assert str(found) == repr(found) == sentence
        assert found._repr_html_() == f"<pre>{sentence}</pre>"


def hidden():
    scope = {}
    exec("def hidden(x):\n    return x\n", scope)
    return scope["hidden"]


def test_errors_of_another_kind_are_listed_beside():
    helper = hidden()

    def f(x):
        SHARED.append(1)
        return helper(x)

    for found in (wg.report(f, X), wg.report(f)):
        assert [place.code for place in found] == ["W602", "W601"]
        assert "return helper(x)" in str(found) and "W601: the source of `hidden` cannot be read" in str(found)
    with pytest.raises(wg.Diagnostic, match="W602 `f` cannot be staged, for 2 reasons"):
        wg.jit(f)(X)


def test_wrong_arguments_are_the_callers_mistake():
    with pytest.raises(TypeError):
        wg.report(lambda x: x, 1.0, 2.0)


def test_derivatives():
    def f(x):
        SHARED.append(x)
        return x.sum()

    assert lines(wg.report(wg.grad(f), X)) == lines(wg.report(wg.grad(f))) == ["SHARED.append(x)"]
    assert lines(wg.report(wg.jit(f), X)) == lines(wg.report(wg.jit(f))) == ["SHARED.append(x)"]


# ---------------------------------------------------------------- from the source alone

FROM_SOURCE = {
    errors.one_place: ["try:"],
    errors.many_places: [
        "LOG.append(x[0])",
        'with open("somewhere") as file:',
        'eval("total")',
        "rng = np.random.default_rng()",
    ],
    errors.generator: ["def generator(x):"],
    errors.asks_for_input: ["return x * float(input())"],
    errors.evaluates: ['return eval("x + 1")'],
    errors.lambda_default: ["return [v for v in iter(x)]"],
    errors.awaits: ["class Inner:"],
    errors.matches: ["match x.shape:"],
}


@pytest.mark.parametrize("f", [*SINGLE, *errors.REFUSED])
def test_source_alone(f):
    """What is refused for all arguments; the rest depends on values, shapes or kinds.  Places are those of staging."""
    found = wg.report(f)
    assert lines(found) == FROM_SOURCE.get(f, [])
    staged = {place.where: (place.reason, place.instead) for place in wg.report(f, X)}
    assert all(staged[place.where] == (place.reason, place.instead) for place in found)


class Model:
    def __init__(self):
        self.history, self.scale = [], 2.0

    def loss(self, x):
        self.history.append(x)
        self.scale = 3.0
        return self.inner(x)

    def inner(self, x):
        WEIGHTS[0] = 1.0
        TABLE["a"] = 2.0
        del TABLE["a"]
        return x.sum()


def test_methods_and_what_they_hold():
    expected = [
        "self.history.append(x)",
        "self.scale = 3.0",
        "WEIGHTS[0] = 1.0",
        'TABLE["a"] = 2.0',
        'del TABLE["a"]',
    ]
    assert lines(wg.report(Model().loss)) == expected
    assert lines(wg.report(Model().loss, X)) == expected
    assert not wg.report(lambda x: Model().scale * x)


def through_helpers(x):
    helper = functools.partial
    return outer(x) + helper(x)


def outer(x):
    return np.sum(inner(x)) + outer(x[1:])


def inner(x):
    global SEEN
    SEEN = x
    assert x[0] > 0, "shadowed"
    eval = abs  # a name of the function's own: nothing is certain
    return eval(x) + (yield_later(x))


def yield_later(x):
    yield x


def test_helpers_are_looked_into():
    """Each once; names that the function binds mean nothing certain."""
    found = wg.report(through_helpers)
    assert lines(found) == ["SEEN = x", "def yield_later(x):"]
    assert found.function == "through_helpers"


def closed_over(log):
    def f(x):
        nonlocal log
        log.append(x)
        log = None

    return f


def test_what_a_closure_holds():
    assert [place.reason for place in wg.report(closed_over([]))] == [
        "the name `log` of an enclosing function is assigned"
    ]


def test_inner_functions_annotations_and_text():
    def f(x: eval("float")) -> eval("float"):
        y: eval("int") = x

        def g(z=input):
            return f"{z:{input()}}"

        h = lambda: exec("1")  # noqa: E731
        raise
        return y, g, h

    assert lines(wg.report(f)) == ['return f"{z:{input()}}"', 'h = lambda: exec("1")  # noqa: E731', "raise"]


def test_managers_that_compute():
    def f(x):
        with np.errstate(all="ignore"):
            return np.log(x)

    def g(x):
        with pathlib.Path(x):
            return x

    assert not wg.report(f) and not wg.report(f, X)
    assert lines(wg.report(g)) == ["with pathlib.Path(x):"]


def test_no_source():
    f = hidden()
    for found in (wg.report(f), wg.report(f, 1.0)):
        (place,) = found
        assert place.code == "W601" and "it was made by `exec`" in place.reason
    assert wg.report(f).places[0].where == wg.core.diagnostic.Position("<string>", 1)
    assert not wg.report(np.sin) and not wg.report(np.sin, 1.0)


# ---------------------------------------------------------------- nothing is run


def noisy(x, rng, path):
    print("begin", x[0])
    noise = np.random.normal() + rng.normal()
    y = functools.reduce(spoken, [x[0], x[1], noise])
    x[0] = y
    pathlib.Path(path).write_text("written")
    np.save(path, [1.0])
    return y


def spoken(a, b):
    print("spoken")
    return a + b


def test_nothing_is_printed_drawn_or_written(tmp_path, capsys):
    rng, x, path = np.random.default_rng(0), X.copy(), tmp_path / "file"
    before = rng.bit_generator.state, np.random.get_state()[1].copy(), np.random.get_state()[2]
    assert lines(wg.report(noisy, x, rng, str(path))) == [
        'pathlib.Path(path).write_text("written")',
        "np.save(path, [1.0])",
    ]
    assert lines(wg.report(noisy)) == ["np.save(path, [1.0])"]
    assert capsys.readouterr().out == ""
    assert (tmp_path / "file").exists() is False and list(tmp_path.iterdir()) == []
    np.testing.assert_array_equal(x, X)
    assert rng.bit_generator.state == before[0]
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])
    assert np.random.get_state()[2] == before[2]


def test_functions_given_to_a_library_are_staged(capsys):
    """They print when the program runs."""
    f = wg.jit(lambda x: functools.reduce(spoken, [x, 2.0, 3.0]))
    assert (f(1.0), f(2.0)) == (6.0, 7.0)
    assert capsys.readouterr().out == "spoken\n" * 4


RAN = []


class Lazy:
    def __getattr__(self, name):
        RAN.append(name)
        raise AttributeError(name)

    @property
    def places(self):
        RAN.append("places")

    def __call__(self, x):
        return eval("x")


lazy = Lazy()


def uses_lazy(x):
    lazy.unknown.append(1)
    lazy.places[0] = 1
    return lazy(x)


def test_attributes_are_not_run():
    RAN.clear()
    assert lines(wg.report(uses_lazy)) == ['return eval("x")']
    assert RAN == []


@pytest.mark.parametrize("part", range(4))
def test_programs_that_can_be_staged_have_nothing_to_report(part):
    for program in PROGRAMS[part::4]:
        assert not wg.report(program.function), program.name
        assert not wg.report(program.function, *program.args()), program.name
