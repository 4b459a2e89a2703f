"""What is in the trash is in no answer, and comes back whole: every method that there is.

The methods are found on the classes. A new one fails here until somebody says what it does with the
trash: a line in one of the tables below.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_type_hints

import msgspec
import pytest
from sqlalchemy import select

from chatkeep import (
    START,
    Chat,
    ChatNotFoundError,
    ChatWithMessages,
    Database,
    FeedbackNotFoundError,
    Message,
    MessageFeedback,
    MessageNotFoundError,
    NewMessage,
    NewUsage,
    NotFoundError,
    SearchFilter,
    live,
    nested,
)
from chatkeep.access.scope import UserScope
from chatkeep.access.shared import Shared
from chatkeep.presets import deepsearch

OF_THE_CHAT = "said in this chat"
GOES = "the words that go"


@dataclass
class World:
    """One chat and one message that go into the trash, and what hangs on them."""

    db: Database
    schema: deepsearch.Schema
    chat: Chat
    other: Chat
    message: Message
    beside: Message
    tokens: list[str]


Read = Callable[[Any, World], Awaitable[object]]
Part = tuple[str, str]


def follow(scope: Any, w: World) -> Awaitable[object]:
    async def pieces() -> list[object]:
        return [piece async for piece in scope.messages.follow(w.message.id)]

    return pieces()


# Lists, counts, pages and look-ups, in every form: none shows what is in the trash.
READS: dict[str, list[Read]] = {
    "chats.get": [
        lambda s, w: s.chats.get(w.chat.id),
        lambda s, w: s.chats.get(w.chat.id, messages=100),
    ],
    "chats.find": [lambda s, w: s.chats.find(w.chat.id)],
    "chats.list": [
        lambda s, w: s.chats.list(),
        lambda s, w: s.chats.list(after=START),
        lambda s, w: s.chats.list(before="end"),
    ],
    "chats.tree": [lambda s, w: s.chats.tree(w.chat.id)],
    "chats.count": [lambda s, w: s.chats.count()],
    "messages.get": [lambda s, w: s.messages.get(w.message.id)],
    "messages.find": [lambda s, w: s.messages.find(w.message.id)],
    "messages.list": [
        lambda s, w: s.messages.list(w.chat.id),
        lambda s, w: s.messages.list(w.chat.id, after=START),
        lambda s, w: s.messages.list(w.chat.id, before="end"),
        lambda s, w: s.messages.list(w.chat.id, branch=w.message.id),
        lambda s, w: s.messages.list(w.chat.id, after=START, branch=w.beside.id),
    ],
    "messages.siblings": [
        lambda s, w: s.messages.siblings(w.message.id),
        lambda s, w: s.messages.siblings(w.beside.id),
    ],
    "messages.count": [lambda s, w: s.messages.count(w.chat.id)],
    "messages.follow": [follow],
    "feedback.get": [lambda s, w: s.feedback.get(w.message.id)],
    "feedback.find": [lambda s, w: s.feedback.find(w.message.id)],
    "feedback.list": [lambda s, w: s.feedback.list(w.chat.id)],
    "shares.list": [lambda s, w: s.shares.list(w.chat.id)],
}
SCOPE_READS: dict[str, list[Read]] = {
    "search": [
        lambda s, w: s.search("said"),
        lambda s, w: s.search("words go", order="newest"),
        lambda s, w: s.search('"words that go"', where=SearchFilter(chat_id=w.chat.id)),
    ],
}
SHARED_READS: dict[str, list[Read]] = {
    "shared.get": [
        lambda s, w: s.shared(w.tokens[0]).get(),
        lambda s, w: s.shared(w.tokens[1]).get(),
    ],
    "shared.list": [
        lambda s, w: s.shared(w.tokens[0]).list(),
        lambda s, w: s.shared(w.tokens[1]).list(after=START),
    ],
}


def said(text: str = "new", **given: Any) -> NewMessage:
    return NewMessage(role="user", content=text, **given)


def stream(scope: Any, **options: Any) -> Awaitable[object]:
    async def write() -> None:
        async with scope.messages.stream(**options):
            raise AssertionError

    return write()


async def nothing(answer: object) -> None:
    """Write nothing."""


# What needs a chat or a message that is there, and says when it is not: for a deleted chat, and for a deleted message.
WRITES: dict[str, list[tuple[str, Read]]] = {
    "chats.update": [("chat", lambda s, w: s.chats.update(w.chat.id, title="new"))],
    "chats.delete": [("chat", lambda s, w: s.chats.delete(w.chat.id))],
    "chats.move_head": [
        ("chat", lambda s, w: s.chats.move_head(w.chat.id, w.beside.id)),
        ("message", lambda s, w: s.chats.move_head(w.chat.id, w.message.id)),
    ],
    "chats.fork": [
        ("chat", lambda s, w: s.chats.fork(w.chat.id)),
        ("message", lambda s, w: s.chats.fork(w.chat.id, at=w.message.id)),
    ],
    "messages.append": [
        ("chat", lambda s, w: s.messages.append(w.chat.id, said())),
        ("message", lambda s, w: s.messages.append(w.chat.id, said(parent_id=w.message.id))),
        (
            "message",
            lambda s, w: s.messages.append(w.chat.id, said(), said(parent_id=w.message.id)),
        ),
    ],
    "messages.edit": [
        ("chat", lambda s, w: s.messages.edit(w.beside.id, said())),
        ("message", lambda s, w: s.messages.edit(w.message.id, said())),
    ],
    "messages.delete": [
        ("chat", lambda s, w: s.messages.delete(w.message.id)),
        ("message", lambda s, w: s.messages.delete(w.message.id)),
    ],
    "messages.list": [
        ("chat", lambda s, w: s.messages.list(w.chat.id)),
        ("message", lambda s, w: s.messages.list(w.chat.id, branch=w.message.id)),
        ("message", lambda s, w: s.messages.list(w.chat.id, after=START, branch=w.message.id)),
    ],
    "messages.siblings": [("message", lambda s, w: s.messages.siblings(w.message.id))],
    "messages.stream": [
        ("chat", lambda s, w: stream(s, chat_id=w.chat.id)),
        ("message", lambda s, w: stream(s, chat_id=w.chat.id, parent_id=w.message.id)),
        ("message", lambda s, w: stream(s, chat_id=w.chat.id, beside=w.message.id)),
    ],
    "messages.run_answer": [
        ("chat", lambda s, w: s.messages.run_answer(w.chat.id, nothing)),
        ("message", lambda s, w: s.messages.run_answer(w.chat.id, nothing, beside=w.message.id)),
    ],
    "messages.stop_answer": [("chat", lambda s, w: s.messages.stop_answer(w.chat.id))],
    "messages.restore": [("chat", lambda s, w: s.messages.restore(w.message.id))],
    "feedback.give": [
        ("chat", lambda s, w: s.feedback.give(w.message.id, vote=1)),
        ("message", lambda s, w: s.feedback.give(w.message.id, vote=1)),
    ],
    "feedback.remove": [
        ("chat", lambda s, w: s.feedback.remove(w.message.id)),
        ("message", lambda s, w: s.feedback.remove(w.message.id)),
    ],
    "shares.create": [("chat", lambda s, w: s.shares.create(w.chat.id))],
}
# Why a method is in neither table.
OTHERS = {
    "chats.create": "makes a chat",
    "chats.trash": "is the trash",
    "chats.restore": "is the way out of the trash",
    "chats.purge": "empties the trash",
    "messages.trash": "is the trash",
    "messages.purge": "empties the trash",
    "messages.cursor_of": "sends nothing",
    "messages.sweep_interrupted": "ends answers of dead writers, wherever they are",
    "usage.record": "the ledger outlives the message",
    "usage.find": "the ledger outlives the message",
    "usage.list": "the ledger outlives the message",
    "usage.totals": "the ledger outlives the message",
    "shares.revoke": "a link can be ended while its chat is in the trash",
    "embeddings.fill": "leaves the trash out, and what is found by it: test_embeddings.py",
    "settings.*": "of no chat",
    "users.*": "of no chat",
    "accounts.*": "of no chat",
    "sessions.*": "of no chat",
    "verification_tokens.*": "of no chat",
    "auth.*": "of no chat",
    "search_cache.*": "of no chat",
    "pool.*": "lends connections",
    "schema.*": "says what the tables are",
}
# Runs what the caller wrote, and shows rows as they are stored; or does nothing with rows.
OWN_STATEMENTS = {"first", "one", "all", "page", "stream", "copy", "execute", "prepare", "scalar"}
NO_ROWS = {"open", "close", "gather", "statements", "observe", "transaction", "as_user"}

# nested() by every relation from a chat or a message, and to one.
AskedFor = Callable[[deepsearch.Schema], object]


class MessageUp(msgspec.Struct):
    id: str
    content: str
    chat: Chat


class ChatDown(Chat):
    messages: list[Message]


class UserDown(msgspec.Struct):
    id: str
    chats: list[ChatDown]


class FeedbackUp(MessageFeedback):
    message: MessageUp


class FeedbackUpIfAny(MessageFeedback):
    message: MessageUp | None


NESTED: dict[str, AskedFor] = {
    "chats": lambda s: nested(s.chats, into=ChatWithMessages),
    "messages": lambda s: nested(s.messages, into=MessageUp),
    "users": lambda s: nested(s.users, into=UserDown),
    "feedback": lambda s: nested(s.message_feedback, into=FeedbackUp),
}


@pytest.fixture
def way() -> str:
    return "18"


@pytest.fixture
async def world(db: Database, mine: UserScope, schema: deepsearch.Schema) -> World:
    other = await mine.chats.create(title="other", first_message=said("elsewhere"))
    chat = await mine.chats.create(title=OF_THE_CHAT)
    _, goes, _ = await mine.messages.append(
        chat.id, said(OF_THE_CHAT), said(f"{GOES}, {OF_THE_CHAT}"), said(OF_THE_CHAT)
    )
    beside = await mine.messages.edit(goes.id, said(OF_THE_CHAT))
    await mine.chats.move_head(
        chat.id, (await mine.messages.list(chat.id, branch=goes.id)).items[0].id
    )
    await mine.messages.append(chat.id, said(OF_THE_CHAT))
    await mine.feedback.give(goes.id, vote=1, comment="good")
    await mine.usage.record(goes.id, NewUsage(prompt_tokens=1))
    shares = [await mine.shares.create(chat.id, kind) for kind in ("snapshot", "live")]
    return World(db, schema, chat, other, goes, beside, [share.token for share in shares])


def kinds(surface: type) -> Iterator[tuple[str, type]]:
    for name, member in inspect.getmembers_static(surface):
        if isinstance(member, cached_property) and not name.startswith("_"):
            yield name, _returned(member.func)
        elif isinstance(member, property) and not name.startswith("_"):
            yield name, _returned(member.fget)


def _returned(function: Any) -> type:
    kind = get_type_hints(function)["return"]
    return getattr(kind, "__origin__", kind)


def methods(kind: type) -> list[str]:
    return [
        name
        for name, member in inspect.getmembers_static(kind, callable)
        if not name.startswith("_")
    ]


def found() -> set[str]:
    parts = [*kinds(UserScope), *kinds(Database), ("shared", Shared)]
    return {f"{part}.{name}" for part, kind in parts for name in methods(kind)}


def test_every_method_says_what_it_does_with_the_trash() -> None:
    known = {*READS, *SHARED_READS, *WRITES, *OTHERS}
    parts = {name.removesuffix(".*") for name in OTHERS if name.endswith(".*")}
    names = found()
    unsaid = {name for name in names - known if name.partition(".")[0] not in parts}
    assert not unsaid, f"say in {__name__} what these do with the trash: {sorted(unsaid)}"
    gone = {name for name in known - names if not name.endswith(".*")}
    assert not gone, "no such methods any more"


def test_so_does_every_method_of_a_database_and_a_scope() -> None:
    names = {*methods(Database), *methods(UserScope)}
    assert names == {*OWN_STATEMENTS, *NO_ROWS, *SCOPE_READS, "shared"}


def reading(what: str) -> Iterator[Any]:
    for surface in ("scope", "trusted"):
        reads_of = READS if surface == "trusted" else READS | SCOPE_READS
        for name, reads in reads_of.items():
            for number, read in enumerate(reads):
                yield pytest.param(what, surface, read, id=f"{what}-{surface}-{name}-{number}")
    for name, reads in SHARED_READS.items():
        for number, read in enumerate(reads):
            yield pytest.param(what, "trusted", read, id=f"{what}-{name}-{number}")


@pytest.mark.parametrize("what", ["chat", "message"])
async def test_what_is_deleted_is_in_no_answer_and_comes_back_whole(
    world: World, mine: UserScope, what: str
) -> None:
    """Each method is asked before, while and after: 40 calls of one world."""
    calls = [*reading(what)]
    before = {call.id: await answer(world, mine, *call.values[1:]) for call in calls}
    shows = {name for name, was in before.items() if mentions(was, world, what)}
    assert len(shows) > len(calls) / 2  # they do show it
    stored = await rows_of(world)
    await delete(mine, world, what)
    for call in calls:
        now = await answer(world, mine, *call.values[1:])
        assert not mentions(now, world, what), call.id
        if call.id not in shows:
            assert now == counted(call.id, before[call.id], what), call.id
    await restore(mine, world, what)
    for call in calls:
        assert await answer(world, mine, *call.values[1:]) == before[call.id], call.id
    assert await rows_of(world) == stored


@pytest.mark.parametrize("what", ["chat", "message"])
@pytest.mark.parametrize("surface", ["scope", "trusted"])
async def test_what_needs_it_does_not_find_it_and_changes_nothing(
    world: World, mine: UserScope, what: str, surface: str
) -> None:
    scope = mine if surface == "scope" else world.db
    await delete(mine, world, what)
    stored = await rows_of(world)
    for name, calls in WRITES.items():
        for deleted, call in calls:
            if deleted == what:
                with pytest.raises(
                    (ChatNotFoundError, MessageNotFoundError, FeedbackNotFoundError)
                ):
                    await call(scope, world)
                    pytest.fail(f"{name} found it")
    assert await rows_of(world) == stored


@pytest.mark.parametrize("what", ["chat", "message"])
async def test_nested_rows_leave_it_out_at_every_level(
    world: World, mine: UserScope, what: str
) -> None:
    db, schema = world.db, world.schema
    before = {name: await db.all(ask(schema)) for name, ask in NESTED.items()}
    assert all(mentions(rows, world, what) for rows in before.values())
    await delete(mine, world, what)
    for name, ask in NESTED.items():
        assert not mentions(await db.all(ask(schema)), world, what), name
    (without,) = await db.all(nested(schema.message_feedback, into=FeedbackUpIfAny))
    assert without.message is None
    ways = [
        nested(schema.chats, into=ChatWithMessages, with_deleted=True),
        nested(schema.messages, into=MessageUp, with_deleted=True),
        nested(schema.users, into=UserDown, with_deleted=True),
        nested(schema.message_feedback, into=FeedbackUp, with_deleted=True),
    ]
    for way in ways:
        assert mentions(await db.all(way), world, what)
    await restore(mine, world, what)
    for name, ask in NESTED.items():
        assert plain(await db.all(ask(schema))) == plain(before[name]), name


async def test_a_statement_of_ones_own_shows_rows_as_they_are_stored(
    world: World, mine: UserScope
) -> None:
    messages = world.schema.messages
    contents = select(messages.c.content).where(messages.c.chat_id == world.chat.id)
    await mine.messages.delete(world.message.id)
    assert mentions(await world.db.all(contents), world, "message")
    assert not mentions(await world.db.all(contents.where(live(messages))), world, "message")
    alias = messages.alias("m")
    over = select(alias.c.content).where(live(alias))
    assert not mentions(await world.db.all(over), world, "message")
    everybody = select(world.schema.users.c.id).where(live(world.schema.users))
    assert len(await world.db.all(everybody)) == 1


async def answer(world: World, mine: UserScope, surface: str, read: Read) -> object:
    try:
        result = await read(mine if surface == "scope" else world.db, world)
    except NotFoundError as error:
        return type(error)
    return plain(result)


def plain(result: object) -> Any:
    """The answer as JSON has it, but for what may change: revisions and cursors."""
    return without(msgspec.to_builtins(result), {"revision", "next_cursor", "previous_cursor"})


def without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: without(inner, names) for key, inner in value.items() if key not in names}
    if isinstance(value, list):
        return [without(inner, names) for inner in value]
    return value


def mentions(result: object, world: World, what: str) -> bool:
    """Whether it is there; what follows a message, or a chat whose head it was, may name it."""
    links = {"head", "parentId", "parent_id"}
    text = repr(without(result if isinstance(result, type) else plain(result), links))
    ids = (world.chat.id, world.message.id)
    marks = {"chat": (*ids, OF_THE_CHAT), "message": (world.message.id, GOES)}
    return any(mark in text for mark in marks[what])


def counted(name: str, before: object, what: str) -> object:
    """What an answer that names neither is to be afterwards: it is a count."""
    if ".count-" not in name:
        return before
    assert isinstance(before, int)
    if what == "chat":
        return before - 1 if "chats.count" in name else ChatNotFoundError
    return before if "chats.count" in name else before - 1


async def delete(mine: UserScope, world: World, what: str) -> None:
    if what == "chat":
        await mine.chats.delete(world.chat.id)
    else:
        await mine.messages.delete(world.message.id)


async def restore(mine: UserScope, world: World, what: str) -> None:
    if what == "chat":
        await mine.chats.restore(world.chat.id)
    else:
        await mine.messages.restore(world.message.id)


async def rows_of(world: World) -> list[Any]:
    """Every stored row that may change, but for the chats' revisions."""
    schema = world.schema
    tables = (schema.chats, schema.messages, schema.message_feedback, schema.chat_shares)
    found: list[Any] = []
    for table in tables:
        columns = [column for column in table.c if column.key != "revision"]
        async with world.db.stream(table.select().with_only_columns(*columns)) as rows:
            found += sorted([repr(row) async for row in rows])
    return found
