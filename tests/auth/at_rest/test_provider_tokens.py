"""`db.auth.provider_tokens`, the same for both presets."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from auth.at_rest.conftest import (
    BOTH,
    DEEPSEARCH,
    MAPS,
    MARK,
    NEW,
    OLD,
    Stored,
    a_user,
    account_of,
    on_each_server,
    opened,
)
from chatkeep import (
    AccountNotFoundError,
    ConfigError,
    ConflictError,
    InvalidInputError,
    StoredDataError,
    TokenChanges,
    TokensAtRestError,
)
from chatkeep.auth.account_table import account_table
from chatkeep.auth.sealing import Place, TokenSealing, sealed_with
from chatkeep.inputs.maps import NewUser

SOON = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = SOON + timedelta(days=30)


async def a_maps_account(db: Any, url: str, account: str = "1", **tokens: Any) -> str:
    user = await db.users.find_by_email("ada@example.com")
    user = user or await db.users.create(NewUser(email="ada@example.com"))
    given = {"access_token": f"{MARK}-a", "refresh_token": f"{MARK}-r", "id_token": None, **tokens}
    connection = await asyncpg.connect(url)
    await connection.execute(
        "insert into accounts (id, account_id, provider_id, user_id, access_token, refresh_token, "
        "id_token, access_token_expires_at, scope) values ($1, $2, 'google', $3, $4, $5, $6, $7, 's')",
        f"a{account}", account, user.id, *given.values(), SOON,
    )  # fmt: skip
    await connection.close()
    return str(user.id)


async def in_maps(url: str, account: str = "1") -> tuple[str | None, ...]:
    connection = await asyncpg.connect(url)
    row = await connection.fetchrow(
        "select access_token, refresh_token, id_token from accounts where account_id = $1", account
    )
    await connection.close()
    assert row is not None
    return tuple(row)


@on_each_server
async def test_deepsearch_tokens_are_read_and_refreshed(url: str, stored: Stored):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        at = int(SOON.timestamp())
        await db.accounts.create(account_of(user, scope="mail", expires_at=at))
        with db.statements() as sent:
            tokens = await db.auth.provider_tokens.get(user, "google")
            later = await db.auth.provider_tokens.store(
                tokens, TokenChanges(access_token=f"{MARK}-2", access_token_expires_at=LATER)
            )
        assert sent.names == ["provider_tokens.find_any", "provider_tokens.store"]
        assert (tokens.access_token, tokens.refresh_token) == (f"{MARK}-a", f"{MARK}-r")
        assert (tokens.access_token_expires_at, tokens.scope) == (SOON, "mail")
        assert (later.access_token, later.refresh_token) == (f"{MARK}-2", f"{MARK}-r")
        assert (later.access_token_expires_at, later.refresh_token_expires_at) == (LATER, None)
        assert later.updated_at >= tokens.updated_at
        assert later == await db.auth.provider_tokens.get(user, "google", "1")
        assert MARK not in str(await stored())
        assert MARK not in f"{tokens!r} {later} {TokenChanges(access_token=MARK)!r}"


async def test_maps_tokens_are_read_and_refreshed(maps_url: str):
    async with opened(maps_url, BOTH, MAPS) as db:
        user = await a_maps_account(db, maps_url)
        tokens = await db.auth.provider_tokens.get(user, "google")
        assert (tokens.access_token, tokens.access_token_expires_at) == (f"{MARK}-a", SOON)
        changes = TokenChanges(
            access_token=f"{MARK}-2", refresh_token=None, refresh_token_expires_at=LATER
        )
        later = await db.auth.provider_tokens.store(tokens, changes)
        assert (later.access_token, later.refresh_token) == (f"{MARK}-2", None)
        assert (later.refresh_token_expires_at, later.scope) == (LATER, "s")
        there = await in_maps(maps_url)
        assert (sealed_with(there[0] or ""), there[1]) == ("new", None)


async def test_without_keys_nothing_is_sealed(maps_url: str):
    async with opened(maps_url, schema=MAPS) as db:
        user = await a_maps_account(db, maps_url)
        tokens = await db.auth.provider_tokens.get(user, "google")
        await db.auth.provider_tokens.store(tokens, TokenChanges(access_token="plain"))
    assert await in_maps(maps_url) == ("plain", f"{MARK}-r", None)


async def test_only_the_users_own_account_is_found(url: str):
    async with opened(url, BOTH) as db:
        ada, bob = await a_user(db), await a_user(db, "bob@example.com")
        await db.accounts.create(account_of(ada))
        find = db.auth.provider_tokens.find
        assert [await find(*key) for key in ((bob, "google"), (bob, "google", "1"))] == [None, None]
        assert await find(ada, "github") is None
        assert await find(ada, "google", "2") is None
        for call in (db.auth.provider_tokens.get(bob, "google", "1"),):
            with pytest.raises(AccountNotFoundError):
                await call


async def test_two_accounts_of_a_provider_are_not_guessed_between(url: str):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        for account in ("1", "2"):
            await db.accounts.create(account_of(user, account, access_token=f"{MARK}-{account}"))
        with pytest.raises(InvalidInputError, match="several accounts") as caught:
            await db.auth.provider_tokens.find(user, "google")
        assert caught.value.field == "provider_account_id"
        found = await db.auth.provider_tokens.get(user, "google", "2")
        assert found.access_token == f"{MARK}-2"


async def test_who_comes_second_stores_nothing(url: str):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
        tokens = await db.auth.provider_tokens.get(user, "google")

        async def refresh(number: int) -> str:
            try:
                await db.auth.provider_tokens.store(tokens, TokenChanges(access_token=f"t{number}"))
            except ConflictError:
                return ""
            return f"t{number}"

        done = [each for each in await asyncio.gather(*map(refresh, range(12))) if each]
        assert len(done) == 1
        assert (await db.auth.provider_tokens.get(user, "google")).access_token == done[0]


async def test_a_writer_that_knows_no_seals_is_seen_too(url: str, bare: asyncpg.Connection):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
        tokens = await db.auth.provider_tokens.get(user, "google")
        await bare.execute("update x_account set access_token = 'of Node'")
        with pytest.raises(ConflictError, match="nothing was stored") as caught:
            await db.auth.provider_tokens.store(tokens, TokenChanges(access_token="t"))
        assert MARK not in f"{caught.value!r} {vars(caught.value)}"
        assert (await db.auth.provider_tokens.get(user, "google")).access_token == "of Node"


async def test_tokens_that_were_only_sealed_anew_are_not_changed(
    url: str, bare: asyncpg.Connection, stored: Stored
):
    async with opened(url, {"old": OLD}) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
    async with opened(url, BOTH) as db:
        tokens = await db.auth.provider_tokens.get(user, "google")
        again = TokenSealing(BOTH).seal(f"{MARK}-a", Place("access_token", "google", "1"))
        await bare.execute("update x_account set access_token = $1", again)
        await db.auth.provider_tokens.store(tokens, TokenChanges(refresh_token=f"{MARK}-3"))
        later = await db.auth.provider_tokens.get(user, "google")
        assert (later.access_token, later.refresh_token) == (f"{MARK}-a", f"{MARK}-3")
        assert (await stored())[0] == again


async def test_an_account_that_is_gone_is_not_stored(url: str):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
        tokens = await db.auth.provider_tokens.get(user, "google")
        await db.accounts.delete("google", "1")
        with pytest.raises(AccountNotFoundError):
            await db.auth.provider_tokens.store(tokens, TokenChanges(access_token="t"))


async def test_no_changes_store_nothing_new(url: str):
    async with opened(url, {"new": NEW}) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
        tokens = await db.auth.provider_tokens.get(user, "google")
        assert (await db.auth.provider_tokens.store(tokens, TokenChanges())).access_token


async def test_what_an_account_cannot_hold_is_refused_before_it_is_sent(url: str):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
        tokens = await db.auth.provider_tokens.get(user, "google")
        bad: list[Any] = [TokenChanges(refresh_token_expires_at=LATER), {"access_token": "t"}, None]
        with db.statements() as sent:
            for changes in bad:
                with pytest.raises(InvalidInputError):
                    await db.auth.provider_tokens.store(tokens, changes)
            for key in ((1, "google"), (user, None), (user, "google", 1), ("\0", "google")):
                with pytest.raises(InvalidInputError):
                    await db.auth.provider_tokens.get(*key)  # type: ignore[arg-type]
        assert sent.names == []
        for given in ({"access_token": "\0"}, {"access_token": 1}, {"unknown": "x"}):
            with pytest.raises(InvalidInputError):
                TokenChanges(**given)  # type: ignore[arg-type]


async def test_an_expiry_in_milliseconds_is_told(url: str, bare: asyncpg.Connection):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
        await bare.execute("update x_account set expires_at = 1893456000000")
        with pytest.raises(StoredDataError, match="expires_at"):
            await db.auth.provider_tokens.get(user, "google")


async def test_a_sealed_token_of_maps_needs_its_key(maps_url: str):
    sealed = TokenSealing(BOTH).seal("t", Place("access_token", "google", "1"))
    async with opened(maps_url, {"old": OLD}, MAPS) as db:
        user = await a_maps_account(db, maps_url, access_token=sealed)
        with pytest.raises(TokensAtRestError, match='"new"'):
            await db.auth.provider_tokens.get(user, "google")


class TestAnswers:
    def test_an_answer_of_a_provider(self):
        now = datetime(2026, 1, 1, tzinfo=UTC)
        changes = TokenChanges.of_answer(
            {
                "access_token": "a",
                "expires_in": 3600,
                "refresh_token_expires_in": "86400",
                "token_type": "bearer",
                "scope": "mail",
                "id_token": None,
            },
            now=now,
        )
        assert changes.given() == {
            "access_token": "a",
            "access_token_expires_at": now + timedelta(hours=1),
            "refresh_token_expires_at": now + timedelta(days=1),
            "scope": "mail",
        }

    def test_what_it_does_not_hold_stays(self):
        assert TokenChanges.of_answer({"access_token": "a"}).given() == {"access_token": "a"}

    @pytest.mark.parametrize(
        "answer",
        [
            {"access_token": 1},
            {"access_token": "a\0"},
            {"expires_in": "soon"},
            {"expires_in": -1},
            {"expires_in": float("nan")},
            {"expires_in": float("inf")},
            {"expires_in": 1e300},
            {"expires_in": True},
            {"expires_in": []},
        ],
    )
    def test_one_that_makes_no_sense_is_refused(self, answer: dict[str, object]):
        with pytest.raises(InvalidInputError):
            TokenChanges.of_answer(answer)


def test_a_schema_without_accounts_says_so():
    with pytest.raises(ConfigError, match="no accounts"):
        account_table({})
    renamed = DEEPSEARCH.tables["users"]
    with pytest.raises(ConfigError, match="no accounts"):
        account_table({"accounts": renamed})
