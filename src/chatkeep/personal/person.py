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
# Of fewer characters an id may be a piece of another word; of fewer than the first even between `-`.
_SHORT, _LONG = 20, 32
_TEXTS = {"text", "varchar", "bpchar", "name", "citext"}
# What may end before the needle: escapes of JSON, of PostgreSQL's bytea and of URLs are no letters.
_ESCAPES = (r"\\[bfnrt]", r"\\u[0-9a-f]{4}", r"\\[0-7]{3}", "%[0-9a-f]{2}")


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
            PATTERN: "|".join(_exact(each) for each in whole),
            _marker("any"): _pattern(whole),
            _marker("id"): _pattern([self.id]),
            _marker("e-mail"): _pattern(self.emails),
        }
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
    """Give the condition that a text, an expression of SQL, holds the id or one of the e-mails."""
    return f"{text} ~* {_marker(what)}"


def _marker(what: str) -> str:
    return f"\0pattern of {what}\0"


def text_of(column: Column, alias: str) -> str:
    """Give a column as text, for searching."""
    name = f"{alias}.{ident(column.name)}"
    if column.base == "bytea":
        return f"encode({name}, 'escape')"
    return f'{name}::text collate "default"'


def is_text(column: Column) -> bool:
    """Say whether its values are plain texts."""
    return column.base in _TEXTS


def _pattern(needles: Sequence[str]) -> str:
    """Give a regular expression of PostgreSQL's that finds each of the needles; `~*` is meant.

    What it finds has the characters around the needle too: not looking behind makes it a hundred
    times faster than `_exact`.
    """
    if not needles:
        return r"\A\Z(?=.)"  # finds nothing
    return "|".join(_with_edges(each) for each in needles)


def _with_edges(needle: str) -> str:
    escapes = "|".join(_ESCAPES)
    # ada@x.org is not in nada@x.org, l.ada@x.org or ada@x.org.uk, but it is in <ada@x.org>.
    if "@" in needle:
        before = rf"(?:^|[^[:alnum:]_%+.-]|(?:^|[^[:alnum:]])[.]|{escapes})"
        return before + _spelled(needle) + r"(?:$|[^[:alnum:]_.-]|[.](?:$|[^[:alnum:]]))"
    if len(needle) >= _LONG:
        return _spelled(needle)
    word = "[:alnum:]" if len(needle) >= _SHORT else "[:alnum:]_-"
    return rf"(?:^|[^{word}]|{escapes}){_spelled(needle)}(?:$|[^{word}])"


def _exact(needle: str) -> str:
    """Give the same that finds the needle alone, for replacing it."""
    escapes = "|".join(f"(?<={each})" for each in _ESCAPES)
    if "@" in needle:
        before = rf"(?:{escapes}|(?<![[:alnum:]_%+-])(?<![[:alnum:]][.]))"
        return before + _spelled(needle) + r"(?![[:alnum:]_-])(?![.][[:alnum:]])"
    if len(needle) >= _LONG:
        return _spelled(needle)
    word = "[:alnum:]" if len(needle) >= _SHORT else "[:alnum:]_-"
    return rf"(?:{escapes}|(?<![{word}])){_spelled(needle)}(?![{word}])"


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
