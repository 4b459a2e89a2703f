"""Which statements run in no transaction: PostgreSQL itself is asked about each form."""

import asyncpg
import pytest

from chatkeep.kit.applying.forms import is_transactional, needs_no_transaction
from chatkeep.kit.folder.reading import MARKER, Folder

REFUSED = "25001"  # "cannot run inside a transaction block"

# Each is sent inside a transaction; most fail there for some other reason, which says as much.
FORMS = [
    "create index concurrently i on t (a)",
    "create unique index concurrently if not exists i on only t (a)",
    "create index i on t (a)",
    'create index "concurrently" on t (a)',
    "drop index concurrently if exists i",
    "drop index if exists i",
    "reindex index concurrently i",
    "reindex (concurrently, verbose) table t",
    "reindex table t",
    "reindex schema public",
    "reindex database concurrently postgres",
    "reindex (verbose) system postgres",
    "vacuum t",
    "vacuum (full, analyze)",
    "analyze t",
    "cluster",
    "cluster t",
    "alter system set work_mem = '5MB'",
    "create database chatkeep_forms",
    "drop database if exists chatkeep_forms",
    "alter database postgres set tablespace pg_default",
    "alter database postgres set work_mem = '5MB'",
    "create tablespace s location '/nowhere/at/all'",
    "drop tablespace if exists s",
    "alter table p detach partition p1 concurrently",
    "alter table p detach partition p1",
    "alter table t add column concurrently int",
    "refresh materialized view concurrently m",
    "alter type e add value 'c'",
    "create type e2 as enum ('a')",
    "discard all",
    "discard plans",
    "create subscription s connection 'host=/nowhere dbname=x' publication p",
    "/* create index concurrently */ select 'vacuum'",
    "comment on table t is 'concurrently'",
    "create table vacuum_log (id int)",
]

SETUP = """
create table t (a int);
create index i0 on t (a);
create table p (a int) partition by list (a);
create table p1 partition of p for values in (1);
create materialized view m as select 1 as a;
create unique index on m (a);
create type e as enum ('a');
"""


@pytest.mark.parametrize("form", FORMS)
async def test_form_is_told_as_postgresql_tells_it(form, database_url):
    assert needs_no_transaction(form) == (await _answer(database_url, form) == REFUSED)


@pytest.mark.needs("pg15")
async def test_forms_are_the_same_on_15(pg15, fresh_database):
    url = await fresh_database(pg15)()
    await _run(url, SETUP)
    for form in FORMS:
        assert needs_no_transaction(form) == (await _answer(url, form) == REFUSED), form


async def _answer(url: str, form: str) -> str | None:
    """The code with which PostgreSQL refuses the statement inside a transaction."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("begin")
        if await connection.fetchval("select to_regclass('t') is null"):
            await connection.execute(SETUP)
        await connection.execute(form)
    except asyncpg.PostgresError as error:
        return error.sqlstate
    else:
        return None
    finally:
        await connection.close()


async def _run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


LABEL = "alter type e add value 'new'"


@pytest.mark.parametrize(
    ("pieces", "transactional"),
    [
        (["create table t (a int)", "create index on t (a)"], True),
        (["create table t (a int)", "create index concurrently on t (a)"], False),
        (["select 1; vacuum"], False),
        (["-- chatkeep:no-transaction\nselect 1"], False),
        (["-- chatkeep:batch key=id size=5\nupdate t set a = 1"], False),
        ([LABEL], True),
        ([LABEL, "insert into t values ('new')"], False),
        ([LABEL, "insert into t values ('other')"], True),
        (["insert into t values ('new')", LABEL], True),
        ([LABEL, "do $$ begin insert into t values ('new'); end $$"], False),
        ([LABEL, "alter type e add value 'newer' after 'new'"], True),
        (["create type e as enum ('old')", LABEL, "insert into t values ('new')"], True),
        (['create type "E" as enum ()', LABEL, "insert into t values ('new')"], False),
        (['create type public."e" as enum ()', LABEL, "insert into t values ('new')"], True),
        (["ALTER TYPE public.e ADD VALUE IF NOT EXISTS 'it''s'", "select 'it''s'::e"], False),
    ],
)
def test_files_that_run_in_one_transaction(folder_of, pieces, transactional):
    (migration,) = Folder.read(folder_of(f";{MARKER}\n".join(pieces))).migrations
    assert is_transactional(migration) is transactional
