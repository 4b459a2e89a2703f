"""From the seed's migration 0000, full of rows and still written to, to what Better Auth needs."""

import asyncio
import json
import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from auth.better_auth.conftest import with_each_server
from chatkeep import Database
from chatkeep.auth.better_auth_config import better_auth_config
from chatkeep.kit.folder import Folder
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.review import Severity, review
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from chatkeep.presets import maps
from fixtures.node import NodeProject, for_node
from fixtures.rows import columns, content, fill
from fixtures.servers import PgServer

pytestmark = pytest.mark.needs("node")
GOLDEN = Path(__file__).parents[2] / "golden" / "drizzle" / "maps" / "drizzle"
RETYPED = ("created_at", "updated_at", "expires_at")
WRITER = Path(__file__).with_name("seed_writer.ts")


@asynccontextmanager
async def _application(project: NodeProject, url: str):
    """The seed's application, up all the time; `await writes("a word")` lets it work once."""
    process = await asyncio.create_subprocess_exec(
        "node",
        WRITER.name,
        cwd=project.root,
        env={**os.environ, "DATABASE_URL": for_node(url), "NODE_OPTIONS": "--import tsx"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    talk, answers = process.stdin, process.stdout

    async def writes(word: str) -> Any:
        talk.write(f"{word}\n".encode())
        return json.loads(await asyncio.wait_for(answers.readline(), 60))

    try:
        yield writes
    finally:
        talk.close()
        await asyncio.wait_for(process.wait(), 60)
    assert process.returncode == 0


@with_each_server("form", ["safe", "plain"])
async def test_rows_writers_and_old_sessions_come_through(
    form: str, pg: PgServer, fresh_database, node_project, node_script, written
):
    """At every stage the seed's own Drizzle code writes; at the end Better Auth signs in."""
    schema = maps.schema(seed_writers=True)
    project = node_project("maps")
    shutil.copytree(GOLDEN, project.folder)
    shutil.copy(WRITER, project.root)
    made = await generate(
        project.folder, target_of(schema), Scratch(pg.admin_url), Options(safe=form == "safe")
    )
    assert made.destructive == ()
    url = await fresh_database(pg)()
    folder = Folder.read(project.folder)
    await migrate(folder, url, to=folder.migrations[0].tag)
    await fill(url, "maps")
    old = await columns(url)
    before = await content(url, old)
    stages = folder.migrations
    async with _application(project, url) as writes:
        for stage in stages:
            await migrate(folder, url, to=stage.tag)
            said = await writes(stage.tag)
            assert said["user"] == f"{stage.tag}@example.com"
            assert said["session"]["expiresAt"] == "2032-02-03T04:05:06.000Z"
            assert said["all"] == sorted(
                ["s1", "s2", *(f"session {s.tag}" for s in _until(stages, stage))]
            )
    before["users"] = [(*row[:2], bool(row[2]), *row[3:]) for row in before["users"]]
    after = await content(url, old)
    assert set(before["users"]) <= set(after["users"])
    assert set(before["sessions"]) <= set(after["sessions"])
    connection = await asyncpg.connect(url)
    assert await connection.fetch("SELECT id FROM sessions WHERE token IS DISTINCT FROM id") == []
    await connection.close()
    await _better_auth_works(schema, url, node_script, written)


def _until(stages, last):
    return stages[: stages.index(last) + 1]


async def _better_auth_works(schema, url: str, node_script, written) -> None:
    options = better_auth_config(schema).options()
    plan = node_script("better_auth", "tables.mjs", url, given={"options": options})
    lacking = (plan["created"], plan["added"], plan["indexes"], plan["problems"])
    assert lacking == ([], [], [], [])
    files = await written(schema)
    tokens = ["s1", "session 0000_initial_schema", "nobody's"]
    found = node_script("better_auth", "old_session.mjs", url, given=files.given(tokens=tokens))
    assert [each and each["user"]["id"] for each in found] == [
        "u1",
        "user 0000_initial_schema",
        None,
    ]
    async with Database(schema, url) as db:
        session = await db.sessions.get("s1")
        assert session.expires_at.isoformat(timespec="milliseconds") == found[0]["session"][
            "expiresAt"
        ].replace("Z", "+00:00")


async def test_the_review_fears_only_the_times_that_change_type(pg18, fresh_database, tmp_path):
    """Of the safe series, on the seed's database: what Better Auth needs locks and loses nothing."""
    root = tmp_path / "drizzle"
    shutil.copytree(GOLDEN, root)
    scratch = Scratch(pg18.admin_url)
    await generate(root, target_of(maps.schema()), scratch, Options(safe=True))
    url = await fresh_database(pg18)()
    folder = Folder.read(root)
    await migrate(folder, url, to=folder.migrations[0].tag)
    await fill(url, "maps")
    found = await review(folder, scratch, url=url)
    dangers = [f for f in found.findings if f.severity is Severity.DANGER]
    assert {f.rule for f in dangers} <= {"column-renamed", "column-dropped"}
    assert all(any(time in f.message for time in RETYPED) for f in dangers)
