"""Imports: bad records told and skipped, nothing twice, nothing half, whatever stops a run."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from chatkeep import Database, User, UserNotFoundError
from chatkeep.errors import BadRecordError
from chatkeep.exchange import (
    BadRecord,
    ExportOptions,
    ImportOptions,
    Place,
    Progress,
    export_conversations,
    identity,
    import_conversations,
)
from chatkeep.exchange.importing import error_as_json
from exchange.conftest import SCHEMA
from exchange.samples import chatgpt, tree

Write = Callable[[str, object], Path]
SKIP = ImportOptions(on_error="skip")


def changed(number: int, **fields: Any) -> dict[str, Any]:
    one = tree(number)
    one["prompt"] |= fields
    return one


def node(number: int, key: str, **fields: Any) -> dict[str, Any]:
    one = chatgpt(number)
    one["mapping"][key] |= fields
    return one


def message(number: int, key: str, **fields: Any) -> dict[str, Any]:
    one = chatgpt(number)
    one["mapping"][key]["message"] |= fields
    return one


BAD_TREES = {
    "a role that is none": changed(1, role="king"),
    "none of the characters": changed(1, text="a\0b"),
    "too long": changed(1, text="x" * 100_001),
    "no text": changed(1, text=None),
    "replies no list": changed(1, replies={}),
    "the same id twice": changed(1, message_id="a1", replies=tree(1)["prompt"]["replies"][:1]),
    "a parent that is another": changed(
        1, replies=[{**tree(1)["prompt"]["replies"][1], "parent_id": "x"}]
    ),
    "a number beyond": changed(1, message_id="m" * 256),
    "no object": [],
}
BAD_CHATS = {
    "a circle": node(1, "q1", parent="z1"),
    "a missing parent": node(1, "q1", parent="nobody"),
    "shows nobody": chatgpt(1, current_node="nobody"),
    "a node that is a text": node(1, "q1", message="hi"),
    "a role that is none": message(1, "q1", author={"role": "critic"}),
    "NUL in what no column holds": message(1, "q1", metadata={"a": ["\0"]}),
    "NUL in its own facts": chatgpt(1, gizmo_id="\0"),
    "too long": message(1, "q1", content={"content_type": "text", "parts": ["x" * 100_001]}),
    "no id": {**chatgpt(1), "id": None, "conversation_id": None},
    "no mapping": chatgpt(1, mapping=None),
    "a missing child": node(1, "z1", children=["nobody"]),
    "a day as its time": chatgpt(1, create_time="yesterday"),
    "a time beyond": chatgpt(1, update_time=1e300),
    "a day as a message's time": message(1, "q1", create_time="2026-11-21T18:00:00Z"),
}


@pytest.mark.parametrize("form", ["open-assistant", "chatgpt"])
async def test_a_bad_record_is_told_with_its_place_and_the_others_are_there(
    db: Database, user: User, write: Write, form: str
):
    good: Any = tree if form == "open-assistant" else chatgpt
    faults = [*(BAD_TREES if form == "open-assistant" else BAD_CHATS).values()]
    records = [good(100), *(one for n, bad in enumerate(faults) for one in (bad, good(200 + n)))]
    source = write("file", iter(records) if form == "open-assistant" else records)
    text = source.read_bytes()
    told: list[BadRecord] = []
    options = ImportOptions(on_error="skip", on_bad=told.append)
    report = await import_conversations(db, user.id, source, form, options)
    assert (report.conversations, report.skipped) == (1 + len(faults), len(faults))
    assert report.errors == told
    for bad, record in zip(told, faults, strict=True):
        encoded = json.dumps(record).encode()
        byte = bad.place.byte or 0
        assert text[byte : byte + len(encoded)] == encoded
        assert (bad.place.source, bad.place.record) == ("file", 2 * faults.index(record) + 2)
        assert "xxx" not in bad.problem
    with pytest.raises(BadRecordError) as caught:
        await import_conversations(db, user.id, source, form)
    assert caught.value.place == str(told[0].place)
    assert caught.value.place in str(caught.value)


async def test_a_conversation_without_messages_is_counted_and_no_fault(
    db: Database, user: User, write: Write
):
    records = [chatgpt(1), chatgpt(2, mapping={}, current_node=None), chatgpt(3)]
    report = await import_conversations(db, user.id, write("file", records), "chatgpt")
    assert (report.conversations, report.empty, report.skipped) == (2, 1, 0)


async def test_what_came_before_a_bad_record_stays_and_a_second_run_goes_on(
    db: Database, user: User, write: Write
):
    records = [json.dumps(tree(n)).encode() for n in range(300)]
    source = write("t.jsonl", b"\n".join([*records[:250], b"{", *records[251:]]))
    with pytest.raises(BadRecordError, match=r"record 251, line 251, byte \d+: it is no whole"):
        await import_conversations(db, user.id, source, "open-assistant")
    assert await db.as_user(user.id).chats.count() == 250
    report = await import_conversations(db, user.id, source, "open-assistant", SKIP)
    assert (report.there_already, report.conversations, report.skipped) == (250, 49, 1)
    write("t.jsonl", b"\n".join(records))
    report = await import_conversations(db, user.id, source, "open-assistant")
    assert (report.there_already, report.conversations) == (299, 1)


async def test_what_is_in_the_trash_does_not_come_back(db: Database, user: User, write: Write):
    source = write("t.jsonl", iter([tree(1), tree(2)]))
    await import_conversations(db, user.id, source, "open-assistant")
    mine = db.as_user(user.id)
    page = await mine.chats.list()
    await mine.chats.delete(page.items[0].id)
    report = await import_conversations(db, user.id, source, "open-assistant")
    assert (report.conversations, report.there_already) == (0, 2)
    assert await mine.chats.count() == 1


async def test_two_imports_at_once_store_everything_once(db: Database, user: User, write: Write):
    source = write("t.jsonl", iter([tree(n) for n in range(150)] * 2))
    reports = await asyncio.gather(
        *(import_conversations(db, user.id, source, "open-assistant") for _ in range(4))
    )
    assert sum(report.conversations for report in reports) == 150
    assert sum(report.messages for report in reports) == 600
    assert {report.conversations + report.there_already for report in reports} == {300}


async def test_progress_is_told_up_to_the_end(db: Database, user: User, write: Write):
    source = write("t.jsonl", iter([tree(n) for n in range(450)]))
    told: list[tuple[int, int | None, int]] = []

    def on_progress(progress: Progress) -> None:
        told.append((progress.done, progress.size, progress.report.conversations))

    options = ImportOptions(on_progress=on_progress)
    await import_conversations(db, user.id, source, "open-assistant", options)
    size = source.stat().st_size
    assert told[-1] == (size, size, 450)
    assert told == sorted(told)
    assert len(told) > 2


async def test_nobody_is_imported_for_who_is_not_there(db: Database, write: Write):
    source = write("t.jsonl", iter([tree(1) | {"user_id": "nobody"}]))
    with pytest.raises(UserNotFoundError):
        await import_conversations(db, "nobody", source, "open-assistant")


def test_ids_are_those_of_user_format_and_source():
    ids = {
        identity.chat_id(user, form, source)
        for user in ("a", "ab", "")
        for form in ("b", "bc")
        for source in ("c", "1:c", "")
    }
    assert len(ids) == 18
    chat = identity.chat_id("u", "chatgpt", "x")
    assert chat == identity.chat_id("u", "chatgpt", "x")
    assert chat.startswith("chat_")
    assert identity.message_id(chat, "1") != identity.message_id(chat, "2")
    assert identity.message_id(chat, "1")[4:17] == chat[5:18]  # beside each other in the index
    told = error_as_json(BadRecord(Place("f", byte=0), "it is bad"))
    assert told == {"source": "f", "byte": 0, "problem": "it is bad"}


SCRIPT = """
import asyncio, sys
from chatkeep import Database
from chatkeep.exchange import ImportOptions, import_conversations
from chatkeep.presets import deepsearch
async def main(url, user_id, source):
    async with Database(deepsearch.schema(), url) as db:
        print("open", flush=True)
        tell = lambda progress: print(progress.report.conversations, flush=True)
        await import_conversations(db, user_id, source, "chatgpt", ImportOptions(on_progress=tell))
asyncio.run(main(*sys.argv[1:]))
"""


async def test_an_import_that_is_killed_at_any_point_goes_on_and_leaves_nothing_half(
    db: Database, url: str, user: User, write: Write, tmp_path: Path
):
    conversations = [chatgpt(n) for n in range(200)]
    source = write("c.json", conversations)
    size = len(conversations[0]["mapping"]) - 2  # two nodes have no message
    chance = random.Random(3)
    words = [sys.executable, "-c", SCRIPT, url, user.id, str(source)]
    for _ in range(2):
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        if chance.random() < 0.7:
            await asyncio.to_thread(process.stdout.readline)  # the first batch is there
        until = time.monotonic() + chance.uniform(0, 0.3)
        while time.monotonic() < until and process.poll() is None:
            await asyncio.to_thread(process.poll)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        await assert_whole(db, size)
    report = await import_conversations(db, user.id, source, "chatgpt")
    assert report.conversations + report.there_already == 200
    assert await db.as_user(user.id).chats.count() == 200
    await assert_whole(db, size)
    await export_conversations(db, tmp_path / "o.json", "chatgpt", ExportOptions(user_id=user.id))
    back = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert {one["id"]: one for one in back} == {one["id"]: one for one in conversations}


async def assert_whole(db: Database, size: int) -> None:
    table = SCHEMA.messages
    sizes = await db.all(select(table.c.chat_id, func.count()).group_by(table.c.chat_id))
    assert {number for _, number in sizes} <= {size}
    assert len(sizes) == await db.chats.count()
