"""What is loaded, level by level: the caller's classes compared with the schema."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, get_args, get_origin

import msgspec
from pydantic import BaseModel
from sqlalchemy import Column, ColumnElement, Table, select

from chatkeep.access.classes import Part, is_pydantic, parts_of, shown
from chatkeep.access.fitting import (
    CannotRead,
    Read,
    allows_none,
    can_hold,
    is_decodable,
    options_of,
    reader,
)
from chatkeep.access.nested.query import Level, Nested
from chatkeep.access.nested.wire import Wire, travels_plainly, wire_of
from chatkeep.access.trashed import LIVE, has_trash
from chatkeep.errors import ConfigError
from chatkeep.schema.naming import MAX_BYTES, fits
from chatkeep.schema.relations import Relation, is_unique_among
from chatkeep.schema.schema import Schema

AnySchema = Schema[Any, Any, Any, Any]


@dataclass(frozen=True)
class ColumnPart:
    """A field that is a column.

    Attributes:
        name: Of the field.
        key: In JSON, where msgspec decodes the class itself.
        column: Of the table.
        read: Turns the driver's value into the field's; None where it is that.
        wire: How it travels as JSON; None at the top, where it does not.
        is_plain: Whether msgspec decodes the field itself.
    """

    name: str
    key: str
    column: Column[Any]
    read: Read | None
    wire: Wire | None
    is_plain: bool


@dataclass(frozen=True)
class Link:
    """A field that is a relation.

    Attributes:
        name: Of the field.
        key: In JSON, where msgspec decodes the class itself.
        relation: Of the schema.
        node: What is loaded through it.
        needs_live: It is one row that must be there, and may be in the trash.
    """

    name: str
    key: str
    relation: Relation
    node: "Node"
    needs_live: bool


@dataclass(frozen=True)
class Node:
    """One level: rows of a table that become objects of a class.

    Attributes:
        alias: Of its rows in SQL; no table has that name, and no other level.
        path: From the top, for errors.
        table: Whose rows.
        into: The class.
        parts: Its fields, in their order.
        level: Which rows.
        order: Complete: no two rows are alike in it.
        is_live: What is in the trash is left out.
        is_plain: Whether msgspec decodes it, and all below, straight into the classes.
    """

    alias: str
    path: str
    table: Table
    into: type[Any]
    parts: tuple[ColumnPart | Link, ...]
    level: Level
    order: tuple[ColumnElement[Any], ...]
    is_live: bool
    is_plain: bool

    @property
    def links(self) -> list[Link]:
        """The relations among its fields."""
        return [part for part in self.parts if isinstance(part, Link)]


def tree_of(schema: AnySchema, query: Nested[Any]) -> Node:
    """Compare a query with a schema.

    Raises:
        ConfigError: Something of it does not fit: says what, and what would.
    """
    return _Planner(schema, query).plan()


class _Planner:
    """Goes down the classes."""

    def __init__(self, schema: AnySchema, query: Nested[Any]) -> None:
        self._schema = schema
        self._query = query
        self._paths: list[str] = []
        taken = {table.name for table in schema.metadata.tables.values()}
        self._aliases = (
            name
            for n in count(1)
            if not taken & {name := f"level_{n}", f"{name}_json", f"{name}_live"}
        )

    def plan(self) -> Node:
        logical = next(
            (name for name, table in self._schema.tables.items() if table is self._query.table),
            None,
        )
        if logical is None:
            raise ConfigError(
                f"nested: {self._query.table} is no table of this schema.",
                hint=f"Take one of {', '.join(f'schema.{name}' for name in self._schema.tables)}.",
            )
        node = self._node(logical, self._query.into, "", (), self._query.level)
        for path in self._query.levels:
            if path not in self._paths:
                raise ConfigError(
                    f"nested: {self._query.into.__name__} loads no relation `{path}`.",
                    hint=f"It loads: {', '.join(self._paths) or 'none'}.",
                )
        return node

    def _node(
        self,
        logical: str,
        into: type[Any],
        path: str,
        above: tuple[type[Any], ...],
        level: Level,
        equal: Sequence[str] = (),
    ) -> Node:
        table = self._schema.tables[logical]
        place = f"nested {path}" if path else f"nested {logical}"
        if into in above:
            raise ConfigError(
                f"{place}: {into.__name__} holds itself, and its depth would have no end.",
                hint="Write a class for each level.",
            )
        fields = parts_of(place, into)
        if not fields:
            raise ConfigError(f"{place}: {into.__name__} has no fields to load.")
        keys = _json_keys(into)
        alias = next(self._aliases)
        parts: list[ColumnPart | Link] = []
        for name, field in fields.items():
            where = f"{place}: {into.__name__}.{name}"
            key = keys.get(name, name)
            if path and not (fits(key) and fits(name)):
                raise ConfigError(f"{where} has a JSON key of more than {MAX_BYTES} bytes.")
            if name in table.c:
                is_top = not path
                parts.append(_column(where, name, key, field, table.c[name], into, is_top=is_top))
                continue
            relation = self._schema.relations.find(logical, name)
            if relation is None:
                raise self._unknown(where, logical)
            parts.append(self._link(where, key, field, relation, path, (*above, into)))
        _check_level(place, table, level)
        is_live = has_trash(table) and not self._query.with_deleted
        return Node(
            alias=alias,
            path=path,
            table=table,
            into=into,
            parts=tuple(parts),
            level=level,
            order=_order(table, level, equal, LIVE if is_live else ""),
            is_live=is_live,
            is_plain=_is_plain_class(into) and all(_is_plain_part(part) for part in parts),
        )

    def _link(
        self,
        where: str,
        key: str,
        field: Part,
        relation: Relation,
        path: str,
        above: tuple[type[Any], ...],
    ) -> Link:
        kind, child = _child_of(field.annotation)
        inner = f"{path}.{relation.name}" if path else relation.name
        level = self._query.levels.get(inner, Level())
        if child is None or kind != relation.kind:
            wanted = "list[...]" if relation.kind == "many" else "one class, or that or None,"
            raise ConfigError(
                f"{where} is {shown(field.annotation)}, but the relation needs {wanted} with a"
                f" class of {relation.target}."
            )
        if relation.kind == "one":
            _check_one(where, field, relation, level)
        self._paths.append(inner)
        equal = [there for _, there in relation.columns]
        node = self._node(relation.target, child, inner, above, level, equal)
        is_one = relation.kind == "one" and not allows_none(field.annotation)
        return Link(relation.name, key, relation, node, needs_live=is_one and node.is_live)

    def _unknown(self, where: str, logical: str) -> ConfigError:
        relations = ", ".join(self._schema.relations[logical]) or "none"
        return ConfigError(
            f"{where} is no column and no relation of {logical}.",
            hint=f"Its relations: {relations}. Its columns:"
            f" {', '.join(self._schema.tables[logical].c.keys())}.",
        )


def _column(  # noqa: PLR0913 - what one field of one class is about
    where: str,
    name: str,
    key: str,
    field: Part,
    column: Column[Any],
    into: type[Any],
    *,
    is_top: bool,
) -> ColumnPart:
    converts = is_pydantic(into)
    annotation = field.annotation
    if not can_hold(annotation, column.type, converts=converts):
        raise ConfigError(
            f"{where} is {shown(annotation)}, which cannot hold the column: {column.type!r}."
        )
    if column.nullable and not allows_none(annotation):
        raise ConfigError(
            f"{where} is {shown(annotation)}, but the column may be NULL.",
            hint=f"Say `{shown(annotation)} | None`.",
        )
    try:
        read = reader(annotation, column.type, converts=converts)
    except CannotRead as exc:
        raise ConfigError(
            f"{where} is {shown(annotation)}, which JSON cannot be decoded into: {exc}"
        ) from exc
    if is_top:
        return ColumnPart(name, key, column, read, wire=None, is_plain=True)
    wire = wire_of(column.type)
    if wire is None:
        raise ConfigError(
            f"{where}: a column of the type {column.type!r} cannot be loaded through a relation.",
            hint="Leave the field out, and select the column in a statement of its own.",
        )
    is_plain = travels_plainly(annotation, column.type, wire, read)
    return ColumnPart(name, key, column, read, wire, is_plain)


def _check_one(where: str, field: Part, relation: Relation, level: Level) -> None:
    if level.order_by or level.limit is not None:
        raise ConfigError(f"{where} is one row: it takes no order and no limit.")
    if (relation.is_nullable or level.where) and not allows_none(field.annotation):
        why = "has a condition" if level.where else "may be absent"
        raise ConfigError(
            f"{where} is {shown(field.annotation)}, but the row {why}.",
            hint=f"Say `{shown(field.annotation)} | None`.",
        )


def _check_level(place: str, table: Table, level: Level) -> None:
    """Refuse conditions on other tables: their rows would be multiplied with this one's."""
    if not level.where and not level.order_by:
        return
    ordered = [_without_modifiers(element) for element in level.order_by]
    sources = select(table, *ordered).where(*level.where).get_final_froms()
    others = [str(source) for source in sources if source is not table]
    if others:
        raise ConfigError(
            f"{place}: a condition or an order is about {', '.join(others)}, not {table.name}.",
            hint="Ask other tables with exists(...) or a subquery.",
        )


def _order(
    table: Table, level: Level, equal: Sequence[str], where: str
) -> tuple[ColumnElement[Any], ...]:
    """Complete an order with the primary key, so that the same rows always come first.

    The key goes in the direction of the last column: one index may then serve both.
    """
    names = [str(c.key) for c in map(_without_modifiers, level.order_by) if _is_of(table, c)]
    sure = [name for name in names if not table.c[name].nullable]  # NULLs may be many, all alike
    if sure and is_unique_among(table, [*equal, *sure], where):
        return level.order_by
    last = level.order_by[-1] if level.order_by else None
    missing = [column for column in table.primary_key.columns if column.key not in names]
    downwards = last is not None and _goes_down(last)
    return (*level.order_by, *(c.desc() if downwards else c.asc() for c in missing))


def _is_of(table: Table, element: Any) -> bool:  # noqa: ANN401 - any expression
    return isinstance(element, Column) and element.table is table


def _without_modifiers(element: Any) -> Any:  # noqa: ANN401 - any expression
    while getattr(element, "modifier", None) is not None:
        element = element.element
    return element


def _goes_down(element: Any) -> bool:  # noqa: ANN401 - any expression
    while (modifier := getattr(element, "modifier", None)) is not None:
        if modifier.__name__ == "desc_op":
            return True
        element = element.element
    return False


def _child_of(annotation: object) -> tuple[Literal["one", "many"], type[Any] | None]:
    """Give the class in `list[X]`, or in `X` or `X | None`; None where there is no such class."""
    options = [option for option in options_of(annotation) if option is not type(None)]
    option = options[0] if len(options) == 1 else None
    if get_origin(option) is list:
        inner = options_of(get_args(option)[0])
        return "many", _class(inner[0]) if len(inner) == 1 else None
    return "one", _class(option)


def _class(option: object) -> type[Any] | None:
    if not isinstance(option, type):
        return None
    is_ours = issubclass(option, msgspec.Struct | BaseModel) or dataclasses.is_dataclass(option)
    return option if is_ours else None


def _json_keys(into: type[Any]) -> Mapping[str, str]:
    """Give the key of each field where msgspec has others than the fields' names."""
    if not issubclass(into, msgspec.Struct):
        return {}
    return {field.name: field.encode_name for field in msgspec.structs.fields(into)}


def _is_plain_class(into: type[Any]) -> bool:
    """Whether msgspec decodes a class from an object of its fields, as building it would."""
    if is_pydantic(into):
        return False
    if issubclass(into, msgspec.Struct):
        if into.__struct_config__.array_like:
            return False
    elif any(not field.init for field in dataclasses.fields(into)):
        return False
    try:
        return is_decodable(into)
    except TypeError:
        return False


def _is_plain_part(part: ColumnPart | Link) -> bool:
    return part.node.is_plain if isinstance(part, Link) else part.is_plain
