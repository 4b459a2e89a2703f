"""What a sweep takes away and what stays: the report before, the rows after."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import Column, Named, String, TypedColumns

from chatkeep import START, Chat, ChatChanges, Database, NewMessage, NewUsage, NewUser, User
from chatkeep.access.scope import UserScope
from chatkeep.database.creation import create_tables
from chatkeep.errors import (
    ConfigError,
    ConnectionFailedError,
    PersonalDataError,
    SchemaMismatchError,
)
from chatkeep.personal import audit
from chatkeep.personal.retention import Policy
from chatkeep.personal.sweep_batches import Pace
from chatkeep.personal.sweep_report import SweepReport
from chatkeep.personal.sweeping import sweep, sweep_report
from chatkeep.presets import deepsearch, maps
from chatkeep.schema.parts import foreign_key
from chatkeep.schema.tables import TableDef
from fixtures.pgbouncer import PgBouncer
from fixtures.servers import Databases, PgServer

SCHEMA = deepsearch.schema(prefix="x_")
DAY = timedelta(days=1)
TABLES = {name: table.name for name, table in SCHEMA.tables.items()}


class FileColumns(TypedColumns):
    id: Named[str] = Column(String(255), primary_key=True)
    user_id: Named[str] = Column(String(255), nullable=False)
    chat_id: Named[str] = Column(String(255), nullable=False)


class World:
    """An open database, and a connection that makes rows old."""

    def __init__(self, db: Database, url: str, sql: asyncpg.Connection) -> None:
        self.db, self.url, self.sql = db, url, sql

    async def user(self, name: str, *, is_admin: bool = False) -> UserScope:
        user: User = await self.db.users.create(NewUser(email=f"{name}@example.com"))
        if is_admin:
            await self.sql.execute('update "x_user" set is_admin = true where id = $1', user.id)
        return self.db.as_user(user.id)

    async def chat(
        self, mine: UserScope, title: str, days: int = 0, *roles: str, **flags: bool
    ) -> Chat:
        chat = await mine.chats.create(title=title)
        if roles:
            await mine.messages.append(
                chat.id, *(NewMessage(role=role, content=f"{title} {role}") for role in roles)
            )
        if flags:
            await mine.chats.update(chat.id, ChatChanges(**flags))
        await self.age("chat", "updated_at", days, id=chat.id)
        return chat

    async def age(self, table: str, column: str, days: int, **key: str) -> None:
        ((name, value),) = key.items()
        await self.sql.execute(
            f'update "x_{table}" set {column} = now() - $1::interval where {name} = $2',
            timedelta(days=days), value,
        )  # fmt: skip

    async def titles(self) -> list[str]:
        rows = await self.sql.fetch('select title from "x_chat" order by title')
        return [row[0] for row in rows]

    async def counts(self) -> Counter[str]:
        return Counter(
            {n: await self.sql.fetchval(f'select count(*) from "{t}"') for n, t in TABLES.items()}
        )

    async def swept(self, *policies: Policy, **more: Any) -> SweepReport:
        """Report and sweep: what was told is what went, table by table, and nothing else did."""
        told = await sweep_report(SCHEMA, self.url, policies)
        before = await self.counts()
        done = await sweep(SCHEMA, self.url, policies, **more)
        gone = before - await self.counts()
        assert +gone == told.found == done.found == done.removed
        assert [line.found for line in told.policies] == [line.removed for line in done.policies]
        assert not any(line.kept or line.difference for line in done.policies)
        assert not (await sweep_report(SCHEMA, self.url, policies)).found
        return done


@asynccontextmanager
async def a_world(server: PgServer, databases: Databases) -> AsyncIterator[World]:
    """Open a clone of a database that is made once for each server."""
    template = f"sweep_template_{server.version}"
    admin = await asyncpg.connect(server.admin_url)
    if not await admin.fetchval("select count(*) from pg_database where datname = $1", template):
        await admin.execute(f"create database {template} strategy file_copy")
        await create_tables(SCHEMA, server.url(template))
    await admin.close()
    url = await databases(template=template)
    sql = await asyncpg.connect(url)
    try:
        async with Database(SCHEMA, url) as db:
            yield World(db, url, sql)
    finally:
        await sql.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[World]:
    async with a_world(pg18, fresh_database(pg18)) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def each_world(
    pg: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> AsyncIterator[World]:
    async with a_world(pg, fresh_database(pg)) as made:
        yield made


def found(report: SweepReport) -> list[Mapping[str, int]]:
    return [dict(line.found) for line in report.policies if line.found]


async def test_old_chats_go_with_all_that_is_theirs(each_world: World):
    world = each_world
    mine = await world.user("ada")
    old = await world.chat(mine, "old", 40, "user", "assistant")
    await world.chat(mine, "pinned", 40, "user", is_pinned=True)
    await world.chat(mine, "young", 20, "user")
    await world.chat(mine, "thrown away", 40, "user")
    _, answer = (await mine.messages.list(old.id, after=START)).items
    await mine.feedback.give(answer.id, vote=1)
    await world.db.usage.record(answer.id, NewUsage(prompt_tokens=3))
    await mine.shares.create(old.id, kind="snapshot")
    (thrown,) = [c for c in (await mine.chats.list()).items if c.title == "thrown away"]
    await mine.chats.delete(thrown.id)
    report = await world.swept(Policy("chats", 30 * DAY))
    assert found(report) == [{"chats": 2, "messages": 3, "message_feedback": 1, "chat_shares": 1}]
    assert await world.titles() == ["pinned", "young"]
    assert (await world.counts())["message_usage"] == 1


async def test_without_policies_only_what_has_expired_goes(world: World):
    mine = await world.user("ada")
    await world.chat(mine, "ancient", 5000, "user", is_temporary=True)
    (user_id,) = await world.sql.fetchrow('select id from "x_user"')
    await world.sql.execute(
        'insert into "x_session" (session_token, user_id, expires) values '
        "('old', $1, now() - interval '1 s'), ('new', $1, now() + interval '1 d')", user_id,
    )  # fmt: skip
    await world.sql.execute(
        'insert into "x_verification_token" (identifier, token, expires) values '
        "('a', '1', now() - interval '1 h'), ('a', '2', now() + interval '1 h')"
    )
    await world.sql.execute(
        'insert into "x_search_cache" (query, results, expires_at) '
        "select 'q' || n, '{}', now() + n * interval '1 h' from generate_series(-3, 4) as n"
    )
    report = await world.swept()
    assert report.removed == {"sessions": 1, "verification_tokens": 1, "search_cache": 4}
    assert await world.titles() == ["ancient"]
    kept = await world.sql.fetchval('select session_token from "x_session"')
    assert kept == "new"


async def test_the_most_specific_policy_holds(world: World):
    ada, root = await world.user("ada"), await world.user("root", is_admin=True)
    for mine, name in ((ada, "ada"), (root, "root")):
        await world.chat(mine, f"{name} 40", 40)
        await world.chat(mine, f"{name} 90", 90)
        await world.chat(mine, f"{name} temporary 2", 2, is_temporary=True)
        await world.chat(mine, f"{name} temporary 9", 9, is_temporary=True)
    report = await world.swept(
        Policy("chats", 30 * DAY),
        Policy("chats", 60 * DAY, of="admins"),
        Policy("temporary", 1 * DAY),
        Policy("temporary", None, of="admins"),
    )
    assert [dict(line.removed) for line in report.policies[:4]] == [
        {"chats": 2}, {"chats": 1}, {"chats": 2}, {},
    ]  # fmt: skip
    assert await world.titles() == ["root 40", "root temporary 2", "root temporary 9"]


async def test_messages_go_by_role_and_leave_no_gap(each_world: World):
    world = each_world
    mine, root = await world.user("ada"), await world.user("root", is_admin=True)
    roles = ("user", "tool", "tool", "assistant", "tool")
    for who, title, flags in (
        (mine, "mine", {}), (mine, "pinned", {"is_pinned": True}), (root, "root's", {}),
    ):  # fmt: skip
        await world.chat(who, title, 0, *roles, **flags)
    await world.sql.execute("update x_message set created_at = now() - interval '10 days'")
    young = await world.chat(mine, "young", 0, *roles)
    report = await world.swept(
        Policy("messages", 5 * DAY, role="tool"),
        Policy("messages", 8 * DAY, role="tool", of="admins"),
        Policy("messages", 9 * DAY, role="user", of="users"),
    )
    assert [dict(line.removed) for line in report.policies[:3]] == [
        {"messages": 3}, {"messages": 3}, {"messages": 1},
    ]  # fmt: skip
    shown = {}
    for who in (mine, root):
        for chat in (await who.chats.list()).items:
            page = await who.messages.list(chat.id, after=START)
            shown[chat.title] = [message.role for message in page.items]
            parents = [None, *(message.id for message in page.items)]
            assert [message.parent_id for message in page.items] == parents[:-1]
            assert chat.head == page.items[-1].id
    assert shown == {
        "mine": ["assistant"], "pinned": [*roles], "root's": ["user", "assistant"],
        "young": [*roles],
    }  # fmt: skip
    assert young.id in {chat.id for chat in (await mine.chats.list()).items}


async def test_the_trash_is_emptied_as_purge_does(world: World):
    mine = await world.user("ada")
    kept = await world.chat(mine, "kept", 0, "user", "assistant", "user", is_pinned=True)
    first, second, _ = (await mine.messages.list(kept.id, after=START)).items
    thrown = await world.chat(mine, "thrown", 0, "user", "user", is_pinned=True)
    alone = (await mine.messages.list(thrown.id)).items[0]
    fresh = await world.chat(mine, "fresh", 0, "user")
    await mine.messages.delete(second.id)
    await world.age("message", "deleted_at", 40, id=second.id)
    await mine.messages.delete(alone.id)
    await world.age("message", "deleted_at", 40, id=alone.id)
    await mine.chats.delete(fresh.id)
    await mine.chats.delete(thrown.id)
    report = await world.swept(Policy("trash", 30 * DAY))
    assert found(report) == [{"messages": 2}]
    page = await mine.messages.list(kept.id, after=START)
    assert [message.parent_id for message in page.items] == [None, first.id]
    await world.sql.execute(
        'with a as (update "x_chat" set deleted_at = now() - interval \'31 d\' where id = $1) '
        'update "x_message" set deleted_at = now() - interval \'31 d\' where chat_id = $1', thrown.id,
    )  # fmt: skip
    report = await world.swept(Policy("trash", 30 * DAY))
    assert found(report) == [{"chats": 1, "messages": 1}]
    assert await world.titles() == ["fresh", "kept"]


async def test_shares_and_usage_go_only_when_asked(world: World):
    mine = await world.user("ada")
    chat = await world.chat(mine, "a", 0, "assistant")
    (answer,) = (await mine.messages.list(chat.id)).items
    await world.db.usage.record(answer.id, NewUsage(prompt_tokens=3))
    await world.age("message_usage", "created_at", 800, message_id=answer.id)
    for column in ("expires_at", "revoked_at"):
        share = await mine.shares.create(chat.id, kind="live")
        await world.age("chat_share", column, 3, id=share.id)
    await mine.shares.create(chat.id, kind="live")
    assert not (await sweep(SCHEMA, world.url)).removed
    report = await world.swept(Policy("shares", 2 * DAY), Policy("usage", 700 * DAY))
    assert found(report) == [{"chat_shares": 2}, {"message_usage": 1}]


async def test_an_answer_keeps_its_chat_as_long_as_its_writer_lives(world: World):
    mine = await world.user("ada")
    chat = await world.chat(mine, "answering", 0, "user", "tool")
    async with mine.messages.stream(chat.id) as answer:
        await answer.write("so far")
        await answer.flush()
        await world.sql.execute("update x_chat set updated_at = now() - interval '90 days'")
        await world.sql.execute("update x_message set created_at = now() - interval '90 days'")
        policies = (Policy("chats", 30 * DAY), Policy("messages", 30 * DAY))
        assert not (await sweep(SCHEMA, world.url, policies)).found
        await world.sql.execute("update x_running_answer set updated_at = now() - interval '1 day'")
        told = await sweep_report(SCHEMA, world.url, policies)
        assert told.found == {"chats": 1, "messages": 3, "message_chunks": 1, "running_answers": 1}
        await answer.write("!")
    assert (await mine.messages.get(answer.id)).content == "so far!"


async def test_a_chat_larger_than_a_batch_is_hidden_and_emptied(world: World):
    mine = await world.user("ada")
    await world.chat(mine, "long", 40, *["user", "assistant"] * 40)
    small = await world.chat(mine, "small", 40, "user")
    pace = Pace(rows=20, pause=timedelta())
    report = await world.swept(Policy("chats", 30 * DAY), pace=pace)
    assert found(report) == [{"chats": 2, "messages": 81}]
    assert report.batches >= 5
    assert await mine.chats.find(small.id) is None


async def test_what_somebody_holds_stays_and_is_told(world: World):
    mine = await world.user("ada")
    held = await world.chat(mine, "held", 40, "user")
    rated = await world.chat(mine, "rated", 40, "assistant")
    await world.chat(mine, "free", 40, "user")
    (answer,) = (await mine.messages.list(rated.id)).items
    policy, pace = Policy("chats", 30 * DAY), Pace(lock_timeout=timedelta(milliseconds=200))
    other = await asyncpg.connect(world.url)
    try:
        async with world.sql.transaction(), other.transaction():
            await world.sql.execute("select from x_chat where id = $1 for update", held.id)
            # A vote holds the message, and not its chat: the deletion has to wait, and does not.
            await other.execute("select from x_message where id = $1 for key share", answer.id)
            report = await sweep(SCHEMA, world.url, (policy,), pace=pace)
    finally:
        await other.close()
    line = report.policies[0]
    assert line.found == {"chats": 3, "messages": 3}
    assert line.removed == {"chats": 1, "messages": 1}
    assert line.kept == {"held by somebody else": 2}
    assert line.difference == {"chats": -2, "messages": -2}
    assert await world.titles() == ["held", "rated"]
    await world.swept(policy)
    assert await world.titles() == []


async def test_what_changes_after_the_report_is_looked_at_again(world: World):
    mine = await world.user("ada")
    chats = [await world.chat(mine, f"{n}", 40, "user") for n in range(4)]
    policy = Policy("chats", 30 * DAY)
    async with world.sql.transaction():
        # The sweep finds four and waits for nobody; three are changed while it cannot see it.
        await world.sql.execute(
            "update x_chat set is_pinned = (title = '0'), "
            "updated_at = case title when '1' then now() else updated_at end, "
            "deleted_at = case title when '2' then now() end"
        )
        told = await sweep(SCHEMA, world.url, (policy,))
        assert told.policies[0].kept == {"held by somebody else": 4}
        assert not told.removed
    report = await world.swept(policy)
    assert found(report) == [{"chats": 2, "messages": 2}]
    assert await world.titles() == ["0", "1"]
    assert await mine.chats.find(chats[0].id) is not None


async def test_a_table_without_cascade_keeps_its_rows_and_theirs(world: World):
    mine = await world.user("ada")
    kept = await world.chat(mine, "kept", 40, "user")
    for n in range(5):
        await world.chat(mine, f"free {n}", 40, "user")
    await world.sql.execute("create table receipts (chat_id text references x_chat (id))")
    await world.sql.execute("insert into receipts values ($1)", kept.id)
    report = await sweep(SCHEMA, world.url, (Policy("chats", 30 * DAY),))
    line = report.policies[0]
    assert line.removed == {"chats": 5, "messages": 5}
    assert line.kept == {"rows of receipts refer to it": 1}
    assert await world.titles() == ["kept"]


async def test_two_sweeps_beside_each_other_remove_each_row_once(world: World):
    mine = await world.user("ada")
    await world.sql.execute(
        "insert into x_chat (id, user_id, title, updated_at) select 'c' || n, u.id, 't', "
        "now() - interval '99 d' from x_user u, generate_series(1, 400) n"
    )
    await world.sql.execute(
        "insert into x_message (id, chat_id, user_id, role, content) "
        "select 'm' || c.id || n, c.id, c.user_id, 'user', '' from x_chat c, generate_series(1, 3) n"
    )
    await world.chat(mine, "young", 0, "user")
    pace = Pace(rows=40, pause=timedelta())
    policies = (Policy("chats", 30 * DAY),)
    reports = await asyncio.gather(
        *(sweep(SCHEMA, world.url, policies, pace=pace) for _ in range(3))
    )
    total = sum((report.removed for report in reports), Counter[str]())
    assert total == {"chats": 400, "messages": 1200}
    assert all(report.found == total for report in reports)
    assert await world.titles() == ["young"]


async def test_a_stop_ends_after_a_batch_and_the_next_sweep_goes_on(world: World):
    mine = await world.user("ada")
    for n in range(30):
        await world.chat(mine, f"{n}", 40, "user")
    stop = asyncio.Event()
    policies = (Policy("chats", 30 * DAY),)
    await world.sql.execute("create table seen (n int)")
    await world.sql.execute(
        "create function see() returns trigger language plpgsql as "
        "$$ begin insert into seen values (1); perform pg_notify('swept', ''); return null; end $$"
    )
    await world.sql.execute(
        "create trigger see after delete on x_chat for each statement execute function see()"
    )
    await world.sql.add_listener("swept", lambda *_: stop.set())
    pace = Pace(rows=10, pause=timedelta(minutes=1))  # only the stop ends the first pause
    report = await sweep(SCHEMA, world.url, policies, pace=pace, stop=stop)
    await world.sql.remove_listener("swept", lambda *_: stop.set())
    assert report.is_stopped
    assert report.removed == {"chats": 5, "messages": 5}
    assert len(await world.titles()) == 25
    stop.clear()
    rest = await sweep(SCHEMA, world.url, policies)
    assert (rest.is_stopped, rest.removed) == (False, {"chats": 25, "messages": 25})


async def test_the_audit_says_once_what_went_and_names_nobody(world: World):
    mine = await world.user("ada")
    await world.chat(mine, "old", 40, "user")
    policies = (Policy("chats", 30 * DAY), Policy("messages", 300 * DAY))
    await sweep_report(SCHEMA, world.url, policies)
    assert await audit.history(world.sql) == []
    await sweep(SCHEMA, world.url, policies, actor="nightly")
    await sweep(SCHEMA, world.url, policies, actor="nightly")
    entry, begin = await audit.history(world.sql)
    assert (entry.actor, entry.action, entry.subject) == ("nightly", "sweep", None)
    assert (begin.actor, begin.action, begin.subject) == ("nightly", "sweep-begin", None)
    assert begin.detail["now"] == entry.detail["now"]
    assert entry.detail["policies"] == [
        {"policy": "chats", "older_than": "30d", "removed": {"chats": 1, "messages": 1}}
    ]


async def test_a_sweep_that_was_killed_is_in_the_audit(world: World):
    mine = await world.user("ada")
    for n in range(10):
        await world.chat(mine, f"{n}", 40, "user")
    await world.sql.execute(
        "create function die() returns trigger language plpgsql as $$ begin "
        "if (select count(*) from x_chat) < 8 then "
        "perform pg_terminate_backend(pg_backend_pid()); end if; return null; end $$"
    )
    await world.sql.execute(
        "create trigger die after delete on x_chat for each statement execute function die()"
    )
    pace = Pace(rows=4, pause=timedelta())
    with pytest.raises(ConnectionFailedError):
        await sweep(SCHEMA, world.url, (Policy("chats", 30 * DAY),), pace=pace, actor="nightly")
    assert len(await world.titles()) == 8
    (entry,) = await audit.history(world.sql)
    assert (entry.actor, entry.action, entry.subject) == ("nightly", "sweep-begin", None)
    assert entry.detail["policies"] == [
        {"policy": "chats", "older_than": "30d", "found": {"chats": 10, "messages": 10}}
    ]


async def test_a_chat_with_more_rows_than_a_batch_beside_its_messages_goes_too(world: World):
    mine = await world.user("ada")
    chat = await world.chat(mine, "shared", 40, *["user"] * 15)
    await world.sql.execute("create table files (chat_id text references x_chat on delete cascade)")
    await world.sql.execute("insert into files select $1 from generate_series(1, 30)", chat.id)
    report = await sweep(SCHEMA, world.url, (Policy("chats", 30 * DAY),), pace=Pace(rows=10))
    assert report.found == report.removed == {"chats": 1, "messages": 15, "files": 30}
    assert await world.titles() == []


async def test_a_stop_leaves_no_half_of_a_chat(world: World):
    mine = await world.user("ada")
    long = await world.chat(mine, "long", 40, *["user", "assistant"] * 40)
    small = await world.chat(mine, "small", 20, "user")
    await world.age("chat", "updated_at", 39, id=small.id)
    stop = asyncio.Event()
    await world.sql.execute(
        "create function told() returns trigger language plpgsql as "
        "$$ begin perform pg_notify('swept', ''); return null; end $$"
    )
    await world.sql.execute(
        "create trigger told after delete on x_message for each statement execute function told()"
    )
    await world.sql.add_listener("swept", lambda *_: stop.set())
    pace = Pace(rows=20, pause=timedelta(minutes=1))  # only the stop ends the first pause
    report = await sweep(SCHEMA, world.url, (Policy("chats", 30 * DAY),), pace=pace, stop=stop)
    assert report.is_stopped
    assert report.removed == {"chats": 1, "messages": 80}
    assert await world.titles() == ["small"]
    assert (await mine.chats.find(long.id)) is None
    assert await world.sql.fetchval("select count(*) from x_message") == 1


async def test_each_batch_is_bounded_by_the_lock_timeout(world: World):
    mine = await world.user("ada")
    await world.chat(mine, "old", 40, "user")
    await world.sql.execute("create table seen (name text, value text)")
    await world.sql.execute(
        "create function see() returns trigger language plpgsql as $$ begin "
        "insert into seen select name, setting || unit from pg_settings "
        "where name in ('lock_timeout', 'statement_timeout', 'transaction_isolation'); "
        "return old; end $$"
    )
    await world.sql.execute(
        "create trigger see before delete on x_chat for each row execute function see()"
    )
    pace = Pace(lock_timeout=timedelta(milliseconds=800))
    await sweep(SCHEMA, world.url, (Policy("chats", 30 * DAY),), pace=pace)
    rows = await world.sql.fetch("select * from seen")
    assert dict(map(tuple, rows)) == {
        "lock_timeout": "200ms", "statement_timeout": "300ms", "transaction_isolation": None,
    }  # fmt: skip


async def test_the_seeds_triggers_and_own_tables_agree_with_it(database_url: str):
    class OwnSchema(deepsearch.Schema):
        files = TableDef(
            "file",
            FileColumns,
            (
                foreign_key(
                    "user_id", "chat_id", references="chats", to=("user_id", "id"),
                    on_delete="cascade",
                ),
            ),
        )  # fmt: skip

    schema = OwnSchema(prefix="x_", seed_writers=True)
    await create_tables(schema, database_url)
    sql = await asyncpg.connect(database_url)
    try:
        async with Database(schema, database_url) as db:
            world = World(db, database_url, sql)
            mine = await world.user("ada")
            chat = await world.chat(mine, "a", 0, "user", "tool", "tool", "assistant", "tool")
            old = await world.chat(mine, "old", 0, "user")
            owner = await sql.fetchval("select id from x_user")
            for number in "12":
                await sql.execute("insert into x_file values ($1, $2, $3)", number, owner, old.id)
            # Its own updates would move it: what is old keeps its time.
            await sql.execute("set session_replication_role = replica")
            await world.age("chat", "updated_at", 40, id=old.id)
            policies = (Policy("messages", timedelta(microseconds=1), role="tool"),)
            policies = (*policies, Policy("chats", 30 * DAY))
            told = await sweep_report(schema, database_url, policies)
            done = await sweep(schema, database_url, policies)
            assert told.found == done.removed == {"chats": 1, "messages": 4, "files": 2}
            page = await mine.messages.list(chat.id, after=START)
            assert [message.role for message in page.items] == ["user", "assistant"]
            assert [message.parent_id for message in page.items] == [None, page.items[0].id]
            assert (await mine.chats.get(chat.id)).head == page.items[-1].id
    finally:
        await sql.close()


@pytest.mark.needs("pgbouncer")
async def test_a_pooler_may_stand_between(world: World, pgbouncer: PgBouncer):
    mine = await world.user("ada")
    await world.chat(mine, "old", 40, "user", "tool")
    url = pgbouncer.url(urlsplit(world.url).path.lstrip("/"))
    report = await sweep(SCHEMA, url, (Policy("chats", 30 * DAY),))
    assert report.removed == {"chats": 1, "messages": 2}
    assert len(await audit.history(world.sql)) == 2


async def test_a_time_before_all_times_is_old(world: World):
    user_id = (await world.user("ada")).user_id
    insert = "insert into x_session (session_token, user_id, expires) values ($1, $2, $3::text::timestamptz)"
    for at in ("-infinity", "infinity", "2020-01-01"):
        await world.sql.execute(insert, at, user_id, at)
    report = await world.swept()
    assert report.removed == {"sessions": 2}
    assert report.policies[0].newest == datetime(2020, 1, 1, tzinfo=UTC)


async def test_a_schema_without_chats_is_swept_too(database_url: str):
    schema = maps.schema(prefix="m_")
    await create_tables(schema, database_url)
    report = await sweep(schema, database_url)
    assert {line.policy.what for line in report.policies} == {"sessions", "verifications"}
    with pytest.raises(ConfigError, match="chats: this schema has no table `chats`"):
        await sweep_report(schema, database_url, (Policy("chats", DAY),))


async def test_what_cannot_be_swept_is_said_before_anything_goes(database_url: str):
    with pytest.raises(SchemaMismatchError, match="lacks a table"):
        await sweep_report(SCHEMA, database_url)
    with pytest.raises(ConfigError, match="hardened edition"):
        await sweep_report(deepsearch.schema(edition="seed"), database_url)
    twice = (Policy("chats", DAY), Policy("chats", 2 * DAY))
    with pytest.raises(ConfigError, match="Two retention policies are about chats"):
        await sweep_report(SCHEMA, database_url, twice)


async def test_rows_that_only_the_database_knows_of_are_told_and_counted(each_world: World):
    world = each_world
    mine = await world.user("ada")
    chat = await world.chat(mine, "old", 40, "user", "assistant")
    young = await world.chat(mine, "young", 0, "user")
    first, _ = (await mine.messages.list(chat.id, after=START)).items
    await world.sql.execute(
        "create schema app; "
        "create table app.files (id int primary key, chat_id text references x_chat (id) "
        "on delete cascade, message_id text references x_message (id) on delete cascade); "
        "create table app.pages (file_id int references app.files on delete cascade); "
        "create table chats (chat_id text references x_chat (id) on delete cascade)"
    )
    await world.sql.executemany(
        "insert into app.files values ($1, $2, $3)",
        [(1, chat.id, None), (2, None, first.id), (3, chat.id, first.id), (4, young.id, None)],
    )
    await world.sql.execute("insert into app.pages select id from app.files, generate_series(1, 3)")
    await world.sql.execute("insert into chats values ($1)", chat.id)
    told = await sweep_report(SCHEMA, world.url, (Policy("chats", 30 * DAY),))
    expected = {"chats": 1, "messages": 2, "app.files": 3, "app.pages": 9, "public.chats": 1}
    assert told.found == expected
    done = await sweep(SCHEMA, world.url, (Policy("chats", 30 * DAY),))
    assert done.removed == expected
    assert await world.sql.fetchval("select count(*) from app.files") == 1
    assert await world.sql.fetchval("select count(*) from app.pages") == 3
    await world.chat(mine, "old", 40, *["user"] * 12)
    await world.sql.execute(
        "insert into app.files select row_number() over () + 9, null, id from x_message"
    )
    report = await sweep(SCHEMA, world.url, (Policy("chats", 30 * DAY),), pace=Pace(rows=10))
    assert report.found == report.removed == {"chats": 1, "messages": 12, "app.files": 12}


async def test_rows_that_cannot_be_counted_do_not_go(world: World):
    mine = await world.user("ada")
    await world.chat(mine, "old", 40, "user")
    role = f"sweeper_{urlsplit(world.url).path.lstrip('/')}"
    await world.sql.execute(
        "create table files (chat_id text references x_chat (id) on delete cascade); "
        f"create role {role}; grant select, update, delete on all tables in schema public "
        f"to {role}; revoke all on files from {role}"
    )
    try:
        url = f"{world.url}{'&' if '?' in world.url else '?'}options=-c%20role%3D{role}"
        with pytest.raises(PersonalDataError, match="Rows of files go with those of x_chat"):
            await sweep(SCHEMA, url, (Policy("chats", 30 * DAY),))
        assert await world.titles() == ["old"]
    finally:
        await world.sql.execute(f"drop owned by {role}; drop role {role}")


async def test_a_table_that_holds_rows_is_named_with_its_schema(world: World):
    mine = await world.user("ada")
    kept = await world.chat(mine, "kept", 40, "user")
    await world.sql.execute("create schema app")
    await world.sql.execute("create table app.receipts (chat_id text references x_chat (id))")
    await world.sql.execute("insert into app.receipts values ($1)", kept.id)
    report = await sweep(SCHEMA, world.url, (Policy("chats", 30 * DAY),))
    assert report.policies[0].kept == {"rows of app.receipts refer to it": 1}
