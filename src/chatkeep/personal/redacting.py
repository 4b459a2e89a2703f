"""Takes id and e-mail out of texts of others that quote them, where the operator says so."""

from dataclasses import dataclass

import asyncpg

from chatkeep.kit.catalog.reader import IGNORED_SCHEMAS
from chatkeep.kit.plan.quoting import ident, literal
from chatkeep.personal.catalog import Column, Table
from chatkeep.personal.person import PATTERN, Person, is_text, names, text_of
from chatkeep.personal.proof import Finding, hit
from chatkeep.personal.references import Registry
from chatkeep.personal.registry import is_like_email, is_like_owner

WORD = "[erased]"

_TEXTUAL = {"json", "jsonb", "_text", "_varchar", "_bpchar", "_citext"}


@dataclass(frozen=True, slots=True)
class Redacted:
    """A column in which something was replaced.

    Attributes:
        rows: In how many rows.
    """

    table: str
    column: str
    rows: int

    def as_json(self) -> dict[str, object]:
        """Give it as what JSON can hold."""
        return {"table": self.table, "column": self.column, "rows": self.rows}


async def redact(
    connection: asyncpg.Connection, registry: Registry, person: Person, findings: list[Finding]
) -> list[Redacted]:
    """Put `[erased]` where id or e-mail stands in a text or JSON.

    Other users' own rows, keys, what refers to another row or to a person, generated and other
    columns stay; the proof names them.
    """
    tables = {table.shown: table for table in registry.tables.values()}
    places = dict.fromkeys((finding.table, finding.column) for finding in findings)
    done: list[Redacted] = []
    for name, column in places:
        table = tables.get(name)  # None where it is a comment's
        if table is None or table is registry.users:
            continue
        if not is_redactable(table, table.columns[column]):
            continue
        sql, arguments = person.bind(_update(table, table.columns[column]))
        rows = rows_of(await connection.execute(sql, *arguments))
        done.append(Redacted(name, column, rows))
    return done


def rows_of(status: str) -> int:
    """Give how many rows a statement touched, from what PostgreSQL answers."""
    return int(status.rpartition(" ")[2])


def is_redactable(table: Table, column: Column) -> bool:
    """Say whether a part of the column's values can be replaced."""
    linked = {name for key in table.keys for name in key.columns}
    return (
        table.kind == "r"
        and table.schema not in IGNORED_SCHEMAS
        and column.name not in table.unique | linked
        and not is_like_email(column.name)  # an account of another program's
        and not is_like_owner(column.name)
        and not column.is_generated
        and (is_text(column) or column.base in _TEXTUAL)
    )


def _update(table: Table, column: Column) -> str:
    value = f"regexp_replace({text_of(column, 't')}, {PATTERN}, {literal(WORD)}, 'gi')"
    if column.length is not None:
        value = f"left({value}, {column.length})"
    new = f"({value})::{column.type}"
    where = f"{names(hit(column))} and {text_of(column, 't')} ~* {PATTERN}"
    if column.base == "jsonb":  # of two keys that become the same only one would be left
        where += f" and {_parts(f't.{ident(column.name)}')} = {_parts(new)}"
    return f"update only {table.sql} t set {ident(column.name)} = {new} where {where}"  # noqa: S608 - names of the catalog


def _parts(value: str) -> str:
    return f"jsonb_array_length(jsonb_path_query_array({value}, 'strict $.**'))"
