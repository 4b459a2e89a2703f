"""Tables of vercel/chatbot as its releases have them, and rows like those that it writes.

Facts from its repository: the migrations up to 0003 (December 2024), 0007 (September 2025, release
with `Chat.lastContext`), and the single initial migration of 7 July 2026 (version 3.1.0, commit
c2f8235). The statements are our own words for them.
"""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

RELEASES = ("2024-12", "2025-09", "2026-07")

_USER = 'CREATE TABLE "User" (id uuid PRIMARY KEY, email varchar(64) NOT NULL, password varchar(64)'
_USER_2026 = """, name text, "emailVerified" boolean NOT NULL DEFAULT false, image text,
    "isAnonymous" boolean NOT NULL DEFAULT false, "createdAt" timestamp NOT NULL DEFAULT now(),
    "updatedAt" timestamp NOT NULL DEFAULT now()"""
_CHAT = """CREATE TABLE "Chat" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "createdAt" timestamp
    NOT NULL, title text NOT NULL, "userId" uuid NOT NULL REFERENCES "User",
    visibility varchar NOT NULL DEFAULT 'private'"""
_OLD = """
CREATE TABLE "Message" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "chatId" uuid NOT NULL
    REFERENCES "Chat", role varchar NOT NULL, content json NOT NULL, "createdAt" timestamp NOT NULL);
CREATE TABLE "Vote" ("chatId" uuid NOT NULL REFERENCES "Chat", "messageId" uuid NOT NULL
    REFERENCES "Message", "isUpvoted" boolean NOT NULL, PRIMARY KEY ("chatId", "messageId"));
"""
_NEW = """
CREATE TABLE "Message_v2" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "chatId" uuid NOT NULL
    REFERENCES "Chat", role varchar NOT NULL, parts json NOT NULL, attachments json NOT NULL,
    "createdAt" timestamp NOT NULL);
CREATE TABLE "Vote_v2" ("chatId" uuid NOT NULL REFERENCES "Chat", "messageId" uuid NOT NULL
    REFERENCES "Message_v2", "isUpvoted" boolean NOT NULL, PRIMARY KEY ("chatId", "messageId"));
CREATE TABLE "Stream" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), "chatId" uuid NOT NULL
    REFERENCES "Chat", "createdAt" timestamp NOT NULL);
"""
_DOCUMENT = """
CREATE TABLE "Document" (id uuid NOT NULL DEFAULT gen_random_uuid(), "createdAt" timestamp NOT NULL,
    title text NOT NULL, content text, "text" varchar NOT NULL DEFAULT 'text',
    "userId" uuid NOT NULL REFERENCES "User", PRIMARY KEY (id, "createdAt"));
"""
TABLES = {
    "2024-12": f"{_USER}); {_CHAT}); {_OLD} {_DOCUMENT}",
    "2025-09": f'{_USER}); {_CHAT}, "lastContext" jsonb); {_OLD} {_NEW} {_DOCUMENT}',
    "2026-07": f"{_USER}{_USER_2026}); {_CHAT}); {_NEW} {_DOCUMENT}",
}

ADA, BOB, GUEST = (UUID(int=number) for number in (0xADA, 0xB0B, 0xF))
T = datetime(2026, 3, 1, 12, 0, 0, 123456)  # noqa: DTZ001 - the columns have no zone
CHATS = [UUID(int=0xC0 + number) for number in range(3)]


def uid(number: int) -> UUID:
    return UUID(int=0x1000 + number)


UI_PARTS: list[Any] = [
    {"type": "step-start"},
    {"type": "reasoning", "text": "thinking…", "state": "done"},
    {
        "type": "tool-getWeather", "toolCallId": "call_1", "state": "output-available",
        "input": {"latitude": 52.5, "longitude": 13.4}, "output": {"temperature": -0.5, "ok": True},
    },
    {"type": "source-url", "sourceId": "1", "url": "https://example.com/w", "title": "Weather"},
    {"type": "text", "text": "It is -0.5 °C in Berlin. 天气"},
    {"type": "file", "url": "https://blob.example.com/a.png", "mediaType": "image/png"},
]  # fmt: skip
CORE_CONTENT: list[Any] = [
    {"type": "text", "text": "Let me look."},
    {"type": "tool-call", "toolCallId": "c1", "toolName": "getWeather", "args": {"latitude": 1}},
]
TOOL_CONTENT: list[Any] = [
    {"type": "tool-result", "toolCallId": "c1", "toolName": "getWeather", "result": {"t": 1}}
]


async def make(url: str, release: str, *, rows: bool = True) -> None:
    """Make the tables of a release; with people, and with chats where `rows`."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(TABLES[release])
        people = [(ADA, "Ada@example.com"), (BOB, "bob@example.com"), (GUEST, "guest-1712")]
        await connection.executemany('INSERT INTO "User" (id, email, password) VALUES ($1, $2, $3)',
                                     [(*one, "$2a$10$secret") for one in people])  # fmt: skip
        if rows:
            await _fill(connection, release)
    finally:
        await connection.close()


async def _fill(connection: asyncpg.Connection, release: str) -> None:
    chats = [
        (CHATS[0], T, "Weather", ADA, "public"),
        (CHATS[1], T + timedelta(days=1), "x" * 700, BOB, "private"),
        (CHATS[2], T + timedelta(days=2), "Hello", GUEST, "private"),
    ]
    await connection.executemany(
        'INSERT INTO "Chat" (id, "createdAt", title, "userId", visibility) VALUES ($1,$2,$3,$4,$5)',
        chats,
    )
    if release != "2026-07":
        await _fill_old(connection, CHATS[1])
    if release != "2024-12":
        await _fill_new(connection)
    if release == "2025-09":
        await connection.execute(
            'UPDATE "Chat" SET "lastContext" = $1 WHERE id = $2',
            json.dumps({"inputTokens": 12, "modelId": "m"}), CHATS[0],
        )  # fmt: skip


async def _fill_old(connection: asyncpg.Connection, chat: UUID) -> None:
    rows = [
        (uid(100), chat, "user", json.dumps("How warm?"), T),
        (uid(99), chat, "assistant", json.dumps(CORE_CONTENT), T + timedelta(seconds=2)),
        (uid(98), chat, "tool", json.dumps(TOOL_CONTENT), T + timedelta(seconds=2)),
        (uid(97), chat, "assistant", json.dumps([{"type": "text", "text": "One."}]),
         T + timedelta(seconds=2)),
    ]  # fmt: skip
    await connection.executemany('INSERT INTO "Message" VALUES ($1, $2, $3, $4, $5)', rows)
    await connection.execute('INSERT INTO "Vote" VALUES ($1, $2, false)', chat, uid(97))


async def _fill_new(connection: asyncpg.Connection) -> None:
    said = [{"type": "text", "text": "How warm is Berlin?"}]
    image = [{"name": "a.png", "url": "https://blob.example.com/a.png", "contentType": "image/png"}]
    rows = [
        (uid(2), CHATS[0], "user", json.dumps(said), json.dumps(image), T),
        (uid(1), CHATS[0], "assistant", json.dumps(UI_PARTS), "[]", T + timedelta(seconds=3)),
        (uid(3), CHATS[0], "user", json.dumps(said), "[]", T + timedelta(seconds=9)),
        (uid(0), CHATS[0], "assistant", json.dumps([]), "[]", T + timedelta(seconds=9)),
        (uid(5), CHATS[1], "user", json.dumps(said), "[]", T + timedelta(days=3)),
        (uid(6), CHATS[2], "user", json.dumps(said), "[]", T + timedelta(days=3)),
    ]
    await connection.executemany('INSERT INTO "Message_v2" VALUES ($1, $2, $3, $4, $5, $6)', rows)
    await connection.executemany(
        'INSERT INTO "Vote_v2" VALUES ($1, $2, $3)',
        [(CHATS[0], uid(1), True), (CHATS[0], uid(0), False)],
    )


async def contents(url: str, release: str) -> dict[str, list[dict[str, Any]]]:
    """All rows of the tables that hold conversations, with JSON decoded."""
    names = ["Chat"]
    names += ["Message", "Vote"] if release != "2026-07" else []
    names += ["Message_v2", "Vote_v2"] if release != "2024-12" else []
    connection = await asyncpg.connect(url)
    try:
        return {
            name: [
                {key: _plain(key, value) for key, value in row.items()}
                for row in await connection.fetch(f'SELECT * FROM "{name}" ORDER BY 1, 2')
            ]
            for name in names
        }
    finally:
        await connection.close()


def _plain(key: str, value: Any) -> Any:
    as_json = key in {"parts", "attachments", "content", "lastContext"} and value is not None
    return json.loads(value) if as_json else value
