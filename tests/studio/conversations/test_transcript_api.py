"""A chat as the pages ask for it: branches, places, what belongs to each message, the trash."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from chatkeep.database import Database
from chatkeep.inputs.deepsearch import NewMessage
from chatkeep.insight import transcripts
from chatkeep.insight.people import find_people, list_people
from chatkeep.insight.searching import explain_search
from chatkeep.studio.conversations.transcripts import MAX_CONTENT, MAX_PARTS
from fixtures.servers import Databases, PgServer
from fixtures.studio_world import (
    ADA,
    EMPTY_CHAT,
    LONG,
    LONG_CHAT,
    PREFIX,
    RICH_CHAT,
    SCHEMA,
    TRASHED_CHAT,
    build_world,
)
from studio.conversations.test_people_api import run


@pytest.fixture
async def api(world: str, open_studio: Callable[..., Any]) -> AsyncIterator[httpx.AsyncClient]:
    client = await (await open_studio(world)).client()
    yield client
    await client.aclose()


async def read(api: httpx.AsyncClient, chat: str, **asked: object) -> dict[str, Any]:
    answer = await api.get(f"/api/chats/{chat}/messages", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(page: dict[str, Any]) -> list[str]:
    return [one["id"].removeprefix("msg_rich_") for one in page["items"]]


SHOWN = ["s", "q", "a", "q3", "a3", "q4", "call", "tool", "a4", "q5", "a5"]


async def test_a_chat_is_told_with_its_owner_and_its_shares(api: httpx.AsyncClient):
    told = (await api.get(f"/api/chats/{RICH_CHAT}")).json()
    assert told["chat"]["title"] == "Partial indexes in PostgreSQL"
    assert told["owner"]["email"] == "ada@example.com"
    assert told["messages"] == 14
    assert sorted(share["kind"] for share in told["shares"]) == ["live", "snapshot"]
    assert "token" not in str(told)
    missing = await api.get("/api/chats/nothing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "chat_not_found")


async def test_each_message_has_what_belongs_to_it(api: httpx.AsyncClient):
    page = await read(api, RICH_CHAT)
    assert ids(page) == SHOWN
    assert (page["before"], page["after"], page["tip"]) == (None, None, None)
    by_id = dict(zip(ids(page), page["items"], strict=True))
    assert by_id["a"]["siblings"] == ["msg_rich_a0", "msg_rich_a"]
    assert by_id["q3"]["siblings"] == ["msg_rich_q2", "msg_rich_q3"]
    assert by_id["q"]["siblings"] is None
    assert by_id["a"]["usage"]["cost"] == "0.0174000000"
    assert by_id["a"]["feedback"]["comment"] == "Just what I needed."
    assert [source["url"][:11] for source in by_id["a"]["sources"]] == [
        "https://www",
        "https://pla",
        "javascript:",
    ]


async def test_a_branch_is_read_by_any_message_on_its_way(api: httpx.AsyncClient):
    other = await read(api, RICH_CHAT, branch="msg_rich_q2")
    assert (ids(other), other["tip"]) == (["s", "q", "a", "q2", "a2"], "msg_rich_a2")
    first = await read(api, RICH_CHAT, branch="msg_rich_a0")
    assert ids(first) == ["s", "q", "a0"]
    back = await read(api, RICH_CHAT, branch="msg_rich_a")  # on the way to the head
    assert (ids(back), back["tip"]) == (SHOWN, "msg_rich_a5")
    foreign = await api.get(f"/api/chats/{RICH_CHAT}/messages?branch=msg_evil_q")
    assert foreign.status_code == 404


async def test_a_long_chat_is_read_from_any_place_without_a_gap(api: httpx.AsyncClient):
    start = await read(api, LONG_CHAT, limit=200)
    assert start["items"][0]["content"] == "Question 1"
    seen = [one["id"] for one in start["items"]]
    after = start["after"]
    while after:
        page = await read(api, LONG_CHAT, limit=200, after=after)
        seen += [one["id"] for one in page["items"]]
        after = page["after"]
    assert len(set(seen)) == len(seen) == LONG
    end = await read(api, LONG_CHAT, before="end")
    assert [one["id"] for one in end["items"]] == seen[-50:]
    assert end["after"] is None
    earlier = await read(api, LONG_CHAT, before=end["before"])
    assert [one["id"] for one in earlier["items"]] == seen[-100:-50]
    later = await read(api, LONG_CHAT, after=earlier["after"])
    assert [one["id"] for one in later["items"]] == seen[-50:]
    for place in (0, 1, 777, LONG - 1):
        near = await read(api, LONG_CHAT, near=seen[place], limit=20)
        shown = [one["id"] for one in near["items"]]
        first = max(place - 10, 0)
        assert shown == seen[first : place + 11]
        assert bool(near["before"]) == (first > 0)
        assert bool(near["after"]) == (place + 11 < LONG)


async def test_what_the_seeds_code_wrote_is_read_from_any_place(api: httpx.AsyncClient, world: str):
    await run(
        world,
        f"""insert into "{PREFIX}chat" (id, user_id, title) values ('seeds', '{ADA}', 'Seed');
            insert into "{PREFIX}message" (id, chat_id, user_id, role, content)
            select 's' || n, 'seeds', '{ADA}', 'user', 'n' from generate_series(0, 29) n""",
    )
    near = await read(api, "seeds", near="s15", limit=10)
    assert ids(near) == [f"s{n}" for n in range(10, 21)]
    assert ids(await read(api, "seeds", after=near["after"])) == [f"s{n}" for n in range(21, 30)]
    foreign = await api.get("/api/chats/seeds/messages?near=msg_evil_q")
    assert foreign.status_code == 404


async def test_what_is_in_the_trash_can_be_read(api: httpx.AsyncClient):
    told = (await api.get(f"/api/chats/{TRASHED_CHAT}")).json()
    assert told["chat"]["deleted_at"]
    page = await read(api, TRASHED_CHAT)
    assert [one["content"] for one in page["items"]] == ["Forget this."]
    assert (await read(api, EMPTY_CHAT))["items"] == []


async def test_what_is_huge_is_cut_and_told(api: httpx.AsyncClient, world: str):
    await run(
        world,
        f"""update "{PREFIX}message" set content = repeat('x', {MAX_CONTENT + 5}),
            parts = to_jsonb(repeat('y', {MAX_PARTS})) where id = 'msg_rich_a5'""",
    )
    last = (await read(api, RICH_CHAT, before="end", limit=1))["items"][0]
    assert (len(last["content"]), last["parts"]) == (MAX_CONTENT, None)
    assert last["left_out"] == {"characters": 5, "parts": MAX_PARTS + 2}


async def test_a_page_of_what_is_large_stays_bounded(api: httpx.AsyncClient, world: str):
    await run(
        world,
        f"""update "{PREFIX}message" set content = repeat('x', 150000),
            parts = to_jsonb(repeat('y', 900000)) where chat_id = '{RICH_CHAT}'""",
    )
    answer = await api.get(f"/api/chats/{RICH_CHAT}/messages")
    assert len(answer.content) < 10 * 2**20
    shown = answer.json()["items"]
    assert len(shown) == len(SHOWN)
    assert (len(shown[0]["content"]), len(shown[0]["parts"])) == (150_000, 900_000)
    assert (len(shown[-1]["content"]), shown[-1]["parts"]) == (2_000, None)
    assert shown[-1]["left_out"] == {"characters": 148_000, "parts": 900_002}


async def test_ids_may_hold_a_slash(api: httpx.AsyncClient, world: str):
    await run(
        world,
        f"""insert into "{PREFIX}user" (id, email) values ('auth/1', 'slash@example.com');
            insert into "{PREFIX}chat" (id, user_id, title) values ('a/b', 'auth/1', 'Cut');
            insert into "{PREFIX}message" (id, chat_id, user_id, role, content)
            values ('m/1', 'a/b', 'auth/1', 'user', 'n')""",
    )
    person = (await api.get("/api/people/auth%2F1")).json()
    assert person["user"]["email"] == "slash@example.com"
    chats = (await api.get("/api/people/auth%2F1/chats")).json()
    assert [each["id"] for each in chats["items"]] == ["a/b"]
    assert (await api.get("/api/chats/a%2Fb")).json()["chat"]["title"] == "Cut"
    assert ids(await read(api, "a%2Fb", near="m/1")) == ["m/1"]


async def test_a_search_says_how_it_was_read_and_planned(api: httpx.AsyncClient):
    asked = {"user": ADA, "q": '"partial index" plann* Größe -mongodb'}
    told = (await api.get("/api/search", params={**asked, "q": "partial ind* -mongodb"})).json()
    found = {hit["messageId"] for hit in told["items"]}
    assert {None, "msg_rich_q", "msg_rich_a"} <= found
    assert [hit["rank"] for hit in told["items"]] == sorted(
        (hit["rank"] for hit in told["items"]), reverse=True
    )
    read_as = (await api.get("/api/search", params=asked)).json()["read"]
    assert [(term["kind"], term["typed"], term["excluded"]) for term in read_as["terms"]] == [
        ("phrase", "partial index", False),
        ("prefix", "plann", False),
        ("word", "größe", False),
        ("word", "mongodb", True),
    ]
    lexemes = [(one["text"], one["prefix"], one["excluded"]) for one in read_as["lexemes"]]
    assert lexemes == [
        ("partial", False, False),
        ("index", False, False),
        ("plann", True, False),
        ("grosse", False, False),
        ("mongodb", False, True),
    ]
    plan = (await api.get("/api/search/plan", params=asked)).json()["plan"]
    assert any("Execution Time" in line for line in plan)
    titles = (
        await api.get("/api/search", params={"user": ADA, "q": "partial", "in": "titles"})
    ).json()
    assert [hit["messageId"] for hit in titles["items"]] == [None]


async def test_a_search_that_cannot_be_says_why(api: httpx.AsyncClient):
    for asked, field in (
        ({"q": "x"}, "user"),
        ({"user": ADA, "q": "-x"}, "query"),
        ({"user": ADA, "q": "x", "since": "soon"}, "since"),
        ({"user": ADA, "q": "x", "order": "best"}, "order"),
    ):
        refused = await api.get("/api/search", params=asked)
        assert refused.status_code == 422
        assert refused.json()["error"]["field"] == field


@pytest.mark.needs("pg15")
async def test_people_and_branches_on_the_oldest_server(
    pg15: PgServer, fresh_database: Callable[[PgServer], Databases]
):
    url = await fresh_database(pg15)()
    await build_world(url)
    async with Database(SCHEMA, url) as db:
        assert [one.id for one in (await find_people(db, "ada@")).items] == [ADA]
        assert len((await list_people(db, "active")).items) == 5
        head = await transcripts.chat_head(db, RICH_CHAT)
        assert await transcripts.tip_below(db, head, "msg_rich_q2") == "msg_rich_a2"
        await db.messages.append(RICH_CHAT, NewMessage(role="user", content="Thanks."))
        head = await transcripts.chat_head(db, RICH_CHAT)
        assert await transcripts.tip_below(db, head, "msg_rich_a") == head.head
        assert await explain_search(db, ADA, "partial")
        page = await db.messages.list(LONG_CHAT, 5)
        assert db.messages.cursor_of(page.items[-1]) == page.next_cursor
