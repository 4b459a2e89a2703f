"""What is copied is what stood there, in each format."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

_TABLE = """
create table copied (id int primary key generated always as identity, t text, n numeric, big int8,
    f float8, yes bool, doc jsonb, raw bytea, at timestamptz, tags text[], secret text,
    twice int generated always as (1) stored, "=cmd()" text);
insert into copied (t, n, big, f, yes, doc, raw, at, tags, secret, "=cmd()") values
 ('plain', 1.10, 9007199254740993, 1e300, true, '{"a": [1, null]}', '\\x00ff', '2026-01-02 03:04:05+00', '{a,"b,c"}', 's', '=1+1'),
 (E'two\\r\\nlines, "quoted"', -5, -1, 'nan', false, 'null', '\\x', null, '{}', null, '@SUM(A1)'),
 ('', null, null, '-infinity', null, null, null, null, null, null, '-2'),
 (null, 'nan', null, null, null, null, null, null, null, null, '''already');
"""


@pytest.fixture
async def copied(made: Callable[..., Any]) -> Any:
    return await made(_TABLE, write=True)


async def test_csv(copied: Any):
    path = copied.place("copied", "copy")
    found = await copied.post(path, {"format": "csv"})
    rows = list(csv.reader(io.StringIO(found["text"], newline="")))
    assert rows[0][-1] == "'=cmd()"
    assert found["text"].count("\r\n") == 6
    assert (found["rows"], found["guarded"], found["more"]) == (4, 4, False)
    assert [row[-1] for row in rows[1:]] == ["'=1+1", "'@SUM(A1)", "'-2", "'already"]
    assert rows[2][1:5] == ['two\r\nlines, "quoted"', "-5", "-1", "NaN"]
    assert rows[1][10] == "[secret]"
    lines = found["text"].split("\r\n")
    assert lines[-3].startswith('3,"",,')  # an empty text is not NULL
    assert lines[-2].startswith("4,,NaN,")
    exact = await copied.post(path, {"format": "csv", "guard": False, "columns": ["=cmd()"]})
    assert exact["text"] == "=cmd()\r\n=1+1\r\n@SUM(A1)\r\n-2\r\n'already\r\n"
    one = await copied.post(path, {"format": "csv", "columns": ["t"], "keys": [["3"], ["4"]]})
    assert one["text"] == 't\r\n""\r\n\r\n'


async def test_json(copied: Any):
    found = await copied.post(copied.place("copied", "copy"), {"format": "json"})
    first, second, third, _ = json.loads(found["text"], parse_float=str)
    assert (first["n"], first["big"], first["f"]) == ("1.10", 9007199254740993, "1e+300")
    assert (first["yes"], first["doc"], first["tags"]) == (True, {"a": [1, None]}, '{a,"b,c"}')
    assert (second["f"], second["t"]) == ("NaN", 'two\r\nlines, "quoted"')
    assert (third["t"], third["n"], first["secret"]) == ("", None, "[secret]")
    empty = await copied.post(copied.place("copied", "copy"), {"format": "json", "keys": []})
    assert json.loads(empty["text"]) == []


async def test_numbers_that_are_written_as_names_are_texts(made: Callable[..., Any]):
    asker = await made(
        "create table named (id oid primary key, cfg regconfig, of regclass);"
        "insert into named values (7, 'english', 'named')"
    )
    found = await asker.post(asker.place("named", "copy"), {"format": "json"})
    assert json.loads(found["text"]) == [{"id": 7, "cfg": "english", "of": "named"}]
    told = await asker.get(asker.place("named"))
    assert [each["category"] for each in told["columns"]] == ["number", "other", "other"]


async def test_sql_stores_the_same_rows(copied: Any):
    found = await copied.post(copied.place("copied", "copy"), {"format": "sql"})
    assert found["text"].startswith('-- left out, secret: "secret"\n')
    before = await copied.connection.fetch("select r::text from copied r order by id")
    await copied.connection.execute("delete from copied")
    await copied.connection.execute(found["text"])
    after = await copied.connection.fetch("select r::text from copied r order by id")
    assert [row[0].replace(",s,", ",,") for row in before] == [row[0] for row in after]


async def test_selected_rows_a_filter_and_the_bounds(copied: Any):
    path = copied.place("copied", "copy")
    given = {"format": "csv", "columns": ["id"]}
    found = await copied.post(path, {**given, "keys": [["4"], ["2"], ["77"]]})
    assert found["text"].split() == ["id", "2", "4"]
    found = await copied.post(
        path, {**given, "sort": [["id", "desc"]], "filter": [{"column": "t", "op": "notnull"}]}
    )
    assert found["text"].split() == ["id", "3", "2", "1"]
    assert (await copied.post(path, {**given, "keys": [["1"]] * 1001}, 413))["code"] == "too_much"
    assert (await copied.post(path, {**given, "keys": [["x"]]}, 422))["field"] == "id"
    await copied.post(path, {"format": "xml"}, 422)
    await copied.connection.execute(
        "create table many (id int primary key, t text);"
        "insert into many select n, 'x' from generate_series(1, 10001) n; analyze many"
    )
    found = await copied.post(copied.place("many", "copy"), given)
    assert (found["rows"], found["more"]) == (10_000, True)
    await copied.connection.execute("update many set t = repeat('x', 900000) where id <= 30")
    found = await copied.post(copied.place("many", "copy"), {"format": "csv"})
    assert found["more"]
    assert len(found["text"]) < 17 * 2**20
    await copied.connection.execute("update many set t = repeat('x', 1100000) where id = 1")
    told = await copied.post(copied.place("many", "copy"), {"format": "csv"}, 413)
    assert "copied" in told["message"]
