"""Push a schema told as SQL, and look at what came of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg
import pytest
from sqlalchemy import MetaData

from chatkeep.kit.declared import Declared, Extra
from chatkeep.kit.push import Options, Pushed, push
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import Target, target_of
from chatkeep.kit.writing.dumping import dump_schema
from fixtures.servers import PgServer


def told(sql: str) -> Target:
    """A schema that is nothing but this SQL."""
    return target_of(Declared(MetaData(), (Extra("sql", "all of it", sql),) if sql else ()))


@dataclass
class Place:
    """A database to push to."""

    server: PgServer
    url: str

    async def run(self, sql: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def fetch(self, sql: str) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()

    async def push(self, schema: str | Target, **options: object) -> Pushed:
        target = told(schema) if isinstance(schema, str) else schema
        scratch = Scratch(self.server.admin_url)
        return await push(self.url, target, scratch, Options(**options))  # type: ignore[arg-type]

    async def dump(self) -> list[str]:
        return await dump_schema(self.server.bin / "pg_dump", self.url)


@pytest.fixture
def place(
    fresh_database: Callable[..., Callable[[], Awaitable[str]]],
) -> Callable[..., Awaitable[Place]]:
    async def make(server: PgServer, sql: str = "") -> Place:
        made = Place(server, await fresh_database(server)())
        if sql:
            await made.run(sql)
        return made

    return make
