"""How a column travels as JSON so that its value is the one the driver would have given.

PostgreSQL writes most types into JSON in a form that msgspec reads back exactly. The others are
written in a form of ours, and what has no exact form is refused.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum as PyEnum
from typing import Any, Literal, Optional, get_args, get_origin
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    String,
    Text,
    Time,
    Uuid,
    case,
    extract,
    func,
    literal_column,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import CITEXT, INTERVAL
from sqlalchemy.types import TypeDecorator, TypeEngine

from chatkeep.access.fitting import Read, options_of
from chatkeep.engine.compile import DIALECT
from chatkeep.schema.types import Json

Write = Callable[[ColumnElement[Any]], ColumnElement[Any]]


@dataclass(frozen=True)
class Wire:
    """How a type travels.

    Attributes:
        type: What msgspec decodes.
        write: What PostgreSQL writes instead of the bare column.
        read: Turns what msgspec decoded into the driver's value; None where it is that.
        embeds: Whether the bare column goes where msgspec decodes the class itself.
    """

    type: Any
    write: Write | None = None
    read: Read | None = None
    embeds: bool = False


def wire_of(type_: TypeEngine[Any]) -> Wire | None:
    """Give how columns of a type travel, or None where no exact way is known."""
    bare = _driver_type(type_)
    if isinstance(bare, ARRAY):
        return _array(bare)
    if isinstance(bare, Float):
        # PostgreSQL writes a real as short as tells it from other reals; the driver widens it.
        return Wire(float, None if isinstance(bare, Double) else _cast(Double()))
    if isinstance(bare, Time) and bare.timezone:
        return Wire(str, read=dt.time.fromisoformat)
    if isinstance(bare, DateTime):
        return _TIME if bare.timezone else _LOCAL_TIME
    return next((wire for kinds, wire in _WIRES if isinstance(bare, kinds)), None)


def travels_plainly(
    annotation: object, type_: TypeEngine[Any], wire: Wire, read: Read | None
) -> bool:
    """Whether msgspec, reading a field of that annotation, gives just what the two readers would.

    Args:
        annotation: Of the field.
        type_: Of the column.
        wire: Of the column.
        read: What turns the driver's value into the field's.
    """
    if isinstance(type_, Json | JSON):
        return isinstance(getattr(read, "__self__", None), msgspec.json.Decoder)
    if wire.read is not None:
        return False
    options = [option for option in options_of(annotation) if option is not type(None)]
    if len(options) != 1:
        return False
    option = options[0]
    if isinstance(type_, Enum) and type_.enum_class is not None:
        return read is not None and _same_members(option, type_.enums, read)
    if isinstance(read, type) and issubclass(read, PyEnum):
        return option is read and all(type(member.value) is wire.type for member in read)
    is_words = isinstance(type_, Enum)  # whose reader only checks what PostgreSQL checked
    return (read is None or is_words) and _is_just(option, wire.type)


def _is_just(option: Any, wanted: Any) -> bool:  # noqa: ANN401 - types
    """Whether msgspec decodes the one into what the other is, and takes nothing else for it."""
    if option is wanted:
        return True
    if option is Any or option is object:
        return wanted in (str, int, bool)
    if get_origin(option) is Literal:
        return all(type(value) is wanted for value in get_args(option))
    if get_origin(option) is list and get_origin(wanted) is list:
        items = [item for item in options_of(get_args(option)[0]) if item is not type(None)]
        inner = [item for item in options_of(get_args(wanted)[0]) if item is not type(None)]
        return len(items) == 1 and _is_just(items[0], inner[0])
    return False


def _same_members(option: object, labels: Sequence[str], read: Read) -> bool:
    """Whether each label that PostgreSQL stores is the value of the member that it stands for."""
    if not isinstance(option, type) or not issubclass(option, PyEnum):
        return False
    return all(read(label).value == label for label in labels)


def _driver_type(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """Take decorators off, and variants for other databases."""
    while isinstance(type_, TypeDecorator) and not isinstance(type_, Interval):
        type_ = type_.load_dialect_impl(DIALECT)
    return type_ if isinstance(type_, Interval) else type_.dialect_impl(DIALECT)


def _array(type_: ARRAY[Any]) -> Wire | None:
    item = wire_of(type_.item_type)
    if item is None or item.type is bytes or item.write is _microseconds:
        return None  # their own forms are made value by value
    bare = _driver_type(type_.item_type)
    depth = type_.dimensions or 1
    wanted: Any = item.type
    for _ in range(depth):
        wanted = list[Optional[wanted]]  # noqa: UP045 - a type made while running
    write = None
    if isinstance(bare, Numeric | JSON):
        write = _cast(ARRAY(Text(), dimensions=type_.dimensions))
    elif isinstance(bare, Float):
        write = _cast(ARRAY(Double(), dimensions=type_.dimensions))
    read_item = item.read
    return Wire(wanted, write, None if read_item is None else _each(read_item, depth))


def _each(read: Read, depth: int) -> Read:
    def read_all(values: Sequence[Any]) -> list[Any]:
        inner = read if depth == 1 else _each(read, depth - 1)
        return [None if value is None else inner(value) for value in values]

    return read_all


def _cast(type_: TypeEngine[Any]) -> Write:
    return lambda column: sql_cast(column, type_)


def _base64(column: ColumnElement[Any]) -> ColumnElement[Any]:
    # encode() breaks lines after 76 letters.
    encoded = func.encode(column, literal_column("'base64'"))
    return func.translate(encoded, literal_column("E'\\n'"), literal_column("''"))


def _finite(kind: str, first: str, last: str) -> Write:
    """Write infinity as the driver gives it: the first and the last that Python has."""

    def write(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return case(
            {
                literal_column(f"{kind} 'infinity'"): literal_column(f"{kind} '{last}'"),
                literal_column(f"{kind} '-infinity'"): literal_column(f"{kind} '{first}'"),
            },
            value=column,
            else_=column,
        )

    return write


def _microseconds(column: ColumnElement[Any]) -> ColumnElement[Any]:
    # As the driver has it: a year of 365 days, a month of 30.
    days = extract("year", column) * _number(365) + extract("month", column) * _number(30)
    days = days + extract("day", column)
    hours = days * _number(24) + extract("hour", column)
    minutes = hours * _number(60) + extract("minute", column)
    seconds = minutes * _number(60) + extract("second", column)
    return sql_cast(seconds * _number(1_000_000), BigInteger())


def _number(number: int) -> ColumnElement[Any]:
    return literal_column(str(number))


def _read_microseconds(microseconds: int) -> dt.timedelta:
    return dt.timedelta(microseconds=microseconds)


_FIRST, _LAST = "0001-01-01", "9999-12-31"
_FIRST_TIME, _LAST_TIME = f"{_FIRST} 00:00:00", f"{_LAST} 23:59:59.999999"

_LOCAL_TIME = Wire(dt.datetime, _finite("timestamp", _FIRST_TIME, _LAST_TIME))
_TIME = Wire(dt.datetime, _finite("timestamptz", f"{_FIRST_TIME}+00", f"{_LAST_TIME}+00"))

_WIRES: tuple[tuple[tuple[type, ...], Wire], ...] = (
    ((Boolean,), Wire(bool)),
    ((Integer,), Wire(int)),
    ((Numeric,), Wire(Decimal, _cast(Text()))),
    ((String, CITEXT), Wire(str)),  # Enum is a String
    ((Date,), Wire(dt.date, _finite("date", _FIRST, _LAST))),
    ((Time,), Wire(dt.time)),
    ((Interval, INTERVAL), Wire(int, _microseconds, _read_microseconds)),
    ((LargeBinary,), Wire(bytes, _base64)),
    ((Uuid,), Wire(UUID)),
    # As text in a text: the driver gives text, too, and NULL stays apart from JSON's null.
    ((JSON,), Wire(str, _cast(Text()), embeds=True)),
)
