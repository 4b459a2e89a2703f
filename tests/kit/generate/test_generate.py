"""Generating from a plain MetaData: what is written, under which name, and what is not."""

import json
from pathlib import Path

import pytest
from sqlalchemy import (
    ARRAY,
    CHAR,
    TIMESTAMP,
    CheckConstraint,
    Column,
    Enum,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from chatkeep.errors import (
    ConfigError,
    MigrationFailedError,
    MigrationsFolderError,
    RenameUnclearError,
)
from chatkeep.kit.folder.reading import CUSTOM, Folder
from chatkeep.kit.generate import Options, generate, generate_custom
from chatkeep.kit.migrate import migrate
from chatkeep.kit.target import target_of

DEFAULT = Options()


def users(*columns: Column, table: str = "x_user", extra: tuple = ()) -> MetaData:
    metadata = MetaData()
    Table(
        table,
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        *columns,
        *extra,
    )
    return metadata


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "drizzle"


async def names(root: Path, scratch, *states: MetaData, **options) -> list[str]:
    for state in states:
        target = target_of(state)
        await generate(root, target, scratch, Options(**options))
    return [m.tag.split("_", 1)[1] for m in Folder.read(root).migrations]


async def test_first_migration_makes_the_folder(root, scratch):
    assert await names(root, scratch, users()) == ["initial_schema"]
    assert sorted(p.name for p in root.iterdir()) == [
        "0000_initial_schema.down.sql",
        "0000_initial_schema.sql",
        "meta",
    ]
    assert sorted(p.name for p in (root / "meta").iterdir()) == [
        "0000_snapshot.json",
        "_journal.json",
    ]


async def test_nothing_to_do_writes_nothing(root, scratch):
    await names(root, scratch, users())
    before = {p: p.stat().st_mtime_ns for p in root.rglob("*")}
    made = await generate(root, target_of(users()), scratch, DEFAULT)
    assert made.paths == ()
    assert {p: p.stat().st_mtime_ns for p in root.rglob("*")} == before


async def test_nothing_to_do_makes_no_folder(root, scratch):
    assert (await generate(root, target_of(MetaData()), scratch, DEFAULT)).paths == ()
    assert not root.exists()


@pytest.mark.parametrize(
    ("after", "name"),
    [
        (users(Column("name", Text), Column("bio", Text)), "add_bio_to_x_user"),
        (users(), "drop_name_from_x_user"),
        (users(Column("name", Text, unique=True)), "add_x_user_unique_constraint"),
        (users(Column("name", Text, index=True)), "add_x_user_index"),
        (users(Column("name", Text, nullable=False)), "change_x_user"),
        (users(Column("name", Text, server_default="x")), "change_x_user"),
        (
            users(Column("name", Text), extra=(CheckConstraint("id > 0", "c"),)),
            "add_x_user_check_constraint",
        ),
    ],
)
async def test_name_tells_the_change(root, scratch, after, name):
    assert (await names(root, scratch, users(Column("name", Text)), after))[1] == name


async def test_name_of_new_tables_tells_them(root, scratch):
    more = users()
    Table("x_itinerary", more, Column("id", Integer, primary_key=True, autoincrement=False))
    assert (await names(root, scratch, users(), more))[1] == "add_x_itinerary_table"


async def test_name_of_a_renamed_table_tells_both(root, scratch):
    await names(root, scratch, users())
    renamed = users(table="x_people")
    assert (await names(root, scratch, renamed, renames=("x_user:x_people",)))[1] == (
        "rename_x_user_to_x_people"
    )


async def test_given_name_is_made_safe(root, scratch):
    assert await names(root, scratch, users(), name="My first one!") == ["My_first_one"]


async def test_unsafe_name_writes_nothing(root, scratch):
    with pytest.raises(MigrationsFolderError):
        await generate(root, target_of(users()), scratch, Options("../x"))
    assert not root.exists()


async def test_what_loses_data_is_named(root, scratch):
    await names(root, scratch, users(Column("name", Text)))
    made = await generate(root, target_of(users()), scratch, DEFAULT)
    assert made.destructive == ("column public.x_user.name with its values",)
    head = made.paths[0].read_text().splitlines()[0]
    assert head == "-- Loses data: column public.x_user.name with its values."


async def test_using_of_a_column_makes_the_new_value(root, scratch, database_url, rows):
    await names(root, scratch, users(Column("born", Text)))
    await migrate(Folder.read(root), database_url)
    await rows(database_url, "insert into x_user values (1, 'year 1999')")
    using = {"using": "substring(born from 6)::integer"}
    await names(root, scratch, users(Column("born", Integer, info=using)))
    await migrate(Folder.read(root), database_url)
    assert await rows(database_url, "select born from x_user") == [(1999,)]


async def test_using_maps_labels_that_go(root, scratch, database_url, rows):
    def moods(*labels: str, **info: str) -> MetaData:
        return users(Column("mood", Enum(*labels, name="mood"), info=info))

    await names(root, scratch, moods("sad", "glad"))
    await migrate(Folder.read(root), database_url)
    await rows(database_url, "insert into x_user values (1, 'sad')")
    using = "replace(mood::text, 'sad', 'low')::public.mood"
    await names(root, scratch, moods("low", "glad", "mad", using=using), allow_drops=True)
    await migrate(Folder.read(root), database_url)
    assert await rows(database_url, "select mood::text from x_user") == [("low",)]


async def test_text_too_long_for_its_new_type_stops_the_migration(
    root, scratch, database_url, rows
):
    await names(root, scratch, users(Column("tags", ARRAY(Text)), Column("code", Text)))
    await migrate(Folder.read(root), database_url)
    await rows(database_url, "insert into x_user values (1, '{abcdef}', 'abcdef')")
    shorter = users(Column("tags", ARRAY(String(3))), Column("code", CHAR(3)))
    await names(root, scratch, shorter)
    with pytest.raises(MigrationFailedError, match="string data right truncation"):
        await migrate(Folder.read(root), database_url)
    assert await rows(database_url, "select tags, code from x_user") == [(["abcdef"], "abcdef")]


async def test_name_that_postgresql_would_cut_is_refused(root, scratch):
    with pytest.raises(ConfigError, match="64 bytes"):
        await generate(root, target_of(users(Column("é" * 32, Text))), scratch, DEFAULT)
    assert not root.exists()


async def test_text_with_the_marker_is_refused(root, scratch):
    marked = users(Column("a", Text, comment="x --> statement-breakpoint"))
    with pytest.raises(MigrationsFolderError, match=r"comment .*statement-breakpoint"):
        await generate(root, target_of(marked), scratch, DEFAULT)
    assert not root.exists()


async def test_table_among_the_bookkeeping_is_refused(root, scratch):
    metadata = MetaData()
    Table("mine", metadata, Column("id", Integer, primary_key=True), schema="drizzle")
    with pytest.raises(ConfigError, match="bookkeeping"):
        await generate(root, target_of(metadata), scratch, DEFAULT)


async def test_rename_is_asked_for_and_never_guessed(root, scratch, database_url, rows):
    await names(root, scratch, users(Column("name", Text)))
    await migrate(Folder.read(root), database_url)
    goal = target_of(users(Column("full_name", Text)))
    with pytest.raises(RenameUnclearError):
        await generate(root, goal, scratch, DEFAULT)
    assert len(Folder.read(root).migrations) == 1
    made = await generate(root, goal, scratch, Options(renames=("x_user.name:full_name",)))
    assert made.destructive == ()
    assert "RENAME COLUMN" in made.paths[0].read_text()


async def test_column_called_gone_is_dropped(root, scratch):
    await names(root, scratch, users(Column("name", Text)))
    goal = target_of(users(Column("full_name", Text)))
    made = await generate(root, goal, scratch, Options(renames=("x_user.name:",)))
    assert "DROP COLUMN" in made.paths[0].read_text()


async def test_what_was_generated_leads_to_the_schema_for_the_usual_objects(
    root, scratch, database_url, rows
):
    metadata = users(
        Column("email", String(255), nullable=False, server_default=""),
        Column("team_id", Integer, ForeignKey("x_team.id", ondelete="cascade")),
        extra=(UniqueConstraint("email", name="x_user_email_unique"), Index("x_i", "email", "id")),
    )
    Table("x_team", metadata, Column("id", Integer, primary_key=True), comment="Teams.")
    await names(root, scratch, users(Column("email", String(10))), metadata)
    await migrate(Folder.read(root), database_url)
    assert (await generate(root, target_of(metadata), scratch, DEFAULT)).paths == ()


async def test_times_that_get_a_zone_are_read_as_utc(root, scratch, database_url, rows):
    import asyncpg

    await names(root, scratch, users(Column("at", TIMESTAMP)))
    await migrate(Folder.read(root), database_url)
    connection = await asyncpg.connect(database_url)
    await connection.execute("insert into x_user values (1, '2024-01-01 10:00')")
    database = await connection.fetchval("select current_database()")
    await connection.execute(f"alter database \"{database}\" set timezone = 'Asia/Tokyo'")
    await connection.close()
    await names(root, scratch, users(Column("at", TIMESTAMP(timezone=True))))
    await migrate(Folder.read(root), database_url)
    ((at,),) = await rows(database_url, "select at from x_user")
    assert at.isoformat() == "2024-01-01T10:00:00+00:00"


async def test_custom_migration_is_drizzle_kits_and_carries_the_snapshot_on(root, scratch):
    await names(root, scratch, users())
    path = generate_custom(root, "fill names")
    assert path.name == "0001_fill_names.sql"
    assert path.read_text() == f"{CUSTOM}\n"  # what is added by `>>` must not become its end
    first, second = (json.loads(p.read_text()) for p in Folder.read(root).snapshot_paths())
    assert second.pop("prevId") == first["id"]
    assert second.pop("id") != first.pop("id")
    del first["prevId"]
    assert second == first
    assert (await generate(root, target_of(users()), scratch, DEFAULT)).paths == ()


def test_custom_migration_can_be_the_first(root):
    path = generate_custom(root, None)
    assert path.name == "0000_custom.sql"
    snapshot = json.loads(Folder.read(root).snapshot_paths()[0].read_text())
    assert (snapshot["version"], snapshot["tables"]) == ("7", {})


async def test_folder_that_fails_by_itself_is_told(root, scratch):
    await names(root, scratch, users())
    (root / "0000_initial_schema.sql").write_text("create thing x()")
    with pytest.raises(MigrationFailedError, match=r"0000_initial_schema\.sql: statement 1 of 1"):
        await generate(root, target_of(users()), scratch, DEFAULT)
