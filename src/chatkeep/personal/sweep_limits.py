"""How many sessions a user keeps: which ones go beyond that, as SQL.

A session goes when so many newer ones of its user are live. The place of the oldest one that stays
is worked out once for each user among the rows of a call, never once for each row.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Table,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
)

from chatkeep.personal.sweep_queries import Kind, given_keys, is_given
from chatkeep.personal.sweep_rules import Where


def has_more(table: Table, most: int) -> Where:
    """Say that the row's user has more rows than that; reads no more than one of them beyond."""
    others = table.alias("others")
    mine = select(literal_column("1")).where(others.c["user_id"] == table.c["user_id"])
    return exists(mine.offset(most).limit(1).correlate(table))


def limited(kind: Kind, limit: tuple[int, int], now: ColumnElement[datetime]) -> Kind:
    """Add to what has expired what is live and beyond the limit.

    Args:
        kind: Of what expires; `at` is its end.
        limit: Number of the policy, and how many stay.
        now: From when on a row is live.
    """
    table, (number, most) = kind.table, limit
    oldest = _oldest(kind, most, now)
    place, last = (tuple_(*(each.c[name] for name in _order(kind))) for each in (table, oldest))
    is_beyond = and_(kind.at > now, place < last)
    beyond = case((is_beyond, literal(number, Integer())))
    return replace(
        kind,
        source=table.outerjoin(oldest, oldest.c["user_id"] == table.c["user_id"]),
        number=func.coalesce(kind.number, beyond),
        at=case((kind.at > now, table.c["created_at"]), else_=kind.at),
    )


def _oldest(kind: Kind, most: int, now: ColumnElement[datetime]) -> Any:  # noqa: ANN401 - a CTE
    """Give the oldest session that stays of each user among the rows of a call."""
    table = kind.table
    given = given_keys(kind)
    joined = table.join(given, is_given(kind, given))
    users = select(table.c["user_id"]).select_from(joined).distinct().subquery("users")
    other = table.alias("other")
    ends = other.c[kind.at.key or ""]
    order = [other.c[name] for name in _order(kind)]
    newest = (
        select(*order)
        .where(other.c["user_id"] == users.c["user_id"], ends > now)
        .order_by(*(column.desc() for column in order))
        .offset(most - 1)
        .limit(1)
        .lateral("newest")
    )
    clause = select(users.c["user_id"], *newest.c).select_from(users.join(newest, true()))
    return clause.cte("oldest").prefix_with("MATERIALIZED")


def _order(kind: Kind) -> tuple[str, ...]:
    return ("created_at", *kind.key)
