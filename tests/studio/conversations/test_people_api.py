"""People found by what somebody remembers of them, of few and of many."""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import httpx
import pytest

from chatkeep.database import Database
from chatkeep.insight import people
from chatkeep.insight.people import find_people, list_people
from fixtures.servers import Databases, PgServer
from fixtures.studio_world import (
    ADA,
    MAPS_SCHEMA,
    PREFIX,
    SCHEMA,
    SECRET,
    build_maps_world,
)


@pytest.fixture
async def api(world: str, open_studio: Callable[..., Any]) -> AsyncIterator[httpx.AsyncClient]:
    client = await (await open_studio(world)).client()
    yield client
    await client.aclose()


async def test_a_list_in_each_order_goes_on_from_a_cursor(api: httpx.AsyncClient):
    for order in ("newest", "email", "active"):
        ids: list[str] = []
        cursor = ""
        while cursor is not None:
            page = (
                await api.get(f"/api/people?order={order}&limit=2&cursor={cursor}")
                if cursor
                else await api.get(f"/api/people?order={order}&limit=2")
            ).json()
            assert page["order"] == order
            ids += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
        assert len(ids) == len(set(ids)) == 5
        if order == "email":
            assert ids[:2] == [ADA, "demo-alan"]
        if order == "active":
            assert set(ids[:2]) == {ADA, "demo-grace"}


async def test_someone_is_found_by_address_id_and_name(api: httpx.AsyncClient):
    for text, found in (
        ("ADA@example.com", [ADA]),
        ("ada@", [ADA]),
        ("demo-ada", [ADA]),
        ("lovel", [ADA]),
        ("%", []),
        ("nobody", []),
    ):
        page = (await api.get("/api/people", params={"q": text})).json()
        assert [one["id"] for one in page["items"]] == found, text
        assert page["reach"] == "everything"
    everybody = (await api.get("/api/people", params={"q": "example.com"})).json()
    assert len(everybody["items"]) == 5
    for refused in ("x" * 321, "a\0b"):
        assert (await api.get("/api/people", params={"q": refused})).status_code == 422
    assert (await api.get("/api/people?order=best")).json()["error"]["field"] == "order"
    assert (await api.get("/api/people?cursor=nonsense")).status_code == 422


async def run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def plan_of(url: str, sql: str) -> str:
    """Give the plan that PostgreSQL makes whatever the parameters are."""
    nulls = ", ".join(["null"] * len(set(re.findall(r"\$\d+", sql))))
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"set plan_cache_mode = force_generic_plan; prepare one as {sql}")
        execute = f"explain execute one({nulls})" if nulls else "explain execute one"
        return "\n".join(row[0] for row in await connection.fetch(execute))
    finally:
        await connection.close()


async def test_what_cannot_be_searched_for_says_why_in_whole_sentences(api: httpx.AsyncClient):
    for text, why in (("a\0", "It holds the character NUL"), ("a" * 321, "It is longer than 320")):
        error = (await api.get("/api/people", params={"q": text})).json()["error"]
        assert (error["field"], error["message"].partition(why)[0]) == (
            "q",
            "This is not searched for. ",
        )


async def test_of_many_only_beginnings_are_searched_by_indexes(
    world: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(people, "FEW", 3)
    await run(
        world,
        f"""insert into "{PREFIX}user" (id, email, name)
            select 'u' || n, 'u' || n || '@example.com', 'N ' || n from generate_series(1, 9999) n;
            analyze""",
    )
    async with Database(SCHEMA, world) as db:
        assert [one.id for one in (await find_people(db, "ada@e")).items] == [ADA]
        by_name = await find_people(db, "lovelace")
        assert (by_name.items, by_name.reach) == ([], "beginnings")
        assert [one.id for one in (await find_people(db, "lovelace", everywhere=True)).items] == [
            ADA
        ]
        page = await list_people(db, limit=3)
        assert (page.order, next(one.id for one in page.items)) == ("email", ADA)
        many = await find_people(db, "u1", limit=10)
        assert (len(many.items), many.more) == (10, True)
        sent: list[str] = []
        with db.observe(lambda told: sent.append(told.sql)):
            await find_people(db, "ada@e")
            await list_people(db, limit=3, after=page.next_cursor)
    for sql in sent:
        plan = await plan_of(world, sql)
        # Counting looks at a few rows, wherever they stand.
        assert "count(*)" in sql or f"Seq Scan on {PREFIX}user" not in plan.replace('"', ""), plan


async def test_a_person_is_told_without_secrets(api: httpx.AsyncClient):
    answer = await api.get(f"/api/people/{ADA}")
    told = answer.json()
    assert told["user"]["email"] == "ada@example.com"
    assert told["settings"]["theme"] == "dark"
    assert told["usage"]["total"]["answers"] == 4
    assert next(model["model"] for model in told["usage"]["models"]) == "gpt-x-large"
    assert SECRET not in answer.text
    missing = await api.get("/api/people/nobody")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "user_not_found")


async def test_chats_come_in_pages_and_the_trash_apart(api: httpx.AsyncClient):
    first = (await api.get(f"/api/people/{ADA}/chats")).json()
    assert [chat["id"] for chat in first["items"]][:1] == ["chat_evil"]
    trash = (await api.get(f"/api/people/{ADA}/chats?trash=1")).json()
    assert [(chat["id"], bool(chat["deletedAt"])) for chat in trash["items"]] == [
        ("chat_trashed", True)
    ]


async def test_people_of_the_other_preset_without_conversations(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases], open_studio: Callable[..., Any]
):
    url = await fresh_database(pg18)()
    await build_maps_world(url)
    client = await (await open_studio(url, schema=MAPS_SCHEMA)).client()
    try:
        page = (await client.get("/api/people", params={"q": "al"})).json()
        assert [(one["id"], one["active_at"]) for one in page["items"]] == [("maps-alan", None)]
        told = (await client.get("/api/people/maps-alan")).json()
        assert (told["has_chats"], told["usage"], told["settings"]) == (False, None, None)
        refused = await client.get("/api/chats/chat_1")
        assert refused.status_code == 404
        assert "keeps no conversations" in refused.json()["error"]["message"]
    finally:
        await client.aclose()
