"""In a transaction of the caller's each call is made as whom it belongs to, whatever went before."""

import asyncio

import pytest
from sqlalchemy import Text, func, literal_column, select

from chatkeep import ChatNotFoundError, Database, DatabaseError, NewChat, StatementError
from chatkeep.engine.transaction import TransactionRunner
from fixtures.steps import Moment, cancelled_at
from security.places import Place

ROLE = select(
    literal_column("current_user::text", Text()).label("role"),
    func.current_setting("chatkeep.user_id", True, type_=Text()).label("user_id"),
)


@pytest.fixture(scope="module", params=["rls"])
def security(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_each_call_sees_its_own(place: Place) -> None:
    async with place.db.transaction() as tx:
        a, b = tx.as_user(place.victim.user), tx.as_user(place.stranger.user)
        for _ in range(2):
            assert await tx.chats.count() == 6
            assert await a.chats.count() == 3
            assert await b.chats.count() == 3
            assert await a.chats.find(place.stranger.chat) is None
            assert await tx.chats.find(place.stranger.chat) is not None
            assert await b.chats.find(place.stranger.chat) is not None


async def test_a_second_call_of_the_same_user_costs_no_round_trip_more(place: Place) -> None:
    async with place.db.transaction() as tx:
        mine = tx.as_user(place.victim.user)
        with place.db.statements() as sent:
            await mine.chats.count()
            await mine.chats.count()
            await tx.as_user(place.victim.user).chats.count()
            await tx.chats.count()
            await tx.chats.count()
        assert sent.control == ["set role"] * 2


async def test_a_call_alone_costs_a_beginning_and_a_commit(place: Place) -> None:
    with place.db.statements() as sent:
        await place.db.as_user(place.victim.user).chats.count()
    assert (sent.control, sent.names) == (["begin", "commit"], ["chats.count"])


async def test_watchers_are_told_no_users_id(place: Place) -> None:
    told: list[str] = []
    with place.db.observe(lambda seen: told.append(seen.sql)):
        await place.db.as_user(place.victim.user).chats.count()
        async with place.db.transaction() as tx:
            await tx.as_user(place.victim.user).chats.count()
    assert len(told) == 7
    assert not [sql for sql in told if place.victim.user in sql]


async def test_statements_of_the_callers_own_run_as_the_login_role(place: Place) -> None:
    async with place.db.transaction() as tx:
        (before,) = await tx.all(ROLE)
        await tx.as_user(place.victim.user).chats.count()
        (after,) = await tx.all(ROLE)
        assert after[0] == before[0]
        assert not after[1]
        await tx.as_user(place.victim.user).chats.count()
        rows = [row async for row in tx.stream(select(place.schema.chats.c.id))]
        assert len(rows) == 8


async def test_a_role_of_the_sessions_own_comes_back(place: Place) -> None:
    async with place.db.transaction() as tx:
        runner = tx._runner
        assert isinstance(runner, TransactionRunner)
        role = place.schema.app_role
        await runner.wire.execute(f'SET LOCAL ROLE "{role}"')
        await tx.as_user(place.victim.user).chats.count()
        assert [row[0] for row in await tx.all(ROLE)] == [role]


async def test_a_nested_transaction_that_is_taken_back_takes_the_role_back(place: Place) -> None:
    async with place.db.transaction() as tx:
        a, b = tx.as_user(place.victim.user), tx.as_user(place.stranger.user)
        assert await a.chats.count() == 3
        with pytest.raises(RuntimeError):
            async with tx.transaction() as inner:
                await inner.as_user(place.stranger.user).chats.create(title="no")
                assert await inner.chats.count() == 7
                raise RuntimeError
        assert await a.chats.find(place.stranger.chat) is None
        assert await b.chats.count() == 3
        assert await tx.chats.count() == 6


async def test_an_error_inside_leaves_the_outer_transaction_whole(place: Place) -> None:
    async with place.db.transaction() as tx:
        for _ in range(2):
            with pytest.raises(DatabaseError):
                async with tx.transaction() as inner:
                    mine = inner.as_user(place.stranger.user)
                    await mine.chats.create(NewChat(id=place.victim.chat, title="taken"))
            assert await tx.chats.count() == 6
            assert await tx.as_user(place.stranger.user).chats.count() == 3


async def test_after_an_error_the_transaction_is_over_for_everybody(place: Place) -> None:
    with pytest.raises(StatementError):
        async with place.db.transaction() as tx:
            mine = tx.as_user(place.stranger.user)
            with pytest.raises(DatabaseError):
                await mine.chats.create(NewChat(id=place.victim.chat, title="taken"))
            with pytest.raises(StatementError, match="earlier statement"):
                await tx.chats.count()
    assert await place.db.chats.count() == 6


async def test_tasks_that_share_a_transaction_each_see_their_own(place: Place) -> None:
    async with place.db.transaction() as tx:
        ways = {place.victim.user: place.stranger.chat, place.stranger.user: place.victim.chat}

        async def look(user: str) -> None:
            for _ in range(10):
                with pytest.raises(ChatNotFoundError):
                    await tx.as_user(user).chats.get(ways[user])
                assert await tx.chats.count() == 6

        await asyncio.gather(*(look(user) for user in (*ways, *ways)))


async def test_many_tasks_on_few_connections_each_see_their_own(place: Place) -> None:
    async def look(user: str, other: str) -> None:
        for _ in range(5):
            assert await place.db.as_user(user).chats.find(other) is None
            assert await place.db.chats.find(other) is not None

    pairs = [
        (place.victim.user, place.stranger.chat),
        (place.stranger.user, place.victim.chat),
    ]
    await asyncio.gather(*(look(*pair) for pair in pairs * 10))


@pytest.mark.parametrize("moment", ["waiting", "answered"])
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a transaction"])
async def test_cancelled_at_any_wait_nothing_is_left_behind(
    place: Place, moment: Moment, inside: bool
) -> None:
    """One connection: whatever a cancelled call left on it, the next one would meet."""
    url = place.owner_url
    async with Database(place.schema, url, max_connections=1) as db:

        async def alone() -> None:
            await db.as_user(place.victim.user).chats.update(place.victim.chat, title="same")

        async def within() -> None:
            async with db.transaction() as tx:
                await tx.as_user(place.victim.user).chats.update(place.victim.chat, title="same")
                await tx.chats.count()

        step, was_cancelled = 0, True
        while was_cancelled:
            was_cancelled = await cancelled_at(step, moment, within if inside else alone)
            assert await db.chats.count() == 6
            assert await db.as_user(place.stranger.user).chats.find(place.victim.chat) is None
            assert await db.as_user(place.stranger.user).chats.count() == 3
            step += 1
        assert step > 3


async def test_a_cancelled_change_of_role_is_not_relied_on(place: Place) -> None:
    """Cancelled just after the answer, the caller's transaction goes on: as whom each call says."""
    async with Database(place.schema, place.owner_url) as db:
        step, was_cancelled = 0, True
        while was_cancelled:
            async with db.transaction() as tx:
                mine = tx.as_user(place.victim.user)
                await tx.chats.count()
                was_cancelled = await cancelled_at(step, "answered", mine.chats.count)
                assert await tx.chats.count() == 6
                assert [row[1] or "" for row in await tx.all(ROLE)] == [""]
                assert await tx.as_user(place.stranger.user).chats.count() == 3
            step += 1
        assert step > 2
