"""TypeScript types of JSON values, from the shapes that Python decodes them into."""

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args, get_origin

import msgspec

from chatkeep.kit.drizzle.text import is_identifier, literal

_PLAIN = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}
_Schema = Mapping[str, Any]


def typescript_of(shape: Any) -> str | None:  # noqa: ANN401 - any type form
    """Give the TypeScript type of a shape's JSON; None where it may be anything.

    Args:
        shape: A type that msgspec knows, such as `list[Source]`.
    """
    try:
        schema = msgspec.json.schema(shape)
    except TypeError:
        return None  # `object`, and types that msgspec has no schema of
    found = _Writer(cast("Mapping[str, _Schema]", schema.get("$defs", {}))).write(schema)
    return None if found == "unknown" else found


def words_of(annotation: Any) -> str | None:  # noqa: ANN401 - the same
    """Give the union of a `Literal` of texts; None for anything else."""
    words = get_args(annotation) if get_origin(annotation) is Literal else ()
    texts = [word for word in words if isinstance(word, str)]
    return (
        " | ".join(literal(text) for text in texts) if texts and len(texts) == len(words) else None
    )


class _Writer:
    """Writes one schema, each definition in its place; one that holds itself ends as `unknown`."""

    def __init__(self, definitions: Mapping[str, _Schema]) -> None:
        self._definitions = definitions
        self._open: list[str] = []

    def write(self, schema: _Schema) -> str:
        if "$ref" in schema:
            return self._definition(str(schema["$ref"]).rsplit("/", 1)[-1])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return " | ".join(dict.fromkeys(self.write(part) for part in schema[key]))
        if "enum" in schema or "const" in schema:
            values = schema.get("enum", [schema.get("const")])
            return " | ".join(msgspec.json.encode(value).decode() for value in values)
        kind = schema.get("type")
        if kind == "array":
            return self._array(schema)
        if kind == "object":
            return self._object(schema)
        return _PLAIN.get(str(kind), "unknown")

    def _definition(self, name: str) -> str:
        if name in self._open:
            return "unknown"
        self._open.append(name)
        try:
            return self.write(self._definitions[name])
        finally:
            self._open.pop()

    def _array(self, schema: _Schema) -> str:
        if "prefixItems" in schema:
            return f"[{', '.join(self.write(item) for item in schema['prefixItems'])}]"
        items = schema.get("items")
        inner = self.write(cast("_Schema", items)) if isinstance(items, Mapping) else "unknown"
        return f"({inner})[]" if " | " in inner else f"{inner}[]"

    def _object(self, schema: _Schema) -> str:
        properties = cast("Mapping[str, _Schema]", schema.get("properties", {}))
        required = cast("list[str]", schema.get("required", []))
        if not properties:
            more = schema.get("additionalProperties")
            inner = self.write(cast("_Schema", more)) if isinstance(more, Mapping) else "unknown"
            return f"Record<string, {inner}>"
        members = [
            f"{name if is_identifier(name) else literal(name)}{'' if name in required else '?'}: "
            f"{self.write(part)}"
            for name, part in properties.items()
        ]
        return "{ " + "; ".join(members) + " }"
