"""Generated from the table: every row and every name on parts whose lengths only the run knows.

Each agrees with Python, by all derivatives and for all lanes of a batch, or is refused at its line and listed here.
"""

import numpy as np
import pytest

import wengert as wg
from parts import Parts
from staging import EVERY, interpreted
from test_names import SUBJECTS, UNINITIALISED
from test_rows import ROWS, cases_of, sample
from wengert.core.tree import flatten
from wengert.core.types import random_like

COMPLEX = ("names.linalg.eig", "names.linalg.eigvals", "names.scipy.linalg.eig")
UNSAFE = ("names.scipy.linalg.lu_solve",)  # where pivots do not fit, SciPy writes beyond the matrix
# a row that is told the shape; no numbers; no arrays
LEFT_OUT = (*UNSAFE, "relabel", "names.empty_like", "names.shape")

# ---------------------------------------------------------------- what is refused, and why

PLACES = "NumPy finds the places of the elements, on their numbers, while it is staged"
STEPS = "as many steps, results or arguments as the array is long"
NUMBERS = "numbers, or whether lengths are one, decide about the shape or the way, with any arrays"
FITS = "nothing tells that the lengths fit"
FORMULA = "lengths choose the formula, or are compared with others"


def because(reason, names="", rows=""):
    return dict.fromkeys([*(f"names.{name}" for name in names.split()), *rows.split()], reason)


VALUE = {
    **because(
        PLACES,
        "array.repeat array.compress block choose compress delete diag diag_indices_from diagflat "
        "fill_diagonal insert meshgrid pad put array.put put_along_axis putmask repeat resize roll rot90 "
        "scipy.linalg.block_diag scipy.linalg.circulant scipy.linalg.companion "
        "scipy.linalg.convolution_matrix scipy.linalg.diagsvd scipy.linalg.fiedler "
        "scipy.linalg.fiedler_companion scipy.linalg.hankel scipy.linalg.leslie "
        "scipy.linalg.matmul_toeplitz scipy.linalg.toeplitz tile tril_indices_from triu_indices_from "
        "take_along_axis",
        rows="sum_of_ranges",
    ),
    **because(
        STEPS,
        "add.reduceat apply_along_axis array.tolist array_split dsplit fmax.reduce hsplit hypot.reduce "
        "linalg.matrix_power logaddexp.accumulate logaddexp.reduce logaddexp.reduceat math.dist math.fsum "
        "math.prod maximum.reduceat multiply.reduceat poly polyder polyint polymul polyval split "
        "subtract.accumulate subtract.reduce unstack vander vsplit",
    ),
    **because(
        NUMBERS,
        "bincount histogram histogram_bin_edges intersect1d piecewise place real_if_close "
        "scipy.linalg.bandwidth scipy.linalg.ishermitian scipy.linalg.issymmetric setdiff1d setxor1d "
        "trim_zeros union1d unique_all unique_counts unique_inverse unique_values array.squeeze squeeze",
        rows="cuts_off elliptic_by_m lambertw lstsq pinv pivots",
    ),
    **because(
        FITS,
        "broadcast_arrays broadcast_to full geomspace array_equiv cross linalg.cross linalg.tensorinv "
        "linalg.tensorsolve scipy.linalg.orthogonal_procrustes",
        rows="broadcast_to spread",
    ),
    **because(
        FORMULA,
        "corrcoef correlate cov fft.irfft2 fft.irfftn linalg.cond linalg.lstsq median nanmedian "
        "nanpercentile nanquantile percentile polyadd polysub quantile scipy.fft.dctn scipy.fft.dstn "
        "scipy.fft.hfft2 scipy.fft.hfftn scipy.fft.idctn scipy.fft.idstn scipy.fft.irfft2 scipy.fft.irfftn "
        "scipy.linalg.eigh scipy.linalg.eigvalsh_tridiagonal scipy.linalg.lstsq scipy.linalg.lu "
        "scipy.linalg.norm scipy.linalg.pinv scipy.linalg.pinvh scipy.linalg.polar",
    ),
}
FIRST = VALUE | because(
    FORMULA,
    "linalg.eig linalg.eigvals linalg.pinv linalg.qr linalg.svd linalg.svdvals scipy.linalg.eig "
    "scipy.linalg.eigvals scipy.linalg.expm_frechet "
    "scipy.linalg.lu_factor scipy.linalg.qr scipy.linalg.solve_banded scipy.linalg.solve_circulant "
    "scipy.linalg.solve_toeplitz scipy.linalg.solveh_banded scipy.linalg.svd scipy.linalg.svdvals",
    rows="banded_solve circulant_solve cofactor_dot eig eigvals frechet hermitian_banded_solve packed_lu "
    "qr svd svdvals toeplitz_solve",
)
SECOND = FIRST | because(
    FORMULA,
    "scipy.linalg.coshm scipy.linalg.cosm scipy.linalg.expm scipy.linalg.fractional_matrix_power "
    "scipy.linalg.logm scipy.linalg.sinhm scipy.linalg.sinm scipy.linalg.tanhm scipy.linalg.tanm",
    rows="cofactor matrix_function",
)
REFUSED = {"value": VALUE, "forward": FIRST, "reverse": FIRST, "second": SECOND}


def cases():
    """(name, function, operands, parameters): each row, and one call of each name."""
    for row in ROWS:
        shapes, params = cases_of(row)[0]
        yield row.name, row, sample(row, shapes), {**params, **row.staged}
    for name, (f, calls) in SUBJECTS.items():
        for c in calls:
            if not (c.out or c.prepare or c.listed) and Parts(f, c.args, c.kwargs).cut:
                yield f"names.{name}", f, c.args, c.kwargs
                break


CASES = {name: (f, args, kwargs) for name, f, args, kwargs in cases() if Parts(f, args, kwargs).cut}
# with EVERY: forward mode, the second order, and lanes, of all cases; else of one in three
ALWAYS = ("value", "reverse")


class Subject:
    """A case as plain Python and staged, at a point."""

    def __init__(self, name, change=lambda f: f):
        f, args, kwargs = CASES[name]
        self.name, self.parts = name, Parts(change(f), args, kwargs)
        self.plain, self.staged = self.parts.load(), interpreted(self.parts.load())
        self.arrays = self.parts.whole()
        self.places = [i for i, x in enumerate(self.arrays) if x.dtype.kind in "fc"]

    def along(self, f, counts):
        """f of the arrays that can be differentiated, with the numbers among its results."""

        def g(*chosen):
            full = [x.copy() for x in self.arrays]
            for i, x in zip(self.places, chosen):
                full[i] = x
            return numbers(f(counts, *full))

        return g

    @property
    def point(self):
        return [self.arrays[i] for i in self.places]


def numbers(out):
    leaves = flatten(out)[0]
    return [x for x in leaves if type(x) in (float, complex) or getattr(getattr(x, "dtype", None), "kind", "") in "fc"]


def like(xs, seed):
    rng = np.random.default_rng(seed)
    return [random_like(rng, x) for x in xs]


# ---------------------------------------------------------------- the modes


def value(f, xs):
    return f(*xs)


def forward(f, xs):
    return wg.jvp(f, xs, like(xs, 2))[1]


def reverse(f, xs):
    out, pull = wg.vjp(f, *xs)
    return pull(like(out, 1))


def second(f, xs):
    return forward(lambda *v: reverse(f, v), xs)


def outcome(f):
    """What f returns, or the error: its type, or a diagnostic."""
    try:
        return f()
    except wg.Diagnostic as refusal:
        return refusal
    except Exception as error:  # noqa: BLE001  whatever Python raises, the program has to raise, too
        return type(error)


def is_error(x):
    return isinstance(x, type | wg.Diagnostic)


def is_refused(got, subject):
    """At the line of the call, or inside a function that a test calls there."""
    if not isinstance(got, wg.Diagnostic):
        return False
    assert got.code == "W602"
    is_inside = got.where.filename.endswith(("test_names.py", "test_staging_lengths.py"))
    assert got.where.line == subject.parts.line or is_inside, got
    return True


def same(got, expected, name):
    if is_error(expected):
        assert is_error(got)
        return
    (xs, structure), (ys, wanted) = flatten(got), flatten(expected)
    assert structure == wanted, got
    for x, y in zip(xs, ys):
        x, y = np.asarray(x), np.asarray(y)
        if y.dtype.kind not in "fciub":
            assert x == y
            continue
        if name not in COMPLEX:
            assert (x.shape, x.dtype) == (y.shape, y.dtype)
        if name.removeprefix("names.") not in UNINITIALISED:
            tolerance = 1e-5 if y.dtype in (np.float32, np.complex64) else 1e-9
            np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


MODES = {f.__name__: f for f in (value, forward, reverse, second)}
TESTS = [(name, mode) for i, name in enumerate(CASES) for mode in MODES if mode in ALWAYS or EVERY or i % 3 == 0]


@pytest.mark.parametrize("name, mode", TESTS)
def test_parts_agree_with_python(name, mode):
    """One program for all lengths."""
    subject, derive, refused = Subject(name), MODES[mode], REFUSED[mode].keys()
    for less in (0, 1) if mode == "value" and name not in UNSAFE else (0,):
        counts = subject.parts.counts(less)
        expected = outcome(lambda: derive(subject.along(subject.plain, counts), subject.point))  # noqa: B023
        if is_error(expected) and not less:
            pytest.skip("not in Python either")
        got = outcome(lambda: derive(subject.along(subject.staged, counts), subject.point))  # noqa: B023
        is_listed = name in refused
        assert is_refused(got, subject) == is_listed, got
        if is_listed:
            return
        same(got, expected, name)


def total(f):
    """The sum of the results of f, in a form that a program can take."""

    def g(*args, **kwargs):
        out = f(*args, **kwargs)
        return sum([np.sum(np.real(x) + np.imag(x)) for x in (out if isinstance(out, tuple | list) else (out,))])

    return g


@pytest.mark.parametrize("name", list(CASES)[:: 1 if EVERY else 3])
def test_lanes_with_parts_of_their_own(name):
    """Of a batch: each has other lengths."""
    subject = Subject(name, total)
    counts = [subject.parts.counts(less) for less in (0, 1)]
    arrays = [np.stack([x, x]) for x in subject.arrays]
    arguments = tuple(1 + i for i in subject.places)
    ways = {"value": lambda f: f, "reverse": lambda f: wg.grad(f, arguments)}
    for mode, derive in ways.items() if arguments else [("value", ways["value"])]:
        each = [outcome(lambda: derive(subject.plain)(c, *subject.parts.whole())) for c in counts]  # noqa: B023
        if name in LEFT_OUT or any(map(is_error, each)):
            pytest.skip("not in Python either")
        got = outcome(lambda: wg.vmap(derive(subject.staged))(np.stack(counts), *arrays))  # noqa: B023
        is_listed = name in REFUSED[mode]
        assert is_refused(got, subject) == is_listed, got
        if is_listed:
            return
        for x, *lanes in zip(flatten(got)[0], *(flatten(e)[0] for e in each)):
            np.testing.assert_allclose(x, np.stack(lanes), rtol=1e-9, atol=1e-9)
