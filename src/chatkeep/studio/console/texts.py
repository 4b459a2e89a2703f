"""Values as PostgreSQL itself writes them: read as text, so that nothing is rounded or reshaped.

Rows come by a portal, in batches of about a mebibyte; a single value is read whole, which
PostgreSQL bounds at a gibibyte. The driver makes Python values, which cannot hold all that PostgreSQL can (an infinite date, a
month in an interval). The console shows text, so its connections are told to hand on text.
"""

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

_TYPES = """
select oid::bigint, pg_catalog.format_type(oid, null)
from pg_catalog.pg_type where typtype <> 'd' and oid not in (2278, 2249)
order by typtype = 'c', oid limit 20000
"""
_RECORD = 2249
_MOST_MORE = 50  # times as many rows as are known by then
_BATCH_BYTES = 2**20
MAX_CELL = 5_000
"""Most characters of one value that are shown; the value's length is told beside."""
_CELL = 8  # characters that a value costs beside its text: a million NULLs are no small answer
MAX_SHOWN = 8 * 2**20
"""Most characters that the results of one run show."""


async def as_text(connection: asyncpg.Connection) -> None:
    """Let every value of this connection come as the text that PostgreSQL makes of it."""
    found = await connection.fetch(_TYPES)
    settings = connection.get_settings()
    for oid, name in [*((row[0], row[1]) for row in found), (_RECORD, "record")]:
        settings.add_python_codec(oid, name, "", [], "scalar", str, str, "text")


class Reading:
    """The rows of one statement, as far as they are shown.

    Attributes:
        rows: Texts, None for NULL.
        cut: Row, column and whole length of each value that was cut.
        more: Whether there are rows that were not read.
        shown: Characters in `rows`.
    """

    def __init__(self, most: int, budget: int, masked: frozenset[int]) -> None:
        self.rows: list[list[str | None]] = []
        self.cut: list[tuple[int, int, int]] = []
        self.more = False
        self.shown = 0
        self._most = most
        self._budget = budget
        self._masked = masked
        self._raw = 0

    async def read(self, statement: PreparedStatement) -> None:
        """Read a statement's rows in small batches, by a portal, up to the limits."""
        portal = await statement.cursor()
        size = 1  # how large the others may be is told by the first
        while True:
            batch = await portal.fetch(size)
            for row in batch:
                if len(self.rows) == self._most or self.shown > self._budget:
                    self.more = True
                    return
                self._take(list(row.values()))
            if len(batch) < size:
                return
            average = max(1, self._raw // len(self.rows))
            most = min(_MOST_MORE * len(self.rows), 1000, self._most + 1 - len(self.rows))
            size = max(1, min(_BATCH_BYTES // average, most))

    def _take(self, values: list[str | None]) -> None:
        shown: list[str | None] = []
        self.shown += _CELL * len(values)
        for place, value in enumerate(values):
            if value is None:
                shown.append(None)
                continue
            self._raw += len(value)
            if place in self._masked:
                shown.append("")
                continue
            if len(value) > MAX_CELL:
                self.cut.append((len(self.rows), place, len(value)))
            shown.append(value[:MAX_CELL])
            self.shown += len(value[:MAX_CELL])
        self.rows.append(shown)
