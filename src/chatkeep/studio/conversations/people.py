"""`/api/people`: finding people, and what the studio tells of one."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chatkeep.insight.people import find_people, list_people
from chatkeep.records.base import Record
from chatkeep.studio.answering import answer, number
from chatkeep.studio.grounds import ground_of

_PAGE = 50
_SHOWN = ("id", "name", "email", "email_verified", "image", "is_admin", "created_at", "updated_at")


async def people(request: Request) -> Response:
    """Find people by `q`, or list them by `order`."""
    asked = request.query_params
    limit = number(request, "limit", _PAGE, 200)
    async with ground_of(request).lent() as database:
        text = asked.get("q", "").strip()
        if text:
            found = await find_people(database, text, limit=limit, everywhere="everywhere" in asked)
        else:
            after = asked.get("cursor")
            found = await list_people(database, asked.get("order"), limit=limit, after=after)
        return answer(found)


async def person(request: Request) -> Response:
    """Tell of one person: who it is, how they sign in, their settings, what their answers used."""
    async with ground_of(request).lent() as database:
        user = await database.users.get(request.path_params["id"])
        tables = database.schema.tables
        mine = database.as_user(user.id)
        settings = await mine.settings.get() if "user_settings" in tables else None
        usage: dict[str, Any] | None = None
        if "message_usage" in tables:
            usage = {
                "total": await mine.usage.totals(),
                "models": (await mine.usage.totals(by="model"))[:_PAGE],
            }
        return answer(
            {
                "user": _named(user, _SHOWN),
                "settings": settings,
                "usage": usage,
                "has_chats": "chats" in tables,
            }
        )


async def chats(request: Request) -> Response:
    """Give a page of a person's chats, or of those in the trash."""
    asked = request.query_params
    async with ground_of(request).lent() as database:
        mine = database.as_user(request.path_params["id"]).chats
        listed = mine.trash if "trash" in asked else mine.list
        page = await listed(_PAGE, after=asked.get("after"), before=asked.get("before"))
        return answer(page)


def _named(record: Record, names: tuple[str, ...]) -> dict[str, object]:
    """Give some fields: what an application added to its users may be a secret."""
    told = msgspec.structs.asdict(record)
    return {name: told[name] for name in names if name in told}
