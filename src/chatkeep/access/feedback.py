"""What users think of answers: `feedback` in a user's scope, and `db.feedback` for trusted code."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal, TypedDict, Unpack

from sqlalchemy import Select, and_, bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from chatkeep.access.appending import the_chat
from chatkeep.access.latest import Latest, LatestQueries
from chatkeep.access.rows import Rows, Where
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import (
    FeedbackNotFoundError,
    InvalidInputError,
    MessageNotFoundError,
)
from chatkeep.inputs.deepsearch import NewFeedback
from chatkeep.records.deepsearch import Chat, Message, MessageFeedback
from chatkeep.records.page import Page

_KEY = ("user_id", "message_id")


class Opinion(TypedDict, total=False):
    """What `give` takes: each is left as it is unless given; None takes it away."""

    vote: Literal[1, -1] | None
    comment: str | None


class FeedbackQueries(LatestQueries[MessageFeedback]):
    """The statements on feedback, in a user's scope or (`is_scoped=False`) on all users'."""

    key = "message_id"

    def __init__(
        self,
        feedback: Rows[MessageFeedback],
        messages: Rows[Message],
        chats: Rows[Chat],
        *,
        is_scoped: bool,
    ) -> None:
        super().__init__(feedback)
        self._message = messages
        self._chat = chats
        self._is_scoped = is_scoped
        self._gives: dict[tuple[str, ...], Query[MessageFeedback]] = {}

    @cached_property
    def find(self) -> Query[MessageFeedback]:
        """By message, if that is not in the trash."""
        message, feedback = self._message.table, self.rows.table
        clause = select(*self.rows.columns).join(message, self._belongs())
        return self.rows.query("find", clause.select_from(feedback).where(self._the_message()))

    @cached_property
    def remove(self) -> Query[MessageFeedback]:
        """By message, if that is not in the trash."""
        return self.rows.delete(exists().where(self._belongs(), self._the_message()), "remove")

    @cached_property
    def chat_exists(self) -> Query[int]:
        """One row if there is such a chat."""
        clause = select(self._chat.table.c["revision"])
        return self.rows.count("chat_exists", clause.where(self._the_chat()))

    def give(self, names: tuple[str, ...]) -> Query[MessageFeedback]:
        """Give the statement that stores these columns, or changes them."""
        query = self._gives.get(names)
        if query is None:
            message, feedback = self._message.table, self.rows.table
            given = self.rows.parameters(dict.fromkeys(names))
            # Locked as the foreign key will lock it: one that is just being deleted is not found.
            source = (
                select(message.c["user_id"], message.c["id"], *given.values())
                .where(self._the_message())
                .with_for_update(of=message, read=True, key_share=True)
            )
            clause = insert(feedback).from_select([*_KEY, *names], source)
            changed = {name: clause.excluded[name] for name in names}
            touched = func.greatest(feedback.c["updated_at"], func.current_timestamp())
            clause = clause.on_conflict_do_update(
                index_elements=_KEY, set_={**changed, "updated_at": touched}
            )
            query = self._gives[names] = self.rows.query(
                "give", clause.returning(*self.rows.columns)
            )
        return query

    def source(self) -> Select[Any]:
        """Give the feedback on the messages of a chat that are not in the trash."""
        message, chat = self._message.table, self._chat.table
        in_chat = and_(
            message.c["user_id"] == chat.c["user_id"], message.c["chat_id"] == chat.c["id"]
        )
        return (
            select(*self.rows.columns)
            .select_from(self.rows.table)
            .join(message, self._belongs())
            .join(chat, in_chat)
            .where(self._the_chat(), self._message.live)
        )

    def _belongs(self) -> Where:
        message, feedback = self._message.table, self.rows.table
        return and_(
            feedback.c["user_id"] == message.c["user_id"],
            feedback.c["message_id"] == message.c["id"],
        )

    def _the_message(self) -> Where:
        message = self._message.table
        by_id = message.c["id"] == bindparam("message_id", type_=message.c["id"].type)
        if not self._is_scoped:
            return and_(by_id, self._message.live)
        return and_(self._message.equal("user_id"), by_id)

    def _the_chat(self) -> Where:
        return the_chat(self._chat, is_scoped=self._is_scoped)


class Feedback:
    """What one user thinks of their answers; of all users where it is `db.feedback`.

    It goes with the message; while that is in the trash, it is not found.
    """

    def __init__(
        self, runner: Runner, queries: FeedbackQueries, scope: Mapping[str, object] | None = None
    ) -> None:
        self._runner = runner
        self._queries = queries
        self._scope: Mapping[str, object] = scope or {}

    async def give(self, message_id: str, **opinion: Unpack[Opinion]) -> MessageFeedback:
        """Say what the user thinks of a message: `vote=1` or `vote=-1`, `comment="..."`, or both.

        One statement, the first time as later. What is left out stays as it was; None takes it
        away.

        Raises:
            MessageNotFoundError: No such message, it is in the trash, or it belongs to another
                user.
            InvalidInputError: The vote is another one, the comment is longer than 10,000
                characters, or nothing was given.
        """
        given = NewFeedback(**opinion).given()
        if not given:
            raise InvalidInputError("give takes a vote, a comment, or both.", field="vote")
        values = {**given, **self._scope, "message_id": message_id}
        stored = await self._queries.give(tuple(sorted(given))).first(self._runner, values)
        if stored is None:
            raise MessageNotFoundError("No such message.")
        return stored

    async def get(self, message_id: str) -> MessageFeedback:
        """Give the feedback on a message.

        Raises:
            FeedbackNotFoundError: There is none, the message is in the trash, or it belongs to
                another user.
        """
        return _found(await self.find(message_id))

    async def find(self, message_id: str) -> MessageFeedback | None:
        """Give the feedback on a message, or None."""
        key = {**self._scope, "message_id": message_id}
        return await self._queries.find.first(self._runner, key)

    async def remove(self, message_id: str) -> None:
        """Take the feedback on a message back, vote and comment.

        Raises:
            FeedbackNotFoundError: There is none, the message is in the trash, or it belongs to
                another user.
        """
        key = {**self._scope, "message_id": message_id}
        _found(await self._queries.remove.first(self._runner, key))

    async def list(
        self,
        chat_id: str,
        limit: int = 50,
        *,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[MessageFeedback]:
        """Give a page of the feedback on the messages of a chat, the latest given first.

        An empty page costs a second statement, which tells a chat without feedback from none.

        Args:
            chat_id: Which chat.
            limit: At most so many, 1 to 1000.
            after: `next_cursor` of the page before.
            before: `previous_cursor` of the page after, or `END`.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            InvalidInputError: The limit is out of bounds, or both cursors were given.
            InvalidCursorError: The cursor is not one of this chat's list.
        """
        user_id = str(self._scope.get("user_id", ""))
        pages = Latest(self._runner, self._queries, "feedback.list", user_id, chat_id)
        values = {**self._scope, "chat_id": chat_id}
        return await pages.page_of_chat(self._queries.chat_exists, values, limit, after, before)


def _found(feedback: MessageFeedback | None) -> MessageFeedback:
    if feedback is None:
        raise FeedbackNotFoundError("No feedback on such a message.")
    return feedback
