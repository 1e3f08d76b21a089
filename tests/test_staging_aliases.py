"""Names that take turns with arrays in loops: as Python does it, or refused, since one write may miss a name."""

import numpy as np
import pytest

import wengert as wg
from staging import agree, cases

X = np.array([0.5, 1.0, -0.7, 1.3, 0.2])

case, each_case = cases()
refused, each_refused = cases()

# ---------------------------------------------------------------- what is written has one name by then


@case(X, 3)
def read_before_the_write(x, n):
    old, change = x, 0.0
    for _ in range(n):
        change += np.sum(np.abs(x - old))
        x[:] = 0.5 * x + 0.1
        old = x.copy()
    return change


@case(X, 3)
def rebound_before_the_write(x, n):
    p = x
    for _ in range(n):
        p = p * 2
        x[0] = 3.0
    return np.sum(p)


@case(X, 3)
def view_of_what_the_iteration_wrote(x, n):
    a, total = np.outer(x, x), x[0]
    row = x
    for i in range(n):
        a[i] = a[i] + row
        row = a[i]
        total += np.sum(row)
    return total * row[0]


@case(X, 3)
def view_of_what_a_branch_wrote(x, n):
    a = np.outer(x, x)
    row, first = x, a[0]
    if x[n] > 0.0:
        a[0] = 2.0 * row
        row = a[0]
    else:
        first = -row
    return np.sum(row * first)


@case(X, 3)
def view_that_only_one_way_rebinds(x, n):
    a = np.outer(x, x)
    row = a[0]
    while np.sum(row) < 1.0:
        if a[1, 1] < 3.0:
            a = 1.5 * a
            row = np.stack([row, a[1]])[1]
    return np.sum(row * a[0])


@case(X, 3)
def rebound_in_an_inner_loop_before_the_write(x, n):
    p = x
    for _ in range(n):
        for _ in range(2):
            p = p * 2
            x[0] = 3.0
    return np.sum(p)


@case(X, 3)
def two_buffers(x, n):
    old, new = x.copy(), x.copy()
    for _ in range(n):
        new[1:-1] = 0.5 * (old[2:] + old[:-2])
        old, new = new, old
    return np.sum(old) + 3 * np.sum(new)


@case(X, 3)
def state_in_a_dictionary(x, n):
    w = {"u": x.copy(), "v": np.zeros(5)}
    for _ in range(n):
        w = {"u": w["u"] + 0.1 * w["v"], "v": w["v"] - w["u"]}
    w["u"][0] = 1.0
    return np.sum(w["u"] * w["v"])


@case(X)
def views_take_turns(x):
    y = np.zeros((2, 5))
    now, new = y[0], y[1]
    now[:] = x
    for _ in range(3):
        new[:] = now * 2
        now, new = new, now
    return y.sum()


@case(X)
def last_view_written(x):
    y = np.stack([x, x])
    row = y[0]
    for i in range(2):
        row = y[i]
        row[0] = 3.0
    row[1] = 4.0
    return y.sum()


@case(X, 3)
def view_written_in_a_branch_and_bound_after_it(x, n):
    a = np.outer(x, x)
    row = a[0]
    for i in range(n):
        if x[i] > 0.0:
            row += x
        row = a[i]
        a[i] *= 0.5
    return np.sum(a * a) + np.sum(row)


@case(X, 3)
def best_row(x, n):
    a = np.outer(x, x)
    best = a[0]
    for i in range(n):
        if a[i, 0] > best[0]:
            best = a[i]
    best *= 2.0
    return np.sum(a * a) + np.sum(best)


@case(X, 3)
def halves_take_turns(x, n):
    a = np.outer(x, x)
    low, high = a[:2], a[2:4]
    for _ in range(n):
        low, high = high, low
        low += 0.1 * high
    return np.sum(a * a) + np.sum(low * low)


@case(X, 3)
def until_a_row_is_large(x, n):
    a, i = np.outer(x, x), 0
    row = a[i]
    while np.sum(row) < 3.0 and i < n:
        row += x * x
        i += 1
        row = a[i]
    row[:] = 0.0
    return np.sum(a * a)


@case(X, 3)
def column_of_a_number_that_a_branch_chose(x, n):
    a, total = np.outer(x, x), 0.0
    for i in range(n):
        column = a[:, i] if x[i] > 0.0 else a[:, 0]
        column *= 2.0
        a[0, 1] = 7.0
        total += column[1]
    return total + np.sum(a)


@case(X)
def shorter_and_shorter(x):
    y = x.copy()
    part = y
    while len(part) > 1:
        part[0] = part[0] * part[1]
        part = part[1:]
    return np.sum(y * y) + part[0]


@case(X, 3)
def lost_before_an_inner_loop_that_binds_it(x, n):
    a, row, total = np.outer(x, x), x, 0.0
    for i in range(n):
        a[i] = row * 0.5
        for j in range(2):
            row = a[i] + x[j]
        total = total + 0.1 * row[i]
    return total + np.sum(a)


@case(X, 3)
def view_is_read_after_equal_writes(x, n):
    y = x.copy()
    part, total = y[:2], 0.0
    y *= 2.0
    total += part.sum()
    y *= 2.0
    return total + part.sum()


@each_case
def test_as_python(f, args, kwargs):
    agree(f, *args, **kwargs)


# ---------------------------------------------------------------- what is written may have two


@refused(X, 3)
def first_iteration_has_two_names(x, n):
    p = x
    for _ in range(n):
        p[4] = 0.11
        x = x + p
    return np.sum(x)


@refused(X, 3)
def read_in_an_inner_loop_after_the_write(x, n):
    old, d = x, 0.0
    for _ in range(n):
        for _ in range(2):
            d += np.sum(x - old)
            x[0] += 1.0
        old = x.copy()
    return d


@refused(X, 3)
def view_is_read_after_the_write(x, n):
    p, d = x, 0.0
    for _ in range(n):
        q = p[1:]
        x[2] += 3.0
        p = p * 2
        d += np.sum(q)
    return d


@refused(X, 3)
def array_is_written_after_the_loop(x, n):
    y = x.copy()
    part = y[1:]
    for _ in range(n):
        part = part[::-1]
    y[2] = 7.0
    return np.sum(part[:2])


@refused(X, 3)
def own_array_then_a_view_that_is_written(x, n):
    a, row = np.outer(x, x), x * 1.0
    for i in range(n):
        row[i] += x[i]
        row = a[i]
    return np.sum(a)


@refused(X, 3)
def own_array_then_a_view_that_is_read_after_a_write(x, n):
    a, row, total = np.outer(x, x), x * 1.0, 0.0
    for i in range(n):
        a *= 0.5
        total += np.sum(row)
        row = a[::-1, i]
    return total


@refused(X, 3)
def written_in_a_loop_after_a_branch_gave_it_a_second_name(x, n):
    y, k = x * 0.5, 0
    part = y[2:]
    if x[0] > 9.0:
        part = part * 1.5
    while k < n:
        k = k + 1
        y[1:] = x[k]
    return np.sum(part)


@refused(X, 3)
def in_a_list_after_a_branch(x, n):
    y = x * 0.5
    parts = [y[n:] if x[0] > 0.0 else x[:2]]
    y *= 2.0
    return np.sum(parts[0])


@refused(X, 3)
def turned_or_not_and_read_after_a_write(x, n):
    y = x * 0.5
    part = y if x[n] < 0.0 else y[::-1]
    y[0] = 7.0
    return part[4]


@refused(X, 3)
def view_of_a_chosen_array_is_read_after_a_write(x, n):
    y, z = x * 0.5, np.outer(x, x)
    first = y if x[n] > 0.0 else x
    part = first[::-1] if x[0] > 0.0 else z[0]
    y[0] = 7.0
    return part[4] + first[0]


@refused(X, 0)
def view_that_an_iteration_would_have_rebound(x, n):
    y = x * 0.5
    part = y[1:]
    for _ in range(n):
        part = part * 2.0
    y[1] = 5.0
    return np.sum(part)


@refused(X, 3)
def view_of_what_is_rebound_too(x, n):
    a = np.outer(x, x)
    row = x * 1.0
    for i in range(n):
        a = a * 0.9
        row = a[i]
    row[0] = 5.0
    return np.sum(a)


@refused(X, 3)
def view_in_a_tuple(x, n):
    p = x[1:], 1.0
    for _ in range(n):
        x[2] += 1.0
        p = p[0] * 2, p[1] + 1
    return np.sum(p[0]) * p[1]


@refused(X, 3)
def rebound_now_and_then(x, n):
    p, d = x, 0.0
    for _ in range(n):
        d += np.sum(p)
        if x[1] > 2.0:
            p = p + 1.0
        x[2] += 9.0
    return d


@refused(X, 3)
def list_rebound_after_the_write(x, n):
    p = [x, x * 2]
    for _ in range(n):
        x[0] = 1.0
        p = [q + x for q in p]
    return np.sum(p[0]) + np.sum(p[1])


@refused(X, 3)
def item_of_a_list_is_written(x, n):
    p = [x, x * 2]
    for _ in range(n):
        p[0][1] = 3.0
        p = [q * 2 for q in p]
    return np.sum(p[0]) + np.sum(x)


@refused(X, 3)
def pair_takes_turns(x, n):
    p = x, x.copy()
    for _ in range(n):
        first, second = p
        first[0] += 1
        p = second, first
    return np.sum(p[0]) + 2 * np.sum(p[1])


@refused(X, 3)
def list_takes_turns_and_is_written_after_the_loop(x, n):
    p = [x, x.copy()]
    for _ in range(n):
        p = [p[1], p[0]]
    p[0][0] = 50.0
    return np.sum(x)


@each_refused
def test_refused(f, args, kwargs):
    with pytest.raises(wg.Diagnostic, match="names different arrays|may have another name|is another name"):
        wg.jit(f)(*args, **kwargs)


def test_a_view_is_read_in_a_branch_and_after_it():
    def before(x):
        y = x * 0.5
        part = y[:2]
        for i in range(len(x)):
            y[i] = x[i] ** 2
            if x[i] > 0:
                y[0] += part.sum()
            y[1] -= part[0]
        return np.sum(y) + part.sum()

    def inside(x):
        y = x * 0.5
        for i in range(len(x)):
            y[:i] = np.sin(x[i])
            if len(x[:i]) > 2:
                part = y[i // 2 : i]
                part *= 0.9
        return np.sum(y * y)

    for f in (before, inside):
        agree(f, X)
