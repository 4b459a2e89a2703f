"""Streams and COPY behind PgBouncer: several at once on fewer servers, and nothing left on these."""

import asyncio

import pytest
from sqlalchemy import func, select

from chatkeep import Database, InvalidInputError, NewUser
from fixtures.pgbouncer import SERVER_CONNECTIONS
from pooler.conftest import Place


async def total(db: Database, count: int) -> int:
    numbers = select(func.generate_series(1, count).column_valued("n"))
    return sum([n async for (n,) in db.stream(numbers, batch=20)])


async def test_more_streams_than_servers_take_turns(db: Database) -> None:
    many = range(100, 100 + 4 * SERVER_CONNECTIONS)
    totals = await asyncio.gather(*(total(db, count) for count in many))
    assert totals == [count * (count + 1) // 2 for count in many]


async def test_streams_and_other_calls_side_by_side(db: Database, place: Place) -> None:
    async def early() -> None:
        async with db.stream(select(func.generate_series(1, 5000).column_valued("n"))) as rows:
            async for _ in rows:
                break

    users = (NewUser(id=f"u{n}", email=f"u{n}@example.com") for n in range(2000))
    calls = [total(db, 300), early(), db.copy(place.schema.users, users), early(), total(db, 300)]
    calls += [db.users.count() for _ in range(20)]
    results = await asyncio.gather(*calls)
    assert (results[0], results[2]) == (300 * 301 // 2, 2000)
    named = "select count(*) from pg_stat_activity where state like 'idle in trans%'"
    assert await place.witness.fetchval(named) == 0


async def test_a_refused_copy_leaves_nothing(db: Database, place: Place) -> None:
    rows = [{"id": f"u{n}", "email": "a\0" if n == 900 else f"u{n}@x.org"} for n in range(1000)]
    for _ in range(2 * SERVER_CONNECTIONS):
        with pytest.raises(InvalidInputError, match="row 901, column email"):
            await db.copy(place.schema.users, rows)
    assert await db.users.count() == 0
