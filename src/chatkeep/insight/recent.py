"""The conversations of all users that moved last."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from chatkeep.database import Database


async def recent_chats(
    database: Database[Any, Any, Any, Any], most: int
) -> Sequence[tuple[Any, ...]]:
    """Give the live chats that moved last, the newest first.

    No index serves it: every chat is sorted, so it is for databases that have few.

    Args:
        database: Open, of a schema that has chats.
        most: How many at most.

    Returns:
        Of each its id, title, time of the last activity, and its user's id, name and e-mail.

    Raises:
        DatabaseError: One of its kinds.
    """
    tables = database.schema.tables
    chats, users = tables["chats"], tables["users"]
    return await database.all(
        select(
            chats.c.id, chats.c.title, chats.c.updated_at, users.c.id, users.c.name, users.c.email
        )
        .join(users, users.c.id == chats.c.user_id)
        .where(chats.c.deleted_at.is_(None))
        .order_by(chats.c.updated_at.desc())
        .limit(most)
    )
