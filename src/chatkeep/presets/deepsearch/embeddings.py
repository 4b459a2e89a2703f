"""The table of embeddings, for a schema that wants to search by meaning too. It needs pgvector.

    class AppSchema(deepsearch.Schema):
        message_embeddings = deepsearch.embeddings(384, model="all-MiniLM-L6-v2")

Without that line a schema has no such table, and needs no extension.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Column, Index, LargeBinary, Named, String, Table, TypedColumns
from sqlalchemy.types import UserDefinedType

from chatkeep.errors import ConfigError
from chatkeep.presets.deepsearch.columns import now_column
from chatkeep.schema.naming import plain_name
from chatkeep.schema.parts import Part, Tables, foreign_key, primary_key
from chatkeep.schema.tables import TableDef, Transition

MAX_DIMENSIONS = 2000
"""As many as an HNSW index of pgvector takes in a column of type `vector`."""

_MAX_MODEL = 255


class Vector(UserDefinedType[Any]):
    """pgvector's `vector(n)`. The driver has no form for its values: they travel as text."""

    cache_ok = True

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions

    def get_col_spec(self, **_kw: object) -> str:
        """Give the words for CREATE TABLE."""
        return f"vector({self.dimensions})"


class MessageEmbeddingColumns(TypedColumns):
    """Columns of `schema.message_embeddings`, but for `embedding`, whose size the model decides."""

    user_id: Named[str] = Column(String(255), nullable=False)
    message_id: Named[str] = Column(String(255), nullable=False)
    model: Named[str] = Column(String(_MAX_MODEL), nullable=False)
    content_hash: Named[bytes] = Column(LargeBinary, nullable=False)
    created_at: Named[datetime] = now_column()
    updated_at: Named[datetime] = now_column()


@dataclass(frozen=True)
class EmbeddingTable(TableDef[MessageEmbeddingColumns]):
    """The table of embeddings of one model.

    Attributes:
        dimensions: Numbers in each embedding.
        model: Whose embeddings they are: those of another one are made anew.
    """

    dimensions: int = 0
    model: str = ""


def embeddings(dimensions: int, *, model: str) -> EmbeddingTable:
    """Give the table in which each message has its embedding, for hybrid search.

    The database needs pgvector 0.8 or later; the migration makes the extension. A changed model
    makes every stored embedding out of date, and `embeddings.fill` makes them anew.

    Args:
        dimensions: Numbers in each embedding, 1 to 2000. Many models give fewer when asked.
        model: Its name, of your own choice, stored beside each embedding.

    Raises:
        ConfigError: The dimensions are out of bounds, or the model's name is empty or longer than
            255 characters.
    """
    is_number = isinstance(cast("object", dimensions), int) and not isinstance(dimensions, bool)
    if not is_number or not 1 <= dimensions <= MAX_DIMENSIONS:
        raise ConfigError(
            f"Embeddings have 1 to {MAX_DIMENSIONS} dimensions, as many as pgvector can index.",
            hint="Ask the model for fewer: most that give more can cut them.",
        )
    if not isinstance(cast("object", model), str) or not 0 < len(model) <= _MAX_MODEL:
        raise ConfigError(f"The name of the model has 1 to {_MAX_MODEL} characters.")
    sized = type(
        "MessageEmbeddingColumns",
        (MessageEmbeddingColumns,),
        {"embedding": Column(Vector(dimensions), nullable=False)},
    )
    return EmbeddingTable(
        "message_embedding",
        cast("type[MessageEmbeddingColumns]", sized),
        (
            primary_key("user_id", "message_id"),
            foreign_key(
                "user_id",
                "message_id",
                references="messages",
                to=("user_id", "id"),
                on_delete="cascade",
            ),
            _nearest(),
        ),
        transition=Transition(waits=frozenset({"user_id message_id -> messages"})),
        summary="What a message means, as a model's numbers; for search beside the words.",
        needs=("vector",),
        dimensions=dimensions,
        model=model,
    )


def _nearest() -> Part:
    def build(table: Table, _tables: Tables) -> None:
        Index(
            plain_name(table.name, ["embedding"], "idx"),
            table.c["embedding"],
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
        )

    return Part(build, "index embedding")
