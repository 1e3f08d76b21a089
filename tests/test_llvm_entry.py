"""How Python calls compiled programs: exact types in, exact types out, and the fallback for everything else."""

import gc
import os
import signal
import sys
import threading
import time
import timeit
import tracemalloc
import weakref
from collections import OrderedDict, defaultdict, namedtuple
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, ContextVar
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest

import wengert as wg
from wengert.backends.llvm import cache, engine, layout, native
from wengert.backends.llvm import entry as entries
from wengert.backends.llvm.call import ABSENT, VALUE, Call, by_address, flat_call
from wengert.backends.llvm.portable import Portable
from wengert.core.tree import flatten
from wengert.ir.program import Extent, Type, type_of


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path_factory.getbasetemp() / "code"))


@pytest.fixture(params=["native", "portable"])
def entry(request):
    if request.param == "portable":
        return Portable
    assert layout.layout() is not None
    return entries.entry


F8 = np.dtype(float)
FLOAT, INT, BOOL, COMPLEX = (type_of(x) for x in (1.0, 1, True, 1j))


def array(*shape, dtype=float):
    return Type(np.dtype(dtype), shape)


def fallback(*args, **kwargs):
    return "fallback", args, kwargs


def went_back(result, *args, **kwargs):
    """Whether the fallback got the very same objects."""
    assert isinstance(result, tuple) and result[0] == "fallback"
    same = len(result[1]) == len(args) and all(x is y for x, y in zip(result[1], args))
    return same and result[2].keys() == kwargs.keys() and all(result[2][k] is kwargs[k] for k in kwargs)


# ---------------------------------------------------------------- programs in LLVM text


def code(body, head=""):
    return engine.compile(
        f"{head}\ndefine i32 @run(ptr %inputs, ptr %outputs, ptr %arena) {{\n{body}\n}}", {}, level=engine.QUICK
    )


LLVM = {"f8": "double", "f4": "float", "b1": "i8"}


def loaded(k, type):
    """Number k of the inputs, or the first of an array, as a double %v{k}."""
    kind, lines = type.dtype.str[1:], [f"%p{k} = getelementptr i64, ptr %inputs, i64 {k}"]
    place = f"%p{k}"
    if type.form == "array":
        lines.append(f"%a{k} = load ptr, ptr {place}")
        place = f"%a{k}"
    llvm = LLVM.get(kind, f"i{8 * type.dtype.itemsize}")
    lines.append(f"%x{k} = load {llvm}, ptr {place}")
    how = {"f4": "fpext float", "f8": "fadd double 0.0,"}.get(kind) or (
        f"sitofp {llvm}" if kind[0] == "i" else f"uitofp {llvm}"
    )
    lines.append(f"%v{k} = {how} %x{k}{'' if kind == 'f8' else ' to double'}")
    return lines


def numbering(types):
    """1 * first + 10 * second + 100 * third ..., as a float."""
    lines = ["%s0 = fadd double 0.0, 0.0"]
    for k, type in enumerate(types):
        lines += [*loaded(k, type), f"%t{k} = fmul double %v{k}, {10.0**k}"]
        lines.append(f"%s{k + 1} = fadd double %s{k}, %t{k}")
    return code("\n".join([*lines, f"store double %s{len(types)}, ptr %outputs", "ret i32 0"]))


COPY = "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"


def copying(types):
    """Each parameter is the result of its number."""
    lines = []
    for k, type in enumerate(types):
        lines += [
            f"%p{k} = getelementptr i64, ptr %inputs, i64 {k}",
            f"%q{k} = getelementptr i64, ptr %outputs, i64 {k}",
        ]
        source, target, size = f"%p{k}", f"%q{k}", type.dtype.itemsize
        if by_address(type):
            lines += [f"%a{k} = load ptr, ptr %p{k}", f"%b{k} = load ptr, ptr %q{k}"]
            source, target, size = f"%a{k}", f"%b{k}", size * int(np.prod(type.shape))
        lines.append(f"call void @llvm.memcpy.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)")
    return code("\n".join([*lines, "ret i32 0"]), COPY)


def doubling(size):
    """Result 0 is twice the array, parameter 0."""
    return code(f"""
  %a = load ptr, ptr %inputs
  %b = load ptr, ptr %outputs
  br label %next
next:
  %k = phi i64 [ 0, %0 ], [ %after, %next ]
  %p = getelementptr double, ptr %a, i64 %k
  %q = getelementptr double, ptr %b, i64 %k
  %x = load double, ptr %p
  %y = fadd double %x, %x
  store double %y, ptr %q
  %after = add i64 %k, 1
  %more = icmp ult i64 %after, {size}
  br i1 %more, label %next, label %end
end:
  ret i32 0
""")


def returning(status):
    return code(f"  store double 7.0, ptr %outputs\n  ret i32 {status}")


# spins until it is told to stop (3), or its parameter, a number of rounds, is over
SPINNING = """
  %rounds = load i64, ptr %inputs
  %before = getelementptr i64, ptr %inputs, i64 -1
  %stop = load ptr, ptr %before
  br label %next
next:
  %k = phi i64 [ 0, %0 ], [ %after, %more ]
  %end = icmp sge i64 %k, %rounds
  br i1 %end, label %done, label %poll
poll:
  %told = load atomic i32, ptr %stop monotonic, align 4
  %go_on = icmp eq i32 %told, 0
  br i1 %go_on, label %more, label %stopped
more:
  %after = add i64 %k, 1
  br label %next
done:
  store i64 %k, ptr %outputs
  ret i32 0
stopped:
  ret i32 3
"""
SECOND = 400_000_000  # rounds, at least


# ---------------------------------------------------------------- numbers and arrays


def test_numbers_and_arrays_come_in_by_position(entry):
    types = [FLOAT, INT, array(2), array(2, 2), array()]
    f = entry(flat_call(types, [FLOAT], fallback), numbering(types))
    found = f(1.0, 2, np.array([3.0, 0.0]), np.array([[4.0, 0.0], [0.0, 0.0]]), np.array(5.0))
    assert found == 54321.0 and type(found) is float


DTYPES = [np.dtype(code) for code in "?bhilqBHILQfdFD"]


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: f"{d}-{d.char}")
def test_every_dtype_keeps_its_type_and_bits(dtype, entry):
    types = [Type(dtype, (), "scalar"), Type(dtype, (3,)), Type(dtype, ()), Type(dtype, (2, 0))]
    f = entry(flat_call(types, types, fallback), copying(types))
    content = np.frombuffer(bytes([1, 0, 1] + [0x81] * 45) if dtype.kind != "b" else bytes([1, 0, 1] * 8), dtype)[:3]
    given = [content[2], content.copy(), np.array(content[0]), np.zeros((2, 0), dtype)]
    found = f(*given)
    for x, y in zip(given, found):
        assert type(x) is type(y) and x.dtype == y.dtype and x.shape == y.shape and x.tobytes() == y.tobytes()
        if isinstance(y, np.ndarray):
            assert y is not x and y.flags.owndata and y.flags.writeable


def test_python_numbers_keep_their_type(entry):
    types = [FLOAT, INT, BOOL, INT, FLOAT, COMPLEX]
    f = entry(flat_call(types, types, fallback), copying(types))
    given = (-0.0, -(2**63), True, 2**63 - 1, float("nan"), complex(-0.0, -2.5))
    found = f(*given)
    assert [type(x) for x in found] == [float, int, bool, int, float, complex]
    assert found[1:4] == given[1:4] and str(found[0]) == "-0.0" and np.isnan(found[4])
    assert str(found[5]) == "(-0-2.5j)"


def test_no_parameters_and_no_results(entry):
    assert entry(flat_call([], [], fallback), code("ret i32 0"))() == ()
    assert entry(flat_call([], [FLOAT], fallback), returning(0))() == 7.0


class Sub(np.ndarray):
    pass


class FloatSub(float):
    pass


class IntSub(int):
    pass


class ComplexSub(complex):
    pass


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)[1:]
    found = memory.view(x.dtype).reshape(x.shape)
    found[...] = x
    return found


READ_ONLY = np.zeros(3)
READ_ONLY.flags.writeable = False
BAD_ARRAYS = {
    "longer": np.zeros(4),
    "shorter": np.zeros(2),
    "empty": np.zeros(0),
    "rank 0": np.array(1.0),
    "rank 2": np.zeros((1, 3)),
    "strided": np.zeros(6)[::2],
    "backwards": np.zeros(3)[::-1],
    "broadcast": np.broadcast_to(1.0, (3,)),
    "swapped": np.zeros(3, ">f8" if sys.byteorder == "little" else "<f8"),
    "unaligned": unaligned(np.zeros(3)),
    "float32": np.zeros(3, np.float32),
    "int64": np.zeros(3, np.int64),
    "complex": np.zeros(3, complex),
    "objects": np.array([1.0, 2.0, 3.0], object),
    "records": np.zeros(3, [("x", float)]),
    "dates": np.zeros(3, "M8[s]"),
    "texts": np.zeros(3, "U2"),
    "huge": np.lib.stride_tricks.as_strided(np.zeros(1), (2**40,), (0,)),
    "subclass": np.zeros(3).view(Sub),
    "masked": np.ma.zeros(3),
    "list": [1.0, 2.0, 3.0],
    "number": 1.0,
    "scalar": np.float64(1.0),
    "None": None,
    "text": "abc",
    "type": np.ndarray,
    "memory": memoryview(np.zeros(3)),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_other_arrays_go_to_the_fallback(name, entry):
    f = entry(flat_call([array(3), FLOAT], [FLOAT], fallback), numbering([array(3), FLOAT]))
    bad = BAD_ARRAYS[name]
    assert went_back(f(bad, 1.0), bad, 1.0)
    assert f(READ_ONLY, 1.0) == 10.0  # what is not written may be read-only


BAD_NUMBERS = {
    FLOAT: [1, True, np.float64(1), np.float32(1), FloatSub(1), "1", None, np.array(1.0), 1j, IntSub(1)],
    INT: [1.0, True, 2**63, -(2**63) - 1, 10**30, IntSub(1), np.int64(1), None],
    BOOL: [1, 0, np.True_, None],
    Type(F8, (), "scalar"): [1.0, np.float32(1), np.array(1.0), None, FloatSub(1)],
    Type(np.dtype("i4"), (), "scalar"): [1, np.int64(1), np.uint32(1), True],
    COMPLEX: [1.0, 1, ComplexSub(1), np.complex128(1), np.complex64(1), np.array(1j), None, "1j"],
    Type(np.dtype(complex), (), "scalar"): [1j, 1.0, np.complex64(1), np.clongdouble(1), np.float64(1), np.array(1j)],
    Type(np.dtype(np.complex64), (), "scalar"): [1j, np.complex128(1), np.float64(1), ComplexSub(1)],
}


@pytest.mark.parametrize("type", BAD_NUMBERS, ids=str)
def test_other_numbers_go_to_the_fallback(type, entry):
    f = entry(flat_call([type], [type], fallback), copying([type]))
    for bad in BAD_NUMBERS[type]:
        assert went_back(f(bad), bad), bad


def test_other_numbers_of_arguments_and_keywords_go_to_the_fallback(entry):
    f = entry(flat_call([FLOAT, FLOAT], [FLOAT], fallback), numbering([FLOAT, FLOAT]))
    for args, kwargs in [((), {}), ((1.0,), {}), ((1.0,) * 3, {}), ((1.0,), {"y": 2.0}), ((1.0, 2.0), {"y": 2.0})]:
        assert went_back(f(*args, **kwargs), *args, **kwargs)


def test_traced_values_go_to_the_fallback(entry):
    f = entry(flat_call([FLOAT], [FLOAT], lambda x: x * x * x), numbering([FLOAT]))
    assert f(2.0) == 2.0 and wg.derivative(f)(2.0) == 12.0


def test_equal_dtypes_are_one_dtype(entry):
    """Two C types of one size are two dtypes of NumPy, which are equal."""
    for one, other in [("l", "q"), ("L", "Q")]:
        f = entry(flat_call([array(3, dtype=one)], [FLOAT], fallback), numbering([array(3, dtype=one)]))
        assert np.dtype(one) == np.dtype(other)
        assert f(np.array([4, 0, 0], other)) == 4.0
        assert f(np.array([4, 0, 0], np.dtype(one).newbyteorder("="))) == 4.0


# ---------------------------------------------------------------- containers

Point = namedtuple("Point", "x y")


class Bag(list):
    pass


@dataclass(frozen=True)
class Layer:
    weight: object
    bias: object


def call_of(args, kwargs, **more):
    """A call with these arguments, whose numbers and arrays are parameters, and what they add up to."""
    leaves, structure = flatten((args, kwargs))
    is_value = [isinstance(x, float | np.ndarray | np.generic) or type(x) is int for x in leaves]
    types = [type_of(x) for x, value in zip(leaves, is_value) if value]
    kept = [VALUE if value else x for x, value in zip(leaves, is_value)]
    return Call(types, [FLOAT], fallback, structure, kept, None, [VALUE], **more), types


NESTED = {
    "tuple": ((1.0, (2.0, np.array([3.0]))),),
    "list": ([1.0, [2.0], 3.0],),
    "dict": ({"a": 1.0, "b": {"c": 2.0, 7: 3.0}},),
    "namedtuple": (Point(1.0, Point(2.0, 3.0)),),
    "dataclass": (Layer(1.0, Layer(2.0, 3.0)),),
    "mixed": ([{"w": Layer(1.0, (2.0,))}, Point(None, 3.0)],),
    "ordered": (OrderedDict(b=1.0, a=2.0), 3.0),
    "default": (defaultdict(list, {"b": 1.0, "a": [2.0]}), 3.0),
    "subclass": (Bag([1.0, 2.0]), 3.0),
    "empty": ((), [], {}, 1.0, 2.0, 3.0),
    "facts": ("mode", 1.0, True, None, 2.0, b"x", 3.0),
}


@pytest.mark.parametrize("name", NESTED)
def test_containers_are_taken_apart(name, entry):
    call, types = call_of(NESTED[name], {})
    f = entry(call, numbering(types))
    assert f(*NESTED[name]) == 321.0


def test_keywords_are_taken_by_name(entry):
    call, types = call_of((1.0,), {"y": 2.0, "z": (3.0,)})
    f = entry(call, numbering(types))
    assert f(1.0, y=2.0, z=(3.0,)) == 321.0
    z = (3.0,)
    for kwargs in ({"z": z, "y": 2.0}, {"y": 2.0}, {"y": 2.0, "w": z}, {"y": 2.0, "z": z, "w": 1.0}):
        assert went_back(f(1.0, **kwargs), 1.0, **kwargs)


OTHERS = {
    "tuple": [(1.0,), [1.0, (2.0, 3.0)], (1.0, (2.0, 3.0, 4.0)), (1.0, [2.0, 3.0]), Point(1.0, (2.0, 3.0)), 5.0, None],
    "list": [[1.0, [2.0]], [1.0, [2.0], 3.0, 4.0], (1.0, [2.0], 3.0), Bag([1.0, [2.0], 3.0]), [1.0, [], 3.0]],
    "dict": [
        {"b": {"c": 2.0, 7: 3.0}, "a": 1.0},  # another order
        {"a": 1.0},
        {"a": 1.0, "b": {"c": 2.0, 8: 3.0}},
        {"a": 1.0, "B": {"c": 2.0, 7: 3.0}},
        OrderedDict(a=1.0, b={"c": 2.0, 7: 3.0}),
    ],
    "namedtuple": [(1.0, Point(2.0, 3.0)), Point(1.0, (2.0, 3.0)), Point(1.0, 2.0)],
    "dataclass": [Layer(1.0, 2.0), Layer(1.0, (2.0, 3.0)), Layer],
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_containers_go_to_the_fallback(name, entry):
    call, types = call_of(NESTED[name], {})
    f = entry(call, numbering(types))
    for other in OTHERS[name]:
        assert went_back(f(other), other)


def test_keys_that_are_equal_texts_fit(entry):
    call, types = call_of(({"first": 1.0, "second": 2.0},), {})
    f = entry(call, numbering(types))
    assert f({"".join(["fir", "st"]): 1.0, "".join(["sec", "ond"]): 2.0}) == 21.0


def test_facts_are_compared(entry):
    given = ("mode", True, None, np.sum, (3,), 1.0)
    call, types = call_of(given, {})
    call = Call(**{**vars(call), "leaves": ["mode", True, np.sum, 3, VALUE], "params": [FLOAT]})
    f = entry(call, numbering([FLOAT]))
    assert f(*given) == 1.0 and f("".join(["mo", "de"]), *given[1:]) == 1.0
    for k, other in [(0, "other"), (0, b"mode"), (1, 1), (1, np.True_), (2, 0), (3, np.prod), (4, (4,)), (4, (3.0,))]:
        args = [*given[:k], other, *given[k + 1 :]]
        assert went_back(f(*args), *args), (k, other)


def test_numbers_that_the_program_was_built_for(entry):
    types = [INT, Type(np.dtype("i2"), (), "scalar")]
    f = entry(flat_call(types, [FLOAT], fallback, known={0: -3, 1: -5}), numbering(types))
    assert f(-3, np.int16(-5)) == -53.0
    for args in [(3, np.int16(-5)), (-3, np.int16(5))]:
        assert went_back(f(*args), *args)


def test_a_container_that_misbehaves_goes_to_the_fallback(entry):
    @dataclass
    class Emptying:
        """Its list loses its items when `x` is read."""

        items: list
        x: float

        def __getattribute__(self, name):
            if name == "x" and armed:
                object.__getattribute__(self, "items").clear()
            return object.__getattribute__(self, name)

    armed = []
    call, types = call_of((Emptying([np.ones(1)], 2.0),), {})
    f = entry(call, numbering(types))
    assert f(Emptying([np.ones(1)], 2.0)) == 21.0
    armed.append(True)
    for _ in range(10):  # the array leaves its list while it is looked at
        tree = Emptying([np.ones(1)], 2.0)
        found = f(tree)
        assert found == 21.0 or went_back(found, tree)

    call, types = call_of((Layer(1.0, 2.0), [3.0]), {})
    f = entry(call, numbering(types))
    without_fields, other = object.__new__(Layer), [3.0]
    assert went_back(f(without_fields, other), without_fields, other)


# ---------------------------------------------------------------- writes


def overwriting(entry, size=3, **more):
    """Parameter 0 gets twice its content; parameter 1 is only read."""
    types = [array(size), array(size)]
    return entry(flat_call(types, [array(size)], fallback, written={0: 0}, **more), doubling(size))


@pytest.mark.parametrize("size", [3, 10_000])
def test_arguments_are_written(size, entry):
    f = overwriting(entry, size)
    a, b = np.arange(float(size)), np.ones(size)
    address = a.ctypes.data
    assert f(a, b) == () and np.array_equal(a, 2 * np.arange(float(size))) and np.array_equal(b, np.ones(size))
    assert a.ctypes.data == address


def test_what_is_read_only_or_overlaps_goes_to_the_fallback(entry):
    f = overwriting(entry)
    memory = np.arange(6.0)
    for a, b in [
        (READ_ONLY, np.ones(3)),
        (memory[:3], memory[2:5]),
        (memory[2:5], memory[:3]),
        (memory[:3], memory[:3]),
    ]:
        assert went_back(f(a, b), a, b)
    one = np.ones(3)
    assert went_back(f(one, one), one, one)  # the program was built for two arrays
    assert f(memory[:3], memory[3:]) == () and np.array_equal(memory, [0, 2, 4, 3, 4, 5])


def test_one_array_twice_is_a_program_of_its_own(entry):
    f = overwriting(entry, same={1: 0})
    one = np.ones(3)
    assert f(one, one) == () and np.array_equal(one, [2, 2, 2])
    other = np.ones(3)
    assert went_back(f(one, other), one, other)


@pytest.mark.parametrize("status", [1, 17])
def test_a_failed_check_writes_nothing_and_goes_to_the_fallback(status, entry):
    f = entry(flat_call([array(3)], [array(3)], fallback, written={0: 0}), returning(status))
    a = np.arange(3.0)
    assert went_back(f(a), a) and np.array_equal(a, np.arange(3.0))


# ---------------------------------------------------------------- results

TREES = {
    "one": 1.0,
    "tuple": (1.0, 2.0),
    "nested": ([1.0, {"a": 2.0, "b": (3.0, None)}], "text"),
    "namedtuple": Point(1.0, [2.0]),
    "dataclass": Layer(1.0, {"x": 2.0}),
    "ordered": OrderedDict(b=1.0, a=2.0),
    "constants": (None, "a", 1.0, np.sum, ()),
    "nothing": None,
    "no number": ["a"],
}


@pytest.mark.parametrize("name", TREES)
def test_results_are_put_together(name, entry):
    leaves, structure = flatten(TREES[name])
    given = [VALUE if type(x) is float else x for x in leaves]
    types = [FLOAT] * sum(x is VALUE for x in given)
    flat = flat_call(types, types, fallback)
    f = entry(Call(types, types, fallback, flat.arguments, flat.leaves, structure, given), copying(types))
    found = f(*[x for x in leaves if type(x) is float])
    assert found == TREES[name] and type(found) is type(TREES[name])
    if isinstance(found, list):
        assert f(*[x for x in leaves if type(x) is float]) is not found


@pytest.mark.parametrize("length", [0, 1, 3, 4])
def test_lengths_that_only_the_run_knows(length, entry):
    ragged, scalar = Type(F8, (Extent(0, 4), 2, Extent(1, 4))), FLOAT
    body = """
  %n = load i64, ptr %inputs
  %a = load ptr, ptr %outputs
  br label %next
next:
  %k = phi i64 [ 0, %0 ], [ %after, %next ]
  %x = sitofp i64 %k to double
  %p = getelementptr double, ptr %a, i64 %k
  store double %x, ptr %p
  %after = add i64 %k, 1
  %more = icmp ult i64 %after, 32
  br i1 %more, label %next, label %end
end:
  %second = getelementptr i64, ptr %outputs, i64 1
  store double 5.0, ptr %second
  %one = getelementptr i64, ptr %outputs, i64 2
  store i64 %n, ptr %one
  %two = getelementptr i64, ptr %outputs, i64 3
  %rest = sub i64 4, %n
  store i64 %rest, ptr %two
  ret i32 0
"""
    f = entry(flat_call([INT], [ragged, scalar], fallback), code(body))
    found, five = f(length)
    assert five == 5.0 and np.array_equal(found, np.arange(32.0).reshape(4, 2, 4)[:length, :, : 4 - length])
    assert found.shape == (length, 2, 4 - length) and found.flags.c_contiguous and found.flags.owndata
    assert found.base is None


@pytest.mark.parametrize("length", [5, -1, 2**40])
def test_a_length_out_of_its_bound_is_a_failure(length, entry):
    body = f"%p = getelementptr i64, ptr %outputs, i64 1\n store i64 {length}, ptr %p\n ret i32 0"
    f = entry(flat_call([], [Type(F8, (Extent(0, 4),))], fallback), code(body))
    assert went_back(f())


def test_out_of_memory(entry):
    with pytest.raises(MemoryError):
        entry(flat_call([], [FLOAT], fallback), returning(2))()
    huge = array(2**58)
    with pytest.raises((MemoryError, ValueError)):
        entry(flat_call([], [huge], fallback), returning(0))()


def test_a_fallback_that_raises(entry):
    def raises(*args):
        raise ZeroDivisionError("by the user")

    f = entry(flat_call([FLOAT], [FLOAT], raises), returning(1))
    for x in (1.0, "text"):
        with pytest.raises(ZeroDivisionError, match="by the user"):
            f(x)


# ---------------------------------------------------------------- what is read from outside


def test_guards_and_hidden_inputs_are_read_at_each_call(entry):
    names = {"scale": np.array([2.0]), "helper": np.sum, "level": 3.0}
    answers = [True]
    call = flat_call(
        [FLOAT, array(1), FLOAT],
        [FLOAT],
        fallback,
        hidden=[(names, "scale"), lambda: names["level"]],
        guards=[(names, "helper", np.sum), (names, "other", ABSENT)],
        checks=[lambda: answers[-1]],
    )
    f = entry(call, numbering(call.params))
    assert f(1.0) == 321.0
    names.update(scale=np.array([5.0]), level=6.0)
    assert f(1.0) == 651.0
    for change in (
        lambda: names.update(helper=np.prod),
        lambda: names.pop("helper"),
        lambda: names.update(other=1),
        lambda: names.update(scale=np.zeros(2)),
        lambda: names.pop("scale"),
        lambda: names.update(level=6),
        lambda: names.pop("level"),
        lambda: answers.append(False),
        lambda: answers.append(1),
        lambda: answers.clear(),
    ):
        kept, said = dict(names), list(answers)
        change()
        assert went_back(f(1.0), 1.0)
        names.clear()
        names.update(kept)
        answers[:] = said
        assert f(1.0) == 651.0


def test_context_variables_must_be_unset(entry):
    empty, default = ContextVar("empty"), ContextVar("default", default=None)
    f = entry(flat_call([FLOAT], [FLOAT], fallback, unset=[empty, default]), numbering([FLOAT]))
    assert f(1.0) == 1.0
    for variable in (empty, default):
        token = variable.set(1)
        assert went_back(f(1.0), 1.0) and Context().run(f, 1.0) == 1.0
        variable.reset(token)
        variable.set(None)
        assert f(1.0) == 1.0


def test_hidden_inputs_are_read_after_the_arguments_fit(entry):
    drawn = []
    call = flat_call([FLOAT, FLOAT], [FLOAT], fallback, hidden=[lambda: drawn.append(1) or 2.0])
    f = entry(call, numbering(call.params))
    assert went_back(f("text"), "text") and drawn == []
    assert f(1.0) == 21.0 and drawn == [1]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_ordinary_exception_is_not_swallowed(error, entry):
    def check():
        raise error

    for more in ({"checks": [check]}, {"hidden": [check]}):
        f = entry(flat_call([FLOAT], [FLOAT], fallback, **more), numbering([FLOAT]))
        with pytest.raises(error):
            f(*([1.0] if "checks" in more else []))


# ---------------------------------------------------------------- memory


def test_the_arena_is_aligned_and_of_its_size(entry):
    body = """
  %a = ptrtoint ptr %arena to i64
  store i64 %a, ptr %outputs
  %last = getelementptr i8, ptr %arena, i64 SIZE
  store i8 1, ptr %last
  ret i32 0
"""
    for size in (1, 100, 20_000, 1_000_000, 80_000_000):
        f = entry(flat_call([], [INT], fallback, arena=size), code(body.replace("SIZE", str(size - 1))))
        assert all(f() % 64 == 0 for _ in range(3))


@pytest.mark.parametrize("size", [8, 20_000])
def test_memory_is_poisoned_in_tests(size, entry):
    """NaN in the arena, and in what the code does not fill."""
    body = "%x = load double, ptr %arena\n store double %x, ptr %outputs\n store double 1.0, ptr %arena\n ret i32 0"
    f = entry(flat_call([], [FLOAT, array(size // 8)], fallback, arena=size, poison=True), code(body))
    for _ in range(2):
        number, filled = f()
        assert np.isnan(number) and np.isnan(filled).all()


def counts(*objects):
    return [sys.getrefcount(x) for x in objects]


def test_reference_counts_are_exact(entry):
    tree = {"w": [np.ones(3), Layer(np.zeros(2), "fact")], "p": Point(1.5, 2.5)}
    call, types = call_of((tree, 7.25), {})
    results = [FLOAT, *types[:2]]
    call = Call(
        **{**vars(call), "results": results, "returned": flatten(([1.0, 2.0], {"a": 3.0}))[1], "given": [VALUE] * 3}
    )
    f = entry(call, code("ret i32 0"))
    failing = entry(call, code("ret i32 1"))
    bad = {"w": [np.ones(3), Layer(np.zeros(3), "fact")], "p": Point(1.5, 2.5)}
    held = [tree, tree["w"], tree["w"][0], tree["w"][1], tree["w"][1].weight, tree["p"], tree["p"].x, bad, bad["w"]]
    held += [bad["w"][0], bad["w"][1].weight, F8, fallback, Layer, Point, np.ndarray, call, f, failing]

    def many(n):
        for _ in range(n):
            f(tree, 7.25)
            failing(tree, 7.25)
            f(bad, 7.25)
            f(tree, 7)
            f()

    many(3)
    before = counts(*held)
    many(200)
    after = counts(*held)
    assert [abs(x - y) < 10 for x, y in zip(before, after)] == [True] * len(held), (before, after)
    assert before[:11] == after[:11]


def test_a_million_calls_take_no_memory():
    types = [FLOAT, array(4), COMPLEX]
    scalar = Type(np.dtype(complex), (), "scalar")
    f = entries.entry(flat_call(types, [array(4), FLOAT, COMPLEX, scalar], fallback), code("ret i32 0"))
    a = np.ones(4)

    def many(n):
        for _ in range(n):
            f(1.0, a, 1j)
            f(1, a, 1j)

    many(1000)
    gc.collect()
    tracemalloc.start()
    try:
        many(1000)
        before = tracemalloc.get_traced_memory()[0]
        many(20_000)
        assert tracemalloc.get_traced_memory()[0] - before < 2000
    finally:
        tracemalloc.stop()
    blocks = sys.getallocatedblocks()
    many(500_000)
    assert sys.getallocatedblocks() - blocks < 100


def test_no_way_through_a_call_leaks(entry):
    """Nodes of every kind, checks, parts of arrays, failures at every place."""
    names = {"x": np.ones(2)}
    answers = [object, lambda: True]
    tree = (OrderedDict(a=1.0), Layer([2.0], Point(3.0, {"b": 4.0})))
    call, types = call_of((tree,), {})
    part = Type(F8, (Extent(0, 4),))
    tail = {"hidden": [(names, "x"), lambda: names["x"]], "guards": [(names, "x", names["x"])]}
    body = "%p = getelementptr i64, ptr %outputs, i64 1\n store i64 2, ptr %p\n ret i32 STATUS"
    functions = []
    for status in "01":
        for answer in answers:
            parts = {
                **vars(call),
                "params": [*types, array(2), array(2)],
                "results": [part],
                **tail,
                "checks": [answer],
            }
            functions.append(entry(Call(**parts), code(body.replace("STATUS", status))))

    def many(n):
        for _ in range(n):
            for f in functions:
                f(tree)
                f((OrderedDict(a=1), tree[1]))
                f((tree[0], Layer([2.0], Point(3.0, {}))))
                f(tree, 1.0)
            x = names.pop("x")
            functions[0](tree)
            names["x"] = x

    many(50)
    gc.collect()
    blocks = sys.getallocatedblocks()
    many(300)
    gc.collect()
    assert sys.getallocatedblocks() - blocks < 100
    assert functions[1](tree).shape == (2,)  # the others fall back
    assert [went_back(functions[k](tree), tree) for k in (0, 2, 3)] == [True] * 3


def test_a_function_that_nobody_holds_goes(entry):
    class Holder:
        pass

    def made():
        holder = Holder()
        holder.call = entry(
            flat_call([array(3000)], [FLOAT], lambda *args: holder, arena=30_000), numbering([array(3000)])
        )
        assert holder.call(np.ones(3000)) == 1.0
        return weakref.ref(holder)

    gone = made()
    gc.collect()
    assert gone() is None


# ---------------------------------------------------------------- native = portable


def random_tree(random, depth=0):
    kind = random.choice(["float", "int", "array", "fact", "tuple", "list", "dict", "point", "layer", "ordered"])
    if kind in ("float", "int", "array", "fact") or depth > 2:
        return {
            "int": random.randrange(-5, 5),
            "array": np.full(random.choice([(2,), (2, 1), ()]), 1.5, random.choice("fdiq")),
            "fact": random.choice(["a", None, True, b"x"]),
        }.get(kind, random.random())
    parts = [random_tree(random, depth + 1) for _ in range(2 if kind in ("point", "layer") else random.randrange(4))]
    named = {f"k{i}": x for i, x in enumerate(parts)}
    makers = {"tuple": tuple, "list": list, "dict": lambda _: named, "ordered": lambda _: OrderedDict(named)}
    return {**makers, "point": Point._make, "layer": lambda parts: Layer(*parts)}[kind](parts)


def changed(random, tree):
    """The tree with one thing changed somewhere, or nothing."""
    if random.random() < 0.3 or not isinstance(tree, list | tuple | dict):
        others = [tree, 1.0, 1, None, True, "a", (), [tree], np.ones(2), np.ones((2, 1), np.float32), np.float64(2)]
        others += [tree[..., ::-1]] if isinstance(tree, np.ndarray) and tree.ndim else []
        return random.choice(others)
    if isinstance(tree, dict):
        items = [(key, changed(random, x)) for key, x in tree.items()]
        if random.random() < 0.1:
            items.reverse()
        return type(tree)(items)
    parts = [changed(random, x) for x in tree]
    if isinstance(tree, Point):
        return random.choice([Point._make, Point._make, tuple])(parts)
    return type(tree)(parts[: None if random.random() < 0.9 else -1])


@pytest.mark.parametrize("seed", range(60))
def test_both_ways_see_the_same(seed):
    """Whatever comes: one value, or the fallback with the very same objects."""
    random = Random(seed)
    args = tuple(random_tree(random) for _ in range(random.randrange(1, 4)))
    call, types = call_of(args, {})
    program = numbering(types)
    one, other = entries.entry(call, program), Portable(call, program)
    assert one(*args) == other(*args) and type(one(*args)) is float
    fell_back = 0
    for _ in range(30):
        new = tuple(changed(random, x) if random.random() < 0.5 else x for x in args)
        found, expected = one(*new), other(*new)
        assert type(found) is type(expected)
        if type(found) is float:
            assert found == expected
        else:
            assert went_back(found, *new) and went_back(expected, *new)
            fell_back += 1
    assert fell_back


# ---------------------------------------------------------------- threads, forks, interrupts


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("size", [10, 5000])
def test_eight_threads_call_at_once(size, long, entry):
    f = entry(flat_call([array(size)], [array(size)], fallback, arena=8 * size, long=long), doubling(size))

    def work(k):
        a = np.full(size, float(k))
        return all(np.array_equal(f(a), 2 * a) for _ in range(300)) and f(k) == ("fallback", (k,), {})

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(16)))


@pytest.mark.parametrize("long", [False, True])
def test_others_change_what_a_call_looks_at(long, entry):
    """Lists that lose their arrays, arrays that are written and resized, while eight threads call."""
    size = 2000
    call, types = call_of(([np.ones(size)], {"a": np.ones(size)}), {}, long=long)
    f = entry(Call(**{**vars(call), "results": [array(size)]}), doubling(size))
    tree, stop = ([np.ones(size)], {"a": np.ones(size)}), threading.Event()

    def change():
        while not stop.is_set():
            tree[0][:] = [np.ones(size)]
            tree[0].clear()
            tree[1]["a"] = np.ones(3)
            tree[1].clear()
            tree[0].append(np.ones(size))
            tree[1]["a"] = np.ones(size)
            try:
                tree[0][0].resize(10)
            except (ValueError, IndexError):  # it is in use
                pass

    def work(k):
        found = [f(*tree) for _ in range(400)]
        return all(isinstance(x, tuple) or np.array_equal(x, np.full(size, 2.0)) for x in found)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(8)))
    finally:
        stop.set()
        changing.join()


def test_positions_cannot_change_while_others_run(entry):
    """The code of a long call sees a copy of whole numbers: it checks them, and then it uses them."""
    body = """
  %a = load ptr, ptr %inputs
  %p = getelementptr i64, ptr %inputs, i64 1
  %b = load ptr, ptr %p
  %x = ptrtoint ptr %a to i64
  %y = ptrtoint ptr %b to i64
  store i64 %x, ptr %outputs
  %q = getelementptr i64, ptr %outputs, i64 1
  store i64 %y, ptr %q
  ret i32 0
"""
    positions, numbers = np.arange(5), np.ones(5)
    f = entry(flat_call([array(5, dtype=int), array(5)], [INT, INT], fallback, long=True), code(body))
    found = f(positions, numbers)
    assert found[0] != positions.ctypes.data and found[1] == numbers.ctypes.data


def test_long_calls_let_others_run():
    f = entries.entry(flat_call([INT], [INT], fallback, long=True), code(SPINNING))
    ticks = []
    thread = threading.Thread(target=lambda: f(SECOND))
    thread.start()
    while thread.is_alive():
        ticks.append(time.monotonic())
        time.sleep(0.005)
    assert len(ticks) > 10


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
@pytest.mark.parametrize("size", [10, 5000])
def test_calls_work_after_a_fork(size, entry):
    f = entry(flat_call([array(size)], [array(size)], fallback, arena=8 * size, long=True), doubling(size))
    a, stop = np.ones(size), threading.Event()

    def work():
        while not stop.is_set():
            f(a)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0 if all(np.array_equal(f(a), 2 * a) for _ in range(100)) else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# a job in the background of a shell without job control ignores Ctrl-C, and so does what it starts
interruptible = pytest.mark.skipif(
    os.name != "posix" or signal.getsignal(signal.SIGINT) is not signal.default_int_handler,
    reason="nobody handles Ctrl-C here",
)


def interrupt_after(seconds):
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    return timer


@interruptible
def test_ctrl_c_ends_a_long_call():
    f = entries.entry(flat_call([INT], [INT], fallback, long=True), code(SPINNING))
    python = signal.getsignal(signal.SIGINT)
    for _ in range(2):
        timer, start = interrupt_after(0.05), time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            f(1000 * SECOND)
        timer.join()
        assert time.monotonic() - start < 20
    assert f(10) == 10 and signal.getsignal(signal.SIGINT) is python
    timer, start = interrupt_after(0.05), time.monotonic()
    with pytest.raises(KeyboardInterrupt):  # Python's own handler is back, and ends what Python waits for
        time.sleep(20)
    timer.join()


@interruptible
def test_a_handler_that_does_not_raise_starts_the_run_again():
    seen = []
    f = entries.entry(flat_call([INT], [INT], fallback, long=True), code(SPINNING))
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(f(5)))  # calls inside calls
    try:
        timer = interrupt_after(0.05)
        assert f(SECOND) == SECOND and seen == [5]
        timer.join()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        timer = interrupt_after(0.01)
        assert f(SECOND // 10) == SECOND // 10
        timer.join()
    finally:
        signal.signal(signal.SIGINT, before)


@interruptible
def test_a_handler_set_between_two_calls_is_seen():
    """The system is asked for its handler only now and then."""
    f = entries.entry(flat_call([INT], [INT], fallback, long=True), code(SPINNING))
    seen = []
    python = signal.getsignal(signal.SIGINT)
    for pause in (0.0, 0.001):
        for mine in (lambda *_: seen.append(len(seen)), signal.SIG_IGN, python):
            assert f(5) == 5
            signal.signal(signal.SIGINT, mine)
            try:
                count = len(seen)
                if mine is python:
                    assert ends_by_ctrl_c(f)
                else:
                    timer = interrupt_after(0.01)
                    assert f(SECOND // 10) == SECOND // 10
                    timer.join()
                    time.sleep(0.001)  # Python calls its handler between two instructions
                    assert len(seen) == count + (mine is not signal.SIG_IGN)
            finally:
                signal.signal(signal.SIGINT, python)
            time.sleep(pause)
        assert ends_by_ctrl_c(f)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGINT, python)  # the same again, which took ours away
        time.sleep(0.001)
        assert ends_by_ctrl_c(f)


def ends_by_ctrl_c(f):
    timer, start = interrupt_after(0.01), time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        f(1000 * SECOND)
    timer.join()
    return time.monotonic() - start < 20


@interruptible
def test_only_the_main_thread_is_interrupted():
    once = SPINNING.replace("store i64 %k,", "store i64 %starts,").replace(
        "br label %next",
        "%n = load i64, ptr @n\n %starts = add i64 %n, 1\n store i64 %starts, ptr @n\n br label %next",
        1,
    )
    f = entries.entry(flat_call([INT], [INT], fallback, long=True), code(once, "@n = internal global i64 0"))
    g = entries.entry(flat_call([INT], [INT], fallback, long=True), code(SPINNING))
    starts = []
    thread = threading.Thread(target=lambda: starts.append(f(SECOND)))
    thread.start()
    timer = interrupt_after(0.02)
    with pytest.raises(KeyboardInterrupt):
        g(1000 * SECOND)
    timer.join()
    thread.join()
    assert starts == [1]


# ---------------------------------------------------------------- where machine code may not look


def test_without_a_sure_layout_python_looks(monkeypatch):
    call = flat_call([FLOAT], [FLOAT], fallback)
    assert type(entries.entry(call, numbering([FLOAT]))).__name__ == "builtin_function_or_method"
    monkeypatch.setattr(native, "layout", lambda: None)
    assert isinstance(entries.entry(call, numbering([FLOAT])), Portable)


OTHER_LAYOUTS = {
    "word": lambda address, size=8: 0,  # nothing is where it is looked for
    "lengths_place": lambda arrays: None,
    "number_follows_head": lambda dtype: dtype.char != "f",
}


@pytest.mark.parametrize("name", OTHER_LAYOUTS)
def test_another_layout_is_not_taken(name, monkeypatch):
    layout.layout.cache_clear()
    monkeypatch.setattr(layout, name, OTHER_LAYOUTS[name])
    assert layout.layout() is None
    monkeypatch.undo()
    layout.layout.cache_clear()
    assert layout.layout() is not None


# ---------------------------------------------------------------- speed


def over_empty(f, *args):
    """Seconds that a call takes beyond one of an empty Python function."""

    def empty(*args):
        pass

    def best(g):
        return min(timeit.repeat(lambda: g(*args), number=2000, repeat=30)) / 2000

    return best(f) - best(empty)


def test_a_call_costs_less_than_python_does():
    """Measured: 0.01 us for a float, 0.07 us for two arrays, less than 1 us for the eight arrays of a network."""
    f = entries.entry(flat_call([FLOAT], [FLOAT], fallback), numbering([FLOAT]))
    g = entries.entry(flat_call([array(4)] * 2, [array(4)], fallback), doubling(4))
    tree = [{"w": np.ones((3, 3)), "b": np.ones(3)} for _ in range(4)]
    call, types = call_of((tree,), {})
    h = entries.entry(call, numbering(types))
    a = np.ones(4)
    assert over_empty(f, 1.0) < 0.3e-6 and over_empty(g, a, a) < 0.3e-6
    assert over_empty(h, tree) < 5e-6
