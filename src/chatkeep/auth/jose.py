"""Tokens in JOSE's compact form: opened only in the one form that a library writes.

Everything else in the standards is refused before any cryptography: other algorithms, compression,
extensions, an encrypted key, a short tag, and base64 that could be written in another way.
"""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from chatkeep.auth.refusals import RefusedError
from chatkeep.errors import ConfigError

if TYPE_CHECKING:
    from joserfc.jwe import JWERegistry
    from joserfc.jwk import OctKey

Encryption = Literal["A256CBC-HS512", "A256GCM"]

_MAX_HEADER = 512  # characters
_MEMBERS = frozenset({"alg", "enc", "kid", "typ"})
# Bytes of the key, of the initialisation vector, and of the tag.
_SIZES: Final[dict[Encryption, tuple[int, int, int]]] = {
    "A256CBC-HS512": (64, 16, 32),
    "A256GCM": (32, 12, 16),
}


def open_jwe(
    value: str, secrets: Iterable[bytes], encryption: Encryption, *, salt: str, info: str
) -> dict[str, Any]:
    """Decrypt a token with the key that each of the secrets gives, and give its claims.

    Args:
        value: Five parts, encrypted directly with a shared key.
        secrets: One of them was used; each is tried.
        encryption: The only one that is taken.
        salt: Of the derivation of the key.
        info: Of the derivation of the key.

    Raises:
        RefusedError: It is no such token, or none of the secrets opens it.
        ConfigError: `chatkeep[auth]` is not installed.
    """
    header, key, vector, _, tag = _parts(value, 5)
    _, vector_size, tag_size = _SIZES[encryption]
    if key or len(vector) != vector_size or len(tag) != tag_size:
        raise RefusedError("malformed")
    _check_header(header, {"alg": "dir", "enc": encryption})
    for secret in secrets:
        opened = _decrypted(value, derived_key(secret, encryption, salt, info), encryption)
        if opened is not None:
            return open_json(opened)
    raise RefusedError("bad_signature")


def open_jws(value: str, secrets: Iterable[bytes]) -> dict[str, Any]:
    """Verify a token that is signed with HMAC-SHA256 by one of the secrets, and give its claims.

    Raises:
        RefusedError: It is no such token, or none of the secrets signed it.
    """
    header, payload, _ = _parts(value, 3)
    _check_header(header, {"alg": "HS256"})
    signed, _, signature = value.rpartition(".")
    if not signed_by(secrets, signed.encode(), signature, to_base64url):
        raise RefusedError("bad_signature")
    return open_json(payload)


def signed_by(
    secrets: Iterable[bytes], message: bytes, signature: str, encode: Callable[[bytes], bytes]
) -> bool:
    """Tell whether one of the secrets gives this signature.

    Texts are compared, in constant time: of two ways to write the same bytes one is refused.
    """
    given = signature.encode()
    for secret in secrets:
        mac = _keyed(secret).copy()
        mac.update(message)
        if hmac.compare_digest(encode(mac.digest()), given):
            return True
    return False


@lru_cache(maxsize=16)
def _keyed(secret: bytes) -> hmac.HMAC:
    return hmac.new(secret, digestmod="sha256")


def open_json(text: bytes) -> dict[str, Any]:
    """Read the claims of an authentic token.

    Raises:
        RefusedError: They are no object.
    """
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise RefusedError("malformed") from None


def from_base64url(text: str) -> bytes:
    """Decode base64url without padding, written in the one way in which an encoder writes it.

    Raises:
        RefusedError: It is none.
    """
    given = text.encode()
    try:
        decoded = base64.urlsafe_b64decode(given + b"==")
    except binascii.Error:
        raise RefusedError("malformed") from None
    if to_base64url(decoded) != given:
        raise RefusedError("malformed")
    return decoded


def to_base64url(value: bytes) -> bytes:
    """Encode without padding."""
    return base64.urlsafe_b64encode(value).rstrip(b"=")


@lru_cache(maxsize=64)  # a handful of secrets, each for the few names that the cookies may have
def derived_key(secret: bytes, encryption: Encryption, salt: str, info: str) -> "OctKey":
    """Derive the key of a secret; it costs more than using it, so it is kept.

    Raises:
        ConfigError: `chatkeep[auth]` is not installed.
    """
    try:
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415 - an extra
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415 - the same
        from joserfc.jwk import OctKey  # noqa: PLC0415 - the same
    except ImportError as exc:
        raise ConfigError(
            "An encrypted session cookie cannot be opened: a package is missing.",
            hint="pip install 'chatkeep[auth]'",
        ) from exc
    length, _, _ = _SIZES[encryption]
    hkdf = HKDF(algorithm=SHA256(), length=length, salt=salt.encode(), info=info.encode())
    return OctKey.import_key(hkdf.derive(secret))


def _decrypted(value: str, key: "OctKey", encryption: Encryption) -> bytes | None:
    from joserfc.errors import JoseError  # noqa: PLC0415 - loaded with the key
    from joserfc.jwe import decrypt_compact  # noqa: PLC0415 - the same

    try:
        return decrypt_compact(value, key, registry=_registry(encryption)).plaintext
    except (JoseError, ValueError):
        return None


@cache
def _registry(encryption: Encryption) -> "JWERegistry":
    from joserfc.jwe import JWERegistry  # noqa: PLC0415 - loaded with the key

    return JWERegistry(algorithms=["dir", encryption])


def _parts(value: str, count: int) -> list[bytes]:
    parts = value.split(".")
    if len(parts) != count or len(parts[0]) > _MAX_HEADER:
        raise RefusedError("malformed")
    return [from_base64url(part) for part in parts]


def _check_header(text: bytes, wanted: Mapping[str, str]) -> None:
    header = open_json(text)
    if not header.keys() <= _MEMBERS or any(header.get(name) != wanted[name] for name in wanted):
        raise RefusedError("malformed")
