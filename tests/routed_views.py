"""Views and aliases as NumPy has them: every function takes x of shape (3, 4), may write into it, and returns numbers.

Each is also a statement about NumPy: whether a name is the same array, a view, or a copy.
"""

import copy

import numpy as np

VIEWS = []


def view(f):
    VIEWS.append(f)
    return f


def on_three_kinds(write):
    """The same writes on the argument, on an array made inside, and on one that becomes traced by an earlier write."""

    def argument(x):
        return write(x, x)

    def made_inside(x):
        a = np.arange(12.0).reshape(3, 4).copy()
        return write(a, x) + a * x

    def traced_earlier(x):
        a = np.ones((3, 4))
        a[1, 2] = x[0, 0]
        return write(a, x) * a

    for f in (argument, made_inside, traced_earlier):
        f.__name__ = f.__qualname__ = f"{write.__name__}-{f.__name__}"
        VIEWS.append(f)
    return write


# ---------------------------------------------------------------- views: a write reaches the array


@on_three_kinds
def transposed(a, x):
    t = a.T
    t[0, 1] = x[0, 0] * x[1, 1]
    a.T[2] *= 2.0
    np.transpose(a)[3] = x[2, 3]
    a.swapaxes(0, 1)[1, 0] += 1.0
    np.moveaxis(a, 0, -1)[0, 2] = 5.0
    return a * t.T


@on_three_kinds
def reshaped(a, x):
    flat = a.reshape(-1)
    flat[1:3] = x[0, :2] ** 2
    a.reshape(2, 6)[1, 0] = 7.0
    np.reshape(a, (4, 3))[3] *= x[1, 1]
    a.ravel()[0] -= x[2, 0]
    np.ravel(a)[-1] = 0.5
    return a + flat.reshape(3, 4)


@on_three_kinds
def reshaped_copies(a, x):
    """What is not contiguous is copied."""
    copied = a.T.reshape(-1)
    copied[0] = x[1, 1]
    a[:, ::2].ravel()[:] = 9.0
    a.T.ravel()[0] = 9.0
    a.flatten()[1] = x[0, 0]
    return a * np.sum(copied)


@on_three_kinds
def slices_of_slices(a, x):
    part = a[1:]
    inner = part[:, 1:3]
    inner[0] = x[0, :2]
    part[1][::2][1] *= 3.0
    a[:][::-1][0, 0] = x[1, 0] * inner[0, 0]
    inner[...] += 0.5
    return a * part.sum() + inner[1, 1]


@on_three_kinds
def flipped(a, x):
    np.flip(a)[0, 0] = x[0, 0]
    np.flip(a, 1)[1] *= x[1]
    a[::-1, ::-1][2, 2] = 4.0
    backwards = a[0, ::-1]
    backwards[:2] += x[2, :2]
    return a * backwards[0]


@on_three_kinds
def axes_of_length_one(a, x):
    np.expand_dims(a, 0)[0, 1] = x[0]
    a[None, :, None][0, 2, 0, 1] = x[1, 1]
    a[:, np.newaxis].squeeze()[0, 3] *= 2.0
    np.squeeze(a[:1])[1] = x[2, 2]
    np.atleast_2d(a[0])[0, 2] = 3.0
    return a * 2.0


@on_three_kinds
def diagonal_and_broadcast_views_are_read_only(a, x):
    refused = 0
    for read_only in (np.broadcast_to(a, (2, 3, 4)), np.diagonal(a)):
        try:
            read_only[0] = x[0, 0]
        except ValueError:
            refused += 1
    return a * refused


@on_three_kinds
def flat_iterator(a, x):
    a.flat[2] = x[0, 0]
    a.flat[[5, 6]] = x[1, :2] * 2.0
    a.flat[8:10] *= 2.0
    total = sum(v for v in a.flat) + len(a.flat)
    a.flat[0] = x[2, 2] * total
    return a * x


@on_three_kinds
def flat_as_a_whole(a, x):
    a.flat = x.T * 2.0
    a[0].flat = 1.5
    return a * x


@on_three_kinds
def same_array_under_several_names(a, x):
    b = c = a
    d = np.asarray(a)
    b[0] = x[0] ** 2
    c += 1.0
    d[1, 1] = x[2, 2]
    a[...] *= 2.0
    e = a[...]
    e[2] = 0.25
    f = a[()]
    f[0, 0] -= x[1, 0]
    return a * b + c * d


@on_three_kinds
def augmented_assignment_on_views(a, x):
    row, column = a[1], a[:, 2]
    row += x[0]
    column *= x[:, 0]
    a[0] -= row
    a[:, 0] /= 2.0 + column**2
    row **= 2
    a[1:, 1:] += a[:-1, :-1]
    np.add(row, x[2], out=row)
    return a * row


@on_three_kinds
def augmented_assignment_rebinds_numbers(a, x):
    value = a[0, 0]
    value += x[1, 1]
    value *= 2.0
    sums = a.sum(axis=0)
    sums += x[0]
    return a * value + sums


@on_three_kinds
def rows_of_a_loop(a, x):
    for row in a:
        row *= 2.0
    for i, row in enumerate(a.T):
        row[0] = x[0, i] ** 2
    first, *_, last = a
    first[1] = last[1] * x[1, 1]
    rows = list(a)
    rows[1][2] = x[2, 2]
    for left, right in zip(a, a[1:]):
        right += left
    return a * 1.0


@on_three_kinds
def swapped_rows(a, x):
    a[[0, 1]] = a[[1, 0]] * x[:2]
    a[0], a[2] = a[2].copy(), a[0].copy()
    a[1], a[2] = a[2], a[1]  # views: both become what row 2 was
    a[:, 0], a[:, 1] = a[:, 1] * x[:, 0], a[:, 0] * 2.0
    return a


@on_three_kinds
def overlapping_parts(a, x):
    a[1:] = a[:-1] * x[1:]
    a[:, 1:] = a[:, :-1]
    a[::-1] = a
    a[0, 1:] += a[0, :-1]
    return a


@on_three_kinds
def a_view_taken_before_the_array_changes(a, x):
    row, block, t = a[1], a[:2, :2], a.T
    a *= x
    a[1, 1] = 3.0
    return (np.sum(row) * block[1, 1] * t).T


@on_three_kinds
def views_in_containers(a, x):
    parts = {"top": a[0], "rest": [a[1:], a[:, 3]]}
    parts["top"][:] = x[1]
    parts["rest"][0][0] *= parts["rest"][1][0]
    parts["rest"][1] += x[:, 0]
    return a


def scale_in_place(part, by):
    part *= by
    part[0] = by * 2.0


@on_three_kinds
def views_passed_to_functions(a, x):
    scale_in_place(a[1], x[0, 0])
    scale_in_place(a[:, 2], x[1, 1])
    scale_in_place(a.reshape(-1)[::5], 0.5)
    return a


# ---------------------------------------------------------------- copies: a write does not reach the array


@on_three_kinds
def copies(a, x):
    pieces = [a.copy(), np.copy(a), np.array(a), copy.copy(a), copy.deepcopy(a), a + 0.0, np.positive(a), a.flatten()]
    pieces += [
        a[[0, 1]],
        a[a > 0.0],
        a[:, [1, 2]],
        a.astype(float),
        np.concatenate([a]),
        np.stack([a]),
        np.where(True, a, 0.0),
    ]
    pieces += [
        a[1].copy(),
        np.abs(a),
        np.maximum(a, a),
        np.round(a, 3),
        np.clip(a, -9.0, 9.0),
        np.cumsum(a, axis=1),
        a * 1,
    ]
    pieces += [np.sum(a, axis=()), a.sum(axis=0, keepdims=True), a.T.reshape(-1), np.full_like(a, 2.0) * a]
    for piece in pieces:
        piece[0] = x[0, 0]
        piece += 1.0
    return a * sum(np.sum(piece) for piece in pieces)


@on_three_kinds
def a_plus_sign_copies(a, x):
    b = +a
    b[0] = x[0, 0]
    b += 1.0
    return a * b


@on_three_kinds
def reductions_over_no_axis_copy(a, x):
    for reduction in (np.sum, np.prod, np.max, np.mean):
        b = reduction(a, axis=())
        b[0] = x[0, 0]
    return a * b


@on_three_kinds
def conversions_that_need_no_copy_are_aliases(a, x):
    np.asarray(a, dtype=float)[1, 0] = 2.0
    np.array(a, copy=False)[1, 1] *= x[1, 1]
    np.asanyarray(a)[2, 1] = 3.0
    np.ascontiguousarray(a)[2, 2] = x[0, 0]
    np.real(a)[2, 3] = x[0, 3]
    a.real[0, 0] = 4.0
    return a * x


@on_three_kinds
def astype_without_copy_is_an_alias(a, x):
    a.astype(float, copy=False)[0] = x[1]
    a.astype(float)[1] = 9.0
    return a * x


@on_three_kinds
def fancy_parts_are_copies(a, x):
    picked = a[[0, 2]]
    picked[0] = 5.0
    masked = a[a[:, 0] > -9.0]
    masked *= 2.0
    a[[0, 1]][0] = 7.0
    a[a > -9.0][0] = 7.0
    a[[0, 2], 1:3] *= x[0, 0]  # but this writes back
    a[a > 1.5] -= x[1, 1]
    return a * np.sum(picked) + np.sum(masked)


@on_three_kinds
def snapshots_keep_their_values(a, x):
    before = a * 1.0
    numbers = [a[0, 0], a[1, 1] * 2.0, a.sum()]
    a[...] = x**2
    a[0, 0] = 3.0
    return before * numbers[0] + numbers[1] * a + numbers[2]


# ---------------------------------------------------------------- complex parts, dtypes, errors


@view
def real_and_imaginary_parts(x):
    z = np.zeros((3, 4), complex)
    z.real = x
    z.imag = x[::-1] * 2.0
    z.real *= 0.5
    z[2].imag = 0.25
    return np.abs(z * z + z.conj()) + z.real


@view
def writes_into_real_and_imaginary_parts(x):
    z = np.zeros((3, 4), complex)
    real = z.real
    z.real[0] = x[1] ** 2
    z.imag = z.imag + x[0, 0]
    np.real(z)[2] = x[2]
    z[1] = x[0]
    return np.abs(z * z) + real


@view
def writes_convert(x):
    whole, narrow = np.zeros((3, 4), int), np.zeros((3, 4), np.float32)
    whole[...] = 0.3 * x + 1.4
    whole[0] += 2
    narrow[0] = np.floor(x[0] + 0.25)
    narrow[1] = 2
    return x * whole + narrow


@view
def writes_broadcast_and_refuse_what_does_not_fit(x):
    a = np.zeros((3, 4))
    a[:] = x[0]
    a[:, 1:] = x[:, :1]
    a[1] = [x[0, 0], 1, 2.0, x[1, 1]]
    a[2, 1:3] = x[0, 0]
    a[:, :, None][..., 0] += 1.0
    caught = 0
    for index, value in (((0,), x[:, 0]), ((5,), x[0]), ((slice(None), 9), 1.0), ((slice(2), [0, 1, 2, 9]), x[:2])):
        try:
            a[index] = value
        except (ValueError, IndexError):
            caught += 1
    return a * caught


@view
def repeated_indices_keep_the_last(x):
    a = np.zeros(4)
    a[[0, 1, 0]] = x[0, :3]
    a[[2, 2]] += x[1, :2]
    a[np.array([[3, 3], [3, 1]])] = x[1:, :2]
    return a


@view
def empty_writes(x):
    a = np.ones((3, 4))
    a[3:] = x[3:]
    a[[]] = x[0]
    a[a > 9.0] = x[0, 0]
    a[:, :0] *= x[:, :0]
    return a * x


@view
def zero_dimensional_arrays(x):
    a = np.zeros(())
    a[...] = x[0, 0]
    a[()] += x[1, 1]
    b = np.array(2.0)
    b *= x[0, 1]
    b += a
    c = np.array(x[2, 2])
    c -= 1.0
    return x * a + b * c


@view
def python_numbers_are_bound_anew(x):
    total = alias = x[0, 0]
    total += 1.0
    total *= x[1, 1]
    return x * total + alias


@view
def the_result_is_a_view(x):
    a = np.zeros((3, 4))
    a[1] = x[0]
    return a.T[::-1, 1:]


@view
def the_argument_is_written(x):
    x[0] = 1.0
    x += x[1]
    x[x > 1.5] = 0.5
    x[:, 0] = x[:, 1] * x[2, 2]
    return x
