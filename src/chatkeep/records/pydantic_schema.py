"""How Pydantic sees a record. Only Pydantic's own call to the hook of `Record` loads this file."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

    from chatkeep.records.base import Record


def record_schema(
    cls: "type[Record]", source: type[Any], handler: "GetCoreSchemaHandler"
) -> core_schema.CoreSchema:
    """Describe a record as an object with its JSON keys; unknown keys are refused.

    Validation gives a new record, also from a record: building one checked nothing. Serialisation
    gives what `Record.to_dict` gives, in both of Pydantic's modes.
    """
    fields = msgspec.structs.fields(source)
    keys = {field.encode_name: field.name for field in fields}
    shape = core_schema.typed_dict_schema(
        {
            field.encode_name: core_schema.typed_dict_field(
                handler.generate_schema(field.type), required=field.required
            )
            for field in fields
        },
        cls_name=cls.__name__,
        extra_behavior="forbid",
    )

    def json_schema(_: object, give: Callable[[core_schema.CoreSchema], Any]) -> Any:  # noqa: ANN401 - Pydantic's dictionary
        return give(shape)

    return core_schema.no_info_before_validator_function(
        _opener(cls, keys),
        core_schema.no_info_after_validator_function(_builder(cls, keys), shape),
        serialization=core_schema.plain_serializer_function_ser_schema(msgspec.to_builtins),
        metadata={"pydantic_js_functions": [json_schema]},
        # The name under which OpenAPI lists it; the id keeps two classes of one name apart.
        ref=f"{cls.__module__}.{cls.__qualname__}:{id(source)}",
    )


def _opener(cls: "type[Record]", keys: Mapping[str, str]) -> Callable[[object], object]:
    def open_record(value: object) -> object:
        """Take a record apart, so that its fields are checked like those of a dictionary."""
        if not isinstance(value, cls):
            return value
        return {key: getattr(value, name) for key, name in keys.items()}

    return open_record


def _builder(cls: "type[Record]", keys: Mapping[str, str]) -> "Callable[[dict[str, Any]], Record]":
    def build(values: dict[str, Any]) -> "Record":
        return cls(**{keys[key]: value for key, value in values.items()})

    return build
