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
from chatkeep.personal.catalog import Column, Table

What: TypeAlias = Literal["id", "e-mail", "any"]

ID = "\0id\0"
EMAILS = "\0emails\0"
PATTERN = "\0pattern\0"

_MARKER = re.compile(r"\0[a-z -]+\0")
_SHORT = 20  # an id of fewer characters may be a piece of another word
_TEXTS = {"text", "varchar", "bpchar", "name", "citext"}
# What ends before the needle: the escapes of JSON, of URLs and of PostgreSQL's bytea are no letters.
_ESCAPED = r"(?<=\\[bfnrt])|(?<=\\u[0-9a-f]{4})|(?<=\\[0-7]{3})|(?<=%[0-9a-f]{2})"


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
            PATTERN: _pattern(whole),
        }
        for what, needles in (("any", whole), ("id", [self.id]), ("e-mail", self.emails)):
            core, pattern = _markers(what)
            values |= {core: _core(needles), pattern: _pattern(needles)}
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

    What stands around them is looked at in few rows only: that is a hundred times slower.
    """
    core, pattern = _markers(what)
    return f"({text} ~* {core} and {text} ~* {pattern})"


def _markers(what: str) -> tuple[str, str]:
    return f"\0core of {what}\0", f"\0pattern of {what}\0"


def text_of(column: Column, alias: str) -> str:
    """Give a column as text, for searching."""
    name = f"{alias}.{ident(column.name)}"
    if column.base == "bytea":
        return f"encode({name}, 'escape')"
    return f'{name}::text collate "default"'


def is_text(column: Column) -> bool:
    """Say whether its values are plain texts."""
    return column.base in _TEXTS


_NOTHING = r"\A\Z(?=.)"


def _core(needles: Sequence[str]) -> str:
    """Give a regular expression of PostgreSQL's for the needles, wherever they stand."""
    return "|".join(_spelled(each) for each in needles) or _NOTHING


def _pattern(needles: Sequence[str]) -> str:
    """Give one that finds each of the needles and no longer words; `~*` is meant for both."""
    if not needles:
        return _NOTHING
    return "|".join(_of_email(each) if "@" in each else _of_id(each) for each in needles)


def _of_email(email: str) -> str:
    # ada@x.org is not in nada@x.org, l.ada@x.org or ada@x.org.uk, but it is in <ada@x.org>.
    before = rf"(?:{_ESCAPED}|(?<![[:alnum:]_%+-])(?<![[:alnum:]][.]))"
    return rf"{before}{_spelled(email)}(?![[:alnum:]_-])(?![.][[:alnum:]])"


def _of_id(id_: str) -> str:
    if len(id_) >= _SHORT:
        return _spelled(id_)
    return rf"(?:{_ESCAPED}|(?<![[:alnum:]_-])){_spelled(id_)}(?![[:alnum:]_-])"


def _spelled(needle: str) -> str:
    return "".join(_letter(letter) for letter in needle)


def _letter(letter: str) -> str:
    """Give a letter as it may stand in texts, in JSON of any writer, and in URLs."""
    code = ord(letter)
    plain = letter if letter.isalnum() or code > 127 else f"\\{letter}"
    forms = [plain]
    if code < 0x10000:
        forms.append(rf"\\+u{code:04x}")
    if code < 128 and not letter.isalnum():
        forms.append(f"%{code:02x}")
    return f"(?:{'|'.join(forms)})"


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
