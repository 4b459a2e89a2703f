"""The shape of drizzle-kit's snapshot, as `kit/snapshot` writes it."""

from typing import NotRequired, TypedDict

# The keys are drizzle-kit's own.


class CounterJson(TypedDict):
    """A sequence, or the one behind an identity column, whose `type` says who may write."""

    name: str
    schema: str
    type: NotRequired[str]
    increment: str
    startWith: str
    minValue: str
    maxValue: str
    cache: str
    cycle: bool


GeneratedJson = TypedDict("GeneratedJson", {"as": str, "type": str})


class ColumnJson(TypedDict):
    """A column of a table or view."""

    name: str
    type: str
    typeSchema: NotRequired[str]
    primaryKey: bool
    notNull: bool
    generated: NotRequired[GeneratedJson]
    identity: NotRequired[CounterJson]
    default: NotRequired[object]


class IndexColumnJson(TypedDict):
    """A key column of an index, or an expression in its place."""

    expression: str
    isExpression: bool
    asc: bool
    nulls: str
    opclass: NotRequired[str]


IndexJson = TypedDict(
    "IndexJson",
    {
        "name": str,
        "columns": list[IndexColumnJson],
        "isUnique": bool,
        "where": NotRequired[str],
        "method": str,
        "with": dict[str, str],
    },
)


class ForeignKeyJson(TypedDict):
    """A foreign key."""

    name: str
    tableTo: str
    schemaTo: NotRequired[str]
    columnsFrom: list[str]
    columnsTo: list[str]
    onDelete: str
    onUpdate: str


class KeyJson(TypedDict):
    """A primary key or unique constraint."""

    name: str
    columns: list[str]
    nullsNotDistinct: NotRequired[bool]


class CheckJson(TypedDict):
    """A check constraint."""

    name: str
    value: str


PolicyJson = TypedDict(
    "PolicyJson",
    {
        "name": str,
        "as": str,
        "for": str,
        "to": list[str],
        "using": NotRequired[str],
        "withCheck": NotRequired[str],
    },
)


class TableJson(TypedDict):
    """A table; `schema` is empty for `public`."""

    name: str
    schema: str
    columns: dict[str, ColumnJson]
    indexes: dict[str, IndexJson]
    foreignKeys: dict[str, ForeignKeyJson]
    compositePrimaryKeys: dict[str, KeyJson]
    uniqueConstraints: dict[str, KeyJson]
    policies: dict[str, PolicyJson]
    checkConstraints: dict[str, CheckJson]
    isRLSEnabled: bool


ViewJson = TypedDict(
    "ViewJson",
    {
        "columns": dict[str, ColumnJson],
        "definition": str,
        "name": str,
        "schema": str,
        "with": NotRequired[dict[str, object]],
        "materialized": bool,
    },
)


class EnumJson(TypedDict):
    """An enum type."""

    name: str
    schema: str
    values: list[str]


class SnapshotJson(TypedDict):
    """A state of the database, each part by its qualified name."""

    tables: dict[str, TableJson]
    enums: dict[str, EnumJson]
    schemas: dict[str, str]
    sequences: dict[str, CounterJson]
    views: dict[str, ViewJson]
