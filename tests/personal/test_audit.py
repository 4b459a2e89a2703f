"""The audit: rows are only added, and whoever writes first makes the table."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from chatkeep.errors import PersonalDataError
from chatkeep.personal import audit
from fixtures.servers import Databases, PgServer


async def test_the_first_of_many_at_once_makes_the_table(
    pg: PgServer, fresh_database: Callable[[PgServer], Databases]
):
    url = await fresh_database(pg)()
    connections = [await asyncpg.connect(url) for _ in range(8)]
    try:
        await asyncio.gather(
            *(
                audit.record(each, actor="op", action="sweep", detail={"rows": number})
                for number, each in enumerate(connections)
            )
        )
        found = await audit.history(connections[0])
    finally:
        for each in connections:
            await each.close()
    assert sorted(str(entry.detail["rows"]) for entry in found) == [str(n) for n in range(8)]
    assert [entry.id for entry in found] == list(range(8, 0, -1))


@pytest.mark.parametrize(
    "change",
    [
        "update chatkeep.audit set actor = 'nobody'",
        "delete from chatkeep.audit",
        "truncate chatkeep.audit",
        "delete from chatkeep.audit where false",
    ],
)
async def test_a_row_stays_what_it_was(database_url: str, change: str):
    connection = await asyncpg.connect(database_url)
    try:
        await audit.record(connection, actor="op", action="erase", subject_id="u1", detail={"a": 1})
        for mode in ("origin", "replica"):
            await connection.execute(f"set session_replication_role = {mode}")
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(change)
        (entry,) = await audit.history(connection, subject_id="u1")
    finally:
        await connection.close()
    assert (entry.actor, entry.action, entry.detail) == ("op", "erase", {"a": 1})
    assert entry.subject == audit.subject_hash("u1") != "u1"


async def test_history_is_of_one_person_newest_first_and_bounded(database_url: str):
    connection = await asyncpg.connect(database_url)
    try:
        assert await audit.history(connection) == []
        for number in range(3):
            await audit.record(
                connection, actor="op", action="export", subject_id="a", detail={"n": number}
            )
        await audit.record(connection, actor="op", action="export", subject_id="b", detail={})
        found = await audit.history(connection, subject_id="a", limit=2)
    finally:
        await connection.close()
    assert [entry.detail["n"] for entry in found] == [2, 1]


async def test_a_row_goes_with_the_transaction_that_it_was_written_in(database_url: str):
    connection = await asyncpg.connect(database_url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await audit.record(connection, actor="op", action="erase", detail={})
        await transaction.rollback()
        assert await audit.history(connection) == []
    finally:
        await connection.close()


async def test_a_role_that_may_not_write_is_told_what_it_needs(database_url: str):
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("create role audit_guest")
        await connection.execute("set role audit_guest")
        with pytest.raises(PersonalDataError, match=r"chatkeep\.audit.*CREATE on the database"):
            await audit.record(connection, actor="op", action="erase", detail={})
        await connection.execute("reset role")
        await audit.record(connection, actor="op", action="erase", detail={})
        await connection.execute("set role audit_guest")
        with pytest.raises(PersonalDataError, match="USAGE"):
            await audit.record(connection, actor="op", action="erase", detail={})
        with pytest.raises(PersonalDataError, match="may not read"):
            await audit.history(connection)
    finally:
        await connection.execute("reset role")
        await connection.execute("drop role audit_guest")
        await connection.close()
