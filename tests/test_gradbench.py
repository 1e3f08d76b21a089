"""GradBench's problems give its answers, and the tool speaks its protocol."""

import functools
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # `benchmarks` is not installed

from benchmarks.gradbench import ba, descent, ode, particle, saddle, serve  # noqa: E402


def cases_of(name):
    return json.loads(gzip.open(ROOT / f"tests/gradbench/{name}.json.gz").read())


NAMES = [name for name in serve.MODULES if name != "hello"]  # whose answers need no file
NESTED = {"particle": particle, "saddle": saddle}
CASES = {f"{name}-{c['function']}-{c['description']}": c for name in NAMES for c in cases_of(name)}

LOOSER = {  # relative to the largest element of the answer; 1e-9 for all others
    # The answers are derivatives of the exact solution, of which the steps are an approximation.
    "ode-gradient-n=20 s=10": (0.5, "the first term of this solution is of order 20, and ten steps have order 4"),
    "ode-gradient-n=5 s=100": (1e-7, "a hundred steps of order 4 end that far from the exact solution"),
}


def leaves(tree):
    """Paths and numbers of what JSON holds."""
    if not isinstance(tree, dict | list):
        return {(): tree}
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return {(key, *path): x for key, branch in items for path, x in leaves(branch).items()}


def difference(answer, expected):
    """The largest difference and the largest size, of answers of the same structure."""
    answer, expected = leaves(answer), leaves(expected)
    assert answer.keys() == expected.keys()
    size = max(map(abs, expected.values()))
    return max(abs(answer[key] - expected[key]) for key in expected), size


def asked(kind, **fields):
    """The response to one message, through the text that both sides see."""
    return json.loads(serve.respond(json.dumps({"id": 7, "kind": kind, **fields})))


def evaluated(module, function, given, **limits):
    response = asked("evaluate", module=module, function=function, input={**given, **limits})
    assert response["success"], response["error"]
    return response


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["eval"] not in NESTED])
def test_answer(name):
    case = CASES[name]
    answer = evaluated(case["eval"], case["function"], case["input"])["output"]
    error, size = difference(answer, case["expected"])
    tolerance, _ = LOOSER.get(name, (1e-9, ""))
    assert error < tolerance * size


@pytest.mark.parametrize("modes", ["ff", "fr", "rf", "rr"])
@pytest.mark.parametrize("name", NESTED)
def test_nested_answer(name, modes):
    """The descent ends where GradBench's does, after as many steps as with derivatives by hand."""
    case = CASES[f"{name}-{modes}-"]
    function = NESTED[name].FUNCTIONS[modes]
    result = function.run(*function.arguments(case["input"]))
    error, size = difference(function.output(result), case["expected"])
    assert error < 1e-9 * size
    assert [x for x in result if isinstance(x, int)] == steps_by_hand(name)


@functools.cache
def steps_by_hand(name):
    """How often each point moves, with derivatives that nothing of wengert computes."""
    given = CASES[f"{name}-rr-"]["input"]
    if name == "saddle":  # the maximum over y adds a constant: both descents are those of |x|^2
        gradient, f, start = (lambda f: lambda x: 2 * x), (lambda x: x @ x), np.array(given["start"])
    else:
        gradient, f, start = difference_quotient, by_hand, np.array([given["w"]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(descent.GRADIENTS, "hand", gradient)
        _, moves = descent.argmin(f, "hand", start)
    return [moves, moves] if name == "saddle" else [moves]


def difference_quotient(f):
    h = 1e-6
    return lambda x: (f(x + h) - f(x - h)) / (2 * h)


def by_hand(w):
    """`particle.miss`, with the force on the particle written out."""

    def gradient(potential):
        def force(x, w):
            away = x - np.array([[10.0, 10.0 - w], [10.0, 0.0]])
            return -np.sum(away / np.sum(away**2, axis=1, keepdims=True) ** 1.5, axis=0)

        return force

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(descent.GRADIENTS, "force", gradient)
        return np.array(particle.miss(w[0], "force"))


@pytest.mark.parametrize("name", LOOSER)
def test_gradient_is_that_of_the_steps(name):
    """What is far from the exact solution's derivative is that of the numerical solution, to 1e-9."""
    x, s = ode.arguments(CASES[name]["input"])
    gradient, size = wg.jit(wg.grad(ode.last))(x, s), abs(ode.last(x, s))
    for i in range(len(x)):  # the complex step: no difference is formed, so nothing cancels
        aside = x.astype(complex)
        aside[i] += 1e-30j * x[i]
        assert gradient[i] * x[i] == pytest.approx(ode.last(aside, s).imag / 1e-30, rel=1e-9, abs=1e-9 * size)


def test_camera_without_rotation():
    """The limit at no rotation is that of a small one."""
    camera = np.array([0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 500.0, 10.0, 20.0, 0.1, 0.01])
    args = np.array([0.3, 0.4, 2.0]), 0.7, np.array([1.0, 2.0])
    with np.errstate(divide="ignore", invalid="ignore"):  # the slope of the square root, which counts zero times
        by_camera, _, _ = wg.jit(ba.block)(camera, *args)
    expected = wg.numerical.jacobian(lambda c: ba.reprojection(c, *args), camera)
    assert np.allclose(by_camera, expected, rtol=1e-6, atol=1e-6)


def test_hello():
    assert asked("evaluate", module="hello", function="square", input=3.0)["output"] == 9.0
    assert asked("evaluate", module="hello", function="double", input=3.0)["output"] == 6.0


# ---------------------------------------------------------------- the protocol


def test_start_and_analysis_and_unknown_kinds_get_their_id_back():
    assert asked("start", eval="hello") == {"id": 7, "tool": "wengert"}
    assert asked("analysis", of=3, valid=False, error="wrong") == {"id": 7}
    assert asked("what will be") == {"id": 7}


@pytest.mark.parametrize("module", serve.MODULES)
def test_define(module):
    response = asked("define", module=module)
    assert response["success"]
    assert [timing["name"] for timing in response["timings"]] == ["define"]


@pytest.mark.parametrize("module", ["serve", "descent", "nothing", "../hello", ["hello"]])
def test_other_modules_are_refused(module):
    """Where an eval reads `success: false`, it stops; the tool's own files are no modules."""
    response = asked("define", module=module)
    assert not response["success"]
    assert response["error"].startswith(f"there is no module {module!r}; there are ba, ")
    assert not asked("evaluate", module=module, function="square", input=1.0)["success"]


def timings(response):
    names = [timing["name"] for timing in response["timings"]]
    assert all(type(timing["nanoseconds"]) is int and timing["nanoseconds"] >= 0 for timing in response["timings"])
    assert names[0] == "prepare"
    assert set(names[1:]) == {"evaluate"}
    return [timing["nanoseconds"] for timing in response["timings"][1:]]


def test_as_many_timings_as_runs():
    given = {"x": [1.0, 2.0, 3.0]}
    assert len(timings(evaluated("lse", "gradient", given, min_runs=5, min_seconds=0))) == 5
    long = timings(evaluated("lse", "gradient", given, min_runs=1, min_seconds=0.05))
    assert len(long) > 1
    assert sum(long) >= 0.05e9
    assert sum(long[:-1]) < 0.05e9


def test_the_runs_do_not_change_their_input():
    given = CASES["lstm-objective-l=2 c=64"]["input"]
    once, often = (evaluated("lstm", "jacobian", given, min_runs=n, min_seconds=0)["output"] for n in (1, 3))
    assert once == often


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("", "JSONDecodeError"),
        ("{'id': 1}", "JSONDecodeError"),
        ("[1, 2]", "the message has no 'id'"),
        ('{"kind": "start"}', "the message has no 'id'"),
        ('{"id": 1}', "the message has no 'kind'"),
        ('{"id": 1, "kind": ["start"]}', "TypeError"),
        ('{"id": 1, "kind": "define"}', "the message has no 'module'"),
        ('{"id": 1, "kind": "evaluate", "module": "lse"}', "the message has no 'function'"),
        ('{"id": 1, "kind": "evaluate", "module": "lse", "function": "primal"}', "the message has no 'input'"),
        ('{"id": 1, "kind": "evaluate", "module": "lse", "function": "f", "input": 1}', "has no function 'f'"),
        ('{"id": 1, "kind": "evaluate", "module": "lse", "function": "primal", "input": {}}', "KeyError: 'x'"),
        (
            '{"id": 1, "kind": "evaluate", "module": "hello", "function": "square", "input": 1e200}',
            "not JSON compliant",
        ),
    ],
)
def test_whatever_is_wrong_gets_an_answer(line, error):
    response = json.loads(serve.respond(line))
    assert response["id"] == (1 if '"id"' in line else None)
    assert response["success"] is False
    assert error in response["error"]


def test_a_response_is_one_line_and_sent_at_once():
    """Also one with a traceback in it; and each before the next message is read."""
    out, seen = io.StringIO(), []

    def messages():
        for line in ('{"id": 0, "kind": "start"}', "nonsense", '{"id": 2, "kind": "analysis"}'):
            seen.append(out.getvalue().count("\n"))
            yield line + "\n"

    serve.serve(messages(), out)
    assert seen == [0, 1, 2]
    assert [json.loads(line)["id"] for line in out.getvalue().splitlines()] == [0, None, 2]


def test_the_command():
    """A session as GradBench holds it."""
    module = "hello"
    messages = [
        {"kind": "start", "eval": module},
        {"kind": "define", "module": module},
        {"kind": "evaluate", "module": module, "function": "square", "input": 1.5, "description": "a number"},
        {"kind": "analysis", "of": 2, "valid": True},
    ]
    lines = "".join(json.dumps({"id": i, **message}) + "\n" for i, message in enumerate(messages))
    command = [sys.executable, "-m", "benchmarks.gradbench"]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, cwd=ROOT, timeout=60, check=True)
    start, define, evaluate, analysis = map(json.loads, done.stdout.splitlines())
    assert start == {"id": 0, "tool": "wengert"}
    assert define["success"]
    assert evaluate["output"] == 2.25
    assert analysis == {"id": 3}
    assert done.stderr == ""


def test_the_image_is_as_gradbench_wants_it():
    *_, entry, label = (ROOT / "benchmarks/gradbench/Dockerfile").read_text().splitlines()
    assert entry == 'ENTRYPOINT ["python", "-m", "benchmarks.gradbench"]'
    assert label == "LABEL org.opencontainers.image.source=https://github.com/gradbench/gradbench"
