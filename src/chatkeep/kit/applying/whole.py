"""A migration in one transaction, with its bookkeeping: all of it is there, or nothing."""

import time

import asyncpg

from chatkeep.kit.applying import indexes
from chatkeep.kit.applying.events import Begun, Dropped, Ran
from chatkeep.kit.applying.line import Line
from chatkeep.kit.applying.lock import refuse_lost
from chatkeep.kit.applying.run import failure, place
from chatkeep.kit.applying.script import Script, Step, own_limits, pieces, statements
from chatkeep.kit.applying.sqlscan import is_blank, split
from chatkeep.kit.applying.targets import new_index
from chatkeep.kit.connection import BROKEN


async def run_whole(line: Line, script: Script) -> float:
    """Run the migration, again while locks are not to be had; give the seconds of the run that came through.

    Raises:
        MigrationFailedError: PostgreSQL refused a statement; nothing of the migration is there.
        MigrationLockError: It gave up the migration lock; nothing of it is there.
    """
    steps = pieces(script.migration)
    line.tell(Begun(script.migration, len(steps), transactional=True))

    async def once() -> float:
        return await _once(line, script, steps)

    return await line.watch.tried(script.migration, once)


async def _once(line: Line, script: Script, steps: tuple[Step, ...]) -> float:
    started = time.perf_counter()
    migration = script.migration
    step: Step | None = None
    keeps_own = "LOCK_TIMEOUT" in own_limits(statements(migration))
    try:
        await line.connection.execute(script.begin())
        for step in steps:
            if is_blank(step.sql):
                continue  # asyncpg stumbles over an empty query
            less = "" if keeps_own else script.limits.shortened(time.perf_counter() - started)
            if less:
                await line.connection.execute(less)
            await _clear(line, script, step, len(steps))
            begun = time.perf_counter()
            await line.watch.execute(migration, step.number, step.sql)
            seconds = time.perf_counter() - begun
            line.tell(Ran(migration, step.number, len(steps), seconds, step.head))
        await refuse_lost(line.connection, script.project, migration.label)
        step = None
        await line.watch.execute(migration, len(steps), script.end())  # deferred constraints too
    except BROKEN:
        raise
    except asyncpg.PostgresError as exc:
        await line.connection.execute("rollback")
        raise failure(migration, step, len(steps), exc) from exc
    except BaseException:
        if not line.connection.is_closed():
            await line.connection.execute("rollback")
        raise
    return time.perf_counter() - started


async def _clear(line: Line, script: Script, step: Step, total: int) -> None:
    """Drop an INVALID index over which IF NOT EXISTS would pass in silence."""
    for part in split(step.sql):
        if "INDEX" not in part.words[:3]:
            continue
        index = new_index(part.sql)
        if index is None or index.name is None:
            continue
        called = place(script.migration, step.number, total)
        for found in await indexes.broken(line.connection, index, called):
            await line.watch.execute(script.migration, step.number, f"drop index {found.quoted}")
            line.tell(Dropped(script.migration, found.name))
