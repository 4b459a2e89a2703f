"""The proof finds a wrong plan; scratch databases come and go; building names what fails."""

import asyncpg
import pytest
from sqlalchemy import CheckConstraint, Column, Enum, ForeignKey, Integer, MetaData, String, Table

from chatkeep.errors import ProofFailedError, StatementError
from chatkeep.kit.build import build, run_all, schema_sql
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.writing.prove import prove
from fixtures.servers import PgServer


async def facts(url: str) -> Catalog:
    connection = await asyncpg.connect(url)
    try:
        return await read_catalog(connection)
    finally:
        await connection.close()


async def databases(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select datname::text from pg_database where datname like 'chatkeep%'"
        )
        return [row[0] for row in rows]
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (
            "alter table t add b text",
            r"column public\.t\.b differs in type \('text', wanted 'integer'\)",
        ),
        ("select 1", r"column public\.t\.b is missing"),
        ("alter table t add b integer; delete from t", r"rows of public\.t: 3 before, 0 after"),
        (
            "alter table t add b integer; select setval('t_id_seq', 1)",
            r"sequence public\.t_id_seq: 3 before, 1 after",
        ),
        ("alter table nobody add b text", "does not run on a copy"),
    ],
)
async def test_wrong_plan_is_found(pg18: PgServer, sql: str, said: str) -> None:
    scratch = Scratch(pg18.admin_url)
    base = "create table t (id serial primary key);"
    async with scratch.database() as old, scratch.database() as new:
        await run_all(old, [base, "insert into t select from generate_series(1, 3)"])
        await run_all(new, [base, "alter table t add b integer"])
        with pytest.raises(ProofFailedError, match=said):
            await prove(scratch, old, [Statement(sql, "table", "public.t")], await facts(new))


async def test_scratch_database_goes_also_after_an_error(pg18: PgServer) -> None:
    with pytest.raises(RuntimeError):
        async with Scratch(pg18.admin_url).database():
            raise RuntimeError
    assert await databases(pg18.admin_url) == []


async def test_scratch_database_of_a_dead_run_is_swept_and_a_live_one_is_not(
    pg18: PgServer,
) -> None:
    scratch = Scratch(pg18.admin_url)
    async with scratch.database() as live:
        name = live.partition("?")[0].rpartition("/")[2]
        dead = name[:-16] + "deadbeefdeadbeef"
        connection = await asyncpg.connect(pg18.admin_url)
        try:
            await connection.execute(f'create database "{dead}"')
        finally:
            await connection.close()
        async with scratch.database():
            left = await databases(pg18.admin_url)
        assert dead not in left
        assert name in left


async def test_clone_holds_the_rows(pg18: PgServer) -> None:
    scratch = Scratch(pg18.admin_url)
    async with scratch.database() as old:
        await run_all(old, ["create table t as select 7 as n"])
        async with scratch.database(old) as copy:
            connection = await asyncpg.connect(copy)
            try:
                assert await connection.fetchval("select n from t") == 7
            finally:
                await connection.close()


def tables() -> MetaData:
    metadata = MetaData()
    kind = Enum("a", "b", name="kind", metadata=metadata)
    Table(
        "b",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("a_id", ForeignKey("a.id")),
        Column("k", kind),
    )
    Table(
        "a",
        metadata,
        Column("id", Integer, primary_key=True, comment="it's"),
        Column("k", kind),
        Column("c", String(20), CheckConstraint("c like 'x%'"), index=True),
        schema=None,
    )
    Table("z", metadata, Column("id", Integer, primary_key=True), schema="app")
    return metadata


async def test_tables_are_built_in_the_right_order(database_url: str) -> None:
    await build(database_url, tables())
    catalog = await facts(database_url)
    assert len(schema_sql(tables())) == 7
    assert len([key for key in catalog.facts if key.kind == "table"]) == 3
    assert any("x%'" in str(fact) for fact in catalog.facts.values())


async def test_statement_that_fails_is_shown(database_url: str) -> None:
    metadata = MetaData()
    Table("t", metadata, Column("id", Integer), Column("c", Integer, CheckConstraint("nobody > 1")))
    with pytest.raises(StatementError, match=r"refuses `CREATE TABLE t .*nobody"):
        await build(database_url, metadata)
