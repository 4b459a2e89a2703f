"""Rows by and by: a select whose rows are more than memory should hold."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from types import TracebackType
from typing import Generic, Self

from typing_extensions import TypeVar

from chatkeep.engine.query import Query
from chatkeep.engine.run import PoolRunner
from chatkeep.engine.stream import batches
from chatkeep.engine.transaction import TransactionRunner
from chatkeep.errors import ConfigError, InvalidInputError

BATCH = 500

R_co = TypeVar("R_co", covariant=True)

# A loop that was left with an error is often garbage as a whole, and asyncio closes each generator
# in it by a task of its own, all at once. What is held here is closed by the outer one alone.
_under_way: set[AsyncGenerator[object]] = set()


class Stream(Generic[R_co]):
    """The rows of a select, read while you go through them.

    async for row in db.stream(select(schema.messages)): ...

    Nothing is sent before the first row is asked for. Who may leave the loop early writes

    async with db.stream(select(schema.messages)) as rows:
        async for row in rows: ...

    and the connection is back when the block ends; without it the connection is given back by a
    task of its own, a moment later.

    Raises:
        StoredDataError: A stored value does not have the shape that its column promises.
        DatabaseError: One of its kinds: PostgreSQL refused the statement.
        InvalidInputError: A parameter is missing, or PostgreSQL does not take a value.
    """

    def __init__(
        self,
        runner: PoolRunner | TransactionRunner,
        query: Query[R_co],
        values: Mapping[str, object],
        batch: int,
    ) -> None:
        if type(batch) is not int or batch < 1:
            raise InvalidInputError("batch must be a whole number, 1 or more.", field="batch")
        if query.statement.subject.operation not in ("SELECT", ""):  # "": text, PostgreSQL says
            raise ConfigError(
                f"{query.statement.name}: only a select can be streamed.",
                hint="Use all() for a statement that writes.",
            )
        self._runner = runner
        self._query = query
        self._values = values
        self._batch = batch
        self._in_block = False
        self._running: list[AsyncGenerator[R_co]] = []

    def __aiter__(self) -> AsyncIterator[R_co]:
        rows = self._rows()
        if self._in_block:
            self._running.append(rows)
        return rows

    async def __aenter__(self) -> Self:
        self._in_block = True
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._in_block = False
        while self._running:
            await self._running.pop().aclose()

    async def _rows(self) -> AsyncGenerator[R_co]:
        statement, shape = self._query.statement, self._query.shape
        arguments = statement.arguments(self._values)
        async with aclosing(batches(self._runner, statement, arguments, self._batch)) as parts:
            _under_way.add(parts)
            try:
                async for rows in parts:
                    for row in shape.many(rows):
                        yield row
            finally:
                _under_way.discard(parts)
