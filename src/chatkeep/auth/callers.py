"""Who is calling: `db.auth.session_from_cookies`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from chatkeep.access.catalogue import Catalogue
from chatkeep.auth.auth_js_cookies import AuthJsJwt, AuthJsLibrary, is_jwt, open_token
from chatkeep.auth.better_auth_cookies import cached_session, signed_token
from chatkeep.auth.claims import check_times, text_or_none, user_id_of, without_secrets
from chatkeep.auth.cookies import Cookie, Library
from chatkeep.auth.hashing import PREFIX
from chatkeep.auth.options import AuthOptions
from chatkeep.auth.refusals import RefusedError, tell
from chatkeep.auth.sessions import Sessions
from chatkeep.engine.run import Runner
from chatkeep.records.auth import CallerKind, CallerSession
from chatkeep.records.base import Record

_MAX_TOKEN: Final = 512  # characters; the libraries' have 32 to 64
_JWT: Final[Mapping[AuthJsLibrary, AuthJsJwt]] = {
    "auth.js": "auth.js-jwt",
    "next-auth": "next-auth-jwt",
}


class Callers:
    """Reads the session cookies of every library that signs people in on these tables."""

    def __init__(
        self,
        runner: Runner,
        catalogue: Catalogue[Any, Any, Any, Any],
        options: AuthOptions,
        sessions: Callable[[], Sessions],
    ) -> None:
        """Read the secrets and the names of the cookies; nothing is sent.

        Raises:
            ConfigError: A secret or the name of a cookie cannot be used.
        """
        self._runner = runner
        self._catalogue = catalogue
        self._options = options
        self._sessions = sessions
        self._secrets = options.cookie_secrets
        self._names = options.session_cookie_names
        self._has_sessions = "sessions" in catalogue.schema.records  # made anew at each look

    async def find(self, cookies: Mapping[str, str] | str) -> CallerSession | None:
        """Give the first session that holds, in the order of `CallerKind`."""
        try:
            given = self._names.pick(cookies)
        except RefusedError as exc:
            tell("any", exc.reason)
            return None
        for library, cookie in given.items():
            session = await self._read(library, cookie, given)
            if session is not None:
                return session
        return None

    async def _read(
        self, library: Library, cookie: Cookie, given: Mapping[Library, Cookie]
    ) -> CallerSession | None:
        kind: CallerKind = library
        try:
            if library == "better-auth":
                return await self._better_auth(cookie, given.get("better-auth-cache"))
            if library == "better-auth-cache":
                return None  # it was read with the cookie that it belongs to
            value = cookie.value()
            if library == "chatkeep":
                return await self._own(value)
            if not is_jwt(value):
                return await self._stored(value, library)
            kind = _JWT[library]
            return await self._jwt(kind, cookie.name, value)
        except RefusedError as exc:
            tell(kind, exc.reason)
        return None

    async def _better_auth(self, cookie: Cookie, cache: Cookie | None) -> CallerSession:
        token = signed_token(cookie.value(), self._secrets.better_auth)
        if cache is not None and self._options.trust_cookie_cache:
            try:
                return self._cached(cache, token)
            except RefusedError as exc:
                tell("better-auth-cache", exc.reason)
        return await self._stored(token, "better-auth")

    def _cached(self, cache: Cookie, token: str) -> CallerSession:
        found = cached_session(
            cache.value(), token, self._secrets.better_auth, self._options.clock_tolerance
        )
        return CallerSession(
            found.user_id, "better-auth-cache", found.expires, found.session_id, found.claims
        )

    async def _own(self, token: str) -> CallerSession:
        if token.startswith(PREFIX):
            raise RefusedError("stored_form")
        if not self._has_sessions:
            raise RefusedError("other_schema")
        session = await self._sessions().find(token)
        if session is None:  # unknown, or ended: the one statement does not say which
            raise RefusedError("unknown_session")
        return CallerSession(session.user_id, "chatkeep", session.expires_at, session.id)

    async def _stored(self, token: str, kind: Library) -> CallerSession:
        """Look a session up by its token; that its user exists says the foreign key.

        Our clock tells whether it has ended, as the libraries' own servers do by theirs.
        """
        if token.startswith(PREFIX):
            raise RefusedError("stored_form")
        if len(token) > _MAX_TOKEN:
            raise RefusedError("malformed")
        is_better_auth = kind == "better-auth"
        if not self._has_sessions:
            raise RefusedError("other_schema")
        queries = self._catalogue.sessions
        if is_better_auth != (queries.key == "token"):
            raise RefusedError("other_schema")
        row = await queries.find.first(self._runner, {queries.key: token})
        if row is None:
            raise RefusedError("unknown_session")
        return _session(row, token, kind)

    async def _jwt(self, kind: AuthJsJwt, name: str, value: str) -> CallerSession:
        claims = open_token(kind, name, value, self._secrets.auth_js)
        expires = check_times(claims, self._options.clock_tolerance)
        user_id = user_id_of(claims.get("sub"))
        if await self._catalogue.users.find.first(self._runner, {"id": user_id}) is None:
            raise RefusedError("user_gone")
        session_id = text_or_none(claims.get("jti"))
        return CallerSession(user_id, kind, expires, session_id, without_secrets(claims))


def _session(row: Record, token: str, kind: Library) -> CallerSession:
    values: Any = row  # the preset's record, or one that extends it
    expires: datetime
    if kind == "better-auth":
        expires, session_id = values.expires_at, values.id
    else:
        expires, session_id = values.expires, sha256(token.encode()).hexdigest()
    if expires.tzinfo is None:  # PostgreSQL's infinity, which the driver gives without a zone
        expires = expires.replace(tzinfo=UTC)
    if expires <= datetime.now(UTC):
        raise RefusedError("expired")
    return CallerSession(values.user_id, kind, expires, session_id)
