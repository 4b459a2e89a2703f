"""asyncpg with nothing on top: prepared statements, rows as they come, JSON as text.

One call after the other runs on one connection. Many tasks share connections by a list and a line
of waiting tasks, without any check of the pool kind: the bound that no pool can beat.
"""

from typing import Any

import asyncpg
from benchmarks import sql
from benchmarks.patterns import CHAT, FIRST_CONTENT, FIRST_ROLE, SAID, TITLE, said
from benchmarks.peers import raw
from benchmarks.peers.lending import Lender


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
        self.chat_with_messages = (await prepare(sql.CHAT_WITH_MESSAGES)).fetchrow
        self.messages_before = (await prepare(sql.MESSAGES_BEFORE)).fetch
        self.settings_get = (await prepare(sql.SETTINGS_GET)).fetchrow
        self.settings_update = (await prepare(sql.SETTINGS_UPDATE)).fetchrow
        self._append = (await prepare(sql.APPEND_MESSAGE)).fetchrow
        self._insert = (await prepare(sql.INSERT_MESSAGES)).fetch
        self._create = (await prepare(sql.CREATE_CHAT)).fetchrow
        self.delete_chat = (await prepare(sql.DELETE_CHAT)).fetchrow

    async def append_message(self, user_id: str, chat_id: str, fresh: str) -> Any:
        return await self._append(user_id, chat_id, fresh, "user", SAID)

    async def insert_messages(self, user_id: str, chat_id: str, *arrays: list[str]) -> Any:
        return await self._insert(user_id, chat_id, *arrays)

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
        self.call = Lender(self.wires).call

    def build(self, pattern: str, values: list[Any]) -> list[Any]:
        if pattern != "insert_messages":
            return values
        user_id, chat_id, fresh = values
        pairs = [said(number) for number in range(10)]
        ids = [f"{fresh}_{number}" for number in range(10)]
        return [user_id, chat_id, ids, [role for role, _ in pairs], [text for _, text in pairs]]

    async def close(self) -> None:
        for wire in self.wires:
            await wire.connection.close()

    def plain(self, pattern: str, answer: Any) -> object:
        if pattern == "chat_with_messages":
            values = tuple(answer)
            chat, arrays = values[: len(CHAT)], values[len(CHAT) + len(sql.MORE[CHAT]) :]
            answer = (chat, list(zip(*arrays, strict=True)))
        return raw.plain(pattern, answer)
