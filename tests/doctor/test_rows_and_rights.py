"""Orphaned rows, row-level security in part, sessions in the way, settings."""

import asyncio

import asyncpg
import pytest
import sqlalchemy as sa

from chatkeep import Database, NewMessage, NewUser
from chatkeep.doctor import Limits, Options, Severity, diagnose
from doctor.conftest import Admit, Patient, eventually
from fixtures.servers import PgServer


async def talk(patient: Patient) -> tuple[str, list[str]]:
    """A user's chat of four messages."""
    async with Database(patient.schema, patient.url) as db:
        user = await db.users.create(NewUser(email="ada@example.com"))
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="Talk")
        said = [NewMessage(role="user", content=f"word {n}") for n in range(4)]
        messages = await mine.messages.append(chat.id, *said)
    return chat.id, [message.id for message in messages]


async def test_a_parent_that_is_gone(admit: Admit):
    patient = await admit()
    _, ids = await talk(patient)
    assert await patient.find("parent-missing") == []
    await patient.connection.execute("DELETE FROM x_message WHERE id = $1", ids[1])
    found = await patient.mends("parent-missing")
    assert found.message.startswith("One message follows")
    parent = await patient.connection.fetchval(
        "SELECT parent_id FROM x_message WHERE id = $1", ids[2]
    )
    assert parent == ids[0]


async def test_a_head_that_is_gone(admit: Admit):
    patient = await admit()
    chat, ids = await talk(patient)
    await patient.connection.execute("DELETE FROM x_message WHERE id = $1", ids[3])
    await patient.mends("head-missing")
    head = await patient.connection.fetchval("SELECT head FROM x_chat WHERE id = $1", chat)
    assert head == ids[2]


async def test_of_a_big_table_only_a_part_is_read_and_that_is_said(admit: Admit):
    patient = await admit()
    await talk(patient)
    await patient.run("ANALYZE")
    report = await patient.report(only=("parent-missing",), limits=Limits(rows=2))
    assert "only about 50 % of the rows" in report.unseen[0].reason


async def test_an_answer_whose_writer_died(admit: Admit):
    patient = await admit()
    async with Database(patient.schema, patient.url) as db:
        user = await db.users.create(NewUser(email="ada@example.com"))
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="Talk")
        (asked,) = await mine.messages.append(chat.id, NewMessage(role="user", content="Why?"))
        await patient.connection.execute(
            "INSERT INTO x_message (id, chat_id, user_id, role, content, status, parent_id) "
            "VALUES ('m', $1, $2, 'assistant', '', 'streaming', $3)",
            chat.id, user.id, asked.id,
        )  # fmt: skip
        await patient.connection.execute(
            "INSERT INTO x_running_answer (user_id, chat_id, message_id, writer, updated_at) "
            "VALUES ($1, $2, 'm', 'w', now() - interval '3 hours')",
            user.id, chat.id,
        )  # fmt: skip
        found = await patient.find_one("answer-abandoned", limits=Limits())
        assert "for 3 h" in found.message
        assert (found.mend, found.mend_with) == ("await db.messages.sweep_interrupted()", "python")
        assert await eval(found.mend.removeprefix("await "), {"db": db}) == 1
    assert await patient.find("answer-abandoned") == []


async def test_rows_whose_user_is_gone(admit: Admit):
    patient = await admit()
    await patient.run(
        'ALTER TABLE x_session DROP CONSTRAINT "x_session_user_id_x_user_id_fk"',
        "INSERT INTO x_session (session_token, user_id, expires) VALUES ('t', 'nobody', now())",
    )
    found = await patient.mends("orphaned-rows")
    assert found.message.startswith("One row refers to a row of")
    assert "DELETES" in found.message
    assert found.mend.startswith("SELECT * FROM")  # so that they are seen before they go
    await patient.mends("missing-constraint")


@pytest.mark.parametrize("rule", ["SET NULL", "set null (folder)", "RESTRICT"])
async def test_rows_whose_reference_is_gone_go_only_where_the_key_says_so(admit: Admit, rule: str):
    metadata = sa.MetaData()
    folder = (sa.Column(name, sa.Integer, primary_key=True) for name in ("owner", "id"))
    sa.Table("folder", metadata, *folder)
    key = sa.ForeignKeyConstraint(["owner", "folder"], ["folder.owner", "folder.id"], ondelete=rule)
    owner = sa.Column("owner", sa.Integer, nullable=False)
    sa.Table("item", metadata, owner, sa.Column("folder", sa.Integer), key)
    patient = await admit(metadata, tables=False)
    await patient.run(
        "CREATE TABLE folder (owner int, id int, PRIMARY KEY (owner, id))",
        "CREATE TABLE item (owner int NOT NULL, folder int)",
        "INSERT INTO folder VALUES (1, 1)",
        "INSERT INTO item VALUES (1, 1), (1, 7), (1, NULL)",
    )
    found = await patient.mends("orphaned-rows")
    left = await patient.connection.fetch("SELECT folder FROM item ORDER BY 1 NULLS LAST")
    if rule == "RESTRICT":
        assert "DELETES" in found.message
        assert [row[0] for row in left] == [1, None]
    else:
        assert "DELETE" not in found.message + found.mend
        assert [row[0] for row in left] == [1, None, None]


async def test_a_session_idle_in_a_transaction(admit: Admit, pg: PgServer):
    patient = await admit(server=pg)
    other = await asyncpg.connect(patient.url, server_settings={"application_name": "forgetful"})
    pid = other.get_server_pid()
    await other.execute("BEGIN; SELECT 'secret'")
    found = await patient.find_one("idle-in-transaction")
    assert f"process {pid} of forgetful, role postgres" == found.about
    assert "secret" not in str(found)
    await patient.mend(found)
    await eventually(lambda: gone(patient, pid))
    assert await patient.find("idle-in-transaction") == []
    assert await patient.find("idle-in-transaction", limits=Limits()) == []


async def gone(patient: Patient, pid: int) -> bool:
    sql = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)"
    return bool(await patient.connection.fetchval(sql, pid))


async def test_a_statement_that_runs_and_a_lock_that_is_waited_for(admit: Admit, pg: PgServer):
    patient = await admit(server=pg)
    holder, waiter, third = [await asyncpg.connect(patient.url) for _ in range(3)]
    await holder.execute("BEGIN; LOCK TABLE x_user")
    tasks = [asyncio.create_task(c.execute("SELECT count(*) FROM x_user")) for c in (waiter, third)]
    waits = "SELECT count(*) = 2 FROM pg_locks WHERE NOT granted AND pid = ANY($1::int[])"
    pids = [waiter.get_server_pid(), third.get_server_pid()]
    await eventually(lambda: patient.connection.fetchval(waits, pids))
    running = await patient.find("long-running")
    assert [each.mend for each in running] == [
        f"SELECT pg_cancel_backend({pid});" for pid in sorted(pids)
    ]
    found = await patient.find_one("lock-wait")
    assert f"process {holder.get_server_pid()}, role postgres" == found.about
    assert found.message.startswith("2 sessions wait for its locks")
    await patient.mend(found)
    await asyncio.gather(*tasks)
    assert await patient.find("lock-wait") == []
    assert await patient.find("long-running") == []
    for connection in (waiter, third):
        await connection.close()


async def test_settings_of_the_database(admit: Admit):
    patient = await admit()
    name = await patient.connection.fetchval("SELECT current_database()")
    await patient.run(f"ALTER DATABASE {name} SET timezone = 'Europe/Berlin'")
    assert (await patient.mends("timezone-not-utc")).message == "It is Europe/Berlin."
    for found in await patient.find("unbounded-waits"):
        await patient.mend(found)
    assert await patient.find("unbounded-waits") == []
    found = await patient.find("durability-off")  # said on the command line of the test server
    assert [each.about for each in found if each.severity is Severity.ERROR] == [
        "setting fsync",
        "setting full_page_writes",
    ]


async def test_an_extension_that_is_behind(admit: Admit):
    patient = await admit()
    await patient.run("CREATE EXTENSION pg_trgm VERSION '1.3'")
    await patient.mends("extension-behind")


async def test_an_encoding_that_holds_no_emoji(admit: Admit, pg18: PgServer):
    patient = await admit()
    name = "doctor_latin"
    await patient.run(
        f"DROP DATABASE IF EXISTS {name}",
        f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc "
        "TEMPLATE template0 STRATEGY file_copy",
    )
    try:
        report = await diagnose(
            patient.schema, pg18.url(name), Options(only=("encoding-not-utf8",))
        )
        (found,) = report.findings
        assert "LATIN1" in found.message
        assert found.severity is Severity.ERROR
        await patient.mend(found)
        report = await diagnose(
            patient.schema, pg18.url(f"{name}_utf8"), Options(only=("encoding-not-utf8",))
        )
        assert report.findings == ()
    finally:
        await patient.run(f"DROP DATABASE {name}", f"DROP DATABASE IF EXISTS {name}_utf8")


@pytest.mark.needs("pg15")
async def test_a_collation_of_another_version(admit: Admit, request: pytest.FixtureRequest):
    server: PgServer = request.getfixturevalue("pg15")
    patient = await admit(server=server)
    name = "doctor_collation"
    await patient.run(
        f"DROP DATABASE IF EXISTS {name}",
        f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de' "
        "STRATEGY file_copy",
        f"UPDATE pg_database SET datcollversion = '1' WHERE datname = '{name}'",
    )
    there = await asyncpg.connect(server.url(name))
    options = Options(only=("collation-version",))
    try:
        await there.execute("CREATE TABLE stay (room text, EXCLUDE USING btree (room WITH =))")
        (found,) = (await diagnose(patient.schema, server.url(name), options)).findings
        assert found.mend.startswith("REINDEX (CONCURRENTLY) DATABASE")
        assert 'REINDEX INDEX "public"."stay_room_excl";' in found.mend
        for statement in found.mend.split(";\n"):
            await there.execute(statement)
        assert (await diagnose(patient.schema, server.url(name), options)).findings == ()
    finally:
        await there.close()
        await patient.run(f"DROP DATABASE {name}")
