"""Text -> a module whose functions `inspect.getsource` can read."""

import itertools
import linecache
import types

import numpy as np

NUMBERS = itertools.count()


class Program:
    """A program as text.  Each `load()` is a module of its own, so that what one check changes no other sees."""

    def __init__(self, text):
        self.text = text
        self.filename = f"<random program {next(NUMBERS)}>"
        self.code = compile(text, self.filename, "exec")
        linecache.cache[self.filename] = (len(text), None, text.splitlines(True), self.filename)

    def load(self):
        module = types.ModuleType("random_program")
        exec(self.code, module.__dict__)
        return module

    def forget(self):
        linecache.cache.pop(self.filename, None)


def moved(args, directions, t):
    """Fresh arguments, the floats among them moved by t along the directions."""
    steps = iter(directions)
    return [a if isinstance(a, int) else a + t * next(steps) for a in args]


def random_directions(seed, args):
    random = np.random.default_rng(seed)
    draws = [random.uniform(-1.0, 1.0, np.shape(a)) for a in args if not isinstance(a, int)]
    return [float(d) if d.ndim == 0 else d for d in draws]
