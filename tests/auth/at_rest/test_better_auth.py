"""Better Auth's own encryption of tokens: what the real library makes is read, and it reads ours."""

import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from auth.at_rest.conftest import BETTER_AUTH_SECRET, BOTH, MAPS, MARK, opened
from auth.at_rest.test_provider_tokens import a_maps_account, in_maps
from auth.conftest import NODE
from chatkeep import ConfigError, TokenChanges, TokensAtRestError
from chatkeep.auth.better_auth_config import better_auth_config
from chatkeep.auth.better_auth_tokens import Style, encrypted, is_better_auths
from chatkeep.auth.better_auth_tokens import opened as open_token

SECRET = BETTER_AUTH_SECRET.encode()
OLDER = "an-older-secret-of-better-auth-in-tests"
LIBRARYS = "a secret for tests, which nobody has to keep"  # of library.mjs
TOKENS = ["x", f"{MARK}-ä-漢字", "t" * 3000]
Script = Callable[..., Any]


@pytest.mark.needs("node")
def test_the_real_library_and_we_read_each_other(node_script: Script):
    given = {
        "tokens": TOKENS,
        "secret": BETTER_AUTH_SECRET,
        "secrets": [[2, OLDER], [1, BETTER_AUTH_SECRET]],
        "sealed": [encrypted(token, Style("$ba$2$", OLDER.encode())) for token in TOKENS]
        + [encrypted(token, Style("", SECRET)) for token in TOKENS],
    }
    made = node_script("better_auth", "encrypt.mjs", given=given)
    assert made["opened"] == TOKENS * 2
    for token, bare, versioned in zip(TOKENS, made["bare"], made["versioned"], strict=True):
        assert is_better_auths(bare)
        assert is_better_auths(versioned)
        assert open_token(bare, [OLDER.encode(), SECRET]) == (token, Style("", SECRET))
        assert open_token(versioned, [SECRET, OLDER.encode()]) == (
            token,
            Style("$ba$2$", OLDER.encode()),
        )
        assert open_token(bare, [OLDER.encode()]) is None
        assert open_token(bare, []) is None


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_what_we_encrypt_opens_and_looks_like_it(token: str):
    for prefix in ("", "$ba$7$"):
        style = Style(prefix, SECRET)
        made = encrypted(token, style)
        assert is_better_auths(made)
        assert open_token(made, [b"another", SECRET]) == (token, style)


def test_no_changed_digit_opens():
    made = encrypted("token", Style("", SECRET))
    for at, digit in enumerate(made):
        other = "0" if digit != "0" else "1"
        assert open_token(made[:at] + other + made[at + 1 :], [SECRET]) is None
        assert open_token(made[:at], [SECRET]) is None


@pytest.mark.parametrize(
    "plain",
    ["", "ya29.token", "0" * 40, sha256(b"x").hexdigest(), "g" * 100, "0" * 101, "chatkeep:v1:a:b"],
)
def test_tokens_of_providers_are_not_taken_for_encrypted_ones(plain: str):
    assert not is_better_auths(plain)


def test_no_repr_shows_the_secret():
    assert BETTER_AUTH_SECRET not in repr(Style("", SECRET))


@pytest.mark.parametrize("prefix", ["", "$ba$3$"])
async def test_its_rows_are_read_and_stay_its_rows(maps_url: str, prefix: str):
    """Keys of ours make no difference: Better Auth in Node would not read what they seal."""
    style = Style(prefix, SECRET)
    tokens = {
        "access_token": encrypted(f"{MARK}-a", style),
        "refresh_token": encrypted(f"{MARK}-r", style),
        "id_token": "header.payload.signature",  # which Better Auth leaves as it is
    }
    secrets = (OLDER, BETTER_AUTH_SECRET)
    async with opened(maps_url, BOTH, MAPS, better_auth_secrets=secrets) as db:
        user = await a_maps_account(db, maps_url, **tokens)
        found = await db.auth.provider_tokens.get(user, "google")
        assert (found.access_token, found.refresh_token) == (f"{MARK}-a", f"{MARK}-r")
        assert BETTER_AUTH_SECRET not in repr(found)
        later = await db.auth.provider_tokens.store(
            found, TokenChanges(access_token=f"{MARK}-2", id_token="h.p.s2")
        )
        assert later.access_token == f"{MARK}-2"
    access, refresh, id_token = await in_maps(maps_url)
    assert open_token(access or "", [SECRET]) == (f"{MARK}-2", style)
    assert (refresh, id_token) == (tokens["refresh_token"], "h.p.s2")


@pytest.mark.needs("node")
async def test_better_auth_reads_what_was_stored_for_it(maps_url: str, node_script: Script):
    secrets = {"tokens": [MARK], "secret": BETTER_AUTH_SECRET, "secrets": [[4, OLDER]]}
    made = node_script("better_auth", "encrypt.mjs", given=secrets)
    async with opened(maps_url, schema=MAPS, better_auth_secrets=(OLDER,)) as db:
        user = await a_maps_account(
            db, maps_url, access_token=made["versioned"][0], refresh_token=None
        )
        found = await db.auth.provider_tokens.get(user, "google")
        assert found.access_token == MARK
        await db.auth.provider_tokens.store(found, TokenChanges(access_token="fresh"))
    stored = (await in_maps(maps_url))[0]
    again = node_script("better_auth", "encrypt.mjs", given={**secrets, "sealed": [stored]})
    assert again["opened"] == ["fresh"]


@pytest.mark.parametrize("known", [(), (OLDER,)])
async def test_without_its_secret_no_encrypted_value_is_given_as_a_token(
    maps_url: str, known: tuple[str, ...]
):
    sealed = encrypted(MARK, Style("$ba$1$", SECRET))
    async with opened(maps_url, schema=MAPS, better_auth_secrets=known) as db:
        user = await a_maps_account(db, maps_url, access_token=sealed)
        with pytest.raises(TokensAtRestError, match="Better Auth") as caught:
            await db.auth.provider_tokens.get(user, "google")
        assert sealed[10:30] not in f"{caught.value!r} {vars(caught.value)}"


async def test_a_secret_that_cannot_be_used_is_not_shown(maps_url: str):
    async with opened(maps_url, schema=MAPS, better_auth_secrets=("short-secret",)) as db:
        sealed = encrypted(MARK, Style("", SECRET))
        user = await a_maps_account(db, maps_url, access_token=sealed)
        with pytest.raises(ConfigError) as caught:
            await db.auth.provider_tokens.get(user, "google")
        assert "short-secret" not in repr(caught.value)


def test_without_pynacl_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    made = encrypted("t", Style("", SECRET))
    monkeypatch.setitem(sys.modules, "nacl", None)
    with pytest.raises(ConfigError, match="pynacl") as caught:
        open_token(made, [SECRET])
    assert caught.value.hint == 'pip install "chatkeep[auth]"'


@pytest.mark.needs("node")
@pytest.mark.parametrize("encrypt", [True, False])
async def test_the_real_library_signs_in_we_refresh_and_it_reads_that(
    maps_url: str, tmp_path: Path, node_script: Script, *, encrypt: bool
):
    """Both sides share an account: Better Auth encrypts its tokens, or nobody does."""
    (tmp_path / "node_modules").symlink_to(NODE / "better_auth" / "node_modules")
    (tmp_path / "tables.mjs").write_text(better_auth_config(MAPS, "pg").module())
    given: dict[str, Any] = {"tables": str(tmp_path / "tables.mjs"), "encrypt": encrypt}
    tokens = {"token": "h.p.s", "accessToken": f"{MARK}-a"}
    node_script(
        "better_auth",
        "provider_tokens.mjs",
        maps_url,
        given={**given, "phase": "sign-in", "tokens": tokens},
    )
    assert (MARK in str(await in_maps(maps_url, "1042"))) is not encrypt
    async with opened(maps_url, schema=MAPS, better_auth_secrets=(LIBRARYS,)) as db:
        user = await db.users.find_by_email("ada@example.com")
        found = await db.auth.provider_tokens.get(user.id, "google")
        assert (found.access_token, found.id_token) == (f"{MARK}-a", "h.p.s")
        await db.auth.provider_tokens.store(found, TokenChanges(access_token=f"{MARK}-2"))
        account = await db.first(select(MAPS.accounts.c.id))
    assert (MARK in str(await in_maps(maps_url, "1042"))) is not encrypt
    read = {"phase": "read", "accountId": account[0], "userId": user.id}
    got = node_script("better_auth", "provider_tokens.mjs", maps_url, given={**given, **read})
    assert (got["accessToken"], got["idToken"]) == (f"{MARK}-2", "h.p.s")
