"""Watching statements: who wants to know is told the name, the time, the rows and the outcome.

Parameters are never told. With nobody watching it costs one test of an empty list a statement.
"""

import logging
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from types import TracebackType
from typing import TYPE_CHECKING, Self

from chatkeep.engine.address import NOWHERE, Address
from chatkeep.engine.subject import NO_SUBJECT, Subject
from chatkeep.engine.translate import sqlstate_of, was_sent
from chatkeep.errors import ConfigError

if TYPE_CHECKING:
    from chatkeep.engine.compile import Statement

_log = logging.getLogger("chatkeep.observe")


@dataclass(frozen=True, slots=True)
class Observation:
    """One statement that was sent, or one word of a transaction.

    Attributes:
        name: The statement's name, such as `chats.list`; `begin`, `commit`, `rollback`,
            `savepoint`, `release` or `rollback to` for a transaction.
        seconds: Time until the answer, without waiting for a connection.
        rows: Number of rows in the answer; of `execute` and `copy` of those that were written; 0
            when it failed.
        control: Whether it is a word of a transaction.
        sql: What was sent, with `$1`, `$2` and so on where the parameters stand. Text that a caller
            wrote into the SQL itself is in it.
        subject: What it does to which tables.
        error: What the caller gets: an error of ours, `asyncio.CancelledError`; None when it went
            well. An error of ours repeats no value.
        sqlstate: PostgreSQL's code of the error; empty where it gave none, as after a time-out.
        ended: Time of the answer, in nanoseconds since 1970.
        address: Where it was sent.
    """

    name: str
    seconds: float
    rows: int
    control: bool = False
    sql: str = ""
    subject: Subject = NO_SUBJECT
    error: BaseException | None = None
    sqlstate: str = ""
    ended: int = 0
    address: Address = NOWHERE

    @property
    def title(self) -> str:
        """The name, where it is one of our methods; otherwise what the statement does."""
        if "." in self.name or not self.subject.operation:
            return self.name
        return self.subject.title

    @property
    def outcome(self) -> str:
        """`ok`, or the class of the error and PostgreSQL's code, where there is one."""
        if self.error is None:
            return "ok"
        return f"{type(self.error).__name__} {self.sqlstate}".rstrip()


Observer = Callable[[Observation], None]


@dataclass(slots=True)
class StatementLog:
    """What was sent while a `statements()` block was open, what failed included.

    Attributes:
        names: Names of the statements, in the order of their answers.
        control: The words of transactions (`begin`, `commit`, ...), counted apart.
    """

    names: list[str] = field(default_factory=list[str])
    control: list[str] = field(default_factory=list[str])

    @property
    def count(self) -> int:
        """Number of statements, without the words of transactions."""
        return len(self.names)

    def __len__(self) -> int:
        return self.count

    def note(self, observation: Observation) -> None:
        """Write one statement down."""
        (self.control if observation.control else self.names).append(observation.name)


class Watch:
    """A block in which one statement is sent.

    Attributes:
        rows: Number of rows that came; set it before the block ends.
    """

    __slots__ = ("_control", "_observers", "_started", "_statement", "rows")

    def __init__(self, observers: "Observers", statement: "Statement", *, control: bool) -> None:
        self.rows = 0
        self._observers = observers
        self._statement = statement
        self._control = control
        self._started = 0.0

    def __enter__(self) -> Self:
        self._started = time.perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        seconds = time.perf_counter() - self._started
        if not self._observers.active or (error is not None and not was_sent(error)):
            return
        statement = self._statement
        self._observers.tell(
            Observation(
                statement.name,
                seconds,
                self.rows,
                self._control,
                statement.sql,
                statement.subject,
                error,
                sqlstate_of(error),
                time.time_ns(),
                self._observers.address,
            )
        )


class Observers:
    """The list of watchers of one `Database`.

    Attributes:
        active: Who is told; empty costs nothing.
        address: Where this database's statements go; known when it is open.
    """

    __slots__ = ("_failed", "active", "address")

    def __init__(self) -> None:
        self.active: list[Observer] = []
        self.address = NOWHERE
        self._failed: list[Observer] = []

    def add(self, observer: Observer) -> None:
        """Tell this one of every statement from now on.

        Raises:
            ConfigError: It cannot be called, or only awaited.
        """
        if not callable(observer):
            raise ConfigError(
                f"An observer is a function of one Observation, not a {type(observer).__name__}."
            )
        if iscoroutinefunction(observer):
            raise ConfigError(
                "An observer cannot be async: it is called between a statement and its caller.",
                hint="Put the observation into a queue, and await there.",
            )
        self.active.append(observer)

    def remove(self, observer: Observer) -> None:
        """Stop telling this one; a second call does nothing."""
        for watchers in (self.active, self._failed):
            if observer in watchers:
                watchers.remove(observer)

    def tell(self, observation: Observation) -> None:
        """Tell every watcher. One that raises is named in our log, once, and told again."""
        for observer in tuple(self.active):
            try:
                observer(observation)
            except Exception:  # noqa: BLE001 - the statement is done: its caller gets the result
                if observer not in self._failed:
                    self._failed.append(observer)
                    _log.exception("An observer of statements raised; it is not reported again.")

    def watch(self, statement: "Statement", *, control: bool = False) -> "Watch":
        """Time the statement that is sent in the block, and tell the watchers how it ended.

        Where `active` is empty nobody is told; a hot path asks that first and has no block.
        """
        return Watch(self, statement, control=control)

    @contextmanager
    def observed(self, observer: Observer) -> Generator[None]:
        """Tell this one while the block is open.

        Raises:
            ConfigError: It cannot be called, or only awaited.
        """
        self.add(observer)
        try:
            yield
        finally:
            self.remove(observer)

    @contextmanager
    def log(self) -> Generator[StatementLog]:
        """Write down every statement that is sent while the block is open."""
        log = StatementLog()
        with self.observed(log.note):
            yield log
