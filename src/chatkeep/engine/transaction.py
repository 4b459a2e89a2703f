"""Transactions and savepoints, safe with several tasks.

One connection carries one statement at a time, so tasks that share a transaction take turns. While
a nested transaction is open, only the tasks inside its block (and those that they start) may use
the outer one: a statement of another task would otherwise fall under a savepoint that is not its
own, and vanish with it. A nested transaction that is still open when its outer one ends is taken
back, and refuses every call: the connection may be somebody else's by then.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal

from chatkeep.engine.compile import Statement, control_statement
from chatkeep.engine.identity import UNKNOWN, Identity, Watched, become
from chatkeep.engine.nesting import Level, Levels
from chatkeep.engine.run import PoolRunner, send
from chatkeep.engine.translate import DRIVER_ERRORS, Meanings, translate
from chatkeep.engine.wire import Row, Wire
from chatkeep.errors import (
    ConnectionFailedError,
    DatabaseError,
    DatabaseTimeoutError,
    StatementError,
)

if TYPE_CHECKING:
    from chatkeep.engine.observe import Observers

Isolation = Literal["read committed", "repeatable read", "serializable"]

_TAKE_BACK_SECONDS = 5.0  # a connection that cannot roll back in that time is dropped


class TransactionRunner:
    """Runs statements inside one transaction, or one savepoint of it."""

    background = None  # what goes on beside a transaction would outlive it

    def __init__(
        self, wire: Wire, context: "PoolRunner | TransactionRunner", level: Level | None = None
    ) -> None:
        self.wire = wire
        self.observers: Observers = context.observers
        self.meanings: Meanings = context.meanings
        self.memory: dict[type, object] = context.memory
        self.levels = (
            context.levels if isinstance(context, TransactionRunner) else Levels(wire.patience)
        )
        self.level = level or self.levels.transaction

    async def fetch(
        self,
        statement: Statement,
        arguments: list[object],
        *,
        only_first: bool = False,
        identity: Identity | None = None,
    ) -> list[Row]:
        """Run a statement inside the transaction; tasks that share it take turns.

        Args:
            statement: What to run.
            arguments: In the order of `$n`.
            only_first: At most one row is wanted.
            identity: As whom; None is the login role.

        Raises:
            DatabaseClosedError: The transaction has ended, or one around it.
            DatabaseError: One of its kinds; the transaction can only be rolled back then.
            InvalidInputError: PostgreSQL does not take a value.
        """
        await self.levels.wait(self.level)
        async with self.levels.turn:
            self._check_usable()
            await self._go_on_as(identity)
            return await send(self.wire, statement, arguments, self, only_first=only_first)

    async def _go_on_as(self, identity: Identity | None) -> None:
        levels = self.levels
        if levels.identity == identity:
            return
        levels.identity = UNKNOWN  # until PostgreSQL has answered
        levels.was_scoped = True
        await become(self.wire, identity, Watched(self.observers, self.meanings))
        levels.identity = identity

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[Wire]:
        """Lend the connection for one call that is no `fetch`; it is the caller's turn meanwhile.

        Raises:
            DatabaseClosedError: The transaction has ended, or one around it.
            DatabaseTimeoutError: Another task's nested transaction does not end.
        """
        await self.levels.wait(self.level)
        async with self.levels.turn:
            self._check_usable()
            await self._go_on_as(None)
            yield self.wire

    async def word(self, sql: str, name: str, *, keeps: bool = False) -> str:
        """Send BEGIN, COMMIT and the like; give the server's answer.

        Args:
            sql: What to send.
            name: For reports.
            keeps: What was done stays, but for nested transactions that have not finished.

        Raises:
            DatabaseClosedError: A transaction around this one has ended; nothing is sent.
            DatabaseError: Another of its kinds.
        """
        async with self.levels.turn:
            if self.level.is_cut_off:
                self.level.check_open()
            self.check_unbroken(name)
            unfinished = self.levels.unfinished(self.level) if keeps else None
            if unfinished is not None:
                sql = f"ROLLBACK TO SAVEPOINT {unfinished.name}; {sql}"
            if self.levels.was_scoped and sql.startswith("ROLLBACK TO"):
                self.levels.identity = UNKNOWN  # it is again what it was at the savepoint
            if not self.observers.active:
                return await self._word(sql, name)
            with self.observers.watch(control_statement(name, sql), control=True):
                return await self._word(sql, name)

    async def _word(self, sql: str, name: str) -> str:
        try:
            return await self.wire.execute(sql)
        except DRIVER_ERRORS as exc:
            raise translate(exc, name, self.meanings) from exc

    def end(self) -> None:
        """Refuse everything from now on, also on the nested transactions inside."""
        self.levels.end(self.level)

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator["TransactionRunner"]:
        """Open a nested transaction: what fails inside takes only itself back.

        Raises:
            DatabaseClosedError: The transaction has ended, or one around it.
            DatabaseTimeoutError: Another task's nested transaction does not end.
        """
        await self.levels.wait(self.level)
        inner = TransactionRunner(self.wire, self, self.levels.enter())
        try:
            async with _savepoint_words(inner):
                yield inner
        finally:
            inner.end()
            self.levels.leave(inner.level)

    def _check_usable(self) -> None:
        self.level.check_open()
        self.check_unbroken("transaction")

    def check_unbroken(self, name: str) -> None:
        """Refuse what cannot be sent: the driver would call it a mistake of the caller's.

        Raises:
            ConnectionFailedError: The connection broke earlier; the server took everything back.
        """
        if self.wire.is_closed():
            raise ConnectionFailedError(
                f"{name}: the connection to PostgreSQL broke earlier, so nothing of the "
                "transaction is stored."
            )


def begin_words(isolation: Isolation | None, *, read_only: bool) -> str:
    """Give the BEGIN of such a transaction; None leaves the isolation to the database's default."""
    level = f" ISOLATION LEVEL {isolation.upper()}" if isolation else ""
    return f"BEGIN{level}{' READ ONLY' if read_only else ''}"


@asynccontextmanager
async def transaction(
    runner: PoolRunner, begin: str = "BEGIN"
) -> AsyncGenerator[TransactionRunner]:
    """Open a transaction on a connection of its own; any exception takes it back.

    Args:
        runner: Whose pool lends the connection.
        begin: What `begin_words` gave.

    Raises:
        StatementError: A statement inside had failed and the error was swallowed: PostgreSQL
            took everything back instead of committing.
        ConstraintError: A deferred constraint refused the commit.
        ConflictError: Another transaction was in the way; nothing was stored.
    """
    tx = await _begin(runner, begin)
    is_clean = False
    try:
        try:
            yield tx
        except BaseException:  # a cancelled task too: an open transaction would hold its locks
            tx.end()
            is_clean = await _take_back(tx, "ROLLBACK", "rollback")
            raise
        tx.end()
        await _commit(tx)
        is_clean = True
    finally:
        runner.pool.release(tx.wire, interrupted=not is_clean)


async def _begin(runner: PoolRunner, sql: str) -> TransactionRunner:
    """Begin; a connection that turns out to be dead is changed for another one, once."""
    is_last = False
    while True:
        wire = await runner.pool.acquire()
        tx = TransactionRunner(wire, runner)
        try:
            await tx.word(sql, "begin")
        except ConnectionFailedError:
            runner.pool.release(wire, interrupted=True)
            if is_last:
                raise
            is_last = True
        except BaseException:
            runner.pool.release(wire, interrupted=True)
            raise
        else:
            return tx


async def _commit(tx: TransactionRunner) -> None:
    tx.check_unbroken("commit")
    try:
        answer = await tx.word("COMMIT", "commit", keeps=True)
    except (ConnectionFailedError, DatabaseTimeoutError) as exc:
        exc.hint = "Whether the transaction was stored is not known: look before running it again."
        raise
    if answer != "COMMIT":
        raise StatementError(
            "commit: nothing was stored, since a statement of the transaction had failed.",
            hint="Let the error leave the block, or put the statement into a nested transaction.",
            sqlstate="25P02",
        )


@asynccontextmanager
async def _savepoint_words(inner: TransactionRunner) -> AsyncGenerator[None]:
    level = inner.level
    back = f"ROLLBACK TO SAVEPOINT {level.name}; RELEASE SAVEPOINT {level.name}"
    await inner.word(f"SAVEPOINT {level.name}", "savepoint")
    level.is_set = True  # no other task has run since the answer
    try:
        yield
        inner.end()
        await inner.word(f"RELEASE SAVEPOINT {level.name}", "release", keeps=True)
        level.is_set = False
    except BaseException:
        inner.end()
        if not level.is_cut_off:  # else the outer one takes it back, or has done so
            await _take_part_back(inner, back)
        raise


async def _take_part_back(inner: TransactionRunner, sql: str) -> None:
    try:
        if await _take_back(inner, sql, "rollback to"):
            inner.level.is_set = False
    except BaseException:  # cancelled: the outer one must not store what is still there
        if not inner.level.is_cut_off:
            inner.wire.terminate()
        raise


async def _take_back(tx: TransactionRunner, sql: str, name: str) -> bool:
    """Roll back; a connection on which even that fails is dropped, which rolls back as well."""
    try:
        async with asyncio.timeout(_TAKE_BACK_SECONDS):
            await tx.word(sql, name)
    except (DatabaseError, TimeoutError):
        if not tx.level.is_cut_off:  # else the connection is not ours any more
            tx.wire.terminate()
        return False
    return True
