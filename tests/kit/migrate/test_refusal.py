"""What PostgreSQL refuses because of rows is told without a value of any row."""

import asyncpg
import pytest

from chatkeep.errors import MigrationFailedError
from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.refusal import describe

TABLE = "create table t (id int primary key, v text);"
SECRET = "quite9confidential"
NUMBER = "98765432123456789"


def retyped(type_: str, using: str | None = None) -> str:
    return f"alter table t alter v type {type_} using {using or f'v::{type_}'}"


CASES = [
    ("22003", NUMBER, retyped("int"), "numeric value out of range"),
    ("22007", SECRET, retyped("date", "to_date(v, 'YYYY')"), "invalid datetime format"),
    ("22007", SECRET, retyped("interval"), "invalid datetime format"),
    ("22008", "2011-13-45", retyped("timestamptz"), "datetime field overflow"),
    (
        "22023",
        "confidential",
        retyped("timestamptz", "now() at time zone v"),
        "invalid parameter value",
    ),
    ("22023", SECRET, retyped("bytea", "decode(v, 'hex')"), "invalid parameter value"),
    ("22P02", SECRET, retyped("uuid"), "invalid text representation"),
    ("22P02", f'{{"a": "{SECRET}}}', retyped("jsonb"), "invalid text representation"),
    ("2201B", f"({SECRET}", "create index on t (regexp_replace('a', v, ''))", "invalid regular"),
    (
        "23502",
        SECRET,
        "alter table t add w int; alter table t alter w set not null",
        'column "w" of relation "t" contains null values',
    ),
    (
        "23502",
        SECRET,
        "insert into t select null, v from t",
        'null value in column "id" of relation "t" violates not-null constraint',
    ),
    (
        "23503",
        SECRET,
        (
            "create table u (v text primary key); alter table t add constraint f foreign key (v) "
            "references u"
        ),
        (
            'insert or update on table "t" violates foreign key constraint "f" (SQLSTATE 23503). '
            "Columns (v)."
        ),
    ),
    (
        "23505",
        SECRET,
        "insert into t select 2, v from t; create unique index i on t (v)",
        'could not create unique index "i" (SQLSTATE 23505). Columns (v).',
    ),
    (
        "23514",
        SECRET,
        "alter table t add constraint c check (v = 'other')",
        'check constraint "c" of relation "t" is violated by some row',
    ),
    (
        "23514",
        SECRET,
        (
            "do $$ begin raise check_violation using message = (select v from t), "
            "detail = (select format('Key (%s)=', v) from t), constraint = 'own'; end $$"
        ),
        "check violation, constraint own (SQLSTATE 23514).",
    ),
    (
        "23P01",
        SECRET,
        "insert into t select 2, v from t; alter table t add constraint x exclude (v with =)",
        'could not create exclusion constraint "x"',
    ),
    (
        "44000",
        SECRET,
        (
            "create view w as select * from t where id > 5 with check option; "
            "insert into w select 2, v from t"
        ),
        "with check option violation",
    ),
]


@pytest.mark.parametrize(("code", "value", "sql", "said"), CASES)
async def test_no_value_of_a_row_is_told(folder_of, database_url, code, value, sql, said):
    folder = Folder.read(folder_of(TABLE, sql))
    await migrate(folder, database_url, to="0000")
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("insert into t values (1, $1)", value)
    finally:
        await connection.close()
    with pytest.raises(MigrationFailedError) as caught:
        await migrate(folder, database_url)
    told = f"{caught.value} {caught.value.hint}"
    assert f"SQLSTATE {code}" in told
    assert said in told
    assert value not in told
    assert value[:4] not in told  # to_date() repeats what it could not read


NAMED = [
    "ALTER TABLE t ALTER v TYPE regclass USING v::regclass",
    "UPDATE t SET v = (v || '.x')::regclass",
    "SELECT v::regproc FROM t",
    "SELECT v::regtype FROM t",
    "SELECT nextval(v) FROM t",
    "DO $$ BEGIN EXECUTE 'SELECT 1 FROM ' || (SELECT v FROM t); END $$",
    "SELECT query_to_xml(v, true, true, '') FROM t",
]


async def test_a_value_that_is_taken_for_a_name_is_not_told(database_url):
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("CREATE TABLE t (v text); INSERT INTO t VALUES ('secretvalue')")
        for sql in NAMED:
            with pytest.raises(asyncpg.PostgresError) as found:
                await connection.execute(sql)
            assert "secretvalue" not in describe(found.value), sql
        for sql, said in (
            ("DROP TABLE nowhere", 'table "nowhere" does not exist'),
            (
                'ALTER TABLE "public"."nowhere" ADD x int',
                'relation "public.nowhere" does not exist',
            ),
            ("SELECT nowhere FROM t", 'column "nowhere" does not exist'),
            ("SELECT 'nowhere'::regclass", 'relation "nowhere" does not exist'),
        ):
            with pytest.raises(asyncpg.PostgresError, match="nowhere") as found:
                await connection.execute(sql)
            assert describe(found.value).startswith(said)
    finally:
        await connection.close()
