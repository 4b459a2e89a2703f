"""Schema against folder, folder against database."""

import json
import shutil

import asyncpg
import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text

from chatkeep.kit.check import check
from chatkeep.kit.folder import Folder, jsjson
from chatkeep.kit.generate import Options, generate
from chatkeep.kit.migrate import migrate
from chatkeep.kit.scratch import Scratch
from chatkeep.kit.target import target_of


def schema(*columns: Column) -> MetaData:
    metadata = MetaData()
    Table("x_user", metadata, Column("id", Integer, primary_key=True), *columns)
    return metadata


@pytest.fixture(scope="session")
async def two_migrations(tmp_path_factory, pg18):
    path = tmp_path_factory.mktemp("check") / "drizzle"
    scratch = Scratch(pg18.admin_url)
    await generate(path, target_of(schema(Column("old", Text))), scratch, Options())
    await generate(path, target_of(schema()), scratch, Options())
    return path


@pytest.fixture
def root(two_migrations, tmp_path):
    """A folder that leads to `schema()` in two migrations."""
    return shutil.copytree(two_migrations, tmp_path / "drizzle")


async def messages(root, target, scratch, **options) -> list[str]:
    checked = await check(Folder.read(root), target_of(target), scratch, **options)
    return [f"{finding.area}: {finding}" for finding in checked.findings]


async def run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


async def test_nothing_is_found_where_all_agree(root, scratch, database_url):
    await migrate(Folder.read(root), database_url)
    assert await messages(root, schema(), scratch, url=database_url) == []


async def test_schema_that_went_ahead_of_the_folder(root, scratch):
    assert await messages(root, schema(Column("bio", Text)), scratch) == [
        (
            "schema: The column public.x_user.bio is in the schema, not in the folder. "
            "Run `chatkeep generate`."
        )
    ]


async def test_column_that_is_not_the_same(root, scratch, tmp_path):
    path = tmp_path / "other"
    await generate(path, target_of(schema(Column("bio", Text))), scratch, Options())
    (said,) = await messages(path, schema(Column("bio", Text, nullable=False)), scratch)
    assert "column public.x_user.bio is not the same in the folder and the schema" in said


async def test_pending_migration(root, scratch, database_url):
    await migrate(Folder.read(root), database_url, to="0000")
    assert await messages(root, schema(), scratch, url=database_url) == [
        "database: Pending in the database: 0001_drop_old_from_x_user. Run `chatkeep migrate`."
    ]


async def test_edited_migration(root, scratch, database_url):
    await migrate(Folder.read(root), database_url)
    path = root / "0001_drop_old_from_x_user.sql"
    path.write_text(path.read_text() + " -- edited")
    said = await messages(root, schema(), scratch, url=database_url)
    assert said[-1].startswith(
        "database: 0001_drop_old_from_x_user.sql changed after being applied to the database. Bring"
    )


async def test_change_by_hand_to_our_table(root, scratch, database_url):
    await migrate(Folder.read(root), database_url)
    await run(database_url, "alter table x_user add by_hand text")
    (said,) = await messages(root, schema(), scratch, url=database_url)
    assert said.startswith("database: The column public.x_user.by_hand is in the database, not in")


async def test_strangers_table_is_let_alone_unless_a_pattern_claims_it(root, scratch, database_url):
    await migrate(Folder.read(root), database_url)
    await run(database_url, "create table y_other (id int); create type y_mood as enum ('a')")
    assert await messages(root, schema(), scratch, url=database_url) == []
    claimed = await messages(root, schema(), scratch, url=database_url, tables_filter=["y_*"])
    assert claimed == [
        (
            "database: The table public.y_other is in the database, not in the applied migrations. "
            "Somebody changed the database by hand: take it back, or make a migration of it."
        )
    ]


LEFT_OVER = "A migration took it away, and yet it is there: drop it, or make a migration of it."


async def test_what_a_migration_took_away_and_the_database_still_has(folder_of, pg, fresh_database):
    scratch = Scratch(pg.admin_url)
    folder = folder_of(
        "create table x_user (id int primary key, old text); create table gone (id int);"
        "create type mood as enum ('sad'); create view seen as select id from x_user",
        "drop view seen; drop type mood; alter table gone rename to gone_too",
        "drop table gone_too; alter table x_user drop column old; create table late (id int)",
        "drop table late",
    )
    url = await fresh_database(pg)()
    await migrate(Folder.read(folder), url, to="0002")
    before = await messages(folder, schema(), scratch, url=url)
    assert "database: Pending in the database: 0003_step. Run `chatkeep migrate`." in before
    assert [message for message in before if "took it away" in message] == []
    await run(
        url,
        "alter table x_user add old text; create table gone_too (id int);"
        "create view seen as select id from x_user; create type mood as enum ('sad');"
        "create table y_gone (id int)",
    )
    found = set(await messages(folder, schema(), scratch, url=url))
    assert found - set(before) == {
        f"database: The {name} is in the database, not in the applied migrations. {LEFT_OVER}"
        for name in (
            "column public.x_user.old",
            "table public.gone_too",
            "view public.seen",
            "enum public.mood",
        )
    }


async def test_rows_of_another_project_are_a_note(root, scratch, database_url):
    await migrate(Folder.read(root), database_url)
    await run(
        database_url,
        "insert into drizzle.__drizzle_migrations (hash, created_at) values ('other', 1)",
    )
    checked = await check(Folder.read(root), target_of(schema()), scratch, url=database_url)
    assert checked.findings == []
    assert "no migration of this folder accounts for: 1;" in checked.notes[0]


async def test_migration_that_the_folder_lost_is_named(root, scratch, database_url):
    await migrate(Folder.read(root), database_url)
    document = json.loads((root / "meta" / "_journal.json").read_text())
    del document["entries"][1]
    (root / "meta" / "_journal.json").write_text(jsjson.dumps(document))
    said = await messages(root, schema(Column("old", Text)), scratch, url=database_url)
    assert "database: The database has 0001_drop_old_from_x_user, and the folder does not. " in [
        message.split("Bring")[0] for message in said
    ]
