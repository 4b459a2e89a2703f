"""Each fault of drizzle-kit's push and pull that was found (0.31), and what ours does instead."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from chatkeep.errors import ChatkeepError, RowsInTheWayError, StatementError
from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.pull import Options, load, pull
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of
from chatkeep.presets import deepsearch
from kit.push.conftest import Place

T = "create table t (id int primary key, a text);"
ROWS = "insert into t values (1, 'x'), (2, 'x');"


@dataclass(frozen=True)
class Change:
    """A push that drizzle-kit gets wrong.

    Attributes:
        there: What the database holds.
        schema: What is pushed.
        error: What ours raises, or None where it does the thing.
        holds: A query, and what it gives afterwards.
        words: Options of the push.
    """

    name: str
    there: str
    schema: str
    error: type[ChatkeepError] | None
    holds: tuple[str, list[tuple[object, ...]]]
    words: tuple[tuple[str, object], ...] = ()


COUNT = "select count(*) from t"
CHANGES = [
    Change(
        "statements run outside any transaction: what ran before the error stays",
        T + "create view theirs as select a from t;",
        "create table fresh (id int); create table t (id int primary key);",
        StatementError,
        ("select count(*) from pg_class where relname = 'fresh'", [(0,)]),
    ),
    Change(
        "an enum's change never asks: a label that rows have goes",
        "create type e as enum ('a', 'b'); create table t (e e); insert into t values ('a');",
        "create type e as enum ('b'); create table t (e e);",
        RowsInTheWayError,
        ("select e::text from t", [("a",)]),
    ),
    Change(
        "a type's change never warns: values are rounded",
        "create table t (n numeric); insert into t values (1.5);",
        "create table t (n integer);",
        RowsInTheWayError,
        ("select n::text from t", [("1.5",)]),
    ),
    Change(
        "--force truncates the table for a NOT NULL column without a default",
        T + ROWS,
        "create table t (id int primary key, a text, b text not null);",
        RowsInTheWayError,
        (COUNT, [(2,)]),
        (("force", True), ("accept_data_loss", True)),
    ),
    Change(
        "a NOT NULL column without a default on an empty table is asked about",
        T,
        "create table t (id int primary key, a text, b text not null);",
        None,
        (COUNT, [(0,)]),
    ),
    Change(
        "truncation is offered for a unique constraint, whatever the rows are",
        T + "insert into t values (1, 'x'), (2, 'y');",
        "create table t (id int primary key, a text unique);",
        None,
        (COUNT, [(2,)]),
    ),
    Change(
        "a unique constraint on rows that repeat themselves fails in the middle",
        T + ROWS,
        "create table t (id int primary key, a text unique);",
        RowsInTheWayError,
        (COUNT, [(2,)]),
    ),
    Change(
        "a dropped primary key stays, with a comment in its place",
        T,
        "create table t (id int not null, a text);",
        None,
        ("select count(*) from pg_constraint where conrelid >= 16384 and contype = 'p'", [(0,)]),
    ),
    Change(
        "text to integer has no USING",
        "create table t (n text); insert into t values ('7');",
        "create table t (n integer);",
        None,
        ("select n from t", [(7,)]),
    ),
    Change(
        "enums of other projects are dropped",
        T + "create type theirs as enum ('x'); create table other (x theirs);",
        T,
        None,
        ("select typname::text from pg_type where typname = 'theirs'", [("theirs",)]),
        (("tables", ["t"]),),
    ),
    Change(
        "sequences of other projects are dropped",
        T + "create sequence theirs;",
        T,
        None,
        ("select relname::text from pg_class where relkind = 'S'", [("theirs",)]),
        (("tables", ["t"]),),
    ),
    Change(
        "without a filter, tables of other projects are dropped with CASCADE",
        T
        + "create table other (id int references t); insert into t values (1, ''); insert into other values (1);",
        T,
        None,
        ("select id from other", [(1,)]),
    ),
    Change(
        "a table goes with CASCADE and takes another's foreign key along",
        T + "create table other (id int references t);",
        "",
        StatementError,
        ("select count(*) from pg_constraint where conrelid >= 16384 and contype = 'f'", [(1,)]),
        (("tables", ["t"]),),
    ),
    Change(
        "a column that nothing is in is asked about",
        T + "insert into t values (1, null);",
        "create table t (id int primary key);",
        None,
        (COUNT, [(1,)]),
    ),
    Change(
        "a check with a semicolon is cut",
        "",
        "create table t (a text check (a <> ';'));",
        None,
        (
            "select pg_get_constraintdef(oid) like '%;%' from pg_constraint where conrelid >= 16384 and contype = 'c'",
            [(True,)],
        ),
    ),
    Change(
        "a policy with two dashes is mangled",
        T,
        T + "alter table t enable row level security; create policy p on t using (a <> '--');",
        None,
        ("select pg_get_expr(polqual, polrelid) like '%--%' from pg_policy", [(True,)]),
    ),
    Change(
        "an index with a semicolon, dashes and commas crashes it",
        T,
        T + "create index i on t ((a || '--,,')) where a <> ';';",
        None,
        ("select count(*) from pg_class where relname = 'i'", [(1,)]),
    ),
    Change(
        "a quote in a default or a new label is not escaped",
        "create type e as enum ('a'); create table t (e e);",
        "create type e as enum ('a', 'it''s'); create table t (e e, j jsonb default '{\"a\": \"it''s\"}');",
        None,
        ("select unnest(enum_range(null::e))::text", [("a",), ("it's",)]),
    ),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
async def test_push(place, pg18, change: Change):
    there = await place(pg18, change.there)
    before = await there.dump()
    words = dict(change.words)
    if change.error is None:
        await there.push(change.schema, **words)
        assert not (await there.push(change.schema, **words)).statements
    else:
        with pytest.raises(change.error):
            await there.push(change.schema, **words)
        assert await there.dump() == before
    assert await there.fetch(change.holds[0]) == change.holds[1]


SCHEMA = """
from sqlalchemy import Column, Integer, MetaData, Table, Text

schema = MetaData()
Table("t", schema, Column("id", Integer, primary_key=True, autoincrement=False){more})
"""


def command(root, there: Place, *words: str, more: str = "") -> subprocess.CompletedProcess[str]:
    (root / "chatkeep.toml").write_text('schema = "app:schema"\n')
    (root / "app.py").write_text(SCHEMA.format(more=more))
    line = [sys.executable, "-m", "chatkeep", *words, "--url", there.url]
    line += ["--scratch-url", there.server.admin_url]
    return subprocess.run(
        line, cwd=root, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )


async def exit_is_0_on_error(there: Place, root) -> None:
    await there.run(T + "create view v as select a from t;")
    done = await asyncio.to_thread(command, root, there, "push")
    assert done.returncode == 1
    assert "Nothing was changed." in done.stderr
    assert "Traceback" not in done.stderr


async def a_prompt_without_a_terminal_hangs(there: Place, root) -> None:
    await there.run(T + ROWS)
    done = await asyncio.to_thread(command, root, there, "push")
    assert (done.returncode, "--drop public.t.a" in done.stderr) == (1, True)
    done = await asyncio.to_thread(command, root, there, "push", more=', Column("b", Text)')
    assert (done.returncode, "--rename public.t.a:b" in done.stderr) == (1, True)


async def every_push_rebuilds_composite_keys_and_long_names(there: Place, root) -> None:
    del root
    target = target_of(deepsearch.schema(prefix="ai-app-template_", edition="seed"))
    await there.push(target)
    keys = "select conname::text, pg_get_constraintdef(oid) from pg_constraint where conrelid >= 16384 and contype = 'p' and cardinality(conkey) = 2 order by 1"
    assert len(await there.fetch(keys)) == 2
    long = "select max(octet_length(conname::text)) from pg_constraint where conrelid >= 16384"
    assert await there.fetch(long) == [(63,)]
    assert not (await there.push(target)).statements


async def the_pulled_migration_is_a_comment_that_cannot_run(there: Place, root) -> None:
    await there.run(T + "create table u (a int, b int, primary key (b, a));")
    scratch = Scratch(there.server.admin_url)
    out = root / "pulled.py"
    pulled = await pull(there.url, root / "drizzle", scratch, Options(out))
    assert not re.search(r"/\*", pulled.migrations[0].read_text())
    async with scratch.database() as url:
        await migrate(Folder.read(root / "drizzle"), url)
        other = Place(there.server, url)
        names = "select tablename::text from pg_tables where schemaname = 'public' order by 1"
        assert await other.fetch(names) == [("t",), ("u",)]
    # Its composite keys come in the order of the key, not in that of the table.
    assert load(out.read_text()).state.metadata.tables["u"].primary_key.columns.keys() == ["b", "a"]


COMMANDS: list[Callable[..., Awaitable[None]]] = [
    exit_is_0_on_error,
    a_prompt_without_a_terminal_hangs,
    every_push_rebuilds_composite_keys_and_long_names,
    the_pulled_migration_is_a_comment_that_cannot_run,
]


@pytest.mark.parametrize("fault", COMMANDS, ids=lambda each: each.__name__.replace("_", " "))
async def test_command(place, pg18, tmp_path, fault):
    await fault(await place(pg18), tmp_path)
