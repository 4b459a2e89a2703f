"""Faults of drizzle-kit 0.31 in generate, up, drop and export, and what chatkeep does there.

Each was seen with the real drizzle-kit. What concerns pull, push, check and branches stands beside
the tests of those commands; what concerns migrate in tests/kit/migrate.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg
import pytest
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chatkeep.errors import MigrationFailedError
from chatkeep.kit.build import build
from chatkeep.kit.folder import Folder
from chatkeep.kit.folder.soundness import folder_findings
from chatkeep.kit.generate import Options, generate, generate_custom
from chatkeep.kit.migrate import migrate
from chatkeep.kit.target import State, Target, target_of
from fixtures.dump import dump

Parts = tuple[object, ...]


@dataclass(frozen=True)
class Extra:
    create: str
    kind: str = "policy"


@dataclass(frozen=True)
class Change:
    """A table before and after a change of its schema.

    Attributes:
        fault: What drizzle-kit writes.
        rows: Run between the two migrations.
        look: A query that is run at the end, and what it gives.
    """

    name: str
    fault: str
    before: Callable[[], Parts]
    after: Callable[[], Parts]
    rows: str = ""
    look: tuple[str, object] | None = None
    extras: tuple[Extra, ...] = ()
    enum: tuple[str, str] = ("", "")
    options: Options = field(default_factory=lambda: Options(allow_drops=True))


def key() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=False)


def mood(*labels: str) -> Column[str]:
    return Column("mood", Enum(*labels, name="mood"))


CHANGES = [
    Change(
        "check with a semicolon",
        "is cut off at the `;`",
        lambda: (key(), Column("a", Text)),
        lambda: (key(), Column("a", Text), CheckConstraint("a <> 'x;y' and a <> ''", name="t_check")),
        look=("select pg_get_constraintdef(oid) like '%x;y%' from pg_constraint where conname = 't_check'", True),
    ),
    Change(
        "policy with two dashes",
        "is mangled behind the `--`",
        lambda: (key(), Column("a", Text)),
        lambda: (key(), Column("a", Text)),
        extras=(Extra("create policy own on t using (a <> 'x--y;z')"),),
        look=("select qual from pg_policies", "(a <> 'x--y;z'::text)"),
    ),
    Change(
        "index with a semicolon in its predicate",
        "crashes",
        lambda: (key(), Column("a", Text)),
        lambda: (key(), Column("a", Text), Index("t_part", "a", postgresql_where=text("a <> ';'"))),
        look=("select indexdef like '%'';''%' from pg_indexes where indexname = 't_part'", True),
    ),
    Change(
        "index of an expression with `--` and `,,`",
        "crashes",
        lambda: (key(), Column("a", Text)),
        lambda: (key(), Column("a", Text), Index("t_expr", text("(a || '--' || ',,;')"))),
        look=("select indexdef like '%,,;%' from pg_indexes where indexname = 't_expr'", True),
    ),
    Change(
        "JSON default with a quote",
        "leaves the quote as it is: a syntax error",
        lambda: (key(),),
        lambda: (key(), Column("a", JSONB, server_default=text("""'{"it''s": 1}'"""))),
        rows="insert into t values (1)",
        look=("select a::text from t", '{"it\'s": 1}'),
    ),
    Change(
        "new label of an enum with a quote",
        "leaves the quote as it is: a syntax error",
        lambda: (key(), mood("ok")),
        lambda: (key(), mood("ok", "it's")),
        rows="insert into t values (1, 'ok')",
        look=("select enum_range(null::mood)::text", """{ok,it's}"""),
    ),
    Change(
        "label taken out of an enum",
        "turns the column to text and back, without a word on rows that have it",
        lambda: (key(), mood("ok", "odd")),
        lambda: (key(), mood("ok")),
        rows="insert into t values (1, 'ok')",
        look=("select enum_range(null::mood)::text", "{ok}"),
    ),
    Change(
        "bigint default beyond what JavaScript counts",
        "crashes on `5n`, and a number loses its last digits",
        lambda: (key(),),
        lambda: (key(), Column("a", BigInteger, server_default=text("9007199254740993"))),
        rows="insert into t values (1)",
        look=("select a from t", 9007199254740993),
    ),
    Change(
        "time default finer than a millisecond",
        "a Date of JavaScript drops the microseconds",
        lambda: (key(),),
        lambda: (key(), Column("a", DateTime, server_default=text("'2026-01-01 00:00:00.123456'"))),
        rows="insert into t values (1)",
        look=("select extract(microseconds from a)::int from t", 123456),
    ),
    Change(
        "primary key that goes",
        "writes a comment only: the database keeps the key",
        lambda: (key(), Column("a", Text)),
        lambda: (Column("id", Integer, nullable=False), Column("a", Text)),
        look=("select count(*) from pg_constraint where contype = 'p' and conrelid = 't'::regclass", 0),
    ),
    Change(
        "integer that becomes an identity with rows in it",
        "writes the type serial, which ALTER does not know",
        lambda: (key(),),
        lambda: (Column("id", Integer, Identity(), primary_key=True),),
        rows="insert into t values (1), (2)",
        look=("select count(*) from t", 2),
    ),
    Change(
        "text that becomes a number, with USING",
        "writes no USING: 42804",
        lambda: (key(), Column("a", Text)),
        lambda: (key(), Column("a", Integer, info={"using": "a::integer"})),
        rows="insert into t values (1, '7')",
        look=("select a from t", 7),
    ),
    Change(
        "column renamed under a foreign key and an index",
        "drops the key and adds another by its new name; the rename is recorded nowhere",
        lambda: (key(), Column("old", Integer, ForeignKey("u.id", name="t_old_fk"), index=True)),
        lambda: (key(), Column("new", Integer, ForeignKey("u.id", name="t_old_fk")), Index("ix_t_old", "new")),
        rows="insert into u values (7); insert into t values (1, 7)",
        look=("select new from t", 7),
        options=Options(renames=("t.old:new",)),
    ),
]  # fmt: skip


def schema_of(parts: Parts, *, is_new: bool = False, extras: tuple[Extra, ...] = ()) -> Target:
    metadata = MetaData()
    Table("u", metadata, key())
    Table("t", metadata, *parts)
    return Target(State(metadata, extras if is_new else ()))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
async def test_generate_writes_what_runs_and_leads_to_the_schema(
    change, tmp_path, pg18, fresh_database, scratch
):
    new = fresh_database(pg18)
    url, goal = await new(), await new()
    root = tmp_path / "drizzle"
    after = schema_of(change.after(), is_new=True, extras=change.extras)
    await generate(root, schema_of(change.before()), scratch, Options("first"))
    await migrate(Folder.read(root), url)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(change.rows or "select 1")
        made = await generate(root, after, scratch, change.options)
        assert made.paths, change.fault
        await migrate(Folder.read(root), url)
        query, answer = change.look or ("select 1", 1)
        assert await connection.fetchval(query) == answer, change.fault
    finally:
        await connection.close()
    await build(goal, after.state)
    assert dump(pg18, url, "--exclude-schema=drizzle") == dump(pg18, goal)
    assert (await generate(root, after, scratch, Options())).paths == ()


# ---- commands

SCHEMA = """
from sqlalchemy import Column, Integer, MetaData, Table, Text
first, second, wrong = MetaData(), MetaData(), MetaData()
Table("t", first, Column("id", Integer, primary_key=True), Column("old", Text))
Table("t", second, Column("id", Integer, primary_key=True), Column("new", Text))
Table("t", wrong, Column("id", Text, server_default="x" * 3), Column("n", Integer, server_default="x"))
"""


@pytest.fixture
def chatkeep(tmp_path, pg18):
    """Run `chatkeep` on a schema of `SCHEMA`, without a terminal; a prompt would end the run."""
    (tmp_path / "s.py").write_text(SCHEMA)

    def run(schema: str, *words: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "chatkeep.toml").write_text(f'schema = "s:{schema}"\n')
        scratch = () if words[0] == "schema" else ("--scratch-url", pg18.admin_url)
        return subprocess.run(
            [sys.executable, "-m", "chatkeep", *words, *scratch],
            cwd=tmp_path,
            env={**os.environ, "DATABASE_URL": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    run.folder = tmp_path / "drizzle"
    return run


def files(folder) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


REFUSED = [
    # drizzle-kit prints its question, writes nothing and exits 0
    ("second", ("generate",), "This may be a rename"),
    # drizzle-kit writes the snapshot and the journal, not the file, and exits 0
    ("first", ("generate", "--custom", "--name", "a/b"), "path separator"),
    # drizzle-kit prints the exception and exits 0
    ("nothing", ("generate",), "there is no `nothing`"),
    ("wrong", ("generate",), "PostgreSQL refuses"),
    # drizzle-kit's export: the same
    ("nothing", ("schema", "sql"), "there is no `nothing`"),
]


@pytest.mark.parametrize(("schema", "words", "said"), REFUSED, ids=lambda value: str(value)[:40])
def test_what_cannot_be_done_is_one_sentence_and_exit_1(schema, words, said, chatkeep):
    assert chatkeep("first", "generate").returncode == 0
    before = files(chatkeep.folder)
    run = chatkeep(schema, *words)
    assert (run.returncode, run.stdout) == (1, "")
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert files(chatkeep.folder) == before


def test_a_malformed_snapshot_does_not_stop_the_next_migration_and_check_names_it(chatkeep):
    """drizzle-kit's `up` says that everything is fine; its generate prints an error and exits 0."""
    chatkeep("first", "generate")
    snapshot = chatkeep.folder / "meta" / "0000_snapshot.json"
    snapshot.write_text('{"version": "7", "tables": 7}')
    assert chatkeep("first", "generate").stdout.startswith("Nothing to do")
    snapshot.write_text("{")
    run = chatkeep("first", "check")
    assert run.returncode == 1
    assert "0000_snapshot.json" in run.stdout + run.stderr


async def test_a_dropped_migration_in_the_middle_is_seen(tmp_path, scratch):
    """drizzle-kit's `drop` leaves a snapshot without a predecessor, and generate believes the last."""
    root = tmp_path / "drizzle"
    for names in ("a", "ab", "abc"):
        last = schema_of((key(), *(Column(name, Text) for name in names)))
        await generate(root, last, scratch, Options())
    journal = root / "meta" / "_journal.json"
    document = json.loads(journal.read_text())
    gone = document["entries"].pop(1)
    journal.write_text(json.dumps(document))
    (root / f"{gone['tag']}.sql").unlink()
    (root / "meta" / "0001_snapshot.json").unlink()
    found = [finding.message for finding in folder_findings(Folder.read(root))]
    assert "0002_snapshot.json follows a snapshot that is not there." in found
    made = await generate(root, last, scratch, Options())  # from what the files do, not say
    assert 'ADD COLUMN "b" text' in made.paths[0].read_text()


async def test_two_snapshots_of_one_predecessor_stop_nobody(tmp_path, scratch):
    """drizzle-kit's generate stops at such a pair, with exit 0."""
    root = tmp_path / "drizzle"
    await generate(root, schema_of((key(),)), scratch, Options())
    await generate(root, schema_of((key(), Column("a", Text))), scratch, Options())
    path = root / "meta" / "0001_snapshot.json"
    document = json.loads(path.read_text())
    first = json.loads((root / "meta" / "0000_snapshot.json").read_text())
    path.write_text(json.dumps({**document, "prevId": first["prevId"]}))
    found = [finding.message for finding in folder_findings(Folder.read(root))]
    assert any("both follow the same snapshot" in message for message in found)
    after = schema_of((key(), Column("a", Text), Column("b", Text)))
    assert len((await generate(root, after, scratch, Options())).paths) == 1


async def test_a_custom_migration_carries_the_whole_snapshot_on(tmp_path, scratch):
    """drizzle-kit's --custom drops the keys that it does not know."""
    root = tmp_path / "drizzle"
    await generate(root, schema_of((key(),)), scratch, Options())
    path = root / "meta" / "0000_snapshot.json"
    document = {**json.loads(path.read_text()), "own": {"kept": True}}
    path.write_text(json.dumps(document))
    generate_custom(root, "by hand")
    written = json.loads((root / "meta" / "0001_snapshot.json").read_text())
    assert written["own"] == {"kept": True}
    assert written["prevId"] == document["id"]


async def test_a_table_that_others_need_is_not_taken_with_cascade(
    tmp_path, scratch, database_url, rows
):
    """drizzle-kit always writes CASCADE, which takes views of others along."""
    root = tmp_path / "drizzle"
    await generate(root, schema_of((key(),)), scratch, Options())
    await migrate(Folder.read(root), database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute("create view report as select id from t")
    await connection.close()
    metadata = MetaData()
    Table("u", metadata, key())
    await generate(root, target_of(metadata), scratch, Options(allow_drops=True))
    with pytest.raises(MigrationFailedError, match=r"report|depend"):
        await migrate(Folder.read(root), database_url)
    assert await rows(database_url, "select count(*) from report") == [(0,)]
