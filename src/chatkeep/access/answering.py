"""What `messages` does with answers that are written piece by piece."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import NamedTuple, TypedDict, Unpack, cast, get_args

from chatkeep.access.answer_queries import MAX_OFFSET
from chatkeep.access.answer_writers import DEAD_AFTER, Beginning, OnRunning, Writers, beginning_of
from chatkeep.access.answers import Answer
from chatkeep.access.following import Follower
from chatkeep.access.message_queries import MessageQueries
from chatkeep.engine.run import Runner
from chatkeep.errors import (
    ChatNotFoundError,
    InvalidInputError,
    MessageNotFoundError,
)
from chatkeep.inputs.answers import NewAnswer
from chatkeep.inputs.text import check_id
from chatkeep.records.answers import AnswerPiece
from chatkeep.records.deepsearch import Message, Role

FLUSH_AFTER = timedelta(milliseconds=250)
_SHORTEST_WINDOW = 0.01
_LONGEST_WINDOW = 30.0  # seconds; a writer has to give a sign of life before it counts as dead
_SWEEP_AT_ONCE = 100


class AnswerOptions(TypedDict, total=False):
    """What `messages.stream` and `run_answer` take by name; each may be left out.

    Attributes:
        id: Of the message; made unless given.
        role: "assistant" unless given.
        parent_id: The message that it follows; the chat's head unless given. None, given, begins a
            branch at the start of the chat.
        beside: An old answer: the new one follows what the old one follows, and the old one stays.
        flush_after: A text waits at most so long before it is sent: 250 ms, from 10 ms to 30 s.
        on_running: What to do where an answer is being written in the chat: "refuse", or "take_over",
            which ends that one with its text so far.
    """

    id: str
    role: Role
    parent_id: str | None
    beside: str
    flush_after: timedelta
    on_running: OnRunning


class Answering:
    """Answers that are written piece by piece, and read meanwhile."""

    _runner: Runner
    _queries: MessageQueries
    _scope: Mapping[str, object]

    def stream(self, chat_id: str, **options: Unpack[AnswerOptions]) -> Answer:
        """Write an answer as it comes: a token costs no round trip and holds no connection.

        async with mine.messages.stream(chat.id) as answer:
            async for token in model:
                await answer.write(token)

        The message is there from the beginning of the block, with the status `streaming` and an
        empty content; `follow` gives its text meanwhile, and the end of the block stores it. Text
        is flushed within `flush_after`, so when the process dies no more than that is lost.
        A chat has one answer at a time. One whose writer gave no sign for a minute has none any
        more, and is ended with what was flushed.

        A request handler is cancelled when its client goes away, and the block with it. What is to
        go on then belongs into `run_answer`.

        Args:
            chat_id: Which chat.
            options: See `AnswerOptions`.

        Raises:
            ChatNotFoundError: At the block's start: no such chat, or it belongs to another user.
            MessageNotFoundError: `parent_id` or `beside` is no message of the chat.
            AnswerRunningError: An answer is being written in this chat.
            AlreadyExistsError: A message with this id exists.
            AnswerTakenOverError: At its end: another writer has taken it over, or it was deleted.
            InvalidInputError: An option cannot be stored, or is out of bounds.
            ConfigError: This is a transaction.
        """
        return Answer(self._writers(), _Asked(self._look(chat_id), options))

    async def run_answer(
        self,
        chat_id: str,
        producer: Callable[[Answer], Awaitable[object]],
        **options: Unpack[AnswerOptions],
    ) -> Answer:
        """Begin an answer, and have `producer(answer)` write it in the background.

        Gives the answer when it has begun; its `id` is what readers `follow`. Whatever becomes of
        the caller, the producer goes on to its end, so a client that disconnects loses nothing. The
        producer's return completes the answer. What it raises makes it `error`, and is logged.
        `Database.close` cancels it, which makes it `interrupted`; `await answer.wait()` waits for
        its end.

        Args:
            chat_id: Which chat.
            producer: Writes the answer.
            options: See `AnswerOptions`.

        Raises:
            ChatkeepError: As at the start of `stream`.
        """
        answer = self.stream(chat_id, **options)
        await answer.begin()
        answer.go_on(producer)
        return answer

    async def follow(self, message_id: str, offset: int = 0) -> AsyncGenerator[AnswerPiece]:
        """Give an answer's text from an offset on while it is written, up to its end.

        async for piece in mine.messages.follow(answer.id):
            print(piece.text, end="")

        A piece says where it begins. The last one has another status than `streaming`; of an answer
        that has ended it is the only one. A reader who comes again passes `piece.end` as `offset`,
        and misses nothing and gets nothing twice. Between two pieces no connection is held, and a
        reader who is slow keeps nobody waiting.

        New text is told by a notification, which comes to one more connection of the `Database`. With
        `pooler="pgbouncer"`, and where that connection breaks, the reader looks by the clock.

        Raises:
            MessageNotFoundError: No such message, or it belongs to another user; also when it is
                deleted meanwhile.
            InvalidInputError: The offset is out of bounds.
            DatabaseError: The database did not answer for half a minute.
            ConfigError: This is a transaction.
        """
        check_id(message_id, "message_id")
        if isinstance(offset, bool) or not isinstance(cast("object", offset), int):
            raise InvalidInputError("offset is a whole number.", field="offset")
        if not 0 <= offset <= MAX_OFFSET:
            raise InvalidInputError(f"offset is from 0 to {MAX_OFFSET}.", field="offset")
        follower = Follower(self._runner, self._queries.answers, self._scope, message_id)
        async for piece in follower.pieces(offset):
            yield piece

    async def stop_answer(self, chat_id: str) -> Message | None:
        """End the answer that is being written in a chat, as a user's "stop" asks.

        It becomes `interrupted` and keeps what was flushed. Its writer gets an AnswerTakenOverError
        with its next flush, wherever it runs.

        Returns:
            The message, or None where no answer was being written.

        Raises:
            ChatNotFoundError: No such chat, or it belongs to another user.
        """
        look = self._look(chat_id)
        stopped = await self._writers().interrupt(chat_id, timedelta())
        if stopped is None:
            await look.insist()
        return stopped

    def _look(self, chat_id: str) -> "_Look":
        return _Look(self._runner, self._queries, self._scope, check_id(chat_id, "chat_id"))

    def _writers(self) -> Writers:
        return Writers(self._runner, self._queries.answers, self._scope)


class Sweeping(Answering):
    """What trusted code does with the answers of all users."""

    async def sweep_interrupted(self, *, older_than: timedelta = DEAD_AFTER) -> int:
        """End answers whose writers are dead: they become `interrupted`, with what was flushed.

        Let one process call it every minute. Without it such an answer is ended when somebody
        follows it, or asks for another one in its chat. Several may sweep at once: none waits for
        the other. Each answer is a statement of its own.

        Args:
            older_than: How long a writer has given no sign. A living one gives one every 5 seconds
                at least (every `flush_after` where that is longer), so with less than that the
                living are ended, too.

        Returns:
            How many answers were ended.

        Raises:
            InvalidInputError: `older_than` is no timedelta, or negative.
        """
        if not isinstance(cast("object", older_than), timedelta) or older_than < timedelta():
            raise InvalidInputError("older_than is a timedelta of 0 or more.", field="older_than")
        ended = 0
        while True:
            found = await self._writers().sweep(older_than, _SWEEP_AT_ONCE)
            ended += found
            if found < _SWEEP_AT_ONCE:
                return ended


class _Look(NamedTuple):
    """Looks into a chat."""

    runner: Runner
    queries: MessageQueries
    scope: Mapping[str, object]
    chat_id: str

    async def insist(self) -> None:
        """Raise where there is no such chat."""
        values = {**self.scope, "chat_id": self.chat_id}
        if await self.queries.chat_revision.first(self.runner, values) is None:
            raise ChatNotFoundError("No such chat.")

    async def message(self, message_id: str) -> Message:
        """Give a message of the chat."""
        values = {**self.scope, "chat_id": self.chat_id, "ids": [message_id]}
        found = await self.queries.stored.first(self.runner, values)
        if found is None:
            await self.insist()
            raise MessageNotFoundError("No such message in this chat.")
        return found


class _Asked:
    """What a call of `stream` asked for, checked."""

    def __init__(self, look: _Look, options: AnswerOptions) -> None:
        for name in options:
            if name not in AnswerOptions.__annotations__:
                known = ", ".join(AnswerOptions.__annotations__)
                raise InvalidInputError(
                    f"An answer has no option {name}.", hint=f"It has: {known}.", field=name
                )
        given = {name: options.get(name) for name in ("id", "role", "parent_id") if name in options}
        self._new = NewAnswer.model_validate(given)
        self._beside = options.get("beside")
        if self._beside is not None and "parent_id" in options:
            raise InvalidInputError("Give parent_id or beside, not both.", field="beside")
        self._on_running: OnRunning = options.get("on_running", "refuse")
        if self._on_running not in get_args(OnRunning):
            raise InvalidInputError('on_running is "refuse" or "take_over".', field="on_running")
        self.flush_after = _window(options.get("flush_after", FLUSH_AFTER))
        self.chat_id = look.chat_id
        self.id = self._new.id
        self._look = look

    async def beginning(self) -> Beginning:
        """Say how the answer begins; to stand beside another one costs a look at that."""
        old = None if self._beside is None else await self._look.message(self._beside)
        return beginning_of(self.chat_id, self._new, self._on_running, old)

    async def why_not(self) -> None:
        """Raise why it cannot begin, unless it is that another one runs."""
        for message_id in (self._new.parent_id, self._beside):
            if message_id is not None:
                await self._look.message(message_id)
        await self._look.insist()


def _window(flush_after: object) -> float:
    if isinstance(flush_after, timedelta):
        seconds = flush_after.total_seconds()
        if _SHORTEST_WINDOW <= seconds <= _LONGEST_WINDOW:
            return seconds
    raise InvalidInputError(
        f"flush_after is a timedelta of {_SHORTEST_WINDOW:g} to {_LONGEST_WINDOW:g} seconds.",
        field="flush_after",
    )
