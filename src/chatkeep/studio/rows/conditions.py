"""Filters as SQL. Names are quoted, values travel beside the statement."""

import asyncpg

from chatkeep.errors import InvalidInputError
from chatkeep.studio.rows.asking import Asked, Condition
from chatkeep.studio.rows.binding import Binder, fit
from chatkeep.studio.rows.catalog import Field, Relation

_COMPARED = {"=": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_WITHOUT_VALUE = frozenset({"null", "notnull", "exists", "missing"})
_LIKE_TEXT = frozenset({"text", "enum", "uuid", "json"})
_VAGUE = frozenset({"contains", "starts", "exists", "missing", "includes", "has"})


async def check(connection: asyncpg.Connection, relation: Relation, asked: Asked) -> None:
    """Refuse conditions that make no sense, before anything is read.

    Raises:
        InvalidInputError: A value does not fit its column, or an operator its type.
        NoSuchThingError: A column is not there.
    """
    for each in _flat(asked.filter):
        field = relation.field(each.column or "")
        _check_form(field, each)
        if field.category == "json" and (
            each.op == "includes" or (each.op in ("=", "!=") and not each.path)
        ):
            await fit(connection, field, "jsonb", str(each.value))
        elif each.op == "has" and field.element is not None:
            await fit(connection, field, field.element, str(each.value))
        elif (each.op in _COMPARED or each.op == "in") and not each.path:
            for value in each.value if isinstance(each.value, list) else [str(each.value)]:
                await fit(connection, field, field.compare, value)


def where(relation: Relation, asked: Asked, bind: Binder) -> list[str]:
    """Give the conditions that a row must meet, all of them."""
    found: list[str] = []
    for each in asked.filter:
        if each.any is None:
            found.append(_condition(relation, each, bind))
        else:
            parts = [_condition(relation, part, bind) for part in each.any]
            found.append("(" + (" or ".join(parts) or "false") + ")")
    if asked.quick:
        pattern = bind(f"%{_escaped(asked.quick)}%")
        likely = [f for f in asked.fields if f.category in _LIKE_TEXT and not f.secret]
        parts = [f"{field.sql}::text ilike {pattern}" for field in likely]
        found.append("(" + (" or ".join(parts) or f"{pattern}::text is null") + ")")
    return found


def is_vague(asked: Asked) -> bool:
    """Whether PostgreSQL's statistics cannot tell how many rows will match."""
    return bool(asked.quick) or any(each.op in _VAGUE or each.path for each in _flat(asked.filter))


def _flat(filter_: list[Condition]) -> list[Condition]:
    return [each for one in filter_ for each in (one.any if one.any is not None else [one])]


def _check_form(field: Field, condition: Condition) -> None:
    op, value = condition.op, condition.value
    if field.secret and op not in ("null", "notnull"):
        raise InvalidInputError(
            f"{field.name} is a secret: it can be asked for NULL alone.", field=field.name
        )
    wants = "none" if op in _WITHOUT_VALUE else "list" if op == "in" else "text"
    given = "none" if value is None else "list" if isinstance(value, list) else "text"
    if wants != given:
        told = {"none": "no value", "list": "a list of values", "text": "one value"}[wants]
        raise InvalidInputError(f"`{op}` takes {told} ({field.name}).", field=field.name)
    is_json = field.category == "json"
    if (
        (condition.path and not is_json)
        or (op in ("exists", "missing") and not condition.path)
        or (op == "includes" and not is_json)
        or (op == "has" and field.category != "array")
        or (op in ("in", "<", "<=", ">", ">=") and is_json and not condition.path)
        or (op in _COMPARED and not is_json and not field.sortable)
        or (op == "in" and (not field.sortable or field.category == "array"))
    ):
        raise InvalidInputError(
            f"`{op}` is not for the column {field.name}, which is {field.type}.", field=field.name
        )


def _condition(relation: Relation, condition: Condition, bind: Binder) -> str:
    field, op, value = relation.field(condition.column or ""), condition.op, condition.value
    source = field.sql
    if op in ("null", "notnull") and not condition.path:
        return f"{source} is {'not ' * (op == 'notnull')}null"
    if field.category == "json" and (condition.path or op in _COMPARED or op == "includes"):
        return _json_condition(field, condition, bind)
    if op in _COMPARED:
        return f"{source} {_COMPARED[op]} {bind(value)}::text::{field.compare}"
    if op == "in":
        return f"{source} = any({bind(value)}::text[]::{field.compare}[])"
    if op == "has":
        return f"{source} @> array[{bind(value)}::text::{field.element}]"
    return _like(f"{source}::text", op, str(value), bind)


def _like(text: str, op: str, value: str, bind: Binder) -> str:
    if op == "starts":
        return f"{text} like {bind(_escaped(value) + '%')}"
    return f"{text} ilike {bind('%' + _escaped(value) + '%')}"


def _escaped(text: str) -> str:
    r"""Let % and _ stand for themselves: the escape of LIKE is \ unless said otherwise."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _json_condition(field: Field, condition: Condition, bind: Binder) -> str:
    op, value = condition.op, condition.value
    whole = f"{field.sql}::jsonb"
    if not condition.path:
        sign = "@>" if op == "includes" else _COMPARED[op]
        return f"{whole} {sign} {bind(value)}::text::jsonb"
    path = f"{bind(condition.path)}::text[]"
    found, text = f"({whole} #> {path})", f"({whole} #>> {path})"
    match op:
        case "exists" | "missing":
            sql = f"{found} is {'not ' * (op == 'exists')}null"
        case "null" | "notnull":
            sql = f"{text} is {'not ' * (op == 'notnull')}null"
        case "includes":
            sql = f"{found} @> {bind(value)}::text::jsonb"
        case "in":
            sql = f"{text} = any({bind(value)}::text[])"
        case "=" | "!=" | "<" | "<=" | ">" | ">=":
            sql = _json_compared(found, text, op, bind(value), is_number=_is_number(str(value)))
        case _:
            sql = _like(text, op, str(value), bind)
    return sql


def _json_compared(found: str, text: str, op: str, given: str, *, is_number: bool) -> str:
    """Compare numbers as numbers; times in JSON are texts whose order is that of their letters."""
    sign = _COMPARED[op]
    if not is_number:
        return f'{text} collate "C" {sign} {given}::text'
    compared = f"{text}::numeric {sign} {given}::text::numeric"
    other = f"{text} {sign} {given}::text" if op in ("=", "!=") else "false"
    return f"case when jsonb_typeof({found}) = 'number' then {compared} else {other} end"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return (
        text.isascii()
        and "_" not in text
        and text.strip().lstrip("+-")[:1] not in {"i", "n", "I", "N"}
    )
