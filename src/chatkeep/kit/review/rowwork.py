"""Findings about statements that change or take away rows."""

from collections.abc import Iterator

from chatkeep.kit.review.draft import Desk, Draft
from chatkeep.kit.review.trace import Step

_CHANGING = {"UPDATE", "DELETE", "MERGE"}


def row_findings(desk: Desk) -> Iterator[Draft]:
    """Tell of UPDATE, DELETE and TRUNCATE on tables that were there before the file."""
    for step in desk.trace.steps:
        yield from _truncated(desk, step)
        yield from _changed(desk, step)


def _truncated(desk: Desk, step: Step) -> Iterator[Draft]:
    if not step.truncates:
        return
    for table in sorted(step.rewritten):
        name = step.before.name(table)
        message = f"All rows of {name} are lost, and reads and writes wait (ACCESS EXCLUSIVE)."
        yield desk.about("truncates", step, name, message, table=table)


def _changed(desk: Desk, step: Step) -> Iterator[Draft]:
    statement = step.statement
    if statement.is_batched:
        return
    for table in sorted(step.wrote & step.existing):
        name = step.before.name(table)
        if statement.words[0] == "WITH" and table not in step.scanned | step.much_changed:
            continue  # rows are put into it, and none that were there change
        if statement.changes_every_row():
            message = (
                f"Every row of {name} is changed in one transaction: each stays locked until the "
                "commit, and the table grows by as many dead rows."
            )
            yield desk.about("no-where", step, name, message, table=table)
        elif (step.much_changed or step.scanned & step.existing) and _may_change(step):
            message = (
                f"The rows of {name} that the statement finds are changed in one transaction: each "
                "stays locked until the commit, and a failure near the end takes all back."
            )
            yield desk.about("backfill-in-one-go", step, name, message, table=table)


def _may_change(step: Step) -> bool:
    """Whether it changes rows that are there; an INSERT … SELECT reads some and adds others."""
    if step.statement.words[0] == "DO":
        body = step.statement.sql.upper()
        return any(word in body for word in _CHANGING)
    return step.statement.words[0] in _CHANGING | {"WITH", "CALL", "SELECT"}
