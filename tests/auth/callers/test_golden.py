"""Cookies as the real libraries set them: each is read, and says what the library meant."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from auth.golden import GOLDEN, Golden, store
from chatkeep import Database
from chatkeep.records.auth import CallerKind
from fixtures.seeds import hardened_schema
from fixtures.servers import Databases, PgServer

pytestmark = pytest.mark.needs("node")

KINDS: dict[tuple[str, str], CallerKind] = {
    ("auth.js", "database"): "auth.js",
    ("auth.js", "jwt"): "auth.js-jwt",
    ("next-auth", "database"): "next-auth",
    ("next-auth", "jwt"): "next-auth-jwt",
    ("better-auth", "signed"): "better-auth",
    ("better-auth", "compact"): "better-auth-cache",
    ("better-auth", "jwt-cache"): "better-auth-cache",
    ("better-auth", "jwe"): "better-auth-cache",
}


def lasts(name: str) -> bool:
    return "expired" not in name


def header(golden: Golden) -> str:
    return "; ".join(f"{name}={value}" for name, value in golden.cookies.items())


@pytest.mark.parametrize("preset", ["deepsearch", "maps"])
async def test_each_is_read(
    preset: str,
    pg: PgServer,
    fresh_database: Callable[[PgServer], Databases],
    golden_cookies: dict[str, Golden],
) -> None:
    schema: Any = hardened_schema(preset)
    url = await fresh_database(pg).holding(schema)
    for name, case in GOLDEN.items():
        if case.preset != preset:
            continue
        golden = golden_cookies[name]
        trusting = golden.options(trust_cookie_cache=True)
        async with Database(schema, url, auth=trusting) as db:
            await store(db, golden)
            found = await db.auth.session_from_cookies(golden.cookies)
            assert await db.auth.session_from_cookies(header(golden)) == found
            async with db.transaction() as tx:
                assert await tx.auth.session_from_cookies(golden.cookies) == found
        if not lasts(name):
            assert found is None
            continue
        assert found is not None
        is_old = name.endswith("cache old")  # of an hour ago: the database is asked
        assert found.kind == ("better-auth" if is_old else KINDS[case.library, case.kind])
        assert found.user_id == golden.user_id
        assert found.expires > datetime.now(UTC)
        if golden.session is None:
            assert found.claims is not None
            assert found.claims["email"] == golden.user["email"]
            continue
        assert found.expires == golden.expires
        row = golden.session.get("id") or sha256(str(golden.token).encode()).hexdigest()
        assert found.session_id == row
