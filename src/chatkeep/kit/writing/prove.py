"""The proof of a plan: run on a copy, it must lead exactly to the wanted state and keep the rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg

from chatkeep.errors import ProofFailedError, StatementError
from chatkeep.kit.build import run_all
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.reader import read_catalog
from chatkeep.kit.connection import connect
from chatkeep.kit.differences import changed_fields
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.scratch import Scratch
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


async def prove(
    scratch: Scratch,
    start_url: str,
    statements: Sequence[Statement],
    goal: Catalog,
    *,
    goal_url: str | None = None,
    pg_dump: Path | None = None,
) -> None:
    """Run a plan on a copy of a database and compare what comes out with the goal.

    Compared are all facts; the numbers of rows of tables that stay, under whatever name; where
    sequences stand, also when a serial became an identity. The order of columns does not count.

    Args:
        scratch: The server of `start_url`.
        start_url: The database to copy; nobody may be connected to it.
        statements: The plan.
        goal: What `read_catalog` says of the wanted database.
        goal_url: With `pg_dump`, the wanted database itself, for a second opinion.
        pg_dump: The program, not older than the server.

    Raises:
        ProofFailedError: The message lists what differs, or the statement that PostgreSQL refused.
    """
    async with scratch.database(start_url) as url:
        async with connect(url) as connection:
            before = await _numbers(connection)
        try:
            await run_all(url, [statement.sql for statement in statements])
        except StatementError as exc:
            raise ProofFailedError(
                f"The planned SQL does not run on a copy of the database. {exc}", hint=_HINT
            ) from exc
        async with connect(url) as connection:
            found = await read_catalog(connection)
            after = await _numbers(connection)
        faults = _faults(found, goal)
        faults += [
            f"{name}: {_said(before[key])} before, {_said(after[key])} after"
            for key, (name, *_) in before.items()
            if key in after and _moved(before[key], after[key])
        ]
        if not faults and goal_url is not None and pg_dump is not None:
            faults = await _dump_differences(pg_dump, url, goal_url)
    if faults:
        raise ProofFailedError(
            f"The planned SQL does not lead to the wanted state: {'; '.join(faults[:20])}.",
            hint=_HINT,
        )


_HINT = (
    "This is a fault of the diff: write this migration by hand, and report it with both schemas."
)


def _faults(found: Catalog, wanted: Catalog) -> list[str]:
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


Numbers = Mapping[str, tuple[object, ...]]


async def _numbers(connection: asyncpg.Connection) -> Numbers:
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


def _moved(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    untouched = not before[2] and not after[2]  # a sequence that never gave a number
    return not untouched and before[1:] != after[1:]


def _query(key: str, title: str, what: str, relation: tuple[str, str]) -> str:
    return f"SELECT {literal(key)}, {literal(title)}, {what} FROM {ident(*relation)}"  # noqa: S608 - all parts are quoted


def _said(numbers: tuple[object, ...]) -> str:
    return str(numbers[1]) if numbers[2] else f"{numbers[1]} (not yet given)"


async def _dump_differences(pg_dump: Path, url: str, goal_url: str) -> list[str]:
    found, wanted = [set(await dump_schema(pg_dump, each)) for each in (url, goal_url)]
    left = [f"pg_dump says more: {line}" for line in sorted(found - wanted)]
    return left + [f"pg_dump misses: {line}" for line in sorted(wanted - found)]
