"""`settings.cached`: seldom a statement, never older than 30 seconds, never what we changed ourselves."""

import asyncio
from collections.abc import Iterator

import pytest

from chatkeep import Database, NewUser, SettingsChanges, User, UserNotFoundError
from chatkeep.access import settings_memory
from chatkeep.access.settings_memory import MAX_AGE, SettingsMemory
from chatkeep.errors import DatabaseError, NotFoundError

LIGHT, DARK = SettingsChanges(theme="light"), SettingsChanges(theme="dark")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(db: Database) -> Iterator[Clock]:
    made = Clock()
    db._runner.memory[SettingsMemory] = SettingsMemory(made)
    return made


async def elsewhere(db: Database, user: User, theme: str) -> None:
    """As another process would."""
    table = "ai-app-template_user_settings"
    async with db._runner.lend() as wire:
        await wire.execute(f"update \"{table}\" set theme = '{theme}'")


async def test_it_asks_once_in_thirty_seconds(db: Database, user: User, clock: Clock) -> None:
    mine = db.as_user(user.id).settings
    stored = await mine.update(LIGHT)
    with db.statements() as sent:
        assert await mine.cached() == await db.settings.cached(user.id) == stored
        clock.now += MAX_AGE - 0.001
        assert await db.as_user(user.id).settings.cached() == stored
    assert sent.names == ["user_settings.find"]
    await elsewhere(db, user, "blue")
    assert (await mine.cached()).theme == "light"
    assert (await mine.get()).theme == "blue"
    clock.now += 0.001
    assert (await mine.cached()).theme == "blue"


async def test_defaults_are_remembered_too(db: Database, user: User, clock: Clock) -> None:
    mine = db.as_user(user.id).settings
    with db.statements() as sent:
        assert (await mine.cached()).max_search_results == 10
        assert (await mine.cached()).enable_search_by_default is True
    assert sent.count == 2


async def test_a_number_that_is_refused_today_is_read_all_the_same(
    db: Database, user: User
) -> None:
    mine = db.as_user(user.id).settings
    await mine.update(LIGHT)
    async with db._runner.lend() as wire:
        await wire.execute('update "ai-app-template_user_settings" set max_search_results = -5')
    assert (await mine.get()).max_search_results == -5
    assert (await mine.update(DARK)).max_search_results == -5
    assert (await mine.update(SettingsChanges(max_search_results=100))).max_search_results == 100


async def test_what_we_change_is_seen_at_once(db: Database, user: User, clock: Clock) -> None:
    for change, theme in (
        (db.settings.create(user.id, LIGHT), "light"),
        (db.settings.update(user.id, DARK), "dark"),
        (db.as_user(user.id).settings.update(LIGHT), "light"),
        (db.settings.delete(user.id), "dark"),
    ):
        assert await db.settings.cached(user.id)
        await change
        assert (await db.settings.cached(user.id)).theme == theme


async def test_what_was_read_before_a_change_is_not_kept(
    db: Database, user: User, clock: Clock
) -> None:
    memory = db._runner.memory[SettingsMemory]
    assert isinstance(memory, SettingsMemory)
    old, version = await db.settings.get(user.id), memory.version
    await db.settings.update(user.id, LIGHT)
    memory.keep(old, version, clock.now)
    assert memory.find(user.id) is None


async def test_a_transaction_sees_its_own_and_others_what_is_committed(
    db: Database, user: User, clock: Clock
) -> None:
    await db.settings.update(user.id, DARK)
    assert (await db.settings.cached(user.id)).theme == "dark"
    async with db.transaction() as tx:
        await tx.as_user(user.id).settings.update(LIGHT)
        assert (await tx.as_user(user.id).settings.cached()).theme == "light"
        assert (await tx.settings.cached(user.id)).theme == "light"
        assert (await db.settings.cached(user.id)).theme == "dark"
    assert (await db.settings.cached(user.id)).theme == "light"
    with pytest.raises(DatabaseError):
        async with db.transaction() as tx:
            await tx.settings.update(user.id, DARK)
            raise DatabaseError("taken back")
    assert (await db.settings.cached(user.id)).theme == "light"
    clock.now += 60
    assert (await db.settings.cached(user.id)).theme == "light"
    with db.statements() as sent:
        await db.settings.cached(user.id)
    assert sent.count == 0


async def test_a_change_that_was_cut_off_is_forgotten(
    db: Database, user: User, clock: Clock
) -> None:
    await db.settings.update(user.id, DARK)
    await db.settings.cached(user.id)
    task = asyncio.create_task(db.settings.update(user.id, LIGHT))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with db.statements() as sent:
        await db.settings.cached(user.id)
    assert sent.names == ["user_settings.find"]


async def test_nobody_is_not_remembered(db: Database, clock: Clock) -> None:
    for _ in range(2):
        with pytest.raises(UserNotFoundError):
            await db.settings.cached("nobody")
    with pytest.raises(NotFoundError):
        await db.settings.delete("nobody")


async def test_the_users_that_were_not_asked_for_go_first(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_memory, "MOST_USERS", 3)
    users = [await db.users.create(NewUser(email=f"{n}@example.com")) for n in range(4)]
    for n in (0, 1, 2, 0, 3):
        await db.settings.cached(users[n].id)
    memory = db._runner.memory[SettingsMemory]
    assert isinstance(memory, SettingsMemory)
    assert len(memory) == 3
    assert [memory.find(user.id) is not None for user in users] == [True, False, True, True]
