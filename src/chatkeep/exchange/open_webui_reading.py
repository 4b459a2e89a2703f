"""Conversations of a database of open-webui, read one by one."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, TableClause, func, or_, select

from chatkeep.exchange.foreign import Foreign, same
from chatkeep.exchange.foreign_json import BadValueError, read_json
from chatkeep.exchange.model import Account, BadRecord, Conversation, Place
from chatkeep.exchange.open_webui_chats import Row, conversation_of
from chatkeep.exchange.open_webui_shapes import (
    FLAGS,
    JSON_OF_CHAT,
    JSON_OF_MESSAGE,
    Tables,
)

PAGE = 500


class OpenWebuiReader:
    """Reads all chats, or those of one user, by their ids. See `Reader`.

    Copies of chats that were shared by a link have no owner of their own and are left out.
    """

    def __init__(
        self, foreign: Foreign, tables: Tables, user_id: str | None, size: int | None
    ) -> None:
        self.size = size
        self.done = 0
        self._foreign = foreign
        self._tables = tables
        self._user_id = user_id

    async def __aiter__(self) -> AsyncIterator[Conversation | BadRecord]:
        after: str | None = None
        self.done = 0
        while page := await self._page(after):
            for (chat_id,) in page:
                yield await self._one(chat_id)
                self.done += 1
            after = page[-1][0]

    async def _page(self, after: str | None) -> Sequence[Sequence[Any]]:
        """Give ids alone: a chat may have tens of megabytes."""
        chats = self._tables.chats
        statement = select(chats.c.id).where(of_people(chats, self._user_id))
        if after is not None:
            statement = statement.where(chats.c.id > same(after))
        return await self._foreign.read(statement.order_by(chats.c.id).limit(PAGE))

    async def _one(self, chat_id: str) -> Conversation | BadRecord:
        place = Place(self._foreign.where, key=f"chat {chat_id!r}")
        try:
            return conversation_of(await self._row(chat_id, place))
        except BadValueError as exc:
            return BadRecord(Place(self._foreign.where, key=exc.key), exc.problem)

    async def _row(self, chat_id: str, place: Place) -> Row:
        chats, users = self._tables.chats, self._tables.users
        rows = await self._foreign.read(
            select(*chats.c, users.c.email)
            .select_from(chats.outerjoin(users, users.c.id == chats.c.user_id))
            .where(chats.c.id == same(chat_id))
        )
        if not rows:
            raise BadValueError("it was removed while it was to be read", place.key or "")
        *values, email = rows[0]
        named = zip(chats.c.keys(), values, strict=True)
        chat = dict(_decoded(named, JSON_OF_CHAT, place.key or ""))
        return Row(chat, await self._messages(chat_id), email, place)

    async def _messages(self, chat_id: str) -> list[dict[str, Any]] | None:
        table = self._tables.messages
        if table is None:
            return None
        rows = await self._foreign.read(
            select(*table.c)
            .where(table.c.chat_id == same(chat_id))
            .order_by(table.c.created_at, table.c.id)
        )
        named = (dict(zip(table.c.keys(), row, strict=True)) for row in rows)
        return [
            dict(_decoded(row.items(), JSON_OF_MESSAGE, f"chat_message {row['id']!r}"))
            for row in named
        ]


async def find_users(foreign: Foreign, tables: Tables, account: str) -> list[str]:
    """Give the id of the user of an id; else those of all with an e-mail, letter case aside."""
    users = tables.users
    of_id = users.c.id == same(account)
    if rows := await foreign.read(select(users.c.id).where(of_id)):
        return [str(rows[0][0])]
    return await find_owners(foreign, tables, account)


async def find_owners(foreign: Foreign, tables: Tables, email: str) -> list[str]:
    """Give the ids of all users with an e-mail, letter case aside."""
    users = tables.users
    of_email = func.lower(users.c.email) == same(email.lower())
    rows = await foreign.read(select(users.c.id).where(of_email).order_by(users.c.id))
    return [str(row[0]) for row in rows]


async def count_chats(foreign: Foreign, tables: Tables, user_id: str | None) -> int:
    """Count what there is to read."""
    chats = tables.chats
    statement = select(func.count()).select_from(chats).where(of_people(chats, user_id))
    return int((await foreign.read(statement))[0][0])


async def list_accounts(foreign: Foreign, tables: Tables) -> list[Account]:
    """Give everybody who has chats."""
    chats, users = tables.chats, tables.users
    rows = await foreign.read(
        select(chats.c.user_id, func.min(users.c.email), func.count())
        .select_from(chats.outerjoin(users, users.c.id == chats.c.user_id))
        .where(of_people(chats, None))
        .group_by(chats.c.user_id)
        .order_by(chats.c.user_id)
    )
    return [Account(user_id or "", email, number) for user_id, email, number in rows]


def of_people(chats: TableClause, user_id: str | None) -> ColumnElement[bool]:
    """Say which chats are meant: one user's, or all that are not copies for a link."""
    if user_id is not None:
        return chats.c.user_id == same(user_id)
    return or_(chats.c.user_id.is_(None), chats.c.user_id.not_like(same("shared-%")))


def _decoded(
    row: Iterable[tuple[str, Any]], as_json: frozenset[str], key: str
) -> Iterator[tuple[str, Any]]:
    for name, value in row:
        if name in as_json:
            yield name, read_json(value, f"{key}.{name}")
        elif name in FLAGS and value is not None:
            yield name, bool(value)  # SQLite has numbers
        else:
            yield name, value
