"""What the schema declares, and whether the database has it: compared with the catalog's facts."""

import re
from collections.abc import Container, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.schema import AddConstraint, Constraint, CreateIndex, ExecutableDDLElement

from chatkeep.kit.catalog.catalog import Catalog, TableShape
from chatkeep.kit.catalog.constraints import ForeignKey, PrimaryKey, Unique
from chatkeep.kit.catalog.indexes import Index as IndexFact
from chatkeep.kit.catalog.tables import Column as ColumnFact
from chatkeep.kit.plan.quoting import ident

_DIALECT = postgresql.dialect()
_CREATE_INDEX = re.compile(r"\ACREATE (UNIQUE )?INDEX ")
_BYTES = 63


def path_of(table: Table) -> tuple[str, str]:
    """Give schema and name."""
    return (table.schema or "public", table.name)


def quoted(table: Table) -> str:
    """Give the table's name as SQL."""
    return ident(*path_of(table))


def rendered(element: ExecutableDDLElement) -> str:
    """Give a statement as PostgreSQL takes it, without its semicolon."""
    return str(element.compile(dialect=_DIALECT)).strip().replace("%%", "%")


def create_index(index: Index, *, concurrently: bool) -> str:
    """Give the statement that makes an index, without its semicolon."""
    text = rendered(CreateIndex(index))
    if not concurrently:  # a partitioned table cannot have it so
        return text
    return _CREATE_INDEX.sub(lambda found: f"{found.group()}CONCURRENTLY ", text, count=1)


def add_constraint(constraint: Constraint, *, unproved: bool) -> str:
    """Give what adds a constraint; `unproved` where rows are proved in a second step."""
    # Else the schema would leave the constraint out of every CREATE TABLE from here on.
    first = rendered(AddConstraint(constraint, isolate_from_table=False))
    if not unproved:
        return f"{first};"
    table = constraint.table
    proof = f"ALTER TABLE {quoted(table)} VALIDATE CONSTRAINT {ident(cut(str(constraint.name)))};"
    return f"{first} NOT VALID;\n{proof}"


def add_key(constraint: UniqueConstraint | PrimaryKeyConstraint, *, partitioned: bool) -> str:
    """Give what adds a key; its index is built first, while others write."""
    if partitioned or not constraint.name:
        return add_constraint(constraint, unproved=False)
    table, name = constraint.table, ident(cut(str(constraint.name)))
    columns = ", ".join(ident(each) for each in names(list(constraint.columns)))
    kind = "PRIMARY KEY" if isinstance(constraint, PrimaryKeyConstraint) else "UNIQUE"
    return (
        f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {quoted(table)} ({columns});\n"
        f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {name} {kind} USING INDEX {name};"
    )


def cut(name: str) -> str:
    """Give a name as PostgreSQL keeps it."""
    return name.encode()[:_BYTES].decode(errors="ignore")


def names(columns: Sequence[Any]) -> tuple[str, ...]:
    """Give the names of columns."""
    return tuple(str(column.name) for column in columns)


def plain_columns(index: Index) -> tuple[str, ...] | None:
    """Give the columns of an index, or None where one of its keys is an expression."""
    keys = list(index.expressions)
    found = tuple(str(key.name) for key in keys if isinstance(key, Column))
    return found if len(found) == len(keys) else None


def is_partial(index: Index) -> bool:
    """Whether it holds only some of the rows."""
    return index.dialect_options["postgresql"]["where"] is not None


def has_columns(table: Table, catalog: Catalog, index: Index) -> bool:
    """Whether the table has every column that the index is declared on."""
    there = {column.name for column in catalog.columns(*path_of(table))}
    named = {str(column.name) for column in index.columns}
    return named <= there and not _speaks_of(rendered(CreateIndex(index)), table, there)


def _speaks_of(text: str, table: Table, there: Container[str]) -> bool:
    """Whether SQL uses a column that the database lacks; of a written text the words tell."""
    lacking = [column.name for column in table.columns if column.name not in there]
    return any(re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text) for name in lacking)


def can_stand(constraint: Constraint, catalog: Catalog) -> bool:
    """Whether the database has the columns, and the table, that a constraint is declared on."""
    there = {column.name for column in catalog.columns(*path_of(constraint.table))}
    columns = getattr(constraint, "columns", ())
    if not isinstance(constraint, CheckConstraint) and not set(names(list(columns))) <= there:
        return False
    if isinstance(constraint, CheckConstraint):
        return not _speaks_of(expression(constraint.sqltext), constraint.table, there)
    if not isinstance(constraint, ForeignKeyConstraint):
        return True
    others = {column.name for column in catalog.columns(*path_of(constraint.referred_table))}
    return {str(element.column.name) for element in constraint.elements} <= others


def table_of(index: Index) -> Table:
    """Give the table of an index.

    Raises:
        LookupError: It was never put on one.
    """
    if index.table is None:
        raise LookupError(index.name)
    return index.table


def has_index(shape: TableShape, index: Index) -> bool:
    """Whether the table has this index, or one that is the same but for its name."""
    name = cut(str(index.name))
    if any(each.name == name for each in shape.uniques):
        return True
    named = [each for each in shape.indexes if each.name == name]
    if named:
        return _is_alike(named[0], index)
    columns = plain_columns(index)
    if columns is None or is_partial(index):
        return False
    if index.unique and any(each.columns == columns for each in _keys(shape)):
        return True
    method = index.dialect_options["postgresql"]["using"] or "btree"
    return any(
        tuple(key.column for key in each.columns) == columns
        and each.where is None
        and each.method == method
        and (each.unique or not index.unique)
        for each in shape.indexes
    )


def _is_alike(there: IndexFact, wanted: Index) -> bool:
    """Whether an index is of the declared form; conditions and expressions are not compared."""
    method = wanted.dialect_options["postgresql"]["using"] or "btree"
    keys = list(wanted.expressions)
    return (
        there.unique == bool(wanted.unique)
        and there.method == method
        and (there.where is not None) == is_partial(wanted)
        and len(there.columns) == len(keys)
        and all(
            live.column == key.name
            for live, key in zip(there.columns, keys, strict=True)
            if isinstance(key, Column)
        )
    )


def _keys(shape: TableShape) -> Iterator[PrimaryKey | Unique]:
    yield from shape.uniques
    if shape.primary_key is not None:
        yield shape.primary_key


def has_constraint(shape: TableShape, constraint: Constraint) -> bool:
    """Whether the table has a constraint by this name, or one that demands the same."""
    if isinstance(constraint, PrimaryKeyConstraint):
        columns = names(list(constraint.columns))
        key = shape.primary_key
        return not columns or (key is not None and key.columns == columns)
    if isinstance(constraint, ForeignKeyConstraint):
        return any(_same_reference(each, constraint) for each in shape.foreign_keys)
    name = cut(str(constraint.name)) if constraint.name else None
    there: list[str] = [each.name for each in (*shape.uniques, *shape.checks, *shape.excludes)]
    if name is None or name in there:
        return True  # one without a name cannot be looked for
    if not isinstance(constraint, UniqueConstraint):
        return False
    columns = names(list(constraint.columns))
    return any(each.columns == columns for each in _keys(shape)) or any(
        each.unique and each.where is None and tuple(k.column for k in each.columns) == columns
        for each in shape.indexes
    )


def _same_reference(there: ForeignKey, wanted: ForeignKeyConstraint) -> bool:
    targets = [element.target_fullname.rpartition(".") for element in wanted.elements]
    schema, _, table = targets[0][0].rpartition(".")
    return (
        there.columns == tuple(wanted.column_keys)
        and (there.target_schema, there.target_table) == (schema or "public", table)
        and there.target_columns == tuple(column for _, _, column in targets)
    )


def constraints_of(table: Table) -> Iterator[Constraint]:
    """Give the constraints that a table declares, in the order of their names."""
    kinds = (
        PrimaryKeyConstraint,
        UniqueConstraint,
        CheckConstraint,
        ForeignKeyConstraint,
        ExcludeConstraint,
    )
    found = [each for each in table.constraints if isinstance(each, kinds)]
    yield from sorted(found, key=lambda each: str(each.name or ""))


def differs(live: ColumnFact, wanted: Column[Any]) -> bool:
    """Whether a column lacks NOT NULL or its time zone."""
    zoned = isinstance(wanted.type, DateTime) and wanted.type.timezone
    unzoned = live.type.startswith("timestamp") and live.type.endswith("without time zone")
    return (not live.not_null and wanted.nullable is False) or (bool(zoned) and unzoned)


def expression(key: Any) -> str:  # noqa: ANN401 - SQLAlchemy's own
    """Give a key of an index as SQL."""
    if isinstance(key, Column):
        return ident(str(key.name))
    compiled = key.compile(
        dialect=_DIALECT, compile_kwargs={"literal_binds": True, "include_table": False}
    )
    return str(compiled).replace("%%", "%")


def predicate(index: Index) -> str | None:
    """Give the condition of a partial index as SQL."""
    where: Any = index.dialect_options["postgresql"]["where"]
    return None if where is None else expression(where)
