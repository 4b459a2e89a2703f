"""Answers of all peers brought into one form, to be compared.

Times become whole milliseconds since 1970, since that is what JavaScript keeps.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def value(found: object) -> object:
    """Bring one value into the common form."""
    if isinstance(found, datetime):
        return (found - _EPOCH) // timedelta(milliseconds=1)
    if found is None or isinstance(found, bool | int | str):
        return found
    raise TypeError(f"no common form for {type(found).__name__}")


def row(
    columns: Iterable[str], found: object, names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Bring a row, a record or a model into the common form.

    Args:
        columns: Which columns.
        found: A mapping (or what has `keys` as one), or an object with attributes.
        names: What this peer calls a column where it is not the column's name.
    """
    known = names or {}
    plain: dict[str, Any] = {}
    for column in columns:
        name = known.get(column, column)
        given = found[name] if hasattr(found, "keys") else getattr(found, name)
        if column in {"sources", "metadata"}:
            plain[column] = json.loads(given) if isinstance(given, str) else given
        else:
            plain[column] = value(given)
    return plain
