"""`wengert check`, and what the command line does with wrong input."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from wengert import __version__, cli

MODEL = """
import math

import numpy as np

import wengert as wg


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def steps(x, count, rate=0.1):
    path = np.zeros((count, len(x)))
    path[0] = x
    for i in range(1, count):
        path[i] = path[i - 1] - rate * np.sin(path[i - 1]) * math.exp(-i)
    return path[-1]


def squares(parameters, x):
    return np.mean((parameters["w"] @ x + parameters["b"]) ** 2)


def parts(x):
    return {"total": np.sum(x), "twice": 2 * x}


def doubles_in_place(x):
    x *= 2
    return np.sum(x**2)


def constants_only(n):
    return n


def tenth(x):
    return x[9]


def draws(x):
    for _ in range(3):
        x += np.random.normal()
    return x


wrong_sine = wg.custom_vjp(lambda x: np.sin(x), lambda ct, out, x: ct * np.sin(x))
simulator = wg.primitive(lambda x: float(x) ** 3, numerical="richardson")


def uses_wrong_rule(scale, angle):
    return scale * np.sum(wrong_sine(angle))


def without_rule(x):
    return np.sum(np.spacing(x))


class Model:
    @staticmethod
    def loss(x):
        return x**2


number = 3
"""


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Runs `wengert check model.py:... ARGS`; (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "model.py").write_text(MODEL)

    def run(function, *args):
        code = cli.main(["check", f"model.py:{function}", *args])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


# ---------------------------------------------------------------- right derivatives


def test_gradient_of_an_array(check):
    code, out, err = check("rosenbrock", "np.linspace(-1, 1, 5)")
    assert (code, err) == (0, "")
    assert out.startswith(
        "value     rosenbrock = 320.\ngradient  x: float64 (5,)\n            [-604., -353.,  -52.,  -51.,  150.]\n"
    )


def test_errors_of_both_modes_and_orders(check):
    _, out, _ = check("rosenbrock", "np.linspace(-1, 1, 5)")
    rows = re.findall(r"^ +x +([12]) +(\S+) +(\S+)$", out, re.MULTILINE)
    assert [order for order, *_ in rows] == ["1", "2"]
    assert all(float(error) < 1e-8 for _, *errors in rows for error in errors)


def test_cost(check):
    _, out, _ = check("rosenbrock", "np.linspace(-1, 1, 5)")
    number = r"[\d.]+ (ns|µs|ms|s)"
    assert re.search(rf"^cost      function {number}$", out, re.MULTILINE)
    assert re.search(rf"^          gradient {number}, [\d.]+ times the function$", out, re.MULTILINE)
    differences = rf"^          central differences {number} \(in 5 numbers\), [\d.]+ times the gradient$"
    assert re.search(differences, out, re.MULTILINE)


def test_jacobian_with_loops_writes_and_a_constant(check):
    code, out, _ = check("steps", "np.array([0.1, 0.2])", "5", "0.3")
    assert code == 0
    assert "jacobian  value by x: float64 (2, 2)\n" in out
    assert "jacobian  value by rate: float64 (2,)\n" in out
    assert "count" not in out


def test_containers(check):
    code, out, _ = check("squares", "{'w': np.ones((2, 3)), 'b': np.zeros(2)}", "np.arange(3)")
    assert code == 0
    assert "gradient  parameters['w']: float64 (2, 3)\n            [[0., 3., 6.],\n             [0., 3., 6.]]\n" in out
    assert "          parameters['b']: float64 (2,)\n            [3., 3.]\n" in out


def test_results_in_a_container(check):
    code, out, _ = check("parts", "np.ones(2)")
    assert code == 0
    assert "value     parts['total'] = 2.\n          parts['twice']: float64 (2,)\n" in out
    assert "jacobian  value['total'] by x: float64 (2,)\n" in out
    assert "          value['twice'] by x: float64 (2, 2)\n" in out


def test_array_from_a_file(check, tmp_path):
    np.save(tmp_path / "x.npy", np.arange(4.0))
    code, out, _ = check("doubles_in_place", "@x.npy")
    assert code == 0
    assert "[ 0.,  8., 16., 24.]" in out


def test_dotted_name_and_negative_number(check):
    code, out, _ = check("Model.loss", "-1.5")
    assert code == 0
    assert "value     Model.loss = 2.25\ngradient  x = -3.\n" in out


def test_function_of_a_single_number_has_one(check):
    _, out, _ = check("Model.loss", "2.0")
    assert "(in 1 number)" in out


def test_first_order_only(check, capsys):
    code, _, err = check("simulator", "2.0")
    assert code == 1 and "W503" in err
    assert cli.main(["check", "--order", "1", "model.py:simulator", "2.0"]) == 0
    assert " 2       " not in capsys.readouterr().out


def test_file_beside_the_function_and_a_name_of_the_standard_library(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "beside_the_model.py").write_text(
        "import numpy as np\ndef f(x):\n    y = np.zeros(2)\n    y[:] = x\n    return y\n"
    )
    (tmp_path / "signal.py").write_text("from beside_the_model import f\ndef g(x):\n    return f(x)[0] * f(x)[1]\n")
    assert cli.main(["check", f"{tmp_path / 'signal.py'}:g", "3.0"]) == 0
    assert "gradient  x = 6.\n" in capsys.readouterr().out


# ---------------------------------------------------------------- wrong derivatives


def test_wrong_rule_is_named_with_argument_mode_and_code(check):
    code, out, err = check("uses_wrong_rule", "2.0", "np.array([0.3, 0.4])")
    assert code == 1
    assert out.startswith("value     uses_wrong_rule = ")
    line = 1 + MODEL[: MODEL.index("def uses_wrong_rule")].count("\n")
    assert err.startswith(
        f"model.py:{line}: W501 the derivative of `uses_wrong_rule` with respect to `angle` is wrong in"
    )
    assert f"\n{line:5d} | def uses_wrong_rule(scale, angle):\n" in err
    assert "\nbecause  " in err and "\ninstead  " in err
    assert "cost" not in out


def test_refused_derivative_prints_its_diagnostic(check):
    code, _, err = check("without_rule", "np.ones(3)")
    assert code == 1
    assert err.startswith("model.py:") and "W301 `numpy.spacing` has no rule" in err


# ---------------------------------------------------------------- wrong input


@pytest.mark.parametrize(
    "function, args, message",
    [
        ("rosenbrock", ["3"], "no argument is a float or an array of floats; write 3.0 for 3"),
        ("rosenbrock", [], "no argument is a float or an array of floats; write 3.0 for 3"),
        ("rosenbrock", ["np.zeros("], "cannot read the argument 'np.zeros(': SyntaxError: '(' was never closed"),
        ("rosenbrock", ["y"], "cannot read the argument 'y': NameError: name 'y' is not defined"),
        ("rosenbrock", ["@no.npy"], "cannot read the argument '@no.npy': FileNotFoundError: [Errno 2] No such file"),
        (
            "rosenbrock",
            ["1.0", "2.0"],
            "model.py:rosenbrock raised TypeError: rosenbrock() takes 1 positional argument",
        ),
        ("tenth", ["np.ones(3)"], "model.py:tenth raised IndexError: index 9 is out of bounds for axis 0 with size 3"),
        ("missing", ["1.0"], "model.py has no function 'missing'"),
        ("number", ["1.0"], "'number' in model.py is a int, not a function"),
    ],
)
def test_wrong_input_is_one_line(check, function, args, message):
    code, out, err = check(function, *args)
    assert (code, out) == (2, "")
    assert err.startswith(f"wengert check: {message}")
    assert err.count("\n") == 1 and err.endswith("\n")


@pytest.mark.parametrize(
    "target, message",
    [
        ("none.py:f", "there is no file 'none.py'"),
        ("model.py", "'model.py' names no function; write FILE.py:FUNC"),
        ("notes.txt:f", "'notes.txt' is not a Python file"),
        ("broken.py:f", "broken.py does not load: SyntaxError: "),
        ("raises.py:f", "raises.py does not load: ZeroDivisionError: division by zero (raises.py:2)"),
    ],
)
def test_wrong_target_is_one_line(tmp_path, monkeypatch, capsys, target, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "notes.txt").write_text("f")
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "raises.py").write_text("\n1 / 0\n")
    assert cli.main(["check", target, "1.0"]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"wengert check: {message}")
    assert err.count("\n") == 1


def test_exit_codes_and_streams_of_the_shell(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    script = [sys.executable, "-W", "error", "-c", "import sys, wengert.cli; sys.exit(wengert.cli.main())"]

    def run(*args):
        return subprocess.run([*script, *args], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    good = run("check", "model.py:rosenbrock", "np.linspace(-1, 1, 5)")
    assert (good.returncode, good.stderr) == (0, "")
    assert run("check", "model.py:uses_wrong_rule", "2.0", "np.ones(2)").returncode == 1
    assert run("check", "model.py:missing", "1.0").returncode == 2
    assert run("check").returncode == 2
    assert run().returncode == 2
    assert run("--version").stdout == f"wengert {__version__}\n"


# ---------------------------------------------------------------- wengert program


@pytest.fixture
def model(tmp_path, monkeypatch):
    (tmp_path / "model.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)


def test_program(model, capsys):
    assert cli.main(["program", "model.py:steps", "np.ones(2)", "5"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("program steps(x: f64[2], count: ~i64):") or "program steps(" in out
    assert "for i in (1, 5, 1)" in out or "for i in (" in out
    assert "path[i] = path[i - 1]" in out


def test_report(tmp_path, monkeypatch, capsys):
    """Of the source alone and for arguments; the function is not run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs.py").write_text("def logs(x, n):\n    open('log', 'w')\n    return [x, n][int(x)]\n")
    assert cli.main(["report", "logs.py:logs"]) == 1
    assert "`logs` cannot be staged, for 1 reason:\nlogs.py:2:5: `open` cannot be staged" in capsys.readouterr().out
    assert cli.main(["report", "logs.py:logs", "1.0", "2"]) == 1
    assert "`logs` cannot be staged, for 2 reasons:" in capsys.readouterr().out
    (tmp_path / "model.py").write_text("def square(x):\n    return x * x\n")
    assert cli.main(["report", "model.py:square"]) == cli.main(["report", "model.py:square", "3.0"]) == 0
    assert capsys.readouterr().out.endswith("`square` can be staged for these arguments.\n")
    assert not (tmp_path / "log").exists()


def test_source(model, capsys):
    """The text that is printed runs."""
    for more, name in ([], "rosenbrock"), (["--gradient"], "grad_rosenbrock"), (["--forward"], "rosenbrock_dot"):
        assert cli.main(["source", *more, "model.py:rosenbrock", "np.ones(3)"]) == 0
        exec(capsys.readouterr().out, space := {})
        assert np.all(np.ravel(space[name](*[np.ones(3)] * (1 + (more == ["--forward"])))) == 0.0)
    with pytest.raises(SystemExit):
        cli.main(["source", "--forward", "--gradient", "model.py:rosenbrock", "np.ones(3)"])


def test_program_of_the_gradient_and_what_is_kept(model, capsys):
    assert cli.main(["program", "--gradient", "model.py:rosenbrock", "np.ones(3)"]) == 0
    assert "x_bar" in capsys.readouterr().out
    assert cli.main(["program", "--kept", "model.py:rosenbrock", "np.ones(3)"]) == 0
    assert "`rosenbrock`" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        cli.main(["program", "--kept", "--gradient", "model.py:rosenbrock", "np.ones(3)"])


def test_an_option_behind_the_arguments_is_told_its_place(model, capsys):
    assert cli.main(["program", "model.py:rosenbrock", "np.ones(3)", "--gradient"]) == 2
    assert "--gradient is an option: write it before FILE.py:FUNC" in capsys.readouterr().err


def test_what_cannot_be_staged_is_said(model, capsys):
    assert cli.main(["program", "model.py:draws", "2.0"]) == 1
    assert "W602 `draws` cannot be staged" in capsys.readouterr().err


# ---------------------------------------------------------------- what is imported


def test_heavy_packages_wait_for_the_command(tmp_path):
    code = (
        "import sys, wengert.cli\n"
        "heavy = {'sklearn', 'matplotlib', 'tqdm', 'wengert.demo', 'scipy.optimize'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_every_command_has_what_runs_it():
    assert all(callable(cli.resolve(place)) for place in cli.COMMANDS.values())
