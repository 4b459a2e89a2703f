"""Which policy takes a row away, as SQL: one expression for each kind of row.

It gives the number of the policy in its list, or NULL for a row that stays. The report, the look
under the lock, and what leaves out the rows that go with another one all use the same expression,
so they cannot disagree.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    TIMESTAMP,
    ColumnElement,
    Integer,
    Table,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
)

from chatkeep.access.answer_writers import DEAD_AFTER
from chatkeep.access.trash_removal import belongs
from chatkeep.access.trashed import is_trashed
from chatkeep.errors import ConfigError
from chatkeep.personal.retention import Policy, What
from chatkeep.schema.parts import Tables

Number = ColumnElement[int]
Where = ColumnElement[bool]

_NEEDS: dict[What, tuple[str, ...]] = {
    "chats": ("chats", "messages", "chat_shares", "running_answers"),
    "temporary": ("chats", "messages", "chat_shares", "running_answers"),
    "messages": ("chats", "messages", "chat_shares", "running_answers"),
    "trash": ("chats", "messages", "chat_shares", "running_answers"),
    "usage": ("message_usage",),
    "shares": ("chats", "chat_shares", "running_answers"),
    "sessions": ("sessions",),
    "verification_tokens": ("verification_tokens",),
    "verifications": ("verifications",),
    "search_cache": ("search_cache",),
    "search_events": ("search_events", "search_days"),
    "search_days": ("search_days",),
}


class Rules:
    """The policies over the tables of a schema, at one moment.

    Attributes:
        now: From when ages are counted: one moment for a whole sweep.
        policies: In their order; numbers count from 0.
    """

    def __init__(self, tables: Tables, policies: Sequence[Policy], now: datetime) -> None:
        """Compare the policies with the tables.

        Raises:
            ConfigError: A policy is about a table, or about admins, that the schema does not have.
        """
        self.tables = tables
        self.now = now
        self.policies = tuple(policies)
        for policy in self.policies:
            self._check(policy)

    def ages(self, *what: What) -> list[datetime]:
        """Give the times before which rows of these kinds may go; none where nothing goes."""
        return [
            self.now - policy.older_than
            for policy in self.policies
            if policy.what in what and policy.older_than is not None
        ]

    def of_chat(self) -> Number:
        """Number the policy of a chat; its user is in the statement. A pin holds outside the trash."""
        chat = self.tables["chats"]
        trash = case((is_trashed(chat), self._first("trash", chat.c["deleted_at"])))
        temporary = [
            (and_(chat.c["is_temporary"], rule), number)
            for rule, number in self._cases("temporary", chat.c["updated_at"])
        ]
        aged = _case(
            [
                (chat.c["is_pinned"], _nothing()),
                *temporary,
                *self._cases("chats", chat.c["updated_at"]),
            ]
        )
        return case((self.is_answering(), _nothing()), else_=func.coalesce(trash, aged))

    def of_message(self) -> Number:
        """Number the policy of a message; its chat and user are in the statement."""
        chat, message = self.tables["chats"], self.tables["messages"]
        is_trash = and_(is_trashed(message), self.went_alone())
        trash = case((is_trash, self._first("trash", message.c["deleted_at"])))
        aged = _case(
            [
                (chat.c["is_pinned"], _nothing()),
                *self._cases("messages", message.c["created_at"]),
            ]
        )
        stays = or_(self.is_answering(), self.of_chat().is_not(None))
        return case((stays, _nothing()), else_=func.coalesce(trash, aged))

    def of_share(self) -> Number:
        """Number the policy of a share that does not go with its chat, which is in the statement."""
        share = self.tables["chat_shares"]
        ended = func.least(share.c["expires_at"], share.c["revoked_at"])
        goes = self.of_chat().is_not(None)
        return case((goes, _nothing()), else_=self._first("shares", ended))

    def of_usage(self) -> Number:
        """Number the policy of a row of the ledger; its user is in the statement."""
        return self._first("usage", self.tables["message_usage"].c["created_at"])

    @property
    def limit(self) -> tuple[int, int] | None:
        """Give how many live sessions a user keeps, with the number of the policy."""
        numbers = enumerate(self.policies)
        found = [(n, policy.at_most) for n, policy in numbers if policy.at_most is not None]
        return found[0] if found else None

    def of_expiring(self, what: What, at: ColumnElement[Any]) -> Number:
        """Number the policy of what has an end of its own."""
        return self._first(what, at)

    def is_answering(self) -> Where:
        """Say that an answer is being written in the chat: it gave a sign of life lately."""
        chat, running = self.tables["chats"], self.tables["running_answers"]
        living = running.c["updated_at"] >= moment(self.now - DEAD_AFTER)
        return exists(select(running.c["chat_id"]).where(belongs(running, chat), living))

    def went_alone(self) -> Where:
        """Say that a message was not deleted together with its chat, which is in the statement."""
        chat, message = self.tables["chats"], self.tables["messages"]
        condition: Where = message.c["deleted_at"].is_distinct_from(chat.c["deleted_at"])
        return condition

    def owner(self, table: Table) -> Where:
        """Join the user whose row this is."""
        condition: Where = self.tables["users"].c["id"] == table.c["user_id"]
        return condition

    def _first(self, what: What, at: ColumnElement[Any]) -> Number:
        return _case(self._cases(what, at))

    def _cases(self, what: What, at: ColumnElement[Any]) -> list[tuple[Where, Number]]:
        """Give a condition for each policy, the most specific first, and what it makes of the row."""
        mine = [
            (n, policy)
            for n, policy in enumerate(self.policies)
            if policy.what == what and policy.at_most is None
        ]
        mine.sort(key=lambda pair: (pair[1].role is None, pair[1].of is None))
        return [(self._is_about(policy), self._due(n, policy, at)) for n, policy in mine]

    def _due(self, number: int, policy: Policy, at: ColumnElement[Any]) -> Number:
        if policy.older_than is None:
            return _nothing()
        return case((at < moment(self.now - policy.older_than), literal(number, Integer())))

    def _is_about(self, policy: Policy) -> Where:
        parts: list[Where] = []
        if policy.role is not None:
            parts.append(self.tables["messages"].c["role"] == policy.role)
        if policy.of is not None:
            is_admin = self.tables["users"].c["is_admin"]
            parts.append(is_admin if policy.of == "admins" else ~is_admin)
        return and_(true(), *parts)

    def _check(self, policy: Policy) -> None:
        missing = [name for name in _NEEDS[policy.what] if name not in self.tables]
        if missing:
            raise ConfigError(
                f"Retention policy {policy.label}: this schema has no table `{missing[0]}`.",
                hint="Take the policy away.",
            )
        if policy.of is not None and "is_admin" not in self.tables["users"].c:
            raise ConfigError(
                f"Retention policy {policy.label}: users of this schema have no `is_admin`.",
                hint="Take its `of` away.",
            )


def moment(time: datetime) -> ColumnElement[Any]:
    """Give a time as a constant of a statement."""
    return literal(time, TIMESTAMP(timezone=True))


def _case(whens: Sequence[tuple[Where, Number]]) -> Number:
    return case(*whens) if whens else _nothing()


def _nothing() -> Number:
    return cast(null(), Integer())
