"""A healthy database of each preset has nothing worse than a note, on 18 and on 15."""

import asyncpg
import pytest
import sqlalchemy as sa

from chatkeep.doctor import CHECKS, Limits, Options, Severity, diagnose
from chatkeep.errors import ConfigError, ConnectionFailedError
from chatkeep.presets import deepsearch, maps
from doctor.conftest import ALWAYS, Admit
from fixtures.servers import PgServer


@pytest.mark.parametrize(
    "schema",
    [
        deepsearch.schema(),
        maps.schema(),
        deepsearch.schema(prefix="s_", security="rls", seed_writers=True, app_role="doctor_health"),
    ],
    ids=["deepsearch", "maps", "secured"],
)
async def test_a_new_database_is_healthy(admit: Admit, pg: PgServer, schema):
    patient = await admit(schema, server=pg)
    report = await patient.report(limits=Limits(), skip=("durability-off",))
    assert report.is_healthy, report.findings
    assert {finding.check for finding in report.findings} <= {"unbounded-waits"}
    assert len(report.checked) == len(CHECKS) - 1
    assert {each.reason for each in report.unseen} == {
        "no migrations folder was given, or it is not there"
    }


async def test_a_schema_of_ones_own_is_healthy(admit: Admit):
    class OwnColumns(deepsearch.ChatColumns):
        colour: sa.Named[str | None] = sa.Column(sa.Text)

    class OwnSchema(deepsearch.Schema):
        chats = deepsearch.Schema.chats.extend(OwnColumns)

    patient = await admit(OwnSchema(prefix="x_"))
    assert (await patient.report(skip=ALWAYS, limits=Limits())).findings == ()
    await patient.run("ALTER TABLE x_chat DROP COLUMN colour")
    assert [each.check for each in (await patient.report(skip=ALWAYS)).findings] == [
        "missing-column"
    ]


async def test_other_projects_tables_are_left_alone(admit: Admit):
    patient = await admit()
    await patient.run("CREATE TABLE other (id int, at timestamp)")
    assert len(await patient.find("timestamp-without-zone")) == 1
    assert await patient.find("timestamp-without-zone", tables_filter=("mine_*",)) == []
    assert len(await patient.find("timestamp-without-zone", tables_filter=("oth*",))) == 1


async def test_only_and_skip(admit: Admit):
    patient = await admit()
    report = await patient.report(only=("pooler", "invalid-index"), skip=("pooler",))
    assert report.checked == ("invalid-index",)
    with pytest.raises(ConfigError, match="There is no check `nonesuch`"):
        await patient.report(only=("nonesuch",))


async def test_a_check_that_would_wait_stops_no_other(admit: Admit):
    patient = await admit()
    blocker = await asyncpg.connect(patient.url)
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE x_user")
        report = await patient.report(only=("missing-unique", "missing-index", "collation-version"))
    await blocker.close()
    said = [(each.check, "lock timeout" in each.reason) for each in report.unseen]
    assert said == [("missing-index", True), ("missing-unique", True)]
    assert "collation-version" in report.checked


async def test_an_ordinary_role_is_told_what_it_cannot_see(admit: Admit, pg: PgServer):
    patient = await admit(server=pg)
    role = "doctor_ordinary"
    await patient.run(
        f"DROP ROLE IF EXISTS {role}", f"CREATE ROLE {role} LOGIN",
        "INSERT INTO x_user (id, email) VALUES ('a', 'a@example.com')",
        'DROP INDEX "x_user_email_lower_idx"',
        "BEGIN",
    )  # fmt: skip
    url = patient.url.replace("postgres@", f"{role}@")
    options = Options(skip=("durability-off",))
    report = await diagnose(patient.schema, url, options)
    await patient.run("ROLLBACK")
    said = {each.check: each.reason for each in report.unseen}
    assert "permission denied for table x_user" in said["missing-unique"]
    assert "GRANT pg_read_all_stats TO the role doctor_ordinary" in said["idle-in-transaction"]
    assert "permission denied" in said["parent-missing"]
    assert {finding.check for finding in report.findings} <= {"unbounded-waits"}
    await patient.run(f"DROP ROLE {role}")


async def test_no_server_is_an_error_and_no_report():
    with pytest.raises(ConnectionFailedError):
        await diagnose(deepsearch.schema(), "postgresql://nobody@127.0.0.1:1/none")


async def test_a_thing_that_is_no_schema_is_refused(database_url: str):
    with pytest.raises(ConfigError):
        await diagnose(42, database_url)


def test_names_are_words_and_reasons_are_sentences():
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    for check in CHECKS:
        assert check.name == check.name.lower().replace("_", "-")
        assert check.why.endswith(".")
        assert check.severity in Severity
