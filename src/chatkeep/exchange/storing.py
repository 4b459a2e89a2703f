"""The statements that bring conversations into the tables: chats and all that is in them, at once.

One statement stores a batch: a conversation is there whole or not at all, whenever it is stopped. A
chat that is there already, in the trash too, is left as it is, and nothing is added to it.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    column,
    func,
    literal,
    select,
)
from sqlalchemy import cast as cast_to
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.sql.selectable import TableValuedAlias

from chatkeep.access.catalogue import Catalogue
from chatkeep.access.rows import element_type
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.exchange.rows import CHAT, FEEDBACK, MESSAGE, USAGE, Row, Rows
from chatkeep.schema.types import Json

_TIMES = frozenset({"created_at", "updated_at"})
_IDS: Shape[str] = Shape(str, [Field("", "id")])


class StoreQueries:
    """The statements, made when they are first needed and kept."""

    def __init__(self, catalogue: Catalogue[Any, Any, Any, Any]) -> None:
        """Find the tables.

        Raises:
            ConfigError: The schema has no chats or messages.
        """
        self._chats = catalogue.rows("chats").table
        self._messages = catalogue.rows("messages").table
        self._feedback = catalogue.rows("message_feedback").table
        self._usage = catalogue.rows("message_usage").table
        self._stores: dict[tuple[bool, bool], Query[str]] = {}

    @cached_property
    def there(self) -> Query[str]:
        """Which of the chats `ids` are there, in the trash too."""
        chat = self._chats
        ids = bindparam("ids", type_=ARRAY(Text()))
        clause = select(chat.c["id"]).where(self._owned(chat), chat.c["id"] == any_(ids))
        return _query("exchange.there", clause)

    def store(self, *, has_feedback: bool, has_usage: bool) -> Query[str]:
        """Insert chats with messages; gives the ids of those that were new."""
        key = (has_feedback, has_usage)
        query = self._stores.get(key)
        if query is None:
            made = self._made()
            parts = [self._added(self._messages, "message", MESSAGE, made)]
            if has_feedback:
                parts.append(self._added(self._feedback, "feedback", FEEDBACK, made))
            if has_usage:
                parts.append(self._added(self._usage, "usage", USAGE, made))
            query = _query("exchange.store", select(made.c["id"]).add_cte(*parts))
            self._stores[key] = query
        return query

    def _made(self) -> CTE:
        """Insert the chats that are not there yet."""
        chat, given = self._chats, self._given(self._chats, "chat", CHAT)
        named = {name: self._value(chat, given, name) for name in CHAT}
        values = {**named, "user_id": self._user(chat), "revision": literal(1)}
        clause = insert(chat).from_select(
            list(values), select(*values.values()).order_by(given.c["position"])
        )
        return clause.on_conflict_do_nothing().returning(chat.c["id"]).cte("made")

    def _added(self, table: Table, name: str, names: Sequence[str], made: CTE) -> CTE:
        """Insert what belongs to the chats that were made, in the order given."""
        given = self._given(table, name, names)
        stored = [name for name in names if name in table.c]
        values = {name: self._value(table, given, name) for name in stored}
        values["user_id"] = self._user(table)
        source = select(*values.values()).join(made, made.c["id"] == given.c["chat_id"])
        clause = insert(table).from_select(list(values), source.order_by(given.c["position"]))
        return clause.cte(f"new_{name}")

    def _given(self, table: Table, name: str, names: Sequence[str]) -> TableValuedAlias:
        types = {key: _element(table, key) for key in names}
        arrays = [bindparam(f"{name}_{key}", type_=ARRAY(types[key])) for key in names]
        columns = [column(key, types[key]) for key in names]
        return (
            func.unnest(*arrays)
            .table_valued(*columns, with_ordinality="position")
            .render_derived(name=f"given_{name}")
        )

    def _value(self, table: Table, given: TableValuedAlias, name: str) -> ColumnElement[Any]:
        value = given.c[name]
        if name in _TIMES:
            return func.coalesce(value, func.current_timestamp())
        return cast_to(value, JSONB()) if isinstance(table.c[name].type, Json) else value

    def _user(self, table: Table) -> ColumnElement[Any]:
        return bindparam("user_id", type_=table.c["user_id"].type)

    def _owned(self, table: Table) -> ColumnElement[bool]:
        return table.c["user_id"] == self._user(table)


class Store:
    """What one user's imports are stored with."""

    def __init__(self, runner: Runner, queries: StoreQueries, user_id: str) -> None:
        self._runner = runner
        self._queries = queries
        self._user_id = user_id

    async def there(self, chat_ids: Sequence[str]) -> set[str]:
        """Give those of the chats that are there, in the trash too."""
        values: dict[str, object] = {"user_id": self._user_id, "ids": list(chat_ids)}
        return set(await self._queries.there.all(self._runner, values))

    async def store(self, rows: Rows) -> set[str]:
        """Store chats with all that is in them; give the ids of those that were not there.

        Raises:
            ReferencedRowError: There is no such user any more.
            DatabaseError: Another of its kinds.
        """
        has_feedback, has_usage = bool(rows.feedback), bool(rows.usage)
        query = self._queries.store(has_feedback=has_feedback, has_usage=has_usage)
        values: dict[str, object] = {"user_id": self._user_id}
        values |= _arrays("chat", CHAT, rows.chats) | _arrays("message", MESSAGE, rows.messages)
        if has_feedback:
            values |= _arrays("feedback", FEEDBACK, rows.feedback)
        if has_usage:
            values |= _arrays("usage", USAGE, rows.usage)
        return set(await query.all(self._runner, values))


def _arrays(name: str, names: Sequence[str], rows: Sequence[Row]) -> dict[str, object]:
    columns = zip(*rows, strict=True)
    return {f"{name}_{key}": list(values) for key, values in zip(names, columns, strict=True)}


def _element(table: Table, name: str) -> Any:  # noqa: ANN401 - a type of any column
    if name not in table.c or isinstance(table.c[name].type, Json):
        return Text()  # the chat of what has no such column; JSON, which is text until it is stored
    return element_type(table.c[name].type)


def _query(name: str, clause: Select[Any]) -> Query[str]:
    return Query(compile_statement(name, clause, has_keys=True), _IDS)
