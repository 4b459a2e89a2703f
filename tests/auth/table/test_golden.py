"""What the real libraries set, and that the test's database holds what they stored."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from auth.golden import GOLDEN, Golden, store
from chatkeep import Database
from fixtures.seeds import hardened_schema
from fixtures.servers import Databases, PgServer

pytestmark = pytest.mark.needs("node")


@pytest.mark.parametrize("name", GOLDEN)
def test_library_sets_a_session_cookie(name: str, golden_cookies: dict[str, Golden]) -> None:
    golden = golden_cookies[name]
    names = list(golden.cookies)
    assert names
    assert all(golden.cookies.values())
    assert all(one.startswith("__Secure-") for one in names) == ("secure" in name)
    assert all(one.startswith("__Host-") for one in names) == ("host" in name)
    assert any(one.endswith(".1") for one in names) == ("chunked" in name)
    assert (golden.session is None) == golden.case.is_token
    if golden.expires is not None:
        assert (golden.expires < datetime.now(UTC)) == ("expired" in name)


@pytest.mark.parametrize("preset", ["deepsearch", "maps"])
async def test_rows_are_stored(
    preset: str,
    golden_cookies: dict[str, Golden],
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
) -> None:
    mine = [golden for golden in golden_cookies.values() if golden.case.preset == preset]
    schema = hardened_schema(preset)
    async with Database(schema, await fresh_database(pg18).holding(schema)) as db:
        await store(db, *mine)
        for golden in mine:
            assert await db.users.find(golden.user_id)
            if golden.token is not None:
                found = await db.sessions.get(golden.token)
                assert found.user_id == golden.user_id
