"""Which stored rows and values a reverse takes, in the words of a plan, measured or read back."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import asyncpg

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.tables import Column
from chatkeep.kit.catalog.types import Composite
from chatkeep.kit.plan.losing import lost_attributes, lost_by_type
from chatkeep.kit.plan.quoting import ident, literal

Places = Mapping[tuple[int, int], tuple[str, str, str]]
"""(schema, table, column) by what stays when a name changes."""

_COLUMNS = """
SELECT c.oid::int8, a.attnum::int4, n.nspname::text, c.relname::text, a.attname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_TABLES = """
SELECT n.nspname::text, c.relname::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_WORDS = re.compile(
    r"table (?P<table>.+) with its rows"
    r"|column (?P<column>.+) with its values"
    r"|what .+ cannot hold of column (?P<coarser>.+), now .+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Loss:
    """What a reverse takes.

    Attributes:
        words: As the file says it.
        rows: How many rows hold something that goes; None where nobody can count them.
    """

    words: str
    rows: int | None

    def __str__(self) -> str:
        if self.rows is None:
            return f"{self.words} (not counted)"
        return f"{self.words} ({self.rows} row{'' if self.rows == 1 else 's'} now)"


async def read_places(connection: asyncpg.Connection) -> Places:
    """Give the columns of all tables."""
    rows = await connection.fetch(_COLUMNS)
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in rows}


def vanished(before: Places, after: Places) -> list[str]:
    """Say which tables and columns are gone, whatever the names of those that stayed."""
    kept = {oid for oid, _ in after}
    tables = {place[:2] for key, place in before.items() if key[0] not in kept}
    columns = [place for key, place in before.items() if key[0] in kept and key not in after]
    out = [f"table {'.'.join(table)} with its rows" for table in sorted(tables)]
    return out + [f"column {'.'.join(column)} with its values" for column in sorted(columns)]


def coarser(before: Catalog, after: Catalog) -> list[str]:
    """Say which columns have a type that holds less, and which attributes their types lost."""
    found = (
        lost_by_type(before, after, old, after.find(Column, *old.path)) for old in before.of(Column)
    )
    gone = (lost_attributes(before, after, old.key).values() for old in before.of(Composite))
    return [*filter(None, found), *chain.from_iterable(gone)]


async def count_losses(connection: asyncpg.Connection, losses: Sequence[str]) -> list[Loss]:
    """Count in the database what would go: rows of a table, rows with a value in a column."""
    tables = {f"{row[0]}.{row[1]}": (row[0], row[1]) for row in await connection.fetch(_TABLES)}
    columns = {".".join(place): place for place in (await read_places(connection)).values()}
    queries: dict[str, str] = {}
    for number, words in enumerate(losses):
        found = _WORDS.fullmatch(words)
        if found is None:
            continue
        table = tables.get(found["table"] or "")
        column = columns.get(found["column"] or found["coarser"] or "")
        if table is not None:
            queries[str(number)] = f"count(*) FROM {ident(*table)}"
        elif column is not None:
            queries[str(number)] = f"count({ident(column[2])}) FROM {ident(*column[:2])}"
    counts = await _counts(connection, queries)
    return [Loss(words, counts.get(str(number))) for number, words in enumerate(losses)]


async def _counts(connection: asyncpg.Connection, queries: Mapping[str, str]) -> dict[str, int]:
    texts = [f"SELECT {literal(key)}, {query}" for key, query in queries.items()]
    found: dict[str, int] = {}
    for start in range(0, len(texts), 100):
        rows = await connection.fetch(" UNION ALL ".join(texts[start : start + 100]))
        found.update({row[0]: row[1] for row in rows})
    return found


def merged(*several: Iterable[str]) -> tuple[str, ...]:
    """Give what is lost, each once, in the order in which it was said."""
    return tuple(dict.fromkeys(words for losses in several for words in losses))
