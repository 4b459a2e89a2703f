"""Findings that know the rows: what a migration meets in the real database."""

from collections.abc import AsyncGenerator

import asyncpg

from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.review import expressions
from chatkeep.kit.review.asking import Asking
from chatkeep.kit.review.counting import count, count_same
from chatkeep.kit.review.draft import Draft
from chatkeep.kit.review.finding import Severity
from chatkeep.kit.review.retyping import retype_findings
from chatkeep.kit.review.shape import Constraint, Relation
from chatkeep.kit.review.trace import Step


async def data_findings(asking: Asking, scratch: asyncpg.Connection) -> list[Draft]:
    """Tell which rows of the real database would stop the migration, or lose something.

    Args:
        asking: The migration and the database.
        scratch: The scratch database as the migration left it.
    """
    found: list[Draft] = []
    for step in asking.desk.trace.steps:
        found += [draft async for draft in _of_step(asking, step, scratch)]
        asking.written.update(step.wrote)
    return found


async def _of_step(
    asking: Asking, step: Step, scratch: asyncpg.Connection
) -> AsyncGenerator[Draft]:
    last = asking.desk.trace.after
    async for draft in _nulls(asking, step):
        yield draft
    for index in step.difference.built:
        if index.is_unique and index.oid in last.relations:
            async for draft in _same(asking, step, index, scratch):
                yield draft
    async for draft in _constraints(asking, step, scratch):
        yield draft
    async for draft in retype_findings(asking, step):
        yield draft


async def _constraints(
    asking: Asking, step: Step, scratch: asyncpg.Connection
) -> AsyncGenerator[Draft]:
    new = [(item, item.validated) for item in step.difference.added_constraints]
    for constraint, holds in new + [(item, True) for item in step.difference.validated]:
        if constraint.oid not in asking.desk.trace.after.constraints:
            continue
        severity = Severity.DANGER if holds else Severity.WARNING
        if constraint.kind == "c" and constraint.table:
            async for draft in _check(asking, step, constraint, severity, scratch):
                yield draft
        elif constraint.kind == "f":
            async for draft in _reference(asking, step, constraint, severity):
                yield draft


async def _nulls(asking: Asking, step: Step) -> AsyncGenerator[Draft]:
    for column in step.difference.forbids_null:
        projector = asking.projector
        if not projector.is_live_column(column.table, column.number):
            continue
        if (column.table, column.number) not in projector.shape.columns:
            continue
        name = projector.shape.columns[column.table, column.number].name
        place = f"{step.after.name(column.table)}.{column.name}"
        rows = projector.of(column.table, as_is=True)
        question = count(asking.live, rows, f"t.{ident(name)} IS NULL")
        counted = await asking.answer(step, place, question)
        if counted is not None and counted.rows:
            message = "with NULL there: the statement fails."
            yield asking.found("nulls-in-column", step, counted, (place, column.table), message)


async def _same(
    asking: Asking, step: Step, index: Relation, scratch: asyncpg.Connection
) -> AsyncGenerator[Draft]:
    if not asking.projector.is_live(index.table):
        return
    key = await expressions.index_key(scratch, index.oid)
    place = f"{step.after.name(index.table)}: {index.name}"
    question = count_same(
        asking.live,
        asking.projector.of(index.table),
        key.expressions,
        key.predicate or "true",
        nulls=key.nulls_are_equal,
    )
    counted = await asking.answer(step, place, question)
    if counted is not None and counted.rows:
        message = "like another one in what shall be unique: the statement fails."
        yield asking.found("duplicates", step, counted, (place, index.table), message)


async def _check(
    asking: Asking,
    step: Step,
    constraint: Constraint,
    severity: Severity,
    scratch: asyncpg.Connection,
) -> AsyncGenerator[Draft]:
    if not asking.projector.is_live(constraint.table):
        return
    expression = await expressions.check_expression(scratch, constraint.oid)
    place = f"{step.after.name(constraint.table)}: {constraint.name}"
    rows = asking.projector.of(constraint.table)
    counted = await asking.answer(step, place, count(asking.live, rows, f"NOT ({expression})"))
    if counted is not None and counted.rows:
        message = f"that break the check: {_outcome(severity)}"
        yield asking.found(
            "check-breached", step, counted, (place, constraint.table), message, severity=severity
        )


async def _reference(
    asking: Asking, step: Step, constraint: Constraint, severity: Severity
) -> AsyncGenerator[Draft]:
    projector, table = asking.projector, constraint.table
    if not all(projector.is_live_column(table, number) for number in constraint.keys):
        return
    names = [ident(projector.shape.columns[table, number].name) for number in constraint.keys]
    condition = " AND ".join(f"t.{name} IS NOT NULL" for name in names)
    if projector.is_live(constraint.target):
        others = [
            ident(projector.shape.columns[constraint.target, number].name)
            for number in constraint.target_keys
        ]
        pairs = " AND ".join(f"p.{o} = t.{n}" for o, n in zip(others, names, strict=True))
        parent = projector.of(constraint.target).source
        condition += f" AND NOT EXISTS (SELECT FROM ({parent}) AS p WHERE {pairs})"
    place = f"{step.after.name(table)}: {constraint.name}"
    rows = projector.of(table)
    counted = await asking.answer(step, place, count(asking.live, rows, condition))
    if counted is not None and counted.rows:
        message = (
            f"that refer to no row of {step.after.name(constraint.target)}: {_outcome(severity)}"
        )
        subject = (place, constraint.target if constraint.target in asking.written else table)
        yield asking.found(
            "foreign-key-breached", step, counted, subject, message, severity=severity
        )


def _outcome(severity: Severity) -> str:
    if severity is Severity.DANGER:
        return "the statement fails."
    return "they can be changed no more, and VALIDATE CONSTRAINT fails."
