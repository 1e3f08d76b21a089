"""State: what names hold, and what the arrays behind them contain."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.tree import unflatten
from wengert.frontend.capture import same_fact
from wengert.frontend.scope import Frame, is_staged_handle
from wengert.ir.program import KINDS, Type
from wengert.modes.stage import Stage, Staged
from wengert.rules.control import value_type

if TYPE_CHECKING:
    from wengert.frontend.build import Staging

NUMBERS = (bool, int, float, complex, np.generic)

# ---------------------------------------------------------------- state


@dataclass
class State:
    """Names of all frames, and contents of all arrays, at one time."""

    names: list[tuple[Frame, dict[str, Any]]]
    contents: list[tuple[Staged, Any, Any, Any]]

    @classmethod
    def now(cls, s: "Staging") -> "State":
        names = [(frame, dict(frame.names)) for frame in s.all_frames()]
        return cls(names, [(b, b.primal, b.aux, b.link) for b in s.boxes()])

    def restore(self) -> None:
        for frame, names in self.names:
            frame.names.clear()
            frame.names.update(names)
        for box, primal, var, link in self.contents:
            box.primal, box.aux, box.link = primal, var, link


def is_number(x: Any) -> bool:
    """Whether x can be a variable of the program."""
    return isinstance(x, NUMBERS) or is_staged_handle(x)


def join(a: Any, b: Any, stage: Stage | None = None) -> Any:
    """The type that holds values of both, None where there is none.

    stage  where their lengths may differ: it names the extents
    """
    if a == b:
        return a
    if stage is not None and isinstance(a, Type) and isinstance(b, Type) and a.shape != b.shape:
        shape = stage.common_shape(a.shape, b.shape)
        return None if shape is None else join(a._replace(shape=shape), b._replace(shape=shape))
    if not isinstance(a, Type) or not isinstance(b, Type) or a.shape != b.shape:
        return None
    if (a.dtype.kind == "b") != (b.dtype.kind == "b"):
        return None
    forms = {a.form, b.form}
    if "array" in forms:
        if forms != {"array"}:
            return None
        return Type(np.promote_types(a.dtype, b.dtype), a.shape, "array")
    if forms == {"weak"}:
        return Type(np.promote_types(a.dtype, b.dtype), (), "weak")
    if forms == {"scalar"}:
        return Type(np.promote_types(a.dtype, b.dtype), (), "scalar")
    strong, soft = (a, b) if a.form == "scalar" else (b, a)
    return Type(np.result_type(strong.dtype.type(0), KINDS[soft.dtype.kind](0)), (), "scalar")


def same_value(x: Any, y: Any) -> bool:
    if type(x) is not type(y):
        return False
    if isinstance(x, float | complex | np.generic):
        return repr(x) == repr(y)
    return same_fact(x, y) or (isinstance(x, str | int) and x == y)


def kind_of(x: Any) -> str:
    return "None" if x is None else str(value_type(x)) if is_number(x) else type(x).__name__


def rebuilt(s: "Staging", like: Any, structure: Any, leaves: list[Any]) -> Any:
    if structure is None:
        return leaves[0]
    return s.own(unflatten(structure, leaves))
