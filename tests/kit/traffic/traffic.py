"""Clients that read and write as the seed's code does, while a database is migrated."""

import asyncio
import json
import random
import time
from dataclasses import dataclass, field

import asyncpg

P = "ai-app-template_"
MARGIN = 0.5  # seconds over the migration's lock_timeout: what its own brief statements may take

FILL = f"""
insert into "{P}user" (id, name, email)
select 'u' || g, 'User ' || g, 'u' || g || '@example.com' from generate_series(1, $1 / 100) g;
insert into "{P}chat" (id, user_id, title, created_at, updated_at)
select 'c' || g, 'u' || (1 + g % ($1 / 100)), 'Chat ' || g, now() - interval '30 days', now() - interval '30 days'
from generate_series(1, $1 / 10) g;
insert into "{P}message" (id, chat_id, role, content, sources, metadata, created_at)
select 'm' || g, 'c' || (1 + g % ($1 / 10)), case when g % 2 = 0 then 'user' else 'assistant' end,
    repeat('word ' || g || ' ', 8),
    case when g % 4 = 0 then '[{{"title": "T", "url": "https://example.com/", "snippet": "S"}}]'::json end,
    case when g % 2 = 1 then '{{"model": "m", "tokens": {{"prompt": 1, "completion": 2, "total": 3}}}}'::json end,
    now() - interval '30 days' + g * interval '1 second'
from generate_series(1, $1) g;
insert into "{P}search_cache" (query, results, expires_at)
select 'query ' || g, '[]', now() + interval '1 day' from generate_series(1, $1 / 100) g;
insert into "{P}user_settings" (user_id)
select id from "{P}user";
"""


async def fill(url: str, messages: int) -> None:
    connection = await asyncpg.connect(url)
    for sql in FILL.replace("$1", str(messages)).strip().split(";\n"):
        await connection.execute(sql)
    await connection.execute("vacuum analyze")
    await connection.close()


@dataclass
class Traffic:
    """What the clients did and how long it took them.

    Attributes:
        times: (when, seconds) of each statement.
        failed: What PostgreSQL or the driver said.
        written: Messages acknowledged, and not deleted since: id to chat.
    """

    messages: int
    limit: float
    times: list[tuple[float, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    stopping: bool = False

    async def client(self, url: str, number: int) -> None:
        # A wait beyond the limit makes the statement fail: PostgreSQL's own clock says so.
        limits = {"lock_timeout": f"{self.limit * 1000:.0f}ms", "application_name": "seed's code"}
        connection = await asyncpg.connect(url, server_settings=limits)
        choice = random.Random(number)
        turn = 0
        acts = [self._read_chats, self._read_messages, self._write, self._chat, self._settings]
        weights = [30, 30, 30, 6, 4]
        try:
            while not self.stopping:
                turn += 1
                act = choice.choices(acts, weights)[0]
                try:
                    await act(connection, choice, f"{number}-{turn}")
                except (asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
                    self.failed.append(f"{act.__name__}: {type(exc).__name__}: {exc}")
                await asyncio.sleep(0)
        finally:
            await connection.close()

    async def _run(self, connection, sql: str, *arguments: object):
        started = time.monotonic()
        try:
            return await connection.fetch(sql, *arguments)
        finally:
            self.times.append((started, time.monotonic() - started))

    def _user(self, choice: random.Random) -> str:
        return f"u{choice.randint(1, self.messages // 100)}"

    def _old_chat(self, choice: random.Random) -> str:
        return f"c{choice.randint(1, self.messages // 10)}"

    async def _read_chats(self, connection, choice, mark) -> None:
        await self._run(
            connection,
            f'select id, user_id, title, created_at, updated_at from "{P}chat" where user_id = $1'
            " order by updated_at desc",
            self._user(choice),
        )

    async def _read_messages(self, connection, choice, mark) -> None:
        await self._run(
            connection,
            f'select id, chat_id, role, content, sources, metadata, created_at from "{P}message"'
            " where chat_id = $1 order by created_at",
            self._old_chat(choice),
        )

    async def _write(self, connection, choice, mark) -> None:
        """A question and its answer, as the seed appends them."""
        chat = self._old_chat(choice)
        sources = json.dumps([{"title": "T", "url": "https://example.com/", "snippet": mark}])
        ids = [f"n{mark}-{part}" for part in ("q", "a")]
        async with connection.transaction():
            await self._run(
                connection,
                f'insert into "{P}message" (id, chat_id, role, content, sources, metadata)'
                " values ($1, $2, 'user', $3, null, null), ($4, $2, 'assistant', $3, $5, $6)",
                ids[0],
                chat,
                f"text of {mark}",
                ids[1],
                sources,
                json.dumps({"model": "m", "tokens": {"prompt": 1, "completion": 2, "total": 3}}),
            )
            await self._run(
                connection, f'update "{P}chat" set updated_at = now() where id = $1', chat
            )
        self.written.update(dict.fromkeys(ids, chat))

    async def _chat(self, connection, choice, mark) -> None:
        """A new chat; every other one is deleted again, with its messages."""
        chat = f"d{mark}"
        await self._run(
            connection,
            f'insert into "{P}chat" (id, user_id, title) values ($1, $2, $3)',
            chat,
            self._user(choice),
            "New Chat",
        )
        await self._run(
            connection,
            f"insert into \"{P}message\" (id, chat_id, role, content) values ($1, $2, 'user', $3)",
            f"e{mark}",
            chat,
            "hello",
        )
        if choice.random() < 0.5:
            await self._run(connection, f'delete from "{P}chat" where id = $1', chat)
        else:
            self.written[f"e{mark}"] = chat

    async def _settings(self, connection, choice, mark) -> None:
        await self._run(
            connection,
            f'update "{P}user_settings" set updated_at = now() where user_id = $1',
            self._user(choice),
        )


def spread(seconds: list[float]) -> tuple[float, float, float, float]:
    """Median, 99 and 99.9 per cent, and the longest."""
    if not seconds:
        return 0.0, 0.0, 0.0, 0.0
    ordered = sorted(seconds)
    places = [ordered[min(int(len(ordered) * q), len(ordered) - 1)] for q in (0.5, 0.99, 0.999)]
    return (places[0], places[1], places[2], ordered[-1])
