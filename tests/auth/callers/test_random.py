"""Random cookies and random changes of right ones: refused, and nothing else is ever raised."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auth.callers.making import (
    AUTH_JS,
    CACHE,
    NEXT_AUTH,
    SECRET,
    SIGNED,
    auth_js,
    claims,
    compact,
    jws,
    next_auth,
    session_data,
    signed,
)
from chatkeep import AuthOptions, Database
from chatkeep.auth.auth_js_cookies import open_token
from chatkeep.auth.better_auth_cookies import cached_session, signed_token
from chatkeep.auth.cookies import CookieNames
from chatkeep.auth.refusals import RefusedError
from chatkeep.presets import deepsearch
from fixtures.servers import Databases, PgServer

SECRETS = (SECRET.encode(),)
NAMES = CookieNames({})
BASES = (AUTH_JS, NEXT_AUTH, SIGNED, CACHE, "chatkeep.session")
ENDS = ("", ".0", ".1", ".2", ".00", ".x")

READERS: dict[str, tuple[str, Callable[[str], object]]] = {
    "auth.js": (
        auth_js(claims(name="Ada")),
        lambda value: open_token("auth.js-jwt", AUTH_JS, value, SECRETS),
    ),
    "next-auth": (
        next_auth(claims(name="Ada")),
        lambda value: open_token("next-auth-jwt", NEXT_AUTH, value, SECRETS),
    ),
    "signed": (signed("t1"), lambda value: signed_token(value, SECRETS)),
    "compact": (
        compact(session_data()),
        lambda value: cached_session(value, "t1", SECRETS, timedelta(seconds=15)),
    ),
    "jwt": (
        jws({**claims(), **session_data()}, {"alg": "HS256"}),
        lambda value: cached_session(value, "t1", SECRETS, timedelta(seconds=15)),
    ),
}
SIGNS = st.characters(min_codepoint=32, max_codepoint=126)
LETTERS = st.sampled_from("ABCDwxyz0189-_+/=.%")


@st.composite
def changed(draw: st.DrawFn, right: str) -> str:
    """A right value with something exchanged, put in, taken out, cut, doubled or moved."""
    at, to = sorted(draw(st.tuples(*[st.integers(0, len(right))] * 2)))
    piece = draw(st.text(SIGNS | LETTERS, max_size=6))
    return draw(
        st.sampled_from(
            [
                right[:at] + piece + right[at + len(piece) :],
                right[:at] + piece + right[at:],
                right[:at] + right[to:],
                right[:at] + right[at:to] * 2 + right[to:],
                right[to:] + right[at:to] + right[:at],
                right[:at] + right[at:to].swapcase() + right[to:],
                right[:at],
            ]
        )
    )


@pytest.mark.parametrize("kind", READERS)
def test_right_values_are_read(kind: str) -> None:
    value, read = READERS[kind]
    assert read(value)


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_changed_values_are_refused(kind: str, data: st.DataObject) -> None:
    right, read = READERS[kind]
    value = data.draw(changed(right))
    if value != right:
        with pytest.raises(RefusedError):
            read(value)


@pytest.mark.parametrize("kind", READERS)
@settings(max_examples=100, deadline=None)
@given(
    value=st.text(SIGNS | LETTERS)
    | st.from_regex(r"eyJ[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){0,5}", fullmatch=True)
)
def test_random_values_are_refused(kind: str, value: str) -> None:
    with pytest.raises(RefusedError):
        READERS[kind][1](value)


@settings(max_examples=200, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from(["", "__Secure-", "__Host-"]),
            st.sampled_from(BASES),
            st.sampled_from(ENDS),
            st.text(max_size=20),
        ),
        max_size=8,
    )
    | st.text().map(lambda text: [("", "", "", text)])
)
def test_random_headers_are_read(pairs: list[tuple[str, str, str, str]]) -> None:
    header = ";".join(f"{prefix}{base}{end}={value}" for prefix, base, end, value in pairs)
    mapping = {f"{prefix}{base}{end}": value for prefix, base, end, value in pairs}
    for cookies in (header, mapping):
        for cookie in NAMES.pick(cookies).values():
            try:
                value = cookie.value()
            except RefusedError:
                continue
            assert value.isascii()
            assert value.isprintable()


async def test_random_cookies_sign_nobody_in(
    pg18: PgServer, fresh_database: Callable[[PgServer], Databases]
) -> None:
    """Nor raise anything, whatever reaches the database."""
    schema: Any = deepsearch.schema()
    url = await fresh_database(pg18).holding(schema)
    options = AuthOptions(
        auth_secrets=(SECRET,), better_auth_secrets=(SECRET,), trust_cookie_cache=True
    )
    drawn: list[dict[str, str]] = []

    @settings(max_examples=200, deadline=None, database=None)
    @given(
        st.dictionaries(
            st.builds("{}{}".format, st.sampled_from(BASES), st.sampled_from(ENDS)),
            st.text() | st.binary(max_size=60).map(lambda data: data.decode("latin-1")),
            min_size=1,
            max_size=4,
        )
    )
    def draw(cookies: dict[str, str]) -> None:
        drawn.append(cookies)

    draw()
    async with Database(schema, url, auth=options) as db:
        for cookies in drawn:
            assert await db.auth.session_from_cookies(cookies) is None
