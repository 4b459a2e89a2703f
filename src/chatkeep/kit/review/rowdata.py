"""Findings that know the rows: what a migration meets in the real database."""

from collections.abc import AsyncGenerator

import asyncpg

from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.review import expressions
from chatkeep.kit.review.asking import LATER, Asking
from chatkeep.kit.review.counting import count, count_same
from chatkeep.kit.review.draft import Draft
from chatkeep.kit.review.finding import Severity
from chatkeep.kit.review.projection import Projector
from chatkeep.kit.review.retyping import retype_findings
from chatkeep.kit.review.shape import Constraint, Relation
from chatkeep.kit.review.steps import Statement
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
        (asking.filled if _only_adds(step.statement) else asking.written).update(step.wrote)
    return found


def _only_adds(statement: Statement) -> bool:
    words = statement.words
    return words[0] == "INSERT" and not {"CONFLICT", "UPDATE"} <= set(words)


async def _of_step(
    asking: Asking, step: Step, scratch: asyncpg.Connection
) -> AsyncGenerator[Draft]:
    last = asking.desk.trace.after
    async for draft in _nulls(asking, step):
        yield draft
    for index in step.difference.built:
        if index.is_exclusion and index.oid in last.relations:
            if asking.projector.is_live(index.table):
                place = f"{step.after.name(index.table)}: {index.name}"
                asking.unanswered(
                    step, place, "what an exclusion or overlap forbids is not counted"
                )
        elif index.is_unique and index.oid in last.relations:
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
        if constraint.kind == "c":
            check = _check if constraint.table else _domain
            async for draft in check(asking, step, constraint, severity, scratch):
                yield draft
        elif constraint.kind == "f":
            async for draft in _reference(asking, step, constraint, severity, scratch):
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


async def _domain(
    asking: Asking,
    step: Step,
    constraint: Constraint,
    severity: Severity,
    scratch: asyncpg.Connection,
) -> AsyncGenerator[Draft]:
    """Ask for the values of each column of a domain; PostgreSQL refuses arrays of it by itself."""
    expression = await expressions.check_expression(scratch, constraint.oid)
    projector = asking.projector
    for column in sorted(projector.shape.columns.values()):
        is_live = projector.is_live_column(column.table, column.number)
        if column.type_oid != constraint.domain or not is_live:
            continue
        # Where no domain is made, the word VALUE is the name of a column.
        breach = f"(SELECT NOT ({expression}) FROM (SELECT t.{ident(column.name)} AS value) AS d)"  # noqa: S608 - the name is quoted, the expression PostgreSQL's own
        place = f"{step.after.name(column.table)}.{column.name}: {constraint.name}"
        counted = await asking.answer(
            step, place, count(asking.live, projector.of(column.table, as_is=True), breach)
        )
        if counted is not None and counted.rows:
            message = f"that break the check of the domain: {_outcome(severity)}"
            about = (place, column.table)
            yield asking.found("check-breached", step, counted, about, message, severity=severity)


async def _reference(
    asking: Asking,
    step: Step,
    constraint: Constraint,
    severity: Severity,
    scratch: asyncpg.Connection,
) -> AsyncGenerator[Draft]:
    projector, table = asking.projector, constraint.table
    if not all(projector.is_live_column(table, number) for number in constraint.keys):
        return
    condition = await _refers_to_nothing(projector, constraint, scratch)
    place = f"{step.after.name(table)}: {constraint.name}"
    rows = projector.of(table)
    counted = await asking.answer(step, place, count(asking.live, rows, condition))
    if counted is not None and counted.rows:
        message = (
            f"that refer to no row of {step.after.name(constraint.target)}: {_outcome(severity)}"
        )
        if severity is Severity.DANGER and constraint.target in asking.written | asking.filled:
            message, severity = message + LATER, Severity.WARNING
        yield asking.found(
            "foreign-key-breached", step, counted, (place, table), message, severity=severity
        )


async def _refers_to_nothing(
    projector: Projector, constraint: Constraint, scratch: asyncpg.Connection
) -> str:
    full, period = await expressions.reference(scratch, constraint.oid)
    names = [
        f"t.{ident(projector.shape.columns[constraint.table, n].name)}" for n in constraint.keys
    ]
    filled = " AND ".join(f"{name} IS NOT NULL" for name in names)
    empty = " AND ".join(f"{name} IS NULL" for name in names)
    found = "false"
    if projector.is_live(constraint.target):
        columns = projector.shape.columns
        others = [f"p.{ident(columns[constraint.target, n].name)}" for n in constraint.target_keys]
        same = [f"{other} = {name}" for other, name in zip(others, names, strict=True)]
        parent = projector.of(constraint.target).source
        if period:
            whole = f"SELECT range_agg({others[-1]}) @> {names[-1]}"
            where = " AND ".join(same[:-1])
            found = f"coalesce(({whole} FROM ({parent}) AS p WHERE {where}), false)"
        else:
            found = f"EXISTS (SELECT FROM ({parent}) AS p WHERE {' AND '.join(same)})"
    # MATCH FULL lets all of the columns be NULL, or none of them.
    return f"NOT ({empty}) AND NOT ({filled} AND {found})" if full else f"{filled} AND NOT {found}"


def _outcome(severity: Severity) -> str:
    if severity is Severity.DANGER:
        return "the statement fails."
    return "they can be changed no more, and VALIDATE CONSTRAINT fails."
