"""The trash: what `delete`, `restore`, `trash` and `purge` of chats and of messages do."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from chatkeep.access.paging import (
    check_limit,
)
from chatkeep.access.trash_queries import ChatTrashQueries, MessageTrashQueries, PurgeQueries
from chatkeep.engine.run import Runner
from chatkeep.engine.scoped import together
from chatkeep.engine.transaction import begin_words
from chatkeep.errors import InvalidInputError
from chatkeep.inputs.text import check_id
from chatkeep.records.deepsearch import Chat, Message, TrashedChat, TrashedMessage

TrashedT = TypeVar("TrashedT", TrashedChat, TrashedMessage)

_PLACE = (datetime, str)
_LONG_AGO = (datetime.min.replace(tzinfo=UTC), "")
# The second statement must see what was stored before the first one had its lock.
_BEGIN = begin_words("read committed", read_only=False)


async def delete_chat(
    runner: Runner, queries: ChatTrashQueries, key: Mapping[str, object], *, hard: bool
) -> bool:
    """Delete a chat with its messages; tell whether there was one."""
    if hard:
        return await queries.remove.first(runner, key) is not None
    check_id(key["id"], "chat_id")  # before a transaction is begun for it
    async with together(runner, _BEGIN) as both:
        if await queries.mark.first(both, key) is None:
            return False
        await queries.mark_messages.all(both, key)
    return True


async def restore_chat(
    runner: Runner, queries: ChatTrashQueries, key: Mapping[str, object]
) -> Chat | None:
    """Bring a chat back with the messages that went with it."""
    check_id(key["id"], "chat_id")
    async with together(runner, _BEGIN) as both:
        if await queries.hold.first(both, key) is None:
            return None
        return await queries.restore.first(both, key)


async def delete_message(
    runner: Runner, queries: MessageTrashQueries, key: Mapping[str, object], *, hard: bool
) -> bool:
    """Delete a message; tell whether there was one."""
    if not hard:
        return await queries.mark.first(runner, key) is not None
    values = {**key, "ids": [check_id(key["id"], "message_id")]}
    async with together(runner, _BEGIN) as both:
        if await queries.hold.first(both, key) is None:
            return False
        return await queries.remove.first(both, values) == 1


async def restore_message(
    runner: Runner, queries: MessageTrashQueries, key: Mapping[str, object]
) -> Message | None:
    """Bring a message back, unless its chat is in the trash."""
    check_id(key["id"], "message_id")
    return await queries.restore.first(runner, key)


async def purge_chats(
    runner: Runner, queries: PurgeQueries, older_than: timedelta, limit: int
) -> int:
    """Remove chats for good that have been in the trash for longer; give how many."""
    return await queries.chats.first(runner, _window("chats", older_than, limit)) or 0


async def purge_messages(
    runner: Runner, queries: PurgeQueries, older_than: timedelta, limit: int
) -> int:
    """Remove messages for good that have been in the trash for longer; give how many."""
    window = _window("messages", older_than, limit)
    async with together(runner, _BEGIN) as both:
        ids = await queries.pick_messages.all(both, window)
        if not ids:
            return 0
        values = {"older_than": window["older_than"], "ids": ids}
        return await queries.remove_messages.first(both, values) or 0


def _window(table: str, older_than: object, limit: int) -> dict[str, object]:
    if not isinstance(older_than, timedelta) or older_than < timedelta():
        raise InvalidInputError(
            f"{table}.purge: older_than is a timedelta, and not negative.", field="older_than"
        )
    return {"older_than": older_than, "limit": check_limit(limit)}
