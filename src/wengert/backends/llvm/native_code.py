"""The machine code that all compiled functions share, as LLVM text.  Read it from the top: `call` is what Python calls.

It does what the tables say (tables.py): it looks at facts and arguments (native_reading.py), runs the program, and
makes objects of the results (native_running.py).  Fields of tables and objects are read by small functions, `Plan.run`
or `Array.data`, that are written from the tables and from what layout.py found (native_places.py); loops over a table
by `each`, chains of conditions by `all_of`.  All are inlined.

References: what a call reads or makes stands in its slots, and a slot owns its object.  At the end, all that slots hold
is let go, whether the call succeeded or not; what is returned is taken out before.  Objects from the caller's
containers are held, too, since others may change the containers while the code runs.
"""

import _signal  # type: ignore[import-not-found]  # its `getsignal` makes no enum of what is there
import ctypes
import os
import re
from collections.abc import Mapping
from ctypes import c_void_p
from functools import cache
from typing import Any

import numpy as np

from wengert.backends.llvm.layout import Layout
from wengert.backends.llvm.native_places import PLACES, accessors
from wengert.backends.llvm.native_reading import FACTS, NODES
from wengert.backends.llvm.native_running import CLOCK, NO_CLOCK, RESULTS, RUN, SIGINT
from wengert.core.lazy import lazy

numpy_core = lazy("numpy._core._multiarray_umath")

STACK = 16 * 2**10  # bytes of a block that may be on the stack
KEPT = 64 * 2**20  # bytes of a block that stays for the next call

# ---------------------------------------------------------------- the call

CALL = f"""
define ptr @call(ptr %self, ptr %arguments, i64 %count, ptr %names) {{
  %address = call ptr @PyTuple_GetItem(ptr %self, i64 0)
  %plan = call ptr @PyLong_AsVoidPtr(ptr %address)
  %fits = call i1 @names_fit(ptr %plan, i64 %count, ptr %names)
  br i1 %fits, label %attempt, label %fall_back
attempt:
  %result = call ptr @attempted(ptr %plan, ptr %arguments)
  %failed = icmp eq ptr %result, null
  br i1 %failed, label %why, label %done
done:
  ret ptr %result
why:
  %error = call ptr @PyErr_Occurred()
  %fits_not = icmp eq ptr %error, null
  br i1 %fits_not, label %fall_back, label %raise
raise:
  ret ptr null
fall_back:
  %fallback = call ptr @Plan.fallback(ptr %plan)
  %other = call ptr @PyObject_Vectorcall(ptr %fallback, ptr %arguments, i64 %count, ptr %names)
  ret ptr %other
}}

define internal i1 @names_fit(ptr %plan, i64 %count, ptr %names) {{
  %positional = call i64 @Plan.positional(ptr %plan)
  %enough = icmp eq i64 %count, %positional
  br i1 %enough, label %keywords, label %no
keywords:
  %expected = call i64 @Plan.names_count(ptr %plan)
  %none = icmp eq ptr %names, null
  br i1 %none, label %without, label %with
without:
  %no_names = icmp eq i64 %expected, 0
  ret i1 %no_names
with:
  %given = call i64 @PyTuple_Size(ptr %names)
  %as_many = icmp eq i64 %given, %expected
  br i1 %as_many, label %compare, label %no
compare:
  %same = call i1 @each_name(ptr %plan, ptr %names)
  ret i1 %same
no:
  ret i1 false
}}

define internal i1 @is_name(ptr %plan, ptr %names, ptr %name) {{
  %index = call i64 @Name.index(ptr %name)
  %found = call ptr @PyTuple_GetItem(ptr %names, i64 %index)
  %expected = call ptr @Name.object(ptr %name)
  %same = icmp eq ptr %found, %expected
  ret i1 %same
}}

; The result, or null: with an exception that is to be raised, or without one, where the fallback is to be called.
define internal ptr @attempted(ptr %plan, ptr %arguments) {{
  %bytes = call i64 @Plan.block(ptr %plan)
  %is_small = icmp ule i64 %bytes, {STACK}
  br i1 %is_small, label %small, label %large
small:
  %result = call ptr @on_the_stack(ptr %plan, ptr %arguments)
  ret ptr %result
large:
  %other = call ptr @on_the_heap(ptr %plan, ptr %arguments, i64 %bytes)
  ret ptr %other
}}

define internal ptr @on_the_stack(ptr %plan, ptr %arguments) noinline "no-stack-arg-probe" {{
  %block = alloca i8, i64 {STACK}, align 64
  %result = call ptr @in_block(ptr %plan, ptr %arguments, ptr %block)
  ret ptr %result
}}

; One block is kept from call to call.  Who finds it taken, by another thread or a call around this one, makes another.
define internal ptr @on_the_heap(ptr %plan, ptr %arguments, i64 %bytes) {{
  %place = call ptr @Plan.kept.place(ptr %plan)
  %kept = atomicrmw xchg ptr %place, ptr null acq_rel
  %taken = icmp eq ptr %kept, null
  br i1 %taken, label %make, label %use
make:
  %room = add i64 %bytes, 63
  %new = call ptr @PyMem_RawMalloc(i64 %room)
  %full = icmp eq ptr %new, null
  br i1 %full, label %no_memory, label %use
no_memory:
  %null = call ptr @PyErr_NoMemory()
  ret ptr null
use:
  %memory = phi ptr [ %kept, %0 ], [ %new, %make ]
  %last = getelementptr i8, ptr %memory, i64 63
  %block = call ptr @llvm.ptrmask.p0.i64(ptr %last, i64 -64)
  %result = call ptr @in_block(ptr %plan, ptr %arguments, ptr %block)
  %keep = icmp ule i64 %bytes, {KEPT}
  br i1 %keep, label %give_back, label %free
give_back:
  %other = atomicrmw xchg ptr %place, ptr %memory acq_rel
  call void @PyMem_RawFree(ptr %other)
  ret ptr %result
free:
  call void @PyMem_RawFree(ptr %memory)
  ret ptr %result
}}

define internal ptr @in_block(ptr %plan, ptr %arguments, ptr %block) {{
  %cleared = call i64 @Plan.cleared(ptr %plan)
  call void @llvm.memset.p0.i64(ptr align 64 %block, i8 0, i64 %cleared, i1 false)
  %place = call ptr @Frame.arguments.place(ptr %block)
  store ptr %arguments, ptr %place
  %done = call i1 @everything(ptr %plan, ptr %block)
  br i1 %done, label %good, label %end
good:
  %slot = call i64 @Plan.result(ptr %plan)
  %taken = call ptr @taken_from_slot(ptr %plan, ptr %block, i64 %slot)
  br label %end
end:
  %result = phi ptr [ null, %0 ], [ %taken, %good ]
  %first = call ptr @slot_place(ptr %plan, ptr %block, i64 0)
  %stop = getelementptr i8, ptr %block, i64 %cleared
  call void @let_go(ptr %first, ptr %stop)
  ret ptr %result
}}

define internal void @let_go(ptr %first, ptr %stop) {{
  br label %next
next:
  %slot = phi ptr [ %first, %0 ], [ %after, %more ]
  %end = icmp eq ptr %slot, %stop
  br i1 %end, label %done, label %more
more:
  %object = load ptr, ptr %slot
  call void @Py_DecRef(ptr %object)
  %after = getelementptr ptr, ptr %slot, i64 1
  br label %next
done:
  ret void
}}
"""


def all_of(name: str, *conditions: str) -> str:
    """A function that asks one after the other."""
    lines = [f"define internal i1 @{name}(ptr %plan, ptr %block) {{", "  br label %ask0"]
    for k, condition in enumerate(conditions):
        answer = f"%answer{k}"
        lines += [f"ask{k}:", f"  {answer} = call i1 @{condition}(ptr %plan, ptr %block)"]
        lines += [f"  br i1 {answer}, label %ask{k + 1}, label %no"]
    return "\n".join([*lines, f"ask{len(conditions)}:", "  ret i1 true", "no:", "  ret i1 false", "}"])


EVERYTHING = all_of(
    "everything",
    "each_unset",
    "each_guard",
    "each_check",
    "each_node",
    "each_same",
    "each_apart",
    "each_writeable",
    "each_result_made",
    "ran",
    "each_result_finished",
    "each_step",
    "each_written",  # nothing can fail after this
)


def each(name: str, table: str, row: str, function: str) -> str:
    """A function that asks for each row of a table; `context` is the block, or the keywords of the call."""
    return f"""
define internal i1 @{name}(ptr %plan, ptr %context) {{
  %first = call ptr @Plan.{table}(ptr %plan)
  %count = call i64 @Plan.{table}_count(ptr %plan)
  br label %next
next:
  %k = phi i64 [ 0, %0 ], [ %after, %more ]
  %end = icmp eq i64 %k, %count
  br i1 %end, label %yes, label %ask
ask:
  %row = call ptr @{row}.at(ptr %first, i64 %k)
  %answer = call i1 @{function}(ptr %plan, ptr %context, ptr %row)
  br i1 %answer, label %more, label %no
more:
  %after = add nuw i64 %k, 1
  br label %next
yes:
  ret i1 true
no:
  ret i1 false
}}
"""


EACH = "".join(
    [
        each("each_name", "names", "Name", "is_name"),
        each("each_unset", "unset", "Variable", "is_unset"),
        each("each_guard", "guards", "Guard", "guard_holds"),
        each("each_check", "checks", "Checked", "check_holds"),
        each("each_node", "nodes", "Node", "node_fits"),
        each("each_same", "same", "Same", "is_same"),
        each("each_apart", "apart", "Apart", "is_apart"),
        each("each_writeable", "written", "Written", "is_writeable"),
        each("each_result_made", "results", "Result", "result_made"),
        each("each_result_finished", "results", "Result", "result_finished"),
        each("each_step", "steps", "Step", "step_done"),
        each("each_written", "written", "Written", "written_back"),
    ]
)

# ---------------------------------------------------------------- the whole

# of CPython, all of its stable ABI but for the last two; arguments and results as in its headers
PYTHON = """
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare i64 @PyTuple_Size(ptr)
declare ptr @PyTuple_New(i64)
declare ptr @PyTuple_GetItem(ptr, i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare i64 @PyList_Size(ptr)
declare ptr @PyList_GetItem(ptr, i64)
declare i64 @PyDict_Size(ptr)
declare i32 @PyDict_Next(ptr, ptr, ptr, ptr)
declare ptr @PyDict_GetItemWithError(ptr, ptr)
declare ptr @PyObject_GetAttr(ptr, ptr)
declare i32 @PyObject_RichCompareBool(ptr, ptr, i32)
declare ptr @PyObject_CallNoArgs(ptr)
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyFloat_FromDouble(double)
declare ptr @PyComplex_FromDoubles(double, double)
declare ptr @PyLong_AsVoidPtr(ptr)
declare i64 @PyLong_AsLongLongAndOverflow(ptr, ptr)
declare ptr @PyLong_FromLongLong(i64)
declare ptr @PyBool_FromLong(i64)
declare ptr @PyErr_Occurred()
declare ptr @PyErr_NoMemory()
declare void @PyErr_Clear()
declare i32 @PyErr_ExceptionMatches(ptr)
declare i32 @PyErr_CheckSignals()
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)
declare i64 @PyThread_get_thread_ident()
declare ptr @PyMem_RawMalloc(i64)
declare void @PyMem_RawFree(ptr)
declare ptr @PyOS_getsig(i32)
declare ptr @PyOS_setsig(i32, ptr)
declare i32 @PyContextVar_Get(ptr, ptr, ptr)
declare ptr @PyObject_Vectorcall(ptr, ptr, i64, ptr)
"""

NUMPY = """
declare ptr @PyArray_NewFromDescr(ptr, ptr, i32, ptr, ptr, ptr, i32, ptr)
declare ptr @PyArray_NewCopy(ptr, i32)
declare ptr @PyArray_Scalar(ptr, ptr, ptr)
declare i8 @PyArray_EquivTypes(ptr, ptr)
"""
NUMPY_SLOTS = {"PyArray_Scalar": 60, "PyArray_NewCopy": 85, "PyArray_NewFromDescr": 94, "PyArray_EquivTypes": 182}

LLVM = """
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare ptr @llvm.ptrmask.p0.i64(ptr, i64)
"""

OBJECTS = {
    **{kind.__name__: kind for kind in (float, int, str, list, dict, Exception, np.ndarray)},
    **{"True": True, "False": False, "None": None, "getsignal": _signal.getsignal, "SIGINT": SIGINT},
}
HAS_CLOCK = os.name == "posix"


@cache
def text(where: Layout) -> str:
    objects = "".join(f"@{name} = external global i8\n" for name in OBJECTS)
    clock = CLOCK if HAS_CLOCK else NO_CLOCK
    functions = [CALL, EVERYTHING, EACH, FACTS, NODES, RUN, clock, RESULTS, PLACES, accessors(where)]
    return "\n".join([*map(inlined, functions), PYTHON, NUMPY, LLVM, objects])


def inlined(functions: str) -> str:
    return re.sub(r"^(define internal .*\)) \{$", r"\1 alwaysinline {", functions, flags=re.MULTILINE)


def symbols() -> Mapping[str, int]:
    """Addresses of what the text declares."""
    python = {name: address(getattr(ctypes.pythonapi, name)) for name in declared(PYTHON)}
    memory = {"memcpy": address(ctypes.memmove), "memmove": address(ctypes.memmove), "memset": address(ctypes.memset)}
    clock = {"clock_gettime": address(ctypes.CDLL(None).clock_gettime)} if HAS_CLOCK else {}
    return {**python, **numpy_functions(), **memory, **clock, **{name: id(x) for name, x in OBJECTS.items()}}


def numpy_functions() -> dict[str, int]:
    """NumPy gives C extensions a table of its functions, whose order does not change."""
    kind = ctypes.PYFUNCTYPE(c_void_p, ctypes.py_object, ctypes.c_char_p)
    table = kind(("PyCapsule_GetPointer", ctypes.pythonapi))(numpy_core._ARRAY_API, None)
    return {name: c_void_p.from_address(table + 8 * NUMPY_SLOTS[name]).value or 0 for name in declared(NUMPY)}


def declared(text: str) -> list[str]:
    return re.findall(r"@(\w+)", text)


def address(function: Any) -> int:
    return ctypes.cast(function, c_void_p).value or 0
