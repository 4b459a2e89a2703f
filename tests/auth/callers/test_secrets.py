"""From where secrets come, and which are none."""

import re
from typing import Any

import pytest

from chatkeep import AuthOptions, ConfigError
from chatkeep.auth.cookie_secrets import MIN_LENGTH, read_secrets

A, B, C, D = (letter * 32 for letter in "abcd")


def texts(secrets: tuple[bytes, ...]) -> list[str]:
    return [secret.decode() for secret in secrets]


def test_given_ones_are_all_that_count() -> None:
    found = read_secrets((A, B), (C,), {"AUTH_SECRET": D, "BETTER_AUTH_SECRET": D})
    assert texts(found.auth_js) == [A, B]
    assert texts(found.better_auth) == [C]


def test_variables_of_auth_js() -> None:
    given = {"AUTH_SECRET": A, "AUTH_SECRET_1": B, "AUTH_SECRET_3": C, "NEXTAUTH_SECRET": D}
    assert texts(read_secrets((), (), given).auth_js) == [A, B, C, D]
    assert texts(read_secrets((), (), {"NEXTAUTH_SECRET": D}).auth_js) == [D]


def test_variables_of_better_auth() -> None:
    given = {"BETTER_AUTH_SECRETS": f"2:{A}, 1: {B} ", "BETTER_AUTH_SECRET": C, "AUTH_SECRET": D}
    assert texts(read_secrets((), (), given).better_auth) == [A, B, C]
    assert texts(read_secrets((), (), {"AUTH_SECRET": D}).better_auth) == [D]


def test_none() -> None:
    found = read_secrets((), (), {})
    assert found.auth_js == found.better_auth == ()


def test_no_repr_shows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BETTER_AUTH_SECRET", B)
    options = AuthOptions(auth_secrets=(A,))
    shown = repr(options) + repr(options.cookie_secrets)
    assert A not in shown
    assert B not in shown


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"AUTH_SECRET": ""}, "AUTH_SECRET is empty; it must have 16 at least"),
        ({"AUTH_SECRET_2": "x" * 15}, "AUTH_SECRET_2 has 15 characters; it must have 16"),
        ({"NEXTAUTH_SECRET": "hunter"}, "NEXTAUTH_SECRET has 6 characters"),
        ({"BETTER_AUTH_SECRET": ""}, "BETTER_AUTH_SECRET is empty"),
        ({"BETTER_AUTH_SECRETS": ""}, "BETTER_AUTH_SECRETS cannot be read"),
        ({"BETTER_AUTH_SECRETS": A}, "BETTER_AUTH_SECRETS cannot be read"),
        ({"BETTER_AUTH_SECRETS": f"new:{A}"}, "BETTER_AUTH_SECRETS cannot be read"),
        ({"BETTER_AUTH_SECRETS": f"1:{A},2:"}, "version 2 in BETTER_AUTH_SECRETS is empty"),
        (
            {"BETTER_AUTH_SECRET": "better-auth-secret-12345678901234567890"},
            "BETTER_AUTH_SECRET is the one printed in Better Auth",
        ),
        ({"AUTH_SECRET": "\udcff" * 20}, "AUTH_SECRET is no valid Unicode"),
    ],
)
def test_unusable_variable(given: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as raised:
        read_secrets((), (), given)
    assert raised.value.hint
    for value in filter(None, given.values()):
        assert value not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("",), "auth_secrets[0] is empty"),
        ((A, "x" * (MIN_LENGTH - 1)), "auth_secrets[1] has 15 characters"),
        ((A, None), "auth_secrets[1] must be a text"),
        (A, "auth_secrets is a tuple of texts"),
        (A.encode(), "auth_secrets is a tuple of texts"),
    ],
)
def test_unusable_option(given: object, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        read_secrets(given, (), {})
    with pytest.raises(ConfigError, match=re.escape(f"better_{message}")):
        read_secrets((), given, {})


@pytest.mark.parametrize(
    "given",
    [
        {"clock_tolerance": 15},
        {"clock_tolerance": None},
        {"trust_cookie_cache": "false"},
        {"trust_cookie_cache": 1},
    ],
)
def test_options_that_mislead(given: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(given))):
        AuthOptions(**given)
