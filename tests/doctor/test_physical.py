"""Broken, needless and bloated things of the database, made for real and mended as printed."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from chatkeep.doctor import Limits, Severity
from doctor.conftest import Admit
from fixtures.servers import PgServer

FILL = (
    "INSERT INTO x_search_cache (query, results, expires_at) "
    "SELECT 'what ' || n, '[]', now() FROM generate_series(1, {}) n"
)


async def test_an_invalid_unique_index_and_an_invalid_one(admit: Admit, pg: PgServer):
    patient = await admit(server=pg)
    await patient.run(
        "INSERT INTO x_user (id, email) VALUES ('a', 'a@x.org'), ('b', 'b@x.org')",
        "UPDATE x_user SET name = 'same'",
    )
    with pytest.raises(asyncpg.UniqueViolationError):
        await patient.run('CREATE UNIQUE INDEX CONCURRENTLY "twice" ON x_user (name)')
    found = await patient.mends("invalid-index")
    assert found.about == 'index "public"."twice" of table "public"."x_user"'
    assert found.severity is Severity.ERROR


async def test_an_index_of_the_schema_is_built_again(admit: Admit):
    patient = await admit()
    await patient.run('DROP INDEX "x_user_email_idx"')
    other = await asyncpg.connect(patient.url)
    async with other.transaction():
        await other.execute("INSERT INTO x_user (id, email) VALUES ('a', 'a@x.org')")
        await patient.run("SET statement_timeout = 200")
        with pytest.raises(asyncpg.QueryCanceledError):  # it waits for the other transaction
            await patient.run('CREATE INDEX CONCURRENTLY "x_user_email_idx" ON x_user (email)')
        await patient.run("RESET statement_timeout")
    await other.close()
    found = await patient.mends("invalid-index")
    assert found.mend == 'REINDEX INDEX CONCURRENTLY "public"."x_user_email_idx";'
    assert await patient.find("missing-index") == []


async def test_what_reindex_left_behind(admit: Admit):
    patient = await admit()
    other = await asyncpg.connect(patient.url)
    async with other.transaction():
        await other.execute("INSERT INTO x_user (id, email) VALUES ('a', 'a@x.org')")
        await patient.run("SET statement_timeout = 200")
        with pytest.raises(asyncpg.QueryCanceledError):
            await patient.run("REINDEX INDEX CONCURRENTLY x_user_email_idx")
        await patient.run("RESET statement_timeout")
    await other.close()
    found = await patient.mends("invalid-index")
    assert found.mend == 'DROP INDEX CONCURRENTLY "public"."x_user_email_idx_ccnew";'
    assert "REINDEX CONCURRENTLY left it" in found.message


async def test_an_index_being_built_is_no_broken_one(admit: Admit):
    patient = await admit()
    builder, other = await asyncpg.connect(patient.url), await asyncpg.connect(patient.url)
    async with other.transaction():
        await other.execute("INSERT INTO x_user (id, email) VALUES ('a', 'a@x.org')")
        build = asyncio.create_task(builder.execute("CREATE INDEX CONCURRENTLY i ON x_user (name)"))
        there = "select count(*) from pg_index where not indisvalid"
        while not await patient.connection.fetchval(there):
            await asyncio.sleep(0.01)
        assert await patient.find("invalid-index") == []
    await build
    await builder.close()
    await other.close()


async def test_who_may_not_see_the_builder_is_not_told_to_drop_its_index(
    admit: Admit, pg: PgServer
):
    patient = await admit(server=pg)
    role = "doctor_unaware"
    await patient.run(f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role} LOGIN")
    blind = replace(patient, url=patient.url.replace("postgres@", f"{role}@"))
    builder, other = await asyncpg.connect(patient.url), await asyncpg.connect(patient.url)
    async with other.transaction():
        await other.execute("INSERT INTO x_user (id, email) VALUES ('a', 'a@x.org')")
        copy = "CREATE INDEX CONCURRENTLY i ON x_user (lower(email))"
        build = asyncio.create_task(builder.execute(copy))
        there = "select count(*) from pg_index where not indisvalid"
        while not await patient.connection.fetchval(there):
            await asyncio.sleep(0.01)
        report = await blind.report(only=("invalid-index",))
        assert report.findings == ()
        assert "may be building" in report.unseen[0].reason
        assert (await blind.report(only=("doubled-index",))).findings == ()
    await build
    # A build elsewhere: this one is known to be of no table that has an INVALID index.
    await patient.run("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass")
    async with other.transaction():
        await other.execute("INSERT INTO x_session VALUES ('t', 'a', now())")
        build = asyncio.create_task(
            builder.execute("CREATE INDEX CONCURRENTLY j ON x_session (expires)")
        )
        while not await patient.connection.fetchval(f"{there} and indexrelid <> 'i'::regclass"):
            await asyncio.sleep(0.01)
        report = await blind.report(only=("invalid-index",))
        assert report.findings == ()
        assert {"GRANT pg_read_all_stats" in each.reason for each in report.unseen} == {True, False}
        found = await patient.find_one("invalid-index")
        assert found.about == 'index "public"."i" of table "public"."x_user"'
    await build
    (found,) = (await blind.report(only=("invalid-index",))).findings
    assert found.mend == 'DROP INDEX CONCURRENTLY "public"."i";'
    await patient.run(f"DROP ROLE {role}")
    await builder.close()
    await other.close()


async def test_of_a_partitioned_table_the_whole_is_mended(admit: Admit, pg: PgServer):
    patient = await admit(server=pg)
    await patient.run(
        "CREATE TABLE event (day int, id int NOT NULL, at timestamp, owner varchar(255) "
        "REFERENCES x_user (id)) PARTITION BY RANGE (day)",
        "CREATE TABLE early PARTITION OF event FOR VALUES FROM (0) TO (2000)",
        "CREATE TABLE late (day int, id serial, at timestamp, owner varchar(255))",
        "ALTER TABLE event ATTACH PARTITION late FOR VALUES FROM (2000) TO (3000)",
        "ALTER TABLE event ADD CONSTRAINT positive CHECK (day > 0) NOT VALID",
        "SELECT setval('late_id_seq', 2000000000)",
        "CREATE INDEX ON event (at)",
        "CREATE INDEX spare ON early (id)",
        "INSERT INTO x_user (id, email) VALUES ('a', 'a@x.org')",
        "INSERT INTO event SELECT n, n, now(), 'a' FROM generate_series(1, 2100) n",
        "SELECT count(*) FROM event",
        "SELECT pg_stat_force_next_flush()",
        "SELECT 1",
    )
    unused = await patient.find("unused-index")
    assert [each.about.split()[1] for each in unused] == ['"public"."spare"']
    await patient.mend(unused[0])
    time = await patient.mends("timestamp-without-zone")
    assert time.about == 'column "at" of table "public"."event"'
    await patient.mends("foreign-key-without-index")
    await patient.mends("constraint-not-valid")
    number = await patient.mends("key-near-its-end")
    assert number.about == 'column "id" of table "public"."late"'


async def test_an_index_that_another_one_covers_and_its_copy(admit: Admit):
    patient = await admit()
    await patient.run(
        "CREATE INDEX copy ON x_session (user_id)",
        "CREATE INDEX front ON x_message (user_id, chat_id)",
        "CREATE INDEX other_order ON x_message (chat_id, user_id)",
        "CREATE INDEX part ON x_message (user_id, chat_id) WHERE role = 'user'",
        "CREATE INDEX patterns ON x_session (user_id varchar_pattern_ops)",
    )
    found = await patient.find("doubled-index")
    assert sorted(each.about.split()[1] for each in found) == [
        '"public"."copy"',
        '"public"."front"',
    ]
    for each in found:
        await patient.mend(each)
    assert await patient.find("doubled-index") == []


async def test_an_index_that_nothing_used(admit: Admit):
    patient = await admit()
    await patient.run(
        "CREATE INDEX spare ON x_search_cache (created_at)",
        FILL.format(2000),
        "SELECT count(*) FROM x_search_cache",
        "SELECT pg_stat_force_next_flush()",
        "SELECT 1",
    )
    assert (await patient.mends("unused-index")).severity is Severity.NOTE
    await patient.run("CREATE INDEX spare ON x_search_cache (created_at)")
    report = await patient.report(only=("unused-index",), limits=Limits())
    assert report.findings == ()
    assert report.unseen[0].reason == "the statistics are younger than 7 d"


async def test_a_foreign_key_without_index(admit: Admit):
    patient = await admit()
    await patient.run(
        'CREATE TABLE "Note" (id int PRIMARY KEY, "chat Id" varchar(255) REFERENCES x_chat (id), '
        "user_id varchar(255) REFERENCES x_user (id))",
        'CREATE INDEX ON "Note" (user_id) WHERE user_id IS NOT NULL',
    )
    found = await patient.mends("foreign-key-without-index")
    assert found.mend == (
        'CREATE INDEX CONCURRENTLY "Note_chat Id_idx" ON "public"."Note" ("chat Id");'
    )


async def test_a_time_without_zone(admit: Admit):
    patient = await admit()
    await patient.run("CREATE TABLE event (at timestamp(3) without time zone, zoned timestamptz)")
    assert (await patient.mends("timestamp-without-zone")).about == (
        'column "at" of table "public"."event"'
    )


async def test_a_constraint_that_was_never_proved(admit: Admit, pg: PgServer):
    patient = await admit(server=pg)
    await patient.run("ALTER TABLE x_user ADD CONSTRAINT short CHECK (length(id) < 99) NOT VALID")
    assert (await patient.mends("constraint-not-valid")).about.startswith(
        'check constraint "short"'
    )


async def test_a_key_near_its_end(admit: Admit):
    patient = await admit()
    await patient.run(
        "CREATE TABLE small (id smallint GENERATED ALWAYS AS IDENTITY (START 32700))",
        "INSERT INTO small DEFAULT VALUES",
        "CREATE TABLE old (id serial)",
        "SELECT setval('old_id_seq', 1700000000)",
        "SELECT setval(pg_get_serial_sequence('x_search_cache', 'id'), 2000000000)",
    )
    found = {each.about.split(".")[-1]: each for each in await patient.find("key-near-its-end")}
    assert set(found) == {'"small"', '"old"', '"x_search_cache"'}
    assert [found[f'"{name}"'].severity for name in ("small", "old")] == ["error", "warning"]
    for each in found.values():
        await patient.mend(each)
    assert await patient.find("key-near-its-end") == []
    await patient.run("SELECT setval('old_id_seq', 3000000000)", "INSERT INTO old DEFAULT VALUES")


async def test_bloat_of_a_table_and_of_an_index(admit: Admit):
    patient = await admit()
    await patient.run(
        FILL.format(6000), "DELETE FROM x_search_cache WHERE id % 10 > 0",
        "VACUUM (ANALYZE) x_search_cache",
    )  # fmt: skip
    assert await patient.find("table-bloat", limits=Limits()) == []
    for found in await patient.find("index-bloat"):
        assert "an estimate" in found.message
        await patient.mend(found)
    assert await patient.find("index-bloat") == []
    found = await patient.mends("table-bloat")
    assert "an estimate" in found.message


async def test_bloat_is_measured_where_that_can_be(admit: Admit):
    patient = await admit()
    await patient.run(
        "CREATE EXTENSION pgstattuple", FILL.format(6000),
        "DELETE FROM x_search_cache WHERE id % 10 > 0", "VACUUM (ANALYZE) x_search_cache",
    )  # fmt: skip
    assert "measured by pgstattuple" in (await patient.mends("table-bloat")).message


async def test_full_tables_are_not_bloated(admit: Admit):
    patient = await admit()
    await patient.run(
        FILL.format(6000),
        "INSERT INTO x_user (id, email, name) "
        "SELECT gen_random_uuid(), n || '@example.com', CASE WHEN n % 3 = 0 THEN 'A name' END "
        "FROM generate_series(1, 6000) n",
        "VACUUM (ANALYZE)",
    )
    assert await patient.find("table-bloat") == []
    assert [each.message for each in await patient.find("index-bloat")] == []


async def test_dead_rows_and_missing_statistics(admit: Admit, pg: PgServer):
    patient = await admit(server=pg)
    await patient.run(
        FILL.format(1000), "UPDATE x_search_cache SET query = query",
        "SELECT pg_stat_force_next_flush()", "SELECT 1",
    )  # fmt: skip
    assert "1000 of its rows are dead" in (await patient.find_one("dead-rows")).message
    assert "never vacuumed" in (await patient.find_one("dead-rows")).message
    await patient.mends("never-analyzed")
    await patient.mends("dead-rows")


async def test_autovacuum_switched_off(admit: Admit):
    patient = await admit()
    await patient.run("ALTER TABLE x_user SET (autovacuum_enabled = off)")
    await patient.mends("autovacuum-off")


async def test_transaction_ids(admit: Admit):
    patient = await admit()
    await patient.run("VACUUM (FREEZE)")
    for _ in range(300):
        await patient.run("SELECT pg_current_xact_id()")
    limits = Limits(transaction_age=200)
    found = await patient.find("transaction-age", limits=limits)
    assert found
    assert "VACUUM (FREEZE)" in found[0].mend
    await patient.mend(found[0])
    left = await patient.find("transaction-age", limits=limits)
    assert found[0].about not in [each.about for each in left]
