"""Constraints of tables."""

from dataclasses import replace

from chatkeep.kit.catalog.constraints import (
    Check,
    Constraint,
    Exclude,
    ForeignKey,
    Keyed,
    PrimaryKey,
    Unique,
)
from chatkeep.kit.plan.kinds.tables import option_changes
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.writer import Context, Writer


def clause(fact: Constraint) -> str:
    """Give what stands after CONSTRAINT name."""
    if isinstance(fact, Check):
        return f"CHECK {_wrapped(fact.expression)}{fact.extra}"
    if isinstance(fact, Keyed) and not fact.extra:
        kind = "PRIMARY KEY" if isinstance(fact, PrimaryKey) else "UNIQUE"
        nulls = " NULLS NOT DISTINCT" if fact.nulls_not_distinct else ""
        include = f" INCLUDE ({_columns(fact.include)})" if fact.include else ""
        return f"{kind}{nulls}({_columns(fact.columns)}){include}"
    if isinstance(fact, ForeignKey) and not fact.extra:
        target = ident(fact.target_schema, fact.target_table)
        return (
            f"FOREIGN KEY ({_columns(fact.columns)}) "
            f"REFERENCES {target}({_columns(fact.target_columns)}) "
            f"ON DELETE {fact.on_delete} ON UPDATE {fact.on_update}"
        )
    return fact.definition


def _columns(names: tuple[str, ...]) -> str:
    return ",".join(map(ident, names))


def _wrapped(expression: str) -> str:
    return f"({expression})"


def _add(fact: Constraint) -> list[str]:
    only = "ONLY " if fact.partitioned and not isinstance(fact, Check | ForeignKey) else ""
    table = only + ident(*fact.path[:2])
    sql = f"ALTER TABLE {table} ADD CONSTRAINT {ident(fact.name)} {clause(fact)}"
    return [sql, *option_changes(_index(fact), (), fact.options)]


def _index(fact: Constraint) -> str:
    return f"ALTER INDEX {ident(fact.schema, fact.name)}"


def _drop(fact: Constraint) -> str:
    return f"ALTER TABLE {ident(*fact.path[:2])} DROP CONSTRAINT {ident(fact.name)}"


def _alter(before: Constraint, after: Constraint, context: Context) -> list[str] | None:
    """Validate what was NOT VALID, set parameters of the index; anything else is made anew."""
    del context
    if replace(before, options=after.options) == after:
        return option_changes(_index(after), before.options, after.options)
    plain = after.definition
    if before.definition == f"{plain} NOT VALID":
        table = ident(*after.path[:2])
        return [f"ALTER TABLE {table} VALIDATE CONSTRAINT {ident(after.name)}"]
    return None


PRIMARY_KEY = Writer[PrimaryKey](_add, _drop, _alter)
UNIQUE = Writer[Unique](_add, _drop, _alter)
EXCLUDE = Writer[Exclude](_add, _drop, _alter)
CHECK = Writer[Check](_add, _drop, _alter)
FOREIGN_KEY = Writer[ForeignKey](_add, _drop, _alter)
