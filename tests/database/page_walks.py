"""Walks through pages, forward and back, in which every row that stays must come just once."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from chatkeep import END, START, Page

MAX_STEPS = 400


class Ask(Protocol):
    """Asks for a page; the ids of its rows come in the order of the list."""

    async def __call__(
        self, limit: int, *, after: str | None = None, before: str | None = None
    ) -> Page[Any]: ...


@dataclass
class Walk:
    """A reader. It knows which rows stay, in their order, and never more than that.

    After each page the rows that stay and were not passed yet are exactly those outside of
    [low, high): a page forward must begin with row `high`, a page back must end before `low`.
    """

    ask: Ask
    ids: Callable[[Page[Any]], list[Any]]
    fixed: Sequence[Any]
    random: Random

    async def through(self, between: Callable[[], Awaitable[None]], *, is_back: bool) -> None:
        """Read from one end to the other in one direction."""
        seen: list[Any] = []
        cursor: str | None = END if is_back else self.random.choice([START, None])
        for _ in range(MAX_STEPS):
            limit = self.random.randint(1, 9)
            if is_back:
                page = await self.ask(limit, before=cursor)
                seen[:0] = self._kept(page)
                cursor = page.previous_cursor
            else:
                page = await self.ask(limit, after=cursor)
                seen += self._kept(page)
                cursor = page.next_cursor
            assert len(page.items) <= limit
            if cursor is None:
                break
            await between()
        assert seen == list(self.fixed)

    async def at_random(self, between: Callable[[], Awaitable[None]], steps: int) -> None:
        """Read on and turn round at random; whatever the way, no row is lost or doubled."""
        page = await self.ask(self.random.randint(1, 9))
        low, high = 0, len(self._kept(page))
        assert self._kept(page) == list(self.fixed[:high])
        for _ in range(steps):
            await between()
            limit = self.random.randint(1, 9)
            if page.next_cursor is None:
                assert high == len(self.fixed)
            if page.previous_cursor is None:
                assert low == 0
            ways = [way for way in (page.next_cursor, page.previous_cursor) if way]
            if not ways:
                return
            if page.next_cursor and (not page.previous_cursor or self.random.random() < 0.6):
                page = await self.ask(limit, after=page.next_cursor)
                kept = self._kept(page)
                low, high = high, high + len(kept)
            else:
                page = await self.ask(limit, before=page.previous_cursor)
                kept = self._kept(page)
                low, high = low - len(kept), low
            assert kept == list(self.fixed[low:high])

    def _kept(self, page: Page[Any]) -> list[Any]:
        known = set(self.fixed)
        return [row_id for row_id in self.ids(page) if row_id in known]
