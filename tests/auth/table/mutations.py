"""Cookies with something changed: none of them may sign anybody in.

`Mutator` draws from a seed, so that a failure is found again by its number.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias
from urllib.parse import quote, unquote

from auth.golden import WRONG_SECRET, Golden

Cookies: TypeAlias = dict[str, str]

# Of a cookie's own alphabet, of others that decoders may let through, and what no cookie has.
_LETTERS = (
    "ABCXYZabcxyz0189-_.+/=%~!*'() ,;\"\\\t\n\r\0\x7f\u00e9\u017f\u2024\uff21\U0001f600\u200b"
)
_ALGORITHMS = ("none", "None", "HS256", "HS512", "RS256", "dir", "A256KW", "PBES2-HS256+A128KW", "")
_ENCRYPTIONS = ("A256GCM", "A256CBC-HS512", "A128GCM", "A128CBC-HS256", "none", "")


def decoded(part: str) -> bytes | None:
    """Bytes of base64 of either alphabet, with or without padding; None where it is none."""
    plain = part.rstrip("=").translate(str.maketrans("+/", "-_"))
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None


def encoded(data: bytes) -> str:
    """In base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def base_of(name: str) -> str:
    """A cookie's name without the number of a chunk."""
    base, dot, number = name.rpartition(".")
    return base if dot and number.isdecimal() else name


class Mutator:
    """Draws mutations of golden cookies.

    Args:
        random: Where the draws come from.
        golden: The cookies to start from.
    """

    def __init__(self, random: Random, golden: Sequence[Golden]) -> None:
        self._random = random
        self._golden = golden
        self._values = [value for one in golden for value in one.cookies.values()]
        self._genuine = {unquote(value) for value in self._values}
        # Drawn evenly; what cannot be done to a cookie gives it back unchanged, and is drawn again.
        self._ways: tuple[Callable[[str], str], ...] = (
            self._replace,
            self._replace,
            self._flip_bit,
            self._swap,
            self._cut,
            self._truncate,
            self._repeat,
            self._insert,
            self._splice,
            self._splice_part,
            self._edit_head,
            self._edit_payload,
            self._sign_again,
            self._hash,
            self._case,
        )

    def of(self, golden: Golden, names: Sequence[str]) -> tuple[str, Cookies]:
        """Change one of the named cookies of a golden one; give what was done too."""
        while True:
            cookies = dict(golden.cookies)
            if len(names) > 1 and self._random.random() < 0.3:
                what = self._chunks(cookies, names)
            else:
                name = self._random.choice(list(names))
                way = self._random.choice(self._ways)
                what = way.__name__.strip("_")
                cookies[name] = way(cookies[name])
                if unquote(cookies[name]) in self._genuine - {unquote(golden.cookies[name])}:
                    continue  # somebody else's whole cookie is no mutation
            if cookies != golden.cookies:
                return what, cookies

    def _replace(self, value: str) -> str:
        at = self._random.randrange(len(value))
        return value[:at] + self._letter(value) + value[at + 1 :]

    def _letter(self, value: str) -> str:
        return self._random.choice(value if self._random.random() < 0.5 else _LETTERS)

    def _flip_bit(self, value: str) -> str:
        at = self._random.randrange(len(value))
        changed = chr(ord(value[at]) ^ (1 << self._random.randrange(8)))
        return value[:at] + changed + value[at + 1 :]

    def _swap(self, value: str) -> str:
        letters = list(value)
        one, other = (self._random.randrange(len(letters)) for _ in range(2))
        letters[one], letters[other] = letters[other], letters[one]
        return "".join(letters)

    def _cut(self, value: str) -> str:
        start = self._random.randrange(len(value))
        return value[:start] + value[start + self._random.randint(1, 8) :]

    def _truncate(self, value: str) -> str:
        end = self._random.randrange(len(value))
        return value[:end] if self._random.random() < 0.5 else value[end:]

    def _repeat(self, value: str) -> str:
        start = self._random.randrange(len(value))
        end = start + self._random.randint(1, 64)
        return value[:end] + value[start:]

    def _insert(self, value: str) -> str:
        at = self._random.choice((0, len(value), self._random.randrange(len(value))))
        return value[:at] + self._letter(value) * self._random.randint(1, 3) + value[at:]

    def _splice(self, value: str) -> str:
        other = self._random.choice(self._values)
        at = self._random.randrange(min(len(value), len(other)) or 1)
        return value[:at] + other[at:]

    def _splice_part(self, value: str) -> str:
        parts = value.split(".")
        other = self._random.choice(self._values).split(".")
        at = self._random.randrange(min(len(parts), len(other)))
        parts[at] = other[at] if self._random.random() < 0.7 else ""
        return ".".join(parts)

    def _edit_head(self, value: str) -> str:
        parts = value.split(".")
        if len(parts) not in {3, 5}:
            return value
        raw = decoded(parts[0])
        head = json.loads(raw) if raw else {}
        edits: dict[str, object] = {
            "alg": self._random.choice(_ALGORITHMS),
            "enc": self._random.choice(_ENCRYPTIONS),
            "kid": self._random.choice(("", "1", None, 1)),
            "zip": "DEF",
            "crit": self._random.choice((["b64"], [], "b64")),
            "b64": False,
            "cty": "JWT",
            "jwk": {"kty": "oct", "k": encoded(WRONG_SECRET.encode())},
        }
        for name in self._random.sample(list(edits), self._random.randint(1, 3)):
            head[name] = edits[name]
        if self._random.random() < 0.2:
            head.pop(self._random.choice(list(head)))
        parts[0] = encoded(json.dumps(head).encode())
        if self._random.random() < 0.3:
            parts[-1] = ""
        return ".".join(parts)

    def _edit_payload(self, value: str) -> str:
        """Another user in what can be read without a key."""
        other = self._random.choice(self._golden).user_id
        parts = value.split(".")
        at = 1 if len(parts) == 3 else 0
        raw = decoded(parts[at])
        try:
            found = json.loads(raw or b"")
            inner = found["session"] if at == 0 else found
            inner["session"]["userId"] = inner["user"]["id"] = other
        except (ValueError, TypeError, KeyError):
            return value
        if at == 0 and self._random.random() < 0.5:
            found["expiresAt"] += 10**9
        parts[at] = encoded(json.dumps(found, separators=(",", ":")).encode())
        return ".".join(parts)

    def _sign_again(self, value: str) -> str:
        """With a secret that is not the application's: empty, wrong, or what everybody can see."""
        token = unquote(value).rpartition(".")[0]
        if not token:
            return value
        secret = self._random.choice(("", WRONG_SECRET, token, "better-auth-secret"))
        digest = hmac.new(secret.encode(), token.encode(), hashlib.sha256).digest()
        jws = value.count(".") == 2
        made = encoded(digest) if jws else base64.b64encode(digest).decode()
        return f"{token}.{made}" if jws else quote(f"{token}.{made}", safe="")

    def _hash(self, value: str) -> str:
        """As chatkeep stores tokens: whoever reads the table must not be able to use it."""
        digest = hashlib.sha256(value.encode()).digest()
        return self._random.choice((f"sha256:{encoded(digest)}.", encoded(digest), digest.hex()))

    def _case(self, value: str) -> str:
        return self._random.choice((value.lower(), value.upper(), value.swapcase()))

    def _chunks(self, cookies: Cookies, names: Sequence[str]) -> str:
        """Chunks lost, exchanged, of another cookie, or one too many."""
        what = self._random.choice(("lost", "exchanged", "foreign", "extra"))
        one, other = self._random.sample(list(names), 2)
        base = base_of(one)
        if what == "lost":
            del cookies[one]
        elif what == "exchanged":
            cookies[one], cookies[other] = cookies[other], cookies[one]
        elif what == "foreign":
            cookies[one] = self._random.choice(self._values)
        else:
            cookies[f"{base}.{len(names) + self._random.randrange(3)}"] = cookies[one]
        return f"chunk {what}"
