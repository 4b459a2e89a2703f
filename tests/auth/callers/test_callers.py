"""`db.auth.session_from_cookies` on PostgreSQL: order, log, statements, errors."""

import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, TypeAlias

import asyncpg
import pytest

from auth.callers.making import (
    AUTH_JS,
    CACHE,
    NEXT_AUTH,
    SECRET,
    SIGNED,
    auth_js,
    claims,
    compact,
    next_auth,
    session_data,
    signed,
)
from chatkeep import AuthOptions, CallerSession, Database, InvalidInputError, NewUser
from chatkeep.errors import ConfigError, DatabaseError
from chatkeep.presets import deepsearch, maps
from fixtures.servers import Databases, PgServer

AnyDatabase: TypeAlias = Database[Any, Any, Any, Any]

DEEPSEARCH, MAPS = deepsearch.schema(), maps.schema()
TABLE = DEEPSEARCH.sessions.name
LATER = datetime(2099, 1, 1, tzinfo=UTC)
OPTIONS = AuthOptions(auth_secrets=(SECRET,), better_auth_secrets=(SECRET,))
MARK = "MARKED-token-that-nobody-may-see"
EMAIL = "marked@example.com"


async def filled(schema: Any, url: str) -> None:
    """Two users, of each a session, and one of the first that has ended."""
    ended = datetime.now(UTC) - timedelta(seconds=1)
    new_user, new_session = schema.inputs["users"], schema.inputs["sessions"]
    async with Database(schema, url) as db:
        for user_id in ("u1", "u2"):
            await db.users.create(new_user(id=user_id, email=f"{user_id}@example.com"))
        for token, user_id, ends in (
            ("t1", "u1", LATER),
            ("t2", "u2", LATER),
            ("old", "u1", ended),
        ):
            given: dict[str, Any] = {"session_token": token, "expires": ends}
            if "token" in new_session.model_fields:
                given = {"id": f"id of {token}", "token": token, "expires_at": ends}
            await db.sessions.create(new_session(user_id=user_id, **given))


@pytest.fixture
async def auth_js_url(pg18: PgServer, fresh_database: Callable[[PgServer], Databases]) -> str:
    url = await fresh_database(pg18).holding(DEEPSEARCH)
    await filled(DEEPSEARCH, url)
    return url


@pytest.fixture
async def db(auth_js_url: str) -> AsyncIterator[AnyDatabase]:
    async with Database(DEEPSEARCH, auth_js_url, auth=OPTIONS) as opened:
        yield opened


@pytest.fixture
async def better_auth_url(pg18: PgServer, fresh_database: Callable[[PgServer], Databases]) -> str:
    url = await fresh_database(pg18).holding(MAPS)
    await filled(MAPS, url)
    return url


@pytest.fixture
async def better(better_auth_url: str) -> AsyncIterator[AnyDatabase]:
    async with Database(MAPS, better_auth_url, auth=OPTIONS) as opened:
        yield opened


async def run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def who(db: AnyDatabase, cookies: Any) -> tuple[str, str] | None:
    found = await db.auth.session_from_cookies(cookies)
    return None if found is None else (found.user_id, found.kind)


class TestOrder:
    async def test_first_that_holds(self, db: AnyDatabase) -> None:
        await db.users.create(NewUser(id="u3", email="u3@example.com"))
        own = await db.auth.sessions.create("u3")
        cookies = {
            NEXT_AUTH: next_auth(claims(sub="u2")),
            AUTH_JS: "t1",
            "chatkeep.session": own.token,
        }
        assert await who(db, cookies) == ("u3", "chatkeep")
        assert await who(db, {**cookies, "chatkeep.session": "x"}) == ("u1", "auth.js")
        wrong = {**cookies, "chatkeep.session": "x", AUTH_JS: "x"}
        assert await who(db, wrong) == ("u2", "next-auth-jwt")
        assert await who(db, {**wrong, NEXT_AUTH: "x"}) is None

    async def test_weak_prefix_does_not_stand_in(self, db: AnyDatabase) -> None:
        """A sub-domain can set the one without a prefix."""
        assert await who(db, {AUTH_JS: "t1", f"__Secure-{AUTH_JS}": "t2"}) == ("u2", "auth.js")
        assert await who(db, {AUTH_JS: "t1", f"__Secure-{AUTH_JS}": "x"}) is None

    async def test_trusted_cache_of_the_session(self, better_auth_url: str) -> None:
        trusting = AuthOptions(better_auth_secrets=(SECRET,), trust_cookie_cache=True)
        cache = compact(session_data())
        async with Database(MAPS, better_auth_url, auth=trusting) as db:
            good = {SIGNED: signed("t1"), CACHE: cache}
            assert await who(db, good) == ("u1", "better-auth-cache")
            assert await who(db, {CACHE: cache}) is None  # as in the library itself
            assert await who(db, {SIGNED: signed("t1", "z" * 32), CACHE: cache}) is None
            mixed = {SIGNED: signed("t2"), CACHE: cache}
            assert await who(db, mixed) == ("u2", "better-auth")
            assert await who(db, {**good, CACHE: cache[:-1]}) == ("u1", "better-auth")
            secure = {f"__Secure-{SIGNED}": signed("t2"), SIGNED: signed("t1"), CACHE: cache}
            assert await who(db, secure) == ("u2", "better-auth")


class TestWhatIsSaid:
    async def test_of_the_database(self, db: AnyDatabase, better: AnyDatabase) -> None:
        found = await db.auth.session_from_cookies({AUTH_JS: "t1"})
        assert found == CallerSession("u1", "auth.js", LATER, sha256(b"t1").hexdigest())
        found = await better.auth.session_from_cookies({SIGNED: signed("t1")})
        assert found == CallerSession("u1", "better-auth", LATER, "id of t1")

    async def test_of_a_jwt(self, db: AnyDatabase) -> None:
        said = claims(name="Ada", role="admin", accessToken=MARK)
        found = await db.auth.session_from_cookies({AUTH_JS: auth_js(said)})
        expires = datetime.fromtimestamp(said["exp"], UTC)
        more = {"name": "Ada", "role": "admin"}
        assert found == CallerSession("u1", "auth.js-jwt", expires, "j1", more)
        assert MARK not in repr(found)
        assert MARK not in found.to_json().decode()
        del said["jti"]
        found = await db.auth.session_from_cookies({NEXT_AUTH: next_auth(said)})
        assert found == CallerSession("u1", "next-auth-jwt", expires, None, more)

    async def test_id_names_the_session(self, db: AnyDatabase, better: AnyDatabase) -> None:
        """In the list of devices, and to end it or all others."""
        own = await db.auth.sessions.create("u1")
        for asked, cookies in (
            (db, {AUTH_JS: "t1"}),
            (db, {"chatkeep.session": own.token}),
            (better, {SIGNED: signed("t1")}),
        ):
            found = await asked.auth.session_from_cookies(cookies)
            assert found is not None
            page = await asked.auth.sessions.list("u1", current=found.session_id)
            assert [device.is_current for device in page.items].count(True) == 1
            await asked.auth.sessions.revoke("u1", found.session_id or "")
            assert await who(asked, cookies) is None

    async def test_jwt_counts_in_both_presets(self, better: AnyDatabase) -> None:
        assert await who(better, {AUTH_JS: auth_js(claims())}) == ("u1", "auth.js-jwt")

    @pytest.mark.parametrize(("ends", "expected"), [("infinity", "u1"), ("-infinity", None)])
    async def test_ends_of_all_times(
        self, db: AnyDatabase, auth_js_url: str, ends: str, expected: str | None
    ) -> None:
        await run(
            auth_js_url, f"update \"{TABLE}\" set expires = '{ends}' where session_token = 't1'"
        )
        found = await db.auth.session_from_cookies({AUTH_JS: "t1"})
        assert (found and found.user_id) == expected
        if found is not None:
            assert found.expires.tzinfo is UTC
            assert b"9999" in found.to_json()


class TestStatements:
    async def test_one(self, db: AnyDatabase, better: AnyDatabase) -> None:
        for asked, cookies in (
            (db, {AUTH_JS: "t1"}),
            (db, {AUTH_JS: auth_js(claims())}),
            (better, {SIGNED: signed("t1")}),
            (db, {AUTH_JS: "unknown"}),
        ):
            with asked.statements() as sent:
                await asked.auth.session_from_cookies(cookies)
            assert sent.count == 1

    async def test_none_for_what_is_wrong_before(self, db: AnyDatabase) -> None:
        for cookies in (
            {},
            {AUTH_JS: "sha256:" + "A" * 43},
            {AUTH_JS: "x" * 513},
            {AUTH_JS: auth_js(claims(), secret="y" * 32)},
            {AUTH_JS: auth_js(claims(sub="a\x00b"))},
            {AUTH_JS: auth_js(claims(sub=None))},
            {AUTH_JS: auth_js(claims(sub="x" * 256))},
            {AUTH_JS: "a%00"},
            {SIGNED: signed("t1")},  # of another schema
            {"chatkeep.session": "t1"},
        ):
            with db.statements() as sent:
                assert await db.auth.session_from_cookies(cookies) is None
            assert sent.count == 0, cookies


REFUSALS: list[tuple[dict[str, str], str, str]] = [
    ({AUTH_JS: MARK}, "auth.js", "unknown_session"),
    ({AUTH_JS: "old"}, "auth.js", "expired"),
    ({NEXT_AUTH: "old"}, "next-auth", "expired"),
    ({AUTH_JS: f"sha256:{MARK}"}, "auth.js", "stored_form"),
    ({"chatkeep.session": f"sha256:{MARK}"}, "chatkeep", "stored_form"),
    ({"chatkeep.session": MARK}, "chatkeep", "unknown_session"),
    ({AUTH_JS: MARK * 20}, "auth.js", "malformed"),
    ({AUTH_JS: f"{MARK}%ff"}, "auth.js", "malformed"),
    ({AUTH_JS: MARK * 2000}, "auth.js", "too_large"),
    ({f"{AUTH_JS}.1": MARK}, "auth.js", "chunks"),
    ({SIGNED: signed(MARK)}, "better-auth", "other_schema"),
    ({SIGNED: signed(MARK, "z" * 32)}, "better-auth", "bad_signature"),
    ({SIGNED: MARK}, "better-auth", "malformed"),
    ({AUTH_JS: auth_js(claims(sub=MARK, email=EMAIL))}, "auth.js-jwt", "user_gone"),
    ({AUTH_JS: auth_js(claims(email=EMAIL), secret="z" * 32)}, "auth.js-jwt", "bad_signature"),
    ({AUTH_JS: auth_js(claims(exp=1, email=EMAIL))}, "auth.js-jwt", "expired"),
    ({NEXT_AUTH: next_auth(claims(nbf=4e9))}, "next-auth-jwt", "not_yet_valid"),
    ({NEXT_AUTH: next_auth(claims(), zip="DEF")}, "next-auth-jwt", "malformed"),
]


class TestLog:
    async def test_reason_and_nothing_else(
        self, db: AnyDatabase, caplog: pytest.LogCaptureFixture
    ) -> None:
        for cookies, kind, reason in REFUSALS:
            caplog.clear()
            with caplog.at_level(logging.DEBUG):
                assert await db.auth.session_from_cookies(cookies) is None
            (line,) = [record for record in caplog.records if record.name == "chatkeep.auth"]
            assert line.getMessage() == f"refused a session cookie: kind={kind} reason={reason}"
            assert (vars(line)["cookie_kind"], vars(line)["reason"]) == (kind, reason)
            assert line.levelno == logging.INFO
            said = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
            for hidden in (SECRET, MARK, EMAIL, *cookies.values()):
                assert hidden not in said or hidden == "old"

    async def test_same_cookie_twice(
        self, db: AnyDatabase, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.INFO, "chatkeep.auth"):
            assert await db.auth.session_from_cookies(f"{AUTH_JS}=t1; {AUTH_JS}=t2") is None
            assert await db.auth.session_from_cookies("x" * 200_000) is None
        assert [(vars(line)["cookie_kind"], vars(line)["reason"]) for line in caplog.records] == [
            ("auth.js", "duplicate"),
            ("any", "too_large"),
        ]

    async def test_missing_secret_is_a_warning(
        self,
        auth_js_url: str,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for name in ("AUTH_SECRET", "NEXTAUTH_SECRET", "BETTER_AUTH_SECRET"):
            monkeypatch.delenv(name, raising=False)
        async with Database(DEEPSEARCH, auth_js_url) as db:
            for cookies in (
                {AUTH_JS: auth_js(claims())},
                {NEXT_AUTH: next_auth(claims())},
                {SIGNED: signed("t1")},
            ):
                caplog.clear()
                assert await db.auth.session_from_cookies(cookies) is None
                (line,) = caplog.records
                assert (line.levelno, vars(line)["reason"]) == (logging.WARNING, "no_secret")
            assert await who(db, {AUTH_JS: "t1"}) == ("u1", "auth.js")  # which needs none

    async def test_silence(self, db: AnyDatabase, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG, "chatkeep.auth"):
            assert await db.auth.session_from_cookies({AUTH_JS: "t1", "theme": "x"}) is not None
            assert await db.auth.session_from_cookies({"theme": "x"}) is None
            assert await db.auth.session_from_cookies({AUTH_JS: ""}) is None
            # A cache that is not trusted is no refusal: every Better Auth front sends it.
            assert await db.auth.session_from_cookies({CACHE: "x"}) is None
        assert caplog.records == []


class TestErrors:
    async def test_database_that_cannot_be_asked_is_not_nobody(self, auth_js_url: str) -> None:
        async with Database(DEEPSEARCH, auth_js_url, auth=OPTIONS) as db:
            assert await who(db, {AUTH_JS: "t1"}) is not None
            await run(auth_js_url, f'alter table "{TABLE}" rename to old')
            for cookies in ({AUTH_JS: "t1"}, {AUTH_JS: MARK}, {"chatkeep.session": "A" * 43}):
                with pytest.raises(DatabaseError) as raised:
                    await db.auth.session_from_cookies(cookies)
                assert MARK not in str(raised.value)
        with pytest.raises(DatabaseError):
            await db.auth.session_from_cookies({AUTH_JS: "t1"})

    @pytest.mark.parametrize("cookies", [None, 5, [("a", "b")], {AUTH_JS: None}])
    async def test_what_is_no_cookies(self, db: AnyDatabase, cookies: Any) -> None:
        with pytest.raises(InvalidInputError):
            await db.auth.session_from_cookies(cookies)

    async def test_unusable_secret_is_found_at_the_first_request(
        self, auth_js_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever its cookies are: not when somebody first sends a certain kind."""
        monkeypatch.setenv("NEXTAUTH_SECRET", "short")
        async with Database(DEEPSEARCH, auth_js_url) as db:
            for _ in range(2):
                with pytest.raises(ConfigError, match="NEXTAUTH_SECRET has 5 characters"):
                    await db.auth.session_from_cookies({})
