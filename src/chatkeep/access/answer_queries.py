"""The statements on answers that are being written.

An answer is a message with the status `streaming`, one row in `running_answers`, which says whose it
is, and one row in `message_chunks` for each piece that was flushed. Whoever writes a piece locks the
running row and must find its own token there; whoever takes an answer away first changes the token,
in a statement of its own, and then reads the pieces: nothing that was acknowledged is left out.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    Table,
    Text,
    and_,
    bindparam,
    case,
    column,
    delete,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy import insert as insert_into
from sqlalchemy.dialects.postgresql import INTERVAL, aggregate_order_by, insert

from chatkeep.access.appending import AppendQueries, Form, the_chat
from chatkeep.access.rows import Rows, Where
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.errors import ConfigError
from chatkeep.records.deepsearch import Chat, Message, Status

START_COLUMNS = ("id", "role", "content", "status")
MAX_OFFSET = 2**31 - 2

_CLAIMED = ("user_id", "chat_id", "message_id")


class Claimed(NamedTuple):
    """An answer that was taken from its writer."""

    user_id: str
    chat_id: str
    message_id: str


class Seen(NamedTuple):
    """What a reader finds of an answer from an offset on."""

    status: Status
    text: str
    chat_id: str
    silence: float | None  # seconds since its writer's last sign; None: no writer


class AnswerQueries:
    """The statements, in a user's scope or (`is_scoped=False`) for all users' chats.

    Only what is asked from outside knows the two; once it has begun, an answer is known by its user.
    """

    def __init__(
        self,
        messages: Rows[Message],
        chats: Rows[Chat],
        tables: Mapping[str, Table],
        *,
        is_scoped: bool,
    ) -> None:
        self.rows = messages
        self._chat = chats
        self._tables = tables
        self._is_scoped = is_scoped
        self._sweep: Query[Claimed] | None = None
        self._starts: dict[Form, Query[Message]] = {}
        self._closes: dict[tuple[tuple[str, ...], tuple[str, ...]], Query[Message]] = {}

    @property
    def channel(self) -> str:
        """Name of the notifications' channel: one for each schema prefix."""
        return self._running.name

    def start(self, form: Form) -> Query[Message]:
        """Insert the message and its running row, and move the chat, if no answer runs in it."""
        query = self._starts.get(form)
        if query is None:
            running, chat = self._running, self._chat.table
            is_free = ~exists().where(
                running.c["user_id"] == chat.c["user_id"], running.c["chat_id"] == chat.c["id"]
            )
            appends = AppendQueries(
                self.rows, self._chat, is_scoped=self._is_scoped, only_if=is_free
            )
            said = appends.one_clause(form).cte("said")
            writer = bindparam("writer", type_=Text())
            claimed = (
                insert_into(running)
                .from_select(
                    [*_CLAIMED, "writer"],
                    select(said.c["user_id"], said.c["chat_id"], said.c["id"], writer),
                )
                .returning(running.c["message_id"])
                .cte("claimed")
            )
            clause = select(*said.c).add_cte(claimed)
            query = self._starts[form] = self.rows.query("start_answer", clause)
        return query

    @cached_property
    def find(self) -> Query[Message]:
        """By id, in the trash too."""
        table = self.rows.table
        keys = ("user_id", "id") if self._is_scoped else ("id",)
        given = [table.c[key] == bindparam(key, type_=table.c[key].type) for key in keys]
        return self.rows.query("find_answer", select(*self.rows.columns).where(*given))

    @cached_property
    def running(self) -> Query[str]:
        """Id of the answer that runs in a chat."""
        running, chat = self._running, self._chat.table
        clause = (
            select(running.c["message_id"])
            .join(chat, self._of_chat(chat))
            .where(the_chat(self._chat, is_scoped=self._is_scoped))
        )
        return self._text("running_answer", clause)

    @cached_property
    def flush(self) -> Query[str]:
        """Store a piece, and give a sign of life, if the answer is still its writer's.

        An empty piece is the sign alone. The same piece at the same place a second time, when
        nobody knows whether the first one was stored, adds nothing.
        """
        running, chunk = self._running, self._chunks
        content = bindparam("content", type_=Text())
        beat = (
            update(running)
            .where(self._is_writers())
            .values(**self._touch())
            .returning(running.c["user_id"], running.c["message_id"])
            .cte("beat")
        )
        piece = select(
            beat.c["user_id"],
            beat.c["message_id"],
            bindparam("position", type_=Integer()),
            content,
        ).where(content != "")
        stored = (
            insert(chunk)
            .from_select(["user_id", "message_id", "position", "content"], piece)
            .on_conflict_do_nothing(index_elements=["user_id", "message_id", "position"])
            .returning(chunk.c["position"])
            .cte("stored")
        )
        return self._text("flush_answer", select(beat.c["message_id"]).add_cte(stored))

    @cached_property
    def tell(self) -> Query[str]:
        """Notify who follows one of these answers; ids alone are told, never a text."""
        ids = bindparam("ids", type_=ARRAY(Text()))
        given = func.unnest(ids).table_valued(column("id", Text())).render_derived(name="given")
        return self._text("tell_answers", select(func.pg_notify(self.channel, given.c["id"])))

    def close(self, details: tuple[str, ...], usage: tuple[str, ...] = ()) -> Query[Message]:
        """Make a message of the pieces before `position` and the text `tail`, if it is the writer's.

        Args:
            details: Columns of the message to set beside.
            usage: Columns of the ledger's row; none adds none.
        """
        key = (details, usage)
        query = self._closes.get(key)
        if query is None:
            query = self._closes[key] = self._close(details, usage)
        return query

    @cached_property
    def take(self) -> Query[Claimed]:
        """Give a chat's answer another writer, if its own has been silent for long enough."""
        running, chat = self._running, self._chat.table
        which = (
            select(chat.c["user_id"], chat.c["id"])
            .where(the_chat(self._chat, is_scoped=self._is_scoped))
            .cte("which")
        )
        return self._claim(
            "take_answer",
            which,
            (running.c["chat_id"] == which.c["id"]) & self._is_silent("silent_for"),
        )

    def sweep(self) -> Query[Claimed]:
        """Give answers of silent writers another one, those of all users; for trusted code."""
        if self._sweep is None:
            running = self._running
            which = (
                select(running.c["user_id"], running.c["chat_id"])
                .where(self._is_silent("silent_for"))
                .order_by(running.c["updated_at"])
                .limit(bindparam("limit", type_=Integer()))
                .with_for_update(skip_locked=True, key_share=True)
                .cte("which")
            )
            is_it = running.c["chat_id"] == which.c["chat_id"]
            self._sweep = self._claim("sweep_answers", which, is_it)
        return self._sweep

    @cached_property
    def see(self) -> Query[Seen]:
        """The text of an answer from `offset` on, and how it stands with it."""
        message, running, chunk = self.rows.table, self._running, self._chunks
        offset = bindparam("offset", type_=Integer())
        before = chunk.alias("before")
        first = (
            select(func.max(before.c["position"]))
            .where(self._of_message(before), before.c["position"] <= offset)
            .correlate(message)
            .scalar_subquery()
        )
        flushed = func.string_agg(
            chunk.c["content"], aggregate_order_by(literal(""), chunk.c["position"])
        )
        said = (
            select(func.substr(flushed, offset - func.min(chunk.c["position"]) + 1))
            .where(self._of_message(chunk), chunk.c["position"] >= func.coalesce(first, 0))
            .correlate(message)
            .scalar_subquery()
        )
        is_streaming = message.c["status"] == "streaming"
        text = case(
            (is_streaming, func.coalesce(said, "")),
            else_=func.substr(message.c["content"], offset + 1),
        )
        silence = (
            select(func.extract("epoch", func.current_timestamp() - running.c["updated_at"]))
            .where(self._of_message(running))
            .correlate(message)
            .scalar_subquery()
        )
        keys = ("user_id", "id") if self._is_scoped else ("id",)
        clause = select(message.c["status"], text, message.c["chat_id"], silence)
        shape = Shape(
            Seen,
            [
                Field(message.name, "status"),
                Field(message.name, "content"),
                Field(message.name, "chat_id"),
                Field(running.name, "updated_at", float),
            ],
        )
        statement = compile_statement(
            "messages.see_answer", clause.where(self.rows.equal(*keys)), has_keys=True
        )
        return Query(statement, shape)

    def _close(self, details: tuple[str, ...], usage: tuple[str, ...]) -> Query[Message]:
        chat, message = self._chat.table, self.rows.table
        running, chunk = self._running, self._chunks
        held = (  # the chat first, as every change of its messages does; it may be in the trash
            select(chat.c["user_id"], chat.c["id"])
            .where(chat.c["user_id"] == bindparam("user_id", type_=chat.c["user_id"].type))
            .where(chat.c["id"] == bindparam("chat_id", type_=chat.c["id"].type))
            .with_for_update(of=chat, key_share=True)
            .cte("held")
        )
        ended = (
            delete(running)
            .where(running.c["user_id"] == held.c["user_id"], running.c["chat_id"] == held.c["id"])
            .where(running.c["writer"] == bindparam("writer", type_=Text()))
            .returning(*(running.c[name] for name in _CLAIMED))
            .cte("ended")
        )
        pieces = (
            delete(chunk)
            .where(chunk.c["user_id"] == ended.c["user_id"])
            .where(chunk.c["message_id"] == ended.c["message_id"])
            .returning(chunk.c["position"], chunk.c["content"])
            .cte("pieces")
        )
        flushed = func.string_agg(
            pieces.c["content"], aggregate_order_by(literal(""), pieces.c["position"])
        )
        whole = (
            select(func.coalesce(flushed, "") + bindparam("tail", type_=Text()))
            .where(pieces.c["position"] < bindparam("position", type_=Integer()))
            .scalar_subquery()
        )
        moved = (
            update(chat)
            .where(chat.c["user_id"] == ended.c["user_id"], chat.c["id"] == ended.c["chat_id"])
            .values({"revision": chat.c["revision"] + 1, **self._chat.touch()})
            .returning(chat.c["id"])
            .cte("moved")
        )
        given = self.rows.parameters(dict.fromkeys(("status", *details)))
        closed = (
            update(message)
            .where(message.c["user_id"] == ended.c["user_id"])
            .where(message.c["id"] == ended.c["message_id"])
            .values({**given, "content": whole, **self.rows.touch()})
            .returning(*self.rows.columns)
            .cte("closed")
        )
        clause = select(*closed.c).add_cte(moved)
        if usage:
            clause = clause.add_cte(self._used(ended, usage))
        return self.rows.query("close_answer", clause)

    def _used(self, ended: CTE, names: tuple[str, ...]) -> CTE:
        """Write into the ledger what the answer used; its key lets nobody do so twice."""
        usage = self._table("message_usage")
        given = [bindparam(f"used_{name}", type_=usage.c[name].type) for name in names]
        return (
            insert(usage)
            .from_select([*_CLAIMED, *names], select(*ended.c, *given))
            .on_conflict_do_nothing(index_elements=["user_id", "message_id"])
            .returning(usage.c["message_id"])
            .cte("used")
        )

    def _claim(self, name: str, which: CTE, where: Where) -> Query[Claimed]:
        running = self._running
        clause = (
            update(running)
            .where(running.c["user_id"] == which.c["user_id"], where)
            .values(writer=bindparam("writer", type_=Text()), **self._touch())
            .returning(*(running.c[name] for name in _CLAIMED))
        )
        shape = Shape(Claimed, [Field(running.name, name) for name in _CLAIMED])
        return Query(compile_statement(f"messages.{name}", clause, has_keys=True), shape)

    def _is_writers(self) -> Where:
        running = self._running
        names = ("user_id", "chat_id", "writer")
        return and_(
            *(running.c[name] == bindparam(name, type_=running.c[name].type) for name in names)
        )

    def _is_silent(self, name: str) -> Where:
        silence = func.clock_timestamp() - self._running.c["updated_at"]
        return silence >= bindparam(name, type_=INTERVAL())

    def _of_chat(self, chat: Table) -> Where:
        running = self._running
        return (running.c["user_id"] == chat.c["user_id"]) & (running.c["chat_id"] == chat.c["id"])

    def _of_message(self, table: Any) -> Where:  # noqa: ANN401 - a table or an alias of one
        message = self.rows.table
        return (table.c["user_id"] == message.c["user_id"]) & (
            table.c["message_id"] == message.c["id"]
        )

    def _touch(self) -> dict[str, ColumnElement[Any]]:
        """Give a sign of life, by the clock: the transaction of a batch began earlier."""
        return {"updated_at": func.clock_timestamp()}

    def _text(self, name: str, clause: Any) -> Query[str]:  # noqa: ANN401 - of any columns
        statement = compile_statement(f"messages.{name}", clause, has_keys=True)
        return Query(statement, Shape(str, [Field("", name)]))

    @property
    def _running(self) -> Table:
        return self._table("running_answers")

    @property
    def _chunks(self) -> Table:
        return self._table("message_chunks")

    def _table(self, name: str) -> Table:
        table = self._tables.get(name)
        if table is None:
            raise ConfigError(f"This schema has no table `{name}`: answers cannot be streamed.")
        return table
