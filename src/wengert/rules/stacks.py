"""Stacks of matrices for functions of one matrix: SciPy's take stacks in its latest versions only."""

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.types import Shape, dtype_of, shape_of
from wengert.rules.linear import broadcast_to, zeros


def over_stack(f: Callable[..., Any], cores: tuple[int, ...], *operands: Any) -> Any:
    """f of each matrix or vector; `cores` says how many axes each operand has without its stack.

    The result has the shape of the last operand.  f is not asked where that is empty: much of SciPy refuses it.
    """
    stack = np.broadcast_shapes(*[x.shape[: x.ndim - core] for x, core in zip(operands, cores)])
    shape = (*stack, *operands[-1].shape[operands[-1].ndim - cores[-1] :])
    if 0 in shape:
        return np.zeros(shape, np.result_type(*operands, np.float32))
    if not stack:
        return f(*operands)
    full = [np.broadcast_to(x, stack + x.shape[x.ndim - core :]) for x, core in zip(operands, cores)]
    return np.stack([f(*[x[lane] for x in full]) for lane in np.ndindex(stack)]).reshape(shape)


def in_precision_of(operands: tuple[Any, ...], out: Any) -> Any:
    """Single precision for single precision, where SciPy widens."""
    single = np.result_type(*operands, np.float32) in (np.float32, np.complex64)
    return out.astype(np.complex64 if out.dtype.kind == "c" else np.float32) if single else out


def in_stack(stack: Shape, x: Any, core: int) -> Any:
    """x with the leading axes `stack`."""
    shape = shape_of(x)
    wanted = (*stack, *shape[len(shape) - core :])
    return x if shape == wanted else broadcast_to(x, shape=wanted)


def same_stack(cores: tuple[int, ...], *operands: Any) -> list[Any]:
    """All operands with the same leading axes, so that no rule needs to sum any out."""
    stack = np.broadcast_shapes(*[shape_of(x)[: len(shape_of(x)) - core] for x, core in zip(operands, cores)])
    return [in_stack(stack, x, core) for x, core in zip(operands, cores)]


def zeros_beside(x: Any, shape: Shape | None = None) -> Any:
    """Zeros that may be joined with x."""
    return zeros(shape_of(x) if shape is None else shape, dtype_of(x))
