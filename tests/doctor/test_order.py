"""The printed commands, run from top to bottom as they stand, and no two for one thing."""

import asyncio
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from chatkeep.cli.main import cli
from chatkeep.database import Database
from chatkeep.doctor import Report
from chatkeep.errors import ConfigError, SchemaMismatchError
from doctor.conftest import ALWAYS, PLAIN, Admit, Patient
from fixtures.servers import PgServer

TABLES = """
import sqlalchemy as sa
metadata = sa.MetaData()
sa.Table("owner", metadata, sa.Column("id", sa.Integer, primary_key=True))
sa.Table(
    "thing", metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("owner_id", sa.Integer),
    sa.Column("amount", sa.Integer, server_default="1"),
    sa.CheckConstraint("amount > 0", name="thing_amount_check"),
    sa.ForeignKeyConstraint(["owner_id"], ["owner.id"], name="thing_owner_fk"),
    sa.Index("thing_owner_idx", "owner_id"),
    sa.Index("thing_big_idx", "id", postgresql_where=sa.text("amount > 9")),
)
sa.Table("log", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("at", sa.Text))
"""


async def shell(mend: str) -> str:
    said = ""
    for part in mend.split(" && "):
        program, *words = shlex.split(part)
        assert program == "chatkeep"
        done = await asyncio.to_thread(CliRunner().invoke, cli, words)
        assert done.exit_code == 0, done.output
        said += done.output
    return said


async def all_mended(patient: Patient) -> Report:
    """Run what is printed, in its order; give what was found."""
    report = await patient.report(skip=ALWAYS)
    for finding in report.findings:
        if finding.mend_with == "shell":
            await shell(finding.mend)
        else:
            await patient.mend(finding)
    assert (await patient.report(skip=ALWAYS)).findings == ()
    return report


@pytest.fixture
async def patient(
    admit: Admit, pg18: PgServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Patient:
    """A database with its folder, all applied."""
    return await settled(admit, pg18, tmp_path, monkeypatch)


async def settled(
    admit: Admit, pg: PgServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Patient:
    found = await admit(server=pg, tables=False)
    (tmp_path / "ordered_tables.py").write_text(TABLES)
    (tmp_path / "chatkeep.toml").write_text('schema = "ordered_tables:metadata"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DATABASE_URL", found.url)
    monkeypatch.setenv("CHATKEEP_SCRATCH_URL", pg.admin_url)
    sys.modules.pop("ordered_tables", None)
    import ordered_tables  # pyright: ignore[reportMissingImports] - written just now

    await shell("chatkeep generate && chatkeep migrate")
    await found.run("INSERT INTO owner VALUES (1)", "INSERT INTO thing VALUES (1, 1, 5)")
    options = replace(found.options, folder=tmp_path / "drizzle")
    return replace(found, schema=ordered_tables.metadata, options=options)


async def test_what_was_taken_away_past_the_migrations_is_brought_back(
    admit: Admit, pg15: PgServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    patient = await settled(admit, pg15, tmp_path, monkeypatch)
    await patient.run("CREATE TABLE others (id int)", "INSERT INTO others VALUES (1)")
    await patient.run("ALTER TABLE thing DROP COLUMN amount", "DROP TABLE log")
    report = await all_mended(patient)
    told = {(each.check, each.about, each.mend) for each in report.findings}
    push = "chatkeep push --force --dry-run && chatkeep push --force"
    assert told == {
        ("missing-table", 'table "public"."log"', push),
        ("missing-column", 'column "amount" of table "public"."thing"', push),
    }
    assert "something took it away" in report.findings[0].message
    rows = await patient.connection.fetch("SELECT * FROM thing")
    assert [tuple(row) for row in rows] == [(1, 1, 1)]
    assert await patient.connection.fetchval("SELECT count(*) FROM others") == 1


async def test_what_would_be_lost_stops_the_command(patient: Patient):
    await patient.run(
        "DROP TABLE log", "ALTER TABLE owner ADD COLUMN mine text", "UPDATE owner SET mine = 'k'"
    )
    found = await patient.find_one("missing-table")
    words = shlex.split(found.mend.split(" && ")[1])[1:]
    done = await asyncio.to_thread(CliRunner().invoke, cli, words)
    assert done.exit_code == 1
    assert await patient.connection.fetchval("SELECT mine FROM owner") == "k"


async def test_what_the_schema_has_more_than_the_folder_is_generated(patient: Patient):
    root = Path.cwd()
    (root / "ordered_tables.py").write_text(
        TABLES.replace(
            'sa.Column("at", sa.Text)', 'sa.Column("at", sa.Text), sa.Column("n", sa.Text)'
        )
    )
    sys.modules.pop("ordered_tables", None)
    import ordered_tables  # pyright: ignore[reportMissingImports] - written just now

    new = replace(patient, schema=ordered_tables.metadata)
    (finding,) = (await new.report(skip=ALWAYS)).findings
    assert finding.mend == "chatkeep generate && chatkeep migrate"
    await patient.run("ALTER TABLE thing DROP COLUMN amount")
    assert len((await all_mended(new)).findings) == 2  # and one of them was taken away


async def test_orphans_go_before_the_key_that_they_break(patient: Patient):
    await patient.run(
        "ALTER TABLE thing DROP CONSTRAINT thing_owner_fk", "INSERT INTO thing VALUES (2, 7, 1)"
    )
    report = await all_mended(patient)
    assert [each.check for each in report.findings] == ["orphaned-rows", "missing-constraint"]


async def test_one_index_is_told_once(patient: Patient):
    await patient.run("DROP INDEX thing_owner_idx")
    report = await patient.report(skip=ALWAYS)
    assert [each.check for each in report.findings] == ["missing-index"]
    skipped = await patient.report(skip=(*ALWAYS, "missing-index"))
    assert [each.check for each in skipped.findings] == ["foreign-key-without-index"]
    await all_mended(patient)


async def test_a_missing_unique_constraint_covers_its_leading_columns(admit: Admit):
    metadata = sa.MetaData()
    sa.Table("owner", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "seat",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("owner_id", sa.ForeignKey("owner.id", name="seat_owner_fk")),
        sa.UniqueConstraint("owner_id", "id", name="seat_unique"),
    )
    patient = await admit(metadata, tables=False)
    await patient.run(
        "CREATE TABLE owner (id serial PRIMARY KEY)",
        "CREATE TABLE seat (id serial PRIMARY KEY, owner_id int CONSTRAINT seat_owner_fk "
        "REFERENCES owner)",
    )
    report = await all_mended(patient)
    assert [each.check for each in report.findings] == ["missing-unique"]


async def test_a_check_waits_for_the_column_that_it_uses(admit: Admit):
    metadata = sa.MetaData()
    sa.Table(
        "seat",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("row", sa.Integer),
        sa.CheckConstraint("row > 0", name="seat_row_check"),
    )
    patient = await admit(metadata, tables=False)
    await patient.run("CREATE TABLE seat (id serial PRIMARY KEY)")
    assert await patient.find("missing-constraint") == []
    await patient.find_one("missing-column")
    await patient.run('ALTER TABLE seat ADD COLUMN "row" int')
    await patient.find_one("missing-constraint")


async def test_checks_that_leave_none(admit: Admit):
    patient = await admit()
    with pytest.raises(ConfigError, match="No check is left"):
        await patient.report(only=("pooler",), skip=("pooler",))
    done = CliRunner().invoke(cli, ["doctor", "--only", "pooler", "--skip", "pooler"])
    assert done.exit_code == 2
    assert "leave no check" in done.output


async def test_who_opens_such_a_database_is_sent_to_the_doctor(admit: Admit):
    patient = await admit()
    await patient.run("DROP TABLE x_message_usage")
    with pytest.raises(SchemaMismatchError, match="chatkeep doctor"):
        async with Database(PLAIN, patient.url):
            pass
