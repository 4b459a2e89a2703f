"""What of a database SQLAlchemy's tables say, what has to come before them, and the rest.

The rest is not listed here: it is what the planner still has to do once the tables are built.
"""

from collections.abc import Collection
from dataclasses import dataclass, fields

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, ForeignKey, Keyed, Unique
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.programs import Comment
from chatkeep.kit.catalog.tables import Column, Default, SequenceOwner, Table
from chatkeep.kit.catalog.types import Enum, Schema
from chatkeep.kit.pulling.reading import foreign_key_words, keyed_words

_MAY_COME_FIRST = frozenset(
    {
        Kind.EXTENSION,
        Kind.ENUM,
        Kind.DOMAIN,
        Kind.COMPOSITE,
        Kind.RANGE,
        Kind.COLLATION,
        Kind.SEQUENCE,
        Kind.FUNCTION,
    }
)
"""Kinds that tables may need and that need no table themselves, unless they say so."""

_TABLE_FIELDS = {item.name for item in fields(Table)} & {
    "schema",
    "name",
    "unlogged",
    "options",
    "row_security",
    "force_row_security",
    "replica_identity",
    "partition_key",
}
"""What `sa.Table` says of a table, or ALTER TABLE can add; a table with more is left to the rest."""


@dataclass(frozen=True, slots=True)
class Division:
    """Two parts of the facts.

    Attributes:
        tables: What the tables say, enums included.
        before: What they need of what SQLAlchemy does not say.
    """

    tables: frozenset[Key]
    before: frozenset[Key]


def divide(catalog: Catalog, unsayable: Collection[Key] = ()) -> Division:
    """Divide the facts.

    Args:
        catalog: All facts.
        unsayable: Left to the rest, with what belongs to them.
    """
    return _Divider(catalog, unsayable).divide()


class _Divider:
    def __init__(self, catalog: Catalog, unsayable: Collection[Key]) -> None:
        self._catalog = catalog
        self._tables = {
            key
            for key, fact in catalog.facts.items()
            if key not in unsayable and _sayable(catalog, fact)
        }
        self._before = {key for key in catalog.facts if key.kind is Kind.EXTENSION}

    def divide(self) -> Division:
        """Take out what cannot be said with the tables until nothing more has to go."""
        while self._take_out():
            pass
        used = {key.path[:1] for key in self._tables if key.kind is Kind.TABLE}
        schemas = {k for k in self._catalog.facts if k.kind is Kind.SCHEMA and k.path not in used}
        made = {k for k in self._catalog.facts if k.kind is Kind.SCHEMA and k.path in used}
        return Division(frozenset(self._tables | made), frozenset((self._before | schemas) - made))

    def _take_out(self) -> bool:
        gone: set[Key] = set()
        for key in sorted(self._tables):
            parent = self._catalog.facts[key].parent
            held = parent is None or parent in self._tables or parent in self._before
            if not held or not all(self._has(need) for need in self._needs(key)):
                gone.add(key)
        for key in list(gone):
            if key.kind is Kind.COLUMN:  # a table without one of its columns is none
                gone.add(Key(Kind.TABLE, key.path[:2]))
        before = {key for key in self._before if not self._can_come_before(key, frozenset())}
        self._tables -= gone
        self._before -= before
        return bool(gone or before)

    def _needs(self, key: Key) -> Collection[Key]:
        return self._catalog.depends.get(key, frozenset())

    def _has(self, need: Key) -> bool:
        """Say whether a need is met by the tables or before them, where it is put if it can."""
        if need in self._tables or need in self._before or need.kind is Kind.SCHEMA:
            return True
        if not self._can_come_before(need, frozenset()):
            return False
        self._put_before(need)
        return True

    def _can_come_before(self, key: Key, seen: frozenset[Key]) -> bool:
        if key.kind not in _MAY_COME_FIRST or key not in self._catalog.facts:
            return False
        return all(
            need.kind is Kind.SCHEMA or need in seen or self._can_come_before(need, seen | {key})
            for need in self._needs(key)
        )

    def _put_before(self, key: Key) -> None:
        if key in self._before or key.kind is Kind.SCHEMA:
            return
        self._before.add(key)
        self._tables.discard(key)  # an enum that a function needs cannot wait for the tables
        for need in self._needs(key):
            self._put_before(need)


def _sayable(catalog: Catalog, fact: Fact) -> bool:
    match fact:
        case Table():
            part = Key(Kind.PARTITION, fact.path) in catalog.facts
            said = _plain_table(fact) and not part
        case Comment():
            on_table = (Kind.TABLE, Kind.COLUMN)
            said = fact.target.kind in on_table and fact.holder.kind in on_table
        case Keyed():
            said = keyed_words(fact) is not None and not _doubled(catalog, fact)
        case Check():
            said = not fact.extra
        case ForeignKey():
            dotted = "." in "".join((fact.target_schema, fact.target_table, *fact.target_columns))
            said = not dotted and foreign_key_words(fact) is not None
        case Index():
            said = not fact.on_view
        case Enum():
            said = bool(fact.labels)
        case _:
            said = isinstance(fact, Column | Default | Schema) or _of_serial(catalog, fact.key)
    return said


def _doubled(catalog: Catalog, fact: Keyed) -> bool:
    """Say whether CREATE TABLE would take a unique constraint for another key of these columns."""
    return isinstance(fact, Unique) and any(
        isinstance(other, Keyed) and other != fact and other.columns == fact.columns
        for other in catalog.children(Key(Kind.TABLE, fact.path[:2]))
    )


def _plain_table(table: Table) -> bool:
    more = [item.name for item in fields(table) if item.name not in _TABLE_FIELDS]
    return "." not in table.schema and not any(getattr(table, name) for name in more)


def _of_serial(catalog: Catalog, key: Key) -> bool:
    """Say whether a sequence, or its owner, is made by the type `serial` of a key's column."""
    if key.kind not in (Kind.SEQUENCE, Kind.SEQUENCE_OWNER):
        return False
    owner = catalog.find(SequenceOwner, *key.path)
    return owner is not None and is_serial(catalog, owner.owner)


def is_serial(catalog: Catalog, column: Key) -> bool:
    """Say whether SQLAlchemy can say that a column is serial: it is the only one of its key."""
    fact = catalog.facts.get(column)
    if not isinstance(fact, Column) or catalog.serial_sequence(fact) is None:
        return False
    shape = catalog.shape(fact.schema, fact.table)
    key = shape.primary_key if shape else None
    return key is not None and key.columns == (fact.name,) and keyed_words(key) is not None


def circular(catalog: Catalog, said: Collection[Key]) -> set[Key]:
    """Give the foreign keys of tables that refer to each other; those of a table to itself not."""
    keys = [fact for fact in catalog.of(ForeignKey) if fact.key in said]
    found: set[Key] = set()
    targets: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for fact in keys:
        targets.setdefault(fact.path[:2], set()).add((fact.target_schema, fact.target_table))
    for fact in keys:
        start = fact.path[:2]
        work: list[tuple[str, ...]] = [(fact.target_schema, fact.target_table)]
        if work == [start]:
            continue
        seen: set[tuple[str, ...]] = set()
        while work:
            table = work.pop()
            if table in seen:
                continue
            seen.add(table)
            work += targets.get(table, set())
        if start in seen:
            found.add(fact.key)
    return found
