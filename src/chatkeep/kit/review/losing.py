"""How many rows and values go with what a migration takes away."""

from collections.abc import Sequence
from dataclasses import replace

from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.review.asking import Asking, with_rows
from chatkeep.kit.review.breaking import gone_labels
from chatkeep.kit.review.counting import Counted, count
from chatkeep.kit.review.draft import Draft
from chatkeep.kit.review.finding import Severity
from chatkeep.kit.review.trace import Step

_EMPTY = {
    "truncates": Severity.NOTE,
    "no-where": Severity.NOTE,
    "required-column": Severity.WARNING,
    "enum-value-dropped": Severity.WARNING,
}
"""How grave a finding is when no row is concerned; running code may still fail."""
_LOSING = {"table-dropped", "column-dropped", *_EMPTY}


async def with_losses(asking: Asking, drafts: Sequence[Draft]) -> list[Draft]:
    """Give the drafts, those about loss with the rows that it hits in the real database.

    Args:
        asking: The migration and the database.
        drafts: Its findings without the database.
    """
    steps = {step.statement.number: step for step in asking.desk.trace.steps}
    found: list[Draft] = []
    for draft in drafts:
        step = steps.get(draft.finding.statement or 0)
        known = draft.finding.rule in _LOSING and asking.projector.is_live(draft.table)
        found.append(await _with_loss(asking, draft, step) if known and step else draft)
    return found


async def _with_loss(asking: Asking, draft: Draft, step: Step) -> Draft:
    condition, values, what = _condition(asking, draft, step)
    if condition is None:
        return draft
    base = replace(asking.projector, shape=asking.projector.base)
    question = count(asking.live, base.of(draft.table), condition, *values)
    counted = await asking.answer(step, draft.finding.subject, question)
    if counted is None:
        return draft
    finding = draft.finding
    severity = finding.severity if counted.rows else _EMPTY.get(finding.rule, finding.severity)
    message = f"{finding.message} {_told(counted, what)}"
    told = replace(draft, finding=replace(finding, severity=severity, message=message))
    return with_rows(told, counted)


def _told(counted: Counted, what: str) -> str:
    text = str(counted) if counted.rows else "No row"
    return f"{text[0].upper()}{text[1:]} {what} now."


def _condition(
    asking: Asking, draft: Draft, step: Step
) -> tuple[str | None, tuple[object, ...], str]:
    """Give which rows are hit, with the parameters, and how to say it."""
    base = asking.projector.base
    if draft.finding.rule == "column-dropped":
        for column in step.difference.dropped_columns:
            now = base.columns.get((column.table, column.number))
            place = f"{step.before.name(column.table)}.{column.name}"
            if now is not None and place == draft.finding.subject:
                return f"t.{ident(now.name)} IS NOT NULL", (), "with a value"
        return None, (), ""
    if draft.finding.rule == "enum-value-dropped":
        for old, new in step.difference.retyped:
            now = base.columns.get((new.table, new.number))
            place = f"{step.after.name(new.table)}.{new.name}"
            if now is not None and place == draft.finding.subject:
                labels = gone_labels(step, old, new)
                return (
                    f"t.{ident(now.name)}::text = ANY($1::text[])",
                    (labels,),
                    "with such a value",
                )
        return None, (), ""
    return "true", (), "in the table"
