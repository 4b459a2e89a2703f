"""Keys for providers' tokens at rest: from `AuthOptions(token_keys=...)`, or CHATKEEP_TOKEN_KEYS.

The variable holds `id:key` with commas between, the newest first; a key is 32 bytes in base64, of
either alphabet:

    CHATKEEP_TOKEN_KEYS="2026b:q83vEjRWeJ...=,2026a:mZ7oN..."
"""

import base64
import binascii
import os
import re
from collections.abc import Mapping

from chatkeep.errors import ConfigError

VARIABLE = "CHATKEEP_TOKEN_KEYS"
KEY_BYTES = 32
KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,32}")

_ID_HINT = "An id has 1 to 32 of the characters A-Z a-z 0-9 _ . -, such as 2026a."
_KEY_HINT = "`openssl rand -base64 32` prints a key."


def token_keys(given: Mapping[str, bytes]) -> dict[str, bytes]:
    """Give the keys by their ids, the newest first; none where nothing is configured.

    Args:
        given: Of the options; empty reads the environment.

    Raises:
        ConfigError: An id or a key cannot be used, or occurs twice. The key is not repeated.
    """
    where = "AuthOptions.token_keys" if given else VARIABLE
    _check_mapping(where, given)
    keys = dict(given) if given else _from_text(os.environ.get(VARIABLE, ""))
    ids: dict[bytes, str] = {}
    for number, (key_id, key) in enumerate(keys.items(), 1):
        _check(where, number, key_id, key)
        if key in ids:
            raise ConfigError(
                f'{where}: "{ids[key]}" and "{key_id}" are the same key.',
                hint=f"A new id needs a new key. {_KEY_HINT}",
            )
        ids[key] = key_id
    return keys


def _check_mapping(where: str, given: object) -> None:
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where} is a mapping of ids to keys.", hint=_KEY_HINT)


def _check(where: str, number: int, key_id: object, key: object) -> None:
    if not isinstance(key_id, str) or not KEY_ID.fullmatch(key_id):
        # It is not shown: it may be the key, in the wrong place.
        raise ConfigError(f"{where}: the id of entry {number} cannot be used.", hint=_ID_HINT)
    if not isinstance(key, bytes):
        raise ConfigError(f'{where}: the key "{key_id}" is not of bytes.', hint=_KEY_HINT)
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f'{where}: the key "{key_id}" has {len(key)} bytes, not {KEY_BYTES}.', hint=_KEY_HINT
        )


def _from_text(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(text.split(",") if text.strip() else (), 1):
        key_id, colon, encoded = entry.strip().partition(":")
        if not colon or not KEY_ID.fullmatch(key_id):
            raise ConfigError(
                f"{VARIABLE}: entry {number} is not id:key.",
                hint=f"{_ID_HINT} Entries have a comma between, the newest first.",
            )
        if key_id in keys:
            raise ConfigError(f'{VARIABLE}: the id "{key_id}" occurs twice.')
        keys[key_id] = _decoded(key_id, encoded)
    return keys


def _decoded(key_id: str, encoded: str) -> bytes:
    text = encoded.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        pass
    # Outside of the except: the error would hold what was configured.
    raise ConfigError(f'{VARIABLE}: the key "{key_id}" is not base64.', hint=_KEY_HINT)
