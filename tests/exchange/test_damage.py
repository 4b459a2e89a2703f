"""Damaged files: what is sound comes through, and each fault is told with its place."""

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatkeep.errors import DatabaseTimeoutError, ExchangeError
from chatkeep.exchange import array
from chatkeep.exchange import lines as json_lines
from chatkeep.exchange.array import Elements
from chatkeep.exchange.chatgpt import FORMAT as CHATGPT
from chatkeep.exchange.files import Part
from chatkeep.exchange.lines import Record
from chatkeep.exchange.model import BadRecord, Conversation, Options, Place
from chatkeep.exchange.open_assistant import FORMAT as OPEN_ASSISTANT
from exchange.samples import chatgpt, tree

Write = Callable[[str, object], Path]
BEGINS = rb'\{\s*"title"\s*:'


def is_one(value: object) -> bool:
    return isinstance(value, dict) and "mapping" in value


def split(text: bytes, limit: int = 1 << 20) -> list[Record | BadRecord]:
    return list(Elements(Part("f", io.BytesIO(text)), BEGINS, is_one, limit))


def sound(found: list[Record | BadRecord]) -> list[Any]:
    return [one.value for one in found if isinstance(one, Record)]


def bad(found: list[Record | BadRecord]) -> list[BadRecord]:
    return [one for one in found if isinstance(one, BadRecord)]


RECORDS = [
    {"title": f't{n} " }}]] {{ \\', "mapping": {"a": {"list": [{"id": 1}, {"title": "q"}]}}, "n": n}
    for n in range(6)
]


@pytest.mark.parametrize("indent", [None, 1])
def test_each_element_has_its_number_line_and_byte(indent: int | None):
    text = json.dumps(RECORDS, indent=indent).encode()
    found = split(text)
    assert sound(found) == RECORDS
    for number, one in enumerate(found, 1):
        assert isinstance(one, Record)
        byte = one.place.byte or 0
        assert json.loads(text[byte : byte + one.size]) == one.value
        assert one.place == Place("f", number, text[:byte].count(b"\n") + 1, byte)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"5", "it is no JSON array"),
        (b"[", "the file ends before its array does"),
        (b"[]]", "there is text behind the end"),
    ],
)
def test_what_is_no_array_is_told(text: bytes, problem: str):
    (fault,) = bad(split(text))
    assert (fault.problem, fault.is_last) == (problem, True)


def test_a_file_of_one_conversation_is_read_too():
    assert sound(split(json.dumps(RECORDS[0]).encode())) == RECORDS[:1]


def test_a_file_that_is_cut_anywhere_gives_what_is_whole():
    text = json.dumps(RECORDS).encode()
    ends = [one.place.byte + one.size for one in split(text) if isinstance(one, Record)]
    for cut in range(1, len(text)):
        found = split(text[:cut])
        assert sound(found) == RECORDS[: sum(end <= cut for end in ends)]
        (fault,) = bad(found)
        assert fault.is_last


def test_one_broken_element_costs_no_other():
    text = json.dumps(RECORDS).encode()
    second = next(o for o in split(text) if isinstance(o, Record) and o.value["n"] == 2)
    begin = second.place.byte or 0
    chance = random.Random(6)
    lost = 0
    for _ in range(300):
        at = chance.randrange(begin + 10, begin + second.size - 1)
        damaged = (
            text[:at] + chance.choice([b"", b'"', b"{", b"}", b"\\", b"\xff"]) + text[at + 1 :]
        )
        found = split(damaged)
        others = [one for one in sound(found) if one.get("n") != 2 and is_one(one)]
        if others != [one for one in RECORDS if one["n"] != 2]:
            lost += 1
        for fault in bad(found):
            assert fault.place.byte is not None
            assert begin <= fault.place.byte < begin + second.size
    assert lost == 0


def test_an_element_over_the_limit_is_left_out():
    big = {"title": "x" * 70_000, "mapping": {}}
    found = split(json.dumps([RECORDS[0], big, RECORDS[1]]).encode(), limit=1000)
    # The whole of it was in one piece of reading: it is as good as any.
    assert len(found) == 3
    huge = {"title": "x" * 3_000_000, "mapping": {}}
    found = split(json.dumps([RECORDS[0], huge, RECORDS[1]]).encode(), limit=1_000_000)
    assert sound(found) == RECORDS[:2]
    assert [one.place.record for one in bad(found)] == [2]


@pytest.mark.parametrize(
    "text",
    [
        b"[" + b'[{"title":' * 3000,
        b"[" + b',{"title": {' * 3000,
        b"[" + b',{"title":"' * 3000,
        b"[" + b'{"title":[,{"title":1,"mapping":{}},' * 1000,
        b"[" + b"{x}," * 3000 + b"]",
        b"[" + b'"\\",' * 3000,
    ],
)
def test_what_looking_for_ends_may_cost_is_bounded(text: bytes, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(array, "_WORK", 1_000_000)
    elements = Elements(Part("f", io.BytesIO(text)), BEGINS, is_one)
    found = list(elements)
    # One that was begun may end: it looks at the whole text once more.
    once = len(text) + 256 * 6000
    assert elements._window.spent <= 1_000_000 + 32 * len(text) + once
    assert isinstance(found[-1], BadRecord)
    faults = [one.problem for one in bad(found)]
    assert [one.is_last for one in found if isinstance(one, BadRecord)][-1:] == [True]
    assert sum("so much" in fault for fault in faults) == ("so much" in faults[-1])


def test_a_file_of_which_too_much_is_broken_is_not_read_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(array, "_WORK", 150_000_000)
    broken = b'{"title": {"a": 1, "mapping": {}},'
    whole = b'{"title": 1, "mapping": {}},'
    text = b"[" + (broken + whole * 5) * 50 + whole * 300_000 + b"]"
    *found, last = split(text, 100_000)
    assert isinstance(last, BadRecord)
    assert (last.problem[:7], last.is_last) == ("so much", True)
    assert 0 < len(bad(found)) < 50
    assert len(sound(found)) <= 5 * len(bad(found))


def test_a_record_has_32_mib():
    record = b'{"a": "' + b"x" * ((32 << 20) - 9) + b'"}'
    assert len(record) == 32 << 20
    (whole,) = json_lines.records(Part("f", io.BytesIO(record)))
    assert isinstance(whole, Record)
    (long,) = json_lines.records(Part("f", io.BytesIO(record + b" ")))
    assert isinstance(long, BadRecord)
    assert long.problem == "it is longer than 33554432 bytes"


def test_lines_have_places_and_a_broken_one_costs_no_other():
    parts = [b'{"a": 1}', b"", b'{"a": tru}', b'{"a": "\xff"}', b'{"a": 2}', b'{"a": 1e999}', b"{"]
    found = list(json_lines.records(Part("f", io.BytesIO(b"\n".join(parts)))))
    assert [one.value for one in found if isinstance(one, Record)] == [{"a": 1}, {"a": 2}]
    places = [(f.place.record, f.place.line, f.place.byte, f.problem) for f in bad(found)]
    assert places == [
        (2, 3, 10, "it is no JSON at byte 20"),
        (3, 4, 21, "it is not UTF-8 at byte 28"),
        (5, 6, 41, "it holds a number that is out of range"),
        (6, 7, 54, "it is no whole JSON value: it breaks off"),
    ]
    long = list(json_lines.records(Part("f", io.BytesIO(b'{"a": "' + b"x" * 99 + b'"}\n1')), 50))
    assert [type(one) for one in long] == [BadRecord, Record]


def test_what_is_nested_too_deeply_is_a_bad_record():
    deep = b"[" * 100_000
    (fault,) = bad(list(json_lines.records(Part("f", io.BytesIO(deep)))))
    assert fault.problem == "it is nested too deeply"


async def read(path: Path, form: Any) -> list[Conversation | BadRecord]:
    async with form.reader(str(path), Options()) as reader:
        found = [one async for one in reader]
        assert reader.done <= reader.size
    return found


async def test_a_cut_gzip_gives_what_is_whole_and_says_where_it_is_cut(write: Write):
    chance = random.Random(1)
    trees = []
    for number in range(2000):
        one = tree(number)
        one["prompt"]["text"] = chance.randbytes(300).hex()
        trees.append(json.dumps(one))
    packed = gzip.compress("\n".join(trees).encode())
    found = await read(write("t.jsonl.gz", packed[: len(packed) // 2]), OPEN_ASSISTANT)
    *whole, fault = found
    assert isinstance(fault, BadRecord)
    assert fault.is_last
    assert fault.place.line == len(whole) + 1
    assert [one.id for one in whole] == [f"t{n}" for n in range(len(whole))]


@pytest.mark.parametrize("kind", ["gzip", "zip", "flipped"])
async def test_what_was_unpacked_before_the_damage_is_read(write: Write, kind: str):
    chance = random.Random(2)
    records = [chatgpt(n, note=chance.randbytes(20_000).hex()) for n in range(5)]
    text = json.dumps(records).encode()
    if kind == "zip":
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("conversations.json", text)
        packed = bytearray(stream.getvalue())
    else:
        packed = bytearray(gzip.compress(text))
    at = len(packed) * 9 // 10
    if kind == "gzip":
        del packed[at:]
    else:
        packed[at : at + 200] = bytes(200)
    name = "c.zip" if kind == "zip" else "c.json.gz"
    *whole, fault = await read(write(name, bytes(packed)), CHATGPT)
    assert [one.id for one in whole if isinstance(one, Conversation)] == [
        f"conv-{n}" for n in range(4)
    ]
    assert isinstance(fault, BadRecord)
    assert (fault.place.record, fault.is_last) == (5, True)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("form", [CHATGPT, OPEN_ASSISTANT])
async def test_utf_16_is_named(write: Write, encoding: str, form: Any):
    text = json.dumps([chatgpt()] if form is CHATGPT else tree())
    with pytest.raises(ExchangeError, match=r"^f\.json is UTF-16\."):
        await read(write("f.json", text.encode(encoding)), form)


@pytest.mark.parametrize("url", ["postgresql://ada:sesame@host/db", "sqlite:///x.db"])
async def test_a_url_is_no_file_and_is_not_repeated(url: str):
    for open_it in (CHATGPT.reader, CHATGPT.writer):
        assert open_it is not None
        with pytest.raises(ExchangeError, match="one of files") as caught:
            async with open_it(url, Options()):
                raise AssertionError("it was opened")
        assert "sesame" not in f"{caught.value} {caught.value.hint}"


async def test_an_export_in_several_files_is_read_in_their_order(tmp_path: Path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("chat.html", "<html>")
        archive.writestr("conversations-001.json", json.dumps([chatgpt(2)]))
        archive.writestr("conversations-000.json", "\ufeff" + json.dumps([chatgpt(1)]))
        archive.writestr("user.json", "{}")
    found = await read(path, CHATGPT)
    assert [one.id for one in found if isinstance(one, Conversation)] == ["conv-1", "conv-2"]
    assert [one.place.source for one in found if one.place] == [
        "export.zip:conversations-000.json",
        "export.zip:conversations-001.json",
    ]


@pytest.mark.parametrize("content", [b"PK\x03\x04 is no zip", None])
async def test_a_zip_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes | None):
    path = tmp_path / "x.zip"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("user.json", "{}")
    else:
        path.write_bytes(content)
    with pytest.raises(ExchangeError, match=r"x\.zip (is no sound zip|holds no file)"):
        await read(path, CHATGPT)


async def test_what_goes_wrong_while_a_file_is_written_leaves_none(tmp_path: Path):
    assert CHATGPT.writer is not None
    for error in (DatabaseTimeoutError("too slow"), ValueError("x")):
        with pytest.raises(type(error)):
            async with CHATGPT.writer(str(tmp_path / "x.zip"), Options()):
                raise error
    assert list(tmp_path.iterdir()) == []
