"""Two states of a schema, each told in its own way, and the SQL from one to the other."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chatkeep.errors import ConfigError
from chatkeep.kit.applying.replay import replay
from chatkeep.kit.build import build, run_all
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.folder import Folder
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from chatkeep.settings import load_object


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller says about a comparison; see `plan`."""

    renames: Mapping[tuple[str, ...], str | None] = field(
        default_factory=dict[tuple[str, ...], str | None]
    )
    allow_drops: bool = False
    accept: Collection[str] = ()


async def compare(
    start: str, goal: str, scratch: Scratch, root: Path, options: Options | None = None
) -> list[Statement]:
    """Give the SQL from one state to another; nothing when they are equal.

    Args:
        start: A database URL, a migrations folder, a `.sql` file, or `package.module:name`.
        goal: The same.
        scratch: Server for what has to be built first. It need not be that of the URLs.
        root: Where relative paths and modules are looked for.
        options: Renames, drops without a question, differences to look past.

    Raises:
        ConfigError: A state cannot be told from its text, or its object cannot be loaded.
        MigrationsFolderError: A folder cannot be used.
        MigrationFailedError: A folder does not run.
        StatementError: A file or the tables do not run.
        ConnectionFailedError: A database cannot be reached.
        UnmodelledObjectError: They differ in what the diff cannot change.
        RenameUnclearError: A rename, or a drop and an add?
    """
    chosen = options or Options()
    before = await state_of(start, scratch, root)
    after = await state_of(goal, scratch, root)
    return plan(
        before,
        after,
        renames=chosen.renames,
        allow_drops=chosen.allow_drops,
        accept=chosen.accept,
    )


async def state_of(source: str, scratch: Scratch, root: Path) -> Catalog:
    """Give the facts of a state; see `compare` for its forms and errors."""
    async with _database(source, scratch, root) as url, connect(url) as connection:
        return await read_catalog(connection)


@asynccontextmanager
async def _database(source: str, scratch: Scratch, root: Path) -> AsyncGenerator[str]:
    if source.startswith(("postgresql://", "postgres://")):
        yield source
        return
    async with scratch.database() as url:
        await _fill(url, source, root)
        yield url


async def _fill(url: str, source: str, root: Path) -> None:
    path = root / source
    if path.is_dir():
        folder = await asyncio.to_thread(Folder.read, path)
        async with connect(url) as connection:
            await replay(connection, folder.migrations)
    elif source.endswith(".sql"):
        await run_all(url, [await asyncio.to_thread(_text, path)])
    elif ":" in source:
        found = await asyncio.to_thread(load_object, source, root)
        await build(url, target_of(found, source).state)
    else:
        raise ConfigError(
            f"`{source}` is no state of a schema.",
            hint="Give a database URL, a migrations folder, a .sql file or package.module:name.",
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(
            f"{path} cannot be read as UTF-8 text.", hint="Give a .sql file that exists."
        ) from exc
