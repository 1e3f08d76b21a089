"""What the way back reads of an array at its end, since nobody writes there any more: never what was overwritten."""

import numpy as np
import pytest

import wengert as wg
from programs import linear_algebra
from wengert.backends.llvm import cache
from wengert.passes import affine, promote
from wengert.transforms import keep, settled
from written import defined

COUNT = 150

# ---------------------------------------------------------------- loop nests that nobody wrote


def source(seed):
    """Nests of two or three loops over a 9 x 9 array, which read and write it at sums of indices and constants."""
    random = np.random.default_rng(seed)
    pick = lambda *xs: str(random.choice(xs))
    lines = ["import numpy as np", "", "", "def nest(a, x):", "    a = a * 1.0", "    s = 0.0"]

    def place(names):
        return f"a[{pick(*forms(names))}, {pick(*forms(names))}]"

    def forms(names):
        return [
            *names,
            *(f"{n} + 1" for n in names),
            *(f"{n} - 1" for n in names),
            f"{names[-1]} - 4",
            f"8 - {names[0]}",
            "0",
            "-1",
        ]

    def statements(names, indent):
        for _ in range(random.integers(1, 4)):
            match random.integers(5):
                case 0:
                    lines.append(f"{indent}s = s + np.sin({place(names)}) * {place(names)}")
                case 1:
                    lines.append(f"{indent}{place(names)} = np.sin({place(names)}) * x")
                case 2:
                    lines.append(f"{indent}{place(names)} -= {place(names)} * {place(names)}")
                case 3:
                    lines.append(f"{indent}if {place(names)} > 0.3:")
                    lines.append(f"{indent}    {place(names)} = {place(names)} ** 2")
                case _:
                    lines.append(f"{indent}{place(names)} = 0.5 * {place(names)} * {place(names)}")

    def loop(names, indent):
        name = "ijk"[len(names)]
        first = pick("1", *(f"{n} + 1" for n in names))
        last = pick("7", *names)
        order = pick("range({0}, {1})", "range({1} - 1, {0} - 1, -1)", "range({0}, {1}, 2)")
        lines.append(f"{indent}for {name} in {order.format(first, last)}:")
        names = [*names, name]
        statements(names, indent + "    ")
        if len(names) < 3 and random.random() < 0.7:
            loop(names, indent + "    ")
            if random.random() < 0.5:
                statements(names, indent + "    ")

    loop([], "    ")
    return "\n".join([*lines, "    return s + np.sum(np.sin(a))", ""])


def built(seed, source=source):
    text = source(seed)
    return defined(text, f"<{source.__name__} {seed}>")["nest"], text


def check(seed, source=source):
    nest, text = built(seed, source)
    args = np.random.default_rng(seed).uniform(-1.0, 1.0, (9, 9)), 0.7
    expected = wg.grad(nest, (0, 1))(*args)
    for found, wanted in zip(wg.jit(wg.grad(nest, (0, 1)))(*args), expected):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9, err_msg=text)


def collected(x, y, n, i):
    x = x * 1.0
    for j in range(n):
        x[i] += y[j] * y[j]
    return np.sum(x)


def test_an_element_that_no_iteration_touches_need_not_exist():
    x = np.array([0.5, 2.0])
    for f in (wg.jit(collected), wg.jit(wg.grad(collected))):
        f(x, x, 0, 7)
    with pytest.raises(IndexError):
        wg.jit(collected)(x, x, 1, 7)


def chunks(count, size=25):
    return [range(k, k + size) for k in range(0, count, size)]


@pytest.mark.parametrize("seeds", chunks(COUNT), ids=lambda seeds: str(seeds.start))
def test_nests(seeds):
    for seed in seeds:
        check(seed)


def test_nests_are_a_mix():
    """Many read arrays at their end, and many keep what they read."""
    reasons = [kept(built(seed)[0], np.ones((9, 9)), 0.7) for seed in range(40)]
    assert sum(keep.STILL_THERE in found for found in reasons) > 10
    assert sum("depends on a" in found for found in reasons) > 10


def sums(seed):
    """Two loops, in which three elements of one array go into each other."""
    random = np.random.default_rng(seed)
    place = lambda first, second: f"a[{random.choice(first)}, {random.choice(second)}]"
    loop = random.choice(["range(1, 6)", "range(5, 0, -1)", "range(7)"])
    fixed, others = place(["i", "2"], ["i", "2"]), [place(["i", "j", "2"], ["j", "j", "j", "i"]) for _ in range(3)]
    lines = ["def nest(a, x):", "    a = a * 1.0", "    for i in range(1, 6):", f"        for j in {loop}:"]
    steps = [f"{fixed} += x * {others[0]}", f"{others[1]} += 0.5 * {fixed}", f"{others[2]} = x * {others[0]}"]
    lines += [f"            {steps[k]}" for k in random.permutation(3)[: random.integers(1, 4)]]
    return "\n".join(["import numpy as np", "", "", *lines, "    return np.sum(np.sin(a))", ""])


def test_loops_of_which_one_iteration_goes_through_memory():
    found = 0
    for seed in range(30):
        nest, _ = built(seed, sums)
        check(seed, sums)
        found += promote.versioned(p := wg.program(nest, np.ones((9, 9)), 0.7)) is not p
    assert found > 10


def kept(f, *args):
    return str(wg.kept(f, *args))


# ---------------------------------------------------------------- planted


def later_iterations_forgotten(*args):
    return ()


def always_apart(p, q):
    return True


def least_without_bounds(x):
    return x.constant


PLANTS = {
    "later iterations write nothing": (settled, "written_inside", later_iterations_forgotten),
    "later equations write nothing": (settled, "written", later_iterations_forgotten),
    "places are never the same": (settled, "are_apart", always_apart),
    "bounds are not looked at": (affine, "least", least_without_bounds),
    "an index from the end is one from the front": (affine, "is_at_least", lambda n, x: n == 0 or original(n, x)),
    "a loop has one iteration": (affine, "with_trips", lambda low, high: low),
    "a number in place of an element that others touch": (promote, "are_apart", always_apart),
    "no iteration goes through memory": (promote, "asking", lambda most, one, meets, e: most),
    "a number in place of an element that is not there": (promote, "is_at_least", lambda n, x: True),
}
original = affine.is_at_least


@pytest.mark.parametrize("name", PLANTS)
def test_planted(name, monkeypatch):
    module, attribute, wrong = PLANTS[name]
    monkeypatch.setenv(cache.VARIABLE, "off")  # wrong code is not kept for others
    monkeypatch.setattr(module, attribute, wrong)
    with pytest.raises((AssertionError, IndexError)):
        test_an_element_that_no_iteration_touches_need_not_exist()
        for seed in range(COUNT):
            check(seed)
            check(seed, sums)


# ---------------------------------------------------------------- by hand


@pytest.mark.parametrize("f", [linear_algebra.cholesky, linear_algebra.lu])
def test_factorisations_keep_the_factors(f):
    A = 5.0 * np.eye(6) + np.ones((6, 6))
    args = (A, np.ones(6)) if f is linear_algebra.cholesky else (A,)
    text = kept(f, *args)
    assert keep.STILL_THERE in text and "stack" not in text
