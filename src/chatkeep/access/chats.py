"""Chats: `chats` in a user's scope, and `db.chats` for trusted code."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar, overload

from chatkeep.access import trash
from chatkeep.access.chat_queries import ChatQueries
from chatkeep.access.latest import Latest
from chatkeep.access.paging import MIN_SEQ, START, check_limit, read_seq, write_cursor
from chatkeep.access.placing import check_revision
from chatkeep.access.rows import Values, set_values
from chatkeep.engine.run import Runner
from chatkeep.errors import (
    ChatNotFoundError,
    ConflictError,
    InvalidInputError,
    MessageNotFoundError,
    RevisionConflictError,
)
from chatkeep.inputs.deepsearch import ChatChanges, NewChat, NewMessage
from chatkeep.inputs.text import check_id
from chatkeep.records.deepsearch import Chat, ChatWithMessages, Message, TrashedChat
from chatkeep.records.page import Page

FoundT = TypeVar("FoundT")


class AnyChats:
    """Chats of all users, for trusted code; a request handler uses `db.as_user(id).chats`."""

    def __init__(
        self, runner: Runner, queries: ChatQueries, scope: Mapping[str, object] | None = None
    ) -> None:
        self._runner = runner
        self._queries = queries
        self._scope: Mapping[str, object] = scope or {}

    @overload
    async def get(self, chat_id: str) -> Chat: ...
    @overload
    async def get(self, chat_id: str, *, messages: int) -> ChatWithMessages: ...
    async def get(self, chat_id: str, *, messages: int | None = None) -> Chat | ChatWithMessages:
        """Give a chat; with `messages=100` with its first 100 messages, oldest first.

        One statement either way.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            InvalidInputError: `messages` is not from 1 to 1000.
        """
        if messages is None:
            return _found(await self.find(chat_id))
        values = {
            **self._scope,
            "id": chat_id,
            "messages": check_limit(messages, "messages"),
            "seq": MIN_SEQ,
        }
        return _found(await self._queries.get_with_messages.first(self._runner, values))

    async def find(self, chat_id: str) -> Chat | None:
        """Give a chat, or None."""
        return await self._queries.find.first(self._runner, {**self._scope, "id": chat_id})

    async def list(
        self, limit: int = 50, *, after: str | None = None, before: str | None = None
    ) -> Page[Chat]:
        """Give chats by last activity, the latest first.

        In a user's scope an index serves it. Of all users' chats it is a scan: for reports.

        Args:
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before. A chat with new activity moves to the front,
                behind the reader's back; no other is lost or shown twice.
            before: `previous_cursor` of the page after, or `END`: the page towards later
                activity, also the latest first.

        Raises:
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is not one of this list.
        """
        user_id = self._scope.get("user_id", "")
        pages = Latest(self._runner, self._queries, "chats.list", str(user_id))
        return await pages.page(self._scope, limit, after, before)

    async def update(
        self,
        chat_id: str,
        changes: ChatChanges | None = None,
        *,
        title: str | None = None,
        expected_revision: int | None = None,
    ) -> Chat:
        """Change a chat; `title="..."` is short for `ChatChanges(title="...")`.

        Its last activity moves to now, and its revision by one. Without any field set nothing is
        written.

        Args:
            chat_id: Which chat.
            changes: What is new.
            title: The same, where it is the title alone.
            expected_revision: Refuse unless the chat has this `revision`.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            RevisionConflictError: The chat was changed since the revision that was expected.
            InvalidInputError: The title is too long, or these are not the changes of a chat.
        """
        if changes is None:
            changes = ChatChanges() if title is None else ChatChanges(title=title)
        elif title is not None:
            raise InvalidInputError(
                "chats.update takes changes or a title, not both.", field="title"
            )
        rows = self._queries.rows
        values = rows.changed_values(changes)
        expected = check_revision(expected_revision)
        if not values:
            return _at_revision(await self.get(chat_id), expected)
        query = self._queries.update(values, has_expected=expected is not None)
        given: Values = {**set_values(values), **self._scope, "id": chat_id}
        if expected is not None:
            given["expected_revision"] = expected
        updated = await query.first(self._runner, given)
        if updated is None and expected is not None:
            _at_revision(await self.get(chat_id), expected)
            raise ConflictError("The chat was changed at the same time.", hint="Try again.")
        return _found(updated)

    async def delete(self, chat_id: str, *, hard: bool = False) -> None:
        """Put a chat with its messages into the trash: `restore` brings both back.

        From then on no method finds them, but for `restore`, `trash` and a hard delete. Outside of
        a transaction it is one of two statements.

        Args:
            chat_id: Which chat.
            hard: Remove chat and messages for good instead, also from the trash.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user; or it is in the trash
                already, and `hard` was not given.
        """
        key = {**self._scope, "id": chat_id}
        if not await trash.delete_chat(self._runner, self._queries.trash, key, hard=hard):
            raise ChatNotFoundError("No such chat.")

    async def restore(self, chat_id: str) -> Chat:
        """Bring a chat back from the trash, and the messages that went into it with the chat.

        Messages that were deleted before, one by one, stay in the trash. Outside of a transaction
        it is one of two statements.

        Raises:
            ChatNotFoundError: No such chat in the trash, or it belongs to another user.
        """
        key = {**self._scope, "id": chat_id}
        chat = await trash.restore_chat(self._runner, self._queries.trash, key)
        if chat is None:
            raise ChatNotFoundError("No such chat in the trash.")
        return chat

    async def trash(
        self, limit: int = 50, *, after: str | None = None, before: str | None = None
    ) -> Page[TrashedChat]:
        """Give the chats in the trash, what was deleted last first.

        In a user's scope an index serves it. Of all users' chats it is a scan of the trash.

        Args:
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before.
            before: `previous_cursor` of the page after, or `END`.

        Raises:
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is not one of this list.
        """
        user_id = self._scope.get("user_id", "")
        pages = Latest(
            self._runner, self._queries.trash.pages, "chats.trash", str(user_id), "trash"
        )
        return await pages.page(self._scope, limit, after, before)

    async def move_head(
        self, chat_id: str, message_id: str, *, expected_revision: int | None = None
    ) -> Chat:
        """Show the branch that ends with a message; what is appended next follows that message.

        Nothing is rewritten: every other branch stays, and `move_head` leads back to it.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            MessageNotFoundError: No such message in this chat.
            RevisionConflictError: The chat was changed since the revision that was expected.
        """
        expected = check_revision(expected_revision)
        query = self._queries.move_head(has_expected=expected is not None)
        head = check_id(message_id, "message_id")
        values: Values = {**self._scope, "id": chat_id, "head": head}
        if expected is not None:
            values["expected_revision"] = expected
        moved = await query.first(self._runner, values)
        if moved is not None:
            return moved
        _at_revision(await self.get(chat_id), expected)
        raise MessageNotFoundError("No such message in this chat.")

    async def fork(self, chat_id: str, *, at: str | None = None, title: str | None = None) -> Chat:
        """Copy a branch into a chat of its own, in one statement.

        The copies have new ids and keep their times; feedback and usage stay with the originals. An
        answer that is still being written is left out.

        Args:
            chat_id: Which chat.
            at: Id of the last message to copy; the branch that the chat shows unless given.
            title: Of the new chat; the old one's unless given.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            MessageNotFoundError: `at` is no message of this chat.
            InvalidInputError: The title is too long.
        """
        new = _new_chat(None, title)
        values = {**self._scope, "id": chat_id, "tip": at, "new_id": new.id, "title": title}
        made = await self._queries.fork.first(self._runner, values)
        if made is None:
            await self.get(chat_id)
            raise MessageNotFoundError("No such message in this chat.")
        return made

    async def tree(
        self, chat_id: str, limit: int = 1000, *, after: str | None = None
    ) -> Page[Message]:
        """Give the messages of all branches of a chat, oldest first, in one statement.

        What a message follows comes before it, and the messages that follow the same one in the
        order in which they were stored: `parent_id` makes the tree of them. One in the trash is
        left out, and what follows it still names it.

        An empty page costs a second statement, which tells an empty chat from none.

        Args:
            chat_id: Which chat.
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            InvalidInputError: The limit is out of bounds.
            InvalidCursorError: The cursor is not one of this chat's tree.
        """
        name = f"tree\0{self._scope.get('user_id', '')}\0{chat_id}"
        place = read_seq(name, before=None, after=START if after is None else after)
        key = {**self._scope, "id": chat_id}
        values: Values = {**key, "seq": place, "limit": check_limit(limit) + 1}
        rows = await self._queries.tree.all(self._runner, values)
        if not rows:
            await self.get(chat_id)
        has_more = len(rows) > limit
        items = rows[:limit]
        return Page(items, write_cursor(name, items[-1].seq) if has_more else None)

    async def count(self) -> int:
        """Count the chats."""
        return await self._queries.count.first(self._runner, self._scope) or 0

    async def _create(self, user_id: str, new: NewChat, first: NewMessage | None) -> Chat:
        queries = self._queries
        values: Values = {**queries.rows.new_values(new), "user_id": user_id}
        if first is None:
            return _found(await queries.rows.insert(values).first(self._runner, values))
        said = queries.messages.new_values(first, "first_message")
        said.pop("parent_id", None)  # it is the first
        query = queries.create_with_message(values, said)
        given = {**values, **{f"message_{name}": value for name, value in said.items()}}
        return _found(await query.first(self._runner, given))


class TrustedChats(AnyChats):
    """Chats of all users, for trusted code; a request handler uses `db.as_user(id).chats`."""

    async def create(
        self,
        user_id: str,
        new: NewChat | None = None,
        *,
        title: str | None = None,
        first_message: NewMessage | None = None,
    ) -> Chat:
        """Start a chat of a user; see `Chats.create`.

        Raises:
            ReferencedRowError: No such user.
            AlreadyExistsError: A chat (or message) with this id exists.
            InvalidInputError: The title is too long, the input is of another table, or both were
                given.
        """
        new = _new_chat(new, title)
        return await self._create(check_id(user_id, "user_id"), new, first_message)

    async def purge(self, *, older_than: timedelta, limit: int = 100) -> int:
        """Remove chats for good that have been in the trash for longer, with their messages.

        One statement, and at most `limit` chats: call it again until it gives 0. A chat that
        somebody is restoring at that moment is passed over.

        Args:
            older_than: How long what was deleted stays in the trash.
            limit: At most so many chats, 1 to 1000.

        Returns:
            How many chats were removed.

        Raises:
            InvalidInputError: `older_than` is no timedelta, or negative; the limit is out of bounds.
        """
        return await trash.purge_chats(
            self._runner, self._queries.trash.purge, older_than=older_than, limit=limit
        )


class Chats(AnyChats):
    """Chats of one user. Another user's chat is not found."""

    async def create(
        self,
        new: NewChat | None = None,
        *,
        title: str | None = None,
        first_message: NewMessage | None = None,
    ) -> Chat:
        """Start a chat; `title="..."` is short for `NewChat(title="...")`, without it "New Chat".

        With `first_message` chat and message are stored in one statement, both or neither.

        Raises:
            ReferencedRowError: No such user.
            AlreadyExistsError: A chat (or message) with this id exists.
            InvalidInputError: The title is too long, the input is of another table, or both were
                given.
        """
        user_id = str(self._scope["user_id"])
        new = _new_chat(new, title)
        return await self._create(user_id, new, first_message)


def _new_chat(new: NewChat | None, title: str | None) -> NewChat:
    if new is None:
        return NewChat(title="New Chat" if title is None else title)
    if title is None:
        return new
    raise InvalidInputError("chats.create takes an input or a title, not both.", field="title")


def _at_revision(chat: Chat, expected: int | None) -> Chat:
    if expected is not None and chat.revision != expected:
        raise RevisionConflictError(expected, chat.revision)
    return chat


def _found(chat: FoundT | None) -> FoundT:
    if chat is None:
        raise ChatNotFoundError("No such chat.")
    return chat
