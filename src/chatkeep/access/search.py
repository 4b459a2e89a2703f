"""The search in one user's conversations: `mine.search(...)`.

The rank of a hit, in the order "relevance", is the mean over the first four terms of

    n / (n + 0.5 + size / 2000)

with `n` how often the term stands in the text as it was typed, with a capital, or in capitals (at
least 1; of a text over 4,096 bytes in the first 2,000 characters) and `size` the bytes of the text,
at most 20,000; plus 0.5 where several terms follow one another as they were typed, plus 1 for a
title. Of equal ranks the newest comes first.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar, cast, get_args

from chatkeep.access.paging import check_limit, page_of, read_cursor, write_cursor
from chatkeep.access.rows import Values
from chatkeep.access.search_clauses import FORMS, MAX_NEEDLES, Order
from chatkeep.access.search_forms import locator, sieves
from chatkeep.access.search_queries import Form, Hit, SearchQueries
from chatkeep.access.search_snippets import snippet_of
from chatkeep.access.search_terms import Terms, read_query
from chatkeep.engine.query import Query
from chatkeep.engine.run import Runner
from chatkeep.errors import InvalidInputError, SchemaMismatchError, StatementError
from chatkeep.inputs.search import SearchFilter
from chatkeep.records.page import Page
from chatkeep.records.search import Found

R = TypeVar("R")

_NO_FUNCTION = "42883"
_FILTERS = ("chat_id", "role", "since", "until", "model")
_NOWHERE = "\x7f"  # a needle that no text has
_NO_FORMS = (None,) * FORMS
_PLACE = ("place_score", "place_created_at", "place_key", "top_at")
_EVERYTHING = SearchFilter()
_KINDS: Mapping[Order, tuple[type, ...]] = {
    "relevance": (int, datetime, str, datetime),
    "newest": (datetime, str),
}


class Search:
    """Searches one user's messages and titles."""

    def __init__(self, runner: Runner, queries: SearchQueries, user_id: str) -> None:
        self._runner = runner
        self._queries = queries
        self._user_id = user_id

    async def page(
        self,
        query: str,
        limit: int,
        after: str | None,
        order: Order,
        where: SearchFilter | None,
    ) -> Page[Found]:
        """Give a page of what was found; see `UserScope.search`.

        Raises:
            InvalidInputError: The query, the limit, the order or the filter is none.
            InvalidCursorError: The cursor is not one of this search.
            SchemaMismatchError: The database lacks the functions of the search.
        """
        where = _checked(where)
        asked, values, terms = self.asked(query, limit, order, where, is_first=after is None)
        identity = f"search\0{self._user_id}\0{order}\0{query}\0{where.model_dump_json()}"
        if after is not None:
            place = read_cursor(after, identity, _KINDS[order])
            values.update(zip(_PLACE if order == "relevance" else _PLACE[1:3], place, strict=True))
        hits = await self._all(asked, values)
        page = page_of(hits, limit, lambda hit: _cursor_of(hit, identity, order))
        return Page([_found(hit, terms) for hit in page.items], page.next_cursor)

    def asked(
        self,
        query: str,
        limit: int,
        order: Order,
        where: SearchFilter | None,
        *,
        is_first: bool = True,
    ) -> tuple[Query[Hit], Values, Terms]:
        """Give the statement of a page, its values but for the place, and the query as it is read.

        Raises:
            InvalidInputError: As for `page`.
        """
        terms = read_query(query)
        where = _checked(where)
        if order not in get_args(Order):
            raise InvalidInputError(f"order is one of {get_args(Order)}.", field="order")
        form = _form(order, terms, where, is_first=is_first)
        values = {**self._values(terms, where), "limit": check_limit(limit) + 1}
        return self._queries.page(form), values, terms

    async def candidates(self, query: str, where: SearchFilter | None = None) -> list[str]:
        """Give the ids of the messages that have the words, the best first; at most 200.

        Raises:
            InvalidInputError: The query or the filter is none.
        """
        terms = read_query(query)
        where = _checked(where).model_copy(update={"titles": False, "messages": True})
        values = {**self._values(terms, where), "limit": 1000}
        form = _form("relevance", terms, where, is_first=True)
        return await self._all(self._queries.candidates(form), values)

    async def shown(self, query: str, ids: Sequence[str]) -> list[Found]:
        """Give live messages by their ids, in that order, with the words highlighted.

        Raises:
            InvalidInputError: The query is none.
        """
        terms = read_query(query)
        values: Values = {"user_id": self._user_id, "ids": list(ids), **_located(terms)}
        hits = await self._queries.shown.all(self._runner, values)
        found = {hit.message_id: _found(hit, terms) for hit in hits}
        return [found[id_] for id_ in ids if id_ in found]

    async def _all(self, query: Query[R], values: Values) -> list[R]:
        try:
            return await query.all(self._runner, values)
        except StatementError as exc:
            if exc.sqlstate != _NO_FUNCTION:
                raise
            raise SchemaMismatchError(
                "The database lacks the functions of the search.",
                hint="Run `chatkeep generate && chatkeep migrate`.",
            ) from exc

    def _values(self, terms: Terms, where: SearchFilter) -> Values:
        """Give all that a statement may ask for, but limit and place."""
        wanted, excluded = terms.checks()
        all_wanted, all_excluded = terms.checks(is_whole=True)
        values: Values = {
            "user_id": self._user_id,
            "tsquery": terms.tsquery(self._user_id),
            "checked_wanted": wanted,
            "checked_excluded": excluded,
            "whole_wanted": all_wanted,
            "whole_excluded": all_excluded,
            "parts": terms.parts(),
            "sieves": sieves(terms.wanted),
            **_located(terms),
            **dict.fromkeys(_PLACE),
            **{name: getattr(where, name) for name in _FILTERS},
        }
        ranked = [term.typed for term in terms.wanted[:MAX_NEEDLES]]
        values["needles"] = len(ranked)
        for number in range(MAX_NEEDLES):
            forms = _forms(ranked[number]) if number < len(ranked) else _NO_FORMS
            values.update((f"needle_{number}_{form}", text) for form, text in enumerate(forms))
        joined = " ".join(ranked) if len(ranked) > 1 else None
        values["joined_0"] = joined
        values["joined_1"] = joined and joined[:1].upper() + joined[1:]
        return values


def _located(terms: Terms) -> Values:
    """Give what places are found by: those of the longest term."""
    term = max(terms.wanted, key=lambda term: sum(len(token.text) for token in term.tokens))
    return {"where": locator(term), "pattern": term.pattern}


def _forms(typed: str) -> tuple[str, str, str]:
    """Give a term in small letters, with a capital and in capitals; each of them once."""
    titled, capitals = typed[:1].upper() + typed[1:], typed.upper()
    if capitals == typed:
        return typed, _NOWHERE, _NOWHERE
    return typed, titled, _NOWHERE if titled == capitals else capitals


def _form(order: Order, terms: Terms, where: SearchFilter, *, is_first: bool) -> Form:
    return Form(
        order,
        messages=where.messages,
        titles=where.titles and where.role is None and where.model is None,
        is_checked=any(term.is_checked for term in (*terms.wanted, *terms.excluded)),
        is_narrow=not is_first or any(getattr(where, name) is not None for name in _FILTERS),
    )


def filter_of(where: object) -> SearchFilter:
    """Give the filter, or that of everything for None.

    Raises:
        InvalidInputError: It is no filter.
    """
    if where is None:
        return _EVERYTHING
    if not isinstance(where, SearchFilter):
        raise InvalidInputError(
            f"where takes a SearchFilter, not a {type(where).__name__}.", field="where"
        )
    return where


def _checked(given: object) -> SearchFilter:
    where = filter_of(given)
    has_messages_only = where.role is not None or where.model is not None
    if not where.messages and (not where.titles or has_messages_only):
        raise InvalidInputError(
            "The filter leaves nothing to search.",
            hint="A title has no role and no model: search messages with these.",
            field="where",
        )
    return where


def _cursor_of(hit: Hit, identity: str, order: Order) -> str:
    if order == "newest":
        return write_cursor(identity, hit.created_at, hit.key)
    top_at = cast("datetime", hit.top_at)
    return write_cursor(identity, hit.score, hit.created_at, hit.key, top_at)


def _found(hit: Hit, terms: Terms) -> Found:
    snippet = snippet_of(hit.piece, hit.piece_from, terms.wanted)
    return Found(
        hit.chat_id,
        hit.chat_title,
        hit.message_id,
        hit.role,
        hit.created_at,
        snippet.text,
        snippet.highlights,
        hit.score / 1000,
    )
