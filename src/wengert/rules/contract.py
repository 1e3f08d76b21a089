"""Products of arrays."""

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive as row
from wengert.core.types import Shape, shape_of
from wengert.rules.indexing import align
from wengert.rules.linear import broadcast_to, flip, reshape, swap_last, unbroadcast

# ---------------------------------------------------------------- matmul


def column(x: Any) -> Any:
    return reshape(x, shape=(*shape_of(x), 1))


def line(x: Any) -> Any:
    shape = shape_of(x)
    return reshape(x, shape=(*shape[:-1], 1, shape[-1]))


def matmul_left(ct: Any, x_shape: Shape, y: Any) -> Any:
    """x_bar = ct yᵀ, with vectors as NumPy treats them."""
    if len(shape_of(y)) == 1:
        return ct * y if len(x_shape) == 1 else unbroadcast(column(ct) * y, x_shape)
    if len(x_shape) == 1:
        return unbroadcast(matmul(y, column(ct))[..., 0] if shape_of(y)[2:] else matmul(y, ct), x_shape)
    return unbroadcast(matmul(ct, swap_last(y)), x_shape)


def matmul_right(ct: Any, x: Any, y_shape: Shape) -> Any:
    """y_bar = xᵀ ct."""
    if len(shape_of(x)) == 1:
        return ct * x if len(y_shape) == 1 else unbroadcast(column(x) * line(ct), y_shape)
    if len(y_shape) == 1:
        return unbroadcast(matmul(line(ct), x)[..., 0, :] if shape_of(x)[2:] else matmul(ct, x), y_shape)
    return unbroadcast(matmul(swap_last(x), ct), y_shape)


def matmul_batch(size: int, batched: Any, operands: Any) -> Any:
    (x, y), (x_batched, y_batched) = operands, batched
    x_rank, y_rank = len(shape_of(x)) - x_batched, len(shape_of(y)) - y_batched
    if x_rank == 1 and not y_batched and y_rank == 2:
        return matmul(x, y)
    x = line(x) if x_rank == 1 else x
    y = column(y) if y_rank == 1 else y
    rank = max(x_rank, y_rank, 2)
    out = matmul(align(x, rank) if x_batched else x, align(y, rank) if y_batched else y)
    shape = shape_of(out)
    shape = shape[:-1] if y_rank == 1 else shape
    shape = (
        (*shape[: len(shape) - 2 + (y_rank == 1)], *shape[len(shape) - 1 + (y_rank == 1) :]) if x_rank == 1 else shape
    )
    return out if shape == shape_of(out) else reshape(out, shape=shape)


matmul = row(
    "matmul",
    np.matmul,
    transposes=(matmul_left, matmul_right),
    multilinear=True,
    batch=matmul_batch,
    examples=[
        (((2, 3), (3, 4)), {}),
        (((3,), (3,)), {}),
        (((2, 3), (3,)), {}),
        (((3,), (3, 2)), {}),
        (((5, 2, 3), (3, 4)), {}),
        (((2, 3), (5, 3, 4)), {}),
        (((3,), (5, 3, 4)), {}),
        (((5, 2, 3), (3,)), {}),
        (((0, 3), (3, 2)), {}),
    ],
)

# ---------------------------------------------------------------- convolution


def convolve_left(ct: Any, y: Any, mode: str) -> Any:
    """From out_k = sum_i x_i y_(k-i):  x_bar_i = sum_k ct_k y_(k-i); the transpose of `full` is `valid`."""
    return convolve(ct, flip(y, axes=(0,)), mode="valid" if mode == "full" else "full")


def convolve_right(ct: Any, x: Any, mode: str) -> Any:
    """For `valid`, out_k = sum_i x_(k+m-1-i) y_i:  y_bar_i = sum_k ct_k x_(k+m-1-i)."""
    if mode == "full":
        return convolve(ct, flip(x, axes=(0,)), mode="valid")
    return flip(convolve(x, flip(ct, axes=(0,)), mode="valid"), axes=(0,))


# for `valid`, x is not shorter than y: NumPy would exchange them
convolve = row(
    "convolve",
    lambda x, y, *, mode: np.convolve(x, y, mode),
    transposes=(convolve_left, convolve_right),
    multilinear=True,
    absent={"batch": "NumPy convolves one pair at a time, and so do the lanes"},
    examples=[
        (((4,), (2,)), {"mode": "full"}),
        (((4,), (2,)), {"mode": "valid"}),
        (((3,), (3,)), {"mode": "valid"}),
        (((2,), (3,)), {"mode": "full"}),
    ],
)

# ---------------------------------------------------------------- einsum


def split_spec(spec: str) -> tuple[list[str], str]:
    inputs, output = spec.split("->")
    return inputs.split(","), output


def einsum_push(xs: Any, xs_dot: Any, spec: str, optimize: Any) -> Any:
    total = None
    for i, t in enumerate(xs_dot):
        if t is not None:
            term = einsum(*xs[:i], t, *xs[i + 1 :], spec=spec, optimize=optimize)
            total = term if total is None else total + term
    return total


def einsum_pull(ct: Any, xs: Any, traced: tuple[bool, ...], spec: str, optimize: Any) -> tuple[Any, ...]:
    inputs, output = split_spec(spec)
    return tuple(
        einsum_operand(ct, xs, i, inputs, output, optimize) if wanted else None for i, wanted in enumerate(traced)
    )


def einsum_operand(ct: Any, xs: Any, i: int, inputs: list[str], output: str, optimize: Any) -> Any:
    """Exchange the roles of operand i and the result; labels that only operand i has are spread out again."""
    others = [*inputs[:i], *inputs[i + 1 :]]
    known = {label for term in (output, *others) for label in term}
    wanted = "".join(label for label in inputs[i] if label in known)
    out = einsum(ct, *xs[:i], *xs[i + 1 :], spec=f"{','.join([output, *others])}->{wanted}", optimize=optimize)
    if wanted == inputs[i]:
        return out
    sizes = dict(zip(inputs[i], shape_of(xs[i])))
    spread = reshape(out, shape=tuple(sizes[label] if label in known else 1 for label in inputs[i]))
    return broadcast_to(spread, shape=shape_of(xs[i]))


def einsum_batch(size: int, batched: Any, operands: Any, *, spec: str, optimize: Any) -> Any:
    inputs, output = split_spec(spec)
    used = set(spec)
    label = next(c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in used)
    inputs = [label + term if b else term for term, b in zip(inputs, batched)]
    return einsum(*operands, spec=f"{','.join(inputs)}->{label}{output}", optimize=optimize)


# no operand repeats a label and the output is explicit: names.py sees to both
einsum = row(
    "einsum",
    lambda *xs, spec, optimize: np.einsum(spec, *xs, optimize=optimize),
    push=einsum_push,
    pull=einsum_pull,
    batch=einsum_batch,
    examples=[
        (((2, 3), (3, 4)), {"spec": "ij,jk->ik", "optimize": False}),
        (((2, 3), (3,), (2,)), {"spec": "ij,j,i->", "optimize": False}),
        (((2, 3),), {"spec": "ij->j", "optimize": False}),
        (((2, 3), (2, 4)), {"spec": "ij,ik->k", "optimize": False}),
    ],
)
