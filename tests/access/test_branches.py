"""Branches of random chats, against a plain model in Python."""

import random
from dataclasses import dataclass, field

import asyncpg
import pytest
from sqlalchemy import func, select

from chatkeep import (
    END,
    START,
    Chat,
    Database,
    InvalidInputError,
    Message,
    MessageNotFoundError,
    NewMessage,
    RevisionConflictError,
    User,
)
from chatkeep.access.scope import UserScope
from fixtures.servers import PgServer

SEEDS = {"18": 80, "15": 10, "18 behind pgbouncer": 10}
STEPS = 6


@dataclass
class Tree:
    """What a chat should be: messages with their parents, in their order, and what is shown."""

    parents: dict[str, str | None] = field(default_factory=dict)
    head: str | None = None
    revision: int = 0

    def add(self, message: str, parent: str | None) -> None:
        self.parents[message] = parent

    def moved(self, head: str) -> None:
        self.head = head
        self.revision += 1

    def branch(self, tip: str | None) -> list[str]:
        path: list[str] = []
        while tip is not None:
            path.append(tip)
            tip = self.parents[tip]
        return path[::-1]

    def siblings(self, message: str) -> list[str]:
        parent = self.parents[message]
        return [other for other, above in self.parents.items() if above == parent]


def ids(messages: list[Message]) -> list[str]:
    return [message.id for message in messages]


class Walk:
    """Takes random steps in one chat and in its model, and compares them."""

    def __init__(self, mine: UserScope, chat: Chat, seed: int) -> None:
        self.mine = mine
        self.chat = chat
        self.random = random.Random(seed)
        self.tree = Tree()

    async def step(self) -> None:
        steps = [self.append, self.append, self.place]
        if self.tree.parents:
            steps += [self.edit, self.move, self.fork]
        await self.random.choice(steps)()
        await self.compare()

    async def append(self) -> None:
        new = [message() for _ in range(self.random.randint(1, 4))]
        self.stored(new, await self.mine.messages.append(self.chat.id, *new))

    async def place(self) -> None:
        """Messages that follow the one before, one of the chat, one of the call, or none."""
        new: list[NewMessage] = []
        for _ in range(self.random.randint(1, 5)):
            known = [*self.tree.parents, *(other.id for other in new)]
            parent = self.random.choice([None, *known])
            new.append(message(parent_id=parent) if self.random.random() < 0.6 else message())
        self.stored(new, await self.mine.messages.append(self.chat.id, *new))

    async def edit(self) -> None:
        old = self.random.choice(list(self.tree.parents))
        stored = await self.mine.messages.edit(old, message())
        self.tree.add(stored.id, self.tree.parents[old])
        self.tree.moved(stored.id)

    async def move(self) -> None:
        tip = self.random.choice(list(self.tree.parents))
        moved = await self.mine.chats.move_head(
            self.chat.id, tip, expected_revision=self.tree.revision
        )
        self.tree.moved(tip)
        assert (moved.head, moved.revision) == (tip, self.tree.revision)

    async def fork(self) -> None:
        tip = self.random.choice([None, *self.tree.parents])
        copy = await self.mine.chats.fork(self.chat.id, at=tip)
        wanted = self.tree.branch(self.tree.head if tip is None else tip)
        copied = (await self.mine.chats.get(copy.id, messages=1000)).messages
        assert [m.content for m in copied] == wanted
        assert [m.parent_id for m in copied] == [None, *ids(copied)[:-1]]
        assert (copy.head, copy.revision) == (copied[-1].id, 1)
        assert not set(ids(copied)) & self.tree.parents.keys()

    def stored(self, new: list[NewMessage], stored: list[Message]) -> None:
        assert ids(stored) == [given.id for given in new]
        before = self.tree.head
        for given in new:
            named = "parent_id" in given.model_fields_set
            self.tree.add(given.id, given.parent_id if named else before)
            before = given.id
        self.tree.moved(new[-1].id)
        assert [m.parent_id for m in stored] == [self.tree.parents[m.id] for m in stored]

    async def compare(self) -> None:
        """The branch that is shown, and one other, in pages both ways; siblings; the whole."""
        messages, tree = self.mine.messages, self.tree
        chat = await self.mine.chats.get(self.chat.id, messages=self.random.randint(1, 8))
        shown = tree.branch(tree.head)
        assert ids(chat.messages) == shown[: len(chat.messages)]
        assert (chat.head, chat.revision) == (tree.head, tree.revision)
        one = self.random.choice(list(tree.parents))
        forward = self.random.random() < 0.5
        for tip, is_forward in ((None, forward), (one, not forward)):
            wanted = shown if tip is None else tree.branch(tip)
            found = await self.pages(tip, forward=is_forward)
            assert found == (wanted if is_forward else wanted[::-1])
        assert ids(await messages.siblings(one)) == tree.siblings(one)
        assert await messages.count(self.chat.id) == len(tree.parents)

    async def pages(self, tip: str | None, *, forward: bool) -> list[str]:
        cursor = START if forward else END
        limit, found = self.random.randint(2, 9), []
        while cursor is not None:
            way = {"after": cursor} if forward else {"before": cursor}
            page = await self.mine.messages.list(self.chat.id, limit, branch=tip, **way)
            found += ids(page.items)
            cursor = page.next_cursor
        return found


def message(**more: object) -> NewMessage:
    """A message that says its own id, so that a copy tells whose it is."""
    new = NewMessage.model_validate({"role": "user", "content": "x", **more})
    return new.model_copy(update={"content": new.id})


async def analyze(server: PgServer, db: Database) -> None:
    name = await db.scalar(select(func.current_database()))
    connection = await asyncpg.connect(server.url(name))
    await connection.execute("ANALYZE")
    await connection.close()


async def test_random_chats_are_what_a_plain_model_says(
    request: pytest.FixtureRequest, db: Database, mine: UserScope, way: str
) -> None:
    for seed in range(SEEDS[way]):
        if seed in {2, 10, 50}:  # what autovacuum does for a database that is not of this minute
            await analyze(request.getfixturevalue(f"pg{way[:2]}"), db)
        chat = await mine.chats.create(title=str(seed))
        walk = Walk(mine, chat, seed)
        try:
            for _ in range(STEPS):
                await walk.step()
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise


async def test_a_branch_is_read_in_one_statement(db: Database, mine: UserScope, chat: Chat) -> None:
    first, second = await mine.messages.append(chat.id, message(), message())
    await mine.messages.edit(second.id, message())
    with db.statements() as sent:
        await mine.messages.list(chat.id)
        await mine.messages.list(chat.id, after=START)
        await mine.messages.list(chat.id, branch=second.id)
        await mine.chats.get(chat.id, messages=10)
        await mine.messages.siblings(second.id)
        await mine.chats.move_head(chat.id, second.id)
        await mine.chats.fork(chat.id, at=first.id)
        await mine.messages.append(chat.id, message(parent_id=first.id), message())
    assert sent.names == [
        "messages.list_before",
        "messages.list_after",
        "messages.list_branch_before",
        "chats.get_with_messages",
        "messages.siblings",
        "chats.move_head",
        "chats.fork",
        "messages.append",
    ]


async def test_an_edit_keeps_the_old_answer(mine: UserScope, chat: Chat) -> None:
    question, old = await mine.messages.append(chat.id, message(), message())
    new = await mine.messages.edit(old.id, message())
    assert ids((await mine.messages.list(chat.id, after=START)).items) == [question.id, new.id]
    assert await mine.messages.get(old.id) == old
    await mine.chats.move_head(chat.id, old.id)
    assert ids((await mine.messages.list(chat.id, after=START)).items) == [question.id, old.id]


async def test_an_edit_is_refused_where_the_chat_was_changed(mine: UserScope, chat: Chat) -> None:
    _, old = await mine.messages.append(chat.id, message(), message())
    now = await mine.chats.get(chat.id)
    new = await mine.messages.edit(old.id, message(), expected_revision=now.revision)
    with pytest.raises(RevisionConflictError):
        await mine.messages.edit(old.id, message(), expected_revision=now.revision)
    assert ids(await mine.messages.siblings(old.id)) == [old.id, new.id]


async def test_what_is_no_message_of_the_chat_is_not_found(
    db: Database, mine: UserScope, stranger: User, chat: Chat
) -> None:
    (own,) = await mine.messages.append(chat.id, message())
    other = await mine.chats.create(title="Other")
    (elsewhere,) = await mine.messages.append(other.id, message())
    theirs = db.as_user(stranger.id)
    their_chat = await theirs.chats.create(title="Theirs")
    (foreign,) = await theirs.messages.append(their_chat.id, message())
    before = await mine.chats.get(chat.id, messages=10)
    for missing in (elsewhere.id, foreign.id, "nothing"):
        for call in (
            mine.messages.append(chat.id, message(parent_id=missing)),
            mine.messages.append(chat.id, message(), message(parent_id=missing)),
            mine.messages.list(chat.id, branch=missing),
            mine.chats.move_head(chat.id, missing),
            mine.chats.fork(chat.id, at=missing),
        ):
            with pytest.raises(MessageNotFoundError):
                await call
    for call in (mine.messages.edit(foreign.id, message()), mine.messages.siblings(foreign.id)):
        with pytest.raises(MessageNotFoundError):
            await call
    with pytest.raises(InvalidInputError):
        await mine.messages.edit(own.id, message(parent_id=None))
    assert await mine.chats.get(chat.id, messages=10) == before
    assert await mine.chats.count() == 2
