"""Embeddings of messages: `embeddings` in a user's scope, and `db.embeddings` for trusted code."""

from collections.abc import Callable, Mapping, Sequence

from chatkeep.access.embedding import Embed, check_embed, embedded
from chatkeep.access.embedding_queries import EmbeddingQueries, Unembedded
from chatkeep.engine.run import Runner
from chatkeep.errors import EmbeddingError, InvalidInputError

MAX_BATCH = 1000


class Embeddings:
    """What the messages of one user mean; of all users where it is `db.embeddings`.

    For a schema that declares its embeddings; see `chatkeep.presets.deepsearch.embeddings`.
    """

    def __init__(
        self,
        runner: Runner,
        queries: Callable[[], EmbeddingQueries],
        scope: Mapping[str, object] | None = None,
    ) -> None:
        """Take what runs statements, and what gives them: most schemas have none."""
        self._runner = runner
        self._given = queries
        self._scope: Mapping[str, object] = scope or {}

    @property
    def _queries(self) -> EmbeddingQueries:
        return self._given()

    async def fill(self, embed: Embed, *, limit: int | None = None, batch: int = 64) -> int:
        """Embed the messages that have no embedding of what they say now.

        These are new messages, changed ones, and those with an embedding of another model; not the
        trash, answers that are still being written, and messages without a visible character. Each
        batch is one call of `embed` and is stored at once, so a fill that was cut short goes on
        with the next call. No connection is held while `embed` runs, save in a transaction of your
        own. Fills beside each other store the same, and pay `embed` twice for what both saw.

        Args:
            embed: Any async function from a list of texts to a list of vectors.
            limit: At most so many messages; None for all.
            batch: Messages in each call of `embed`, 1 to 1000.

        Returns:
            How many embeddings were stored.

        Raises:
            EmbeddingError: `embed` raised, or did not give one vector of the table's size for each
                text. Nothing of that batch was stored; the error says how many were before.
            InvalidInputError: `embed` is no function, or a number is out of bounds.
            ConfigError: The schema declares no embeddings.
        """
        check_embed(embed)
        _check_count("batch", batch, MAX_BATCH)
        if limit is not None:
            _check_count("limit", limit, None)
        stored = seen = 0
        place = (str(self._scope.get("user_id", "")), "")
        while limit is None or seen < limit:
            size = batch if limit is None else min(batch, limit - seen)
            found = await self._after(place, size)
            if found:
                stored += await self._embed(embed, found, stored)
                place = (found[-1].user_id, found[-1].message_id)
            seen += len(found)
            if len(found) < size:
                break
        return stored

    async def _after(self, place: tuple[str, str], size: int) -> list[Unembedded]:
        values = {"after_user_id": place[0], "after_message_id": place[1], "limit": size}
        return await self._queries.unembedded.all(self._runner, {**self._scope, **values})

    async def _embed(self, embed: Embed, found: Sequence[Unembedded], before: int) -> int:
        queries = self._queries
        try:
            texts = [message.content for message in found]
            vectors = await embedded(embed, texts, queries.dimensions)
        except EmbeddingError as exc:
            exc.stored = before
            raise
        values = {
            "user_ids": [message.user_id for message in found],
            "message_ids": [message.message_id for message in found],
            "hashes": [message.content_hash for message in found],
            "vectors": vectors,
        }
        return len(await queries.store.all(self._runner, {**self._scope, **values}))


def _check_count(name: str, value: object, most: int | None) -> None:
    """Refuse what is no whole number from 1 up.

    Raises:
        InvalidInputError: It is none, or too high.
    """
    bounds = "from 1 up" if most is None else f"from 1 to {most}"
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= (most or value):
        raise InvalidInputError(f"{name} must be a whole number {bounds}.", field=name)
