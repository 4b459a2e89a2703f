"""vercel/chatbot: what is read of each release, what is written back, and what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from chatkeep.errors import (
    BadRecordError,
    ConnectionFailedError,
    ExchangeError,
    InvalidUrlError,
    SchemaMismatchError,
)
from chatkeep.exchange.model import BadRecord, Conversation, Node, Options
from chatkeep.exchange.vercel import read_vercel, write_vercel
from exchange.vercel_tables import (
    ADA,
    BOB,
    CHATS,
    RELEASES,
    TOOL_CONTENT,
    UI_PARTS,
    T,
    contents,
    make,
    uid,
)
from fixtures.pgbouncer import PgBouncer
from fixtures.servers import Databases, PgServer

Make = Callable[[PgServer], Databases]
ALL = Options()


async def read(url: str, options: Options = ALL) -> list[Conversation | BadRecord]:
    async with read_vercel(url, options) as reader:
        found = [each async for each in reader]
        assert reader.done == reader.size == len(found)
    return found


async def run(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.parametrize("release", RELEASES)
async def test_what_was_read_and_written_back_is_the_same(
    pg: PgServer, fresh_database: Make, release: str
):
    source, target = await fresh_database(pg)(), await fresh_database(pg)()
    await make(source, release)
    await make(target, release, rows=False)
    conversations = await read(source)
    for _ in range(2):  # the second time adds nothing
        async with write_vercel(target, ALL) as writer:
            for conversation in conversations:
                assert isinstance(conversation, Conversation)
                await writer.write(conversation)
    assert await contents(target, release) == await contents(source, release)


async def test_parts_are_kept_and_the_text_is_taken_out_of_them(database_url: str):
    await make(database_url, "2026-07")
    chat = (await read(database_url))[0]
    assert isinstance(chat, Conversation)
    first, second, *_ = chat.nodes
    assert (chat.title, chat.owner, chat.record) == (
        "Weather", "Ada@example.com", {"visibility": "public"},
    )  # fmt: skip
    assert chat.created_at == T.replace(tzinfo=UTC)
    assert [node.id for node in chat.nodes] == [str(uid(n)) for n in (2, 1, 3, 0)]
    assert [node.parent for node in chat.nodes] == [None, *(node.id for node in chat.nodes[:-1])]
    assert first.content == "How warm is Berlin?"
    assert first.record["attachments"][0]["name"] == "a.png"
    assert second.parts == UI_PARTS
    assert second.content == "It is -0.5 °C in Berlin. 天气"
    assert [source.url for source in second.sources or []] == ["https://example.com/w"]
    assert [node.vote for node in chat.nodes] == [None, 1, None, -1]


async def test_messages_of_the_older_table_come_first_and_keep_the_order_of_writing(
    database_url: str,
):
    await make(database_url, "2025-09")
    chat = (await read(database_url))[1]
    assert isinstance(chat, Conversation)
    assert [node.id for node in chat.nodes] == [str(uid(n)) for n in (100, 99, 98, 97, 5)]
    assert [node.role for node in chat.nodes] == ["user", "assistant", "tool", "assistant", "user"]
    assert chat.nodes[2].parts == TOOL_CONTENT
    assert chat.nodes[1].content == "Let me look."


async def test_a_message_that_was_carried_over_to_the_newer_table_is_read_once(database_url: str):
    await make(database_url, "2025-09")
    await run(
        database_url,
        f"""INSERT INTO "Message_v2" SELECT id, "chatId", role,
        json_build_array(json_build_object('type', 'text', 'text', content)), '[]', "createdAt"
        FROM "Message" WHERE id = '{uid(100)}'""",
    )
    chat = (await read(database_url))[1]
    assert isinstance(chat, Conversation)
    assert [node.id for node in chat.nodes] == [str(uid(100)), str(uid(5))]


@pytest.mark.parametrize("account", [str(ADA), "ada@EXAMPLE.com"])
async def test_one_account_of_the_source(database_url: str, account: str):
    await make(database_url, "2026-07")
    (chat,) = await read(database_url, Options(account=account))
    assert isinstance(chat, Conversation)
    assert chat.id == str(CHATS[0])


async def test_an_account_that_is_not_there_is_refused(database_url: str):
    await make(database_url, "2026-07")
    with pytest.raises(ExchangeError, match="has no such account"):
        await read(database_url, Options(account="nobody@example.com"))


async def test_two_accounts_with_one_address_are_refused_with_their_ids(database_url: str):
    await make(database_url, "2026-07")
    await run(database_url, f"""UPDATE "User" SET email = 'ADA@example.com' WHERE id = '{BOB}'""")
    both = rf"2 accounts .* {ADA}, {BOB}\."
    with pytest.raises(ExchangeError, match=both):
        await read(database_url, Options(account="ada@example.com"))
    (chat,) = await read(database_url, Options(account=str(BOB)))
    assert isinstance(chat, Conversation)
    assert chat.id == str(CHATS[1])
    ours = conversation(Node("a", None, "user", "Question"))
    ours.owner = "ada@example.com"
    async with write_vercel(database_url, ALL) as writer:
        with pytest.raises(BadRecordError, match=both):
            await writer.write(ours)
    async with write_vercel(database_url, Options(account=str(ADA))) as writer:
        await writer.write(ours)


async def test_a_file_is_no_source_or_target(tmp_path: Path):
    for opened in (read_vercel, write_vercel):
        with pytest.raises(InvalidUrlError, match="vercel/chatbot is given as postgresql://"):
            async with opened(str(tmp_path / "chat.db"), ALL):
                pass


async def test_a_bad_record_is_told_with_its_place_and_the_others_are_read(database_url: str):
    await make(database_url, "2026-07")
    await run(
        database_url,
        f"""UPDATE "Message_v2" SET parts = '[{{"type":"text","text":"a\\u0000b"}}]'
        WHERE id = '{uid(2)}'""",
        f"""UPDATE "Message_v2" SET role = 'robot' WHERE id = '{uid(5)}'""",
        f"""UPDATE "Chat" SET "createdAt" = 'infinity' WHERE id = '{CHATS[2]}'""",
    )
    found = await read(database_url)
    assert all(isinstance(each, BadRecord) for each in found)
    assert [each.place.key for each in found if each.place] == [
        f'"Message_v2" {uid(2)}.parts.0.text',
        f'"Message_v2" {uid(5)}.role',
        f'"Chat" {CHATS[2]}.createdAt',
    ]


async def test_a_database_of_something_else_is_refused_with_what_it_misses(
    pg18: PgServer, fresh_database: Make
):
    empty, early, partial = [await fresh_database(pg18)() for _ in range(3)]
    await run(early, 'CREATE TABLE "Chat" (id uuid, messages json)')
    await make(partial, "2026-07", rows=False)
    await run(partial, 'ALTER TABLE "Message_v2" DROP COLUMN parts CASCADE', 'DROP TABLE "Vote_v2"')
    for url, problem in [
        (empty, "no table User, no table Chat, no table Message_v2, no table Vote_v2"),
        (early, "before December 2024"),
        (partial, "no table Vote_v2, no column Message_v2.parts"),
    ]:
        with pytest.raises(SchemaMismatchError, match=problem):
            await read(url)


@pytest.mark.needs("pgbouncer")
async def test_a_pooler_in_transaction_mode_may_stand_between(
    pg18: PgServer, fresh_database: Make, pgbouncer: PgBouncer
):
    source, target = [await fresh_database(pg18)() for _ in range(2)]
    await make(source, "2026-07")
    await make(target, "2026-07", rows=False)
    through = [pgbouncer.url(urlsplit(url).path.lstrip("/")) for url in (source, target)]
    async with write_vercel(through[1], ALL) as writer:
        for conversation in await read(through[0]):
            assert isinstance(conversation, Conversation)
            await writer.write(conversation)
    assert await contents(target, "2026-07") == await contents(source, "2026-07")


async def test_the_source_cannot_be_written_to(database_url: str):
    await make(database_url, "2026-07")
    from chatkeep.errors import StatementError
    from chatkeep.exchange.foreign import open_foreign, table_of

    async with open_foreign(database_url, product="x", read_only=True) as foreign:
        with pytest.raises(StatementError, match="read-only"):
            await foreign.add(table_of("User", ["id"]), [{"id": BOB}])


async def test_a_password_of_the_url_is_never_told(pg18: PgServer):
    with pytest.raises(ConnectionFailedError) as caught:
        await read("postgresql://someone:hunter2@127.0.0.1:1/x")
    assert "hunter2" not in repr(caught.value)
    assert "hunter2" not in str(caught.value)


def conversation(*nodes: Node, head: str | None = None) -> Conversation:
    return Conversation(
        "chat_0190f5c4-7d3a-7000-8000-000000000001", "Ours", list(nodes), head=head,
        created_at=T.replace(tzinfo=UTC), owner="new@example.com",
    )  # fmt: skip


async def test_what_is_ours_gets_ids_times_in_order_and_an_owner(database_url: str):
    await make(database_url, "2026-07", rows=False)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ours = conversation(
        Node("msg_0190f5c4-7d3a-7000-8000-000000000002", None, "user", "Question", created_at=at),
        Node("other", "msg_0190f5c4-7d3a-7000-8000-000000000002", "assistant", "No", created_at=at),
        Node("b", "msg_0190f5c4-7d3a-7000-8000-000000000002", "tool", "42", parts={"x": 1}),
        Node("c", "b", "assistant", "Yes", created_at=at, vote=-1),
        head="c",
    )
    ours.nodes[2].created_at = at
    async with write_vercel(database_url, ALL) as writer:
        await writer.write(ours)
    found = await contents(database_url, "2026-07")
    (chat,) = found["Chat"]
    assert str(chat["id"]) == "0190f5c4-7d3a-7000-8000-000000000001"
    messages = sorted(found["Message_v2"], key=lambda row: row["createdAt"])
    naive = at.replace(tzinfo=None)
    assert [row["createdAt"] - naive for row in messages] == [
        timedelta(microseconds=number) for number in range(3)
    ]
    assert [row["parts"] for row in messages] == [
        [{"type": "text", "text": "Question"}],
        [{"type": "data-tool", "data": {"text": "42", "parts": {"x": 1}}}],
        [{"type": "text", "text": "Yes"}],
    ]
    assert [row["isUpvoted"] for row in found["Vote_v2"]] == [False]
    (again,) = await read(database_url, Options(account="NEW@example.com"))
    assert isinstance(again, Conversation)
    assert again.owner == "new@example.com"


async def test_an_error_in_the_block_leaves_nothing_and_a_chat_of_another_is_refused(
    database_url: str,
):
    await make(database_url, "2026-07", rows=False)
    ours = conversation(Node("a", None, "user", "Question"))
    with pytest.raises(BadRecordError, match="Another user"):
        async with write_vercel(database_url, ALL) as writer:
            await writer.write(ours)
            ours.owner = "bob@example.com"
            await writer.write(ours)
    assert (await contents(database_url, "2026-07"))["Chat"] == []
    async with write_vercel(database_url, Options(account="bob@example.com")) as writer:
        await writer.write(ours)
    (chat,) = (await contents(database_url, "2026-07"))["Chat"]
    assert chat["userId"] == BOB


async def test_a_message_whose_id_another_chat_has_is_refused_before_anything_is_written(
    database_url: str,
):
    await make(database_url, "2026-07")
    before = await contents(database_url, "2026-07")
    taken = conversation(
        Node(str(uid(900)), None, "user", "Mine"), Node(str(uid(2)), str(uid(900)), "user", "Mine")
    )
    taken.format = "vercel"
    async with write_vercel(database_url, ALL) as writer:
        with pytest.raises(BadRecordError, match=f"Another chat.*{uid(2)}"):
            await writer.write(taken)
    assert await contents(database_url, "2026-07") == before


async def test_ids_that_two_formats_share_are_two_chats(database_url: str):
    await make(database_url, "2026-07", rows=False)
    async with write_vercel(database_url, ALL) as writer:
        for name in ("chatgpt", "open-webui"):
            ours = conversation(Node("a", None, "user", name))
            ours.id, ours.format = str(uid(7)), name
            await writer.write(ours)
    found = await contents(database_url, "2026-07")
    assert len(found["Chat"]) == 2
    assert len({row["chatId"] for row in found["Message_v2"]}) == 2
