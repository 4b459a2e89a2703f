"""Search by words and by meaning together: `mine.search(..., embed=...)`.

Two lists of a user's messages, each with the best first: by keyword, and by how near the embedding
of a message is to that of the query. Their ranks are fused: a message has

    1 / (60 + its place in the one list) + 1 / (60 + its place in the other)

which is known as reciprocal rank fusion. Only places count, so no scale of the one has to be
compared with that of the other.
"""

from collections.abc import Sequence

import msgspec

from chatkeep.access.embedding import Embed, check_embed, embedded
from chatkeep.access.embedding_queries import FILTERS, EmbeddingQueries
from chatkeep.access.paging import check_number
from chatkeep.access.search import Search, filter_of
from chatkeep.access.search_terms import Terms, read_query
from chatkeep.engine.run import Runner
from chatkeep.engine.scoped import together
from chatkeep.errors import InvalidInputError
from chatkeep.inputs.search import SearchFilter
from chatkeep.records.page import Page
from chatkeep.records.search import Found

CANDIDATES = 200
"""So many messages of each list are fused; a search gives at most so many."""
K = 60
"""How much the first places of a list count before the later ones: less, the higher it is."""

_BEGIN = "BEGIN READ ONLY"


class HybridSearch:
    """Searches one user's messages by words and by meaning."""

    def __init__(
        self, runner: Runner, search: Search, queries: EmbeddingQueries, user_id: str
    ) -> None:
        self._runner = runner
        self._search = search
        self._queries = queries
        self._user_id = user_id

    async def page(
        self, query: str, embed: Embed, limit: int, where: SearchFilter | None
    ) -> Page[Found]:
        """Give the one page of what was found; see `UserScope.search`.

        Raises:
            InvalidInputError: The query, `embed`, the limit or the filter is none.
            EmbeddingError: `embed` failed, or gave no usable vector.
        """
        check_embed(embed)
        terms = read_query(query)
        _check(limit, where)
        (vector,) = await embedded(embed, [_meant(query, terms)], self._queries.dimensions)
        by_words = await self._search.candidates(query, where)
        by_meaning = await self._near(vector, where or SearchFilter())
        if terms.excluded:
            by_meaning = await self._without(by_meaning, terms)
        ranked = fused(by_words[:CANDIDATES], by_meaning)
        # Some more than are wanted: one may have gone into the trash since.
        shown = await self._search.shown(query, [id_ for id_, _ in ranked[: 2 * limit]])
        scores = dict(ranked)
        return Page(
            [
                msgspec.structs.replace(found, rank=scores[str(found.message_id)])
                for found in shown[:limit]
            ],
            None,
        )

    async def _near(self, vector: str, where: SearchFilter) -> list[str]:
        queries, runner = self._queries, self._runner
        values: dict[str, object] = {"user_id": self._user_id, "vector": vector}
        values["limit"] = CANDIDATES
        given = {name: getattr(where, name) for name in FILTERS}
        filters = tuple(name for name in FILTERS if given[name] is not None)
        if filters:
            return await queries.nearest_of(filters).all(runner, {**values, **given})
        # In a transaction of the caller's the settings would stay for what comes after.
        if runner.background is not None and await queries.has_many.first(runner, values):
            async with together(runner, _BEGIN) as inside:
                await queries.settings.first(inside, {})
                found = await queries.nearest_indexed.all(inside, values)
            if len(found) == CANDIDATES:
                return found
        return await queries.nearest.all(runner, values)

    async def _without(self, ids: Sequence[str], terms: Terms) -> list[str]:
        _, excluded = terms.checks(is_whole=True)
        values = {"user_id": self._user_id, "ids": list(ids), "excluded": excluded}
        left = set(await self._queries.without.all(self._runner, values))
        return [id_ for id_ in ids if id_ in left]


def refuse_pages(after: object, order: object) -> None:
    """Refuse what only a search by words has.

    Raises:
        InvalidInputError: A cursor, or another order than by relevance.
    """
    if after is not None:
        raise InvalidInputError(
            "A search with `embed` gives one page.",
            hint=f"Ask for a greater limit, up to {CANDIDATES}.",
            field="after",
        )
    if order != "relevance":
        raise InvalidInputError('With `embed` the order is "relevance".', field="order")


def fused(*lists: Sequence[str]) -> list[tuple[str, float]]:
    """Fuse lists, each with the best first, by reciprocal rank.

    Returns:
        Each id with its rank, the best first; of equal ranks the one that came first in the first
        list that has it.
    """
    ranks: dict[str, float] = {}
    for ids in lists:
        for place, id_ in enumerate(ids, 1):
            ranks[id_] = ranks.get(id_, 0.0) + 1 / (K + place)
    return sorted(ranks.items(), key=lambda ranked: -ranked[1])


def _meant(query: str, terms: Terms) -> str:
    """Give what the query is about: without the words that must not be there."""
    return " ".join(term.typed for term in terms.wanted) if terms.excluded else query


def _check(limit: object, where: object) -> None:
    check_number(limit, "limit", f"from 1 to {CANDIDATES} with `embed`", CANDIDATES)
    if not filter_of(where).messages:
        raise InvalidInputError("Only messages can be searched with `embed`.", field="where")
