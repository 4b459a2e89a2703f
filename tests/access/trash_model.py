"""Chats, branches and trash in plain Python, as the docs tell them; random series run on both."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

from chatkeep import (
    START,
    ChatNotFoundError,
    Database,
    MessageNotFoundError,
    NewMessage,
    NotFoundError,
)
from chatkeep.access.scope import UserScope


@dataclass
class Said:
    """A message; `deleted` is the tick of its deletion."""

    id: str
    parent: str | None
    deleted: int | None = None


@dataclass
class Talk:
    """A chat; its messages stand in the order of `seq`."""

    id: str
    head: str | None = None
    is_branched: bool = False
    revision: int = 0
    deleted: int | None = None
    messages: dict[str, Said] = field(default_factory=dict)

    def live(self) -> list[str]:
        return [m.id for m in self.messages.values() if m.deleted is None]

    def follows(self) -> str | None:
        """What a message follows that names nothing."""
        if self.is_branched or self.head is not None:
            return self.head
        return next(reversed(self.live()), None)

    def branch(self, tip: str | None) -> list[str]:
        found: list[str] = []
        while tip is not None:
            found.append(tip)
            tip = self.messages[tip].parent
        return [name for name in reversed(found) if self.messages[name].deleted is None]

    def shown(self) -> list[str]:
        return self.branch(self.head) if self.is_branched else self.live()

    def siblings(self, name: str) -> list[str]:
        parent = self.messages[name].parent
        return [other for other in self.live() if self.messages[other].parent == parent]

    def add(self, name: str, parent: str | None) -> None:
        self.is_branched |= parent != self.follows()
        self.messages[name] = Said(name, parent)
        self.head = name

    def remove(self, names: set[str]) -> None:
        """Take messages away for good; who followed one follows what it followed."""
        for message in [*self.messages.values(), None]:
            place = self.head if message is None else message.parent
            while place in names:
                place = self.messages[place].parent
            if message is None:
                self.head = place
            else:
                message.parent = place
        for name in names:
            del self.messages[name]
        self.revision += 1


class Series:
    """A random series of one user's calls, each on the database and on the model."""

    def __init__(self, db: Database, mine: UserScope, seed: int) -> None:
        self.db = db
        self.mine = mine
        self.random = random.Random(seed)
        self.talks: dict[str, Talk] = {}
        self.done: list[str] = []
        self._ticks = count(1)
        self._names = count(1)

    async def run(self, steps: int) -> None:
        for _ in range(steps):
            step = self.random.choice(STEPS) if self.talks else Series.create
            self.done.append(step.__name__)
            await step(self)
            await self.compare()

    # Each of these does one thing on both sides; what cannot be is to be refused.

    async def create(self) -> None:
        if len(self.talks) < 4:
            chat = await self.mine.chats.create(title="T")
            self.talks[chat.id] = Talk(chat.id)

    async def append(self) -> None:
        talk = self._talk()
        names = [self._name() for _ in range(self.random.randint(1, 3))]
        if await self._refused(
            talk.deleted, self.mine.messages.append(talk.id, *map(said, names)), ChatNotFoundError
        ):
            return
        for name in names:
            talk.add(name, talk.follows())
        talk.revision += 1

    async def append_to(self) -> None:
        """After any message: one in the trash is not there."""
        talk = self._talk()
        parent = self._any(talk)
        if parent is None:
            return
        name = self._name()
        is_refused = talk.deleted or talk.messages[parent].deleted
        call = self.mine.messages.append(talk.id, said(name, parent_id=parent))
        if not await self._refused(is_refused, call, NotFoundError):
            talk.add(name, parent)
            talk.revision += 1

    async def edit(self) -> None:
        talk = self._talk()
        old = self._any(talk)
        if old is None:
            return
        name = self._name()
        call = self.mine.messages.edit(old, said(name))
        if not await self._refused(talk.messages[old].deleted, call, MessageNotFoundError):
            talk.add(name, talk.messages[old].parent)
            talk.revision += 1

    async def move_head(self) -> None:
        talk = self._talk()
        to = self._any(talk)
        if to is None:
            return
        call = self.mine.chats.move_head(talk.id, to)
        if not await self._refused(talk.messages[to].deleted, call, NotFoundError):
            talk.is_branched |= talk.head != to
            talk.head = to
            talk.revision += 1

    async def delete(self) -> None:
        talk = self._talk()
        name = self._any(talk)
        if name is None:
            return
        call = self.mine.messages.delete(name)
        if not await self._refused(talk.messages[name].deleted, call, MessageNotFoundError):
            talk.messages[name].deleted = next(self._ticks)
            talk.revision += 1

    async def restore(self) -> None:
        talk = self._talk()
        name = self._any(talk)
        if name is None:
            return
        is_refused = talk.deleted or talk.messages[name].deleted is None
        call = self.mine.messages.restore(name)
        if not await self._refused(is_refused, call, MessageNotFoundError):
            talk.messages[name].deleted = None
            talk.revision += 1

    async def delete_hard(self) -> None:
        talk = self._talk()
        name = self._any(talk)
        if name is not None:
            await self.mine.messages.delete(name, hard=True)
            talk.remove({name})

    async def delete_chat(self) -> None:
        talk = self._talk()
        if await self._refused(talk.deleted, self.mine.chats.delete(talk.id), ChatNotFoundError):
            return
        talk.deleted = next(self._ticks)
        talk.revision += 1
        for name in talk.live():
            talk.messages[name].deleted = talk.deleted

    async def restore_chat(self) -> None:
        talk = self._talk()
        is_refused = talk.deleted is None
        if await self._refused(is_refused, self.mine.chats.restore(talk.id), ChatNotFoundError):
            return
        for message in talk.messages.values():
            if message.deleted == talk.deleted:
                message.deleted = None
        talk.deleted = None
        talk.revision += 1

    async def delete_chat_hard(self) -> None:
        if len(self.talks) > 2:
            talk = self._talk()
            await self.mine.chats.delete(talk.id, hard=True)
            del self.talks[talk.id]

    async def purge(self) -> None:
        expected = 0
        for talk in self.talks.values():
            alone = {
                m.id for m in talk.messages.values() if m.deleted and m.deleted != talk.deleted
            }
            expected += len(alone)
            if alone:
                talk.remove(alone)
        assert await self.db.messages.purge(older_than=timedelta(), limit=1000) == expected

    async def purge_chats(self) -> None:
        gone = [talk.id for talk in self.talks.values() if talk.deleted]
        assert await self.db.chats.purge(older_than=timedelta()) == len(gone)
        for name in gone:
            del self.talks[name]

    async def fork(self) -> None:
        talk = self._talk()
        at = self._any(talk)
        if len(self.talks) > 5 or at is None:
            return
        is_refused = talk.messages[at].deleted
        made: list[str] = []

        async def call() -> None:
            made.append((await self.mine.chats.fork(talk.id, at=at)).id)

        if await self._refused(is_refused, call(), NotFoundError):
            return
        copy = Talk(made[0], revision=1)
        copies = (await self.mine.messages.list(copy.id, after=START, limit=1000)).items
        originals = [(await self.mine.messages.get(name)).content for name in talk.branch(at)]
        assert [message.content for message in copies] == originals
        for message in copies:
            copy.add(message.id, copy.head)
        self.talks[copy.id] = copy

    # What everybody can see is the same on both sides.

    async def compare(self) -> None:
        mine = self.mine
        there = [talk for talk in self.talks.values() if talk.deleted is None]
        assert {chat.id for chat in (await mine.chats.list(limit=100)).items} == {
            talk.id for talk in there
        }
        assert await mine.chats.count() == len(there)
        assert await self._trash_of(mine.chats.trash) == self._trashed(
            (talk.deleted, talk.id) for talk in self.talks.values()
        )
        assert await self._trash_of(mine.messages.trash) == self._trashed(
            (message.deleted, message.id) for talk in there for message in talk.messages.values()
        )
        if self.talks:
            await self._compare_talk(self._talk())

    async def _compare_talk(self, talk: Talk) -> None:
        mine = self.mine
        chosen = self._any(talk)
        if chosen is not None:
            message = await mine.messages.find(chosen)
            known = talk.messages[chosen]
            assert (message is None) == (known.deleted is not None)
            if message is not None:
                assert message.parent_id == known.parent
        if talk.deleted is not None:
            assert await mine.chats.find(talk.id) is None
            return
        whole = await mine.chats.get(talk.id, messages=1000)
        shown = talk.shown()
        assert (whole.head, whole.revision) == (talk.head, talk.revision)
        assert [message.id for message in whole.messages] == shown
        assert await self._walk(talk.id, START) == shown
        assert await self._walk(talk.id, None) == shown[::-1]
        assert await mine.messages.count(talk.id) == len(talk.live())
        if chosen in talk.live():
            assert [m.id for m in await mine.messages.siblings(chosen)] == talk.siblings(chosen)
            page = await mine.messages.list(talk.id, after=START, limit=1000, branch=chosen)
            assert [message.id for message in page.items] == talk.branch(chosen)

    async def _walk(self, chat_id: str, after: str | None) -> list[str]:
        found: list[str] = []
        page = await self.mine.messages.list(chat_id, limit=3, after=after)
        found += [message.id for message in page.items]
        while page.next_cursor:
            turn = "before" if after is None else "after"
            page = await self.mine.messages.list(chat_id, limit=3, **{turn: page.next_cursor})
            found += [message.id for message in page.items]
        return found

    async def _trash_of(self, trash: object) -> list[str]:
        page = await trash(limit=3)  # type: ignore[operator]
        found = [row.id for row in page.items]
        while page.next_cursor:
            page = await trash(limit=3, after=page.next_cursor)  # type: ignore[operator]
            found += [row.id for row in page.items]
        return found

    def _trashed(self, rows: Iterator[tuple[int | None, str]]) -> list[str]:
        return [name for deleted, name in sorted(r for r in rows if r[0])[::-1] if deleted]

    def _talk(self) -> Talk:
        return self.random.choice(list(self.talks.values()))

    def _any(self, talk: Talk) -> str | None:
        return self.random.choice(list(talk.messages)) if talk.messages else None

    def _name(self) -> str:
        return f"msg_{next(self._names)}"

    async def _refused(self, is_refused: object, call: object, error: type[NotFoundError]) -> bool:
        try:
            await call  # type: ignore[misc]
        except error:
            assert is_refused, f"{self.done[-1]} was refused"
            return True
        assert not is_refused, f"{self.done[-1]} was not refused"
        return False


def said(name: str, **given: str) -> NewMessage:
    return NewMessage(id=name, role="user", content=f"text of {name}", **given)


# What is done often stands more than once.
STEPS = [
    *[Series.create, Series.append, Series.append, Series.append, Series.append_to],
    *[Series.edit, Series.move_head, Series.delete, Series.delete, Series.delete],
    *[Series.restore, Series.restore, Series.delete_hard, Series.delete_chat],
    *[Series.restore_chat, Series.restore_chat, Series.delete_chat_hard],
    *[Series.purge, Series.purge_chats, Series.fork],
]
