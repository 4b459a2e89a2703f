"""The statements on what is in the trash: into it, out of it, and away for good.

Each locks the chat first, as every change of its messages does. Where a message must not slip in
between the lock and what follows, the lock is a statement of its own: the next one sees everything
that was stored before it was given.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    delete,
    exists,
    func,
    null,
    select,
    tuple_,
    update,
)

from chatkeep.access.rows import Rows, Where
from chatkeep.access.trashed import trashed_record
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.records.deepsearch import Chat, Message, TrashedChat, TrashedMessage

_Compare = Callable[[Any, Any], Where]
_FLAGS: Shape[bool] = Shape(bool, [Field("message", "deleted_at")])
_IDS: Shape[str] = Shape(str, [Field("message", "id")])


class ChatTrashQueries:
    """The statements on chats, in a user's scope or (`is_scoped=False`) on all users' chats."""

    def __init__(
        self,
        chats: Rows[Chat],
        messages: Rows[Message],
        tables: Mapping[str, Table],
        *,
        is_scoped: bool,
    ) -> None:
        self.purge = PurgeQueries(chats, messages, tables["chat_shares"])
        self._rows = chats
        self._messages = messages
        self._is_scoped = is_scoped
        trashed = trashed_record(chats.record, TrashedChat)
        self._trashed = Rows(chats.name, chats.table, trashed)

    @cached_property
    def mark(self) -> Query[Chat]:
        """A chat goes into the trash; its messages follow."""
        chat = self._rows.table
        clause = update(chat).where(self._by_id(), self._rows.live)
        clause = clause.values(deleted_at=func.clock_timestamp(), revision=chat.c["revision"] + 1)
        return self._rows.query("delete", clause.returning(*self._rows.columns))

    @cached_property
    def mark_messages(self) -> Query[Message]:
        """What is left of a chat's messages goes into the trash with it, at the same time."""
        chat, message = self._rows.table, self._messages.table
        clause = update(message).where(
            self._by_id(), _is_trashed(chat), _belongs(message, chat), self._messages.live
        )
        clause = clause.values(deleted_at=chat.c["deleted_at"])
        return self._messages.query("delete_with_chat", clause)

    @cached_property
    def hold(self) -> Query[Chat]:
        """Lock a chat in the trash."""
        chat = self._rows.table
        clause = select(*self._rows.columns).where(self._by_id(), _is_trashed(chat))
        return self._rows.query("hold", clause.with_for_update(of=chat, key_share=True))

    @cached_property
    def restore(self) -> Query[Chat]:
        """A chat comes back, with the messages that went with it."""
        chat, message = self._rows.table, self._messages.table
        back = (
            update(message)
            .where(
                self._by_id(),
                _belongs(message, chat),
                message.c["deleted_at"] == chat.c["deleted_at"],
            )
            .values(deleted_at=null())
            .returning(message.c["id"])
            .cte("back")
        )
        clause = update(chat).where(self._by_id(), _is_trashed(chat))
        clause = clause.values(deleted_at=null(), revision=chat.c["revision"] + 1)
        return self._rows.query("restore", clause.returning(*self._rows.columns).add_cte(back))

    @cached_property
    def remove(self) -> Query[Chat]:
        """A chat goes for good, from wherever it is; its messages go with it."""
        chat = self._rows.table
        clause = delete(chat).where(self._by_id()).returning(*self._rows.columns)
        return self._rows.query("delete_hard", clause)

    @cached_property
    def list(self) -> Query[TrashedChat]:
        """The trash, the latest first."""
        return self._list("trash", None, is_back=False)

    @cached_property
    def list_after(self) -> Query[TrashedChat]:
        """The next page: what was deleted before a place of the list."""
        return self._list("trash_after", operator.lt, is_back=False)

    @cached_property
    def list_before(self) -> Query[TrashedChat]:
        """The page back: what was deleted after a place of the list, the earliest first."""
        return self._list("trash_before", operator.gt, is_back=True)

    def _list(self, name: str, compare: _Compare | None, *, is_back: bool) -> Query[TrashedChat]:
        clause = select(*self._trashed.columns)
        return _trash_page(name, self._trashed, clause, self._is_scoped, compare, is_back)

    def _by_id(self) -> Where:
        return _keys(self._rows, is_scoped=self._is_scoped)


class MessageTrashQueries:
    """The statements on messages, in a user's scope or (`is_scoped=False`) of all users."""

    def __init__(
        self,
        messages: Rows[Message],
        chats: Rows[Chat],
        tables: Mapping[str, Table],
        *,
        is_scoped: bool,
    ) -> None:
        self.purge = PurgeQueries(chats, messages, tables["chat_shares"])
        self._rows = messages
        self._chat = chats
        self._shares = tables["chat_shares"]
        self._is_scoped = is_scoped
        trashed = trashed_record(messages.record, TrashedMessage)
        self._trashed = Rows(messages.name, messages.table, trashed)

    @cached_property
    def mark(self) -> Query[Message]:
        """A message goes into the trash, and stays where it is in its branch."""
        return self._moved("delete", self._rows.live, func.clock_timestamp())

    @cached_property
    def restore(self) -> Query[Message]:
        """A message comes back to its place, unless its chat is in the trash."""
        return self._moved("restore", _is_trashed(self._rows.table), null())

    @cached_property
    def hold(self) -> Query[int]:
        """Lock the chat of a message, wherever the message is."""
        chat, message = self._chat.table, self._rows.table
        clause = select(chat.c["revision"]).join(message, _belongs(message, chat))
        clause = clause.where(_keys(self._rows, is_scoped=self._is_scoped))
        return self._rows.count("hold", clause.with_for_update(of=chat, key_share=True))

    @cached_property
    def remove(self) -> Query[int]:
        """Messages go for good; gives how many. Their chats are locked already."""
        where = [self._rows.table.c["user_id"] == self._owner()] if self._is_scoped else []
        return _removal("delete_hard", self._rows, self._chat, self._shares, where)

    @cached_property
    def taken(self) -> Query[bool]:
        """For each of these ids that is taken, whether it is in the trash."""
        table = self._rows.table
        where = [table.c["id"] == any_(_ids())]
        if self._is_scoped:
            where.append(table.c["user_id"] == self._owner())
        clause = select(_is_trashed(table)).where(*where)
        return Query(compile_statement("messages.taken", clause), _FLAGS)

    @cached_property
    def list(self) -> Query[TrashedMessage]:
        """The trash, the latest first."""
        return self._list("trash", None, is_back=False)

    @cached_property
    def list_after(self) -> Query[TrashedMessage]:
        """The next page: what was deleted before a place of the list."""
        return self._list("trash_after", operator.lt, is_back=False)

    @cached_property
    def list_before(self) -> Query[TrashedMessage]:
        """The page back: what was deleted after a place of the list, the earliest first."""
        return self._list("trash_before", operator.gt, is_back=True)

    def _list(self, name: str, compare: _Compare | None, *, is_back: bool) -> Query[TrashedMessage]:
        chat = self._chat.table
        clause = select(*self._trashed.columns).join(chat, _belongs(self._rows.table, chat))
        clause = clause.where(self._chat.live)  # what went with its chat comes back with it alone
        return _trash_page(name, self._trashed, clause, self._is_scoped, compare, is_back)

    def _moved(self, name: str, which: Where, deleted_at: ColumnElement[Any]) -> Query[Message]:
        """Lock the chat, mark the message, and count the change if there was one."""
        chat, message = self._chat.table, self._rows.table
        held = (
            select(message.c["user_id"], message.c["id"])
            .join(chat, _belongs(message, chat))
            .where(_keys(self._rows, is_scoped=self._is_scoped), which, self._chat.live)
            .with_for_update(of=chat, key_share=True)
            .cte("held")
        )
        marked = (
            update(message)
            .where(message.c["user_id"] == held.c["user_id"], message.c["id"] == held.c["id"])
            .where(which)
            .values(deleted_at=deleted_at)
            .returning(*self._rows.columns)
            .cte("marked")
        )
        counted = (
            update(chat)
            .where(chat.c["user_id"] == marked.c["user_id"], chat.c["id"] == marked.c["chat_id"])
            .values(revision=chat.c["revision"] + 1)
            .returning(chat.c["id"])
            .cte("counted")
        )
        return self._rows.query(name, select(*marked.c).add_cte(counted))

    def _owner(self) -> ColumnElement[Any]:
        return bindparam("user_id", type_=self._rows.table.c["user_id"].type)


class PurgeQueries:
    """The statements that remove what has been in the trash for longer, of all users."""

    def __init__(self, chats: Rows[Chat], messages: Rows[Message], shares: Table) -> None:
        self._chats = chats
        self._messages = messages
        self._shares = shares

    @cached_property
    def chats(self) -> Query[int]:
        """Chats that nobody holds, with their messages; gives how many chats."""
        chat = self._chats.table
        old = (
            select(chat.c["user_id"], chat.c["id"])
            .where(_is_older(chat))
            .limit(_limit())
            .with_for_update(skip_locked=True)
            .cte("old")
        )
        gone = (
            delete(chat)
            .where(chat.c["user_id"] == old.c["user_id"], chat.c["id"] == old.c["id"])
            .returning(chat.c["id"])
            .cte("gone")
        )
        return self._chats.count("purge", select(func.count()).select_from(gone))

    @cached_property
    def pick_messages(self) -> Query[str]:
        """Lock chats that nobody holds and give their messages that are to go.

        What went with its chat goes with it: else the chat could be restored without it.
        """
        chat, message = self._chats.table, self._messages.table
        clause = (
            select(message.c["id"])
            .join(chat, _belongs(message, chat))
            .where(_is_older(message), _went_alone(message, chat))
            .limit(_limit())
            .with_for_update(of=chat, key_share=True, skip_locked=True)
        )
        return Query(compile_statement("messages.purge_pick", clause), _IDS)

    @cached_property
    def remove_messages(self) -> Query[int]:
        """Those of the picked messages that are still to go; gives how many."""
        chat, message = self._chats.table, self._messages.table
        alone = exists().where(_belongs(message, chat), _went_alone(message, chat))
        where = [_is_older(message), alone]
        return _removal("purge", self._messages, self._chats, self._shares, where)


def _removal(
    name: str,
    messages: Rows[Message],
    chats: Rows[Chat],
    share: Table,
    where: Sequence[Where],
) -> Query[int]:
    """Compile the removal of messages, by `ids`.

    What follows one of them follows, from then on, what it followed; a chat whose head goes shows
    what came before, and so does a share that ends with it. With several in a row the walk goes on
    through all that go.
    """
    message, chat = messages.table, chats.table
    names = ("id", "user_id", "chat_id", "parent_id")
    gone = select(*(message.c[key] for key in names)).where(message.c["id"] == any_(_ids()), *where)
    gone = gone.cte("gone")
    other = gone.alias("other")
    place = _places(gone, other)
    mended = (
        update(message)
        .where(
            message.c["user_id"] == place.c["user_id"],
            message.c["chat_id"] == place.c["chat_id"],
            message.c["parent_id"] == place.c["id"],
            ~_is_among(other, message.c["user_id"], message.c["id"]),
        )
        .values(parent_id=place.c["stays"])
        .returning(message.c["id"])
        .cte("mended")
    )
    is_head = and_(place.c["user_id"] == chat.c["user_id"], place.c["id"] == chat.c["head"])
    before = select(place.c["stays"]).where(is_head).scalar_subquery()
    changed = select(gone.c["user_id"], gone.c["chat_id"]).distinct().subquery("changed")
    counted = (
        update(chat)
        .where(chat.c["user_id"] == changed.c["user_id"], chat.c["id"] == changed.c["chat_id"])
        .values(
            head=case((exists().where(is_head), before), else_=chat.c["head"]),
            revision=chat.c["revision"] + 1,
        )
        .returning(chat.c["id"])
        .cte("counted")
    )
    shown = (
        update(share)
        .where(
            share.c["user_id"] == place.c["user_id"],
            share.c["chat_id"] == place.c["chat_id"],
            share.c["head"] == place.c["id"],
        )
        .values(head=place.c["stays"])
        .returning(share.c["id"])
        .cte("shown")
    )
    removed = (
        delete(message)
        .where(message.c["user_id"] == gone.c["user_id"], message.c["id"] == gone.c["id"])
        .returning(message.c["id"])
        .cte("removed")
    )
    clause = select(func.count()).select_from(removed).add_cte(mended, counted, shown)
    return messages.count(name, clause)


def _places(gone: CTE, other: CTE) -> CTE:
    """Give, for each message that goes, the nearest one before it that stays, or NULL."""
    first = select(
        gone.c["id"], gone.c["user_id"], gone.c["chat_id"], gone.c["parent_id"].label("stays")
    )
    place = first.where(~_is_among(other, gone.c["user_id"], gone.c["parent_id"]))
    places = place.cte("place", recursive=True)
    step = select(gone.c["id"], gone.c["user_id"], gone.c["chat_id"], places.c["stays"])
    return places.union_all(
        step.where(gone.c["user_id"] == places.c["user_id"], gone.c["parent_id"] == places.c["id"])
    )


def _is_among(gone: CTE, user_id: ColumnElement[Any], message_id: ColumnElement[Any]) -> Where:
    return exists().where(gone.c["user_id"] == user_id, gone.c["id"] == message_id)


def _trash_page(
    name: str,
    rows: Rows[Any],
    clause: Select[*tuple[Any, ...]],
    is_scoped: bool,
    compare: _Compare | None,
    is_back: bool,
) -> Query[Any]:
    table = rows.table
    place = (table.c["deleted_at"], table.c["id"])
    clause = clause.where(_is_trashed(table))
    if compare is not None:
        given = tuple_(
            bindparam("deleted_at", type_=DateTime(timezone=True)),
            bindparam("id", type_=table.c["id"].type),
        )
        clause = clause.where(compare(tuple_(*place), given))
    if is_scoped:
        clause = clause.where(
            table.c["user_id"] == bindparam("user_id", type_=table.c["user_id"].type)
        )
    ordered = clause.order_by(*(key if is_back else key.desc() for key in place))
    return rows.query(name, ordered.limit(_limit()))


def _keys(rows: Rows[Any], *, is_scoped: bool) -> Where:
    """Compare the key with parameters, whether the row is in the trash or not."""
    names = ("user_id", "id") if is_scoped else ("id",)
    table = rows.table
    return and_(*(table.c[name] == bindparam(name, type_=table.c[name].type) for name in names))


def _belongs(message: Any, chat: Any) -> Where:  # noqa: ANN401 - tables and aliases
    condition: Where = and_(
        message.c["user_id"] == chat.c["user_id"], message.c["chat_id"] == chat.c["id"]
    )
    return condition


def _is_trashed(table: Any) -> Where:  # noqa: ANN401 - tables and aliases
    condition: Where = table.c["deleted_at"].is_not(None)
    return condition


def _is_older(table: Any) -> Where:  # noqa: ANN401 - tables and aliases
    # That it is not NULL goes without saying, but not for a planner that does not know the window.
    condition: Where = and_(
        _is_trashed(table),
        table.c["deleted_at"] < func.now() - bindparam("older_than", type_=Interval()),
    )
    return condition


def _went_alone(message: Any, chat: Any) -> Where:  # noqa: ANN401 - tables and aliases
    condition: Where = message.c["deleted_at"].is_distinct_from(chat.c["deleted_at"])
    return condition


def _ids() -> Any:  # noqa: ANN401 - a parameter
    return bindparam("ids", type_=ARRAY(Text()))


def _limit() -> Any:  # noqa: ANN401 - a parameter
    return bindparam("limit", type_=Integer())
