"""A person: who is meant, and how PostgreSQL finds them in a column, a text, or JSON.

Statements name the person by the markers of this module; `bind` puts parameters in their place, so
that neither id nor e-mail ever stands in a statement's text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import asyncpg

from chatkeep.errors import PersonalDataError, UserNotFoundError
from chatkeep.kit.plan.quoting import ident
from chatkeep.personal import needles
from chatkeep.personal.catalog import Column, Table

What: TypeAlias = Literal["id", "e-mail", "any"]

ID = "\0id\0"
EMAILS = "\0emails\0"
PATTERN = "\0pattern\0"
_STRICT = "\0strict pattern\0"

_MARKER = re.compile(r"\0[a-z -]+\0")
_TEXTS = {"text", "varchar", "bpchar", "name", "citext"}


@dataclass(frozen=True, slots=True)
class Person:
    """Whom it is about.

    Attributes:
        id: In the users table.
        emails: Theirs, and what else the caller wants looked for, as given.
        is_there: Whether the users table has them.
    """

    id: str
    emails: tuple[str, ...] = field(repr=False)
    is_there: bool = True

    def bind(self, sql: str) -> tuple[str, list[object]]:
        """Put parameters where the markers stand; give the statement and its arguments."""
        whole = [self.id, *self.emails]
        values: dict[str, object] = {
            ID: self.id,
            EMAILS: [email.lower() for email in self.emails],
            PATTERN: needles.alone(whole),
            _STRICT: needles.alone(whole, strictly=True),
        }
        for what, each in (("any", whole), ("id", [self.id]), ("e-mail", self.emails)):
            values[_marker(what)] = needles.anywhere(each)
            values[_certain(what)] = needles.certain(each)
        used: list[str] = []

        def number(found: re.Match[str]) -> str:
            if found.group() not in used:
                used.append(found.group())
            cast = "::text[]" if found.group() == EMAILS else "::text"
            return f"${used.index(found.group()) + 1}{cast}"

        return _MARKER.sub(number, sql), [values[marker] for marker in used]

    def unnamed(self, actor: str) -> str:
        """Give who acts, for an audit that must not name this person."""
        names = (self.id, *self.emails)
        return "the person" if any(each.lower() in actor.lower() for each in names) else actor


def names(text: str, what: What = "any") -> str:
    """Give the condition that a text, an expression of SQL, holds the id or one of the e-mails.

    Within something longer too, such as another address; a short id as a word alone.
    """
    return f"{text} ~* {_marker(what)}"


def certainly_names(text: str, what: What) -> str:
    """Give the condition that the text has it by itself, not within something longer."""
    return f"{text} ~* {_certain(what)}"


def mentions(text: str) -> str:
    """Give the condition for rows that go with the person because of a text.

    Nobody else's address and no word that is somebody's short id leads to a row.
    """
    return f"({names(text)} and {text} ~* {_STRICT})"  # the second takes a hundred times longer


def _marker(what: str) -> str:
    return f"\0pattern of {what}\0"


def _certain(what: str) -> str:
    return f"\0certain {what}\0"


def text_of(column: Column, alias: str) -> str:
    """Give a column as text, for searching."""
    name = f"{alias}.{ident(column.name)}"
    if column.base == "bytea":
        return f"encode({name}, 'escape')"
    return f'{name}::text collate "default"'


def pieces_of(column: Column, alias: str, part: str) -> tuple[str, str]:
    """Give a column's value for reading in pieces, and the text of the piece `part` of one named `w.v`."""
    if column.base == "bytea":
        return f"{alias}.{ident(column.name)}", f"encode(substr(w.v, {part}), 'escape')"
    return text_of(column, alias), f"substr(w.v, {part})"


def is_text(column: Column) -> bool:
    """Say whether its values are plain texts."""
    return column.base in _TEXTS


async def find_person(
    connection: asyncpg.Connection, users: Table, who: str, also: Sequence[str] = ()
) -> Person:
    """Find a person by id or e-mail.

    Args:
        connection: To the database.
        users: The users table.
        who: Id, or e-mail letter case aside.
        also: Further e-mails of theirs. With one, somebody is taken for granted whom the table
            does not have any more.

    Raises:
        UserNotFoundError: No such user.
        PersonalDataError: Several users have this e-mail, `also` has one of another user, or what
            was given is empty.
    """
    if not who.strip() or not all(each.strip() for each in also) or "\0" in "".join([who, *also]):
        raise PersonalDataError("A person is named by an id or an e-mail, and this is none.")
    found = await connection.fetch(_look(users), who)
    if len(found) > 1:
        ids = ", ".join(str(row[0]) for row in found[:5])
        raise PersonalDataError(
            f"{len(found)} users answer to what was given: {ids}.", hint="Give the id of one."
        )
    id_, email = tuple(found[0]) if found else (who, None)
    for each in also:
        if any(row[0] != id_ for row in await connection.fetch(_look(users), each)):
            raise PersonalDataError("One of the further e-mails is another user's.")
    if found or also:
        own = (str(email),) if email else ()
        return Person(str(id_), tuple(dict.fromkeys((*own, *also))), is_there=bool(found))
    raise UserNotFoundError(
        "No user has this id or e-mail.",
        hint="To look for what was left of somebody who is gone, give their id, and with --also "
        "their e-mail.",
    )


def _look(users: Table) -> str:
    (id_,) = users.primary
    id_column, email = users.columns[id_], users.columns.get("email")
    left = f"u.{ident(id_)}" if is_text(id_column) else f"u.{ident(id_)}::text"
    address = "lower(u.email::text)" if email and email.base != "citext" else "u.email"
    mail = f" or {address} = lower($1)" if email else ""
    shown = "u.email::text" if email else "null::text"
    return f"select u.{ident(id_)}::text, {shown} from {users.sql} u where {left} = $1{mail}"  # noqa: S608 - names of the catalog
