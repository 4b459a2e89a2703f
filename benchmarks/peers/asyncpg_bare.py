"""asyncpg with nothing on top: prepared statements, rows as they come, JSON as text.

One call after the other runs on one connection. Many tasks share connections by a list and a line
of waiting tasks, without any check of the pool kind: the bound that no pool can beat.
"""

import asyncio
from collections import deque
from typing import Any

import asyncpg
from benchmarks import canonical, sql
from benchmarks.patterns import (
    ACCOUNT,
    CHAT,
    FIRST_CONTENT,
    FIRST_ROLE,
    MESSAGE,
    SAID,
    SETTINGS,
    TITLE,
    USER,
    said,
)


class Wire:
    """One connection and its prepared statements."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def prepare(self) -> None:
        """Prepare each statement; a pattern of one statement is the statement's own method."""
        prepare = self.connection.prepare
        self.user_by_email = (await prepare(sql.USER_BY_EMAIL)).fetchrow
        self.user_with_accounts = (await prepare(sql.USER_WITH_ACCOUNTS)).fetch
        self.chats_of_user = (await prepare(sql.CHATS_OF_USER)).fetch
        self._chat = (await prepare(sql.CHAT_BY_ID)).fetchrow
        self._first = (await prepare(sql.FIRST_MESSAGES)).fetch
        self.messages_before = (await prepare(sql.MESSAGES_BEFORE)).fetch
        self.settings_get = (await prepare(sql.SETTINGS_GET)).fetchrow
        self.settings_update = (await prepare(sql.SETTINGS_UPDATE)).fetchrow
        self._append = (await prepare(sql.APPEND_MESSAGE)).fetchrow
        self._insert = (await prepare(sql.INSERT_MESSAGES)).fetch
        self._create = (await prepare(sql.CREATE_CHAT)).fetchrow
        self.delete_chat = (await prepare(sql.DELETE_CHAT)).fetchrow

    async def chat_with_messages(self, user_id: str, chat_id: str) -> Any:
        return await self._chat(user_id, chat_id), await self._first(user_id, chat_id)

    async def append_message(self, user_id: str, chat_id: str, fresh: str) -> Any:
        return await self._append(user_id, chat_id, fresh, "user", SAID)

    async def insert_messages(self, user_id: str, chat_id: str, fresh: str) -> Any:
        pairs = [said(number) for number in range(10)]
        ids = [f"{fresh}_{number}" for number in range(10)]
        roles, contents = [role for role, _ in pairs], [content for _, content in pairs]
        return await self._insert(user_id, chat_id, ids, roles, contents)

    async def create_chat(self, user_id: str, fresh: str) -> Any:
        return await self._create(fresh, user_id, TITLE, fresh, FIRST_ROLE, FIRST_CONTENT)


class Peer:
    packages = ("asyncpg",)

    async def open(self, url: str, connections: int) -> None:
        self.wires: list[Wire] = []
        for _ in range(connections):
            wire = Wire(await asyncpg.connect(url))
            await wire.prepare()
            self.wires.append(wire)
        self.idle = list(self.wires)
        self.waiting: deque[asyncio.Future[Wire]] = deque()

    async def close(self) -> None:
        for wire in self.wires:
            await wire.connection.close()

    def call(self, pattern: str, tasks: int) -> Any:
        if tasks == 1:
            return getattr(self.wires[0], pattern)
        idle, waiting = self.idle, self.waiting

        async def lent(*values: Any) -> Any:
            if idle:
                wire = idle.pop()
            else:
                waiter = asyncio.get_running_loop().create_future()
                waiting.append(waiter)
                wire = await waiter
            try:
                return await getattr(wire, pattern)(*values)
            finally:
                if waiting:
                    waiting.popleft().set_result(wire)
                else:
                    idle.append(wire)

        return lent

    def plain(self, pattern: str, answer: Any) -> object:
        return plain(pattern, answer)


def plain(pattern: str, answer: Any) -> object:
    """Bring rows into the common form; a join's rows are taken apart by position."""
    row = canonical.row
    if pattern == "user_by_email":
        return row(USER, answer)
    if pattern == "user_with_accounts":
        pairs = [tuple(found.values()) for found in answer]
        user = row(USER, dict(zip(USER, pairs[0], strict=False)))
        accounts = [dict(zip(ACCOUNT, pair[len(USER) :], strict=True)) for pair in pairs]
        return {**user, "accounts": [row(ACCOUNT, account) for account in accounts]}
    if pattern == "chats_of_user":
        return [row(CHAT, chat) for chat in answer]
    if pattern == "chat_with_messages":
        chat, messages = answer
        return {**row(CHAT, chat), "messages": [row(MESSAGE, message) for message in messages]}
    if pattern == "messages_before":
        return [row(MESSAGE, message) for message in answer]
    if pattern in {"settings_get", "settings_update"}:
        return row(SETTINGS, answer)
    if pattern == "insert_messages":
        return [message["id"] for message in answer]
    return answer["id"]
