"""psycopg 3 with nothing on top: prepared statements, binary answers, rows as tuples.

psycopg decodes JSON itself; that is left as it comes.
"""

import re
from typing import Any

import psycopg
from benchmarks import sql
from benchmarks.patterns import FIRST_CONTENT, FIRST_ROLE, SAID, TITLE, said
from benchmarks.peers import raw
from benchmarks.peers.lending import Lender


def _psycopg(query: str) -> str:
    """Write `$1` in psycopg's way."""
    return re.sub(r"\$(\d)", r"%(p\1)s", query)


class Wire:
    """One connection."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self.connection = connection

    async def _run(self, query: str, *values: object) -> Any:
        given = {f"p{number}": value for number, value in enumerate(values, 1)}
        cursor = self.connection.cursor(binary=True)
        return await cursor.execute(query, given, prepare=True)

    async def _one(self, query: str, *values: object) -> Any:
        return await (await self._run(query, *values)).fetchone()

    async def _all(self, query: str, *values: object) -> Any:
        return await (await self._run(query, *values)).fetchall()

    _USER_BY_EMAIL = _psycopg(sql.USER_BY_EMAIL)
    _USER_WITH_ACCOUNTS = _psycopg(sql.USER_WITH_ACCOUNTS)
    _CHATS_OF_USER = _psycopg(sql.CHATS_OF_USER)
    _CHAT_BY_ID = _psycopg(sql.CHAT_BY_ID)
    _FIRST_MESSAGES = _psycopg(sql.FIRST_MESSAGES)
    _MESSAGES_BEFORE = _psycopg(sql.MESSAGES_BEFORE)
    _SETTINGS_GET = _psycopg(sql.SETTINGS_GET)
    _SETTINGS_UPDATE = _psycopg(sql.SETTINGS_UPDATE)
    _APPEND_MESSAGE = _psycopg(sql.APPEND_MESSAGE)
    _INSERT_MESSAGES = _psycopg(sql.INSERT_MESSAGES)
    _CREATE_CHAT = _psycopg(sql.CREATE_CHAT)
    _DELETE_CHAT = _psycopg(sql.DELETE_CHAT)

    async def user_by_email(self, email: str) -> Any:
        return await self._one(self._USER_BY_EMAIL, email)

    async def user_with_accounts(self, user_id: str) -> Any:
        return await self._all(self._USER_WITH_ACCOUNTS, user_id)

    async def chats_of_user(self, user_id: str) -> Any:
        return await self._all(self._CHATS_OF_USER, user_id)

    async def chat_with_messages(self, user_id: str, chat_id: str) -> Any:
        chat = await self._one(self._CHAT_BY_ID, user_id, chat_id)
        return chat, await self._all(self._FIRST_MESSAGES, user_id, chat_id)

    async def messages_before(self, user_id: str, chat_id: str, seq: int) -> Any:
        return await self._all(self._MESSAGES_BEFORE, user_id, chat_id, seq)

    async def settings_get(self, user_id: str) -> Any:
        return await self._one(self._SETTINGS_GET, user_id)

    async def settings_update(self, user_id: str, theme: str, results: int) -> Any:
        return await self._one(self._SETTINGS_UPDATE, user_id, theme, results)

    async def append_message(self, user_id: str, chat_id: str, fresh: str) -> Any:
        return await self._one(self._APPEND_MESSAGE, user_id, chat_id, fresh, "user", SAID)

    async def insert_messages(self, user_id: str, chat_id: str, fresh: str) -> Any:
        pairs = [said(number) for number in range(10)]
        ids = [f"{fresh}_{number}" for number in range(10)]
        roles, contents = [role for role, _ in pairs], [content for _, content in pairs]
        return await self._all(self._INSERT_MESSAGES, user_id, chat_id, ids, roles, contents)

    async def create_chat(self, user_id: str, fresh: str) -> Any:
        given = (fresh, user_id, TITLE, fresh, FIRST_ROLE, FIRST_CONTENT)
        return await self._one(self._CREATE_CHAT, *given)

    async def delete_chat(self, user_id: str, chat_id: str) -> Any:
        return await self._one(self._DELETE_CHAT, user_id, chat_id)


class Peer:
    packages = ("psycopg", "psycopg-binary")

    async def open(self, url: str, connections: int) -> None:
        connect = psycopg.AsyncConnection.connect
        self.wires = [Wire(await connect(url, autocommit=True)) for _ in range(connections)]
        self.call = Lender(self.wires).call

    async def close(self) -> None:
        for wire in self.wires:
            await wire.connection.close()

    def plain(self, pattern: str, answer: Any) -> object:
        return raw.plain(pattern, answer)
