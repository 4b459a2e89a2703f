"""What tells a row in the trash from the others: its `deleted_at`."""

from datetime import datetime
from typing import Any, TypeVar, cast

import msgspec
from sqlalchemy import ColumnElement, true
from sqlalchemy.sql.selectable import FromClause

from chatkeep.records.base import Record

R = TypeVar("R", bound=Record)

LIVE = "deleted_at IS NULL"
"""The condition as it stands at indexes."""


def has_trash(table: FromClause) -> bool:
    """Tell whether rows of a table can be in the trash."""
    return "deleted_at" in table.c


def is_trashed(table: FromClause) -> ColumnElement[bool]:
    """Say that a row is in the trash."""
    return table.c["deleted_at"].is_not(None)


def live(table: FromClause) -> ColumnElement[bool]:
    """Give the condition that leaves out what is in the trash, for a statement of your own.

    chatkeep's own methods and `nested` leave it out by themselves; `db.first`, `db.all` and
    `db.page` show rows as they are stored.

        select(schema.chats.c.title).where(live(schema.chats))

    Args:
        table: Of the schema, or an alias of one. For a table without a trash it is always true.
    """
    return table.c["deleted_at"].is_(None) if has_trash(table) else true()


def trashed_record(record: type[Record], trashed: type[R]) -> type[R]:
    """Give a record with `deleted_at` at its end: the preset's, or one like it.

    An extended schema has more fields than the preset's record; the class made for it has them all.
    """
    if issubclass(trashed, record):
        return trashed
    # A default, since a field of the extended record may have one, and none may follow it.
    deleted_at: tuple[str, Any, Any] = ("deleted_at", datetime | None, msgspec.field(default=None))
    made = msgspec.defstruct(
        f"Trashed{record.__name__}",
        [deleted_at],
        bases=(record,),
        module=record.__module__,
        gc=False,
    )
    return cast("type[R]", made)
