"""Who writes answers: what begins, stores, closes and takes away, in the words of statements."""

import asyncio
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal, NamedTuple, Protocol

from chatkeep.access.answer_flushing import PASSING, PATIENCE, not_ours
from chatkeep.access.answer_queries import MAX_OFFSET, START_COLUMNS, AnswerQueries, Claimed
from chatkeep.access.appending import Form
from chatkeep.access.rows import Values
from chatkeep.engine.background import Background
from chatkeep.engine.run import Runner
from chatkeep.errors import (
    AlreadyExistsError,
    AnswerRunningError,
    ConfigError,
    ConnectionFailedError,
)
from chatkeep.inputs.answers import AnswerDetails, NewAnswer
from chatkeep.inputs.deepsearch import NewUsage
from chatkeep.records.deepsearch import Message

DEAD_AFTER = timedelta(minutes=1)  # without a sign of its writer an answer has none
_ATTEMPTS = 3  # to begin, when others begin and end answers of the chat at the same time
_DETAILS = ("sources", "metadata", "parts")

OnRunning = Literal["refuse", "take_over"]


class Beginning(NamedTuple):
    """How an answer begins.

    Attributes:
        values: Parameters of the statement that begins, but for the writer.
        form: Which of these statements.
        on_running: What to do where an answer runs.
    """

    values: Values
    form: Form
    on_running: OnRunning


class Asked(Protocol):
    """What a call of `stream` asked for."""

    @property
    def chat_id(self) -> str:
        """In which chat."""
        ...

    @property
    def id(self) -> str:
        """Of the message."""
        ...

    @property
    def flush_after(self) -> float:
        """Seconds that a text waits at most."""
        ...

    async def beginning(self) -> Beginning:
        """Say how the answer begins."""
        ...

    async def why_not(self) -> None:
        """Raise why it cannot begin, unless it is that another one runs."""
        ...


class Writers:
    """What the statements of answers run on: for one user, or for all."""

    def __init__(self, runner: Runner, queries: AnswerQueries, scope: Mapping[str, object]) -> None:
        self._runner = runner
        self._queries = queries
        self._scope = scope

    @property
    def background(self) -> Background:
        """What outlives the call.

        Raises:
            ConfigError: This is a transaction.
        """
        background = self._runner.background
        if background is None:
            raise ConfigError(
                "Answers are streamed outside of transactions: inside, nobody would see a piece of "
                "one before its end.",
                hint="Call it on `db`, or on a scope of `db.as_user(...)`.",
            )
        return background

    async def begin(self, asked: Asked, writer: str) -> Message:
        """Insert the answer; the one that runs is refused or ended first.

        Raises:
            AnswerRunningError: An answer runs in this chat.
        """
        beginning = await asked.beginning()
        values: Values = {**beginning.values, **self._scope, "writer": writer}
        queries, runner = self._queries, self._runner
        chat: Values = {**self._scope, "chat_id": values["chat_id"]}
        takes_over = beginning.on_running == "take_over"
        for attempt in range(_ATTEMPTS):
            try:
                message = await queries.start(beginning.form).first(runner, values)
            except AlreadyExistsError as exc:
                if exc.table != "running_answers":
                    raise
                message = None  # somebody else began at the same time
            except ConnectionFailedError:
                if attempt:
                    raise
                message = None  # it may have been stored, and is ours then
                if await queries.running.first(runner, chat) == values["id"]:
                    message = await queries.find.first(runner, {**self._scope, "id": values["id"]})
            if message is not None:
                return message
            await asked.why_not()
            silent_for = timedelta() if takes_over else DEAD_AFTER
            if await self.interrupt(str(values["chat_id"]), silent_for) is None:
                running = await queries.running.first(runner, chat)
                if running is not None and not takes_over:
                    raise AnswerRunningError(running)
        raise AnswerRunningError(None)

    async def interrupt(self, chat_id: str, silent_for: timedelta) -> Message | None:
        """End the answer of a chat whose writer has been silent for so long, with its text so far."""
        writer = new_writer()
        values = {**self._scope, "chat_id": chat_id, "writer": writer, "silent_for": silent_for}
        claimed = await self._queries.take.first(self._runner, values)
        return None if claimed is None else await self.end_claimed(claimed, writer)

    async def sweep(self, silent_for: timedelta, limit: int) -> int:
        """End answers of silent writers, at most `limit`; tell how many."""
        writer = new_writer()
        values = {"writer": writer, "silent_for": silent_for, "limit": limit}
        found = await self._queries.sweep().all(self._runner, values)
        for claimed in found:
            await self.end_claimed(claimed, writer)
        return len(found)

    async def end_claimed(self, claimed: Claimed, writer: str) -> Message | None:
        """End an answer that was taken from its writer, with everything that was flushed."""
        values: Values = {
            "user_id": claimed.user_id,
            "chat_id": claimed.chat_id,
            "writer": writer,
            "status": "interrupted",
            "position": MAX_OFFSET,
            "tail": "",
        }
        ended = await self._queries.close(()).first(self._runner, values)
        self.tell(claimed.message_id)
        return ended

    async def store(self, message: Message, writer: str, position: int, text: str) -> bool:
        """Store a piece; False where the answer is not the writer's any more."""
        values: Values = {
            "user_id": message.user_id,
            "chat_id": message.chat_id,
            "writer": writer,
            "position": position,
            "content": text,
        }
        found = await self._queries.flush.first(self._runner, values)
        if text:
            self.tell(message.id)
        return found is not None

    async def close(
        self, message: Message, values: Values, details: AnswerDetails, *, is_piece_unsure: bool
    ) -> Message:
        """End an answer; where the database does not answer, for half a minute again and again.

        Args:
            message: As it began.
            values: What ends it.
            details: What is stored beside.
            is_piece_unsure: A piece may still be on its way in the server. A sign of life waits for
                it first: the statement that ends would not see it, and leave it for ever.

        Raises:
            AnswerTakenOverError: It is not the writer's any more.
            DatabaseError: The database did not take it.
        """
        columns = tuple(name for name in _DETAILS if getattr(details, name) is not None)
        used = {} if details.usage is None else _used(details.usage)
        query = self._queries.close(columns, tuple(used))
        given: Values = {
            **{name: getattr(details, name) for name in columns},
            **{f"used_{name}": value for name, value in used.items()},
            **values,
            "user_id": message.user_id,
            "chat_id": message.chat_id,
        }
        is_unsure = False
        give_up, pause = asyncio.get_running_loop().time() + PATIENCE, 0.05
        while True:
            try:
                if is_piece_unsure:
                    await self.store(message, str(values["writer"]), 0, "")
                ended = await query.first(self._runner, given)
                if ended is None and is_unsure:
                    ended = await self._ended(message, str(values["status"]))
            except PASSING:
                if asyncio.get_running_loop().time() > give_up:
                    raise
                is_unsure = True
            else:
                break
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1.0)
        self.tell(message.id)
        if ended is None:
            raise not_ours()
        return ended

    def tell(self, message_id: str) -> None:
        """Wake readers, here and elsewhere."""
        self.background.bell.tell(message_id, self._tell)

    async def _tell(self, ids: list[str]) -> None:
        await self._queries.tell.all(self._runner, {"ids": ids})

    async def _ended(self, message: Message, status: str) -> Message | None:
        """Tell whether the answer was ended by us, though nobody heard of it."""
        key = {**self._scope, "id": message.id}
        found = await self._queries.find.first(self._runner, key)
        return found if found is not None and found.status == status else None


def beginning_of(
    chat_id: str, new: NewAnswer, on_running: OnRunning, beside: Message | None
) -> Beginning:
    """Say how an answer begins: after the chat's head, after a message, or beside one."""
    names_parent = "parent_id" in new.model_fields_set
    form = Form(
        START_COLUMNS,
        has_parents=names_parent or beside is not None,
        is_beside=beside is not None,
    )
    values: Values = {"chat_id": chat_id, "id": new.id, "role": new.role}
    values |= {"content": "", "status": "streaming", "head": new.id}
    if beside is not None:
        values |= {"first_parent_id": beside.parent_id, "beside": beside.id}
    elif names_parent:
        values["first_parent_id"] = new.parent_id
        values["parents"] = [] if new.parent_id is None else [new.parent_id]
    return Beginning(values, form, on_running)


def new_writer() -> str:
    """Make a token that no other writer has."""
    return secrets.token_hex(16)


def _used(usage: NewUsage) -> dict[str, object]:
    values: dict[str, object] = {
        name: value for name, value in vars(usage).items() if value is not None
    }
    if usage.total_tokens is None:
        values["total_tokens"] = usage.prompt_tokens + usage.completion_tokens
    return values
