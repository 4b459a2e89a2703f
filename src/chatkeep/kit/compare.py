"""Two states of a schema, each told in its own way, and the SQL from one to the other."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatkeep.errors import ConfigError
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.ownership import owned
from chatkeep.kit.folder import Folder
from chatkeep.kit.patterns import claims
from chatkeep.kit.plan.guard import accepted
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.renames import parse_renames
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.pushing.ours import ours, strangers
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
        tables: Patterns of the tables that are the project's, such as `app_*`. Of a database, what
            neither they nor the other state name is left out; with none, everything counts.
    """

    renames: Sequence[str] = ()
    allow_drops: bool = False
    accept: Collection[str] = ()
    tables: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """Two states beside each other.

    Attributes:
        statements: The SQL from one to the other; nothing when they are equal.
        strangers: Tables of databases that were left out.
    """

    statements: Sequence[Statement]
    strangers: tuple[str, ...] = ()


async def compare(
    start: str, goal: str, scratch: Scratch, root: Path, options: Options | None = None
) -> Compared:
    """Give the SQL from one state to another.

    Args:
        start: A database URL, a migrations folder, a `.sql` file, or `package.module:name`.
        goal: The same.
        scratch: Server for what has to be built first. It need not be that of the URLs.
        root: Where relative paths and modules are looked for.
        options: Renames, drops without a question, differences and tables to look past.

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
    first, _ = await _read(start, scratch, root)
    second, told = await _read(goal, scratch, root)
    before, after = _parts((start, first), (goal, second), chosen)
    statements = plan(
        before,
        after,
        renames=parse_renames(chosen.renames, before, after),
        using=told.using() if told else {},
        allow_drops=chosen.allow_drops,
        accept=chosen.accept,
    )
    left_out = {*strangers(first, before), *strangers(second, after)}
    before, after = accepted(before, chosen.accept), accepted(after, chosen.accept)
    roles = missing_roles(told.extras if told else (), before, after)
    return Compared([*roles, *statements], tuple(sorted(left_out)))


def _parts(
    start: tuple[str, Catalog], goal: tuple[str, Catalog], options: Options
) -> tuple[Catalog, Catalog]:
    """Leave out of databases what is others'."""
    (source, first), (target, second) = start, goal
    if not options.tables:
        return first, second
    claimed = claims(options.tables)
    renamed = tuple(f"{text.rpartition(':')[0]}." for text in options.renames)

    def owns(schema: str, name: str) -> bool:
        names = (f"{name}.", f"public.{name}.") if schema == "public" else (f"{schema}.{name}.",)
        return claimed(schema, name) or any(old.startswith(names) for old in renamed)

    after = second
    if _is_url(target):
        after = owned(second, owns) if _is_url(source) else ours(second, first, owns)
    return ours(first, after, owns) if _is_url(source) else first, after


def _is_url(source: str) -> bool:
    return "://" in source


async def _read(source: str, scratch: Scratch, root: Path) -> tuple[Catalog, State | None]:
    """Give the facts of a state, and what tables tell of it beside them."""
    path = root / source
    if _is_url(source):
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
