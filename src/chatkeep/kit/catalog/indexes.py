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

    @property
    def parent(self) -> Key | None:
        """The table or materialized view."""
        kind = Kind.MATERIALIZED_VIEW if self.on_view else Kind.TABLE
        return Key(kind, (self.schema, self.relation))


@dataclass(frozen=True, slots=True)
class Statistics(Named):
    """CREATE STATISTICS on columns or expressions of a table."""

    kind: ClassVar[Kind] = Kind.STATISTICS
    table_schema: str
    table: str
    definition: str
    target: int | None

    @property
    def parent(self) -> Key | None:
        """The table."""
        return Key(Kind.TABLE, (self.table_schema, self.table))
