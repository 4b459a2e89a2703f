"""Better Auth's own encryption of tokens: `account: { encryptOAuthTokens: true }`.

A value is XChaCha20-Poly1305 under the SHA-256 of a secret, the nonce in front, in hexadecimal; with
versioned secrets `$ba$<version>$` stands before it. It is opened and written here with libsodium by
`pynacl`, so that Better Auth in Node reads what we store.
"""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING

from chatkeep.errors import ConfigError

if TYPE_CHECKING:
    from types import ModuleType

_NONCE_BYTES = 24
_TAG_BYTES = 16
# Of an access token of one byte at least. Shorter ones are providers' own tokens in hexadecimal.
_FEWEST_DIGITS = 2 * (_NONCE_BYTES + _TAG_BYTES + 1)
_VERSIONED = re.compile(r"(\$ba\$[0-9]+\$)((?:[0-9a-fA-F]{2})+)")
_BARE = re.compile(r"()((?:[0-9a-fA-F]{2})+)")

# The same for PostgreSQL, for values that are not NULL.
PATTERN = rf"^(\$ba\$|([0-9a-fA-F][0-9a-fA-F]){{{_FEWEST_DIGITS // 2},}}$)"
"""A regular expression of PostgreSQL for what Better Auth encrypted, or looks so to it."""


@dataclass(frozen=True, slots=True)
class Style:
    """How Better Auth encrypted a row's tokens: what it writes must be the same to be read there.

    Attributes:
        prefix: `$ba$<version>$`, or nothing.
        secret: That opened them.
    """

    prefix: str
    secret: bytes = field(repr=False)


def is_better_auths(stored: str) -> bool:
    """Whether Better Auth encrypted it, as far as one can see: long hexadecimal, or its prefix."""
    if stored.startswith("$ba$"):
        return True
    return len(stored) >= _FEWEST_DIGITS and _BARE.fullmatch(stored) is not None


def opened(stored: str, known: Sequence[bytes]) -> tuple[str, Style] | None:
    """Open a value of Better Auth with any of its secrets; None where none of them opens it.

    Raises:
        ConfigError: `pynacl` is not installed.
    """
    match = _VERSIONED.fullmatch(stored) or _BARE.fullmatch(stored)
    if match is None or len(match[2]) < _FEWEST_DIGITS:
        return None
    payload = bytes.fromhex(match[2])
    nonce, sealed = payload[:_NONCE_BYTES], payload[_NONCE_BYTES:]
    nacl = _nacl()
    from nacl.exceptions import CryptoError  # noqa: PLC0415 - an extra, which is there by now

    for secret in known:
        try:
            token: bytes = nacl.crypto_aead_xchacha20poly1305_ietf_decrypt(
                sealed, None, nonce, sha256(secret).digest()
            )
        except CryptoError:
            continue
        return token.decode("utf-8", "replace"), Style(match[1], secret)
    return None


def encrypted(token: str, style: Style) -> str:
    """Encrypt a token as Better Auth encrypted others of the row."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed: bytes = _nacl().crypto_aead_xchacha20poly1305_ietf_encrypt(
        token.encode(), None, nonce, sha256(style.secret).digest()
    )
    return f"{style.prefix}{(nonce + sealed).hex()}"


def _nacl() -> "ModuleType":
    try:
        from nacl import bindings  # noqa: PLC0415 - an extra, for this alone
    except ImportError as exc:
        raise ConfigError(
            "Better Auth encrypted this token, and `pynacl` is not installed.",
            hint='pip install "chatkeep[auth]"',
        ) from exc
    return bindings
