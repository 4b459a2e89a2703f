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
    """A table without its columns and constraints; those are facts of their own.

    Attributes:
        replica_identity: Told by a fact of its own where it is not the default.
        partition_key: `RANGE (id)` of a partitioned table, or None.
    """

    kind: ClassVar[Kind] = Kind.TABLE
    unlogged: bool
    options: tuple[str, ...]
    row_security: bool
    force_row_security: bool
    replica_identity: Literal["default", "full", "nothing", "index"] = field(compare=False)
    partition_key: str | None = None


@dataclass(frozen=True, slots=True)
class Partition(Named):
    """A table's place in a partitioned one; the table itself is a fact like any other.

    Attributes:
        bound: `FOR VALUES …` or `DEFAULT`.
    """

    kind: ClassVar[Kind] = Kind.PARTITION
    parent_schema: str
    parent_table: str
    bound: str

    @property
    def parent(self) -> Key | None:
        """The table that is the partition."""
        return Key(Kind.TABLE, self.path)

    @property
    def whole(self) -> Key:
        """The partitioned table."""
        return Key(Kind.TABLE, (self.parent_schema, self.parent_table))


@dataclass(frozen=True, slots=True)
class ReplicaIdentity(OnTable):
    """What of an old row goes into the log, where that is not its primary key.

    Attributes:
        identity: `full`, `nothing` or `index`.
        index: Name of the index, or empty.
    """

    kind: ClassVar[Kind] = Kind.REPLICA_IDENTITY
    identity: str
    index: str


@dataclass(frozen=True, slots=True)
class Cluster(OnTable):
    """The index by which CLUSTER sorts a table."""

    kind: ClassVar[Kind] = Kind.CLUSTER
    index: str


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
        options: `n_distinct=5` and the like.
        not_null_form: ` NOT VALID` or ` NO INHERIT` of PostgreSQL 18, else empty.
        not_null_name: Name of the NOT NULL, where PostgreSQL 18 keeps one that it did not make up.
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
    options: tuple[str, ...] = ()
    not_null_form: str = ""
    not_null_name: str | None = field(default=None, compare=False)
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
