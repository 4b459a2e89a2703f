"""Reverses that broke off: `migrate` stops, the next `rollback` goes on."""

import subprocess
import sys

import pytest

from chatkeep.errors import MigrationError, MigrationFailedError
from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.rollback import Options, prove, rollback, select
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.status import Status, status

TABLE = "create table t (id int primary key, v int)"
INDEX = "create index concurrently t_v on t (v)"
DOWN = (
    "-- chatkeep:no-transaction\ndrop index concurrently t_v;--> statement-breakpoint\n"
    "select 1 / (1 - count(*)) from t"
)
LEDGER = "select tag, state, done from chatkeep.migrations order by id"


@pytest.fixture
def back(database_url, pg18):
    async def run(folder: Folder) -> None:
        scratch = Scratch(pg18.admin_url, dumpers=[pg18.bin / "pg_dump"])
        plan = await prove(await select(folder, database_url), database_url, scratch)
        await rollback(plan, database_url, Options(accept_data_loss=True))

    return run


def assert_told(found: Status) -> None:
    """The reverse is told of its migration, and is no file that is gone."""
    assert [(line.tag, line.state) for line in found.lines] == [
        ("0000_step", "applied"),
        ("0001_step", "reversing"),
    ]
    assert (found.lines[1].done, found.lines[1].statements) == (1, 2)
    assert found.missing == ()
    assert not found.is_sound


def named(folder: Folder, project: str) -> Folder:
    if project:
        (folder.path / "meta" / "0000_snapshot.json").write_text(f'{{"id": "{project}"}}')
    return Folder.read(folder.path)


@pytest.mark.parametrize(("before", "after"), [("", ""), ("named", "named"), ("", "named later")])
async def test_it_is_brought_to_its_end_from_where_it_was(
    folder_of, database_url, rows, back, before, after
):
    root = folder_of(TABLE, INDEX)
    (root / "0001_step.down.sql").write_text(DOWN)
    folder = named(Folder.read(root), before)
    await migrate(folder, database_url)
    await rows(database_url, "insert into t values (1, 1)")
    with pytest.raises(MigrationFailedError, match="statement 2 of 2"):
        await back(folder)
    folder = named(folder, after)
    with pytest.raises(MigrationError, match="The rollback of 0001_step broke off") as caught:
        await migrate(folder, database_url)
    assert "`chatkeep rollback`" in (caught.value.hint or "")
    assert_told(await status(folder, database_url))
    await rows(database_url, "delete from t")
    await back(folder)
    assert await rows(database_url, LEDGER) == [
        ("0000_step", "applied", 0),
        ("0001_step", "reverted", 1),
        ("0001_step.down", "reverted", 2),
    ]
    assert len((await migrate(folder, database_url)).applied) == 1


async def test_that_of_another_project_is_not_this_ones(folder_of, database_url, rows, back):
    root = folder_of(TABLE, INDEX)
    (root / "0001_step.down.sql").write_text(DOWN)
    folder = named(Folder.read(root), "one")
    await migrate(folder, database_url)
    await rows(database_url, "insert into t values (1, 1)")
    with pytest.raises(MigrationFailedError):
        await back(folder)
    other = named(Folder.read(folder_of("select 1", "select 2", name="other")), "two")
    assert len((await migrate(other, database_url)).applied) == 2


async def test_commands_say_that_it_broke_off_and_not_that_a_file_is_gone(
    folder_of, database_url, rows, back, pg18
):
    root = folder_of(TABLE, INDEX, name="drizzle")
    (root / "0001_step.down.sql").write_text(DOWN)
    await migrate(Folder.read(root), database_url)
    await rows(database_url, "insert into t values (1, 1)")
    with pytest.raises(MigrationFailedError):
        await back(Folder.read(root))
    (root.parent / "chatkeep.toml").write_text('schema = "tables:metadata"\n')
    (root.parent / "tables.py").write_text(
        "from sqlalchemy import MetaData\nmetadata = MetaData()\n"
    )

    def said(*words: str) -> str:
        command = [sys.executable, "-m", "chatkeep", *words, "--url", database_url]
        run = subprocess.run(command, cwd=root.parent, capture_output=True, text=True)
        assert run.returncode == 1
        return run.stdout

    shown = said("status")
    assert "0001_step  its rollback broke off: 1 of its 2 statements are there" in shown
    assert "1 applied, 0 pending, 1 half taken back" in shown
    assert "gone" not in shown
    found = said("check", "--scratch-url", pg18.admin_url)
    assert "database: The rollback of 0001_step broke off in the database. `chatkeep roll" in found
    assert "0001_step.down" not in found
