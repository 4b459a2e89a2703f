"""Statements of the caller's own, on `Database` and `Transaction` alike."""

from typing import Any, TypeAlias, TypeVar, TypeVarTuple, overload

from sqlalchemy.sql.selectable import TypedReturnsRows

from chatkeep.access.catalogue import Catalogue
from chatkeep.database.prepared import Prepared, make_query
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.transaction import TransactionRunner

A = TypeVar("A")
B = TypeVar("B")
Ts = TypeVarTuple("Ts")

AnyRow: TypeAlias = Any
"""A record, where a whole table is selected: which one, no type checker can know."""


class Queries:
    """Runs any Core statement. `Database` and `Transaction` inherit from it."""

    def __init__(
        self,
        runner: PoolRunner | TransactionRunner,
        catalogue: Catalogue[Any, Any, Any, Any],
    ) -> None:
        self._runner = runner
        self._schema = catalogue.schema

    # A select of a whole table says nothing of its columns to a type checker: all of these
    # overloads match it, and its rows, which are records, come out as Any.
    @overload
    def prepare(self, statement: TypedReturnsRows[A]) -> Prepared[tuple[A]]: ...
    @overload
    def prepare(self, statement: TypedReturnsRows[A, B, *Ts]) -> Prepared[tuple[A, B, *Ts]]: ...
    @overload
    def prepare(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> Prepared[Any]: ...
    def prepare(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> Prepared[Any]:
        """Compile a Core statement once; `.first()`, `.all()`, `.one()`, `.scalar()` run it.

        Rows are tuples in the order of the columns; records where a whole table is selected.

        Raises:
            ConfigError: It gives no rows, or has an IN list of unknown length.
        """
        return Prepared(self._runner, make_query(self._schema, statement, "prepared"))

    @overload
    async def first(self, statement: TypedReturnsRows[A]) -> tuple[A] | None: ...
    @overload
    async def first(self, statement: TypedReturnsRows[A, B, *Ts]) -> tuple[A, B, *Ts] | None: ...
    @overload
    async def first(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> AnyRow: ...
    async def first(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> AnyRow:
        """Run a Core statement; give the first row, or None. Compiled anew at each call.

        Raises:
            ConfigError: It gives no rows.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        return await self._unprepared(statement).first()

    @overload
    async def all(self, statement: TypedReturnsRows[A]) -> list[tuple[A]]: ...
    @overload
    async def all(self, statement: TypedReturnsRows[A, B, *Ts]) -> list[tuple[A, B, *Ts]]: ...
    @overload
    async def all(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> list[Any]: ...
    async def all(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> list[Any]:
        """Run a Core statement; give every row. Compiled anew at each call.

        Raises:
            ConfigError: It gives no rows.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        return await self._unprepared(statement).all()

    @overload
    async def one(self, statement: TypedReturnsRows[A]) -> tuple[A]: ...
    @overload
    async def one(self, statement: TypedReturnsRows[A, B, *Ts]) -> tuple[A, B, *Ts]: ...
    @overload
    async def one(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> AnyRow: ...
    async def one(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> AnyRow:
        """Run a Core statement; give its only row. Compiled anew at each call.

        Raises:
            NotFoundError: There is none.
            StatementError: There is more than one.
            ConfigError: It gives no rows.
        """
        return await self._unprepared(statement).one()

    async def scalar(self, statement: TypedReturnsRows[A, *tuple[Any, ...]]) -> A | None:
        """Run a Core statement; give the first column of its first row, or None.

        Raises:
            ConfigError: It gives no rows, or records.
            DatabaseError: One of its kinds: PostgreSQL refused the statement.
        """
        value: A | None = await self._unprepared(statement).scalar()
        return value

    def _unprepared(self, statement: TypedReturnsRows[*tuple[Any, ...]]) -> Prepared[Any]:
        return Prepared(self._runner, make_query(self._schema, statement, "select"))
