"""Statements in batches: every row once, no waiting for rows, resumed where they were cut off."""

import asyncio
import re

import asyncpg
import pytest

from chatkeep.errors import MigrationFailedError
from chatkeep.kit.applying.batch import Batch, batch_of
from chatkeep.kit.applying.batches import run_batches


async def nowhere(position: str) -> None:
    """Keep no position."""


def said(statement: str, line: str = "key=id size=10") -> str:
    return f"-- chatkeep:batch {line}\n{statement}"


UPDATE = "UPDATE t SET n = n + 1 WHERE (n < 100 OR true) /* chatkeep:batch */"


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        (said(UPDATE, "key=id"), "batches of no rows"),
        (said(UPDATE, "key=id size=0"), "batches of no rows"),
        (said(UPDATE, "size=10"), "names no key"),
        (said(UPDATE, "key=id, size=10"), "names no key"),
        (said(UPDATE, "key=id size=-5"), "no whole number"),
        (said(UPDATE, "key=id size=9 pause=soon"), "no whole number"),
        (said(UPDATE, "key=id size=9 speed=9"), "cannot be read"),
        (said(UPDATE, "key=id size=9 size=9"), "cannot be read"),
        (said("UPDATE t SET n = 1 WHERE true"), "0 times"),
        (said(UPDATE + " /* chatkeep:batch */"), "2 times"),
        (said("UPDATE t SET n = 1 /* chatkeep:batch */"), "not in its WHERE"),
        (said("UPDATE t SET n = 1 WHERE a OR b /* chatkeep:batch */"), "behind an OR"),
        (said("UPDATE t SET n = 1 WHERE (a /* chatkeep:batch */)"), "inside parentheses"),
        (said("INSERT INTO t SELECT 1 WHERE true /* chatkeep:batch */"), "cannot run in batches"),
        (said("UPDATE t SET n = 1 WHERE 'x' = '/* chatkeep:batch */'"), "0 times"),
        (said(UPDATE + "; " + UPDATE), "2 statements"),
        (said(""), "0 statements"),
        (UPDATE, "no line says the key"),
        (said("UPDATE t SET id = id + 9 WHERE true /* chatkeep:batch */"), "sets id"),
        (said('UPDATE t AS x SET n = 1, "id" = 2 WHERE true /* chatkeep:batch */'), "sets id"),
        (said("UPDATE t SET (n, ID) = (1, 2) WHERE true /* chatkeep:batch */"), "sets id"),
        (
            said(
                "UPDATE t SET n = CASE WHEN a IS DISTINCT FROM b THEN f(1, 2) END, id = 2 "
                "FROM u WHERE true /* chatkeep:batch */"
            ),
            "sets id",
        ),
    ],
)
def test_bad_line_is_refused_before_anything_runs(sql: str, problem: str) -> None:
    with pytest.raises(MigrationFailedError, match=re.escape(problem)) as found:
        batch_of(sql, "0001_x.sql: statement 1 of 1")
    assert "nothing was run" in str(found.value)
    assert found.value.hint


@pytest.mark.parametrize(
    ("statement", "table", "alias"),
    [
        ('UPDATE "a b"."T" SET x = 1 WHERE true', '"a b"."T"', '"a b"."T"'),
        ("UPDATE ONLY t AS m SET x = 1 WHERE true", "t", "m"),
        ('update s.t "M" set x = 1 where true', "s.t", '"M"'),
        ("DELETE FROM t WHERE true", "t", "t"),
        ("DELETE FROM t USING u WHERE true", "t", "t"),
        ("DELETE FROM ONLY t d USING u WHERE true", "t", "d"),
    ],
)
def test_target_is_read(statement: str, table: str, alias: str) -> None:
    read = batch_of(said(f"{statement} /* chatkeep:batch */;", "key=a,b size=7 pause=20"))
    assert read is not None
    assert (read.table, read.alias, read.key, read.size, read.pause) == (
        table,
        alias,
        ("a", "b"),
        7,
        0.02,
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE t SET n = id, a[id] = f(n, id), (b, c) = (id, 2) WHERE id = 1",
        'UPDATE t SET "ID" = (SELECT 1, id) FROM u, id WHERE id.id = u.x',
        "DELETE FROM t USING id WHERE t.id = id.x",
    ],
)
def test_key_may_be_read_by_its_own_update(statement: str) -> None:
    assert batch_of(said(f"{statement} /* chatkeep:batch */")) is not None


def test_statement_without_the_line_is_none() -> None:
    assert batch_of("UPDATE t SET n = 1") is None


def test_file_with_a_batch_runs_in_no_transaction(folder_of) -> None:
    from chatkeep.kit.applying.forms import is_transactional
    from chatkeep.kit.folder import Folder

    folder = Folder.read(folder_of(said(UPDATE), "SELECT 1"))
    assert [is_transactional(migration) for migration in folder.migrations] == [False, True]


KEYS = [
    ("int", "id int primary key", "g * 7 - 3000", "id"),
    ("bigint", "id bigint primary key", "g * 5000000000", "id"),
    ("uuid", "id uuid primary key", "md5(g::text)::uuid", "id"),
    ("text", 'id text collate "C" primary key', "chr(33 + g % 90) || '''\\' || g", "id"),
    ("varchar", "id varchar(255) primary key", "md5(g::text)", "id"),
    ("char", "id char(12) primary key", "g::text", "id"),
    ("numeric", "id numeric primary key", "g / 3.0", "id"),
    (
        "time",
        "id timestamptz primary key",
        "'2026-03-29 00:00+00'::timestamptz + g * interval '17 min 3.000001 s'",
        "id",
    ),
    ("bytea", "id bytea primary key", "decode(md5(g::text), 'hex')", "id"),
    ("composite", "id int, sub text, primary key (id, sub)", "g / 4, (g % 4)::text", "id,sub"),
    ("place", "id int", "g", "ctid"),
    ("double key", "id int not null, sub int; create index on t (id)", "g / 30, g", "id"),
]


@pytest.mark.parametrize(
    ("columns", "values", "key"), [k[1:] for k in KEYS], ids=[k[0] for k in KEYS]
)
async def test_every_row_is_changed_once(
    columns: str, values: str, key: str, pg, fresh_database, connected
) -> None:
    url = await fresh_database(pg)()
    columns, _, index = columns.partition(";")
    async with connected(url) as connection:
        await connection.execute(f"create table t ({columns}, n int not null default 0)")
        await connection.execute(index or "select 1")
        names = ", ".join(
            columns.split(" ")[0]
            for columns in columns.replace(", primary key (id, sub)", "").split(", ")
        )
        await connection.execute(
            f"insert into t ({names}) select {values} from generate_series(1, 1003) g"
        )
        await connection.execute("analyze t")
        batch = batch_of(
            said(
                "UPDATE t AS x SET n = x.n + 1 FROM (SELECT 1 AS id) AS y WHERE (x.n < 1) /* chatkeep:batch */",
                f"key={key} size=100",
            )
        )
        assert batch is not None
        seen: list[int] = []
        kept: list[str] = []

        async def save(position: str) -> None:
            assert connection.is_in_transaction()
            kept.append(position)

        done = await run_batches(
            connection, batch, position=None, save=save, on_progress=lambda p: seen.append(p.done)
        )
        assert await connection.fetch("select n, count(*) from t group by n") == [(1, 1003)]
        assert done == seen[-1] == (1003 if key != "ctid" else done)
        assert len(kept) == len(seen)
        assert len(kept) > 8 or key == "ctid"
        # Told where it stopped, a run goes on behind that.
        again = await run_batches(connection, batch, position=kept[-1], save=save)
        # By place it meets what it moved to new pages, which its WHERE leaves out.
        assert again == 0 or key == "ctid"
        assert await connection.fetch("select n, count(*) from t group by n") == [(1, 1003)]
        middle = await run_batches(connection, batch, position=kept[2], save=save)
        assert middle == 1003 - seen[2] or key == "ctid"


async def test_delete_and_an_empty_table(database_url, connected) -> None:
    async with connected(database_url) as connection:
        await connection.execute("create table t (id int primary key)")
        batch = batch_of(said("DELETE FROM t WHERE id % 2 = 0 /* chatkeep:batch */"))
        assert batch is not None
        assert await run_batches(connection, batch, position=None, save=nowhere) == 0
        await connection.execute("insert into t select generate_series(1, 95)")
        assert await run_batches(connection, batch, position=None, save=nowhere) == 95
        assert await connection.fetchval("select count(*) from t where id % 2 = 0") == 0
        assert await connection.fetchval("select count(*) from t") == 48


@pytest.mark.parametrize(
    ("key", "problem"),
    [("nowhere", "no column nowhere"), ("n", "may be NULL"), ("m", "no index that begins with m")],
)
async def test_key_that_cannot_be_walked_along_is_refused(
    key: str, problem: str, database_url, connected
) -> None:
    async with connected(database_url) as connection:
        await connection.execute(
            "create table t (id int primary key, n int, m int not null, x int)"
        )
        await connection.execute("insert into t values (1, 1, 1, 1)")
        batch = batch_of(
            said("UPDATE t SET x = 2 WHERE true /* chatkeep:batch */", f"key={key} size=1")
        )
        assert batch is not None
        with pytest.raises(MigrationFailedError, match=problem):
            await run_batches(connection, batch, position=None, save=nowhere)
        assert await connection.fetchval("select x from t") == 1


async def test_held_row_is_tried_again_and_never_waited_for(database_url, connected) -> None:
    """The batch holds nothing while it cannot have all: it can be no part of a deadlock."""
    async with connected(database_url) as ours, connected(database_url) as client:
        await ours.execute("create table t (id int primary key, n int not null default 0)")
        await ours.execute("insert into t select generate_series(1, 40)")
        pid = ours.get_server_pid()
        batch = batch_of(said("UPDATE t SET n = n + 1 WHERE true /* chatkeep:batch */"))
        assert batch is not None
        steps = asyncio.Queue()
        transaction = client.transaction()
        await transaction.start()
        await client.execute("update t set n = 10 where id = 25")
        task = asyncio.create_task(
            run_batches(ours, batch, position=None, save=nowhere, on_progress=steps.put_nowait)
        )
        assert [(await steps.get()).done for _ in range(2)] == [10, 20]
        for id_ in (21, 24, 30):  # the batch wants these too, and lets the client have them
            await client.execute("update t set n = 10 where id = $1", id_)
            waiting = "select count(*) from pg_locks where pid = $1 and not granted"
            assert await client.fetchval(waiting, pid) == 0
        await transaction.commit()
        assert await task == 40
        rows = await ours.fetch("select n, count(*) from t group by n order by n")
        assert rows == [(1, 36), (11, 4)]


async def test_batch_that_fails_leaves_those_before_it(database_url, connected) -> None:
    async with connected(database_url) as connection:
        await connection.execute("create table t (id int primary key, n int not null default 1)")
        await connection.execute("insert into t select generate_series(1, 100)")
        await connection.execute("update t set n = 0 where id = 35")
        batch = Batch(
            "UPDATE t SET n = 10 / n WHERE true /* chatkeep:batch */", "t", "t", ("id",), 10
        )
        kept: list[str] = []

        async def save(position: str) -> None:
            kept.append(position)

        with pytest.raises(asyncpg.DivisionByZeroError):
            await run_batches(connection, batch, position=None, save=save)
        assert kept == ['["10"]', '["20"]', '["30"]']
        assert await connection.fetchval("select count(*) from t where n = 10") == 30
        await connection.execute("update t set n = 5 where id = 35")
        assert await run_batches(connection, batch, position=kept[-1], save=save) == 70
        assert await connection.fetchval("select sum(n) from t") == 99 * 10 + 2


PARTITIONED = """
create table t (id int, sub int, n int not null default 0) partition by range (id);
create table t1 partition of t for values from (0) to (300);
create table t2 partition of t for values from (300) to (2000) partition by range (id);
create table t3 partition of t2 for values from (300) to (900);
create table t4 partition of t2 default;
"""
INHERITED = """
create table t (id int not null, sub int, n int not null default 0);
create index on t (id);
create table t1 (more int) inherits (t);
create table t2 () inherits (t1);
"""
LOOSE = {
    "15": "alter table t1 alter id drop not null",
    "18": "alter table t alter id drop not null; alter table t add not null id no inherit",
}
OVER_OTHERS = {
    "partitioned": (PARTITIONED, "t"),
    "inherited": (INHERITED, "t1"),
    "view": ("create table u (id int, sub int, n int); create view t as table u", "u"),
}


@pytest.mark.parametrize("shape", OVER_OTHERS)
async def test_place_in_other_tables_is_refused(shape: str, pg, fresh_database, connected) -> None:
    tables, into = OVER_OTHERS[shape]
    async with connected(await fresh_database(pg)()) as connection:
        await connection.execute(tables)
        await connection.execute(f"insert into {into} select g, g, 0 from generate_series(1, 99) g")
        batch = batch_of(
            said("UPDATE t SET n = 1 WHERE (n < 1) /* chatkeep:batch */", "key=ctid size=9")
        )
        assert batch is not None
        with pytest.raises(MigrationFailedError, match="t is no plain table") as found:
            await run_batches(connection, batch, position=None, save=nowhere)
        assert found.value.hint
        assert await connection.fetchval("select count(*) from t where n = 0") == 99


@pytest.mark.parametrize("key", ["id", "id,sub"])
async def test_key_walks_through_partitions(key: str, pg, fresh_database, connected) -> None:
    async with connected(await fresh_database(pg)()) as connection:
        await connection.execute(PARTITIONED + f"alter table t add primary key ({key})")
        await connection.execute("insert into t select g, -g from generate_series(1, 1003) g")
        batch = batch_of(
            said("UPDATE t SET n = n + 1 WHERE true /* chatkeep:batch */", f"key={key} size=70")
        )
        assert batch is not None
        assert await run_batches(connection, batch, position=None, save=nowhere) == 1003
        assert await connection.fetch("select n, count(*) from t group by n") == [(1, 1003)]


async def test_key_walks_through_children_and_none_of_them_may_lack_it(
    pg, fresh_database, connected
) -> None:
    async with connected(await fresh_database(pg)()) as connection:
        await connection.execute(INHERITED)
        for table in ("t", "t1", "t2"):
            await connection.execute(f"insert into {table} select generate_series(1, 335)")
        batch = batch_of(said("UPDATE t SET n = n + 1 WHERE true /* chatkeep:batch */"))
        assert batch is not None
        assert await run_batches(connection, batch, position=None, save=nowhere) == 3 * 335
        assert await connection.fetch("select n, count(*) from t group by n") == [(1, 3 * 335)]
        await connection.execute(LOOSE[pg.version])
        await connection.execute("insert into t1 values (null)")
        with pytest.raises(MigrationFailedError, match="may be NULL"):
            await run_batches(connection, batch, position=None, save=nowhere)


async def test_comment_is_replaced_and_a_text_like_it_is_not(database_url, connected) -> None:
    async with connected(database_url) as connection:
        await connection.execute("create table t (id int primary key, v text)")
        await connection.execute("insert into t select generate_series(1, 30)")
        text = "/* chatkeep:batch */"
        batch = batch_of(said(f"UPDATE t SET v = 'x {text}' WHERE (true) {text}"))
        assert batch is not None
        assert await run_batches(connection, batch, position=None, save=nowhere) == 30
        assert await connection.fetch("select v, count(*) from t group by v") == [(f"x {text}", 30)]
