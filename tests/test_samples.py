"""What results look like is found by evaluating rows on samples; of large operands, on shorter ones."""

import numpy as np
import pytest

import wengert as wg
from test_rows import ROWS, cases_of, identify, sample
from wengert.core.primitive import TABLE, Primitive
from wengert.ir import samples
from wengert.ir.program import type_of

# what evaluation decides: where lengths alone do, `types` says it, and views are looked at themselves
EVALUATED = [row for row in ROWS if row.types is None and not row.view and not row.elementwise]
# of rows that tests of derivatives need no examples of
CONSTANT = {
    "argsort": [(((4, 3),), {"axis": 0, "kind": None}), (((4,),), {"axis": -1, "kind": "stable"})],
    "argmax": [(((4, 3),), {"axis": 1}), (((4, 3),), {"axis": 0})],
    "reduce_any": [(((4, 3),), {"axes": (0,)}), (((4, 3),), {"axes": (0, 1)})],
    "searchsorted": [(((4,), (3, 2)), {"side": "left"})],
    "lexsort": [(((2, 3),), {"axis": 0})],
    "running_place": [(((4, 3),), {"axis": 0, "beyond": np.less})],
    "isin": [(((4, 3), (2,)), {"invert": False})],
    "order": [(((2, 3),), {"rows": 4, "inverse": True})],
}


def examples(row):
    return CONSTANT.get(row.name) or cases_of(row)


CASES = [(row, i) for row in EVALUATED for i in range(len(examples(row)))]


def enlarged(x):
    """A longer shape; of an array, one of full rank."""
    if isinstance(x, np.ndarray) and x.dtype.kind not in "fc":
        return x
    shape = tuple([n if n < 2 else 30 + 7 * n for n in getattr(x, "shape", x)])
    if not isinstance(x, np.ndarray):
        return shape
    one = np.eye(*shape[-2:]) if len(shape) > 1 else np.ones(shape)
    return np.broadcast_to(one.astype(x.dtype), shape).copy()


def large(row, i):
    shapes, params = examples(row)[i]
    return sample(row, list(map(enlarged, shapes))), {**params, **row.staged}


def looks(xs):
    return [(type_of(x), getattr(x, "strides", None)) for x in xs]


@pytest.mark.parametrize("row, i", CASES, ids=identify)
def test_short_operands_tell_what_large_ones_do(row, i, monkeypatch):
    monkeypatch.setattr(samples, "MANY", 0)
    operands, params = large(row, i)
    variable = [True] * len(operands)
    found = samples.from_shorter(row, variable, operands, params)
    if found is None:
        return
    assert looks(found) == looks(samples.evaluated(row, variable, operands, params))


def test_most_rows_are_not_evaluated_on_large_operands(monkeypatch):
    monkeypatch.setattr(samples, "MANY", 0)
    given = [(row, *large(row, i)) for row, i in CASES]
    fit = {row.name for row, xs, params in given if samples.from_shorter(row, [True] * len(xs), xs, params) is not None}
    assert len(fit) > 60 and {"matmul", "solve", "cholesky", "svd", "reduce_sum", "argsort", "einsum"} <= fit


def counted(f):
    """A row, and the sizes of what it is evaluated on."""
    sizes = []

    def evaluate(x):
        sizes.append(np.size(x))
        return f(x)

    return Primitive("counted", evaluate, register=False), sizes


OTHER_LENGTHS = [
    lambda x: x[: len(x) // 2].copy(),
    lambda x: np.concatenate([x, x]),
    lambda x: np.zeros(len(x) - 2),
    lambda x: np.zeros(len(x) * 3 // 4),
]


@pytest.mark.parametrize("f", OTHER_LENGTHS)
def test_other_lengths_are_found_by_evaluation(f, monkeypatch):
    row, sizes = counted(f)
    monkeypatch.setitem(TABLE, row.name, row)
    x = np.zeros(5000)
    (found,) = samples.samples_of(row, [True], [x], {})
    assert found.shape == f(x).shape
    assert sizes == [9, 10, 5000]


@pytest.mark.parametrize("f", [*OTHER_LENGTHS, lambda x: x[:100].copy(), lambda x: np.zeros(min(len(x), 100))])
def test_rows_of_the_user_are_evaluated_as_they_are(f):
    row, sizes = counted(f)
    x = np.zeros(5000)
    (found,) = samples.samples_of(row, [True], [x], {})
    assert found.shape == f(x).shape and sizes == [5000]


def test_a_length_in_a_parameter_is_kept(monkeypatch):
    row = Primitive("first", lambda x, *, n: x[:n].copy(), register=False)
    monkeypatch.setitem(TABLE, row.name, row)
    (found,) = samples.samples_of(row, [True], [np.zeros(5000)], {"n": 100})
    assert found.shape == (100,)


def test_errors_name_the_lengths_of_the_user():
    with pytest.raises(ValueError, match="size 3000 is different from 2999"):
        wg.jit(lambda x, y: x @ y)(np.ones((2, 2999)), np.ones((3000, 2)))


def test_staging_multiplies_no_large_matrices(monkeypatch):
    from wengert.rules.contract import matmul

    sizes = []
    evaluate = matmul.evaluate
    monkeypatch.setattr(matmul, "evaluate", lambda x, y: (sizes.append(x.size), evaluate(x, y))[1])
    wg.program(wg.value_and_grad(lambda x: np.sum(x @ x)), np.ones((301, 301)))
    assert sizes and max(sizes) < 1000
