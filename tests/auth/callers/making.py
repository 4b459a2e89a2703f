"""Cookies made by hand, of the kinds that no library makes: to see them refused."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe
from joserfc.jwk import OctKey

SECRET = "the-secret-of-today-0123456789abcdefghij"
AUTH_JS, NEXT_AUTH = "authjs.session-token", "next-auth.session-token"
SIGNED, CACHE = "better-auth.session_token", "better-auth.session_data"

_LENGTHS = {"A256CBC-HS512": 64, "A256GCM": 32, "A128GCM": 16, "A128CBC-HS256": 32}


def claims(**more: Any) -> dict[str, Any]:
    """Those of somebody who signed in just now."""
    now = int(time.time())
    return {"sub": "u1", "iat": now, "exp": now + 86_400, "jti": "j1", **more}


def jwe_of(
    plain: Mapping[str, Any] | bytes,
    *,
    salt: str,
    info: str,
    header: Mapping[str, Any],
    secret: str = SECRET,
) -> str:
    """An encrypted token with any header."""
    hkdf = HKDF(SHA256(), _LENGTHS[header["enc"]], salt.encode(), info.encode())
    key = OctKey.import_key(hkdf.derive(secret.encode()))
    text = plain if isinstance(plain, bytes) else json.dumps(plain).encode()
    names = ["dir", "DEF", *_LENGTHS]
    registry = jwe.JWERegistry(algorithms=names, strict_check_header=False)
    return jwe.encrypt_compact(dict(header), text, key, registry=registry)


def auth_js(
    plain: Mapping[str, Any] | bytes,
    *,
    name: str = AUTH_JS,
    secret: str = SECRET,
    **header: Any,
) -> str:
    """As Auth.js 5 makes them."""
    head = {"alg": "dir", "enc": "A256CBC-HS512", **header}
    info = f"Auth.js Generated Encryption Key ({name})"
    return jwe_of(plain, salt=name, info=info, header=head, secret=secret)


def next_auth(plain: Mapping[str, Any] | bytes, *, secret: str = SECRET, **header: Any) -> str:
    """As NextAuth 4 makes them."""
    head = {"alg": "dir", "enc": "A256GCM", **header}
    info = "NextAuth.js Generated Encryption Key"
    return jwe_of(plain, salt="", info=info, header=head, secret=secret)


def url64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def jws(plain: Mapping[str, Any], header: Mapping[str, Any], digest: str = "sha256") -> str:
    """A signed token with any header."""
    signed = f"{url64(json.dumps(header).encode())}.{url64(json.dumps(plain).encode())}"
    return f"{signed}.{url64(hmac.digest(SECRET.encode(), signed.encode(), digest))}"


def signed(token: str, secret: str = SECRET) -> str:
    """As Better Auth signs a session's token, decoded."""
    mac = hmac.new(secret.encode(), token.encode(), hashlib.sha256)
    return f"{token}.{base64.b64encode(mac.digest()).decode()}"


def session_data(token: str = "t1", **session: Any) -> dict[str, Any]:
    """What Better Auth puts into its cache."""
    told = {"id": "s1", "token": token, "userId": "u1", "expiresAt": "2099-01-01T00:00:00.000Z"}
    user = {"id": "u1", "name": "Ada", "email": "ada@example.com", "image": None}
    return {"session": {**told, **session}, "user": user, "updatedAt": 1, "version": "1"}


def compact(
    data: Mapping[str, Any], expires_at: int | None = None, *, ensure_ascii: bool = False
) -> str:
    """As Better Auth writes its cache."""
    ends = int(time.time() * 1000) + 86_400_000 if expires_at is None else expires_at

    def text(value: object) -> str:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=ensure_ascii)

    mac = hmac.digest(SECRET.encode(), text({**data, "expiresAt": ends}).encode(), "sha256")
    whole = {"session": data, "expiresAt": ends, "signature": url64(mac)}
    return url64(text(whole).encode())
