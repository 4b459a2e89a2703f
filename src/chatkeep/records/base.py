"""The base of every record: cheap to build, typed, JSON with the keys of the TypeScript side."""

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class _Hidden:
    """Stands for a secret in a repr."""

    def __repr__(self) -> str:
        return "<hidden>"


_HIDDEN = _Hidden()


class Record(msgspec.Struct, gc=False):
    """A row as a plain object.

    Built by position, in the order of its table's columns. It is meant to be read: changing a
    record changes nothing in the database. Building one checks nothing; what comes from outside
    goes through the inputs, or through Pydantic, which knows records as field and body types.

    A class that extends one of ours inherits its JSON keys and adds its own in camelCase:

        class AppUser(User):
            home_city: str | None = None

    Fields named in `_secrets` do not stand in its repr, which ends in logs; they do in its JSON.
    """

    _secrets: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({fields})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Give the fields for people, also to `rich`."""
        given = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [
            (name, _HIDDEN if name in self._secrets and value is not None else value)
            for name, value in given
        ]

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
