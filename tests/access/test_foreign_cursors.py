"""No list takes a cursor that is not its own: each is refused before anything is sent."""

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from chatkeep import (
    Chat,
    Database,
    InvalidCursorError,
    InvalidInputError,
    NewAccount,
    NewMessage,
    NewSession,
    NewUser,
    Page,
    User,
)
from chatkeep.access.cursors import MAX_CURSOR_CHARS
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.servers import PgServer

LATER = datetime(2030, 1, 1, tzinfo=UTC)
WORDS = (
    "This page cursor is not one of this list. "
    "Pass next_cursor or previous_cursor of a page of the same list, unchanged."
)

List = Callable[..., Awaitable[Page[Any]]]


@dataclass(frozen=True)
class Shelf:
    """Every list that has cursors, for one user of one schema."""

    lists: dict[str, List]

    async def cursors(self) -> dict[str, str]:
        """A cursor of each list, which is good there."""
        found: dict[str, str] = {}
        for name, ask in self.lists.items():
            page = await ask(limit=1)
            assert page.next_cursor is not None
            found[name] = page.next_cursor
        return found


async def shelf(db: Database, name: str) -> Shelf:
    user = await db.users.create(NewUser(id=name, email=f"{name}@example.com"))
    mine = db.as_user(user.id)
    chats = [await mine.chats.create(title="x") for _ in range(2)]
    for chat in chats:
        said = [NewMessage(role="user", content="x") for _ in range(2)]
        await mine.messages.append(chat.id, *said)
    for n in range(2):
        await db.sessions.create(NewSession(user_id=name, expires=LATER))
        await db.accounts.create(
            NewAccount(user_id=name, type="oauth", provider="p", provider_account_id=f"{name}{n}")
        )

    def of(ask: List, *first: str) -> List:
        return lambda **given: ask(*first, **given)

    return Shelf(
        {
            "chats": of(mine.chats.list),
            "first chat": of(mine.messages.list, chats[0].id),
            "second chat": of(mine.messages.list, chats[1].id),
            "trusted messages": of(db.messages.list, chats[0].id),
            "trusted chats": of(db.chats.list),
            "sessions": of(db.sessions.list, name),
            "accounts": of(db.accounts.list, name),
        }
    )


@pytest_asyncio.fixture(loop_scope="session")
async def mine_and_others(db: Database) -> tuple[Shelf, list[str]]:
    """My lists, and good cursors of another user's lists."""
    other = await (await shelf(db, "bob")).cursors()
    del other["trusted chats"]  # which is one list for both
    return await shelf(db, "ada"), list(other.values())


async def refused(db: Database, ask: List, cursor: object) -> None:
    for direction in ("after", "before"):
        with db.statements() as sent, pytest.raises(InvalidCursorError) as caught:
            await ask(**{direction: cursor})
        assert sent.count == 0
        assert caught.value.field == "cursor"
        assert str(caught.value) == WORDS  # which repeat nothing of what was given


async def test_cursors_of_other_lists_and_users(
    db: Database, mine_and_others: tuple[Shelf, list[str]]
) -> None:
    shelf, strange = mine_and_others
    own = await shelf.cursors()
    assert len(set(own.values())) == len(own)
    for name, ask in shelf.lists.items():
        for other, cursor in own.items():
            if other != name:
                await refused(db, ask, cursor)
        for cursor in strange:
            await refused(db, ask, cursor)


async def test_cursors_of_another_schema(
    db: Database, mine_and_others: tuple[Shelf, list[str]], pg18: PgServer, fresh_database: Any
) -> None:
    shelf_here, _ = mine_and_others
    schema = deepsearch.schema(prefix="other_")
    url = await fresh_database(pg18)()
    await create_tables(schema, url)
    async with Database(schema, url) as elsewhere:
        there = await (await shelf(elsewhere, "ada")).cursors()
    for name, ask in shelf_here.lists.items():
        await refused(db, ask, there[name])


NO_CURSORS: list[object] = [
    *("", " ", "\0", "x", "====", "null", "0", "é", "a" * MAX_CURSOR_CHARS),
    *("a" * (MAX_CURSOR_CHARS + 1), "A" * 1_000_000, 0, 1.5, True, b"", b"x", [], {}, object()),
]


async def test_what_is_no_cursor(db: Database, mine_and_others: tuple[Shelf, list[str]]) -> None:
    for ask in mine_and_others[0].lists.values():
        for cursor in NO_CURSORS:
            await refused(db, ask, cursor)


def bent(cursor: str, random: Random) -> str:
    """Give a cursor that went wrong on its way."""
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    match random.randrange(6):
        case 0:
            return cursor[: random.randrange(len(cursor))]
        case 1:
            at = random.randrange(len(raw) * 8)
            flipped = bytearray(raw)
            flipped[at // 8] ^= 1 << at % 8
            return base64.urlsafe_b64encode(flipped).rstrip(b"=").decode()
        case 2:
            return cursor + random.choice("ABCxyz019-_= \n")
        case 3:
            at = random.randrange(len(cursor))
            return cursor[:at] + random.choice("ABCxyz019-_+/= ") + cursor[at + 1 :]
        case 4:
            return base64.urlsafe_b64encode(random.randbytes(len(raw))).rstrip(b"=").decode()
        case _:
            return random.choice([cursor.swapcase(), cursor[::-1], cursor.lower(), cursor * 2])


async def test_cursors_that_were_changed(
    db: Database, mine_and_others: tuple[Shelf, list[str]]
) -> None:
    shelf, _ = mine_and_others
    random = Random(7)
    for name, cursor in (await shelf.cursors()).items():
        for _ in range(150):
            changed = bent(cursor, random)
            if changed != cursor:
                await refused(db, shelf.lists[name], changed)


async def test_both_directions_at_once(
    db: Database, mine_and_others: tuple[Shelf, list[str]]
) -> None:
    shelf, _ = mine_and_others
    for name, cursor in (await shelf.cursors()).items():
        with db.statements() as sent, pytest.raises(InvalidInputError, match="not both"):
            await shelf.lists[name](after=cursor, before=cursor)
        assert sent.count == 0


async def test_a_cursor_is_good_where_it_belongs(db: Database, user: User, chat: Chat) -> None:
    said = [NewMessage(role="user", content=f"{n}") for n in range(3)]
    await db.messages.append(chat.id, *said)
    mine = db.as_user(user.id)
    page = await mine.messages.list(chat.id, limit=1)
    older = await mine.messages.list(chat.id, limit=1, before=page.next_cursor)
    assert [message.content for message in older.items] == ["1"]
