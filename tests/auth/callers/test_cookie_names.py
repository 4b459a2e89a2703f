"""Which cookies of a request count, and how they are put together."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from chatkeep import ConfigError, InvalidInputError
from chatkeep.auth.cookies import MAX_HEADER, MAX_VALUE, CookieNames
from chatkeep.auth.refusals import RefusedError

NAMES = CookieNames({})


def values(cookies: object, names: CookieNames = NAMES) -> dict[str, str]:
    """What each library's cookie says, or why it is refused."""
    found: dict[str, str] = {}
    for library, cookie in names.pick(cookies).items():
        try:
            found[library] = cookie.value()
        except RefusedError as exc:
            found[library] = f"refused: {exc.reason}"
    return found


@pytest.mark.parametrize(
    ("cookies", "found"),
    [
        ({}, {}),
        ("", {}),
        ({"theme": "dark", "authjs.callback-url": "x", "authjs.session-tokens": "x"}, {}),
        ({"authjs.session-token": ""}, {}),
        ({"authjs.session-token": "a"}, {"auth.js": "a"}),
        (MappingProxyType({"authjs.session-token": "a"}), {"auth.js": "a"}),
        ("a=b; authjs.session-token=a", {"auth.js": "a"}),
        ('authjs.session-token="a";b', {"auth.js": "a"}),
        ("\tauthjs.session-token = a ;", {"auth.js": "a"}),
        ({"__Secure-next-auth.session-token": "a"}, {"next-auth": "a"}),
        ({"__Host-chatkeep.session": "a"}, {"chatkeep": "a"}),
        ({"__host-chatkeep.session": "a"}, {}),
        (
            (
                "next-auth.session-token=n;better-auth.session_data=d;better-auth.session_token=b;"
                "authjs.session-token=a;chatkeep.session=c"
            ),
            {
                "chatkeep": "c",
                "better-auth": "b",
                "auth.js": "a",
                "next-auth": "n",
                "better-auth-cache": "d",
            },
        ),
    ],
)
def test_found(cookies: object, found: dict[str, str]) -> None:
    assert values(cookies) == found


def test_order_is_fixed() -> None:
    """Whatever the request's is."""
    names = ["next-auth.session-token", "authjs.session-token", "better-auth.session_token"]
    first = ["better-auth", "auth.js", "next-auth"]
    for order in (names, names[::-1]):
        assert list(NAMES.pick(dict.fromkeys(order, "x"))) == first


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("a%2Bb%2F%3D", "a+b/="),
        ("a%2bb", "a+b"),
        ("a%2525b", "a%25b"),  # once
        ("%252B", "%2B"),
        ("%%3D3D", "%=3D"),
        ("a%zz", "a%zz"),  # as the libraries: what is no escape stays
        ("a+b", "a+b"),
        ("a%20b", "a b"),
        ("a%ff", "refused: malformed"),
        ("a%00b", "refused: malformed"),
        ("a%C3%A9", "refused: malformed"),
        ("a\x00b", "refused: malformed"),
        ("é", "refused: malformed"),
        ("\udc80", "refused: malformed"),
        ("a\nb", "refused: malformed"),
        ("x" * (MAX_VALUE + 1), "refused: too_large"),
    ],
)
def test_decoded_once(given: str, found: str) -> None:
    assert values({"authjs.session-token": given}) == {"auth.js": found}


def test_strongest_prefix_counts() -> None:
    base = "authjs.session-token"
    given = {base: "weak", f"__Secure-{base}": "strong", f"__Host-{base}": "strongest"}
    for name, value in reversed(given.items()):
        assert values(given) == {"auth.js": value}
        given = {other: kept for other, kept in given.items() if other != name}
    assert given == {}


def chunks(*numbers: str, base: str = "authjs.session-token") -> dict[str, str]:
    return {f"{base}.{number}": f"<{number}>" for number in numbers}


@pytest.mark.parametrize(
    ("cookies", "found"),
    [
        (chunks("1", "0"), "<0><1>"),
        (chunks(*map(str, range(12))), "".join(f"<{number}>" for number in range(12))),
        (chunks("0"), "refused: chunks"),
        (chunks("1"), "refused: chunks"),
        (chunks("1", "2"), "refused: chunks"),
        (chunks("0", "2"), "refused: chunks"),
        (chunks("0", "1", "3"), "refused: chunks"),
        ({**chunks("0", "1"), "authjs.session-token": "x"}, "refused: chunks"),
        (chunks("0", "1", "01", "100", "-1", "+2", "x", ""), "<0><1>"),  # others' cookies
        (chunks("0", "1", "²", "\u0663"), "<0><1>"),
        ({**chunks("0", "1"), "authjs.session-token.1": "x" * MAX_VALUE}, "refused: too_large"),
    ],
)
def test_chunks(cookies: Mapping[str, str], found: str) -> None:
    assert values(cookies) == {"auth.js": found}


def test_chunks_of_what_is_never_cut() -> None:
    for base in ("better-auth.session_token", "chatkeep.session"):
        assert values(chunks("0", "1", base=base)) == {}


def test_same_cookie_twice() -> None:
    """Which of them is the right one nobody knows; the same value twice is no question."""
    name = "authjs.session-token"
    assert values(f"{name}=a; {name}=b") == {"auth.js": "refused: duplicate"}
    assert values(f"{name}=a; {name}=a") == {"auth.js": "a"}
    assert values(f"{name}.0=a; {name}.1=b; {name}.0=c") == {"auth.js": "refused: duplicate"}


def test_header_is_bounded() -> None:
    with pytest.raises(RefusedError, match="too_large"):
        NAMES.pick("a" * (MAX_HEADER + 1))


def test_names_of_ones_own() -> None:
    names = CookieNames({"auth.js": "sid", "better-auth": "shop.session_token"})
    assert values({"__Secure-sid": "a", "authjs.session-token": "b"}, names) == {"auth.js": "a"}
    assert values(chunks("0", "1", base="sid"), names) == {"auth.js": "<0><1>"}
    found = values({"shop.session_token": "a", "shop.session_data": "b"}, names)
    assert found == {"better-auth": "a", "better-auth-cache": "b"}
    found = values({"better-auth.session_data": "b", "x": "a"}, CookieNames({"better-auth": "x"}))
    assert found == {"better-auth": "a", "better-auth-cache": "b"}


def test_one_name_for_two_libraries() -> None:
    """As of an application that went from NextAuth to Auth.js and kept the cookie's name."""
    names = CookieNames({"auth.js": "next-auth.session-token"})
    assert values({"next-auth.session-token": "a"}, names) == {"auth.js": "a", "next-auth": "a"}


@pytest.mark.parametrize("cookies", [None, 5, b"a=b", ["a=b"], {"authjs.session-token": b"x"}])
def test_no_cookies(cookies: object) -> None:
    with pytest.raises(InvalidInputError):
        NAMES.pick(cookies)


@pytest.mark.parametrize(
    "names",
    [
        {"authjs": "x"},
        {"auth.js": ""},
        {"auth.js": "a b"},
        {"auth.js": "a=b"},
        {"auth.js": "__Secure-x"},
        {"auth.js": "__Host-x"},
        {"auth.js": "é"},
        {"auth.js": None},
        {5: "x"},
        "auth.js",
    ],
)
def test_names_that_are_none(names: Any) -> None:
    with pytest.raises(ConfigError, match="cookie_names"):
        CookieNames(names)
