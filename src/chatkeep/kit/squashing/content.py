"""What the migrations of a folder leave in an empty database beside its structure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import asyncpg

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import ForeignKey
from chatkeep.kit.catalog.reader import IGNORED_SCHEMAS
from chatkeep.kit.catalog.tables import Column, Table
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.kit.plan.statement import Statement

Name = tuple[str, str]
"""Schema and name."""

_POSITIONS = """
select schemaname::text, sequencename::text, last_value from pg_catalog.pg_sequences
where last_value is not null and schemaname <> all($1) order by 1, 2
"""
_SETTINGS = "set datestyle = 'ISO, DMY'; set intervalstyle = 'postgres'; set timezone = 'UTC'"


@dataclass(frozen=True, slots=True)
class Content:
    """Rows and positions of sequences.

    Attributes:
        rows: Of each table that has some: each as SQL writes its values, sorted.
        positions: The last number of each sequence that gave one.
    """

    rows: Mapping[Name, tuple[str, ...]]
    positions: Mapping[Name, int]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows which table has, by qualified name."""
        return {".".join(name): len(rows) for name, rows in self.rows.items()}


async def read_content(connection: asyncpg.Connection, catalog: Catalog) -> Content:
    """Read all rows of a scratch database; generated columns are left out."""
    rows: dict[Name, tuple[str, ...]] = {}
    async with connection.transaction():
        await connection.execute(_SETTINGS.replace("set ", "set local "))
        for table in catalog.of(Table):
            columns = _stored(catalog, table)
            values = [f"quote_nullable({ident(column.name)}::text)" for column in columns]
            row = f"concat_ws(', ', {', '.join(values)})" if values else "''"
            name = ident(table.schema, table.name)
            found = await connection.fetch(f"SELECT {row} FROM ONLY {name}")  # noqa: S608 - quoted
            if found:
                rows[table.schema, table.name] = tuple(sorted(text for (text,) in found))
        positions = await connection.fetch(_POSITIONS, list(IGNORED_SCHEMAS))
    return Content(rows, {(schema, name): last for schema, name, last in positions})


def statements_for(content: Content, catalog: Catalog) -> list[Statement]:
    """Give the statements that bring the content into a database of this structure."""
    found: list[Statement] = []
    for name in _in_order(catalog):
        table = catalog.find(Table, *name)
        rows = content.rows.get(name, ())
        if table is None or not rows:
            continue
        columns = _stored(catalog, table)
        names = ", ".join(ident(column.name) for column in columns)
        always = any(column.identity is not None for column in columns)
        head = f"INSERT INTO {ident(*name)} ({names})"
        if always:
            head += " OVERRIDING SYSTEM VALUE"
        values = ",\n".join(f"\t({row})" for row in rows)
        sql = (
            f"{head} VALUES\n{values}" if columns else f"INSERT INTO {ident(*name)} DEFAULT VALUES"
        )
        found += [Statement(sql, "rows", ".".join(name))] * (1 if columns else len(rows))
    for name, last in content.positions.items():
        sql = f"SELECT pg_catalog.setval({literal(ident(*name))}, {last})"
        found.append(Statement(sql, "sequence", ".".join(name)))
    return found


def _stored(catalog: Catalog, table: Table) -> Sequence[Column]:
    columns = catalog.columns(table.schema, table.name)
    return [column for column in columns if column.generated is None]


def _in_order(catalog: Catalog) -> list[Name]:
    """Give the tables so that what is referred to comes first; by name where they form a ring."""
    needs: dict[Name, set[Name]] = {(t.schema, t.name): set() for t in catalog.of(Table)}
    for key in catalog.of(ForeignKey):
        target = (key.target_schema, key.target_table)
        if target != (key.schema, key.table):  # one statement's rows may refer to each other
            needs.setdefault((key.schema, key.table), set()).add(target)
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError:
        return sorted(needs)
