"""What the engine promises beyond right numbers: cost, memory, depth, and nothing left behind."""

import gc
import subprocess
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import wengert as wg
from compare import live_records
from wengert.core.primitive import TABLE, Primitive


class Counter:
    """Counts evaluations of primitives and the bytes of their results."""

    def __init__(self, monkeypatch):
        self.operations = self.bytes = 0
        for row in TABLE.values():
            monkeypatch.setattr(row, "evaluate", self.counting(row.evaluate))

    def counting(self, evaluate):
        def counted(*args, **params):
            out = evaluate(*args, **params)
            self.operations += 1
            reuses = params.get("inplace") and isinstance(out, np.ndarray) and any(out is a for a in args)
            self.bytes += 8 if reuses else np.asarray(out).nbytes
            return out

        return counted

    def of(self, f, *args):
        self.operations = self.bytes = 0
        f(*args)
        return self.operations, self.bytes


def product_by_loop(x, t):
    total = 1.0
    for i in range(len(t)):
        total = total * (x - t[i])
    return total


def product_by_array(x, t):
    return np.prod(x - t)


def product_by_writes(x, t):
    factors = np.zeros(len(t))
    for i in range(len(t)):
        factors[i] = x - t[i]
    return np.prod(factors)


def product_of_elements(x, t):
    total = 1.0
    for i in range(len(t)):
        total = total * (x[i] - t[i])
    return total


@pytest.mark.parametrize("f", [product_by_loop, product_by_array, product_by_writes, product_of_elements])
@pytest.mark.parametrize("order", [1, 2])
def test_cost_of_the_gradient_of_a_product_grows_linearly(f, order, monkeypatch):
    """prod (x - t_i), counted in operations and bytes at m, 2m and 4m."""
    counter = Counter(monkeypatch)
    costs = []
    for m in (50, 100, 200):
        t = np.linspace(2.0, 3.0, m) / 2.5
        x = np.linspace(0.1, 0.2, m) if f is product_of_elements else 0.1
        if order == 1:
            costs.append(np.array(counter.of(wg.grad(f), x, t)))
        else:
            v = np.ones(m) if f is product_of_elements else 1.0
            costs.append(np.array(counter.of(lambda x, t, v=v: wg.jvp(lambda z: wg.grad(f)(z, t), (x,), (v,)), x, t)))
    first, second = costs[1] - costs[0], costs[2] - costs[1]
    assert np.all(second <= 2.1 * first + 200), costs
    assert np.all(costs[2] <= 4.2 * costs[0]), costs


def test_gradient_costs_a_small_constant_times_the_function(monkeypatch):
    counter = Counter(monkeypatch)
    x = np.linspace(0.1, 1.0, 50)

    def f(x):
        y = x
        for _ in range(20):
            y = np.sin(y) * x + np.exp(-y)
        return np.sum(y)

    recorded = counter.of(lambda v: wg.jvp(f, (v,), (v,)), x)
    forward_only = counter.of(lambda v: wg.vjp(f, v), x)
    both = counter.of(wg.grad(f), x)
    assert both[0] <= 4 * forward_only[0]
    assert recorded[0] <= 4 * forward_only[0]


def test_a_chain_of_a_million_operations():
    def chain(x, n):
        for _ in range(n):
            x = x * 1.0000001
        return x

    assert wg.grad(chain)(1.0, 10**6) == pytest.approx(1.0000001**10**6, rel=1e-6)
    out, pull = wg.vjp(lambda x: chain(x, 10**5), 1.0)
    assert pull(1.0) == pull(1.0)
    del pull  # a long chain is taken down without recursion
    gc.collect()


def test_the_tape_is_freed():
    before = live_records()
    wg.grad(lambda x: np.sum(np.sin(x) ** 2))(np.ones(5))
    assert live_records() == before
    out, pull = wg.vjp(lambda x: np.sum(np.sin(x) ** 2), np.ones(5))
    assert live_records() > before
    del pull
    assert live_records() == before


def test_what_nobody_needs_is_freed_while_recording():
    """The record of a value that leads nowhere goes with the value."""
    seen = []

    def f(x):
        dead = np.exp(x)
        seen.append(weakref.ref(dead.record))
        del dead
        seen.append(seen[0]() is None)
        return np.sum(x)

    wg.grad(f)(np.ones(3))
    assert seen[1] is True


def test_the_way_back_frees_as_it_goes():
    """Peak memory while going back stays near what the forward sweep kept."""
    n, steps = 20_000, 50

    def f(x):
        for _ in range(steps):
            x = np.sin(x)
        return np.sum(x)

    x = np.ones(n)
    wg.grad(f)(x)
    tracemalloc.start()
    wg.grad(f)(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (steps + 8) * n * 8


def test_linear_operations_keep_no_arrays():
    n = 100_000
    x = np.ones(n)

    def f(x):
        for _ in range(30):
            x = 2.0 * x + 1.0
        return np.sum(x)

    wg.grad(f)(x)
    tracemalloc.start()
    wg.grad(f)(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * n * 8


def test_checkpoint_keeps_less():
    n = 50_000

    def block(x):
        for _ in range(20):
            x = np.sin(x)
        return x

    def peak_of(step):
        def f(x):
            for _ in range(5):
                x = step(x)
            return np.sum(x)

        wg.grad(f)(np.ones(n))
        tracemalloc.start()
        wg.grad(f)(np.ones(n))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_of(wg.checkpoint(block)) < 0.4 * peak_of(block)


def test_writes_of_elements_do_not_copy_the_array(monkeypatch):
    counter = Counter(monkeypatch)

    def f(x, n):
        out = np.zeros(n)
        out[0] = x
        for i in range(1, n):
            out[i] = np.sin(out[i - 1])
        return out[n - 1]

    small, large = counter.of(wg.grad(f), 0.5, 200)[1], counter.of(wg.grad(f), 0.5, 400)[1]
    assert large <= 2.2 * small


def test_batches_of_any_size_take_the_same_number_of_calls(monkeypatch):
    counter = Counter(monkeypatch)

    def f(x):
        y = np.zeros(3)
        y[1:] = np.sin(x[:2])
        y[0] = np.max(x) * np.linalg.norm(x)
        return np.sum(y * x[np.array([0, 2, 0])])

    counts = {n: counter.of(wg.vmap(wg.grad(f)), np.linspace(0.1, 1.0, 3 * n).reshape(n, 3))[0] for n in (2, 16, 64)}
    assert len(set(counts.values())) == 1, counts


def test_levels_in_threads_do_not_meet():
    def work(results, k):
        g = wg.grad(lambda x: wg.grad(lambda y: np.sin(x * y) * k)(x))
        results[k] = [g(0.1 * i) for i in range(50)]

    alone, together = {}, {}
    for k in range(4):
        work(alone, k)
    threads = [threading.Thread(target=work, args=(together, k)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert alone == together


def test_an_exception_of_the_user_comes_through_and_leaves_nothing():
    before = live_records()

    def f(x):
        raise KeyError("mine", np.exp(x))

    with pytest.raises(KeyError, match="mine"):
        wg.grad(f)(np.ones(3))
    assert live_records() == before


def test_import_is_light():
    heavy = ("scipy", "matplotlib", "sklearn", "tqdm", "torch")
    code = f"import sys, wengert; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_names_of_rows_are_unique():
    with pytest.raises(ValueError, match="two rows are called 'sin'"):
        Primitive("sin", np.sin, partials=(None,))
