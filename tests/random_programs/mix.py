"""What a program contains.  Only what was executed at the sample point counts, as `Watch` saw it."""

import ast

REGIONS = (ast.For, ast.While, ast.If)
LOOPS = (ast.For, ast.While)
LINEAR = {"sum", "len", "copy", "array", "zeros_like", "mean", "enumerate", "zip"}
OUTSIDE = {"GAIN", "STEPS", "TABLE", "model"}
# what the tests ask for, in parts of all programs
WANTED = {
    "nested regions": 0.5,
    "value overwritten and needed": 1 / 3,
    "zero-trip loop": 0.1,
    "branch on a value": 0.1,
    "helper": 0.1,
    "closure": 0.1,
    "scalar argument": 0.1,
    "array argument": 0.1,
    "while": 0.1,
    "break or continue": 0.1,
    "early return": 0.02,
    "global or attribute": 0.1,
    "array alias": 0.1,
    "helper writes its argument": 0.05,
    "write into an argument": 0.1,
    "ragged range": 0.05,
    "swap": 0.05,
}


def features(text, watch):
    """Names of what the program contains."""
    tree = ast.parse(text)
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    f = functions.get("f") or next(node for node in functions["make"].body if isinstance(node, ast.FunctionDef))
    bodies = [f, *(g for name, g in functions.items() if name.startswith(("gauge", "smooth", "push")))]
    executed = list(statements(bodies, watch.counts))
    nodes = [node for statement, _ in executed for node in parts(statement)]
    found = set(of_functions(functions, f, nodes)) | set(of_expressions(nodes))
    for statement, regions in executed:
        found |= set(of_statement(statement, regions, watch.counts))
    if watch.decisions:
        found.add("branch on a value")
    if any(overwritten(list(statements([g], watch.counts)), watch.counts) for g in bodies):
        found.add("value overwritten and needed")
    return found


def statements(body, counts, regions=()):
    """(statement, regions around it) for each statement that was executed."""
    for node in body:
        if isinstance(node, ast.FunctionDef):
            if counts[node.lineno, "body"]:
                yield from statements(node.body, counts, regions)
            continue
        yield node, regions
        if not isinstance(node, REGIONS):
            continue
        if counts[node.lineno, "body"]:
            yield from statements(node.body, counts, (*regions, node))
        if counts[node.lineno, "else"]:
            chained = isinstance(node, ast.If) and isinstance(node.orelse[0], ast.If)  # elif is no deeper
            yield from statements(node.orelse, counts, regions if chained else (*regions, node))


def parts(statement):
    """The expressions of a statement, without the statements inside it."""
    fields = (value for name, value in ast.iter_fields(statement) if name not in ("body", "orelse"))
    for value in fields:
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.AST):
                yield from ast.walk(node)


# ---------------------------------------------------------------- single features


def of_functions(functions, f, nodes):
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    local = {node.name for node in ast.walk(f) if isinstance(node, ast.FunctionDef) and node is not f}
    local |= {node.targets[0].id for node in ast.walk(f) if is_assignment_of(node, ast.Lambda)}
    helpers = {name for name in called if name in functions and name not in ("make", "make_blend")}
    arguments = {a.arg for a in f.args.args}
    if helpers:
        yield "helper"
    if any(name.startswith("push") for name in helpers):
        yield "helper writes its argument"
    if "make" in functions or "blend" in called or local & called:
        yield "closure"
    if arguments & {"x", "y"}:
        yield "scalar argument"
    if arguments & {"a", "b", "A"}:
        yield "array argument"
    if "A" in arguments:
        yield "2-d array"


def is_assignment_of(node, kind):
    return isinstance(node, ast.Assign) and isinstance(node.value, kind) and isinstance(node.targets[0], ast.Name)


def of_expressions(nodes):
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in OUTSIDE:
            yield "global or attribute"
        if isinstance(node, ast.IfExp):
            yield "ternary"
        if isinstance(node, ast.BoolOp) or isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield "and, or, not"
        if isinstance(node, ast.Compare) and len(node.ops) > 1:
            yield "chained comparison"


def of_statement(node, regions, counts):
    if isinstance(node, REGIONS) and regions and (counts[node.lineno, "body"] or counts[node.lineno, "reach"]):
        yield "nested regions"
        if len(regions) > 1:
            yield "nested three deep"
    if isinstance(node, LOOPS):
        yield from of_loop(node, regions, counts)
    if isinstance(node, ast.Break | ast.Continue):
        yield "break or continue"
    if isinstance(node, ast.Return) and regions:
        yield "early return"
    if isinstance(node, ast.AugAssign):
        yield "augmented assignment"
    for target in targets(node):
        if isinstance(target, ast.Subscript):
            yield "write into an array"
            if base(target) in {"a", "b", "A"}:
                yield "write into an argument"
    yield from of_aliases(node, regions)


def of_loop(node, regions, counts):
    reached, entered = counts[node.lineno, "reach"], counts[node.lineno, "body"]
    if not entered:
        yield "zero-trip loop"
    if isinstance(node, ast.While):
        yield "while"
        return
    outer = {r.target.id for r in regions if isinstance(r, ast.For) and isinstance(r.target, ast.Name)}
    if outer & names(node.iter):
        yield "ragged range"
    if not isinstance(node.iter, ast.Call) or node.iter.func.id != "range":
        yield "loop over an array"
    if node.orelse:
        yield "for-else"
    if isinstance(node.iter, ast.Call) and len(node.iter.args) == 3:
        yield "range with a step"
    if entered > reached:
        yield "loop with several trips"


def of_aliases(node, regions):
    if not isinstance(node, ast.Assign):
        return
    decided = "array alias decided by a branch" if any(isinstance(r, ast.If | ast.While) for r in regions) else None
    arrays = [n.id for n in ast.walk(node.value) if isinstance(n, ast.Name) and n.id[0] in "abAwpqhPQ"]
    if isinstance(node.value, ast.Tuple):
        yield "swap"
        whole = isinstance(node.value.elts[1], ast.Name) and arrays
    else:
        whole = isinstance(node.value, ast.Name) and arrays
    if whole:
        yield "array alias"
        if decided:
            yield decided


# ---------------------------------------------------------------- overwritten and needed


def overwritten(executed, counts):
    """Whether a value enters something nonlinear and is overwritten afterwards: reverse mode has to keep it."""
    uses, writes = [], []
    for k, (statement, regions) in enumerate(executed):
        loops = [r.lineno for r in regions if counts[r.lineno, "body"] > counts[r.lineno, "reach"] > 0]
        uses += [(use, k, loops) for use in nonlinear_uses(statement)]
        writes += [(place(t), k, loops) for t in targets(statement)]
    return any(
        meet(u, w) and (at_w >= at_u or set(loops_u) & set(loops_w))
        for u, at_u, loops_u in uses
        for w, at_w, loops_w in writes
    )


def meet(use, write):
    """Whether these places may be the same: (name, constant index or None)."""
    return use[0] == write[0] and (use[1] is None or write[1] is None or use[1] == write[1])


def place(node):
    if not isinstance(node, ast.Subscript):
        return node.id, None
    constant = not any(isinstance(n, ast.Name | ast.Slice) for n in ast.walk(node.slice))
    return base(node), ast.unparse(node.slice) if constant else None


def base(node):
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def targets(node):
    """Names and entries that a statement overwrites."""
    if isinstance(node, ast.AugAssign):
        return [node.target]
    if isinstance(node, ast.Assign):
        target = node.targets[0]
        return list(target.elts) if isinstance(target, ast.Tuple) else [target]
    return []


def nonlinear_uses(statement):
    """Places whose value a partial derivative of this statement needs."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Mult | ast.Div):
        yield from places(statement.value)
        if names(statement.value):
            yield place(statement.target)
    for node in parts(statement):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.MatMult):
            if names(node.left) and names(node.right):
                yield from places(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Pow):
            yield from places(node.right if isinstance(node.op, ast.Div) else node.left)
        elif isinstance(node, ast.Call) and called_name(node) not in LINEAR:
            for argument in node.args:
                yield from places(argument)


def called_name(node):
    return node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id


def places(expression):
    """Names and entries that an expression reads as floats."""
    if isinstance(expression, ast.Subscript):
        if base(expression):
            yield place(expression)
    elif isinstance(expression, ast.Name):
        if expression.id[0] in "stuvrzxyabAwpqhPQ":
            yield expression.id, None
    else:
        for child in ast.iter_child_nodes(expression):
            yield from places(child)


def names(node):
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id not in ("np", "math")}
