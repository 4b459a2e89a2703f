"""What tables, columns and types are called in TypeScript.

A schema object may say more than its MetaData; each of these attributes may be absent:

- `tables`: Table by the attribute of the schema, which becomes the variable: `users`;
- `records`: msgspec class by the same; its keys in JSON become the keys of the columns, its name
  that of the row's type, and a field that is a `Literal` of texts gives its column that type;
- `relations`: see `relations.py`.

`Column.info["typescript"]` says the TypeScript type of a column's values, and
`Column.info["typescript_default"]` the function that makes one where the writer gives none. A type
with a `shape`, such as `Json(list[Source])`, says it of JSON. `Column.info["typescript_as"]` names a
builder of drizzle for whose column TypeScript shall take this one: a library may accept no other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec
from sqlalchemy import MetaData, Table

from chatkeep.errors import ConfigError
from chatkeep.kit.drizzle.shape import SnapshotJson, TableJson
from chatkeep.kit.drizzle.shapes import typescript_of, words_of
from chatkeep.kit.drizzle.text import Taken, camel, pascal

# Names that a table of drizzle has by itself.
_OF_TABLES = frozenset({"_", "enableRLS", "getSQL", "shouldOmitSQLParens", "constructor"})

Place = tuple[str, str]
"""Schema and name of a table."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the schema object says of a table.

    Attributes:
        attribute: Its attribute of the schema, or None.
        record: Name of the class of its rows, or None.
        keys: Keys in JSON by column.
        types: TypeScript types by column.
        makers: Functions that make a value where the writer gives none, by column.
        guises: Builders for whose columns TypeScript shall take them, by column.
    """

    attribute: str | None
    record: str | None
    keys: Mapping[str, str]
    types: Mapping[str, str]
    makers: Mapping[str, str]
    guises: Mapping[str, str]


_NOTHING = Told(None, None, {}, {}, {}, {})


def told_by(schema: object, metadata: MetaData) -> dict[Place, Told]:
    """Read what the schema object says beyond what a database holds.

    Raises:
        ConfigError: What the `info` of a column says of TypeScript is not a text.
    """
    attributes = attributes_of(schema)
    records = _mapping(schema, "records")
    found: dict[Place, Told] = {}
    for table in metadata.tables.values():
        place = (table.schema or "public", table.name)
        attribute = attributes.get(place)
        class_ = records.get(attribute) if attribute is not None else None
        fields = _texts(getattr(class_, "__struct_fields__", ()))
        encoded = _texts(getattr(class_, "__struct_encode_fields__", ()))
        found[place] = Told(
            attribute,
            class_.__name__ if isinstance(class_, type) else None,
            dict(zip(fields, encoded, strict=False)),
            {**_words(class_), **_shapes(table), **_info(table, "typescript")},
            _info(table, "typescript_default"),
            _info(table, "typescript_as"),
        )
    return found


def attributes_of(schema: object) -> dict[Place, str]:
    """Give the schema's attributes by the tables that they name."""
    tables = _mapping(schema, "tables")
    return {
        (table.schema or "public", table.name): attribute
        for attribute, table in tables.items()
        if isinstance(table, Table)
    }


def _mapping(schema: object, name: str) -> Mapping[str, object]:
    value: object = getattr(schema, name, None)
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    items = cast("Iterable[object]", value) if isinstance(value, tuple) else ()
    return tuple(item for item in items if isinstance(item, str))


def _info(table: Table, key: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for column in table.columns:
        value: object = column.info.get(key)
        if isinstance(value, str):
            found[column.name] = value
        elif value is not None:
            raise ConfigError(
                f'info["{key}"] of column {column} is of type {type(value).__name__}, not a text.',
                hint="Write it in TypeScript.",
            )
    return found


def _shapes(table: Table) -> dict[str, str]:
    shapes = {c.name: getattr(c.type, "shape", None) for c in table.columns}
    found = {name: typescript_of(shape) for name, shape in shapes.items() if shape is not None}
    return {name: type_ for name, type_ in found.items() if type_ is not None}


def _words(class_: object) -> dict[str, str]:
    if not (isinstance(class_, type) and issubclass(class_, msgspec.Struct)):
        return {}
    found = {field.name: words_of(field.type) for field in msgspec.structs.fields(class_)}
    return {name: words for name, words in found.items() if words is not None}


@dataclass(frozen=True, slots=True)
class TableNames:
    """What one table is called.

    Attributes:
        variable: The exported constant.
        keys: Of the columns, by their names in PostgreSQL.
        row: The type of a row that was read.
        new: The type of a row to insert.
        types: TypeScript types that columns were told to have.
        makers: Functions that make a value where the writer gives none, by column.
        guises: Builders for whose columns TypeScript shall take them, by column.
    """

    variable: str
    keys: Mapping[str, str]
    row: str
    new: str
    types: Mapping[str, str]
    makers: Mapping[str, str]
    guises: Mapping[str, str]


def place_of(table: TableJson) -> Place:
    """Give schema and name of a table of the snapshot."""
    return (table["schema"] or "public", table["name"])


def name_tables(
    snapshot: SnapshotJson, told: Mapping[Place, Told], taken: Taken
) -> dict[Place, TableNames]:
    """Name every table, its columns and its types; `taken` knows the module's other names."""
    found: dict[Place, TableNames] = {}
    for table in snapshot["tables"].values():
        place = place_of(table)
        said = told.get(place, _NOTHING)
        label = said.attribute or _qualified(place)
        variable = taken.give(camel(label), "Table")
        keys = Taken(_OF_TABLES)
        row = taken.give(said.record or pascal(label), "Row")
        found[place] = TableNames(
            variable,
            {name: _key(name, said, keys) for name in table["columns"]},
            row,
            taken.give(f"New{row}", "Row"),
            said.types,
            said.makers,
            said.guises,
        )
    return found


def _key(column: str, said: Told, taken: Taken) -> str:
    return taken.give(said.keys.get(column) or camel(column), "Column")


def _qualified(place: Place) -> str:
    schema, name = place
    return name if schema == "public" else f"{schema}_{name}"
