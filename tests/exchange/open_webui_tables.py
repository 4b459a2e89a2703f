"""Tables of open-webui as its releases have them, and chats like those that it writes.

Facts from its package 0.12.4 (September 2026): its migrations from 7e5b5dc7342b (June 2024) to
d4c1a8e37b62 (August 2026). The statements are our own words for them; one text does for both
databases, since SQLite takes any name of a type.
"""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg

RELEASES = ("2024-06", "2025-12", "2026-08")

_CHAT = """CREATE TABLE chat (id varchar PRIMARY KEY, user_id varchar, title text, chat {json},
    created_at bigint, updated_at bigint, share_id text UNIQUE, archived boolean"""
_USER_2024 = """CREATE TABLE "user" (id varchar PRIMARY KEY, name varchar, email varchar,
    role varchar, profile_image_url text, last_active_at bigint, updated_at bigint,
    created_at bigint, api_key varchar UNIQUE, settings text, info text, oauth_sub text UNIQUE);"""
_USER_2026 = """CREATE TABLE "user" (id varchar PRIMARY KEY, email varchar UNIQUE,
    username varchar(50), role varchar, name varchar NOT NULL, profile_image_url text,
    timezone varchar, info json, settings json, oauth json, last_active_at bigint,
    updated_at bigint, created_at bigint);"""
_LATER = ", pinned boolean, meta json NOT NULL DEFAULT '{}', folder_id text"
_LATEST = """, tasks json, summary text, last_read_at bigint, current_message_id text,
    variables json, timer_at bigint"""
_MESSAGE = """CREATE TABLE chat_message (id text PRIMARY KEY, chat_id text NOT NULL REFERENCES chat
    ON DELETE CASCADE, user_id text, role text NOT NULL, parent_id text, content json, output json,
    model_id text, files json, sources json, embeds json, done boolean, status_history json,
    error json, usage json, created_at bigint, updated_at bigint, context_summary text, meta json);"""
TABLES = {
    "2024-06": _USER_2024 + _CHAT.format(json="text") + ");",
    "2025-12": _USER_2026 + _CHAT.format(json="json") + _LATER + ");",
    "2026-08": _USER_2026 + _CHAT.format(json="json") + _LATER + _LATEST + ");" + _MESSAGE,
}

ADA, BOB = "5f0d4f7a-0000-4000-8000-00000000ada0", "5f0d4f7a-0000-4000-8000-00000000b0b0"
AT = 1_760_000_000
JSON_COLUMNS = {
    "chat": {"chat", "meta", "tasks", "variables"},
    "chat_message": {"content", "output", "files", "sources", "embeds", "status_history", "error",
                     "usage", "meta"},
}  # fmt: skip


class Place:
    """A database of either kind, for tests: a URL or a path."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_sqlite = not url.startswith("postgresql://")

    async def run(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        if not self.is_sqlite:
            connection = await asyncpg.connect(self.url)
            try:
                if not values and not statement.startswith("SELECT"):
                    await connection.execute(statement)
                    return []
                return [dict(row) for row in await connection.fetch(statement, *values)]
            finally:
                await connection.close()
        connection = sqlite3.connect(self.url)
        connection.row_factory = sqlite3.Row
        try:
            if not values and not statement.startswith("SELECT"):
                connection.executescript(statement)
                return []
            rows = connection.execute(re.sub(r"\$(\d+)", r"?\1", statement), values).fetchall()
            connection.commit()
            return [dict(row) for row in rows]
        finally:
            connection.close()

    async def insert(self, table: str, row: dict[str, Any]) -> None:
        encoded = {
            name: json.dumps(value) if name in JSON_COLUMNS.get(table, ()) else value
            for name, value in row.items()
        }
        marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
        names = ", ".join(encoded)
        await self.run(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', *encoded.values())

    async def contents(self, release: str) -> dict[str, list[dict[str, Any]]]:
        """All rows of the tables that hold chats, with JSON decoded."""
        names = ["chat", "chat_message"] if release == "2026-08" else ["chat"]
        return {
            name: [
                {key: _plain(name, key, value) for key, value in row.items()}
                for row in await self.run(f"SELECT * FROM {name} ORDER BY id")
            ]
            for name in names
        }


def _plain(table: str, key: str, value: Any) -> Any:
    if key in JSON_COLUMNS[table] and isinstance(value, str):  # SQLite stores numbers as such
        return json.loads(value)
    return bool(value) if key in {"archived", "pinned", "done"} and value is not None else value


async def make(url: str | Path, release: str, *, rows: bool = True) -> Place:
    """Make the tables of a release; with people, and with chats where `rows`."""
    place = Place(str(url))
    await place.run(TABLES[release])
    for user_id, email in ((ADA, "Ada@example.com"), (BOB, "bob@example.com")):
        user = {"id": user_id, "email": email, "name": email[:3], "role": "user"}
        await place.insert("user", user)
    for chat in (tree_chat(), legacy_chat(), bare_chat()) if rows else ():
        await _add(place, release, chat)
    if rows and release == "2024-06":
        copy = {**tree_chat(), "id": "c9", "user_id": "shared-c1", "share_id": None}
        await _add(place, release, copy)
    return place


async def _add(place: Place, release: str, chat: dict[str, Any]) -> None:
    later = {"pinned": chat["id"] == "c1", "meta": {"tags": ["work"]}, "folder_id": "f1"}
    latest = {
        "tasks": [{"text": "look", "done": False}], "summary": "About B-trees.",
        "last_read_at": AT + 7, "current_message_id": None, "variables": None, "timer_at": None,
    }  # fmt: skip
    row = dict(chat)
    if release != "2024-06":
        row |= later
    if release == "2026-08":
        row |= latest
        row["current_message_id"] = chat["chat"].get("history", {}).get("currentId")
    await place.insert("chat", row)
    if release == "2026-08":
        for message_id, message in chat["chat"].get("history", {}).get("messages", {}).items():
            await place.insert("chat_message", message_row(row, message_id, message))


def message_row(chat: dict[str, Any], message_id: str, message: dict[str, Any]) -> dict[str, Any]:
    """The row that the product writes beside a message."""
    usage = message.get("usage")
    keys = {
        "parent_id": "parentId", "model_id": "model", "status_history": "statusHistory",
        "context_summary": "contextSummary",
    }  # fmt: skip
    same = ["role", "content", "output", "files", "sources", "embeds", "error", "meta"]
    row = {name: message.get(keys.get(name, name)) for name in [*same, *keys]}
    return {
        **row, "id": f"{chat['id']}-{message_id}", "chat_id": chat["id"],
        "user_id": message.get("user_id") or chat["user_id"], "done": message.get("done", True),
        "usage": usage and {**usage, "input_tokens": usage["prompt_tokens"],
                            "output_tokens": usage["completion_tokens"]},
        "created_at": message["timestamp"], "updated_at": message["timestamp"] + 5,
    }  # fmt: skip


def tree_chat() -> dict[str, Any]:
    """Two models answer one question, one answer was made anew; the third answer is shown."""
    question = {
        "id": "m1", "parentId": None, "childrenIds": ["m2", "m3", "m4"], "role": "user",
        "content": "What is a B-tree? 木", "timestamp": AT, "models": ["llama3", "gpt"],
        "files": [{"type": "file", "id": "f", "name": "a.pdf", "url": "f"}],
    }  # fmt: skip
    answers = [
        {
            "id": f"m{number}", "parentId": "m1", "childrenIds": [], "role": "assistant",
            "content": f"Answer {number}", "model": model, "modelName": model.title(),
            "modelIdx": 0, "timestamp": AT + number, "done": True,
        }
        for number, model in ((2, "llama3"), (3, "gpt"), (4, "gpt"))
    ]  # fmt: skip
    answers[0]["error"] = {"content": "out of memory"}
    answers[1]["annotation"] = {"rating": -1, "comment": "too short", "tags": ["cs"]}
    answers[2] |= {
        "annotation": {"rating": 1},
        "usage": {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46, "cost": 0.002},
        "sources": [
            {
                "source": {"name": "search", "urls": ["https://example.com/b"]},
                "document": ["A B-tree is …", "Notes"],
                "metadata": [{"source": "https://example.com/b", "title": "B-trees"},
                             {"source": "a.pdf", "name": "a.pdf"}],
                "distances": [0.25, 0.5],
            }
        ],
        "statusHistory": [{"action": "web_search", "done": True}],
        "childrenIds": ["m5"],
    }  # fmt: skip
    more = {
        "id": "m5", "parentId": "m4", "childrenIds": ["m6"], "role": "user", "content": "Why?",
        "timestamp": AT + 100, "models": ["gpt"],
    }  # fmt: skip
    blocks = {
        "id": "m6", "parentId": "m5", "childrenIds": [], "role": "assistant", "content": "",
        "model": "gpt", "timestamp": AT + 101, "done": False,
        "output": [
            {"type": "reasoning", "content": [{"type": "text", "text": "Hmm"}]},
            {"type": "message", "content": [{"type": "output_text", "text": "Because"}]},
        ],
    }  # fmt: skip
    messages = {each["id"]: each for each in [question, *answers, more, blocks]}
    body = {
        "id": "", "title": "B-trees", "models": ["llama3", "gpt"], "params": {"temperature": 0.5},
        "history": {"messages": messages, "currentId": "m6"}, "tags": [], "timestamp": AT * 1000,
        "messages": [messages[each] for each in ("m1", "m4", "m5", "m6")], "files": [],
    }  # fmt: skip
    return {
        "id": "c1", "user_id": ADA, "title": "B-trees", "chat": body, "created_at": AT,
        "updated_at": AT + 200, "share_id": "s1", "archived": True,
    }  # fmt: skip


def legacy_chat() -> dict[str, Any]:
    """One of the oldest: a list, and no tree."""
    body = {
        "title": "Old", "models": ["llama2"],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": "Hello!", "info": {"prompt_eval_count": 3,
             "eval_count": 5, "total_duration": 2_500_000_000}, "model": "llama2"},
        ],
    }  # fmt: skip
    return {
        "id": "c2", "user_id": BOB, "title": "Old", "chat": body, "created_at": AT - 9,
        "updated_at": AT - 8, "share_id": None, "archived": False,
    }  # fmt: skip


def bare_chat() -> dict[str, Any]:
    """A tree whose ids are those of another chat, with times in milliseconds and no title."""
    message = {
        "id": "m1", "parentId": None, "childrenIds": [], "role": "user", "content": "?",
        "timestamp": AT * 1000 + 250,
    }  # fmt: skip
    return {
        "id": "c3", "user_id": ADA, "title": None, "created_at": AT * 1000 + 125,
        "chat": {"history": {"messages": {"m1": message}, "currentId": "m1"}},
        "updated_at": AT * 1000 + 375, "share_id": None, "archived": None,
    }  # fmt: skip
