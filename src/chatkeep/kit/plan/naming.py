"""What may have another name: schemas, relations, types, functions, and parts of them."""

from collections.abc import Collection, Iterator

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.types import Composite, Enum

Path = tuple[str, ...]
"""(schema,), (schema, name) or (schema, table, column); a function's name has its arguments.

The first part says the kind where the name alone does not: `sequence:public`.
"""

OBJECTS = (
    Kind.TABLE,
    Kind.VIEW,
    Kind.MATERIALIZED_VIEW,
    Kind.ENUM,
    Kind.DOMAIN,
    Kind.COMPOSITE,
    Kind.SEQUENCE,
    Kind.INDEX,
)
"""Kinds of a schema and a name; functions have arguments besides."""

CONSTRAINTS = (Kind.PRIMARY_KEY, Kind.UNIQUE, Kind.CHECK, Kind.EXCLUDE, Kind.FOREIGN_KEY)

WORDS: dict[str, tuple[Kind, ...]] = {
    "schema": (Kind.SCHEMA,),
    "table": (Kind.TABLE,),
    "view": (Kind.VIEW, Kind.MATERIALIZED_VIEW),
    "type": (Kind.ENUM, Kind.DOMAIN, Kind.COMPOSITE),
    "sequence": (Kind.SEQUENCE,),
    "index": (Kind.INDEX,),
    "function": (Kind.FUNCTION,),
    "column": (Kind.COLUMN,),
    "label": (Kind.ENUM,),
    "attribute": (Kind.COMPOSITE,),
    "constraint": CONSTRAINTS,
}
"""How `--rename` says a kind."""

_PARTS = ("column", "label", "attribute", "constraint")


def word_of(key: Key) -> str:
    """Give the word for the kind of a key; see `keys_at` for those of labels and attributes."""
    is_part = len(key.path) == 3 and key.kind is not Kind.FUNCTION
    return next(
        word for word, kinds in WORDS.items() if key.kind in kinds and (word in _PARTS) == is_part
    )


def told_kind(key: Key) -> str:
    """Give the kind of a key in words for a person."""
    return {"label": "enum label", "attribute": "attribute"}.get(word_of(key), key.kind.value)


def said_kind(path: Path) -> tuple[str, Path]:
    """Part the word that says the kind, or "", from the rest of a path."""
    word, colon, first = path[0].rpartition(":")
    return (word, (first, *path[1:])) if colon else ("", path)


def path_of(key: Key, catalog: Catalog) -> Path:
    """Give the path by which a key is found again in the catalog, and nothing else."""
    path = key.path
    if key.kind is Kind.FUNCTION:
        path = (path[0], f"{path[1]}({path[2]})")
    if len(path) == 1 or len(list(keys_at(catalog, path))) == 1:
        return path
    return (f"{word_of(key)}:{path[0]}", *path[1:])


def find(catalog: Catalog, path: Path) -> Key | None:
    """Give the key of what has this path; a label or an attribute by its type's kind."""
    word, plain = said_kind(path)
    found = [key for key in keys_at(catalog, plain) if word in ("", word_of(key))]
    return found[0] if found else None


def keys_at(catalog: Catalog, path: Path) -> Iterator[Key]:
    """Give the keys of all that has this name, labels and attributes as parts of their types.

    Args:
        catalog: Where to look.
        path: Without a kind. The name of a function may lack the arguments: all of that name.
    """
    if len(path) == 1:
        candidates = [Key(Kind.SCHEMA, path)]
    elif len(path) == 2:
        candidates = [Key(kind, path) for kind in OBJECTS]
    else:
        kinds = (Kind.COLUMN, *CONSTRAINTS, Kind.ENUM, Kind.COMPOSITE)
        candidates = [Key(kind, path) for kind in kinds]
    yield from (key for key in candidates if exists(catalog, key))
    if len(path) == 2:
        yield from _functions(catalog, *path)


def _functions(catalog: Catalog, schema: str, name: str) -> Iterator[Key]:
    for key in sorted(catalog.facts):
        if key.kind is Kind.FUNCTION and key.path[0] == schema:
            plain, arguments = key.path[1:]
            if name in (plain, f"{plain}({arguments})"):
                yield key


def exists(catalog: Catalog, key: Key) -> bool:
    """Say whether there is such a thing; labels and attributes too."""
    if len(key.path) == 3 and key.kind is Kind.ENUM:
        enum = catalog.find(Enum, *key.path[:2])
        return enum is not None and key.path[2] in enum.labels
    if len(key.path) == 3 and key.kind is Kind.COMPOSITE:
        type_ = catalog.find(Composite, *key.path[:2])
        return type_ is not None and key.path[2] in dict(type_.attributes)
    return key in catalog.facts


def named(key: Key, name: str) -> Key:
    """Give the key with another name of its own."""
    at = 1 if key.kind is Kind.FUNCTION else len(key.path) - 1
    return Key(key.kind, (*key.path[:at], name, *key.path[at + 1 :]))


def name_of(key: Key) -> str:
    """Give the name without what it is in, and without arguments."""
    return key.path[1] if key.kind is Kind.FUNCTION else key.path[-1]


def name_in(path: Path) -> str:
    """Give the name that a path ends with, without a kind or arguments."""
    return said_kind(path)[1][-1].partition("(")[0]


def told(keys: Collection[Key]) -> str:
    """Give keys in words, such as `schema app or table public.app`."""
    return " or ".join(f"{told_kind(key)} {dotted(key)}" for key in keys)


def dotted(key: Key) -> str:
    """Give the qualified name, a function's with its arguments."""
    if key.kind is Kind.FUNCTION:
        return f"{key.path[0]}.{key.path[1]}({key.path[2]})"
    return ".".join(key.path)
