"""Code, pages and tests name the same checks; the how-to's blocks run."""

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from sybil import Document
from sybil.parsers.markdown import PythonCodeBlockParser

from chatkeep.doctor import CHECKS
from doctor.conftest import Admit

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/doctor.md").read_text(encoding="utf-8")
HOW_TO = ROOT / "docs/how-to/doctor.md"
TESTS = "".join(
    path.read_text(encoding="utf-8")
    for folder in ("doctor", "pooler")
    for path in sorted((ROOT / "tests" / folder).glob("test_*.py"))
    if path.name not in {"test_pages.py", "test_health.py"}
)


def test_each_check_has_its_heading():
    assert sorted(re.findall(r"^### (\S+)$", REFERENCE, re.MULTILINE)) == sorted(
        check.name for check in CHECKS
    )


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_page_says_what_the_code_says(check):
    section = REFERENCE.split(f"### {check.name}\n")[1].split("\n#")[0]
    said = f"**{check.severity.value.capitalize()}.** {check.why}"
    assert said in section
    assert len(section) > len(said) + 40


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_test_produces_each_finding(check):
    assert f'"{check.name}"' in TESTS


def test_the_number_of_checks_in_the_how_to():
    assert f"{len(CHECKS)} checks made" in HOW_TO.read_text(encoding="utf-8")


async def test_the_how_to_runs(admit: Admit):
    patient = await admit()
    names: dict[str, Any] = {
        "schema": patient.schema, "url": patient.url, "connection": patient.connection,
    }  # fmt: skip
    document = Document.parse(str(HOW_TO), PythonCodeBlockParser())
    blocks = list(document.examples())
    assert blocks
    for block in blocks:
        source = "\n" * block.line + str(block.parsed)
        code = compile(source, str(HOW_TO), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, names)
        if inspect.iscoroutine(result):
            await result
