"""A program as text, and back: `parse(text(p))` is the same program to the last bit of its constants.

    program f(x: f64[4], s: f64):
        # line 3: for i in range(4):
        s.1: f64 = for i in (0, 4, 1) const (x) carry (s):
            # line 4: s = s + x[i]
            getitem: f64 = getitem(x, index=(i,))
            s.1: f64 = add(s, getitem)
            -> s.1
        -> s.1

* A name is the user's; `s.1` is the next value that he calls `s`.  Each region has names of its own, since it is
  closed: `const (x = y)` says that its parameter `x` is the `y` outside, `const (x)` that it is the `x` outside.
* `f64[4]` is an array, `f64` a number of NumPy, `~f64` one of Python, `stack<f64>` a stack of numbers.
* Where a variable stands in a parameter (`index=(i,)`), its value is known only when the program runs.
* `-> s.1` are the results: of a program, of one iteration, of one side of a branch.
* `call` names a program, which stands below; `recur` one that may call itself.
* Comments show the user's lines and are not read.  `@4.8-16` is line 4, columns 8 to 16 of the first file, `@2:4.8-16`
  of the second.  `from 7` points to the equation that is differentiated, marked `&7`; one of another program is listed
  under `elsewhere` at the end.

Limits: objects without text (functions of users) are printed and refused by `parse`; a constant whose layout in memory
is neither C's nor Fortran's comes back in C's.
"""

import ast
import base64
import builtins
import linecache
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import numpy as np

from wengert.core.diagnostic import Position
from wengert.core.primitive import Primitive
from wengert.ir.program import (
    RECORD,
    AnyType,
    Equation,
    Extent,
    Function,
    Hole,
    Items,
    Program,
    Stack,
    Type,
    Var,
    dtype_name,
    holes,
    result_types,
    row_called,
    type_in,
    type_of,
)

INDENT = "    "
SHORT = 8  # elements of an array that are written as numbers
DTYPES = {dtype_name(d): d for d in map(np.dtype, [*"?bhilqBHILQefdgFDG", np.int64, np.uint64])}
DTYPES |= {dtype_name(d.newbyteorder()): d.newbyteorder() for d in DTYPES.values() if d.itemsize > 1}
# words that stand for something else in an expression
FORMED = ("slice", "extent", "complex", "dtype", "class", "record", "row", "ufunc", "opaque")
WORDS = {*DTYPES, "stack", "None", "True", "False", "nan", "inf", "program", *FORMED}


def text(program: Program, places: bool = True) -> str:
    """The program as text.

    places   with positions and origins, which `parse` needs to restore them; without them it is easier to read
    """
    return Printer(program, places).text()


def bare_text(program: Program) -> str | None:
    """What the program computes, without a word on where the user wrote it; None where it has objects without text."""
    found = Printer(program, False, comments=False).text()
    return None if "opaque(" in found else found


# ---------------------------------------------------------------- names


def versions(names: Sequence[str]) -> list[str]:
    """Names as they are shown: the second `x` is `x.1`."""
    count: Counter[str] = Counter()
    shown = []
    for name in names:
        plain = name if name.isidentifier() and name not in WORDS else f"`{name.replace('`', '')}`"
        shown.append(f"{plain}.{count[plain]}" if count[plain] else plain)
        count[plain] += 1
    return shown


def scope_of(program: Program) -> dict[Var, str]:
    """The names of a program's variables."""
    own = [*program.params, *(x for e in program.equations for x in e.outs)]
    return dict(zip(own, versions([x.name for x in own])))


def bare(shown: str) -> str:
    """The user's name again."""
    name = shown[: shown.rindex("`") + 1] if shown.startswith("`") else shown.partition(".")[0]
    return name.strip("`")


# ---------------------------------------------------------------- constants and parameters


def type_text(type: Any) -> str:
    return str(type)


def number_text(x: Any) -> str:
    """A Python number, exactly."""
    if isinstance(x, bool | int):
        return repr(x)
    if isinstance(x, complex):
        return f"complex({number_text(x.real)}, {number_text(x.imag)})"
    if x != x:
        return "-nan" if np.signbit(x) else "nan"
    return repr(x)


def array_text(x: Any) -> str:
    """A number or array of NumPy, exactly: a few elements as numbers, more as base64."""
    fortran = isinstance(x, np.ndarray) and x.ndim > 1 and x.flags.f_contiguous and not x.flags.c_contiguous
    head = type_text(type_of(x))
    elements = np.asarray(x).reshape(-1)
    short = ", ".join(number_text(v) for v in elements.tolist()) if is_short(elements) else None
    if short is None:
        short = repr(base64.b64encode(np.ascontiguousarray(x).tobytes()).decode())
    return f"{head}({short}, 'F')" if fortran else f"{head}({short})"


def is_short(elements: np.ndarray[Any, Any]) -> bool:
    """Whether a few Python numbers say it all; a nan may hold more than its sign."""
    if elements.size > SHORT or elements.dtype.char not in "?bhilqBHILQefdFD" or not elements.dtype.isnative:
        return False
    if np.isnan(elements).any() and elements.dtype.kind == "c":
        return False
    plain = [np.copysign(np.nan, x) if x != x else x for x in elements.tolist()]
    return np.array(plain, elements.dtype).tobytes() == elements.tobytes()


def value_text(x: Any, names: Any = None) -> str:
    """A constant or a parameter; `names` says what stands in holes."""
    match x:
        case None | str():
            return repr(x)
        case Hole():
            shown = names(x.operand) if names else f"?{x.operand}"
            return shown if x.extent is None else f"{shown} as {x.extent}"
        case Extent():
            return f"extent({x.number}, {x.bound})"
        case Type() | Stack():
            return type_text(x)
        case Items() if not x.items:
            return f"{x.type}()"
        case bool() | int() | float() | complex() if type(x) in (bool, int, float, complex):
            return number_text(x)
        case np.ndarray() | np.generic() if x.dtype.name and x.dtype.kind in "biufc":
            return array_text(x)
        case slice():
            return f"slice({', '.join(value_text(v, names) for v in (x.start, x.stop, x.step))})"
        case np.dtype():
            return f"dtype({x.str!r})"
        case type() if found_class(f"{x.__module__}.{x.__name__}") is x:
            return f"class('{x.__module__}.{x.__name__}')"
        case np.ufunc() if getattr(np, x.__name__, None) is x:
            return f"ufunc({x.__name__!r})"  # type: ignore[union-attr]
        case Primitive() if is_known(x):
            return f"row({x.name!r})"
        case tuple() if type(x) is tuple:
            return f"({', '.join(value_text(v, names) for v in x)}{',' * (len(x) == 1)})"
        case tuple() if found_record(f"{type(x).__module__}.{type(x).__name__}") is type(x):
            values = "".join(f", {value_text(v, names)}" for v in x)
            return f"record('{type(x).__module__}.{type(x).__name__}'{values})"
        case list():
            return f"[{', '.join(value_text(v, names) for v in x)}]"
        case dict():
            return f"{{{', '.join(f'{value_text(k)}: {value_text(v, names)}' for k, v in x.items())}}}"
    return "..." if x is Ellipsis else f"opaque({repr(x)!r})"


def is_known(row: Primitive) -> bool:
    try:
        return row_called(row.name) is row
    except KeyError:
        return False


def found_class(name: str) -> type | None:
    """A class that parameters may name: of Python, of NumPy, or an error of wengert."""
    module, _, last = name.rpartition(".")
    if module == "builtins":
        found = getattr(builtins, last, None)
    elif module in ("numpy", "numpy.linalg") or module.split(".")[0] == "wengert":
        found = getattr(sys.modules.get(module), last, None)
    else:
        return None
    return found if isinstance(found, type) else None


def found_record(name: str) -> Any:
    """A named tuple of wengert's."""
    found = found_class(name)
    return found if found is not None and issubclass(found, tuple) and hasattr(found, "_fields") else None


# ---------------------------------------------------------------- printing


class Printer:
    """Writes a program and those that it calls."""

    def __init__(self, program: Program, places: bool, comments: bool = True) -> None:
        self.places, self.comments = places, comments
        self.programs = called_programs(program)
        self.titles = dict(zip(self.programs, versions([p.name for p in self.programs])))
        self.equations = list(dict.fromkeys(e for p in self.programs for e in printed(p)))
        self.marks = dict(zip(origins_of(self.equations), range(1, sys.maxsize))) if places else {}
        everywhere = [*self.equations, *self.marks]
        wheres = [e.where for e in everywhere if e.where is not None]
        self.files = {name: i for i, name in enumerate(dict.fromkeys(w.filename for w in wheres), 1)}
        self.marked: set[Equation] = set()
        self.line: tuple[str, int] | None = None

    def text(self) -> str:
        lines = [f"file {i} {name!r}" for name, i in self.files.items()] if self.places else []
        for p in self.programs:
            self.line = None
            names = scope_of(p)
            params = ", ".join(f"{names[x]}: {type_text(x.type)}" for x in p.params)
            lines += [""] * bool(lines) + [f"program {self.titles[p]}({params}):", *self.body(p, names, 1)]
        foreign = [e for e in self.marks if e not in set(self.equations)]
        if foreign:
            lines += ["", "elsewhere:", *(self.stub(e) for e in foreign)]
        return "\n".join(lines) + "\n"

    def body(self, p: Program, names: dict[Var, str], depth: int) -> list[str]:
        lines = [line for e in p.equations for line in self.equation(e, names, depth)]
        results = ", ".join(self.operand(x, names) for x in p.results)
        return [*lines, f"{INDENT * depth}-> {results}".rstrip()]

    def equation(self, e: Equation, names: dict[Var, str], depth: int) -> Iterator[str]:
        pad = INDENT * depth
        yield from (pad + comment for comment in (self.lines(e) if self.comments else ()))
        outs = ", ".join(f"{names.get(x, x.name)}: {type_text(x.type)}" for x in e.outs) or "()"
        regions = region_form(e)
        if regions is None:
            yield f"{pad}{outs} = {self.application(e, names)}{self.place(e)}"
            return
        scopes = [scope_of(region) for _, region in regions]
        yield f"{pad}{outs} = {self.header(e, regions[0][1], scopes[0], names)}:{self.place(e)}"
        for (word, region), scope in zip(regions, scopes):
            inner = depth + 1
            if word:
                inner += 1
                yield pad + INDENT + self.section(word, region, scope, regions[0][1], scopes[0])
            yield from self.body(region, scope, inner)

    def application(self, e: Equation, names: dict[Var, str]) -> str:
        operands = [self.operand(x, names) for x in e.ins[: e.count]]
        if e.row.name == "call" and is_plain_call(e):
            return f"call {self.titles[e.params['program']]}({', '.join(operands)})"
        if e.row.name == "recur":
            return f"recur {self.titles[e.params['function'].program]}({', '.join(operands)})"
        plain = is_known(e.row)
        canonical = [hole.operand for hole in holes(e.params)] == list(range(e.count, len(e.ins)))
        fills = (lambda i: self.operand(e.ins[i], names)) if canonical else None
        extra = [] if canonical else [f"opaque({self.operand(x, names)!r})" for x in e.ins[e.count :]]
        params = [f"{key}={self.param(v, fills)}" for key, v in e.params.items()]
        name = e.row.name if plain and e.row.name.isidentifier() else f"opaque({e.row.name!r})"
        return f"{name}({', '.join([*operands, *extra, *params])})"

    def param(self, x: Any, fills: Any) -> str:
        return f"program {self.titles[x]}" if isinstance(x, Program) else value_text(x, fills)

    def operand(self, x: Any, names: dict[Var, str]) -> str:
        return names.get(x, f"`{x!r}`") if isinstance(x, Var) else value_text(x)

    # ------------------------------------------------------------ regions

    def header(self, e: Equation, region: Program, scope: dict[Var, str], names: dict[Var, str]) -> str:
        ins = [self.operand(x, names) for x in e.ins]
        params = region.params

        def bound(word: str, start: int, stop: int | None, skip: int) -> str:
            pairs = zip(
                params[start - skip : None if stop is None else stop - skip], e.ins[start:stop], ins[start:stop]
            )
            listed = [self.binding(scope[p], p.type, x, shown) for p, x, shown in pairs]
            return f" {word} ({', '.join(listed)})" if listed else ""

        if e.row.name == "if_":
            return f"if {ins[0]}{bound('with', 1, None, 1)}"
        skip, first = (2, 3) if e.row.name == "for_" else (0, 0)
        middle = first + e.params["consts"]
        given = bound("const", first, middle, skip) + bound("carry", middle, None, skip)
        if e.row.name == "while_":
            return f"while{given}"
        index = f"{scope[params[0]]}{self.differing(params[0].type, type_of(0))}"
        return f"for {index} in ({', '.join(ins[:3])}){given}{named(region, 'body')}"

    def binding(self, name: str, type: AnyType, x: Any, shown: str) -> str:
        """`x = y`: the parameter x is the operand y; `x` where both are called so."""
        differing = self.differing(type, type_in(x))
        return name if name == shown and isinstance(x, Var) and not differing else f"{name}{differing} = {shown}"

    def section(self, word: str, region: Program, scope: dict[Var, str], first: Program, its: dict[Var, str]) -> str:
        """`else (x, y):`, with parameters where names or types differ from those of the first region."""
        same = [(scope[p], p.type) for p in region.params] == [(its[p], p.type) for p in first.params]
        params = ", ".join(f"{scope[p]}{self.differing(p.type, q.type)}" for p, q in zip(region.params, first.params))
        return f"{word}{named(region, word)}{'' if same else f' ({params})'}:"

    def differing(self, type: AnyType, expected: AnyType) -> str:
        return "" if type == expected else f": {type_text(type)}"

    # ------------------------------------------------------------ places

    def lines(self, e: Equation) -> list[str]:
        """The user's line, before the first equation of it."""
        if e.where is None or (e.where.filename, e.where.line) == self.line:
            return []
        self.line = (e.where.filename, e.where.line)
        source = linecache.getline(e.where.filename, e.where.line).strip()
        file = "" if self.files[e.where.filename] == 1 else f"{os.path.basename(e.where.filename)}, "
        return [f"# {file}line {e.where.line}{': ' + source if source else ''}"]

    def place(self, e: Equation) -> str:
        if not self.places:
            return ""
        parts = []
        if e.where is not None:
            file = self.files[e.where.filename]
            end = "" if e.where.end_column is None else f"-{e.where.end_column}"
            column = "" if e.where.column is None else f".{e.where.column}{end}"
            parts.append(f"@{'' if file == 1 else f'{file}:'}{e.where.line}{column}")
        if e in self.marks and e not in self.marked:
            self.marked.add(e)
            parts.append(f"&{self.marks[e]}")
        if e.origin is not None:
            parts.append(f"from {self.marks[e.origin]}")
        return "".join(f" {part}" for part in parts)

    def stub(self, e: Equation) -> str:
        """An equation of another program, as far as readers of a derivative ask for it."""
        shown = lambda x: f"{versions([x.name])[0]}: {type_text(x.type)}" if isinstance(x, Var) else value_text(x)
        name = e.row.name if is_known(e.row) else f"opaque({e.row.name!r})"
        outs = ", ".join(map(shown, e.outs)) or "()"
        return f"{INDENT}{outs} = {name}({', '.join(map(shown, e.ins[: e.count]))}){self.place(e)}"


def named(region: Program, usual: str) -> str:
    """The name of a region, where it is not the usual one."""
    return "" if region.name == usual else f" as {versions([region.name])[0]}"


def region_form(e: Equation) -> list[tuple[str, Program]] | None:
    """Regions that are printed in place, with the word before each; None where the equation is printed as a call."""
    p, n = e.params, len(e.ins)
    if e.count != n or {type(x) for x in p.values()} - {Program, int} or not is_known(e.row):
        return None
    match e.row.name, sorted(p):
        case "for_", ["body", "consts"] if 3 <= n == len(p["body"].params) + 2 and 0 <= p["consts"] <= n - 3:
            return [("", p["body"])]
        case "while_", ["body", "consts", "test"] if fits(n, p["body"], p["test"]) and 0 <= p["consts"] <= n:
            return [("test", p["test"]), ("body", p["body"])]
        case "if_", ["orelse", "then"] if n and fits(n - 1, p["then"], p["orelse"]):
            return [("then", p["then"]), ("else", p["orelse"])]
    return None


def fits(count: int, *regions: Program) -> bool:
    return all(len(region.params) == count for region in regions)


def is_plain_call(e: Equation) -> bool:
    return list(e.params) == ["program"] and isinstance(e.params["program"], Program) and e.count == len(e.ins)


def printed(program: Program) -> Iterator[Equation]:
    """Equations that are printed with a program: those of its regions, not of what it calls."""
    for e in program.equations:
        yield e
        for _, region in region_form(e) or ():
            yield from printed(region)


def called_programs(program: Program) -> list[Program]:
    """The program and those that it calls, each once."""
    found = {program: None}
    todo = [program]
    while todo:
        p = todo.pop(0)
        new = [r for e in printed(p) if region_form(e) is None for r in named_programs(e) if r not in found]
        found.update(dict.fromkeys(new))
        todo += dict.fromkeys(new)
    return list(found)


def named_programs(e: Equation) -> list[Program]:
    return [e.params["function"].program] if e.row.name == "recur" else e.regions


def origins_of(equations: Sequence[Equation]) -> list[Equation]:
    """What the equations differentiate, and what that differentiates."""
    found: dict[Equation, None] = {}
    todo = list(equations)
    for e in todo:
        if e.origin is not None and e.origin not in found:
            found[e.origin] = None
            todo.append(e.origin)
    return list(found)


def described(program: Program, e: Equation) -> str:
    """One equation in the names of its program, without its regions: for messages."""
    printer = Printer(Program(program.params, [*program.equations, e], [], program.name), places=False)
    names = scope_of(program)
    lines = printer.equation(e, {**names, **{x: names.get(x, x.name) for x in e.outs}}, 0)
    return next(line for line in lines if not line.startswith("#"))


# ---------------------------------------------------------------- reading: words


TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<place>@(?:\d+:)?\d+(?:\.\d+(?:-\d+)?)?)
    | (?P<mark>&\d+)
    | (?P<arrow>->)
    | (?P<name>(?:[^\W\d]\w*|`[^`]*`)(?:\.\d+)?)
    | (?P<number>\d+(?:\.\d*)?(?:e[+-]?\d+)?)
    | (?P<sign>\.\.\.|[-()\[\]{}<>,:=~])
    )""",
    re.VERBOSE,
)


class Words:
    """The words of one line, read from left to right."""

    def __init__(self, line: str, number: int) -> None:
        self.line, self.number, self.at = line, number, 0
        self.items: list[tuple[str, str]] = []
        end, place = len(line.rstrip()), 0
        while place < end:
            match = TOKEN.match(line, place)
            if match is None or match.lastgroup is None:
                self.fail(f"`{line[place:].strip()}` is not understood")
            self.items.append((match.lastgroup, match[match.lastgroup]))
            place = match.end()

    def fail(self, problem: str) -> NoReturn:
        raise ValueError(f"line {self.number}: {problem}\n    {self.line.strip()}")

    @property
    def next(self) -> str:
        return self.items[self.at][1] if self.at < len(self.items) else ""

    @property
    def kind(self) -> str:
        return self.items[self.at][0] if self.at < len(self.items) else "end"

    @property
    def following(self) -> str:
        return self.items[self.at + 1][1] if self.at + 1 < len(self.items) else ""

    def take(self) -> str:
        if self.kind == "end":
            self.fail("the line ends too early")
        self.at += 1
        return self.items[self.at - 1][1]

    def accept(self, word: str) -> bool:
        """Whether the word stands here; then it is read."""
        if self.next != word or self.kind == "string":
            return False
        self.at += 1
        return True

    def expect(self, word: str) -> None:
        if not self.accept(word):
            self.fail(f"`{word}` is expected before `{self.next}`")

    def name(self) -> str:
        if self.kind != "name":
            self.fail(f"a name is expected before `{self.next}`")
        return self.take()

    def whole(self) -> int:
        word = self.take()
        if not word.isdecimal():
            self.fail(f"a number is expected in place of `{word}`")
        return int(word)

    def listed(self, read: Any, end: str = ")") -> list[Any]:
        """Items up to `end`, with commas between them; one may stand at the end."""
        found = []
        while not self.accept(end):
            found.append(read())
            if not self.accept(","):
                self.expect(end)
                break
        return found


# ---------------------------------------------------------------- reading: constants


class Values:
    """Reads types, constants and parameters; variables that stand in parameters become holes."""

    def __init__(self, words: Words, scope: dict[str, Var], programs: dict[str, Program]) -> None:
        self.words, self.scope, self.programs = words, scope, programs
        self.fills: list[Var] = []
        self.count: int | None = None  # of operands, once parameters begin

    def type(self) -> AnyType:
        w = self.words
        if w.accept("stack"):
            w.expect("<")
            element = self.type()
            w.expect(">")
            return Stack(element)
        weak = w.accept("~")
        name = w.name()
        if name == "record":
            return RECORD.element  # type: ignore[no-any-return]
        if name not in DTYPES:
            w.fail(f"`{name}` is no type")
        if w.accept("["):
            return Type(DTYPES[name], tuple(w.listed(self.length, "]")), "array")
        return Type(DTYPES[name], (), "weak" if weak else "scalar")

    def length(self) -> Any:
        number = self.words.whole()
        return self.extent(number) if self.words.accept("<") else number

    def extent(self, number: int) -> Extent:
        self.words.expect("=")
        return Extent(number, self.words.whole())

    def value(self) -> Any:
        w = self.words
        kind, word = w.kind, w.next
        if kind == "name":
            return self.word(word)
        if word == "~":
            return self.type()
        w.take()
        if kind == "string" or kind == "number":
            return ast.literal_eval(word)
        match word:
            case "-":
                return -self.value()
            case "(":
                return self.bracket()
            case "[":
                return w.listed(self.value, "]")
            case "{":
                return dict(w.listed(self.pair, "}"))
            case "...":
                return Ellipsis
        w.fail(f"`{word}` is not understood")

    def bracket(self) -> Any:
        found = self.words.listed(self.value)
        return tuple(found)

    def pair(self) -> tuple[Any, Any]:
        key = self.value()
        self.words.expect(":")
        return key, self.value()

    def word(self, word: str) -> Any:
        w = self.words
        if word == "stack" or word in DTYPES:
            return self.typed()
        w.take()
        if word in CONSTANTS:
            return CONSTANTS[word]
        if word in FORMS:
            w.expect("(")
            values = w.listed(self.value)
            try:
                return FORMS[word](*values)
            except (TypeError, ValueError, AttributeError) as problem:
                w.fail(f"`{word}`: {problem}")
        if word == "program":
            return self.programs[w.name()]
        x = self.scope.get(word)
        if x is None:
            w.fail(f"`{word}` is not defined here")
        if self.count is None:
            return x
        self.fills.append(x)
        place = self.count + len(self.fills) - 1
        if not w.accept("as"):
            return Hole(place)
        number = w.whole()
        w.expect("<")
        return Hole(place, self.extent(number))

    def typed(self) -> Any:
        """A type, or a constant of that type."""
        type = self.type()
        if not self.words.accept("("):
            return type
        values = self.words.listed(self.value)
        try:
            return Items(type) if isinstance(type, Stack) else constant(type, values)
        except (TypeError, ValueError) as problem:
            self.words.fail(f"no {type}: {problem}")


def constant(type: Type, values: list[Any]) -> Any:
    """The opposite of `array_text`."""
    fortran = values[-1:] == ["F"]
    if fortran:
        values = values[:-1]
    if len(values) == 1 and isinstance(values[0], str):
        flat = np.frombuffer(base64.b64decode(values[0], validate=True), type.dtype)
    else:
        flat = np.array(values, type.dtype)
    shaped = flat.reshape(type.shape).copy(order="F" if fortran else "C")
    return shaped if type.form == "array" else shaped[()]


def class_called(name: str) -> type:
    found = found_class(name)
    if found is None:
        raise ValueError(f"{name} is no class of Python, NumPy or wengert")
    return found


def record_of(name: str, *values: Any) -> Any:
    found = found_record(name)
    if found is None:
        raise ValueError(f"{name} is no record of wengert")
    return found(*values)


def known_row(name: str) -> Primitive:
    try:
        return row_called(name)
    except KeyError:
        raise ValueError(f"there is no row {name!r}") from None


def ufunc_called(name: str) -> np.ufunc:
    found = getattr(np, name, None)
    if not isinstance(found, np.ufunc):
        raise ValueError(f"{name} is no function of NumPy for each element")
    return found


def refuse(shown: str) -> NoReturn:
    raise ValueError(f"{shown} has no text")


CONSTANTS = {"None": None, "True": True, "False": False, "nan": float("nan"), "inf": float("inf")}
FORMS: dict[str, Any] = {
    "slice": slice,
    "extent": Extent,
    "complex": complex,
    "dtype": np.dtype,
    "class": class_called,
    "record": record_of,
    "row": known_row,
    "ufunc": ufunc_called,
    "opaque": refuse,
}


# ---------------------------------------------------------------- reading: programs


def parse(source: str) -> Program:
    """The program that `text` wrote.

    Raises ValueError, which names the line; whether the program is legal is `verify`'s question.
    """
    return Parser(source).first()


class Parser:
    """Reads line by line; the depth of a line is its indentation."""

    def __init__(self, source: str) -> None:
        numbered = [(i, line) for i, line in enumerate(source.splitlines(), 1) if line.strip()]
        kept = [(i, line) for i, line in numbered if not line.lstrip().startswith("#")]
        self.lines = [(depth_of(line, i), Words(line, i)) for i, line in kept]
        self.at = 0
        self.files: dict[int, str] = {}
        self.marks: dict[int, Equation] = {}
        self.origins: list[tuple[Equation, int, Words]] = []
        self.functions: dict[Program, Function] = {}
        self.programs = {
            words.items[1][1]: Program([], name="") for depth, words in self.lines if is_title(depth, words)
        }

    def first(self) -> Program:
        read: list[Program] = []
        while self.at < len(self.lines):
            words = self.start(0)
            if words.accept("file"):
                i = words.whole()
                self.files[i] = ast.literal_eval(words.take())
            elif words.accept("elsewhere"):
                words.expect(":")
                self.stubs()
            else:
                words.expect("program")
                read.append(self.program(words))
        if not read:
            raise ValueError("there is no program in this text")
        for program, function in self.functions.items():
            function.name, function.results = program.name, result_types(program)
        for e, mark, words in self.origins:
            if mark not in self.marks:
                words.fail(f"no equation is marked &{mark}")
            e.origin = self.marks[mark]
        return read[0]

    def start(self, depth: int) -> Words:
        """The next line, which must be of this depth."""
        if self.at == len(self.lines):
            self.lines[-1][1].fail("lines are missing after this one")
        found, words = self.lines[self.at]
        if found != depth:
            words.fail(f"this line is indented by {found} levels, {depth} are expected")
        self.at += 1
        return words

    def program(self, words: Words) -> Program:
        title = words.name()
        program = self.programs[title]
        if program.name or program.equations:
            words.fail(f"`{title}` is defined twice")
        scope: dict[str, Var] = {}
        words.expect("(")
        program.name = bare(title)
        program.params = words.listed(lambda: self.definition(words, scope))
        words.expect(":")
        self.body(program, scope, 1)
        return program

    def definition(self, words: Words, scope: dict[str, Var], type: AnyType | None = None) -> Var:
        """`x: type`; the type may be left out where it is known."""
        name = words.name()
        if words.accept(":") or type is None:
            type = Values(words, {}, {}).type()
        if name in scope:
            words.fail(f"`{name}` is defined twice")
        scope[name] = Var(bare(name), type)
        return scope[name]

    def body(self, program: Program, scope: dict[str, Var], depth: int) -> None:
        while True:
            words = self.start(depth)
            if words.accept("->"):
                program.results = [self.operand(words, scope)] if words.kind != "end" else []
                while words.accept(","):
                    program.results.append(self.operand(words, scope))
                if words.kind != "end":
                    words.fail(f"`{words.next}` stands after the results")
                return
            program.equations.append(self.equation(words, scope, depth))

    def operand(self, words: Words, scope: dict[str, Var]) -> Any:
        return Values(words, scope, {}).value()

    def variable(self, words: Words, scope: dict[str, Var], name: str) -> Var:
        if name not in scope:
            words.fail(f"`{name}` is not defined here")
        return scope[name]

    def equation(self, words: Words, scope: dict[str, Var], depth: int) -> Equation:
        outs: dict[str, Var] = {}
        if words.accept("("):
            words.expect(")")
        else:
            self.definition(words, outs)
            while words.accept(","):
                self.definition(words, outs)
        words.expect("=")
        e = self.right_side(words, scope, depth)
        e.outs = list(outs.values())
        for name, x in outs.items():
            if name in scope:
                words.fail(f"`{name}` is defined twice")
            scope[name] = x
        return e

    def right_side(self, words: Words, scope: dict[str, Var], depth: int) -> Equation:
        for word, read in (("for", self.loop), ("while", self.while_loop), ("if", self.branch)):
            if words.accept(word):
                return read(words, scope, depth)
        for word in ("call", "recur"):
            if words.accept(word):
                program = self.called(words)
                words.expect("(")
                ins = words.listed(lambda: self.operand(words, scope))
                params: dict[str, Any] = (
                    {"program": program} if word == "call" else {"function": self.function(program)}
                )
                return self.placed(Equation([], row_called(word), ins, params, len(ins)), words)
        return self.placed(self.application(words, scope), words)

    def called(self, words: Words) -> Program:
        title = words.name()
        if title not in self.programs:
            words.fail(f"there is no program `{title}`")
        return self.programs[title]

    def function(self, program: Program) -> Function:
        return self.functions.setdefault(program, Function("", [], program=program))

    def application(self, words: Words, scope: dict[str, Var]) -> Equation:
        name = words.name()
        values = Values(words, scope, self.programs)
        if name == "opaque":
            words.fail("a row of a user has no text")
        words.expect("(")
        ins: list[Any] = []
        params: dict[str, Any] = {}

        def item() -> None:
            if words.kind == "name" and words.following == "=":
                values.count = len(ins)
                key = words.name()
                words.expect("=")
                params[key] = values.value()
            else:
                ins.append(values.value())

        words.listed(item)
        try:
            row = known_row(name)
        except ValueError as problem:
            words.fail(str(problem))
        return Equation([], row, [*ins, *values.fills], params, len(ins))

    # ------------------------------------------------------------ regions

    def bindings(
        self, words: Words, scope: dict[str, Var], inner: dict[str, Var], word: str
    ) -> tuple[list[Var], list[Any]]:
        """(parameters, operands) of `const (x = y, ...)`."""
        params: list[Var] = []
        ins: list[Any] = []

        def item() -> None:
            name = words.name()
            type = Values(words, {}, {}).type() if words.accept(":") else None
            if type is None and words.next in (",", ")"):
                ins.append(self.variable(words, scope, name))
            else:
                words.expect("=")
                ins.append(self.operand(words, scope))
            params.append(Var(bare(name), type or type_in(ins[-1])))
            if name in inner:
                words.fail(f"`{name}` is defined twice")
            inner[name] = params[-1]

        if words.accept(word):
            words.expect("(")
            words.listed(item)
        return params, ins

    def usual_name(self, words: Words, usual: str) -> str:
        return bare(words.name()) if words.accept("as") else usual

    def loop(self, words: Words, scope: dict[str, Var], depth: int) -> Equation:
        inner: dict[str, Var] = {}
        index = self.definition(words, inner, type_of(0))
        words.expect("in")
        words.expect("(")
        bounds = words.listed(lambda: self.operand(words, scope))
        constants, given = self.bindings(words, scope, inner, "const")
        carries, starts = self.bindings(words, scope, inner, "carry")
        body = Program([index, *constants, *carries], name=self.usual_name(words, "body"))
        words.expect(":")
        ins = [*bounds, *given, *starts]
        e = self.placed(Equation([], row_called("for_"), ins, {"body": body, "consts": len(given)}, len(ins)), words)
        self.body(body, inner, depth + 1)
        return e

    def while_loop(self, words: Words, scope: dict[str, Var], depth: int) -> Equation:
        inner: dict[str, Var] = {}
        constants, given = self.bindings(words, scope, inner, "const")
        carries, starts = self.bindings(words, scope, inner, "carry")
        words.expect(":")
        ins, params = [*given, *starts], [*constants, *carries]
        e = self.placed(Equation([], row_called("while_"), ins, {}, len(ins)), words)
        test = self.section("test", params, inner, depth + 1)
        body = self.section("body", params, inner, depth + 1)
        e.params = {"test": test, "body": body, "consts": len(given)}
        return e

    def branch(self, words: Words, scope: dict[str, Var], depth: int) -> Equation:
        inner: dict[str, Var] = {}
        truth = self.operand(words, scope)
        params, ins = self.bindings(words, scope, inner, "with")
        words.expect(":")
        e = self.placed(Equation([], row_called("if_"), [truth, *ins], {}, len(ins) + 1), words)
        then = self.section("then", params, inner, depth + 1)
        orelse = self.section("else", params, inner, depth + 1)
        e.params = {"then": then, "orelse": orelse}
        return e

    def section(self, word: str, params: list[Var], names: dict[str, Var], depth: int) -> Program:
        """A region with parameters of its own, called as those of the first region where nothing else is said."""
        words = self.start(depth)
        words.expect(word)
        region = Program([], name=self.usual_name(words, word))
        scope: dict[str, Var] = {}
        if words.accept("("):
            types = iter(params)
            region.params = words.listed(lambda: self.definition(words, scope, next(types).type))
        else:
            scope = {name: Var(x.name, x.type) for name, x in names.items()}
            region.params = list(scope.values())
        if len(region.params) != len(params):
            words.fail(f"{len(params)} parameters are expected")
        words.expect(":")
        self.body(region, scope, depth + 1)
        return region

    # ------------------------------------------------------------ places

    def placed(self, e: Equation, words: Words) -> Equation:
        """The equation with what stands at the end of its line."""
        if words.kind == "place":
            e.where = self.position(words)
        if words.kind == "mark":
            self.marks[int(words.take()[1:])] = e
        if words.accept("from"):
            self.origins.append((e, words.whole(), words))
        if words.kind != "end":
            words.fail(f"`{words.next}` is not understood here")
        return e

    def position(self, words: Words) -> Position:
        file, line, column, end = re.fullmatch(  # type: ignore[union-attr]
            r"@(?:(\d+):)?(\d+)(?:\.(\d+)(?:-(\d+))?)?", words.take()
        ).groups()
        number = int(file or 1)
        if number not in self.files:
            words.fail(f"there is no file {number}")
        columns = [None if c is None else int(c) for c in (column, end)]
        return Position(self.files[number], int(line), *columns)

    def stubs(self) -> None:
        """Equations of other programs."""
        while self.at < len(self.lines) and self.lines[self.at][0] == 1:
            words = self.start(1)
            outs: list[Var] = []
            if words.accept("("):
                words.expect(")")
            else:
                outs.append(self.definition(words, {}))
                while words.accept(","):
                    outs.append(self.definition(words, {}))
            words.expect("=")
            name = words.name()
            words.expect("(")
            ins = words.listed(lambda words=words: self.stub_operand(words))
            try:
                row = known_row(name)
            except ValueError as problem:
                words.fail(str(problem))
            self.placed(Equation(outs, row, ins, {}, len(ins)), words)

    def stub_operand(self, words: Words) -> Any:
        is_variable = words.kind == "name" and words.following == ":"
        return self.definition(words, {}) if is_variable else self.operand(words, {})


def is_title(depth: int, words: Words) -> bool:
    return depth == 0 and words.next == "program" and len(words.items) > 1


def depth_of(line: str, number: int) -> int:
    spaces = len(line) - len(line.lstrip(" "))
    if spaces % len(INDENT) or line[spaces] == "\t":
        raise ValueError(f"line {number}: indented by {spaces} spaces, which is no multiple of {len(INDENT)}")
    return spaces // len(INDENT)


def summary(program: Program) -> str:
    return text(program, places=False).rstrip()


Program.__str__ = summary  # type: ignore[method-assign]
