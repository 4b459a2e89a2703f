"""What drizzle has no word for, named so that nothing is left out in silence."""

from collections.abc import Iterator
from dataclasses import dataclass

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.constraints import Check, Constraint, Keyed
from chatkeep.kit.catalog.fact import Fact, Key, Kind
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.programs import Comment, Function, View
from chatkeep.kit.catalog.tables import Column, ReplicaIdentity, Sequence, SequenceOwner, Table
from chatkeep.kit.snapshot.table import serial_owners

_SAID = frozenset(
    {
        Kind.SCHEMA,
        Kind.ENUM,
        Kind.SEQUENCE,
        Kind.TABLE,
        Kind.COLUMN,
        Kind.DEFAULT,
        Kind.SEQUENCE_OWNER,
        Kind.PRIMARY_KEY,
        Kind.UNIQUE,
        Kind.CHECK,
        Kind.FOREIGN_KEY,
        Kind.INDEX,
        Kind.VIEW,
        Kind.MATERIALIZED_VIEW,
        Kind.POLICY,
    }
)
_VIEW_OPTIONS = ("check_option=", "security_barrier=", "security_invoker=")


@dataclass(frozen=True, slots=True)
class _Owners:
    """The columns that drizzle knows as serial, and their sequences."""

    columns: frozenset[Key]
    sequences: frozenset[tuple[str, ...]]


def gaps(catalog: Catalog) -> list[str]:
    """Name what a drizzle schema cannot say of a database, each in a few words."""
    found: list[str] = []
    serials = serial_owners(catalog.facts.values())
    owners = _Owners(
        frozenset(owner.owner for owner in serials),
        frozenset((owner.schema, owner.name) for owner in serials),
    )
    for fact in sorted(catalog.facts.values(), key=lambda fact: fact.key):
        if fact.kind in _SAID:
            found += [f"{fact.key}: {what}" for what in _parts(fact, catalog, owners)]
        else:
            found.append(_name(fact))
    return found + [f"{item.kind} {item.name}" for item in catalog.unmodelled]


def _name(fact: Fact) -> str:
    match fact:
        case Comment():
            return f"comment on {fact.target}"
        case Function():
            return f"{fact.kind} {fact.schema}.{fact.name}({fact.arguments})"
        case ReplicaIdentity():
            return f"{fact.kind} {fact.identity} of {fact.schema}.{fact.table}"
        case _:
            return str(fact.key)


def _parts(fact: Fact, catalog: Catalog, owners: _Owners) -> Iterator[str]:
    match fact:
        case Table():
            yield from _table(fact)
        case Column():
            yield from _column(fact, catalog, owners.columns)
        case Constraint():
            yield from _constraint(fact)
        case Index():
            yield from _index(fact)
        case Sequence() | SequenceOwner():
            yield from _sequence(fact, is_serial=fact.path in owners.sequences)
        case View():
            yield from (o for o in fact.options if not o.startswith(_VIEW_OPTIONS))
        case _:
            return


def _sequence(fact: Sequence | SequenceOwner, *, is_serial: bool) -> Iterator[str]:
    if isinstance(fact, Sequence) and fact.unlogged:
        yield "UNLOGGED"
    if is_serial:
        return
    if isinstance(fact, SequenceOwner):
        yield f"OWNED BY {'.'.join(fact.owner.path)}"
    elif fact.options.type != "bigint":
        yield f"AS {fact.options.type}"


def _table(table: Table) -> Iterator[str]:
    if table.unlogged:
        yield "UNLOGGED"
    yield from table.options
    if table.force_row_security:
        yield "FORCE ROW LEVEL SECURITY"
    if table.partition_key:
        yield f"PARTITION BY {table.partition_key}"


def _column(column: Column, catalog: Catalog, owners: frozenset[Key]) -> Iterator[str]:
    if column.name == "__proto__":
        yield "drizzle-kit cannot carry this name"
    if column.collation:
        yield f"COLLATE {column.collation}"
    if column.storage:
        yield f"STORAGE {column.storage}"
    if column.compression:
        yield f"COMPRESSION {column.compression}"
    if column.statistics is not None:
        yield f"STATISTICS {column.statistics}"
    yield from column.options
    if column.not_null_form:
        yield f"NOT NULL{column.not_null_form}"
    if column.generated is not None and not column.generated.stored:
        yield "VIRTUAL (drizzle says STORED)"
    if column.key in owners and catalog.serial_sequence(column) is None:
        yield "its sequence is not the one that serial makes"


def _constraint(constraint: Constraint) -> Iterator[str]:
    if isinstance(constraint, Keyed) and constraint.include:
        yield f"INCLUDE ({', '.join(constraint.include)})"
    if constraint.extra:
        shown = constraint.extra if isinstance(constraint, Check) else constraint.definition
        yield shown.strip()


def _index(index: Index) -> Iterator[str]:
    if index.on_view:
        yield "it is on a materialized view"
    if index.include:
        yield f"INCLUDE ({', '.join(index.include)})"
    if index.nulls_not_distinct:
        yield "NULLS NOT DISTINCT"
    for number, target in index.statistics:
        yield f"STATISTICS {target} of column {number}"
    for column in index.columns:
        if column.collation and column.column is not None:
            yield f"COLLATE {column.collation}"
