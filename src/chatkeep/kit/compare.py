"""Two states of a schema, each told in its own way, and the SQL from one to the other."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatkeep.errors import ConfigError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.folder import Folder
from chatkeep.kit.plan.guard import accepted
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.renames import parse_renames
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.roles import missing_roles
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.states import (
    facts_of_database,
    facts_of_migrations,
    facts_of_script,
    facts_of_tables,
)
from chatkeep.kit.target import State, target_of
from chatkeep.settings import load_object


@dataclass(frozen=True, slots=True)
class Options:
    """What the caller says about a comparison; see `plan`.

    Attributes:
        renames: As `--rename` takes them: `table.column:new`.
    """

    renames: Sequence[str] = ()
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
        MigrationError: A rename cannot be read, or names nothing.
        RenameUnclearError: A rename, or a drop and an add?
    """
    chosen = options or Options()
    before, _ = await _read(start, scratch, root)
    after, told = await _read(goal, scratch, root)
    statements = plan(
        before,
        after,
        renames=parse_renames(chosen.renames, before),
        using=told.using() if told else {},
        allow_drops=chosen.allow_drops,
        accept=chosen.accept,
    )
    before, after = accepted(before, chosen.accept), accepted(after, chosen.accept)
    return [*missing_roles(told.extras if told else (), before, after), *statements]


async def _read(source: str, scratch: Scratch, root: Path) -> tuple[Catalog, State | None]:
    """Give the facts of a state, and what tables tell of it beside them."""
    path = root / source
    if "://" in source:
        return await facts_of_database(source), None
    if path.is_dir():
        folder = await asyncio.to_thread(Folder.read, path)
        return await facts_of_migrations(folder.migrations, scratch), None
    if source.endswith(".sql"):
        return await facts_of_script(path, scratch), None
    if ":" not in source:
        raise ConfigError(
            f"`{source}` is no state of a schema.",
            hint="Give a database URL, a migrations folder, a .sql file or package.module:name.",
        )
    state = target_of(await asyncio.to_thread(load_object, source, root), source).state
    return await facts_of_tables(state, scratch), state
