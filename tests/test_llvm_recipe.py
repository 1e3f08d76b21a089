"""Machine code that an earlier process left is taken without lowering anything, and only for the very same program."""

import ast
import subprocess
import sys

import numpy as np
import pytest

import wengert as wg
from wengert.backends.llvm import cache, recipe


class Refuses:
    """In place of the modules that lower programs."""

    def lowered(self, program):
        raise AssertionError("lowered once more")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    return tmp_path


def simulate(x, steps):
    total = 0.0
    for i in range(steps):
        total = total + np.sin(x[i % len(x)]) * np.exp(-0.1 * i)
    return total


def with_loops_of_ufuncs(x, steps):
    return np.sum(np.linalg.solve(np.outer(x, x) + steps * np.eye(len(x)), np.exp(x)))


def with_stacks(x, steps):
    while np.sum(x * x) > 1e-3 * steps:
        x = 0.5 * x
    return np.sum(x)


@pytest.mark.parametrize("f", [simulate, with_loops_of_ufuncs, with_stacks])
@pytest.mark.parametrize("derive", [lambda f: f, wg.grad])
def test_what_was_made_once_is_not_lowered_again(f, derive, folder, monkeypatch):
    x = np.linspace(0.3, 1.2, 5)
    expected = wg.jit(derive(f))(x, 7)
    monkeypatch.setattr(recipe, "lowering", Refuses())
    np.testing.assert_array_equal(wg.jit(derive(f))(x, 7), expected)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(x * np.hanning(1000)),  # a constant that is read where Python keeps it
        lambda x: np.sum(np.asarray(x, dtype=np.float16)),  # Python sums
    ],
)
def test_what_names_addresses_of_this_process_leaves_no_recipe(f, folder, monkeypatch):
    expected = wg.jit(f)(np.ones(1000))
    monkeypatch.setattr(recipe, "lowering", Refuses())
    with pytest.raises(AssertionError, match="once more"):
        wg.jit(f)(np.ones(1000))
    monkeypatch.undo()
    assert wg.jit(f)(np.ones(1000)) == expected


def keys_of(*functions, x=2.0):
    return [recipe.key_for(wg.program(f, x)) for f in functions]


def test_programs_that_differ_in_a_bit_are_not_taken_for_each_other(folder):
    nan = np.array([0x7FF8000000000001], np.uint64).view(float)[0]
    functions = [
        lambda x: x * 0.0,
        lambda x: x * -0.0,
        lambda x: x * np.nan,
        lambda x: x * nan,
        lambda x: x * np.float32(0.0),
        lambda x: x * np.nextafter(0.0, 1.0),
        lambda x: x + 0.0,
        lambda x: x * np.array([0.0]),
        lambda x: x * np.array([[0.0]]),
    ]
    found = keys_of(*functions)
    assert None not in found and len(set(found)) == len(functions)
    assert len({*keys_of(functions[0]), *keys_of(functions[0], x=np.float64(2.0)), *keys_of(functions[0], x=2)}) == 3


def test_where_the_user_wrote_it_does_not_matter(folder):
    f = lambda x: x * 3.0

    # another line
    g = lambda x: x * 3.0
    assert len(set(keys_of(f, g))) == 1


def test_other_sources_or_versions_make_other_code(folder, monkeypatch):
    [before] = keys_of(lambda x: x * 3.0)
    monkeypatch.setattr(recipe, "sources", lambda: "an edited file")
    [edited] = keys_of(lambda x: x * 3.0)
    monkeypatch.setattr(recipe.np, "__version__", "9.9")
    assert len({before, edited, *keys_of(lambda x: x * 3.0)}) == 3


def test_objects_without_text_have_no_recipe(folder):
    mine = wg.custom_vjp(lambda x: x * x, lambda ct, out, x: 2.0 * x * ct)
    assert keys_of(lambda x: mine(x)) == [None]
    assert wg.jit(lambda x: mine(x))(3.0) == 9.0


def test_without_a_cache_no_text_is_written(monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, "off")
    assert keys_of(lambda x: x * 3.0) == [None]


def lose_the_code(folder):
    """What was used longest ago leaves: here the code, and not the recipe."""
    for path in folder.iterdir():
        if b"'symbols'" not in path.read_bytes():
            path.unlink()


def name_an_unknown_function(folder):
    for path in folder.iterdir():
        content = path.read_bytes()
        if b"'symbols'" in content:
            known = {**ast.literal_eval(content[32:].decode()), "symbols": ["scipy.special:no_such_function:d->d"]}
            path.unlink()
            cache.store(path.name.removesuffix(cache.SUFFIX), repr(known).encode())


@pytest.mark.parametrize("harm", [lose_the_code, name_an_unknown_function])
def test_what_cannot_be_used_is_made_again(harm, folder):
    f = lambda x: np.sum(np.exp(x) * np.tanh(x))
    x = np.linspace(-1.0, 1.0, 50)
    expected = wg.jit(f)(x)
    assert any(b"'symbols'" in path.read_bytes() for path in folder.iterdir())
    harm(folder)
    assert wg.jit(f)(x) == expected


SCRIPT = """
import sys
import numpy as np
import wengert as wg

def f(x):
    return np.sum(np.sin(x) ** 2)

print(wg.jit(wg.grad(f))(np.ones(1)), "wengert.backends.llvm.rows" in sys.modules, "scipy" in sys.modules)
"""


def test_a_cached_start_imports_nothing_that_lowers(folder):
    script = folder / "script.py"
    script.write_text(SCRIPT)
    runs = [subprocess.run([sys.executable, script], capture_output=True, text=True, check=True) for _ in range(2)]
    assert [run.stdout for run in runs] == [f"{np.sin(np.full(1, 2.0))} {lowers} False\n" for lowers in (True, False)]
