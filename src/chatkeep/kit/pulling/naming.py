"""Names of a database as names of Python."""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable
from itertools import chain, count

from sqlalchemy import TypedColumns

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_WORD = re.compile(r"\W+")

MODULE_NAMES = frozenset(
    {
        "sa",
        "pg",
        "dt",
        "decimal",
        "uuid",
        "metadata",
        "schema",
        "Any",
        "Declared",
        "Extra",
        "PgType",
    }
)
"""Names that a pulled module has for itself."""

_TAKEN_TYPES = frozenset({"str", "int", "bool", "float", "bytes", "list", "dict", "object"})
_COLUMN_NAMES = (
    frozenset(dir(TypedColumns)) | _TAKEN_TYPES | {"sa", "pg", "dt", "decimal", "uuid", "Any"}
)


def identifier(name: str) -> str:
    """Give a snake_case name: `emailVerified` is email_verified, `2fa` n2fa, `class` class_."""
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    snake = _BOUNDARY.sub("_", plain) if plain != plain.upper() else plain
    found = unicodedata.normalize("NFKC", _NO_WORD.sub("_", snake).strip("_").lower())
    found = "".join(mark for mark in found if ("a" + mark).isidentifier()) or "unnamed"
    if not found.isidentifier():
        found = f"n{found}"
    word = keyword.iskeyword(found) or keyword.issoftkeyword(found) or found == "l"
    return f"{found}_" if word else found


def class_name(variable: str) -> str:
    """Give the name of the class of a table's columns: `UserColumns` for `user`."""
    return "".join(part[:1].upper() + part[1:] for part in variable.split("_")) + "Columns"


class Names:
    """Gives each thing a name of its own.

    Args:
        reserved: Names that nothing gets; who wants one gets it with `_` behind it.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._reserved = frozenset(reserved)
        self._given: set[str] = set()

    def take(self, name: str, *others: str) -> str:
        """Give the first free one of these names, else the first with a number."""
        wanted = identifier(name)
        if wanted in self._reserved:
            wanted += "_"
        numbered = (f"{wanted.rstrip('_')}_{number}" for number in count(2))
        found = next(n for n in chain((wanted, *others), numbered) if self._is_free(n))
        self._given.add(found)
        return found

    def _is_free(self, name: str) -> bool:
        return name not in self._given and name not in self._reserved


def variables() -> Names:
    """Give the names at the top of a module: no builtin, nothing that the module uses."""
    return Names({*MODULE_NAMES, *dir(builtins)})


def columns() -> Names:
    """Give the names in a class of columns: nothing that SQLAlchemy or the module uses there."""
    return Names(_COLUMN_NAMES)
