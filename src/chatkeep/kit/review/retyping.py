"""Findings about values that a column's new type does not take, or takes only in part."""

from collections.abc import AsyncGenerator, Iterator

from chatkeep.kit.plan.kinds.losses import base_type, loses_values
from chatkeep.kit.plan.quoting import ident
from chatkeep.kit.review.asking import Asking
from chatkeep.kit.review.casting import is_plain_cast, using_expression
from chatkeep.kit.review.counting import Counted, count, count_failing
from chatkeep.kit.review.draft import Desk, Draft
from chatkeep.kit.review.live import UnansweredError
from chatkeep.kit.review.projection import Projection
from chatkeep.kit.review.shape import Column
from chatkeep.kit.review.trace import Step

_CHARACTERS = {"character varying", "character"}
_TEXTS = {"text", *_CHARACTERS}


async def retype_findings(asking: Asking, step: Step) -> AsyncGenerator[Draft]:
    """Tell which values stop a change of type, and which lose a part of themselves."""
    for old, new in step.difference.retyped:
        if not asking.projector.is_live_column(new.table, new.number) or not _asks(old, new):
            continue
        if old.type_oid in step.before.labels and new.type_oid in step.after.labels:
            continue  # labels that go are another rule's matter
        place = f"{step.after.name(new.table)}.{new.name}"
        counted = await asking.answer(step, place, _failing(asking, step, old, new))
        if counted is None:
            continue
        if counted.rows != 0:
            message = f"whose value cannot become {new.type}: the statement fails."
            yield asking.found("cast-fails", step, counted, (place, new.table), message)
        elif may_cut(step, old, new):
            counted = await asking.answer(step, place, _cut(asking, step, old, new))
            if counted is None:
                yield _unknown(asking.desk, step, old, new)
            elif counted.rows:
                message = f"whose value loses a part of itself in {new.type}, without an error."
                yield asking.found("values-cut", step, counted, (place, new.table), message)


def cut_findings(desk: Desk) -> Iterator[Draft]:
    """Tell, without a database, which changes of type may take a part of values away."""
    for step in desk.trace.steps:
        for old, new in step.difference.retyped:
            if new.table in desk.trace.existing and may_cut(step, old, new):
                yield _unknown(desk, step, old, new)


def _unknown(desk: Desk, step: Step, old: Column, new: Column) -> Draft:
    place = f"{step.after.name(new.table)}.{new.name}"
    message = f"From {old.type} to {new.type}: a value may lose a part of itself without an error."
    return desk.about("values-cut", step, place, message, table=new.table)


def may_cut(step: Step, old: Column, new: Column) -> bool:
    """Say whether the change may take a part of stored values away without an error."""
    using = using_expression(step.statement, new.name)
    if base_type(old.type) in _TEXTS and base_type(new.type) in _CHARACTERS:
        return using is not None and is_plain_cast(using, new.name) and _limit(new) < _limit(old)
    return loses_values(old.type, new.type)


def _asks(old: Column, new: Column) -> bool:
    """Whether any value could be refused: not where one text type follows another and is as long."""
    textual = {base_type(old.type), base_type(new.type)} <= _TEXTS
    return not textual or _limit(new) < _limit(old)


def _limit(column: Column) -> int:
    _, _, rest = column.type.partition("(")
    return int(rest.rstrip(")")) if rest else 1 << 30


async def _failing(asking: Asking, step: Step, old: Column, new: Column) -> Counted:
    rows = _rows(asking, new)
    name = f"t.{ident(new.name)}"
    using = using_expression(step.statement, new.name)
    labels = step.after.labels.get(new.type_oid)
    if labels is not None:  # the real database may not have the type yet
        return await count(asking.live, rows, f"{name}::text <> ALL($1::text[])", list(labels))
    textual = base_type(old.type) in _TEXTS
    if using is None and textual and base_type(new.type) in _CHARACTERS:
        condition = f"char_length(rtrim({name}::text)) > {_limit(new)}"
        return await count(asking.live, rows, condition)
    expression = using or f"{ident(new.name)}::{new.type}"
    if textual and base_type(new.type) in _CHARACTERS and is_plain_cast(expression, new.name):
        return Counted(0)  # an explicit cast cuts, and refuses nothing
    if textual and asking.live.version >= 16 and is_plain_cast(expression, new.name):
        condition = f"{name} IS NOT NULL AND NOT pg_input_is_valid({name}::text, $1)"
        return await count(asking.live, rows, condition, new.type)
    return await _tried(asking, rows, new.table, expression)


async def _tried(asking: Asking, rows: Projection, table: int, expression: str) -> Counted:
    """Count what an expression refuses: none where it can be computed for all rows at once."""
    try:
        await asking.live.ask(f"SELECT count(({expression})) FROM ({rows.source}) AS t")  # noqa: S608 - names are quoted, the expression is the migration's own
    except UnansweredError as exc:
        if not exc.is_about_data:
            raise
    else:
        return Counted(0)
    columns = asking.projector.shape.columns_of(table)
    try:
        return await count_failing(asking.live, rows, tuple(c.name for c in columns), expression)
    except UnansweredError:
        return Counted(None)  # one value is known to fail; counting them took too long


async def _cut(asking: Asking, step: Step, old: Column, new: Column) -> Counted:
    name = ident(new.name)
    expression = using_expression(step.statement, new.name) or f"{name}::{new.type}"
    condition = f"({expression})::{old.type} IS DISTINCT FROM t.{name}"
    return await count(asking.live, _rows(asking, new), condition)


def _rows(asking: Asking, column: Column) -> Projection:
    return asking.projector.of(column.table, as_is=True)
