"""Passes: each law by hand, and each pass on random programs: the same bits, never more equations than before."""

import numpy as np
import pytest

import wengert as wg
from random_equations import ARRAY, INT, MATRIX, SCALAR, WEAK, flat, quiet, random_program
from staging import EVERY
from wengert.core.diagnostic import Position
from wengert.core.primitive import Primitive
from wengert.inspect.cost import count
from wengert.ir.evaluate import Interpreter, evaluate
from wengert.ir.program import Program, Type, type_of, walk
from wengert.ir.verify import verify
from wengert.passes.accumulate import accumulate
from wengert.passes.ascend import ascend
from wengert.passes.common import common
from wengert.passes.dead import dead
from wengert.passes.embed import embed
from wengert.passes.fold import fold
from wengert.passes.hoist import hoist
from wengert.passes.inline import inline
from wengert.passes.optimise import optimise, prepare
from wengert.passes.privatise import privatise
from wengert.passes.promote import promote, versioned
from wengert.rules.control import call, check, for_, full, if_, trip_count, while_
from wengert.rules.elementwise import (
    add,
    cos,
    div,
    floordiv,
    greater,
    less,
    logical_not,
    mod,
    mul,
    neg,
    sin,
    sub,
    where,
    winner,
)
from wengert.rules.indexing import add_at, getitem, write
from wengert.rules.linalg import cholesky
from wengert.rules.linear import convert, reshape, transpose
from wengert.transforms.build import build

USERS = Position("user.py", 7)


def program(types, body, where=None):
    def staged(stage, values):
        stage.where = where
        results = body(*values)
        stage.where = None
        return results

    return build("p", types, [f"x{i}" for i in range(len(types))], staged)


def rows(p: Program) -> list[str]:
    return [e.row.name for e in walk(p)]


def zeros(x, shape=(4,)):
    """A work array of the program that x is of."""
    return x.mode.apply(full, (), {"shape": shape, "value": 0.0, "dtype": "<f8"})


def run(p, operands, interpreter=Interpreter):
    """The results' bits, or the exception."""
    with quiet():
        try:
            return [flat(x) for x in interpreter().run(p, list(operands))]
        except Exception as error:  # noqa: BLE001  whatever it is, both must raise it
            return repr(error)


def put(a, x, i):
    return write(a, x, steps=(), index=(i,), inplace=False)


def at(a, i):
    return getitem(a, index=(i,))


# ---------------------------------------------------------------- fold

SPECIAL = [0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 5e-324, 1e308]
GONE = [
    ("x * 1", SCALAR, lambda x: mul(x, 1)),
    ("1.0 * x", SCALAR, lambda x: mul(1.0, x)),
    ("x / 1.0", SCALAR, lambda x: div(x, 1.0)),
    ("x - 0.0", SCALAR, lambda x: sub(x, 0.0)),
    ("x - 0", SCALAR, lambda x: sub(x, 0)),
    ("x + -0.0", SCALAR, lambda x: add(x, -0.0)),
    ("-0.0 + x", ARRAY, lambda x: add(np.float64(-0.0), x)),
    ("x * ones", ARRAY, lambda x: mul(x, np.ones(4))),
    ("-(-x)", ARRAY, lambda x: neg(neg(x))),
    ("convert", SCALAR, lambda x: convert(x, dtype=np.float64)),
    ("reshape", ARRAY, lambda x: reshape(x, shape=(4,))),
    ("transpose twice", MATRIX, lambda x: transpose(transpose(x, axes=(1, 0)), axes=(1, 0))),
    ("where", SCALAR, lambda x: where(greater(x, 0.0), x, x)),
    ("a[:] = v", ARRAY, lambda x: put(zeros(x), x, slice(None))),
    ("i + 2 - 2", INT, lambda x: sub(add(x, 2), 2)),
    ("2 + i - 2", INT, lambda x: sub(add(2, x), 2)),
    ("i * 1", INT, lambda x: mul(x, 1)),
    ("i + 0", INT, lambda x: add(0, x)),
]
STAYS = [
    ("0 * x", SCALAR, lambda x: mul(0.0, x)),
    ("x + 0.0", SCALAR, lambda x: add(x, 0.0)),
    ("x + 0", SCALAR, lambda x: add(x, 0)),
    ("x - -0.0", SCALAR, lambda x: sub(x, -0.0)),
    ("0.0 - x", SCALAR, lambda x: sub(0.0, x)),
    ("x - x", SCALAR, lambda x: sub(x, x)),
    ("x / x", SCALAR, lambda x: div(x, x)),
    ("i * 1.0", INT, lambda x: mul(x, 1.0)),
    ("weak * 1", WEAK, lambda x: mul(x, np.float64(1.0))),
    ("x * ones of more", SCALAR, lambda x: mul(x, np.ones(4))),
    ("complex * 1.0", Type(np.dtype(complex), (), "scalar"), lambda x: mul(x, 1.0)),
]


def samples(type):
    if type == INT:
        return [0, 1, -7, 2**62]
    if type.dtype.kind == "c":
        return [complex(np.inf, 0.0), complex(0.0, -0.0)]
    if type.form == "array":
        return [np.resize(SPECIAL, type.shape), np.resize(SPECIAL[3:], type.shape)]
    return SPECIAL if type.form == "weak" else [np.float64(x) for x in SPECIAL]


@pytest.mark.parametrize("case", [*GONE, *STAYS], ids=lambda case: case[0])
def test_algebra_is_exact(case):
    _, type, body = case
    before = program([type], lambda x: [body(x)])
    after = verify(dead(fold(before)))
    assert (not after.equations) == (case in GONE)
    for x in samples(type):
        assert run(before, [x]) == run(after, [x])


@pytest.mark.parametrize("never", [lambda x: wg_square(x), lambda x: add(wg_square(x), x), lambda x: add(x, 2)])
def test_zero_vanishes_beside_what_is_never_minus_zero(never):
    before = program([SCALAR], lambda x: [add(never(x), 0.0)])
    after = fold(before)
    assert len(after.equations) < len(before.equations)
    for x in samples(SCALAR):
        assert run(before, [x]) == run(after, [x])


def test_a_loop_that_reads_positions_counts_down():
    body = program([INT, ARRAY], lambda i, a: [mul(getitem(a, index=(np.array([0, 2, 0, 3]),)), 0.5)])
    before = program([ARRAY], lambda a: for_(3, -1, -1, a, body=body, consts=0))
    assert ascend(before) is before


def wg_square(x):
    return mul(x, x)


def test_a_number_of_trips_is_counted_once():
    """Any other integer may be negative, of which there are no trips."""
    before = program([INT], lambda n: [trip_count(0, trip_count(0, n, 1), 1)])
    after = verify(fold(before))
    assert rows(after) == ["trip_count"]
    for n in (-3, 0, 5):
        assert run(before, [n]) == run(after, [n]) == run(after, [max(n, 0)])


def test_signs_move_into_sums():
    p = fold(program([SCALAR, SCALAR], lambda x, y: [sub(x, neg(y)), add(neg(x), y), mul(x, -1.0)]))
    assert rows(dead(p)) == ["add", "sub", "neg"]


def test_constants_are_evaluated_but_what_warns_stays():
    p = fold(program([SCALAR], lambda x: [add(x, sin(mul(x.mode.constant(2.0), 3.0)))]))
    assert rows(dead(p)) == ["add"]
    p = fold(program([SCALAR], lambda x: [add(x, div(x.mode.constant(np.float64(1.0)), 0.0))]))
    assert "div" in rows(p)


def test_parts_of_a_full_are_known():
    p = program([SCALAR], lambda x: [mul(at(reshape(add(zeros(x), 2.0), shape=(2, 2)), (1, 0)[0])[0], x)])
    assert rows(dead(fold(p))) == ["mul"]


VIEWS = [
    *[(slice(1, None),), (slice(None), slice(None, None, -2)), (slice(3, 3), slice(1, -1)), (slice(-1, 0, -1),)],
    *[(slice(0, 3),), (slice(None, 2), slice(None, -1)), (slice(None, None, 2),), (slice(None), slice(0, 4))],
]
PARTS = [
    (0,),
    (-1, slice(None)),
    (slice(None), 1),
    (slice(None, None, -1), slice(1, None)),
    (slice(5, 1),),
    (np.array([1, 0, -1]),),
    (slice(None), np.array([0, 1])),
    (slice(1, None, 2), np.array([[1], [0]])),
]


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_a_part_of_a_view_is_a_part_of_the_array(view):
    x, found = np.arange(20.0).reshape(4, 5), 0
    for part in PARTS:
        try:
            expected = x[view][part]
        except IndexError:  # at staging, or when the program runs
            with pytest.raises(IndexError):
                wg.jit(lambda x, view=view, part=part: x[view][part])(x)
            continue
        p = program([Type(np.dtype(float), (4, 5))], lambda x: [getitem(getitem(x, index=view), index=part)])
        after = dead(fold(p))
        found += rows(after) == ["getitem"]
        assert run(after, [x]) == run(p, [x]) == [flat(expected)]
    assert found > 3


SPACED = [
    [0, 1, 2],
    [3],
    [-1],
    [3, 1],
    [-1, -2, -3],
    [-4, 0],
    [0, 0],
    [1, 1, 1],
    [0, 1, 3],
    [1, -1],
    [3, 4],
    [-5],
    [[0, 1]],
    [],
]


@pytest.mark.parametrize("positions", SPACED, ids=str)
@pytest.mark.parametrize(
    "around", [lambda p: (p,), lambda p: (slice(1, None), p), lambda p: (p, 2), lambda p: (None, p)]
)
def test_evenly_spaced_positions_are_a_slice(positions, around):
    x, positions = np.arange(16.0).reshape(4, 4), np.array(positions, int)
    index = around(positions)
    p = program([Type(np.dtype(float), (4, 4))], lambda x: [getitem(x, index=index)]) if fits(x, index) else None
    if p is None:
        with pytest.raises(IndexError):
            wg.jit(lambda x: x[index])(x)
        return
    (read,) = dead(fold(p)).equations
    places = positions % 4
    even = positions.ndim == 1 and len(set(places)) == len(places) > 0 and len(set(np.diff(places))) < 2
    assert all(isinstance(part, slice | int | type(None)) for part in read.params["index"]) == even
    assert run(fold(p), [x]) == run(p, [x]) == [flat(x[index])]


def fits(x, index):
    try:
        x[index]
    except IndexError:
        return False
    return True


@pytest.mark.parametrize("positions", SPACED, ids=str)
@pytest.mark.parametrize("backend", ["numpy", "llvm"])
def test_known_positions_are_read_written_and_added_to(positions, backend):
    x = np.random.default_rng(0).normal(size=(4, 6))
    if not fits(x, positions):
        return

    def f(x):
        y = x.copy()
        y[:, positions] = 3 * x[:, positions]
        y[positions] += x[positions] ** 2
        np.add.at(y, positions, x[1])
        x[positions][...] = 7.0  # a copy, of which nobody hears
        return np.sum(np.sin(y)) + np.sum(x[1:][:, positions] ** 3)

    value, slope = wg.value_and_grad(f)(x)
    got = wg.jit(wg.value_and_grad(f), backend=backend)(x)
    np.testing.assert_allclose(got[0], value, rtol=1e-13)
    np.testing.assert_allclose(got[1], slope, rtol=1e-12, atol=1e-12)


def test_a_mask_and_a_new_axis_stay():
    table = Type(np.dtype(float), (4, 5))
    for part in ((None,), (slice(None), None)):
        p = program([table], lambda x: [getitem(getitem(x, index=(slice(1, None),)), index=part)])
        assert fold(p) is p


@pytest.mark.parametrize("truth", [True, False])
def test_branch_with_a_constant_condition(truth):
    sides = {key: program([SCALAR], lambda x, row=row: [row(x)]) for key, row in (("then", sin), ("orelse", cos))}
    p = fold(program([SCALAR], lambda x: if_(x.mode.constant(truth), x, **sides)))
    assert rows(p) == (["sin"] if truth else ["cos"])


def test_a_condition_is_known_on_its_sides():
    truth = Type(np.dtype(bool), (), "weak")
    yes, no = program([SCALAR], lambda x: [sin(x)]), program([SCALAR], lambda x: [cos(x)])
    side = program([truth, SCALAR], lambda t, x: if_(t, x, then=yes, orelse=no))
    other = program([truth, truth, SCALAR], lambda t, u, x: [*if_(t, u, x, then=side, orelse=side)])
    assert rows(fold(other)) == ["if_", "if_", "sin", "cos", "if_", "sin", "cos"]
    p = program([truth, SCALAR], lambda t, x: [*if_(t, t, x, then=side, orelse=side)])
    negated = program([truth, SCALAR], lambda t, x: [*if_(logical_not(t), t, x, then=side, orelse=side)])
    assert rows(fold(p)) == ["if_", "sin", "cos"] and rows(fold(negated)) == ["logical_not", "if_", "cos", "sin"]
    for q in (p, negated):
        assert all(run(q, [t, np.float64(0.5)]) == run(fold(q), [t, np.float64(0.5)]) for t in (True, False))


# ---------------------------------------------------------------- branches that ask the same thing


def flagged(yes, no):
    """(flag, f(x)) on one side, (the opposite, 0.0) on the other: what an early `return` is staged as."""
    then = program([SCALAR], lambda x: [yes, sin(x)])
    orelse = program([SCALAR], lambda x: [no, x])
    return {"then": then, "orelse": orelse}


@pytest.mark.parametrize("yes, no", [(True, False), (False, True), (np.True_, np.False_), (np.False_, np.True_)])
@pytest.mark.parametrize("negated", [True, False])
def test_a_flag_is_the_condition(yes, no, negated):
    rest = {"then": program([SCALAR], lambda y: [cos(y)]), "orelse": program([SCALAR], lambda y: [mul(y, y)])}

    def body(x):
        flag, y = if_(less(x, 1.0), x, **flagged(yes, no))
        return [flag, *if_(logical_not(flag) if negated else flag, y, **rest)]

    p = program([SCALAR], body)
    q = optimise(p)
    assert rows(q).count("if_") == 1
    for x in (0.5, 1.5, np.nan):
        assert run(p, [np.float64(x)]) == run(q, [np.float64(x)])


def test_branches_that_ask_something_else_stay_apart():
    side = {"then": program([SCALAR], lambda x: [sin(x)]), "orelse": program([SCALAR], lambda x: [cos(x)])}
    p = program([SCALAR], lambda x: [*if_(less(x, 1.0), x, **side), *if_(less(x, 2.0), x, **side)])
    assert rows(optimise(p)).count("if_") == 2


def test_what_may_raise_between_two_branches_keeps_its_place():
    """The second may not run before what stands between them, where both can end the program."""

    def noted(text):
        return program([SCALAR], lambda x: [x, check(less(x, 0.0), error=ValueError, arguments=(text,))][:1])

    quiet = program([SCALAR], lambda x: [x])

    def body(x):
        first = if_(less(x, 5.0), x, then=noted("first"), orelse=quiet)
        check(less(x, 1.0), error=ValueError, arguments=("between",))
        return [*first, *if_(less(x, 5.0), x, then=noted("second"), orelse=quiet)]

    p = program([SCALAR], body)
    for x in (-1.0, 0.5, 3.0, 7.0):
        assert run(p, [np.float64(x)]) == run(optimise(p), [np.float64(x)])


def test_what_the_second_branch_reads_is_there():
    side = {"then": program([SCALAR], lambda x: [sin(x)]), "orelse": program([SCALAR], lambda x: [cos(x)])}

    def body(x):
        (y,) = if_(less(x, 1.0), x, **side)
        return [*if_(less(x, 1.0), mul(y, y), **side)]

    p = program([SCALAR], body)
    for x in (0.5, 1.5):
        assert run(p, [np.float64(x)]) == run(optimise(p), [np.float64(x)])


def test_a_check_that_holds_is_nothing():
    p = fold(program([SCALAR], lambda x: [x, check(x.mode.constant(True), error=ValueError, arguments=())][:1]))
    assert "check" not in rows(p)


@pytest.mark.parametrize("stop, expected", [(0, []), (1, ["mul"]), (2, ["for_", "mul"])])
def test_loops_of_few_iterations(stop, expected):
    body = program([INT, SCALAR], lambda i, s: [mul(s, s)])
    p = fold(program([SCALAR], lambda s: for_(0, stop, 1, s, body=body, consts=0)))
    assert rows(p) == expected
    assert evaluate(p, [3.0]) == [3.0 ** (2**stop)]


def test_a_known_number_moves_into_the_region_that_reads_it():
    body = program([INT, ARRAY, INT, SCALAR], lambda i, a, k, s: [add(s, at(a, k))])
    p = fold(program([ARRAY, SCALAR], lambda a, s: for_(0, 4, 1, a, 2, s, body=body, consts=2)))
    (loop,) = p.equations
    assert loop.params["consts"] == 1 and not loop.params["body"].equations[0].has_holes


def test_an_index_out_of_range_stays_an_error_of_the_run():
    body = program([INT, ARRAY, INT, SCALAR], lambda i, a, k, s: [add(s, at(a, k))])
    p = program([ARRAY, SCALAR], lambda a, s: for_(0, 4, 1, a, 9, s, body=body, consts=2))
    assert run(p, [np.ones(4), 1.0]) == run(optimise(p), [np.ones(4), 1.0])
    assert "IndexError" in run(optimise(p), [np.ones(4), 1.0])


# ---------------------------------------------------------------- common


def test_equal_equations_become_one():
    p = common(program([SCALAR, SCALAR], lambda x, y: [add(sin(mul(x, y)), sin(mul(y, x)))]))
    assert rows(p) == ["mul", "sin", "add"]


def test_one_of_two_wins():
    p = program([ARRAY, ARRAY], lambda x, y: [winner(x, y), winner(y, x), winner(x, y)])
    after = common(p)
    assert rows(after) == ["winner", "sub"]
    operands = [np.array([1.0, 2.0, np.nan, np.inf]), np.array([1.0, 3.0, 0.0, -np.inf])]
    assert run(p, operands) == run(after, operands)


def test_zeros_of_different_sign_and_numbers_of_different_type_are_not_equal():
    p = program([SCALAR], lambda x: [add(x, 0.0), add(x, -0.0), add(x, 0), mul(x, 1), mul(x, True), mul(x, 1.0)])
    assert common(p) is p


def test_what_was_written_is_read_back():
    p = program([ARRAY, SCALAR, INT], lambda a, s, i: [sin(at(put(a, s, i), i)), at(put(a, s, i), 0)])
    assert rows(dead(common(p))) == ["write", "sin", "getitem"]


def test_a_write_that_converts_or_repeats_is_not_read_back():
    whole = program([Type(np.dtype(np.float32), (4,)), SCALAR], lambda a, s: [at(put(a, s, 0), 0)])
    assert rows(dead(common(whole))) == ["write", "getitem"]
    twice = np.array([0, 0])
    p = program([ARRAY, Type(np.dtype(float), (2,))], lambda a, v: [at(put(a, v, twice), twice)])
    assert rows(dead(common(p))) == ["write", "getitem"]
    assert run(p, [np.ones(4), np.arange(2.0)]) == run(common(p), [np.ones(4), np.arange(2.0)])


def test_regions_take_each_operand_once():
    body = program([INT, ARRAY, ARRAY, SCALAR], lambda i, a, b, s: [add(mul(at(a, i), at(b, i)), s)])
    p = common(common(program([ARRAY, SCALAR], lambda a, s: for_(0, 4, 1, a, a, s, body=body, consts=2))))
    assert p.equations[0].params["consts"] == 1 and rows(p) == ["for_", "getitem", "mul", "add"]


def test_work_arrays_are_not_shared():
    p = program([ARRAY], lambda a: [put(zeros(a), 1.0, 0), put(zeros(a), 2.0, 0)])
    assert common(p) is p


# ---------------------------------------------------------------- dead


def test_a_carry_that_only_feeds_itself_vanishes():
    body = program([INT, SCALAR, ARRAY, SCALAR], lambda i, c, a, s: [put(a, mul(s, c), i), add(s, c)])
    p = program([SCALAR, ARRAY, SCALAR], lambda c, a, s: for_(0, 4, 1, c, a, s, body=body, consts=1)[1:])
    assert rows(dead(p)) == ["for_", "add"]


def test_an_invariant_carry_becomes_a_constant():
    body = program([INT, SCALAR, SCALAR], lambda i, c, s: [c, mul(s, c)])
    p = dead(program([SCALAR, SCALAR], lambda c, s: for_(0, 4, 1, c, s, body=body, consts=0)))
    assert p.equations[0].params["consts"] == 1 and p.results[0] is p.params[0]


def test_results_on_which_both_sides_agree():
    sides = [program([SCALAR, SCALAR], lambda x, y, row=row: [y, row(x), 2.0]) for row in (sin, cos)]
    p = program([SCALAR, SCALAR], lambda x, y: if_(greater(x, 0.0), x, y, then=sides[0], orelse=sides[1]))
    p = dead(p)
    assert p.results[0] is p.params[1] and p.results[2] == 2.0
    assert len(p.equations[-1].outs) == 1 and len(p.equations[-1].ins) == 2


def test_the_test_of_a_while_keeps_what_it_reads():
    test = program([SCALAR, SCALAR, SCALAR], lambda n, s, t: [less(n, 4.0)])
    body = program([SCALAR, SCALAR, SCALAR], lambda n, s, t: [add(n, 1.0), add(s, n), mul(t, s)])
    p = program([SCALAR], lambda s: while_(np.float64(0.0), s, s, test=test, body=body, consts=0)[1:2])
    assert rows(dead(p)) == ["while_", "less", "add", "add"]
    assert evaluate(dead(p), [np.float64(1.0)]) == evaluate(p, [np.float64(1.0)])


def test_effects_stay_in_order():
    first, second = (dict(error=ValueError, arguments=(text,)) for text in "ab")

    def body(x):
        check(less(x, 1.0), **first)
        check(less(x, 0.0), **second)
        return [x]

    inner = program([SCALAR], body)
    p = optimise(program([SCALAR], lambda x: [x, call(x, program=inner)[0]][:1]))
    assert rows(p) == ["less", "check", "less", "check"]
    assert "'a'" in run(p, [2.0]) and "'b'" in run(p, [0.5])


def test_equal_effects_happen_twice():
    seen = []
    note = Primitive("note", lambda x: seen.append(x) or True, effect=True, register=False)

    def body(x):
        note(x), note(x)
        return [x]

    p = optimise(program([SCALAR], body))
    seen.clear()  # building runs rows on samples
    evaluate(p, [np.float64(2.0)])
    assert seen == [2.0, 2.0]


def unused(row):
    """A program whose result needs none of it."""

    def body(a, i):
        row(a, i)
        return [i]

    return body


TRAPS = [
    ("read", lambda a, i: at(a, i), 9),
    ("write", lambda a, i: put(a, 1.0, i), -5),
    ("quotient", lambda a, i: floordiv(3, i), 0),
    ("factor", lambda a, i: cholesky(mul(np.eye(2), i)), -1),
]


@pytest.mark.parametrize("name, row, bad", TRAPS, ids=lambda x: x if isinstance(x, str) else "")
def test_what_may_raise_stays_in_the_users_code_and_goes_from_derived_code(name, row, bad):
    users = program([ARRAY, INT], unused(row), where=USERS)
    assert rows(optimise(users)) == rows(users)
    assert run(users, [np.ones(4), bad]) == run(optimise(users), [np.ones(4), bad])
    assert not optimise(program([ARRAY, INT], unused(row))).equations


@pytest.mark.parametrize(
    "bounds, index, goes",
    [
        ((0, 4, 1), lambda i: i, True),
        ((0, 5, 1), lambda i: i, False),
        ((3, -1, -1), lambda i: i, True),
        ((1, 4, 1), lambda i: sub(i, 1), True),
        ((0, 2, 1), lambda i: add(mul(i, 2), 1), True),
        ((0, 3, 1), lambda i: add(mul(i, 2), 1), False),
        ((-4, 0, 1), lambda i: i, True),
        ((-5, 0, 1), lambda i: i, False),
    ],
)
def test_a_read_proven_in_range_may_vanish(bounds, index, goes):
    def body(i, a, s):
        at(a, index(i))
        return [mul(s, 2.0)]

    inner = program([INT, ARRAY, SCALAR], body, where=USERS)
    p = dead(program([ARRAY, SCALAR], lambda a, s: for_(*bounds, a, s, body=inner, consts=1)))
    assert ("getitem" not in rows(p)) == goes


@pytest.mark.parametrize("shift, goes", [(0, True), (1, True), (2, False), (-1, False)])
def test_ranges_reach_inner_loops(shift, goes):
    def read(j, i, m, s):
        getitem(m, index=(sub(sub(i, j), shift), j))
        return [s * 2.0]

    inner = program([INT, INT, MATRIX, SCALAR], read, where=USERS)
    outer = program([INT, MATRIX, SCALAR], lambda i, m, s: for_(0, add(i, 1), 1, i, m, s, body=inner, consts=2))
    p = program([MATRIX, SCALAR], lambda m, s: for_(0, 3, 1, m, s, body=outer, consts=1))
    # as far as ranges tell, i - j lies between -2 and 2; m has three rows
    assert ("getitem" not in rows(dead(p))) == goes


# ---------------------------------------------------------------- hoist


def test_invariant_equations_leave_all_loops():
    inner = program([INT, SCALAR, SCALAR], lambda j, c, s: [add(s, sin(c))])
    outer = program([INT, SCALAR, SCALAR], lambda i, c, s: for_(0, 3, 1, c, s, body=inner, consts=1))
    p = hoist(program([SCALAR, SCALAR], lambda c, s: for_(0, 3, 1, c, s, body=outer, consts=1)))
    assert [e.row.name for e in p.equations] == ["sin", "for_"]


@pytest.mark.parametrize("stop, moves", [(3, True), (0, False), (None, False)])
def test_what_may_raise_leaves_a_loop_only_if_it_runs(stop, moves):
    body = program([INT, ARRAY, INT, SCALAR], lambda i, a, k, s: [add(s, at(a, k))])
    types = [ARRAY, INT, SCALAR, INT]
    p = program(types, lambda a, k, s, n: for_(0, n if stop is None else stop, 1, a, k, s, body=body, consts=2))
    assert (hoist(p).equations[0].row.name == "getitem") == moves
    for n in (0, 3):
        assert run(p, [np.ones(4), 9, np.float64(1.0), n]) == run(hoist(p), [np.ones(4), 9, np.float64(1.0), n])


def test_what_may_raise_does_not_pass_what_raises_first():
    def inner(i, a, k, s):
        check(less(s, 1.0), error=ValueError, arguments=("first",))
        return [add(s, at(a, k))]

    body = program([INT, ARRAY, INT, SCALAR], inner)
    p = program([ARRAY, INT, SCALAR], lambda a, k, s: for_(0, 3, 1, a, k, s, body=body, consts=2))
    assert "first" in run(hoist(p), [np.ones(4), 9, np.float64(2.0)])


def test_a_loop_that_may_not_end_is_not_moved():
    test = program([SCALAR], lambda s: [less(s, 1.0)])
    forever = program([SCALAR], lambda s: [mul(s, 1.0)])
    body = program([INT, SCALAR, SCALAR], lambda i, c, s: [add(s, while_(c, test=test, body=forever, consts=0)[0])])
    p = program([SCALAR, SCALAR, INT], lambda c, s, n: for_(0, n, 1, c, s, body=body, consts=1))
    assert evaluate(optimise(p), [np.float64(0.0), np.float64(1.0), 0]) == [1.0]


def test_work_space_stays_in_its_loop():
    body = program([INT, SCALAR], lambda i, s: [at(put(zeros(s), s, i), 1)])
    p = program([SCALAR], lambda s: for_(0, 3, 1, s, body=body, consts=0))
    assert hoist(p) is p


# ---------------------------------------------------------------- accumulate, privatise, ascend, embed, promote


def test_sums_of_elements():
    types = [ARRAY, SCALAR, INT]
    for body in (lambda a, s, i: add(at(a, i), s), lambda a, s, i: add(s, at(a, i)), lambda a, s, i: sub(at(a, i), s)):
        p = program(types, lambda a, s, i, body=body: [put(a, body(a, s, i), i)])
        after = dead(accumulate(p))
        assert rows(after)[-1] == "add_at" and len(after.equations) < len(p.equations)
        for x in SPECIAL:
            operands = [np.array(SPECIAL[:4]), np.float64(x), 2]
            assert run(p, operands) == run(after, operands)


def test_what_only_looks_like_a_sum():
    types = [ARRAY, SCALAR, INT]
    for body in (
        lambda a, s, i: [put(a, sub(s, at(a, i)), i)],
        lambda a, s, i: [put(a, add(at(a, 0), s), i)],
        lambda a, s, i: [put(a, add(at(put(a, s, 0), i), s), i)],
        lambda a, s, i: [put(put(a, s, 0), add(at(a, i), s), i)],
    ):
        assert "add_at" not in rows(accumulate(program(types, body)))
    single = Type(np.dtype(np.float32), (4,))  # the sum is rounded once, and not twice
    p = program([single, SCALAR, INT], lambda a, s, i: [put(a, add(at(a, i), s), i)])
    assert "add_at" not in rows(accumulate(p))


def test_cotangents_of_gathered_elements_go_into_one_array():
    def f(x):
        return np.sum(np.take(x, [0, 2, 2]) ** 2) * np.prod(np.take(x, [[1, 3]])) + np.sum(np.take(x, [3, 0]) ** 3)

    found = rows(wg.program(wg.grad(f), np.ones(4)))
    assert found.count("put_add") == 1 and found.count("add_at") == 2
    for x in (np.array([1.5, -2.0, 0.25, 3.0]), np.zeros(4)):
        np.testing.assert_allclose(wg.jit(wg.grad(f))(x), wg.grad(f)(x), rtol=1e-14)


def nest(body_reads=None, stop=4):
    """for i in range(3): for j in range(stop): w[j] = s * j;  s += w[1]"""
    fill = program([INT, SCALAR, ARRAY], lambda j, s, w: [put(w, mul(s, j), j)])

    def outer(i, s, w):
        s = s if body_reads is None else add(s, at(w, 0))
        (w,) = for_(0, stop, 1, s, w, body=fill, consts=1)
        return [add(s, at(w, 1)), w]

    body = program([INT, SCALAR, ARRAY], outer)
    return program([SCALAR, ARRAY], lambda s, w: for_(0, 3, 1, s, w, body=body, consts=0)[:1])


def test_a_work_array_becomes_local():
    p = nest()
    assert len(privatise(p).equations[0].outs) == 1
    assert run(p, [np.float64(2.0), np.ones(4)]) == run(privatise(p), [np.float64(2.0), np.ones(4)])


@pytest.mark.parametrize("p", [nest(body_reads=True), nest(stop=3)], ids=["read first", "not all"])
def test_an_array_that_carries_something_stays(p):
    assert privatise(p) is p


def test_loops_count_up():
    body = program([INT, ARRAY, ARRAY], lambda i, x, a: [add_at(a, mul(at(x, i), at(a, i)), index=(i,), inplace=False)])
    down = lambda n: program([ARRAY, ARRAY, INT], lambda x, a, k: for_(n(k), -1, -1, x, a, body=body, consts=1))
    p = down(lambda k: 3)
    assert ascend(p).equations[0].ins[:3] == [0, 4, 1]
    operands = [np.array(SPECIAL[:4]), np.array(SPECIAL[2:6]), 4]
    assert run(p, operands) == run(ascend(p), operands)


@pytest.mark.parametrize(
    "body",
    [
        lambda i, x, a: [add_at(a, at(x, i), index=(0,), inplace=False)],
        lambda i, x, a: [put(a, at(a, sub(i, 1)), i)],
        lambda i, x, a: [put(a, sin(at(a, 3)), i)],
    ],
    ids=["one place", "neighbour", "fixed"],
)
def test_loops_whose_order_matters_count_down(body):
    inner = program([INT, ARRAY, ARRAY], body)
    p = program([ARRAY, ARRAY], lambda x, a: for_(3, -1, -1, x, a, body=inner, consts=1))
    assert ascend(p) is p


def rows_of_a_table(fill, stop=4, read=False, where=None):
    """for i in range(3): w = zeros(4); for j in range(stop): w[j] = fill(s, j, w);  table[i] = w"""
    inner = program([INT, SCALAR, ARRAY], lambda j, s, w: [put(w, fill(s, j, w), j)])

    def outer(i, s, table):
        (w,) = for_(0, stop, 1, s, zeros(s), body=inner, consts=1)
        after = write(table, w, steps=(), index=(i,), inplace=False)
        return [write(after, at(w, 0), steps=(), index=(i, 0), inplace=False) if read else after]

    table = Type(np.dtype(float), (3, 4))
    body = program([INT, SCALAR, table], outer, where)
    return program([SCALAR, table], lambda s, t: for_(0, 3, 1, s, t, body=body, consts=1))


def test_an_array_is_filled_in_its_place():
    p = rows_of_a_table(lambda s, j, w: mul(s, j))
    after = embed(p)
    assert rows(after) == ["for_", "for_", "mul", "write"]
    operands = [np.float64(1.5), np.ones((3, 4))]
    assert run(p, operands) == run(after, operands)


@pytest.mark.parametrize(
    "p",
    [
        rows_of_a_table(lambda s, j, w: mul(s, j), stop=3),
        rows_of_a_table(lambda s, j, w: add(s, at(w, 0))),
        rows_of_a_table(lambda s, j, w: mul(s, j), read=True),
        rows_of_a_table(lambda s, j, w: mul(s, j), where=USERS),
    ],
    ids=["not all", "it is read", "read after", "the user's"],
)
def test_an_array_of_its_own_stays(p):
    assert embed(p) is p


def sum_into(place, other):
    """for j in range(4): table[place(1, j)] += s * table[other(1, j)]"""
    table = Type(np.dtype(float), (4, 4))

    def body(j, s, t):
        return [add_at(t, mul(s, getitem(t, index=other(1, j))), index=place(1, j), inplace=False)]

    inner = program([INT, SCALAR, table], body)
    return program([SCALAR, table], lambda s, t: for_(0, 4, 1, s, t, body=inner, consts=1))


def test_one_iteration_goes_through_memory():
    p = sum_into(lambda i, j: (0, i), lambda i, j: (0, j))
    after = versioned(p)
    assert promote(p) is p and rows(after).count("if_") == 1
    x = np.arange(16.0).reshape(4, 4)
    assert run(p, [np.float64(0.5), x]) == run(after, [np.float64(0.5), x])


@pytest.mark.parametrize(
    "p",
    [
        sum_into(lambda i, j: (0, j), lambda i, j: (0, i)),
        sum_into(lambda i, j: (0, i), lambda i, j: (0, add(j, -2))),
        sum_into(lambda i, j: (0, i), lambda i, j: (0, mod(mul(j, j), 4))),
    ],
    ids=["another each time", "maybe from the end", "not the index"],
)
def test_loops_of_one_version(p):
    assert versioned(p) is p


def test_calls_are_inlined_with_their_lines_and_names():
    inner = program([SCALAR], lambda x: [sin(x)], where=USERS)

    def body(x):
        y = call(x, program=inner)[0]
        y.aux.name = "y"
        return [mul(y, y)]

    p = inline(program([SCALAR], body))
    assert rows(p) == ["sin", "mul"] and p.equations[0].outs[0].name == "y" and p.equations[0].where is USERS


def test_a_large_program_that_is_called_twice_stays_one():
    def many(x):
        for _ in range(20):
            x = sin(x)
        return [x]

    inner = program([SCALAR], many)
    p = optimise(program([SCALAR], lambda x: [*call(x, program=inner), *call(mul(x, x), program=inner)]))
    first, second = [e for e in p.equations if e.row is call]
    assert first.params["program"] is second.params["program"]


# ---------------------------------------------------------------- random programs

PASSES = [inline, fold, common, dead, hoist, accumulate, privatise, ascend, embed, versioned, prepare, optimise]
PROGRAMS = 120 if EVERY else 48


class Trips(Interpreter):
    """Notes whether some loop did not run: what was hoisted out of it ran for nothing."""

    def __init__(self):
        self.idle = False

    def for_(self, operands, body, consts):
        self.idle = self.idle or len(range(*(int(x) for x in operands[:3]))) == 0
        return super().for_(operands, body, consts)

    def while_(self, operands, test, body, consts):
        values = list(operands)
        self.idle = self.idle or not self.run(test, values)[0]
        return super().while_(operands, test, body, consts)


class Typed(Interpreter):
    """Every value has the type that its variable says, and every region gets what its parameters say."""

    def run(self, program, operands):
        assert [type_of(x) for x in operands] == [p.type for p in program.params]
        return super().run(program, operands)

    def apply(self, e, values, evaluate):
        out = super().apply(e, values, evaluate)
        assert [type_of(x) for x in (out if e.row.several else (out,))] == [o.type for o in e.outs], e
        return out


def is_idle(p, operands):
    trips = Trips()
    trips.run(p, list(operands))
    return trips.idle


@pytest.mark.parametrize("traps", [False, True], ids=["", "traps"])
@pytest.mark.parametrize("each", PASSES, ids=lambda f: f.__name__)
def test_passes_keep_every_bit(each, traps):
    changed = raised = 0
    for seed in range(PROGRAMS):
        with quiet():
            before, operands = random_program(seed, traps)
            after = each(before)
        changed += after is not before
        expected = run(before, operands)
        raised += isinstance(expected, str)
        assert run(verify(after), operands, Typed) == expected, seed
    assert changed or each in (privatise, ascend, embed, versioned)
    assert bool(raised) == traps


@pytest.mark.parametrize("seed", range(40))
def test_optimised_programs_never_run_more(seed):
    with quiet():
        before, operands = random_program(seed)
        after = optimise(before)
        idle = is_idle(before, operands)
        costs = count(before, operands), count(after, operands)
    assert costs[1].equations <= costs[0].equations or idle


def loss(p):
    def summed(*xs):
        total = 0.0
        for y in call(*xs, program=p):
            total = total + (np.sum(y) if y.shape else y)
        return total

    return summed


def gradient(p):
    f = loss(p)
    return build("grad", [SCALAR, ARRAY, MATRIX, WEAK], list("samw"), lambda _, v: list(wg.grad(f, (0, 1, 2, 3))(*v)))


def test_gradient_programs():
    """Bit for bit what they were, in fewer equations; differentiating the prepared program gives the same numbers."""
    totals = np.zeros(3, int)
    for seed in range(40):
        with quiet():
            before, operands = random_program(seed, smooth=True)
            plain = gradient(before)
            after, both = optimise(plain), optimise(gradient(prepare(before)))
            expected = evaluate(plain, operands)
            for x, y in zip(expected, evaluate(both, operands)):
                np.testing.assert_allclose(y, x, rtol=1e-9, atol=1e-12 * max(1.0, np.max(np.abs(x))))
            counts = [count(p, operands).equations for p in (plain, after, both)]
        assert run(verify(after), operands) == [flat(x) for x in expected], seed
        verify(both)
        assert counts[1] <= counts[0], seed
        totals += counts
    assert totals[1] < 0.6 * totals[0] and totals[2] < totals[1]


# ---------------------------------------------------------------- cost: derivatives of loops grow as the loops do


def vector(n):
    return Type(np.dtype(float), (n,))


def recurrence(n):
    """a[i] = sin(a[i - 1]) * x[i]"""
    body = program([INT, vector(n), vector(n)], lambda i, x, a: [put(a, mul(sin(at(a, sub(i, 1))), at(x, i)), i)])
    return program([vector(n)], lambda x: for_(1, n, 1, x, x, body=body, consts=1))


def summing(n):
    """s += sin(s * x[i]); also a[i] += s"""

    def body(i, x, s, a):
        s = add(s, sin(mul(s, at(x, i))))
        return [s, put(a, add(at(a, i), s), i)]

    inner = program([INT, vector(n), SCALAR, vector(n)], body)
    return program([vector(n)], lambda x: for_(0, n, 1, x, at(x, 0), x, body=inner, consts=1)[1:])


def searching(n):
    """while s < n: s = s + 1 + x[0] * sin(s) ** 2, a[3] = sin(s + a[3]): stacks"""
    test = program([vector(n), SCALAR, vector(n)], lambda x, s, a: [less(s, float(n))])

    def body(x, s, a):
        s = add(add(s, 1.0), mul(at(x, 0), mul(sin(s), sin(s))))
        return [s, put(a, sin(add(s, at(a, 3))), 3)]

    inner = program([vector(n), SCALAR, vector(n)], body)
    return program([vector(n)], lambda x: while_(x, at(x, 1), x, test=test, body=inner, consts=1)[1:])


def branching(n):
    """if a[i] > 0: a[i] = a[i] * s else: s = s + a[i], in a loop"""
    then = program([INT, SCALAR, vector(n)], lambda i, s, a: [s, put(a, mul(at(a, i), s), i)])
    orelse = program([INT, SCALAR, vector(n)], lambda i, s, a: [add(s, at(a, i)), a])
    body = lambda i, s, a: if_(greater(at(a, i), 0.0), i, s, a, then=then, orelse=orelse)
    inner = program([INT, SCALAR, vector(n)], body)
    return program([vector(n)], lambda x: for_(0, n, 1, at(x, 0), x, body=inner, consts=0)[1:])


def reversed_twice(n):
    """Two loops over one array, the second downwards."""
    first = program([INT, vector(n), vector(n)], lambda i, x, a: [put(a, mul(at(a, i), at(x, i)), i)])
    second = program([INT, vector(n)], lambda i, a: [put(a, sin(add(at(a, i), at(a, add(i, 1)))), i)])

    def both(x):
        (a,) = for_(0, n, 1, x, x, body=first, consts=1)
        return for_(n - 2, -1, -1, a, body=second, consts=0)

    return program([vector(n)], both)


LOOPS = [recurrence, summing, searching, branching, reversed_twice]


def derivatives(p, n):
    f = lambda x: np.sum(call(x, program=p)[0])
    reverse = build("grad", [vector(n)], ["x"], lambda _, v: [wg.grad(f)(*v)])
    forward = build("jvp", [vector(n)] * 2, ["x", "v"], lambda _, v: list(wg.jvp(f, (v[0],), (v[1],))))
    return [(p, 1), (reverse, 1), (forward, 2)]


@pytest.mark.parametrize("better", [False, True], ids=["as built", "optimised"])
@pytest.mark.parametrize("loop", LOOPS, ids=lambda f: f.__name__)
def test_cost_grows_linearly(loop, better):
    """At n, 2n, 4n: operations and bytes per step stay what they are, in the program, its gradient and its tangent."""
    found = []
    for n in (64, 128, 256):
        x = np.linspace(0.1, 0.9, n)
        costs = [count(optimise(p) if better else p, [x] * k) for p, k in derivatives(loop(n), n)]
        found.append([(c.operations / n, c.bytes / n) for c in costs])
    n64, n128, n256 = map(np.array, found)
    assert np.all(n128 < 1.15 * n64) and np.all(n256 < 1.15 * n128)
    assert np.all(n256[1:, 0] < 12 * n256[0, 0])  # a derivative is a few times the program
    assert np.all(n256[1:, 1] < 12 * max(n256[0, 1], 24))


@pytest.mark.parametrize("loop", LOOPS, ids=lambda f: f.__name__)
def test_optimised_derivatives_agree_and_run_less(loop):
    n = 32
    x = np.linspace(0.1, 0.9, n)
    for p, k in derivatives(loop(n), n):
        before, after = count(p, [x] * k), count(optimise(p), [x] * k)
        assert run(p, [x] * k) == run(verify(optimise(p)), [x] * k)
        assert after.equations <= before.equations and after.bytes <= before.bytes


def test_the_callers_array_is_never_written():
    n = 16
    x = np.linspace(0.1, 0.9, n)
    kept = x.copy()
    for loop in LOOPS:
        for p, k in derivatives(loop(n), n):
            evaluate(optimise(p), [x] * k)
            np.testing.assert_array_equal(x, kept)


def test_count_sees_copies():
    copied = program([vector(100)], lambda a: [put(put(a, 1.0, 0), 2.0, 1)])
    assert count(copied, [np.ones(100)]).bytes == 800  # the caller's array is copied, the copy is updated
    held = program([vector(100)], lambda a: [put(put(a, 1.0, 0), 2.0, 1), put(a, 3.0, 2)])
    assert count(held, [np.ones(100)]).bytes == 1600
