"""Findings about running code: what it uses and no longer finds as it was."""

from collections.abc import Iterator

from chatkeep.kit.plan.kinds.columns import type_family
from chatkeep.kit.review.draft import Desk, Draft
from chatkeep.kit.review.finding import Severity
from chatkeep.kit.review.shape import TABLES, Column, Parts, Relation, Shape
from chatkeep.kit.review.trace import Step

_WHILE = "While old and new code run side by side, and after a roll-back of the code,"


def code_findings(desk: Desk) -> Iterator[Draft]:
    """Tell what code that was written for the state before can no longer do."""
    for step in desk.trace.steps:
        yield from _dropped(desk, step)
        yield from _renamed(desk, step)
        yield from _parts(desk, step)
        yield from _columns(desk, step)
        yield from _labels_gone(desk, step)
    yield from _objects(desk)
    yield from _uniques(desk)


def _dropped(desk: Desk, step: Step) -> Iterator[Draft]:
    for item in step.difference.dropped:
        if item.oid not in desk.trace.existing:
            continue
        if item.kind in TABLES and item.kind != "m":
            message = f"The rows of {item.label} are lost, and every statement that names it fails."
            yield desk.about("table-dropped", step, item.label, message, table=item.oid)
        elif _is_there(desk.trace.after, desk.trace.before.relations[item.oid]):
            continue  # another one has its name
        elif item.kind in "mv":
            message = f"Every statement that names the view {item.label} fails."
            yield desk.about("object-dropped", step, item.label, message)
        elif item.kind == "S" and "SEQUENCE" in step.statement.words:
            message = f"Every statement that takes numbers from {item.label} fails."
            yield desk.about("object-dropped", step, item.label, message)
    for column in step.difference.dropped_columns:
        if column.table in desk.trace.existing:
            place = f"{step.before.name(column.table)}.{column.name}"
            message = (
                f"The values of {place} are lost, and statements of running code that name it fail, "
                "also those that an ORM writes."
            )
            yield desk.about("column-dropped", step, place, message, table=column.table)


def _is_there(shape: Shape, relation: Relation) -> bool:
    return any(
        (item.schema, item.name) == (relation.schema, relation.name)
        for item in shape.relations.values()
    )


def _renamed(desk: Desk, step: Step) -> Iterator[Draft]:
    for old, new in step.difference.renamed:
        if old.oid not in desk.trace.existing:
            continue
        if old.kind in TABLES and _view_in_place(desk.trace.after, old):
            continue  # a view of the old name serves the old code
        rule = "table-renamed" if old.kind in TABLES - {"m"} else "object-renamed"
        message = f"{_WHILE} statements that name {old.label} fail; it is {new.label} now."
        yield desk.about(rule, step, old.label, message)
    for before, after in step.difference.altered_columns:
        if before.name != after.name and before.table in desk.trace.existing:
            place = f"{step.before.name(before.table)}.{before.name}"
            message = f"{_WHILE} statements that name {place} fail; it is {after.name} now."
            yield desk.about("column-renamed", step, place, message)


def _parts(desk: Desk, step: Step) -> Iterator[Draft]:
    """Tell of columns of views and attributes of composite types that are gone or renamed."""
    last = desk.trace.after.parts
    for oid, old in step.before.parts.items():
        if oid not in desk.trace.before.parts:
            continue
        new = step.after.parts.get(oid)
        if new is None:  # made anew, perhaps, under its name
            here = [
                p for p in last.values() if (p.schema, p.relation) == (old.schema, old.relation)
            ]
            gone = [n for n in old.names if here and old.kind != "c" and n not in here[0].names]
        else:
            names = dict(zip(new.numbers, new.names, strict=True))
            pairs = list(zip(old.numbers, old.names, strict=True))
            gone = [name for number, name in pairs if number not in names]
            for name, now in [(n, names[k]) for k, n in pairs if names.get(k, n) != n]:
                message = f"{_WHILE} statements that name {old.label}.{name} fail; it is {now} now."
                yield desk.about("object-renamed", step, f"{old.label}.{name}", message)
        for name in gone:
            yield _gone(desk, step, old, name)


def _gone(desk: Desk, step: Step, whole: Parts, name: str) -> Draft:
    place = f"{whole.label}.{name}"
    users = [c for c in step.after.columns.values() if c.type_oid == whole.type_oid]
    held = [c for c in users if c.table in desk.trace.existing]
    if whole.kind != "c" or not held:
        message = f"Statements of running code that name {place} fail."
        return desk.about("object-dropped", step, place, message)
    columns = ", ".join(sorted(f"{step.after.name(c.table)}.{c.name}" for c in held))
    message = f"The values of {place} in {columns} are lost, and statements that name it fail."
    return desk.about("column-dropped", step, place, message, table=held[0].table)


def _view_in_place(shape: Shape, table: Relation) -> bool:
    return any(
        item.kind == "v" and (item.schema, item.name) == (table.schema, table.name)
        for item in shape.relations.values()
    )


def _columns(desk: Desk, step: Step) -> Iterator[Draft]:
    existing = desk.trace.existing
    for column in step.difference.added_columns:
        if column.table in existing and column.declared and not _fills_itself(column):
            place = f"{step.after.name(column.table)}.{column.name}"
            message = (
                f"Inserts of code that does not know {place} fail; and the statement itself fails "
                "when the table has a row."
            )
            yield desk.about("required-column", step, place, message, table=column.table)
    for old, new in step.difference.altered_columns:
        if new.table not in existing:
            continue
        place = f"{step.after.name(new.table)}.{new.name}"
        if new.declared and not old.declared and not _fills_itself(new):
            message = f"Inserts that leave {place} out, or write NULL, fail from now on."
            severity = Severity.WARNING
            yield desk.about("required-column", step, place, message, severity=severity)
        last = desk.trace.after.columns.get((new.table, new.number), new)
        if old.has_default and new.declared and not _fills_itself(new) and not _fills_itself(last):
            message = f"Inserts that leave {place} to its default fail from now on."
            yield desk.about("default-dropped", step, place, message)
        first = desk.trace.before.columns.get((new.table, new.number), old)
        same = first.type == new.type  # an enum that was made anew under its old name
        retyped = (old, new) in step.difference.retyped
        if retyped and not same and type_family(old.type) != type_family(new.type):
            message = f"Running code reads and writes {old.type}, and finds {new.type}."
            yield desk.about("column-type-changed", step, place, message)


def gone_labels(step: Step, old: Column, new: Column) -> list[str]:
    """Give the labels that a column's new enum lacks."""
    before = step.before.labels.get(old.type_oid)
    after = step.after.labels.get(new.type_oid)
    if before is None or after is None:
        return []
    return [label for label in before if label not in after]


def _labels_gone(desk: Desk, step: Step) -> Iterator[Draft]:
    for old, new in step.difference.retyped:
        gone = gone_labels(step, old, new)
        if gone and new.table in desk.trace.existing:
            place = f"{step.after.name(new.table)}.{new.name}"
            labels = ", ".join(gone)
            message = (
                f"Code that writes {labels} fails, and so does the statement where a row holds it."
            )
            yield desk.about("enum-value-dropped", step, place, message, table=new.table)


def _fills_itself(column: Column) -> bool:
    return column.has_default or bool(column.identity) or bool(column.generated)


def _objects(desk: Desk) -> Iterator[Draft]:
    """Tell of types, functions and schemas that are not there at the file's end."""
    first, last = desk.trace.before, desk.trace.after
    there = {(item.kind, item.label) for item in last.objects.values()}
    for step in desk.trace.steps:
        for item in step.difference.dropped_objects:
            known = first.objects.get((item.kind, item.oid))
            if known is not None and (item.kind, known.label) not in there:
                message = f"Every statement that uses the {item.kind} {item.label} fails."
                yield desk.about("object-dropped", step, item.label, message)
        for old, new in step.difference.renamed_objects:
            known = (old.kind, old.oid) in first.objects
            if known and (old.kind, old.label) not in there and new.label in _labels(last):
                message = f"{_WHILE} statements that use {old.label} fail; it is {new.label} now."
                yield desk.about("object-renamed", step, old.label, message)
        for type_, before in step.before.labels.items():
            after = step.after.labels.get(type_, before)
            gone = [label for label in before if label not in after]
            if gone and type_ in first.labels:
                name = step.before.objects[("type", type_)].label
                message = f"{_WHILE} statements that write {gone[0]!r} as {name} fail."
                yield desk.about("object-renamed", step, f"{name}: {gone[0]}", message)


def _labels(shape: Shape) -> set[str]:
    return {item.label for item in shape.objects.values()}


def _uniques(desk: Desk) -> Iterator[Draft]:
    last = desk.trace.after
    for step in desk.trace.steps:
        for index in step.difference.dropped:
            if (
                not index.is_unique
                or index.table not in desk.trace.existing & last.relations.keys()
            ):
                continue
            columns = [
                step.before.columns.get((index.table, number)) for number in index.key_columns
            ]
            if any(c is not None and (c.table, c.number) not in last.columns for c in columns):
                continue  # a column of it went as well, and was told of
            if any(_serves(other, index) for other in last.indexes_of(index.table)):
                continue
            table = step.before.name(index.table)
            message = (
                f"Statements with ON CONFLICT on the columns of {index.name} fail, and rows that are "
                "the same in them can be stored."
            )
            yield desk.about("unique-dropped", step, f"{table}: {index.name}", message)


def _serves(other: Relation, index: Relation) -> bool:
    same = sorted(other.key_columns) == sorted(index.key_columns)
    return other.is_unique and same and other.is_partial == index.is_partial
