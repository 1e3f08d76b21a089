"""An explanation as text for the terminal, as HTML and as LaTeX."""

import html as markup
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wengert.core.types import shape_of
from wengert.inspect.notation import HTML, LATEX, PLAIN, Style, Writer, count_operations, escaped, formula
from wengert.inspect.trace import Application, Symbol, Term

if TYPE_CHECKING:
    from wengert.inspect.explain import Explanation, Line

WIDTH = 72  # characters of a formula
SHOWN = 60  # lines of one trace; those in between are left out of pictures, not of the data


@dataclass(frozen=True)
class Section:
    """A table: name, formula, and for each direction the formula with numbers and the value."""

    heading: str
    directions: tuple[str, ...]
    rows: list[tuple[str, ...]]


def sections(e: "Explanation", style: Style) -> list[Section]:
    """The three traces as cells of text; tangents of a few numbers side by side, others one after the other."""
    beside = len(e.inputs) <= 3 and not any(shape_of(line.value) for line in e.inputs)
    together = [tuple(e.tangents)] if beside else [(name,) for name in e.tangents]
    return [
        section("evaluation", [[line] for line in [*e.inputs, *e.evaluation]], style, e.digits),
        *(tangent_section(e, names, style) for names in together),
        section("adjoints", [[line] for line in e.adjoint], style, e.digits),
    ]


def section(
    heading: str, rows: Sequence[Sequence["Line"]], style: Style, digits: int, directions: tuple[str, ...] = ("",)
) -> Section:
    return Section(heading, directions, shortened([cells(lines, style, digits) for lines in rows]))


def tangent_section(e: "Explanation", names: tuple[str, ...], style: Style) -> Section:
    if len(names) == 1:
        return section(f"tangents along {names[0]}", [[line] for line in e.tangents[names[0]]], style, e.digits)
    directions = tuple(f"along {name}" for name in names)
    return section("tangents", list(zip(*[e.tangents[name] for name in names])), style, e.digits, directions)


def cells(lines: Sequence["Line"], style: Style, digits: int) -> tuple[str, ...]:
    """One symbol, its formula, and for each line formula with numbers and value."""
    formulas = [line.term for line in lines if line.term is not None]
    text = short_formula(formulas[0], style, digits) if formulas else ""
    pairs = [
        cell for line in lines for cell in (with_numbers(line.term, style, digits), style.value(line.value, digits))
    ]
    return (style.symbol(lines[0].symbol), text, *pairs)


def short_formula(term: Term, style: Style, digits: int) -> str:
    """The formula; of one that no line holds, its size."""
    if len(formula(term, PLAIN, digits=digits)) <= WIDTH:
        return formula(term, style, digits=digits)
    return style.words(f"a formula of {count_operations(term)} operations")


def with_numbers(term: Term, style: Style, digits: int) -> str:
    """The formula with the values of its symbols, where all are single numbers and it says something new."""
    if not isinstance(term, Application) or any(shape_of(s.value) for s in symbols_of(term)):
        return ""
    numbers = formula(term, style, values=True, digits=digits)
    return numbers if len(numbers) <= WIDTH or style.latex else ""


def symbols_of(term: Term) -> list[Symbol]:
    if isinstance(term, Application):
        return [symbol for operand in term.operands for symbol in symbols_of(operand)]
    return [term] if isinstance(term, Symbol) else []


def shortened(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    if len(rows) <= SHOWN:
        return rows
    half = SHOWN // 2
    return [*rows[:half], ("...", f"{len(rows) - SHOWN} steps left out", *[""] * (len(rows[0]) - 2)), *rows[-half:]]


def summary(e: "Explanation") -> list[tuple[str, object]]:
    """What a reader looks for first."""
    found = [("value", e.value)]
    if e.hessian is not None:
        found.append(("second derivative" if len(e.inputs) == 1 else "second derivatives", e.hessian))
    return found


# ---------------------------------------------------------------- text


def text(e: "Explanation") -> str:
    blocks = [title(e)]
    for section in sections(e, PLAIN):
        blocks.append("\n".join([section.heading, *("  " + line for line in aligned(section))]))
    blocks.append("\n".join(block(f"{name} = ", PLAIN.value(value, e.digits)) for name, value in summary(e)))
    return "\n\n".join(blocks)


def title(e: "Explanation") -> str:
    """f(x=2, w=array(3, 2))"""
    shown = [f"{x.symbol.name}={Writer(PLAIN, True, e.digits).constant(x.value)}" for x in e.inputs]
    return f"{e.name}({', '.join(shown)})"


def block(head: str, lines: str) -> str:
    return head + lines.replace("\n", "\n" + " " * len(head))


def aligned(section: Section) -> list[str]:
    """Columns one below the other; a cell may have several lines."""
    rows = [("", "", *sum((("", d) for d in section.directions), ())), *section.rows]
    rows = [[cell.split("\n") for cell in row] for row in rows]
    widths = [max(len(line) for row in rows for line in row[i]) for i in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        for height in range(max(len(cell) for cell in row)):
            parts = [cell[height] if height < len(cell) else "" for cell in row]
            joined = parts[0].ljust(widths[0])
            for i, (part, width) in enumerate(zip(parts[1:], widths[1:])):
                sign = "= " if part and not height and number else "  "
                gap = "   " if i and i % 2 else " "
                joined += (gap + sign + part.ljust(width)) if width else ""
            lines.append(joined.rstrip())
    return lines if any(section.directions) else lines[1:]


# ---------------------------------------------------------------- HTML

STYLE = (
    "<style>.wengert{border-collapse:collapse;font-family:serif}.wengert td,.wengert th{border:0;padding:.15em .6em;"
    "text-align:left;vertical-align:top;white-space:pre}.wengert th{padding-top:.9em;border-bottom:1px solid #999;"
    "font-weight:600}</style>"
)


def html(e: "Explanation") -> str:
    """One table; MathJax is not needed."""
    rows = []
    for section in sections(e, HTML):
        width = max(len(row) for row in section.rows)
        along = "".join(f"<th></th><th>{markup.escape(d)}</th>" for d in section.directions)
        rows.append(f'<tr><th colspan="2">{markup.escape(section.heading)}</th>{along}</tr>')
        rows += ["<tr>" + "".join(map(cell_of, row, range(width))) + "</tr>" for row in section.rows]
    results = "".join(f"<p>{name} = {markup.escape(HTML.value(v, e.digits))}</p>" for name, v in summary(e))
    return f'{STYLE}<p><b>{markup.escape(title(e))}</b></p><table class="wengert">{"".join(rows)}</table>{results}'


def cell_of(cell: str, column: int) -> str:
    return f"<td>{'= ' if cell and column else ''}{cell}</td>"


# ---------------------------------------------------------------- LaTeX


def latex(e: "Explanation") -> str:
    """Arrays in display mathematics, one for each trace."""
    return "\n".join(rf"\[{array(section)}\]" for section in sections(e, LATEX))


def array(section: Section) -> str:
    columns = "l" * (2 + 2 * len(section.directions))
    along = "".join(rf" & & \text{{{escaped(d)}}}" for d in section.directions)
    lines = [rf"&{along} \\ \hline" if any(section.directions) else r"\hline"]
    for name, *rest in section.rows:
        lines.append(" & ".join([name, *(f"{{}} = {cell}" if cell else "" for cell in rest)]) + r" \\")
    heading = rf"\begin{{array}}{{l}} \textbf{{{escaped(section.heading)}}} \\"
    return "\n".join([heading, rf"\begin{{array}}{{{columns}}}", *lines, r"\end{array} \end{array}"])
