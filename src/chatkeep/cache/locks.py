"""That one process fetches for all of them: what a lock across processes is."""

from typing import Protocol

from chatkeep.cache.entries import Key


class LockPlaceAwayError(Exception):
    """The place of the locks does not answer: the next place is asked. No caller sees it."""


class Held(Protocol):
    """A lock that is held."""

    async def release(self) -> None:
        """Let go of it; does nothing where it ended by itself, and raises nothing."""
        ...


class FetchLock(Protocol):
    """Locks of one place, one for each key. A lock ends by itself when its holder dies."""

    async def try_hold(self, key: Key) -> Held | None:
        """Hold the key's lock, or None at once where another holds it.

        Raises:
            LockPlaceAwayError: The place does not answer, or refuses.
        """
        ...
