"""docs/how-to/studio.md, run as it stands, and docs/reference/studio.md beside the routes."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from click.testing import CliRunner

from chatkeep import Database, NewSession, NewUser
from chatkeep.cli.main import cli
from chatkeep.presets import deepsearch
from chatkeep.settings import Settings
from chatkeep.studio import refusing
from chatkeep.studio.refusing import StudioError
from database.test_pages import DOCS, blocks, run
from fixtures.servers import Databases, PgServer
from fixtures.studio_world import FOLDER
from studio.safety.conftest import house, inside, world_clone  # noqa: F401 - fixtures
from studio.safety.visiting import addresses, ask, learn

REFERENCE = (DOCS / "reference/studio.md").read_text(encoding="utf-8")
HOW_TO = (DOCS / "how-to/studio.md").read_text(encoding="utf-8")


async def cookie(db: Database[Any, Any, Any, Any], email: str) -> dict[str, str]:
    """Sign somebody in, as Auth.js does."""
    from datetime import UTC, datetime, timedelta

    user = await db.users.create(NewUser(email=email))
    session = NewSession(user_id=user.id, expires=datetime.now(UTC) + timedelta(hours=1))
    await db.sessions.create(session)
    return {"authjs.session-token": session.session_token}


async def test_the_page(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], tmp_path: Path
):
    schema = deepsearch.schema(prefix="x_")
    url = await fresh_database(pg18).holding(schema)
    settings = Settings(
        root=tmp_path, schema=None, migrations=FOLDER, tables_filter=(), url=None, scratch_url=None
    )
    names: dict[str, Any] = {"schema": schema, "url": url, "settings": settings}
    found = blocks("how-to/studio.md")
    assert len(found) == 2
    for block in found:
        await run(block, names)
    db, app = names["db"], names["app"]
    async with db:
        admin, other = await cookie(db, "admin@example.com"), await cookie(db, "other@example.com")
        connection = await asyncpg.connect(url)
        await connection.execute(
            "update x_user set is_admin = true where email = 'admin@example.com'"
        )
        await connection.close()
        assert (await asked(app, admin)).json()["write"] is False
        for who in (other, {}, {"authjs.session-token": "forged"}):
            answer = await asked(app, who)
            assert (answer.status_code, answer.text) == (404, "Not found")


async def asked(app: Any, cookies: dict[str, str]) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://x", cookies=cookies,
        headers={"x-chatkeep-studio": "1"},
    ) as client:  # fmt: skip
        return await client.get("/studio/api/overview")


async def test_the_role_for_production_reads_and_changes_nothing(
    world: str, open_studio: Callable[..., Any]
):
    (sql,) = re.findall(r"^```sql\n(.*?)^```$", HOW_TO, re.MULTILINE | re.DOTALL)
    name = world.partition("@/")[2].partition("?")[0]
    role = f"studio_{name}"
    admin = await asyncpg.connect(world)
    try:
        sql = sql.replace("to studio", f"to {role}").replace("role studio", f"role {role}")
        await admin.execute(sql.replace("database app", f'database "{name}"'))
        site = await open_studio(world.replace("postgres@", f"{role}@"), write=True)
        client = await site.client()
        about = await client.get("/api/overview")
        assert about.json()["role"] == role
        rows = await client.get("/api/tables/public/ai-app-template_message/rows?limit=1")
        assert len(rows.json()["rows"]) == 1
        tried = await client.post(
            "/api/console/runs",
            json={"id": "run-0000-0001", "sql": "create table x ()", "write": True},
        )
        assert tried.json()["statements"][0]["error"], tried.text
        await client.aclose()
        assert await admin.fetchval("select to_regclass('x')") is None
    finally:
        await admin.execute(f"drop owned by {role}")
        await admin.close()


def test_the_options_are_the_commands_own():
    said = CliRunner().invoke(cli, ["studio", "--help"]).output
    named = set(re.findall(r"^\| `(--[a-z-]+)", HOW_TO, re.MULTILINE))
    assert named == set(re.findall(r"(--[a-z-]+)", said)) - {"--help"}


def test_the_reference_names_every_address():
    told = re.findall(r"^\| `((?:GET|POST|PUT|DELETE) /[^`]*)` \|", REFERENCE, re.MULTILINE)
    assert len(told) == len(set(told))
    assert sorted(told) == sorted(str(address) for address in addresses())


_LINE = re.compile(r"^\| `((?:GET|POST|PUT|DELETE) /[^`]*)` \| (.*?) \| (.*?) \|", re.MULTILINE)


async def test_the_reference_tells_what_each_takes_and_gives(
    inside: httpx.AsyncClient,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    told = {name: (takes, gives) for name, takes, gives in _LINE.findall(REFERENCE)}
    compared = 0
    for address in await learn(inside, monkeypatch):
        takes, gives = (set(re.findall(r"`(\w+)`", each)) for each in told[str(address)])
        if address.takes is not None:
            assert takes == {each.name for each in msgspec.structs.fields(address.takes)}, address
        elif address.method == "GET":
            assert takes >= address.asked, address
        answer = await ask(inside, address)
        if answer.status_code == 200:
            document = answer.json()
            assert gives == set(document if isinstance(document, dict) else document[0]), address
            compared += 1
    assert compared > 40


def every(kind: type[StudioError]) -> set[type[StudioError]]:
    return {each for below in kind.__subclasses__() for each in {below, *every(below)}}


def test_the_reference_names_every_refusal_of_the_studio():
    told = {
        code: int(status)
        for code, status in re.findall(r"^\| `([a-z_]+)` \| (\d{3}) \|", REFERENCE, re.MULTILINE)
    }
    assert refusing.StudioError.code not in told
    own = {kind.code: kind.status for kind in every(StudioError)}
    assert told == own
