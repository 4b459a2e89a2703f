"""Lines of the log that each call may ask for: of those at most one in ten seconds is written."""

from collections.abc import Callable
from time import monotonic
from typing import Final

QUIET_SECONDS: Final = 10.0


class Quiet:
    """Counts what there is to say, and tells when its line is due.

    Attributes:
        count: All of it so far.
        untold: How much stayed unsaid between the last two lines.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.count = 0
        self.untold = 0
        self._told = 0
        self._clock = clock
        self._until = float("-inf")

    def is_due(self) -> bool:
        """Count one more, and tell whether to write its line."""
        self.count += 1
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + QUIET_SECONDS
        self.untold = self.count - 1 - self._told
        self._told = self.count
        return True
