"""Which migrations of a folder a database has, and in what state the rest is."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import asyncpg

from chatkeep.errors import (
    MigrationEditedError,
    MigrationError,
    MigrationFileMissingError,
    MigrationOrderError,
)
from chatkeep.kit.applying import named
from chatkeep.kit.applying.ledger import Books, Record, Row, read_books
from chatkeep.kit.applying.project import project_of
from chatkeep.kit.folder.journal import Replaced
from chatkeep.kit.folder.reading import CUSTOM, Folder, Migration

State = Literal["applied", "pending", "running", "edited", "redated"]


@dataclass(frozen=True, slots=True)
class Matched:
    """One migration and the bookkeeping that belongs to it.

    Attributes:
        state: `running`: it runs without a transaction, and broke off behind some of its statements.
            `edited`: the row of its date has another hash. `redated`: the row of its hash has
            another date. The last two mean that the folder is not the one that was applied.
        row: drizzle's row; None when pending or running.
        record: Our ledger's, where it has one.
    """

    migration: Migration
    state: State
    row: Row | None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Matching:
    """A folder against a database's bookkeeping.

    Attributes:
        unknown: Rows that no migration of the folder accounts for. They may belong to another
            project that keeps its books in the same table.
        missing: What our ledger says of those of them that this very project applied: their files
            are gone from the folder.
        broken_off: What our ledger says of migrations of this project that broke off and whose
            files are gone.
        half_reversed: What our ledger says of reverses that broke off, by the tag of the migration,
            which counts as applied until they come to their end.
        half_squashed: Squashed migrations of which the database has only some of the originals,
            with the tags that it lacks.
        names: What our ledger calls each row, by date and hash.
    """

    migrations: tuple[Matched, ...]
    unknown: tuple[Row, ...]
    missing: tuple[Record, ...] = ()
    broken_off: tuple[Record, ...] = ()
    half_reversed: Mapping[str, Record] = field(default_factory=dict[str, Record])
    half_squashed: tuple[tuple[Migration, tuple[str, ...]], ...] = ()
    names: Mapping[tuple[int | None, str], str] = field(default_factory=dict)

    def name_of(self, row: Row) -> str | None:
        """Give a row's name, where our ledger knows it."""
        return self.names.get((row.created_at, row.hash))

    def of(self, *states: State) -> list[Migration]:
        """Give the migrations in these states, in the journal's order."""
        return [matched.migration for matched in self.migrations if matched.state in states]

    def running(self) -> dict[str, Record]:
        """Give our ledger's records of the migrations that broke off, by tag."""
        return {
            each.migration.tag: each.record
            for each in self.migrations
            if each.state == "running" and each.record is not None
        }


async def read_matching(connection: asyncpg.Connection, folder: Folder) -> Matching:
    """Read a database's bookkeeping and match the folder with it.

    Raises:
        MigrationError: The role may not read drizzle's table.
    """
    return match_books(folder, await read_books(connection))


def match_books(folder: Folder, found: Books) -> Matching:
    """Match the folder with a database's bookkeeping; see `match`."""
    records = found.records.values()
    return match(folder.migrations, found.rows, records, project=project_of(folder))


def match(
    migrations: Sequence[Migration],
    rows: Sequence[Row],
    records: Iterable[Record] = (),
    *,
    project: str | None = None,
) -> Matching:
    """Find the row of each migration, by date and hash, never by the latest date alone.

    In a folder of drizzle-kit 1.0, by name and hash; rows without a name by date to the second.

    Args:
        migrations: The folder's, in their order.
        rows: drizzle's.
        records: Our ledger's. A row that another project's record is about is not taken for an
            edited or redated one of this folder.
        project: Whose folder it is, see `project_of`.
    """
    known = _Records.of(records, project)
    left = {row.id: row for row in rows}
    found: dict[str, tuple[State, Row | None]] = {}
    half: list[tuple[Migration, tuple[str, ...]]] = []
    rules = _RULES if all(migration.name is None for migration in migrations) else _RULES_OF_1
    for state, key in rules:
        own = [row for row in left.values() if state == "applied" or not known.is_foreign(row)]
        by_key = {key(row): row for row in reversed(own)}
        for migration in migrations:
            sought = key(migration)
            row = None if sought is None else by_key.get(sought)
            if migration.tag in found or row is None or row.id not in left:
                continue
            found[migration.tag] = (state, left.pop(row.id))
        if state == "applied":
            half = _squashed(migrations, left, found)
    for migration in migrations:
        if (migration.tag, migration.when) in known.running:
            found.setdefault(migration.tag, ("running", None))
    matched = tuple(
        Matched(migration, state, row, known.of_migration(migration, row))
        for migration in migrations
        for state, row in [found.get(migration.tag, _PENDING)]
    )
    missing = [record for row in left.values() if (record := known.own(row)) is not None]
    names: dict[tuple[int | None, str], str] = {
        identity: record.tag for identity, record in known.by_identity.items()
    }
    return Matching(
        matched,
        unknown=tuple(left.values()),
        missing=tuple(missing),
        broken_off=known.broken_off(migrations),
        half_reversed=known.half_reversed(migrations),
        half_squashed=tuple(half),
        names=names,
    )


@dataclass(frozen=True, slots=True)
class _Records:
    """Our ledger, as one project reads it."""

    project: str | None
    by_identity: dict[tuple[int, str], Record]
    running: dict[tuple[str, int], Record]

    @classmethod
    def of(cls, records: Iterable[Record], project: str | None) -> "_Records":
        """Sort the records; what another project has running is not ours."""
        known = {(record.created_at, record.hash): record for record in records}
        running = {
            (record.tag, record.created_at): record
            for record in known.values()
            if record.state == "running"
            and (project is None or record.project is None or record.project == project)
        }
        return cls(project, known, running)

    def _of_row(self, row: Row) -> Record | None:
        return self.by_identity.get((row.created_at or 0, row.hash))

    def of_migration(self, migration: Migration, row: Row | None) -> Record | None:
        if row is not None:
            return self._of_row(row)
        return self.running.get((migration.tag, migration.when))

    def is_foreign(self, row: Row) -> bool:
        """Whether another project's record is about this row."""
        record = self._of_row(row)
        projects = None if record is None else {record.project, self.project}
        return projects is not None and None not in projects and len(projects) == 2

    def own(self, row: Row) -> Record | None:
        """Give the record of a row that is certainly this project's."""
        record = self._of_row(row)
        if record is None or self.project is None or record.project != self.project:
            return None
        return record

    def broken_off(self, migrations: Sequence[Migration]) -> tuple[Record, ...]:
        """Give what broke off, certainly is this project's, and is neither of these nor a reverse."""
        tags = {migration.tag for migration in migrations}
        reverses = {_reverse_of(migration) for migration in migrations}
        return tuple(
            record
            for key, record in self.running.items()
            if record.project is not None
            and record.project == self.project
            and key[0] not in tags
            and key not in reverses
        )

    def half_reversed(self, migrations: Sequence[Migration]) -> dict[str, Record]:
        """Give the reverses of these that broke off."""
        return {
            migration.tag: record
            for migration in migrations
            if (record := self.running.get(_reverse_of(migration))) is not None
            and record.project in {None, self.project}
        }


def refuse_edited(matching: Matching) -> None:
    """Refuse to go on when an applied migration has changed.

    Raises:
        MigrationEditedError: Names each such migration.
    """
    edited, redated = matching.of("edited"), matching.of("redated")
    if edited:
        raise MigrationEditedError(
            f"{_list(edited)} changed after being applied to this database.",
            hint="Bring the old content back, and put the change into a new migration.",
        )
    if redated:
        raise MigrationEditedError(
            f'{_list(redated)} was applied to this database with another date ("when") or name.',
            hint="Bring the old date back to the journal, or the old name to its folder; a database "
            "that can be thrown away is made anew with `chatkeep db reset`.",
        )


def refuse_missing(matching: Matching) -> None:
    """Refuse to go on when this project applied something that the folder does not hold.

    Raises:
        MigrationFileMissingError: Names each such migration.
        MigrationOrderError: Of a squashed migration the database has only a part.
        MigrationError: A reverse broke off.
    """
    if matching.missing:
        tags = ", ".join(record.tag for record in matching.missing)
        raise MigrationFileMissingError(
            f"This database has {tags}, which {_was(matching.missing)} applied from this project, "
            "and the folder does not hold it.",
            hint="Bring it back from version control, where perhaps another branch holds it; or "
            "take it back with the folder that has it (`chatkeep rollback`).",
        )
    for tag in matching.half_reversed:
        raise MigrationError(
            f"The rollback of {tag} broke off in this database, and left it half taken back.",
            hint="Bring it to its end with `chatkeep rollback`.",
        )
    if matching.broken_off:
        tags = ", ".join(record.tag for record in matching.broken_off)
        raise MigrationFileMissingError(
            f"{tags} broke off in this database, and the folder does not hold it.",
            hint="Bring it back from version control, so that it can be brought to its end.",
        )
    for migration, lacking in matching.half_squashed:
        raise MigrationOrderError(
            f"{migration.tag} was squashed from migrations of which this database lacks "
            f"{', '.join(lacking)}.",
            hint="Apply those first, with the folder as it was before it was squashed.",
        )


def refuse_disorder(matching: Matching, pending: Sequence[Migration]) -> None:
    """Refuse to apply what stands or is dated before something that is there already.

    Raises:
        MigrationOrderError: Names the pending migration and the one it should come after.
    """
    wanted = {migration.tag for migration in pending}
    applied = matching.of("applied")
    newest = max(applied, key=_when, default=None)
    waiting = applied[-1] if applied else None  # until it is passed
    for matched in matching.migrations:
        migration = matched.migration
        if migration is waiting:
            waiting = None
        if migration.tag in wanted:
            if waiting is not None:
                raise _disorder(migration, waiting, "was applied and stands after it")
            # drizzle-kit 1.0 goes by names, and two of them may begin with the same second.
            if migration.name is None and newest is not None and newest.when >= migration.when:
                reason = "stands before it and is not dated earlier"
                raise _disorder(migration, newest, reason)
        if newest is None or migration.when > newest.when:
            newest = migration


def _disorder(migration: Migration, other: Migration, reason: str) -> MigrationOrderError:
    number = migration.tag.split("_", 1)[0]
    branches = ""
    if other.tag.split("_", 1)[0] == number and other.tag != migration.tag:
        branches = f" Two branches made a {number}."
    return MigrationOrderError(
        f"{migration.tag} is pending, but {other.tag} {reason}.{branches}",
        hint="drizzle-kit would skip it for ever: `chatkeep rebase` renumbers it behind the applied "
        "ones, with a later date. `chatkeep migrate --allow-out-of-order` applies it as it is, if "
        "it does not matter which came first.",
    )


def _squashed(
    migrations: Sequence[Migration],
    left: dict[int, Row],
    found: dict[str, tuple[State, Row | None]],
) -> list[tuple[Migration, tuple[str, ...]]]:
    """Take a squashed migration for applied where the database has all that it was squashed from.

    The rows of the originals are known ones either way.
    """
    half: list[tuple[Migration, tuple[str, ...]]] = []
    for migration in migrations:
        originals = migration.entry.replaces
        if not originals:
            continue
        rows = {(row.created_at, row.hash): row for row in left.values()}
        there = {each.tag: _row_of(each, rows) for each in originals}
        for each in originals:
            for old in each.all():
                if (row := rows.get((old.when, old.hash))) is not None:
                    left.pop(row.id, None)
        lacking = tuple(tag for tag, row in there.items() if row is None)
        if migration.tag in found:
            continue
        if not lacking:
            found[migration.tag] = ("applied", there[originals[-1].tag])
        elif len(lacking) < len(originals):
            half.append((migration, lacking))
    return half


def _row_of(replaced: Replaced, rows: dict[tuple[int | None, str], Row]) -> Row | None:
    """Give a row that says that it is there: its own, or that of its last original."""
    own = rows.get((replaced.when, replaced.hash))
    if own is not None or not replaced.replaces:
        return own
    parts = [_row_of(each, rows) for each in replaced.replaces]
    return parts[-1] if all(part is not None for part in parts) else None


def _reverse_of(migration: Migration) -> tuple[str, int]:
    """Give tag and date with which our ledger has its reverse while that runs."""
    return migration.down_path.stem, migration.when


def _when(migration: Migration) -> int:
    return migration.when


def _same_date_and_hash(item: Row | Migration) -> Hashable:
    return (item.created_at if isinstance(item, Row) else item.when, item.hash)


def _same_date(item: Row | Migration) -> Hashable:
    return item.created_at if isinstance(item, Row) else item.when


def _same_hash(item: Row | Migration) -> Hashable:
    if isinstance(item, Migration) and item.sql.strip() == CUSTOM:
        return None  # untouched custom files are alike, whoever wrote them
    return item.hash


_PENDING: tuple[State, Row | None] = ("pending", None)
_RULES: tuple[tuple[State, Callable[[Row | Migration], Hashable]], ...] = (
    ("applied", _same_date_and_hash),
    ("edited", _same_date),
    ("redated", _same_hash),
)

_RULES_OF_1: tuple[tuple[State, Callable[[Row | Migration], Hashable]], ...] = (
    ("applied", named.name_and_hash),
    ("applied", named.unnamed_second_and_hash),
    ("edited", named.name),
    ("edited", named.unnamed_second),
    ("redated", _same_hash),
)


def _was(records: Sequence[Record]) -> str:
    return "was" if len(records) == 1 else "were"


def _list(migrations: Sequence[Migration]) -> str:
    return ", ".join(migration.label for migration in migrations)
