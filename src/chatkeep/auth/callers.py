"""Who is calling: `db.auth.session_from_cookies`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from chatkeep.access.catalogue import Catalogue
from chatkeep.access.sessions import SessionQueries
from chatkeep.auth.auth_js_cookies import AuthJsJwt, AuthJsLibrary, is_jwt, open_token
from chatkeep.auth.better_auth_cookies import cached_session, signed_token
from chatkeep.auth.claims import check_times, text_or_none, user_id_of, without_secrets
from chatkeep.auth.cookies import Cookie
from chatkeep.auth.hashing import PREFIX, id_of
from chatkeep.auth.options import AuthOptions
from chatkeep.auth.refusals import RefusedError, tell
from chatkeep.auth.session_records import AuthSession
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
        has_sessions = "sessions" in catalogue.schema.records
        self._stored: SessionQueries[Any] | None = catalogue.sessions if has_sessions else None
        self._secrets = options.cookie_secrets
        self._names = options.session_cookie_names

    async def find(self, cookies: Mapping[str, str] | str) -> CallerSession | None:
        """Give the first session that holds, in the order of `CallerKind`."""
        try:
            given = self._names.pick(cookies)
        except RefusedError as exc:
            tell("any", exc.reason)
            return None
        for library, cookie in given.items():
            kind: CallerKind = library
            if kind == "better-auth-cache":
                continue  # it is read with the cookie that it belongs to
            try:
                value = cookie.value()
                if kind == "chatkeep":
                    return _own(await self._live(value).find(value))
                if kind == "better-auth":
                    value = signed_token(value, self._secrets.better_auth)
                    cached = self._cached(given.get("better-auth-cache"), value)
                    if cached is not None:
                        return cached
                elif is_jwt(value):
                    kind = _JWT[kind]
                    return await self._jwt(kind, cookie.name, value)
                # That the user exists says the foreign key. There is no coroutine in between: this
                # is what most requests pay.
                queries = self._queries(kind, value)
                row = await queries.find.first(self._runner, {queries.key: value})
                return _session(row, value, kind)
            except RefusedError as exc:
                tell(kind, exc.reason)
        return None

    def _cached(self, cookie: Cookie | None, token: str) -> CallerSession | None:
        if cookie is None or not self._options.trust_cookie_cache:
            return None
        secrets, tolerance = self._secrets.better_auth, self._options.clock_tolerance
        try:
            found = cached_session(cookie.value(), token, secrets, tolerance)
        except RefusedError as exc:
            tell("better-auth-cache", exc.reason)
            return None
        return CallerSession(
            found.user_id, "better-auth-cache", found.expires, found.session_id, found.claims
        )

    def _live(self, token: str) -> Sessions:
        """Give our own sessions, of which one may have this token."""
        if self._stored is None:
            raise RefusedError("other_schema")
        if token.startswith(PREFIX):
            raise RefusedError("stored_form")
        return self._sessions()

    async def _jwt(self, kind: AuthJsJwt, name: str, value: str) -> CallerSession:
        claims = open_token(kind, name, value, self._secrets.auth_js)
        expires = check_times(claims, self._options.clock_tolerance)
        user_id = user_id_of(claims.get("sub"))
        if await self._catalogue.users.find.first(self._runner, {"id": user_id}) is None:
            raise RefusedError("user_gone")
        session_id = text_or_none(claims.get("jti"))
        return CallerSession(user_id, kind, expires, session_id, without_secrets(claims))

    def _queries(self, kind: CallerKind, token: str) -> SessionQueries[Any]:
        """Give the statements on the sessions of that library."""
        if len(token) > _MAX_TOKEN:
            raise RefusedError("malformed")
        if token.startswith(PREFIX):
            raise RefusedError("stored_form")
        queries = self._stored
        if queries is None or (kind == "better-auth") != (queries.key == "token"):
            raise RefusedError("other_schema")
        return queries


def _own(session: AuthSession | None) -> CallerSession:
    if session is None:  # unknown, or ended: the one statement does not say which
        raise RefusedError("unknown_session")
    return CallerSession(session.user_id, "chatkeep", session.expires_at, session.id)


def _session(row: Record | None, token: str, kind: CallerKind) -> CallerSession:
    """Read a stored session.

    Our clock tells whether it has ended, as the libraries' servers do by theirs.
    """
    if row is None:
        raise RefusedError("unknown_session")
    values: Any = row  # the preset's record, or one that extends it
    expires: datetime
    if kind == "better-auth":
        expires, session_id = values.expires_at, values.id
    else:
        expires, session_id = values.expires, id_of(token)
    if expires.tzinfo is None:  # PostgreSQL's infinity, which the driver gives without a zone
        expires = expires.replace(tzinfo=UTC)
    if expires <= datetime.now(UTC):
        raise RefusedError("expired")
    return CallerSession(values.user_id, kind, expires, session_id)
