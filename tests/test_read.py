"""The tree must be that of the code that runs, and its places those of the file; else an error that says why not."""

import __future__

import ast
import dataclasses
import doctest
import functools
import gc
import importlib.util
import inspect
import linecache
import math
import operator
import os
import subprocess
import sys
import textwrap
import threading
import types
import warnings
import zipfile

import numpy as np
import pytest

import wengert as wg
from wengert.core.diagnostic import Position
from wengert.frontend import read as module
from wengert.frontend.read import read


@pytest.fixture
def load(tmp_path):
    """The names of a module with this text, imported from a file."""

    def load(text, name="model", encoding="utf-8"):
        path = tmp_path / f"{name}.py"
        path.write_bytes(textwrap.dedent(text).encode(encoding))
        return imported(path)

    return load


def imported(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    result = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(result)
    return result


def text_at(source, node):
    """What an editor would mark: lines and characters of the file, not the bytes that ast counts in."""
    where = source.position(node)
    line = linecache.getline(where.filename, where.line)
    return line[where.column : where.end_column]


def refusal(f):
    with pytest.raises(wg.Diagnostic) as caught:
        read(f)
    assert caught.value.code == "W601"
    return caught.value


# ---------------------------------------------------------------- definitions


def module_level(x):
    return x * 2.0


def test_a_function_of_a_module():
    source = read(module_level)
    assert ast.unparse(source.node) == "def module_level(x):\n    return x * 2.0"
    assert source.filename == __file__
    assert source.class_name is None
    assert text_at(source, source.node.body[0].value) == "x * 2.0"
    assert source.node.lineno == module_level.__code__.co_firstlineno


def decorate(f=None, **options):
    if f is None:
        return functools.partial(decorate, **options)
    return functools.wraps(f)(lambda *args: f(*args))


@decorate
@decorate(
    factor=2.0,
)
def decorated(x):
    return x + 1.0


def test_a_decorated_function_keeps_its_decorators():
    source = read(inspect.unwrap(decorated))
    assert source.node.name == "decorated"
    assert [ast.unparse(d) for d in source.node.decorator_list] == ["decorate", "decorate(factor=2.0)"]
    assert ast.unparse(read(decorated).node) == "lambda *args: f(*args)"


def outer(scale):
    def inner(x):
        def innermost(y):
            return scale * x * y

        return innermost

    return inner


def test_nested_functions_and_closures():
    for f, name in [(outer, "outer"), (outer(1.0), "inner"), (outer(1.0)(2.0), "innermost")]:
        assert read(f).node.name == name
    source = read(outer(1.0)(2.0))
    assert text_at(source, source.node.body[0].value) == "scale * x * y"


class Model:
    __scale = 2.0

    def __init__(self, weight):
        self.weight = weight

    def __call__(self, x):
        return self.__scale * x

    @property
    def doubled(self):
        return 2.0 * self.weight

    @staticmethod
    def fixed(x):
        return x

    @classmethod
    def made(cls, x):
        def inside(y):
            return cls.__scale * y

        return inside

    class _Part:
        def method(self):
            return self.__hidden

    class __:
        def method(self):
            return self.__hidden

    table = {"lambda": lambda self: self.__scale}


def test_methods_know_the_class_that_mangles_their_names():
    functions = {
        Model.__init__: "Model",
        Model.__call__: "Model",
        vars(Model)["doubled"].fget: "Model",
        Model.fixed: "Model",
        Model.made.__func__: "Model",
        Model.made(1.0): "Model",
        Model._Part.method: "_Part",
        Model.__dict__["__"].method: "__",
        Model.table["lambda"]: "Model",
        outer: None,
    }
    assert {f: read(f).class_name for f in functions} == functions


@pytest.mark.parametrize("name", ["__x", "__x__", "_x", "x", "__", "___x", "__x_", "_"])
@pytest.mark.parametrize("owner", ["A", "_A", "__A", "_", "__", "A_"])
def test_names_are_mangled_as_python_does(load, owner, name):
    made = load(f"class {owner}:\n    def method(self): return self.{name}")
    method = getattr(made, owner).method
    assert (read(method).mangled(name),) == method.__code__.co_names


def test_outside_of_a_class_body_nothing_is_mangled(load):
    made = load("""
        def mark(value):
            return lambda kind: setattr(kind, "mark", value) or kind

        class Outer:
            @mark(lambda x: x.__a)
            class Inner(mark(lambda x: x.__b)(type("Base", (), {}))):
                c = lambda x: x.__c
    """)
    inner = made.Outer.Inner
    for f, owner in [(inner.__dict__["mark"], "Outer"), (inner.__base__.mark, "Outer"), (inner.c, "Inner")]:
        source = read(f)
        assert source.class_name == owner
        assert (source.mangled(source.node.body.attr),) == f.__code__.co_names


def test_generators_and_coroutines_are_read_too(load):
    made = load("""
        async def coroutine(x):
            return x
        def generator(x):
            yield x
        async def both(x):
            yield x
        pending = lambda x: (yield x)
    """)
    assert isinstance(read(made.coroutine).node, ast.AsyncFunctionDef)
    assert isinstance(read(made.generator).node, ast.FunctionDef)
    assert isinstance(read(made.both).node, ast.AsyncFunctionDef)
    assert isinstance(read(made.pending).node.body, ast.Yield)


def test_the_same_name_twice(load):
    made = load("""
        def f(x): return x
        first = f
        if True:
            def f(x): return x
        try:
            pass
        finally:
            def g(x): return lambda: x
        class f(int):
            def f(x): return x
    """)
    assert [read(f).node.lineno for f in (made.first, made.f.f, made.g, made.g(1))] == [2, 11, 9, 9]


def test_equal_code_of_two_files(load):
    first, second = (load("f = lambda x: x\ndef g(x): return x", name) for name in ("first", "second"))
    assert first.g.__code__ == second.g.__code__  # equality of code does not see the file
    for name in "fg":
        assert [os.path.basename(read(vars(m)[name]).filename) for m in (first, second)] == ["first.py", "second.py"]


def test_generic_functions(load):
    if sys.version_info < (3, 12):
        pytest.skip("the syntax is new in Python 3.12")
    made = load("""
        def first[T](x: T) -> T:
            return x
        class Box[T]:
            def get(self, x: T) -> T:
                return self.__x
    """)
    assert read(made.first).node.name == "first"
    assert read(made.Box.get).class_name == "Box"


# ---------------------------------------------------------------- lambdas


def test_several_lambdas_on_one_line(load):
    made = load("fs = [lambda x: x + 1, lambda x: x + 2, lambda y: y, lambda *a, k=3, **o: a]")
    assert [ast.unparse(read(f).node) for f in made.fs] == [
        "lambda x: x + 1",
        "lambda x: x + 2",
        "lambda y: y",
        "lambda *a, k=3, **o: a",
    ]


EQUAL = ["x", "x + 1", "[i for i in x]", "x if x else 2", "(x and y)", "f'{x} {y}'", "x < 1 < 2", "(yield)", "-x"]
EQUAL += ["lambda: x", "(x, lambda: x)[0]", "{**x}", "not x", "x[0]", "x.a", "x(*y)", "(z := x)", "(i for i in x)"]


@pytest.mark.parametrize("body", EQUAL)
def test_lambdas_with_equal_code_are_told_apart_by_their_columns(load, body):
    made = load(f"fs = [lambda x: {body}, lambda x: {body}, (lambda x:\n {body}), lambda x: {body}]")
    expected = sorted(n.col_offset for n in ast.walk(ast.parse(f"[lambda x: {body}, lambda x: {body}]")) if is_plain(n))
    nodes = [read(f).node for f in made.fs]
    assert [(n.lineno, n.col_offset) for n in nodes[:2]] == [(1, 5 + c) for c in expected]
    assert [n.lineno for n in nodes] == [1, 1, 1, 2]


def is_plain(node):
    return isinstance(node, ast.Lambda) and len(node.args.args) == 1


def test_lambdas_that_return_constants(load):
    """Python 3.12 gives no columns to these."""
    made = load("fs = [lambda: 1, lambda: 1.0, lambda: True, lambda: None, lambda: 2, lambda: -0.0, lambda: 0.0]")
    texts = ["1", "1.0", "True", "None", "2", "-0.0", "0.0"]
    assert [ast.unparse(read(f).node.body) for f in made.fs] == texts
    made = load("fs = lambda: (lambda: (lambda: 1)), lambda: 2, lambda:\\\n 3, lambda: (1,\n 2), lambda: 3", "more")
    fs = [*made.fs, made.fs[0](), made.fs[0]()()]
    texts = ["lambda: lambda: 1", "2", "3", "(1, 2)", "3", "lambda: 1", "1"]
    assert [ast.unparse(read(f).node.body) for f in fs] == texts
    assert [read(f).node.lineno for f in fs] == [1, 1, 1, 2, 3, 1, 1]


def test_lambdas_within_lambdas(load):
    made = load("""
        f = lambda x: lambda y: lambda z: (x, y, z)
        g = (lambda a=(lambda x: x),
                    b=lambda x: x: lambda x:
             (a, b, lambda x: x, x))
        def h(x=lambda x: x, y=lambda x: x): return x, y
    """)
    chain = [made.f, made.f(1), made.f(1)(2)]
    assert [ast.unparse(read(f).node.args) for f in chain] == ["x", "y", "z"]
    a, b = made.g.__defaults__
    inner = made.g()
    last = inner(0)[2]
    places = [(read(f).node.lineno, read(f).node.col_offset) for f in (made.g, a, b, inner, last)]
    assert places == [(3, 5), (3, 15), (4, 14), (4, 27), (5, 12)]
    assert [read(f).node.col_offset for f in made.h.__defaults__] == [8, 23]


def test_lambdas_of_one_expression_over_many_lines(load):
    made = load("""
        fs = (lambda x: x,
              lambda x:
                  x, lambda x: (
            x), lambda
        x: x, lambda \\
          x: x)
    """)
    assert [read(f).node.lineno for f in made.fs] == [2, 3, 4, 5, 6]
    assert [read(f).node.body.lineno for f in made.fs] == [2, 4, 5, 6, 7]


def labelled(rng, depth):
    """A lambda whose body says how many came before it, with others in its defaults and its body."""
    number = next(labelled.count)
    parts = [labelled(rng, depth - 1) for _ in range(rng.integers(0, 3) if depth else 0)]
    gap = lambda: rng.choice(["", " ", "\n ", "é"[:0]])
    default = f" a={labelled(rng, depth - 1)}" if depth and rng.random() < 0.5 else ""
    body = f"({gap()}'é', keep({gap()}[{f',{gap()}'.join(parts)}], {number}{gap()}))[{gap()}1]"
    return f"(lambda{default}:{gap()}{body})"


@pytest.mark.parametrize("seed", range(20))
def test_lambdas_that_nobody_wrote(load, seed):
    rng = np.random.default_rng(seed)
    labelled.count = iter(range(10**6))
    made = load(f"def keep(parts, number): return parts, number\nf = {labelled(rng, 4)}")
    waiting = [made.f]
    while waiting:
        f = waiting.pop()
        parts, number = f()
        assert read(f).node.body.value.elts[1].args[1].value == number
        waiting += [*parts, *(f.__defaults__ or ())]


# ---------------------------------------------------------------- places


def test_columns_count_characters_and_nothing_is_shifted(load):
    made = load(
        "class A:\n"
        "\tdef tabs(self, x):\n"
        "\t\treturn  x+1.0\n"
        "    \n"
        "def letters(größe, 数): return 'αβγ𝔘', größe*数, 'é'\n"
        "def continued(x): \\\n"
        "    return x \\\n"
        "      + 1.0\n"
        "def \\\n"
        "  late \\\n"
        "  (x): return x-1.0\n"
    )
    source = read(made.A.tabs)
    assert source.position(source.node.body[0].value) == Position(made.__file__, 3, 10, 15)
    source = read(made.letters)
    product = source.node.body[0].value.elts[1]
    assert source.position(product) == Position(made.__file__, 5, 38, 45)
    assert text_at(source, product) == "größe*数"
    assert text_at(source, source.node.args.args[1]) == "数"
    source = read(made.continued)
    assert source.position(source.node.body[0].value) == Position(made.__file__, 7, 11)
    assert source.position(source.node.body[0].value.right) == Position(made.__file__, 8, 8, 11)
    source = read(made.late)
    assert source.node.lineno == 9
    assert text_at(source, source.node.body[0].value) == "x-1.0"


def test_every_node_has_the_place_that_its_instructions_have(load):
    made = load("def f(x, y):\n    'ünï'; return ('é', x) and ('é', y * x)\n")
    source = read(made.f)
    places = {
        (n.lineno, n.end_lineno, n.col_offset, n.end_col_offset)
        for n in ast.walk(source.node)
        if isinstance(n, ast.expr)
    }
    widths = {p for p in made.f.__code__.co_positions() if p[2] is not None and p[2] < p[3]}
    statement = source.node.body[1]
    statement = (statement.lineno, statement.end_lineno, statement.col_offset, statement.end_col_offset)
    assert widths - {statement} <= places


@pytest.mark.parametrize("encoding, cookie", [("latin-1", "# -*- coding: latin-1 -*-\n"), ("utf-8-sig", "")])
def test_other_encodings(load, encoding, cookie):
    made = load(f"{cookie}def f(é): return 'ü', é\ng, h = lambda é: é, lambda é: é", encoding=encoding)
    source = read(made.f)
    assert text_at(source, source.node.body[0].value.elts[1]) == "é"
    assert read(made.h).node.col_offset > read(made.g).node.col_offset


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n\f", "\n#\u2028\n"])
def test_line_ends_and_what_looks_like_one(load, tmp_path, end):
    path = tmp_path / "ends.py"
    path.write_bytes(f"A = 'a\x0cb\x1c\x85'{end}def f(x):{end[:2]}\n    return x+1.0".encode())
    source = read(imported(path).f)
    assert source.lines[source.node.body[0].lineno - 1] == "    return x+1.0"
    assert text_at(source, source.node.body[0].value) == "x+1.0"


def test_strings_with_expressions(load):
    made = load('f = lambda x: f"é{x + 1}" f"{(lambda y: y)(x)}"\ng = lambda x: f"""\n{x}{(lambda y: y)}"""')
    source = read(made.f)
    for node in ast.walk(source.node):
        if hasattr(node, "lineno"):
            source.position(node)
    assert isinstance(read(made.g).node, ast.Lambda)


def test_deep_expressions(load):
    made = load("def f(x):\n    return " + " + ".join(["x"] * 900) + "\ng = lambda x: x")
    assert read(made.f).node.name == "f"
    assert read(made.g).node.lineno == 4 - 1


# ---------------------------------------------------------------- the text is not what runs


def test_a_changed_file_is_noticed(load, tmp_path):
    made = load("def f(x):\n    return x * 2.0")
    load("def f(x):\n    return x * 3.0")
    error = refusal(made.f)
    assert error.what == "the source of `f` at model.py:1 is not what Python runs"
    assert error.where.filename == __file__


BEFORE = "def f(x, y):\n    a = x.b\n    return (lambda: a * 2)() + y\n"
CHANGES = {
    "constant": ("* 2", "* 3"),
    "type of a constant": ("* 2", "* 2.0"),
    "constant of an inner lambda": ("a * 2", "a * 4"),
    "operator": ("+ y", "- y"),
    "name": ("x.b", "x.c"),
    "order of arguments": ("x, y", "y, x"),
    "keyword only": ("x, y", "x, *, y"),
    "local": ("a = x.b\n    return (lambda: a", "z = x.b\n    return (lambda: z"),
    "async": ("def", "async def"),
    "syntax": ("def", "dfe"),
    "null byte": ("def", "\0def"),
    "empty": (BEFORE, ""),
    "renamed": ("f(", "g("),
    "return outside of functions": ("+ y\n", "- y\nreturn 5\n"),
    "break outside of loops": ("+ y\n", "- y\nbreak\n"),
    "an argument twice": ("x, y", "x, x"),
    "a future that is none": ("+ y\n", "- y\nfrom __future__ import nope\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_the_code_is_noticed(load, change):
    made = load(BEFORE)
    with open(made.__file__, "w") as file:
        file.write(BEFORE.replace(*CHANGES[change]))
    refusal(made.f)


def test_changes_elsewhere_in_the_file_do_not_matter(load):
    made = load(BEFORE)
    load(BEFORE + "\ndef g(x): return x")
    assert read(made.f).node.name == "f"


def test_text_that_python_already_had_is_older_than_the_file(load):
    made = load("def f(x): return x * 2.0")
    linecache.getline(made.__file__, 1)
    newer = load("def f(x): return x * 3.0  # longer")
    assert read(made.f).node.body[0].value.right.value == 2.0
    linecache.checkcache()
    assert read(newer.f).node.body[0].value.right.value == 3.0
    assert read(made.f).node.body[0].value.right.value == 2.0, "known from its first reading"


def test_stale_text_is_read_anew(load):
    made = load("def f(x): return x * 2.0")
    assert read(made.f).node.body[0].value.right.value == 2.0
    newer = load("\n\ndef f(x): return x * 3.0")
    assert read(newer.f).node.body[0].value.right.value == 3.0


def test_code_swapped_in_a_function_is_read_anew(load):
    made = load("def f(x): return x * 2.0\ndef g(x): return x * 3.0")
    read(made.f)
    made.f.__code__ = made.g.__code__
    assert read(made.f).node.name == "g"


def test_rewritten_code_is_refused(load):
    made = load("def f(x): return x * 2.0")
    made.f.__code__ = made.f.__code__.replace(co_consts=(None, 5.0))
    assert "a tool rewrote the code" in refusal(made.f).because


def test_code_that_moved_is_found_where_it_is_now(load):
    made = load("def f(x): return x\nclass A:\n def g(self): return lambda: self\nclass B:\n def g(self): return self")
    load("import os\n\nclass B:\n  def g(self):\n\n    return self\nclass A(B):\n  def g(self): return lambda:  self\n"
         "if 1:\n  try: pass\n  finally:\n    def f(x): return x")  # fmt: skip
    functions = [made.f, made.A.g, made.A().g(), made.B.g]
    assert [read(f).node.lineno for f in functions] == [12, 8, 8, 4]
    assert read(made.A().g()).node.body.col_offset == 31


def test_calls_of_what_is_imported_are_found_in_their_own_statement(load, monkeypatch):
    """Python calls a name's attribute by other instructions where the module imports the name."""
    monkeypatch.setattr(module.File, "find_moved", lambda self, code: pytest.fail(f"{code.co_name} was not found"))
    names = load(
        """
        from __future__ import annotations
        import numpy as np, os.path
        if True:
            import scipy.linalg as sl
        try:
            import math
        except ImportError:
            math = None
        else:
            import cmath
            def f0(x): return cmath.sin(x)

        def f1(x, i):
            return np.sum(x) + math.sin(i) + sl.norm(x) + os.path.sep.count("a")

        f2 = lambda x, i: (lambda y: np.sum(y * i))(x)
        f3 = lambda x, i: (lambda y: np.sum(y * i))(x)
        pair = [(lambda x: np.sin(x)), (lambda x: np.sin(x))]

        class C:
            import operator
            def f4(self, x): return self.operator.neg(np.sin(x))

        def late(x): return json.dumps(x)
        import json
        """
    )
    found = [names.f0, names.f1, names.f2, names.f3, *names.pair, names.C.f4, names.late]
    assert [read(f).node.lineno for f in found] == [12, 14, 17, 18, 19, 19, 23, 25]


def test_code_that_may_have_moved_to_two_places_is_not_guessed(load):
    made = load("h, k = lambda x: x, lambda y: y")
    load("k, h = lambda y: y, lambda x: x")
    assert [ast.unparse(read(f).node) for f in (made.h, made.k)] == ["lambda x: x", "lambda y: y"]
    made = load("def f(x): return x\nh, k = lambda x: x, lambda x: x", "more")
    load("\ndef f(x): return x\ng = f\ndef f(x): return x\nh, k = lambda x: x, lambda x: x", "more")
    for f in (made.f, made.h, made.k):
        refusal(f)


def test_autoreload():
    """IPython compiles the text that `ast.unparse` makes of an edited function, in the name of the file."""
    name = os.path.join(os.path.dirname(__file__), "no_such_file.py")
    text = "# a comment\n\nclass A:\n    # another\n    def f(self, x): return (x*2.0)"
    linecache.cache[name] = len(text), None, text.splitlines(True), name
    namespace = {}
    exec(compile("class __autoreload_class__:\n    def f(self, x):\n        return x * 2.0", name, "exec"), namespace)
    source = read(namespace["__autoreload_class__"].f)
    assert source.class_name == "A"
    assert text_at(source, source.node.body[0].value) == "x*2.0"


def with_assertion(x):
    assert x > 0.0, "positive"
    assert all(v > 0 for v in [x]) and isinstance(x, float)

    def inner(y):
        assert y == 3.5
        return y

    return inner


def test_functions_with_assertions_that_pytest_rewrote():
    assert len(read(with_assertion).node.body) == 4
    assert read(with_assertion(1.0)).node.name == "inner"
    assert ast.unparse(read(lambda x: x + 1.0).node) == "lambda x: x + 1.0"


def test_rewritten_assertions_do_not_hide_a_change(load):
    text = "def f(x):\n    assert x > 1.0\n    return x * 2.0"
    for change, what in [("2.0", "3.0"), ("x * ", "y * "), ("f(x)", "f(x, y)")]:
        made = load(text)
        made.f.__globals__["@pytest_ar"] = None
        load(text.replace(change, what))
        refusal(made.f)


def test_running_and_tracing_code_does_not_change_it(load):
    made = load("def f(x):\n    s = 0.0\n    for i in range(100):\n        s = s + x[i % 2]\n    return s")
    before = sys.gettrace()
    try:
        sys.settrace(lambda *args: None)
        for _ in range(100):
            made.f([1.0, 2.0])
        assert read(made.f).node.name == "f"
    finally:
        sys.settrace(before)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in Python 3.12")
def test_monitored_code(load):
    made = load("def f(x):\n    return x + 1.0")
    monitoring = sys.monitoring
    monitoring.use_tool_id(4, "test")
    try:
        monitoring.set_local_events(4, made.f.__code__, monitoring.events.LINE | monitoring.events.INSTRUCTION)
        made.f(1.0)
        assert read(made.f).node.name == "f"
    finally:
        monitoring.set_local_events(4, made.f.__code__, 0)
        monitoring.free_tool_id(4)


def test_routed_functions_are_those_of_the_file():
    seen = []

    def f(x):
        seen.append(read(inner).node.name)
        return inner(x)

    def inner(x):
        return x * x

    wg.grad(f)(2.0)
    assert seen == ["inner"]


# ---------------------------------------------------------------- where text comes from


def test_no_text_no_source():
    namespace = {}
    exec("def f(x): return x", namespace)
    error = refusal(namespace["f"])
    assert error.because == "it was made by `exec`, by `python -c` or by a library that writes code"
    assert error.where.filename == __file__


def test_generated_methods_have_no_source():
    @dataclasses.dataclass
    class Pair:
        x: float

    refusal(Pair.__init__)


@pytest.mark.parametrize("f", [math.sin, np.sin, np.dot, len, str.upper, operator.add, Model, Model(1.0), 3, None])
def test_what_is_no_python_function(f):
    assert "has no Python source" in refusal(f).what


def test_a_deleted_file(load, tmp_path):
    made = load("def f(x): return x", "gone")
    (tmp_path / "gone.py").unlink()
    assert refusal(made.f).because == f"Python has no text for {made.__file__}"


def test_a_cell_of_a_notebook():
    """IPython compiles cells so, and leaves their text in linecache; `from __future__` holds for later cells."""
    text = "await nothing()\ndef f(x: no_such_name): return x * 2.0\nfs = [lambda x: x, lambda x: x]"
    name = "/tmp/ipykernel_1/123.py"
    linecache.cache[name] = len(text), None, text.splitlines(True), name
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | __future__.annotations.compiler_flag
    code = compile(text, name, "exec", flags)
    namespace = {}
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            namespace.setdefault(part.co_name, []).append(types.FunctionType(part, {}))
    assert read(namespace["f"][0]).node.body[0].value.right.value == 2.0
    assert [read(f).node.col_offset for f in namespace["<lambda>"]] == [6, 19]


def test_in_doctests(capsys):
    text = """
    >>> from wengert.frontend.read import read
    >>> import ast
    >>> def f(x):
    ...     y = x * 2.0
    ...     return y
    >>> g, h = lambda x: x, lambda x: x
    >>> read(f).filename, read(f).node.lineno
    ('<doctest example[2]>', 1)
    >>> read(g).node.col_offset, read(h).node.col_offset
    (7, 20)
    >>> read(f).position(read(f).node.body[0].value)
    Position(filename='<doctest example[2]>', line=2, column=8, end_column=15)
    """
    test = doctest.DocTestParser().get_doctest(text, {}, "example", "example", 0)
    result = doctest.DocTestRunner().run(test)
    assert (result.failed, result.attempted) == (0, 7), capsys.readouterr().out


def test_in_a_zip_archive(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("packed_model.py", "fs = [lambda x: x, lambda x: x]\ndef f(x): return x")
    monkeypatch.syspath_prepend(tmp_path / "packed.zip")
    import packed_model

    assert read(packed_model.f).node.lineno == 2
    assert read(packed_model.fs[1]).node.col_offset == 19


def test_functions_that_programs_write_with_linecache():
    text = "def f(x):\n    return x + 1"
    linecache.cache["<written 1>"] = len(text), None, text.splitlines(True), "<written 1>"
    namespace = {}
    exec(compile(text, "<written 1>", "exec"), namespace)
    assert ast.unparse(read(namespace["f"]).node) == text


def test_warnings_of_the_file_are_not_given_again(load):
    path = load("").__file__
    text = "def f(x): return x is 'a', '\\d'"
    with open(path, "w") as file:
        file.write(text)
    namespace = {}
    with pytest.warns():
        exec(compile(text, path, "exec"), namespace)
    assert read(namespace["f"]).node.name == "f"


SCRIPT = """
from wengert import Diagnostic
from wengert.frontend.read import read

def f(x): return x * 2.0

fs = [lambda x: x, lambda x: x, lambda: 1, lambda: 2, lambda: (lambda x: x)]

try: print(read(f).node.lineno, [read(f).node.col_offset for f in fs], read(fs[4]()).node.col_offset)
except Diagnostic as e: print(e.because)

"""
FOUND = "5 [6, 19, 32, 43, 54] 63\n"
COLUMNLESS = "5 [19, 19, 32, 43, 54] 63\n"  # where the code is equal, any will do
STRING = "it was made by `exec`, by `python -c` or by a library that writes code\n"
PROMPT = "it was typed at a prompt of Python that keeps no text\n"


def run(*args, **options):
    folder = os.path.dirname(os.path.dirname(wg.__file__))
    environment = os.environ | {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", *args], capture_output=True, text=True, env=environment, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("options", [[], ["-O"], ["-OO"], ["-X", "no_debug_ranges"]], ids=" ".join)
def test_scripts(tmp_path, options):
    (tmp_path / "script.py").write_text(SCRIPT)
    expected = COLUMNLESS if "no_debug_ranges" in options else FOUND
    assert run(*options, "script.py", cwd=tmp_path) == expected


def test_scripts_that_change_their_folder(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT.replace("\ntry", "import os; os.chdir('/')\ntry"))
    assert run("-m", "script", cwd=tmp_path) == FOUND
    assert run("script.py", cwd=tmp_path) == FOUND


def test_where_python_keeps_no_text():
    keeps = sys.version_info >= (3, 13)
    assert run("-c", SCRIPT) == (FOUND if keeps else STRING)
    assert run("-", input=SCRIPT) == PROMPT
    assert run("-i", "-q", input=SCRIPT) == ("1 [6, 19, 32, 43, 54] 63\n" if keeps else PROMPT)


# ---------------------------------------------------------------- the caches


def test_a_function_is_read_once_and_a_file_parsed_once(load):
    made = load("def f(x): return x\ndef g(x): return lambda: x")
    module.parse.cache_clear()
    assert read(made.f) is read(made.f)
    assert read(made.g(1)) is read(made.g(2))
    read(made.g)
    assert module.parse.cache_info().misses == 1


def test_what_is_known_of_code_goes_with_it(load):
    made = load("def f(x): return x")
    key = id(made.f.__code__)
    read(made.f)
    assert key in module._sources
    del made
    gc.collect()
    assert key not in module._sources


def test_threads(load):
    filters = list(warnings.filters)
    made = load("\n".join(f"def f{i}(x): return x + {i}" for i in range(200)))
    functions = [getattr(made, f"f{i}") for i in range(200)]
    found = [[] for _ in range(4)]
    threads = [threading.Thread(target=lambda k=k: found[k].extend(map(read, functions))) for k in range(4)]
    for step in ("start", "join"):
        for thread in threads:
            getattr(thread, step)()
    assert all([s.node.name for s in row] == [f.__name__ for f in functions] for row in found)
    assert warnings.filters == filters


# ---------------------------------------------------------------- everything at hand


LIBRARIES = ["statistics", "functools", "dataclasses", "inspect", "typing", "argparse", "numpy.lib._function_base_impl"]


@pytest.mark.filterwarnings("ignore")  # packages warn when their attributes are looked at
@pytest.mark.parametrize("name", LIBRARIES)
def test_all_functions_of_files_that_others_wrote(name):
    file = importlib.import_module(name).__file__
    functions = [f for f in gc.get_objects() if type(f) is types.FunctionType and f.__code__.co_filename == file]
    with open(file) as text:
        tree = ast.parse(text.read())
    named = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)} | {"<lambda>"}
    assert len(functions) > 10
    for f in functions:
        if f.__code__.co_name not in named:  # Python 3.12 makes functions of type parameters and of `type` statements
            refusal(f)
            continue
        node, code = read(f).node, f.__code__
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        assert getattr(node, "name", "<lambda>") == code.co_name
        assert [read(f).mangled(n) for n in names] == list(code.co_varnames[: len(names)])
        assert all(node.lineno <= line <= node.end_lineno or line < node.lineno for *_, line in code.co_lines() if line)
