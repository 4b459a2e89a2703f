"""Our own sessions: `db.auth.sessions`."""

import logging
import re
from datetime import UTC, datetime, timedelta

from chatkeep.access.devices import device_of
from chatkeep.access.paging import (
    END,
    START,
    check_direction,
    check_limit,
    page_of,
    read_cursor,
    write_cursor,
)
from chatkeep.access.rows import Values
from chatkeep.auth.hashing import id_of, kept, new_secret
from chatkeep.auth.options import AuthOptions
from chatkeep.auth.session_queries import Listed, OwnSessionQueries, Stored
from chatkeep.auth.session_records import (
    AuthSession,
    DeviceSession,
    IssuedSession,
    SessionCookie,
)
from chatkeep.engine.run import Runner
from chatkeep.engine.scoped import together
from chatkeep.engine.transaction import begin_words
from chatkeep.errors import ChatkeepError, InvalidInputError, SessionNotFoundError
from chatkeep.ids import new_session_id
from chatkeep.inputs.text import check_id, first_fault
from chatkeep.records.page import Page

COOKIE = "chatkeep.session"

_log = logging.getLogger("chatkeep.auth")

# 256 bits, and behind a point the seconds that it lasts where that is not the usual time. The hash
# is of all of it, so nobody can give their token another time.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}(?:\.([1-9][0-9]{0,8}))?", re.ASCII)
_NEWEST = datetime.max.replace(tzinfo=UTC)
_OLDEST = datetime.min.replace(tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_LONGEST = timedelta(days=3650)
_USER_AGENT = 1000  # characters that are kept
_IP_ADDRESS = 255
_BEGIN = begin_words("read committed", read_only=False)  # what others stored meanwhile counts


class Sessions:
    """Sessions of an application that signs users in by itself.

    They stand in the table of the schema's sessions, beside those of Auth.js or Better Auth. The
    token is 256 random bits; its SHA-256 is stored. Times are the database's.
    """

    def __init__(self, runner: Runner, queries: OwnSessionQueries, options: AuthOptions) -> None:
        self._runner = runner
        self._queries = queries
        self._options = options
        self._maximum = options.session_maximum or _LONGEST
        self._usual = options.session_lifetime
        self._stale = _stale(options.session_lifetime, options.session_refresh)

    async def create(
        self,
        user_id: str,
        user_agent: str | None = None,
        ip_address: str | None = None,
        lifetime: timedelta | None = None,
    ) -> IssuedSession:
        """Begin a session of a user, whom the caller has authenticated.

        With `session_limit` the user's oldest live sessions beyond it go, whichever library began
        them, in the same transaction: also of many that begin at once no more stay.

        Args:
            user_id: Whose.
            user_agent: What the browser says of itself; the first 1,000 characters are kept.
            ip_address: From where, at most 255 characters.
            lifetime: How long it lasts after each use, in whole seconds, where that is not
                `session_lifetime`.

        Raises:
            ReferencedRowError: No such user.
            InvalidInputError: The id can be none, the text cannot be stored, or the time is not
                between a second and ten years.
        """
        token = new_secret()
        if lifetime is not None:
            token = f"{token}.{_seconds(lifetime)}"
        values: Values = {
            "user_id": check_id(user_id, "user_id"),
            "token": kept(token),
            "user_agent": _text(user_agent, "user_agent", None),
            "ip_address": _text(ip_address, "ip_address", _IP_ADDRESS),
            "lifetime": min(self._lifetime(token), self._maximum),
        }
        if self._queries.has_id:
            values["id"] = new_session_id()
        row = await self._store(values)
        return IssuedSession(token, _session(kept(token), row, row.ends_at))

    async def find(self, token: str) -> AuthSession | None:
        """Give the live session that a token leads to, or None. One statement, which only reads.

        A session that is used lasts on: once in `session_refresh` its end is moved, by a statement
        beside the call (inside a transaction: in it). The session then has the new end and
        `is_extended`, for the cookie to be sent again.

        Raises:
            InvalidInputError: The token is no text.
        """
        if not _is_token(token):
            return None
        stored = kept(token)
        row = await self._queries.find.first(self._runner, {"token": stored})
        if row is None:
            return None
        last = row.created_at + self._maximum
        if last <= row.now:
            return None
        lifetime, stale = self._usual, self._stale
        if "." in token:
            lifetime = self._lifetime(token)
            stale = _stale(lifetime, self._options.session_refresh)
        if row.ends_at >= min(row.now + stale, last):
            return _session(stored, row, min(row.ends_at, last))
        extended = min(row.now + lifetime, last)
        await self._extend(stored, row.ends_at, extended)
        return _session(stored, row, extended, is_extended=True)

    async def rotate(self, token: str) -> IssuedSession:
        """Give a session another token, when what its user may do has changed. It lasts on.

        The old token is refused from then on: of two calls at once one wins, and there is no time
        in which both tokens are good. So requests under way with the old cookie are refused too.

        Raises:
            SessionNotFoundError: No live session has this token.
            InvalidInputError: The token is no text.
        """
        row, new = None, new_secret()
        if _is_token(token):
            _, point, seconds = token.partition(".")
            new = f"{new}{point}{seconds}"
            values: Values = {
                "token": kept(token),
                "new_token": kept(new),
                "lifetime": self._lifetime(token),
                "maximum": self._maximum,
            }
            row = await self._queries.rotate.first(self._runner, values)
        row = _found(row)
        return IssuedSession(new, _session(kept(new), row, row.ends_at))

    async def list(
        self,
        user_id: str,
        limit: int = 50,
        *,
        current: str | None = None,
        after: str | None = None,
        before: str | None = None,
    ) -> Page[DeviceSession]:
        """Give a user's live sessions by device, newest first, whichever library began them.

        Args:
            user_id: Whose. An unknown user has none.
            limit: At most so many, 1 to 1000.
            current: The caller's own, by token or id: it `is_current`.
            after: `next_cursor` of the page before.
            before: `previous_cursor` of the page after, or `END`: the page towards newer ones,
                also newest first.

        Raises:
            InvalidInputError: The limit is out of bounds, both cursors were given, it cannot be a
                user's id, or `current` is no text.
            InvalidCursorError: The cursor is not one of this list.
        """
        check_direction("auth.sessions.list", after, before)
        name = f"auth.sessions\0{user_id}"
        cursor, query, start, at = after, self._queries.list, START, _NEWEST
        if before is not None:
            cursor, query, start, at = before, self._queries.list_before, END, _OLDEST
        is_open = cursor is None or cursor == start
        at, hashed = (at, "") if is_open else read_cursor(cursor, name, (datetime, str))
        ids = _ids(current, "current")
        values: Values = {
            "user_id": check_id(user_id, "user_id"),
            "created_at": at,
            "hash": hashed,
            "limit": check_limit(limit) + 1,
        }
        rows = [_listed(row, ids) for row in await query.all(self._runner, values)]
        return page_of(
            rows,
            limit,
            lambda row: write_cursor(name, row.created_at, row.id),
            after=after,
            before=before,
        )

    async def end(self, token: str) -> bool:
        """End the session of a token, as for a sign-out; tell whether there was one.

        Raises:
            InvalidInputError: The token is no text.
        """
        if not _is_token(token):
            return False
        return await self._queries.end.first(self._runner, {"token": kept(token)}) is not None

    async def revoke(self, user_id: str, session_id: str) -> None:
        """End a session of a user by its id, whichever library began it.

        Raises:
            SessionNotFoundError: The user has no such session.
            InvalidInputError: One of the two can be no id.
        """
        ids = [check_id(session_id, "session_id")]
        values: Values = {"user_id": check_id(user_id, "user_id"), "ids": ids}
        if await self._queries.revoke.first(self._runner, values) is None:
            raise SessionNotFoundError("No such session.")

    async def revoke_all(self, user_id: str, but: str | None = None) -> int:
        """End all sessions of a user, whichever library began them, and say how many.

        Sessions that are but a JWT stand in no table: they end by themselves.

        Args:
            user_id: Whose.
            but: One that stays, by token or id: the caller's own.

        Raises:
            InvalidInputError: It cannot be a user's id, or `but` is no text.
        """
        values: Values = {"user_id": check_id(user_id, "user_id"), "ids": _ids(but, "but")}
        return await self._queries.revoke_all.first(self._runner, values) or 0

    def cookie(self, token: str, session: AuthSession, *, secure: bool = True) -> SessionCookie:
        """Give the cookie that carries a token, for as long as its session lasts.

        Args:
            token: As `create` or `rotate` gave it, or the one that is extended.
            session: Its session.
            secure: For https alone, as it must be but for development on http://localhost.
        """
        left = (session.expires_at - datetime.now(UTC)).total_seconds()
        return SessionCookie(
            name=self._cookie_name(secure=secure),
            value=token,
            max_age=max(int(left), 0),
            is_secure=secure,
        )

    def removal(self, *, secure: bool = True) -> SessionCookie:
        """Give the cookie that takes the session's cookie out of the browser."""
        name = self._cookie_name(secure=secure)
        return SessionCookie(name=name, value="", max_age=0, is_secure=secure)

    async def _store(self, values: Values) -> Stored:
        queries, limit = self._queries, self._options.session_limit
        if limit is None:
            return _found(await queries.create.first(self._runner, values))
        async with together(self._runner, _BEGIN) as runner:
            await queries.hold.first(runner, values)
            values["kept"] = limit - 1
            return _found(await queries.create_within.first(runner, values))

    async def _extend(self, stored: str, seen: datetime, extended: datetime) -> None:
        values: Values = {"token": stored, "seen": seen, "extended": extended}
        background = self._runner.background
        if background is None:
            await self._queries.extend.first(self._runner, values)
        else:
            background.save(self._extend_beside(values))

    async def _extend_beside(self, values: Values) -> None:
        try:
            await self._queries.extend.first(self._runner, values)
        except ChatkeepError as exc:
            # The session is as good as before, and its next use tries again.
            _log.warning("A session was not extended: %s.", exc.code)

    def _lifetime(self, token: str) -> timedelta:
        _, _, seconds = token.partition(".")
        return timedelta(seconds=int(seconds)) if seconds else self._usual

    def _cookie_name(self, *, secure: bool) -> str:
        name = self._options.cookie_names.get("chatkeep", COOKIE)
        return f"__Host-{name}" if secure else name


def _stale(lifetime: timedelta, refresh: timedelta) -> timedelta:
    """Give what a session still lasts when it is time to extend it."""
    return lifetime - min(refresh, lifetime / 2)


def _session(
    stored: str, row: Stored, ends_at: datetime, *, is_extended: bool = False
) -> AuthSession:
    return AuthSession(
        id_of(stored),
        row.user_id,
        row.created_at,
        row.updated_at,
        ends_at,
        row.ip_address,
        row.user_agent,
        is_extended,
    )


def _found(row: Stored | None) -> Stored:
    if row is None:
        raise SessionNotFoundError("No such session.")
    return row


def _is_token(token: object) -> bool:
    """Tell whether it can be one of ours: nothing else is looked up."""
    if not isinstance(token, str):
        raise InvalidInputError(
            f"token must be a text, not a {type(token).__name__}.", field="token"
        )
    return _TOKEN.fullmatch(token) is not None


def _checked(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(
            f"{field} must be a text, not a {type(value).__name__}.", field=field
        )
    return value


def _ids(name: str | None, field: str) -> list[str]:
    """Give what a session that is named by token or id may have as its id."""
    if name is None:
        return []
    text = _checked(name, field)
    of_ours = [id_of(kept(text))] if _is_token(text) else []
    return [text, id_of(text), *of_ours]


def _listed(row: Listed, ids: list[str]) -> DeviceSession:
    return DeviceSession(
        row.hash,
        device_of(row.user_agent),
        row.created_at,
        row.updated_at,
        row.ends_at,
        row.ip_address,
        row.hash in ids or row.row_id in ids,
    )


def _seconds(lifetime: object) -> int:
    if not isinstance(lifetime, timedelta) or not _SECOND <= lifetime <= _LONGEST:
        raise InvalidInputError(
            "lifetime is a timedelta of 1 second to 10 years.", field="lifetime"
        )
    return lifetime // _SECOND


def _text(value: object, field: str, longest: int | None) -> str | None:
    """Refuse what cannot be stored; without `longest` cut what is too long to keep."""
    if value is None:
        return None
    if not isinstance(value, str):
        problem = f"{field} must be a text, not a {type(value).__name__}."
    elif longest is not None and len(value) > longest:
        problem = f"{field} has at most {longest} characters."
    else:
        fault = first_fault(value)
        if fault is None:
            return value[:_USER_AGENT]
        problem = f"{field} was refused: {fault.problem[:1].lower()}{fault.problem[1:]}."
    raise InvalidInputError(problem, field=field)
