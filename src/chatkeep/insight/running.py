"""What runs in this database now, and who waits for whom."""

from datetime import datetime

import asyncpg

from chatkeep.insight.statements import shown
from chatkeep.kit.applying.lock import keys
from chatkeep.records.base import Record

MOST = 200
"""So many connections are given at most."""
_TEXT = 4000  # characters of a statement that are given

_RUNNING = f"""
select a.pid, a.usename::text, a.application_name, a.state, a.wait_event_type, a.wait_event,
    a.backend_type = 'client backend',
    extract(epoch from clock_timestamp() - a.query_start)::float8 * 1000,
    extract(epoch from clock_timestamp() - a.xact_start)::float8 * 1000,
    a.query_start, left(a.query, {_TEXT}),
    case when a.wait_event_type = 'Lock' then pg_catalog.pg_blocking_pids(a.pid)
         else '{{}}' end,
    (select coalesce(l.relation::regclass::text, l.locktype) || ', ' || l.mode
     from pg_catalog.pg_locks l where l.pid = a.pid and not l.granted
       and (l.database is null or l.database = a.datid) limit 1),
    exists (select from pg_catalog.pg_locks l
            where l.pid = a.pid and l.locktype = 'advisory' and l.granted and l.objsubid = 2
              and l.database = a.datid and l.classid::int8 = any ($1::int8[]))
from pg_catalog.pg_stat_activity a
where a.datname = pg_catalog.current_database() and a.pid <> pg_catalog.pg_backend_pid()
  and (a.state is distinct from 'idle'
       or exists (select from pg_catalog.pg_locks l where l.pid = a.pid
                  and l.locktype = 'advisory' and l.granted))
order by a.xact_start nulls last, a.pid limit {MOST}
"""  # noqa: S608 - our own numbers
_OTHERS = """
select count(*) filter (where a.state = 'idle'), count(*),
    current_setting('max_connections')::int4
from pg_catalog.pg_stat_activity a
where a.datname = pg_catalog.current_database()
"""


class Running(Record, rename="camel"):
    """A connection that is at work, or in a transaction, or holds a lock of its own.

    Attributes:
        state: Such as `active`, `idle in transaction`; None where this role may not see it.
        waits_for: What it waits for, in PostgreSQL's words: kind and event.
        wanted: The lock that it waits for: table and mode.
        is_client: Whether it is somebody's connection, and not a process of the server.
        running_ms: How long its statement runs, or ran.
        transaction_ms: How long its transaction is open; None without one.
        query: Without the values in it; None where this role may not see it.
        blocked_by: Process ids that hold what it waits for, of this database.
        is_migrating: Whether it holds the lock of migrations.
    """

    pid: int
    role: str | None
    application: str | None
    state: str | None
    waits_for: str | None
    wanted: str | None
    is_client: bool
    started_at: datetime | None
    running_ms: float | None
    transaction_ms: float | None
    query: str | None
    blocked_by: list[int]
    is_migrating: bool


class Activity(Record, rename="camel"):
    """What goes on.

    Attributes:
        running: The longest transaction first.
        idle: Connections to this database that do nothing.
        connections: All connections to this database.
        maximum: How many the server allows, for all of its databases.
    """

    running: list[Running]
    idle: int
    connections: int
    maximum: int


async def read_running(connection: asyncpg.Connection) -> Activity:
    """Give what goes on in this database. Nothing of other databases is told."""
    locks = sorted({key.class_id for key in (*keys(None), *keys(""))})
    rows = await connection.fetch(_RUNNING, locks)
    idle, connections, maximum = (await connection.fetch(_OTHERS))[0]
    here = {row[0] for row in rows}
    found = [
        Running(
            pid=row[0], role=row[1], application=row[2] or None, state=row[3],
            waits_for=": ".join(each for each in (row[4], row[5]) if each) or None,
            wanted=row[12], is_client=bool(row[6]), running_ms=row[7], transaction_ms=row[8],
            started_at=row[9], query=shown(row[10]) or None,
            blocked_by=[pid for pid in row[11] if pid in here], is_migrating=row[13],
        )
        for row in rows
    ]  # fmt: skip
    return Activity(found, idle, connections, maximum)
