"""What must hold for a program.

A check takes a `Subject` and raises when it does not hold.  A new one is a function and a line in `EAGER` or `STAGED`.
"""

import functools

import numpy as np

import wengert as wg
from staging import EVERY, interpreted

from .mix import features
from .program import Program, moved, random_directions
from .watch import Watch
from .write import source

STEP = 1e-3
MARGIN = 3e-3  # the least distance of a decision from a tie
LARGEST = 50.0  # of the value and its slope: beyond, rounding is not small any more
# one program of so many, since staging takes most of the time; with WENGERT_EVERY, all
SECOND_ORDER, REVERSE, FORWARD, BOTH_ORDERS = (1, 1, 1, 1) if EVERY else (32, 2, 4, 16)


class Rejected(Exception):
    """A program that says nothing about derivatives: a decision near a tie, values too large, or a constant."""


class Subject:
    """One program at its sample point, with what several checks need."""

    def __init__(self, text, seed=0):
        self.text, self.seed, self.is_refused = text, seed, False
        self.program = Program(text)
        self.module = self.program.load()
        self.watch = Watch(text)
        args = self.args()
        self.floats = tuple(i for i, a in enumerate(args) if not isinstance(a, int))
        self.directions = random_directions(seed, args)
        self.value, self.written = run(self.module.f, self.args())

    def args(self):
        return list(self.module.arguments())

    @functools.cached_property
    def features(self):
        return features(self.text, self.watch)

    @functools.cached_property
    def staged(self):
        """f as a program, for the checks that take its derivatives."""
        return interpreted(self.program.load().f)

    @functools.cached_property
    def second(self):
        """Another direction."""
        return random_directions(self.seed + 1, self.args())

    @functools.cached_property
    def reverse(self):
        """(value, gradient by all floats, arguments afterwards)"""
        args = self.args()
        value, gradient = wg.value_and_grad(self.module.f, self.floats)(*args)
        return value, gradient, args

    @functools.cached_property
    def slope(self):
        """Along the directions, by reverse mode, with the sum of its terms' sizes."""
        return paired(self.reverse[1], self.directions)

    @functools.cached_property
    def differences(self):
        """Slope along the directions by five points, with two steps that share points."""
        values = {k: self.module.f(*moved(self.args(), self.directions, k * STEP)) for k in (-2, -1, 1, 2, -4, 4)}
        fine = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * STEP)
        coarse = (8 * (values[2] - values[-2]) - (values[4] - values[-4])) / (24 * STEP)
        return fine, coarse

    def accept(self):
        """Raises Rejected where differences and rounding say nothing about the derivative."""
        fine, coarse = self.differences
        if self.watch.margin < MARGIN:
            raise Rejected("tie")
        if fine == 0.0:
            raise Rejected("constant")
        if not max(abs(self.value), abs(fine)) < LARGEST:
            raise Rejected("large")
        if not abs(fine - coarse) < 1e-6 * (1 + abs(fine)):
            raise Rejected("differences")


def generate(seed, leave_out=frozenset()):
    """The first acceptable program of this seed, and how many were rejected before it."""
    for attempt in range(100):
        subject = Subject(source(seed * 100 + attempt, leave_out), seed)
        try:
            subject.accept()
        except Rejected:
            subject.program.forget()
        else:
            return subject, attempt
    raise RuntimeError(f"seed {seed} gives no program that can be checked")


def run(f, args):
    """(value, arguments afterwards)"""
    return f(*args), args


def paired(bars, directions):
    terms = [np.sum(b * d) for b, d in zip(bars, directions)]
    sizes = [np.sum(np.abs(b * d)) for b, d in zip(bars, directions)]
    return float(sum(terms)), float(sum(sizes))


def same(got, expected):
    """Exactly, arrays and numbers alike."""
    for g, e in zip(got, expected, strict=True):
        np.testing.assert_array_equal(g, e)


def close(got, expected, tolerance=1e-12):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def all_close(got, expected, tolerance=1e-12):
    for g, e in zip(got, expected, strict=True):
        scale = 1.0 + float(np.max(np.abs(e)))
        np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance * scale)


# ---------------------------------------------------------------- eager


def python_is_deterministic(subject):
    module = subject.program.load()
    value, written = run(module.f, subject.args())
    same([value, *written], [subject.value, *subject.written])


def the_value_is_that_of_python(subject):
    close(subject.reverse[0], subject.value)


def derivatives_leave_the_arguments_alone(subject):
    same(subject.reverse[2], subject.args())


def differences_agree(subject):
    close(subject.slope[0], subject.differences[0], 1e-6)


def forward_is_reverse(subject):
    slope, size = subject.slope
    args = subject.args()
    value, pushed = wg.jvp(by_floats(subject.module.f, args), floats(subject, args), subject.directions)
    same(args, subject.args())
    close(value, subject.value)
    assert abs(pushed - slope) <= 1e-12 * (1.0 + size), (pushed, slope)


def the_hessian_is_symmetric(subject):
    if subject.seed % SECOND_ORDER == 0:
        first, size = curvature(subject, subject.directions, subject.second)
        second, _ = curvature(subject, subject.second, subject.directions)
        assert abs(first - second) <= 1e-11 * (1.0 + size), (first, second)


def curvature(subject, one, other):
    """one · H · other, by forward over reverse."""
    args = subject.args()
    gradient = by_floats(wg.grad(subject.module.f, subject.floats), args)
    return paired(wg.jvp(gradient, floats(subject, args), one)[1], other)


def by_floats(f, args):
    """f as a function of its float arguments alone; n comes last."""
    n = args[-1]
    return lambda *values: f(*values, n)


def floats(subject, args):
    return [args[i] for i in subject.floats]


EAGER = [
    python_is_deterministic,
    the_value_is_that_of_python,
    derivatives_leave_the_arguments_alone,
    differences_agree,
    forward_is_reverse,
    the_hessian_is_symmetric,
]


# ---------------------------------------------------------------- staged


def staged_is_python(subject):
    """Value and writes; then again with all changed that `f` reads besides its arguments; then with another n."""
    plain, other = subject.program.load(), subject.program.load()
    staged = interpreted(other.f)
    agree(staged, plain.f, subject.args)
    agree(staged, plain.f, subject.args)
    plain.change()
    other.change()
    agree(staged, plain.f, subject.args)
    for n in (0, 1, 3):
        agree(staged, plain.f, lambda: [*subject.args()[:-1], n])


def agree(staged, plain, arguments):
    value, written = run(staged, arguments())
    expected, expected_written = run(plain, arguments())
    close(value, expected)
    all_close(written, expected_written)


def staged_arguments_may_overlap(subject):
    """Two vectors that share memory: as Python does it, or refused."""
    plain, other = subject.program.load(), subject.program.load()
    try:
        agree_overlapping(subject, interpreted(other.f), plain.f)
    except wg.Diagnostic:
        pass


def agree_overlapping(subject, staged, plain):
    ours, theirs = overlapping(subject.args()), overlapping(subject.args())
    if ours is None:
        return
    close(staged(*ours[0]), plain(*theirs[0]))
    close(ours[1], theirs[1])


def overlapping(args):
    """(arguments whose vectors are parts of one array, that array), or None where there are no two."""
    places = [i for i, a in enumerate(args) if np.ndim(a) == 1]
    if len(places) < 2:
        return None
    first, second = places
    memory = np.append(args[first], args[second][-1])
    args[first], args[second] = memory[:-1], memory[1:]
    return args, memory


def staged_gradients_agree(subject):
    if (subject.seed + 1) // 2 % REVERSE:
        return
    f, args = subject.program.load().f, subject.args()
    _, gradient, _ = subject.reverse
    orders = (lambda: wg.grad(subject.staged, subject.floats), lambda: interpreted(wg.grad(f, subject.floats)))
    for k, derivative in enumerate(orders):
        if subject.seed % BOTH_ORDERS and subject.seed % 2 != k:
            continue
        all_close(derivative()(*args), gradient)
        same(args, subject.args())


def staged_forward_agrees(subject):
    if subject.seed // 2 % FORWARD:
        return
    f, args = subject.program.load().f, subject.args()
    slope, size = subject.slope

    def along(*values):
        return wg.jvp(by_floats(f, args), values, subject.directions)[1]

    if subject.seed % 2:  # one of the two orders for each program
        pushed = interpreted(along)(*floats(subject, args))
    else:
        pushed = wg.jvp(by_floats(subject.staged, args), floats(subject, args), subject.directions)[1]
    assert abs(pushed - slope) <= 1e-12 * (1.0 + size), (pushed, slope)


def staged_second_order_agrees(subject):
    if subject.seed % SECOND_ORDER:
        return
    f, args = subject.program.load().f, subject.args()
    expected, size = curvature(subject, subject.directions, subject.second)
    for derivative in (interpreted(wg.grad(f, subject.floats)), wg.grad(subject.staged, subject.floats)):
        gradient = by_floats(derivative, args)
        pushed = wg.jvp(gradient, floats(subject, args), subject.directions)[1]
        assert abs(paired(pushed, subject.second)[0] - expected) <= 1e-11 * (1.0 + size)

    def slope(*values):
        return paired_traced(wg.grad(f, subject.floats)(*values, args[-1]), subject.directions)

    twice = interpreted(wg.grad(slope, tuple(range(len(subject.floats)))))(*floats(subject, args))
    assert abs(paired(twice, subject.second)[0] - expected) <= 1e-11 * (1.0 + size)


def paired_traced(bars, directions):
    total = 0.0
    for b, d in zip(bars, directions):
        total = total + np.sum(b * d)
    return total


STAGED = (
    [
        staged_is_python,
        staged_arguments_may_overlap,
        staged_gradients_agree,
        staged_forward_agrees,
        staged_second_order_agrees,
    ]
    if hasattr(wg, "jit")
    else []
)
CHECKS = [*EAGER, *STAGED]
# which array a name means depends on run-time values: staging may refuse that, but not get it wrong
REFUSABLE = (
    "may have another name, depending on branches",
    "names different arrays in different iterations",
    "an array is written that was made outside",
    "is another name of an array that is written since, in some cases",
)


def check(subject, checks=CHECKS):
    """(name of the first check that fails, what it raised), or None."""
    for one in checks:
        if one in STAGED and subject.is_refused:
            continue
        try:
            one(subject)
        except Exception as error:  # noqa: BLE001 whatever a check raises is a finding
            if one not in STAGED or not is_refusal(error):
                return one.__name__, error
            subject.is_refused = True
    return None


def is_refusal(error):
    return isinstance(error, wg.Diagnostic) and error.code == "W602" and any(r in error.because for r in REFUSABLE)
