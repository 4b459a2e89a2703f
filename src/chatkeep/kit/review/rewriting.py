"""Findings about tables and indexes that a statement writes anew."""

from collections.abc import Iterator

from chatkeep.kit.review import modes
from chatkeep.kit.review.draft import Desk, Draft
from chatkeep.kit.review.shape import Column
from chatkeep.kit.review.trace import Step


def rewrite_findings(desk: Desk, step: Step) -> Iterator[Draft]:
    """Tell which tables and indexes are written anew, and what for."""
    if step.truncates:
        return  # its rows go: that is another rule's matter
    for table in sorted(step.rewritten):
        yield _rewritten(desk, step, table)
    old = [step.before.relations[oid] for oid in sorted(step.difference.rewritten)]
    for index in [*old, *step.difference.rebuilt]:
        if not index.table or index.table in step.rewritten or index.table not in step.existing:
            continue
        if step.lock_on(index.table) < modes.SHARE or index.kind == "I":
            continue
        table = step.before.name(index.table)
        message = f"Inserts, updates and deletes of {table} wait while {index.name} is built anew."
        place = f"{table}: {index.name}"
        yield desk.about("index-rebuild-locks", step, place, message, table=index.table)


def _rewritten(desk: Desk, step: Step, table: int) -> Draft:
    name = step.before.name(table)
    waits = f"All reads and writes of {name} wait (ACCESS EXCLUSIVE) while"
    if step.before.relations[table].kind == "m":
        message = f"{waits} the view's query runs and its rows are written."
        return desk.about("view-refresh-locks", step, name, message, table=table)
    retyped = [new for _, new in step.difference.retyped if new.table == table]
    if retyped:
        place = f"{name}.{retyped[0].name}"
        message = f"{waits} each row and each index is written anew for the new type."
        return desk.about("column-type-rewrites", step, place, message, table=table)
    added = [c for c in step.difference.added_columns if c.table == table and _needs_values(c)]
    if added:
        message = f"{waits} each row is written anew with {_why(added[0])}."
        place = f"{name}.{added[0].name}"
        return desk.about("added-column-rewrites", step, place, message, table=table)
    message = f"{waits} each row and each index is written anew."
    return desk.about("table-rewrite", step, name, message, table=table)


def _needs_values(column: Column) -> bool:
    return column.has_default or bool(column.identity) or column.generated == "s"


def _why(column: Column) -> str:
    if column.identity:
        return "a number of the new identity"
    if column.generated:
        return "its stored generated value"
    return "a default that differs from row to row"
