"""Functions, triggers, views, policies and comments."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from chatkeep.kit.catalog.fact import Fact, Key, Kind, Named, OnTable


@dataclass(frozen=True, slots=True)
class Function(Named):
    """A function or procedure; `arguments` tell apart those of one name.

    Attributes:
        result: What CREATE OR REPLACE must not change.
        signature: Names and defaults of the arguments, which it may change only in part.
        checked_late: The body is a string of SQL, checked only when it runs.
    """

    kind: ClassVar[Kind] = Kind.FUNCTION
    arguments: str
    procedure: bool
    definition: str
    result: str
    signature: str
    checked_late: bool = field(default=False, compare=False)

    @property
    def path(self) -> tuple[str, ...]:
        """Schema, name and argument types."""
        return (self.schema, self.name, self.arguments)


@dataclass(frozen=True, slots=True)
class View(Named):
    """A view. `columns` are (name, type) pairs."""

    kind: ClassVar[Kind] = Kind.VIEW
    definition: str
    columns: tuple[tuple[str, str], ...]
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MaterializedView(View):
    """A materialized view; its indexes are facts of their own."""

    kind: ClassVar[Kind] = Kind.MATERIALIZED_VIEW


@dataclass(frozen=True, slots=True)
class Trigger(OnTable):
    """A trigger of a table or view."""

    kind: ClassVar[Kind] = Kind.TRIGGER
    definition: str
    enabled: Literal["origin", "disabled", "replica", "always"]
    on_view: bool = False

    @property
    def parent(self) -> Key | None:
        """The table or view."""
        return Key(Kind.VIEW if self.on_view else Kind.TABLE, (self.schema, self.table))


@dataclass(frozen=True, slots=True)
class Policy(OnTable):
    """A row-level security policy."""

    kind: ClassVar[Kind] = Kind.POLICY
    command: str
    permissive: bool
    roles: tuple[str, ...]
    using: str | None
    check: str | None


@dataclass(frozen=True, slots=True)
class Comment(Fact):
    """COMMENT ON another fact, or on a column of a view.

    Attributes:
        holder: What goes away together with the comment: the target, or its view.
        procedure: The target is a procedure, which COMMENT ON tells from a function.
    """

    kind: ClassVar[Kind] = Kind.COMMENT
    target: Key
    text: str
    holder: Key
    procedure: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Kind of the target, then its path."""
        return (self.target.kind.value, *self.target.path)

    @property
    def parent(self) -> Key | None:
        """What the comment goes away with."""
        return self.holder
