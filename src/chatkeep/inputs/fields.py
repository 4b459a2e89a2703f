"""Field types that the inputs of both presets share."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError

INT4_MAX = 2**31 - 1
INT8_MAX = 2**63 - 1
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


Id = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Text20 = Annotated[str, StringConstraints(max_length=20)]
Text10 = Annotated[str, StringConstraints(max_length=10)]
Text50 = Annotated[str, StringConstraints(max_length=50)]
Text255 = Annotated[str, StringConstraints(max_length=255)]
Title = Annotated[str, StringConstraints(max_length=500)]
Email = Annotated[str, StringConstraints(max_length=255), AfterValidator(check_email)]
Time = Annotated[AwareDatetime, AfterValidator(check_time)]
Int4 = Annotated[int, Strict(), Field(ge=-INT4_MAX - 1, le=INT4_MAX)]
Int8 = Annotated[int, Strict(), Field(ge=-INT8_MAX - 1, le=INT8_MAX)]
Flag = Annotated[bool, Strict()]
NotNull = AfterValidator(refuse_none)  # on `T | None = None`: may be left out, may not be None
