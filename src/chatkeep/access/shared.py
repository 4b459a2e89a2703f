"""A chat as a stranger with its link reads it: `db.shared(token)`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast, get_args

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
)

from chatkeep.access.branching import Branch, Direction
from chatkeep.access.paging import (
    MAX_SEQ,
    check_direction,
    check_limit,
    page_by_seq,
    read_seq,
)
from chatkeep.access.rows import Rows, Values, Where
from chatkeep.access.shares import hash_of
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import InvalidInputError, ShareNotFoundError
from chatkeep.records.deepsearch import (
    Chat,
    ChatShare,
    Message,
    Role,
    SharedChat,
    SharedMessage,
)
from chatkeep.records.page import Page

# A system message is the application's, the result of a tool may hold anything of the owner's.
SHOWN_ROLES: tuple[Role, ...] = ("user", "assistant")


class _Placed(SharedMessage):
    """A message that is shown, and its place: read, and not given on."""

    seq: int


_Found = tuple[SharedMessage, int]


class _ShownRows(Rows[_Placed]):
    """Messages with the columns that a stranger sees, of the roles that are asked for."""

    @property
    def live(self) -> Where:
        """Leave out what is in the trash, and what is of another role."""
        roles = bindparam("roles", type_=ARRAY(Text()))
        return and_(super().live, self.table.c["role"] == any_(roles))


@dataclass(frozen=True)
class _SharedBranch(Branch):
    """The branch that a share shows; chat and user come from the share.

    Attributes:
        share: The share, if it still leads to a chat: one row or none.
    """

    share: CTE = field(kw_only=True)

    def _line(self, direction: Direction, limit: str) -> Select[Any]:
        table = self.messages.table
        return self._page(
            select(*self.messages.columns).where(
                table.c["user_id"] == self._of_share("user_id"),
                table.c["chat_id"] == self._of_share("chat_id"),
                self.messages.live,
                table.c["seq"] <= self._of_share("last_seq"),
                ~self._of_share("is_branched"),
            ),
            direction,
            limit,
        )

    def _start(self) -> Select[*tuple[Any, ...]]:
        share, table = self.share, self.messages.table
        is_tip = and_(table.c["user_id"] == share.c["user_id"], table.c["id"] == share.c["tip"])
        return (
            select(table.c["id"], table.c["user_id"], table.c["parent_id"], table.c["seq"])
            .join(share, is_tip)
            .where(share.c["is_branched"])
        )

    def _of_share(self, name: str) -> ColumnElement[Any]:
        return select(self.share.c[name]).scalar_subquery()


class SharedQueries:
    """The statements of a stranger with a link."""

    def __init__(self, shares: Rows[ChatShare], chats: Rows[Chat], messages: Rows[Message]) -> None:
        self._share = shares.table
        self._chat = chats
        self._message = messages.table
        self.name = shares.name
        self._rows = _ShownRows(messages.name, messages.table, _Placed)

    @cached_property
    def get(self) -> Query[SharedChat]:
        """The chat."""
        share, chat = self._share, self._chat.table
        title = case((self._is_snapshot(), share.c["title"]), else_=chat.c["title"])
        clause = select(title.label("title"), share.c["kind"], share.c["created_at"])
        clause = clause.select_from(share).join(chat, self._of_chat()).where(self._leads())
        fields = [Field(share.name, name) for name in ("title", "kind", "created_at")]
        statement = compile_statement(f"{self.name}.shared_get", clause, has_keys=True)
        return Query(statement, Shape(SharedChat, fields))

    @cached_property
    def list_before(self) -> Query[_Found]:
        """Its messages before a place, newest first."""
        return self._list("shared_list_before", "before")

    @cached_property
    def list_after(self) -> Query[_Found]:
        """Its messages after a place, oldest first."""
        return self._list("shared_list_after", "after")

    def _list(self, name: str, direction: Direction) -> Query[_Found]:
        share, chat, message = self._share, self._chat.table, self._message
        last_seq = (
            select(message.c["seq"])
            .where(message.c["user_id"] == share.c["user_id"])
            .where(message.c["id"] == share.c["head"])
            .scalar_subquery()
        )
        found = (
            select(
                share.c["user_id"],
                share.c["chat_id"],
                chat.c["is_branched"],
                case((self._is_snapshot(), share.c["head"]), else_=chat.c["head"]).label("tip"),
                case((self._is_snapshot(), last_seq), else_=literal(MAX_SEQ)).label("last_seq"),
            )
            .select_from(share)
            .join(chat, self._of_chat())
            .where(self._leads())
            .cte("share")
            .prefix_with("MATERIALIZED")
        )
        rows = cast("Rows[Any]", self._rows)
        branch = _SharedBranch(rows, self._chat, is_scoped=False, share=found)
        statement = compile_statement(f"{self.name}.{name}", branch.shown(direction), has_keys=True)
        return Query(statement, Shape(_found, rows.fields))

    def _is_snapshot(self) -> Where:
        return self._share.c["kind"] == literal("snapshot")

    def _of_chat(self) -> Where:
        share, chat = self._share, self._chat.table
        return and_(share.c["user_id"] == chat.c["user_id"], share.c["chat_id"] == chat.c["id"])

    def _leads(self) -> Where:
        share = self._share
        return and_(
            share.c["token_hash"] == bindparam("token_hash", type_=share.c["token_hash"].type),
            share.c["revoked_at"].is_(None),
            or_(
                share.c["expires_at"].is_(None),
                share.c["expires_at"] > func.current_timestamp(),
            ),
            self._chat.live,
        )


class Shared:
    """A chat as a stranger with its link reads it; each call looks at the link anew.

    Title and messages, and nothing that is the owner's alone: no user, no metadata, no usage, no
    feedback, no other branch.
    """

    def __init__(self, runner: Runner, queries: SharedQueries, token: object) -> None:
        """Take the token of a link; nothing is sent.

        Raises:
            InvalidInputError: It is no text.
        """
        if not isinstance(token, str):
            raise InvalidInputError("A share's token is a text.", field="token")
        self._runner = runner
        self._queries = queries
        self._hash = hash_of(token)

    async def get(self) -> SharedChat:
        """Give the chat.

        Raises:
            ShareNotFoundError: No such link, it was revoked, it expired, or its chat was deleted:
                they look alike on purpose.
        """
        chat = await self._queries.get.first(self._runner, {"token_hash": self._hash})
        if chat is None:
            raise _no_share()
        return chat

    async def list(
        self,
        limit: int = 50,
        *,
        before: str | None = None,
        after: str | None = None,
        roles: Sequence[Role] = SHOWN_ROLES,
    ) -> Page[SharedMessage]:
        """Give a page of the messages, newest first; with `after`, oldest first.

        One statement; an empty page costs a second one, which tells an empty chat from none.
        `next_cursor` leads on with the same argument, `previous_cursor` turns round with the other
        one.

        Args:
            limit: At most so many, 1 to 1000.
            before: A cursor of this list, or `END`: pages back from there.
            after: A cursor of this list, or `START`: pages forward from there.
            roles: Whose messages. Those of the system and of tools are left out unless asked for:
                they are not written for a reader, and may hold what is the owner's alone.

        Raises:
            ShareNotFoundError: No such link, it was revoked, it expired, or its chat was deleted.
            InvalidInputError: The limit is out of bounds, both cursors were given, or a role is
                none.
            InvalidCursorError: The cursor is not one of this list.
        """
        check_direction("shared.list", after, before)
        if not set(roles) <= set(get_args(Role)):
            raise InvalidInputError(f"roles are some of {get_args(Role)}.", field="roles")
        queries, name = self._queries, f"shared\0{self._hash.hex()}"
        values: Values = {
            "token_hash": self._hash,
            "roles": list(roles),
            "limit": check_limit(limit) + 1,
        }
        values["seq"] = read_seq(name, before=before, after=after)
        query = queries.list_before if after is None else queries.list_after
        rows = await query.all(self._runner, values)
        if not rows:
            await self.get()
        page = page_by_seq(rows, limit, name, lambda row: row[1], before=before, after=after)
        items = [message for message, _ in page.items]
        return Page(items, page.next_cursor, page.previous_cursor)


def _found(*values: Any) -> _Found:  # noqa: ANN401 - the columns of a row
    return SharedMessage(*values[:-1]), values[-1]


def _no_share() -> ShareNotFoundError:
    return ShareNotFoundError("No such link, or it leads nowhere any more.")
