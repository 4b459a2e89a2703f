"""Session cookies as a request brings them: found by name, put together, decoded once."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, cast
from urllib.parse import unquote

import msgspec

from chatkeep.auth.refusals import RefusedError
from chatkeep.errors import ConfigError, InvalidInputError

Library = Literal["chatkeep", "better-auth", "better-auth-cache", "auth.js", "next-auth"]

MAX_HEADER: Final = 131_072  # characters; servers take 8 to 64 KiB
MAX_VALUE: Final = 32_768  # characters of one session cookie, put together

# The strongest first: no other site, sub-domain or network can set a `__Host-` cookie.
_PREFIXES = ("__Host-", "__Secure-", "")
_DEFAULTS: Final[Mapping[Library, str]] = {
    "chatkeep": "chatkeep.session",
    "better-auth": "better-auth.session_token",
    "auth.js": "authjs.session-token",
    "next-auth": "next-auth.session-token",
}
_CHUNKED: Final = frozenset({"better-auth-cache", "auth.js", "next-auth"})
_TOKEN, _DATA = "session_token", "session_data"
_WHOLE = -1  # the number of a cookie that is no chunk
_DIGITS = frozenset("0123456789")
_NAME_SIGNS = frozenset("!#$%&'*+-.^_`|~")


class Cookie(msgspec.Struct, gc=False):  # made for each request: quicker than a dataclass
    """One session cookie.

    Attributes:
        name: With its prefix, without the number of a chunk.
        chunks: Values by number; -1 for a cookie that is no chunk.
        is_doubtful: It came twice with different values.
    """

    name: str
    chunks: dict[int, str]
    is_doubtful: bool = False

    def __repr__(self) -> str:
        """Show no value: each of them may be a token."""
        return f"Cookie({self.name!r})"

    def value(self) -> str:
        """Put it together and decode its percents, once.

        Raises:
            RefusedError: It came twice, a chunk is missing or too many, it is too large, or holds
                what no session cookie does.
        """
        if self.is_doubtful:
            raise RefusedError("duplicate")
        chunks = self.chunks
        whole = chunks.get(_WHOLE)
        if whole is not None:
            if len(chunks) > 1:
                raise RefusedError("chunks")
            return _decoded(whole)
        if len(chunks) == 1 or max(chunks) >= len(chunks):  # no library cuts a cookie into one
            raise RefusedError("chunks")
        if sum(map(len, chunks.values())) > MAX_VALUE:
            raise RefusedError("too_large")
        return _decoded("".join(chunks[number] for number in range(len(chunks))))


class CookieNames:
    """The names that session cookies have here."""

    def __init__(self, given: Mapping[str, str]) -> None:
        """Take the names that are not the libraries' own.

        Raises:
            ConfigError: A library is none that is known, or a name is none.
        """
        bases: dict[Library, str] = {**_DEFAULTS, **_checked(given)}
        token = bases["better-auth"]
        bases["better-auth-cache"] = (
            token.removesuffix(_TOKEN) + _DATA
            if token.endswith(_TOKEN)
            else f"better-auth.{_DATA}"  # a name of its own is that of the one cookie only
        )
        self._names: list[tuple[Library, tuple[str, ...]]] = [
            (library, tuple(prefix + base for prefix in _PREFIXES))
            for library, base in bases.items()
        ]
        self._libraries: dict[str, list[Library]] = {
            name: [library for library, others in self._names if name in others]
            for _, names in self._names
            for name in names
        }
        self._chunked = frozenset(
            name for library, names in self._names if library in _CHUNKED for name in names
        )

    def pick(self, cookies: object) -> dict[Library, Cookie]:
        """Give each library's session cookie, of the strongest prefix that is there.

        Raises:
            InvalidInputError: It is neither a mapping of texts nor the text of a Cookie header.
            RefusedError: The header is too large.
        """
        found: dict[str, Cookie] = {}
        libraries = self._libraries
        for name, value in _pairs(cookies):
            if name in libraries:
                stem, number = cast("str", name), _WHOLE
            else:
                stem, number = self._chunk(name)
                if number == _WHOLE:
                    continue
            if not isinstance(value, str):
                raise InvalidInputError("The value of a cookie is a text.", field="cookies")
            if not value:
                continue  # what is left of a cookie that was taken away
            cookie = found.get(stem)
            if cookie is None:
                found[stem] = Cookie(stem, {number: value})
            elif cookie.chunks.setdefault(number, value) != value:
                cookie.is_doubtful = True
        if len(found) == 1:  # as nearly always
            ((name, cookie),) = found.items()
            return dict.fromkeys(libraries[name], cookie)
        return {
            library: found[name]
            for library, names in self._names
            if (name := next((name for name in names if name in found), None)) is not None
        }

    def _chunk(self, name: object) -> tuple[str, int]:
        """Split the name of a chunk; -1 for any other cookie.

        The libraries write 0 to 99, without zeros before it.
        """
        if isinstance(name, str) and name[-1:] in _DIGITS:
            stem, _, number = name.rpartition(".")
            is_number = 0 < len(number) <= 2 and _DIGITS.issuperset(number)
            if is_number and str(int(number)) == number and stem in self._chunked:
                return stem, int(number)
        return "", _WHOLE


def _pairs(cookies: object) -> Iterable[tuple[object, object]]:
    if isinstance(cookies, dict):  # quicker to tell than a mapping
        return cast("dict[object, object]", cookies).items()
    if isinstance(cookies, str):
        if len(cookies) > MAX_HEADER:
            raise RefusedError("too_large")
        return _pairs_of_header(cookies)
    if isinstance(cookies, Mapping):
        return cast("Mapping[object, object]", cookies).items()
    raise InvalidInputError(
        "Cookies are a mapping of texts, or the text of a Cookie header.", field="cookies"
    )


def _pairs_of_header(header: str) -> Iterable[tuple[str, str]]:
    for pair in header.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            value = value.strip(" \t")
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = value[1:-1]
            yield name.strip(" \t"), value


def _decoded(value: str) -> str:
    if len(value) > MAX_VALUE:
        raise RefusedError("too_large")
    if "%" in value:
        # The signs of base64 by hand, which is five times as quick; what else there is, is left.
        quick = value.replace("%3D", "=").replace("%2B", "+").replace("%2F", "/")
        try:
            value = quick if "%" not in quick else unquote(value, errors="strict")
        except UnicodeDecodeError:
            raise RefusedError("malformed") from None
    if not (value.isascii() and value.isprintable()):
        raise RefusedError("malformed")
    return value


def _checked(given: object) -> dict[Library, str]:
    if not isinstance(given, Mapping):
        raise ConfigError("AuthOptions.cookie_names is a mapping: names by library.")
    names = cast("Mapping[object, object]", given)
    for library, name in names.items():
        if library not in _DEFAULTS:
            raise ConfigError(
                f"AuthOptions.cookie_names: no library {library!r}.",
                hint=f"It knows {', '.join(_DEFAULTS)}.",
            )
        if not _is_name(name):
            raise ConfigError(
                f"AuthOptions.cookie_names: the name for {library} is no cookie's.",
                hint="Give it without __Secure-, __Host- and the number of a chunk.",
            )
    return cast("dict[Library, str]", dict(names))


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= 255
        and name.isascii()
        and all(sign.isalnum() or sign in _NAME_SIGNS for sign in name)
        and not name.startswith(_PREFIXES[:2])
    )
