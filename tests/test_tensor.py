"""The dynamic-graph habit: Tensor, backward(), grad, no_grad(), in plain NumPy code."""

import copy
import math

import numpy as np
import pytest
import scipy.special

import wengert as wg

X = np.array([0.3, -0.7, 1.2])
Y = np.array([1.5, 0.4, -0.2])
M = np.array([[0.5, -0.3, 0.8], [1.1, 0.2, -0.6]])


def parameter(x, dtype=float):
    return wg.Tensor(np.array(x, dtype), requires_grad=True)


def equal(got, expected):
    assert isinstance(got, np.ndarray | np.generic) and not isinstance(got, wg.Tensor)
    assert got.shape == np.shape(expected)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


# ---------------------------------------------------------------- backward


def test_backward_adds_to_grad():
    w = parameter(X)
    assert w.grad is None
    np.sum(w**2).backward()
    equal(w.grad, 2 * X)
    (w[0] * 3.0).backward()
    equal(w.grad, 2 * X + [3, 0, 0])
    w.grad = None
    (w @ Y).backward()
    equal(w.grad, Y)
    w.grad[:] = 0.0
    w.sum().backward()
    equal(w.grad, np.ones(3))


def test_grad_is_an_array_of_its_own():
    w = parameter(X)
    seed = np.ones(3)
    w.sum().backward()
    first = w.grad
    (1.0 * w).backward(seed)
    equal(w.grad, 2 * np.ones(3))
    w.grad[0] = 9.0
    equal(first, np.ones(3))
    equal(seed, np.ones(3))
    a, b = parameter(X), parameter(X)
    (a + b).sum().backward()
    assert not np.shares_memory(a.grad, b.grad)
    a.grad += 1.0
    equal(b.grad, np.ones(3))
    leaf = parameter(X)
    leaf.backward(seed)
    assert not np.shares_memory(leaf.grad, seed)


def test_a_leaf_is_its_own_result():
    w = parameter(0.5)
    w.backward()
    equal(w.grad, 1.0)
    w.backward()
    equal(w.grad, 2.0)


def test_a_second_backward_needs_retain_graph():
    w = parameter(X)
    loss = np.sum(np.exp(w) * w)
    loss.backward(retain_graph=True)
    loss.backward()
    equal(w.grad, 2 * np.exp(X) * (1 + X))
    with pytest.raises(wg.Diagnostic, match="W206 the way back runs a second time") as caught:
        loss.backward()
    assert caught.value.where.filename == __file__
    equal(w.grad, 2 * np.exp(X) * (1 + X))


def test_two_losses_that_share_a_part():
    w = parameter(X)
    shared = np.sin(w)
    first, second = np.sum(shared**2), np.sum(shared * Y)
    first.backward(retain_graph=True)
    equal(w.grad, np.sin(2 * X))
    second.backward()
    equal(w.grad, np.sin(2 * X) + np.cos(X) * Y)

    v = parameter(X)
    shared = np.sin(v)
    first, second = np.sum(shared**2), np.sum(shared * Y)
    first.backward()
    with pytest.raises(wg.Diagnostic, match="W206"):
        second.backward()
    equal(v.grad, np.sin(2 * X))


def test_several_leaves_and_a_leaf_used_often():
    a, b, unused = parameter(X), parameter(2.0), parameter(1.0)
    loss = np.sum(a * b + a * a * b) + b**2
    loss.backward()
    equal(a.grad, 2.0 * (1 + 2 * X))
    equal(b.grad, np.sum(X + X**2) + 4.0)
    assert unused.grad is None


@pytest.mark.parametrize("seed", [Y, list(Y), wg.Tensor(Y), Y.astype(np.float32), np.array([1, 2, 3])], ids=repr)
def test_seeds(seed):
    w = parameter(X)
    (w**2).backward(seed)
    np.testing.assert_allclose(w.grad, 2 * X * np.array(seed), rtol=1e-6)
    assert w.grad.dtype == np.float64


@pytest.mark.parametrize("seed", [np.ones(2), 1.0, np.ones((3, 1))], ids=repr)
def test_a_seed_that_does_not_fit_is_refused(seed):
    w = parameter(X)
    with pytest.raises(wg.Diagnostic, match="W401 the seed of `backward` has shape"):
        (w**2).backward(seed)
    assert w.grad is None
    (w**2).backward(Y)
    equal(w.grad, 2 * X * Y)


def test_what_backward_refuses():
    w = parameter(X)
    with pytest.raises(wg.Diagnostic, match=r"W101 `backward`.* tensor of shape \(3,\)"):
        (w * 2).backward()
    with pytest.raises(wg.Diagnostic, match="W101 `backward`.* complex"):
        (w[0] * 1j).backward()
    constants = [wg.Tensor(1.0), wg.Tensor(X).sum(), w.detach().sum(), w.detach()[0] * 2]
    for constant in constants:
        with pytest.raises(wg.Diagnostic, match="W104 `backward` on a value that depends on no tensor"):
            constant.backward()
    for data in (3, np.array([1, 2]), True, [1, 2]):
        with pytest.raises(wg.Diagnostic, match=r"W102 a tensor of dtype .* has no derivative"):
            wg.Tensor(data, requires_grad=True)


# ---------------------------------------------------------------- what a tensor is


def test_data_is_copied_and_keeps_its_dtype():
    data = X.copy()
    w = wg.Tensor(data, requires_grad=True)
    data[:] = 0.0
    equal(w.numpy(), X)
    w.numpy()[:] = 9.0
    equal(w.numpy(), X)
    for dtype in (np.float32, np.float64, np.complex128, int, bool):
        assert wg.Tensor(np.ones(2, dtype)).dtype == dtype
    assert wg.Tensor([1.0, 2]).dtype == np.float64 and wg.Tensor(wg.Tensor(X)).shape == (3,)


def test_attributes_and_conversions():
    w = parameter(M)
    assert (w.shape, w.ndim, w.size, w.dtype, len(w)) == ((2, 3), 2, 6, np.float64, 2)
    assert w.requires_grad and (2 * w).requires_grad and not wg.Tensor(M).requires_grad
    assert not (2 * wg.Tensor(M)).requires_grad and not w.detach().requires_grad
    assert type(w[0, 1].item()) is float and w[0, 1].item() == -0.3 and w.item(1, 0) == 1.1 and w.item(2) == 0.8
    assert type(wg.Tensor(3).item()) is int and wg.Tensor(True).item() is True
    assert w.tolist() == M.tolist() and w[0].tolist() == M[0].tolist()
    equal(w.numpy(), M)
    equal(w.detach().numpy(), M)
    for result in (w.sum(), w + 1, w.T, w[0], np.sin(w), np.stack([w, w])):
        assert isinstance(result, wg.Tensor)
    with pytest.raises(ValueError, match="size 1"):
        w.item()


def test_detach_cuts():
    w = parameter(X)
    fixed = w.detach()
    np.sum(w * fixed).backward()
    equal(w.grad, X)
    y = (w * 2).detach()
    assert not y.requires_grad and y.grad is None
    y[0] = 5.0
    equal(w.numpy(), X)


def test_printing():
    assert repr(wg.Tensor([1.0, 2.5])) == str(wg.Tensor([1.0, 2.5])) == "Tensor([1. , 2.5])"
    assert repr(parameter(0.5)) == "Tensor(0.5, requires_grad=True)"
    assert repr(2 * parameter([1.0])) == "Tensor([2.], requires_grad=True)"
    assert repr(wg.Tensor(M)) == "Tensor([[ 0.5, -0.3,  0.8],\n        [ 1.1,  0.2, -0.6]])"
    assert f"{parameter(1.23456):.2f} {parameter(2.0)[()]:5.1f}" == "1.23   2.0"


def test_control_flow_and_truth():
    w = parameter(0.5)
    y = w * 2 if w > 0.2 else w * 3
    while y < 3.0:
        y = y * 2
    y.backward()
    equal(w.grad, 8.0)
    assert bool(w) and not bool(wg.Tensor(0.0)) and max(parameter(1.0), parameter(2.0)).item() == 2.0
    assert [int(v) for v in wg.Tensor([1, 2])] == [1, 2] and [10, 20][wg.Tensor(1)] == 20
    with pytest.raises(ValueError, match="ambiguous"):
        bool(parameter(X))


def test_tensors_with_and_without_gradient_where_numpy_is_plain():
    """Outside a derivative nothing is routed: a constant gives its numbers, a recorded value an error."""
    constant, recorded = wg.Tensor(X), parameter(X)
    equal(np.asarray(constant), X)
    assert np.asarray(constant, np.float32).dtype == np.float32
    assert float(wg.Tensor(0.5)) == 0.5 and math.sin(wg.Tensor(0.5)) == math.sin(0.5)
    for use in (
        np.asarray,
        np.array,
        lambda t: math.sin(t[0]),
        lambda t: float(t[0]),
        scipy.special.logsumexp,
    ):
        with pytest.raises(wg.Diagnostic, match="W201") as caught:
            use(recorded)
        assert caught.value.where.filename == __file__
    buffer = np.zeros(3)
    with pytest.raises((wg.Diagnostic, TypeError, ValueError)):
        buffer[0] = recorded[0]
    assert buffer[0] == 0.0
    with pytest.raises(wg.Diagnostic):
        buffer += recorded
    equal(buffer, np.zeros(3))


def test_copies():
    w = parameter(X)
    y = w * 2
    for duplicate in (copy.copy(y), copy.deepcopy(y), y.copy()):
        duplicate[0] = 0.0
        equal(y.numpy(), 2 * X)
    y.copy().sum().backward()
    equal(w.grad, 2 * np.ones(3))


# ---------------------------------------------------------------- NumPy on tensors


def test_operators_with_arrays_numbers_and_lists():
    w = parameter(X)
    for f in (
        *(lambda w: w * Y + Y * w - Y / (2 + w), lambda w: 2 ** w + w**2 + abs(w) ** Y, lambda w: np.float64(2.0) * w),
        *(lambda w: w @ M.T, lambda w: M @ w, lambda w: [1.0, 2.0, 3.0] * w, lambda w: -w + abs(w), lambda w: w % 0.7),
        *(lambda w: np.array(2.0) * w, lambda w: w[None] * M, lambda w: w[:, None] * Y, lambda w: 3 * w + np.arange(3)),
    ):  # fmt: skip
        w.grad = None
        out = f(w)
        equal(out.numpy(), f(X))
        out.sum().backward()
        equal(w.grad, wg.grad(lambda v, f=f: np.sum(f(v)))(X))


def test_numpy_and_scipy_functions():
    w = parameter(X)
    loss = np.sum(scipy.special.erf(w)) + np.linalg.norm(w) + np.einsum("i,ij->", w, M.T)
    loss = loss + np.mean(np.where(w > 0, w, 0.1 * w)) + np.concatenate([w, Y, w * w]).max() + np.outer(w, w).trace()
    loss = (
        loss
        + np.linalg.solve(np.eye(3) + np.outer(w, w), Y)[0]
        + np.sum(np.clip(w, -0.5, 0.5))
        + np.stack([w[0], 1.0])[0]
    )
    loss.backward()

    def plain(v):
        total = np.sum(scipy.special.erf(v)) + np.linalg.norm(v) + np.sum(M @ v)
        total = total + np.mean(np.where(v > 0, v, 0.1 * v)) + np.max(np.concatenate([v, Y, v * v])) + np.sum(v * v)
        return total + np.linalg.solve(np.eye(3) + np.outer(v, v), Y)[0] + np.sum(np.clip(v, -0.5, 0.5)) + v[0]

    equal(loss.numpy(), plain(X))
    equal(w.grad, wg.grad(plain)(X))


def test_broadcasting():
    w, b, s = parameter(M), parameter(X), parameter(0.5)
    ((w + b) * s).sum().backward()
    equal(w.grad, np.full((2, 3), 0.5))
    equal(b.grad, np.full(3, 1.0))
    equal(s.grad, np.sum(M + X))


def test_indexing_and_writes_on_what_is_not_a_leaf():
    w = parameter(X)
    y = w * 1.0
    y[0] = y[1] * y[2]
    y[1:] *= 2.0
    y += Y
    row = y[1:]
    row[...] = row**2
    loss = y.sum() + y[[0, 0]].sum() + y[y > 0].sum()
    loss.backward()

    def plain(v):
        u = v * 1.0
        u[0] = u[1] * u[2]
        u[1:] *= 2.0
        u += Y
        u[1:] = u[1:] ** 2
        return u.sum() + u[[0, 0]].sum() + u[u > 0].sum()

    equal(loss.numpy(), plain(X.copy()))
    equal(w.grad, wg.grad(plain)(X))


def test_a_constant_tensor_records_what_is_written_into_it():
    w = parameter(X)
    out = wg.Tensor(np.zeros((2, 3)))
    out[0] = w
    out[1, 1:] = 2.0 * w[:2]
    (out**2).sum().backward()
    equal(w.grad, 2 * X + 8 * np.array([X[0], X[1], 0.0]))


def test_writing_into_a_leaf_is_refused_outside_no_grad():
    w = parameter(X)
    view = w[1:]

    def add(t):
        t += 1.0

    def part(t):
        t[0] = 1.0

    for write in (add, part, lambda t: t.fill(0.0), lambda t: np.add(t, 1.0, out=t), lambda t: np.add.at(t, [0], 1.0)):
        for target in (w, view):
            with pytest.raises(
                wg.Diagnostic, match="W205 a tensor with requires_grad=True is written in place"
            ) as caught:
                write(target)
            assert caught.value.where.filename == __file__
    equal(w.numpy(), X)


# ---------------------------------------------------------------- no_grad


def test_updates_under_no_grad_keep_the_leaf():
    w = parameter(X)
    alias = w
    for _ in range(3):
        loss = np.sum((w - Y) ** 2)
        loss.backward()
        with wg.no_grad():
            w -= 0.25 * w.grad
        w.grad = None
    assert alias is w and w.requires_grad
    equal(w.numpy(), Y + (X - Y) / 8)
    with wg.no_grad():
        w[0] = 7.0
        w[1:] *= 2.0
        np.add(w, 1.0, out=w)
    equal(w.numpy(), [8.0, *(2 * (Y + (X - Y) / 8) + 1)[1:]])
    w.sum().backward()
    equal(w.grad, np.ones(3))


def test_no_grad_as_context_and_decorator():
    w = parameter(X)

    @wg.no_grad()
    def predict(x):
        """Predicts."""
        return np.sum(w * x)

    assert not predict(Y).requires_grad and predict.__doc__ == "Predicts."
    equal(predict(Y).numpy(), X @ Y)
    with wg.no_grad():
        assert not (2 * w).requires_grad
        with wg.no_grad():
            pass
        assert not (2 * w).requires_grad
    assert (2 * w).requires_grad
    with pytest.raises(KeyError), wg.no_grad():
        raise KeyError
    assert (2 * w).requires_grad
    guard = wg.no_grad()
    with guard, guard:
        pass
    assert (2 * w).requires_grad
    with wg.no_grad(), pytest.raises(wg.Diagnostic, match="W104"):
        w.sum().backward()


def test_an_update_after_recording_does_not_change_the_recorded_loss():
    w = parameter(X)
    loss = np.sum(w**3)
    with wg.no_grad():
        w *= 0.0
    loss.backward()
    equal(w.grad, 3 * X**2)


# ---------------------------------------------------------------- dtypes


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, np.complex128])
def test_dtypes_stay(dtype):
    w = parameter(X, dtype)
    loss = np.sum(np.real(np.exp(w) * w)) * 2.0 + np.sum(np.abs(0.5 * w / 3))
    loss.backward()
    assert loss.dtype == np.zeros(0, dtype).real.dtype and w.grad.dtype == dtype
    np.sum(np.real(w * np.ones(3))).backward()
    assert w.grad.dtype == dtype
    with wg.no_grad():
        w -= 0.1 * w.grad
    assert w.dtype == dtype


def test_the_complex_convention():
    z = wg.Tensor(0.6 - 1.1j, requires_grad=True)
    (abs(z) ** 2).backward()
    equal(z.grad, 2 * (0.6 + 1.1j))


# ---------------------------------------------------------------- tensors and the other derivatives


def test_grad_inside_tensor_code():
    w = parameter(0.5)
    slope = wg.grad(lambda x: np.sin(w * x))(2.0)  # w cos(2 w)
    slope.backward()
    equal(w.grad, np.cos(1.0) - np.sin(1.0))
    w.grad = None
    hessian = wg.hessian(lambda x: np.sum(w * x**3))(X)
    hessian.sum().backward()
    equal(w.grad, 6 * np.sum(X))
    w.grad = None
    wg.vmap(lambda x: x * w)(X).sum().backward()
    equal(w.grad, np.sum(X))
    w.grad = None
    wg.jvp(lambda x: x**2 * w, (3.0,), (1.0,))[1].backward()
    equal(w.grad, 6.0)


def test_a_tensor_as_argument_of_grad():
    w = parameter(X)
    gradient = wg.grad(lambda v: np.sum(v**3))(w)
    equal(gradient.numpy(), 3 * X**2)
    gradient.sum().backward()
    equal(w.grad, 6 * X)
    equal(np.asarray(wg.grad(lambda v: np.sum(v**3))(wg.Tensor(X))), 3 * X**2)


def test_tensors_inside_grad():
    def f(x):
        t = wg.Tensor(Y, requires_grad=True)
        np.sum(t**2 * 3.0).backward()
        return np.sum(x * t.grad)

    np.testing.assert_allclose(wg.grad(f)(X), 6 * Y)
    w = parameter(Y)
    np.testing.assert_allclose(wg.jvp(lambda x: np.sum(x * wg.Tensor(Y)), (X,), (X,))[1], X @ Y)
    inner = wg.grad(lambda x: np.sum(x * w))(X)
    equal(inner.numpy(), Y)
    assert w.grad is None


def test_custom_rules_and_checkpoints_on_tensors():
    w = parameter(X)
    clipped = wg.custom_vjp(lambda x: x, lambda ct, out, x: np.clip(ct, -1.0, 1.0))
    np.sum(clipped(w) * Y * 4).backward()
    equal(w.grad, np.clip(4 * Y, -1, 1))
    w.grad = None
    np.sum(wg.checkpoint(lambda x: np.exp(np.sin(x)))(w)).backward()
    equal(w.grad, np.exp(np.sin(X)) * np.cos(X))


# ---------------------------------------------------------------- loops


@pytest.mark.parametrize("rows", [4, 3000])
def test_a_buffer_that_is_filled_anew_for_each_minibatch(rows):
    """A loader that reuses its array; both below and above the size that is copied."""
    random = np.random.default_rng(0)
    buffer, w, expected = np.empty((rows, 3)), parameter(X), X.copy()
    for _ in range(4):
        batch = random.standard_normal((rows, 3))
        buffer[:] = batch
        loss = np.mean((buffer @ w - 1.0) ** 2)
        loss.backward()
        with wg.no_grad():
            w -= 0.1 * w.grad
        w.grad = None
        expected -= 0.1 * 2 * batch.T @ (batch @ expected - 1.0) / rows
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("rows", [4, 3000])
def test_a_buffer_that_is_overwritten_before_backward(rows):
    """Right, or an error: never the derivative of numbers that were not used."""
    random = np.random.default_rng(0)
    buffer, w = random.standard_normal((rows, 3)), parameter(X)
    expected = 2 * buffer.T @ (buffer @ X) / rows
    loss = np.mean((buffer @ w) ** 2)
    buffer[:] = 0.0
    if rows == 4:
        loss.backward()
        np.testing.assert_allclose(w.grad, expected)
    else:
        with pytest.raises(wg.Diagnostic, match="W204 an array of shape"):
            loss.backward()
        assert w.grad is None


def test_losses_of_several_minibatches_added_before_backward():
    buffer, w, total, expected = np.empty(3), parameter(X), 0.0, 0.0
    for k in range(5):
        buffer[:] = k
        total = total + np.sum(buffer * w**2)
        expected = expected + 2 * k * X
    total.backward()
    equal(w.grad, expected)


def test_training_a_small_network():
    random = np.random.default_rng(1)
    inputs = random.standard_normal((64, 2))
    targets = (inputs[:, 0] * inputs[:, 1] > 0).astype(float)
    layers = [parameter(random.standard_normal(s) * 0.7) for s in ((2, 16), (16,), (16,), ())]
    for _ in range(300):
        w, b, v, c = layers
        logits = np.tanh(inputs @ w + b) @ v + c
        loss = np.mean(np.logaddexp(0.0, logits) - targets * logits)
        loss.backward()
        with wg.no_grad():
            for p in layers:
                p -= 1.0 * p.grad
                p.grad = None
    assert loss.item() < 0.1


def test_a_chain_of_a_hundred_thousand_operations():
    w = parameter(1.0)
    y = w
    for _ in range(100_000):
        y = y + 1e-6 * w
    y.backward()
    np.testing.assert_allclose(w.grad, 1.1, rtol=1e-9)
    del y  # freed without recursion


def test_state_that_runs_through_a_loop_can_be_detached():
    w, h = parameter(0.5), wg.Tensor(1.0)
    for _ in range(3):
        h = (h * w).detach() * w
        h.backward()
    assert h.requires_grad
    equal(w.grad, 0.5 + 0.5**3 + 0.5**5)


def test_a_tensor_of_a_traced_value_is_refused():
    """It would cut the derivative in silence."""
    with pytest.raises(wg.Diagnostic, match="W201 wg.Tensor"):
        wg.grad(lambda x: wg.Tensor(x) * 2)(0.3)
