"""A database made from SQLAlchemy tables and what goes with them."""

from collections.abc import Sequence
from typing import Protocol

import asyncpg
from sqlalchemy import MetaData, create_mock_engine
from sqlalchemy.sql.ddl import ExecutableDDLElement

from chatkeep.errors import ConfigError, StatementError
from chatkeep.kit.catalog.reader import IGNORED_SCHEMAS
from chatkeep.kit.connection import connect
from chatkeep.kit.lengths import refuse_long_names
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.refusal import describe, sqlstate
from chatkeep.kit.target import ExtraLike

_BEFORE_TABLES = ("extension", "schema", "type", "domain")


class Tables(Protocol):
    """Anything with tables; `extras` are looked for beside them."""

    @property
    def metadata(self) -> MetaData:
        """The tables."""
        ...


def schema_sql(target: Tables | MetaData) -> list[str]:
    """Give the full DDL: schemas, types, sequences, tables, indexes, comments, then extras.

    Extras whose `kind` is extension, schema, type or domain, or that say `before_tables`, come
    before the tables.

    Raises:
        ConfigError: SQLAlchemy cannot put the tables into SQL, PostgreSQL would cut a name, or a
            table stands where bookkeeping does.
    """
    metadata = target if isinstance(target, MetaData) else target.metadata
    _refuse_bookkeeping(metadata)
    extras = _extras(target)
    refuse_long_names(metadata, extras)
    early = [extra for extra in extras if _comes_first(extra)]
    late = [extra for extra in extras if extra not in early]
    schemas = sorted({table.schema for table in metadata.tables.values() if table.schema})
    out = [f"CREATE SCHEMA IF NOT EXISTS {ident(name)}" for name in schemas if name != "public"]
    out += [extra.create for extra in early]
    out += _tables(metadata)
    return [_trimmed(sql) for sql in [*out, *(extra.create for extra in late)]]


def _comes_first(extra: ExtraLike) -> bool:
    return bool(getattr(extra, "before_tables", getattr(extra, "kind", "") in _BEFORE_TABLES))


def _extras(target: Tables | MetaData) -> Sequence[ExtraLike]:
    return tuple(getattr(target, "extras", ()))


def _refuse_bookkeeping(metadata: MetaData) -> None:
    for table in metadata.tables.values():
        if table.schema in IGNORED_SCHEMAS:
            raise ConfigError(
                f"Table {table} is in the database schema {table.schema}, which holds bookkeeping.",
                hint="Put it into another one: it would be in no migration.",
            )


def _tables(metadata: MetaData) -> list[str]:
    out: list[str] = []

    def take(element: ExecutableDDLElement, *_: object, **__: object) -> None:
        sql = str(element.compile(dialect=engine.dialect))
        # A type that two tables share is announced by each of them.
        if not (sql.startswith("CREATE TYPE") and sql in out):
            out.append(sql)

    engine = create_mock_engine("postgresql+asyncpg://", take)
    try:
        metadata.create_all(engine, checkfirst=False)
    except Exception as exc:
        raise ConfigError(
            f"SQLAlchemy cannot write the tables as SQL: {str(exc).rstrip('.')}.",
            hint="Correct the table that the message names.",
        ) from exc
    return out


def _trimmed(sql: str) -> str:
    return sql.strip().removesuffix(";").rstrip()


async def build(url: str, target: Tables | MetaData) -> None:
    """Make everything of the target in an empty database, in one transaction.

    Raises:
        ConfigError: SQLAlchemy cannot put the tables into SQL.
        StatementError: PostgreSQL refuses a statement; the message shows its beginning.
        ConnectionFailedError: The database cannot be reached.
    """
    await run_all(url, schema_sql(target))


async def run_all(url: str, statements: Sequence[str]) -> None:
    """Run statements in one transaction.

    Raises:
        StatementError: PostgreSQL refuses one; the message shows its beginning.
        ConnectionFailedError: The database cannot be reached.
    """
    async with connect(url) as connection, connection.transaction():
        for sql in filter(str.strip, statements):
            try:
                await connection.execute(sql)
            except asyncpg.PostgresError as exc:
                first = " ".join(sql.split())[:120]
                raise StatementError(
                    f"PostgreSQL refuses `{first}`: {describe(exc)}", sqlstate=sqlstate(exc)
                ) from exc
