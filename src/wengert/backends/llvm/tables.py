"""The tables from which the shared machine code reads what a call does: written by native.py, read by native_code.py.

Each is a C structure of words.  `count` of a table `t` of the Plan stands in `t_count`.
"""

import ctypes
from ctypes import c_char_p, c_int, c_int64, c_void_p
from enum import IntEnum
from typing import Any


def words(names: str) -> list[tuple[str, Any]]:
    return [(name, c_int64) for name in names.split()]


def pointers(names: str) -> list[tuple[str, Any]]:
    return [(name, c_void_p) for name in names.split()]


class MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = [("name", c_char_p), ("function", c_void_p), ("flags", c_int), ("doc", c_char_p)]


class Frame(ctypes.Structure):
    """Where the block of a call begins; the words of the parameters follow, so that inputs[-1] is `stop`.

    arguments  of the call, as CPython passes them
    stop       address of a word (i32) that is not zero when the code should return 3
    """

    _fields_ = pointers("arguments stop")


TABLES = ("names", "unset", "guards", "checks", "nodes", "same", "apart", "written", "results", "steps")


class Plan(ctypes.Structure):
    """
    positional   number of positional arguments
    outputs, slots, cleared, arena   where these start in the block; what stands before `cleared` is zero at first
    block        bytes of the block
    kept         a block that no call uses now, or null
    result       slot of what is returned
    """

    _fields_ = [
        *pointers("run fallback kept"),
        *words("positional outputs slots cleared arena arena_bytes block long poison result"),
        *[field for name in TABLES for field in ((name, c_void_p), (f"{name}_count", c_int64))],
    ]


class Name(ctypes.Structure):
    """A keyword."""

    _fields_ = [*words("index"), *pointers("object")]


class Guard(ctypes.Structure):
    """`items[key]` is this object; null: there is none."""

    _fields_ = pointers("items key object")


class Variable(ctypes.Structure):
    """A context variable that holds None."""

    _fields_ = pointers("variable")


class Checked(ctypes.Structure):
    """A function that returns True."""

    _fields_ = pointers("function")


class Get(IntEnum):
    """Where an object comes from."""

    ARGUMENT = 0
    TUPLE_ITEM = 1
    LIST_ITEM = 2
    DICT_ITEM = 3
    ATTRIBUTE = 4
    OPENED = 5  # what a function makes of the parent
    ITEM_OF = 6  # an item of a dict that is no argument
    CALL = 7  # what a function returns


class Check(IntEnum):
    """What it must be."""

    FLOAT = 0
    INT = 1
    BOOL = 2
    SCALAR = 3  # one that follows the head of its object: of NumPy, or complex
    ARRAY = 4
    TUPLE = 5
    LIST = 6
    DICT = 7
    OBJECT = 8  # of this type
    FACT = 9


class Node(ctypes.Structure):
    """An object that a call looks at.

    slot      where it is kept
    get       Get: from which `parent` (a slot), by `index`, `key`, or `object`
    check     Check: it must be of this `type`, have `count` items, or axes; FACT: `count` if it may be equal only
    keys      of a dict; lengths of an array
    expected  dtype of an array; a fact
    param     of a number or array: which parameter, of how many `bytes`
    copy      where in the block a copy of the array is made, or 0
    is_known  whether its word must be `known`
    """

    _fields_ = [
        *words("slot get parent index check count param bytes copy is_known known"),
        *pointers("key object type keys expected"),
    ]


class Same(ctypes.Structure):
    """Two slots that hold one object."""

    _fields_ = words("one other")


class Apart(ctypes.Structure):
    """Two parameters whose memory does not overlap."""

    _fields_ = words("one one_bytes other other_bytes")


class Written(ctypes.Structure):
    """The array in this slot gets the content of a private one."""

    _fields_ = words("slot place bytes")


class Make(IntEnum):
    """What becomes of a result."""

    FLOAT = 0
    INT = 1
    BOOL = 2
    SCALAR = 3
    ARRAY = 4
    PRIVATE = 5  # the content of an argument
    PART = 6  # the leading part of a private array
    COMPLEX = 7


class Result(ctypes.Structure):
    """
    slot     where the object is kept
    word     which of the outputs
    place    where in the block its memory is: of a private array, or of a number larger than a word; or 0
    dims     lengths, or bounds;  strides: with these lengths
    lengths  for each axis which output is its length, or -1
    """

    _fields_ = [
        *words("make slot word bytes nd place"),
        *pointers("descr dims strides lengths"),
    ]


class Put(IntEnum):
    """What a step puts into its slot."""

    RESULT = 0  # what stands in slot `first`
    OBJECT = 1
    TUPLE = 2  # of `count` slots from `first` on
    CALL = 3  # what the function returns for these


class Step(ctypes.Structure):
    _fields_ = [*words("put slot first count"), *pointers("object")]


STRUCTURES = (Frame, Plan, Name, Variable, Guard, Checked, Node, Same, Apart, Written, Result, Step)
