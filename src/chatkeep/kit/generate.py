"""Writing the next migration: planned from two real databases, proved, then written."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from chatkeep.kit.build import run_all, schema_sql
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.folder.append import Draft, append, recover
from chatkeep.kit.folder.names import slug
from chatkeep.kit.folder.reading import CUSTOM, Folder, hash_of
from chatkeep.kit.plan.renames import check_renames
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.snapshot.snapshot import empty_snapshot
from chatkeep.kit.states import facts_of_database
from chatkeep.kit.target import State, Target
from chatkeep.kit.writing import steps as staging
from chatkeep.kit.writing.bench import Bench
from chatkeep.kit.writing.drafting import Drafter, Options
from chatkeep.kit.writing.reversing import DIRECTIVE, REVERSE_KEY, reverse_path, standing_on
from chatkeep.kit.writing.steps import Steps

__all__ = ["Generated", "Options", "Prepared", "generate", "generate_custom", "prepare", "write"]

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What could be checked without a server.

    Attributes:
        sql: The statements that make each state, by the id of its MetaData.
    """

    folder: Folder
    target: Target
    options: Options
    sql: dict[int, list[str]]


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written.

    Attributes:
        paths: The SQL files, in order; empty when there is nothing to do.
        destructive: Which rows or values go or change when it is applied, in words.
        held: Name of the stage that waits for another time, or None.
        reverses: The `.down.sql` files that were proved and written beside.
        lost_back: Which rows or values go when those are run, in words.
        irreversible: Why a migration has no reverse, by the name of its file.
        notes: Worth knowing, such as a pg_dump that could not be asked.
    """

    paths: tuple[Path, ...] = ()
    destructive: tuple[str, ...] = ()
    held: str | None = None
    reverses: tuple[Path, ...] = ()
    lost_back: tuple[str, ...] = ()
    irreversible: dict[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()


def prepare(path: Path, target: Target, options: Options) -> Prepared:
    """Check all that needs no server: the folder, the options, the tables.

    What a crashed writer left in the folder is removed.

    Args:
        path: The folder; need not be there.
        target: The schema.
        options: How to generate.

    Raises:
        MigrationsFolderError: The folder cannot be read, or the name cannot be one of a file.
        MigrationError: A rename cannot be read.
        ConfigError: The tables cannot be put into SQL, or PostgreSQL would cut a name.
    """
    recover(path)
    folder = Folder.read(path, create=True)
    if options.name is not None:
        slug(options.name)
    check_renames(options.renames)
    states = [target.state, *staging.states_of(target)]
    for state in states:
        state.using()
    sql = {id(state.metadata): schema_sql(state) for state in states}
    return Prepared(folder, target, options, sql)


async def generate(path: Path, target: Target, scratch: Scratch, options: Options) -> Generated:
    """Write the migration that leads from the folder to the schema, or the stages of an upgrade.

    What is planned is run on a copy and compared with the schema before anything is written; then
    everything is written, or nothing. Beside each migration goes its reverse, `NNNN_name.down.sql`,
    where one was found and proved.

    Args:
        path: The folder; made when absent.
        target: The schema.
        scratch: Server for scratch databases.
        options: How to generate.

    Raises:
        MigrationsFolderError: The folder cannot be read or written.
        MigrationFailedError: A migration of the folder fails on an empty database.
        RenameUnclearError: Something went and something came; `renames` must say what it is.
        UnmodelledObjectError: The change touches a kind of object that the diff does not know.
        ProofFailedError: The planned SQL did not lead to the schema.
        ConfigError: The tables cannot be put into SQL, or PostgreSQL would cut a name.
        StatementError: PostgreSQL refuses a statement of the schema.
        ConnectionFailedError: No connection to the scratch server.
    """
    return await write(prepare(path, target, options), scratch)


async def write(prepared: Prepared, scratch: Scratch) -> Generated:
    """Do what `generate` does, with what was prepared.

    Raises:
        ChatkeepError: As `generate` does.
    """
    goals = _Goals(prepared, scratch)
    folder, options = prepared.folder, prepared.options
    drafter = Drafter(prepared.target, folder, options, goals.facts)
    async with AsyncExitStack() as stack:
        here = Bench(scratch, stack, folder.migrations)
        if prepared.target.stages:
            await here.begin()
        else:
            await _together(here.begin(), goals.facts(prepared.target.state))
        steps = await _steps(prepared, here.catalog, goals)
        for step in steps.now:
            await drafter.take(here, step)
    held = steps.held.name if steps.held else None
    notes = (f"Reverses were proved without pg_dump. {here.note}",) if here.note else ()
    if not drafter.drafts:
        return Generated(held=held)
    written, paths = append(folder, drafter.drafts)
    new = zip(written.migrations[-len(paths) :], drafter.drafts, strict=True)
    return Generated(
        tuple(paths),
        tuple(drafter.destructive),
        held,
        tuple(reverse_path(migration) for migration, draft in new if draft.reverse is not None),
        tuple(drafter.lost_back),
        {path.name: reason for path, reason in zip(paths, drafter.reasons, strict=True) if reason},
        notes,
    )


def generate_custom(path: Path, name: str | None, sql: str = "", *, reverse: str = "") -> Path:
    """Write a migration to put SQL into, as `drizzle-kit generate --custom` does; or with the SQL.

    The newest snapshot is carried forward; no server is needed.

    Args:
        path: The folder; made when absent.
        name: Behind the number; `custom` without one.
        sql: The whole file, such as changes nothing that the snapshot knows.
        reverse: Its way back, which `chatkeep rollback` proves before it takes it.

    Raises:
        MigrationsFolderError: The folder cannot be read or written.
    """
    recover(path)
    folder = Folder.read(path, create=True)
    last = folder.last_snapshot() or empty_snapshot()
    carried = {key: value for key, value in last.items() if key not in {"id", "prevId"}}
    draft = Draft(name or "custom", sql or f"{CUSTOM}\n", carried)
    if reverse:
        draft = _with_reverse(draft, reverse, folder)
    _, paths = append(folder, [draft])
    return paths[0]


def _with_reverse(draft: Draft, reverse: str, folder: Folder) -> Draft:
    """Note that the reverse is no stranger's; a rollback tries it all the same, with pg_dump."""
    up = hash_of(draft.sql.encode())[1]
    down = f"-- chatkeep:{DIRECTIVE} {up}\n{reverse}"
    proof = {
        "of": up,
        "file": hash_of(down.encode())[1],
        "on": standing_on(folder.migrations),
        "by": "facts",
    }
    return replace(draft, own={REVERSE_KEY: proof}, reverse=down)


class _Goals:
    """The facts of the states that the schema names, each built once."""

    def __init__(self, prepared: Prepared, scratch: Scratch) -> None:
        self._sql = prepared.sql
        self._scratch = scratch
        self._known: dict[int, Catalog] = {}

    async def facts(self, state: State) -> Catalog:
        key = id(state.metadata)
        if key not in self._known:
            async with self._scratch.database() as url:
                await run_all(url, self._sql[key])
                self._known[key] = await facts_of_database(url)
        return self._known[key]


async def _steps(prepared: Prepared, state: Catalog, goals: _Goals) -> Steps:
    """Find out where the folder stands."""
    target, hold = prepared.target, prepared.options.hold_contract
    left = staging.stages_left(prepared.folder, target)
    if left:
        return staging.of_upgrade(left, hold_last=hold)
    states = staging.states_of(target)
    if left is None and len(states) > 1 and state.facts:
        first, last = await goals.facts(states[0]), await goals.facts(states[-1])
        if staging.lies_before(state, first, last):
            return staging.of_upgrade(target.stages, hold_last=hold)
    return staging.plain(target)


async def _together(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """Wait for both; when one fails, stop the other and let it clean up."""
    one, other = asyncio.create_task(first), asyncio.create_task(second)
    try:
        return await asyncio.gather(one, other)
    finally:
        for task in (one, other):
            task.cancel()
        await asyncio.gather(one, other, return_exceptions=True)
