"""Tables from column classes, under a prefix: `table_creator`, and `TableDef` for a `Schema`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypedDict, TypeVar, cast, overload

from sqlalchemy import Column, MetaData, Table, TypedColumns
from sqlalchemy.schema import SchemaItem

from chatkeep.errors import ConfigError
from chatkeep.schema.naming import Naming
from chatkeep.schema.parts import Part, Tables

if TYPE_CHECKING:
    from typing import Self

    from typing_extensions import Unpack

    from chatkeep.inputs.base import Changes, Input
    from chatkeep.records.base import Record

C = TypeVar("C", bound=TypedColumns)
C_co = TypeVar("C_co", bound=TypedColumns, covariant=True)
D = TypeVar("D", bound=TypedColumns)


class TableInfo(TypedDict, total=False):
    """What a table may say about itself in `Table.info`.

    append_only: Its rows never change, so it needs no `updated_at`.
    summary: What it is for, in the generated documentation.
    """

    append_only: bool
    summary: str


class TableCreator(Protocol):
    """Makes tables under one prefix; see `table_creator`."""

    def __call__(
        self, name: str, columns: type[C], *items: SchemaItem, **info: "Unpack[TableInfo]"
    ) -> Table[C]:
        """Make the table `<prefix><name>`."""
        ...


def new_metadata() -> MetaData:
    """Make an empty MetaData that names constraints as this package does."""
    return MetaData(
        naming_convention={
            "fk": "%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s"
            "_%(referred_column_0_N_name)s_fk",
            "uq": "%(table_name)s_%(column_0_N_name)s_unique",
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        }
    )


def table_creator(prefix: str, metadata: MetaData | None = None) -> TableCreator:
    """Give a function that makes tables under a prefix, as Drizzle's `pgTableCreator` does.

    Constraints and indexes without a name get Drizzle's; names over 63 bytes end in a hash.

        create_table = table_creator("ai-app-template_", schema.metadata)
        notes = create_table("note", NoteColumns)

    Args:
        prefix: Stands before every table's name.
        metadata: Where the tables go; a new one unless given.
    """
    naming = Naming(prefix)
    target = new_metadata() if metadata is None else metadata

    def create(
        name: str, columns: type[C], *items: SchemaItem, **info: "Unpack[TableInfo]"
    ) -> Table[C]:
        return Table(naming.table(name), target, columns, *items, info=dict(info))

    return create


@dataclass(frozen=True)
class Transition:
    """How a table differs from its final form while code of the seed still writes to it.

    Attributes:
        columns: Columns in the form that they have until then.
        waits: Labels of parts that come with the final form only.
        keeps: Parts of the seed's that go with the final form.
    """

    columns: Mapping[str, Column[Any]] = field(default_factory=dict[str, Column[Any]])
    waits: frozenset[str] = frozenset()
    keeps: tuple[Part, ...] = ()


class _Owner(Protocol):
    """What a `TableDef` needs of the object that it is read from: a `Schema`."""

    @property
    def tables(self) -> Tables: ...


@dataclass(frozen=True)
class TableDef(Generic[C_co]):
    """A table of a `Schema` class: read from an instance, it is the `Table` under its prefix.

    Attributes:
        name: In PostgreSQL, without the prefix.
        columns: Its column class.
        parts: Keys, indexes and checks.
        record: Class of its rows, or None: the access layer reads these fields and no others.
        new: Input that creates a row, or None.
        changes: Input that changes a row, or None.
        append_only: Its rows never change, so it needs no `updated_at`.
        transition: Its form on the way from the seed's edition.
        summary: What it is for, in the generated documentation.
        needs: Extensions of PostgreSQL that its columns need, such as `vector`.
    """

    name: str
    columns: type[C_co]
    parts: tuple[Part, ...] = ()
    record: "type[Record] | None" = None
    new: "type[Input] | None" = None
    changes: "type[Changes] | None" = None
    append_only: bool = False
    transition: Transition = field(default_factory=Transition)
    summary: str = ""
    needs: tuple[str, ...] = ()

    def extend(
        self,
        columns: type[D],
        *parts: Part,
        record: "type[Record] | None" = None,
        new: "type[Input] | None" = None,
        changes: "type[Changes] | None" = None,
    ) -> "TableDef[D]":
        """Give the same table with more columns, and what belongs to them.

        Args:
            columns: A subclass of the table's column class.
            parts: Added to the table's own.
            record: A subclass of the table's record; without it the new columns are not read.
            new: A subclass of the table's input for new rows.
            changes: A subclass of the table's input for changes.

        Raises:
            ConfigError: `columns`, `record`, `new` or `changes` is not a subclass of the table's.
        """
        for given, base in (
            (columns, self.columns),
            (record, self.record),
            (new, self.new),
            (changes, self.changes),
        ):
            if given is not None and base is not None and not issubclass(given, base):
                raise ConfigError(
                    f'The table "{self.name}" cannot be extended with {given.__name__}:'
                    f" it is not a subclass of {base.__module__}.{base.__name__}.",
                    hint="Derive it from that class, so that what is there stays.",
                )
        wider = replace(
            self,
            parts=(*self.parts, *parts),
            record=record or self.record,
            new=new or self.new,
            changes=changes or self.changes,
        )
        return replace(cast("TableDef[D]", wider), columns=columns)

    def create(self, creator: TableCreator, *, in_transition: bool) -> Table[C_co]:
        """Make the table with its columns; `add_parts` does the rest once all tables are there."""
        columns = self.columns
        if in_transition and self.transition.columns:
            columns = cast(
                "type[C_co]",
                type(columns.__name__, (columns,), dict(self.transition.columns)),
            )
        info: TableInfo = {"append_only": True} if self.append_only else {}
        if self.summary:
            info["summary"] = self.summary
        return creator(self.name, columns, **info)

    def add_parts(self, table: Table, tables: Tables, *, in_transition: bool) -> None:
        """Add keys, indexes and checks."""
        for part in self.parts:
            if not (in_transition and part.label in self.transition.waits):
                part.build(table, tables)
        for part in self.transition.keeps if in_transition else ():
            part.build(table, tables)

    def __set_name__(self, owner: type, name: str) -> None:
        """Remember the attribute by which the schema knows the table."""
        object.__setattr__(self, "_attribute", name)

    @overload
    def __get__(self, instance: None, owner: type) -> "Self": ...
    @overload
    def __get__(self, instance: _Owner, owner: type) -> Table[C_co]: ...
    def __get__(self, instance: _Owner | None, owner: type) -> "Self | Table[C_co]":
        """Give the definition from the class, the table from an instance."""
        if instance is None:
            return self
        attribute: str = getattr(self, "_attribute")  # noqa: B009 - set by __set_name__
        return cast("Table[C_co]", instance.tables[attribute])


Definitions = Mapping[str, TableDef[Any]]


def build_tables(
    definitions: Definitions, prefix: str, metadata: MetaData, *, in_transition: bool = False
) -> Tables:
    """Build every table of a schema into one MetaData, foreign keys last."""
    creator = table_creator(prefix, metadata)
    tables = {
        attribute: definition.create(creator, in_transition=in_transition)
        for attribute, definition in definitions.items()
    }
    for attribute, definition in definitions.items():
        definition.add_parts(tables[attribute], tables, in_transition=in_transition)
    return tables
