"""The statements of a fill: they find the messages without an embedding of what they say now.

A fill walks through the messages by key. One statement looks at a window of them, gives the keys of
those that are outdated, and says how far it read: its cost has a bound, however few are outdated.

What is embedded is told by a hash of the text alone. No column would be quicker and exact: writers
other than chatkeep change a text without `updated_at`, and one that does move it may commit long
after the time that it writes. A message without an embedding of the model is not hashed.
"""

from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Function,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    column,
    false,
    func,
    literal_column,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert

from chatkeep.access.rows import Rows, Where
from chatkeep.access.trashed import live
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.presets.deepsearch.embeddings import Vector
from chatkeep.records.deepsearch import Message

WINDOW = 5000
"""Messages that one statement looks at, at most."""

WEIGHT = 16_000_000
"""Bytes of text that it reads, but for the message with which it comes to that."""


class Outdated(NamedTuple):
    """The key of a message without an embedding of what it says now.

    Attributes:
        is_last: It is the last message of the window instead, outdated or not.
    """

    user_id: str
    message_id: str
    is_last: bool


class Unembedded(NamedTuple):
    """A message without an embedding of what it says now."""

    user_id: str
    message_id: str
    content: str
    content_hash: bytes


class FillQueries:
    """What finds outdated messages and stores embeddings, of one user or (`is_scoped=False`) of all.

    Attributes:
        model: Whose embeddings are stored.
        dimensions: Numbers in each.
    """

    def __init__(
        self, embeddings: tuple[Table, str], messages: Rows[Message], *, is_scoped: bool
    ) -> None:
        """Take the tables; `embeddings` is theirs and the name of their model."""
        self._table, self.model = embeddings
        self._vector = self._table.c["embedding"].type
        self.dimensions = self._vector.dimensions if isinstance(self._vector, Vector) else 0
        self._message = messages
        self._is_scoped = is_scoped

    @cached_property
    def outdated(self) -> Query[Outdated]:
        """The keys of a window's outdated messages, and its end; nothing behind the last message."""
        message = self._message.table
        keys = (message.c["user_id"], message.c["id"])
        told = (message.c[name] for name in ("content", "status", "deleted_at"))
        window = select(*keys, *told).where(*self._behind(), *self._scope()).order_by(*keys)
        # Said and not given: else the planner would take it for a tenth of the table.
        part = window.limit(literal_column(str(WINDOW))).subquery("part")
        # Known of each row without reading a text that is stored apart.
        weight = func.octet_length(part.c["content"], type_=Integer())
        before = func.sum(weight, type_=BigInteger()).over(
            order_by=(part.c["user_id"], part.c["id"]), rows=(None, 0)
        )
        weighed = select(part, before.op("-", return_type=BigInteger())(weight).label("before"))
        weighed = weighed.subquery("weighed")
        is_outdated = and_(_is_embeddable(weighed), self._is_outdated(weighed))
        place = (weighed.c["user_id"], weighed.c["id"])
        read = (
            select(*place, is_outdated.label("is_outdated"))
            .where(weighed.c["before"] < literal_column(str(WEIGHT)))
            .cte("read")
        )
        place = (read.c["user_id"], read.c["id"])
        found = select(*place, false().label("is_last")).where(read.c["is_outdated"])
        found = found.order_by(*place).subquery("found")
        last = select(*place, true().label("is_last")).order_by(*(key.desc() for key in place))
        last = last.limit(literal_column("1")).subquery("last")
        clause = union_all(found.select(), last.select())
        fields = [Field("message", name) for name in Outdated._fields]
        # Planned anew each time: a plan for any user would take each to have few messages, and read
        # and sort all of one who has very many.
        statement = compile_statement("embeddings.outdated", clause, is_kept=False, has_keys=True)
        return Query(statement, Shape(Outdated, fields))

    @cached_property
    def unembedded(self) -> Query[Unembedded]:
        """Those of some messages that are outdated still, with what they say."""
        message = self._message.table
        given = (
            func.unnest(
                bindparam("user_ids", type_=ARRAY(Text())),
                bindparam("message_ids", type_=ARRAY(Text())),
            )
            .table_valued(column("user_id", Text()), column("message_id", Text()), name="given")
            .render_derived()
        )
        place = (message.c["user_id"], message.c["id"])
        clause = (
            select(*place, message.c["content"], _hash_of(message.c["content"]))
            .join_from(given, message, self._is_given(given))
            .where(_is_embeddable(message), self._is_outdated(message), *self._scope())
            .order_by(*place)
        )
        fields = [Field("message", name) for name in Unembedded._fields]
        return _query("unembedded", clause, Shape(Unembedded, fields))

    @cached_property
    def store(self) -> Query[str]:
        """Embeddings of messages that still say what was embedded; none is stored twice."""
        message, own = self._message.table, self._table
        given = (
            func.unnest(
                bindparam("user_ids", type_=ARRAY(Text())),
                bindparam("message_ids", type_=ARRAY(Text())),
                bindparam("hashes", type_=ARRAY(LargeBinary())),
                bindparam("vectors", type_=ARRAY(Text())),
            )
            .table_valued(
                column("user_id", Text()),
                column("message_id", Text()),
                column("content_hash", LargeBinary()),
                column("embedding", Text()),
                name="given",
            )
            .render_derived()
        )
        # Locked as the foreign key will lock them, and in one order: two fills at once wait for
        # each other and never in a circle.
        source = (
            select(
                message.c["user_id"],
                message.c["id"],
                self._model(),
                given.c["content_hash"],
                cast(given.c["embedding"], self._vector),
            )
            .join_from(given, message, self._is_given(given))
            .where(_hash_of(message.c["content"]) == given.c["content_hash"], self._message.live)
            .where(*self._scope())
            .order_by(message.c["user_id"], message.c["id"])
            .with_for_update(of=message, read=True, key_share=True)
        )
        changed = ("model", "content_hash", "embedding")
        clause = insert(own).from_select(["user_id", "message_id", *changed], source)
        clause = clause.on_conflict_do_update(
            index_elements=["user_id", "message_id"],
            set_={
                **{name: clause.excluded[name] for name in changed},
                "updated_at": func.greatest(own.c["updated_at"], func.current_timestamp()),
            },
        )
        shape = Shape(str, [Field("message", "id")])
        return _query("store", clause.returning(own.c["message_id"]), shape)

    def _is_outdated(self, message: Any) -> Where:  # noqa: ANN401 - a table or a subquery
        """Tell it of each row by itself: no join, which might read all embeddings for a window."""
        own = self._table
        differs = (
            select(own.c["content_hash"] != _hash_of(message.c["content"]))
            .where(own.c["user_id"] == message.c["user_id"])
            .where(own.c["message_id"] == message.c["id"], own.c["model"] == self._model())
            .scalar_subquery()
        )
        return Function("coalesce", differs, true(), type_=Boolean())

    def _behind(self) -> list[Where]:
        """Leave out what is not behind the place."""
        user_id, message_id = self._message.table.c["user_id"], self._message.table.c["id"]
        after = bindparam("after_message_id", type_=Text())
        place = tuple_(bindparam("after_user_id", type_=Text()), after)
        behind = tuple_(user_id, message_id) > place
        # Both for one user: with the first alone the index is read from the user's beginning, with
        # the other alone that of all ids may be, past everybody else's.
        return [behind, message_id > after] if self._is_scoped else [behind]

    def _is_given(self, given: Any) -> Where:  # noqa: ANN401 - a table of values
        message = self._message.table
        return and_(
            message.c["user_id"] == given.c["user_id"], message.c["id"] == given.c["message_id"]
        )

    def _scope(self) -> list[Where]:
        return [self._message.table.c["user_id"] == self._user()] if self._is_scoped else []

    def _model(self) -> ColumnElement[str]:
        return bindparam("embedding_model", self.model, type_=String(255))

    def _user(self) -> ColumnElement[str]:
        return bindparam("user_id", type_=self._message.table.c["user_id"].type)


def _is_embeddable(message: Any) -> Where:  # noqa: ANN401 - a table or a subquery
    """Leave out the trash, what is still being written, and what says nothing."""
    says = message.c["content"].op("~", is_comparison=True)(literal_column(r"'\S'"))
    return and_(live(message), message.c["status"] != literal_column("'streaming'"), says)


def _hash_of(content: ColumnElement[str]) -> ColumnElement[bytes]:
    return func.sha256(func.convert_to(content, literal_column("'UTF8'")), type_=LargeBinary())


def _query(name: str, clause: Any, shape: Shape[Any]) -> Query[Any]:  # noqa: ANN401 - any statement
    return Query(compile_statement(f"embeddings.{name}", clause, has_keys=True), shape)
