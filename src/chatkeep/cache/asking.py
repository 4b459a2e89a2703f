"""What a caller of the search cache may say, and the function that searches."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, TypeAlias, TypedDict

from chatkeep.cache.parsing import Found, parsed
from chatkeep.errors import InvalidInputError, UnreadableSearchError
from chatkeep.inputs.text import check_id, first_fault
from chatkeep.records.search_cache import SearchResult, SearchResults

Given: TypeAlias = SearchResults | Mapping[str, Any] | Sequence[SearchResult | Mapping[str, Any]]
"""What a search may give; see `SearchCache.get_or_fetch`."""

Fetch: TypeAlias = Callable[[], Awaitable[Any]] | Callable[[str], Awaitable[Any]]
"""An async function that searches: of no argument, or of the query alone."""

LONGEST_TTL = timedelta(days=3650)


class SearchOf(TypedDict, total=False):
    """What makes a search beside its query; each may be left out.

    Attributes:
        provider: Who searches ("serper").
        locale: Language and country ("en").
        options: Whatever else changes the results, as JSON.
    """

    provider: str
    locale: str
    options: Mapping[str, Any] | None


class SearchKeeping(SearchOf, total=False):
    """What `put` and `warm` take beside the query.

    Attributes:
        ttl: How long these results are fresh; None for the cache's own.
    """

    ttl: timedelta | None


class SearchAsking(SearchKeeping, total=False):
    """What `get_or_fetch` takes beside the query and the function.

    Attributes:
        user_group: A group of the application's that asks, such as `free`; None as "" for none.
            For statistics only.
        user_id: Who asks; for statistics only, and not stored unless `record_users`.
    """

    user_group: str | None
    user_id: str | None


class Asked(NamedTuple):
    """What was said beside what makes the key."""

    ttl: timedelta | None = None
    user_group: str = ""
    user_id: str | None = None


NOTHING_SAID = Asked()


def check_names(about: Mapping[str, Any], known: frozenset[str], method: str) -> None:
    """Refuse an argument that there is not.

    Raises:
        InvalidInputError: There is no such argument.
    """
    for name in about:
        if name not in known:
            raise InvalidInputError(
                f"{method} has no argument {name}.",
                hint=f"It has: {', '.join(sorted(known))}.",
                field=name,
            )


def asked(about: SearchAsking) -> Asked:
    """Give what was said, checked.

    Raises:
        InvalidInputError: `ttl` is no time longer than 0, or a text is none.
    """
    group, user_id = about.get("user_group"), about.get("user_id")
    if group is None:
        group = ""
    _check_group(group)
    if user_id is not None:
        check_id(user_id, "user_id")
    return Asked(checked_ttl(about.get("ttl")), group, user_id)


def checked_ttl(ttl: object) -> timedelta | None:
    """Give how long results are fresh, None for as long as usual.

    Raises:
        InvalidInputError: It is not longer than 0 and at most ten years.
    """
    if ttl is None:
        return None
    if not isinstance(ttl, timedelta) or not timedelta() < ttl <= LONGEST_TTL:
        raise InvalidInputError(
            "ttl must be a timedelta longer than 0 and of at most ten years.", field="ttl"
        )
    return ttl


def _check_group(group: object) -> None:
    if not isinstance(group, str):
        raise InvalidInputError(
            f"user_group must be a text, not a {type(group).__name__}.", field="user_group"
        )
    if len(group) > 100 or first_fault(group) is not None:
        raise InvalidInputError(
            "user_group must have at most 100 characters that PostgreSQL can store.",
            field="user_group",
        )


def searching(fetch: object, query: str) -> Callable[[], Coroutine[Any, Any, Found]]:
    """Give what runs the caller's function and reads what it gives.

    The query is handed over where the function needs exactly one argument.

    Raises:
        InvalidInputError: It cannot be called, or needs something else.
    """
    if not callable(fetch):
        raise InvalidInputError(
            f"fetch must be an async function, not a {type(fetch).__name__}.", field="fetch"
        )
    given = (query,) if _needs_query(fetch) else ()

    async def search() -> Found:
        answer = fetch(*given)
        if not inspect.isawaitable(answer):
            raise InvalidInputError(
                f"fetch must be an async function: it gave a {type(answer).__name__} at once.",
                field="fetch",
            )
        came = await answer
        try:
            return parsed(came)
        except InvalidInputError as exc:
            raise UnreadableSearchError(str(exc.args[0]), hint=exc.hint, field=exc.field) from None

    return search


def _needs_query(fetch: Callable[..., object]) -> bool:
    try:
        parameters = inspect.signature(fetch).parameters.values()
    except (TypeError, ValueError):  # some that are written in C do not say
        return False
    needed = [
        one.kind
        for one in parameters
        if one.default is one.empty and one.kind not in {one.VAR_POSITIONAL, one.VAR_KEYWORD}
    ]
    if len(needed) > 1 or inspect.Parameter.KEYWORD_ONLY in needed:
        raise InvalidInputError(
            "fetch must need no argument, or the query alone.",
            hint="Wrap it: `lambda: search(query, …)`.",
            field="fetch",
        )
    return bool(needed)
