"""Tests of the tests: each of these bugs, planted alone, is caught by the checks that every row and program gets."""

import numpy as np
import pytest

import known_failures
import test_captured
import test_known_failures
import test_layouts
import test_programs
import test_random_programs
import test_rows
import test_staged_cost
import wengert as wg
from programs import PROGRAMS
from random_programs import checks
from staging import interpreted
from wengert.core import mode as core
from wengert.core.primitive import TABLE, Primitive
from wengert.frontend import attempt, branches, build, jit
from wengert.frontend.capture import Captured
from wengert.ir import evaluate
from wengert.modes import batch, reverse, stage
from wengert.passes import accumulate, common, hoist, privatise, traps
from wengert.rules import control as control_rows
from wengert.rules import indexing, linear, reduce
from wengert.rules.names import shape as shape_names
from wengert.transforms import control
from wengert.transforms import reverse as reverse_programs


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


# ---------------------------------------------------------------- staging, reverse mode of programs, passes


def staged_pass(*names):
    """Value and derivatives of these programs, staged."""
    for program in PROGRAMS:
        if program.name in names:
            for point in program.points():
                test_programs.test_value(point, interpreted)
                test_programs.test_derivative(point, interpreted)


def modules_pass(count=6):
    """The staged checks on random programs."""
    for seed in range(count):
        subject, _ = checks.generate(seed)
        failure = checks.check(subject, checks.STAGED)
        subject.program.forget()
        assert failure is None, failure


def facts_pass(*readers):
    for reader in readers:
        with pytest.MonkeyPatch.context() as patch:
            test_captured.WEIGHTS[0] = 1.0
            test_captured.test_facts_are_read_at_each_call(reader, patch)


def forgets(frame, name, value):
    return lambda outs: value(outs)


def drops_arrays(s, a, outs, rows, before, leave=attempt.leave):
    a.boxes.clear()
    return leave(s, a, outs, rows, before)


def constant_input(self, name, value, read, is_known=True):
    return self.stage.constant(np.asarray(value) if isinstance(value, np.ndarray) else value)


def stale_tape(self, arrays, stacks, k, load=control.Tape.load):
    """Reads what the iteration before kept."""
    return load(self, arrays, stacks, linear_below(k))


def linear_below(k):
    return (k - 1) * (k > 0)


def other_side(*operands, then, orelse):
    if then.name.endswith("_back"):
        then, orelse = orelse, then
    return IF(*operands, then=then, orelse=orelse)


IF = control_rows.if_


def half_of_a_key(e):
    return e.row, tuple(map(common.key_of, e.ins))


def always_overwritten(body, p):
    return True


def not_in_a_loop_that_may_not_run():
    def f(x, m, n):
        total = 0.0
        for _ in range(n):
            total += x[m]
        return total

    staged = interpreted(f)
    for args in ((np.ones(4), 3, 2), (np.ones(4), 9, 0)):
        assert staged(*args) == f(*args)


def dead_checks(patch):
    patch.setattr(control_rows.check, "effect", False)
    patch.setattr(traps, "TOTAL", traps.TOTAL | {"check"})


def checks_stay():
    def f(x):
        assert x > 0.0, "positive"
        return 2.0 * x

    for way in (interpreted(f), wg.grad(interpreted(f)), interpreted(wg.grad(f))):
        with pytest.raises(AssertionError, match="positive"):
            way(-1.0)


def reads_stay():
    def f(x, i):
        x[i]
        return np.sum(x * x)

    for way in (interpreted(f), wg.grad(interpreted(f)), interpreted(wg.grad(f))):
        with pytest.raises(IndexError):
            way(np.ones(3), 7)


def copied(source, *steps):
    for row, params in steps:
        source = row(source, **params)
    return source.snapshot()


def views_see_writes():
    def f(x):
        y = x * 1.0
        seen = np.broadcast_to(y, (2, 3))
        y *= 2.0
        return np.sum(seen)

    for way in (interpreted(f), lambda x: wg.vjp(f, x)[0]):
        assert way(np.ones(3)) == 12.0


def written_as_in_numpy(*functions):
    for f in functions:
        g = interpreted(f)
        for argument in test_layouts.ARGUMENTS.values():
            np.testing.assert_allclose(g(argument()), f(argument()))


def arrays_stay_in_place():
    for f in (test_staged_cost.own_argument, test_staged_cost.by_helper):
        test_staged_cost.test_steps_never_copy_arrays(f, "reverse")
    program = next(p for p in PROGRAMS if p.name == "lorenz")
    test_staged_cost.costs.cache_clear()
    test_staged_cost.test_cost_is_linear(program, "reverse")


def copied_argument_keeps():
    def f(x):
        y = x.copy()
        for i in range(3):
            y[i] = y[i] * 2.0
        return np.sum(y * x)

    x = np.arange(1.0, 4.0)
    np.testing.assert_array_equal(interpreted(wg.grad(f))(x), 4.0 * x)
    assert interpreted(f)(x) == f(x)


def same_as_python(f, *points):
    """Value and gradient of the first argument."""
    for args in points:
        np.testing.assert_allclose(interpreted(f)(*args), f(*args), rtol=1e-14)
        np.testing.assert_allclose(interpreted(wg.grad(f))(*args), wg.grad(f)(*args), rtol=1e-14)


def zero_trips():
    def f(x, n):
        for k in range(n):
            y = x * k * 3.0
        return y * k

    same_as_python(f, (1.5, 3))
    with pytest.raises(UnboundLocalError):
        interpreted(f)(1.5, 0)


def statements_after_continue():
    def f(x):
        total = 0.0
        for v in x:
            if v < 0.0:
                continue
            total += v * v
            if total > 8.0:
                break
            total += v
        return total

    same_as_python(f, (np.array([1.0, -2.0, 2.0, 3.0, 5.0]),))


def loop_that_starts_anew():
    """Each inner loop starts from `rate`, whose cotangent waits while its way back runs."""

    def f(rate, x):
        total = 0.9
        for v in x:
            y, r = v * total, rate
            while y < 5.0:
                y = y + r * r
                r = r * 1.1
            total = 0.5 * total + y * r
        return total

    same_as_python(f, (0.8, np.array([0.3, 0.5, 0.2])))


def other_names():
    def f(x):
        a = x * 2.0
        b = a if x[0] > 0.0 else a.copy()
        b[0] = 3.0 * x[1]
        return np.sum(a * x)

    same_as_python(f, (np.array([1.0, 2.0]),), (np.array([-1.0, 2.0]),))


STAGED_BUGS = {
    "what waits where a loop starts is lost": (
        lambda patch: patch.setattr(control, "with_total", lambda bar, waiting: bar),
        loop_that_starts_anew,
    ),
    # front end
    "a branch forgets the names that it binds": (
        lambda patch: patch.setattr(branches, "set_name", forgets),
        lambda: staged_pass("swapped", "first_set_in_branch", "chained"),
    ),
    "a branch forgets the arrays that it writes": (
        lambda patch: patch.setattr(branches, "set_content", lambda s, box, value: lambda outs: None),
        lambda: staged_pass("branch_writes"),
    ),
    "a loop forgets the arrays that it writes": (
        lambda patch: patch.setattr(attempt, "leave", drops_arrays),
        lambda: staged_pass("heat_in_place", "neighbours"),
    ),
    "a loop is taken to run": (lambda patch: patch.setattr(attempt, "runs", lambda rows: True), zero_trips),
    "numbers from outside are frozen": (
        lambda patch: patch.setattr(build.Staging, "input", constant_input),
        lambda: facts_pass("itself", "its gradient"),
    ),
    "guards are not looked at": (
        lambda patch: patch.setattr(Captured, "hold", lambda self: True),
        lambda: facts_pass("itself", "gradient inside"),
    ),
    "programs inside programs keep their facts to themselves": (
        lambda patch: patch.setattr(build.Staging, "share", lambda self, inner: [read() for _, read in inner.inputs]),
        lambda: facts_pass("gradient inside"),
    ),
    "statements after a break run": (
        lambda patch: patch.setattr(build.Staging, "stopped", lambda self: False),
        statements_after_continue,
    ),
    "writes are not carried to other names": (
        lambda patch: patch.setattr(build.Staging, "after_write", lambda self, x: None),
        other_names,
    ),
    "arguments are not written back": (
        lambda patch: patch.setattr(
            jit.Built, "written", property(lambda self: [], lambda self, x: None), raising=False
        ),
        modules_pass,
    ),
    # reverse mode
    "the tape of another iteration is read": (
        lambda patch: patch.setattr(control.Tape, "load", stale_tape),
        lambda: staged_pass("horner", "heat"),
    ),
    "the way back takes the other side": (
        lambda patch: patch.setattr(control, "if_", other_side),
        lambda: staged_pass("branch_writes"),
    ),
    # passes and interpreter
    "what raises is hoisted out of a loop that does not run": (
        lambda patch: patch.setattr(hoist, "can_trap", lambda e, known: False),
        not_in_a_loop_that_may_not_run,
    ),
    "equations with other parameters are the same": (
        lambda patch: patch.setattr(common, "equation_key", half_of_a_key),
        lambda: staged_pass("heat", "lorenz"),
    ),
    "a check is dead": (
        dead_checks,
        checks_stay,
    ),
    "what raises for nothing is dead in a gradient": (
        lambda patch: patch.setattr(reverse_programs, "may_raise", lambda e: False),
        reads_stay,
    ),
    "views that refuse writes are copies": (
        lambda patch: patch.setattr(shape_names, "read_only", copied),
        views_see_writes,
    ),
    "all samples lie as in C": (
        lambda patch: patch.setattr(stage, "laid_as", lambda x, like: x),
        lambda: written_as_in_numpy(test_layouts.written_by_a_branch, test_layouts.made_of_a_global),
    ),
    "programs that write are for all layouts": (
        lambda patch: patch.setattr(build.Staging, "note_write", lambda s, root: s.overtake(root)),
        lambda: written_as_in_numpy(test_layouts.the_argument),
    ),
    "a write becomes a sum whatever it reads": (
        lambda patch: patch.setattr(accumulate, "is_read_back", lambda read, e: read is not None),
        lambda: staged_pass("heat", "neighbours", "old_value", "biquad"),
    ),
    "work arrays are private where they carry": (
        lambda patch: patch.setattr(privatise, "overwrites", always_overwritten),
        lambda: staged_pass("heat_in_place", "neighbours", "lstm"),
    ),
    "arrays that somebody holds are updated in place": (
        lambda patch: patch.setattr(evaluate, "is_free", lambda values: True),
        copied_argument_keeps,
    ),
    "views keep arrays from being updated in place": (
        lambda patch: patch.setattr(evaluate, "views_in_the_way", lambda program: set()),
        arrays_stay_in_place,
    ),
}


@pytest.mark.parametrize("bug", STAGED_BUGS)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_a_bug_in_staging_is_caught(bug, monkeypatch):
    install, checks_ = STAGED_BUGS[bug]
    checks_()
    install(Patch(monkeypatch))
    with pytest.raises((Exception, pytest.fail.Exception)) as caught:
        checks_()
    assert type(caught.value) is not NameError, "the planted bug itself is broken"
