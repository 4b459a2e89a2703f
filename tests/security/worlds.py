"""Rows of one user in every table, each with a mark by which a stranger's answer gives itself away."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from chatkeep import (
    ChatChanges,
    Database,
    NewAccount,
    NewMessage,
    NewUsage,
    NewUser,
    SettingsChanges,
)

PRIVATE = "Zq7private"
_TABLES = (
    ("user", "id"),
    ("account", "user_id"),
    ("session", "user_id"),
    ("chat", "user_id"),
    ("message", "user_id"),
    ("message_usage", "user_id"),
    ("message_feedback", "user_id"),
    ("message_chunk", "user_id"),
    ("running_answer", "user_id"),
    ("chat_share", "user_id"),
    ("user_settings", "user_id"),
)


@dataclass(frozen=True)
class World:
    """Ids of one user's rows, or of rows that are nowhere."""

    user: str
    chat: str
    other_chat: str
    trashed_chat: str
    message: str
    answer: str
    trashed_message: str
    running_chat: str
    running: str
    share: str
    cursors: dict[str, str]


def said(text: str, **more: object) -> NewMessage:
    return NewMessage.model_validate({"role": "user", "content": text, **more})


async def make_world(
    db: Database, admin: asyncpg.Connection, name: str, mark: str = PRIVATE
) -> World:
    """A user with two live chats, one with branches, one in the trash, and one being answered."""
    user = await db.users.create(NewUser(email=f"{name}@example.com", name=mark))
    await db.accounts.create(
        NewAccount(user_id=user.id, type="oauth", provider=name, provider_account_id=mark)
    )
    mine = db.as_user(user.id)
    await mine.settings.update(SettingsChanges(theme=mark))
    chats = [await mine.chats.create(title=f"{mark} {number}") for number in range(4)]
    first, other, trashed, running = chats
    asked, answered, gone = await mine.messages.append(
        first.id,
        said(f"{mark} question", parts={"text": mark}),
        said(f"{mark} answer"),
        said(f"{mark} gone"),
    )
    await mine.messages.edit(answered.id, said(f"{mark} again"))
    await mine.messages.append(other.id, said(f"{mark} other"), said(f"{mark} other 2"))
    await mine.usage.record(answered.id, NewUsage(model=mark, prompt_tokens=1))
    await mine.feedback.give(answered.id, vote=1, comment=mark)
    await mine.feedback.give(asked.id, vote=-1, comment=mark)
    shares = [await mine.shares.create(first.id), await mine.shares.create(first.id, "live")]
    await mine.messages.delete(gone.id)
    await mine.messages.append(trashed.id, said(f"{mark} trashed"))
    await mine.chats.delete(trashed.id)
    (answer,) = await mine.messages.append(running.id, said(f"{mark} streamed"))
    await _run_again(admin, answer.id, mark)
    return World(
        user=user.id,
        chat=first.id,
        other_chat=other.id,
        trashed_chat=trashed.id,
        message=asked.id,
        answer=answered.id,
        trashed_message=gone.id,
        running_chat=running.id,
        running=answer.id,
        share=shares[0].id,
        cursors=await _cursors(db, user.id, first.id, mark),
    )


async def _cursors(db: Database, user_id: str, chat_id: str, mark: str) -> dict[str, str]:
    mine = db.as_user(user_id)
    await mine.chats.update(chat_id, ChatChanges(title=f"{mark} first"))
    pages = {
        "chats": await mine.chats.list(1),
        "messages": await mine.messages.list(chat_id, 1),
        "shares": await mine.shares.list(chat_id, 1),
        "feedback": await mine.feedback.list(chat_id, 1),
        "tree": await mine.chats.tree(chat_id, 1),
    }
    assert all(page.next_cursor for page in pages.values())
    return {name: str(page.next_cursor) for name, page in pages.items()}


async def _run_again(admin: asyncpg.Connection, message_id: str, mark: str) -> None:
    """Leave an answer as one whose writer died in the middle."""
    await admin.execute("UPDATE x_message SET status = 'streaming' WHERE id = $1", message_id)
    await admin.execute(
        "INSERT INTO x_running_answer (user_id, chat_id, message_id, writer)"
        " SELECT user_id, chat_id, id, $2 FROM x_message WHERE id = $1",
        message_id,
        mark,
    )
    await admin.execute(
        "INSERT INTO x_message_chunk (user_id, message_id, position, content)"
        " SELECT user_id, id, 0, $2 FROM x_message WHERE id = $1",
        message_id,
        f"{mark} piece",
    )


def nowhere(cursors: dict[str, str]) -> World:
    """Ids of the right form that no row has."""
    ids = {
        name: f"{name}_00000000-0000-7000-8000-000000000000"
        for name in World.__dataclass_fields__
        if name != "cursors"
    }
    return World(**ids, cursors=cursors)


async def hashes(
    connection: asyncpg.Connection, prefix: str, users: Iterable[str]
) -> dict[str, str]:
    """A hash of all rows of these users, by table."""
    found = await connection.fetch(
        " UNION ALL ".join(
            f"SELECT '{table}' AS name, coalesce(string_agg(t::text, '|' ORDER BY t::text), '')"
            f' AS rows FROM "{prefix}{table}" t WHERE {column} = ANY($1::text[])'
            for table, column in _TABLES
        ),
        list(users),
    )
    return {row["name"]: hashlib.sha256(row["rows"].encode()).hexdigest() for row in found}
