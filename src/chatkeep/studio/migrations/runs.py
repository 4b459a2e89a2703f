"""Runs that change the database: each in a task that the server owns, so that a closed tab stops nothing.

There is one at a time. Its lines are kept, and whoever comes later reads them from the beginning.
"""

import asyncio
import datetime as dt
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

import msgspec

from chatkeep.errors import ChatkeepError
from chatkeep.kit.applying.events import Batched, Begun, Event, Ran, Recognised, Retried
from chatkeep.studio.refusing import NoSuchThingError, StudioError, body_of

Action = Literal["apply", "rollback"]
State = Literal["running", "done", "failed", "stopped"]

_KEPT = 5000  # lines; of a run that tells more, the earlier ones are forgotten
_numbers = count(1)
_log = logging.getLogger("chatkeep.studio")


class RunUnderWayError(StudioError):
    """Another run of this studio changes the database just now."""

    code = "run_under_way"
    status = 409


class StoppedError(Exception):
    """Ends a run between two migrations, or before an attempt, because somebody asked for it."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a run shall do.

    Attributes:
        tags: The migrations, in the order in which they come.
        place: The database, as people know it: never with a password.
    """

    action: Action
    tags: tuple[str, ...]
    place: str


@dataclass
class Run:
    """A run, under way or over.

    Attributes:
        done: Tags that are through, in order.
        state: How it stands.
    """

    task: Task
    id: int = field(default_factory=lambda: next(_numbers))
    done: list[str] = field(default_factory=list[str])
    state: State = "running"
    _lines: deque[bytes] = field(default_factory=lambda: deque[bytes](maxlen=_KEPT))
    _told: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _work: asyncio.Task[None] | None = None
    _has_begun: bool = False
    _stop: bool = False

    def summary(self) -> dict[str, object]:
        """Give what a list shows of it."""
        return {
            "id": self.id,
            "action": self.task.action,
            "state": self.state,
            "tags": self.task.tags,
            "done": self.done,
            "place": self.task.place,
        }

    def tell(self, kind: str, **more: object) -> None:
        """Add a line for everybody who follows."""
        self._lines.append(_line(kind, **more))
        self._told += 1
        self._news.set()
        self._news = asyncio.Event()

    def heard(self, event: Event) -> None:
        """Tell what the kit says; before another attempt is where a run may stop, too."""
        self._has_begun = True
        text, is_usual = event.line()
        tag = event.migration.tag
        if tag not in self.task.tags:  # a reverse tells under the name of its own file
            tag = next((each for each in self.task.tags if each not in self.done), tag)
        self.tell("event", tag=tag, text=text, usual=is_usual, **_figures(event))
        if self._stop and isinstance(event, Retried):
            raise StoppedError

    def through(self, tag: str, seconds: float) -> None:
        """Note that a migration is through; behind it a run may stop."""
        self.done.append(tag)
        self.tell("through", tag=tag, seconds=seconds)
        if self._stop and len(self.done) < len(self.task.tags):
            raise StoppedError

    def stop(self) -> None:
        """Let it end as soon as nothing is half done: now, or behind the migration that runs."""
        self._stop = True
        self.tell("stopping")
        if not self._has_begun and self._work is not None:
            self._work.cancel()

    def start(self, job: "Job", after: Callable[[], Awaitable[None]]) -> None:
        """Begin, in a task of its own, whoever listens.

        Args:
            job: What is done.
            after: What follows it, however it ends.
        """
        self.tell("start", **self.summary())
        self._work = asyncio.create_task(self._run(job, after))
        self._work.add_done_callback(self._never_began)

    def _never_began(self, _work: asyncio.Task[None]) -> None:
        """End what a stop cancelled before its first step: nothing of `_run` was executed then."""
        if self.state == "running":
            self._end("stopped", None)

    async def _run(self, job: "Job", after: Callable[[], Awaitable[None]]) -> None:
        state, error = await self._outcome(job)
        self._has_begun = True  # there is nothing left that a stop may cancel
        try:
            await after()
        except ChatkeepError as failed:
            self.tell("event", tag="", text=str(failed), usual=False, what="said")
        finally:  # else no other run could begin
            self._end(state, error)

    async def _outcome(self, job: "Job") -> tuple[State, object]:
        try:
            await job(self)
        except StoppedError:
            return "stopped", None
        except asyncio.CancelledError:
            if not self._stop:  # the server goes down
                self._end("stopped", None)
                raise
            return "stopped", None
        except ChatkeepError as error:
            return "failed", body_of(error)["error"]
        except Exception as error:  # noqa: BLE001 - nobody awaits the task: who follows must hear of it
            _log.error("%s in a run of the studio", type(error).__name__, exc_info=error)
            told = StudioError(
                f"The studio failed inside ({type(error).__name__}).",
                hint="The server's log has more; `chatkeep status` shows what is done.",
            )
            return "failed", body_of(told)["error"]
        return "done", None

    def _end(self, state: State, error: object) -> None:
        self.state = state
        left = [tag for tag in self.task.tags if tag not in self.done]
        self.tell("end", state=state, error=error, done=self.done, left=left)

    async def follow(self) -> AsyncGenerator[bytes]:
        """Give its lines from the beginning, each as it comes, up to the end.

        Where the earliest are forgotten, the first says what is done by now.
        """
        given = 0
        if self._told > len(self._lines):
            yield _line("start", **self.summary())
        while True:
            news = self._news
            fresh = list(self._lines)[max(0, given - (self._told - len(self._lines))) :]
            given = self._told
            for line in fresh:
                yield line
            if self._told == given:
                if self.state != "running":
                    return
                await news.wait()


def _line(kind: str, **more: object) -> bytes:
    at = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode({"kind": kind, "at": at, **more}) + b"\n"


def _figures(event: Event) -> dict[str, object]:
    """Give what a page draws of an event."""
    match event:
        case Begun():
            return {"what": "begun", "of": event.statements, "resumed": event.resumed}
        case Ran():
            figures = {"number": event.number, "of": event.statements}
            return {"what": "ran", **figures, "seconds": event.seconds, "head": event.head}
        case Recognised():
            return {"what": "ran", "number": event.number, "of": event.statements}
        case Batched():
            return {"what": "batched", "rows": event.rows, "total": event.total}
        case _:
            return {"what": "said"}


Job = Callable[[Run], Awaitable[None]]
"""The work of a run; it tells the run how far it is."""


class Runs:
    """The runs of a studio: at most one under way; the last one is remembered."""

    def __init__(self) -> None:
        self.last: Run | None = None

    @property
    def current(self) -> Run | None:
        """The run under way."""
        return self.last if self.last is not None and self.last.state == "running" else None

    def refuse_second(self) -> None:
        """Refuse to begin while a run is under way.

        Raises:
            RunUnderWayError: One is.
        """
        if self.current is not None:
            raise RunUnderWayError(
                "A run is under way in this studio.", hint="Look at it, and begin when it is over."
            )

    def start(self, task: Task, job: "Job", after: Callable[[], Awaitable[None]]) -> Run:
        """Begin a run; see `Run.start`.

        Raises:
            RunUnderWayError: One is under way.
        """
        self.refuse_second()
        self.last = Run(task)
        self.last.start(job, after)
        return self.last

    def known(self) -> Run:
        """Give the run under way, else the last one.

        Raises:
            NoSuchThingError: There was none.
        """
        if self.last is None:
            raise NoSuchThingError("Nothing was run in this studio yet.")
        return self.last
