"""Seed -> text of a module.

The text stands for itself: `arguments()` gives fresh arguments of `f`, `change()` changes what f reads besides.
A seeded writer rather than hypothesis strategies: a program takes 550 draws, 28 ms by hypothesis and 1 ms here, where
all eager checks take 8 ms; and its preference for small examples works against the mix.  `shrink.py` shrinks the text.

Every vector of a program has the same length, every matrix the same shape.  Indices are in range by construction:
each int name has an interval.  Values stay near one: what is assigned passes through a sine, a tanh or a small factor.
"""

import random
import re

SCALARS, VECTORS, MATRICES = "stuvrz", "pqwh", "PQ"
INTS, COUNTERS = "ijkl", "cde"
DEEPEST = 3

# {s}: a scalar, {S}: the same in parentheses where needed; v and m: vector, matrix; i, r: index of an entry, of a row
# c: constant, o: condition, e: integer
SCALAR = [
    "{S} + {S}",
    "{S} - {S}",
    "{S} * {S}",
    "{S} * {S}",
    "{S} * {S}",
    "{S} / (2.0 + np.cos({s}))",
    "np.sin({s})",
    "np.tanh({s})",
    "math.sin({s})",
    "math.tanh({s})",
    "np.exp(-({s}) ** 2)",
    "math.exp(-abs({s}))",
    "np.sqrt(1.0 + {S} ** 2)",
    "np.log(1.5 + np.sin({s}))",
    "np.maximum({s}, {s})",
    "min({s}, {s})",
    "abs({s})",
    "({s} if {o} else {s})",
    "0.5 * {S} ** 2",
    "np.sum({v}) / {L}",
    "np.dot({v}, {v}) / {L}",
    "{V}.sum() / {L}",
    "({V} @ {V}) / {L}",
    "np.mean({m})",
    "{S} * {e} / {L}",
]
VECTOR = [
    "{V} + {V}",
    "{V} - {V}",
    "{V} * {V}",
    "{S} * {V}",
    "{V} * {S}",
    "{V} + {S}",
    "np.sin({v})",
    "np.tanh({v})",
    "np.exp(-({v}) ** 2)",
    "{V} / (1.5 + {V} ** 2)",
    "np.maximum({v}, {s})",
    "np.where({V} > {c}, {v}, {v})",
    "np.abs({v})",
    "{M}.sum(axis=0)",
    "np.array([{each}])",
]
MATRIX = ["{M} + {M}", "{M} * {M}", "{M} * {S}", "{M} + {V}", "np.sin({m})", "np.tanh({m})", "{S} - {M}"]
EXPRESSIONS = {"s": SCALAR, "v": VECTOR, "m": MATRIX}
CONDITION = [
    "{s} > {c}",
    "{s} < {c}",
    "{s} < {s}",
    "{S} * {S} > {c}",
    "{low} < {s} < {high}",
    "not {s} > {c}",
    "{s} > {c} and {s} < {c}",
    "{s} > {c} or {e} == 1",
    "{e} > 0 and {s} < {c}",
    "{s} > {c} or not {s} < {c}",
    "{e} % 2 == 0",
    "{e} < {e}",
]
STATEMENTS = {
    "assign": 8,
    "augment": 4,
    "write_entry": 6,
    "augment_entry": 5,
    "write_slice": 2,
    "write_row": 3,
    "augment_array": 3,
    "new_array": 3,
    "rebind_array": 2,
    "alias": 2,
    "swap": 3,
    "new_int": 1,
    "branch": 6,
    "first_set_in_branch": 1.5,
    "loop": 7,
    "loop_over_array": 1,
    "accumulate": 1.5,
    "counted_while": 2,
    "contraction": 1,
    "endless_while": 0.7,
    "call_writer": 4,
    "local_function": 1,
    "leave": 1.8,
}
REGIONS = {"branch", "loop", "loop_over_array", "counted_while", "endless_while"}
HEADER = {
    "GAIN": "GAIN = {0}",
    "STEPS": "STEPS = {steps}",
    "TABLE": "TABLE = np.array([{row}])",
    "WEIGHTS": "WEIGHTS = np.array([{row}])",
    "model": """class Model:
    def __init__(self):
        self.rate = {0}
        self.bias = np.array([{row}])


model = Model()""",
    "blend": """def make_blend(rate, weights):
    def blend(u):
        return rate * np.sin(u) + 0.2 * np.sum(weights * np.tanh(u * weights))

    def reset(value):
        nonlocal rate
        rate = value

    return blend, reset


blend, reset = make_blend({0}, WEIGHTS)""",
}
CHANGES = {
    "GAIN": ["global GAIN", "GAIN = {0}"],
    "STEPS": ["global STEPS", "STEPS = {steps}"],
    "TABLE": ["TABLE[1] = {0}"],
    "WEIGHTS": ["global WEIGHTS", "WEIGHTS[0] = {0}", "WEIGHTS = np.array([{row}])"],
    "model": ["model.rate = {0}", "model.bias[0] = {0}", "model.bias = model.bias[::-1].copy()"],
    "blend": ["reset({0})"],
}


def source(seed, leave_out=frozenset()):
    """Text of program number `seed`; `leave_out` names statements that shall not occur."""
    return Writer(seed, leave_out).module()


class Writer:
    def __init__(self, seed, leave_out=frozenset()):
        self.random = random.Random(seed)
        self.length, self.rows = self.random.randint(3, 5), self.random.randint(2, 3)
        self.kinds = [k for k in STATEMENTS if k not in leave_out]
        self.weights = [STATEMENTS[k] for k in self.kinds]
        self.helpers = {"s": [], "v": [], "write": []}
        self.outside = {"s": ["GAIN", "model.rate"], "v": ["TABLE", "model.bias"], "e": ["STEPS"]}
        self.functions = 0
        self.start({})

    def start(self, scope):
        """A new function body: names in scope with their kinds."""
        self.scope, self.interval, self.frozen = dict(scope), {}, set()
        self.lines, self.depth, self.loops, self.left, self.last = [], 1, [], 0, "s"

    # ---------------------------------------------------------------- module

    def module(self):
        r = self.random
        if r.random() < 0.6:
            for _ in range(r.randint(1, 2)):
                self.helper()
        helpers = "\n\n\n".join(text for group in self.helpers.values() for _, text in group)
        f = self.function()
        body = "\n\n\n".join(filter(None, [helpers, f]))
        used = [name for name in HEADER if re.search(rf"\b{name}\b", body)]
        if "blend" in used and "WEIGHTS" not in used:
            used.insert(0, "WEIGHTS")
        head = "".join(("\n\n" * ("\n" in HEADER[name])) + self.filled(HEADER[name]) + "\n" for name in used)
        changes = [line for name in used for line in CHANGES[name]]
        changes.sort(key=lambda line: not line.startswith("global"))
        change = "\n".join("    " + self.filled(line) for line in changes or ["pass"])
        return (
            f"import math\n\nimport numpy as np\n\n{head.strip()}\n\n\n{body}\n\n\n"
            f"def arguments():\n    return {self.values}\n\n\ndef change():\n{change}\n"
        ).replace("\n\n\n\n\n", "\n\n\n")

    def filled(self, template):
        values = {"{0}": self.constant(), "{row}": self.row(), "{steps}": str(self.random.randint(0, 3))}
        return re.sub(r"\{\w+\}", lambda m: values[m[0]], template)

    def row(self, n=None):
        return ", ".join(repr(round(self.random.uniform(-1, 1), 3)) for _ in range(n or self.length))

    def function(self):
        """Text of `f`, sometimes made by a factory whose float and array it captures."""
        r = self.random
        self.returns = "s"
        kinds = r.choice(["ssv", "sv", "svv", "svv", "ssvm", "svm", "vm", "ssvv", "vv", "sm"]) + "e"
        names = {"s": iter("xy"), "v": iter("ab"), "m": iter("A"), "e": iter("n")}
        parameters = [(next(names[k]), k) for k in kinds]
        self.values = ", ".join(self.sample(k) for _, k in parameters)
        captured = {"shift": "s", "taps": "v"} if r.random() < 0.25 else {}
        self.start({**dict(parameters), **captured})
        self.frozen |= set(captured)
        self.interval["n"] = (0, self.length)
        self.left = r.randint(8, 16)
        while self.left > 0:
            self.statement()
        if r.random() < 0.8 and not any(self.lines[k].startswith(" " * 12) for k in range(len(self.lines))):
            self.left = 6
            self.nest()
        self.emit(f"return {self.total()}")
        text = "\n".join([f"def f({', '.join(name for name, _ in parameters)}):", *self.lines])
        if not captured:
            return text
        inner = "\n".join("    " + line for line in text.split("\n"))
        values = f"{self.constant()}, np.array([{self.row()}])"
        return f"def make(shift, taps):\n{inner}\n\n    return f\n\n\nf = make({values})"

    def sample(self, kind):
        if kind == "s":
            return repr(round(self.random.uniform(-1, 1), 3))
        if kind == "v":
            return f"np.array([{self.row()}])"
        if kind == "m":
            return f"np.array([{', '.join(f'[{self.row()}]' for _ in range(self.rows))}])"
        return str(self.random.choice([0, 1, 2, 2, 3, self.length]))

    def total(self):
        """What is returned: of everything in scope a bit."""
        scalars, vectors, matrices = (self.names(k) for k in "svm")
        arrays = self.random.sample(vectors + matrices, min(4, len(vectors + matrices)))
        terms = self.random.sample(scalars, min(4, len(scalars)))
        terms += [f"np.sum(np.sin({self.constant()} * {a}))" for a in arrays]
        return " + ".join(terms)

    def helper(self):
        """A function of its own: of scalars, of a vector, or one that writes into its argument."""
        r = self.random
        kind = r.choice(["s", "v", "write", "write"])
        self.returns = kind
        name = {"s": "gauge", "v": "smooth", "write": "push"}[kind] + str(len(self.helpers[kind]) or "")
        self.start({"u": "s", "v": "s"} if kind == "s" else {"w": "v", "u": "s"})
        if kind == "write":
            self.left = 2
            self.write_entry() if r.random() < 0.5 else self.write_slice()
        self.left = r.randint(1, 4)
        while self.left > 0:
            self.statement()
        if kind != "write":
            self.emit(f"return {self.scalar(2) if kind == 's' else self.fresh('v', 2)}")
        parameters = "u, v" if kind == "s" else "w, u"
        text = "\n".join([f"def {name}({parameters}):", *self.lines])
        self.helpers[kind].append((name, text))

    # ---------------------------------------------------------------- names and lines

    def emit(self, line):
        self.lines.append("    " * self.depth + line)

    def names(self, kind, writable=False):
        return [n for n, k in self.scope.items() if k == kind and not (writable and n in self.frozen)]

    def pick(self, kind, writable=True):
        names = self.names(kind, writable)
        return self.random.choice(names) if names else None

    def new(self, kind):
        letters = {"s": SCALARS, "v": VECTORS, "m": MATRICES, "e": INTS, "c": COUNTERS, "function": "g"}[kind]
        free = [c for c in letters if c not in self.scope]
        if free:
            return free[0]
        count = sum(name[0] in letters for name in self.scope)
        return f"{letters[0]}{count}"

    def define(self, name, kind, interval=None):
        self.scope[name] = kind
        if interval:
            self.interval[name] = interval

    # ---------------------------------------------------------------- expressions

    def constant(self):
        return repr(round(self.random.uniform(0.05, 0.95), 2))

    def part(self, letter, depth):
        """What stands for one {letter} of a template."""
        if letter.lower() in EXPRESSIONS:
            text = self.expression(letter.lower(), depth)
            return f"({text})" if letter.isupper() and compound(text) and letter != "L" else text
        return {
            "L": lambda: f"{self.length}.0",
            "c": lambda: repr(round(self.random.uniform(-0.6, 0.6), 2)),
            "o": lambda: self.condition(depth),
            "e": self.integer,
            "low": lambda: repr(round(self.random.uniform(-0.9, -0.1), 2)),
            "high": lambda: repr(round(self.random.uniform(0.1, 0.9), 2)),
            "each": lambda: ", ".join(self.scalar(min(depth, 1)) for _ in range(self.length)),
        }[letter]()

    def fill(self, template, depth):
        """Each {letter} replaced; the parts of one template differ where they can: x - x tests little."""
        parts = []

        def part(match):
            for _ in range(4):
                text = self.part(match[1], depth)
                if text not in parts:
                    break
            parts.append(text)
            return text

        return re.sub(r"\{(\w+)\}", part, template)

    def expression(self, kind, depth):
        if depth <= 0 or self.random.random() < 0.15:
            return self.leaf(kind)
        return self.fresh(kind, depth)

    def fresh(self, kind, depth):
        """A value in memory of its own."""
        called = self.called(kind, depth)
        if called:
            return called
        template = self.random.choice(EXPRESSIONS[kind])
        if "m}" in template.lower() and not self.names("m"):
            template = "{S} * {S}" if kind == "s" else "{S} * {V}"
        return self.fill(template, depth - 1)

    def called(self, kind, depth):
        """A call of a helper or a closure, now and then."""
        r = self.random
        local = self.names("function") if kind == "s" else []
        options = [name for name, _ in self.helpers.get(kind, [])] + local
        options += ["blend"] if kind == "s" and r.random() < 0.1 else []
        if not options or r.random() > 0.25:
            return None
        name = r.choice(options)
        if name == "blend" or name in local:
            return f"{name}({self.scalar(depth - 1)})"
        first = self.expression(kind, depth - 1) if kind == "s" else self.leaf("v")
        if kind == "v":
            first = f"np.copy({first})"
        return f"{name}({first}, {self.scalar(depth - 1)})"

    def scalar(self, depth):
        return self.expression("s", depth)

    def leaf(self, kind):
        r = self.random
        if kind == "s":
            return self.scalar_leaf()
        if kind == "m":
            return self.pick("m", writable=False)
        options = self.names("v") * 2
        options += [f"{A}[{self.index(self.rows)}]" for A in self.names("m")]
        options += [r.choice(self.outside["v"])] if not options or r.random() < 0.15 else []
        return r.choice(options)

    def scalar_leaf(self):
        r = self.random
        draw = r.random()
        if draw < 0.5 and self.names("s"):
            return r.choice(self.names("s"))
        if draw < 0.8:
            return self.entry(writable=False) or self.constant()
        if draw < 0.9:
            return r.choice(self.outside["s"])
        return self.constant()

    def entry(self, writable):
        """One entry of some array."""
        name = self.random.choice(self.names("v", writable) + self.names("m", writable) or [None])
        if name is None:
            return None
        if self.scope[name] == "v":
            return f"{name}[{self.index(self.length)}]"
        return f"{name}[{self.index(self.rows)}, {self.index(self.length)}]"

    def index(self, n):
        """An int in range(-n, n)."""
        r = self.random
        ints = [k for k in self.names("e") if k in self.interval]
        if not ints or r.random() < 0.15:
            return str(r.randint(-1, n - 1))
        k = r.choice(ints)
        low, high = self.interval[k]
        options = [f"({k} + {r.randint(1, 2)}) % {n}"]
        if -n <= low and high < n:
            options += [k] * 4
        if -n <= low - 1 and high - 1 < n:
            options += [f"{k} - 1"] * 2
        if 0 <= low and high < n:
            options += [f"{n - 1} - {k}"]
        return r.choice(options)

    def integer(self):
        r = self.random
        ints = self.names("e")
        return r.choice(self.outside["e"] if not ints or r.random() < 0.15 else ints)

    def condition(self, depth=1):
        return self.fill(self.random.choice(CONDITION), min(depth, 1))

    def bounded(self, kind, depth=2):
        """A value of size at most one or so, in memory of its own."""
        form = self.random.choice(["np.sin({})", "np.tanh({})", "np.tanh({})", "np.cos({})"])
        return form.format(self.expression(kind, depth))

    # ---------------------------------------------------------------- statements: values

    def statement(self):
        kind = self.random.choices(self.kinds, self.weights)[0]
        if kind in REGIONS and (self.depth > DEEPEST or self.left < 2):
            kind = "assign"
        self.left -= 1
        if getattr(self, kind)() is False:
            self.assign()

    def assign(self):
        r = self.random
        name = self.pick("s") if r.random() < 0.5 else None
        name = name or self.new("s")
        if self.depth == 1 and r.random() < 0.5:
            self.emit(f"{name} = {self.fresh('s', 2)}")
        elif name in self.scope and r.random() < 0.4:
            self.emit(f"{name} = 0.6 * {name} + 0.4 * {self.bounded('s')}")
        else:
            self.emit(f"{name} = {self.bounded('s')}")
        self.define(name, "s")

    def augment(self):
        name = self.pick("s")
        if name is None:
            return False
        change = self.random.choice(["+= 0.2 * {}", "-= 0.3 * {}", "*= {}", "*= {}", "/= 2.0 + {}"])
        self.emit(f"{name} {change.format(self.bounded('s'))}")

    def write_entry(self):
        entry = self.entry(writable=True)
        if entry is None:
            return False
        self.emit(f"{entry} = {self.bounded('s')}")

    def augment_entry(self):
        entry = self.entry(writable=True)
        if entry is None:
            return False
        change = self.random.choice(["+= 0.2 * {}", "-= 0.3 * {}", "*= {}"])
        self.emit(f"{entry} {change.format(self.bounded('s'))}")

    def write_slice(self):
        name = self.pick("v")
        if name is None:
            return False
        left, right = self.random.choice([("1:", ":-1"), (":-1", "1:"), ("1:", "1:"), ("::-1", ":")])
        left = f"{name}[{left}]"
        other = f"{self.pick('v', writable=False)}[{right}]"
        scalar = self.scalar_leaf()
        change = self.random.choice(["= np.sin({0})", "+= 0.2 * {0} * {1}", "*= np.tanh({0} + {1})"])
        self.emit(f"{left} {change.format(other, scalar)}")

    def write_row(self):
        name = self.pick("m")
        if name is None:
            return False
        r = self.random
        row, column = self.index(self.rows), self.index(self.length)
        target, kind = r.choice([(f"{name}[{row}, :]", "v"), (f"{name}[{row}]", "v"), (f"{name}[:, {column}]", "s")])
        self.emit(f"{target} {r.choice(['=', '=', '+=', '*='])} {self.bounded(kind)}")

    def augment_array(self):
        kind = self.random.choice("vvm")
        name = self.pick(kind)
        if name is None:
            return False
        change = self.random.choice(["+= 0.3 * {}", "-= 0.2 * {}", "*= {}"])
        self.emit(f"{name} {change.format(self.bounded(self.random.choice([kind, 's']), 1))}")

    def new_array(self):
        r = self.random
        kind = r.choice("vvm")
        name, old = self.new(kind), self.pick(kind, writable=False)
        shape = self.size() if kind == "v" else f"({self.rows}, {self.length})"
        forms = ["np.zeros({0})", "np.zeros({0})", "np.ones({0})", "np.full({0}, {2})"]
        if old:
            forms += ["np.copy({1})", "{1}.copy()", "np.zeros_like({1})", "np.array({1})"]
        self.emit(f"{name} = {r.choice(forms).format(shape, old, self.constant())}")
        self.define(name, kind)

    def size(self):
        names = self.names("v")
        if not names or self.random.random() < 0.5:
            return str(self.length)
        return self.random.choice(["len({})", "{}.size", "{}.shape[0]"]).format(self.random.choice(names))

    def rebind_array(self):
        kind = self.random.choice("vvm")
        if kind == "m" and not self.names("m"):
            kind = "v"
        name = self.random.choice([self.pick(kind) or self.new(kind), self.new(kind)])
        self.emit(f"{name} = {self.bounded(kind)}")
        self.define(name, kind)

    def alias(self):
        kind = self.random.choice("vvm")
        old = self.pick(kind)
        if old is None:
            return False
        name = self.random.choice([self.new(kind), self.pick(kind)])
        if name == old:
            return False
        self.emit(f"{name} = {old}")
        self.define(name, kind)

    def swap(self):
        r = self.random
        kind = r.choice("ssv")
        names = self.names(kind, writable=True)
        if len(names) < 2:
            return False
        a, b = r.sample(names, 2)
        if kind == "v" or r.random() < 0.3:
            self.emit(f"{a}, {b} = {b}, {a}")
        else:
            self.emit(f"{a}, {b} = {b}, {self.bounded('s')}")

    def new_int(self):
        k = self.integer()
        name = self.new("e")
        self.emit(f"{name} = ({k} + {self.random.randint(1, 3)}) % {self.length}")
        self.define(name, "e", (0, self.length - 1))

    def call_writer(self):
        name = self.pick("v")
        if name is None or not self.helpers["write"]:
            return False
        helper, _ = self.random.choice(self.helpers["write"])
        self.emit(f"{helper}({name}, {self.scalar(1)})")

    def local_function(self):
        """It sees what its names hold when it is called, not when it is made."""
        if not self.names("s") or self.depth > 2:
            return False
        name = self.new("function")
        captured = self.random.choice(self.names("s"))
        entry = self.entry(writable=False) or self.constant()
        body = self.random.choice([f"np.sin({captured} * o) + {entry}", f"{captured} * np.tanh(o + {entry})"])
        if self.random.random() < 0.5:
            self.emit(f"{name} = lambda o: {body}")
        else:
            self.emit(f"def {name}(o):")
            self.emit(f"    return {body}")
        self.define(name, "function")

    # ---------------------------------------------------------------- statements: regions

    def block(self, most=3):
        """An indented block; names that it sets are not used after it."""
        scope, self.scope = self.scope, dict(self.scope)
        self.depth += 1
        for _ in range(self.random.randint(1, most)):
            self.statement()
        self.depth -= 1
        self.scope = scope

    def branch(self):
        self.emit(f"if {self.condition()}:")
        self.block()
        while self.random.random() < 0.25:
            self.emit(f"elif {self.condition()}:")
            self.block(2)
        if self.random.random() < 0.5:
            self.emit("else:")
            self.block(2)

    def first_set_in_branch(self):
        name = self.new("s")
        self.emit(f"if {self.condition()}:")
        self.emit(f"    {name} = {self.bounded('s')}")
        self.emit("else:")
        self.emit(f"    {name} = {self.fresh('s', 1)}")
        self.define(name, "s")

    def header(self):
        """(range, interval of the variable, whether there is a first trip for sure)"""
        n, rows = self.length, self.rows
        options = [
            (f"range({self.size()})", (0, n - 1), True),
            (f"range(1, {n})", (1, n - 1), True),
            (f"range({n - 1}, -1, -1)", (0, n - 1), True),
            (f"range(0, {n}, 2)", (0, n - 1), True),
            (f"range({rows})", (0, rows - 1), True),
            ("range(STEPS)", (0, 2), False),
            ("range(2, 1)", (0, 1), False),
        ]
        if "n" in self.scope:
            options += [("range(n)", (0, n - 1), False), ("range(n)", (0, n - 1), False)]
            options += [("range(n - 2)", (0, n - 3), False), ("range(n, 0, -1)", (1, n), False)]
            options += [("range(n, -2, -2)", (-1, n), True)]
        for i, (low, high) in ((i, self.interval[i]) for i in self.loops if i in self.interval and i in self.scope):
            if low >= 0 and high > 0:
                options += [(f"range({i})", (0, high - 1), False), (f"range({i} + 1)", (0, high), True)] * 3
                options += [(f"range({i}, {n})", (low, n - 1), high < n), (f"range({i} + 1, {n})", (low + 1, n), False)]
                options += [(f"range({n - 1}, {i}, -1)", (low + 1, n), False)] * 3
                options += [(f"range({i} % 2, {n}, {i} + 1)", (0, n - 1), True)]
        return self.random.choice(options)

    def loop(self):
        r = self.random
        text, interval, sure = self.header()
        name = self.new("e")
        preset = not sure and r.random() < 0.1
        if preset:
            self.emit(f"{name} = 0")
            interval = (min(0, interval[0]), max(0, interval[1]))
        self.emit(f"for {name} in {text}:")
        self.looped(name, interval)
        if (sure or preset) and r.random() < 0.3:
            self.define(name, "e", interval)  # used after the loop

    def looped(self, name, interval):
        scope = dict(self.scope)
        self.define(name, "e", interval)
        self.loops.append(name)
        self.inside(scope)
        self.loops.pop()
        self.scope = scope

    def inside(self, outer, most=3):
        """The body of a loop, and now and then a way out of it; `outer` is the scope of an `else`."""
        r = self.random
        start = len(self.lines)
        self.block(most)
        way_out = r.choice(["break", "continue"]) if r.random() < 0.3 else None
        if way_out:
            places = [k for k in range(start, len(self.lines) + 1) if self.is_statement(k)]
            indent = "    " * (self.depth + 1)
            place = r.choice(places)
            self.lines[place:place] = [f"{indent}if {self.condition()}:", f"{indent}    {way_out}"]
        if (way_out == "break" and r.random() < 0.4) or r.random() < 0.04:
            self.emit("else:")
            self.scope = dict(outer)
            self.block(1)

    def is_statement(self, k):
        """Whether a statement of the block one deeper may be put before line k."""
        indent = "    " * (self.depth + 1)
        if k == len(self.lines):
            return True
        line = self.lines[k]
        return line.startswith(indent) and line[len(indent)] != " " and not line.strip().startswith(("else:", "elif "))

    def loop_over_array(self):
        name, array = self.new("s"), self.pick("v", writable=False)
        if array is None:
            return False
        other, index = self.new("e"), self.pick("v", writable=False)
        scope = dict(self.scope)
        form = self.random.choice(["{0} in {1}", "{2}, {0} in enumerate({1})", "{0}, {0}0 in zip({1}, {3})"])
        self.emit(f"for {form.format(name, array, other, index)}:")
        self.define(name, "s")
        if "enumerate" in form:
            self.define(other, "e", (0, self.length - 1))
        if "zip" in form:
            self.define(f"{name}0", "s")
        self.loops.append(other)
        self.inside(scope, 2)
        self.loops.pop()
        self.scope = scope

    def accumulate(self):
        """A sum over a loop, as everybody writes it."""
        arrays = self.names("v")
        if not arrays:
            return False
        name, i, array = self.new("s"), self.new("e"), self.random.choice(arrays)
        self.emit(f"{name} = 0.0")
        self.emit(f"for {i} in range({self.length}):")
        scope = dict(self.scope)
        self.define(i, "e", (0, self.length - 1))
        self.emit(f"    {name} += {array}[{i}] * {self.bounded('s', 1)} / {self.length}")
        self.scope = scope
        self.define(name, "s")

    def counted_while(self):
        """The counter moves first, so that `continue` cannot keep it back."""
        name, most = self.new("c"), self.random.randint(1, 4)
        self.emit(f"{name} = 0")
        self.emit(f"while {name} < {most} and ({self.condition()}):")
        self.counted(name, most)

    def endless_while(self):
        name, most = self.new("c"), self.random.randint(1, 3)
        self.emit(f"{name} = 0")
        self.emit("while True:")
        self.counted(name, most, f"if {name} > {most} or {self.condition()}:")

    def counted(self, name, most, leave=None):
        self.depth += 1
        self.emit(f"{name} += 1")
        if leave:
            self.emit(leave)
            self.emit("    break")
        self.depth -= 1
        scope = dict(self.scope)
        self.define(name, "e", (0, most + 1))
        self.frozen.add(name)
        self.inside(scope)
        self.scope = scope

    def contraction(self):
        name = self.pick("s")
        if name is None:
            return False
        self.emit(f"while abs({name}) > {self.constant()}:")
        self.emit(f"    {name} *= 0.4 + 0.2 * {self.bounded('s', 1)}")

    def leave(self):
        """An early return."""
        if len(self.lines) < 3:
            return False
        self.emit(f"if {self.condition()}:")
        value = {"s": lambda: self.scalar(1), "v": lambda: self.fresh("v", 1), "write": lambda: ""}[self.returns]()
        self.emit(f"    return {value}".rstrip())

    def nest(self):
        """A region in a region, where chance gave none."""
        i = self.new("e")
        self.emit(f"for {i} in range({self.length}):")
        self.depth += 1
        scope = dict(self.scope)
        self.define(i, "e", (0, self.length - 1))
        self.loops.append(i)
        self.random.choice([self.loop, self.branch, self.branch])()
        self.loops.pop()
        self.statement()
        self.scope = scope
        self.depth -= 1


def compound(text):
    """Whether the text needs parentheses as an operand."""
    depth = 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        if c == " " and depth == 0:
            return True
    return text.startswith("-")
