"""Which annotated type can hold what a column gives, and what reads the column into it."""

import datetime as dt
import enum
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, cast, get_args, get_origin
from uuid import UUID

import msgspec
from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError
from sqlalchemy import ARRAY, JSON, Enum, Float, Interval, Numeric, TypeDecorator, Uuid
from sqlalchemy.types import TypeEngine
from typing_extensions import TypeAliasType

from chatkeep.engine.compile import DIALECT
from chatkeep.schema.types import Json

Read = Callable[[Any], Any]

# Types whose values Pydantic does not take for one another; every other class of a field is one
# that Pydantic may well build of what the column gives.
_PLAIN = (int, float, bool, str, bytes, Decimal, UUID, list, dict, dt.date, dt.time, dt.timedelta)
# What Pydantic does take, beside: the column's type, the field's.
_CONVERTED: tuple[tuple[type, type], ...] = (
    (int, Decimal),
    (float, Decimal),
    (Decimal, float),
    (str, Decimal),
    (str, UUID),
    (str, dt.date),
    (str, dt.time),
    (str, dt.timedelta),
)


class CannotRead(Exception):  # noqa: N818 - never leaves the package: it becomes a ConfigError
    """A JSON column cannot be decoded into a type; the text says why."""


def allows_none(annotation: object) -> bool:
    """Whether a field of that type may hold None."""
    if annotation is None or annotation is type(None):
        return True
    if _is_anything(annotation):
        return True
    options = options_of(annotation)
    return len(options) > 1 and any(allows_none(option) for option in options)


def can_hold(annotation: object, type_: TypeEngine[Any], *, converts: bool) -> bool:
    """Whether a field of that type can hold the column's values; True where nobody knows.

    Args:
        annotation: Of the field.
        type_: Of the column.
        converts: The class converts what it is given, as Pydantic does.
    """
    given = _python_type(type_)
    if given is None:
        return True
    return any(
        _option_holds(option, given, type_, converts=converts) for option in options_of(annotation)
    )


def reader(annotation: object, type_: TypeEngine[Any], *, converts: bool) -> Read | None:
    """Give what turns the driver's value into the field's; None where it is that already.

    Raises:
        CannotRead: The annotation is no type that JSON can be decoded into.
    """
    if isinstance(type_, Json | JSON):
        return _pydantic_json(annotation) if converts else _json(annotation)
    if isinstance(type_, ARRAY):
        read_item = reader(_item(annotation), _inner(type_), converts=converts)
        return None if read_item is None else _each(read_item)
    read = _sqlalchemy_reader(type_)
    to_enum = None if converts else _enum_of(annotation, _python_type(type_))
    if to_enum is None or read is None:
        return to_enum or read
    return lambda value: to_enum(read(value))


def _is_anything(annotation: object) -> bool:
    return isinstance(annotation, TypeVar) or annotation is Any or annotation is object


def options_of(annotation: object) -> list[object]:
    """Give the members of a union, aliases and annotations taken off; else the type alone."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        else:
            break
    if get_origin(annotation) not in (Union, UnionType):
        return [annotation]
    return [part for member in get_args(annotation) for part in options_of(member)]


def _option_holds(option: object, given: type, type_: TypeEngine[Any], *, converts: bool) -> bool:
    if _is_anything(option):
        return True
    if get_origin(option) is Literal:
        return any(issubclass(given, type(value)) for value in get_args(option))
    if isinstance(type_, ARRAY) and get_args(option):
        item = get_args(option)[0]
        if not can_hold(item, _inner(type_), converts=converts):
            return False
    wanted = get_origin(option) or option
    return _class_holds(wanted, given, converts=converts) if isinstance(wanted, type) else True


def _class_holds(wanted: type, given: type, *, converts: bool) -> bool:
    if given is dt.datetime and wanted is dt.date:  # a subclass, but not what the field means
        return False
    if issubclass(given, wanted) or (given is int and wanted is float):
        return True
    if issubclass(wanted, enum.Enum) and not issubclass(given, enum.Enum):
        return given in (str, int)
    if not converts or wanted is type(None):
        return False
    return not issubclass(wanted, _PLAIN) or any(
        issubclass(given, source) and issubclass(wanted, target) for source, target in _CONVERTED
    )


def _python_type(type_: TypeEngine[Any]) -> type | None:
    """Give the type that a reader of `type_` ends up with; None where that is not known."""
    if isinstance(type_, Interval):  # a TypeDecorator, but for other databases
        return dt.timedelta
    if isinstance(type_, TypeDecorator | Json | JSON):
        return None
    if isinstance(type_, Enum):
        return type_.enum_class or str
    if isinstance(type_, Float):
        return float
    try:
        found = type_.python_type
    except NotImplementedError:
        return None
    return None if found is object else found


def _sqlalchemy_reader(type_: TypeEngine[Any]) -> Read | None:
    """Give SQLAlchemy's reader, where the driver does not give what the type says by itself."""
    if isinstance(type_, Numeric) and not isinstance(type_, Float):
        return None if type_.asdecimal else float
    if isinstance(type_, TypeDecorator | Enum | Uuid):
        return type_.dialect_impl(DIALECT).result_processor(DIALECT, None)
    return None


def _item(annotation: object) -> object:
    for option in options_of(annotation):
        arguments = get_args(option)
        if arguments and get_origin(option) is not Literal:
            return arguments[0]
    return Any


def _inner(type_: ARRAY[Any]) -> TypeEngine[Any]:
    """Give the type of an array's elements: of several dimensions, arrays of one less."""
    depth = type_.dimensions or 1
    return ARRAY(type_.item_type, dimensions=depth - 1) if depth > 1 else type_.item_type


def _each(read: Read) -> Read:
    def read_all(values: Iterable[Any]) -> list[Any]:
        return [None if value is None else read(value) for value in values]

    return read_all


def _enum_of(annotation: object, given: type | None) -> Read | None:
    """Give the Enum of a field, where the column gives the values of its members."""
    if given is None or issubclass(given, enum.Enum):
        return None
    for option in options_of(annotation):
        if isinstance(option, type) and issubclass(option, enum.Enum):
            return option
    return None


def is_decodable(annotation: object) -> bool:
    """Whether msgspec knows a type and every one in it.

    Raises:
        TypeError: It knows them, but cannot tell them apart, as in a union of two classes.
    """
    return not _has_foreign(msgspec.inspect.type_info(annotation), set())


def _json(annotation: object) -> Read:
    try:
        if is_decodable(annotation):
            return msgspec.json.Decoder(cast("type[Any]", annotation)).decode
    except TypeError:  # such as a union of two classes without a tag: Pydantic tries both
        pass
    return _pydantic_json(annotation)


def _pydantic_json(annotation: object) -> Read:
    try:
        return TypeAdapter(cast("type[Any]", annotation)).validate_json
    except PydanticUserError as exc:
        raise CannotRead(str(exc).splitlines()[0]) from exc


def _has_foreign(part: object, seen: set[int]) -> bool:
    """Whether a type holds, at any depth, a class that msgspec does not know."""
    if isinstance(part, msgspec.inspect.CustomType):
        return True
    if id(part) in seen:
        return False
    seen.add(id(part))
    if isinstance(part, tuple | list):
        return any(_has_foreign(child, seen) for child in cast("Iterable[object]", part))
    if isinstance(part, Mapping) or not isinstance(part, msgspec.Struct):
        return False
    return any(_has_foreign(getattr(part, name), seen) for name in part.__struct_fields__)
