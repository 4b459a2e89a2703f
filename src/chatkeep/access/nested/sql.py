"""The statement: each relation is one JSON value, made of a limited subquery, for each parent."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    and_,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.sql.visitors import iterate

from chatkeep.access.nested.query import Limit
from chatkeep.access.nested.tree import ColumnPart, Link, Node
from chatkeep.access.trashed import live
from chatkeep.errors import ConfigError

AnySelect = Select[*tuple[Any, ...]]


def statement_of(node: Node) -> AnySelect:
    """Build the statement of a tree.

    Raises:
        ConfigError: A parameter is used with two types.
    """
    statement = _rows(node, is_top=True)
    _check_parameters(statement)
    return statement


def json_key(part: ColumnPart | Link, node: Node) -> str:
    """Give the key of a field in the JSON of a level."""
    return part.key if node.is_plain else part.name


def _rows(
    node: Node, *, parent: FromClause | None = None, link: Link | None = None, is_top: bool = False
) -> AnySelect:
    """Select the rows of a level, each with its relations beside its columns.

    Relations stand around the limited rows, so that none is read for a row that is left out; and
    their conditions name the alias of these rows, which no table inside has.
    """
    if not node.links:
        return _limited(_labelled(node, node.table, is_top=is_top), node, parent, link)
    names = [part.column.key for part in node.parts if isinstance(part, ColumnPart)]
    names += [own for part in node.links for own, _ in part.relation.columns]
    bare = select(*(node.table.c[name] for name in dict.fromkeys(names)))
    rows = _limited(bare, node, parent, link).subquery(node.alias)
    return _labelled(node, rows, is_top=is_top)


def _labelled(node: Node, rows: FromClause, *, is_top: bool) -> AnySelect:
    columns: list[ColumnElement[Any]] = []
    for part in node.parts:
        name = part.name if is_top else json_key(part, node)
        if isinstance(part, Link):
            columns.append(_related(part, rows).label(name))
        else:
            column: ColumnElement[Any] = rows.c[part.column.key]
            columns.append(_written(part, column, node).label(name))
    return select(*columns)


def _written(part: ColumnPart, column: ColumnElement[Any], node: Node) -> ColumnElement[Any]:
    wire = part.wire
    if wire is None or wire.write is None or (wire.embeds and node.is_plain):
        return column
    return wire.write(column)


def _limited(
    rows: AnySelect, node: Node, parent: FromClause | None, link: Link | None
) -> AnySelect:
    conditions = [*node.level.where, *_live(node)]
    if parent is not None and link is not None:
        pairs = link.relation.columns
        conditions[:0] = [node.table.c[there] == parent.c[own] for own, there in pairs]
        rows = rows.correlate(parent)
    if conditions:
        rows = rows.where(and_(*conditions))
    if link is None or link.relation.kind == "many":
        rows = rows.order_by(*node.order)
    limit = node.level.limit
    return rows if limit is None else rows.limit(_limit(limit))


def _live(node: Node) -> Iterator[ColumnElement[bool]]:
    """Leave out what is in the trash, and what belongs to a row that is, and needs it."""
    if node.is_live:
        yield live(node.table)
    for link in node.links:
        if link.needs_live:
            above = link.node.table.alias(f"{link.node.alias}_live")
            pairs = link.relation.columns
            same = [above.c[there] == node.table.c[own] for own, there in pairs]
            yield exists().where(*same, live(above))


def _limit(limit: Limit) -> Any:  # noqa: ANN401 - what SQLAlchemy takes for a limit
    # As text, not as a parameter: the planner then knows it, also in a plan for any parameters.
    return limit if isinstance(limit, BindParameter) else literal_column(str(limit))


def _related(link: Link, parent: FromClause) -> ColumnElement[Any]:
    """Give a relation's rows as one JSON value.

    A row becomes an object by its columns' names, 25 percent quicker than json_build_object.
    json_agg takes the rows as they come out of the subquery, which is ordered.
    """
    rows = _rows(link.node, parent=parent, link=link).subquery(f"{link.node.alias}_json")
    whole = rows.table_valued()
    if link.relation.kind == "one":
        return select(func.row_to_json(whole, type_=JSON())).scalar_subquery()
    gathered = func.json_agg(whole, type_=JSON())
    empty = literal_column("'[]'::json", type_=JSON())
    return select(func.coalesce(gathered, empty, type_=JSON())).scalar_subquery()


def _check_parameters(statement: ClauseElement) -> None:
    """Levels share a parameter of the same name, so it has one type."""
    kinds: dict[str, Any] = {}
    for element in iterate(statement):
        if isinstance(element, BindParameter) and element.required:
            try:
                kind = element.type.python_type
            except NotImplementedError:  # a type that does not say
                continue
            if kinds.setdefault(element.key, kind) is not kind:
                raise ConfigError(
                    f"nested: the parameter `{element.key}` is used with two types.",
                    hint="Give one of them another name, or both the same type_.",
                )
