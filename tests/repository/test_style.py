"""House rules that no linter knows, and the examples in docstrings."""

import ast
import doctest
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = tuple(sorted(path for root in ("core", "server") for path in (ROOT / root).rglob("*.py")))
LONGEST_FUNCTION = 45
VAGUE = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}
WITH_EXAMPLES = tuple(path for path in SOURCES if ">>> " in path.read_text("utf-8"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def functions(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Each function with the lines it takes, its docstring left out."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            signature = node.body[0].lineno - node.lineno
            yield node.name, signature + (node.end_lineno or first.lineno) - first.lineno + 1


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_no_function_is_too_long() -> None:
    long = {f"{path.stem}.{name}": n for path in SOURCES for name, n in functions(tree(path)) if n > LONGEST_FUNCTION}
    assert long == {}


def test_a_function_that_is_too_long_is_found() -> None:
    body = "\n".join("    x = 1" for _ in range(LONGEST_FUNCTION))
    assert dict(functions(ast.parse(f'def f():\n    """Short."""\n{body}\n')))["f"] == LONGEST_FUNCTION + 1


def test_modules_are_named_by_what_they_hold() -> None:
    assert [module_name(path) for path in SOURCES if path.stem in VAGUE] == []


def test_each_module_says_what_it_promises() -> None:
    assert [module_name(path) for path in SOURCES if not ast.get_docstring(tree(path))] == []


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=module_name)
def test_examples_in_docstrings(path: Path) -> None:
    result = doctest.testmod(import_module(module_name(path)))
    assert result.attempted > 0
    assert result.failed == 0
