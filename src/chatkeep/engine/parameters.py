"""Parameters of statements: their values in the driver's form, and what is refused before it is sent."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NoReturn, cast

import msgspec
from sqlalchemy import ARRAY, JSON, DateTime, Enum
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from chatkeep.errors import InvalidInputError
from chatkeep.schema.types import Json

# The dialect renders a cast beside each parameter ($1::VARCHAR), so a parameter's type never
# depends on where it stands.
DIALECT = asyncpg_dialect.dialect()

_encode_json = msgspec.json.Encoder().encode
_JSON_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # but not a backslash of its own before u0000

# What making the driver's form of a value may raise: of JSON, of enums, of decorated types.
_UNWRITABLE = (
    msgspec.MsgspecError,
    ArithmeticError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)

# The driver reads and writes these two as infinity; they never have a zone.
_INFINITIES = frozenset({datetime.max, datetime.min})  # noqa: DTZ901 - the driver's own have none


@dataclass(frozen=True, slots=True)
class Parameter:
    """One `$n` of a statement.

    Attributes:
        name: Name of the bind parameter.
        required: The caller must give it; otherwise `value` stands.
        value: A constant of the statement, already in the driver's form.
        write: Turns a value into the driver's form; None where the driver takes it as it is.
        is_zoned: It is a time with a zone, or many: the driver would take one without for local.
        is_key: It is compared with a column that is never NULL: None is a slip.
        make: Makes the value at each call: the column has a default of Python's.
    """

    name: str
    required: bool
    value: object
    write: Callable[[Any], object] | None
    is_zoned: bool = False
    is_key: bool = False
    make: Callable[[], object] | None = None

    def written(self, value: object) -> object:
        """Give a value in the driver's form.

        Raises:
            InvalidInputError: It has none.
        """
        if self.write is None:
            return value
        try:
            return self.write(value)
        except _UNWRITABLE:
            pass  # its text may repeat the value: what is raised below has no such context
        raise InvalidInputError(
            f"The value of {self.name} cannot be stored in a column of its type.", field=self.name
        )

    def check(self, argument: object, statement: str) -> None:
        """Refuse what PostgreSQL would refuse, or the driver would change silently.

        Args:
            argument: A value in the driver's form.
            statement: Its name, for the message.

        Raises:
            InvalidInputError: A text with NUL, a time without zone, None for a key.
        """
        if isinstance(argument, str):
            if "\0" in argument:
                self._refuse(statement, "holds the character NUL, which PostgreSQL cannot store")
        elif argument is None:
            if self.is_key:
                self._refuse(statement, "must be given, and is None")
        elif isinstance(argument, date):
            if self.is_zoned and not has_zone(argument):
                self._refuse(statement, "is a time without a zone; give it one, such as UTC")
        elif isinstance(argument, list | tuple):
            self._check_elements(cast("Sequence[object]", argument), statement)

    def _check_elements(self, elements: Sequence[object], statement: str) -> None:
        for element in elements:
            if type(element) is str:  # the usual case: thousands of texts in one call
                if "\0" in element:
                    self.check(element, statement)
            elif element is not None:
                self.check(element, statement)

    def _refuse(self, statement: str, why: str) -> NoReturn:
        raise InvalidInputError(f"{statement}: {self.name} {why}.", field=self.name)


def json_text(value: object) -> str | None:
    """Encode a value of a JSON column; None is SQL's NULL, never JSON's null.

    Raises:
        ValueError: It holds the character NUL.
    """
    if value is None:
        return None
    text = _encode_json(value).decode()
    if "\\u0000" in text and _JSON_NUL.search(text):
        raise ValueError("NUL")
    return text


def writer_of(type_: TypeEngine[Any]) -> Callable[[Any], object] | None:
    """Give what turns a value for such a column into the driver's form; None where it is that."""
    if isinstance(type_, Json | JSON):
        return json_text
    item = type_.item_type if isinstance(type_, ARRAY) else None
    if isinstance(item, Json | JSON):
        return _json_texts
    if isinstance(type_, TypeDecorator | Enum) or isinstance(item, TypeDecorator | Enum):
        return type_.dialect_impl(DIALECT).bind_processor(DIALECT)
    return None


def is_zoned(type_: TypeEngine[Any]) -> bool:
    """Tell whether values of such a column are times with a zone, or arrays of them.

    What PostgreSQL is told counts: not a decorator, but the type that it ends up with there.
    """
    real = type_.dialect_impl(DIALECT)
    if isinstance(real, TypeDecorator):
        return is_zoned(real.impl_instance)
    if isinstance(real, ARRAY):
        return is_zoned(cast("TypeEngine[Any]", real.item_type))
    return isinstance(real, DateTime) and real.timezone


def has_zone(moment: date) -> bool:
    """Tell whether a time can be stored in such a column; the infinities can."""
    if not isinstance(moment, datetime):
        return False
    return moment.tzinfo is not None or moment in _INFINITIES


def _json_texts(values: Sequence[object]) -> list[str | None]:
    return [json_text(value) for value in values]
