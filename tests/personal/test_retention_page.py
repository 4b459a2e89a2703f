"""docs/how-to/retention.md, run as it stands."""

import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from chatkeep import Database
from chatkeep.database.creation import create_tables
from chatkeep.personal.retention import What, policies
from chatkeep.presets import deepsearch
from database.test_pages import DOCS, blocks, run

PAGE = "how-to/retention.md"


async def test_the_page(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    schema = deepsearch.schema()
    await create_tables(schema, database_url)
    found = blocks(PAGE)
    assert len(found) == 2
    async with Database(schema, database_url) as db:
        names: dict[str, Any] = {"db": db, "schema": schema, "url": database_url}
        for block in found:
            await run(block, names)


def test_its_configuration_is_one_and_its_table_names_each_kind():
    text = (DOCS / PAGE).read_text(encoding="utf-8")
    (config,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    found = policies(tomllib.loads(config)["retention"])
    assert [policy.label for policy in found] == [
        "chats", "chats of admins", "temporary", "messages by tool", "trash",
    ]  # fmt: skip
    rows = "\n".join(line.split("|")[1] for line in text.splitlines() if line.startswith("| `"))
    assert set(re.findall(r"`(\w+)`", rows)) - {"what"} == set(get_args(What))
