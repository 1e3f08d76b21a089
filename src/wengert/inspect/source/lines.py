"""Statements become lines."""

import ast
import builtins
import keyword
import linecache
import re
from collections.abc import Callable, Iterator, Sequence
from math import frexp
from typing import Any

import numpy as np

from wengert.inspect.source.choices import check_once, choose, is_truth, simplify_branches
from wengert.inspect.source.counting import count_as_written, countdown
from wengert.inspect.source.inlining import inline, is_place
from wengert.inspect.source.keeping import keep_in_one
from wengert.inspect.source.naming import Names, name_elements
from wengert.inspect.source.reader import Reader
from wengert.inspect.source.sharing import HEAD, Sharing, is_shared, memory
from wengert.inspect.source.statements import (
    Apply,
    Block,
    Global,
    Statement,
    all_statements,
    applications,
    blocks_in,
    type_of_in,
    variables_in,
)
from wengert.inspect.source.tidy import add_in_place, drop_unread, keep_early, start_with_terms, write_numbers
from wengert.inspect.source.words import RESERVED, users_names
from wengert.inspect.spelling import (
    AND,
    ATOM,
    HELPERS,
    NOT,
    OR,
    PRODUCT,
    SIGN,
    SPELLING,
    SUM,
    TERNARY,
    Module,
    Text,
    Written,
    numbered,
    ranged,
    refusal,
    spell,
)
from wengert.ir.evaluate import line_of
from wengert.ir.program import (
    Equation,
    Program,
    Stack,
    Type,
    Var,
    holes,
    numeric,
    walk,
)
from wengert.rules.elementwise import mul
from wengert.rules.indexing import is_basic


class Writer:
    """One function."""

    def __init__(
        self, module: Module, program: Program, outs: Callable[[list[str]], str], written: Sequence[int] = ()
    ) -> None:
        self.module, self.program, self.written = module, program, list(written)
        self.result = outs
        self.lines: list[str] = []

    def write(
        self,
        name: str,
        head: str,
        params: dict[Var, str],
        hidden: dict[Var, Any],
        unpacked: dict[Var, str],
        reserved: set[str],
    ) -> str:
        """params: those that are names of the function;  unpacked: those that are parts of arguments."""
        env: dict[Var, Any] = {p: Var(p.name, p.type) for p in self.program.params}
        env.update(hidden)
        pinned = {env[p]: n for p, n in params.items()}
        reader = Reader(self.helper, self.module.is_double, users_names(map(line_of, walk(self.program))))
        count = len(self.program.results) - len(self.written)
        block: Block = [Statement("unpack", [env[p]], [], text=text) for p, text in unpacked.items()]
        unpacking = len(block)
        block += reader.block(self.program, env)
        results = reader.results(self.program, env)
        stores = [(env[self.program.params[i]], x) for i, x in zip(self.written, results[count:])]
        block.append(Statement("return", [], [*results[:count], *(x for pair in stores for x in pair)]))
        count_as_written(block)
        drop_unread(block)
        start_with_terms(block)
        write_numbers(block)
        add_in_place(block)
        drop_unread(block)
        keep_in_one(block)
        name_elements(block)
        for inner in blocks_in(block):
            keep_early(inner)
        check_once(block)
        inline(block)
        simplify_branches(block)
        inline(block)
        used = {x for s in all_statements(block) for x in variables_in(s.ins)}
        block = [s for i, s in enumerate(block) if i >= unpacking or s.outs[0] in used]
        self.spell_functions(block)
        own = list(pinned)
        taken = {*reserved, *self.module.functions, *self.module.constants, *pinned.values(), *RESERVED}
        last, stored = block[-1].ins, block[-1]
        direct = {p for p, x in stores if is_update_of(x, p, block)}
        while True:
            stored.ins = [*last[:count], *(x for _, x in stores), *(p for p, _ in stores if p not in direct)]
            names = self.names = Names(block, own, pinned, taken)
            for p, x in stores:
                if p in direct and isinstance(x, Var):
                    names.share(p, x)
            for out, source in self.in_order(block):
                names.share(out, source)
            apart = {p for p, x in stores if p in direct and not names.same(p, x)}
            if not apart:
                break
            direct -= apart
        callers = [x for s in block if s.kind == "unpack" for x in s.outs] + own
        names.choose()
        self.sharing = Sharing(block, names, [p for p in callers if is_shared(p)], direct)
        self.lines = []
        self.last_comment = ""
        copied = {p for i, p in enumerate(self.sharing.own) if (HEAD, i) in self.sharing.copied}
        for s in block[: len(block) - 1]:
            if s.kind == "unpack" and s.outs[0] in copied:
                s.text += ".copy()"
        for p in own:
            if p in copied:
                self.line(1, f"{names.names[p]} = {names.names[p]}.copy()")
        self.statements(block[:-1], 1)
        for p, x in stores:
            if p not in direct:
                self.line(1, f"{names.names[p]}[...] = {self.text(x).text}")
        texts = []
        for x in last[:count]:
            text = self.text(x)
            if any(self.sharing.is_callers(y) for y in memory(x)):
                text = Text(f"{text.within(ATOM)}.copy()")
            texts.append(text.text)
        result = self.result(texts)
        self.line(1, f"return {result[1:-1] if is_open_tuple(result) else result}")
        return "\n".join([f"def {name}({head}):", *self.lines])

    def spell_functions(self, block: Block) -> None:
        """Helpers get their names before variables do."""
        rows = [s.e.row for s in all_statements(block) if s.kind == "let" and s.e is not None]
        rows += [x.e.row for s in all_statements(block) for x in applications(s.ins)]
        for row in rows:
            if row.name in HELPERS:
                self.module.functions.setdefault(row.name, HELPERS[row.name])
            elif row.name not in SPELLING and row is not choose:
                self.module.function(row.evaluate, row, row.name)

    def in_order(self, block: Block) -> list[tuple[Var, Var]]:
        """Updates first, then what flows around inner loops."""
        pairs = []
        for s in all_statements(block):
            if s.kind in ("update", "push", "pop") and isinstance(s.ins[0], Var):
                pairs.append((0, -s.depth, s.outs[0], s.ins[0]))
            elif s.kind == "move":
                pairs += [(1, -s.depth, o, x) for o, x in zip(s.outs, s.ins) if isinstance(x, Var)]
        return [(o, x) for _, _, o, x in sorted(pairs, key=lambda p: p[:2])]

    def helper(self, program: Program) -> str:
        """A function of the user's that is called."""
        known = self.module.names.get(program)
        if known is None:
            known = self.module.free_name(identifier(program.name))
            self.module.names[program] = known
            self.module.functions[known] = ""
            names = dict(zip(program.params, distinct(program.params)))
            text = Writer(self.module, program, tupled).write(known, ", ".join(names.values()), names, {}, {}, set())
            del self.module.functions[known]
            self.module.functions[known] = text
        return known

    # ------------------------------------------------------------ expressions

    def text(self, x: Any) -> Text:
        if isinstance(x, Var):
            return Text(self.names.names[x])
        if isinstance(x, Global):
            return Text(x.name)
        if isinstance(x, Apply):
            return self.applied(x.e, x.ins)
        if hasattr(x, "items") and not isinstance(x, np.ndarray | np.generic):
            return Text("[]")
        return self.module.literal(x)

    def applied(self, e: Equation, ins: list[Any]) -> Text:
        ins = [self.unspread(e, ins, i) for i in range(len(ins))]
        shorter = self.shorter(e, ins)
        if shorter is not None:
            return shorter
        texts = [self.text(x) for x in ins]
        types = [type_of_in(x) for x in ins]
        written = Written(e.row, texts, types, e.params, e.count, e.outs[0].type, self.module)
        if e.row.name == "getitem" and is_element(ins[0]):
            return Text(f"{texts[0].text[:-1]}, {written.index(e.params['index'])}]")  # a[i][j] is a[i, j]
        return spell(written)

    def unspread(self, e: Equation, ins: list[Any], i: int) -> Any:
        """A number in place of an array of it, where another operand has the shape."""
        x = ins[i]
        if not isinstance(x, Apply) or x.e.row.name not in ("spread", "broadcast_to") or not e.row.elementwise:
            return x
        others = [type_of_in(y) for k, y in enumerate(ins) if k != i]
        inner, out = type_of_in(x.ins[0]), numeric(e.outs[0].type)
        if inner.shape == () and any(t.shape == out.shape and t.dtype == out.dtype for t in others):
            return x.ins[0]
        return x

    def shorter(self, e: Equation, ins: list[Any]) -> Text | None:
        """x for x * 1, -x for 0 - x and x * -1, x - y for x + (-y)."""
        name, type = e.row.name, e.outs[0].type
        if isinstance(type, Stack):
            return None
        if name == "mul":
            for x, y in (ins, ins[::-1]):
                if is_number(y, 1) and same_type(x, type):
                    return self.text(x)
                if is_number(y, -1) and same_type(x, type):
                    return negative(self.text(x))
                if (
                    is_number(y, 1)
                    and self.module.is_double
                    and type.form != "array"
                    and type_of_in(x).dtype.kind == "i"
                ):
                    return Text(f"float({self.text(x).text})")
        if name == "mul" and (merged := constants_merged(ins)):
            return self.applied(e, merged)
        if name == "scale" and isinstance(ins[1], float | np.floating) and ins[1] != 0:
            return self.scaled(ins[0], ins[1], type)
        if name in ("logical_or", "logical_and") and type.form != "array":
            for x, y in (ins, ins[::-1]):
                if is_truth(y, name == "logical_and") and type_of_in(x).dtype == type.dtype:
                    return self.text(x)
        if name == "choose":
            return self.chosen(*ins)
        if name == "neg" and type.dtype.kind in "fc":
            return negative(self.text(ins[0]))
        if name == "sub" and is_number(ins[0], 0) and same_type(ins[1], type):
            return negative(self.text(ins[1]))
        if name in ("add", "sub", "mul", "div") and type.dtype.kind in "fc":
            return signed(name, self.text(ins[0]), self.text(ins[1]))
        return None

    def chosen(self, test: Any, x: Any, y: Any) -> Text:
        """x if test else y; `and`, `or` and `not` where x or y is a truth value."""
        if is_truth(x, True) and is_truth(y, False):
            return self.text(test)
        if is_truth(x, False) and is_truth(y, True):
            return Text(self.negated(test), NOT)
        condition, texts = self.text(test), [self.text(x), self.text(y)]
        if is_truth(y, False) or y is test:
            return Text(f"{condition.within(AND)} and {texts[0].within(AND)}", AND)
        if is_truth(x, True) or x is test:
            return Text(f"{condition.within(OR)} or {texts[1].within(OR)}", OR)
        return Text(f"{texts[0].within(OR)} if {condition.within(OR)} else {texts[1].text}", TERNARY)

    def scaled(self, slope: Any, by: Any, type: Type) -> Text:
        """A slope times a number that is not 0; b / x for 1 / x * b, where b is a power of two, and so exact."""
        if isinstance(slope, Apply) and slope.e.row.name == "div" and abs(frexp(by)[0]) == 0.5:
            x, y = slope.ins
            if isinstance(x, float):
                return self.applied(slope.e, [x * by, y])
        return self.applied(Equation([Var("mul", type)], mul, [slope, by], {}, 2), [slope, by])

    # ------------------------------------------------------------ statements

    def line(self, depth: int, text: str) -> None:
        self.lines.append("    " * depth + text)

    def comment(self, s: Statement, depth: int) -> None:
        """The user's line that a derived one differentiates."""
        if s.e is None or s.e.origin is None or s.kind in ("move", "push", "pop"):
            return
        where = line_of(s.e)
        text = "" if where is None else linecache.getline(where.filename, where.line).strip()
        if text and text != self.last_comment:
            self.line(depth, f"# {text}")
            self.last_comment = text

    def block(self, block: Block, depth: int) -> None:
        before = len(self.lines)
        self.statements(block, depth)
        if not any(not line.lstrip().startswith("#") for line in self.lines[before:]):
            self.line(depth, "pass")

    def statements(self, block: Block, depth: int) -> None:
        for s in block:
            self.comment(s, depth)
            getattr(self, f"write_{s.kind}")(s, depth)

    def target(self, x: Var, s: Statement) -> str:
        return self.names.names[x] if x in s.live else "_"

    def copied(self, s: Statement, place: int, text: Text) -> str:
        if (s.number, place) not in self.sharing.copied:
            return text.text
        return copy_of(text, s.outs[place].type if s.kind != "push" else type_of_in(s.ins[1]))

    def write_unpack(self, s: Statement, depth: int) -> None:
        self.line(depth, f"{self.names.names[s.outs[0]]} = {s.text}")

    def write_let(self, s: Statement, depth: int) -> None:
        e = s.e
        assert e is not None
        if e.row.effect and not s.live.intersection(s.outs):
            self.line(depth, self.applied(e, s.ins).text)
            return
        if len(s.outs) > 1 or e.row.several:
            self.line(depth, f"{', '.join(self.target(o, s) for o in s.outs)} = {self.applied(e, s.ins).text}")
            return
        name = self.target(s.outs[0], s)
        if not is_shared(s.outs[0]) and self.accumulated(depth, s.outs[0], Apply(e, s.ins), name):
            return
        self.line(depth, f"{name} = {self.copied(s, 0, self.applied(e, s.ins))}")

    def augmented(self, depth: int, target: str, symbol: str, value: Text) -> None:
        if symbol in "+-" and (opposite := positive(value)):
            symbol, value = "+-"[symbol == "+"], opposite
        self.line(depth, f"{target} {symbol}= {value.text}")

    def root(self, s: Statement, depth: int) -> str:
        """The name of what is updated, which is a copy where the old one is still read."""
        name = self.names.names[s.outs[0]]
        if not self.names.same(s.outs[0], s.ins[0]):
            old = self.text(s.ins[0])
            self.line(depth, f"{name} = {old.text if old.text == '[]' else copy_of(old, s.outs[0].type)}")
        return name

    def write_update(self, s: Statement, depth: int) -> None:
        e = s.e
        assert e is not None
        name = self.root(s, depth)
        texts = [Text(name), *(self.text(x) for x in s.ins[1:])]
        types = [type_of_in(x) for x in s.ins]
        place = Text(name)
        for step, params in e.params.get("steps", ()):
            place = spell(Written(step, [place, *texts[1:]], types, params, 1, types[0], self.module))
        index = e.params["index"]
        w = Written(e.row, texts, types, e.params, e.count, types[0], self.module)
        inside = w.index(index) if index else "..."
        if e.row.name == "add_at" and not index:
            self.augmented(depth, name, "+", texts[1])
            return
        if e.row.name == "write":
            self.write_place(depth, s, f"{place.within(ATOM)}[{inside}]".replace("][:]", "]"), texts[1])
        elif is_basic(index) and all(types[hole.operand].shape == () for hole in holes(index)):
            self.augmented(depth, f"{place.within(ATOM)}[{inside}]", "+", texts[1])
        else:
            at = w.value(index[0] if len(index) == 1 else tuple(index))
            self.line(depth, f"np.add.at({name}, {at}, {texts[1].text})")

    def write_place(self, depth: int, s: Statement, place: str, value: Text) -> None:
        """a[i] = v, or a[i] += v for a[i] = a[i] + v."""
        x = s.ins[1]
        if isinstance(x, Apply) and x.e.row.name in AUGMENTED and same_dtype(x, s.outs[0]):
            for y, z in (x.ins, x.ins[::-1])[: 2 if x.e.row.name in COMMUTATIVE else 1]:
                is_old = isinstance(y, Apply) and y.ins[0] is s.ins[0] and type_of_in(y).shape == type_of_in(x).shape
                if is_old and self.text(y).text == place:
                    self.augmented(depth, place, AUGMENTED[x.e.row.name], self.text(z))
                    return
        self.line(depth, f"{place} = {value.text}")

    def write_push(self, s: Statement, depth: int) -> None:
        name = self.root(s, depth)
        self.line(depth, f"{name}.append({self.copied(s, 1, self.text(s.ins[1]))})")

    def write_pop(self, s: Statement, depth: int) -> None:
        name = self.root(s, depth)
        popped = Text(f"{name}.pop()")
        zeros = s.e.params.get("zeros")  # type: ignore[union-attr]
        text = self.copied(s, 1, popped)
        if zeros is not None:
            text += f" if {name} else {self.zero(s, zeros)}"
        self.line(depth, f"{self.target(s.outs[1], s)} = {text}" if s.outs[1] in s.live else text)

    def zero(self, s: Statement, zeros: Any) -> str:
        type = s.outs[1].type
        if isinstance(type, Stack):
            return "[]"
        if type.form != "array":
            return self.module.literal(type.dtype.type(0)).text
        shape = s.e.params["zeros"] or type.shape  # type: ignore[union-attr]
        w = Written(s.e.row, [self.text(x) for x in s.ins], [], s.e.params, s.e.count, type, self.module)  # type: ignore[union-attr]
        of = "" if type.dtype.name == "float64" else f", dtype={self.module.dtype(type.dtype)}"
        return f"np.zeros({w.shape(shape) if shape else '()'}{of})"

    def write_move(self, s: Statement, depth: int) -> None:
        kept = [(k, o, x) for k, (o, x) in enumerate(zip(s.outs, s.ins)) if o in s.live]
        kept = [(k, o, x) for k, o, x in kept if not self.names.same(o, x) or (s.number, k) in self.sharing.copied]
        ordered = self.sequence(kept)
        if ordered is None:
            targets = ", ".join(self.names.names[o] for _, o, _ in kept)
            self.line(depth, f"{targets} = {', '.join(self.copied(s, k, self.text(x)) for k, _, x in kept)}")
            return
        for k, o, x in ordered:
            text, name = self.copied(s, k, self.text(x)), self.names.names[o]
            if text != name:
                self.assign_moved(depth, o, x, name, text)

    def assign_moved(self, depth: int, o: Var, x: Any, name: str, text: str) -> None:
        if is_shared(o) or not self.accumulated(depth, o, x, name):
            self.line(depth, f"{name} = {text}")

    def accumulated(self, depth: int, o: Var, x: Any, name: str) -> bool:
        """x += a + b for x = x + a + b, and x *= a for x = x * a."""
        if isinstance(x, Apply) and x.e.row.name in AUGMENTED and same_dtype(x, o):
            for y, z in (x.ins, x.ins[::-1])[: 2 if x.e.row.name in COMMUTATIVE else 1]:
                if isinstance(y, Var) and self.names.names[y] == name and same_dtype(y, o):
                    self.augmented(depth, name, AUGMENTED[x.e.row.name], self.text(z))
                    return True
        terms = []
        while isinstance(x, Apply) and x.e.row.name in ("add", "sub") and same_dtype(x, o):
            terms.append((x.e.row.name, x.ins[1]))
            x = x.ins[0]
        if not terms or not isinstance(x, Var) or self.names.names[x] != name or not same_dtype(x, o):
            return False
        (row, first), *rest = reversed(terms)
        if row == "sub" and rest:
            return False
        value = self.text(first)
        for row, term in rest:
            value = self.summed(value, self.text(term), row == "sub")
        self.augmented(depth, name, "+" if terms[-1][0] == "add" else "-", value)
        return True

    def summed(self, x: Text, y: Text, is_difference: bool) -> Text:
        if opposite := positive(y):
            is_difference, y = not is_difference, opposite
        return Text(f"{x.within(SUM)} {'-' if is_difference else '+'} {y.within(PRODUCT)}", SUM)

    def sequence(self, moves: list[tuple[int, Var, Any]]) -> list[tuple[int, Var, Any]] | None:
        """An order in which no move overwrites what a later one reads; None where there is none."""
        left, found = list(moves), []
        while left:
            for move in left:
                name = self.names.names[move[1]]
                if not any(self.names.names[v] == name for m in left if m is not move for v in variables_in([m[2]])):
                    found.append(move)
                    left.remove(move)
                    break
            else:
                return None
        return found

    def write_call(self, s: Statement, depth: int) -> None:
        args = ", ".join(self.text(x).text for x in s.ins)
        targets = ", ".join(self.target(o, s) for o in s.outs)
        self.line(depth, f"{targets} = {s.text}({args})" if s.outs else f"{s.text}({args})")

    def write_check(self, s: Statement, depth: int) -> None:
        e = s.e
        assert e is not None
        error, values = e.params["error"], iter(s.ins[1:])
        if getattr(builtins, error.__name__, None) is not error and error.__module__ != "numpy.linalg":
            raise refusal(e.row, f"it raises {error.__name__}, which is not Python's", line_of(e))
        name = error.__name__ if error.__module__ == "builtins" else f"np.linalg.{error.__name__}"
        wanted = Text(self.negated(s.ins[0]))
        self.line(depth, f"if {wanted.text}:")
        self.line(depth + 1, f"raise {name}({', '.join(self.worded(a, values) for a in e.params['arguments'])})")

    def write_show(self, s: Statement, depth: int) -> None:
        assert s.e is not None
        params, values = s.e.params, iter(s.ins)
        parts = [self.worded(text, values) for text in params["texts"]]
        parts += [f"{key}={params[key]!r}" for key, usual in (("sep", " "), ("end", "\n")) if params[key] != usual]
        self.line(depth, f"print({', '.join(parts)})")

    def worded(self, argument: Any, values: Iterator[Any]) -> str:
        """A text with values in it; see `rules/control.py`."""
        if not isinstance(argument, tuple):
            return repr(argument)
        if argument == (("",),):
            return self.text(next(values)).text
        parts = []
        for part in argument:
            if isinstance(part, str):
                parts.append(part.replace("{", "{{").replace("}", "}}"))
            else:
                parts.append("{" + self.text(next(values)).text + (f":{part[0]}" if part[0] else "") + "}")
        quoted = repr("".join(parts))
        return f"f{quoted}"

    def negated(self, x: Any) -> str:
        if isinstance(x, Apply) and x.e.row.name == "logical_not" and numeric(x.e.outs[0].type).form != "array":
            return self.text(x.ins[0]).text
        text = self.text(x)
        return f"not {text.text}" if text.binding > 3 else f"not ({text.text})"

    def write_if(self, s: Statement, depth: int) -> None:
        then, orelse = (self.inside(inner, depth + 1) for inner in s.blocks)
        if not then and not orelse:
            return
        test = self.text(s.ins[0]).text
        if not then:
            self.line(depth, f"if {self.negated(s.ins[0])}:")
            self.lines += orelse
            return
        self.line(depth, f"if {test}:")
        self.lines += then
        head = "    " * (depth + 1)
        if (
            orelse
            and orelse[0].startswith(f"{head}if ")
            and all(line.startswith((head + " ", f"{head}el")) for line in orelse[1:])
        ):
            self.lines += ["    " * depth + "el" + orelse[0].lstrip(), *(line[4:] for line in orelse[1:])]
        elif orelse:
            self.line(depth, "else:")
            self.lines += orelse

    def inside(self, block: Block, depth: int) -> list[str]:
        """The lines of a block; none where it does nothing."""
        before, self.lines, comment = self.lines, [], self.last_comment
        for s in block:
            self.comment(s, depth)
            getattr(self, f"write_{s.kind}")(s, depth)
        found, self.lines, self.last_comment = self.lines, before, comment
        return found if any(not line.lstrip().startswith("#") for line in found) else []

    def write_for(self, s: Statement, depth: int) -> None:
        index = s.outs[0]
        is_read = any(index in variables_in(inner.ins) for inner in all_statements(s.blocks[0]))
        is_reversed = is_read and s.text == "reversed"
        down = countdown(s.ins) if is_reversed else None
        counted = ranged(*map(self.text, down or s.ins))
        if is_reversed and down is None:
            counted = f"reversed({counted})"
        self.line(depth, f"for {self.names.names[index] if is_read else '_'} in {counted}:")
        self.block(s.blocks[0], depth + 1)
        self.last_comment = ""

    def write_while(self, s: Statement, depth: int) -> None:
        asking = self.inside(s.blocks[0], depth + 1)
        if asking:
            self.line(depth, "while True:")
            self.lines += asking
            self.line(depth + 1, f"if {self.negated(s.ins[0])}:")
            self.line(depth + 2, "break")
        else:
            self.line(depth, f"while {self.text(s.ins[0]).text}:")
        self.block(s.blocks[1], depth + 1)
        self.last_comment = ""


def constants_merged(ins: list[Any]) -> list[Any] | None:
    """c * x for a * (b * x), where a is a power of two: then both are the same to the bit."""
    for x, y in (ins, ins[::-1]):
        if isinstance(y, float) and abs(frexp(y)[0]) == 0.5 and isinstance(x, Apply) and x.e.row.name == "mul":
            for number, other in (x.ins, x.ins[::-1]):
                if isinstance(number, float) and type_of_in(other) == x.e.outs[0].type:
                    return [number * y, other]
    return None


AUGMENTED = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
COMMUTATIVE = ("add", "mul")


def negative(x: Text) -> Text:
    """-x; the sign of a product or quotient stands before its first factor, which is exact."""
    opposite = positive(x)
    if opposite is not None:
        return opposite
    is_product = x.binding == PRODUCT and isinstance(operator_of(x), ast.Mult | ast.Div | ast.MatMult)
    return Text(f"-{x.text}", PRODUCT) if is_product else Text(f"-{x.within(SIGN)}", SIGN)


def positive(x: Text) -> Text | None:
    """y where x is written as -y."""
    if not x.text.startswith("-") or x.binding not in (SIGN, PRODUCT):
        return None
    if x.binding == PRODUCT:
        return Text(x.text[1:], PRODUCT)
    tree = ast.parse(x.text[1:], mode="eval").body
    if not x.text.startswith("-("):
        return Text(x.text[1:])
    bindings = {ast.Add: SUM, ast.Sub: SUM, ast.Mult: PRODUCT, ast.Div: PRODUCT, ast.MatMult: PRODUCT}
    binding = bindings.get(type(tree.op)) if isinstance(tree, ast.BinOp) else None
    return Text(x.text[1:]) if binding is None else Text(x.text[2:-1], binding)


def operator_of(x: Text) -> ast.operator | None:
    tree = ast.parse(x.text, mode="eval").body
    return tree.op if isinstance(tree, ast.BinOp) else None


def signed(name: str, x: Text, y: Text) -> Text | None:
    """A sum, product or quotient with as few signs as it needs; 2 * x for x + x."""
    if name == "add" and x.text == y.text:
        return Text(f"2.0 * {x.within(PRODUCT)}", PRODUCT)
    minus_x, minus_y = positive(x), positive(y)
    if minus_y is None:
        if name == "add" and minus_x is not None and x.binding == SIGN:
            return Text(f"{y.within(SUM)} - {minus_x.within(PRODUCT)}", SUM)
        return None
    if name in ("add", "sub"):
        return Text(f"{x.within(SUM)} {'-' if name == 'add' else '+'} {minus_y.within(PRODUCT)}", SUM)
    product = Text(f"{(minus_x or x).within(PRODUCT)} {AUGMENTED[name]} {minus_y.within(SIGN)}", PRODUCT)
    return product if minus_x else negative(product)


def is_element(x: Any) -> bool:
    return isinstance(x, Apply) and x.e.row.name == "getitem" and is_place(x.e)


def is_update_of(x: Any, param: Var, block: Block) -> bool:
    """Whether x is the array of a parameter after writes into it, and nothing else."""
    made: dict[Var, list[Any]] = {}
    for s in all_statements(block):
        for k, o in enumerate(s.outs):
            made.setdefault(o, []).append(s.ins[k] if s.kind in ("update", "move") else None)
    seen, queue = {x}, [x]
    for y in queue:
        if y is param:
            continue
        if not isinstance(y, Var) or y not in made:
            return False
        for z in made[y]:
            if not isinstance(z, Var):
                return False
            if z not in seen:
                seen.add(z)
                queue.append(z)
    return True


def is_number(x: Any, n: int) -> bool:
    return isinstance(x, int | float | np.number) and bool(x == n) and not np.signbit(x) ^ (n < 0)


def same_dtype(x: Any, y: Any) -> bool:
    return bool(type_of_in(x).dtype == type_of_in(y).dtype)


def same_type(x: Any, type: Any) -> bool:
    mine = type_of_in(x)
    return bool(mine.shape == type.shape and mine.dtype == type.dtype)


def is_open_tuple(text: str) -> bool:
    """Whether it is a tuple of several, whose brackets may be left out."""
    if not (text.startswith("(") and text.endswith(")")) or text.endswith(",)") or text == "()":
        return False
    tree = ast.parse(text, mode="eval").body
    return isinstance(tree, ast.Tuple)


def copy_of(x: Text, type: Any, name: str = "x") -> str:
    """A copy of an array; of a list with copies of what it holds."""
    if isinstance(type, Stack) and is_shared(Var("", type.element)):
        return f"[{copy_of(Text(name), type.element, name + 'x')} for {name} in {x.text}]"
    return f"{x.within(ATOM)}.copy()"


def tupled(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})" if texts else "None"


def distinct(params: list[Var]) -> list[str]:
    """Different names for parameters."""
    found: list[str] = []
    for p in params:
        found.append(next(n for n in numbered(identifier(p.name)) if n not in found))
    return found


def identifier(name: str) -> str:
    name = re.sub(r"\W+", "_", name).strip("_")
    return name if name.isidentifier() and not keyword.iskeyword(name) and name not in RESERVED else f"{name or 'f'}_"
