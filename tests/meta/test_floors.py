"""The floors that ARCHITECTURE.md draws are those that the imports are held to."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_draws_the_floors_that_are_checked():
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    drawn = re.search(r"^```\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert drawn is not None
    named = re.findall(r"^\w+(?: *\| *\w+)*", drawn[1], re.MULTILINE)
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (layers,) = (
        each["layers"]
        for each in contracts["tool"]["importlinter"]["contracts"]
        if each["id"] == "floors"
    )
    assert [_same(each) for each in named] == [_same(each) for each in layers]


def _same(floor: str) -> set[str]:
    return {name.strip() for name in floor.split("|")}
