"""Whether a pooler stands between, and what it does with prepared statements."""

from collections.abc import Sequence

import asyncpg

from chatkeep.doctor.check import Check
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place
from chatkeep.kit.plan.quoting import ident

_NAME = "chatkeep_doctor"
_PREPARED = "select count(*)::int8 from pg_catalog.pg_prepared_statements where name = $1"


async def leads_through_pooler(connection: asyncpg.Connection) -> bool:
    """Tell by the process number: a pooler names one of its own when it is connected to."""
    pid: object = await connection.fetchval("select pg_catalog.pg_backend_pid()")
    return pid != connection.get_server_pid()


async def _pooler(place: Place) -> Sequence[Found]:
    if not await leads_through_pooler(place.connection):
        return []
    return [
        Found(
            "the connection",
            "It leads through a pooler such as PgBouncer, which `Database` has to be told, and "
            "which `chatkeep migrate` cannot use.",
            'Database(schema, url, pooler="pgbouncer")',
            "python",
        )
    ]


async def _prepared(place: Place) -> Sequence[Found]:
    """Prepare a statement under a name: a pooler that looks after names gives it one of its own."""
    connection = place.connection
    if not await leads_through_pooler(connection):
        return []
    held = await connection.prepare("select 1", name=_NAME)
    kept = (await place.fetch(_PREPARED, held.get_name()))[0][0]
    if not kept:
        return []
    await connection.execute(f"DEALLOCATE {ident(_NAME)}")  # the server is somebody else's next
    return [
        Found(
            "the pooler",
            'It passes prepared statements on as they are; `Database` with pooler="pgbouncer" '
            "uses none, other clients may. The setting is of PgBouncer 1.21 and later.",
            "max_prepared_statements = 200",
            "pgbouncer.ini",
        )
    ]


CHECKS = (
    Check(
        "pooler",
        Severity.NOTE,
        "In transaction mode two statements of one client may meet two servers.",
        _pooler,
    ),
    Check(
        "pooler-prepared-statements",
        Severity.NOTE,
        "A statement that one client prepared is missing for it, or in the way of another.",
        _prepared,
    ),
)
