"""How the program runs, and what is made of its results, as LLVM text (see native_code.py)."""

import time

from wengert.backends.llvm.call import Status
from wengert.backends.llvm.tables import Make, Put

SIGINT = 2
RECENT = 50_000  # nanoseconds

# ---------------------------------------------------------------- the run

RUN = f"""
@never = internal global i32 0
@interrupted = internal global i32 0
@main_thread = internal global i64 0
@handler_before = internal global ptr null
@asked_at = internal global i64 0
@seen_in_python = internal global ptr null
@was_installed = internal global i1 false

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

; To ask the system takes longer than a short loop.  Its answer holds for 50 us, as long as Python has the same
; handler: who sets another one there takes ours away.
define internal i1 @handler_installed() {{
  %now = call i64 @nanoseconds()
  %before = load i64, ptr @asked_at
  %passed = sub i64 %now, %before
  %is_recent = icmp ult i64 %passed, {RECENT}
  %python = call ptr @handler_in_python()
  %seen = load ptr, ptr @seen_in_python
  %is_same = icmp eq ptr %python, %seen
  %holds = and i1 %is_recent, %is_same
  br i1 %holds, label %known, label %ask
known:
  %answer_before = load i1, ptr @was_installed
  ret i1 %answer_before
ask:
  %answer = call i1 @handler_installed_now()
  store i64 %now, ptr @asked_at
  store ptr %python, ptr @seen_in_python
  store i1 %answer, ptr @was_installed
  ret i1 %answer
}}

; Which object it is; others hold it.
define internal ptr @handler_in_python() {{
  %arguments = alloca ptr
  store ptr @SIGINT, ptr %arguments
  %handler = call ptr @PyObject_Vectorcall(ptr @getsignal, ptr %arguments, i64 1, ptr null)
  %failed = icmp eq ptr %handler, null
  br i1 %failed, label %unknown, label %known
unknown:
  call void @PyErr_Clear()
  ret ptr null
known:
  call void @Py_DecRef(ptr %handler)
  ret ptr %handler
}}

; Whether ours stands before Python's own.  It stays there: to ask costs less than to put it there and back for each
; call.  Where nobody handles Ctrl-C, or the process ignores it, nothing is changed.
define internal i1 @handler_installed_now() {{
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

CLOCK = f"""
declare i32 @clock_gettime(i32, ptr)

define internal i64 @nanoseconds() {{
  %time = alloca [2 x i64]
  %status = call i32 @clock_gettime(i32 {getattr(time, "CLOCK_MONOTONIC", 0)}, ptr %time)
  %seconds = load i64, ptr %time
  %rest_at = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %rest_at
  %whole = mul i64 %seconds, 1000000000
  %sum = add i64 %whole, %rest
  ret i64 %sum
}}
"""

# each time is long after the last one: the system is asked for each call
NO_CLOCK = f"""
define internal i64 @nanoseconds() {{
  %before = load i64, ptr @asked_at
  %long_after = add i64 %before, {RECENT}
  ret i64 %long_after
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
