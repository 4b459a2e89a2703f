"""Inputs: what they refuse, by which name, and that they never repeat what was in it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from chatkeep.errors import InvalidInputError
from chatkeep.inputs.deepsearch import (
    AccountChanges,
    NewAccount,
    NewMessage,
    NewSearchCacheEntry,
    NewSession,
    NewUser,
    NewVerificationToken,
    SettingsChanges,
    UserChanges,
)
from chatkeep.inputs.maps import NewUser as NewMapsUser
from chatkeep.records.deepsearch import MessageMetadata, Source, TokenUsage

NOW = datetime(2025, 1, 1, tzinfo=UTC)
MARK = "MARKED-SECRET"
deep: Any = []
for _ in range(1000):
    deep = [deep]


def new_message(**changes: Any) -> NewMessage:
    return NewMessage(**{"role": "user", "content": "x", **changes})


def cached(results: Any) -> NewSearchCacheEntry:
    return NewSearchCacheEntry(query="q", results=results, expires_at=NOW)


def source(url: str = "https://example.com", title: str = "T") -> Source:
    return Source(title, url, "S")


def test_an_email_is_enough_for_a_user():
    user = NewUser(email="user@example.com")
    assert user.email == "user@example.com"
    assert user.email_verified is None
    assert len(user.id) == 36


def test_letter_case_of_an_email_is_kept():
    assert NewUser(email="User@Example.COM").email == "User@Example.COM"


REFUSED = {
    "email without @": (lambda: NewUser(email=MARK), "email"),
    "email with two @": (lambda: NewUser(email=f"{MARK}@a@b"), "email"),
    "email with a space": (lambda: NewUser(email=f"{MARK} @b"), "email"),
    "email without a name": (lambda: NewUser(email="@b"), "email"),
    "email without a domain": (lambda: NewUser(email=f"{MARK}@"), "email"),
    "email too long": (lambda: NewUser(email=f"{MARK}@{'b' * 250}"), "email"),
    "name too long": (lambda: NewUser(email="a@b", name=MARK * 20), "name"),
    "name that is no text": (lambda: NewUser(email="a@b", name=3), "name"),
    "empty id": (lambda: NewUser(email="a@b", id=""), "id"),
    "id too long": (lambda: NewUser(email="a@b", id=MARK * 20), "id"),
    "flag that is no flag": (lambda: NewUser(email="a@b", is_admin="yes"), "is_admin"),
    "time without zone": (
        lambda: NewUser(email="a@b", emailVerified=datetime(2025, 1, 1)),  # noqa: DTZ001
        "email_verified",
    ),
    "time before year 1": (
        lambda: NewSession(
            user_id="u", expires=datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))
        ),
        "expires",
    ),
    "unknown field": (lambda: NewUser(email="a@b", nonesuch=MARK), "nonesuch"),
    "missing field": (lambda: NewVerificationToken(token="t", expires=NOW), "identifier"),
    "role": (lambda: new_message(role=MARK), "role"),
    "empty content": (lambda: new_message(content=""), "content"),
    "content too long": (lambda: new_message(content="x" * 100_001), "content"),
    "NUL": (lambda: new_message(content=f"{MARK}\0"), "content"),
    "NUL in a source": (lambda: new_message(sources=[source(title="\0")]), "sources.0.title"),
    "NUL in metadata": (
        lambda: new_message(metadata=MessageMetadata(crawled_urls=["a", f"{MARK}\0"])),
        "metadata.crawled_urls.1",
    ),
    "lone surrogate": (lambda: new_message(content=f"{MARK}\ud800"), "content"),
    "lone surrogate in JSON": (lambda: cached({"a": [f"{MARK}\udfff"]}), "results.a.0"),
    "NUL in a key": (lambda: cached({"a": {"\0": 1}}), "results.a"),
    "URL of another scheme": (
        lambda: new_message(sources=[source(), source(f"javascript:{MARK}")]),
        "sources.1.url",
    ),
    "URL without host": (lambda: new_message(sources=[source("http://")]), "sources.0.url"),
    "URL with a bad host": (lambda: new_message(sources=[source("http://[")]), "sources.0.url"),
    "record with a wrong type": (
        lambda: new_message(sources=[Source(1, "https://a", "s")]),  # type: ignore[arg-type]
        "sources.0.title",
    ),
    "negative tokens": (
        lambda: new_message(metadata=MessageMetadata(tokens=TokenUsage(1, -1, 0))),
        "metadata.tokens.completion",
    ),
    "wrong type by its JSON key": (
        lambda: new_message(metadata={"processingTime": MARK}),
        "metadata.processing_time",
    ),
    "negative time": (
        lambda: new_message(metadata=MessageMetadata(processing_time=-1)),
        "metadata.processing_time",
    ),
    "not a number": (
        lambda: new_message(metadata=MessageMetadata(processing_time=float("nan"))),
        "metadata.processing_time",
    ),
    "infinite number in JSON": (lambda: cached({"a": [1, float("inf")]}), "results.a.1"),
    "what is no JSON": (lambda: cached({"a": {1, 2}}), "results.a"),
    "JSON null": (lambda: cached(None), "results"),
    "JSON without end": (lambda: cached(deep), "results"),
    "integer too large": (lambda: SettingsChanges(max_search_results=101), "max_search_results"),
    "no results": (lambda: SettingsChanges(max_search_results=0), "max_search_results"),
    "less than none": (lambda: SettingsChanges(max_search_results=-1), "max_search_results"),
    "integer as text": (lambda: SettingsChanges(max_search_results="5"), "max_search_results"),
    "theme too long": (lambda: SettingsChanges(theme="x" * 21), "theme"),
    "bigint too large": (lambda: AccountChanges(expires_at=2**63), "expires_at"),
    "None where NULL cannot be": (lambda: UserChanges(email=None), "email"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_name_and_without_the_content(name: str):
    make, field = REFUSED[name]
    with pytest.raises(InvalidInputError) as caught:
        make()
    error = caught.value
    assert error.field == field
    told = f"{error} {error!r} {error.__cause__} {error.__cause__!r}"
    assert MARK not in told
    assert isinstance(error, ValueError)


def test_model_validate_raises_our_error_too():
    with pytest.raises(InvalidInputError):
        NewUser.model_validate({"email": MARK})
    with pytest.raises(InvalidInputError):
        NewUser.model_validate_json('{"email": 3}')


def test_python_names_and_json_keys_are_both_taken():
    by_key = NewAccount.model_validate(
        {"userId": "u", "type": "oauth", "provider": "p", "providerAccountId": "1", "id_token": "i"}
    )
    by_name = NewAccount(
        user_id="u", type="oauth", provider="p", provider_account_id="1", id_token="i"
    )
    assert by_key == by_name


def test_given_tells_none_from_left_out():
    assert UserChanges(name=None, is_admin=True).given() == {"name": None, "is_admin": True}
    assert UserChanges().given() == {}


def test_text_at_its_limit_is_taken():
    assert new_message(content="😀" * 100_000)
    assert NewUser(email="a@b", name="ß" * 255)


def test_sources_may_be_records_or_dictionaries():
    as_dict = {"title": "T", "url": "https://example.com", "snippet": "S"}
    assert new_message(sources=[as_dict]).sources == [source()]
    assert new_message(sources=[source()]).sources == [source()]


def test_both_forms_of_ids_are_taken():
    for text in ("chat_4c2a6b9e-1d7f-4a57-9df3-0a4cf2a5d9aa", "anything at all"):
        assert new_message(id=text).id == text


def test_an_input_cannot_be_changed():
    user = NewUser(email="a@b")
    with pytest.raises(Exception, match="frozen"):
        user.email = "c@d"  # type: ignore[misc]


def test_maps_users_are_checked_too():
    with pytest.raises(InvalidInputError):
        NewMapsUser(email="nobody")


async def test_fastapi_answers_422_with_the_place():
    app = FastAPI()

    @app.post("/users")
    def create(body: NewUser) -> str:
        return body.email

    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
    assert (await client.post("/users", json={"email": "a@b", "isAdmin": True})).json() == "a@b"
    refused = await client.post("/users", json={"email": "nobody"})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "email"]


def test_a_misspelt_field_is_named_beside_the_one_that_is_missing():
    with pytest.raises(InvalidInputError, match=r"email was refused.*Wrong too: mail\.$"):
        NewUser(mail="user@example.com")
