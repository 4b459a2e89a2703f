"""Folders made for one test, and a look into a database."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from chatkeep.kit import jsjson

GOLDEN = Path(__file__).parents[1] / "golden" / "drizzle"


@pytest.fixture
def golden(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the folder that drizzle-kit made of a seed."""

    def copy(seed: str) -> Path:
        return Path(shutil.copytree(GOLDEN / seed / "drizzle", tmp_path / seed))

    return copy


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[..., Path]:
    """A folder of these SQL texts; `whens` are their dates, 100 apart when not given."""

    def write(*texts: str, whens: list[int] | None = None, name: str = "drizzle") -> Path:
        root = tmp_path / name
        (root / "meta").mkdir(parents=True, exist_ok=True)
        entries = []
        for idx, text in enumerate(texts):
            tag = f"{idx:04d}_step"
            (root / f"{tag}.sql").write_text(text)
            when = whens[idx] if whens else 100 * (idx + 1)
            entries.append(
                {"idx": idx, "version": "7", "when": when, "tag": tag, "breakpoints": True}
            )
        journal = {"version": "7", "dialect": "postgresql", "entries": entries}
        (root / "meta" / "_journal.json").write_text(jsjson.dumps(journal))
        return root

    return write


@pytest.fixture
def redate() -> Callable[[Path, int, int], None]:
    """Change the `when` of one entry."""

    def change(root: Path, idx: int, when: int) -> None:
        path = root / "meta" / "_journal.json"
        document = json.loads(path.read_text())
        document["entries"][idx]["when"] = when
        path.write_text(jsjson.dumps(document))

    return change


@pytest.fixture
def rows() -> Callable[..., object]:
    """Rows of a query as tuples."""

    async def fetch(url: str, sql: str) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    return fetch
