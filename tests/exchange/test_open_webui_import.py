"""Chats of open-webui through our tables: in, again, and out to the same rows."""

from collections.abc import Callable
from pathlib import Path

import pytest

from chatkeep import Database, NewMessage, NewUser
from chatkeep.database.creation import create_tables
from chatkeep.exchange.exporting import ExportOptions, export_conversations
from chatkeep.exchange.importing import ImportOptions, import_conversations
from chatkeep.presets import deepsearch
from exchange.open_webui_tables import RELEASES, make
from fixtures.servers import Databases, PgServer

Make = Callable[[PgServer], Databases]
SCHEMA = deepsearch.schema(prefix="x_")


SERVERS = [
    *(("18", release) for release in RELEASES),
    pytest.param("15", RELEASES[-1], marks=pytest.mark.needs("pg15")),
]


@pytest.mark.parametrize(("version", "release"), SERVERS)
async def test_import_then_export_gives_the_same_rows(
    request: pytest.FixtureRequest, fresh_database: Make, tmp_path: Path, version: str, release: str
):
    new = fresh_database(request.getfixturevalue(f"pg{version}"))
    own = await new()
    source = await make(await new(), release)
    targets = [await make(url, release, rows=False) for url in (await new(), tmp_path / "webui.db")]
    await create_tables(SCHEMA, own)
    async with Database(SCHEMA, own) as db:
        for email in ("ada@example.com", "bob@example.com"):
            user = await db.users.create(NewUser(email=email))
            options = ImportOptions(account=email)
            first = await import_conversations(db, user.id, source.url, "open-webui", options)
            again = await import_conversations(db, user.id, source.url, "open-webui", options)
            assert (again.conversations, again.there_already) == (0, first.conversations)
        for target in targets:
            await export_conversations(db, target.url, "open-webui")
    expected = await source.contents(release)
    expected["chat"] = [row for row in expected["chat"] if row["id"] != "c9"]
    for target in targets:
        assert await target.contents(release) == expected


async def test_what_becomes_of_branches_pins_usage_and_votes(
    pg18: PgServer, fresh_database: Make, tmp_path: Path
):
    own = await fresh_database(pg18)()
    await create_tables(SCHEMA, own)
    source = await make(tmp_path / "webui.db", "2026-08")
    target = await make(tmp_path / "copy.db", "2026-08", rows=False)
    async with Database(SCHEMA, own) as db:
        ada = await db.users.create(NewUser(email="ada@example.com"))
        report = await import_conversations(db, ada.id, source.url, "open-webui")
        assert (report.conversations, report.messages) == (3, 9)
        mine = db.as_user(ada.id)
        chats = {chat.title: chat for chat in (await mine.chats.list()).items}
        chat = chats["B-trees"]
        assert chat.is_pinned
        thread = (await mine.messages.list(chat.id)).items[::-1]
        assert [message.content for message in thread] == [
            "What is a B-tree? 木", "Answer 4", "Why?", "Because",
        ]  # fmt: skip
        assert len(await mine.messages.siblings(thread[1].id)) == 3
        usage = await mine.usage.find(thread[1].id)
        assert usage is not None
        assert (usage.model, usage.total_tokens, float(usage.cost or 0)) == ("gpt", 46, 0.002)
        assert [one.vote for one in (await mine.feedback.list(chat.id)).items] in ([1, -1], [-1, 1])
        await mine.messages.append(chat.id, NewMessage(role="user", content="Go on"))
        await export_conversations(db, target.url, "open-webui", ExportOptions(chat_id=chat.id))
    (row,) = (await target.contents("2026-08"))["chat"]
    messages = row["chat"]["history"]["messages"]
    added = messages[row["chat"]["history"]["currentId"]]
    assert (len(messages), added["content"], added["parentId"]) == (7, "Go on", "m6")
    assert messages["m6"]["childrenIds"] == [added["id"]]
    assert row["chat"]["messages"][-1] == added
    assert row["current_message_id"] == added["id"]
