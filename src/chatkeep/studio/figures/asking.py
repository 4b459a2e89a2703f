"""What the addresses of figures ask for, and how one that was not had in time is told."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import asyncpg
from sqlalchemy import Table
from starlette.requests import Request

from chatkeep.errors import DatabaseTimeoutError, InvalidInputError
from chatkeep.insight.advice import index_for
from chatkeep.insight.period import Period
from chatkeep.schema.schema import Schema
from chatkeep.studio.answering import number
from chatkeep.studio.ground import Ground
from chatkeep.studio.refusing import TableLockedError

SECONDS = 5.0
"""How long a figure may take."""


def period_of(request: Request) -> Period:
    """Read `days`, or `since` and `until`: days in UTC, both of which count.

    Raises:
        InvalidInputError: One is no date, or the period is too long.
    """
    if "since" not in request.query_params:
        return Period.latest(number(request, "days", 30, 3660))
    return Period(_date(request, "since"), _date(request, "until"))


def _date(request: Request, name: str) -> date:
    text = request.query_params.get(name, "")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"`{name}` is no date such as 2026-11-21.", field=name) from None


def user_of(request: Request) -> str:
    """Read `user`.

    Raises:
        InvalidInputError: There is none.
    """
    user = request.query_params.get("user", "")
    if not user or "\0" in user:
        raise InvalidInputError("`user` says whose.", field="user")
    return user


def schema_of(ground: Ground) -> Schema[Any, Any, Any, Any]:
    """Give the schema, where the database is in its state.

    Raises:
        SchemaMismatchError: It is not.
    """
    schema: Schema[Any, Any, Any, Any] = ground.database.schema
    return schema


async def figure(
    ground: Ground,
    table: Table,
    read: Callable[[asyncpg.Connection], Awaitable[object]],
    name: str,
) -> dict[str, object]:
    """Give a figure, or say that it was not had in time, and which index makes it quick.

    Args:
        ground: Where.
        table: What is read over a time.
        read: Gives it, in a transaction with a time-out.
        name: What errors call it.

    Raises:
        TableLockedError: Somebody else keeps the table locked.
    """
    try:
        async with ground.transaction(seconds=SECONDS, name=name) as connection:
            return {"found": await read(connection), "late": None}
    except TableLockedError:  # no index helps against that
        raise
    except DatabaseTimeoutError:
        pass
    async with ground.transaction(name=name) as connection:
        index = await index_for(connection, table)
    return {"found": None, "late": {"seconds": SECONDS, "index": index}}
