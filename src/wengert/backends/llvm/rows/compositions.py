"""Rows whose `evaluate` is a composition of others: it is run once on the values of a program, which is then called."""

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.backends.llvm.call import Unsupported
from wengert.backends.llvm.frame import Frame
from wengert.backends.llvm.lower import lowers
from wengert.backends.llvm.rows.calls import calling
from wengert.core.diagnostic import Diagnostic
from wengert.core.tree import flatten
from wengert.ir.program import Equation, Program, filled_params, type_in
from wengert.modes.stage import NeedsValue
from wengert.rules.degenerate import adjoint, resolution
from wengert.transforms.build import build, optimised


def pseudoinverse(a: Any, *, rcond: Any, hermitian: bool) -> Any:
    """As np.linalg.pinv has it."""
    if 0 in a.shape[-2:]:
        return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    u, s, vt = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    large = s > np.asarray(rcond)[..., None] * np.max(s, axis=-1, keepdims=True, initial=0.0)
    inverse = np.where(large, 1 / np.where(large, s, 1), 0)
    return adjoint(vt) @ (inverse[..., None] * adjoint(u))


def hermitian_svd(a: Any, *, full: bool, hermitian: bool) -> Any:
    """As np.linalg.svd has it, from eigenvalues."""
    w, u = np.linalg.eigh(a)
    order = np.argsort(np.abs(w), axis=-1)[..., ::-1]
    w, u = np.take_along_axis(w, order, axis=-1), np.take_along_axis(u, order[..., None, :], axis=-1)
    return u, np.abs(w), adjoint(u * np.copysign(1.0, w)[..., None, :])


def hermitian_svdvals(a: Any, *, hermitian: bool) -> Any:
    return np.sort(np.abs(np.linalg.eigvalsh(a)), axis=-1)[..., ::-1]


def matrix_rank(a: Any, *, tol: Any, hermitian: bool, rtol: Any) -> Any:
    """As np.linalg.matrix_rank has it."""
    s = np.linalg.svd(a, compute_uv=False, hermitian=hermitian)
    if tol is None:
        rtol = max(a.shape[-2:]) * np.finfo(s.dtype).eps if rtol is None else np.asarray(rtol)[..., None]
        tol = np.max(s, axis=-1, keepdims=True, initial=0.0) * rtol
    else:
        tol = np.asarray(tol)[..., None]
    return np.sum((s > tol).astype(np.intp), axis=-1)


def is_in(x: Any, known: Any, *, invert: bool) -> Any:
    found = np.any(x[..., None] == np.reshape(known, -1), axis=-1)
    return ~found if invert else found


def scattered_ties(w: Any, v: Any, *, n: int, close: bool) -> Any:
    """As `rules/eigenvalues.py` has it: what is equal to equal ones, in so many steps as there may be."""
    limit = resolution(n, w.dtype) * np.max(np.abs(w), axis=-1, initial=0)
    if close and n:
        s = np.linalg.svd(v, compute_uv=False)
        limit = limit * s[..., 0] / np.maximum(s[..., -1], np.finfo(s.dtype).tiny)
    equal = np.abs(w[..., :, None] - w[..., None, :]) <= limit[..., None, None]
    for _ in range(n.bit_length()):
        equal = equal @ equal
    return (equal / np.sum(equal, axis=-1, keepdims=True)).astype(w.real.dtype)


# by functions of NumPy that are rows themselves, or make choices that a program cannot
WRITTEN: dict[str, Callable[..., Any]] = {
    "svd": hermitian_svd,
    "svdvals": hermitian_svdvals,
    "pinv": pseudoinverse,
    "matrix_rank": matrix_rank,
    "isin": is_in,
    "scattered_ties": scattered_ties,
    "exchange": lambda order, *, dtype: (order[..., None] == np.arange(order.shape[-1])).astype(dtype),
}

# by their own `evaluate`
AS_EVALUATED = (
    *("anchor", "ties", "negligible", "repeated", "without_basis", "nearest", "cuts_off", "dependent", "magnitude"),
    *("elliptic_by_m", "gammainc_by_shape", "betainc_by_shape", "cofactor_dot"),
)


@lowers(*WRITTEN, *AS_EVALUATED)  # the first two where a matrix is said to be hermitian: see library.py
def composed(frame: Frame, e: Equation) -> Any:
    found = calling(frame, e, program_of(e), recursive=False)
    return found if e.row.several else found[0]


@lowers("with_adjoint", "with_adjoint_and_effects")
def with_adjoint(frame: Frame, e: Equation) -> list[Any]:
    """A function whose derivative was edited: its value is that of its program."""
    return calling(frame, e, e.params["rule"].program, recursive=False)


def program_of(e: Equation) -> Program:
    """The row as a program of its operands, and of what fills the holes of its parameters."""
    evaluate = WRITTEN.get(e.row.name, e.row.evaluate)
    types = [type_in(x) for x in e.ins]
    try:
        body = lambda stage, xs: flatten(evaluate(*xs[: e.count], **filled_params(e, xs)))[0]
        program = build(e.row.name, types, [f"x{i}" for i in range(len(types))], body)
    except (NeedsValue, Diagnostic) as problem:
        raise Unsupported(f"`{e.row.name}` makes choices that depend on numbers") from problem
    program = optimised(program)
    if any(other.row is e.row for other in program.equations):
        raise Unsupported(f"`{e.row.name}` is no composition of other rows")
    if [type_in(x) for x in program.results] != [o.type for o in e.outs]:
        raise Unsupported(f"`{e.row.name}` as a composition has results of other types")
    return program
