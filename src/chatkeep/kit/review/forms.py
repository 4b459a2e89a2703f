"""Findings about how a migration is written: types, names, indexes that are missing."""

from collections.abc import Iterator
from itertools import pairwise

from chatkeep.kit.review.draft import Desk, Draft
from chatkeep.kit.review.shape import Column, Constraint, Shape
from chatkeep.kit.review.trace import Step

_CUT = "42622"
_SKIPPED = {"42P07", "42701", "42710"}  # a relation, a column, another object
_SMALL = {"integer", "smallint"}
_SERIALS = {"SERIAL", "BIGSERIAL", "SMALLSERIAL", "SERIAL2", "SERIAL4", "SERIAL8"}


def form_findings(desk: Desk, last: Shape) -> Iterator[Draft]:
    """Tell of what will be trouble later.

    Args:
        desk: The migration.
        last: What is there after the last migration under review; an index for a foreign key may
            come in a later one than the key.
    """
    for step in desk.trace.steps:
        yield from _notices(desk, step)
        for column in step.difference.added_columns:
            yield from _type(desk, step, column)
        yield from _keys(desk, step)
        yield from _foreign_keys(desk, step, last)
        if step.is_skipped:
            command = " ".join(step.statement.words[:2])
            message = f"{command} changes the whole server; it was not run for this review."
            yield desk.about("server-wide-command", step, command, message)
    yield from _transaction(desk)
    if desk.trace.failure is not None:
        yield desk.about_statement("fails", desk.trace.failed, desk.trace.failure)


def _notices(desk: Desk, step: Step) -> Iterator[Draft]:
    for code, text in step.notices:
        if code == _CUT:
            quoted = text.split('"')
            name = quoted[1] if len(quoted) > 2 else ""
            message = f"PostgreSQL cuts it at 63 bytes: {text}."
            yield desk.about("name-too-long", step, name, message)
        elif code in _SKIPPED and not text.startswith("extension"):
            message = f"PostgreSQL does nothing, and does not compare: {text}."
            quoted = text.split('"')
            yield desk.about("already-there", step, quoted[1] if len(quoted) > 2 else "", message)


def _type(desk: Desk, step: Step, column: Column) -> Iterator[Draft]:
    place = f"{step.after.name(column.table)}.{column.name}"
    if column.type.startswith("character("):
        message = f"{column.type}: shorter values are filled with spaces, which comparisons ignore."
        yield desk.about("char-type", step, place, message)
    if column.type.startswith("timestamp") and "without" in column.type:
        message = "What is stored depends on the time zone of the session that writes it."
        yield desk.about("timestamp-without-zone", step, place, message)
    if column.has_default and _SERIALS.intersection(step.statement.words) and "int" in column.type:
        message = (
            "Its sequence has an owner and rights of its own, and copies of the table share it."
        )
        yield desk.about("serial-type", step, place, message)


def _keys(desk: Desk, step: Step) -> Iterator[Draft]:
    for constraint in step.difference.added_constraints:
        if constraint.kind != "p" or len(constraint.keys) != 1:
            continue
        column = step.after.columns[constraint.table, constraint.keys[0]]
        if column.type in _SMALL:
            limit = "32,767" if column.type == "smallint" else "2,147,483,647"
            place = f"{step.after.name(column.table)}.{column.name}"
            message = f"Its values end at {limit}; every insert fails from then on."
            yield desk.about("small-key", step, place, message)


def _foreign_keys(desk: Desk, step: Step, last: Shape) -> Iterator[Draft]:
    for constraint in step.difference.added_constraints:
        if constraint.kind != "f" or constraint.oid not in last.constraints:
            continue
        if _is_served(constraint, last):
            continue
        names = [last.columns[constraint.table, number].name for number in constraint.keys]
        table, target = last.name(constraint.table), last.name(constraint.target)
        message = (
            f"Each delete of a row of {target}, and each change of its key, reads all of {table} to "
            f"find what refers to it by ({', '.join(names)})."
        )
        place = f"{table}: {constraint.name}"
        yield desk.about("foreign-key-without-index", step, place, message, table=constraint.table)


def _is_served(constraint: Constraint, shape: Shape) -> bool:
    wanted = set(constraint.keys)
    return any(
        not index.is_partial and set(index.key_columns[: len(wanted)]) == wanted
        for index in shape.indexes_of(constraint.table)
    )


def _transaction(desk: Desk) -> Iterator[Draft]:
    steps = desk.trace.steps
    if desk.trace.is_transactional or not steps:
        return
    outside = [step for step in steps if not step.in_transaction]
    inside = [step for step in steps if step.in_transaction and step.statement.words[0] != "SET"]
    culprit = outside[0] if outside else steps[0]
    message = (
        "A failure half-way leaves the statements before it done; drizzle-kit, which runs all pending "
        "files in one transaction, cannot apply it."
    )
    words = culprit.statement.words
    subject = words[0] if words[0] in {"VACUUM", "CLUSTER"} else " ".join(words[:2])
    yield desk.about("outside-transaction", culprit, subject, message)
    concurrent = [step for step in outside if _is_concurrent(step)]
    if concurrent and inside:
        message = (
            f"Statement {inside[0].statement.number} could run in a transaction, and loses it here: a "
            "failure leaves half of the file done."
        )
        yield desk.about("concurrently-with-others", concurrent[0], subject, message)


def _is_concurrent(step: Step) -> bool:
    words = step.statement.words
    return "CONCURRENTLY" in words and not any(
        pair == ("MATERIALIZED", "VIEW") for pair in pairwise(words)
    )
