"""Which changes of type alter stored values without an error: told by PostgreSQL's own casts."""

import asyncpg
import pytest

from chatkeep.kit.plan.kinds.losses import loses_values

VALUES = {
    "smallint": "7",
    "integer": "123456789",
    "bigint": "123456789012345678",
    "numeric": "1.23456",
    "numeric(12,2)": "12.34",
    "numeric(12,4)": "12.3456",
    "real": "1.5",
    "double precision": "1.2345678",
    "timestamp without time zone": "2026-01-02 03:04:05.678901",
    "timestamp(3) without time zone": "2026-01-02 03:04:05.678",
    "date": "2026-01-02",
}


async def kept(connection: asyncpg.Connection, before: str, after: str) -> bool:
    """Cast there and back: the value is the same, or PostgreSQL refuses it."""
    value = f"'{VALUES[before]}'::{before}"
    try:
        return await connection.fetchval(f"select {value}::{after}::{before} = {value}")
    except asyncpg.DataError:
        return True


@pytest.mark.parametrize("before", VALUES)
async def test_values_that_change_are_told(database_url: str, before: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        times = before[0] in "td"
        for after in (type_ for type_ in VALUES if (type_[0] in "td") == times):
            if after in {before, "double precision"} or before == "double precision":
                continue
            if not await kept(connection, before, after):
                assert loses_values(before, after), after
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("integer", "bigint"),
        ("character varying(20)", "text"),
        ("text", "character varying(3)"),
        ("json", "jsonb"),
        ("numeric(8,2)", "numeric(12,4)"),
        ("timestamp without time zone", "timestamp with time zone"),
        ("integer[]", "bigint[]"),
        ("date", "timestamp without time zone"),
        ("public.geometry(Point,4326)", "public.geometry(Point,3857)"),
    ],
)
def test_what_keeps_values_or_fails_is_not_told(before: str, after: str) -> None:
    assert not loses_values(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("double precision", "integer"),
        ("numeric(8,4)[]", "numeric(8,2)[]"),
        ("timestamp with time zone", "date"),
        ("timestamp with time zone", "timestamp(0) with time zone"),
        ("integer", "boolean"),
        ("double precision", "numeric"),
        ("bigint", "double precision"),
    ],
)
def test_coarser_types_are_told(before: str, after: str) -> None:
    assert loses_values(before, after)
