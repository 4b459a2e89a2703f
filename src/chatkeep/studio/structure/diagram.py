"""All tables with their columns and foreign keys: what the diagram draws and the list reads."""

from collections.abc import Collection, Mapping

from chatkeep.kit.catalog.catalog import Catalog, TableShape
from chatkeep.kit.catalog.constraints import ForeignKey
from chatkeep.kit.catalog.fact import Key
from chatkeep.kit.catalog.indexes import Index
from chatkeep.kit.catalog.tables import Partition, Table
from chatkeep.studio.structure.reading import (
    Name,
    Relation,
    comments_of,
    is_bookkeeping,
    kind_of,
    relations_of,
)

Secrets = Mapping[Name, Collection[str]]


def diagram(
    catalog: Catalog,
    rows: Mapping[Name, int | None],
    secrets: Secrets,
    attributes: Mapping[Name, str],
) -> dict[str, object]:
    """Give every table and view with its columns, and every foreign key."""
    comments = comments_of(catalog)
    wholes = {fact.path: fact for fact in catalog.of(Partition)}
    tables: list[dict[str, object]] = []
    keys: list[dict[str, object]] = []
    for fact in relations_of(catalog):
        name: Name = (fact.schema, fact.name)
        shape = catalog.shape(*name) if isinstance(fact, Table) else None
        whole = wholes.get(name)
        tables.append(
            {
                "schema": fact.schema,
                "name": fact.name,
                "kind": kind_of(fact),
                "comment": comments.get(fact.key),
                "rows": rows.get(name),
                "attribute": attributes.get(name),
                "bookkeeping": is_bookkeeping(fact.schema),
                "whole": None if whole is None else [whole.parent_schema, whole.parent_table],
                "columns": _columns(fact, shape, secrets.get(name, ()), comments),
            }
        )
        if shape is not None and whole is None:
            keys += [foreign_key(key, shape) for key in shape.foreign_keys]
    return {"tables": tables, "keys": keys}


def _columns(
    fact: Relation, shape: TableShape | None, secrets: Collection[str], comments: Mapping[Key, str]
) -> list[dict[str, object]]:
    if shape is None:
        pairs = () if isinstance(fact, Table) else fact.columns
        return [_column(name, type_, secrets, null=True) for name, type_ in pairs]
    keys = shape.primary_key.columns if shape.primary_key else ()
    foreign = {name for key in shape.foreign_keys for name in key.columns}
    return [
        {
            **_column(each.name, each.type, secrets, null=not each.not_null),
            "key": each.name in keys,
            "foreign": each.name in foreign,
            "comment": comments.get(each.key),
        }
        for each in shape.columns
    ]


def _column(name: str, type_: str, secrets: Collection[str], *, null: bool) -> dict[str, object]:
    return {
        "name": name,
        "type": type_,
        "null": null,
        "secret": name in secrets,
        "key": False,
        "foreign": False,
        "comment": None,
    }


def foreign_key(key: ForeignKey, shape: TableShape) -> dict[str, object]:
    """Give a foreign key, and how many rows stand at its ends.

    Args:
        key: One of the table's.
        shape: The table that has the foreign key.
    """
    nullable = {column.name for column in shape.columns if not column.not_null}
    return {
        "name": key.name,
        "schema": key.schema,
        "table": key.table,
        "columns": list(key.columns),
        "target_schema": key.target_schema,
        "target_table": key.target_table,
        "target_columns": list(key.target_columns),
        "on_delete": key.on_delete,
        "on_update": key.on_update,
        "once": _is_unique(shape, key.columns),
        "optional": bool(nullable & set(key.columns)),
        "definition": key.definition,
    }


def _is_unique(shape: TableShape, columns: Collection[str]) -> bool:
    """Whether at most one row has the same values in these columns."""
    keyed = [*shape.uniques, *([shape.primary_key] if shape.primary_key else ())]
    unique = [key.columns for key in keyed]
    unique += [_plain(index) for index in shape.indexes if index.unique and index.where is None]
    return any(names and set(names) <= set(columns) for names in unique)


def _plain(index: Index) -> tuple[str, ...]:
    names = [each.column for each in index.columns]
    return tuple(name for name in names if name is not None) if None not in names else ()
