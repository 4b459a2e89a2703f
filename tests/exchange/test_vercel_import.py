"""Chats of vercel/chatbot through our tables: in, again, and out to the same rows."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chatkeep import Database, NewMessage, NewUser
from chatkeep.database.creation import create_tables
from chatkeep.errors import BadRecordError
from chatkeep.exchange.exporting import ExportOptions, export_conversations
from chatkeep.exchange.importing import ImportOptions, import_conversations
from chatkeep.presets import deepsearch
from exchange.test_vercel import run
from exchange.vercel_tables import CHATS, RELEASES, T, contents, make, uid
from fixtures.servers import Databases, PgServer

Make = Callable[[PgServer], Databases]
SCHEMA = deepsearch.schema(prefix="x_")


SERVERS = [
    *(("18", release) for release in RELEASES),
    pytest.param("15", RELEASES[-1], marks=pytest.mark.needs("pg15")),
]


@pytest.mark.parametrize(("version", "release"), SERVERS)
async def test_import_then_export_gives_the_same_rows(
    request: pytest.FixtureRequest, fresh_database: Make, version: str, release: str
):
    new = fresh_database(request.getfixturevalue(f"pg{version}"))
    source, target, own = await new(), await new(), await new()
    await make(source, release)
    await make(target, release, rows=False)
    await create_tables(SCHEMA, own)
    expected = await contents(source, release)
    if release == "2024-12":  # a chat without messages has no place with us
        expected["Chat"] = [row for row in expected["Chat"] if row["id"] == CHATS[1]]
    async with Database(SCHEMA, own) as db:
        for account in ("ada@example.com", "bob@example.com", "guest-1712"):
            user = await db.users.create(NewUser(email=account.replace("guest-", "g@")))
            options = ImportOptions(account=account, on_error="skip")
            first = await import_conversations(db, user.id, source, "vercel", options)
            again = await import_conversations(db, user.id, source, "vercel", options)
            assert (again.conversations, again.there_already) == (0, first.conversations)
            await export_conversations(
                db, target, "vercel", ExportOptions(user_id=user.id, account=account)
            )
    assert await contents(target, release) == expected


async def test_what_becomes_of_votes_times_and_parts(pg18: PgServer, fresh_database: Make):
    source, own = [await fresh_database(pg18)() for _ in range(2)]
    await make(source, "2026-07")
    await create_tables(SCHEMA, own)
    async with Database(SCHEMA, own) as db:
        ada = await db.users.create(NewUser(email="ada@example.com"))
        report = await import_conversations(db, ada.id, source, "vercel")
        assert (report.conversations, report.messages) == (3, 6)
        mine = db.as_user(ada.id)
        weather = (await mine.chats.list()).items[-1]
        assert (weather.title, weather.created_at.replace(tzinfo=None)) == ("Weather", T)
        newest = (await mine.messages.list(weather.id)).items[0]
        assert newest.id == weather.head
        votes = [one.vote for one in (await mine.feedback.list(weather.id)).items]
        assert sorted(vote or 0 for vote in votes) == [-1, 1]


async def test_a_bad_record_stops_or_is_skipped_and_the_import_goes_on_where_it_stopped(
    pg18: PgServer, fresh_database: Make
):
    source, own = [await fresh_database(pg18)() for _ in range(2)]
    await make(source, "2026-07")
    await create_tables(SCHEMA, own)
    await run(source, f"""UPDATE "Message_v2" SET role = 'robot' WHERE id = '{uid(5)}'""")
    async with Database(SCHEMA, own) as db:
        ada = await db.users.create(NewUser(email="ada@example.com"))
        with pytest.raises(BadRecordError, match=rf'"Message_v2" {uid(5)}\.role'):
            await import_conversations(db, ada.id, source, "vercel")
        skipping = ImportOptions(on_error="skip")
        report = await import_conversations(db, ada.id, source, "vercel", skipping)
        assert (report.conversations, report.there_already, report.skipped) == (1, 1, 1)
        await run(source, f"""UPDATE "Message_v2" SET role = 'user' WHERE id = '{uid(5)}'""")
        report = await import_conversations(db, ada.id, source, "vercel")
        assert (report.conversations, report.there_already, report.skipped) == (1, 2, 0)


async def test_messages_whose_ids_are_those_of_one_chat_alone_are_all_written(
    pg18: PgServer, fresh_database: Make, tmp_path: Path
):
    target, own = [await fresh_database(pg18)() for _ in range(2)]
    await make(target, "2026-07", rows=False)
    await create_tables(SCHEMA, own)
    examples = [
        {"messages": [{"role": "user", "content": f"Q{n}"}, {"role": "assistant", "content": "A"}]}
        for n in range(3)
    ]
    file = tmp_path / "examples.jsonl"
    file.write_text("".join(json.dumps(example) + "\n" for example in examples))
    async with Database(SCHEMA, own) as db:
        ada = await db.users.create(NewUser(email="ada@example.com"))
        await import_conversations(db, ada.id, str(file), "fine-tuning")
        report = await export_conversations(db, target, "vercel")
        again = await export_conversations(db, target, "vercel")
    assert (report.conversations, report.messages, report.there_already) == (3, 6, 0)
    assert (again.conversations, again.messages, again.there_already) == (0, 0, 3)
    rows = (await contents(target, "2026-07"))["Message_v2"]
    said = [row["parts"][0]["text"] for row in rows]
    assert sorted(said) == ["A", "A", "A", "Q0", "Q1", "Q2"]
    assert all(
        sum(row["chatId"] == chat for row in rows) == 2 for chat in {row["chatId"] for row in rows}
    )


async def test_the_report_counts_what_was_written_and_what_other_branches_hold(
    pg18: PgServer, fresh_database: Make, tmp_path: Path
):
    target, own = [await fresh_database(pg18)() for _ in range(2)]
    await make(target, "2026-07", rows=False)
    await create_tables(SCHEMA, own)
    async with Database(SCHEMA, own) as db:
        ada = await db.users.create(NewUser(email="ada@example.com"))
        mine = db.as_user(ada.id)
        chat = await mine.chats.create()
        (asked,) = await mine.messages.append(chat.id, NewMessage(role="user", content="Why?"))
        for text in ("One", "Two", "Three"):
            await mine.messages.append(
                chat.id, NewMessage(role="assistant", content=text, parent_id=asked.id)
            )
        only = ExportOptions(chat_id=chat.id)
        for name in ("fine-tuning", "markdown"):
            report = await export_conversations(db, tmp_path / name, name, only)
            assert (report.conversations, report.messages, report.not_shown) == (1, 2, 2)
        report = await export_conversations(db, target, "vercel")
        await mine.messages.append(chat.id, NewMessage(role="user", content="Go on"))
        more = await export_conversations(db, target, "vercel")
    assert (report.conversations, report.messages, report.not_shown) == (1, 2, 2)
    assert (more.conversations, more.there_already, more.messages, more.not_shown) == (0, 1, 1, 2)
    assert {"messages": 2, "notShown": 2, "thereAlready": 0}.items() <= report.as_json().items()
    assert len((await contents(target, "2026-07"))["Message_v2"]) == 3


NUMBERS = (
    "[1e300, 1.7976931348623157e308, 5e-324, 1.0, 2.50, -0.0, 9007199254740993,"
    " 0.12345678901234567890123, 123456789012345678901234567890]"
)


async def test_what_jsonb_keeps_of_numbers_and_keys(pg18: PgServer, fresh_database: Make):
    source, target, own = [await fresh_database(pg18)() for _ in range(3)]
    await make(source, "2026-07")
    await make(target, "2026-07", rows=False)
    await create_tables(SCHEMA, own)
    parts = f'[{{"type": "data-x", "k": 1, "data": {NUMBERS}, "k": 2}}]'
    await run(source, f"""UPDATE "Message_v2" SET parts = '{parts}' WHERE id = '{uid(2)}'""")
    async with Database(SCHEMA, own) as db:
        ada = await db.users.create(NewUser(email="ada@example.com"))
        await import_conversations(db, ada.id, source, "vercel")
        await export_conversations(db, target, "vercel")
    rows = (await contents(target, "2026-07"))["Message_v2"]
    (part,) = next(row["parts"] for row in rows if row["id"] == uid(2))
    given = json.loads(NUMBERS)
    # Large ones come back without an exponent, and long fractions shorter: the same numbers to
    # whoever reads JSON's as double precision. Whole ones are exact.
    assert [float(number) for number in part["data"]] == [float(number) for number in given]
    assert part["data"][6:7] + part["data"][8:] == given[6:7] + given[8:]
    assert part["k"] == 2
