"""What the schema's class and the names of columns say about persons."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chatkeep.errors import ConfigError
from chatkeep.personal.catalog import Column, Table
from chatkeep.schema.personal import Declarations, Personal
from chatkeep.schema.schema import Schema

# In the words of a name; `_` stands for the gap between two.
_SECRET = re.compile(
    r"(^|_)(passwords?|passwds?|passphrases?|pwd|secrets?|credentials?|salts?|otps?|[th]otps?|jwts?"
    r"|(api|private|secret|access|signing|encryption)_?keys?|(backup|recovery)_?codes?|encrypted)(_|$)"
)
_TOKEN = re.compile(r"(^|_)tokens?(_|$)")
_ABOUT = re.compile(
    r"_(types?|counts?|limits?|usage|expires|expiry)$"
)  # `token_type` lets nobody in
_NO_WORDS = set("BDT")  # PostgreSQL's categories of booleans, times and spans
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_LIKE_EMAIL = re.compile(r"(^|_)e_?mail(_address)?$")
_LIKE_OWNER = re.compile(r"^(user|owner|created_by|updated_by)(_id)?$")


def schema_of(value: object) -> Schema[Any, Any, Any, Any]:
    """Take what a configuration names for a schema.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(value, Schema):
        return value
    raise ConfigError(
        f"This needs a Schema, and what is configured is of type {type(value).__name__}.",
        hint="`schema` in the configuration names a Schema object: package.module:name.",
    )


def declared_of(schema: Schema[Any, Any, Any, Any]) -> dict[str, tuple[Personal, ...]]:
    """Give what a schema's class and its bases declare; of one column the class's own word counts."""
    found: dict[str, tuple[Personal, ...]] = {}
    for base in type(schema).__mro__:
        own: Declarations = vars(base).get("personal", {})
        for table, said in own.items():
            before = found.get(table, ())
            found[table] = (*before, *(each for each in said if not _is_said(each, before)))
    return found


def _is_said(later: Personal, before: tuple[Personal, ...]) -> bool:
    return any(
        set(later.columns) & set(each.columns) and (later.rule is None) == (each.rule is None)
        for each in before
    )


class Declared:
    """Declarations by table.

    Raises:
        ConfigError: One names a table or column that there is not.
    """

    def __init__(
        self, declared: Mapping[str, tuple[Personal, ...]], known: Mapping[str, Table]
    ) -> None:
        """Compare with the tables of the database, by attribute and by qualified name."""
        self._by_table: dict[int, tuple[Personal, ...]] = {}
        for name, said in declared.items():
            table = known.get(name)
            if table is None:
                raise ConfigError(
                    f"`personal` of the schema names {name}, which is no table of it.",
                    hint='Take the attribute of the table, or "schema.table" for one that only '
                    "the database knows.",
                )
            for column in (column for each in said for column in each.columns):
                if column not in table.columns:
                    raise ConfigError(
                        f"`personal` of the schema names {name}.{column}; there is no such column."
                    )
            self._by_table[table.oid] = said

    def rules(self, table: Table) -> Iterator[Personal]:
        """Give the declarations of a table that have a rule."""
        return (each for each in self._by_table.get(table.oid, ()) if each.rule is not None)

    def secrets(self, table: Table) -> tuple[str, ...]:
        """Give the columns whose values an export leaves out."""
        said = {
            column: each.is_secret
            for each in self._by_table.get(table.oid, ())
            if each.is_secret is not None
            for column in each.columns
        }
        return tuple(
            name for name, column in table.columns.items() if said.get(name, is_like_secret(column))
        )


def is_like_secret(column: Column) -> bool:
    """Say whether a column's name and type promise what lets others act as somebody."""
    name = _words(column.name)
    if column.category in _NO_WORDS or _ABOUT.search(name):
        return False
    is_number = column.category == "N"  # tokens may be counted, as of a model; a code may be one
    return bool(_SECRET.search(name) or (not is_number and _TOKEN.search(name)))


def _words(name: str) -> str:
    """Give a name in small letters with `_` between its words: `userID` is `user_id`."""
    return _CAMEL.sub("_", name).lower()


def is_like_email(column: str) -> bool:
    """Say whether a column's name promises an e-mail."""
    return _LIKE_EMAIL.search(_words(column)) is not None


def is_like_owner(column: str) -> bool:
    """Say whether a column's name promises a person's id."""
    return _LIKE_OWNER.match(_words(column)) is not None
