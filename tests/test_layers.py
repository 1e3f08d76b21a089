"""The tree tells the story: imports point one way and stand at the top."""

import ast
from pathlib import Path

import pytest

import wengert

SOURCE = Path(wengert.__file__).parent
LAYERS = (
    "core ir rules passes modes transforms backends frontend numerical "
    "api symbolic tensor custom testing inspect cli reference demo"
).split()
FILES = sorted(SOURCE.rglob("*.py"))


def layer_of(module: str) -> str:
    """`wengert.core.mode` -> `core`."""
    return module.split(".")[1]


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (
                [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "wengert" else [node.module]
            )
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def module_of(path):
    return ".".join(["wengert", *path.relative_to(SOURCE).with_suffix("").parts])


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_point_one_way(path):
    if path.parent == SOURCE and path.name == "__init__.py":
        return
    here = layer_of(module_of(path))
    assert here in LAYERS, f"{path} belongs to no layer"
    for module in imported_modules(path):
        if module.startswith("wengert.") and layer_of(module) in LAYERS:
            assert LAYERS.index(layer_of(module)) <= LAYERS.index(here), f"{here} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_no_import_inside_a_function(path):
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.Lambda):
            for node in ast.walk(function):
                assert not isinstance(node, ast.Import | ast.ImportFrom), f"{path}:{node.lineno}"


def test_only_the_lazy_loader_and_the_command_line_import_by_name():
    users = {p.name for p in FILES if "importlib" in p.read_text()}
    assert users <= {"lazy.py", "cli.py"}


def test_core_and_rules_know_no_mode():
    for path in [*SOURCE.glob("core/*.py"), *SOURCE.glob("rules/*.py")]:
        assert not {"Dual", "Batched"} & {
            n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)
        }
