"""Functions from where users have them: a package with relative imports, a doctest."""

import doctest
import importlib
import textwrap

import numpy as np

import wengert as wg
from staging import agree

FILES = {
    "__init__.py": "from .model import loss",
    "shift.py": "SHIFT = 0.25",
    "parts.py": """
        import numpy as np
        RATE = 0.5
        def activation(x):
            from .shift import SHIFT
            return np.tanh(x) * RATE + SHIFT
        """,
    "model.py": """
        from dataclasses import dataclass, replace
        import numpy as np
        from . import parts
        from .parts import activation
        @dataclass
        class Layer:
            w: np.ndarray
            b: float = 0.0
            def out(self, x, *, scale=1.0):
                return activation(self.w * x + self.b) * scale
        def loss(w, n):
            layer, total = Layer(w, b=0.1), 0.0
            for k in range(n):
                total = total + np.sum(layer.out(k, scale=2.0)) + parts.RATE
            if total > 100:
                return total
            return total + np.sum(replace(layer, b=0.3).out(1.0))
        """,
}


def test_package_with_relative_imports(tmp_path, monkeypatch):
    (tmp_path / "staged_package").mkdir()
    for name, text in FILES.items():
        (tmp_path / "staged_package" / name).write_text(textwrap.dedent(text))
    monkeypatch.syspath_prepend(tmp_path)
    package = importlib.import_module("staged_package")
    staged = agree(package.loss, np.array([0.3, -0.2, 0.7]), 3)
    monkeypatch.setattr(importlib.import_module("staged_package.parts"), "RATE", 0.75)
    agree(package.loss, np.array([0.3, -0.2, 0.7]), 3)
    w = np.array([0.3, -0.2, 0.7])
    assert staged(w, 3) == package.loss(w, 3), "the global of another module is read at each call"


EXAMPLE = """
>>> def cubes(x):
...     total = 0.0
...     for v in x:
...         total += v ** 3
...     return total
>>> float(wg.jit(cubes)(np.array([1.0, 2.0])))
9.0
>>> wg.jit(wg.grad(cubes))(np.array([1.0, 2.0]))
array([ 3., 12.])
"""


def test_function_of_a_doctest():
    test = doctest.DocTestParser().get_doctest(EXAMPLE, {"np": np, "wg": wg}, "example", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test) == doctest.TestResults(failed=0, attempted=3)
