"""The statements that remove messages and chats for good.

A message that goes leaves no gap: what followed it follows what it followed.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    Interval,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    case,
    delete,
    exists,
    func,
    select,
    update,
)

from chatkeep.access.rows import Rows, Where
from chatkeep.access.trashed import is_trashed
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.records.deepsearch import Chat, Message

_IDS: Shape[str] = Shape(str, [Field("message", "id")])


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
            .limit(limit())
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
            .join(chat, belongs(message, chat))
            .where(_is_older(message), _went_alone(message, chat))
            .limit(limit())
            .with_for_update(of=chat, key_share=True, skip_locked=True)
        )
        return Query(compile_statement("messages.purge_pick", clause), _IDS)

    @cached_property
    def remove_messages(self) -> Query[int]:
        """Those of the picked messages that are still to go; gives how many."""
        chat, message = self._chats.table, self._messages.table
        alone = exists().where(belongs(message, chat), _went_alone(message, chat))
        where = [_is_older(message), alone]
        return Removal(self._messages, self._chats, self._shares).query("purge", where)


class Removal:
    """The statement that removes messages, by `ids`; piece by piece.

    What follows one of them follows, from then on, what it followed; a chat whose head goes shows
    what came before, and so does a share that ends with it. With several in a row the walk goes on
    through all that go.
    """

    def __init__(self, messages: Rows[Message], chats: Rows[Chat], shares: Table) -> None:
        self._rows = messages
        self._chat = chats.table
        self._share = shares

    def query(self, name: str, where: Sequence[Where]) -> Query[int]:
        """Compile it for the messages for which this holds; it gives how many there were."""
        message = self._rows.table
        names = ("id", "user_id", "chat_id", "parent_id")
        clause = select(*(message.c[key] for key in names)).where(message.c["id"] == any_(ids()))
        gone = clause.where(*where).cte("gone")
        other = gone.alias("other")
        place = _places(gone, other)
        removed = (
            delete(message)
            .where(message.c["user_id"] == gone.c["user_id"], message.c["id"] == gone.c["id"])
            .returning(message.c["id"])
            .cte("removed")
        )
        others = (self._mended(place, other), self._counted(place, gone), self._shown(place))
        counted = select(func.count()).select_from(removed).add_cte(*others)
        return self._rows.count(name, counted)

    def _mended(self, place: CTE, gone: CTE) -> CTE:
        """What followed one of them, and stays, follows another one."""
        message = self._rows.table
        return (
            update(message)
            .where(
                message.c["user_id"] == place.c["user_id"],
                message.c["chat_id"] == place.c["chat_id"],
                message.c["parent_id"] == place.c["id"],
                ~_is_among(gone, message.c["user_id"], message.c["id"]),
            )
            .values(parent_id=place.c["stays"])
            .returning(message.c["id"])
            .cte("mended")
        )

    def _counted(self, place: CTE, gone: CTE) -> CTE:
        """Their chats are changed, and show another message where the head is among them."""
        chat = self._chat
        is_head = and_(place.c["user_id"] == chat.c["user_id"], place.c["id"] == chat.c["head"])
        before = select(place.c["stays"]).where(is_head).scalar_subquery()
        changed = select(gone.c["user_id"], gone.c["chat_id"]).distinct().subquery("changed")
        return (
            update(chat)
            .where(chat.c["user_id"] == changed.c["user_id"], chat.c["id"] == changed.c["chat_id"])
            .values(
                head=case((exists().where(is_head), before), else_=chat.c["head"]),
                revision=chat.c["revision"] + 1,
            )
            .returning(chat.c["id"])
            .cte("counted")
        )

    def _shown(self, place: CTE) -> CTE:
        """A share that ends with one of them ends before it."""
        share = self._share
        return (
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


def belongs(message: Any, chat: Any) -> Where:  # noqa: ANN401 - tables and aliases
    """Say that a message is one of a chat."""
    condition: Where = and_(
        message.c["user_id"] == chat.c["user_id"], message.c["chat_id"] == chat.c["id"]
    )
    return condition


def _is_older(table: Any) -> Where:  # noqa: ANN401 - tables and aliases
    # That it is not NULL goes without saying, but not for a planner that does not know the window.
    condition: Where = and_(
        is_trashed(table),
        table.c["deleted_at"] < func.now() - bindparam("older_than", type_=Interval()),
    )
    return condition


def _went_alone(message: Any, chat: Any) -> Where:  # noqa: ANN401 - tables and aliases
    condition: Where = message.c["deleted_at"].is_distinct_from(chat.c["deleted_at"])
    return condition


def ids() -> Any:  # noqa: ANN401 - a parameter
    """Give the parameter with many ids."""
    return bindparam("ids", type_=ARRAY(Text()))


def limit() -> Any:  # noqa: ANN401 - a parameter
    """Give the parameter that says how many rows at most."""
    return bindparam("limit", type_=Integer())
