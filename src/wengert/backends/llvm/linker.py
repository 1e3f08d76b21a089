"""Object code becomes code in memory, without LLVM: kept code runs before llvmlite would have been imported.

This is for Linux on x86-64.  LLVM emits few kinds of sections and relocations for our texts (System V Application
Binary Interface, AMD64 Architecture Processor Supplement, chapter 4); whatever has others is left to LLVM's linker.
"""

import ctypes
import mmap
import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np

HEADER = np.dtype(
    {
        "names": ["magic", "type", "machine", "sections", "entry", "count"],
        "formats": ["S6", "<u2", "<u2", "<u8", "<u2", "<u2"],
        "offsets": [0, 16, 18, 40, 58, 60],
        "itemsize": 64,
    }
)
SECTION = np.dtype("<u4, <u4, <u8, <u8, <u8, <u8, <u4, <u4, <u8, <u8")
SECTION.names = ("name", "type", "flags", "address", "offset", "size", "link", "info", "align", "entry")
SYMBOL = np.dtype("<u4, u1, u1, <u2, <u8, <u8")
SYMBOL.names = ("name", "info", "other", "section", "value", "size")
RELOCATION = np.dtype("<u8, <u4, <u4, <i8")
RELOCATION.names = ("offset", "type", "symbol", "addend")

ELF = b"\x7fELF\2\1"  # of 64 bits, the low byte first
RELOCATABLE, X86_64 = 1, 62
PROGBITS, SYMTAB, RELA, NOBITS = 1, 2, 4, 8  # types of sections
UNWIND = 0x70000001  # how exceptions would leave the code, which they never do
WRITE, ALLOC, EXECINSTR, PLAIN = 1, 2, 4, 0x77  # their flags; all that mean nothing else here
UNDEFINED, GLOBAL = 0, 1
ADDRESS, RELATIVE, CALL, SLOT = [1], [2], [4], [9, 41, 42]  # R_X86_64_64; _PC32; _PLT32; _GOTPCREL, GOTPCRELX, REX_
JUMP, TRAP = b"\xff\x25", b"\x0f\x0b"  # jmp to the address that lies so many bytes after this; ud2


class Unknown(Exception):
    """Object code that this linker does not understand, or something in it that nobody has."""


class Linked:
    """Code in memory, as long as this lives.

    functions  name -> where it starts
    """

    def __init__(self, start: int, size: int, functions: Mapping[str, int]) -> None:
        self._start, self._size, self._functions = start, size, functions

    def __del__(self, at_exit: Callable[[], bool] = sys.is_finalizing) -> None:
        if not at_exit():  # then threads may still run it
            system().munmap(self._start, self._size)

    def address(self, name: str) -> int:
        """Where the function of this name starts; raises RuntimeError where there is none."""
        if name not in self._functions:
            raise RuntimeError(f"the code has no function {name}")
        return self._functions[name]


def link(code: bytes, symbols: Mapping[str, int]) -> Linked | None:
    """The code in memory; None where LLVM has to do this: on other platforms, and where something is not known here.

    symbols   addresses of what the code needs and this process does not know by name
    """
    if not is_at_home():
        return None
    try:
        return Image(Object(code), symbols).loaded()
    except Unknown:
        return None


@cache
def is_at_home() -> bool:
    return sys.platform == "linux" and os.uname().machine == "x86_64" and sys.maxsize > 2**32


@cache
def system() -> ctypes.CDLL:
    """What this process has loaded, the C library among it."""
    found = ctypes.CDLL(None)
    found.mmap.restype = ctypes.c_void_p
    found.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    found.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    found.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    return found


@cache
def address_in_process(name: str) -> int:
    try:
        found = ctypes.cast(system()[name], ctypes.c_void_p).value
    except AttributeError:
        found = None
    if found is None:
        raise Unknown(f"nothing in this process is called {name}")
    return found


class Object:
    """What a file of object code says.

    relocations  (number of a section that is loaded, what to change in it)
    """

    def __init__(self, code: bytes) -> None:
        header = np.frombuffer(code, HEADER, 1)[0]
        if (header["magic"], header["type"], header["machine"]) != (ELF, RELOCATABLE, X86_64):
            raise Unknown("no object code for x86-64")
        self.code = code
        self.sections = np.frombuffer(code, SECTION, header["count"], int(header["sections"]))
        self.loaded = (self.sections["flags"] & ALLOC != 0) & (self.sections["type"] != UNWIND)
        if not all(map(is_plain, self.sections[self.loaded])):
            raise Unknown("sections of other kinds")
        table = self.sections[self.sections["type"] == SYMTAB][0]
        self.symbols, self.names = self.table(table, SYMBOL), self.content(self.sections[table["link"]])
        changes = [(int(s["info"]), self.table(s, RELOCATION)) for s in self.sections if s["type"] == RELA]
        self.relocations = [(n, table) for n, table in changes if self.loaded[n]]
        for _, table in self.relocations:
            targets = self.symbols["section"][table["symbol"]]
            is_known = np.isin(table["type"], ADDRESS + RELATIVE + CALL + SLOT)
            if not (is_known & np.isin(targets, [UNDEFINED, *np.flatnonzero(self.loaded)])).all():
                raise Unknown("relocations of other types")

    def content(self, section: Any) -> bytes:
        return self.code[int(section["offset"]) : int(section["offset"] + section["size"])]

    def table(self, section: Any, dtype: np.dtype[Any]) -> Any:
        return np.frombuffer(self.content(section), dtype)

    def name(self, symbol: Any) -> str:
        start = int(symbol["name"])
        return self.names[start : self.names.index(b"\0", start)].decode()

    def far(self) -> Any:
        """Numbers of symbols that are reached by an address in memory: functions elsewhere, and where the code asks."""
        used = np.concatenate([np.zeros(0, RELOCATION), *[table for _, table in self.relocations]])
        calls, asked = (used["symbol"][np.isin(used["type"], types)] for types in (CALL, SLOT))
        return np.unique(np.concatenate([calls[self.symbols["section"][calls] == UNDEFINED], asked]))


def is_plain(section: Any) -> bool:
    return section["type"] in (PROGBITS, NOBITS) and not section["flags"] & ~np.uint64(PLAIN)


class Image:
    """Object code as it will lie in memory: pages of code, of what is only read, and of data.

    places     of the sections;  elsewhere  symbols that are not in the object -> address
    far        symbols that have a slot among what is only read, which holds the address, and a jump there
    """

    def __init__(self, object: Object, given: Mapping[str, int]) -> None:
        self.object = object
        undefined = np.flatnonzero(object.symbols["section"] == UNDEFINED)[1:]  # the first symbol is none
        names = {int(n): object.name(object.symbols[n]) for n in undefined}
        self.elsewhere = {n: given[x] if x in given else address_in_process(x) for n, x in names.items()}
        self.far = object.far()
        self.places = np.zeros(len(object.sections), np.int64)
        flags = object.sections["flags"]
        code, data = flags & EXECINSTR != 0, flags & WRITE != 0
        self.jumps, self.code_end = self.put(code, 0)
        self.slots, self.constants_end = self.put(~code & ~data, self.code_end)
        _, self.size = self.put(data & ~code, self.constants_end)

    def put(self, chosen: Any, at: int) -> tuple[int, int]:
        """Sections from `at` on; where 8 bytes for each far symbol follow, and where the pages after these begin."""
        for n in np.flatnonzero(chosen & self.object.loaded):
            section = self.object.sections[n]
            self.places[n] = rounded(at, max(int(section["align"]), 1))
            at = int(self.places[n]) + int(section["size"])
        at = rounded(at, 8)
        return at, rounded(at + 8 * len(self.far), mmap.PAGESIZE)

    def loaded(self) -> Linked:
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        start = system().mmap(None, self.size, mmap.PROT_READ | mmap.PROT_WRITE, private, -1, 0)
        if start in (None, ctypes.c_void_p(-1).value):
            raise Unknown("no memory")
        values = self.values(start)
        found = Linked(start, self.size, self.functions(values))
        content = self.content(start, values)
        ctypes.memmove(start, content.ctypes.data, content.size)
        for begin, end, how in (
            (0, self.code_end, mmap.PROT_READ | mmap.PROT_EXEC),
            (self.code_end, self.constants_end, mmap.PROT_READ),
        ):
            if begin < end and system().mprotect(start + begin, end - begin, how):
                raise Unknown("the system does not let code be run that was written to memory")
        return found

    def values(self, start: int) -> Any:
        """Addresses of all symbols."""
        symbols = self.object.symbols
        section = np.where(symbols["section"] < len(self.places), symbols["section"], UNDEFINED)
        found = start + self.places[section] + symbols["value"].astype(np.int64)
        found[list(self.elsewhere)] = list(self.elsewhere.values())
        return found

    def functions(self, values: Any) -> dict[str, int]:
        symbols = self.object.symbols
        chosen = np.flatnonzero((symbols["section"] != UNDEFINED) & (symbols["info"] >> 4 == GLOBAL))
        return {self.object.name(symbols[n]): int(values[n]) for n in chosen}

    def content(self, start: int, values: Any) -> Any:
        memory = np.zeros(self.size, np.uint8)
        for n in np.flatnonzero(self.object.loaded & (self.object.sections["type"] == PROGBITS)):
            section = self.object.content(self.object.sections[n])
            memory[self.places[n] : self.places[n] + len(section)] = np.frombuffer(section, np.uint8)
        count = len(self.far)
        jump = JUMP + (self.slots - self.jumps - 6).to_bytes(4, "little") + TRAP
        memory[self.jumps : self.jumps + 8 * count] = np.frombuffer(jump * count, np.uint8)
        memory[self.slots : self.slots + 8 * count] = values[self.far].astype(np.int64).view(np.uint8)
        for changed, table in self.object.relocations:
            self.relocate(memory, start, values, int(self.places[changed]), table)
        return memory

    def relocate(self, memory: Any, start: int, values: Any, section: int, table: Any) -> None:
        """ABI, table 4.9: S + A, and S + A - P, where S of a far function is its jump, and of a slot the slot."""
        slot = np.zeros(len(values), np.int64)
        slot[self.far] = 8 * np.arange(len(self.far))
        number, types = table["symbol"], table["type"]
        places = section + table["offset"].astype(np.int64)
        is_far = np.isin(types, CALL) & (self.object.symbols["section"][number] == UNDEFINED)
        targets = np.select(
            [np.isin(types, SLOT), is_far],
            [start + self.slots + slot[number], start + self.jumps + slot[number]],
            values[number],
        )
        found = targets + table["addend"]
        is_whole = np.isin(types, ADDRESS)
        write(memory, places[is_whole], found[is_whole])
        distance = found[~is_whole] - (start + places[~is_whole])
        if (distance != distance.astype(np.int32)).any():
            raise Unknown("what lies too far away")
        write(memory, places[~is_whole], distance.astype(np.int32))


def rounded(at: int, step: int) -> int:
    return -(-at // step) * step


def write(memory: Any, places: Any, numbers: Any) -> None:
    """Numbers of one dtype, at any places."""
    size = numbers.dtype.itemsize
    memory[places[:, None] + np.arange(size)] = np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, size)
