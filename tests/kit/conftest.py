"""Folders made for one test, and a look into a database."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from chatkeep.kit.folder import jsjson
from fixtures.seeds import STEPS, metadata_until
from fixtures.servers import PgServer

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


@pytest.fixture(scope="session")
async def seed_folders(pg18: PgServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The seeds' folders as we generate them, made once."""
    from chatkeep.kit.generate import Options, generate
    from chatkeep.kit.scratch import Scratch
    from chatkeep.kit.target import target_of

    made = {}
    for seed, steps in STEPS.items():
        made[seed] = tmp_path_factory.mktemp(seed) / "drizzle"
        for number, (name, _) in enumerate(steps):
            target = target_of(metadata_until(seed, number))
            written = await generate(made[seed], target, Scratch(pg18.admin_url), Options(name))
            assert len(written.paths) == 1
    return made


@pytest.fixture
def seed_folder(seed_folders: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the folder that we generate from a seed's edition."""

    def copy(seed: str) -> Path:
        root = tmp_path / f"ours-{seed}"
        return root if root.exists() else Path(shutil.copytree(seed_folders[seed], root))

    return copy


@pytest.fixture
def scratch(pg18: PgServer):
    from chatkeep.kit.scratch import Scratch

    return Scratch(pg18.admin_url)
