"""What a newcomer's slips become: one sentence that names the slip and repeats no value."""

from collections.abc import Callable

import pytest

from chatkeep.engine.compile import Statement
from chatkeep.engine.pool import Pool, PoolOptions
from chatkeep.engine.run import PoolRunner
from chatkeep.errors import (
    ConnectionFailedError,
    InvalidInputError,
    SchemaMismatchError,
    StatementError,
)

Sql = Callable[[str], Statement]


@pytest.mark.parametrize("value", [5, b"s3cret", ["(expected int, got s3cret)"]])
async def test_a_value_of_a_wrong_type_is_told_by_types_alone(
    runner: PoolRunner, sql: Sql, value: object
) -> None:
    given = type(value).__name__
    with pytest.raises(InvalidInputError, match=rf"of x must be str, not {given}\.$") as caught:
        await runner.fetch(sql("select cast(:x as text)"), [value])
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__!r}"


async def test_a_value_out_of_range_is_not_repeated(runner: PoolRunner, sql: Sql) -> None:
    with pytest.raises(
        InvalidInputError, match="value of x is not one that PostgreSQL takes"
    ) as caught:
        await runner.fetch(sql("select cast(:x as integer)"), [123_456_789_012])
    assert "123456789012" not in f"{caught.value} {caught.value.__cause__!r}"


async def test_a_missing_table_sends_to_the_migrations(runner: PoolRunner, sql: Sql) -> None:
    with pytest.raises(SchemaMismatchError, match="chatkeep migrate"):
        await runner.fetch(sql("select 1 from absent"), [])


async def test_types_that_cannot_be_compared_do_not(runner: PoolRunner, sql: Sql) -> None:
    with pytest.raises(StatementError, match="no such function or operator") as caught:
        await runner.fetch(sql("select cast('a' as text) = 5"), [])
    assert caught.value.sqlstate == "42883"


async def test_a_setting_in_the_url_that_the_driver_cannot_use(database_url: str) -> None:
    with pytest.raises(ConnectionFailedError, match="sslmode"):
        await Pool(PoolOptions()).open(f"{database_url}&sslmode=bogus")
