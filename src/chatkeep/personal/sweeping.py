"""`sweep_report` and `sweep`: what the retention policies take away, told and done.

    report = await sweep_report(schema, url, policies)       # changes nothing
    report = await sweep(schema, url, policies)              # removes it

Both count from one moment of the database's clock. What a client changes meanwhile is looked at
again under its lock: what is not to go any more stays.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import asyncpg

from chatkeep.errors import ConfigError, SchemaMismatchError
from chatkeep.kit.connection import connect
from chatkeep.personal import audit
from chatkeep.personal.retention import Policy, check, with_expiring
from chatkeep.personal.sweep_batches import Batches, Candidate, Key, Pace, look, reading
from chatkeep.personal.sweep_belongings import Belongings, read_belongings
from chatkeep.personal.sweep_queries import Walk
from chatkeep.personal.sweep_report import PolicyReport, SweepReport
from chatkeep.personal.sweep_rules import Rules
from chatkeep.personal.sweep_walks import Walks
from chatkeep.schema.schema import Schema

AnySchema = Schema[Any, Any, Any, Any]

WINDOW_ROWS = 5000  # that one statement of a walk reads
_LOOK_ROWS = 500  # that one statement looks at, each with a count of what goes along
_SIZES = """
select n.name, pg_total_relation_size(c.oid) / c.reltuples::float8
from unnest($1::text[], $2::text[]) as n (name, relation)
join pg_class c on c.oid = to_regclass(n.relation)
where c.reltuples > 0
"""


async def sweep_report(
    schema: AnySchema,
    url: str,
    policies: Sequence[Policy] = (),
    *,
    stop: asyncio.Event | None = None,
) -> SweepReport:
    """Say what `sweep` would remove now, by policy and table. Nothing is changed.

    Args:
        schema: The tables; the hardened edition.
        url: Of the database.
        policies: What goes after how long; `policies` of `chatkeep.personal.retention` reads them
            from the configuration. Without any, what has expired by itself.
        stop: Set it, and the report ends after the statement that is running, `is_stopped`.

    Raises:
        ConfigError: A policy is about what the schema does not have, or two about the same rows.
        ConnectionFailedError: The server cannot be reached.
        SchemaMismatchError: The database lacks a table or column of the schema.
        StatementError: PostgreSQL refused a statement.
        PersonalDataError: The role may not see all rows of a table whose rows go along.
    """
    async with _opened(schema, url) as connection:
        run = await _Run.begin(connection, schema, policies, stop)
        return await run.found()


async def sweep(
    schema: AnySchema,
    url: str,
    policies: Sequence[Policy] = (),
    *,
    pace: Pace | None = None,
    stop: asyncio.Event | None = None,
    actor: str | None = None,
) -> SweepReport:
    """Remove for good what the policies take away, in batches that let nobody wait for long.

    It first reads what is to go, then removes it; the report has both, and apart from them what
    somebody held or changed meanwhile. Each batch is a transaction: a sweep that broke off is gone
    on with by the next one, and several may run beside each other. A row of `chatkeep.audit` says
    before the first batch what was found, one at the end what was removed. A chat stays while an
    answer is being written in it.

    Args:
        schema: The tables; the hardened edition.
        url: Of the database.
        policies: As for `sweep_report`.
        pace: How many rows at once, and how long a client may wait for them.
        stop: Set it, and the sweep ends after the batch that is running, `is_stopped`; where it
            has begun with a chat of more rows than a batch takes, after that chat.
        actor: Who does it, for the audit; the user of the operating system unless given.

    Raises:
        ConfigError: A policy is about what the schema does not have, or two about the same rows.
        ConnectionFailedError: The server cannot be reached, or the connection broke; the audit
            then says that it began and what it had found.
        SchemaMismatchError: The database lacks a table or column of the schema.
        StatementError: PostgreSQL refused a statement.
        PersonalDataError: The role may not write to the audit, or not see all rows of a table
            whose rows go along; nothing was removed.
    """
    async with _opened(schema, url) as connection:
        run = await _Run.begin(connection, schema, policies, stop)
        report = await run.found()
        report.removes = True
        who = audit.actor_name(actor)
        batches = run.batches(pace or Pace(), lambda: _note_begin(connection, who, report))
        try:
            await run.remove(batches)
        finally:
            if batches.has_begun and not connection.is_closed():
                await _note_end(connection, who, report)
        return report


class _Run:
    """One sweep: its connection, its statements, its report."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        walks: Walks,
        report: SweepReport,
        stop: asyncio.Event,
        belongings: Belongings,
    ) -> None:
        self._connection = connection
        self._walks = walks.all()
        self._emptying = walks.emptying() if self._has_chats() else None
        self._report = report
        self._stop = stop
        self._belongings = belongings

    @classmethod
    async def begin(
        cls,
        connection: asyncpg.Connection,
        schema: AnySchema,
        policies: Sequence[Policy],
        stop: asyncio.Event | None,
    ) -> "_Run":
        """Fix the moment, and make the statements."""
        chosen = with_expiring(check(policies), schema.tables)
        async with reading(connection) as moment:
            now = moment
            belongings = await read_belongings(connection, schema.tables)
        walks = Walks(schema, Rules(schema.tables, chosen, now), belongings)
        report = SweepReport(now, [PolicyReport(policy) for policy in chosen])
        return cls(connection, walks, report, stop or asyncio.Event(), belongings)

    async def found(self) -> SweepReport:
        """Count what is to go."""
        report = self._report
        lines = report.policies
        for walk in self._walks:
            async with aclosing(self._candidates(walk)) as found:
                async for row in found:
                    lines[row.policy].see(walk.name, row.at, row.counts)
        async with reading(self._connection):
            sizes = await self._connection.fetch(_SIZES, *self._belongings.sizes_of())
        size: dict[str, float] = dict(map(tuple, sizes))
        for line in lines:
            if all(name in size for name in line.found):
                line.about_bytes = round(sum(n * size[name] for name, n in line.found.items()))
        report.is_stopped = self._stop.is_set()
        return report

    def batches(self, pace: Pace, begin: Callable[[], Awaitable[None]]) -> Batches:
        """Give what removes it."""
        return Batches(self._connection, pace, self._report, self._emptying, self._stop, begin)

    async def remove(self, batches: Batches) -> None:
        """Remove it."""
        for walk in self._walks:
            batch: list[Candidate] = []
            rows = 0
            async with aclosing(self._candidates(walk)) as found:
                async for row in found:
                    if batch and rows + row.rows > batches.size:
                        await batches.remove(walk, batch)
                        batch, rows = [], 0
                    batch.append(row)
                    rows += row.rows
            await batches.remove(walk, batch)
            held, batches.again = batches.again, []
            for part in _parts(held, _LOOK_ROWS):
                async with reading(self._connection):
                    still = await look(self._connection, walk, part)
                await batches.remove(walk, still, is_last=True)
        self._report.is_stopped = self._stop.is_set()

    async def _candidates(self, walk: Walk) -> AsyncGenerator[Candidate]:
        """Give the rows of a walk that are to go, in the order of its index."""
        place = walk.start
        width = [walk.order.index(name) for name in walk.key]
        while not self._stop.is_set():
            after = {f"after_{name}": value for name, value in zip(walk.order, place, strict=True)}
            arguments = walk.window.arguments({**after, "limit": WINDOW_ROWS})
            async with reading(self._connection):
                read = await self._connection.fetch(walk.window.sql, *arguments)
            rows = [tuple(row) for row in read]
            if not rows:
                return
            keys: list[Key] = [tuple(row[i] for i in width) for row in rows if not row[-1]]
            (place,) = (row[:-1] for row in rows if row[-1])
            for part in _parts(keys, _LOOK_ROWS):
                async with reading(self._connection):
                    going = await look(self._connection, walk, part)
                for row in going:
                    yield row

    def _has_chats(self) -> bool:
        return any(walk.name == "chats" for walk in self._walks)


@asynccontextmanager
async def _opened(schema: AnySchema, url: str) -> AsyncGenerator[asyncpg.Connection]:
    if schema.edition != "hardened":
        raise ConfigError(
            "A sweep needs the hardened edition of the tables; this schema is the seed's.",
            hint="`chatkeep generate && chatkeep migrate` with the hardened one leads there.",
        )
    async with connect(url, name="chatkeep sweep", keeps=False) as connection:
        try:
            yield connection
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as exc:
            raise SchemaMismatchError(
                "The database lacks a table or column of the schema.",
                hint="`chatkeep check` says which one, `chatkeep migrate` brings it.",
            ) from exc


def _parts(keys: Sequence[Key], size: int) -> list[Sequence[Key]]:
    return [keys[at : at + size] for at in range(0, len(keys), size)]


async def _note_begin(connection: asyncpg.Connection, actor: str, report: SweepReport) -> None:
    """Note what is about to go: of a sweep that is killed, this is all that the audit has."""
    lines = [(line, line.found) for line in report.policies]
    detail = {"now": report.now.isoformat(), "policies": _counted(lines, "found")}
    await audit.record(connection, actor=actor, action="sweep-begin", detail=detail)


async def _note_end(connection: asyncpg.Connection, actor: str, report: SweepReport) -> None:
    lines = [(line, line.removed) for line in report.policies]
    detail = {
        "now": report.now.isoformat(),
        "is_stopped": report.is_stopped,
        "policies": _counted(lines, "removed"),
    }
    await audit.record(connection, actor=actor, action="sweep", detail=detail)


def _counted(
    lines: Sequence[tuple[PolicyReport, Mapping[str, int]]], word: str
) -> list[dict[str, object]]:
    return [
        {"policy": line.policy.label, "older_than": line.policy.age, word: dict(counts)}
        for line, counts in lines
        if counts
    ]
