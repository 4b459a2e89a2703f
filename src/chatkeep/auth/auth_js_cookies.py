"""The encrypted cookies of Auth.js 5 and NextAuth 4; a cookie of theirs may also be a plain token."""

from collections.abc import Sequence
from typing import Any, Literal

from chatkeep.auth.jose import open_jwe
from chatkeep.auth.refusals import RefusedError

AuthJsLibrary = Literal["auth.js", "next-auth"]
AuthJsJwt = Literal["auth.js-jwt", "next-auth-jwt"]


def is_jwt(value: str) -> bool:
    """Tell a token of JOSE's, which begins with an object in base64, from one of the database."""
    return value.startswith("eyJ") and value.count(".") == 4


def open_token(kind: AuthJsJwt, name: str, value: str, secrets: Sequence[bytes]) -> dict[str, Any]:
    """Decrypt a JWT and give its claims.

    Args:
        kind: Which library made it.
        name: Of its cookie, from which Auth.js derives the key: with prefix, without chunk.
        value: The token.
        secrets: One of them was used.

    Raises:
        RefusedError: There is no secret, or none of them opens it.
        ConfigError: `chatkeep[auth]` is not installed.
    """
    if not secrets:
        raise RefusedError("no_secret")
    if kind == "auth.js-jwt":
        info = f"Auth.js Generated Encryption Key ({name})"
        return open_jwe(value, secrets, "A256CBC-HS512", salt=name, info=info)
    return open_jwe(value, secrets, "A256GCM", salt="", info="NextAuth.js Generated Encryption Key")
