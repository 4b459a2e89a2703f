"""Size budgets and forbidden names: the architecture's rules that no linter knows."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
FRONT = sorted(
    path
    for kind in ("ts", "tsx", "css")
    for path in (ROOT / "front").rglob(f"*.{kind}")
    if "node_modules" not in path.parts
)
MAX_MODULE_LINES = 500
MAX_FRONT_LINES = 400
MAX_FUNCTION_LINES = 60
FORBIDDEN = {"utils", "helpers", "common", "core", "misc", "util", "helper"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_module_keeps_to_its_size(path: Path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_MODULE_LINES, f"{relative(path)} has {lines} lines; split it"


@pytest.mark.parametrize("path", FRONT, ids=relative)
def test_a_source_of_the_pages_keeps_to_its_size(path: Path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_FRONT_LINES, f"{relative(path)} has {lines} lines; split it"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_functions_keep_to_their_size(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    long = {
        node.name: node.end_lineno - node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno > MAX_FUNCTION_LINES
    }
    assert not long, f"{relative(path)}: too long: {long}"


def test_no_module_has_a_name_that_says_nothing():
    bad = [relative(p) for p in SOURCES if p.stem in FORBIDDEN or p.parent.name in FORBIDDEN]
    assert not bad


def test_no_type_check_is_silenced_in_the_sources():
    bad = [
        f"{relative(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "type: ignore" in line or "pyright: ignore" in line or "pragma: no cover" in line
    ]
    assert not bad


def test_every_silenced_lint_rule_has_its_reason():
    bad = [
        f"{relative(path)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "# noqa" in line and " - " not in line.split("# noqa", 1)[1]
    ]
    assert not bad, "write the reason behind a dash: # noqa: X123 - why"


# Rows, console and structure are about tables that nobody knows beforehand: they hold SQL.
STUDIO_WITHOUT_SQL = ("studio/migrations", "studio/conversations", "studio/figures")


def test_edges_hold_no_sql():
    """Edges call the core; a statement there would be a second brain."""
    words = re.compile(r"SELECT |INSERT INTO|UPDATE |DELETE FROM|\.execute\(|\btext\(")
    bad = [
        f"{relative(path)}: {word}"
        for folder in ("cli", "demo", *STUDIO_WITHOUT_SQL)
        for path in sorted((ROOT / "src/chatkeep" / folder).rglob("*.py"))
        for word in words.findall(path.read_text(encoding="utf-8"))
    ]
    assert not bad
