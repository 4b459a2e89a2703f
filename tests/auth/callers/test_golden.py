"""Cookies as the real libraries set them: each is read, and says what the library meant."""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from auth.golden import GOLDEN, SECRET, Golden, store
from chatkeep import AuthOptions, Database, NewUser
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
        is_old = name.endswith("cache old")  # its time is over: the database is asked
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


NAMES = ["Zoë", 'a"b\\c', "\u2028\u2029", "😀", "</script>", "\x01", '},"expiresAt":1', "%41+/="]


async def test_texts_of_all_kinds(
    pg18: PgServer,
    fresh_database: Callable[[PgServer], Databases],
    node_script: Callable[..., Any],
) -> None:
    """In what the libraries sign and encrypt: each writes JSON in its own way."""
    user = {"id": "u1", "email": "u1@example.com"}
    more = {"tiny": 1e-7, "big": 1e21, "minus": -0.5, "accessToken": "MARKED", "deep": {"é": [1]}}
    cases: dict[str, list[dict[str, Any]]] = {"better_auth": [], "auth_js": [], "next_auth": []}
    for at, name in enumerate(NAMES):
        given = {"secrets": [SECRET], "user": {**user, "name": name}}
        for strategy in ("compact", "jwt", "jwe"):
            cases["better_auth"].append({**given, "name": f"{strategy} {at}", "cache": strategy})
        for folder in ("auth_js", "next_auth"):
            told = {"name": f"{folder} {at}", "strategy": "jwt", "claims": more}
            cases[folder].append({**given, **told})
    schema: Any = hardened_schema("deepsearch")
    options = AuthOptions(
        auth_secrets=(SECRET,), better_auth_secrets=(SECRET,), trust_cookie_cache=True
    )
    url = await fresh_database(pg18).holding(schema)
    async with Database(schema, url, auth=options) as db:
        await db.users.create(NewUser(**user))
        for folder, some in cases.items():
            made = node_script(folder, "golden_cookies.mjs", given=some)
            for case in some:
                found = await db.auth.session_from_cookies(made[case["name"]]["cookies"])
                assert found is not None, case["name"]
                assert found.claims is not None
                assert found.claims["name"] == case["user"]["name"]
                assert "MARKED" not in repr(found)
                if folder != "better_auth":
                    expected = {key: more[key] for key in ("tiny", "big", "minus", "deep")}
                    assert expected.items() <= found.claims.items()
