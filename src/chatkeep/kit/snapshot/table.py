"""One table of drizzle-kit's snapshot, and the pieces that stand beside tables."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chatkeep.kit.catalog.constraints import Check, ForeignKey, PrimaryKey, Unique
from chatkeep.kit.catalog.fact import Fact, OnTable
from chatkeep.kit.catalog.indexes import Index, IndexColumn
from chatkeep.kit.catalog.programs import MaterializedView, Policy, View
from chatkeep.kit.catalog.tables import (
    Column,
    Default,
    Identity,
    Sequence,
    SequenceOptions,
    SequenceOwner,
    Table,
)
from chatkeep.kit.snapshot.spelling import drizzle_default, drizzle_type, serial_of

_VIEW_OPTIONS = {
    "check_option": "checkOption",
    "security_barrier": "securityBarrier",
    "security_invoker": "securityInvoker",
}


@dataclass(frozen=True, slots=True)
class Parts:
    """The facts of all tables, by (schema, table), and what is needed to spell them.

    Attributes:
        counted: (schema, table, column) of the serial columns.
        full_names: Names of constraints that PostgreSQL cut, to the names in full.
    """

    of_table: Mapping[tuple[str, str], list[Fact]]
    enums: frozenset[tuple[str, str]]
    counted: frozenset[tuple[str, ...]]
    full_names: Mapping[str, str]

    @classmethod
    def sort(
        cls,
        facts: Iterable[Fact],
        enums: frozenset[tuple[str, str]],
        full_names: Mapping[str, str],
    ) -> "Parts":
        """Sort the facts by the table that they belong to."""
        of_table: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        everything = list(facts)
        for fact in everything:
            if isinstance(fact, OnTable):
                of_table[fact.schema, fact.table].append(fact)
            elif isinstance(fact, Index):
                of_table[fact.schema, fact.relation].append(fact)
        counted = frozenset(owner.owner.path for owner in serial_owners(everything))
        return cls(of_table, enums, counted, full_names)


def serial_owners(facts: Iterable[Fact]) -> list[SequenceOwner]:
    """Give the owned sequences whose columns drizzle knows as serial: counted, and never null."""
    everything = list(facts)
    never_null = {fact.path for fact in everything if isinstance(fact, Column) and fact.not_null}
    counting = {
        fact.path
        for fact in everything
        if isinstance(fact, Default) and fact.expression.startswith("nextval(")
    }
    return [
        fact
        for fact in everything
        if isinstance(fact, SequenceOwner) and fact.owner.path in never_null & counting
    ]


def table_json(table: Table, parts: Parts) -> dict[str, object]:
    """Give a table with its columns, indexes and constraints."""
    facts = parts.of_table.get((table.schema, table.name), [])
    defaults = {fact.name: fact.expression for fact in facts if isinstance(fact, Default)}
    key = next((fact for fact in facts if isinstance(fact, PrimaryKey)), None)
    # A key that PostgreSQL named itself is drizzle's `.primaryKey()` on the column.
    inline = key is not None and len(key.columns) == 1 and key.name == f"{table.name}_pkey"
    own_key = key.columns[0] if key is not None and inline else None
    columns = sorted((f for f in facts if isinstance(f, Column)), key=lambda c: c.position)
    policies = {f.name: _policy(f) for f in facts if isinstance(f, Policy)}
    names = parts.full_names
    return {
        "name": table.name,
        "schema": _schema(table.schema),
        "columns": {c.name: _column(c, c.name == own_key, defaults, parts) for c in columns},
        "indexes": {f.name: _index(f) for f in facts if isinstance(f, Index)},
        "foreignKeys": {
            names.get(f.name, f.name): _foreign_key(f, names.get(f.name, f.name))
            for f in facts
            if isinstance(f, ForeignKey)
        },
        "compositePrimaryKeys": {
            names.get(f.name, f.name): {
                "name": names.get(f.name, f.name),
                "columns": list(f.columns),
            }
            for f in facts
            if isinstance(f, PrimaryKey) and not inline
        },
        "uniqueConstraints": {
            names.get(f.name, f.name): {
                "name": names.get(f.name, f.name),
                "nullsNotDistinct": f.nulls_not_distinct,
                "columns": list(f.columns),
            }
            for f in facts
            if isinstance(f, Unique)
        },
        "policies": policies,
        "checkConstraints": {
            f.name: {"name": f.name, "value": f.expression} for f in facts if isinstance(f, Check)
        },
        # drizzle-kit switches row-level security on by itself where there is a policy.
        "isRLSEnabled": table.row_security and not policies,
    }


def sequence_json(sequence: Sequence) -> dict[str, object]:
    """Give a sequence that belongs to no column."""
    return {
        "name": sequence.name,
        "schema": sequence.schema,
        **_options(sequence.options),
    }


def view_json(view: View) -> dict[str, object]:
    """Give a view or materialized view."""
    columns = {
        name: {"name": name, "type": drizzle_type(type_), "primaryKey": False, "notNull": False}
        for name, type_ in view.columns
    }
    known = {
        _VIEW_OPTIONS[name]: value if name == "check_option" else value in {"true", "on", "1"}
        for name, value in _settings(view.options).items()
        if name in _VIEW_OPTIONS
    }
    return {
        "columns": columns,
        "definition": view.definition.rstrip(";"),
        "name": view.name,
        "schema": view.schema,
        "isExisting": False,
        **({"with": known} if known else {}),
        "materialized": isinstance(view, MaterializedView),
    }


def _column(
    column: Column, primary: bool, defaults: Mapping[str, str], parts: Parts
) -> dict[str, object]:
    place = (column.schema, column.table, column.name)
    serial = serial_of(column.type) if place in parts.counted else None
    result: dict[str, object] = {"name": column.name, "type": serial or drizzle_type(column.type)}
    if column.user_type is not None and column.user_type in parts.enums:
        schema, name = column.user_type
        brackets = re.search(r"(\[\])*\Z", column.type)
        result["type"] = name + (brackets.group() if brackets else "")
        result["typeSchema"] = schema
    result["primaryKey"] = primary
    result["notNull"] = column.not_null
    if column.generated is not None:
        result["generated"] = {"as": column.generated.expression, "type": "stored"}
    if column.identity is not None:
        result["identity"] = _identity(column.schema, column.identity)
    if column.name in defaults and serial is None:
        result["default"] = drizzle_default(defaults[column.name], column.type)
    return result


def _identity(schema: str, identity: Identity) -> dict[str, object]:
    return {
        "type": "always" if identity.always else "byDefault",
        "name": identity.sequence,
        "schema": schema,
        **_options(identity.options),
    }


def _options(options: SequenceOptions) -> dict[str, object]:
    return {
        "increment": str(options.increment),
        "startWith": str(options.start),
        "minValue": str(options.minimum),
        "maxValue": str(options.maximum),
        "cache": str(options.cache),
        "cycle": options.cycle,
    }


def _index(index: Index) -> dict[str, object]:
    return {
        "name": index.name,
        "columns": [_index_column(column) for column in index.columns],
        "isUnique": index.unique,
        **({"where": index.where} if index.where is not None else {}),
        "concurrently": False,
        "method": index.method,
        "with": _settings(index.options),
    }


def _index_column(column: IndexColumn) -> dict[str, object]:
    nulls = "first" if column.nulls_first else "last"
    if column.column is None:
        text = column.expression  # an expression of drizzle's carries all in its own text
        text += f" COLLATE {column.collation}" if column.collation else ""
        text += f" {column.operator_class}" if column.operator_class else ""
        if column.descending:
            text += " DESC" if column.nulls_first else " DESC NULLS LAST"
        return {"expression": text, "asc": True, "isExpression": True, "nulls": "last"}
    return {
        "expression": column.column,
        "isExpression": False,
        "asc": not column.descending,
        "nulls": nulls,
        **({"opclass": column.operator_class} if column.operator_class else {}),
    }


def _foreign_key(key: ForeignKey, name: str) -> dict[str, object]:
    return {
        "name": name,
        "tableFrom": key.table,
        "tableTo": key.target_table,
        **({"schemaTo": key.target_schema} if key.target_schema != "public" else {}),
        "columnsFrom": list(key.columns),
        "columnsTo": list(key.target_columns),
        "onDelete": key.on_delete,
        "onUpdate": key.on_update,
    }


def _policy(policy: Policy) -> dict[str, object]:
    return {
        "name": policy.name,
        "as": "PERMISSIVE" if policy.permissive else "RESTRICTIVE",
        "for": policy.command.upper(),
        "to": sorted(_role(role) for role in policy.roles) or ["public"],
        **({"using": policy.using} if policy.using is not None else {}),
        **({"withCheck": policy.check} if policy.check is not None else {}),
    }


def _role(role: str) -> str:
    """Give a role as drizzle names it: without quotes, and everybody as `public`."""
    if role.startswith('"'):
        return role[1:-1].replace('""', '"')
    return role.lower()


def _settings(options: Iterable[str]) -> dict[str, str]:
    """Turn PostgreSQL's `name=value` texts into pairs."""
    pairs = (option.split("=", 1) for option in options)
    return {pair[0]: pair[-1] for pair in pairs}


def _schema(name: str) -> str:
    return "" if name == "public" else name
