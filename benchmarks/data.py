"""The server and the data that all peers work on.

Every user has about 60 chats, 2 accounts and settings; one chat in about 60 has 100 messages, the
others few. Half of the messages are answers with 3 sources and metadata. Rows lie on disk as time
would have left them: question and answer together, a chat's messages far apart.
"""

import asyncio
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path

import asyncpg
from benchmarks.patterns import Pattern
from benchmarks.sql import P

from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from chatkeep.server import EmbeddedServer

LONG = 100
VICTIMS = 150  # chats to delete in one slice
FRESH = "bench_"  # ids of what a benchmark writes begin so

# The same for every peer: the plans that PostgreSQL would choose on a solid-state disk, and
# commits that do not wait for the disk, whose speed is not what is compared.
_SETTINGS = {"jit": "off", "random_page_cost": "1.1", "synchronous_commit": "off"}
_SERVER = {
    "max_connections": "400",
    "autovacuum": "off",  # vacuum runs between the rounds, never inside of one
    "shared_buffers": "'1GB'",
    "max_wal_size": "'4GB'",
}

_TIME = "timestamptz '2026-01-01 00:00:00+00'"
_FILL = f"""
insert into {P}user (id, name, email, email_verified, image, created_at, updated_at)
    select 'user_' || md5('u' || n), 'User Number ' || n, 'user' || n || '@example.com',
        {_TIME} + n * interval '1 second', 'https://example.com/images/' || n || '.png',
        {_TIME} + n * interval '1 second', {_TIME} + n * interval '2 seconds'
    from generate_series(0, %(users)d - 1) n;
insert into {P}account (user_id, type, provider, provider_account_id, access_token, expires_at,
        token_type, scope, created_at, updated_at)
    select 'user_' || md5('u' || n), 'oauth', provider, md5(provider || n), repeat(md5('t' || n), 4),
        1790000000 + n, 'bearer', 'identify email', {_TIME}, {_TIME}
    from generate_series(0, %(users)d - 1) n, unnest(array['discord', 'github']) provider;
insert into {P}user_settings (user_id, theme, default_model, max_search_results, updated_at, created_at)
    select 'user_' || md5('u' || n), 'light', 'large-3', n %% 20, {_TIME}, {_TIME}
    from generate_series(0, %(users)d - 1) n;
insert into {P}chat (id, user_id, title, created_at, updated_at)
    select 'chat_' || md5('c' || n), 'user_' || md5('u' || n %% %(users)d),
        'How do I make query number ' || n || ' faster?',
        {_TIME} + n * interval '7 seconds', {_TIME} + n * interval '11 seconds'
    from generate_series(0, %(chats)d - 1) n;
insert into {P}message (id, chat_id, user_id, role, content, sources, metadata, created_at)
    select 'msg_' || md5(c || '-' || k), 'chat_' || md5('c' || c),
        'user_' || md5('u' || c %% %(users)d), case when k %% 2 = 0 then 'user' else 'assistant' end,
        case when k %% 2 = 0 then repeat('How do I make this query faster? ', 3)
            else repeat('An index on the **two columns** helps: it has the order already. ', 10) end,
        case when k %% 2 = 1 then (select jsonb_agg(jsonb_build_object('title', 'Page ' || s,
            'url', 'https://example.com/docs/' || c || '/' || s,
            'snippet', 'An index can give rows in order, so that nothing is sorted.',
            'favicon', 'https://example.com/favicon.ico')) from generate_series(1, 3) s) end,
        case when k %% 2 = 1 then jsonb_build_object('searchQuery', 'postgres index order',
            'crawledUrls', jsonb_build_array('https://example.com/docs/' || c), 'model', 'large-3',
            'tokens', jsonb_build_object('prompt', 900 + k, 'completion', 300, 'total', 1200 + k),
            'processingTime', 1250.5) end,
        {_TIME} + k * interval '1 hour' + c * interval '1 second'
    from (select c, k from generate_series(0, %(chats)d - 1) c,
            generate_series(0, case when c < %(long)d then {LONG} - 1
                else (%(rest)d + %(chats)d - 1 - c) / %(short)d - 1 end) k) places
    order by k / 2, md5('o' || c), k;
"""


@dataclass(frozen=True)
class Size:
    """How much data: chats and messages; the rest follows."""

    chats: int
    messages: int

    @property
    def users(self) -> int:
        return max(1, self.chats // 60)

    @property
    def long(self) -> int:
        """Number of chats with 100 messages."""
        return max(1, min(self.chats - 1, self.messages // 250))

    def fill(self) -> str:
        """Give the SQL that fills the tables."""
        short = max(1, self.chats - self.long)
        rest = max(0, self.messages - self.long * LONG)
        return _FILL % {
            "users": self.users,
            "chats": self.chats,
            "long": self.long,
            "short": short,
            # Chat number c of the short ones gets so many that all of them together get the rest.
            "rest": rest,
        }


def user_id(number: int) -> str:
    return "user_" + _hash(f"u{number}")


def chat_id(number: int) -> str:
    return "chat_" + _hash(f"c{number}")


def _hash(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


@contextmanager
def server() -> Iterator[EmbeddedServer]:
    """Start a PostgreSQL of our own in a temporary folder; gone at the end.

    It runs only as long as this process lives, however that ends.
    """
    with tempfile.TemporaryDirectory(prefix="ckb-") as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may run as another user
        own = EmbeddedServer(Path(folder) / ".chatkeep")
        try:
            with own.acquire() as lease:
                asyncio.run(_configure(lease.url))
                own.stop(force=True)  # some settings take a restart
            with own.acquire():
                yield own
        finally:
            own.reset(force=True)


async def _configure(url: str) -> None:
    connection = await asyncpg.connect(url)
    for name, value in _SERVER.items():
        await connection.execute(f"alter system set {name} = {value}")
    await connection.close()


async def fill(url: str, size: Size) -> None:
    """Create the tables in an empty database, fill them, and leave them vacuumed."""
    await create_tables(deepsearch.schema(prefix=P), url)
    connection = await asyncpg.connect(url)
    name = await connection.fetchval("select quote_ident(current_database())")
    for setting, value in _SETTINGS.items():
        await connection.execute(f"alter database {name} set {setting} = {value}")
    await connection.execute("set synchronous_commit = off")
    await connection.execute(size.fill())
    await connection.execute("vacuum (analyze)")
    await connection.execute("checkpoint")
    await connection.close()


class Keeper:
    """Gives patterns their arguments, and takes back what they wrote."""

    def __init__(self, connection: asyncpg.Connection, size: Size, seed: int) -> None:
        self.connection = connection
        self._size = size
        self._random = random.Random(seed)
        self._slices = 0

    def tag(self) -> str:
        """Give a beginning for new ids that no other slice has."""
        self._slices += 1
        return f"{FRESH}{self._slices}"

    async def arguments(self, pattern: Pattern, count: int) -> list[list[object]]:
        """Give lists of arguments for a pattern; chats to be deleted are made for it."""
        if pattern.once:
            return await self._victims(count)
        return [await self._one(pattern.name) for _ in range(count)]

    async def _one(self, name: str) -> list[object]:
        size, number = self._size, self._random.randrange
        if name == "user_by_email":
            return [f"user{number(size.users)}@example.com"]
        if name == "settings_update":
            return [self._writer(), ("dark", "light")[number(2)], 1 + number(20)]
        if name == "create_chat":
            return [self._writer()]
        if name in {"append_message", "insert_messages"}:
            chat = self._short_chat()
            return [user_id(chat % size.users), chat_id(chat)]
        if name in {"chat_with_messages", "messages_before"}:
            chat = number(size.long)
            place = [user_id(chat % size.users), chat_id(chat)]
            return place if name == "chat_with_messages" else [*place, await self._seq(*place)]
        return [user_id(number(size.users))]

    def _writer(self) -> str:
        """Give one of the last tenth of the users: what is written does not stand in readers' ways."""
        users = self._size.users
        return user_id(users - 1 - self._random.randrange(max(1, users // 10)))

    def _short_chat(self) -> int:
        return self._random.randrange(self._size.long, self._size.chats)

    async def _seq(self, user: str, chat: str) -> int:
        """Give the place before the 25 newest messages of a chat."""
        return await self.connection.fetchval(
            f"""select seq from {P}message where user_id = $1 and chat_id = $2
                order by seq desc offset 24 limit 1""",
            user,
            chat,
        )

    async def _victims(self, count: int) -> list[list[object]]:
        tag, users = self.tag(), [self._writer() for _ in range(count)]
        ids = [f"{tag}_{number}" for number in range(count)]
        await self.connection.execute(
            f"""with made as (insert into {P}chat (id, user_id, title)
                select id, user_id, 'Victim' from unnest($1::text[], $2::text[]) v (id, user_id)
                returning id, user_id)
            insert into {P}message (id, chat_id, user_id, role, content)
            select made.id || '_' || k, made.id, made.user_id, 'user', repeat('word ', 40)
            from made, generate_series(1, 5) k""",
            ids,
            users,
        )
        return [list(pair) for pair in zip(users, ids, strict=True)]

    async def take_back(self) -> None:
        """Delete everything that was written, and vacuum."""
        run = self.connection.execute
        await run(f"delete from {P}chat where id like '{FRESH}%'")
        await run(f"delete from {P}message where id like '{FRESH}%'")
        await run(f"vacuum {P}chat, {P}message, {P}user_settings, {P}user")
