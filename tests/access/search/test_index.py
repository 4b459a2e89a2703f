"""The index takes any message, and is rebuilt beside writers."""

import asyncio
import base64
import os
import random

import asyncpg
import pytest

from chatkeep import Chat, Database, NewMessage, NewUser, SchemaMismatchError, SearchFilter
from chatkeep.access.scope import UserScope

FULL = bool(os.environ.get("CHATKEEP_FULL"))
MEGABYTES = 10 if FULL else 1
INDEX = "x_message_search_idx"


def contents() -> dict[str, str]:
    chances = random.Random(4)
    letters = [chr(code) for code in range(1, 0x3000) if not 0xD800 <= code <= 0xDFFF]
    distinct = " ".join(f"{n:x}{n * 7919 % 65537:x}" for n in range(50_000))
    garbage = "".join(chances.choices(letters, k=60_000))
    return {
        "nothing": "",
        "spaces": " \t\r\n\u3000" * 1000,
        "control characters": "".join(map(chr, range(1, 32))) * 500,
        "quotes and operators": "'\\:*&|!<->()\"%_$$" * 1000,
        "one word": "x" * 300_000,
        "base64": base64.b64encode(chances.randbytes(750_000)).decode(),
        "different words": distinct,
        "Chinese": "".join(chances.choices([chr(n) for n in range(0x4E00, 0x9FFF)], k=333_000))
        * MEGABYTES,
        "marks alone": "\u0301" * 50_000,
        "what grows": "ﷺ" * 10_000,
        "emoji": "👩‍💻🏽❤️" * 5_000,
        "garbage": garbage,
    }


BOTH = ["18", pytest.param("15", marks=pytest.mark.needs("pg15"))]


@pytest.mark.parametrize("way", BOTH, indirect=True)
async def test_any_content_is_stored(db: Database, connection: asyncpg.Connection) -> None:
    user = await db.users.create(NewUser(email="any@example.com"))
    chat = await db.as_user(user.id).chats.create(title="-")
    for name, text in contents().items():
        stored = await connection.fetchval(
            "INSERT INTO x_message (id, chat_id, user_id, role, content)"
            " VALUES ($1, $2, $3, 'user', $4) RETURNING length(content)",
            name,
            chat.id,
            user.id,
            f"needle {text}",
        )
        assert stored == len(text) + 7, name
    found = await db.as_user(user.id).search("needle", where=SearchFilter(titles=False))
    assert {hit.message_id for hit in found.items} == set(contents())
    await connection.execute("DELETE FROM x_chat WHERE id = $1", chat.id)


@pytest.mark.parametrize("way", BOTH, indirect=True)
async def test_random_content_is_stored_and_found(db: Database) -> None:
    """What an application may append: each text is found by a word at its end."""
    chances = random.Random(9)
    user = await db.users.create(NewUser(email="random@example.com"))
    mine = db.as_user(user.id)
    chat = await mine.chats.create(title="-")
    alphabets = [(1, 0x7F), (0x80, 0x24F), (0x370, 0x5FF), (0x900, 0xEFF), (0x3040, 0x30FF)]
    alphabets += [(0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFFFD), (0x1F300, 0x1FAFF)]
    texts: list[NewMessage] = []
    for number in range(1000 if FULL else 60):
        parts = [chances.choice(alphabets) for _ in range(chances.randint(1, 4))]
        letters = [chr(chances.randint(*chances.choice(parts))) for _ in range(400)]
        text = f"{''.join(letters)} end{number}"
        texts.append(NewMessage(role="user", content=text))
    stored = await mine.messages.append(chat.id, *texts)
    for number in range(0, len(texts), 7):
        (hit,) = (await mine.search(f"end{number}")).items
        assert hit.message_id == stored[number].id


@pytest.mark.parametrize("way", ["18"], indirect=True)
async def test_the_index_is_rebuilt_beside_writers(
    db: Database, connection: asyncpg.Connection
) -> None:
    user = await db.users.create(NewUser(email="writers@example.com"))
    mine = db.as_user(user.id)
    chat = await mine.chats.create(title="-")
    done = asyncio.Event()
    writers = [asyncio.create_task(written(mine, chat, name, done)) for name in ("a", "b", "c")]
    for _ in range(2):
        await connection.execute(f"REINDEX INDEX CONCURRENTLY {INDEX}")
    done.set()
    counts = await asyncio.gather(*writers)
    assert all(counts)
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass"
    assert await connection.fetchval(valid, INDEX)
    leftover = "SELECT count(*) FROM pg_class WHERE relname LIKE $1 || '_ccnew%'"
    assert await connection.fetchval(leftover, INDEX) == 0
    for name, count in zip(("a", "b", "c"), counts, strict=True):
        for number in {0, count // 2, count - 1}:
            (hit,) = (await mine.search(f"{name}marble{number}")).items
            assert hit.snippet == f"{name}marble{number}"


async def written(mine: UserScope, chat: Chat, name: str, done: asyncio.Event) -> int:
    """Write and find until the index is new."""
    number = 0
    while not done.is_set():
        text = f"{name}marble{number}"
        await mine.messages.append(chat.id, NewMessage(role="user", content=text))
        assert len((await mine.search(text)).items) == 1
        number += 1
    return number


@pytest.mark.parametrize("way", ["18"], indirect=True)
async def test_a_database_that_was_not_migrated_is_named(
    db: Database, connection: asyncpg.Connection
) -> None:
    user = await db.users.create(NewUser(email="old@example.com"))
    await connection.execute("ALTER FUNCTION x_search_text RENAME TO gone")
    try:
        with pytest.raises(SchemaMismatchError, match="chatkeep migrate"):
            await db.as_user(user.id).search("word")
    finally:
        await connection.execute("ALTER FUNCTION gone RENAME TO x_search_text")
