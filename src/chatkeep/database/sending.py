"""What a column takes, checked before it is sent: COPY has no casts and stops at the first fault.

A fault is named in our words, without the value; who knows the row and the column adds them.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Enum,
    Interval,
    SmallInteger,
    String,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.types import TypeEngine

from chatkeep.engine.parameters import DIALECT, has_zone, is_zoned
from chatkeep.inputs.text import first_fault
from chatkeep.schema.types import Json

Send = Callable[[Any], object]

_encode = msgspec.json.Encoder().encode


class Refused(Exception):  # noqa: N818 - never leaves the package: it becomes an InvalidInputError
    """A value cannot be sent; the text says why and follows `row 3, column title: `."""


def sender_of(type_: TypeEngine[Any]) -> Send:
    """Give what checks a value of a column and turns it into the driver's form; None stays None."""
    send = _sender(type_)
    return lambda value: None if value is None else send(value)


def _sender(type_: TypeEngine[Any]) -> Send:
    if isinstance(type_, Json | JSON):
        return _json
    if isinstance(type_, ARRAY):
        return _array(sender_of(type_.item_type))
    if isinstance(type_, Interval):  # a TypeDecorator, but for other databases
        return _PLAIN[dt.timedelta]
    if isinstance(type_, TypeDecorator | Enum):
        members = frozenset(type_.enums) if isinstance(type_, Enum) else None
        processed = _processed(type_.dialect_impl(DIALECT).bind_processor(DIALECT), members)
        return _with_zone(processed) if is_zoned(type_) else processed
    return _uuid if isinstance(type_, Uuid) else _by_python_type(type_)


def _by_python_type(type_: TypeEngine[Any]) -> Send:
    try:
        python_type: type = type_.python_type
    except NotImplementedError:
        python_type = object
    if python_type is str:
        return _text(type_.length if isinstance(type_, String) else None)
    if python_type is int:
        return _integer(type_)
    if python_type is dt.datetime:
        return _moment(aware=is_zoned(type_))
    return _PLAIN.get(python_type, _text_or_anything)


def _text(length: int | None) -> Send:
    def send(value: object) -> object:
        if not isinstance(value, str):
            raise _wrong("text", value)
        _check_text(value)
        if length is not None and len(value) > length:
            raise Refused(f"it is longer than {length} characters")
        return value

    return send


def _check_text(value: str) -> None:
    if "\0" in value:
        raise Refused("it holds the character NUL, which PostgreSQL cannot store")
    try:
        value.encode()
    except UnicodeEncodeError:
        pass
    else:
        return
    raise Refused("it holds half of a surrogate pair, which is not Unicode text")


def _integer(type_: TypeEngine[Any]) -> Send:
    bits = 64 if isinstance(type_, BigInteger) else 16 if isinstance(type_, SmallInteger) else 32
    limit = 2 ** (bits - 1)

    def send(value: object) -> object:
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong("a whole number", value)
        if not -limit <= value < limit:
            raise Refused(f"it is outside of what {bits} bits hold")
        return value

    return send


def _moment(*, aware: bool) -> Send:
    def send(value: object) -> object:
        if not isinstance(value, dt.datetime):
            raise _wrong("a time", value)
        if aware:
            _check_zone(value)
        elif value.tzinfo is not None:
            raise Refused("it must have no time zone")
        return value

    return send


def _with_zone(send: Send) -> Send:
    def send_checked(value: object) -> object:
        done = send(value)
        _check_zone(done)
        return done

    return send_checked


def _check_zone(value: object) -> None:
    if isinstance(value, list | tuple):
        for item in cast("Iterable[object]", value):
            _check_zone(item)
    elif isinstance(value, dt.date) and not has_zone(value):
        raise Refused("it must have a time zone")


def _array(send_item: Send) -> Send:
    def send(value: object) -> object:
        if not isinstance(value, list | tuple):
            raise _wrong("a list", value)
        return [send_item(item) for item in cast("list[object]", value)]

    return send


def _uuid(value: object) -> object:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(cast("str", value))
    except (ValueError, AttributeError, TypeError):
        pass
    raise _wrong("a UUID", value)


def _json(value: object) -> str:
    problem = f"it is not JSON that can be stored ({type(value).__name__})"
    try:
        encoded = _encode(value)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        encoded = None
    if encoded is None:
        raise Refused(problem)
    # NaN and infinity are encoded as null, NUL as \u0000. Looking for them in Python costs many
    # times what encoding costs, so only where there is something to find.
    is_suspect = b"null" in encoded or b"\\u0000" in encoded
    fault = first_fault(value) if is_suspect else None
    if fault is not None:
        place = f" (at {fault.path.lstrip('.')})" if fault.path else ""
        raise Refused(_lower_first(fault.problem) + place)
    return encoded.decode()


def _processed(process: Send | None, members: frozenset[object] | None) -> Send:
    def send(value: object) -> object:
        try:
            done = value if process is None else process(value)
            if members is None or done in members:
                return _text_or_anything(done)
        except (LookupError, ValueError, TypeError, AttributeError):
            pass
        raise Refused("it is not a value of this column")

    return send


def _text_or_anything(value: object) -> object:
    if isinstance(value, str):
        _check_text(value)
    return value


def _of(kinds: type | tuple[type, ...], wanted: str, *but: type) -> Send:
    def send(value: object) -> object:
        if not isinstance(value, kinds) or isinstance(value, but):
            raise _wrong(wanted, value)
        return value

    return send


_PLAIN: dict[type, Send] = {
    bool: _of(bool, "true or false"),
    float: _of((float, int), "a number", bool),
    Decimal: _of((Decimal, int, float), "a number", bool),
    bytes: _of((bytes, bytearray, memoryview), "bytes"),
    dt.date: _of(dt.date, "a date", dt.datetime),
    dt.time: _of(dt.time, "a time of day"),
    dt.timedelta: _of(dt.timedelta, "a duration"),
}


def _wrong(wanted: str, value: object) -> Refused:
    return Refused(f"it must be {wanted}, not {type(value).__name__}")


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
