"""The programs of tests/programs as machine code: values and derivatives are those of the interpreter.

Each also runs in a build that checks every load and store, and a second analysis verifies what its buffers hold.
"""

import numpy as np
import pytest
import scipy.special

import lifetimes
import wengert as wg
from machine_code import agree, derived, is_refused, staged
from programs import PROGRAMS
from staging import EVERY
from wengert.backends.llvm.call import Unsupported
from wengert.backends.llvm.program import lowered
from wengert.core.tree import flatten, unflatten

POINTS = [point for program in PROGRAMS for point in program.points()]
SAMPLE = PROGRAMS[::4]  # for what takes long to compile


def each(programs):
    return pytest.mark.parametrize("program", programs, ids=[program.name for program in programs])


def follow(program, kinds, test, args=None):
    """test(program, operands) for derivatives of these kinds."""
    args = program.args() if args is None else args
    functions = derived(program.function, args, program.argnums, program.scalar)
    refused = []
    for kind in kinds:
        try:
            test(*staged(functions[kind], *args))
        except Exception as error:
            if not is_refused(error):
                raise
            refused.append(f"{kind}: {error}")
    if refused:
        pytest.skip("; ".join(refused))


@each(POINTS)
def test_values_and_derivatives(program):
    follow(program, ["value", "gradient", "forward"], agree)


@each(SAMPLE)
def test_second_derivatives(program):
    follow(program, ["second"], agree)


@each(SAMPLE)
def test_single_precision(program):
    leaves, structure = flatten(program.args())
    single = [x.astype(np.float32) if getattr(x, "dtype", None) == np.float64 else x for x in leaves]
    follow(program, ["value", "gradient"], agree, unflatten(structure, single))


@each(PROGRAMS)
def test_loads_and_stores_lie_in_their_memory(program):
    follow(program, ["gradient"], lambda *case: agree(*case, checked=True))


@each(PROGRAMS)
def test_buffers_hold_what_is_read(program):
    kinds = ["gradient", *(["value", "forward", "second"] if program in SAMPLE else [])]
    follow(program, kinds, lambda found, operands: lifetimes.verify(lowered(found, checked=True)))


def test_few_have_no_machine_code():
    refused = 0
    for program in PROGRAMS:
        try:
            lowered(staged(program.function, *program.args())[0])
        except (Unsupported, wg.Diagnostic):
            refused += 1
    assert refused <= 0.05 * len(PROGRAMS)


def column_beside_row(a, x, y):
    """The column lies in memory where a larger array was: it is no place for the result."""
    large = np.sin(a)
    large[0, 0] = 1.0
    total = np.sum(large * large)
    column = x + total
    column[0] = 2.0
    found = scipy.special.betaln(column.reshape(3, 1), y)
    return found * np.sum(found)


def test_a_repeated_operand_is_no_place_for_the_result():
    args = np.full((3, 4), 0.7), np.array([1.5, 0.4, 0.6]), np.array([1.2, 0.3, 2.2, 0.8])
    agree(*staged(column_beside_row, *args))


# ---------------------------------------------------------------- complex numbers, by which is differentiated, too

random = np.random.default_rng(0)
Z = random.normal(size=(4, 4)) + 1j * random.normal(size=(4, 4))
W = random.normal(size=4) + 1j * random.normal(size=4)
SHIFT = 0.3 * W[::-1] - 0.2j


def power_series(z, w):
    """Numbers, and a loop whose length the run decides."""
    total, term, n = 0j, 1.0 + 0j, 0
    while abs(term) > 1e-9:
        total, n = total + term, n + 1
        term = term * z / (n + w)
    return abs(total) ** 2


def updated(z, w):
    """In place, through views of rows, columns and parts."""
    a = z * w
    for i in range(len(w)):
        a[i] += w[i] * a[:, i]
        a.T[i, ::2] *= 1j
    a.real[1] = np.abs(w)
    a[np.array([0, 0, 2])] -= w
    return np.sum(np.abs(a) ** 2)


def chosen(z, w):
    b = np.where(z.real > 0.2, z * w, np.conj(z))
    return np.sum(b.real**3) + np.sum(np.maximum(b, w).imag) + np.sum(np.sort(w * 1j)[1:].imag ** 2) + np.max(w.imag)


def products(z, w):
    moved = np.einsum("ij,j,kj->ik", z, w, z.conj()) + np.outer(w, w) + SHIFT
    return np.sum(np.cumsum(z @ moved, axis=0).imag) + np.abs(np.prod(w)) + np.vdot(w, SHIFT @ moved).real


def decomposed(z, w):
    h = z @ z.conj().T + np.eye(4)
    values, vectors = np.linalg.eigh(h)
    lower = np.linalg.cholesky(h)
    x = np.linalg.solve(z, w) + np.linalg.inv(h) @ w
    return np.sum(np.abs(x) ** 2 * values) + np.sum(np.abs(vectors) ** 2 @ values**2) + np.sum(lower.imag**2)


def determined(z, w):
    sign, logarithm = np.linalg.slogdet(z)
    q, r = np.linalg.qr(z)
    s = np.linalg.svd(z + np.diag(w), compute_uv=False)
    return np.abs(np.linalg.det(z) - w[0]) + logarithm + sign.real + np.sum(np.abs(q * r.T)) + np.sum(s**3)


def general_eigenvalues(z, w):
    return np.sum(np.abs(np.linalg.eigvals(z * w)) ** 3)


def functions(z, w):
    a = (
        np.exp(z) * np.sqrt(w)
        + np.sin(z) ** 3 / (np.cosh(0.3 * w) + 2.0)
        + np.log(w + 3.0) ** z
        - np.tanh(z) * np.arctan(w)
    )
    return np.sum(np.angle(a) ** 2) + np.sum(np.log(np.abs(a)))


def spectra(z, w):
    a = np.fft.ifft2(np.fft.fft(z, axis=0) * np.fft.fft(w, 6)[1:5], norm="ortho")
    return np.sum(np.fft.irfft(a, 5, axis=0) ** 2) + np.sum(np.abs(np.fft.rfft(w.imag)) ** 3)


def special_functions(z, w):
    return np.abs(np.sum(scipy.special.wofz(z) + scipy.special.erf(w) * scipy.special.jv(1, z))) ** 2


def powers(z, w):
    return z if w == 0 else z * powers(z * 0.5j, w - 1) + z**3


def recursive(z, w):
    return abs(powers(z, 5)) ** 2 + abs(w) ** 3


FUNCTIONS = [
    (power_series, 0.4 + 0.7j, 1.3 - 0.4j),
    (recursive, 0.4 + 0.7j, 1.3 - 0.4j),
    *[(f, Z, W) for f in (updated, chosen, products, decomposed, determined, general_eigenvalues)],
    *[(f, Z, W) for f in (functions, spectra, special_functions)],
]


@pytest.mark.parametrize("f, z, w", FUNCTIONS, ids=[f.__name__ for f, *_ in FUNCTIONS])
@pytest.mark.parametrize("kind", ["value", "gradient", "forward", "second"])
def test_complex_numbers(f, z, w, kind):
    found, operands = staged(derived(f, (z, w), (0, 1))[kind], z, w)
    agree(found, operands)
    if EVERY or kind in ("value", "gradient"):
        agree(found, operands, checked=True)
        lifetimes.verify(lowered(found, checked=True))
