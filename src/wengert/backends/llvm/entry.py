"""How Python calls a compiled program: a function that looks at its arguments, runs the code, and builds the result.

Whatever is not as the program expects goes to the fallback, with the very same arguments: other types or shapes, an
array that is strided, misaligned or of the other byte order, a subclass, a traced value, arrays that overlap where one
is written.  So does a call whose code says that a check failed; it has done nothing that counts by then.

    call.py         what a program takes, gives and needs
    native.py       a function of CPython's own kind: tables for each program
    native_code.py  the machine code that reads them, one for all programs, with native_reading.py, native_running.py
                    and native_places.py;  tables.py: what both know
    layout.py       where objects keep their fields
    portable.py     the same in Python, where machine code may not look into objects
"""

from collections.abc import Callable
from typing import Any

from wengert.backends.llvm.call import Call
from wengert.backends.llvm.engine import Code
from wengert.backends.llvm.native import native, native_layout
from wengert.backends.llvm.portable import Portable


def entry(call: Call, code: Code) -> Callable[..., Any]:
    """A Python function that runs `run` of the code.

    `run(inputs, outputs, arena)` gets a word for each parameter: a number, or the address of an array.  It stores
    numbers in the words of the results, arrays where these point to, and lengths in the words after them (`program.py`
    has the rest).  It returns 0, or 1: a check failed, 2: out of memory, 3: interrupted, which it may find out from the
    word (i32) that `inputs[-1]` points to: where it is not zero, the call should end.
    """
    where = native_layout(call)
    return Portable(call, code) if where is None else native(call, code, where)
