"""Column types that SQLAlchemy does not have."""

from typing import Any, TypeVar

import msgspec
from sqlalchemy import JSON, Dialect, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

T = TypeVar("T")


class Json(TypeDecorator[T]):
    """A jsonb column whose values have a shape: `Json(list[Source])`.

    Reads into that shape and writes records with their JSON keys, also through an engine of
    SQLAlchemy's own. `shape` tells other readers of the column what to decode into.
    """

    impl = JSONB
    cache_ok = True

    def __init__(self, shape: Any, *, binary: bool = True) -> None:  # noqa: ANN401 - any type form
        # binary=False is the seeds' json, which keeps the text as it came.
        super().__init__(none_as_null=True)
        self.shape = shape
        self.binary = binary

    def load_dialect_impl(self, dialect: Dialect) -> Any:  # noqa: ANN401 - SQLAlchemy's signature
        """Give jsonb, or json for the seed edition."""
        kind = JSONB if self.binary else JSON
        return dialect.type_descriptor(kind(none_as_null=True))

    def process_bind_param(self, value: T | None, dialect: Dialect) -> Any:  # noqa: ANN401, ARG002 - the same
        """Make strings, numbers, lists and dictionaries of records."""
        return None if value is None else msgspec.to_builtins(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> T | None:  # noqa: ANN401, ARG002 - the same
        """Make records of dictionaries."""
        if value is None:
            return None
        shaped: T = msgspec.convert(value, self.shape)
        return shaped
