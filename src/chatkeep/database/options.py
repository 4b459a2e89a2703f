"""The settings of a `Database`, all of them by name."""

from datetime import timedelta
from typing import TypedDict, get_args

from chatkeep.auth.options import AuthOptions
from chatkeep.cache.options import SearchCacheOptions
from chatkeep.engine.observe import Observer, Observers
from chatkeep.engine.pool import Pooler, PoolOptions
from chatkeep.engine.slow import SlowLog
from chatkeep.errors import ConfigError


class DatabaseOptions(TypedDict, total=False):
    """What `Database(schema, url, ...)` takes by name; each may be left out.

    Attributes:
        max_connections: At most so many at once (10); further calls wait in turn.
        max_waiting: At most so many calls wait (no bound); further ones are refused at once.
        statement_timeout: A statement that takes longer is stopped (30 s).
        acquire_timeout: Waiting for a free connection ends after that (30 s).
        connect_timeout: Opening a connection ends after that (10 s).
        idle_timeout: A connection that nobody used for that long is closed (5 minutes).
        pooler: `"pgbouncer"` where PgBouncer in transaction mode, or a pooler like it, stands
            before PostgreSQL; otherwise `"none"`.
        on_statement: Is told of every statement; see `Database.observe`.
        slow_statement: A statement that takes as long gets a line in the log `chatkeep.slow`, with
            name, time, rows and outcome; never with parameters or SQL.
        auth: Secrets, cookies and limits of sign-in; see `AuthOptions`.
        search_cache: Times, sizes and Redis of the cache of web searches; see `SearchCacheOptions`.
    """

    max_connections: int
    max_waiting: int | None
    statement_timeout: timedelta
    acquire_timeout: timedelta
    connect_timeout: timedelta
    idle_timeout: timedelta
    pooler: Pooler
    on_statement: Observer | None
    slow_statement: timedelta | None
    auth: AuthOptions
    search_cache: SearchCacheOptions


def pool_options(options: DatabaseOptions) -> PoolOptions:
    """Give the bounds of the pool.

    Raises:
        ConfigError: A setting is unknown, or out of bounds.
    """
    for name in options:
        if name not in DatabaseOptions.__annotations__:
            raise ConfigError(
                f"Database has no setting {name}.",
                hint=f"It has: {', '.join(DatabaseOptions.__annotations__)}.",
            )
    defaults = PoolOptions()
    pooler = options.get("pooler", defaults.pooler)
    if pooler not in get_args(Pooler):
        raise ConfigError(f"pooler must be one of: {', '.join(get_args(Pooler))}.")
    max_waiting = options.get("max_waiting")
    if max_waiting is not None and not _is_whole(max_waiting, at_least=0):
        raise ConfigError("max_waiting must be a whole number, 0 or more, or None.")
    max_connections = options.get("max_connections", defaults.max_connections)
    if not _is_whole(max_connections, at_least=1):
        raise ConfigError("max_connections must be a whole number, 1 or more.")
    return PoolOptions(
        max_connections=max_connections,
        max_waiting=max_waiting,
        statement_timeout=_seconds(options, "statement_timeout", defaults.statement_timeout),
        acquire_timeout=_seconds(options, "acquire_timeout", defaults.acquire_timeout),
        connect_timeout=_seconds(options, "connect_timeout", defaults.connect_timeout),
        idle_seconds=_seconds(options, "idle_timeout", defaults.idle_seconds),
        pooler=pooler,
    )


def auth_options(options: DatabaseOptions) -> AuthOptions:
    """Give what the application says about sign-in.

    Raises:
        ConfigError: It is no `AuthOptions`.
    """
    given: object = options.get("auth", AuthOptions())
    if not isinstance(given, AuthOptions):
        raise ConfigError("auth must be AuthOptions(...).")
    return given


def search_cache_options(options: DatabaseOptions) -> SearchCacheOptions:
    """Give what the application says about the cache of web searches.

    Raises:
        ConfigError: It is no `SearchCacheOptions`.
    """
    given: object = options.get("search_cache", SearchCacheOptions())
    if not isinstance(given, SearchCacheOptions):
        raise ConfigError("search_cache must be SearchCacheOptions(...).")
    return given


def observers_of(options: DatabaseOptions) -> Observers:
    """Give the watchers.

    Raises:
        ConfigError: `on_statement` cannot be called.
    """
    observers = Observers()
    on_statement, slow = options.get("on_statement"), options.get("slow_statement")
    if on_statement is not None:
        observers.add(on_statement)
    if slow is not None:
        observers.add(SlowLog(slow))
    return observers


def _is_whole(value: object, *, at_least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= at_least


def _seconds(options: DatabaseOptions, name: str, default: float) -> float:
    value = options.get(name, timedelta(seconds=default))
    if not isinstance(value, timedelta) or value <= timedelta():
        raise ConfigError(f"{name} must be a timedelta longer than 0.")
    return value.total_seconds()
