"""What PostgreSQL itself shows: nothing without a user, nothing of another user, whatever is asked."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from chatkeep import Database, SchemaMismatchError, StatementError
from chatkeep.access.catalogue import catalogue_of
from chatkeep.engine.identity import Identity
from chatkeep.engine.scoped import ScopedRunner
from chatkeep.presets import deepsearch
from security.places import Place
from security.worlds import said

TABLES = [
    "user",
    "chat",
    "message",
    "message_usage",
    "message_feedback",
    "message_chunk",
    "running_answer",
    "chat_share",
    "user_settings",
]


@pytest.fixture(scope="module", params=["rls"])
def security(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest_asyncio.fixture(loop_scope="session")
async def raw(place: Place) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the login role inside a transaction, under the application role."""
    connection = await asyncpg.connect(place.owner_url)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def become(raw: asyncpg.Connection, place: Place, user: str | None) -> None:
    await raw.execute(f'SET LOCAL ROLE "{place.schema.app_role}"')
    if user is not None:
        await raw.execute("SELECT set_config('chatkeep.user_id', $1, true)", user)


async def seen(raw: asyncpg.Connection) -> dict[str, int]:
    return {t: await raw.fetchval(f'SELECT count(*) FROM "x_{t}"') for t in TABLES}


@pytest.mark.parametrize("user", [None, ""], ids=["missing", "empty"])
async def test_without_a_user_nothing_is_seen(
    place: Place, raw: asyncpg.Connection, user: str | None
) -> None:
    await become(raw, place, user)
    assert await seen(raw) == dict.fromkeys(TABLES, 0)


async def test_after_a_transaction_that_had_a_user_nothing_is_seen(place: Place) -> None:
    connection = await asyncpg.connect(place.owner_url)
    async with connection.transaction():
        await become(connection, place, place.victim.user)
        assert (await seen(connection))["chat"] == 4
    async with connection.transaction():
        await become(connection, place, None)
        assert await connection.fetchval("SELECT current_setting('chatkeep.user_id', true)") == ""
        assert await seen(connection) == dict.fromkeys(TABLES, 0)
    await connection.close()


async def test_a_forgotten_filter_shows_ones_own_rows_alone(
    place: Place, raw: asyncpg.Connection
) -> None:
    await become(raw, place, place.stranger.user)
    for table in TABLES:
        column = "id" if table == "user" else "user_id"
        rows = await raw.fetch(f'SELECT DISTINCT {column} AS owner FROM "x_{table}"')
        assert [row["owner"] for row in rows] == [place.stranger.user], table


async def test_a_change_without_a_filter_changes_ones_own_rows_alone(
    place: Place, raw: asyncpg.Connection
) -> None:
    await become(raw, place, place.stranger.user)
    assert await raw.execute("UPDATE x_chat SET title = 'mine'") == "UPDATE 4"
    assert await raw.execute("DELETE FROM x_message_feedback") == "DELETE 2"


async def test_a_row_of_another_user_can_be_neither_written_nor_given_away(
    place: Place, raw: asyncpg.Connection
) -> None:
    await become(raw, place, place.stranger.user)
    for sql in (
        "INSERT INTO x_chat (id, user_id, title) VALUES ('c', $1, 't')",
        "UPDATE x_user_settings SET user_id = $1",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            async with raw.transaction():
                await raw.execute(sql, place.victim.user)


@pytest.mark.parametrize("table", ["account", "session", "verification_token", "search_cache"])
async def test_what_no_scope_needs_is_out_of_reach(
    place: Place, raw: asyncpg.Connection, table: str
) -> None:
    await become(raw, place, place.victim.user)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await raw.fetch(f'SELECT * FROM "x_{table}"')


async def test_the_owner_sees_all_though_the_tables_force_it(place: Place) -> None:
    forced = await place.admin.fetch(
        "SELECT relname, relrowsecurity AND relforcerowsecurity AS forced FROM pg_class"
        " WHERE relkind = 'r' AND relname ~ '^x_'"
    )
    loose = {row["relname"] for row in forced if not row["forced"]}
    assert loose == {"x_verification_token", "x_search_cache", "x_search_day"}
    async with Database(place.schema, place.owner_url) as db:
        assert await db.chats.count() == 6
        assert (await db.chats.get(place.victim.chat)).user_id == place.victim.user


async def test_a_statement_without_a_user_gives_ones_own_rows_in_a_scope(place: Place) -> None:
    """As if our own code had forgotten the filter: the statements of trusted code, in a scope."""
    async with Database(place.schema, place.owner_url) as db:
        identity = Identity(place.schema.app_role, place.stranger.user)
        runner = ScopedRunner(db._runner, identity)
        queries = catalogue_of(place.schema)
        rows = await queries.chats.list.all(runner, {"limit": 100})
        assert {row.user_id for row in rows} == {place.stranger.user}
        assert await queries.chats.find.first(runner, {"id": place.victim.chat}) is None
        assert await queries.messages.find.first(runner, {"id": place.victim.message}) is None


async def test_a_users_id_is_a_text_whatever_is_in_it(place: Place) -> None:
    async with Database(place.schema, place.owner_url) as db:
        for user_id in ("'; RESET ROLE; --", "\\'; RESET ROLE; --", 'a"b', "$1", "é\u2028", "%s"):
            assert await db.as_user(user_id).chats.count() == 0
            async with db.transaction() as tx:
                assert await tx.as_user(user_id).chats.count() == 0
                assert await tx.chats.count() == 6


async def test_behind_a_pooler_nothing_stays_on_a_connection(place: Place) -> None:
    """The pooled connections are three: one that kept a role or a user would soon be met."""
    for _ in range(10):
        await place.db.as_user(place.victim.user).chats.count()
        assert await place.db.chats.count() == 6
        missing = place.db.as_user("nobody")
        assert await missing.chats.count() == 0


async def test_a_database_without_policies_is_refused(place: Place, way: str) -> None:
    other = deepsearch.schema(prefix="x_", security="rls", app_role="nobody_made_this")
    with pytest.raises(SchemaMismatchError, match="lacks the role or policies"):
        await Database(other, place.owner_url).open()


async def test_a_login_that_may_not_become_the_role_is_refused(place: Place) -> None:
    await place.admin.execute(
        "DO $$ BEGIN CREATE ROLE outsider LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )
    url = re.sub("//[^@]+@", "//outsider@", place.owner_url)
    with pytest.raises(SchemaMismatchError, match="may not become"):
        await Database(place.schema, url).open()
    plain = Database(deepsearch.schema(prefix="x_"), url)
    async with plain as db:
        with pytest.raises(StatementError):  # no grant, no policy: nothing by accident
            await db.chats.count()


async def test_a_member_of_the_owner_is_trusted_as_the_owner_is(place: Place) -> None:
    """The application may log in as another role than the one that migrates."""
    owner = await place.admin.fetchval(
        "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'x_chat'"
    )
    await place.admin.execute(
        "DO $$ BEGIN CREATE ROLE member LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
    )
    given = owner if owner != "postgres" else f'{owner}, "{place.schema.app_role}"'
    await place.admin.execute(f"GRANT {given} TO member")
    url = re.sub("//[^@]+@", "//member@", place.owner_url)
    async with Database(place.schema, url) as db:
        assert await db.chats.count() == 6
        assert await db.as_user(place.victim.user).chats.count() == 3
        async with db.transaction() as tx:
            assert await tx.as_user(place.stranger.user).chats.count() == 3
            assert await tx.chats.count() == 6
    await place.admin.execute(f"REVOKE {owner} FROM member")


async def test_a_role_that_policies_do_not_bind_is_refused(place: Place) -> None:
    role = place.schema.app_role
    await place.admin.execute(f'ALTER ROLE "{role}" BYPASSRLS')
    try:
        with pytest.raises(SchemaMismatchError, match="does not bind"):
            await Database(place.schema, place.owner_url).open()
    finally:
        await place.admin.execute(f'ALTER ROLE "{role}" NOBYPASSRLS')


async def test_a_role_that_the_owner_stands_behind_is_refused(place: Place) -> None:
    """The policy `trusted` is for the owner: under it a forgotten filter would show everything."""
    await place.admin.execute("CREATE ROLE second_owner; ALTER TABLE x_chat OWNER TO second_owner")
    await place.admin.execute(f'GRANT second_owner TO "{place.schema.app_role}"')
    try:
        with pytest.raises(SchemaMismatchError, match="owns the tables"):
            await Database(place.schema, place.owner_url).open()
    finally:
        owner = await place.admin.fetchval(
            "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'x_user'"
        )
        await place.admin.execute(f"ALTER TABLE x_chat OWNER TO {owner}; DROP ROLE second_owner")


async def test_a_role_that_is_the_owner_is_refused(place: Place) -> None:
    owner = await place.admin.fetchval(
        "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'x_chat'"
    )
    policies = "SELECT format('ALTER POLICY own ON %s TO %s', oid::regclass, $1::text) "
    policies += "FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relname ~ '^x_'"
    to_owner = [row[0] for row in await place.admin.fetch(policies, owner)]
    back = [row[0] for row in await place.admin.fetch(policies, f'"{place.schema.app_role}"')]
    schema = deepsearch.schema(prefix="x_", security="rls", app_role=owner)
    await place.admin.execute("; ".join(to_owner))
    try:
        with pytest.raises(SchemaMismatchError, match="does not bind"):
            await Database(schema, place.owner_url).open()
    finally:
        await place.admin.execute("; ".join(back))


@pytest.mark.parametrize("privilege", ["TRUNCATE", "REFERENCES", "TRIGGER"])
async def test_what_no_policy_looks_at_is_not_granted(place: Place, privilege: str) -> None:
    granted = await place.admin.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^x_'"
        " AND has_table_privilege($1, oid, $2)",
        place.schema.app_role,
        privilege,
    )
    assert granted == []


async def test_keys_and_cascades_work_under_the_policies(place: Place) -> None:
    """PostgreSQL looks references up as the owner, past FORCE: deleting takes what hangs on it."""
    mine = place.db.as_user(place.stranger.user)
    chat = await mine.chats.create(title="to go")
    (message,) = await mine.messages.append(chat.id, said("to go"))
    await mine.feedback.give(message.id, vote=1)
    await mine.chats.delete(chat.id, hard=True)
    left = "SELECT count(*) FROM x_message_feedback WHERE message_id = $1"
    assert await place.admin.fetchval(left, message.id) == 0
