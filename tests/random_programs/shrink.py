"""A failing program -> a small one that fails alike."""

import ast

from .checks import CHECKS, Subject, check

TRIES = 3000


def shrink(text, seed=0, checks=CHECKS, tries=TRIES):
    """Takes the first edit after which the same check still fails with the same kind of error, until none is left."""
    wanted = verdict(text, seed, checks)
    found = True
    while found and wanted and tries > 0:
        found = False
        for candidate in edits(text):
            tries -= 1
            if tries <= 0:
                break
            if len(candidate) < len(text) and verdict(candidate, seed, checks) == wanted:
                text, found = candidate, True
                break
    return text


def verdict(text, seed, checks):
    """(failing check, type of its error), or None; a text that does not run or cannot be judged fails no check."""
    try:
        subject = Subject(text, seed)
        subject.accept()
    except Exception:  # noqa: BLE001 edits break programs in every way
        return None
    failure = check(subject, checks)
    subject.program.forget()
    return failure and (failure[0], type(failure[1]))


def edits(text):
    """Texts with one statement less, one region dissolved, or one expression replaced by a part of it."""
    tree = ast.parse(text)
    for body, i in positions(tree):
        kept = list(body)
        for new in replacements(kept[i]):
            body[:] = [*kept[:i], *new, *kept[i + 1 :]] or [ast.Pass()]
            yield ast.unparse(tree)
        body[:] = kept
    for node in list(ast.walk(tree)):
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr) and not isinstance(value, ast.Name | ast.Constant):
                for part in parts(value):
                    setattr(node, field, part)
                    yield ast.unparse(tree)
                setattr(node, field, value)


def replacements(statement):
    yield []
    if isinstance(statement, ast.For | ast.While | ast.If):
        yield statement.body
        if statement.orelse:
            yield statement.orelse


def positions(tree):
    """(list of statements, place in it), outer statements first, later ones before earlier ones."""
    bodies = [value for node in ast.walk(tree) for _, value in ast.iter_fields(node) if is_body(value)]
    return [(body, i) for body in bodies for i in reversed(range(len(body)))]


def is_body(value):
    return isinstance(value, list) and bool(value) and isinstance(value[0], ast.stmt)


def parts(value):
    """Smaller expressions to put in place of this one."""
    yield ast.Constant(0.5)
    for child in ast.iter_child_nodes(value):
        if isinstance(child, ast.expr):
            yield child
