"""Migrations taken back: what was before is there again, rows and bookkeeping too."""

import asyncio
import re

import asyncpg
import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Enum,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Table,
    Text,
)

from chatkeep.errors import (
    MigrationError,
    MigrationFailedError,
    MigrationLockError,
    NotReversibleError,
    RowsInTheWayError,
)
from chatkeep.kit.applying.limits import Limits
from chatkeep.kit.applying.lock import keys, migration_lock
from chatkeep.kit.applying.project import project_of
from chatkeep.kit.declared import Declared, Extra
from chatkeep.kit.generate import Options as Writing
from chatkeep.kit.generate import generate, generate_custom
from chatkeep.kit.migrate import migrate
from chatkeep.kit.rollback import Options, prove, rollback, select
from chatkeep.kit.status import status
from chatkeep.kit.target import target_of
from kit.rollback.conftest import name, users

LOSE = Options(accept_data_loss=True)
BOOKS = "select hash, created_at from drizzle.__drizzle_migrations order by id"
LEDGER = "select tag, state from chatkeep.migrations order by id"


async def test_there_and_back_and_there_again(project_on, pg):
    project = await project_on(pg)
    first = await project.up(users(name()))
    books = await project.run(BOOKS)
    await project.run("insert into x_user values (7, 'Ada')")
    second = await project.up(users(name(), Column("bio", Text, index=True)))
    report = await project.back(LOSE)
    assert [each.migration.tag for each in report.reverted] == ["0001_change_x_user"]
    assert report.left == 1
    assert project.dump() == first
    assert await project.run(BOOKS) == books
    assert await project.run("select * from x_user") == [(7, "Ada")]
    found = await status(project.folder, project.url)
    assert [line.state for line in found.lines] == ["applied", "pending"]
    assert await project.run(LEDGER) == [
        ("0000_initial_schema", "applied"),
        ("0001_change_x_user", "reverted"),
    ]
    assert len((await migrate(project.folder, project.url)).applied) == 1
    assert project.dump() == second


async def test_proof_in_the_journal_needs_no_scratch_server(project):
    await project.up(users(), users(name()))
    plan = await select(project.folder, project.url)
    assert plan.is_proved
    assert await rollback(plan, project.url, LOSE)


async def test_all_of_it_down_to_nothing(project):
    empty = project.dump()
    await project.up(users(), users(name()), users(name(), Column("bio", Text)))
    report = await project.back(LOSE, steps=3)
    assert [each.migration.tag[:4] for each in report.reverted] == ["0002", "0001", "0000"]
    assert project.dump() == empty
    assert await project.run(BOOKS) == []


async def test_to_a_migration_that_stays(project):
    await project.up(users(), users(name()), users(name(), Column("bio", Text)))
    report = await project.back(LOSE, to="0000")
    assert [each.migration.tag[:4] for each in report.reverted] == ["0002", "0001"]
    assert (await project.back(LOSE, to="0000")).reverted == ()


@pytest.mark.parametrize("which", [{"steps": 3}, {"to": "0002"}])
async def test_more_than_there_is(project, which):
    await project.up(users(), users(name()))
    await project.write(users(name(), Column("bio", Text)))
    with pytest.raises(MigrationError, match=r"are applied|is not applied"):
        await project.plan(**which)


async def test_rename_is_renamed_back_with_its_rows(project):
    first = await project.up(users(name()))
    await project.run("insert into x_user values (1, 'Ada')")
    people = users(Column("full_name", Text), table="people")
    await project.up(people, renames=("x_user:people", "x_user.name:full_name"))
    assert await project.run("select full_name from people") == [("Ada",)]
    report = await project.back()  # nothing is lost, so nothing has to be accepted
    assert len(report.reverted) == 1
    assert await project.run("select name from x_user") == [("Ada",)]
    assert project.dump() == first


async def test_enum_label_is_renamed_back(project):
    def moods(*labels: str):
        return users(Column("mood", Enum(*labels, name="mood")))

    first = await project.up(moods("sad", "glad"))
    await project.run("insert into x_user values (1, 'sad')")
    await project.up(moods("low", "glad"), renames=("mood.sad:low",))
    await project.back()
    assert project.dump() == first
    assert await project.run("select mood::text from x_user") == [("sad",)]


async def test_label_that_rows_have_stays_with_the_migration(project):
    def moods(*labels: str):
        return users(Column("mood", Enum(*labels, name="mood")))

    await project.up(moods("sad"))
    second = await project.up(moods("sad", "glad"))
    await project.run("insert into x_user values (1, 'glad')")
    with pytest.raises(MigrationFailedError, match="left nothing behind"):
        await project.back(LOSE)
    assert project.dump() == second
    assert await project.run("select mood::text from x_user") == [("glad",)]
    await project.run("delete from x_user")
    assert len((await project.back(LOSE)).reverted) == 1


async def test_sequences_go_on_where_they_were(project):
    def of(identity: bool):
        metadata = users()
        how = [Identity()] if identity else []
        Table("t", metadata, Column("id", Integer, *how, primary_key=True), Column("n", Integer))
        return metadata

    first = await project.up(of(identity=False))
    await project.run("insert into t (n) select generate_series(1, 5)")
    await project.up(of(identity=True))
    await project.back()
    assert project.dump() == first
    await project.run("insert into t (n) values (0)")
    assert await project.run("select max(id) from t") == [(6,)]


async def test_losing_rows_is_refused_with_their_number(project):
    more = users(name())
    Table("t", more, Column("id", Integer, primary_key=True, autoincrement=False))
    await project.up(users())
    second = await project.up(more)
    await project.run("insert into x_user values (1, 'Ada'), (2, null), (3, 'Bob')")
    await project.run("insert into t select generate_series(1, 5)")
    with pytest.raises(RowsInTheWayError) as caught:
        await project.back()
    assert "table public.t with its rows (5 rows now)" in str(caught.value)
    assert "column public.x_user.name with its values (2 rows now)" in str(caught.value)
    assert "Ada" not in str(caught.value)
    assert project.dump() == second


async def test_coarser_type_on_the_way_back_is_a_loss(project):
    await project.up(users(Column("n", Integer)))
    await project.up(users(Column("n", Text)))
    await project.run("insert into x_user values (1, '5')")
    plan = await project.plan()
    assert plan.losses == {"0001_change_x_user": []}  # a text that is no number stops it instead
    await project.back()
    assert await project.run("select n from x_user") == [(5,)]


async def test_failure_leaves_the_migration_whole(project):
    """A column that must have values cannot come back where rows are: the reverse says so."""
    await project.up(users(Column("name", Text, nullable=False)))
    second = await project.up(users())
    await project.run("insert into x_user values (1)")
    with pytest.raises(MigrationFailedError, match=r"down\.sql: statement 1 of 1"):
        await project.back(LOSE)
    assert project.dump() == second
    assert len(await project.run(BOOKS)) == 2


async def test_head_of_a_reverse_names_its_migration_and_what_goes(project):
    await project.write(users(name()), users(Column("bio", Integer)), allow_drops=True)
    up = project.folder.migrations[1]
    assert project.down(1).read_text().splitlines()[:3] == [
        f"-- chatkeep:reverse {up.hash}",
        "-- Does not bring back: column public.x_user.name with its values.",
        "-- Loses data: column public.x_user.bio with its values.",
    ]


async def test_folder_of_another_tool_has_no_reverse(project, golden):
    project.root = golden("deepsearch")
    await migrate(project.folder, project.url)
    with pytest.raises(NotReversibleError, match=r"0003_.* has no reverse.*chatkeep generate"):
        await project.plan()


async def test_custom_migration_has_none_until_somebody_writes_it(project):
    first = await project.up(users(name()))
    path = generate_custom(project.root, "fill")
    path.write_text(path.read_text() + "\nalter table x_user add column bio text;\n")
    await project.up()
    with pytest.raises(NotReversibleError, match=r"0001_fill has no reverse\. Its SQL is your own"):
        await project.plan()
    path.with_name("0001_fill.down.sql").write_text("alter table x_user drop column bio;\n")
    assert not (await select(project.folder, project.url)).is_proved
    with pytest.raises(MigrationError, match="not proved"):
        await rollback(await select(project.folder, project.url), project.url, LOSE)
    with pytest.raises(RowsInTheWayError, match=r"column public\.x_user\.bio .*0 rows now"):
        await project.back()  # what it loses was measured: nobody wrote it down
    await project.back(LOSE)
    assert project.dump() == first


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select 1", "column public.x_user.bio is left over"),
        ("alter table x_user drop column bio, drop column name", "name is missing"),
        ("drop table x_user", "is missing"),
        ("alter table nobody drop column bio", "does not exist"),
        ("begin; alter table x_user drop column bio; commit", "holds BEGIN"),
    ],
)
async def test_reverse_by_hand_that_is_wrong_is_refused(project, sql, said):
    await project.up(users(name()))
    second = await project.up(users(name(), Column("bio", Text)))
    project.down(1).write_text(sql)
    with pytest.raises(NotReversibleError) as caught:
        await project.back(LOSE)
    assert said in str(caught.value)
    assert project.dump() == second


async def test_rows_that_a_reverse_by_hand_changes_are_told(project):
    await project.up(users(name()), users(name(), Column("bio", Text)))
    path = project.down(1)
    path.write_text(path.read_text() + "--> statement-breakpoint\ndelete from x_user")
    with pytest.raises(RowsInTheWayError, match=r"what its DELETE takes \(not counted\)"):
        await project.back()


async def test_renaming_by_hand_is_no_loss(project):
    await project.up(users(name()))
    await project.up(users(Column("full_name", Text)), renames=("x_user.name:full_name",))
    project.down(1).write_text("alter table x_user rename full_name to name")
    plan = await project.plan()
    assert list(plan.losses.values()) == [[]]
    await project.back()
    assert await project.run("select name from x_user") == []


async def test_reverse_of_another_text_is_refused(project):
    await project.up(users(), users(name()))
    path = project.down(1)
    path.write_text(re.sub(r"reverse \w{64}", f"reverse {'0' * 64}", path.read_text()))
    with pytest.raises(NotReversibleError, match="was made for another text"):
        await project.plan()


async def test_proof_does_not_hold_on_other_ground(project):
    """A migration before it that this database lacks: the reverse is tried anew."""
    await project.write(users(), users(name()), users(name(), Column("bio", Text)))
    whole = project.folder
    path = project.root / "meta" / "_journal.json"
    text = path.read_text()
    entries = [m.entry for m in (whole.migrations[0], whole.migrations[2])]
    empty = type(whole.journal)({**whole.journal.document, "entries": []}, ())
    path.write_text(empty.with_entries(entries))
    await migrate(project.folder, project.url)
    path.write_text(text)
    plan = await select(project.folder, project.url)
    assert (plan.reversals[0].up.tag[:4], plan.is_proved) == ("0002", False)
    assert (await prove(plan, project.url, project.scratch)).is_proved


async def test_squashed_or_edited_is_not_touched(project):
    await project.up(users(), users(name()))
    up = project.folder.migrations[1].path
    up.write_text(up.read_text() + " ")
    with pytest.raises(MigrationError, match="changed after being applied"):
        await project.plan()


async def test_reverse_without_a_transaction_runs_statement_by_statement(project):
    first = await project.up(users(name()))
    generated = users(Column("name", Text, index=True))
    await project.up(generated)
    project.down(1).write_text("drop index concurrently ix_x_user_name")
    report = await project.back()
    assert len(report.reverted) == 1
    assert project.dump() == first
    assert len(await project.run(BOOKS)) == 1
    assert len((await migrate(project.folder, project.url)).applied) == 1


async def test_reverse_that_broke_off_goes_on_where_it_was(project):
    first = await project.up(users(name(), extra=(CheckConstraint("id > 0", "positive"),)))
    await project.up(users(Column("name", Text, index=True)))
    project.down(1).write_text(
        "drop index concurrently ix_x_user_name;--> statement-breakpoint\n"
        "alter table x_user add constraint positive check (id > 0)"
    )
    await project.run("insert into x_user values (-1, 'x')")
    with pytest.raises(MigrationFailedError, match=r"statement 2 of 2.*positive"):
        await project.back()
    with pytest.raises(MigrationError, match="rollback of 0001_change_x_user broke off"):
        await migrate(project.folder, project.url)
    await project.run("delete from x_user")
    assert len((await project.back()).reverted) == 1
    assert project.dump() == first
    assert len((await migrate(project.folder, project.url)).applied) == 1


async def test_two_at_once_wait_for_each_other_and_the_second_plans_anew(project):
    await project.up(users(), users(name()))
    plans = [await project.plan(), await project.plan()]
    done = await asyncio.gather(
        *(rollback(plan, project.url, LOSE) for plan in plans), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["MigrationError", "Report"]
    assert len(await project.run(BOOKS)) == 1


async def test_who_migrates_is_waited_for(project):
    await project.up(users(), users(name()))
    connection = await asyncpg.connect(project.url)
    project_name = project_of(project.folder)
    assert keys(project_name)
    async with migration_lock(connection, wait=1, project=project_name):
        with pytest.raises(MigrationLockError):
            await project.back(Options(accept_data_loss=True, lock_wait=0.0))
    await connection.close()
    assert len(await project.run(BOOKS)) == 2


async def test_lock_that_is_not_to_be_had_leaves_all_as_it_was(project):
    await project.up(users())
    second = await project.up(users(name()))
    reader = await asyncpg.connect(project.url)
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("select * from x_user")
    how = Options(accept_data_loss=True, limits=Limits(lock_timeout=0.05, attempts=2))
    with pytest.raises(MigrationFailedError, match="Tried 2 times"):
        await project.back(how)
    await transaction.rollback()
    await reader.close()
    assert project.dump() == second
    assert len((await project.back(LOSE)).reverted) == 1


async def test_references_and_checks_go_and_come(project):
    def both(*extra):
        metadata = users(name(), extra=extra)
        Table(
            "t",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("user_id", Integer, *([ForeignKey("x_user.id")] if extra else [])),
        )
        return metadata

    first = await project.up(both())
    await project.up(both(CheckConstraint("id > 0", "c")))
    await project.back()
    assert project.dump() == first


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("with x as (delete from x_user returning 1) select count(*) from x", "its WITH may take"),
        ("do $$ begin delete from x_user; end $$", "its DO may take"),
        ("select count(*) from x_user", "its SELECT may take"),
        ("explain analyze delete from x_user", "its EXPLAIN may take"),
        ("alter table x_user alter name type text using null::text", "its USING makes of"),
    ],
)
async def test_what_a_reverse_by_hand_may_do_to_rows_has_to_be_accepted(project, statement, said):
    await project.up(users(name()), users(name(), Column("bio", Text, index=True)))
    await project.run("insert into x_user values (1, 'Ada')")
    project.down(1).write_text(
        f"alter table x_user drop column bio;\n--> statement-breakpoint\n{statement}"
    )
    with pytest.raises(RowsInTheWayError, match=rf"what {said}.* \(not counted\)"):
        await project.back()
    assert await project.run("select name from x_user") == [("Ada",)]
    assert (await project.back(LOSE)).reverted


async def test_generated_reverse_on_other_ground_is_not_taken_for_one_by_hand(project):
    """It holds a USING, and its own head tells what it loses: nothing."""
    await project.write(users(), users(name()), users(name(), Column("n", Integer)))
    await project.write(users(name(), Column("n", Text)))
    text = project.down(3).read_text()
    assert "USING" in text
    whole = project.folder
    path = project.root / "meta" / "_journal.json"
    journal = path.read_text()
    entries = [m.entry for m in whole.migrations if m.tag[:4] != "0001"]
    empty = type(whole.journal)({**whole.journal.document, "entries": []}, ())
    path.write_text(empty.with_entries(entries))
    await migrate(project.folder, project.url)
    path.write_text(journal)
    plan = await select(project.folder, project.url)
    assert not plan.is_proved
    assert list((await prove(plan, project.url, project.scratch)).losses.values()) == [[]]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("create domain d as varchar(3);", "create domain d as text;", r"column public\.t\.v"),
        (
            "create type d as (a int);",
            "create type d as (a int, b text);",
            r"attribute public\.d\.b",
        ),
    ],
)
async def test_values_that_the_old_type_cannot_hold_are_told(project, old, new, said):
    for sql in (old, new):
        whole = f"{sql} create table t (id int primary key, v d);"
        state = target_of(Declared(MetaData(), (Extra("sql", "all of it", whole),)))
        await generate(project.root, state, project.scratch, Writing())
    await migrate(project.folder, project.url)
    with pytest.raises(RowsInTheWayError, match=said):
        await project.back()
    assert (await project.back(LOSE)).reverted


async def test_an_attribute_that_a_reverse_by_hand_drops_is_told(project):
    for sql in ("(a int)", "(a int, b text)"):
        whole = f"create type d as {sql}; create table t (id int primary key, v d);"
        state = target_of(Declared(MetaData(), (Extra("sql", "all of it", whole),)))
        await generate(project.root, state, project.scratch, Writing())
    await migrate(project.folder, project.url)
    project.down(1).write_text("alter type d drop attribute b cascade")
    with pytest.raises(RowsInTheWayError, match=r"attribute public\.d\.b with its values"):
        await project.back()
