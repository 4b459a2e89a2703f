"""The folder against the bookkeeping; the commands are run as printed."""

import asyncio
import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from chatkeep.cli.main import cli
from chatkeep.doctor import Severity
from chatkeep.errors import ChatkeepError
from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from doctor.conftest import Admit, Patient

TEXTS = ("CREATE TABLE one (id int PRIMARY KEY)", "CREATE TABLE two (id int PRIMARY KEY)")
BOOKS = (
    "bookkeeping-missing",
    "migration-pending",
    "migration-broken-off",
    "migration-edited",
    "migration-missing",
)


def write(root: Path, *texts: str) -> Path:
    (root / "meta").mkdir(parents=True, exist_ok=True)
    entries = []
    for index, text in enumerate(texts):
        tag = f"{index:04d}_step"
        (root / f"{tag}.sql").write_text(text)
        entries.append(
            {"idx": index, "version": "7", "when": 100 + index, "tag": tag, "breakpoints": True}
        )
    own = {"project": "patients"}
    journal = {"version": "7", "dialect": "postgresql", "entries": entries, "chatkeep": own}
    (root / "meta" / "_journal.json").write_text(json.dumps(journal))
    return root


@pytest.fixture
def metadata() -> sa.MetaData:
    found = sa.MetaData()
    for name in ("one", "two"):
        sa.Table(name, found, sa.Column("id", sa.Integer, primary_key=True))
    return found


@pytest.fixture
async def patient(admit: Admit, metadata: sa.MetaData, tmp_path: Path) -> Patient:
    """An empty database and a folder of two migrations."""
    found = await admit(metadata, tables=False)
    folder = write(tmp_path / "drizzle", *TEXTS)
    return replace(found, options=replace(found.options, folder=folder))


async def shell(patient: Patient, mend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a command of ours as it is printed."""
    assert patient.options.folder is not None
    root = patient.options.folder.parent
    (root / "chatkeep.toml").write_text('schema = "tables:metadata"\nmigrations = "drizzle"\n')
    monkeypatch.chdir(root)
    for command in mend.split(" && "):
        program, *words = shlex.split(command)
        assert program == "chatkeep"
        monkeypatch.setenv("DATABASE_URL", patient.url)
        done = await asyncio.to_thread(CliRunner().invoke, cli, words)
        assert done.exit_code == 0, done.output


async def checks(patient: Patient) -> list[str]:
    return [finding.check for finding in (await patient.report(only=BOOKS)).findings]


async def test_what_is_pending_is_migrated(patient: Patient, monkeypatch: pytest.MonkeyPatch):
    assert await checks(patient) == ["migration-pending", "migration-pending"]
    table = await patient.find_one("missing-table")
    assert table.mend == "chatkeep migrate"  # the folder knows it already
    (first, _) = await patient.find("migration-pending")
    await shell(patient, first.mend, monkeypatch)
    assert await checks(patient) == []
    assert await patient.find("missing-table") == []


async def test_tables_without_bookkeeping_get_some(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
):
    await patient.run(*TEXTS)
    assert await checks(patient) == ["bookkeeping-missing"]
    found = await patient.find_one("bookkeeping-missing")
    assert found.mend == "chatkeep baseline 0001_step"
    with monkeypatch.context() as patched:
        await shell(patient, found.mend, patched)
    assert await checks(patient) == []


async def test_an_edited_file_and_one_that_is_gone(patient: Patient):
    folder = patient.options.folder
    assert folder is not None
    await migrate(Folder.read(folder), patient.url)
    (folder / "0000_step.sql").write_text("CREATE TABLE one (id bigint PRIMARY KEY)")
    found = await patient.find_one("migration-edited")
    assert found.severity is Severity.ERROR
    assert found.mend == f"git log --patch -- {shlex.quote(str(folder / '0000_step.sql'))}"
    write(folder, TEXTS[0])
    (folder / "0001_step.sql").unlink()
    assert await checks(patient) == ["migration-missing"]
    write(folder, *TEXTS)
    assert await checks(patient) == []


async def test_one_that_broke_off_is_brought_to_its_end(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
):
    folder = patient.options.folder
    assert folder is not None
    text = (
        "CREATE TABLE IF NOT EXISTS one (id int PRIMARY KEY);\n--> statement-breakpoint\n"
        "CREATE UNIQUE INDEX CONCURRENTLY odd ON one ((id % 2));"
    )
    write(folder, "CREATE TABLE one (id int PRIMARY KEY)", text)
    await migrate(Folder.read(folder), patient.url, to="0000")
    await patient.run("INSERT INTO one VALUES (1), (3)")
    with pytest.raises(ChatkeepError):
        await migrate(Folder.read(folder), patient.url)
    assert await checks(patient) == ["migration-broken-off"]
    await patient.run("DELETE FROM one WHERE id = 3")
    found = await patient.find_one("migration-broken-off")
    await shell(patient, found.mend, monkeypatch)
    assert await checks(patient) == []
    assert await patient.find("invalid-index") == []


async def test_books_that_the_role_may_not_read_are_said_to_be_unseen(patient: Patient):
    folder = patient.options.folder
    assert folder is not None
    await migrate(Folder.read(folder), patient.url)
    await patient.run("DROP ROLE IF EXISTS doctor_reader", "CREATE ROLE doctor_reader LOGIN")
    admitted = replace(patient, url=patient.url.replace("postgres@", "doctor_reader@"))
    report = await admitted.report(only=("migration-pending",))
    await patient.run("DROP ROLE doctor_reader")
    assert report.findings == ()
    assert "drizzle" in report.unseen[0].reason
