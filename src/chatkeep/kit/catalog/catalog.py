"""All facts of one database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from chatkeep.kit.catalog.constraints import Check, Exclude, ForeignKey, PrimaryKey, Unique
from chatkeep.kit.catalog.fact import Fact, Key, Kind, Unmodelled
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Column, Default, Sequence, SequenceOwner, Table

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True)
class TableShape:
    """A table with everything that belongs to it, columns in their order.

    Attributes:
        defaults: Expression by column name; identity and generated columns have none.
        serials: Names of the columns that `serial` and its brothers declare.
    """

    table: Table
    columns: tuple[Column, ...]
    defaults: Mapping[str, str]
    serials: frozenset[str]
    primary_key: PrimaryKey | None
    uniques: tuple[Unique, ...]
    checks: tuple[Check, ...]
    excludes: tuple[Exclude, ...]
    foreign_keys: tuple[ForeignKey, ...]
    indexes: tuple[Index, ...]


@dataclass(frozen=True)
class Catalog:
    """The facts of a database as `read_catalog` found them.

    Attributes:
        version: Major version of the server, such as 18.
        facts: By key. Compare these to compare databases.
        depends: For a fact, the facts that it cannot be without, from pg_depend.
        unmodelled: What the diff sees but cannot change.
    """

    version: int
    facts: Mapping[Key, Fact]
    depends: Mapping[Key, frozenset[Key]] = field(default_factory=dict)
    unmodelled: tuple[Unmodelled, ...] = ()

    @cached_property
    def _children(self) -> dict[Key, list[Fact]]:
        found: dict[Key, list[Fact]] = {}
        for fact in self.facts.values():
            if fact.parent is not None:
                found.setdefault(fact.parent, []).append(fact)
        return found

    @cached_property
    def index_keys(self) -> dict[tuple[str, str], Key]:
        """Every index by (schema, name): its own fact, or the constraint's that it carries."""
        kinds = (Kind.INDEX, Kind.PRIMARY_KEY, Kind.UNIQUE, Kind.EXCLUDE)
        return {(k.path[0], k.path[-1]): k for k in self.facts if k.kind in kinds}

    @cached_property
    def _of(self) -> dict[type[Fact], list[Fact]]:
        found: dict[type[Fact], list[Fact]] = {}
        for fact in self.facts.values():
            found.setdefault(type(fact), []).append(fact)
        return {kind: sorted(facts, key=lambda fact: fact.path) for kind, facts in found.items()}

    def of(self, kind: type[F]) -> list[F]:
        """Give the facts of one class, by name."""
        return [fact for fact in self._of.get(kind, ()) if isinstance(fact, kind)]

    def find(self, kind: type[F], *path: str) -> F | None:
        """Give the fact of this class and name, or None."""
        fact = self.facts.get(Key(kind.kind, path))
        return fact if isinstance(fact, kind) else None

    def children(self, key: Key) -> list[Fact]:
        """Give the facts that go away with this one, one level down."""
        return self._children.get(key, [])

    def columns(self, schema: str, table: str) -> list[Column]:
        """Give the columns of a table in their order."""
        found = self._children.get(Key(Kind.TABLE, (schema, table)), [])
        return sorted((c for c in found if isinstance(c, Column)), key=lambda c: c.position)

    def shape(self, schema: str, name: str) -> TableShape | None:
        """Give a table with all that belongs to it, or None when there is no such table."""
        table = self.find(Table, schema, name)
        if table is None:
            return None
        children = sorted(self.children(table.key), key=lambda fact: fact.path)
        keys = [fact for fact in children if isinstance(fact, PrimaryKey)]
        columns = self.columns(schema, name)
        return TableShape(
            table=table,
            columns=tuple(columns),
            defaults={
                fact.name: fact.expression
                for column in columns
                for fact in self.children(column.key)
                if isinstance(fact, Default)
            },
            serials=frozenset(c.name for c in columns if self.serial_sequence(c) is not None),
            primary_key=keys[0] if keys else None,
            uniques=tuple(fact for fact in children if isinstance(fact, Unique)),
            checks=tuple(fact for fact in children if isinstance(fact, Check)),
            excludes=tuple(fact for fact in children if isinstance(fact, Exclude)),
            foreign_keys=tuple(fact for fact in children if isinstance(fact, ForeignKey)),
            indexes=tuple(fact for fact in children if isinstance(fact, Index)),
        )

    def serial_sequence(self, column: Column) -> Sequence | None:
        """Give the sequence of a column that `serial` would make exactly so, or None."""
        return self._serials.get(column.key)

    @cached_property
    def _serials(self) -> dict[Key, Sequence]:
        return {
            owner.owner: sequence
            for owner in self.of(SequenceOwner)
            if (sequence := self._serial(owner)) is not None
        }

    def _serial(self, owner: SequenceOwner) -> Sequence | None:
        column = self.facts.get(owner.owner)
        default = self.facts.get(Key(Kind.DEFAULT, owner.owner.path))
        sequence = self.facts.get(Key(Kind.SEQUENCE, owner.path))
        if not (
            isinstance(column, Column)
            and isinstance(default, Default)
            and isinstance(sequence, Sequence)
        ):
            return None
        limit = SERIAL_LIMITS.get(column.type)
        options = sequence.options
        usual = (
            limit is not None
            and column.not_null
            and owner.schema == owner.table_schema
            and owner.name == default_name(owner.table, owner.column, "seq")
            and (options.type, options.start, options.increment) == (column.type, 1, 1)
            and (options.minimum, options.maximum, options.cache) == (1, limit, 1)
            and not options.cycle
            and Key(Kind.SEQUENCE, owner.path) in self.depends.get(default.key, frozenset())
            and default.expression.startswith("nextval(")
            and default.expression.endswith("::regclass)")
        )
        return sequence if usual else None


SERIAL_LIMITS = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}


def default_name(table: str, column: str, label: str) -> str:
    """Give the name that PostgreSQL makes up for a part of a table, cut to 63 bytes as it cuts.

    The longer of the two names is shortened first; multi-byte characters are cut whole.
    """
    first, second = table.encode(), column.encode()
    room = 63 - len(label) - 1 - (1 if column else 0)
    while len(first) + len(second) > room:
        if len(first) > len(second):
            first = first[:-1]
        else:
            second = second[:-1]
    parts = [first.decode(errors="ignore"), second.decode(errors="ignore"), label]
    return "_".join(part for part in parts if part)
