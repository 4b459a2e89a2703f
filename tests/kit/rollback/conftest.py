"""A project whose schema changes, its folder, and a database that follows it."""

import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text

from chatkeep.kit.build import schema_sql
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.rollback import Options as How
from chatkeep.kit.rollback import Plan, Report, prove, rollback, select
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from fixtures.dump import dump, without_column_order
from fixtures.servers import PgServer


def users(*columns: Column, table: str = "x_user", extra: tuple = ()) -> MetaData:
    metadata = MetaData()
    Table(table, metadata, Column("id", Integer, primary_key=True), *columns, *extra)
    return metadata


def name() -> Column:
    return Column("name", Text)


WRITTEN: dict[tuple[object, ...], Path] = {}


@dataclass
class Project:
    """A folder and a database on one server."""

    server: PgServer
    root: Path
    url: str
    keep: Path
    made: tuple[object, ...] = ()

    @property
    def scratch(self) -> Scratch:
        return Scratch(self.server.admin_url, dumpers=[self.server.bin / "pg_dump"])

    @property
    def folder(self) -> Folder:
        return Folder.read(self.root)

    async def write(self, *states: MetaData, **options) -> None:
        """Generate each; a folder that was generated in the same way before is copied."""
        for state in states:
            target = target_of(state)
            self.made = (*self.made, tuple(schema_sql(target.state)), tuple(options.items()))
            kept = WRITTEN.get((self.server.version, *self.made))
            if kept is None:
                await generate(self.root, target, self.scratch, Options(**options))
                kept = Path(tempfile.mkdtemp(dir=self.keep))
                shutil.copytree(self.root, kept, dirs_exist_ok=True)
                WRITTEN[self.server.version, *self.made] = kept
            else:
                shutil.copytree(kept, self.root, dirs_exist_ok=True)

    async def up(self, *states: MetaData, **options) -> str:
        await self.write(*states, **options)
        await migrate(self.folder, self.url)
        return self.dump()

    async def plan(self, **which) -> Plan:
        plan = await select(self.folder, self.url, **which)
        return plan if plan.is_proved else await prove(plan, self.url, self.scratch)

    async def back(self, how: How | None = None, **which) -> Report:
        return await rollback(await self.plan(**which), self.url, how)

    def down(self, number: int) -> Path:
        (path,) = self.root.glob(f"{number:04d}_*.down.sql")
        return path

    def dump(self) -> str:
        return without_column_order(dump(self.server, self.url, "--exclude-schema=drizzle"))

    async def run(self, sql: str) -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(self.url)
        try:
            return [tuple(row) for row in await connection.fetch(sql)]
        finally:
            await connection.close()


@pytest.fixture
def project_on(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, fresh_database
) -> Callable[[PgServer], Awaitable[Project]]:
    async def make(server: PgServer) -> Project:
        keep = tmp_path_factory.mktemp("written")
        return Project(server, tmp_path / "drizzle", await fresh_database(server)(), keep)

    return make


@pytest.fixture
async def project(project_on, pg18) -> Project:
    return await project_on(pg18)
