"""Sessions that keep others waiting. No statement's text is ever shown: it may hold values."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from chatkeep.doctor.check import Check
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place, told

_SESSIONS = """
select a.pid::int8, coalesce(a.usename, '')::text, coalesce(a.application_name, '')::text,
  coalesce(a.state, '')::text as state,
  extract(epoch from clock_timestamp() - a.state_change)::float8,
  extract(epoch from clock_timestamp() - a.query_start)::float8
from pg_catalog.pg_stat_activity a
where a.datname = current_database() and coalesce(a.backend_type, '') in ('client backend', '')
  and a.pid <> pg_catalog.pg_backend_pid()
order by a.pid
"""
# Who is waited for in the end: a process that itself waits for nobody.
_WAITING = """
with recursive waits as (
  select distinct l.pid, extract(epoch from clock_timestamp() - l.waitstart)::float8 as seconds,
    b.pid as blocker
  from pg_catalog.pg_locks l
  cross join lateral unnest(pg_catalog.pg_blocking_pids(l.pid)) as b (pid)
  where not l.granted and l.pid in
    (select pid from pg_catalog.pg_stat_activity where datname = current_database())
), chain as (
  select pid, seconds, blocker from waits
  union
  select c.pid, c.seconds, w.blocker from chain c join waits w on w.pid = c.blocker
)
select c.pid::int8, coalesce(c.seconds, 0)::float8, c.blocker::int8,
  coalesce(a.usename, '')::text, coalesce(a.application_name, '')::text,
  coalesce(a.state, '')::text as state
from chain c
left join pg_catalog.pg_stat_activity a on a.pid = c.blocker
where not exists (select from waits w where w.pid = c.blocker)
order by 2 desc, 1, 3
"""


async def _sessions(place: Place) -> list[asyncpg.Record]:
    rows = await place.fetch(_SESSIONS)
    hidden = sum(not row["state"] for row in rows)
    if hidden:
        place.blind(
            f"{hidden} of {len(rows)} sessions are of other roles: "
            f"GRANT pg_read_all_stats TO the role {place.role}"
        )
    return [row for row in rows if row["state"]]


def _about(pid: int, role: str, application: str) -> str:
    program = f" of {application}" if application else ""
    return f"process {pid}{program}, role {role}"


async def _idle(place: Place) -> Sequence[Found]:
    found: list[Found] = []
    for pid, role, application, state, seconds, _ in await _sessions(place):
        length = timedelta(seconds=seconds or 0)
        if state.startswith("idle in transaction") and length >= place.limits.idle_in_transaction:
            message = f"It has been idle inside a transaction for {told(length)}."
            mend = f"SELECT pg_terminate_backend({pid});"
            found.append(Found(_about(pid, role, application), message, mend))
    return found


async def _running(place: Place) -> Sequence[Found]:
    found: list[Found] = []
    for pid, role, application, state, _, seconds in await _sessions(place):
        length = timedelta(seconds=seconds or 0)
        if state == "active" and length >= place.limits.running:
            message = f"Its statement has been running for {told(length)}."
            mend = f"SELECT pg_cancel_backend({pid});"
            found.append(Found(_about(pid, role, application), message, mend))
    return found


async def _waiting(place: Place) -> Sequence[Found]:
    kept: dict[int, list[asyncpg.Record]] = {}
    for row in await place.fetch(_WAITING):
        if row[1] >= place.limits.waiting.total_seconds():
            kept.setdefault(row[2], []).append(row)
    found: list[Found] = []
    for blocker, rows in kept.items():
        longest = told(timedelta(seconds=rows[0][1]))
        many = f"{len(rows)} sessions wait" if len(rows) > 1 else "One session waits"
        message = f"{many} for its locks, the longest for {longest}."
        if not blocker:  # PostgreSQL's number for a prepared transaction
            mend = "SELECT gid, prepared, owner FROM pg_prepared_xacts ORDER BY prepared;"
            found.append(Found("a prepared transaction", message, mend))
            continue
        mend = f"SELECT pg_terminate_backend({blocker});"
        found.append(Found(_about(blocker, rows[0][3], rows[0][4]), message, mend))
    return found


CHECKS = (
    Check(
        "idle-in-transaction",
        Severity.WARNING,
        "It holds its locks, and no dead row that it might still see can be cleared away.",
        _idle,
    ),
    Check(
        "long-running",
        Severity.WARNING,
        "It holds its locks, and no dead row that it might still see can be cleared away.",
        _running,
    ),
    Check(
        "lock-wait",
        Severity.WARNING,
        "Who waits for a lock keeps everybody waiting who comes after.",
        _waiting,
    ),
)
