"""A circuit breaker: what fails again and again is left alone for a while, then tried by one call."""

import logging
import time
from collections.abc import Callable

_log = logging.getLogger("chatkeep.cache")


class Breaker:
    """Turns calls away after so many failures in a row, until one call has shown that it may end.

    Once the time is up it lets one call through, while the others are still turned away at once:
    that call closes it, or the time begins anew. A probe of which nothing is heard does no harm:
    the next one may go when the time is up again.

    It writes one line when it opens and one when it closes, whatever the number of calls. It belongs
    to one event loop.

    Args:
        what: Whom it guards, for the two lines.
        failures: So many in a row open it.
        reset: Seconds until one call tries again.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        what: str,
        *,
        failures: int,
        reset: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._limit = failures
        self._reset = reset
        self._clock = clock
        self._failures = 0
        self._probe_at: float | None = None  # None while it is closed
        self._opened_at = 0.0

    @property
    def open(self) -> bool:
        """Whether calls are turned away, but for the probe."""
        return self._probe_at is not None

    def lets_through(self) -> bool:
        """Say whether this call may go; once the time is up, to one caller alone."""
        if self._probe_at is None:
            return True
        now = self._clock()
        if now < self._probe_at:
            return False
        self._probe_at = now + self._reset
        return True

    def worked(self, *, probe: bool = True) -> None:
        """A call was answered. One that was let through before it opened is no `probe`."""
        if self._probe_at is not None and not probe:
            return  # it says how things were
        self._failures = 0
        if self._probe_at is not None:
            self._probe_at = None
            _log.warning("%s again, after %.1f s", self._what, self._clock() - self._opened_at)

    def failed(self, why: str) -> None:
        """A call failed; `why` goes into the log and may hold no secret."""
        now = self._clock()
        if self._probe_at is not None:
            return  # the probe's time runs since it was let through
        self._failures += 1
        if self._failures >= self._limit:
            self._opened_at = now
            self._probe_at = now + self._reset
            _log.warning(
                "%s no more: %s, %d times in a row; tried again every %g s",
                self._what,
                why,
                self._failures,
                self._reset,
            )
