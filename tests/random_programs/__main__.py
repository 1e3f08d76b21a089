"""A long run: python -m tests.random_programs --count 20000 --seed 7

Prints progress, each failing program as source that runs (and a smaller one that fails alike), and the mix.
"""

import argparse
import collections
import sys
import time
import traceback
import warnings

from .checks import CHECKS, check, generate
from .mix import WANTED
from .shrink import shrink


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.random_programs", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the run: its programs are number seed * 10**6 and on")
    parser.add_argument("--only", type=int, help="one program, by its number; prints its source")
    parser.add_argument("--leave-out", default="", help="statements, with commas: keys of STATEMENTS in write.py")
    parser.add_argument("--check", action="append", help="name of a check, several times; all by default")
    parser.add_argument("--most", type=int, default=5, help="stop after so many failures")
    options = parser.parse_args()
    warnings.simplefilter("error")
    sys.exit(Run(options).start())


class Run:
    def __init__(self, options):
        self.leave_out = frozenset(filter(None, options.leave_out.split(",")))
        self.checks = [c for c in CHECKS if not options.check or c.__name__ in options.check]
        first = options.seed * 10**6
        self.seeds = [options.only] if options.only is not None else range(first, first + options.count)
        self.show, self.most = options.only is not None, options.most
        self.mix, self.rejected, self.failures, self.done = collections.Counter(), 0, 0, 0
        self.began = time.perf_counter()

    def start(self):
        for seed in self.seeds:
            self.one(seed)
            if self.done % 500 == 0:
                self.progress()
            if self.failures >= self.most:
                break
        self.report()
        return 1 if self.failures else 0

    def one(self, seed):
        subject, rejected = generate(seed, self.leave_out)
        self.done += 1
        self.rejected += rejected
        self.mix.update(subject.features)
        if self.show:
            print(subject.text)
        failure = check(subject, self.checks)
        if failure:
            self.failures += 1
            print(describe(subject, failure, [c for c in self.checks if c.__name__ == failure[0]]), flush=True)
        self.mix["refused by staging: an alias that depends on values"] += subject.is_refused
        subject.program.forget()

    def progress(self):
        each = (time.perf_counter() - self.began) / self.done
        print(f"{self.done} programs, {self.failures} failures, {1e3 * each:.1f} ms each", file=sys.stderr, flush=True)

    def report(self):
        self.progress()
        print(f"{self.done} programs, {self.rejected} rejected, {self.failures} failures; checks:")
        print("   ", ", ".join(c.__name__ for c in self.checks))
        print(table(self.mix, self.done))


def table(mix, count):
    """Parts of all programs that contain a feature, and what the tests ask for."""
    names = sorted(mix, key=lambda name: -mix[name])
    return "\n".join(f"{mix[name] / count:7.1%}  {name}{wanted(name)}" for name in names)


def wanted(name):
    return f"  (at least {WANTED[name]:.0%})" if name in WANTED else ""


def describe(subject, failure, checks):
    """The program, what it violates, and a smaller one that does so too."""
    name, error = failure
    smaller = shrink(subject.text, subject.seed, checks)
    trace = "".join(traceback.format_exception(error))
    return (
        f"# program {subject.seed} fails: {name}\n{subject.text}\n# {name}:\n"
        + "".join(f"# {line}\n" for line in trace.splitlines())
        + f"\n# smaller, fails alike:\n{smaller}\n"
    )


if __name__ == "__main__":
    main()
