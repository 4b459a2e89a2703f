"""Names of tables, constraints and indexes: Drizzle's, within PostgreSQL's 63 bytes.

Drizzle builds `<table>_<columns>_<other table>_<its columns>_fk` and so on, without a look at the
length; PostgreSQL then cuts the name and drizzle-kit creates the constraint again for ever. Here a
name that is too long loses the other table, then its end, for eight letters of its hash.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from chatkeep.errors import ConfigError

MAX_BYTES = 63


def fits(name: str) -> bool:
    """Say whether PostgreSQL keeps the whole name."""
    return len(name.encode()) <= MAX_BYTES


def cut(name: str, max_bytes: int = MAX_BYTES) -> str:
    """Cut a name where PostgreSQL would, never inside a letter."""
    return name.encode()[:max_bytes].decode(errors="ignore")


def shorten(name: str, *shorter: str) -> str:
    """Give the first of the names that fits; if none does, the first, cut, with its hash."""
    for candidate in (name, *shorter):
        if fits(candidate):
            return candidate
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{cut(name, MAX_BYTES - 9)}_{digest}"


@dataclass(frozen=True)
class Naming:
    """Names under one prefix."""

    prefix: str

    def table(self, name: str) -> str:
        """Name a table.

        Raises:
            ConfigError: PostgreSQL would cut the name, and two tables could become one.
        """
        full = f"{self.prefix}{name}"
        if not fits(full):
            raise ConfigError(
                f'The table name "{full}" is longer than PostgreSQL\'s {MAX_BYTES} bytes.',
                hint="Use a shorter prefix.",
            )
        return full

    def other(self, name: str) -> str:
        """Name a function, a trigger or another object that belongs to the prefix."""
        return shorten(f"{self.prefix}{name}")


def foreign_key_name(
    table: str, columns: Sequence[str], other: str, other_columns: Sequence[str]
) -> str:
    """Name a foreign key as Drizzle does, without a limit."""
    return f"{table}_{'_'.join(columns)}_{other}_{'_'.join(other_columns)}_fk"


def short_foreign_key_name(
    table: str, columns: Sequence[str], other: str, other_columns: Sequence[str]
) -> str:
    """Name a foreign key within the limit: without the other table where it would be too long."""
    whole = foreign_key_name(table, columns, other, other_columns)
    return shorten(whole, f"{table}_{'_'.join(columns)}_fk")


def plain_name(table: str, words: Sequence[str], suffix: str) -> str:
    """Name anything else: `<table>_<words>_<suffix>`, within the limit."""
    return shorten(f"{table}_{'_'.join(words)}_{suffix}")


def quote_name(name: str) -> str:
    """Quote an identifier for SQL."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Quote a text constant for SQL; backslashes stay what they are."""
    return "'" + text.replace("'", "''") + "'"
