"""Each access pattern beside bare asyncpg with prepared statements on one connection.

    DATABASE_URL=postgresql://... python benchmarks/access.py [rounds]

The database must be empty; 2,000 chats and 60,000 messages are written first. Times are noisy,
ratios less so: rounds are interleaved and their medians compared.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import asyncpg
from rich.console import Console
from rich.table import Table

from chatkeep import Database, NewMessage
from chatkeep.access.catalogue import catalogue_of
from chatkeep.database.creation import create_tables
from chatkeep.engine.pool import SESSION_SETTINGS
from chatkeep.presets import deepsearch

P = "b_"
FILL = f"""
insert into {P}user (id, email) select 'u' || n, 'u' || n || '@example.com'
    from generate_series(0, 99) n;
insert into {P}account (user_id, type, provider, provider_account_id)
    select 'u' || n % 100, 'oauth', 'p' || n / 100, n from generate_series(0, 199) n;
insert into {P}chat (id, user_id, title, updated_at)
    select 'c' || n, 'u' || n % 100, 'Title', now() - n * interval '1 second'
    from generate_series(0, 1999) n;
insert into {P}message (id, chat_id, user_id, role, content, sources, metadata)
    select 'm' || n, 'c' || n % 500, 'u' || n % 100, case when n / 500 % 2 = 0 then 'user'
        else 'assistant' end, repeat('word ', 40),
        case when n / 500 % 2 = 1 then
            '[{{"title": "T", "url": "https://example.com", "snippet": "some words"}}]'::jsonb end,
        case when n / 500 % 2 = 1 then '{{"model": "m", "tokens":
            {{"prompt": 1, "completion": 2, "total": 3}}, "processingTime": 12.5}}'::jsonb end
    from generate_series(0, 59999) n;
analyze;
"""
CALLS = 200
Call = Callable[[], Awaitable[object]]


async def patterns(db: Database, bare: asyncpg.Connection) -> dict[str, tuple[Call, Call]]:
    """Give for each pattern the bare call and ours; the bare one runs the plainest statements."""
    mine = db.as_user("u7")
    catalogue = catalogue_of(db._catalogue.schema)  # noqa: SLF001 - the same SQL for both sides
    find = await bare.prepare(catalogue.users.find_by_email.statement.sql)
    with_accounts = await bare.prepare(catalogue.users.get_with_accounts.statement.sql)
    chats = await bare.prepare(catalogue.scoped_chats.list.statement.sql)
    chat = await bare.prepare(catalogue.scoped_chats.find.statement.sql)
    before = await bare.prepare(catalogue.scoped_messages.list_before.statement.sql)
    after = await bare.prepare(catalogue.scoped_messages.list_after.statement.sql)
    late = await bare.fetchval("select now() + interval '1 year'")
    append = await bare.prepare(
        catalogue.scoped_messages.append(
            ("id", "role", "content", "sources", "metadata")
        ).statement.sql
    )
    numbers = iter(range(10**9))

    async def bare_chat() -> None:
        await chat.fetchrow("u7", "c7")
        await after.fetch("u7", "c7", 0, 100)

    async def bare_append() -> None:
        await append.fetch("u7", "c1907", [f"b{next(numbers)}"], ["user"], ["x"], [None], [None])

    say = NewMessage.model_construct

    return {
        "user by e-mail": (
            lambda: find.fetchrow("u7@example.com"),
            lambda: db.users.find_by_email("u7@example.com"),
        ),
        "user with accounts": (
            lambda: with_accounts.fetchrow("u7"),
            lambda: db.users.get("u7", with_accounts=True),
        ),
        "20 chats of a user": (
            lambda: chats.fetch(late, "", "u7", 21),
            lambda: mine.chats.list(limit=20),
        ),
        "chat with 100 messages (bare: 2 statements)": (
            bare_chat,
            lambda: mine.chats.get("c7", messages=100),
        ),
        "50 messages before a place": (
            lambda: before.fetch("u7", "c7", 2**62, 51),
            lambda: mine.messages.list("c7", limit=50),
        ),
        "append a message": (
            bare_append,
            lambda: mine.messages.append(
                "c1907",
                say(id=f"o{next(numbers)}", role="user", content="x", sources=None, metadata=None),
            ),
        ),
    }


async def seconds(call: Call) -> float:
    """Time one call, as the mean of many."""
    start = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - start) / CALLS


async def main() -> None:
    """Fill, measure, print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    url = os.environ["DATABASE_URL"]
    schema = deepsearch.schema(prefix=P)
    await create_tables(schema, url)
    bare = await asyncpg.connect(url, server_settings=SESSION_SETTINGS)
    await bare.execute(FILL)
    table = Table("pattern", "asyncpg µs", "chatkeep µs", "ratio")
    async with Database(schema, url) as db:
        for name, (theirs, ours) in (await patterns(db, bare)).items():
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds):
                times[0].append(await seconds(theirs))
                times[1].append(await seconds(ours))
            base, own = (statistics.median(side) * 1e6 for side in times)
            table.add_row(name, f"{base:.0f}", f"{own:.0f}", f"{own / base:.2f}")
    await bare.close()
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
