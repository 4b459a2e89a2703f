"""Settings that this process read lately: a request often asks for the same ones as the one before."""

import time
from collections import OrderedDict
from collections.abc import Callable

from chatkeep.engine.run import Runner
from chatkeep.records.deepsearch import UserSettings

MAX_AGE = 30.0  # seconds for which what another process changes may not be seen
MOST_USERS = 10_000
# A transaction that wrote settings has ended by then; until it has, what is read may be older.
_UNSETTLED = 60.0


class SettingsMemory:
    """Settings of so many users at most, each for so long.

    Attributes:
        version: Another one after each change: what was read before it is not kept.
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.version = 0
        self.clock = clock
        # Until when, and what: None where nothing may be kept until then.
        self._kept: OrderedDict[str, tuple[float, UserSettings | None]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, user_id: str) -> UserSettings | None:
        """Give what is kept and not too old."""
        found = self._kept.get(user_id)
        if found is None or found[0] <= self.clock():
            return None
        self._kept.move_to_end(user_id)
        return found[1]

    def keep(self, settings: UserSettings, version: int, read_at: float) -> None:
        """Keep what was read, unless something has changed since `version`."""
        there = self._kept.get(settings.user_id)
        is_unsettled = there is not None and there[1] is None and there[0] > self.clock()
        if version == self.version and not is_unsettled:
            self._put(settings.user_id, read_at + MAX_AGE, settings)

    def drop(self, user_id: str, *, is_settled: bool) -> None:
        """Forget a user's; with a transaction that is still open, keep none for a while."""
        self.version += 1
        if is_settled:
            self._kept.pop(user_id, None)
        else:
            self._put(user_id, self.clock() + _UNSETTLED, None)

    def _put(self, user_id: str, until: float, settings: UserSettings | None) -> None:
        self._kept[user_id] = until, settings
        self._kept.move_to_end(user_id)
        while len(self._kept) > MOST_USERS:
            self._kept.popitem(last=False)


def settings_memory(runner: Runner) -> SettingsMemory:
    """Give the one memory of a `Database`, which its transactions and scopes share."""
    found = runner.memory.get(SettingsMemory)
    if not isinstance(found, SettingsMemory):
        found = runner.memory[SettingsMemory] = SettingsMemory()
    return found
