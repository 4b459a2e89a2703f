"""One table as the access layer reads and writes it: its record's columns, its statements.

Statements are built with SQLAlchemy Core when they are first needed and kept. Where the set of
columns depends on the call (an insert leaves defaults to the database, an update names what
changes), one statement is kept for each set that occurs.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

import msgspec
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Enum,
    String,
    Table,
    Text,
    and_,
    bindparam,
    func,
    select,
)
from sqlalchemy import delete as delete_from
from sqlalchemy import insert as insert_into
from sqlalchemy import update as update_table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.selectable import NamedFromClause
from sqlalchemy.types import TypeEngine

from chatkeep.access.trashed import live
from chatkeep.engine.compile import compile_statement, reader_of
from chatkeep.engine.decode import Field, JoinedShape, NestedShape, Shape
from chatkeep.engine.query import JoinedQuery, Query
from chatkeep.engine.run import Runner
from chatkeep.errors import ConfigError, InvalidInputError
from chatkeep.inputs.base import Changes, Input
from chatkeep.records.base import Record

R = TypeVar("R", bound=Record)
N = TypeVar("N", bound=Record)

Where = ColumnElement[bool]
Values = dict[str, object]

COUNT_SHAPE: Shape[int] = Shape(int, [Field("", "count")])


class Rows(Generic[R]):
    """The columns of a table in the order of its record, and the statements that any table has.

    Attributes:
        name: Name in statements and errors, such as `users`.
        table: The SQLAlchemy table.
        columns: Explicit columns of every select and RETURNING, in the order of the record.
        shape: Builds the record of a row.
        queries: The statements that depend on the set of columns, by kind and columns.
    """

    def __init__(self, name: str, table: Table, record: type[R]) -> None:
        """Match the record with the table.

        Raises:
            ConfigError: The record has a field that is no column of the table.
        """
        self.name = name
        self.table = table
        self.record = record
        self.columns: list[ColumnElement[Any]] = []
        self.fields: list[Field] = []
        for field in msgspec.structs.fields(record):
            column = table.c.get(field.name)
            if column is None:
                raise ConfigError(
                    f'{record.__name__}.{field.name} is no column of the table "{table.name}".',
                    hint="Add the column to the table's column class, or take the field away.",
                )
            self.columns.append(column)
            self.fields.append(Field(table.name, column.name, reader_of(column.type, field.type)))
        self.shape = Shape(record, self.fields)
        self.queries: dict[tuple[str, ...], Query[R]] = {}
        # Classes whose fields are all columns: asking Pydantic's classes again costs more than the rest.
        self._inputs: set[type] = set()
        self._changes: set[type] = set()
        self._names = tuple(column.key for column in table.c)

    def query(self, name: str, clause: ClauseElement) -> Query[R]:
        """Compile a statement that gives these columns."""
        return Query(compile_statement(f"{self.name}.{name}", clause, has_keys=True), self.shape)

    def count(self, name: str, clause: ClauseElement) -> Query[int]:
        """Compile a statement that gives one number."""
        return Query(compile_statement(f"{self.name}.{name}", clause, has_keys=True), COUNT_SHAPE)

    @property
    def live(self) -> Where:
        """Leave out what is in the trash, where the table has one."""
        return live(self.table)

    def equal(self, *keys: str) -> Where:
        """Compare columns with parameters of the same names; nothing in the trash is equal."""
        return and_(*(self.table.c[key] == bindparam(key) for key in keys), self.live)

    def find(self, where: Where, name: str = "find") -> Query[R]:
        """Compile a look-up."""
        return self.query(name, select(*self.columns).where(where))

    def delete(self, where: Where, name: str = "delete") -> Query[R]:
        """Compile a deletion that gives the deleted row."""
        return self.query(name, delete_from(self.table).where(where).returning(*self.columns))

    def insert(self, values: Mapping[str, object]) -> Query[R]:
        """Give the insert for this set of columns."""
        key = ("create", *values)
        query = self.queries.get(key)
        if query is None:
            clause = insert_into(self.table).values(self.parameters(values))
            query = self.queries[key] = self.query("create", clause.returning(*self.columns))
        return query

    def update(self, values: Mapping[str, object], where: Where, name: str = "update") -> Query[R]:
        """Give the update for this set of columns; it moves `updated_at` too.

        Args:
            values: By column; the statement's parameters are called `set_<column>`.
            where: Which rows.
            name: Of the statement.
        """
        key = (name, *values)
        query = self.queries.get(key)
        if query is None:
            given = {
                self.table.c[column]: bindparam(f"set_{column}", type_=self.table.c[column].type)
                for column in values
            }
            moved = {**given, **self.touch()}
            if "revision" in self.table.c:
                moved[self.table.c["revision"]] = self.table.c["revision"] + 1
            clause = update_table(self.table).where(where).values(moved)
            query = self.queries[key] = self.query(name, clause.returning(*self.columns))
        return query

    async def change(
        self, runner: Runner, find: Query[R], where: Where, key: Values, changes: object
    ) -> R | None:
        """Change the fields that were set of the row with a key; without any, read the row.

        Args:
            runner: Runs the statement.
            find: The look-up by the key.
            where: The same condition, for the update.
            key: Its values.
            changes: What the caller set.

        Raises:
            InvalidInputError: They are no changes, or those of another table.
        """
        values = self.changed_values(changes)
        if not values:
            return await find.first(runner, key)
        return await self.update(values, where).first(runner, {**set_values(values), **key})

    def parameters(self, values: Mapping[str, object], prefix: str = "") -> dict[str, Any]:
        """Give a parameter of the column's type for each column."""
        return {
            column: bindparam(prefix + column, type_=self.table.c[column].type) for column in values
        }

    def touch(self) -> dict[ColumnElement[Any], ColumnElement[datetime]]:
        """Move `updated_at`, never backwards: a longer transaction may commit after a later one."""
        column = self.table.c["updated_at"]
        return {column: func.greatest(column, func.current_timestamp())}

    def new_values(self, new: object, field: str = "new") -> Values:
        """Give what an input stores, by column; None is left out: the default, or NULL.

        Args:
            new: The input.
            field: Name of the argument, for the error.

        Raises:
            InvalidInputError: It is no input, or one of another table.
        """
        if type(new) not in self._inputs:
            self._check_input(new, field)
        # An input has no other attributes than its fields.
        return {column: value for column, value in vars(new).items() if value is not None}

    def changed_values(self, changes: object) -> Values:
        """Give what the caller set, by column, in the order of the table.

        Raises:
            InvalidInputError: They are no changes, or those of another table.
        """
        if type(changes) not in self._changes:
            self._check_changes(changes)
        given = cast("Changes", changes).given()
        return {name: given[name] for name in self._names if name in given}

    def _check_input(self, new: object, field: str) -> None:
        if not isinstance(new, Input) or isinstance(new, Changes):
            raise InvalidInputError(
                f"{self.name} takes an input (New..., see chatkeep.inputs), not {_kind_of(new)}.",
                field=field,
            )
        self._check_columns(type(new).model_fields, type(new))
        self._inputs.add(type(new))

    def _check_changes(self, changes: object) -> None:
        if not isinstance(changes, Changes):
            raise InvalidInputError(
                f"{self.name} takes changes (...Changes, see chatkeep.inputs), "
                f"not {_kind_of(changes)}.",
                field="changes",
            )
        self._check_columns(type(changes).model_fields, type(changes))
        self._changes.add(type(changes))

    def _check_columns(self, values: Mapping[str, Any], source: type) -> None:
        for column in values:
            if column not in self.table.c:
                raise InvalidInputError(
                    f"{source.__name__} does not belong to {self.name}: "
                    f'the table "{self.table.name}" has no column {column}.',
                    hint="Each input belongs to one table of one preset. Those of maps are in "
                    "chatkeep.inputs.maps, those of deepsearch in chatkeep.",
                    field=column,
                )


def _kind_of(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"


def set_values(values: Mapping[str, object]) -> Values:
    """Name values as the parameters of an update."""
    return {f"set_{column}": value for column, value in values.items()}


def element_type(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """Give the type of an element where many values of a column travel as one array.

    Text goes without its length: a cast to varchar(n) would cut silently what does not fit. An
    array goes as JSON: PostgreSQL has no arrays of arrays of unequal lengths.
    """
    if isinstance(type_, ARRAY):
        return JSONB()
    is_text = isinstance(type_, String) and not isinstance(type_, Enum)
    return Text() if is_text else type_


def gathered(
    child: Rows[Any], rows: NamedFromClause
) -> tuple[list[ColumnElement[Any]], Shape[Any]]:
    """Gather rows of a child table into one array for each of its columns.

    Returns:
        The columns, and the shape that builds the children of them.
    """
    columns: list[ColumnElement[Any]] = []
    fields: list[Field] = []
    for column, field in zip(child.columns, child.fields, strict=True):
        inner = rows.c[column.key or ""]
        if isinstance(column.type, ARRAY):
            # PostgreSQL would make one array of many dimensions of them, and refuse unequal lengths.
            columns.append(func.array_agg(func.row(inner)))
            fields.append(Field(field.table, field.column, _unwrap))
        else:
            columns.append(func.array_agg(inner))
            fields.append(field)
    named = [
        column.label(f"all_{field.column}") for column, field in zip(columns, fields, strict=True)
    ]
    return list(named), Shape(child.record, fields)


def gathered_query(
    name: str,
    parent: Rows[Any],
    where: Where,
    child: Rows[Any],
    rows: NamedFromClause,
    record: type[N],
) -> Query[N]:
    """Compile a look-up of one parent with its children in one more field at the end.

    Args:
        name: Of the statement.
        parent: The parent's table.
        where: Which parent.
        child: The child's table.
        rows: The children: a subquery with every column of the child, in their order.
        record: The parent's fields, then the list of children, as the preset's records have it.
    """
    columns, shape = gathered(child, rows)
    children = select(*columns).subquery("children")
    clause = select(*parent.columns, *children.c).where(where)
    shape = NestedShape(_with_children(parent, child, record), parent.fields, shape)
    return Query(compile_statement(f"{parent.name}.{name}", clause, has_keys=True), shape)


def joined_query(
    name: str,
    parent: Rows[Any],
    where: Where,
    child: Rows[Any],
    link: Where,
    record: type[N],
) -> JoinedQuery[N]:
    """Compile a look-up of one parent with its few children, in the order of their key.

    Args:
        name: Of the statement.
        parent: The parent's table.
        where: Which parent.
        child: The child's table.
        link: Which children.
        record: The parent's fields, then the list of children, as the preset's records have it.
    """
    key = list(child.table.primary_key.columns)
    clause = (
        select(*parent.columns, *child.columns)
        .select_from(parent.table.outerjoin(child.table, link))
        .where(where)
        .order_by(*key)
    )
    place = [field.column for field in child.fields].index(key[0].name)
    shape = JoinedShape(_with_children(parent, child, record), parent.fields, child.shape, place)
    statement = compile_statement(f"{parent.name}.{name}", clause, has_keys=True)
    return JoinedQuery(statement, shape)


def _with_children(parent: Rows[Any], child: Rows[Any], record: type[N]) -> type[N]:
    """Give a record for the parent and its children: the preset's, or one like it.

    An extended schema has more fields than the preset's record; the class made for it has them all.
    """
    if issubclass(record, parent.record):
        return record
    made = msgspec.defstruct(
        f"{parent.record.__name__}With{child.name.title()}",
        # A default, since a field of the extended record may have one, and none may follow it.
        [(child.name, list[child.record], msgspec.field(default_factory=list))],
        bases=(parent.record,),
        module=parent.record.__module__,
        gc=False,
    )
    return cast("type[N]", made)


def _unwrap(row: tuple[Any]) -> object:
    return row[0]
