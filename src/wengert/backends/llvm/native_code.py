"""The machine code that all compiled functions share, as LLVM text.  Read it from the top: `call` is what Python calls.

It does what the tables say (tables.py).  Fields of tables and objects are read by small functions, `Plan.run` or
`Array.data`, that are written from the tables and from what layout.py found; loops over a table by `each`, chains of
conditions by `all_of`.  All are inlined.

References: what a call reads or makes stands in its slots, and a slot owns its object.  At the end, all that slots hold
is let go, whether the call succeeded or not; what is returned is taken out before.  Objects from the caller's
containers are held, too, since others may change the containers while the code runs.
"""

import ctypes
import re
from collections.abc import Mapping
from ctypes import c_int64, c_void_p
from functools import cache
from typing import Any

import numpy as np

from wengert.backends.llvm.call import WORD, Status
from wengert.backends.llvm.layout import Layout
from wengert.backends.llvm.tables import STRUCTURES, Check, Frame, Get, Make, Put
from wengert.core.lazy import lazy

numpy_core = lazy("numpy._core._multiarray_umath")

STACK = 16 * 2**10  # bytes of a block that may be on the stack
KEPT = 64 * 2**20  # bytes of a block that stays for the next call
C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400  # flags of arrays
SIGINT = 2

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

# ---------------------------------------------------------------- facts

FACTS = """
define internal i1 @guard_holds(ptr %plan, ptr %block, ptr %guard) {
  %items = call ptr @Guard.items(ptr %guard)
  %key = call ptr @Guard.key(ptr %guard)
  %found = call ptr @PyDict_GetItemWithError(ptr %items, ptr %key)
  %expected = call ptr @Guard.object(ptr %guard)
  %same = icmp eq ptr %found, %expected
  %none = icmp eq ptr %found, null
  br i1 %none, label %gone, label %there
gone:
  %clean = call i1 @no_error()
  %fine = and i1 %clean, %same
  ret i1 %fine
there:
  ret i1 %same
}

define internal i1 @is_unset(ptr %plan, ptr %block, ptr %row) {
  %value_place = alloca ptr
  store ptr null, ptr %value_place
  %variable = call ptr @Variable.variable(ptr %row)
  %error = call i32 @PyContextVar_Get(ptr %variable, ptr @None, ptr %value_place)
  %value = load ptr, ptr %value_place
  call void @Py_DecRef(ptr %value)
  %unset = icmp eq ptr %value, @None
  ret i1 %unset
}

define internal i1 @check_holds(ptr %plan, ptr %block, ptr %check) {
  %function = call ptr @Checked.function(ptr %check)
  %answer = call ptr @PyObject_CallNoArgs(ptr %function)
  %failed = icmp eq ptr %answer, null
  br i1 %failed, label %error, label %answered
error:
  %forgotten = call i1 @no_error()
  ret i1 false
answered:
  %holds = icmp eq ptr %answer, @True
  call void @Py_DecRef(ptr %answer)
  ret i1 %holds
}

; Whether there was none.  An exception while something is read means that it is not as expected: the fallback will
; raise it, if it is to be raised.  Ctrl-C and the like stay.
define internal i1 @no_error() {
  %error = call ptr @PyErr_Occurred()
  %none = icmp eq ptr %error, null
  br i1 %none, label %yes, label %which
which:
  %ordinary = call i32 @PyErr_ExceptionMatches(ptr @Exception)
  %stays = icmp eq i32 %ordinary, 0
  br i1 %stays, label %no, label %forget
forget:
  call void @PyErr_Clear()
  br label %no
yes:
  ret i1 true
no:
  ret i1 false
}
"""

# ---------------------------------------------------------------- what comes in

NODES = f"""
define internal i1 @node_fits(ptr %plan, ptr %block, ptr %node) {{
  %object = call ptr @got(ptr %plan, ptr %block, ptr %node)
  %none = icmp eq ptr %object, null
  br i1 %none, label %gone, label %there
gone:
  %error = call i1 @no_error()
  ret i1 false
there:
  %slot = call i64 @Node.slot(ptr %node)
  call void @put_into_slot(ptr %plan, ptr %block, i64 %slot, ptr %object)
  %fits = call i1 @fits(ptr %plan, ptr %block, ptr %node, ptr %object)
  ret i1 %fits
}}

; The object, which is the caller's to let go, or null.
define internal ptr @got(ptr %plan, ptr %block, ptr %node) {{
  %index = call i64 @Node.index(ptr %node)
  %key = call ptr @Node.key(ptr %node)
  %source = call ptr @Node.object(ptr %node)
  %parent_slot = call i64 @Node.parent(ptr %node)
  %parent = call ptr @slot(ptr %plan, ptr %block, i64 %parent_slot)
  %get = call i64 @Node.get(ptr %node)
  switch i64 %get, label %argument [
    i64 {Get.TUPLE_ITEM}, label %tuple_item
    i64 {Get.LIST_ITEM}, label %list_item
    i64 {Get.DICT_ITEM}, label %dict_item
    i64 {Get.ATTRIBUTE}, label %attribute
    i64 {Get.OPENED}, label %opened
    i64 {Get.ITEM_OF}, label %item_of
    i64 {Get.CALL}, label %called
  ]
argument:
  %arguments = call ptr @Frame.arguments(ptr %block)
  %place = getelementptr ptr, ptr %arguments, i64 %index
  %given = load ptr, ptr %place
  br label %borrowed
tuple_item:
  %in_tuple = call ptr @PyTuple_GetItem(ptr %parent, i64 %index)
  br label %borrowed
list_item:
  %in_list = call ptr @PyList_GetItem(ptr %parent, i64 %index)
  br label %borrowed
dict_item:
  %in_dict = call ptr @PyDict_GetItemWithError(ptr %parent, ptr %key)
  br label %borrowed
item_of:
  %outside = call ptr @PyDict_GetItemWithError(ptr %source, ptr %key)
  br label %borrowed
borrowed:
  %found = phi ptr [ %given, %argument ], [ %in_tuple, %tuple_item ], [ %in_list, %list_item ],
                   [ %in_dict, %dict_item ], [ %outside, %item_of ]
  call void @Py_IncRef(ptr %found)
  ret ptr %found
attribute:
  %of_object = call ptr @PyObject_GetAttr(ptr %parent, ptr %key)
  ret ptr %of_object
opened:
  %parent_place = call ptr @slot_place(ptr %plan, ptr %block, i64 %parent_slot)
  %inside = call ptr @PyObject_Vectorcall(ptr %source, ptr %parent_place, i64 1, ptr null)
  ret ptr %inside
called:
  %returned = call ptr @PyObject_CallNoArgs(ptr %source)
  ret ptr %returned
}}

define internal i1 @fits(ptr %plan, ptr %block, ptr %node, ptr %object) {{
  %type = call ptr @Object.type(ptr %object)
  %check = call i64 @Node.check(ptr %node)
  %word = call ptr @word_of(ptr %block, ptr %node)
  switch i64 %check, label %fact [
    i64 {Check.FLOAT}, label %float
    i64 {Check.INT}, label %int
    i64 {Check.BOOL}, label %bool
    i64 {Check.SCALAR}, label %scalar
    i64 {Check.ARRAY}, label %array
    i64 {Check.TUPLE}, label %tuple
    i64 {Check.LIST}, label %list
    i64 {Check.DICT}, label %dict
    i64 {Check.OBJECT}, label %object_
  ]
float:
  %is_float = icmp eq ptr %type, @float
  br i1 %is_float, label %number, label %no
number:
  %value = call double @PyFloat_AsDouble(ptr %object)
  store double %value, ptr %word
  ret i1 true
int:
  %is_int = icmp eq ptr %type, @int
  br i1 %is_int, label %whole, label %no
whole:
  %is_whole = call i1 @whole_fits(ptr %node, ptr %object, ptr %word)
  ret i1 %is_whole
bool:
  %is_true = icmp eq ptr %object, @True
  %is_false = icmp eq ptr %object, @False
  %is_bool = or i1 %is_true, %is_false
  %bit = zext i1 %is_true to i8
  store i8 %bit, ptr %word
  ret i1 %is_bool
scalar:
  %is_scalar = call i1 @is_of_type(ptr %node, ptr %type)
  br i1 %is_scalar, label %copy, label %no
copy:
  %bytes = call i64 @Node.bytes(ptr %node)
  %content = call ptr @Object.number.place(ptr %object)
  %in_word = icmp ule i64 %bytes, {WORD}
  br i1 %in_word, label %copy_number, label %point
point:
  store ptr %content, ptr %word
  ret i1 true
copy_number:
  call void @llvm.memcpy.p0.p0.i64(ptr %word, ptr %content, i64 %bytes, i1 false)
  %is_known_scalar = call i1 @is_known(ptr %node, ptr %word)
  ret i1 %is_known_scalar
array:
  %is_array = icmp eq ptr %type, @ndarray
  br i1 %is_array, label %look, label %no
look:
  %array_fits = call i1 @array_fits(ptr %block, ptr %node, ptr %object, ptr %word)
  ret i1 %array_fits
tuple:
  %is_tuple = call i1 @is_of_type(ptr %node, ptr %type)
  br i1 %is_tuple, label %tuple_size, label %no
tuple_size:
  %items = call i64 @PyTuple_Size(ptr %object)
  br label %size
list:
  %is_list = icmp eq ptr %type, @list
  br i1 %is_list, label %list_size, label %no
list_size:
  %listed = call i64 @PyList_Size(ptr %object)
  br label %size
size:
  %found = phi i64 [ %items, %tuple_size ], [ %listed, %list_size ]
  %expected = call i64 @Node.count(ptr %node)
  %as_many = icmp eq i64 %found, %expected
  ret i1 %as_many
dict:
  %is_dict = icmp eq ptr %type, @dict
  br i1 %is_dict, label %dict_keys, label %no
dict_keys:
  %dict_fits = call i1 @dict_fits(ptr %node, ptr %object)
  ret i1 %dict_fits
object_:
  %is_object = call i1 @is_of_type(ptr %node, ptr %type)
  ret i1 %is_object
fact:
  %is_fact = call i1 @is_fact(ptr %node, ptr %object, ptr %type)
  ret i1 %is_fact
no:
  ret i1 false
}}

define internal i1 @is_of_type(ptr %node, ptr %type) {{
  %expected = call ptr @Node.type(ptr %node)
  %same = icmp eq ptr %type, %expected
  ret i1 %same
}}

define internal i1 @whole_fits(ptr %node, ptr %object, ptr %word) {{
  %too_large = alloca i32
  %value = call i64 @PyLong_AsLongLongAndOverflow(ptr %object, ptr %too_large)
  store i64 %value, ptr %word
  %overflow = load i32, ptr %too_large
  %in_range = icmp eq i32 %overflow, 0
  %as_known = call i1 @is_known(ptr %node, ptr %word)
  %fine = and i1 %in_range, %as_known
  ret i1 %fine
}}

; What the word has beside the number is zero.
define internal i1 @is_known(ptr %node, ptr %word) {{
  %asked = call i64 @Node.is_known(ptr %node)
  %free = icmp eq i64 %asked, 0
  %known = call i64 @Node.known(ptr %node)
  %value = load i64, ptr %word
  %same = icmp eq i64 %value, %known
  %fine = or i1 %free, %same
  ret i1 %fine
}}

define internal i1 @array_fits(ptr %block, ptr %node, ptr %array, ptr %word) {{
  %axes = call i32 @Array.nd(ptr %array)
  %axes_ = sext i32 %axes to i64
  %count = call i64 @Node.count(ptr %node)
  %rank = icmp eq i64 %axes_, %count
  %flags = call i32 @Array.flags(ptr %array)
  %plain = and i32 %flags, {C_CONTIGUOUS | ALIGNED}
  %is_plain = icmp eq i32 %plain, {C_CONTIGUOUS | ALIGNED}
  %so_far = and i1 %rank, %is_plain
  br i1 %so_far, label %dtype, label %no
dtype:
  %descr = call ptr @Array.descr(ptr %array)
  %expected = call ptr @Node.expected(ptr %node)
  %same = icmp eq ptr %descr, %expected
  br i1 %same, label %lengths, label %alike
alike:
  %alike_ = call i8 @PyArray_EquivTypes(ptr %descr, ptr %expected)
  %is_alike = icmp ne i8 %alike_, 0
  br i1 %is_alike, label %lengths, label %no
lengths:
  %dims = call ptr @Array.dims(ptr %array)
  %expected_dims = call ptr @Node.keys(ptr %node)
  %shape = call i1 @same_words(ptr %dims, ptr %expected_dims, i64 %count)
  br i1 %shape, label %fine, label %no
fine:
  %data = call ptr @Array.data(ptr %array)
  %copy = call i64 @Node.copy(ptr %node)
  %in_place = icmp eq i64 %copy, 0
  br i1 %in_place, label %use, label %make_copy
make_copy:
  %bytes = call i64 @Node.bytes(ptr %node)
  %own = getelementptr i8, ptr %block, i64 %copy
  call void @llvm.memcpy.p0.p0.i64(ptr %own, ptr %data, i64 %bytes, i1 false)
  br label %use
use:
  %address = phi ptr [ %data, %fine ], [ %own, %make_copy ]
  store ptr %address, ptr %word
  ret i1 true
no:
  ret i1 false
}}

define internal i1 @same_words(ptr %one, ptr %other, i64 %count) {{
  br label %next
next:
  %k = phi i64 [ 0, %0 ], [ %after, %more ]
  %end = icmp eq i64 %k, %count
  br i1 %end, label %yes, label %look
look:
  %p = getelementptr i64, ptr %one, i64 %k
  %q = getelementptr i64, ptr %other, i64 %k
  %x = load i64, ptr %p
  %y = load i64, ptr %q
  %same = icmp eq i64 %x, %y
  br i1 %same, label %more, label %no
more:
  %after = add nuw i64 %k, 1
  br label %next
yes:
  ret i1 true
no:
  ret i1 false
}}

; The same keys in the same order: who walks through the dict sees them so.
define internal i1 @dict_fits(ptr %node, ptr %dict) {{
  %position = alloca i64
  %key_place = alloca ptr
  %value_place = alloca ptr
  store i64 0, ptr %position
  %count = call i64 @Node.count(ptr %node)
  %keys = call ptr @Node.keys(ptr %node)
  %size = call i64 @PyDict_Size(ptr %dict)
  %as_many = icmp eq i64 %size, %count
  br i1 %as_many, label %next, label %no
next:
  %k = phi i64 [ 0, %0 ], [ %after, %more ]
  %end = icmp eq i64 %k, %count
  br i1 %end, label %yes, label %look
look:
  %there = call i32 @PyDict_Next(ptr %dict, ptr %position, ptr %key_place, ptr %value_place)
  %is_there = icmp ne i32 %there, 0
  br i1 %is_there, label %compare, label %no
compare:
  %key = load ptr, ptr %key_place
  %expected_place = getelementptr ptr, ptr %keys, i64 %k
  %expected = load ptr, ptr %expected_place
  %same = call i1 @is_equal_text(ptr %key, ptr %expected)
  br i1 %same, label %more, label %no
more:
  %after = add nuw i64 %k, 1
  br label %next
yes:
  ret i1 true
no:
  ret i1 false
}}

; Keys of other kinds must be the same object: to compare them might run Python, which might change the dict.
define internal i1 @is_equal_text(ptr %one, ptr %other) {{
  %same = icmp eq ptr %one, %other
  br i1 %same, label %yes, label %compare
compare:
  %one_type = call ptr @Object.type(ptr %one)
  %other_type = call ptr @Object.type(ptr %other)
  %one_is_text = icmp eq ptr %one_type, @str
  %other_is_text = icmp eq ptr %other_type, @str
  %texts = and i1 %one_is_text, %other_is_text
  br i1 %texts, label %characters, label %no
characters:
  %equal = call i32 @PyObject_RichCompareBool(ptr %one, ptr %other, i32 2)
  %is_equal = icmp eq i32 %equal, 1
  ret i1 %is_equal
yes:
  ret i1 true
no:
  ret i1 false
}}

define internal i1 @is_fact(ptr %node, ptr %object, ptr %type) {{
  %expected = call ptr @Node.expected(ptr %node)
  %same = icmp eq ptr %object, %expected
  br i1 %same, label %yes, label %plain
plain:
  %may_be_equal = call i64 @Node.count(ptr %node)
  %is_plain = icmp ne i64 %may_be_equal, 0
  %expected_type = call ptr @Object.type(ptr %expected)
  %same_type = icmp eq ptr %type, %expected_type
  %comparable = and i1 %is_plain, %same_type
  br i1 %comparable, label %compare, label %no
compare:
  %equal = call i32 @PyObject_RichCompareBool(ptr %object, ptr %expected, i32 2)
  %is_equal = icmp eq i32 %equal, 1
  ret i1 %is_equal
yes:
  ret i1 true
no:
  ret i1 false
}}

define internal i1 @is_same(ptr %plan, ptr %block, ptr %same) {{
  %one_slot = call i64 @Same.one(ptr %same)
  %other_slot = call i64 @Same.other(ptr %same)
  %one = call ptr @slot(ptr %plan, ptr %block, i64 %one_slot)
  %other = call ptr @slot(ptr %plan, ptr %block, i64 %other_slot)
  %equal = icmp eq ptr %one, %other
  ret i1 %equal
}}

; Arrays without elements overlap with none.
define internal i1 @is_apart(ptr %plan, ptr %block, ptr %apart) {{
  %one_param = call i64 @Apart.one(ptr %apart)
  %other_param = call i64 @Apart.other(ptr %apart)
  %one = call ptr @parameter(ptr %block, i64 %one_param)
  %other = call ptr @parameter(ptr %block, i64 %other_param)
  %one_bytes = call i64 @Apart.one_bytes(ptr %apart)
  %other_bytes = call i64 @Apart.other_bytes(ptr %apart)
  %one_end = getelementptr i8, ptr %one, i64 %one_bytes
  %other_end = getelementptr i8, ptr %other, i64 %other_bytes
  %before = icmp ule ptr %one_end, %other
  %after = icmp ule ptr %other_end, %one
  %one_empty = icmp eq i64 %one_bytes, 0
  %other_empty = icmp eq i64 %other_bytes, 0
  %around = or i1 %before, %after
  %empty = or i1 %one_empty, %other_empty
  %apart_ = or i1 %around, %empty
  ret i1 %apart_
}}

define internal i1 @is_writeable(ptr %plan, ptr %block, ptr %written) {{
  %slot = call i64 @Written.slot(ptr %written)
  %array = call ptr @slot(ptr %plan, ptr %block, i64 %slot)
  %flags = call i32 @Array.flags(ptr %array)
  %flag = and i32 %flags, {WRITEABLE}
  %may = icmp ne i32 %flag, 0
  ret i1 %may
}}
"""

# ---------------------------------------------------------------- the run

RUN = f"""
@never = internal global i32 0
@interrupted = internal global i32 0
@main_thread = internal global i64 0
@handler_before = internal global ptr null

define void @set_main_thread(i64 %ident) {{
  store i64 %ident, ptr @main_thread
  ret void
}}

define internal i1 @ran(ptr %plan, ptr %block) {{
  %arena_at = call i64 @Plan.arena(ptr %plan)
  %arena = getelementptr i8, ptr %block, i64 %arena_at
  %bytes = call i64 @Plan.arena_bytes(ptr %plan)
  call void @poisoned(ptr %plan, ptr %arena, i64 %bytes)
  %long = call i64 @Plan.long(ptr %plan)
  %is_long = icmp ne i64 %long, 0
  br i1 %is_long, label %others_run, label %alone
alone:
  %short_status = call i32 @run(ptr %plan, ptr %block, ptr @never)
  br label %end
others_run:
  %long_status = call i32 @run_long(ptr %plan, ptr %block)
  br label %end
end:
  %status = phi i32 [ %short_status, %alone ], [ %long_status, %others_run ]
  switch i32 %status, label %failed [
    i32 {Status.DONE}, label %done
    i32 {Status.OUT_OF_MEMORY}, label %out_of_memory
  ]
done:
  ret i1 true
out_of_memory:
  %null = call ptr @PyErr_NoMemory()
  ret i1 false
failed:
  ret i1 false
}}

define internal i32 @run(ptr %plan, ptr %block, ptr %stop) {{
  %place = call ptr @Frame.stop.place(ptr %block)
  store ptr %stop, ptr %place
  %function = call ptr @Plan.run(ptr %plan)
  %inputs = call ptr @parameter_place(ptr %block, i64 0)
  %outputs_at = call i64 @Plan.outputs(ptr %plan)
  %outputs = getelementptr i8, ptr %block, i64 %outputs_at
  %arena_at = call i64 @Plan.arena(ptr %plan)
  %arena = getelementptr i8, ptr %block, i64 %arena_at
  %status = call i32 %function(ptr %inputs, ptr %outputs, ptr %arena)
  ret i32 %status
}}

; Only the main thread is interrupted, as in Python: its code looks at a word that our handler sets.
define internal i32 @run_long(ptr %plan, ptr %block) {{
  %thread = call i64 @PyThread_get_thread_ident()
  %main = load i64, ptr @main_thread
  %is_main = icmp eq i64 %thread, %main
  br i1 %is_main, label %handler, label %unseen
handler:
  %is_installed = call i1 @handler_installed()
  br i1 %is_installed, label %again, label %unseen
unseen:
  %alone = call i32 @run_with_others(ptr %plan, ptr %block, ptr @never)
  ret i32 %alone
again:
  store atomic i32 0, ptr @interrupted monotonic, align 4
  %raised_before = call i32 @PyErr_CheckSignals()
  %none_before = icmp eq i32 %raised_before, 0
  br i1 %none_before, label %start, label %raise
start:
  %status = call i32 @run_with_others(ptr %plan, ptr %block, ptr @interrupted)
  %was_interrupted = icmp eq i32 %status, {Status.INTERRUPTED}
  br i1 %was_interrupted, label %ask_python, label %end
ask_python:
  ; its handler may raise nothing: then the run starts again, as nothing was done that counts
  %raised = call i32 @PyErr_CheckSignals()
  %none = icmp eq i32 %raised, 0
  br i1 %none, label %handler, label %raise
raise:
  ret i32 {Status.INTERRUPTED}
end:
  ret i32 %status
}}

; Whether ours stands before Python's own.  It stays there: to ask costs less than to put it there and back for each
; call.  Where nobody handles Ctrl-C, or the process ignores it, nothing is changed.
define internal i1 @handler_installed() {{
  %handler = call ptr @PyOS_getsig(i32 {SIGINT})
  %is_ours = icmp eq ptr %handler, @on_interrupt
  br i1 %is_ours, label %yes, label %which
which:
  %default = icmp eq ptr %handler, null
  %ignore = icmp eq ptr %handler, inttoptr (i64 1 to ptr)
  %error = icmp eq ptr %handler, inttoptr (i64 -1 to ptr)
  %nobody_ = or i1 %default, %ignore
  %nobody = or i1 %nobody_, %error
  br i1 %nobody, label %no, label %install
install:
  store ptr %handler, ptr @handler_before
  %before = call ptr @PyOS_setsig(i32 {SIGINT}, ptr @on_interrupt)
  br label %yes
yes:
  ret i1 true
no:
  ret i1 false
}}

define internal void @on_interrupt(i32 %signal) {{
  store atomic i32 1, ptr @interrupted monotonic, align 4
  %before = load ptr, ptr @handler_before
  call void %before(i32 %signal)
  ret void
}}

define internal i32 @run_with_others(ptr %plan, ptr %block, ptr %stop) {{
  %state = call ptr @PyEval_SaveThread()
  %status = call i32 @run(ptr %plan, ptr %block, ptr %stop)
  call void @PyEval_RestoreThread(ptr %state)
  ret i32 %status
}}

; Memory has no meaning for the code that gets it; in tests, that shows.
define internal void @poisoned(ptr %plan, ptr %memory, i64 %bytes) {{
  %poison = call i64 @Plan.poison(ptr %plan)
  %asked = icmp ne i64 %poison, 0
  br i1 %asked, label %fill, label %done
fill:
  call void @llvm.memset.p0.i64(ptr %memory, i8 -1, i64 %bytes, i1 false)
  br label %done
done:
  ret void
}}
"""

# ---------------------------------------------------------------- what goes out

RESULTS = f"""
; Where the code puts it.
define internal i1 @result_made(ptr %plan, ptr %block, ptr %result) {{
  %make = call i64 @Result.make(ptr %result)
  %place = call i64 @Result.place(ptr %result)
  %is_array = icmp eq i64 %make, {Make.ARRAY}
  br i1 %is_array, label %array, label %other
other:
  %in_word = icmp eq i64 %place, 0
  br i1 %in_word, label %number, label %private
number:
  ret i1 true
array:
  %dims = call ptr @Result.dims(ptr %result)
  %new = call ptr @new_array(ptr %result, ptr %dims, ptr null, ptr null)
  %failed = icmp eq ptr %new, null
  br i1 %failed, label %no, label %made
no:
  ret i1 false
made:
  %slot = call i64 @Result.slot(ptr %result)
  call void @put_into_slot(ptr %plan, ptr %block, i64 %slot, ptr %new)
  %new_data = call ptr @Array.data(ptr %new)
  br label %store
private:
  %own = getelementptr i8, ptr %block, i64 %place
  br label %store
store:
  %data = phi ptr [ %new_data, %made ], [ %own, %private ]
  %bytes = call i64 @Result.bytes(ptr %result)
  call void @poisoned(ptr %plan, ptr %data, i64 %bytes)
  %word_ = call i64 @Result.word(ptr %result)
  %word = call ptr @output_place(ptr %plan, ptr %block, i64 %word_)
  store ptr %data, ptr %word
  ret i1 true
}}

define internal ptr @new_array(ptr %result, ptr %dims, ptr %strides, ptr %data) {{
  %descr = call ptr @Result.descr(ptr %result)
  call void @Py_IncRef(ptr %descr)
  %axes_ = call i64 @Result.nd(ptr %result)
  %axes = trunc i64 %axes_ to i32
  %new = call ptr @PyArray_NewFromDescr(
    ptr @ndarray, ptr %descr, i32 %axes, ptr %dims, ptr %strides, ptr %data, i32 0, ptr null)
  ret ptr %new
}}

; The object that the caller gets; the content of an argument is none.
define internal i1 @result_finished(ptr %plan, ptr %block, ptr %result) {{
  %word_ = call i64 @Result.word(ptr %result)
  %word = call ptr @output_place(ptr %plan, ptr %block, i64 %word_)
  %make = call i64 @Result.make(ptr %result)
  switch i64 %make, label %there [
    i64 {Make.FLOAT}, label %float
    i64 {Make.INT}, label %int
    i64 {Make.BOOL}, label %bool
    i64 {Make.SCALAR}, label %scalar
    i64 {Make.COMPLEX}, label %complex
    i64 {Make.PART}, label %part
  ]
there:
  ret i1 true
float:
  %number = load double, ptr %word
  %of_float = call ptr @PyFloat_FromDouble(double %number)
  br label %made
int:
  %whole = load i64, ptr %word
  %of_int = call ptr @PyLong_FromLongLong(i64 %whole)
  br label %made
bool:
  %byte = load i8, ptr %word
  %bit = zext i8 %byte to i64
  %of_bool = call ptr @PyBool_FromLong(i64 %bit)
  br label %made
scalar:
  %descr = call ptr @Result.descr(ptr %result)
  %content = call ptr @number_place(ptr %block, ptr %result, ptr %word)
  %of_scalar = call ptr @PyArray_Scalar(ptr %content, ptr %descr, ptr null)
  br label %made
complex:
  %parts = call ptr @number_place(ptr %block, ptr %result, ptr %word)
  %imag_place = getelementptr double, ptr %parts, i64 1
  %real = load double, ptr %parts
  %imag = load double, ptr %imag_place
  %of_complex = call ptr @PyComplex_FromDoubles(double %real, double %imag)
  br label %made
part:
  %of_part = call ptr @part(ptr %plan, ptr %block, ptr %result)
  br label %made
made:
  %object = phi ptr [ %of_float, %float ], [ %of_int, %int ], [ %of_bool, %bool ],
                    [ %of_scalar, %scalar ], [ %of_complex, %complex ], [ %of_part, %part ]
  %slot = call i64 @Result.slot(ptr %result)
  call void @put_into_slot(ptr %plan, ptr %block, i64 %slot, ptr %object)
  %done = icmp ne ptr %object, null
  ret i1 %done
}}

; A number that is larger than a word has memory of its own.
define internal ptr @number_place(ptr %block, ptr %result, ptr %word) {{
  %place = call i64 @Result.place(ptr %result)
  %own = getelementptr i8, ptr %block, i64 %place
  %in_word = icmp eq i64 %place, 0
  %content = select i1 %in_word, ptr %word, ptr %own
  ret ptr %content
}}

; The leading part of a private array, as an array of its own; null without an exception if a length is out of bounds.
define internal ptr @part(ptr %plan, ptr %block, ptr %result) {{
  %dims = alloca i64, i64 64
  %axes = call i64 @Result.nd(ptr %result)
  %bounds = call ptr @Result.dims(ptr %result)
  %lengths = call ptr @Result.lengths(ptr %result)
  br label %next
next:
  %k = phi i64 [ 0, %0 ], [ %after, %more ]
  %end = icmp eq i64 %k, %axes
  br i1 %end, label %copy, label %axis
axis:
  %bound_place = getelementptr i64, ptr %bounds, i64 %k
  %bound = load i64, ptr %bound_place
  %which_place = getelementptr i64, ptr %lengths, i64 %k
  %which = load i64, ptr %which_place
  %constant = icmp slt i64 %which, 0
  br i1 %constant, label %more, label %of_run
of_run:
  %output = call ptr @output_place(ptr %plan, ptr %block, i64 %which)
  %stored = load i64, ptr %output
  %in_bounds = icmp ule i64 %stored, %bound
  br i1 %in_bounds, label %more, label %no
more:
  %length = phi i64 [ %bound, %axis ], [ %stored, %of_run ]
  %dim = getelementptr i64, ptr %dims, i64 %k
  store i64 %length, ptr %dim
  %after = add nuw i64 %k, 1
  br label %next
copy:
  %place = call i64 @Result.place(ptr %result)
  %data = getelementptr i8, ptr %block, i64 %place
  %strides = call ptr @Result.strides(ptr %result)
  %view = call ptr @new_array(ptr %result, ptr %dims, ptr %strides, ptr %data)
  %failed = icmp eq ptr %view, null
  br i1 %failed, label %no, label %own
own:
  %array = call ptr @PyArray_NewCopy(ptr %view, i32 0)
  call void @Py_DecRef(ptr %view)
  ret ptr %array
no:
  ret ptr null
}}

define internal i1 @written_back(ptr %plan, ptr %block, ptr %written) {{
  %slot = call i64 @Written.slot(ptr %written)
  %array = call ptr @slot(ptr %plan, ptr %block, i64 %slot)
  %data = call ptr @Array.data(ptr %array)
  %place = call i64 @Written.place(ptr %written)
  %new = getelementptr i8, ptr %block, i64 %place
  %bytes = call i64 @Written.bytes(ptr %written)
  call void @llvm.memcpy.p0.p0.i64(ptr %data, ptr %new, i64 %bytes, i1 false)
  ret i1 true
}}

define internal i1 @step_done(ptr %plan, ptr %block, ptr %step) {{
  %first = call i64 @Step.first(ptr %step)
  %count = call i64 @Step.count(ptr %step)
  %object = call ptr @Step.object(ptr %step)
  %put = call i64 @Step.put(ptr %step)
  switch i64 %put, label %result [
    i64 {Put.OBJECT}, label %known
    i64 {Put.TUPLE}, label %tuple
    i64 {Put.CALL}, label %called
  ]
result:
  %found = call ptr @slot(ptr %plan, ptr %block, i64 %first)
  br label %shared
known:
  br label %shared
shared:
  %borrowed = phi ptr [ %found, %result ], [ %object, %known ]
  call void @Py_IncRef(ptr %borrowed)
  br label %done
tuple:
  %tuple_ = call ptr @tuple_of_slots(ptr %plan, ptr %block, i64 %first, i64 %count)
  br label %done
called:
  %operands = call ptr @slot_place(ptr %plan, ptr %block, i64 %first)
  %returned = call ptr @PyObject_Vectorcall(ptr %object, ptr %operands, i64 %count, ptr null)
  br label %done
done:
  %made = phi ptr [ %borrowed, %shared ], [ %tuple_, %tuple ], [ %returned, %called ]
  %slot = call i64 @Step.slot(ptr %step)
  call void @put_into_slot(ptr %plan, ptr %block, i64 %slot, ptr %made)
  %fine = icmp ne ptr %made, null
  ret i1 %fine
}}

define internal ptr @tuple_of_slots(ptr %plan, ptr %block, i64 %first, i64 %count) {{
  %tuple = call ptr @PyTuple_New(i64 %count)
  %failed = icmp eq ptr %tuple, null
  br i1 %failed, label %done, label %next
next:
  %k = phi i64 [ 0, %0 ], [ %after, %more ]
  %end = icmp eq i64 %k, %count
  br i1 %end, label %done, label %more
more:
  %slot = add nuw i64 %first, %k
  %item = call ptr @taken_from_slot(ptr %plan, ptr %block, i64 %slot)
  %error = call i32 @PyTuple_SetItem(ptr %tuple, i64 %k, ptr %item)
  %after = add nuw i64 %k, 1
  br label %next
done:
  ret ptr %tuple
}}
"""

# ---------------------------------------------------------------- places

PLACES = f"""
define internal ptr @parameter_place(ptr %block, i64 %param) {{
  %first = getelementptr i8, ptr %block, i64 {ctypes.sizeof(Frame)}
  %place = getelementptr i64, ptr %first, i64 %param
  ret ptr %place
}}

define internal ptr @parameter(ptr %block, i64 %param) {{
  %place = call ptr @parameter_place(ptr %block, i64 %param)
  %address = load ptr, ptr %place
  ret ptr %address
}}

define internal ptr @word_of(ptr %block, ptr %node) {{
  %param = call i64 @Node.param(ptr %node)
  %place = call ptr @parameter_place(ptr %block, i64 %param)
  ret ptr %place
}}

define internal ptr @output_place(ptr %plan, ptr %block, i64 %word) {{
  %outputs = call i64 @Plan.outputs(ptr %plan)
  %first = getelementptr i8, ptr %block, i64 %outputs
  %place = getelementptr i64, ptr %first, i64 %word
  ret ptr %place
}}

define internal ptr @slot_place(ptr %plan, ptr %block, i64 %slot) {{
  %slots = call i64 @Plan.slots(ptr %plan)
  %first = getelementptr i8, ptr %block, i64 %slots
  %place = getelementptr ptr, ptr %first, i64 %slot
  ret ptr %place
}}

define internal ptr @slot(ptr %plan, ptr %block, i64 %slot) {{
  %place = call ptr @slot_place(ptr %plan, ptr %block, i64 %slot)
  %object = load ptr, ptr %place
  ret ptr %object
}}

define internal void @put_into_slot(ptr %plan, ptr %block, i64 %slot, ptr %object) {{
  %place = call ptr @slot_place(ptr %plan, ptr %block, i64 %slot)
  store ptr %object, ptr %place
  ret void
}}

define internal ptr @taken_from_slot(ptr %plan, ptr %block, i64 %slot) {{
  %object = call ptr @slot(ptr %plan, ptr %block, i64 %slot)
  call void @put_into_slot(ptr %plan, ptr %block, i64 %slot, ptr null)
  ret ptr %object
}}
"""


def accessors(where: Layout) -> str:
    """Functions that read the fields of tables and objects."""
    found = []
    for structure in STRUCTURES:
        for name, kind, *_ in structure._fields_:
            offset = getattr(structure, name).offset
            found.append(accessor(f"{structure.__name__}.{name}", offset, KINDS[kind]))
        found.append(row_of(structure.__name__, ctypes.sizeof(structure)))
    found.append(accessor("Object.type", where.type, "ptr"))
    found.append(accessor("Object.number", where.number, "i64"))
    for name in ("data", "dims", "descr"):
        found.append(accessor(f"Array.{name}", getattr(where, name), "ptr"))
    for name in ("nd", "flags"):
        found.append(accessor(f"Array.{name}", getattr(where, name), "i32"))
    return "".join(found)


KINDS: dict[Any, str] = {c_void_p: "ptr", c_int64: "i64"}


def accessor(name: str, offset: int, kind: str) -> str:
    return f"""
define internal ptr @{name}.place(ptr %start) {{
  %place = getelementptr i8, ptr %start, i64 {offset}
  ret ptr %place
}}

define internal {kind} @{name}(ptr %start) {{
  %place = call ptr @{name}.place(ptr %start)
  %value = load {kind}, ptr %place
  ret {kind} %value
}}
"""


def row_of(name: str, size: int) -> str:
    return f"""
define internal ptr @{name}.at(ptr %first, i64 %k) {{
  %offset = mul nuw i64 %k, {size}
  %row = getelementptr i8, ptr %first, i64 %offset
  ret ptr %row
}}
"""


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
    **{"True": True, "False": False, "None": None},
}


@cache
def text(where: Layout) -> str:
    objects = "".join(f"@{name} = external global i8\n" for name in OBJECTS)
    functions = [CALL, EVERYTHING, EACH, FACTS, NODES, RUN, RESULTS, PLACES, accessors(where)]
    return "\n".join([*map(inlined, functions), PYTHON, NUMPY, LLVM, objects])


def inlined(functions: str) -> str:
    return re.sub(r"^(define internal .*\)) \{$", r"\1 alwaysinline {", functions, flags=re.MULTILINE)


def symbols() -> Mapping[str, int]:
    """Addresses of what the text declares."""
    python = {name: address(getattr(ctypes.pythonapi, name)) for name in declared(PYTHON)}
    memory = {"memcpy": address(ctypes.memmove), "memmove": address(ctypes.memmove), "memset": address(ctypes.memset)}
    return {**python, **numpy_functions(), **memory, **{name: id(x) for name, x in OBJECTS.items()}}


def numpy_functions() -> dict[str, int]:
    """NumPy gives C extensions a table of its functions, whose order does not change."""
    kind = ctypes.PYFUNCTYPE(c_void_p, ctypes.py_object, ctypes.c_char_p)
    table = kind(("PyCapsule_GetPointer", ctypes.pythonapi))(numpy_core._ARRAY_API, None)
    return {name: c_void_p.from_address(table + 8 * NUMPY_SLOTS[name]).value or 0 for name in declared(NUMPY)}


def declared(text: str) -> list[str]:
    return re.findall(r"@(\w+)", text)


def address(function: Any) -> int:
    return ctypes.cast(function, c_void_p).value or 0
