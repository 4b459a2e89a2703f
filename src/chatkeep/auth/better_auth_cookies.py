"""Better Auth's cookies: the signed one with a session's token, and the cache of the session."""

import base64
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from chatkeep.auth.claims import check_times, user_id_of, without_secrets
from chatkeep.auth.jose import (
    from_base64url,
    open_json,
    open_jwe,
    open_jws,
    signed_by,
    to_base64url,
)
from chatkeep.auth.refusals import RefusedError

_SIGNATURE = 44  # characters: 32 bytes in base64, with its padding
_SALT, _INFO = "better-auth-session", "BetterAuth.js Generated Encryption Key"
# As `JSON.stringify` writes it. What is signed is the session with `expiresAt` as its last member:
# cut out of the text itself, since no other writer's numbers and escapes are sure to be the same.
_COMPACT = re.compile(
    rb'\{"session":(\{.*)\},"expiresAt":([0-9]{1,16}),"signature":"([A-Za-z0-9_-]{43})"\}',
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class CachedSession:
    """What an authentic cache says of the session."""

    user_id: str
    session_id: str
    expires: datetime
    claims: dict[str, Any] = field(repr=False)


def signed_token(value: str, secrets: Sequence[bytes]) -> str:
    """Give the token of a signed cookie.

    Raises:
        RefusedError: There is no secret, or none of them signed it.
    """
    if not secrets:
        raise RefusedError("no_secret")
    token, _, signature = value.rpartition(".")
    if not token or len(signature) != _SIGNATURE:
        raise RefusedError("malformed")
    if not signed_by(secrets, token.encode(), signature, base64.b64encode):
        raise RefusedError("bad_signature")
    return token


def cached_session(
    value: str, token: str, secrets: Sequence[bytes], tolerance: timedelta
) -> CachedSession:
    """Read a cookie cache: compact, signed or encrypted, as the library's strategies are.

    Args:
        value: Of the cookie.
        token: Of the signed cookie beside it: as in the library, a cache without it is worth
            nothing, and one of another session neither.
        secrets: One of them was used.
        tolerance: How far the clocks may be apart.

    Raises:
        RefusedError: It is not authentic, has ended, or is another session's.
        ConfigError: `chatkeep[auth]` is not installed.
    """
    dots = value.count(".")
    if dots == 0:
        said = _open_compact(value, secrets)
    elif dots == 2:
        said = open_jws(value, secrets)
    else:
        said = open_jwe(value, secrets, "A256CBC-HS512", salt=_SALT, info=_INFO)
    check_times(said, tolerance)
    session, user = _object(said, "session"), _object(said, "user")
    return _checked(session, user, token, tolerance)


def _open_compact(value: str, secrets: Sequence[bytes]) -> dict[str, Any]:
    match = _COMPACT.fullmatch(from_base64url(value))
    if match is None:
        raise RefusedError("malformed")
    session, milliseconds, signature = match.groups()
    signed = b'%b,"expiresAt":%b}' % (session, milliseconds)
    if not signed_by(secrets, signed, signature.decode(), to_base64url):
        raise RefusedError("bad_signature")
    return {**open_json(signed), "exp": int(milliseconds) / 1000}


def _checked(
    session: dict[str, Any], user: dict[str, Any], token: str, tolerance: timedelta
) -> CachedSession:
    user_id, named = user_id_of(user.get("id")), session.get("token")
    if not isinstance(named, str) or session.get("userId") != user_id:
        raise RefusedError("malformed")
    if not hmac.compare_digest(named.encode(errors="replace"), token.encode()):
        raise RefusedError("other_session")
    expires = _moment(session.get("expiresAt"))
    if expires <= datetime.now(UTC) - tolerance:
        raise RefusedError("expired")
    return CachedSession(user_id, user_id_of(session.get("id")), expires, _claims(user))


def _claims(user: dict[str, Any]) -> dict[str, Any]:
    """Give the user under the names that JWTs have for them."""
    said = without_secrets(user)
    said.pop("id", None)
    if "image" in said:
        said["picture"] = said.pop("image")
    return said


def _object(said: dict[str, Any], name: str) -> dict[str, Any]:
    value = said.get(name)
    if not isinstance(value, dict):
        raise RefusedError("malformed")
    return cast("dict[str, Any]", value)


def _moment(text: object) -> datetime:
    try:
        moment = datetime.fromisoformat(cast("str", text))
        if moment.tzinfo is not None:
            return moment
    except (TypeError, ValueError):
        pass
    raise RefusedError("malformed")
