"""A user's sessions as an operator looks at them: all of them, and no token."""

from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from chatkeep.access.devices import device_of
from chatkeep.auth.hashing import PREFIX, id_of
from chatkeep.database import Database
from chatkeep.records.base import Record

Kind: TypeAlias = Literal["chatkeep", "library"]


class SignIn(Record, rename="camel"):
    """A session of a user, live or not.

    Attributes:
        id: No secret: it names the session for `db.auth.sessions.revoke`.
        device: Browser and system, where the browser told them.
        is_live: Whether it lasted when it was read.
        kind: Who began it: `db.auth.sessions`, whose tokens stand there as a hash, or the sign-in
            library of a front end.
    """

    id: str
    device: str | None
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    ip_address: str | None
    is_live: bool
    kind: Kind


async def list_sign_ins(
    db: Database[Any, Any, Any, Any],
    user_id: str,
    now: datetime,
    *,
    limit: int = 50,
    after: str | None = None,
) -> tuple[list[SignIn], str | None]:
    """Give a page of a user's sessions, newest first, and the cursor of the next page.

    Args:
        db: Where; any preset.
        user_id: Whose. An unknown user has none.
        now: What ends until then is not live.
        limit: At most so many, 1 to 1000.
        after: The cursor that the page before gave.

    Raises:
        InvalidInputError: The limit is out of bounds.
        InvalidCursorError: The cursor is not one of this list.
    """
    page = await db.sessions.list(user_id, limit, after=after)
    return [_sign_in(each, now) for each in page.items], page.next_cursor


def _sign_in(session: Any, now: datetime) -> SignIn:  # noqa: ANN401 - a record of either preset
    has_token = hasattr(session, "session_token")
    token: str = session.session_token if has_token else session.token
    ends: datetime = session.expires if has_token else session.expires_at
    if ends.tzinfo is None:  # the driver gives PostgreSQL's infinity without a zone
        ends = ends.replace(tzinfo=UTC)
    return SignIn(
        id=id_of(token),
        device=device_of(session.user_agent),
        created_at=session.created_at,
        used_at=session.updated_at,
        expires_at=ends,
        ip_address=session.ip_address,
        is_live=ends > now,
        kind="chatkeep" if token.startswith(PREFIX) else "library",
    )
