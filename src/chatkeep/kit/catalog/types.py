"""Schemas, extensions and user-defined types."""

from dataclasses import dataclass
from typing import ClassVar

from chatkeep.kit.catalog.fact import Fact, Kind, Named


@dataclass(frozen=True, slots=True)
class Schema(Fact):
    """A schema other than `public`, which every database has."""

    kind: ClassVar[Kind] = Kind.SCHEMA
    name: str

    @property
    def path(self) -> tuple[str, ...]:
        """The name alone."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Extension(Fact):
    """An installed extension. Its members are not facts.

    Attributes:
        version: Only where it is not the one that the server installs by itself.
    """

    kind: ClassVar[Kind] = Kind.EXTENSION
    name: str
    schema: str
    version: str | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The name alone: extensions do not live in a schema."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Enum(Named):
    """An enum type with its labels in their order."""

    kind: ClassVar[Kind] = Kind.ENUM
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Domain(Named):
    """A domain. `checks` are (name, definition) pairs, sorted by name."""

    kind: ClassVar[Kind] = Kind.DOMAIN
    base: str
    not_null: bool
    default: str | None
    collation: str | None
    checks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Composite(Named):
    """A composite type. `attributes` are (name, type) pairs in their order."""

    kind: ClassVar[Kind] = Kind.COMPOSITE
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Range(Named):
    """A range type. `options` are (name, value) pairs as CREATE TYPE takes them."""

    kind: ClassVar[Kind] = Kind.RANGE
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Collation(Named):
    """A collation. `options` are (name, value) pairs as CREATE COLLATION takes them."""

    kind: ClassVar[Kind] = Kind.COLLATION
    options: tuple[tuple[str, str], ...]
