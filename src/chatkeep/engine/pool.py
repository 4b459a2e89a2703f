"""Connections, kept and lent.

asyncpg's own pool pays for each loan with a proxy, a task and a reset query; here a loan is a pop
from a list. What the reset would undo never happens: settings are changed only inside transactions,
and a connection that was interrupted, or left inside a transaction, is cleaned or dropped before
anybody else gets it.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal, TypeAlias

import asyncpg

from chatkeep.engine.translate import DRIVER_ERRORS, translate_connect
from chatkeep.engine.wire import Wire
from chatkeep.errors import DatabaseBusyError, DatabaseClosedError, DatabaseTimeoutError
from chatkeep.settings import redact_url

Pooler: TypeAlias = Literal["none", "pgbouncer"]

# asyncio reads into a block of 256 KiB. Until a process has once given a greater block back, glibc
# maps and unmaps each of them: 13 of the 38 microseconds of a one-row query.
_ONCE_FREED = 2**20
_LOOKS = 20  # in the time of the shortest time-out
_SHORTEST_PAUSE = 0.005
_CLEAN_SECONDS = 5.0  # a connection that cannot be cleaned in that time is thrown away


# Times inside JSON carry the session's zone; ours are in UTC, wherever the server stands.
_UTC = {"TimeZone": "UTC"}

SESSION_SETTINGS = {
    "application_name": "chatkeep",
    "jit": "off",  # compiling costs more than any statement here takes
    # The default is for spinning disks. With it a page of a long chat is planned as "read the whole
    # chat, then sort" (0.31 ms of 2,000 messages, growing), not as a walk along its index (0.02 ms).
    "random_page_cost": "1.1",
    **_UTC,
}


@dataclass(frozen=True, slots=True)
class PoolOptions:
    """Bounds of a pool; durations in seconds.

    Attributes:
        max_connections: At most this many connections are open; later callers wait in turn.
        max_waiting: At most this many callers wait; further ones are refused at once. None: no bound.
        statement_timeout: A statement is stopped after that.
        acquire_timeout: Waiting for a free connection ends after that.
        connect_timeout: Opening a connection ends after that.
        idle_seconds: A connection that nobody used for that long is closed, after twice that at
            the latest.
        pooler: What stands between us and PostgreSQL. Behind PgBouncer in transaction mode each
            statement may meet another server: nothing is kept prepared, nothing is set.
    """

    max_connections: int = 10
    max_waiting: int | None = None
    statement_timeout: float = 30.0
    acquire_timeout: float = 30.0
    connect_timeout: float = 10.0
    idle_seconds: float = 300.0
    pooler: Pooler = "none"


class Pool:
    """The connections of one `Database`. Opened once, used until it is closed.

    Callers are served in turn. `_size` counts places: a connection that is open, being opened or
    being cleaned. A place that falls free goes to the first waiter, with or without a connection.
    """

    def __init__(self, options: PoolOptions) -> None:
        """Keep the settings; nothing is opened yet."""
        self._url = ""
        self._options = options
        self.is_open = False
        self._size = 0
        self._idle: list[Wire] = []  # the last one back goes out first: it is the warmest
        self._lent: set[Wire] = set()
        # Who waits, in the order in which they came, and since when.
        self._waiting: dict[asyncio.Future[Wire | None], float] = {}
        self._cleaning: set[asyncio.Task[None]] = set()
        self._all_back = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where its connections lead, with the password; empty before it was opened."""
        return self._url

    @property
    def options(self) -> PoolOptions:
        """Its bounds and time-outs."""
        return self._options

    async def open(self, url: str) -> None:
        """Open the first connection, so that a wrong URL shows here and not at the first call.

        Args:
            url: Where to connect; errors show it without its password.

        Raises:
            ConnectionFailedError: The server cannot be reached, or it refused the login.
            DatabaseTimeoutError: The server did not answer in time.
        """
        self._url = url
        self._loop = asyncio.get_running_loop()  # asked for once: it costs a call of the system
        self.is_open = True
        bytes(_ONCE_FREED)
        try:
            self.release(await self.acquire())
        except BaseException:
            self.is_open = False
            raise
        self._watcher = self._loop.create_task(self._watch())

    async def close(self) -> None:
        """Close every connection; a second call does nothing.

        Who waits for a connection is refused; a statement under way has its time-out to finish.
        """
        if not self.is_open:
            return
        self.is_open = False
        idle, self._idle = self._idle, []  # nothing is lent any more
        if self._watcher is not None:
            self._watcher.cancel()
        while (waiter := self._next_waiter()) is not None:
            waiter.set_exception(closed_pool())
        if self._lent or self._cleaning:
            try:
                async with asyncio.timeout(self._options.statement_timeout):
                    await self._all_back.wait()
            except TimeoutError:
                pass  # what is still out is cut off below
        for task in tuple(self._cleaning):
            task.cancel()
        for wire in tuple(self._lent):
            wire.terminate()
        await asyncio.gather(*(self._close_wire(wire) for wire in idle))

    def take(self) -> Wire | None:
        """Borrow a connection that is free at this moment, without waiting; or None.

        It is the whole cost of a loan in the usual case: nothing is sent, nothing is awaited.
        """
        while self._idle:
            wire = self._idle.pop()
            if not wire.is_closed():
                self._lent.add(wire)
                wire.was_used = True
                return wire
            self._size -= 1  # it died while it lay here
        return None

    async def acquire(self) -> Wire:
        """Borrow a connection; give it back with `release`.

        Raises:
            DatabaseClosedError: The pool is not open.
            DatabaseBusyError: As many callers wait as may wait.
            DatabaseTimeoutError: No connection became free in time.
            ConnectionFailedError: A new connection was needed and could not be opened.
        """
        if not self.is_open:
            raise closed_pool()
        wire = self.take()
        if wire is not None:
            return wire
        if self._size >= self._options.max_connections:
            waited = await self._wait()
            if waited is not None:
                return waited
        else:
            self._size += 1
        wire = await self._connect()
        if not self.is_open:  # closed meanwhile
            await self._close_wire(wire)
            raise closed_pool()
        self._lent.add(wire)
        return wire

    def release(self, wire: Wire, *, interrupted: bool = False) -> asyncio.Task[None] | None:
        """Give a connection back; give the task that cleans it first, where it needs that.

        Args:
            wire: What `acquire` gave.
            interrupted: The last call on it did not end well. Whether the server is still at work
                on it, or inside a transaction, is not known: it is asked first.
        """
        self._lent.discard(wire)
        cleaning = None
        if wire.is_closed():
            self._pass_place_on()
        elif not self.is_open:
            cleaning = self._clean_up(self._close_wire(wire))
        elif interrupted or wire.is_in_transaction():
            cleaning = self._clean_up(self._clean(wire))
        else:
            self._pass_on(wire)
        self._tell_if_all_are_back()
        return cleaning

    def _clean_up(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._cleaning.add(task)
        task.add_done_callback(self._cleaned)
        return task

    def _cleaned(self, task: asyncio.Task[None]) -> None:
        self._cleaning.discard(task)
        self._tell_if_all_are_back()

    def _tell_if_all_are_back(self) -> None:
        if not self.is_open and not self._lent and not self._cleaning:
            self._all_back.set()

    async def _wait(self) -> Wire | None:
        """Wait in turn for a connection, or for a place to open one in (None)."""
        limit = self._options.max_waiting
        if limit is not None and len(self._waiting) >= limit:
            raise DatabaseBusyError(
                f"All {self._options.max_connections} connections are in use and {limit} callers "
                "wait already.",
                hint="Answer 503 and let the client come again, or raise max_connections.",
            )
        waiter: asyncio.Future[Wire | None] = self._loop.create_future()
        self._waiting[waiter] = self._loop.time()
        try:
            return await waiter
        except BaseException as exc:
            if waiter.cancelled() or waiter.exception() is not None:
                self._waiting.pop(waiter, None)  # it may have been taken out of the line already
            else:  # served just as the caller was cancelled: the next one's turn
                self._give_back(waiter.result())
            if isinstance(exc, TimeoutError):
                raise DatabaseTimeoutError(
                    f"No connection became free within {self._options.acquire_timeout:g} s: "
                    f"all {self._options.max_connections} are in use.",
                    hint="Keep transactions short, or raise max_connections.",
                ) from exc
            raise

    def _give_back(self, wire: Wire | None) -> None:
        if wire is None:
            self._pass_place_on()
        else:
            self.release(wire)

    def _pass_on(self, wire: Wire) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            self._lent.add(wire)
            waiter.set_result(wire)
        else:
            self._idle.append(wire)

    def _pass_place_on(self) -> None:
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(None)
        else:
            self._size -= 1

    def _next_waiter(self) -> asyncio.Future[Wire | None] | None:
        while self._waiting:
            waiter = next(iter(self._waiting))
            del self._waiting[waiter]
            if not waiter.done():
                return waiter
        return None

    async def connect_apart(self) -> Wire | None:
        """Open a connection that is neither counted nor lent, to listen on.

        None where a pooler stands between: it passes no notifications on.

        Raises:
            DatabaseClosedError: The pool is not open.
            ConnectionFailedError: It could not be opened.
            DatabaseTimeoutError: The server did not answer in time.
        """
        if not self.is_open:
            raise closed_pool()
        return await self._opened() if self._options.pooler == "none" else None

    async def _connect(self) -> Wire:
        """Open a connection in a place that is counted already."""
        try:
            return await self._opened()
        except BaseException:
            self._pass_place_on()
            raise

    async def _opened(self) -> Wire:
        options = self._options
        direct = options.pooler == "none"
        try:
            async with asyncio.timeout(options.connect_timeout):
                wire = await asyncpg.connect(
                    self._url,
                    connection_class=Wire,
                    command_timeout=options.statement_timeout,
                    statement_cache_size=500 if direct else 0,
                    max_cached_statement_lifetime=0,
                    server_settings=SESSION_SETTINGS if direct else _UTC,
                )
        except (*DRIVER_ERRORS, ValueError) as exc:
            # asyncpg answers settings in a URL that it cannot read with a ValueError.
            raise translate_connect(exc, redact_url(self._url)) from exc
        wire.keeps = direct
        wire.patience = options.statement_timeout
        return wire

    async def _watch(self) -> None:
        """Look at everything again and again: what is too old ends.

        One look for all costs less than a timer for each. A time-out may come late by a twentieth.
        """
        options = self._options
        shortest = min(options.statement_timeout, options.acquire_timeout, options.idle_seconds)
        pause = max(shortest / _LOOKS, _SHORTEST_PAUSE)
        allowed = ceil(options.statement_timeout / pause)
        until_sweep = options.idle_seconds
        while True:
            await asyncio.sleep(pause)
            for wire in tuple(self._lent):
                wire.age += 1
                if wire.age > allowed:
                    wire.interrupt()
            self._refuse_waiters(self._loop.time() - options.acquire_timeout)
            until_sweep -= pause
            if until_sweep <= 0:
                until_sweep = options.idle_seconds
                self._sweep()

    def _refuse_waiters(self, before: float) -> None:
        for waiter, since in tuple(self._waiting.items()):
            if since > before:
                break
            if not waiter.done():
                waiter.set_exception(TimeoutError())

    def _sweep(self) -> None:
        """Close what nobody used since the last sweep; a line that hangs must not hold up the watch."""
        unused = [wire for wire in self._idle if not wire.was_used]
        self._idle = [wire for wire in self._idle if wire.was_used]
        for wire in self._idle:
            wire.was_used = False
        for wire in unused:
            self._clean_up(self._close_unused(wire))

    async def _close_unused(self, wire: Wire) -> None:
        try:
            await self._close_wire(wire)
        finally:
            self._pass_place_on()

    async def _clean(self, wire: Wire) -> None:
        """End what an interrupted call left: asyncpg first waits for its own cancel request."""
        try:
            async with asyncio.timeout(_CLEAN_SECONDS):
                await wire.execute("ROLLBACK")
        except BaseException as exc:
            wire.terminate()
            self._pass_place_on()
            if isinstance(exc, DRIVER_ERRORS):
                return  # dropped: PostgreSQL rolls back what it held
            raise
        if self.is_open:
            self._pass_on(wire)
        else:
            await self._close_wire(wire)

    async def _close_wire(self, wire: Wire) -> None:
        try:
            await wire.close(timeout=_CLEAN_SECONDS)
        except DRIVER_ERRORS:
            wire.terminate()


def closed_pool() -> DatabaseClosedError:
    """Give the error for a call before the pool was opened, or after it was closed."""
    return DatabaseClosedError(
        "The Database is not open.", hint="Use it inside `async with Database(...) as db:`."
    )
