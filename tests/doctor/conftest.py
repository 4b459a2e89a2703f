"""A database of a preset, and what the doctor finds and mends there."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

import asyncpg
import pytest

from chatkeep.doctor import Finding, Limits, Options, Report, diagnose
from chatkeep.kit.applying.sqlscan import split
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

FULL = bool(os.environ.get("CHATKEEP_FULL"))


class Kept(deepsearch.Schema):
    """The preset; its stages are worked out once, not for each look: that takes most of a look."""

    @cached_property
    def stages(self) -> Any:
        return super().stages


PLAIN = Kept(prefix="x_")
ALWAYS = ("durability-off", "unbounded-waits")  # the test servers run without fsync, on purpose
EAGER = Limits(
    statement_timeout=timedelta(seconds=20),
    statistics_age=timedelta(),
    idle_in_transaction=timedelta(),
    running=timedelta(),
    waiting=timedelta(),
    answer_silent=timedelta(),
    dead_rows=100,
    bloat_bytes=64 * 1024,
)
"""So that small things count too."""


@dataclass
class Patient:
    """One database, its schema, and a connection with every right."""

    schema: Any
    url: str
    connection: asyncpg.Connection
    options: Options

    async def report(self, **options: Any) -> Report:
        given = replace(self.options, **options)
        return await diagnose(self.schema, self.url, given)

    async def find(self, check: str, **options: Any) -> list[Finding]:
        report = await self.report(only=(check,), **options)
        assert report.unseen == (), report.unseen
        return list(report.findings)

    async def find_one(self, check: str, **options: Any) -> Finding:
        (found,) = await self.find(check, **options)
        return found

    async def mend(self, finding: Finding) -> None:
        """Run the command as it is printed, each statement by itself, as psql does."""
        assert finding.mend_with == "sql"
        assert finding.mend.endswith(";")
        for part in split(finding.mend):
            await self.connection.execute(part.sql)

    async def mends(self, check: str, **options: Any) -> Finding:
        """Find one thing, run its command, and see that it is gone."""
        finding = await self.find_one(check, **options)
        await self.mend(finding)
        assert await self.find(check, **options) == []
        return finding

    async def run(self, *statements: str) -> None:
        for statement in statements:
            await self.connection.execute(statement)


async def eventually(look: Callable[[], Awaitable[object]], seconds: float = 20.0) -> None:
    """Wait for what another session does."""
    deadline = time.monotonic() + seconds
    while not await look():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.01)


Admit = Callable[..., Awaitable[Patient]]


@pytest.fixture
async def admit(
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
) -> AsyncIterator[Admit]:
    """`await admit()` makes a database of a schema; deepsearch with the prefix `x_` unless given."""
    opened: list[asyncpg.Connection] = []

    async def make(schema: Any = None, *, server: PgServer = pg18, tables: bool = True) -> Patient:
        schema = PLAIN if schema is None else schema
        new = fresh_database(server)
        url = await (new.holding(schema) if tables else new())
        connection = await asyncpg.connect(url)
        opened.append(connection)
        return Patient(schema, url, connection, Options(limits=EAGER))

    yield make
    for connection in opened:
        await connection.close()
