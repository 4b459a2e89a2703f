"""drizzle-kit's snapshot (version 7) of a catalog.

It is written for drizzle-kit, which compares it with a TypeScript schema, and never believed by
chatkeep. What it has no place for is left out: functions, triggers, comments, exclusion
constraints, extensions.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Fact
from chatkeep.kit.catalog.programs import View
from chatkeep.kit.catalog.tables import Sequence, Table
from chatkeep.kit.catalog.types import Enum, Schema
from chatkeep.kit.snapshot.table import Parts, sequence_json, serial_owners, table_json, view_json

T = TypeVar("T", bound=Fact)

_NO_NAMES: Mapping[str, str] = {}


def snapshot(catalog: Catalog, *, full_names: Mapping[str, str] = _NO_NAMES) -> dict[str, object]:
    """Give the snapshot without `id` and `prevId`, keys in drizzle-kit's order.

    Args:
        catalog: What a database holds. Tables, indexes and constraints are sorted by name.
        full_names: Names of constraints that PostgreSQL cut at 63 bytes, to the names in full, by
            which drizzle-kit knows them.
    """
    everything = sorted(catalog.facts.values(), key=lambda fact: fact.path)
    enums = _of(everything, Enum)
    enum_names = frozenset((enum.schema, enum.name) for enum in enums)
    parts = Parts.sort(everything, enum_names, full_names)
    owned = {(owner.schema, owner.name) for owner in serial_owners(everything)}
    free = [s for s in _of(everything, Sequence) if (s.schema, s.name) not in owned]
    return {
        "version": "7",
        "dialect": "postgresql",
        "tables": {
            f"{table.schema}.{table.name}": table_json(table, parts)
            for table in _of(everything, Table)
        },
        "enums": {
            f"{enum.schema}.{enum.name}": {
                "name": enum.name,
                "schema": enum.schema,
                "values": list(enum.labels),
            }
            for enum in enums
        },
        "schemas": {schema.name: schema.name for schema in _of(everything, Schema)},
        "sequences": {f"{s.schema}.{s.name}": sequence_json(s) for s in free},
        "roles": {},
        "policies": {},
        "views": {f"{v.schema}.{v.name}": view_json(v) for v in _of(everything, View)},
        "_meta": {"columns": {}, "schemas": {}, "tables": {}},
    }


def empty_snapshot() -> dict[str, object]:
    """Give the snapshot of a database without anything in it, for a first custom migration."""
    return snapshot(Catalog(0, {}))


def _of(facts: Iterable[Fact], wanted: type[T]) -> list[T]:
    return [fact for fact in facts if isinstance(fact, wanted)]
