"""What is wrong with a secret is told without the secret: options, environment, keys."""

from collections.abc import Callable
from secrets import token_urlsafe
from typing import Any

import pytest

from auth.secrets import calls
from auth.secrets.ears import Ears
from chatkeep import AuthOptions, Database
from chatkeep.errors import ChatkeepError, TokensAtRestError
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

NOWHERE = "postgresql://nobody:{password}@127.0.0.1:1/none"


def bad_options(ears: Ears) -> list[dict[str, Any]]:
    def secret(length: int = 32) -> str:
        return ears.mark("a secret", token_urlsafe(32)[:length])

    found: list[dict[str, Any]] = []
    for name in ("auth_secrets", "better_auth_secrets"):
        found += [
            {name: secret()},
            {name: {secret(): secret()}},
            {name: (secret().encode(),)},
            {name: (secret(), secret(12))},
            {name: [secret(), [secret()]]},
            {name: ("\ud800" + secret(),)},
        ]
    return [
        *found,
        {"token_keys": {secret(): b"k" * 32}},
        {"token_keys": {"k": secret()}},
        {"token_keys": {"k": secret().encode() + b"more"}},
        {"token_keys": {"k": secret(12).encode()}},
        {"token_keys": {secret() + "!": secret()}},
        {"token_keys": dict.fromkeys(("a", "b"), secret().encode()[:32])},
        {"token_keys": secret()},
        {"token_keys": [secret()]},
        {"session_lifetime": secret()},
        {"session_limit": secret()},
    ]


async def test_bad_settings_are_told_without_the_secret(ears: Callable[[], Ears]) -> None:
    heard_of = ears()
    told = 0
    for given in bad_options(heard_of):
        told += await _try(heard_of, str(list(given)), **given)
    assert told >= 16
    assert not heard_of.leaks()


async def _try(ears: Ears, where: str, **given: Any) -> bool:
    url = NOWHERE.format(password=ears.mark("the password", token_urlsafe(32)))
    try:
        options = AuthOptions(**given)
        ears.result(where, options)
        db = Database(deepsearch.schema(), url, auth=options)
        ears.result(where, db)
        value = "eyJ" + "a" * 40 + "....b"
        await db.auth.session_from_cookies({"authjs.session-token": value})
        await db.auth.session_from_cookies({"better-auth.session_token": "a.b"})
    except ChatkeepError as exc:
        ears.error(where, exc)
        return True
    return False


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("AUTH_SECRET", "{short}"),
        ("AUTH_SECRET_1", "{short}"),
        ("NEXTAUTH_SECRET", "{short}"),
        ("BETTER_AUTH_SECRET", "{short}"),
        ("BETTER_AUTH_SECRETS", "{secret}"),
        ("BETTER_AUTH_SECRETS", "one:{secret},two:{secret}"),
        ("BETTER_AUTH_SECRETS", "2:{secret},{secret}"),
        ("BETTER_AUTH_SECRETS", "1:{short}"),
        ("CHATKEEP_TOKEN_KEYS", "{secret}"),
        ("CHATKEEP_TOKEN_KEYS", "k:{secret}{secret}"),
        ("CHATKEEP_TOKEN_KEYS", "k:{secret}:{secret}"),
        ("CHATKEEP_TOKEN_KEYS", "{secret}:{secret}"),
        ("CHATKEEP_TOKEN_KEYS", "k={secret}"),
    ],
)
async def test_a_bad_environment_is_told_without_the_secret(
    name: str, form: str, ears: Callable[[], Ears], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard_of = ears()
    secret = heard_of.mark("a secret", token_urlsafe(32))
    short = heard_of.mark("a short secret", token_urlsafe(32)[:12])
    monkeypatch.setenv(name, form.format(secret=secret, short=short))
    assert await _try(heard_of, name)
    assert not heard_of.leaks()


async def test_a_wrong_key_is_told_without_key_or_token(
    ears: Callable[[], Ears], pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    heard_of = ears()
    schema = deepsearch.schema()
    url = await fresh_database(pg18).holding(schema)
    async with Database(schema, url, auth=calls.options(heard_of)) as db:
        person = await calls.sign_in(db, "deepsearch", heard_of)
    for keys in ({}, {"k2": b"another key of thirty-two bytes!"}):
        async with Database(schema, url, auth=AuthOptions(token_keys=keys)) as db:
            for call in (
                lambda db=db: db.accounts.get(calls.PROVIDER, calls.ACCOUNT),
                lambda db=db: db.accounts.list(person.user_id),
                lambda db=db: db.users.get(person.user_id, with_accounts=True),
                lambda db=db: db.auth.provider_tokens.get(person.user_id, calls.PROVIDER),
            ):
                with pytest.raises(TokensAtRestError) as caught:
                    await call()
                heard_of.error("a wrong key", caught.value)
    assert not heard_of.leaks()


def test_ears_hear() -> None:
    """A repr, an error's cause, a log line and half a secret are heard."""
    secret = token_urlsafe(32)
    for tell in (
        lambda ears: ears.result("here", [secret]),
        lambda ears: ears.error("here", _caused_by(ValueError(secret))),
        lambda ears: ears.hear("here", secret[: len(secret) // 2]),
        lambda ears: ears.hear("here", secret[20:40]),
    ):
        ears = Ears()
        ears.mark("it", secret)
        ears.hear("here", "nothing")
        assert not ears.leaks()
        tell(ears)
        assert ears.leaks()


def _caused_by(cause: Exception) -> Exception:
    error = RuntimeError("failed")
    error.__cause__ = cause
    return error
