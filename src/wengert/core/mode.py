"""Who interprets a call: values in flight, the modes they belong to, and dispatch between them.

A value is a *handle*: the object that user code holds under its names.  Its content is replaced, never changed in
place, so that everything recorded earlier keeps its meaning while every alias sees a write.
"""

import functools
import itertools
import operator
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.layout import copied
from wengert.core.types import dtype_of, shape_of

if TYPE_CHECKING:
    from wengert.core.primitive import Primitive

    Step = tuple[Primitive, dict[str, Any]]
    Steps = tuple[Step, ...]

_levels = itertools.count(1)


class Mode:
    """One interpretation of the primitives: one running derivative, batch, ...

    A later mode is an inner one: dispatch always goes to the highest level, and the level is unique, which is what
    stops perturbation confusion (Siskind and Pearlmutter 2005).
    """

    name: ClassVar[str] = "mode"
    differentiates: ClassVar[bool] = True  # its values carry derivatives
    staged: ClassVar[bool] = False  # its values are variables of a program: their content is a sample
    lasts: ClassVar[bool] = False  # its values are objects of the user's own, which live outside of any call, too

    def __init__(self) -> None:
        self.level = next(_levels)
        self.finished = False

    def apply(self, row: "Primitive", args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        raise NotImplementedError

    def decide(self, x: "Value") -> Any:
        """The plain number that Python's control flow depends on; called through `decide`, which freshens x."""
        return decide(x.primal)

    def is_known(self, x: "Value") -> bool:
        """Whether `decide` has an answer."""
        return True

    def before_write(self, x: "Value") -> None:
        """Raise where user code must not write into x."""

    def __repr__(self) -> str:
        return f"<{self.name} level {self.level}>"


class View:
    """How a value is seen through another: `steps` (row, parameters) lead from the content of `root` to it.

    seen is the version of the root's content that was read last, None where none is worth anything.
    writable is False where NumPy makes the view read-only (or where writes through it are not supported: imag, einsum).
    """

    __slots__ = ("root", "seen", "steps", "writable")

    def __init__(self, root: "Value", steps: "Steps", seen: Any, writable: bool = True) -> None:
        self.root, self.steps, self.seen, self.writable = root, steps, seen, writable

    elements: ClassVar[bool] = False

    def is_current(self) -> bool:
        """Whether the root holds what was seen; of arrays outside nobody tells what is written to them."""
        return self.seen is self.root.version and (self.writable or self.root.aux is not OUTSIDE)

    def reaches(self, row: "Primitive", params: dict[str, Any]) -> bool:
        """Whether what NumPy gives after one more step looks at the root, too; our rows may copy what is repeated."""
        content = root = lane_of(self.root)
        for step, given in (*self.steps, (row, params)):
            content = (step.shows or step.evaluate)(content, **{key: contents_of(p) for key, p in given.items()})
        return np.may_share_memory(content, root)

    def read(self, content: Any) -> Any:
        """What is seen where the root has this content."""
        for row, params in self.steps:
            content = row(content, **params)
        return content


class Elements(View):
    """NumPy's `flat`: what is read of it is a copy, and what is written to it is repeated, or cut off."""

    __slots__ = ()
    elements = True


class Value:
    """Anything that flows through user code in place of an array or number.

    mode    who interprets calls on it
    primal  the undifferentiated content: an array, a number, or a value of an outer mode
    aux     what the mode adds: a tangent, a tape record, ...
    link    None, or the View through which writes go and reads come
    """

    __slots__ = ("__weakref__", "aux", "link", "mode", "primal")

    hidden_axes = 0  # leading axes of the content that user code does not see

    # NumPy must defer to us in mixed operations
    __array_priority__ = 1000.0

    def __init__(self, mode: Mode, primal: Any, aux: Any = None, link: View | None = None) -> None:
        self.mode = mode
        self.primal = primal
        self.aux = aux
        self.link = link

    # ------------------------------------------------------------ content

    def fresh(self) -> "Value":
        """This handle with its content up to date: a view reads what its root holds now."""
        view = self.link
        if view is not None and (view.seen is None or not view.is_current()):
            self.become(view.read(view.root))
            self.link = view
            view.seen = view.root.version
        return self

    @property
    def version(self) -> Any:
        """What tells this content from an earlier and a later one of the same handle."""
        return self.primal

    def become(self, other: Any) -> None:
        """Take over the content of `other`, a value of any mode or a plain array; names of this handle stay."""
        if not isinstance(other, Value):
            other = Buffer(CONSTANT, other)
        self.__class__ = other.__class__
        self.mode, self.primal, self.aux, self.link = other.mode, other.primal, other.aux, None

    def snapshot(self) -> "Value":
        """The content as it is now under a new handle, which later writes do not reach."""
        self.fresh()
        new = object.__new__(self.__class__)
        new.mode, new.primal, new.aux, new.link = self.mode, self.primal, self.aux, None
        return new

    # ------------------------------------------------------------ what NumPy code asks of an array

    @property
    def shape(self) -> tuple[int, ...]:
        if self.link is not None:
            self.fresh()  # which may turn this handle into one of another mode
        shape = shape_of(self.primal)
        return shape[self.hidden_axes :] if self.hidden_axes else shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_of(self.primal if self.link is None else self.fresh().primal)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return functools.reduce(operator.mul, self.shape) if self.shape else 1

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(self.shape[0]))

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError  # operators, methods and NumPy's protocols come from rules/methods.py

    if TYPE_CHECKING:
        __add__: Any
        __invert__: Any
        __setitem__: Any
        item: Any

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.fresh().primal!r})"

    def __str__(self) -> str:
        return str(decide(self))  # text may decide what comes next

    def __format__(self, spec: str) -> str:
        return format(decide(self) if spec else plain(self), spec)

    def __hash__(self) -> int:
        return hash(decide(self))

    def __copy__(self) -> "Value":
        return self.snapshot()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Value":
        return self.snapshot()

    # ------------------------------------------------------------ where a derivative would be lost

    def __float__(self) -> float:
        raise escape("float()")

    def __complex__(self) -> complex:
        raise escape("complex()")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise escape("numpy.asarray()", AS_ARRAY)

    # ------------------------------------------------------------ where only the value matters

    def __bool__(self) -> bool:
        return bool(decide(self))

    def __int__(self) -> int:
        """A step function: its derivative is zero wherever it has one."""
        return int(decide(self))

    def __index__(self) -> int:
        number = decide(self)
        if dtype_of(number).kind not in "iub":
            raise TypeError(f"'{dtype_of(number)}' object cannot be interpreted as an integer")
        return int(number)

    def __trunc__(self) -> int:
        return int(self)

    def __floor__(self) -> int:
        return int(np.floor(decide(self)))

    def __ceil__(self) -> int:
        return int(np.ceil(decide(self)))


def content_of(x: Any) -> Any:
    """What lies at the bottom of all modes: the number or array, or a sample of it, of its type and shape."""
    while isinstance(x, Value):
        x = x.fresh().primal
    return x


def contents_of(p: Any) -> Any:
    """A parameter of a row, with contents for values."""
    if isinstance(p, tuple):
        return tuple(map(contents_of, p))
    return slice(*map(contents_of, (p.start, p.stop, p.step))) if isinstance(p, slice) else content_of(p)


def plain(x: Any) -> Any:
    """The number or array at the bottom of all modes; where it is a variable of a program, its mode decides."""
    while isinstance(x, Value):
        x = x.mode.decide(x) if x.fresh().mode.staged else x.primal
    return x


def is_staged(x: Any) -> bool:
    """Whether x is a variable of a program under all its derivatives: nothing can be read off its numbers."""
    while isinstance(x, Value):
        if x.fresh().mode.staged:
            return True
        x = x.primal
    return False


def is_open(x: Any) -> bool:
    """Whether x is a number that is known only when a program runs."""
    while isinstance(x, Value):
        if x.fresh().mode.staged:
            return not x.mode.is_known(x)
        x = x.primal
    return False


def decide(x: Any) -> Any:
    """The plain number that Python's control flow depends on."""
    if not isinstance(x, Value):
        return x
    x.fresh()  # which may turn the handle into one of another mode
    return x.mode.decide(x)


NO_AXES = "array of no axes"  # `aux` of a batch whose lanes have such arrays, and not numbers


def is_array(x: Any) -> bool:
    """Whether NumPy would hold it as an array, which can be written into, and not as an immutable number."""
    outer = x
    while isinstance(outer, Value):
        if outer.fresh().aux is NO_AXES:
            return True
        outer = outer.primal
    # the numbers of a batch lie in an array, too
    return isinstance(outer, np.ndarray) and (outer.ndim == 0 or shape_of(x) != ())


def lies_in(x: Any, order: str) -> bool:
    """Whether the elements of x, for the user an array, lie as in C ("C") or in Fortran ("F")."""
    lane = lane_of(x)
    if not isinstance(lane, np.ndarray):
        return True
    return lane.flags.c_contiguous if order == "C" else lane.flags.f_contiguous


def lane_of(x: Any) -> Any:
    """What lies at the bottom of all modes, of one lane where they have many."""
    content = content_of(x)
    lanes = content.ndim - len(shape_of(x)) if isinstance(content, np.ndarray) else 0
    if lanes == 0:
        return content
    return content[(0,) * lanes] if 0 not in content.shape[:lanes] else np.zeros(content.shape[lanes:], content.dtype)


def escape(what: str, way_out: str = "call the NumPy function of the same meaning (np.sin for math.sin)") -> Diagnostic:
    return Diagnostic(
        "W201",
        f"{what} is called on a value that is being differentiated",
        "a plain number or array cannot carry a derivative, so it would be lost in silence",
        f"{way_out}, or cut the derivative on purpose with wg.stop_gradient",
    )


AS_ARRAY = "make the array inside the function with np.stack, np.zeros or np.copy, and write into such arrays only"


# ---------------------------------------------------------------- constants


class Constant(Mode):
    """The outermost interpretation: plain NumPy.  Its arrays are buffers, so that a later traced write is seen."""

    name = "constant"

    def __init__(self) -> None:
        self.level = -1
        self.finished = False

    def apply(self, row: "Primitive", args: tuple[Any, ...], params: dict[str, Any]) -> Any:
        out = row.evaluate(*[x.fresh().primal if isinstance(x, Value) else x for x in args], **params)
        return buffer(out)


CONSTANT = Constant()


GIVEN, OUTSIDE = "given", "outside"


class Buffer(Value):
    """An array without derivative that the differentiated function made or was given.

    NumPy cannot record a write into a plain array; a buffer turns into a traced value at the first traced write.
    `aux` says whose array it is: None for one made inside; GIVEN for an argument, which is copied at the first write;
    OUTSIDE for one that lives elsewhere: plain writes go to it, traced ones are refused.
    """

    __slots__ = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if not isinstance(self.fresh(), Buffer):
            raise escape("numpy.asarray()", AS_ARRAY)
        return np.array(self.primal, dtype=dtype)  # a copy: foreign code may keep or change it

    def snapshot(self) -> "Value":
        """A copy of an array that is not ours; of our own, the storage: no write touches it while it is held."""
        if not isinstance(self.fresh(), Buffer):
            return self.snapshot()
        return Buffer(CONSTANT, self.primal if self.aux is None else copied(self.primal))

    def __float__(self) -> float:
        return float(self.number("float()"))

    def __complex__(self) -> complex:
        return complex(self.number("complex()"))

    def number(self, what: str) -> Any:
        if not isinstance(self.fresh(), Buffer):
            raise escape(what)
        return self.primal


def buffer(x: Any) -> Any:
    """Wrap an array made inside a differentiated function."""
    if isinstance(x, np.ndarray) and x.dtype.kind in "fciub":
        return Buffer(CONSTANT, x)
    return x


def unbuffer(x: Any) -> Any:
    """The array of a buffer; anything else as it is."""
    if isinstance(x, Value):
        x.fresh()  # a view may have become traced
    return x.primal if isinstance(x, Buffer) else x


_probe = np.zeros(1)
ALONE = sys.getrefcount(_probe)  # of an array that one name holds; the call itself may count, depending on the version


def exclusive(x: Value) -> bool:
    """Whether nobody but this handle can see its storage, so that a write may reuse it.

    Whoever saved the array for the way back, or looks at it through a view, holds a reference to it.
    """
    for content in (x.primal, x.aux):
        # held by x, by the pair and by `content`
        if isinstance(content, Value):
            if sys.getrefcount(content) != ALONE + 2 or not exclusive(content):
                return False
        elif isinstance(content, np.ndarray):
            if sys.getrefcount(content) != ALONE + 2 or not owns_storage(content):
                return False
        elif content is x.primal:
            return False
    return True


def owns_storage(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.base is None and x.flags.writeable


# ---------------------------------------------------------------- dispatch (see Primitive.__call__)


def leaked(mode: Mode) -> Diagnostic:
    return Diagnostic(
        "W203",
        f"a value of a finished derivative ({mode.name}) is used",
        "it was stored outside the differentiated function (in a global, an attribute, a list or a nonlocal name), and "
        "the derivative it belongs to has ended",
        "return it from the function (has_aux=True for values beside the result), or store wg.stop_gradient(x)",
    )


def link_view(row: "Primitive", source: Any, params: dict[str, Any], out: Any) -> None:
    """Remember what `out` looks at, where NumPy returned a view."""
    if not isinstance(source, Value) or not isinstance(out, Value):
        return
    below = isinstance(out.primal, Value) and out.primal.link is not None  # the mode below says so
    if not is_array(source) or not is_array(out):
        return
    if source.link is not None and not source.link.writable:
        is_view = source.link.reaches(row, params)
    else:
        is_view = below or shares_memory(content_of(out), content_of(source))
    if is_view:
        out.link = view_of(source, (row, params))


def view_of(source: Value, *steps: "Step") -> View:
    """Some more steps on the way from the root that `source` looks at; what is read-only stays so."""
    earlier = source.link
    if earlier is None:
        return View(source, steps, source.version)
    return View(earlier.root, (*earlier.steps, *steps), earlier.root.version, earlier.writable)


def read_only(source: Any, *steps: "Step") -> Any:
    """What the steps show of an array: later writes of that too, while it refuses to be written itself.

    Whether NumPy's rows make a view on this way or copy does not matter.
    """
    out = source
    for row, params in steps:
        out = row(out, **params)
    if isinstance(source, Value) and isinstance(out, Value) and is_array(out):
        out.link = view_of(source, *steps)
        out.link.writable = False
    return out


def shares_memory(view: "np.ndarray[Any, Any]", array: Any) -> bool:
    """Whether `view` was cut from `array` (bases are walked: NumPy collapses views of views)."""
    if not isinstance(array, np.ndarray):
        return False
    base = array if array.base is None else array.base
    return view is not array and view.base is not None and (view.base is array or view.base is base)
