"""One database, two languages: the seed's own code and ours read what the other one wrote."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from chatkeep import (
    Database,
    MessageMetadata,
    NewAccount,
    NewMessage,
    NewUser,
    SettingsChanges,
    Source,
    TokenUsage,
)
from chatkeep.database.creation import create_tables
from chatkeep.presets import deepsearch
from fixtures.node import NodeProject, node_modules, node_project, seed_written

pytestmark = pytest.mark.needs("node")
__all__ = ["node_modules", "node_project", "seed_written"]

SAID = [
    ("system", "Hello! How can I help you today?"),
    ("user", "Question 1"),
    ("assistant", "Answer 1"),
    ("user", "Question 2"),
    ("assistant", "Answer 2"),
]
SOURCES = [Source(title="T", url="https://example.com", snippet="S")]
METADATA = MessageMetadata(
    model="m", tokens=TokenUsage(prompt=1, completion=2, total=3), processing_time=12.5
)

# What the seed's TypeScript reads of a database, printed as JSON.
READER = """
import { asc } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import * as tables from "./schema/schema3.ts";

const url = new URL(process.env.DATABASE_URL!);
const client = postgres({
  host: url.searchParams.get("host")!, database: url.pathname.slice(1), username: url.username,
});
const db = drizzle(client, { schema: tables });
console.log(JSON.stringify({
  user: await db.query.users.findFirst(),
  account: await db.query.accounts.findFirst(),
  chat: await db.query.chats.findFirst(),
  messages: await db.query.messages.findMany({ orderBy: [asc(tables.messages.createdAt)] }),
  settings: await db.query.userSettings.findFirst(),
}));
await client.end();
"""


@pytest.fixture(scope="module")
def written_schema() -> deepsearch.Schema:
    return deepsearch.schema(seed_writers=True)


@pytest_asyncio.fixture
async def written(
    request: pytest.FixtureRequest,
    seed_written: Callable[..., Awaitable[dict[str, Any]]],
    written_schema: deepsearch.Schema,
) -> AsyncIterator[tuple[Database, dict[str, Any]]]:
    """Our access layer on the database that the seed's snippets wrote, and what they printed.

    Its parameter tells whether the contract step waits still, as while old code is at work.
    """
    printed = await seed_written(hold_contract=getattr(request, "param", False))
    async with Database(written_schema, printed["url"]) as db:
        yield db, printed


async def test_access_reads_what_the_seeds_code_wrote(
    written: tuple[Database, dict[str, Any]],
) -> None:
    db, printed = written
    user_id, chat_id = printed["userId"], printed["chatId"]

    user = await db.users.find_by_email("USER@example.com")
    assert user is not None
    assert (user.id, user.name, user.is_admin) == (user_id, "Ada", False)
    assert_same(printed["byEmail"], user.to_dict())

    with_accounts = await db.users.get(user_id, with_accounts=True)
    (account,) = with_accounts.accounts
    assert (account.user_id, account.type, account.provider) == (user_id, "oauth", "github")
    assert (account.provider_account_id, account.expires_at) == ("42", 1_700_000_000)
    assert (await db.sessions.get("token-1")).expires == datetime.fromtimestamp(2_000_000_000, UTC)

    mine = db.as_user(user_id)
    (chat,) = (await mine.chats.list()).items
    assert (chat.id, chat.user_id, chat.title) == (chat_id, user_id, "Renamed")
    settings = await mine.settings.get()
    assert (settings.user_id, settings.theme, settings.language) == (user_id, "light", "en")
    assert settings.updated_at > settings.created_at


@pytest.mark.parametrize("written", [True, False], indirect=True, ids=["waiting", "contracted"])
async def test_access_reads_the_messages_that_the_seeds_code_wrote_in_their_order(
    written: tuple[Database, dict[str, Any]],
) -> None:
    db, printed = written
    mine = db.as_user(printed["userId"])
    chat = await mine.chats.get(printed["chatId"], messages=100)
    assert [(message.role, message.content) for message in chat.messages] == SAID
    assert {message.user_id for message in chat.messages} == {printed["userId"]}
    assert {message.chat_id for message in chat.messages} == {chat.id}
    numbers = [message.seq for message in chat.messages]
    assert numbers == sorted(set(numbers))
    # What each follows, and what the chat shows, though the seed knows of neither.
    ids = [message.id for message in chat.messages]
    assert [message.parent_id for message in chat.messages] == [None, *ids[:-1]]
    assert chat.head == ids[-1]
    assert chat.messages[-1].sources == SOURCES
    assert chat.messages[-1].metadata == METADATA
    assert all(message.sources is message.metadata is None for message in chat.messages[:-1])
    # The seed's batch shares one created_at; its own page would lose rows where ours turns over.
    newest = await mine.messages.list(chat.id, limit=2)
    older = await mine.messages.list(chat.id, limit=3, before=newest.next_cursor)
    assert [*newest.items, *older.items] == chat.messages[::-1]


async def test_both_write_to_one_chat(written: tuple[Database, dict[str, Any]]) -> None:
    db, printed = written
    mine = db.as_user(printed["userId"])
    before = await mine.chats.get(printed["chatId"])
    (added,) = await mine.messages.append(
        printed["chatId"], NewMessage(role="user", content="From Python")
    )
    chat = await mine.chats.get(printed["chatId"], messages=100)
    assert chat.messages[-1] == added
    assert added.parent_id == chat.messages[-2].id == before.head
    assert len(chat.messages) == len(SAID) + 1
    assert chat.updated_at > before.updated_at


async def test_the_seeds_code_reads_what_access_wrote(
    node_project: Callable[..., NodeProject], database_url: str, written_schema: deepsearch.Schema
) -> None:
    await create_tables(written_schema, database_url)
    async with Database(written_schema, database_url) as db:
        user = await db.users.create(NewUser(email="user@example.com", name="Ada"))
        account = await db.accounts.create(
            NewAccount(
                user_id=user.id,
                type="oauth",
                provider="github",
                provider_account_id="42",
                expires_at=1_700_000_000,
            )
        )
        mine = db.as_user(user.id)
        chat = await mine.chats.create(title="New Chat")
        (first,) = await mine.messages.append(chat.id, NewMessage(role="user", content="Question"))
        answer = NewMessage(
            role="assistant", content="Grüße 🙂", sources=SOURCES, metadata=METADATA
        )
        (second,) = await mine.messages.append(chat.id, answer)
        settings = await mine.settings.update(SettingsChanges(theme="light"))
        chat = await mine.chats.get(chat.id)

    project = node_project("deepsearch")
    (project.root / "reader.ts").write_text(READER, encoding="utf-8")
    read = json.loads(project.script("reader.ts", database_url).splitlines()[-1])
    assert_same(read["user"], user.to_dict())
    assert_same(read["account"], account.to_dict())
    assert_same(read["chat"], chat.to_dict())
    assert_same(read["settings"], settings.to_dict())
    for theirs, ours in zip(read["messages"], [first, second], strict=True):
        assert_same(theirs, ours.to_dict())


def milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def assert_same(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Each field that the seed's TypeScript type has, under the same JSON key."""
    for key, value in theirs.items():
        if key.endswith("At") and value is not None:  # JavaScript's times end at the millisecond
            assert milliseconds(value) == milliseconds(ours[key]), key
        else:
            assert value == ours[key], key
