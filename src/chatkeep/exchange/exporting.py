"""Conversations into the formats of other products, one after another in memory."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select

from chatkeep.errors import (
    BadRecordError,
    ChatNotFoundError,
    ConfigError,
    UserNotFoundError,
)
from chatkeep.exchange.fetching import Fetch, FetchQueries
from chatkeep.exchange.formats import check_account, find_format
from chatkeep.exchange.importing import KEPT_ERRORS, AnySurface, OnError, error_as_json
from chatkeep.exchange.model import BadRecord, Conversation, Options, Place, Writer, Written

_USERS = 500


@dataclass(slots=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        conversations: How many; `messages` is how many messages were written.
        not_shown: How many messages were left out, since the format knows no branches and they
            stand on one that a chat does not show, or since they are hidden or blank.
        there_already: How many chats a database had already; it got those of their messages that
            it missed, or none.
        skipped: How many have no form in the format, and were left out.
        errors: The first hundred of them.
        seconds: How long it took.
    """

    conversations: int = 0
    messages: int = 0
    not_shown: int = 0
    there_already: int = 0
    skipped: int = 0
    errors: list[BadRecord] = field(default_factory=list[BadRecord])
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Give the report for programs."""
        return {
            "conversations": self.conversations,
            "messages": self.messages,
            "notShown": self.not_shown,
            "thereAlready": self.there_already,
            "skipped": self.skipped,
            "errors": [error_as_json(bad) for bad in self.errors],
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What is exported, and how.

    Attributes:
        user_id: Whose chats; None with a `chat_id` finds out, and alone means everybody's.
        chat_id: One chat alone.
        on_error: What becomes of a chat that has no form in the format: "stop" raises, and leaves
            no file; "skip" leaves it out and tells of it.
        account: Into whose account, where the target is a database that holds those of many.
        on_progress: Told after each chat.
    """

    user_id: str | None = None
    chat_id: str | None = None
    on_error: OnError = "stop"
    account: str | None = None
    on_progress: Callable[[ExportReport], object] | None = None


async def export_conversations(
    db: AnySurface,
    target: str | Path,
    format: str,  # noqa: A002 - as in `--format`
    options: ExportOptions | None = None,
) -> ExportReport:
    """Write chats to a file or database in the format of another product.

    What was imported from that format comes back as it was, as far as nobody changed it since;
    everything else is put into its words. A format without branches gets the thread that a chat
    shows. Chats and messages in the trash, answers that are still being written, and chats without
    a message are left out.

    A file stands when all is written, and not at all after an error; one that is there already is
    left alone. The rows are read page by page: a chat that comes or goes meanwhile may be in it or
    not.

    Args:
        db: An open database.
        target: Path of the file, or URL of the database.
        format: One of `chatkeep.exchange.FORMATS`.
        options: See there; None is every chat of every user.

    Raises:
        UserNotFoundError: No such user.
        ChatNotFoundError: No such chat, or it has no message.
        BadRecordError: A chat has no form in the format, and is not to be skipped.
        ExchangeError: The target is there already, or cannot be written.
        ConfigError: There is no such format, it can only be read, it holds one chat,
            or has no accounts.
        DatabaseError: One of its kinds.
    """
    opens = find_format(format)
    given = options or ExportOptions()
    if opens.writer is None:
        raise ConfigError(f"The format {format!r} can be read only.")
    if opens.holds == "one" and given.chat_id is None:
        raise ConfigError(f"The format {format!r} holds one chat.", hint="Name it: `--chat ID`.")
    check_account(opens, given.account)
    if given.on_error not in ("stop", "skip"):
        raise ConfigError(f"on_error is 'stop' or 'skip', not {given.on_error!r}.")
    report, started = ExportReport(), time.perf_counter()
    async with (
        aclosing(_conversations(db, given)) as found,
        opens.writer(str(target), Options(account=given.account)) as writer,
    ):
        async for conversation in found:
            await _write(writer, conversation, report, given)
            report.seconds = time.perf_counter() - started
            if given.on_progress is not None:
                given.on_progress(report)
    report.seconds = time.perf_counter() - started
    return report


async def _write(
    writer: Writer, conversation: Conversation, report: ExportReport, options: ExportOptions
) -> None:
    try:
        written = await writer.write(conversation) or Written(len(conversation.nodes))
    except BadRecordError as exc:
        place = Place("chat", key=conversation.id)
        if options.on_error == "stop":
            raise BadRecordError(
                f"{place}: {exc.args[0]}", hint=exc.hint, place=str(place)
            ) from exc
        report.skipped += 1
        if len(report.errors) < KEPT_ERRORS:
            report.errors.append(BadRecord(place, str(exc.args[0]).rstrip(".")))
        return
    report.conversations += written.is_new
    report.there_already += not written.is_new
    report.messages += written.messages
    report.not_shown += written.not_shown


async def _conversations(db: AnySurface, options: ExportOptions) -> AsyncGenerator[Conversation]:
    if options.chat_id is not None:
        user_id = options.user_id
        if user_id is None:
            user_id = (await db.chats.get(options.chat_id)).user_id
        one = await _fetch(db, user_id).one(options.chat_id)
        if one is None:
            raise ChatNotFoundError("No such chat, or it has no message.")
        async for _, email in _users(db, user_id):
            one.owner = email
        yield one
        return
    async for user_id, email in _users(db, options.user_id):
        async with aclosing(_fetch(db, user_id).all()) as found:
            async for conversation in found:
                conversation.owner = email
                yield conversation


async def _users(db: AnySurface, user_id: str | None) -> AsyncGenerator[tuple[str, str]]:
    """Give the users that are meant, with their addresses, page by page."""
    if user_id is not None:
        user = await db.users.find(user_id)
        if user is None:
            raise UserNotFoundError("No such user.")
        yield user_id, user.email
        return
    _, catalogue = db.as_user("anybody").ground
    users = catalogue.schema.tables["users"]
    after = bindparam("after", type_=users.c["id"].type)
    page = db.prepare(
        select(users.c["id"], users.c["email"])
        .where(users.c["id"] > after)
        .order_by(users.c["id"])
        .limit(_USERS)
    )
    last = ""
    while rows := await page.all(after=last):
        for row in rows:
            yield row
        last = rows[-1][0]


def _fetch(db: AnySurface, user_id: str) -> Fetch:
    runner, catalogue = db.as_user(user_id).ground
    return Fetch(runner, catalogue.kept(FetchQueries), user_id)
