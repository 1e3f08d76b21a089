"""A call of machine code as one operation: its derivatives and batches are calls of machine code, too.

It is `call` for numbers that are there; in a program the plain `call` stands, and what surrounds it is compiled.
"""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import partial
from typing import Any

from wengert.core.mode import is_staged
from wengert.core.primitive import Primitive
from wengert.frontend.machine import machine_of
from wengert.ir.evaluate import evaluate
from wengert.ir.order import has_effects
from wengert.ir.program import Program, Stack, result_types
from wengert.rules.control import call
from wengert.transforms.batch import call_batch
from wengert.transforms.build import derived_of
from wengert.transforms.control import Derived, Flags, Linearized, call_forward, call_linearize, free_to_read
from wengert.transforms.reverse import Halves, repeated


def run(*values: Any, program: Program) -> tuple[Any, ...]:
    """What the program gives for values of any mode."""
    row = call if any(map(is_staged, values)) else compiled
    return row(*values, program=program)  # type: ignore[no-any-return]


def computed(*values: Any, program: Program) -> tuple[Any, ...]:
    """What machine code gives; where it fails, the interpreter tells why."""
    outs = machine_of(program).run(values)
    return tuple(evaluate(program, list(values)) if outs is None else outs)


class Apart(Derived):
    """The halves are compiled apart, and what is kept between them goes through Python: stacks cannot."""

    def adapted(self, halves: Halves, program: Program) -> Halves:
        stays_inside = any(isinstance(t, Stack) for t in halves.kept)
        self.prints_again = stays_inside and has_effects(program)
        return repeated(halves, program) if stays_inside else halves


def linearize(primals: Sequence[Any], traced: Flags, params: dict[str, Any]) -> Linearized:
    outs, pull = call_linearize(primals, traced, params, by=run, derive=Apart)

    def quiet(cts: Sequence[Any], waiting: Sequence[Any]) -> list[Any]:
        with redirect_stdout(io.StringIO()):
            return pull(cts, waiting)

    derived = derived_of(params["program"], Apart, traced, free_to_read(primals))
    return outs, quiet if derived.prints_again else pull


compiled = Primitive(
    "compiled",
    computed,
    types=lambda ins, program: result_types(program),
    batch=partial(call_batch, by=run, may_pile=False),
    forward=partial(call_forward, by=run),
    linearize=linearize,
    several=True,
    register=False,
)
