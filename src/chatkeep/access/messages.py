"""Messages: `messages` in a user's scope, and `db.messages` for trusted code."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, cast

from chatkeep.access import trash
from chatkeep.access.answering import Answering, Sweeping
from chatkeep.access.latest import Latest
from chatkeep.access.message_queries import MessageQueries
from chatkeep.access.paging import (
    check_direction,
    check_limit,
    page_by_seq,
    read_seq,
    write_cursor,
)
from chatkeep.access.placing import Placed, check_revision, is_same, placed
from chatkeep.engine.run import Runner
from chatkeep.errors import (
    AlreadyExistsError,
    ChatNotFoundError,
    ConflictError,
    InvalidInputError,
    MessageNotFoundError,
    RevisionConflictError,
)
from chatkeep.inputs.deepsearch import NewMessage
from chatkeep.records.deepsearch import Message, TrashedMessage
from chatkeep.records.page import Page

if TYPE_CHECKING:
    from chatkeep.access.rows import Values

MAX_APPEND = 1000


class Messages(Answering):
    """Messages of one user; of all users where it is `db.messages`, for trusted code.

    Another user's chat or message is not found.
    """

    def __init__(
        self, runner: Runner, queries: MessageQueries, scope: Mapping[str, object] | None = None
    ) -> None:
        self._runner = runner
        self._queries = queries
        self._scope: Mapping[str, object] = scope or {}

    async def append(
        self, chat_id: str, *messages: NewMessage, expected_revision: int | None = None
    ) -> list[Message]:
        """Add messages to the end of a chat, in the order given, and give them as stored.

        All are stored in one statement, or none. The chat's `updated_at` moves, so `chats.list()`
        shows it first; its `head` becomes the last of them, and its `revision` grows by one.
        Appends to one chat wait for each other, to the end of their transactions: `seq` follows
        the order of the commits, and a reader that follows it misses nothing.

        Each message follows the one before it, the first one the chat's head. One with a
        `parent_id` follows that message instead, and the chat has one more branch; with None,
        given, it begins a branch at the start of the chat.

        With ids of the caller's own a call can be made again: what is stored already is given
        back, and nothing is added.

        Args:
            chat_id: Which chat.
            messages: 1 to 1000.
            expected_revision: Refuse unless the chat has this `revision`.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            MessageNotFoundError: A `parent_id` names no message of the chat.
            RevisionConflictError: The chat was changed since the revision that was expected.
            AlreadyExistsError: Another message with one of these ids exists.
            ConflictError: The chat was changed at the same time; try again.
            InvalidInputError: No message, or more than 1000, or something that is no message.
        """
        if not 1 <= len(messages) <= MAX_APPEND:
            raise InvalidInputError(
                f"append takes 1 to {MAX_APPEND} messages, not {len(messages)}.", field="messages"
            )
        call = placed(self._queries.rows, messages, check_revision(expected_revision))
        return await self._append(chat_id, messages, call)

    async def _append(
        self, chat_id: str, messages: Sequence[NewMessage], call: Placed
    ) -> list[Message]:
        appends = self._queries.append
        query = appends.one(call.form) if len(messages) == 1 else appends.many(call.form)
        values: Values = {**call.values, **self._scope, "chat_id": chat_id}
        try:
            stored = await query.all(self._runner, values)
        except AlreadyExistsError:
            # The same call at once, which this one waited for, stored them: or another id is taken.
            # A transaction that was refused a statement answers no more.
            if not call.form.has_ids or self._runner.background is None:
                raise
            earlier = await self._earlier(chat_id, messages, call)
            if earlier is None:
                raise
            return earlier
        return stored or await self._why_not(chat_id, messages, call)

    async def edit(
        self, message_id: str, new: NewMessage, *, expected_revision: int | None = None
    ) -> Message:
        """Put another message beside one, and show it: the old one, and what followed, stay.

        The new message follows the one that the old one follows. `siblings` gives both, and
        `chats.move_head` goes back. For an answer that is made anew as well as for a question
        that is put otherwise.

        Args:
            message_id: The old message.
            new: The new one.
            expected_revision: Refuse unless the chat has this `revision`.

        Raises:
            MessageNotFoundError: No such message, or it belongs to another user.
            RevisionConflictError: The chat was changed since the revision that was expected.
            AlreadyExistsError: A message with the new one's id exists.
            InvalidInputError: The new one is no message, or names a parent.
        """
        expected = check_revision(expected_revision)
        self._queries.rows.new_values(new, "new")
        if "parent_id" in new.model_fields_set:
            raise InvalidInputError("An edited message follows the old one's parent.", field="new")
        old = await self.get(message_id)
        beside = new.model_copy(update={"parent_id": old.parent_id})
        call = placed(self._queries.rows, [beside], expected, beside=old.id)
        (stored,) = await self._append(old.chat_id, [beside], call)
        return stored

    async def siblings(self, message_id: str) -> list[Message]:
        """Give the messages that follow the same one as this does, itself among them, oldest first.

        Raises:
            MessageNotFoundError: No such message, or it belongs to another user.
        """
        rows = await self._queries.siblings.all(self._runner, {**self._scope, "id": message_id})
        if not rows:
            raise _no_message()
        return rows

    async def _why_not(
        self, chat_id: str, messages: Sequence[NewMessage], call: Placed
    ) -> list[Message]:
        """Give what an earlier call stored, or raise why nothing was stored."""
        earlier = await self._earlier(chat_id, messages, call) if call.form.has_ids else None
        if earlier is not None:
            return earlier
        revision = await self._revision_of(chat_id)
        expected = cast("int | None", call.values.get("expected_revision"))
        if expected is not None and expected != revision:
            raise RevisionConflictError(expected, revision)
        if call.parents and len(await self._stored(chat_id, call.parents)) < len(call.parents):
            raise MessageNotFoundError("No such message to follow in this chat.")
        if call.form.has_ids:
            await self._refuse_taken(call.ids)
        raise ConflictError("The chat was changed at the same time.", hint="Try again.")

    async def _earlier(
        self, chat_id: str, messages: Sequence[NewMessage], call: Placed
    ) -> "list[Message] | None":
        """Give these very messages if they are stored, or None."""
        stored = {message.id: message for message in await self._stored(chat_id, call.ids)}
        if len(stored) < len(messages):
            return None
        if not all(is_same(stored[message.id], message) for message in messages):
            return None
        return [stored[message.id] for message in messages]

    async def list(
        self,
        chat_id: str,
        limit: int = 50,
        *,
        before: str | None = None,
        after: str | None = None,
        branch: str | None = None,
    ) -> Page[Message]:
        """Give a page of a chat's messages, newest first; with `after`, oldest first.

        They are those of the branch that the chat shows, which ends at its `head`. `next_cursor`
        leads on with the same argument, `previous_cursor` turns round with the other one. An empty
        page costs a second statement, which tells an empty chat from none.

        Args:
            chat_id: Which chat.
            limit: At most so many, 1 to 1000.
            before: A cursor of this chat, or `END`: pages back from there.
            after: A cursor of this chat, or `START`: pages forward from there.
            branch: Id of a message: the branch that ends with it, whatever the chat shows.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            MessageNotFoundError: `branch` is no message of the chat.
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is not one of this chat.
        """
        check_direction("messages.list", after, before)
        queries = self._queries
        name = self._name_of(chat_id)
        values: Values = {**self._scope, "chat_id": chat_id, "limit": check_limit(limit) + 1}
        values["seq"] = read_seq(name, before=before, after=after)
        if after is None:
            query = queries.list_before if branch is None else queries.list_branch_before
        else:
            query = queries.list_after if branch is None else queries.list_branch_after
        if branch is not None:
            values["tip"] = branch
        rows = await query.all(self._runner, values)
        if not rows:
            await self._insist_on(chat_id, branch)
        return page_by_seq(rows, limit, name, lambda row: row.seq, before=before, after=after)

    def cursor_of(self, message: Message) -> str:
        """Give the cursor of a message's place in its chat, to `list` what is `before` or `after` it.

        Nothing is sent for it. It is for this scope, as those that `list` gives are.
        """
        return write_cursor(self._name_of(message.chat_id), message.seq)

    async def get(self, message_id: str) -> Message:
        """Give a message.

        Raises:
            MessageNotFoundError: No such message, or it belongs to another user.
        """
        return _found(await self.find(message_id))

    async def find(self, message_id: str) -> Message | None:
        """Give a message, or None."""
        return await self._queries.find.first(self._runner, {**self._scope, "id": message_id})

    async def delete(self, message_id: str, *, hard: bool = False) -> None:
        """Put a message into the trash: `restore` brings it back to its place.

        What follows it stays where it is, and the chat's last activity what it is; the chat's
        `revision` grows. When the message is the chat's head it stays that, and what is appended
        comes after it.

        Args:
            message_id: Which message.
            hard: Remove it for good instead, also from the trash. What followed it then follows
                what it followed. Outside of a transaction it is one of two statements.

        Raises:
            MessageNotFoundError: No such message, or it belongs to another user; or it is in the
                trash already, and `hard` was not given.
        """
        key = {**self._scope, "id": message_id}
        if not await trash.delete_message(self._runner, self._queries.trash, key, hard=hard):
            raise _no_message()

    async def restore(self, message_id: str) -> Message:
        """Bring a message back from the trash to its place in its branch.

        Raises:
            MessageNotFoundError: No such message in the trash, or it belongs to another user; or
                its chat is in the trash too, and must come back first.
        """
        key = {**self._scope, "id": message_id}
        message = await trash.restore_message(self._runner, self._queries.trash, key)
        if message is None:
            raise MessageNotFoundError("No such message in the trash, or its chat is there too.")
        return message

    async def trash(
        self, limit: int = 50, *, after: str | None = None, before: str | None = None
    ) -> Page[TrashedMessage]:
        """Give the messages in the trash, what was deleted last first.

        They are those that `restore` can bring back: the messages of a chat in the trash come back
        with it, and are not among them. In a user's scope an index serves it. Of all users'
        messages it is a scan of the trash.

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
            self._runner, self._queries.trash.pages, "messages.trash", str(user_id), "trash"
        )
        return await pages.page(self._scope, limit, after, before)

    async def count(self, chat_id: str) -> int:
        """Count the messages of a chat, of all its branches.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
        """
        values = {**self._scope, "chat_id": chat_id}
        number = await self._queries.count.first(self._runner, values)
        if number is None:
            raise _no_chat()
        return number

    def _name_of(self, chat_id: str) -> str:
        return f"{self._queries.rows.table.name}\0{self._scope.get('user_id', '')}\0{chat_id}"

    async def _refuse_taken(self, ids: Sequence[str]) -> None:
        values = {**self._scope, "ids": list(ids)}
        taken = await self._queries.trash.taken.all(self._runner, values)
        if taken:
            raise AlreadyExistsError(
                "messages: another message with this id exists already.",
                hint="It is in the trash: restore it, or take another id." if any(taken) else None,
                table="messages",
                fields=("id",),
            )

    async def _stored(self, chat_id: str, ids: Sequence[str]) -> Sequence[Message]:
        values = {**self._scope, "chat_id": chat_id, "ids": list(ids)}
        return await self._queries.stored.all(self._runner, values)

    async def _revision_of(self, chat_id: str) -> int:
        values = {**self._scope, "chat_id": chat_id}
        revision = await self._queries.chat_revision.first(self._runner, values)
        if revision is None:
            raise _no_chat()
        return revision

    async def _insist_on(self, chat_id: str, branch: str | None) -> None:
        await self._revision_of(chat_id)
        if branch is not None and not await self._stored(chat_id, [branch]):
            raise _no_message()


class TrustedMessages(Messages, Sweeping):
    """Messages of all users, for trusted code; a request handler uses `db.as_user(id).messages`."""

    async def purge(self, *, older_than: timedelta, limit: int = 100) -> int:
        """Remove messages for good that have been in the trash for longer.

        At most `limit` of them: call it again until it gives 0. Those that went into the trash
        with their chat stay as long as it does, and a chat that is being changed at that moment is
        passed over. Outside of a transaction it is one of two statements.

        Args:
            older_than: How long what was deleted stays in the trash.
            limit: At most so many, 1 to 1000.

        Returns:
            How many messages were removed.

        Raises:
            InvalidInputError: `older_than` is no timedelta, or negative; the limit is out of bounds.
        """
        return await trash.purge_messages(
            self._runner, self._queries.trash.purge, older_than=older_than, limit=limit
        )


def _no_chat() -> ChatNotFoundError:
    return ChatNotFoundError("No such chat.")


def _no_message() -> MessageNotFoundError:
    return MessageNotFoundError("No such message.")


def _found(message: Message | None) -> Message:
    if message is None:
        raise _no_message()
    return message
