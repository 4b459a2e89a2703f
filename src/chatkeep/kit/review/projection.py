"""A table of the real database as a later statement of the pending migrations will see it.

What was renamed before that statement gets its new name, and a column that is not there yet its
default, so that the expressions of a check or an index can be put to the rows of today.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.review.shape import Column, Shape

KEY = '"chatkeep key"'
"""The primary key as one text, in each projection."""


@dataclass(frozen=True, slots=True)
class Projection:
    """Where the rows of one table come from.

    Attributes:
        source: A SELECT that gives the rows, to be put into parentheses.
        has_key: Whether the table has a primary key; KEY is NULL where it has none.
    """

    source: str
    has_key: bool


@dataclass(frozen=True, slots=True)
class Projector:
    """Makes projections.

    Attributes:
        base: The shape that the real database has now.
        shape: The shape whose names the expressions use.
        defaults: Expressions of defaults in that shape, by table and column.
    """

    base: Shape
    shape: Shape
    defaults: Mapping[tuple[int, int], str]

    def is_live(self, table: int) -> bool:
        """Whether the real database has the table."""
        return table in self.base.relations

    def is_live_column(self, table: int, number: int) -> bool:
        """Whether the real database has the column."""
        return (table, number) in self.base.columns

    def of(self, table: int, *, as_is: bool = False) -> Projection:
        """Give a table's rows.

        Args:
            table: Its number; the real database has it.
            as_is: Leave values in the types that they have now.
        """
        relation = self.base.relations[table]
        key = [self.base.columns[table, number] for number in self.base.primary_key(table)]
        parts = ", ".join(f"{ident(column.name)}::text" for column in key)
        text = f"left(concat_ws(', ', {parts}), 100)" if key else "NULL::text"
        columns = [
            f"{text} AS {KEY}",
            *(
                f"{self._value(column, as_is=as_is)} AS {ident(column.name)}"
                for column in self.shape.columns_of(table)
            ),
        ]
        name = ident(relation.schema, relation.name)
        sql = f"SELECT {', '.join(columns)} FROM {name}"  # noqa: S608 - names are quoted
        return Projection(sql, bool(key))

    def _value(self, column: Column, *, as_is: bool) -> str:
        now = self.base.columns.get((column.table, column.number))
        if now is not None:
            same = as_is or now.type == column.type
            return ident(now.name) if same else f"{ident(now.name)}::{column.type}"
        default = self.defaults.get((column.table, column.number))
        return f"({default or 'NULL'})::{column.type}"
