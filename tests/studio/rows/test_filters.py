"""Filters find what SQL finds; values that do not fit are refused by the column's name."""

from collections.abc import Callable
from typing import Any

import pytest

from fixtures.servers import PgServer

_TYPES = """
create domain short_text as text check (length(value) < 20);
create type mood as enum ('sad', 'ok', 'happy');
create table typed (
    id int primary key, big int8, exact numeric, f float8, yes bool, born date, at timestamptz,
    u uuid, m mood, tags text[], numbers int[], doc jsonb, old json, c char(5), v varchar(8),
    d short_text, raw bytea, span int4range, wait interval, host inet, x point);
insert into typed values
 (1, 9007199254740993, 1.10, 0.1, true, '2026-01-02', '2026-01-02 03:04:05.000006+00',
  '00000000-0000-0000-0000-000000000001', 'sad', '{a,"b c"}', '{1,2}',
  '{"tokens": {"total": 150}, "a.b": [1, {"x": "y"}], "on": true, "when": "2026-05-01"}',
  '{"k": 1, "k": 2}', 'ab', '100%_\\', 'dom', '\\x00ff', '[1,5)', '1 day', '10.0.0.1', '(1,2)'),
 (2, -1, 1.1000000000000000000001, 'nan', false, '2025-01-02', '2026-01-02 03:04:05.000007+00',
  '00000000-0000-0000-0000-000000000002', 'happy', '{c}', '{3}',
  '{"tokens": {"total": "150"}, "when": "2026-04-01"}', '[]', 'abcde', '100 pct', 'DOM', '\\x', '[5,9)',
  '2 days', '10.0.0.2', '(2,3)'),
 (3, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null,
  null, null, null, null),
 (4, 5, 12, 3.5, true, '2026-06-01', 'infinity', null, 'ok', '{}', '{}',
  '{"tokens": {"total": 99.5}, "z": null}', '{"k": "v"}', '', '', '', '\\x61', 'empty', '0', '::1', '(3,4)');
"""


def one(column: str, op: str, value: Any = None, *path: str) -> dict[str, Any]:
    return {"column": column, "op": op, "value": value, "path": list(path) or None}


_FOUND = [
    (one("big", "=", "9007199254740993"), "1"),
    (one("big", "!=", "9007199254740993"), "24"),
    (one("big", "<", "6"), "24"),
    (one("exact", "=", "1.1"), "1"),
    (one("exact", ">", "1.1"), "24"),
    (one("exact", "<=", "1.1000000000000000000001"), "12"),
    (one("f", "=", "NaN"), "2"),
    (one("f", ">=", "3.5"), "24"),
    (one("yes", "=", "true"), "14"),
    (one("yes", "!=", "t"), "2"),
    (one("born", ">=", "2026-01-02"), "14"),
    (one("at", "<=", "2026-01-02 03:04:05.000006+00"), "1"),
    (one("at", "=", "2026-01-02 04:04:05.000007+01"), "2"),
    (one("at", "=", "infinity"), "4"),
    (one("u", "=", "00000000-0000-0000-0000-000000000002"), "2"),
    (one("u", "contains", "0002"), "2"),
    (one("m", ">", "sad"), "24"),
    (one("m", "in", ["ok", "sad"]), "14"),
    (one("id", "in", ["1", "3"]), "13"),
    (one("id", "in", []), ""),
    (one("tags", "has", "b c"), "1"),
    (one("numbers", "has", "3"), "2"),
    (one("tags", "=", "{c}"), "2"),
    (one("c", "=", "ab"), "1"),
    (one("c", "in", ["ab", "abcde"]), "12"),
    (one("v", "contains", "%_"), "1"),
    (one("v", "contains", "PCT"), "2"),
    (one("v", "starts", "100%"), "1"),
    (one("v", "contains", "\\"), "1"),
    (one("v", "=", ""), "4"),
    (one("d", "=", "a text that is longer than the domain lets in"), ""),
    (one("d", "=", "DOM"), "2"),
    (one("raw", "=", "\\x00ff"), "1"),
    (one("span", "=", "[5,8]"), "2"),
    (one("wait", ">", "25 hours"), "2"),
    (one("host", "=", "10.0.0.1"), "1"),
    (one("x", "contains", "(2"), "2"),
    (one("doc", "null"), "3"),
    (one("doc", "notnull"), "124"),
    (one("doc", ">=", "100", "tokens", "total"), "1"),
    (one("doc", "<", "100", "tokens", "total"), "4"),
    (one("doc", "=", "150.0", "tokens", "total"), "1"),
    (one("doc", "=", "150", "tokens", "total"), "12"),
    (one("doc", "in", ["99.5", "150"], "tokens", "total"), "124"),
    (one("doc", "exists", None, "tokens"), "124"),
    (one("doc", "missing", None, "a.b"), "234"),
    (one("doc", "=", "y", "a.b", "1", "x"), "1"),
    (one("doc", "=", "true", "on"), "1"),
    (one("doc", "contains", "026-0", "when"), "12"),
    (one("doc", "<", "2026-04-15", "when"), "2"),
    (one("doc", "includes", '{"tokens": {"total": "150"}}'), "2"),
    (one("doc", "includes", '[{"x": "y"}]', "a.b"), "1"),
    (one("doc", "=", '{"z": null, "tokens": {"total": 99.50}}'), "4"),
    (one("old", "=", "[]"), "2"),
    (one("old", "starts", '{"k": 1'), "1"),
    (one("old", "=", "v", "k"), "4"),
]


@pytest.fixture
async def typed(made: Callable[..., Any]) -> Any:
    return await made(_TYPES)


async def _ids(asker: Any, *conditions: Any, **more: Any) -> str:
    found = await asker.first_cells("typed", filter=list(conditions), columns=["id"], **more)
    return "".join(found)


async def test_each_operator_on_each_type(typed: Any):
    wrong = [
        (c, await _ids(typed, c), wanted) for c, wanted in _FOUND if await _ids(typed, c) != wanted
    ]
    assert wrong == []


async def test_all_must_hold_and_of_a_group_one(typed: Any):
    yes, low = one("yes", "=", "true"), one("id", "<", "3")
    assert await _ids(typed, yes, low) == "1"
    assert await _ids(typed, {"any": [yes, low]}) == "124"
    assert await _ids(typed, {"any": [yes, low]}, one("id", ">", "1")) == "24"
    assert await _ids(typed, {"any": []}) == ""
    count = await typed.get(typed.place("typed", "count"), filter=[{"any": [yes, low]}])
    assert count["count"] == 3


_MISFITS = [
        one("big", "=", "12x"), one("big", "=", "1.5"), one("big", ">", "9223372036854775808"),
        one("exact", "=", ""), one("yes", "=", "maybe"), one("born", "=", "2026-02-30"),
        one("at", "<", "yesterdayish"), one("u", "=", "1"), one("m", "=", "angry"),
        one("m", "in", ["ok", "angry"]), one("id", "in", ["1", "1; drop table typed"]),
        one("numbers", "has", "x"), one("numbers", "=", "{1"), one("doc", "=", "{"),
        one("doc", "includes", "nope"), one("host", "=", "300.1.1.1"), one("span", "=", "x"),
        one("v", "=", "nul \x00 sign"),
        # operators that are not for the type
        one("doc", "<", "1"), one("x", "=", "(2,3)"), one("v", "has", "a"), one("v", "exists", None, "a"),
        one("v", "=", "x", "path"), one("tags", "includes", "1"), one("tags", "in", ["{c}"]),
        # the wrong number of values
        one("v", "="), one("v", "null", "x"), one("v", "in", "x"), one("v", "=", ["x"]),
        one("doc", "exists"),
]  # fmt: skip


async def test_what_does_not_fit_is_refused_by_name(typed: Any):
    for condition in _MISFITS:
        told = await typed.rows("typed", 422, filter=[condition])
        assert told["field"] == condition["column"], condition
        assert condition["column"] in told["message"]


async def test_what_is_no_filter(typed: Any):
    for text in (
        "{",
        "1",
        '[{"op": "="}]',
        '[{"column": "id", "op": "~"}]',
        '[{"any": [{"any": []}]}]',
    ):
        await typed.rows("typed", 422, filter=text)
    assert (await typed.rows("typed", 404, filter=[one("nope", "null")]))["code"] == "no_such_thing"
    await typed.rows("typed", 422, filter=[one("id", "=", "1")] * 51)
    await typed.rows("typed", 422, filter=[one("id", "in", ["1"] * 1001)])
    assert (await typed.rows("typed", 422, sort=[["x", "asc"]]))["field"] == "x"
    await typed.rows("typed", 422, sort=[["id", "asc"], ["id", "desc"]])


async def test_a_quick_filter_looks_into_what_is_asked_for(typed: Any):
    assert await _ids(typed, q="dom") == ""
    assert await typed.first_cells("typed", columns=["id", "d"], q="dom") == ["1", "2"]
    assert await typed.first_cells("typed", columns=["id", "doc"], q='"TOKENS"') == ["1", "2", "4"]
    assert await typed.first_cells("typed", columns=["id", "v"], q="%") == ["1"]


async def test_cells_are_what_postgresql_writes(typed: Any):
    table = await typed.get(typed.place("typed"))
    names = [column["name"] for column in table["columns"]]
    page = await typed.rows("typed")
    assert page["columns"] == names
    cells = dict(zip(names, page["rows"][0]["cells"], strict=True))
    assert cells["big"] == "9007199254740993"
    assert cells["exact"] == "1.10"
    assert cells["at"] == "2026-01-02 03:04:05.000006+00"
    assert cells["old"] == '{"k": 1, "k": 2}'
    assert cells["raw"] == "\\x00ff"
    assert cells["tags"] == '{a,"b c"}'
    assert page["rows"][2]["cells"] == ["3", *[None] * (len(names) - 1)]
    categories = {column["name"]: column["category"] for column in table["columns"]}
    assert categories == {
        "id": "number", "big": "number", "exact": "number", "f": "number", "yes": "boolean",
        "born": "time", "at": "time", "u": "uuid", "m": "enum", "tags": "array", "numbers": "array",
        "doc": "json", "old": "json", "c": "text", "v": "text", "d": "text", "raw": "bytes",
        "span": "other", "wait": "time", "host": "other", "x": "other",
    }  # fmt: skip
    by_name = {column["name"]: column for column in table["columns"]}
    assert by_name["m"]["labels"] == ["sad", "ok", "happy"]
    assert by_name["v"]["type"] == "character varying(8)"
    assert not by_name["x"]["sortable"]


async def test_long_cells_are_cut_and_come_whole_on_demand(made: Callable[..., Any]):
    asker = await made(
        "create table large (id int primary key, t text, j jsonb, b bytea);"
        "insert into large values (1, repeat('ü', 50000), jsonb_build_array(repeat('x', 9000)),"
        " decode(repeat('ab', 5000), 'hex')), (2, repeat('ü', 2048), '[]', '')"
    )
    first, second = (await asker.rows("large"))["rows"]
    _, text, doc, raw = first["cells"]
    assert text == {"text": "ü" * 2048, "bytes": 100_000}
    assert (len(doc["text"]), doc["bytes"]) == (2048, 9004)
    assert (raw["text"][:6], raw["bytes"]) == ("\\xabab", 5000)
    assert second["cells"] == ["2", "ü" * 2048, "[]", "\\x"]
    whole = await asker.get(asker.place("large", "cell"), key=["1"], column="t")
    assert (whole["text"], whole["bytes"], whole["cut"]) == ("ü" * 50_000, 100_000, False)
    digest = await asker.connection.fetchval("select md5(t) from large where id = 1")
    assert whole["md5"] == digest
    await asker.connection.execute("update large set t = repeat('y', 9000000) where id = 2")
    whole = await asker.get(asker.place("large", "cell"), key=["2"], column="t")
    assert (len(whole["text"]), whole["bytes"], whole["cut"]) == (8 * 2**20, 9_000_000, True)
    assert (await asker.get(asker.place("large", "cell"), 404, key=["3"], column="t"))["message"]
    assert (await asker.get(asker.place("large", "cell"), 422, key=["x"], column="t"))[
        "field"
    ] == "id"


@pytest.mark.needs("pg15")
async def test_filters_on_15(pg15: PgServer, made: Callable[..., Any]):
    asker = await made(_TYPES, server=pg15)
    assert [c for c, wanted in _FOUND if await _ids(asker, c) != wanted] == []
