"""Providers' tokens, sealed before they are stored and opened when they are read.

A sealed value says who sealed it, with which key, and holds the rest in one piece:

    chatkeep:v1:<key id>:<base64url of nonce, ciphertext and tag>

It begins with our name and not with `enc:`, which others write too: what another program encrypted
in the same column is not taken for ours. It is AES-256-GCM with a nonce of 96 random bits, good for
4 billion values under one key. Version, key id, table, column, provider and the provider's own id
of the account are associated data: a value that was moved to another row or column does not open.
The user is no part of it: the row keeps its tokens when two users become one.
"""

import base64
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from chatkeep.auth.account_table import TOKENS
from chatkeep.auth.token_keys import KEY_ID, token_keys
from chatkeep.errors import ConfigError, InvalidInputError, TokensAtRestError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "chatkeep:v1:"

_NONCE_BYTES = 12
_TAG_BYTES = 16
_SHORTEST = -(-(_NONCE_BYTES + _TAG_BYTES) * 4 // 3)  # letters of an empty token's payload


class Place(NamedTuple):
    """Where a token is stored.

    Attributes:
        column: Name of the column.
        provider: Of the account.
        account: The provider's own id of the account.
    """

    column: str
    provider: str
    account: str


class _Account(Protocol):
    """An account as Auth.js shapes it; its tokens are written when they are opened."""

    provider: str
    provider_account_id: str
    access_token: str | None
    refresh_token: str | None
    id_token: str | None


AccountT = TypeVar("AccountT", bound=_Account)


class TokenSealing:
    """Seals and opens tokens with the configured keys. Its repr names no key.

    Without keys nothing is sealed, and what is not sealed passes.

    Attributes:
        key_ids: Of the keys, the newest first.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Take the keys; empty reads the environment.

        Raises:
            ConfigError: A key cannot be used, or `cryptography` is not installed.
        """
        checked = token_keys(keys)
        self.key_ids = tuple(checked)
        self._ciphers = {key_id: _cipher(key) for key_id, key in checked.items()}

    def seal(self, token: str, place: Place) -> str:
        """Seal a token with the newest key; without keys it stays as it is."""
        if not self.key_ids:
            return token
        key_id = self.key_ids[0]
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[key_id].encrypt(nonce, token.encode(), _bound_to(key_id, place))
        return f"{PREFIX}{key_id}:{_text(nonce + sealed)}"

    def open(self, stored: str, place: Place) -> str:
        """Open what is stored; what is not sealed passes as it is.

        Raises:
            TokensAtRestError: Its key is not configured, or it does not open: it was changed,
                moved, or sealed with another key of this id.
        """
        if not stored.startswith(PREFIX):
            return stored
        key_id, payload = _parsed(stored, place)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise TokensAtRestError(
                f'The account\'s {place.column} is sealed with the key "{key_id}", which is not '
                "configured.",
                hint="Add it to CHATKEEP_TOKEN_KEYS or AuthOptions.token_keys, behind the newest.",
            )
        opened = _decrypted(cipher, payload, _bound_to(key_id, place))
        if opened is None:
            raise TokensAtRestError(
                f'The account\'s {place.column} does not open with the key "{key_id}".',
                hint="It was changed, moved here from another row or column, or sealed with another "
                "key of this id.",
            )
        return opened

    def sealed(
        self, values: dict[str, object], provider: object, provider_account_id: object
    ) -> dict[str, object]:
        """Give values of a row, by column, as they are to be stored.

        Raises:
            InvalidInputError: The key of the row is no text, or a token is sealed already.
        """
        if not self.key_ids or not any(values.get(column) is not None for column in TOKENS):
            return values
        if not isinstance(provider, str) or not isinstance(provider_account_id, str):
            field = "provider_account_id" if isinstance(provider, str) else "provider"
            raise InvalidInputError(f"{field} must be text.", field=field)
        stored = dict(values)
        for column in TOKENS:
            token = values.get(column)
            if isinstance(token, str):
                if token.startswith(PREFIX):
                    raise InvalidInputError(
                        f"{column} is sealed already.",
                        hint="A statement of your own gives what is stored; `db.accounts` and "
                        "`db.auth.provider_tokens` give the token.",
                        field=column,
                    )
                stored[column] = self.seal(token, Place(column, provider, provider_account_id))
        return stored

    def opened(self, account: AccountT) -> AccountT:
        """Open the tokens of an account that was just read, in place.

        Raises:
            TokensAtRestError: One cannot be opened.
        """
        token = account.access_token
        if token is not None and token.startswith(PREFIX):
            account.access_token = self.open(token, _place(account, "access_token"))
        token = account.refresh_token
        if token is not None and token.startswith(PREFIX):
            account.refresh_token = self.open(token, _place(account, "refresh_token"))
        token = account.id_token
        if token is not None and token.startswith(PREFIX):
            account.id_token = self.open(token, _place(account, "id_token"))
        return account


def sealed_with(stored: str) -> str | None:
    """Give the id of the key of a sealed value, `""` where it is no whole one, None of any other."""
    if not stored.startswith(PREFIX):
        return None
    key_id = stored[len(PREFIX) :].partition(":")[0]
    return key_id if KEY_ID.fullmatch(key_id) else ""


def _place(account: _Account, column: str) -> Place:
    return Place(column, account.provider, account.provider_account_id)


def _bound_to(key_id: str, place: Place) -> bytes:
    """Give the associated data: each part after its length, so that no two places look alike."""
    parts = [f"{PREFIX}{key_id}", "accounts", place.column, place.provider, place.account]
    # A lone surrogate is refused when it is sent, by name; here it only must not break.
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _parsed(stored: str, place: Place) -> tuple[str, bytes]:
    """Split a sealed value into key id and payload.

    Raises:
        TokensAtRestError: It is no whole sealed value.
    """
    key_id, _, text = stored[len(PREFIX) :].partition(":")
    if KEY_ID.fullmatch(key_id) and len(text) >= _SHORTEST and text.isascii():
        try:
            payload = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            payload = b""
        # Only one text stands for these bytes: unused bits and foreign letters are refused too.
        if _text(payload) == text:
            return key_id, payload
    raise TokensAtRestError(
        f"The account's {place.column} begins like a sealed value, and is no whole one.",
        hint="It was cut off or changed; let the person sign in with the provider again.",
    )


def _decrypted(cipher: "AESGCM", payload: bytes, bound_to: bytes) -> str | None:
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - there is a cipher: it is loaded

    try:
        return cipher.decrypt(payload[:_NONCE_BYTES], payload[_NONCE_BYTES:], bound_to).decode()
    except InvalidTag:
        return None


def _text(payload: bytes) -> str:
    return base64.urlsafe_b64encode(payload).rstrip(b"=").decode()


def _cipher(key: bytes) -> "AESGCM":
    try:
        from cryptography.hazmat.primitives.ciphers.aead import (  # noqa: PLC0415 - an extra, only with keys
            AESGCM,
        )
    except ImportError as exc:
        raise ConfigError(
            "Keys for tokens at rest are configured, and `cryptography` is not installed.",
            hint='pip install "chatkeep[auth]"',
        ) from exc
    return AESGCM(key)
