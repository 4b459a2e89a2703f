"""Who is calling, as `db.auth.session_from_cookies` gives it."""

from datetime import datetime
from typing import Any, Literal

from chatkeep.records.base import Record

CallerKind = Literal[
    "chatkeep",
    "better-auth-cache",
    "better-auth",
    "auth.js",
    "auth.js-jwt",
    "next-auth",
    "next-auth-jwt",
]


class CallerSession(Record, rename="camel"):
    """A sign-in that a request's cookies prove. No secret is in it.

    Attributes:
        user_id: Who is calling.
        kind: Whose session it is, and of which kind.
        expires: When it ends, unless it is extended.
        session_id: What names it and opens nothing: the id of its row, the SHA-256 of its token in
            hex where rows have no id, a JWT's `jti`; None where a JWT has none.
        claims: What a JWT or a cookie cache says of the user beside: `name`, `email`, `picture` and
            the application's own, without what is named like a secret. None for sessions that the
            database holds.
    """

    user_id: str
    kind: CallerKind
    expires: datetime
    session_id: str | None = None
    claims: dict[str, Any] | None = None
