"""Programs as machine code, called with no entry from Python, and compared with the interpreter.

Memory is poisoned: what machine code reads before it wrote it is NaN, or far out of range.  Around each array lie
bytes that must stay as they are, and so must the operands.  Stacks and records must be let go before the end.
"""

import ctypes

import numpy as np

import wengert as wg
from wengert.backends.llvm.call import Unsupported, bounds, by_address
from wengert.backends.llvm.engine import OPTIMISED, compile
from wengert.backends.llvm.program import lowered
from wengert.core.tree import flatten, unflatten
from wengert.frontend.jit import arguments, built_for, is_operand
from wengert.ir.evaluate import evaluate
from wengert.ir.program import Extent, elements, extents_of, result_types

POISON = np.uint16(0x7FF8)  # NaN as a float of any size; an integer far out of any range
EDGE = 64  # bytes around each array
LEFT = 8  # status of a call that leaves stacks or records behind


class Memory:
    """Poisoned bytes between edges that nobody may write; aligned to 64 bytes."""

    def __init__(self, bytes):
        room = np.full((bytes + 2 * EDGE + 64 + 2) // 2, POISON).view(np.uint8)
        skip = -room.ctypes.data % 64
        self.bytes, self.room = bytes, room[skip : skip + bytes + 2 * EDGE]
        self.address = self.room.ctypes.data + EDGE

    def array(self, shape, dtype):
        return self.room[EDGE : EDGE + self.bytes].view(dtype).reshape(shape)

    def verify(self):
        edges = self.room[:EDGE], self.room[EDGE + self.bytes :]
        poison = np.full(EDGE // 2 + 1, POISON).view(np.uint8)
        offset = self.bytes % 2
        assert np.array_equal(edges[0], poison[:EDGE]), "bytes before an array were written"
        assert np.array_equal(edges[1], poison[offset : offset + len(edges[1])]), "bytes after an array were written"


class Code:
    """A program that is called with its operands: gives its results, or the status where it does not end well."""

    def __init__(self, program, level=OPTIMISED, **options):
        self.program, self.lowered = program, lowered(program, **options)
        self.code = compile(telling_what_is_left(self.lowered.text), self.lowered.symbols, level=level)
        self.run = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(self.code.address("run"))

    def __call__(self, *values):
        types = result_types(self.program)
        operands = [Operand(p.type, x) for p, x in zip(self.program.params, values)]
        rooms = [Memory(elements(t) * t.dtype.itemsize) for t in types]
        lengths = [0 for t in types for _ in extents_of(t)]
        arena = Memory(self.lowered.arena)
        stop = np.zeros(1, np.int64)  # never: nobody interrupts
        given = [n for x in operands for n in x.lengths]
        inputs = np.array([stop.ctypes.data, *(x.word for x in operands), *given], np.uint64)
        outputs = np.array([*(room.address for room in rooms), *lengths, 0], np.uint64)
        status = self.run(inputs.ctypes.data + 8, outputs.ctypes.data, arena.address)
        for room in [arena, *rooms, *(x.room for x in operands)]:
            room.verify()
        assert all(x.is_unchanged() for x in operands), "an operand was written"
        if status:
            return status
        left = iter(outputs[len(types) :].astype(np.int64).tolist())
        return [result(t, room, word, left) for t, room, word in zip(types, rooms, outputs)]


def telling_what_is_left(text):
    """The text with an entry that gives LEFT where stacks or records are left when all is done."""
    end = "call void @free_all(ptr %context)\nret i32 %status"
    if "@free_all" not in text:
        return text  # it asks for no memory
    assert text.count(end) == 1
    asking = [
        "%one.left = load ptr, ptr %context",
        "%none.left = icmp eq ptr %one.left, %context",
        f"%told = select i1 %none.left, i32 0, i32 {LEFT}",
        "%done = icmp eq i32 %status, 0",
        "%said = select i1 %done, i32 %told, i32 %status",
        "call void @free_all(ptr %context)",
        "ret i32 %said",
    ]
    return text.replace(end, "\n".join(asking))


class Operand:
    """`word` stands for it among the inputs, and `lengths` that only the run knows."""

    def __init__(self, type, x):
        self.value = np.ascontiguousarray(x, type.dtype).reshape(np.shape(x))
        self.lengths = [n for n, m in zip(self.value.shape, type.shape) if isinstance(m, Extent)]
        self.room = Memory(elements(type) * type.dtype.itemsize)
        part = tuple(map(slice, self.value.shape))
        self.array = self.room.array(bounds(type), type.dtype)[(*part, ...)]
        self.array[...] = self.value
        self.word = self.room.address if by_address(type) else int.from_bytes(self.value.tobytes(), "little")

    def is_unchanged(self):
        return self.array.tobytes() == self.value.tobytes()


def result(type, room, word, lengths):
    """As the interpreter gives it."""
    if type.form == "array":
        part = tuple([slice(next(lengths)) if isinstance(n, Extent) else slice(None) for n in type.shape])
        return room.array(bounds(type), type.dtype)[(*part, ...)]  # an array of no axes stays one
    content = room.array((), type.dtype).tobytes() if by_address(type) else word.tobytes()
    x = np.frombuffer(content[: type.dtype.itemsize], type.dtype)[0]
    return x.item() if type.form == "weak" else x


# ---------------------------------------------------------------- against the interpreter


def staged(f, *args, **kwargs):
    """(the program that `jit(f)` runs for these arguments, its operands)"""
    built = built_for(f, args, kwargs)
    leaves, _ = arguments(args, kwargs)
    operands = [x for x in leaves if is_operand(x)]
    return built.optimised, [*operands, *built.hidden(operands)]


def interpreted(program, operands):
    """The results, or what is raised."""
    try:
        with np.errstate(all="ignore"):
            return evaluate(program, [np.copy(x) if isinstance(x, np.ndarray) else x for x in operands])
    except Exception as error:  # noqa: BLE001 whatever it is, machine code must not end well either
        return error


def agree(program, operands, rtol=1e-9, **options):
    """Machine code gives what the interpreter gives, and fails where that raises."""
    same(Code(program, **options)(*operands), interpreted(program, operands), rtol)


def is_refused(error):
    """Whether a program cannot be staged, or has something that has no machine code."""
    return isinstance(error, Unsupported) or isinstance(error, wg.Diagnostic) and error.code == "W602"


def same(found, expected, rtol):
    if isinstance(expected, Exception) or isinstance(found, int):
        assert isinstance(expected, Exception) and found == 1, f"status {found}, and Python: {expected!r}"
        return
    assert len(found) == len(expected)
    for x, y in zip(found, expected):
        assert type(x) is type(y), f"{type(x).__name__} instead of {type(y).__name__}"
        x, y = np.asarray(x), np.asarray(y)
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        within = 1e-4 if y.dtype in (np.float32, np.complex64) else rtol
        finite = y[np.isfinite(y)]
        scale = float(np.max(np.abs(finite), initial=0.0)) if y.dtype.kind in "fc" else 0.0
        np.testing.assert_allclose(x, y, rtol=within, atol=within * min(scale, 1e300))


def derived(f, args, argnums, scalar=True):
    """name -> function of the same arguments: f, its derivatives, and theirs."""
    gradient = wg.grad(f, argnums) if scalar else wg.jacobian(f, argnums)
    return {
        "value": f,
        "gradient": gradient,
        "forward": along(f, args, argnums),
        "second": along(gradient, args, argnums),
    }


def along(f, args, argnums):
    """The derivative of f by these arguments, in a direction that depends on their places only."""

    def slope(*values):
        def of_some(*some):
            every = list(values)
            for i, x in zip(argnums, some):
                every[i] = x
            return f(*every)

        some = tuple([values[i] for i in argnums])
        return wg.jvp(of_some, some, tuple([direction(args[i]) for i in argnums]))[1]

    return slope


def direction(x):
    """As large as x, of the same structure."""
    leaves, structure = flatten(x)
    return unflatten(structure, [unit(y) for y in leaves])


def unit(x):
    if isinstance(x, np.ndarray):
        return np.cos(np.arange(x.size)).reshape(x.shape).astype(x.dtype)
    return type(x)(0.75) if isinstance(x, float | complex | np.inexact) else x
