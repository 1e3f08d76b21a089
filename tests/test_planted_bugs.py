"""Tests of the tests: each of these bugs, planted alone, is caught by the checks that every row and program gets."""

import numpy as np
import pytest

import known_failures
import test_known_failures
import test_random_programs
import test_rows
import wengert as wg
from wengert.core import mode as core
from wengert.core.primitive import TABLE, Primitive
from wengert.modes import batch, reverse
from wengert.rules import indexing, linear, reduce


@pytest.fixture
def plant(monkeypatch):
    """Replaces columns of a row, and forgets what was compiled from them."""

    def replace(name, **columns):
        row = TABLE[name]
        monkeypatch.setattr(row, "recorders", {})
        monkeypatch.setattr(row, "resolvers", {})
        for column, rule in columns.items():
            monkeypatch.setattr(row, column, rule)

    return replace


def rows_pass(*names):
    for name in names:
        row = TABLE[name]
        for i in range(len(test_rows.cases_of(row))):
            test_rows.test_value_is_that_of_numpy(row, i)
            test_rows.test_forward_and_reverse_are_transposes(row, i)
            test_rows.test_both_modes_agree_with_differences_up_to_order_two(row, i)
            test_rows.test_vmap_is_a_loop(row, i, "each")


def programs_pass(count=40):
    for seed in range(count):
        test_random_programs.test_program(seed)


def cases_pass(*ids):
    for case in known_failures.CASES:
        if case.id in ids:
            for point in range(1 + len(case.more)):
                test_known_failures.test_case(case, point)


ROW_BUGS = {
    "sign of a partial": ("sin", {"partials": (lambda x: -TABLE["cos"](x),)}),
    "partials exchanged": ("mul", {"partials": (lambda x: x, lambda y: y)}),
    "a factor lost": ("square", {"partials": (lambda x: x,)}),
    "a term lost": ("pow", {"partials": (lambda x, y: y * TABLE["pow"](x, y - 1), lambda out, x: 0.0 * x)}),
    "result for operand": ("exp", {"partials": (lambda x: x,)}),
    "transpose of another axis": ("cumsum", {"transposes": (lambda ct, axis: TABLE["cumsum"](ct, axis=axis),)}),
    "one mode only": (
        "solve",
        {"push": lambda a, a_dot, b_dot, out: TABLE["solve"](a, b_dot) if b_dot is not None else 0.0 * out},
    ),
    "half of a rule": ("cholesky", {"pull": lambda ct, out: (linear.swap_last(ct) + ct,)}),
    "assigns where it should add": (
        "getitem",
        {"transpose_into": lambda into, ct, index: indexing.write(into, ct, steps=(), index=index, inplace=False)},
    ),
    "batch axis in the wrong place": ("reduce_sum", {"lift": lambda axes: {"axes": axes}}),
    "zero divided by": (
        "reduce_prod",
        {"pull": lambda ct, x, out, axis: (reduce.keep_axes(ct * out, x.shape, (axis,)) / x,)},
    ),
}


@pytest.mark.parametrize("bug", ROW_BUGS)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_a_bug_in_a_row_is_caught(bug, plant):
    name, columns = ROW_BUGS[bug]
    rows_pass(name)
    plant(name, **columns)
    with pytest.raises((AssertionError, Exception)) as caught:
        rows_pass(name)
    assert not isinstance(caught.value, KeyError), "the planted bug itself is broken"


def keeps_replaced_part(ct, ct_owned, root_shape, value_shape, traced, steps, index):
    root_bar, value_bar = indexing.write_pull(ct, False, root_shape, value_shape, traced, steps, index)
    return ct, value_bar


def plant_in_write(patch):
    patch.setattr(TABLE["write"], "recorders", {})
    patch.setattr(TABLE["write"], "pull", keeps_replaced_part)


def stale(self):
    return self


def forgets_stretched_axes(ct, shape):
    extra = len(np.shape(ct)) - len(shape)
    return linear.reduce_sum(ct, axes=tuple(range(extra))) if extra > 0 else ct


def lowest_level(self, *args, **params):
    values = [x for x in args if isinstance(x, core.Value)]
    if not values:
        return self.evaluate(*args, **params)
    return min((x.fresh().mode for x in values), key=lambda m: m.level).apply(self, args, params)


def first_come_first_served(self, record, ct):
    if -record.index not in self.pending:
        self.pending[-record.index] = [record, ct]
        self.heap.append(-record.index)
    else:
        self.pending[-record.index][1] = ct


def drops_last_term(row, primals, tangents, out, params):
    partial = row.partials[0]
    d = partial(*row.resolver(partial)(primals, out, params)) if callable(partial) else partial
    return None if tangents[0] is None or d is None else d * tangents[0]


def first_only(x, out, axes, beyond):
    attained = np.asarray(core.plain(x)) == np.expand_dims(core.plain(out), axes)
    return 1.0 * (attained & (np.cumsum(attained) == 1))


def writes_leave_the_caller_alone():
    given = np.ones(3)
    wg.grad(write_both)(given, given[1:])
    np.testing.assert_array_equal(given, np.ones(3))


def write_both(x, c):
    x[0] = 5.0 * x[1]
    c[0] = 7.0
    return np.sum(x) * np.sum(c)


class Patch:
    def __init__(self, monkeypatch):
        self.setattr = monkeypatch.setattr

    def __call__(self, place, value):
        self.setattr(place, value)


ENGINE_BUGS = {
    "storage reused while someone needs it": (
        lambda patch: patch("wengert.rules.methods.exclusive", lambda x: isinstance(x.primal, np.ndarray)),
        programs_pass,
    ),
    "views never refreshed": (lambda patch: patch.setattr(core.Value, "fresh", stale), programs_pass),
    "unbroadcast forgets axes of length one": (
        lambda patch: patch("wengert.modes.reverse.unbroadcast", forgets_stretched_axes),
        lambda: rows_pass("mul", "div"),
    ),
    "contributions overwrite each other": (
        lambda patch: patch.setattr(reverse.Sweep, "add", first_come_first_served),
        programs_pass,
    ),
    "the outermost derivative takes all calls": (
        lambda patch: patch.setattr(Primitive, "__call__", lowest_level),
        lambda: cases_pass("confusion-add", "confusion-mixed", "hessian-through-loop"),
    ),
    "masked zeros meet infinity": (
        lambda patch: patch("wengert.modes.reverse.scale", lambda d, ct: d * ct),
        lambda: cases_pass("where-unselected"),
    ),
    "lanes all take the first lane's branch": (
        lambda patch: patch.setattr(batch.Batch, "decide", lambda self, x: x.primal[0]),
        lambda: cases_pass("vmap-loop-lengths", "vmap-branch-nan"),
    ),
    "forward mode drops a term": (
        lambda patch: patch("wengert.modes.forward.push_partials", drops_last_term),
        programs_pass,
    ),
    "the caller's arrays are written": (
        lambda patch: patch("wengert.rules.methods.exclusive", lambda x: isinstance(x.primal, np.ndarray)),
        writes_leave_the_caller_alone,
    ),
    "the part that a write replaced keeps its cotangent": (plant_in_write, lambda: rows_pass("write")),
    "ties go to the first": (
        lambda patch: patch("wengert.rules.reduce.share", first_only),
        lambda: cases_pass("max-ties"),
    ),
}


@pytest.mark.parametrize("bug", ENGINE_BUGS)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_a_bug_in_the_engine_is_caught(bug, monkeypatch):
    install, checks = ENGINE_BUGS[bug]
    checks()
    install(Patch(monkeypatch))
    with pytest.raises((AssertionError, Exception)):
        checks()
