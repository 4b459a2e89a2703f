"""Embeddings of messages: `embeddings` in a user's scope, and `db.embeddings` for trusted code."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from chatkeep.access.embedding import Embed, check_embed, embedded
from chatkeep.access.embedding_queries import EmbeddingQueries
from chatkeep.access.fill_queries import Outdated, Unembedded
from chatkeep.access.paging import check_number
from chatkeep.engine.run import Runner
from chatkeep.errors import ChatkeepError, EmbeddingError, InvalidInputError
from chatkeep.inputs.text import check_id

MAX_BATCH = 1000

_PLACE = 2  # ids in a place: the user's and the message's


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

    async def fill(
        self,
        embed: Embed,
        *,
        limit: int | None = None,
        batch: int = 64,
        after: tuple[str, str] | None = None,
        reached: Callable[[tuple[str, str] | None], object] | None = None,
    ) -> int:
        """Embed the messages that have no embedding of what they say now.

        These are new messages, changed ones, and those with an embedding of another model; not the
        trash, answers that are still being written, and messages without a visible character. Each
        batch is one call of `embed` and is stored at once, so a fill that was cut short goes on
        with the next call. No connection is held while `embed` runs, save in a transaction of your
        own. Fills beside each other store the same, and pay `embed` twice for what both saw.

        It walks through the messages by user and id, and no statement looks at more than 5,000 of
        them. A next call looks at those again that have their embedding, which costs a hash of each
        text; with `reached` and `after` it begins where this one was cut short.

        Args:
            embed: Any async function from a list of texts to a list of vectors.
            limit: At most so many messages; None for all.
            batch: Messages in each call of `embed`, 1 to 1000.
            after: Only messages behind this place: the ids of a user and a message. None for all.
            reached: A function, async or not: called with each place up to which all is done, and
                with None when nothing is left behind it, so that the next fill begins at the start.

        Returns:
            How many embeddings were stored.

        Raises:
            EmbeddingError: `embed` raised, or did not give one vector of the table's size for each
                text. Nothing of that batch was stored; the error says how many were before. A note
                at each error of ours names the place that was reached.
            InvalidInputError: `embed` or `reached` is no function, a number is out of bounds, or
                `after` is no place of this scope.
            ConfigError: The schema declares no embeddings.
        """
        check_embed(embed)
        check_number(batch, "batch", f"from 1 to {MAX_BATCH}", MAX_BATCH)
        if limit is not None:
            check_number(limit, "limit", "from 1 up")
        if after is not None:
            self._check_place(after)
        if reached is not None and not callable(cast("object", reached)):
            raise InvalidInputError("reached is a function of a place.", field="reached")
        walk = _Walk(after or (str(self._scope.get("user_id", "")), ""), limit, batch, reached)
        try:
            await self._walk(embed, walk)
        except ChatkeepError as exc:
            walk.note(exc)
            raise
        return walk.stored

    async def _walk(self, embed: Embed, walk: "_Walk") -> None:
        while window := await self._outdated(walk.place):
            *outdated, last = window
            while outdated:
                size = walk.size()
                part, outdated = outdated[:size], outdated[size:]
                found = await self._unembedded(part)
                walk.seen += len(found)
                if found:
                    walk.stored += await self._embed(embed, found, walk.stored)
                await walk.come_to((part[-1].user_id, part[-1].message_id))
                if not walk.size():
                    return
            await walk.come_to((last.user_id, last.message_id))
        await walk.come_to(None)

    async def _outdated(self, place: tuple[str, str]) -> list[Outdated]:
        values = {"after_user_id": place[0], "after_message_id": place[1]}
        return await self._queries.outdated.all(self._runner, {**self._scope, **values})

    async def _unembedded(self, outdated: Sequence[Outdated]) -> list[Unembedded]:
        values = {
            "user_ids": [key.user_id for key in outdated],
            "message_ids": [key.message_id for key in outdated],
        }
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

    def _check_place(self, after: object) -> None:
        """Refuse what is no place, or one of another user in a user's scope.

        Raises:
            InvalidInputError: It is one.
        """
        place = cast("tuple[object, ...]", after) if isinstance(after, tuple | list) else ()
        if len(place) != _PLACE:
            raise InvalidInputError(
                "after is a place that `reached` was called with: the ids of a user and a message.",
                field="after",
            )
        for part in place:
            check_id(part, "after")
        if place[0] != self._scope.get("user_id", place[0]):
            raise InvalidInputError("after is a place of another user.", field="after")


@dataclass(slots=True)
class _Walk:
    """How far a fill has come."""

    place: tuple[str, str]
    limit: int | None
    batch: int
    reached: Callable[[tuple[str, str] | None], object] | None
    stored: int = 0
    seen: int = 0

    def size(self) -> int:
        """Give how many messages are to be embedded at once; 0 at the limit."""
        return self.batch if self.limit is None else min(self.batch, self.limit - self.seen)

    async def come_to(self, place: tuple[str, str] | None) -> None:
        """Go on to a place, and tell who asked; None at the end."""
        if place == self.place:
            return
        self.place = place or self.place
        if self.reached is not None:
            told = self.reached(place)
            if inspect.isawaitable(told):
                await told

    def note(self, error: ChatkeepError) -> None:
        """Say at an error how far it came: by ids, and no text."""
        error.add_note(
            f"The fill had stored {self.stored} embeddings; it goes on with after={self.place!r}."
        )
