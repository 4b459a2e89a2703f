"""Adopting a database that something else made: compared, and noted without being run."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import asyncpg

from chatkeep.errors import MigrationError
from chatkeep.kit.applying import ledger
from chatkeep.kit.applying.lock import WAIT, migration_lock
from chatkeep.kit.applying.matching import Matching, match_books, refuse_edited, refuse_missing
from chatkeep.kit.applying.project import project_of
from chatkeep.kit.applying.replay import replay
from chatkeep.kit.belonging import belongings
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Kind
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.differences import Difference, differences
from chatkeep.kit.folder import Folder, Migration
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.squashing.rows import touches_rows
from chatkeep.kit.states import Course, course_of_migrations

_MOST_TRIED = 100  # migrations; beyond these no other place is looked for


@dataclass(frozen=True, slots=True)
class Options:
    """How to adopt.

    Attributes:
        to: The last migration that the database has, by tag or number; all of them without it.
        accept: Objects whose differences count for nothing, as `index public.x_idx`; `*` stands
            for anything.
        tables_filter: Tables that are ours though no migration made them, such as `app_*`.
        lock_wait: Seconds to wait for another migrating process.
        dry_run: Compare only.
    """

    to: str | None = None
    accept: tuple[str, ...] = ()
    tables_filter: tuple[str, ...] = ()
    lock_wait: float = WAIT
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Baselined:
    """What was found and done.

    Attributes:
        recorded: Migrations that were noted, or would be in a dry run; none where it differs.
        already: Those that the bookkeeping had.
        differences: Why nothing was noted.
        accepted: Differences that count for nothing.
        fits: The migration up to which the database has the folder, where another one would do.
        rows: Migrations among the recorded that write rows, which were not compared.
        empty: Whether the database has none of the folder's tables.
    """

    recorded: tuple[str, ...]
    already: tuple[str, ...]
    differences: tuple[Difference, ...]
    accepted: tuple[Difference, ...]
    fits: str | None
    rows: tuple[str, ...]
    empty: bool


async def baseline(
    folder: Folder, url: str, scratch: Scratch, options: Options | None = None
) -> Baselined:
    """Note migrations as applied that the database has already; none of them is run.

    Compared is the structure of what the migrations make, and of what sits on it; other projects'
    tables are let alone. With one difference that is not accepted nothing is noted. Rows are not
    compared.

    Args:
        folder: The migrations.
        url: The database to adopt.
        scratch: Server for scratch databases.
        options: How to adopt.

    Raises:
        MigrationsFolderError: The folder holds no such migration.
        MigrationEditedError: A migration that is applied already has another content now.
        MigrationFileMissingError: The database has a migration of ours that the folder lacks.
        MigrationOrderError: Of a squashed migration the database has only a part.
        MigrationError: `accept` names no difference, or the role may not write the bookkeeping.
        MigrationFailedError: A migration fails on an empty database.
        MigrationLockError: Another process migrates the database.
        ConnectionFailedError: No connection to the database, or to the scratch server.
    """
    chosen = options or Options()
    wanted = folder.until(chosen.to)
    states = await course_of_migrations(folder.migrations, len(wanted), scratch)
    project = project_of(folder)
    async with connect(url, name="chatkeep baseline") as connection:
        if chosen.dry_run:
            found = await _look(connection, folder, states, chosen)
        else:
            async with migration_lock(connection, wait=chosen.lock_wait, project=project):
                found = await _look(connection, folder, states, chosen)
                if not found.left and found.new:
                    kind = await ledger.prepare_books(connection, found.books, folder.migrations)
                    await ledger.record_baseline(
                        connection, found.new, ledger=kind, project=project
                    )
    fits = None
    if found.left and not found.empty and len(folder.migrations) <= _MOST_TRIED:
        fits = await _fitting(folder, found.live, states.known, scratch)
    return _report(found, fits)


@dataclass(frozen=True, slots=True)
class _Found:
    books: ledger.Books
    matching: Matching
    live: Catalog
    new: tuple[Migration, ...]
    left: tuple[Difference, ...]
    accepted: tuple[Difference, ...]
    empty: bool


def _report(found: _Found, fits: str | None) -> Baselined:
    recorded = () if found.left else found.new
    return Baselined(
        tuple(migration.tag for migration in recorded),
        tuple(migration.tag for migration in found.matching.of("applied")),
        found.left,
        found.accepted,
        fits,
        tuple(migration.tag for migration in recorded if touches_rows(migration)),
        found.empty,
    )


async def _look(
    connection: asyncpg.Connection,
    folder: Folder,
    states: Course,
    options: Options,
) -> _Found:
    noted = await ledger.read_books(connection)
    matching = match_books(folder, noted)
    refuse_edited(matching)
    refuse_missing(matching)
    live = await read_catalog(connection)
    ours = belongings(live, states.known, options.tables_filter)
    every = differences(states.goal, ours)
    accepted = _accepted(every, options.accept)
    applied = {migration.tag for migration in matching.of("applied")}
    new = tuple(m for m in folder.until(options.to) if m.tag not in applied)
    left = tuple(difference for difference in every if difference not in accepted)
    tables = {key for key in states.whole.facts if key.kind is Kind.TABLE}
    empty = bool(tables) and tables.isdisjoint(live.facts)
    return _Found(noted, matching, live, new, left, accepted, empty)


def _accepted(found: Sequence[Difference], accept: Sequence[str]) -> tuple[Difference, ...]:
    out: dict[str, Difference] = {}
    for pattern in accept:
        named = [difference for difference in found if fnmatchcase(difference.object, pattern)]
        if not named:
            known = "; ".join(difference.object for difference in found) or "none"
            raise MigrationError(
                f"There is no difference in `{pattern}` that could be accepted.",
                hint=f"Differences are in: {known}.",
            )
        out.update({difference.object: difference for difference in named})
    return tuple(out.values())


async def _fitting(
    folder: Folder, live: Catalog, known: Sequence[Catalog], scratch: Scratch
) -> str | None:
    """Find the last migration up to which the database has exactly what the folder makes."""
    fits = None
    async with scratch.database() as url, connect(url) as connection:
        for migration in folder.migrations:
            await replay(connection, [migration])
            state = await read_catalog(connection)
            if not differences(state, belongings(live, (state, *known))):
                fits = migration.tag
    return fits
