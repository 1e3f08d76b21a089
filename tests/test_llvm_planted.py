"""Wrong plans of memory, planted one at a time: each must be caught by the analysis of lifetimes, by the build that
checks loads and stores, or by what a program gives."""

import numpy as np
import pytest

import lifetimes
import wengert as wg
from machine_code import LEFT, agree, staged
from wengert.backends import schedule
from wengert.backends.llvm import frame, slots
from wengert.backends.llvm import program as whole_program
from wengert.backends.llvm.arrays import Stored
from wengert.backends.llvm.program import lowered
from wengert.backends.llvm.rows import calls, control, elementwise, parts, updates
from wengert.backends.llvm.text import OUTSIDE
from wengert.ir.program import Var

X = np.array([0.3, -0.7, 1.2, 0.4, -0.2])
A = np.arange(12.0).reshape(3, 4) / 7


# ---------------------------------------------------------------- what each way of planning is for


def updated_and_read(x):
    y = x * 2.0
    z = y * 1.0
    y[0] = 5.0
    y[1:3] = z[:2]
    return y + z * x


def views(x):
    y = x * 2.0
    total = 0.0
    for i in range(3):
        front = y[:2] * 1.0
        y = np.sin(y) + x
        part = y[1:4]
        y = y * 0.5
        total = total + np.sum(part * y[1:4]) + np.sum(front)
    return total, y


def swapped(x):
    a, b = x * 1.0, x * 2.0
    for i in range(3):
        a, b = b, a
        a[i] = 7.0
    return a, b


def reversed_carry(x):
    y = x * 1.5
    for i in range(3):
        y = y[::-1]
        y[i] = 0.25 * i
    return y


def twice(x):
    y = x * 3.0
    kept = y * 1.0
    last = y
    for i in range(3):
        y[i] = y[i] + last[i + 1] + kept[i]
    for i in range(2):
        last = last * 0.5
    return y, last, kept


def one_way_or_another(x):
    a, b = x * 2.0, x * 3.0
    if x[0] > 0.0:
        a, b = np.sin(b), np.cos(a)
    else:
        a[0] = 1.0
    return a, b


def shifted(x):
    y = np.sin(x)
    y[2] = 1.0
    y[1:] = y[:-1] * 2.0
    return y


def read_by_two(x):
    y = np.sin(x)
    y[0] = 2.0
    z = np.cos(y)
    z[1::2] = np.tanh(y[:-1:2])
    return z * np.sum(z)


def until(x):
    y, n = x[0], 0
    while y < 3.0:
        y = y + 0.1 * np.exp(0.1 * y) + x[1] * x[1]
        n = n + 1
    return y * n


def transposed(a):
    b = np.sin(a)
    b[0, 0] = 2.0
    c = b.T / 3.0
    return c * np.sum(c)


def neighbours(x):
    y = np.cumsum(x)
    return y[1:] * y[:-1]


def carry_and_constant(x):
    y = np.sin(x)
    y[0] = 2.0
    z = y
    for i in range(3):
        z = z * 0.5 + y[::-1]
    return z


def sizes(x):
    y = np.zeros(3)
    for i in range(3):
        small = x[:3] * (1.0 + i)
        y = y + small[::-1]
        large = np.outer(x, x) + 1.0
        y[0] = large[i, 4] + np.sum(large @ x)
    return y


def looked_up(x):
    total = 0.0
    for i in range(5):
        total = total + x[int(x[i] > 0.0) * i]
    return total


# ---------------------------------------------------------------- wrong plans


def early(self, x):
    return self.plan.last.get(x, -1) > self.position + 1


def overlapping(sizes):
    starts = [64 * (i // 2) for i in range(len(sizes))]
    return starts, sum(-(-n // 64) * 64 for n in sizes)


def owns_all(make):
    def make_and_own(self):
        make(self)
        self.owned = {b for x in self.values for b in frame.reads_of(x)} | self.owned

    return make_and_own


def forget_views(patch):
    """Two facts keep it: how long the view is read, and which buffer it holds."""

    def bind(self, var, x):
        keep(self, var, x)
        if isinstance(x, Stored) and x.limits is None:
            self.holders[x.buffer].discard(var)

    keep = frame.Frame.bind
    patch.setattr(frame.Frame, "bind", bind)
    changed(patch, schedule, "last_reads", lambda plan: lambda program, through: plan(program, set()))


def any_size(self, bytes):
    if self.free:
        return self.free.pop()
    self.buffers.append(frame.Buffer(f"%b{len(self.buffers)}", bytes))
    self.memory(self.buffers[-1].address, bytes)
    return self.buffers[-1]


def held_wishes(plan):
    def room(self, var, type, reads):
        return self.wishes.get(var) or plan(self, var, type, reads)

    return room


def shared_slots(plan):
    def slots_of(*args):
        found = plan(*args)
        for one, other in zip(found, found[1:]):
            if one.type == other.type:
                other.buffer = one.buffer
        return found

    return slots_of


def changed(patch, place, name, change):
    patch.setattr(place, name, change(getattr(place, name)))


def alone(frame, e, buffer, x):
    return isinstance(x, Var) and buffer is not None and frame.may_take(buffer)


def everywhere(patch, name, value):
    """Wherever this name is imported."""
    for place in (calls, control, frame, schedule, slots, updates, whole_program, elementwise):
        if hasattr(place, name):
            patch.setattr(place, name, value)


BUGS = {
    "buffers are overwritten though they are read later": lambda patch: patch.setattr(
        frame.Frame, "may_take", lambda self, buffer: buffer in self.owned
    ),
    "buffers are given back an equation early": lambda patch: patch.setattr(frame.Frame, "is_read_later", early),
    "a view does not keep its array": forget_views,
    "values move one after the other": lambda patch: patch.setattr(slots, "is_overwritten", lambda *args: False),
    "a carry stays where it is, whatever its layout": lambda patch: patch.setattr(
        slots, "stays", lambda slot, x: getattr(x, "buffer", None) is slot.buffer
    ),
    "other operands in the same buffer are forgotten": lambda patch: everywhere(patch, "may_overwrite", alone),
    "two results of a branch have one place": lambda patch: changed(patch, control, "branch_slots", shared_slots),
    "buffers overlap in the arena": lambda patch: everywhere(patch, "offsets", overlapping),
    "elements of another place, shape or size are overwritten": lambda patch: patch.setattr(
        elementwise, "reads_in_place", lambda xs, out: {b: True for x in xs for b in x.reads}
    ),
    "a part is written while it is read": lambda patch: patch.setattr(
        updates, "apart", lambda frame, x, type, target, count=None: x
    ),
    "a sum of parts is stored over what it reads": lambda patch: patch.setattr(
        updates, "elsewhere", lambda x: dict.fromkeys(x.reads, True)
    ),
    "an operand takes over what another one reads": lambda patch: patch.setattr(
        frame.Frame, "is_shared", lambda self, buffer: False
    ),
    "stacks are never let go": lambda patch: changed(
        patch, frame.Frame, "release", lambda plan: lambda self, xs: plan(self, [x for x in xs if x not in self.mine])
    ),
    "results are made in a place that something holds": lambda patch: changed(
        patch, frame.Frame, "room_for", held_wishes
    ),
    "a free buffer suits, whatever its size": lambda patch: patch.setattr(frame.Kernel, "buffer", any_size),
    "a loop may overwrite what it reads in each iteration": lambda patch: changed(
        patch, frame.Frame, "__post_init__", owns_all
    ),
    "an index is not compared with the length": lambda patch: patch.setattr(
        parts, "place_in", lambda k, i, n, known=None: k.plus(i, 5)
    ),
}
# the bug, what it spoils, and what tells: lifetimes, values, checks of memory, or what is left of stacks and records
CAUGHT = [
    ("buffers are overwritten though they are read later", updated_and_read, "lifetimes"),
    ("buffers are overwritten though they are read later", twice, "values"),
    ("buffers are given back an equation early", sizes, "lifetimes"),
    ("buffers are given back an equation early", carry_and_constant, "values"),
    ("a view does not keep its array", views, "lifetimes"),
    ("a view does not keep its array", transposed, "values"),
    ("values move one after the other", swapped, "lifetimes"),
    ("values move one after the other", reversed_carry, "values"),
    ("a carry stays where it is, whatever its layout", reversed_carry, "lifetimes"),
    ("other operands in the same buffer are forgotten", carry_and_constant, "lifetimes"),
    ("two results of a branch have one place", one_way_or_another, "lifetimes"),
    ("two results of a branch have one place", one_way_or_another, "values"),
    ("buffers overlap in the arena", one_way_or_another, "values"),
    ("elements of another place, shape or size are overwritten", transposed, "values"),
    ("a part is written while it is read", shifted, "values"),
    ("a sum of parts is stored over what it reads", neighbours, "lifetimes"),
    ("a sum of parts is stored over what it reads", neighbours, "values"),
    ("an operand takes over what another one reads", read_by_two, "lifetimes"),
    ("an operand takes over what another one reads", read_by_two, "values"),
    ("stacks are never let go", until, "blocks"),
    ("results are made in a place that something holds", views, "lifetimes"),
    ("a free buffer suits, whatever its size", sizes, "bounds"),
    ("a loop may overwrite what it reads in each iteration", views, "lifetimes"),
    ("a loop may overwrite what it reads in each iteration", transposed, "values"),
    ("an index is not compared with the length", looked_up, "bounds"),
]
WAYS = {
    "lifetimes": lambda program, operands: lifetimes.verify(lowered(program, checked=True)),
    "values": lambda program, operands: agree(program, operands, checked=True),
    "bounds": lambda program, operands: agree(program, operands, checked=True),
    "blocks": agree,
}
SAID = {"bounds": f"status {OUTSIDE}", "blocks": f"status {LEFT}"}


def cases(f):
    """Programs of f and of its gradient."""
    args = (A,) if f is transposed else (X,)

    def total(*args):
        outs = f(*args)
        return sum([np.sum(np.sin(y)) for y in (outs if isinstance(outs, tuple) else (outs,))])

    return [staged(f, *args), staged(wg.grad(total), *args)]


@pytest.mark.parametrize("f", sorted({f for _, f, _ in CAUGHT}, key=lambda f: f.__name__))
def test_right_plans(f):
    for case in cases(f):
        for way in WAYS.values():
            way(*case)


@pytest.mark.parametrize("bug, f, way", CAUGHT, ids=[f"{bug}: {way}" for bug, _, way in CAUGHT])
def test_a_wrong_plan_is_caught(bug, f, way, monkeypatch):
    found = cases(f)
    BUGS[bug](monkeypatch)
    with pytest.raises(AssertionError) as caught:
        for case in found:
            WAYS[way](*case)
    assert SAID.get(way, "") in str(caught.value)


def test_all_plans_are_planted():
    assert {bug for bug, _, _ in CAUGHT} == set(BUGS) and len(BUGS) >= 10
