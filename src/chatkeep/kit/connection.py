"""A direct connection to PostgreSQL for the kit, with our errors."""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from chatkeep.errors import ConnectionFailedError, InvalidUrlError, StatementError
from chatkeep.kit.refusal import describe, sqlstate
from chatkeep.settings import check_url

BROKEN = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    ConnectionError,
)
"""What asyncpg raises when the connection is gone."""

TIMEOUT = 15  # seconds to reach a server before it counts as unreachable


@asynccontextmanager
async def connect(
    url: str, *, name: str = "chatkeep", keeps: bool = True
) -> AsyncGenerator[asyncpg.Connection]:
    """Open a connection for the length of the block.

    Args:
        url: Where to; must lead to PostgreSQL itself, not to a pooler in transaction mode.
        name: What `pg_stat_activity` shows as `application_name`.
        keeps: Whether statements stay prepared. Without, and all in transactions, a pooler may
            stand between.

    Raises:
        InvalidUrlError: The URL cannot be read.
        ConnectionFailedError: No server there, it refused the login, or the connection broke.
    """
    connection = await _open(check_url(url), name, keeps=keeps)
    try:
        yield connection
    except BROKEN as exc:
        raise ConnectionFailedError(
            f"The connection to {where(url)} broke.", hint="`chatkeep status` shows what is done."
        ) from exc
    except asyncpg.PostgresError as exc:
        raise StatementError(
            f"PostgreSQL at {where(url)} refused: {describe(exc)}", sqlstate=sqlstate(exc)
        ) from exc
    finally:
        if not connection.is_closed():
            await connection.close(timeout=TIMEOUT)


async def _open(url: str, name: str, *, keeps: bool) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(
            url,
            timeout=TIMEOUT,
            server_settings={"application_name": name},
            statement_cache_size=100 if keeps else 0,
        )
    except (asyncpg.ClientConfigurationError, ValueError) as exc:
        raise InvalidUrlError(
            f"The database URL for {where(url)} holds an option that cannot be used.",
            hint="Take out what follows the `?`, then put back one option after the other.",
        ) from exc
    except asyncpg.PostgresError as exc:
        raise ConnectionFailedError(
            f"PostgreSQL at {where(url)} refused the connection: {describe(exc)}"
        ) from exc
    except (OSError, TimeoutError) as exc:
        reason = _reason(exc)
        raise ConnectionFailedError(
            f"PostgreSQL at {where(url)} cannot be reached: {reason}.",
            hint="Check that the server runs and that the URL leads to it.",
        ) from exc


def _reason(exc: OSError | TimeoutError) -> str:
    """Give the system's own words; asyncio puts others over those of a refused connection."""
    if exc.errno is not None and exc.errno > 0:
        return os.strerror(exc.errno)
    return exc.strerror or "no answer"


def where(url: str) -> str:
    """Give host or socket folder, port and database of a URL: never the user or the password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "the database URL"
    host = parts.netloc.rpartition("@")[2]
    if port is not None:
        host = host.removesuffix(f":{port}")
    return f"{_host(host, parts.query)}:{port or 5432}{unquote(parts.path)}"


def shown(url: str) -> str:
    """Give a database's name and place as a title: `chatkeep at /project/.chatkeep/run`.

    Never the user or the password. A server behind a port is given as in `where`.
    """
    plain = where(url)
    folder, _, rest = plain.rpartition(":")
    port, slash, name = rest.partition("/")
    if not folder.startswith("/") or not slash:
        return plain
    return f"{name} at {folder}" + ("" if port == "5432" else f", port {port}")


def _host(host: str, query: str) -> str:
    """Give the host; behind the socket folder of an embedded server's URL stands a comma."""
    host = unquote(host) or "".join(parse_qs(query).get("host", ["localhost"])[:1])
    return host.removesuffix(",") if host.startswith("/") else host
