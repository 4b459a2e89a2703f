"""How a value comes to the browser: as PostgreSQL's text, cut where it is long, masked where secret."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from chatkeep.studio.rows.catalog import Field

CELL_CHARACTERS = 2048
"""Most characters of a cell in a page."""
_ANSWER_CHARACTERS = 8 * 2**20
_SHORT = frozenset({"boolean", "time", "uuid", "enum"})
_SHORT_BASES = frozenset({"int2", "int4", "int8", "float4", "float8", "oid", "money"})

Cell = str | None | dict[str, Any]


def budget(rows: int, columns: int) -> int:
    """Give how many characters a cell may have, so that a whole page stays bounded."""
    return max(16, min(CELL_CHARACTERS, _ANSWER_CHARACTERS // max(1, rows * columns)))


def expressions(field: Field, source: str, most: int) -> str:
    """Give two expressions: the cell's text, and the bytes of the whole where it was cut.

    Args:
        field: The column.
        source: What stands for it in the statement.
        most: Characters of a cell.
    """
    if field.secret:
        return f"case when {source} is not null then '' end, null::int8"
    if field.category in _SHORT or field.base in _SHORT_BASES:
        return f"{source}::text, null::int8"
    if field.category == "bytes":
        size = f"octet_length({source})"
        short = f"'\\x' || encode(substr({source}, 1, {most // 2}), 'hex')"
        return f"{short}, case when {size} > {most // 2} then {size}::int8 end"
    text = f"{source}::text"
    is_long = f"case when octet_length({text}) > {most} then char_length({text}) > {most} end"
    return f"left({text}, {most}), case when {is_long} then octet_length({text})::int8 end"


def shaped(fields: Sequence[Field], row: asyncpg.Record) -> list[Cell]:
    """Make cells of a row that begins with the expressions of these columns."""
    return [_cell(field, row[2 * n], row[2 * n + 1]) for n, field in enumerate(fields)]


def _cell(field: Field, text: str | None, size: int | None) -> Cell:
    if text is None:
        return None
    if field.secret:
        return {"secret": True}
    return text if size is None else {"text": text, "bytes": size}
