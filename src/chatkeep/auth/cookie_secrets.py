"""The secrets that session cookies are made with: from `AuthOptions`, or the libraries' variables."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from chatkeep.errors import ConfigError

# 16 characters of a random text are 95 bits; of fewer, nobody can hope that they are not guessed.
MIN_LENGTH = 16

_AUTH_JS = ("AUTH_SECRET", "AUTH_SECRET_1", "AUTH_SECRET_2", "AUTH_SECRET_3", "NEXTAUTH_SECRET")
# What Better Auth takes where it is given none, outside of production: it is printed in its source.
_EVERYBODYS = "better-auth-secret-12345678901234567890"
_HINT = "Make one with `openssl rand -base64 32`, and give the front end the same one."


@dataclass(frozen=True, slots=True)
class CookieSecrets:
    """Each verifies; none where none was given."""

    auth_js: tuple[bytes, ...] = field(repr=False)
    better_auth: tuple[bytes, ...] = field(repr=False)


def read_secrets(
    auth_js: object, better_auth: object, environment: Mapping[str, str] = os.environ
) -> CookieSecrets:
    """Read the secrets of both families: those that are given, or the libraries' own variables.

    As in the libraries NextAuth shares Auth.js's, and Better Auth falls back to AUTH_SECRET.

    Raises:
        ConfigError: A secret is empty, too short or everybody's, or BETTER_AUTH_SECRETS cannot be
            read.
    """
    return CookieSecrets(
        _checked(_numbered("auth_secrets", auth_js) or _named(environment, _AUTH_JS)),
        _checked(
            _numbered("better_auth_secrets", better_auth)
            or [
                *_versioned(environment.get("BETTER_AUTH_SECRETS")),
                *(
                    _named(environment, ["BETTER_AUTH_SECRET"])
                    or _named(environment, ["AUTH_SECRET"])
                ),
            ]
        ),
    )


def _numbered(name: str, secrets: object) -> list[tuple[str, object]]:
    if not isinstance(secrets, list | tuple):
        raise ConfigError(f"AuthOptions.{name} is a tuple of texts.", hint='Write ("…",).')
    given = cast("Iterable[object]", secrets)
    return [(f"AuthOptions.{name}[{at}]", secret) for at, secret in enumerate(given)]


def _named(environment: Mapping[str, str], names: Iterable[str]) -> list[tuple[str, object]]:
    return [(name, environment[name]) for name in names if name in environment]


def _versioned(text: str | None) -> list[tuple[str, object]]:
    """Read `2:secret,1:older secret`, the newest first."""
    found: list[tuple[str, object]] = []
    for entry in () if text is None else text.split(","):
        version, colon, secret = entry.partition(":")
        if not colon or not version.strip().isdecimal():
            raise ConfigError(
                "BETTER_AUTH_SECRETS cannot be read.",
                hint="It is a list `<version>:<secret>,…` with whole numbers as versions.",
            )
        found.append((f"version {int(version)} in BETTER_AUTH_SECRETS", secret.strip()))
    return found


def _checked(secrets: Iterable[tuple[str, object]]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(_bytes_of(name, secret) for name, secret in secrets))


def _bytes_of(name: str, secret: object) -> bytes:
    """Give a secret as the libraries take it: UTF-8."""
    if not isinstance(secret, str):
        raise ConfigError(f"The secret {name} must be a text.", hint=_HINT)
    if len(secret) < MIN_LENGTH:
        length = f"has {len(secret)} characters" if secret else "is empty"
        raise ConfigError(
            f"The secret {name} {length}; it must have {MIN_LENGTH} at least.", hint=_HINT
        )
    if secret == _EVERYBODYS:
        raise ConfigError(f"The secret {name} is the one printed in Better Auth.", hint=_HINT)
    try:
        return secret.encode()
    except UnicodeEncodeError:
        pass  # its text repeats the secret
    raise ConfigError(f"The secret {name} is no valid Unicode.", hint=_HINT)
