"""Any Core statement, compiled once, run as often as you like."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import msgspec
from sqlalchemy import Column, Table
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import ReturnsRows
from typing_extensions import TypeVar as DefaultTypeVar

from chatkeep.access.fitting import allows_none, reader
from chatkeep.access.nested import Nested
from chatkeep.access.nested.shape import nested_query
from chatkeep.access.rows import COUNT_SHAPE
from chatkeep.access.sources import columns_with_null
from chatkeep.database.shapes import into_shape, null_refused
from chatkeep.database.streaming import BATCH, Stream
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner
from chatkeep.errors import ConfigError, NotFoundError, StatementError
from chatkeep.records.base import Record
from chatkeep.schema.schema import Schema
from chatkeep.schema.types import Json

if TYPE_CHECKING:
    from sqlalchemy.sql import ClauseElement

T = TypeVar("T")
R_co = DefaultTypeVar("R_co", covariant=True, default=Any)

AnySchema = Schema[Any, Any, Any, Any]


class Prepared(Generic[R_co]):
    """A statement of yours, compiled. Rows are tuples, or records where a whole table is selected.

    by_email = db.prepare(select(schema.users).where(schema.users.c.email == bindparam("email")))
    user = await by_email.first(email="user@example.com")
    """

    def __init__(self, runner: PoolRunner | TransactionRunner, query: Query[R_co]) -> None:
        self._runner = runner
        self._query = query

    @property
    def sql(self) -> str:
        """The SQL that is sent, with `$1`, `$2` and so on for the parameters."""
        return self._query.statement.sql

    async def first(self, **parameters: object) -> R_co | None:
        """Give the first row, or None. The statement is not limited to one row by this.

        Raises:
            InvalidInputError: A parameter is missing or unknown, or PostgreSQL does not take a value.
            StoredDataError: A stored value does not have the shape that its column promises.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        self._query.statement.check_names(parameters)
        return await self._query.first(self._runner, parameters)

    async def all(self, **parameters: object) -> list[R_co]:
        """Give every row.

        Raises:
            InvalidInputError: A parameter is missing or unknown, or PostgreSQL does not take a value.
            StoredDataError: A stored value does not have the shape that its column promises.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        self._query.statement.check_names(parameters)
        return await self._query.all(self._runner, parameters)

    async def one(self, **parameters: object) -> R_co:
        """Give the only row.

        Raises:
            NotFoundError: There is none.
            StatementError: There is more than one.
            InvalidInputError: A parameter is missing or unknown, or PostgreSQL does not take a value.
            StoredDataError: A stored value does not have the shape that its column promises.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        return only_row(await self.all(**parameters), self._query.statement.name)

    async def scalar(
        self: "Prepared[tuple[T, *tuple[Any, ...]]]", **parameters: object
    ) -> T | None:
        """Give the first column of the first row; None when there is no row.

        Raises:
            InvalidInputError: A parameter is missing or unknown, or PostgreSQL does not take a value.
            StoredDataError: A stored value does not have the shape that its column promises.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
            ConfigError: The statement selects a whole table, whose rows are records; nothing was sent.
        """
        self._query.statement.check_names(parameters)
        value: T | None = await first_value(self._runner, self._query, parameters)
        return value

    def stream(self, **parameters: object) -> Stream[R_co]:
        """Give the rows by and by, in constant memory; see `Database.stream`.

        Raises:
            ConfigError: The statement is no select.
            InvalidInputError: A parameter is unknown.
        """
        self._query.statement.check_names(parameters)
        return Stream(self._runner, self._query, parameters, BATCH)


def only_row(rows: Sequence[T], name: str) -> T:
    """Give the one row that there is.

    Raises:
        NotFoundError: There is none.
        StatementError: There is more than one.
    """
    if not rows:
        raise NotFoundError(f"{name}: no row.")
    if len(rows) > 1:
        raise StatementError(
            f"{name}: {len(rows)} rows where one was expected.", hint="Use all() or first()."
        )
    return rows[0]


async def first_value(
    runner: PoolRunner | TransactionRunner, query: Query[Any], values: Mapping[str, object]
) -> Any:  # noqa: ANN401 - of any type
    """Run a statement and give the first value of its first row; None where there is none.

    Raises:
        ConfigError: The rows are records, not tuples; nothing was sent.
    """
    if not isinstance(query.shape, _Tuples):
        raise ConfigError("scalar() needs a select of columns, not of a whole table.")
    row: tuple[object, ...] | None = await query.first(runner, values)
    return None if row is None else row[0]


def make_query(
    schema: AnySchema, statement: object, name: str, into: type[Any] | None = None
) -> Query[Any]:
    """Compile a statement and choose the shape of its rows.

    Args:
        schema: Whose records whole tables become.
        statement: A Core statement that gives rows, or nested rows.
        name: Of the statement, in reports and errors.
        into: The class of the rows; None gives tuples, or records where a whole table is selected.

    Raises:
        ConfigError: It is no statement that gives rows, or its columns do not fit the class.
    """
    if isinstance(statement, Nested):
        if into is not None:
            raise ConfigError(f"{name}: nested rows have their class already; leave `into` out.")
        return nested_query(schema, cast("Nested[Any]", statement), name)
    shape = make_shape(schema, statement, name, into)
    return Query(compile_statement(name, cast("ClauseElement", statement)), shape)


class _Tuples(Shape[Any]):
    """Builds tuples: of these alone, scalar() can give the first value."""

    __slots__ = ()


class Count:
    """Stands for the class of the rows where a statement gives their number alone."""


def make_command(statement: object, name: str) -> Query[Any]:
    """Compile a statement that gives no rows.

    Raises:
        ConfigError: It is no insert, update or delete, or it has RETURNING.
    """
    if not isinstance(statement, UpdateBase):
        raise ConfigError(
            f"execute() runs insert, update and delete, not {type(statement).__name__}.",
            hint="Use all(), first(), one() or scalar() for what gives rows.",
        )
    if _columns(statement):
        raise ConfigError(
            f"execute() gives the number of rows; this {name} has RETURNING.",
            hint="Use all(), first() or one() for its rows, or leave RETURNING out.",
        )
    return Query(compile_statement(name, statement), COUNT_SHAPE)


def make_shape(
    schema: AnySchema, statement: object, name: str, into: type[Any] | None = None
) -> Shape[Any]:
    """Choose the shape of a statement's rows; see `make_query`. Pages compile statements of theirs.

    Raises:
        ConfigError: It is no statement that gives rows, or its columns do not fit the class.
    """
    columns = _columns(statement)
    if not columns:
        raise ConfigError(
            f"{name}: this {type(statement).__name__} gives no rows.",
            hint="Use select(...), or insert/update/delete with .returning(...); "
            "execute() runs what gives none.",
        )
    if into is not None:
        return into_shape(name, statement, columns, into)
    found = _record_of(schema, columns)
    fields = [_field(schema, column) for column in columns]
    if found is None:
        return _Tuples(_row, fields)
    _check_there(name, statement, found, columns)
    return _ordered(found, fields)


def _columns(statement: object) -> list[Any]:
    if not isinstance(statement, ReturnsRows):
        return []
    return list(statement.exported_columns)


def _record_of(schema: AnySchema, columns: Sequence[Any]) -> type[Record] | None:
    """Give the record of a whole table; None where the columns are not those of one."""
    for logical, table in schema.tables.items():
        own = list(table.c)
        if len(own) == len(columns) and all(
            given is column for given, column in zip(columns, own, strict=True)
        ):
            return schema.records.get(logical)
    return None


def _check_there(
    name: str, statement: object, record: type[Record], columns: Sequence[Any]
) -> None:
    """Refuse the records of a table that an outer join fills up with NULL."""
    types = {field.name: field.type for field in msgspec.structs.fields(record)}
    for column, has_null in zip(columns, columns_with_null(statement), strict=True):
        if has_null and not column.nullable and not allows_none(types[column.key]):
            hint = "Select its columns, or a class whose fields may be None with into=."
            raise null_refused(name, record, column.key, types[column.key], hint)


def _ordered(record: type[Record], fields: list[Field]) -> Shape[Any]:
    """Build the record by position, also where its fields stand in another order than the table's."""
    names = [field.column for field in fields]
    wanted = [names.index(field.name) for field in msgspec.structs.fields(record)]
    if wanted == list(range(len(fields))):
        return Shape(record, fields)
    pick = itemgetter(*wanted)
    return Shape(lambda *values: record(*pick(values)), fields)


def _field(schema: AnySchema, column: Any) -> Field:  # noqa: ANN401 - any column expression
    type_, table = column.type, getattr(column, "table", None)
    if isinstance(column, Column) and isinstance(table, Table):
        wanted = type_.shape if isinstance(type_, Json) else _python_type(schema, column)
        return Field(table.name, column.name, reader(wanted, type_, converts=False))
    name = str(getattr(column, "name", "expression"))
    wanted = type_.shape if isinstance(type_, Json) else Any
    return Field("", name, reader(wanted, type_, converts=False))


def _python_type(schema: AnySchema, column: Column[Any]) -> object:
    for logical, table in schema.tables.items():
        record = schema.records.get(logical)
        if table is column.table and record is not None:
            for field in msgspec.structs.fields(record):
                if field.name == column.key:
                    return field.type
    return Any


def _row(*values: object) -> tuple[object, ...]:
    return values
