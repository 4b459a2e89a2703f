"""The real adapters of Auth.js on our tables: every call of theirs, and chatkeep's look at the rows."""

import os
from datetime import UTC, datetime

import pytest

from auth.auth_js.fronts import PREFIX, Way
from chatkeep import Database, NewAccount, NewSession, NewUser
from chatkeep.presets import deepsearch

pytestmark = pytest.mark.needs("node")

PLAIN = deepsearch.schema(prefix=PREFIX, pg_adapter="authjs")
BARE = deepsearch.schema(prefix="", pg_adapter="authjs")
OTHER = deepsearch.schema(prefix="other_")
WRITERS = deepsearch.schema(prefix=PREFIX, seed_writers=True)
SECURED = deepsearch.schema(prefix=PREFIX, security="rls", app_role="authjs_app")
SECURED_VIEWS = deepsearch.schema(
    prefix=PREFIX, security="rls", app_role="authjs_app", pg_adapter="authjs"
)
WAYS = {
    "drizzle": Way("drizzle", PLAIN),
    "drizzle without a prefix": Way("drizzle", BARE, driver="pg"),
    "drizzle under another prefix": Way("drizzle", OTHER),
    "drizzle with seed writers": Way("drizzle", WRITERS, code="seed"),
    "drizzle before the contract": Way("drizzle", PLAIN, code="seed", stage="expand"),
    "drizzle under row-level security": Way("drizzle", SECURED),
    "pg": Way("pg", PLAIN),
    "pg under row-level security": Way("pg", SECURED_VIEWS),
}
ON_15 = {"drizzle", "pg"}
if os.environ.get("CHATKEEP_FULL"):
    WAYS["drizzle before the contract, our schema.ts"] = Way("drizzle", PLAIN, stage="expand")
    WAYS["pg without a prefix"] = Way("pg", BARE)
    ON_15 = set(WAYS)


def ways():
    for name in WAYS:
        yield pytest.param("18", name, id=f"18-{name}")
        if name in ON_15:
            yield pytest.param("15", name, id=f"15-{name}", marks=pytest.mark.needs("pg15"))


def at(time: datetime) -> dict[str, str]:
    """A time as JavaScript's Date, which has milliseconds."""
    return {"$time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z")}


VERIFIED = datetime(2026, 2, 28, 23, 59, 59, 999000, UTC)
EXPIRES = datetime(2026, 12, 24, 18, 0, 0, 123000, UTC)
LATER = datetime(2040, 2, 29, 12, 0, 0, 1000, UTC)
IMAGE = "https://example.com/" + "a" * 5000
ADA = {"name": "Ada", "email": "Ada@Example.com", "emailVerified": None, "image": IMAGE}
AFTER_2038 = 4_102_444_800
ACCOUNT = {
    "type": "oidc",
    "provider": "google",
    "providerAccountId": "1152921504606846976",
    "refresh_token": "r" * 3000,
    "access_token": "a" * 3000,
    "expires_at": AFTER_2038,
    "token_type": "bearer",
    "scope": "openid email profile",
    "id_token": "i" * 3000,
    "session_state": "x",
}
MADE = {"$found": [0, "id"]}
KEY = {"provider": "google", "providerAccountId": ACCOUNT["providerAccountId"]}
TOKEN = "9f1c2f8e-45d8-4b8e-9d8a-9f1d3a1f9c11"


def among(row, **values):
    assert {name: row.get(name) for name in values} == values


@pytest.mark.parametrize(("version", "name"), list(ways()))
async def test_every_call_of_the_adapter(version, name, request, front):
    """createUser to deleteUser; chatkeep reads between the calls what they wrote."""
    way = WAYS[name]
    own = await front(request.getfixturevalue(f"pg{version}"), way)
    made, _, session, *found, gone, no_one, wrong, nobody, _ = own.call(
        ["createUser", {**ADA, "id": "made by the library, of no use"}],
        ["linkAccount", {**ACCOUNT, "userId": MADE}],
        ["createSession", {"sessionToken": TOKEN, "userId": MADE, "expires": at(EXPIRES)}],
        ["getUser", MADE],
        ["getUserByEmail", "Ada@Example.com"],
        ["getUserByAccount", KEY],
        ["getSessionAndUser", TOKEN],
        ["getUser", "nobody"],
        ["getUserByEmail", "bob@example.com"],
        ["getUserByAccount", {**KEY, "provider": "github"}],
        ["getSessionAndUser", "no such token"],
        ["updateUser", {"id": MADE, "name": "Ada L.", "emailVerified": at(VERIFIED)}],
    )
    user_id = made["id"]
    among(made, name="Ada", email="Ada@Example.com", emailVerified=None, image=IMAGE)
    assert len(user_id) == 36
    among(session, sessionToken=TOKEN, userId=user_id, expires=at(EXPIRES))
    *users, pair = found
    for user in (*users, pair["user"]):
        among(user, id=user_id, email="Ada@Example.com", emailVerified=None, image=IMAGE)
    among(pair["session"], sessionToken=TOKEN, userId=user_id, expires=at(EXPIRES))
    assert [gone, no_one, wrong, nobody] == [None] * 4
    if way.stage is None:
        await assert_chatkeep_reads(own, user_id)

    _, used, again, *race, _, longer, _, ended, _, unlinked, _, deleted, left = own.call(
        ["createVerificationToken", {"identifier": "a", "token": "t", "expires": at(LATER)}],
        ["useVerificationToken", {"identifier": "a", "token": "t"}],
        ["useVerificationToken", {"identifier": "a", "token": "t"}],
        ["createVerificationToken", {"identifier": "b", "token": "t", "expires": at(LATER)}],
        [["useVerificationToken", {"identifier": "b", "token": "t"}]] * 6,
        ["updateSession", {"sessionToken": TOKEN, "expires": at(LATER)}],
        ["getSessionAndUser", TOKEN],
        ["deleteSession", TOKEN],
        ["getSessionAndUser", TOKEN],
        ["unlinkAccount", KEY],
        ["getUserByAccount", KEY],
        [
            ["linkAccount", {**ACCOUNT, "userId": user_id}],
            ["createSession", {"sessionToken": "2", "userId": user_id, "expires": at(LATER)}],
        ],
        ["deleteUser", user_id],
        ["getSessionAndUser", "2"],
    )
    among(used, identifier="a", token="t", expires=at(LATER))
    assert again is None
    winners = [won for won in race[-1] if won is not None]
    assert len(winners) == 1
    among(winners[0], identifier="b", token="t", expires=at(LATER))
    assert longer["session"]["expires"] == at(LATER)
    assert (ended, unlinked, left) == (None, None, None)
    assert "$error" not in (deleted or {})
    assert await counts(own) == [0, 0, 0, 0]


async def counts(own):
    tables = ("user", "account", "session", "verification_token")
    names = [own.way.schema.table_name(table) for table in tables]
    return [(await own.ask(f'SELECT count(*) FROM "{name}"'))[0][0] for name in names]


async def assert_chatkeep_reads(own, user_id):
    async with Database(own.way.schema, own.url) as db:
        user = await db.users.find_by_email("ada@example.com")
        assert user is not None
        assert (user.id, user.name, user.image) == (user_id, "Ada L.", IMAGE)
        assert user.email_verified == VERIFIED
        assert user.is_admin is False
        session = await db.sessions.find(TOKEN)
        assert session is not None
        assert (session.user_id, session.expires) == (user_id, EXPIRES)
        assert (session.ip_address, session.user_agent) == (None, None)
        (account,) = (await db.accounts.list(user_id)).items
        assert {name: getattr(account, name) for name in ACCOUNT if "Id" not in name} == {
            name: value for name, value in ACCOUNT.items() if "Id" not in name
        }
        assert account.provider_account_id == ACCOUNT["providerAccountId"]


@pytest.mark.parametrize("name", ["drizzle", "pg"])
async def test_the_adapters_read_what_chatkeep_wrote(name, pg18, front):
    """In a zone of the process and one of the session that are neither UTC nor each other's."""
    own = await front(pg18, WAYS[name])
    await own.ask(f"ALTER DATABASE {own.database} SET timezone TO 'America/St_Johns'")
    async with Database(own.way.schema, own.url) as db:
        ada = await db.users.create(
            NewUser(name="Ada", email="Ada@Example.com", email_verified=VERIFIED, image=IMAGE)
        )
        session = await db.sessions.create(
            NewSession(user_id=ada.id, expires=LATER, user_agent="Firefox")
        )
        given = NewAccount(
            user_id=ada.id,
            type="oidc",
            provider="google",
            provider_account_id="7",
            expires_at=AFTER_2038,
        )
        await db.accounts.create(given)
    user, by_account, pair = own.call(
        ["getUser", ada.id],
        ["getUserByAccount", {"provider": "google", "providerAccountId": "7"}],
        ["getSessionAndUser", session.session_token],
        env={"TZ": "America/New_York"},
    )
    for row in (user, by_account, pair["user"]):
        among(row, id=ada.id, name="Ada", image=IMAGE, emailVerified=at(VERIFIED))
    among(pair["session"], userId=ada.id, expires=at(LATER))


@pytest.mark.parametrize("name", ["drizzle", "pg"])
async def test_one_address_in_two_letter_cases_makes_no_second_user(name, pg18, front):
    """Why the how-to's adapters ask without regard to letter case: as they come, they find nobody."""
    own = await front(pg18, WAYS[name])
    small = {**ADA, "email": "ada@example.com"}
    _, found, second = own.call(
        ["createUser", ADA], ["getUserByEmail", small["email"]], ["createUser", small]
    )
    assert found is None
    assert second == {"$error": "23505"}
    assert (await counts(own))[0] == 1


@pytest.mark.parametrize("entry", ["auth/adapter.ts", "auth/pg-adapter.ts"])
async def test_a_token_that_is_stored_as_a_hash_opens_nothing(entry, pg18, front):
    own = await front(pg18, Way("module", PLAIN), entry=entry)
    stored = "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    async with Database(PLAIN, own.url) as db:
        ada = await db.users.create(NewUser(email="Ada@Example.com"))
        own_session = NewSession(session_token=stored, user_id=ada.id, expires=LATER)
        session = await db.sessions.create(own_session)
        given = {"sessionToken": stored, "expires": at(EXPIRES)}
        seen, moved, _, user, by_email = own.call(
            ["getSessionAndUser", stored],
            ["updateSession", given],
            ["deleteSession", stored],
            ["getUser", ada.id],
            ["getUserByEmail", "ADA@example.COM"],
        )
        assert (seen, moved) == (None, None)
        assert await db.sessions.get(stored) == session
        assert user["id"] == by_email["id"] == ada.id


@pytest.mark.needs("pgbouncer")
async def test_behind_pgbouncer_the_search_path_is_the_roles(pg18, pgbouncer, front):
    """`options` do not come through it; what is set for the role in the database does."""
    own = await front(pg18, WAYS["pg"])
    way = {"PGHOST": pgbouncer.host, "PGPORT": str(pgbouncer.port), "PGSSLMODE": "disable"}
    (refused,) = own.call(["getUserByEmail", "ada@example.com"], env=way)
    assert refused == {"$error": "08P01"}
    role = f"ALTER ROLE postgres IN DATABASE {own.database}"
    await own.ask(f"{role} SET search_path = authjs, public")
    session = {"sessionToken": "t", "expires": at(EXPIRES)}
    _, _, pair = own.call(
        ["createUser", ADA],
        ["createSession", {**session, "userId": MADE}],
        ["getSessionAndUser", "t"],
        env={**way, "PGOPTIONS": ""},
    )
    among(pair["session"], **session)
    among(pair["user"], **ADA)


@pytest.mark.parametrize(("name", "moves"), [("drizzle with seed writers", True), ("pg", False)])
async def test_updated_at_moves_with_seed_writers_alone(name, moves, pg18, front):
    own = await front(pg18, WAYS[name])
    table = own.way.schema.table_name("user")
    await own.ask(f"INSERT INTO \"{table}\" (id, email) VALUES ('u', 'a@example.com')")
    (changed,) = own.call(["updateUser", {"id": "u", "name": "Ada"}])
    assert changed["name"] == "Ada"
    assert (await own.ask(f'SELECT updated_at > created_at FROM "{table}"'))[0][0] is moves


async def test_the_seeds_own_tables_hold_a_user_with_sessions(pg18, front):
    own = await front(pg18, Way("drizzle", deepsearch.schema(edition="seed"), code="seed"))
    ada = f"INSERT INTO \"{PREFIX}user\" (id, email) VALUES ('u', 'a@example.com')"
    await own.ask(ada)
    *_, held, _, gone = own.call(
        ["createSession", {"sessionToken": "t", "userId": "u", "expires": at(EXPIRES)}],
        ["deleteUser", "u"],
        ["deleteSession", "t"],
        ["deleteUser", "u"],
    )
    assert held == {"$error": "23503"}
    assert "$error" not in gone
    assert (await counts(own))[0] == 0
