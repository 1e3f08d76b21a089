"""Programs as data: made by hand and at random, verified, printed and read back, run, differentiated."""

import os
from dataclasses import replace

import numpy as np
import pytest

import wengert as wg
from programs import PROGRAMS
from random_equations import random_program
from test_rows import along, setting
from test_staged_rows import CASES, called, program_of, pulled, pushed
from wengert.core.diagnostic import Position
from wengert.frontend.jit import Jitted
from wengert.inspect.kept import kept_by
from wengert.ir.evaluate import evaluate
from wengert.ir.program import (
    Equation,
    Extent,
    Hole,
    Program,
    Stack,
    Type,
    Var,
    dtype_in,
    row_called,
    type_in,
    type_of,
    walk,
)
from wengert.ir.text import parse, text
from wengert.ir.verify import Checked, InvalidProgram, verify
from wengert.rules.control import call, check, empty_stack, for_, if_, stack_pop, stack_push, while_
from wengert.rules.indexing import write
from wengert.transforms.build import build

F64 = np.dtype(np.float64)
NUMBER, WEAK, WHOLE, TRUTH = Type(F64, (), "scalar"), Type(F64, (), "weak"), type_of(0), type_of(np.True_)


def vector(n):
    return Type(F64, (n,))


def identical(xs, ys):
    return all(type_of(x) == type_of(y) and np.asarray(x).tobytes() == np.asarray(y).tobytes() for x, y in zip(xs, ys))


def plain(values):
    return [v.copy() if isinstance(v, np.ndarray) else v for v in values]


def tried(program, values):
    """The results of a program, which is verified, printed, read back and run in three ways on the way."""
    verify(program)
    source = text(program)
    again = verify(parse(source))
    assert text(again) == source
    found = Checked().run(program, plain(values))
    assert identical(found, Checked().run(again, plain(values)))
    assert identical(found, evaluate(program, plain(values)))
    return found


def function(program):
    return lambda *xs: call(*xs, program=program)[0]


def derivative_program(program, f):
    types, names = [p.type for p in program.params], [p.name for p in program.params]
    return build("derivative", types, names, lambda stage, v: list(f(*v)))


# ---------------------------------------------------------------- programs made by hand


def sines():
    """s = sin(s * x[i]) + s, for all i."""
    types = [WHOLE, vector(4), NUMBER]
    body = build("body", types, ["i", "x", "s"], lambda stage, v: [np.sin(v[2] * v[1][v[0]]) + v[2]])
    loop = lambda stage, v: list(for_(0, 4, 1, v[0], v[1], body=body, consts=1))
    return build("sines", [vector(4), NUMBER], ["x", "s"], loop)


def sines_plain(x, s):
    for i in range(4):
        s = np.sin(s * x[i]) + s
    return s


def halved():
    """while s > 0.1: s = 0.5 sin(s) or s*s, with an array that is overwritten"""
    names, types = ["s", "a"], [NUMBER, vector(3)]
    test = build("test", types, names, lambda stage, v: [v[0] > 0.1])
    then = build("then", types, names, lambda stage, v: [0.5 * np.sin(v[0]), v[1] * v[0]])
    orelse = build("orelse", types, names, lambda stage, v: [v[0] * v[0], v[1]])

    def body(stage, v):
        s, a = if_(v[0] > 0.5, *v, then=then, orelse=orelse)
        return [s, write(a, s + a[1], steps=(), index=(0,), inplace=False)]

    body = build("body", types, names, body)

    def program(stage, v):
        s, a = while_(*v, test=test, body=body, consts=0)
        return [s + np.sum(a)]

    return build("halved", types, names, program)


def halved_plain(s, a):
    a = 1.0 * a
    while s > 0.1:
        if s > 0.5:
            s, a = 0.5 * np.sin(s), a * s
        else:
            s = s * s
        a[0] = s + a[1]
    return s + np.sum(a)


X, A = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.3, -0.6, 0.9])
BY_HAND = [(sines, sines_plain, (X, np.float64(0.7))), (halved, halved_plain, (np.float64(1.3), A))]
by_hand = pytest.mark.parametrize("make, f, values", BY_HAND, ids=["sines", "halved"])


@by_hand
def test_a_program_computes_what_python_does(make, f, values):
    (found,) = tried(make(), values)
    assert found == f(*values)


@by_hand
def test_its_derivatives_are_programs_that_agree_with_eager_ones(make, f, values):
    program = make()
    staged = function(program)
    for derive in (
        lambda f: wg.grad(f, (0, 1)),
        lambda f: lambda *xs: wg.jvp(f, xs, [np.cos(x) for x in values])[1:],
        lambda f: wg.grad(lambda *xs: sum(np.sum(np.sin(g)) for g in wg.grad(f, (0, 1))(*xs)), (0, 1)),
    ):
        expected = derive(f)(*values)
        for g, e in zip(derive(staged)(*values), expected):
            np.testing.assert_allclose(g, e, rtol=1e-12)
        for g, e in zip(tried(derivative_program(program, derive(staged)), values), expected):
            np.testing.assert_allclose(g, e, rtol=1e-12)


# ---------------------------------------------------------------- random programs

FOUND = [83, 132]  # a region that both sweeps evaluate; an array of positions in a loop that counts down
SEEDS = [*range(int(os.environ.get("WENGERT_PROGRAMS", 30))), *FOUND]
VARIED = (0, 1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_program_and_its_derivatives(seed):
    single = seed % 4 == 0
    program, values = random_program(seed, smooth=True, single=single, scalar=True)
    tolerance = 1e-5 if single else 1e-11  # in which forward and reverse mode round differently
    close = lambda got, expected: np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
    tried(program, values)
    f = function(program)
    gradient = wg.grad(f, VARIED)
    found = gradient(*values)
    dots = [np.cos(g + k) for k, g in enumerate(found)]
    dots = [float(d) if type(values[i]) is float else d for d, i in zip(dots, VARIED)]

    def along(*xs):
        given = plain(values)
        for i, x in zip(VARIED, xs):
            given[i] = x
        return f(*given)

    varied = [values[i] for i in VARIED]
    slope = wg.jvp(along, varied, dots)[1]
    close(slope, sum(np.sum(g * d) for g, d in zip(found, dots)))
    for got, expected in zip(tried(derivative_program(program, gradient), values), found):
        close(got, expected)
    if seed % 3 == 0:
        product = lambda *xs: sum(np.sum(g * d) for g, d in zip(gradient(*xs), dots))
        second = tried(derivative_program(program, wg.grad(product, VARIED)), values)
        expected = wg.jvp(lambda *xs: wg.grad(along, tuple(range(len(xs))))(*xs), varied, dots)[1]
        for got, e in zip(second, expected):
            np.testing.assert_allclose(got, e, rtol=1e3 * tolerance, atol=1e3 * tolerance)


def test_random_programs_hold_what_they_should():
    found = [{e.row.name for e in walk(random_program(seed)[0])} for seed in range(60)]
    for what, share in {"for_": 0.5, "while_": 0.3, "if_": 0.3, "call": 0.3, "write": 0.3, "reduce_max": 0.1}.items():
        assert sum(what in rows for rows in found) >= share * len(found), what


@pytest.mark.parametrize("row, i, dtype", CASES[::6], ids=lambda v: getattr(v, "name", None))
def test_each_row_in_text(row, i, dtype):
    operands, params, varied = setting(row, i, dtype)
    xs = [operands[k] for k in varied]
    program = program_of(along(row, operands, params | row.staged, varied), xs)
    tried(program, xs)
    f = called(program, row.evaluate(*operands, **params, **row.staged))
    for derive in (pushed, pulled):
        tried(program_of(lambda *v: derive(f, v), xs), xs)


@pytest.mark.parametrize("written", PROGRAMS[::4], ids=lambda p: p.name)
def test_programs_that_people_write_are_legal(written):
    """The gradient of each is a legal program, too."""
    function = Jitted(written.function)
    function(*written.args())
    for built in [b for each in function.programs.values() for b in each]:
        program = verify(built.program)
        assert text(verify(parse(text(program)))) == text(program)
        varied = tuple(i for i, p in enumerate(program.params) if dtype_in(p.type).kind == "f")
        if varied and dtype_in(type_in(program.results[0])).kind == "f":
            gradient = wg.grad(lambda *xs: np.sum(call(*xs, program=program)[0]), varied)
            found = verify(derivative_program(program, gradient))
            assert text(verify(parse(text(found)))) == text(found)


# ---------------------------------------------------------------- text


def test_text_is_readable():
    assert str(sines()) == (
        "program sines(x: f64[4], s: f64):\n"
        "    for_: f64 = for i in (0, 4, 1) const (x) carry (s):\n"
        "        getitem: f64 = getitem(x, index=(i,))\n"
        "        mul: f64 = mul(s, getitem)\n"
        "        sin: f64 = sin(mul)\n"
        "        add: f64 = add(sin, s)\n"
        "        -> add\n"
        "    -> for_"
    )


def equation(name, ins, params=None, out=("y", NUMBER), **more):
    params = params or {}
    return Equation([Var(*out)], row_called(name), ins, params, more.pop("count", len(ins)), **more)


def one_constant(value):
    e = equation("array", [value], out=("c", type_of(value)))
    return Program([], [e], [e.outs[0]], "f")


def quiet_nan(payload):
    return np.array([0x7FF8000000000000 + payload], np.uint64).view(np.float64)


CONSTANTS = [
    *(0, -7, 2**62, True, 0.1, -0.0, 1e300, 5e-324, float("nan"), -float("nan"), float("-inf"), complex(-0.0, 1.5)),
    *(
        np.float32(0.1),
        np.float64("nan"),
        np.int8(-3),
        np.True_,
        np.complex64(1j),
        np.float16(2.5),
        np.longdouble("0.1"),
    ),
    np.array(0.5),
    np.array([]),
    np.zeros((0, 3), np.float32),
    np.array([np.nan, -np.nan, np.inf, -np.inf, -0.0, 1 / 3]),
    np.concatenate([quiet_nan(5), [1.0]]),
    quiet_nan(9)[0],
    np.arange(12.0).reshape(3, 4).T,
    np.asfortranarray(np.arange(4.0).reshape(2, 2)),
    np.linspace(0, 1, 1000).astype(">f8"),
    np.array([True, False]),
    np.array([1 - 2j, complex(np.nan, 1)]),
    np.arange(6).reshape(1, 2, 3),
]


@pytest.mark.parametrize("value", CONSTANTS, ids=repr)
def test_constants_come_back_to_the_last_bit(value):
    if isinstance(value, np.ndarray):
        program = one_constant(value)
        (again,) = evaluate(parse(text(program)), [])
        assert again.strides == value.strides or 1 in value.shape or not value.size
    else:
        program = Program([], [], [value], "f")
        (again,) = parse(text(program)).results
    assert identical([again], [value]) and type(again) is type(value)
    assert text(parse(text(program))) == text(program)


def test_large_constants_are_short():
    assert len(text(one_constant(np.arange(1000.0)))) < 1000 * 11 + 100


PARAMETERS = [
    {"a": None, "b": 'it\'s "quoted" \\ -> @3 &4 # no comment: x', "c": ..., "d": [], "e": (), "f": ((1,), {"k": 2})},
    {"s": slice(None, None, -1), "t": (slice(1, 2), None, 3), "u": F64, "v": np.float32, "w": float, "x": ValueError},
    {
        "steps": ((row_called("transpose"), {"axes": (1, 0)}),),
        "type": Stack(Stack(vector(3))),
        "n": np.linalg.LinAlgError,
    },
    {
        "d": np.dtype(">i4"),
        "weak": WEAK,
        "e": np.int64(3),
        "less": np.less,
        "z": np.array(3),
        "diagnostic": wg.Diagnostic,
    },
]


@pytest.mark.parametrize("params", PARAMETERS, ids=range(len(PARAMETERS)))
def test_parameters_come_back(params):
    e = equation("sin", [0.5], params)
    again = parse(text(Program([], [e], [], "f"))).equations[0].params
    assert list(again) == list(params) and repr(again) == repr(params)


def test_names_are_the_users_and_told_apart():
    x, y = Var("x", NUMBER), Var("nan", NUMBER)
    es = [equation("sin", [x], out=("x", NUMBER))]
    es += [equation("mul", [x, es[0].outs[0]], out=("x", NUMBER)), equation("neg", [y], out=("lambda x", NUMBER))]
    program = Program([x, y], es, [es[1].outs[0], es[2].outs[0]], "<lambda>")
    again = parse(text(program))
    names = lambda p: [v.name for v in [*p.params, *(o for e in p.equations for o in e.outs)]]
    assert names(again) == names(program) and again.name == program.name
    assert "x.2: f64 = mul(x, x.1)" in text(program) and "program `<lambda>`(x: f64, `nan`: f64):" in text(program)


def test_holes_show_what_fills_them():
    x, i, j = Var("x", Type(F64, (3, 3))), Var("i", WHOLE), Var("j", WHOLE)
    e = equation("getitem", [x, i, j], {"index": (Hole(1), Hole(2))}, count=1)
    program = Program([x, i, j], [e], e.outs, "f")
    assert "getitem(x, index=(i, j))" in text(program)
    again = parse(text(program)).equations[0]
    assert again.params == e.params and again.count == 1
    assert tried(program, [np.arange(9.0).reshape(3, 3), 1, 2]) == [5.0]


def test_lines_and_origins_come_back(tmp_path):
    files = [tmp_path / name for name in ("model.py", "it's a helper.py")]
    for file in files:
        file.write_text("def f(x):\n    y = sin(x)\n    return y\n")
    x = Var("x", NUMBER)
    foreign = equation("mul", [Var("a", NUMBER), 2.0], where=Position(str(files[1]), 3))
    foreign.origin = equation("exp", [Var("b", NUMBER)])
    first = equation("sin", [x], where=Position(str(files[0]), 2, 8, 14))
    second = equation("cos", [x], where=Position(str(files[1]), 2, 4), origin=first)
    third = equation("neg", [x], origin=foreign)
    program = Program([x], [first, second, third], [], "f")
    source = text(program)
    assert "# line 2: y = sin(x)\n" in source and "# it's a helper.py, line 2: y = sin(x)\n" in source
    again = parse(source)
    assert text(again) == source
    assert [e.where for e in again.equations] == [first.where, second.where, None]
    assert again.equations[1].origin is again.equations[0]
    found = again.equations[2].origin
    assert (found.row.name, found.where, found.origin.row.name) == ("mul", foreign.where, "exp")


def test_a_program_that_is_called_twice_stands_once():
    helper = build("helper", [NUMBER], ["x"], lambda stage, v: [np.sin(v[0])])
    twice = lambda stage, v: list(call(*call(v[0], program=helper), program=helper))
    program = build("f", [NUMBER], ["x"], twice)
    assert text(program).count("program helper") == 1
    first, second = parse(text(program)).equations
    assert first.params["program"] is second.params["program"]
    assert tried(program, [np.float64(0.5)]) == [np.sin(np.sin(0.5))]


@pytest.mark.parametrize(
    "source, message",
    [
        ("", "no program"),
        ("program f(x: f64):\n    y: f64 = sin(z)\n    -> y", "line 2: `z` is not defined here"),
        ("program f(x: f64):\n    y: f64 = nothing(x)\n    -> y", "line 2: there is no row 'nothing'"),
        ("program f(x: f64):\n    y: f65 = sin(x)\n    -> y", "line 2: `f65` is no type"),
        ("program f(x: f64):\n    y: f64 = sin(x", "line 2: `)` is expected"),
        ("program f(x: f64):\n    y: f64 = sin(x)", "line 2: lines are missing"),
        ("program f(x: f64):\n    x: f64 = sin(x)\n    -> x", "line 2: `x` is defined twice"),
        ("program f(x: f64):\n      -> x", "line 2: indented by 6 spaces"),
        ("program f(x: f64):\n        -> x", "line 2: this line is indented by 2 levels, 1 are expected"),
        ("program f(x: f64):\n    y: f64 = call g(x)\n    -> y", "line 2: there is no program `g`"),
        (
            "program f(x: f64):\n    y: f64 = sin(x, dtype=class('os.system'))\n    -> y",
            "line 2: `class`: os.system is no",
        ),
        ("program f(x: f64):\n    y: f64 = sin(__import__('os'))\n    -> y", "line 2: `__import__` is not defined"),
        ("program f(x: f64):\n    y: f64 = sin(x) from 3\n    -> y", "line 2: no equation is marked &3"),
        ("program f(x: f64):\n    y: f64 = sin(x) @3\n    -> y", "line 2: there is no file 1"),
        ("program f(x: f64):\n    y: f64[2] = array(f64[2](1.0))\n    -> y", "line 2: no f64[2]: "),
        ("program f(x: f64):\n    y: f64 = sin(x); z\n    -> y", "line 2: `; z` is not understood"),
        ("program f(x: f64):\n    -> x\nprogram f(x: f64):\n    -> x", "line 3: `f` is defined twice"),
    ],
)
def test_text_that_is_no_program_is_refused(source, message):
    with pytest.raises(ValueError) as caught:
        parse(source)
    assert message in str(caught.value)


def test_what_has_no_text_is_shown_and_refused():
    program = Program([], [equation("sin", [0.5], {"f": test_what_has_no_text_is_shown_and_refused})], [], "f")
    assert "f=opaque('<function test_what" in text(program)
    with pytest.raises(ValueError, match="line 2: `opaque`: .* has no text"):
        parse(text(program))


# ---------------------------------------------------------------- what is illegal


def refused(program, *messages):
    with pytest.raises(InvalidProgram) as caught:
        verify(program)
    for message in messages:
        assert message in str(caught.value), caught.value


def small(*equations, params=None, results=()):
    return Program(params or [], list(equations), list(results), "f")


def test_variables_are_defined_once_and_before_use():
    x = Var("x", NUMBER)
    good = equation("sin", [x])
    refused(small(good), "`x` is read before it is defined", "y: f64 = sin(`x.", "in f")
    refused(small(good, good, params=[x]), "`y` is defined twice", "y.1: f64 = sin(x)")
    refused(small(params=[x, x]), "`x` is defined twice")
    refused(small(results=[x]), "result: `x` is read before it is defined")
    later = equation("cos", [x])
    refused(small(equation("sin", later.outs), later, params=[x]), "`y` is read before it is defined")
    refused(small(results=[np.zeros(3)]), "an array stands where a variable or a number is expected")
    refused(small(results=["text"]), "no values of type str")


def test_regions_are_closed_and_share_no_variable():
    x = Var("x", NUMBER)
    inner = Program([], [equation("sin", [x])], [], "inner")
    e = Equation([], row_called("call"), [], {"program": inner}, 0, Position("model.py", 4))
    refused(small(e, params=[x]), "`x` belongs to `f`: regions are closed, so `inner` must be given it", "in f > inner")
    shared = Program([x], [], [x], "inner")
    e = equation("call", [x], {"program": shared})
    refused(small(e, params=[x]), "`x` is defined in `inner`, and in another program, `f`")
    itself = Program([Var("x", NUMBER)], [], [], "itself")
    itself.equations = [Equation([], row_called("call"), list(itself.params), {"program": itself}, 1)]
    refused(itself, "`itself` is a region of itself")


def test_types_follow_from_the_row():
    x, a = Var("x", NUMBER), Var("a", vector(3))
    refused(small(equation("sin", [a]), params=[a]), "declared as f64; the row gives f64[3]", "y: f64 = sin(a)")
    refused(small(equation("add", [2.0, 3.0]), params=[x]), "declared as f64; the row gives ~f64")
    single = Var("s", Type(np.dtype(np.float32), (3,)))
    wide = equation("mul", [single, 2.0], out=("y", vector(3)))
    refused(small(wide, params=[single]), "declared as f64[3]; the row gives f32[3]")
    zero = equation("reshape", [x], {"shape": ()}, out=("y", NUMBER))
    refused(small(zero, params=[x]), "declared as f64; the row gives f64[]")
    b = Var("b", vector(4))
    refused(small(equation("add", [a, b]), params=[a, b]), "`add` cannot be evaluated on such operands: ValueError")
    refused(small(equation("matmul", [a, b]), params=[a, b]), "`matmul` cannot be evaluated")
    several = equation("sin", [x])
    several.outs.append(Var("z", NUMBER))
    refused(small(several, params=[x]), "`sin` has one result, 2 are named")
    stack = Var("k", Stack(NUMBER))
    e = Equation(
        [Var("k", Stack(NUMBER)), Var("y", WEAK)], stack_pop, [stack], {"type": stack.type, "inplace": False}, 1
    )
    refused(small(e, params=[stack]), "declared as stack<f64>, ~f64; the row gives stack<f64>, f64")


def test_holes_name_integers_beyond_the_operands():
    a, i, s = Var("a", vector(3)), Var("i", WHOLE), Var("s", NUMBER)
    read = lambda ins, index, count=1: small(equation("getitem", ins, {"index": index}, count=count), params=[a, i, s])
    verify(read([a, i], (Hole(1),)))
    refused(read([a, s], (Hole(1),)), "a hole is filled by f64, and not by an integer")
    refused(read([a, i], (Hole(0),)), "holes name the operands [0]")
    refused(read([a, i], (2,)), "holes name the operands []; those without another meaning are [1]")
    refused(read([a, i], (Hole(1),), count=3), "3 operands are claimed, 2 are there")
    refused(read([a, i], (slice(None, Hole(1)),)), "the extent of what it reads has no name")


def part_of(a, i, extent=Extent(67, 3)):
    params = {"index": (slice(None, Hole(1)),), "extents": (extent,)}
    return Equation([Var("part", Type(F64, (extent,)))], row_called("getitem"), [a, i], params, 1)


def test_extents_are_lengths_that_the_run_decides():
    a, i = Var("a", vector(3)), Var("i", WHOLE)
    part = part_of(a, i)
    twice = Var("twice", Type(F64, (Extent(67, 3),)))
    joined = Var("joined", Type(F64, (Extent(70, 6),)))
    equations = [
        part,
        Equation([twice], row_called("mul"), [2.0, part.outs[0]], {}, 2),
        Equation([joined], row_called("concatenate"), [twice, a], {"axis": 0}, 2),
    ]
    program = verify(Program([a, i], equations, [joined]))
    assert text(parse(text(program))) == text(program)
    for n in range(5):
        (out,) = Checked().run(program, [np.arange(3.0), n])
        np.testing.assert_array_equal(out, [*2 * np.arange(3.0)[:n], *np.arange(3.0)])
    with pytest.raises(InvalidProgram, match="declared f64"):
        Checked().run(Program([twice], [], [twice]), [np.zeros(4)])


def test_extents_of_two_names_may_differ():
    a, i = Var("a", vector(3)), Var("i", WHOLE)
    one, other = part_of(a, i), part_of(a, i, Extent(71, 3))
    total = equation("add", [one.outs[0], other.outs[0]], out=("total", one.outs[0].type))
    refused(small(one, other, total, params=[a, i]), "`add` cannot be evaluated on such operands")
    refused(small(replace(one, params={**one.params, "extents": ()}), params=[a, i]), "has no name")
    refused(small(replace(one, params={**one.params, "extents": (None, None)}), params=[a, i]), "2 extents are named")


def loop(body, ins, consts=0, outs=None):
    outs = [Var("y", t) for t in (outs or [type_of(0.5)] * (len(ins) - 3 - consts))]
    return Equation(outs, for_, ins, {"body": body, "consts": consts}, len(ins), Position("model.py", 7))


def identity(*types, name="body"):
    params = [Var(f"v{i}", t) for i, t in enumerate(types)]
    return Program(params, [], params[1:], name)


def test_loops_keep_the_types_of_their_carries():
    s, a = Var("s", NUMBER), Var("a", vector(2))
    verify(small(loop(identity(WHOLE, NUMBER), [0, 3, 1, s], outs=[NUMBER]), params=[s]))
    refused(
        small(loop(identity(WHOLE, NUMBER), [0, 3, 1, 0.0], outs=[NUMBER])),
        "`v1` of `body` is f64, its operand ~f64",
        "for v0 in (0, 3, 1) carry (v1: f64 = 0.0)",
        "from model.py:7",
    )
    refused(small(loop(identity(WHOLE, NUMBER), [0, 3.5, 1, s]), params=[s]), "the stop of a loop is ~f64")
    refused(small(loop(identity(WHOLE), [0, 3, 1, s]), params=[s]), "`body` has 1 parameters for 2 operands")
    refused(small(loop(identity(NUMBER, NUMBER), [0, 3, 1, s]), params=[s]), "`v0` of `body` is f64, its operand ~i64")
    params = [Var("i", WHOLE), Var("s", NUMBER), Var("a", vector(2))]
    swapped = Program(params, [], [params[2], params[1]], "body")
    refused(
        small(loop(swapped, [0, 3, 1, s, a]), params=[s, a]),
        "the results of `body` are f64[2], f64; the carries are f64, f64[2]",
    )


def test_branches_and_tests_have_one_form():
    s, c = Var("s", NUMBER), Var("c", TRUTH)
    side = lambda result: Program([p := Var("s", NUMBER)], [], [p if result is None else result], "side")
    branch = lambda ins, then, orelse: Equation(
        [Var("y", NUMBER)], if_, ins, {"then": then, "orelse": orelse}, len(ins)
    )
    verify(small(branch([c, s], side(None), side(None)), params=[s, c]))
    refused(small(branch([s, s], side(None), side(None)), params=[s, c]), "a branch depends on f64")
    refused(small(branch([c, s], side(None), side(1.0)), params=[s, c]), "the results of `orelse` are ~f64")
    test = side(None)
    e = Equation([Var("y", NUMBER)], while_, [s], {"test": test, "body": side(None), "consts": 0}, 1)
    refused(small(e, params=[s]), "the test of a loop gives f64, and not one truth value")


def test_running_checks_the_types_of_values():
    program = sines()
    with pytest.raises(InvalidProgram, match="`s` is ~f64, declared f64"):
        Checked().run(program, [X, 0.5])
    with pytest.raises(InvalidProgram, match="2 are declared, 1 are there"):
        Checked().run(program, [X])


def test_an_effect_is_never_evaluated_again():
    """The way back repeats cheap values, but not one that follows from a check."""

    def side(stage, v):
        check(v[0] > 0, error=ValueError, arguments=("negative",))
        return [v[0] * v[0]]

    then = build("then", [NUMBER], ["x"], side)
    orelse = build("orelse", [NUMBER], ["x"], lambda stage, v: [v[0] + 1.0])
    f = lambda stage, v: [np.sin(if_(v[0] > 0.1, v[0], then=then, orelse=orelse)[0])]
    program = build("f", [NUMBER], ["x"], f)
    found = derivative_program(program, lambda x: [wg.grad(function(program))(x)])
    tried(found, [np.float64(0.5)])
    assert sum(e.row.name == "check" for e in walk(found)) == 1


def test_stacks_of_zeros_are_empty():
    type = Stack(NUMBER)
    stack = stack_push(empty_stack(type=type), np.float64(2.0), type=type, inplace=False)
    values = stack_pop(stack, type=type, inplace=False)
    assert values[1] == 2.0
    assert stack_pop(values[0], type=type, inplace=False, zeros=())[1] == 0.0
    with pytest.raises(IndexError):
        stack_pop(values[0], type=type, inplace=False)


# ---------------------------------------------------------------- what is kept


def test_the_report_says_what_is_kept_and_why():
    report = kept_by(sines())
    (loop,) = report.inner
    by_name = {e.name: e for e in loop.entries}
    assert (by_name["s"].choice, by_name["s"].bytes) == ("kept", 8)
    assert by_name["s"].why == "changes from one iteration to the next"
    assert (by_name["getitem"].choice, by_name["getitem"].why) == ("again", "cheap: getitem")
    assert (loop.bytes, loop.trips) == (8, 4) and report.bytes == 32
    assert "loop `body`: keeps 8 bytes in each of 4 iterations" in str(report)


def test_a_loop_that_only_accumulates_keeps_nothing():
    body = lambda stage, v: [v[2] + np.exp(v[1][v[0]])]
    body = build("body", [WHOLE, vector(9), NUMBER], ["i", "x", "s"], body)
    program = lambda stage, v: list(for_(0, 9, 1, *v, body=body, consts=1))
    report = kept_by(build("f", [vector(9), NUMBER], ["x", "s"], program))
    assert report.bytes == 0 and report.inner[0].bytes == 0
    assert "loop `body`: keeps nothing" in str(report)


def test_a_loop_of_unknown_length_keeps_stacks():
    report = kept_by(halved())
    assert report.bytes is None and "keeps stacks" in str(report)
    assert report.inner[0].trips is None and "bytes in each iteration" in str(report)
