"""What a database holds, by PostgreSQL's own numbers: a renamed table keeps its number.

The catalog of `kit/catalog` compares two databases by name. Here one database is looked at before
and after a statement, many times, so little is read, and a rename shows as what it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

import asyncpg

TABLES = frozenset("rpmf")
"""Kinds of relation that hold rows: tables, partitioned ones, materialized views, foreign ones."""


class Relation(NamedTuple):
    """A table, view, index or sequence.

    Attributes:
        kind: PostgreSQL's letter: `r` table, `p` partitioned, `m` materialized view, `v` view,
            `f` foreign table, `i` and `I` index, `S` sequence.
        file: Changes when the relation is written anew. Its number is 0 or None where it has none.
        table: Of an index: its table, else 0.
        keys: Of an index: its columns' numbers, 0 for an expression; those of INCLUDE behind.
    """

    oid: int
    schema: str
    name: str
    kind: str
    file: int | None
    persistence: str
    is_partition: bool
    table: int
    is_unique: bool
    is_primary: bool
    is_exclusion: bool
    is_valid: bool
    key_count: int
    keys: list[int]
    is_partial: bool

    @property
    def label(self) -> str:
        """The name as a report shows it: the schema only where it is not `public`."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def key_columns(self) -> tuple[int, ...]:
        """Of an index: the columns that it is sorted by, those of INCLUDE left out."""
        return tuple(self.keys[: self.key_count])


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        not_null: Whether every stored row is known to hold a value.
        declared: Whether NOT NULL is declared, perhaps not valid yet (PostgreSQL 18).
        identity: `a`, `d` or "".
        generated: `s` stored, `v` virtual or "".
    """

    table: int
    number: int
    name: str
    type: str
    type_oid: int
    not_null: bool
    declared: bool
    has_default: bool
    identity: str
    generated: str


class Constraint(NamedTuple):
    """A constraint of a table or domain.

    Attributes:
        kind: `c` check, `f` foreign key, `p` primary key, `u` unique, `x` exclusion.
        table: 0 for a domain's.
        target: Of a foreign key: the table referred to.
        index_oid: The index behind it, or 0.
        inherited: Whether it comes from a partitioned table's.
    """

    oid: int
    name: str
    kind: str
    table: int
    target: int
    domain: int
    validated: bool
    keys: list[int]
    target_keys: list[int]
    index_oid: int
    inherited: bool


class Parts(NamedTuple):
    """The columns of a view, or the attributes of a composite type.

    Attributes:
        kind: `v` view, `m` materialized view, `c` composite type.
        type_oid: The type of its rows.
    """

    oid: int
    kind: str
    type_oid: int
    schema: str
    relation: str
    names: list[str]
    numbers: list[int]

    @property
    def label(self) -> str:
        """The name of the whole, as a report shows it."""
        return self.relation if self.schema == "public" else f"{self.schema}.{self.relation}"


class Object(NamedTuple):
    """A type, function, procedure or schema."""

    kind: str
    oid: int
    schema: str
    name: str

    @property
    def label(self) -> str:
        """The name as a report shows it."""
        return f"{self.schema}.{self.name}" if self.schema not in ("", "public") else self.name


@dataclass(frozen=True, slots=True)
class Shape:
    """All of it at one moment."""

    relations: Mapping[int, Relation]
    columns: Mapping[tuple[int, int], Column]
    constraints: Mapping[int, Constraint]
    objects: Mapping[tuple[str, int], Object]
    labels: Mapping[int, tuple[str, ...]]
    parts: Mapping[int, Parts]

    def columns_of(self, table: int) -> list[Column]:
        """Give a table's columns in their order."""
        return sorted(column for column in self.columns.values() if column.table == table)

    def indexes_of(self, table: int) -> list[Relation]:
        """Give a table's indexes."""
        return [relation for relation in self.relations.values() if relation.table == table]

    def primary_key(self, table: int) -> tuple[int, ...]:
        """Give the numbers of the primary key's columns; empty where there is none."""
        found = (index for index in self.indexes_of(table) if index.is_primary)
        return next((index.key_columns for index in found), ())

    def name(self, relation: int) -> str:
        """Give a relation's name for a report."""
        found = self.relations.get(relation)
        return found.label if found else "?"


async def read_shape(connection: asyncpg.Connection) -> Shape:
    """Read what the database holds now, also in the middle of a transaction.

    Extensions' own types and functions, and the bookkeeping of drizzle and chatkeep, are left out.
    """
    relations = [Relation(*row) for row in await connection.fetch(query("relations"))]
    columns = [Column(*row) for row in await connection.fetch(query("columns"))]
    constraints = [Constraint(*row) for row in await connection.fetch(query("constraints"))]
    objects = [Object(*row) for row in await connection.fetch(query("objects"))]
    parts = [Parts(*row) for row in await connection.fetch(query("parts"))]
    labels: dict[int, list[str]] = {}
    for type_, label in await connection.fetch(query("labels")):
        labels.setdefault(type_, []).append(label)
    return Shape(
        {item.oid: item for item in relations},
        {(item.table, item.number): item for item in columns},
        {item.oid: item for item in constraints},
        {(item.kind, item.oid): item for item in objects},
        {type_: tuple(each) for type_, each in labels.items()},
        {item.oid: item for item in parts},
    )


@cache
def query(name: str) -> str:
    """Give the text of one of this package's queries."""
    return resources.files("chatkeep.kit.review").joinpath(f"sql/{name}.sql").read_text("utf-8")
