"""What every fact has: a kind, a name, and the fact that it belongs to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple


class Kind(StrEnum):
    """The kinds of object that the diff models, in the order in which they are best created."""

    SCHEMA = "schema"
    EXTENSION = "extension"
    COLLATION = "collation"
    ENUM = "enum"
    DOMAIN = "domain"
    COMPOSITE = "composite type"
    RANGE = "range type"
    SEQUENCE = "sequence"
    TABLE = "table"
    COLUMN = "column"
    DEFAULT = "default"
    SEQUENCE_OWNER = "sequence owner"
    PRIMARY_KEY = "primary key"
    UNIQUE = "unique constraint"
    CHECK = "check constraint"
    EXCLUDE = "exclusion constraint"
    PARTITION = "partition"
    FOREIGN_KEY = "foreign key"
    INDEX = "index"
    REPLICA_IDENTITY = "replica identity"
    CLUSTER = "clustered index"
    STATISTICS = "statistics"
    FUNCTION = "function"
    VIEW = "view"
    VIEW_DEFAULT = "view column default"
    MATERIALIZED_VIEW = "materialized view"
    RULE = "rule"
    TRIGGER = "trigger"
    POLICY = "policy"
    PUBLICATION = "publication"
    COMMENT = "comment"
    OWNER = "owner"
    GRANT = "grant"
    DEFAULT_PRIVILEGES = "default privileges"
    EVENT_TRIGGER = "event trigger"


class Key(NamedTuple):
    """Names one fact inside a database: `Key(Kind.COLUMN, ("public", "users", "email"))`."""

    kind: Kind
    path: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} {'.'.join(part for part in self.path if part)}"


@dataclass(frozen=True, slots=True)
class Fact(ABC):
    """One object of a database. Two facts are equal when PostgreSQL would behave the same."""

    kind: ClassVar[Kind]

    @property
    @abstractmethod
    def path(self) -> tuple[str, ...]:
        """The qualified name, schema first."""

    @property
    def parent(self) -> Key | None:
        """The fact that takes this one along when it is dropped, or None."""
        return None

    @property
    def key(self) -> Key:
        """Where the catalog keeps this fact."""
        return Key(self.kind, self.path)


@dataclass(frozen=True, slots=True)
class Named(Fact):
    """A fact that lives directly in a schema."""

    schema: str
    name: str

    @property
    def path(self) -> tuple[str, ...]:
        """Schema and name."""
        return (self.schema, self.name)


@dataclass(frozen=True, slots=True)
class OnTable(Fact):
    """A fact that belongs to a table and goes with it."""

    schema: str
    table: str
    name: str

    @property
    def path(self) -> tuple[str, ...]:
        """Schema, table and name."""
        return (self.schema, self.table, self.name)

    @property
    def parent(self) -> Key | None:
        """The table."""
        return Key(Kind.TABLE, (self.schema, self.table))


@dataclass(frozen=True, slots=True)
class Unmodelled:
    """An object that the diff sees but cannot change.

    Attributes:
        kind: What PostgreSQL calls it, such as `operator` or `foreign table`.
        name: Its qualified name.
        definition: Enough text to tell whether it is the same in two databases.
        table: The table whose changes it forbids, as (schema, name), or None.
    """

    kind: str
    name: str
    definition: str
    table: tuple[str, str] | None = None
