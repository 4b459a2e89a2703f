"""Conversations of other products into one user's account: each whole or not at all, none twice."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from chatkeep.access.scope import UserScope
from chatkeep.database.surface import Surface
from chatkeep.errors import BadRecordError, ConfigError, UserNotFoundError
from chatkeep.exchange import identity
from chatkeep.exchange.checking import Unfit
from chatkeep.exchange.formats import check_account, find_format
from chatkeep.exchange.model import BadRecord, Conversation, Options, Place, Reader
from chatkeep.exchange.rows import Rows, rows_of
from chatkeep.exchange.storing import Store, StoreQueries

AnySurface: TypeAlias = Surface[Any, Any, Any, Any]
OnError: TypeAlias = Literal["stop", "skip"]

LOOKED_AT = (
    200  # conversations whose ids are looked up together, before anything of them is checked
)
BATCH_MESSAGES = 1000
BATCH_CHARACTERS = 4_000_000
KEPT_ERRORS = 100
_NODE_WEIGHT = 300  # beside its text


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        conversations: How many were stored now; `messages` is how many messages.
        there_already: How many were left as they are: an earlier import brought them, also when
            they are in the trash by now.
        empty: How many have no message, and were left out: there is nothing in them to keep.
        skipped: How many bad records were left out.
        errors: The first hundred of them, and what ended the reading of a file.
        seconds: How long it took.
    """

    conversations: int = 0
    messages: int = 0
    there_already: int = 0
    empty: int = 0
    skipped: int = 0
    errors: list[BadRecord] = field(default_factory=list[BadRecord])
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Give the report for programs."""
        return {
            "conversations": self.conversations,
            "messages": self.messages,
            "thereAlready": self.there_already,
            "empty": self.empty,
            "skipped": self.skipped,
            "errors": [error_as_json(bad) for bad in self.errors],
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is.

    Attributes:
        done: How much of the source was read, in bytes or conversations; `size` is all, or None.
        report: What it did until now.
    """

    done: int
    size: int | None
    report: ImportReport


def error_as_json(bad: BadRecord) -> dict[str, Any]:
    """Give a bad record for programs."""
    place = bad.place
    said: Mapping[str, Any] = {
        "source": place.source,
        "record": place.record,
        "line": place.line,
        "byte": place.byte,
        "key": place.key,
    }
    return {**{name: v for name, v in said.items() if v is not None}, "problem": bad.problem}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How an import goes.

    Attributes:
        on_error: What becomes of a bad record: "stop" raises, and what was stored before it stays;
            "skip" leaves it out and tells of it.
        account: Whose conversations, where the source is a database that holds those of many.
        on_bad: Told of each bad record that is skipped.
        on_progress: Told after each batch, and at the end.
    """

    on_error: OnError = "stop"
    account: str | None = None
    on_bad: Callable[[BadRecord], object] | None = None
    on_progress: Callable[[Progress], object] | None = None


async def import_conversations(
    db: AnySurface,
    user_id: str,
    source: str | Path,
    format: str,  # noqa: A002 - as in `--format`
    options: ImportOptions | None = None,
) -> ImportReport:
    """Bring the conversations of a file or database into one user's account.

    Branches, order, times, sources and models are kept, and what no column holds is kept beside, so
    that an export in the same format gives it back. Ids are made of the user, the format and the
    source's ids: an import that runs again, or goes on after it was killed, stores what is missing
    and nothing twice. A chat that was imported is left as it is, whatever became of it since.

    The source is read piece by piece and stored in batches, each in one statement: one conversation
    after another is in memory, never all of them.

    Args:
        db: An open database.
        user_id: Whose they become; nothing in the source has a say in it.
        source: Path of a file, or URL of a database.
        format: One of `chatkeep.exchange.FORMATS`.
        options: See there.

    Raises:
        UserNotFoundError: No such user.
        BadRecordError: A record is broken, and is not to be skipped; says where it stands.
        ExchangeError: The source cannot be opened or is of another format.
        ConfigError: There is no such format, it can only be written, or has no accounts.
        DatabaseError: One of its kinds.
    """
    form, given = find_format(format), options or ImportOptions()
    opens = form.reader
    if opens is None:
        raise ConfigError(f"The format {format!r} can be written only.")
    check_account(form, given.account)
    if given.on_error not in ("stop", "skip"):
        raise ConfigError(f"on_error is 'stop' or 'skip', not {given.on_error!r}.")
    scope = db.as_user(user_id)
    if await db.users.find(user_id) is None:
        raise UserNotFoundError("No such user.")
    async with opens(str(source), Options(account=given.account)) as reader:
        return await _Import(scope, format, reader, given).run()


async def find_user_id(db: AnySurface, who: str) -> str:
    """Give the id of the user with this id or e-mail.

    Raises:
        UserNotFoundError: No such user.
    """
    user = await db.users.find(who)
    if user is None and "@" in who:
        user = await db.users.find_by_email(who)
    if user is None:
        raise UserNotFoundError("No user has this id or e-mail.")
    found: str = user.id
    return found


class _Import:
    """One run."""

    def __init__(
        self, scope: UserScope, format_name: str, reader: Reader, options: ImportOptions
    ) -> None:
        runner, catalogue = scope.ground
        self._store = Store(runner, catalogue.kept(StoreQueries), scope.user_id)
        self._user_id = scope.user_id
        self._format = format_name
        self._reader = reader
        self._options = options
        self._report = ImportReport()
        self._waiting: list[Conversation | BadRecord] = []
        self._ids: set[str] = set()
        self._weight = 0
        self._started = time.perf_counter()

    async def run(self) -> ImportReport:
        async for found in self._reader:
            if isinstance(found, Conversation):
                await self._take(found)
            else:
                self._waiting.append(found)  # what is wrong is told in the order of the source
            if len(self._waiting) >= LOOKED_AT or self._weight > BATCH_CHARACTERS:
                await self._flush()
        await self._flush()
        self._tell()
        return self._report

    def _chat_id(self, conversation: Conversation) -> str:
        return identity.chat_id(self._user_id, self._format, conversation.id)

    async def _take(self, conversation: Conversation) -> None:
        chat_id = self._chat_id(conversation)
        if chat_id in self._ids:  # twice in the source: the later one meets the stored one
            await self._flush()
        conversation.format = self._format
        self._ids.add(chat_id)
        self._waiting.append(conversation)
        said = sum(len(node.content) + _NODE_WEIGHT for node in conversation.nodes)
        self._weight += max(conversation.size, said)

    async def _flush(self) -> None:
        """Store what waits and is not there yet, and tell what is wrong, in the order of the source."""
        waiting, ids = self._waiting, self._ids
        self._waiting, self._ids, self._weight = [], set(), 0
        there = await self._store.there(list(ids)) if ids else set[str]()
        rows = Rows()
        for found in waiting:
            bad = found if isinstance(found, BadRecord) else self._add(rows, found, there)
            if bad is not None:
                await self._send(rows)  # what came before it is stored before it is told
                rows = Rows()
                self._refuse(bad)
            elif len(rows.messages) >= BATCH_MESSAGES or rows.weight >= BATCH_CHARACTERS:
                await self._send(rows)
                rows = Rows()
        await self._send(rows)

    def _add(self, rows: Rows, conversation: Conversation, there: set[str]) -> BadRecord | None:
        """Add a conversation to a batch, unless it is there; give what is wrong with it."""
        if not conversation.nodes:
            self._report.empty += 1
            return None
        chat_id = self._chat_id(conversation)
        if chat_id in there:
            self._report.there_already += 1
            return None
        try:
            rows.add(rows_of(conversation, chat_id))
        except Unfit as exc:
            place = conversation.place or Place("the source", key=conversation.id)
            return BadRecord(place, str(exc))
        return None

    async def _send(self, rows: Rows) -> None:
        if not rows.chats:
            return
        made = await self._store.store(rows)
        report = self._report
        report.conversations += len(made)
        report.there_already += len(rows.chats) - len(made)  # another import was quicker
        report.messages += sum(row[1] in made for row in rows.messages)
        self._tell()

    def _refuse(self, bad: BadRecord) -> None:
        if self._options.on_error == "stop":
            raise BadRecordError(
                f"{bad.place}: {bad.problem}.",
                hint="Mend it and import again, which stores only what is missing; or skip it "
                '(`--on-error skip`, on_error="skip").',
                place=str(bad.place),
            )
        self._report.skipped += 1
        if bad.is_last or len(self._report.errors) < KEPT_ERRORS:
            self._report.errors.append(bad)
        if self._options.on_bad is not None:
            self._options.on_bad(bad)

    def _tell(self) -> None:
        self._report.seconds = time.perf_counter() - self._started
        if self._options.on_progress is not None:
            reader = self._reader
            self._options.on_progress(Progress(reader.done, reader.size, self._report))
