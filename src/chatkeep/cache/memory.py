"""What the process itself keeps: the results lately asked for, and which searches just failed."""

from collections import OrderedDict
from typing import NamedTuple

from chatkeep.cache.entries import Entry, Key
from chatkeep.records.search_cache import SearchResults

_FAILURES = 10_000
# At most what Python takes, measured with results as Serper gives them, in every script.
_EACH_ENTRY, _EACH_RESULT, _EACH_BYTE, _EACH_BYTE_NESTED = 2_000, 300, 3, 5


class Kept:
    """Results in memory.

    Attributes:
        view: What a caller gets of a hit, made once.
        entry: What they were made of.
        plain_until: A hit before then needs no further thought.
        believed_until: From then on the other tiers are asked again.
        kept_at: As they are where the clock was put back to before then.
    """

    __slots__ = ("believed_until", "bytes", "entry", "kept_at", "plain_until", "view")

    def __init__(
        self,
        view: SearchResults,
        entry: Entry,
        plain_until: float,
        believed_until: float,
        kept_at: float = 0.0,
    ) -> None:
        self.kept_at = kept_at
        self.view = view
        self.entry = entry
        self.plain_until = min(plain_until, believed_until)
        self.believed_until = believed_until
        nested, plain = len(entry.extra), entry.size - len(entry.extra)
        if any(result.extra for result in entry.results):
            nested, plain = entry.size, 0
        self.bytes = (
            _EACH_ENTRY
            + _EACH_RESULT * len(entry.results)
            + _EACH_BYTE * plain
            + _EACH_BYTE_NESTED * nested
        )


class Memory:
    """A bounded number of bytes; whatever was not asked for the longest goes first.

    Args:
        most_bytes: About so many, 0 for none.

    Attributes:
        is_on: Whether anything is ever kept.
        bytes: What is kept, about.
    """

    def __init__(self, most_bytes: int) -> None:
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._most = most_bytes
        self.is_on = most_bytes > 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Kept | None:
        """Give what is kept, however old."""
        kept = self._kept.get(key.hash)
        if kept is not None:
            self._kept.move_to_end(key.hash)
        return kept

    def put(self, key: Key, kept: Kept) -> bool:
        """Keep results in the place of older ones; False where they are larger than everything."""
        self.forget(key)
        if kept.bytes > self._most:
            return False
        self._kept[key.hash] = kept
        self.bytes += kept.bytes
        while self.bytes > self._most:
            self.bytes -= self._kept.popitem(last=False)[1].bytes
        return True

    def forget(self, key: Key) -> bool:
        """Remove results; False where there were none."""
        kept = self._kept.pop(key.hash, None)
        if kept is None:
            return False
        self.bytes -= kept.bytes
        return True

    def clear(self) -> None:
        """Remove everything."""
        self._kept.clear()
        self.bytes = 0


class Failure(NamedTuple):
    """A search that failed in this process.

    Attributes:
        name: Of the error's class.
        until: When it is tried again.
        has_results: Whether older results can be given meanwhile.
        noted_at: When this process learned of it.
    """

    name: str
    until: float
    has_results: bool
    noted_at: float = 0.0


class Failures:
    """The searches that failed lately; the oldest ones go first."""

    def __init__(self, most: int = _FAILURES) -> None:
        self._known: OrderedDict[bytes, Failure] = OrderedDict()
        self._most = most

    def get(self, key: Key, now: float) -> Failure | None:
        """Give a failure that still stands; none of a time that is yet to come, by a clock put back."""
        failure = self._known.get(key.hash)
        if failure is not None and not failure.noted_at <= now < failure.until:
            del self._known[key.hash]
            return None
        return failure

    def put(self, key: Key, failure: Failure) -> None:
        """Keep a failure."""
        self._known.pop(key.hash, None)
        self._known[key.hash] = failure
        while len(self._known) > self._most:
            self._known.popitem(last=False)

    def are_results(self, key: Key, fetched_at: float) -> None:
        """Say that results can be given: they end a failure that was before them, and no later one."""
        failure = self._known.get(key.hash)
        if failure is None:
            return
        if fetched_at < failure.noted_at:
            self._known[key.hash] = failure._replace(has_results=True)
        else:
            del self._known[key.hash]

    def forget(self, key: Key) -> bool:
        """Remove a failure; False where there was none."""
        return self._known.pop(key.hash, None) is not None

    def clear(self) -> None:
        """Remove everything."""
        self._known.clear()
