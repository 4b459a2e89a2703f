"""What an authentic token says: who, from when until when, and what beside."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from chatkeep.auth.refusals import RefusedError
from chatkeep.errors import InvalidInputError
from chatkeep.inputs.text import check_id

# Told by fields of the session, or of no use outside of the token.
_OWN_FIELDS: Final = frozenset({"sub", "exp", "nbf", "iat", "jti"})
# Applications put their providers' tokens into JWTs: `accessToken`, `refresh_token`, `apiKey`.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SECRET_WORDS: Final = frozenset(
    {
        "authorization",
        "bearer",
        "cookie",
        "cookies",
        "credential",
        "credentials",
        "jwt",
        "key",
        "keys",
        "otp",
        "passcode",
        "passphrase",
        "passwd",
        "pwd",
        "totp",
    }
)
_SECRET_ENDS: Final = ("apikey", "password", "secret", "secrets", "token", "tokens")


def check_times(claims: Mapping[str, Any], tolerance: timedelta) -> datetime:
    """Compare a token's times with the clock, and give when it ends.

    Raises:
        RefusedError: It has ended, or not begun, or does not say when it ends.
    """
    now, expires = datetime.now(UTC), _time(claims, "exp")
    if expires is None:
        raise RefusedError("malformed")
    if expires <= now - tolerance:
        raise RefusedError("expired")
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and begins > now + tolerance:
            raise RefusedError("not_yet_valid")
    return expires


def user_id_of(value: object) -> str:
    """Give a user's id.

    Raises:
        RefusedError: It can be none.
    """
    try:
        return check_id(value, "sub")
    except InvalidInputError:
        raise RefusedError("malformed") from None


def text_or_none(value: object) -> str | None:
    """Give a text, or None for anything else."""
    return value if isinstance(value, str) else None


def without_secrets(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Give the claims that an application may show, at every depth without what is named a secret.

    Raises:
        RefusedError: They are nested too deeply.
    """
    try:
        return {
            name: _cleaned(value)
            for name, value in claims.items()
            if name not in _OWN_FIELDS and not _is_secret(name)
        }
    except RecursionError:
        pass
    raise RefusedError("malformed")


def _cleaned(value: object) -> object:
    if isinstance(value, dict):
        inner = cast("dict[str, object]", value)
        return {name: _cleaned(item) for name, item in inner.items() if not _is_secret(name)}
    if isinstance(value, list):
        return [_cleaned(item) for item in cast("list[object]", value)]
    return value


def _is_secret(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    return any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words)


def _time(claims: Mapping[str, Any], name: str) -> datetime | None:
    seconds = claims.get(name)
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise RefusedError("malformed")
    try:
        if math.isfinite(seconds):
            return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        pass
    raise RefusedError("malformed")
