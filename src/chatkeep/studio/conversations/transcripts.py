"""`/api/chats`: a chat, and its messages along a branch."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chatkeep.access.paging import END, START
from chatkeep.errors import MessageNotFoundError, UserNotFoundError
from chatkeep.insight import transcripts
from chatkeep.insight.transcripts import AnyDatabase, ChatHead
from chatkeep.records.deepsearch import Message
from chatkeep.studio.answering import answer, number
from chatkeep.studio.grounds import ground_of

_PAGE = 50
_SHARES = 20
MAX_CONTENT = 200_000
"""Characters of a message's text that are shown."""
MAX_PARTS = 2**20
"""Bytes of a message's parts that are shown."""
MAX_PAGE = 8 * 2**20
"""Characters of contents and bytes of parts on a page; messages that come later show less."""
_LEAST = 2000  # of each, however full the page is


async def chat(request: Request) -> Response:
    """Tell of one chat: itself, its owner, how many messages it has, its shares."""
    async with ground_of(request).lent() as database:
        head = await transcripts.chat_head(database, request.path_params["id"])
        owner = await database.users.find(head.user_id)
        if owner is None:
            raise UserNotFoundError("The owner of this chat was deleted just now.")
        mine = database.as_user(head.user_id)
        is_live = head.deleted_at is None
        shares = (await mine.shares.list(head.id, _SHARES)).items if is_live else []
        return answer(
            {
                "chat": head,
                "owner": {"id": owner.id, "name": owner.name, "email": owner.email},
                "messages": await mine.messages.count(head.id) if is_live else None,
                "shares": shares,
                "tables": {
                    name: database.schema.tables[name].name for name in ("chats", "messages")
                },
            }
        )


async def messages(request: Request) -> Response:
    """Give a page of a chat's messages, oldest first.

    `branch` is a message that the way through the chat leads over; `near` the message to begin
    around; `after` and `before` go on from a page, or from the `start` and the `end`.
    """
    asked = request.query_params
    async with ground_of(request).lent() as database:
        head = await transcripts.chat_head(database, request.path_params["id"])
        if head.deleted_at is not None:
            return answer(await _of_the_trash(database, head, asked.get("after")))
        near = asked.get("near")
        branch = asked.get("branch") or near
        tip = None
        if branch is not None and head.is_branched:
            tip = await transcripts.tip_below(database, head, branch)
        limit = number(request, "limit", _PAGE, 200)
        list_ = _Listing(database, head, tip)
        if near is not None:
            shown, before, after = await list_.around(near, limit)
        else:
            shown, before, after = await list_.beside(
                asked.get("before"), asked.get("after"), limit
            )
        told = await _told(database, head, shown)
        return answer({"items": told, "before": before, "after": after, "tip": tip})


_Page = tuple[list[Message], str | None, str | None]


class _Listing:
    """Pages of one way through a chat, each with the places before and after it."""

    def __init__(self, database: AnyDatabase, chat: ChatHead, tip: str | None) -> None:
        self._messages = database.as_user(chat.user_id).messages
        self._chat = chat
        # Where there is but one branch a range of an index gives it, also what the seed's code wrote,
        # which says of no message what it follows.
        self._branch = None if tip == chat.head else tip

    async def beside(self, before: str | None, after: str | None, limit: int) -> _Page:
        if before is None:
            place = START if after in {None, "start"} else after
            page = await self._messages.list(self._chat.id, limit, after=place, branch=self._branch)
            return page.items, page.previous_cursor, page.next_cursor
        place = END if before == "end" else before
        page = await self._messages.list(self._chat.id, limit, before=place, branch=self._branch)
        return page.items[::-1], page.next_cursor, page.previous_cursor

    async def around(self, message_id: str, limit: int) -> _Page:
        """Give the message in the middle of a page."""
        message = await self._messages.get(message_id)
        if message.chat_id != self._chat.id:
            raise MessageNotFoundError("No such message in this chat.")
        place, half = self._messages.cursor_of(message), max(limit // 2, 1)
        listed = partial(self._messages.list, self._chat.id, half, branch=self._branch)
        earlier, later = await listed(before=place), await listed(after=place)
        shown = [*earlier.items[::-1], message, *later.items]
        return shown, earlier.next_cursor, later.next_cursor


async def _of_the_trash(
    database: AnyDatabase, chat: ChatHead, after: str | None
) -> dict[str, object]:
    place = int(after) if after is not None and after.isdecimal() and len(after) < 19 else 0
    found = await transcripts.trashed_messages(database, chat, place, _PAGE + 1)
    told = await _told(database, chat, found[:_PAGE])
    following = str(found[_PAGE - 1].seq) if len(found) > _PAGE else None
    return {"items": told, "before": None, "after": following, "tip": None}


async def _told(
    database: AnyDatabase, chat: ChatHead, shown: Sequence[Message]
) -> list[dict[str, Any]]:
    """Put beside each message what belongs to it."""
    ids = [message.id for message in shown]
    beside = {
        "siblings": await transcripts.siblings(database, chat, shown),
        "usage": await transcripts.usage_of(database, chat, ids),
        "feedback": await transcripts.feedback_of(database, chat, ids),
    }
    told: list[dict[str, Any]] = []
    room = MAX_PAGE
    for message in shown:
        one, size = _one(message, beside, room)
        told.append(one)
        room -= size
    return told


def _one(
    message: Message, beside: Mapping[str, Mapping[str, Any]], room: int
) -> tuple[dict[str, Any], int]:
    """Tell of a message what there is room for on the page, what that leaves out, and its size."""
    told: dict[str, Any] = message.to_dict()
    most = min(MAX_CONTENT, max(_LEAST, room))
    told["content"] = message.content[:most]
    size = len(msgspec.json.encode(message.parts))
    is_told = size <= min(MAX_PARTS, max(_LEAST, room))
    if not is_told:
        told["parts"] = None
    more = {name: found.get(message.id) for name, found in beside.items()}
    left_out = {
        "characters": max(len(message.content) - most, 0),
        "parts": 0 if is_told else size,
    }
    return {**told, **more, "left_out": left_out}, len(told["content"]) + is_told * size
