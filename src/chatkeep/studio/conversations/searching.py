"""`/api/search`: the search in one user's conversations, and why it found what it found."""

from datetime import UTC, datetime
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from chatkeep.access.search_clauses import Order
from chatkeep.errors import InvalidInputError
from chatkeep.inputs.search import SearchFilter
from chatkeep.insight.searching import explain_query, explain_search
from chatkeep.studio.answering import answer
from chatkeep.studio.grounds import ground_of

_PAGE = 20


async def search(request: Request) -> Response:
    """Give a page of what was found, and how the query was read."""
    asked = request.query_params
    async with ground_of(request).lent() as database:
        user = await database.users.get(_needed(request, "user"))
        query = asked.get("q", "")
        read = explain_query(user.id, query)
        page = await database.as_user(user.id).search(
            query,
            limit=_PAGE,
            order=_order(request),
            where=_filter(request),
            after=asked.get("after"),
        )
        return answer({"items": page.items, "after": page.next_cursor, "read": read})


async def plan(request: Request) -> Response:
    """Run the search once more and tell how PostgreSQL went about it."""
    async with ground_of(request).lent() as database:
        lines = await explain_search(
            database,
            _needed(request, "user"),
            request.query_params.get("q", ""),
            limit=_PAGE,
            order=_order(request),
            where=_filter(request),
        )
        return answer({"plan": lines})


def _needed(request: Request, name: str) -> str:
    found = request.query_params.get(name, "")
    if not found:
        raise InvalidInputError(
            "A search goes through the conversations of one user.",
            hint="Say whose: the index keeps each user's words beside each other, for nobody else.",
            field=name,
        )
    return found


def _order(request: Request) -> Order:
    return cast("Order", request.query_params.get("order", "relevance"))


def _filter(request: Request) -> SearchFilter:
    asked = request.query_params
    given: dict[str, Any] = {
        name: value
        for name in ("chat_id", "role", "model")
        if (value := asked.get("chat" if name == "chat_id" else name))
    }
    for name in ("since", "until"):
        if text := asked.get(name):
            given[name] = _day(name, text)
    where = asked.get("in")
    return SearchFilter(**given, titles=where != "messages", messages=where != "titles")


def _day(name: str, text: str) -> datetime:
    """Read a day, as the browser's field gives it; it begins at midnight in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInputError(f"`{name}` is no date.", field=name) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
