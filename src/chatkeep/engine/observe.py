"""Watching statements: who wants to know is told the name, the time and the number of rows.

Parameters are never told. With nobody watching it costs one test of an empty list a statement.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Observation:
    """One statement that was sent, or one word of a transaction.

    Attributes:
        name: The statement's name, such as `chats.list`; `begin`, `commit`, `rollback`,
            `savepoint`, `release` or `rollback to` for a transaction.
        seconds: Time until the answer, without waiting for a connection.
        rows: Number of rows in the answer.
        control: Whether it is a word of a transaction.
    """

    name: str
    seconds: float
    rows: int
    control: bool = False


Observer = Callable[[Observation], None]


@dataclass(slots=True)
class StatementLog:
    """What was sent while a `statements()` block was open.

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


class Observers:
    """The list of watchers of one `Database`."""

    __slots__ = ("active",)

    def __init__(self) -> None:
        self.active: list[Observer] = []

    def tell(self, observation: Observation) -> None:
        """Tell every watcher."""
        for observer in tuple(self.active):
            observer(observation)

    @contextmanager
    def log(self) -> Generator[StatementLog]:
        """Write down every statement that is sent while the block is open."""
        log = StatementLog()
        self.active.append(log.note)
        try:
            yield log
        finally:
            self.active.remove(log.note)
