"""Products of arrays."""

import builtins
import math
from typing import Any

import numpy as np

from wengert.core.mode import read_only
from wengert.core.types import agree, dtype_of, shape_of
from wengert.rules import contract, elementwise
from wengert.rules.names.foreign import missing
from wengert.rules.names.operands import arrayed, fills_out, no_keywords, one_axis, strong
from wengert.rules.names.reductions import sum_
from wengert.rules.names.shape import diagonal, moveaxis, ravel, reduced, reshape, transpose
from wengert.rules.names.table import in_numpy, name


@name(np.matmul)
def matmul(x1: Any, x2: Any) -> Any:
    return contract.matmul(x1, x2)


@name(np.vecdot)
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    x1, x2 = strong(x1), strong(x2)
    if not (shape_of(x1) and shape_of(x2)):
        raise ValueError("vecdot: an operand has no axes")
    x1, x2 = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)  # each by its own count of axes
    if not agree(shape_of(x1)[-1:], shape_of(x2)[-1:]):
        raise ValueError(f"vecdot: vectors of {shape_of(x1)[-1]} and {shape_of(x2)[-1]} elements")
    return sum_(conjugate(x1) * x2, -1)


@name(*in_numpy("matvec"))  # NumPy 2.2
def matvec(x1: Any, x2: Any) -> Any:
    return contract.matmul(x1, contract.column(x2))[..., 0]


@name(*in_numpy("vecmat"))  # NumPy 2.2
def vecmat(x1: Any, x2: Any) -> Any:
    return contract.matmul(contract.line(conjugate(x1)), x2)[..., 0, :]


def conjugate(x: Any) -> Any:
    return elementwise.conj(x) if dtype_of(x).kind == "c" else x


@name(np.dot)
@fills_out
def dot(a: Any, b: Any, out: Any = None) -> Any:
    a, b = strong(a), strong(b)
    ranks = len(shape_of(a)), len(shape_of(b))
    if 0 in ranks:
        return a * b
    return (
        contract.matmul(a, b)
        if ranks[0] <= 2 and ranks[1] <= 2
        else tensordot(a, b, ([-1], [-2 if ranks[1] > 1 else -1]))
    )


@name(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    a, b = ravel(a), ravel(b)
    return contract.matmul(conjugate(a), b)


@name(np.inner)
def inner(a: Any, b: Any) -> Any:
    a, b = strong(a), strong(b)
    if not (shape_of(a) and shape_of(b)):
        return a * b
    found = tensordot(a, b, ([-1], [-1]))
    return reduced(found, shape_of(found))


@name(np.outer)
@fills_out
def outer(a: Any, b: Any, out: Any = None) -> Any:
    return reshape(a, (-1, 1)) * reshape(b, (1, -1))


@name(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = arrayed(a), arrayed(b)
    n, m = len(shape_of(a)), len(shape_of(b))
    if isinstance(axes, int | np.integer):
        axes = (tuple(range(n - axes, n)), tuple(range(axes)))
    left, right = [
        [one_axis(i, rank) for i in (x if isinstance(x, tuple | list) else (x,))] for x, rank in zip(axes, (n, m))
    ]
    if not agree(tuple(shape_of(a)[i] for i in left), tuple(shape_of(b)[i] for i in right)):
        raise ValueError("shape-mismatch for sum")
    free_a, free_b = [i for i in range(n) if i not in left], [i for i in range(m) if i not in right]
    inner_size = math.prod(shape_of(a)[i] for i in left)
    flat_a = reshape(transpose(a, (*free_a, *left)), (math.prod(shape_of(a)[i] for i in free_a), inner_size))
    flat_b = reshape(transpose(b, (*right, *free_b)), (inner_size, math.prod(shape_of(b)[i] for i in free_b)))
    return reshape(contract.matmul(flat_a, flat_b), [shape_of(a)[i] for i in free_a] + [shape_of(b)[i] for i in free_b])


@name(np.einsum)
@fills_out
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **options: Any) -> Any:
    no_keywords("numpy.einsum", **options)
    if not isinstance(operands[0], str):
        raise missing("numpy.einsum (operands with sublists; write the subscripts as a string)", operands)
    arrays = [arrayed(x) for x in operands[1:]]
    inputs, output = explicit_spec(operands[0].replace(" ", ""), [len(shape_of(x)) for x in arrays])
    for i, term in enumerate(inputs):
        for label in sorted(set(term)):
            while inputs[i].count(label) > 1:
                arrays[i], inputs[i] = take_diagonal(arrays[i], inputs[i], label)
    params = {"spec": f"{','.join(inputs)}->{output}", "optimize": optimize}
    if len(arrays) == 1 and set(output) == set(inputs[0]):
        return read_only(arrays[0], (contract.einsum, params))
    return contract.einsum(*arrays, **params)


def explicit_spec(spec: str, ranks: list[int]) -> tuple[list[str], str]:
    """Labels for an ellipsis, and the output that NumPy would choose."""
    left, arrow, output = spec.partition("->")
    inputs = left.split(",")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in spec]
    depth = builtins.max([rank - len(term) + 3 for term, rank in zip(inputs, ranks) if "..." in term], default=0)
    dots = "".join(free[:depth])
    inputs = [
        t.replace("...", dots[depth - (rank - len(t) + 3) :]) if "..." in t else t for t, rank in zip(inputs, ranks)
    ]
    if not arrow:
        every = "".join(inputs)
        output = dots + "".join(c for c in sorted(set(every)) if every.count(c) == 1 and c not in dots)
    return inputs, output.replace("...", dots)


def take_diagonal(x: Any, term: str, label: str) -> tuple[Any, str]:
    first = term.index(label)
    second = term.index(label, first + 1)
    n, m = shape_of(x)[first], shape_of(x)[second]
    if not agree((n,), (m,)):
        raise ValueError(f"dimensions in operand for collapsing index '{label}' don't match ({n} != {m})")
    rest = [i for i in range(len(term)) if i not in (first, second)]
    return diagonal(x, 0, first, second), "".join(term[i] for i in rest) + label
