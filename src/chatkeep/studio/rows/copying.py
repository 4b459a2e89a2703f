"""Rows as text for a clipboard: CSV, JSON, or the INSERTs that would store them again."""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import asyncpg
import msgspec

from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.studio.refusing import TooMuchError
from chatkeep.studio.rows.asking import Condition, Sort
from chatkeep.studio.rows.binding import Binder, fit_key, key_of
from chatkeep.studio.rows.catalog import Field, Relation
from chatkeep.studio.rows.cells import expressions
from chatkeep.studio.rows.paging import Pages

MOST_ROWS = 10_000
MOST_KEYS = 1000
_MOST_CHARACTERS = 16 * 2**20
_MOST_CELL = 2**20
_AT_ONCE = 20  # rows that are fetched in one go: each may be large
_MASK = "[secret]"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-]?[0-9]+)?")
_NEVER_FORMULA = frozenset({"number", "time", "boolean", "uuid", "bytes"})


class CopyAsked(msgspec.Struct, forbid_unknown_fields=True):
    """What to copy: rows by their keys, or what a sort and a filter give."""

    format: Literal["csv", "json", "sql"]
    columns: list[str] | None = None
    keys: list[list[str]] | None = None
    sort: Sort = []
    filter: list[Condition] = []
    q: str = ""
    scan: bool = False
    guard: bool = True


async def copied(
    connection: asyncpg.Connection,
    relation: Relation,
    pages: Pages,
    fields: Sequence[Field],
    wanted: CopyAsked,
) -> dict[str, Any]:
    """Read rows whole and write them down.

    Args:
        connection: Inside a transaction, settled.
        relation: The table.
        pages: What the sort and filter give.
        fields: The columns.
        wanted: The format, and the keys where rows were selected.

    Raises:
        TooMuchError: A cell is larger than 1 MiB, or more than 1,000 keys are given.
        InvalidInputError: A key is none of this table.
    """
    bind = Binder()
    condition: list[str] = []
    if wanted.keys is not None:
        if len(wanted.keys) > MOST_KEYS:
            raise TooMuchError(f"At most {MOST_KEYS:,} selected rows are copied at once.")
        for key in wanted.keys:
            await fit_key(connection, relation, key)
        parts = [f"({key_of(relation, key, bind)})" for key in wanted.keys]
        condition = ["(" + (" or ".join(parts) or "false") + ")"]
    shown = ", ".join(expressions(f, f"s.c{n}", _MOST_CELL) for n, f in enumerate(fields)) or "1"
    lying = pages.lying(condition, bind, MOST_ROWS + 1)
    statement = f"select {shown} from ({lying}) s"  # noqa: S608 - quoted names
    rows: list[list[str | None]] = []
    size = 0
    more = False
    async for record in connection.cursor(statement, *bind.values, prefetch=_AT_ONCE):
        row = [_whole(relation, field, record, n) for n, field in enumerate(fields)]
        size += sum(len(cell or "") for cell in row)
        if len(rows) == MOST_ROWS or size > _MOST_CHARACTERS:
            more = True
            break
        rows.append(row)
    guarded = 0
    if wanted.format == "csv":
        text, guarded = _csv(fields, rows, guard=wanted.guard)
    else:
        text = (_json if wanted.format == "json" else _sql)(relation, fields, rows)
    secret = [field.name for field in fields if field.secret]
    return {"text": text, "rows": len(rows), "more": more, "guarded": guarded, "secret": secret}


def _whole(relation: Relation, field: Field, record: asyncpg.Record, number: int) -> str | None:
    text, size = record[2 * number], record[2 * number + 1]
    if size is not None:
        raise TooMuchError(
            f"A cell of {field.name} in {relation.shown} is larger than 1 MiB, so it is not copied.",
            hint="Copy without this column.",
        )
    return _MASK if field.secret and text is not None else text


def _csv(
    fields: Sequence[Field], rows: Iterable[Sequence[str | None]], *, guard: bool
) -> tuple[str, int]:
    """Write RFC 4180: NULL is empty, an empty text is two quotes."""
    guarded = 0

    def safe(text: str) -> str:
        nonlocal guarded
        if guard and text.startswith(_FORMULA):
            guarded += 1
            return "'" + text
        return text

    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow([safe(field.name) for field in fields])
    for row in rows:
        cells = [
            cell if cell is None or field.category in _NEVER_FORMULA else safe(cell)
            for field, cell in zip(fields, row, strict=True)
        ]
        if len(cells) == 1 or "" in cells:  # the writer leaves an empty text bare, as it does None
            quoted = [_quoted(cell) for cell in cells]
            out.write(",".join(quoted) + "\r\n")
        else:
            writer.writerow(cells)
    return out.getvalue(), guarded


def _quoted(cell: str | None) -> str:
    if cell is None:
        return ""
    if cell and not any(sign in cell for sign in ',"\r\n'):
        return cell
    return '"' + cell.replace('"', '""') + '"'


def _json(
    _relation: Relation, fields: Sequence[Field], rows: Iterable[Sequence[str | None]]
) -> str:
    """Write a list of objects; numbers keep every digit, JSON stays JSON."""
    lines = [
        "  {"
        + ", ".join(
            f"{_text(field.name)}: {_value(field, cell)}"
            for field, cell in zip(fields, row, strict=True)
        )
        + "}"
        for row in rows
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n"


def _value(field: Field, cell: str | None) -> str:
    if cell is None:
        return "null"
    if field.secret:
        return _text(cell)
    if field.category in {"boolean", "json"}:
        return cell
    if field.category == "number" and field.base != "money" and _NUMBER.fullmatch(cell):
        return cell
    return _text(cell)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _sql(relation: Relation, fields: Sequence[Field], rows: Iterable[Sequence[str | None]]) -> str:
    """Write one INSERT a row, as psql takes it; what the table makes by itself is left out."""
    kept = [n for n, f in enumerate(fields) if not f.secret and not f.generated]
    secret = [field.name for field in fields if field.secret]
    columns = ", ".join(ident(fields[n].name) for n in kept)
    always = any(fields[n].identity == "always" for n in kept)
    overriding = " OVERRIDING SYSTEM VALUE" if always else ""
    lines = [f"-- left out, secret: {', '.join(json.dumps(name) for name in secret)}"] * bool(
        secret
    )
    for row in rows:
        values = ", ".join("NULL" if (c := row[n]) is None else literal(c) for n in kept)
        what = f"({columns}){overriding} VALUES ({values})" if kept else "DEFAULT VALUES"
        lines.append(f"INSERT INTO {relation.sql} {what};")
    return "\n".join(lines) + "\n"
