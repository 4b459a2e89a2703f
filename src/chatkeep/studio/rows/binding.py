"""Values beside the statement, and the session in which their texts mean the same both ways."""

import asyncpg

from chatkeep.engine.translate import silence
from chatkeep.errors import InvalidInputError
from chatkeep.studio.rows.catalog import POSITION, Field, Relation

_SETTLED = """
set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';
set local extra_float_digits = 1; set local bytea_output = 'hex'; set local xmloption = 'content';
set local standard_conforming_strings = on; set local plan_cache_mode = 'force_custom_plan';
set local jit = off; set local max_parallel_workers_per_gather = 0
"""  # the application beside the studio needs the workers, and a plan without them tells all its rows


async def settle(connection: asyncpg.Connection) -> None:
    """Let values be written as texts that PostgreSQL reads back as the same value."""
    await connection.execute(_SETTLED)


class Binder:
    """Collects a statement's values; called with one, it gives the `$n` that stands for it."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def __call__(self, value: object) -> str:
        """Add a value."""
        self.values.append(value)
        return f"${len(self.values)}"


async def fit(connection: asyncpg.Connection, field: Field, type_: str, value: str) -> None:
    """Find out whether a text can be cast into a type.

    Raises:
        InvalidInputError: It cannot; names the column.
    """
    try:
        await connection.fetchval(f"select ($1::text::{type_}) is null", value)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        if not _is_about_value(exc):
            raise
        silence(exc)
        refused = InvalidInputError(
            f"The value does not fit the column {field.name}, which is {field.type}.",
            hint="Write it as PostgreSQL does, such as 12.5, true, 2026-11-21 10:00:00+00.",
            field=field.name,
        )
    else:
        return
    raise refused


def _is_about_value(exc: BaseException) -> bool:
    """Tell a value that does not fit (also a domain's CHECK) from a server that is in trouble."""
    state = str(getattr(exc, "sqlstate", None) or "")
    return isinstance(exc, asyncpg.InterfaceError) or state[:2] in {"22", "23", "42"}


def key_of(relation: Relation, key: list[str], bind: Binder, alias: str = "") -> str:
    """Give the condition that finds one row.

    Raises:
        InvalidInputError: The key is not of this table's form, or its rows cannot be told apart.
    """
    names = relation.key
    if names is None:
        raise InvalidInputError(
            f"The rows of {relation.shown} have nothing that tells them apart.", field="key"
        )
    if len(names) != len(key):
        raise InvalidInputError(
            f"A row of {relation.shown} is told by {', '.join(names)}.", field="key"
        )
    if names == POSITION:
        return f"{alias}ctid = {bind(key[0])}::text::tid and {alias}xmin::text = {bind(key[1])}"
    return " and ".join(
        f"{alias}{relation.fields[name].sql} = {bind(value)}::text::{relation.fields[name].compare}"
        for name, value in zip(names, key, strict=True)
    )


async def fit_key(connection: asyncpg.Connection, relation: Relation, key: list[str]) -> None:
    """Refuse a key whose values do not fit its columns.

    Raises:
        InvalidInputError: One does not; names the column.
    """
    key_of(relation, key, Binder())
    for name, value in zip(relation.key or (), key, strict=True):
        if relation.key != POSITION:
            field = relation.fields[name]
            await fit(connection, field, field.compare, value)
    if relation.key == POSITION:
        place = Field(
            "ctid", "tid", "tid", "tid", "tid", "other", False, None, False, None, (), None, True,
            None, False,
        )  # fmt: skip
        await fit(connection, place, "tid", key[0])
