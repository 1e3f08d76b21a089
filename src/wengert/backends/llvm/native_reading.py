"""What a call looks at, as LLVM text (see native_code.py): facts, then arguments and hidden inputs."""

from wengert.backends.llvm.call import WORD
from wengert.backends.llvm.tables import Check, Get

C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400  # flags of arrays

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
  %is_equal = call i1 @equals(ptr %one, ptr %other)
  ret i1 %is_equal
yes:
  ret i1 true
no:
  ret i1 false
}}

define internal i1 @equals(ptr %one, ptr %other) {{
  %equal = call i32 @PyObject_RichCompareBool(ptr %one, ptr %other, i32 2)
  %is_equal = icmp eq i32 %equal, 1
  ret i1 %is_equal
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
  %is_equal = call i1 @equals(ptr %object, ptr %expected)
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
