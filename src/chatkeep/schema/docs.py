"""Tables as a Markdown page: what `chatkeep schema docs` prints."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import MetaData

from chatkeep.schema.conventions import RULES
from chatkeep.schema.facts import ColumnFacts, TableFacts, describe
from chatkeep.schema.schema import Schema


def schema_docs(schema: Schema[Any, Any, Any, Any] | MetaData, title: str = "Schema") -> str:
    """Give the whole page: diagram, tables, conventions."""
    return f"# {title}\n\n{tables_docs(schema)}\n## Conventions\n\n{conventions_docs()}"


def tables_docs(schema: Schema[Any, Any, Any, Any] | MetaData, heading: str = "##") -> str:
    """Give the diagram and the tables.

    Args:
        schema: What to describe.
        heading: How a heading begins.
    """
    metadata = schema.metadata if isinstance(schema, Schema) else schema
    tables = describe(metadata)
    parts = [f"{heading} Diagram\n", er_diagram(tables)]
    parts += [_table(table, heading) for table in tables]
    if isinstance(schema, Schema) and schema.extras:
        rows = [[f"`{extra.name}`", extra.kind] for extra in schema.extras]
        are_programs = {extra.kind for extra in schema.extras} <= {
            "function",
            "trigger",
            "extension",
        }
        what = "Functions and triggers" if are_programs else "Beside the tables"
        parts.append(f"{heading} {what}\n\n{_grid(['Name', 'Kind'], rows)}")
    return "\n".join(parts)


def conventions_docs() -> str:
    """Give the conventions that `chatkeep check` asks for, as a table."""
    return _grid(["Rule", "What it asks"], [[f"`{rule}`", text] for rule, text in RULES.items()])


def er_diagram(tables: Sequence[TableFacts]) -> str:
    """Draw the tables and their references in Mermaid."""
    lines = ["```mermaid", "erDiagram"]
    for table in tables:
        for other, once in table.relations:
            arrow = "||--o|" if once else "||--o{"
            lines.append(f'    "{other}" {arrow} "{table.name}" : has')
    for table in tables:
        lines.append(f'    "{table.name}" {{')
        lines += [
            f"        {_word(column.type)} {column.name}{_key(column)}" for column in table.columns
        ]
        lines.append("    }")
    return "\n".join([*lines, "```"]) + "\n"


def _word(type_text: str) -> str:
    # Mermaid takes a type of one word; brackets may follow it.
    short = type_text.replace(" with time zone", "tz").replace(" without time zone", "")
    return re.sub(r"[^A-Za-z0-9_()\[\]-]", "_", short)


def _key(column: ColumnFacts) -> str:
    keys = [
        *(["PK"] if column.primary_key else []),
        *(["FK"] if column.foreign_key else []),
    ]
    return f" {', '.join(keys)}" if keys else ""


def _table(table: TableFacts, heading: str) -> str:
    note = " Rows are only added and deleted, never changed." if table.append_only else ""
    columns = [
        [
            f"`{column.name}`",
            column.type,
            "yes" if column.nullable else "no",
            f"`{column.default}`" if column.default else "",
        ]
        for column in table.columns
    ]
    rules = [[f"`{name}`", f"`{text}`"] for name, text in table.constraints]
    indexes = [[f"`{name}`", f"`{text}`"] for name, text in table.indexes]
    parts = [
        f"{heading} `{table.name}`\n",
        f"{table.summary}{note}\n" if table.summary or note else "",
        _grid(["Column", "Type", "Null", "Default"], columns),
        _grid(["Constraint", "Definition"], rules),
        _grid(["Index", "Columns"], indexes) if indexes else "",
    ]
    return "\n".join(part for part in parts if part)


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"

    return line(head) + "|" + "---|" * len(head) + "\n" + "".join(line(row) for row in rows)


def differences(before: MetaData, after: MetaData) -> str:
    """Say as a table what `after` has instead of `before`, for tables of the same names."""
    old = {table.name: table for table in describe(before)}
    rows: list[list[str]] = []
    for table in describe(after):
        if table.name in old:
            rows += [[f"`{table.name}`", *row] for row in _changes(old[table.name], table)]
    return _grid(["Table", "What", "Seed", "Hardened"], rows)


def _changes(old: TableFacts, new: TableFacts) -> list[list[str]]:
    pairs = [
        (
            {c.name: _column_text(c) for c in old.columns},
            {c.name: _column_text(c) for c in new.columns},
        ),
        (dict(old.constraints), dict(new.constraints)),
        (dict(old.indexes), dict(new.indexes)),
    ]
    rows: list[list[str]] = []
    for before, after in pairs:
        for name in dict.fromkeys([*before, *after]):
            was, now = before.get(name, ""), after.get(name, "")
            if was != now:
                rows.append([f"`{name}`", f"`{was}`" if was else "", f"`{now}`" if now else ""])
    return rows


def _column_text(column: ColumnFacts) -> str:
    null = "" if column.nullable else " not null"
    default = f" default {column.default}" if column.default else ""
    return f"{column.type}{null}{default}"
