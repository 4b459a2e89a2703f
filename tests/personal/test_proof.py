"""The proof reads every place, says so where it cannot, and never calls clean what is not."""

import os
from typing import Any

import asyncpg
import pytest

from chatkeep.database.creation import create_tables
from chatkeep.errors import DatabaseTimeoutError
from chatkeep.personal import proof as reading
from chatkeep.personal.audit import history
from chatkeep.personal.erasing import ErasureOptions, erase_person, preview_erasure
from chatkeep.personal.person import Person
from chatkeep.personal.proof import Finding
from chatkeep.presets import maps
from chatkeep.schema.personal import DELETE, mentions

FULL = bool(os.environ.get("CHATKEEP_FULL"))
SCHEMA = maps.schema()
MAIL = "jürgen@exämple.com"
ID = "0b6a5f0e-7d8f-4f0e-9a40-3f4a6b2f7a11"


@pytest.fixture
async def admin(database_url: str) -> Any:
    await create_tables(SCHEMA, database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute("INSERT INTO users (id, email) VALUES ($1, $2)", ID, MAIL)
    await connection.execute("INSERT INTO users (id, email) VALUES ('bob', 'bob@x.org')")
    yield connection
    await connection.close()


async def findings(url: str, *, redact: bool = False) -> dict[str, Finding]:
    report = await erase_person(url, SCHEMA, ID, ErasureOptions(also=(MAIL,), redact=redact))
    assert report.proof is not None
    assert report.is_clean is not bool(report.proof.findings)
    return {f"{each.column} {each.what}": each for each in report.proof.findings}


async def test_bytes_are_read_within_every_type(database_url: str, admin: asyncpg.Connection):
    await admin.execute("""
        CREATE DOMAIN once AS bytea; CREATE DOMAIN twice AS once;
        CREATE TYPE pair AS (n int, b bytea);
        CREATE TABLE t (b bytea, list bytea[], d twice, dl twice[], c pair, j jsonb);
        ALTER ROLE CURRENT_USER SET bytea_output = 'escape'
    """)
    for text in (MAIL.upper(), ID):
        await admin.execute(
            "INSERT INTO t VALUES ($1::bytea, ARRAY[$1::bytea], $1::bytea, ARRAY[$1::bytea::twice], ROW(1, $1)::pair, to_jsonb($1::bytea))",
            text.encode(),
        )
    try:
        found = await findings(database_url)
    finally:
        await admin.execute("ALTER ROLE CURRENT_USER RESET bytea_output")
    columns = ("b", "list", "d", "dl", "c", "j")
    assert set(found) == {f"{name} {what}" for name in columns for what in ("id", "e-mail")}
    assert {(each.rows, each.perhaps) for each in found.values()} == {(1, 0)}


async def test_what_is_perhaps_another_address_is_told_apart(
    database_url: str, admin: asyncpg.Connection
):
    await admin.execute("CREATE TABLE t (v text)")
    texts = [MAIL, f"{MAIL}.png", f"n{MAIL}", f"{MAIL}.br"]
    await admin.executemany("INSERT INTO t VALUES ($1)", [(text,) for text in texts])
    assert (await findings(database_url))["v e-mail"].perhaps == 2
    left = (await findings(database_url, redact=True))["v e-mail"]
    assert (left.rows, left.perhaps) == (2, 2)
    stored = {row[0] for row in await admin.fetch("SELECT v FROM t")}
    assert stored == {"[erased]", "[erased].png", f"n{MAIL}", f"{MAIL}.br"}


async def test_comments_are_read_too(database_url: str, admin: asyncpg.Connection):
    await admin.execute(
        f"CREATE TABLE t (v text); COMMENT ON COLUMN t.v IS 'ask {MAIL}';"
        f'CREATE TABLE "{ID}" (); COMMENT ON TABLE "{ID}" IS \'of {ID}\';'
    )
    await admin.execute(
        f"DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS ''for {MAIL}''', current_database()); END $$"
    )
    oid = await admin.fetchval("SELECT $1::text::regclass::oid::int8", f'"{ID}"')
    found = await findings(database_url, redact=True)
    place = found["description e-mail"]
    assert place.table == "pg_description"
    assert place.rows == 2
    assert "comment on column v of table t" in place.keys
    assert found["description id"].keys == (f"object {oid}",)


async def test_values_too_large_for_one_expression_are_read_in_pieces(
    database_url: str, admin: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
):
    """The piece is made small: what PostgreSQL refuses by itself is a test of its own, and slow."""
    monkeypatch.setattr(reading, "_PIECE", 50)
    monkeypatch.setattr(reading, "_OVERLAP", 40)
    await admin.execute("CREATE TABLE t (n int PRIMARY KEY, v text, b bytea)")
    for at in range(80):
        text = "é" * at + MAIL + " " * 60
        await admin.execute("INSERT INTO t VALUES ($1, $2, $3)", at, text, text.encode())
    await admin.execute("INSERT INTO t VALUES (-1, repeat(' ', 300), ''), (-2, NULL, NULL)")
    from chatkeep.personal.references import read_registry

    registry = await read_registry(admin, SCHEMA)
    (table,) = [each for each in reading.readable(registry) if each.table.name == "t"]
    for column in table.columns:
        sql = reading._find(table, column, "e-mail", is_large=True)
        bound, arguments = Person(ID, (MAIL,)).bind(sql)
        rows = await admin.fetch(bound, *arguments)
        assert rows[0][0] == 80, column.name


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="70 MB of bytes; small pieces stand for it")
async def test_a_value_of_many_megabytes_does_not_stop_the_proof(
    database_url: str, admin: asyncpg.Connection
):
    await admin.execute("CREATE TABLE files (n int PRIMARY KEY, body bytea, note text)")
    await admin.execute(
        "INSERT INTO files SELECT 1, decode(repeat('00', 70000000), 'hex') || $1::bytea, 'x'",
        MAIL.encode(),
    )
    await admin.execute("INSERT INTO files VALUES (2, '', $1)", MAIL)
    found = await findings(database_url)
    assert {name: each.keys for name, each in found.items()} == {
        "body e-mail": ("1",),
        "note e-mail": ("2",),
    }


async def test_what_cannot_be_read_is_told_and_is_not_clean(
    database_url: str, admin: asyncpg.Connection
):
    await admin.execute("""
        CREATE TABLE good (v text); CREATE TABLE bad (v text, w text);
        INSERT INTO bad VALUES ('x', 'y')
    """)
    await admin.execute("INSERT INTO good VALUES ($1)", MAIL)
    await admin.execute("INSERT INTO bad VALUES ($1, 'z')", MAIL)
    # A column of a type of its own whose cast to text is such a function.
    await admin.execute("""
        CREATE TYPE odd AS ENUM ('a');
        CREATE FUNCTION odd_text(odd) RETURNS text IMMUTABLE LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'cannot say'; END $$;
        CREATE CAST (odd AS text) WITH FUNCTION odd_text(odd);
        ALTER TABLE bad ADD u odd; UPDATE bad SET u = 'a' WHERE v = 'x'
    """)
    for call in (preview_erasure, erase_person):
        report = await call(database_url, SCHEMA, ID, ErasureOptions(also=(MAIL,)))
        assert report.proof is not None
        assert set(report.proof.failed) == {"bad.u"}
        assert {(each.table, each.column) for each in report.proof.findings} == {
            ("good", "v"),
            ("bad", "v"),
        }
    await admin.execute("TRUNCATE good; DELETE FROM bad WHERE w = 'z'")
    report = await erase_person(database_url, SCHEMA, ID, ErasureOptions(also=(MAIL,)))
    assert report.proof is not None
    assert not report.proof.findings
    assert not report.is_clean
    assert report.as_json()["proof"]["failed"] == report.proof.failed  # type: ignore[index]


async def test_a_short_id_takes_nobody_elses_words(database_url: str, admin: asyncpg.Connection):
    await admin.execute("""
        CREATE TABLE tokens (identifier text); CREATE TABLE cached (query text, results json);
        CREATE TABLE said (v text);
        INSERT INTO tokens VALUES ('bob@corp.com'), ('bob@x.org');
        INSERT INTO cached VALUES ('who is bob dylan', '["bob"]'), ('mail bob@x.org', '[]');
        INSERT INTO said VALUES ('my friend bob'), ('my friend bob@x.org')
    """)

    class Said(maps.Schema):
        personal = {  # noqa: RUF012 - as in an application
            "public.tokens": (mentions("identifier", rule=DELETE),),
            "public.cached": (mentions("query", "results", rule=DELETE),),
        }

    report = await erase_person(database_url, Said(), "bob", ErasureOptions(redact=True))
    assert await admin.fetchval("SELECT identifier FROM tokens") == "bob@corp.com"
    assert await admin.fetchval("SELECT query FROM cached") == "who is bob dylan"
    said = [row[0] for row in await admin.fetch("SELECT v FROM said ORDER BY 1")]
    assert said == ["my friend [erased]", "my friend bob"]
    assert report.proof is not None
    assert {(f.table, f.column, f.what, f.rows, f.perhaps) for f in report.proof.findings} == {
        ("tokens", "identifier", "id", 1, 1), ("cached", "query", "id", 1, 1),
        ("cached", "results", "id", 1, 1), ("said", "v", "id", 1, 1),
    }  # fmt: skip


async def test_no_value_is_lost_where_two_keys_would_become_one(
    database_url: str, admin: asyncpg.Connection
):
    one = '{"a": [{"bob@x.org": 1, "BOB@x.org": 2}, {"bob@x.org": 3}]}'
    await admin.execute("CREATE TABLE t (n int, j jsonb)")
    await admin.execute("INSERT INTO t VALUES (1, $1)", one)
    await admin.execute("INSERT INTO t VALUES (2, $1)", '{"bob@x.org": 1, "x": ["bob@x.org"]}')
    report = await erase_person(database_url, SCHEMA, "bob", ErasureOptions(redact=True))
    stored = [row[0] for row in await admin.fetch("SELECT j = $1::jsonb FROM t ORDER BY n", one)]
    assert stored == [True, False]
    assert await admin.fetchval("SELECT j::text FROM t WHERE n = 2") == (
        '{"x": ["[erased]"], "[erased]": 1}'
    )
    assert [(each.column, each.rows) for each in report.redacted] == [("j", 1)]
    assert not report.is_clean


async def test_a_table_that_another_keeps_locked_is_told_and_nothing_waits_for_ever(
    database_url: str, admin: asyncpg.Connection
):
    await admin.execute("CREATE TABLE busy (v text); CREATE TABLE free (v text)")
    await admin.execute("INSERT INTO free VALUES ($1)", MAIL)
    options = ErasureOptions(lock_wait=0.1)
    async with admin.transaction():
        await admin.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        for call in (preview_erasure, erase_person):
            report = await call(database_url, SCHEMA, ID, options)
            assert report.proof is not None
            assert report.proof.failed == {"busy": "Another transaction keeps it locked."}
            assert [each.table for each in report.proof.findings] == ["free"]
        await admin.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        for call in (preview_erasure, erase_person):
            with pytest.raises(DatabaseTimeoutError, match="nothing was changed"):
                await call(database_url, SCHEMA, "bob", options)
    await admin.execute("TRUNCATE free")
    assert (await erase_person(database_url, SCHEMA, "bob")).is_clean


async def test_what_fails_once_the_person_is_gone_is_told(
    database_url: str, admin: asyncpg.Connection
):
    """A cache is called after the commit: at that moment the connection goes."""
    called: list[str] = []

    async def kill(person: Person) -> int:
        pids = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        await admin.fetch(f"SELECT pg_terminate_backend(pid, 20000) FROM ({pids}) p")
        called.append("kill")
        return 1

    async def second(person: Person) -> int:
        called.append("second")
        return 2

    options = ErasureOptions(caches=(kill, second))
    report = await erase_person(database_url, SCHEMA, ID, options)
    assert called == ["kill", "second"]
    assert [each.entries for each in report.caches] == [1, 2]
    assert report.is_done
    assert report.proof is None
    assert not report.is_clean
    assert [each.partition(":")[0] for each in report.failures] == [
        "Statistics", "Proof", "Audit of the proof",
    ]  # fmt: skip
    assert await admin.fetchval("SELECT count(*) FROM users") == 1


async def test_an_audit_that_takes_no_note_is_told(database_url: str, admin: asyncpg.Connection):
    async def lock(person: Person) -> int:
        await admin.execute("BEGIN; LOCK TABLE chatkeep.audit IN ACCESS EXCLUSIVE MODE")
        return 0

    options = ErasureOptions(caches=(lock,), lock_wait=0.1)
    report = await erase_person(database_url, SCHEMA, ID, options)
    await admin.execute("ROLLBACK")
    assert report.proof is not None
    assert set(report.proof.failed) == {"chatkeep.audit"}
    assert [each.partition(":")[0] for each in report.failures] == ["Audit of the proof"]
    assert report.as_json()["failures"] == report.failures
    (entry,) = await history(admin)
    assert entry.action == "erase"
