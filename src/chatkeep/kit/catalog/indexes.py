"""Indexes that no constraint owns, and extended statistics."""

from dataclasses import dataclass, field
from typing import ClassVar

from chatkeep.kit.catalog.fact import Key, Kind, Named


@dataclass(frozen=True, slots=True)
class IndexColumn:
    """One key column of an index.

    Attributes:
        column: Name of the column, or None for an expression.
        expression: PostgreSQL's text; parenthesised unless it is a function call or a column.
        operator_class: Only where it is not the type's default for this method.
        collation: Only where it is not the column's own.
    """

    column: str | None
    expression: str
    operator_class: str | None
    collation: str | None
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Index(Named):
    """An index.

    Attributes:
        relation: Name of its table or materialized view, in the same schema.
        on_view: The relation is a materialized view.
        definition: PostgreSQL's own CREATE INDEX.
        where: Predicate of a partial index.
        statistics: (number of the column, target) pairs, only where set.
        partitioned: The relation is a partitioned table.
        whole: (schema, name) of the partitioned table's index that this one is a part of.
    """

    kind: ClassVar[Kind] = Kind.INDEX
    relation: str
    on_view: bool
    definition: str = field(compare=False)
    method: str
    unique: bool
    nulls_not_distinct: bool
    columns: tuple[IndexColumn, ...]
    include: tuple[str, ...]
    options: tuple[str, ...]
    where: str | None
    statistics: tuple[tuple[int, int], ...] = ()
    whole: tuple[str, str] | None = None
    partitioned: bool = False

    @property
    def parent(self) -> Key | None:
        """The table or materialized view."""
        kind = Kind.MATERIALIZED_VIEW if self.on_view else Kind.TABLE
        return Key(kind, (self.schema, self.relation))


@dataclass(frozen=True, slots=True)
class Statistics(Named):
    """CREATE STATISTICS on columns or expressions of a table.

    Attributes:
        definition: PostgreSQL's own CREATE STATISTICS, with columns in the order of the table.
        kinds: Letters of pg_statistic_ext.
        items: Columns, quoted where needed, by name; then expressions.
    """

    kind: ClassVar[Kind] = Kind.STATISTICS
    table_schema: str
    table: str
    definition: str = field(compare=False)
    target: int | None
    kinds: tuple[str, ...]
    items: tuple[str, ...]

    @property
    def parent(self) -> Key | None:
        """The table."""
        return Key(Kind.TABLE, (self.table_schema, self.table))
