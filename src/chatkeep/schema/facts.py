"""What documentation says about tables, as plain values."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, DefaultClause

_DIALECT = postgresql.dialect()
_SERIALS = {"INTEGER": "serial", "BIGINT": "bigserial", "SMALLINT": "smallserial"}


class ColumnFacts(NamedTuple):
    """One column."""

    name: str
    type: str
    nullable: bool
    default: str | None
    primary_key: bool
    foreign_key: bool


class TableFacts(NamedTuple):
    """One table. Constraints and indexes are name and definition."""

    name: str
    summary: str
    append_only: bool
    columns: list[ColumnFacts]
    constraints: list[tuple[str, str]]
    indexes: list[tuple[str, str]]
    relations: list[tuple[str, bool]]  # the other table; whether at most one row refers to it


def describe(metadata: MetaData) -> list[TableFacts]:
    """Describe every table, in the order in which they can be created."""
    return [_table(table) for table in metadata.sorted_tables]


def type_text(column: Column[Any]) -> str:
    """Name a column's type as PostgreSQL does; a serial is called one."""
    text = column.type.compile(dialect=_DIALECT)
    if _is_serial(column):
        return _SERIALS.get(text, "serial")
    return text.lower()


def _is_serial(column: Column[Any]) -> bool:
    return (
        column.table.autoincrement_column is column
        and isinstance(column.type, Integer)
        and column.identity is None
        and column.server_default is None
    )


def _table(table: Table) -> TableFacts:
    keys = sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
    return TableFacts(
        table.name,
        str(table.info.get("summary", "")),
        bool(table.info.get("append_only")),
        [_column(column) for column in table.columns],
        _constraints(table, keys),
        [
            (str(index.name), _index(index))
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ],
        [(key.referred_table.name, _refers_once(table, key)) for key in keys],
    )


def _column(column: Column[Any]) -> ColumnFacts:
    return ColumnFacts(
        column.name,
        type_text(column),
        bool(column.nullable),
        _default(column),
        column.primary_key,
        bool(column.foreign_keys),
    )


def _default(column: Column[Any]) -> str | None:
    if isinstance(column.identity, Identity):
        return f"identity, {'always' if column.identity.always else 'by default'}"
    if isinstance(column.server_default, DefaultClause):
        return str(column.server_default.arg)
    return None


def _names(columns: Sequence[Column[Any]]) -> str:
    return ", ".join(column.name for column in columns)


def _constraints(table: Table, keys: list[ForeignKeyConstraint]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if table.primary_key.columns:
        name = str(table.primary_key.name or f"{table.name}_pkey")
        found.append((name, f"primary key ({_names(list(table.primary_key.columns))})"))
    for constraint in sorted(table.constraints, key=lambda item: str(item.name)):
        if isinstance(constraint, UniqueConstraint):
            found.append((str(constraint.name), f"unique ({_names(list(constraint.columns))})"))
        elif isinstance(constraint, CheckConstraint):
            found.append((str(constraint.name), f"check ({constraint.sqltext})"))
    for key in keys:
        other = _names([element.column for element in key.elements])
        rule = f" on delete {key.ondelete.lower()}" if key.ondelete else ""
        text = f"({_names(list(key.columns))}) references {key.referred_table.name} ({other}){rule}"
        found.append((str(key.name), text))
    return found


def _index(index: Index) -> str:
    sql = str(CreateIndex(index).compile(dialect=_DIALECT))
    inner = sql[sql.index(" ON ") + 4 :]
    return ("unique " if index.unique else "") + inner[inner.index(" (") + 1 :]


def _refers_once(table: Table, key: ForeignKeyConstraint) -> bool:
    own = {column.name for column in key.columns}
    uniques = [
        {column.name for column in cast("UniqueConstraint", item).columns}
        for item in table.constraints
        if isinstance(item, UniqueConstraint | PrimaryKeyConstraint)
    ]
    return any(names and names <= own for names in uniques)


def as_json(tables: Sequence[TableFacts]) -> list[dict[str, object]]:
    """Give the facts as dictionaries and lists."""
    return [
        {
            **table._asdict(),
            "columns": [column._asdict() for column in table.columns],
            "constraints": [{"name": n, "definition": d} for n, d in table.constraints],
            "indexes": [{"name": n, "definition": d} for n, d in table.indexes],
            "relations": [{"table": t, "at_most_one": once} for t, once in table.relations],
        }
        for table in tables
    ]
