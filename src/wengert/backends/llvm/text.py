"""LLVM text: modules, functions, numbers.  Text costs a twentieth of what llvmlite's builder takes for an instruction.

Word     an index or a length: a Python integer where it is known now, else the name of an i64
Number   a number of the program: the text of an LLVM value, and its dtype
"""

import math
import operator
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert.backends.llvm.outline import Outline, Span

Word = int | str
COMPARED: dict[str, Callable[[int, int], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "slt": operator.lt,
    "sle": operator.le,
    "sgt": operator.gt,
    "sge": operator.ge,
    "ult": lambda x, y: x % 2**64 < y % 2**64,
}
REPEATED = 16  # elements that take a line each, where that is all they take
BOOL, INT, FLOAT = np.dtype(bool), np.dtype(np.int64), np.dtype(float)


class Number(NamedTuple):
    text: str
    dtype: np.dtype[Any]


# ---------------------------------------------------------------- types and constants


def llvm_type(dtype: np.dtype[Any]) -> str:
    """In a register."""
    return "i1" if dtype.kind == "b" else stored_type(dtype)


def stored_type(dtype: np.dtype[Any]) -> str:
    """In memory, where a truth value takes a byte."""
    if dtype.kind == "f":
        return {2: "half", 4: "float", 8: "double"}[dtype.itemsize]
    if dtype.kind == "c":
        part = stored_type(part_dtype(dtype))
        return f"{{{part},{part}}}"
    return f"i{8 * dtype.itemsize}"


def part_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Of the real part of a complex number, and of the imaginary part."""
    return np.dtype(f"f{dtype.itemsize // 2}")


def size_in_memory(type: str) -> int:
    """Bytes of an LLVM type."""
    if type[0] == "{":
        return sum(map(size_in_memory, type[1:-1].split(",")))
    return {"half": 2, "float": 4, "double": 8, "ptr": 8}.get(type) or int(type[1:]) // 8


def constant(x: Any, dtype: np.dtype[Any]) -> Number:
    if dtype.kind == "b":
        return Number("true" if x else "false", dtype)
    if dtype.kind in "iu":
        return Number(str(int(x)), dtype)
    if dtype.kind == "c":
        z = complex(x)
        return constant_pair(*(constant(part, part_dtype(dtype)) for part in (z.real, z.imag)))
    with np.errstate(all="ignore"):
        rounded = float(dtype.type(x))  # LLVM writes a float as the double of its value
    if math.isnan(rounded):
        rounded = math.nan
    if dtype.itemsize == 2:
        return Number("0xH" + struct.pack(">e", rounded).hex().upper(), dtype)
    return Number("0x" + struct.pack(">d", rounded).hex().upper(), dtype)


def constant_pair(real: Number, imag: Number) -> Number:
    type, dtype = stored_type(real.dtype), np.dtype(f"c{2 * real.dtype.itemsize}")
    return Number(f"{{{type} {real.text}, {type} {imag.text}}}", dtype)


def known(x: Number) -> int | None:
    """The integer, where it is a constant."""
    return int(x.text) if x.text.lstrip("-").isdigit() else None


def word(x: Number) -> Word:
    n = known(x)
    return x.text if n is None else n


# ---------------------------------------------------------------- a module


class Module:
    """
    functions  their texts;  declared  what they call from outside;  data  constants
    shared     names of C loops (ufuncs.py);  symbols  addresses of what has a name in this module only
    checked    whether every load and store asks first that it lies in the memory it is meant for
    vectors    whether it has loops that LLVM may run over several elements at once
    log        then: what was lowered to what, in order (tests verify lifetimes by it)
    sizes      then: bytes of the constants
    in_python  equations for which Python is called
    """

    def __init__(self, checked: bool = False) -> None:
        self.checked = checked
        self.log: list[Any] = []
        self.sizes: dict[str, int] = {}
        self.functions: list[str] = []
        self.declared: dict[str, str] = {}
        self.data: list[str] = []
        self.shared: list[str] = []
        self.symbols: dict[str, int] = {}
        self.kept: list[Any] = []  # what lives at those addresses
        self.known: dict[Any, Any] = {}  # functions that are written
        self.vectors = False
        self.names = 0
        self.in_python: list[Any] = []

    def new(self, hint: str) -> str:
        self.names += 1
        return f"@{hint}.{self.names}"

    def declare(self, name: str, result: str, arguments: str) -> str:
        self.declared[name] = f"declare {result} @{name}({arguments})"
        return f"@{name}"

    def text(self) -> str:
        return "\n".join([*self.data, *self.declared.values(), *self.functions, ATTRIBUTES, ""])


FEW = 20  # nests of array loops in a function: of more, runs of them become functions
LONG = 8  # iterations, from which on vectors may bring something
STOP = 24  # where in the context of a call stands the address of a word that is not zero when the call should end
# what `run` returns, where it does not return 0; the last in a build that checks memory
FAILED, INTERRUPTED, OUTSIDE = 1, 3, 9
# LLVM would put a function with one caller into that, and then optimise the whole a second time
ATTRIBUTES = """attributes #0 = { nounwind "prefer-vector-width"="512" }
attributes #1 = { noinline nounwind "prefer-vector-width"="512" }
attributes #2 = { noinline nounwind optnone }"""


# ---------------------------------------------------------------- a function


class Phi:
    """A value that depends on where control comes from; its line is written when all ways are known."""

    def __init__(self, function: "Function", type: str) -> None:
        self.function, self.type = function, type
        self.name, self.line = function.new("p"), len(function.lines)
        self.ways: list[str] = []
        function.put("")

    def add(self, value: str, block: str) -> None:
        self.ways.append(f"[ {value}, %{block} ]")
        self.function.lines[self.line] = f"{self.name} = phi {self.type} {', '.join(self.ways)}"


class Part(NamedTuple):
    """Where an address points: so many bytes after the start of memory of this size."""

    start: str
    offset: Word
    size: Word


class Function:
    """The text of one function, which gives 0, or a status that ends the whole call: see `program.py`."""

    def __init__(self, module: Module, name: str) -> None:
        self.module, self.name = module, name
        self.lines: list[str] = []
        self.names, self.block = 0, "entry"
        self.local: list[str] = []  # lines of the first block
        self.seen: dict[str, str] = {}  # lines of whole numbers and addresses that hold here -> the name of the value
        self.again: list[str] = []  # names of what such lines make
        self.spans: list[Span] = []  # nests that are in no other loop over arrays
        self.ends: dict[str, int] = {}  # how many of these hold in a block that is jumped to, and comes later
        self.placed: set[str] = set()  # blocks that stand
        self.parts: dict[str, Part] = {}  # of addresses, in a build that checks memory
        self.pairs: dict[str, tuple[Number, Number]] = {}  # of what complex numbers were made

    # ------------------------------------------------------------ text

    def new(self, hint: str = "t") -> str:
        self.names += 1
        return f"%{hint}{self.names}"

    def put(self, line: str) -> None:
        self.lines.append(line)

    def note(self, what: str, *details: Any) -> None:
        """In a build that checks memory: for the log."""
        if self.module.checked:
            self.module.log.append((what, self, *details))

    def value(self, line: str, hint: str = "t") -> str:
        out = self.new(hint)
        self.lines.append(f"{out} = {line}")
        return out

    def pure(self, line: str) -> str:
        """The value of a line that does nothing else: where it stands already, of that."""
        found = self.seen.get(line)
        if found is None:
            found = self.seen[line] = self.value(line)
            self.again.append(found)
        return found

    def fresh_label(self, hint: str) -> str:
        return self.new(hint)[1:]

    def label(self, name: str) -> None:
        """Here a block begins.  What was seen before all jumps to it holds in it; jumps back come from inside."""
        self.placed.add(name)
        self.forget(self.ends.pop(name, 0))
        self.put(f"{name}:")
        self.block = name

    def forget(self, count: int) -> None:
        """All lines but the first ones."""
        while len(self.seen) > count:
            self.seen.popitem()
        self.ends = {name: min(end, count) for name, end in self.ends.items()}

    def jump(self, label: str) -> None:
        self.leads_to(label)
        self.put(f"br label %{label}")

    def branch(self, condition: str, then: str, orelse: str) -> None:
        self.leads_to(then)
        self.leads_to(orelse)
        self.put(f"br i1 {condition}, label %{then}, label %{orelse}")

    def leads_to(self, label: str) -> None:
        if label not in self.placed:
            self.ends[label] = min(self.ends.get(label, len(self.seen)), len(self.seen))

    # ------------------------------------------------------------ complex numbers

    def pair(self, real: Number, imag: Number) -> Number:
        """The complex number of these parts."""
        made = constant_pair(real, imag)
        if "%" in made.text:
            type, part = stored_type(made.dtype), stored_type(real.dtype)
            half = self.value(f"insertvalue {type} poison, {part} {real.text}, 0")
            made = Number(self.value(f"insertvalue {type} {half}, {part} {imag.text}, 1"), made.dtype)
        self.pairs[made.text] = real, imag
        return made

    def real_and_imag(self, x: Number) -> tuple[Number, Number]:
        if x.text in self.pairs:
            return self.pairs[x.text]
        found = [self.value(f"extractvalue {stored_type(x.dtype)} {x.text}, {i}") for i in (0, 1)]
        real, imag = [Number(text, part_dtype(x.dtype)) for text in found]
        return real, imag

    def split(self, xs: Sequence[Number]) -> list[Number]:
        return [y for x in xs for y in (self.real_and_imag(x) if x.dtype.kind == "c" else (x,))]

    def joined(self, xs: Sequence[Number], like: Sequence[Number]) -> list[Number]:
        """What was split, of the dtypes of these."""
        rest = iter(xs)
        return [self.pair(next(rest), next(rest)) if x.dtype.kind == "c" else next(rest) for x in like]

    def alloca(self, type: str, count: int = 1) -> str:
        out = self.new("a")
        self.local.append(f"{out} = alloca {type}, i64 {count}, align 16")
        return self.memory(out, count * size_in_memory(type))

    def require(self, condition: str, orelse: str = "fail") -> None:
        """Leave the function, and all that called it, unless this holds."""
        if condition != "true":
            on = self.fresh_label("ok")
            self.branch(condition, on, orelse)
            self.label(on)

    def status(self, status: str) -> None:
        """Leave the function with this status unless it is 0."""
        on, leave = self.fresh_label("ok"), self.fresh_label("leave")
        self.branch(self.value(f"icmp eq i32 {status}, 0"), on, leave)
        self.label(leave)
        self.put(f"ret i32 {status}")
        self.label(on)

    def poll(self) -> None:
        """Leave the function where the caller wants the whole call to end."""
        place = self.pure(f"getelementptr inbounds i8, ptr %context, i64 {STOP}")
        wanted = self.value(f"load volatile i32, ptr {self.value(f'load ptr, ptr {place}')}")
        self.require(self.value(f"icmp eq i32 {wanted}, 0"), "interrupted")

    # ------------------------------------------------------------ whole numbers

    def plus(self, x: Word, y: Word) -> Word:
        if isinstance(x, int) and isinstance(y, int):
            return x + y
        return y if x == 0 else x if y == 0 else self.pure(f"add nsw i64 {x}, {y}")

    def minus(self, x: Word, y: Word) -> Word:
        if isinstance(x, int) and isinstance(y, int):
            return x - y
        return x if y == 0 else self.pure(f"sub nsw i64 {x}, {y}")

    def times(self, x: Word, y: Word) -> Word:
        if isinstance(x, int) and isinstance(y, int):
            return x * y
        if x == 0 or y == 0:
            return 0
        return y if x == 1 else x if y == 1 else self.pure(f"mul nsw i64 {x}, {y}")

    def product(self, lengths: Iterable[Word]) -> Word:
        found: Word = 1
        for n in lengths:
            found = self.times(found, n)
        return found

    def compare(self, how: str, x: Word, y: Word) -> str:
        if isinstance(x, int) and isinstance(y, int):
            return "true" if COMPARED[how](x, y) else "false"
        return self.pure(f"icmp {how} i64 {x}, {y}")

    def choose(self, condition: str, x: Word, y: Word) -> Word:
        if condition in ("true", "false"):
            return x if condition == "true" else y
        return self.pure(f"select i1 {condition}, i64 {x}, i64 {y}")

    def least(self, x: Word, y: Word) -> Word:
        if isinstance(x, int) and isinstance(y, int):
            return min(x, y)
        return x if x == y else self.choose(self.compare("slt", x, y), x, y)

    def most(self, x: Word, y: Word) -> Word:
        if isinstance(x, int) and isinstance(y, int):
            return max(x, y)
        return x if x == y else self.choose(self.compare("sgt", x, y), x, y)

    def steps(self, first: Word, last: Word, step: int) -> Word:
        """How many numbers first, first + step, ... come before last."""
        span = self.minus(last, first) if step > 0 else self.minus(first, last)
        if abs(step) != 1:
            span = self.plus(span, abs(step) - 1)
            span = span // abs(step) if isinstance(span, int) else self.pure(f"sdiv i64 {span}, {abs(step)}")
        return self.most(0, span)

    def agree(self, x: Word, y: Word) -> None:
        """Lengths that must be equal, where one of them is not 1 and repeated."""
        if x != y:
            is_known = isinstance(x, int) and isinstance(y, int)
            self.require("false" if is_known else self.compare("eq", x, y))

    # ------------------------------------------------------------ memory

    def memory(self, address: str, bytes: Word) -> str:
        """The address, where memory of so many bytes begins."""
        self.parts[address] = Part(address, 0, bytes)
        return address

    def address(self, base: str, offset: Word, type: str) -> str:
        if offset == 0:
            return base
        if not self.module.checked:
            return self.pure(f"getelementptr inbounds {type}, ptr {base}, i64 {offset}")
        found = self.pure(f"getelementptr {type}, ptr {base}, i64 {offset}")
        if part := self.part(base):
            bytes = self.times(offset, size_in_memory(type))
            self.parts[found] = part._replace(offset=self.plus(part.offset, bytes))
        return found

    def part(self, address: str) -> Part | None:
        """None for what the runtime's own blocks begin with."""
        if size := self.module.sizes.get(address):
            return Part(address, 0, size)
        return self.parts.get(address)

    def access(self, how: str, address: str, bytes: Word, whole: Any = None) -> None:
        """In a build that checks memory: leave where so many bytes from here, of the array `whole`, are not all in the
        memory that this address points into."""
        if not self.module.checked:
            return
        part = self.part(address)
        assert part is not None, f"{how} of memory that nobody knows: {address}"
        self.note(how, part.start, whole, address)
        end = self.plus(part.offset, bytes)
        if isinstance(part.offset, int) and isinstance(end, int) and isinstance(part.size, int):
            if part.offset < 0 or end > part.size:
                self.status(str(OUTSIDE))
            return
        begins, ends = self.compare("sge", part.offset, 0), self.compare("sle", end, part.size)
        within = self.value(f"and i1 {begins}, {ends}")
        self.status(self.value(f"select i1 {within}, i32 0, i32 {OUTSIDE}"))

    def load(self, address: str, dtype: np.dtype[Any], whole: Any = None) -> Number:
        self.access("load", address, dtype.itemsize, whole)
        found = self.value(f"load {stored_type(dtype)}, ptr {address}")
        if dtype.kind == "b":
            found = self.value(f"trunc i8 {found} to i1")
        return Number(found, dtype)

    def store(self, x: Number, address: str) -> None:
        self.access("store", address, x.dtype.itemsize)
        text = x.text
        if x.dtype.kind == "b":
            text = {"true": "1", "false": "0"}.get(text) or self.value(f"zext i1 {text} to i8")
        self.put(f"store {stored_type(x.dtype)} {text}, ptr {address}")

    def copy(self, to: str, source: str, bytes: Word) -> None:
        if to != source and bytes != 0:
            self.access("load", source, bytes)
            self.access("store", to, bytes)
            self.module.declare("llvm.memcpy.p0.p0.i64", "void", "ptr, ptr, i64, i1")
            self.put(f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {bytes}, i1 false)")

    def clear(self, to: str, bytes: Word) -> None:
        self.access("store", to, bytes)
        self.module.declare("llvm.memset.p0.i64", "void", "ptr, i8, i64, i1")
        self.put(f"call void @llvm.memset.p0.i64(ptr {to}, i8 0, i64 {bytes}, i1 false)")

    # ------------------------------------------------------------ control flow

    def repeat(
        self,
        count: Word,
        body: Callable[[Word, Sequence[Number]], Sequence[Number]],
        carried: Sequence[Number] = (),
    ) -> Sequence[Number]:
        """body(i, carried) -> carried, for i = 0, 1, ...; short loops without a jump."""
        if isinstance(count, int) and count <= 1:
            return body(0, carried) if count == 1 else carried
        if any(x.dtype.kind == "c" for x in carried):  # as two numbers each, so that sums run in vectors
            return self.joined(
                self.repeat(count, lambda i, c: self.split(body(i, self.joined(c, carried))), self.split(carried)),
                carried,
            )
        self.module.vectors |= not isinstance(count, int) or count >= LONG
        before, inside, after = self.block, *(self.fresh_label(n) for n in ("body", "after"))
        if isinstance(count, int):
            self.jump(inside)
        else:
            self.branch(self.compare("sgt", count, 0), inside, after)
        self.label(inside)
        index, phis = Phi(self, "i64"), [Phi(self, llvm_type(x.dtype)) for x in carried]
        index.add("0", before)
        for phi, x in zip(phis, carried):
            phi.add(x.text, before)
        found = body(index.name, [Number(p.name, x.dtype) for p, x in zip(phis, carried)])
        following = self.value(f"add nuw nsw i64 {index.name}, 1")
        index.add(following, self.block)
        for phi, x in zip(phis, found):
            phi.add(x.text, self.block)
        last = self.block
        self.branch(self.compare("slt", following, count), inside, after)
        self.label(after)
        if isinstance(count, int):
            return found
        ends = [Phi(self, llvm_type(x.dtype)) for x in carried]
        for phi, x, y in zip(ends, carried, found):
            phi.add(x.text, before)
            phi.add(y.text, last)
        return [Number(p.name, x.dtype) for p, x in zip(ends, carried)]

    def nest(self, lengths: Sequence[Word], body: Callable[[list[Word]], None], light: bool = False) -> None:
        """body(indices) for all elements of an array of these lengths, the last axis innermost.

        light   the body has few lines: for few elements these are repeated, since loops take LLVM longer
        """
        known = [n for n in lengths if isinstance(n, int)]
        if light and len(known) == len(lengths) and math.prod(known) <= REPEATED:
            for index in np.ndindex(*known):
                body(list(index))
            return

        def level(indices: list[Word]) -> None:
            if len(indices) == len(lengths):
                body(indices)
                return

            def one(i: Word, carried: Sequence[Number]) -> Sequence[Number]:
                level([*indices, i])
                return carried

            self.repeat(lengths[len(indices)], one)

        start, before, count = len(self.lines), self.block, len(self.spans)
        level([])
        if self.block != before:
            self.spans[count:] = [Span(start, len(self.lines), before)]

    def either(self, condition: str, then: Callable[[], Sequence[str]], orelse: Callable[[], Sequence[str]]) -> Any:
        """Both sides give values; which of them counts, the run decides.  Returns ways to merge them: type -> name."""
        yes, no, join = (self.fresh_label(n) for n in ("then", "else", "join"))
        self.branch(condition, yes, no)
        self.label(yes)
        self.note("then")
        first = then()
        first_end = self.block
        self.jump(join)
        self.label(no)
        self.note("else")
        second = orelse()
        second_end = self.block
        self.jump(join)
        self.label(join)
        self.note("join")

        def merged(types: Iterable[str]) -> list[str]:
            names = []
            for type, x, y in zip(types, first, second):
                if x == y:
                    names.append(x)
                    continue
                phi = Phi(self, type)
                phi.add(x, first_end)
                phi.add(y, second_end)
                names.append(phi.name)
            return names

        return merged

    def text(self, parameters: Sequence[str], linkage: str = "internal") -> str:
        """The whole function; the last block before this is jumped out of with status 0."""
        head = f"define {linkage} i32 {self.name}({', '.join(parameters)}) #1 {{"
        ends = ["fail:", f"ret i32 {FAILED}", "interrupted:", f"ret i32 {INTERRUPTED}"]
        lines, functions = self.lines, list[str]()
        if len(self.spans) > FEW:
            types = {p.split()[-1]: p.rpartition(" ")[0] for p in parameters}
            types.update((line.split()[0], "ptr") for line in self.local)
            lines, functions = Outline(self.name, types, lines, ends, self.again).run(self.spans)
        return "\n".join([head, "entry:", *self.local, *lines, "ret i32 0", *ends, "}", *functions])
