"""The derivatives that users ask for, in terms of the three modes."""

import inspect
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.diagnostic import Diagnostic
from wengert.core.layout import copied
from wengert.core.mode import Buffer, Mode, Value, content_of, is_array, is_staged, lies_in, owns_storage, unbuffer
from wengert.core.tree import Structure, flatten, map_leaves, open_container, paths, unflatten
from wengert.core.types import dtype_of, random_like, shape_of
from wengert.frontend.jit import Jitted
from wengert.frontend.route import give, give_all, original_structure, route, route_structure, running_inside, unroute
from wengert.frontend.scope import ACTIVE
from wengert.modes.batch import Batch, Batched, LanesDiffer
from wengert.modes.forward import Dual, Forward, fit
from wengert.modes.reverse import Leaf, Node, Reverse, Sweep
from wengert.rules import elementwise, join, linear, methods
from wengert.rules.names.operands import arrayed
from wengert.rules.names.shape import moveaxis

Argnums = int | str | Sequence[int | str]
log = logging.getLogger("wengert")

methods.install()

# ---------------------------------------------------------------- arguments


class Call:
    """One call of the user's function: which arguments are differentiated, and how to run it with others instead."""

    def __init__(self, f: Callable[..., Any], argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.f, self.args, self.kwargs = f, list(args), dict(kwargs)
        self.single = isinstance(argnums, int | str)
        self.wanted = [self.key(a) for a in ((argnums,) if self.single else argnums)]  # type: ignore[union-attr]
        self.keys = list(dict.fromkeys(self.wanted))  # one argument may be asked for by position and by name
        self.leaves: list[Any] = []
        self.structures = []
        for key in self.keys:
            leaves, structure = flatten(self.argument(key))
            self.leaves += leaves
            self.structures.append(structure)
        self.leaves = [x if type(x) is float else self.inexact(i, x) for i, x in enumerate(self.leaves)]

    @property
    def structure(self) -> Structure:
        """Of the list of differentiated arguments."""
        return Structure(list, tuple(range(len(self.structures))), tuple(self.structures))

    def key(self, argnum: int | str) -> int | str:
        """A position in args or a name in kwargs."""
        position = argnum
        if isinstance(position, str):
            if position in self.kwargs:
                return position
            names = parameter_names(self.f)
            position = names.index(position) if position in names else len(self.args)
        position += len(self.args) if position < 0 else 0
        if not 0 <= position < len(self.args):
            raise Diagnostic(
                "W103",
                f"there is no argument {argnum!r} to differentiate `{name_of(self.f)}` with respect to",
                f"it was called with {counted(len(self.args), 'positional argument')}"
                + "".join(f" and `{name}`" for name in self.kwargs),
                "give argnums as positions or names of arguments that are passed",
            )
        return position

    def inexact(self, i: int, leaf: Any) -> Any:
        if isinstance(leaf, Value | np.ndarray | np.generic) and leaf.dtype.kind in "fc":
            return unbuffer(leaf) if isinstance(leaf, Value) else leaf
        if isinstance(leaf, float | complex):
            return leaf
        if isinstance(leaf, np.ndarray) and leaf.dtype == object:
            return arrayed(leaf)
        path = [p for key in self.keys for p, _ in paths(self.argument(key), self.parameter(key))][i]
        has_dtype = isinstance(leaf, np.ndarray | np.generic | Value)
        kind = f"dtype {leaf.dtype}" if has_dtype else f"type {type(leaf).__name__}"
        raise Diagnostic(
            "W102",
            f"`{path}` of `{name_of(self.f)}` has {kind}, which has no derivative",
            "only floating-point and complex values vary continuously; an integer gradient would be rounded",
            "pass 3.0 for 3, an array with dtype=float, or leave it out of `argnums`",
        )

    def argument(self, key: int | str) -> Any:
        return self.args[key] if isinstance(key, int) else self.kwargs[key]

    def parameter(self, key: int | str) -> str:
        if isinstance(key, str):
            return key
        names = parameter_names(self.f)
        return names[key] if key < len(names) else f"argument {key}"

    def run(self, mode: Mode, leaves: Sequence[Any]) -> Any:
        """f with these values in place of the differentiated leaves, through routing."""
        given: dict[int, Any] = {}
        args = [a if i in self.keys else give_all(a, given) for i, a in enumerate(self.args)]
        kwargs = {name: a if name in self.keys else give_all(a, given) for name, a in self.kwargs.items()}
        values = iter(leaves)
        for key, structure in zip(self.keys, self.structures):
            value = unflatten(route_structure(structure), values)
            if isinstance(key, int):
                args[key] = value
            else:
                kwargs[key] = value
        return run(mode, self.f, args, kwargs)

    def gather(self, values: Sequence[Any]) -> Any:
        """Values for the differentiated leaves, in the structure that the user gave."""
        rest = iter(values)
        trees = {key: unflatten(structure, rest) for key, structure in zip(self.keys, self.structures)}
        return trees[self.wanted[0]] if self.single else tuple([trees[key] for key in self.wanted])


def run(mode: Mode, f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """f through routing, with nothing of it left behind."""
    with running_inside:
        try:
            if ACTIVE.get() is not None:
                return Jitted(f)(*args, **kwargs)  # inside a program: the function becomes one, too
            return up_to_date(route(f)(*args, **kwargs))
        except (TypeError, ValueError, SystemError) as error:
            # NumPy and C code hide our refusal of `array[i] = traced` behind an error of their own
            if isinstance(error.__cause__, Diagnostic):
                raise (lost_write if isinstance(error, ValueError) else lambda found: found)(error.__cause__) from None
            raise
        finally:
            mode.finished = True


def up_to_date(out: Any) -> Any:
    """The result, after views in it have read what was written after they were taken: later they could not."""
    for x in (out,) if isinstance(out, Value) else flatten(out)[0]:
        if isinstance(x, Value):
            x.fresh()
    return out


def lost_write(found: Diagnostic) -> Diagnostic:
    return Diagnostic(
        "W202",
        "a traced value is written into a plain array, which cannot record it",
        "the array was made where wengert does not see it: by a library, in a base class, or it is kept in a container",
        "make it inside the function with np.zeros, np.array or np.copy, or build it with np.stack",
        found.where,
    )


def parameter_names(f: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(f).parameters)
    except (TypeError, ValueError):
        return []


def counted(n: int, thing: str) -> str:
    return f"{n} {thing}{'' if n == 1 else 's'}"


def name_of(f: Any) -> str:
    return getattr(f, "__name__", None) or type(f).__name__


def derived(f: Callable[..., Any], prefix: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Name the derivative after the function."""

    def rename(g: Callable[..., Any]) -> Callable[..., Any]:
        g.__name__ = g.__qualname__ = f"{prefix}({name_of(f)})"
        g.__doc__ = getattr(f, "__doc__", None)
        g.__wrapped__ = f  # type: ignore[attr-defined]  # inspect.signature shows the parameters of f
        return g

    return rename


# ---------------------------------------------------------------- results


def results(out: Any) -> tuple[list[Any], Structure | None]:
    """Leaves of what f returned, object arrays of values made whole."""
    leaves, structure = flatten(out)
    return [checked(leaf) for leaf in leaves], original_structure(structure)


RESULTS = (np.generic, float, int, complex)


def checked(leaf: Any) -> Any:
    if isinstance(leaf, Value):
        return leaf.fresh()
    if isinstance(leaf, np.ndarray):
        return arrayed(leaf)
    if isinstance(leaf, RESULTS):
        return leaf
    raise Diagnostic(
        "W105",
        f"the function returned a value of type {type(leaf).__name__}",
        "a result must be a number, an array, or a dict, list, tuple, namedtuple or dataclass of them",
        "return the numbers beside it with has_aux=True, as the second item of a pair",
    )


def peel(x: Any, mode: Mode) -> Any:
    """What is left of x outside `mode`."""
    if isinstance(x, Value) and x.fresh().mode is mode:
        return x.primal
    return unbuffer(x)


def peel_all(tree: Any, mode: Mode) -> Any:
    leaves, structure = flatten(tree)
    return unflatten(original_structure(structure), [unroute(peel(leaf, mode)) for leaf in leaves])


def own(ct: Any, like: Any) -> Any:
    """A cotangent or tangent as the user gets it: with the type, shape and dtype of `like`, and memory of its own."""
    if ct is None:
        return zero_like(like)
    if isinstance(ct, Value) and not isinstance(ct, Buffer):
        return fit(ct, like)
    ct = unbuffer(ct)
    if isinstance(like, Value):
        return ct
    if type(like) is float or type(like) is complex:
        return type(like)(ct)
    if isinstance(like, np.ndarray):
        if isinstance(ct, np.ndarray) and ct.shape == like.shape and ct.dtype == like.dtype and owns_storage(ct):
            return ct
        return np.array(linear.broadcast_to(ct, shape=like.shape), like.dtype)
    return like.dtype.type(ct)


def zero_like(like: Any) -> Any:
    return (
        0.0
        if type(like) is float
        else np.zeros(shape_of(like), dtype_of(like))
        if is_array(like)
        else dtype_of(like).type(0)
    )


def own_all(cts: Sequence[Any], likes: Sequence[Any], seeds: Sequence[Any] = ()) -> list[Any]:
    """As `own`; no two results share memory, and none does with a seed."""
    if len(cts) == 1 and type(likes[0]) is float:
        return [own(cts[0], likes[0])]
    seen = {id(seed) for seed in seeds}
    out = []
    for ct, like in zip(cts, likes):
        mine = own(ct, like)
        if id(mine) in seen and isinstance(mine, np.ndarray):
            mine = mine.copy()
        seen.add(id(mine))
        out.append(mine)
    return out


# ---------------------------------------------------------------- reverse mode


class Pull:
    """The way back of one call: cotangents of the results -> cotangents of the differentiated leaves."""

    def __init__(self, call: Call, keep: bool, has_aux: bool = False) -> None:
        mode = Reverse()
        mode.outlives_call = keep
        self.call, self.mode, self.keep = call, mode, keep
        # the caller may change his arrays before the pullback runs
        contents = [recorded_content(x) for x in call.leaves]
        self.records = [Leaf() for _ in contents]
        out = call.run(mode, [Node(mode, x, record) for x, record in zip(contents, self.records)])
        self.aux = None
        if has_aux:
            out, aux = out
            self.aux = peel_all(aux, mode)
        leaves, self.structure = results(out)
        mine = [isinstance(x, Value) and x.mode is mode for x in leaves]
        self.ends = [x.aux if m else None for x, m in zip(leaves, mine)]
        self.outs = [peel(x, mode) for x in leaves]

    @property
    def out(self) -> Any:
        return unflatten(self.structure, [owned_output(x) for x in self.outs])

    def sweep(self, cts: Sequence[Any]) -> list[Any]:
        """Cotangents of the leaves, None where nothing arrives."""
        seeds = [(end, ct) for end, ct in zip(self.ends, cts) if end is not None and ct is not None]
        leaves = Sweep(self.keep).run(seeds)
        return [leaves.get(record) for record in self.records]

    def gather(self, cts: Sequence[Any]) -> Any:
        return self.call.gather(own_all(self.sweep(cts), self.call.leaves, cts))


def recorded_content(x: Any) -> Any:
    """A leaf as it will stay: its owner, the function through another name, or the caller may write it."""
    if isinstance(x, Value):
        return x.snapshot()
    return copied(x) if isinstance(x, np.ndarray) else x


def owned_output(x: Any) -> Any:
    """A result that does not share memory with an argument or the tape."""
    return np.array(x) if isinstance(x, np.ndarray) else x


def one_like(x: Any) -> Any:
    """The seed 1 in the dtype of x; a Python number stays weak."""
    return 1.0 if type(content_of(x)) in (float, int) else dtype_of(x).type(1)


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The gradient of a scalar function, by reverse mode.

    f        returns a real scalar; with has_aux=True a pair (scalar, anything), and the gradient comes as (gradient,
             anything).
    argnums  position or name of the argument to differentiate, or a tuple of them (then the gradient is a tuple).

    The gradient has the structure, shapes and dtypes of the argument: any nesting of dict, list, tuple, namedtuple
    and dataclass over floats and arrays.  It costs a small multiple of f (Griewank and Walther 2008, section 4.6).
    For a complex argument z = x + iy it is df/dx - i df/dy.
    Raises Diagnostic W101 (not a scalar), W102 (integer argument), W103 (no such argument), and others at the user's
    line.

    >>> import numpy as np
    >>> import wengert as wg
    >>> def f(x, scale=1.0):
    ...     y = np.zeros(3)
    ...     y[1:] = x[:2] ** 2
    ...     return scale * np.sum(y * x)
    >>> wg.grad(f)(np.array([1.0, 2.0, 3.0]))
    array([ 4., 13.,  4.])
    >>> wg.grad(f, argnums="scale")(np.array([1.0, 2.0, 3.0]), scale=2.0)
    14.0
    """

    @derived(f, "grad")
    def gradient(*args: Any, **kwargs: Any) -> Any:
        pull, seed = scalar_pull(f, argnums, args, kwargs, has_aux)
        found = pull.gather([seed])
        return (found, pull.aux) if has_aux else found

    return gradient


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As `grad`, with the value of f: (value, gradient), or ((value, aux), gradient) with has_aux=True.

    >>> import wengert as wg
    >>> wg.value_and_grad(lambda x: x**3)(2.0)
    (8.0, 12.0)
    """

    @derived(f, "value_and_grad")
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        pull, seed = scalar_pull(f, argnums, args, kwargs, has_aux)
        out = pull.out
        found = pull.gather([seed])
        return ((out, pull.aux) if has_aux else out), found

    return value_and_gradient


def scalar_pull(f: Callable[..., Any], argnums: Argnums, args: Any, kwargs: Any, has_aux: bool) -> tuple[Pull, Any]:
    pull = Pull(Call(f, argnums, args, kwargs), keep=False, has_aux=has_aux)
    x = pull.outs[0] if len(pull.outs) == 1 and pull.structure is None else None
    if x is None or shape_of(x) != () or dtype_of(x).kind == "c":
        raise not_scalar(f, pull)
    return pull, one_like(x)


def not_scalar(f: Callable[..., Any], pull: Pull) -> Diagnostic:
    if pull.structure is not None and not pull.outs:
        found = "nothing"
    elif pull.structure is not None:
        found = f"a container of {counted(len(pull.outs), 'value')}"
    elif dtype_of(pull.outs[0]).kind == "c":
        found = f"a complex value of shape {shape_of(pull.outs[0])}"
    else:
        found = f"an array of shape {shape_of(pull.outs[0])}"
    return Diagnostic(
        "W101",
        f"`{name_of(f)}` returns {found}, and `grad` needs a real scalar",
        "a gradient is the derivative of one real number",
        "return a scalar (for example np.sum), use wg.jacobian for the whole derivative or wg.vjp for a product with "
        "it, or has_aux=True if the second item of a pair is not to be differentiated",
    )


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(f(*primals), pullback): the transposed derivative as a function, by reverse mode.

    pullback(ct) takes a cotangent with the structure and shapes of the result, and returns a tuple: one cotangent per
    primal.  It may be called again and again; arrays changed in the meantime do not change it.
    With has_aux=True f returns a pair, and this returns (out, pullback, aux).

    >>> import numpy as np
    >>> import wengert as wg
    >>> out, pullback = wg.vjp(lambda x, y: np.array([x * y, x + y]), 2.0, 5.0)
    >>> out
    array([10.,  7.])
    >>> pullback(np.array([1.0, 10.0]))
    (15.0, 12.0)
    """
    pull = Pull(Call(f, tuple(range(len(primals))), primals, {}), keep=True, has_aux=has_aux)

    def pullback(ct: Any) -> tuple[Any, ...]:
        return pull.gather(seeds_like(ct, pull.outs, pull.structure, "cotangent", "the result"))  # type: ignore[no-any-return]

    return (pull.out, pullback, pull.aux) if has_aux else (pull.out, pullback)


def seeds_like(seed: Any, likes: Sequence[Any], structure: Structure | None, kind: str, of: str) -> list[Any]:
    """The leaves of a user's seed, checked against what it belongs to."""
    leaves, found = flatten(seed)
    if found != structure:
        raise wrong_seed(kind, "structure", shown(found), of, shown(structure))
    return [seed_like(arrayed(s), like, kind, of) for s, like in zip(leaves, likes)]


def shown(structure: Structure | None) -> str:
    return "*" if structure is None else repr(structure)


def seed_like(s: Any, like: Any, kind: str, of: str) -> Any:
    s = unbuffer(s)
    if shape_of(s) != shape_of(like):
        raise wrong_seed(kind, "shape", str(shape_of(s)), of, str(shape_of(like)))
    have, want = dtype_of(s), dtype_of(like)
    if have == want and type(s) is not int:
        return s
    python_number = type(s) in (float, int, complex)
    if (have.kind == "c" and want.kind != "c") or (
        have.kind in "fc" and have.itemsize < want.itemsize and not python_number
    ):
        raise wrong_seed(kind, "dtype", str(have), of, str(want))
    return linear.convert(s, dtype=want) if want.kind in "fc" else s


def wrong_seed(kind: str, aspect: str, have: str, of: str, want: str) -> Diagnostic:
    return Diagnostic(
        "W401",
        f"the {kind} has {aspect} {have}, and {of} has {aspect} {want}",
        "a derivative is multiplied by its seed entry by entry",
        f"pass a {kind} of {aspect} {want}",
    )


# ---------------------------------------------------------------- forward mode


def push_forward(call: Call, tangents: Sequence[Any], has_aux: bool = False) -> tuple[list[Any], list[Any], Any, Any]:
    """(results, their tangents or None, structure, aux) of one forward run."""
    mode = Forward()
    contents = [recorded_content(x) for x in call.leaves]
    values = [x if t is None else Dual(mode, x, t) for x, t in zip(contents, tangents)]
    out = call.run(mode, values)
    aux = None
    if has_aux:
        out, aux = out
        aux = peel_all(aux, mode)
    leaves, structure = results(out)
    mine = [isinstance(x, Value) and x.mode is mode for x in leaves]
    return [peel(x, mode) for x in leaves], [x.aux if m else None for x, m in zip(leaves, mine)], structure, aux


def jvp(f: Callable[..., Any], primals: Sequence[Any], tangents: Sequence[Any], has_aux: bool = False) -> Any:
    """(f(*primals), derivative of f along `tangents`), by forward mode.

    tangents   one per primal, with its structure and shapes.  With has_aux=True f returns a pair, and this
               returns (out, tangent, aux).

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.jvp(lambda x, y: x * y, (2.0, 3.0), (0.0, 1.0))
    (6.0, 2.0)
    """
    if len(primals) != len(tangents):
        raise wrong_seed("tuple of tangents", "length", str(len(tangents)), "that of primals", str(len(primals)))
    call = Call(f, tuple(range(len(primals))), tuple(primals), {})
    seeds = seeds_like(list(tangents), call.leaves, call.structure, "tangent", "the primal")
    outs, pushed, structure, aux = push_forward(call, seeds, has_aux)
    out = unflatten(structure, [owned_output(x) for x in outs])
    tangent = unflatten(structure, own_all(pushed, outs, seeds))
    return (out, tangent, aux) if has_aux else (out, tangent)


def linearize(f: Callable[..., Any], *primals: Any) -> Any:
    """(f(*primals), push): the derivative at a point as a linear function of tangents; f runs once.

    The transpose of the pullback, which is linear in its cotangent: recorded once, and walked back for every call
    (the "double vjp" of Christianson 1992).

    >>> import wengert as wg
    >>> out, push = wg.linearize(lambda x, y: x * y, 3.0, 4.0)
    >>> out, push(1.0, 0.0), push(0.0, 1.0)
    (12.0, 4.0, 3.0)
    """
    pull = Pull(Call(f, tuple(range(len(primals))), primals, {}), keep=True)
    transposed = transpose_linear(pull.sweep, pull.outs)

    def push(*tangents: Any) -> Any:
        seeds = seeds_like(list(tangents), pull.call.leaves, pull.call.structure, "tangent", "the primal")
        return unflatten(pull.structure, own_all(transposed(seeds), pull.outs, seeds))

    return pull.out, push


def transpose_linear(
    linear_map: Callable[[list[Any]], Any], likes: Sequence[Any]
) -> Callable[[Sequence[Any]], list[Any]]:
    """The transpose of a linear function from values like `likes` to a list: recorded once, walked back per call."""
    mode = Reverse()
    mode.outlives_call = True
    # generic numbers: no value of the linear function may look like an exact zero, which would cut a path for good
    random = np.random.default_rng(0)
    records = [Leaf() for _ in likes]
    examples = [random_like(random, x) for x in likes]
    outs = linear_map([Node(mode, x, record) for x, record in zip(examples, records)])
    mode.finished = True
    ends = [x.fresh().aux if isinstance(x, Value) and x.mode is mode else None for x in outs]

    def transposed(cts: Sequence[Any]) -> list[Any]:
        reached = Sweep(True).run([(end, ct) for end, ct in zip(ends, cts) if end is not None and ct is not None])
        return [reached.get(record) for record in records]

    return transposed


def derivative(f: Callable[..., Any], argnums: int | str = 0) -> Callable[..., Any]:
    """df/dx of a function of one float, whatever f returns; by forward mode.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.derivative(lambda t: np.array([t**2, t**3]))(2.0)
    array([ 4., 12.])
    >>> wg.derivative(wg.derivative(lambda t: t**3))(2.0)
    12.0
    """

    @derived(f, "derivative")
    def slope(*args: Any, **kwargs: Any) -> Any:
        call = Call(f, argnums, args, kwargs)
        if call.structure is None or len(call.leaves) != 1 or shape_of(call.leaves[0]) != ():
            shapes = ", ".join(str(shape_of(x)) for x in call.leaves)
            raise Diagnostic(
                "W401",
                f"`derivative` of `{name_of(f)}` needs one scalar argument, and got shapes {shapes}",
                "a derivative df/dx belongs to a function of one number",
                "use wg.jacobian for all partials, wg.jvp for one direction, wg.elementwise_grad for many points",
            )
        outs, pushed, structure, _ = push_forward(call, [one_like(call.leaves[0])])
        return unflatten(structure, own_all(pushed, outs))

    return slope


def elementwise_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """f'(x) at every element, for a function that acts on each element alone; any shape.

    It is the sum of each column of the Jacobian: a vjp with ones.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.elementwise_grad(lambda x: x**4 + 3 * x**2 + 2 * x)(np.array([1.0, 2.0, 3.0]))
    array([ 12.,  46., 128.])
    """

    @derived(f, "elementwise_grad")
    def slopes(*args: Any, **kwargs: Any) -> Any:
        pull = Pull(Call(f, argnums, args, kwargs), keep=False)
        return pull.gather([np.ones(shape_of(x), dtype_of(x))[()] for x in pull.outs])

    return slopes


# ---------------------------------------------------------------- whole derivatives


def jacrev(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The Jacobian by reverse mode: cost grows with the number of results.  Shapes as `jacobian`."""

    @derived(f, "jacrev")
    def jacobian_by_rows(*args: Any, **kwargs: Any) -> Any:
        return rows_of(Pull(Call(f, argnums, args, kwargs), keep=False))

    return jacobian_by_rows


def rows_of(pull: Pull) -> Any:
    count = sum(size_of(x) for x in pull.outs)
    if count == 0:
        bars: list[Any] = [None] * len(pull.records)
    else:
        mode = Batch(count)
        bars = pull.sweep([Batched(mode, seed) for seed in basis(pull.outs)])
        bars = [mode.content(b.fresh()) if isinstance(b, Value) and b.mode is mode else None for b in bars]
    parts = [split(b, pull.outs, like) for b, like in zip(bars, pull.call.leaves)]
    return unflatten(pull.structure, [pull.call.gather([p[i] for p in parts]) for i in range(len(pull.outs))])


def size_of(x: Any) -> int:
    return int(np.prod(shape_of(x)))


def basis(likes: Sequence[Any]) -> list[Any]:
    """For each value all unit seeds of all values: (count, *shape), ones where lane and entry meet."""
    sizes = [size_of(x) for x in likes]
    seeds, start = [], 0
    for x, n in zip(likes, sizes):
        seed = np.zeros((sum(sizes), n), dtype_of(x))
        seed[start : start + n] = np.eye(n, dtype=dtype_of(x))
        seeds.append(seed.reshape(sum(sizes), *shape_of(x)))
        start += n
    return seeds


def split(stacked: Any, likes: Sequence[Any], trailing: Any) -> list[Any]:
    """Lanes of `basis(likes)` -> one array of shape like.shape + trailing.shape for each."""
    parts, start = [], 0
    dtype = dtype_of(trailing)
    for x in likes:
        shape, n = shape_of(x) + shape_of(trailing), size_of(x)
        if stacked is None:
            parts.append(np.zeros(shape, np.result_type(dtype, dtype_of(x)) if dtype.kind == "c" else dtype)[()])
        else:
            parts.append(linear.reshape(stacked[start : start + n], shape=shape))
        start += n
    return [own_part(p, trailing) for p in parts]


def own_part(part: Any, trailing: Any) -> Any:
    if isinstance(part, Value):
        return part
    if part.shape == ():
        return float(part) if type(trailing) is float else part[()]
    return np.array(part)


def jacfwd(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """The Jacobian by forward mode: cost grows with the number of arguments.  Shapes as `jacobian`."""

    @derived(f, "jacfwd")
    def jacobian_by_columns(*args: Any, **kwargs: Any) -> Any:
        return columns_of(Call(f, argnums, args, kwargs))

    return jacobian_by_columns


def columns_of(call: Call) -> Any:
    count = sum(size_of(x) for x in call.leaves)
    if count == 0:
        outs, pushed, structure, _ = push_forward(call, [None] * len(call.leaves))
        lanes: list[Any] = [None] * len(outs)
    else:
        mode = Batch(count)
        outs, pushed, structure, _ = push_forward(call, [Batched(mode, seed) for seed in basis(call.leaves)])
        lanes = [mode.content(t.fresh()) if isinstance(t, Value) and t.mode is mode else None for t in pushed]
    parts = [split(t, call.leaves, out) for t, out in zip(lanes, outs)]
    shaped = [
        [move_columns(p, shape_of(out), shape_of(x)) for p, x in zip(row, call.leaves)] for row, out in zip(parts, outs)
    ]
    return unflatten(structure, [call.gather(row) for row in shaped])


def move_columns(part: Any, out_shape: Any, x_shape: Any) -> Any:
    """From x.shape + out.shape to out.shape + x.shape."""
    n, m = len(x_shape), len(out_shape)
    if n == 0 or m == 0:
        return part
    moved = moveaxis(part, tuple(range(n)), tuple(range(m, m + n)))
    return np.array(moved) if isinstance(moved, np.ndarray) else moved


def jacobian(f: Callable[..., Any], argnums: Argnums = 0, mode: str = "auto") -> Callable[..., Any]:
    """All partial derivatives of all results: shape f(x).shape + x.shape.

    mode   "forward", "reverse", or "auto": reverse where there are no more results than arguments, else forward.  The
           choice of the last call and its reason are in the attribute `choice`, and logged by the logger "wengert".

    Containers nest: the structure of the result, and inside it that of the argument.

    >>> import numpy as np
    >>> import wengert as wg
    >>> jac = wg.jacobian(lambda x: np.array([x[0] * x[1], x[0], x[1] ** 2]))
    >>> jac(np.array([2.0, 3.0]))
    array([[3., 2.],
           [1., 0.],
           [0., 6.]])
    >>> jac.choice
    'forward: 3 results, 2 arguments'
    """
    if mode not in ("auto", "forward", "reverse"):
        raise ValueError(f"mode must be 'auto', 'forward' or 'reverse', not {mode!r}")
    if mode != "auto":
        return (jacfwd if mode == "forward" else jacrev)(f, argnums)

    @derived(f, "jacobian")
    def whole(*args: Any, **kwargs: Any) -> Any:
        call = Call(f, argnums, args, kwargs)
        pull = Pull(call, keep=False)
        results_count, arguments = sum(map(size_of, pull.outs)), sum(map(size_of, call.leaves))
        reverse = results_count <= arguments
        whole.choice = f"{'reverse' if reverse else 'forward'}: {results_count} results, {arguments} arguments"  # type: ignore[attr-defined]
        log.info("jacobian of %s by %s", name_of(f), whole.choice)  # type: ignore[attr-defined]
        return rows_of(pull) if reverse else columns_of(call)

    return whole


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """Second derivatives of a scalar function: shape x.shape + x.shape; forward mode over reverse mode.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return derived(f, "hessian")(jacfwd(grad(f, argnums), argnums))


def hvp(f: Callable[..., Any], x: Any, v: Any) -> Any:
    """The Hessian of a scalar function times a vector, without the Hessian (Pearlmutter 1994).

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.hvp(lambda x: x[0] ** 2 * x[1], np.array([3.0, 5.0]), np.array([1.0, 0.0]))
    array([10.,  6.])
    """
    return jvp(grad(f), (x,), (v,))[1]


# ---------------------------------------------------------------- batching


def vmap(f: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """The function over one more axis.

    in_axes   the axis of each argument that holds the lanes, None for an argument that all lanes share: one for all,
              or one per argument (for a container one for all its leaves, or a container of them).
    out_axes  where the axis goes in the results, likewise.

    Works on whole batches; each lane takes its own branches and numbers of iterations.  Where the lanes disagree in
    plain Python, they run one by one; in a program of `jit`, they do so for that branch or loop alone.
    Raises Diagnostic W402 where axes do not fit, or where a batch without lanes comes to a branch.

    >>> import numpy as np
    >>> import wengert as wg
    >>> wg.vmap(np.dot, in_axes=(0, None))(np.eye(3), np.array([1.0, 2.0, 3.0]))
    array([1., 2., 3.])
    """

    @derived(f, "vmap")
    def batched(*args: Any) -> Any:
        axes_given = in_axes if isinstance(in_axes, tuple | list) else (in_axes,) * len(args)
        if len(axes_given) != len(args):
            raise wrong_axes(f"in_axes has {len(axes_given)} entries for {len(args)} arguments")
        leaves, structure = flatten(list(args))
        leaves = [arrayed(x) if isinstance(x, np.ndarray) else x for x in leaves]
        axes = [axis for given, arg in zip(axes_given, args) for axis in spread(given, arg)]
        size = batch_size(leaves, axes)
        fronted = [x if a is None else in_front(x, a) for x, a in zip(leaves, axes)]
        mode = Batch(size)
        try:
            outs, out_structure = all_lanes(f, fronted, axes, structure, mode)
        except LanesDiffer as differ:
            if differ.mode is not mode:
                raise
            outs, out_structure = lane_by_lane(f, fronted, axes, structure, size)
        placed = spread(out_axes, unflatten(out_structure, outs))
        outs = [x if not a else moveaxis(x, 0, a) for x, a in zip(outs, placed)]
        return unflatten(out_structure, [x if is_own(x, leaves) else np.array(x) for x in outs])

    return batched


def is_own(x: Any, arguments: Sequence[Any]) -> bool:
    """Whether a result shares no memory with an argument."""
    return not isinstance(x, np.ndarray) or (owns_storage(x) and not any(x is a for a in arguments))


def spread(axes: Any, tree: Any) -> list[Any]:
    """One axis per leaf: `axes` is one for all, or a container that matches the tree as far as it goes."""
    if axes is None or isinstance(axes, int):
        return [axes] * len(flatten(tree)[0])
    opened, given = open_container(tree), open_container(axes)
    if opened is None or given is None or len(opened[0]) != len(given[0]):
        raise wrong_axes(f"the axes {axes!r} do not fit their argument")
    return [axis for a, t in zip(given[1], opened[1]) for axis in spread(a, t)]


def batch_size(leaves: Sequence[Any], axes: Sequence[Any]) -> int:
    sizes = set()
    for x, axis in zip(leaves, axes):
        if axis is not None:
            shape = shape_of(x)
            if not -len(shape) <= axis < len(shape):
                raise wrong_axes(f"an argument of shape {shape} has no axis {axis}")
            sizes.add(shape[axis])
    if len(sizes) != 1:
        raise wrong_axes(f"the batched axes have lengths {sorted(sizes)}" if sizes else "no argument is batched")
    return int(sizes.pop())


def wrong_axes(what: str) -> Diagnostic:
    return Diagnostic(
        "W402",
        what,
        "every lane takes one slice of each batched argument, so all must have equally many",
        "give in_axes one axis per argument, None for those that all lanes share",
    )


def in_front(x: Any, axis: int) -> Any:
    """The batched axis first, and lanes in one piece, as arrays of their own are: so views of them are views."""
    moved = moveaxis(x, axis, 0)
    if axis == 0 or is_staged(moved) or lies_in(moved, "C"):
        return moved
    return linear.reshape(linear.reshape(moved, shape=(math.prod(shape_of(moved)),)), shape=shape_of(moved))


def all_lanes(f: Any, fronted: list[Any], axes: list[Any], structure: Any, mode: Batch) -> tuple[list[Any], Any]:
    shared = shared_by_lanes(fronted, axes)
    values = [shared[id(x)] if a is None else Batched(mode, unbuffer(x)) for x, a in zip(fronted, axes)]
    leaves, out_structure = results(run(mode, f, unflatten(route_structure(structure), values), {}))
    return [lanes_of(x, mode) for x in leaves], out_structure


def shared_by_lanes(fronted: list[Any], axes: list[Any]) -> dict[int, Any]:
    """What f gets of arguments without an axis, by id: one array stays one."""
    given = {id(x): x for x, a in zip(fronted, axes) if a is None}
    return {key: give(x) for key, x in given.items()}


def lanes_of(x: Any, mode: Batch) -> Any:
    if isinstance(x, Value) and x.mode is mode:
        return mode.content(x)
    return own(
        linear.broadcast_to(unbuffer(x), shape=(mode.size, *shape_of(x))),
        np.empty((mode.size, *shape_of(x)), dtype_of(x)),
    )


def lane_by_lane(f: Any, fronted: list[Any], axes: list[Any], structure: Any, size: int) -> tuple[list[Any], Any]:
    lanes = []
    for i in range(size):
        shared = shared_by_lanes(fronted, axes)
        values = [shared[id(x)] if a is None else give(x[i]) for x, a in zip(fronted, axes)]
        lanes.append(results(run(Mode(), f, unflatten(route_structure(structure), values), {})))
    out_structure = lanes[0][1]
    return [
        join.stack(*[unbuffer(x) for x in parts], axis=0) for parts in zip(*[leaves for leaves, _ in lanes])
    ], out_structure


# ---------------------------------------------------------------- control


def stop_gradient(x: Any) -> Any:
    """x as a constant: its derivative is zero in every mode.  Any container.

    >>> import wengert as wg
    >>> wg.grad(lambda x: x * wg.stop_gradient(x))(3.0)
    3.0
    """
    return map_leaves(lambda leaf: elementwise.stop_gradient(leaf) if isinstance(leaf, Value) else leaf, x)
