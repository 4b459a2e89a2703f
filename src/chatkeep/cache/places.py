"""The places behind memory, for as long as the database is open."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

from chatkeep.cache.tiers import Tiers
from chatkeep.cache.turns import Turns
from chatkeep.engine.background import Background
from chatkeep.errors import DatabaseClosedError


class Places(NamedTuple):
    """What one opening of the database has.

    Attributes:
        tiers: Redis, where there is one, and PostgreSQL.
        turns: Their locks.
        sweep: Removes from PostgreSQL what is gone, and says how many rows.
        close: Closes what is not the pool's.
    """

    tiers: Tiers
    turns: Turns
    sweep: Callable[[], Awaitable[int]]
    close: Callable[[], Coroutine[Any, Any, None]] | None = None


class Opening:
    """Gives the places, and closes them with the database. Made anew when it is opened again.

    Args:
        make: Prepares the places; sends nothing.
        background: Of the database.
        is_open: Whether the database is.
    """

    def __init__(
        self, make: Callable[[], Places], background: Background, is_open: Callable[[], bool]
    ) -> None:
        self._make = make
        self._background = background
        self._is_open = is_open
        self._next: Places | None = make()  # at once: settings that cannot be used are told early
        self._places: Places | None = None
        self._closing: list[Callable[[], object]] = []

    def on_close(self, call: Callable[[], object]) -> None:
        """Call this when the database is closed."""
        self._closing.append(call)

    def get(self) -> Places:
        """Give the places.

        Raises:
            DatabaseClosedError: The database is not open.
        """
        if self._places is None:
            if not self._is_open():
                raise DatabaseClosedError(
                    "The Database is not open.",
                    hint="Use it inside `async with Database(...) as db:`.",
                )
            self._places, self._next = self._next or self._make(), None
            self._background.keep_open(self._close)
        return self._places

    def _close(self) -> None:
        places, self._places = self._places, None
        for call in self._closing:
            call()
        if places is not None and places.close is not None:
            self._background.save(places.close())
