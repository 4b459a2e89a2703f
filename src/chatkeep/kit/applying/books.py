"""The tables of the bookkeeping, and the statements that write to them.

The statements are whole texts without parameters: a dry run prints the very ones that run.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

import asyncpg

from chatkeep.errors import MigrationError
from chatkeep.kit.applying.lock import BOOKS, held
from chatkeep.kit.folder import Migration
from chatkeep.kit.plan.quoting import literal

Ledger = Literal["none", "old", "full"]
"""Our ledger: absent or out of reach, as an older chatkeep made it, or complete."""

_DRIZZLE_SCHEMA = 'create schema if not exists "drizzle"'
_DRIZZLE_TABLE = """
create table if not exists "drizzle"."__drizzle_migrations" (
    id serial primary key,
    hash text not null,
    created_at bigint
)
"""  # drizzle-orm's own statement: pg_dump cannot tell which tool made the table

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
_LEDGER_COLUMNS = """
alter table "chatkeep"."migrations"
    add column if not exists state text not null default 'applied',
    add column if not exists project text,
    add column if not exists statements integer,
    add column if not exists done integer not null default 0,
    add column if not exists attempted integer not null default 0,
    add column if not exists attempted_at timestamp with time zone,
    add column if not exists done_hash text not null default '',
    add column if not exists position text
"""
_NEWEST = "position"  # the last column that was added: a ledger that has it is complete

_LOOK = """
select
    exists (
        select 1 from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'drizzle' and c.relname = '__drizzle_migrations'
    ),
    l.oid is not null,
    pg_catalog.has_schema_privilege(l.relnamespace, 'usage')
        and pg_catalog.has_table_privilege(l.oid, 'select'),
    pg_catalog.has_schema_privilege(l.relnamespace, 'usage')
        and pg_catalog.has_table_privilege(l.oid, 'insert'),
    exists (
        select 1 from pg_catalog.pg_attribute a
        where a.attrelid = l.oid and a.attname = $1 and not a.attisdropped
    )
from (select 1) one
left join (
    select c.oid, c.relnamespace from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'chatkeep' and c.relname = 'migrations'
) l on true
"""
_SCHEMA_EXISTS = "select exists (select 1 from pg_catalog.pg_namespace where nspname = $1)"


@dataclass(frozen=True, slots=True)
class Look:
    """Which of the tables are there.

    Attributes:
        drizzle: Whether drizzle's is.
        ledger: What this role can read of ours.
        is_ledger_there: Whether ours exists, readable or not.
        can_write: Whether this role may add rows to ours.
    """

    drizzle: bool
    ledger: Ledger
    is_ledger_there: bool
    can_write: bool

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to be made."""
        return self.drizzle and self.ledger == "full" and self.can_write


async def look(connection: asyncpg.Connection) -> Look:
    """Find the tables, and what this role may do with them."""
    (row,) = await connection.fetch(_LOOK, _NEWEST)
    drizzle, is_there, can_read, can_write, is_complete = (bool(value) for value in row)
    ledger: Ledger = "none"
    if can_read:
        ledger = "full" if is_complete else "old"
    return Look(drizzle, ledger, is_there, can_write)


async def prepare(connection: asyncpg.Connection, there: Look) -> Ledger:
    """Create the bookkeeping that is not there yet; say what there is of our ledger to write to.

    A role without the right to create schemas can go on where drizzle's table exists; where our
    ledger is then missing or of an older chatkeep, it stays so.

    Args:
        connection: Not in a transaction.
        there: What `look` saw.

    Raises:
        MigrationError: drizzle's table is absent and the role may not create it.
        MigrationLockError: Another process is at the same for longer than half a minute.
    """
    if there.is_complete:
        return "full"
    async with held(connection, BOOKS, wait=30):
        there = await look(connection)  # somebody may just have made them
        try:
            if not there.drizzle:
                await _create(connection, "drizzle", _DRIZZLE_SCHEMA, _DRIZZLE_TABLE)
        except asyncpg.InsufficientPrivilegeError as exc:
            raise MigrationError(
                "This role may not create drizzle.__drizzle_migrations, where migrations are noted.",
                hint="Grant it CREATE on the database, or create the table with another role.",
            ) from exc
        if there.is_complete:
            return "full"
        try:
            await _create(connection, "chatkeep", _LEDGER_SCHEMA, _LEDGER_TABLE, _LEDGER_COLUMNS)
        except asyncpg.InsufficientPrivilegeError:
            return there.ledger if there.can_write else "none"
    return "full"


def creation(there: Look) -> str:
    """Give the statements with which `prepare` makes what is missing; "" when nothing is."""
    statements: list[str] = []
    if not there.drizzle:
        statements += [_DRIZZLE_SCHEMA, _DRIZZLE_TABLE]
    if not there.is_complete:
        statements += [_LEDGER_SCHEMA, _LEDGER_TABLE, _LEDGER_COLUMNS]
    return "\n".join(f"{statement.strip()};" for statement in statements)


def note_applied(
    migration: Migration,
    *,
    ledger: Ledger,
    project: str | None = None,
    state: Literal["applied", "baseline"] = "applied",
) -> str:
    """Give the statements that note a migration in drizzle's table and, where it is, in ours."""
    text = f"{drizzle_row(migration)};"
    if ledger == "none":
        return text
    duration = "'0'" if state == "baseline" else "clock_timestamp() - transaction_timestamp()"
    columns = {
        "tag": literal(migration.tag),
        "hash": literal(migration.hash),
        "created_at": str(migration.when),
        "duration": duration,
        "version": _version(),
    }
    if ledger == "full":
        columns["state"] = literal(state)
        columns["project"] = "null" if project is None else literal(project)
    names, values = ", ".join(columns), ", ".join(columns.values())
    return f'{text}\ninsert into "chatkeep"."migrations" ({names})\nvalues ({values});'


def drizzle_row(migration: Migration) -> str:
    """Give the statement that notes a migration in drizzle's table."""
    columns, values = "hash, created_at", f"{literal(migration.hash)}, {migration.when}"
    if migration.name is not None:
        columns, values = f"{columns}, name", f"{values}, {literal(migration.name)}"
    return f'insert into "drizzle"."__drizzle_migrations" ({columns}) values ({values})'  # noqa: S608 - literals and a number


def claim(project: str, rows: Iterable[tuple[int, str]]) -> str:
    """Give the statement that puts the project's name to records of an older chatkeep.

    Args:
        project: Its name.
        rows: Date and hash of each; at least one.
    """
    pairs = ", ".join(f"({created_at}, {literal(hash_)})" for created_at, hash_ in rows)
    return (
        f'update "chatkeep"."migrations" set project = {literal(project)}\n'  # noqa: S608 - literals and numbers
        f"where project is null and (created_at, hash) in ({pairs})"
    )


@dataclass(frozen=True, slots=True)
class Running:
    """The ledger's row of a migration that runs without a transaction, and what is done to it."""

    migration: Migration
    project: str | None

    @property
    def _where(self) -> str:
        project = "is null" if self.project is None else f"= {literal(self.project)}"
        return (
            f"where tag = {literal(self.migration.tag)} and created_at = {self.migration.when} "
            f"and state = 'running' and project {project}"
        )

    def begin(self, statements: int) -> str:
        """Give the statement that adds the row."""
        columns = {
            "tag": literal(self.migration.tag),
            "hash": literal(self.migration.hash),
            "created_at": str(self.migration.when),
            "duration": "'0'",
            "version": _version(),
            "state": "'running'",
            "project": "null" if self.project is None else literal(self.project),
            "statements": str(statements),
        }
        names, values = ", ".join(columns), ", ".join(columns.values())
        return f'insert into "chatkeep"."migrations" ({names})\nvalues ({values})'

    def resume(self, statements: int, done: int, done_hash: str, position: str | None) -> str:
        """Give the statement that goes on with the row; its file may have changed behind `done`.

        Args:
            statements: How many the file has now.
            done: How many of them are there.
            done_hash: What `hash_of_texts` gives for those.
            position: Where the one behind them stands; None to forget what was noted.
        """
        place = "null" if position is None else literal(position)
        return self._update(
            f"hash = {literal(self.migration.hash)}, statements = {statements}, done = {done}, "
            f"attempted = least(attempted, {done + 1}), done_hash = {literal(done_hash)}, "
            f"position = {place}"
        )

    def attempt(self, number: int) -> str:
        """Give the statement that notes that the file's n-th is about to be sent."""
        return self._update(f"attempted = {number}, attempted_at = clock_timestamp()")

    def done(self, number: int, done_hash: str, since: str) -> str:
        """Give the statement that notes that the n-th is there.

        Args:
            number: Counted from 1.
            done_hash: What `hash_of_texts` gives for the first n.
            since: SQL of the time since when it ran.
        """
        return self._update(
            f"done = {number}, attempted = {number}, done_hash = {literal(done_hash)}, "
            f"position = null, duration = duration + (clock_timestamp() - {since})"
        )

    def position(self, text: str) -> str:
        """Give the statement that notes how far a statement in batches came."""
        return self._update(f"position = {literal(text)}")

    def finish(self) -> str:
        """Give the statements that note the whole migration in both tables."""
        note = self._update("state = 'applied', applied_at = clock_timestamp()")
        return f"{drizzle_row(self.migration)};\n{note};"

    def _update(self, settings: str) -> str:
        return f'update "chatkeep"."migrations" set {settings}\n{self._where}'  # noqa: S608 - literals and numbers


def _version() -> str:
    return literal(metadata.version("chatkeep"))


async def _create(connection: asyncpg.Connection, schema: str, *statements: str) -> None:
    async with connection.transaction():
        there = await connection.fetchval(_SCHEMA_EXISTS, schema)
        for statement in statements[1:] if there else statements:
            await connection.execute(statement)
