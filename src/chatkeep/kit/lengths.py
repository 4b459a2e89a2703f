"""Names that PostgreSQL would cut at 63 bytes, and a shorter one for each."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import ARRAY, Enum, MetaData, Table
from sqlalchemy import Sequence as SequenceOf
from sqlalchemy.dialects.postgresql import DOMAIN
from sqlalchemy.sql.elements import conv
from sqlalchemy.types import TypeEngine

from chatkeep.errors import ConfigError
from chatkeep.kit.target import ExtraLike

MAX_NAME = 63
"""Bytes of a name; PostgreSQL cuts what is longer."""

_DIGITS = 6  # of the hash in a shorter name
_LONGEST_END = 9  # bytes of a last word that says what the thing is, such as `_fk` or `_unique`


class _Named(NamedTuple):
    name: str
    what: str
    is_made: bool = False  # by a naming convention


def refuse_long_names(metadata: MetaData, extras: Sequence[ExtraLike]) -> None:
    """Refuse names that PostgreSQL would cut, so that two may become one.

    Seen are schemas, tables, columns, indexes, constraints, sequences, types and their labels, and
    the names of extras. The error proposes a shorter name, which is the same each time and none
    that is there already.

    Raises:
        ConfigError: Names the first one, and how many more there are.
    """
    names = [*_of_metadata(metadata), *_of_extras(extras)]
    long = [each for each in dict.fromkeys(names) if len(each.name.encode()) > MAX_NAME]
    if not long:
        return
    first = long[0]
    shorter = shortened(first.name, {each.name for each in names})
    more = f" So it is with {len(long) - 1} more." if len(long) > 1 else ""
    made = "A naming convention makes it: give it a name itself," if first.is_made else "Call it"
    raise ConfigError(
        f'The name "{first.name}" of {first.what} has {len(first.name.encode())} bytes, and '
        f"PostgreSQL would cut it after {MAX_NAME}.{more}",
        hint=f'{made} "{shorter}", for example.',
    )


def shortened(name: str, taken: set[str]) -> str:
    """Give a name of at most 63 bytes: the beginning, a part of a hash, and a short last word."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    last = name[name.rfind("_") :] if "_" in name else ""
    end = last if 1 < len(last.encode()) <= _LONGEST_END else ""
    for digits in range(_DIGITS, len(digest)):
        tail = f"_{digest[:digits]}{end}"
        head = name.removesuffix(end).encode()[: MAX_NAME - len(tail.encode())]
        short = f"{head.decode(errors='ignore').rstrip('_')}{tail}"
        if short not in taken:
            return short
    raise ConfigError(f'No shorter name was found for "{name}".', hint="Make one up.")


def _of_metadata(metadata: MetaData) -> Iterator[_Named]:
    for table in metadata.tables.values():
        yield from _of_table(table)


def _of_table(table: Table) -> Iterator[_Named]:
    place = f"table {table}"
    if table.schema:
        yield _Named(table.schema, "a database schema")
    yield _Named(table.name, place)
    for column in table.columns:
        yield _Named(column.name, f"a column of {place}")
        yield from _of_type(column.type, f"the type of column {column}")
        if isinstance(column.default, SequenceOf):
            yield _Named(column.default.name, f"the sequence of column {column}")
    for what, parts in (("an index", table.indexes), ("a constraint", table.constraints)):
        for name in sorted(str(part.name) for part in parts if isinstance(part.name, str)):
            made = any(part.name == name and isinstance(part.name, conv) for part in parts)
            yield _Named(name, f"{what} of {place}", made)


def _of_type(type_: TypeEngine[object], place: str) -> Iterator[_Named]:
    if isinstance(type_, ARRAY):
        yield from _of_type(type_.item_type, place)
    elif isinstance(type_, Enum):
        if type_.name:
            yield _Named(type_.name, place)
        for label in type_.enums:
            yield _Named(label, f"a label of {place}")
    elif isinstance(type_, DOMAIN) and type_.name:
        yield _Named(type_.name, place)


def _of_extras(extras: Sequence[ExtraLike]) -> Iterator[_Named]:
    for extra in extras:
        name, kind = getattr(extra, "name", ""), getattr(extra, "kind", "extra")
        if isinstance(name, str):
            for part in name.split("(", 1)[0].split(" on ", 1)[0].split("."):
                yield _Named(part.strip().strip('"'), f"the {kind} {name}")
