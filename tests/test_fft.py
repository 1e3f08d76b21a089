"""Fourier transforms beyond single calls: whole matrices, what raises, and programs made of them."""

import numpy as np
import pytest
import scipy.fft

import wengert as wg

LENGTHS = [1, 2, 3, 4, 5, 8]
NORMS = [None, "ortho", "forward"]
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, *LENGTHS])
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", ["rfft", "irfft", "fft", "ihfft", "hfft"])
def test_the_way_back_is_the_transpose_of_the_way_forth(name, length, n, norm):
    """Re(ct · F t) = Re(t_bar · t) for complex cotangents, and the tangent is the transform itself."""
    if n is None and name in ("irfft", "hfft") and length == 1:
        pytest.skip("no points")
    f = lambda x: getattr(np.fft, name)(x, n, norm=norm)
    x, t = RANDOM.standard_normal((2, length))
    if name in ("irfft", "hfft", "fft"):
        x, t = x + 1j * t, RANDOM.standard_normal(length) * (1.0 - 0.4j)
    out, pull = wg.vjp(f, x)
    ct = RANDOM.standard_normal(out.shape)
    ct = ct + 1j * RANDOM.standard_normal(out.shape) if out.dtype.kind == "c" else ct
    np.testing.assert_allclose(wg.jvp(f, (x,), (t,))[1], f(t), rtol=0, atol=1e-14)
    (bar,) = pull(ct)
    assert bar.dtype == x.dtype
    np.testing.assert_allclose(np.sum(np.real(bar * t)), np.sum(np.real(ct * f(t))), atol=1e-12)


def test_irfft_does_not_read_the_imaginary_parts_of_its_ends():
    spectrum = RANDOM.standard_normal(4) + 1j * RANDOM.standard_normal(4)
    even = wg.grad(lambda s: np.sum(np.fft.irfft(s, 6) ** 3))(spectrum)
    odd = wg.grad(lambda s: np.sum(np.fft.irfft(s, 7) ** 3))(spectrum)
    assert even[0].imag == even[3].imag == odd[0].imag == 0.0
    assert np.all(np.abs([even[1].imag, even[2].imag, odd[1].imag, odd[3].imag]) > 1e-6)


RAISING = [
    (lambda x: np.fft.fft(x[:, :0]), ValueError),
    (lambda x: np.fft.fft(x, 0), ValueError),
    (lambda x: np.fft.rfft(x, -1), ValueError),
    (lambda x: np.fft.irfft(x[:, :1]), ValueError),
    (lambda x: np.fft.fft(x, 2.5), TypeError),
    (lambda x: np.fft.fft(x, axis=2), IndexError),
    (lambda x: np.fft.fft(x[0, 0]), IndexError),
    (lambda x: np.fft.fft(x, norm="unitary"), ValueError),
    (lambda x: np.fft.hfft(x, norm="unitary"), ValueError),
    (lambda x: np.fft.fftn(x, (2, 2), (0,)), ValueError),
    (lambda x: np.fft.rfft(x * 1j), TypeError),
    (lambda x: np.fft.fft(x, out=np.zeros((2, 2), complex)), ValueError),
    (lambda x: np.fft.fft(x, out=np.zeros((2, 3))), TypeError),
    (lambda x: np.fft.fftfreq(2.5, x), ValueError),
    (lambda x: scipy.fft.fftn(x, axes=(1, -1)), ValueError),
    (lambda x: scipy.fft.dct(x, 5), ValueError),
    (lambda x: scipy.fft.dct(x, 1, 1), RuntimeError),
    (lambda x: scipy.fft.dct(x, norm="unitary"), ValueError),
]


@pytest.mark.parametrize("f, error", RAISING)
@pytest.mark.parametrize("mode", [wg.jacfwd, wg.jacrev, wg.vmap])
def test_what_raises_plainly_raises_traced(f, error, mode):
    x = np.array([[0.3, 0.6, 0.2], [0.8, 0.1, 0.4]])
    with pytest.raises(error):
        f(x)
    with pytest.raises(error):
        mode(f)(x[None] if mode is wg.vmap else x)


def test_what_scipy_alone_offers_is_refused_by_name():
    for f in (
        lambda x: scipy.fft.fft(x, plan=1),
        lambda x: scipy.fft.dct(x * 1j, orthogonalize=True),
    ):
        with pytest.raises(wg.Diagnostic, match=r"W301 `scipy\.fft\.\w+.*(plan|orthogonalize)=\.\.\."):
            wg.grad(lambda x: np.sum(np.abs(f(x))))(np.array([0.3, 0.6, 0.2]))


def test_frequencies_of_a_differentiated_spacing_are_numpys():
    spectral = lambda d: np.sum(np.cos(np.fft.fftfreq(5, d)) + np.sin(scipy.fft.rfftfreq(8, d))[:5])
    assert wg.value_and_grad(spectral)(0.3)[0] == spectral(0.3)
    wg.check_grads(spectral, 0.3, order=2)


def power_spectrum(x):
    return np.abs(np.fft.rfft(x)) ** 2


def autocorrelation(x):
    return scipy.fft.irfft(power_spectrum(x), len(x))


def spectral_derivative(x):
    return np.fft.ifft(2j * np.pi * np.fft.fftfreq(len(x)) * np.fft.fft(x)).real


def filtered(x):
    return np.fft.irfft2(np.fft.rfft2(np.outer(x, x[:5])) * np.exp(-0.1 * np.arange(6)[:, None]), (6, 5))


def compressed(x):
    return scipy.fft.idctn(np.tanh(scipy.fft.dctn(np.outer(x, x), norm="ortho")), norm="ortho")


def shifted(x):
    return np.angle(np.fft.fftshift(np.fft.fft(np.sin(x), 9)))[1:4]


def written(x):
    spectrum = np.zeros(6, complex)
    np.fft.fft(x, out=spectrum)
    spectrum[2:] *= 0.5
    return np.abs(np.fft.ifft(spectrum))


PROGRAMS = [power_spectrum, autocorrelation, spectral_derivative, filtered, compressed, shifted, written]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("inner", [lambda y: y, np.exp, lambda y: y**3], ids=["plain", "exp", "cube"])
def test_programs(f, inner):
    x = np.array([0.3, -0.6, 0.9, 0.15, -1.2, 0.45])
    program = lambda x: np.sum(inner(f(0.5 * x * x + x)))
    np.testing.assert_allclose(wg.value_and_grad(program)(x)[0], program(x), rtol=1e-13)
    wg.check_grads(program, x, order=2)
    lanes = np.stack([x, 0.5 * x, x[::-1] + 0.1])
    np.testing.assert_allclose(wg.vmap(wg.grad(program))(lanes), [wg.grad(program)(lane) for lane in lanes], rtol=1e-9)
    np.testing.assert_allclose(
        wg.vmap(wg.hessian(program))(lanes), [wg.hessian(program)(lane) for lane in lanes], rtol=1e-8, atol=1e-10
    )


def test_two_names_of_scipy_reached_without_its_module():
    from scipy.fft import dct, rfft

    wg.check_grads(lambda x: np.abs(rfft(x)) ** 2 + dct(x)[:3], np.array([0.3, -0.6, 0.9, 0.2]), order=2)
