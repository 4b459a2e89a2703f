"""Who owns an object, and who may do what with it."""

from dataclasses import dataclass
from typing import ClassVar

from chatkeep.kit.catalog.fact import Fact, Key, Kind


@dataclass(frozen=True, slots=True)
class Privileged(Fact):
    """Something said of another object.

    Attributes:
        target: The object; a column of a view is named though it is no fact.
        holder: The fact that takes this one along: the target, its view, or None for `public`.
        noun: How GRANT and ALTER call the object: `TABLE`, `FUNCTION`, …
    """

    target: Key
    holder: Key | None
    noun: str

    @property
    def path(self) -> tuple[str, ...]:
        """Kind of the target, then its path."""
        return (self.target.kind.value, *self.target.path)

    @property
    def parent(self) -> Key | None:
        """What goes away together with it."""
        return self.holder


@dataclass(frozen=True, slots=True)
class Owner(Privileged):
    """An owner other than the role that owns most of the database."""

    kind: ClassVar[Kind] = Kind.OWNER
    role: str


@dataclass(frozen=True, slots=True)
class Grant(Privileged):
    """What a role has beyond what every object gives, and what was taken from it.

    Attributes:
        role: Quoted where needed; `PUBLIC`, or `CURRENT_USER` for the owner.
        granted: Such as `SELECT`.
        grantable: The same, WITH GRANT OPTION.
        revoked: What PostgreSQL gives by itself and somebody took.
    """

    kind: ClassVar[Kind] = Kind.GRANT
    role: str
    granted: tuple[str, ...]
    grantable: tuple[str, ...]
    revoked: tuple[str, ...]

    @property
    def path(self) -> tuple[str, ...]:
        """Kind and path of the target, then the role."""
        return (self.target.kind.value, *self.target.path, self.role)


@dataclass(frozen=True, slots=True)
class DefaultPrivileges(Fact):
    """ALTER DEFAULT PRIVILEGES: what a role gets on objects that are yet to be made.

    Attributes:
        maker: The role that will make them; empty for the one that is connected.
        schema: Where; empty for everywhere.
        objects: `TABLES`, `SEQUENCES`, `FUNCTIONS`, `TYPES` or `SCHEMAS`.
    """

    kind: ClassVar[Kind] = Kind.DEFAULT_PRIVILEGES
    maker: str
    schema: str
    objects: str
    role: str
    granted: tuple[str, ...]
    grantable: tuple[str, ...]
    revoked: tuple[str, ...]

    @property
    def path(self) -> tuple[str, ...]:
        """Everything that tells them apart."""
        return (self.maker, self.schema, self.objects, self.role)

    @property
    def parent(self) -> Key | None:
        """The schema, if there is one."""
        return Key(Kind.SCHEMA, (self.schema,)) if self.schema else None
