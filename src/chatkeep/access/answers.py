"""An answer that is written piece by piece, as a model gives it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Literal, Self

from chatkeep.access.answer_flushing import Flusher
from chatkeep.access.answer_writers import Asked, Writers, new_writer
from chatkeep.errors import (
    AnswerTakenOverError,
    ChatkeepError,
    ConfigError,
    DatabaseClosedError,
    InvalidInputError,
)
from chatkeep.inputs.answers import AnswerDetails
from chatkeep.inputs.deepsearch import MAX_CONTENT, NewUsage
from chatkeep.inputs.text import first_fault
from chatkeep.records.deepsearch import Message, MessageMetadata, Source

_log = logging.getLogger("chatkeep.answers")


class Answer:
    """An answer that is being written; what `messages.stream` gives.

    The block's end makes it `complete`. An exception that leaves the block makes it `error`, a
    cancellation `interrupted`; either way the text so far is kept.

    Attributes:
        id: Of the message.
        chat_id: Whose message it is.
        message: As stored: when it began, and at last when it had ended. None before it began.
    """

    def __init__(self, writers: Writers, asked: Asked) -> None:
        self.id = asked.id
        self.chat_id = asked.chat_id
        self.message: Message | None = None
        self._writers = writers
        self._asked = asked
        self._writer = new_writer()
        self._flusher = Flusher(self._store, asked.flush_after)
        self._details: dict[str, Any] = {}
        self._ending: asyncio.Task[Message] | None = None
        self._work: asyncio.Task[None] | None = None
        self._was_left = False

    @property
    def written(self) -> int:
        """Number of characters that were written."""
        return self._flusher.written

    @property
    def flushed(self) -> int:
        """Number of characters that PostgreSQL has acknowledged: these cannot be lost."""
        return self._flusher.stored

    async def write(self, text: str) -> None:
        """Add a text. Nothing is sent now: that happens in the background, within `flush_after`.

        Only where more than 16,384 characters wait for a slow database, this waits too.

        Raises:
            AnswerTakenOverError: Another writer has taken the answer over, or it was ended or
                deleted; what is written after that is lost.
            InvalidInputError: It is no text that PostgreSQL can store, or the answer would have more
                than 100,000 characters.
            DatabaseError: The database did not take the text for half a minute.
        """
        self._check_open()
        _check_text(text, self.written)
        if text:
            await self._flusher.write(text)

    async def flush(self) -> None:
        """Wait until everything that was written so far is stored.

        Raises:
            AnswerTakenOverError: As `write`.
            DatabaseError: As `write`.
        """
        self._check_open()
        goal = self.written
        await self._flusher.flush()
        if self.flushed < goal and self._ending is not None:  # the end, meanwhile, took the rest
            await asyncio.shield(self._ending)

    def attach(
        self,
        *,
        sources: list[Source] | None = None,
        metadata: MessageMetadata | None = None,
        parts: object = None,
        usage: NewUsage | None = None,
    ) -> None:
        """Keep what is known of the answer beside its text; it is stored with its end.

        Also with an end by an exception: a paid answer that broke off has its usage. A later call
        adds to an earlier one. Nothing is sent now.

        Raises:
            InvalidInputError: One of them cannot be stored.
        """
        self._check_open()
        given = {"sources": sources, "metadata": metadata, "parts": parts, "usage": usage}
        new = {name: value for name, value in given.items() if value is not None}
        AnswerDetails.model_validate(new)
        self._details.update(new)

    async def finish(
        self,
        *,
        sources: list[Source] | None = None,
        metadata: MessageMetadata | None = None,
        parts: object = None,
        usage: NewUsage | None = None,
    ) -> Message:
        """Complete the answer now, and give the message. The end of the block does nothing more.

        Raises:
            AnswerTakenOverError: As `write`.
            InvalidInputError: What is given beside cannot be stored; the answer goes on.
            DatabaseError: The database did not take it for half a minute.
        """
        self.attach(sources=sources, metadata=metadata, parts=parts, usage=usage)
        return await self._end("complete")

    async def wait(self) -> Message:
        """Wait for the end of an answer that `run_answer` began, and give the message.

        Raises:
            Exception: What its producer raised.
            ConfigError: It does not run in the background.
        """
        if self._work is None:
            raise ConfigError("This answer does not run in the background.")
        await asyncio.wait([self._work])
        if not self._work.cancelled():
            self._work.result()
        if self._was_left and self._ending is not None:
            return await asyncio.shield(self._ending)
        return self._begun()

    async def begin(self) -> Message:
        """Insert the message and begin to send; `async with` does it for you."""
        if self.message is not None:
            raise ConfigError("This answer was begun already.", hint="Call stream() anew.")
        background = self._writers.background
        beginning = background.save(self._writers.begin(self._asked, self._writer))
        try:
            message = await asyncio.shield(beginning)
        except asyncio.CancelledError:
            background.save(self._give_up(beginning))
            raise
        self.message = message
        self._flusher.start()
        background.keep_open(self._leave)
        return message

    def go_on(self, producer: Callable[[Self], Awaitable[object]]) -> None:
        """Write the answer in the background, whatever becomes of the caller."""
        self._work = self._writers.background.work(self._produce(producer))
        self._work.add_done_callback(self._worked)

    async def __aenter__(self) -> Self:
        if self._work is None:
            await self.begin()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._ending is not None:
            if exc is None and self._was_left:
                raise _closed()
            return
        if exc is None:
            await self._end("complete")
            return
        try:
            await self._end("error" if isinstance(exc, Exception) else "interrupted")
        except ChatkeepError:
            return  # it is logged; the caller's own exception goes on

    async def _produce(self, producer: Callable[[Self], Awaitable[object]]) -> None:
        try:
            async with self:
                await producer(self)
        except Exception as exc:
            _log.exception("An answer in the background ended with %s.", type(exc).__name__)
            raise

    async def _store(self, position: int, text: str) -> bool:
        return await self._writers.store(self._begun(), self._writer, position, text)

    async def _end(self, status: Literal["complete", "interrupted", "error"]) -> Message:
        return await asyncio.shield(self._end_apart(status))

    def _end_apart(
        self, status: Literal["complete", "interrupted", "error"]
    ) -> asyncio.Task[Message]:
        """End it in a task of its own: whoever cancels the caller now does not stop it."""
        if self._ending is None:
            background = self._writers.background
            self._ending = background.save(self._close(status))
            background.ended(self._leave)
        return self._ending

    def _leave(self) -> None:
        """End it where its writer did not: the `Database` closes."""
        if self._ending is None:
            self._was_left = True
            self._end_apart("interrupted").add_done_callback(_look_at)

    def _worked(self, task: asyncio.Task[None]) -> None:
        _look_at(task)
        self._leave()  # a task that is cancelled before it begins never enters the block

    async def _close(self, status: str) -> Message:
        tail = await self._flusher.end()
        values: dict[str, object] = {
            "writer": self._writer,
            "status": status,
            "position": self._flusher.stored,
            "tail": tail,
        }
        try:
            if isinstance(self._flusher.error, AnswerTakenOverError):
                raise self._flusher.error
            details = AnswerDetails.model_validate(self._details)
            self.message = await self._writers.close(
                self._begun(), values, details, is_piece_unsure=self._flusher.is_unsure
            )
        except AnswerTakenOverError:
            raise
        except ChatkeepError as exc:  # nobody may be there any more to hear of it
            _log.warning("An answer could not be ended: %s", type(exc).__name__)
            raise
        return self.message

    async def _give_up(self, beginning: asyncio.Task[Message]) -> None:
        """End what began although nobody waits for it any more."""
        await asyncio.wait([beginning])
        if beginning.exception() is None:
            self.message = beginning.result()
            self._end_apart("interrupted").add_done_callback(_look_at)

    def _begun(self) -> Message:
        if self.message is None:
            raise ConfigError("This answer was not begun.", hint="Use it with `async with`.")
        return self.message

    def _check_open(self) -> None:
        self._begun()
        if self._was_left:
            raise _closed()
        if self._ending is not None:
            raise ConfigError("This answer has ended.")


def _closed() -> DatabaseClosedError:
    return DatabaseClosedError(
        "The Database was closed, which ended this answer as interrupted.",
        hint="Its text up to then was kept. Let answers end before the Database is closed.",
    )


def _look_at(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # it is logged already


def _check_text(text: object, written: int) -> None:
    if not isinstance(text, str):
        raise InvalidInputError(f"write takes a text, not a {type(text).__name__}.", field="text")
    if not (text.isascii() and "\0" not in text):
        fault = first_fault(text)
        if fault is not None:
            problem = fault.problem[:1].lower() + fault.problem[1:]
            raise InvalidInputError(f"write: the text was refused: {problem}.", field="text")
    if written + len(text) > MAX_CONTENT:
        raise InvalidInputError(
            f"An answer has at most {MAX_CONTENT} characters.",
            hint="What was written before is kept.",
            field="text",
        )
