"""Searching one user's messages and titles on a real database, with and without the index."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from benchmarks.search_cases import SCRIPTS, Script

from chatkeep import (
    Database,
    Found,
    InvalidCursorError,
    InvalidInputError,
    NewMessage,
    NewUsage,
    NewUser,
    Page,
    SearchFilter,
)
from chatkeep.access.scope import UserScope
from chatkeep.access.search import Search
from chatkeep.presets import deepsearch

START = datetime(2026, 1, 1, tzinfo=UTC)
TOPICS = ("postgres index", "an index of books", "Postgres POSTGRES postgres", "nothing of it")


_numbers = count()


@pytest_asyncio.fixture(loop_scope="session")
async def mine(db: Database) -> UserScope:
    """A new user with two chats, beside another one with the same."""
    users = [
        await db.users.create(NewUser(email=f"{next(_numbers)}@example.com")) for _ in range(2)
    ]
    for user in users:
        scope = db.as_user(user.id)
        for title in ("Databases", "Postgres hints"):
            chat = await scope.chats.create(title=title)
            texts = [NewMessage(role="user", content=text) for text in TOPICS]
            await scope.messages.append(chat.id, *texts)
    return db.as_user(users[0].id)


def shown(page: Page[Found]) -> list[str]:
    return [found.marked("[", "]") for found in page.items]


async def walked(scope: UserScope, query: str, limit: int, **options: Any) -> list[Found]:
    """All pages, one after the other."""
    found: list[Found] = []
    page = await scope.search(query, limit=limit, **options)
    while True:
        found += page.items
        assert len(page.items) <= limit
        if page.next_cursor is None:
            return found
        page = await scope.search(query, limit=limit, after=page.next_cursor, **options)


async def test_the_best_come_first_with_their_titles(mine: UserScope, db: Database) -> None:
    with db.statements() as sent:
        page = await mine.search("postgres")
    assert sent.names == ["search.page"]
    assert shown(page) == [
        "[Postgres] hints",
        *["[Postgres] [POSTGRES] [postgres]"] * 2,
        *["[postgres] index"] * 2,
    ]
    title, message = page.items[:2]
    assert (title.message_id, title.role, title.chat_title) == (None, None, "Postgres hints")
    assert message.role == "user"
    assert message.message_id is not None
    assert (await mine.messages.get(message.message_id)).chat_id == message.chat_id
    assert title.rank > message.rank > page.items[-1].rank > 0
    assert page.next_cursor is None
    assert b'"messageId":null' in title.to_json()


async def test_words_that_follow_one_another_rank_higher(mine: UserScope) -> None:
    chat = await mine.chats.create(title="-")
    for text in ("an index for postgres tables", "tables: postgres index rules, here"):
        await mine.messages.append(chat.id, NewMessage(role="user", content=text))
    found = shown(await mine.search("postgres index", where=SearchFilter(chat_id=chat.id)))
    assert found == [
        "tables: [postgres] [index] rules, here",
        "an [index] for [postgres] tables",
    ]


async def test_only_what_is_asked_for_is_found(mine: UserScope) -> None:
    for query, number in [
        ("postgres index", 2),
        ('"index postgres"', 0),
        ('"postgres index"', 2),
        ("ind*", 4),
        ("postgres -index", 3),
        ('postgres -"postgres index"', 3),
        ('"postgres postgres"', 2),
        ("index -post*", 2),
        ("ostgres", 0),
    ]:
        for order in ("relevance", "newest"):
            page = await mine.search(query, order=order)
            assert len(page.items) == number, (query, order)


async def test_what_separates_as_it_stands_is_ranked(mine: UserScope) -> None:
    chat = await mine.chats.create(title="-")
    text = "① first (₨ 100), grade Ⓐ"
    await mine.messages.append(chat.id, NewMessage(role="user", content=text))
    for query in ("①", "① first", "₨", "Ⓐ", "① ₨ Ⓐ", "grade Ⓐ*", '"① first"'):
        for order in ("relevance", "newest"):
            (hit,) = (await mine.search(query, order=order)).items
            assert hit.highlights, query


@pytest.mark.parametrize("order", ["relevance", "newest"])
async def test_pages_give_everything_once(mine: UserScope, order: Any) -> None:
    whole = (await mine.search("postgres", limit=100, order=order)).items
    for limit in (1, 2, 3):
        assert await walked(mine, "postgres", limit, order=order) == whole


async def test_the_newest_order_goes_through_all_and_relevance_through_200(
    mine: UserScope, connection: asyncpg.Connection
) -> None:
    chat = await mine.chats.create(title="many")
    await connection.execute(
        "INSERT INTO x_message (id, chat_id, user_id, role, content, created_at)"
        " SELECT $2 || '_' || lpad(n::text, 3, '0'), $1, $2, 'user', 'marble ' || repeat('marble ', n / 250),"
        " $3::timestamptz + n / 3 * interval '1 s' FROM generate_series(1, 300) n",
        chat.id,
        mine.user_id,
        START,
    )
    newest = await walked(mine, "marble", 70, order="newest")
    assert len({found.message_id for found in newest}) == 300
    times = [found.created_at for found in newest]
    assert times == sorted(times, reverse=True)
    assert {found.rank for found in newest} == {0.0}
    ranked = await walked(mine, "marble", 70)
    numbers = [int(str(found.message_id).partition("_")[2]) for found in ranked]
    assert set(numbers) == set(range(101, 301))
    assert numbers[0] == 300
    ranks = [found.rank for found in ranked]
    assert ranks == sorted(ranks, reverse=True)


async def test_what_comes_between_pages_moves_nothing(mine: UserScope) -> None:
    whole = (await mine.search("postgres", limit=100)).items
    first = await mine.search("postgres", limit=2)
    chat = await mine.chats.create(title="postgres")
    await mine.messages.append(chat.id, NewMessage(role="user", content="postgres " * 9))
    rest = await mine.search("postgres", limit=100, after=first.next_cursor)
    assert [*first.items, *rest.items] == whole


async def test_filters_leave_out(mine: UserScope, connection: asyncpg.Connection) -> None:
    chat = await mine.chats.create(title="marble one")
    texts = [("user", "marble a"), ("assistant", "marble b"), ("assistant", "marble c")]
    stored = await mine.messages.append(
        chat.id, *(NewMessage(role=role, content=text) for role, text in texts)
    )
    other = await mine.chats.create(title="marble two")
    await mine.usage.record(stored[1].id, NewUsage(model="small"))
    for number, message in enumerate(stored):
        await connection.execute(
            "UPDATE x_message SET created_at = $2 WHERE id = $1",
            message.id,
            START + timedelta(days=number),
        )

    async def found(**given: Any) -> str:
        page = await mine.search("marble", order="newest", where=SearchFilter(**given))
        return " ".join(item.snippet.removeprefix("marble ") for item in page.items)

    assert await found() == "two one c b a"
    assert await found(messages=False) == "two one"
    assert await found(titles=False) == "c b a"
    assert await found(chat_id=chat.id) == "one c b a"
    assert await found(chat_id=other.id) == "two"
    assert await found(role="assistant") == "c b"
    assert await found(model="small") == "b"
    assert await found(model="large") == ""
    assert await found(until=START + timedelta(days=1)) == "a"
    assert await found(titles=False, since=START + timedelta(days=1)) == "c b"
    assert await found(role="user", since=START, until=START + timedelta(days=9)) == "a"


async def test_what_is_deleted_is_not_found(
    mine: UserScope, connection: asyncpg.Connection
) -> None:
    chat = await mine.chats.create(title="marble")
    (message,) = await mine.messages.append(chat.id, NewMessage(role="user", content="marble"))
    await mine.messages.delete(message.id)
    assert len((await mine.search("marble")).items) == 1
    await mine.messages.restore(message.id)
    assert len((await mine.search("marble")).items) == 2
    # Another program puts the chat alone into the trash.
    await connection.execute("UPDATE x_chat SET deleted_at = now() WHERE id = $1", chat.id)
    for order in ("relevance", "newest"):
        assert (await mine.search("marble", order=order)).items == []


async def test_branches_that_are_not_shown_are_searched(mine: UserScope) -> None:
    chat = await mine.chats.create(title="-")
    (first,) = await mine.messages.append(chat.id, NewMessage(role="user", content="marble one"))
    await mine.messages.edit(first.id, NewMessage(role="user", content="marble two"))
    assert len((await mine.search("marble")).items) == 2


async def test_a_transaction_finds_what_it_wrote(db: Database, mine: UserScope) -> None:
    async with db.transaction() as tx:
        scope = tx.as_user(mine.user_id)
        chat = await scope.chats.create(title="marble")
        await scope.messages.append(chat.id, NewMessage(role="user", content="marble"))
        assert len((await scope.search("marble")).items) == 2
        assert (await mine.search("marble")).items == []


async def test_a_long_text_gives_the_part_around_the_hit(mine: UserScope) -> None:
    chat = await mine.chats.create(title="-")
    body = f"{'catalogue ' * 2000}the Résumé of a cat {'catalogue ' * 3000}"
    await mine.messages.append(chat.id, NewMessage(role="user", content=body))
    for query, mark in (("cat", "[cat]"), ("resume", "[Résumé]"), ('"of a"', "[of a]")):
        (found,) = shown(await mine.search(query))
        assert mark in found
        assert found.startswith("…")
        assert found.endswith("…")
        assert len(found) < 400


async def test_a_hit_in_a_long_text_is_shown_however_it_is_written(mine: UserScope) -> None:
    """Some are located as they are written, and some, with unusual letters, in pieces of the text."""
    chat = await mine.chats.create(title="-")
    where = SearchFilter(chat_id=chat.id)
    before = "".join(f"wörd w{n} \u2013 " for n in range(1200))
    for query, written in [
        *(
            ("straße", "STRASSE"),
            ("strasse", "Straße"),
            ("gross", "groß"),
            ("aesthetic", "æsthetic"),
        ),
        *(
            ("oeuvre", "œuvre"),
            ("file", "ﬁle"),
            ("first", "ﬁrﬆ"),
            ("office", "oﬃce"),
            ("viii", "Ⅷ"),
        ),
        *(("احمد", "أحمد"), ("الى", "إلى"), ("น้ำตาล", "น้ำตาล"), ("น้ําตาล", "น้ำตาล")),
        *(("データ", "ﾃﾞｰﾀ"), ("ガ", "カ\u3099"), ("한글", "\u1112\u1161\u11ab글"), ("①", "1")),
        *(
            ("PostgreSQL查询", "PostgreSQL查询"),
            ("株式会社", "㍿"),
            ("m2", "㎡"),
            ("1\u20442", "½"),
        ),
        *(("go straße", "Straße go"), ("cafe", "ca\u00adfe\u0301"), ("y" * 70, "y" * 70)),
    ]:
        body = f"{before}xgross grosx {written} and {before}"
        (stored,) = await mine.messages.append(chat.id, NewMessage(role="user", content=body))
        (found,) = shown(await mine.search(query, where=where))
        assert "[" in found, query
        assert found[0] == found[-1] == "…", query
        assert len(found) < 400
        await mine.messages.delete(stored.id)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
async def test_the_60_queries_find_what_is_meant(mine: UserScope, script: Script) -> None:
    chat = await mine.chats.create(title="-")
    ids: dict[str, str] = {}
    for name, text in script.texts.items():
        (stored,) = await mine.messages.append(chat.id, NewMessage(role="user", content=text))
        ids[stored.id] = name
    for query, wanted in script.queries.items():
        where = SearchFilter(chat_id=chat.id)
        hits = (await mine.search(query, where=where)).items
        assert "".join(sorted(ids[str(hit.message_id)] for hit in hits)) == wanted, query
        for hit in hits:
            assert hit.highlights, query
            text = script.texts[ids[str(hit.message_id)]]
            assert hit.snippet == text
    await mine.messages.append(chat.id, NewMessage(role="user", content="-"))
    for text in script.texts.values():  # the same as titles
        await mine.chats.create(title=text)
    for query, wanted in script.queries.items():
        hits = (await mine.search(query, where=SearchFilter(messages=False))).items
        texts = {name: text for name, text in script.texts.items() if name in wanted}
        assert {hit.snippet for hit in hits} == set(texts.values()), query


def test_there_are_60_queries_in_ten_scripts() -> None:
    assert len(SCRIPTS) == 10
    assert sum(len(script.queries) for script in SCRIPTS) == 60


# Not open: a statement would say so.
NOWHERE = Database(deepsearch.schema(), "postgresql://nobody@localhost/nothing").as_user("u")
BAD: Mapping[str, tuple[str, dict[str, Any]]] = {
    "no text": ("query", {"query": None}),
    "nothing to search for": ("query", {"query": "-secret"}),
    "too long": ("query", {"query": "secret" * 1000}),
    "NUL": ("query", {"query": "secret\0"}),
    "surrogate": ("query", {"query": "secret\ud800"}),
    "no limit": ("limit", {"limit": 0}),
    "a great limit": ("limit", {"limit": 1001}),
    "a limit of text": ("limit", {"limit": "5"}),
    "another order": ("order", {"order": "secret"}),
    "an order of another type": ("order", {"order": ["newest"]}),
    "no filter": ("where", {"where": {"role": "user"}}),
    "nothing left": ("where", {"where": SearchFilter(titles=False, messages=False)}),
    "titles of a role": ("where", {"where": SearchFilter(messages=False, role="user")}),
}


@pytest.mark.parametrize("what", BAD)
async def test_bad_input_is_refused_before_anything_is_sent(what: str) -> None:
    field, given = BAD[what]
    with pytest.raises(InvalidInputError) as refused:
        await NOWHERE.search(**{"query": "word", **given})
    assert refused.value.field == field
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        {"chat_id": ""},
        {"chat_id": "x\0"},
        {"role": "nobody"},
        {"since": 5},
        {"until": datetime(2026, 1, 1)},  # noqa: DTZ001 - what is refused
        {"model": "m" * 256},
        {"titles": "yes"},
        {"what": 1},
    ],
    ids=str,
)
def test_a_filter_takes_no_bad_values(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        SearchFilter(**given)
    assert refused.value.field == next(iter(given))


async def test_a_cursor_is_good_for_its_search_alone(mine: UserScope, db: Database) -> None:
    page = await mine.search("postgres", limit=1)
    cursor = page.next_cursor
    chat = SearchFilter(chat_id=page.items[0].chat_id)
    other = db.as_user("somebody")
    for scope, query, options in [
        (mine, "index", {}),
        (mine, "postgres", {"order": "newest"}),
        (mine, "postgres", {"where": chat}),
        (other, "postgres", {}),
    ]:
        with pytest.raises(InvalidCursorError):
            await scope.search(query, after=cursor, **options)
    for bad in ("", "x", f"{cursor}x", 5, b"x"):
        with pytest.raises(InvalidCursorError):
            await mine.search("postgres", after=bad)


async def test_candidates_and_what_is_shown_of_them(mine: UserScope) -> None:
    search = Search(mine._runner, mine._catalogue.search, mine.user_id)
    ids = await search.candidates("postgres")
    page = await mine.search("postgres", where=SearchFilter(titles=False))
    assert ids == [found.message_id for found in page.items]
    found = await search.shown("postgres", [*reversed(ids), "nobody's"])
    assert [hit.message_id for hit in found] == ids[::-1]
    assert [hit.snippet for hit in found] == [hit.snippet for hit in reversed(page.items)]
    of_chat = await search.candidates("postgres", SearchFilter(chat_id=page.items[0].chat_id))
    assert set(of_chat) < set(ids)
