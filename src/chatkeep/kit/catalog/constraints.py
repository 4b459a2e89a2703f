"""Constraints of tables. NOT NULL is a flag of the column, whatever PostgreSQL 18 calls it."""

from dataclasses import dataclass, field
from typing import ClassVar

from chatkeep.kit.catalog.fact import Kind, OnTable


@dataclass(frozen=True, slots=True)
class Constraint(OnTable):
    """A constraint.

    Attributes:
        definition: PostgreSQL's own text, as ALTER TABLE … ADD CONSTRAINT takes it.
        extra: What the other fields do not say: the whole definition of a key with DEFERRABLE,
            NOT VALID, MATCH FULL, WITHOUT OVERLAPS or PERIOD, else empty.
        options: Storage parameters of its index.
        partitioned: The table is a partitioned one.
        whole: (schema, name) of the partitioned table's index that its own is a part of.
    """

    definition: str = field(compare=False)
    extra: str
    options: tuple[str, ...] = field(default=(), kw_only=True)
    whole: tuple[str, str] | None = field(default=None, kw_only=True)
    partitioned: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Keyed(Constraint):
    """A primary key or unique constraint."""

    columns: tuple[str, ...]
    include: tuple[str, ...]
    nulls_not_distinct: bool


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
    """A check constraint; its `extra` is NOT VALID and the like."""

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
    """

    kind: ClassVar[Kind] = Kind.FOREIGN_KEY
    columns: tuple[str, ...]
    target_schema: str
    target_table: str
    target_columns: tuple[str, ...]
    on_delete: str
    on_update: str
