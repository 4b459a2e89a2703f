"""The bookkeeping of drizzle-kit 1.0: it knows migrations by name, and when each was applied.

Its rows are dated to the second, since the name of a migration's folder is; those that 0.31 wrote
before keep their milliseconds.
"""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import asyncpg

from chatkeep.errors import MigrationError
from chatkeep.kit.folder.reading import Migration
from chatkeep.kit.plan.quoting import literal

if TYPE_CHECKING:
    from chatkeep.kit.applying.ledger import Row

_COLUMNS = """
alter table "drizzle"."__drizzle_migrations" add column if not exists name text;
alter table "drizzle"."__drizzle_migrations"
    add column if not exists applied_at timestamp with time zone default now();
"""
_IS_NAMED = """
select count(*) = 2 from pg_catalog.pg_attribute a
where a.attrelid = pg_catalog.to_regclass('drizzle.__drizzle_migrations')
    and a.attname in ('name', 'applied_at') and not a.attisdropped
"""


def name_and_hash(item: "Row | Migration") -> Hashable:
    """Give what is the same in a migration and its row, where nothing was edited."""
    return None if item.name is None else (item.name, item.hash)


def name(item: "Row | Migration") -> Hashable:
    """Give what drizzle-kit 1.0 knows a migration by."""
    return item.name


def unnamed_second_and_hash(item: "Row | Migration") -> Hashable:
    """Give what a row of 0.31 shares with a migration of a folder that was brought up to 1.0."""
    second = unnamed_second(item)
    return None if second is None else (second, item.hash)


def unnamed_second(item: "Row | Migration") -> Hashable:
    """Give the second of a migration, or of a row that has no name."""
    if isinstance(item, Migration):
        return item.when // 1000
    return None if item.name is not None or item.created_at is None else item.created_at // 1000


def upgrade(migrations: Sequence[Migration], rows: "Sequence[Row]") -> str:
    """Give the statements that bring drizzle's table to the form of 1.0, as drizzle-orm does.

    Rows of nobody's stay without a name.

    Args:
        migrations: Of the folder.
        rows: Of the table.
    """
    by_key = {unnamed_second_and_hash(migration): migration for migration in migrations}
    found = [(row.id, by_key.get(unnamed_second_and_hash(row))) for row in rows]
    lines = [
        f'update "drizzle"."__drizzle_migrations" set name = {literal(migration.tag)}, '  # noqa: S608 - a literal and a number
        f"applied_at = null where id = {id_};"
        for id_, migration in found
        if migration is not None
    ]
    return "\n".join([_COLUMNS.strip(), *lines, ""])


async def missing(
    connection: asyncpg.Connection, migrations: Sequence[Migration], rows: "Sequence[Row]"
) -> str:
    """Give what `prepare` runs; "" where the folder is of 0.31, or the table is of 1.0 already."""
    if all(migration.name is None for migration in migrations):
        return ""
    return "" if await connection.fetchval(_IS_NAMED) else upgrade(migrations, rows)


async def prepare(
    connection: asyncpg.Connection, migrations: Sequence[Migration], rows: "Sequence[Row]"
) -> None:
    """Bring drizzle's table to the form of 1.0, where the folder is of 1.0 and the table is not.

    Args:
        connection: Holds the migration lock; the table is there.
        migrations: Of the folder.
        rows: Of the table.

    Raises:
        MigrationError: The role may not change the table.
    """
    statements = await missing(connection, migrations, rows)
    if not statements:
        return
    try:
        async with connection.transaction():
            await connection.execute(statements)
    except asyncpg.InsufficientPrivilegeError as exc:
        raise MigrationError(
            "This role may not add the columns of drizzle-kit 1.0 to drizzle.__drizzle_migrations.",
            hint="Run the command once with the role that owns the table.",
        ) from exc
