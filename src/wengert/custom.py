"""Rules of the user's own: custom derivatives, foreign functions, and recomputation instead of keeping."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import numerical
from wengert.api import lanes_of, name_of, results, run, transpose_linear, vmap
from wengert.core.diagnostic import Diagnostic
from wengert.core.mode import Value, is_staged, plain, unbuffer
from wengert.core.primitive import Primitive
from wengert.core.tree import Structure, flatten, open_container, unflatten
from wengert.core.types import dtype_of, random_like, shape_of
from wengert.frontend.route import give, hoist, route, running_inside
from wengert.modes.batch import Batch, Batched
from wengert.modes.forward import Dual, Forward
from wengert.modes.reverse import Leaf, Node, Reverse, Sweep
from wengert.rules.join import stretch
from wengert.rules.linear import zeros_like
from wengert.rules.names.operands import arrayed

# ---------------------------------------------------------------- a function as one primitive


class Opaque:
    """One call of a user's function, seen as a primitive whose operands are the inexact leaves of its arguments."""

    def __init__(self, function: "Function", args: Any, kwargs: Any) -> None:
        self.function = function
        leaves, self.structure = flatten((args, kwargs))
        leaves = [arrayed(x) if isinstance(x, np.ndarray) and x.dtype == object else x for x in leaves]
        self.places = [i for i, x in enumerate(leaves) if is_operand(x)]
        self.operands = [leaves[i] for i in self.places]
        self.static = [None if i in self.places else unbuffer(x) for i, x in enumerate(leaves)]
        self.out_structure: Structure | None = None  # known when the function has run
        self.written: list[int] | None = None  # operands that the function writes into; likewise

    def arguments(self, operands: Sequence[Any], wrap: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What the user's function gets for these operands; `wrap` for what is not traced."""
        leaves = list(self.static)
        for place, x in zip(self.places, operands):
            leaves[place] = x
        if wrap is not None:
            leaves = [x if isinstance(x, Value) else wrap(x) for x in leaves]
        return unflatten(self.structure, leaves)  # type: ignore[no-any-return]

    def results(self, out: Any) -> tuple[Any, ...]:
        leaves, self.out_structure = results(out)
        return tuple(unbuffer(x) for x in leaves)

    def evaluate(self, *operands: Any) -> tuple[Any, ...]:
        outs = self.results(self.function.run(self, operands))
        if any(isinstance(x, Value) for x in outs):
            raise Diagnostic(
                "W504",
                f"`{name_of(self.function.f)}` uses a traced value that is not among its arguments",
                "its rule only knows the arguments, so the derivative by the other value would be lost",
                "pass the value as an argument",
            )
        return outs


def is_operand(x: Any) -> bool:
    if isinstance(x, Value):
        return x.dtype.kind in "fc"
    return isinstance(x, float | complex) or (isinstance(x, np.ndarray | np.generic) and x.dtype.kind in "fc")


class Function:
    """A callable with rules of its own.

    batches   whether f and its rules can run on whole batches; otherwise `vmap` runs the lanes one by one.

    push(tangents, out, *args) and pull(ct, out, *args) see what the user sees; see `custom_jvp` and `custom_vjp`.
    """

    batches = True

    def __init__(self, f: Callable[..., Any], push: Any = None, pull: Any = None, check: bool = False) -> None:
        functools.update_wrapper(self, f)
        self.f, self.rule_push, self.rule_pull, self.check = f, push, pull, check
        self.row = Primitive(
            f"custom.{name_of(f)}",  # another name than those of all other rows, which have no dot
            lambda *xs, call: call.evaluate(*xs),
            push=lambda xs, xs_dot, out, call: self.push(call, xs, xs_dot, out),
            pull=lambda ct, xs, out, traced, call: self.pull(call, ct, xs, out, traced),
            batch=self.batch if self.batches else None,
            several=True,
            register=False,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = Opaque(self, args, kwargs)
        if self.check:
            self.check = False
            check_rule(self, call)
        outs = self.row(*call.operands, call=call)
        return unflatten(call.out_structure, outs)

    def run(self, call: Opaque, operands: Sequence[Any]) -> Any:
        """f on plain operands; what it writes into them would be lost, and is refused."""
        out, given = self.run_given(call, operands)
        if changed(given, operands):
            raise writes_argument(self.f)
        return out

    def run_given(self, call: Opaque, operands: Sequence[Any]) -> tuple[Any, list[Any]]:
        """(result, the operands as f got them): arrays as buffers, which show what was written."""
        given = [give(x) for x in operands]
        args, kwargs = call.arguments(given, give)
        with running_inside:
            return route(self.f)(*args, **kwargs), given

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def push(self, call: Opaque, xs: Any, xs_dot: Any, out: Any) -> list[Any]:
        filled = zeros_filled(xs_dot, xs)
        if self.rule_push is not None:
            return self.run_push(call, xs, filled, out)
        if self.rule_pull is None:
            raise no_rule(self.f)
        return derived_rule(self.f, "pull", lambda cts: self.run_pull(call, cts, xs, out), out, filled)

    def pull(self, call: Opaque, ct: Any, xs: Any, out: Any, traced: Any) -> list[Any]:
        filled = zeros_filled(ct, out)
        if self.rule_pull is not None:
            return self.run_pull(call, filled, xs, out)
        if self.rule_push is None:
            raise no_rule(self.f)
        return derived_rule(self.f, "push", lambda ts: self.run_push(call, xs, ts, out), xs, filled)

    def run_push(self, call: Opaque, xs: Any, xs_dot: Any, out: Any) -> list[Any]:
        args, _ = call.arguments(xs)
        tangents, _ = call.arguments(xs_dot)
        pushed = route(self.rule_push)(tangents, unflatten(call.out_structure, out), *args)
        return checked_rule(self.f, "push", pushed, call.out_structure, out)

    def run_pull(self, call: Opaque, ct: Any, xs: Any, out: Any) -> list[Any]:
        args, kwargs = call.arguments(xs)
        ct, out = (unflatten(call.out_structure, x) for x in (ct, out))
        pulled = route(self.rule_pull)(ct, out, *args)
        pulled = pulled if isinstance(pulled, tuple) else (pulled,)
        if len(pulled) != len(args):
            raise wrong_rule(self.f, "pull", f"{len(pulled)} cotangents", f"{len(args)} arguments")
        leaves = [leaf for bar, arg in zip(pulled, args) for leaf in matched(self.f, "pull", bar, flatten(arg)[1])]
        leaves += [None] * len(flatten(kwargs)[0])
        return [fitted(self.f, "pull", leaves[place], x) for place, x in zip(call.places, xs)]

    def batch(self, size: int, batched: Any, operands: Any, *, call: Opaque) -> Any:
        """The same function and rules over one more axis."""
        args, kwargs = call.arguments(stretch(size, batched, operands))
        axes = call.arguments([0] * len(operands))[0]
        axes = tuple(only_ints(a) for a in axes)
        lifted = Function(vmap(functools.partial(self.f, **kwargs), in_axes=axes))
        if self.rule_push is not None:
            lifted.rule_push = vmap(self.rule_push, in_axes=(axes, 0, *axes))
        if self.rule_pull is not None:
            lifted.rule_pull = vmap(self.rule_pull, in_axes=(0, 0, *axes))
        inner = Opaque(lifted, args, {})
        outs = lifted.row(*inner.operands, call=inner)
        call.out_structure = inner.out_structure
        return outs


def zeros_filled(seeds: Sequence[Any], likes: Sequence[Any]) -> list[Any]:
    """Arrays of zeros for exact zeros: a user's rule shall not meet None."""
    return [zeros_like(like)[()] if seed is None else seed for seed, like in zip(seeds, likes)]


def changed(given: Sequence[Any], contents: Sequence[Any]) -> list[int]:
    """Places of the values that a function has written into."""
    pairs = enumerate(zip(given, contents))
    return [i for i, (x, content) in pairs if isinstance(x, Value) and x.fresh().primal is not content]


def only_ints(axes: Any) -> Any:
    """Axes of the operands; what is static is shared by all lanes."""
    leaves, structure = flatten(axes)
    return unflatten(structure, [0 if type(a) is int and a == 0 else None for a in leaves])


def matched(f: Any, kind: str, found: Any, structure: Structure | None) -> list[Any]:
    """The leaves of what a rule returned; None stands for zeros at any depth."""
    if found is None:
        return [None] * leaf_count(structure)
    opened = open_container(found)
    if structure is None and opened is None:
        return [found]
    if structure is None or opened is None or tuple(opened[0]) != structure.labels:
        raise wrong_rule(f, kind, f"structure {flatten(found)[1] or '*'}", f"structure {structure or '*'}")
    return [leaf for part, child in zip(opened[1], structure.children) for leaf in matched(f, kind, part, child)]


def leaf_count(structure: Structure | None) -> int:
    return 1 if structure is None else sum(map(leaf_count, structure.children))


def checked_rule(f: Any, kind: str, found: Any, structure: Any, likes: Sequence[Any]) -> list[Any]:
    return [fitted(f, kind, x, like) for x, like in zip(matched(f, kind, found, structure), likes)]


def fitted(f: Any, kind: str, x: Any, like: Any) -> Any:
    if x is None:
        return None
    x = unbuffer(arrayed(x))
    if shape_of(x) != shape_of(like):
        raise wrong_rule(f, kind, f"shape {shape_of(x)}", f"shape {shape_of(like)}")
    return x


def wrong_rule(f: Any, kind: str, have: str, want: str) -> Diagnostic:
    return Diagnostic(
        "W502",
        f"the {kind} rule of `{name_of(f)}` returned {have} for {want}",
        "a tangent has the structure and shapes of the result, a cotangent those of the argument it belongs to",
        "return one array (or None for zero) per "
        + (
            "result, as push(tangents, out, *args) -> tangent"
            if kind == "push"
            else "argument, as pull(ct, out, *args) -> (bar, ...)"
        ),
    )


def writes_argument(f: Any) -> Diagnostic:
    return Diagnostic(
        "W505",
        f"`{name_of(f)}` writes into its argument",
        "its rule speaks of its results only, so the derivative of what is written would be lost",
        "write into a copy, and return it",
    )


def no_rule(f: Any) -> Diagnostic:
    return Diagnostic(
        "W302",
        f"`{name_of(f)}` was declared without a derivative",
        "neither push nor pull was given for it",
        "give push=..., pull=... or numerical='central' to wg.primitive",
    )


def derived_rule(f: Any, given: str, rule: Callable[[Any], list[Any]], likes: Sequence[Any], cts: Any) -> list[Any]:
    """The other mode's rule: the transpose of the given one, which must be linear for that."""
    other = "forward" if given == "pull" else "reverse"
    try:
        require_linear(f, given, other, rule, likes)
        return transpose_linear(rule, likes)(cts)
    except Diagnostic as found:
        if found.code in ("W201", "W202", "W301"):
            raise Diagnostic(
                "W503",
                f"the rule of `{name_of(f)}` cannot be turned into {other} mode",
                f"it is transposed by running it on traced values, and there: {found.what}",
                "write the rule with NumPy functions, or give both rules: wg.primitive(f, push=..., pull=...)",
                found.where,
            ) from found
        raise


def require_linear(f: Any, given: str, other: str, rule: Callable[[Any], list[Any]], likes: Sequence[Any]) -> None:
    """At one generic point: twice the cotangent (tangent) gives twice the result."""
    random = np.random.default_rng(1)
    seeds = [random_like(random, x) for x in likes]
    once, twice = rule(seeds), rule([2.0 * s for s in seeds])
    for a, b in zip(once, twice):
        if is_staged(a) or is_staged(b):
            continue  # a program has no numbers
        a, b = (None if v is None else plain(v) for v in (a, b))
        if a is not None and not np.allclose(2.0 * a, b, rtol=1e-4, atol=1e-30, equal_nan=True):
            raise Diagnostic(
                "W503",
                f"the rule of `{name_of(f)}` cannot be turned into {other} mode",
                f"its {given} is not linear in the {'cotangent' if given == 'pull' else 'tangents'}",
                "give both rules: wg.primitive(f, push=..., pull=...)",
            )


def check_rule(function: Function, call: Opaque) -> None:
    """Compare the rule with central differences along one random direction."""
    random = np.random.default_rng(0)
    xs = [plain(x) for x in call.operands]
    directions = [random_like(random, x) for x in xs]
    out = call.evaluate(*xs)
    pushed = function.push(call, xs, directions, out)

    def along(t: float) -> np.ndarray:
        moved = call.evaluate(*[x + t * d for x, d in zip(xs, directions)])
        return np.concatenate([np.ravel(o) for o in moved])

    expected = numerical.derivative(along, 0.0, method="richardson")
    got = np.concatenate(
        [np.ravel(np.broadcast_to(0.0 if p is None else unbuffer(p), shape_of(o))) for p, o in zip(pushed, out)]
    )
    worst = float(np.max(np.abs(got - expected) / (1.0 + np.abs(expected)), initial=0.0))
    tolerance = 1e-5 if all(dtype_of(x).itemsize > 4 for x in xs) else 1e-2
    if not worst <= tolerance:
        raise Diagnostic(
            "W501",
            f"the rule of `{name_of(function.f)}` disagrees with finite differences by {worst:.1e} (relative)",
            "along a random direction the rule and the function give different derivatives",
            "correct the rule; wg.check_grads says which argument is wrong",
        )


# ---------------------------------------------------------------- what the user calls


def custom_jvp(f: Callable[..., Any], push: Callable[..., Any] | None = None, *, check: bool = False) -> Any:
    """f with a forward rule of your own; the reverse rule is derived by transposing it.

    push(tangents, out, *args) returns the tangent of the result.  `tangents` has the structure of the positional
    arguments, zeros where an argument does not vary (what is not floating point is passed as it is).
    check=True compares the rule with finite differences at the first call (Diagnostic W501).

    >>> import numpy as np
    >>> import wengert as wg
    >>> softplus = wg.custom_jvp(lambda x: np.logaddexp(x, 0.0), lambda t, out, x: t[0] / (1.0 + np.exp(-x)))
    >>> wg.jvp(softplus, (0.0,), (1.0,))[1], wg.grad(softplus)(0.0)
    (np.float64(0.5), 0.5)
    """
    return Function(f, push=push, check=check) if push is not None else _Decorated(f, "push", check)


def custom_vjp(f: Callable[..., Any], pull: Callable[..., Any] | None = None, *, check: bool = False) -> Any:
    """f with a reverse rule of your own; the forward rule is derived by transposing it.

    pull(ct, out, *args) returns one cotangent per positional argument, None for zero.
    check=True compares the rule with finite differences at the first call (Diagnostic W501).  A rule that is not linear
    in `ct`, as the one below, serves reverse mode only (Diagnostic W503 in forward mode).

    >>> import numpy as np
    >>> import wengert as wg
    >>> clipped = wg.custom_vjp(lambda x: x, lambda ct, out, x: np.clip(ct, -1.0, 1.0))
    >>> wg.grad(lambda x: 5.0 * clipped(x))(2.0)
    1.0
    """
    return Function(f, pull=pull, check=check) if pull is not None else _Decorated(f, "pull", check)


class _Decorated(Function):
    """The decorator form: `@wg.custom_vjp`, then `@f.pull_rule` (or `@wg.custom_jvp`, `@f.push_rule`)."""

    def __init__(self, f: Callable[..., Any], kind: str, check: bool) -> None:
        super().__init__(f, check=check)
        self.kind = kind

    def pull_rule(self, pull: Callable[..., Any]) -> Callable[..., Any]:
        self.rule_pull = pull
        return pull

    def push_rule(self, push: Callable[..., Any]) -> Callable[..., Any]:
        self.rule_push = push
        return push


def primitive(
    f: Callable[..., Any],
    *,
    push: Callable[..., Any] | None = None,
    pull: Callable[..., Any] | None = None,
    numerical: str | None = None,
    check: bool = False,
) -> Any:
    """A foreign function (compiled code, a simulator, a library call) as one operation.

    f sees plain arrays and numbers only.  Give push, pull (as in `custom_jvp`, `custom_vjp`) or both, or let finite
    differences stand in: numerical="central", "forward" or "richardson".  Then `error` holds the estimated absolute
    error of the last derivative, and second derivatives are refused (Diagnostic W503).

    >>> import numpy as np
    >>> import wengert as wg
    >>> simulator = wg.primitive(lambda x: float(x) ** 3, numerical="richardson")
    >>> round(wg.grad(lambda x: 2.0 * simulator(x))(2.0), 6), simulator.error < 1e-6
    (24.0, True)
    """
    if numerical is not None:
        return NumericalFunction(f, numerical)
    return Foreign(f, push=push, pull=pull, check=check)


class Foreign(Function):
    """A function that knows plain numbers and arrays only: run as it is, on read-only arrays, lane by lane."""

    batches = False

    def run(self, call: Opaque, operands: Sequence[Any]) -> Any:
        args, kwargs = call.arguments(operands, read_only)
        return self.f(*args, **kwargs)


def read_only(x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    x = x.view()
    x.flags.writeable = False
    return x


class NumericalFunction(Foreign):
    """A foreign function whose rules are finite differences."""

    def __init__(self, f: Callable[..., Any], method: str) -> None:
        super().__init__(f)
        self.method, self.error = method, 0.0
        refuse = no_second_derivative(f)
        rules: dict[str, Any] = {"push": refuse, "pull": lambda ct, xs: refuse(xs), "several": True, "register": False}
        self.tangents = Primitive(f"{name_of(f)} along", lambda *xs, call: self.plain_tangents(*xs, call=call), **rules)
        self.cotangents = Primitive(
            f"{name_of(f)} back",
            lambda *xs, call, traced: self.plain_cotangents(*xs, call=call, traced=traced),
            **rules,
        )

    def push(self, call: Opaque, xs: Any, xs_dot: Any, out: Any) -> list[Any]:
        return list(self.tangents(*xs, *zeros_filled(xs_dot, xs), call=call))

    def pull(self, call: Opaque, ct: Any, xs: Any, out: Any, traced: Any) -> list[Any]:
        return list(self.cotangents(*xs, *zeros_filled(ct, out), call=call, traced=traced))

    def plain_tangents(self, *values: Any, call: Opaque) -> tuple[Any, ...]:
        count = len(call.places)
        self.error = 0.0
        return tuple(self.along(call, values[:count], values[count:]))

    def along(self, call: Opaque, xs: Sequence[Any], ts: Sequence[Any]) -> list[Any]:
        """Differences of all results along one direction."""
        outs = call.evaluate(*xs)
        curve = lambda s, i: np.asarray(call.evaluate(*[x + s * t for x, t in zip(xs, ts)])[i])
        parts = []
        for i, o in enumerate(outs):
            found = numerical.derivative(lambda s, i=i: curve(s, i), 0.0, method=self.method, error=True)
            self.error = max(self.error, float(np.max(found.error, initial=0.0)))
            parts.append(np.asarray(found.value, dtype_of(o))[()])
        return parts

    def plain_cotangents(self, *values: Any, call: Opaque, traced: Sequence[bool]) -> tuple[Any, ...]:
        xs, cts = values[: len(traced)], values[len(traced) :]
        self.error = 0.0
        return tuple(self.cotangent(call, xs, cts, k) if t else 0.0 * x for k, (x, t) in enumerate(zip(xs, traced)))

    def cotangent(self, call: Opaque, xs: Sequence[Any], cts: Sequence[Any], k: int) -> Any:
        bar = np.zeros(shape_of(xs[k]), dtype_of(xs[k]))
        for index in np.ndindex(bar.shape):
            units = [np.zeros(shape_of(x), dtype_of(x)) for x in xs]
            units[k][index] = 1.0
            columns = self.along(call, xs, [u[()] for u in units])
            bar[index] = sum(np.sum(c * column) for c, column in zip(cts, columns))
        return bar[()]


def no_second_derivative(f: Any) -> Callable[..., Any]:
    def refuse(xs: Any) -> Any:
        raise Diagnostic(
            "W503",
            f"a second derivative of `{name_of(f)}`, whose first derivative is a finite difference",
            "differences of differences lose all digits",
            "give its rule with wg.primitive(f, push=..., pull=...)",
        )

    return refuse


# ---------------------------------------------------------------- checkpoint


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, keeping only its arguments for the way back: what is inside is computed again there.

    Less memory for one more evaluation of f (Griewank and Walther 2008, chapter 12).  Values that f finds in its
    closure are treated as arguments.

    >>> import numpy as np
    >>> import wengert as wg
    >>> step = wg.checkpoint(lambda x: np.sin(np.exp(x)))
    >>> wg.grad(step)(0.0) == wg.grad(lambda x: np.sin(np.exp(x)))(0.0)
    True
    """

    @functools.wraps(f)
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        captured, rebuild = hoist(f)
        function = Recomputed(lambda inner, *args, **kwargs: route(rebuild(inner))(*args, **kwargs))
        return function(captured, *args, **kwargs)

    return checkpointed


class Recomputed(Function):
    """What the function writes into its arguments is returned beside its results, and written back."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        call = Opaque(self, args, kwargs)
        outs = self.row(*call.operands, call=call)
        out, finals = unflatten(call.out_structure, outs)
        for place, final in zip(call.written, finals):
            call.operands[place][...] = final
        return out

    def run(self, call: Opaque, operands: Sequence[Any]) -> Any:
        out, given = self.run_given(call, operands)
        call.written = changed(given, operands)
        return out, [given[i] for i in call.written]

    def push(self, call: Opaque, xs: Any, xs_dot: Any, out: Any) -> list[Any]:
        mode = Forward()
        outs = self.again(call, mode, [x if t is None else Dual(mode, x, t) for x, t in zip(xs, xs_dot)])
        return [x.aux if isinstance(x, Value) and x.mode is mode else None for x in outs]

    def pull(self, call: Opaque, ct: Any, xs: Any, out: Any, traced: Any) -> list[Any]:
        mode = Reverse()
        leaves = [Leaf() for _ in xs]
        outs = self.again(call, mode, [Node(mode, x, leaf) if t else x for x, leaf, t in zip(xs, leaves, traced)])
        seeds = [(x.aux, c) for x, c in zip(outs, ct) if c is not None and isinstance(x, Value) and x.mode is mode]
        reached = Sweep(keep=False).run(seeds)
        return [reached.get(leaf) for leaf in leaves]

    def batch(self, size: int, batched: Any, operands: Any, *, call: Opaque) -> Any:
        mode = Batch(size)
        values = [Batched(mode, x) for x in stretch(size, batched, operands)]
        return [lanes_of(x, mode) for x in self.again(call, mode, values)]

    def again(self, call: Opaque, mode: Any, values: Sequence[Any]) -> list[Any]:
        """The results and the written arguments, in a mode."""
        values = [x if isinstance(x, Value) else give(x) for x in values]
        contents = [x.primal if isinstance(x, Value) else x for x in values]
        args, kwargs = call.arguments(values, give)
        out = run(mode, self.f, args, kwargs)
        if call.written is None:
            call.written = changed(values, contents)
        leaves, structure = results((out, [values[i] for i in call.written]))
        call.out_structure = call.out_structure or structure
        return leaves
