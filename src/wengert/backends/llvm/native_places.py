"""Where things stand, as LLVM text (see native_code.py): in the block of a call, in the tables, in objects."""

import ctypes
from ctypes import c_int64, c_void_p
from typing import Any

from wengert.backends.llvm.layout import Layout
from wengert.backends.llvm.tables import STRUCTURES, Frame

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
