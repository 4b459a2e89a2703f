"""CREATE TABLE and ADD COLUMN, laid out as drizzle-kit lays them out."""

from collections.abc import Callable

from chatkeep.kit.catalog.catalog import Catalog, default_name
from chatkeep.kit.catalog.constraints import Check, Keyed, PrimaryKey
from chatkeep.kit.catalog.fact import Key, Kind
from chatkeep.kit.catalog.tables import Column, Default, Table
from chatkeep.kit.plan.kinds.columns import COLUMN, identity_words
from chatkeep.kit.plan.kinds.constraints import clause
from chatkeep.kit.plan.kinds.tables import TABLE
from chatkeep.kit.plan.quoting import ident

_SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}

Inline = Callable[[Key], bool]
"""Says whether a default, sequence or constraint is written with its table."""


def create_table(catalog: Catalog, table: Table, inline: Inline) -> list[str]:
    """Give CREATE TABLE with its columns and what is inline, then what it cannot say."""
    children = sorted(catalog.children(table.key), key=lambda fact: fact.key)
    keys = [fact for fact in children if isinstance(fact, PrimaryKey) and inline(fact.key)]
    single = next((fact for fact in keys if _is_single(fact)), None)
    columns = catalog.columns(*table.path)
    lines = [
        column_words(
            catalog, column, inline, primary=single is not None and column.name in single.columns
        )
        for column in columns
    ]
    named = [*keys, *(f for f in children if isinstance(f, Keyed | Check) and f not in keys)]
    lines += [
        f"CONSTRAINT {ident(fact.name)} {clause(fact)}"
        for fact in named
        if inline(fact.key) and fact is not single
    ]
    kind = "UNLOGGED TABLE" if table.unlogged else "TABLE"
    body = "\n\t" + ",\n\t".join(lines) + "\n" if lines else ""
    sql = f"CREATE {kind} {ident(*table.path)} ({body})"
    if table.partition_key:
        sql += f" PARTITION BY {table.partition_key}"
    if table.options:
        sql += f" WITH ({', '.join(table.options)})"
    rest = [text for text in TABLE.create(table) if " SET " not in text]
    return [sql, *rest, *(text for column in columns for text in COLUMN.create(column))]


def _is_single(fact: PrimaryKey) -> bool:
    usual = default_name(fact.table, "", "pkey")
    return len(fact.columns) == 1 and not (fact.include or fact.extra) and fact.name == usual


def add_column(catalog: Catalog, column: Column, inline: Inline) -> list[str]:
    """Give ADD COLUMN, then what it cannot say."""
    words = column_words(catalog, column, inline)
    sql = f"ALTER TABLE {ident(*column.path[:2])} ADD COLUMN {words}"
    return [sql, *COLUMN.create(column)]


def column_words(catalog: Catalog, column: Column, inline: Inline, *, primary: bool = False) -> str:
    """Give the definition of a column."""
    default = catalog.facts.get(Key(Kind.DEFAULT, column.path))
    sequence = catalog.serial_sequence(column)
    serial = sequence is not None and inline(sequence.key)
    parts = [ident(column.name), _SERIALS[column.type] if serial else _short(column.type)]
    parts += [f"COMPRESSION {column.compression}"] if column.compression else []
    parts += [f"COLLATE {column.collation}"] if column.collation else []
    parts += ["PRIMARY KEY"] if primary else []
    if column.generated:
        kept = "STORED" if column.generated.stored else "VIRTUAL"
        parts.append(f"GENERATED ALWAYS AS ({column.generated.expression}) {kept}")
    if column.identity:
        parts.append(identity_words(column, column.identity))
    if isinstance(default, Default) and not serial and inline(default.key):
        parts.append(f"DEFAULT {default.expression}")
    if column.not_null and not column.not_null_form:
        named = column.not_null_name
        parts.append(f"CONSTRAINT {ident(named)} NOT NULL" if named else "NOT NULL")
    return " ".join(parts)


def _short(type_: str) -> str:
    long = "character varying"
    return f"varchar{type_[len(long) :]}" if type_.startswith(long) else type_
