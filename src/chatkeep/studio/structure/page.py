"""Everything about one table: its columns, constraints, indexes, triggers and policies."""

from collections.abc import Collection, Mapping, Sequence

from chatkeep.doctor.checks.indexes import Served, covers, served_by_indexes
from chatkeep.kit.catalog.catalog import Catalog, TableShape
from chatkeep.kit.catalog.constraints import Constraint, ForeignKey
from chatkeep.kit.catalog.fact import Key
from chatkeep.kit.catalog.programs import Policy, Rule, Trigger
from chatkeep.kit.catalog.tables import Column, Partition, Table
from chatkeep.studio.structure.diagram import foreign_key
from chatkeep.studio.structure.reading import (
    Name,
    Relation,
    comments_of,
    is_bookkeeping,
    kind_of,
)


def page(catalog: Catalog, fact: Relation, secrets: Collection[str]) -> dict[str, object]:
    """Give what the facts say about a table or view."""
    comments = comments_of(catalog)
    shape = catalog.shape(fact.schema, fact.name) if isinstance(fact, Table) else None
    return {
        "schema": fact.schema,
        "name": fact.name,
        "kind": kind_of(fact),
        "bookkeeping": is_bookkeeping(fact.schema),
        "comment": comments.get(fact.key),
        "definition": None if isinstance(fact, Table) else fact.definition,
        **_partitioning(catalog, fact),
        **_programs(catalog, fact),
        **(_parts(catalog, shape, secrets, comments) if shape else _of_view(fact, secrets)),
    }


def _partitioning(catalog: Catalog, fact: Relation) -> dict[str, object]:
    whole = catalog.find(Partition, fact.schema, fact.name)
    return {
        "partition_key": fact.partition_key if isinstance(fact, Table) else None,
        "whole": None if whole is None else [whole.parent_schema, whole.parent_table],
        "bound": None if whole is None else whole.bound,
        "partitions": [
            {"schema": part.schema, "name": part.name, "bound": part.bound}
            for part in catalog.of(Partition)
            if part.whole == fact.key
        ],
    }


def _programs(catalog: Catalog, fact: Relation) -> dict[str, object]:
    children = sorted(catalog.children(fact.key), key=lambda child: child.path)
    return {
        "row_security": isinstance(fact, Table) and fact.row_security,
        "force_row_security": isinstance(fact, Table) and fact.force_row_security,
        "triggers": [
            {"name": each.name, "definition": each.definition, "enabled": each.enabled}
            for each in children
            if isinstance(each, Trigger | Rule)
        ],
        "policies": [
            {
                "name": each.name,
                "command": each.command,
                "permissive": each.permissive,
                "roles": list(each.roles),
                "using": each.using,
                "check": each.check,
            }
            for each in children
            if isinstance(each, Policy)
        ],
    }


def _of_view(fact: Relation, secrets: Collection[str]) -> dict[str, object]:
    pairs = () if isinstance(fact, Table) else fact.columns
    columns = [
        {"name": name, "type": type_, "null": True, "secret": name in secrets}
        | dict.fromkeys(("default", "identity", "generated", "collation", "comment"))
        | {"key": False, "serial": False}
        for name, type_ in pairs
    ]
    empty: dict[str, object] = {name: [] for name in ("uniques", "checks", "excludes")}
    return {"columns": columns, "primary_key": None, "keys_out": [], "keys_in": [], **empty}


def _parts(
    catalog: Catalog, shape: TableShape, secrets: Collection[str], comments: Mapping[Key, str]
) -> dict[str, object]:
    keys = shape.primary_key.columns if shape.primary_key else ()
    table = shape.table
    return {
        "columns": [
            {
                **_column(each, shape),
                "key": each.name in keys,
                "secret": each.name in secrets,
                "comment": comments.get(each.key),
            }
            for each in shape.columns
        ],
        "primary_key": _constraint(shape.primary_key) if shape.primary_key else None,
        "uniques": [_constraint(each) for each in shape.uniques],
        "checks": [{**_constraint(each), "expression": each.expression} for each in shape.checks],
        "excludes": [_constraint(each) for each in shape.excludes],
        "keys_out": [foreign_key(each, shape) for each in shape.foreign_keys],
        "keys_in": [
            foreign_key(each, other)
            for each in catalog.of(ForeignKey)
            if (each.target_schema, each.target_table) == (table.schema, table.name)
            and (other := catalog.shape(each.schema, each.table)) is not None
        ],
    }


def _column(column: Column, shape: TableShape) -> dict[str, object]:
    identity, generated = column.identity, column.generated
    return {
        "name": column.name,
        "type": column.type,
        "null": not column.not_null,
        "default": shape.defaults.get(column.name),
        "serial": column.name in shape.serials,
        "identity": None if identity is None else ("always" if identity.always else "by default"),
        "generated": None if generated is None else generated.expression,
        "collation": column.collation,
    }


def _constraint(fact: Constraint) -> dict[str, object]:
    return {"name": fact.name, "definition": fact.definition}


def covered(catalog: Catalog, name: Name) -> dict[str, Sequence[str]]:
    """Give, by the name of an index, the other indexes of the table that answer all it does.

    Of two that are the same, only the one whose name comes later counts as covered; what carries a
    constraint never does.
    """
    own = [each for each in served_by_indexes(catalog) if (each.schema, each.table) == name]
    return {
        each.name: others
        for each in own
        if not each.bound and (others := [o.name for o in own if _makes_needless(o, each)])
    }


def _makes_needless(other: Served, each: Served) -> bool:
    if other is each or not covers(other, each):
        return False
    return other.bound or not covers(each, other) or other.name < each.name
