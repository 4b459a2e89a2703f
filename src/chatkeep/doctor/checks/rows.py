"""Rows of conversations that refer to something that is not there. Bounded: see `Limits.rows`."""

# ruff: noqa: S608 - only names go into these statements, quoted by ident

import re
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ForeignKeyConstraint, Table

from chatkeep.doctor.check import Check
from chatkeep.doctor.checks.declared import path_of, quoted
from chatkeep.doctor.finding import Found, Severity
from chatkeep.doctor.place import Place, told
from chatkeep.kit.catalog.catalog import Catalog
from chatkeep.kit.plan.quoting import ident

_SET_NULL = re.compile(r"SET\s+NULL(?:\s*\((.*)\))?\s*\Z", re.IGNORECASE)

# Whether row-level security may hide rows from this role: it does not where a policy shows it every
# row and no restrictive one takes some away.
_SIZE = """
with mine as (
  select p.polpermissive, pg_catalog.pg_get_expr(p.polqual, p.polrelid) as shown
  from pg_catalog.pg_policy p
  where p.polrelid = $1::int8::oid and p.polcmd in ('*', 'r') and exists (
    select from unnest(p.polroles) as r (oid)
    where case when r.oid = 0 then true else pg_catalog.pg_has_role(r.oid, 'USAGE') end))
select c.reltuples::float8, pg_catalog.row_security_active(c.oid) and (
  not exists (select from mine where polpermissive and shown = 'true')
  or exists (select from mine where not polpermissive))
from pg_catalog.pg_class c where c.oid = $1::int8::oid
"""
_OID = "select pg_catalog.to_regclass($1)::oid::int8"


async def _rows_there(place: Place, table: Table) -> float | None:
    """Give how many rows a table may have; None, and the report says so, where some are hidden."""
    name = quoted(table)
    oid = (await place.fetch(_OID, name))[0][0]
    rows, hidden = (await place.fetch(_SIZE, oid))[0]
    if hidden:
        place.blind(f"row-level security hides rows of {name} from the role {place.role}")
        return None
    return float(rows)


async def _part(place: Place, table: Table, *others: Table) -> str | None:
    """Give the table, or a part of a big one, as it stands after FROM.

    None where rows of it are hidden, or of another table that its rows are compared with: what is
    hidden would count as gone.
    """
    name = quoted(table)
    counted = [await _rows_there(place, each) for each in (table, *others)]
    if any(rows is None for rows in counted):
        return None
    rows, limit = counted[0] or 0, place.limits.rows
    if rows <= limit:
        return name
    share = 100 * limit / rows
    place.blind(f"only about {share:.2g} % of the rows of {name} were looked at, here and there")
    return f"{name} TABLESAMPLE SYSTEM ({share})"


async def _there(place: Place, attribute: str, *columns: str) -> Table | None:
    """Give a table of the preset, where schema and database have it with these columns."""
    table = place.table_of(attribute, *columns)
    if table is None or path_of(table) not in await place.declared_there():
        return None
    catalog = await place.catalog()
    there = {column.name for column in catalog.columns(*path_of(table))}
    return table if set(columns) <= there else None


async def _count(place: Place, sql: str) -> int:
    return int((await place.fetch(sql))[0][0])


def _many(count: int, one: str, more: str) -> str:
    return f"One {one}" if count == 1 else f"{count} {more}"


async def _parents(place: Place) -> Sequence[Found]:
    message = await _there(place, "messages", "id", "user_id", "chat_id", "parent_id", "seq")
    if message is None:
        return []
    some = await _part(place, message)
    if some is None:
        return []
    name = quoted(message)
    lost = (
        f'm."parent_id" IS NOT NULL AND NOT EXISTS (SELECT FROM {name} AS p '
        'WHERE p."user_id" = m."user_id" AND p."id" = m."parent_id")'
    )
    count = await _count(place, f"SELECT count(*) FROM {some} AS m WHERE {lost}")
    if not count:
        return []
    before = (
        f'(SELECT b."id" FROM {name} AS b WHERE b."user_id" = m."user_id" '
        'AND b."chat_id" = m."chat_id" AND b."seq" < m."seq" ORDER BY b."seq" DESC LIMIT 1)'
    )
    return [
        Found(
            f"table {name}",
            f"{_many(count, 'message follows', 'messages follow')} a message that is not there; "
            "the command lets them follow the one before.",
            f'UPDATE {name} AS m SET "parent_id" = {before} WHERE {lost};',
        )
    ]


async def _heads(place: Place) -> Sequence[Found]:
    chat = await _there(place, "chats", "id", "user_id", "head")
    message = await _there(place, "messages", "id", "user_id", "chat_id", "seq", "deleted_at")
    if chat is None or message is None:
        return []
    some = await _part(place, chat, message)
    if some is None:
        return []
    chats, messages = quoted(chat), quoted(message)
    lost = (
        f'c."head" IS NOT NULL AND NOT EXISTS (SELECT FROM {messages} AS h '
        'WHERE h."user_id" = c."user_id" AND h."id" = c."head" AND h."chat_id" = c."id")'
    )
    count = await _count(place, f"SELECT count(*) FROM {some} AS c WHERE {lost}")
    if not count:
        return []
    last = (
        f'(SELECT m."id" FROM {messages} AS m WHERE m."user_id" = c."user_id" '
        'AND m."chat_id" = c."id" AND m."deleted_at" IS NULL ORDER BY m."seq" DESC LIMIT 1)'
    )
    return [
        Found(
            f"table {chats}",
            f"{_many(count, 'chat ends', 'chats end')} at a message that is not there; the command "
            "lets them end at their last.",
            f'UPDATE {chats} AS c SET "head" = {last} WHERE {lost};',
        )
    ]


async def _answers(place: Place) -> Sequence[Found]:
    running = await _there(place, "running_answers", "user_id", "message_id", "updated_at")
    if running is None:
        return []
    name = quoted(running)
    if await _part(place, running) is None:
        return []
    silent = place.limits.answer_silent
    seconds = silent.total_seconds()
    rows = await place.fetch(
        'SELECT count(*), extract(epoch from max(clock_timestamp() - "updated_at"))::float8 '
        f"FROM {name} WHERE \"updated_at\" < clock_timestamp() - $1::float8 * interval '1 second'",
        seconds,
    )
    count, longest = rows[0]
    if not count:
        return []
    length = told(timedelta(seconds=longest))
    return [
        Found(
            f"table {name}",
            f"{_many(count, 'answer is', 'answers are')} running whose writer has given no sign "
            f"for {length}.",
            "await db.messages.sweep_interrupted()",
            "python",
        )
    ]


async def _references(place: Place) -> Sequence[Found]:
    """Look for rows without their chat or user where no foreign key in force prevents them."""
    catalog, found = await place.catalog(), list[Found]()
    for path, table in (await place.declared_there()).items():
        shape = catalog.shape(*path)
        if shape is None:
            continue
        kept = {key.columns for key in shape.foreign_keys if "NOT VALID" not in key.extra}
        for key in table.foreign_key_constraints:
            if tuple(key.column_keys) not in kept and _can_be_read(key, catalog):
                found += await _orphans(place, table, key)
    return found


def _can_be_read(key: ForeignKeyConstraint, catalog: Catalog) -> bool:
    """Whether the database has the columns on both sides."""
    sides = (key.table, key.referred_table)
    there = [{column.name for column in catalog.columns(*path_of(side))} for side in sides]
    return all(
        element.parent.name in there[0] and element.column.name in there[1]
        for element in key.elements
    )


async def _orphans(place: Place, table: Table, key: ForeignKeyConstraint) -> list[Found]:
    some = await _part(place, table, key.referred_table)
    if some is None:
        return []
    pairs = [(ident(e.parent.name), ident(e.column.name)) for e in key.elements]
    same = " AND ".join(f"t.{theirs} = r.{ours}" for ours, theirs in pairs)
    set_ = " AND ".join(f"r.{ours} IS NOT NULL" for ours, _ in pairs)
    target, name = quoted(key.referred_table), quoted(table)
    lost = f"{set_} AND NOT EXISTS (SELECT FROM {target} AS t WHERE {same})"
    count = await _count(place, f"SELECT count(*) FROM {some} AS r WHERE {lost}")
    if not count:
        return []
    what = _many(count, "row refers", "rows refer")
    emptied = _emptied(key, await place.catalog())
    if emptied:
        says = "the command takes the reference away and keeps the rest."
        sets = ", ".join(f"{ident(column)} = NULL" for column in emptied)
        mend = f"UPDATE {name} AS r SET {sets} WHERE {lost};"
    else:
        says = "the first command shows them, the second DELETES them."
        mend = f"SELECT * FROM {name} AS r WHERE {lost};\nDELETE FROM {name} AS r WHERE {lost};"
    message = f"{what} to a row of {target} that is not there; {says}"
    return [Found(f"table {name}", message, mend)]


def _emptied(key: ForeignKeyConstraint, catalog: Catalog) -> list[str]:
    """Give the columns that ON DELETE SET NULL would empty; none under any other rule."""
    rule = _SET_NULL.match(key.ondelete or "")
    if rule is None:
        return []
    named = {name.strip().strip('"') for name in (rule.group(1) or "").split(",") if name.strip()}
    columns = {column.name: column for column in catalog.columns(*path_of(key.table))}
    return [
        name
        for name in (str(element.parent.name) for element in key.elements)
        if not columns[name].not_null and (not named or name in named)
    ]


CHECKS = (
    Check(
        "orphaned-rows",
        Severity.ERROR,
        "They belong to nobody, so no erasure finds them and no foreign key can be put in force.",
        _references,
    ),
    Check(
        "parent-missing",
        Severity.ERROR,
        "The branch ends there: what stands before is not shown.",
        _parents,
    ),
    Check(
        "head-missing",
        Severity.ERROR,
        "The chat is shown without its messages.",
        _heads,
    ),
    Check(
        "answer-abandoned",
        Severity.WARNING,
        "Its chat takes no other answer until somebody ends it.",
        _answers,
    ),
)
