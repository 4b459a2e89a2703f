"""A table as the browser is told of it."""

from typing import Any

from chatkeep.studio.rows.catalog import Field, Relation
from chatkeep.studio.rows.linking import key_document


def table_document(relation: Relation, *, write: bool) -> dict[str, Any]:
    """Give a table as JSON.

    Args:
        relation: The table.
        write: Whether the studio may change anything.
    """
    return relation.line.document(relation.attribute) | {
        "columns": [_column(relation, field) for field in relation.fields.values()],
        "primary": relation.primary,
        "key": relation.key,
        "paging": relation.paging,
        "out": [key_document(key, key.parent, inwards=False) for key in relation.out],
        "into": [key_document(key, key.child, inwards=True) for key in relation.into],
        "editable": write and relation.changeable,
        "big": relation.big,
        "searchable": relation.searchable,
    }


def _column(relation: Relation, field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type,
        "category": field.category,
        "nullable": field.nullable,
        "default": field.default,
        "generated": field.generated,
        "identity": field.identity,
        "secret": field.secret,
        "sortable": field.sortable and not field.secret,
        "primary": field.name in relation.primary,
        "labels": field.labels or None,
        "comment": field.comment,
    }
