"""`explain`: the examples of textbooks to the digit, names, formats; against `grad` and `jvp` on random programs."""

import html.parser
import re
import subprocess
import sys

import numpy as np
import pytest

import wengert as wg
from test_random_programs import arguments, build
from wengert.core.primitive import TABLE
from wengert.inspect import notation


def values(lines):
    return [line.value for line in lines]


def names(lines):
    return [notation.PLAIN.symbol(line.symbol) for line in lines]


def rounded(lines, digits):
    return [round(float(value), digits) for value in values(lines)]


# ---------------------------------------------------------------- the worked examples of textbooks


def textbook(x1, x2):
    return np.log(x1) + x1 * x2 - np.sin(x2)


def test_log_product_sine():
    e = wg.explain(textbook, 2.0, 5.0)
    assert round(e.value, 3) == 11.652
    assert rounded(e.evaluation, 3) == [0.693, 10.0, -0.959, 10.693, 11.652]
    assert values(e.tangents["x1"])[2:] == [0.5, 5.0, 0.0, 5.5, 5.5]
    assert round(e.cotangents["x1"], 3) == 5.5
    assert round(e.cotangents["x2"], 3) == 1.716
    text = str(e)
    for line in ("v1 = log(x1)   = log(2)              = 0.69315", "y  = v4 - v3   = 10.693 - (-0.95892) = 11.652"):
        assert line in text
    assert re.search(r"v1_dot = x1_dot/x1 +=  *1/2 +=  *0.5 +=  *0/2 +=  *0\n", text)
    assert "x2_bar = cos(x2)*v3_bar + x1*v2_bar   = cos(5)*(-1) + 2*1 = 1.7163" in text
    assert "x1_bar = x2*v2_bar + v1_bar/x1        = 5*1 + 1/2         = 5.5" in text


def test_written_in_steps_it_has_the_steps_names():
    def f(x1, x2):
        v1 = np.log(x1)
        v2 = x1 * x2
        v3 = np.sin(x2)
        v4 = v1 + v2
        v5 = v4 - v3
        return v5

    e = wg.explain(f, 2.0, 5.0)
    assert names(e.evaluation) == ["v1", "v2", "v3", "v4", "v5"]
    assert values(e.tangents["x1"])[2:] == [0.5, 5.0, 0.0, 5.5, 5.5]


def test_product_and_sine():
    e = wg.explain(lambda x1, x2: x1 * x2 + np.sin(x1), 2.0, 5.0)
    assert round(e.value, 4) == 10.9093
    assert e.cotangents == {"x1": 5.0 + np.cos(2.0), "x2": 2.0}
    assert round(e.cotangents["x1"], 4) == 4.5839


def test_the_first_partial_is_cos_6():
    e = wg.explain(lambda x1, x2, x3: (x1 - x2 + x2 * x3) * np.cos(x2 * x3), 1.0, 2.0, 3.0)
    assert e.cotangents["x1"] == np.cos(6.0)
    assert values(e.tangents["x1"])[-1] == np.cos(6.0)
    assert e.value == 5.0 * np.cos(6.0)


def polynomial(x):
    return x**4 + 3 * x**2 + 2 * x


def test_polynomial():
    e = wg.explain(polynomial, 2.0)
    assert (e.value, e.cotangents["x"], e.hessian) == (32.0, 46.0, 54.0)
    assert str(e).endswith("value = 32\nsecond derivative = 54")
    over = wg.explain(polynomial, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(over.cotangents["x"], [12.0, 46.0, 128.0])
    np.testing.assert_array_equal(values(over.tangents["x"])[-1], [12.0, 46.0, 128.0])
    assert over.hessian is None
    # the derivative is a function, too
    slope = wg.explain(wg.grad(polynomial), 2.0)
    assert (slope.value, slope.cotangents["x"]) == (46.0, 54.0)


def test_a_curve():
    e = wg.explain(lambda x: np.array([x**2, x**3]), 2.0)
    assert e.cotangents == {"x": 16.0}
    assert values(e.tangents["x"])[1:3] == [4.0, 12.0]
    np.testing.assert_array_equal(values(e.tangents["x"])[-1], [4.0, 12.0])
    weighted = wg.explain(lambda x: np.array([x**2, x**3]), 2.0, cotangent=np.array([0.0, 1.0]), tangents=[10.0])
    assert weighted.cotangents == {"x": 12.0}
    np.testing.assert_array_equal(values(weighted.tangents["x"])[-1], [40.0, 120.0])


def test_two_layer_network_with_all_partials():
    def network(W1, b1, W2, b2, x):
        h = 1 / (1 + np.exp(-(W1 @ x + b1)))
        y = 1 / (1 + np.exp(-(W2 @ h + b2)))
        return y

    args = (np.array([[0.1, 0.2], [0.3, 0.4]]), np.array([0.5, 0.6]), np.array([0.7, 0.8]), 0.9, np.array([1.0, 2.0]))
    e = wg.explain(network, *args)
    assert "h" in names(e.evaluation) and names(e.evaluation)[-1] == "y"
    gradient = wg.grad(network, argnums=(0, 1, 2, 3, 4))(*args)
    for name, expected in zip(["W1", "b1", "W2", "b2", "x"], gradient):
        np.testing.assert_allclose(e.cotangents[name], expected, rtol=1e-14)
    # by hand: for y = s(u), u = W2 h + b2
    y, h = e.value, next(line.value for line in e.evaluation if line.symbol.name == "h")
    np.testing.assert_allclose(e.cotangents["W2"], y * (1 - y) * h, rtol=1e-14)
    np.testing.assert_allclose(e.cotangents["b1"], y * (1 - y) * args[2] * h * (1 - h), rtol=1e-14)


def test_the_derivative_of_the_implementation():
    e = wg.explain(lambda x: x - x, 3.0)
    assert "y_dot = x_dot - x_dot   = 1 - 1 = 0" in str(e)
    assert "x_bar = y_bar - y_bar   = 1 - 1 = 0" in str(e)


# ---------------------------------------------------------------- against grad and jvp


@pytest.mark.parametrize("seed", range(40))
def test_random_programs_agree_with_both_modes(seed):
    f, args = build(seed)[0], arguments(seed)
    e = wg.explain(f, *args)
    out, pull = wg.vjp(f, *args)
    assert e.value == out
    for got, bar in zip(e.cotangents.values(), pull(np.ones_like(out))):
        np.testing.assert_allclose(got, bar, rtol=1e-12, atol=1e-12)
    for i, lines in enumerate(e.tangents.values()):
        seeds = [np.ones_like(a) if k == i else np.zeros_like(a) for k, a in enumerate(args)]
        pushed = wg.jvp(f, args, seeds)[1]
        result = e.output[0]
        last = [x for x in lines if (x.symbol.name, x.symbol.version) == (result.name, result.version)][0]
        np.testing.assert_allclose(last.value, pushed, rtol=1e-12, atol=1e-12)
    assert str(e) and e.html() and e.latex()


@pytest.mark.parametrize("row", [r for r in TABLE.values() if r.examples and not r.constant], ids=lambda r: r.name)
def test_every_row_can_be_explained(row):
    from test_rows import setting

    operands, params, varied = setting(row, 0)

    def f(*xs):
        full = list(operands)
        for k, x in zip(varied, xs):
            full[k] = x
        out = row(*full, **params)
        return out[0] if row.several else out

    xs = [operands[k] for k in varied]
    e = wg.explain(f, *xs)
    bars = wg.vjp(f, *xs)[1](np.ones_like(f(*xs)))
    for got, bar in zip(e.cotangents.values(), bars):
        np.testing.assert_allclose(got, bar, rtol=1e-12, atol=1e-12)
    assert str(e) and e.html() and e.latex()


# ---------------------------------------------------------------- names


def test_names_are_the_users():
    def f(x):
        total = 0.0
        for k in (1, 2, 3):
            wave = np.sin(k * x)
            total = total + wave
        store = np.zeros(2)
        store[0] = total
        store[1] += 2.0 * store[0]
        return np.mean(store)

    e = wg.explain(f, 0.3)
    found = names(e.evaluation)
    for name in ("wave", "wave#2", "wave#3", "total", "total#2", "total#3", "store", "store#2", "y"):
        assert found.count(name) == 1, (name, found)
    assert len(set(found)) == len(found)
    assert {line.where.line for line in e.evaluation if line.where} == {
        f.__code__.co_firstlineno + n for n in (3, 4, 6, 7, 8)
    }


def test_containers_and_constants():
    def loss(p, n, label):
        assert label == "a"
        return np.sum(p["w"] ** n) * p["scale"][0]

    e = wg.explain(loss, {"w": np.array([1.0, 2.0]), "scale": [3.0]}, 2, "a")
    assert list(e.cotangents) == ["p['w']", "p['scale'][0]"]
    np.testing.assert_array_equal(e.cotangents["p['w']"], [6.0, 12.0])
    assert e.cotangents["p['scale'][0]"] == 5.0


def test_several_results_and_none():
    e = wg.explain(lambda x: {"a": x * x, "b": [np.exp(x), 1.0]}, 2.0)
    assert e.value == [4.0, np.exp(2.0), 1.0]
    assert e.cotangents == {"x": 4.0 + np.exp(2.0)}
    assert wg.explain(lambda x: 3.0, 1.0).cotangents == {"x": 0.0}
    assert wg.explain(lambda x: x, 1.0).cotangents == {"x": 1.0}


def test_branches_show_the_path_taken():
    def f(x):
        if x > 1:
            return x * x
        return -x

    assert [line.operation for line in wg.explain(f, 2.0).evaluation] == ["mul"]
    assert [line.operation for line in wg.explain(f, 0.5).evaluation] == ["neg"]


def test_steps_have_no_tangent_and_float32_stays():
    e = wg.explain(lambda x: np.floor(x) * x, np.float32(2.5))
    assert values(e.tangents["x"])[1] == 0.0 and e.value.dtype == np.float32
    assert type(e.cotangents["x"]) is np.float32 and e.cotangents["x"] == 2.0


def test_long_traces_are_shortened_in_pictures_only():
    def f(x):
        for _ in range(200):
            x = np.sin(x)
        return x

    e = wg.explain(f, 1.0)
    assert len(e.evaluation) == 200
    assert "141 steps left out" in str(e) and len(str(e).splitlines()) < 220
    assert len(wg.explain(lambda a: np.linalg.cholesky(a), np.eye(2)).latex()) < 5000


def test_a_function_without_second_derivative_is_explained():
    f = wg.custom_vjp(lambda x: x * x, lambda ct, out, x: 2.0 * x * ct)
    assert wg.explain(f, 3.0).cotangents == {"x": 6.0}


# ---------------------------------------------------------------- formats


class Tags(html.parser.HTMLParser):
    """Every tag that is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows = [], 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.rows += tag == "tr"

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html_is_well_formed_and_escaped():
    e = wg.explain(textbook, 2.0, 5.0)
    tags = Tags(e._repr_html_())
    assert tags.open == [] and tags.rows == 3 + 7 + 7 + 7
    assert "<i>x</i><sub>1</sub>" in e.html()
    assert "&lt;lambda&gt;" in wg.explain(lambda x: x * x, 1.0).html()


def test_latex_is_balanced():
    for e in (wg.explain(textbook, 2.0, 5.0), wg.explain(lambda layer_1: np.exp(-1e9 * layer_1), np.ones(2))):
        text = e.latex()
        assert text.count(r"\begin{array}") == text.count(r"\end{array}") == 6
        assert text.count(r"\left") == text.count(r"\right")
        assert text.count("{") == text.count("}")
    assert r"\dot{v}_{1} & {} = \frac{\dot{x}_{1}}{x_{1}}" in wg.explain(textbook, 2.0, 5.0).latex()
    assert r"10^{-5}" in wg.explain(lambda x: 1e-5 * x, 1.0).latex()


def test_the_notation_names_rows_only():
    listed = {*notation.NOTATION, *notation.CALLED, *notation.COLLECTIONS, *notation.SILENT, *notation.TIDY}
    assert listed <= TABLE.keys()


# ---------------------------------------------------------------- errors, and the command line


@pytest.mark.parametrize(
    "call, code",
    [
        (lambda: wg.explain(textbook, 2, 5), "W102"),
        (lambda: wg.explain(textbook, 2.0, 5.0, tangents=[1.0]), "W401"),
        (lambda: wg.explain(textbook, 2.0, 5.0, tangents=[1.0, np.ones(2)]), "W401"),
        (lambda: wg.explain(textbook, 2.0, 5.0, cotangent=np.ones(2)), "W401"),
        (lambda: wg.explain(lambda x: np.nextafter(x, 9.0), 2.0), "W301"),
    ],
)
def test_errors(call, code):
    with pytest.raises(wg.Diagnostic) as caught:
        call()
    assert caught.value.code == code


def run(*arguments):
    script = [sys.executable, "-W", "error", "-c", "import sys, wengert.cli; sys.exit(wengert.cli.main())"]
    return subprocess.run([*script, *arguments], capture_output=True, text=True, timeout=60)


def test_command(tmp_path):
    file = tmp_path / "model.py"
    file.write_text("import numpy as np\ndef f(x1, x2):\n    return np.log(x1) + x1 * x2 - np.sin(x2)\n")
    found = run("explain", f"{file}:f", "2.0", "5.0")
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout == f"{wg.explain(textbook, 2.0, 5.0)}\n".replace("textbook(", "f(")
    assert run("explain", "--format", "latex", f"{file}:f", "2.0", "5.0").stdout.startswith(r"\[\begin{array}")
    assert run("explain", "--format", "html", f"{file}:f", "2.0", "5.0").stdout.startswith("<style>")
    integers = run("explain", f"{file}:f", "2", "5")
    assert integers.returncode == 2 and "write 3.0 for 3" in integers.stderr
