"""The walks of a sweep over a schema's tables, in the order in which rows must go."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    bindparam,
    case,
    func,
    or_,
    select,
    true,
    update,
)

from chatkeep.access.catalogue import Catalogue
from chatkeep.access.trash_removal import Removal, belongs
from chatkeep.access.trashed import is_trashed, live
from chatkeep.cache.postgres_queries import gone_at
from chatkeep.engine.compile import Statement, compile_statement
from chatkeep.personal import sweep_queries as queries
from chatkeep.personal.retention import EXPIRING, What
from chatkeep.personal.sweep_belongings import Belongings
from chatkeep.personal.sweep_limits import has_more, limited
from chatkeep.personal.sweep_queries import Kind, Walk
from chatkeep.personal.sweep_rules import Rules, Where, moment
from chatkeep.personal.sweep_searches import search_walks
from chatkeep.schema.schema import Schema

_AGED: tuple[What, ...] = ("chats", "temporary")


@dataclass(frozen=True, slots=True)
class Emptying:
    """How a chat of more messages than a batch takes is emptied, before it goes.

    Attributes:
        hide: Puts the chat into the trash, so that nobody sees the half of it.
        part: Ids of some of its messages.
        sums: How many rows go with these.
        children: Names of the tables that `sums` counts, in its order.
        remove: Removes these.
    """

    hide: Statement
    part: Statement
    sums: Statement
    children: tuple[str, ...]
    remove: Statement


class Walks:
    """The statements of one sweep, made for its policies and its moment."""

    def __init__(
        self, schema: Schema[Any, Any, Any, Any], rules: Rules, belongings: Belongings
    ) -> None:
        self._rules = rules
        self._belongings = belongings
        self._tables = schema.tables
        self._catalogue = Catalogue(schema)

    def all(self) -> list[Walk]:
        """Give the walks; chats go first, so that nothing of theirs is walked through alone."""
        found = [*self._chats(), *self._messages(), *self._shares(), *self._usage()]
        for what in EXPIRING:
            found += self._expiring(what)
        return [*found, *search_walks(self._rules, self._belongings)]

    def emptying(self) -> Emptying:
        """Give the statements that empty a chat."""
        chat, message = self._tables["chats"], self._tables["messages"]
        chat_id: Any = bindparam("chat_id", type_=Text())
        marked = func.coalesce(chat.c["deleted_at"], func.clock_timestamp())
        hide = (
            update(chat)
            .where(chat.c["id"] == chat_id)
            .values(deleted_at=marked, revision=chat.c["revision"] + 1)
            .returning(chat.c["id"])
        )
        owner = select(chat.c["user_id"]).where(chat.c["id"] == chat_id).scalar_subquery()
        part = (
            select(message.c["id"])
            .where(message.c["user_id"] == owner, message.c["chat_id"] == chat_id)
            .order_by(message.c["parent_id"])  # an index has them in this order: no sort
            .limit(bindparam("limit", type_=Integer()))
        )
        kind = self._message_kind()
        return Emptying(
            compile_statement("sweep.chat_hide", hide),
            compile_statement("sweep.chat_part", part),
            queries.sums(kind),
            tuple(child.name for child in kind.children),
            self._removal(),
        )

    def _chats(self) -> Iterator[Walk]:
        aged, trash = self._rules.ages(*_AGED), self._rules.ages("trash")
        if not (aged or trash):
            return
        chat = self._tables["chats"]
        user = self._tables["users"]
        source = chat.join(user, self._rules.owner(chat))
        at = case((is_trashed(chat), chat.c["deleted_at"]), else_=chat.c["updated_at"])
        kind = Kind("chats", chat, ("id",), source, self._rules.of_chat(), at, self._belongings)
        takes = self._numbers(*_AGED, "trash")
        is_aged = _before(chat.c["updated_at"], aged)
        if aged:
            order = ("user_id", "updated_at", "id")
            yield self._walk(kind, "live_chats", order, _In(live(chat), is_aged), takes)
        is_due = or_(is_aged, _before(chat.c["deleted_at"], trash))
        step = _In(is_trashed(chat), is_due)
        yield self._walk(kind, "trashed_chats", ("user_id", "deleted_at", "id"), step, takes)

    def _messages(self) -> Iterator[Walk]:
        aged, trash = self._rules.ages("messages"), self._rules.ages("trash")
        if not (aged or trash):
            return
        kind, message = self._message_kind(), self._tables["messages"]
        if trash:
            step = _In(is_trashed(message), _before(message.c["deleted_at"], trash))
            order = ("user_id", "deleted_at", "id")
            yield self._walk(kind, "trashed_messages", order, step, self._numbers("trash"))
        if aged:
            step = _In(true(), _before(message.c["created_at"], aged) & self._has_role())
            takes = self._numbers("messages")
            yield self._walk(kind, "messages", ("user_id", "id"), step, takes)

    def _shares(self) -> Iterator[Walk]:
        ages = self._rules.ages("shares")
        if not ages:
            return
        chat, share, user = (self._tables[name] for name in ("chats", "chat_shares", "users"))
        source = share.join(chat, belongs(share, chat)).join(user, self._rules.owner(chat))
        at = func.least(share.c["expires_at"], share.c["revoked_at"])
        kind = Kind(
            "chat_shares", share, ("id",), source, self._rules.of_share(), at, self._belongings
        )
        step = _In(true(), _before(at, ages))
        yield self._walk(kind, "shares", ("id",), step, self._numbers("shares"))

    def _usage(self) -> Iterator[Walk]:
        ages = self._rules.ages("usage")
        if not ages:
            return
        usage, user = self._tables["message_usage"], self._tables["users"]
        source, at = usage.join(user, self._rules.owner(usage)), usage.c["created_at"]
        key = ("user_id", "message_id")
        kind = Kind(
            "message_usage", usage, key, source, self._rules.of_usage(), at, self._belongings
        )
        step = _In(true(), _before(at, ages))
        order = ("user_id", "created_at", "message_id")
        yield self._walk(kind, "usage", order, step, self._numbers("usage"))

    def _expiring(self, what: What) -> Iterator[Walk]:
        ages = self._rules.ages(what)
        limit = self._rules.limit if what == "sessions" else None
        if not ages and limit is None:
            return
        table = self._tables[what]
        ends = table.c["expires_at" if "expires_at" in table.c else "expires"]
        has_index = any(next(iter(index.columns), None) is ends for index in table.indexes)
        at = gone_at(table) if what == "search_cache" else ends
        key = tuple(column.key for column in table.primary_key)
        rule = self._rules.of_expiring(what, at)
        kind = Kind(what, table, key, table, rule, at, self._belongings)
        lock, takes = queries.lock(kind), self._numbers(what)
        if limit is not None:
            kind = limited(kind, limit, moment(self._rules.now))
            step = _In(true(), has_more(table, limit[1]))
            walk = self._walk(kind, f"{what}_beyond", key, step, frozenset({limit[0]}))
            yield replace(walk, lock=lock)
            takes -= {limit[0]}
        if ages:
            is_old = _before(at, ages)
            # The index of the cache leads to what has expired, and the read ends with it. Of that
            # goes what may not be given as stale any more, either.
            step = _In(_before(ends, ages) if has_index else true(), is_old)
            order = ("expires_at", *key) if has_index else key
            yield replace(self._walk(kind, what, order, step, takes), lock=lock)

    def _walk(
        self, kind: Kind, name: str, order: tuple[str, ...], step: "_In", takes: frozenset[int]
    ) -> Walk:
        columns = [kind.table.c[column] for column in order]
        is_message = kind.name == "messages"
        return Walk(
            name=kind.name,
            key=kind.key,
            order=order,
            takes=takes,
            children=tuple(child.name for child in kind.children),
            window=queries.window(name, columns, step.rows, step.may_go),
            look=queries.look(kind),
            lock=queries.lock(kind, self._tables["chats"] if is_message else None),
            remove=self._removal() if is_message else queries.remove(kind),
            start=queries.start(columns),
        )

    def _message_kind(self) -> Kind:
        chat, message, user = (self._tables[name] for name in ("chats", "messages", "users"))
        source = message.join(chat, belongs(message, chat)).join(user, self._rules.owner(chat))
        is_trash = is_trashed(message) & self._rules.went_alone()
        at = case((is_trash, message.c["deleted_at"]), else_=message.c["created_at"])
        return Kind(
            "messages", message, ("id",), source, self._rules.of_message(), at, self._belongings
        )

    def _removal(self) -> Statement:
        """Give the statement that takes messages out of their branches, as `delete(hard=True)` does."""
        rows = self._catalogue.rows
        removal = Removal(rows("messages"), rows("chats"), self._tables["chat_shares"])
        return removal.query("sweep", []).statement

    def _numbers(self, *what: What) -> frozenset[int]:
        policies = enumerate(self._rules.policies)
        return frozenset(number for number, policy in policies if policy.what in what)

    def _has_role(self) -> Where:
        """Say that a message is of a role that a policy names, or that one is about all roles."""
        roles = {policy.role for policy in self._rules.policies if policy.what == "messages"}
        role: ColumnElement[Any] = self._tables["messages"].c["role"]
        named = [role == name for name in sorted(filter(None, roles))]
        return true() if None in roles else or_(*named)


@dataclass(frozen=True, slots=True)
class _In:
    """Which rows an index holds, and which of these may go."""

    rows: Where
    may_go: Where


def _before(at: ColumnElement[Any], ages: list[datetime]) -> Where:
    """Say that a row is older than the shortest of the policies asks; never, without any."""
    if not ages:
        return ~true()
    condition: Where = at < moment(max(ages))
    return condition
