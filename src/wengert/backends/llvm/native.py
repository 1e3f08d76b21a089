"""A compiled program as a function of CPython's own kind, so that a call costs less than a call of Python's.

All such functions share one piece of machine code (native_code.py).  It reads, at each call, what is to be done from
tables in memory, which are made here: which objects to look at, what each must be, where its value goes, what is built
of the results.  So a new function costs tables, and no compilation.

    self = (address of the Plan, its Owner)        Python's garbage collector sees all that is held
    slots                                          the objects of one call: what was read, results, parts of results
    block                                          memory of one call: Frame, words, slots, arena, private arrays
"""

import ctypes
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from wengert.backends.llvm import tables
from wengert.backends.llvm.call import (
    ABSENT,
    PLAIN,
    VALUE,
    WORD,
    Call,
    bounds,
    by_address,
    holds_positions,
    item_bytes,
    size_in_bytes,
)
from wengert.backends.llvm.engine import QUICK, Code, compile, lock
from wengert.backends.llvm.layout import NUMBERS, Layout, layout
from wengert.backends.llvm.native_code import symbols, text
from wengert.backends.llvm.tables import Check, Get, Make, Put
from wengert.core.tree import LEAF, Structure, open_container, unflatten
from wengert.ir.program import KINDS, Extent, has_extents

LINE = 64  # bytes, to which the arena and private arrays are aligned
FASTCALL_WITH_KEYWORDS = 0x82
WEAK_CHECK = {"f": Check.FLOAT, "i": Check.INT, "b": Check.BOOL, "c": Check.SCALAR}  # by kind of dtype
WEAK_MAKE = {"f": Make.FLOAT, "i": Make.INT, "b": Make.BOOL, "c": Make.COMPLEX}

new_function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)
free_memory = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(("PyMem_RawFree", ctypes.pythonapi))


def native(call: Call, code: Code, where: Layout) -> Callable[..., Any]:
    """A function that runs the code."""
    owner = Owner(call, code)
    with lock:
        definition = method(where)
    made: Callable[..., Any] = new_function(ctypes.addressof(definition), (owner.address, owner), None)
    return made


@cache
def method(where: Layout) -> tables.MethodDef:
    """What CPython knows of the code that all functions share; it stays, since functions look at it until they go."""
    shared = compile(text(where), symbols(), level=QUICK)
    follow_main_thread(ctypes.CFUNCTYPE(None, ctypes.c_uint64)(shared.address("set_main_thread")))
    made = tables.MethodDef(b"compiled", shared.address("call"), FASTCALL_WITH_KEYWORDS, None)
    made.code = shared
    return made


def follow_main_thread(tell: Callable[[int | None], None]) -> None:
    """Only the main thread is interrupted; after a fork, that is the one that forked."""
    tell(threading.main_thread().ident)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: tell(threading.get_ident()))


class Owner:
    """Holds whatever the tables of one function point to."""

    def __init__(self, call: Call, code: Code) -> None:
        self.held: list[Any] = [code]
        self.slots = count()
        self.bytes = 0
        self.plan = self.planned(call, code.address("run"))
        self.address = ctypes.addressof(self.plan)

    def __del__(self) -> None:
        kept, self.plan.kept = self.plan.kept, None  # another finaliser may still call the function
        free_memory(kept)

    def planned(self, call: Call, run: int) -> tables.Plan:
        """The order here is that of the slots: what a call reads, its results, the parts of what it returns."""
        words, output_words = len(call.params), len(call.results) + sum(call.lengths)
        self.bytes = ctypes.sizeof(tables.Frame) + WORD * (words + output_words)
        reading = Reading(self, call)
        results = [next(self.slots) for _ in call.results]
        steps = Returning(self, call, results).steps
        slots = self.bytes
        cleared = self.bytes = slots + WORD * next(self.slots)
        arena = self.room(call.arena)
        plan = tables.Plan(run=run, fallback=self.hold(call.fallback), slots=slots, cleared=cleared, arena=arena)
        plan.outputs = ctypes.sizeof(tables.Frame) + WORD * words
        plan.arena_bytes, plan.long, plan.poison = call.arena, call.long, call.poison
        plan.result = steps[-1].slot
        self.fill(plan, call, reading, results, steps)
        plan.positional, plan.block = reading.positional, self.bytes
        return plan

    def fill(self, plan: tables.Plan, call: Call, reading: "Reading", results: list[int], steps: list[Any]) -> None:
        """The tables."""
        for node in reading.nodes:  # what other threads may change while the code runs
            if node.check == Check.ARRAY and call.long and holds_positions(call.params[node.param]):
                node.copy = self.room(node.bytes)
        made = [self.result(i, call, slot) for i, slot in enumerate(results)]
        slot, places = reading.slot, [row.place for row in made]
        written = [tables.Written(slot[i], places[k], size_in_bytes(call.params[i])) for i, k in call.written.items()]
        self.table(plan, "names", tables.Name, reading.names)
        self.table(plan, "unset", tables.Variable, [tables.Variable(self.hold(x)) for x in call.unset])
        self.table(plan, "guards", tables.Guard, [self.guard(*guard) for guard in call.guards])
        self.table(plan, "checks", tables.Checked, [tables.Checked(self.hold(f)) for f in call.checks])
        self.table(plan, "nodes", tables.Node, reading.nodes)
        self.table(plan, "same", tables.Same, [tables.Same(slot[i], slot[j]) for i, j in call.same.items()])
        self.table(plan, "apart", tables.Apart, [self.apart(call, i, j) for i, j in call.must_be_apart])
        self.table(plan, "written", tables.Written, written)
        self.table(plan, "results", tables.Result, made)
        self.table(plan, "steps", tables.Step, steps)

    # ------------------------------------------------------------ rows

    def guard(self, items: dict[Any, Any], key: Any, expected: Any) -> tables.Guard:
        return tables.Guard(self.hold(items), self.hold(key), None if expected is ABSENT else self.hold(expected))

    def apart(self, call: Call, i: int, j: int) -> tables.Apart:
        return tables.Apart(i, size_in_bytes(call.params[i]), j, size_in_bytes(call.params[j]))

    def result(self, i: int, call: Call, slot: int) -> tables.Result:
        """How result i is made."""
        type = call.results[i]
        made = tables.Result(slot=slot, word=i, descr=self.hold(type.dtype), bytes=size_in_bytes(type))
        if type.form != "array":
            made.make = Make.SCALAR if type.form == "scalar" else WEAK_MAKE[type.dtype.kind]
            made.place = self.room(made.bytes) if by_address(type) else 0
            return made
        made.nd, made.dims = len(type.shape), self.numbers(bounds(type))
        made.make = Make.ARRAY
        if i in call.written.values():
            made.make, made.place = Make.PRIVATE, self.room(made.bytes)
        elif has_extents(type):
            made.make, made.place = Make.PART, self.room(made.bytes)
            made.strides = self.numbers(np.empty(bounds(type), type.dtype).strides)
            first = len(call.results) + sum(call.lengths[:i])
            after = count(first)
            made.lengths = self.numbers([next(after) if isinstance(n, Extent) else -1 for n in type.shape])
        return made

    # ------------------------------------------------------------ memory

    def room(self, bytes: int) -> int:
        """Room in the block, for each call."""
        start = -(-self.bytes // LINE) * LINE
        self.bytes = start + bytes
        return start

    def hold(self, x: Any) -> int:
        """The address of an object that lives as long as this."""
        self.held.append(x)
        return id(x)

    def numbers(self, numbers: Iterable[int]) -> int:
        found = list(numbers)
        array = (ctypes.c_int64 * len(found))(*found)
        self.held.append(array)
        return ctypes.addressof(array)

    def table(self, plan: tables.Plan, name: str, row: type[ctypes.Structure], rows: Sequence[Any]) -> None:
        array = (row * len(rows))(*rows)
        self.held.append(array)
        setattr(plan, name, ctypes.addressof(array))
        setattr(plan, f"{name}_count", len(rows))


class Reading:
    """The rows that say which objects a call looks at, those of containers before those in them.

    slot   of each parameter
    names  of keyword arguments
    """

    def __init__(self, owner: Owner, call: Call) -> None:
        self.owner, self.call = owner, call
        self.nodes: list[tables.Node] = []
        self.names: list[tables.Name] = []
        self.slot: list[int] = []
        self.leaves = iter(call.leaves)
        args, kwargs = call.arguments.children
        self.positional = len(args.children)
        for k, child in enumerate(args.children):
            self.read(child, get=Get.ARGUMENT, index=k)
        for k, (name, child) in enumerate(zip(kwargs.labels, kwargs.children)):
            self.names.append(tables.Name(k, owner.hold(name)))
            self.read(child, get=Get.ARGUMENT, index=self.positional + k)
        for read in call.hidden:
            self.hidden(read)

    def hidden(self, read: Any) -> None:
        if callable(read):
            self.parameter(get=Get.CALL, object=self.owner.hold(read))
        else:
            items, key = read
            self.parameter(get=Get.ITEM_OF, object=self.owner.hold(items), key=self.owner.hold(key))

    def read(self, structure: Structure | None, **get: int) -> None:
        if structure is None:
            expected = next(self.leaves)
            if expected is VALUE:
                self.parameter(**get)
            else:
                self.fact(expected, **get)
        elif structure.kind is type(None):
            self.fact(None, **get)
        else:
            self.container(structure, **get)

    def container(self, structure: Structure, **get: int) -> None:
        kind, labels, children = structure.kind, structure.labels, structure.children
        node = self.node(len(children), type=self.owner.hold(kind), **get)
        how = Get.TUPLE_ITEM
        keys: Sequence[Any] = [None] * len(children)
        if kind is tuple or (issubclass(kind, tuple) and hasattr(kind, "_fields")):
            node.check = Check.TUPLE
        elif kind is list:
            node.check, how = Check.LIST, Get.LIST_ITEM
        elif kind is dict:
            node.check, how, keys = Check.DICT, Get.DICT_ITEM, labels
            node.keys = self.owner.numbers([self.owner.hold(key) for key in labels])
        elif hasattr(kind, "__dataclass_fields__") and not issubclass(kind, dict | list | tuple):
            node.check, how, keys = Check.OBJECT, Get.ATTRIBUTE, labels
        else:
            node.check = Check.OBJECT
            opened = self.owner.hold(opener(structure))
            node = self.node(
                len(children), get=Get.OPENED, parent=node.slot, object=opened, type=self.owner.hold(tuple)
            )
            node.check = Check.TUPLE
        for k, (key, child) in enumerate(zip(keys, children)):
            self.read(child, get=how, parent=node.slot, index=k, key=self.owner.hold(key))

    def fact(self, expected: Any, **get: int) -> None:
        node = self.node(int(type(expected) in PLAIN), **get)
        node.check, node.expected = Check.FACT, self.owner.hold(expected)

    def parameter(self, **get: int) -> None:
        param = len(self.slot)
        known, type = self.call.known.get(param), self.call.params[param]
        kind = KINDS[type.dtype.kind] if type.form == "weak" else type.dtype.type
        node = self.node(len(type.shape), type=self.owner.hold(kind), **get)
        self.slot.append(node.slot)
        node.param, node.bytes = param, size_in_bytes(type)
        if type.form == "array":
            node.check, node.expected = Check.ARRAY, self.owner.hold(type.dtype)
            node.keys = self.owner.numbers(type.shape)
        else:
            node.check = Check.SCALAR if type.form == "scalar" else WEAK_CHECK[type.dtype.kind]
        if known is not None:
            node.is_known, node.known = True, int.from_bytes(item_bytes(known, type.dtype), "little")

    def node(self, size: int, **get: int) -> tables.Node:
        node = tables.Node(slot=next(self.owner.slots), count=size, **get)
        self.nodes.append(node)
        return node


def opener(structure: Structure) -> Callable[[Any], tuple[Any, ...] | None]:
    """Of containers that the code cannot look into itself."""

    def opened(tree: Any) -> tuple[Any, ...] | None:
        found = open_container(tree)
        return tuple(found[1]) if found is not None and found[0] == structure.labels else None

    return opened


class Returning:
    """The steps that put results together, those of parts before those of the whole."""

    def __init__(self, owner: Owner, call: Call, results: Sequence[int]) -> None:
        self.owner = owner
        self.steps: list[tables.Step] = []
        self.given, self.results = iter(call.given), iter(results)
        self.build(call.returned, next(owner.slots))

    def build(self, structure: Structure | None, slot: int) -> None:
        """A step that fills the slot, after those for what it needs."""
        if structure is None:
            x = next(self.given)
            step = (Put.RESULT, slot, next(self.results), 0, None) if x is VALUE else (Put.OBJECT, slot, 0, 0, x)
        elif structure.kind is type(None):
            step = (Put.OBJECT, slot, 0, 0, None)
        else:
            parts = [next(self.owner.slots) for _ in structure.children]
            for child, part in zip(structure.children, parts):
                self.build(child, part)
            put = Put.TUPLE if structure.kind is tuple else Put.CALL
            step = (put, slot, min(parts, default=0), len(parts), builder(structure))
        put, slot, first, size, x = step
        self.steps.append(tables.Step(put, slot, first, size, self.owner.hold(x)))


def builder(structure: Structure) -> Callable[..., Any]:
    """Of containers other than tuples, from their parts."""
    leaves = Structure(structure.kind, structure.labels, (LEAF,) * len(structure.children))
    return lambda *parts: unflatten(leaves, parts)


def native_layout(call: Call) -> Layout | None:
    """Where objects keep their fields, if machine code may look at those of this call."""
    numbers = {t.dtype for t in [*call.params, *call.results] if t.form != "array"}
    return layout() if numbers <= set(NUMBERS) else None
