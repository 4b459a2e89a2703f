"""open-webui: what is read of each release, what is written back, and what is refused."""

import json
import sqlite3
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatkeep.errors import (
    BadRecordError,
    ConnectionFailedError,
    ExchangeError,
    InvalidUrlError,
    SchemaMismatchError,
    StatementError,
)
from chatkeep.exchange.foreign import open_foreign, table_of
from chatkeep.exchange.foreign_sqlite import open_sqlite
from chatkeep.exchange.model import BadRecord, Conversation, Node, Options
from chatkeep.exchange.open_webui import read_open_webui, write_open_webui
from chatkeep.records.deepsearch import MessageMetadata, Source
from exchange.open_webui_tables import ADA, AT, BOB, RELEASES, Place, make, tree_chat
from fixtures.servers import Databases, PgServer

Make = Callable[[PgServer], Databases]
ALL = Options()


async def read(url: str, options: Options = ALL) -> list[Conversation | BadRecord]:
    async with read_open_webui(url, options) as reader:
        found = [each async for each in reader]
        assert reader.done == reader.size == len(found)
    return found


async def chats(url: str) -> dict[str, Conversation]:
    return {chat.id: chat for chat in await read(url) if isinstance(chat, Conversation)}


async def write(url: str, *conversations: Conversation, account: str | None = None) -> None:
    async with write_open_webui(url, Options(account=account)) as writer:
        for conversation in conversations:
            await writer.write(conversation)


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "webui.db")


@pytest.mark.parametrize("release", RELEASES)
async def test_what_was_read_and_written_back_is_the_same(
    pg: PgServer, fresh_database: Make, tmp_path: Path, release: str
):
    new = fresh_database(pg)
    source = await make(await new(), release)
    conversations = (await chats(source.url)).values()
    expected = await source.contents(release)
    expected["chat"] = [row for row in expected["chat"] if row["id"] != "c9"]
    assert len(conversations) == len(expected["chat"]) == 3
    for target_url in (await new(), tmp_path / "webui.db"):
        target = await make(target_url, release, rows=False)
        for _ in range(2):  # the second time adds nothing
            await write(target.url, *conversations)
        assert await target.contents(release) == expected
    back = await make(await new(), release, rows=False)
    await write(back.url, *(await chats(str(tmp_path / "webui.db"))).values())
    assert await back.contents(release) == expected


async def test_the_tree_with_all_that_is_known_of_its_messages(file: str):
    await make(file, "2026-08")
    chat = (await chats(file))["c1"]
    assert (chat.title, chat.owner, chat.is_pinned) == ("B-trees", "Ada@example.com", True)
    assert chat.created_at == datetime.fromtimestamp(AT, UTC)
    assert chat.updated_at == datetime.fromtimestamp(AT + 200, UTC)
    assert chat.record["row"]["archived"] is True
    nodes = {node.id: node for node in chat.nodes}
    assert {node.id: node.parent for node in chat.nodes} == {
        "m1": None, "m2": "m1", "m3": "m1", "m4": "m1", "m5": "m4", "m6": "m5",
    }  # fmt: skip
    assert chat.head == "m6"
    assert [nodes[f"m{n}"].status for n in (2, 3, 6)] == ["error", "complete", "interrupted"]
    assert (nodes["m3"].vote, nodes["m3"].comment) == (-1, "too short")
    assert nodes["m1"].content == "What is a B-tree? 木"
    assert nodes["m6"].content == "Because"
    assert nodes["m4"].parts == tree_chat()["chat"]["history"]["messages"]["m4"]
    assert nodes["m4"].sources == [Source("B-trees", "https://example.com/b", "A B-tree is …")]
    usage, metadata = nodes["m4"].usage, nodes["m4"].metadata
    assert usage is not None
    assert metadata is not None
    assert (usage.model, usage.prompt_tokens, usage.completion_tokens) == ("gpt", 12, 34)
    assert str(usage.cost) == "0.0020000000"
    assert metadata.model == "gpt"


async def test_a_list_without_ids_and_times_in_milliseconds(file: str):
    await make(file, "2024-06")
    found = await chats(file)
    old, bare = found["c2"], found["c3"]
    assert [(node.id, node.parent, node.content) for node in old.nodes] == [
        ("0", None, "Hi"), ("1", "0", "Hello!"),
    ]  # fmt: skip
    usage = old.nodes[1].usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.latency_ms) == (3, 5, 2500)
    assert bare.created_at == datetime.fromtimestamp(AT + 0.125, UTC)
    assert bare.nodes[0].created_at == datetime.fromtimestamp(AT + 0.25, UTC)


async def test_a_message_that_has_a_row_alone_is_read_and_written_as_one(file: str, tmp_path: Path):
    source = await make(file, "2026-08")
    row = {
        "id": "c1-x1", "chat_id": "c1", "user_id": ADA, "role": "assistant", "parent_id": "m5",
        "content": "From a worker", "created_at": AT + 300, "updated_at": AT + 301, "done": True,
    }  # fmt: skip
    await source.insert("chat_message", row)
    chat = (await chats(file))["c1"]
    node = next(node for node in chat.nodes if node.id == "x1")
    assert (node.content, node.parent, chat.head) == ("From a worker", "m5", "m6")
    target = await make(tmp_path / "copy.db", "2026-08", rows=False)
    await write(target.url, *(await chats(file)).values())
    assert await target.contents("2026-08") == await source.contents("2026-08")


@pytest.mark.parametrize("account", [BOB, "Bob@example.com"])
async def test_one_account_of_the_source(file: str, account: str):
    await make(file, "2025-12")
    (chat,) = await read(file, Options(account=account))
    assert isinstance(chat, Conversation)
    assert chat.id == "c2"
    with pytest.raises(ExchangeError, match="has no such account"):
        await read(file, Options(account="nobody@example.com"))


async def test_two_accounts_with_one_address_are_refused_with_their_ids(file: str):
    place = await make(file, "2024-06")
    await place.run(f"""UPDATE "user" SET email = 'ADA@example.com' WHERE id = '{BOB}'""")
    both = f"2 accounts .* {ADA}, {BOB}"
    with pytest.raises(ExchangeError, match=both):
        await read(file, Options(account="ada@example.com"))
    (chat,) = await read(file, Options(account=BOB))
    assert isinstance(chat, Conversation)
    assert chat.id == "c2"
    chat = ours()
    chat.owner = "ada@example.com"
    with pytest.raises(BadRecordError, match=both):
        await write(file, chat)
    await write(file, chat, account=ADA)


async def test_an_id_is_looked_for_before_an_address(file: str):
    place = await make(file, "2024-06")
    await place.run(f"""UPDATE "user" SET email = '{BOB}' WHERE id = '{ADA}'""")
    found = await read(file, Options(account=BOB))
    assert {chat.owner for chat in found if isinstance(chat, Conversation)} == {"bob@example.com"}


async def test_a_file_that_is_not_there_is_told_as_such(file: str, tmp_path: Path):
    with pytest.raises(ExchangeError, match=r"There is no file .*webui\.db") as caught:
        await read(file)
    assert "path" in (caught.value.hint or "")
    with pytest.raises(ExchangeError, match=r"There is no file .*webui\.db") as caught:
        await write(file, ours())
    assert "Start open-webui once" in (caught.value.hint or "")
    assert not Path(file).exists()
    with pytest.raises(ExchangeError, match="is no file"):
        await read(str(tmp_path))


async def test_a_file_that_another_program_holds_is_told_as_such(file: str):
    await make(file, "2024-06")
    holding = sqlite3.connect(file, isolation_level=None)
    try:
        holding.execute("BEGIN EXCLUSIVE")
        for read_only in (True, False):
            opened = open_sqlite(file, product="x", read_only=read_only, wait=0)
            with pytest.raises(ConnectionFailedError, match="locked") as caught:
                async with opened as foreign:
                    await foreign.shape()
            assert "Another program" in (caught.value.hint or "")
    finally:
        holding.close()


BROKEN = {
    "c4": ('{"history": {"messages": {"a": {"role": "user"', "chat 'c4'.chat"),
    "c5": ({"a": {"role": "user", "parentId": "gone", "content": "?"}},
           "chat 'c5'.chat.history.messages.a"),
    "c6": ({"a": {"role": "user", "parentId": "b", "content": "?"},
            "b": {"role": "user", "parentId": "a", "content": "?"}},
           "chat 'c6'.chat.history.messages"),
    "c7": ({"a": {"role": "robot", "content": "?"}}, "chat 'c7'.chat.history.messages.a.role"),
    "c8": ({"a": {"role": "user", "content": "a\0b"}},
           "chat 'c8'.chat.history.messages.a.content"),
    "c90": ({"a": "text"}, "chat 'c90'.chat.history.messages.a"),
    "c91": ("[]", "chat 'c91'.chat"),
    "c92": ('{"history": {"messages": {"a": {"role": "user", "content": NaN}}}}', "chat 'c92'.chat"),
}  # fmt: skip


async def test_a_bad_record_is_told_with_its_place_and_the_others_are_read(file: str):
    place = await make(file, "2024-06")
    for chat_id, (value, _) in BROKEN.items():
        body = value if isinstance(value, str) else json.dumps({"history": {"messages": value}})
        await place.run(
            "INSERT INTO chat (id, user_id, chat, created_at, updated_at) VALUES ($1, $2, $3, 1, 1)",
            chat_id, ADA, body,
        )  # fmt: skip
    await place.run("UPDATE chat SET title = CAST(x'61ff' AS text) WHERE id = 'c3'")
    found = await read(file)
    bad = [each for each in found if isinstance(each, BadRecord)]
    assert {each.place.key for each in bad} == {"chat 'c3'.title", *(k for _, k in BROKEN.values())}
    assert len(found) - len(bad) == 2
    assert not any("robot" in each.problem or "gone" in each.problem for each in bad)


async def test_a_broken_value_in_postgresql_is_told_too(database_url: str):
    place = await make(database_url, "2026-08")
    body = json.dumps({"history": {"messages": {"a": {"role": "user", "content": "a\0b"}}}})
    await place.run("UPDATE chat SET chat = $1 WHERE id = 'c2'", body)
    await place.run("""UPDATE chat_message SET content = '"\\u0000"' WHERE id = 'c3-m1'""")
    keys = [each.place.key for each in await read(database_url) if isinstance(each, BadRecord)]
    assert keys == ["chat 'c2'.chat.history.messages.a.content", "chat_message 'c3-m1'.content"]


async def test_a_database_of_something_else_is_refused_with_what_it_misses(
    file: str, tmp_path: Path
):
    await Place(file).run("CREATE TABLE other (id text)")
    with pytest.raises(SchemaMismatchError, match="no table user, no table chat"):
        await read(file)
    partial = await make(tmp_path / "partial.db", "2026-08", rows=False)
    await partial.run("ALTER TABLE chat_message DROP COLUMN sources")
    with pytest.raises(SchemaMismatchError, match=r"no column chat_message\.sources"):
        await read(partial.url)
    (tmp_path / "text.db").write_text("no database at all, but long enough to have a header" * 3)
    with pytest.raises(StatementError, match="not a database"):
        await read(str(tmp_path / "text.db"))
    with pytest.raises(InvalidUrlError):
        await read("mysql://someone:hunter2@host/x")


async def test_the_source_cannot_be_written_to(file: str):
    await make(file, "2025-12")
    async with open_foreign(f"sqlite:///{file}", product="x", read_only=True) as foreign:
        with pytest.raises(ConnectionFailedError, match="readonly"):
            await foreign.add(table_of("chat", ["id"]), [{"id": "new"}])


def ours() -> Conversation:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Conversation(
        "chat_0190f5c4-7d3a-7000-8000-000000000001", "Ours",
        [
            Node("a", None, "user", "Question", created_at=at),
            Node("b", "a", "assistant", "First", created_at=at, vote=1,
                 metadata=MessageMetadata(model="gpt"),
                 sources=[Source("B-trees", "https://example.com/b", "A B-tree is …")]),
            Node("c", "a", "assistant", "Second", created_at=at),
        ],
        head="b", created_at=at, updated_at=at, is_pinned=True, owner="new@example.com",
    )  # fmt: skip


@pytest.mark.parametrize("release", RELEASES)
async def test_what_is_ours_comes_back_with_its_tree(file: str, release: str):
    place = await make(file, release, rows=False)
    await write(file, ours())
    (chat,) = await read(file, Options(account="NEW@example.com"))
    assert isinstance(chat, Conversation)
    first, second, third = chat.nodes
    assert (chat.id, chat.title) == ("0190f5c4-7d3a-7000-8000-000000000001", "Ours")
    assert chat.is_pinned is (release != "2024-06")
    assert (chat.head, second.parent, third.parent) == (second.id, first.id, first.id)
    assert [node.content for node in chat.nodes] == ["Question", "First", "Second"]
    assert second.sources == ours().nodes[1].sources
    assert first.parts["childrenIds"] == [second.id, third.id]
    assert chat.created_at == ours().created_at
    (user,) = await place.run("""SELECT role FROM "user" WHERE email = 'new@example.com'""")
    assert user == {"role": "pending"}


async def test_what_was_changed_with_us_is_written_and_the_rest_is_as_it_was(
    file: str, tmp_path: Path
):
    await make(file, "2026-08")
    chat = (await chats(file))["c1"]
    chat.title, chat.is_pinned, chat.head = "Trees", False, "msg_new"
    chat.nodes.append(Node("msg_new", "m3", "user", "More", created_at=chat.updated_at))
    next(node for node in chat.nodes if node.id == "m3").vote = 1
    target = await make(tmp_path / "copy.db", "2026-08", rows=False)
    await write(target.url, chat)
    again = (await chats(target.url))["c1"]
    nodes = {node.id: node for node in again.nodes}
    assert (again.title, again.is_pinned, again.record["chat"]["title"]) == (
        "Trees",
        False,
        "Trees",
    )
    assert again.head is not None
    assert nodes[again.head].parent == "m3"
    assert nodes["m3"].parts["childrenIds"] == [again.head]
    assert nodes["m3"].parts["annotation"] == {"rating": 1, "comment": "too short", "tags": ["cs"]}
    assert again.record["has_thread"] is True
    assert {n: nodes[n].parts for n in ("m1", "m2", "m4", "m5", "m6")} == {
        n: tree_chat()["chat"]["history"]["messages"][n] for n in ("m1", "m2", "m4", "m5", "m6")
    }


async def test_a_chat_of_another_user_and_a_link_that_is_taken_are_refused(
    file: str, tmp_path: Path
):
    await make(file, "2025-12")
    chat = (await chats(file))["c1"]
    target = await make(tmp_path / "copy.db", "2025-12", rows=False)
    await write(target.url, chat)
    with pytest.raises(BadRecordError, match="Another user of the target has a chat of this id"):
        await write(target.url, chat, account=BOB)
    chat.id = "c1-again"
    with pytest.raises(BadRecordError, match="shared by the same link"):
        await write(target.url, chat)
    assert len((await target.contents("2025-12"))["chat"]) == 1


async def test_one_chat_is_in_memory_at_a_time(file: str):
    place = await make(file, "2025-12", rows=False)
    chat = tree_chat()
    del chat["chat"]["messages"]
    chat["chat"]["history"]["messages"]["m1"]["files"] = [{"url": "data:" + "A" * 2_000_000}]
    for number in range(16):
        await place.insert("chat", {**chat, "id": f"c{number}", "share_id": None, "meta": {}})
    tracemalloc.start()
    try:
        async with read_open_webui(file, ALL) as reader:
            count = 0
            async for found in reader:
                assert isinstance(found, Conversation)
                count += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 16
    assert peak < 16_000_000  # its text, its bytes, its objects, and those of the one before


async def test_what_a_fuzz_found_comes_back_too(file: str, tmp_path: Path):
    source = await make(file, "2026-08")
    # A column of type JSON is one of numbers to SQLite, and the middle of a list can be current.
    await source.run("UPDATE chat_message SET usage = 5, error = 0.5 WHERE id = 'c1-m2'")
    await source.run("UPDATE chat SET current_message_id = '0' WHERE id = 'c2'")
    target = await make(tmp_path / "copy.db", "2026-08", rows=False)
    await write(target.url, *(await chats(file)).values())
    assert await target.contents("2026-08") == await source.contents("2026-08")


async def test_rows_of_messages_that_are_anothers_leave_nothing(file: str, tmp_path: Path):
    await make(file, "2026-08")
    target = await make(tmp_path / "copy.db", "2026-08", rows=False)
    await target.insert("chat_message", {"id": "c1-m1", "chat_id": "gone", "role": "user"})
    with pytest.raises(ExchangeError, match="chat 'c1' would get"):
        await write(target.url, (await chats(file))["c1"])
    assert (await target.contents("2026-08"))["chat"] == []
