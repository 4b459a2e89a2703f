"""Constraints of tables. NOT NULL is a flag of the column, whatever PostgreSQL 18 calls it."""

from dataclasses import dataclass
from typing import ClassVar

from chatkeep.kit.catalog.fact import Kind, OnTable


@dataclass(frozen=True, slots=True)
class Constraint(OnTable):
    """A constraint.

    Attributes:
        definition: PostgreSQL's own text, as ALTER TABLE … ADD CONSTRAINT takes it.
    """

    definition: str


@dataclass(frozen=True, slots=True)
class Keyed(Constraint):
    """A primary key or unique constraint.

    Attributes:
        plain: True when columns, INCLUDE and NULLS NOT DISTINCT say all there is; otherwise only
            the definition does (WITHOUT OVERLAPS, DEFERRABLE, storage parameters).
    """

    columns: tuple[str, ...]
    include: tuple[str, ...]
    nulls_not_distinct: bool
    plain: bool


@dataclass(frozen=True, slots=True)
class PrimaryKey(Keyed):
    """A primary key."""

    kind: ClassVar[Kind] = Kind.PRIMARY_KEY


@dataclass(frozen=True, slots=True)
class Unique(Keyed):
    """A unique constraint; a unique index made by CREATE INDEX is an `Index`."""

    kind: ClassVar[Kind] = Kind.UNIQUE


@dataclass(frozen=True, slots=True)
class Check(Constraint):
    """A check constraint. `expression` has no outer parentheses of CHECK itself."""

    kind: ClassVar[Kind] = Kind.CHECK
    expression: str


@dataclass(frozen=True, slots=True)
class Exclude(Constraint):
    """An exclusion constraint."""

    kind: ClassVar[Kind] = Kind.EXCLUDE


@dataclass(frozen=True, slots=True)
class ForeignKey(Constraint):
    """A foreign key.

    Attributes:
        on_delete: `no action`, `restrict`, `cascade`, `set null` or `set default`.
        plain: True when columns and actions say all there is; otherwise only the definition does
            (DEFERRABLE, NOT VALID, MATCH FULL, PERIOD, SET NULL of some columns).
    """

    kind: ClassVar[Kind] = Kind.FOREIGN_KEY
    columns: tuple[str, ...]
    target_schema: str
    target_table: str
    target_columns: tuple[str, ...]
    on_delete: str
    on_update: str
    plain: bool
