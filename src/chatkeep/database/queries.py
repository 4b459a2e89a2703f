"""Statements of the caller's own, on `Database` and `Transaction` alike."""

from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar, TypeVarTuple, overload

from sqlalchemy import Table
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import TypedReturnsRows

from chatkeep.access.catalogue import Catalogue
from chatkeep.access.nested import Nested
from chatkeep.database.copying import copy_into
from chatkeep.database.prepared import (
    Count,
    Prepared,
    first_value,
    make_command,
    make_query,
    only_row,
)
from chatkeep.database.reuse import reuse_of
from chatkeep.database.streaming import BATCH, Stream
from chatkeep.engine.affect import affect
from chatkeep.engine.query import Query
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner

A = TypeVar("A")
B = TypeVar("B")
X = TypeVar("X")
Ts = TypeVarTuple("Ts")

AnyRow: TypeAlias = Any
"""A record, where a whole table is selected: which one, no type checker can know."""
AnyRows: TypeAlias = TypedReturnsRows[*tuple[Any, ...]]
Into: TypeAlias = type[Any] | None


class Queries:
    """Runs any Core statement. `Database` and `Transaction` inherit from it.

    Rows are tuples in the order of the columns, and records where a whole table is selected; with
    `into=` they are objects of a dataclass, a msgspec Struct or a Pydantic model, whose fields are
    matched with the columns by name.
    """

    def __init__(
        self,
        runner: PoolRunner | TransactionRunner,
        catalogue: Catalogue[Any, Any, Any, Any],
    ) -> None:
        self._runner = runner
        self._schema = catalogue.schema
        self._reuse = reuse_of(catalogue)

    # A select of a whole table says nothing of its columns to a type checker: all of these
    # overloads match it, and its rows, which are records, come out as Any.
    @overload
    def prepare(self, statement: Nested[X], *, into: None = None) -> Prepared[X]: ...
    @overload
    def prepare(
        self, statement: TypedReturnsRows[A], *, into: None = None
    ) -> Prepared[tuple[A]]: ...
    @overload
    def prepare(
        self, statement: TypedReturnsRows[A, B, *Ts], *, into: None = None
    ) -> Prepared[tuple[A, B, *Ts]]: ...
    @overload
    def prepare(self, statement: AnyRows, *, into: None = None) -> Prepared[Any]: ...
    @overload
    def prepare(self, statement: AnyRows, *, into: type[X]) -> Prepared[X]: ...
    def prepare(self, statement: AnyRows | Nested[Any], *, into: Into = None) -> Prepared[Any]:
        """Compile a Core statement, or nested rows, once; `.first()`, `.all()`, `.one()`, `.scalar()` run it.

        Raises:
            ConfigError: It gives no rows, has an IN list of unknown length, or its columns do not
                fit the class.
        """
        return Prepared(self._runner, make_query(self._schema, statement, "prepared", into))

    @overload
    async def first(self, statement: Nested[X], *, into: None = None) -> X | None: ...
    @overload
    async def first(
        self, statement: TypedReturnsRows[A], *, into: None = None
    ) -> tuple[A] | None: ...
    @overload
    async def first(
        self, statement: TypedReturnsRows[A, B, *Ts], *, into: None = None
    ) -> tuple[A, B, *Ts] | None: ...
    @overload
    async def first(self, statement: AnyRows, *, into: None = None) -> AnyRow: ...
    @overload
    async def first(self, statement: AnyRows, *, into: type[X]) -> X | None: ...
    async def first(self, statement: AnyRows | Nested[Any], *, into: Into = None) -> AnyRow:
        """Run a Core statement, or ask for nested rows; give the first row, or None.

        Raises:
            ConfigError: It gives no rows, or its columns do not fit the class.
            InvalidInputError: PostgreSQL does not take a value.
            StoredDataError: A stored value does not have the shape that its column promises.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        query, values = self._ad_hoc(statement, into)
        return await query.first(self._runner, values)

    @overload
    async def all(self, statement: Nested[X], *, into: None = None) -> list[X]: ...
    @overload
    async def all(self, statement: TypedReturnsRows[A], *, into: None = None) -> list[tuple[A]]: ...
    @overload
    async def all(
        self, statement: TypedReturnsRows[A, B, *Ts], *, into: None = None
    ) -> list[tuple[A, B, *Ts]]: ...
    @overload
    async def all(self, statement: AnyRows, *, into: None = None) -> list[Any]: ...
    @overload
    async def all(self, statement: AnyRows, *, into: type[X]) -> list[X]: ...
    async def all(self, statement: AnyRows | Nested[Any], *, into: Into = None) -> list[Any]:
        """Run a Core statement, or ask for nested rows; give every row.

        Raises:
            ConfigError: It gives no rows, or its columns do not fit the class.
            InvalidInputError: PostgreSQL does not take a value.
            StoredDataError: A stored value does not have the shape that its column promises.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        query, values = self._ad_hoc(statement, into)
        return await query.all(self._runner, values)

    @overload
    async def one(self, statement: Nested[X], *, into: None = None) -> X: ...
    @overload
    async def one(self, statement: TypedReturnsRows[A], *, into: None = None) -> tuple[A]: ...
    @overload
    async def one(
        self, statement: TypedReturnsRows[A, B, *Ts], *, into: None = None
    ) -> tuple[A, B, *Ts]: ...
    @overload
    async def one(self, statement: AnyRows, *, into: None = None) -> AnyRow: ...
    @overload
    async def one(self, statement: AnyRows, *, into: type[X]) -> X: ...
    async def one(self, statement: AnyRows | Nested[Any], *, into: Into = None) -> AnyRow:
        """Run a Core statement, or ask for nested rows; give its only row.

        Raises:
            NotFoundError: There is none.
            StatementError: There is more than one.
            ConfigError: It gives no rows, or its columns do not fit the class.
            InvalidInputError: PostgreSQL does not take a value.
            StoredDataError: A stored value does not have the shape that its column promises.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        query, values = self._ad_hoc(statement, into)
        return only_row(await query.all(self._runner, values), query.statement.name)

    async def scalar(self, statement: TypedReturnsRows[A, *tuple[Any, ...]]) -> A | None:
        """Run a Core statement; give the first column of its first row, or None.

        Raises:
            ConfigError: It gives no rows, or records; nothing was sent.
            InvalidInputError: PostgreSQL does not take a value.
            StoredDataError: A stored value does not have the shape that its column promises.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        query, values = self._ad_hoc(statement, None)
        value: A | None = await first_value(self._runner, query, values)
        return value

    @overload
    def stream(
        self, statement: TypedReturnsRows[A], *, into: None = None, batch: int = BATCH
    ) -> Stream[tuple[A]]: ...
    @overload
    def stream(
        self, statement: TypedReturnsRows[A, B, *Ts], *, into: None = None, batch: int = BATCH
    ) -> Stream[tuple[A, B, *Ts]]: ...
    @overload
    def stream(
        self, statement: AnyRows, *, into: None = None, batch: int = BATCH
    ) -> Stream[Any]: ...
    @overload
    def stream(self, statement: AnyRows, *, into: type[X], batch: int = BATCH) -> Stream[X]: ...
    def stream(self, statement: AnyRows, *, into: Into = None, batch: int = BATCH) -> Stream[Any]:
        """Give the rows of a select one by one, in constant memory here and there.

        Outside a transaction it has a connection of its own until its end, in a transaction that
        only reads; all rows are of one moment. The statement's time-out is for each batch.

        async for row in db.stream(select(schema.messages)): ...

        Args:
            statement: A select.
            into: The class of the rows.
            batch: How many rows are read at once.

        Raises:
            ConfigError: It is no select, or its columns do not fit the class.
            InvalidInputError: `batch` is not a whole number of 1 or more.
        """
        query, values = self._ad_hoc(statement, into)
        return Stream(self._runner, query, values, batch)

    async def execute(self, statement: UpdateBase) -> int:
        """Run an insert, update or delete without RETURNING; give the number of rows it wrote.

        Raises:
            ConfigError: It is no such statement, or gives rows.
            InvalidInputError: PostgreSQL does not take a value.
            ConstraintError: One of its kinds: a row breaks a constraint.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        query, values = self._reuse.query(
            statement, Count, lambda name: make_command(statement, name)
        )
        return await affect(self._runner, query.statement, query.statement.arguments(values))

    async def copy(
        self,
        table: Table[Any],
        rows: Iterable[object] | AsyncIterable[object],
        *,
        columns: Sequence[str] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> int:
        """Store many rows in one COPY, all or none; give their number.

        The rows are taken one by one and sent as they come. Columns that they do not have get their
        defaults. Inside a transaction, a COPY that fails ends the transaction. An asynchronous source
        that has `aclose` is closed when the call ends, however that ends.

        Args:
            table: Of the schema.
            rows: Inputs such as `NewUser`, records, mappings by column, or sequences in the order of
                `columns`; all of one kind.
            columns: Which columns are stored, and in which order sequences have them. None takes
                those of the first row; what an input leaves to the database, all of them must.
            progress: Called with the number of rows so far, after every 1,000 and after the last,
                before PostgreSQL stores them: what it raises leaves none of them.

        Raises:
            InvalidInputError: A row has other columns than the first, or a value of a wrong type,
                too long, or one that cannot be stored; says which row and column.
            ConfigError: There is no such column; or rows are sequences and `columns` is not given.
            ConstraintError: One of its kinds: a row breaks a constraint.
            DatabaseTimeoutError: PostgreSQL took nothing for as long as a statement may take.
            DatabaseError: One of its kinds: PostgreSQL refused the rows.
        """
        return await copy_into(self._runner, table, rows, columns, progress)

    def _ad_hoc(
        self, statement: AnyRows | Nested[Any], into: Into
    ) -> tuple[Query[Any], Mapping[str, object]]:
        return self._reuse.query(
            statement, into, lambda name: make_query(self._schema, statement, name, into)
        )
