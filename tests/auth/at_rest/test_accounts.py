"""`db.accounts` and `users.get(with_accounts=True)` seal on the way in and open on the way out."""

import logging
from typing import Any

import asyncpg
import pytest

from auth.at_rest.conftest import (
    BOTH,
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
    AccountChanges,
    InvalidInputError,
    Observation,
    TokenChanges,
    TokensAtRestError,
)
from chatkeep.auth.sealing import sealed_with


@on_each_server
async def test_tokens_are_sealed_in_the_table_and_open_in_records(url: str, stored: Stored):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        made = await db.accounts.create(account_of(user, id_token=f"{MARK}-i"))
        there = await stored()
        assert [sealed_with(value or "") for value in there] == ["new"] * 3
        assert MARK not in str(there)
        for found in (
            made,
            await db.accounts.get("google", "1"),
            await db.accounts.find("google", "1"),
            (await db.accounts.list(user)).items[0],
            (await db.users.get(user, with_accounts=True)).accounts[0],
        ):
            assert found is not None
            tokens = (found.access_token, found.refresh_token, found.id_token)
            assert tokens == (f"{MARK}-a", f"{MARK}-r", f"{MARK}-i")


@on_each_server
async def test_an_update_seals_what_it_sets_and_opens_the_rest(url: str, stored: Stored):
    async with opened(url, BOTH) as db:
        await db.accounts.create(account_of(await a_user(db)))
        before = await stored()
        changed = await db.accounts.update(
            "google", "1", AccountChanges(access_token=f"{MARK}-2", scope="mail")
        )
        after = await stored()
        assert (changed.access_token, changed.refresh_token) == (f"{MARK}-2", f"{MARK}-r")
        assert sealed_with(after[0] or "") == "new"
        assert after[0] != before[0]
        assert after[1:] == before[1:]
        gone = await db.accounts.update("google", "1", AccountChanges(access_token=None))
        assert gone.access_token is None
        assert (await stored())[0] is None
        assert (await db.accounts.update("google", "1", AccountChanges())) == gone


async def test_it_is_one_statement_as_before_and_shows_nothing(
    url: str, caplog: pytest.LogCaptureFixture
):
    seen: list[Observation] = []
    caplog.set_level(logging.DEBUG)
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        with db.observe(seen.append), db.statements() as sent:
            made = await db.accounts.create(account_of(user))
            await db.accounts.update("google", "1", AccountChanges(access_token=f"{MARK}-2"))
            await db.accounts.get("google", "1")
            await db.users.get(user, with_accounts=True)
            page = await db.accounts.list(user)
            with_accounts = await db.users.get(user, with_accounts=True)
    assert [*sent.names][:4] == [
        "accounts.create",
        "accounts.update",
        "accounts.find",
        "users.get_with_accounts",
    ]
    shown = (made, page, with_accounts, account_of("u"), AccountChanges(id_token=MARK), seen)
    assert MARK not in f"{shown!r} {shown} {[repr(each) for each in seen]} {caplog.text}"
    assert "<hidden>" in repr(made)
    assert MARK in str(made.to_dict())  # what is sent on purpose is whole


async def test_plain_rows_stay_readable_beside_sealed_ones(url: str, stored: Stored):
    async with opened(url) as without:
        user = await a_user(without)
        await without.accounts.create(account_of(user))
        assert await stored() == (f"{MARK}-a", f"{MARK}-r", None)
    async with opened(url, {"old": OLD}) as db:
        await db.accounts.create(account_of(user, "2", access_token=f"{MARK}-b"))
    async with opened(url, BOTH) as db:
        await db.accounts.create(account_of(user, "3", access_token=f"{MARK}-c"))
        found = (await db.accounts.list(user)).items
        assert [each.access_token for each in found] == [f"{MARK}-{x}" for x in "abc"]
        with_accounts = await db.users.get(user, with_accounts=True)
        assert with_accounts.accounts == found


async def test_without_its_key_no_sealed_value_is_given_as_a_token(url: str, stored: Stored):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
    sealed = str(await stored())
    for keys in ({}, {"old": OLD}, {"new": OLD}):
        async with opened(url, keys) as db:
            for call in (
                db.accounts.get("google", "1"),
                db.accounts.list(user),
                db.users.get(user, with_accounts=True),
                db.accounts.update("google", "1", AccountChanges(scope="x")),
                db.auth.provider_tokens.get(user, "google"),
            ):
                with pytest.raises(TokensAtRestError, match='the key "new"') as caught:
                    await call
                told = f"{caught.value} {caught.value!r} {vars(caught.value)}"
                assert MARK not in told
                assert sealed[20:40] not in told
            assert (await db.users.get(user)).id == user  # the rest does not need them


@pytest.mark.parametrize(
    "swap",
    [
        "update x_account set access_token = refresh_token, refresh_token = access_token",
        "update x_account a set access_token = b.access_token from x_account b where a <> b",
        "update x_account set provider = 'github'",
        "update x_account set provider_account_id = provider_account_id || '0'",
        "update x_account set access_token = overlay(access_token placing 'AAAA' from 40)",
        "update x_account set access_token = left(access_token, -1)",
        "update x_account set access_token = 'chatkeep:v1:'",
    ],
)
async def test_what_was_moved_or_changed_in_the_table_does_not_open(
    url: str, bare: asyncpg.Connection, swap: str
):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
        await db.accounts.create(account_of(user, "2"))
        await bare.execute(swap)
        with pytest.raises(TokensAtRestError):
            await db.accounts.list(user)


async def test_an_account_keeps_its_tokens_when_it_moves_to_another_user(
    url: str, bare: asyncpg.Connection
):
    async with opened(url, BOTH) as db:
        user, other = await a_user(db), await a_user(db, "bob@example.com")
        await db.accounts.create(account_of(user))
        await bare.execute("update x_account set user_id = $1", other)
        assert (await db.auth.provider_tokens.get(other, "google")).access_token == f"{MARK}-a"


async def test_transactions_have_the_keys_too(url: str, stored: Stored):
    async with opened(url, {"new": NEW}) as db, db.transaction() as tx:
        await tx.accounts.create(account_of(await a_user(tx)))
        assert (await tx.accounts.get("google", "1")).access_token == f"{MARK}-a"
    assert MARK not in str(await stored())


@pytest.mark.parametrize("key", [(1, "1"), ("google", None), (b"google", "1")])
async def test_a_key_of_another_type_is_refused(url: str, key: tuple[Any, Any]):
    async with opened(url, BOTH) as db:
        with db.statements() as sent, pytest.raises(ValueError, match=r"provider|key"):
            await db.accounts.update(*key, AccountChanges(access_token="t"))
        assert sent.names == []


async def test_nothing_is_sealed_twice(url: str, stored: Stored):
    async with opened(url, BOTH) as db:
        user = await a_user(db)
        await db.accounts.create(account_of(user))
        sealed = (await stored())[0] or ""
        tokens = await db.auth.provider_tokens.get(user, "google")
        with db.statements() as sent:
            for call in (
                db.accounts.create(account_of(user, "2", access_token=sealed)),
                db.accounts.update("google", "1", AccountChanges(refresh_token=sealed)),
                db.auth.provider_tokens.store(tokens, TokenChanges(id_token=sealed)),
            ):
                with pytest.raises(InvalidInputError, match="sealed already") as caught:
                    await call
                assert sealed[16:] not in f"{caught.value!r} {vars(caught.value)}"
        assert sent.names == []
