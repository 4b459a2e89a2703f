"""Pages of the lists that chatkeep has itself: limits, cursors, the rows of a page."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from chatkeep.access.cursors import identity_of, read_parts, refused_cursor, write_parts
from chatkeep.errors import InvalidInputError
from chatkeep.records.page import Page

R = TypeVar("R")

MAX_LIMIT = 1000
START = "start"
"""The cursor before everything: `after=START` pages forward from there."""
END = "end"
"""The cursor behind everything: `before=END` gives the last page."""

MAX_SEQ = 2**63 - 1
MIN_SEQ = -(2**63)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def check_limit(limit: object, name: str = "limit") -> int:
    """Refuse a limit outside 1 to 1000.

    Args:
        limit: What the caller gave.
        name: Of the argument, for the message.

    Raises:
        InvalidInputError: The limit is no whole number from 1 to 1000.
    """
    return check_number(limit, name, f"from 1 to {MAX_LIMIT}", MAX_LIMIT)


def check_number(value: object, name: str, bounds: str, most: int | None = None) -> int:
    """Refuse what is no whole number from 1 to `most`, or from 1 up; `bounds` says which.

    Raises:
        InvalidInputError: It is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= (most or value):
        return value
    raise InvalidInputError(f"{name} must be a whole number {bounds}.", field=name)


def check_direction(list_name: str, after: object, before: object) -> None:
    """Refuse two directions at once.

    Args:
        list_name: Of the list, for the message.
        after: What the caller gave.
        before: What the caller gave.

    Raises:
        InvalidInputError: Both were given.
    """
    if after is not None and before is not None:
        raise InvalidInputError(f"{list_name} takes before or after, not both.", field="after")


def write_cursor(list_name: str, *place: str | int | datetime) -> str:
    """Make a cursor of the place of a row.

    Args:
        list_name: What the list is: kind and owner, such as `message`, user and chat; a cursor is
            good only for the list that it was made for.
        place: Value of each column that the list is ordered by.
    """
    return write_parts(identity_of(list_name), [_write_part(part) for part in place])


def read_cursor(
    cursor: object, list_name: str, kinds: tuple[type, ...]
) -> list[str | int | datetime]:
    """Read the place out of a cursor.

    Args:
        cursor: What `write_cursor` gave.
        list_name: As for `write_cursor`.
        kinds: Type of each part of the place.

    Raises:
        InvalidCursorError: It is no cursor of ours, it was changed, or it belongs to another list.
    """
    parts = read_parts(identity_of(list_name), cursor, len(kinds))
    try:
        return [_read_part(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    except (ValueError, OverflowError) as exc:
        raise refused_cursor() from exc


def page_of(
    rows: list[R],
    limit: int,
    cursor_of: Callable[[R], str],
    *,
    after: str | None = None,
    before: str | None = None,
    far_end: str = END,
) -> Page[R]:
    """Make a page of the rows of a statement that asked for one more than the limit.

    Args:
        rows: In the order of the list; in the opposite order where `before` was given.
        limit: Of the page.
        cursor_of: Makes the cursor of a row.
        after: Where the caller began; None at the start of the list.
        before: Where the caller began to go back.
        far_end: What leads back into the list from an empty page behind its last row.
    """
    has_more = len(rows) > limit
    if has_more:
        del rows[limit:]
    if before is not None:
        rows.reverse()
        has_next, has_previous = before != END, has_more
    else:
        has_next, has_previous = has_more, after is not None and after != START
    if not rows:
        return Page(rows, START if has_next else None, far_end if has_previous else None)
    return Page(
        rows,
        cursor_of(rows[-1]) if has_next else None,
        cursor_of(rows[0]) if has_previous else None,
    )


def read_seq(list_name: str, *, before: str | None, after: str | None) -> int:
    """Give the place where a page of messages in the order of `seq` begins, itself not in it.

    Raises:
        InvalidCursorError: The cursor is not one of this list.
    """
    given, begin, place = (before, END, MAX_SEQ) if after is None else (after, START, MIN_SEQ)
    if given is None or given == begin:
        return place
    (seq,) = cast("list[int]", read_cursor(given, list_name, (int,)))
    return seq


def page_by_seq(
    rows: list[R],
    limit: int,
    list_name: str,
    seq_of: Callable[[R], int],
    *,
    before: str | None,
    after: str | None,
) -> Page[R]:
    """Make a page of messages in the order of `seq`: newest first, with `after` oldest first.

    `next_cursor` leads on with the same argument, `previous_cursor` turns round with the other one.
    """
    given, begin, far_end = (before, END, START) if after is None else (after, START, END)
    return page_of(
        rows,
        limit,
        lambda row: write_cursor(list_name, seq_of(row)),
        after=None if given == begin else given,
        far_end=far_end,
    )


def _write_part(part: str | int | datetime) -> str:
    if isinstance(part, datetime):
        # The driver gives infinity without a zone.
        moment = part if part.tzinfo else part.replace(tzinfo=UTC)
        return str((moment - _EPOCH) // _MICROSECOND)
    return str(part)


def _read_part(part: str | None, kind: type) -> str | int | datetime:
    if part is None:
        raise ValueError(part)
    if kind is str:
        return part
    number = int(part)
    if kind is datetime:
        return _EPOCH + number * _MICROSECOND
    if not -(2**63) <= number < 2**63:
        raise ValueError(part)
    return number
