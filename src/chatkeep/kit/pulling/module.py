"""The whole module: enums, tables, and what SQLAlchemy cannot say."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.programs import Function
from chatkeep.kit.catalog.tables import Table
from chatkeep.kit.catalog.types import Enum
from chatkeep.kit.plan.planner import plan
from chatkeep.kit.plan.statement import Statement
from chatkeep.kit.pulling import naming as names
from chatkeep.kit.pulling.division import Division
from chatkeep.kit.pulling.layout import Call, Item, Keyword, block, source, text
from chatkeep.kit.pulling.tables import Naming, TableWriter

_IMPORTS = (
    (r"\bdt\.", "import datetime as dt"),
    (r"\bdecimal\.", "import decimal"),
    (r"\buuid\.", "import uuid"),
    (r"\bAny\b", "from typing import Any"),
)


@dataclass(frozen=True, slots=True)
class Extras:
    """SQL that goes with the tables.

    Attributes:
        before: What the tables need.
        after: What they do not say.
    """

    before: Sequence[Statement] = ()
    after: Sequence[Statement] = ()


def before_tables(catalog: Catalog, division: Division) -> list[Statement]:
    """Give the statements that make what the tables need, in order."""
    schemas = {key for key in division.tables if key.kind is Kind.SCHEMA}
    start = _part(catalog, schemas)
    goal = _part(catalog, schemas | division.before)
    statements = plan(start, goal)
    said = any(statement.kind == "setting" for statement in statements)
    return [_bodies_later(), *statements] if goal.of(Function) and not said else statements


def _bodies_later() -> Statement:
    """Let a function speak of tables that come after it."""
    sql = "SELECT set_config('check_function_bodies', 'off', true)"
    return Statement(sql, "setting", "check_function_bodies")


def _part(catalog: Catalog, keys: Iterable[Key]) -> Catalog:
    kept = frozenset(keys)
    facts = {key: fact for key, fact in catalog.facts.items() if key in kept}
    depends = {key: catalog.depends.get(key, frozenset()) & kept for key in facts}
    return Catalog(catalog.version, facts, depends)


def module_source(
    catalog: Catalog,
    division: Division,
    extras: Extras,
    *,
    title: str,
    prefixes: Sequence[str] = (),
) -> str:
    """Give the source of a module whose `schema` makes the database.

    Args:
        catalog: The facts of the database.
        division: Which of them the tables say.
        extras: The rest, as statements.
        title: The first line of its docstring.
        prefixes: Of tables; left out of the names of variables. One that all tables have is the
            schema's own.
    """
    naming = _naming(catalog, division, prefixes)
    writer = TableWriter(catalog, division, naming)
    tables = [table for table in catalog.of(Table) if table.key in division.tables]
    enums = [enum for enum in catalog.of(Enum) if enum.path in naming.enums]
    body = ["metadata = sa.MetaData()"]
    body += [_enum(enum, naming, own=enum.key in division.tables) for enum in enums]
    parts = ["\n\n".join(body) if len(body) == 1 else f"{body[0]}\n\n" + "\n".join(body[1:])]
    parts += [writer.write(table) for table in tables]
    common = [p for p in prefixes if tables and all(t.name.startswith(p) for t in tables)]
    declared = _declared(extras, common[0] if common else "")
    text_ = "\n\n\n".join(parts)
    text_ += f"\n\n{declared}"
    return f'"""{title}"""\n\n{_imports(text_)}\n\n{text_}\n'


def _naming(catalog: Catalog, division: Division, prefixes: Sequence[str]) -> Naming:
    variables = names.variables()
    tables: dict[tuple[str, ...], str] = {}
    classes: dict[tuple[str, ...], str] = {}
    columns: dict[tuple[str, ...], str] = {}
    for table in catalog.of(Table):
        if table.key not in division.tables:
            continue
        short = _short(table.name, prefixes)
        full = names.identifier(f"{table.schema}_{short}")
        name = variables.take(short, *([full] if table.schema != "public" else []))
        tables[table.path] = name
        classes[table.path] = names.class_name(name)
        attributes = names.columns()
        for column in catalog.columns(*table.path):
            columns[column.path] = attributes.take(column.name)
    used = {
        column.user_type
        for table in tables
        for column in catalog.columns(table[0], table[1])
        if column.user_type
    }
    enums: dict[tuple[str, ...], str] = {}
    for enum in catalog.of(Enum):
        if enum.key in division.tables or (enum.path in used and enum.labels):
            short = _short(enum.name, prefixes)
            enums[enum.path] = variables.take(short, f"{names.identifier(short).rstrip('_')}_type")
    return Naming(tables, classes, columns, enums)


def _short(name: str, prefixes: Sequence[str]) -> str:
    prefix = next((p for p in prefixes if name.startswith(p) and name != p), "")
    return name.removeprefix(prefix)


def _enum(enum: Enum, naming: Naming, *, own: bool) -> str:
    items: list[Item] = [*map(text, enum.labels), Keyword("name", text(enum.name))]
    if enum.schema != "public":
        items.append(Keyword("schema", text(enum.schema)))
    items.append(Keyword("metadata", "metadata") if own else Keyword("create_type", "False"))
    return source(Call("pg.ENUM", tuple(items)), before=f"{naming.enums[enum.path]} = ")


def _declared(extras: Extras, prefix: str) -> str:
    calls = [_extra(s, before=True) for s in extras.before]
    calls += [_extra(s, before=False) for s in extras.after]
    items: list[Item] = ["metadata"]
    if calls:
        items.append(Call("", tuple(calls), open=True))
    if prefix:
        items.append(Keyword("prefix", text(prefix)))
    return source(Call("Declared", tuple(items)), before="schema = ")


def _extra(statement: Statement, *, before: bool) -> Call:
    items: list[Item] = [text(statement.kind), text(statement.object), block(statement.sql)]
    if before:
        items.append(Keyword("before_tables", "True"))
    return Call("Extra", tuple(items))


def _imports(body: str) -> str:
    code = re.sub(
        r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', "", body
    )
    standard = [line for pattern, line in _IMPORTS if re.search(pattern, code)]
    own = [n for n in ("Declared", "Extra", "PgType") if re.search(rf"\b{n}\(", code)]
    others = ["import sqlalchemy as sa", f"from chatkeep.kit.declared import {', '.join(own)}"]
    if re.search(r"\bpg\.", code):
        others.append("from sqlalchemy.dialects import postgresql as pg")
    blocks = [standard, others]
    return "\n\n".join("\n".join(lines) for lines in blocks if lines)
