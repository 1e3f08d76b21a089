"""What machine code needs while it runs, as LLVM text: blocks of memory, stacks, records.

Two parts: LIBRARY is code of its own, which is made once and found by its addresses; INLINED is put where it is called.

Every block of memory is in a list that the context of a call holds, and `run` frees what is left in the end: a call
that fails half-way leaves nothing behind.

    context  { first block, last block, address where the machine's stack began, address of the word that says stop }
    block    { following, preceding, bytes, nothing } and then what it holds
    stack    a block: { data, count, room, owners }
    record   a block: { owners, values ... }

A stack or a record with one owner may be changed in place.

Large blocks of stacks that were let go are kept for the next call, a few for the whole process: memory that the system
gives anew costs more than to fill it.
"""

import re
from collections.abc import Iterable
from functools import cache

from wengert.backends.llvm.engine import SCALAR, Code, compile
from wengert.backends.llvm.ufuncs import address_of

HEADER = 32  # bytes of a block before what it holds
SPARE, LARGE, LARGEST = 16, 1 << 16, 1 << 22  # how many blocks are kept; from so many bytes on, and up to so many
DEPTH = 2 << 20  # bytes of the machine's stack that calls inside calls may take

LIBRARY = f"""
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare ptr @malloc(i64)
declare void @free(ptr)
; what is kept: threads take and leave blocks by atomic exchanges
@spare = internal global [{SPARE} x ptr] zeroinitializer

; a block that was kept, of so many bytes or up to twice as many; or null
define internal ptr @kept_block(i64 %size) #0 {{
entry:
  %twice = shl i64 %size, 1
  br label %head
head:
  %i = phi i64 [ 0, %entry ], [ %next, %on ]
  %end = icmp eq i64 %i, {SPARE}
  br i1 %end, label %none, label %look
look:
  %slot = getelementptr inbounds ptr, ptr @spare, i64 %i
  %next = add i64 %i, 1
  %block = atomicrmw xchg ptr %slot, ptr null seq_cst
  %empty = icmp eq ptr %block, null
  br i1 %empty, label %on, label %measure
measure:
  %bytes.place = getelementptr inbounds i8, ptr %block, i64 16
  %bytes = load i64, ptr %bytes.place
  %enough = icmp uge i64 %bytes, %size
  %not.much = icmp ule i64 %bytes, %twice
  %fits = and i1 %enough, %not.much
  br i1 %fits, label %found, label %back
back:
  %other = atomicrmw xchg ptr %slot, ptr %block seq_cst
  call void @free(ptr %other)
  br label %on
on:
  br label %head
found:
  ret ptr %block
none:
  ret ptr null
}}

; keep a block that nobody needs, or give it to the system
define internal void @leave_block(ptr %block) #0 {{
entry:
  %bytes.place = getelementptr inbounds i8, ptr %block, i64 16
  %bytes = load i64, ptr %bytes.place
  %large = icmp uge i64 %bytes, {LARGE}
  %not.huge = icmp ule i64 %bytes, {LARGEST}
  %worth = and i1 %large, %not.huge
  br i1 %worth, label %head, label %give
head:
  %i = phi i64 [ 0, %entry ], [ %next, %look ]
  %end = icmp eq i64 %i, {SPARE}
  br i1 %end, label %give, label %look
look:
  %slot = getelementptr inbounds ptr, ptr @spare, i64 %i
  %next = add i64 %i, 1
  %tried = cmpxchg ptr %slot, ptr null, ptr %block seq_cst seq_cst
  %done = extractvalue {{ ptr, i1 }} %tried, 1
  br i1 %done, label %out, label %head
give:
  call void @free(ptr %block)
  br label %out
out:
  ret void
}}

define ptr @new_block(ptr %context, i64 %bytes) #0 {{
  %size = add i64 %bytes, {HEADER}
  %large = icmp uge i64 %size, {LARGE}
  br i1 %large, label %again, label %new
again:
  %kept = call ptr @kept_block(i64 %size)
  %nothing = icmp eq ptr %kept, null
  br i1 %nothing, label %new, label %link
new:
  %made = call ptr @malloc(i64 %size)
  %none = icmp eq ptr %made, null
  br i1 %none, label %out, label %mark
mark:
  %bytes.place = getelementptr inbounds i8, ptr %made, i64 16
  store i64 %size, ptr %bytes.place
  br label %link
link:
  %block = phi ptr [ %kept, %again ], [ %made, %mark ]
  %first = load ptr, ptr %context
  store ptr %first, ptr %block
  %back = getelementptr inbounds i8, ptr %block, i64 8
  store ptr %context, ptr %back
  %first.back = getelementptr inbounds i8, ptr %first, i64 8
  store ptr %block, ptr %first.back
  store ptr %block, ptr %context
  %held = getelementptr inbounds i8, ptr %block, i64 {HEADER}
  ret ptr %held
out:
  ret ptr null
}}

define void @free_block(ptr %held) #0 {{
  %none = icmp eq ptr %held, null
  br i1 %none, label %done, label %unlink
unlink:
  %block = getelementptr inbounds i8, ptr %held, i64 -{HEADER}
  %back.place = getelementptr inbounds i8, ptr %block, i64 8
  %following = load ptr, ptr %block
  %preceding = load ptr, ptr %back.place
  store ptr %following, ptr %preceding
  %following.back = getelementptr inbounds i8, ptr %following, i64 8
  store ptr %preceding, ptr %following.back
  call void @leave_block(ptr %block)
  br label %done
done:
  ret void
}}

define void @free_all(ptr %context) #0 {{
entry:
  %first = load ptr, ptr %context
  br label %head
head:
  %block = phi ptr [ %first, %entry ], [ %following, %one ]
  %end = icmp eq ptr %block, %context
  br i1 %end, label %done, label %one
one:
  %following = load ptr, ptr %block
  call void @free(ptr %block)
  br label %head
done:
  ret void
}}

define ptr @new_stack(ptr %context) #0 {{
  %stack = call ptr @new_block(ptr %context, i64 32)
  %none = icmp eq ptr %stack, null
  br i1 %none, label %done, label %fill
fill:
  call void @llvm.memset.p0.i64(ptr %stack, i8 0, i64 32, i1 false)
  %owners = getelementptr inbounds i8, ptr %stack, i64 24
  store i64 1, ptr %owners
  br label %done
done:
  ret ptr %stack
}}

; room for so many more values of a stack, of these bytes each, where the system gives it
define void @reserve(ptr %context, ptr %stack, i64 %size, i64 %more) #0 {{
  %count.place = getelementptr inbounds i8, ptr %stack, i64 8
  %count = load i64, ptr %count.place
  %room.place = getelementptr inbounds i8, ptr %stack, i64 16
  %room = load i64, ptr %room.place
  %all = add i64 %count, %more
  %enough = icmp sle i64 %all, %room
  br i1 %enough, label %done, label %grow
grow:
  %grown = call i1 @grow(ptr %context, ptr %stack, i64 %size, i64 %all)
  br label %done
done:
  ret void
}}

; twice the room, or room for so many values
define i1 @grow(ptr %context, ptr %stack, i64 %size, i64 %least) cold #0 {{
  %room.place = getelementptr inbounds i8, ptr %stack, i64 16
  %room = load i64, ptr %room.place
  %twice = shl i64 %room, 1
  %few = icmp slt i64 %twice, %least
  %more = select i1 %few, i64 %least, i64 %twice
  %bytes = mul i64 %more, %size
  %data = call ptr @new_block(ptr %context, i64 %bytes)
  %none = icmp eq ptr %data, null
  br i1 %none, label %fail, label %move
move:
  %old = load ptr, ptr %stack
  %count.place = getelementptr inbounds i8, ptr %stack, i64 8
  %count = load i64, ptr %count.place
  %used = mul i64 %count, %size
  %fresh = icmp eq ptr %old, null
  br i1 %fresh, label %done, label %copy
copy:
  call void @llvm.memcpy.p0.p0.i64(ptr %data, ptr %old, i64 %used, i1 false)
  call void @free_block(ptr %old)
  br label %done
done:
  store ptr %data, ptr %stack
  store i64 %more, ptr %room.place
  ret i1 true
fail:
  ret i1 false
}}

; where a stack of pointers has none: a stack of nothing
@no_items = constant [4 x i64] zeroinitializer

; room for so many values of a stack that has none, with these bytes in it; whether there is room
define i1 @open(ptr %context, ptr %stack, i64 %count, i64 %size, i8 %byte) #0 {{
  %bytes = mul i64 %count, %size
  %data = call ptr @new_block(ptr %context, i64 %bytes)
  %none = icmp eq ptr %data, null
  br i1 %none, label %fail, label %fill
fill:
  call void @llvm.memset.p0.i64(ptr %data, i8 %byte, i64 %bytes, i1 false)
  store ptr %data, ptr %stack
  %count.place = getelementptr inbounds i8, ptr %stack, i64 8
  store i64 %count, ptr %count.place
  %room.place = getelementptr inbounds i8, ptr %stack, i64 16
  store i64 %count, ptr %room.place
  ret i1 true
fail:
  ret i1 false
}}

; a stack of its own with the same values; values that are stacks or records get one more owner
define ptr @clone(ptr %context, ptr %stack, i64 %size, i64 %owners.at) #0 {{
entry:
  %new = call ptr @new_stack(ptr %context)
  %none = icmp eq ptr %new, null
  br i1 %none, label %fail, label %room
room:
  %count.place = getelementptr inbounds i8, ptr %stack, i64 8
  %count = load i64, ptr %count.place
  %empty = icmp eq i64 %count, 0
  br i1 %empty, label %done, label %fill
fill:
  %bytes = mul i64 %count, %size
  %data = call ptr @new_block(ptr %context, i64 %bytes)
  %no.data = icmp eq ptr %data, null
  br i1 %no.data, label %fail, label %copy
copy:
  %old = load ptr, ptr %stack
  call void @llvm.memcpy.p0.p0.i64(ptr %data, ptr %old, i64 %bytes, i1 false)
  store ptr %data, ptr %new
  %new.count = getelementptr inbounds i8, ptr %new, i64 8
  store i64 %count, ptr %new.count
  %new.room = getelementptr inbounds i8, ptr %new, i64 16
  store i64 %count, ptr %new.room
  %plain = icmp slt i64 %owners.at, 0
  br i1 %plain, label %done, label %share
share:
  %i = phi i64 [ 0, %copy ], [ %i.next, %on ]
  %slot = getelementptr inbounds ptr, ptr %data, i64 %i
  %inner = load ptr, ptr %slot
  %nothing = icmp eq ptr %inner, null
  br i1 %nothing, label %on, label %one
one:
  %owners.place = getelementptr inbounds i8, ptr %inner, i64 %owners.at
  call void @share(ptr %owners.place)
  br label %on
on:
  %i.next = add i64 %i, 1
  %last = icmp eq i64 %i.next, %count
  br i1 %last, label %done, label %share
done:
  ret ptr %new
fail:
  ret ptr null
}}

; one owner less; with the last one goes what is inside: stacks of this depth, and in the deepest of them records
; (what records hold stays until the end of the call)
define void @drop_stack(ptr %stack, i64 %depth, i1 %records) #0 {{
  %owners.place = getelementptr inbounds i8, ptr %stack, i64 24
  %owners = load i64, ptr %owners.place
  %fewer = sub i64 %owners, 1
  store i64 %fewer, ptr %owners.place
  %gone = icmp eq i64 %fewer, 0
  br i1 %gone, label %last, label %done
last:
  %data = load ptr, ptr %stack
  %count.place = getelementptr inbounds i8, ptr %stack, i64 8
  %count = load i64, ptr %count.place
  %deepest = icmp eq i64 %depth, 0
  %plain = xor i1 %records, true
  %no.pointers = and i1 %deepest, %plain
  %below = sub i64 %depth, 1
  br i1 %no.pointers, label %free, label %head
head:
  %i = phi i64 [ 0, %last ], [ %i.next, %on ]
  %end = icmp eq i64 %i, %count
  br i1 %end, label %free, label %item
item:
  %slot = getelementptr inbounds ptr, ptr %data, i64 %i
  %inner = load ptr, ptr %slot
  %nothing = icmp eq ptr %inner, null
  br i1 %nothing, label %on, label %one
one:
  br i1 %deepest, label %record, label %deeper
record:
  call void @drop_record(ptr %inner)
  br label %on
deeper:
  call void @drop_stack(ptr %inner, i64 %below, i1 %records)
  br label %on
on:
  %i.next = add i64 %i, 1
  br label %head
free:
  call void @free_block(ptr %data)
  call void @free_block(ptr %stack)
  br label %done
done:
  ret void
}}

define void @drop_record(ptr %record) #0 {{
  %owners = load i64, ptr %record
  %fewer = sub i64 %owners, 1
  store i64 %fewer, ptr %record
  %gone = icmp eq i64 %fewer, 0
  br i1 %gone, label %free, label %done
free:
  call void @free_block(ptr %record)
  br label %done
done:
  ret void
}}
attributes #0 = {{ nounwind }}
"""

INLINED = f"""
; the stack, or a clone where others own it, too
define internal ptr @alone(ptr %context, ptr %stack, i64 %size, i64 %owners.at) alwaysinline nounwind {{
  %owners.place = getelementptr inbounds i8, ptr %stack, i64 24
  %owners = load i64, ptr %owners.place
  %one = icmp eq i64 %owners, 1
  br i1 %one, label %same, label %shared
same:
  ret ptr %stack
shared:
  %fewer = sub i64 %owners, 1
  store i64 %fewer, ptr %owners.place
  %new = call ptr @clone(ptr %context, ptr %stack, i64 %size, i64 %owners.at)
  ret ptr %new
}}

define internal void @share(ptr %owners.place) alwaysinline nounwind {{
  %owners = load i64, ptr %owners.place
  %one.more = add i64 %owners, 1
  store i64 %one.more, ptr %owners.place
  ret void
}}

; whether calls inside calls may go one level deeper
define internal i1 @deeper(ptr %context, ptr %here) alwaysinline nounwind {{
  %base.place = getelementptr inbounds i8, ptr %context, i64 16
  %base = load i64, ptr %base.place
  %now = ptrtoint ptr %here to i64
  %used = sub i64 %base, %now
  %ok = icmp slt i64 %used, {DEPTH}
  ret i1 %ok
}}
"""

HEAD = re.compile(r"^(?:define (.*@(\w+)\(.*\)).*|@(\w+) = constant (\[.*\]).*)$", re.MULTILINE)


def declarations() -> dict[str, str]:
    """Of what is in the library."""
    found = {}
    for function, name, constant, type in HEAD.findall(LIBRARY):
        found[name or constant] = f"declare {function} nounwind" if name else f"@{constant} = external constant {type}"
    return found


DECLARED = declarations()
PARTS = {re.search(r"@(\w+)", part)[1]: part for part in re.split(r"\n(?=define)", INLINED)[1:]}  # type: ignore[index]


def needed(text: str) -> dict[str, str]:
    """What this text uses, and what that uses."""
    found: dict[str, str] = {}

    def note(text: str) -> None:
        for name, part in {**DECLARED, **PARTS}.items():
            if name not in found and f"@{name}" in text:
                found[name] = part
                note(part)

    note(text)
    return found


@cache
def library() -> Code:
    return compile(LIBRARY + INLINED, {}, level=SCALAR)


def addresses(names: Iterable[str]) -> dict[str, int]:
    """Where the C loops and the functions of the library are that have these names, in this process."""
    return {name: address_of(name) if ":" in name else library().address(name) for name in names}
