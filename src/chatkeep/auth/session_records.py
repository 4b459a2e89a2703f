"""What our own sessions give: none of these holds a token, but for the one that says so."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypedDict

from chatkeep.errors import InvalidInputError
from chatkeep.records.base import Record


class AuthSession(Record, rename="camel"):
    """A session that a token leads to.

    Attributes:
        id: No secret: it names the session for `revoke`. Another one after `rotate`.
        user_id: Whose.
        created_at: When the user signed in.
        used_at: When it was last extended or rotated; each use is not noted.
        expires_at: When it ends, unless it is used before.
        ip_address: From where the user signed in, where the caller said so.
        user_agent: With what, where the caller said so.
        is_extended: It was extended just now: send the cookie again, which ends with the old time.
    """

    id: str
    user_id: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None
    is_extended: bool = False


class IssuedSession(Record, rename="camel"):
    """A session and its token, which is given once and never again. A repr does not show it."""

    token: str
    session: AuthSession

    def __repr__(self) -> str:
        """Show which session it is."""
        return f"{type(self).__name__}(token=..., session={self.session!r})"


class DeviceSession(Record, rename="camel"):
    """A session of a user as a list of devices shows it, whichever library began it.

    Attributes:
        id: No secret: it names the session for `revoke`.
        device: Such as "Chrome on Windows"; what the browser says of itself where `ua-parser` is
            not installed or does not know it; None where it said nothing.
        created_at: When the user signed in.
        used_at: When it was last extended.
        expires_at: When it ends, unless it is used before.
        ip_address: From where the user signed in.
        is_current: It is the one that was given as the current one.
    """

    id: str
    device: str | None
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    ip_address: str | None
    is_current: bool


class CookieArguments(TypedDict):
    """What `set_cookie` of Starlette, FastAPI, Django and others takes."""

    key: str
    value: str
    max_age: int
    path: str
    secure: bool
    httponly: bool
    samesite: Literal["lax"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCookie:
    """A cookie for a browser, of any framework.

        response.set_cookie(**cookie.arguments())

    Attributes:
        name: `__Host-chatkeep.session`, or without `__Host-` under `secure_cookies=False`.
        value: The token; empty in a cookie that takes one away. A repr does not show it.
        max_age: Seconds until the browser forgets it; 0 takes it away.
        is_secure: For https alone.
    """

    name: str
    value: str = field(repr=False)
    max_age: int
    is_secure: bool

    def arguments(self) -> CookieArguments:
        """Give it as arguments of `set_cookie`: not for scripts, and not for other sites' forms."""
        return CookieArguments(
            key=self.name,
            value=self.value,
            max_age=self.max_age,
            path="/",
            secure=self.is_secure,
            httponly=True,
            samesite="lax",
        )

    def header(self) -> str:
        """Give it as the value of a `Set-Cookie` header."""
        secure = "; Secure" if self.is_secure else ""
        return (
            f"{self.name}={self.value}; Max-Age={self.max_age}; Path=/; HttpOnly; "
            f"SameSite=Lax{secure}"
        )


def seconds_left(session: object) -> int:
    """Give how long a session still lasts.

    Raises:
        InvalidInputError: It is no session.
    """
    if not isinstance(session, AuthSession):
        raise InvalidInputError(
            f"session must be an AuthSession, not a {type(session).__name__}.",
            hint="What `create` and `rotate` give has it: `issued.session`.",
            field="session",
        )
    return max(int((session.expires_at - datetime.now(UTC)).total_seconds()), 0)
