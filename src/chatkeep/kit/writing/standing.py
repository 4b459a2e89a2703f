"""Where a database stands: its facts, its rows and sequences in numbers, and pg_dump's word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import IGNORED_SCHEMAS, read_catalog
from chatkeep.kit.differences import changed_fields
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.writing.dumping import dump_schema

_TABLES = """
SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_SEQUENCES = """
SELECT coalesce(d.refobjid::text || '.' || d.refobjsubid, c.oid::text) AS owner, n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
     AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
WHERE c.relkind = 'S' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
_STEP_SEQUENCES = """
SELECT nextval(s.seqrelid::regclass) FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND pg_sequence_last_value(s.seqrelid) IS NULL
"""

Numbers = Mapping[str, tuple[object, ...]]
"""Rows of tables and places of sequences, by what stays when a name changes."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a database is compared by.

    Attributes:
        dump: Of pg_dump, sorted; None where the program is not at hand.
    """

    catalog: Catalog
    numbers: Numbers
    dump: Sequence[str] | None = None


async def read_standing(
    connection: asyncpg.Connection, pg_dump: Path | None = None, url: str = ""
) -> Standing:
    """Read all of it.

    Args:
        connection: To the database, not in a transaction.
        pg_dump: The program, not older than the server; None leaves it out.
        url: Where pg_dump finds the database.

    Raises:
        ProofFailedError: pg_dump fails.
    """
    catalog = await read_catalog(connection)
    numbers = await read_numbers(connection)
    dump = await dump_schema(pg_dump, url, ignore=IGNORED_SCHEMAS) if pg_dump is not None else None
    return Standing(catalog, numbers, dump)


async def step_sequences(connection: asyncpg.Connection) -> None:
    """Let every sequence that never gave a number give one, so that a restart can be seen."""
    await connection.fetch(_STEP_SEQUENCES)


async def read_numbers(connection: asyncpg.Connection) -> Numbers:
    """Count the rows of every table and read every sequence, a hundred in a statement."""
    queries = [
        _query(f"t{oid}", f"rows of {schema}.{name}", "count(*), true", (schema, name))
        for oid, schema, name in await connection.fetch(_TABLES)
    ]
    queries += [
        _query(f"s{owner}", f"sequence {schema}.{name}", "last_value, is_called", (schema, name))
        for owner, schema, name in await connection.fetch(_SEQUENCES)
    ]
    found: dict[str, tuple[object, ...]] = {}
    for start in range(0, len(queries), 100):
        rows = await connection.fetch(" UNION ALL ".join(queries[start : start + 100]))
        found.update({str(row[0]): tuple(row)[1:] for row in rows})
    return found


def differing(found: Standing, wanted: Standing) -> list[str]:
    """Say in which respects a database does not stand where it should, a line for each."""
    return [
        *differing_facts(found.catalog, wanted.catalog),
        *moved_numbers(wanted.numbers, found.numbers),
        *differing_dumps(found.dump, wanted.dump),
    ]


def differing_facts(found: Catalog, wanted: Catalog) -> list[str]:
    """Say what differs between two catalogs, a line for each fact, also those of a missing one."""
    out: list[str] = []
    for key in sorted(found.facts.keys() | wanted.facts.keys()):
        old, new = found.facts.get(key), wanted.facts.get(key)
        if old is None or new is None:
            out.append(f"{key} is {'missing' if old is None else 'left over'}")
        elif old != new:
            pairs = changed_fields(old, new).items()
            said = ", ".join(f"{name} ({a!r}, wanted {b!r})" for name, (a, b) in pairs)
            out.append(f"{key} differs in {said}")
    return out


def moved_numbers(before: Numbers, after: Numbers) -> list[str]:
    """Say which tables that stayed have other rows now, and which sequences moved."""
    return [
        f"{name}: {_said(before[key])} before, {_said(after[key])} after"
        for key, (name, *_) in before.items()
        if key in after and _moved(before[key], after[key])
    ]


def differing_dumps(found: Sequence[str] | None, wanted: Sequence[str] | None) -> list[str]:
    """Say what pg_dump tells of one and not of the other; nothing where one was not asked."""
    if found is None or wanted is None:
        return []
    ours, theirs = set(found), set(wanted)
    more = [f"pg_dump says more: {line}" for line in sorted(ours - theirs)]
    return more + [f"pg_dump misses: {line}" for line in sorted(theirs - ours)]


def _moved(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    untouched = not before[2] and not after[2]  # a sequence that never gave a number
    return not untouched and before[1:] != after[1:]


def _query(key: str, title: str, what: str, relation: tuple[str, str]) -> str:
    return f"SELECT {literal(key)}, {literal(title)}, {what} FROM {ident(*relation)}"  # noqa: S608 - all parts are quoted


def _said(numbers: tuple[object, ...]) -> str:
    return str(numbers[1]) if numbers[2] else f"{numbers[1]} (not yet given)"
