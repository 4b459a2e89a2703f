"""Slow statements: found where they are counted, told what to do where not; nobody's values, no other database."""

from collections.abc import Callable

import asyncpg
import pytest

from chatkeep.insight.literals import without_literals
from chatkeep.insight.statements import MOST, read_statements
from fixtures.servers import Databases, PgServer

NEEDLE = "select count(*) as needle from generate_series(1, 20) n where n::text <> "


async def test_a_server_that_counts_nothing_says_what_to_do(
    server: PgServer, fresh_database: Callable[[PgServer], Databases]
):
    connection = await asyncpg.connect(await fresh_database(server)())
    async with connection.transaction():
        found = await read_statements(connection)
    assert (found.state, found.is_loaded, found.statements) == ("not_created", False, [])
    await connection.execute("create extension pg_stat_statements")
    async with connection.transaction():
        found = await read_statements(connection)
        assert await connection.fetchval("select 1") == 1  # the transaction goes on
    assert (found.state, found.is_loaded) == ("not_loaded", False)
    await connection.close()


async def test_a_statement_is_found_with_its_figures_and_without_values(
    counting: PgServer, fresh_database: Callable[[PgServer], Databases]
):
    new = fresh_database(counting)
    url, other = await new(), await new()
    connection, elsewhere = await asyncpg.connect(url), await asyncpg.connect(other)
    async with connection.transaction():
        found = await read_statements(connection)
    assert (found.state, found.is_loaded) == ("not_created", True)
    await connection.execute(
        "create schema stats; create extension pg_stat_statements schema stats"
    )
    for number in range(3):
        await connection.execute(f"{NEEDLE}'SECRET-{number}'")
    await elsewhere.execute("select 'x' as only_in_the_other_database")
    await connection.execute("create role some_reader password 'SECRET-PASSWORD'")
    async with connection.transaction():
        found = await read_statements(connection, "calls", MOST)
    assert found.state == "ready"
    assert found.since is not None
    (needle,) = [each for each in found.statements if "needle" in (each.query or "")]
    assert (needle.calls, needle.rows) == (3, 3)
    assert needle.total_ms > 0
    assert needle.longest_ms <= needle.total_ms
    assert needle.mean_ms == pytest.approx(needle.total_ms / 3)
    texts = " ".join(each.query or "" for each in found.statements)
    assert "some_reader" in texts
    assert "SECRET" not in texts
    assert "only_in_the_other_database" not in texts
    by_mean = (await read_statements(connection, "mean")).statements
    assert [each.mean_ms for each in by_mean] == sorted((e.mean_ms for e in by_mean), reverse=True)
    assert len((await read_statements(connection, "total", 2)).statements) == 2
    await connection.execute("set role some_reader")
    hidden = (await read_statements(connection, "calls", MOST)).statements
    await connection.execute("reset role")
    assert all(each.query is None or "needle" not in each.query for each in hidden)
    await connection.execute("drop role some_reader")
    for each in (connection, elsewhere):
        await each.close()


async def test_an_extension_of_an_older_server_is_told(
    counting: PgServer, fresh_database: Callable[[PgServer], Databases]
):
    connection = await asyncpg.connect(await fresh_database(counting)())
    await connection.execute("create extension pg_stat_statements version '1.8'")
    found = await read_statements(connection)
    assert (found.state, found.version) == ("outdated", "1.8")
    await connection.execute("alter extension pg_stat_statements update")
    assert (await read_statements(connection)).state == "ready"
    await connection.close()


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("select 'it''s', \"it's\", $1, 42", "select '…', \"it's\", $1, 42"),
        (r"select E'a\'b', e'\\', 'c'", "select '…', '…', '…'"),
        ("select $$secret 'x'$$, $tag$ $$ secret $tag$", "select '…', '…'"),
        ("select 'cut off at the end of the tex", "select '…'"),
        ("select $body$ cut off", "select '…'"),
        ("/* secret */ select 1 -- secret\n, 2", "  select 1  \n, 2"),
        ("select '-- no comment', 'a' 'b'", "select '…', '…' '…'"),
        ("select a from t where b = $1 and c = $2", "select a from t where b = $1 and c = $2"),
        (r"select E'cut off \ ", "select '…'"),
        ("select type'x'", "select type'…'"),
        ("/* a /* b */ it's */ select 'secret'", "  select '…'"),
        ("select 1 /* a /* b */ secret", "select 1  "),
    ],
)
def test_values_are_left_out(sql: str, shown: str):
    assert without_literals(sql) == shown
