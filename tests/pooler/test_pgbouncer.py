"""What works behind PgBouncer, and that nothing of one client reaches another."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import urlsplit

import asyncpg
import pytest
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    column,
    func,
    insert,
    literal,
    select,
    table,
    update,
)

from chatkeep import (
    ConflictError,
    ConnectionFailedError,
    Database,
    EmailTakenError,
    NewMessage,
    NewUser,
    Transaction,
)
from fixtures.pgbouncer import SERVER_CONNECTIONS, own_folder, start_pgbouncer
from fixtures.proxy import eventually
from fixtures.servers import PgServer
from pooler.conftest import Place

SERVERS = """
    select pid, state from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
    and backend_type = 'client backend'
"""


async def test_two_databases_do_not_clash(place: Place) -> None:
    """Hundreds of statements of two programs meet on three connections of the server."""
    async with place.database() as one, place.database() as two:
        await one.users.create(NewUser(id="ada", email="ada@example.com"))

        async def work(db: Database, worker: int) -> int:
            chance = random.Random(worker)
            mine = db.as_user("ada")
            chat = await mine.chats.create(title=f"Chat {worker}")
            for number in range(40):
                what = chance.randrange(5)
                if what == 0:
                    new = NewMessage(role="user", content=f"{worker} {number}")
                    (stored,) = await mine.messages.append(chat.id, new)
                    assert stored.content == f"{worker} {number}"
                elif what == 1:
                    got = await mine.chats.get(chat.id, messages=5)
                    assert got.title == f"Chat {worker}"
                elif what == 2:
                    assert (await db.users.get("ada")).id == "ada"
                elif what == 3:
                    # Another statement text for each worker: the same name would clash.
                    marked = select(literal(worker).label(f"w{worker}_{number % 7}"))
                    assert await db.one(marked) == (worker,)
                else:
                    async with db.transaction() as tx:
                        await tx.as_user("ada").messages.append(
                            chat.id, NewMessage(role="user", content="1")
                        )
                        assert (await tx.as_user("ada").chats.get(chat.id)).id == chat.id
            return worker

        workers = [work(one, n) for n in range(8)] + [work(two, n) for n in range(8, 16)]
        assert await asyncio.gather(*workers) == list(range(16))
    assert len(await place.witness.fetch(SERVERS)) <= SERVER_CONNECTIONS


async def test_many_clients_share_few_servers(place: Place) -> None:
    databases = [await place.database(max_connections=8).open() for _ in range(6)]
    try:
        asked = [
            (
                n,
                databases[n % 6].one(
                    select(literal(n), func.pg_backend_pid(), func.pg_sleep(0.001))
                ),
            )
            for n in range(300)
        ]
        answers = await asyncio.gather(*(question for _, question in asked))
    finally:
        for db in databases:
            await db.close()
    assert [answer[0] for answer in answers] == list(range(300))
    assert len({answer[1] for answer in answers}) <= SERVER_CONNECTIONS


async def test_a_transaction_stays_on_one_server(db: Database) -> None:
    async def work(n: int) -> int:
        async with db.transaction() as tx:
            pids = {await tx.scalar(select(func.pg_backend_pid())) for _ in range(5)}
            assert len(pids) == 1
            await tx.users.create(NewUser(id=f"u{n}", email=f"u{n}@example.com"))
            with pytest.raises(EmailTakenError):
                async with tx.transaction() as inner:
                    await inner.users.create(NewUser(email=f"u{n}@example.com"))
        return n

    assert await asyncio.gather(*(work(n) for n in range(10))) == list(range(10))
    assert await db.users.count() == 10


async def test_isolation_holds_for_its_transaction_alone(db: Database) -> None:
    asked = select(
        func.current_setting("transaction_isolation"), func.current_setting("transaction_read_only")
    )

    async def strict() -> None:
        async with db.transaction(isolation="serializable", read_only=True) as tx:
            assert await tx.one(asked) == ("serializable", "on")

    async def plain() -> None:
        assert await db.one(asked) == ("read committed", "off")

    await asyncio.gather(*(call() for _ in range(20) for call in (strict, plain)))


async def test_conflicts_are_run_again(place: Place, db: Database) -> None:
    await place.witness.execute("create table counter (n int not null)")
    await place.witness.execute("insert into counter values (0)")
    counter = table("counter", column("n"))

    async def adds(tx: Transaction) -> None:
        n = await tx.scalar(select(counter.c.n))
        await tx.execute(update(counter).values(n=n + 1))

    calls = [db.transaction(retry=100, isolation="serializable").run(adds) for _ in range(8)]
    await asyncio.gather(*calls)
    assert await place.witness.fetchval("select n from counter") == 8
    lost = 0
    for result in await asyncio.gather(
        *(db.transaction(isolation="serializable").run(adds) for _ in range(8)),
        return_exceptions=True,
    ):
        assert result is None or isinstance(result, ConflictError)
        lost += result is not None
    assert await place.witness.fetchval("select n from counter") == 16 - lost


async def test_rows_by_and_by_and_in_bulk(place: Place, db: Database) -> None:
    await place.witness.execute("create table item (n int primary key, owner text)")
    item = Table("item", MetaData(), Column("n", Integer, primary_key=True), Column("owner", Text))

    async def fills(start: int) -> None:
        rows = [(n, f"owner {start}") for n in range(start, start + 2000)]
        assert await db.copy(item, rows, columns=["n", "owner"]) == 2000

    await asyncio.gather(*(fills(start) for start in range(0, 10_000, 2000)))

    async def reads(start: int) -> int:
        count = 0
        mine = select(item.c.n, item.c.owner).where(item.c.owner == f"owner {start}")
        async for n, owner in db.stream(mine, batch=100):
            assert owner == f"owner {start}"
            assert start <= n < start + 2000
            count += 1
        return count

    assert await asyncio.gather(*(reads(start) for start in range(0, 10_000, 2000))) == [2000] * 5
    assert await db.execute(insert(item).values(n=-1, owner="nobody")) == 1


async def test_nothing_of_a_session_stays_behind(place: Place, db: Database) -> None:
    """After calls of every kind each server connection is as a new one."""
    asked = """
        select pg_backend_pid(), (select string_agg(name || '=' || setting, ' ') from pg_settings
            where source = 'session' and name not in ('application_name', 'TimeZone')
            and name <> 'client_encoding'),
        (select count(*) from pg_prepared_statements where statement not like '%pg_backend_pid%'),
        (select count(*) from pg_cursors where statement not like '%pg_backend_pid%'),
        (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
        (select count(*) from pg_listening_channels()), pg_sleep(0.02)
    """
    await test_two_databases_do_not_clash(place)
    async with db.transaction(isolation="serializable", read_only=True) as tx:
        await tx.users.count()
    async for _ in db.stream(select(place.schema.messages), batch=10):
        break
    clients = [
        await asyncpg.connect(place.url, statement_cache_size=0)
        for _ in range(SERVER_CONNECTIONS * 2)
    ]
    try:
        answers = await asyncio.gather(*(client.fetchrow(asked) for client in clients))
    finally:
        await asyncio.gather(*(client.close() for client in clients))
    assert len({answer[0] for answer in answers}) > 1
    for answer in answers:
        assert tuple(answer)[1:6] == (None, 0, 0, 0, 0)


async def test_cancelled_calls_leave_nothing_open(place: Place) -> None:
    async with place.database(max_connections=6) as db:
        await db.users.create(NewUser(id="ada", email="ada@example.com"))
        chat = await db.as_user("ada").chats.create(title="Cancelled")

        async def both(n: int) -> None:
            async with db.transaction() as tx:
                for part in ("a", "b"):
                    new = NewMessage(id=f"{n}{part}", role="user", content="x")
                    await tx.messages.append(chat.id, new)

        async def slow(n: int) -> None:
            await db.scalar(select(func.pg_sleep(0.01)))

        calls: list[Callable[[int], Awaitable[None]]] = [both, slow]
        chance = random.Random(7)
        tasks = [asyncio.ensure_future(calls[n % 2](n)) for n in range(300)]
        for task in chance.sample(tasks, len(tasks)):
            await asyncio.sleep(chance.choice([0.0, 0.001, 0.003]))
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        counts = await db.gather(*(db.users.count() for _ in range(40)))
        assert counts == (1,) * 40

        async def is_quiet() -> bool:
            return all(state == "idle" for _, state in await place.witness.fetch(SERVERS))

        await eventually(is_quiet)
        stored = {row["id"] for row in await place.witness.fetch("select id from x_message")}
        for n in range(0, 300, 2):
            assert len({f"{n}a", f"{n}b"} & stored) in {0, 2}


async def test_a_slow_statement_is_stopped_behind_it_too(place: Place) -> None:
    async with place.database(statement_timeout=timedelta(seconds=0.3)) as db:
        with pytest.raises(TimeoutError):
            await db.scalar(select(func.pg_sleep(30)))
        assert await db.users.count() == 0

        async def is_quiet() -> bool:
            return all(state == "idle" for _, state in await place.witness.fetch(SERVERS))

        await eventually(is_quiet)


async def test_without_the_setting_opening_says_which_one(place: Place) -> None:
    with pytest.raises(ConnectionFailedError, match='pooler="pgbouncer"'):
        async with place.database(pooler="none"):
            pass


async def test_a_schema_that_changes_is_met_without_an_error(place: Place, db: Database) -> None:
    await db.users.create(NewUser(id="ada", email="ada@example.com"))
    await db.gather(*(db.users.get("ada") for _ in range(10)))
    await place.witness.execute('alter table "x_user" alter column name type varchar(300)')
    users = await db.gather(*(db.users.get("ada") for _ in range(10)))
    assert {user.id for user in users} == {"ada"}


async def test_a_restart_of_pgbouncer_is_survived(pg18: PgServer, place: Place) -> None:
    with own_folder() as folder:
        bouncer = start_pgbouncer(pg18, folder)
        url = bouncer.url(urlsplit(place.url).path.lstrip("/"))
        async with Database(place.schema, url, pooler="pgbouncer", max_connections=5) as db:
            await db.users.create(NewUser(id="ada", email="ada@example.com"))
            await db.gather(*(db.users.get("ada") for _ in range(20)))
            await asyncio.to_thread(bouncer.stop)
            with pytest.raises(ConnectionFailedError):
                await db.users.get("ada")
            again = await asyncio.to_thread(start_pgbouncer, pg18, folder, bouncer.port)
            users = await db.gather(*(db.users.get("ada") for _ in range(20)))
            assert {user.id for user in users} == {"ada"}
            async with db.transaction() as tx:
                await tx.as_user("ada").chats.create(title="Back")
        await asyncio.to_thread(again.stop)
