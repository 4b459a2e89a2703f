"""Which migrations of a folder a database has, and in what state the rest is."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from chatkeep.errors import MigrationEditedError, MigrationOrderError
from chatkeep.kit.applying import named
from chatkeep.kit.applying.ledger import Row
from chatkeep.kit.folder.reading import CUSTOM, Migration

State = Literal["applied", "pending", "edited", "redated"]


@dataclass(frozen=True, slots=True)
class Matched:
    """One migration and the bookkeeping row that belongs to it.

    Attributes:
        state: `edited`: the row of its date has another hash. `redated`: the row of its hash has
            another date. Both mean that the folder is not the one that was applied.
        row: None when pending.
    """

    migration: Migration
    state: State
    row: Row | None


@dataclass(frozen=True, slots=True)
class Matching:
    """A folder against a database's bookkeeping.

    Attributes:
        unknown: Rows that no migration of the folder accounts for. They may belong to another
            project that keeps its books in the same table.
    """

    migrations: tuple[Matched, ...]
    unknown: tuple[Row, ...]

    def of(self, *states: State) -> list[Migration]:
        """Give the migrations in these states, in the journal's order."""
        return [matched.migration for matched in self.migrations if matched.state in states]


def match(migrations: Sequence[Migration], rows: Sequence[Row]) -> Matching:
    """Find the row of each migration, by date and hash, never by the latest date alone.

    In a folder of drizzle-kit 1.0, by name and hash; rows without a name by date to the second.
    """
    left = {row.id: row for row in rows}
    found: dict[str, tuple[State, Row]] = {}
    rules = _RULES if all(migration.name is None for migration in migrations) else _RULES_OF_1
    for state, key in rules:
        by_key = {key(row): row for row in reversed(left.values())}
        for migration in migrations:
            sought = key(migration)
            row = None if sought is None else by_key.get(sought)
            if migration.tag in found or row is None or row.id not in left:
                continue
            found[migration.tag] = (state, left.pop(row.id))
    matched = (
        Matched(migration, *found.get(migration.tag, ("pending", None))) for migration in migrations
    )
    return Matching(tuple(matched), tuple(left.values()))


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
            hint="Bring the old date back to the journal, or the old name to its folder.",
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
    return MigrationOrderError(
        f"{migration.tag} is pending, but {other.tag} {reason}.",
        hint="drizzle-kit would skip it for ever: renumber it behind the applied ones, with a "
        "later date in the journal.",
    )


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


def _list(migrations: Sequence[Migration]) -> str:
    return ", ".join(migration.label for migration in migrations)
