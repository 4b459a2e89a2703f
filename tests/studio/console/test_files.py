"""History and saved queries: files of the project, and nothing beside them."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import httpx
import pytest

from chatkeep.studio.console.files import locked
from chatkeep.studio.console.history import holds_secret
from studio.console.asking import run

SECRETS = [
    "alter role postgres password 'hunter2'",
    "create user x with encrypted password $$hunter2$$",
    "select 1 from account where access_token = 'hunter2'",
    "select dblink_connect('postgres://me:hunter2@db/x')",
    "select 'password=hunter2'",
    "create subscription s connection 'host=a password=hunter2' publication p",
]


async def test_runs_are_remembered_without_results(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    async with aclosing(await site.client()) as client:
        await run(client, "select 'first' || 'X' as remembered")
        await run(client, "select nowhere")
        await run(client, "select 'first' || 'X' as remembered")
        for sql in SECRETS:
            await run(client, sql)
        entries = (await client.get("/api/console/history")).json()["entries"]
        found = (await client.get("/api/console/history?q=FIRST")).json()["entries"]
        text = (site.root / ".chatkeep" / "studio" / "history.jsonl").read_text()
        await client.delete("/api/console/history")
        empty = (await client.get("/api/console/history")).json()["entries"]
    assert [(each["sql"][:12], each["ok"]) for each in entries] == [
        ("select 'firs", True),
        ("select nowhe", False),
    ]
    assert len(found) == 1
    assert "firstX" not in text
    assert "hunter2" not in text
    assert empty == []
    assert (site.root / ".chatkeep" / "studio" / ".gitignore").read_text() == "*\n"


async def test_the_history_stays_small_and_survives_a_broken_line(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world)
    file = site.root / ".chatkeep" / "studio" / "history.jsonl"
    file.parent.mkdir(parents=True)
    line = '{"at":"2026-01-01T00:00:00+00:00","sql":"select %d","write":false,"ok":true,"ms":1}\n'
    file.write_text("".join(line % n for n in range(1200)) + "{broken\n[]\n")
    async with aclosing(await site.client()) as client:
        await asyncio.gather(run(client, "select 'a'"), run(client, "select 'b'"))
        entries = (await client.get("/api/console/history?limit=500")).json()["entries"]
    assert {entries[0]["sql"], entries[1]["sql"]} == {"select 'a'", "select 'b'"}
    assert len(file.read_text().splitlines()) <= 1001


async def save(
    client: httpx.AsyncClient, name: str, sql: str, version: str | None = None
) -> httpx.Response:
    return await client.put(f"/api/console/saved/{name}", json={"sql": sql, "version": version})


async def test_queries_are_saved_for_the_team(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    other = await open_studio(world, root=site.root)
    async with aclosing(await site.client()) as client, aclosing(await other.client()) as second:
        made = (await save(client, "Busy chats", "select 1")).json()
        listed = (await client.get("/api/console/saved")).json()["queries"]
        opened = (await second.get("/api/console/saved/Busy chats")).json()
        changed = (await save(second, "Busy chats", "select 2", opened["version"])).json()
        lost = await save(client, "Busy chats", "select 3", made["version"])
        again = await save(client, "Busy chats", "select 3")
        now = (await client.get("/api/console/saved/Busy chats")).json()
        gone = await client.delete("/api/console/saved/Busy chats")
        absent = await client.get("/api/console/saved/Busy chats")
    assert [(each["name"], each["sql"]) for each in listed] == [("Busy chats", None)]
    assert changed["sql"] == "select 2"
    assert [lost.status_code, again.status_code] == [409, 409]
    assert now["sql"] == "select 2"
    assert (gone.status_code, absent.status_code) == (200, 404)
    assert list((site.root / "chatkeep-queries").iterdir()) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_names_lead_nowhere_else(world: str, open_studio: Callable[..., Any], method: str):
    site = await open_studio(world)
    (site.root / "secret.sql").write_text("nobody's")
    folder = site.root / "chatkeep-queries"
    folder.mkdir()
    (folder / "linked.sql").symlink_to(site.root / "secret.sql")
    names = [
        "..%2Fsecret", "..%5Csecret", "%2e%2e%2fsecret", ".hidden", "a.b", "%00", "a%00b",
        "con%3A", "x" * 81, "%2Fetc%2Fpasswd", " ", "a%0Ab", "linked",
    ]  # fmt: skip
    async with aclosing(await site.client()) as client:
        for name in names:
            answer = await client.request(
                method,
                f"/api/console/saved/{name}",
                json={"sql": "x", "version": None} if method == "PUT" else None,
            )
            assert answer.status_code in {404, 405, 422}, (name, answer.text)
            assert "nobody's" not in answer.text
        refused = await save(client, "pw", "alter role x password 'hunter2'")
    assert refused.status_code == 422
    assert (site.root / "secret.sql").read_text() == "nobody's"
    assert {path.name for path in folder.iterdir()} == {"linked.sql"}


async def test_plans_come_as_postgresql_gives_them(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world, write=True)

    async def plan(client: httpx.AsyncClient, sql: str, **more: object) -> dict[str, Any]:
        answer = await client.post(
            "/api/console/plans", json={"id": "plan-1234", "sql": sql, **more}
        )
        document: dict[str, Any] = answer.json()
        return document

    async with aclosing(await site.client()) as client:
        estimated = await plan(client, 'select * from "ai-app-template_message"')
        measured = await plan(client, "explain (costs off) select * from pg_class", analyze=True)
        writing = await plan(client, 'delete from "ai-app-template_message"')
        refused = await plan(client, 'delete from "ai-app-template_message"', analyze=True)
        wrong = await plan(client, "-- why\nselect *\nfrom nowhere")
        utility = await plan(client, "vacuum")
        slow = await plan(client, "select pg_sleep(20)", analyze=True, seconds=0.2)
        asked = await run(client, 'select count(*) > 0 from "ai-app-template_message"')
    assert estimated["plan"]["Plan"]["Plan Rows"] > 0
    assert measured["plan"]["Execution Time"] > 0
    assert "Shared Hit Blocks" in measured["plan"]["Plan"]
    assert writing["plan"]["Plan"]["Operation"] == "Delete"
    assert refused["error"]["code"] == "read_only"
    assert (wrong["error"]["line"], wrong["error"]["column"]) == (3, 6)
    assert utility["error"]["code"] == "read_only"
    assert slow["error"]["code"] == "timeout"
    assert asked["statements"][0]["rows"] == [["t"]]


def test_a_long_literal_is_looked_through_at_once():
    began = time.process_time()
    assert not holds_secret("select '" + "x" * 190_000 + "'")
    assert holds_secret("select 'x://" + "y" * 1000 + ":hunter2@db/x'")
    # From each letter to the next colon it took minutes of everybody's.
    assert time.process_time() - began < 10


async def test_what_models_count_is_no_secret(world: str, open_studio: Callable[..., Any]):
    site = await open_studio(world)
    counted = "select sum(total_tokens), max(prompt_tokens) from t where model = 'm'"
    async with aclosing(await site.client()) as client:
        kept = await save(client, "Tokens", counted)
        refused = [
            await save(client, "Other", sql)
            for sql in ("insert into tokens values ('x')", "select 1 where refresh_token = 'x'")
        ]
    assert kept.status_code == 200
    assert [each.status_code for each in refused] == [422, 422]


async def test_others_are_answered_while_a_file_is_waited_for(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world)
    held, answered = threading.Event(), threading.Event()

    def hold() -> bool:
        with locked(site.root / ".chatkeep" / "studio"):
            held.set()
            return answered.wait(10)

    holding = asyncio.create_task(asyncio.to_thread(hold))
    await asyncio.to_thread(held.wait)
    async with aclosing(await site.client()) as client:
        saving = asyncio.create_task(save(client, "Waits", "select 1"))
        for _ in range(3):
            assert (await client.get("/api/console/saved")).status_code == 200
        assert not saving.done()
        answered.set()
        assert await holding, "nobody was answered until the file was free"
        assert (await saving).status_code == 200


async def test_there_are_at_most_a_thousand_saved_queries(
    world: str, open_studio: Callable[..., Any]
):
    site = await open_studio(world)
    folder = site.root / "chatkeep-queries"
    folder.mkdir()
    for n in range(1000):
        (folder / f"q{n}.sql").write_text("select 1")
    async with aclosing(await site.client()) as client:
        opened = (await client.get("/api/console/saved/q1")).json()
        changed = await save(client, "q1", "select 2", opened["version"])
        more = await save(client, "more", "select 2")
    assert (changed.status_code, more.status_code) == (200, 413)
    assert not (folder / "more.sql").exists()
