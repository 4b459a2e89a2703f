"""Field types that the inputs of both presets share."""

import re
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    Strict,
    StringConstraints,
)
from pydantic_core import PydanticCustomError

from chatkeep.inputs.text import MAX_ID

INT4_MAX = 2**31 - 1
INT8_MAX = 2**63 - 1
_NUMBER = re.compile(r"\s*[-+]?[\d_.]+(?:[eE][-+]?\d+)?\s*")
SAFE_INTEGER = 2**53 - 1  # the greatest whole number that JavaScript reads exactly


def check_email(value: str) -> str:
    """Refuse what cannot be an address: one @, something on both sides, no spaces.

    Nothing more is checked, and nothing is changed: whether an address exists only a message to
    it can tell. Letter case is kept; the database compares without it.
    """
    name, at, domain = value.partition("@")
    blank = any(letter.isspace() or ord(letter) < 32 or ord(letter) == 127 for letter in value)
    if not at or not name or not domain or "@" in domain or blank:
        raise PydanticCustomError(
            "email", "An e-mail address has one @ with text on both sides, and no spaces"
        )
    return value


def check_web_url(value: str) -> str:
    """Refuse what is not an http or https URL with a host. The text itself is kept."""
    problem = PydanticCustomError("url", "A URL starts with http:// or https:// and has a host")
    try:
        parts = urlsplit(value)
        host = parts.hostname
    except ValueError as exc:
        raise problem from exc
    blank = any(letter.isspace() or ord(letter) < 32 for letter in value)
    if parts.scheme not in {"http", "https"} or not host or blank:
        raise problem
    return value


def refuse_numbers(value: object) -> object:
    """Refuse a number as a time: whether it counts seconds or milliseconds would be a guess."""
    if isinstance(value, datetime) or (isinstance(value, str) and not _NUMBER.fullmatch(value)):
        return value
    raise PydanticCustomError("time", "A time is a datetime with a zone, or a text in ISO 8601")


def check_time(value: datetime) -> datetime:
    """Refuse a time that leaves the years 1 to 9999 when it is told in UTC."""
    try:
        value.astimezone(UTC)
    except OverflowError as exc:
        raise PydanticCustomError("time", "A time must lie in the years 1 to 9999 UTC") from exc
    return value


def refuse_none(value: object) -> object:
    """Refuse None where it was given, not where the field was left out."""
    if value is None:
        raise PydanticCustomError("null", "The column cannot be NULL; leave the field out instead")
    return value


# Strict, since Pydantic would decode bytes.
Text = Annotated[str, Strict()]
Id = Annotated[Text, StringConstraints(min_length=1, max_length=MAX_ID)]
Text20 = Annotated[Text, StringConstraints(max_length=20)]
Text10 = Annotated[Text, StringConstraints(max_length=10)]
Text50 = Annotated[Text, StringConstraints(max_length=50)]
Text255 = Annotated[Text, StringConstraints(max_length=255)]
Title = Annotated[Text, StringConstraints(max_length=500)]
Email = Annotated[Text, StringConstraints(max_length=255), AfterValidator(check_email)]
Time = Annotated[AwareDatetime, BeforeValidator(refuse_numbers), AfterValidator(check_time)]
Int4 = Annotated[int, Strict(), Field(ge=-INT4_MAX - 1, le=INT4_MAX)]
Int8 = Annotated[int, Strict(), Field(ge=-INT8_MAX - 1, le=INT8_MAX)]
Flag = Annotated[bool, Strict()]
NotNull = AfterValidator(refuse_none)  # on `T | None = None`: may be left out, may not be None
