"""The database of another product: what is in it, read and written by statements of ours.

A statement is built with SQLAlchemy Core from names alone, so the same one goes to PostgreSQL and to
SQLite. No types are named: each database takes a value as its own column has it.
"""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, TableClause, bindparam, column, table
from sqlalchemy.types import NULLTYPE

from chatkeep.errors import InvalidUrlError, SchemaMismatchError
from chatkeep.exchange.foreign_postgres import PostgresDatabase, open_postgres
from chatkeep.exchange.foreign_sqlite import SqliteDatabase, open_sqlite

_POSTGRES = ("postgresql://", "postgres://", "postgresql+")
_SQLITE = "sqlite:///"

Shape = Mapping[str, Collection[str]]
"""Names of tables, and of the columns of each."""


class Foreign(Protocol):
    """An open database of another product.

    Attributes:
        where: Host, port and name, or the file: for messages, without user and password.
    """

    where: str

    async def shape(self) -> dict[str, frozenset[str]]:
        """Give the tables that can be seen without naming a schema, and their columns."""
        ...

    async def read(self, statement: Select[*tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
        """Give all rows of a statement as the driver gives them: JSON is text."""
        ...

    async def add(self, into: TableClause, rows: Sequence[Mapping[str, Any]]) -> int:
        """Insert rows that all have the same columns; one whose key is there already is left.

        Gives how many were inserted.
        """
        ...


@asynccontextmanager
async def open_foreign(
    url: str, *, product: str, read_only: bool, has_files: bool = True
) -> AsyncGenerator[PostgresDatabase | SqliteDatabase]:
    """Open the database of another product for the length of the block.

    Args:
        url: `postgresql://...`, or the path of a SQLite file, with or without `sqlite:///`.
        product: What `pg_stat_activity` shows beside our name.
        has_files: Whether the product keeps its database in a file too.
        read_only: Whether every attempt to write is refused, by the database itself. On
            PostgreSQL the block then sees the database as it was at its beginning. Else what the
            block writes stands when it ends, and nothing of it when an error leaves it.

    Raises:
        InvalidUrlError: It is neither a URL of PostgreSQL nor a file of a product that has files.
        ExchangeError: There is no such file.
        ConnectionFailedError: The server cannot be reached, or it refused the login.
    """
    if url.startswith(_POSTGRES):
        scheme, _, rest = url.partition("://")
        plain = f"{scheme.partition('+')[0]}://{rest}"
        opened = open_postgres(plain, name=f"chatkeep {product}", read_only=read_only)
    elif not has_files:
        raise InvalidUrlError(
            f"The database of {product} is given as postgresql://..., by its URL."
        )
    elif "://" in url and not url.startswith(_SQLITE):
        raise InvalidUrlError(
            f"The database of {product} is given as postgresql://... or as a SQLite file."
        )
    else:
        opened = open_sqlite(url.removeprefix(_SQLITE), product=product, read_only=read_only)
    async with opened as foreign:
        yield foreign


def check_shape(product: str, foreign: Foreign, found: Shape, needed: Shape) -> None:
    """Refuse a database without the tables and columns that are needed.

    Raises:
        SchemaMismatchError: Names everything that is missing.
    """
    missing = [f"table {name}" for name in needed if name not in found]
    missing += [
        f"column {name}.{each}"
        for name, columns in needed.items()
        if name in found
        for each in columns
        if each not in found[name]
    ]
    if missing:
        raise SchemaMismatchError(
            f"The database at {foreign.where} is not one of {product}: it has no "
            f"{', no '.join(missing)}.",
            hint="Check the URL, and bring the database to a version that chatkeep knows: "
            "docs/how-to/import-databases.md.",
        )


def table_of(name: str, columns: Collection[str]) -> TableClause:
    """Give a table to build statements with."""
    return table(name, *(column(each) for each in columns))


def same(value: object) -> ColumnElement[Any]:
    """Give a parameter without a type: the column beside it has one."""
    return bindparam(None, value, type_=NULLTYPE, unique=True)
