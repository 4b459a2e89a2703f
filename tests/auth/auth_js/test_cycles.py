"""Auth.js and NextAuth 4 themselves, with the adapters of the how-to: people sign in and out."""

from datetime import UTC, datetime, timedelta

import pytest

from auth.auth_js.fronts import PREFIX, Way
from chatkeep import Database, NewUser
from chatkeep.presets import deepsearch

pytestmark = pytest.mark.needs("node")

SCHEMA = deepsearch.schema(prefix=PREFIX, pg_adapter="authjs")
WAY = Way("module", SCHEMA)
LIBRARIES = {
    "auth_js": ("authjs", "auth/adapter.ts"),
    "auth_js by the views": ("authjs", "auth/pg-adapter.ts"),
    "next_auth": ("next-auth", "auth/adapter.ts"),
}


def on(version: str, library: str):
    marks = [pytest.mark.needs("pg15")] if version == "15" else []
    return pytest.param((version, library), id=f"{version}-{library}", marks=marks)


ON_18 = [on("18", name) for name in LIBRARIES]
BY_DRIZZLE = pytest.mark.parametrize(
    "at_work", [on("18", "auth_js"), on("18", "next_auth")], indirect=True
)


@pytest.fixture(params=ON_18)
async def at_work(request, front):
    """A front end, and the name of the cookie with its session."""
    version, name = request.param
    cookies, entry = LIBRARIES[name]
    server = request.getfixturevalue(f"pg{version}")
    own = await front(server, WAY, library=name.split()[0], entry=entry)
    return own, f"{cookies}.session-token"


@pytest.mark.parametrize("at_work", [*ON_18, on("15", "next_auth")], indirect=True)
async def test_a_link_signs_in_once_and_the_session_ends_with_the_sign_out(at_work):
    own, cookie = at_work
    signed_in = own.sign_in("database", ["request", "Ada@Example.com"], ["use"], ["session"])
    sent, used, session = signed_in["found"]
    assert "verify-request" in sent
    assert "error" not in used
    assert session["user"]["email"] == "ada@example.com"
    token = signed_in["state"]["cookies"][cookie]
    async with Database(SCHEMA, own.url) as db:
        user = await db.users.find_by_email("ADA@example.com")
        assert user is not None
        assert user.email_verified is not None
        stored = await db.sessions.get(token)
        assert stored.user_id == user.id
        assert stored.expires.isoformat(timespec="milliseconds") == session["expires"].replace(
            "Z", "+00:00"
        )
        assert (await db.accounts.list(user.id)).items == []
    assert await count(own, "verification_token") == 0

    out = own.sign_in(
        "database", ["signout"], ["session"], ["use"], ["session"], state=signed_in["state"]
    )
    _, nobody, replayed, still_nobody = out["found"]
    assert not nobody
    assert "error=Verification" in replayed
    assert not still_nobody
    assert cookie not in out["state"]["cookies"]
    async with Database(SCHEMA, own.url) as db:
        assert await db.sessions.find(token) is None
        assert await db.users.count() == 1


async def count(own, table: str) -> int:
    return (await own.ask(f'SELECT count(*) FROM "{SCHEMA.table_name(table)}"'))[0][0]


TOKENS = {
    "access_token": "a" * 2000,
    "refresh_token": "r" * 2000,
    "token_type": "bearer",
    "expires_in": 20 * 365 * 86_400,
    "scope": "email " * 99 + "profile",  # more than the seed has room for
    "refresh_token_expires_in": 15_811_200,  # GitHub's, for which there is no column
}
ADA = {"sub": "1152921504606846976", "name": "Ada", "email": "Ada@Example.com", "tokens": TOKENS}
GRACE = {**ADA, "sub": "7", "name": "Grace", "email": "grace@example.com"}


async def test_an_account_is_linked_with_its_tokens_and_known_again(at_work):
    own, cookie = at_work
    start = datetime.now(UTC).timestamp()
    said = own.sign_in("database", ["oauth"], ["session"], ["signout"], ["oauth"], person=ADA)
    first, session, _, second = said["found"]
    assert "error" not in first + second
    assert session["user"]["email"] == "ada@example.com"
    async with Database(SCHEMA, own.url) as db:
        await db.users.create(NewUser(email="Grace@Example.com"))
        refused = own.sign_in("database", ["oauth"], ["session"], person=GRACE)
        assert "error=OAuthAccountNotLinked" in refused["found"][0]
        assert not refused["found"][1]
        assert await db.users.count() == 2
        user = await db.users.find_by_email("ada@example.com")
        assert user is not None
        (account,) = (await db.accounts.list(user.id)).items
        assert (account.provider, account.provider_account_id) == ("house", ADA["sub"])
        kept = ("access_token", "refresh_token", "token_type", "scope")
        assert {name: getattr(account, name) for name in kept} == {n: TOKENS[n] for n in kept}
        assert account.expires_at is not None
        assert 0 <= account.expires_at - TOKENS["expires_in"] - int(start) <= 120
        assert account.expires_at > 2**31
        assert (await db.sessions.get(said["state"]["cookies"][cookie])).user_id == user.id


@BY_DRIZZLE
async def test_who_python_made_signs_in_whatever_the_letter_case(at_work):
    own, cookie = at_work
    async with Database(SCHEMA, own.url) as db:
        ada = await db.users.create(NewUser(email="Ada@Example.com", name="Ada"))
        said = own.sign_in("database", ["request", "ADA@EXAMPLE.COM"], ["use"], ["session"])
        assert said["found"][2]["user"]["name"] == "Ada"
        token = said["state"]["cookies"][cookie]
        assert (await db.sessions.get(token)).user_id == ada.id
        now = datetime.now(UTC)
        assert (await db.users.get(ada.id)).email_verified > now - timedelta(minutes=5)


@BY_DRIZZLE
async def test_credentials_with_sessions_in_a_cookie(at_work):
    own, cookie = at_work
    async with Database(SCHEMA, own.url) as db:
        await db.users.create(NewUser(email="ada@example.com", name="Ada"))
    said = own.sign_in(
        "jwt",
        ["credentials", "ada@example.com", "shut"],
        ["session"],
        ["credentials", "ada@example.com", "open"],
        ["session"],
        ["signout"],
        ["session"],
    )
    refused, nobody, _, session, _, nobody_again = said["found"]
    assert "error=CredentialsSignin" in refused
    assert not nobody
    assert (session["user"]["name"], session["user"]["email"]) == ("Ada", "ada@example.com")
    assert not nobody_again
    assert cookie not in said["state"]["cookies"]
    assert await count(own, "session") == 0
