"""Running statements on behalf of one user, where row-level security decides what they see.

Each statement runs under the application role with the user's id set, both for its transaction
alone. Three round trips instead of one; in a transaction of the caller's, one more when somebody
else ran the statement before.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from chatkeep.engine.background import Background
from chatkeep.engine.compile import Statement
from chatkeep.engine.identity import Identity, Watched, begin_as, word
from chatkeep.engine.run import PoolRunner, Runner, send
from chatkeep.engine.transaction import TransactionRunner, transaction
from chatkeep.engine.wire import STALE, Row
from chatkeep.errors import ConflictError, ConnectionFailedError, DatabaseTimeoutError

_COMMIT = ("commit", "COMMIT")


class ScopedRunner:
    """Runs every statement as an identity: in transactions of its own, or in the caller's."""

    __slots__ = ("_identity", "_runner", "_watched")

    def __init__(self, runner: PoolRunner | TransactionRunner, identity: Identity) -> None:
        self._runner = runner
        self._identity = identity
        self._watched = Watched(runner.observers, runner.meanings)

    @property
    def background(self) -> Background | None:
        """What goes on beside the statements; None inside a transaction."""
        return self._runner.background

    @property
    def memory(self) -> dict[type, object]:
        """What this process remembers of the database's rows, by class."""
        return self._runner.memory

    async def fetch(
        self, statement: Statement, arguments: list[object], *, only_first: bool = False
    ) -> list[Row]:
        """Run a statement and give its rows.

        What was not carried out for sure is sent once more, as without an identity: when the
        connection broke before the statement or under one that only reads, and when a table has
        been changed since the statement was prepared.

        Raises:
            SchemaMismatchError: The server lacks the application role.
            StatementError: The login role may not become it.
            DatabaseError: Another of its kinds; see `engine.translate`.
            InvalidInputError: PostgreSQL does not take a value.
        """
        runner = self._runner
        if isinstance(runner, TransactionRunner):
            return await runner.fetch(
                statement, arguments, only_first=only_first, identity=self._identity
            )
        for is_last in (False, True):
            alone = _Alone(runner, self._identity, self._watched)
            try:
                return await alone.fetch(statement, arguments, only_first=only_first)
            except ConnectionFailedError:
                if is_last or (alone.was_sent and not statement.is_read):
                    raise
            except ConflictError as exc:
                if is_last or not isinstance(exc.__cause__, STALE):
                    raise
        raise AssertionError  # not reached: the last round returns or raises

    @asynccontextmanager
    async def together(self, begin: str) -> AsyncGenerator["ScopedRunner"]:
        """Run statements in one transaction: the caller's, or one that this opens."""
        if isinstance(self._runner, TransactionRunner):
            yield self
        else:
            async with transaction(self._runner, begin) as opened:
                yield ScopedRunner(opened, self._identity)


@asynccontextmanager
async def together(runner: Runner, begin: str) -> AsyncGenerator[Runner]:
    """Run statements in one transaction: the caller's, or one that this opens with `begin`."""
    if isinstance(runner, PoolRunner):
        async with transaction(runner, begin) as opened:
            yield opened
    elif isinstance(runner, ScopedRunner):
        async with runner.together(begin) as scoped:
            yield scoped
    else:
        yield runner


class _Alone:
    """One statement in a transaction of its own.

    Attributes:
        was_sent: The statement went out, so it may have been carried out.
    """

    __slots__ = ("_identity", "_pools", "_watched", "was_sent")

    def __init__(self, pools: PoolRunner, identity: Identity, watched: Watched) -> None:
        self._pools = pools
        self._identity = identity
        self._watched = watched
        self.was_sent = False

    async def fetch(
        self, statement: Statement, arguments: list[object], *, only_first: bool
    ) -> list[Row]:
        async with self._pools.lend() as wire:  # which takes back what an error leaves open
            await begin_as(wire, self._identity, self._watched)
            self.was_sent = True
            rows = await send(wire, statement, arguments, self._pools, only_first=only_first)
            try:
                await word(wire, "COMMIT", _COMMIT, self._watched)
            except (ConnectionFailedError, DatabaseTimeoutError) as exc:
                exc.hint = "Whether it was stored is not known: look before running it again."
                raise
            return rows
