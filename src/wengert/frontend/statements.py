"""Statements: what binds, what branches, what loops, what leaves."""

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wengert.core.mode import Buffer, Value
from wengert.frontend import loops
from wengert.frontend.expressions import (
    BINARY,
    IN_PLACE,
    as_index,
    attribute,
    binary,
    closure,
    iterated,
    of_object,
    subscript,
    templates,
)
from wengert.frontend.refuse import EAGER, Ended, Refused
from wengert.frontend.scope import BROKEN, CONTINUED, RESULT, RETURNED, Unbound, is_box
from wengert.modes.stage import Staged
from wengert.rules.control import check

if TYPE_CHECKING:
    from wengert.frontend.build import Staging


def do_expression(s: "Staging", node: ast.Expr) -> None:
    s.eval(node.value)


def do_pass(s: "Staging", node: ast.stmt) -> None:
    pass


# ---------------------------------------------------------------- binding


def do_assign(s: "Staging", node: ast.Assign) -> None:
    value = s.eval(node.value)
    for target in node.targets:
        assign(s, target, value)


def do_annotated(s: "Staging", node: ast.AnnAssign) -> None:
    if node.value is not None:
        assign(s, node.target, s.eval(node.value))


def assign(s: "Staging", target: ast.expr, value: Any) -> None:
    match target:
        case ast.Name(id=name):
            s.store(name, value)
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            unpack(s, parts, value)
        case ast.Subscript():
            base, index = s.eval(target.value), s.eval(target.slice)
            s.stage.where = s.frame.source.position(target)
            set_item(s, base, index, value)
        case ast.Attribute():
            set_attribute(s, s.eval(target.value), s.frame.source.mangled(target.attr), value)
        case ast.Starred():
            assign(s, target.value, value)
        case _:
            raise Refused("this cannot be assigned to", EAGER)


def unpack(s: "Staging", parts: list[ast.expr], value: Any) -> None:
    values = iterated(s, value)
    starred = [i for i, p in enumerate(parts) if isinstance(p, ast.Starred)]
    if starred:
        i, after = starred[0], len(parts) - starred[0] - 1
        if len(values) < len(parts) - 1:
            raise ValueError(f"not enough values to unpack (expected at least {len(parts) - 1}, got {len(values)})")
        values = [*values[:i], s.own(values[i : len(values) - after]), *values[len(values) - after :]]
    if len(values) != len(parts):
        few = "not enough" if len(values) < len(parts) else "too many"
        got = f", got {len(values)}" if few == "not enough" else ""
        raise ValueError(f"{few} values to unpack (expected {len(parts)}{got})")
    for part, item in zip(parts, values):
        assign(s, part, item)


def set_item(s: "Staging", base: Any, index: Any, value: Any) -> None:
    if isinstance(base, Value):
        s.before_write(base)
        base[as_index(s, index)] = value
        s.after_write(base)
        return
    if of_object(s, "__setitem__", base, index, value) is not NotImplemented:
        return
    s.may_change(base, "an assignment to an item")
    base[index.__index__() if isinstance(index, Staged) else index] = value


def set_attribute(s: "Staging", base: Any, name: str, value: Any) -> None:
    member = getattr(type(base), name, None)
    if isinstance(member, property) and member.fset is not None:
        s.call(member.fset, [base, value], {})
        return
    s.may_change(base, f"the assignment to `.{name}`")
    s.name_result(value, name)
    setattr(base, name, value)


def do_augmented(s: "Staging", node: ast.AugAssign) -> None:
    """x += y: in place where x is an array or a list, else bound anew; parts of the target are evaluated once."""
    operation = type(node.op)
    match node.target:
        case ast.Name(id=name):
            value = changed(s, operation, s.load(name), s.eval(node.value), node)
            s.store(name, value)
        case ast.Subscript():
            base, index = s.eval(node.target.value), s.eval(node.target.slice)
            old = subscript(s, base, index)
            value = changed(s, operation, old, s.eval(node.value), node)
            if value is not old or type(base) not in (list, dict):  # else it stands there already
                set_item(s, base, index, value)
        case ast.Attribute():
            base, attr = s.eval(node.target.value), s.frame.source.mangled(node.target.attr)
            old = attribute(s, base, attr)
            value = changed(s, operation, old, s.eval(node.value), node)
            if value is not old or not is_plain_attribute(base, attr):
                set_attribute(s, base, attr, value)


def is_plain_attribute(x: Any, name: str) -> bool:
    """Whether to set it to what it is does nothing."""
    kind = type(x)
    is_ordinary = getattr(kind, "__setattr__", None) is object.__setattr__ and not hasattr(kind, name)
    return is_ordinary and name in getattr(x, "__dict__", ())


def changed(s: "Staging", operation: type, x: Any, y: Any, node: ast.AugAssign) -> Any:
    s.stage.where = s.frame.source.position(node)
    if isinstance(x, Value) and (is_box(x) or isinstance(x.fresh(), Buffer)):
        s.before_write(x)
        out = IN_PLACE[operation](x, y)
        if out is x:
            s.after_write(x)
        return out
    if isinstance(x, list | set | dict):
        s.may_change(x, "an in-place operation")
        return IN_PLACE[operation](x, y)
    found = of_object(s, f"__{IN_PLACE[operation].__name__}__", x, y)
    return binary(s, BINARY[operation], x, y) if found is NotImplemented else found


def do_delete(s: "Staging", node: ast.Delete) -> None:
    for target in node.targets:
        match target:
            case ast.Name(id=name):
                s.load(name)
                s.frame.owner(name).names[name] = Unbound
            case ast.Subscript():
                base = s.eval(target.value)
                s.may_change(base, "`del`")
                del base[s.eval(target.slice)]
            case _:
                raise not_deletable()


def not_deletable() -> Refused:
    return Refused("`del` of this cannot be staged", EAGER)


def do_function(s: "Staging", node: ast.FunctionDef) -> None:
    f: Any = closure(s, node)
    for decorator in reversed(node.decorator_list):
        f = s.call(s.eval(decorator), [f], {})
    s.store(node.name, f)


def do_import(s: "Staging", node: ast.Import) -> None:
    for alias in node.names:
        module = __import__(alias.name)
        if alias.asname:
            for part in alias.name.split(".")[1:]:
                module = getattr(module, part)
        s.store(alias.asname or alias.name.partition(".")[0], module)


def do_import_from(s: "Staging", node: ast.ImportFrom) -> None:
    module = __import__(node.module or "", s.globals_of(s.frame), None, [a.name for a in node.names], node.level)
    for alias in node.names:
        s.store(alias.asname or alias.name, getattr(module, alias.name))


# ---------------------------------------------------------------- leaving


def do_return(s: "Staging", node: ast.Return) -> None:
    value = None if node.value is None else s.eval(node.value)
    s.name_result(value, "result")
    s.frame.names[RESULT] = value
    s.frame.names[RETURNED] = True


def do_break(s: "Staging", node: ast.Break) -> None:
    s.frame.names[BROKEN] = True


def do_continue(s: "Staging", node: ast.Continue) -> None:
    s.frame.names[CONTINUED] = True


def nothing_to_raise() -> Refused:
    return Refused("`raise` without an exception has none to raise again", EAGER)


def do_raise(s: "Staging", node: ast.Raise) -> None:
    if node.exc is None:
        raise nothing_to_raise()
    kind, arguments = s.eval_error(node.exc)
    end_with(s, kind, arguments)


def end_with(s: "Staging", kind: type[BaseException], arguments: tuple[Any, ...]) -> None:
    """An exception that is always raised here: when the program runs, after the writes that precede it."""
    s.raises(kind, arguments)
    raise Ended


def do_assert(s: "Staging", node: ast.Assert) -> None:
    test = s.test(node.test)
    if test is True:
        return
    message = () if node.msg is None else (s.eval(node.msg),)
    if test is False:
        end_with(s, AssertionError, message)
    raise_if(s, test, AssertionError, message)


def raise_if(s: "Staging", ok: Any, kind: type[BaseException], arguments: tuple[Any, ...]) -> None:
    """A check: where `ok` is false the exception is raised when the program runs."""
    texts, values = templates(arguments)
    ok = ok if isinstance(ok, Value) else s.stage.constant(ok)
    check(ok, *values, error=kind, arguments=texts)


# ---------------------------------------------------------------- control flow


def do_if(s: "Staging", node: ast.If) -> None:
    test = s.test(node.test)
    if isinstance(test, bool):
        s.block(node.body if test else node.orelse)
        return
    s.conditional(test, lambda: s.block(node.body), lambda: s.block(node.orelse))


def do_for(s: "Staging", node: ast.For) -> None:
    loops.for_statement(s, node)


def do_while(s: "Staging", node: ast.While) -> None:
    loops.while_statement(s, node)


def is_setting(kind: type) -> bool:
    """Whether a context says how to compute, and nothing else."""
    return kind.__name__ == "errstate"


def context_manager() -> Refused:
    return Refused("`with` cannot be staged", EAGER)


def do_with(s: "Staging", node: ast.With) -> None:
    """Contexts that say how to compute, such as np.errstate, hold at run time only: others are refused."""
    for item in node.items:
        manager = s.eval(item.context_expr)
        if not is_setting(type(manager)):
            raise context_manager()
    s.block(node.body)


def do_global(s: "Staging", node: ast.Global) -> None:
    s.frame.outer_names.update(node.names)


def do_nonlocal(s: "Staging", node: ast.Nonlocal) -> None:
    s.frame.nonlocals.update(node.names)


STATEMENTS: dict[type, Callable[..., None]] = {
    ast.Expr: do_expression,
    ast.Pass: do_pass,
    ast.Assign: do_assign,
    ast.AnnAssign: do_annotated,
    ast.AugAssign: do_augmented,
    ast.Delete: do_delete,
    ast.FunctionDef: do_function,
    ast.Import: do_import,
    ast.ImportFrom: do_import_from,
    ast.Return: do_return,
    ast.Break: do_break,
    ast.Continue: do_continue,
    ast.Raise: do_raise,
    ast.Assert: do_assert,
    ast.If: do_if,
    ast.For: do_for,
    ast.While: do_while,
    ast.With: do_with,
    ast.Global: do_global,
    ast.Nonlocal: do_nonlocal,
}


def handler_of(node: ast.stmt) -> Callable[..., None]:
    handler = STATEMENTS.get(type(node))
    if handler is None:
        raise Refused(f"`{type(node).__name__.lower()}` is not part of what can be staged", EAGER)
    return handler
