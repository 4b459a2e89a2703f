"""Usage, activity, the search cache, statements."""

from typing import Literal, cast, get_args

import asyncpg
from starlette.requests import Request
from starlette.responses import Response

from chatkeep.errors import InvalidInputError
from chatkeep.insight.activity import (
    What,
    activity_table,
    read_activity,
    sample_activity,
)
from chatkeep.insight.expiring import COUNTED, read_expiring, read_next
from chatkeep.insight.running import read_running
from chatkeep.insight.statements import By, read_statements
from chatkeep.insight.usage import UsageFigures, usage_table
from chatkeep.studio.answering import answer, number
from chatkeep.studio.bounding import within
from chatkeep.studio.figures.asking import figure, period_of, schema_of
from chatkeep.studio.grounds import ground_of

_USAGE = ("totals", "by_model", "by_day", "by_user", "in_metadata")
_CACHE_SECONDS = 10.0


def _one_of(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    value = request.query_params.get(name, allowed[0])
    if value not in allowed:
        raise InvalidInputError(f"`{name}` is one of {', '.join(allowed)}.", field=name)
    return value


async def parts(request: Request) -> Response:
    """Say which figures this database has: a schema without the tables has none of them."""
    ground = ground_of(request)
    tables = schema_of(ground).tables
    return answer(
        {
            "usage": "message_usage" in tables,
            "activity": [name for name in ("messages", "chats", "users") if name in tables],
            "cache": "search_events" in tables,
        }
    )


async def usage(request: Request) -> Response:
    """Give what answers used: `by` totals, by_model, by_day, by_user, or in_metadata."""
    ground, period = ground_of(request), period_of(request)
    by, schema = _one_of(request, "by", _USAGE), schema_of(ground)

    async def read(connection: asyncpg.Connection) -> object:
        return await getattr(UsageFigures(connection, schema, period), by)()

    table = usage_table(schema, in_metadata=by == "in_metadata")
    found = await figure(ground, table, read, f"usage {by}")
    return answer({**found, "since": period.first, "until": period.last})


async def activity(request: Request) -> Response:
    """Count by day: `what` messages, chats, users or active; with `sample` estimate it."""
    ground, period = ground_of(request), period_of(request)
    what, schema = cast("What", _one_of(request, "what", get_args(What))), schema_of(ground)
    table = activity_table(schema, what)
    is_sample = "sample" in request.query_params and what != "active"

    async def read(connection: asyncpg.Connection) -> object:
        if is_sample:
            some = cast('Literal["messages", "chats", "users"]', what)
            days, share = await sample_activity(connection, schema, some, period)
        else:
            days, share = await read_activity(connection, schema, what, period), None
        return {"days": days, "share": share}

    found = await figure(ground, table, read, f"activity {what}")
    return answer({**found, "since": period.first, "until": period.last})


async def cache(request: Request) -> Response:
    """Say how searches were answered, from the first day of the period on."""
    ground, period = ground_of(request), period_of(request)
    late = "Look at fewer days; `chatkeep cache stats` takes all the time that it needs."
    async with within(_CACHE_SECONDS, "Adding up the searches", late), ground.lent() as database:
        found = await database.search_cache.stats(since=period.since, top=20)
    return answer({"since": period.first, "stats": found})


async def expiring(request: Request) -> Response:
    """Say what the search cache's table holds and what expires next."""
    ground = ground_of(request)
    schema = schema_of(ground)
    async with ground.transaction(name="expiring searches") as connection:
        within_times = await read_expiring(connection, schema)
        coming = await read_next(connection, schema)
    return answer({"within": within_times, "next": coming, "counted": COUNTED})


async def statements(request: Request) -> Response:
    """Give the statements that stand out, where `pg_stat_statements` counts them."""
    ground = ground_of(request)
    by = cast("By", _one_of(request, "by", get_args(By)))
    async with ground.transaction(name="statements") as connection:
        found = await read_statements(connection, by, number(request, "limit", 50, 200))
    return answer(found)


async def running(request: Request) -> Response:
    """Give what runs in this database now, and who waits for whom."""
    async with ground_of(request).transaction(name="running statements") as connection:
        found = await read_running(connection)
    return answer(found)
