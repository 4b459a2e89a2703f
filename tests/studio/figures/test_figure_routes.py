"""The addresses of figures: what they give, what they refuse, and what never leaves the server."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from chatkeep.database import Database
from chatkeep.inputs.deepsearch import NewSession
from chatkeep.inputs.maps import NewSession as NewMapsSession
from chatkeep.inputs.maps import NewUser as NewMapsUser
from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.personal.erasing import preview_erasure
from chatkeep.studio.figures.people import Fleeting
from fixtures.servers import Databases, PgServer
from fixtures.studio import Site
from fixtures.studio_world import ADA, MAPS_FOLDER, MAPS_SCHEMA, PREFIX, SCHEMA

TOKEN = "SECRET-TOKEN-OF-A-LIBRARY-1234567890"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"


@pytest.fixture
async def client(world: str, open_studio: Callable[..., Any]) -> AsyncIterator[httpx.AsyncClient]:
    """A program at a studio that may only look."""
    site: Site = await open_studio(world)
    async with aclosing(await site.client()) as program:
        yield program


async def get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    response = await client.get(f"/api/figures/{path}", params=params)
    assert response.status_code == 200, response.text
    return response.json()


async def test_usage_adds_up_to_plain_sums(client: httpx.AsyncClient, world: str):
    totals = (await get(client, "usage", by="totals", days=30))["found"]
    connection = await asyncpg.connect(world)
    rows = await connection.fetch(f'select * from "{PREFIX}message_usage"')
    await connection.close()
    assert len(rows) > 0
    assert totals["answers"] == len(rows)
    assert totals["totalTokens"] == sum(row["total_tokens"] for row in rows)
    for by, key in (("by_model", "model"), ("by_user", "userId"), ("by_day", "day")):
        found = (await get(client, "usage", by=by, days=30))["found"]
        assert sum(each["answers"] for each in found) == len(rows)
        assert len({each[key] for each in found}) == len(found)


async def test_tokens_in_metadata_alone_are_told_apart(client: httpx.AsyncClient, world: str):
    found = (await get(client, "usage", by="in_metadata", days=30))["found"]
    connection = await asyncpg.connect(world)
    rows = await connection.fetch(
        f"""select m.metadata->>'model' as model, count(*) as answers,
            sum((m.metadata#>>'{{tokens,total}}')::int8)::int8 as tokens
        from "{PREFIX}message" m where m.metadata#>'{{tokens,total}}' is not null
          and not exists (select from "{PREFIX}message_usage" u where u.message_id = m.id)
        group by 1"""
    )
    await connection.close()
    assert rows
    assert {(each["model"], each["answers"], each["totalTokens"]) for each in found} == {
        tuple(row) for row in rows
    }


@pytest.mark.parametrize("what", ["messages", "chats", "users", "active"])
async def test_activity_counts_every_row(client: httpx.AsyncClient, world: str, what: str):
    found = (await get(client, "activity", what=what, days=3660))["found"]
    connection = await asyncpg.connect(world)
    table = {"messages": "message", "chats": "chat", "users": "user", "active": "message"}[what]
    where = "where role = 'user'" if what == "active" else ""
    counted = "distinct user_id" if what == "active" else "*"
    rows = await connection.fetch(
        f"""select (created_at at time zone 'UTC')::date::text, count({counted})
        from "{PREFIX}{table}" {where} group by 1 order by 1"""
    )
    await connection.close()
    days: dict[str, int] = {}
    for each in found["days"]:
        days[each["day"]] = days.get(each["day"], 0) + each["count"]
    assert found["share"] is None
    assert days == {row[0]: row[1] for row in rows}


async def test_a_sample_of_a_small_table_is_all_of_it(client: httpx.AsyncClient):
    all_of_it = (await get(client, "activity", what="messages", days=3660))["found"]
    sampled = (await get(client, "activity", what="messages", days=3660, sample=1))["found"]
    assert sampled["share"] == 1.0
    assert sampled["days"] == all_of_it["days"]


async def test_a_figure_that_is_late_names_the_index(
    client: httpx.AsyncClient, world: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("chatkeep.studio.figures.asking.SECONDS", 0.2)
    connection = await asyncpg.connect(world)
    # The view takes the place of the table: reading it takes longer than may be.
    await connection.execute(
        f"""alter table "{PREFIX}chat" rename to hidden;
        create view "{PREFIX}chat" as select h.* from hidden h where pg_sleep(1) is not null"""
    )
    late = await get(client, "activity", what="chats", days=3660)
    assert late["found"] is None
    assert late["late"]["seconds"] == 0.2
    assert late["late"]["index"] == (
        f'CREATE INDEX CONCURRENTLY ON "{PREFIX}chat" USING brin ("created_at");'
    )
    await connection.execute(
        f'drop view "{PREFIX}chat"; alter table hidden rename to "{PREFIX}chat"'
    )
    await connection.execute(late["late"]["index"])
    assert (await get(client, "activity", what="chats", days=3660))["late"] is None
    await connection.close()


async def test_a_figure_of_a_locked_table_blames_no_index(
    client: httpx.AsyncClient, world: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("chatkeep.studio.ground._LOCK_SECONDS", 0.2)
    connection = await asyncpg.connect(world)
    async with connection.transaction():
        await connection.execute(f'lock table "{PREFIX}chat" in access exclusive mode')
        refused = await client.get("/api/figures/activity", params={"what": "chats"})
    await connection.close()
    assert refused.status_code == 504
    assert refused.json()["error"]["code"] == "table_locked"
    assert (await get(client, "activity", what="chats"))["late"] is None


@pytest.mark.parametrize(
    ("path", "params", "field"),
    [
        ("usage", {"since": "2026-01-02", "until": "2026-01-01"}, "until"),
        ("usage", {"since": "0001-01-01", "until": "9999-12-31"}, "since"),
        ("usage", {"since": "yesterday", "until": "2026-01-01"}, "since"),
        ("usage", {"by": "'; drop table x"}, "by"),
        ("usage", {"days": "-1"}, "days"),
        ("activity", {"what": "secrets"}, "what"),
        ("statements", {"by": "query"}, "by"),
        ("sessions", {}, "user"),
        ("personal", {"user": "a\0b"}, "user"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    client: httpx.AsyncClient, path: str, params: dict[str, str], field: str
):
    response = await client.get(f"/api/figures/{path}", params=params)
    assert response.status_code == 422
    assert response.json()["error"]["field"] == field


async def test_no_token_leaves_and_a_session_is_named_by_a_hash(
    client: httpx.AsyncClient, world: str
):
    async with Database(SCHEMA, world) as db:
        ends = datetime.now(UTC) + timedelta(days=2)
        await db.sessions.create(NewSession(user_id=ADA, session_token=TOKEN, expires=ends))
        own = await db.auth.sessions.create(ADA, user_agent=AGENT, ip_address="203.0.113.9")
        over = datetime.now(UTC) - timedelta(days=2)
        await db.sessions.create(NewSession(user_id=ADA, session_token="x" * 40, expires=over))
        live = await db.sessions.count(ADA)
    response = await client.get("/api/figures/sessions", params={"user": ADA})
    assert TOKEN not in response.text
    assert own.token not in response.text
    found = response.json()
    assert found["live"] == live
    mine = next(each for each in found["sessions"] if each["id"] == own.session.id)
    assert (mine["kind"], mine["address"], mine["live"]) == ("chatkeep", "203.0.113.9", True)
    assert "Firefox" in mine["device"]
    kinds = {each["kind"] for each in found["sessions"]}
    assert kinds == {"chatkeep", "library"}
    live_ids = {each["id"] for each in found["sessions"] if each["live"]}
    assert len(live_ids) == live < len(found["sessions"])


async def test_read_only_ends_no_session_and_makes_no_export(client: httpx.AsyncClient, world: str):
    for path, body in (
        ("sessions/revoke", {"user": ADA, "session": "x"}),
        ("sessions/revoke-all", {"user": ADA}),
        ("personal/export", {"user": ADA}),
    ):
        response = await client.post(f"/api/figures/{path}", json=body)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "read_only")


async def test_a_session_of_somebody_else_is_not_ended(world: str, open_studio: Callable[..., Any]):
    site: Site = await open_studio(world, write=True)
    async with Database(SCHEMA, world) as db:
        own = await db.auth.sessions.create(ADA)
        async with aclosing(await site.client()) as client:
            body = {"user": "demo-grace", "session": own.session.id}
            refused = await client.post("/api/figures/sessions/revoke", json=body)
            assert refused.status_code == 404
            assert await db.auth.sessions.find(own.token) is not None
            done = await client.post("/api/figures/sessions/revoke", json={**body, "user": ADA})
            assert done.json() == {"revoked": 1}
        assert await db.auth.sessions.find(own.token) is None


async def test_looks_at_sessions_take_the_studios_share_of_connections(
    client: httpx.AsyncClient, world: str
):
    holder, watcher = await asyncpg.connect(world), await asyncpg.connect(world)
    waiting = """select count(*) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'"""
    counts = list[int]()
    async with holder.transaction():
        await holder.execute(
            f'lock table "{PREFIX}session", "{PREFIX}search_event" in access exclusive mode'
        )
        paths = ["sessions?user=demo-ada"] * 8 + ["cache"] * 4
        asked = asyncio.gather(*(client.get(f"/api/figures/{path}") for path in paths))
        async with asyncio.timeout(20):
            while not counts or max(counts) < 4 or len(counts) < 50:
                counts.append(await watcher.fetchval(waiting))
                await asyncio.sleep(0.01)
    answers = await asked
    await holder.close()
    await watcher.close()
    assert max(counts) == 4
    assert {each.status_code for each in answers} == {200}


async def test_the_preview_is_what_the_command_shows(client: httpx.AsyncClient, world: str):
    found = await get(client, "personal", user=ADA)
    assert found["unknown"] == []
    report = await preview_erasure(world, SCHEMA, ADA)
    assert found["steps"] == [each.as_json() for each in report.steps]
    assert found["commands"]["show"] == f"chatkeep erase --user {ADA}"
    masked = {name for each in found["files"] for name in each["masked"]}
    assert {"session_token", "access_token"} <= masked
    proof = await get(client, "personal/proof", user=ADA)
    assert report.proof is not None
    assert proof == {**report.proof.as_json(), "clean": report.proof.is_clean}
    missing = await client.get("/api/figures/personal", params={"user": "nobody"})
    assert missing.status_code == 404


async def test_a_look_that_takes_too_long_ends_in_postgresql_too(
    client: httpx.AsyncClient, world: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("chatkeep.studio.figures.people._LONG_SECONDS", 0.4)
    connection = await asyncpg.connect(world)
    async with connection.transaction():
        # The proof waits for a table that it has to read.
        await connection.execute(f'lock table "{PREFIX}search_day" in access exclusive mode')
        paths = ["/api/figures/personal/proof?user=demo-ada"] * 5
        answers = await asyncio.gather(*(client.get(path) for path in paths))
    for late in answers:
        assert (late.status_code, late.json()["error"]["code"]) == (504, "took_too_long")
        assert "chatkeep erase --user demo-ada" in late.json()["error"]["hint"]
    for _ in range(400):  # a connection that is closed is gone a moment later
        left = await connection.fetchval(
            """select count(*) from pg_stat_activity
            where datname = current_database() and application_name = 'chatkeep erase'"""
        )
        if left == 0:
            break
        await asyncio.sleep(0.01)
    assert left == 0
    await connection.close()


async def test_a_command_for_an_odd_id_is_quoted(client: httpx.AsyncClient, world: str):
    connection = await asyncpg.connect(world)
    await connection.execute(
        f"""insert into "{PREFIX}user" (id, email) values ('a b; rm -rf "~"', 'odd@example.com')"""
    )
    await connection.close()
    found = await get(client, "personal", user='a b; rm -rf "~"')
    assert found["commands"]["erase"] == """chatkeep erase --user 'a b; rm -rf "~"' --yes"""


async def test_the_export_is_the_commands_and_stands_in_the_audit(
    world: str, open_studio: Callable[..., Any]
):
    site: Site = await open_studio(world, write=True)
    async with aclosing(await site.client()) as client:
        counted = await get(client, "personal", user=ADA)
        made = await client.post("/api/figures/personal/export", json={"user": ADA})
    assert made.headers["content-disposition"].startswith('attachment; filename="personal-data-')
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert [(each["file"], each["rows"]) for each in manifest["files"]] == [
        (each["file"], each["rows"]) for each in counted["files"]
    ]
    connection = await asyncpg.connect(world)
    actions = await connection.fetch("select actor, action from chatkeep.audit")
    await connection.close()
    assert [tuple(row) for row in actions] == [("chatkeep studio", "export")]


async def test_an_export_that_is_not_fetched_to_its_end_stays_nowhere(tmp_path: Path):
    file = tmp_path / "made" / "export.zip"
    file.parent.mkdir()
    file.write_bytes(b"personal" * 100_000)
    begun, never = asyncio.Event(), asyncio.Event()

    async def receive() -> dict[str, Any]:
        await never.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        begun.set()
        if message["type"] == "http.response.body":
            await never.wait()

    scope = {"type": "http", "method": "POST", "headers": [], "path": "/"}
    sending = asyncio.create_task(Fleeting(file)(scope, receive, send))
    await begun.wait()
    sending.cancel()  # as the server does with what is under way when it ends
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert not file.parent.exists()


async def test_the_cache_is_told_as_the_command_tells_it(client: httpx.AsyncClient, world: str):
    connection = await asyncpg.connect(world)
    await connection.execute(
        f"""delete from "{PREFIX}search_event"; delete from "{PREFIX}search_day";
        insert into "{PREFIX}search_event"
        (key_hash, query, provider, locale, outcome, tier, calls, latency_us, latency_max_us)
        values ('\\x01', 'partial index', 'serper', 'en', 'hit', 'memory', 30, 900, 90),
               ('\\x01', 'partial index', 'serper', 'en', 'miss', 'fetch', 10, 9000000, 1200000);
        insert into "{PREFIX}search_cache" (query, results, expires_at, key_hash) values
            ('gone', '[]', now() - interval '1 day', '\\x01'),
            ('soon', '[]', now() + interval '10 minutes', '\\x02'),
            ('later', '[]', now() + interval '10 days', '\\x03')"""
    )
    stats = (await get(client, "cache", days=7))["stats"]
    assert (stats["calls"], stats["hits"], stats["hitRate"]) == (40, 30, 0.75)
    expiring = await get(client, "cache/expiring")
    within = {each["within"]: each["entries"] for each in expiring["within"]}
    counts = await connection.fetchrow(
        f"""select count(*) filter (where expires_at <= now()), count(*),
        count(*) filter (where expires_at > now() and expires_at <= now() + interval '1 hour')
        from "{PREFIX}search_cache" """
    )
    await connection.close()
    assert counts is not None
    assert (within["expired"], sum(within.values()), within["hour"]) == tuple(counts)
    assert expiring["next"][0]["query"] == "soon"


async def test_the_maps_preset_says_what_it_has_not(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], open_studio: Callable[..., Any]
):
    url = await fresh_database(pg18)()
    await migrate(Folder.read(MAPS_FOLDER), url)
    async with Database(MAPS_SCHEMA, url) as db:
        user = await db.users.create(NewMapsUser(email="ada@example.com", name="Ada"))
        ends = datetime.now(UTC) + timedelta(days=2)
        await db.sessions.create(NewMapsSession(user_id=user.id, expires_at=ends, token=TOKEN))
        await db.auth.sessions.create(user.id)
    site: Site = await open_studio(url, schema=MAPS_SCHEMA)
    async with aclosing(await site.client()) as client:
        parts = await get(client, "parts")
        assert parts == {"usage": False, "activity": ["users"], "cache": False}
        refused = await client.get("/api/figures/usage")
        assert refused.status_code == 400
        assert "message_usage" in refused.json()["error"]["message"]
        response = await client.get("/api/figures/sessions", params={"user": user.id})
        assert TOKEN not in response.text
        kinds = [each["kind"] for each in response.json()["sessions"]]
        assert sorted(kinds) == ["chatkeep", "library"]
        found = (await get(client, "activity", what="users", days=1))["found"]
        assert sum(each["count"] for each in found["days"]) == 1
