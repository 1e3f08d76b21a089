"""How formulas are written: in plain text and in LaTeX.

A row that is not listed is written as a call, name(operand, parameter=value).
"""

import re
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from wengert.core.types import shape_of
from wengert.inspect.trace import Application, Symbol, Term

# ---------------------------------------------------------------- notation of rows

SUM, PRODUCT, SIGN, POWER, ATOM = 1, 2, 3, 4, 5  # how tightly a form binds

# row -> (text, LaTeX, how tightly it binds, how tightly each operand must bind in text, and in LaTeX)
NOTATION: dict[str, tuple[str, str, int, tuple[int, ...], tuple[int, ...]]] = {
    "add": ("{} + {}", "{} + {}", SUM, (SUM, PRODUCT), (SUM, PRODUCT)),
    "sub": ("{} - {}", "{} - {}", SUM, (SUM, PRODUCT), (SUM, PRODUCT)),
    "mul": ("{}*{}", r"{} \cdot {}", PRODUCT, (PRODUCT, PRODUCT), (PRODUCT, PRODUCT)),
    "scale": ("{}*{}", r"{} \cdot {}", PRODUCT, (PRODUCT, PRODUCT), (PRODUCT, PRODUCT)),
    "div": ("{}/{}", r"\frac{{{}}}{{{}}}", PRODUCT, (PRODUCT, SIGN), (0, 0)),
    "matmul": ("{} @ {}", "{} {}", PRODUCT, (PRODUCT, SIGN), (PRODUCT, SIGN)),
    "mod": ("{} % {}", r"{} \bmod {}", PRODUCT, (PRODUCT, SIGN), (PRODUCT, SIGN)),
    "floordiv": ("{} // {}", r"\lfloor {} / {} \rfloor", PRODUCT, (PRODUCT, SIGN), (PRODUCT, SIGN)),
    "neg": ("-{}", "-{}", SIGN, (PRODUCT,), (PRODUCT,)),
    "pow": ("{}**{}", "{}^{{{}}}", POWER, (ATOM, SIGN), (ATOM, 0)),
    "square": ("{}**2", "{}^2", POWER, (ATOM,), (ATOM,)),
    "reciprocal": ("1/{}", r"\frac{{1}}{{{}}}", PRODUCT, (SIGN,), (0,)),
    "sqrt": ("sqrt({})", r"\sqrt{{{}}}", ATOM, (0,), (0,)),
    "abs": ("abs({})", r"\left|{}\right|", ATOM, (0,), (0,)),
    "exp": ("exp({})", "e^{{{}}}", ATOM, (0,), (0,)),
}
# rows that are written under another name
CALLED = {"reduce_sum": "sum", "collapse": "sum", "reduce_max": "max", "reduce_min": "min", "reduce_prod": "prod"}
CALLED |= {"maximum": "max", "minimum": "min", "share": "share_of_maximum", "expit": "sigmoid"}
# LaTeX knows these
COMMANDS = frozenset(["sin", "cos", "tan", "sinh", "cosh", "tanh", "log", "arcsin", "arccos", "arctan", "max", "min"])
COLLECTIONS = frozenset({"stack", "concatenate"})


# ---------------------------------------------------------------- numbers


def number(x: Any, digits: int = 5) -> str:
    """A number in so many significant digits; an array in a few lines."""
    if shape_of(x):
        return array_text(np.asarray(x), digits)
    x = np.asarray(x)[()]
    if np.iscomplexobj(x):
        return f"{x.real:.{digits}g}{x.imag:+.{digits}g}j"
    return f"{float(x) + 0.0:.{digits}g}" if isinstance(x, float | np.floating) else str(x)  # + 0.0: no -0


def array_text(x: Any, digits: int) -> str:
    formatter: dict[str, Callable[[Any], str]] = {"all": lambda item: number(item, digits)}
    return np.array2string(x, threshold=20, edgeitems=2, separator=" ", formatter=formatter, max_line_width=60)


# ---------------------------------------------------------------- styles


class Plain:
    """As in a program: x_dot is the tangent of x, x_bar its cotangent; s#2 is the second value of the name s."""

    latex = False
    forms: ClassVar[dict[str, str]] = {}  # where they differ from those of NOTATION
    suffix: ClassVar = {"primal": "", "tangent": "_dot", "cotangent": "_bar"}

    def symbol(self, s: Symbol) -> str:
        return f"{s.name}{self.suffix[s.kind]}" + (f"#{s.version}" if s.version > 1 else "")

    def call(self, name: str, arguments: str) -> str:
        return f"{name}({arguments})"

    def brackets(self, inside: str) -> str:
        return f"({inside})"

    def value(self, x: Any, digits: int) -> str:
        return number(x, digits)

    def words(self, text: str) -> str:
        return text


MINUS = "-\N{MINUS SIGN}"


class Html(Plain):
    """As in a textbook, as far as HTML goes."""

    forms: ClassVar = {
        "mul": "{}\N{THIN SPACE}\N{MIDDLE DOT}\N{THIN SPACE}{}",
        "sub": "{} \N{MINUS SIGN} {}",
        "neg": "\N{MINUS SIGN}{}",
        "pow": "{}<sup>{}</sup>",
        "square": "{}<sup>2</sup>",
    }
    accent: ClassVar = {"primal": "", "tangent": "\N{COMBINING DOT ABOVE}", "cotangent": "\N{COMBINING MACRON}"}

    def symbol(self, s: Symbol) -> str:
        letters, index = split_name(s.name)
        version = f"<sup>({s.version})</sup>" if s.version > 1 else ""
        lower = f"<sub>{index}</sub>" if index else ""
        return f"<i>{letters[:1]}{self.accent[s.kind]}{letters[1:]}</i>{lower}{version}"

    def value(self, x: Any, digits: int) -> str:
        return number(x, digits).replace(*MINUS)


class Latex:
    """As in a textbook: a dot over tangents, a bar over cotangents."""

    latex = True
    accent: ClassVar = {"primal": "{}", "tangent": r"\dot{{{}}}", "cotangent": r"\bar{{{}}}"}

    def symbol(self, s: Symbol) -> str:
        letters, index = split_name(s.name)
        letters = escaped(letters) if len(letters) == 1 else rf"\mathit{{{escaped(letters)}}}"
        lower = f"_{{{escaped(index)}}}" if index else ""
        return self.accent[s.kind].format(letters) + lower + (f"^{{({s.version})}}" if s.version > 1 else "")

    def call(self, name: str, arguments: str) -> str:
        head = f"\\{name}" if name in COMMANDS else rf"\operatorname{{{escaped(name)}}}"
        return rf"{head}\left({arguments}\right)"

    def brackets(self, inside: str) -> str:
        return rf"\left({inside}\right)"

    def value(self, x: Any, digits: int) -> str:
        if np.ndim(x) not in (1, 2) or np.size(x) > 20:
            return self.number(x, digits) if np.ndim(x) == 0 else self.words(f"array of shape {shape_of(x)}")
        rows = [[self.number(item, digits) for item in line] for line in np.atleast_2d(x)]
        return r"\begin{pmatrix}" + r" \\ ".join(" & ".join(row) for row in rows) + r"\end{pmatrix}"

    def words(self, text: str) -> str:
        return rf"\text{{{escaped(text)}}}"

    def number(self, x: Any, digits: int) -> str:
        """inf and powers of ten as they are typeset."""
        text = number(x, digits).replace("inf", r"\infty").replace("nan", r"\text{nan}")
        return re.sub(r"e([+-])0*(\d+)", lambda m: rf" \cdot 10^{{{m[1].strip('+')}{m[2]}}}", text)


def split_name(name: str) -> tuple[str, str]:
    """Letters and index: x1 -> x, 1; w[0] -> w, 0; p['w'] -> p, w; layer_2 -> layer, 2."""
    letters, index = re.fullmatch(r"(.*?[^\d_])[_.]?(\d*|\[.*)", name).groups()
    return letters, index.replace("][", ",").strip("[]'\"")


def escaped(text: str) -> str:
    return text.replace("_", r"\_")


PLAIN, HTML, LATEX = Plain(), Html(), Latex()
Style = Plain | Latex

# ---------------------------------------------------------------- formulas


def formula(term: Term, style: Style, values: bool = False, digits: int = 5) -> str:
    """A term in the names of its symbols, or with their values."""
    return Writer(style, values, digits).write(term, 0)


class Writer:
    def __init__(self, style: Style, values: bool, digits: int) -> None:
        self.style, self.values, self.digits = style, values, digits

    def write(self, term: Term, least: int) -> str:
        """The text of a term, in brackets where it binds less than `least`."""
        text, binding = self.parts(term)
        return text if binding >= least else self.style.brackets(text)

    def parts(self, term: Term) -> tuple[str, int]:
        if isinstance(term, Application):
            return self.application(term)
        if isinstance(term, Symbol) and not self.values:
            return self.style.symbol(term), ATOM
        text = self.constant(term.value if isinstance(term, Symbol) else term)
        return text, SUM if text[0] in MINUS else ATOM

    def constant(self, x: Any) -> str:
        if np.size(x) > 4:
            x = np.shape(x)
            return self.style.words(f"array{x}")
        return " ".join(self.style.value(x, self.digits).split())

    def application(self, term: Application) -> tuple[str, int]:
        name, operands = term.name, term.operands
        if name in COLLECTIONS:
            return "[" + ", ".join(self.write(x, 0) for x in operands) + "]", ATOM
        if name == "getitem":
            return f"{self.write(operands[0], ATOM)}[{index_text(term.params['index'])}]", ATOM
        if name == "add_at":
            return f"{self.write(operands[1], ATOM)} at [{index_text(term.params['index'])}]", PRODUCT
        if name == "write":
            place = index_text(term.params["index"])
            return f"{self.write(operands[0], ATOM)} with [{place}] = {self.write(operands[1], SUM)}", 0
        if name == "transpose" and term.params["axes"] == (1, 0):
            return self.write(operands[0], ATOM) + ("^T" if self.style.latex else ".T"), ATOM
        if name == "ipow":
            name, operands = "pow", (operands[0], term.params["n"])
        if name not in NOTATION:
            return self.call(term), ATOM
        text, latex, binding, least, least_latex = NOTATION[name]
        if self.style.latex:
            return latex.format(*map(self.write, operands, least_latex)), ATOM if name == "div" else binding
        return self.style.forms.get(name, text).format(*map(self.write, operands, least)), binding

    def call(self, term: Application) -> str:
        arguments = [self.write(x, 0) for x in term.operands]
        options = [f"{key}={value!r}" for key, value in term.params.items() if is_shown(key, value, term.operands)]
        if self.style.latex:
            options = [self.style.words(o) for o in options]
        return self.style.call(CALLED.get(term.name, term.name), ", ".join(arguments + options))


def count_operations(term: Term) -> int:
    return 1 + sum(map(count_operations, term.operands)) if isinstance(term, Application) else 0


def is_shown(key: str, value: Any, operands: tuple[Term, ...]) -> bool:
    """Short parameters; all axes of the operand need not be told."""
    whole = key == "axes" and value == tuple(range(len(shape_of(value_of(operands[0])))))
    return isinstance(value, int | str | tuple) and not whole


def value_of(term: Term) -> Any:
    return term.value if isinstance(term, Symbol | Application) else term


def index_text(index: tuple[Any, ...]) -> str:
    return ", ".join(map(part_text, index))


def part_text(part: Any) -> str:
    if isinstance(part, slice):
        ends = ["" if b is None else str(b) for b in (part.start, part.stop)]
        return ":".join(ends if part.step is None else [*ends, str(part.step)])
    return "".join(str(part.tolist()).split()) if isinstance(part, np.ndarray) else str(part)


# ---------------------------------------------------------------- tidy formulas

# rows that only bring a cotangent to the shape and dtype of its operand
SILENT = frozenset({"convert", "duplicate", "broadcast_to", "spread"})


def tidy(term: Term) -> Term:
    """The same term as a person would write it: no factor 1, signs in front, t/x for (1/x)*t.

    Sums stay as the rules made them: x - x has derivative 1 - 1.
    """
    if not isinstance(term, Application):
        return term
    operands = tuple(map(tidy, term.operands))
    if term.name in TIDY:
        return TIDY[term.name](*operands, **term.params)
    return operands[0] if term.name in SILENT else Application(term.name, operands, term.params, term.value)


def made(name: str, *operands: Term) -> Application:
    """A term of the page: its value is not asked for."""
    return Application(name, operands, {}, None)


def is_one(x: Term) -> bool:
    return isinstance(x, float | int | np.number) and x == 1


def is_a(x: Term, name: str) -> bool:
    return isinstance(x, Application) and x.name == name


def tidy_product(x: Term, y: Term) -> Term:
    for one, other in ((x, y), (y, x)):
        if is_one(one):
            return other
        if is_a(one, "neg"):
            return tidy_sign(tidy_product(one.operands[0], other) if one is x else tidy_product(other, one.operands[0]))
        if isinstance(one, float | int | np.number) and one == -1:
            return tidy_sign(other)
        if is_a(one, "div") and is_one(one.operands[0]):
            return made("div", other, one.operands[1])
    return made("mul", x, y)


def tidy_sign(x: Term) -> Term:
    return x.operands[0] if is_a(x, "neg") else made("neg", x)


def tidy_quotient(x: Term, y: Term) -> Term:
    return tidy_sign(made("div", x.operands[0], y)) if is_a(x, "neg") else made("div", x, y)


def tidy_sum(x: Term, y: Term) -> Term:
    return made("sub", x, y.operands[0]) if is_a(y, "neg") else made("add", x, y)


def tidy_power(x: Term, n: int) -> Term:
    return x if n == 1 else Application("ipow", (x,), {"n": n}, None)


TIDY: dict[str, Callable[..., Term]] = {
    "mul": tidy_product,
    "scale": tidy_product,
    "neg": tidy_sign,
    "div": tidy_quotient,
    **dict.fromkeys(("reciprocal", "log_slope"), lambda x: made("div", 1.0, x)),
    "add": tidy_sum,
    "ipow": tidy_power,
}
