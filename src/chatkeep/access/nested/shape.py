"""Objects of what the statement gives: columns as the driver reads them, relations from JSON.

Where a class and all below it are of kinds that msgspec decodes just as the driver would, its C code
makes the objects. Else it makes dictionaries of the driver's values, and the objects are built of
them one by one, from the leaves up.
"""

from collections.abc import Callable
from typing import Any, Optional, TypedDict

import msgspec

from chatkeep.access.classes import is_pydantic, positional, validated
from chatkeep.access.fitting import Read
from chatkeep.access.nested.query import Nested
from chatkeep.access.nested.sql import statement_of
from chatkeep.access.nested.tree import AnySchema, ColumnPart, Link, Node, tree_of
from chatkeep.engine.compile import compile_statement
from chatkeep.engine.decode import Field, Shape
from chatkeep.engine.query import Query
from chatkeep.errors import StoredDataError

Build = Callable[[Any], Any]


def nested_query(schema: AnySchema, nested: Nested[Any], name: str) -> Query[Any]:
    """Compile nested rows, or give what was compiled of this object before.

    Args:
        schema: Whose tables and relations they are.
        nested: What is asked for.
        name: Of the statement.

    Raises:
        ConfigError: Something of it does not fit the schema: says what, and what would.
    """
    known: dict[str, Query[Any]] = nested.compiled.setdefault(schema, {})
    query = known.get(name)
    if query is None:
        tree = tree_of(schema, nested)
        query = Query(compile_statement(name, statement_of(tree)), shape_of(tree))
        known[name] = query
    return query


def shape_of(tree: Node) -> Shape[Any]:
    """Give what builds the objects of the top."""
    fields = [
        Field(tree.table.name, part.name, _from_text(part) if isinstance(part, Link) else part.read)
        for part in tree.parts
    ]
    return Shape(_maker(tree), fields)


def _maker(node: Node) -> Callable[..., Any]:
    names = [part.name for part in node.parts]
    return validated(node.into, names) if is_pydantic(node.into) else positional(node.into, names)


def _from_text(link: Link) -> Read:
    """Read the JSON text of a relation of the top."""
    is_many = link.relation.kind == "many"
    one = _decoded(link.node)
    decode = msgspec.json.Decoder(list[one] if is_many else one).decode
    build = _value_builder(link)

    def read(text: str) -> Any:  # noqa: ANN401 - objects of the caller's class, or a list of them
        try:
            value = decode(text)
            return value if build is None else build(value)
        except (msgspec.MsgspecError, ValueError, LookupError) as exc:
            kind = type(exc).__name__
        # What they say may repeat what is stored.
        raise StoredDataError(
            f"A stored row that the relation {link.node.path} loads, or one below it, does not have"
            f" the shape of its class ({kind}).",
            hint="Another program may have written it; correct the row, or widen a field's type.",
        )

    return read


def _decoded(node: Node) -> Any:  # noqa: ANN401 - a type
    """Give the type that msgspec decodes: the class itself, or a dictionary of its values."""
    if node.is_plain:
        return node.into
    make: Any = TypedDict
    return make(node.into.__name__, {part.name: _decoded_part(part) for part in node.parts})


def _decoded_part(part: ColumnPart | Link) -> Any:  # noqa: ANN401 - a type
    if isinstance(part, Link):
        one = _decoded(part.node)
        return list[one] if part.relation.kind == "many" else Optional[one]  # noqa: UP045 - a type made while running
    return Optional[part.wire.type] if part.wire is not None else Any  # noqa: UP045 - the same


def _value_builder(link: Link) -> Build | None:
    build = _builder(link.node)
    if build is None:
        return None
    return (lambda values: [build(v) for v in values]) if link.relation.kind == "many" else build


def _builder(node: Node) -> Build | None:
    """Give what builds an object of the dictionary of its values; None where it is built already."""
    if node.is_plain:
        return None
    names = [part.name for part in node.parts]
    reads = [(part.name, read) for part in node.parts if (read := _part_reader(part)) is not None]
    make = _maker(node)

    def build(values: dict[str, Any]) -> Any:  # noqa: ANN401 - an object of the caller's class
        for name, read in reads:
            value = values[name]
            if value is not None:
                values[name] = read(value)
        return make(*[values[name] for name in names])

    return build


def _part_reader(part: ColumnPart | Link) -> Read | None:
    if isinstance(part, Link):
        return _value_builder(part)
    first, then = (part.wire.read if part.wire is not None else None), part.read
    if first is None or then is None:
        return first or then
    return lambda value: then(first(value))
