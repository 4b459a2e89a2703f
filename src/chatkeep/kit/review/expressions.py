"""Texts of expressions on the scratch database, asked for only where a question needs them."""

from dataclasses import dataclass

import asyncpg

_CHECK = """
SELECT pg_catalog.pg_get_expr(o.conbin, o.conrelid)
FROM pg_catalog.pg_constraint o WHERE o.oid = $1::int8::oid
"""
_INDEX = """
SELECT i.indnullsnotdistinct, pg_catalog.pg_get_expr(i.indpred, i.indrelid),
       array(SELECT pg_catalog.pg_get_indexdef(i.indexrelid, k, true)
             FROM generate_series(1, i.indnkeyatts) k ORDER BY k)
FROM pg_catalog.pg_index i WHERE i.indexrelid = $1::int8::oid
"""
_REFERENCE = """
SELECT o.confmatchtype = 'f', coalesce((to_jsonb(o) ->> 'conperiod')::bool, false)
FROM pg_catalog.pg_constraint o WHERE o.oid = $1::int8::oid
"""  # conperiod came with PostgreSQL 18
_DEFAULTS = """
SELECT d.adrelid::int8, d.adnum::int4, pg_catalog.pg_get_expr(d.adbin, d.adrelid)
FROM pg_catalog.pg_attrdef d JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE a.attgenerated = ''
"""


@dataclass(frozen=True, slots=True)
class IndexKey:
    """By what a unique index tells rows apart."""

    nulls_are_equal: bool
    predicate: str | None
    expressions: tuple[str, ...]


async def check_expression(connection: asyncpg.Connection, constraint: int) -> str:
    """Give the expression of a check constraint."""
    return str(await connection.fetchval(_CHECK, constraint))


async def reference(connection: asyncpg.Connection, constraint: int) -> tuple[bool, bool]:
    """Say of a foreign key whether it is MATCH FULL, and whether its last column is a PERIOD."""
    [(full, period)] = await connection.fetch(_REFERENCE, constraint)
    return full, period


async def index_key(connection: asyncpg.Connection, index: int) -> IndexKey:
    """Give what an index is built of."""
    [(nulls, predicate, expressions)] = await connection.fetch(_INDEX, index)
    return IndexKey(nulls, predicate, tuple(expressions))


async def defaults(connection: asyncpg.Connection) -> dict[tuple[int, int], str]:
    """Give the defaults of all columns, by table and column."""
    rows = await connection.fetch(_DEFAULTS)
    return {(table, number): expression for table, number, expression in rows}
