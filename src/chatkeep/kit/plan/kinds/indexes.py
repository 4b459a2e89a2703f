"""Indexes and extended statistics."""

from collections.abc import Iterable

from chatkeep.kit.catalog.indexes import Index, IndexColumn, Statistics
from chatkeep.kit.plan.kinds.tables import option_changes
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.plan.writer import Context, Writer, replaced


def _key(column: IndexColumn) -> str:
    text = ident(column.column) if column.column else column.expression
    if column.collation:
        text += f" COLLATE {column.collation}"
    if column.operator_class:
        text += f" {column.operator_class}"
    if column.descending:
        return text + (" DESC" if column.nulls_first else " DESC NULLS LAST")
    return text + (" NULLS FIRST" if column.nulls_first else "")


def _create(fact: Index) -> list[str]:
    unique = "UNIQUE " if fact.unique else ""
    keys = ",".join(map(_key, fact.columns))
    only = "ONLY " if fact.partitioned else ""
    sql = f"CREATE {unique}INDEX {ident(fact.name)} ON {only}{ident(fact.schema, fact.relation)}"
    sql += f" USING {fact.method} ({keys})"
    if fact.include:
        sql += f" INCLUDE ({','.join(map(ident, fact.include))})"
    if fact.nulls_not_distinct:
        sql += " NULLS NOT DISTINCT"
    if fact.options:
        sql += f" WITH ({', '.join(fact.options)})"
    sql += f" WHERE {fact.where}" if fact.where else ""
    return [sql, *_targets(fact, fact.statistics)]


def _targets(fact: Index, targets: Iterable[tuple[int, int]]) -> list[str]:
    head = f"ALTER INDEX {ident(*fact.path)} ALTER COLUMN"
    return [f"{head} {number} SET STATISTICS {target}" for number, target in targets]


def _alter(before: Index, after: Index, context: Context) -> list[str] | None:
    """Change storage parameters in place; anything else is made anew."""
    del context
    if _create(before)[0].replace(_with(before), "") != _create(after)[0].replace(_with(after), ""):
        return None
    head, old = f"ALTER INDEX {ident(*after.path)}", dict(before.statistics)
    out = option_changes(head, before.options, after.options)
    new = {**dict.fromkeys(old, -1), **dict(after.statistics)}
    return out + _targets(after, [(n, t) for n, t in new.items() if old.get(n, -1) != t])


def _with(fact: Index) -> str:
    return f" WITH ({', '.join(fact.options)})" if fact.options else "\0"


def _statistics(fact: Statistics) -> list[str]:
    return [fact.definition, *(_target(fact) if fact.target is not None else [])]


def _target(fact: Statistics) -> list[str]:
    target = -1 if fact.target is None else fact.target
    return [f"ALTER STATISTICS {ident(*fact.path)} SET STATISTICS {target}"]


def _alter_statistics(before: Statistics, after: Statistics, context: Context) -> list[str] | None:
    if (before.kinds, before.items) != (after.kinds, after.items):
        return replaced(before, after, context)
    return _target(after)


INDEX = Writer[Index](_create, lambda f: f"DROP INDEX {ident(*f.path)}", _alter)
STATISTICS = Writer[Statistics](
    _statistics, lambda f: f"DROP STATISTICS {ident(*f.path)}", _alter_statistics
)
