"""The statements on the embeddings of messages.

A vector is told as text and cast in PostgreSQL: the driver knows no vectors. The cast of what is
searched for stands in a subquery of its own, or PostgreSQL would read its text for every row (12
times slower on 5,000 messages).
"""

from functools import cached_property
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Float,
    Function,
    Integer,
    Select,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal,
    literal_column,
    not_,
    select,
    table,
)
from sqlalchemy.sql.elements import quoted_name

from chatkeep.access.fill_queries import FillQueries
from chatkeep.access.rows import Rows, Where
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.errors import ConfigError
from chatkeep.presets.deepsearch.embeddings import EmbeddingTable
from chatkeep.presets.deepsearch.searching import TEXT
from chatkeep.records.deepsearch import Message
from chatkeep.schema.naming import Naming, quote_name
from chatkeep.schema.schema import Schema

FILTERS = ("chat_id", "role", "since", "until", "model")
"""The fields of a `SearchFilter` that narrow messages."""

EXACT = 20_000
"""Up to so many embeddings of a user each one is compared: exact, and quick enough."""
SHARE = 20
"""More are looked for in the index where they are more than one in so many of all embeddings: it
holds everybody's, and is walked past everybody else's."""
ALWAYS = 200_000
"""With more than so many it is asked in any case."""

_BESIDE = 2  # times as many neighbours as are wanted, since some of them may be in the trash

# strict_order lets the index go on until it has found enough of the user's own. Without the two
# others the planner may sort all of the user's rows instead.
_SETTINGS = {
    "hnsw.iterative_scan": "strict_order",
    "hnsw.ef_search": "800",
    "enable_sort": "off",
    "enable_bitmapscan": "off",
}


_CLASSES = table("pg_class", column("oid"), column("reltuples", Float()), schema="pg_catalog")


class EmbeddingQueries(FillQueries):
    """The statements on embeddings, in a user's scope or (`is_scoped=False`) on all users'."""

    def __init__(
        self,
        embeddings: tuple[Table, str],
        messages: Rows[Message],
        usage: Table,
        prefix: str,
        *,
        is_scoped: bool,
    ) -> None:
        """Take the tables; `embeddings` is theirs and the name of their model."""
        super().__init__(embeddings, messages, is_scoped=is_scoped)
        self._usage = usage
        self._text = quoted_name(Naming(prefix).other(TEXT), quote=True)
        self._filtered: dict[tuple[str, ...], Query[str]] = {}

    @cached_property
    def has_many(self) -> Query[bool]:
        """Whether the index serves a user better; no more of their embeddings are counted than that."""
        own, classes = self._table, _CLASSES
        # What the last ANALYZE counted; -1 before the first one.
        share = classes.c["reltuples"].op("/")(literal_column(str(SHARE)))
        least, most = literal_column(str(EXACT)), literal_column(str(ALWAYS))
        bound = cast(func.greatest(least, func.least(most, share)), BigInteger())
        named = func.to_regclass(literal(quote_name(own.name), Text()))
        few = select(bound.label("few")).where(classes.c["oid"] == named).cte("few")
        one_more = select(few.c["few"] + literal_column("1")).scalar_subquery()
        # Of whichever model: so the primary key alone tells.
        theirs = select(literal_column("1")).where(own.c["user_id"] == self._user())
        some = theirs.limit(one_more).subquery("some")
        count = select(func.count()).select_from(some).scalar_subquery()
        clause = select(count > few.c["few"])
        return _query("has_many", clause, Shape(bool, [Field("message", "embedding")]))

    @cached_property
    def nearest(self) -> Query[str]:
        """A user's messages by how near they are: each is compared, none of others is read."""
        own = self._table
        near = (
            select(own.c["user_id"], own.c["message_id"], self._distance().label("distance"))
            .where(self._of_user())
            .order_by(literal_column("distance"), own.c["message_id"])
            .offset(literal_column("0"))  # sorted once, then looked up until there are enough
            .subquery("near")
        )
        clause = self._live(near).order_by(near.c["distance"], near.c["message_id"])
        return _query("nearest", clause.limit(_limit()), _ids())

    @cached_property
    def nearest_indexed(self) -> Query[str]:
        """The same by the index, for a user with very many; with the settings of `settings`."""
        own = self._table
        distance = own.c["embedding"].op("<=>", return_type=Float())(self._wanted())
        near = (
            select(own.c["user_id"], own.c["message_id"], distance.label("distance"))
            .where(self._of_user())
            .order_by(distance)
            .limit(_limit() * _BESIDE)
            .subquery("near")
        )
        clause = self._live(near).order_by(near.c["distance"], near.c["message_id"])
        return _query("nearest_indexed", clause.limit(_limit()), _ids())

    def nearest_of(self, filters: tuple[str, ...]) -> Query[str]:
        """Give the statement for those that some filters leave: each of these is compared."""
        query = self._filtered.get(filters)
        if query is None:
            message, own = self._message.table, self._table
            conditions = self._conditions()
            clause = (
                select(own.c["message_id"])
                .join(message, self._belongs())
                .where(self._of_user(), message.c["user_id"] == self._user(), self._message.live)
                .where(*(conditions[name] for name in filters))
                .order_by(self._distance(), own.c["message_id"])
                .limit(_limit())
            )
            query = self._filtered[filters] = _query("nearest_of", clause, _ids())
        return query

    @cached_property
    def settings(self) -> Query[str]:
        """What `nearest_indexed` needs, for the transaction that it runs in."""
        calls = [
            func.set_config(*(literal_column(word) for word in (f"'{name}'", f"'{value}'", "true")))
            for name, value in _SETTINGS.items()
        ]
        shape = Shape(
            lambda *values: str(values[0]), [Field("message", name) for name in _SETTINGS]
        )
        return _query("settings", select(*calls), shape)

    @cached_property
    def without(self) -> Query[str]:
        """Those of some messages that have none of the words that were excluded."""
        message = self._message.table
        text: ColumnElement[str] = func.coalesce(
            Function[str](self._text, message.c["content"], type_=Text()), literal_column("''")
        )
        excluded = bindparam("excluded", type_=ARRAY(Text()))
        clause = select(message.c["id"]).where(
            message.c["user_id"] == self._user(),
            message.c["id"] == any_(bindparam("ids", type_=ARRAY(Text()))),
            not_(text.op("LIKE", is_comparison=True)(any_(excluded))),
        )
        return _query("without", clause, _ids())

    def _live(self, near: Any) -> Select[Any]:  # noqa: ANN401 - a subquery
        message = self._message.table
        belongs = and_(
            message.c["user_id"] == near.c["user_id"], message.c["id"] == near.c["message_id"]
        )
        return select(near.c["message_id"]).join(message, belongs).where(self._message.live)

    def _conditions(self) -> dict[str, Where]:
        message, usage = self._message.table, self._usage
        created_at = message.c["created_at"]
        return {
            "chat_id": message.c["chat_id"] == bindparam("chat_id", type_=Text()),
            "role": message.c["role"] == bindparam("role", type_=Text()),
            "since": created_at >= bindparam("since", type_=created_at.type),
            "until": created_at < bindparam("until", type_=created_at.type),
            "model": exists().where(
                usage.c["user_id"] == self._user(),
                usage.c["message_id"] == message.c["id"],
                usage.c["model"] == bindparam("model", type_=Text()),
            ),
        }

    def _belongs(self) -> Where:
        message, own = self._message.table, self._table
        return and_(
            own.c["user_id"] == message.c["user_id"], own.c["message_id"] == message.c["id"]
        )

    def _of_user(self) -> Where:
        return and_(
            self._table.c["user_id"] == self._user(), self._table.c["model"] == self._model()
        )

    def _distance(self) -> ColumnElement[float]:
        """Give the distance in a form that no index has: else one of everybody's may be walked."""
        distance = self._table.c["embedding"].op("<=>", return_type=Float())(self._wanted())
        return distance.op("+", return_type=Float())(literal_column("0"))

    def _wanted(self) -> ColumnElement[Any]:
        return select(cast(bindparam("vector", type_=Text()), self._vector)).scalar_subquery()


def embedding_queries(
    schema: Schema[Any, Any, Any, Any], messages: Rows[Message], *, is_scoped: bool
) -> EmbeddingQueries:
    """Give the statements on a schema's embeddings.

    Raises:
        ConfigError: The schema declares none.
    """
    declared = schema.definitions.get("message_embeddings")
    if not isinstance(declared, EmbeddingTable):
        raise ConfigError(
            f"{type(schema).__name__} has no embeddings.",
            hint="Install pgvector, and say in your schema's class: message_embeddings = "
            'deepsearch.embeddings(384, model="..."); then `chatkeep generate` and `migrate`.',
        )
    own = (schema.tables["message_embeddings"], declared.model)
    usage = schema.tables["message_usage"]
    return EmbeddingQueries(own, messages, usage, schema.prefix, is_scoped=is_scoped)


def _limit() -> Any:  # noqa: ANN401 - a parameter
    return bindparam("limit", type_=Integer())


def _ids() -> Shape[str]:
    return Shape(str, [Field("message", "id")])


def _query(name: str, clause: Any, shape: Shape[Any]) -> Query[Any]:  # noqa: ANN401 - any statement
    return Query(compile_statement(f"embeddings.{name}", clause, has_keys=True), shape)
