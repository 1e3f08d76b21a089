"""Programs as machine code, run without the engine and the entry: memory is poisoned, and watched at its ends."""

import ctypes

import numpy as np

from wengert.backends.llvm.engine import compile
from wengert.backends.llvm.program import lowered
from wengert.ir.program import Extent, extents_of, result_types

GUARD = 64  # bytes before and after each buffer
POISON = 0xA5


class Guarded:
    """Memory for so many bytes, with known bytes around it."""

    def __init__(self, size, fill=None):
        self.raw = np.full(size + 3 * GUARD, POISON, np.uint8)
        self.start = -self.raw.ctypes.data % GUARD + GUARD
        self.inside = self.raw[self.start : self.start + size]
        if fill is not None:
            self.inside[:] = np.resize(np.array([fill]).view(np.uint8), size)
        self.address = self.raw.ctypes.data + self.start

    def assert_untouched_around(self):
        outside = np.delete(self.raw, np.s_[self.start : self.start + self.inside.size])
        assert (outside == POISON).all(), "written outside of a buffer"


class Code:
    """A program as machine code: call it with the operands of the program."""

    def __init__(self, program):
        self.program, self.text = program, lowered(program)
        self.code = compile(self.text.text, self.text.symbols)
        self.run = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(self.code.address("run"))

    def __call__(self, *values):
        """The results; None where a check failed."""
        types = result_types(self.program)
        inputs = [self.word(x, p.type) for x, p in zip(values, self.program.params, strict=True)]
        arrays = [Guarded(bytes_at_most(t), np.float64(77.0)) if t.form == "array" else None for t in types]
        lengths = sum(len(extents_of(t)) for t in types)
        outs = np.zeros(len(types) + lengths + 1, np.int64)
        for i, a in enumerate(arrays):
            outs[i] = 0 if a is None else a.address
        arena = Guarded(self.text.arena, np.nan)
        never = np.zeros(1, np.int32)
        words = np.array([never.ctypes.data, *(w for w, _ in inputs)], np.int64)
        status = self.run(words.ctypes.data + 8, outs.ctypes.data, arena.address)
        assert status in (0, 1)
        for memory in [arena, *(a for a in arrays if a is not None), *(x for _, x in inputs if x is not None)]:
            memory.assert_untouched_around()
        for x, (_, memory), p in zip(values, inputs, self.program.params):
            if memory is not None:
                assert memory.inside.tobytes() == np.ascontiguousarray(x, p.type.dtype).tobytes(), "an operand changed"
        left = iter(outs[len(types) :])
        return None if status else [self.result(t, a, out, left) for t, a, out in zip(types, arrays, outs)]

    @staticmethod
    def word(x, type):
        """What stands for an operand, and the memory that it is in."""
        if type.form == "array":
            memory = Guarded(np.asarray(x).size * type.dtype.itemsize)
            memory.inside[:] = np.ascontiguousarray(x, type.dtype).reshape(-1).view(np.uint8)
            return memory.address, memory
        word = np.zeros(1, np.int64)
        word.view(np.uint8)[: type.dtype.itemsize] = np.array([x], type.dtype).view(np.uint8)
        return word[0], None

    @staticmethod
    def result(type, memory, word, left):
        if memory is None:
            x = np.array([word]).view(np.uint8)[: type.dtype.itemsize].view(type.dtype)[0]
            return x.item() if type.form == "weak" else x
        bounds = [n.bound if isinstance(n, Extent) else n for n in type.shape]
        part = [slice(0, int(next(left))) if isinstance(n, Extent) else slice(None) for n in type.shape]
        return memory.inside.view(type.dtype).reshape(bounds)[tuple(part)].copy()


def bytes_at_most(type):
    return int(np.prod([n.bound if isinstance(n, Extent) else n for n in type.shape])) * type.dtype.itemsize
