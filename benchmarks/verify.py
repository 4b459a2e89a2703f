"""Is each peer's answer right? Asked before anything is timed: a wrong answer is not timed."""

import asyncpg
from benchmarks import canonical, sql
from benchmarks.data import Keeper
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
    Pattern,
    said,
)
from benchmarks.workers import Worker

IDS = 3


class WrongAnswerError(Exception):
    """A peer gave something else than plain SQL does."""


async def verify(worker: Worker, pattern: Pattern, keeper: Keeper) -> None:
    """Compare a peer's answers with plain SQL's, for a few arguments; writes by what is stored.

    Raises:
        WrongAnswerError: They differ.
    """
    for values in await keeper.arguments(pattern, IDS):
        given = [*values, keeper.tag()] if pattern.fresh else values
        answer = await worker.answer(pattern, given)
        expected = await expectation(keeper.connection, pattern.name, given)
        if answer != expected:
            raise WrongAnswerError(
                f"{worker.peer.name} gives a wrong answer for {pattern.name}{tuple(given)}:\n"
                f"  it says    {_short(answer)}\n  expected   {_short(expected)}"
            )


def _short(answer: object) -> str:
    text = repr(answer)
    return text if len(text) < 1500 else text[:1500] + " ..."


async def expectation(connection: asyncpg.Connection, name: str, values: list[object]) -> object:
    """Give the right answer of a pattern; for one that writes, after looking at what is stored.

    Raises:
        WrongAnswerError: Something else is stored than the pattern writes.
    """
    if name in {"append_message", "insert_messages", "create_chat", "delete_chat"}:
        return await _stored(connection, name, values)
    if name == "user_by_email":
        return canonical.row(USER, await connection.fetchrow(sql.USER_BY_EMAIL, *values))
    if name == "user_with_accounts":
        user = canonical.row(USER, await connection.fetchrow(sql.USER_BY_ID, *values))
        return {**user, "accounts": await _rows(connection, sql.ACCOUNTS, ACCOUNT, values)}
    if name == "chats_of_user":
        return await _rows(connection, sql.CHATS_OF_USER, CHAT, values)
    if name == "chat_with_messages":
        chat = canonical.row(CHAT, await connection.fetchrow(sql.CHAT_BY_ID, *values))
        return {**chat, "messages": await _rows(connection, sql.FIRST_MESSAGES, MESSAGE, values)}
    if name == "messages_before":
        return await _rows(connection, sql.MESSAGES_BEFORE, MESSAGE, values)
    stored = canonical.row(SETTINGS, await connection.fetchrow(sql.SETTINGS_GET, values[0]))
    if name == "settings_update":
        _insist(name, [stored["theme"], stored["max_search_results"]], values[1:])
    return stored


async def _rows(
    connection: asyncpg.Connection, query: str, columns: tuple[str, ...], values: list[object]
) -> list[object]:
    return [canonical.row(columns, found) for found in await connection.fetch(query, *values)]


async def _stored(connection: asyncpg.Connection, name: str, values: list[object]) -> object:
    """Look at what a pattern stored, and give the answer that goes with it: ids of the new rows."""
    user, fresh = values[0], values[-1]
    chat = fresh if name == "create_chat" else values[1]
    moved = await connection.fetchrow(
        f"""select title, updated_at > now() - interval '1 minute' from {sql.P}chat
            where user_id = $1 and id = $2""",
        user,
        chat,
    )
    if name == "delete_chat":
        _insist(name, moved, None)
        return chat
    _insist(name, moved is not None and moved[1], expected=True)
    messages = await connection.fetch(
        f"""select id, role, content from {sql.P}message where user_id = $1 and chat_id = $2
            and id like $3 || '%' order by seq""",
        user,
        chat,
        fresh,
    )
    found = [(message["role"], message["content"]) for message in messages]
    if name == "create_chat":
        _insist(name, [moved["title"], *found], [TITLE, (FIRST_ROLE, FIRST_CONTENT)])
        return fresh
    if name == "append_message":
        _insist(name, found, [("user", SAID)])
        return fresh
    _insist(name, found, [said(number) for number in range(10)])
    return [message["id"] for message in messages]


def _insist(name: str, found: object, expected: object) -> None:
    if found != expected:
        raise WrongAnswerError(f"{name}: stored is {_short(found)}, not {_short(expected)}")
