"""What the schema has and the database lacks: found, mended by the printed command, gone."""

from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from chatkeep.doctor import Limits, Severity
from chatkeep.kit.pull import Options, pull
from chatkeep.kit.scratch import Scratch
from chatkeep.presets import deepsearch, maps
from chatkeep.schema.ddl import create_statements
from chatkeep.settings import load_object
from doctor.conftest import ALWAYS, FULL, Admit
from fixtures.servers import PgServer


async def test_an_index_is_built_again(admit: Admit):
    patient = await admit()
    await patient.run('DROP INDEX "x_message_user_id_chat_id_parent_id_idx"')
    found = await patient.mends("missing-index")
    assert found.mend.startswith(
        "CREATE INDEX CONCURRENTLY x_message_user_id_chat_id_parent_id_idx"
    )
    assert found.severity is Severity.WARNING


async def test_the_index_of_the_search_and_its_function(admit: Admit):
    patient = await admit()
    await patient.run('DROP INDEX "x_message_search_idx"')
    await patient.mends("missing-index")
    await patient.run(
        "CREATE OR REPLACE FUNCTION x_search_lexemes(owner text, content text) RETURNS tsvector "
        "LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN ''::tsvector; END $$",
        "INSERT INTO x_user (id, email) VALUES ('a', 'a@example.com')",
        "INSERT INTO x_chat (id, user_id, title) VALUES ('c', 'a', 'Title')",
        "INSERT INTO x_message (id, chat_id, user_id, role, content) "
        "VALUES ('m', 'c', 'a', 'user', 'trees')",
    )
    found = await patient.mends("missing-function")
    assert found.message == "It is of another version."
    # The index holds what the right function gives, not what the other one gave.
    assert found.mend.endswith('REINDEX INDEX CONCURRENTLY "public"."x_message_search_idx";')


async def test_names_that_must_be_quoted(admit: Admit):
    patient = await admit(deepsearch.schema(prefix="ai-app-template_"))
    await patient.run('DROP INDEX "ai-app-template_search_cache_expires_at_idx"')
    assert (await patient.mends("missing-index")).about.startswith('index "ai-app-template_')


async def test_an_index_by_another_name_is_no_loss(admit: Admit):
    patient = await admit()
    await patient.run('ALTER INDEX "x_session_user_id_idx" RENAME TO another')
    assert await patient.find("missing-index") == []


async def test_another_index_of_the_same_name(admit: Admit):
    patient = await admit()
    await patient.run(
        'DROP INDEX "x_session_user_id_idx", "x_user_email_lower_idx"',
        "CREATE INDEX x_session_user_id_idx ON x_session (expires)",
        "CREATE INDEX x_user_email_lower_idx ON x_user (lower(email))",
    )
    for check in ("missing-index", "missing-unique"):
        found = await patient.mends(check)
        assert found.message == "The database has another one of this name."


async def test_a_table_that_was_pulled(admit: Admit, pg18: PgServer, tmp_path: Path):
    patient = await admit(sa.MetaData(), tables=False)
    await patient.run(
        "CREATE TABLE mine (id int PRIMARY KEY, user_id text)",
        "CREATE UNIQUE INDEX low ON mine (lower(user_id))",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$",
        "CREATE TRIGGER touches BEFORE UPDATE ON mine FOR EACH ROW EXECUTE FUNCTION touch()",
        "ALTER TABLE mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
        "CREATE POLICY own ON mine USING (user_id = current_setting('chatkeep.user_id'))",
    )
    out = tmp_path / "doctor_small.py"
    await pull(patient.url, tmp_path / "drizzle", Scratch(pg18.admin_url), Options(out))
    patient.schema = load_object("doctor_small:schema", tmp_path)
    assert (await patient.report(skip=ALWAYS, limits=Limits())).findings == ()
    await patient.run("DROP INDEX low", "DROP TRIGGER touches ON mine", "DROP POLICY own ON mine")
    for check in ("missing-unique", "missing-function", "policy-missing"):
        await patient.mends(check)


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="the whole preset; a small table stands for it")
async def test_a_schema_that_was_pulled(admit: Admit, pg18: PgServer, tmp_path: Path):
    secured = deepsearch.schema(
        prefix="x_", security="rls", seed_writers=True, app_role="doctor_pulled"
    )
    patient = await admit(secured)
    out = tmp_path / "doctor_pulled.py"
    await pull(patient.url, tmp_path / "drizzle", Scratch(pg18.admin_url), Options(out))
    patient.schema = load_object("doctor_pulled:schema", tmp_path)
    assert (await patient.report(skip=ALWAYS, limits=Limits())).findings == ()
    triggers = await patient.connection.fetch(
        "SELECT tgname::text FROM pg_trigger WHERE tgrelid = 'x_message'::regclass "
        "AND NOT tgisinternal ORDER BY 1"
    )
    await patient.run(
        "DROP INDEX x_message_search_idx, x_user_email_lower_idx",
        f'DROP TRIGGER "{triggers[0][0]}" ON x_message',
        "DROP POLICY own ON x_chat",
    )
    for check in ("missing-index", "missing-unique", "missing-function", "policy-missing"):
        await patient.mends(check)


async def test_a_unique_index_and_what_is_in_its_way(admit: Admit):
    patient = await admit()
    await patient.run(
        'DROP INDEX "x_user_email_lower_idx"',
        "INSERT INTO x_user (id, email) VALUES ('a', 'Ada@example.com'), ('b', 'ada@example.com'), "
        "('c', 'bob@example.com')",
    )
    found = await patient.find_one("missing-unique")
    assert "one value is there more than once" in found.message
    assert "ada" not in str(found)  # no row's content
    listed = await patient.connection.fetch(found.mend)
    assert [tuple(row) for row in listed] == [("ada@example.com", 2)]
    await patient.run("DELETE FROM x_user WHERE id = 'b'")
    assert "CREATE UNIQUE INDEX CONCURRENTLY" in (await patient.mends("missing-unique")).mend


async def test_a_unique_constraint_and_a_primary_key(admit: Admit):
    patient = await admit()
    await patient.run(
        'ALTER TABLE x_chat_share DROP CONSTRAINT "x_chat_share_token_hash_unique"',
        'ALTER TABLE x_account DROP CONSTRAINT "x_account_provider_provider_account_id_pk"',
    )
    for found in await patient.find("missing-unique"):
        await patient.mend(found)
    assert await patient.find("missing-unique") == []
    again = await patient.connection.fetchval(
        "select string_agg(conname, ',' order by conname) from pg_constraint "
        "where conname ~ 'token_hash_unique|account_id_pk'"
    )
    assert again == "x_account_provider_provider_account_id_pk,x_chat_share_token_hash_unique"


async def test_a_check_and_a_foreign_key(admit: Admit):
    patient = await admit()
    await patient.run(
        'ALTER TABLE x_message DROP CONSTRAINT "x_message_role_check"',
        'ALTER TABLE x_session DROP CONSTRAINT "x_session_user_id_x_user_id_fk"',
    )
    found = await patient.find("missing-constraint")
    assert [each.about.split()[0] for each in found] == ["foreign", "constraint"]
    for each in found:
        assert "VALIDATE CONSTRAINT" in each.mend
        await patient.mend(each)
    assert await patient.find("missing-constraint") == []
    assert await patient.find("constraint-not-valid") == []


async def test_who_was_looked_at_makes_the_same_tables_as_before(admit: Admit):
    schema = deepsearch.schema(prefix="x_")
    before = create_statements(schema.metadata, schema.extras)
    patient = await admit(schema)
    await patient.run('ALTER TABLE x_message DROP CONSTRAINT "x_message_role_check"')
    await patient.find_one("missing-constraint")
    assert create_statements(schema.metadata, schema.extras) == before


async def test_a_column_and_a_table(admit: Admit):
    patient = await admit()
    await patient.run("ALTER TABLE x_user_settings DROP COLUMN theme", "DROP TABLE x_message_usage")
    assert (await patient.find_one("missing-column")).about == (
        'column "theme" of table "public"."x_user_settings"'
    )
    table = await patient.find_one("missing-table")
    assert (table.about, table.mend_with) == ('table "public"."x_message_usage"', "shell")
    assert table.mend == "chatkeep generate && chatkeep migrate"


async def test_an_empty_database_lacks_the_whole(admit: Admit):
    patient = await admit(tables=False)
    report = await patient.report(skip=("durability-off", "unbounded-waits"))
    assert [each.check for each in report.findings] == ["missing-table"]


async def test_triggers_and_functions_of_a_schema(admit: Admit):
    patient = await admit(deepsearch.schema(prefix="x_", seed_writers=True))
    assert await patient.find("missing-function") == []
    (name,) = await patient.connection.fetchrow(
        "select tgname::text from pg_trigger where tgrelid = 'x_message'::regclass "
        "and not tgisinternal order by 1 limit 1"
    )
    await patient.run(f'DROP TRIGGER "{name}" ON x_message')
    assert (await patient.mends("missing-function")).about == f"trigger {name}"


async def test_any_metadata_will_do(admit: Admit):
    metadata = sa.MetaData()
    sa.Table(
        "Odd Name",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at%", sa.DateTime),
        sa.Index("odd%idx", "at%"),
        schema="else",
    )
    patient = await admit(metadata, tables=False)
    await patient.run(
        'CREATE SCHEMA "else"',
        'CREATE TABLE "else"."Odd Name" (id serial PRIMARY KEY, "at%" timestamp)',
    )
    await patient.mends("missing-index")
    await patient.mends("timestamp-without-zone")


@pytest.mark.parametrize("preset", [deepsearch, maps])
async def test_the_seeds_edition_waits_for_the_upgrade(admit: Admit, preset):
    old, new = preset.schema(prefix="x_", edition="seed"), preset.schema(prefix="x_")
    patient = await admit(old)
    assert (await patient.find_one("seed-edition")).severity is Severity.NOTE
    assert await patient.find("upgrade-unfinished") == []
    patient.schema = new
    report = await patient.report(skip=("durability-off", "unbounded-waits"))
    assert [each.check for each in report.findings] == ["upgrade-unfinished"]
    assert report.findings[0].mend == "chatkeep generate && chatkeep migrate"


async def test_nothing_is_written_and_nothing_of_it_stays(admit: Admit):
    patient = await admit()
    xid = "select pg_snapshot_xmax(pg_current_snapshot())::text::int8"
    before = await patient.connection.fetchval(xid)
    await patient.report()
    assert await patient.connection.fetchval(xid) == before
    with pytest.raises(asyncpg.PostgresError):
        await patient.connection.execute("select * from pg_temp.nothing")
