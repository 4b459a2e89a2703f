"""Parts of a table below its columns: keys, indexes, checks, told once for every prefix.

A part knows the Python names of tables and columns; its name in PostgreSQL is made when the table
is built under a prefix.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from chatkeep.schema.naming import (
    cut,
    fits,
    foreign_key_name,
    plain_name,
    short_foreign_key_name,
)

OnDelete: TypeAlias = Literal["cascade", "set null", "set default", "restrict", "no action"]
Tables: TypeAlias = Mapping[str, Table]


@dataclass(frozen=True)
class Part:
    """One constraint or index. `build` adds it to the table that was built for it."""

    build: Callable[[Table, Tables], None]
    label: str  # what a transition names it by


def primary_key(*columns: str) -> Part:
    """Make a primary key of several columns, named `<table>_<columns>_pk`.

    For one column write `Column(..., primary_key=True)` instead.
    """

    def build(table: Table, _tables: Tables) -> None:
        key = PrimaryKeyConstraint(*columns, name=plain_name(table.name, columns, "pk"))
        table.append_constraint(key)

    return Part(build, "primary key")


def foreign_key(
    *columns: str,
    references: str,
    to: Sequence[str] = ("id",),
    on_delete: OnDelete | None,
    cut_name: bool = False,
) -> Part:
    """Refer to another table of the schema.

    Args:
        columns: Of this table.
        references: The other table, by its attribute of the schema: `"users"`.
        to: Columns of the other table.
        on_delete: What happens to a row when the row that it refers to goes. None writes no rule,
            which PostgreSQL takes for `no action`.
        cut_name: Name it as Drizzle and PostgreSQL do together, cut at 63 bytes, and keep the
            whole name in `info["drizzle_name"]`. For the seeds' tables only.
    """

    def build(table: Table, tables: Tables) -> None:
        target = tables[references]
        whole = foreign_key_name(table.name, columns, target.name, to)
        short = short_foreign_key_name(table.name, columns, target.name, to)
        key = ForeignKeyConstraint(
            columns,
            [target.c[name] for name in to],
            name=cut(whole) if cut_name else short,
            ondelete=on_delete.upper() if on_delete else None,
            info={"drizzle_name": whole} if cut_name and not fits(whole) else {},
        )
        table.append_constraint(key)

    return Part(build, f"{' '.join(columns)} -> {references}")


def unique(*columns: str) -> Part:
    """Let no two rows have the same values; named `<table>_<columns>_unique`."""

    def build(table: Table, _tables: Tables) -> None:
        name = plain_name(table.name, columns, "unique")
        table.append_constraint(UniqueConstraint(*columns, name=name))

    return Part(build, f"unique {' '.join(columns)}")


def index(
    *columns: str, name: str | None = None, where: str | None = None, is_unique: bool = False
) -> Part:
    """Index columns; named `<table>_<columns>_idx` unless `name` gives the whole name.

    Args:
        columns: Of this table.
        name: Not prefixed: two prefixes in one database would clash.
        where: SQL of the rows that it holds, as PostgreSQL writes it; all of them unless given.
        is_unique: Whether two of its rows may not have the same values.
    """

    def build(table: Table, _tables: Tables) -> None:
        Index(
            name or plain_name(table.name, columns, "idx"),
            *(table.c[column] for column in columns),
            unique=is_unique,
            postgresql_where=None if where is None else text(where),
        )

    return Part(build, f"index {' '.join(columns)}" if name is None else name)


def expression_index(
    label: str,
    expression: Callable[[Table], ColumnElement[Any]],
    *,
    is_unique: bool = False,
    using: str = "btree",
    where: str | None = None,
    options: Mapping[str, str] = MappingProxyType({}),
) -> Part:
    """Index an expression; named `<table>_<label>_idx`.

    Args:
        label: Word or words for the name.
        expression: Gives it from the table, as in `lambda table: func.lower(table.c.email)`.
        is_unique: Whether two rows may not give the same value.
        using: The kind of index.
        where: SQL of the rows that it holds, as PostgreSQL writes it; all of them unless given.
        options: Its storage parameters.
    """

    def build(table: Table, _tables: Tables) -> None:
        Index(
            plain_name(table.name, [label], "idx"),
            expression(table),
            unique=is_unique,
            postgresql_using=using,
            postgresql_where=None if where is None else text(where),
            postgresql_with=dict(options),
        )

    return Part(build, f"index {label}")


def check(label: str, sql: str) -> Part:
    """Let only rows in for which `sql` is true or NULL; named `<table>_<label>_check`."""

    def build(table: Table, _tables: Tables) -> None:
        name = plain_name(table.name, [label], "check")
        table.append_constraint(CheckConstraint(sql, name=name))

    return Part(build, f"check {label}")
