"""Rows that a push cannot count, or would count in another place, are not taken for none."""

import asyncpg
import pytest

from chatkeep.errors import RowsInTheWayError, StatementError
from chatkeep.kit.connection import connect

T = "create table t (id int primary key, a text);"
HIDDEN = {
    "no right to read": "revoke select on t from {role}",
    "policy": "alter table t enable row level security; alter table t force row level security;"
    "create policy p on t using (false)",
}
WITHOUT = {"no right to read": "", "policy": HIDDEN["policy"]}


@pytest.mark.parametrize("how", HIDDEN)
async def test_rows_that_the_role_cannot_count_are_in_the_way(how, place, pg):
    there = await place(pg)
    name = there.url.partition("@/")[2].partition("?")[0]
    role, url = f"push_{name}", there.url
    await there.run(
        f"create role {role} login; grant create on database {name} to {role};"
        f"grant all on schema public to {role}; set role {role}; {T}"
        f"insert into t values (1, 'x'); {HIDDEN[how].format(role=role)}"
    )
    try:
        there.url = url.replace("postgres@", f"{role}@")
        goal = f"create table t (id int primary key); {WITHOUT[how]}"
        with pytest.raises(
            RowsInTheWayError, match=r"may not count, would be lost.*--drop public\.t\.a"
        ):
            await there.push(goal)
        with pytest.raises(RowsInTheWayError, match=r"--drop public\.t,"):
            await there.push("", tables=["t"])
        there.url = url
        assert await there.fetch("select a from t") == [("x",)]
        there.url = url.replace("postgres@", f"{role}@")
        await there.push(goal, drop=["t.a"])
    finally:
        there.url = url
        await there.run(f"drop owned by {role} cascade; drop role {role}")


async def test_a_table_that_is_read_now_is_waited_for_before_the_count(place, pg18, monkeypatch):
    there = await place(pg18, T + "insert into t values (1, 'x');")
    monkeypatch.setattr("chatkeep.kit.push.LOCK_WAIT", 0.2)
    async with connect(there.url) as other, other.transaction():
        await other.execute("lock table t in access share mode")
        with pytest.raises(StatementError, match="lock timeout"):
            await there.push("create table t (id int primary key);")


async def test_dots_in_names_lead_to_no_other_table(place, pg18):
    tables = 'create schema s; create schema "s.a"; create table s."a.b" (id int, x text);'
    there = await place(pg18, f'{tables} create table "s.a".b (id int, x text)')
    await there.run("insert into \"s.a\".b values (1, 'x')")
    with pytest.raises(RowsInTheWayError, match="1 values of the column"):
        await there.push(f'{tables} create table "s.a".b (id int)')
    connection = await asyncpg.connect(there.url)
    assert await connection.fetchval('select x from "s.a".b') == "x"
    await connection.close()
