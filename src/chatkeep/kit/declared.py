"""A schema told as a MetaData and a list of statements: what `chatkeep pull` writes.

metadata = sa.MetaData()
notes = sa.Table("note", metadata, NoteColumns)
schema = Declared(metadata, (Extra("view", "public.recent", "CREATE VIEW …"),))
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.types import UserDefinedType

from chatkeep.kit.target import StageLike


class PgType(UserDefinedType[Any]):
    """A type that SQLAlchemy does not know, in PostgreSQL's words: `PgType("public.vector(3)")`.

    Values come and go as the driver has them.
    """

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_kw: object) -> str:
        """Give the words for CREATE TABLE."""
        return self.name


@dataclass(frozen=True, slots=True)
class Extra:
    """What SQLAlchemy cannot say, as SQL.

    Attributes:
        kind: What it is, such as `view`.
        name: Its qualified name.
        create: The SQL that makes it, or changes a table that SQLAlchemy made in part.
        before_tables: It comes before the tables, which need it; all others come after them, in
            their order.
    """

    kind: str
    name: str
    create: str
    before_tables: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """Tables and what goes with them; name it as `schema` in the configuration.

    Attributes:
        metadata: The tables.
        extras: What SQLAlchemy cannot say.
        prefix: Stands before the tables' names; left out of migrations' names.
        stages: None; a schema of `chatkeep.schema` may have some.
    """

    metadata: MetaData
    extras: tuple[Extra, ...] = ()
    prefix: str = ""
    stages: tuple[StageLike, ...] = ()
