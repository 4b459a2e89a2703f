"""Whether the time of a refusal tells where a signature is wrong: a test in the manner of dudect.

In each round there is a new cookie with the first byte of its signature (or tag) wrong, one with the
byte in the middle and one with the last, in an order drawn anew, alike in all else. Whole calls of
`session_from_cookies` are timed one by one (of a cookie cache, which is only read where the session's
own cookie holds, the reading of the cache). Compared are the differences within the rounds, by Student's t, with the greatest 0, 1, 5, 10,
25 and 50 percent left out (they are the machine's). The greatest |t| counts. dudect takes 10 for
certain and 4.5 for a suspicion.

Two controls: the last byte against the last byte in another cookie (nothing to be found), and a
comparison that stops at the first difference (must be found).
"""

import base64
import hashlib
import hmac
import json
import logging
import random
import statistics
import time
from array import array
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe, jwk

from chatkeep import AuthOptions, Database
from chatkeep.auth.better_auth_cookies import cached_session
from chatkeep.auth.refusals import RefusedError
from chatkeep.presets import deepsearch, maps

SECRET = "a-secret-of-the-benchmark-0123456789abcdef"
PLACES = ("first", "middle", "last", "last again")
CROPS = (1.0, 0.99, 0.95, 0.90, 0.75, 0.50)
SUSPICION = 4.5
_LATER = 4_000_000_000  # seconds since 1970
_NOWHERE = "postgresql://nobody@127.0.0.1:1/none"  # what is refused is never sent

Call = Callable[[Mapping[str, str]], Awaitable[object]]


@dataclass(frozen=True)
class Kind:
    """A cookie with a signature, as bytes, and how it is put together."""

    name: str
    call: Call
    signature: bytes
    cookies: Callable[[bytes], dict[str, str]]


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def kinds() -> list[Kind]:
    """Each kind that is checked by a secret."""
    auth_js = Database(
        deepsearch.schema(), _NOWHERE, auth=AuthOptions(auth_secrets=(SECRET,))
    ).auth.session_from_cookies
    better = Database(
        maps.schema(), _NOWHERE, auth=AuthOptions(better_auth_secrets=(SECRET,))
    ).auth.session_from_cookies
    return [
        _jwe("Auth.js 5 JWT", auth_js, "authjs.session-token", "A256CBC-HS512"),
        _jwe("NextAuth 4 JWT", auth_js, "next-auth.session-token", "A256GCM"),
        _signed(better),
        _compact(),
        _jwt(),
    ]


async def read_cache(cookies: Mapping[str, str]) -> object:
    """A cookie cache, as it is read once the session's own cookie holds."""
    value = cookies["better-auth.session_data"]
    try:
        return cached_session(value, "t", (SECRET.encode(),), timedelta())
    except RefusedError:
        return None


def _jwe(name: str, call: Call, cookie: str, encryption: str) -> Kind:
    is_five = encryption == "A256CBC-HS512"
    info = f"Auth.js Generated Encryption Key ({cookie})"
    key = HKDF(
        SHA256(),
        64 if is_five else 32,
        cookie.encode() if is_five else b"",
        info.encode() if is_five else b"NextAuth.js Generated Encryption Key",
    ).derive(SECRET.encode())
    head = {"alg": "dir", "enc": encryption}
    claims = {"sub": "user", "exp": _LATER, "iat": 1}
    made = jwe.encrypt_compact(head, json.dumps(claims), jwk.OctKey.import_key(key))
    front, tag = made.rsplit(".", 1)
    return Kind(
        name,
        call,
        base64.urlsafe_b64decode(tag + "=="),
        lambda signature: {cookie: f"{front}.{url64(signature)}"},
    )


def _signed(call: Call) -> Kind:
    token = "Cff00kqbGTxkPuuPRgwVEw1wb6Jnluc5"

    def cookies(signature: bytes) -> dict[str, str]:
        # Decoded, as some frameworks give it: how long percent signs take to decode depends on the
        # letters around them (10 ns), which are the sender's own and tell nothing.
        return {"better-auth.session_token": f"{token}.{base64.b64encode(signature).decode()}"}

    return Kind("Better Auth, signed cookie", call, _mac(token), cookies)


def _mac(text: str) -> bytes:
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()


def _cached() -> dict[str, object]:
    session = {"id": "s", "token": "t", "userId": "u", "expiresAt": "2096-01-01T00:00:00.000Z"}
    return {"session": session, "user": {"id": "u"}, "updatedAt": 1, "version": "1"}


def _compact() -> Kind:
    data = _cached()
    until = _LATER * 1000

    def cookies(signature: bytes) -> dict[str, str]:
        whole = {"session": data, "expiresAt": until, "signature": url64(signature)}
        text = json.dumps(whole, separators=(",", ":"))
        return {"better-auth.session_data": url64(text.encode())}

    text = json.dumps({**data, "expiresAt": until}, separators=(",", ":"))
    return Kind("Better Auth, cache (compact)", read_cache, _mac(text), cookies)


def _jwt() -> Kind:
    claims = {**_cached(), "iat": 1, "exp": _LATER}
    parts = ({"alg": "HS256"}, claims)
    front = ".".join(url64(json.dumps(part).encode()) for part in parts)
    return Kind(
        "Better Auth, cache (jwt)",
        read_cache,
        _mac(front),
        lambda signature: {"better-auth.session_data": f"{front}.{url64(signature)}"},
    )


def stopping(kind: Kind) -> Kind:
    """The control: compares byte by byte, and stops."""
    name, right = next(iter(kind.cookies(kind.signature).items()))

    async def call(cookies: Mapping[str, str]) -> object:
        for one, other in zip(cookies[name], right, strict=False):
            if one != other:
                return None
        return right

    return Kind("control: stops at the first difference", call, kind.signature, kind.cookies)


def places(kind: Kind) -> dict[str, int]:
    """Which byte is wrong."""
    size = len(kind.signature)
    return dict(zip(PLACES, (0, size // 2, size - 1, size - 1), strict=True))


def _changed(signature: bytes, at: int, mask: int) -> bytes:
    return signature[:at] + bytes([signature[at] ^ mask]) + signature[at + 1 :]


async def timed(kind: Kind, rounds: int) -> "dict[str, array[int]]":
    """Nanoseconds of each call by place; every place has its turn in each round."""
    draw = random.Random(11)
    at = places(kind)
    times = {place: array("q") for place in PLACES}
    clock = time.perf_counter_ns
    order = list(PLACES)
    for number in range(rounds + rounds // 10):
        draw.shuffle(order)
        given = [  # made anew: the same texts would each have their own place in memory
            kind.cookies(_changed(kind.signature, at[place], draw.randrange(1, 256)))
            for place in order
        ]
        for place, cookies in zip(order, given, strict=True):
            start = clock()
            found = await kind.call(cookies)
            took = clock() - start
            if found is not None:
                raise RuntimeError(f"{kind.name}: a wrong signature was accepted")
            if number >= rounds // 10:
                times[place].append(took)
    return times


def greatest_t(one: Sequence[int], other: Sequence[int]) -> float:
    """Student's t of the differences within the rounds, the greatest of the crops."""
    differences = sorted((a - b for a, b in zip(one, other, strict=True)), key=abs)
    found = 0.0
    for crop in CROPS:
        kept = differences[: int(len(differences) * crop)]
        mean = statistics.fmean(kept)
        spread = statistics.fmean((value - mean) ** 2 for value in kept)
        if spread:
            found = max(found, abs(mean) * sqrt(len(kept) / spread))
    return found


async def measured(rounds: int) -> str:
    """Time every kind and both controls; give the table."""
    logger = logging.getLogger("chatkeep.auth")
    level, silent = logger.level, logging.CRITICAL
    logger.setLevel(silent)
    lines = [
        f"{rounds:,} calls a place and kind. t: the greatest of six crops; over {SUSPICION} is a suspicion.",
        "",
        "| kind | first, p50 | middle, p50 | last, p50 | t, first and last | t, first and middle | t, last and last |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    try:
        every = kinds()
        for kind in every:
            if kind.call is read_cache and await kind.call(kind.cookies(kind.signature)) is None:
                raise RuntimeError(f"{kind.name}: the right signature was refused")
        for kind in [*every, stopping(every[2])]:
            times = await timed(kind, rounds)
            medians = [statistics.median(times[place]) / 1e3 for place in PLACES[:3]]
            pairs = [("first", "last"), ("first", "middle"), ("last", "last again")]
            found = [greatest_t(times[one], times[other]) for one, other in pairs]
            cells = [f"{value:.2f} µs" for value in medians] + [f"{t:.1f}" for t in found]
            lines.append(f"| {kind.name} | " + " | ".join(cells) + " |")
    finally:
        logger.setLevel(level)
    return "\n".join(lines)
