"""What the schema's class and the names of columns say about persons."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chatkeep.errors import ConfigError
from chatkeep.personal.catalog import Table
from chatkeep.schema.personal import Declarations, Personal
from chatkeep.schema.schema import Schema

_SECRET = re.compile(
    r"(^|_)(password|passwd|secret|token|api_?key|private_key|salt)(_hash|_digest)?$", re.IGNORECASE
)
_LIKE_EMAIL = re.compile(r"(^|_)e_?mail(_address)?$", re.IGNORECASE)
_LIKE_OWNER = re.compile(r"^(user|owner|created_by|updated_by)(_id)?$", re.IGNORECASE)


def schema_of(value: object) -> Schema[Any, Any, Any, Any]:
    """Take what a configuration names for a schema.

    Raises:
        ConfigError: It is none.
    """
    if isinstance(value, Schema):
        return value
    raise ConfigError(
        f"Persons are found through a Schema, and what is configured is of type {type(value).__name__}.",
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
        return tuple(name for name in table.columns if said.get(name, _SECRET.search(name)))


def is_like_email(column: str) -> bool:
    """Say whether a column's name promises an e-mail."""
    return _LIKE_EMAIL.search(column) is not None


def is_like_owner(column: str) -> bool:
    """Say whether a column's name promises a person's id."""
    return _LIKE_OWNER.match(column) is not None
