"""A sealed value opens where it was sealed, with its key, whole; and nowhere else."""

import base64
import os
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatkeep import TokensAtRestError
from chatkeep.auth.sealing import PREFIX, Place, TokenSealing, sealed_with

OLD, NEW = bytes(range(32)), bytes(range(200, 232))
SEALING = TokenSealing({"new": NEW, "old": OLD})
BEFORE = TokenSealing({"old": OLD})
HERE = Place("access_token", "google", "1")
TOKEN = "ya29.s3cr3t-token"

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)


@given(texts, texts, texts)
def test_what_was_sealed_opens(token: str, provider: str, account: str):
    place = Place("id_token", provider, account)
    sealed = SEALING.seal(token, place)
    assert sealed.startswith("chatkeep:v1:new:")
    assert sealed.isascii()
    assert SEALING.open(sealed, place) == token
    assert token not in sealed or len(token) < 8


def test_it_is_sealed_otherwise_each_time():
    assert len({SEALING.seal(TOKEN, HERE) for _ in range(100)}) == 100


def test_an_older_key_still_opens_and_seals_no_more():
    assert SEALING.open(BEFORE.seal(TOKEN, HERE), HERE) == TOKEN
    assert sealed_with(SEALING.seal(TOKEN, HERE)) == "new"


def test_plain_text_passes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CHATKEEP_TOKEN_KEYS", raising=False)
    without = TokenSealing({})
    assert without.seal(TOKEN, HERE) == TOKEN
    assert without.open(TOKEN, HERE) == SEALING.open(TOKEN, HERE) == TOKEN
    assert sealed_with(TOKEN) is None


@pytest.mark.parametrize(
    "there",
    [
        Place("refresh_token", "google", "1"),
        Place("id_token", "google", "1"),
        Place("access_token", "google", "2"),
        Place("access_token", "github", "1"),
        # The parts have lengths: those that look alike when they are joined are not alike.
        Place("access_token", "google1", ""),
        Place("access_token", "", "google1"),
        Place("access_tokeng", "oogle", "1"),
        Place("access_token", "google", "1\0"),
    ],
)
def test_it_opens_in_no_other_row_or_column(there: Place):
    with pytest.raises(TokensAtRestError, match="does not open"):
        SEALING.open(SEALING.seal(TOKEN, HERE), there)


def test_no_changed_letter_opens():
    sealed = SEALING.seal(TOKEN, HERE)
    for at in range(len(PREFIX), len(sealed)):
        for letter in {"A", "B", "/", "=", " ", "é", "\n", chr(ord(sealed[at]) ^ 1)} - {sealed[at]}:
            with pytest.raises(TokensAtRestError):
                SEALING.open(sealed[:at] + letter + sealed[at + 1 :], HERE)


def test_no_changed_bit_opens():
    head, _, text = SEALING.seal(TOKEN, HERE).rpartition(":")
    payload = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    for bit in range(len(payload) * 8):
        changed = bytearray(payload)
        changed[bit // 8] ^= 1 << bit % 8
        other = base64.urlsafe_b64encode(changed).rstrip(b"=").decode()
        with pytest.raises(TokensAtRestError):
            SEALING.open(f"{head}:{other}", HERE)


def test_no_random_change_opens():
    random = Random(7)
    sealed = [SEALING.seal(TOKEN, HERE), BEFORE.seal("", HERE)]
    alphabet = "ABCxyz0189-_=:/+ \n\0é"
    for _ in range(100_000 if os.environ.get("CHATKEEP_FULL") else 3_000):
        text = list(random.choice(sealed))
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(PREFIX), len(text))
            step = random.choice(["change", "drop", "add", "swap"])
            if step == "drop" and len(text) > len(PREFIX) + 1:
                del text[at]
            elif step == "add":
                text.insert(at, random.choice(alphabet))
            elif step == "swap":
                text[at], text[-1] = text[-1], text[at]
            else:
                text[at] = random.choice(alphabet)
        changed = "".join(text)
        if changed not in sealed:
            with pytest.raises(TokensAtRestError):
                SEALING.open(changed, HERE)


def test_no_part_of_it_opens():
    sealed = SEALING.seal(TOKEN, HERE)
    for length in range(len(PREFIX), len(sealed)):
        with pytest.raises(TokensAtRestError):
            SEALING.open(sealed[:length], HERE)
    for more in ("A", "AA", "=", "==", ":", ":x"):
        with pytest.raises(TokensAtRestError):
            SEALING.open(sealed + more, HERE)


@given(texts)
def test_what_begins_like_a_sealed_value_and_is_none_is_refused(rest: str):
    with pytest.raises(TokensAtRestError) as caught:
        SEALING.open(PREFIX + rest, HERE)
    assert caught.value.code == "tokens_at_rest"


def test_a_key_that_is_not_configured_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CHATKEEP_TOKEN_KEYS", raising=False)
    sealed = SEALING.seal(TOKEN, HERE)
    for sealing in (BEFORE, TokenSealing({})):
        with pytest.raises(TokensAtRestError, match='with the key "new", which is not') as caught:
            sealing.open(sealed, HERE)
        assert sealed[20:40] not in f"{caught.value!r} {vars(caught.value)}"


def test_another_key_of_the_same_id_does_not_open():
    other = TokenSealing({"new": OLD})
    with pytest.raises(TokensAtRestError, match='does not open with the key "new"') as caught:
        other.open(SEALING.seal(TOKEN, HERE), HERE)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_id_of_the_key_is_bound_too():
    """Two ids cannot have one key in one process; over the years they might."""
    renamed = TokenSealing({"other": NEW})
    sealed = SEALING.seal(TOKEN, HERE).replace(":new:", ":other:")
    with pytest.raises(TokensAtRestError, match="does not open"):
        renamed.open(sealed, HERE)


@pytest.mark.parametrize("odd", [f"{PREFIX}", f"{PREFIX}a b:x", f"{PREFIX}{'k' * 33}:x"])
def test_an_odd_id_is_not_repeated(odd: str):
    assert sealed_with(odd) == ""
    with pytest.raises(TokensAtRestError, match="no whole one") as caught:
        SEALING.open(odd, HERE)
    assert "kkk" not in str(caught.value)
    assert "a b" not in str(caught.value)
