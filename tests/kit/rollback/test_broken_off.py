"""Reverses that broke off: `migrate` stops, the next `rollback` goes on."""

import pytest

from chatkeep.errors import MigrationError, MigrationFailedError
from chatkeep.kit.folder import Folder
from chatkeep.kit.migrate import migrate
from chatkeep.kit.rollback import Options, prove, rollback, select
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.status import status

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
    assert not (await status(folder, database_url)).is_sound
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
