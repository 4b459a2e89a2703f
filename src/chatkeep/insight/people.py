"""Finding a user among a million: by the beginning of an e-mail or an id, by indexes alone.

What no index answers (a part of a name, the newest users) is answered where there are few users, and
of more of them only where the caller asks to read the whole table.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Text,
    bindparam,
    func,
    literal,
    or_,
    select,
)

from chatkeep.access.trashed import live
from chatkeep.database import Database
from chatkeep.errors import InvalidInputError
from chatkeep.inputs.text import first_fault

AnyDatabase: TypeAlias = Database[Any, Any, Any, Any]
Order: TypeAlias = Literal["email", "newest", "active"]
Reach: TypeAlias = Literal["everything", "beginnings"]

FEW = 20_000
"""Up to so many users are read whole without being asked to."""
MAX_NEEDLE = 320
_WINDOW = 1000  # rows of an index that are looked at for a beginning


class Person(msgspec.Struct):
    """A user, as a list shows one.

    Attributes:
        id: Of the user.
        email: Their address.
        name: What they are called, if that is known.
        created_at: When they came.
        active_at: When a chat of theirs was last active; None without a chat.
    """

    id: str
    email: str
    name: str | None
    created_at: datetime
    active_at: datetime | None = None


class PeoplePage(msgspec.Struct):
    """Some of the users.

    Attributes:
        items: At most as many as were asked for.
        next_cursor: Where the list goes on; None at its end, and for what was searched.
        order: How the list is ordered.
        few: Whether there are at most `FEW` users, so that all orders and parts of names are quick.
        reach: What was searched: all of e-mails and names, or the beginnings of e-mails and ids.
        more: Whether more were found than are given.
    """

    items: list[Person]
    next_cursor: str | None
    order: Order
    few: bool
    reach: Reach = "everything"
    more: bool = False


async def list_people(
    db: AnyDatabase, order: str | None = None, *, limit: int = 50, after: str | None = None
) -> PeoplePage:
    """Give a page of all users.

    Args:
        db: An open database.
        order: "email", which an index serves; "newest" or "active" (whose chats were last active),
            which read the whole table. None: the newest of few users, else by e-mail.
        limit: At most so many, 1 to 1000.
        after: `next_cursor` of the page before.

    Raises:
        InvalidInputError: No such order; it is "active", and there are more than `FEW` users.
        InvalidCursorError: The cursor is not one of this list.
        DatabaseTimeoutError: The whole table took too long to read.
    """
    few = await _are_few(db)
    chosen: Order = "newest" if few else "email"
    if order is not None:
        chosen = _order(order, few=few)
    users = db.schema.tables["users"]
    keys: dict[Order, ColumnElement[Any]] = {
        "email": func.lower(users.c["email"]),
        "newest": users.c["created_at"].desc(),
    }
    if chosen == "active":
        keys["active"] = func.coalesce(_activity(db, users.c["id"]), users.c["created_at"]).desc()
    order_by = keys[chosen]
    page = await db.page(_people(users), order_by=order_by, limit=limit, after=after, into=Person)
    people = await _with_activity(db, page.items)
    return PeoplePage(people, page.next_cursor, chosen, few)


async def find_people(
    db: AnyDatabase, text: str, *, limit: int = 50, everywhere: bool = False
) -> PeoplePage:
    """Find users by what somebody typed: the beginning of an e-mail, letter case aside, or of an id.

    Of at most `FEW` users, or `everywhere`, also by any part of an e-mail or a name.

    Args:
        db: An open database.
        text: What was typed.
        limit: At most so many, 1 to 1000.
        everywhere: Read the whole table, however long.

    Raises:
        InvalidInputError: The text is too long, or has characters that PostgreSQL cannot store.
        DatabaseTimeoutError: The whole table took too long to read.
    """
    needle = text.strip()
    fault = first_fault(needle)
    if len(needle) > MAX_NEEDLE or fault is not None:
        said = f"It is longer than {MAX_NEEDLE} characters" if fault is None else fault.problem
        raise InvalidInputError(f"This is not searched for. {said}.", field="q")
    few = await _are_few(db)
    users = db.schema.tables["users"]
    statements = [
        _beginning(users, func.lower(users.c["email"]), needle.lower(), limit),
        _beginning(users, users.c["id"], needle, limit),
    ]
    if few or everywhere:
        statements.append(_anywhere(users, needle.lower(), limit))
    found: dict[str, Person] = {}
    for statement in statements:
        for person in await db.all(statement, into=Person):
            found.setdefault(person.id, person)
    people = await _with_activity(db, list(found.values())[:limit])
    reach: Reach = "everything" if few or everywhere else "beginnings"
    return PeoplePage(people, None, "email", few, reach, more=len(found) > limit)


def _people(users: FromClause) -> Select[Any]:
    names = ("id", "email", "name", "created_at")
    return select(*(users.c[name] for name in names))


def _beginning(users: FromClause, key: ColumnElement[Any], needle: str, limit: int) -> Select[Any]:
    """Look at the rows that follow the needle in an index, whatever its collation.

    In the collation of bytes those that begin with it are the first; in others some stand between.
    """
    near = _people(users).add_columns(key.label("found_by")).where(key >= literal(needle, Text()))
    window = near.order_by(key).limit(_WINDOW).subquery("near")
    fits = func.starts_with(window.c["found_by"], literal(needle, Text()))
    columns = [window.c[name] for name in ("id", "email", "name", "created_at")]
    return select(*columns).where(fits).order_by(window.c["found_by"]).limit(limit + 1)


def _anywhere(users: FromClause, needle: str, limit: int) -> Select[Any]:
    within = [
        func.strpos(func.lower(users.c[name]), literal(needle, Text())) > 0
        for name in ("name", "email")
    ]
    return _people(users).where(or_(*within)).order_by(users.c["id"]).limit(limit + 1)


async def _are_few(db: AnyDatabase) -> bool:
    """Count no further than needed."""
    users = db.schema.tables["users"]
    counted = select(users.c["id"]).limit(FEW + 1).subquery("counted")
    number = await db.scalar(select(func.count()).select_from(counted))
    return (number or 0) <= FEW


def _activity(db: AnyDatabase, user_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give when a user's chats were last active, by one look into an index."""
    chats = db.schema.tables["chats"]
    latest = select(chats.c["updated_at"]).where(chats.c["user_id"] == user_id, live(chats))
    return latest.order_by(chats.c["updated_at"].desc()).limit(1).scalar_subquery()


async def _with_activity(db: AnyDatabase, people: Sequence[Person]) -> list[Person]:
    if people and "chats" in db.schema.tables:
        ids = bindparam("ids", [person.id for person in people], type_=ARRAY(Text()))
        asked = func.unnest(ids, type_=Text()).column_valued("asked")
        rows = await db.all(select(asked, _activity(db, asked)))
        active = dict(rows)
        for person in people:
            person.active_at = active.get(person.id)
    return list(people)


def _order(given: str, *, few: bool) -> Order:
    for order in get_args(Order):
        if given == order and (few or order != "active"):
            found: Order = order
            return found
    raise InvalidInputError(
        f"order is one of {get_args(Order)}; `active` needs at most {FEW} users.",
        field="order",
    )
