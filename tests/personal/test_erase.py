"""`erase_person`: nothing of the person is left anywhere, and nobody else misses anything."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from chatkeep import Database, NewMessage
from chatkeep.database.creation import create_tables
from chatkeep.errors import (
    ChatkeepError,
    ConnectionFailedError,
    DatabaseTimeoutError,
    PersonalDataError,
    UserNotFoundError,
)
from chatkeep.personal.audit import history
from chatkeep.personal.erasing import ErasureOptions, erase_person, preview_erasure
from chatkeep.personal.person import Person
from chatkeep.presets import deepsearch
from chatkeep.schema.schema import Schema
from fixtures.servers import PgServer
from personal.conftest import EMAIL, Town, rows
from security.places import OWNER, Place, owned_database
from security.worlds import make_world


async def found(admin: asyncpg.Connection, *needles: str) -> list[str]:
    """Where one of these texts stands, by a scan of the test's own."""
    columns = await admin.fetch(
        "SELECT format('%I.%I', table_schema, table_name), column_name::text"
        " FROM information_schema.columns JOIN information_schema.tables"
        " USING (table_schema, table_name)"
        " WHERE table_type = 'BASE TABLE'"
        " AND table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    assert len(columns) > 50
    places = []
    for table, column in columns:
        for needle in needles:
            sql = f'SELECT count(*) FROM {table} WHERE "{column}"::text ILIKE $1'
            places += [f"{table}.{column}"] * await admin.fetchval(sql, f"%{needle}%")
    return places


def of_others(stored: dict[str, list[str]], *names: str) -> dict[str, list[str]]:
    """Rows that have none of these names in them; without the audit."""
    return {
        table: [row for row in texts if not any(name.lower() in row.lower() for name in names)]
        for table, texts in stored.items()
        if table != "chatkeep.audit"
    }


async def test_nothing_is_left_and_nobody_else_misses_a_row(each_town: Town):
    town, victim = each_town, each_town.victim.user
    before = of_others(await town.rows(), victim, " " + EMAIL, "(" + EMAIL + ",")
    assert await found(town.admin, victim, EMAIL)
    report = await erase_person(town.url, town.schema, EMAIL)
    assert report.is_clean
    assert await found(town.admin, victim, EMAIL) == []
    assert of_others(await town.rows()) == before
    assert report.proof is not None
    stored = await town.rows()
    assert (
        report.proof.rows == sum(map(len, stored.values())) - 1
    )  # the proof's own note came after
    assert report.proof.tables == len(stored)


async def test_longer_addresses_are_other_peoples_and_told(each_town: Town):
    town = each_town
    others = ["nvictim@example.com", "victim@example.com.au", "x_victim@example.com"]
    await town.admin.executemany(
        "INSERT INTO x_verification_token (identifier, token, expires) VALUES ($1, $1, now())",
        [(each,) for each in others],
    )
    report = await erase_person(town.url, town.schema, EMAIL)
    kept = await town.admin.fetch("SELECT identifier FROM x_verification_token")
    assert {row[0] for row in kept} == {*others, "stranger@example.com".upper()}
    assert not report.is_clean
    assert report.proof is not None
    assert {(each.column, each.rows, each.perhaps) for each in report.proof.findings} == {
        ("identifier", 3, 2), ("token", 3, 2)
    }  # fmt: skip


async def test_the_preview_says_what_will_go_and_changes_nothing(each_town: Town):
    town = each_town
    before = await town.rows()
    shown = await preview_erasure(town.url, town.schema, EMAIL)
    assert await town.rows() == before
    done = await erase_person(town.url, town.schema, EMAIL)
    assert [step.as_json() for step in shown.steps] == [step.as_json() for step in done.steps]
    after = await town.rows()
    gone = {table: len(before[table]) - len(after[table]) for table in before}
    assert {f"public.{s.table}": s.rows for s in shown.steps} == gone
    assert not shown.is_done
    assert done.is_done
    assert shown.is_clean


async def test_a_person_of_each_preset_and_edition(
    database_url: str, other_schema: Schema[Any, Any, Any, Any]
):
    await create_tables(other_schema, database_url)
    connection = await asyncpg.connect(database_url)
    try:
        for id_, email in (("u1", "a@x.org"), ("u10", "b@x.org")):
            values: dict[str, str] = {"id": id_, "user_id": id_, "email": email}
            for name, table in other_schema.tables.items():
                if "user_id" in table.c or name == "users":
                    await _insert(connection, table, values)
        before = of_others(await rows(connection), "u1,", "u1)", "(a@x")
        report = await erase_person(database_url, other_schema, "u1")
        assert report.is_clean
        assert report.rows("delete") == len(report.steps) - _without(other_schema)
        assert of_others(await rows(connection)) == before
    finally:
        await connection.close()


def _without(schema: Schema[Any, Any, Any, Any]) -> int:
    """Tables in which no row was put."""
    return len(
        {"verification_tokens", "verifications", "messages", "search_cache"} & set(schema.tables)
    )


async def _insert(connection: asyncpg.Connection, table: Any, values: dict[str, str]) -> None:
    given: dict[str, str] = {}
    for column in table.columns:
        if column.name in values:
            given[column.name] = f"'{values[column.name]}'"
        elif not column.nullable and column.server_default is None:
            is_time = "TIME" in str(column.type)
            given[column.name] = "now()" if is_time else f"'{values['id']}'"
    names = ", ".join(f'"{name}"' for name in given)
    await connection.execute(
        f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join(given.values())})'
    )


async def test_what_others_quote_is_told_by_its_key_and_replaced_when_asked(town: Town):
    stranger, victim = town.stranger, town.victim.user
    parts = json.dumps({"url": "?to=victim%40example.com", "l": ["\n" + victim]})
    await town.admin.execute(
        "UPDATE x_message SET content = $2, parts = $3::jsonb WHERE id = $1",
        stranger.message,
        "Write to <VICTIM@example.com>, not victim@example.org",
        parts,
    )
    before = await town.rows()
    shown = await preview_erasure(town.url, town.schema, EMAIL)
    report = await erase_person(town.url, town.schema, EMAIL)
    assert not report.is_clean
    assert report.proof is not None
    assert shown.proof is not None
    assert shown.proof.findings == report.proof.findings
    assert {(each.column, each.what, each.keys) for each in report.proof.findings} == {
        ("content", "e-mail", (stranger.message,)),
        ("parts", "e-mail", (stranger.message,)),
        ("parts", "id", (stranger.message,)),
    }
    row = await town.admin.fetchrow("SELECT content FROM x_message WHERE id = $1", stranger.message)
    assert "VICTIM" in row["content"]
    again = ErasureOptions(also=(EMAIL,), redact=True)
    report = await erase_person(town.url, town.schema, victim, again)
    assert report.is_clean
    assert {(each.column, each.rows) for each in report.redacted} == {("content", 1), ("parts", 1)}
    row = await town.admin.fetchrow(
        "SELECT content, parts::text FROM x_message WHERE id = $1", stranger.message
    )
    assert row[0] == "Write to <[erased]>, not victim@example.org"
    assert row[1] == '{"l": ["\\n[erased]"], "url": "?to=[erased]"}'
    changed = set(before["public.x_message"]) ^ set((await town.rows())["public.x_message"])
    assert sum(stranger.user in text for text in changed) == 2  # the row before and after


async def test_no_type_hides_it(town: Town):
    values = {
        "text[]": "ARRAY['a', 'to Victim@Example.com']",
        "jsonb": """'{"k": {"victim@example.com": 1}}'""",
        "json": r"""'["\u0000", "victim\u0040example\u002Ecom"]'""",
        "bytea": r"""'\x00ff' || 'victim@example.com'::bytea""",
        "varchar(18)": "'victim@example.com'",
        "tsvector": "'victim@example.com'::tsvector",
        "postal": "'victim@example.com'",
        "pair": "ROW('x', 'victim@example.com')::pair",
    }
    columns = ", ".join(f"v{n} {type_}" for n, type_ in enumerate(values))
    rows_ = ", ".join(
        f"({n}, {', '.join(v if m == n else 'NULL' for m, v in enumerate(values.values()))})"
        for n in range(len(values))
    )
    await town.admin.execute(
        "CREATE DOMAIN postal AS text; CREATE TYPE pair AS (a text, b text); CREATE SCHEMA other;"
        f"CREATE TABLE other.t (n int PRIMARY KEY, {columns}); INSERT INTO other.t VALUES {rows_}"
    )
    report = await erase_person(town.url, town.schema, EMAIL)
    assert report.proof is not None
    assert {(f.table, f.column, f.keys) for f in report.proof.findings} == {
        ("other.t", f"v{n}", (str(n),)) for n in range(len(values))
    }
    options = ErasureOptions(also=(EMAIL,), redact=True)
    report = await erase_person(town.url, town.schema, town.victim.user, options)
    assert report.proof is not None
    # What is neither text nor JSON is left to people.
    assert {f.column for f in report.proof.findings} == {"v3", "v5", "v7"}
    stored = await town.admin.fetchrow("SELECT v0, v1, v2::text, v4 FROM other.t WHERE n = 2")
    assert stored["v2"] == r'["\u0000", "[erased]"]'
    assert await town.admin.fetchval("SELECT v0 FROM other.t WHERE n = 0") == ["a", "to [erased]"]


async def test_the_planner_forgets_too(each_town: Town):
    town = each_town
    await town.admin.execute(
        f"CREATE TABLE note (v text); INSERT INTO note SELECT '{EMAIL}' FROM generate_series(1, 9);"
        "ANALYZE"
    )
    held = "SELECT count(*) FROM pg_stats WHERE concat(most_common_vals, histogram_bounds) ~ $1"
    assert await town.admin.fetchval(held, town.victim.user) > 5
    report = await erase_person(town.url, town.schema, EMAIL)
    assert await town.admin.fetchval(held, town.victim.user) == 0
    assert report.proof is not None
    assert report.proof.statistics == ("note.v",)  # where it stands in the rows as well
    await town.admin.execute("DELETE FROM note")
    again = ErasureOptions(also=(EMAIL,))
    report = await erase_person(town.url, town.schema, town.victim.user, again)
    assert report.is_clean
    assert report.proof is not None
    # Before 18 an empty table keeps the statistics of its last rows.
    can_forget = town.admin.get_server_version().major >= 18
    assert report.proof.statistics == (() if can_forget else ("note.v",))


async def test_partitions_views_and_inherited_tables_are_read_once_each(town: Town):
    await town.admin.execute(
        "CREATE TABLE part (n int, v text) PARTITION BY LIST (n);"
        "CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);"
        "CREATE TABLE base (v text); CREATE TABLE child () INHERITS (base);"
        f"INSERT INTO part VALUES (1, '{EMAIL}'); INSERT INTO child VALUES ('{EMAIL}');"
        f"CREATE MATERIALIZED VIEW seen AS SELECT '{EMAIL}'::text v;"
        "CREATE MATERIALIZED VIEW unseen AS SELECT 1 WITH NO DATA"
    )
    report = await erase_person(town.url, town.schema, EMAIL)
    assert report.proof is not None
    assert sorted((f.table, f.rows, f.keys) for f in report.proof.findings) == [
        ("child", 1, ("row at (0,1)",)),
        ("part_1", 1, ("row at (0,1)",)),
        ("seen", 1, ("row at (0,1)",)),
    ]


async def test_a_key_that_names_the_person_is_not_told(town: Town):
    await town.admin.execute(
        f"CREATE TABLE k (v text PRIMARY KEY); INSERT INTO k VALUES ('{EMAIL}')"
    )
    report = await erase_person(town.url, town.schema, EMAIL)
    assert report.proof is not None
    assert report.proof.findings[0].keys == ("row at (0,1)",)
    assert EMAIL not in str(report.as_json())
    assert town.victim.user not in str(report.as_json())


async def test_a_backend_killed_in_the_middle_leaves_everything_as_it_was(town: Town):
    before = await town.rows()
    holder = await asyncpg.connect(town.url)
    try:
        transaction = holder.transaction()
        await transaction.start()
        # The last tables but one have gone by then.
        await holder.execute(
            "SELECT 1 FROM x_message WHERE user_id = $1 FOR SHARE", town.victim.user
        )
        task = asyncio.create_task(erase_person(town.url, town.schema, EMAIL))
        pid = await _waiting(town.admin)
        await town.admin.execute("SELECT pg_terminate_backend($1)", pid)
        with pytest.raises(ConnectionFailedError, match="wholly or not at all"):
            await task
        await transaction.rollback()
    finally:
        await holder.close()
    assert await town.rows() == before
    assert (await erase_person(town.url, town.schema, EMAIL)).is_clean
    assert len(await history(town.admin)) == 2


async def _waiting(admin: asyncpg.Connection) -> int:
    """The process of an erase that waits for a lock."""
    async with asyncio.timeout(20):
        while True:
            pid = await admin.fetchval(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'chatkeep erase'"
                " AND datname = current_database() AND wait_event_type = 'Lock'"
            )
            if pid is not None:
                return pid


async def test_rows_that_another_holds_are_waited_for_and_no_longer(town: Town):
    before = await town.rows()
    holder = await asyncpg.connect(town.url)
    try:
        async with holder.transaction():
            await holder.execute(
                "SELECT 1 FROM x_chat WHERE user_id = $1 FOR SHARE", town.victim.user
            )
            with pytest.raises(DatabaseTimeoutError, match="nothing was changed"):
                await erase_person(town.url, town.schema, EMAIL, ErasureOptions(lock_wait=0.05))
    finally:
        await holder.close()
    assert await town.rows() == before


async def test_who_writes_meanwhile_comes_before_or_finds_nothing(town: Town):
    stop = asyncio.Event()

    async def write(mine: Any, number: int) -> int:
        written = 0
        while not stop.is_set():
            try:
                await mine.messages.append(town.victim.chat, NewMessage(role="user", content="x"))
                chat = await mine.chats.create(title=f"{number}")
                await mine.messages.append(chat.id, NewMessage(role="user", content="y"))
            except ChatkeepError:
                return written
            written += 1
        return written

    async with Database(town.schema, town.url) as db:
        mine = db.as_user(town.victim.user)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(write(mine, number)) for number in range(4)]
            async with asyncio.timeout(20):
                while await mine.chats.count() < 30:
                    pass
            report = await erase_person(town.url, town.schema, EMAIL)
            stop.set()
    assert report.is_clean
    assert sum(task.result() for task in tasks) > 0
    assert town.victim.user not in str(of_others(await town.rows()))


async def test_caches_are_told_and_one_that_fails_is_named(town: Town):
    told: list[Person] = []

    async def forget(person: Person) -> int:
        assert await town.admin.fetchval("SELECT count(*) FROM x_user") == 1  # after the database
        told.append(person)
        return 3

    async def broken(person: Person) -> int:
        raise OSError(f"cannot reach the place where {person.emails} are")

    options = ErasureOptions(caches=[broken, forget])
    report = await erase_person(town.url, town.schema, EMAIL, options)
    assert [person.id for person in told] == [town.victim.user]
    assert [(each.entries, each.failure) for each in report.caches] == [(0, "OSError"), (3, None)]
    assert report.proof is not None
    assert not report.proof.findings
    assert not report.is_clean
    assert EMAIL not in str(report.as_json())


async def test_the_audit_has_who_and_how_much_and_not_whom(town: Town):
    options = ErasureOptions(actor="support desk")
    await erase_person(town.url, town.schema, EMAIL, options)
    proof, erased = await history(town.admin, subject_id=town.victim.user)
    assert (erased.action, proof.action) == ("erase", "erase-proof")
    assert erased.actor == "support desk"
    assert dict(erased.detail)["delete"]["x_itinerary"] == 1  # type: ignore[index]
    assert proof.detail["found"] == {}


async def test_somebody_else_or_nobody_is_not_erased(town: Town):
    before = await town.rows()
    for who, also in (
        ("nobody@example.com", ()),
        ("nobody", ("stranger@example.com",)),
        (EMAIL, ("Stranger@example.com",)),
        (EMAIL, ("",)),
    ):
        with pytest.raises((UserNotFoundError, PersonalDataError)):
            await erase_person(town.url, town.schema, who, ErasureOptions(also=also))
    assert await town.rows() == before


async def test_accounts_of_other_programs_are_told_and_never_written_to(town: Town):
    await town.admin.execute(
        "CREATE TABLE b_user (id int PRIMARY KEY, email text, contact text, alias text);"
        "CREATE UNIQUE INDEX ON b_user (lower(contact));"
        f"INSERT INTO b_user VALUES (1, '{EMAIL}', '{EMAIL}', '{EMAIL}')"
    )
    report = await erase_person(town.url, town.schema, EMAIL, ErasureOptions(redact=True))
    assert report.proof is not None
    assert [each.column for each in report.proof.findings] == ["email", "contact"]
    assert [each.column for each in report.redacted] == ["alias"]
    stored = await town.admin.fetchrow("SELECT * FROM b_user")
    assert tuple(stored) == (1, EMAIL, EMAIL, "[erased]")
    assert report.suspects == ("b_user.email",)


async def test_former_addresses_are_looked_for_too(town: Town):
    await town.admin.execute(
        "UPDATE x_message SET content = 'old@example.com' WHERE id = $1", town.stranger.message
    )
    report = await erase_person(
        town.url, town.schema, EMAIL, ErasureOptions(also=("Old@Example.com",), redact=True)
    )
    assert report.is_clean
    assert await found(town.admin, "old@example.com") == []


@pytest.fixture
async def guarded(pg: PgServer, fresh_database: Any) -> Any:
    """A database with row-level security, whose owner is no superuser."""
    schema = deepsearch.schema(prefix="x_", security="rls", app_role="x_app")
    url = await owned_database(pg, fresh_database(pg))
    await create_tables(schema, url)
    admin = await asyncpg.connect(url.replace(f"//{OWNER}@", "//postgres@"))
    async with Database(schema, url) as db:
        victim = await make_world(db, admin, "victim")
        stranger = await make_world(db, admin, "stranger", "own")
        yield Place(db, admin, schema, url, victim, stranger, stranger)
    await admin.close()


async def test_the_owner_erases_under_row_level_security_and_the_application_may_not(
    guarded: Place,
):
    place, stored = guarded, await rows(guarded.admin)
    await place.admin.execute("CREATE ROLE clerk LOGIN IN ROLE x_app")
    try:
        url = place.owner_url.replace(f"//{OWNER}@", "//clerk@")
        for call in (preview_erasure, erase_person):
            with pytest.raises(PersonalDataError, match=r"all rows of .*x_"):
                await call(url, place.schema, EMAIL)
    finally:
        await place.admin.execute("DROP ROLE clerk")
    assert await rows(place.admin) == stored
    await place.admin.execute("CREATE TABLE jobs (id int)")
    with pytest.raises(PersonalDataError, match="all rows of jobs"):
        await erase_person(place.owner_url, place.schema, EMAIL)
    await place.admin.execute("ALTER EXTENSION plpgsql ADD TABLE jobs")
    report = await erase_person(place.owner_url, place.schema, EMAIL)
    assert report.is_clean
    assert report.proof is not None
    assert report.proof.unread == ("jobs",)
    await place.admin.execute("ALTER EXTENSION plpgsql DROP TABLE jobs; DROP TABLE jobs")
    assert await found(place.admin, place.victim.user, EMAIL) == []
    before = of_others(stored, place.victim.user, EMAIL)
    assert of_others(await rows(place.admin)) == before
