"""The dynamic-graph habit: tensors that record what happens to them, `backward()`, and gradients that add up."""

import contextlib
import contextvars
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.mode import Buffer, Value, escape, plain
from wengert.core.types import dtype_of, shape_of
from wengert.modes.reverse import Leaf, Node, Reverse, Sweep

_recording = contextvars.ContextVar("recording", default=True)


class no_grad(contextlib.ContextDecorator):
    """Inside, nothing is recorded, and leaf tensors may be written: for parameter updates and predictions.

    >>> import wengert as wg
    >>> w = wg.Tensor([1.0, 2.0], requires_grad=True)
    >>> with wg.no_grad():
    ...     w -= 0.5
    >>> w
    Tensor([0.5, 1.5], requires_grad=True)
    """

    def __init__(self) -> None:
        self._tokens: list[contextvars.Token[bool]] = []  # a decorated function may call itself

    def __enter__(self) -> None:
        self._tokens.append(_recording.set(False))

    def __exit__(self, *error: object) -> None:
        _recording.reset(self._tokens.pop())


class Ground(Reverse):
    """The outermost level of reverse mode: it never ends, and what it returns are tensors."""

    name = "tensor"
    outlives_call = lasts = True

    def __init__(self) -> None:
        self.level = 0
        self.finished = False

    def node(self, mode: Reverse, primal: Any, record: Any) -> "Tensor":  # type: ignore[override]
        return tensor_of(primal, record)

    def recording(self) -> bool:
        return _recording.get()

    def constant(self, out: Any) -> Any:
        return out

    def untraced(self, out: Any) -> Any:
        return tuple([tensor_of(o, None) for o in out]) if type(out) is tuple else tensor_of(out, None)

    def before_write(self, x: Value) -> None:
        root = x if x.link is None else x.link.root
        if isinstance(root.aux, Leaf) and _recording.get():
            raise Diagnostic(
                "W205",
                "a tensor with requires_grad=True is written in place",
                "its gradient belongs to the value it was made with",
                "write inside `with wg.no_grad():` (parameter updates), or into a copy (`y = x * 1.0`)",
            )


GROUND = Ground()


def tensor_of(primal: Any, record: Any) -> "Tensor":
    new: Tensor = object.__new__(Tensor)
    new.mode, new.primal, new.aux, new.link = GROUND, primal, record, None
    return new


class Tensor(Node):
    """An array whose operations are recorded, for `backward()`.

    data           anything that NumPy reads as an array; copied.  Floats stay in their dtype.
    requires_grad  whether `grad` is wanted for it; needs floating-point or complex data (Diagnostic W102).

    All NumPy functions, operators, methods, indexing and in-place writes work on it.

    >>> import numpy as np
    >>> import wengert as wg
    >>> w = wg.Tensor([1.0, 2.0], requires_grad=True)
    >>> loss = np.sum(w**2) * w[0]
    >>> loss.backward()
    >>> w.grad
    array([7., 4.])
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        if isinstance(data, Value) and not isinstance(data.fresh(), Buffer | Tensor):
            raise escape("wg.Tensor()", "use the value itself: tensors are for the outermost level")
        content = np.array(plain(data))
        if requires_grad and content.dtype.kind not in "fc":
            raise Diagnostic(
                "W102",
                f"a tensor of dtype {content.dtype} has no derivative",
                "only floating-point and complex values vary continuously",
                "pass 3.0 for 3, or an array with dtype=float",
            )
        super().__init__(GROUND, content, Leaf() if requires_grad else None)

    @property
    def requires_grad(self) -> bool:
        return self.fresh().aux is not None

    @property
    def grad(self) -> Any:
        """The sum of what all `backward()` calls brought, a plain array; None before the first."""
        return self.aux.grad if isinstance(self.aux, Leaf) else None

    @grad.setter
    def grad(self, value: Any) -> None:
        if isinstance(self.aux, Leaf):
            self.aux.grad = value

    def backward(self, seed: Any = None, retain_graph: bool = False) -> None:
        """Add the derivative of this value to `grad` of every tensor with requires_grad=True that it depends on.

        seed          the cotangent, of the shape of the tensor; may be left out for a real scalar.
        retain_graph  keep the record, so that a second call is possible; otherwise it raises Diagnostic W206.
        Raises Diagnostic W104 where it depends on no such tensor, W101 and W401 for a missing or wrong seed.
        """
        record = self.fresh().aux
        if record is None:
            raise Diagnostic(
                "W104",
                "`backward` on a value that depends on no tensor with requires_grad=True",
                "it was computed from constants only, inside no_grad(), or after detach()",
                "create the parameters with wg.Tensor(x, requires_grad=True)",
            )
        for leaf, ct in Sweep(keep=retain_graph).run([(record, self.seed(seed))]).items():
            if isinstance(leaf, Leaf):
                leaf.grad = np.array(plain(ct)) if leaf.grad is None else leaf.grad + plain(ct)

    def seed(self, seed: Any) -> Any:
        shape, dtype = shape_of(self.primal), dtype_of(self.primal)
        if seed is None and (shape != () or dtype.kind == "c"):
            raise Diagnostic(
                "W101",
                f"`backward` without a seed, on a {'complex ' if dtype.kind == 'c' else ''}tensor of shape {shape}",
                "a gradient is the derivative of one real number",
                "reduce it to a scalar first (for example .sum()), or pass backward(seed) with its shape",
            )
        seed = np.ones(shape, dtype) if seed is None else np.asarray(plain(seed), dtype)
        if seed.shape != shape:
            raise Diagnostic(
                "W401",
                f"the seed of `backward` has shape {seed.shape} for {shape}",
                "a derivative is multiplied by its seed entry by entry",
                f"pass a seed of shape {shape}",
            )
        return seed[()]

    def become(self, other: Any) -> None:
        """A leaf that is written (inside no_grad) stays a leaf."""
        if isinstance(self.aux, Leaf):
            self.primal = np.array(plain(other), dtype_of(self.primal))
        else:
            super().become(other)

    def detach(self) -> "Tensor":
        """The same value as a constant."""
        return tensor_of(self.fresh().primal, None)

    def item(self, *index: int) -> Any:
        """One element as a Python number."""
        return np.asarray(self.fresh().primal).item(*index)

    def numpy(self) -> Any:
        """A plain copy of the array."""
        return np.array(self.fresh().primal)

    def tolist(self) -> Any:
        return self.numpy().tolist()

    def __float__(self) -> float:
        return super().__float__() if self.requires_grad else float(self.primal)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return super().__array__() if self.requires_grad else np.array(self.primal, dtype=dtype)

    def __repr__(self) -> str:
        text = np.array2string(np.asarray(self.fresh().primal), separator=", ", prefix="Tensor(")
        return f"Tensor({text}{', requires_grad=True' if self.requires_grad else ''})"

    __str__ = __repr__
