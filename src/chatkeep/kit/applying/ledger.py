"""The bookkeeping in the database: drizzle's table, and our own ledger beside it.

drizzle's table says what is applied, and nothing else does. Our ledger, in the database schema
`chatkeep`, keeps what drizzle's has no room for; it is written in the same transaction.
"""

import datetime as dt
from dataclasses import dataclass
from importlib import metadata

import asyncpg

from chatkeep.errors import MigrationError
from chatkeep.kit.folder import Migration

_DRIZZLE_SCHEMA = 'create schema if not exists "drizzle"'
_DRIZZLE_TABLE = """
create table if not exists "drizzle"."__drizzle_migrations" (
    id serial primary key,
    hash text not null,
    created_at bigint
)
"""  # drizzle-orm's own statement: pg_dump cannot tell which tool made the table
_DRIZZLE_ROWS = 'select id, hash, created_at from "drizzle"."__drizzle_migrations" order by id'
_DRIZZLE_INSERT = 'insert into "drizzle"."__drizzle_migrations" (hash, created_at) values ($1, $2)'

_LEDGER_SCHEMA = 'create schema if not exists "chatkeep"'
_LEDGER_TABLE = """
create table if not exists "chatkeep"."migrations" (
    id bigint generated always as identity primary key,
    tag text not null,
    hash text not null,
    created_at bigint not null,
    applied_at timestamp with time zone not null default now(),
    duration interval not null,
    version text not null
)
"""
_LEDGER_ROWS = """
select distinct on (created_at, hash) created_at, hash, tag, applied_at, duration
from "chatkeep"."migrations"
order by created_at, hash, id desc
"""
_LEDGER_INSERT = """
insert into "chatkeep"."migrations" (tag, hash, created_at, duration, version)
values ($1, $2, $3, $4, $5)
"""

_TABLE_EXISTS = """
select exists (
    select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relname = $2
)
"""
_SCHEMA_EXISTS = "select exists (select 1 from pg_catalog.pg_namespace where nspname = $1)"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of drizzle's bookkeeping.

    Attributes:
        created_at: The journal's `when` in milliseconds; None only where somebody wrote by hand.
    """

    id: int
    hash: str
    created_at: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """What our ledger knows about an applied migration."""

    tag: str
    applied_at: dt.datetime
    duration: dt.timedelta


async def read_rows(connection: asyncpg.Connection) -> list[Row]:
    """Give drizzle's rows by id; none where the table is absent.

    Raises:
        MigrationError: The role may not read the table.
    """
    if not await _table_exists(connection, "drizzle", "__drizzle_migrations"):
        return []
    try:
        rows = await connection.fetch(_DRIZZLE_ROWS)
    except asyncpg.InsufficientPrivilegeError as exc:
        raise MigrationError(
            "This role may not read drizzle.__drizzle_migrations.",
            hint="Grant it USAGE on schema drizzle and SELECT on the table.",
        ) from exc
    return [Row(id_, hash_, created_at) for id_, hash_, created_at in rows]


async def read_records(connection: asyncpg.Connection) -> dict[tuple[int, str], Record]:
    """Give our ledger by (created_at, hash): empty where drizzle-kit alone has migrated."""
    if not await _table_exists(connection, "chatkeep", "migrations"):
        return {}
    try:
        rows = await connection.fetch(_LEDGER_ROWS)
    except asyncpg.InsufficientPrivilegeError:
        return {}  # the ledger only adds times; drizzle's table says what is applied
    return {
        (created_at, hash_): Record(tag, applied_at, duration)
        for created_at, hash_, tag, applied_at, duration in rows
    }


async def prepare(connection: asyncpg.Connection) -> bool:
    """Create the bookkeeping that is not there yet; say whether our ledger can be written.

    A role without the right to create schemas can go on where drizzle's table exists; where our
    ledger is then missing, it stays so.

    Raises:
        MigrationError: drizzle's table is absent and the role may not create it.
    """
    try:
        if not await _table_exists(connection, "drizzle", "__drizzle_migrations"):
            await _create(connection, "drizzle", _DRIZZLE_SCHEMA, _DRIZZLE_TABLE)
    except asyncpg.InsufficientPrivilegeError as exc:
        raise MigrationError(
            "This role may not create drizzle.__drizzle_migrations, where migrations are noted.",
            hint="Grant it CREATE on the database, or create the table with another role.",
        ) from exc
    try:
        if not await _table_exists(connection, "chatkeep", "migrations"):
            await _create(connection, "chatkeep", _LEDGER_SCHEMA, _LEDGER_TABLE)
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


async def record(
    connection: asyncpg.Connection,
    migration: Migration,
    *,
    duration: dt.timedelta,
    has_ledger: bool,
) -> None:
    """Note a migration as applied, inside the transaction that applied it.

    Args:
        connection: Inside that transaction.
        migration: What was applied.
        duration: How long its statements took.
        has_ledger: Whether our own ledger is there, as `prepare` said.
    """
    await connection.execute(_DRIZZLE_INSERT, migration.hash, migration.when)
    if has_ledger:
        await connection.execute(
            _LEDGER_INSERT,
            migration.tag,
            migration.hash,
            migration.when,
            duration,
            metadata.version("chatkeep"),
        )


async def _create(connection: asyncpg.Connection, schema: str, *statements: str) -> None:
    async with connection.transaction():
        there = await connection.fetchval(_SCHEMA_EXISTS, schema)
        for statement in statements[1:] if there else statements:
            await connection.execute(statement)


async def _table_exists(connection: asyncpg.Connection, schema: str, table: str) -> bool:
    return bool(await connection.fetchval(_TABLE_EXISTS, schema, table))
