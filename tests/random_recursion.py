"""Functions nobody wrote: some call themselves at run time, some are full of early exits.

`recursive(seed)` and `exits(seed)` give the text of a module with a function `program(x, y, a, b, n)`: two floats, two
arrays of three, a whole number.
"""

import argparse
import contextlib
import io
import random
import sys
import traceback
from collections.abc import Callable

import numpy as np

import wengert as wg
from random_programs.program import Program
from staging import copied, derivatives, interpreted, is_error, of_numbers, outcome, same, seeds
from wengert.core.tree import flatten

FLOATS = ["0.5", "1.5", "-0.7", "2", "1"]


class Writer:
    """Lines of one function; `floats`, `arrays` and `counts` are the names that it may read."""

    def __init__(self, rng: random.Random, floats: list[str], arrays: list[str]) -> None:
        self.rng, self.floats, self.arrays, self.fixed = rng, list(floats), list(arrays), 0
        self.lines: list[str] = []
        self.indices: list[str] = []
        self.depth = 1
        self.calls = 0  # that may still be written

    def add(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    # ------------------------------------------------------------ expressions

    def place(self) -> str:
        return self.rng.choice([*self.indices, "0", "1", "2", "-1", "n % 3"])

    def atom(self) -> str:
        pick = self.rng.random()
        if pick < 0.5:
            return self.rng.choice(self.floats)
        if pick < 0.8:
            return f"{self.rng.choice(self.arrays)}[{self.place()}]"
        return self.rng.choice([*FLOATS, "n", "SCALE"])

    def number(self, depth: int = 2) -> str:
        if depth == 0 or self.chance(0.25):
            return self.atom()
        one, other = self.number(depth - 1), self.number(depth - 1)
        return self.rng.choice(
            [
                f"({one} + {other})",
                f"({one} - {other})",
                f"({one} * {other})",
                f"math.sin({one})",
                f"math.exp(-({one}) * ({one}))",
                f"math.tanh({one})",
                f"np.sum({self.rng.choice(self.arrays)} * {self.atom()})",
                f"({one}) / (1.5 + math.cos({other}))",
            ]
        )

    def array(self) -> str:
        x, y = self.rng.choice(self.arrays), self.rng.choice(self.arrays)
        return self.rng.choice(
            [
                f"{x} + {y}",
                f"{x} * {self.atom()}",
                f"np.sin({x})",
                f"{x}.copy()",
                f"0.5 * {x} - {y}",
                f"{x}[::-1] * 0.5",
            ]
        )

    def test(self) -> str:
        pick = self.rng.random()
        if pick < 0.4:
            return f"{self.atom()} < {self.atom()}"
        if pick < 0.6:
            return f"n % {self.rng.choice('23')} == {self.rng.choice('01')}"
        if pick < 0.8 and self.indices:
            return f"{self.rng.choice(self.indices)} {self.rng.choice(['==', '<', '!='])} {self.rng.choice('012')}"
        return f"not {self.atom()} > {self.rng.choice(FLOATS)}"

    # ------------------------------------------------------------ statements

    def body(self, size: int, *more: Callable[[], None]) -> None:
        for _ in range(size):
            self.rng.choice([self.assign, self.assign, self.write, self.change, *more])()

    def assign(self) -> None:
        name = self.rng.choice(self.floats)
        self.add(f"{name} = {self.number()}")

    def change(self) -> None:
        name = self.rng.choice(self.floats)
        self.add(f"{name} {self.rng.choice(['+=', '-=', '*='])} {self.number(1)}")

    def write(self) -> None:
        name = self.rng.choice(self.arrays)
        self.add(f"{name}[{self.place()}] {self.rng.choice(['=', '=', '+=', '*='])} {self.number(1)}")

    def whole(self) -> None:
        name = self.rng.choice(self.arrays)
        if self.chance(0.5):
            self.add(f"{name} {self.rng.choice(['+=', '*='])} {self.number(1)}")
        else:
            self.add(f"{name} = {self.array()}")

    def inside(self, head: str, write: Callable[[], None]) -> None:
        self.add(head)
        self.depth += 1
        write()
        self.depth -= 1

    def say(self) -> None:
        self.add(f"print('{self.rng.choice('abcdef')}', n, {', '.join([*self.indices, '0'])})")

    def claim(self) -> None:
        self.add(
            f"assert {self.atom()} < {self.rng.choice(['0.9', '1.7', '2.5', '4'])}, 'claim {self.rng.randrange(9)}'"
        )


# ---------------------------------------------------------------- functions that call themselves


class Recursive(Writer):
    """One function of a few that call each other; `kind` is what it returns."""

    def __init__(self, rng: random.Random, name: str, kind: str, others: list[tuple[str, str]]) -> None:
        super().__init__(rng, ["x", "y", "s"], ["a", "b"])
        self.name, self.kind, self.others = name, kind, others
        self.calls = rng.choice([1, 2, 2, 3])

    def write_function(self, depth: int = 0) -> list[str]:
        self.depth = depth
        self.add(f"def {self.name}(x, y, a, b, n):")
        self.depth += 1
        self.add(f"s = {self.number()}")
        if self.chance(0.4):
            self.before()
        self.add("if n <= 0:")
        self.depth += 1
        self.body(self.rng.choice([0, 1, 2]), self.whole)
        self.leave()
        self.depth -= 1
        extra = [self.branch, self.loop, self.call, self.call, self.whole]
        extra += [self.say] * self.chance(0.15) + [self.claim] * self.chance(0.15)
        self.body(self.rng.choice([2, 3, 4, 5]), *extra)
        if self.calls == 3 or self.chance(0.8):
            self.call()
        self.leave()
        return self.lines

    def before(self) -> None:
        self.body(self.rng.choice([1, 2]))

    def leave(self) -> None:
        x, a = f"1.0 * {self.number()}", self.rng.choice(self.arrays)
        if self.chance(0.3):
            a = self.array()
        made = {
            "float": x,
            "tuple": f"{x}, {a}",
            "array": a,
            "arrays": f"{a}, {self.rng.choice(self.arrays)}, {x}",
            "dict": f"{{'v': {x}, 'w': ({a}, n)}}",
        }
        self.add(f"return {made[self.kind]}")

    def branch(self) -> None:
        def side() -> None:
            self.body(self.rng.choice([1, 2]), self.call, self.whole)
            if self.chance(0.25):
                self.leave()

        self.inside(f"if {self.test()}:", side)
        if self.chance(0.5):
            self.inside("else:", side)

    def loop(self) -> None:
        if len(self.indices) > 1:
            return
        i = "ijk"[len(self.indices)]

        def turn() -> None:
            self.indices.append(i)
            self.body(self.rng.choice([1, 2, 3]), self.call, self.branch)
            self.indices.pop()

        self.inside(f"for {i} in range({self.rng.choice(['2', '3', 'min(n, 3)'])}):", turn)

    def call(self) -> None:
        if not self.calls:
            return self.assign()
        self.calls -= 1
        name, kind = self.rng.choice(self.others)
        a, b = self.rng.choice(
            [("a", "b"), ("b", "a"), ("a", "a"), ("b", "b"), ("a", self.array()), (self.array(), "b")]
        )
        x, y = self.rng.choice([("x", "y"), ("y", "x"), (self.number(1), "y"), (self.number(1), self.number(1))])
        call = f"{name}({x}, {y}, {a}, {b}, n - 1)"
        f, v = self.rng.choice(self.floats), self.rng.choice(self.arrays)
        if kind == "float":
            self.add(f"{f} {self.rng.choice(['=', '+='])} {call} * 0.5")
        elif kind == "tuple":
            self.add(f"{f}, {v} = {call}")
        elif kind == "array":
            self.add(self.rng.choice([f"{v} = {call}", f"{v} += 0.3 * {call}", f"{f} += {call}[{self.place()}]"]))
        elif kind == "arrays":
            self.add(f"{v}, {self.rng.choice(self.arrays)}, {f} = {call}")
        else:
            self.add(f"d = {call}")
            self.add(f"{f} += d['v'] * d['w'][1]")
            self.add(f"{v} = d['w'][0]")


HEAD = "import math\nimport numpy as np\n\nSCALE = 0.8\nWEIGHTS = np.array([0.3, -0.6, 1.1])\n"


def recursive(seed: int) -> str:
    rng = random.Random(seed)
    kinds = [rng.choice(["float", "float", "tuple", "array", "arrays", "dict"]) for _ in "fg"]
    names = ["f", "g"][: rng.choice([1, 1, 2])]
    others = list(zip(names, kinds))
    parts = [HEAD]
    is_inner = rng.random() < 0.3
    if is_inner:
        parts += ["def program(x, y, a, b, n):", "    outer = math.sin(x) * y", "    w = a * 0.5"]
    for name, kind in others:
        writer = Recursive(rng, name, kind, others)
        if is_inner:
            writer.floats.append("SCALE")
            text = "\n".join(writer.write_function(1))
            text = text.replace("SCALE =", "s =").replace("SCALE +=", "s +=").replace("SCALE -=", "s -=")
            text = text.replace("SCALE *=", "s *=").replace("SCALE", rng.choice(["outer", "w[1]", "SCALE"]))
            parts.append(text.replace("SCALE, ", "s, "))
        else:
            parts.append("\n".join(writer.write_function()))
    if is_inner:
        parts.append("    return f(x, y, a, b, n)")
    else:
        extra = rng.choice(["", "", "", " + 0.1 * WEIGHTS"])
        parts.append(f"def program(x, y, a, b, n):\n    return f(x, y, a, b{extra}, n)")
    return "\n".join(parts) + "\n"


# ---------------------------------------------------------------- early exits


class Exits(Writer):
    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng, ["x", "y", "s"], ["a", "b"])
        self.tests = [self.test() for _ in range(2)]
        self.left = 14

    def write_function(self) -> list[str]:
        self.depth = 0
        self.add("def program(x, y, a, b, n):")
        self.depth = 1
        self.add("s = x * y")
        for k, test in enumerate(self.tests):
            self.add(f"c{k} = {test}")
        self.extra = [self.fork, self.fork, self.fork, self.loop, self.say, self.claim, self.trap, self.flag]
        self.body(self.rng.choice([3, 4, 5, 6]), *self.extra)
        self.leave()
        return self.lines

    def leave(self) -> None:
        self.add(f"return 1.0 * {self.number()}")

    def condition(self) -> str:
        k = self.rng.randrange(2)
        return self.rng.choice(
            [
                f"c{k}",
                f"c{k}",
                f"not c{k}",
                f"not c{k}",
                "c0 and c1",
                "not c0 or c1",
                "c0 or c1",
                "c0 == c1",
                self.test(),
            ]
        )

    def flag(self) -> None:
        self.add(f"c{self.rng.randrange(2)} = {self.condition()}")

    def trap(self) -> None:
        self.add(
            self.rng.choice(
                [
                    f"s = math.log(1.5 + math.sin({self.atom()}))",
                    "s = x * (7 // (n - 2))",
                    f"s = a[n % 4] * {self.atom()}",
                    f"y = math.sqrt(1.5 + math.sin({self.atom()}))",
                    f"if {self.test()}: raise ValueError(n)",
                ]
            )
        )

    def side(self) -> None:
        self.body(self.rng.choice([1, 1, 2]), *self.extra)
        pick = self.rng.random()
        if pick < 0.25:
            self.leave()
        elif pick < 0.5 and self.indices:
            self.add(self.rng.choice(["break", "continue"]))

    def fork(self) -> None:
        if self.depth > 5 or self.left <= 0:
            return self.change()
        self.left -= 1
        self.inside(f"if {self.condition()}:", self.side)
        if self.chance(0.4):
            self.inside("else:", self.side)

    def loop(self) -> None:
        if len(self.indices) > 1 or self.depth > 4:
            return self.change()
        i = "ij"[len(self.indices)]

        def turn() -> None:
            self.indices.append(i)
            self.body(self.rng.choice([2, 3]), *self.extra)
            self.indices.pop()

        def counted() -> None:
            self.add(f"{i} += 1")
            turn()

        if self.chance(0.35):
            self.add(f"{i} = 0")
            self.inside(f"while {i} < {self.rng.choice(['n', '3'])} and {self.test()}:", counted)
        else:
            self.inside(f"for {i} in range({self.rng.choice(['2', '3', 'n', 'n'])}):", turn)


def exits(seed: int) -> str:
    return HEAD + "\n" + "\n".join(Exits(random.Random(seed)).write_function()) + "\n"


# ---------------------------------------------------------------- what must hold

FAMILIES = {"recursive": recursive, "exits": exits}
MOST = 4000  # lines and calls of one run
LARGEST = 1e3
# which array a name means depends on run-time values: staging may refuse that, but not get it wrong
REFUSABLE = (
    "may have another name, depending on branches",
    "names different arrays in different iterations",
    "an array is written that was made outside",
    "is another name of an array that is written since, in some cases",
)


class Rejected(Exception):
    """A program that runs too long, or whose numbers are too large to compare."""


class Subject:
    def __init__(self, family: str, number: int) -> None:
        self.family, self.number = family, number
        self.text = FAMILIES[family](number)
        self.program, self.is_refused = Program(self.text), False

    @property
    def f(self) -> Callable:
        return self.program.load().program

    def args(self, n: int = 3) -> list:
        rng = np.random.default_rng(self.number)
        x, y = map(float, rng.uniform(-1.5, 1.5, 2))
        return [x, y, rng.uniform(-1.5, 1.5, 3), rng.uniform(-1.5, 1.5, 3), n]

    def accept(self) -> None:
        """Raises Rejected where nothing can be said."""
        left = MOST

        def count(frame, event, _):
            nonlocal left
            left -= 1
            if left < 0:
                raise Rejected
            return count

        before = sys.gettrace()
        sys.settrace(count)
        try:
            with silence(), np.errstate(all="ignore"):
                found = outcome(self.f, self.args(), {})[0]
        finally:
            sys.settrace(before)
        if is_error(found) and "math" in str(found):
            raise Rejected  # inside of a program, floats compute as NumPy's
        values = [np.max(np.abs(v), initial=0.0) for v in flatten(found)[0] if isinstance(v, float | np.ndarray)]
        if not all(v < LARGEST for v in values):
            raise Rejected


@contextlib.contextmanager
def silence():
    with contextlib.redirect_stdout(io.StringIO()) as text:
        yield text


def generate(family: str, seed: int) -> Subject:
    """The first acceptable program of this seed."""
    for attempt in range(100):
        subject = Subject(family, seed * 100 + attempt)
        try:
            subject.accept()
        except Rejected:
            subject.program.forget()
        else:
            return subject
    raise RuntimeError(f"seed {seed} gives no program that can be checked")


def values_and_prints(subject: Subject) -> None:
    staged, plain = interpreted(subject.f), subject.f
    for n in (3, 0, 1, 2, 3):
        with silence() as theirs:
            expected = outcome(plain, subject.args(n), {})
        with silence() as ours:
            got = outcome(staged, subject.args(n), {})
        same(got, expected, rtol=1e-10, kinds=False)
        assert ours.getvalue() == theirs.getvalue()


def first_order(subject: Subject) -> None:
    expected = or_error(lambda: derivatives(subject.f, subject.args(), {}))
    if not is_error(expected):  # a derivative does not evaluate what only raises
        same(derivatives(interpreted(subject.f), subject.args(), {}), expected, rtol=1e-9, kinds=False)


def second_order(subject: Subject) -> None:
    expected = curvature(subject.f, subject)
    if not is_error(expected):
        same(curvature(interpreted(subject.f), subject), expected, rtol=1e-8, kinds=False)


def staged_derivatives(subject: Subject) -> None:
    """Derivatives inside of a program."""
    expected = slopes(lambda g: g, subject.f, subject)
    if not is_error(expected):
        same(slopes(interpreted, subject.f, subject), expected, rtol=1e-9, kinds=False)


def slopes(how: Callable, f: Callable, subject: Subject) -> object:
    *xs, n = subject.args()

    def total(x, y, a, b):
        return total_of(f(x, y, a, b, n))

    return or_error(lambda: how(wg.grad(total, (0, 1, 2, 3)))(*xs))


def total_of(out):
    if isinstance(out, dict):
        return out["v"] + total_of(out["w"])
    if isinstance(out, tuple):
        return sum([total_of(part) for part in out])
    return np.sum(out * 1.0)


def curvature(f: Callable, subject: Subject) -> object:
    g, xs = of_numbers(f, subject.args(), {})

    def gradient(*v):
        out, pull = wg.vjp(g, *v)
        return pull(seeds(out, 2))

    return or_error(lambda: wg.jvp(gradient, tuple(xs), tuple(seeds(xs, 1)))[1])


def or_error(f: Callable) -> object:
    try:
        return f()
    except wg.Diagnostic:
        raise
    except (ArithmeticError, ValueError, LookupError, AssertionError, NameError) as error:
        return type(error), *error.args


def lanes(subject: Subject) -> None:
    """Each takes its own ways."""
    f, n = subject.f, 2
    points = [[v * (1 + 0.3 * k) for v in subject.args()[:-1]] for k in range(3)]

    def total(x, y, a, b):
        return total_of(f(x, y, a, b, n))

    for derive in (lambda g: g, lambda g: wg.grad(g, (0, 1, 2, 3))):
        is_value = derive(total) is total
        each = [or_error(lambda p=p: derive(total)(*copied(p))) for p in points]
        batch = [np.stack([np.asarray(p[i]) for p in points]) for i in range(4)]
        got = or_error(lambda: wg.vmap(derive(interpreted(total)))(*batch))
        if any(map(is_error, each)):
            assert not is_value or is_error(got)
            continue
        for g, *parts in zip(flatten(got)[0], *[flatten(e)[0] for e in each]):
            np.testing.assert_allclose(g, np.stack(parts), rtol=1e-9, atol=1e-9)


CHECKS = [values_and_prints, first_order, second_order, staged_derivatives, lanes]


def check(family: str, seed: int) -> tuple[Subject, tuple[str, Exception] | None]:
    """The program, and (name of the first check that fails, what it raised) or None."""
    subject = generate(family, seed)
    with silence(), np.errstate(all="ignore"):
        failure = first_failure(subject)
    subject.program.forget()
    return subject, failure


def first_failure(subject: Subject) -> tuple[str, Exception] | None:
    for one in CHECKS:
        try:
            one(subject)
        except Exception as error:  # noqa: BLE001 whatever a check raises is a finding
            if not is_refusal(error):
                return one.__name__, error
            subject.is_refused = True
            return None
    return None


def is_refusal(error: Exception) -> bool:
    return isinstance(error, wg.Diagnostic) and error.code == "W602" and any(r in error.because for r in REFUSABLE)


def describe(subject: Subject, failure: tuple[str, Exception]) -> str:
    name, error = failure
    trace = "".join(traceback.format_exception(error)[-12:])
    return f"# program {subject.family} {subject.number} fails: {name}\n{subject.text}\n# {trace}\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.random_recursion", description="A long run.")
    parser.add_argument("--count", type=int, default=200, help="of each family")
    parser.add_argument("--seed", type=int, default=1, help="of the run: its programs are number seed * 10**6 and on")
    parser.add_argument("--family", action="append", choices=FAMILIES)
    parser.add_argument("--most", type=int, default=5, help="stop after so many failures")
    options = parser.parse_args()
    failures = refused = done = 0
    for seed in range(options.seed * 10**6, options.seed * 10**6 + options.count):
        for family in options.family or FAMILIES:
            subject, failure = check(family, seed)
            done, refused, failures = done + 1, refused + subject.is_refused, failures + (failure is not None)
            if failure:
                print(describe(subject, failure), flush=True)
            if failures == options.most:
                break
    print(f"{done} programs, {refused} refused, {failures} failures")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
