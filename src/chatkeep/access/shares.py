"""Links by which others read a chat: `shares` in a user's scope, `db.shares` for trusted code."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, get_args

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, func, insert, select, update

from chatkeep.access.appending import the_chat
from chatkeep.access.latest import Latest, LatestQueries
from chatkeep.access.rows import Rows, Values, Where
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import ChatNotFoundError, InvalidInputError, ShareNotFoundError
from chatkeep.ids import new_share_id, new_share_token
from chatkeep.records.deepsearch import Chat, ChatShare, ChatShareWithToken, Message, ShareKind
from chatkeep.records.page import Page


def hash_of(token: str) -> bytes:
    """Give what is stored of a token: whoever reads the table cannot open a chat with it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


class ShareQueries(LatestQueries[ChatShare]):
    """The statements on shares, in a user's scope or (`is_scoped=False`) on all users'."""

    def __init__(
        self,
        shares: Rows[ChatShare],
        chats: Rows[Chat],
        messages: Rows[Message],
        *,
        is_scoped: bool,
    ) -> None:
        super().__init__(shares)
        self._chat = chats
        self._message = messages
        self._is_scoped = is_scoped

    @cached_property
    def create_live(self) -> Query[ChatShare]:
        """Store a share of what a chat shows from time to time."""
        return self._create("create_live", {})

    @cached_property
    def create_snapshot(self) -> Query[ChatShare]:
        """Store a share of what a chat shows now: its last message, and its title."""
        chat, message = self._chat.table, self._message.table
        last = (
            select(message.c["id"])
            .where(message.c["user_id"] == chat.c["user_id"])
            .where(message.c["chat_id"] == chat.c["id"], self._message.live)
            .order_by(message.c["seq"].desc())
            .limit(1)
            .scalar_subquery()
        )
        # Writers that do not know the head leave none. In a chat that branched there is none when
        # all of the branch that it shows is gone: the others are not shown instead.
        head = case(
            (chat.c["is_branched"], chat.c["head"]), else_=func.coalesce(chat.c["head"], last)
        )
        return self._create("create_snapshot", {"head": head, "title": chat.c["title"]})

    @cached_property
    def revoke(self) -> Query[ChatShare]:
        """By id, also of a chat in the trash; the first time stays."""
        share = self.rows.table
        now = func.current_timestamp()
        values = {"revoked_at": func.coalesce(share.c["revoked_at"], now)}
        by_key = self.rows.equal("user_id", "id") if self._is_scoped else self.rows.equal("id")
        clause = update(share).where(by_key).values({**values, **self.rows.touch()})
        return self.rows.query("revoke", clause.returning(*self.rows.columns))

    @cached_property
    def chat_exists(self) -> Query[int]:
        """One row if there is such a chat."""
        clause = select(self._chat.table.c["revision"])
        return self.rows.count("chat_exists", clause.where(self._the_chat()))

    def source(self) -> Select[Any]:
        """Give the shares of a chat that is not in the trash."""
        chat, share = self._chat.table, self.rows.table
        of_chat = and_(share.c["user_id"] == chat.c["user_id"], share.c["chat_id"] == chat.c["id"])
        clause = select(*self.rows.columns).select_from(share).join(chat, of_chat)
        return clause.where(self._the_chat())

    def _create(self, name: str, of_chat: Mapping[str, ColumnElement[Any]]) -> Query[ChatShare]:
        chat, share = self._chat.table, self.rows.table
        names = ("token_hash", "kind", "expires_at")
        given = [bindparam(column, type_=share.c[column].type) for column in ("id", *names)]
        # Locked as every change of its messages locks it: of one that is just being removed,
        # either the head has moved already, or the removal moves that of the share as well.
        held = (
            select(chat.c["user_id"], chat.c["id"], *_named(of_chat))
            .where(self._the_chat())
            .with_for_update(of=chat, key_share=True)
            .cte("held")
        )
        columns = ["user_id", "chat_id", *of_chat, "id", *names]
        clause = insert(share).from_select(columns, select(*held.c, *given))
        return self.rows.query(name, clause.returning(*self.rows.columns))

    def _the_chat(self) -> Where:
        return the_chat(self._chat, is_scoped=self._is_scoped)


def _named(columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    return [column.label(name) for name, column in columns.items()]


class Shares:
    """Links by which others read the chats of one user; of all users where it is `db.shares`."""

    def __init__(
        self, runner: Runner, queries: ShareQueries, scope: Mapping[str, object] | None = None
    ) -> None:
        self._runner = runner
        self._queries = queries
        self._scope: Mapping[str, object] = scope or {}

    async def create(
        self, chat_id: str, kind: ShareKind = "snapshot", expires_at: datetime | None = None
    ) -> ChatShareWithToken:
        """Share a chat read-only, and give the share with its token.

        The token is 256 random bits, safe in a URL. It is given here and never again: only its
        SHA-256 is stored. `db.shared(token)` is what it opens.

        Args:
            chat_id: Which chat.
            kind: "snapshot": title and branch as the chat shows them now, whatever is said or
                shown later. "live": what the chat shows when it is read. What is deleted is
                gone from both.
            expires_at: When the link ends; None: not before it is revoked.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
            InvalidInputError: The kind is another one, or the time has no zone.
        """
        queries, token = self._queries, new_share_token()
        if kind not in get_args(ShareKind):
            raise InvalidInputError('kind is "snapshot" or "live".', field="kind")
        query = queries.create_snapshot if kind == "snapshot" else queries.create_live
        values: Values = {
            **self._scope,
            "chat_id": chat_id,
            "id": new_share_id(),
            "token_hash": hash_of(token),
            "kind": kind,
            "expires_at": expires_at,
        }
        share = await query.first(self._runner, values)
        if share is None:
            raise ChatNotFoundError("No such chat.")
        stored: dict[str, Any] = {
            name: getattr(share, name) for name in ChatShare.__struct_fields__
        }
        return ChatShareWithToken(**stored, token=token)

    async def list(
        self,
        chat_id: str,
        limit: int = 50,
        *,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[ChatShare]:
        """Give a page of the shares of a chat, the latest first, revoked and expired ones too.

        An empty page costs a second statement, which tells a chat without shares from none.

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
        pages = Latest(self._runner, self._queries, "shares.list", user_id, chat_id)
        values = {**self._scope, "chat_id": chat_id}
        return await pages.page_of_chat(self._queries.chat_exists, values, limit, after, before)

    async def revoke(self, share_id: str) -> ChatShare:
        """End a share: from now on its link leads nowhere. A second call changes nothing.

        Raises:
            ShareNotFoundError: No such share, or it belongs to another user.
        """
        values = {**self._scope, "id": share_id}
        share = await self._queries.revoke.first(self._runner, values)
        if share is None:
            raise ShareNotFoundError("No such share.")
        return share
