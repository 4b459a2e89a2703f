"""The log of slow statements: one line each, without parameters and without SQL."""

import logging
from datetime import timedelta

from chatkeep.engine.observe import Observation
from chatkeep.errors import ConfigError

_log = logging.getLogger("chatkeep.slow")


class SlowLog:
    """A watcher that writes a WARNING on logger `chatkeep.slow` for each slow statement.

    chats.list took 312.4 ms, 51 rows, ok
    messages.append took 30001.7 ms, 0 rows, DatabaseTimeoutError

    Where an outcome has a code of PostgreSQL, it stands behind it. The same facts are attributes of
    the log record, for formatters that write JSON: `statement`, `milliseconds`, `rows`, `outcome`.

    Args:
        threshold: From this time on a statement is slow; zero makes every one slow.
    """

    def __init__(self, threshold: timedelta) -> None:
        """Keep the threshold.

        Raises:
            ConfigError: It is no duration, or negative.
        """
        self._seconds = _checked(threshold).total_seconds()

    def __call__(self, observation: Observation) -> None:
        """Write a line where the statement was slow."""
        if observation.seconds < self._seconds:
            return
        facts = {
            "statement": observation.title,
            "milliseconds": round(observation.seconds * 1000, 1),
            "rows": observation.rows,
            "outcome": observation.outcome,
        }
        _log.warning(
            "%(statement)s took %(milliseconds).1f ms, %(rows)d rows, %(outcome)s",
            facts,
            extra=facts,
        )


def _checked(threshold: object) -> timedelta:
    if isinstance(threshold, timedelta) and threshold >= timedelta(0):
        return threshold
    raise ConfigError(
        "slow_statement is a duration of 0 or more.",
        hint="slow_statement=timedelta(milliseconds=200)",
    )
