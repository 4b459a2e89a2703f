"""The base of every record: cheap to build, typed, JSON with the keys of the TypeScript side."""

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class Record(msgspec.Struct, gc=False):
    """A row as a plain object.

    Built by position, in the order of its table's columns. It is meant to be read: changing a
    record changes nothing in the database. Building one checks nothing; what comes from outside
    goes through the inputs, or through Pydantic, which knows records as field and body types.

    A class that extends one of ours inherits its JSON keys and adds its own in camelCase:

        class AppUser(User):
            home_city: str | None = None
    """

    def to_json(self) -> bytes:
        """Give the record as JSON, with camelCase keys, times in RFC 3339 and bytes in base64."""
        return msgspec.json.encode(self)

    def to_dict(self) -> dict[str, Any]:
        """Give what `to_json` would give as a dictionary of strings, numbers, lists and so on."""
        builtins: dict[str, Any] = msgspec.to_builtins(self)
        return builtins

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: "GetCoreSchemaHandler"
    ) -> "CoreSchema":
        """Let Pydantic and FastAPI give records in responses and take them in bodies.

        FastAPI asks that a body says so: `source: Annotated[Source, Body()]`.
        """
        from chatkeep.records.pydantic_schema import (  # noqa: PLC0415 - Pydantic called: it is loaded
            record_schema,
        )

        return record_schema(cls, source, handler)
