"""How much a finding matters, by the size that its table has in the real database."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from chatkeep.kit.review import modes
from chatkeep.kit.review.draft import Draft
from chatkeep.kit.review.finding import Finding, Measured, Severity, Size
from chatkeep.kit.review.rules import RULES
from chatkeep.kit.review.shape import TABLES, Shape
from chatkeep.kit.review.trace import Step, Trace

_BY_SIZE = {"backfill-in-one-go", "foreign-key-without-index"}
"""Rules beside those about locks whose findings matter by the size of a table."""


def concerned(drafts: Iterable[Draft], traces: Iterable[Trace]) -> set[int]:
    """Give the numbers of the tables that a reader of the review wants to know the size of."""
    numbers = {oid for draft in drafts for oid in (draft.table, *draft.others)}
    for trace in traces:
        for step in trace.steps:
            strong = {oid for oid, lock in step.locks.items() if lock >= modes.SHARE}
            numbers |= strong | step.rewritten | step.scanned | step.wrote
    return numbers - {0}


def weighed(draft: Draft, sizes: Mapping[int, Size], base: Shape, small: int) -> Finding:
    """Give the finding as the real database weighs it.

    Args:
        draft: The finding without.
        sizes: Of the tables there, by number.
        base: What is there.
        small: Below so many bytes a lock ends before anybody notices.
    """
    finding = draft.finding
    rule = RULES[finding.rule]
    if not draft.table or not (rule.area == "locks" or rule.id in _BY_SIZE):
        return finding
    tables = {draft.table, *draft.others} & base.relations.keys()
    if not tables:
        message = f"{finding.message} The table is not in the database yet, so nobody waits."
        return replace(finding, severity=Severity.NOTE, message=message)
    if not tables <= sizes.keys():
        return finding
    table = max(tables, key=lambda oid: sizes[oid].bytes)
    size, name = sizes[table], base.relations[table].label
    if size.bytes < small:
        message = f"{finding.message} {name} is small ({size}), so this is over at once."
        return replace(finding, severity=Severity.NOTE, message=message)
    return replace(finding, message=f"{finding.message} {name}: {size}.")


def measured(step: Step) -> Measured:
    """Give what a statement does, with names for numbers."""
    shape = step.before if step.before.relations else step.after

    def names(numbers: Iterable[int]) -> tuple[str, ...]:
        return tuple(sorted(_name(step, oid) for oid in numbers))

    return Measured(
        number=step.statement.number,
        line=step.statement.line,
        sql=step.statement.sql,
        locks={
            _name(step, oid): modes.name(lock)
            for oid, lock in sorted(step.locks.items())
            if lock >= 0
        },
        held={
            _name(step, oid): modes.name(held.lock)
            for oid, held in sorted(step.held.items())
            if held.lock >= modes.SHARE and _kind(shape, oid) in TABLES
        },
        rewrites=names(step.rewritten),
        scans=names(step.scanned & step.existing),
        writes=names(step.wrote & step.existing),
        in_transaction=step.in_transaction,
    )


def _kind(shape: Shape, oid: int) -> str:
    relation = shape.relations.get(oid)
    return relation.kind if relation else ""


def _name(step: Step, oid: int) -> str:
    return step.before.name(oid) if oid in step.before.relations else step.after.name(oid)
