"""Connections to Redis or Valkey: a bounded number, each call within one bound of time.

redis-py speaks the protocol, makes the connections and keeps them. Its own time-outs and retries
are off: with its defaults a port that refuses costs seconds, and a server that is silent many. One
time-out stands around each call instead, and the breaker around all of them.

This module needs `chatkeep[redis]`; `chatkeep.cache.redis_place` imports it when there is a URL.
"""

import asyncio
import contextlib
from typing import Any, Final

from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AskError,
    ClusterError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from chatkeep.cache.breaker import Breaker
from chatkeep.cache.redis_errors import RedisAwayError, RedisRefusedError
from chatkeep.errors import InvalidUrlError

_URL_FORM = "Write it as redis://, rediss:// or unix://, such as redis://user:password@host:6379/0."
# They answer, but cannot serve: a member of a cluster, a replica without its master, a long script.
_UNUSABLE: Final = (AskError, ClusterError, TryAgainError)
_WORDS: Final = {OutOfMemoryError: "OOM", ReadOnlyError: "READONLY", NoPermissionError: "NOPERM"}


class Link:
    """Redis as far as the cache needs it: one command, one answer.

    Args:
        url: As redis-py takes them. What it says about time-outs, retries and decoding is not used.
        timeout: Seconds for a call: waiting for a connection, connecting, asking, the answer. The
            call by which an open breaker tries again has half of it.
        breaker: Asked before each call, told after it.
        connections: As many calls at most are on their way; further ones wait within their time.

    Raises:
        InvalidUrlError: redis-py cannot read the URL. The message never repeats it.
    """

    def __init__(
        self, url: str, *, timeout: float, breaker: Breaker, connections: int = 32
    ) -> None:
        self._pool = _pool(url)
        self._timeout = timeout
        self._breaker = breaker
        self._slots = asyncio.Semaphore(connections)
        self._closed = False

    @property
    def breaker(self) -> Breaker:
        """Of all calls."""
        return self._breaker

    @property
    def closed(self) -> bool:
        """Whether `aclose` was called: nothing is asked any more."""
        return self._closed

    async def ask(self, *command: str | bytes | int) -> object:
        """Send a command and give its answer: bytes, int, None or a list.

        Raises:
            RedisAwayError: Nobody answered in time, or nobody was asked.
            RedisRefusedError: The answer is an error about this command alone. Neither good nor bad
                was told to the breaker: the caller knows what it means.
        """
        probe = self._breaker.open
        if self._closed or not self._breaker.lets_through():
            raise RedisAwayError
        # A probe has half the time: who is only just quick enough would come and go for ever.
        bound = self._timeout / 2 if probe else self._timeout
        try:
            async with asyncio.timeout(bound), self._slots:
                answer = await self._exchange(command)
        except ResponseError as exc:
            refusal = _code(exc)
            if isinstance(exc, _UNUSABLE) or refusal == "BUSY":
                self._breaker.failed(refusal)
                raise RedisAwayError from None
            raise RedisRefusedError(refusal) from None
        except RedisAwayError:
            raise
        except TimeoutError:
            self._failed(f"no answer within {bound * 1000:g} ms")
            raise RedisAwayError from None
        except Exception as exc:  # noqa: BLE001 - whatever a broken server makes redis-py raise
            # Its text is not shown: nothing promises that it never quotes what was sent.
            self._failed(type(exc).__name__)
            raise RedisAwayError from None
        self._breaker.worked(probe=probe)
        return answer

    def _failed(self, why: str) -> None:
        if not self._closed:  # else it was we who hung up
            self._breaker.failed(why)

    async def _exchange(self, command: tuple[str | bytes | int, ...]) -> object:
        if self._closed:  # while this call waited for its turn
            raise RedisAwayError
        pool = self._pool
        connection = await pool.get_connection()
        try:
            await connection.send_command(*command)
            return await connection.read_response()
        except ReadOnlyError:
            if pool is self._pool:
                await self._begin_anew()
            raise
        except ResponseError:
            raise  # read to its end: the connection is as good as before
        except BaseException:
            # Cancelled, out of time or broken: the answer that may still come is for nobody.
            await connection.disconnect(nowait=True)
            raise
        finally:
            if self._closed or pool is not self._pool:
                await connection.disconnect(nowait=True)
            await pool.release(connection)

    async def _begin_anew(self) -> None:
        """Connect anew from now on: after a failover the name leads to another server."""
        old = self._pool
        self._pool = ConnectionPool(
            connection_class=old.connection_class,
            max_connections=old.max_connections,
            **old.connection_kwargs,
        )
        await _hang_up(old, in_use=False)  # those in use are closed by who uses them

    async def aclose(self) -> None:
        """Close all connections; who is still waiting for an answer gets RedisAwayError."""
        self._closed = True
        try:
            async with asyncio.timeout(self._timeout):
                await _hang_up(self._pool, in_use=True)
        except TimeoutError:
            return  # they are closed, but for the other side's good-bye


async def _hang_up(pool: ConnectionPool, *, in_use: bool) -> None:
    with contextlib.suppress(OSError, RedisError):  # the other side was gone already
        await pool.disconnect(inuse_connections=in_use)


def _pool(url: str) -> ConnectionPool:
    try:
        said: dict[str, Any] = dict(parse_url(url))
    except ValueError as exc:
        del exc  # its text may quote a part of the password
        raise InvalidUrlError(
            "The URL of Redis, from `redis_url` or REDIS_URL, cannot be read.", hint=_URL_FORM
        ) from None
    ours: dict[str, Any] = {
        "decode_responses": False,  # values are bytes
        "socket_timeout": None,  # one time-out stands around the whole call
        "socket_connect_timeout": None,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "health_check_interval": 0,  # the calls themselves show it
        "protocol": 2,  # no HELLO, nothing pushed: what comes is the answer to what was asked
    }
    for name in ("max_connections", "timeout", "retry_on_timeout"):
        said.pop(name, None)
    return ConnectionPool(**{**said, **ours})


def _code(exc: ResponseError) -> str:
    """The first word of a refusal, as OOM or WRONGTYPE, where it is one; its class otherwise."""
    for known, word in _WORDS.items():
        if isinstance(exc, known):
            return word  # redis-py has taken it from the text
    word = str(exc).partition(" ")[0]
    return word if word.isalpha() and word.isupper() else type(exc).__name__
