"""Folding the first migrations of a folder into one that makes the same database."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from chatkeep.errors import MigrationError, MigrationOrderError, ProofFailedError
from chatkeep.kit.applying.matching import read_matching, refuse_edited, refuse_missing
from chatkeep.kit.applying.project import project_of
from chatkeep.kit.applying.replay import replay
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.differences import differences
from chatkeep.kit.folder import Folder, Migration, jsjson
from chatkeep.kit.folder.append import recover
from chatkeep.kit.folder.journal import (
    JOURNAL,
    OWN_KEY,
    SQUASHED_KEY,
    Entry,
    Replaced,
    parse_object,
)
from chatkeep.kit.folder.names import slug
from chatkeep.kit.folder.reading import FIRST_ID, hash_of, read_text
from chatkeep.kit.folder.replacing import replace
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.snapshot.snapshot import snapshot
from chatkeep.kit.squashing.cluster import before_cluster_wide, refuse_cluster_wide
from chatkeep.kit.squashing.content import Content, read_content, statements_for
from chatkeep.kit.squashing.rows import touches_rows
from chatkeep.kit.writing import draft as text
from chatkeep.kit.writing.steps import STAGE_KEY

KEPT_IN = "squashed"
"""The folder inside the migrations folder to which the replaced files go; no tool looks there."""

_NO_NAMES: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Options:
    """How to squash.

    Attributes:
        to: The last migration to fold, by tag or number; all of them without it.
        name: Of the new migration.
        accept_rows: Write the rows that the migrations leave in an empty database into the file.
        url: A database that must have all of them or none, or None.
        full_names: Names of constraints that PostgreSQL cut; see `Target.full_names`.
        dry_run: Prove it, and write nothing.
    """

    to: str | None = None
    name: str = "squashed"
    accept_rows: bool = False
    url: str | None = None
    full_names: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Squashed:
    """What was done.

    Attributes:
        path: The new file; None where there were not two migrations to fold.
        replaced: The tags that it stands for.
        sql: Its text.
        left_out: Those of them that write rows, of which nothing is left in an empty database.
        rows: How many rows of which table the file brings, by name.
    """

    path: Path | None
    replaced: tuple[str, ...] = ()
    sql: str = ""
    left_out: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class _State:
    catalog: Catalog
    content: Content


async def squash(path: Path, scratch: Scratch, options: Options | None = None) -> Squashed:
    """Fold the first migrations of the folder into one, proved to make the same database.

    The new one has the number and date of the last that it stands for, and its entry in the
    journal names all of them: a database that has them counts as having the new one, with
    drizzle-kit too, and a new database gets the new one. The files that it stands for go to the
    folder `squashed` beside. What comes after them stays as it is.

    Args:
        path: The migrations folder.
        scratch: Server for scratch databases.
        options: How to squash.

    Raises:
        MigrationsFolderError: The folder cannot be read or written, or holds no such migration.
        MigrationOrderError: The database has only some of them.
        MigrationError: They leave rows in an empty database, and nobody said to take these along;
            or one of them holds a statement for the whole server, such as CREATE ROLE.
        MigrationFailedError: One of them fails on an empty database.
        UnmodelledObjectError: They make something that the diff cannot write.
        ProofFailedError: The new one does not make the same database.
        ConnectionFailedError: No connection to the scratch server, or to the database.
    """
    chosen = options or Options()
    recover(path)
    folder = Folder.read(path)
    folder.refuse_writing()
    part = folder.until(chosen.to)
    if len(part) < 2:
        return Squashed(None, tuple(migration.tag for migration in part))
    refuse_cluster_wide(part)
    if chosen.url is not None:
        await _refuse_partly_applied(folder, part, chosen.url)
    async with scratch.database() as url:
        empty = await _run(url, ())
        old = await _run(url, part)
        steps = tuple(migration.tag for migration in part if touches_rows(migration))
        if (old.content.rows or old.content.positions) and not chosen.accept_rows:
            raise _unasked(steps, old.content)
        left_out = () if old.content.rows else steps
        statements = plan(empty.catalog, old.catalog, allow_drops=True)
        statements += statements_for(old.content, old.catalog)
        sql = _head(part, left_out) + text.statements_sql(statements)
        entry = _entry(part, chosen.name)
        new = Migration(entry, path / f"{entry.tag}.sql", *hash_of(sql.encode()))
        await _prove(scratch, (url, old), new, before_cluster_wide(folder.migrations[len(part) :]))
    if not chosen.dry_run:
        _write(folder, part, new, snapshot(old.catalog, full_names=chosen.full_names))
    tags = tuple(migration.tag for migration in part)
    return Squashed(new.path, tags, sql, left_out, old.content.counts)


async def _refuse_partly_applied(folder: Folder, part: Sequence[Migration], url: str) -> None:
    async with connect(url, name="chatkeep squash") as connection:
        matching = await read_matching(connection, folder)
    refuse_edited(matching)
    refuse_missing(matching)
    applied = {migration.tag for migration in matching.of("applied")}
    lacking = [migration.tag for migration in part if migration.tag not in applied]
    if lacking and len(lacking) < len(part):
        raise MigrationOrderError(
            f"The database does not have {', '.join(lacking)}, and has those before.",
            hint="Apply them first, or name with --to the last one that is applied everywhere.",
        )


async def _run(url: str, migrations: Sequence[Migration]) -> _State:
    async with connect(url) as connection:
        await replay(connection, migrations)
        catalog = await read_catalog(connection)
        return _State(catalog, await read_content(connection, catalog))


def _unasked(steps: Sequence[str], content: Content) -> MigrationError:
    rows = ", ".join(f"{count} of {table}" for table, count in content.counts.items())
    what = f"rows in an empty database ({rows})" if rows else "sequences moved"
    return MigrationError(
        f"{', '.join(steps) or 'The migrations'} would leave {what}, which a squashed migration "
        "would lack.",
        hint="--accept-data-steps writes them into it as they are now, times and random values "
        "too; --to stops before.",
    )


def _head(part: Sequence[Migration], left_out: Sequence[str]) -> str:
    lines = [f"Squashed from {part[0].tag} to {part[-1].tag}."]
    if left_out:
        lines.append(f"Left out, since an empty database has no such rows: {', '.join(left_out)}.")
    return "".join(f"-- {text.one_line(line)}\n" for line in lines)


def _entry(part: Sequence[Migration], name: str) -> Entry:
    last = part[-1].entry
    replaced = [
        Replaced(migration.tag, migration.when, migration.hash, migration.entry.replaces)
        for migration in part
    ]
    own: dict[str, object] = {SQUASHED_KEY: [each.as_json() for each in replaced]}
    stages = [stage for m in part if isinstance(stage := m.entry.own.get(STAGE_KEY), str)]
    if stages:  # an upgrade that is half-way there goes on from here
        own[STAGE_KEY] = stages[-1]
    prefix = last.tag.split("_", 1)[0]
    return Entry(last.idx, last.when, f"{prefix}_{slug(name)}", own)


async def _prove(
    scratch: Scratch, old: tuple[str, _State], new: Migration, rest: Sequence[Migration]
) -> None:
    """Compare both ways to the state, and then both with what comes after it."""
    old_url, before = old
    async with scratch.database() as url:
        _refuse_faults(before, await _run(url, [new]))
        if rest:
            _refuse_faults(await _run(old_url, rest), await _run(url, rest))


def _refuse_faults(wanted: _State, found: _State) -> None:
    names = ("the old migrations", "the squashed one")
    faults = [each.told(*names) for each in differences(wanted.catalog, found.catalog)]
    one, other = wanted.content.rows, found.content.rows
    tables = [table for table in one.keys() | other.keys() if one.get(table) != other.get(table)]
    faults += [f"The rows of {'.'.join(table)} are not the same" for table in tables]
    if wanted.content.positions != found.content.positions:
        faults.append("A sequence stands somewhere else")
    if faults:
        raise ProofFailedError(
            f"The squashed migration does not make the same database: {'; '.join(faults[:20])}.",
            hint="Nothing was written. Stop before with --to.",
        )


def _write(
    folder: Folder, part: Sequence[Migration], new: Migration, content: Mapping[str, object]
) -> None:
    path, kept = folder.path, folder.path / KEPT_IN / new.tag
    last = part[-1].tag.split("_", 1)[0]
    last_snapshot = path / "meta" / f"{last}_snapshot.json"
    old_id = None
    if last_snapshot.exists():  # what follows names it as its predecessor
        old_id = parse_object(read_text(last_snapshot), last_snapshot).get("id")
    document = {"id": old_id or str(uuid.uuid4()), "prevId": FIRST_ID, **content}
    writes = {
        new.path: new.sql.encode(),
        last_snapshot: jsjson.dumps(document).encode(),
        path / JOURNAL: _journal(folder, part, new).encode(),
    }
    removals: list[Path] = []
    for migration in part:
        for file in (migration.path, migration.down_path):
            if file.exists():
                writes[kept / file.name] = file.read_bytes()
                removals.append(file)
        removals.append(path / "meta" / f"{migration.tag.split('_', 1)[0]}_snapshot.json")
    replace(path, writes, removals, journal_text=folder.journal_text)


def _journal(folder: Folder, part: Sequence[Migration], new: Migration) -> str:
    document = dict(folder.journal.document)
    old = cast("list[dict[str, object]]", document["entries"])
    document["entries"] = [new.entry.as_json(), *old[len(part) :]]
    project = project_of(folder)
    if project is not None:  # it was the id of a snapshot that goes
        own = cast("dict[str, object]", document.get(OWN_KEY) or {})
        document[OWN_KEY] = {**own, "project": project}
    return jsjson.dumps(document)
