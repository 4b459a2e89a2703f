"""Staged changes are stored all or none, and never over what somebody else wrote meanwhile."""

import asyncio
from collections.abc import Callable
from hashlib import md5
from typing import Any

import pytest

from fixtures.servers import PgServer
from fixtures.studio_world import ADA, PREFIX, SCHEMA

_TABLES = """
create table person (id text primary key, name text, born date, doc json);
insert into person values ('a', 'Ada', '1815-12-10', '{"x":  1}'), ('b', 'Bob', null, null);
create table made (id int generated always as identity primary key, n int not null default 7,
    twice int generated always as (n * 2) stored, code text unique, stamp timestamptz default now(),
    five varchar(5));
create table account (provider text, number text, owner text not null references person, at text,
    primary key (provider, number));
insert into account values ('x', '1', 'a', 'first'), ('x', '2', 'a', 'second'), ('y', '1', 'b', null);
create table keyless (v text);
insert into keyless values ('one'), ('two');
create view seen as select * from person;
create table guarded (id int primary key, v text);
insert into guarded values (1, 'v');
create function keep() returns trigger language plpgsql as 'begin return null; end';
create trigger keep before update on guarded for each row execute function keep();
create table later (id int primary key, owner text references person deferrable initially deferred);
"""


def update(table: str, key: list[str], set_: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    kind = {"kind": "update", "schema": "public", "table": table}
    return {**kind, "key": key, "set": set_, "old": old}


def insert(table: str, **values: Any) -> dict[str, Any]:
    return {"kind": "insert", "schema": "public", "table": table, "values": values}


def delete(table: str, key: list[str], **old: Any) -> dict[str, Any]:
    return {"kind": "delete", "schema": "public", "table": table, "key": key, "old": old}


@pytest.fixture
async def staged(made: Callable[..., Any]) -> Any:
    return await made(_TABLES, write=True)


async def apply(asker: Any, *changes: Any, status: int = 200) -> Any:
    return await asker.post("/api/changes/apply", {"changes": list(changes)}, status)


async def test_changes_of_several_tables_are_stored_together(staged: Any):
    changes = (
        insert("person", id="c", name="O'Neil \\ ; --", born="1900-01-01", doc=None),
        insert("account", provider="z", number="9", owner="c"),
        update(
            "person",
            ["a"],
            {"name": None, "born": "1815-12-11"},
            {"name": "Ada", "born": "1815-12-10"},
        ),
        update("account", ["x", "2"], {"number": "3"}, {"number": "2"}),
        delete("account", ["y", "1"], at=None, owner="b"),
        insert("made", n={"default": True}, code="q"),
        insert("made"),
    )
    preview = await staged.post("/api/changes/preview", {"changes": list(changes)})
    assert preview["statements"][0].startswith('INSERT INTO "public"."person" ("id", "name"')
    assert preview["sql"].splitlines()[0] == "BEGIN;"
    assert await staged.connection.fetchval("select count(*) from person") == 2
    done = await apply(staged, *changes)
    assert done["applied"] == 7
    assert done["keys"] == [["c"], ["z", "9"], ["a"], ["x", "3"], None, ["1"], ["2"]]
    after = "select string_agg(t::text, ';' order by t::text) from {} t"
    stored = [await staged.connection.fetchval(after.format(t)) for t in ("person", "account")]
    # What was shown does the same as what ran.
    await staged.connection.execute("truncate person, account, made, later restart identity")
    await staged.connection.execute(
        _TABLES.split(";")[1] + ";" + next(s for s in _TABLES.split(";\n") if "into account" in s)
    )
    await staged.connection.execute(preview["sql"])
    assert stored == [
        await staged.connection.fetchval(after.format(t)) for t in ("person", "account")
    ]


async def test_a_row_that_was_changed_meanwhile_is_left_alone(staged: Any):
    first = update("person", ["b"], {"name": "Bobby"}, {"name": "Bob"})
    stale = update("person", ["a"], {"name": "Mine"}, {"name": "Ada"})
    await staged.connection.execute("update person set name = 'Theirs' where id = 'a'")
    told = await apply(staged, first, stale, status=409)
    assert told["code"] == "changed_meanwhile"
    assert "public.person with id a" in told["message"]
    assert "name" in told["message"]
    assert "Theirs" not in told["message"]
    assert await staged.connection.fetchval("select name from person where id = 'b'") == "Bob"
    other = update("person", ["a"], {"born": None}, {"born": "1815-12-10"})
    await apply(staged, other)  # another column of the same row
    await staged.connection.execute("delete from account where provider = 'x'")
    gone = update("account", ["x", "1"], {"at": "mine"}, {"at": "first"})
    assert "is gone" in (await apply(staged, gone, status=409))["message"]
    assert "is gone" in (await apply(staged, delete("account", ["x", "2"]), status=409))["message"]
    null = update("person", ["b"], {"born": "2000-01-01"}, {"born": "1999-01-01"})
    assert "born" in (await apply(staged, null, status=409))["message"]
    blanks = update("person", ["a"], {"doc": "1"}, {"doc": '{"x": 1}'})
    assert "doc" in (await apply(staged, blanks, status=409))["message"]
    digest = {"md5": md5(b'{"x":  1}').hexdigest()}
    await apply(staged, update("person", ["a"], {"doc": "[]"}, {"doc": digest}))
    assert (
        "doc"
        in (
            await apply(staged, update("person", ["a"], {"doc": "1"}, {"doc": digest}), status=409)
        )["message"]
    )


async def test_rows_without_a_key_are_changed_by_their_version(staged: Any):
    one, two = (await staged.rows("keyless"))["rows"]
    keys = (await apply(staged, update("keyless", one["key"], {"v": "ONE"}, {"v": "one"})))["keys"]
    await apply(staged, update("keyless", one["key"], {"v": "again"}, {"v": "one"}), status=409)
    await apply(staged, update("keyless", keys[0], {"v": "again"}, {"v": "ONE"}))
    await staged.connection.execute("update keyless set v = v where v = 'two'")
    await apply(staged, delete("keyless", two["key"], v="two"), status=409)
    rows = await staged.connection.fetch("select v from keyless order by v")
    assert [row[0] for row in rows] == ["again", "two"]


@pytest.mark.parametrize("where", ["preview", "apply"])
async def test_what_cannot_be_done_is_refused_by_name(staged: Any, where: str):
    for change, field in (
        (insert("made", id="5"), "id"),
        (update("made", ["1"], {"id": "5"}, {"id": "1"}), "id"),
        (insert("made", twice="5"), "twice"),
        (insert("made", n="x"), "n"),
        (insert("person", id="d", born="never"), "born"),
        (insert("person", id="d", doc="{"), "doc"),
        (update("person", ["a"], {"name": "x"}, {}), "name"),
        (update("person", ["a"], {}, {}), "set"),
        (update("person", ["a", "b"], {"name": "x"}, {"name": "Ada"}), "key"),
        (update("seen", ["a"], {"name": "x"}, {"name": "Ada"}), "table"),
        (delete("seen", ["a"]), "table"),
        (delete("made", ["x"]), "id"),
        (insert("seen", id="d"), "table"),
    ):
        told = await staged.post(f"/api/changes/{where}", {"changes": [change]}, 422)
        assert told["field"] == field, (change, told)
    for wrong in (
        {"changes": [{"kind": "drop"}]},
        {"changes": 1},
        {},
        {"changes": [insert("person", id=5)]},
    ):
        await staged.post(f"/api/changes/{where}", wrong, 422)
    absent = {"changes": [insert("absent", id="1")]}
    assert (await staged.post(f"/api/changes/{where}", absent, 404))["code"] == "no_such_thing"
    absent = {"changes": [update("person", ["a"], {"name": "x"}, {"name": "Ada", "absent": "x"})]}
    await staged.post(f"/api/changes/{where}", absent, 404)
    many = {"changes": [insert("made")] * 1001}
    assert (await staged.post(f"/api/changes/{where}", many, 413))["code"] == "too_much"


async def test_what_the_database_refuses_stores_nothing(staged: Any):
    good = insert("person", id="new", name="n")
    for bad, code in (
        (insert("person", id="a"), "already_exists"),
        (insert("account", provider="p", number="1", owner="nobody"), "referenced_row"),
        (insert("account", provider="p", number="1"), "check_failed"),
        (insert("made", five="too long"), "invalid_input"),
        (insert("later", id="1", owner="nobody"), "referenced_row"),
        (update("guarded", ["1"], {"v": "w"}, {"v": "v"}), "kept_as_it_was"),
        (delete("person", ["a"]), "referenced_row"),
    ):
        response = await staged.client.post("/api/changes/apply", json={"changes": [good, bad]})
        told = response.json()["error"]
        assert response.status_code in (409, 422), told
        assert told["code"] == code, told
        assert await staged.connection.fetchval("select count(*) from person") == 2


async def test_a_studio_to_look_at_changes_nothing(made: Callable[..., Any]):
    asker = await made(_TABLES)
    told = await apply(asker, insert("person", id="z"), status=403)
    assert told["code"] == "read_only"
    assert (await asker.get(asker.place("person")))["editable"] is False
    await asker.post("/api/changes/preview", {"changes": [delete("account", ["x", "1"])]})
    assert await asker.connection.fetchval("select count(*) from person") == 2


async def test_a_duplicate_leaves_out_what_makes_itself(staged: Any):
    await staged.connection.execute("insert into made (n, code, five) values (3, 'c', 'five')")
    copy = await staged.get(staged.place("made", "duplicate"), key=["1"])
    stamp = copy["values"].pop("stamp")
    assert stamp.endswith("+00")
    assert copy["values"] == {"n": "3", "five": "five"}
    left = {each["column"]: each["why"] for each in copy["left"]}
    assert left == {"id": "identity", "twice": "generated", "code": "unique"}
    done = await apply(staged, insert("made", **copy["values"], code="d"))
    assert done["keys"] == [["2"]]


_TREE = """
create table root (id int primary key, other int unique);
create table child (id int primary key, root int references root on delete cascade,
    code text not null, n int not null, unique (code, n));
create table leaf (code text, n int, id int primary key,
    foreign key (code, n) references child (code, n) on delete cascade);
create table loose (id int primary key, root int references root (other) on delete set null,
    child int default 1 references child on delete set default);
create table selfish (id int primary key, up int references selfish on delete cascade,
    root int references root on delete cascade);
create table strict (id int primary key, root int references root on delete restrict);
create table kept (id int primary key, leaf int references leaf, root int references root on delete cascade);
insert into root select n, n * 10 from generate_series(1, 4) n;
insert into child select n, 1 + n % 2, 'c' || n % 3, n from generate_series(1, 30) n;
insert into leaf select 'c' || n % 3, n, n from generate_series(1, 30) n;
insert into leaf select 'c' || n % 3, n, n + 100 from generate_series(1, 30) n;
insert into loose select n, 10 * (1 + n % 3), null from generate_series(1, 9) n;
insert into selfish values (1, null, 1), (2, 1, null), (3, 2, 1), (4, null, 2), (5, 4, null);
update selfish set up = 3 where id = 1;
insert into strict values (1, 3);
insert into kept values (1, 2, 1), (2, null, 1), (3, 1, 4);
"""


async def _counts(asker: Any) -> dict[str, int]:
    tables = ("root", "child", "leaf", "loose", "selfish", "strict", "kept")
    return {t: await asker.connection.fetchval(f"select count(*) from {t}") for t in tables}


@pytest.mark.parametrize("version", ["18", pytest.param("15", marks=pytest.mark.needs("pg15"))])
async def test_what_a_delete_brings_is_what_it_then_does(
    made: Callable[..., Any], request: pytest.FixtureRequest, version: str
):
    server: PgServer = request.getfixturevalue(f"pg{version}")
    asker = await made(_TREE, write=True, server=server)
    for key, refused in (("1", False), ("2", True), ("3", True), ("4", False)):
        changes = {"changes": [delete("root", [key])]}
        [told] = (await asker.post("/api/changes/preview", changes))["deletes"]
        assert told["refused"] is refused, (key, told)
        assert not told["more"]
        before = await _counts(asker)
        nulls = "select count(*) from loose where root is null"
        none = await asker.connection.fetchval(nulls)
        response = await asker.client.post("/api/changes/apply", json=changes)
        assert (response.status_code != 200) is refused, response.text
        if refused:
            assert await _counts(asker) == before
            continue
        after = await _counts(asker)
        really = {t: before[t] - after[t] for t in before if before[t] != after[t]}
        said: dict[str, int] = {"root": 1}
        for effect in told["effects"]:
            if effect["does"] == "deleted":
                said[effect["table"]] = said.get(effect["table"], 0) + effect["rows"]
        assert said == really
        set_null = sum(e["rows"] for e in told["effects"] if e["does"] == "set null")
        assert await asker.connection.fetchval(nulls) - none == set_null


async def test_a_second_delete_knows_what_the_first_took(made: Callable[..., Any]):
    asker = await made(_TREE, write=True)
    changes = {"changes": [delete("kept", ["3"]), delete("kept", ["1"]), delete("root", ["2"])]}
    deletes = (await asker.post("/api/changes/preview", changes))["deletes"]
    assert [each["refused"] for each in deletes] == [False, False, False]
    await asker.post("/api/changes/apply", changes)


async def test_a_person_of_ours_takes_everything_along(world: str, asking: Callable[..., Any]):
    asker = await asking(world, schema=SCHEMA, write=True)
    changes = {"changes": [delete(f"{PREFIX}user", [ADA])]}
    [told] = (await asker.post("/api/changes/preview", changes))["deletes"]
    lines = await asker.get("/api/tables")
    names = [
        line["name"] for line in lines if line["schema"] == "public" and line["kind"] == "table"
    ]

    async def counted() -> dict[str, int]:
        return {n: await asker.connection.fetchval(f'select count(*) from "{n}"') for n in names}

    before = await counted()
    await asker.post("/api/changes/apply", changes)
    after = await counted()
    said = {f"{PREFIX}user": 1}
    for effect in told["effects"]:
        assert effect["does"] == "deleted"
        said[effect["table"]] = said.get(effect["table"], 0) + effect["rows"]
    assert said == {n: before[n] - after[n] for n in names if before[n] != after[n]}
    assert said[f"{PREFIX}message"] > 3


async def test_of_two_at_once_one_is_stored(staged: Any):
    keyless = (await staged.rows("keyless"))["rows"][0]["key"]
    for table, key, old in (
        ("person", ["b"], {"name": "Bob"}),
        ("keyless", keyless, {"v": "one"}),
    ):
        [column] = old
        changes = [
            {"changes": [update(table, key, {column: f"{n}"}, old)]} for n in ("left", "right")
        ]
        answers = await asyncio.gather(
            *(staged.client.post("/api/changes/apply", json=each) for each in changes)
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        won = "left" if answers[0].status_code == 200 else "right"
        assert await staged.connection.fetchval(
            f"select count(*) from {table} where {column} = $1", won
        )
