"""Tables, their columns and defaults, and sequences."""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from chatkeep.kit.catalog.fact import Key, Kind, Named, OnTable


@dataclass(frozen=True, slots=True)
class SequenceOptions:
    """What a sequence counts, without where it stands."""

    type: str
    start: int
    increment: int
    minimum: int
    maximum: int
    cache: int
    cycle: bool


@dataclass(frozen=True, slots=True)
class Sequence(Named):
    """A sequence that stands by itself or belongs to a serial column, never to an identity."""

    kind: ClassVar[Kind] = Kind.SEQUENCE
    options: SequenceOptions
    unlogged: bool


@dataclass(frozen=True, slots=True)
class SequenceOwner(Named):
    """The column that a sequence goes with (OWNED BY)."""

    kind: ClassVar[Kind] = Kind.SEQUENCE_OWNER
    table_schema: str
    table: str
    column: str

    @property
    def parent(self) -> Key | None:
        """The sequence."""
        return Key(Kind.SEQUENCE, self.path)

    @property
    def owner(self) -> Key:
        """The column."""
        return Key(Kind.COLUMN, (self.table_schema, self.table, self.column))


@dataclass(frozen=True, slots=True)
class Table(Named):
    """A table without its columns and constraints; those are facts of their own."""

    kind: ClassVar[Kind] = Kind.TABLE
    unlogged: bool
    options: tuple[str, ...]
    row_security: bool
    force_row_security: bool
    replica_identity: Literal["default", "full", "nothing", "index"]


@dataclass(frozen=True, slots=True)
class Identity:
    """GENERATED … AS IDENTITY with the sequence behind it."""

    always: bool
    sequence: str
    options: SequenceOptions


@dataclass(frozen=True, slots=True)
class Generated:
    """GENERATED ALWAYS AS (expression) STORED or VIRTUAL."""

    expression: str
    stored: bool


@dataclass(frozen=True, slots=True)
class Column(OnTable):
    """A column without its default, which is a fact of its own.

    Attributes:
        type: As PostgreSQL writes it with an empty search path, such as `character varying(20)`.
        collation: Quoted and qualified, or None for the type's own.
        storage: Only where it differs from the type's own.
        statistics: Only where set.
        position: Order in the table; not compared, since PostgreSQL cannot move a column.
        user_type: (schema, name) of the user-defined type, element type for an array, or None.
    """

    kind: ClassVar[Kind] = Kind.COLUMN
    type: str
    not_null: bool
    identity: Identity | None
    generated: Generated | None
    collation: str | None
    storage: str | None = None
    compression: str | None = None
    statistics: int | None = None
    position: int = field(default=0, compare=False)
    user_type: tuple[str, str] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Default(OnTable):
    """DEFAULT of the column `name`."""

    kind: ClassVar[Kind] = Kind.DEFAULT
    expression: str

    @property
    def parent(self) -> Key | None:
        """The column."""
        return Key(Kind.COLUMN, self.path)
