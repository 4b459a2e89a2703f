"""How the values that a page is ordered by travel in a cursor: as text, exactly.

A statement takes each one back as text and lets PostgreSQL read it, so that nothing depends on what
the driver makes of a type: `CAST($1::TEXT AS TIMESTAMP WITH TIME ZONE)` takes microseconds and
infinity alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Function,
    Integer,
    LargeBinary,
    Numeric,
    Over,
    String,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.types import NullType, TypeEngine

from chatkeep.engine.compile import DIALECT
from chatkeep.errors import ConfigError, StoredDataError

_EXTREME_TIMES = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
_TEXT_OF_TEXT = frozenset(
    (
        "btrim",
        "initcap",
        "left",
        "lower",
        "ltrim",
        "md5",
        "right",
        "rtrim",
        "substr",
        "trim",
        "upper",
    )
)
_ROW_NUMBERS = frozenset(("dense_rank", "ntile", "rank", "row_number"))
_NUMBER_OF_TEXT = frozenset(("char_length", "length", "octet_length"))


@dataclass(frozen=True, slots=True)
class Codec:
    """How the values of one type travel.

    Attributes:
        kind: Class of the driver's values.
        write: Gives a value's text, as PostgreSQL reads it.
        type_: What PostgreSQL reads the text as; without length, scale or precision, which would
            round.
        has_infinity: The driver gives infinity and the last moment that Python knows as one value.
    """

    kind: type
    write: Callable[[Any], str]
    type_: TypeEngine[Any]
    has_infinity: bool = False

    def text(self, value: object, column: str) -> str:
        """Give a value's text.

        Raises:
            StoredDataError: The value is not of the type that the statement promises.
        """
        if value is None:
            raise StoredDataError(
                f"page: {column} is NULL, which its declaration rules out.",
                hint="Declare the column nullable, as it is stored.",
            )
        if not isinstance(value, self.kind) or (isinstance(value, bool) and self.kind is int):
            raise StoredDataError(
                f"page: {column} gives a {type(value).__name__}, where its declared type promises "
                f"a {self.kind.__name__}.",
                hint="Declare the column as it is stored, or cast the expression.",
            )
        return self.write(value)


def is_extreme(value: object) -> bool:
    """Tell whether a time may be infinity as well as the first or last moment of Python."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) in _EXTREME_TIMES
    return value in (date.min, date.max)


def infinity_text(value: date) -> str:
    """Give the text of an infinite time, which the driver gave as the last or first moment."""
    return "infinity" if value.year > 1 else "-infinity"


def codec_of(expression: ColumnElement[Any], column: str) -> Codec:
    """Give how the values of an expression travel.

    Args:
        expression: One that a page is ordered by.
        column: Its name, for errors.

    Raises:
        ConfigError: Values of its type cannot travel exactly, or the type is not known.
    """
    type_ = _type_of(expression).dialect_impl(DIALECT)
    while isinstance(type_, TypeDecorator):
        type_ = type_.impl_instance.dialect_impl(DIALECT)
    if isinstance(type_, Enum) and type_.native_enum:
        return Codec(str, str, type_)
    if isinstance(type_, CHAR):  # compared without the blanks at its end
        return Codec(str, str, CHAR(type_.length))
    if isinstance(type_, CITEXT):  # compared without regard to case
        return Codec(str, str, CITEXT())
    if isinstance(type_, DateTime):
        write = _zoned_text if type_.timezone else _plain_text
        return Codec(datetime, write, DateTime(timezone=type_.timezone), has_infinity=True)
    for kind, codec in _CODECS:
        if isinstance(type_, kind):
            return codec
    if isinstance(type_, NullType):
        raise ConfigError(
            f"page: the type of {column} is not known.",
            hint="Say it: func.f(column, type_=Text()), or cast(expression, Text()).",
        )
    raise ConfigError(
        f"page: {column} is of type {expression.type!r}, whose values cannot travel in a cursor.",
        hint="Order by text, numbers, booleans, UUIDs, bytes, dates or times, or cast to one of "
        "these.",
    )


def _type_of(expression: ColumnElement[Any]) -> TypeEngine[Any]:
    """Give an expression's type; SQLAlchemy does not know those of most functions."""
    if isinstance(expression, Over):
        return _type_of(expression.element)
    if isinstance(expression.type, NullType) and isinstance(expression, Function):
        if expression.name.lower() in _ROW_NUMBERS:
            return BigInteger()
        arguments = list(expression.clauses)
        if arguments and isinstance(arguments[0].type, String):
            name = expression.name.lower()
            if name in _TEXT_OF_TEXT:
                return Text()
            if name in _NUMBER_OF_TEXT:
                return Integer()
    return expression.type


def _zoned_text(value: datetime) -> str:
    if value.tzinfo is None:
        if not is_extreme(value):  # which the driver gives without a zone
            raise _wrong_zone()
        return value.replace(tzinfo=UTC).isoformat(" ")
    return value.astimezone(UTC).isoformat(" ")


def _plain_text(value: datetime) -> str:
    if value.tzinfo is not None:
        raise _wrong_zone()
    return value.isoformat(" ")


def _wrong_zone() -> StoredDataError:
    return StoredDataError(
        "page: a time is stored with a zone and declared without, or the other way round.",
        hint="Declare the column as it is stored: DateTime(timezone=True) is timestamptz.",
    )


def _bytes_text(value: bytes) -> str:
    return "\\x" + value.hex()


_CODECS: tuple[tuple[type[TypeEngine[Any]], Codec], ...] = (
    (Boolean, Codec(bool, str, Boolean())),
    (Integer, Codec(int, str, BigInteger())),
    (Float, Codec(float, repr, Double())),
    (Numeric, Codec(Decimal, str, Numeric())),
    (Uuid, Codec(UUID, str, Uuid())),
    (Date, Codec(date, date.isoformat, Date(), has_infinity=True)),
    (LargeBinary, Codec(bytes, _bytes_text, LargeBinary())),
    (String, Codec(str, str, Text())),  # also an Enum that is stored as text
)
