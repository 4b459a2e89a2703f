"""Functions, triggers, views, policies and comments."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from chatkeep.kit.catalog.fact import Fact, Key, Kind, Named, OnTable

Enabled = Literal["origin", "disabled", "replica", "always"]
"""When a trigger or rule fires, by `session_replication_role`."""


@dataclass(frozen=True, slots=True)
class Function(Named):
    """A function or procedure; `arguments` tell apart those of one name.

    Attributes:
        result: What CREATE OR REPLACE must not change.
        signature: Names and defaults of the arguments, which it may change only in part.
        checked: What of the body PostgreSQL looks at when it is made, or None: a string of SQL, or
            the declarations of PL/pgSQL.
    """

    kind: ClassVar[Kind] = Kind.FUNCTION
    arguments: str
    procedure: bool
    definition: str
    result: str
    signature: str
    checked: str | None = field(default=None, compare=False)

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
class OnRelation(OnTable):
    """A fact that belongs to a table or to a view."""

    definition: str
    enabled: Enabled
    on_view: bool = False

    @property
    def parent(self) -> Key | None:
        """The table or view."""
        return Key(Kind.VIEW if self.on_view else Kind.TABLE, (self.schema, self.table))


@dataclass(frozen=True, slots=True)
class Trigger(OnRelation):
    """A trigger of a table or view."""

    kind: ClassVar[Kind] = Kind.TRIGGER


@dataclass(frozen=True, slots=True)
class Rule(OnRelation):
    """A rule of a table or view, other than the one that makes a view a view."""

    kind: ClassVar[Kind] = Kind.RULE


@dataclass(frozen=True, slots=True)
class ViewDefault(OnTable):
    """DEFAULT of a view's column, which an INSERT into the view takes."""

    kind: ClassVar[Kind] = Kind.VIEW_DEFAULT
    expression: str

    @property
    def parent(self) -> Key | None:
        """The view."""
        return Key(Kind.VIEW, (self.schema, self.table))


@dataclass(frozen=True, slots=True)
class EventTrigger(Fact):
    """A trigger on commands.

    Attributes:
        definition: CREATE EVENT TRIGGER.
    """

    kind: ClassVar[Kind] = Kind.EVENT_TRIGGER
    name: str
    definition: str
    enabled: Enabled

    @property
    def path(self) -> tuple[str, ...]:
        """The name alone: event triggers live in no schema."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class Publication(Fact):
    """What logical replication sends.

    Attributes:
        everything: FOR ALL TABLES.
        items: What follows FOR otherwise: `TABLE public.t (a, b) WHERE (…)`, `TABLES IN SCHEMA …`.
        options: (name, value) pairs of WITH.
    """

    kind: ClassVar[Kind] = Kind.PUBLICATION
    name: str
    everything: bool
    items: tuple[str, ...]
    options: tuple[tuple[str, str], ...]

    @property
    def path(self) -> tuple[str, ...]:
        """The name alone: publications live in no schema."""
        return (self.name,)


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
