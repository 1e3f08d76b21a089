"""`wengert demo`: three fits of real data, from an empty home."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

import wengert as wg
import wengert.demo
from wengert import cli
from wengert.demo import models
from wengert.demo.problem import Problem, by_backward, by_grad, ravel, unravel

SHELL = [sys.executable, "-W", "error", "-c", "import sys, wengert.cli; sys.exit(wengert.cli.main())"]
TIME_LIMIT = 120  # seconds; a few on an idle machine


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home without caches, configuration or data."""
    path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "MPLCONFIGDIR", "SCIKIT_LEARN_DATA", "XDG_CACHE_HOME"):
            patch.setenv(name, str(path))
        yield path


@pytest.fixture(scope="module")
def picture(home):
    return home / "picture.png"


@pytest.fixture(scope="module")
def fits(picture):
    return {fit.name: fit for fit in wengert.demo.run(picture)}


@pytest.fixture(scope="module")
def shell(home):
    command = [*SHELL, "demo", "--picture", "from-shell.png"]
    return subprocess.run(command, cwd=home, env=os.environ, capture_output=True, text=True, timeout=TIME_LIMIT)


# ---------------------------------------------------------------- the fits


def test_there_are_three_fits_of_real_data(fits):
    sizes = {name: (fit.n, fit.d, fit.parameters) for name, fit in fits.items()}
    assert sizes == {
        "Gaussian mixture": (150, 4, 45),
        "logistic regression": (426, 30, 31),
        "two-layer network": (1347, 64, 4810),
    }


@pytest.mark.parametrize("name", ["Gaussian mixture", "logistic regression", "two-layer network"])
def test_gradients_agree_with_central_differences(fits, name):
    assert 0 < fits[name].gradient_error < 1e-8


def test_gradients_are_cheaper_than_differences(fits):
    assert all(fit.cost_ratio > 1 for fit in fits.values())
    assert fits["Gaussian mixture"].fd_ratio > 1.5
    assert fits["logistic regression"].fd_ratio > 1.5
    assert fits["two-layer network"].fd_ratio > 200


def test_mixture_finds_the_species(fits):
    quality = fits["Gaussian mixture"].quality
    assert quality["log_likelihood"] > quality["reference_log_likelihood"] - 1e-7
    assert quality["log_likelihood"] == pytest.approx(-1.2012365, abs=1e-6)
    assert quality["adjusted_rand_index"] > 0.9


def test_logistic_regression_reaches_the_minimum(fits):
    quality = fits["logistic regression"].quality
    assert quality["loss"] == pytest.approx(quality["reference_loss"], rel=1e-10)
    assert quality["test_accuracy"] > 0.95
    assert quality["test_auc"] > 0.99


def test_network_reads_digits(fits):
    quality = fits["two-layer network"].quality
    assert quality["loss"] < 0.05
    assert quality["test_accuracy"] >= 0.95


# ---------------------------------------------------------------- the picture


def test_picture_is_written_and_shows_something(fits, picture):
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    pixels = imread(picture)
    assert pixels.shape[0] > 800 and pixels.shape[1] > 1200
    upper, lower = np.array_split(pixels[..., :3], 2)
    for panel in [*np.array_split(upper, 3, axis=1), *np.array_split(lower, 3, axis=1)]:
        assert 0.01 < np.mean(panel.min(axis=-1) < 0.9) < 0.6


# ---------------------------------------------------------------- the command


def test_command_prints_check_cost_progress_and_result_of_each_fit(shell, home):
    assert shell.returncode == 0, shell.stderr
    parts = re.split(r"\n\d  ", shell.stdout)[1:]
    assert len(parts) == 3
    for part in parts:
        for label in ("data", "gradient", "cost", "result"):
            assert f"\n   {label} " in part
        assert "largest relative error against central differences" in part
        assert "times the function" in part and "times the gradient" in part
    assert all("\n   fit       step   1" in part for part in parts[:2])
    assert "epochs: 100%" in shell.stderr
    assert (home / "from-shell.png").stat().st_size > 50_000


def test_command_and_function_give_the_same_figures(shell, fits):
    assert f"{fits['Gaussian mixture'].quality['log_likelihood']:.7f}" in shell.stdout
    assert f"{fits['two-layer network'].quality['test_accuracy']:.3f}" in shell.stdout


def test_folder_of_the_picture_must_exist(capsys, tmp_path):
    assert cli.main(["demo", "--picture", str(tmp_path / "none" / "picture.png")]) == 2
    assert capsys.readouterr().err == f"wengert demo: there is no folder {str(tmp_path / 'none')!r} for the picture\n"


@pytest.mark.parametrize("module, package", cli.EXAMPLES.items())
def test_missing_packages_are_named(capsys, monkeypatch, module, package):
    for name in [name for name in sys.modules if name.startswith("wengert.demo")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(wg, "demo")
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.setitem(sys.modules, name, None)
    assert cli.main(["demo"]) == 2
    assert capsys.readouterr().err == f'wengert demo: {package} is not installed: pip install "wengert[examples]"\n'


# ---------------------------------------------------------------- the parts


def test_ravel_and_unravel_are_inverse():
    parameters = {"a": np.arange(6.0).reshape(2, 3), "b": np.array(7.0), "c": np.array([8.0])}
    vector = ravel(parameters)
    assert vector.tolist() == [0, 1, 2, 3, 4, 5, 7, 8]
    again = unravel(vector, parameters)
    assert all(
        np.array_equal(again[name], value) and again[name].shape == value.shape for name, value in parameters.items()
    )


def test_backward_and_grad_agree_on_the_network():
    random = np.random.default_rng(3)
    x, y = random.standard_normal((7, 5)), random.integers(0, 4, 7)
    start = {
        "w1": random.standard_normal((5, 6)),
        "b1": np.zeros(6),
        "w2": random.standard_normal((6, 4)),
        "b2": np.ones(4),
    }
    loss = lambda parameters: models.network_loss(parameters, x, y)
    found = [Problem(loss, way(loss), start) for way in (by_grad, by_backward)]
    (value, gradient), (other_value, other_gradient) = [p.value_and_gradient(p.vector) for p in found]
    assert value == pytest.approx(other_value, rel=1e-15)
    np.testing.assert_allclose(gradient, other_gradient, rtol=1e-13, atol=1e-15)


def test_mixture_loss_is_that_of_scipy():
    multivariate_normal = pytest.importorskip("scipy.stats").multivariate_normal
    random = np.random.default_rng(4)
    x, d = random.standard_normal((9, 3)), 3
    parameters = {
        "logits": random.standard_normal(2),
        "means": random.standard_normal((2, d)),
        "log_diagonal": 0.3 * random.standard_normal((2, d)),
        "below": random.standard_normal((2, 3)),
    }
    weights = np.exp(parameters["logits"]) / np.sum(np.exp(parameters["logits"]))
    density = 0.0
    for k in range(2):
        factor = models.inverse_factor(parameters, k, d)
        covariance = np.linalg.inv(factor.T @ factor)
        density = density + weights[k] * multivariate_normal(parameters["means"][k], covariance).pdf(x)
    assert models.mixture_loss(parameters, x) == pytest.approx(-np.mean(np.log(density)), rel=1e-12)


def test_second_derivatives_of_the_mixture_agree_with_differences():
    random = np.random.default_rng(5)
    x = random.standard_normal((12, 2))
    parameters = {
        "logits": np.zeros(2),
        "means": x[:2].copy(),
        "log_diagonal": np.zeros((2, 2)),
        "below": np.zeros((2, 1)),
    }
    wg.check_grads(models.mixture_loss, (parameters, x), order=2)
